#include "serve/page.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "serve/assets.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/xsltInternals.h>
#include <libxslt/xsltutils.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xsltTransformContext, xsltFreeTransformContext)

enum { RB_PAGE_MAX_TEXT = 100 * 1024 }; /* bytes of one value: a SAML response for AWS is the largest */

struct RbPages {
    xsltStylesheet *style;
    xsltSecurityPrefs *nothing; /* no file, no network */
};

static void
quiet(void *context, const char *format, ...)
{
    (void)context; /* the library's words help nobody on a terminal; the caller gets fault.internal */
    (void)format;
}

RbPages *
rb_pages_new(GError **error)
{
    g_autoptr(RbPages) pages = g_new0(RbPages, 1);
    xmlDoc *doc;

    pages->nothing = xsltNewSecurityPrefs();
    for (int what = XSLT_SECPREF_READ_FILE; what <= XSLT_SECPREF_WRITE_NETWORK; what++)
        if (pages->nothing == NULL ||
            xsltSetSecurityPrefs(pages->nothing, (xsltSecurityOption)what, xsltSecurityForbid) != 0) {
            (void)rb_fault(error, RB_FAULT_INTERNAL, "the page stylesheet cannot be confined");
            return NULL;
        }
    doc = xmlReadMemory((const char *)rb_asset_pages, (int)rb_asset_pages_size, "pages.xsl", NULL,
                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    pages->style = doc != NULL ? xsltParseStylesheetDoc(doc) : NULL; /* takes doc over when it succeeds */
    if (pages->style == NULL || pages->style->errors != 0) {
        if (pages->style == NULL)
            xmlFreeDoc(doc);
        (void)rb_fault(error, RB_FAULT_INTERNAL, "the page stylesheet is broken");
        return NULL;
    }
    return g_steal_pointer(&pages);
}

void
rb_pages_free(RbPages *pages)
{
    if (pages == NULL)
        return;
    xsltFreeStylesheet(pages->style);
    xsltFreeSecurityPrefs(pages->nothing);
    g_free(pages);
}

static void add_members(xmlNode *parent, const json_t *object);

static void
add_value(xmlNode *parent, const char *name, const json_t *value)
{
    gsize i;
    const json_t *item;

    if (json_is_array(value)) {
        json_array_foreach(value, i, item) add_value(parent, name, item);
        return;
    }
    if (json_is_object(value)) {
        add_members(xmlNewChild(parent, NULL, (const xmlChar *)name, NULL), value);
        return;
    }
    g_autofree char *text = NULL;
    if (json_is_string(value))
        text = rb_text_printable(json_string_value(value), RB_PAGE_MAX_TEXT);
    else if (json_is_integer(value))
        text = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_true(value))
        text = g_strdup("true");
    if (text != NULL)
        (void)xmlNewTextChild(parent, NULL, (const xmlChar *)name, (const xmlChar *)text);
}

static void
add_members(xmlNode *parent, const json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value) add_value(parent, name, value);
}

static GBytes *
to_bytes(const RbPages *pages, xmlDoc *result)
{
    xmlChar *text = NULL;
    int size = 0;
    GBytes *bytes;

    if (xsltSaveResultToString(&text, &size, result, pages->style) != 0 || text == NULL || size <= 0)
        return NULL;
    bytes = g_bytes_new(text, (gsize)size);
    xmlFree(text);
    return bytes;
}

GBytes *
rb_page_render(const RbPages *pages, const char *name, const json_t *data, GError **error)
{
    g_autoptr(xmlDoc) doc = xmlNewDoc((const xmlChar *)"1.0");
    g_autoptr(xmlDoc) result = NULL;
    g_autoptr(xsltTransformContext) context = NULL;
    xmlNode *root = xmlNewDocNode(doc, NULL, (const xmlChar *)name, NULL);
    GBytes *bytes = NULL;

    (void)xmlDocSetRootElement(doc, root); /* the new document had none to hand back */
    add_members(root, data);
    context = xsltNewTransformContext(pages->style, doc);
    if (context != NULL && xsltSetCtxtSecurityPrefs(pages->nothing, context) == 0) {
        xsltSetTransformErrorFunc(context, NULL, quiet);
        result = xsltApplyStylesheetUser(pages->style, doc, NULL, NULL, NULL, context);
        if (result != NULL && context->state == XSLT_STATE_OK)
            bytes = to_bytes(pages, result);
    }
    if (bytes == NULL)
        (void)rb_fault(error, RB_FAULT_INTERNAL, "page '%s' could not be made", name);
    return bytes;
}
