#include "rolebridge/delivery_priv.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TOKEN "the-token-of-this-test"
#define HOST "Host: 127.0.0.1:%u\r\n"
#define AUTH "Authorization: " TOKEN "\r\n"
#define ECS "GET /ecs/prod/ds HTTP/1.1\r\n"
#define ROLES "/latest/meta-data/iam/security-credentials/"

enum { NOW = 1795510800, ANSWER_MAX = 64 * 1024 };

typedef struct {
    RbCli cli; /* first: issue() gets it */
    gint64 now;
    RbHolder *holder;
    RbSecret *token;
    RbDelivery *delivery;
    guint16 port;
    RbRefusalCode refuse;
} Fixture;

static gint64
fixed_now(gpointer data)
{
    return ((Fixture *)data)->now;
}

static RbLease *
issue(RbCli *cli, const char *account, const char *role, gint64 duration_s, gboolean fresh, GError **error)
{
    const Fixture *f = (Fixture *)cli;
    RbLease *lease;
    json_t *json;

    (void)duration_s;
    (void)fresh;
    if (f->refuse != RB_ACCEPTED) {
        (void)rb_refuse(error, f->refuse, "no");
        return NULL;
    }
    json = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "accessKeyId", "ASIAKEY", "secretAccessKey", "SECRET",
                     "sessionToken", "SESSION", "expiration", (json_int_t)(f->now + 3600) * 1000, "issuedAt",
                     (json_int_t)f->now, "assumedRoleArn", "arn:aws:sts::111122223333:assumed-role/ds/ada");
    lease = rb_lease_from_json(json, account, role);
    json_decref(json);
    return lease;
}

static int
set_up(void **state)
{
    static const RbDeliveryRole roles[] = { { "prod", "ds" }, { "dev", "tester" } };
    Fixture *f = g_new0(Fixture, 1);
    RbDeliveryOptions options = { .metadata = TRUE, .roles = roles, .n_roles = 2, .region = "eu-central-1" };

    f->now = NOW;
    f->cli.clock = (RbClock){ fixed_now, f };
    f->holder = rb_holder_new(&f->cli, issue);
    f->token = rb_secret_new_text(TOKEN);
    options.holder = f->holder;
    options.token = f->token;
    options.clock = f->cli.clock;
    f->delivery = rb_delivery_new(&options, NULL);
    assert_non_null(f->delivery);
    f->port = (guint16)g_ascii_strtoull(strrchr(rb_delivery_url(f->delivery), ':') + 1, NULL, 10);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *f = *state;

    rb_delivery_free(f->delivery);
    rb_holder_free(f->holder);
    rb_secret_unref(f->token);
    g_free(f);
    return 0;
}

