#include "fixture.h"

static char *
sign_in_with(Fixture *f, const char *provider, const char *answer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSignedIn) signed_in = sign_in_at(f, provider, answer, NULL, &error);

    if (signed_in == NULL)
        fail_msg("%s: %s", answer, error->message);
    return g_strdup(rb_secret_reveal(signed_in->session));
}

static char *
message(Fixture *f, const char *provider, const char *field, const char *text, GError **error)
{
    g_autoptr(GHashTable) fields = fields_new(field, text, NULL);
    const RbInbound inbound = { .method = "GET", .fields = fields };

    return rb_access_logout_message(f->access, next_visit(f), provider, &inbound, error);
}

static void
signs_out(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbSession) session = session_of(f, cookie);
    g_autoptr(GError) error = NULL;
    g_autofree char *url = NULL, *back = NULL, *again = NULL;

    assert_true(rb_access_sign_out(f->access, next_visit(f), session, &url, &error));
    assert_int_equal(session_code(f, cookie), RB_SESSION_EXPIRED);
    assert_non_null(url);
    assert_int_equal(audited(f, "sign-out", NULL), 1);
    back = message(f, "corp", "SAMLResponse", "logout-of-alice|yes", &error);
    assert_string_equal(back, "/logout");
    again = message(f, "corp", "SAMLResponse", "logout-of-alice|yes", &error);
    expect_code("an answer a second time", error, RB_SIGN_IN_UNKNOWN);
}

static void
signs_out_though_the_idp_cannot(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbSession) session = session_of(f, cookie);
    g_autoptr(GError) error = NULL;
    g_autofree char *url = NULL;

    rb_double_provider_failure.fail_at = rb_double_provider_failure.calls + 1;
    assert_true(rb_access_sign_out(f->access, next_visit(f), session, &url, &error));
    assert_null(url);
    assert_int_equal(session_code(f, cookie), RB_SESSION_EXPIRED);
}

static void
refuses_strange_answers(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbSession) session = session_of(f, cookie);
    g_autofree char *url = NULL;
    static const struct {
        const char *name, *provider, *answer;
        RbRefusalCode want;
    } rows[] = {
        { "to nothing asked", "corp", "other|yes", RB_SIGN_IN_UNKNOWN },
        { "from another provider", "partner", "logout-of-alice|yes", RB_SIGN_IN_UNKNOWN },
        { "from nobody", "nobody", "logout-of-alice|yes", RB_SIGN_IN_NO_PROVIDER },
    };

    assert_true(rb_access_sign_out(f->access, next_visit(f), session, &url, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *to = message(f, rows[i].provider, "SAMLResponse", rows[i].answer, &error);
        expect_code(rows[i].name, error, rows[i].want);
    }
}

/* Who is signed in, and which of them (bits) an IdP's logout ends. */
static const char *const people[][2] = {
    { "corp", "a-1|alice|w1|ds|-|-|i1" },   /* 1 */
    { "corp", "a-1|alice|w2|ds|-|-|i2" },   /* 2: another browser */
    { "corp", "a-2|adam|w3|ds|-|-|i1" },    /* 4: another subject, an index of the same text */
    { "branch", "a-1|alice|w4|ds|-|-|i1" }, /* 8: another provider */
};
static const struct {
    const char *name, *request;
    guint ends;
} logouts[] = {
    { "one session", "m1|a-1|i1", 1 },        { "both by index", "m2|a-1|i1,i2", 3 },
    { "all of a subject", "m3|a-1|", 3 },     { "an index nobody has", "m4|a-1|i9", 0 },
    { "a subject nobody has", "m5|a-9|", 0 }, { "an index alone", "m6||i1", 5 },
    { "another index alone", "m7||i2", 2 },   { "an index alone that nobody has", "m8||i9", 0 },
};

