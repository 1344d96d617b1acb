#include "base/refusal.h"
#include "sign/priv.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

/* New keys, and what of a key goes into a file. */

enum { NEW_RSA_BITS = 3072 };

const char *
rb_pkey_algorithm(EVP_PKEY *pkey)
{
    int bits = EVP_PKEY_get_bits(pkey);

    if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA)
        return "RS256";
    return bits > 384 ? "ES512" : bits > 256 ? "ES384" : "ES256";
}

const char *
rb_private_key_algorithm(const RbPrivateKey *key)
{
    return rb_pkey_algorithm(key->pkey);
}

guint
rb_private_key_bits(const RbPrivateKey *key)
{
    return (guint)EVP_PKEY_get_bits(key->pkey);
}

static EVP_PKEY *
generate(const char *algorithm)
{
    if (strcmp(algorithm, "RS256") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)NEW_RSA_BITS);
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", strcmp(algorithm, "ES256") == 0 ? "P-256" : "P-384");
}

RbPrivateKey *
rb_private_key_generate(const char *algorithm, GError **error)
{
    static const char *const known[] = { "RS256", "ES256", "ES384", NULL };
    EVP_PKEY *pkey;

    if (!g_strv_contains(known, algorithm)) {
        (void)rb_refuse(error, RB_SIGN_KEY, "no keys are made for this algorithm");
        return NULL;
    }
    pkey = generate(algorithm);
    ERR_clear_error();
    if (pkey == NULL) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a key could not be made");
        return NULL;
    }
    return rb_private_key_take(pkey, error);
}

RbSecret *
rb_private_key_to_pem(const RbPrivateKey *key, GError **error)
{
    g_autoptr(BIO) bio = BIO_new(BIO_s_secmem());
    char *data;
    long size;

    if (PEM_write_bio_PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
        ERR_clear_error();
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a key could not be written down");
        return NULL;
    }
    size = BIO_get_mem_data(bio, &data);
    return rb_secret_new(data, (gsize)size);
}
