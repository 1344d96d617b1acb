#ifndef RB_DEPLOY_PRIV_H
#define RB_DEPLOY_PRIV_H

#include "deploy/deploy.h"

void rb_step_free(gpointer step);

/** rb_deploy_add_roles: RoleDetailList of GetAccountAuthorizationDetails into @state; what is not of @account
 * is a fault. */
gboolean rb_deploy_add_roles(json_t *state, const json_t *list, const char *account, GError **error);

/** rb_deploy_access: (transfer full) (element-type RbDeployAccess): of what @plan does in @state. Pure. */
GPtrArray *rb_deploy_access(const RbAccountPlan *plan, const json_t *state);

/** rb_deploy_parse: (transfer full): a document that an account has; NULL: it cannot be read. */
RbPolicy *rb_deploy_parse(RbPolicyKind kind, const char *text);

/** Inline policies that a revocation of sessions leaves in a role (reference §9.3): never drift. */
#define RB_REVOCATION "AWSRevokeOlderSessions"

#endif
