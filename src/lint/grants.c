#include "lint/priv.h"

#include "iam/match.h"

#include <string.h>

/* What statements grant. Conditions and resources count where they choose, and are ignored where they do not.
 */

GPtrArray *
rb_lint_documents(const RbLint *lint, const RbRole *role)
{
    GPtrArray *out = g_ptr_array_new();

    for (guint i = 0; i < role->policies->len; i++)
        g_ptr_array_add(out, ((const RbTaskPolicy *)role->policies->pdata[i])->document);
    for (guint i = 0; role->managed[i] != NULL; i++) {
        const RbPolicy *known = rb_snapshot_managed(lint->snapshot, role->managed[i]);
        if (known != NULL)
            g_ptr_array_add(out, (gpointer)known);
    }
    return out;
}

void
rb_lint_each(RbLint *lint, void (*look)(RbLint *lint, const RbPolicyStatement *s))
{
    for (guint i = 0; i < lint->policies->len; i++) {
        const RbPolicy *document = ((const RbTaskPolicy *)lint->policies->pdata[i])->document;
        for (guint k = 0; k < document->n_statements; k++)
            look(lint, &document->statements[k]);
    }
}

/* Keys that say when and from where, and not what or whose. */
static gboolean
is_circumstance(const char *key)
{
    static const char *const circumstances[] = { "aws:SecureTransport",
                                                 "aws:MultiFactorAuthPresent",
                                                 "aws:MultiFactorAuthAge",
                                                 "aws:SourceIp",
                                                 "aws:RequestedRegion",
                                                 "aws:CurrentTime",
                                                 "aws:EpochTime",
                                                 "aws:UserAgent",
                                                 "aws:referer",
                                                 "aws:TokenIssueTime",
                                                 "aws:SourceVpc",
                                                 "aws:SourceVpce",
                                                 "aws:PrincipalAccount",
                                                 "aws:PrincipalOrgID",
                                                 "aws:VpcSourceIp",
                                                 NULL };

    for (guint i = 0; circumstances[i] != NULL; i++)
        if (g_ascii_strcasecmp(circumstances[i], key) == 0)
            return TRUE;
    return FALSE;
}

gboolean
rb_lint_limited(const RbPolicyStatement *s, const char *but)
{
    for (guint i = 0; i < s->n_conditions; i++)
        if (!is_circumstance(s->conditions[i].key.text) &&
            (but == NULL || g_ascii_strcasecmp(s->conditions[i].key.text, but) != 0))
            return TRUE;
    return FALSE;
}

static gboolean
among_actions(const RbPolicyStatement *s, const char *action)
{
    for (guint i = 0; i < s->actions.n; i++)
        if (rb_match_action(s->actions.at[i].text, action))
            return TRUE;
    return FALSE;
}

gboolean
rb_lint_names(const RbPolicyStatement *s, const char *action)
{
    return s->allow && among_actions(s, action) != s->not_action;
}

const char *
rb_lint_resource_part(const char *arn)
{
    for (guint colons = 0; colons < 5; colons++) {
        const char *colon = strchr(arn, ':');
        if (colon == NULL)
            return NULL;
        arn = colon + 1;
    }
    return arn;
}

/* "arn:aws:iam::*:role/app": nothing of the name itself is open. */
static gboolean
is_wide(const char *resource, const char *part)
{
    const char *name = rb_lint_resource_part(resource);

    if (name == NULL) /* "*", or an ARN cut short by a wildcard */
        return strchr(resource, '*') != NULL;
    if (part == NULL || *name == '*')
        return TRUE;
    name = strstr(name - 1, part);
    return name != NULL && strchr(name, '*') != NULL;
}

gboolean
rb_lint_wide(const RbPolicyStatement *s, const char *part)
{
    for (guint i = 0; i < s->resources.n && !s->not_resource; i++)
        if (is_wide(s->resources.at[i].text, part))
            return TRUE;
    return s->not_resource;
}

/* Whether a Deny without conditions takes @action away everywhere. */
static gboolean
denies(const RbPolicy *policy, const char *action)
{
    for (guint i = 0; i < policy->n_statements; i++) {
        const RbPolicyStatement *s = &policy->statements[i];
        if (!s->allow && s->n_conditions == 0 && !s->not_resource && s->resources.n == 1 &&
            g_str_equal(s->resources.at[0].text, "*") && among_actions(s, action) != s->not_action)
            return TRUE;
    }
    return FALSE;
}

static gboolean
allows(const RbPolicy *policy, const char *action)
{
    for (guint i = 0; i < policy->n_statements; i++)
        if (rb_lint_names(&policy->statements[i], action))
            return TRUE;
    return FALSE;
}

gboolean
rb_lint_withheld(const RbRole *role, const GPtrArray *documents, const char *action)
{
    for (guint i = 0; i < documents->len; i++)
        if (denies(documents->pdata[i], action))
            return TRUE;
    return role->session_policy != NULL &&
           (denies(role->session_policy, action) || !allows(role->session_policy, action));
}

/* The catalogue's order: services, then names. */
static gint
in_order(gconstpointer a, gconstpointer b)
{
    const RbAction *x = *(const RbAction *const *)a, *y = *(const RbAction *const *)b;
    int services = strcmp(x->service, y->service);

    return services != 0 ? services : g_ascii_strcasecmp(x->name, y->name);
}

static void
add_unless_known(GPtrArray *out, GHashTable *known, const GPtrArray *more, RbAccessLevel level)
{
    for (guint i = 0; i < more->len; i++) {
        const RbAction *a = more->pdata[i];
        if (a->level >= level && g_hash_table_add(known, (gpointer)a))
            g_ptr_array_add(out, (gpointer)a);
    }
}

GPtrArray *
rb_lint_actions(const RbPolicyStatement *s, RbAccessLevel level)
{
    GPtrArray *out = g_ptr_array_new();
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < s->actions.n; i++) {
        g_autoptr(GPtrArray) more = rb_catalogue_expand(s->actions.at[i].text);
        add_unless_known(out, known, more, level);
    }
    if (s->not_action) { /* all but these */
        g_autoptr(GPtrArray) all = rb_catalogue_expand("*");
        g_ptr_array_set_size(out, 0);
        add_unless_known(out, known, all, level);
    }
    g_ptr_array_sort(out, in_order);
    return out;
}

char *
rb_lint_examples(const GPtrArray *actions)
{
    enum { SHOWN = 3 };
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < actions->len && (i < SHOWN || actions->len == SHOWN + 1); i++) {
        const RbAction *a = actions->pdata[i];
        g_string_append_printf(out, "%s%s:%s", i == 0 ? "" : ", ", a->service, a->name);
    }
    if (actions->len > SHOWN + 1)
        g_string_append_printf(out, " and %u more", actions->len - SHOWN);
    return g_string_free(out, FALSE);
}
