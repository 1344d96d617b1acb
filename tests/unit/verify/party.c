#include "party.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

Issuer *issuer;
RbProviders *providers;

static const char yaml[] =
    "mfa: { oidc_amr: [mfa, hwk], oidc_acr: [\"urn:acme:2fa\"] }\n"
    "identity_providers:\n"
    "  - { id: corp, type: oidc, issuer: \"%ISSUER%\", client_id: bridge, client_secret: {env: X}, groups: "
    "[groups, realm_access.roles] }\n"
    "  - { id: post, type: oidc, issuer: \"%ISSUER%\", client_id: bridge, client_secret: {env: X}, "
    "client_auth: client_secret_post, userinfo: always, groups: groups }\n"
    "  - { id: public, type: oidc, issuer: \"%ISSUER%\", client_id: bridge, client_auth: none, name: email, "
    "groups: groups, userinfo: missing, par: never }\n"
    "  - { id: strict, type: oidc, issuer: \"%ISSUER%\", client_id: bridge, client_auth: none, algorithms: "
    "[ES256], acr_values: [gold], max_age: 1h }\n"
    "  - { id: entra, type: oidc, issuer: \"%ISSUER%\", client_id: bridge, client_secret: {env: X}, groups: "
    "groups,\n"
    "      overage: { endpoint: \"%ISSUER%/users/{oid}/getMemberObjects\", scope: graph } }\n";

int
party_set_up(void **state)
{
    g_autofree char *problems = NULL;

    (void)state;
    issuer = issuer_new();
    providers = issuer_load(issuer, yaml, &problems);
    if (providers == NULL)
        fail_msg("%s", problems);
    return 0;
}

int
party_tear_down(void **state)
{
    (void)state;
    rb_providers_free(providers);
    issuer_free(issuer);
    return 0;
}

RbProvider *
fresh(const char *id)
{
    RbProvider *provider = rb_providers_find(providers, id);

    issuer_reset(issuer);
    rb_provider_hurry(provider);
    (void)rb_provider_refresh(provider, ISSUER_NOW, NULL);
    return provider;
}

Begun
begin_with(RbProvider *provider, gboolean mfa, gboolean force)
{
    Begun begun = { 0 };
    g_autoptr(GError) error = NULL;

    begun.url = rb_provider_begin(provider, "rb1.state", mfa, force, ISSUER_NOW, &begun.sign_in, &error);
    if (begun.url == NULL)
        fail_msg("%s", error->message);
    begun.nonce = g_strdup(begun.sign_in->nonce);
    return begun;
}

void
begun_clear(Begun *begun)
{
    g_free(begun->url);
    g_free(begun->nonce);
    rb_sign_in_free(begun->sign_in);
}

RbVerified *
finish_at(RbProvider *provider, const RbSignIn *sign_in, const char *query, gint64 now, GError **error)
{
    g_autoptr(GHashTable) fields = g_uri_parse_params(query, -1, "&", G_URI_PARAMS_NONE, NULL);
    const RbInbound inbound = { .method = "GET", .raw_query = query, .fields = fields };

    return rb_provider_finish(provider, sign_in, &inbound, now, error);
}

const char *
outcome(const RbVerified *verified, const GError *error)
{
    assert_true((verified == NULL) == (error != NULL));
    return error == NULL ? "accepted" : rb_outcome(error)->id;
}

void
expect_outcome(const char *name, const RbVerified *verified, const GError *error, const char *want)
{
    if (strcmp(outcome(verified, error), want) != 0)
        fail_msg("%s: got %s, not %s (%s)", name, outcome(verified, error), want,
                 error == NULL ? "" : error->message);
}

const char *
id_of(RbRefusalCode code)
{
    g_autoptr(GError) error = NULL;

    if (code == RB_ACCEPTED)
        return "accepted";
    (void)rb_refuse(&error, code, "x");
    return rb_outcome(error)->id;
}
