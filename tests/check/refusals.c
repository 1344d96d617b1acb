/* Prints docs/refusals.md from the catalogue, or with an argument checks that the file is the same. */
#include "base/refusal.h"

#include <string.h>

static char *
page(void)
{
    GString *out = g_string_new(
        "# Refusals and faults\n\n"
        "For administrators and auditors. Made from `src/base/refusal.h` by `scripts/docs`; do not edit.\n"
        "The code is stable: alerts and runbooks may match on it. A person sees the two sentences and an\n"
        "incident id; the exact reason is in the audit log under that id (`rolebridgectl audit show\n"
        "--incident ID`). A refusal (4xx) means that the answer is no; a fault (5xx), that it could not be\n"
        "told, so that nothing was granted.\n\n"
        "| code | status | what happened | what to do |\n| --- | --- | --- | --- |\n");

    for (const RbOutcome *o = rb_outcomes(); o->id != NULL; o++)
        g_string_append_printf(out, "| `%s` | %d | %s | %s |\n", o->id, o->status, o->what, o->next);
    g_string_append(out, "\n[All pages](../README.md#documentation)\n");
    return g_string_free(out, FALSE);
}

int
main(int argc, char **argv)
{
    g_autofree char *wanted = page(), *found = NULL;

    if (argc < 2) {
        g_print("%s", wanted);
        return 0;
    }
    if (!g_file_get_contents(argv[1], &found, NULL, NULL) || strcmp(found, wanted) != 0) {
        g_printerr("%s is not what the catalogue says; run scripts/docs\n", argv[1]);
        return 1;
    }
    return 0;
}
