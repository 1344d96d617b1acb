#include "sandbox/token.h"

#include "base/encoding.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

enum { MIN_RSA_BITS = 2048, MAX_RSA_BITS = 8192, MAX_KEYS = 200 };

/* clang-format off */
static const struct {
    const char *alg, *kty, *curve; /* curve: as JWK and OpenSSL call it; NULL for RSA */
    const EVP_MD *(*digest)(void);
} algorithms[] = { /* what AWS documents: nothing symmetric, no PSS, no EdDSA */
    { "RS256", "RSA", NULL,    EVP_sha256 },
    { "RS384", "RSA", NULL,    EVP_sha384 },
    { "RS512", "RSA", NULL,    EVP_sha512 },
    { "ES256", "EC",  "P-256", EVP_sha256 },
    { "ES384", "EC",  "P-384", EVP_sha384 },
    { "ES512", "EC",  "P-521", EVP_sha512 },
};
/* clang-format on */

void
rb_box_token_free(RbBoxToken *token)
{
    if (token == NULL)
        return;
    json_decref(token->header);
    json_decref(token->claims);
    g_free(token->signed_text);
    g_clear_pointer(&token->signature, g_bytes_unref);
    g_free(token);
}

static json_t *
read_part(const char *text)
{
    g_autoptr(GBytes) bytes = rb_base64url_decode(text);
    json_t *json = NULL;

    if (bytes != NULL && g_bytes_get_size(bytes) > 0)
        json =
            json_loadb(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

RbBoxToken *
rb_box_token_read(const char *text)
{
    g_autoptr(RbBoxToken) token = g_new0(RbBoxToken, 1);
    g_auto(GStrv) parts = strlen(text) > RB_BOX_MAX_TOKEN ? NULL : g_strsplit(text, ".", 6);

    if (parts == NULL || g_strv_length(parts) != 3)
        return NULL;
    token->header = read_part(parts[0]);
    token->claims = read_part(parts[1]);
    token->signature = rb_base64url_decode(parts[2]);
    token->signed_text = g_strjoin(".", parts[0], parts[1], NULL);
    token->alg = json_string_value(json_object_get(token->header, "alg"));
    token->kid = json_string_value(json_object_get(token->header, "kid"));
    /* a header that says "understand this or refuse" names something that is not understood here */
    if (token->claims == NULL || token->signature == NULL || token->alg == NULL ||
        json_object_get(token->header, "crit") != NULL)
        return NULL;
    return g_steal_pointer(&token);
}

static GBytes *
as_der(GBytes *raw)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(raw, &size);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    guint8 *der = NULL;
    int der_size;
    GBytes *out;

    (void)ECDSA_SIG_set0(sig, BN_bin2bn(bytes, (int)(size / 2), NULL),
                         BN_bin2bn(bytes + size / 2, (int)(size / 2), NULL));
    der_size = i2d_ECDSA_SIG(sig, &der);
    out = g_bytes_new(der, der_size < 0 ? 0 : (gsize)der_size);
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    return out;
}

gboolean
rb_box_verify(EVP_PKEY *key, const EVP_MD *digest, gboolean raw, gconstpointer data, gsize size,
              GBytes *signature)
{
    gboolean ec = EVP_PKEY_get_base_id(key) == EVP_PKEY_EC;
    gsize half = ((gsize)EVP_PKEY_get_bits(key) + 7) / 8;
    g_autoptr(GBytes) bytes = NULL;
    EVP_MD_CTX *ctx;
    gboolean good;

    if (ec && raw && g_bytes_get_size(signature) != 2 * half)
        return FALSE;
    bytes = ec && raw ? as_der(signature) : g_bytes_ref(signature);
    ctx = EVP_MD_CTX_new();
    good = EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) == 1 &&
           EVP_DigestVerify(ctx, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), data, size) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

/* ---- keys of a JWK set ---- */

static GBytes *
member(const json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));

    return text == NULL ? NULL : rb_base64url_decode(text);
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    ERR_clear_error();
    return key;
}

