#include "fixture.h"

#include <time.h>

static RbClient *
register_client(Fixture *f)
{
    RbClient *client = rb_access_register(f->access, next_visit(f), "botocore-client-corp", NULL, NULL, NULL);

    assert_non_null(client);
    return client;
}

static RbDevice *
start(Fixture *f, const RbClient *client)
{
    g_autoptr(GError) error = NULL;
    RbDevice *device =
        rb_access_device_start(f->access, next_visit(f), client->id, rb_secret_reveal(client->secret),
                               "https://corp.awsapps.com/start", &error);

    if (device == NULL)
        fail_msg("%s", error->message);
    return device;
}

static RbTokens *
poll(Fixture *f, const RbClient *client, const RbDevice *device, GError **error)
{
    const RbTokenAsk ask = {
        .grant_type = "urn:ietf:params:oauth:grant-type:device_code",
        .client_id = client->id,
        .client_secret = rb_secret_reveal(client->secret),
        .device_code = rb_secret_reveal(device->device_code),
    };

    return rb_access_token(f->access, next_visit(f), &ask, error);
}

static void
expect_poll(Fixture *f, const char *name, const RbClient *client, const RbDevice *device, RbRefusalCode want)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbTokens) tokens = poll(f, client, device, &error);

    expect_code(name, error, want);
}

static gboolean
answer(Fixture *f, const char *cookie, const char *code, gboolean allow, GError **error)
{
    g_autoptr(RbSession) session = session_of(f, cookie);

    return rb_access_device_answer(f->access, next_visit(f), session, code, allow, error);
}

static void
lets_a_device_in(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbClient) client = register_client(f);
    g_autoptr(RbDevice) device = start(f, client);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbDeviceAsk) ask = NULL;
    g_autoptr(RbTokens) tokens = NULL;

    assert_int_equal(strspn(device->user_code, "BCDFGHJKLMNPQRSTVWXZ-"), 9);
    assert_int_equal(device->user_code[4], '-');
    expect_poll(f, "first poll", client, device, RB_SSO_PENDING);
    expect_poll(f, "second, at once", client, device, RB_SSO_PENDING);
    ask = rb_access_device_ask(f->access, next_visit(f), device->user_code, &error);
    assert_string_equal(ask->client, "botocore-client-corp");
    assert_string_equal(ask->source_ip, "203.0.113.7");
    assert_int_equal(ask->expires_at, NOW + 600);
    assert_true(answer(f, cookie, device->user_code, TRUE, &error));
    f->now += 1;
    tokens = poll(f, client, device, &error);
    if (tokens == NULL)
        fail_msg("%s", error->message);
    assert_int_equal(session_code(f, rb_secret_reveal(tokens->access_token)), RB_ACCEPTED);
    f->now += 1;
    expect_poll(f, "again", client, device, RB_SSO_INVALID_GRANT);
}

static void
reads_codes_as_people_type_them(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbClient) client = register_client(f);
    g_autoptr(RbDevice) device = start(f, client);
    g_autofree char *lower = g_ascii_strdown(device->user_code, -1);
    g_autofree char *joined = g_strdup_printf("%.4s%s", device->user_code, device->user_code + 5);
    g_autofree char *spaced = g_strdup_printf(" %.4s %s ", device->user_code, device->user_code + 5);
    g_autofree char *shorter = g_strndup(device->user_code, 8);
    g_autofree char *longer = g_strconcat(device->user_code, "B", NULL);
    const struct {
        const char *name, *code;
        RbRefusalCode want;
    } rows[] = {
        { "small letters", lower, RB_ACCEPTED },     { "no hyphen", joined, RB_ACCEPTED },
        { "with spaces", spaced, RB_ACCEPTED },      { "too short", shorter, RB_SSO_UNKNOWN_CODE },
        { "too long", longer, RB_SSO_UNKNOWN_CODE }, { "none", NULL, RB_SSO_UNKNOWN_CODE },
        { "empty", "", RB_SSO_UNKNOWN_CODE },        { "other letters", "AEIO-UAEI", RB_SSO_UNKNOWN_CODE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbDeviceAsk) ask = rb_access_device_ask(f->access, next_visit(f), rows[i].code, &error);
        if (rows[i].want != RB_ACCEPTED)
            expect_code(rows[i].name, error, rows[i].want);
        else if (ask == NULL)
            fail_msg("%s: %s", rows[i].name, error->message);
    }
}

