#include "base/encoding.h"
#include "base/refusal.h"
#include "verify/saml.h"

#include <string.h>

/* What we say as a service provider: our metadata and AuthnRequests. All text goes through GLib's markup
 * escaping. */

char *
rb_saml_new_id(void)
{
    g_autoptr(RbSecret) random = rb_secret_new_random(20);

    return g_strconcat("_", rb_secret_reveal(random), NULL); /* not secret: it is an ID, only hard to guess */
}

static void
append_key(GString *xml, const char *use, GBytes *certificate)
{
    g_autofree char *base64 =
        g_base64_encode(g_bytes_get_data(certificate, NULL), g_bytes_get_size(certificate));

    g_string_append_printf(xml,
                           "<md:KeyDescriptor use=\"%s\"><ds:KeyInfo xmlns:ds=\"" RB_NS_DS "\"><ds:X509Data>"
                           "<ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
                           use, base64);
    if (strcmp(use, "encryption") == 0)
        g_string_append(xml, "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/>"
                             "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes128-gcm\"/>"
                             "<md:EncryptionMethod Algorithm=\"" RB_NS_ENC "rsa-oaep-mgf1p\"/>");
    g_string_append(xml, "</md:KeyDescriptor>");
}

static void
append_service(GString *xml, const char *name, const char *binding, const char *location, const char *more)
{
    g_autofree char *element = g_markup_printf_escaped(" Binding=\"%s\" Location=\"%s\"", binding, location);

    g_string_append_printf(xml, "<md:%s%s%s/>", name, element, more);
}

/* Meta 2.4.4 */
char *
rb_saml_sp_metadata(gpointer self, gint64 now, GError **error)
{
    const RbSaml *saml = self;
    GString *xml = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    g_autofree char *head = g_markup_printf_escaped(
        "<md:EntityDescriptor xmlns:md=\"" RB_NS_MD "\" entityID=\"%s\">", saml->entity_id);

    (void)now, (void)error;
    g_string_append(xml, head);
    g_string_append_printf(xml,
                           "<md:SPSSODescriptor AuthnRequestsSigned=\"%s\" WantAssertionsSigned=\"%s\" "
                           "protocolSupportEnumeration=\"" RB_NS_SAMLP "\">",
                           saml->signing_key != NULL ? "true" : "false",
                           saml->want_response_signed && !saml->want_assertion_signed ? "false" : "true");
    for (guint i = 0; i < saml->signing_certificates->len; i++)
        append_key(xml, "signing", saml->signing_certificates->pdata[i]);
    for (guint i = 0; i < saml->decryption_certificates->len; i++)
        append_key(xml, "encryption", saml->decryption_certificates->pdata[i]);
    if (saml->signing_key != NULL) {
        append_service(xml, "SingleLogoutService", RB_SAML_BINDING_REDIRECT, saml->slo, "");
        append_service(xml, "SingleLogoutService", RB_SAML_BINDING_POST, saml->slo, "");
    }
    if (saml->name_id_format != NULL) {
        g_autofree char *format =
            g_markup_printf_escaped("<md:NameIDFormat>%s</md:NameIDFormat>", saml->name_id_format);
        g_string_append(xml, format);
    }
    append_service(xml, "AssertionConsumerService", RB_SAML_BINDING_POST, saml->acs,
                   " index=\"0\" isDefault=\"true\"");
    g_string_append(xml, "</md:SPSSODescriptor></md:EntityDescriptor>\n");
    return g_string_free(xml, FALSE);
}

/* Core 3.4.1 */
static char *
authn_request(const RbSaml *saml, const char *location, const char *id, gboolean force,
              const char *const *contexts, gint64 now)
{
    g_autofree char *at = rb_time_format(now);
    g_autofree char *head = g_markup_printf_escaped(
        "<samlp:AuthnRequest xmlns:samlp=\"" RB_NS_SAMLP "\" xmlns:saml=\"" RB_NS_SAML
        "\" ID=\"%s\" Version=\"2.0\" IssueInstant=\"%s\" Destination=\"%s\" ProtocolBinding=\"%s\" "
        "AssertionConsumerServiceURL=\"%s\"",
        id, at, location, RB_SAML_BINDING_POST, saml->acs);
    g_autofree char *issuer = g_markup_printf_escaped("><saml:Issuer>%s</saml:Issuer>", saml->entity_id);
    GString *xml = g_string_new(head);

    if (force)
        g_string_append(xml, " ForceAuthn=\"true\"");
    g_string_append(xml, issuer);
    g_string_append(xml, "<samlp:NameIDPolicy AllowCreate=\"true\"");
    if (saml->name_id_format != NULL) {
        g_autofree char *format = g_markup_printf_escaped(" Format=\"%s\"", saml->name_id_format);
        g_string_append(xml, format);
    }
    g_string_append(xml, "/>");
    if (*contexts != NULL)
        g_string_append(xml, "<samlp:RequestedAuthnContext Comparison=\"exact\">");
    for (const char *const *c = contexts; *c != NULL; c++) {
        g_autofree char *ref =
            g_markup_printf_escaped("<saml:AuthnContextClassRef>%s</saml:AuthnContextClassRef>", *c);
        g_string_append(xml, ref);
    }
    g_string_append(xml, *contexts != NULL ? "</samlp:RequestedAuthnContext></samlp:AuthnRequest>"
                                           : "</samlp:AuthnRequest>");
    return g_string_free(xml, FALSE);
}

/* What can be asked for. Returns: NULL with saml.mfa_missing when a second factor is wanted and `mfa:` could
 * never recognise one. */
static const char *const *
wanted_contexts(const RbSaml *saml, gboolean mfa, GError **error)
{
    const RbMfaRules *rules = saml->seat->mfa;

    if (mfa && *rules->saml == NULL && rules->attributes->len == 0) {
        (void)rb_refuse(error, RB_SAML_MFA_MISSING, "`mfa:` in rolebridge.yaml accepts nothing from SAML");
        return NULL;
    }
    return (const char *const *)(mfa && *rules->saml != NULL ? rules->saml : saml->authn_contexts);
}

char *
rb_saml_begin(gpointer self, const char *relay_state, gboolean mfa, gboolean force, gint64 now,
              RbSignIn **sign_in, GError **error)
{
    const RbSaml *saml = self;
    g_autoptr(RbSamlTrust) trust = rb_saml_trust(saml, now, error);
    const char *const *contexts = trust == NULL ? NULL : wanted_contexts(saml, mfa, error);
    g_autofree char *id = rb_saml_new_id(), *xml = NULL;
    char *url;

    if (contexts == NULL)
        return NULL;
    if (trust->sso_redirect == NULL) {
        (void)rb_refuse(error, RB_SAML_METADATA, "'%s' takes no sign-in by redirect", saml->seat->id);
        return NULL;
    }
    if (relay_state != NULL && strlen(relay_state) > RB_SAML_MAX_RELAY_STATE) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a relay state of more than %d bytes",
                       RB_SAML_MAX_RELAY_STATE);
        return NULL;
    }
    force = force || saml->force_authn;
    xml = authn_request(saml, trust->sso_redirect, id, force, contexts, now);
    url =
        rb_saml_redirect_url(trust->sso_redirect, "SAMLRequest", xml, relay_state, saml->signing_key, error);
    if (url == NULL)
        return NULL;
    *sign_in = g_new0(RbSignIn, 1);
    (*sign_in)->request_id = g_steal_pointer(&id);
    (*sign_in)->started_at = now;
    (*sign_in)->wants_mfa = mfa;
    (*sign_in)->forced = force;
    return url;
}
