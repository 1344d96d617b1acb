#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/priv.h"

/*
 * What accounts that trust rolebridge are told of it: OpenID discovery and keys, which AWS fetches over the
 * internet, and SAML metadata, which an administrator uploads. Public, the same for everybody.
 */

#define NS_MD "urn:oasis:names:tc:SAML:2.0:metadata"
#define NS_DS "http://www.w3.org/2000/09/xmldsig#"
#define SAML_PROTOCOL "urn:oasis:names:tc:SAML:2.0:protocol"
#define PERSISTENT "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
#define BINDING "urn:oasis:names:tc:SAML:2.0:bindings:"

json_t *
rb_issuer_jwks(RbIssuer *issuer, gint64 now)
{
    return issuer->signing_keys == NULL ? NULL : rb_signing_keys_jwks(issuer->signing_keys, now);
}

/* What AWS asks to be there (reference §3.1). Nobody signs in at the authorization endpoint with OpenID
 * Connect: tokens are for STS alone. */
json_t *
rb_issuer_discovery(const RbIssuer *issuer)
{
    g_autofree char *jwks = NULL, *authorize = NULL;

    if (issuer->signing_keys == NULL)
        return NULL;
    jwks = g_strconcat(issuer->url, "/jwks.json", NULL);
    authorize = g_strconcat(issuer->url, "/authorize", NULL);
    return json_pack("{s:s, s:s, s:s, s:[s], s:[s], s:[s, s, s], s:[s], s:[s, s, s, s, s, s, s]}", "issuer",
                     issuer->url, "jwks_uri", jwks, "authorization_endpoint", authorize,
                     "response_types_supported", "id_token", "subject_types_supported", "public",
                     "id_token_signing_alg_values_supported", "RS256", "ES256", "ES384", "scopes_supported",
                     "openid", "claims_supported", "iss", "sub", "aud", "exp", "iat", "jti", "amr");
}

static void
add_key(GString *xml, const RbSigningKey *key)
{
    gsize size;
    const guint8 *der = g_bytes_get_data(key->certificate, &size);
    g_autofree char *base64 = g_base64_encode(der, size);

    g_string_append_printf(xml,
                           "  <md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"" NS_DS "\">"
                           "<ds:KeyName>%s</ds:KeyName><ds:X509Data><ds:X509Certificate>%s"
                           "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n",
                           key->kid, base64);
}

/* The schema wants an address to sign in at. AWS never sends anybody there: who opens it is at the portal. */
static void
add_sign_on(GString *xml, const char *binding, const char *url)
{
    g_autofree char *location = g_markup_escape_text(url, -1);

    g_string_append_printf(xml, "  <md:SingleSignOnService Binding=\"" BINDING "%s\" Location=\"%s/\"/>\n",
                           binding, location);
}

char *
rb_issuer_metadata(RbIssuer *issuer, gint64 now, GError **error)
{
    g_autoptr(GPtrArray) keys = NULL;
    g_autofree char *entity = NULL;
    GString *xml;

    if (issuer->signing_keys == NULL) {
        (void)rb_refuse(error, RB_REQUEST_NOT_FOUND, "rolebridge.yaml has no 'issuer'");
        return NULL;
    }
    keys = rb_signing_keys_published(issuer->signing_keys, RB_KEY_ASSERTION, now);
    if (keys->len == 0) {
        (void)rb_fault(error, RB_FAULT_KEYS,
                       "there is no key for assertions; make one: rolebridgectl keys rotate --for assertion");
        return NULL;
    }
    entity = g_markup_escape_text(issuer->entity_id, -1);
    xml = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    g_string_append_printf(xml, "<md:EntityDescriptor xmlns:md=\"" NS_MD "\" entityID=\"%s\">\n", entity);
    g_string_append(xml, " <md:IDPSSODescriptor WantAuthnRequestsSigned=\"false\" "
                         "protocolSupportEnumeration=\"" SAML_PROTOCOL "\">\n");
    for (guint i = 0; i < keys->len; i++)
        add_key(xml, keys->pdata[i]);
    g_string_append(xml, "  <md:NameIDFormat>" PERSISTENT "</md:NameIDFormat>\n");
    add_sign_on(xml, "HTTP-Redirect", issuer->portal);
    add_sign_on(xml, "HTTP-POST", issuer->portal);
    g_string_append(xml, " </md:IDPSSODescriptor>\n</md:EntityDescriptor>\n");
    return g_string_free(xml, FALSE);
}

/* ---- readiness ---- */

static json_t *
use_status(RbSigningKeys *keys, RbKeyUse use, gint64 now)
{
    g_autoptr(RbSigningKey) key = rb_signing_keys_current(keys, use, now, NULL);
    g_autoptr(RbSigningKey) next = rb_signing_keys_next(keys, use, now);
    g_autofree char *from = next == NULL ? NULL : rb_time_format(next->signs_from);

    return json_pack("{s:s?, s:s?, s:s?}", "signs", key == NULL ? NULL : key->kid, "next",
                     next == NULL ? NULL : next->kid, "next_signs_from", from);
}

json_t *
rb_issuer_keys_status(RbIssuer *issuer, gint64 now)
{
    if (issuer->signing_keys == NULL)
        return NULL;
    return json_pack("{s:s, s:o, s:o}", "issuer", issuer->url, "token",
                     use_status(issuer->signing_keys, RB_KEY_TOKEN, now), "assertion",
                     use_status(issuer->signing_keys, RB_KEY_ASSERTION, now));
}

gboolean
rb_issuer_tend_keys(RbIssuer *issuer, gint64 now, gint64 *due, gboolean *changed, GError **error)
{
    *changed = FALSE;
    *due = issuer->signing_keys == NULL ? G_MAXINT64 : now + RB_KEYS_LOOK_EVERY_S;
    return issuer->signing_keys == NULL || rb_signing_keys_refresh(issuer->signing_keys, now, changed, error);
}
