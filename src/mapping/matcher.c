#include "mapping/priv.h"

#include "base/encoding.h"
#include "mapping/dn.h"

#include <string.h>

/* How an entry of `groups` or a value of `when` is read. */

RbMatcher
rb_matcher_exact(RbLoad *load, const char *text)
{
    return (RbMatcher){ .kind = RB_MATCHER_EXACT,
                        .assignment = load->snapshot->assignments->len,
                        .text = rb_load_text(load, text),
                        .length = strlen(text) };
}

static gboolean
read_regex(RbLoad *load, const RbYaml *value, RbMatcher *m)
{
    g_autofree char *message = NULL, *quoted = rb_text_quote(m->text);
    gsize offset;
    /* within a quoted scalar the text starts one column later; escapes may move it further */
    guint column = rb_yaml_column(value) + (rb_yaml_quoted(value) ? 1 : 0);

    m->kind = RB_MATCHER_REGEX;
    m->pattern = rb_pattern_new(m->text, &message, &offset);
    if (m->pattern == NULL) {
        rb_diagnostics_error(load->problems, rb_yaml_file(value), rb_yaml_line(value), column + (guint)offset,
                             NULL, "%s is not a regular expression: %s at offset %" G_GSIZE_FORMAT, quoted,
                             message, offset);
        return FALSE;
    }
    g_ptr_array_add(load->snapshot->patterns, m->pattern);
    return TRUE;
}

static gboolean
read_dn(RbLoad *load, const RbYaml *value, const char *text, RbMatcher *m)
{
    g_autofree char *canonical = rb_dn_canonical(text, NULL), *quoted = rb_text_quote(text);

    if (canonical == NULL) {
        rb_yaml_problem(value, load->problems, "write it like ou=aws,dc=acme,dc=example",
                        "%s is not a distinguished name", quoted);
        return FALSE;
    }
    *m = rb_matcher_exact(load, canonical);
    m->kind = RB_MATCHER_DN;
    return TRUE;
}

/* "prefix and regex", "prefix, regex and dn_under" */
static char *
list_words(const char *const *known)
{
    guint n = g_strv_length((char **)known);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < n; i++)
        g_string_append_printf(out, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " and ", known[i]);
    return g_string_free(out, FALSE);
}

gboolean
rb_matcher_read(RbLoad *load, const RbYaml *node, const char *const *known, const char *hint,
                RbMatcher *matcher)
{
    const RbYaml *value;
    const char *key, *text;

    if (!rb_yaml_check_keys(node, known, load->problems))
        return FALSE;
    if (rb_yaml_size(node) != 1) {
        g_autofree char *list = list_words(known);
        rb_yaml_problem(node, load->problems, "make one entry of each", "one of %s", list);
        return FALSE;
    }
    key = rb_yaml_text(rb_yaml_key(node, 0));
    value = rb_yaml_item(node, 0);
    if (!rb_yaml_expect(value, RB_YAML_SCALAR, load->problems))
        return FALSE;
    text = rb_yaml_text(value);
    if (rb_yaml_is_null(value) || *text == '\0' || strlen(text) > RB_MATCHER_MAX) {
        rb_yaml_problem(value, load->problems, hint, "an empty or over-long %s", key);
        return FALSE;
    }
    if (g_str_equal(key, "dn_under"))
        return read_dn(load, value, text, matcher);
    *matcher = rb_matcher_exact(load, text);
    if (g_str_equal(key, "regex"))
        return read_regex(load, value, matcher);
    matcher->kind = RB_MATCHER_PREFIX;
    return TRUE;
}
