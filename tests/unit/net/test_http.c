#include "base/refusal.h"
#include "net/net.h"
#include "server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

typedef struct {
    RbHttp *http;
    Server *server;
} Fixture;

static GBytes *
gzipped_zeros(gsize size)
{
    g_autofree char *zeros = g_malloc0(size);
    guint8 *out = g_malloc(size / 100 + 1024);
    z_stream z = { .next_in = (Bytef *)zeros,
                   .avail_in = (uInt)size,
                   .next_out = out,
                   .avail_out = (uInt)(size / 100 + 1024) };

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return g_bytes_new_take(out, z.total_out);
}

static void
handle(const ServerRequest *request, ServerReply *reply, gpointer data)
{
    const char *token = g_hash_table_lookup(request->headers, "x-token");

    (void)data;
    reply_text(reply, 200, "text/plain", "");
    g_clear_pointer(&reply->body, g_bytes_unref);
    if (g_str_equal(request->path, "/echo")) {
        g_autofree char *text = g_strdup_printf("%s %s|%s|%s", request->method, request->path,
                                                token != NULL ? token : "-", request->body->str);
        reply->body = g_bytes_new(text, strlen(text));
    } else if (g_str_equal(request->path, "/agent")) {
        const char *agent = g_hash_table_lookup(request->headers, "user-agent");
        reply->body = g_bytes_new(agent, strlen(agent));
    } else if (g_str_equal(request->path, "/slow")) {
        reply->delay_ms = 400;
    } else if (g_str_equal(request->path, "/huge")) {
        reply->body = g_bytes_new_take(g_malloc0(3000000), 3000000);
    } else if (g_str_equal(request->path, "/bomb")) {
        reply->header = "Content-Encoding";
        reply->value = "gzip";
        reply->body = gzipped_zeros(20000000);
    } else if (g_str_equal(request->path, "/gzip")) {
        reply->header = "Content-Encoding";
        reply->value = "gzip";
        reply->body = gzipped_zeros(1000);
    } else if (g_str_equal(request->path, "/redirect")) {
        reply->status = 302;
        reply->header = "Location";
        reply->value = "/echo";
    } else if (g_str_equal(request->path, "/broken")) {
        reply->break_off = TRUE;
    } else if (g_str_equal(request->path, "/error")) {
        reply_text(reply, 503, "text/plain", "later");
    }
}

static int
setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);
    g_autoptr(GError) error = NULL;

    f->http = rb_http_new(NULL, &error);
    if (f->http == NULL)
        fail_msg("%s", error->message);
    f->server = server_new(handle, NULL, NULL, NULL);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    Fixture *f = *state;

    rb_http_free(f->http);
    server_free(f->server);
    g_free(f);
    return 0;
}

/* Fetches and compares: an answer with @want in the body, or a fault whose message contains @want. */
static void
expect(RbHttp *http, const RbHttpRequest *request, int status, const char *want)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbHttpResponse) response = rb_http_fetch(http, request, &error);
    g_autofree char *text = NULL;

    if (response == NULL) {
        if (status != 0 || !g_error_matches(error, RB_FAULT, RB_FAULT_NETWORK) ||
            strstr(error->message, want) == NULL)
            fail_msg("wanted %d '%s', got: %s", status, want, error->message);
        return;
    }
    text = g_strdup_printf("%.*s", (int)g_bytes_get_size(response->body),
                           (const char *)g_bytes_get_data(response->body, NULL));
    if (response->status != status || strstr(text, want) == NULL)
        fail_msg("wanted %d '%s', got %d '%s'", status, want, response->status, text);
}

static void
test_echo(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *method, *body, *want;
    } rows[] = {
        { "GET", NULL, "GET /echo|secret|" },       { "POST", "a=1", "POST /echo|secret|a=1" },
        { "PUT", "x", "PUT /echo|secret|x" },       { "PUT", NULL, "PUT /echo|secret|" },
        { "DELETE", NULL, "DELETE /echo|secret|" }, { "PATCH", "{}", "PATCH /echo|secret|{}" },
        { "POST", "", "POST /echo|secret|" },       { "GET", NULL, "GET /echo|secret|" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *url = server_url(f->server, "/echo?secret=1");
        g_autoptr(RbHttpRequest) request = rb_http_request_new(rows[i].method, url);
        rb_http_request_header(request, "X-Token", "secret");
        if (rows[i].body != NULL) {
            g_autoptr(GBytes) body = g_bytes_new(rows[i].body, strlen(rows[i].body));
            rb_http_request_body(request, "text/plain", body);
        }
        expect(f->http, request, 200, rows[i].want);
    }
}

