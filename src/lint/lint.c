#include "lint/priv.h"

#include <string.h>

void
rb_lint_say(RbLint *lint, RbPlace place, const char *hint, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    rb_diagnostics_finding(lint->found, lint->rule->severity, lint->rule->id, place, hint, "%s", message);
}

/* Whether @code may be ignored at all: a rule, or a name that AWS gives to a finding: even an error, for AWS
 * may have an action that the catalogue has not yet. */
static gboolean
is_known(const char *code)
{
    return rb_lint_rule(code) != NULL ||
           (*code != '\0' && code[strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")] == '\0');
}

/* The `lint` entry that silences @found; NULL: none. */
static const RbIgnore *
find_ignore(const GArray *ignores, const RbDiagnostic *found, guint *at)
{
    for (*at = 0; *at < ignores->len; (*at)++) {
        const RbIgnore *ignore = &g_array_index(ignores, RbIgnore, *at);
        if (g_strcmp0(ignore->rule, found->code) == 0 && g_str_equal(ignore->place.file, found->file))
            return ignore;
    }
    return NULL;
}

/* What is said of a `lint` entry itself. */
static void
judge_ignore(const RbIgnore *ignore, gboolean used, RbDiagnostics *problems)
{
    g_autofree char *hint = NULL;
    const char *near;

    if (used)
        return;
    if (is_known(ignore->rule)) {
        rb_diagnostics_finding(problems, RB_SEVERITY_SUGGESTION, NULL, ignore->place, "delete it",
                               "nothing here is against the rule '%s'", ignore->rule);
        return;
    }
    near = rb_lint_rule_nearest(ignore->rule);
    hint = near == NULL ? g_strdup("rolebridgectl check --rules lists them")
                        : g_strdup_printf("did you mean '%s'?", near);
    rb_diagnostics_error(problems, ignore->place.file, ignore->place.line, ignore->place.column, hint,
                         "no rule named '%s'", ignore->rule);
}

static void
hand_on(RbLint *lint, RbDiagnostics *problems)
{
    const GArray *ignores = rb_snapshot_ignores(lint->snapshot);
    g_autofree gboolean *used = g_new0(gboolean, ignores->len + 1);
    guint n = rb_diagnostics_size(lint->found), at;

    for (guint i = 0; i < n; i++) {
        const RbDiagnostic *d = rb_diagnostics_get(lint->found, i);
        if (find_ignore(ignores, d, &at) != NULL)
            used[at] = TRUE;
        else
            rb_diagnostics_finding(problems, d->severity, d->code, (RbPlace){ d->file, d->line, d->column },
                                   d->hint, "%s", d->message);
    }
    for (guint i = 0; i < ignores->len; i++)
        judge_ignore(&g_array_index(ignores, RbIgnore, i), used[i], problems);
}

/* Whom each assignment names: two rules ask, one of them often. */
static GPtrArray *
everybody(const RbSnapshot *snapshot)
{
    GPtrArray *out = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    guint n = rb_snapshot_size(snapshot).n_assignments;

    for (guint i = 0; i < n; i++)
        g_ptr_array_add(out, rb_assignment_who(snapshot, i));
    return out;
}

void
rb_lint(const RbSnapshot *snapshot, RbDiagnostics *problems)
{
    g_autoptr(GPtrArray) who = everybody(snapshot);
    g_autoptr(RbDiagnostics) found = rb_diagnostics_new();
    RbLint lint = { .snapshot = snapshot,
                    .policies = rb_snapshot_policies(snapshot),
                    .roles = rb_snapshot_roles(snapshot),
                    .who = who,
                    .found = found };

    rb_lint_validate(&lint);
    for (guint i = 0; i < rb_lint_n_entries; i++) {
        lint.rule = &rb_lint_entries[i].told;
        rb_lint_entries[i].look(&lint);
    }
    hand_on(&lint, problems);
}

void
rb_lint_policy(const RbPolicy *policy, const char *file, RbDiagnostics *problems)
{
    static const char *none[] = { NULL };
    g_autoptr(GPtrArray) policies = g_ptr_array_new(), roles = g_ptr_array_new();
    RbTaskPolicy task = { .place = { file, 1, 1 }, .name = file, .document = (RbPolicy *)policy };
    RbRole role = { .place = { file, 1, 1 }, .name = file, .policies = policies, .managed = none };
    RbLint lint = { .policies = policies, .roles = roles, .found = problems };

    rb_policy_validate(policy, problems);
    g_ptr_array_add(policies, &task);
    g_ptr_array_add(roles, &role);
    for (guint i = 0; i < rb_lint_n_entries && policy->kind == RB_POLICY_IDENTITY; i++) {
        lint.rule = &rb_lint_entries[i].told;
        if (rb_lint_entries[i].alone)
            rb_lint_entries[i].look(&lint);
    }
}

char *
rb_lint_who(const RbLint *lint, const RbRole *role)
{
    return lint->snapshot == NULL ? g_strdup("whoever has this")
                                  : g_strdup_printf("the role '%s'", role->name);
}
