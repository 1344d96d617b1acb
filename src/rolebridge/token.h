#ifndef RB_ROLEBRIDGE_TOKEN_H
#define RB_ROLEBRIDGE_TOKEN_H

#include "rolebridge/cli.h"

/*
 * The sign-in as cached: the standard SSO token file of the AWS SDKs, ~/.aws/sso/cache/SHA1(session).json,
 * mode 0600 (reference: AWS SDKs and Tools guide, "IAM Identity Center credential provider"). SDKs read and
 * refresh the same file; members that we do not know are kept.
 */
typedef struct {
    RbSecret *access_token;
    RbSecret *refresh_token; /* NULL: none */
    char *client_id;
    RbSecret *client_secret;
    gint64 issued_at; /* 0: not known */
    gint64 expires_at, registration_expires_at;
    json_t *rest; /* unknown members */
} RbToken;
void rb_token_free(RbToken *token);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbToken, rb_token_free)

/** rb_token_path: (transfer full): where the token of this session is cached. */
char *rb_token_path(const RbCli *cli);
/**
 * rb_token_load: session.missing when there is none, or one of another bridge: a token is shown to nobody but
 * who gave it out. An expired one is returned all the same.
 */
RbToken *rb_token_load(const RbCli *cli, GError **error);
gboolean rb_token_save(const RbCli *cli, const RbToken *token, GError **error);
gboolean rb_token_forget(const RbCli *cli, GError **error);

/**
 * rb_token_fresh: a token that is good for another minute at least: the cached one, or refreshed under a
 * lock, so that any number of parallel calls cost one refresh. Returns: (transfer full): the token, or NULL
 * with session.missing, session.expired (sign in again) or a fault
 */
RbToken *rb_token_fresh(RbCli *cli, GError **error);
/** rb_token_renewed: the same, renewed @sooner_s earlier than other callers would renew it. */
RbToken *rb_token_renewed(RbCli *cli, gint64 sooner_s, GError **error);

#endif
