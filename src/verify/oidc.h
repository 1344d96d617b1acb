#ifndef RB_VERIFY_OIDC_H
#define RB_VERIFY_OIDC_H

/* Inside verify/ alone: what the files oidc*.c share. */
#include "verify/jwt.h"

enum {
    RB_OIDC_MAX_DISCOVERY = 256 * 1024, /* bytes */
    RB_OIDC_MAX_ANSWER = 1024 * 1024,   /* of a token, UserInfo or group answer */
    RB_OIDC_MAX_CODE = 4096,
    RB_OIDC_MAX_URL = 2048,
    RB_OIDC_CONNECT_MS = 3000,
    RB_OIDC_TOTAL_MS = 10000,
    RB_OIDC_STALE_S = 86400, /* how long keys are used while the issuer cannot be asked */
};

typedef enum {
    RB_OIDC_BASIC,
    RB_OIDC_POST,
    RB_OIDC_PRIVATE_KEY_JWT,
    RB_OIDC_NONE,
} RbOidcAuth;

typedef enum { RB_OIDC_USERINFO_MISSING, RB_OIDC_USERINFO_ALWAYS, RB_OIDC_USERINFO_NEVER } RbOidcUserinfo;

/** An issuer of tokens, for people or for workloads, and where its keys come from. */
typedef struct {
    const RbSeat *seat;
    RbKeyring *keyring; /* of RbOidcTrust */
    char *issuer;
    guint algorithms;
    gboolean signs_in; /* people: its discovery document must name the endpoints for that */
} RbOidcSource;

/** One provider's configuration; immutable, except for what hangs in the keyring. */
typedef struct {
    const RbSeat *seat;
    RbOidcSource source;
    char *client_id, *redirect_uri, *logout_uri, *scope;
    RbOidcAuth auth;
    RbSecret *client_secret;
    RbPrivateKey *client_key;
    char *client_key_id;
    char *name_claim;
    GStrv group_claims, acr_values;
    gint64 max_age_s; /* of a sign-in at the issuer; 0: any */
    gboolean never_par;
    RbOidcUserinfo userinfo;
    char *overage_endpoint, *overage_token_endpoint, *overage_scope; /* NULL: not configured */
} RbOidc;

/** What the issuer says of itself, and its keys: a value in a g_atomic_rc_box. */
typedef struct {
    char *authorization, *token, *userinfo, *end_session, *par; /* the last three may be NULL */
    char *jwks;
    gboolean par_required, says_iss;
    RbJwks *keys;
    gint64 fetched_at;
} RbOidcTrust;
void rb_oidc_trust_clear(gpointer trust);
void rb_oidc_trust_unref(RbOidcTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbOidcTrust, rb_oidc_trust_unref)

/* ---- oidc_config.c ---- */
gpointer rb_oidc_load(const RbYaml *node, const RbSeat *seat, RbDiagnostics *problems);
void rb_oidc_unload(gpointer self);

/* ---- oidc_source.c: what issuers of every kind are configured with, and what is told of them ---- */
/** rb_oidc_source_load: `issuer`, `refresh`, `algorithms`; without @signs_in also `jwks_uri`, which takes the
 * place of discovery: an address, or a file. */
void rb_oidc_source_load(RbOidcSource *source, const RbYaml *node, const RbSeat *seat, gboolean signs_in,
                         RbDiagnostics *problems);
void rb_oidc_source_clear(RbOidcSource *source);
json_t *rb_oidc_source_status(const RbOidcSource *source, gint64 now);

/* ---- oidc_trust.c ---- */
/** rb_oidc_url_fits: https, or http on loopback when the issuer @issuer is there too; no fragment or user. */
gboolean rb_oidc_url_fits(const char *issuer, const char *url);
/** rb_oidc_discovery_parse: (transfer full): a discovery document of exactly @issuer, without keys yet; NULL
 * with oidc.discovery. @signs_in: the endpoints for that must be in it. */
RbOidcTrust *rb_oidc_discovery_parse(const char *issuer, gboolean signs_in, const void *bytes, gsize size,
                                     GError **error);
/** rb_oidc_trust_parse: for the keyring: the document, then the keys that it leads to. */
gpointer rb_oidc_trust_parse(gconstpointer owner, GBytes *bytes, gint64 now, gint64 *refresh_s,
                             GError **error);
/** rb_oidc_keys_parse: for the keyring: the keys alone. */
gpointer rb_oidc_keys_parse(gconstpointer owner, GBytes *bytes, gint64 now, gint64 *refresh_s,
                            GError **error);
/** rb_oidc_max_age: seconds that a Cache-Control value allows, within an hour; -1: it does not say. */
gint64 rb_oidc_max_age(const char *cache_control);
/** rb_oidc_trust: (transfer full): what is known now, or NULL with fault.network: nothing, or too old. */
RbOidcTrust *rb_oidc_trust(const RbOidcSource *source, gint64 now, GError **error);
/** rb_oidc_verify: @token, made for @audience, by the issuer's keys; those are fetched again once when the
 * token's is not among them. */
