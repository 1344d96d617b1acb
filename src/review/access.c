#include "review/priv.h"

#include <string.h>

/* What each role may do more and less in each account; equal changes of several accounts are one. */

static void
item_free(gpointer data)
{
    RbAccessItem *item = data;

    g_ptr_array_unref(item->actions);
    g_ptr_array_unref(item->resources);
    g_ptr_array_unref(item->known);
    g_free(item);
}

static void
change_free(gpointer data)
{
    RbAccessChange *change = data;

    g_ptr_array_unref(change->seats);
    g_ptr_array_unref(change->items);
    g_free(change);
}

typedef struct {
    RbReview *review;
    RbSide before, after;
    gboolean same_account;   /* the account's facts that policies name did not change */
    GHashTable *same_policy; /* RbTaskPolicy of after → of before with the same text */
    GHashTable *found;       /* key of a change → RbAccessChange */
} Work;

static gboolean
same_text(const RbPolicy *a, const RbPolicy *b)
{
    g_autofree char *x = a == NULL ? NULL : rb_policy_print(a), *y = b == NULL ? NULL : rb_policy_print(b);

    return g_strcmp0(x, y) == 0;
}

static gboolean
same_managed(const Work *work, const RbRole *before, const RbRole *after)
{
    const char *const *names = (const char *const *)after->managed;

    if (!g_strv_equal((const char *const *)before->managed, names))
        return FALSE;
    for (guint i = 0; names[i] != NULL; i++)
        if (!same_text(rb_snapshot_managed(work->before.snapshot, names[i]),
                       rb_snapshot_managed(work->after.snapshot, names[i])))
            return FALSE;
    return TRUE;
}

/* Whether the role is known to be the same on both sides, without looking at what it may do. */
static gboolean
is_same(const Work *work, const RbRole *before, const RbRole *after)
{
    if (!work->same_account || before->policies->len != after->policies->len ||
        !same_managed(work, before, after))
        return FALSE;
    for (guint i = 0; i < after->policies->len; i++)
        if (g_hash_table_lookup(work->same_policy, after->policies->pdata[i]) != before->policies->pdata[i])
            return FALSE;
    return TRUE;
}

static GHashTable *
same_policies(const RbSnapshot *before, const RbSnapshot *after)
{
    GHashTable *same = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) named = g_hash_table_new(g_str_hash, g_str_equal);
    const GPtrArray *b = rb_snapshot_policies(before), *a = rb_snapshot_policies(after);

    for (guint i = 0; i < b->len; i++)
        g_hash_table_insert(named, (gpointer)((RbTaskPolicy *)b->pdata[i])->name, b->pdata[i]);
    for (guint i = 0; i < a->len; i++) {
        RbTaskPolicy *task = a->pdata[i], *other = g_hash_table_lookup(named, task->name);
        if (other != NULL && same_text(task->document, other->document))
            g_hash_table_insert(same, task, other);
    }
    return same;
}

/* ---- one change, as it is shown ---- */

static void
append_key(GString *key, const RbAccessItem *item)
{
    gsize sum = 0;

    g_string_append_printf(key, "\n%d%d%d\t%s\t%s\t%s", item->deny, item->not_actions, item->not_resources,
                           item->conditions, item->place, item->managed == NULL ? "" : item->managed);
    for (guint i = 0; i < item->actions->len; i++)
        g_string_append_printf(key, "\t%s", (const char *)item->actions->pdata[i]);
    for (guint i = 0; i < item->resources->len; i++)
        g_string_append_printf(key, "\t%s", (const char *)item->resources->pdata[i]);
    for (guint i = 0; i < item->known->len; i++)
        sum += (gsize)item->known->pdata[i];
    g_string_append_printf(key, "\t%u %" G_GSIZE_FORMAT, item->known->len, sum);
}

static const char *
shown(RbReview *review, const RbAccount *account, const char *text)
{
    if (account == NULL)
        return g_string_chunk_insert_const(review->texts, text);
    return rb_review_keep(review, rb_text_generalise(account, text));
}

