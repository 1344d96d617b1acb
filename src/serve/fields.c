#include "serve/fields.h"

#include "base/refusal.h"
#include "base/secret.h"

#include <string.h>

char *
rb_percent_decode(const char *text, gsize size, gboolean plus, GError **error)
{
    g_autofree char *out = g_malloc(size + 1);
    gsize n = 0;

    for (gsize i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < size ? g_ascii_xdigit_value(text[i + 1]) : -1;
            int low = i + 2 < size ? g_ascii_xdigit_value(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                (void)rb_refuse(error, RB_REQUEST_MALFORMED, "'%%' without two hexadecimal digits");
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus)
            c = ' ';
        out[n++] = c;
    }
    out[n] = '\0';
    if (memchr(out, '\0', n) != NULL || !g_utf8_validate_len(out, n, NULL)) {
        (void)rb_refuse(error, RB_REQUEST_MALFORMED, "text that is not UTF-8");
        return NULL;
    }
    return g_steal_pointer(&out);
}

static gboolean
has_control(const char *text, gboolean line_ends)
{
    for (; *text != '\0'; text++) {
        guchar c = (guchar)*text;
        if ((c < 0x20 && !(line_ends && (c == '\r' || c == '\n' || c == '\t'))) || c == 0x7f)
            return TRUE;
        if (c == 0xc2 && (guchar)text[1] < 0xa0) /* U+0080 to U+009F */
            return TRUE;
    }
    return FALSE;
}

static gboolean
add_field(GHashTable *fields, const char *piece, gsize size, RbFieldsKind kind, GError **error)
{
    const char *equals = memchr(piece, '=', size);
    gsize name_size = equals != NULL ? (gsize)(equals - piece) : size;
    g_autofree char *name = rb_percent_decode(piece, name_size, TRUE, error);
    char *value;

    if (name == NULL)
        return FALSE;
    if (*name == '\0' || strlen(name) > RB_FIELDS_MAX_NAME || has_control(name, FALSE))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "a field without a usable name");
    if (g_hash_table_contains(fields, name))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "a field sent more than once");
    if (g_hash_table_size(fields) >= RB_FIELDS_MAX)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "more than %d fields", RB_FIELDS_MAX);
    value = equals != NULL ? rb_percent_decode(equals + 1, size - name_size - 1, TRUE, error) : g_strdup("");
    if (value == NULL)
        return FALSE;
    g_hash_table_insert(fields, g_steal_pointer(&name), value);
    if (has_control(value, kind == RB_FIELDS_FORM))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "control characters in a field");
    return TRUE;
}

GHashTable *
rb_fields_parse(const char *text, gsize size, RbFieldsKind kind, GError **error)
{
    g_autoptr(GHashTable) fields =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)rb_wipe_free);
    const char *end = text + size;

    while (text < end) {
        const char *next = memchr(text, '&', (gsize)(end - text));
        gsize piece = next != NULL ? (gsize)(next - text) : (gsize)(end - text);
        if (piece > 0 && !add_field(fields, text, piece, kind, error))
            return NULL;
        text += piece + 1;
    }
    return g_steal_pointer(&fields);
}

gboolean
rb_text_is_token(const char *text, gsize max)
{
    gsize n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    return n > 0 && n <= max && text[n] == '\0';
}

gboolean
rb_text_is_visible(const char *text, gsize max)
{
    gsize n = 0;

    for (; text[n] != '\0'; n++)
        if (text[n] <= ' ' || text[n] > '~')
            return FALSE;
    return n <= max;
}

gboolean
rb_cookie_find(const char *header, const char *name, char **value, GError **error)
{
    g_auto(GStrv) pairs = header != NULL ? g_strsplit(header, ";", RB_FIELDS_MAX_COOKIES + 1) : NULL;
    g_autofree char *found = NULL;
    gsize name_size = strlen(name);
    guint n = 0;
    gboolean good = TRUE;

    for (; pairs != NULL && pairs[n] != NULL; n++) {
        const char *pair = g_strstrip(pairs[n]);
        if (!g_str_has_prefix(pair, name) || pair[name_size] != '=')
            continue;
        if (found != NULL)
            good = rb_refuse(error, RB_REQUEST_MALFORMED, "cookie '%s' sent more than once", name);
        else if (!rb_text_is_token(pair + name_size + 1, 256))
            good = rb_refuse(error, RB_REQUEST_MALFORMED, "cookie '%s' is not one of ours", name);
        else
            found = g_strdup(pair + name_size + 1);
        if (!good)
            break;
    }
    if (good && n > RB_FIELDS_MAX_COOKIES)
        good = rb_refuse(error, RB_REQUEST_MALFORMED, "more than %d cookies", RB_FIELDS_MAX_COOKIES);
    for (guint i = 0; pairs != NULL && pairs[i] != NULL; i++)
        rb_wipe(pairs[i], strlen(pairs[i]));
    if (!good) {
        rb_wipe_free(g_steal_pointer(&found));
        return FALSE;
    }
    *value = g_steal_pointer(&found);
    return TRUE;
}

gboolean
rb_local_path(const char *path)
{
    /* "//host" and "/\host" are other sites to a browser; visible ASCII leaves no white space it would drop
     */
    return path[0] == '/' && path[1] != '/' && path[1] != '\\' && rb_text_is_visible(path, 4096) &&
           strchr(path, '\\') == NULL;
}
