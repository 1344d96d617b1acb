#ifndef RB_IAM_POLICY_CHECK_PRIV_H
#define RB_IAM_POLICY_CHECK_PRIV_H

#include "iam/policy.h"

/* The checks behind rb_policy_validate(): one file a subject, each looks at one statement. */

typedef struct {
    const RbPolicy *policy;
    const RbPolicyStatement *s;
    RbDiagnostics *problems;
} RbPolicyCheck;

/* One finding; @severity is ERROR, SECURITY, WARNING or SUGGESTION. */
#define RB_FIND(check, severity, code, place, hint, ...)                                                     \
    rb_diagnostics_finding((check)->problems, RB_SEVERITY_##severity, code, place, hint, __VA_ARGS__)

void rb_policy_check_actions(const RbPolicyCheck *check);
void rb_policy_check_resources(const RbPolicyCheck *check);
void rb_policy_check_conditions(const RbPolicyCheck *check);
void rb_policy_check_principals(const RbPolicyCheck *check);
void rb_policy_check_trust(const RbPolicyCheck *check);

/** rb_policy_check_value: one value of @condition against what its operator compares. */
void rb_policy_check_value(const RbPolicyCheck *check, const RbPolicyCondition *condition,
                           const RbPolicyText *value);
/** rb_policy_check_networks: what all values of a condition on addresses say together. */
void rb_policy_check_networks(const RbPolicyCheck *check, const RbPolicyCondition *condition);

/**
 * rb_policy_check_variables: the ${…} of @text from @from on.
 * @wrong: code and words of the error where no variable can stand; both NULL where one can
 * Returns: whether there is one
 */
gboolean rb_policy_check_variables(const RbPolicyCheck *check, const RbPolicyText *text, const char *from,
                                   const char *code, const char *wrong);

/** rb_policy_check_spare: each of @texts that another one covers is a suggestion with the name @code. */
void rb_policy_check_spare(const RbPolicyCheck *check, RbPolicyTexts texts, const char *code,
                           gboolean (*covers)(const char *wide, const char *narrow));

/** rb_policy_has_key: whether a condition of @s looks at @key; where @key ends in ':' or '/', at one that
 * begins so. */
gboolean rb_policy_has_key(const RbPolicyStatement *s, const char *key);
/** rb_policy_takes: whether the actions of @s hold @action (the wide reading). */
gboolean rb_policy_takes(const RbPolicyStatement *s, const char *action);

#endif