static EVP_PKEY *
rsa_key(const json_t *jwk)
{
    g_autoptr(GBytes) n = member(jwk, "n");
    g_autoptr(GBytes) e = member(jwk, "e");
    OSSL_PARAM_BLD *build;
    BIGNUM *n_number, *e_number;
    EVP_PKEY *key = NULL;

    if (n == NULL || e == NULL || g_bytes_get_size(n) > MAX_RSA_BITS / 8 + 1 || g_bytes_get_size(e) > 8)
        return NULL;
    build = OSSL_PARAM_BLD_new();
    n_number = BN_bin2bn(g_bytes_get_data(n, NULL), (int)g_bytes_get_size(n), NULL);
    e_number = BN_bin2bn(g_bytes_get_data(e, NULL), (int)g_bytes_get_size(e), NULL);
    if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n_number) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e_number) == 1)
        key = from_params("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(n_number);
    BN_free(e_number);
    if (key != NULL && EVP_PKEY_get_bits(key) >= MIN_RSA_BITS)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static EVP_PKEY *
ec_key(const json_t *jwk, const char *curve)
{
    g_autoptr(GBytes) x = member(jwk, "x");
    g_autoptr(GBytes) y = member(jwk, "y");
    gsize half = strcmp(curve, "P-256") == 0 ? 32 : strcmp(curve, "P-384") == 0 ? 48 : 66;
    guint8 point[1 + 2 * 66] = { POINT_CONVERSION_UNCOMPRESSED };
    OSSL_PARAM_BLD *build;
    EVP_PKEY *key = NULL;

    if (g_strcmp0(json_string_value(json_object_get(jwk, "crv")), curve) != 0 || x == NULL || y == NULL ||
        g_bytes_get_size(x) != half || g_bytes_get_size(y) != half)
        return NULL;
    memcpy(point + 1, g_bytes_get_data(x, NULL), half);
    memcpy(point + 1 + half, g_bytes_get_data(y, NULL), half);
    build = OSSL_PARAM_BLD_new();
    if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * half) == 1)
        key = from_params("EC", build); /* refuses a point that is not on the curve */
    OSSL_PARAM_BLD_free(build);
    return key;
}

static gboolean
fits(const json_t *jwk, const RbBoxToken *token, gsize i)
{
    const char *kid = json_string_value(json_object_get(jwk, "kid"));
    const char *use = json_string_value(json_object_get(jwk, "use"));
    const char *alg = json_string_value(json_object_get(jwk, "alg"));
    const char *kty = json_string_value(json_object_get(jwk, "kty"));

    return kid != NULL && strcmp(kid, token->kid) == 0 && (use == NULL || strcmp(use, "sig") == 0) &&
           (alg == NULL || strcmp(alg, token->alg) == 0) && g_strcmp0(kty, algorithms[i].kty) == 0;
}

static EVP_PKEY *
find_key(const RbBoxToken *token, GBytes *jwks, gsize i)
{
    json_t *set =
        json_loadb(g_bytes_get_data(jwks, NULL), g_bytes_get_size(jwks), JSON_REJECT_DUPLICATES, NULL);
    json_t *keys = json_object_get(set, "keys"), *jwk;
    EVP_PKEY *key = NULL;
    gsize k;

    if (token->kid != NULL && json_array_size(keys) <= MAX_KEYS) {
        json_array_foreach(keys, k, jwk)
        {
            if (key == NULL && fits(jwk, token, i))
                key = algorithms[i].curve == NULL ? rsa_key(jwk) : ec_key(jwk, algorithms[i].curve);
        }
    }
    json_decref(set);
    return key;
}

RbBoxSigned
rb_box_token_check_signature(const RbBoxToken *token, GBytes *jwks)
{
    for (gsize i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        EVP_PKEY *key;
        gboolean good;

        if (strcmp(token->alg, algorithms[i].alg) != 0)
            continue;
        key = find_key(token, jwks, i);
        if (key == NULL)
            return RB_BOX_NO_KEY;
        good = rb_box_verify(key, algorithms[i].digest(), TRUE, token->signed_text,
                             strlen(token->signed_text), token->signature);
        EVP_PKEY_free(key);
        return good ? RB_BOX_SIGNED : RB_BOX_NOT_SIGNED;
    }
    return RB_BOX_NO_ALGORITHM;
}
