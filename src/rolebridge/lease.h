#ifndef RB_ROLEBRIDGE_LEASE_H
#define RB_ROLEBRIDGE_LEASE_H

#include "rolebridge/cli.h"

/** Temporary credentials of one role, as cached or just issued. */
typedef struct {
    char *account, *role;   /* as asked for: account name or id */
    char *account_id;       /* 12 digits; NULL when not known */
    char *assumed_role_arn; /* NULL when not known */
    char *access_key_id;
    RbSecret *secret_access_key, *session_token;
    gint64 expiration; /* UTC seconds */
    gint64 issued_at;
} RbLease;
void rb_lease_free(RbLease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbLease, rb_lease_free)

/** rb_lease_copy: (transfer full): the secrets are shared, not copied. */
RbLease *rb_lease_copy(const RbLease *lease);

/**
 * rb_lease_from_json: (transfer full): from {accessKeyId, secretAccessKey, sessionToken, expiration in ms,
 * issuedAt?, assumedRoleArn?, accountId?}; NULL when it is not credentials in AWS's alphabet.
 */
RbLease *rb_lease_from_json(const json_t *json, const char *account, const char *role);
/** rb_lease_to_json: (transfer full): the same form; a secret. */
json_t *rb_lease_to_json(const RbLease *lease);

/** rb_lease_renew_at: when a quarter of its life is left, or a quarter of an hour if that is later. */
gint64 rb_lease_renew_at(const RbLease *lease);
/** rb_lease_is_usable: good for another minute at least. */
gboolean rb_lease_is_usable(const RbLease *lease, gint64 now);

/** rb_lease_issue: (transfer full): new ones from the bridge, kept nowhere. */
RbLease *rb_lease_issue(RbCli *cli, const char *account, const char *role, gint64 duration_s, GError **error);

/**
 * rb_lease_get: from the agent where one runs; else cached credentials that are good for a while yet, or new
 * ones from the bridge. @duration_s: 0 for the role's default. Any number of parallel calls for one role cost
 * one issue. @fresh: never from the cache. Returns: (transfer full): the credentials, or NULL with @error
 */
RbLease *rb_lease_get(RbCli *cli, const char *account, const char *role, gint64 duration_s, gboolean fresh,
                      GError **error);

/** rb_lease_forget_all: removes every cached credential of this session, the agent's too. */
gboolean rb_lease_forget_all(const RbCli *cli, GError **error);

#endif
