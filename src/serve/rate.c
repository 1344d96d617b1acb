#include "serve/rate.h"

#include "base/refusal.h"

#include <string.h>

enum { RB_RATE_ADDRESSES = 16384, RB_RATE_SWEEP_MS = 1000 };

typedef struct {
    guint8 key[16];
    double left;
    gint64 at_ms;
} Bucket;

struct RbRate {
    GMutex lock;
    GHashTable *buckets; /* Bucket by its key */
    double per_s, burst;
    gint64 swept_ms;
};

static guint
hash_key(gconstpointer key)
{
    guint32 words[4];

    memcpy(words, key, sizeof words);
    return words[0] * 31U ^ words[1] * 131U ^ words[2] * 8191U ^ words[3];
}

static gboolean
equal_key(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, 16) == 0;
}

RbRate *
rb_rate_new(guint per_s, guint burst)
{
    RbRate *rate = g_new0(RbRate, 1);

    g_mutex_init(&rate->lock);
    rate->buckets = g_hash_table_new_full(hash_key, equal_key, NULL, g_free); /* the key is in the value */
    rate->per_s = per_s;
    rate->burst = burst;
    rate->swept_ms = G_MININT32;
    return rate;
}

void
rb_rate_free(RbRate *rate)
{
    if (rate == NULL)
        return;
    g_hash_table_unref(rate->buckets);
    g_mutex_clear(&rate->lock);
    g_free(rate);
}

static void
fill(const RbRate *rate, Bucket *bucket, gint64 now_ms)
{
    double gained = (double)(now_ms - bucket->at_ms) / 1000.0 * rate->per_s;

    bucket->left = MIN(rate->burst, bucket->left + MAX(gained, 0.0));
    bucket->at_ms = now_ms;
}

static gboolean
is_full(gpointer key, gpointer value, gpointer data)
{
    gpointer *with = data;
    Bucket *bucket = value;

    (void)key;
    fill(with[0], bucket, *(gint64 *)with[1]);
    return bucket->left >= ((const RbRate *)with[0])->burst;
}

static Bucket *
find(RbRate *rate, const guint8 key[16], gint64 now_ms)
{
    static const guint8 crowd[16] = { 0 }; /* no client has the unspecified address */
    gpointer with[] = { rate, &now_ms };
    Bucket *bucket = g_hash_table_lookup(rate->buckets, key);

    if (bucket != NULL)
        return bucket;
    if (g_hash_table_size(rate->buckets) >= RB_RATE_ADDRESSES &&
        now_ms - rate->swept_ms >= RB_RATE_SWEEP_MS) {
        rate->swept_ms = now_ms; /* a look at all of them is not for each newcomer */
        (void)g_hash_table_foreach_remove(rate->buckets, is_full,
                                          with); /* those that rested start anew anyway */
    }
    if (g_hash_table_size(rate->buckets) >= RB_RATE_ADDRESSES) {
        key = crowd;
        bucket = g_hash_table_lookup(rate->buckets, key);
        if (bucket != NULL)
            return bucket;
    }
    bucket = g_new0(Bucket, 1);
    memcpy(bucket->key, key, 16);
    bucket->left = rate->burst;
    bucket->at_ms = now_ms;
    g_hash_table_insert(rate->buckets, bucket->key, bucket);
    return bucket;
}

gboolean
rb_rate_take(RbRate *rate, const RbAddress *address, gint64 now_ms, GError **error)
{
    RbAddress client = rb_address_one_client(address);
    Bucket *bucket;
    gboolean good;

    g_mutex_lock(&rate->lock);
    bucket = find(rate, client.bytes, now_ms);
    fill(rate, bucket, now_ms);
    good = bucket->left >= 1.0;
    if (good)
        bucket->left -= 1.0;
    g_mutex_unlock(&rate->lock);
    if (!good)
        return rb_refuse(error, RB_REQUEST_TOO_MANY, "more than %.0f requests in a row from one address",
                         rate->burst);
    return TRUE;
}
