/* What rolebridge.yaml says of a provider, and what its metadata says: mistakes, pins, refresh, expiry. */
#include "world.h"

#include "base/refusal.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static World *world;

/* clang-format off */
static const struct {
    const char *name, *fields, *want; /* fields: of the one provider; want: part of the diagnostics */
} mistakes[] = {
    { "no type", "id: a", "missing" },
    { "unknown type", "id: a, type: samlp", "did you mean 'saml'?" },
    { "no metadata", "id: a, type: saml", "metadata" },
    { "bad id", "id: A/b, type: saml, metadata: metadata.xml", "this id cannot be part of an address" },
    { "unknown key", "id: a, type: saml, metadata: metadata.xml, group: x", "unknown key 'group'; did you mean 'groups'?" },
    { "metadata not there", "id: a, type: saml, metadata: nowhere.xml", "nowhere.xml': cannot read" },
    { "metadata is no metadata", "id: a, type: saml, metadata: rsa.crt", "save the identity provider's metadata there" },
    { "metadata in clear", "id: a, type: saml, metadata: \"http://idp.acme.example/metadata\"", "only fetched by https" },
    { "digest of the wrong length", "id: a, type: saml, metadata: metadata.xml, metadata_sha256: abc", "not a SHA-256 digest" },
    { "other digest", "id: a, type: saml, metadata: metadata.xml, metadata_sha256: 0000000000000000000000000000000000000000000000000000000000000000", "not metadata_sha256" },
    { "metadata not signed", "id: a, type: saml, metadata: metadata.xml, metadata_signing_certificate: other.crt", "the metadata is not signed" },
    { "no such entity", "id: a, type: saml, metadata: metadata.xml, idp_entity_id: x", "no such identity provider" },
    { "key not there", "id: a, type: saml, metadata: metadata.xml, signing_key: nowhere.key, signing_certificate: sp.crt", "nowhere.key': cannot read" },
    { "key that others can read", "id: a, type: saml, metadata: metadata.xml, signing_key: open.key, signing_certificate: sp.crt", "open.key'" },
    { "key that is none", "id: a, type: saml, metadata: metadata.xml, signing_key: empty.key, signing_certificate: sp.crt", "not an unencrypted PEM private key" },
    { "short key", "id: a, type: saml, metadata: metadata.xml, signing_key: weak.key, signing_certificate: weak.crt", "an RSA key of 1024 bits" },
    { "certificate of another key", "id: a, type: saml, metadata: metadata.xml, signing_key: sp.key, signing_certificate: other.crt", "of another key" },
    { "no certificate", "id: a, type: saml, metadata: metadata.xml, signing_key: sp.key", "without its certificate" },
    { "no key", "id: a, type: saml, metadata: metadata.xml, signing_certificate: sp.crt", "without its signing key" },
    { "certificate that is none", "id: a, type: saml, metadata: metadata.xml, signing_key: sp.key, signing_certificate: sp.key", "not a certificate" },
    { "EC key to decrypt", "id: a, type: saml, metadata: metadata.xml, decryption_key: ec.key, decryption_certificate: ec.crt", "only an RSA key can decrypt" },
    { "decryption certificate alone", "id: a, type: saml, metadata: metadata.xml, decryption_certificate: sp.crt", "without its decryption key" },
    { "refresh too often", "id: a, type: saml, metadata: metadata.xml, refresh: 1s", "refresh" },
    { "want unknown", "id: a, type: saml, metadata: metadata.xml, want: { responses_signed: true }", "did you mean 'response_signed'?" },
    { "not a boolean", "id: a, type: saml, metadata: metadata.xml, idp_initiated: maybe", "idp_initiated" },
};
/* clang-format on */

static void
test_mistakes(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        g_autofree char *yaml = g_strdup_printf("identity_providers:\n  - { %s }\n", mistakes[i].fields);
        g_autofree char *problems = NULL;
        g_autoptr(RbProviders) providers = world_load(world->idp, yaml, &problems);
        if (providers != NULL || strstr(problems, mistakes[i].want) == NULL)
            fail_msg("%s: %s", mistakes[i].name, problems);
        if (strstr(problems, "rolebridge.yaml:2:") == NULL && strstr(problems, "rolebridge.yaml:") == NULL)
            fail_msg("%s: no place in %s", mistakes[i].name, problems);
    }
}

