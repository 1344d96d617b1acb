#include "fixture.h"

#include "base/encoding.h"

/* clang-format off */
static const struct {
    const char *name, *network, *address;
    gboolean want;
} networks[] = {
    { "first of /24", "203.0.113.0/24", "203.0.113.0", TRUE },
    { "last of /24", "203.0.113.0/24", "203.0.113.255", TRUE },
    { "before /24", "203.0.113.0/24", "203.0.112.255", FALSE },
    { "behind /24", "203.0.113.0/24", "203.0.114.0", FALSE },
    { "one address", "203.0.113.7", "203.0.113.7", TRUE },
    { "its neighbour", "203.0.113.7", "203.0.113.6", FALSE },
    { "/31", "203.0.113.6/31", "203.0.113.7", TRUE },
    { "/0", "0.0.0.0/0", "255.255.255.255", TRUE },
    { "IPv4 in IPv6 clothes", "203.0.113.0/24", "::ffff:203.0.113.9", TRUE },
    { "a network in IPv6 clothes", "::ffff:203.0.113.0/120", "203.0.113.9", TRUE },
    { "every IPv6 is no IPv4", "::/0", "203.0.113.9", FALSE },
    { "every IPv6 is no IPv4 in clothes", "::/0", "::ffff:203.0.113.9", FALSE },
    { "every IPv4 is no IPv6", "0.0.0.0/0", "2001:db8::1", FALSE },
    { "IPv6", "2001:db8::/32", "2001:db8:ffff::1", TRUE },
    { "another IPv6", "2001:db8::/32", "2001:db9::1", FALSE },
    { "IPv6 /33", "2001:db8:8000::/33", "2001:db8:7fff::1", FALSE },
    { "IPv6 written otherwise", "2001:db8::1", "2001:0DB8:0:0::0001", TRUE },
    { "with a scope", "fe80::/10", "fe80::1%eth0", FALSE },
    { "with a port", "203.0.113.0/24", "203.0.113.9:443", FALSE },
    { "octal", "10.0.0.0/8", "012.0.0.1", FALSE },
    { "short", "10.0.0.0/8", "10.1", FALSE },
    { "empty", "0.0.0.0/0", "", FALSE },
};

static const char *const not_networks[] = {
    "", "acme", "203.0.113.0/33", "203.0.113.0/-1", "203.0.113.0/", "203.0.113.0/+8", "203.0.113.0/ 8", "203.0.113.1/24",
    "2001:db8::/129", "2001:db8::1/32", "203.0.113.0/24/24", "203.0.113/24", "0.0.0.0/0x0",
};

