#include "rolebridgectl/check.h"
#include "base/encoding.h"
#include "base/file.h"
#include "iam/policy.h"
#include "lint/lint.h"
#include "mapping/mapping.h"
#include "rolebridgectl/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
print_value(json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

    g_print("%s\n", text);
    free(text);
    json_decref(value);
}

static void
print_json(const RbSnapshot *snapshot, RbDiagnostics *problems)
{
    json_t *out = json_pack("{s:b}", "ok", rb_diagnostics_count(problems) == 0);

    if (snapshot != NULL) {
        RbSnapshotSize n = rb_snapshot_size(snapshot);
        (void)json_object_update_new(out, json_pack("{s:i, s:i, s:i, s:i, s:s}", "accounts",
                                                    (int)n.n_accounts, "policies", (int)n.n_policies, "roles",
                                                    (int)n.n_roles, "assignments", (int)n.n_assignments,
                                                    "digest", rb_snapshot_digest(snapshot)));
    }
    (void)json_object_set_new(out, "diagnostics", rb_command_diagnostics(problems));
    print_value(out);
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
    guint errors = rb_diagnostics_count(problems), findings = rb_diagnostics_size(problems) - errors;
    RbSnapshotSize n;

    g_print("%s%s: ", text, directory);
    if (snapshot != NULL) {
        n = rb_snapshot_size(snapshot);
        g_print("%u %s, %u task %s, %u business %s, %u %s; ", n.n_accounts,
                plural(n.n_accounts, "account", "accounts"), n.n_policies,
                plural(n.n_policies, "policy", "policies"), n.n_roles, plural(n.n_roles, "role", "roles"),
                n.n_assignments, plural(n.n_assignments, "assignment", "assignments"));
    }
    if (findings > 0)
        g_print("%u %s, ", findings, plural(findings, "finding", "findings"));
    if (errors > 0)
        g_print("%u %s\n", errors, plural(errors, "error", "errors"));
    else
        g_print("no errors\n");
}

/* ---- the rules themselves ---- */

static json_t *
rule_json(const RbLintRule *r)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "rule", r->id, "severity",
                     rb_severity_name(r->severity), "finds", r->what, "why", r->why, "example", r->example,
                     "instead", r->fix);
}

static int
list_rules(gboolean json)
{
    json_t *out = json_array();
    const RbLintRule *r;

    for (guint i = 0; (r = rb_lint_rule_at(i)) != NULL; i++) {
        (void)json_array_append_new(out, rule_json(r));
        if (!json)
            g_print("%-31s %-17s %s\n", r->id, rb_severity_name(r->severity), r->what);
    }
    if (json)
        print_value(out);
    else
        json_decref(out);
    return RB_EXIT_OK;
}

static int
explain_rule(const char *id, gboolean json)
{
    const RbLintRule *r = rb_lint_rule(id);
    const char *near = rb_lint_rule_nearest(id);
    g_auto(GStrv) example = NULL;

    if (r == NULL) {
        g_autofree char *quoted = rb_text_quote(id);
        g_printerr("rolebridgectl check: no rule named %s; %s%s%s\n", quoted,
                   near == NULL ? "try: rolebridgectl check --rules" : "did you mean '",
                   near == NULL ? "" : near, near == NULL ? "" : "'?");
        return RB_EXIT_USAGE;
    }
    if (json) {
        print_value(rule_json(r));
        return RB_EXIT_OK;
    }
    example = g_strsplit(r->example, "\n", -1);
    g_print("%s (%s): %s\n\nWhy: %s\n\nExample:\n", r->id, rb_severity_name(r->severity), r->what, r->why);
    for (guint i = 0; example[i] != NULL; i++)
        g_print("    %s\n", example[i]);
    g_print("\nInstead: %s\n\nWhere it does not apply, write into the file:\n"
            "    lint: [{ ignore: %s, reason: \"…\" }]\n",
            r->fix, r->id);
    return RB_EXIT_OK;
}

/* ---- the command ---- */

typedef struct {
    const char *mappings, *policy, *kind;
    gboolean json, sarif, strict, rules;
} Asked;

static int
conclude(const Asked *asked, RbDiagnostics *problems)
{
    gboolean no = rb_diagnostics_count(problems) > 0 || (asked->strict && rb_diagnostics_size(problems) > 0);

    return no ? RB_EXIT_NO : RB_EXIT_OK;
}

