#include "helper.h"

#include "base/file.h"
#include "sandbox/box.h"
#include "sandbox/token.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define URL "https://localhost:9443"
#define ISSUER URL "/idp/oidc"
#define BACK "https://localhost:8443/oidc/corp-oidc/callback"
#define BACK_ENCODED "https%3A%2F%2Flocalhost%3A8443%2Foidc%2Fcorp-oidc%2Fcallback"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" /* RFC 7636, appendix B */
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define MFA "https%3A%2F%2Frefeds.org%2Fprofile%2Fmfa"
#define ASK "/idp/oidc/authorize?client_id=rolebridge&redirect_uri=" BACK_ENCODED "&response_type=code&scope=openid+email"
#define PKCE "&code_challenge=" CHALLENGE "&code_challenge_method=S256"
#define MORE "&state=s%26t&nonce=n-1"
/* clang-format on */

typedef struct {
    char *dir, *secret;
    gint64 now;
    RbBoxConfig *config; /* borrowed */
    RbBox *box;
} World;

static gint64
world_now(gpointer data)
{
    return ((World *)data)->now;
}

static World *
world_new(const char *algorithm)
{
    World *world = g_new0(World, 1);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL, *secret_path = NULL, *text = NULL;

    world->now = TEST_NOW;
    world->dir = g_dir_make_tmp("sandbox-openid-XXXXXX", NULL);
    assert_true(test_init_dir(world->dir));
    secret_path = g_build_filename(world->dir, "corp-oidc.secret", NULL);
    assert_true(g_file_get_contents(secret_path, &world->secret, NULL, NULL));
    path = g_build_filename(world->dir, "box.yaml", NULL);
    text = g_strdup_printf(
        "rolebridge: 1\npublic_url: " URL
        "\nidentity_provider: { signing: { certificate: idp.pem, key: idp.key } }\n"
        "openid_provider:\n  rsa_key: oidc-rsa.key\n  ec_key: oidc-ec.key\n  clients:\n"
        "    - { id: rolebridge, secret: {file: corp-oidc.secret}, algorithm: %s, redirect_uris: [\"" BACK
        "\"], logout_uris: [\"https://localhost:8443/out\"] }\n"
        "    - { id: other, secret: {file: corp-oidc.secret}, redirect_uris: [\"" BACK "\"] }\n"
        "ci: { key: ci.key }\npeople:\n"
        "  - { uid: ada, name: Ada, groups: [acme-all, acme-data-science], attributes: { costCenter: "
        "\"4711\" } }\n",
        algorithm);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    world->config = rb_box_config_load(path, NULL, problems);
    assert_int_equal(rb_diagnostics_size(problems), 0);
    world->box = rb_box_new(world->config, (RbClock){ world_now, world }, problems, &error);
    if (world->box == NULL)
        fail_msg("%s", error->message);
    return world;
}

