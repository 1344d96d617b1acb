#ifndef TESTS_SUPPORT_POLICY_CASE_H
#define TESTS_SUPPORT_POLICY_CASE_H

#include "iam/evaluate.h"

/*
 * A request with every policy that has a say, from one line of JSON as tests/interop/policies/cases.py writes
 * it: what another implementation is asked too.
 */
typedef struct RbPolicyCase RbPolicyCase;

/** policy_case_read: (transfer full): a line that is no case ends the program with a message. */
RbPolicyCase *policy_case_read(const char *line);
void policy_case_free(RbPolicyCase *pair);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbPolicyCase, policy_case_free)

const char *policy_case_id(const RbPolicyCase *pair);

/** policy_case_answer: "allowed", "denied" or "not allowed". */
const char *policy_case_answer(const RbPolicyCase *pair);

#endif
