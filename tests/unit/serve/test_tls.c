#include "client.h"
#include "fake.h"
#include "serve/serve.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* TLS of our own: which versions and ciphers, and a certificate that changes while people are connected. */

typedef struct {
    GBytes *certificate;
    RbSecret *key;
} Pair;

static GBytes *
read_all(BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);

    return g_bytes_new(data, (gsize)size);
}

static Pair
make_pair(const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    BIO *out = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
    Pair pair;

    (void)X509_set_version(certificate, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_set_pubkey(certificate, key);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                     (const unsigned char *)name, -1, -1, 0);
    (void)X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(out, certificate), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL), 1);
    pair.certificate = read_all(out);
    g_autoptr(GBytes) pem = read_all(secret);
    pair.key = rb_secret_new(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem));
    BIO_free(out);
    BIO_free(secret);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pair;
}

static void
pair_clear(Pair *pair)
{
    g_bytes_unref(pair->certificate);
    rb_secret_unref(pair->key);
}

typedef struct {
    int fd;
    SSL_CTX *context;
    SSL *ssl; /* NULL: the handshake was refused */
} Secure;

static Secure
secure_open(guint port, int version, const char *ciphers)
{
    static const unsigned char alpn[] = "\x02h2\x08http/1.1";
    Secure s = { .fd = client_open(port), .context = SSL_CTX_new(TLS_client_method()) };

    SSL_CTX_set_security_level(s.context, 0); /* so that it is the server that refuses */
    (void)SSL_CTX_set_min_proto_version(s.context, version);
    (void)SSL_CTX_set_max_proto_version(s.context, version);
    if (ciphers != NULL)
        assert_int_equal(SSL_CTX_set_cipher_list(s.context, ciphers), 1);
    (void)SSL_CTX_set_alpn_protos(s.context, alpn, sizeof alpn - 1);
    s.ssl = SSL_new(s.context);
    (void)SSL_set_fd(s.ssl, s.fd);
    if (SSL_connect(s.ssl) != 1) {
        SSL_free(s.ssl);
        s.ssl = NULL;
    }
    return s;
}

static void
secure_close(Secure *s)
{
    SSL_free(s->ssl);
    SSL_CTX_free(s->context);
    close(s->fd);
}

static char *
secure_name(Secure *s)
{
    char name[64] = "";
    X509 *peer = SSL_get1_peer_certificate(s->ssl);

    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name, sizeof name);
    X509_free(peer);
    return g_strdup(name);
}

static guint
secure_get(Secure *s, const char *path)
{
    g_autofree char *text = g_strdup_printf("GET %s HTTP/1.1\r\nHost: bridge.example\r\n\r\n", path);
    g_autoptr(GString) got = g_string_new(NULL);
    char chunk[8192];
    const char *length, *end;

    if (SSL_write(s->ssl, text, (int)strlen(text)) <= 0)
        return 0;
    for (;;) {
        int n = SSL_read(s->ssl, chunk, sizeof chunk);
        if (n <= 0)
            return 0;
        g_string_append_len(got, chunk, n);
        end = strstr(got->str, "\r\n\r\n");
        length = strstr(got->str, "Content-Length: ");
        if (end != NULL && length != NULL &&
            got->len >= (gsize)(end + 4 - got->str) + g_ascii_strtoull(length + 16, NULL, 10))
            return (guint)g_ascii_strtoull(got->str + 9, NULL, 10);
    }
}

static RbServer *
start(const Pair *pair)
{
    static const char *const listen[] = { "127.0.0.1:0", NULL };
    RbServeSetting setting = { .listen = listen,
                               .tls_certificate = pair->certificate,
                               .tls_key = pair->key,
                               .limits = { .drain_s = 1 } };
    g_autoptr(GError) error = NULL;
    RbServer *server;

    fake.public_url = "https://bridge.example";
    fake_reset();
    server = rb_server_new(&setting, NULL, &error);
    if (error != NULL)
        fail_msg("%s", error->message);
    return server;
}

