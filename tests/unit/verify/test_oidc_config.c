/* What rolebridge.yaml says of an issuer, and what an issuer says of itself: every mistake at its place. */
#include "issuer.h"

#include "verify/oidc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static Issuer *issuer;

#define A "id: a, type: oidc, client_id: c, "
#define HTTPS A "issuer: \"https://login.acme.example\", "
#define NONE HTTPS "client_auth: none, "

/* clang-format off */
static const struct {
    const char *name, *fields, *want; /* want: part of the diagnostics; NULL: fine */
} configurations[] = {
    { "fine", HTTPS "client_secret: {file: x}", NULL },
    { "fine, public", HTTPS "client_auth: none", NULL },
    { "loopback in clear", A "issuer: \"http://127.0.0.1:9000\", client_auth: none", NULL },
    { "no issuer", A "client_auth: none", "'issuer'" },
    { "no client_id", "id: a, type: oidc, issuer: \"https://x.example\", client_auth: none", "'client_id'" },
    { "issuer in clear", A "issuer: \"http://login.acme.example\", client_auth: none", "an issuer is an https address" },
    { "issuer no URL", A "issuer: login.acme.example, client_auth: none", "an issuer is an https address" },
    { "issuer with a query", A "issuer: \"https://x.example/?t=1\", client_auth: none", "an issuer is an https address" },
    { "issuer with a fragment", A "issuer: \"https://x.example/#a\", client_auth: none", "an issuer is an https address" },
    { "issuer with a user", A "issuer: \"https://u:p@x.example\", client_auth: none", "an issuer is an https address" },
    { "unknown key", NONE "group: x", "did you mean 'groups'?" },
    { "no secret", A "issuer: \"https://x.example\"", "the issuer cannot tell that it is us" },
    { "secret written down", HTTPS "client_secret: hunter2", "a secret must not be written in this file" },
    { "secret not used", NONE "client_secret: {file: x}", "a client secret that is not used" },
    { "authentication unknown", HTTPS "client_auth: client_secret_jwt, client_secret: {file: x}", "'client_auth' must be one of these" },
    { "key not there", HTTPS "client_key: nowhere.key", "nowhere.key" },
    { "key missing", HTTPS "client_auth: private_key_jwt", "'client_key'" },
    { "key not used", NONE "client_key: nowhere.key", "a client key that is not used" },
    { "algorithm none", NONE "algorithms: [none]", "an algorithm that is never accepted" },
    { "algorithm HS256", NONE "algorithms: [RS256, HS256]", "an algorithm that is never accepted" },
    { "two scopes in one", NONE "scopes: \"openid groups\"", "this is not one scope" },
    { "max_age too short", NONE "max_age: 1s", "max_age" },
    { "refresh too often", NONE "refresh: 1s", "refresh" },
    { "userinfo unknown", NONE "userinfo: sometimes", "'userinfo' must be one of these" },
    { "par unknown", NONE "par: always", "'par' must be one of these" },
    { "overage without an address", HTTPS "client_secret: {file: x}, overage: {scope: s}", "'endpoint'" },
    { "overage in clear", HTTPS "client_secret: {file: x}, overage: {endpoint: \"http://g.example/{oid}/x\"}", "an https address with /{oid}/" },
    { "overage without oid", HTTPS "client_secret: {file: x}, overage: {endpoint: \"https://g.example/me\"}", "an https address with /{oid}/" },
    { "overage, unknown key", HTTPS "client_secret: {file: x}, overage: {endpoint: \"https://g.example/{oid}/x\", scopes: s}", "did you mean 'scope'?" },
    { "overage without a secret", NONE "overage: {endpoint: \"https://g.example/{oid}/x\"}", "proves who it is" },
    { "overage, tokens in clear", HTTPS "client_secret: {file: x}, overage: {endpoint: \"https://g.example/{oid}/x\", token_endpoint: \"http://t.example/\"}", "tokens are only fetched by https" },
};
/* clang-format on */

static void
test_configurations(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(configurations); i++) {
        g_autofree char *yaml =
            g_strdup_printf("identity_providers:\n  - { %s }\n", configurations[i].fields);
        g_autofree char *problems = NULL;
        g_autoptr(RbProviders) providers = issuer_load(issuer, yaml, &problems);
        gboolean fine = configurations[i].want == NULL;
        if ((providers != NULL) != fine || (!fine && strstr(problems, configurations[i].want) == NULL))
            fail_msg("%s: %s", configurations[i].name, problems);
        if (!fine && strstr(problems, "rolebridge.yaml:2:") == NULL)
            fail_msg("%s: no place in %s", configurations[i].name, problems);
    }
}

