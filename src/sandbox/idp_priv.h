#ifndef RB_SANDBOX_IDP_PRIV_H
#define RB_SANDBOX_IDP_PRIV_H

#include "sandbox/idp.h"
#include "sandbox/page.h"

/* Inside the identity provider (idp*.c). */

#define RB_BOX_COOKIE "sandbox_sign_on"
enum { RB_BOX_PENDING_S = 600, RB_BOX_MAX_PENDING = 2000, RB_BOX_METADATA_S = 60 };

/** A sign-in that waits for somebody to fill in the page. */
typedef struct {
    char *sp, *acs;
    char *request_id; /* NULL: started here */
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
    GHashTable *sps; /* entity ids of service providers told */
} RbBoxSignOn;

struct RbBoxIdp {
    RbBoxIdpSetting setting;
    char *sso_url, *slo_url;
    GMutex mutex;         /* one request at a time: what takes long is a signature */
    GHashTable *pending;  /* token → RbBoxPending */
    GHashTable *sign_ons; /* cookie → RbBoxSignOn */
    GPtrArray *sps;       /* RbBoxSp, in the order of sp_metadata; NULL: not loaded yet */
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

/** rb_box_idp_respond: the page that carries the signed Response to the service provider; @status as in
 * RbBoxResponse. */
void rb_box_idp_respond(RbBoxIdp *idp, const RbBoxPending *pending, RbBoxSignOn *sign_on, const char *status,
                        gint64 now, RbBoxAnswer *answer);

/** rb_box_idp_slo, _logout: single logout, asked for by a service provider, and by the person here. */
void rb_box_idp_slo(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now,
                    RbBoxAnswer *answer);
void rb_box_idp_logout(RbBoxIdp *idp, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer);

#endif
