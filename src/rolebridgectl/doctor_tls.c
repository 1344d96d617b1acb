#include "base/encoding.h"
#include "base/file.h"
#include "rolebridgectl/doctor.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* The TLS certificate, its chain and its key, as clients will see them. */

#define CHECK "tls"

enum { PEM_MAX = 64 * 1024, SOON_S = 14 * 24 * 3600, CHAIN_MAX = 10 };

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE, X509_STORE_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE_CTX, X509_STORE_CTX_free)

static void
chain_free(STACK_OF(X509) * chain)
{
    sk_X509_pop_free(chain, X509_free);
}
typedef STACK_OF(X509) Chain;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Chain, chain_free)

static Chain *
read_chain(GBytes *pem)
{
    gsize size;
    const void *bytes = g_bytes_get_data(pem, &size);
    g_autoptr(BIO) bio = BIO_new_mem_buf(bytes, (int)size); /* at most PEM_MAX */
    Chain *chain = sk_X509_new_null();
    X509 *one;

    while (sk_X509_num(chain) < CHAIN_MAX && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        (void)sk_X509_push(chain, one);
    ERR_clear_error(); /* the end of the file is one */
    return chain;
}

static gint64
utc_of(const ASN1_TIME *time)
{
    struct tm tm = { 0 };

    return ASN1_TIME_to_tm(time, &tm) == 1 ? (gint64)timegm(&tm) : 0;
}

static void
check_times(RbDoctor *doctor, const X509 *leaf)
{
    gint64 from = utc_of(X509_get0_notBefore(leaf)), until = utc_of(X509_get0_notAfter(leaf));
    gint64 left = until - doctor->now;
    g_autofree char *start = rb_time_format(from), *end = rb_time_format(until);

    if (left <= 0)
        rb_doctor_say(doctor, RB_FOUND_WRONG, CHECK, "renew it, then reload the service",
                      "the certificate was valid until %s", end);
    else if (from > doctor->now)
        rb_doctor_say(doctor, RB_FOUND_WRONG, CHECK, "check this machine's clock",
                      "the certificate is valid from %s", start);
    else
        rb_doctor_say(doctor, left < SOON_S ? RB_FOUND_WARNING : RB_FOUND_OK, CHECK,
                      left < SOON_S ? "renew it, then reload the service" : NULL,
                      "the certificate is valid until %s, %" G_GINT64_FORMAT " days from now", end,
                      left / (24 * 3600));
}

static void
check_host(RbDoctor *doctor, X509 *leaf)
{
    g_autoptr(GUri) uri = g_uri_parse(doctor->config->public_url, G_URI_FLAGS_NONE, NULL);
    const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;

    if (host == NULL)
        return; /* a mistake of the configuration, and told there */
    if (X509_check_host(leaf, host, 0, 0, NULL) != 1 && X509_check_ip_asc(leaf, host, 0) != 1)
        rb_doctor_say(doctor, RB_FOUND_WRONG, CHECK, "get one for that name, or correct public_url",
                      "the certificate is not for '%s', which people's browsers ask for", host);
    else
        rb_doctor_say(doctor, RB_FOUND_OK, CHECK, NULL, "the certificate is for '%s'", host);
}

/* Each certificate of the file must be issued by the next; where that leads, clients decide. */
static void
check_chain(RbDoctor *doctor, Chain *chain)
{
    g_autoptr(X509_STORE) store = X509_STORE_new();
    g_autoptr(X509_STORE_CTX) context = X509_STORE_CTX_new();
    X509 *leaf = sk_X509_value(chain, 0);

    for (int i = 0; i + 1 < sk_X509_num(chain); i++)
        if (X509_check_issued(sk_X509_value(chain, i + 1), sk_X509_value(chain, i)) != X509_V_OK) {
            rb_doctor_say(doctor, RB_FOUND_WRONG, CHECK,
                          "put the leaf first, then whoever issued it, and so on",
                          "certificate %d of the file was not issued by the next one", i + 1);
            return;
        }
    (void)X509_STORE_set_default_paths(store);
    if (doctor->config->ca_file != NULL)
        (void)X509_STORE_load_file(store,
                                   doctor->config->ca_file); /* one that is broken is told by 'outgoing' */
    if (X509_STORE_CTX_init(context, store, leaf, chain) != 1 || X509_verify_cert(context) == 1) {
        rb_doctor_say(doctor, RB_FOUND_OK, CHECK, NULL,
                      "the chain leads to an authority that this machine trusts");
        return;
    }
    ERR_clear_error();
    rb_doctor_say(doctor, RB_FOUND_WARNING, CHECK,
                  "add the certificates between, or see that every client trusts its authority",
                  "this machine does not trust the certificate: %s",
                  X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
}

static void
check_key(RbDoctor *doctor, X509 *leaf, const RbSecret *key)
{
    g_autoptr(BIO) bio = BIO_new_mem_buf(rb_secret_reveal(key), (int)rb_secret_size(key));
    g_autoptr(EVP_PKEY) pair =
        PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)""); /* no pass phrase is asked for */

    if (pair == NULL)
        rb_doctor_say(doctor, RB_FOUND_WRONG, CHECK, "it must be PEM, without a pass phrase",
                      "the key cannot be read");
    else if (X509_check_private_key(leaf, pair) != 1)
        rb_doctor_say(doctor, RB_FOUND_WRONG, CHECK, "deploy both of one issue",
                      "the key is not that of the certificate");
    else
        rb_doctor_say(doctor, RB_FOUND_OK, CHECK, NULL, "the key is that of the certificate");
    ERR_clear_error();
}

