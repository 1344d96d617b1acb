#include "mapping/mapping.h"
#include "rolebridgectl/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static json_t *
diagnostics_json(RbDiagnostics *problems)
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

static void
print_json(const RbSnapshot *snapshot, RbDiagnostics *problems)
{
    json_t *out = json_pack("{s:b}", "ok", snapshot != NULL);
    char *text;

    if (snapshot != NULL) {
        RbSnapshotSize n = rb_snapshot_size(snapshot);
        (void)json_object_update_new(out, json_pack("{s:i, s:i, s:i, s:i, s:s}", "accounts",
                                                    (int)n.n_accounts, "policies", (int)n.n_policies, "roles",
                                                    (int)n.n_roles, "assignments", (int)n.n_assignments,
                                                    "digest", rb_snapshot_digest(snapshot)));
    }
    (void)json_object_set_new(out, "diagnostics", diagnostics_json(problems));
    text = json_dumps(out, JSON_INDENT(2));
    g_print("%s\n", text);
    free(text);
    json_decref(out);
}

static const char *
plural(guint n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

static void
print_text(const char *directory, const RbSnapshot *snapshot, RbDiagnostics *problems)
{
    gboolean colour = isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL;
    g_autofree char *text = rb_diagnostics_to_text(problems, colour);
    guint errors = rb_diagnostics_count(problems), warnings = rb_diagnostics_size(problems) - errors;
    RbSnapshotSize n;

    g_print("%s", text);
    if (snapshot == NULL) {
        g_print("%s: %u %s, %u %s\n", directory, errors, plural(errors, "error", "errors"), warnings,
                plural(warnings, "warning", "warnings"));
        return;
    }
    n = rb_snapshot_size(snapshot);
    g_print("%s: %u %s, %u task %s, %u business %s, %u %s", directory, n.n_accounts,
            plural(n.n_accounts, "account", "accounts"), n.n_policies,
            plural(n.n_policies, "policy", "policies"), n.n_roles, plural(n.n_roles, "role", "roles"),
            n.n_assignments, plural(n.n_assignments, "assignment", "assignments"));
    if (warnings > 0)
        g_print("; %u %s", warnings, plural(warnings, "warning", "warnings"));
    g_print("; no errors\n");
}

static int
run(int argc, char **argv)
{
    g_autofree char *asked = NULL, *directory = NULL;
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &asked,
          "default: ./mappings, then /etc/rolebridge/mappings", "DIR" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print one JSON object", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = rb_command_context(
        NULL, "Reads a mapping directory and tells every mistake in it, with file, line and column.",
        "Examples:\n  rolebridgectl check --mappings mappings\n"
        "  rolebridgectl check --json | jq '.diagnostics[]'\n\n"
        "Exit codes: 0 no errors (warnings are none), 1 errors, 2 usage, 4 there is no such directory.\n");
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbSnapshot) snapshot = NULL;

    g_option_context_add_main_entries(context, options, NULL);
    if (!rb_command_parse(context, argc, argv))
        return RB_EXIT_USAGE;
    directory = rb_command_mappings(asked);
    if (directory == NULL)
        return RB_EXIT_FAULT;
    snapshot = rb_snapshot_load(directory, problems);
    if (json)
        print_json(snapshot, problems);
    else
        print_text(directory, snapshot, problems);
    if (snapshot != NULL)
        return RB_EXIT_OK;
    return access(directory, R_OK | X_OK) == 0 ? RB_EXIT_NO : RB_EXIT_FAULT;
}

const RbCommand rb_command_check = { "check", "tells every mistake in a mapping directory", run };
