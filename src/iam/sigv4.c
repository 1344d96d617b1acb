#include "iam/sigv4.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "iam/priv.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

/* Production signs with one key, a sandbox verifies a few: a short ring is enough and cannot grow. */
enum { KEYS = 32 };

typedef struct {
    char *label; /* key id, date, region, service */
    RbSecret *secret;
    guint8 key[32];
} DerivedKey;

struct RbSigv4Keys {
    pthread_mutex_t lock;
    guint next;
    DerivedKey ring[KEYS];
};

RbSigv4Keys *
rb_sigv4_keys_new(void)
{
    RbSigv4Keys *keys = g_new0(RbSigv4Keys, 1);

    pthread_mutex_init(&keys->lock, NULL);
    return keys;
}

static void
derived_key_clear(DerivedKey *derived)
{
    g_clear_pointer(&derived->label, g_free);
    g_clear_pointer(&derived->secret, rb_secret_unref);
    rb_wipe(derived->key, sizeof derived->key);
}

void
rb_sigv4_keys_free(RbSigv4Keys *keys)
{
    if (keys == NULL)
        return;
    for (guint i = 0; i < KEYS; i++)
        derived_key_clear(&keys->ring[i]);
    pthread_mutex_destroy(&keys->lock);
    g_free(keys);
}

/* An HMAC-SHA-256 with a key of no meaning, to be copied: OpenSSL 3 takes longer to find the algorithms by
 * their names than for the MAC of a short text. */
static gpointer
hmac_pattern(gpointer data)
{
    const guint8 none[32] = { 0 };
    char sha256[] = "SHA256";
    const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
                                  OSSL_PARAM_construct_end() };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *pattern = EVP_MAC_CTX_new(algorithm);

    (void)data;
    if (pattern == NULL || EVP_MAC_init(pattern, none, sizeof none, params) != 1)
        g_error("HMAC-SHA-256 is not available");
    EVP_MAC_free(algorithm); /* the pattern holds it */
    return pattern;
}

static void
hmac(const void *key, gsize key_size, const void *data, gsize size, guint8 mac[32])
{
    static GOnce once = G_ONCE_INIT;
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(g_once(&once, hmac_pattern, NULL));
    gsize n = 0;

    if (ctx == NULL || EVP_MAC_init(ctx, key, key_size, NULL) != 1 || EVP_MAC_update(ctx, data, size) != 1 ||
        EVP_MAC_final(ctx, mac, &n, 32) != 1 || n != 32)
        g_error("HMAC-SHA-256 does not work");
    EVP_MAC_CTX_free(ctx); /* wipes the key */
}

static void
derive(const RbSigv4Signer *signer, const char *yyyymmdd, guint8 key[32])
{
    char *start = g_strconcat("AWS4", rb_secret_reveal(signer->secret), NULL);

    hmac(start, strlen(start), yyyymmdd, 8, key);
    hmac(key, 32, signer->region, strlen(signer->region), key);
    hmac(key, 32, signer->service, strlen(signer->service), key);
    hmac(key, 32, "aws4_request", strlen("aws4_request"), key);
    rb_wipe_free(start);
}

/* The same key id with another secret must not find the old secret's key, so the secret is compared too. */
static gboolean
ring_find(RbSigv4Keys *keys, const char *label, const RbSecret *secret, guint8 key[32])
{
    for (guint i = 0; i < KEYS; i++) {
        const DerivedKey *derived = &keys->ring[i];
        if (derived->label != NULL && g_str_equal(derived->label, label) &&
            rb_secret_equal(derived->secret, secret)) {
            memcpy(key, derived->key, 32);
            return TRUE;
        }
    }
    return FALSE;
}