RbJws *rb_oidc_verify(const RbOidcSource *source, const char *audience, const char *const *types,
                      const char *token, gint64 now, GError **error);

/* ---- oidc_client.c: calls to the issuer ---- */
/** A form under construction; wiped when freed. */
typedef struct RbOidcForm RbOidcForm;
RbOidcForm *rb_oidc_form_new(void);
void rb_oidc_form_free(RbOidcForm *form);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbOidcForm, rb_oidc_form_free)
void rb_oidc_form_add(RbOidcForm *form, const char *name, const char *value);
/** rb_oidc_form_text: the form as a query has it; valid as long as @form. */
const char *rb_oidc_form_text(const RbOidcForm *form);
/** rb_oidc_post: the form with our authentication, made for @token_endpoint. */
RbHttpResponse *rb_oidc_post(const RbOidc *oidc, const char *url, const char *token_endpoint,
                             RbOidcForm *form, gint64 now, GError **error);
/** rb_oidc_answer: (transfer full): the JSON object of a @want answer; else @refused for a 4xx with an OAuth
 * error in it, fault.network for any other status, oidc.token_answer for what cannot be read. */
json_t *rb_oidc_answer(const RbHttpResponse *response, int want, RbRefusalCode refused, const char *what,
                       GError **error);

typedef struct {
    RbSecret *id_token, *access_token; /* id_token NULL where none was asked for */
} RbOidcTokens;
void rb_oidc_tokens_free(RbOidcTokens *tokens);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbOidcTokens, rb_oidc_tokens_free)
/** rb_oidc_tokens_parse: of a token answer; NULL with oidc.token_answer. */
RbOidcTokens *rb_oidc_tokens_parse(const json_t *answer, gboolean want_id_token, GError **error);
/** rb_oidc_redeem: the code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5). */
RbOidcTokens *rb_oidc_redeem(const RbOidc *oidc, const RbOidcTrust *trust, const char *code,
                             const char *verifier, gint64 now, GError **error);
/** rb_oidc_get: (transfer full): a JSON object from @url with a bearer token. */
json_t *rb_oidc_get(const RbOidc *oidc, const char *url, const RbSecret *access_token, GError **error);

/* ---- oidc_begin.c, oidc_answer.c ---- */
char *rb_oidc_begin(gpointer self, const char *relay_state, gboolean mfa, gboolean force, gint64 now,
                    RbSignIn **sign_in, GError **error);
RbVerified *rb_oidc_finish(gpointer self, const RbSignIn *sign_in, const RbInbound *inbound, gint64 now,
                           GError **error);
/** rb_oidc_check_id_token: what OIDC asks of an ID token besides rb_jwt_verify: nonce, at_hash, c_hash,
 * auth_time. @access_token: NULL: none. */
gboolean rb_oidc_check_id_token(const RbOidc *oidc, const RbSignIn *sign_in, const RbJws *token,
                                const char *code, const RbSecret *access_token, gint64 now, GError **error);

/* ---- oidc_groups.c, oidc_identity.c ---- */
/** rb_oidc_claim: @name as a member, or as a path of members with dots ("realm_access.roles"); NULL: none. */
const json_t *rb_oidc_claim(const json_t *claims, const char *name);
/** rb_oidc_groups_stated: appends the groups that the claims @names list; anything but texts there:
 * identity.malformed. */
gboolean rb_oidc_groups_stated(const char *const *names, const json_t *claims, GPtrArray *groups,
                               GError **error);
/** rb_oidc_groups_left_out: whether the token says that it does not list all groups of the claims @names. */
gboolean rb_oidc_groups_left_out(const char *const *names, const json_t *claims);
/** rb_oidc_groups: every group that @claims state, and those that Entra left out; a list that is known to be
 * cut short and cannot be fetched whole: identity.groups_incomplete. They are borrowed from @claims and from
 * @fetched (transfer full): what was asked for; NULL: nothing was. */
gboolean rb_oidc_groups(const RbOidc *oidc, const RbOidcTrust *trust, const json_t *claims, gint64 now,
                        GPtrArray *groups, json_t **fetched, GError **error);
/** rb_oidc_identity: who the claims are about. */
RbIdentity *rb_oidc_identity(const RbOidc *oidc, const RbOidcTrust *trust, const RbSignIn *sign_in,
                             const json_t *id_token, const RbSecret *access_token, gint64 now,
                             GError **error);

/* ---- oidc_logout.c ---- */
char *rb_oidc_logout_url(gpointer self, const RbIdentity *identity, const char *relay_state, gint64 now,
                         char **request_id, GError **error);
RbLogout *rb_oidc_logout_receive(gpointer self, const RbInbound *inbound, gint64 now, GError **error);
char *rb_oidc_logout_reply(gpointer self, const RbLogout *request, const char *relay_state, gboolean success,
                           gint64 now, GError **error);

#endif
