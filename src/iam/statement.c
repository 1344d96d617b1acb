#include "iam/arn.h"
#include "iam/evaluate_priv.h"
#include "iam/match.h"
#include "iam/match_priv.h"

#include <string.h>

static char *
account_of(const char *arn)
{
    const char *at = arn, *end;

    for (guint i = 0; i < 4; i++) {
        end = rb_arn_field_end(at, i);
        if (!*end)
            return NULL;
        at = end + 1;
    }
    end = rb_arn_field_end(at, 4);
    return end - at == 12 ? g_strndup(at, 12) : NULL;
}

/* A principal's account is the fifth field of its ARN; "aws" and "" are nobody's. */
char *
rb_request_account(const RbRequest *request)
{
    char *account = NULL;

    if (request->principal_account)
        return g_strdup(request->principal_account);
    if (request->principal)
        account = account_of(request->principal);
    if (!account && request->session)
        account = account_of(request->session);
    return account ? account : g_strdup("");
}

char *
rb_request_owner(const RbRequest *request)
{
    char *account = request->resource_account ? g_strdup(request->resource_account) : NULL;

    if (!account && request->resource)
        account = account_of(request->resource);
    return account ? account : rb_request_account(request);
}

static gboolean
is(const char *a, const char *b)
{
    return a && b && *a && strcmp(a, b) == 0;
}

/* "111122223333", or "arn:aws:iam::111122223333:root". */
static gboolean
names_account(const char *value, const char *account)
{
    g_autofree char *of = NULL;

    if (is(value, account))
        return TRUE;
    if (!g_str_has_suffix(value, ":root"))
        return FALSE;
    of = account_of(value);
    return of && is(of, account);
}

static RbNamed
names_aws(const char *value, const RbRequest *request)
{
    g_autofree char *account = NULL;

    if (strcmp(value, "*") == 0 || is(value, request->session))
        return RB_NAMED_DIRECTLY;
    if (is(value, request->principal))
        return request->session || strstr(value, ":role/") ? RB_NAMED_ROLE : RB_NAMED_DIRECTLY;
    account = rb_request_account(request);
    return names_account(value, account) ? RB_NAMED_ACCOUNT : RB_NAMED_NOT;
}

static RbNamed
names_one(const char *kind, const char *value, const RbRequest *request)
{
    if (strcmp(kind, "*") == 0)
        return RB_NAMED_DIRECTLY;
    if (strcmp(kind, "AWS") == 0)
        return names_aws(value, request);
    if (strcmp(kind, "Federated") == 0)
        return is(value, request->federated) ? RB_NAMED_DIRECTLY : RB_NAMED_NOT;
    if (strcmp(kind, "Service") == 0)
        return is(value, request->service) ? RB_NAMED_DIRECTLY : RB_NAMED_NOT;
    return RB_NAMED_NOT;
}

RbNamed
rb_statement_names(const RbPolicyStatement *statement, const RbRequest *request)
{
    RbNamed most = RB_NAMED_NOT;

    for (guint i = 0; i < statement->n_principals; i++) {
        const RbPolicyPrincipal *entry = &statement->principals[i];

        for (guint j = 0; j < entry->values.n; j++) {
            RbNamed named = names_one(entry->kind.text, entry->values.at[j].text, request);

            most = MAX(most, named);
        }
    }
    if (statement->not_principal)
        return most == RB_NAMED_NOT ? RB_NAMED_DIRECTLY : RB_NAMED_NOT;
    return most;
}

static gboolean
action_holds(const RbPolicyStatement *statement, const char *action)
{
    gboolean wide = statement->allow != statement->not_action;

    for (guint i = 0; i < statement->actions.n; i++) {
        const char *pattern = statement->actions.at[i].text;

        if (wide ? rb_match_action_wide(pattern, action) : rb_match_action(pattern, action))
            return !statement->not_action;
    }
    return statement->not_action;
}

/* Variables are resolved behind the fifth colon alone; one that stands before it makes a pattern that matches
 * nothing, as one without a value does. */
static gboolean
resource_matches(const char *pattern, const RbRequest *request, gboolean variables, gboolean wide)
{
    const char *first = variables ? strstr(pattern, "${") : NULL;
    g_autofree char *expanded = NULL;
    guint colons = 0;

    if (!first)
        return rb_match_fields(pattern, request->resource, rb_wild_written, wide);
    for (const char *at = pattern; at < first; at++)
        colons += *at == ':';
    if (colons < 5)
        return FALSE;
    expanded = rb_variables_expand(pattern, request->context, TRUE);
    return expanded && rb_match_fields(expanded, request->resource, rb_wild_expanded, wide);
}

static gboolean
resource_holds(const RbPolicy *policy, const RbPolicyStatement *statement, const RbRequest *request)
{
    gboolean wide = statement->allow != statement->not_resource;
    gboolean variables = rb_policy_has_variables(policy->version);

    if (!statement->resources.n) /* the policy hangs on the resource itself */
        return policy->kind == RB_POLICY_TRUST || policy->kind == RB_POLICY_RESOURCE;
    for (guint i = 0; i < statement->resources.n; i++) {
        if (resource_matches(statement->resources.at[i].text, request, variables, wide))
            return !statement->not_resource;
    }
    return statement->not_resource;
}

gboolean
rb_statement_covers(const RbPolicy *policy, const RbPolicyStatement *statement, const RbRequest *request)
{
    return action_holds(statement, request->action) && resource_holds(policy, statement, request);
}

guint
rb_statement_missed(const RbPolicy *policy, const RbPolicyStatement *statement,
                    const RbRequestContext *context, const RbPolicyCondition **first)
{
    guint missed = 0;

    *first = NULL;
    for (guint i = 0; i < statement->n_conditions; i++) {
        if (rb_condition_holds(&statement->conditions[i], policy->version, context))
            continue;
        if (!missed++)
            *first = &statement->conditions[i];
    }
    return missed;
}

gboolean
rb_policy_kind_has_principals(RbPolicyKind kind)
{
    return kind == RB_POLICY_TRUST || kind == RB_POLICY_RESOURCE || kind == RB_POLICY_RESOURCE_CONTROL;
}

gboolean
rb_statement_applies(const RbPolicy *policy, const RbPolicyStatement *statement, const RbRequest *request)
{
    if (rb_policy_kind_has_principals(policy->kind) && rb_statement_names(statement, request) == RB_NAMED_NOT)
        return FALSE;
    if (!rb_statement_covers(policy, statement, request))
        return FALSE;
    for (guint i = 0; i < statement->n_conditions; i++) {
        if (!rb_condition_holds(&statement->conditions[i], policy->version, request->context))
            return FALSE;
    }
    return TRUE;
}
