#ifndef RB_DEPLOY_PRIV_H
#define RB_DEPLOY_PRIV_H

#include "deploy/deploy.h"

void rb_step_free(gpointer step);

/** Inline policies that a revocation of sessions leaves in a role (reference §9.3): never drift. */
#define RB_REVOCATION "AWSRevokeOlderSessions"

#endif
