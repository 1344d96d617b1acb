#include "base/file.h"
#include "iam/policy.h"
#include "rolebridgectl/command.h"

#include <unistd.h>

/* `rolebridgectl validate`: policy documents, as IAM Access Analyzer would judge them, without a call to AWS.
 */

typedef struct {
    char **files, *kind;
    gboolean json, strict;
} Asked;

static void
asked_clear(Asked *asked)
{
    g_strfreev(asked->files);
    g_free(asked->kind);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

/* FALSE: the file could not be read, which was told. */
static gboolean
validate_file(RbPolicyKind kind, const char *file, RbDiagnostics *problems)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = rb_file_read(file, (gsize)2 * RB_POLICY_MAX_SIZE, &error);
    g_autoptr(RbPolicy) policy = NULL;

    if (bytes == NULL) {
        g_printerr("rolebridgectl validate: %s\n", error->message);
        return FALSE;
    }
    policy = rb_policy_parse(kind, file, bytes, problems);
    if (policy != NULL)
        rb_policy_validate(policy, problems);
    return TRUE;
}

/* "2 policies: 1 error, 1 security warning" */
static void
print_sum(guint n_files, RbDiagnostics *problems)
{
    guint counts[RB_SEVERITY_SUGGESTION + 1] = { 0 }, n = rb_diagnostics_size(problems);
    const char *before = ": ";

    for (guint i = 0; i < n; i++)
        counts[rb_diagnostics_get(problems, i)->severity]++;
    g_print("%u %s", n_files, n_files == 1 ? "policy" : "policies");
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
        if (counts[i] == 0)
            continue;
        g_print("%s%u %s%s", before, counts[i], rb_severity_name((RbSeverity)i), counts[i] == 1 ? "" : "s");
        before = ", ";
    }
    g_print("%s\n", n == 0 ? ": nothing to say" : "");
}

static void
print_text(guint n_files, RbDiagnostics *problems)
{
    g_autofree char *text =
        rb_diagnostics_to_text(problems, isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL);

    g_print("%s", text);
    print_sum(n_files, problems);
}

static void
print_json(guint n_files, RbDiagnostics *problems)
{
    g_autofree char *text =
        rb_command_print(json_pack("{s:b, s:i, s:o}", "ok", rb_diagnostics_count(problems) == 0, "policies",
                                   (int)n_files, "diagnostics", rb_command_diagnostics(problems)));

    g_print("%s", text);
}

static int
validate(const Asked *asked)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbPolicyKind kind = RB_POLICY_IDENTITY;
    gboolean read = TRUE, no;
    guint n = 0;

    if (asked->files == NULL) {
        g_printerr("rolebridgectl validate: name the files\nTry: rolebridgectl validate --help\n");
        return RB_EXIT_USAGE;
    }
    if (asked->kind != NULL && !rb_policy_kind_parse(asked->kind, &kind)) {
        g_printerr("rolebridgectl validate: --kind is one of: " RB_POLICY_KINDS "\n");
        return RB_EXIT_USAGE;
    }
    for (; asked->files[n] != NULL; n++)
        read = validate_file(kind, asked->files[n], problems) && read;
    if (asked->json)
        print_json(n, problems);
    else
        print_text(n, problems);
    no = rb_diagnostics_count(problems) > 0 || (asked->strict && rb_diagnostics_size(problems) > 0);
    return !read ? RB_EXIT_FAULT : no ? RB_EXIT_NO : RB_EXIT_OK;
}

static int
run(int argc, char **argv)
{
    g_auto(Asked) asked = { NULL, NULL, FALSE, FALSE };
    const GOptionEntry options[] = {
        { "kind", 0, 0, G_OPTION_ARG_STRING, &asked.kind, "identity (default), " RB_POLICY_KINDS_BUT_IDENTITY,
          "KIND" },
        { "strict", 0, 0, G_OPTION_ARG_NONE, &asked.strict, "exit 1 for any finding, not for errors alone",
          NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &asked.json, "print one JSON object", NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &asked.files, NULL, NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = rb_command_context(
        "FILE…",
        "Reads IAM policy documents (JSON) and tells what IAM Access Analyzer would find in them: errors, "
        "security\nwarnings, warnings and suggestions, with its names for them, and file, line and column. "
        "Asks nobody.",
        "Examples:\n  rolebridgectl validate policy.json\n"
        "  rolebridgectl validate --kind trust trust/*.json\n"
        "  rolebridgectl validate --json policy.json | jq -r '.diagnostics[].code'\n\n"
        "Exit codes: 0 no errors, 1 errors (with --strict: any finding), 2 usage, 4 a file could not be "
        "read.\n");

    g_option_context_add_main_entries(context, options, NULL);
    return rb_command_parse(context, argc, argv) ? validate(&asked) : RB_EXIT_USAGE;
}

const RbCommand rb_command_validate = { "validate", "what IAM Access Analyzer would say of policy documents",
                                        run };
