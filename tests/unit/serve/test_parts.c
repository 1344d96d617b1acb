#include "base/refusal.h"
#include "serve/fields.h"
#include "serve/network.h"
#include "serve/page.h"
#include "serve/peers.h"
#include "serve/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The parts that need no socket. */

static const struct {
    const char *name, *text;
    RbFieldsKind kind;
    const char *field, *want; /* want NULL: request.malformed */
} fields[] = {
    { "plain", "a=b&c=d", RB_FIELDS_QUERY, "c", "d" },
    { "plus and percent", "a=b+c%2B%C3%A9", RB_FIELDS_QUERY, "a", "b c+é" },
    { "no value", "a&b=c", RB_FIELDS_QUERY, "a", "" },
    { "equals in a value", "a=b==", RB_FIELDS_QUERY, "a", "b==" },
    { "nothing between", "a=b&&c=d&", RB_FIELDS_QUERY, "c", "d" },
    { "line end in a form", "a=b%0D%0Ac", RB_FIELDS_FORM, "a", "b\r\nc" },
    { "line end in a query", "a=b%0D%0Ac", RB_FIELDS_QUERY, NULL, NULL },
    { "line end in a name", "a%0Ab=c", RB_FIELDS_FORM, NULL, NULL },
    { "escape in a form", "a=%1b", RB_FIELDS_FORM, NULL, NULL },
    { "C1 control", "a=%C2%85", RB_FIELDS_FORM, NULL, NULL },
    { "DEL", "a=%7f", RB_FIELDS_FORM, NULL, NULL },
    { "twice", "a=b&a=b", RB_FIELDS_FORM, NULL, NULL },
    { "twice, written differently", "a=b&%61=c", RB_FIELDS_FORM, NULL, NULL },
    { "NUL", "a=%00", RB_FIELDS_FORM, NULL, NULL },
    { "cut short", "a=%4", RB_FIELDS_FORM, NULL, NULL },
    { "cut shorter", "a=%", RB_FIELDS_FORM, NULL, NULL },
    { "no hex", "a=%g0", RB_FIELDS_FORM, NULL, NULL },
    { "not UTF-8", "a=%ff", RB_FIELDS_FORM, NULL, NULL },
    { "overlong slash", "a=%c0%af", RB_FIELDS_FORM, NULL, NULL },
    { "surrogate", "a=%ed%a0%80", RB_FIELDS_FORM, NULL, NULL },
    { "nameless", "=b", RB_FIELDS_FORM, NULL, NULL },
};

static void
test_fields(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GHashTable) got =
            rb_fields_parse(fields[i].text, strlen(fields[i].text), fields[i].kind, &error);
        if (fields[i].want == NULL) {
            if (got != NULL || !rb_is_refusal(error, RB_REQUEST_MALFORMED))
                fail_msg("%s: was taken", fields[i].name);
        } else if (got == NULL || g_strcmp0(g_hash_table_lookup(got, fields[i].field), fields[i].want) != 0)
            fail_msg("%s: not '%s'", fields[i].name, fields[i].want);
    }
}

static void
test_many_fields(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *name = g_strnfill(RB_FIELDS_MAX_NAME + 1, 'n');

    (void)state;
    for (guint i = 0; i < RB_FIELDS_MAX; i++)
        g_string_append_printf(text, "f%u=x&", i);
    g_autoptr(GHashTable) most = rb_fields_parse(text->str, text->len, RB_FIELDS_QUERY, &error);
    assert_non_null(most);
    g_string_append(text, "one=more");
    assert_null(rb_fields_parse(text->str, text->len, RB_FIELDS_QUERY, &error));
    assert_true(rb_is_refusal(error, RB_REQUEST_MALFORMED));
    assert_null(rb_fields_parse(name, strlen(name), RB_FIELDS_QUERY, NULL));
}

static const struct {
    const char *name, *header, *want; /* want "": not sent; NULL: refused */
} cookies[] = {
    { "alone", "c=abc", "abc" },
    { "among others", "a=1; c=abc; x=\"q\"", "abc" },
    { "without blanks", "a=1;c=abc;d=2", "abc" },
    { "not sent", "a=1", "" },
    { "no header", NULL, "" },
    { "a longer name", "cc=abc", "" },
    { "twice", "c=abc; c=abc", NULL },
    { "empty", "c=", NULL },
    { "quoted", "c=\"abc\"", NULL },
    { "another's twice", "a=1; a=2; c=abc", "abc" },
};

static void
test_cookies(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cookies); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *value = NULL;
        gboolean good = rb_cookie_find(cookies[i].header, "c", &value, &error);
        if (cookies[i].want == NULL) {
            if (good || !rb_is_refusal(error, RB_REQUEST_MALFORMED))
                fail_msg("%s: was taken", cookies[i].name);
        } else if (!good || g_strcmp0(value != NULL ? value : "", cookies[i].want) != 0)
            fail_msg("%s: got '%s'", cookies[i].name, value);
    }
}