/* Sends @request as it is, "%u" being the port. Returns: (transfer full): what came back until it closed */
static char *
talk(const Fixture *f, const char *request)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(f->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    g_autofree char *port = g_strdup_printf("%u", (guint)f->port);
    GString *bytes = g_string_new(request), *answer = g_string_new(NULL);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char buffer[4096];
    ssize_t n;

    (void)g_string_replace(bytes, "%u", port, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    (void)send(fd, bytes->str, bytes->len, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0 && answer->len < ANSWER_MAX)
        g_string_append_len(answer, buffer, n);
    (void)close(fd);
    g_string_free(bytes, TRUE);
    return g_string_free(answer, FALSE);
}

static int
status_of(const char *answer)
{
    return g_str_has_prefix(answer, "HTTP/1.1 ")
               ? (int)g_ascii_strtoll(answer + strlen("HTTP/1.1 "), NULL, 10)
               : 0;
}

static const struct {
    const char *name, *request;
    int status;
    const char *in; /* of the answer */
} containers[] = {
    { "as SDKs ask", ECS HOST AUTH "Accept: application/json\r\n\r\n", 200,
      "{\"AccessKeyId\":\"ASIAKEY\",\"SecretAccessKey\":\"SECRET\",\"Token\":\"SESSION\",\"Expiration\":"
      "\"2026-11-"
      "24T10:00:00Z\",\"RoleArn\":\"arn:aws:sts::111122223333:assumed-role/ds/"
      "ada\",\"AccountId\":\"111122223333\"}" },
    { "by its name", ECS "Host: localhost:%u\r\n" AUTH "\r\n", 200, "ASIAKEY" },
    { "the second role", "GET /ecs/dev/tester HTTP/1.1\r\n" HOST AUTH "\r\n", 200, "ASIAKEY" },
    { "no token", ECS HOST "\r\n", 401, "local.token" },
    { "an empty token", ECS HOST "Authorization:\r\n\r\n", 401, "local.token" },
    { "another token", ECS HOST "Authorization: x\r\n\r\n", 401, "local.token" },
    { "a part of the token", ECS HOST "Authorization: the-token-of-this-tes\r\n\r\n", 401, "local.token" },
    { "more than the token", ECS HOST "Authorization: " TOKEN "x\r\n\r\n", 401, "local.token" },
    { "the token as a bearer's", ECS HOST "Authorization: Bearer " TOKEN "\r\n\r\n", 401, "local.token" },
    { "the token in the query", "GET /ecs/prod/ds?Authorization=" TOKEN " HTTP/1.1\r\n" HOST "\r\n", 401,
      "local.token" },
    { "two tokens", ECS HOST AUTH "authorization: x\r\n\r\n", 400, "request.malformed" },
    { "a role that is not served", "GET /ecs/prod/admin HTTP/1.1\r\n" HOST AUTH "\r\n", 404,
      "request.not_found" },
    { "an account that is not served", "GET /ecs/other/ds HTTP/1.1\r\n" HOST AUTH "\r\n", 404,
      "request.not_found" },
    { "no role", "GET /ecs/ HTTP/1.1\r\n" HOST AUTH "\r\n", 404, "request.not_found" },
    { "a path that climbs", "GET /ecs/prod/../prod/ds HTTP/1.1\r\n" HOST AUTH "\r\n", 404,
      "request.not_found" },
    { "a path that ends early", "GET /ecs/prod/ds%00/x HTTP/1.1\r\n" HOST AUTH "\r\n", 404,
      "request.not_found" },
    { "another path", "GET / HTTP/1.1\r\n" HOST AUTH "\r\n", 404, "request.not_found" },
    { "a name that leads here (DNS rebinding)", ECS "Host: rebind.evil.example:%u\r\n" AUTH "\r\n", 421,
      "request.host" },
    { "another port", ECS "Host: 127.0.0.1:1\r\n" AUTH "\r\n", 421, "request.host" },
    { "no port", ECS "Host: 127.0.0.1\r\n" AUTH "\r\n", 421, "request.host" },
    { "another loopback address", ECS "Host: 127.0.0.2:%u\r\n" AUTH "\r\n", 421, "request.host" },
    { "the address as a number", ECS "Host: 2130706433:%u\r\n" AUTH "\r\n", 421, "request.host" },
    { "two hosts", ECS HOST "Host: rebind.evil.example:%u\r\n" AUTH "\r\n", 400, NULL },
    { "no host", "GET /ecs/prod/ds HTTP/1.0\r\n" AUTH "\r\n", 421, "request.host" },
    { "from a page", ECS HOST AUTH "Origin: http://127.0.0.1:%u\r\n\r\n", 403, "request.forged" },
    { "from a browser", ECS HOST AUTH "Sec-Fetch-Site: none\r\n\r\n", 403, "request.forged" },
    { "from a link", ECS HOST AUTH "Referer: http://evil.example/\r\n\r\n", 403, "request.forged" },
    { "by a proxy", ECS HOST AUTH "X-Forwarded-For: 10.0.0.1\r\n\r\n", 403, "request.forged" },
    { "by a newer proxy", ECS HOST AUTH "Forwarded: for=10.0.0.1\r\n\r\n", 403, "request.forged" },
    { "by an older proxy", ECS HOST AUTH "Via: 1.1 x\r\n\r\n", 403, "request.forged" },
    { "a POST", "POST /ecs/prod/ds HTTP/1.1\r\n" HOST AUTH "Content-Length: 0\r\n\r\n", 405,
      "request.method" },
    { "a HEAD", "HEAD /ecs/prod/ds HTTP/1.1\r\n" HOST AUTH "\r\n", 405, NULL },
    { "a TRACE", "TRACE /ecs/prod/ds HTTP/1.1\r\n" HOST AUTH "\r\n", 405, "request.method" },
    { "a preflight", "OPTIONS /ecs/prod/ds HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n\r\n", 403,
      "request.forged" },
    { "a body", ECS HOST AUTH "Content-Length: 3\r\n\r\nabc", 400, "request.malformed" },
    { "a body in pieces", ECS HOST AUTH "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400,
      "request.malformed" },
};

static void
test_containers(void **state)
{
    const Fixture *f = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(containers); i++) {
        g_autofree char *answer = talk(f, containers[i].request);
        gboolean good = containers[i].status == 200;
        if (status_of(answer) != containers[i].status ||
            (containers[i].in != NULL && strstr(answer, containers[i].in) == NULL) ||
            (!good && strstr(answer, "SECRET") != NULL) ||
            (good && strstr(answer, "Cache-Control: no-store") == NULL))
            fail_msg("%s: %s", containers[i].name, answer);
    }
}

