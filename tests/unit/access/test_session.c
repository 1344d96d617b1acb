#include "fixture.h"

#include "access/limits.h"

static void
knows_a_session(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autofree char *handle = rb_text_handle(cookie);
    g_autofree char *long_text = g_strnfill(RB_TOKEN_TEXT_MAX + 1, 'a');
    const struct {
        const char *name, *token;
        RbRefusalCode want;
    } rows[] = {
        { "the cookie", cookie, RB_ACCEPTED },
        { "none", NULL, RB_SESSION_MISSING },
        { "empty", "", RB_SESSION_MISSING },
        { "too long to be ours", long_text, RB_SESSION_MISSING },
        { "unknown", "AAAA", RB_SESSION_EXPIRED },
        { "the handle instead of the cookie", handle, RB_SESSION_EXPIRED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (session_code(f, rows[i].token) != rows[i].want)
            fail_msg("%s: not as wanted", rows[i].name);
    assert_int_equal(audited(f, "refusal", NULL), 0); /* nothing ended: the caller may offer to sign in */
}

static void
ends_when_not_used(void **state)
{
    Fixture *f = *state;
    g_autofree char *used = sign_in(f), *left = sign_in(f);

    for (int i = 0; i < 5; i++) {
        f->now += 3000;
        assert_int_equal(session_code(f, used), RB_ACCEPTED);
    }
    assert_int_equal(session_code(f, left), RB_SESSION_EXPIRED);
    f->now += 3599 - RB_SEEN_EVERY_S; /* use is written down once a minute */
    assert_int_equal(session_code(f, used), RB_ACCEPTED);
    f->now += 3600;
    assert_int_equal(session_code(f, used), RB_SESSION_EXPIRED);
}

static void
ends_for_good(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);

    for (int i = 0; i < 16; i++) {
        f->now += 1799;
        assert_int_equal(session_code(f, cookie), RB_ACCEPTED);
    }
    f->now = NOW + 8 * 3600;
    assert_int_equal(session_code(f, cookie), RB_SESSION_EXPIRED);
}

static void
survives_a_restart(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSignedIn) again = NULL;

    fixture_close(f);
    fixture_open(f, rb_store_open(f->uri, &error));
    assert_int_equal(session_code(f, cookie), RB_ACCEPTED);
}

static void
replay_survives_a_restart(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSignedIn) first = sign_in_at(f, "corp", "a-1|alice|once|ds|-|-|-", NULL, &error),
                          again = NULL;

    assert_non_null(first);
    fixture_close(f);
    fixture_open(f, rb_store_open(f->uri, &error));
    again = sign_in_at(f, "corp", "a-1|alice|once|ds|-|-|-", NULL, &error);
    expect_code("after a restart", error, RB_SAML_REPLAYED);
}

static void
limits_tries(void **state)
{
    g_autoptr(RbLimits) limits = rb_limits_new(4);
    const RbLimit limit = { "try", 3, 2000 };

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(rb_limits_take(limits, &limit, "a", NOW));
    assert_false(rb_limits_take(limits, &limit, "a", NOW));
    assert_true(rb_limits_take(limits, &limit, "b", NOW));
    assert_false(rb_limits_take(limits, &limit, "a", NOW + 1));
    assert_true(rb_limits_take(limits, &limit, "a", NOW + 2));
    assert_false(rb_limits_take(limits, &limit, "a", NOW + 2));
    assert_false(rb_limits_take(limits, &limit, "a", NOW - 100)); /* a clock set back gives nothing */
    assert_true(rb_limits_take_address(limits, &limit, "2001:db8::1", NOW));
    assert_true(rb_limits_take_address(limits, &limit, "2001:db8::2", NOW));
    assert_true(rb_limits_take_address(limits, &limit, "2001:db8:0:0:ffff::3", NOW));
    assert_false(rb_limits_take_address(limits, &limit, "2001:db8::4", NOW)); /* one /64 is one client */
}

static void
limits_are_bounded(void **state)
{
    g_autoptr(RbLimits) limits = rb_limits_new(4);
    const RbLimit limit = { "try", 1, 10000 };
    guint passed = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        g_autofree char *key = g_strdup_printf("%d", i);
        passed += rb_limits_take(limits, &limit, key, NOW) ? 1 : 0;
    }
    assert_int_equal(passed, 5); /* four of their own, and one for all the others */
    assert_true(rb_limits_take(limits, &limit, "later", NOW + 10));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(knows_a_session),
        TEST(ends_when_not_used),
        TEST(ends_for_good),
        TEST(survives_a_restart),
        TEST(replay_survives_a_restart),
        cmocka_unit_test(limits_tries),
        cmocka_unit_test(limits_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
