#include "client.h"
#include "fake.h"
#include "serve/serve.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Bounds and ends: what happens when there is too much, too slow, too large, or it is over. */

#define HOST "Host: bridge.example\r\n"
#define CREDENTIALS                                                                                          \
    "GET /federation/credentials?role_name=r&account_id=111122223333 HTTP/1.1\r\n" HOST                      \
    "x-amz-sso_bearer_token: good\r\n\r\n"
#define HEALTH "GET /healthz HTTP/1.1\r\n" HOST "\r\n"

static RbServer *
start(RbServeSetting setting)
{
    static const char *const listen[] = { "127.0.0.1:0", NULL };
    g_autoptr(GError) error = NULL;
    RbServer *server;

    fake.public_url = "https://bridge.example";
    fake_reset();
    setting.listen = listen;
    server = rb_server_new(&setting, NULL, &error);
    if (error != NULL)
        fail_msg("%s", error->message);
    return server;
}

typedef struct {
    guint port;
    const char *text;
    Reply reply;
    gint64 took_ms;
    GThread *thread;
} Call;

static gpointer
call_run(gpointer data)
{
    Call *call = data;
    gint64 begun = g_get_monotonic_time();

    call->reply = client_once(call->port, call->text);
    call->took_ms = (g_get_monotonic_time() - begun) / 1000;
    return NULL;
}

static void
call_begin(Call *call, RbServer *server, const char *text)
{
    call->port = rb_server_port(server, 0);
    call->text = text;
    call->thread = g_thread_new("call", call_run, call);
}

static void
wait_for_calls(gint n)
{
    for (guint i = 0; i < 2000 && g_atomic_int_get(&fake.calls) < n; i++)
        g_usleep(1000);
    assert_int_equal(g_atomic_int_get(&fake.calls), n);
}

