#ifndef RB_DEPLOY_DEPLOY_H
#define RB_DEPLOY_DEPLOY_H

#include "compile/compile.h"
#include "deploy/client.h"

/*
 * Making an account's IAM what the mapping says. What carries the tag rolebridge=managed and stands under the
 * account's path is ours; nothing else is ever changed or removed, and a name that something else has taken
 * is a conflict, told and left alone.
 */

/** In the order in which they are done: first what others need, then what needs it; nothing is taken away
 * before what replaces it is there. */
typedef enum {
    RB_STEP_CREATE_PROVIDER,
    RB_STEP_UPDATE_PROVIDER,
    RB_STEP_CREATE_POLICY,
    RB_STEP_UPDATE_POLICY,
    RB_STEP_CREATE_ROLE,
    RB_STEP_UPDATE_ROLE, /* description, longest session */
    RB_STEP_ATTACH,
    RB_STEP_UPDATE_TRUST,
    RB_STEP_TAG,
    RB_STEP_UNTAG,
    RB_STEP_DETACH,
    RB_STEP_DELETE_INLINE,
    RB_STEP_DELETE_ROLE, /* its trust first: nobody comes in while the rest goes */
    RB_STEP_DELETE_POLICY,
    RB_STEP_DELETE_PROVIDER,
} RbStepKind;

typedef enum { RB_THING_PROVIDER, RB_THING_POLICY, RB_THING_ROLE } RbThing;

typedef struct {
    RbStepKind kind;
    RbThing thing;
    char *name, *arn;     /* of the role, policy or provider */
    char *detail;         /* what is attached, detached, deleted in it: an ARN or a name; or NULL */
    char *before, *after; /* documents as compact JSON, or texts; NULL: there is none */
    char *owner;          /* whom to ask, by the tag rolebridge:owner; or NULL */
    char *by;       /* who made or changed it, as tags that automation writes from CloudTrail say; or NULL */
    gint rank;      /* among steps of its kind: what only denies is there before what allows, and after */
    json_t *wanted; /* what apply sends besides: description, max_session_s, tags, … */
} RbStep;

/** What one account needs. */
typedef struct {
    const RbCompiledAccount *account;
    GPtrArray *steps;     /* RbStep, in order */
    GPtrArray *conflicts; /* texts: names that something not ours has taken; such an account is not begun */
    GPtrArray *notes;     /* texts: what is left alone and in nobody's way */
    GPtrArray *access;    /* RbDeployAccess, by role; roles whose access stays are left out */
} RbAccountPlan;

/** What a role may do after the plan and may not do before, and the other way round; in words, a text for
 * each statement: "may s3:GetObject on arn:aws:s3:::x, when …". Policies that are not of the account stand by
 * their names. */
typedef struct {
    char *role;
    GPtrArray *gained, *lost; /* texts, sorted */
} RbDeployAccess;

/** rb_deploy_state: (transfer full): the account as it is: {roles, policies, providers}; NULL with an error.
 */
json_t *rb_deploy_state(RbIam *iam, const RbCompiledAccount *want, GError **error);

/** rb_deploy_compare: (transfer full): what makes @state what @want says. Pure. */
RbAccountPlan *rb_deploy_compare(const RbCompiledAccount *want, const json_t *state);
void rb_account_plan_free(RbAccountPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbAccountPlan, rb_account_plan_free)

/** rb_step_digest: (transfer full): hex SHA-256 of all that @step says and @account. */
char *rb_step_digest(const RbStep *step, const char *account);

/** rb_step_text: (transfer full): one line: "create role data-scientist". rb_step_to_json: (transfer full) */
char *rb_step_text(const RbStep *step);
json_t *rb_step_to_json(const RbStep *step);

/** rb_step_run: does one step; done twice it does no harm, and what it needs no more is no error. */
gboolean rb_step_run(RbIam *iam, const RbStep *step, GError **error);

/** rb_deploy_is_ours: the tag of what is rolebridge's, among "tags" of @thing. */
gboolean rb_deploy_is_ours(const json_t *thing);

#endif