static void
test_local_paths(void **state)
{
    static const char *const good[] = { "/", "/device?user_code=A-B", "/console?account=1&role=r#x" };
    static const char *const bad[] = { "",     "a",     "//evil", "/\\evil", "/a\\b", "https://evil",
                                       "/a b", "/a\tb", "/a\nb",  "/é" };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        assert_true(rb_local_path(good[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        if (rb_local_path(bad[i]))
            fail_msg("'%s' was taken for a path", bad[i]);
}

/* ---- addresses ---- */

static const struct {
    const char *name, *peer, *forwarded, *want; /* want NULL: request.malformed */
} seen[] = {
    { "direct", "198.51.100.7", NULL, "198.51.100.7" },
    { "direct, and says otherwise", "198.51.100.7", "10.0.0.1", "198.51.100.7" },
    { "one proxy", "10.0.0.1", "198.51.100.7", "198.51.100.7" },
    { "forged entries come first", "10.0.0.1", "192.0.2.1, 198.51.100.7", "198.51.100.7" },
    { "two proxies", "10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7" },
    { "proxies only", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3" },
    { "proxy without the header", "10.0.0.1", NULL, "10.0.0.1" },
    { "IPv6 client", "10.0.0.1", "2001:db8::7", "2001:db8::7" },
    { "with ports", "10.0.0.1", "[2001:db8::7]:443", "2001:db8::7" },
    { "IPv4 with a port", "10.0.0.1", "198.51.100.7:5060", "198.51.100.7" },
    { "IPv6 proxy", "fd00::1", "198.51.100.7", "198.51.100.7" },
    { "mapped proxy", "::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7" },
    { "rubbish", "10.0.0.1", "unknown", NULL },
    { "rubbish behind a proxy", "10.0.0.1", "unknown, 10.0.0.2", NULL },
    { "rubbish where nobody looks", "10.0.0.1", "unknown, 198.51.100.7", "198.51.100.7" },
    { "empty", "10.0.0.1", "", NULL },
};

static void
test_seen_through(void **state)
{
    static const char *const texts[] = { "10.0.0.0/8", "fd00::/8", NULL };
    g_autoptr(GArray) proxies = rb_networks_parse(texts, NULL);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(seen); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *got = NULL;
        RbAddress peer, client;
        assert_true(rb_address_parse(seen[i].peer, &peer));
        if (rb_address_seen_through(&peer, seen[i].forwarded, proxies, &client, &error))
            got = rb_address_text(&client);
        if (g_strcmp0(got, seen[i].want) != 0 || (got == NULL && !rb_is_refusal(error, RB_REQUEST_MALFORMED)))
            fail_msg("%s: got %s, want %s", seen[i].name, got, seen[i].want);
    }
}

static void
test_networks(void **state)
{
    static const struct {
        const char *network, *address;
        gboolean want;
    } rows[] = {
        { "192.0.2.0/24", "192.0.2.255", TRUE },
        { "192.0.2.0/24", "192.0.3.0", FALSE },
        { "192.0.2.128/25", "192.0.2.127", FALSE },
        { "192.0.2.128/25", "192.0.2.128", TRUE },
        { "0.0.0.0/0", "255.1.2.3", TRUE },
        { "0.0.0.0/0", "2001:db8::1", FALSE },
        { "192.0.2.7", "192.0.2.7", TRUE },
        { "192.0.2.7", "192.0.2.8", FALSE },
        { "2001:db8::/33", "2001:db8:7fff::1", TRUE },
        { "2001:db8::/33", "2001:db8:8000::1", FALSE },
        { "::/0", "2001:db8::1", TRUE },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *const texts[] = { rows[i].network, NULL };
        g_autoptr(GArray) networks = rb_networks_parse(texts, NULL);
        RbAddress address;
        assert_non_null(networks);
        assert_true(rb_address_parse(rows[i].address, &address));
        if (rb_networks_have(networks, &address) != rows[i].want)
            fail_msg("%s in %s", rows[i].address, rows[i].network);
    }
}

/* ---- allowance ---- */

static void
test_rate(void **state)
{
    g_autoptr(RbRate) rate = rb_rate_new(2, 3);
    g_autoptr(GError) error = NULL;
    RbAddress one, same_net, other;

    (void)state;
    assert_true(rb_address_parse("2001:db8::1", &one));
    assert_true(rb_address_parse("2001:db8::ffff:1", &same_net)); /* the same /64 */
    assert_true(rb_address_parse("192.0.2.1", &other));
    for (guint i = 0; i < 3; i++)
        assert_true(rb_rate_take(rate, i % 2 == 0 ? &one : &same_net, 1000, NULL));
    assert_false(rb_rate_take(rate, &one, 1000, &error));
    assert_true(rb_is_refusal(error, RB_REQUEST_TOO_MANY));
    assert_true(rb_rate_take(rate, &other, 1000, NULL));
    assert_false(rb_rate_take(rate, &one, 1499, NULL));
    assert_true(rb_rate_take(rate, &one, 1500, NULL));  /* half a second is one of two a second */
    assert_false(rb_rate_take(rate, &one, 1400, NULL)); /* a clock that goes back gives nothing */
}

static void
test_rate_is_bounded(void **state)
{
    g_autoptr(RbRate) rate = rb_rate_new(1, 2);
    RbAddress address = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 0, 0, 0 } };
    guint refused = 0;

    (void)state;
    for (guint i = 0; i < 40000; i++) { /* more addresses at once than are kept: the rest share one bucket */
        address.bytes[13] = (guint8)(i >> 16);
        address.bytes[14] = (guint8)(i >> 8);
        address.bytes[15] = (guint8)i;
        if (!rb_rate_take(rate, &address, 1000, NULL))
            refused++;
    }
    assert_in_range(refused, 20000, 40000);
    assert_true(rb_rate_take(rate, &address, 10000, NULL)); /* those that rested are forgotten */
}

/* ---- pages ---- */

static const char *const hostile[] = {
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "]]>&lt;b&gt;",
    "<!--",
    "javascript:alert(1)",
    "{{7*7}}",
    "\x01\x1b[31m",
    "\xe2\x80\xaegnp.exe",
};

static void
test_pages_escape(void **state)
{
    g_autoptr(RbPages) pages = rb_pages_new(NULL);

    (void)state;
    assert_non_null(pages);
    for (gsize i = 0; i < G_N_ELEMENTS(hostile); i++) {
        json_t *data = json_pack("{s:s, s:s, s:[{s:s, s:s, s:s, s:[{s:s, s:s, s:[{s:s, s:[{s:s, s:s}], "
                                 "s:[s]}]}]}], s:[{s:s, s:s, s:s, s:s}]}",
                                 "person", hostile[i], "csrf", "c", "account", "id", hostile[i], "name",
                                 hostile[i], "environment", hostile[i], "grant", "title", hostile[i],
                                 "purpose", hostile[i], "reason", "group", hostile[i], "claim", "attribute",
                                 hostile[i], "value", hostile[i], "condition", hostile[i], "miss", "name",
                                 hostile[i], "title", hostile[i], "what", "x", "detail", hostile[i]);
        g_autoptr(GBytes) html = rb_page_render(pages, "roles", data, NULL);
        g_autofree char *text = NULL;
        json_decref(data);
        assert_non_null(html);
        text = g_strndup(g_bytes_get_data(html, NULL), g_bytes_get_size(html));
        if (strstr(text, "<script") != NULL || strstr(text, "<img src=x") != NULL ||
            strstr(text, "<b>") != NULL || strstr(text, "<!--") != NULL || strchr(text, '\x01') != NULL ||
            strchr(text, '\x1b') != NULL || strstr(text, "\xe2\x80\xae") != NULL)
            fail_msg("%s came through:\n%s", hostile[i], text);
    }
}

/* An IPv6 client has 2^64 addresses: all of them together open what one may. */
static void
test_connections_of_one_network(void **state)
{
    static const struct {
        const char *address;
        gboolean admitted;
    } rows[] = {
        { "2001:db8:1:1::1", FALSE },
        { "2001:db8:1:1:ffff::2", FALSE },
        { "2001:db8:1:2::1", TRUE },
        { "192.0.2.2", TRUE },
    };
    g_autoptr(GArray) proxies = rb_networks_parse(NULL, NULL);
    g_autoptr(RbPeers) peers = rb_peers_new(8, proxies);
    RbPeer *open[9];
    RbAddress address;

    (void)state;
    for (guint i = 0; i < 8; i++) {
        g_autofree char *text = g_strdup_printf("2001:db8:1:1::%x", i + 16);
        assert_true(rb_address_parse(text, &address));
        open[i] = rb_peers_open(peers, -1, &address, 0);
    }
    assert_true(rb_address_parse("192.0.2.1", &address));
    open[8] = rb_peers_open(peers, -1, &address, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_true(rb_address_parse(rows[i].address, &address));
        if (rb_peers_admit(peers, &address) != rows[i].admitted)
            fail_msg("%s", rows[i].address);
    }
    for (guint i = 0; i < G_N_ELEMENTS(open); i++)
        rb_peers_close(peers, open[i]);
    assert_true(rb_address_parse(rows[0].address, &address));
    assert_true(rb_peers_admit(peers, &address));
}

static void
test_pages_are_html(void **state)
{
    static const char *const names[] = { "sign-in", "signed-out",  "roles",       "consent",
                                         "device",  "device-code", "device-done", "refused" };
    g_autoptr(RbPages) pages = rb_pages_new(NULL);
    json_t *nothing = json_object();

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GBytes) html = rb_page_render(pages, names[i], nothing, NULL);
        g_autofree char *text = g_strndup(g_bytes_get_data(html, NULL), g_bytes_get_size(html));
        assert_true(g_str_has_prefix(text, "<!DOCTYPE html"));
        assert_non_null(strstr(text, "<html lang=\"en\">"));
        assert_null(strstr(text, "http://")); /* no third party's anything */
        assert_null(strstr(text, "https://"));
    }
    json_decref(nothing);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_many_fields),
        cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_local_paths),
        cmocka_unit_test(test_seen_through),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_rate_is_bounded),
        cmocka_unit_test(test_connections_of_one_network),
        cmocka_unit_test(test_pages_escape),
        cmocka_unit_test(test_pages_are_html),
    };

    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
