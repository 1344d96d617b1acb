#include "fixture.h"

static void
signs_in(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbSession) session = session_of(f, cookie);
    g_autofree char *incident = audited_text(f, "sign-in", "incident");
    g_autofree char *key = audited_text(f, "sign-in", "session");

    assert_string_equal(session->identity->name, "alice");
    assert_null(session->client);
    assert_int_equal(session->expires_at, NOW + 8 * 3600);
    assert_string_equal(session->key, key);
    assert_int_equal(audited(f, "sign-in", NULL), 1);
    assert_int_equal(strlen(incident), 9);
    assert_int_equal(rb_access_counts(f->access).sign_ins, 1);
    assert_null(strstr(key, cookie)); /* stored and shown by its handle */
}

static void
ends_with_the_idps_session(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *answer = g_strdup_printf("a-1|alice|p|ds|-|%d|-", NOW + 600);
    g_autoptr(RbSignedIn) signed_in = sign_in_at(f, "corp", answer, NULL, &error);

    assert_non_null(signed_in);
    assert_int_equal(signed_in->expires_at, NOW + 600);
    assert_string_equal(signed_in->next, "/roles");
    f->now = NOW + 599;
    assert_int_equal(session_code(f, rb_secret_reveal(signed_in->session)), RB_ACCEPTED);
    f->now = NOW + 600;
    assert_int_equal(session_code(f, rb_secret_reveal(signed_in->session)), RB_SESSION_EXPIRED);
}

static const struct {
    const char *name, *next;
    RbRefusalCode want;
} nexts[] = {
    { "none", NULL, RB_ACCEPTED },
    { "a page", "/console?account=1&role=x", RB_ACCEPTED },
    { "the start", "/", RB_ACCEPTED },
    { "empty", "", RB_REQUEST_MALFORMED },
    { "another site", "https://evil.example/", RB_REQUEST_MALFORMED },
    { "another host, scheme left out", "//evil.example/", RB_REQUEST_MALFORMED },
    { "a backslash that browsers take for a slash", "/\\evil.example/", RB_REQUEST_MALFORMED },
    { "a backslash further on", "/a\\b", RB_REQUEST_MALFORMED },
    { "a tab that browsers drop", "/\t/evil.example", RB_REQUEST_MALFORMED },
    { "a line break", "/a\r\nLocation: https://evil.example/", RB_REQUEST_MALFORMED },
    { "relative", "roles", RB_REQUEST_MALFORMED },
    { "not UTF-8", "/\xff", RB_REQUEST_MALFORMED },
};

static void
checks_next(void **state)
{
    Fixture *f = *state;
    g_autofree char *longest = g_strnfill(RB_NEXT_MAX, '/'), *too_long = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(nexts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbBegun) begun =
            rb_access_begin(f->access, next_visit(f), "corp", NULL, NULL, nexts[i].next, FALSE, &error);
        if (nexts[i].want != RB_ACCEPTED)
            expect_code(nexts[i].name, error, nexts[i].want);
        else if (begun == NULL)
            fail_msg("%s: %s", nexts[i].name, error->message);
    }
    memset(longest + 1, 'a', RB_NEXT_MAX - 1);
    too_long = g_strconcat(longest, "a", NULL);
    for (int over = 0; over < 2; over++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbBegun) begun = rb_access_begin(f->access, next_visit(f), "corp", NULL, NULL,
                                                   over ? too_long : longest, FALSE, &error);
        assert_int_equal(begun == NULL, over);
    }
}

static void
knows_its_providers(void **state)
{
    Fixture *f = *state;
    const char *const wrong[] = { "nobody", "ci", "" };

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbBegun) begun =
            rb_access_begin(f->access, next_visit(f), wrong[i], NULL, NULL, NULL, FALSE, &error);
        expect_code(wrong[i], error, RB_SIGN_IN_NO_PROVIDER);
    }
    assert_int_equal(audited(f, "refusal", "signin.no_provider"), G_N_ELEMENTS(wrong));
}

/* ---- the way back ---- */

static char *
relay_of(const RbBegun *begun)
{
    char *relay = g_strdup(strstr(begun->url, "RelayState=") + strlen("RelayState="));

    *strchr(relay, '&') = '\0';
    return relay;
}

static RbSignedIn *
finish(Fixture *f, const char *provider, const char *relay, const char *answer, const char *browser,
       GError **error)
{
    g_autoptr(GHashTable) fields = fields_new("SAMLResponse", answer, NULL);
    const RbInbound inbound = { .method = "POST", .fields = fields };

    if (relay != NULL)
        g_hash_table_insert(fields, g_strdup("RelayState"), g_strdup(relay));
    return rb_access_finish(f->access, next_visit(f), provider, &inbound, browser, NULL, error);
}

static const char good[] = "a-1|alice|proof|ds|-|-|-";

