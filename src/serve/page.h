#ifndef RB_SERVE_PAGE_H
#define RB_SERVE_PAGE_H

#include <glib.h>
#include <jansson.h>

/*
 * Pages: a value → HTML through assets/pages.xsl (libxslt). The output is a tree that is serialised, so text
 * can never become markup. The stylesheet is compiled into the program; at run time it reads and writes no
 * file and no network.
 */
typedef struct RbPages RbPages;

/** rb_pages_new: compiles the stylesheet; fault.internal when it is broken. */
RbPages *rb_pages_new(GError **error);
void rb_pages_free(RbPages *pages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbPages, rb_pages_free)

/**
 * rb_page_render: @data (an object) becomes <NAME> with one element a member; a list, one element of the
 * member's name for each item; true, the text "true"; false and null, nothing. Text from outside is made
 * printable. Thread-safe.
 * Returns: (transfer full): UTF-8 HTML, or NULL with fault.internal
 */
GBytes *rb_page_render(const RbPages *pages, const char *name, const json_t *data, GError **error);

#endif
