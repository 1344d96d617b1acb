#include "sandbox/saml.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "sandbox/xml.h"

#include <gio/gio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>
#include <xmlsec/crypto.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#define A "urn:oasis:names:tc:SAML:2.0:assertion"
#define P "urn:oasis:names:tc:SAML:2.0:protocol"
#define RSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
enum { LIFE_S = 300, SKEW_S = 30 };

struct RbBoxSigner {
    xmlSecKeyPtr key; /* for XML */
    EVP_PKEY *pkey;   /* for the redirect binding */
    char *certificate;
};

void
rb_box_attribute_free(gpointer data)
{
    RbBoxAttribute *attribute = data;

    g_free(attribute->name);
    g_strfreev(attribute->values);
    g_free(attribute);
}

static void
start_xmlsec(void)
{
    static gsize started;

    if (g_once_init_enter(&started)) {
        if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0)
            g_error("xmlsec1 cannot be started");
        g_once_init_leave(&started, 1);
    }
}

static char *
certificate_text(GBytes *pem)
{
    BIO *bio = BIO_new_mem_buf(g_bytes_get_data(pem, NULL), (int)g_bytes_get_size(pem));
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    guint8 *der = NULL;
    int size = certificate == NULL ? -1 : i2d_X509(certificate, &der);
    char *text = size < 0 ? NULL : g_base64_encode(der, (gsize)size);

    OPENSSL_free(der);
    X509_free(certificate);
    BIO_free(bio);
    return text;
}

RbBoxSigner *
rb_box_signer_new(const RbSecret *key, GBytes *certificate, GError **error)
{
    g_autoptr(RbBoxSigner) signer = g_new0(RbBoxSigner, 1);
    BIO *bio = BIO_new_mem_buf(rb_secret_reveal(key), (int)rb_secret_size(key));

    start_xmlsec();
    signer->pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    signer->key = xmlSecCryptoAppKeyLoadMemory((const xmlSecByte *)rb_secret_reveal(key),
                                               (xmlSecSize)rb_secret_size(key), xmlSecKeyDataFormatPem, NULL,
                                               NULL, NULL);
    signer->certificate = certificate_text(certificate);
    if (signer->pkey != NULL && EVP_PKEY_get_base_id(signer->pkey) == EVP_PKEY_RSA && signer->key != NULL &&
        signer->certificate != NULL)
        return g_steal_pointer(&signer);
    rb_fault(error, RB_FAULT_FILE, "the identity provider needs an RSA key and its certificate, both in PEM");
    return NULL;
}

void
rb_box_signer_free(RbBoxSigner *signer)
{
    if (signer == NULL)
        return;
    if (signer->key != NULL)
        xmlSecKeyDestroy(signer->key);
    EVP_PKEY_free(signer->pkey);
    g_free(signer->certificate);
    g_free(signer);
}

const char *
rb_box_signer_certificate(const RbBoxSigner *signer)
{
    return signer->certificate;
}

char *
rb_box_saml_id(void)
{
    guint8 bytes[16];
    g_autofree char *hex = NULL;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        g_error("the system's random generator does not answer");
    hex = rb_hex_encode(bytes, sizeof bytes);
    return g_strconcat("_", hex, NULL);
}

/* ---- the redirect binding ---- */

static char *
deflate_base64(const char *text)
{
    g_autoptr(GConverter) deflater = G_CONVERTER(g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_RAW, 9));
    gsize size = strlen(text), room = size + 1024, read, written;
    g_autofree guint8 *out = g_malloc(room);

    if (g_converter_convert(deflater, text, size, out, room, G_CONVERTER_INPUT_AT_END, &read, &written,
                            NULL) != G_CONVERTER_FINISHED)
        g_error("DEFLATE failed");
    return g_base64_encode(out, written);
}

