#ifndef RB_ACCESS_ACCESS_H
#define RB_ACCESS_ACCESS_H

#include "base/clock.h"
#include "base/secret.h"
#include "issue/issue.h"
#include "mapping/mapping.h"
#include "store/store.h"
#include "verify/verify.h"

#include <glib.h>
#include <jansson.h>

/*
 * The one place where verify, decide, record, issue, record meet, in their order. serve/ turns HTTP into
 * these calls and their values into HTTP; it decides nothing. Every call may block (store, STS) and is
 * thread-safe.
 */
typedef struct RbAccess RbAccess;

typedef struct {
    RbStore *store; /* borrowed, all of them */
    RbProviders *providers;
    RbIssuer *issuer;
    const char *mappings_dir;
    const char *public_url;
    gint64 session_s; /* longest life of a sign-in */
    gint64 idle_s;    /* and of a browser's without use; 0: not limited */
    gint64 token_s;   /* longest life of a client's access token; 0: as long as the sign-in */
    RbClock clock;
} RbAccessSetting;

/** rb_access_new: loads the mapping; a bad one is reported in @problems and there is no service. */
RbAccess *rb_access_new(const RbAccessSetting *setting, RbDiagnostics *problems, GError **error);
void rb_access_free(RbAccess *access);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbAccess, rb_access_free)

/**
 * rb_access_reload: loads mappings/ again and swaps the snapshot; a bad one is refused, audited and logged,
 * the old one stays. Unchanged bytes are no swap. Returns: TRUE when the snapshot on duty is the one on disk
 */
gboolean rb_access_reload(RbAccess *access, RbDiagnostics *problems, GError **error);
/** rb_access_tend: what is due in the background: refresh of keys and own credentials, sweeping. Returns:
 * seconds until due again. */
gint64 rb_access_tend(RbAccess *access);

/** rb_access_hurry: everything is due at the next rb_access_tend (after a signal to reload). */
void rb_access_hurry(RbAccess *access);

/** Who is asking: made by serve/ for each request. */
typedef struct {
    const char *
        incident; /* "7KQ2-M3XF": random, shown to the person on a refusal, in every record of this request */
    const char *source_ip;  /* textual; the client's, trusted proxies seen through */
    const char *user_agent; /* NULL: not said */
    gint64 now;
} RbVisit;

/** rb_access_visit: stamps @visit with now and a fresh incident id in @incident. */
void rb_access_visit(RbAccess *access, RbVisit *visit, char incident[16]);

/** rb_access_refused: audits and logs (once) that this request ended with @error. Every refusal that serve/
 * answers goes here unless access/ made it itself; calling it twice for one visit is harmless. */
void rb_access_refused(RbAccess *access, const RbVisit *visit, const char *what, const GError *error);

RbProviders *rb_access_providers(RbAccess *access); /* borrowed */
RbIssuer *rb_access_issuer(RbAccess *access);       /* borrowed */
const char *rb_access_public_url(RbAccess *access);

/* ---- signing in and out in a browser ---- */

typedef struct {
    char *url;         /* redirect there */
    RbSecret *browser; /* cookie that binds the sign-in to this browser */
} RbBegun;
void rb_begun_free(RbBegun *begun);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBegun, rb_begun_free)

/** rb_access_begin: @browser: the sign-in cookie as sent, which then stays (two tabs may sign in at once);
 * NULL: none yet. @session: a session cookie as sent; that session ends when the sign-in is finished. @next:
 * a path on this site ("/…"), anything else refuses; NULL: "/". @mfa: a second factor is asked for. */
RbBegun *rb_access_begin(RbAccess *access, const RbVisit *visit, const char *provider, const char *browser,
                         const char *session, const char *next, gboolean mfa, GError **error);

typedef struct {
    RbSecret *session; /* new session cookie */
    gint64 expires_at;
    char *next; /* a path on this site */
} RbSignedIn;
void rb_signed_in_free(RbSignedIn *signed_in);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSignedIn, rb_signed_in_free)

/** rb_access_finish: the IdP's answer. @browser: the sign-in cookie as sent (NULL: none). @old_session: a
 * session cookie as sent, which browsers do only where the IdP is of our site; that session ends. The replay
 * mark, the session and the audit record are one commit, durable before this returns. */
RbSignedIn *rb_access_finish(RbAccess *access, const RbVisit *visit, const char *provider,
                             const RbInbound *inbound, const char *browser, const char *old_session,
                             GError **error);

typedef struct {
    RbIdentity *identity;
    char *key;    /* handle: names the session, reveals nothing */
    char *family; /* names the sign-in that this session and others came from */
    char *client; /* NULL: the portal; else the client's name */
    char *csrf;   /* for forms of this session */
    gint64 created_at, expires_at;
} RbSession;
void rb_session_free(RbSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSession, rb_session_free)

/** rb_access_session: the session of a cookie or of an SSO bearer token, as sent; NULL: session.missing or
 * session.expired. */
RbSession *rb_access_session(RbAccess *access, const RbVisit *visit, const char *token, GError **error);

/** rb_access_decide: what this session may do now. Pure but for the snapshot; not audited (credentials are).
 */
RbDecision *rb_access_decide(RbAccess *access, const RbVisit *visit, const RbSession *session);

/** rb_access_sign_out: ends the session and every session it begot. Returns: TRUE; @idp_url: (out) (transfer
 * full): where to send the browser to end it at the IdP too, or NULL. */
gboolean rb_access_sign_out(RbAccess *access, const RbVisit *visit, const RbSession *session, char **idp_url,
                            GError **error);

