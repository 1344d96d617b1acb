#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/priv.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

/* JSON Web Keys (RFC 7517, 7518 §6, 8037) → OpenSSL's keys. Sizes, curves and purposes are checked here; what
 * does not fit is left out. */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OSSL_PARAM, OSSL_PARAM_free)

enum { MAX_NUMBER = RB_JWK_MAX_RSA_BITS / 8 + 1, MAX_EXPONENT = 4 /* bytes */ };

static const struct {
    const char *name, *group;
    gsize size; /* bytes of a coordinate */
    guint algorithm;
} curves[] = {
    { "P-256", "prime256v1", 32, RB_JWS_ES256 },
    { "P-384", "secp384r1", 48, RB_JWS_ES384 },
};

static const char *
text(const json_t *jwk, const char *name)
{
    return json_string_value(json_object_get(jwk, name));
}

/* (transfer full): a base64url member of at most @max bytes, or NULL. */
static GBytes *
bytes(const json_t *jwk, const char *name, gsize max)
{
    const char *value = text(jwk, name);
    g_autoptr(GBytes) decoded = value == NULL || strlen(value) > 2 * max ? NULL : rb_base64url_decode(value);

    return decoded != NULL && g_bytes_get_size(decoded) > 0 && g_bytes_get_size(decoded) <= max
               ? g_steal_pointer(&decoded)
               : NULL;
}

static BIGNUM *
number(const json_t *jwk, const char *name, gsize max)
{
    g_autoptr(GBytes) raw = bytes(jwk, name, max);

    return raw == NULL ? NULL : BN_bin2bn(g_bytes_get_data(raw, NULL), (int)g_bytes_get_size(raw), NULL);
}

