#include "iam/evaluate.h"

#include "iam/evaluate_priv.h"

#include <string.h>

/* The order of reference §8.4. */

typedef struct {
    const RbPolicySets *sets;
    const RbRequest *request;
    RbVerdict *verdict;
} Case;

static gboolean
decide(Case *c, RbVerdictOutcome outcome, const RbPolicy *policy, const RbPolicyStatement *statement)
{
    *c->verdict =
        (RbVerdict){ .outcome = outcome, .kind = policy->kind, .policy = policy, .statement = statement };
    return TRUE;
}

static const RbPolicyStatement *
find(const RbPolicy *policy, const RbRequest *request, gboolean allow)
{
    for (guint i = 0; i < policy->n_statements; i++) {
        const RbPolicyStatement *statement = &policy->statements[i];

        if (statement->allow == allow && rb_statement_applies(policy, statement, request))
            return statement;
    }
    return NULL;
}

/* The first statement of @policies that applies decides. */
static gboolean
decided(Case *c, const RbPolicies *policies, gboolean allow)
{
    for (guint i = 0; i < policies->n; i++) {
        const RbPolicyStatement *statement = find(policies->at[i], c->request, allow);

        if (statement)
            return decide(c, allow ? RB_OUTCOME_ALLOWED : RB_OUTCOME_DENIED, policies->at[i], statement);
    }
    return FALSE;
}

/* Of the Allows that only conditions kept away, the one with the fewest of them. */
static guint
look_near(Case *c, const RbPolicies *policies, guint fewest)
{
    for (guint i = 0; i < policies->n; i++) {
        const RbPolicy *policy = policies->at[i];

        for (guint j = 0; j < policy->n_statements; j++) {
            const RbPolicyStatement *statement = &policy->statements[j];
            const RbPolicyCondition *first;
            guint missed;

            if (!statement->allow || !rb_statement_covers(policy, statement, c->request) ||
                (rb_policy_kind_has_principals(policy->kind) &&
                 rb_statement_names(statement, c->request) == RB_NAMED_NOT))
                continue;
            missed = rb_statement_missed(policy, statement, c->request->context, &first);
            if (!missed || missed >= fewest)
                continue;
            fewest = missed;
            c->verdict->near = statement;
            c->verdict->missed = first;
        }
    }
    return fewest;
}

static void
not_allowed(Case *c, RbPolicyKind kind, const RbPolicies *by)
{
    *c->verdict = (RbVerdict){ .outcome = RB_OUTCOME_NOT_ALLOWED, .kind = kind };
    (void)look_near(c, by, G_MAXUINT);
}

/* The resource's own policy as a list, so that it is read like the others. */
static RbPolicies
own(const RbPolicySets *sets)
{
    return (RbPolicies){ &sets->resource, sets->resource ? 1 : 0 };
}

/* A Deny with NotPrincipal denies whoever has a boundary, even if it names them (IAM's guide,
 * "NotPrincipal"). */
static gboolean
denied_beyond_boundary(Case *c)
{
    const RbPolicy *policy = c->sets->boundary.n ? c->sets->resource : NULL;

    for (guint i = 0; policy && i < policy->n_statements; i++) {
        const RbPolicyStatement *statement = &policy->statements[i];
        const RbPolicyCondition *first;

        if (!statement->allow && statement->not_principal &&
            rb_statement_covers(policy, statement, c->request) &&
            !rb_statement_missed(policy, statement, c->request->context, &first))
            return decide(c, RB_OUTCOME_DENIED, policy, statement);
    }
    return FALSE;
}

static gboolean
denied(Case *c, gboolean of_account)
{
    const RbPolicySets *sets = c->sets;
    RbPolicies resource = own(sets);

    for (guint i = 0; of_account && i < sets->n_service_control; i++) {
        if (decided(c, &sets->service_control[i], FALSE))
            return TRUE;
    }
    return decided(c, &sets->resource_control, FALSE) || decided(c, &sets->identity, FALSE) ||
           decided(c, &resource, FALSE) || denied_beyond_boundary(c) || decided(c, &sets->boundary, FALSE) ||
           decided(c, &sets->session, FALSE);
}

