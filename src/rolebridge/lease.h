#ifndef RB_ROLEBRIDGE_LEASE_H
#define RB_ROLEBRIDGE_LEASE_H

#include "rolebridge/cli.h"

/** Temporary credentials of one role, as cached or just issued. */
typedef struct {
    char *account, *role; /* as asked for: account name or id */
    char *account_id;     /* 12 digits; NULL when not known */
    char *access_key_id;
    RbSecret *secret_access_key, *session_token;
    gint64 expiration; /* UTC seconds */
} RbLease;
void rb_lease_free(RbLease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbLease, rb_lease_free)

/**
 * rb_lease_get: cached credentials that are good for a while yet, or new ones from the bridge. @duration_s: 0
 * for the role's default. Any number of parallel calls for one role cost one issue. @fresh: never from the
 * cache. Returns: (transfer full): the credentials, or NULL with @error
 */
RbLease *rb_lease_get(RbCli *cli, const char *account, const char *role, gint64 duration_s, gboolean fresh,
                      GError **error);

/** rb_lease_forget_all: removes every cached credential of this session. */
gboolean rb_lease_forget_all(const RbCli *cli, GError **error);

#endif
