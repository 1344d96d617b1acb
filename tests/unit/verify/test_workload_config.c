/* What rolebridge.yaml may say of a workload issuer, its keys in a file, and what a name is made of. */
#include "party.h"

#include "verify/workload.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define W "id: a, type: workload, "
#define FULL W "issuer: \"https://x.example\", audience: rolebridge, name: \"n${sub}\""

/* clang-format off */
static const struct {
    const char *name, *fields, *want; /* NULL: fine */
} configurations[] = {
    { "fine", FULL, NULL },
    { "fine, everything", FULL ", title: T, realm: r, algorithms: [ES256], groups: teams, claims: [a, b], max_age: 15m, refresh: 10m, jwks_uri: \"https://y.example/keys\"", NULL },
    { "loopback in clear", W "issuer: \"http://127.0.0.1:9000\", audience: a, name: \"x${sub}\", jwks_uri: \"http://127.0.0.1:9000/k\"", NULL },
    { "no issuer", W "audience: a, name: \"x${sub}\"", "'issuer'" },
    { "issuer in clear", W "issuer: \"http://x.example\", audience: a, name: \"x${sub}\"", "an issuer is an https address" },
    { "issuer no address", W "issuer: kubernetes/serviceaccount, audience: a, name: \"x${sub}\"", "an issuer is an https address" },
    { "no audience", W "issuer: \"https://x.example\", name: \"x${sub}\"", "the audience that tokens for us are made for is needed" },
    { "audience empty", W "issuer: \"https://x.example\", audience: [\"\"], name: \"x${sub}\"", "an empty audience" },
    { "no name", W "issuer: \"https://x.example\", audience: a", "'name'" },
    { "name without a claim", W "issuer: \"https://x.example\", audience: a, name: ci", "would be the same for every workload" },
    { "name, two claims side by side", W "issuer: \"https://x.example\", audience: a, name: \"${a}${b}\"", "nothing between them" },
    { "name not closed", W "issuer: \"https://x.example\", audience: a, name: \"x${a\"", "'${' without a claim's name" },
    { "name, empty claim", W "issuer: \"https://x.example\", audience: a, name: \"x${}\"", "'${' without a claim's name" },
    { "name, claim in a claim", W "issuer: \"https://x.example\", audience: a, name: \"x${a${b}}\"", "'${' without a claim's name" },
    { "name with a blank", W "issuer: \"https://x.example\", audience: a, name: \"ci ${a}\"", "letters, digits and _+=,.@-" },
    { "name with a colon", W "issuer: \"https://x.example\", audience: a, name: \"${a}:${b}\"", "letters, digits and _+=,.@-" },
    { "keys in clear", FULL ", jwks_uri: \"http://x.example/keys\"", "keys are only fetched by https" },
    { "keys by another scheme", FULL ", jwks_uri: \"file:///etc/passwd\"", "keys are only fetched by https" },
    { "keys in no file", FULL ", jwks_uri: nowhere.json", "nowhere.json" },
    { "algorithm HS256", FULL ", algorithms: [HS256]", "an algorithm that is never accepted" },
    { "max_age too short", FULL ", max_age: 1s", "max_age" },
    { "max_age too long", FULL ", max_age: 30d", "max_age" },
    { "unknown key", FULL ", audiences: x", "did you mean 'audience'?" },
    { "a key of people's issuers", FULL ", client_id: x", "client_id" },
};

static const struct {
    const char *name, *others;
    gboolean fine;
} neighbours[] = {
    { "one issuer, two audiences", "{ id: b, type: workload, issuer: \"https://x.example\", audience: other, name: \"m${sub}\" }", TRUE },
    { "two issuers, one audience", "{ id: b, type: workload, issuer: \"https://y.example\", audience: rolebridge, name: \"m${sub}\" }", TRUE },
    { "one issuer, one audience", "{ id: b, type: workload, issuer: \"https://x.example\", audience: [other, rolebridge], name: \"m${sub}\" }", FALSE },
    { "people's client is the audience", "{ id: b, type: oidc, issuer: \"https://x.example\", client_id: rolebridge, client_auth: none }", FALSE },
    { "people's client is another", "{ id: b, type: oidc, issuer: \"https://x.example\", client_id: portal, client_auth: none }", TRUE },
};
/* clang-format on */

static void
test_configuration(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(configurations); i++) {
        g_autofree char *yaml =
            g_strdup_printf("identity_providers:\n  - { %s }\n", configurations[i].fields);
        g_autofree char *problems = NULL;
        g_autoptr(RbProviders) loaded = issuer_load(issuer, yaml, &problems);
        gboolean fine = configurations[i].want == NULL;
        if ((loaded != NULL) != fine || (!fine && strstr(problems, configurations[i].want) == NULL))
            fail_msg("%s: %s", configurations[i].name, problems);
        if (!fine && strstr(problems, "rolebridge.yaml:2:") == NULL)
            fail_msg("%s: no place in %s", configurations[i].name, problems);
    }
}

/* Whose a token is must be plain, and a person's ID token no workload's. */
static void
test_neighbours(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(neighbours); i++) {
        g_autofree char *yaml =
            g_strdup_printf("identity_providers:\n  - { " FULL " }\n  - %s\n", neighbours[i].others);
        g_autofree char *problems = NULL;
        g_autoptr(RbProviders) loaded = issuer_load(issuer, yaml, &problems);
        if ((loaded != NULL) != neighbours[i].fine ||
            (loaded == NULL && strstr(problems, "whose a token is cannot be told") == NULL))
            fail_msg("%s: %s", neighbours[i].name, problems);
    }
}

