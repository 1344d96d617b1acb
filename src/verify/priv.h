#ifndef RB_VERIFY_PRIV_H
#define RB_VERIFY_PRIV_H

#include "sign/sign.h"
#include "verify/verify.h"

/** What `mfa:` of rolebridge.yaml accepts as proof of more than one factor. */
typedef struct {
    GStrv saml;            /* AuthnContextClassRef values */
    GPtrArray *attributes; /* RbMfaAttribute */
    GStrv oidc_amr, oidc_acr;
} RbMfaRules;
typedef struct {
    char *name;
    GStrv values; /* any of them */
} RbMfaAttribute;

/** What every kind of provider is given by the caller when it is loaded; lives as long as the provider. */
typedef struct {
    char *id;
    char *public_url;
    char *base_dir;
    gint64 skew_s;
    RbHttp *http;          /* borrowed; NULL: nothing is fetched */
    const RbMfaRules *mfa; /* borrowed */
    RbSecret *(*secret)(const RbYaml *node, const char *base_dir, RbDiagnostics *problems);
} RbSeat;

/** Which tokens are a provider's: issuer, and any of these audiences. Borrowed from the provider. */
typedef struct {
    const char *issuer;
    const char *const *audiences;
    gsize n_audiences;
} RbTokensOf;

/** A kind of identity provider: one const table at the end of its file, one line in verify.c. */
typedef struct {
    const char *type; /* as in rolebridge.yaml */
    gpointer (*load)(const RbYaml *node, const RbSeat *seat,
                     RbDiagnostics *problems);                    /* required; no network */
    void (*unload)(gpointer self);                                /* required */
    gint64 (*refresh)(gpointer self, gint64 now, GError **error); /* required */
    void (*hurry)(gpointer self);                                 /* NULL: nothing is kept */
    json_t *(*status)(gpointer self, gint64 now);                 /* required */
    char *(*begin)(gpointer self, const char *relay_state, gboolean mfa, gboolean force, gint64 now,
                   RbSignIn **sign_in, GError **error); /* NULL: nobody signs in (workload issuers) */
    RbVerified *(*finish)(gpointer self, const RbSignIn *sign_in, const RbInbound *inbound, gint64 now,
                          GError **error);                        /* required where begin is */
    char *(*metadata)(gpointer self, gint64 now, GError **error); /* optional */
    char *(*logout_url)(gpointer self, const RbIdentity *identity, const char *relay_state, gint64 now,
                        char **request_id, GError **error); /* optional */
    RbLogout *(*logout_receive)(gpointer self, const RbInbound *inbound, gint64 now, GError **error);
    char *(*logout_reply)(gpointer self, const RbLogout *request, const char *relay_state, gboolean success,
                          gint64 now, GError **error);     /* these two: where logout_url is */
    void (*tokens_of)(gconstpointer self, RbTokensOf *of); /* where tokens are JWTs */
    RbVerified *(*token)(gpointer self, const char *audience, const char *token, gint64 now,
                         GError **error); /* of workloads; @audience: of tokens_of, as the token names it */
    gboolean (*takes_assertions)(gconstpointer self); /* these two: where assertions can be exchanged */
    RbVerified *(*assertion)(gpointer self, const char *assertion, gint64 now, GError **error);
} RbProviderType;

extern const RbProviderType rb_saml_provider_type;
extern const RbProviderType rb_oidc_provider_type;
extern const RbProviderType rb_workload_provider_type;

const RbProviderType *rb_provider_kind(const RbProvider *provider);
gpointer rb_provider_self(const RbProvider *provider);
/** rb_providers_share_tokens: TRUE when a token could be both providers', at least one of them for workloads:
 * whose it is could not be told, and a person's ID token could pass for a workload's. */
gboolean rb_providers_share_tokens(const RbProvider *one, const RbProvider *other); /* exchange.c */

/** rb_seat_path: (transfer full): @name as the configuration means it. */
char *rb_seat_path(const RbSeat *seat, const char *name);

/* ---- keyring.c: trust that is kept fresh ---- */

/**
 * RbKeyring: what is known of one provider's keys: a value in a g_atomic_rc_box, replaced whole, never
 * changed. Readers take a reference under a short lock; refreshing goes on beside them.
 */
typedef struct RbKeyring RbKeyring;

typedef struct {
    const char *source; /* a file's path or an https URL */
    RbHttp *http;       /* NULL: an https source stays unread */
    gint64 refresh_s;   /* for https; a file is looked at every RB_KEYRING_FILE_S */
    gsize max_size;
    /** (transfer full): @bytes → a value, or NULL. @refresh_s: may be made shorter by what the bytes say. */
    gpointer (*parse)(gconstpointer owner, GBytes *bytes, gint64 now, gint64 *refresh_s, GError **error);
    void (*clear)(gpointer value); /* frees what the value holds */
    gconstpointer owner;
} RbKeyringSetting;

enum {
    RB_KEYRING_FILE_S = 30,
    RB_KEYRING_RETRY_S = 60,
    RB_KEYRING_RENEWING_MAX = 8, /* threads that read or wait; the service has 32 for what may be slow */
};

RbKeyring *rb_keyring_new(const RbKeyringSetting *setting);
void rb_keyring_free(RbKeyring *keyring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbKeyring, rb_keyring_free)
gboolean rb_keyring_is_remote(const RbKeyring *keyring);
/** rb_keyring_load: reads and swaps now, due or not. A failure keeps the old value and is remembered. */
gboolean rb_keyring_load(RbKeyring *keyring, gint64 now, GError **error);
/** rb_keyring_refresh: the same when due. Returns: when it is due again. */
gint64 rb_keyring_refresh(RbKeyring *keyring, gint64 now, GError **error);
/**
 * rb_keyring_renew: @seen turned out to lack a key: reads the source again, at most every RB_KEYRING_RETRY_S
 * and by one thread at a time. BUSY: RB_KEYRING_RENEWING_MAX threads are at it already, and nothing is known
 * yet
 */
typedef enum { RB_RENEWED, RB_RENEWED_NOTHING, RB_RENEWED_BUSY } RbRenewed;
RbRenewed rb_keyring_renew(RbKeyring *keyring, gconstpointer seen, gint64 now);
/** rb_keyring_get: a reference to the value (release with g_atomic_rc_box_release_full and the clear
 * function), or NULL when nothing has been read yet. */
gpointer rb_keyring_get(RbKeyring *keyring);
/** rb_keyring_hurry: it is due now. */
void rb_keyring_hurry(RbKeyring *keyring);
/** rb_keyring_status: adds source, refreshed_at, next_at, failure to @status. */
void rb_keyring_status(RbKeyring *keyring, json_t *status);

#endif
