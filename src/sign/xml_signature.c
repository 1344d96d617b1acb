#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/priv.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/valid.h>
#include <string.h>
#include <xmlsec/base64.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

enum { MAX_PREFIX_LIST = 256 };

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlSecDSigCtx, xmlSecDSigCtxDestroy)

static void
quiet(const char *file, int line, const char *func, const char *object, const char *subject, int reason,
      const char *message)
{
    (void)file, (void)line, (void)func, (void)object, (void)subject, (void)reason, (void)message;
}

static gpointer
initialise(gpointer data)
{
    (void)data;
    xmlInitParser();
    xmlSecErrorsSetCallback(quiet); /* what a caller must know, it gets as a refusal */
    if (xmlSecInit() < 0 || xmlSecCryptoInit() < 0)
        g_error("xmlsec1 does not start");
    xmlSecErrorsSetCallback(quiet);
    return NULL;
}

void
rb_xmlsec_ready(void)
{
    static GOnce once = G_ONCE_INIT;

    (void)g_once(&once, initialise, NULL);
}

xmlSecKeyPtr
rb_xmlsec_key(EVP_PKEY *pkey)
{
    xmlSecKeyPtr key;
    xmlSecKeyDataPtr value;

    rb_xmlsec_ready();
    key = xmlSecKeyCreate();
    EVP_PKEY_up_ref(pkey);
    value = xmlSecOpenSSLEvpKeyAdopt(pkey);
    if (key == NULL || value == NULL || xmlSecKeySetValue(key, value) < 0)
        g_error("xmlsec1 does not take a key that was checked");
    return key;
}

RbXmlNode *
rb_xml_signature_find(RbXmlNode *element, GError **error)
{
    xmlNode *found = NULL;

    for (xmlNode *child = rb_xml_first(element); child != NULL; child = rb_xml_next(child)) {
        if (!rb_xml_is(child, RB_NS_DSIG, "Signature"))
            continue;
        if (found != NULL) {
            (void)rb_refuse(error, RB_SAML_SIGNATURE_PROFILE, "<%s> has two signatures", element->name);
            return NULL;
        }
        found = child;
    }
    return found;
}

static gboolean
out_of_profile(GError **error, const char *what)
{
    return rb_refuse(error, RB_SAML_SIGNATURE_PROFILE, "%s", what);
}

/* The Algorithm of @node. Returns: FALSE when it has none or @node has attributes besides. */
static gboolean
algorithm_is(const xmlNode *node, const char *uri)
{
    const char *algorithm = rb_xml_attribute(node, "Algorithm");

    return algorithm != NULL && strcmp(algorithm, uri) == 0;
}

/* Exclusive c14n without comments; its one parameter may be there, short: each prefix in it costs a search
 * for each element, before any signature has been verified. */
static gboolean
is_exclusive(const xmlNode *node)
{
    const xmlNode *parameter = rb_xml_first(node);
    const char *prefixes;

    if (!algorithm_is(node, RB_NS_EXC_C14N))
        return FALSE;
    if (parameter == NULL)
        return TRUE;
    prefixes = rb_xml_attribute(parameter, "PrefixList");
    return rb_xml_is(parameter, RB_NS_EXC_C14N, "InclusiveNamespaces") && rb_xml_next(parameter) == NULL &&
           (prefixes == NULL || strlen(prefixes) <= MAX_PREFIX_LIST);
}

/* enveloped-signature, then exclusive c14n: the only transforms that leave what is signed what is read. */
static gboolean
check_transforms(const xmlNode *transforms, GError **error)
{
    const xmlNode *first = rb_xml_is(transforms, RB_NS_DSIG, "Transforms") ? rb_xml_first(transforms) : NULL;
    const xmlNode *second = first == NULL ? NULL : rb_xml_next(first);

    if (!rb_xml_is(first, RB_NS_DSIG, "Transform") ||
        !algorithm_is(first, RB_NS_DSIG "enveloped-signature") || rb_xml_first(first) != NULL)
        return out_of_profile(error, "the first transform is not enveloped-signature");
    if (!rb_xml_is(second, RB_NS_DSIG, "Transform") || !is_exclusive(second))
        return out_of_profile(error, "the second transform is not exclusive canonicalization");
    if (rb_xml_next(second) != NULL)
        return out_of_profile(error, "a third transform");
    return TRUE;
}

