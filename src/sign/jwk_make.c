#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/priv.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

/* OpenSSL's public keys → JSON Web Keys (RFC 7517, 7518 §6). */

/* (transfer full): a number of @pkey, base64url; padded to @size bytes when that is not 0. NULL: it has none.
 */
static char *
number(EVP_PKEY *pkey, const char *name, int size)
{
    BIGNUM *raw = NULL;
    g_autoptr(BIGNUM) bn = NULL;
    g_autofree guint8 *bytes = NULL;

    if (EVP_PKEY_get_bn_param(pkey, name, &raw) != 1)
        return NULL;
    bn = raw;
    if (size == 0)
        size = BN_num_bytes(bn);
    bytes = g_malloc((gsize)size);
    return BN_bn2binpad(bn, bytes, size) < 0 ? NULL : rb_base64url_encode(bytes, (gsize)size);
}

static json_t *
rsa(EVP_PKEY *pkey)
{
    g_autofree char *n = number(pkey, OSSL_PKEY_PARAM_RSA_N, 0);
    g_autofree char *e = number(pkey, OSSL_PKEY_PARAM_RSA_E, 0);

    return n == NULL || e == NULL ? NULL : json_pack("{s:s, s:s, s:s}", "kty", "RSA", "n", n, "e", e);
}

static json_t *
ec(EVP_PKEY *pkey)
{
    int bits = EVP_PKEY_get_bits(pkey), size = (bits + 7) / 8;
    g_autofree char *x = number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, size);
    g_autofree char *y = number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, size);

    return x == NULL || y == NULL ? NULL
                                  : json_pack("{s:s, s:s, s:s, s:s}", "kty", "EC", "crv",
                                              bits > 384   ? "P-521"
                                              : bits > 256 ? "P-384"
                                                           : "P-256",
                                              "x", x, "y", y);
}

json_t *
rb_certificate_jwk(GBytes *der, const char *kid, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(der, &size);
    g_autoptr(RbPublicKey) key = rb_public_key_from_certificate(data, size, error);
    g_autofree char *base64 = g_base64_encode(data, size); /* x5c is standard base64 (RFC 7517 §4.7) */
    json_t *jwk;

    if (key == NULL)
        return NULL;
    jwk = EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_RSA ? rsa(key->pkey) : ec(key->pkey);
    ERR_clear_error();
    if (jwk == NULL) {
        (void)rb_refuse(error, RB_SIGN_KEY, "a certificate whose public key has no numbers");
        return NULL;
    }
    (void)json_object_update_new(jwk, json_pack("{s:s, s:s, s:s, s:[s]}", "use", "sig", "alg",
                                                rb_pkey_algorithm(key->pkey), "kid", kid, "x5c", base64));
    return jwk;
}
