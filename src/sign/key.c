#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/priv.h"
#include "sign/token.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

/* RSA of a safe size, or one of NIST's three curves: what xmlsec1 and the algorithm table know. */
static gboolean
check_kind(EVP_PKEY *pkey, GError **error)
{
    char group[64] = "";
    int type = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);

    if (type == EVP_PKEY_RSA) {
        if (bits < RB_SIGN_MIN_RSA_BITS || bits > RB_SIGN_MAX_RSA_BITS)
            return rb_refuse(error, RB_SIGN_KEY, "an RSA key of %d bits; at least %d are needed", bits,
                             RB_SIGN_MIN_RSA_BITS);
        return TRUE;
    }
    if (type != EVP_PKEY_EC)
        return rb_refuse(error, RB_SIGN_KEY, "a key that is neither RSA nor EC");
    if (EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) != 1 ||
        (strcmp(group, "prime256v1") != 0 && strcmp(group, "secp384r1") != 0 &&
         strcmp(group, "secp521r1") != 0))
        return rb_refuse(error, RB_SIGN_KEY, "an EC key on a curve other than P-256, P-384 and P-521");
    return TRUE;
}

static char *
key_id(EVP_PKEY *pkey)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(pkey, &der);
    guint8 digest[32];

    if (size <= 0)
        return g_strdup("");
    rb_sha256(der, (gsize)size, digest);
    OPENSSL_free(der);
    return rb_hex_encode(digest, sizeof digest);
}

/* Takes @pkey over. */
static RbPublicKey *
public_key_new(EVP_PKEY *pkey, GError **error)
{
    RbPublicKey *key;

    if (!check_kind(pkey, error)) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    key = g_new0(RbPublicKey, 1);
    key->pkey = pkey;
    key->id = key_id(pkey);
    key->xmlsec = rb_xmlsec_key(pkey);
    return key;
}

static RbPublicKey *
from_x509(X509 *x509, GError **error)
{
    EVP_PKEY *pkey = x509 == NULL ? NULL : X509_get_pubkey(x509);

    ERR_clear_error();
    if (pkey == NULL) {
        (void)rb_refuse(error, RB_SIGN_KEY, "not a certificate with a usable key");
        return NULL;
    }
    return public_key_new(pkey, error);
}

RbPublicKey *
rb_public_key_from_certificate(const void *der, gsize size, GError **error)
{
    const unsigned char *p = der;
    g_autoptr(X509) x509 = size > RB_SIGN_MAX_KEY_FILE ? NULL : d2i_X509(NULL, &p, (long)size);

    if (x509 != NULL && p != (const unsigned char *)der + size) {
        (void)rb_refuse(error, RB_SIGN_KEY, "bytes behind the end of a certificate");
        return NULL;
    }
    return from_x509(x509, error);
}

/* No passphrase is ever asked for: a key that needs one is one we cannot read. */
static int
no_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer, (void)size, (void)writing, (void)data;
    return -1;
}

RbPublicKey *
rb_public_key_from_pem(const char *pem, gsize size, GError **error)
{
    g_autoptr(BIO) bio = size > RB_SIGN_MAX_KEY_FILE ? NULL : BIO_new_mem_buf(pem, (int)size);
    g_autoptr(X509) x509 = NULL;
    EVP_PKEY *pkey;

    if (bio == NULL)
        return from_x509(NULL, error);
    if (g_strstr_len(pem, (gssize)size, "-----BEGIN PUBLIC KEY-----") == NULL) {
        x509 = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
        return from_x509(x509, error);
    }
    pkey = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    ERR_clear_error();
    if (pkey == NULL) {
        (void)rb_refuse(error, RB_SIGN_KEY, "not a PEM public key");
        return NULL;
    }
    return public_key_new(pkey, error);
}

void
rb_public_key_free(RbPublicKey *key)
{
    if (key == NULL)
        return;
    xmlSecKeyDestroy(key->xmlsec);
    EVP_PKEY_free(key->pkey);
    g_free(key->id);
    g_free(key);
}

const char *
rb_public_key_id(const RbPublicKey *key)
{
    return key->id;
}

RbPrivateKey *
rb_private_key_take(EVP_PKEY *pkey, GError **error)
{
    RbPrivateKey *key;

    if (!check_kind(pkey, error)) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    key = g_new0(RbPrivateKey, 1);
    g_atomic_ref_count_init(&key->refs);
    key->id = key_id(pkey);
    key->pkey = pkey;
    return key;
}

RbPrivateKey *
rb_private_key_parse(const RbSecret *pem, GError **error)
{
    EVP_PKEY *pkey = NULL;
    g_autoptr(BIO) bio = rb_secret_size(pem) > RB_SIGN_MAX_KEY_FILE
                             ? NULL
                             : BIO_new_mem_buf(rb_secret_reveal(pem), (int)rb_secret_size(pem));

    if (bio != NULL)
        pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    ERR_clear_error();
    if (pkey == NULL) {
        (void)rb_refuse(error, RB_SIGN_KEY, "not an unencrypted PEM private key");
        return NULL;
    }
    return rb_private_key_take(pkey, error);
}

RbPrivateKey *
rb_private_key_ref(RbPrivateKey *key)
{
    g_atomic_ref_count_inc(&key->refs);
    return key;
}

void
rb_private_key_unref(RbPrivateKey *key)
{
    if (key == NULL || !g_atomic_ref_count_dec(&key->refs))
        return;
    EVP_PKEY_free(key->pkey); /* wipes the private numbers */
    rb_token_place_free(key->place);
    g_free(key->id);
    g_free(key);
}

const char *
rb_private_key_id(const RbPrivateKey *key)
{
    return key->id;
}

gboolean
rb_private_key_is_rsa(const RbPrivateKey *key)
{
    return EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_RSA;
}

GBytes *
rb_certificate_to_der(const char *pem, gsize size, GError **error)
{
    g_autoptr(BIO) bio = size > RB_SIGN_MAX_KEY_FILE ? NULL : BIO_new_mem_buf(pem, (int)size);
    g_autoptr(X509) x509 = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    unsigned char *der = NULL;
    int der_size = x509 == NULL ? -1 : i2d_X509(x509, &der);
    GBytes *bytes;

    ERR_clear_error();
    if (der_size <= 0) {
        (void)rb_refuse(error, RB_SIGN_KEY, "not a PEM certificate");
        return NULL;
    }
    bytes = g_bytes_new(der, (gsize)der_size);
    OPENSSL_free(der);
    return bytes;
}
