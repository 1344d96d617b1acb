#ifndef RB_ISSUE_ISSUE_H
#define RB_ISSUE_ISSUE_H

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/secret.h"
#include "base/yaml.h"
#include "identity/identity.h"
#include "issue/keys.h"
#include "mapping/grant.h"
#include "net/net.h"

#include <glib.h>
#include <jansson.h>

/* grant → temporary credentials, by the account's issuer method; and the way into the console. */

typedef struct {
    gatomicrefcount refs;
    char *access_key_id;
    RbSecret *secret_access_key;
    RbSecret *session_token;
    gint64 expiration;     /* UTC seconds */
    char *assumed_role_id; /* AROA…:name */
    char *assumed_role_arn;
    char *source_identity;
    char *request_id;        /* of STS */
    gint packed_policy_size; /* percent; -1: not said */
} RbCredentials;
RbCredentials *rb_credentials_ref(RbCredentials *credentials);
void rb_credentials_unref(RbCredentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbCredentials, rb_credentials_unref)

/** The service's way to AWS: endpoints, its own credentials (standard chain, refreshed ahead of expiry),
 * retry rules. */
typedef struct RbIssuer RbIssuer;

/** What an issuer is made of. All borrowed while rb_issuer_new() runs; @http for the issuer's life. */
typedef struct {
    const RbYaml *aws;      /* `aws` of rolebridge.yaml (region, sts_endpoint, profile…), or NULL */
    const RbYaml *issuer;   /* `issuer`, or NULL: no account trusts rolebridge itself */
    const char *public_url; /* the portal, and the default of issuer.url; may be NULL without `issuer` */
    const char *base_dir;   /* relative file names start here; may be NULL without `issuer` */
    RbSecret *(*secret)(const RbYaml *node, const char *base_dir, RbDiagnostics *problems);
    RbHttp *http; /* may be NULL for a check of the configuration */
    RbClock clock;
} RbIssuerSetting;

/** rb_issuer_new: reports mistakes, those of the signing keys' directory too; no network. */
RbIssuer *rb_issuer_new(const RbIssuerSetting *setting, RbDiagnostics *problems);
void rb_issuer_free(RbIssuer *issuer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbIssuer, rb_issuer_free)

/** rb_issuer_read_keys, rb_issuer_read_url, rb_issuer_read_audience: only these of `issuer`, which must be a
 * map: for whoever keeps the directory, whatever is in it. (transfer full) */
gboolean rb_issuer_read_keys(const RbIssuerSetting *setting, RbSigningKeysSetting *keys,
                             RbDiagnostics *problems);
char *rb_issuer_read_url(const RbIssuerSetting *setting, RbDiagnostics *problems);
char *rb_issuer_read_audience(const RbIssuerSetting *setting, RbDiagnostics *problems);

/** rb_issuer_url: `iss` of tokens; NULL without `issuer`. */
const char *rb_issuer_url(const RbIssuer *issuer);
/** rb_issuer_audience: `aud` of tokens; rb_issuer_entity_id: Issuer of assertions; NULL without `issuer`. */
const char *rb_issuer_audience(const RbIssuer *issuer);
const char *rb_issuer_entity_id(const RbIssuer *issuer);
/** rb_issuer_keys: (transfer none): what it signs with; NULL without `issuer`. */
RbSigningKeys *rb_issuer_keys(const RbIssuer *issuer);

/** rb_issuer_jwks, rb_issuer_discovery: (transfer full): what AWS fetches to verify tokens; NULL without
 * `issuer`. */
json_t *rb_issuer_jwks(RbIssuer *issuer, gint64 now);
json_t *rb_issuer_discovery(const RbIssuer *issuer);
/** rb_issuer_metadata: (transfer full): SAML metadata of rolebridge as an identity provider, with every
 * published assertion key; NULL with request.not_found (no `issuer`) or fault.keys (no key). */
char *rb_issuer_metadata(RbIssuer *issuer, gint64 now, GError **error);
/** rb_issuer_keys_status: (transfer full): which keys sign, which come next, when; NULL without `issuer`. */
json_t *rb_issuer_keys_status(RbIssuer *issuer, gint64 now);
/** rb_issuer_tend_keys: reads the keys again when they changed; a bad directory is fault.keys, and the old
 * ones stay. Background thread. @due: (out) when to call again; @changed: (out) whether there was a change.
 */
