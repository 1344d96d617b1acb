/* Assertions that are exchanged (AssumeRoleWithSAML): whose they are, and that nothing else is taken. */
#include "world.h"

#include "base/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char yaml[] =
    "identity_providers:\n"
    "  - { id: corp, type: saml, metadata: metadata.xml, groups: groups, idp_initiated: true }\n"
    "  - { id: programs, type: saml, metadata: metadata.xml, groups: groups, sts: true }\n"
    "  - { id: others, type: saml, metadata: metadata.xml, groups: groups, sts: true }\n";

static World *world;
static RbProviders *providers;

static int
set_up(void **state)
{
    g_autofree char *problems = NULL;

    (void)state;
    world = world_new();
    providers = world_load(world->idp, yaml, &problems);
    if (providers == NULL)
        fail_msg("%s", problems);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rb_providers_free(providers);
    world_free(world);
    return 0;
}

/* (transfer full): a signed Response to nobody's request for provider @id, with @from replaced before. */
static char *
response(const char *id, gboolean answers, const char *from, const char *to, int key)
{
    g_autofree char *plain = idp_response(id), *bare = NULL, *changed = NULL, *outer = NULL, *inner = NULL;
    g_autofree char *signature = idp_signature("_a1", "rsa-sha256"), *full = NULL;

    bare = answers ? g_strdup(plain) : idp_replace(plain, " InResponseTo=\"_req1\"", "");
    changed = from == NULL ? g_strdup(bare) : idp_replace(bare, from, to);
    outer = idp_replace(changed, "@RSIG@", "");
    inner = idp_replace(outer, "@ASIG@", signature);
    full = idp_replace(inner, "@MORE@", "");
    return idp_sign(world->idp, full, key);
}

static RbVerified *
exchange(const char *xml, gint64 now, GError **error)
{
    g_autofree char *base64 = g_base64_encode((const guchar *)xml, strlen(xml));

    return rb_providers_assertion(providers, base64, now, error);
}

/* clang-format off */
static const struct {
    const char *name, *provider;
    gboolean answers;
    const char *from, *to;
    int key;
    gint64 later_s;
    RbRefusalCode want;
} rows[] = {
    { "of the first", "programs", FALSE, NULL, NULL, IDP_RSA, 0, RB_ACCEPTED },
    { "of the second", "others", FALSE, NULL, NULL, IDP_RSA, 0, RB_ACCEPTED },
    { "of a provider that is for browsers", "corp", FALSE, NULL, NULL, IDP_RSA, 0, RB_SAML_DESTINATION },
    { "of a provider for browsers, no Destination", "corp", FALSE, " Destination=\"" IDP_PUBLIC "/saml/corp/acs\"", "", IDP_RSA, 0, RB_SAML_RECIPIENT },
    { "no Destination, of the second", "others", FALSE, " Destination=\"" IDP_PUBLIC "/saml/others/acs\"", "", IDP_RSA, 0, RB_ACCEPTED },
    { "an answer to a browser", "programs", TRUE, NULL, NULL, IDP_RSA, 0, RB_SAML_IN_RESPONSE_TO },
    { "of another identity provider", "programs", FALSE, IDP_ENTITY, "https://evil.example", IDP_RSA, 0, RB_SAML_ISSUER },
    { "signed by another", "programs", FALSE, NULL, NULL, IDP_OTHER, 0, RB_SAML_SIGNATURE_INVALID },
    { "too old", "programs", FALSE, NULL, NULL, IDP_RSA, 360, RB_SAML_EXPIRED },
    { "audience of another", "programs", FALSE, "<saml:Audience>" IDP_PUBLIC, "<saml:Audience>https://signin.aws.amazon.com", IDP_RSA, 0, RB_SAML_AUDIENCE },
};
/* clang-format on */

static void
test_rows(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *xml =
            response(rows[i].provider, rows[i].answers, rows[i].from, rows[i].to, rows[i].key);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = exchange(xml, IDP_NOW + rows[i].later_s, &error);
        gboolean accepted = rows[i].want == RB_ACCEPTED;
        if ((verified != NULL) != accepted || (!accepted && !rb_is_refusal(error, rows[i].want)))
            fail_msg("%s: %s", rows[i].name, error == NULL ? "accepted" : error->message);
        if (accepted)
            assert_string_equal(verified->identity->provider, rows[i].provider);
    }
}

/* The same mark as a browser's sign-in leaves: one assertion is one use, wherever. */
static void
test_one_use(void **state)
{
    g_autofree char *xml = response("programs", FALSE, NULL, NULL, IDP_RSA);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = exchange(xml, IDP_NOW, &error);

    (void)state;
    assert_non_null(verified);
    assert_string_equal(verified->replay_key, "programs:_a1");
    assert_string_equal(verified->proof_id, "_a1");
    assert_string_equal(verified->audience, IDP_PUBLIC "/saml/programs/acs");
    assert_true(verified->replay_until > IDP_NOW);
}

/* `sts` is off unless it is set, and says nothing of browsers. */
static void
test_off_by_default(void **state)
{
    g_autofree char *problems = NULL, *xml = response("programs", FALSE, NULL, NULL, IDP_RSA);
    g_autofree char *base64 = g_base64_encode((const guchar *)xml, strlen(xml));
    g_autoptr(RbProviders) none = world_load(
        world->idp,
        "identity_providers:\n  - { id: programs, type: saml, metadata: metadata.xml, groups: groups }\n",
        &problems);
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    const RbInbound inbound = { .method = "POST", .fields = fields };
    g_autoptr(GError) error = NULL, browser = NULL;

    (void)state;
    assert_non_null(none);
    assert_null(rb_providers_assertion(none, base64, IDP_NOW, &error));
    assert_true(rb_is_refusal(error, RB_SIGN_IN_NO_PROVIDER));
    (void)g_hash_table_insert(fields, (char *)"SAMLResponse", base64);
    assert_null(
        rb_provider_finish(rb_providers_find(providers, "programs"), NULL, &inbound, IDP_NOW, &browser));
    assert_true(rb_is_refusal(browser, RB_SAML_UNSOLICITED));
}

static void
test_no_response(void **state)
{
    static const char *const texts[] = { "", "%%%%", "PGE+", "PGEvPg==" };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(rb_providers_assertion(providers, texts[i], IDP_NOW, &error));
        if (!rb_is_refusal(error, RB_SAML_MALFORMED))
            fail_msg("'%s': %s", texts[i], error->message);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_one_use),
        cmocka_unit_test(test_off_by_default),
        cmocka_unit_test(test_no_response),
    };

    return cmocka_run_group_tests_name("saml_assertion", tests, set_up, tear_down);
}
