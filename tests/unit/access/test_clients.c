#include "fixture.h"

static const char verifier[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"; /* RFC 7636, appendix B */
static const char challenge[] = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
static const char *const loopback[] = { "http://127.0.0.1/oauth/callback", NULL };
#define RETURN "http://127.0.0.1:33471/oauth/callback"

static RbClient *
register_client(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    RbClient *client =
        rb_access_register(f->access, next_visit(f), "botocore-client-corp", loopback, NULL, &error);

    if (client == NULL)
        fail_msg("%s", error->message);
    return client;
}

static const struct {
    const char *name, *client, *uri, *scope;
    RbRefusalCode want;
} registrations[] = {
    { "as the CLI does", "botocore-client-corp", "http://127.0.0.1/oauth/callback", "sso:account:access",
      RB_ACCEPTED },
    { "no redirect, no scope", "legacy", NULL, NULL, RB_ACCEPTED },
    { "IPv6 loopback", "c", "http://[::1]/cb", NULL, RB_ACCEPTED },
    { "with a port", "c", "http://127.0.0.1:80/cb", NULL, RB_ACCEPTED },
    { "no name", "", NULL, NULL, RB_SSO_INVALID_REQUEST },
    { "a name that moves the cursor", "a\033[2Jb", NULL, NULL, RB_SSO_INVALID_REQUEST },
    { "a name that turns the text around", "a\342\200\256b", NULL, NULL, RB_SSO_INVALID_REQUEST },
    { "a scope of another kind", "c", NULL, "codewhisperer:completions", RB_SSO_INVALID_SCOPE },
    { "another host", "c", "https://evil.example/cb", NULL, RB_SSO_INVALID_REDIRECT },
    { "a name that may lead elsewhere", "c", "http://localhost/cb", NULL, RB_SSO_INVALID_REDIRECT },
    { "a host that only begins so", "c", "http://127.0.0.1.evil.example/cb", NULL, RB_SSO_INVALID_REDIRECT },
    { "a user that looks like a host", "c", "http://127.0.0.1@evil.example/cb", NULL,
      RB_SSO_INVALID_REDIRECT },
    { "a user before the host", "c", "http://evil@127.0.0.1/cb", NULL, RB_SSO_INVALID_REDIRECT },
    { "a script", "c", "javascript:alert(1)", NULL, RB_SSO_INVALID_REDIRECT },
    { "a query", "c", "http://127.0.0.1/cb?next=x", NULL, RB_SSO_INVALID_REDIRECT },
    { "a fragment", "c", "http://127.0.0.1/cb#x", NULL, RB_SSO_INVALID_REDIRECT },
    { "no URI at all", "c", "cb", NULL, RB_SSO_INVALID_REDIRECT },
};

static void
registers(void **state)
{
    Fixture *f = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(registrations); i++) {
        g_autoptr(GError) error = NULL;
        const char *const uris[] = { registrations[i].uri, NULL };
        const char *const scopes[] = { registrations[i].scope, NULL };
        g_autoptr(RbClient) client =
            rb_access_register(f->access, next_visit(f), registrations[i].client, uris, scopes, &error);
        if (registrations[i].want != RB_ACCEPTED)
            expect_code(registrations[i].name, error, registrations[i].want);
        else if (client == NULL)
            fail_msg("%s: %s", registrations[i].name, error->message);
        else
            assert_int_equal(client->expires_at, NOW + 90 * 24 * 3600);
    }
}

static void
registers_not_without_end(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    guint n = 0;

    for (; n < 1000 && error == NULL; n++) {
        g_autoptr(RbClient) client = rb_access_register(f->access, next_visit(f), "c", NULL, NULL, &error);
        (void)client;
    }
    expect_code("one too many", error, RB_REQUEST_TOO_MANY);
    assert_int_equal(n, 501);
    for (n = 0, f->now += 3600; n < 1000; n++) { /* each stays for months: few of them an hour */
        g_autoptr(RbClient) client = rb_access_register(f->access, next_visit(f), "c", NULL, NULL, NULL);
        if (client == NULL)
            break;
    }
    assert_int_equal(n, 360);
}