static const struct {
    const char *name, *hours, *at;
    gboolean want;
    const char *there;
} hours[] = {
    { "first minute", "{ days: mon-fri, between: \"07:00-19:00\", zone: Europe/Berlin }", "2026-11-30T06:00:00Z", TRUE, "Mon 07:00" },
    { "the minute before", "{ days: mon-fri, between: \"07:00-19:00\", zone: Europe/Berlin }", "2026-11-30T05:59:59Z", FALSE, "Mon 06:59" },
    { "last second", "{ days: mon-fri, between: \"07:00-19:00\", zone: Europe/Berlin }", "2026-11-30T17:59:59Z", TRUE, "Mon 18:59" },
    { "the end is not included", "{ days: mon-fri, between: \"07:00-19:00\", zone: Europe/Berlin }", "2026-11-30T18:00:00Z", FALSE, "Mon 19:00" },
    { "summer time", "{ days: mon-fri, between: \"07:00-19:00\", zone: Europe/Berlin }", "2026-07-06T05:00:00Z", TRUE, "Mon 07:00" },
    { "the night clocks go forward", "{ between: \"02:00-03:00\", zone: Europe/Berlin }", "2026-03-29T01:00:00Z", FALSE, "Sun 03:00" },
    { "the night clocks go back, first time", "{ between: \"02:00-03:00\", zone: Europe/Berlin }", "2026-10-25T00:30:00Z", TRUE, "Sun 02:30" },
    { "the night clocks go back, second time", "{ between: \"02:00-03:00\", zone: Europe/Berlin }", "2026-10-25T01:30:00Z", TRUE, "Sun 02:30" },
    { "Saturday", "{ days: mon-fri, zone: UTC }", "2026-11-28T12:00:00Z", FALSE, "Sat 12:00" },
    { "Sunday there, Monday here", "{ days: sun, zone: America/New_York }", "2026-11-30T03:00:00Z", TRUE, "Sun 22:00" },
    { "over midnight, evening", "{ days: fri, between: \"22:00-06:00\", zone: UTC }", "2026-11-27T23:00:00Z", TRUE, "Fri 23:00" },
    { "over midnight, morning after", "{ days: fri, between: \"22:00-06:00\", zone: UTC }", "2026-11-28T05:59:00Z", TRUE, "Sat 05:59" },
    { "over midnight, morning end", "{ days: fri, between: \"22:00-06:00\", zone: UTC }", "2026-11-28T06:00:00Z", FALSE, "Sat 06:00" },
    { "over midnight, that morning", "{ days: fri, between: \"22:00-06:00\", zone: UTC }", "2026-11-27T05:00:00Z", FALSE, "Fri 05:00" },
    { "over midnight, Sunday to Monday", "{ days: sun, between: \"22:00-06:00\", zone: UTC }", "2026-11-30T01:00:00Z", TRUE, "Mon 01:00" },
    { "until 24:00", "{ between: \"12:00-24:00\", zone: UTC }", "2026-11-30T23:59:59Z", TRUE, "Mon 23:59" },
    { "days over the weekend", "{ days: fri-mon, zone: UTC }", "2026-11-29T12:00:00Z", TRUE, "Sun 12:00" },
    { "not among them", "{ days: fri-mon, zone: UTC }", "2026-12-01T12:00:00Z", FALSE, "Tue 12:00" },
    { "a list of days", "{ days: [mon, Wed], zone: UTC }", "2026-12-02T12:00:00Z", TRUE, "Wed 12:00" },
};

static const struct {
    const char *hours, *words;
} words[] = {
    { "{ days: mon-fri, between: \"07:00-19:00\", zone: Europe/Berlin }", "Mon-Fri 07:00-19:00 Europe/Berlin" },
    { "{ days: [mon, wed], between: \"22:00-06:00\", zone: UTC }", "Mon, Wed 22:00-06:00 UTC" },
    { "{ between: \"07:00-19:00\", zone: UTC }", "07:00-19:00 UTC" },
    { "{ days: fri-mon, zone: UTC }", "Mon, Fri-Sun 00:00-24:00 UTC" },
};
/* clang-format on */

static void
network_has(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(networks); i++) {
        RbNetwork network;
        const char *wrong = rb_network_parse(networks[i].network, &network);
        if (wrong != NULL || rb_networks_hold(&network, 1, networks[i].address) != networks[i].want)
            fail_msg("%s: %s", networks[i].name, wrong == NULL ? "" : wrong);
    }
}

static void
network_refuses(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(not_networks); i++) {
        RbNetwork network;
        if (rb_network_parse(not_networks[i], &network) == NULL)
            fail_msg("'%s' was taken for a network", not_networks[i]);
    }
}

static void
read_hours(const char *text, RbHours *out, char **in_words)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbYamlDocument) document = rb_yaml_parse("h.yaml", bytes, problems);

    assert_non_null(document);
    assert_true(rb_hours_read(rb_yaml_root(document), out, in_words, problems));
}

static void
hours_hold(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(hours); i++) {
        RbHours h;
        g_autofree char *in_words = NULL, *there = NULL;
        gint64 at;
        gboolean got;

        read_hours(hours[i].hours, &h, &in_words);
        assert_true(rb_time_parse(hours[i].at, &at));
        got = rb_hours_hold(&h, at, &there);
        g_time_zone_unref(h.zone);
        if (got != hours[i].want || strcmp(there, hours[i].there) != 0)
            fail_msg("%s: %s", hours[i].name, there);
    }
}

static void
hours_in_words(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        RbHours h;
        g_autofree char *in_words = NULL;

        read_hours(words[i].hours, &h, &in_words);
        g_time_zone_unref(h.zone);
        assert_string_equal(in_words, words[i].words);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network_has),
        cmocka_unit_test(network_refuses),
        cmocka_unit_test(hours_hold),
        cmocka_unit_test(hours_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
