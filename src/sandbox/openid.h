#ifndef RB_SANDBOX_OPENID_H
#define RB_SANDBOX_OPENID_H

#include "base/secret.h"
#include "sandbox/http.h"
#include "sandbox/token_sign.h"

/* The corporation's OpenID Connect provider, for the same people as its SAML one, and its CI. */

/** A client that may sign people in. */
typedef struct {
    char *id;
    RbSecret *secret;
    GStrv redirect_uris, logout_uris;
    char *algorithm;   /* of ID tokens: "RS256" or "ES256" */
    char *backchannel; /* where it hears of logouts; NULL: not */
} RbBoxClient;

void rb_box_client_free(RbBoxClient *client);

typedef struct {
    char *issuer;             /* PUBLIC_URL/idp/oidc */
    const GPtrArray *clients; /* RbBoxClient; borrowed */
    RbBoxTokenKey *keys[2];   /* RSA and EC; either may be NULL */
} RbBoxOpenid;

/* ---- CI ---- */

typedef struct {
    char *issuer; /* PUBLIC_URL/ci */
    RbBoxTokenKey *key;
} RbBoxCi;

/** What a job's token says. */
typedef struct {
    const char *repository, *ref, *audience; /* NULL: acme/data-pipeline, refs/heads/main, rolebridge */
    const char *environment;                 /* NULL: none */
} RbBoxJob;

/** rb_box_ci_token: (transfer full): a job's token, good for five minutes. */
char *rb_box_ci_token(const RbBoxCi *ci, const RbBoxJob *job, gint64 now);

/** rb_box_ci_answer: below /ci/: discovery, keys, tokens. Returns: FALSE when there is nothing there. */
gboolean rb_box_ci_answer(const RbBoxCi *ci, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer);

#endif
