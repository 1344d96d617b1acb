#include "iam/match.h"
#include "lint/priv.h"

#include <string.h>

/* Whether the parts of a statement go together: an action with these resources, under this condition. */

/* Calls @look with every action of @s that is written out and known: of a pattern, some may fit. */
static void
each_action(RbLint *lint, const RbPolicyStatement *s,
            void (*look)(RbLint *lint, const RbPolicyStatement *s, const RbAction *action, RbPlace place))
{
    for (guint i = 0; i < s->actions.n && !s->not_action; i++) {
        const RbAction *a = rb_catalogue_action(s->actions.at[i].text);
        if (a != NULL)
            look(lint, s, a, s->actions.at[i].place);
    }
}

/* "${…}" may become anything. */
static char *
without_variables(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *at = text; *at != '\0'; at++) {
        const char *close = g_str_has_prefix(at, "${") ? strchr(at, '}') : NULL;
        g_string_append_c(out, close == NULL ? *at : '*');
        at = close == NULL ? at : close;
    }
    return g_string_free(out, FALSE);
}

/* Field by field: a '*' of the partition reaches no further. What has fewer fields is open at its end. */
static gboolean
arns_overlap(const char *a, const char *b)
{
    enum { FIELDS = 6 };
    g_auto(GStrv) x = g_strsplit(a, ":", FIELDS), y = g_strsplit(b, ":", FIELDS);

    if (g_strv_length(x) < FIELDS || g_strv_length(y) < FIELDS)
        return rb_match_overlaps(a, b);
    for (guint i = 0; i < FIELDS; i++)
        if (!rb_match_overlaps(x[i], y[i]))
            return FALSE;
    return TRUE;
}

/* What has a slash is in a bucket, and is none. */
static gboolean
is_in_bucket(const char *resource)
{
    const char *name = strrchr(resource, ':');

    return name != NULL && strchr(name, '/') != NULL;
}

static gboolean
fits(const RbAction *a, const char *resource)
{
    g_autofree char *pattern = without_variables(resource);

    for (guint i = 0; a->resources[i] != NULL; i++)
        for (guint k = 0; a->resources[i]->arns[k] != NULL; k++) {
            g_autofree char *arn = without_variables(a->resources[i]->arns[k]);
            gboolean bucket = g_str_has_suffix(a->resources[i]->arns[k], ":::${BucketName}");
            if (arns_overlap(arn, pattern) && !(bucket && is_in_bucket(pattern)))
                return TRUE;
        }
    return g_str_equal(pattern, "*");
}

static void
say_kinds(RbLint *lint, const RbAction *a, RbPlace place)
{
    enum { SHOWN = 3 };
    g_autoptr(GString) kinds = g_string_new(NULL);

    for (guint i = 0; i <= SHOWN && a->resources[i] != NULL; i++)
        g_string_append_printf(kinds, "%s%s", i == 0 ? "" : ", ", i == SHOWN ? "…" : a->resources[i]->name);
    rb_lint_say(lint, place, "name what it works on, or take the action away",
                "%s:%s works on none of these resources, but on: %s", a->service, a->name, kinds->str);
}

static void
look_at_resources(RbLint *lint, const RbPolicyStatement *s, const RbAction *a, RbPlace place)
{
    for (guint i = 0; i < s->resources.n; i++)
        if (fits(a, s->resources.at[i].text))
            return;
    if (a->resources[0] == NULL)
        rb_lint_say(lint, place, "move it to a statement with resource: \"*\"",
                    "%s:%s takes no resource but \"*\"", a->service, a->name);
    else
        say_kinds(lint, a, place);
}

static void
look_for_other_resources(RbLint *lint, const RbPolicyStatement *s)
{
    if (!s->not_resource && s->resources.n > 0)
        each_action(lint, s, look_at_resources);
}

void
rb_lint_other_resources(RbLint *lint)
{
    rb_lint_each(lint, look_for_other_resources);
}

/* ---- conditions ---- */

static gboolean
among_keys(const char *const *keys, const char *name)
{
    for (; *keys != NULL; keys++)
        if (g_ascii_strcasecmp(*keys, name) == 0)
            return TRUE;
    return FALSE;
}

static gboolean
has_key(const RbAction *a, const char *name)
{
    gboolean found = among_keys(a->keys, name);

    for (guint i = 0; a->resources[i] != NULL && !found; i++)
        found = among_keys(a->resources[i]->keys, name);
    return found;
}

/* What is true of a key that is not there does no harm. */
static gboolean
needs_key(const RbPolicyCondition *c)
{
    return !c->negated && !c->if_exists && c->test != RB_TEST_NULL && c->set != RB_SET_ALL_VALUES;
}

static void
look_at_keys(RbLint *lint, const RbPolicyStatement *s, const RbAction *a, RbPlace place)
{
    for (guint i = 0; i < s->n_conditions; i++) {
        const RbPolicyCondition *c = &s->conditions[i];
        const RbConditionKey *key = rb_catalogue_key(c->key.text);
        if (key == NULL || !needs_key(c) || g_str_has_prefix(key->name, "aws:") || has_key(a, key->name))
            continue;
        rb_lint_say(lint, place, "move it to a statement of its own",
                    "%s:%s knows no %s, so this statement never %s it", a->service, a->name, key->name,
                    s->allow ? "allows" : "denies");
    }
}

static void
look_for_other_keys(RbLint *lint, const RbPolicyStatement *s)
{
    each_action(lint, s, look_at_keys);
}

void
rb_lint_other_keys(RbLint *lint)
{
    rb_lint_each(lint, look_for_other_keys);
}

static void
look_for_mfa(RbLint *lint, const RbPolicyStatement *s)
{
    for (guint i = 0; i < s->n_conditions; i++)
        if (g_ascii_strcasecmp(s->conditions[i].key.text, "aws:MultiFactorAuthPresent") == 0 ||
            g_ascii_strcasecmp(s->conditions[i].key.text, "aws:MultiFactorAuthAge") == 0)
            rb_lint_say(lint, s->conditions[i].key.place, "write privileged: true in the role instead",
                        "%s is never there in a session of this role", s->conditions[i].key.text);
}

void
rb_lint_mfa_conditions(RbLint *lint)
{
    rb_lint_each(lint, look_for_mfa);
}