/* All mistakes at once, over all providers. */
static void
test_all_at_once(void **state)
{
    static const char yaml[] = "mfa: { samls: x }\n"
                               "identity_providers:\n"
                               "  - { id: a, type: saml, metadata: nowhere.xml, signing_key: open.key }\n"
                               "  - { id: b, type: oidcc }\n"
                               "  - { id: c, type: saml, metadata: metadata.xml }\n"
                               "  - { id: c, type: saml, metadata: metadata.xml }\n";
    static const char *const want[] = { "did you mean 'saml'?", "nowhere.xml", "open.key", "'oidcc'",
                                        "have the id 'c'" };
    g_autofree char *problems = NULL;
    g_autoptr(RbProviders) providers = world_load(world->idp, yaml, &problems);

    (void)state;
    assert_null(providers);
    for (gsize i = 0; i < G_N_ELEMENTS(want); i++)
        if (strstr(problems, want[i]) == NULL)
            fail_msg("'%s' is not in %s", want[i], problems);
}

static void
test_values(void **state)
{
    RbProvider *corp = rb_providers_find(world->providers, "corp");

    (void)state;
    assert_int_equal(rb_providers_size(world->providers), 6);
    assert_ptr_equal(rb_providers_item(world->providers, 0), corp);
    assert_null(rb_providers_find(world->providers, "nobody"));
    assert_string_equal(rb_provider_id(corp), "corp");
    assert_string_equal(rb_provider_type(corp), "saml");
    assert_string_equal(rb_provider_title(corp), "Acme");
    assert_string_equal(rb_provider_realm(corp), "corp");
    assert_true(rb_provider_signs_people_in(corp));
    assert_string_equal(rb_provider_title(rb_providers_find(world->providers, "uid")), "uid");
}

static void
test_sp_metadata(void **state)
{
    g_autofree char *xml = rb_provider_metadata(rb_providers_find(world->providers, "corp"), IDP_NOW, NULL);
    g_autofree char *plain = rb_provider_metadata(rb_providers_find(world->providers, "uid"), IDP_NOW, NULL);
    g_autofree char *signing = idp_certificate(world->idp, IDP_SP), *flat = NULL;

    (void)state;
    g_auto(GStrv) lines = g_strsplit(signing, "\n", -1);

    flat = g_strjoinv("", lines);
    assert_non_null(strstr(xml, "entityID=\"" IDP_PUBLIC "/saml/corp/metadata\""));
    assert_non_null(strstr(xml, "AuthnRequestsSigned=\"true\""));
    assert_non_null(strstr(xml, flat));
    assert_non_null(strstr(xml, "use=\"encryption\""));
    assert_non_null(strstr(xml, "Location=\"" IDP_PUBLIC "/saml/corp/acs\" index=\"0\" isDefault=\"true\""));
    assert_non_null(strstr(xml, "Location=\"" IDP_PUBLIC "/saml/corp/slo\""));
    assert_non_null(strstr(plain, "AuthnRequestsSigned=\"false\""));
    assert_null(strstr(plain, "SingleLogoutService"));
}

/* ---- the identity provider's metadata ---- */

static const char one[] =
    "identity_providers: [{ id: corp, type: saml, metadata: changing.xml, groups: groups%s }]";

static RbProviders *
load_changing(const char *metadata, const char *fields, char **problems)
{
    g_autofree char *path = idp_write(world->idp, "changing.xml", metadata, 0644);
    g_autofree char *yaml = g_strdup_printf(one, fields);

    return world_load(world->idp, yaml, problems);
}

static char *
metadata_with(const char *attributes, const char *from, const char *to)
{
    g_autofree char *text = idp_metadata(world->idp, attributes), *plain = idp_replace(text, "@MSIG@", "");

    return from == NULL ? g_steal_pointer(&plain) : idp_replace(plain, from, to);
}

static char *
metadata_signed(int key)
{
    g_autofree char *signature = idp_signature("_md", "rsa-sha256"), *text = idp_metadata(world->idp, "");
    g_autofree char *with = idp_replace(text, "@MSIG@", signature);

    return idp_sign(world->idp, with, key);
}

/* clang-format off */
static const struct {
    const char *name, *from, *to, *fields, *want; /* want NULL: accepted */
} metadata_rows[] = {
    { "as it is", NULL, NULL, "", NULL },
    { "no certificate", "X509Certificate", "X509Nothing", "", "no signing certificate" },
    { "keys for encryption only", "use=\"signing\"", "use=\"encryption\"", "", "no signing certificate" },
    { "keys for any use", " use=\"signing\"", "", "", NULL },
    { "a service provider", "IDPSSODescriptor", "SPSSODescriptor", "", "no such identity provider" },
    { "SAML 1.1", "urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:1.1:protocol", "", "no SAML 2.0 identity provider" },
    { "document type", "<md:EntityDescriptor", "<!DOCTYPE x><md:EntityDescriptor", "", "document type" },
    { "not well-formed", "</md:EntityDescriptor>", "", "", "not well-formed" },
};
/* clang-format on */

