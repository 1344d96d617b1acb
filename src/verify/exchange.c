#include "base/encoding.h"
#include "verify/workload.h"

#include <string.h>

/* Proofs that are exchanged for credentials with nobody signing in: which provider's it is, then that
 * provider's own verification. What is read here of a token serves to choose, and is not believed. */

static gboolean
lists(const json_t *aud, const char *audience)
{
    const json_t *one;
    gsize i;

    if (json_is_string(aud))
        return strcmp(json_string_value(aud), audience) == 0;
    json_array_foreach((json_t *)aud, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), audience) == 0)
            return TRUE;
    }
    return FALSE;
}

/* (transfer full): the claims as they are written, by whomever. */
static json_t *
peek(const char *token, GError **error)
{
    const char *first = strchr(token, '.'), *second = first == NULL ? NULL : strchr(first + 1, '.');
    g_autoptr(GBytes) payload = NULL;

    if (second == NULL) {
        (void)rb_refuse(error, RB_JWT_MALFORMED, "a token that is not three parts with two dots");
        return NULL;
    }
    payload = rb_base64url_decode_part(first + 1, (gsize)(second - first - 1));
    if (payload != NULL)
        return rb_json_parse(g_bytes_get_data(payload, NULL), g_bytes_get_size(payload), RB_JWT_MALFORMED,
                             "the token", error);
    (void)rb_refuse(error, RB_JWT_MALFORMED, "a token whose claims are not base64url");
    return NULL;
}

/* The audience of @provider that @claims name; NULL: none. @issued: (out): set when the issuer is its own. */
static const char *
find_audience(const RbProvider *provider, const json_t *claims, gboolean *issued)
{
    const RbProviderType *type = rb_provider_kind(provider);
    const char *iss = json_string_value(json_object_get(claims, "iss"));
    const json_t *aud = json_object_get(claims, "aud");
    RbTokensOf of;

    if (type->token == NULL || iss == NULL || json_array_size(aud) > RB_JWT_MAX_AUDIENCES)
        return NULL;
    type->tokens_of(rb_provider_self(provider), &of);
    if (strcmp(iss, of.issuer) != 0)
        return NULL;
    *issued = TRUE;
    for (gsize i = 0; i < of.n_audiences; i++)
        if (lists(aud, of.audiences[i]))
            return of.audiences[i];
    return NULL;
}

static RbVerified *
refuse_stranger(const json_t *claims, gboolean issued, GError **error)
{
    const char *iss = json_string_value(json_object_get(claims, "iss"));
    g_autofree char *quoted = rb_text_quote(iss == NULL ? "" : iss);

    if (issued)
        (void)rb_refuse(error, RB_JWT_AUDIENCE, "the token of %s is for none of the audiences set for it",
                        quoted);
    else
        (void)rb_refuse(error, RB_JWT_ISSUER, "no workload provider has the issuer %s", quoted);
    return NULL;
}

RbVerified *
rb_providers_token(RbProviders *providers, const char *token, gint64 now, GError **error)
{
    gboolean issued = FALSE;
    json_t *claims;
    RbVerified *verified = NULL;
    RbProvider *provider = NULL;
    const char *audience = NULL;

    if (strnlen(token, RB_WORKLOAD_MAX_TOKEN + 1) > RB_WORKLOAD_MAX_TOKEN) {
        (void)rb_refuse(error, RB_JWT_TOO_LARGE, "a token of more than %d bytes", RB_WORKLOAD_MAX_TOKEN);
        return NULL;
    }
    claims = peek(token, error);
    if (claims == NULL)
        return NULL;
    for (guint i = 0; audience == NULL && i < rb_providers_size(providers); i++) {
        provider = rb_providers_item(providers, i);
        audience = find_audience(provider, claims, &issued);
    }
    verified = audience == NULL ? refuse_stranger(claims, issued, error)
                                : rb_provider_kind(provider)->token(rb_provider_self(provider), audience,
                                                                    token, now, error);
    json_decref(claims);
    return verified;
}

/* ---- assertions ---- */

/* How far it came: what was for another provider's address, or from another issuer, says less than any other
 * reason. */
static guint
distance(const GError *why)
{
    return rb_is_refusal(why, RB_SAML_DESTINATION) ? 1 : rb_is_refusal(why, RB_SAML_ISSUER) ? 2 : 3;
}

RbVerified *
rb_providers_assertion(RbProviders *providers, const char *assertion, gint64 now, GError **error)
{
    g_autoptr(GError) best = NULL;

    for (guint i = 0; i < rb_providers_size(providers); i++) {
        RbProvider *provider = rb_providers_item(providers, i);
        const RbProviderType *type = rb_provider_kind(provider);
        g_autoptr(GError) why = NULL;
        RbVerified *verified;
        if (type->assertion == NULL || !type->takes_assertions(rb_provider_self(provider)))
            continue;
        verified = type->assertion(rb_provider_self(provider), assertion, now, &why);
        if (verified != NULL)
            return verified;
        if (best == NULL || distance(why) > distance(best)) {
            g_clear_error(&best);
            best = g_steal_pointer(&why);
        }
    }
    if (best == NULL)
        (void)rb_refuse(error, RB_SIGN_IN_NO_PROVIDER, "no SAML provider has `sts: true`");
    else
        g_propagate_error(error, g_steal_pointer(&best));
    return NULL;
}

/* ---- configuration ---- */

static gboolean
share_tokens(const RbTokensOf *a, const RbTokensOf *b)
{
    if (strcmp(a->issuer, b->issuer) != 0)
        return FALSE;
    for (gsize i = 0; i < a->n_audiences; i++)
        for (gsize j = 0; j < b->n_audiences; j++)
            if (strcmp(a->audiences[i], b->audiences[j]) == 0)
                return TRUE;
    return FALSE;
}

gboolean
rb_providers_share_tokens(const RbProvider *one, const RbProvider *other)
{
    const RbProviderType *a = rb_provider_kind(one), *b = rb_provider_kind(other);
    RbTokensOf mine, theirs;

    if (a->tokens_of == NULL || b->tokens_of == NULL || (a->token == NULL && b->token == NULL))
        return FALSE;
    a->tokens_of(rb_provider_self(one), &mine);
    b->tokens_of(rb_provider_self(other), &theirs);
    return share_tokens(&mine, &theirs);
}
