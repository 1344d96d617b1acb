#ifndef RB_SANDBOX_XML_H
#define RB_SANDBOX_XML_H

#include <glib.h>
#include <libxml/tree.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/** rb_box_xml_parse: (transfer full): a document without DTD or network, or NULL with request.malformed. */
xmlDoc *rb_box_xml_parse(const char *text, gsize size, GError **error);

gboolean rb_box_xml_is(const xmlNode *node, const char *ns, const char *name);

/** rb_box_xml_child: the first such child; @node may be NULL. */
xmlNode *rb_box_xml_child(xmlNode *node, const char *ns, const char *name);

/** rb_box_xml_attribute, _text: (transfer full), NULL when absent. */
char *rb_box_xml_attribute(xmlNode *node, const char *name);
char *rb_box_xml_text(xmlNode *node);

#endif