static void
test_refusals_come_through(void **state)
{
    Fixture *f = *state;
    g_autofree char *signed_out = NULL, *denied = NULL;

    f->refuse = RB_SESSION_EXPIRED;
    signed_out = talk(f, ECS HOST AUTH "\r\n");
    assert_int_equal(status_of(signed_out), 401);
    assert_non_null(strstr(signed_out, "{\"code\":\"session.expired\",\"message\":"));
    f->refuse = RB_MAPPING_NOT_ASSIGNED;
    denied = talk(f, ECS HOST AUTH "\r\n");
    assert_int_equal(status_of(denied), 403);
}

/* ---- as an instance's metadata service ---- */

static char *
metadata_token(const Fixture *f, const char *ttl)
{
    g_autofree char *request =
        g_strdup_printf("PUT /latest/api/token HTTP/1.1\r\n" HOST
                        "X-aws-ec2-metadata-token-ttl-seconds: %s\r\nConnection: close\r\n\r\n",
                        (guint)f->port, ttl);
    g_autofree char *answer = talk(f, request);
    const char *body = strstr(answer, "\r\n\r\n");

    assert_int_equal(status_of(answer), 200);
    assert_non_null(body);
    return g_strdup(body + 4);
}

static const struct {
    const char *name, *ttl; /* NULL: no header */
    int status;
} ttls[] = {
    { "as SDKs ask", "21600", 200 },
    { "one second", "1", 200 },
    { "none", NULL, 400 },
    { "nothing", "0", 400 },
    { "too long", "21601", 400 },
    { "below nothing", "-1", 400 },
    { "a word", "long", 400 },
    { "a fraction", "1.5", 400 },
    { "blanks", "60 60", 400 },
    { "empty", "", 400 },
    { "a huge number", "99999999999999999999", 400 },
};

static void
test_ttls(void **state)
{
    const Fixture *f = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(ttls); i++) {
        g_autofree char *header =
            ttls[i].ttl == NULL
                ? g_strdup("")
                : g_strdup_printf("X-aws-ec2-metadata-token-ttl-seconds: %s\r\n", ttls[i].ttl);
        g_autofree char *request =
            g_strconcat("PUT /latest/api/token HTTP/1.1\r\n" HOST, header, "\r\n", NULL);
        g_autofree char *answer = talk(f, request);
        if (status_of(answer) != ttls[i].status)
            fail_msg("%s: %s", ttls[i].name, answer);
    }
}

