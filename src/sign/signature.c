#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/priv.h"
#include "sign/token.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <string.h>

#define XMLDSIG_MORE "http://www.w3.org/2001/04/xmldsig-more#"

static const RbSignatureAlgorithm algorithms[] = {
    { XMLDSIG_MORE "rsa-sha256", EVP_PKEY_RSA, "SHA256" },
    { XMLDSIG_MORE "rsa-sha384", EVP_PKEY_RSA, "SHA384" },
    { XMLDSIG_MORE "rsa-sha512", EVP_PKEY_RSA, "SHA512" },
    { XMLDSIG_MORE "ecdsa-sha256", EVP_PKEY_EC, "SHA256" },
    { XMLDSIG_MORE "ecdsa-sha384", EVP_PKEY_EC, "SHA384" },
    { XMLDSIG_MORE "ecdsa-sha512", EVP_PKEY_EC, "SHA512" },
};

const RbSignatureAlgorithm *
rb_signature_algorithm_find(const char *uri)
{
    for (gsize i = 0; i < G_N_ELEMENTS(algorithms); i++)
        if (strcmp(algorithms[i].uri, uri) == 0)
            return &algorithms[i];
    return NULL;
}

gboolean
rb_digest_allowed(const char *uri)
{
    return strcmp(uri, RB_NS_XENC "sha256") == 0 || strcmp(uri, RB_NS_XENC "sha512") == 0 ||
           strcmp(uri, XMLDSIG_MORE "sha384") == 0;
}

static const RbSignatureAlgorithm *
algorithm_of(const RbPrivateKey *key)
{
    int bits = EVP_PKEY_get_bits(key->pkey);

    if (rb_private_key_is_rsa(key))
        return &algorithms[0];
    return &algorithms[bits > 384 ? 5 : bits > 256 ? 4 : 3];
}

const char *
rb_signature_algorithm(const RbPrivateKey *key)
{
    return algorithm_of(key)->uri;
}

/* Bytes of r, and of s, in XML Signature's form of an ECDSA signature. */
static gsize
ecdsa_half(EVP_PKEY *pkey)
{
    return ((gsize)EVP_PKEY_get_bits(pkey) + 7) / 8;
}

/* (transfer full): DER → r and s side by side. */
static GBytes *
ecdsa_to_raw(EVP_PKEY *pkey, const guint8 *der, gsize size)
{
    gsize half = ecdsa_half(pkey);
    g_autofree guint8 *raw = g_malloc(2 * half);
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)size);
    gboolean ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)half) > 0 &&
                  BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, (int)half) > 0;

    ECDSA_SIG_free(sig);
    return ok ? g_bytes_new(raw, 2 * half) : NULL;
}

GBytes *
rb_ecdsa_to_der(EVP_PKEY *pkey, const guint8 *raw, gsize size)
{
    gsize half = ecdsa_half(pkey);
    unsigned char *der = NULL;
    GBytes *bytes = NULL;
    ECDSA_SIG *sig;
    int der_size;

    if (size != 2 * half)
        return NULL;
    sig = ECDSA_SIG_new();
    if (ECDSA_SIG_set0(sig, BN_bin2bn(raw, (int)half, NULL), BN_bin2bn(raw + half, (int)half, NULL)) == 1 &&
        (der_size = i2d_ECDSA_SIG(sig, &der)) > 0)
        bytes = g_bytes_new(der, (gsize)der_size);
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    return bytes;
}

static GBytes *
make_on_token(const RbPrivateKey *key, const void *data, gsize size, GError **error)
{
    guint8 digest[EVP_MAX_MD_SIZE];
    gsize got = 0;

    if (EVP_Q_digest(NULL, algorithm_of(key)->digest, NULL, data, size, digest, &got) == 1)
        return rb_token_sign(key, digest, got, error);
    (void)rb_fault(error, RB_FAULT_INTERNAL, "a digest could not be made");
    return NULL;
}

GBytes *
rb_signature_make(const RbPrivateKey *key, const void *data, gsize size, GError **error)
{
    g_autoptr(EVP_MD_CTX) ctx = EVP_MD_CTX_new();
    const RbSignatureAlgorithm *algorithm = algorithm_of(key);
    guint8 signature[RB_SIGN_MAX_SIGNATURE];
    gsize got = sizeof signature;
    GBytes *bytes = NULL;

    if (key->place != NULL)
        return make_on_token(key, data, size, error);
    if (EVP_DigestSignInit_ex(ctx, NULL, algorithm->digest, NULL, NULL, key->pkey, NULL) == 1 &&
        EVP_DigestSign(ctx, signature, &got, data, size) == 1)
        bytes = algorithm->key_type == EVP_PKEY_EC ? ecdsa_to_raw(key->pkey, signature, got)
                                                   : g_bytes_new(signature, got);
    ERR_clear_error();
    if (bytes == NULL)
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a signature could not be made");
    return bytes;
}

static gboolean
verify_one(const RbPublicKey *key, const RbSignatureAlgorithm *algorithm, const void *data, gsize size,
           const guint8 *signature, gsize signature_size)
{
    g_autoptr(EVP_MD_CTX) ctx = EVP_MD_CTX_new();
    g_autoptr(GBytes) der = NULL;
    gboolean ok;

    if (EVP_PKEY_get_base_id(key->pkey) != algorithm->key_type)
        return FALSE;
    if (algorithm->key_type == EVP_PKEY_EC) {
        der = rb_ecdsa_to_der(key->pkey, signature, signature_size);
        if (der == NULL)
            return FALSE;
        signature = g_bytes_get_data(der, &signature_size);
    }
    ok = EVP_DigestVerifyInit_ex(ctx, NULL, algorithm->digest, NULL, NULL, key->pkey, NULL) == 1 &&
         EVP_DigestVerify(ctx, signature, signature_size, data, size) == 1;
    ERR_clear_error();
    return ok;
}

gboolean
rb_signature_verify(RbPublicKey *const *keys, guint n_keys, const char *algorithm, const void *data,
                    gsize size, const void *signature, gsize signature_size, GError **error)
{
    const RbSignatureAlgorithm *found = rb_signature_algorithm_find(algorithm);
    g_autofree char *quoted = rb_text_quote(algorithm);

    if (found == NULL)
        return rb_refuse(error, RB_SAML_ALGORITHM, "the signature algorithm %s is not accepted", quoted);
    for (guint i = 0; i < MIN(n_keys, (guint)RB_SIGN_MAX_KEYS); i++)
        if (verify_one(keys[i], found, data, size, signature, signature_size))
            return TRUE;
    return rb_refuse(error, RB_SAML_SIGNATURE_INVALID, "none of %u trusted keys made this signature", n_keys);
}
