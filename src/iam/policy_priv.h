#ifndef RB_IAM_POLICY_PRIV_H
#define RB_IAM_POLICY_PRIV_H

#include "iam/policy.h"

/* For the files policy*.c alone. */

/** rb_policy_new: (transfer full): an empty policy whose parts are allocated with the two functions below. */
RbPolicy *rb_policy_new(RbPolicyKind kind);
/** rb_policy_alloc: zeroed, as long as the policy lives. */
gpointer rb_policy_alloc(RbPolicy *policy, gsize n, gsize size);
const char *rb_policy_keep(RbPolicy *policy, const char *text);

/** rb_policy_operator: "ForAnyValue:StringNotLikeIfExists" into test, set, negated, if_exists. FALSE:
 * unknown;
 * @near (static, may be NULL) is the operator it looks like. */
gboolean rb_policy_operator(const char *text, RbPolicyCondition *condition, const char **near);

/** rb_policy_read_document: a document whose places and texts are known; the rest as rb_policy_parse(). */
RbPolicy *rb_policy_read_document(RbPolicyKind kind, const char *file, const RbYaml *root,
                                  RbDiagnostics *problems);

#endif
