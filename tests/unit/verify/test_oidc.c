/* Signing in by OpenID Connect: the request, the answer, the token endpoint, against an issuer whose every
 * answer is changed: each with its exact code. */
#include "party.h"

#include "base/encoding.h"
#include "verify/oidc.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the request ---- */

static void
test_request(void **state)
{
    static const struct {
        const char *name, *want;
    } fields[] = {
        { "response_type", "code" },
        { "client_id", "bridge" },
        { "redirect_uri", ISSUER_PUBLIC "/oidc/corp/callback" },
        { "scope", "openid profile email" },
        { "state", "rb1.state" },
        { "code_challenge_method", "S256" },
        { "max_age", NULL },
        { "prompt", NULL },
        { "acr_values", NULL },
        { "client_secret", NULL },
    };
    g_auto(Begun) begun = begin_with(fresh("corp"), FALSE, FALSE),
                  other = begin_with(fresh("corp"), FALSE, FALSE);
    g_autofree char *nonce = url_field(begun.url, "nonce"), *got = url_field(begun.url, "code_challenge"),
                    *want = NULL;
    guint8 digest[32];

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autofree char *value = url_field(begun.url, fields[i].name);
        if (g_strcmp0(value, fields[i].want) != 0)
            fail_msg("%s: %s", fields[i].name, value);
    }
    rb_sha256(begun.sign_in->pkce_verifier, strlen(begun.sign_in->pkce_verifier), digest);
    want = rb_base64url_encode(digest, sizeof digest);
    assert_string_equal(got, want);
    assert_string_equal(nonce, begun.nonce);
    assert_true(strlen(begun.nonce) >= 43 && strlen(begun.sign_in->pkce_verifier) >= 43);
    assert_string_not_equal(begun.nonce, other.nonce);
    assert_string_not_equal(begun.sign_in->pkce_verifier, other.sign_in->pkce_verifier);
    assert_null(strstr(begun.url, begun.sign_in->pkce_verifier));
}

static void
test_step_up_request(void **state)
{
    g_auto(Begun) begun = begin_with(fresh("corp"), TRUE, TRUE),
                  strict = begin_with(fresh("strict"), FALSE, FALSE);
    g_autofree char *acr = url_field(begun.url, "acr_values"), *age = url_field(begun.url, "max_age");
    g_autofree char *prompt = url_field(begun.url, "prompt"), *gold = url_field(strict.url, "acr_values");
    g_autofree char *hour = url_field(strict.url, "max_age"), *none = url_field(strict.url, "prompt");

    (void)state;
    assert_string_equal(acr, "urn:acme:2fa");
    assert_string_equal(age, "0");
    assert_string_equal(prompt, "login");
    assert_string_equal(gold, "gold");
    assert_string_equal(hour, "3600");
    assert_null(none);
}

/* A second factor that `mfa:` could never recognise is not asked for. */
static void
test_step_up_without_rules(void **state)
{
    g_autofree char *problems = NULL, *url = NULL;
    g_autoptr(RbProviders) bare = issuer_load(issuer,
                                              "identity_providers:\n  - { id: a, type: oidc, issuer: "
                                              "\"%ISSUER%\", client_id: b, client_auth: none }\n",
                                              &problems);
    g_autoptr(RbSignIn) sign_in = NULL;
    g_autoptr(GError) error = NULL;

    (void)state;
    url = rb_provider_begin(rb_providers_item(bare, 0), "s", TRUE, TRUE, ISSUER_NOW, &sign_in, &error);
    assert_null(url);
    assert_true(rb_is_refusal(error, RB_OIDC_MFA_MISSING));
}

