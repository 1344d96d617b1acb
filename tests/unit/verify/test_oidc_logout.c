/* Signing out at the issuer, and the issuer's own word that somebody is signed out. */
#include "issuer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static Issuer *issuer;
static RbProviders *providers;
static RbProvider *corp;

static int
set_up(void **state)
{
    g_autofree char *problems = NULL;

    (void)state;
    issuer = issuer_new();
    providers = issuer_load(issuer,
                            "identity_providers:\n  - { id: corp, type: oidc, issuer: \"%ISSUER%\", "
                            "client_id: bridge, client_auth: none }\n",
                            &problems);
    if (providers == NULL)
        fail_msg("%s", problems);
    corp = rb_providers_item(providers, 0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rb_providers_free(providers);
    issuer_free(issuer);
    return 0;
}

static void
read_anew(const char *more)
{
    issuer_reset(issuer);
    issuer->discovery_more = more;
    rb_provider_hurry(corp);
    (void)rb_provider_refresh(corp, ISSUER_NOW, NULL);
}

static void
test_logout_url(void **state)
{
    g_autofree char *more = g_strdup_printf(",\"end_session_endpoint\":\"%s/end?tenant=1\"", issuer->url);
    const RbIdentity facts = { .subject = "ada",
                               .name = "ada",
                               .provider = "corp",
                               .issuer = issuer->url,
                               .session_index = "s-1",
                               .groups = (const char *const[]){ NULL } };
    g_autoptr(RbIdentity) identity = rb_identity_new(&facts, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL, *url = NULL, *client = NULL, *back = NULL, *state_sent = NULL, *tenant = NULL;
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    const RbInbound returned = { .method = "GET", .fields = fields };
    g_autoptr(RbLogout) logout = NULL;

    (void)state;
    read_anew(NULL);
    assert_null(rb_provider_logout_url(corp, identity, NULL, ISSUER_NOW, &id, &error));
    assert_null(error);
    read_anew(more);
    url = rb_provider_logout_url(corp, identity, NULL, ISSUER_NOW, &id, &error);
    assert_non_null(url);
    tenant = url_field(url, "tenant");
    client = url_field(url, "client_id");
    back = url_field(url, "post_logout_redirect_uri");
    state_sent = url_field(url, "state");
    assert_string_equal(tenant, "1");
    assert_string_equal(client, "bridge");
    assert_string_equal(back, ISSUER_PUBLIC "/oidc/corp/logout");
    assert_string_equal(state_sent, id);
    g_hash_table_insert(fields, (gpointer) "state", state_sent);
    logout = rb_provider_logout_receive(corp, &returned, ISSUER_NOW, &error);
    assert_non_null(logout);
    assert_int_equal(logout->kind, RB_LOGOUT_RESPONSE);
    assert_string_equal(logout->in_response_to, id);
}

static void
test_return_without_state(void **state)
{
    const RbInbound returned = { .method = "GET" };
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(rb_provider_logout_receive(corp, &returned, ISSUER_NOW, &error));
    assert_true(rb_is_refusal(error, RB_OIDC_MALFORMED));
}

#define EVENT "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}"
#define LOGOUT "\"nonce\":null,\"jti\":\"j1\"," EVENT

/* clang-format off */
static const struct {
    const char *name, *header, *change;
    RbRefusalCode want;
} tokens[] = {
    { "sub", "logout+jwt", LOGOUT, RB_ACCEPTED },
    { "typ as before it was named", "JWT", LOGOUT, RB_ACCEPTED },
    { "sub and sid", "logout+jwt", LOGOUT ",\"sid\":\"s-1\"", RB_ACCEPTED },
    { "sid alone", "logout+jwt", LOGOUT ",\"sub\":null,\"sid\":\"s-1\"", RB_ACCEPTED },
    { "neither", "logout+jwt", LOGOUT ",\"sub\":null", RB_OIDC_LOGOUT_TOKEN },
    { "an ID token", "JWT", NULL, RB_OIDC_LOGOUT_TOKEN },
    { "an ID token with the event", "JWT", "\"jti\":\"j1\"," EVENT, RB_OIDC_LOGOUT_TOKEN },
    { "nonce empty", "logout+jwt", "\"jti\":\"j1\",\"nonce\":\"\"," EVENT, RB_OIDC_LOGOUT_TOKEN },
    { "no event", "logout+jwt", "\"nonce\":null,\"jti\":\"j1\"", RB_OIDC_LOGOUT_TOKEN },
    { "another event", "logout+jwt", "\"nonce\":null,\"jti\":\"j1\",\"events\":{\"http://x/\":{}}", RB_OIDC_LOGOUT_TOKEN },
    { "events a list", "logout+jwt", "\"nonce\":null,\"jti\":\"j1\",\"events\":[\"http://schemas.openid.net/event/backchannel-logout\"]", RB_OIDC_LOGOUT_TOKEN },
    { "the event a text", "logout+jwt", "\"nonce\":null,\"jti\":\"j1\",\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":\"\"}", RB_OIDC_LOGOUT_TOKEN },
    { "no jti", "logout+jwt", "\"nonce\":null," EVENT, RB_OIDC_LOGOUT_TOKEN },
    { "jti empty", "logout+jwt", "\"nonce\":null,\"jti\":\"\"," EVENT, RB_OIDC_LOGOUT_TOKEN },
    { "jti a number", "logout+jwt", "\"nonce\":null,\"jti\":1," EVENT, RB_OIDC_LOGOUT_TOKEN },
    { "sid a number", "logout+jwt", LOGOUT ",\"sid\":1", RB_OIDC_LOGOUT_TOKEN },
    { "sid empty", "logout+jwt", LOGOUT ",\"sid\":\"\"", RB_OIDC_LOGOUT_TOKEN },
    { "sub empty", "logout+jwt", LOGOUT ",\"sub\":\"\"", RB_JWT_SUBJECT },
    { "of another issuer", "logout+jwt", LOGOUT ",\"iss\":\"https://evil.example\"", RB_JWT_ISSUER },
    { "for another client", "logout+jwt", LOGOUT ",\"aud\":\"other\"", RB_JWT_AUDIENCE },
    { "expired", "logout+jwt", LOGOUT ",\"exp\":1699999940", RB_JWT_EXPIRED },
    { "no iat", "logout+jwt", LOGOUT ",\"iat\":null", RB_JWT_MALFORMED },
    { "an access token", "at+jwt", LOGOUT, RB_JWT_TYPE },
};
/* clang-format on */

static RbLogout *
receive(const char *token, GError **error)
{
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    const RbInbound inbound = { .method = "POST", .fields = fields };

    if (token != NULL)
        g_hash_table_insert(fields, (gpointer) "logout_token", (gpointer)token);
    return rb_provider_logout_receive(corp, &inbound, ISSUER_NOW, error);
}

static void
test_logout_tokens(void **state)
{
    (void)state;
    read_anew(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tokens); i++) {
        g_autofree char *claims = issuer_claims(issuer, "n", tokens[i].change);
        g_autofree char *header =
            g_strdup_printf("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"%s\"}", tokens[i].header);
        g_autofree char *token = jose_sign(issuer->rsa, "RS256", header, claims), *reply = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(RbLogout) logout = receive(token, &error);
        if (logout == NULL ? !rb_is_refusal(error, tokens[i].want) : tokens[i].want != RB_ACCEPTED)
            fail_msg("%s: %s", tokens[i].name, error == NULL ? "accepted" : error->message);
        if (logout == NULL)
            continue;
        assert_int_equal(logout->kind, RB_LOGOUT_REQUEST);
        assert_true((logout->subject == NULL) == (strstr(tokens[i].change, "\"sub\":null") != NULL));
        assert_true((logout->session_indexes[0] == NULL) == (strstr(tokens[i].change, "s-1") == NULL));
        assert_true(logout->replay_until == ISSUER_NOW + 360);
        reply = rb_provider_logout_reply(corp, logout, NULL, TRUE, ISSUER_NOW, &error);
        assert_string_equal(reply, "");
    }
}

static void
test_no_token(void **state)
{
    g_autofree char *claims = issuer_claims(issuer, "n", LOGOUT);
    g_autofree char *forged = jose_sign(issuer->next, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", claims);
    g_autofree char *bare = jose_sign(NULL, "none", "{\"alg\":\"none\"}", claims);
    const struct {
        const char *name, *token;
        RbRefusalCode want;
    } rows[] = {
        { "nothing", NULL, RB_OIDC_LOGOUT_TOKEN },
        { "empty", "", RB_JWT_MALFORMED },
        { "unsigned", bare, RB_JWT_ALGORITHM },
        { "signed by somebody else", forged, RB_JWT_SIGNATURE_INVALID },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        if (receive(rows[i].token, &error) != NULL || !rb_is_refusal(error, rows[i].want))
            fail_msg("%s: %s", rows[i].name, error == NULL ? "accepted" : error->message);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logout_url),
        cmocka_unit_test(test_return_without_state),
        cmocka_unit_test(test_logout_tokens),
        cmocka_unit_test(test_no_token),
    };

    return cmocka_run_group_tests_name("oidc_logout", tests, set_up, tear_down);
}
