#include "deploy/priv.h"

#include <string.h>

/* What a plan does to access, in words: statement by statement, action by action. */

/* " on arn:…, when StringEquals aws:RequestedRegion: eu-central-1" */
static char *
where(const RbPolicyStatement *s)
{
    GString *out = g_string_new(s->not_resource ? " on all but " : " on ");

    for (guint i = 0; i < s->resources.n; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", s->resources.at[i].text);
    for (guint i = 0; i < s->n_conditions; i++) {
        const RbPolicyCondition *c = &s->conditions[i];
        g_string_append_printf(out, "%s %s %s:", i == 0 ? ", when" : " and", c->op.text, c->key.text);
        for (guint k = 0; k < c->values.n; k++)
            g_string_append_printf(out, "%s %s", k > 0 ? "," : "", c->values.at[k].text);
    }
    return g_string_free(out, FALSE);
}

static void
unref_set(gpointer set)
{
    g_hash_table_unref(set);
}

/* @set: "may LF on …" → its actions: in lower case, as AWS compares them → as they are written. */
static void
add_action(GHashTable *set, const char *head, const char *tail, const char *action)
{
    g_autofree char *key = g_strconcat(head, "\n", tail, NULL);
    GHashTable *actions = g_hash_table_lookup(set, key);

    if (actions == NULL) {
        actions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_hash_table_insert(set, g_strdup(key), actions);
    }
    g_hash_table_insert(actions, g_ascii_strdown(action, -1), g_strdup(action));
}

static const char *
as_written(const RbPolicyStatement *written, const char *action)
{
    for (guint i = 0; i < written->actions.n; i++)
        if (g_ascii_strcasecmp(written->actions.at[i].text, action) == 0)
            return written->actions.at[i].text;
    return action;
}

static void
add_statement(GHashTable *set, const RbPolicyStatement *s, const RbPolicyStatement *written)
{
    const char *head = s->allow ? "may " : "is denied ";
    g_autofree char *tail = where(s);
    GString *all;

    for (guint k = 0; !s->not_action && k < s->actions.n; k++)
        add_action(set, head, tail, as_written(written, s->actions.at[k].text));
    if (!s->not_action)
        return;
    all = g_string_new("everything but");
    for (guint k = 0; k < s->actions.n; k++)
        g_string_append_printf(all, "%s %s", k > 0 ? "," : "", s->actions.at[k].text);
    add_action(set, head, tail, all->str);
    g_string_free(all, TRUE);
}

static void
add_document(GHashTable *set, const RbPolicy *document)
{
    g_autoptr(RbPolicy) policy = rb_policy_normalise(document);

    for (guint i = 0; i < policy->n_statements; i++)
        add_statement(set, &policy->statements[i], &document->statements[i]);
}

/* @name: what it is called where it cannot be read. */
static void
add_text(GHashTable *set, const char *name, const char *text)
{
    g_autoptr(RbPolicy) document = rb_deploy_parse(RB_POLICY_IDENTITY, text);
    g_autofree char *tail = NULL;

    if (document != NULL) {
        add_document(set, document);
        return;
    }
    tail = g_strdup_printf(" by %s", name);
    add_action(set, "may ", tail, "what cannot be read");
}

static GHashTable *
set_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_set);
}

static void
add_foreign(GHashTable *set, const char *arn)
{
    g_autofree char *tail = g_strdup_printf(" by %s", arn);

    add_action(set, "may ", tail, "what is allowed");
}

/* As @role (NULL: none) of @state is now. */
static GHashTable *
access_now(const json_t *role, const json_t *state)
{
    GHashTable *set = set_new();
    const char *name;
    json_t *item;
    size_t i;

    json_array_foreach(json_object_get(role, "attached"), i, item)
    {
        const char *arn = json_string_value(item), *slash = strrchr(arn, '/');
        g_autofree char *lower = g_ascii_strdown(slash == NULL ? arn : slash + 1, -1);
        const json_t *there = json_object_get(json_object_get(state, "policies"), lower);
        if (g_str_equal(rb_iam_text(there, "Arn"), arn))
            add_text(set, arn, rb_iam_text(there, "document"));
        else
            add_foreign(set, arn);
    }
    json_object_foreach(json_object_get(role, "inline"), name,
                        item) if (!g_str_has_prefix(name, RB_REVOCATION)) /* it stays */
        add_text(set, name, json_string_value(item));
    return set;
}