static void
test_metadata(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(metadata_rows); i++) {
        g_autofree char *xml = metadata_with("", metadata_rows[i].from, metadata_rows[i].to),
                        *problems = NULL;
        g_autoptr(RbProviders) providers = load_changing(xml, metadata_rows[i].fields, &problems);
        if ((providers != NULL) != (metadata_rows[i].want == NULL) ||
            (metadata_rows[i].want != NULL && strstr(problems, metadata_rows[i].want) == NULL))
            fail_msg("%s: %s", metadata_rows[i].name, problems);
    }
}

/* A federation's aggregate: the one that is named, and none when several could be meant. */
static void
test_aggregate(void **state)
{
    g_autofree char *first = metadata_with("", NULL, NULL);
    g_autofree char *second = idp_replace(first, IDP_ENTITY, "https://second.example"), *problems = NULL;
    g_autofree char *other_id = idp_replace(second, "_md", "_md2");
    g_autofree char *both =
        g_strconcat("<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">", first,
                    other_id, "</md:EntitiesDescriptor>", NULL);
    g_autoptr(RbProviders) ambiguous = load_changing(both, "", &problems);
    g_autoptr(RbProviders) named = load_changing(both, ", idp_entity_id: \"" IDP_ENTITY "\"", NULL);

    (void)state;
    assert_null(ambiguous);
    assert_non_null(strstr(problems, "set idp_entity_id"));
    assert_non_null(named);
}

static void
test_signed_metadata(void **state)
{
    static const char pin[] = ", metadata_signing_certificate: other.crt";
    g_autofree char *good = metadata_signed(IDP_OTHER), *bad = metadata_signed(IDP_RSA), *problems = NULL;
    g_autofree char *changed = idp_replace(good, "https://idp.acme.example/sso", "https://evil.example/sso");
    g_autofree char *changed_problems = NULL;
    g_autoptr(RbProviders) accepted = load_changing(good, pin, NULL);
    g_autoptr(RbProviders) refused = load_changing(bad, pin, &problems);
    g_autoptr(RbProviders) tampered = load_changing(changed, pin, &changed_problems);

    (void)state;
    assert_non_null(accepted);
    assert_null(refused);
    assert_non_null(strstr(problems, "none of 1 trusted keys made this signature"));
    assert_null(tampered);
    assert_non_null(strstr(changed_problems, "none of 1 trusted keys made this signature"));
}

static RbVerified *
sign_in_by(RbProviders *providers, int key, gint64 now, GError **error)
{
    const World with = { world->idp, providers };
    g_autofree char *plain = idp_response("corp"), *a = idp_replace(plain, "@RSIG@", "");
    g_autofree char *b = idp_replace(a, "@MORE@", ""), *signature = idp_signature("_a1", "rsa-sha256");
    g_autofree char *c = idp_replace(b, "@ASIG@", signature), *xml = idp_sign(world->idp, c, key);

    return world_post(&with, "corp", xml, now, error);
}

static gboolean
lets_in(RbProviders *providers, int key)
{
    g_autoptr(RbVerified) verified = sign_in_by(providers, key, IDP_NOW, NULL);

    return verified != NULL;
}

/* A rollover without a restart; what cannot be used never replaces what can. */
static void
test_refresh(void **state)
{
    g_autofree char *first = metadata_with("", NULL, NULL),
                    *certificate = idp_certificate(world->idp, IDP_RSA);
    g_autofree char *other = idp_certificate(world->idp, IDP_OTHER);
    g_autofree char *second = idp_replace(first, certificate, other), *path = NULL;
    g_autoptr(RbProviders) providers = load_changing(first, "", NULL);
    RbProvider *corp = rb_providers_item(providers, 0);
    g_autoptr(GError) error = NULL;
    gint64 due = rb_provider_refresh(corp, IDP_NOW, NULL);

    (void)state;
    assert_int_equal(due, IDP_NOW + 30);
    assert_true(lets_in(providers, IDP_RSA));
    assert_false(lets_in(providers, IDP_OTHER));
    path = idp_write(world->idp, "changing.xml", second, 0644);
    assert_int_equal(rb_provider_refresh(corp, due - 1, NULL), due);
    assert_false(lets_in(providers, IDP_OTHER));
    due = rb_provider_refresh(corp, due, NULL);
    assert_true(lets_in(providers, IDP_OTHER));
    assert_false(lets_in(providers, IDP_RSA));
    g_free(idp_write(world->idp, "changing.xml", "<broken", 0644));
    (void)rb_provider_refresh(corp, due, &error);
    assert_true(rb_is_refusal(error, RB_SAML_METADATA));
    assert_true(lets_in(providers, IDP_OTHER));
    g_clear_error(&error);
    assert_int_equal(g_unlink(path), 0);
    (void)rb_provider_refresh(corp, due + 1000, &error);
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_FILE));
    assert_true(lets_in(providers, IDP_OTHER));
}

