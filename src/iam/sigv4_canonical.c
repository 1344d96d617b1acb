#include "base/encoding.h"
#include "base/secret.h"
#include "iam/priv.h"

#include <string.h>

static void
pair_clear(gpointer data)
{
    RbPair *pair = data;

    g_free(pair->name);
    rb_wipe_free(pair->value); /* a session token is among them */
}

GArray *
rb_pairs_new(void)
{
    GArray *pairs = g_array_new(FALSE, FALSE, sizeof(RbPair));

    g_array_set_clear_func(pairs, pair_clear);
    return pairs;
}

void
rb_pairs_add(GArray *pairs, char *name, char *value)
{
    RbPair pair = { name, value };

    g_array_append_val(pairs, pair);
}

const char *
rb_pairs_find(const GArray *pairs, const char *name)
{
    for (guint i = 0; i < pairs->len; i++)
        if (g_str_equal(g_array_index(pairs, RbPair, i).name, name))
            return g_array_index(pairs, RbPair, i).value;
    return NULL;
}

/* Dot segments and empty segments go; a trailing slash stays. */
static GPtrArray *
normal_segments(char **parts, gboolean *trailing)
{
    GPtrArray *kept = g_ptr_array_new();

    *trailing = FALSE;
    for (char **p = parts; *p != NULL; p++) {
        gboolean last = p[1] == NULL;
        if (g_str_equal(*p, "..")) {
            if (kept->len > 0)
                g_ptr_array_set_size(kept, (gint)kept->len - 1);
            *trailing = *trailing || last;
        } else if (**p == '\0' || g_str_equal(*p, ".")) {
            *trailing = *trailing || last;
        } else {
            g_ptr_array_add(kept, *p);
        }
    }
    return kept;
}

char *
rb_canonical_path(const char *target)
{
    g_autofree char *path = g_strndup(target, strcspn(target, "?"));
    g_auto(GStrv) parts = NULL;
    g_autoptr(GPtrArray) kept = NULL;
    GString *out;
    gboolean trailing;

    if (path[0] == '\0' || g_str_equal(path, "/"))
        return g_strdup("/");
    parts = g_strsplit(path, "/", -1);
    kept = normal_segments(parts, &trailing);
    out = g_string_new(NULL);
    for (guint i = 0; i < kept->len; i++) {
        g_autofree char *encoded = rb_uri_encode(kept->pdata[i]);
        g_string_append_printf(out, "/%s", encoded);
    }
    if (trailing || out->len == 0)
        g_string_append_c(out, '/');
    return g_string_free(out, FALSE);
}

/* Percent-decodes @size bytes. A decoded NUL would cut the text short, so it counts as broken. */
static char *
percent_decode(const char *text, gsize size)
{
    GString *out = g_string_sized_new(size);

    for (gsize i = 0; i < size; i++) {
        int high, low;
        if (text[i] != '%') {
            g_string_append_c(out, text[i]);
            continue;
        }
        high = i + 2 < size ? g_ascii_xdigit_value(text[i + 1]) : -1;
        low = high >= 0 ? g_ascii_xdigit_value(text[i + 2]) : -1;
        if (low < 0 || (high == 0 && low == 0)) {
            (void)g_string_free(out, TRUE);
            return NULL;
        }
        g_string_append_c(out, (char)(high << 4 | low));
        i += 2;
    }
    return g_string_free(out, FALSE);
}

GArray *
rb_query_parse(const char *target)
{
    const char *p = strchr(target, '?');
    g_autoptr(GArray) pairs = rb_pairs_new();

    while (p != NULL && *p != '\0') {
        gsize size, name_size;
        char *name, *value;
        p++; /* past '?' or '&' */
        size = strcspn(p, "&");
        name_size = MIN(strcspn(p, "="), size);
        if (size > 0) {
            name = percent_decode(p, name_size);
            value = name_size < size ? percent_decode(p + name_size + 1, size - name_size - 1) : g_strdup("");
            if (name == NULL || value == NULL) {
                g_free(name);
                rb_wipe_free(value);
                return NULL;
            }
            rb_pairs_add(pairs, name, value);
        }
        p += size;
    }
    return g_steal_pointer(&pairs);
}