static void
counts_guesses(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    guint n = 0;

    while (n < 100 && (error == NULL || rb_is_refusal(error, RB_SSO_UNKNOWN_CODE))) {
        g_autoptr(RbDeviceAsk) ask = NULL;
        g_clear_error(&error);
        ask = rb_access_device_ask(f->access, next_visit(f), "BBBB-BBBB", &error);
        n++;
    }
    expect_code("guessing", error, RB_REQUEST_TOO_MANY);
    assert_int_equal(n, 21);
}

static void
slows_polling_down(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbClient) client = register_client(f);
    g_autoptr(RbDevice) device = start(f, client);

    for (int i = 0; i < 3; i++)
        expect_poll(f, "burst", client, device, RB_SSO_PENDING);
    expect_poll(f, "too often", client, device, RB_SSO_SLOW_DOWN);
    for (int i = 0; i < 30; i++) {
        f->now += 1;
        expect_poll(f, "each second", client, device, RB_SSO_PENDING);
    }
    assert_int_equal(audited(f, "refusal", NULL), 0); /* waiting is no refusal worth keeping */
}

static void
tells_how_it_ended(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbClient) client = register_client(f), other = register_client(f);
    g_autoptr(RbDevice) denied = start(f, client), late = start(f, client), gone = start(f, client);
    g_autoptr(GError) error = NULL;

    expect_poll(f, "another client", other, denied, RB_SSO_INVALID_GRANT);
    assert_true(answer(f, cookie, denied->user_code, FALSE, &error));
    assert_false(answer(f, cookie, denied->user_code, TRUE, &error));
    expect_code("a second answer", error, RB_SSO_UNKNOWN_CODE);
    g_clear_error(&error);
    expect_poll(f, "denied", client, denied, RB_SSO_DENIED);
    assert_true(answer(f, cookie, gone->user_code, TRUE, &error));
    {
        g_autoptr(RbSession) session = session_of(f, cookie);
        assert_true(rb_access_sign_out(f->access, next_visit(f), session, NULL, &error));
    }
    expect_poll(f, "signed out in between", client, gone, RB_SSO_INVALID_GRANT);
    f->now += RB_DEVICE_S - 1;
    expect_poll(f, "the last second", client, late, RB_SSO_PENDING);
    f->now += 1;
    expect_poll(f, "too late", client, late, RB_SSO_EXPIRED);
    f->now += RB_DEVICE_TOLD_S;
    expect_poll(f, "long ago", client, late, RB_SSO_INVALID_GRANT);
}

static void
starts_for_known_clients(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbClient) client = register_client(f);
    const char *secret = rb_secret_reveal(client->secret);
    const struct {
        const char *name, *id, *secret, *url;
        gint64 later;
        RbRefusalCode want;
    } rows[] = {
        { "another secret", client->id, "no", "https://x/start", 0, RB_SSO_INVALID_CLIENT },
        { "no secret", client->id, NULL, "https://x/start", 0, RB_SSO_INVALID_CLIENT },
        { "no client", NULL, secret, "https://x/start", 0, RB_SSO_INVALID_CLIENT },
        { "no start URL", client->id, secret, NULL, 0, RB_SSO_INVALID_REQUEST },
        { "after its registration ended", client->id, secret, "https://x/start", RB_CLIENT_S,
          RB_SSO_INVALID_CLIENT },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbDevice) device = NULL;
        f->now += rows[i].later;
        device =
            rb_access_device_start(f->access, next_visit(f), rows[i].id, rows[i].secret, rows[i].url, &error);
        expect_code(rows[i].name, error, rows[i].want);
    }
}

/* Whoever has many addresses fills the counts of strangers: those of people, devices and tokens are others.
 */
static void
knows_people_in_a_crowd(void **state)
{
    static const RbLimit any = { "register", 500, 10000 };
    Fixture *f = *state;
    g_autoptr(RbClient) client = register_client(f);
    clock_t before = clock();

    for (guint i = 0; i < 40000; i++) {
        g_autofree char *address = g_strdup_printf("2001:db8:1:%x::1", i);
        (void)rb_limits_take_address(f->access->limits, &any, address, f->now);
    }
    if (clock() - before > 2 * CLOCKS_PER_SEC) /* a look at all of them for each newcomer takes much longer */
        fail_msg("%.1f s", (double)(clock() - before) / CLOCKS_PER_SEC);
    for (guint i = 0; i < 10; i++) {
        g_autoptr(RbDevice) device = start(f, client);
        expect_poll(f, "each for the first time", client, device, RB_SSO_PENDING);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(lets_a_device_in),         TEST(reads_codes_as_people_type_them), TEST(counts_guesses),
        TEST(slows_polling_down),       TEST(knows_people_in_a_crowd),         TEST(tells_how_it_ended),
        TEST(starts_for_known_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
