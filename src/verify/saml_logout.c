#include "base/encoding.h"
#include "base/refusal.h"
#include "verify/saml.h"

#include <string.h>

/* Single logout, Prof 4.4, Core 3.7. Both directions, redirect out, redirect and POST in; every message is
 * signed. */

static gboolean
is_set_up(const RbSaml *saml, const RbSamlTrust *trust)
{
    return saml->signing_key != NULL && trust->logout_redirect != NULL;
}

static void
append_attribute(GString *xml, const char *name, const char *value)
{
    g_autofree char *text = value == NULL ? NULL : g_markup_printf_escaped(" %s=\"%s\"", name, value);

    if (text != NULL)
        g_string_append(xml, text);
}

/* The start of a message, up to and with its Issuer. */
static GString *
message_new(const RbSaml *saml, const char *name, const char *id, const char *location,
            const char *in_response_to, gint64 now)
{
    g_autofree char *at = rb_time_format(now);
    g_autofree char *issuer = g_markup_printf_escaped("><saml:Issuer>%s</saml:Issuer>", saml->entity_id);
    GString *xml = g_string_new(NULL);

    g_string_append_printf(xml, "<samlp:%s xmlns:samlp=\"" RB_NS_SAMLP "\" xmlns:saml=\"" RB_NS_SAML "\"",
                           name);
    append_attribute(xml, "ID", id);
    append_attribute(xml, "Version", "2.0");
    append_attribute(xml, "IssueInstant", at);
    append_attribute(xml, "Destination", location);
    append_attribute(xml, "InResponseTo", in_response_to);
    g_string_append(xml, issuer);
    return xml;
}

static char *
logout_request(const RbSaml *saml, const RbSamlTrust *trust, const char *id, const RbIdentity *identity,
               gint64 now)
{
    GString *xml = message_new(saml, "LogoutRequest", id, trust->logout_redirect, NULL, now);
    g_autofree char *subject = g_markup_escape_text(identity->subject, -1);

    g_string_append(xml, "<saml:NameID");
    append_attribute(xml, "Format", identity->name_id_format);
    append_attribute(xml, "NameQualifier", identity->name_qualifier);
    append_attribute(xml, "SPNameQualifier", identity->sp_name_qualifier);
    g_string_append_printf(xml, ">%s</saml:NameID>", subject);
    if (identity->session_index != NULL) {
        g_autofree char *index =
            g_markup_printf_escaped("<samlp:SessionIndex>%s</samlp:SessionIndex>", identity->session_index);
        g_string_append(xml, index);
    }
    g_string_append(xml, "</samlp:LogoutRequest>");
    return g_string_free(xml, FALSE);
}

char *
rb_saml_logout_url(gpointer self, const RbIdentity *identity, const char *relay_state, gint64 now,
                   char **request_id, GError **error)
{
    const RbSaml *saml = self;
    g_autoptr(RbSamlTrust) trust = rb_saml_trust(saml, now, error);
    g_autofree char *id = rb_saml_new_id(), *xml = NULL;
    char *url;

    if (trust == NULL || !is_set_up(saml, trust))
        return NULL;
    xml = logout_request(saml, trust, id, identity, now);
    url = rb_saml_redirect_url(trust->logout_redirect, "SAMLRequest", xml, relay_state, saml->signing_key,
                               error);
    if (url != NULL)
        *request_id = g_steal_pointer(&id);
    return url;
}

char *
rb_saml_logout_reply(gpointer self, const RbLogout *request, const char *relay_state, gboolean success,
                     gint64 now, GError **error)
{
    const RbSaml *saml = self;
    g_autoptr(RbSamlTrust) trust = rb_saml_trust(saml, now, error);
    g_autofree char *id = rb_saml_new_id(), *xml = NULL;
    const char *location;
    GString *text;

    if (trust == NULL)
        return NULL;
    if (!is_set_up(saml, trust)) {
        (void)rb_refuse(error, RB_SAML_LOGOUT_UNSUPPORTED, "'%s' takes no logout message", saml->seat->id);
        return NULL;
    }
    location = trust->logout_redirect_reply != NULL ? trust->logout_redirect_reply : trust->logout_redirect;
    text = message_new(saml, "LogoutResponse", id, location, request->id, now);
    g_string_append_printf(
        text, "<samlp:Status><samlp:StatusCode Value=\"%s\"/></samlp:Status></samlp:LogoutResponse>",
        success ? RB_SAML_SUCCESS : "urn:oasis:names:tc:SAML:2.0:status:Responder");
    xml = g_string_free(text, FALSE);
    return rb_saml_redirect_url(location, "SAMLResponse", xml, relay_state, saml->signing_key, error);
}

/* A message by POST is signed inside; one by redirect was, around it. */
static gboolean
check_post_signature(xmlNode *root, const RbSamlTrust *trust, const RbSamlCounts *counts, GError **error)
{
    g_autoptr(GError) why = NULL;
    xmlNode *signature = rb_xml_signature_find(root, &why);

    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (signature == NULL)
        return rb_refuse(error, RB_SAML_UNSIGNED, "a logout message without a signature");
    if (counts->signatures != 1)
        return rb_refuse(error, RB_SAML_SIGNATURE_PROFILE, "a logout message with %u signatures",
                         counts->signatures);
    return rb_xml_signature_verify(root, signature, (RbPublicKey *const *)trust->keys->pdata,
                                   trust->keys->len, error);
}

