#include "sign/priv.h"

#include <string.h>

gboolean
rb_xml_is(const RbXmlNode *node, const char *ns, const char *name)
{
    return node != NULL && node->type == XML_ELEMENT_NODE && node->ns != NULL &&
           strcmp((const char *)node->name, name) == 0 && strcmp((const char *)node->ns->href, ns) == 0;
}

static xmlNode *
element_from(xmlNode *node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

RbXmlNode *
rb_xml_first(const RbXmlNode *parent)
{
    return element_from(parent->children);
}

RbXmlNode *
rb_xml_next(const RbXmlNode *node)
{
    return element_from(node->next);
}

const char *
rb_xml_attribute(const RbXmlNode *node, const char *name)
{
    const xmlAttr *attribute = xmlHasNsProp(node, BAD_CAST name, NULL);
    const xmlNode *text = attribute == NULL ? NULL : attribute->children;

    if (attribute == NULL || attribute->type != XML_ATTRIBUTE_NODE)
        return NULL;
    if (text == NULL)
        return "";
    /* Anything but one text needs a DTD, and there is none. */
    return text->type == XML_TEXT_NODE && text->next == NULL ? (const char *)text->content : NULL;
}