const char *
rb_query_get(const GArray *pairs, const char *name)
{
    return rb_pairs_find(pairs, name);
}

static gint
by_name_then_value(gconstpointer a, gconstpointer b)
{
    const RbPair *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : strcmp(x->value, y->value);
}

char *
rb_query_print(const GArray *pairs, const char *without)
{
    g_autoptr(GArray) encoded = rb_pairs_new();
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < pairs->len; i++) {
        const RbPair *pair = &g_array_index(pairs, RbPair, i);
        if (without == NULL || !g_str_equal(pair->name, without))
            rb_pairs_add(encoded, rb_uri_encode(pair->name), rb_uri_encode(pair->value));
    }
    g_array_sort(encoded, by_name_then_value);
    for (guint i = 0; i < encoded->len; i++) {
        const RbPair *pair = &g_array_index(encoded, RbPair, i);
        g_string_append_printf(out, "%s%s=%s", i > 0 ? "&" : "", pair->name, pair->value);
    }
    return g_string_free(out, FALSE);
}

/* Blanks at both ends go, runs of blanks inside become one. */
static char *
trimmed(const char *value)
{
    char *out = g_malloc(strlen(value) + 1), *to = out;

    for (; *value != '\0'; value++) {
        gboolean blank = *value == ' ' || *value == '\t';
        if (!blank)
            *to++ = *value;
        else if (to > out && to[-1] != ' ')
            *to++ = ' ';
    }
    if (to > out && to[-1] == ' ')
        to--;
    *to = '\0';
    return out;
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(((const RbPair *)a)->name, ((const RbPair *)b)->name);
}

GArray *
rb_canonical_headers(const RbSigv4Header *headers, guint n)
{
    GArray *pairs = rb_pairs_new();

    for (guint i = 0; i < n; i++) {
        char *name = g_ascii_strdown(headers[i].name, -1), *value = trimmed(headers[i].value);
        gboolean joined = FALSE;
        for (guint k = 0; k < pairs->len && !joined; k++) {
            RbPair *pair = &g_array_index(pairs, RbPair, k);
            if (g_str_equal(pair->name, name)) {
                char *both = g_strjoin(",", pair->value, value, NULL);
                rb_wipe_free(pair->value);
                pair->value = both;
                joined = TRUE;
            }
        }
        if (!joined) {
            rb_pairs_add(pairs, name, value);
            continue;
        }
        g_free(name);
        rb_wipe_free(value);
    }
    g_array_sort(pairs, by_name);
    return pairs;
}

void
rb_sha256_hex(const void *data, gsize size, char hex[65])
{
    guint8 digest[32];
    g_autofree char *text = NULL;

    rb_sha256(data, size, digest);
    text = rb_hex_encode(digest, sizeof digest);
    memcpy(hex, text, 65);
}

static void
append_line(GString *text, const char *value, char end)
{
    g_string_append(text, value);
    g_string_append_c(text, end);
}

void
rb_canonical_hash(const RbCanonical *c, char hex[65])
{
    GString *text = g_string_sized_new(1024 + strlen(c->query));
    const char *p = c->signed_headers;

    append_line(text, c->method, '\n');
    append_line(text, c->path, '\n');
    append_line(text, c->query, '\n');
    while (*p != '\0') {
        gsize size = strcspn(p, ";");
        for (guint i = 0; i < c->headers->len; i++) {
            const RbPair *pair = &g_array_index(c->headers, RbPair, i);
            if (strncmp(pair->name, p, size) == 0 && pair->name[size] == '\0') {
                append_line(text, pair->name, ':');
                append_line(text, pair->value, '\n');
            }
        }
        p += size;
        p += *p == ';' ? 1 : 0;
    }
    g_string_append_c(text, '\n');
    append_line(text, c->signed_headers, '\n');
    g_string_append(text, c->payload_hash);
    rb_sha256_hex(text->str, text->len, hex);
    rb_wipe(text->str, text->len);
    (void)g_string_free(text, TRUE);
}