static void
test_pushed_request(void **state)
{
    RbProvider *corp = fresh("corp");
    g_autofree char *more = g_strdup_printf(",\"pushed_authorization_request_endpoint\":\"%s/par\","
                                            "\"require_pushed_authorization_requests\":true",
                                            issuer->url);
    g_autoptr(GError) error = NULL, never = NULL;
    g_autoptr(RbSignIn) sign_in = NULL;
    g_autofree char *uri = NULL, *id = NULL, *state_sent = NULL, *url = NULL;

    (void)state;
    issuer->discovery_more = more;
    rb_provider_hurry(corp);
    (void)rb_provider_refresh(corp, ISSUER_NOW, NULL);
    {
        g_auto(Begun) begun = begin_with(corp, FALSE, FALSE);
        uri = url_field(begun.url, "request_uri");
        id = url_field(begun.url, "client_id");
        assert_null(strstr(begun.url, "nonce"));
        assert_null(strstr(begun.url, "rb1.state"));
    }
    state_sent = url_field(issuer->form[ASK_PAR], "state");
    assert_string_equal(uri, "urn:ietf:params:oauth:request_uri:1");
    assert_string_equal(id, "bridge");
    assert_string_equal(state_sent, "rb1.state");
    assert_true(g_str_has_prefix(issuer->authorization[ASK_PAR], "Basic "));
    issuer_says(issuer, ASK_PAR, 400, g_strdup("{\"error\":\"invalid_request\"}"));
    url = rb_provider_begin(corp, "s", FALSE, FALSE, ISSUER_NOW, &sign_in, &error);
    assert_null(url);
    assert_true(rb_is_refusal(error, RB_OIDC_REQUEST));
    assert_non_null(strstr(error->message, "invalid_request"));
    {
        RbProvider *public = rb_providers_find(providers, "public"); /* par: never, where they are required */
        rb_provider_hurry(public);
        (void)rb_provider_refresh(public, ISSUER_NOW, NULL);
        url = rb_provider_begin(public, "s", FALSE, FALSE, ISSUER_NOW, &sign_in, &never);
        assert_null(url);
        assert_true(rb_is_refusal(never, RB_OIDC_REQUEST));
    }
    (void)fresh("public");
}

static void
test_pushed_answers(void **state)
{
    static const struct {
        const char *name;
        int status;
        const char *body, *want;
    } rows[] = {
        { "no request_uri", 201, "{}", "oidc.request" },
        { "request_uri empty", 201, "{\"request_uri\":\"\"}", "oidc.request" },
        { "not JSON", 201, "<html>", "oidc.token_answer" },
        { "busy", 503, "{}", "fault.network" },
        { "redirect", 302, "", "fault.network" },
    };
    RbProvider *corp = fresh("corp");
    g_autofree char *more =
        g_strdup_printf(",\"pushed_authorization_request_endpoint\":\"%s/par\"", issuer->url);

    (void)state;
    issuer->discovery_more = more;
    rb_provider_hurry(corp);
    (void)rb_provider_refresh(corp, ISSUER_NOW, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbSignIn) sign_in = NULL;
        g_autofree char *url = NULL;
        issuer_says(issuer, ASK_PAR, rows[i].status, g_strdup(rows[i].body));
        url = rb_provider_begin(corp, "s", FALSE, FALSE, ISSUER_NOW, &sign_in, &error);
        if (url != NULL || strcmp(rb_outcome(error)->id, rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].name, error == NULL ? "taken" : error->message);
    }
    (void)fresh("corp");
}

/* ---- a whole sign-in ---- */

static void
test_sign_in(void **state)
{
    RbProvider *corp = fresh("corp");
    g_auto(Begun) begun = begin_with(corp, FALSE, FALSE);
    g_autofree char *token = issuer_token(
        issuer, begun.nonce,
        "\"sid\":\"s-1\",\"auth_time\":1699999990,\"amr\":[\"pwd\",\"hwk\"],\"department\":\"Research\","
        "\"realm_access\":{\"roles\":[\"role-a\"]},\"level\":7,\"ok\":true");
    g_autofree char *verifier = NULL, *code = NULL, *redirect = NULL;
    g_autoptr(RbVerified) verified = NULL;
    g_autoptr(GError) error = NULL;
    const RbIdentity *identity;

    (void)state;
    issuer_gives(issuer, token);
    verified = finish_at(corp, begun.sign_in, GOOD, ISSUER_NOW, &error);
    expect_outcome("sign-in", verified, error, "accepted");
    identity = verified->identity;
    assert_string_equal(identity->subject, "ada");
    assert_string_equal(identity->name, "ada");
    assert_string_equal(identity->issuer, issuer->url);
    assert_string_equal(identity->provider, "corp");
    assert_string_equal(identity->session_index, "s-1");
    assert_int_equal(identity->authenticated_at, 1699999990);
    assert_true(identity->mfa);
    assert_int_equal(identity->n_groups, 3);
    assert_true(rb_identity_has_group(identity, "role-a"));
    assert_string_equal(rb_identity_attribute(identity, "department")[0], "Research");
    assert_string_equal(rb_identity_attribute(identity, "level")[0], "7");
    assert_null(rb_identity_attribute(identity, "nonce"));
    assert_true(verified->replay_until == ISSUER_NOW + 300 + 60);
    assert_non_null(strstr(verified->replay_key, "corp:"));
    assert_null(strstr(verified->replay_key, begun.nonce));
    code = url_field(issuer->form[ASK_TOKEN], "code");
    verifier = url_field(issuer->form[ASK_TOKEN], "code_verifier");
    redirect = url_field(issuer->form[ASK_TOKEN], "redirect_uri");
    assert_string_equal(code, "c1");
    assert_string_equal(verifier, begun.sign_in->pkce_verifier);
    assert_string_equal(redirect, ISSUER_PUBLIC "/oidc/corp/callback");
    assert_string_equal(issuer->authorization[ASK_TOKEN],
                        "Basic YnJpZGdlOnMzY3JldCUyNm1vcmU="); /* bridge:s3cret%26more */
    assert_int_equal(issuer->asked[ASK_USERINFO], 0);
}

