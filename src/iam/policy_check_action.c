#include "iam/catalogue.h"
#include "iam/match.h"
#include "iam/policy_check_priv.h"

#include "base/encoding.h"

#include <string.h>

/* Action and NotAction: whether AWS knows them, and the two that hand a role to somebody else. */

static gboolean
has_wildcard(const char *text)
{
    return strpbrk(text, "*?") != NULL;
}

static gboolean
is_known(const char *action)
{
    g_autoptr(GPtrArray) found = NULL;

    if (!has_wildcard(action))
        return rb_catalogue_action(action) != NULL;
    found = rb_catalogue_expand(action);
    return found->len > 0;
}

static void
check_action(const RbPolicyCheck *check, const RbPolicyText *action)
{
    const char *colon = strchr(action->text, ':');
    g_autofree char *prefix = colon == NULL ? NULL : g_strndup(action->text, (gsize)(colon - action->text));
    g_autofree char *quoted = rb_text_quote(action->text), *hint = NULL;
    const char *near;

    if (prefix == NULL) /* "*" */
        return;
    if (has_wildcard(prefix)) {
        RB_FIND(check, SUGGESTION, "WILDCARD_IN_SERVICE_NAME", action->place, "name the service",
                "%s has a wildcard where the service stands", quoted);
        return;
    }
    near = rb_catalogue_nearest(rb_catalogue_has_service(prefix) ? action->text : prefix);
    hint =
        near == NULL || g_str_equal(near, action->text) ? NULL : g_strdup_printf("did you mean '%s'?", near);
    if (!rb_catalogue_has_service(prefix))
        RB_FIND(check, ERROR, "INVALID_SERVICE_IN_ACTION", action->place, hint, "AWS has no service '%s'",
                prefix);
    else if (!is_known(action->text))
        RB_FIND(check, ERROR, "INVALID_ACTION", action->place, hint, "AWS has no action %s", quoted);
}

static gboolean
covers_action(const char *wide, const char *narrow)
{
    g_autofree char *a = g_ascii_strdown(wide, -1), *b = g_ascii_strdown(narrow, -1);

    return rb_match_covers(a, b);
}

/* ---- handing on a role ---- */

/* An action whose resource is the role that somebody gets, and the key that says who. */
static const struct Handing {
    const char *action, *key;
    RbSeverity severity;
    const char *codes[3][2]; /* by how the action is written: named, with '*', NotAction; by the resource */
} handings[] = {
    { "iam:PassRole",
      "iam:PassedToService",
      RB_SEVERITY_SECURITY,
      { { "PASS_ROLE_WITH_STAR_IN_RESOURCE", "PASS_ROLE_WITH_NOT_RESOURCE" },
        { "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", "PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE" },
        { "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
          "PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE" } } },
    { "iam:CreateServiceLinkedRole",
      "iam:AWSServiceName",
      RB_SEVERITY_WARNING,
      { { "CREATE_SLR_WITH_STAR_IN_RESOURCE", "CREATE_SLR_WITH_NOT_RESOURCE" },
        { "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE", "CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE" },
        { "CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
          "CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE" } } },
};

/* Every role of an account, or of all: the name is a wildcard alone. */
static gboolean
is_every_role(const char *resource)
{
    const char *at = resource;

    if (g_str_equal(resource, "*"))
        return TRUE;
    for (guint i = 0; i < 5 && at != NULL; i++) {
        at = strchr(at, ':');
        at = at == NULL ? NULL : at + 1;
    }
    if (at == NULL)
        return g_str_has_suffix(resource, "*");
    at += g_str_has_prefix(at, "role") ? 4 : 0;
    at += *at == '/';
    return *at == '*' && at[strspn(at, "*/")] == '\0';
}

/* Which of the resources is too wide; NULL: none. */
static const RbPolicyText *
too_wide(const RbPolicyStatement *s)
{
    for (guint i = 0; i < s->resources.n; i++)
        if (s->not_resource || is_every_role(s->resources.at[i].text))
            return &s->resources.at[i];
    return NULL;
}

static void
check_handing(const RbPolicyCheck *check, const struct Handing *h)
{
    const RbPolicyStatement *s = check->s;
    const RbPolicyText *resource = too_wide(s), *action = NULL;
    guint how;

    for (guint i = 0; i < s->actions.n && !s->not_action && action == NULL; i++)
        action = rb_match_action_wide(s->actions.at[i].text, h->action) ? &s->actions.at[i] : NULL;
    if (!s->allow || resource == NULL || rb_policy_has_key(s, h->key) || !rb_policy_takes(s, h->action))
        return;
    how = s->not_action ? 2 : action != NULL && has_wildcard(action->text) ? 1 : 0;
    rb_diagnostics_finding(check->problems, h->severity, h->codes[how][s->not_resource ? 1 : 0],
                           action != NULL ? action->place : s->place,
                           "name the roles in Resource, or the service in a condition",
                           "%s on every role, with no condition on %s", h->action, h->key);
}

void
rb_policy_check_actions(const RbPolicyCheck *check)
{
    const RbPolicyTexts *actions = &check->s->actions;

    for (guint i = 0; i < actions->n; i++)
        check_action(check, &actions->at[i]);
    rb_policy_check_spare(check, *actions, "REDUNDANT_ACTION", covers_action);
    for (gsize i = 0; i < G_N_ELEMENTS(handings); i++)
        check_handing(check, &handings[i]);
    if (check->policy->kind == RB_POLICY_RESOURCE_CONTROL && check->s->not_action)
        RB_FIND(check, ERROR, "RCP_SYNTAX_ERROR_NOTACTION", check->s->place, "use Action",
                "a resource control policy has no NotAction");
    if (check->policy->kind == RB_POLICY_RESOURCE_CONTROL && check->s->allow)
        RB_FIND(check, ERROR, "RCP_SYNTAX_ERROR_ALLOW", check->s->place, "write Deny",
                "a resource control policy only denies");
}