void
rb_sigv4_key(RbSigv4Keys *keys, const RbSigv4Signer *signer, const char *yyyymmdd, guint8 key[32])
{
    g_autofree char *label = NULL;
    DerivedKey *slot;
    gboolean found;

    if (keys == NULL) {
        derive(signer, yyyymmdd, key);
        return;
    }
    label =
        g_strdup_printf("%s/%.8s/%s/%s", signer->access_key_id, yyyymmdd, signer->region, signer->service);
    pthread_mutex_lock(&keys->lock);
    found = ring_find(keys, label, signer->secret, key);
    if (!found) {
        derive(signer, yyyymmdd, key);
        slot = &keys->ring[keys->next++ % KEYS];
        derived_key_clear(slot);
        slot->label = g_steal_pointer(&label);
        slot->secret = rb_secret_new(rb_secret_reveal(signer->secret), rb_secret_size(signer->secret));
        memcpy(slot->key, key, 32);
    }
    pthread_mutex_unlock(&keys->lock);
}

void
rb_sigv4_time_format(gint64 utc_s, char text[17])
{
    time_t t = (time_t)utc_s;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || strftime(text, 17, "%Y%m%dT%H%M%SZ", &tm) != 16)
        memcpy(text, "00000000T000000Z", 17); /* beyond year 9999: nothing verifies against it */
}

static gint
digits(const char *text, int n)
{
    gint value = 0;

    while (n-- > 0)
        value = value * 10 + (*text++ - '0');
    return value;
}

gboolean
rb_sigv4_time_parse(const char *text, gint64 *utc_s)
{
    g_autoptr(GDateTime) time = NULL;

    if (strlen(text) != 16 || strspn(text, "0123456789") != 8 || text[8] != 'T' ||
        strspn(text + 9, "0123456789") != 6 || text[15] != 'Z')
        return FALSE;
    time = g_date_time_new_utc(digits(text, 4), digits(text + 4, 2), digits(text + 6, 2), digits(text + 9, 2),
                               digits(text + 11, 2), digits(text + 13, 2));
    if (time == NULL)
        return FALSE;
    *utc_s = g_date_time_to_unix(time);
    return TRUE;
}

void
rb_sigv4_signature(RbSigv4Keys *keys, const RbSigv4Signer *signer, const char *date,
                   const char *canonical_hash, char hex[65])
{
    g_autofree char *text = g_strdup_printf("AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s", date, date,
                                            signer->region, signer->service, canonical_hash);
    g_autofree char *encoded = NULL;
    guint8 key[32], mac[32];

    rb_sigv4_key(keys, signer, date, key);
    hmac(key, sizeof key, text, strlen(text), mac);
    rb_wipe(key, sizeof key);
    encoded = rb_hex_encode(mac, sizeof mac);
    memcpy(hex, encoded, 65);
}

/* Hop-by-hop and what proxies change; botocore's list. */
static gboolean
never_signed(const char *name)
{
    static const char *const names[] = {
        "authorization", "connection",        "expect",          "keep-alive", "te", "trailer",
        "upgrade",       "transfer-encoding", "x-amzn-trace-id", "user-agent", NULL
    };

    return g_str_has_prefix(name, "proxy-") || g_strv_contains(names, name);
}

/* Leaves only headers that are signed; returns their names joined by ";". */
static char *
signed_names(GArray *headers)
{
    GString *names = g_string_new(NULL);

    for (guint i = headers->len; i > 0; i--)
        if (never_signed(g_array_index(headers, RbPair, i - 1).name))
            g_array_remove_index(headers, i - 1);
    for (guint i = 0; i < headers->len; i++)
        g_string_append(i > 0 ? g_string_append_c(names, ';') : names,
                        g_array_index(headers, RbPair, i).name);
    return g_string_free(names, FALSE);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(((const RbPair *)a)->name, ((const RbPair *)b)->name);
}

static gboolean
request_check(const RbSigv4Request *request, const GArray *headers, const GArray *query, GError **error)
{
    if (query == NULL || request->target[0] != '/')
        return rb_fault(error, RB_FAULT_INTERNAL, "a request to sign has a broken target");
    if (rb_pairs_find(headers, "host") == NULL)
        return rb_fault(error, RB_FAULT_INTERNAL, "a request to sign has no Host header");
    return TRUE;
}