/* Every algorithm, end to end. */
static void
test_algorithms(void **state)
{
    RbProvider *corp = fresh("corp");
    const struct {
        const char *alg, *kid;
        EVP_PKEY *key;
    } rows[] = {
        { "RS256", "rsa", issuer->rsa },   { "PS256", "rsa", issuer->rsa }, { "ES256", "p256", issuer->p256 },
        { "ES384", "p384", issuer->p384 }, { "EdDSA", "ed", issuer->ed },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Begun) begun = begin_with(corp, FALSE, FALSE);
        g_autofree char *header =
            g_strdup_printf("{\"alg\":\"%s\",\"kid\":\"%s\"}", rows[i].alg, rows[i].kid);
        g_autofree char *hash = rb_jws_half_hash(rb_jws_algorithm(rows[i].alg), "at-1");
        g_autofree char *change = g_strdup_printf("\"at_hash\":\"%s\"", hash);
        g_autofree char *claims = issuer_claims(issuer, begun.nonce, change);
        g_autofree char *token = jose_sign(rows[i].key, rows[i].alg, header, claims);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        issuer_gives(issuer, token);
        verified = finish_at(corp, begun.sign_in, GOOD, ISSUER_NOW, &error);
        expect_outcome(rows[i].alg, verified, error, "accepted");
    }
}

/* ---- the answer of the authorization endpoint ---- */

/* clang-format off */
static const struct {
    const char *name, *query, *want;
    gboolean says_iss;
} answers[] = {
    { "good", GOOD, "accepted", FALSE },
    { "iss named, right", GOOD "&iss=%ISSUER%", "accepted", TRUE },
    { "iss of another", GOOD "&iss=https%3A%2F%2Fevil.example", "oidc.issuer", FALSE },
    { "iss with a slash more", GOOD "&iss=%ISSUER%/", "oidc.issuer", FALSE },
    { "iss promised and missing", GOOD, "oidc.issuer", TRUE },
    { "iss empty", GOOD "&iss=", "oidc.issuer", FALSE },
    { "state of another", "code=c1&state=rb1.other", "oidc.state", FALSE },
    { "state cut off", "code=c1&state=rb1.stat", "oidc.state", FALSE },
    { "state empty", "code=c1&state=", "oidc.state", FALSE },
    { "no state", "code=c1", "oidc.state", FALSE },
    { "no code", "state=rb1.state", "oidc.malformed", FALSE },
    { "code empty", "code=&state=rb1.state", "oidc.malformed", FALSE },
    { "refused", "error=access_denied&error_description=No%0Away&state=rb1.state", "oidc.refused", FALSE },
    { "refused, with a code", GOOD "&error=access_denied", "oidc.refused", FALSE },
    { "cannot sign in that way", "error=unmet_authentication_requirements&state=rb1.state", "oidc.acr", FALSE },
    { "an error without state", "error=access_denied", "oidc.state", FALSE },
    { "an error of another issuer", "error=access_denied&state=rb1.state&iss=https%3A%2F%2Fevil.example", "oidc.issuer", FALSE },
};
/* clang-format on */

static void
test_answers(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        RbProvider *corp = fresh("corp");
        g_auto(Begun) begun = { 0 };
        g_autofree char *token = NULL;
        g_autoptr(GString) query = g_string_new(answers[i].query);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        issuer->discovery_more =
            answers[i].says_iss ? ",\"authorization_response_iss_parameter_supported\":true" : NULL;
        rb_provider_hurry(corp);
        (void)rb_provider_refresh(corp, ISSUER_NOW, NULL);
        begun = begin_with(corp, FALSE, FALSE);
        token = issuer_token(issuer, begun.nonce, NULL);
        issuer_gives(issuer, token);
        (void)g_string_replace(query, "%ISSUER%", issuer->url, 0);
        verified = finish_at(corp, begun.sign_in, query->str, ISSUER_NOW, &error);
        expect_outcome(answers[i].name, verified, error, answers[i].want);
        if (strcmp(answers[i].want, "accepted") != 0)
            assert_int_equal(issuer->asked[ASK_TOKEN], 0); /* the code goes nowhere */
    }
}

