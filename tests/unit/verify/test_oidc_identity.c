/* Who the claims are about: a second factor, UserInfo, groups that were left out of the token. */
#include "party.h"

#include "verify/oidc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ---- step-up ---- */

static void
test_step_up(void **state)
{
    static const struct {
        const char *name, *change;
        gboolean mfa;
        RbRefusalCode want;
    } rows[] = {
        { "acr proves it", "\"acr\":\"urn:acme:2fa\",\"auth_time\":1700000000", TRUE, RB_ACCEPTED },
        { "amr proves it", "\"amr\":[\"pwd\",\"mfa\"],\"auth_time\":1700000000", TRUE, RB_ACCEPTED },
        { "neither", "\"acr\":\"0\",\"amr\":[\"pwd\"],\"auth_time\":1700000000", TRUE, RB_OIDC_MFA_MISSING },
        { "nothing said", "\"auth_time\":1700000000", TRUE, RB_OIDC_MFA_MISSING },
        { "amr a text", "\"amr\":\"mfa\",\"auth_time\":1700000000", TRUE, RB_OIDC_MFA_MISSING },
        { "no auth_time", "\"acr\":\"urn:acme:2fa\"", TRUE, RB_JWT_STALE_SIGN_IN },
        { "auth_time: last accepted second", "\"acr\":\"urn:acme:2fa\",\"auth_time\":1699999940", TRUE,
          RB_ACCEPTED },
        { "auth_time: first refused second", "\"acr\":\"urn:acme:2fa\",\"auth_time\":1699999939", TRUE,
          RB_JWT_STALE_SIGN_IN },
        { "not asked, not shown", "\"amr\":[\"pwd\"]", FALSE, RB_ACCEPTED },
    };
    RbProvider *corp = fresh("corp");

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Begun) begun = begin_with(corp, rows[i].mfa, rows[i].mfa);
        g_autofree char *token = issuer_token(issuer, begun.nonce, rows[i].change);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        issuer_gives(issuer, token);
        verified = finish_at(corp, begun.sign_in, GOOD, ISSUER_NOW, &error);
        expect_outcome(rows[i].name, verified, error, id_of(rows[i].want));
        if (verified != NULL)
            assert_int_equal(verified->identity->mfa, rows[i].mfa);
    }
}

/* acr_values and max_age of the configuration: asked each time, looked at each time. */
static void
test_configured_acr(void **state)
{
    static const struct {
        const char *name, *change;
        RbRefusalCode want;
    } rows[] = {
        { "as asked", "\"acr\":\"gold\",\"auth_time\":1699999000", RB_ACCEPTED },
        { "another acr", "\"acr\":\"silver\",\"auth_time\":1699999000", RB_OIDC_ACR },
        { "no acr", "\"auth_time\":1699999000", RB_OIDC_ACR },
        { "a second factor is more", "\"acr\":\"urn:acme:2fa\",\"auth_time\":1699999000", RB_ACCEPTED },
        { "max_age: last accepted second", "\"acr\":\"gold\",\"auth_time\":1699996340", RB_ACCEPTED },
        { "max_age: first refused second", "\"acr\":\"gold\",\"auth_time\":1699996339",
          RB_JWT_STALE_SIGN_IN },
    };
    RbProvider *strict = fresh("strict");

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Begun) begun = begin_with(strict, FALSE, FALSE);
        g_autofree char *body = issuer_claims(issuer, begun.nonce, rows[i].change);
        g_autofree char *token =
            jose_sign(issuer->p256, "ES256", "{\"alg\":\"ES256\",\"kid\":\"p256\"}", body);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        issuer_gives(issuer, token);
        verified = finish_at(strict, begun.sign_in, GOOD, ISSUER_NOW, &error);
        expect_outcome(rows[i].name, verified, error, id_of(rows[i].want));
    }
}

/* ---- UserInfo ---- */

