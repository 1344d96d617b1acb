#include "base/encoding.h"
#include "base/refusal.h"
#include "verify/saml.h"

#include <libxml/parser.h>
#include <string.h>

/* Parsed as it is: no entities, no network, no repair, no lifted limits. */
enum { PARSE_OPTIONS = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT };

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlParserCtxt, xmlFreeParserCtxt)

/* The XML declaration's encoding, when it names one, must be what the bytes are. */
static gboolean
check_encoding(const char *xml, gsize size, GError **error)
{
    const char *end, *name;

    if (size < 5 || memcmp(xml, "<?xml", 5) != 0)
        return TRUE;
    end = g_strstr_len(xml, (gssize)MIN(size, 256), "?>");
    if (end == NULL)
        return rb_refuse(error, RB_SAML_MALFORMED, "the XML declaration has no end");
    name = g_strstr_len(xml, end - xml, "encoding");
    if (name == NULL)
        return TRUE;
    name = strpbrk(name, "\"'");
    if (name == NULL || name > end || g_ascii_strncasecmp(name + 1, "utf-8", 5) != 0 || name[6] != name[0])
        return rb_refuse(error, RB_SAML_FORBIDDEN_XML,
                         "the XML declaration names an encoding other than UTF-8");
    return TRUE;
}

/* Past the end of what starts at @p and ends with @end; the end of all when it does not end. */
static const char *
skip_to(const char *p, const char *all_end, const char *end)
{
    const char *found = memmem(p, (gsize)(all_end - p), end, strlen(end));

    return found == NULL ? all_end : found + strlen(end);
}

static gboolean
starts(const char *p, const char *end, const char *prefix)
{
    gsize n = strlen(prefix);

    return (gsize)(end - p) >= n && memcmp(p, prefix, n) == 0; /* there is no NUL behind the end */
}

/* Past the end of the tag at @p; its attributes and namespace declarations are counted into @n. */
static const char *
skip_tag(const char *p, const char *end, guint *n)
{
    for (*n = 0; p < end && *p != '>'; p++) {
        if (*p == '=')
            (*n)++;
        if (*p != '"' && *p != '\'')
            continue;
        p = memchr(p + 1, *p, (gsize)(end - p - 1));
        if (p == NULL)
            return end;
    }
    return p;
}

/* libxml2 compares each attribute and namespace declaration of an element with all before it, so their number
 * must be known before it parses. */
static gboolean
check_tags(const char *xml, gsize size, GError **error)
{
    const char *end = xml + size;
    guint n = 0;

    for (const char *p = memchr(xml, '<', size); p != NULL && p < end;
         p = p < end ? memchr(p, '<', (gsize)(end - p)) : NULL) {
        if (starts(p, end, "<!--"))
            p = skip_to(p + 4, end, "-->");
        else if (starts(p, end, "<![CDATA["))
            p = skip_to(p, end, "]]>");
        else if (starts(p, end, "<?"))
            p = skip_to(p, end, "?>");
        else
            p = skip_tag(p, end, &n);
        if (n > RB_SAML_MAX_ATTRIBUTES)
            return rb_refuse(error, RB_SAML_TOO_LARGE, "an element with more than %d attributes",
                             RB_SAML_MAX_ATTRIBUTES);
    }
    return TRUE;
}

/* Most messages are; then they need not be decoded to know that they are UTF-8. */
static gboolean
is_ascii(const char *text, gsize size)
{
    guint8 any = 0;

    for (gsize i = 0; i < size; i++)
        any |= (guint8)text[i];
    return any < 0x80;
}

/* What must not even reach the parser. */
static gboolean
check_bytes(const char *xml, gsize size, GError **error)
{
    if (memchr(xml, '\0', size) != NULL)
        return rb_refuse(error, RB_SAML_FORBIDDEN_XML, "a NUL byte");
    if (!is_ascii(xml, size) && !g_utf8_validate_len(xml, size, NULL))
        return rb_refuse(error, RB_SAML_FORBIDDEN_XML, "not UTF-8");
    if (memmem(xml, size, "<!DOCTYPE", 9) != NULL || memmem(xml, size, "<!ENTITY", 8) != NULL)
        return rb_refuse(error, RB_SAML_FORBIDDEN_XML, "a document type declaration");
    return check_encoding(xml, size, error) && check_tags(xml, size, error);
}

