#include "lint/lint.h"

char *
rb_lint_markdown(void)
{
    GString *out = g_string_new(
        "# Rules of `rolebridgectl check`\n\n"
        "For those who write mappings and those who review them. Made from `src/lint/rules.c` by "
        "`scripts/docs`; do not edit.\n"
        "What a rule finds is allowed: it changes the exit code with `--strict` alone. Findings in capitals\n"
        "(`PASS_ROLE_WITH_STAR_IN_RESOURCE`) are those of IAM Access Analyzer, under its names; what it "
        "calls an error, AWS\n"
        "would refuse or never match, and so it is one here.\n\n"
        "A file may say that a rule does not apply to it, and why:\n\n"
        "```yaml\n"
        "lint:\n"
        "  - { ignore: write-on-any-resource, reason: clusters have no names before they run }\n"
        "```\n\n"
        "That goes into `policies/*.yaml`, `roles/*.yaml` and files of assignments, and is for findings in "
        "that file. Without a reason\n"
        "it is an error, as is a rule that does not exist; one that silences nothing is a suggestion to "
        "delete it.\n\n"
        "| rule | kind | finds |\n| --- | --- | --- |\n");
    const RbLintRule *r;

    for (guint i = 0; (r = rb_lint_rule_at(i)) != NULL; i++)
        g_string_append_printf(out, "| [`%s`](#%s) | %s | %s |\n", r->id, r->id,
                               rb_severity_name(r->severity), r->what);
    for (guint i = 0; (r = rb_lint_rule_at(i)) != NULL; i++)
        g_string_append_printf(out, "\n## %s\n\n%s\n\n```yaml\n%s\n```\n\nInstead: %s\n", r->id, r->why,
                               r->example, r->fix);
    g_string_append(out, "\n[All pages](../README.md#documentation)\n");
    return g_string_free(out, FALSE);
}
