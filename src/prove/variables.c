#include "prove/priv.h"

#include <string.h>

static void
append_literal(GString *to, const char *text, gsize size)
{
    for (gsize i = 0; i < size; i++) {
        if (text[i] == '*' || text[i] == '?' || text[i] == '$')
            g_string_append_unichar(to, RB_GLOB_LITERAL + (gunichar)text[i]);
        else
            g_string_append_c(to, text[i]);
    }
}

/* What stands between "${" and "}": a key, or a key and a default in quotes. */
static char *
read_variable(const char *text, gsize size, char **otherwise)
{
    g_autofree char *inner = g_strndup(text, size);
    char *comma = strchr(inner, ','), *value;
    gsize n;

    *otherwise = NULL;
    if (comma != NULL) {
        *comma = '\0';
        value = g_strstrip(comma + 1);
        n = strlen(value);
        if (n >= 2 && value[0] == '\'' && value[n - 1] == '\'')
            *otherwise = g_strndup(value + 1, n - 2);
    }
    return g_strdup(g_strstrip(inner));
}

static void
append_variable(GString *out, const char *text, gsize size, RbVariableValue value, gpointer data,
                GPtrArray *keys, gboolean *open)
{
    g_autofree char *otherwise = NULL, *key = NULL, *known = NULL;

    if (size == 1 && strchr("*?$", *text) != NULL) {
        append_literal(out, text, 1);
        return;
    }
    key = read_variable(text, size, &otherwise);
    known = value(key, data);
    if (known != NULL) {
        append_literal(out, known, strlen(known));
        return;
    }
    *open = TRUE;
    g_string_append_c(out, '*');
    if (keys != NULL && otherwise == NULL)
        g_ptr_array_add(keys, g_steal_pointer(&key));
}

char *
rb_prove_expand(const char *pattern, gboolean wild, RbVariableValue value, gpointer data, GPtrArray *keys,
                gboolean *open)
{
    GString *out = g_string_new(NULL);

    *open = FALSE;
    while (*pattern != '\0') {
        const char *end = pattern[0] == '$' && pattern[1] == '{' ? strchr(pattern, '}') : NULL;
        if (end != NULL) {
            append_variable(out, pattern + 2, (gsize)(end - pattern - 2), value, data, keys, open);
            pattern = end + 1;
        } else if (g_str_has_prefix(pattern, "${")) { /* never closed: it has no value */
            (void)g_string_free(out, TRUE);
            return NULL;
        } else {
            if (wild)
                g_string_append_c(out, *pattern);
            else
                append_literal(out, pattern, 1);
            pattern++;
        }
    }
    return g_string_free(out, FALSE);
}