static void
test_response(void **state)
{
    Fixture *f = *state;
    g_autofree char *url = server_url(f->server, "/redirect?q");
    g_autoptr(RbHttpRequest) request = rb_http_request_new("HEAD", url);
    g_autoptr(RbHttpResponse) response = rb_http_fetch(f->http, request, NULL);

    assert_int_equal(response->status, 302); /* an answer, not followed */
    assert_string_equal(rb_http_response_header(response, "location"), "/echo");
    assert_string_equal(response->content_type, "text/plain");
    assert_string_equal(response->final_url, url);
    assert_int_equal(g_bytes_get_size(response->body), 0);
    assert_null(rb_http_response_header(response, "absent"));
}

static void
test_agent(void **state)
{
    Fixture *f = *state;
    g_autofree char *url = server_url(f->server, "/agent");
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);

    expect(f->http, request, 200, "rolebridge/");
}

static void
test_answers(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *path;
        guint total_ms;
        gsize max;
        int status;
        const char *want;
    } rows[] = {
        { "/slow", 100, 1000, 0, "no answer in time" },
        { "/slow", 2000, 1000, 200, "" },
        { "/huge", 5000, 2999999, 0, "larger than allowed" },
        { "/huge", 5000, 3000000, 200, "" },
        { "/bomb", 5000, 1000000, 0, "larger than allowed" },
        { "/gzip", 5000, 1000, 200, "" },
        { "/gzip", 5000, 999, 0, "larger than allowed" },
        { "/broken", 5000, 5000, 0, "the connection broke off" },
        { "/error", 5000, 5000, 503, "later" },
        { "/echo", 5000, 0, 0, "larger than allowed" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *url = server_url(f->server, rows[i].path);
        g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);
        rb_http_request_limits(request, 1000, rows[i].total_ms, rows[i].max);
        expect(f->http, request, rows[i].status, rows[i].want);
    }
}

/* clang-format off */
static const struct {
    const char *name, *url, *want;
} urls[] = {
    { "empty", "", "not a URL" },
    { "relative", "/path", "URL" },
    { "file", "file:///etc/passwd", "" },
    { "ftp", "ftp://127.0.0.1/", "only https" },
    { "gopher", "gopher://127.0.0.1/", "" },
    { "user name", "http://ada@127.0.0.1/", "user name or password" },
    { "password", "https://ada:secret@sts.example/", "user name or password" },
    { "empty user name", "https://@sts.example/", "" },
    { "http elsewhere", "http://192.0.2.1/", "http is for loopback" },
    { "http to a machine's credentials", "http://169.254.169.254/latest/", "http is for loopback" },
    { "https to a machine's credentials", "https://169.254.169.254/latest/", "not connected to" },
    { "the same in other clothes", "http://0xa9fea9fe/", "http is for loopback" },
    { "and octal", "http://0251.0376.0251.0376/", "http is for loopback" },
    { "mapped into IPv6", "http://[::ffff:169.254.169.254]/", "http is for loopback" },
    { "unspecified", "http://0.0.0.0:1/", "http is for loopback" },
    { "line break", "http://127.0.0.1/\r\nHost: x", "not a URL" },
    { "no such name", "https://no-such-host.invalid/", "does not resolve" },
    { "nothing listens", "http://127.0.0.1:1/", "nothing answers there" },
    { "IPv6 loopback, nothing listens", "http://[::1]:1/", "" },
};
/* clang-format on */

static void
test_urls(void **state)
{
    Fixture *f = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", urls[i].url);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbHttpResponse) response = NULL;
        rb_http_request_limits(request, 2000, 3000, 100);
        response = rb_http_fetch(f->http, request, &error);
        if (response != NULL || !g_error_matches(error, RB_FAULT, RB_FAULT_NETWORK) ||
            strstr(error->message, urls[i].want) == NULL || strstr(error->message, "secret") != NULL)
            fail_msg("%s: got %s", urls[i].name, error != NULL ? error->message : "an answer");
    }
}