/* Core 3.7.1: who, which sessions, until when the request is good. */
static gboolean
read_request(const RbSaml *saml, const xmlNode *root, gint64 issued, gint64 now, RbLogout *logout,
             GError **error)
{
    g_autoptr(GPtrArray) indexes = g_ptr_array_new_with_free_func(g_free);
    gint64 until, skew = saml->seat->skew_s;
    xmlNode *name_id;

    if (!rb_saml_time(root, "NotOnOrAfter", &until, error) ||
        !rb_saml_only_child(root, RB_NS_SAML, "NameID", FALSE, &name_id, error))
        return FALSE;
    until = until == 0 ? issued + RB_SAML_LOGOUT_LIFE_S : until;
    if (now - skew >= until)
        return rb_refuse(error, RB_SAML_EXPIRED, "a logout request that expired %" G_GINT64_FORMAT " s ago",
                         now - until);
    logout->subject = name_id == NULL ? NULL : rb_saml_text(name_id);
    if (logout->subject == NULL || *logout->subject == '\0')
        return rb_refuse(error, RB_SAML_SUBJECT, "a logout request without a NameID in the clear");
    for (xmlNode *n = rb_xml_first(root); n != NULL; n = rb_xml_next(n)) {
        char *text = rb_xml_is(n, RB_NS_SAMLP, "SessionIndex") ? rb_saml_text(n) : NULL;
        if (text != NULL)
            g_ptr_array_add(indexes, text);
        else if (rb_xml_is(n, RB_NS_SAMLP, "SessionIndex"))
            return rb_refuse(error, RB_SAML_MALFORMED, "a SessionIndex that is not text");
    }
    g_ptr_array_add(indexes, NULL);
    logout->session_indexes = (GStrv)g_ptr_array_steal(indexes, NULL);
    logout->replay_key = g_strconcat(saml->seat->id, ":", logout->id, NULL);
    logout->replay_until = until + skew;
    return TRUE;
}

static gboolean
read_response(const xmlNode *root, RbLogout *logout, GError **error)
{
    g_autoptr(GError) why = NULL;

    logout->in_response_to = g_strdup(rb_xml_attribute(root, "InResponseTo"));
    if (logout->in_response_to == NULL)
        return rb_refuse(error, RB_SAML_IN_RESPONSE_TO, "a logout response to nothing");
    logout->success = rb_saml_check_status(root, &why);
    if (!logout->success && rb_is_refusal(why, RB_SAML_MALFORMED)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    return TRUE;
}

static RbLogout *
read_message(const RbSaml *saml, const RbSamlTrust *trust, const xmlNode *root, gboolean is_request,
             gint64 now, GError **error)
{
    g_autoptr(RbLogout) logout = g_new0(RbLogout, 1);
    const char *id = rb_xml_attribute(root, "ID");
    gint64 issued;

    logout->kind = is_request ? RB_LOGOUT_REQUEST : RB_LOGOUT_RESPONSE;
    if (!rb_xml_is(root, RB_NS_SAMLP, is_request ? "LogoutRequest" : "LogoutResponse")) {
        (void)rb_refuse(error, RB_SAML_MALFORMED, "not the logout message it is sent as");
        return NULL;
    }
    if (id == NULL || *id == '\0' || strlen(id) > RB_SAML_MAX_ID) {
        (void)rb_refuse(error, RB_SAML_MALFORMED, "a logout message without a usable ID");
        return NULL;
    }
    logout->id = g_strdup(id);
    if (!rb_saml_check_version(root, error) || !rb_saml_check_destination(root, saml->slo, TRUE, error) ||
        !rb_saml_check_issuer(trust, root, TRUE, error) ||
        !rb_saml_check_issue_instant(root, now, saml->seat->skew_s, &issued, error))
        return NULL;
    if (is_request ? !read_request(saml, root, issued, now, logout, error)
                   : !read_response(root, logout, error))
        return NULL;
    return g_steal_pointer(&logout);
}

/* (transfer full): the message's bytes; by redirect its signature has been verified. */
static GBytes *
receive_bytes(const RbInbound *inbound, const RbSamlTrust *trust, gboolean *is_request, GError **error)
{
    if (g_strcmp0(inbound->method, "GET") == 0)
        return rb_saml_redirect_read(inbound->raw_query, trust, is_request, error);
    *is_request = inbound->fields != NULL && g_hash_table_contains(inbound->fields, "SAMLRequest");
    if (*is_request && g_hash_table_contains(inbound->fields, "SAMLResponse")) {
        (void)rb_refuse(error, RB_SAML_MALFORMED, "both SAMLRequest and SAMLResponse");
        return NULL;
    }
    return rb_saml_post_bytes(inbound, *is_request ? "SAMLRequest" : "SAMLResponse", RB_SAML_MAX_LOGOUT,
                              error);
}

RbLogout *
rb_saml_logout_receive(gpointer self, const RbInbound *inbound, gint64 now, GError **error)
{
    const RbSaml *saml = self;
    g_autoptr(RbSamlTrust) trust = rb_saml_trust(saml, now, error);
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    RbSamlCounts counts = { .ids = ids, .max_elements = RB_SAML_MAX_ELEMENTS, .max_ids = RB_SAML_MAX_IDS };
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(xmlDoc) doc = NULL;
    gboolean is_request = FALSE;
    xmlNode *root;

    if (trust == NULL)
        return NULL;
    if (!is_set_up(saml, trust)) {
        (void)rb_refuse(error, RB_SAML_LOGOUT_UNSUPPORTED, "'%s' has no single logout", saml->seat->id);
        return NULL;
    }
    bytes = receive_bytes(inbound, trust, &is_request, error);
    if (bytes == NULL)
        return NULL;
    doc = rb_saml_xml_parse(bytes, &counts, error);
    if (doc == NULL)
        return NULL;
    root = xmlDocGetRootElement(doc);
    if (g_strcmp0(inbound->method, "GET") != 0 && !check_post_signature(root, trust, &counts, error))
        return NULL;
    return read_message(saml, trust, root, is_request, now, error);
}
