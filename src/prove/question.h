#ifndef RB_PROVE_QUESTION_H
#define RB_PROVE_QUESTION_H

#include "prove/priv.h"

/* What the questions of prove.h have in common: a formula, a goal, and how a request is asked again. */

typedef struct RbQuestion RbQuestion;
struct RbQuestion {
    /* the statement that allows it; NULL: this request is no counterexample */
    const RbPolicyStatement *(*confirm)(const RbQuestion *question, const RbFoundRequest *found);
    const RbProofRole *role, *before;
    gboolean loose; /* requests are changed after the formula: one that is not confirmed is no fault */
};

RbProof *rb_proof_new(RbProofVerdict verdict);
/** rb_proof_add_reason: @reason: (transfer full); one that is there is not added again. */
void rb_proof_add_reason(RbProof *proof, char *reason);

/** rb_proof_role_allows: the statement by which rb_evaluate() allows it, or NULL. */
const RbPolicyStatement *rb_proof_role_allows(const RbProofRole *role, const RbFoundRequest *found);

/** rb_question_ask: closes the formula and looks for a request that makes @goal true. */
RbProof *rb_question_ask(const RbQuestion *question, RbFormula *formula, Z3_ast goal,
                         const RbProofLimits *limits, GError **error);

#endif