static const struct {
    const char *name, *uri, *challenge, *scopes;
    RbRefusalCode want;
} authorizations[] = {
    { "another port", RETURN, challenge, "sso:account:access", RB_ACCEPTED },
    { "no port, no scope", "http://127.0.0.1/oauth/callback", challenge, NULL, RB_ACCEPTED },
    { "an empty scope", RETURN, challenge, "", RB_ACCEPTED },
    { "another path", "http://127.0.0.1:33471/oauth/callback2", challenge, NULL, RB_SSO_INVALID_REDIRECT },
    { "a longer path", "http://127.0.0.1:33471/oauth/callback/", challenge, NULL, RB_SSO_INVALID_REDIRECT },
    { "a path that climbs", "http://127.0.0.1/oauth/../oauth/callback", challenge, NULL,
      RB_SSO_INVALID_REDIRECT },
    { "another loopback", "http://[::1]/oauth/callback", challenge, NULL, RB_SSO_INVALID_REDIRECT },
    { "another host", "http://evil.example/oauth/callback", challenge, NULL, RB_SSO_INVALID_REDIRECT },
    { "none", NULL, challenge, NULL, RB_SSO_INVALID_REDIRECT },
    { "no challenge", RETURN, NULL, NULL, RB_SSO_INVALID_REQUEST },
    { "a challenge that is no digest", RETURN, "short", NULL, RB_SSO_INVALID_REQUEST },
    { "another scope", RETURN, challenge, "sso:account:access openid", RB_SSO_INVALID_SCOPE },
};

static void
checks_before_anybody_signs_in(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbClient) client = register_client(f);
    g_autoptr(GError) unknown = NULL;
    g_autoptr(RbClient) nobody = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(authorizations); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbClient) found =
            rb_access_authorize_check(f->access, next_visit(f), client->id, authorizations[i].uri,
                                      authorizations[i].challenge, authorizations[i].scopes, &error);
        if (authorizations[i].want != RB_ACCEPTED)
            expect_code(authorizations[i].name, error, authorizations[i].want);
        else if (found == NULL)
            fail_msg("%s: %s", authorizations[i].name, error->message);
    }
    nobody = rb_access_authorize_check(f->access, next_visit(f), "nobody", RETURN, challenge, NULL, &unknown);
    expect_code("an unknown client", unknown, RB_SSO_INVALID_CLIENT);
}

/* ---- code → tokens ---- */

static RbSecret *
code_for(Fixture *f, const RbClient *client, const char *cookie)
{
    g_autoptr(RbSession) session = session_of(f, cookie);
    g_autoptr(GError) error = NULL;
    RbSecret *code =
        rb_access_authorize(f->access, next_visit(f), session, client->id, RETURN, challenge, NULL, &error);

    if (code == NULL)
        fail_msg("%s", error->message);
    return code;
}

static RbTokenAsk
ask_of(const RbClient *client, const RbSecret *code)
{
    return (RbTokenAsk){
        .grant_type = "authorization_code",
        .client_id = client->id,
        .client_secret = rb_secret_reveal(client->secret),
        .code = rb_secret_reveal(code),
        .redirect_uri = RETURN,
        .code_verifier = verifier,
    };
}

static void
redeems_a_code(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbClient) client = register_client(f);
    g_autoptr(RbSecret) code = code_for(f, client, cookie);
    const RbTokenAsk ask = ask_of(client, code);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbTokens) tokens = rb_access_token(f->access, next_visit(f), &ask, &error), again = NULL;
    g_autoptr(RbSession) session = NULL;

    if (tokens == NULL)
        fail_msg("%s", error->message);
    assert_int_equal(tokens->expires_in_s, 3600);
    session = session_of(f, rb_secret_reveal(tokens->access_token));
    assert_string_equal(session->client, "botocore-client-corp");
    assert_string_equal(session->identity->name, "alice");
    again = rb_access_token(f->access, next_visit(f), &ask, &error);
    expect_code("a second time", error, RB_SSO_INVALID_GRANT);
}

enum { VERIFIER, REDIRECT, SECRET, CLIENT, LATE, SIGNED_OUT, GRANT, NO_GRANT, CODE, N_TWISTS };
static const struct {
    const char *name;
    RbRefusalCode want;
} twists[N_TWISTS] = {
    [VERIFIER] = { "another verifier", RB_SSO_INVALID_GRANT },
    [REDIRECT] = { "another port than the code was sent to", RB_SSO_INVALID_GRANT },
    [SECRET] = { "another secret", RB_SSO_INVALID_CLIENT },
    [CLIENT] = { "another client", RB_SSO_INVALID_GRANT },
    [LATE] = { "too late", RB_SSO_INVALID_GRANT },
    [SIGNED_OUT] = { "after signing out", RB_SSO_INVALID_GRANT },
    [GRANT] = { "a grant type not offered", RB_SSO_UNSUPPORTED_GRANT },
    [NO_GRANT] = { "no grant type", RB_SSO_INVALID_REQUEST },
    [CODE] = { "another code", RB_SSO_INVALID_GRANT },
};