char *
rb_box_redirect_url(const RbBoxSigner *signer, const char *location, const char *name, const char *message,
                    const char *relay_state)
{
    g_autofree char *packed = deflate_base64(message), *field = rb_uri_encode(packed);
    g_autofree char *method = rb_uri_encode(RSA_SHA256),
                    *state = rb_uri_encode(relay_state == NULL ? "" : relay_state);
    g_autofree char *text = g_strdup_printf("%s=%s%s%s&SigAlg=%s", name, field,
                                            relay_state == NULL ? "" : "&RelayState=", state, method);
    g_autofree char *encoded = NULL, *signature = NULL;
    guint8 bytes[1024];
    gsize size = sizeof bytes;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, signer->pkey) != 1 ||
        EVP_DigestSign(ctx, bytes, &size, (const guint8 *)text, strlen(text)) != 1)
        g_error("RSA-SHA256 failed");
    EVP_MD_CTX_free(ctx);
    encoded = g_base64_encode(bytes, size);
    signature = rb_uri_encode(encoded);
    return g_strdup_printf("%s%s%s&Signature=%s", location, strchr(location, '?') == NULL ? "?" : "&", text,
                           signature);
}

/* ---- the response ---- */

static void
append_attributes(GString *out, const GPtrArray *attributes)
{
    g_string_append(out, "<saml:AttributeStatement>");
    for (guint i = 0; i < attributes->len; i++) {
        const RbBoxAttribute *attribute = attributes->pdata[i];
        g_autofree char *name = g_markup_escape_text(attribute->name, -1);

        g_string_append_printf(
            out,
            "<saml:Attribute Name=\"%s\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:"
            "basic\">",
            name);
        for (guint k = 0; attribute->values[k] != NULL; k++) {
            g_autofree char *value = g_markup_escape_text(attribute->values[k], -1);

            g_string_append_printf(out, "<saml:AttributeValue>%s</saml:AttributeValue>", value);
        }
        g_string_append(out, "</saml:Attribute>");
    }
    g_string_append(out, "</saml:AttributeStatement>");
}

static char *
in_response_to(const RbBoxResponse *r)
{
    char *pair = r->in_response_to == NULL
                     ? g_strdup("")
                     : g_markup_printf_escaped(" InResponseTo=\"%s\"", r->in_response_to);

    return pair;
}

static void
append_assertion(GString *out, const RbBoxResponse *r, const char *id)
{
    g_autofree char *now = rb_time_format(r->now), *from = rb_time_format(r->now - SKEW_S);
    g_autofree char *until = rb_time_format(r->now + LIFE_S), *when = rb_time_format(r->authenticated_at);
    g_autofree char *end = rb_time_format(r->session_until), *answers = in_response_to(r);
    g_autofree char *head = g_markup_printf_escaped(
        "<saml:Assertion xmlns:saml=\"" A
        "\" ID=\"%s\" Version=\"2.0\" IssueInstant=\"%s\"><saml:Issuer>%s</saml:Issuer>"
        "<saml:Subject><saml:NameID "
        "Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">%s</saml:NameID>"
        "<saml:SubjectConfirmation "
        "Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData "
        "NotOnOrAfter=\"%s\" Recipient=\"%s\"",
        id, now, r->issuer, r->name_id, until, r->destination);
    g_autofree char *tail = g_markup_printf_escaped(
        "/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore=\"%s\" NotOnOrAfter=\"%s\">"
        "<saml:AudienceRestriction><saml:Audience>%s</saml:Audience></saml:AudienceRestriction></"
        "saml:Conditions>"
        "<saml:AuthnStatement AuthnInstant=\"%s\" SessionIndex=\"%s\" "
        "SessionNotOnOrAfter=\"%s\"><saml:AuthnContext>"
        "<saml:AuthnContextClassRef>%s</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>",
        from, until, r->audience, when, r->session_index, end, r->context);

    g_string_append_printf(out, "%s%s%s", head, answers, tail);
    append_attributes(out, r->attributes);
    g_string_append(out, "</saml:Assertion>");
}

