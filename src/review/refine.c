#include "review/refine.h"

#include "iam/catalogue.h"
#include "iam/evaluate.h"
#include "iam/match.h"
#include "review/trail.h"

#include <string.h>

enum {
    WIDE_MIN = 5,
    WIDE_SHARE = 4
}; /* a wildcard is wide from five actions on, a quarter of them used at most */

static void
refinement_free(gpointer data)
{
    RbRefinement *r = data;

    g_clear_pointer(&r->used, g_ptr_array_unref);
    g_clear_pointer(&r->resources, g_ptr_array_unref);
    g_free((char *)r->pattern);
    g_free(r);
}

/* What is looked at: one trail, one snapshot. */
typedef struct {
    const RbTrail *trail;
    const RbSnapshot *snapshot;
    GPtrArray *out;
} Refine;

/* The role of ours that @arn is: its account and path are of the mapping. NULL: another's. */
static const RbRole *
role_of(const RbSnapshot *snapshot, const char *arn)
{
    g_auto(GStrv) fields = g_strsplit(arn, ":", 6);
    const RbAccount *account = g_strv_length(fields) == 6 ? rb_snapshot_account(snapshot, fields[4]) : NULL;
    g_autofree char *prefix = account == NULL ? NULL : g_strconcat("role", account->role_path, NULL);

    if (account == NULL || !g_str_has_prefix(fields[5], prefix))
        return NULL;
    return rb_snapshot_role(snapshot, fields[5] + strlen(prefix));
}

static gboolean
has_policy(const RbRole *role, const RbTaskPolicy *policy)
{
    return g_ptr_array_find(role->policies, policy, NULL);
}

/* ---- what was used ---- */

static gint
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The actions that roles with @policy really did. */
static GHashTable *
used_with(const Refine *r, const RbTaskPolicy *policy)
{
    GHashTable *used = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, r->trail->deeds);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        RbDeed *deed = value;
        const RbRole *role = deed->done == 0 ? NULL : role_of(r->snapshot, deed->role);
        if (role != NULL && has_policy(role, policy))
            g_hash_table_add(used, deed->action);
    }
    return used;
}

/* Whether the policy stands in a role that did anything at all: of others nothing can be said. */
static gboolean
is_watched(const Refine *r, const RbTaskPolicy *policy)
{
    g_autoptr(GHashTable) used = used_with(r, policy);

    return g_hash_table_size(used) > 0;
}

/* Reads and writes of what is in things: CloudTrail has them only where somebody turned that on. */
static gboolean
is_data_event(const char *pattern)
{
    static const char *const patterns[] = {
        "s3:GetObject*",          "s3:PutObject*",   "s3:DeleteObject*", "s3:*MultipartUpload*",
        "s3:ListBucket*",         "dynamodb:*Item*", "dynamodb:Query",   "dynamodb:Scan",
        "lambda:InvokeFunction*", "sqs:*Message*",   "sns:Publish*",     "kinesis:*Record*",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++)
        if (rb_match_action(patterns[i], pattern))
            return TRUE;
    return FALSE;
}

static RbRefinement *
add(Refine *r, RbRefineKind kind, const RbTaskPolicy *policy, const char *pattern, RbPlace place)
{
    RbRefinement *out = g_new0(RbRefinement, 1);

    out->kind = kind;
    out->policy = policy;
    out->pattern = g_strdup(pattern);
    out->place = place;
    g_ptr_array_add(r->out, out);
    return out;
}

/* Where a wildcard matches what the trail cannot see, nothing is said against it. */
static void
judge_pattern(Refine *r, const RbTaskPolicy *policy, const RbPolicyText *pattern, GHashTable *used)
{
    g_autoptr(GPtrArray) matched = rb_catalogue_expand(pattern->text);
    g_autoptr(GPtrArray) did = g_ptr_array_new_with_free_func(g_free);
    gboolean blind = FALSE;
    RbRefinement *found;

    for (guint i = 0; i < matched->len; i++) {
        const RbAction *action = matched->pdata[i];
        g_autofree char *name = g_strconcat(action->service, ":", action->name, NULL);
        blind = blind || (!r->trail->data_events && is_data_event(name));
        if (g_hash_table_contains(used, name))
            g_ptr_array_add(did, g_steal_pointer(&name));
    }
    if (matched->len == 0) /* unknown to the catalogue: check tells that */
        return;
    if (did->len == 0)
        (void)add(r, blind ? RB_REFINE_UNSEEN : RB_REFINE_UNUSED, policy, pattern->text, pattern->place);
    else if (!blind && matched->len >= WIDE_MIN && did->len * WIDE_SHARE <= matched->len) {
        found = add(r, RB_REFINE_WIDE, policy, pattern->text, pattern->place);
        found->n_matched = matched->len;
        g_ptr_array_sort(did, by_text);
        found->used = g_steal_pointer(&did);
    }
}