/** rb_access_logout_message: a SAML logout message or an OIDC logout token arrived, or a browser is back from
 * an OIDC issuer's end of session. Returns: (transfer full): where to redirect the browser; "": nowhere, the
 * issuer itself asked. */
char *rb_access_logout_message(RbAccess *access, const RbVisit *visit, const char *provider,
                               const RbInbound *inbound, GError **error);

/* ---- credentials ---- */

/** rb_access_credentials: decides again, records, issues, records; @account: id or name; @asked_s: 0 for the
 * role's default. */
RbCredentials *rb_access_credentials(RbAccess *access, const RbVisit *visit, const RbSession *session,
                                     const char *account, const char *role, gint64 asked_s, GError **error);

/** rb_access_console: the same, then the way into the console; where that is an assertion, it is the lease.
 */
RbConsole *rb_access_console(RbAccess *access, const RbVisit *visit, const RbSession *session,
                             const char *account, const char *role, const char *destination, GError **error);

/* ---- credentials for a proof of somebody else's, with no sign-in: the STS protocol (reference §1) ---- */

typedef struct {
    const char *role_arn;
    gint64 duration_s;         /* 0: the role's default */
    const char *token;         /* a workload's token, or NULL and … */
    const char *assertion;     /* … a SAML Response in base64, … */
    const char *principal_arn; /* … with the account's SAML provider, as the client names it */
} RbAssumeAsk;

typedef struct {
    RbCredentials *credentials;
    char *subject, *issuer, *audience;   /* of the proof; @audience as it names us */
    char *subject_type, *name_qualifier; /* of an assertion, as STS answers them; else NULL */
} RbAssumed;
void rb_assumed_free(RbAssumed *assumed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbAssumed, rb_assumed_free)

/**
 * rb_access_assume: verifies the proof, decides, records, issues, records. The role is the one that @ask
 * names by its ARN; the session's name is the identity's. A workload's token may be used again until it
 * expires (SDKs read their token file again), an assertion once. Returns: (transfer full): or NULL with
 * query.invalid, jwt.*, saml.*, identity.*, mapping.*, sts.*, request.too_many or a fault
 */
RbAssumed *rb_access_assume(RbAccess *access, const RbVisit *visit, const RbAssumeAsk *ask, GError **error);

/* ---- clients: the sso-oidc protocol (reference §5) ---- */

typedef struct {
    char *id;
    RbSecret *secret; /* NULL when looked up */
    char *name;
    GStrv redirect_uris;
    gint64 issued_at, expires_at;
} RbClient;
void rb_client_free(RbClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbClient, rb_client_free)

RbClient *rb_access_register(RbAccess *access, const RbVisit *visit, const char *name,
                             const char *const *redirect_uris, const char *const *scopes, GError **error);

typedef struct {
    RbSecret *device_code;
    char *user_code; /* XXXX-XXXX */
    gint64 expires_in_s, interval_s;
} RbDevice;
void rb_device_free(RbDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbDevice, rb_device_free)
RbDevice *rb_access_device_start(RbAccess *access, const RbVisit *visit, const char *client_id,
                                 const char *client_secret, const char *start_url, GError **error);

/** Who asks, for the page that must be clicked. */
typedef struct {
    char *user_code, *client, *source_ip;
    gint64 started_at, expires_at;
} RbDeviceAsk;
void rb_device_ask_free(RbDeviceAsk *ask);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbDeviceAsk, rb_device_ask_free)
RbDeviceAsk *rb_access_device_ask(RbAccess *access, const RbVisit *visit, const char *user_code,
                                  GError **error);
gboolean rb_access_device_answer(RbAccess *access, const RbVisit *visit, const RbSession *session,
                                 const char *user_code, gboolean allow, GError **error);

/** rb_access_authorize_check: the client and its redirect URI, before anybody signs in: a wrong URI is never
 * redirected to. @code_challenge: of method S256, the only one; @scopes: space-separated; NULL: the default.
 */
RbClient *rb_access_authorize_check(RbAccess *access, const RbVisit *visit, const char *client_id,
                                    const char *redirect_uri, const char *code_challenge, const char *scopes,
                                    GError **error);
/** rb_access_authorize: the person clicked "allow": a one-use code of a minute's life. */
RbSecret *rb_access_authorize(RbAccess *access, const RbVisit *visit, const RbSession *session,
                              const char *client_id, const char *redirect_uri, const char *code_challenge,
                              const char *scopes, GError **error);

typedef struct {
    RbSecret *access_token;
    RbSecret *refresh_token;
    gint64 expires_in_s;
} RbTokens;
void rb_tokens_free(RbTokens *tokens);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbTokens, rb_tokens_free)

typedef struct {
    const char *grant_type, *client_id, *client_secret;
    const char *device_code;                         /* device */
    const char *code, *redirect_uri, *code_verifier; /* authorization code */
    const char *refresh_token; /* refresh: rotated; the previous one stays good for a minute */
} RbTokenAsk;
RbTokens *rb_access_token(RbAccess *access, const RbVisit *visit, const RbTokenAsk *ask, GError **error);

/* ---- operations ---- */

/** rb_access_ready: whether sign-ins and credentials would work now; (transfer full) details for /readyz, no
 * secrets. */
gboolean rb_access_ready(RbAccess *access, json_t **details);
typedef struct {
    guint64 sign_ins, refusals, decisions, leases, faults, reloads, reloads_refused;
} RbAccessCounts;
RbAccessCounts rb_access_counts(RbAccess *access);

#endif
