#include "access/limits.h"

#include <arpa/inet.h>
#include <string.h>

struct RbLimits {
    GMutex lock;
    guint max_keys;
    gint64 swept_at;
    GHashTable *buckets; /* "what key" → Bucket */
};

typedef struct {
    gint64 level_ms, capacity_ms; /* tries left, in milliseconds of refill */
    gint64 at;
} Bucket;

RbLimits *
rb_limits_new(guint max_keys)
{
    RbLimits *limits = g_new0(RbLimits, 1);

    g_mutex_init(&limits->lock);
    limits->max_keys = max_keys;
    limits->buckets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return limits;
}

void
rb_limits_free(RbLimits *limits)
{
    if (limits == NULL)
        return;
    g_hash_table_unref(limits->buckets);
    g_mutex_clear(&limits->lock);
    g_free(limits);
}

static gint64
level_at(const Bucket *bucket, gint64 now)
{
    gint64 passed =
        CLAMP(now - bucket->at, 0, 24 * 3600); /* a clock set back gives nothing and takes nothing */

    return MIN(bucket->capacity_ms, bucket->level_ms + passed * 1000);
}

static gboolean
is_full(gpointer key, gpointer value, gpointer now)
{
    const Bucket *bucket = value;

    (void)key;
    return level_at(bucket, *(const gint64 *)now) >= bucket->capacity_ms;
}

static Bucket *
bucket_of(RbLimits *limits, const RbLimit *limit, const char *key, gint64 now)
{
    g_autofree char *name = g_strconcat(limit->what, " ", key, NULL);
    Bucket *bucket = g_hash_table_lookup(limits->buckets, name);

    if (bucket != NULL)
        return bucket;
    if (g_hash_table_size(limits->buckets) >= limits->max_keys && limits->swept_at != now) {
        limits->swept_at = now; /* a look at all of them is not for each newcomer */
        (void)g_hash_table_foreach_remove(limits->buckets, is_full, &now);
    }
    if (g_hash_table_size(limits->buckets) >= limits->max_keys) {
        g_free(name);
        name = g_strconcat(limit->what, " (others)", NULL);
        bucket = g_hash_table_lookup(limits->buckets, name);
        if (bucket != NULL)
            return bucket;
    }
    bucket = g_new0(Bucket, 1);
    bucket->capacity_ms = bucket->level_ms = (gint64)limit->burst * limit->refill_ms;
    bucket->at = now;
    g_hash_table_insert(limits->buckets, g_steal_pointer(&name), bucket);
    return bucket;
}

gboolean
rb_limits_take(RbLimits *limits, const RbLimit *limit, const char *key, gint64 now)
{
    gboolean may;
    Bucket *bucket;

    g_mutex_lock(&limits->lock);
    bucket = bucket_of(limits, limit, key, now);
    bucket->level_ms = level_at(bucket, now);
    bucket->at = now;
    may = bucket->level_ms >= limit->refill_ms;
    if (may)
        bucket->level_ms -= limit->refill_ms;
    g_mutex_unlock(&limits->lock);
    return may;
}

char *
rb_limits_network(const char *address)
{
    struct in6_addr v6;
    char network[INET6_ADDRSTRLEN];

    if (address == NULL || inet_pton(AF_INET6, address, &v6) != 1)
        return g_strdup(address == NULL ? "" : address);
    memset(v6.s6_addr + 8, 0, 8);
    return g_strdup(inet_ntop(AF_INET6, &v6, network, sizeof network) == NULL ? "" : network);
}

gboolean
rb_limits_take_address(RbLimits *limits, const RbLimit *limit, const char *address, gint64 now)
{
    g_autofree char *network = rb_limits_network(address);

    return rb_limits_take(limits, limit, network, now);
}