static void
judge_policy(Refine *r, const RbTaskPolicy *policy)
{
    g_autoptr(GHashTable) used = used_with(r, policy);

    if (!is_watched(r, policy))
        return;
    for (guint i = 0; i < policy->document->n_statements; i++) {
        const RbPolicyStatement *s = &policy->document->statements[i];
        for (guint k = 0; s->allow && !s->not_action && k < s->actions.n; k++)
            judge_pattern(r, policy, &s->actions.at[k], used);
    }
}

/* ---- who uses a part of a role ---- */

/* Group → set of the actions that its members did in @role. */
static GHashTable *
done_by_groups(const Refine *r, const RbRole *role)
{
    GHashTable *out =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_hash_table_unref);
    g_autofree char *prefix = g_strconcat(role->name, " ", NULL);
    GHashTableIter iter, actions;
    gpointer key, value, action;

    g_hash_table_iter_init(&iter, r->trail->people);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        char *group = g_str_has_prefix(key, prefix) ? g_hash_table_lookup(r->trail->groups, key) : NULL;
        GHashTable *did = group == NULL ? NULL : g_hash_table_lookup(out, group);
        if (group == NULL)
            continue;
        if (did == NULL) {
            did = g_hash_table_new(g_str_hash, g_str_equal);
            g_hash_table_insert(out, group, did);
        }
        g_hash_table_iter_init(&actions, value);
        while (g_hash_table_iter_next(&actions, &action, NULL))
            g_hash_table_add(did, action);
    }
    return out;
}

/* Whether one of @did is what @policy allows; what the trail cannot see may be. */
static gboolean
is_used(const Refine *r, const RbTaskPolicy *policy, GHashTable *did)
{
    for (guint i = 0; i < policy->document->n_statements; i++) {
        const RbPolicyStatement *s = &policy->document->statements[i];
        for (guint k = 0; s->allow && k < s->actions.n; k++) {
            GHashTableIter iter;
            gpointer action;
            if (s->not_action || (!r->trail->data_events && is_data_event(s->actions.at[k].text)))
                return TRUE;
            g_hash_table_iter_init(&iter, did);
            while (g_hash_table_iter_next(&iter, &action, NULL))
                if (rb_match_action(s->actions.at[k].text, action))
                    return TRUE;
        }
    }
    return FALSE;
}

static void
judge_group(Refine *r, const RbRole *role, const char *group, GHashTable *did)
{
    g_autoptr(GPtrArray) used = g_ptr_array_new_with_free_func(g_free);
    RbRefinement *found;

    for (guint i = 0; i < role->policies->len; i++) {
        const RbTaskPolicy *policy = role->policies->pdata[i];
        if (is_used(r, policy, did))
            g_ptr_array_add(used, g_strdup(policy->name));
    }
    if (used->len == 0 || used->len == role->policies->len)
        return;
    found = add(r, RB_REFINE_PART, role->policies->pdata[0], group, role->place);
    found->role = role;
    found->n_matched = role->policies->len;
    g_ptr_array_sort(used, by_text);
    found->used = g_steal_pointer(&used);
}

/* Only beside another group that has the role: of one alone, its unused policies tell the same. */
static void
judge_groups(Refine *r, const RbRole *role)
{
    g_autoptr(GHashTable) groups = done_by_groups(r, role);
    GHashTableIter iter;
    gpointer group, did;

    if (g_hash_table_size(groups) < 2)
        return;
    g_hash_table_iter_init(&iter, groups);
    while (g_hash_table_iter_next(&iter, &group, &did))
        judge_group(r, role, group, did);
}