static gboolean
check_digest(const xmlNode *method, GError **error)
{
    const char *algorithm = NULL;
    g_autofree char *quoted = NULL;

    if (!rb_xml_is(method, RB_NS_DSIG, "DigestMethod") || rb_xml_first(method) != NULL)
        return out_of_profile(error, "DigestMethod is not where it belongs");
    algorithm = rb_xml_attribute(method, "Algorithm");
    if (algorithm != NULL && rb_digest_allowed(algorithm))
        return TRUE;
    quoted = rb_text_quote(algorithm == NULL ? "" : algorithm);
    return rb_refuse(error, RB_SAML_ALGORITHM, "the digest %s is not accepted", quoted);
}

static gboolean
check_reference(const xmlNode *reference, const char *id, GError **error)
{
    const char *uri = NULL;
    const xmlNode *transforms, *method, *value;

    if (!rb_xml_is(reference, RB_NS_DSIG, "Reference"))
        return out_of_profile(error, "no Reference");
    if (rb_xml_next(reference) != NULL)
        return out_of_profile(error, "more than one Reference");
    uri = rb_xml_attribute(reference, "URI");
    if (uri == NULL || uri[0] != '#' || strcmp(uri + 1, id) != 0)
        return out_of_profile(error, "the Reference is not to the element that holds the signature");
    transforms = rb_xml_first(reference);
    if (!check_transforms(transforms, error))
        return FALSE;
    method = rb_xml_next(transforms);
    if (!check_digest(method, error))
        return FALSE;
    value = rb_xml_next(method);
    if (!rb_xml_is(value, RB_NS_DSIG, "DigestValue") || rb_xml_first(value) != NULL ||
        rb_xml_next(value) != NULL)
        return out_of_profile(error, "DigestValue is not where it belongs");
    return TRUE;
}

/* Returns: the algorithm, or NULL. */
static const RbSignatureAlgorithm *
check_method(const xmlNode *method, GError **error)
{
    const char *uri = NULL;
    g_autofree char *quoted = NULL;
    const RbSignatureAlgorithm *algorithm;

    if (!rb_xml_is(method, RB_NS_DSIG, "SignatureMethod") || rb_xml_first(method) != NULL) {
        (void)out_of_profile(error, "SignatureMethod is not where it belongs");
        return NULL;
    }
    uri = rb_xml_attribute(method, "Algorithm");
    algorithm = uri == NULL ? NULL : rb_signature_algorithm_find(uri);
    if (algorithm != NULL)
        return algorithm;
    quoted = rb_text_quote(uri == NULL ? "" : uri);
    (void)rb_refuse(error, RB_SAML_ALGORITHM, "the signature algorithm %s is not accepted", quoted);
    return NULL;
}

/* The whole Signature, element by element: anything not of this one shape is refused before any of it is
 * processed. Returns: the signature algorithm, or NULL. */
static const RbSignatureAlgorithm *
check_shape(const xmlNode *signature, const char *id, GError **error)
{
    const xmlNode *info = rb_xml_first(signature), *c14n, *method, *value, *rest;
    const RbSignatureAlgorithm *algorithm;

    if (!rb_xml_is(info, RB_NS_DSIG, "SignedInfo")) {
        (void)out_of_profile(error, "SignedInfo is not where it belongs");
        return NULL;
    }
    value = rb_xml_next(info);
    rest = value == NULL ? NULL : rb_xml_next(value);
    if (rest != NULL && rb_xml_is(rest, RB_NS_DSIG, "KeyInfo"))
        rest = rb_xml_next(rest); /* not read: the key comes from metadata */
    c14n = rb_xml_first(info);
    if (!rb_xml_is(value, RB_NS_DSIG, "SignatureValue") || rest != NULL) {
        (void)out_of_profile(error, "the signature holds more than SignedInfo, SignatureValue and KeyInfo");
        return NULL;
    }
    if (!rb_xml_is(c14n, RB_NS_DSIG, "CanonicalizationMethod") || !is_exclusive(c14n)) {
        (void)out_of_profile(error, "SignedInfo is not canonicalized exclusively");
        return NULL;
    }
    method = rb_xml_next(c14n);
    algorithm = check_method(method, error);
    if (algorithm == NULL || !check_reference(rb_xml_next(method), id, error))
        return NULL;
    return algorithm;
}

