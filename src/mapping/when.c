#include "mapping/when.h"

#include "base/encoding.h"
#include "mapping/priv.h"

#include <string.h>

static const char *const known_kinds[] = { "prefix", "regex", NULL };

/* ---- matching ---- */

RbMatchResult
rb_when_match(const RbWhen *when, const char *const *values, RbMatchSpace *space, const char **held)
{
    gboolean unsure = FALSE;

    for (guint i = 0; values != NULL && values[i] != NULL; i++) {
        gsize length = strlen(values[i]);
        for (guint k = 0; k < when->n_values; k++) {
            RbMatchResult result = rb_matcher_match(&when->values[k], values[i], length, space);
            unsure = unsure || result == RB_MATCH_LIMIT;
            if (result != RB_MATCH_YES)
                continue;
            if (held != NULL)
                *held = values[i];
            return RB_MATCH_YES;
        }
    }
    return unsure ? RB_MATCH_LIMIT : RB_MATCH_NO;
}

/* ---- words ---- */

/* "is 'a' or 'b' or starts with 'c'"; @verbs: by kind. */
static void
append_values(GString *out, const RbWhen *when, const char *const *verbs)
{
    for (guint i = 0; i < when->n_values; i++) {
        const RbMatcher *m = &when->values[i];
        g_autofree char *quoted = rb_text_quote(m->text);
        gboolean again = i > 0 && when->values[i - 1].kind == m->kind;
        g_string_append(out, i > 0 ? " or " : "");
        g_string_append(out, again ? "" : verbs[m->kind]);
        g_string_append(out, quoted);
    }
}

char *
rb_when_words(const RbWhen *when)
{
    static const char *const verbs[] = { "is ", "starts with ", "matches " };
    GString *out = g_string_new(when->attribute);

    g_string_append_c(out, ' ');
    append_values(out, when, verbs);
    return g_string_free(out, FALSE);
}

char *
rb_when_misses(const RbWhen *when, const char *const *values)
{
    static const char *const verbs[] = { "be ", "start with ", "match " };
    GString *out = g_string_new(NULL);

    g_string_printf(out, "the attribute %s must ", when->attribute);
    append_values(out, when, verbs);
    if (values == NULL || values[0] == NULL) {
        g_string_append(out, "; your sign-in does not state it");
    } else {
        g_autofree char *first = rb_text_quote(values[0]);
        g_string_append_printf(out, "; it is %s%s", first, values[1] != NULL ? " and others" : "");
    }
    return g_string_free(out, FALSE);
}

/* ---- reading ---- */

/* An expression that takes all of these, which have nothing in common, leaves nothing out. */
static gboolean
takes_everything(const RbMatcher *m)
{
    static const char *const unlike[] = { "a", "0", "#", "A-b_c.d/e:f@g", "\xc3\xa9" };
    RbMatchSpace space = { NULL, NULL };
    gboolean all = m->kind == RB_MATCHER_REGEX;

    for (gsize i = 0; i < G_N_ELEMENTS(unlike) && all; i++)
        all = rb_pattern_match(m->pattern, unlike[i], strlen(unlike[i]), &space) == RB_MATCH_YES;
    rb_match_space_clear(&space);
    return all;
}

static gboolean
read_value(RbLoad *load, const RbYaml *node, const char *attribute, RbMatcher *m)
{
    const char *text = rb_yaml_text(node);

    if (rb_yaml_kind(node) == RB_YAML_MAP)
        return rb_matcher_read(load, node, known_kinds, "it would take whatever is stated", m);
    if (!rb_yaml_expect(node, RB_YAML_SCALAR, load->problems))
        return FALSE;
    if (rb_yaml_is_null(node) || strlen(text) > RB_MATCHER_MAX) {
        rb_yaml_problem(node, load->problems, "name a value", "'%s' can never be equal to %s", attribute,
                        rb_yaml_is_null(node) ? "nothing" : "so long a text");
        return FALSE;
    }
    *m = rb_matcher_exact(load, text);
    return TRUE;
}

static void
read_values(RbLoad *load, const RbYaml *node, RbWhen *when)
{
    gboolean many = rb_yaml_kind(node) == RB_YAML_LIST;
    guint n = many ? rb_yaml_size(node) : 1;
    RbMatcher *values = rb_arena_alloc(&load->snapshot->arena, MAX(n, 1) * sizeof *values);

    if (n == 0)
        rb_yaml_problem(node, load->problems, "name a value", "'%s' can never be equal to nothing",
                        when->attribute);
    when->values = values;
    when->exact = TRUE;
    for (guint i = 0; i < n; i++) {
        const RbYaml *item = many ? rb_yaml_item(node, i) : node;
        RbMatcher *m = &values[when->n_values];
        if (!read_value(load, item, when->attribute, m))
            continue;
        when->n_values++;
        when->exact = when->exact && m->kind == RB_MATCHER_EXACT;
        if (when->open || !takes_everything(m))
            continue;
        when->open = TRUE;
        when->line = rb_yaml_line(item);
        when->column = rb_yaml_column(item);
    }
}

const RbWhen *
rb_when_read(RbLoad *load, const RbYaml *map, guint *n)
{
    RbWhen *when;

    *n = 0;
    if (map == NULL || !rb_yaml_expect(map, RB_YAML_MAP, load->problems))
        return NULL;
    if (rb_yaml_size(map) == 0)
        rb_yaml_problem(map, load->problems, "leave it out", "an empty 'when'");
    when = rb_arena_alloc(&load->snapshot->arena, MAX(rb_yaml_size(map), 1) * sizeof *when);
    for (guint i = 0; i < rb_yaml_size(map); i++) {
        when[i].attribute = rb_load_text(load, rb_yaml_text(rb_yaml_key(map, i)));
        read_values(load, rb_yaml_item(map, i), &when[i]);
    }
    *n = rb_yaml_size(map);
    return when;
}
