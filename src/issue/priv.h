#ifndef RB_ISSUE_PRIV_H
#define RB_ISSUE_PRIV_H

#include "iam/arn.h"
#include "iam/sigv4.h"
#include "issue/issue.h"
#include "issue/query.h"

#include <libxml/tree.h>

enum {
    RB_STS_MAX_ANSWER = 256 * 1024, /* a session token has no stated limit; kilobytes in practice */
    RB_STS_MAX_TOKEN = 64 * 1024,
    RB_STS_MIN_S = 900,
    RB_OWN_AHEAD_S = 900,  /* the background refreshes this long before the end */
    RB_OWN_DEMAND_S = 120, /* and a caller who finds this little left */
    RB_OWN_REREAD_S = 300, /* credentials without an end may have been exchanged */
    RB_OWN_RETRY_S = 5,    /* a source that failed is left alone so long */
    RB_PROFILE_MAX = 1024 * 1024,
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/** rb_aws_xml: (transfer full): XML of AWS as a tree: no DTD, no network; NULL: it is none. The caller
 * bounds its size. */
xmlDoc *rb_aws_xml(const char *xml, gsize size);

/* ---- STS ---- */

/** What STS answered instead of credentials. */
typedef struct {
    char *code; /* without "Exception" at its end; NULL: not an answer of STS */
    char *message;
    char *request_id;
} RbStsError;
void rb_sts_error_clear(RbStsError *failure);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbStsError, rb_sts_error_clear)

/** rb_sts_parse: credentials out of any of the AssumeRole* answers. No DTD, no network, each element once. */
RbCredentials *rb_sts_parse(const char *xml, gsize size, gint64 now, GError **error);

/** rb_sts_parse_error: what an error answer says; all NULL when it is not one. */
void rb_sts_parse_error(const char *xml, gsize size, RbStsError *failure);

/** One call of STS. */
typedef struct {
    const char *what;     /* for messages: the role */
    const char *url;      /* endpoint */
    const char *region;   /* it is signed for */
    RbCredentials *own;   /* whose credentials sign; NULL: unsigned */
    GBytes *form;         /* body */
    gint64 duration_s;    /* for messages */
    const RbGrant *grant; /* for messages; NULL: the service's own role */
} RbStsCall;

/** rb_sts_call: sends, with retries within the issuer's time. Returns: credentials, or NULL with sts.* or a
 * fault. */
RbCredentials *rb_sts_call(RbIssuer *issuer, const RbStsCall *call, GError **error);

/** rb_sts_refuse: the refusal or fault for @failure of @call. */
gboolean rb_sts_refuse(const RbStsCall *call, int status, const RbStsError *failure, GError **error);

/** rb_sts_retryable: whether the same request may fare better in a moment. */
gboolean rb_sts_retryable(int status, const RbStsError *failure);

/** rb_partition: what differs between AWS's partitions; NULL when @name is none of them. */
typedef struct {
    const char *name, *prefix, *suffix, *first_region, *signin, *console;
    const char *audience; /* of SAML assertions; NULL: the sign-in endpoint's own address */
} RbPartition;
const RbPartition *rb_partition(const char *name);
/** rb_partition_of_region: by the region's prefix; never NULL. */
const RbPartition *rb_partition_of_region(const char *region);

/* ---- the service's own credentials ---- */

/** Where to look: the environment as it was at start, and what rolebridge.yaml says. */
typedef struct {
    char *profile; /* aws.profile; NULL: not set */
    char *env_key, *env_expiration, *env_profile;
    RbSecret *env_secret, *env_token;
    char *web_token_file, *web_role_arn, *web_session_name;
    char *container_relative, *container_full, *container_token_file;
    RbSecret *container_token;
    char *config_file, *credentials_file;
    char *imds;        /* base URL */
    char *relative_to; /* base URL of container_relative */
    gboolean imds_disabled;
} RbOwnSetting;
void rb_own_setting_read(RbOwnSetting *setting); /* from the environment */
void rb_own_setting_clear(RbOwnSetting *setting);

typedef struct RbOwn RbOwn;
RbOwn *rb_own_new(RbIssuer *issuer);
void rb_own_free(RbOwn *own);
/** rb_own_get: credentials good for at least a moment; fetched by one thread while others use the old ones or
 * wait. Returns: (transfer full), or NULL with a fault */
RbCredentials *rb_own_get(RbOwn *own, gint64 now, GError **error);
/** rb_own_distrust: AWS refused @credentials: the next rb_own_get() looks again. */
void rb_own_distrust(RbOwn *own, const RbCredentials *credentials);
gint64 rb_own_refresh(RbOwn *own, gint64 now, GError **error);
json_t *rb_own_status(RbOwn *own, gint64 now);

/** rb_own_fetch: looks through the sources, in order. @source: (out) (transfer full): which one it was. */
RbCredentials *rb_own_fetch(RbIssuer *issuer, gint64 now, char **source, GError **error);

/** rb_own_from_profile: NULL without @error: no such profile and @optional. */
RbCredentials *rb_own_from_profile(RbIssuer *issuer, const char *name, gboolean optional, gint64 now,
                                   GError **error);
RbCredentials *rb_own_from_env(const RbOwnSetting *setting, gint64 now, GError **error);
RbCredentials *rb_own_from_container(RbIssuer *issuer, gint64 now, GError **error);
RbCredentials *rb_own_from_imds(RbIssuer *issuer, gint64 now, GError **error);
RbCredentials *rb_own_from_web_identity(RbIssuer *issuer, const char *token_file, const char *role_arn,
                                        const char *session_name, gint64 now, GError **error);