/* ---- what was missed ---- */

/* The policy that is the role's own; else its first. NULL: it has none. */
static const RbTaskPolicy *
home_of(const Refine *r, const RbRole *role)
{
    const GPtrArray *roles = rb_snapshot_roles(r->snapshot);

    for (guint i = 0; i < role->policies->len; i++) {
        const RbTaskPolicy *policy = role->policies->pdata[i];
        guint n = 0;
        for (guint k = 0; k < roles->len; k++)
            n += has_policy(roles->pdata[k], policy) ? 1 : 0;
        if (n == 1)
            return policy;
    }
    return role->policies->len == 0 ? NULL : role->policies->pdata[0];
}

static gint
by_action(gconstpointer a, gconstpointer b)
{
    const RbDeed *x = *(const RbDeed *const *)a, *y = *(const RbDeed *const *)b;
    int action = strcmp(x->action, y->action);

    return action != 0 ? action : strcmp(x->role, y->role);
}

/* One refusal counts for the role, in whichever account it was. */
static RbRefinement *
missing_of(Refine *r, const RbRole *role, const char *action)
{
    const RbTaskPolicy *home = home_of(r, role);
    RbRefinement *found;

    for (guint i = 0; i < r->out->len; i++) {
        found = r->out->pdata[i];
        if (found->kind == RB_REFINE_MISSING && found->role == role && g_str_equal(found->pattern, action))
            return found;
    }
    if (home == NULL)
        return NULL;
    found = add(r, RB_REFINE_MISSING, home, action, home->place);
    found->role = role;
    found->resources = g_ptr_array_new_with_free_func(g_free);
    return found;
}

static void
add_resources(GPtrArray *to, GHashTable *arns)
{
    GHashTableIter iter;
    gpointer arn;

    g_hash_table_iter_init(&iter, arns);
    while (g_hash_table_iter_next(&iter, &arn, NULL))
        if (!g_ptr_array_find_with_equal_func(to, arn, g_str_equal, NULL))
            g_ptr_array_add(to, g_strdup(arn));
    g_ptr_array_sort(to, by_text);
}

static void
add_missing(Refine *r)
{
    g_autoptr(GPtrArray) deeds = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, r->trail->deeds);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(deeds, value);
    g_ptr_array_sort(deeds, by_action);
    for (guint i = 0; i < deeds->len; i++) {
        const RbDeed *deed = deeds->pdata[i];
        const RbRole *role = deed->refused == 0 ? NULL : role_of(r->snapshot, deed->role);
        RbRefinement *found = role == NULL ? NULL : missing_of(r, role, deed->action);
        if (found == NULL)
            continue;
        found->times += deed->refused;
        add_resources(found->resources, deed->resources);
    }
}

static gint
by_place(gconstpointer a, gconstpointer b)
{
    const RbRefinement *x = *(const RbRefinement *const *)a, *y = *(const RbRefinement *const *)b;
    gboolean missing = x->kind == RB_REFINE_MISSING, other = y->kind == RB_REFINE_MISSING;
    int file = strcmp(x->place.file, y->place.file);

    if (missing != other)
        return missing - other;
    if (file != 0)
        return file;
    if (x->place.line != y->place.line)
        return x->place.line < y->place.line ? -1 : 1;
    if (x->place.column != y->place.column)
        return x->place.column < y->place.column ? -1 : 1;
    return strcmp(x->pattern, y->pattern);
}

GPtrArray *
rb_refine(const RbTrail *trail, const RbSnapshot *snapshot)
{
    Refine r = { trail, snapshot, g_ptr_array_new_with_free_func(refinement_free) };
    const GPtrArray *policies = rb_snapshot_policies(snapshot), *roles = rb_snapshot_roles(snapshot);

    for (guint i = 0; i < policies->len; i++)
        judge_policy(&r, policies->pdata[i]);
    for (guint i = 0; i < roles->len; i++)
        judge_groups(&r, roles->pdata[i]);
    add_missing(&r);
    g_ptr_array_sort(r.out, by_place);
    return r.out;
}
