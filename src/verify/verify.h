#ifndef RB_VERIFY_VERIFY_H
#define RB_VERIFY_VERIFY_H

#include "base/diagnostics.h"
#include "base/yaml.h"
#include "identity/identity.h"
#include "net/net.h"

#include <glib.h>
#include <jansson.h>

/*
 * Bytes from outside → a verified identity, or a refusal that says why. Trust is decided here and nowhere
 * else. Pure, but for the keys that are kept fresh (rb_provider_refresh).
 *
 * An identity provider of any kind goes through this door; a kind is one `const RbProviderType` table in its
 * own file.
 */
typedef struct RbProviders RbProviders; /* all of rolebridge.yaml's identity_providers; reference-counted */
typedef struct RbProvider RbProvider;

typedef struct {
    const char *public_url; /* https://bridge.acme.example, without a trailing slash */
    const char *base_dir;   /* relative file names in the configuration start here */
    gint64 skew_s;
    RbHttp *http; /* for metadata and keys by https; may be NULL for a check of the configuration */
    /** (transfer full): the secret that a node names ({file: …} and its kin), or NULL after an error in
     * @problems. NULL: there are no secrets here, and whoever needs one says so. */
    RbSecret *(*secret)(const RbYaml *node, const char *base_dir, RbDiagnostics *problems);
} RbProviderSetting;

/**
 * rb_providers_load: @list is the `identity_providers` node, @mfa the `mfa` node or NULL. Reports every
 * mistake; no network. Returns: (transfer full): the providers, or NULL after any error
 */
RbProviders *rb_providers_load(const RbYaml *list, const RbYaml *mfa, const RbProviderSetting *setting,
                               RbDiagnostics *problems);
void rb_providers_free(RbProviders *providers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbProviders, rb_providers_free)

guint rb_providers_size(const RbProviders *providers);
RbProvider *rb_providers_item(const RbProviders *providers, guint i);
/** rb_providers_find: NULL when there is none of that id. */
RbProvider *rb_providers_find(const RbProviders *providers, const char *id);

/** rb_providers_ids: (transfer container): all ids, NULL-terminated. */
const char **rb_providers_ids(const RbProviders *providers);

const char *rb_provider_id(const RbProvider *provider);
const char *rb_provider_type(const RbProvider *provider); /* "saml", "oidc", "workload" */
const char *
rb_provider_title(const RbProvider *provider); /* for the portal; the id when none is configured */
/** rb_provider_realm: identity providers of one realm vouch for the same people (`realm:`; default: the id).
 */
const char *rb_provider_realm(const RbProvider *provider);
/** rb_provider_signs_people_in: FALSE for workload issuers. */
gboolean rb_provider_signs_people_in(const RbProvider *provider);

/** rb_provider_metadata: (transfer full): our own SAML SP metadata for this provider, or NULL with
 * request.not_found. */
char *rb_provider_metadata(RbProvider *provider, gint64 now, GError **error);

/**
 * rb_provider_refresh: fetches metadata or keys when due (@now past the time the last answer set). A failed
 * or empty answer keeps the old keys and is reported. Called from a background thread; verification goes on
 * meanwhile. Returns: the next time it wants to be called; *error set when this time it failed
 */
gint64 rb_provider_refresh(RbProvider *provider, gint64 now, GError **error);

/** rb_provider_hurry: metadata or keys are due at the next rb_provider_refresh, whatever was agreed before
 * (somebody asked for a reload). */
void rb_provider_hurry(RbProvider *provider);

/** rb_provider_status: (transfer full): for readiness and doctor: keys, validity, when refreshed, last
 * failure. */
json_t *rb_provider_status(RbProvider *provider, gint64 now);

/* ---- signing in ---- */

/** What a sign-in under way must remember: made by begin, kept by access/ in the store, shown again to
 * finish. */
typedef struct {
    char *request_id;    /* SAML AuthnRequest ID; OIDC state */
    char *nonce;         /* OIDC */
    char *pkce_verifier; /* OIDC */
    gint64 started_at;
    gboolean wants_mfa; /* RequestedAuthnContext / acr_values was sent: the answer must satisfy it */
    gboolean forced;    /* ForceAuthn / max_age=0 was sent: the answer must be newer than started_at */
} RbSignIn;
void rb_sign_in_free(RbSignIn *sign_in);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSignIn, rb_sign_in_free)
json_t *rb_sign_in_to_json(const RbSignIn *sign_in);
RbSignIn *rb_sign_in_from_json(const json_t *json, GError **error);

