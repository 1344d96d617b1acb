#include "jose.h"

#include "base/encoding.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <string.h>

EVP_PKEY *
jose_key(const char *kind)
{
    EVP_PKEY *key;

    if (g_str_has_prefix(kind, "RSA"))
        key = EVP_RSA_gen(strcmp(kind, "RSA-1024") == 0 ? 1024 : 2048);
    else
        key = strcmp(kind, "Ed25519") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_EC_gen(kind);
    g_assert(key != NULL);
    return key;
}

static char *
number(EVP_PKEY *key, const char *name, int size)
{
    BIGNUM *bn = NULL;
    guint8 bytes[1024];
    int n;

    g_assert(EVP_PKEY_get_bn_param(key, name, &bn) == 1);
    n = size > 0 ? size : BN_num_bytes(bn);
    g_assert(BN_bn2binpad(bn, bytes, n) == n);
    BN_free(bn);
    return rb_base64url_encode(bytes, (gsize)n);
}

static char *
public_members(EVP_PKEY *key)
{
    int type = EVP_PKEY_get_base_id(key), bits = EVP_PKEY_get_bits(key), size = (bits + 7) / 8;
    g_autofree char *a = NULL, *b = NULL;
    guint8 raw[32];
    gsize raw_size = sizeof raw;

    if (type == EVP_PKEY_RSA) {
        a = number(key, OSSL_PKEY_PARAM_RSA_N, 0);
        b = number(key, OSSL_PKEY_PARAM_RSA_E, 0);
        return g_strdup_printf("\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"", a, b);
    }
    if (type == EVP_PKEY_ED25519) {
        g_assert(EVP_PKEY_get_raw_public_key(key, raw, &raw_size) == 1);
        a = rb_base64url_encode(raw, raw_size);
        return g_strdup_printf("\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"", a);
    }
    a = number(key, OSSL_PKEY_PARAM_EC_PUB_X, size);
    b = number(key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
    return g_strdup_printf("\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"%s\",\"y\":\"%s\"", bits, a, b);
}

char *
jose_jwk(EVP_PKEY *key, const char *kid, const char *more)
{
    g_autofree char *members = public_members(key);
    g_autofree char *id = kid == NULL ? g_strdup("") : g_strdup_printf(",\"kid\":\"%s\"", kid);

    return g_strdup_printf("{%s%s%s%s}", members, id, more == NULL ? "" : ",", more == NULL ? "" : more);
}

char *
jose_jwks(const char *first, ...)
{
    GString *all = g_string_new("{\"keys\":[");
    va_list more;

    va_start(more, first);
    for (const char *jwk = first; jwk != NULL; jwk = va_arg(more, const char *))
        g_string_append_printf(all, "%s%s", jwk == first ? "" : ",", jwk);
    va_end(more);
    g_string_append(all, "]}");
    return g_string_free(all, FALSE);
}

char *
jose_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *text;
    long size;

    g_assert(PEM_write_bio_PUBKEY(bio, key) == 1);
    size = BIO_get_mem_data(bio, &data);
    text = g_strndup(data, (gsize)size);
    BIO_free(bio);
    return text;
}

static char *
join(const char *header, const char *payload)
{
    g_autofree char *a = rb_base64url_encode(header, strlen(header));
    g_autofree char *b = rb_base64url_encode(payload, strlen(payload));

    return g_strconcat(a, ".", b, NULL);
}

/* DER → r and s side by side. */
static gsize
to_raw(EVP_PKEY *key, guint8 *bytes, gsize size)
{
    int half = (EVP_PKEY_get_bits(key) + 7) / 8;
    const guint8 *p = bytes;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)size);

    g_assert(sig != NULL);
    g_assert(BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, half) == half);
    g_assert(BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + half, half) == half);
    ECDSA_SIG_free(sig);
    return 2 * (gsize)half;
}

char *
jose_sign(EVP_PKEY *key, const char *alg, const char *header, const char *payload)
{
    g_autofree char *input = join(header, payload), *encoded = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    guint8 signature[1024];
    gsize size = sizeof signature;
    const char *digest = strcmp(alg, "EdDSA") == 0    ? NULL
                         : strstr(alg, "512") != NULL ? "SHA512"
                         : strstr(alg, "384") != NULL ? "SHA384"
                                                      : "SHA256";

    if (strcmp(alg, "none") == 0) {
        EVP_MD_CTX_free(ctx);
        return g_strconcat(input, ".", NULL);
    }
    g_assert(EVP_DigestSignInit_ex(ctx, &pctx, digest, NULL, NULL, key, NULL) == 1);
    if (g_str_has_prefix(alg, "PS"))
        g_assert(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(
                     pctx, g_str_has_suffix(alg, "salt0") ? 0 : RSA_PSS_SALTLEN_DIGEST) == 1);
    g_assert(EVP_DigestSign(ctx, signature, &size, (const guint8 *)input, strlen(input)) == 1);
    EVP_MD_CTX_free(ctx);
    if (g_str_has_prefix(alg, "ES"))
        size = to_raw(key, signature, size);
    encoded = rb_base64url_encode(signature, size);
    return g_strconcat(input, ".", encoded, NULL);
}

char *
jose_claims(json_t *claims, const char *change)
{
    json_t *changes = json_loads(change, 0, NULL), *value;
    const char *name;
    char *dumped, *text;

    g_assert(claims != NULL && changes != NULL);
    json_object_foreach(changes, name, value)
    {
        if (json_is_null(value))
            json_object_del(claims, name);
        else
            json_object_set(claims, name, value);
    }
    dumped = json_dumps(claims, JSON_COMPACT);
    text = g_strdup(dumped);
    free(dumped);
    json_decref(claims);
    json_decref(changes);
    return text;
}

char *
jose_hmac(const char *secret, const char *header, const char *payload)
{
    g_autofree char *input = join(header, payload), *encoded = NULL;
    guint8 digest[32];
    guint size = sizeof digest;

    g_assert(HMAC(EVP_sha256(), secret, (int)strlen(secret), (const guint8 *)input, strlen(input), digest,
                  &size) != NULL);
    encoded = rb_base64url_encode(digest, size);
    return g_strconcat(input, ".", encoded, NULL);
}

char *
jose_with_signature(const char *token, const void *bytes, gsize size)
{
    const char *dot = strrchr(token, '.');
    g_autofree char *encoded = rb_base64url_encode(bytes, size);

    return g_strdup_printf("%.*s.%s", (int)(dot - token), token, encoded);
}
