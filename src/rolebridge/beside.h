#ifndef RB_ROLEBRIDGE_BESIDE_H
#define RB_ROLEBRIDGE_BESIDE_H

#include "rolebridge/cli.h"

/** rb_beside_signals: a descriptor with the signals that rb_beside_run() waits for; before there are threads,
 * which must not take them. -1 with @error. */
int rb_beside_signals(GError **error);

/**
 * rb_beside_run: runs @command with @environment as a child, and waits for it: what this process is told by
 * @signals is passed on. Returns: its exit code; 128 + the signal that ended it; 126, 127 when it cannot be
 * run
 */
int rb_beside_run(char **command, char **environment, int signals);

/**
 * rb_beside_check_default: SDKs ask servers last: refuses when [default] of a file that they read first would
 * give them other credentials.
 */
gboolean rb_beside_check_default(const RbCli *cli, GError **error);

#endif
