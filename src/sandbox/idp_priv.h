#ifndef RB_SANDBOX_IDP_PRIV_H
#define RB_SANDBOX_IDP_PRIV_H

#include "sandbox/idp.h"
#include "sandbox/page.h"

/* Inside the identity provider (idp*.c). */

#define RB_BOX_COOKIE "sandbox_sign_on"
enum { RB_BOX_PENDING_S = 600, RB_BOX_MAX_PENDING = 2000, RB_BOX_METADATA_S = 60 };

/** What an OpenID Connect client asked for besides. */
typedef struct {
    char *state, *nonce; /* NULL: not sent */
    char *challenge;
} RbBoxOpenidAsk;
void rb_box_openid_ask_free(RbBoxOpenidAsk *ask);

/** A sign-in that waits for somebody to fill in the page. */
typedef struct {
    char *sp, *acs;         /* or client and redirect URI */
    RbBoxOpenidAsk *openid; /* NULL: SAML */
    char *request_id;       /* NULL: started here */
    char *relay_state;
    gboolean force;
    gboolean wants_mfa;
    gint64 until;
} RbBoxPending;

/** Somebody who signed in here, in one browser. */
typedef struct {
    const RbBoxPerson *person;
    gboolean mfa;
    gint64 at, until;
    char *index;
    GHashTable *sps;     /* entity ids of service providers told */
    GHashTable *clients; /* ids of OpenID Connect clients told */
} RbBoxSignOn;

struct RbBoxIdp {
    RbBoxIdpSetting setting;
    char *sso_url, *slo_url;
    GMutex mutex;                      /* one request at a time: what takes long is a signature */
    GHashTable *pending;               /* token → RbBoxPending */
    GHashTable *sign_ons;              /* cookie → RbBoxSignOn */
    GHashTable *codes, *access_tokens; /* of openid.c */
    GPtrArray *outbox;                 /* logout tokens to be sent when the lock is given back */
    GPtrArray *sps;                    /* RbBoxSp, in the order of sp_metadata; NULL: not loaded yet */
    gint64 loaded_at;
};

/** rb_box_idp_sp: the service provider @entity_id, its metadata read again when it is old or does not know
 * it. */
const RbBoxSp *rb_box_idp_sp(RbBoxIdp *idp, const char *entity_id, gint64 now, GError **error);

/** rb_box_idp_signed_by: rb_box_redirect_check, and once more with metadata read anew: keys roll over. */
gboolean rb_box_idp_signed_by(RbBoxIdp *idp, const char *query, const char *entity_id, gint64 now,
                              GError **error);

const RbBoxPerson *rb_box_idp_person(const RbBoxIdp *idp, const char *uid);

/** rb_box_idp_sign_on: the sign-on of the request's cookie; NULL: none, or ended. */
RbBoxSignOn *rb_box_idp_sign_on(RbBoxIdp *idp, const RbBoxRequest *request, gint64 now);

void rb_box_pending_free(gpointer pending);
void rb_box_sign_on_free(gpointer sign_on);

/** rb_box_idp_login_page: @problem: what was wrong the last time, or NULL. */
void rb_box_idp_login_page(RbBoxIdp *idp, const char *token, const RbBoxPending *pending, const char *user,
                           const char *problem, RbBoxAnswer *answer);

RbBoxPending *rb_box_pending_new(const char *sp, const char *acs, const char *relay_state, gint64 now);

/** rb_box_idp_ask_person: keeps @pending (taken over) and shows the login page. */
void rb_box_idp_ask_person(RbBoxIdp *idp, RbBoxPending *pending, const char *user, gint64 now,
                           RbBoxAnswer *answer);
void rb_box_idp_signed_out_page(RbBoxAnswer *answer);

/** rb_box_idp_respond: the page that carries the signed Response to the service provider; @status as in
 * RbBoxResponse. */
void rb_box_idp_respond(RbBoxIdp *idp, const RbBoxPending *pending, RbBoxSignOn *sign_on, const char *status,
                        gint64 now, RbBoxAnswer *answer);

/** rb_box_idp_slo, _logout: single logout, asked for by a service provider, and by the person here. */
void rb_box_idp_slo(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now,
                    RbBoxAnswer *answer);
void rb_box_idp_logout(RbBoxIdp *idp, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer);

/* ---- OpenID Connect (openid.c, openid_logout.c) ---- */

void rb_box_grant_free(gpointer grant);
void rb_box_letter_free(gpointer letter);
const RbBoxClient *rb_box_openid_client(const RbBoxIdp *idp, const char *id);
const RbBoxTokenKey *rb_box_openid_key(const RbBoxIdp *idp, const RbBoxClient *client);

/** rb_box_openid_public: discovery and keys, which need no lock. Returns: FALSE for other addresses. */
gboolean rb_box_openid_public(const RbBoxOpenid *openid, const RbBoxRequest *request, RbBoxAnswer *answer);

void rb_box_openid_authorize(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now,
                             RbBoxAnswer *answer);
void rb_box_openid_token(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now,
                         RbBoxAnswer *answer);
void rb_box_openid_userinfo(RbBoxIdp *idp, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer);
void rb_box_openid_logout(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now,
                          RbBoxAnswer *answer);

/** rb_box_openid_respond: back to the client with a code, or with the error @problem when @sign_on is NULL.
 */
void rb_box_openid_respond(RbBoxIdp *idp, const RbBoxPending *pending, RbBoxSignOn *sign_on,
                           const char *problem, gint64 now, RbBoxAnswer *answer);

/** rb_box_openid_tell: writes to each client (but @but) that @sign_on is over; rb_box_openid_send sends. */
void rb_box_openid_tell(RbBoxIdp *idp, const RbBoxSignOn *sign_on, const char *but, gint64 now);
void rb_box_openid_send(RbBoxIdp *idp, GPtrArray *letters);

#endif
