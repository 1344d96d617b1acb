#ifndef RB_LINT_LINT_H
#define RB_LINT_LINT_H

#include "base/diagnostics.h"
#include "iam/policy.h"
#include "mapping/mapping.h"

/*
 * What a mapping says that AWS's guidance for IAM advises against, and what AWS itself would say of its
 * policies. A mapping with findings is a mapping all the same: rolebridged does not lint.
 */

/** One rule, for --rules, --explain, docs/lint.md and SARIF. */
typedef struct {
    const char *id; /* "role-named-after-technology": stable */
    RbSeverity severity;
    const char *what;    /* what is wrong, in a few words */
    const char *why;     /* one or two sentences */
    const char *example; /* lines of YAML that break it */
    const char *fix;     /* what to write instead */
} RbLintRule;

/** rb_lint_rule_at: the @i-th, in the order of the documentation; NULL behind the last one. */
const RbLintRule *rb_lint_rule_at(guint i);

/** rb_lint_rule: by its id; NULL: there is none. rb_lint_rule_nearest: what a misspelt @id was meant to be.
 */
const RbLintRule *rb_lint_rule(const char *id);
const char *rb_lint_rule_nearest(const char *id);

/**
 * rb_lint: tells what is unwise in @snapshot, each finding under its rule's id, and rb_policy_validate()'s
 * findings on its policies, under AWS's names. `lint:` of a file silences either in that file; one that
 * silences nothing is a suggestion, one that names no rule an error.
 */
void rb_lint(const RbSnapshot *snapshot, RbDiagnostics *problems);

/**
 * rb_lint_policy: the same for one document alone, as if a role had nothing else: AWS's findings, and for an
 * identity policy the rules that can be told of a document. @file: its name.
 */
void rb_lint_policy(const RbPolicy *policy, const char *file, RbDiagnostics *problems);

/** rb_lint_markdown: (transfer full): docs/lint.md. */
char *rb_lint_markdown(void);

#endif