static void
test_nobody_signs_in(void **state)
{
    g_autofree char *problems = NULL, *url = NULL;
    g_autoptr(RbProviders) loaded = issuer_load(issuer, "identity_providers:\n  - { " FULL " }\n", &problems);
    RbProvider *provider = rb_providers_find(loaded, "a");
    g_autoptr(RbSignIn) sign_in = NULL;
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_string_equal(rb_provider_type(provider), "workload");
    assert_false(rb_provider_signs_people_in(provider));
    url = rb_provider_begin(provider, "s", FALSE, FALSE, ISSUER_NOW, &sign_in, &error);
    assert_null(url);
    assert_true(rb_is_refusal(error, RB_SIGN_IN_NO_PROVIDER));
}

/* A cluster whose issuer cannot be reached: its keys in a file, looked at every half a minute, and never too
 * old. */
static void
test_keys_in_a_file(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("rb-keys-XXXXXX", NULL), *problems = NULL;
    g_autofree char *path = g_build_filename(folder, "cluster.json", NULL);
    g_autofree char *one = jose_jwk(issuer->rsa, "rsa", NULL), *set = jose_jwks(one, NULL);
    g_autofree char *other = jose_jwk(issuer->next, "next", NULL), *next = jose_jwks(other, NULL);
    g_autofree char *yaml = g_strdup_printf("identity_providers:\n  - { id: k, type: workload, issuer: "
                                            "\"https://kubernetes.default.svc\", audience: rolebridge, name: "
                                            "\"x${n}\", jwks_uri: \"%s\" }\n",
                                            path);
    static const char claims[] =
        "{\"iss\":\"https://kubernetes.default.svc\",\"aud\":[\"rolebridge\"],\"sub\":\"s\","
        "\"n\":\"1\",\"iat\":1900000000,\"exp\":1900000600}";
    g_autofree char *token = jose_sign(issuer->rsa, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", claims);
    g_autofree char *rotated =
        jose_sign(issuer->next, "RS256", "{\"alg\":\"RS256\",\"kid\":\"next\"}", claims);
    g_autoptr(RbProviders) loaded = NULL;
    g_autoptr(RbVerified) before = NULL, after = NULL, kept = NULL;
    g_autoptr(GError) error = NULL, failed = NULL;

    (void)state;
    assert_true(g_file_set_contents(path, set, -1, NULL));
    loaded = issuer_load(issuer, yaml, &problems);
    if (loaded == NULL)
        fail_msg("%s", problems);
    before = rb_providers_token(loaded, token, 1900000000, &error);
    expect_outcome("by the file", before, error, "accepted");
    assert_true(g_file_set_contents(path, next, -1, NULL));
    after = rb_providers_token(loaded, rotated, 1900000000, &error);
    expect_outcome("by the new file", after, error, "accepted");
    assert_true(g_file_set_contents(path, "{", -1, NULL));
    assert_int_equal(rb_provider_refresh(rb_providers_item(loaded, 0), 1900000100, &failed),
                     1900000100 + RB_KEYRING_FILE_S);
    assert_true(rb_is_refusal(failed, RB_OIDC_KEYS));
    kept = rb_providers_token(loaded, rotated, 1900000100, &error);
    expect_outcome("by what was known", kept, error, "accepted");
    assert_int_equal(g_remove(path), 0);
    assert_int_equal(g_rmdir(folder), 0);
}

/* ---- names ---- */

/* No two sets of values make one name. */
static void
test_names_part(void **state)
{
    static const char *const values[] = { "a", "-", "a-", "-a", "a-a", "--", "b", "=", "a=" };
    static const char *const templates[] = { "${x}-${y}", "p${x}--${y}", "${x}-=${y}s", "q-${x}=-${y}" };
    const char *why = NULL;

    (void)state;
    for (gsize t = 0; t < G_N_ELEMENTS(templates); t++) {
        g_autoptr(GArray) parts = rb_name_template_parse(templates[t], &why);
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        guint made = 0;
        assert_non_null(parts);
        for (gsize i = 0; i < G_N_ELEMENTS(values) * G_N_ELEMENTS(values); i++) {
            const char *const x[] = { values[i / G_N_ELEMENTS(values)], NULL }, *const y[] = {
                values[i % G_N_ELEMENTS(values)], NULL
            };
            const RbAttribute both[] = { { "x", x }, { "y", y } };
            g_autoptr(GArray) attributes = g_array_new(FALSE, FALSE, sizeof(RbAttribute));
            char *name;
            g_array_append_vals(attributes, both, G_N_ELEMENTS(both));
            name = rb_name_template_fill(parts, attributes, NULL);
            if (name == NULL)
                continue;
            made++;
            if (!g_hash_table_add(seen, name))
                fail_msg("%s: two sets of values make one name", templates[t]);
        }
        assert_true(made >= 9);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration),   cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_nobody_signs_in), cmocka_unit_test(test_keys_in_a_file),
        cmocka_unit_test(test_names_part),
    };

    return cmocka_run_group_tests_name("workload_config", tests, party_set_up, party_tear_down);
}