/* Makes '#ID' lead to @element and nothing else, in the table that the reference is looked up in. */
static gboolean
register_id(xmlNode *element, xmlAttr *attribute, const char *id, GError **error)
{
    xmlAttr *known = xmlGetID(element->doc, BAD_CAST id);

    if (known == NULL && xmlAddID(NULL, element->doc, BAD_CAST id, attribute) != NULL)
        known = xmlGetID(element->doc, BAD_CAST id);
    if (known == NULL || known != attribute || known->parent != element)
        return out_of_profile(error, "the ID of the signed element also names another");
    return TRUE;
}

static void
enable(xmlSecDSigCtx *ctx)
{
    const xmlSecTransformId reference[] = { xmlSecTransformEnvelopedId, xmlSecTransformExclC14NId,
                                            xmlSecTransformSha256Id, xmlSecTransformSha384Id,
                                            xmlSecTransformSha512Id };
    const xmlSecTransformId signature[] = { xmlSecTransformExclC14NId,    xmlSecTransformRsaSha256Id,
                                            xmlSecTransformRsaSha384Id,   xmlSecTransformRsaSha512Id,
                                            xmlSecTransformEcdsaSha256Id, xmlSecTransformEcdsaSha384Id,
                                            xmlSecTransformEcdsaSha512Id };

    for (gsize i = 0; i < G_N_ELEMENTS(reference); i++)
        if (xmlSecDSigCtxEnableReferenceTransform(ctx, reference[i]) < 0)
            g_error("xmlsec1 lacks a transform");
    for (gsize i = 0; i < G_N_ELEMENTS(signature); i++)
        if (xmlSecDSigCtxEnableSignatureTransform(ctx, signature[i]) < 0)
            g_error("xmlsec1 lacks an algorithm");
    ctx->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
    /* '#ID' is looked up as an ID and nothing else; without this it goes through an XPointer expression. */
    ctx->flags |= XMLSEC_DSIG_FLAGS_USE_VISA3D_HACK | XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS;
}

static gboolean
verify_with(const RbPublicKey *key, xmlNode *signature)
{
    g_autoptr(xmlSecDSigCtx) ctx = xmlSecDSigCtxCreate(NULL);
    gboolean ok;

    if (ctx == NULL)
        return FALSE;
    enable(ctx);
    ctx->signKey = key->xmlsec; /* set: xmlsec1 does not look for a key in KeyInfo */
    ok = xmlSecDSigCtxVerify(ctx, signature) == 0 && ctx->status == xmlSecDSigStatusSucceeded &&
         ctx->signKey == key->xmlsec && xmlSecPtrListGetSize(&ctx->signedInfoReferences) == 1;
    ctx->signKey = NULL; /* borrowed */
    return ok;
}

gboolean
rb_xml_signature_verify(RbXmlNode *element, RbXmlNode *signature, RbPublicKey *const *keys, guint n_keys,
                        GError **error)
{
    xmlAttr *attribute = xmlHasNsProp(element, BAD_CAST "ID", NULL);
    const char *id = rb_xml_attribute(element, "ID");
    const RbSignatureAlgorithm *algorithm;

    rb_xmlsec_ready();
    if (attribute == NULL || id == NULL || signature->parent != element)
        return out_of_profile(error, "the signature is not a child of an element with an ID");
    if (xmlValidateNCName(BAD_CAST id, 0) != 0)
        return out_of_profile(error, "the ID of the signed element is not a name");
    algorithm = check_shape(signature, id, error);
    if (algorithm == NULL || !register_id(element, attribute, id, error))
        return FALSE;
    for (guint i = 0; i < MIN(n_keys, (guint)RB_SIGN_MAX_KEYS); i++)
        if (EVP_PKEY_get_base_id(keys[i]->pkey) == algorithm->key_type && verify_with(keys[i], signature))
            return TRUE;
    return rb_refuse(error, RB_SAML_SIGNATURE_INVALID, "<%s>: none of %u trusted keys made this signature",
                     element->name, n_keys);
}

/* ---- making ---- */

/* libxml2 asks of each node whether it is of the part that is canonicalized. A namespace is no node: its
 * element is asked for. */
static int
is_within(void *data, xmlNode *node, xmlNode *parent)
{
    const xmlNode *top = data;

    for (const xmlNode *n = node->type == XML_NAMESPACE_DECL ? parent : node; n != NULL; n = n->parent)
        if (n == top)
            return 1;
    return 0;
}

