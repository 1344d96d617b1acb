#include "lint/priv.h"

#include <jansson.h>
#include <string.h>

/* Rules that judge one task policy, statement by statement. */

enum { SERVICES_MAX = 8, STATEMENTS_MAX = 20 };

static gboolean
has_wildcard(const char *pattern)
{
    return strpbrk(pattern, "*?") != NULL;
}

/* The services that Allow statements of @policy name; "*" stands for all. */
static guint
count_services(const RbPolicy *policy)
{
    g_autoptr(GHashTable) services = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < policy->n_statements; i++) {
        const RbPolicyStatement *s = &policy->statements[i];
        for (guint k = 0; k < s->actions.n && s->allow && !s->not_action; k++) {
            const char *text = s->actions.at[k].text;
            g_hash_table_add(services, g_ascii_strdown(text, (gssize)strcspn(text, ":")));
        }
    }
    return g_hash_table_size(services);
}

void
rb_lint_giant_policies(RbLint *lint)
{
    for (guint i = 0; i < lint->policies->len; i++) {
        const RbTaskPolicy *p = lint->policies->pdata[i];
        guint services = count_services(p->document);
        g_autofree char *text = rb_policy_print(p->document);
        const char *hint = "write one policy for each task";
        if (services > SERVICES_MAX)
            rb_lint_say(lint, p->place, hint, "the policy '%s' reaches into %u services", p->name, services);
        else if (p->document->n_statements > STATEMENTS_MAX)
            rb_lint_say(lint, p->place, hint, "the policy '%s' has %u statements", p->name,
                        p->document->n_statements);
        else if (g_utf8_strlen(text, -1) > RB_POLICY_MANAGED_MAX)
            rb_lint_say(lint, p->place, hint,
                        "the policy '%s' is longer than the %d characters that AWS takes as one", p->name,
                        RB_POLICY_MANAGED_MAX);
    }
}

char *
rb_lint_meaning(const RbPolicy *policy, guint at)
{
    g_autoptr(RbPolicy) one = rb_policy_statements(policy, &at, 1);
    g_autoptr(RbPolicy) normal = rb_policy_normalise(one);
    json_t *document = rb_policy_to_json(normal), *s = json_object_get(document, "Statement");
    char *text, *out;

    (void)json_object_del(json_is_array(s) ? json_array_get(s, 0) : s, "Sid");
    text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    out = g_strdup(text);
    free(text);
    json_decref(document);
    return out;
}

typedef struct {
    const RbTaskPolicy *policy;
    const RbPolicyStatement *statement;
} Origin;

void
rb_lint_repeated_statements(RbLint *lint)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    for (guint i = 0; i < lint->policies->len; i++) {
        const RbTaskPolicy *p = lint->policies->pdata[i];
        for (guint k = 0; k < p->document->n_statements; k++) {
            const RbPolicyStatement *s = &p->document->statements[k];
            char *text = rb_lint_meaning(p->document, k);
            const Origin *first = g_hash_table_lookup(known, text);
            if (first == NULL) {
                Origin *here = g_new(Origin, 1);
                *here = (Origin){ p, s };
                g_hash_table_insert(known, text, here);
                continue;
            }
            if (first->policy != p) /* twice in one policy is AWS's own REDUNDANT_STATEMENT */
                rb_lint_say(lint, s->place, "make it a task policy of its own, and name that in both roles",
                            "the same statement as in '%s' (%s:%u)", first->policy->name,
                            first->statement->place.file, first->statement->place.line);
            g_free(text);
        }
    }
}

/* A pattern that ends a whole service, or reaches actions that give permissions, is more than a convenience.
 */