static void
twist_ask(Fixture *f, int twist, RbTokenAsk *ask, const RbClient *other, const char *cookie)
{
    g_autoptr(RbSession) session = NULL;

    switch (twist) {
    case VERIFIER:
        ask->code_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK";
        break;
    case REDIRECT:
        ask->redirect_uri = "http://127.0.0.1:33472/oauth/callback";
        break;
    case SECRET:
        ask->client_secret = rb_secret_reveal(other->secret);
        break;
    case CLIENT:
        ask->client_id = other->id;
        ask->client_secret = rb_secret_reveal(other->secret);
        break;
    case LATE:
        f->now += RB_CODE_S;
        break;
    case SIGNED_OUT:
        session = session_of(f, cookie);
        assert_true(rb_access_sign_out(f->access, next_visit(f), session, NULL, NULL));
        break;
    case GRANT:
        ask->grant_type = "client_credentials";
        break;
    case NO_GRANT:
        ask->grant_type = NULL;
        break;
    default:
        ask->code = "AAAA";
    }
}

static void
refuses_codes(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbClient) client = register_client(f), other = register_client(f);

    for (int i = 0; i < N_TWISTS; i++) {
        g_autofree char *cookie = sign_in(f);
        g_autoptr(RbSecret) code = code_for(f, client, cookie);
        const RbTokenAsk right = ask_of(client, code);
        RbTokenAsk ask = right;
        g_autoptr(GError) error = NULL;
        g_autoptr(RbTokens) tokens = NULL, then = NULL;
        twist_ask(f, i, &ask, other, cookie);
        tokens = rb_access_token(f->access, next_visit(f), &ask, &error);
        expect_code(twists[i].name, error, twists[i].want);
        g_clear_error(&error);
        if (i != VERIFIER && i != REDIRECT)
            continue;
        then = rb_access_token(f->access, next_visit(f), &right, &error); /* a code that was tried is spent */
        expect_code(twists[i].name, error, RB_SSO_INVALID_GRANT);
    }
}

static void
wants_a_portal_session(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbClient) client = register_client(f);
    g_autoptr(RbSecret) code = code_for(f, client, cookie), more = NULL;
    const RbTokenAsk ask = ask_of(client, code);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbTokens) tokens = rb_access_token(f->access, next_visit(f), &ask, &error);
    g_autoptr(RbSession) session = session_of(f, rb_secret_reveal(tokens->access_token));

    more =
        rb_access_authorize(f->access, next_visit(f), session, client->id, RETURN, challenge, NULL, &error);
    expect_code("a client lets a client in", error, RB_REQUEST_FORGED);
}

/* ---- refresh ---- */

static RbTokens *
first_tokens(Fixture *f, const RbClient *client, const char *cookie)
{
    g_autoptr(RbSecret) code = code_for(f, client, cookie);
    const RbTokenAsk ask = ask_of(client, code);
    RbTokens *tokens = rb_access_token(f->access, next_visit(f), &ask, NULL);

    assert_non_null(tokens);
    return tokens;
}

static RbTokens *
refresh(Fixture *f, const RbClient *client, const RbTokens *from, GError **error)
{
    const RbTokenAsk ask = {
        .grant_type = "refresh_token",
        .client_id = client->id,
        .client_secret = rb_secret_reveal(client->secret),
        .refresh_token = rb_secret_reveal(from->refresh_token),
    };

    return rb_access_token(f->access, next_visit(f), &ask, error);
}