/* SAML's, XML Signature's and XML Encryption's ID attributes, and those that libxml2 takes for one. */
static gboolean
is_id(const xmlAttr *attribute)
{
    const char *name = (const char *)attribute->name;

    if (attribute->ns != NULL)
        return strcmp(name, "id") == 0 && strcmp((const char *)attribute->ns->prefix, "xml") == 0;
    return g_ascii_strcasecmp(name, "id") == 0;
}

static gboolean
check_attributes(const xmlNode *element, RbSamlCounts *counts, GError **error)
{
    for (const xmlAttr *a = element->properties; a != NULL; a = a->next) {
        if (a->children != NULL && (a->children->type != XML_TEXT_NODE || a->children->next != NULL))
            return rb_refuse(error, RB_SAML_FORBIDDEN_XML, "an attribute with a reference in it");
        if (!is_id(a))
            continue;
        if (g_hash_table_size(counts->ids) >= counts->max_ids)
            return rb_refuse(error, RB_SAML_TOO_LARGE, "more than %u IDs", counts->max_ids);
        if (a->children == NULL || !g_hash_table_add(counts->ids, a->children->content))
            return rb_refuse(error, RB_SAML_DUPLICATE_ID, "an ID that is empty or used twice");
    }
    return TRUE;
}

static gboolean
count_element(const xmlNode *element, guint depth, RbSamlCounts *counts, GError **error)
{
    if (++counts->elements > counts->max_elements)
        return rb_refuse(error, RB_SAML_TOO_LARGE, "more than %u elements", counts->max_elements);
    if (depth > RB_SAML_MAX_DEPTH)
        return rb_refuse(error, RB_SAML_TOO_LARGE, "elements nested more than %d deep", RB_SAML_MAX_DEPTH);
    counts->assertions += rb_xml_is(element, RB_NS_SAML, "Assertion");
    counts->encrypted_assertions += rb_xml_is(element, RB_NS_SAML, "EncryptedAssertion");
    counts->signatures += rb_xml_is(element, RB_NS_DS, "Signature");
    return element->properties == NULL || check_attributes(element, counts, error);
}

static gboolean
check_node(const xmlNode *node, guint depth, RbSamlCounts *counts, GError **error)
{
    switch (node->type) {
    case XML_ELEMENT_NODE:
        return count_element(node, depth, counts, error);
    case XML_TEXT_NODE:
    case XML_CDATA_SECTION_NODE:
    case XML_COMMENT_NODE:
        return TRUE;
    default:
        return rb_refuse(error, RB_SAML_FORBIDDEN_XML, "XML other than elements, text and comments");
    }
}

static guint
declarations(const xmlNode *node)
{
    guint n = 0;

    for (const xmlNs *ns = node->type == XML_ELEMENT_NODE ? node->nsDef : NULL; ns != NULL; ns = ns->next)
        n++;
    return n;
}

/* Every node once, without recursion. Canonicalization looks through all namespaces in scope, for every
 * element and prefix, before any signature can be judged: they are few. */
static gboolean
walk(xmlDoc *doc, RbSamlCounts *counts, GError **error)
{
    const xmlNode *node = doc->children;
    guint depth = 1, scope = 0; /* namespaces declared on the elements around node */

    while (node != NULL) {
        if (!check_node(node, depth, counts, error))
            return FALSE;
        if (scope + declarations(node) > RB_SAML_MAX_NAMESPACES)
            return rb_refuse(error, RB_SAML_TOO_LARGE, "more than %d namespaces in scope",
                             RB_SAML_MAX_NAMESPACES);
        if (node->type == XML_ELEMENT_NODE && node->children != NULL) {
            scope += declarations(node);
            node = node->children;
            depth++;
            continue;
        }
        while (node->next == NULL && node->parent != NULL && node->parent != (const xmlNode *)doc) {
            node = node->parent;
            scope -= declarations(node);
            depth--;
        }
        node = node->next;
    }
    return TRUE;
}