char *
rb_sigv4_sign(RbSigv4Keys *keys, const RbSigv4Signer *signer, const RbSigv4Request *request, gint64 now,
              char date[17], GError **error)
{
    g_autoptr(GArray) headers = rb_canonical_headers(request->headers, request->n_headers);
    g_autoptr(GArray) query = rb_query_parse(request->target);
    g_autofree char *path = rb_canonical_path(request->target), *text = NULL, *names = NULL;
    const char *stated = rb_pairs_find(headers, "x-amz-content-sha256");
    char payload[65], hash[65], signature[65];

    if (!request_check(request, headers, query, error))
        return NULL;
    rb_sigv4_time_format(now, date);
    rb_pairs_add(headers, g_strdup("x-amz-date"), g_strdup(date));
    if (signer->session_token != NULL)
        rb_pairs_add(headers, g_strdup("x-amz-security-token"),
                     g_strdup(rb_secret_reveal(signer->session_token)));
    g_array_sort(headers, by_name);
    names = signed_names(headers);
    text = rb_query_print(query, NULL);
    rb_sha256_hex(request->body, request->body_size, payload);
    rb_canonical_hash(
        &(RbCanonical){ request->method, path, text, names, stated != NULL ? stated : payload, headers },
        hash);
    rb_sigv4_signature(keys, signer, date, hash, signature);
    return g_strdup_printf("AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=%s, "
                           "Signature=%s",
                           signer->access_key_id, date, signer->region, signer->service, names, signature);
}

static void
add_presign_query(GArray *query, const RbSigv4Signer *signer, const char *date, gint64 expires_s,
                  const char *names)
{
    rb_pairs_add(query, g_strdup("X-Amz-Algorithm"), g_strdup("AWS4-HMAC-SHA256"));
    rb_pairs_add(query, g_strdup("X-Amz-Credential"),
                 g_strdup_printf("%s/%.8s/%s/%s/aws4_request", signer->access_key_id, date, signer->region,
                                 signer->service));
    rb_pairs_add(query, g_strdup("X-Amz-Date"), g_strdup(date));
    rb_pairs_add(query, g_strdup("X-Amz-Expires"), g_strdup_printf("%" G_GINT64_FORMAT, expires_s));
    rb_pairs_add(query, g_strdup("X-Amz-SignedHeaders"), g_strdup(names));
    if (signer->session_token != NULL)
        rb_pairs_add(query, g_strdup("X-Amz-Security-Token"),
                     g_strdup(rb_secret_reveal(signer->session_token)));
}

RbSecret *
rb_sigv4_presign(RbSigv4Keys *keys, const RbSigv4Signer *signer, const RbSigv4Request *request, gint64 now,
                 gint64 expires_s, GError **error)
{
    g_autoptr(GArray) headers = rb_canonical_headers(request->headers, request->n_headers);
    g_autoptr(GArray) query = rb_query_parse(request->target);
    g_autofree char *path = rb_canonical_path(request->target), *names = NULL;
    char payload[65], hash[65], signature[65], date[17];
    char *text, *all;

    if (!request_check(request, headers, query, error))
        return NULL;
    if (expires_s < 1 || expires_s > 604800) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a presigned request lives from 1 s to 7 days");
        return NULL;
    }
    rb_sigv4_time_format(now, date);
    names = signed_names(headers);
    add_presign_query(query, signer, date, expires_s, names);
    text = rb_query_print(query, NULL);
    rb_sha256_hex(request->body, request->body_size, payload);
    rb_canonical_hash(&(RbCanonical){ request->method, path, text, names, payload, headers }, hash);
    rb_sigv4_signature(keys, signer, date, hash, signature);
    all = g_strdup_printf("%.*s?%s&X-Amz-Signature=%s", (int)strcspn(request->target, "?"), request->target,
                          text, signature);
    rb_wipe_free(text);
    return rb_secret_take_text(all);
}