static void
look_for_wildcards(RbLint *lint, const RbPolicyStatement *s)
{
    for (guint i = 0; i < s->actions.n && s->allow && !s->not_action; i++) {
        const char *pattern = s->actions.at[i].text;
        gboolean whole = g_str_equal(pattern, "*") || g_str_has_suffix(pattern, ":*");
        RbPolicyStatement alone = { .allow = TRUE, .actions = { &s->actions.at[i], 1 } };
        g_autoptr(GPtrArray) found = NULL;
        g_autofree char *examples = NULL;
        if (!has_wildcard(pattern))
            continue;
        found = rb_lint_actions(&alone, whole ? RB_ACCESS_WRITE : RB_ACCESS_PERMISSIONS);
        examples = rb_lint_examples(found);
        if (found->len > 0)
            rb_lint_say(lint, s->actions.at[i].place, "list the actions that the task needs",
                        "'%s' lets %s: %s", pattern, whole ? "write" : "give permissions", examples);
    }
}

void
rb_lint_wildcard_actions(RbLint *lint)
{
    rb_lint_each(lint, look_for_wildcards);
}

static void
look_for_all_but(RbLint *lint, const RbPolicyStatement *s)
{
    if (s->allow && s->not_action)
        rb_lint_say(lint, s->place, "list the actions that the task needs",
                    "every action but these is allowed, and what AWS will add");
    if (s->allow && s->not_resource)
        rb_lint_say(lint, s->place, "name the resources that the task needs",
                    "every resource but these is allowed, and whatever will be made");
}

void
rb_lint_all_but(RbLint *lint)
{
    rb_lint_each(lint, look_for_all_but);
}

/* "*", "arn:aws:sqs:*:*:*" and the like: the service is all that is named. */
static gboolean
is_any(const char *resource)
{
    const char *name = rb_lint_resource_part(resource);

    if (name == NULL)
        name = resource;
    return *name == '*' && name[strspn(name, "*/:")] == '\0';
}

static gboolean
takes_any(const RbPolicyStatement *s)
{
    for (guint i = 0; i < s->resources.n && !s->not_resource; i++)
        if (is_any(s->resources.at[i].text))
            return TRUE;
    return FALSE;
}

static void
look_for_any_resource(RbLint *lint, const RbPolicyStatement *s)
{
    g_autoptr(GPtrArray) found = NULL;
    g_autofree char *examples = NULL;

    if (!s->allow || !takes_any(s) || rb_lint_limited(s, NULL) || s->not_action)
        return;
    found = rb_lint_actions(s, RB_ACCESS_WRITE);
    for (guint i = found->len; i > 0; i--) /* what takes "*" alone cannot be limited */
        if (((const RbAction *)found->pdata[i - 1])->resources[0] == NULL)
            g_ptr_array_remove_index(found, i - 1);
    examples = rb_lint_examples(found);
    if (found->len > 0)
        rb_lint_say(lint, s->resources.at[0].place, "name the resources, or add a condition that picks them",
                    "every resource may be changed by %s", examples);
}

void
rb_lint_any_resource(RbLint *lint)
{
    rb_lint_each(lint, look_for_any_resource);
}

static void
look_for_users(RbLint *lint, const RbPolicyStatement *s)
{
    static const char *const actions[] = { "iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile",
                                           "iam:CreateServiceSpecificCredential", NULL };

    if (!s->allow)
        return;
    for (guint i = 0; i < s->actions.n && !s->not_action; i++)
        for (guint k = 0; actions[k] != NULL; k++)
            if (g_ascii_strcasecmp(s->actions.at[i].text, actions[k]) == 0)
                rb_lint_say(lint, s->actions.at[i].place, "give people and workloads a role",
                            "'%s' makes credentials that do not end", actions[k]);
    for (guint i = 0; i < s->n_conditions; i++)
        for (guint k = 0; k < s->conditions[i].values.n; k++) {
            const RbPolicyText *value = &s->conditions[i].values.at[k];
            if (g_str_has_prefix(value->text, "arn:") && strstr(value->text, ":user/") != NULL)
                rb_lint_say(lint, value->place, "name a role", "'%s' is an IAM user", value->text);
        }
}

void
rb_lint_long_lived(RbLint *lint)
{
    rb_lint_each(lint, look_for_users);
}
