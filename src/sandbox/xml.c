#include "sandbox/xml.h"

#include "base/refusal.h"

#include <libxml/parser.h>
#include <string.h>

enum { MAX_XML = 512 * 1024 };

xmlDoc *
rb_box_xml_parse(const char *text, gsize size, GError **error)
{
    xmlDoc *doc = NULL;

    /* Without a DOCTYPE there are no entities to expand. */
    if (size <= MAX_XML && g_strstr_len(text, (gssize)size, "<!DOCTYPE") == NULL)
        doc = xmlReadMemory(text, (int)size, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (doc != NULL && doc->intSubset == NULL && xmlDocGetRootElement(doc) != NULL)
        return doc;
    xmlFreeDoc(doc);
    rb_refuse(error, RB_REQUEST_MALFORMED, "this is not XML that can be read here");
    return NULL;
}

gboolean
rb_box_xml_is(const xmlNode *node, const char *ns, const char *name)
{
    return node != NULL && node->type == XML_ELEMENT_NODE && node->ns != NULL &&
           xmlStrEqual(node->ns->href, (const xmlChar *)ns) && xmlStrEqual(node->name, (const xmlChar *)name);
}

xmlNode *
rb_box_xml_child(xmlNode *node, const char *ns, const char *name)
{
    for (xmlNode *child = node == NULL ? NULL : node->children; child != NULL; child = child->next)
        if (rb_box_xml_is(child, ns, name))
            return child;
    return NULL;
}

static char *
take(xmlChar *text)
{
    char *copy = g_strdup((const char *)text);

    xmlFree(text);
    return copy;
}

char *
rb_box_xml_attribute(xmlNode *node, const char *name)
{
    return node == NULL ? NULL : take(xmlGetNoNsProp(node, (const xmlChar *)name));
}

char *
rb_box_xml_text(xmlNode *node)
{
    char *text = node == NULL ? NULL : take(xmlNodeGetContent(node));

    return text == NULL ? NULL : g_strstrip(text);
}
