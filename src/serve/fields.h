#ifndef RB_SERVE_FIELDS_H
#define RB_SERVE_FIELDS_H

#include <glib.h>

/* Names and values as HTTP carries them: queries, forms, cookies. Strict: what two readers could read in two
 * ways is refused. All refusals are request.malformed. */

enum {
    RB_FIELDS_MAX = 64,         /* fields of one query or form */
    RB_FIELDS_MAX_NAME = 128,   /* bytes */
    RB_FIELDS_MAX_COOKIES = 100 /* in one Cookie header */
};

typedef enum {
    RB_FIELDS_QUERY, /* no control characters */
    RB_FIELDS_FORM,  /* values may hold tabs and line ends: base64 of SAML often does */
} RbFieldsKind;

/**
 * rb_percent_decode: @size bytes at @text; '+' is a space when @plus. The result is valid UTF-8 without NUL;
 * a '%' without two hex digits is refused.
 * Returns: (transfer full): the text, or NULL
 */
char *rb_percent_decode(const char *text, gsize size, gboolean plus, GError **error);

/**
 * rb_fields_parse: `name=value&…` (application/x-www-form-urlencoded). Every name at most once.
 * Returns: (transfer full) (element-type utf8 utf8): name → value, values are wiped when freed; or NULL
 */
GHashTable *rb_fields_parse(const char *text, gsize size, RbFieldsKind kind, GError **error);

/**
 * rb_cookie_find: the value of cookie @name in @header (NULL: none sent). Sent twice, or with characters that
 * our cookies never have, is refused; cookies of other names are not ours to judge.
 * Returns: TRUE with (transfer full) @value, NULL when it was not sent
 */
gboolean rb_cookie_find(const char *header, const char *name, char **value, GError **error);

/** rb_text_is_token: base64url characters only, 1 to @max of them: what our cookies, codes and tokens are
 * made of. */
gboolean rb_text_is_token(const char *text, gsize max);

/** rb_text_is_visible: printable ASCII without space (RFC 6749 VSCHAR without it), at most @max bytes. */
gboolean rb_text_is_visible(const char *text, gsize max);

/** rb_local_path: whether @path is a path on this site and nothing a browser would take for another one. */
gboolean rb_local_path(const char *path);

#endif