static int
check(const Asked *asked)
{
    g_autofree char *directory = rb_command_mappings(asked->mappings);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbSnapshot) snapshot = NULL;

    if (directory == NULL)
        return RB_EXIT_FAULT;
    snapshot = rb_snapshot_load(directory, problems);
    if (snapshot != NULL)
        rb_lint(snapshot, problems);
    if (asked->sarif)
        print_value(rb_ctl_sarif(directory, problems));
    else if (asked->json)
        print_json(snapshot, problems);
    else
        print_text(directory, snapshot, problems);
    if (snapshot == NULL && access(directory, R_OK | X_OK) != 0)
        return RB_EXIT_FAULT;
    return conclude(asked, problems);
}

/* One document, without a mapping around it. */
static int
check_policy(const Asked *asked)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = rb_file_read(asked->policy, RB_POLICY_MAX_SIZE, &error);
    g_autoptr(RbPolicy) policy = NULL;
    RbPolicyKind kind = RB_POLICY_IDENTITY;

    if (asked->kind != NULL && !rb_policy_kind_parse(asked->kind, &kind)) {
        g_printerr("rolebridgectl check: --kind is one of: " RB_POLICY_KINDS "\n");
        return RB_EXIT_USAGE;
    }
    if (bytes == NULL) {
        g_printerr("rolebridgectl check: %s\n", error->message);
        return RB_EXIT_FAULT;
    }
    policy = rb_policy_parse(kind, asked->policy, bytes, problems);
    if (policy != NULL)
        rb_lint_policy(policy, asked->policy, problems);
    if (asked->sarif)
        print_value(rb_ctl_sarif(".", problems));
    else if (asked->json)
        print_json(NULL, problems);
    else
        print_text(asked->policy, NULL, problems);
    return conclude(asked, problems);
}

static int
run(int argc, char **argv)
{
    g_autofree char *mappings = NULL, *rule = NULL, *policy = NULL, *kind = NULL;
    Asked asked = { NULL, NULL, NULL, FALSE, FALSE, FALSE, FALSE };
    const GOptionEntry options[] = {
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &mappings,
          "default: ./mappings, then /etc/rolebridge/mappings", "DIR" },
        { "policy", 0, 0, G_OPTION_ARG_FILENAME, &policy, "check one policy document (JSON) instead",
          "FILE" },
        { "kind", 0, 0, G_OPTION_ARG_STRING, &kind,
          "what it is for: identity (default), trust, session, boundary, scp, rcp, resource", "KIND" },
        { "strict", 0, 0, G_OPTION_ARG_NONE, &asked.strict, "exit 1 for any finding, not for errors alone",
          NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &asked.json, "print one JSON object", NULL },
        { "sarif", 0, 0, G_OPTION_ARG_NONE, &asked.sarif, "print SARIF 2.1.0, for code review", NULL },
        { "rules", 0, 0, G_OPTION_ARG_NONE, &asked.rules, "list the rules and exit", NULL },
        { "explain", 0, 0, G_OPTION_ARG_STRING, &rule, "tell why a rule is there, an example, and what to do",
          "RULE" },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = rb_command_context(
        NULL,
        "Reads a mapping directory and tells every mistake in it, with file, line and column; then what is "
        "allowed\nand unwise, by rules from AWS's guidance and as IAM Access Analyzer would say.",
        "A file says that a rule does not apply to it: lint: [{ ignore: RULE, reason: … }]\n\n"
        "Examples:\n  rolebridgectl check --mappings mappings\n"
        "  rolebridgectl check --json | jq '.diagnostics[]'\n"
        "  rolebridgectl check --strict --sarif > check.sarif\n"
        "  rolebridgectl check --policy trust.json --kind trust\n"
        "  rolebridgectl check --explain privilege-escalation\n\n"
        "Exit codes: 0 no errors (findings are none), 1 errors, 2 usage, 4 there is no such directory.\n");

    g_option_context_add_main_entries(context, options, NULL);
    if (!rb_command_parse(context, argc, argv))
        return RB_EXIT_USAGE;
    asked.mappings = mappings;
    asked.policy = policy;
    asked.kind = kind;
    if (rule != NULL)
        return explain_rule(rule, asked.json);
    if (asked.rules)
        return list_rules(asked.json);
    return policy != NULL ? check_policy(&asked) : check(&asked);
}

const RbCommand rb_command_check = { "check", "tells every mistake in a mapping directory", run };
