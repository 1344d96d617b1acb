#include "idp.h"

#include "sign/priv.h"

#include <glib/gstdio.h>
#include <libxml/parser.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <xmlsec/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlenc.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#define DS "http://www.w3.org/2000/09/xmldsig#"
#define EXC "http://www.w3.org/2001/10/xml-exc-c14n#"

static const char *const names[IDP_N_KEYS] = { "rsa", "rsa_next", "ec", "other", "weak", "sp", "sp_decrypt" };

static void
write_pem(Idp *idp, int key)
{
    g_autofree char *key_path = g_strdup_printf("%s/%s.key", idp->dir, names[key]);
    g_autofree char *crt_path = g_strdup_printf("%s/%s.crt", idp->dir, names[key]);
    X509 *x509 = X509_new();
    X509_NAME *name = X509_get_subject_name(x509);
    FILE *f;

    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), key + 1);
    ASN1_TIME_set(X509_getm_notBefore(x509), 1500000000);
    ASN1_TIME_set(X509_getm_notAfter(x509), 1500000001); /* long over: keys are pinned, dates say nothing */
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const guint8 *)names[key], -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_set_pubkey(x509, idp->keys[key]);
    g_assert(X509_sign(x509, idp->keys[key], EVP_sha256()) > 0);
    f = g_fopen(crt_path, "w");
    g_assert(f != NULL && PEM_write_X509(f, x509) == 1);
    fclose(f);
    f = g_fopen(key_path, "w");
    g_assert(f != NULL && PEM_write_PrivateKey(f, idp->keys[key], NULL, NULL, 0, NULL, NULL) == 1);
    fclose(f);
    g_assert(g_chmod(key_path, 0600) == 0);
    X509_free(x509);
}

Idp *
idp_new(void)
{
    Idp *idp = g_new0(Idp, 1);

    rb_xmlsec_ready(); /* once for the process, here and in the code under test */
    idp->dir = g_dir_make_tmp("rolebridge-idp-XXXXXX", NULL);
    g_assert(idp->dir != NULL);
    for (int i = 0; i < IDP_N_KEYS; i++) {
        idp->keys[i] = i == IDP_EC ? EVP_EC_gen("P-256") : EVP_RSA_gen(i == IDP_WEAK ? 1024 : 2048);
        g_assert(idp->keys[i] != NULL);
        write_pem(idp, i);
    }
    return idp;
}

void
idp_free(Idp *idp)
{
    GDir *dir = g_dir_open(idp->dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(idp->dir, name, NULL);
        (void)g_unlink(path);
    }
    g_dir_close(dir);
    (void)g_rmdir(idp->dir);
    for (int i = 0; i < IDP_N_KEYS; i++)
        EVP_PKEY_free(idp->keys[i]);
    g_free(idp->dir);
    g_free(idp);
}

char *
idp_write(const Idp *idp, const char *name, const char *text, int mode)
{
    char *path = g_build_filename(idp->dir, name, NULL);

    g_assert(g_file_set_contents(path, text, -1, NULL) && g_chmod(path, mode) == 0);
    return path;
}

char *
idp_certificate(const Idp *idp, int key)
{
    g_autofree char *path = g_strdup_printf("%s/%s.crt", idp->dir, names[key]), *pem = NULL, *body = NULL;

    g_assert(g_file_get_contents(path, &pem, NULL, NULL));
    body = idp_piece(pem, "\n", "-----END");
    body[strlen(body) - 8] = '\0';
    return g_strdup(g_strstrip(body));
}

static void
append_key(const Idp *idp, GString *xml, int key)
{
    g_autofree char *certificate = idp_certificate(idp, key);

    g_string_append_printf(
        xml,
        "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"" DS "\"><ds:X509Data>"
        "<ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
        certificate);
}

char *
idp_metadata(const Idp *idp, const char *attributes)
{
    GString *xml = g_string_new(NULL);

    g_string_append_printf(xml,
                           "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" "
                           "ID=\"_md\" entityID=\"" IDP_ENTITY "\"%s>@MSIG@<md:IDPSSODescriptor "
                           "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">",
                           attributes);
    append_key(idp, xml, IDP_WEAK);
    append_key(idp, xml, IDP_RSA);
    append_key(idp, xml, IDP_RSA_NEXT);
    append_key(idp, xml, IDP_EC);
    g_string_append(
        xml, "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" "
             "Location=\"https://idp.acme.example/slo\" ResponseLocation=\"https://idp.acme.example/slo2\"/>"
             "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" "
             "Location=\"https://idp.acme.example/sso?tenant=1\"/>"
             "</md:IDPSSODescriptor></md:EntityDescriptor>");
    return g_string_free(xml, FALSE);
}