/* ---- discovery ---- */

#define ISS "https://login.acme.example"

/* clang-format off */
static const struct {
    const char *name, *document;
    gboolean fits;
} documents[] = {
    { "whole", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\"}", TRUE },
    { "on other hosts", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"https://a.example/?t=1\",\"token_endpoint\":\"https://b.example/t\",\"jwks_uri\":\"https://c.example/k\"}", TRUE },
    { "another issuer", "{\"issuer\":\"https://evil.example\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "issuer with a slash more", "{\"issuer\":\"" ISS "/\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "issuer in capitals", "{\"issuer\":\"https://LOGIN.acme.example\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "no issuer", "{\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "issuer twice", "{\"issuer\":\"" ISS "\",\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "no authorization endpoint", "{\"issuer\":\"" ISS "\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "no token endpoint", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"" ISS "/a\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "no keys", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\"}", FALSE },
    { "keys in clear", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"http://login.acme.example/k\"}", FALSE },
    { "keys on loopback", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"http://127.0.0.1/k\"}", FALSE },
    { "keys in a file", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"file:///etc/passwd\"}", FALSE },
    { "sign-in by script", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"javascript:alert(1)\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "sign-in that splits a header", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"" ISS "/a\\r\\nX: y\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "an endpoint with a user", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"https://u@login.acme.example/t\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "an endpoint that is a list", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":[\"" ISS "/a\"],\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\"}", FALSE },
    { "UserInfo in clear", "{\"issuer\":\"" ISS "\",\"authorization_endpoint\":\"" ISS "/a\",\"token_endpoint\":\"" ISS "/t\",\"jwks_uri\":\"" ISS "/k\",\"userinfo_endpoint\":\"http://u.example/\"}", FALSE },
    { "HTML", "<!DOCTYPE html>", FALSE },
    { "a list", "[]", FALSE },
    { "nothing", "", FALSE },
};
/* clang-format on */

static void
test_discovery(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbOidcTrust) trust =
            rb_oidc_discovery_parse(ISS, TRUE, documents[i].document, strlen(documents[i].document), &error);
        if ((trust != NULL) != documents[i].fits ||
            (trust == NULL && !rb_is_refusal(error, RB_OIDC_DISCOVERY)))
            fail_msg("%s: %s", documents[i].name, error == NULL ? "taken" : error->message);
    }
}

static void
test_discovery_too_large(void **state)
{
    g_autofree char *blank = g_strnfill(RB_OIDC_MAX_DISCOVERY + 1, ' ');
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(rb_oidc_discovery_parse(ISS, TRUE, blank, RB_OIDC_MAX_DISCOVERY + 1, &error));
    assert_true(rb_is_refusal(error, RB_OIDC_DISCOVERY));
}

/* An issuer that cannot be read leaves nothing to sign in with, and says why. */
static void
test_not_read_yet(void **state)
{
    g_autofree char *problems = NULL, *url = NULL;
    g_autoptr(RbProviders) providers = issuer_load(issuer,
                                                   "identity_providers:\n  - { id: a, type: oidc, issuer: "
                                                   "\"%ISSUER%\", client_id: c, client_auth: none }\n",
                                                   &problems);
    g_autoptr(RbSignIn) sign_in = NULL;
    g_autoptr(GError) error = NULL;
    json_t *status = rb_provider_status(rb_providers_item(providers, 0), ISSUER_NOW);

    (void)state;
    url = rb_provider_begin(rb_providers_item(providers, 0), "s", FALSE, FALSE, ISSUER_NOW, &sign_in, &error);
    assert_null(url);
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_NETWORK));
    assert_true(json_is_false(json_object_get(status, "usable")));
    assert_string_equal(json_string_value(json_object_get(status, "type")), "oidc");
    json_decref(status);
}

static int
set_up(void **state)
{
    (void)state;
    issuer = issuer_new();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    issuer_free(issuer);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configurations),
        cmocka_unit_test(test_discovery),
        cmocka_unit_test(test_discovery_too_large),
        cmocka_unit_test(test_not_read_yet),
    };

    return cmocka_run_group_tests_name("oidc_config", tests, set_up, tear_down);
}
