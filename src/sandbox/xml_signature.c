#include "sandbox/xml_signature.h"

#include "base/encoding.h"
#include "sandbox/token.h"

#include <libxml/c14n.h>
#include <string.h>

#define EXCLUSIVE "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ENVELOPED RB_BOX_DS "enveloped-signature"
enum { MAX_SIGNATURE = 4096 };

/* clang-format off */
static const struct {
    const char *uri;
    const EVP_MD *(*digest)(void);
    int type;
} algorithms[] = {
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",   EVP_sha256, EVP_PKEY_RSA },
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",   EVP_sha384, EVP_PKEY_RSA },
    { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",   EVP_sha512, EVP_PKEY_RSA },
    { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", EVP_sha256, EVP_PKEY_EC },
    { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", EVP_sha384, EVP_PKEY_EC },
};
static const struct {
    const char *uri;
    const EVP_MD *(*digest)(void);
} digests[] = {
    { "http://www.w3.org/2001/04/xmlenc#sha256",        EVP_sha256 },
    { "http://www.w3.org/2001/04/xmldsig-more#sha384",  EVP_sha384 },
    { "http://www.w3.org/2001/04/xmlenc#sha512",        EVP_sha512 },
};
/* clang-format on */

/* What is canonicalized: @root and all below, but for @without. */
typedef struct {
    const xmlNode *root, *without;
} Part;

static int
is_visible(void *data, xmlNodePtr node, xmlNodePtr parent)
{
    const Part *part = data;

    /* a namespace is no xmlNode: it has no parent to climb to */
    for (node = node->type == XML_NAMESPACE_DECL || node->type == XML_ATTRIBUTE_NODE ? parent : node;
         node != NULL; node = node->parent) {
        if (node == part->without)
            return 0;
        if (node == part->root)
            return 1;
    }
    return 0;
}

static GBytes *
canonical(xmlNode *root, const xmlNode *without, char **prefixes)
{
    Part part = { root, without };
    xmlOutputBuffer *out = xmlAllocOutputBuffer(NULL);
    GBytes *bytes = NULL;

    if (xmlC14NExecute(root->doc, is_visible, &part, XML_C14N_EXCLUSIVE_1_0, (xmlChar **)prefixes, 0, out) >=
        0)
        bytes = g_bytes_new(xmlOutputBufferGetContent(out), xmlOutputBufferGetSize(out));
    (void)xmlOutputBufferClose(out);
    return bytes;
}

/* The prefixes that a canonicalization method or transform lists as inclusive; NULL for none. */
static GStrv
inclusive_prefixes(xmlNode *method)
{
    xmlNode *list = rb_box_xml_child(method, EXCLUSIVE, "InclusiveNamespaces");
    g_autofree char *text = rb_box_xml_attribute(list, "PrefixList");

    return text == NULL ? NULL : g_strsplit(text, " ", 100);
}

static gboolean
algorithm_is(xmlNode *node, const char *uri)
{
    g_autofree char *text = rb_box_xml_attribute(node, "Algorithm");

    return g_strcmp0(text, uri) == 0;
}

static guint
count(const xmlNode *parent, const char *name)
{
    guint n = 0;

    for (const xmlNode *child = parent->children; child != NULL; child = child->next)
        n += rb_box_xml_is(child, RB_BOX_DS, name);
    return n;
}

/* Enveloped first, then exclusive canonicalization: the two transforms of SAML, no third. Returns: the
 * latter.
 */
static xmlNode *
check_transforms(xmlNode *reference)
{
    xmlNode *transforms = rb_box_xml_child(reference, RB_BOX_DS, "Transforms"), *last = NULL;
    gboolean enveloped = FALSE;

    for (xmlNode *node = transforms == NULL ? NULL : transforms->children; node != NULL; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (!enveloped && algorithm_is(node, ENVELOPED))
            enveloped = TRUE;
        else if (enveloped && last == NULL && algorithm_is(node, EXCLUSIVE))
            last = node;
        else
            return NULL;
    }
    return last;
}

/* Whether the one reference is to @node by its ID, and its digest is that of @node without @signature. */
static const char *
check_reference(xmlNode *node, xmlNode *signature, xmlNode *info)
{
    xmlNode *reference = rb_box_xml_child(info, RB_BOX_DS, "Reference");
    xmlNode *transform = reference == NULL ? NULL : check_transforms(reference);
    xmlNode *method = rb_box_xml_child(reference, RB_BOX_DS, "DigestMethod");
    g_autofree char *id = rb_box_xml_attribute(node, "ID"), *uri = rb_box_xml_attribute(reference, "URI");
    g_autofree char *text = rb_box_xml_text(rb_box_xml_child(reference, RB_BOX_DS, "DigestValue"));
    g_auto(GStrv) prefixes = transform == NULL ? NULL : inclusive_prefixes(transform);
    g_autoptr(GBytes) want = text == NULL ? NULL : rb_base64_decode(text, EVP_MAX_MD_SIZE);
    g_autoptr(GBytes) bytes = NULL;
    guint8 digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    if (count(info, "Reference") != 1 || id == NULL || uri == NULL || uri[0] != '#' ||
        strcmp(uri + 1, id) != 0)
        return "the signature is not over the element it stands in";
    if (transform == NULL || want == NULL)
        return "the signature has other transforms than SAML's two";
    bytes = canonical(node, signature, prefixes);
    for (gsize i = 0; bytes != NULL && i < G_N_ELEMENTS(digests); i++)
        if (algorithm_is(method, digests[i].uri))
            (void)EVP_Digest(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), digest, &size,
                             digests[i].digest(), NULL);
    if (size == 0)
        return "the digest is not SHA-256 or better";
    return g_bytes_get_size(want) == size && memcmp(g_bytes_get_data(want, NULL), digest, size) == 0
               ? NULL
               : "the digest is another: something was altered";
}

static const char *
check_value(xmlNode *signature, xmlNode *info, const GPtrArray *keys)
{
    xmlNode *method = rb_box_xml_child(info, RB_BOX_DS, "CanonicalizationMethod");
    xmlNode *how = rb_box_xml_child(info, RB_BOX_DS, "SignatureMethod");
    g_autofree char *text = rb_box_xml_text(rb_box_xml_child(signature, RB_BOX_DS, "SignatureValue"));
    g_autoptr(GBytes) value = text == NULL ? NULL : rb_base64_decode(text, MAX_SIGNATURE);
    g_auto(GStrv) prefixes = inclusive_prefixes(method);
    g_autoptr(GBytes) bytes = NULL;

    if (method == NULL || !algorithm_is(method, EXCLUSIVE) || value == NULL)
        return "the signature is not canonicalized exclusively";
    bytes = canonical(info, NULL, prefixes);
    for (gsize i = 0; bytes != NULL && i < G_N_ELEMENTS(algorithms); i++) {
        if (!algorithm_is(how, algorithms[i].uri))
            continue;
        for (guint k = 0; k < keys->len; k++)
            if (EVP_PKEY_get_base_id(keys->pdata[k]) == algorithms[i].type &&
                rb_box_verify(keys->pdata[k], algorithms[i].digest(), TRUE, g_bytes_get_data(bytes, NULL),
                              g_bytes_get_size(bytes), value))
                return NULL;
        return "no key of the provider's metadata made the signature";
    }
    return "the signature's algorithm is not RSA or ECDSA with SHA-256 or better";
}

gboolean
rb_box_xml_signed_by(xmlNode *node, const GPtrArray *keys, const char **why)
{
    xmlNode *signature = rb_box_xml_child(node, RB_BOX_DS, "Signature");
    xmlNode *info = rb_box_xml_child(signature, RB_BOX_DS, "SignedInfo");

    if (signature == NULL || info == NULL || count(node, "Signature") != 1 ||
        count(signature, "SignedInfo") != 1)
        *why = "there is no signature, or more than one";
    else
        *why = check_reference(node, signature, info);
    if (*why == NULL)
        *why = check_value(signature, info, keys);
    return *why == NULL;
}
