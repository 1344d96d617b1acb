#include "rolebridgectl/command.h"

#include "base/encoding.h"

#include <stdlib.h>
#include <unistd.h>

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

void
rb_command_tell(RbDiagnostics *problems)
{
    g_autofree char *text =
        rb_diagnostics_to_text(problems, isatty(STDERR_FILENO) && g_getenv("NO_COLOR") == NULL);

    g_printerr("%s", text);
}

RbSnapshot *
rb_command_load(const char *command, const char *asked, const char *then)
{
    g_autofree char *directory = rb_command_mappings(asked);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbSnapshot *snapshot = directory == NULL ? NULL : rb_snapshot_load(directory, problems);

    if (directory == NULL || snapshot != NULL)
        return snapshot;
    rb_command_tell(problems);
    g_printerr("rolebridgectl %s: %s has errors, so %s\n", command, directory, then);
    return NULL;
}

char *
rb_command_print(json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER), *out = g_strconcat(text, "\n", NULL);

    free(text);
    json_decref(json);
    return out;
}

json_t *
rb_command_diagnostics(RbDiagnostics *problems)
{
    json_t *out = json_array();

    for (guint i = 0; i < rb_diagnostics_size(problems); i++) {
        const RbDiagnostic *d = rb_diagnostics_get(problems, i);
        (void)json_array_append_new(out, json_pack("{s:s, s:s?, s:s, s:i, s:i, s:s, s:s?}", "severity",
                                                   rb_severity_name(d->severity), "code", d->code, "file",
                                                   d->file, "line", (int)d->line, "column", (int)d->column,
                                                   "message", d->message, "hint", d->hint));
    }
    return out;
}

int
rb_command_usage(const char *command, const char *before, const char *value, const char *after)
{
    g_autofree char *quoted = value == NULL ? g_strdup("") : rb_text_quote(value);

    g_printerr("rolebridgectl %s: %s%s%s\nTry: rolebridgectl %s --help\n", command, before, quoted, after,
               command);
    return RB_EXIT_USAGE;
}

json_t *
rb_command_texts(const GPtrArray *texts)
{
    json_t *out = json_array();

    for (guint i = 0; texts != NULL && i < texts->len; i++)
        (void)json_array_append_new(out, json_string(texts->pdata[i]));
    return out;
}