/* "localhost" is a name: its address is checked when connecting, and loopback is fine. */
static void
test_name(void **state)
{
    Fixture *f = *state;
    g_autofree char *url = g_strdup_printf("http://localhost:%u/echo", server_port(f->server));
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);

    expect(f->http, request, 200, "GET /echo");
}

static void
test_headers(void **state)
{
    Fixture *f = *state;
    static const char *const broken[][2] = {
        { "X-A", "a\r\nX-B: b" }, { "X-A", "a\nb" }, { "X A", "a" },
        { "X-A:", "a" },          { "", "a" },       { "X-A", "a\x7f" }
    };
    g_autofree char *url = server_url(f->server, "/echo");
    g_autoptr(RbHttpRequest) empty = rb_http_request_new("GET", url);

    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);
        rb_http_request_header(request, broken[i][0], broken[i][1]);
        expect(f->http, request, 0, "characters that no header may have");
    }
    rb_http_request_header(empty, "X-Token", "");
    expect(f->http, empty, 200, "GET /echo||");
}

/* ---- many at once ---- */

static gpointer
fetch_some(gpointer data)
{
    Fixture *f = data;

    for (int i = 0; i < 10; i++) {
        g_autofree char *url = server_url(f->server, "/echo");
        g_autoptr(RbHttpRequest) request = rb_http_request_new("POST", url);
        g_autoptr(GBytes) body = g_bytes_new("b", 1);
        rb_http_request_body(request, "text/plain", body);
        rb_http_request_limits(request, 10000, 20000, 1000);
        expect(f->http, request, 200, "POST /echo|-|b");
    }
    return NULL;
}

static void
test_parallel(void **state)
{
    Fixture *f = *state;
    GThread *threads[100];
    guint before = server_connections(f->server);

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("fetch", fetch_some, f);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        (void)g_thread_join(threads[i]);
    if (server_connections(f->server) - before > 64) /* 1,000 requests: connections are kept, and limited */
        fail_msg("%u connections", server_connections(f->server) - before);
}

static void
test_line(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbHttp) narrow = rb_http_new(&(RbHttpOptions){ .max_in_flight = 2 }, NULL);
    Fixture small = { narrow, f->server };
    GThread *threads[8];

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("fetch", fetch_some, &small);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        (void)g_thread_join(threads[i]);
}

static gpointer
fetch_slow(gpointer data)
{
    Fixture *f = data;
    g_autofree char *url = server_url(f->server, "/slow");
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);

    expect(f->http, request, 200, "");
    return NULL;
}

/* One that waits for a place is given up in its own time, not in that of the one before. */
static void
test_line_time(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbHttp) narrow = rb_http_new(&(RbHttpOptions){ .max_in_flight = 1 }, NULL);
    Fixture small = { narrow, f->server };
    GThread *slow = g_thread_new("fetch", fetch_slow, &small);
    g_autofree char *url = server_url(f->server, "/echo");
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);
    gint64 start;

    g_usleep(100000);
    start = g_get_monotonic_time();
    rb_http_request_limits(request, 100, 100, 100);
    expect(narrow, request, 0, "no answer in time");
    assert_in_range(g_get_monotonic_time() - start, 90000, 250000);
    (void)g_thread_join(slow);
}

/* ---- peers that do not speak HTTP well ---- */

typedef struct {
    int fd;
    guint port;
    const char *answer; /* sent to one connection, then closed; NULL: never accepted */
    GThread *thread;
} Rough;

static gpointer
rough_answer(gpointer data)
{
    Rough *rough = data;
    int fd = accept(rough->fd, NULL, NULL);
    char request[4096];

    if (fd < 0)
        return NULL;
    (void)!read(fd, request, sizeof request);
    (void)!write(fd, rough->answer, strlen(rough->answer));
    (void)close(fd);
    return NULL;
}