/* Whoever limits must allow; one that is not there does not limit. */
static gboolean
limited(Case *c, const RbPolicies *limit, RbPolicyKind kind)
{
    if (!limit->n || decided(c, limit, TRUE))
        return FALSE;
    not_allowed(c, kind, limit);
    return TRUE;
}

/* The Allow of the resource's policy that names who asks most directly. */
static RbNamed
named_by_resource(const Case *c, const RbPolicyStatement **statement)
{
    const RbPolicy *policy = c->sets->resource;
    RbNamed most = RB_NAMED_NOT;

    for (guint i = 0; policy && i < policy->n_statements; i++) {
        const RbPolicyStatement *at = &policy->statements[i];
        RbNamed named = at->allow ? rb_statement_names(at, c->request) : RB_NAMED_NOT;

        if (named > most && rb_statement_applies(policy, at, c->request)) {
            most = named;
            *statement = at;
        }
    }
    return most;
}

/* Boundary and session policy; then what @policy and @statement said stands. */
static void
within_limits(Case *c, const RbPolicy *policy, const RbPolicyStatement *statement)
{
    if (!limited(c, &c->sets->boundary, RB_POLICY_BOUNDARY) &&
        !limited(c, &c->sets->session, RB_POLICY_SESSION))
        (void)decide(c, RB_OUTCOME_ALLOWED, policy, statement);
}

static void
by_identity(Case *c)
{
    const RbPolicies resource = own(c->sets);

    if (decided(c, &c->sets->identity, TRUE)) {
        RbVerdict allowed = *c->verdict;

        within_limits(c, allowed.policy, allowed.statement);
        return;
    }
    *c->verdict = (RbVerdict){ .outcome = RB_OUTCOME_NOT_ALLOWED, .kind = RB_POLICY_IDENTITY };
    (void)look_near(c, &resource, look_near(c, &c->sets->identity, G_MAXUINT));
}

/* Role trust and key policies are the only gate to what they guard: without their Allow nobody passes. */
static gboolean
must_be_named(const Case *c)
{
    return c->sets->resource && (c->sets->resource->kind == RB_POLICY_TRUST ||
                                 g_ascii_strncasecmp(c->request->action, "kms:", 4) == 0);
}

static void
by_resource_or_identity(Case *c, gboolean of_account, gboolean same)
{
    const RbPolicyStatement *statement = NULL;
    RbNamed named = named_by_resource(c, &statement);

    if (named == RB_NAMED_NOT && (!same || !of_account || must_be_named(c))) {
        const RbPolicies resource = own(c->sets);

        not_allowed(c, c->sets->resource ? c->sets->resource->kind : RB_POLICY_RESOURCE, &resource);
    } else if (!of_account || (same && named == RB_NAMED_DIRECTLY)) {
        (void)decide(c, RB_OUTCOME_ALLOWED, c->sets->resource, statement);
    } else if (same && named == RB_NAMED_ROLE) {
        within_limits(c, c->sets->resource, statement);
    } else {
        by_identity(c);
    }
}

void
rb_evaluate(const RbPolicySets *sets, const RbRequest *request, RbVerdict *verdict)
{
    Case c = { sets, request, verdict };
    g_autofree char *account = rb_request_account(request), *owner = rb_request_owner(request);
    gboolean of_account = *account != '\0' && !request->federated && !request->service;

    if (denied(&c, of_account))
        return;
    for (guint i = 0; of_account && i < sets->n_service_control; i++) {
        if (limited(&c, &sets->service_control[i], RB_POLICY_SERVICE_CONTROL))
            return;
    }
    by_resource_or_identity(&c, of_account, strcmp(account, owner) == 0);
}