gboolean rb_issuer_tend_keys(RbIssuer *issuer, gint64 now, gint64 *due, gboolean *changed, GError **error);

/** rb_issuer_check_duration: what will be asked of STS: @asked_s (0: the role's default) or sts.duration
 * saying which limit. */
gboolean rb_issuer_check_duration(const RbGrant *grant, gint64 asked_s, gint64 *duration_s, GError **error);

/**
 * rb_issue: blocks for at most the configured time. @asked_s: 0 for the role's default; a duration over a
 * limit is refused, never shortened. RoleSessionName and SourceIdentity are the identity's name. Returns:
 * (transfer full): credentials, or NULL with sts.* or fault.sts / fault.network
 */
RbCredentials *rb_issue(RbIssuer *issuer, const RbGrant *grant, const RbIdentity *identity, gint64 asked_s,
                        gint64 now, GError **error);

/**
 * rb_issue_check_destination: whether the console of @grant's partition may be entered at @destination (NULL:
 * its start page): sts.destination otherwise. Said before anything is issued for it.
 */
gboolean rb_issue_check_destination(const RbIssuer *issuer, const RbGrant *grant, const char *destination,
                                    GError **error);

/** How a browser enters the console: it is sent to @url, or, where that is NULL, sends a form. */
typedef struct {
    RbSecret *url;           /* good for 15 minutes */
    char *action;            /* the form's: the sign-in endpoint */
    char *leads_to;          /* and where that may send the browser on to, as sources of a CSP */
    RbSecret *saml_response; /* base64 */
    char *relay_state;       /* where to land; NULL: the console's start page */
    char *assertion_id;      /* in place of an access key, for the audit log */
    gint64 expires_at;       /* of the form */
    gint64 duration_s;       /* of the console's session */
} RbConsole;
void rb_console_free(RbConsole *console);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbConsole, rb_console_free)

typedef struct {
    const RbGrant *grant;
    const RbIdentity *identity;
    const RbCredentials *credentials; /* of rb_issue(); NULL where rb_issue_console_by_form() */
    const char *destination;          /* NULL: the start page; else checked against the console's hosts */
    const char *portal_url;           /* where the console sends people whose session has ended */
    gint64 asked_s, now;              /* of a form: as of rb_issue() */
} RbConsoleAsk;

/** rb_issue_console_by_form: whether @grant's console takes a form, for which nothing is issued before. A
 * session policy goes with credentials alone: with one, the console is entered by them. */
gboolean rb_issue_console_by_form(const RbGrant *grant);

/** rb_issue_console: (transfer full): the way in, or NULL with sts.* or a fault. */
RbConsole *rb_issue_console(RbIssuer *issuer, const RbConsoleAsk *ask, GError **error);

/** rb_issuer_own: (transfer full): the service's own credentials, good for at least a moment: for what it
 * does in AWS besides issuing. NULL with a fault. */
RbCredentials *rb_issuer_own(RbIssuer *issuer, gint64 now, GError **error);

/** rb_issuer_account: (transfer full): the id of the account that @credentials are of, as AWS says. NULL with
 * a fault. */
char *rb_issuer_account(RbIssuer *issuer, const char *partition, RbCredentials *credentials, gint64 now,
                        GError **error);

/** rb_issuer_refresh: renews the service's own credentials ahead of expiry. Background thread. Returns: when
 * to call again. */
gint64 rb_issuer_refresh(RbIssuer *issuer, gint64 now, GError **error);

/** rb_issuer_long_lived: (transfer full): the source of a key that never expires and that the service signs
 * with, as far as environment and profiles tell without asking anybody; NULL: none seen. */
char *rb_issuer_long_lived(const RbIssuer *issuer);

/** rb_issuer_sts_url: (transfer full): where STS is asked for an account that names no region; NULL with
 * sts.invalid.
 */
char *rb_issuer_sts_url(const RbIssuer *issuer, GError **error);

/** rb_issuer_status: (transfer full): where the service's own credentials come from, until when, whether
 * long-lived. No secret. */
json_t *rb_issuer_status(RbIssuer *issuer, gint64 now);

#endif