static void
test_userinfo(void **state)
{
    static const struct {
        const char *name, *provider, *change;
        int status;
        const char *body, *want;
        guint asked, groups;
    } rows[] = {
        { "groups from there", "post", "\"groups\":null", 200, "{\"sub\":\"ada\",\"groups\":[\"g9\"]}",
          "accepted", 1, 1 },
        { "the ID token's word stands", "post", NULL, 200,
          "{\"sub\":\"ada\",\"groups\":[\"acme-iam-admins\"]}", "accepted", 1, 2 },
        { "another sub", "post", NULL, 200, "{\"sub\":\"eve\",\"groups\":[\"g9\"]}", "oidc.userinfo", 1, 0 },
        { "no sub", "post", NULL, 200, "{\"groups\":[\"g9\"]}", "oidc.userinfo", 1, 0 },
        { "it does not say how somebody signed in", "post", NULL, 200,
          "{\"sub\":\"ada\",\"amr\":[\"mfa\"],\"acr\":\"urn:acme:2fa\"}", "accepted", 1, 2 },
        { "refused", "post", NULL, 401, "{\"error\":\"invalid_token\"}", "oidc.userinfo", 1, 0 },
        { "a JWT", "post", NULL, 200, "eyJhbGciOiJub25lIn0.e30.", "oidc.token_answer", 1, 0 },
        { "down", "post", NULL, 500, "", "fault.network", 1, 0 },
        { "groups cut short there", "post", "\"groups\":null", 200,
          "{\"sub\":\"ada\",\"_claim_names\":{\"groups\":\"s\"}}", "identity.groups_incomplete", 1, 0 },
        { "asked only for what is missing", "public", "\"email\":\"ada@acme.example\"", 200, "{}", "accepted",
          0, 2 },
        { "the name is missing", "public", NULL, 200, "{\"sub\":\"ada\",\"email\":\"ada@acme.example\"}",
          "accepted", 1, 2 },
        { "the name is nowhere", "public", NULL, 200, "{\"sub\":\"ada\"}", "identity.name_missing", 1, 0 },
        { "an address that nobody verified", "public",
          "\"email\":\"ada@acme.example\",\"email_verified\":false", 200, "{}", "identity.name_missing", 0,
          0 },
    };
    g_autofree char *more = g_strdup_printf(",\"userinfo_endpoint\":\"%s/userinfo\"", issuer->url);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbProvider *provider = fresh(rows[i].provider);
        g_auto(Begun) begun = { 0 };
        g_autofree char *token = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        issuer->discovery_more = more;
        rb_provider_hurry(provider);
        (void)rb_provider_refresh(provider, ISSUER_NOW, NULL);
        begun = begin_with(provider, FALSE, FALSE);
        token = issuer_token(issuer, begun.nonce, rows[i].change);
        issuer_gives(issuer, token);
        issuer_says(issuer, ASK_USERINFO, rows[i].status, g_strdup(rows[i].body));
        verified = finish_at(provider, begun.sign_in, GOOD, ISSUER_NOW, &error);
        expect_outcome(rows[i].name, verified, error, rows[i].want);
        assert_int_equal(issuer->asked[ASK_USERINFO], rows[i].asked);
        if (rows[i].asked > 0)
            assert_string_equal(issuer->authorization[ASK_USERINFO], "Bearer at-1");
        if (verified != NULL) {
            assert_int_equal(verified->identity->n_groups, rows[i].groups);
            assert_false(verified->identity->mfa);
            assert_null(verified->identity->authn_context);
        }
    }
    (void)fresh("post");
    (void)fresh("public");
}

/* ---- Entra ID's overage ---- */

#define OVERAGE                                                                                              \
    "\"groups\":null,\"_claim_names\":{\"groups\":\"src1\"},\"_claim_sources\":{\"src1\":{\"endpoint\":"     \
    "\"http://127.0.0.1:9/evil\"}}"

static void
test_overage(void **state)
{
    static const struct {
        const char *name, *change;
        int status;
        const char *body, *want;
        guint asked;
    } rows[] = {
        { "all of them", OVERAGE ",\"oid\":\"0a1b-2c\"", 200, "{\"value\":[\"g1\",\"g2\",\"g3\"]}",
          "accepted", 1 },
        { "not left out", "\"groups\":[\"a\",\"b\",\"c\"]", 200, "{}", "accepted", 0 },
        { "a next page", OVERAGE ",\"oid\":\"0a1b-2c\"", 200,
          "{\"value\":[\"g1\"],\"@odata.nextLink\":\"x\"}", "identity.groups_incomplete", 1 },
        { "no list", OVERAGE ",\"oid\":\"0a1b-2c\"", 200, "{}", "identity.groups_incomplete", 1 },
        { "a group that is none", OVERAGE ",\"oid\":\"0a1b-2c\"", 200, "{\"value\":[1]}",
          "identity.malformed", 1 },
        { "refused", OVERAGE ",\"oid\":\"0a1b-2c\"", 403, "{\"error\":{\"code\":\"x\"}}",
          "identity.groups_incomplete", 1 },
        { "down", OVERAGE ",\"oid\":\"0a1b-2c\"", 503, "{}", "fault.network", 1 },
        { "no oid", OVERAGE, 200, "{}", "identity.groups_incomplete", 0 },
        { "an oid that leads elsewhere", OVERAGE ",\"oid\":\"../../admin\"", 200, "{}",
          "identity.groups_incomplete", 0 },
        { "an oid with a query", OVERAGE ",\"oid\":\"a?b\"", 200, "{}", "identity.groups_incomplete", 0 },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbProvider *entra = fresh("entra");
        g_auto(Begun) begun = begin_with(entra, FALSE, FALSE);
        g_autofree char *token = issuer_token(issuer, begun.nonce, rows[i].change), *grant = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        issuer_gives(issuer, token);
        issuer_says(issuer, ASK_GRAPH, rows[i].status, g_strdup(rows[i].body));
        verified = finish_at(entra, begun.sign_in, GOOD, ISSUER_NOW, &error);
        expect_outcome(rows[i].name, verified, error, rows[i].want);
        assert_int_equal(issuer->asked[ASK_GRAPH], rows[i].asked);
        if (verified != NULL)
            assert_int_equal(verified->identity->n_groups, 3);
        if (rows[i].asked == 0)
            continue;
        grant = url_field(issuer->form[ASK_TOKEN], "grant_type");
        assert_string_equal(grant, "client_credentials"); /* asked with our own token, not the person's */
        assert_string_equal(issuer->authorization[ASK_GRAPH], "Bearer at-1");
        assert_string_equal(issuer->form[ASK_GRAPH], "{\"securityEnabledOnly\":true}");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_up),
        cmocka_unit_test(test_configured_acr),
        cmocka_unit_test(test_userinfo),
        cmocka_unit_test(test_overage),
    };

    return cmocka_run_group_tests_name("oidc_identity", tests, party_set_up, party_tear_down);
}