/**
 * rb_provider_begin: where to send the browser. @relay_state: opaque, at most 80 bytes, comes back with the
 * answer. Returns: (transfer full): the URL, and in @sign_in what finish will need; or NULL
 */
char *rb_provider_begin(RbProvider *provider, const char *relay_state, gboolean mfa, gboolean force,
                        gint64 now, RbSignIn **sign_in, GError **error);

/** What came back, as received. */
typedef struct {
    const char *method;    /* "GET", "POST" */
    const char *raw_query; /* as sent, without '?'; NULL: none */
    GHashTable *fields;    /* decoded form or query fields, each sent once (serve/ refuses repetitions) */
} RbInbound;

/** What verification yields: who, and the mark that keeps the same proof from being used twice. */
typedef struct {
    RbIdentity *identity;
    char *replay_key; /* unique for the proof: provider id and assertion ID, nonce or jti; NULL: a workload's
                         token, which may be used again until it expires */
    gint64 replay_until; /* the proof is refused by itself from then on */
    char *proof_id;      /* of what is exchanged: assertion ID or jti, for the audit log; NULL: none */
    char *audience;      /* of the same: whom it was made for, as we are named there */
} RbVerified;
void rb_verified_free(RbVerified *verified);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbVerified, rb_verified_free)

/**
 * rb_provider_finish: @sign_in is the transaction that the answer's relay state and this browser's cookie
 * lead to; NULL when there is none (IdP-initiated: refused unless the provider allows it). Returns: (transfer
 * full): the verified identity; the caller must use replay_key up before believing it
 */
RbVerified *rb_provider_finish(RbProvider *provider, const RbSignIn *sign_in, const RbInbound *inbound,
                               gint64 now, GError **error);

/* ---- proofs that are exchanged, with nobody signing in ---- */

/**
 * rb_providers_token: a workload's token: by the provider of type workload that has its issuer and one of its
 * audiences. No such issuer is told before any signature is computed. Returns: (transfer full): the verified
 * identity, without a replay_key; or NULL with jwt.* or identity.*
 */
RbVerified *rb_providers_token(RbProviders *providers, const char *token, gint64 now, GError **error);

/**
 * rb_providers_assertion: a SAML Response in base64 that nobody asked for, made out to us by a provider with
 * `sts: true`. Returns: (transfer full): the caller must use replay_key up before believing it; or NULL
 */
RbVerified *rb_providers_assertion(RbProviders *providers, const char *assertion, gint64 now, GError **error);

/* ---- signing out (SAML single logout, OIDC RP-initiated and back-channel logout; optional for a kind) ----
 */

/** rb_provider_logout_url: (transfer full): where to send the browser to end the session at the IdP, NULL
 * without error when the provider has no such thing. @request_id: (out): to match the answer. */
char *rb_provider_logout_url(RbProvider *provider, const RbIdentity *identity, const char *relay_state,
                             gint64 now, char **request_id, GError **error);

typedef enum { RB_LOGOUT_REQUEST, RB_LOGOUT_RESPONSE } RbLogoutKind;
typedef struct {
    RbLogoutKind kind;
    char *id;              /* of the message */
    char *in_response_to;  /* response */
    gboolean success;      /* response */
    char *subject;         /* request: NameID or sub; NULL: not said, and then there are session_indexes */
    GStrv session_indexes; /* request: empty = all sessions of the subject */
    char *replay_key;      /* request: use up before acting */
    gint64 replay_until;
} RbLogout;
void rb_logout_free(RbLogout *logout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbLogout, rb_logout_free)

/** rb_provider_logout_receive: verifies a logout message (SAML: redirect or POST binding; OIDC: a logout
 * token, or the return from the issuer's end of session). */
RbLogout *rb_provider_logout_receive(RbProvider *provider, const RbInbound *inbound, gint64 now,
                                     GError **error);

/** rb_provider_logout_reply: (transfer full): the URL that carries our signed LogoutResponse back; "" where
 * the issuer itself asked, and no browser waits. */
char *rb_provider_logout_reply(RbProvider *provider, const RbLogout *request, const char *relay_state,
                               gboolean success, gint64 now, GError **error);

#endif
