#include "review/priv.h"

#include <string.h>

/* Assignments as plain facts: who, which role, where. */

static void
way_free(gpointer data)
{
    RbWay *way = data;

    g_ptr_array_unref(way->seats);
    g_free(way);
}

void
rb_ways_free(RbWays *ways)
{
    if (ways == NULL)
        return;
    g_ptr_array_unref(ways->at);
    g_hash_table_unref(ways->find);
    g_ptr_array_unref(ways->seats);
    g_string_chunk_free(ways->texts);
    g_free(ways);
}

gint
rb_seat_compare(gconstpointer a, gconstpointer b)
{
    const RbSeat *x = *(const RbSeat *const *)a, *y = *(const RbSeat *const *)b;

    if ((*x->id == '\0') != (*y->id == '\0'))
        return *x->id == '\0' ? 1 : -1;
    return *x->id == '\0' ? strcmp(x->name, y->name) : strcmp(x->id, y->id);
}

static gint
by_who(gconstpointer a, gconstpointer b)
{
    const RbWay *x = *(const RbWay *const *)a, *y = *(const RbWay *const *)b;
    int order = strcmp(x->who, y->who);

    return order != 0 ? order : strcmp(x->role->name, y->role->name);
}

/* Sorted, each once. */
static void
settle(GPtrArray *seats)
{
    guint n = 0;

    g_ptr_array_sort(seats, rb_seat_compare);
    for (guint i = 0; i < seats->len; i++)
        if (n == 0 || rb_seat_compare(&seats->pdata[n - 1], &seats->pdata[i]) != 0)
            seats->pdata[n++] = seats->pdata[i];
    g_ptr_array_set_size(seats, (gint)n);
}

static RbSeat *
seat_new(RbWays *ways, const char *id, const char *name)
{
    RbSeat *seat = g_new0(RbSeat, 1);

    seat->id = id;
    seat->name = name;
    g_ptr_array_add(ways->seats, seat);
    return seat;
}

static RbSeat *
caught_seat(RbWays *ways, const char *name)
{
    g_autofree char *shown = g_strdup_printf("${%s}", name);

    return seat_new(ways, "", g_string_chunk_insert_const(ways->texts, shown));
}

static RbWay *
way_of(RbWays *ways, const char *who, const RbRole *role)
{
    g_autofree char *key = g_strconcat(who, "\n", role->name, NULL);
    RbWay *way = g_hash_table_lookup(ways->find, key);

    if (way == NULL) {
        way = g_new0(RbWay, 1);
        way->who = g_string_chunk_insert_const(ways->texts, who);
        way->role = role;
        way->seats = g_ptr_array_new();
        g_ptr_array_add(ways->at, way);
        g_hash_table_insert(ways->find, g_steal_pointer(&key), way);
    }
    return way;
}

static void
add_assignment(RbWays *ways, const RbSnapshot *snapshot, guint i, RbSeat *const *of_account)
{
    const RbAssignment *a = rb_snapshot_assignment(snapshot, i);
    g_auto(GStrv) who = rb_assignment_who(snapshot, i);

    for (guint w = 0; who[w] != NULL; w++) {
        RbWay *way = way_of(ways, who[w], a->role);
        for (guint k = 0; k < a->n_accounts; k++)
            g_ptr_array_add(way->seats, of_account[a->accounts[k]]);
        for (guint k = 0; a->captures[k] != NULL; k++)
            g_ptr_array_add(way->seats, caught_seat(ways, a->captures[k]));
        for (guint k = 0; a->when_captures[k].name != NULL; k++)
            g_ptr_array_add(way->seats, caught_seat(ways, a->when_captures[k].name));
    }
}

RbWays *
rb_ways_new(const RbSnapshot *snapshot)
{
    RbWays *ways = g_new0(RbWays, 1);
    const GPtrArray *accounts = rb_snapshot_accounts(snapshot);
    g_autofree RbSeat **of_account = g_new0(RbSeat *, accounts->len + 1);

    ways->at = g_ptr_array_new_with_free_func(way_free);
    ways->find = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ways->seats = g_ptr_array_new_with_free_func(g_free);
    ways->texts = g_string_chunk_new(4096);
    for (guint i = 0; i < accounts->len; i++) {
        const RbAccount *account = g_ptr_array_index(accounts, i);
        of_account[i] = seat_new(ways, account->id, account->name);
    }
    for (guint i = 0; i < rb_snapshot_size(snapshot).n_assignments; i++)
        add_assignment(ways, snapshot, i, of_account);
    for (guint i = 0; i < ways->at->len; i++)
        settle(((RbWay *)ways->at->pdata[i])->seats);
    g_ptr_array_sort(ways->at, by_who);
    return ways;
}

guint8 *
rb_ways_there(const RbSnapshot *snapshot)
{
    const GPtrArray *accounts = rb_snapshot_accounts(snapshot), *roles = rb_snapshot_roles(snapshot);
    guint8 *there = g_new0(guint8, (gsize)accounts->len * roles->len + 1);

    for (guint i = 0; i < rb_snapshot_size(snapshot).n_assignments; i++) {
        const RbAssignment *a = rb_snapshot_assignment(snapshot, i);
        gboolean caught = a->captures[0] != NULL || a->when_captures[0].name != NULL;
        for (guint k = 0; k < a->n_accounts; k++)
            there[(gsize)a->accounts[k] * roles->len + a->role->index] = 1;
        for (guint k = 0; caught && k < accounts->len; k++) {
            const RbTaskPolicy *policy;
            if (rb_role_lacks(a->role, accounts->pdata[k], &policy) == NULL) /* else signing in refuses it */
                there[(gsize)k * roles->len + a->role->index] = 1;
        }
    }
    return there;
}
