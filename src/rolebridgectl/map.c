#include "review/map.h"

#include "base/encoding.h"
#include "base/file.h"
#include "rolebridgectl/command.h"
#include "rolebridgectl/program.h"

#include <string.h>

enum { PICTURE_MAX = 32 * 1024 * 1024 };

/* Graphviz draws in a process of its own: what it makes of a large graph is no business of ours. */
static char *
draw(const char *graph, GError **error)
{
    static const char *const argv[] = { "dot", "-Tsvg", NULL };
    g_autoptr(GString) input = g_string_new(graph);
    g_autoptr(GBytes) svg = rb_program_run(argv, NULL, input, PICTURE_MAX, 0, error);

    return svg == NULL ? NULL : g_strndup(g_bytes_get_data(svg, NULL), g_bytes_get_size(svg));
}

typedef struct {
    char *mappings, *output, *group, *role, *account;
    gboolean svg, dot;
} Asked;

static void
asked_clear(Asked *asked)
{
    g_free(asked->mappings);
    g_free(asked->output);
    g_free(asked->group);
    g_free(asked->role);
    g_free(asked->account);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

/* What is asked for must be in the mapping: a picture of nothing would look like an answer. */
static gboolean
is_there(const RbSnapshot *snapshot, const Asked *asked)
{
    const char *kind = NULL, *name = NULL;
    g_autofree char *quoted = NULL;

    if (asked->account != NULL && rb_snapshot_account(snapshot, asked->account) == NULL) {
        kind = "account";
        name = asked->account;
    } else if (asked->role != NULL && rb_snapshot_role(snapshot, asked->role) == NULL) {
        kind = "role";
        name = asked->role;
    }
    if (kind == NULL)
        return TRUE;
    quoted = rb_text_quote(name);
    g_printerr("rolebridgectl map: no %s %s in the mapping\n", kind, quoted);
    return FALSE;
}

static int
print(const Asked *asked, const char *graph)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *svg = asked->dot ? g_strdup(graph) : draw(graph, &error);

    if (svg != NULL && asked->output == NULL)
        g_print("%s", svg);
    else if (svg != NULL)
        (void)rb_file_write(asked->output, svg, strlen(svg), 0644, &error);
    if (error != NULL) {
        g_autofree char *shown = rb_text_printable(error->message, 300);
        g_printerr("rolebridgectl map: %s%s\n", shown,
                   g_error_matches(error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT)
                       ? "; install the package graphviz, or print the graph with --dot"
                       : "");
    }
    return error == NULL ? RB_EXIT_OK : RB_EXIT_FAULT;
}

static int
run(int argc, char **argv)
{
    g_auto(Asked) asked = { 0 };
    const GOptionEntry options[] = {
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &asked.mappings,
          "default: ./mappings, then /etc/rolebridge/mappings", "DIR" },
        { "svg", 0, 0, G_OPTION_ARG_NONE, &asked.svg, "a picture (the default); needs the package graphviz",
          NULL },
        { "dot", 0, 0, G_OPTION_ARG_NONE, &asked.dot, "the graph in Graphviz's language", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &asked.output, "write it there", "FILE" },
        { "group", 0, 0, G_OPTION_ARG_STRING, &asked.group, "only what this directory group brings", "G" },
        { "role", 0, 0, G_OPTION_ARG_STRING, &asked.role, "only this business role", "R" },
        { "account", 0, 0, G_OPTION_ARG_STRING, &asked.account, "only this account (name or id)", "A" },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context =
        rb_command_context(NULL,
                           "Draws the mapping: which groups have which roles in which accounts. Every path "
                           "from left to right is access.",
                           "Examples:\n  rolebridgectl map --output access.svg\n  rolebridgectl map "
                           "--account analytics-prod -o prod.svg\n"
                           "  rolebridgectl map --dot --group acme-developers\n\n"
                           "Exit codes: 0 done, 1 the mapping has errors or nothing leads there, 2 usage, 4 "
                           "it could not be drawn.\n");
    g_autoptr(RbSnapshot) snapshot = NULL;
    g_autofree char *graph = NULL;
    RbMapLook look;

    g_option_context_add_main_entries(context, options, NULL);
    if (!rb_command_parse(context, argc, argv))
        return RB_EXIT_USAGE;
    if (asked.svg && asked.dot) {
        g_printerr("rolebridgectl map: --svg or --dot, not both\n");
        return RB_EXIT_USAGE;
    }
    snapshot = rb_command_load("map", asked.mappings, "there is nothing to draw");
    if (snapshot == NULL || !is_there(snapshot, &asked))
        return RB_EXIT_NO;
    look = (RbMapLook){ asked.group, asked.role, asked.account };
    graph = rb_map_dot(snapshot, &look);
    if (graph == NULL) {
        g_printerr("rolebridgectl map: nobody has that\n");
        return RB_EXIT_NO;
    }
    return print(&asked, graph);
}

const RbCommand rb_command_map = { "map", "groups, roles and accounts as a picture", run };