static void
obeys_the_idp(void **state)
{
    Fixture *first = *state;

    (void)first;
    for (gsize i = 0; i < G_N_ELEMENTS(logouts); i++) {
        void *inner;
        Fixture *f;
        char *cookies[G_N_ELEMENTS(people)];
        g_autoptr(GError) error = NULL;
        g_autofree char *reply = NULL;
        guint ended = 0;
        assert_int_equal(fixture_setup(&inner), 0);
        f = inner;
        for (gsize p = 0; p < G_N_ELEMENTS(people); p++)
            cookies[p] = sign_in_with(f, people[p][0], people[p][1]);
        reply = message(f, "corp", "SAMLRequest", logouts[i].request, &error);
        if (reply == NULL)
            fail_msg("%s: %s", logouts[i].name, error->message);
        for (gsize p = 0; p < G_N_ELEMENTS(people); p++) {
            ended |= session_code(f, cookies[p]) == RB_ACCEPTED ? 0 : 1U << p;
            g_free(cookies[p]);
        }
        if (ended != logouts[i].ends)
            fail_msg("%s: ended %u, want %u", logouts[i].name, ended, logouts[i].ends);
        assert_int_equal(audited(f, "sign-out", NULL), 1);
        (void)fixture_teardown(&inner);
    }
}

/* Whoever signs in often cannot outgrow what one commit ends. */
static void
ends_any_number_of_sign_ins(void **state)
{
    enum { MANY = 450 };
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) cookies = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *reply = NULL, *other = sign_in_with(f, "corp", "b-1|bob|bob|ds|-|-|i1");

    for (guint i = 0; i < MANY; i++) {
        g_autofree char *answer = g_strdup_printf("a-1|alice|many-%u|ds|-|-|i%u", i, i);
        g_ptr_array_add(cookies, sign_in_with(f, "corp", answer));
    }
    reply = message(f, "corp", "SAMLRequest", "m|a-1|", &error);
    if (reply == NULL)
        fail_msg("not signed out: %s", error->message);
    for (guint i = 0; i < MANY; i++)
        assert_int_equal(session_code(f, g_ptr_array_index(cookies, i)), RB_SESSION_EXPIRED);
    assert_int_equal(session_code(f, other), RB_ACCEPTED);
    assert_int_equal(audited(f, "sign-out", NULL), 1);
}

static void
takes_a_logout_once(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *cookie = sign_in_with(f, "corp", "a-1|alice|o1|ds|-|-|i1"), *later = NULL;
    g_autofree char *reply = message(f, "corp", "SAMLRequest", "m|a-1|", &error), *again = NULL;

    assert_non_null(reply);
    later = sign_in_with(f, "corp", "a-1|alice|o2|ds|-|-|i2");
    again = message(f, "corp", "SAMLRequest", "m|a-1|", &error);
    expect_code("replayed", error, RB_SAML_REPLAYED);
    assert_int_equal(session_code(f, later), RB_ACCEPTED);
}

/* The same of an OpenID Connect issuer has its own name. */
static void
takes_a_logout_token_once(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *reply = message(f, "branch", "SAMLRequest", "m|a-1|", &error), *again = NULL;

    assert_non_null(reply);
    again = message(f, "branch", "SAMLRequest", "m|a-1|", &error);
    assert_null(again);
    expect_code("replayed", error, RB_JWT_REPLAYED);
}

/* The sessions that a client got from a sign-in end with it: in the portal, CLI and AWS-native tokens alike.
 */
static void
an_index_ends_a_family_that_stepped_up(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *first = sign_in_with(f, "branch", "a-1|alice|s1|ds|-|-|i1"), *second = NULL,
                    *reply = NULL;
    g_autoptr(RbSignedIn) stepped = sign_in_at(f, "branch", "a-1|alice|s2|ds|mfa|-|i2", first, &error);

    assert_non_null(stepped);
    second = g_strdup(rb_secret_reveal(stepped->session));
    reply = message(f, "branch", "SAMLRequest", "m||i1", &error); /* the session before the second factor */
    assert_non_null(reply);
    assert_int_equal(session_code(f, second), RB_SESSION_EXPIRED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(signs_out),
        TEST(signs_out_though_the_idp_cannot),
        TEST(refuses_strange_answers),
        TEST(obeys_the_idp),
        TEST(ends_any_number_of_sign_ins),
        TEST(takes_a_logout_once),
        TEST(takes_a_logout_token_once),
        TEST(an_index_ends_a_family_that_stepped_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
