#include "world.h"

#include <string.h>

static const char yaml[] =
    "mfa:\n"
    "  saml: [\"https://refeds.org/profile/mfa\"]\n"
    "  attributes:\n"
    "    \"http://schemas.microsoft.com/claims/authnmethodsreferences\": "
    "[\"http://schemas.microsoft.com/claims/multipleauthn\"]\n"
    "identity_providers:\n"
    "  - { id: corp, type: saml, title: Acme, metadata: metadata.xml, groups: [groups, memberOf],\n"
    "      signing_key: sp.key, signing_certificate: sp.crt,\n"
    "      decryption_key: sp_decrypt.key, decryption_certificate: sp_decrypt.crt }\n"
    "  - { id: uid, type: saml, metadata: metadata.xml, name: uid, groups: groups }\n"
    "  - { id: open, type: saml, metadata: metadata.xml, groups: groups, idp_initiated: true }\n"
    "  - { id: both, type: saml, metadata: metadata.xml, groups: groups,\n"
    "      want: { response_signed: true, assertion_signed: true } }\n"
    "  - { id: context, type: saml, metadata: metadata.xml, groups: groups,\n"
    "      authn_contexts: [\"urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos\"] }\n"
    "  - { id: cbc, type: saml, metadata: metadata.xml, groups: groups, allow_cbc: true,\n"
    "      decryption_key: sp_decrypt.key, decryption_certificate: sp_decrypt.crt }\n";

RbProviders *
world_load(const Idp *idp, const char *text, char **problems_text)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(RbYamlDocument) document = rb_yaml_parse("rolebridge.yaml", bytes, problems);
    const RbProviderSetting setting = { .public_url = IDP_PUBLIC, .base_dir = idp->dir, .skew_s = 60 };
    RbProviders *providers = NULL;

    if (document != NULL)
        providers = rb_providers_load(rb_yaml_get(rb_yaml_root(document), "identity_providers"),
                                      rb_yaml_get(rb_yaml_root(document), "mfa"), &setting, problems);
    if (problems_text != NULL)
        *problems_text = rb_diagnostics_to_text(problems, FALSE);
    return providers;
}

World *
world_new(void)
{
    World *world = g_new0(World, 1);
    g_autofree char *metadata = NULL, *plain = NULL, *problems = NULL, *path = NULL;

    world->idp = idp_new();
    metadata = idp_metadata(world->idp, " validUntil=\"2027-02-01T00:00:00Z\" cacheDuration=\"PT1H\"");
    plain = idp_replace(metadata, "@MSIG@", "");
    path = idp_write(world->idp, "metadata.xml", plain, 0644);
    world->providers = world_load(world->idp, yaml, &problems);
    if (world->providers == NULL)
        g_error("%s", problems);
    return world;
}

void
world_free(World *world)
{
    rb_providers_free(world->providers);
    idp_free(world->idp);
    g_free(world);
}

RbVerified *
world_post(const World *world, const char *provider, const char *xml, gint64 now, GError **error)
{
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *base64 = g_base64_encode((const guchar *)xml, strlen(xml));
    char request_id[] = "_req1";
    const RbSignIn sign_in = { .request_id = request_id, .started_at = IDP_NOW - 60 };
    const RbInbound inbound = { .method = "POST", .fields = fields };

    g_hash_table_insert(fields, (char *)"SAMLResponse", base64);
    return rb_provider_finish(rb_providers_find(world->providers, provider), &sign_in, &inbound, now, error);
}
