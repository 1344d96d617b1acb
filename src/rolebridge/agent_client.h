#ifndef RB_ROLEBRIDGE_AGENT_CLIENT_H
#define RB_ROLEBRIDGE_AGENT_CLIENT_H

#include "rolebridge/lease.h"

/* Commands ask the agent of their session, where one runs. */

/**
 * rb_agent_lease: credentials from the agent. Returns: TRUE when it answered: @lease (transfer full) is set,
 * or @error says why not; FALSE when no agent answers for this bridge and session, and the caller asks by
 * itself
 */
gboolean rb_agent_lease(RbCli *cli, const char *account, const char *role, gint64 duration_s, gboolean fresh,
                        RbLease **lease, GError **error);

/** rb_agent_forget: has the agent drop its leases, if there is one. */
void rb_agent_forget(const RbCli *cli);

/** rb_agent_end: has the agent end. Returns: whether one was told */
gboolean rb_agent_end(const RbCli *cli);

/** rb_agent_status: (transfer full): what the agent says of itself; NULL: none runs. */
json_t *rb_agent_status(const RbCli *cli);

#endif
