#include "mapping/priv.h"

#include "base/encoding.h"

#include <string.h>

RbPlace
rb_place(const RbYaml *node)
{
    return (RbPlace){ rb_yaml_file(node), rb_yaml_line(node), rb_yaml_column(node) };
}

const char *
rb_load_text(RbLoad *load, const char *text)
{
    return rb_arena_text(&load->snapshot->arena, text);
}

static gint
compare_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **
rb_load_strings(RbLoad *load, GHashTable *set)
{
    guint n = g_hash_table_size(set), i = 0;
    const char **out = rb_arena_alloc(&load->snapshot->arena, (n + 1) * sizeof *out);
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, set);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        out[i++] = rb_load_text(load, key);
    qsort(out, n, sizeof *out, compare_text);
    return out;
}

gboolean
rb_name_check(RbLoad *load, const RbYaml *node, const char *what)
{
    const char *text = rb_yaml_text(node);
    gsize n = text == NULL ? 0 : strlen(text);
    gboolean ok = n >= 2 && n <= 63 && text[0] != '-';
    g_autofree char *quoted = NULL;

    for (gsize i = 0; i < n; i++)
        ok = ok && (g_ascii_islower(text[i]) || g_ascii_isdigit(text[i]) || text[i] == '-');
    if (ok || !rb_yaml_expect(node, RB_YAML_SCALAR, load->problems))
        return ok;
    quoted = rb_text_quote(text);
    rb_yaml_problem(node, load->problems, "2 to 63 of a-z, 0-9 and -, not starting with -",
                    "%s cannot be the name of %s", quoted, what);
    return FALSE;
}

const char *
rb_text_field(RbLoad *load, const RbYaml *node, const char *key, gboolean required)
{
    const char *text = rb_yaml_string(node, key, required ? NULL : "", load->problems);
    g_autofree char *shown = rb_text_printable(text, 1000);

    if (!g_str_equal(shown, text))
        rb_yaml_problem(rb_yaml_get(node, key), load->problems, "keep it to 1000 bytes of plain text",
                        "'%s' is too long or has control characters", key);
    return rb_load_text(load, text);
}

void
rb_unknown(RbLoad *load, const RbYaml *node, const char *what, const char *name, GHashTable *known)
{
    g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array(known, NULL);
    g_autofree char *quoted = rb_text_quote(name), *hint = NULL;
    const char *near;

    qsort(names, g_hash_table_size(known), sizeof *names, compare_text);
    near = rb_text_nearest(name, names);
    if (near != NULL)
        hint = g_strdup_printf("did you mean '%s'?", near);
    rb_yaml_problem(node, load->problems, hint, "no %s named %s", what, quoted);
}

void
rb_twice(RbLoad *load, const RbYaml *node, const char *what, const char *name, RbPlace place)
{
    g_autofree char *quoted = rb_text_quote(name);

    rb_yaml_problem(node, load->problems, "keep one of them", "%s %s is already at %s:%u", what, quoted,
                    place.file, place.line);
}