/* @account: its own facts become ${account.…}; NULL: they stay. */
static RbAccessItem *
item_new(RbReview *review, const RbExtra *extra, const RbAccount *account)
{
    RbAccessItem *item = g_new0(RbAccessItem, 1);
    const RbPolicyStatement *s = extra->permit == NULL ? NULL : extra->permit->statement;
    g_autofree char *words = s == NULL ? g_strdup("") : rb_statement_words(s);

    *item = (RbAccessItem){ .deny = extra->deny,
                            .not_actions = extra->not_actions,
                            .not_resources = extra->not_resources,
                            .actions = g_ptr_array_new(),
                            .resources = g_ptr_array_new(),
                            .known = g_ptr_array_ref(extra->known),
                            .managed = extra->managed == NULL ? NULL : shown(review, NULL, extra->managed) };
    for (guint i = 0; i < extra->actions->len; i++)
        g_ptr_array_add(item->actions, (gpointer)shown(review, NULL, extra->actions->pdata[i]));
    for (guint i = 0; i < extra->resources->len; i++)
        g_ptr_array_add(item->resources, (gpointer)shown(review, account, extra->resources->pdata[i]));
    item->conditions = shown(review, account, words);
    item->place =
        s == NULL ? "" : rb_review_keep(review, g_strdup_printf("%s:%u", s->place.file, s->place.line));
    return item;
}

/* The items of @extras, each once; @key tells them. */
static GPtrArray *
items_new(RbReview *review, const GPtrArray *extras, const RbAccount *account, GString *key)
{
    GPtrArray *items = g_ptr_array_new_with_free_func(item_free);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < extras->len; i++) {
        RbAccessItem *item = item_new(review, extras->pdata[i], account);
        const char *place = item->place;
        GString *own = g_string_new(NULL);
        item->place = ""; /* the same said in two places is said once */
        append_key(own, item);
        item->place = place;
        if (!g_hash_table_add(seen, g_strdup(own->str))) {
            item_free(item);
        } else {
            g_string_append(key, own->str);
            g_string_append(key, place);
            g_ptr_array_add(items, item);
        }
        g_string_free(own, TRUE);
    }
    return items;
}

/* Takes what @extras say of @role in the account of @side into the review. */
static void
take(Work *work, const RbSide *side, const RbRole *role, const GPtrArray *extras, RbAccessChange of)
{
    RbReview *review = work->review;
    const RbAccount *general = work->same_account || of.whole ? side->account : NULL;
    g_autoptr(GString) key = g_string_new(role->name);
    g_autoptr(GPtrArray) items = NULL;
    RbSeat *seat = (of.gained ? review->ways_after : review->ways_before)->seats->pdata[side->row];
    RbAccessChange *change;

    if (extras->len == 0)
        return;
    g_string_append_printf(key, "\n%d%d%d%d", of.gained, of.whole, of.session, general != NULL);
    items = items_new(review, extras, general, key);
    change = g_hash_table_lookup(work->found, key->str);
    if (change == NULL) {
        g_autoptr(GString) unused = g_string_new(NULL);
        change = g_memdup2(&of, sizeof of);
        change->role = role->name;
        change->title = role->title;
        change->privileged = role->privileged;
        change->seats = g_ptr_array_new();
        change->items = items_new(review, extras, NULL, unused);
        g_ptr_array_add(review->access, change);
        g_hash_table_insert(work->found, g_strdup(key->str), change);
    } else if (change->seats->len == 1) { /* of several accounts it is said without their own names */
        g_ptr_array_unref(change->items);
        change->items = g_steal_pointer(&items);
    }
    g_ptr_array_add(change->seats, seat);
}

static void
compare(Work *work, RbPermits *before, RbPermits *after, const RbRole *b, const RbRole *a, gboolean session)
{
    g_autoptr(GPtrArray) gains = rb_permits_extra(before, after), losses = rb_permits_extra(after, before);

    if (a != NULL)
        take(work, &work->after, a, gains,
             (RbAccessChange){ .gained = TRUE, .whole = b == NULL, .session = session });
    if (b != NULL)
        take(work, &work->before, b, losses,
             (RbAccessChange){ .gained = FALSE, .whole = a == NULL, .session = session });
}

static void
compare_role(Work *work, const RbRole *b, const RbRole *a)
{
    gboolean sessions = b != NULL && a != NULL && b->session_policy != NULL && a->session_policy != NULL;

    if (b == NULL || a == NULL || !is_same(work, b, a)) {
        g_autoptr(RbPermits) before = rb_side_permits(&work->before, b),
                             after = rb_side_permits(&work->after, a);
        compare(work, before, after, b, a, FALSE);
    }
    if (sessions && !(work->same_account && same_text(b->session_policy, a->session_policy))) {
        g_autoptr(RbPermits) before = rb_side_session(&work->before, b),
                             after = rb_side_session(&work->after, a);
        compare(work, before, after, b, a, TRUE);
    }
}

