#include "mapping/priv.h"

/* The `lint` list of a file: rules that do not apply to it. */

static void
read_ignore(RbLoad *load, const RbYaml *node, const char *file)
{
    static const char *const known[] = { "ignore", "reason", NULL };
    RbIgnore ignore = { .place = rb_place(node) };

    if (!rb_yaml_check_keys(node, known, load->problems))
        return;
    ignore.place.file = file;
    ignore.rule = rb_text_field(load, node, "ignore", TRUE);
    ignore.reason = rb_text_field(load, node, "reason", TRUE);
    if (*ignore.reason == '\0' && rb_yaml_get(node, "reason") != NULL)
        rb_yaml_field_problem(node, "reason", load->problems, "whoever reviews this wants to know it",
                              "an empty reason");
    g_array_append_val(load->snapshot->ignores, ignore);
}

void
rb_ignores_read(RbLoad *load, const RbYaml *root)
{
    const RbYaml *list = rb_yaml_get(root, "lint");
    const char *file = rb_load_text(load, rb_yaml_file(root));

    if (list == NULL || !rb_yaml_expect(list, RB_YAML_LIST, load->problems))
        return;
    for (guint i = 0; i < rb_yaml_size(list); i++)
        read_ignore(load, rb_yaml_item(list, i), file);
}