static const struct {
    const char *name, *line, *headers;
    int status;
    const char *in;
} metadata[] = {
    /* each with a good token, but for those that say otherwise */
    { "which role", "GET " ROLES, "", 200, "\r\n\r\nds" },
    { "without the slash", "GET /latest/meta-data/iam/security-credentials", "", 200, "\r\n\r\nds" },
    { "its credentials", "GET " ROLES "ds", "", 200,
      "{\"Code\":\"Success\",\"LastUpdated\":\"2026-11-24T09:00:00Z\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":"
      "\"ASIAKEY\","
      "\"SecretAccessKey\":\"SECRET\",\"Token\":\"SESSION\",\"Expiration\":\"2026-11-24T10:00:00Z\"" },
    { "a slash too many", "GET /" ROLES "ds", "", 200, "ASIAKEY" },
    { "the region", "GET /latest/meta-data/placement/region", "", 200, "\r\n\r\neu-central-1" },
    { "another role", "GET " ROLES "tester", "", 404, "request.not_found" },
    { "user data", "GET /latest/user-data", "", 404, "request.not_found" },
    { "through a proxy (SSRF)", "GET " ROLES "ds", "X-Forwarded-For: 10.0.0.1\r\n", 403, "request.forged" },
    { "from a page", "GET " ROLES "ds", "Origin: http://evil.example\r\n", 403, "request.forged" },
    { "written to", "PUT " ROLES "ds", "", 405, "request.method" },
    { "a second token", "GET " ROLES "ds", "X-aws-ec2-metadata-token: x\r\n", 400, "request.malformed" },
    { "a token by GET", "GET /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n", 405,
      "request.method" },
};

static void
test_metadata(void **state)
{
    const Fixture *f = *state;
    g_autofree char *token = metadata_token(f, "60");

    for (gsize i = 0; i < G_N_ELEMENTS(metadata); i++) {
        g_autofree char *request =
            g_strdup_printf("%s HTTP/1.1\r\n" HOST "X-aws-ec2-metadata-token: %s\r\n%s\r\n", metadata[i].line,
                            (guint)f->port, token, metadata[i].headers);
        g_autofree char *answer = talk(f, request);
        if (status_of(answer) != metadata[i].status || strstr(answer, metadata[i].in) == NULL)
            fail_msg("%s: %s", metadata[i].name, answer);
    }
}

static void
test_metadata_wants_a_token(void **state)
{
    const Fixture *f = *state;
    g_autofree char *none = talk(f, "GET " ROLES "ds HTTP/1.1\r\n" HOST "\r\n");
    g_autofree char *theirs =
        talk(f, "GET " ROLES "ds HTTP/1.1\r\n" HOST "X-aws-ec2-metadata-token: AQAEAAAA==\r\n\r\n");
    g_autofree char *ours =
        talk(f, "GET " ROLES "ds HTTP/1.1\r\n" HOST "X-aws-ec2-metadata-token: " TOKEN "\r\n\r\n");
    g_autofree char *proxied =
        talk(f, "PUT /latest/api/token HTTP/1.1\r\n" HOST
                "X-aws-ec2-metadata-token-ttl-seconds: 60\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n");

    assert_int_equal(status_of(none), 401); /* version 1 */
    assert_int_equal(status_of(theirs), 401);
    assert_int_equal(status_of(ours), 401);
    assert_int_equal(status_of(proxied), 403);
}

static void
test_metadata_tokens(void **state)
{
    g_autoptr(RbSecret) key = rb_secret_new_text("key"), other = rb_secret_new_text("other");
    char *token = rb_metadata_token_new(key, 1000);
    g_autofree char *again = rb_metadata_token_new(key, 1000), *longer = g_strconcat("1", token, NULL);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_string_not_equal(token, again);
    assert_true(rb_metadata_token_check(key, token, 999, NULL));
    assert_false(rb_metadata_token_check(key, token, 1000, &error)); /* the first second of its end */
    assert_true(rb_is_refusal(error, RB_LOCAL_TOKEN));
    assert_false(rb_metadata_token_check(other, token, 0, NULL));
    assert_false(rb_metadata_token_check(key, longer, 0, NULL)); /* a later end than was given out */
    assert_false(rb_metadata_token_check(key, "", 0, NULL));
    assert_false(rb_metadata_token_check(key, ".", 0, NULL));
    assert_false(rb_metadata_token_check(key, NULL, 0, NULL));
    for (gsize i = 0; token[i] != '\0'; i++) { /* each character counts */
        token[i] ^= 1;
        assert_false(rb_metadata_token_check(key, token, 0, NULL));
        token[i] ^= 1;
    }
    g_free(token);
}