/* @provider answers to a sign-in begun at corp, after @later s; @browser: its cookie, another, or none. */
static const struct {
    const char *name, *provider, *browser;
    gint64 later;
    RbRefusalCode want;
} answers[] = {
    { "as it should be", "corp", "own", 0, RB_ACCEPTED },
    { "in the last second", "corp", "own", RB_SIGN_IN_S - 1, RB_ACCEPTED },
    { "too late", "corp", "own", RB_SIGN_IN_S, RB_SIGN_IN_UNKNOWN },
    { "without a cookie", "corp", NULL, 0, RB_SIGN_IN_UNKNOWN },
    { "in another browser", "corp", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE", 0, RB_SIGN_IN_UNKNOWN },
    { "from another provider of the same realm", "branch", "own", 0, RB_SIGN_IN_UNKNOWN },
    { "from another provider", "partner", "own", 0, RB_SIGN_IN_UNKNOWN },
    { "from a provider that is not there", "nobody", "own", 0, RB_SIGN_IN_NO_PROVIDER },
};

static void
binds_answer_to_transaction(void **state)
{
    Fixture *f = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbBegun) begun =
            rb_access_begin(f->access, next_visit(f), "corp", NULL, NULL, NULL, TRUE, &error);
        g_autofree char *relay = relay_of(begun);
        g_autofree char *answer = g_strdup_printf("a-1|alice|proof-%zu|ds|-|-|-", i);
        const char *browser =
            g_strcmp0(answers[i].browser, "own") == 0 ? rb_secret_reveal(begun->browser) : answers[i].browser;
        g_autoptr(RbSignedIn) signed_in = NULL;
        f->now += answers[i].later;
        signed_in = finish(f, answers[i].provider, relay, answer, browser, &error);
        if (answers[i].want != RB_ACCEPTED)
            expect_code(answers[i].name, error, answers[i].want);
        else if (signed_in == NULL)
            fail_msg("%s: %s", answers[i].name, error->message);
        assert_non_null(strstr(begun->url, "mfa=1"));
    }
}

static void
uses_a_sign_in_up(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(RbBegun) begun =
        rb_access_begin(f->access, next_visit(f), "corp", NULL, NULL, NULL, FALSE, &error);
    g_autofree char *relay = relay_of(begun);
    const char *browser = rb_secret_reveal(begun->browser);
    g_autoptr(RbSignedIn) forged = finish(f, "corp", relay, "forged", browser, &error);
    g_autoptr(RbSignedIn) first = NULL, second = NULL;

    expect_code("forged", error, RB_SAML_SIGNATURE_INVALID);
    g_clear_error(&error);
    first = finish(f, "corp", relay, good, browser, &error);
    assert_non_null(first); /* what somebody else posted did not use it up */
    second = finish(f, "corp", relay, "a-1|alice|proof-2|ds|-|-|-", browser, &error);
    expect_code("again", error, RB_SIGN_IN_UNKNOWN);
}

static void
takes_a_proof_once(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSignedIn) first = sign_in_at(f, "corp", good, NULL, &error);
    g_autoptr(RbSignedIn) second = NULL;

    assert_non_null(first);
    second = sign_in_at(f, "corp", good, NULL, &error);
    expect_code("replayed", error, RB_SAML_REPLAYED);
    assert_int_equal(audited(f, "refusal", "saml.replayed"), 1);
    assert_int_equal(audited(f, "sign-in", NULL), 1);
}

static void
lets_the_provider_decide_who_may_start(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSignedIn) refused = finish(f, "corp", "https://bridge/", good, NULL, &error);
    g_autoptr(RbSignedIn) allowed = NULL;

    expect_code("not allowed to start", error, RB_SAML_SIGNATURE_INVALID);
    g_clear_error(&error);
    allowed = finish(f, "partner", NULL, good, NULL, &error);
    assert_non_null(allowed);
    assert_string_equal(allowed->next, "/");
}

static void
gives_a_name_to_one_realm(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *name, *provider, *answer;
        RbRefusalCode want;
    } claims[] = {
        { "first", "corp", "a-1|alice|n1|ds|-|-|-", RB_ACCEPTED },
        { "the same realm", "branch", "b-9|alice|n2|ds|-|-|-", RB_ACCEPTED },
        { "another realm", "partner", "p-1|alice|n3|ds|-|-|-", RB_IDENTITY_NAME_TAKEN },
        { "another realm, other case", "partner", "p-1|ALICE|n4|ds|-|-|-", RB_IDENTITY_NAME_TAKEN },
        { "another name", "partner", "p-1|alice.p|n5|ds|-|-|-", RB_ACCEPTED },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(claims); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbSignedIn) signed_in = sign_in_at(f, claims[i].provider, claims[i].answer, NULL, &error);
        if (claims[i].want != RB_ACCEPTED)
            expect_code(claims[i].name, error, claims[i].want);
        else if (signed_in == NULL)
            fail_msg("%s: %s", claims[i].name, error->message);
    }
    f->now += RB_NAME_S; /* nobody of that name came for more than a year */
    {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbSignedIn) late = sign_in_at(f, "partner", "p-1|alice|n6|ds|-|-|-", NULL, &error);
        assert_non_null(late);
    }
}