static Rough
rough_new(const char *answer)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    Rough rough = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .answer = answer };

    assert_return_code(bind(rough.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_return_code(listen(rough.fd, answer != NULL ? 8 : 0), 0);
    assert_return_code(getsockname(rough.fd, (struct sockaddr *)&address, &size), 0);
    rough.port = ntohs(address.sin_port);
    return rough;
}

static void
test_rough_answers(void **state)
{
    Fixture *f = *state;
    g_autoptr(GString) many = g_string_new("HTTP/1.1 200 OK\r\n");
    const struct {
        const char *name, *answer, *want;
    } rows[] = {
        { "nothing", "", "the connection broke off" },
        { "half a status line", "HTTP/1.", "" },
        { "no HTTP", "SSH-2.0-OpenSSH\r\n", "" },
        { "HTTP/0.9", "<html>", "" },
        { "cut short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "the connection broke off" },
        { "cut chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc", "" },
        { "broken gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "" },
        { "too many headers", NULL, "more headers than allowed" },
    };

    for (int i = 0; i < 300; i++)
        g_string_append_printf(many, "X-%d: a\r\n", i);
    g_string_append(many, "\r\n");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Rough rough = rough_new(rows[i].answer != NULL ? rows[i].answer : many->str);
        g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/", rough.port);
        g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);
        rough.thread = g_thread_new("rough", rough_answer, &rough);
        rb_http_request_limits(request, 1000, 2000, 10000);
        expect(f->http, request, 0, rows[i].want);
        (void)g_thread_join(rough.thread);
        (void)close(rough.fd);
    }
}

/* A full accept queue: the handshake itself gets no answer. */
static void
test_hanging_connect(void **state)
{
    Fixture *f = *state;
    Rough rough = rough_new(NULL);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons((guint16)rough.port) };
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/", rough.port);
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);
    gint64 start;
    int fill[4];

    for (size_t i = 0; i < G_N_ELEMENTS(fill); i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fill[i], (struct sockaddr *)&address, sizeof address);
    }
    rb_http_request_limits(request, 200, 5000, 100);
    start = g_get_monotonic_time();
    expect(f->http, request, 0, "no answer in time");
    assert_in_range(g_get_monotonic_time() - start, 190000, 1500000);
    for (size_t i = 0; i < G_N_ELEMENTS(fill); i++)
        (void)close(fill[i]);
    (void)close(rough.fd);
}