static GHashTable *
access_wanted(const RbCompiledRole *role)
{
    GHashTable *set = set_new();

    for (guint i = 0; role != NULL && role->policies[i] != NULL; i++)
        add_document(set, role->policies[i]->document);
    for (guint i = 0; role != NULL && role->managed[i] != NULL; i++)
        add_foreign(set, role->managed[i]);
    return set;
}

static gint
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The actions of @actions that @there (NULL: none) lacks, sorted; NULL: it has all of them. */
static char *
actions_left(GHashTable *actions, GHashTable *there)
{
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    GHashTableIter iter;
    gpointer action, written;

    g_hash_table_iter_init(&iter, actions);
    while (g_hash_table_iter_next(&iter, &action, &written))
        if (there == NULL || !g_hash_table_contains(there, action))
            g_ptr_array_add(left, written);
    if (left->len == 0)
        return NULL;
    g_ptr_array_sort(left, by_text);
    g_ptr_array_add(left, NULL);
    return g_strjoinv(", ", (char **)left->pdata);
}

/* (transfer full): what is in @a and not in @b, a line for each statement. */
static GPtrArray *
minus(GHashTable *a, GHashTable *b)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer key, actions;

    g_hash_table_iter_init(&iter, a);
    while (g_hash_table_iter_next(&iter, &key, &actions)) {
        g_autofree char *left = actions_left(actions, g_hash_table_lookup(b, key));
        g_auto(GStrv) parts = g_strsplit(key, "\n", 2);
        if (left != NULL)
            g_ptr_array_add(out, g_strconcat(parts[0], left, parts[1], NULL));
    }
    g_ptr_array_sort(out, by_text);
    return out;
}

static void
access_free(gpointer data)
{
    RbDeployAccess *access = data;

    g_free(access->role);
    g_ptr_array_unref(access->gained);
    g_ptr_array_unref(access->lost);
    g_free(access);
}

static void
compare(GPtrArray *out, const char *name, const json_t *there, const json_t *state,
        const RbCompiledRole *want)
{
    g_autoptr(GHashTable) before = access_now(there, state), after = access_wanted(want);
    RbDeployAccess *access = g_new0(RbDeployAccess, 1);

    access->role = g_strdup(name);
    access->gained = minus(after, before);
    access->lost = minus(before, after);
    if (access->gained->len + access->lost->len > 0)
        g_ptr_array_add(out, access);
    else
        access_free(access);
}

static gint
by_role(gconstpointer a, gconstpointer b)
{
    return strcmp((*(RbDeployAccess *const *)a)->role, (*(RbDeployAccess *const *)b)->role);
}

/* Roles that go. */
static void
compare_removed(GPtrArray *out, const RbAccountPlan *plan, const json_t *state)
{
    for (guint i = 0; i < plan->steps->len; i++) {
        const RbStep *step = plan->steps->pdata[i];
        g_autofree char *lower = g_ascii_strdown(step->name, -1);
        if (step->kind == RB_STEP_DELETE_ROLE)
            compare(out, step->name, json_object_get(json_object_get(state, "roles"), lower), state, NULL);
    }
}

GPtrArray *
rb_deploy_access(const RbAccountPlan *plan, const json_t *state)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(access_free);

    if (plan->steps->len == 0 || plan->conflicts->len > 0)
        return out; /* nothing is done */
    for (guint i = 0; i < plan->account->n_roles; i++) {
        const RbCompiledRole *role = &plan->account->roles[i];
        g_autofree char *lower = g_ascii_strdown(role->name, -1);
        compare(out, role->name, json_object_get(json_object_get(state, "roles"), lower), state, role);
    }
    compare_removed(out, plan, state);
    g_ptr_array_sort(out, by_role);
    return out;
}