/** rb_own_long_lived: see rb_issuer_long_lived(). rb_own_profile_long_lived: whether profile @name, or the
 * profile it takes its role with, has a key that never expires; (out) (transfer full) @holder: which of them.
 */
char *rb_own_long_lived(const RbIssuer *issuer);
gboolean rb_own_profile_long_lived(const RbIssuer *issuer, const char *name, char **holder);

/** rb_own_parse_json: the answer of a container endpoint or of IMDS. */
RbCredentials *rb_own_parse_json(const char *json, gsize size, gint64 now, GError **error);

/** rb_profiles_parse: section → (key → value). Continuations and nested blocks are left out, as SDKs do. */
GHashTable *rb_profiles_parse(const char *text, gsize size, GError **error);

/** rb_credentials_new: after a check that every part could be what it claims to be. @token NULL: none;
 * @expiration 0: no end. */
RbCredentials *rb_credentials_new(const char *key, const char *secret, const char *token, gint64 expiration,
                                  GError **error);

/* ---- methods ---- */

/** What a method is given; all checked by the caller. */
typedef struct {
    const RbGrant *grant;
    const RbIdentity *identity;
    gint64 duration_s, now;
} RbOrder;

/** What an order needs on its way to STS. */
typedef struct {
    RbRoleArn *role;
    char *url, *region;
} RbErrand;
void rb_errand_clear(RbErrand *errand);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbErrand, rb_errand_clear)

/** rb_order_check: role, tags, policy, endpoint: what AWS would refuse is refused before it is asked. */
gboolean rb_order_check(RbIssuer *issuer, const RbOrder *order, RbErrand *errand, GError **error);
/** rb_order_form: (transfer full): what the form of every @action holds. */
RbForm *rb_order_form(const RbOrder *order, const char *action);
/** rb_order_send: @form (transfer full), signed by @own (NULL: unsigned); the answer must be for this role
 * and person. */
RbCredentials *rb_order_send(RbIssuer *issuer, const RbOrder *order, const RbErrand *errand,
                             RbCredentials *own, RbForm *form, GError **error);

typedef struct {
    RbIssueMethod method;
    const char *name; /* as in accounts.yaml */
    RbCredentials *(*issue)(RbIssuer *issuer, const RbOrder *order, GError **error);
    /* NULL slot: by the credentials */
    RbConsole *(*console)(RbIssuer *issuer, const RbOrder *order, const char *destination, GError **error);
} RbIssuerType;
extern const RbIssuerType rb_issuer_assume_role, rb_issuer_web_identity, rb_issuer_saml;

/** rb_issuer_type: of @grant's account; never NULL. */
const RbIssuerType *rb_issuer_type(const RbGrant *grant);

/** rb_issuer_key: the key that signs for @use now; NULL with fault.keys. */
RbSigningKey *rb_issuer_key(RbIssuer *issuer, const RbOrder *order, RbKeyUse use, GError **error);
/** rb_issuer_new_id: (transfer full): @prefix and 128 random bits in hexadecimal. */
char *rb_issuer_new_id(const char *prefix);

/** A response for the browser or for STS, signed. */
typedef struct {
    char *id;          /* of the assertion in it */
    RbSecret *encoded; /* base64 */
    gint64 expires_at;
} RbAssertion;
void rb_assertion_clear(RbAssertion *assertion);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbAssertion, rb_assertion_clear)
gboolean rb_assertion_make(RbIssuer *issuer, const RbOrder *order, const char *recipient,
                           RbAssertion *assertion, GError **error);

/** rb_signin_url: (transfer full): the sign-in endpoint of @grant's region, with @path: "/federation" or
 * "/saml". rb_signin_leads_to: (transfer full): where it may send a browser on to, as sources of a CSP. */
char *rb_signin_url(const RbIssuer *issuer, const RbGrant *grant, const char *path);
char *rb_signin_leads_to(const RbIssuer *issuer, const RbGrant *grant);

/** rb_console_by_credentials: the sign-in URL for @ask's credentials, of the federation endpoint. */
RbConsole *rb_console_by_credentials(RbIssuer *issuer, const RbConsoleAsk *ask, GError **error);

struct RbIssuer {
    RbHttp *http;
    RbClock clock;
    char *region, *sts_endpoint, *signin_endpoint, *console_endpoint;
    guint timeout_ms, max_attempts;
    RbSigv4Keys *keys;
    RbOwnSetting setting;
    RbOwn *own;
    char *url, *audience, *entity_id, *portal; /* as the accounts' identity provider; NULL without `issuer` */
    RbSigningKeys *signing_keys;               /* NULL without `issuer` */
};

/** rb_issuer_read_federation: what `issuer` says. */
void rb_issuer_read_federation(RbIssuer *issuer, const RbIssuerSetting *setting, RbDiagnostics *problems);

/** rb_issuer_endpoint: (transfer full): where to call STS for @partition and @region (NULL: the default);
 * @signed_for: (out) (transfer full): the region to sign for. */
char *rb_issuer_endpoint(const RbIssuer *issuer, const char *partition, const char *region, char **signed_for,
                         GError **error);

/** rb_issuer_jitter_ms: a random time below @limit_ms. */
guint rb_issuer_jitter_ms(guint limit_ms);

#endif