static void
test_a_slow_upstream_delays_nothing_else(void **state)
{
    RbServer *server = start((RbServeSetting){ .workers_upstream = 1, .limits = { .queue = 1 } });
    Call calls[3] = { { 0 } };
    g_auto(Reply) health = { 0 };
    g_auto(Reply) quick = { 0 };

    (void)state;
    fake.delay_ms = 600;
    call_begin(&calls[0], server, CREDENTIALS);
    wait_for_calls(1); /* the one worker is at it */
    call_begin(&calls[1], server, CREDENTIALS);
    g_usleep(100000); /* and one waits */
    call_begin(&calls[2], server, CREDENTIALS);
    (void)g_thread_join(calls[2].thread);
    assert_int_equal(calls[2].reply.status, 503);
    assert_non_null(strstr(calls[2].reply.body, "fault.busy"));
    assert_non_null(strstr(calls[2].reply.head, "Retry-After: "));
    assert_true(calls[2].took_ms < 400);
    health = client_once(rb_server_port(server, 0), HEALTH);
    assert_int_equal(health.status, 200);
    quick = client_once(rb_server_port(server, 0), "GET /login HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(quick.status, 200);
    assert_int_equal(g_atomic_int_get(&fake.calls), 1); /* all that while the first was still waited for */
    for (guint i = 0; i < 2; i++) {
        (void)g_thread_join(calls[i].thread);
        assert_int_equal(calls[i].reply.status, 200);
    }
    for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
        reply_clear(&calls[i].reply);
    rb_server_free(server);
}

static void
test_ending_lets_requests_end(void **state)
{
    RbServer *server = start((RbServeSetting){ 0 });
    Call call = { 0 };
    int idle = client_open(rb_server_port(server, 0));
    g_auto(Reply) first = client_say(idle, HEALTH);
    char byte;

    (void)state;
    assert_int_equal(first.status, 200);
    fake.delay_ms = 500;
    call_begin(&call, server, CREDENTIALS);
    wait_for_calls(1);
    rb_server_free(server);
    (void)g_thread_join(call.thread);
    assert_int_equal(call.reply.status, 200);
    assert_non_null(strstr(call.reply.body, "ASIAEXAMPLE"));
    assert_non_null(strstr(call.reply.head, "Connection: close"));
    assert_int_equal(recv(idle, &byte, 1, 0), 0);
    close(idle);
    reply_clear(&call.reply);
}

static void
test_ending_gives_up_in_the_end(void **state)
{
    RbServer *server = start((RbServeSetting){ .workers_upstream = 1, .limits = { .drain_s = 1 } });
    Call calls[2] = { { 0 } };
    gint64 begun;

    (void)state;
    fake.delay_ms = 2500;
    call_begin(&calls[0], server, CREDENTIALS);
    wait_for_calls(1);
    call_begin(&calls[1], server, CREDENTIALS); /* never begun */
    g_usleep(100000);
    begun = g_get_monotonic_time();
    rb_server_free(server);
    assert_true(g_get_monotonic_time() - begun > 2 * G_USEC_PER_SEC); /* no worker is left behind */
    for (guint i = 0; i < 2; i++) {
        (void)g_thread_join(calls[i].thread);
        assert_int_equal(calls[i].reply.status, 503);
        assert_non_null(strstr(calls[i].reply.body, "fault.busy"));
        assert_true(calls[i].took_ms < 2200);
        reply_clear(&calls[i].reply);
    }
    assert_int_equal(g_atomic_int_get(&fake.calls), 1);
}

static void
test_connections_of_one_address(void **state)
{
    RbServer *server = start((RbServeSetting){ .limits = { .connections_per_ip = 2 } });
    guint port = rb_server_port(server, 0);
    int first = client_open(port), second = client_open(port);
    g_auto(Reply) one = client_say(first, HEALTH);
    g_auto(Reply) two = client_say(second, HEALTH);
    g_auto(Reply) three = { 0 };
    g_auto(Reply) later = { 0 };

    (void)state;
    assert_int_equal(one.status, 200);
    assert_int_equal(two.status, 200);
    three = client_once(port, HEALTH);
    assert_int_equal(three.status, 0); /* closed without a word */
    close(first);
    for (guint i = 0; i < 100 && later.status == 0; i++) {
        g_usleep(10000);
        reply_clear(&later);
        later = client_once(port, HEALTH);
    }
    assert_int_equal(later.status, 200);
    close(second);
    rb_server_free(server);
}

/* One byte now and then keeps an idle timeout from ever being met. */
static gint64
trickle(guint port, const char *start_with, const char *byte)
{
    int fd = client_open(port);
    gint64 begun = g_get_monotonic_time();
    char got[4096];

    (void)send(fd, start_with, strlen(start_with), MSG_NOSIGNAL);
    while (g_get_monotonic_time() - begun < 8 * G_USEC_PER_SEC) {
        gssize n;
        if (send(fd, byte, 1, MSG_NOSIGNAL) != 1)
            break;
        g_usleep(200000);
        n = recv(fd, got, sizeof got, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
            break;
    }
    close(fd);
    return (g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
}

static void
test_slow_senders(void **state)
{
    RbServer *server = start((RbServeSetting){ .limits = { .read_s = 1 } });
    guint port = rb_server_port(server, 0);

    (void)state;
    assert_in_range(trickle(port, "GET / HTTP/1.1\r\nX-Long: ", "a"), 0, 4);
    assert_in_range(trickle(port,
                            "POST /token HTTP/1.1\r\n" HOST
                            "Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n",
                            " "),
                    0, 4);
    rb_server_free(server);
}

static void
test_a_client_that_goes_away(void **state)
{
    RbServer *server = start((RbServeSetting){ 0 });
    int fd = client_open(rb_server_port(server, 0));
    g_auto(Reply) health = { 0 };

    (void)state;
    fake.delay_ms = 300;
    assert_true(send(fd, CREDENTIALS, strlen(CREDENTIALS), MSG_NOSIGNAL) > 0);
    wait_for_calls(1);
    close(fd);
    g_usleep(500000);
    health = client_once(rb_server_port(server, 0), HEALTH);
    assert_int_equal(health.status, 200);
    rb_server_free(server);
}

/* ---- sizes ---- */

static void
test_sizes(void **state)
{
    RbServer *server = start((RbServeSetting){ 0 });
    guint port = rb_server_port(server, 0);
    g_autofree char *spaces = g_strnfill(16 * 1024 + 1, ' ');
    g_autofree char *longest = g_strnfill(20 * 1024, 'a');
    g_autofree char *saml = g_strnfill(500 * 1024, 'A');
    g_autofree char *over = g_strdup_printf("POST /token HTTP/1.1\r\n" HOST
                                            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                                            strlen(spaces));
    g_autofree char *page = g_strdup_printf("POST /logout HTTP/1.1\r\n" HOST
                                            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                                            strlen(spaces));
    g_autofree char *chunked =
        g_strdup_printf("POST /token HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n",
                        strlen(spaces), spaces);
    g_autofree char *target = g_strdup_printf("GET /login?next=/%s HTTP/1.1\r\n" HOST "\r\n", longest);
    g_autofree char *header = g_strdup_printf(
        "GET / HTTP/1.1\r\n" HOST "X-A: %s\r\nX-B: %s\r\nX-C: %s\r\n\r\n", longest, longest, longest);
    g_autofree char *acs = g_strdup_printf("POST /saml/corp/acs HTTP/1.1\r\n" HOST
                                           "Content-Type: application/x-www-form-urlencoded\r\n"
                                           "Content-Length: %zu\r\n\r\nSAMLResponse=%s",
                                           strlen(saml) + 13, saml);
    const struct {
        const char *name, *text;
        guint status;
    } rows[] = {
        { "body by its length", over, 400 }, /* sso-oidc knows no 413 */
        { "a page's body by its length", page, 413 },
        { "body in chunks", chunked, 0 },
        { "small body in chunks",
          "POST /token HTTP/1.1\r\n" HOST
          "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
          "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
          400 },
        { "length and chunks",
          "POST /token HTTP/1.1\r\n" HOST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          400 },
        { "two lengths", "POST /token HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
          400 },
        { "negative length", "POST /token HTTP/1.1\r\n" HOST "Content-Length: -2\r\n\r\n{}", 400 },
        { "another coding", "POST /token HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 400 },
        { "a large SAML response", acs, 303 },
        { "HTTP/1.0", "GET /healthz HTTP/1.0\r\n" HOST "\r\n", 200 },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Reply) reply = client_once(port, rows[i].text);
        if (reply.status != rows[i].status)
            fail_msg("%s: got %u, want %u\n%s", rows[i].name, reply.status, rows[i].status, reply.head);
    }
    g_auto(Reply) long_target = client_once(port, target);
    assert_in_range(long_target.status, 400, 431);
    g_auto(Reply) long_header = client_once(port, header);
    assert_in_range(long_header.status, 400, 431);
    rb_server_free(server);
}

static void
test_several_requests_on_one_connection(void **state)
{
    RbServer *server = start((RbServeSetting){ 0 });
    int fd = client_open(rb_server_port(server, 0));

    (void)state;
    for (guint i = 0; i < 5; i++) {
        g_auto(Reply) health = client_say(fd, HEALTH);
        g_auto(Reply) page = client_say(fd, "GET /login HTTP/1.1\r\n" HOST "\r\n");
        g_auto(Reply) none = client_say(fd, "GET /nothing HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(health.status, 200);
        assert_int_equal(page.status, 200);
        assert_int_equal(none.status, 404);
    }
    close(fd);
    rb_server_free(server);
}

static void
test_allowance(void **state)
{
    RbServer *server = start((RbServeSetting){ .limits = { .rate_per_s = 1, .rate_burst = 3 } });
    guint port = rb_server_port(server, 0), refused = 0;

    (void)state;
    for (guint i = 0; i < 5; i++) {
        g_auto(Reply) reply = client_once(port, "GET /login HTTP/1.1\r\n" HOST "\r\n");
        if (reply.status == 429) {
            refused++;
            assert_non_null(strstr(reply.body, "request.too_many"));
            assert_non_null(strstr(reply.head, "Retry-After: "));
        }
    }
    assert_in_range(refused, 1, 2);
    g_auto(Reply) health = client_once(port, HEALTH);
    assert_int_equal(health.status, 200);
    rb_server_free(server);
}

/* ---- settings ---- */

static void
test_settings(void **state)
{
    static const struct {
        const char *name, *listen[3], *proxies[2], *start_url, *says;
    } rows[] = {
        { "good", { "0.0.0.0:8443", "[::1]:0" }, { "10.0.0.0/8" }, "https://acme.awsapps.com/start", NULL },
        { "nothing", { NULL }, { NULL }, NULL, "no address to listen on" },
        { "a name", { "localhost:8443" }, { NULL }, NULL, "'localhost:8443' is not an address" },
        { "no port", { "0.0.0.0" }, { NULL }, NULL, "is not an address" },
        { "a large port", { "0.0.0.0:65536" }, { NULL }, NULL, "is not an address" },
        { "bare IPv6", { "::1:80" }, { NULL }, NULL, "is not an address" },
        { "host bits", { "0.0.0.0:1" }, { "10.1.0.0/8" }, NULL, "'10.1.0.0/8' is not a network" },
        { "too many bits", { "0.0.0.0:1" }, { "10.0.0.0/33" }, NULL, "is not a network" },
        { "clear start URL",
          { "0.0.0.0:1" },
          { NULL },
          "http://acme.awsapps.com/start",
          "must be an https:// URL" },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbServeSetting setting = { .listen = rows[i].listen,
                                   .trusted_proxies = rows[i].proxies,
                                   .sso_start_url = rows[i].start_url };
        g_autoptr(GError) error = NULL;
        gboolean good = rb_serve_check(&setting, &error);
        if (good != (rows[i].says == NULL) || (!good && strstr(error->message, rows[i].says) == NULL))
            fail_msg("%s: got %s", rows[i].name, good ? "yes" : error->message);
    }
}

static void
test_an_address_in_use(void **state)
{
    RbServer *server = start((RbServeSetting){ 0 });
    g_autofree char *same = g_strdup_printf("127.0.0.1:%u", rb_server_port(server, 0));
    const char *const listen[] = { same, NULL };
    RbServeSetting setting = { .listen = listen };
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(rb_server_new(&setting, NULL, &error));
    assert_string_equal(rb_outcome(error)->id, "fault.network");
    assert_non_null(strstr(error->message, same));
    rb_server_free(server);
}

static void
test_public_urls(void **state)
{
    static const char *const bad[] = {
        "bridge.example",           "ftp://bridge.example",     "https://bridge.example/base",
        "https://a@bridge.example", "https://bridge.example?x", "https://"
    };
    static const char *const listen[] = { "127.0.0.1:0", NULL };
    RbServeSetting setting = { .listen = listen };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        fake.public_url = bad[i];
        if (rb_server_new(&setting, NULL, &error) != NULL || !rb_is_refusal(error, RB_REQUEST_MALFORMED))
            fail_msg("%s was taken", bad[i]);
    }
}

static int
teardown(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

#define DOUBT(headers)                                                                                       \
    "POST /token HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded\r\n" headers "\r\n"

/* Requests whose end a proxy before us may see elsewhere: refused, and nothing that follows on the connection
 * is answered. */
static const struct {
    const char *name, *text;
} doubts[] = {
    { "two lengths", DOUBT("Content-Length: 0\r\nContent-Length: 47\r\n") },
    { "two lengths, none first", DOUBT("Content-Length: 47\r\nContent-Length: 0\r\n") },
    { "a blank before the colon", DOUBT("Content-Length : 47\r\n") },
    { "the same of an encoding", DOUBT("Transfer-Encoding : chunked\r\n") },
    { "two encodings", DOUBT("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") },
    { "a list of lengths", DOUBT("Content-Length: 0, 47\r\n") },
    { "both", DOUBT("Content-Length: 47\r\nTransfer-Encoding: chunked\r\n") },
};

static void
test_nothing_follows_a_doubtful_request(void **state)
{
    RbServer *server = start((RbServeSetting){ 0 });

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(doubts); i++) {
        int fd = client_open(rb_server_port(server, 0));
        g_autoptr(GString) got = g_string_new(NULL);
        char chunk[4096];
        gssize n;
        assert_int_equal(send(fd, doubts[i].text, strlen(doubts[i].text), MSG_NOSIGNAL),
                         strlen(doubts[i].text));
        assert_int_equal(send(fd, HEALTH, strlen(HEALTH), MSG_NOSIGNAL), strlen(HEALTH));
        (void)shutdown(fd, SHUT_WR);
        while ((n = recv(fd, chunk, sizeof chunk, 0)) > 0)
            g_string_append_len(got, chunk, n);
        (void)close(fd);
        if (!g_str_has_prefix(got->str, "HTTP/1.1 400") || strstr(got->str, "HTTP/1.1 200") != NULL)
            fail_msg("%s: %s", doubts[i].name, got->str);
    }
    rb_server_free(server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slow_upstream_delays_nothing_else),
        cmocka_unit_test(test_ending_lets_requests_end),
        cmocka_unit_test(test_ending_gives_up_in_the_end),
        cmocka_unit_test(test_connections_of_one_address),
        cmocka_unit_test(test_slow_senders),
        cmocka_unit_test(test_a_client_that_goes_away),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_several_requests_on_one_connection),
        cmocka_unit_test(test_nothing_follows_a_doubtful_request),
        cmocka_unit_test(test_allowance),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_an_address_in_use),
        cmocka_unit_test(test_public_urls),
    };

    return cmocka_run_group_tests_name("server", tests, NULL, teardown);
}
