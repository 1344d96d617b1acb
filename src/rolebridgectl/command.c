#include "rolebridgectl/command.h"

#include "base/encoding.h"

static const char *const usual_mappings[] = { "mappings", "/etc/rolebridge/mappings" };

GOptionContext *
rb_command_context(const char *use, const char *about, const char *examples)
{
    GOptionContext *context = g_option_context_new(use);

    g_option_context_set_summary(context, about);
    g_option_context_set_description(context, examples);
    return context;
}

gboolean
rb_command_parse(GOptionContext *context, int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) args = g_new0(char *, (gsize)argc + 1);
    g_autofree char *name = g_strdup(argv[0]), *full = g_strconcat("rolebridgectl ", name, NULL);

    for (int i = 0; i < argc; i++)
        args[i] = g_strdup(argv[i]);
    g_set_prgname(full); /* what --help calls it */
    g_option_context_set_strict_posix(context, FALSE);
    if (!g_option_context_parse_strv(context, &args, &error)) {
        g_autofree char *shown = rb_text_printable(error->message, 500);
        g_printerr("rolebridgectl %s: %s\nTry: rolebridgectl %s --help\n", name, shown, name);
        return FALSE;
    }
    if (args[0] != NULL && args[1] != NULL) {
        g_autofree char *quoted = rb_text_quote(args[1]);
        g_printerr("rolebridgectl %s: %s is not expected here\nTry: rolebridgectl %s --help\n", name, quoted,
                   name);
        return FALSE;
    }
    return TRUE;
}

char *
rb_command_mappings(const char *asked)
{
    if (asked != NULL)
        return g_strdup(asked);
    for (gsize i = 0; i < G_N_ELEMENTS(usual_mappings); i++)
        if (g_file_test(usual_mappings[i], G_FILE_TEST_IS_DIR))
            return g_strdup(usual_mappings[i]);
    g_printerr("rolebridgectl: there is no mapping in ./mappings or /etc/rolebridge/mappings; name it with "
               "--mappings DIR\n");
    return NULL;
}
