#include "serve/fields.h"

#include <stdint.h>
#include <string.h>

/* Forms, queries and Cookie headers. Whatever is taken is UTF-8 without control characters, each name once.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *text, gboolean line_ends)
{
    g_assert_true(g_utf8_validate(text, -1, NULL));
    for (; *text != '\0'; text++)
        g_assert_true((guchar)*text >= 0x20 || (line_ends && strchr("\r\n\t", *text) != NULL));
}

static void
parse(const char *text, gsize size, RbFieldsKind kind)
{
    g_autoptr(GHashTable) fields = rb_fields_parse(text, size, kind, NULL);
    GHashTableIter all;
    gpointer name, value;

    if (fields == NULL)
        return;
    g_assert_cmpuint(g_hash_table_size(fields), <=, RB_FIELDS_MAX);
    g_hash_table_iter_init(&all, fields);
    while (g_hash_table_iter_next(&all, &name, &value)) {
        check(name, FALSE);
        check(value, kind == RB_FIELDS_FORM);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *cookie = NULL;

    parse((const char *)data, size, RB_FIELDS_QUERY);
    parse((const char *)data, size, RB_FIELDS_FORM);
    if (rb_cookie_find(text, "session", &cookie, NULL) && cookie != NULL)
        g_assert_true(rb_text_is_token(cookie, 256));
    if (rb_local_path(text))
        g_assert_true(text[0] == '/' && text[1] != '/' && strpbrk(text, "\\ \t\r\n") == NULL);
    return 0;
}