static void
keeps_the_cookie_of_a_second_tab(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(RbBegun) first =
        rb_access_begin(f->access, next_visit(f), "corp", NULL, NULL, "/one", FALSE, &error);
    g_autoptr(RbBegun) second = rb_access_begin(
        f->access, next_visit(f), "corp", rb_secret_reveal(first->browser), NULL, "/two", FALSE, &error);
    g_autoptr(RbBegun) odd =
        rb_access_begin(f->access, next_visit(f), "corp", "chosen", NULL, NULL, FALSE, &error);
    g_autofree char *relay = relay_of(first);
    g_autoptr(RbSignedIn) signed_in = NULL;

    assert_string_equal(rb_secret_reveal(first->browser), rb_secret_reveal(second->browser));
    assert_string_not_equal(rb_secret_reveal(odd->browser), "chosen");
    signed_in = finish(f, "corp", relay, good, rb_secret_reveal(second->browser), &error);
    assert_non_null(signed_in);
    assert_string_equal(signed_in->next, "/one");
}

static void
renews_the_session(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbSession) before = session_of(f, cookie), after = NULL, other = NULL;
    g_autoptr(RbSignedIn) again = sign_in_at(f, "corp", "a-1|alice|r1|ds|mfa|-|index-2", cookie, &error);
    g_autoptr(RbSignedIn) stranger = NULL;

    assert_int_equal(session_code(f, cookie), RB_SESSION_EXPIRED);
    after = session_of(f, rb_secret_reveal(again->session));
    assert_string_equal(before->family, after->family);
    stranger = sign_in_at(f, "corp", "b-1|bob|r2|ds|-|-|-", rb_secret_reveal(again->session), &error);
    assert_int_equal(session_code(f, rb_secret_reveal(again->session)), RB_SESSION_EXPIRED);
    other = session_of(f, rb_secret_reveal(stranger->session));
    assert_string_not_equal(after->family, other->family);
}

/* The IdP's form is sent from another site, and SameSite=Lax keeps the session cookie out of it: the session
 * is the one that the browser had when it went there. */
static void
renews_the_session_across_sites(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbSession) before = session_of(f, cookie), after = NULL;
    g_autoptr(RbBegun) begun =
        rb_access_begin(f->access, next_visit(f), "corp", NULL, cookie, NULL, TRUE, &error);
    g_autofree char *relay = relay_of(begun);
    g_autoptr(RbSignedIn) again = finish(f, "corp", relay, "a-1|alice|across|ds|mfa|-|index-2",
                                         rb_secret_reveal(begun->browser), &error);

    assert_non_null(again);
    assert_int_equal(session_code(f, cookie), RB_SESSION_EXPIRED);
    after = session_of(f, rb_secret_reveal(again->session));
    assert_string_equal(before->family, after->family);
}

/* The audit log is kept for ever: whoever is nobody yet does not fill the disk with it. */
static void
records_not_every_refusal_of_nobody(void **state)
{
    Fixture *f = *state;
    guint recorded;

    for (guint i = 0; i < 1000; i++) {
        g_autoptr(RbSignedIn) none = finish(f, "corp", "rb1.none", good, NULL, NULL);
        assert_null(none);
    }
    recorded = audited(f, "refusal", "signin.unknown");
    assert_int_equal(recorded, 20); /* the rest is counted: test_flood.c */
    {                               /* who is known is recorded, from the same address */
        g_autoptr(GError) error = NULL;
        g_autofree char *cookie = sign_in(f);
        g_autoptr(RbSession) session = session_of(f, cookie);
        g_autoptr(RbCredentials) no =
            rb_access_credentials(f->access, next_visit(f), session, ACCOUNT, "none-of-alices", 0, &error);
        assert_null(no);
        assert_int_equal(audited(f, "refusal", NULL), recorded + 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(signs_in),
        TEST(ends_with_the_idps_session),
        TEST(checks_next),
        TEST(knows_its_providers),
        TEST(binds_answer_to_transaction),
        TEST(uses_a_sign_in_up),
        TEST(takes_a_proof_once),
        TEST(lets_the_provider_decide_who_may_start),
        TEST(gives_a_name_to_one_realm),
        TEST(keeps_the_cookie_of_a_second_tab),
        TEST(records_not_every_refusal_of_nobody),
        TEST(renews_the_session),
        TEST(renews_the_session_across_sites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