static const struct {
    const char *name;
    int version;
    const char *ciphers;
    gboolean want;
} handshakes[] = {
    { "TLS 1.3", TLS1_3_VERSION, NULL, TRUE },
    { "TLS 1.2", TLS1_2_VERSION, NULL, TRUE },
    { "TLS 1.2 GCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", TRUE },
    { "TLS 1.2 CBC", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", FALSE },
    { "TLS 1.1", TLS1_1_VERSION, "ALL:@SECLEVEL=0", FALSE },
    { "TLS 1.0", TLS1_VERSION, "ALL:@SECLEVEL=0", FALSE },
};

static void
test_handshakes(void **state)
{
    Pair pair = make_pair("first");
    RbServer *server = start(&pair);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(handshakes); i++) {
        Secure s = secure_open(rb_server_port(server, 0), handshakes[i].version, handshakes[i].ciphers);
        const unsigned char *alpn = NULL;
        unsigned int size = 0;
        if ((s.ssl != NULL) != handshakes[i].want)
            fail_msg("%s: got %d, want %d", handshakes[i].name, s.ssl != NULL, handshakes[i].want);
        if (s.ssl != NULL) {
            SSL_get0_alpn_selected(s.ssl, &alpn, &size);
            assert_int_equal(size, 8);
            assert_memory_equal(alpn, "http/1.1", 8);
            assert_int_equal(secure_get(&s, "/login"), 200);
        }
        secure_close(&s);
    }
    rb_server_free(server);
    pair_clear(&pair);
}

static void
test_clear_text_on_a_tls_port(void **state)
{
    Pair pair = make_pair("first");
    RbServer *server = start(&pair);
    g_auto(Reply) reply = client_once(rb_server_port(server, 0), "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");

    (void)state;
    assert_int_equal(reply.status, 0);
    rb_server_free(server);
    pair_clear(&pair);
}

static void
test_rollover(void **state)
{
    Pair first = make_pair("first"), second = make_pair("second");
    RbServer *server = start(&first);
    guint port = rb_server_port(server, 0);
    g_autoptr(GError) error = NULL;
    Secure old = secure_open(port, TLS1_3_VERSION, NULL), fresh;

    (void)state;
    assert_int_equal(secure_get(&old, "/healthz"), 200);
    assert_false(rb_server_reload_tls(server, first.certificate, second.key, &error)); /* not a pair */
    assert_string_equal(rb_outcome(error)->id, "fault.file");
    assert_true(rb_server_reload_tls(server, second.certificate, second.key, NULL));
    assert_int_equal(secure_get(&old, "/login"), 200); /* who is connected stays connected */
    fresh = secure_open(port, TLS1_3_VERSION, NULL);
    g_autofree char *name = secure_name(&fresh);
    assert_string_equal(name, "second");
    assert_int_equal(secure_get(&fresh, "/login"), 200);
    secure_close(&old);
    secure_close(&fresh);
    for (guint i = 0; i < 20; i++) { /* no connection is lost on the way */
        Pair *next = i % 2 == 0 ? &first : &second;
        assert_true(rb_server_reload_tls(server, next->certificate, next->key, NULL));
        fresh = secure_open(port, TLS1_3_VERSION, NULL);
        assert_non_null(fresh.ssl);
        assert_int_equal(secure_get(&fresh, "/healthz"), 200);
        secure_close(&fresh);
    }
    rb_server_free(server);
    pair_clear(&first);
    pair_clear(&second);
}

static void
test_bad_pairs(void **state)
{
    static const char *const listen[] = { "127.0.0.1:0", NULL };
    Pair pair = make_pair("first"), other = make_pair("second");
    g_autoptr(GBytes) rubbish = g_bytes_new_static("rubbish", 7);
    g_autoptr(RbSecret) no_key = rb_secret_new_text("rubbish");
    const struct {
        GBytes *certificate;
        const RbSecret *key;
        const char *says;
    } rows[] = {
        { pair.certificate, NULL, "one of them is missing" },
        { NULL, pair.key, "one of them is missing" },
        { rubbish, pair.key, "no PEM certificate" },
        { pair.certificate, no_key, "no PEM private key" },
        { pair.certificate, other.key, "does not belong" },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbServeSetting setting = { .listen = listen,
                                   .tls_certificate = rows[i].certificate,
                                   .tls_key = rows[i].key };
        g_autoptr(GError) error = NULL;
        assert_false(rb_serve_check(&setting, &error));
        if (strstr(error->message, rows[i].says) == NULL)
            fail_msg("want '%s', got '%s'", rows[i].says, error->message);
    }
    pair_clear(&pair);
    pair_clear(&other);
}

static int
teardown(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshakes),
        cmocka_unit_test(test_clear_text_on_a_tls_port),
        cmocka_unit_test(test_rollover),
        cmocka_unit_test(test_bad_pairs),
    };

    return cmocka_run_group_tests_name("tls", tests, NULL, teardown);
}
