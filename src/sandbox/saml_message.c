#include "sandbox/saml.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "sandbox/xml.h"

#include <gio/gio.h>
#include <openssl/err.h>
#include <string.h>

#define P "urn:oasis:names:tc:SAML:2.0:protocol"
#define A "urn:oasis:names:tc:SAML:2.0:assertion"
enum { MAX_MESSAGE = 256 * 1024, MAX_CONTEXTS = 20 };

void
rb_box_message_free(RbBoxMessage *message)
{
    if (message == NULL)
        return;
    g_free(message->id);
    g_free(message->issuer);
    g_free(message->destination);
    g_free(message->relay_state);
    g_free(message->acs_url);
    g_strfreev(message->contexts);
    g_free(message->name_id);
    g_free(message->session_index);
    g_free(message->in_response_to);
    g_free(message);
}

/* Raw DEFLATE with a limit on what comes out. */
static GBytes *
inflate_bytes(GBytes *bytes)
{
    g_autoptr(GConverter) inflater = G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_RAW));
    g_autofree char *out = g_malloc(MAX_MESSAGE);
    gsize size, at = 0, read, written;
    const char *in = g_bytes_get_data(bytes, &size);
    GConverterResult result;

    do {
        result = g_converter_convert(inflater, in + at, size - at, out, MAX_MESSAGE, G_CONVERTER_INPUT_AT_END,
                                     &read, &written, NULL);
        at += read;
    } while (result == G_CONVERTER_CONVERTED && written == 0);
    /* All of it in one go, or it is larger than any message: a second round would be needed. */
    return result == G_CONVERTER_FINISHED ? g_bytes_new(out, written) : NULL;
}

static gboolean
flag(xmlNode *node, const char *name)
{
    g_autofree char *text = rb_box_xml_attribute(node, name);

    return g_strcmp0(text, "true") == 0 || g_strcmp0(text, "1") == 0;
}

static GStrv
read_contexts(xmlNode *root)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    xmlNode *asked = rb_box_xml_child(root, P, "RequestedAuthnContext");
    guint n = 0;

    for (xmlNode *node = asked == NULL ? NULL : asked->children; node != NULL && n < MAX_CONTEXTS;
         node = node->next) {
        g_autofree char *text = NULL;

        if (!rb_box_xml_is(node, A, "AuthnContextClassRef"))
            continue;
        text = rb_box_xml_text(node);
        g_strv_builder_add(builder, text);
        n++;
    }
    return g_strv_builder_end(builder);
}

static void
read_authn_request(RbBoxMessage *message, xmlNode *root)
{
    g_autofree char *index = rb_box_xml_attribute(root, "AssertionConsumerServiceIndex");

    message->acs_url = rb_box_xml_attribute(root, "AssertionConsumerServiceURL");
    message->acs_index = index == NULL ? -1 : g_ascii_strtoll(index, NULL, 10);
    message->force = flag(root, "ForceAuthn");
    message->passive = flag(root, "IsPassive");
    message->contexts = read_contexts(root);
}

static RbBoxMessage *
read_message(xmlNode *root, GError **error)
{
    g_autoptr(RbBoxMessage) message = g_new0(RbBoxMessage, 1);
    g_autofree char *version = rb_box_xml_attribute(root, "Version");
    g_autofree char *instant = rb_box_xml_attribute(root, "IssueInstant");

    message->acs_index = -1;
    message->id = rb_box_xml_attribute(root, "ID");
    message->issuer = rb_box_xml_text(rb_box_xml_child(root, A, "Issuer"));
    message->destination = rb_box_xml_attribute(root, "Destination");
    message->in_response_to = rb_box_xml_attribute(root, "InResponseTo");
    if (rb_box_xml_is(root, P, "AuthnRequest")) {
        message->kind = RB_BOX_AUTHN_REQUEST;
        read_authn_request(message, root);
    } else if (rb_box_xml_is(root, P, "LogoutRequest")) {
        message->kind = RB_BOX_LOGOUT_REQUEST;
        message->name_id = rb_box_xml_text(rb_box_xml_child(root, A, "NameID"));
        message->session_index = rb_box_xml_text(rb_box_xml_child(root, P, "SessionIndex"));
    } else if (rb_box_xml_is(root, P, "LogoutResponse")) {
        message->kind = RB_BOX_LOGOUT_RESPONSE;
    } else {
        rb_refuse(error, RB_REQUEST_MALFORMED, "the SAML message is of a kind not taken here");
        return NULL;
    }
    if (message->id == NULL || message->issuer == NULL || instant == NULL ||
        !rb_time_parse(instant, &message->issued_at) || g_strcmp0(version, "2.0") != 0) {
        rb_refuse(error, RB_REQUEST_MALFORMED,
                  "the SAML message lacks ID, Issuer, IssueInstant or Version 2.0");
        return NULL;
    }
    return g_steal_pointer(&message);
}