/* systemd hands the key to the service alone. */
static gboolean
key_is_hidden(const RbConfig *config)
{
    return rb_yaml_get(rb_yaml_get(config->tls, "key"), "credential") != NULL &&
           g_getenv("CREDENTIALS_DIRECTORY") == NULL;
}

static GBytes *
read_certificate(const RbConfig *config, RbSecret **key, GError **error)
{
    g_autofree char *path = NULL;
    GBytes *pem = NULL;

    if (!key_is_hidden(config))
        return rb_config_read_tls(config, &pem, key, error) ? pem : NULL;
    path = g_canonicalize_filename(rb_yaml_text(rb_yaml_get(config->tls, "certificate")), config->base_dir);
    return rb_file_read(path, PEM_MAX, error);
}

void
rb_doctor_tls(RbDoctor *doctor)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(RbSecret) key = NULL;
    g_autoptr(GBytes) pem = NULL;
    g_autoptr(Chain) chain = NULL;

    if (doctor->config->tls == NULL) {
        rb_doctor_say(doctor, RB_FOUND_OK, CHECK, NULL,
                      "off: clear text, on loopback or behind a trusted proxy");
        return;
    }
    pem = read_certificate(doctor->config, &key, &why);
    if (pem == NULL) {
        rb_doctor_say(doctor, RB_FOUND_WRONG, CHECK, NULL, "%s", why->message);
        return;
    }
    chain = read_chain(pem);
    if (sk_X509_num(chain) == 0) {
        rb_doctor_say(doctor, RB_FOUND_WRONG, CHECK, "it must be PEM, the leaf first",
                      "there is no certificate in the file that tls.certificate names");
        return;
    }
    check_times(doctor, sk_X509_value(chain, 0));
    check_host(doctor, sk_X509_value(chain, 0));
    check_chain(doctor, chain);
    if (key != NULL)
        check_key(doctor, sk_X509_value(chain, 0), key);
    else
        rb_doctor_say(doctor, RB_FOUND_WARNING, CHECK,
                      "to check it, set CREDENTIALS_DIRECTORY to the folder where it is",
                      "the key is given by systemd and was not looked at");
}
