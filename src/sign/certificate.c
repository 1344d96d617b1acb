#include "base/refusal.h"
#include "sign/priv.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string.h>

/*
 * Self-signed certificates. The signature is made by rb_signature_make(), not by X509_sign(): the private
 * half may be on a token that OpenSSL does not see.
 */

enum { SERIAL_BITS = 127 }; /* random, positive, at most 20 octets (RFC 5280 §4.1.2.2) */

static int
signature_nid(const RbPrivateKey *key)
{
    guint bits = rb_private_key_bits(key);

    if (rb_private_key_is_rsa(key))
        return NID_sha256WithRSAEncryption;
    return bits > 384 ? NID_ecdsa_with_SHA512 : bits > 256 ? NID_ecdsa_with_SHA384 : NID_ecdsa_with_SHA256;
}

static gboolean
set_serial(X509 *x509)
{
    g_autoptr(BIGNUM) serial = BN_new();

    return BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509)) != NULL;
}

/* No extension: AWS refuses metadata whose certificates repeat one, and nobody reads any of them. */
static gboolean
fill(X509 *x509, const RbPrivateKey *key, const char *name, gint64 not_before, gint64 not_after)
{
    X509_NAME *subject = X509_get_subject_name(x509);

    return X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509) &&
           ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)not_before) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)not_after) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) ==
               1 &&
           X509_set_issuer_name(x509, subject) == 1 && X509_set_pubkey(x509, key->pkey) == 1;
}

/* Puts the signature in. OpenSSL has setters for this on requests and lists, not on certificates: what its
 * getters give is the certificate's own, which is ours. */
static gboolean
put_signature(X509 *x509, int nid, const guint8 *signature, gsize size)
{
    const ASN1_BIT_STRING *bits;
    const X509_ALGOR *outer;

    X509_get0_signature(&bits, &outer, x509);
    if (X509_ALGOR_set0((X509_ALGOR *)outer, OBJ_nid2obj(nid),
                        nid == NID_sha256WithRSAEncryption ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) != 1 ||
        ASN1_BIT_STRING_set((ASN1_BIT_STRING *)bits, (unsigned char *)signature, (int)size) != 1)
        return FALSE;
    ((ASN1_BIT_STRING *)bits)->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07); /* all bits of the last byte */
    ((ASN1_BIT_STRING *)bits)->flags |= ASN1_STRING_FLAG_BITS_LEFT;
    return TRUE;
}

static gboolean
sign(X509 *x509, const RbPrivateKey *key, GError **error)
{
    int nid = signature_nid(key), size;
    unsigned char *tbs = NULL;
    g_autoptr(GBytes) raw = NULL, der = NULL;
    gsize n;
    const guint8 *data;

    if (X509_ALGOR_set0((X509_ALGOR *)X509_get0_tbs_sigalg(x509), OBJ_nid2obj(nid),
                        rb_private_key_is_rsa(key) ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) != 1 ||
        (size = i2d_re_X509_tbs(x509, &tbs)) <= 0)
        return rb_fault(error, RB_FAULT_INTERNAL, "a certificate could not be made");
    raw = rb_signature_make(key, tbs, (gsize)size, error);
    OPENSSL_free(tbs);
    if (raw == NULL)
        return FALSE;
    data = g_bytes_get_data(raw, &n);
    if (!rb_private_key_is_rsa(key)) {
        der = rb_ecdsa_to_der(key->pkey, data, n);
        data = der == NULL ? NULL : g_bytes_get_data(der, &n);
    }
    return (data != NULL && put_signature(x509, nid, data, n)) ||
           rb_fault(error, RB_FAULT_INTERNAL, "a certificate could not be signed");
}

GBytes *
rb_certificate_make(const RbPrivateKey *key, const char *name, gint64 not_before, gint64 not_after,
                    GError **error)
{
    g_autoptr(X509) x509 = X509_new();
    unsigned char *der = NULL;
    int size = -1;
    GBytes *bytes;

    if (!fill(x509, key, name, not_before, not_after))
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a certificate could not be made");
    else if (sign(x509, key, error) && (size = i2d_X509(x509, &der)) <= 0)
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a certificate could not be written down");
    ERR_clear_error();
    if (size <= 0)
        return NULL;
    bytes = g_bytes_new(der, (gsize)size);
    OPENSSL_free(der);
    return bytes;
}

char *
rb_certificate_to_pem(GBytes *der)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(der, &size);
    g_autofree char *base64 = g_base64_encode(data, size);
    GString *pem = g_string_new("-----BEGIN CERTIFICATE-----\n");

    for (const char *p = base64; *p != '\0'; p += MIN(strlen(p), 64))
        g_string_append_printf(pem, "%.64s\n", p);
    g_string_append(pem, "-----END CERTIFICATE-----\n");
    return g_string_free(pem, FALSE);
}

char *
rb_certificate_key_id(GBytes *der, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(der, &size);
    g_autoptr(RbPublicKey) key = rb_public_key_from_certificate(data, size, error);

    return key == NULL ? NULL : g_strdup(rb_public_key_id(key));
}
