#include "access/priv.h"

#include "base/log.h"

enum { WINDOW_S = 60, HELD_MAX = 64 };

/* A person who fumbles never meets these, and they fill no disk: of each code and address 20, then two a
 * minute; of each code from everywhere 200, then 12 a minute; and one count a minute for each of HELD_MAX. */
static const RbLimit each_address = { "refusal", 20, 30000 };
static const RbLimit everywhere = { "refusals", 200, 5000 };

struct RbFlood {
    GMutex lock;
    GHashTable *held; /* "code network" → Held */
};

/* Refusals that were counted instead of written. */
typedef struct {
    char *code, *network, *what;
    guint64 n;
    gint64 first_at, last_at;
} Held;

static void
held_free(gpointer data)
{
    Held *held = data;

    g_free(held->code);
    g_free(held->network);
    g_free(held->what);
    g_free(held);
}

RbFlood *
rb_flood_new(void)
{
    RbFlood *flood = g_new0(RbFlood, 1);

    g_mutex_init(&flood->lock);
    flood->held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, held_free);
    return flood;
}

void
rb_flood_free(RbFlood *flood)
{
    g_hash_table_unref(flood->held);
    g_mutex_clear(&flood->lock);
    g_free(flood);
}

/* With the lock held. Too many addresses at once are counted together, by code alone. */
static Held *
held_of(RbFlood *flood, const char *code, const char *network, const char *what, gint64 now)
{
    g_autofree char *key = g_strconcat(code, " ", network, NULL);
    Held *held = g_hash_table_lookup(flood->held, key);

    if (held != NULL)
        return held;
    if (g_hash_table_size(flood->held) >= HELD_MAX && *network != '\0')
        return held_of(flood, code, "", what, now);
    held = g_new0(Held, 1);
    held->code = g_strdup(code);
    held->network = g_strdup(network);
    held->what = g_strdup(what);
    held->first_at = now;
    g_hash_table_insert(flood->held, g_steal_pointer(&key), held);
    return held;
}

/* Adds to what is held already of the same code and network. */
static void
count(RbFlood *flood, const char *code, const char *network, const char *what, guint64 n, gint64 first_at,
      gint64 last_at)
{
    Held *held;

    g_mutex_lock(&flood->lock);
    held = held_of(flood, code, network, what, first_at);
    held->n += n;
    held->first_at = MIN(held->first_at, first_at);
    held->last_at = MAX(held->last_at, last_at);
    g_mutex_unlock(&flood->lock);
}

gboolean
rb_flood_counts(RbAccess *access, const RbVisit *visit, const char *what, const char *code)
{
    g_autofree char *network = rb_limits_network(visit->source_ip);
    g_autofree char *key = g_strconcat(code, " ", network, NULL);

    if (rb_limits_take(access->limits, &each_address, key, visit->now) &&
        rb_limits_take(access->limits, &everywhere, code, visit->now))
        return FALSE;
    count(access->flood, code, network, what, 1, visit->now, visit->now);
    return TRUE;
}

static gboolean
write_count(RbAccess *access, const Held *held)
{
    g_autoptr(RbBatch) batch = rb_batch_new();
    g_autoptr(GError) why = NULL;
    g_autofree char *reason =
        g_strdup_printf("and %" G_GUINT64_FORMAT " more, too fast to be written one by one", held->n);
    json_t *facts = json_object();
    RbVisit visit = { 0 };
    char incident[16];

    rb_access_visit(access, &visit, incident);
    rb_facts_text(facts, "what", held->what);
    rb_facts_text(facts, "code", held->code);
    rb_facts_text(facts, "reason", reason);
    rb_facts_text(facts, "source_ip", *held->network != '\0' ? held->network : NULL);
    rb_facts_integer(facts, "more", (gint64)held->n);
    rb_facts_integer(facts, "first_at", held->first_at);
    rb_facts_integer(facts, "last_at", held->last_at);
    rb_batch_audit(batch, RB_AUDIT_REFUSAL, visit.now, incident, facts);
    if (rb_store_commit(access->store, batch, visit.now, &why))
        return TRUE;
    rb_log(RB_LOG_ERROR, "audit.lost", "what", held->what, "code", held->code, "count", reason, "reason",
           why->message, "outcome", "tried again while the service runs", NULL);
    return FALSE;
}

/* (transfer container) (element-type Held): taken out of the table. */
static GPtrArray *
take_due(RbFlood *flood, gint64 now, gboolean all)
{
    GPtrArray *due = g_ptr_array_new_with_free_func(held_free);
    GHashTableIter iter;
    gpointer key, value;

    g_mutex_lock(&flood->lock);
    g_hash_table_iter_init(&iter, flood->held);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const Held *held = value;
        if (!all && now >= held->first_at && now - held->first_at < WINDOW_S)
            continue;
        g_hash_table_iter_steal(&iter);
        g_free(key);
        g_ptr_array_add(due, value);
    }
    g_mutex_unlock(&flood->lock);
    return due;
}

void
rb_flood_write(RbAccess *access, gint64 now, gboolean all)
{
    g_autoptr(GPtrArray) due = take_due(access->flood, now, all);

    for (guint i = 0; i < due->len; i++) {
        const Held *held = g_ptr_array_index(due, i);
        if (!write_count(access, held))
            count(access->flood, held->code, held->network, held->what, held->n, held->first_at,
                  held->last_at);
    }
}
