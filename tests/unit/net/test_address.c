#include "net/priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
    const char *address;
    gboolean http, https, credentials; /* credentials: http, when link-local is asked for */
} rows[] = {
    { "127.0.0.1", TRUE, TRUE, TRUE },
    { "127.255.255.254", TRUE, TRUE, TRUE },
    { "[::1]", TRUE, TRUE, TRUE },
    { "[::ffff:127.0.0.1]", TRUE, TRUE, TRUE },
    { "169.254.169.254", FALSE, FALSE, TRUE },
    { "169.254.170.2", FALSE, FALSE, TRUE },
    { "169.254.170.23", FALSE, FALSE, TRUE },
    { "[fd00:ec2::254]", FALSE, FALSE, TRUE },
    { "[fd00:ec2::23]", FALSE, FALSE, TRUE },
    { "[::ffff:169.254.169.254]", FALSE, FALSE, TRUE },
    { "169.254.169.253", FALSE, FALSE, FALSE },
    { "169.254.0.1", FALSE, FALSE, FALSE },
    { "[fe80::1]", FALSE, FALSE, FALSE },
    { "0.0.0.0", FALSE, FALSE, FALSE },
    { "[::]", FALSE, FALSE, FALSE },
    { "[::127.0.0.1]", FALSE, FALSE, FALSE },
    { "224.0.0.1", FALSE, FALSE, FALSE },
    { "255.255.255.255", FALSE, FALSE, FALSE },
    { "[ff02::1]", FALSE, FALSE, FALSE },
    { "10.0.0.1", FALSE, TRUE, FALSE },
    { "192.0.2.1", FALSE, TRUE, FALSE },
    { "[2001:db8::1]", FALSE, TRUE, FALSE },
    { "[fd00:ec2::255]", FALSE, TRUE, FALSE },
};
/* clang-format on */

static gboolean
allows(const RbReach *reach, const char *host)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    gboolean literal, loopback, by_text = rb_reach_allows_literal(reach, host, &literal, &loopback),
                                by_socket;
    g_autofree char *bare = g_strndup(host + 1, strlen(host) - 2);

    assert_true(literal);
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        by_socket = rb_reach_allows(reach, (const struct sockaddr *)&v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, bare, &v6.sin6_addr), 1);
        by_socket = rb_reach_allows(reach, (const struct sockaddr *)&v6);
    }
    if (by_text != by_socket)
        fail_msg("%s: the URL says %d, the socket %d", host, by_text, by_socket);
    return by_socket;
}

static void
test_reach(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (allows(&(RbReach){ 0 }, rows[i].address) != rows[i].http ||
            allows(&(RbReach){ .https = TRUE }, rows[i].address) != rows[i].https ||
            allows(&(RbReach){ .link_local = TRUE }, rows[i].address) != rows[i].credentials)
            fail_msg("%s", rows[i].address);
    }
}

static void
test_others(void **state)
{
    const struct sockaddr unix_socket = { .sa_family = AF_UNIX }, packet = { .sa_family = AF_PACKET };
    const struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    gboolean literal, local;

    (void)state;
    assert_false(rb_reach_allows(&(RbReach){ .https = TRUE }, &unix_socket));
    assert_true(rb_reach_allows(&(RbReach){ .unix_socket = TRUE }, &unix_socket));
    assert_false(rb_reach_allows(&(RbReach){ .unix_socket = TRUE }, (const struct sockaddr *)&loopback));
    assert_false(rb_reach_allows(&(RbReach){ .https = TRUE, .link_local = TRUE }, &packet));
    assert_true(rb_reach_allows_literal(&(RbReach){ 0 }, "localhost", &literal, &local));
    assert_true(local && !literal);
    assert_true(rb_reach_allows_literal(&(RbReach){ 0 }, "sts.example", &literal, &local));
    assert_true(!local && !literal);
    assert_false(rb_reach_allows_literal(&(RbReach){ .https = TRUE }, "[fe80::1%eth0]", &literal, &local));
    assert_false(rb_reach_allows_literal(&(RbReach){ .https = TRUE }, "[", &literal, &local));
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_reach), cmocka_unit_test(test_others) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