static void
world_free(World *world)
{
    rb_box_free(world->box);
    test_remove_dir(world->dir);
    g_free(world->dir);
    g_free(world->secret);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static Got
ask(const World *world, const char *method, const char *target, const char *form, const char *authorization,
    const char *cookie)
{
    g_autoptr(RbBoxRequest) request = rb_box_request_new(method, target, "127.0.0.1", TRUE);
    RbBoxAnswer answer;

    if (form != NULL) {
        rb_box_request_add_header(request, "Content-Type", "application/x-www-form-urlencoded");
        g_string_append(request->body, form);
    }
    if (authorization != NULL)
        rb_box_request_add_header(request, "Authorization", authorization);
    if (cookie != NULL)
        rb_box_request_add_header(request, "Cookie", cookie);
    rb_box_answer_init(&answer);
    rb_box_answer(world->box, request, &answer);
    return test_got(&answer);
}

static char *
between(const char *text, const char *before, const char *ends)
{
    const char *start = text == NULL ? NULL : strstr(text, before);

    return start == NULL ? NULL : g_strndup(start + strlen(before), strcspn(start + strlen(before), ends));
}

/* Ada at the page that @target shows: she presses @factor. */
static Got
press(const World *world, const char *target, const char *factor)
{
    g_auto(Got) page = ask(world, "GET", target, NULL, NULL, NULL);
    g_autofree char *token = between(page.body, "name=\"sign_in\" value=\"", "\""), *form = NULL;

    if (token == NULL)
        fail_msg("no page: %d %s", page.status, page.body);
    form = g_strdup_printf("sign_in=%s&username=ada&password=ada&factor=%s", token, factor);
    return ask(world, "POST", "/idp/login", form, NULL, NULL);
}

static char *
basic(const char *id, const char *secret)
{
    g_autofree char *pair = g_strdup_printf("%s:%s", id, secret);
    g_autofree char *encoded = g_base64_encode((const guint8 *)pair, strlen(pair));

    return g_strconcat("Basic ", encoded, NULL);
}

static Got
redeem(const World *world, const char *code)
{
    g_autofree char *form = g_strconcat("grant_type=authorization_code&code=", code,
                                        "&redirect_uri=" BACK_ENCODED "&code_verifier=" VERIFIER, NULL);
    g_autofree char *who = basic("rolebridge", world->secret);

    return ask(world, "POST", "/idp/oidc/token", form, who, NULL);
}

/* The claims of the token in @json's @member, when a key of @set made it. */
static json_t *
claims_of(const World *world, const char *json, const char *member, const char *set, const char *alg)
{
    g_auto(Got) keys = ask(world, "GET", set, NULL, NULL, NULL);
    g_autoptr(GBytes) jwks = g_bytes_new(keys.body, strlen(keys.body));
    json_t *root = json_loads(json, 0, NULL);
    const char *text = json_string_value(json_object_get(root, member));
    g_autoptr(RbBoxToken) token = text == NULL ? NULL : rb_box_token_read(text);
    json_t *claims;

    if (token == NULL)
        fail_msg("no token: %s", json);
    assert_int_equal(rb_box_token_check_signature(token, jwks), RB_BOX_SIGNED);
    assert_string_equal(token->alg, alg);
    claims = json_deep_copy(token->claims);
    json_decref(root);
    return claims;
}

static const char *
text_of(const json_t *claims, const char *name)
{
    return json_string_value(json_object_get(claims, name));
}

static void
test_discovery(void **state)
{
    g_autoptr(World) world = world_new("ES256");
    static const char *const places[][2] = { { "/idp/oidc", ISSUER }, { "/ci", URL "/ci" } };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *path = g_strconcat(places[i][0], "/.well-known/openid-configuration", NULL);
        g_auto(Got) got = ask(world, "GET", path, NULL, NULL, NULL);
        json_t *root = json_loads(got.body, JSON_REJECT_DUPLICATES, NULL);
        g_autofree char *jwks = g_strconcat(places[i][1], "/jwks.json", NULL);

        assert_int_equal(got.status, 200);
        assert_string_equal(text_of(root, "issuer"), places[i][1]);
        assert_string_equal(text_of(root, "jwks_uri"), jwks);
        json_decref(root);
    }
}

static void
test_sign_in(void **state)
{
    static const struct {
        const char *algorithm, *factor, *acr, *amr;
    } ways[] = {
        { "ES256", "password", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "pwd" },
        { "RS256", "second", "https://refeds.org/profile/mfa", "pwd hwk mfa" },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autoptr(World) world = world_new(ways[i].algorithm);
        g_auto(Got) in = press(world, ASK PKCE MORE, ways[i].factor);
        g_autofree char *code = between(in.location, BACK "?code=", "&"), *bearer = NULL, *hash = NULL;
        g_auto(Got) tokens = redeem(world, code), twice = redeem(world, code);
        g_autofree char *access = between(tokens.body, "\"access_token\":\"", "\"");
        json_t *claims, *amr, *method, *groups;
        g_autoptr(GString) methods = g_string_new(NULL);
        g_auto(Got) user = { 0, NULL, NULL, NULL };
        guint8 digest[32];
        gsize k;

        assert_true(
            g_str_has_suffix(in.location, "&iss=https%3A%2F%2Flocalhost%3A9443%2Fidp%2Foidc&state=s%26t"));
        assert_int_equal(tokens.status, 200);
        claims = claims_of(world, tokens.body, "id_token", "/idp/oidc/jwks.json", ways[i].algorithm);
        assert_string_equal(text_of(claims, "iss"), ISSUER);
        assert_string_equal(text_of(claims, "aud"), "rolebridge");
        assert_string_equal(text_of(claims, "sub"), "ada");
        assert_string_equal(text_of(claims, "email"), "ada@acme.example");
        assert_string_equal(text_of(claims, "nonce"), "n-1");
        assert_string_equal(text_of(claims, "acr"), ways[i].acr);
        assert_string_equal(text_of(claims, "costCenter"), "4711");
        assert_int_equal(json_integer_value(json_object_get(claims, "auth_time")), TEST_NOW);
        rb_sha256(access, strlen(access), digest);
        hash = rb_base64url_encode(digest, 16);
        assert_string_equal(text_of(claims, "at_hash"), hash);
        groups = json_object_get(claims, "groups");
        assert_string_equal(json_string_value(json_array_get(groups, 1)), "acme-data-science");
        amr = json_object_get(claims, "amr");
        json_array_foreach(amr, k, method)
        {
            g_string_append_printf(methods, "%s%s", k == 0 ? "" : " ", json_string_value(method));
        }
        assert_string_equal(methods->str, ways[i].amr);
        json_decref(claims);
        assert_int_equal(twice.status, 400); /* a code is good once */
        assert_non_null(strstr(twice.body, "invalid_grant"));
        bearer = g_strconcat("Bearer ", access, NULL);
        user = ask(world, "GET", "/idp/oidc/userinfo", NULL, bearer, NULL);
        assert_int_equal(user.status, 200);
        assert_non_null(strstr(user.body, "\"sub\":\"ada\""));
    }
}