static xmlSecKeyPtr
signing_key(const Idp *idp, int key)
{
    xmlSecKeyPtr wrapped;

    if (key < 0) {
        g_autofree char *certificate = idp_certificate(idp, IDP_RSA);
        return xmlSecKeyReadMemory(xmlSecKeyDataHmacId, (const xmlSecByte *)certificate,
                                   (xmlSecSize)strlen(certificate));
    }
    wrapped = xmlSecKeyCreate();
    EVP_PKEY_up_ref(idp->keys[key]);
    g_assert(xmlSecKeySetValue(wrapped, xmlSecOpenSSLEvpKeyAdopt(idp->keys[key])) == 0);
    return wrapped;
}

/* Innermost first: an outer signature covers the inner one's value. */
static void
sign_below(const Idp *idp, xmlNode *node, int key)
{
    for (xmlNode *child = node->children; child != NULL; child = child->next)
        if (child->type == XML_ELEMENT_NODE && strcmp((const char *)child->name, "Signature") != 0)
            sign_below(idp, child, key);
    for (xmlNode *child = node->children; child != NULL; child = child->next) {
        xmlNode *value;
        xmlSecDSigCtxPtr ctx;
        if (child->type != XML_ELEMENT_NODE || strcmp((const char *)child->name, "Signature") != 0)
            continue;
        value = xmlSecFindNode(child, BAD_CAST "SignatureValue", BAD_CAST DS);
        if (value == NULL || value->children != NULL)
            continue;
        ctx = xmlSecDSigCtxCreate(NULL);
        ctx->signKey = signing_key(idp, key);
        g_assert(xmlSecDSigCtxSign(ctx, child) == 0);
        xmlSecDSigCtxDestroy(ctx);
    }
}

static char *
serialize(xmlDoc *doc)
{
    xmlChar *text;
    int size;
    char *copy;

    xmlDocDumpMemory(doc, &text, &size);
    copy = g_strndup((const char *)text, (gsize)size);
    xmlFree(text);
    return copy;
}

char *
idp_sign(const Idp *idp, const char *xml, int key)
{
    const xmlChar *ids[] = { BAD_CAST "ID", NULL };
    xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET | XML_PARSE_HUGE);
    char *text;

    g_assert(doc != NULL);
    xmlSecAddIDs(doc, xmlDocGetRootElement(doc), ids);
    sign_below(idp, xmlDocGetRootElement(doc), key);
    text = serialize(doc);
    xmlFreeDoc(doc);
    return text;
}

/* The template's data key is random, the wrapping is for @key. */
static xmlNode *
encryption_template(xmlDoc *doc, const char *transport, const char *algorithm)
{
    xmlSecTransformId data = xmlSecTransformIdListFindByHref(xmlSecTransformIdsGet(), BAD_CAST algorithm,
                                                             xmlSecTransformUsageEncryptionMethod);
    xmlSecTransformId wrap = xmlSecTransformIdListFindByHref(xmlSecTransformIdsGet(), BAD_CAST transport,
                                                             xmlSecTransformUsageEncryptionMethod);
    xmlNode *encrypted = xmlSecTmplEncDataCreate(doc, data, NULL, xmlSecTypeEncElement, NULL, NULL);
    xmlNode *info = xmlSecTmplEncDataEnsureKeyInfo(encrypted, NULL);
    xmlNode *key = xmlSecTmplKeyInfoAddEncryptedKey(info, wrap, NULL, NULL, NULL);

    g_assert(data != NULL && wrap != NULL && key != NULL);
    g_assert(xmlSecTmplEncDataEnsureCipherValue(encrypted) != NULL);
    g_assert(xmlSecTmplEncDataEnsureCipherValue(key) != NULL);
    return encrypted;
}

char *
idp_encrypt(const Idp *idp, const char *xml, const char *transport, const char *algorithm, int key)
{
    xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET | XML_PARSE_HUGE);
    xmlNode *assertion = xmlSecFindNode(xmlDocGetRootElement(doc), BAD_CAST "Assertion",
                                        BAD_CAST "urn:oasis:names:tc:SAML:2.0:assertion");
    xmlNode *wrapper = xmlNewNode(assertion->ns, BAD_CAST "EncryptedAssertion");
    xmlSecKeysMngrPtr manager = xmlSecKeysMngrCreate();
    int bits = strstr(algorithm, "aes256") != NULL ? 256 : 128;
    xmlNode *encrypted;
    xmlSecEncCtxPtr ctx;
    char *text;

    g_assert(xmlSecOpenSSLAppDefaultKeysMngrInit(manager) == 0);
    g_assert(xmlSecOpenSSLAppDefaultKeysMngrAdoptKey(manager, signing_key(idp, key)) == 0);
    wrapper->ns = xmlNewNs(wrapper, BAD_CAST "urn:oasis:names:tc:SAML:2.0:assertion", BAD_CAST "saml");
    xmlAddPrevSibling(assertion, wrapper);
    xmlUnlinkNode(assertion);
    xmlAddChild(wrapper, assertion);
    encrypted = encryption_template(doc, transport, algorithm);
    ctx = xmlSecEncCtxCreate(manager);
    ctx->encKey = xmlSecKeyGenerate(xmlSecKeyDataAesId, (xmlSecSize)bits, xmlSecKeyDataTypeSession);
    g_assert(xmlSecEncCtxXmlEncrypt(ctx, encrypted, assertion) == 0);
    xmlSecEncCtxDestroy(ctx);
    xmlSecKeysMngrDestroy(manager);
    text = serialize(doc);
    xmlFreeDoc(doc);
    return text;
}

