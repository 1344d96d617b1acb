#ifndef RB_PROVE_SUBJECT_H
#define RB_PROVE_SUBJECT_H

#include "compile/compile.h"
#include "prove/prove.h"

/** RbProofSubject: a business role in an account, as prove.h asks about it: its task policies, the documents
 * of other policies that managed/ has, its session policy. */
typedef struct RbProofSubject RbProofSubject;

/** rb_proof_subject_new: (transfer full): the snapshot and what was compiled of it must outlive it. */
RbProofSubject *rb_proof_subject_new(const RbSnapshot *snapshot, const RbCompiledAccount *account,
                                     const RbCompiledRole *role);
void rb_proof_subject_free(RbProofSubject *subject);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbProofSubject, rb_proof_subject_free)

const RbProofRole *rb_proof_subject_role(const RbProofSubject *subject);
/** rb_proof_subject_facts: what is known of every request: aws:PrincipalArn, …Account, …Type. */
const RbRequestContext *rb_proof_subject_facts(const RbProofSubject *subject);
/** rb_proof_subject_text: equal for subjects that are allowed the same, but for what facts tell apart. */
const char *rb_proof_subject_text(RbProofSubject *subject);
/** rb_proof_subject_is_local: facts may tell it apart from a subject with the same text. */
gboolean rb_proof_subject_is_local(RbProofSubject *subject);

/** rb_proof_subject_no_new_access: rb_prove_no_new_access() of a role as it was (NULL: it was not there) and
 * as it is. */
RbProof *rb_proof_subject_no_new_access(RbProofSubject *before, RbProofSubject *after, guint timeout_ms,
                                        GError **error);

#endif