/* (transfer full): exclusive c14n of @element and what is in it; NULL when libxml2 cannot. */
static GBytes *
canonical(xmlNode *element)
{
    xmlOutputBuffer *buffer = xmlAllocOutputBuffer(NULL);
    GBytes *bytes = NULL;

    if (xmlC14NExecute(element->doc, is_within, element, XML_C14N_EXCLUSIVE_1_0, NULL, 0, buffer) >= 0)
        bytes = g_bytes_new(xmlOutputBufferGetContent(buffer), xmlOutputBufferGetSize(buffer));
    (void)xmlOutputBufferClose(buffer);
    return bytes;
}

/* The Signature with everything but the two values. */
static xmlNode *
template_new(xmlNode *element, const char *id, const RbPrivateKey *key, GBytes *certificate)
{
    const char *algorithm = rb_signature_algorithm(key);
    xmlSecTransformId method = xmlSecTransformIdListFindByHref(
        xmlSecTransformIdsGet(), (const xmlChar *)algorithm, xmlSecTransformUsageSignatureMethod);
    xmlNode *signature =
        xmlSecTmplSignatureCreateNsPref(element->doc, xmlSecTransformExclC14NId, method, NULL, BAD_CAST "ds");
    g_autofree char *uri = g_strconcat("#", id, NULL);
    xmlNode *reference =
        signature == NULL
            ? NULL
            : xmlSecTmplSignatureAddReference(signature, xmlSecTransformSha256Id, NULL, BAD_CAST uri, NULL);

    if (reference == NULL || xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId) == NULL ||
        xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId) == NULL)
        g_error("xmlsec1 makes no template");
    if (certificate != NULL) {
        g_autofree char *base64 =
            g_base64_encode(g_bytes_get_data(certificate, NULL), g_bytes_get_size(certificate));
        xmlNode *info = xmlSecTmplSignatureEnsureKeyInfo(signature, NULL);
        xmlNode *data = xmlNewChild(info, info->ns, BAD_CAST "X509Data", NULL);
        (void)xmlNewTextChild(data, info->ns, BAD_CAST "X509Certificate", BAD_CAST base64);
    }
    return signature;
}

/* Writes @bytes into the one element @name below @signature. */
static void
fill_in(xmlNode *signature, const char *name, const void *bytes, gsize size)
{
    g_autofree char *base64 = g_base64_encode(bytes, size);

    xmlNodeSetContent(xmlSecFindNode(signature, BAD_CAST name, BAD_CAST RB_NS_DSIG), BAD_CAST base64);
}

static void
insert(xmlNode *element, xmlNode *after, xmlNode *signature)
{
    if (after != NULL)
        (void)xmlAddNextSibling(after, signature);
    else if (element->children != NULL)
        (void)xmlAddPrevSibling(element->children, signature);
    else
        (void)xmlAddChild(element, signature);
}

/* xmlsec1 would sign with a key that OpenSSL has; this signs with any of ours, also one on a token. What is
 * signed is digested before the signature goes in, which is what enveloped-signature leaves of it. */
gboolean
rb_xml_signature_make(RbXmlNode *element, RbXmlNode *after, const RbPrivateKey *key, GBytes *certificate,
                      GError **error)
{
    const char *id = rb_xml_attribute(element, "ID");
    xmlAttr *attribute = xmlHasNsProp(element, BAD_CAST "ID", NULL);
    g_autoptr(GBytes) content = NULL, info = NULL, value = NULL;
    guint8 digest[32];
    xmlNode *signature;

    rb_xmlsec_ready();
    if (id == NULL)
        return rb_fault(error, RB_FAULT_INTERNAL, "an element without an ID is to be signed");
    if (!register_id(element, attribute, id, error))
        return FALSE;
    content = canonical(element);
    if (content == NULL)
        return rb_fault(error, RB_FAULT_INTERNAL, "what is to be signed cannot be canonicalized");
    rb_sha256(g_bytes_get_data(content, NULL), g_bytes_get_size(content), digest);
    signature = template_new(element, id, key, certificate);
    insert(element, after, signature);
    fill_in(signature, "DigestValue", digest, sizeof digest);
    info = canonical(rb_xml_first(signature));
    if (info == NULL)
        (void)rb_fault(error, RB_FAULT_INTERNAL, "SignedInfo cannot be canonicalized");
    else
        value = rb_signature_make(key, g_bytes_get_data(info, NULL), g_bytes_get_size(info), error);
    if (value == NULL) { /* @element is as it was */
        xmlUnlinkNode(signature);
        xmlFreeNode(signature);
        return FALSE;
    }
    fill_in(signature, "SignatureValue", g_bytes_get_data(value, NULL), g_bytes_get_size(value));
    return TRUE;
}