static void
test_unsolicited(void **state)
{
    RbProvider *corp = fresh("corp");
    g_autoptr(GError) error = NULL, posted = NULL, large = NULL;
    g_autoptr(RbVerified) verified = finish_at(corp, NULL, GOOD, ISSUER_NOW, &error);
    g_auto(Begun) begun = begin_with(corp, FALSE, FALSE);
    const RbInbound post = { .method = "POST" };
    g_autofree char *code = g_strnfill(RB_OIDC_MAX_CODE + 1, 'c'),
                    *query = g_strconcat("state=rb1.state&code=", code, NULL);

    (void)state;
    expect_outcome("nobody asked", verified, error, id_of(RB_OIDC_UNSOLICITED));
    assert_null(rb_provider_finish(corp, begun.sign_in, &post, ISSUER_NOW, &posted));
    assert_true(rb_is_refusal(posted, RB_OIDC_MALFORMED));
    assert_null(finish_at(corp, begun.sign_in, query, ISSUER_NOW, &large));
    assert_true(rb_is_refusal(large, RB_OIDC_MALFORMED));
}

/* ---- the token endpoint ---- */

static void
test_token_endpoint(void **state)
{
    static const struct {
        const char *name;
        int status;
        const char *body, *want;
    } rows[] = {
        { "code used", 400, "{\"error\":\"invalid_grant\"}", "oidc.token_refused" },
        { "client wrong", 401, "{\"error\":\"invalid_client\"}", "oidc.token_refused" },
        { "refused in HTML", 403, "<html>no</html>", "oidc.token_refused" },
        { "too many", 429, "{}", "fault.network" },
        { "down", 502, "<html>", "fault.network" },
        { "redirect", 302, "", "fault.network" },
        { "HTML", 200, "<html>sign in</html>", "oidc.token_answer" },
        { "empty", 200, "", "oidc.token_answer" },
        { "a list", 200, "[]", "oidc.token_answer" },
        { "no tokens", 200, "{}", "oidc.token_answer" },
        { "no ID token", 200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", "oidc.token_answer" },
        { "no access token", 200, "{\"id_token\":\"a\",\"token_type\":\"Bearer\"}", "oidc.token_answer" },
        { "no type", 200, "{\"access_token\":\"a\",\"id_token\":\"a\"}", "oidc.token_answer" },
        { "type DPoP", 200, "{\"access_token\":\"a\",\"id_token\":\"a\",\"token_type\":\"DPoP\"}",
          "oidc.token_answer" },
        { "ID token twice", 200,
          "{\"access_token\":\"a\",\"id_token\":\"a\",\"id_token\":\"b\",\"token_type\":\"Bearer\"}",
          "oidc.token_answer" },
        { "ID token a number", 200, "{\"access_token\":\"a\",\"id_token\":1,\"token_type\":\"Bearer\"}",
          "oidc.token_answer" },
        { "access token splits a header", 200,
          "{\"access_token\":\"a\\r\\nX: y\",\"id_token\":\"a\",\"token_type\":\"Bearer\"}",
          "oidc.token_answer" },
        { "ID token no token", 200, "{\"access_token\":\"a\",\"id_token\":\"a\",\"token_type\":\"Bearer\"}",
          "jwt.malformed" },
    };
    RbProvider *corp = fresh("corp");

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Begun) begun = begin_with(corp, FALSE, FALSE);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        issuer_says(issuer, ASK_TOKEN, rows[i].status, g_strdup(rows[i].body));
        verified = finish_at(corp, begun.sign_in, GOOD, ISSUER_NOW, &error);
        expect_outcome(rows[i].name, verified, error, rows[i].want);
    }
}

static void
test_token_answer_too_large(void **state)
{
    RbProvider *corp = fresh("corp");
    g_auto(Begun) begun = begin_with(corp, FALSE, FALSE);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = NULL;

    (void)state;
    issuer_says(issuer, ASK_TOKEN, 200, g_strnfill(10 * 1024 * 1024, ' '));
    verified = finish_at(corp, begun.sign_in, GOOD, ISSUER_NOW, &error);
    expect_outcome("10 MiB", verified, error, "fault.network");
}

