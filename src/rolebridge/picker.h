#ifndef RB_ROLEBRIDGE_PICKER_H
#define RB_ROLEBRIDGE_PICKER_H

#include "rolebridge/role.h"

/**
 * rb_picker_choose: lets the person type to filter and pick one of @roles, recent ones first, on the
 * terminal. Where there is none to ask, or nothing was picked, a refusal says what to type instead. Returns:
 * (transfer none): a role of @roles, or NULL with @error
 */
const RbRole *rb_picker_choose(RbCli *cli, const RbRoles *roles, GError **error);

/** rb_picker_remember: puts the pair first among the recent ones (at most 20 are kept). Best effort. */
void rb_picker_remember(const RbCli *cli, const char *account, const char *role);

/** rb_picker_recent: (transfer full): "ACCOUNT.ROLE" of the recent ones, newest first. */
GStrv rb_picker_recent(const RbCli *cli);

#endif
