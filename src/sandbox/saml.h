#ifndef RB_SANDBOX_SAML_H
#define RB_SANDBOX_SAML_H

#include "base/secret.h"

#include <glib.h>
#include <libxml/tree.h>
#include <openssl/evp.h>

/* SAML 2.0 from the identity provider's side: service providers' metadata, requests read, answers signed. */

#define RB_BOX_MFA "https://refeds.org/profile/mfa"
#define RB_BOX_PASSWORD "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

typedef struct {
    char *location;
    gint64 index;
    gboolean is_default;
} RbBoxAcs;

/** A service provider, as its metadata says. */
typedef struct {
    char *entity_id;
    GPtrArray *keys; /* EVP_PKEY: what its messages are signed with */
    GPtrArray *acs;  /* RbBoxAcs, HTTP-POST only */
    char *slo;       /* HTTP-Redirect; NULL: takes no logout messages */
    char *slo_response;
} RbBoxSp;

/** rb_box_sp_parse: Returns: (transfer full): the service provider of @xml, or NULL with request.malformed */
RbBoxSp *rb_box_sp_parse(const char *xml, gsize size, GError **error);
void rb_box_sp_free(RbBoxSp *sp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxSp, rb_box_sp_free)

/** An identity provider, as its metadata says: what AWS's side needs of it. */
typedef struct {
    char *entity_id;
    GPtrArray *keys; /* EVP_PKEY */
} RbBoxIdpKeys;

/** rb_box_idp_keys_parse: (transfer full): NULL with request.malformed */
RbBoxIdpKeys *rb_box_idp_keys_parse(const char *xml, gsize size, GError **error);
void rb_box_idp_keys_free(RbBoxIdpKeys *idp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxIdpKeys, rb_box_idp_keys_free)

/** The IdP's own key. */
typedef struct RbBoxSigner RbBoxSigner;

/** rb_box_signer_new: @key and @certificate in PEM. */
RbBoxSigner *rb_box_signer_new(const RbSecret *key, GBytes *certificate, GError **error);
void rb_box_signer_free(RbBoxSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxSigner, rb_box_signer_free)

/** rb_box_signer_sign: puts a signature over @node, whose ID is @id, after its Issuer (RSA-SHA256). */
gboolean rb_box_signer_sign(const RbBoxSigner *signer, xmlNode *node, const char *id);

/** rb_box_signer_certificate: base64 DER, for metadata. */
const char *rb_box_signer_certificate(const RbBoxSigner *signer);

/** A message that came by HTTP-Redirect or HTTP-POST. */
typedef enum { RB_BOX_AUTHN_REQUEST, RB_BOX_LOGOUT_REQUEST, RB_BOX_LOGOUT_RESPONSE } RbBoxMessageKind;

typedef struct {
    RbBoxMessageKind kind;
    char *id, *issuer, *destination;
    gint64 issued_at;
    char *relay_state;
    /* AuthnRequest */
    char *acs_url;
    gint64 acs_index; /* -1: not said */
    gboolean force, passive;
    GStrv contexts; /* RequestedAuthnContext, exact; empty: any */
    /* logout */
    char *name_id;
    char *session_index;
    char *in_response_to;
} RbBoxMessage;

void rb_box_message_free(RbBoxMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxMessage, rb_box_message_free)

/** rb_box_message_decode: @field: the value of SAMLRequest or SAMLResponse; @deflated for HTTP-Redirect. */
RbBoxMessage *rb_box_message_decode(const char *field, gboolean deflated, GError **error);

/** rb_box_redirect_check: whether the query, as sent, was signed by one of @sp's keys (Bindings 3.4.4.1). */
gboolean rb_box_redirect_check(const char *query, const RbBoxSp *sp, GError **error);

/** rb_box_redirect_url: (transfer full): @location with the signed @message (@name: SAMLRequest,
 * SAMLResponse). */
char *rb_box_redirect_url(const RbBoxSigner *signer, const char *location, const char *name,
                          const char *message, const char *relay_state);

/** Everything a Response says. */
typedef struct {
    const char *issuer, *destination, *audience;
    const char *in_response_to; /* NULL: unsolicited */
    const char *status;         /* NULL: success; else the second status code's last part, "AuthnFailed" */
    const char *name_id, *session_index, *context;
    gint64 now, authenticated_at, session_until;
    GPtrArray *attributes; /* RbBoxAttribute */
} RbBoxResponse;

typedef struct {
    char *name;
    GStrv values;
} RbBoxAttribute;
/** rb_box_attribute_free: also as a GDestroyNotify. */
void rb_box_attribute_free(gpointer attribute);

/** rb_box_response_sign: (transfer full): the Response with assertion and message signed (RSA-SHA256). */
char *rb_box_response_sign(const RbBoxSigner *signer, const RbBoxResponse *response, GError **error);

/** rb_box_saml_id: (transfer full): "_" and 128 random bits. */
char *rb_box_saml_id(void);

#endif
