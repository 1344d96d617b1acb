#ifndef RB_SANDBOX_IDP_H
#define RB_SANDBOX_IDP_H

#include "net/net.h"
#include "sandbox/http.h"
#include "sandbox/openid.h"
#include "sandbox/saml.h"

/* The corporation's identity provider, SAML and OpenID Connect: its people, its login page, its answers. */

typedef struct {
    char *uid, *name, *mail, *password;
    GPtrArray *attributes; /* RbBoxAttribute: what the Response says of them besides uid, mail and groups */
    GStrv groups;
} RbBoxPerson;

void rb_box_person_free(RbBoxPerson *person);

typedef struct {
    const char *public_url; /* without a trailing slash */
    const char *entity_id;
    const char *const *sp_metadata; /* files, or https URLs */
    gint64 session_s;
    const GPtrArray *people;   /* RbBoxPerson; borrowed */
    RbBoxSigner *signer;       /* borrowed */
    RbHttp *http;              /* borrowed; NULL: files only */
    const RbBoxOpenid *openid; /* borrowed; NULL: SAML only */
} RbBoxIdpSetting;

typedef struct RbBoxIdp RbBoxIdp;
RbBoxIdp *rb_box_idp_new(const RbBoxIdpSetting *setting);
void rb_box_idp_free(RbBoxIdp *idp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxIdp, rb_box_idp_free)

/** rb_box_idp_answer: whatever is below /idp/. Returns: FALSE when there is nothing at this address. */
gboolean rb_box_idp_answer(RbBoxIdp *idp, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer);

/** rb_box_idp_entity_ids: (transfer full): the service providers known now, for the start page. */
GStrv rb_box_idp_entity_ids(RbBoxIdp *idp);

#endif