EVP_PKEY *
rb_pkey_build(const char *type, OSSL_PARAM_BLD *builder)
{
    g_autoptr(OSSL_PARAM) params = OSSL_PARAM_BLD_to_param(builder);
    g_autoptr(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return NULL;
    return pkey;
}

static EVP_PKEY *
rsa(const json_t *jwk)
{
    g_autoptr(BIGNUM) n = number(jwk, "n", MAX_NUMBER), e = number(jwk, "e", MAX_EXPONENT);
    g_autoptr(OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new();

    if (n == NULL || e == NULL || BN_num_bits(n) < RB_SIGN_MIN_RSA_BITS ||
        BN_num_bits(n) > RB_JWK_MAX_RSA_BITS || !BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e))
        return NULL;
    if (OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return NULL;
    return rb_pkey_build("RSA", builder);
}

/* The coordinates have exactly the curve's length (RFC 7518 §6.2.1.2), and the point is on the curve. */
static EVP_PKEY *
ec(const json_t *jwk, guint curve)
{
    gsize size = curves[curve].size;
    g_autoptr(GBytes) x = bytes(jwk, "x", size), y = bytes(jwk, "y", size);
    g_autoptr(OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new();
    g_autoptr(EVP_PKEY) pkey = NULL;
    g_autoptr(EVP_PKEY_CTX) ctx = NULL;
    guint8 point[1 + 2 * 48] = { POINT_CONVERSION_UNCOMPRESSED };

    if (x == NULL || y == NULL || g_bytes_get_size(x) != size || g_bytes_get_size(y) != size)
        return NULL;
    memcpy(point + 1, g_bytes_get_data(x, NULL), size);
    memcpy(point + 1 + size, g_bytes_get_data(y, NULL), size);
    if (OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curves[curve].group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size) != 1)
        return NULL;
    pkey = rb_pkey_build("EC", builder);
    ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
    return ctx != NULL && EVP_PKEY_public_check(ctx) == 1 ? g_steal_pointer(&pkey) : NULL;
}

static EVP_PKEY *
ed25519(const json_t *jwk)
{
    g_autoptr(GBytes) x = bytes(jwk, "x", 32);

    return x == NULL || g_bytes_get_size(x) != 32
               ? NULL
               : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, g_bytes_get_data(x, NULL), 32);
}

/* kty and crv alone say what a key is; its alg may only narrow what it verifies. */
static EVP_PKEY *
by_type(const json_t *jwk, guint *algorithms)
{
    const char *kty = text(jwk, "kty"), *crv = text(jwk, "crv");

    if (g_strcmp0(kty, "RSA") == 0) {
        *algorithms = RB_JWS_RS256 | RB_JWS_PS256;
        return rsa(jwk);
    }
    if (g_strcmp0(kty, "OKP") == 0 && g_strcmp0(crv, "Ed25519") == 0) {
        *algorithms = RB_JWS_EDDSA;
        return ed25519(jwk);
    }
    for (guint i = 0; g_strcmp0(kty, "EC") == 0 && i < G_N_ELEMENTS(curves); i++)
        if (g_strcmp0(crv, curves[i].name) == 0) {
            *algorithms = curves[i].algorithm;
            return ec(jwk, i);
        }
    return NULL;
}

static gboolean
may_verify(const json_t *jwk)
{
    const json_t *use = json_object_get(jwk, "use"), *ops = json_object_get(jwk, "key_ops"), *op;
    gsize i;

    if (use != NULL && g_strcmp0(json_string_value(use), "sig") != 0)
        return FALSE;
    if (ops == NULL)
        return TRUE;
    json_array_foreach((json_t *)ops, i, op)
    {
        if (g_strcmp0(json_string_value(op), "verify") == 0)
            return TRUE;
    }
    return FALSE;
}

/* (transfer full): NULL for a key that is not ours to use. One whose private half is published is nobody's.
 */
static RbJwk *
parse_one(const json_t *jwk)
{
    const json_t *kid = json_object_get(jwk, "kid"), *alg = json_object_get(jwk, "alg");
    guint algorithms = 0;
    g_autoptr(EVP_PKEY) pkey = NULL;
    RbJwk *key;

    if (!json_is_object(jwk) || !may_verify(jwk) || json_object_get(jwk, "d") != NULL)
        return NULL;
    if (kid != NULL && (!json_is_string(kid) || json_string_length(kid) > RB_JWS_MAX_KID))
        return NULL;
    pkey = by_type(jwk, &algorithms);
    ERR_clear_error();
    if (alg != NULL)
        algorithms &= json_is_string(alg) ? rb_jws_algorithm(json_string_value(alg)) : 0;
    if (pkey == NULL || algorithms == 0)
        return NULL;
    key = g_new0(RbJwk, 1);
    key->pkey = g_steal_pointer(&pkey);
    key->kid = g_strdup(json_string_value(kid));
    key->algorithms = algorithms;
    rb_jws_prepare(key);
    return key;
}

static void
jwk_free(gpointer data)
{
    RbJwk *key = data;

    for (guint i = 0; i < RB_JWS_ALGORITHMS; i++)
        EVP_MD_CTX_free(key->ready[i]);
    EVP_PKEY_free(key->pkey);
    g_free(key->kid);
    g_free(key);
}

static RbJwks *
parse_all(const json_t *list, GError **error)
{
    RbJwks *keys = g_new0(RbJwks, 1);
    const json_t *jwk;
    gsize i;

    keys->keys = g_ptr_array_new_with_free_func(jwk_free);
    json_array_foreach((json_t *)list, i, jwk)
    {
        RbJwk *key = parse_one(jwk);
        if (key != NULL)
            g_ptr_array_add(keys->keys, key);
    }
    if (keys->keys->len > 0)
        return keys;
    (void)rb_refuse(error, RB_OIDC_KEYS, "none of %zu keys can verify a signature", json_array_size(list));
    rb_jwks_free(keys);
    return NULL;
}

RbJwks *
rb_jwks_parse(const void *data, gsize size, GError **error)
{
    json_t *json = NULL, *list;
    RbJwks *keys = NULL;

    if (size > RB_JWKS_MAX)
        (void)rb_refuse(error, RB_OIDC_KEYS, "a key set of %zu bytes; at most %d are read", size,
                        RB_JWKS_MAX);
    else
        json = rb_json_parse(data, size, RB_OIDC_KEYS, "the key set", error);
    if (json == NULL)
        return NULL;
    list = json_object_get(json, "keys");
    if (!json_is_array(list) || json_array_size(list) > RB_JWKS_MAX_KEYS)
        (void)rb_refuse(error, RB_OIDC_KEYS, "a key set without keys, or with more than %d",
                        RB_JWKS_MAX_KEYS);
    else
        keys = parse_all(list, error);
    json_decref(json);
    return keys;
}

void
rb_jwks_free(RbJwks *keys)
{
    if (keys == NULL)
        return;
    g_ptr_array_unref(keys->keys);
    g_free(keys);
}

guint
rb_jwks_size(const RbJwks *keys)
{
    return keys->keys->len;
}

const char *
rb_jwks_id(const RbJwks *keys, guint i)
{
    return ((const RbJwk *)keys->keys->pdata[i])->kid;
}