static void
test_requests(void **state)
{
    static const struct {
        const char *name, *target;
        int status;
        const char *error; /* NULL: a page */
    } rows[] = {
        { "a page", ASK PKCE MORE, 200, NULL },
        { "a stranger",
          "/idp/oidc/authorize?client_id=eve&redirect_uri=" BACK_ENCODED
          "&response_type=code&scope=openid" PKCE,
          400, NULL },
        { "another address",
          "/idp/oidc/"
          "authorize?client_id=rolebridge&redirect_uri=https%3A%2F%2Feve.example&response_type=code&scope="
          "openid" PKCE,
          400, NULL },
        { "no PKCE", ASK, 302, "invalid_request" },
        { "plain PKCE", ASK "&code_challenge=" CHALLENGE "&code_challenge_method=plain", 302,
          "invalid_request" },
        { "another type",
          "/idp/oidc/authorize?client_id=rolebridge&redirect_uri=" BACK_ENCODED
          "&response_type=token&scope=openid" PKCE,
          302, "unsupported_response_type" },
        { "no openid",
          "/idp/oidc/authorize?client_id=rolebridge&redirect_uri=" BACK_ENCODED
          "&response_type=code&scope=email" PKCE,
          302, "invalid_scope" },
        { "nobody may be asked", ASK PKCE "&prompt=none", 302, "login_required" },
    };
    g_autoptr(World) world = world_new("ES256");
    g_auto(Got) cancelled = press(world, ASK PKCE MORE, "cancel");

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Got) got = ask(world, "GET", rows[i].target, NULL, NULL, NULL);
        g_autofree char *error = between(got.location, BACK "?error=", "&");

        if (got.status != rows[i].status || g_strcmp0(error, rows[i].error) != 0)
            fail_msg("%s: %d %s", rows[i].name, got.status, got.location);
    }
    assert_non_null(strstr(cancelled.location, "?error=access_denied&iss="));
}

static void
test_tokens_refused(void **state)
{
    static const struct {
        const char *name, *id, *secret, *form; /* secret NULL: the right one; %s: the code */
        gint64 later;
        int status;
        const char *error;
    } rows[] = {
        { "another secret", "rolebridge", "x",
          "grant_type=authorization_code&code=%s&redirect_uri=" BACK_ENCODED "&code_verifier=" VERIFIER, 0,
          401, "invalid_client" },
        { "a stranger", "eve", NULL,
          "grant_type=authorization_code&code=%s&redirect_uri=" BACK_ENCODED "&code_verifier=" VERIFIER, 0,
          401, "invalid_client" },
        { "another's code", "other", NULL,
          "grant_type=authorization_code&code=%s&redirect_uri=" BACK_ENCODED "&code_verifier=" VERIFIER, 0,
          400, "invalid_grant" },
        { "another verifier", "rolebridge", NULL,
          "grant_type=authorization_code&code=%s&redirect_uri=" BACK_ENCODED "&code_verifier=" CHALLENGE, 0,
          400, "invalid_grant" },
        { "no verifier", "rolebridge", NULL,
          "grant_type=authorization_code&code=%s&redirect_uri=" BACK_ENCODED, 0, 400, "invalid_grant" },
        { "another address", "rolebridge", NULL,
          "grant_type=authorization_code&code=%s&redirect_uri=https%3A%2F%2Feve.example&code_"
          "verifier=" VERIFIER,
          0, 400, "invalid_grant" },
        { "a minute later", "rolebridge", NULL,
          "grant_type=authorization_code&code=%s&redirect_uri=" BACK_ENCODED "&code_verifier=" VERIFIER, 60,
          400, "invalid_grant" },
        { "another grant", "rolebridge", NULL, "grant_type=password&code=%s", 0, 400,
          "unsupported_grant_type" },
    };
    g_autoptr(World) world = world_new("ES256");
    g_auto(Got) nobody = ask(world, "GET", "/idp/oidc/userinfo", NULL, "Bearer x", NULL);

    (void)state;
    assert_int_equal(nobody.status, 401);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Got) in = press(world, ASK PKCE MORE, "password"), got = { 0, NULL, NULL, NULL };
        g_autofree char *code = between(in.location, "?code=", "&"), *who = NULL, *error = NULL;
        g_auto(GStrv) parts = g_strsplit(rows[i].form, "%s", 2);
        g_autofree char *form = g_strconcat(parts[0], code, parts[1], NULL);

        who = basic(rows[i].id, rows[i].secret == NULL ? world->secret : rows[i].secret);
        world->now += rows[i].later;
        got = ask(world, "POST", "/idp/oidc/token", form, who, NULL);
        error = between(got.body, "{\"error\":\"", "\"");
        if (got.status != rows[i].status || g_strcmp0(error, rows[i].error) != 0)
            fail_msg("%s: %d %s", rows[i].name, got.status, got.body);
    }
}

