#ifndef RB_SANDBOX_POLICY_H
#define RB_SANDBOX_POLICY_H

#include <glib.h>
#include <jansson.h>

/*
 * Policy documents as AWS evaluates them (reference §8), written a second time and apart from iam/: the
 * sandbox judges what the bridge made, and a mistake shared by both would not be seen.
 */

/** RbBoxContext: condition keys of one request, in any case, each with its values. */
typedef struct RbBoxContext RbBoxContext;

RbBoxContext *rb_box_context_new(void);
void rb_box_context_free(RbBoxContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxContext, rb_box_context_free)

/** rb_box_context_add: one more value of @key; a NULL @value is left out. */
void rb_box_context_add(RbBoxContext *context, const char *key, const char *value);

/** rb_box_context_get: the values of @key; NULL when it is absent. */
const GPtrArray *rb_box_context_get(const RbBoxContext *context, const char *key);

/** RbBoxCondition: one operator applied to one key. */
typedef struct RbBoxCondition RbBoxCondition;

/**
 * rb_box_condition_parse: @operator as in a policy ("ForAnyValue:StringLikeIfExists"), @values a string,
 * number, boolean or a list of these. Returns: (transfer full): the condition, or NULL with @problem set to a
 * static text
 */
RbBoxCondition *rb_box_condition_parse(const char *operator_name, const char *key, const json_t *values,
                                       const char **problem);
void rb_box_condition_free(RbBoxCondition *condition);

/** rb_box_condition_holds: reference §8.3; @why names the condition when it does not. */
gboolean rb_box_condition_holds(const RbBoxCondition *condition, const RbBoxContext *context, char **why);

/** rb_box_glob: whether @text matches @pattern with '*' and '?'; a byte 0x01 makes the next one literal. */
gboolean rb_box_glob(const char *pattern, const char *text, gboolean fold_case);

/** rb_box_arn_like: the six fields of an ARN one by one, each with '*' and '?'. */
gboolean rb_box_arn_like(const char *pattern, const char *arn);

typedef enum {
    RB_BOX_TRUST,    /* a role's trust policy: principals, no resources */
    RB_BOX_IDENTITY, /* of a role, or of a session: resources, no principals */
} RbBoxPolicyKind;

typedef struct RbBoxPolicy RbBoxPolicy;

/** rb_box_policy_parse: Returns: (transfer full): the policy, or NULL with @problem (transfer full) in words.
 */
RbBoxPolicy *rb_box_policy_parse(const char *json, RbBoxPolicyKind kind, char **problem);
void rb_box_policy_free(RbBoxPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxPolicy, rb_box_policy_free)

/** Who asks: every name by which a trust policy may mean this caller. */
typedef struct {
    const char *account;
    const char *partition;
    const char *session_arn; /* or a user's ARN */
    const char *role_arn;    /* NULL for a user */
    const char *federated;   /* an identity provider's ARN, and all else NULL: somebody whom it vouches for */
} RbBoxAsker;

typedef enum {
    RB_BOX_SILENT,      /* nothing said: denied */
    RB_BOX_DENIED,      /* an explicit deny */
    RB_BOX_ALLOWED,     /* by the account's name or '*': the caller's own policies must allow too */
    RB_BOX_ALLOWED_HIM, /* by the caller's own ARN */
} RbBoxVerdict;

/**
 * rb_box_policy_judge: what @policy says of @action (and @resource, for an identity policy).
 * @why: (out) (optional): the condition or element that stood against it, for the log
 */
RbBoxVerdict rb_box_policy_judge(const RbBoxPolicy *policy, const RbBoxAsker *asker, const char *action,
                                 const char *resource, const RbBoxContext *context, char **why);

#endif
