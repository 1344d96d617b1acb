#ifndef RB_ROLEBRIDGE_ROLE_H
#define RB_ROLEBRIDGE_ROLE_H

#include "rolebridge/cli.h"

/** A role that the person signed in may take now, as the bridge lists it. Text is from outside: print it by
 * rb_cli_print(). */
typedef struct {
    char *account, *account_name, *role;
    char *title, *purpose, *environment; /* "" when not said */
    gint64 default_session_s, max_session_s;
    json_t *reasons;
} RbRole;

/** Roles and near misses, as the bridge answered. */
typedef struct {
    GPtrArray *roles; /* RbRole, sorted by account name, then role */
    json_t *answer;   /* the whole answer: grants, refusals */
} RbRoles;
void rb_roles_free(RbRoles *roles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbRoles, rb_roles_free)

/** rb_roles_fetch: (transfer full): asks the bridge. */
RbRoles *rb_roles_fetch(RbCli *cli, GError **error);

/** rb_roles_known: (transfer full): "ACCOUNT.ROLE" of each role in the last answer of the bridge. No network.
 */
GStrv rb_roles_known(const RbCli *cli);

/**
 * rb_role_split: "ACCOUNT.ROLE" or "ACCOUNT:ROLE", account by name or id. FALSE when @spec has no such form.
 */
gboolean rb_role_split(const char *spec, char **account, char **role);

/**
 * rb_role_choose: the account and role of @spec; without one the person picks (recent ones first), if there
 * is one to ask. The choice is remembered as recent.
 */
gboolean rb_role_choose(RbCli *cli, const char *spec, char **account, char **role, GError **error);

#endif
