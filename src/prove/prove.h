#ifndef RB_PROVE_PROVE_H
#define RB_PROVE_PROVE_H

#include "iam/evaluate.h"

/*
 * What is true of every request, not of samples. Each question becomes a formula that holds for exactly the
 * requests that would be a counterexample; when there are none, the answer is proved. A counterexample is
 * asked of rb_evaluate() again before it is told. What cannot be said in a formula is said by name, never
 * guessed. Pure, and safe to call from several threads.
 */

typedef enum {
    RB_PROVED,    /* for every request */
    RB_REFUTED,   /* there is a request, and rb_evaluate() says so too */
    RB_NOT_KNOWN, /* neither */
} RbProofVerdict;

/** What a role's sessions are judged by. Borrowed. */
typedef struct {
    RbPolicySets sets; /* identity, session, boundary, service control; others must not be there */
    const char *const
        *unknown; /* attached policies whose documents are not known, NULL-terminated; or NULL */
    const char *principal, *session, *account;
} RbProofRole;

typedef struct {
    guint timeout_ms;              /* for one question; 0: no limit */
    const RbRequestContext *facts; /* condition keys whose values are known; or NULL */
} RbProofLimits;

typedef struct {
    RbProofVerdict verdict;
    /* of a request: REFUTED; NOT_KNOWN with one that may be: NULL or the request */
    char *action, *resource;
    gboolean known_action; /* AWS has it today */
    RbRequestContext *context;
    GPtrArray *keys;                  /* (element-type utf8): of @context, sorted */
    GPtrArray *absent;                /* (element-type utf8): keys that must not be there, sorted */
    const RbPolicyStatement *allowed; /* the statement that allows it: lives as long as the policies */
    GPtrArray *reasons;               /* NOT_KNOWN: (element-type utf8): why, a line each */
} RbProof;

void rb_proof_free(RbProof *proof);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbProof, rb_proof_free)

/** rb_prove_never: no request for an action like @action on a resource like @on (an ARN pattern, or "*") is
 * allowed. Returns: (transfer full): NULL with RB_FAULT when the formula and rb_evaluate() disagree */
RbProof *rb_prove_never(const RbProofRole *role, const char *action, const char *on,
                        const RbProofLimits *limits, GError **error);

/** rb_prove_no_new_access: what @after allows, @before allows too. Returns: as rb_prove_never() */
RbProof *rb_prove_no_new_access(const RbProofRole *before, const RbProofRole *after,
                                const RbProofLimits *limits, GError **error);

/**
 * rb_prove_within: every resource on which something is allowed is in one of @accounts (NULL-terminated). An
 * ARN without an account (a bucket) is where aws:ResourceAccount says; a policy that does not ask is
 * NOT_KNOWN. Returns: as rb_prove_never()
 */
RbProof *rb_prove_within(const RbProofRole *role, const char *const *accounts, const RbProofLimits *limits,
                         GError **error);

#endif