RbBoxMessage *
rb_box_message_decode(const char *field, gboolean deflated, GError **error)
{
    g_autoptr(GBytes) decoded = rb_base64_decode(field, MAX_MESSAGE);
    g_autoptr(GBytes) text = NULL;
    g_autoptr(xmlDoc) doc = NULL;

    if (decoded != NULL)
        text = deflated ? inflate_bytes(decoded) : g_bytes_ref(decoded);
    if (text == NULL) {
        rb_refuse(error, RB_REQUEST_MALFORMED, "the SAML message cannot be decoded");
        return NULL;
    }
    doc = rb_box_xml_parse(g_bytes_get_data(text, NULL), g_bytes_get_size(text), error);
    return doc == NULL ? NULL : read_message(xmlDocGetRootElement(doc), error);
}

/* ---- signatures of the redirect binding ---- */

static const struct {
    const char *uri;
    const EVP_MD *(*digest)(void);
    int type;
} algorithms[] = {
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", EVP_sha256, EVP_PKEY_RSA },
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", EVP_sha384, EVP_PKEY_RSA },
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", EVP_sha512, EVP_PKEY_RSA },
    { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", EVP_sha256, EVP_PKEY_EC },
};

static gboolean
verify(EVP_PKEY *key, const EVP_MD *digest, const char *text, GBytes *signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    gboolean good = EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) == 1 &&
                    EVP_DigestVerify(ctx, g_bytes_get_data(signature, NULL), g_bytes_get_size(signature),
                                     (const guint8 *)text, strlen(text)) == 1;

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

/* The pair NAME=… of @query exactly as sent; NULL: absent or sent twice. */
static char *
raw_pair(const char *query, const char *name)
{
    g_auto(GStrv) pairs = g_strsplit(query, "&", 100);
    g_autofree char *prefix = g_strconcat(name, "=", NULL);
    char *found = NULL;

    for (guint i = 0; pairs[i] != NULL; i++) {
        if (!g_str_has_prefix(pairs[i], prefix))
            continue;
        if (found != NULL) {
            g_free(found);
            return NULL;
        }
        found = g_strdup(pairs[i]);
    }
    return found;
}

gboolean
rb_box_redirect_check(const char *query, const RbBoxSp *sp, GError **error)
{
    g_autofree char *request = raw_pair(query, "SAMLRequest"), *response = raw_pair(query, "SAMLResponse");
    g_autofree char *state = raw_pair(query, "RelayState"), *method = raw_pair(query, "SigAlg");
    g_autofree char *signature = raw_pair(query, "Signature"), *plain = NULL, *uri = NULL, *text = NULL;
    g_autoptr(GBytes) bytes = NULL;

    if ((request == NULL) == (response == NULL) || method == NULL || signature == NULL)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "the SAML message is not signed");
    uri = g_uri_unescape_string(method + strlen("SigAlg="), NULL);
    plain = g_uri_unescape_string(signature + strlen("Signature="), NULL);
    bytes = plain == NULL ? NULL : rb_base64_decode(plain, 4096);
    text = g_strjoin("&", request != NULL ? request : response, state != NULL ? state : method,
                     state != NULL ? method : NULL, NULL);
    for (guint i = 0; bytes != NULL && uri != NULL && i < G_N_ELEMENTS(algorithms); i++) {
        if (strcmp(uri, algorithms[i].uri) != 0)
            continue;
        for (guint k = 0; k < sp->keys->len; k++)
            if (EVP_PKEY_get_base_id(sp->keys->pdata[k]) == algorithms[i].type &&
                verify(sp->keys->pdata[k], algorithms[i].digest(), text, bytes))
                return TRUE;
    }
    return rb_refuse(error, RB_REQUEST_MALFORMED,
                     "the signature of the SAML message is not made by a key of '%s' with SHA-256 or better",
                     sp->entity_id);
}