static char *
build(const RbBoxResponse *r, const char *id, const char *assertion_id)
{
    GString *out = g_string_new(NULL);
    g_autofree char *now = rb_time_format(r->now), *answers = in_response_to(r);
    g_autofree char *head = g_markup_printf_escaped("<samlp:Response xmlns:samlp=\"" P "\" xmlns:saml=\"" A
                                                    "\" ID=\"%s\" Version=\"2.0\" IssueInstant=\"%s\" "
                                                    "Destination=\"%s\"",
                                                    id, now, r->destination);
    g_autofree char *issuer = g_markup_printf_escaped("><saml:Issuer>%s</saml:Issuer>", r->issuer);

    g_string_append_printf(out, "%s%s%s<samlp:Status>", head, answers, issuer);
    if (r->status == NULL)
        g_string_append(out, "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>");
    else
        g_string_append_printf(
            out,
            "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"><samlp:"
            "StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:%s\"/></samlp:StatusCode>",
            r->status);
    g_string_append(out, "</samlp:Status>");
    if (r->status == NULL)
        append_assertion(out, r, assertion_id);
    g_string_append(out, "</samlp:Response>");
    return g_string_free(out, FALSE);
}

/* With the certificate that a reader may compare. */
gboolean
rb_box_signer_sign(const RbBoxSigner *signer, xmlNode *node, const char *id)
{
    g_autofree char *uri = g_strconcat("#", id, NULL);
    xmlNode *issuer = rb_box_xml_child(node, A, "Issuer");
    xmlNode *signature = xmlSecTmplSignatureCreateNsPref(
        node->doc, xmlSecTransformExclC14NId, xmlSecTransformRsaSha256Id, NULL, (const xmlChar *)"ds");
    xmlNode *reference, *info, *data;
    xmlSecDSigCtxPtr ctx;
    gboolean good;

    (void)xmlAddNextSibling(issuer, signature);
    reference =
        xmlSecTmplSignatureAddReference(signature, xmlSecTransformSha256Id, NULL, (const xmlChar *)uri, NULL);
    (void)xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId);
    (void)xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId);
    (void)xmlAddID(NULL, node->doc, (const xmlChar *)id, xmlHasProp(node, (const xmlChar *)"ID"));
    ctx = xmlSecDSigCtxCreate(NULL);
    ctx->signKey = xmlSecKeyDuplicate(signer->key);
    ctx->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
    good = xmlSecDSigCtxSign(ctx, signature) == 0;
    xmlSecDSigCtxDestroy(ctx);
    info = xmlNewChild(signature, signature->ns, (const xmlChar *)"KeyInfo", NULL);
    data = xmlNewChild(info, info->ns, (const xmlChar *)"X509Data", NULL);
    (void)xmlNewTextChild(data, info->ns, (const xmlChar *)"X509Certificate",
                          (const xmlChar *)signer->certificate);
    return good;
}

char *
rb_box_response_sign(const RbBoxSigner *signer, const RbBoxResponse *response, GError **error)
{
    g_autofree char *id = rb_box_saml_id(), *assertion_id = rb_box_saml_id();
    g_autofree char *text = build(response, id, assertion_id);
    g_autoptr(xmlDoc) doc = rb_box_xml_parse(text, strlen(text), error);
    xmlNode *root = doc == NULL ? NULL : xmlDocGetRootElement(doc);
    xmlNode *assertion = rb_box_xml_child(root, A, "Assertion");
    xmlChar *out = NULL;
    int size = 0;
    char *copy;

    if (root == NULL)
        return NULL;
    if ((assertion != NULL && !rb_box_signer_sign(signer, assertion, assertion_id)) ||
        !rb_box_signer_sign(signer, root, id)) {
        rb_fault(error, RB_FAULT_INTERNAL, "xmlsec1 could not sign the response");
        return NULL;
    }
    xmlDocDumpMemory(doc, &out, &size);
    copy = g_strndup((const char *)out, (gsize)size);
    xmlFree(out);
    return copy;
}
