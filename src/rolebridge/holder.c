#include "rolebridge/holder.h"

#include "base/encoding.h"

#include <string.h>

enum {
    SOONER_S = 60, /* renewed this much before anybody would have to wait for it */
    AGAIN_S = 30,  /* after a renewal that failed */
    AT_MOST_S = 3600,
};

typedef struct {
    char *account, *role;
    gint64 duration_s;
    GMutex issuing; /* held while the bridge is asked; guards the following */
    RbLease *lease;
    GError *error;       /* why the last attempt failed; NULL: it did not */
    gint64 failed_us;    /* monotonic: when it did */
    gint64 next_attempt; /* UTC seconds */
    gint64 asked_at;
    guint calls, calls_of_lease, issues;
} Entry;

struct RbHolder {
    RbCli *cli;
    RbHolderIssue issue;
    GMutex mutex;
    GHashTable *entries; /* key → Entry, by g_atomic_rc_box; guarded by the mutex */
};

static void
entry_clear(gpointer data)
{
    Entry *entry = data;

    g_free(entry->account);
    g_free(entry->role);
    g_mutex_clear(&entry->issuing);
    rb_lease_free(entry->lease);
    g_clear_error(&entry->error);
}

static void
entry_unref(gpointer data)
{
    g_atomic_rc_box_release_full(data, entry_clear);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Entry, entry_unref)

RbHolder *
rb_holder_new(RbCli *cli, RbHolderIssue issue)
{
    RbHolder *holder = g_new0(RbHolder, 1);

    holder->cli = cli;
    holder->issue = issue;
    g_mutex_init(&holder->mutex);
    holder->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_unref);
    return holder;
}

void
rb_holder_free(RbHolder *holder)
{
    if (holder == NULL)
        return;
    g_hash_table_unref(holder->entries);
    g_mutex_clear(&holder->mutex);
    g_free(holder);
}

/* The entry of one lease, made where there is none. NULL: there are too many. */
static Entry *
entry_of(RbHolder *holder, const char *account, const char *role, gint64 duration_s)
{
    g_autofree char *key = g_strdup_printf("%s\n%s\n%" G_GINT64_FORMAT, account, role, duration_s);
    Entry *entry;

    g_mutex_lock(&holder->mutex);
    entry = g_hash_table_lookup(holder->entries, key);
    if (entry == NULL && g_hash_table_size(holder->entries) < RB_HOLDER_MAX) {
        entry = g_atomic_rc_box_new0(Entry);
        entry->account = g_strdup(account);
        entry->role = g_strdup(role);
        entry->duration_s = duration_s;
        g_mutex_init(&entry->issuing);
        g_hash_table_insert(holder->entries, g_steal_pointer(&key), entry);
    }
    if (entry != NULL)
        (void)g_atomic_rc_box_acquire(entry);
    g_mutex_unlock(&holder->mutex);
    return entry;
}

/* Asks for a lease in the place of the one at hand; the one at hand stays when that fails. Lock held. */
static gboolean
renew(RbHolder *holder, Entry *entry, gboolean fresh)
{
    g_autoptr(GError) error = NULL;
    RbLease *lease =
        holder->issue(holder->cli, entry->account, entry->role, entry->duration_s, fresh, &error);

    g_clear_error(&entry->error);
    if (lease == NULL) {
        entry->error = g_steal_pointer(&error);
        entry->failed_us = g_get_monotonic_time();
        entry->next_attempt = rb_clock_now(&holder->cli->clock) + AGAIN_S;
        return FALSE;
    }
    if (entry->lease == NULL || !g_str_equal(entry->lease->access_key_id, lease->access_key_id)) {
        entry->calls_of_lease = 0;
        entry->issues++;
    }
    rb_lease_free(entry->lease);
    entry->lease = lease;
    return TRUE;
}

/* The lock is held. What failed while this caller waited for the lock is this caller's answer too. */
static RbLease *
get_locked(RbHolder *holder, Entry *entry, gboolean fresh, gint64 came_us, GError **error)
{
    gint64 now = rb_clock_now(&holder->cli->clock);
    gboolean good = entry->lease != NULL && !fresh && now < rb_lease_renew_at(entry->lease);
    gboolean failed = entry->error != NULL && entry->failed_us >= came_us;

    if (!good && !failed)
        good = renew(holder, entry, fresh);
    /* a bridge out of reach does not take away what is good for a while yet; a refusal does */
    if (!good && !fresh && entry->lease != NULL && entry->error->domain != RB_REFUSAL &&
        rb_lease_is_usable(entry->lease, now))
        good = TRUE;
    if (!good) {
        g_propagate_error(error, g_error_copy(entry->error));
        return NULL;
    }
    entry->calls++;
    entry->calls_of_lease++;
    entry->asked_at = now;
    return rb_lease_copy(entry->lease);
}

RbLease *
rb_holder_get(RbHolder *holder, const char *account, const char *role, gint64 duration_s, gboolean fresh,
              GError **error)
{
    gint64 came_us = g_get_monotonic_time();
    g_autoptr(Entry) entry = entry_of(holder, account, role, duration_s);
    RbLease *lease;

    if (entry == NULL) {
        (void)rb_fault(error, RB_FAULT_BUSY, "more than %d different leases are held", RB_HOLDER_MAX);
        return NULL;
    }
    g_mutex_lock(&entry->issuing);
    lease = get_locked(holder, entry, fresh, came_us, error);
    g_mutex_unlock(&entry->issuing);
    return lease;
}

