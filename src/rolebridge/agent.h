#ifndef RB_ROLEBRIDGE_AGENT_H
#define RB_ROLEBRIDGE_AGENT_H

#include "rolebridge/cli.h"

/**
 * RbAgent: holds one session's leases in memory for all of a person's processes, and keeps the sign-in and
 * the leases in use fresh. It ends with the sign-in.
 */
typedef struct RbAgent RbAgent;

/**
 * rb_agent_new: takes the socket that systemd handed over, or makes its own: in a folder that nobody else can
 * enter, one agent a session. @cli is borrowed. Returns: (transfer full): or NULL with @error: another one
 * runs, or there is no place
 */
RbAgent *rb_agent_new(RbCli *cli, GError **error);
/** rb_agent_free: wipes what it held; takes its socket away, unless that is systemd's. */
void rb_agent_free(RbAgent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbAgent, rb_agent_free)

/** rb_agent_socket: where it listens. */
const char *rb_agent_socket(const RbAgent *agent);
/** rb_agent_handed_over: whether the socket is systemd's, which starts the agent again when somebody asks. */
gboolean rb_agent_handed_over(const RbAgent *agent);

/**
 * rb_agent_run: answers until @stop (a descriptor) can be read, it is told to end, or the sign-in has ended.
 * Returns: RB_EXIT_OK; RB_EXIT_SIGN_IN when it was the sign-in
 */
int rb_agent_run(RbAgent *agent, int stop);

#endif
