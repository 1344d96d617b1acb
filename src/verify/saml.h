#ifndef RB_VERIFY_SAML_H
#define RB_VERIFY_SAML_H

/* Inside verify/ alone: what the files saml*.c share. */
#include "verify/priv.h"

#include <libxml/tree.h>

#define RB_NS_SAML "urn:oasis:names:tc:SAML:2.0:assertion"
#define RB_NS_SAMLP "urn:oasis:names:tc:SAML:2.0:protocol"
#define RB_NS_MD "urn:oasis:names:tc:SAML:2.0:metadata"
#define RB_NS_DS "http://www.w3.org/2000/09/xmldsig#"
#define RB_NS_ENC "http://www.w3.org/2001/04/xmlenc#"
#define RB_SAML_BINDING_POST "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
#define RB_SAML_BINDING_REDIRECT "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
#define RB_SAML_SUCCESS "urn:oasis:names:tc:SAML:2.0:status:Success"
#define RB_SAML_BEARER "urn:oasis:names:tc:SAML:2.0:cm:bearer"

/* Limits on what comes from outside; 2,000 groups of 100 bytes take about 400 KiB, encrypted 600 KiB. */
enum {
    RB_SAML_MAX_XML = 1024 * 1024,  /* bytes of a Response, decoded */
    RB_SAML_MAX_LOGOUT = 64 * 1024, /* bytes of a logout message, inflated */
    RB_SAML_MAX_QUERY = 32 * 1024,  /* bytes of a redirect's query */
    RB_SAML_MAX_METADATA = 8 * 1024 * 1024,
    RB_SAML_MAX_ELEMENTS = 50000,
    RB_SAML_MAX_ELEMENTS_METADATA = 200000,
    RB_SAML_MAX_DEPTH = 32,
    RB_SAML_MAX_ATTRIBUTES = 64,  /* of one element, its namespace declarations included */
    RB_SAML_MAX_NAMESPACES = 64,  /* declared on one element and those around it */
    RB_SAML_MAX_IDS = 256,        /* of a message */
    RB_SAML_MAX_RELAY_STATE = 80, /* Bindings 3.4.3 */
    RB_SAML_MAX_ID = 256,         /* bytes of an ID that we keep */
    RB_SAML_LOGOUT_LIFE_S = 300,  /* of a LogoutRequest that sets no end */
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/** What is known of the identity provider, from its metadata. Immutable, in a g_atomic_rc_box. */
typedef struct {
    char *entity_id;
    char *sso_redirect;          /* NULL: none */
    char *logout_redirect;       /* NULL: none */
    char *logout_redirect_reply; /* ResponseLocation; NULL: logout_redirect */
    gboolean wants_signed_requests;
    GPtrArray *keys;    /* RbPublicKey */
    gint64 valid_until; /* 0: not said */
} RbSamlTrust;
void rb_saml_trust_unref(RbSamlTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSamlTrust, rb_saml_trust_unref)

/** One provider of type saml, as configured. Immutable but for its keyring. */
typedef struct {
    const RbSeat *seat;
    char *entity_id; /* ours */
    char *acs, *slo, *metadata_url;
    char *idp_entity_id;       /* NULL: the only one in the metadata */
    char *metadata_sha256;     /* NULL: not pinned */
    RbPublicKey *metadata_key; /* NULL: not signed */
    RbKeyring *keyring;
    RbPrivateKey *signing_key;       /* NULL: requests are not signed, no logout */
    GPtrArray *signing_certificates; /* GBytes, DER */
    GPtrArray *decryption_keys;      /* RbPrivateKey */
    GPtrArray *decryption_certificates;
    char *name_attribute; /* NULL: NameID */
    GStrv group_attributes;
    char *name_id_format; /* asked for; NULL: any */
    GStrv authn_contexts; /* always asked for; empty: none */
    gboolean idp_initiated, sts, force_authn, allow_cbc, want_response_signed, want_assertion_signed;
} RbSaml;

/* ---- saml_config.c ---- */
gpointer rb_saml_load(const RbYaml *node, const RbSeat *seat, RbDiagnostics *problems);
void rb_saml_unload(gpointer self);

/* ---- saml_metadata.c ---- */
/** rb_saml_metadata_parse: the RbKeyringSetting.parse of a RbSaml. */
gpointer rb_saml_metadata_parse(gconstpointer owner, GBytes *bytes, gint64 now, gint64 *refresh_s,
                                GError **error);
void rb_saml_trust_clear(gpointer trust);
/** rb_saml_trust: (transfer full): what is known and still valid at @now, or NULL with saml.metadata_expired
 * or fault.network. */
RbSamlTrust *rb_saml_trust(const RbSaml *saml, gint64 now, GError **error);

/* ---- saml_xml.c: bytes → tree, once ---- */
/** What a walk over a whole tree found. */
typedef struct {
    GHashTable *ids; /* every ID attribute's value, borrowed from the trees */
    guint elements, max_elements, max_ids;
    guint assertions, encrypted_assertions, signatures;
} RbSamlCounts;
/** rb_saml_xml_parse: (transfer full): the tree of @bytes, all of it walked and counted into @counts, whose
 * ids must be unique over all trees counted there; or NULL with saml.malformed, saml.too_large,
 * saml.forbidden_xml, saml.duplicate_id. */
xmlDoc *rb_saml_xml_parse(GBytes *bytes, RbSamlCounts *counts, GError **error);
/** rb_saml_child: the first child element @name of namespace @ns, NULL: none. */
xmlNode *rb_saml_child(const xmlNode *parent, const char *ns, const char *name);
/** rb_saml_only_child: the same, and there must be exactly one (@required) or at most one. Returns: FALSE
 * with saml.malformed. */
gboolean rb_saml_only_child(const xmlNode *parent, const char *ns, const char *name, gboolean required,
                            xmlNode **child, GError **error);
/** rb_saml_text: (transfer full): an element's text, read whole across comments and CDATA; NULL when it has
 * child elements. */
char *rb_saml_text(const xmlNode *node);
/** rb_saml_text_is: whether an element's text is exactly @text. */
gboolean rb_saml_text_is(const xmlNode *node, const char *text);
/** rb_saml_time: a time attribute: UTC. Returns: FALSE with saml.malformed when it is there and not a time;
 * 0 in @at when it is not there. */
gboolean rb_saml_time(const xmlNode *node, const char *name, gint64 *at, GError **error);

/* ---- saml_checks.c, in the order of a Response's checks ---- */

/** One answer under verification. */
typedef struct {
    const RbSaml *saml;
    const RbSamlTrust *trust;
    const RbSignIn *sign_in; /* NULL: unsolicited */
    gboolean unsolicited;    /* and that is allowed */
    gint64 now;
    xmlDoc *doc, *plain; /* plain: the decrypted assertion's own tree */
    xmlNode *response, *assertion;
    RbSamlCounts counts;
    gboolean response_signed;
    gint64 usable_until; /* the latest NotOnOrAfter of a bearer confirmation */
} RbSamlAnswer;

gboolean rb_saml_check_version(const xmlNode *message, GError **error);
gboolean rb_saml_check_issuer(const RbSamlTrust *trust, const xmlNode *parent, gboolean required,
                              GError **error);
gboolean rb_saml_check_destination(const xmlNode *message, const char *ours, gboolean required,
                                   GError **error);
gboolean rb_saml_check_status(const xmlNode *response, GError **error);
gboolean rb_saml_check_issue_instant(const xmlNode *message, gint64 now, gint64 skew_s, gint64 *at,
                                     GError **error);
/** rb_saml_check_response: everything outside the assertion. */
gboolean rb_saml_check_response(const RbSamlAnswer *answer, GError **error);
/** rb_saml_check_assertion: everything inside; the signature is the caller's. */
gboolean rb_saml_check_assertion(RbSamlAnswer *answer, GError **error);

/* ---- saml_response.c, saml_identity.c ---- */
RbVerified *rb_saml_finish(gpointer self, const RbSignIn *sign_in, const RbInbound *inbound, gint64 now,
                           GError **error);
/** rb_saml_assertion: a Response that nobody asked for, exchanged for credentials (`sts: true`). */
RbVerified *rb_saml_assertion(gpointer self, const char *assertion, gint64 now, GError **error);
/** rb_saml_identity: (transfer full): the identity of a verified assertion. */
RbIdentity *rb_saml_identity(const RbSamlAnswer *answer, GError **error);
/** rb_saml_post_bytes: (transfer full): a POST field's message, size checked before decoding. */
GBytes *rb_saml_post_bytes(const RbInbound *inbound, const char *field, gsize max_size, GError **error);

/* ---- saml_redirect.c ---- */
/** rb_saml_redirect_url: (transfer full): @location with the message deflated, and signed when @key is
 * given. @parameter: "SAMLRequest" or "SAMLResponse". */
char *rb_saml_redirect_url(const char *location, const char *parameter, const char *message,
                           const char *relay_state, const RbPrivateKey *key, GError **error);
/** rb_saml_redirect_read: (transfer full): the message in @raw_query after its signature was verified over
 * the octets as sent. @is_request: (out): which of the two parameters it was. */
GBytes *rb_saml_redirect_read(const char *raw_query, const RbSamlTrust *trust, gboolean *is_request,
                              GError **error);

/* ---- saml_sp.c: what we say ---- */
char *rb_saml_sp_metadata(gpointer self, gint64 now, GError **error);
char *rb_saml_begin(gpointer self, const char *relay_state, gboolean mfa, gboolean force, gint64 now,
                    RbSignIn **sign_in, GError **error);
/** rb_saml_new_id: (transfer full): "_" and 160 random bits. */
char *rb_saml_new_id(void);

/* ---- saml_logout.c ---- */
char *rb_saml_logout_url(gpointer self, const RbIdentity *identity, const char *relay_state, gint64 now,
                         char **request_id, GError **error);
RbLogout *rb_saml_logout_receive(gpointer self, const RbInbound *inbound, gint64 now, GError **error);
char *rb_saml_logout_reply(gpointer self, const RbLogout *request, const char *relay_state, gboolean success,
                           gint64 now, GError **error);

#endif