static void
test_unix_socket(void **state)
{
    Fixture *f = *state;
    g_autofree char *dir = g_dir_make_tmp("rb-net-XXXXXX", NULL), *path = g_build_filename(dir, "s", NULL);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    Rough rough = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
                    .answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" };
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", "http://agent/");
    g_autoptr(RbHttpRequest) without = rb_http_request_new("GET", "http://agent.invalid/");

    (void)g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    assert_return_code(bind(rough.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_return_code(listen(rough.fd, 1), 0);
    rough.thread = g_thread_new("rough", rough_answer, &rough);
    rb_http_request_unix_socket(request, path);
    expect(f->http, request, 200, "hi");
    expect(f->http, without, 0, "does not resolve");
    (void)g_thread_join(rough.thread);
    (void)close(rough.fd);
    (void)unlink(path);
    (void)rmdir(dir);
}

/* ---- TLS ---- */

static char *
pem_of(BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *text = g_strndup(data, (gsize)size);

    BIO_free(bio);
    return text;
}

/* A self-signed certificate for @san, its own CA, made for this run alone. */
static void
make_certificate(const char *san, char **certificate, char **key)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
    BIO *out = BIO_new(BIO_s_mem()), *key_out = BIO_new(BIO_s_mem());

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_set_pubkey(x, pkey);
    X509_add_ext(x, extension, -1);
    X509_sign(x, pkey, EVP_sha256());
    PEM_write_bio_X509(out, x);
    PEM_write_bio_PrivateKey(key_out, pkey, NULL, NULL, 0, NULL, NULL);
    *certificate = pem_of(out);
    *key = pem_of(key_out);
    X509_EXTENSION_free(extension);
    X509_free(x);
    EVP_PKEY_free(pkey);
}

static void
test_tls(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *san;
        gboolean known;
        const char *host;
        int status;
        const char *want;
    } rows[] = {
        { "IP:127.0.0.1", TRUE, "127.0.0.1", 200, "GET /echo" },
        { "DNS:localhost", TRUE, "localhost", 200, "GET /echo" },
        { "IP:127.0.0.1", FALSE, "127.0.0.1", 0, "certificate is not trusted" },
        { "DNS:other.example", TRUE, "localhost", 0, "certificate is not trusted" },
        { "DNS:localhost", TRUE, "127.0.0.1", 0, "certificate is not trusted" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *certificate = NULL, *key = NULL, *url = NULL;
        g_autofree char *ca = g_strdup("/tmp/rb-net-ca-XXXXXX");
        g_autoptr(GError) error = NULL;
        g_autoptr(RbHttp) http = NULL;
        g_autoptr(RbHttpRequest) request = NULL;
        Server *server;
        make_certificate(rows[i].san, &certificate, &key);
        (void)close(g_mkstemp(ca));
        assert_true(g_file_set_contents(ca, certificate, -1, NULL));
        http = rb_http_new(&(RbHttpOptions){ .ca_file = rows[i].known ? ca : NULL }, &error);
        (void)unlink(ca);
        assert_non_null(http);
        server = server_new(handle, NULL, certificate, key);
        url = g_strdup_printf("https://%s:%u/echo", rows[i].host, server_port(server));
        request = rb_http_request_new("GET", url);
        expect(http, request, rows[i].status, rows[i].want);
        server_free(server);
    }
    (void)f;
}

static void
test_trust_files(void **state)
{
    g_autoptr(GError) missing = NULL, broken = NULL;

    (void)state;
    assert_null(rb_http_new(&(RbHttpOptions){ .ca_file = "/nonexistent/ca.pem" }, &missing));
    assert_true(g_error_matches(missing, RB_FAULT, RB_FAULT_NETWORK));
    assert_true(g_setenv("SSL_CERT_FILE", "/dev/null", TRUE));
    assert_null(rb_http_new(NULL, &broken));
    g_unsetenv("SSL_CERT_FILE");
    assert_true(g_error_matches(broken, RB_FAULT, RB_FAULT_NETWORK));
}

/* The environment's proxy is not ours: only one that was configured is used, and never for loopback. */
static void
test_proxy(void **state)
{
    Fixture *f = *state;
    g_autofree char *url = server_url(f->server, "/echo");
    g_autoptr(RbHttpRequest) local = rb_http_request_new("GET", url);
    g_autoptr(RbHttpRequest) far = rb_http_request_new("GET", "https://sts.example/");
    Rough rough = rough_new("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n");
    g_autofree char *proxy = g_strdup_printf("http://127.0.0.1:%u", rough.port);
    g_autoptr(RbHttp) http = rb_http_new(&(RbHttpOptions){ .proxy = proxy }, NULL);

    assert_true(g_setenv("http_proxy", "http://127.0.0.1:1", TRUE) &&
                g_setenv("all_proxy", "http://127.0.0.1:1", TRUE));
    expect(f->http, local, 200, "GET /echo");
    expect(http, local, 200, "GET /echo");
    g_unsetenv("http_proxy");
    g_unsetenv("all_proxy");
    rough.thread = g_thread_new("rough", rough_answer, &rough);
    expect(http, far, 0, "407");
    (void)g_thread_join(rough.thread);
    (void)close(rough.fd);
}

/* ---- the end ---- */

static gpointer
fetch_until_freed(gpointer data)
{
    Fixture *f = data;
    g_autofree char *url = server_url(f->server, "/slow");
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbHttpResponse) response = rb_http_fetch(f->http, request, &error);

    assert_null(response);
    assert_non_null(strstr(error->message, "the service is stopping"));
    return NULL;
}

static void
test_cancel(void **state)
{
    Fixture *f = *state;
    Fixture own = { rb_http_new(&(RbHttpOptions){ .max_in_flight = 4 }, NULL), f->server };
    GThread *threads[8]; /* half of them running, half in line */
    gint64 start;

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("fetch", fetch_until_freed, &own);
    g_usleep(150000);
    start = g_get_monotonic_time();
    rb_http_free(own.http);
    assert_in_range(g_get_monotonic_time() - start, 0, 200000);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        (void)g_thread_join(threads[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),          cmocka_unit_test(test_response),
        cmocka_unit_test(test_agent),         cmocka_unit_test(test_answers),
        cmocka_unit_test(test_urls),          cmocka_unit_test(test_name),
        cmocka_unit_test(test_headers),       cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_line),          cmocka_unit_test(test_line_time),
        cmocka_unit_test(test_rough_answers), cmocka_unit_test(test_hanging_connect),
        cmocka_unit_test(test_unix_socket),   cmocka_unit_test(test_tls),
        cmocka_unit_test(test_trust_files),   cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_cancel),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, setup, teardown);
}