/* ---- whose program asks ---- */

#define HEAD                                                                                                 \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define LINE(local, remote, uid)                                                                             \
    "   0: " local " " remote " 01 00000000:00000000 00:00000000 00000000 " uid "        0 12345 1 0\n"
#define PEER "0100007F:C350" /* 127.0.0.1:50000 */
#define HERE "0100007F:1F90" /* 127.0.0.1:8080 */
#define SIX "0000000000000000FFFF0000"

static const struct {
    const char *name, *table, *table6; /* "ME" is this user; NULL: there is no such table */
    gboolean want;
} owners[] = {
    { "mine", HEAD LINE(PEER, HERE, "ME"), HEAD, TRUE },
    { "mine, by IPv6", HEAD, HEAD LINE(SIX PEER, SIX HERE, "ME"), TRUE },
    { "somebody else's", HEAD LINE(PEER, HERE, "54321"), HEAD, FALSE },
    { "somebody else's, by IPv6", HEAD, HEAD LINE(SIX PEER, SIX HERE, "54321"), FALSE },
    { "mine is at another port", HEAD LINE("0100007F:C351", HERE, "ME") LINE(PEER, HERE, "54321"), HEAD,
      FALSE },
    { "mine goes elsewhere", HEAD LINE(PEER, "0100007F:1F91", "ME"), HEAD, FALSE },
    { "the other end of it", HEAD LINE(HERE, PEER, "ME"), HEAD, FALSE },
    { "gone", HEAD, HEAD, FALSE },
    { "no tables", NULL, NULL, FALSE },
    { "no number", HEAD LINE(PEER, HERE, "x"), HEAD, FALSE },
    { "cut off", HEAD "   0: " PEER " " HERE " 01\n", HEAD, FALSE },
};

static void
test_owners(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("rb-peer-XXXXXX", NULL),
                    *me = g_strdup_printf("%5u", (guint)geteuid());
    const struct sockaddr_in peer = { .sin_family = AF_INET,
                                      .sin_port = htons(50000),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    (void)state;
    if (G_BYTE_ORDER != G_LITTLE_ENDIAN)
        skip(); /* the kernel's table has addresses as this machine's numbers; the rows are a PC's */
    for (gsize i = 0; i < G_N_ELEMENTS(owners); i++) {
        const char *texts[] = { owners[i].table, owners[i].table6 };
        g_autoptr(GError) error = NULL;
        char *paths[2];
        for (gsize t = 0; t < 2; t++) {
            paths[t] = g_strdup_printf("%s/%zu", folder, t);
            (void)g_remove(paths[t]);
            if (texts[t] != NULL) {
                GString *text = g_string_new(texts[t]);
                (void)g_string_replace(text, "ME", me, 0);
                assert_true(g_file_set_contents(paths[t], text->str, -1, NULL));
                g_string_free(text, TRUE);
            }
        }
        if (rb_delivery_peer_check(paths[0], paths[1], &peer, 8080, &error) != owners[i].want ||
            (!owners[i].want && !rb_is_refusal(error, RB_LOCAL_USER)))
            fail_msg("%s: %s", owners[i].name, error != NULL ? error->message : "accepted");
        for (gsize t = 0; t < 2; t++) {
            (void)g_remove(paths[t]);
            g_free(paths[t]);
        }
    }
    (void)g_rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_containers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals_come_through, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ttls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_metadata, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_metadata_wants_a_token, set_up, tear_down),
        cmocka_unit_test(test_metadata_tokens),
        cmocka_unit_test(test_owners),
    };

    return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