static void
test_expiry(void **state)
{
    g_autofree char *xml = metadata_with(" validUntil=\"2027-01-15T08:00:10Z\"", NULL, NULL);
    g_autoptr(RbProviders) providers = load_changing(xml, "", NULL);
    RbProvider *corp = rb_providers_item(providers, 0);
    g_autoptr(RbVerified) in_time = sign_in_by(providers, IDP_RSA, IDP_NOW + 9, NULL);
    g_autoptr(RbVerified) late = NULL;
    g_autoptr(GError) error = NULL, refresh_error = NULL, begin_error = NULL;
    RbSignIn *sign_in = NULL;
    json_t *status;

    (void)state;
    assert_non_null(in_time);
    late = sign_in_by(providers, IDP_RSA, IDP_NOW + 10, &error);
    assert_null(late);
    assert_true(rb_is_refusal(error, RB_SAML_METADATA_EXPIRED));
    assert_null(rb_provider_begin(corp, "r", FALSE, FALSE, IDP_NOW + 10, &sign_in, &begin_error));
    assert_true(rb_is_refusal(begin_error, RB_SAML_METADATA_EXPIRED));
    (void)rb_provider_refresh(corp, IDP_NOW + 100, &refresh_error);
    assert_true(rb_is_refusal(refresh_error, RB_SAML_METADATA_EXPIRED));
    status = rb_provider_status(corp, IDP_NOW + 100);
    assert_false(json_is_true(json_object_get(status, "usable")));
    assert_true(json_is_string(json_object_get(status, "failure")));
    json_decref(status);
}

/* An address that was never reached: nobody is let in, and it is no refusal: we could not tell. */
static void
test_unreachable(void **state)
{
    g_autofree char *problems = NULL;
    g_autoptr(RbProviders) providers = world_load(
        world->idp, "identity_providers: [{ id: corp, type: saml, metadata: \"https://idp.invalid/m\" }]",
        &problems);
    g_autoptr(GError) error = NULL, refresh_error = NULL;
    gint64 due;

    (void)state;
    assert_non_null(providers);
    assert_null(sign_in_by(providers, IDP_RSA, IDP_NOW, &error));
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_NETWORK));
    due = rb_provider_refresh(rb_providers_item(providers, 0), IDP_NOW, &refresh_error);
    assert_true(g_error_matches(refresh_error, RB_FAULT, RB_FAULT_NETWORK));
    assert_int_equal(due, IDP_NOW + 60);
}

static void
test_sign_in_json(void **state)
{
    char id[] = "_1";
    const RbSignIn sign_in = { .request_id = id, .started_at = 5, .wants_mfa = TRUE };
    json_t *json = rb_sign_in_to_json(&sign_in), *broken = json_object();
    g_autoptr(RbSignIn) back = rb_sign_in_from_json(json, NULL);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_string_equal(back->request_id, "_1");
    assert_null(back->nonce);
    assert_int_equal(back->started_at, 5);
    assert_true(back->wants_mfa);
    assert_false(back->forced);
    assert_null(rb_sign_in_from_json(broken, &error));
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_INTERNAL));
    json_decref(json);
    json_decref(broken);
}

/* Sign-ins go on while keys are swapped. */
static gpointer
sign_in_often(gpointer data)
{
    for (int i = 0; i < 20; i++)
        if (!lets_in(data, IDP_RSA))
            return GINT_TO_POINTER(1);
    return NULL;
}

static void
test_threads(void **state)
{
    g_autofree char *xml = metadata_with("", NULL, NULL);
    g_autoptr(RbProviders) providers = load_changing(xml, "", NULL);
    GThread *threads[3];
    int failures = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("sign-in", sign_in_often, providers);
    for (gint64 t = 0; t < 100; t++)
        (void)rb_provider_refresh(rb_providers_item(providers, 0), IDP_NOW + t * 30, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        failures += GPOINTER_TO_INT(g_thread_join(threads[i]));
    assert_int_equal(failures, 0);
}

static int
setup(void **state)
{
    (void)state;
    world = world_new();
    g_free(idp_write(world->idp, "open.key", "x", 0644));
    g_free(idp_write(world->idp, "empty.key", "x", 0600));
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    world_free(world);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_values),          cmocka_unit_test(test_sp_metadata),
        cmocka_unit_test(test_metadata),        cmocka_unit_test(test_aggregate),
        cmocka_unit_test(test_signed_metadata), cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_expiry),          cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_sign_in_json),    cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests_name("saml_config", tests, setup, teardown);
}
