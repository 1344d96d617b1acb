#ifndef RB_IAM_EVALUATE_H
#define RB_IAM_EVALUATE_H

#include "iam/policy.h"

/*
 * Whether policies allow a request (reference §8.4), and which statement decided. Pure, and safe to call from
 * several threads.
 */

/** RbRequestContext: condition keys of one request, without case, each with its values. */
typedef struct RbRequestContext RbRequestContext;
RbRequestContext *rb_request_context_new(void);
void rb_request_context_free(RbRequestContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbRequestContext, rb_request_context_free)

/** rb_request_context_add: one more value of @key. rb_request_context_add_empty: @key is there, without one.
 */
void rb_request_context_add(RbRequestContext *context, const char *key, const char *value);
void rb_request_context_add_empty(RbRequestContext *context, const char *key);
/** rb_request_context_get: (element-type utf8): NULL when it is absent. */
const GPtrArray *rb_request_context_get(const RbRequestContext *context, const char *key);
/** rb_request_context_keys: (element-type utf8) (transfer container): every key as it was first written,
 * sorted. */
GPtrArray *rb_request_context_keys(const RbRequestContext *context);

/** Who asks for what. Texts are borrowed. */
typedef struct {
    const char *principal;           /* ARN of the role or user; "" when nobody is signed in */
    const char *session;             /* ARN of the assumed-role session, or NULL */
    const char *federated;           /* provider ARN, for trust policies; or NULL */
    const char *service;             /* "ec2.amazonaws.com", or NULL */
    const char *principal_account;   /* 12 digits; NULL: read from @principal */
    const char *action;              /* "s3:GetObject" */
    const char *resource;            /* ARN, or "*" where the action takes none */
    const char *resource_account;    /* NULL: read from @resource, else the principal's */
    const RbRequestContext *context; /* NULL: no key is there */
} RbRequest;

typedef struct {
    const RbPolicy *const *at;
    guint n;
} RbPolicies;

/** Every policy that has a say; what is NULL or empty is not there. */
typedef struct {
    RbPolicies identity;
    RbPolicies session, boundary;      /* each: one of them must allow, once there is any */
    const RbPolicies *service_control; /* one entry a level of the organisation, each must allow */
    guint n_service_control;
    RbPolicies
        resource_control;     /* only their Denies count: AWS's own RCPFullAWSAccess is always beside them */
    const RbPolicy *resource; /* the resource's own: bucket, key or trust policy */
} RbPolicySets;

typedef enum { RB_OUTCOME_ALLOWED, RB_OUTCOME_DENIED, RB_OUTCOME_NOT_ALLOWED } RbVerdictOutcome;

typedef struct {
    RbVerdictOutcome outcome;           /* DENIED: by an explicit Deny; NOT_ALLOWED: no Allow */
    RbPolicyKind kind;                  /* whose word it was; NOT_ALLOWED: what did not allow it */
    const RbPolicy *policy;             /* that decided; NULL for NOT_ALLOWED */
    const RbPolicyStatement *statement; /* of it */
    /* NOT_ALLOWED: the Allow that came nearest, one of whose conditions did not hold; or NULL */
    const RbPolicyStatement *near;
    const RbPolicyCondition *missed;
} RbVerdict;

/**
 * rb_evaluate: never fails. @verdict's pointers live as long as the policies.
 *
 * An explicit Deny anywhere; service control policies; then, in the same account, an Allow of the resource's
 * policy that names the session, the user or everybody is final, one that names the role is cut by boundary
 * and session policy, one that names the account leaves it to the identity policies. Across accounts both
 * sides must allow. Trust and KMS key policies must allow in any case. Somebody without an account
 * (@federated, @service, or nobody) has the resource's policy alone. Short ARNs and wildcards in a service's
 * name are read widely in an Allow and narrowly in a Deny.
 */
void rb_evaluate(const RbPolicySets *sets, const RbRequest *request, RbVerdict *verdict);

/** rb_statement_applies: principal, action, resource and conditions of @statement hold for @request. */
gboolean rb_statement_applies(const RbPolicy *policy, const RbPolicyStatement *statement,
                              const RbRequest *request);

/** rb_condition_holds: one condition; @version of the policy says whether ${…} are variables. */
gboolean rb_condition_holds(const RbPolicyCondition *condition, const char *version,
                            const RbRequestContext *context);

#endif