static void
rotates_refresh_tokens(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbClient) client = register_client(f), other = register_client(f);
    g_autoptr(RbTokens) first = first_tokens(f, client, cookie), second = NULL, racing = NULL, reused = NULL;
    g_autoptr(RbTokens) stolen = NULL, after = NULL;
    g_autoptr(GError) error = NULL;

    stolen = refresh(f, other, first, &error);
    expect_code("another client", error, RB_SSO_INVALID_GRANT);
    g_clear_error(&error);
    second = refresh(f, client, first, &error);
    assert_non_null(second);
    f->now += RB_REFRESH_GRACE_S;
    racing = refresh(f, client, first, &error);
    assert_non_null(racing); /* another process with the same file */
    assert_int_equal(session_code(f, rb_secret_reveal(racing->access_token)), RB_ACCEPTED);
    f->now += 1;
    reused = refresh(f, client, first, &error);
    expect_code("reused", error, RB_SSO_INVALID_GRANT);
    assert_int_equal(session_code(f, rb_secret_reveal(racing->access_token)), RB_SESSION_EXPIRED);
    assert_int_equal(session_code(f, rb_secret_reveal(second->access_token)), RB_SESSION_EXPIRED);
    assert_int_equal(session_code(f, cookie), RB_ACCEPTED); /* the person's own session is not the thief's */
    g_clear_error(&error);
    after = refresh(f, client, second, &error);
    expect_code("the chain has ended", error, RB_SSO_INVALID_GRANT);
    assert_true(audited(f, "refusal", "sso.invalid_grant") >= 3);
}

static void
outlives_nothing(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbClient) client = register_client(f);
    g_autoptr(RbTokens) tokens = first_tokens(f, client, cookie);
    g_autoptr(GError) error = NULL;

    for (int hour = 1; hour < 8; hour++) {
        g_autoptr(RbTokens) next = NULL;
        f->now = NOW + hour * 3600 - 1;
        next = refresh(f, client, tokens, &error);
        assert_non_null(next);
        g_clear_pointer(&tokens, rb_tokens_free);
        tokens = g_steal_pointer(&next);
    }
    f->now = NOW + 8 * 3600 - 10;
    {
        g_autoptr(RbTokens) last = refresh(f, client, tokens, &error);
        assert_int_equal(last->expires_in_s, 10);
        f->now = NOW + 8 * 3600;
        assert_int_equal(session_code(f, rb_secret_reveal(last->access_token)), RB_SESSION_EXPIRED);
        g_clear_pointer(&tokens, rb_tokens_free);
        tokens = refresh(f, client, last, &error);
        expect_code("after the sign-in's end", error, RB_SSO_INVALID_GRANT);
    }
}

static void
ends_with_its_sign_in(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f), *elsewhere = sign_in(f);
    g_autoptr(RbClient) client = register_client(f);
    g_autoptr(RbTokens) tokens = first_tokens(f, client, cookie), kept = first_tokens(f, client, elsewhere);
    g_autoptr(RbTokens) after = NULL;
    g_autoptr(RbSession) session = session_of(f, cookie);
    g_autoptr(GError) error = NULL;

    assert_true(rb_access_sign_out(f->access, next_visit(f), session, NULL, &error));
    assert_int_equal(session_code(f, rb_secret_reveal(tokens->access_token)), RB_SESSION_EXPIRED);
    after = refresh(f, client, tokens, &error);
    expect_code("refresh after signing out", error, RB_SSO_INVALID_GRANT);
    assert_int_equal(session_code(f, rb_secret_reveal(kept->access_token)), RB_ACCEPTED);
}

static void
signs_out_a_client_alone(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f);
    g_autoptr(RbClient) client = register_client(f);
    g_autoptr(RbTokens) one = first_tokens(f, client, cookie), two = first_tokens(f, client, cookie),
                        after = NULL;
    g_autoptr(RbSession) session = session_of(f, rb_secret_reveal(one->access_token));
    g_autofree char *idp_url = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(rb_access_sign_out(f->access, next_visit(f), session, &idp_url, &error));
    assert_null(idp_url);
    assert_int_equal(session_code(f, rb_secret_reveal(one->access_token)), RB_SESSION_EXPIRED);
    assert_int_equal(session_code(f, rb_secret_reveal(two->access_token)), RB_ACCEPTED);
    assert_int_equal(session_code(f, cookie), RB_ACCEPTED);
    after = refresh(f, client, one, &error);
    expect_code("refresh after logout", error, RB_SSO_INVALID_GRANT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(registers),
        TEST(registers_not_without_end),
        TEST(checks_before_anybody_signs_in),
        TEST(redeems_a_code),
        TEST(refuses_codes),
        TEST(wants_a_portal_session),
        TEST(rotates_refresh_tokens),
        TEST(outlives_nothing),
        TEST(ends_with_its_sign_in),
        TEST(signs_out_a_client_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