static gboolean
same_table(GHashTable *a, GHashTable *b)
{
    GHashTableIter iter;
    gpointer key, value;

    if (g_hash_table_size(a) != g_hash_table_size(b))
        return FALSE;
    g_hash_table_iter_init(&iter, a);
    while (g_hash_table_iter_next(&iter, &key, &value))
        if (g_strcmp0(g_hash_table_lookup(b, key), value) != 0)
            return FALSE;
    return TRUE;
}

/* @b and @a: row + 1 of the account on each side; 0: it is not there. */
static void
compare_account(Work *work, guint b, guint a)
{
    const GPtrArray *before = rb_snapshot_accounts(work->before.snapshot),
                    *after = rb_snapshot_accounts(work->after.snapshot);
    const GPtrArray *x = rb_snapshot_roles(work->before.snapshot),
                    *y = rb_snapshot_roles(work->after.snapshot);

    rb_side_turn(&work->before, b == 0 ? NULL : before->pdata[b - 1], b == 0 ? 0 : b - 1);
    rb_side_turn(&work->after, a == 0 ? NULL : after->pdata[a - 1], a == 0 ? 0 : a - 1);
    work->same_account = b != 0 && a != 0 &&
                         g_str_equal(work->before.account->partition, work->after.account->partition) &&
                         same_table(work->before.account->parameters, work->after.account->parameters);
    for (guint i = 0, k = 0; i < x->len || k < y->len;) {
        const RbRole *old = i < x->len ? x->pdata[i] : NULL, *new = k < y->len ? y->pdata[k] : NULL;
        int order = old == NULL ? 1 : new == NULL ? -1 : strcmp(old->name, new->name);
        old = order <= 0 && old != NULL ? rb_side_role(&work->before, old->name) : NULL;
        new = order >= 0 && new != NULL ? rb_side_role(&work->after, new->name) : NULL;
        if (old != NULL || new != NULL)
            compare_role(work, old, new);
        i += order <= 0;
        k += order >= 0;
    }
}

static gint
by_role(gconstpointer a, gconstpointer b)
{
    const RbAccessChange *x = *(const RbAccessChange *const *)a, *y = *(const RbAccessChange *const *)b;
    int order = strcmp(x->role, y->role);

    if (order == 0)
        order = y->gained - x->gained;
    if (order == 0)
        order = x->session - y->session;
    return order != 0 ? order : rb_seat_compare(&x->seats->pdata[0], &y->seats->pdata[0]);
}

void
rb_review_access(RbReview *review)
{
    Work work = { .review = review };
    const GPtrArray *b = rb_snapshot_accounts(review->before), *a = rb_snapshot_accounts(review->after);

    review->access = g_ptr_array_new_with_free_func(change_free);
    rb_side_init(&work.before, review->before);
    rb_side_init(&work.after, review->after);
    work.same_policy = same_policies(review->before, review->after);
    work.found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0, k = 0; i < b->len || k < a->len;) {
        const RbAccount *x = i < b->len ? b->pdata[i] : NULL, *y = k < a->len ? a->pdata[k] : NULL;
        int order = x == NULL ? 1 : y == NULL ? -1 : strcmp(x->id, y->id);
        compare_account(&work, order <= 0 ? i + 1 : 0, order >= 0 ? k + 1 : 0);
        i += order <= 0;
        k += order >= 0;
    }
    g_ptr_array_sort(review->access, by_role);
    rb_side_clear(&work.before);
    rb_side_clear(&work.after);
    g_hash_table_unref(work.same_policy);
    g_hash_table_unref(work.found);
}

void
rb_review_holdings(RbReview *review, const guint8 *wanted)
{
    Work work = { .review = review };
    const GPtrArray *accounts = rb_snapshot_accounts(review->after),
                    *roles = rb_snapshot_roles(review->after);
    g_autoptr(RbPermits) nothing = rb_permits_new();

    review->access = g_ptr_array_new_with_free_func(change_free);
    rb_side_init(&work.after, review->after);
    work.found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < accounts->len; i++) {
        rb_side_turn(&work.after, accounts->pdata[i], i);
        for (guint k = 0; k < roles->len; k++) {
            g_autoptr(RbPermits) permits = NULL;
            if (!wanted[(gsize)i * roles->len + k])
                continue;
            permits = rb_side_permits(&work.after, roles->pdata[k]);
            compare(&work, nothing, permits, NULL, roles->pdata[k], FALSE);
        }
    }
    g_ptr_array_sort(review->access, by_role);
    rb_side_clear(&work.after);
    g_hash_table_unref(work.found);
}
