#ifndef TESTS_UNIT_IAM_POLICIES_H
#define TESTS_UNIT_IAM_POLICIES_H

#include "iam/evaluate.h"

/** policy_of: (transfer full): of JSON written with ' for "; a document that is refused fails the test. */
RbPolicy *policy_of(RbPolicyKind kind, const char *file, const char *text);

/** context_of: "key=value|key=other|empty": (transfer full). */
RbRequestContext *context_of(const char *text);

#endif