char *
idp_signature(const char *id, const char *method)
{
    return g_strdup_printf(
        "<ds:Signature xmlns:ds=\"" DS "\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"" EXC "\"/>"
        "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#%s\"/><ds:Reference "
        "URI=\"#%s\">"
        "<ds:Transforms><ds:Transform Algorithm=\"" DS "enveloped-signature\"/><ds:Transform Algorithm=\"" EXC
        "\"/></ds:Transforms><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>"
        "<ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue></"
        "ds:SignatureValue>"
        "</ds:Signature>",
        method, id);
}

char *
idp_replace(const char *text, const char *from, const char *to)
{
    g_auto(GStrv) parts = g_strsplit(text, from, -1);

    if (parts[0] == NULL || parts[1] == NULL)
        g_error("'%s' is not in the text", from);
    return g_strjoinv(to, parts);
}

char *
idp_piece(const char *text, const char *start, const char *end)
{
    const char *from = strstr(text, start), *to = from == NULL ? NULL : strstr(from + strlen(start), end);

    if (to == NULL)
        g_error("'%s' to '%s' is not in the text", start, end);
    return g_strndup(from, (gsize)(to - from) + strlen(end));
}

char *
idp_response(const char *provider)
{
    return g_strdup_printf(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" "
        "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_r1\" Version=\"2.0\" "
        "IssueInstant=\"2027-01-15T08:00:00Z\" Destination=\"" IDP_PUBLIC
        "/saml/%s/acs\" InResponseTo=\"_req1\">"
        "<saml:Issuer>" IDP_ENTITY "</saml:Issuer>@RSIG@<samlp:Status><samlp:StatusCode "
        "Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>"
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" "
        "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" "
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
        "ID=\"_a1\" Version=\"2.0\" IssueInstant=\"2027-01-15T08:00:00Z\"><saml:Issuer>" IDP_ENTITY
        "</saml:Issuer>@ASIG@<saml:Subject><saml:NameID "
        "Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">alice@acme.example</saml:NameID>"
        "<saml:SubjectConfirmation "
        "Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData "
        "InResponseTo=\"_req1\" Recipient=\"" IDP_PUBLIC
        "/saml/%s/acs\" NotOnOrAfter=\"2027-01-15T08:05:00Z\"/>"
        "</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore=\"2027-01-15T07:59:00Z\" "
        "NotOnOrAfter=\"2027-01-15T08:05:00Z\"><saml:AudienceRestriction><saml:Audience>" IDP_PUBLIC
        "/saml/%s/metadata</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement "
        "AuthnInstant=\"2027-01-15T07:50:00Z\" SessionIndex=\"_s1\" "
        "SessionNotOnOrAfter=\"2027-01-15T16:00:00Z\">"
        "<saml:AuthnContext><saml:AuthnContextClassRef>"
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
        "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>"
        "<saml:Attribute Name=\"uid\"><saml:AttributeValue xsi:type=\"xs:string\">alice</saml:AttributeValue>"
        "</saml:Attribute><saml:Attribute Name=\"groups\"><saml:AttributeValue xsi:type=\"xs:string\">"
        "acme-data-science</saml:AttributeValue>@MORE@</saml:Attribute></saml:AttributeStatement></"
        "saml:Assertion>"
        "</samlp:Response>",
        provider, provider, provider);
}

char *
idp_response_signed(const Idp *idp, const char *provider, guint groups)
{
    g_autofree char *plain = idp_response(provider), *no_outer = idp_replace(plain, "@RSIG@", "");
    g_autofree char *signature = idp_signature("_a1", "rsa-sha256");
    g_autofree char *inner = idp_replace(no_outer, "@ASIG@", signature), *full = NULL;
    g_autoptr(GString) more = g_string_new(NULL);

    for (guint i = 1; i < groups; i++)
        g_string_append_printf(more,
                               "<saml:AttributeValue xsi:type=\"xs:string\">acme-department-%04u-engineers"
                               "</saml:AttributeValue>",
                               i);
    full = idp_replace(inner, "@MORE@", more->str);
    return idp_sign(idp, full, IDP_RSA);
}