/* One sign-on serves both protocols, until it is too weak, too old, or ended. */
static void
test_single_sign_on(void **state)
{
    static const struct {
        const char *name, *more;
        gint64 later;
        gboolean asked;
    } rows[] = {
        { "again", "", 10, FALSE },           { "with a second factor", "&acr_values=" MFA, 0, TRUE },
        { "anew", "&prompt=login", 0, TRUE }, { "young enough", "&max_age=60", 0, FALSE },
        { "too old", "&max_age=5", 0, TRUE }, { "now", "&max_age=0", 0, TRUE },
    };
    g_autoptr(World) world = world_new("ES256");
    g_auto(Got) in = press(world, ASK PKCE MORE, "password"), out = { 0, NULL, NULL, NULL },
                again = { 0, NULL, NULL, NULL };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *target = g_strconcat(ASK PKCE MORE, rows[i].more, NULL);
        g_auto(Got) got = { 0, NULL, NULL, NULL };

        world->now += rows[i].later;
        got = ask(world, "GET", target, NULL, NULL, in.cookie);
        if ((got.status == 200) != rows[i].asked)
            fail_msg("%s: %d %s", rows[i].name, got.status, got.location);
    }
    out = ask(
        world, "GET",
        "/idp/oidc/"
        "logout?client_id=rolebridge&state=x&post_logout_redirect_uri=https%3A%2F%2Flocalhost%3A8443%2Fout",
        NULL, NULL, in.cookie);
    assert_string_equal(out.location, "https://localhost:8443/out?state=x");
    again = ask(world, "GET", ASK PKCE MORE, NULL, NULL, in.cookie);
    assert_int_equal(again.status, 200);
}

static void
test_logout_address(void **state)
{
    g_autoptr(World) world = world_new("ES256");
    g_auto(Got) out =
        ask(world, "GET",
            "/idp/oidc/logout?client_id=rolebridge&post_logout_redirect_uri=https%3A%2F%2Feve.example", NULL,
            NULL, NULL);

    (void)state;
    assert_int_equal(out.status, 200);
    assert_null(out.location);
}

static void
test_ci(void **state)
{
    g_autoptr(World) world = world_new("ES256");
    g_auto(Got) main_job = ask(world, "GET", "/ci/token", NULL, NULL, NULL);
    g_auto(Got) other =
        ask(world, "GET", "/ci/token?repository=acme/shop&ref=refs/tags/v1&audience=x&environment=prod", NULL,
            NULL, NULL);
    json_t *claims = claims_of(world, main_job.body, "value", "/ci/jwks.json", "RS256");
    json_t *others = claims_of(world, other.body, "value", "/ci/jwks.json", "RS256");

    (void)state;
    assert_string_equal(text_of(claims, "iss"), URL "/ci");
    assert_string_equal(text_of(claims, "sub"), "repo:acme/data-pipeline:ref:refs/heads/main");
    assert_string_equal(text_of(claims, "aud"), "rolebridge");
    assert_string_equal(text_of(claims, "repository_owner"), "acme");
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")), TEST_NOW + 300);
    assert_string_equal(text_of(others, "sub"), "repo:acme/shop:environment:prod");
    assert_string_equal(text_of(others, "aud"), "x");
    assert_string_equal(text_of(others, "ref_type"), "tag");
    assert_string_not_equal(text_of(others, "repository_id"), text_of(claims, "repository_id"));
    json_decref(claims);
    json_decref(others);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_discovery),
        cmocka_unit_test(test_sign_in),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_tokens_refused),
        cmocka_unit_test(test_single_sign_on),
        cmocka_unit_test(test_logout_address),
        cmocka_unit_test(test_ci),
    };

    return cmocka_run_group_tests_name("sandbox_openid", tests, NULL, NULL);
}