static void
test_client_authentication(void **state)
{
    static const char *const ids[] = { "post", "public" };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
        RbProvider *provider = fresh(ids[i]);
        g_auto(Begun) begun = begin_with(provider, FALSE, FALSE);
        g_autofree char *token = issuer_token(issuer, begun.nonce, "\"email\":\"ada@acme.example\"");
        g_autofree char *secret = NULL, *id = NULL;
        g_autoptr(RbVerified) verified = NULL;
        g_autoptr(GError) error = NULL;
        issuer_gives(issuer, token);
        verified = finish_at(provider, begun.sign_in, GOOD, ISSUER_NOW, &error);
        expect_outcome(ids[i], verified, error, "accepted");
        secret = url_field(issuer->form[ASK_TOKEN], "client_secret");
        id = url_field(issuer->form[ASK_TOKEN], "client_id");
        assert_null(issuer->authorization[ASK_TOKEN]);
        assert_string_equal(id, "bridge");
        assert_true(g_strcmp0(secret, i == 0 ? "s3cret&more" : NULL) == 0);
    }
}

/* private_key_jwt: an assertion for this token endpoint, of a minute's life, never the same twice. */
static void
test_private_key_jwt(void **state)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "rolebridge-client-XXXXXX", NULL), *text = NULL,
                    *problems = NULL;
    g_autofree char *jwk = jose_jwk(issuer->p256, "k1", NULL), *set = jose_jwks(jwk, NULL), *first = NULL;
    g_autoptr(RbJwks) keys = rb_jwks_parse(set, strlen(set), NULL);
    g_autoptr(RbProviders) own = NULL;
    int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
    BIO *bio = BIO_new_fd(fd, BIO_NOCLOSE);

    (void)state;
    assert_int_equal(PEM_write_bio_PrivateKey(bio, issuer->p256, NULL, NULL, 0, NULL, NULL), 1);
    BIO_free(bio);
    close(fd);
    issuer_reset(issuer);
    text = g_strdup_printf("identity_providers:\n  - { id: pk, type: oidc, issuer: \"%%ISSUER%%\", "
                           "client_id: bridge, client_key: \"%s\", client_key_id: k1 }\n",
                           path);
    own = issuer_load(issuer, text, &problems);
    (void)unlink(path);
    if (own == NULL)
        fail_msg("%s", problems);
    (void)rb_provider_refresh(rb_providers_item(own, 0), ISSUER_NOW, NULL);
    for (guint i = 0; i < 2; i++) {
        g_auto(Begun) begun = begin_with(rb_providers_item(own, 0), FALSE, FALSE);
        g_autofree char *token = issuer_token(issuer, begun.nonce, NULL), *assertion = NULL, *type = NULL,
                        *aud = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        g_autoptr(RbJws) jws = NULL;
        const char *jti;
        issuer_gives(issuer, token);
        verified = finish_at(rb_providers_item(own, 0), begun.sign_in, GOOD, ISSUER_NOW, &error);
        expect_outcome("private_key_jwt", verified, error, "accepted");
        type = url_field(issuer->form[ASK_TOKEN], "client_assertion_type");
        assertion = url_field(issuer->form[ASK_TOKEN], "client_assertion");
        assert_string_equal(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        jws = rb_jws_verify(keys, RB_JWS_ES256, assertion, NULL);
        assert_non_null(jws);
        aud = g_strconcat(issuer->url, "/token", NULL);
        assert_string_equal(json_string_value(json_object_get(jws->claims, "aud")), aud);
        assert_string_equal(json_string_value(json_object_get(jws->claims, "iss")), "bridge");
        assert_string_equal(json_string_value(json_object_get(jws->claims, "sub")), "bridge");
        assert_int_equal(json_integer_value(json_object_get(jws->claims, "exp")), ISSUER_NOW + 60);
        jti = json_string_value(json_object_get(jws->claims, "jti"));
        assert_true(jti != NULL && g_strcmp0(jti, first) != 0);
        g_free(first);
        first = g_strdup(jti);
        assert_null(issuer->authorization[ASK_TOKEN]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_step_up_request),
        cmocka_unit_test(test_step_up_without_rules),
        cmocka_unit_test(test_pushed_request),
        cmocka_unit_test(test_pushed_answers),
        cmocka_unit_test(test_sign_in),
        cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_unsolicited),
        cmocka_unit_test(test_token_endpoint),
        cmocka_unit_test(test_token_answer_too_large),
        cmocka_unit_test(test_client_authentication),
        cmocka_unit_test(test_private_key_jwt),
    };

    return cmocka_run_group_tests_name("oidc", tests, party_set_up, party_tear_down);
}
