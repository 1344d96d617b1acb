#include "sandbox/init.h"

#include "base/file.h"
#include "base/refusal.h"
#include "base/secret.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#define NAMES "DNS:localhost,DNS:bridge.localhost,DNS:sandbox.localhost,IP:127.0.0.1,IP:::1"
enum { LIFE_S = 365 * 86400, START_EARLY_S = 3600, KEY_MODE = 0600, CERTIFICATE_MODE = 0644 };

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free)

static gboolean
write_bio(const char *dir, const char *name, BIO *bio, guint mode, GError **error)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    char *text;
    long size = BIO_get_mem_data(bio, &text);

    return rb_file_write(path, text, (gsize)size, mode, error);
}

static gboolean
write_pair(const char *dir, const char *name, EVP_PKEY *key, X509 *certificate, GError **error)
{
    g_autofree char *key_name = g_strconcat(name, ".key", NULL), *pem_name = g_strconcat(name, ".pem", NULL);
    g_autoptr(BIO) key_bio = BIO_new(BIO_s_secmem());
    g_autoptr(BIO) pem_bio = BIO_new(BIO_s_mem());

    if (PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        PEM_write_bio_X509(pem_bio, certificate) != 1)
        return rb_fault(error, RB_FAULT_INTERNAL, "OpenSSL could not write '%s'", name);
    return write_bio(dir, key_name, key_bio, KEY_MODE, error) &&
           write_bio(dir, pem_name, pem_bio, CERTIFICATE_MODE, error);
}

static gboolean
add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;
    gboolean good;

    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

static void
set_serial(X509 *certificate)
{
    guint8 bytes[16];
    BIGNUM *number;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        g_error("the system's random generator does not answer");
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    (void)BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
}

/* A certificate of @key for @name; signed by @ca_key as @ca, or by itself when these are NULL. */
static X509 *
certify(EVP_PKEY *key, const char *name, X509 *ca, EVP_PKEY *ca_key, gboolean is_ca, gboolean is_tls,
        gint64 now)
{
    g_autoptr(X509) certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509 *issuer = ca == NULL ? certificate : ca;
    gboolean good;

    (void)X509_set_version(certificate, 2);
    set_serial(certificate);
    (void)ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(now - START_EARLY_S));
    (void)ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(now + LIFE_S));
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const guint8 *)name, -1, -1, 0);
    (void)X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    (void)X509_set_pubkey(certificate, key);
    good =
        add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
        add_extension(certificate, issuer, NID_basic_constraints,
                      is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
        add_extension(certificate, issuer, NID_key_usage,
                      is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature,keyEncipherment");
    if (good && is_tls)
        good = add_extension(certificate, issuer, NID_subject_alt_name, NAMES) &&
               add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
               add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
    if (!good || X509_sign(certificate, ca_key == NULL ? key : ca_key, EVP_sha256()) == 0)
        return NULL;
    return g_steal_pointer(&certificate);
}

static gboolean
exists(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* A new authority makes a new TLS certificate: one without the other would be of no use. */
static gboolean
make_tls(const char *dir, gint64 now, guint *made, GError **error)
{
    g_autoptr(EVP_PKEY) ca_key = NULL;
    g_autoptr(EVP_PKEY) key = NULL;
    g_autoptr(X509) ca = NULL;
    g_autoptr(X509) certificate = NULL;

    if (exists(dir, "ca.pem") && exists(dir, "tls.pem") && exists(dir, "tls.key"))
        return TRUE;
    ca_key = EVP_EC_gen("P-256");
    key = EVP_EC_gen("P-256");
    ca = certify(ca_key, "rolebridge demo authority", NULL, NULL, TRUE, FALSE, now);
    certificate = ca == NULL ? NULL : certify(key, "localhost", ca, ca_key, FALSE, TRUE, now);
    if (certificate == NULL)
        return rb_fault(error, RB_FAULT_INTERNAL, "OpenSSL could not make the TLS certificate");
    *made += 2;
    return write_pair(dir, "ca", ca_key, ca, error) && write_pair(dir, "tls", key, certificate, error);
}

static gboolean
make_saml(const char *dir, const char *name, const char *subject, gint64 now, guint *made, GError **error)
{
    g_autofree char *key_name = g_strconcat(name, ".key", NULL), *pem_name = g_strconcat(name, ".pem", NULL);
    g_autoptr(EVP_PKEY) key = NULL;
    g_autoptr(X509) certificate = NULL;

    if (exists(dir, key_name) && exists(dir, pem_name))
        return TRUE;
    key = EVP_RSA_gen(2048);
    certificate = certify(key, subject, NULL, NULL, FALSE, FALSE, now);
    if (certificate == NULL)
        return rb_fault(error, RB_FAULT_INTERNAL, "OpenSSL could not make the key '%s'", name);
    *made += 1;
    return write_pair(dir, name, key, certificate, error);
}

/* A key that signs tokens: nobody asks for a certificate of it. */
static gboolean
make_key(const char *dir, const char *name, gboolean ec, guint *made, GError **error)
{
    g_autoptr(EVP_PKEY) key = NULL;
    g_autoptr(BIO) bio = NULL;

    if (exists(dir, name))
        return TRUE;
    key = ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    bio = BIO_new(BIO_s_secmem());
    if (key == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return rb_fault(error, RB_FAULT_INTERNAL, "OpenSSL could not make the key '%s'", name);
    *made += 1;
    return write_bio(dir, name, bio, KEY_MODE, error);
}

static gboolean
make_secret(const char *dir, const char *name, guint *made, GError **error)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(RbSecret) token = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    token = rb_secret_new_random(32);
    *made += 1;
    return rb_file_write(path, rb_secret_reveal(token), rb_secret_size(token), KEY_MODE, error);
}

gboolean
rb_box_init(const char *dir, gint64 now, guint *made, GError **error)
{
    *made = 0;
    if (g_mkdir_with_parents(dir, 0700) != 0)
        return rb_fault(error, RB_FAULT_FILE, "'%s' cannot be made: %s", dir, g_strerror(errno));
    return make_tls(dir, now, made, error) &&
           make_saml(dir, "idp", "Acme sign-in (rolebridge-sandbox)", now, made, error) &&
           make_saml(dir, "saml", "rolebridge SAML (demo)", now, made, error) &&
           make_key(dir, "oidc-rsa.key", FALSE, made, error) &&
           make_key(dir, "oidc-ec.key", TRUE, made, error) && make_key(dir, "ci.key", FALSE, made, error) &&
           make_secret(dir, "corp-oidc.secret", made, error) &&
           make_secret(dir, "bridge-aws-token", made, error);
}