xmlDoc *
rb_saml_xml_parse(GBytes *bytes, RbSamlCounts *counts, GError **error)
{
    gsize size;
    const char *xml = g_bytes_get_data(bytes, &size);
    g_autoptr(xmlParserCtxt) ctxt = NULL;
    g_autoptr(xmlDoc) doc = NULL;

    if (xml == NULL || size > G_MAXINT) {
        (void)rb_refuse(error, RB_SAML_MALFORMED, "no XML");
        return NULL;
    }
    if (!check_bytes(xml, size, error))
        return NULL;
    ctxt = xmlNewParserCtxt();
    doc = xmlCtxtReadMemory(ctxt, xml, (int)size, NULL, "UTF-8", PARSE_OPTIONS);
    if (doc == NULL || !ctxt->wellFormed || !ctxt->nsWellFormed) {
        (void)rb_refuse(error, RB_SAML_MALFORMED, "not well-formed XML: line %d",
                        ctxt->lastError.line); /* libxml2's text may quote what was sent */
        return NULL;
    }
    if (doc->intSubset != NULL || doc->extSubset != NULL) {
        (void)rb_refuse(error, RB_SAML_FORBIDDEN_XML, "a document type declaration");
        return NULL;
    }
    return walk(doc, counts, error) ? g_steal_pointer(&doc) : NULL;
}

xmlNode *
rb_saml_child(const xmlNode *parent, const char *ns, const char *name)
{
    xmlNode *child = rb_xml_first(parent);

    while (child != NULL && !rb_xml_is(child, ns, name))
        child = rb_xml_next(child);
    return child;
}

gboolean
rb_saml_only_child(const xmlNode *parent, const char *ns, const char *name, gboolean required,
                   xmlNode **child, GError **error)
{
    xmlNode *found = rb_saml_child(parent, ns, name);

    if (found == NULL && required)
        return rb_refuse(error, RB_SAML_MALFORMED, "<%s> without <%s>", parent->name, name);
    for (xmlNode *n = found == NULL ? NULL : rb_xml_next(found); n != NULL; n = rb_xml_next(n))
        if (rb_xml_is(n, ns, name))
            return rb_refuse(error, RB_SAML_MALFORMED, "<%s> with two <%s>", parent->name, name);
    *child = found;
    return TRUE;
}

char *
rb_saml_text(const xmlNode *node)
{
    const xmlNode *first = node->children;
    GString *text;

    if (first != NULL && first->type == XML_TEXT_NODE && first->next == NULL)
        return g_strdup((const char *)first->content);
    text = g_string_new(NULL);
    for (const xmlNode *n = first; n != NULL; n = n->next) {
        if (n->type == XML_ELEMENT_NODE)
            return g_string_free(text, TRUE);
        if (n->type != XML_COMMENT_NODE && n->content != NULL)
            g_string_append(text, (const char *)n->content);
    }
    return g_string_free(text, FALSE);
}

gboolean
rb_saml_text_is(const xmlNode *node, const char *text)
{
    g_autofree char *got = rb_saml_text(node);

    return got != NULL && strcmp(got, text) == 0;
}

gboolean
rb_saml_time(const xmlNode *node, const char *name, gint64 *at, GError **error)
{
    const char *text = rb_xml_attribute(node, name);

    if (text == NULL) {
        *at = 0;
        return TRUE;
    }
    if (!rb_time_parse(text, at) || *at <= 0) {
        g_autofree char *quoted = rb_text_quote(text);
        return rb_refuse(error, RB_SAML_MALFORMED, "%s is not a time: %s", name, quoted);
    }
    return TRUE;
}