static GPtrArray *
all_entries(RbHolder *holder)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(entry_unref);
    GHashTableIter iter;
    gpointer entry;

    g_mutex_lock(&holder->mutex);
    g_hash_table_iter_init(&iter, holder->entries);
    while (g_hash_table_iter_next(&iter, NULL, &entry))
        g_ptr_array_add(list, g_atomic_rc_box_acquire((Entry *)entry));
    g_mutex_unlock(&holder->mutex);
    return list;
}

static void
drop(RbHolder *holder, Entry *entry)
{
    g_autofree char *key =
        g_strdup_printf("%s\n%s\n%" G_GINT64_FORMAT, entry->account, entry->role, entry->duration_s);

    g_mutex_lock(&holder->mutex);
    if (g_hash_table_lookup(holder->entries, key) == entry)
        (void)g_hash_table_remove(holder->entries, key);
    g_mutex_unlock(&holder->mutex);
}

/* Returns: when to look at @entry again; 0: it is to be dropped. The lock is held. */
static gint64
tend_entry(RbHolder *holder, Entry *entry, gint64 now, RbHolderTold told, gpointer data)
{
    guint issues = entry->issues;
    gint64 due;

    if (entry->lease == NULL || !rb_lease_is_usable(entry->lease, now))
        return 0;
    due = rb_lease_renew_at(entry->lease) - SOONER_S;
    if (entry->error != NULL)
        due = MAX(due, entry->next_attempt);
    /* what nobody asked for since is let go: no leases in the audit log that no person wanted */
    if (entry->calls_of_lease == 0)
        return entry->lease->expiration;
    if (now < due)
        return due;
    (void)renew(holder, entry, FALSE); /* where there is a holder below this one, it says when */
    if (told != NULL && (entry->error != NULL || entry->issues != issues))
        told(entry->lease, entry->error, data);
    due = rb_lease_renew_at(entry->lease) - SOONER_S;
    return entry->error != NULL ? entry->next_attempt : MAX(due, now + AGAIN_S);
}

gint64
rb_holder_tend(RbHolder *holder, RbHolderTold told, gpointer data)
{
    g_autoptr(GPtrArray) list = all_entries(holder);
    gint64 now = rb_clock_now(&holder->cli->clock), next = now + AT_MOST_S;

    for (guint i = 0; i < list->len; i++) {
        Entry *entry = g_ptr_array_index(list, i);
        gint64 again;
        if (!g_mutex_trylock(&entry->issuing)) /* somebody is asking for it right now */
            continue;
        again = tend_entry(holder, entry, now, told, data);
        g_mutex_unlock(&entry->issuing);
        if (again == 0)
            drop(holder, entry);
        else
            next = MIN(next, again);
    }
    return MAX(next, now + 1);
}

void
rb_holder_forget(RbHolder *holder)
{
    g_mutex_lock(&holder->mutex);
    g_hash_table_remove_all(holder->entries);
    g_mutex_unlock(&holder->mutex);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    const Entry *x = *(const Entry *const *)a, *y = *(const Entry *const *)b;
    int accounts = strcmp(x->account, y->account), roles = strcmp(x->role, y->role);

    return accounts != 0 ? accounts
           : roles != 0  ? roles
                         : (x->duration_s > y->duration_s) - (x->duration_s < y->duration_s);
}

static json_t *
describe(const Entry *entry)
{
    g_autofree char *until = rb_time_format(entry->lease->expiration);
    g_autofree char *issued = rb_time_format(entry->lease->issued_at),
                    *asked = rb_time_format(entry->asked_at);
    g_autofree char *renewed = rb_time_format(rb_lease_renew_at(entry->lease) - SOONER_S);
    g_autofree char *why = entry->error != NULL ? rb_text_printable(entry->error->message, 500) : NULL;

    return json_pack("{s:s, s:s, s:s*, s:s*, s:s, s:s, s:s, s:s, s:i, s:i, s:s*}", "account", entry->account,
                     "role", entry->role, "account_id", entry->lease->account_id, "assumed_role_arn",
                     entry->lease->assumed_role_arn, "issued_at", issued, "expires_at", until, "asked_at",
                     asked, "renew_at", renewed, "calls", (int)MIN(entry->calls, (guint)G_MAXINT), "issues",
                     (int)MIN(entry->issues, (guint)G_MAXINT), "error", why);
}

json_t *
rb_holder_status(RbHolder *holder)
{
    g_autoptr(GPtrArray) list = all_entries(holder);
    json_t *rows = json_array();

    g_ptr_array_sort(list, by_name);
    for (guint i = 0; i < list->len; i++) {
        Entry *entry = g_ptr_array_index(list, i);
        g_mutex_lock(&entry->issuing); /* the bridge's answer is waited for: at most its time limit */
        if (entry->lease != NULL)
            (void)json_array_append_new(rows, describe(entry));
        g_mutex_unlock(&entry->issuing);
    }
    return rows;
}
