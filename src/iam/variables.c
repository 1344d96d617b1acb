#include "iam/evaluate_priv.h"
#include "iam/match_priv.h"

#include <string.h>

gboolean
rb_policy_has_variables(const char *version)
{
    return version && strcmp(version, "2012-10-17") == 0;
}

const char *
rb_variable_end(const char *text)
{
    const char *end = g_str_has_prefix(text, "${") ? strchr(text + 2, '}') : NULL;

    return end ? end + 1 : NULL;
}

/* The one value of @key: a key with several is no variable. */
static const char *
value_of(const char *key, const RbRequestContext *context)
{
    const GPtrArray *values = rb_request_context_get(context, key);

    return values && values->len == 1 ? values->pdata[0] : NULL;
}

/* @inside: what stands between the braces. A value that is no UTF-8 might hold the bytes that stand for
 * wildcards, so it is none. */
static gboolean
append_variable(GString *out, const char *inside, const RbRequestContext *context)
{
    const char *comma = strchr(inside, ',');
    g_autofree char *key = comma ? g_strndup(inside, (gsize)(comma - inside)) : g_strdup(inside);
    const char *value = value_of(g_strstrip(key), context);

    if (value && g_utf8_validate(value, -1, NULL)) {
        g_string_append(out, value);
        return TRUE;
    }
    if (comma) {
        g_autofree char *fallback = g_strdup(comma + 1);
        gsize size = strlen(g_strstrip(fallback));

        if (size >= 2 && fallback[0] == '\'' && fallback[size - 1] == '\'') {
            g_string_append_len(out, fallback + 1, (gssize)size - 2);
            return TRUE;
        }
    }
    return FALSE;
}

char *
rb_variables_expand(const char *text, const RbRequestContext *context, gboolean wild)
{
    g_autoptr(GString) out = g_string_sized_new(strlen(text) + 32);

    while (*text) {
        const char *end = rb_variable_end(text);

        if (end) {
            g_autofree char *inside = g_strndup(text + 2, (gsize)(end - text) - 3);

            if (strlen(inside) == 1 && strchr("*?$", inside[0]))
                g_string_append_c(out, inside[0]);
            else if (!append_variable(out, inside, context))
                return NULL;
            text = end;
        } else if (g_str_has_prefix(text, "${")) {
            return NULL;
        } else {
            char c = *text++;

            g_string_append_c(out, wild && c == '*' ? RB_WILD_MANY : wild && c == '?' ? RB_WILD_ONE : c);
        }
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}
