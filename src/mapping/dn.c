#include "mapping/dn.h"

#include <string.h>

/* What is being read, and how far. */
typedef struct {
    const char *p;
    GString *value; /* of the attribute under way, unescaped */
} Reader;

static void
skip_spaces(Reader *r)
{
    while (*r->p == ' ')
        r->p++;
}

/* descr or numericoid, in lower case; NULL when there is none. */
static char *
read_type(Reader *r)
{
    const char *start = r->p;

    while (g_ascii_isalnum(*r->p) || *r->p == '-' || *r->p == '.')
        r->p++;
    if (r->p == start || *start == '-' || *start == '.')
        return NULL;
    return g_ascii_strdown(start, r->p - start);
}

/* One escaped character after the backslash: two hexadecimal digits, or a special character. */
static gboolean
read_escape(Reader *r)
{
    if (g_ascii_isxdigit(r->p[0]) && g_ascii_isxdigit(r->p[1])) {
        int byte = g_ascii_xdigit_value(r->p[0]) * 16 + g_ascii_xdigit_value(r->p[1]);
        if (byte == 0)
            return FALSE;
        g_string_append_c(r->value, (char)byte);
        r->p += 2;
        return TRUE;
    }
    if (*r->p == '\0' || strchr("\"+,;<=># \\", *r->p) == NULL)
        return FALSE;
    g_string_append_c(r->value, *r->p++);
    return TRUE;
}

/* The value up to "," or "+", without the spaces around it that are not escaped. */
static gboolean
read_value(Reader *r)
{
    gsize keep = 0;

    g_string_truncate(r->value, 0);
    skip_spaces(r);
    while (*r->p != '\0' && *r->p != ',' && *r->p != '+') {
        if (*r->p == '\\') {
            r->p++;
            if (!read_escape(r))
                return FALSE;
            keep = r->value->len;
            continue;
        }
        if (strchr("\";<>", *r->p) != NULL)
            return FALSE; /* RFC 4514 §2.4: must be escaped */
        g_string_append_c(r->value, *r->p);
        if (*r->p++ != ' ')
            keep = r->value->len;
    }
    g_string_truncate(r->value, keep);
    return g_utf8_validate(r->value->str, (gssize)r->value->len, NULL);
}

/* Case-folded, runs of spaces as one (RFC 4518), and what has a meaning escaped as hexadecimal. */
static void
append_folded(GString *out, const char *value)
{
    g_autofree char *normal = g_utf8_normalize(value, -1, G_NORMALIZE_ALL_COMPOSE);
    g_autofree char *lower = g_utf8_casefold(normal != NULL ? normal : value, -1);
    g_autofree char *folded = g_utf8_normalize(lower, -1, G_NORMALIZE_ALL_COMPOSE);

    for (const char *p = folded != NULL ? folded : lower; *p != '\0'; p++) {
        if (*p == ' ' && p[1] == ' ')
            continue;
        if (strchr(",+=\\\";<>", *p) != NULL)
            g_string_append_printf(out, "\\%02x", (guchar)*p);
        else
            g_string_append_c(out, *p);
    }
}

static gint
compare_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One attribute=value as canonical text, or NULL. */
static char *
read_part(Reader *r)
{
    g_autofree char *type = NULL;
    GString *part;

    skip_spaces(r);
    type = read_type(r);
    skip_spaces(r);
    if (type == NULL || *r->p != '=')
        return NULL;
    r->p++;
    if (!read_value(r))
        return NULL;
    part = g_string_new(type);
    g_string_append_c(part, '=');
    append_folded(part, r->value->str);
    return g_string_free(part, FALSE);
}

/* One RDN: parts joined by "+". */
static gboolean
read_rdn(Reader *r, GString *out)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);

    for (;;) {
        char *part = read_part(r);
        if (part == NULL)
            return FALSE;
        g_ptr_array_add(parts, part);
        if (*r->p != '+')
            break;
        r->p++;
    }
    g_ptr_array_sort(parts, compare_text);
    for (guint i = 0; i < parts->len; i++)
        g_string_append_printf(out, "%s%s", i == 0 ? "" : "+", (char *)g_ptr_array_index(parts, i));
    return TRUE;
}

char *
rb_dn_canonical(const char *text, GArray **starts)
{
    g_autoptr(GString) value = g_string_new(NULL), out = g_string_new(NULL);
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(guint));
    Reader r = { text, value };

    for (;;) {
        guint start = (guint)out->len;
        g_array_append_val(found, start);
        if (!read_rdn(&r, out))
            return NULL;
        if (*r.p == '\0')
            break;
        r.p++; /* the comma */
        g_string_append_c(out, ',');
    }
    if (starts != NULL)
        *starts = g_steal_pointer(&found);
    return g_strdup(out->str);
}
