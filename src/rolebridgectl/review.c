#include "rolebridgectl/review.h"

#include <stdlib.h>
#include <unistd.h>

RbSnapshot *
rb_review_load(const char *command, const char *asked)
{
    g_autofree char *directory = rb_command_mappings(asked), *text = NULL;
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbSnapshot *snapshot = directory == NULL ? NULL : rb_snapshot_load(directory, problems);

    if (directory == NULL || snapshot != NULL)
        return snapshot;
    text = rb_diagnostics_to_text(problems, isatty(STDERR_FILENO) && g_getenv("NO_COLOR") == NULL);
    g_printerr("%srolebridgectl %s: %s has errors, so nothing is told of it\n", text, command, directory);
    return NULL;
}

void
rb_review_print_json(const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

    g_print("%s\n", text);
    free(text);
}
