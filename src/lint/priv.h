#ifndef RB_LINT_PRIV_H
#define RB_LINT_PRIV_H

#include "iam/catalogue.h"
#include "iam/policy.h"
#include "lint/lint.h"
#include "mapping/library.h"

/** One run over a snapshot. */
typedef struct {
    const RbSnapshot *snapshot; /* NULL: one document alone */
    const GPtrArray *policies;  /* RbTaskPolicy */
    const GPtrArray *roles;     /* RbRole */
    const GPtrArray *who;       /* GStrv of each assignment: rb_assignment_who() */
    RbDiagnostics *found;       /* before what files ignore is taken out */
    const RbLintRule *rule;     /* the one that runs */
} RbLint;

/** A rule, and what looks for it. */
typedef struct {
    RbLintRule told;
    gboolean alone; /* it can be said of one document, too */
    void (*look)(RbLint *lint);
} RbLintEntry;

extern const RbLintEntry rb_lint_entries[];
extern const guint rb_lint_n_entries;

/** rb_lint_say: a finding of the rule that runs. */
void rb_lint_say(RbLint *lint, RbPlace place, const char *hint, const char *format, ...) G_GNUC_PRINTF(4, 5);

/** rb_lint_who: (transfer full): @role as a message begins with it. */
char *rb_lint_who(const RbLint *lint, const RbRole *role);

/* ---- what statements grant (grants.c) ---- */

/** rb_lint_documents: (transfer full) (element-type RbPolicy): what gives @role something and is known: its
 * task policies, and those managed ones whose documents are in managed/. */
GPtrArray *rb_lint_documents(const RbLint *lint, const RbRole *role);

/** rb_lint_each: calls @look with every statement of every task policy. */
void rb_lint_each(RbLint *lint, void (*look)(RbLint *lint, const RbPolicyStatement *s));

/** rb_lint_resource_part: the sixth field of @arn; NULL: it has fewer, as "*". */
const char *rb_lint_resource_part(const char *arn);

/** rb_lint_limited: whether a condition of @s picks resources, principals or values, and not only
 * circumstances (a second factor, TLS, a network, a time, a region). One on the key @but (or NULL) does not
 * count. */
gboolean rb_lint_limited(const RbPolicyStatement *s, const char *but);

/** rb_lint_names: whether Allow statement @s has @action ("iam:PassRole"). */
gboolean rb_lint_names(const RbPolicyStatement *s, const char *action);

/** rb_lint_wide: whether the resources of @s are more than ones written out: "*", or a wildcard behind
 * @part (":role/"). @part NULL: any resource is wide. */
gboolean rb_lint_wide(const RbPolicyStatement *s, const char *part);

/** rb_lint_meaning: (transfer full): what statement @at says, without its Sid: equal texts mean the same. */
char *rb_lint_meaning(const RbPolicy *policy, guint at);

/** rb_lint_withheld: whether nobody with @role can do @action anywhere, though one of its @documents allows
 * it: a Deny without conditions, or a session policy that does not have it. */
gboolean rb_lint_withheld(const RbRole *role, const GPtrArray *documents, const char *action);

/** rb_lint_actions: (transfer full) (element-type RbAction): what Allow statement @s covers of actions of
 * @level or above, sorted, by its patterns or beside them (NotAction). */
GPtrArray *rb_lint_actions(const RbPolicyStatement *s, RbAccessLevel level);

/** rb_lint_examples: (transfer full): "iam:CreateUser, iam:PutRolePolicy and 28 more". */
char *rb_lint_examples(const GPtrArray *actions);

/** rb_lint_validate: IAM Access Analyzer's findings on every policy, as it is in an account that gets it. */
void rb_lint_validate(RbLint *lint);

/* ---- what looks for each rule ---- */
void rb_lint_role_names(RbLint *lint);
void rb_lint_group_names(RbLint *lint);
void rb_lint_giant_policies(RbLint *lint);
void rb_lint_repeated_statements(RbLint *lint);
void rb_lint_wildcard_actions(RbLint *lint);
void rb_lint_any_resource(RbLint *lint);
void rb_lint_all_but(RbLint *lint);
void rb_lint_other_resources(RbLint *lint);
void rb_lint_other_keys(RbLint *lint);
void rb_lint_mfa_conditions(RbLint *lint);
void rb_lint_long_lived(RbLint *lint);
void rb_lint_inline_policies(RbLint *lint);
void rb_lint_unprivileged(RbLint *lint);
void rb_lint_escalation(RbLint *lint);
void rb_lint_no_owner(RbLint *lint);
void rb_lint_no_purpose(RbLint *lint);
void rb_lint_no_policies(RbLint *lint);
void rb_lint_unused_policies(RbLint *lint);
void rb_lint_unused_roles(RbLint *lint);
void rb_lint_unused_assignments(RbLint *lint);
void rb_lint_alike_roles(RbLint *lint);

#endif
