#ifndef TEST_IDP_H
#define TEST_IDP_H

#include <glib.h>
#include <openssl/evp.h>

/*
 * An identity provider for tests: keys and certificates are made at run time in a folder of their own; it
 * writes messages from templates and signs and encrypts them with xmlsec1, so that an attack is the template
 * or the signed text with one thing changed.
 */
enum { IDP_RSA, IDP_RSA_NEXT, IDP_EC, IDP_OTHER, IDP_WEAK, IDP_SP, IDP_SP_DECRYPT, IDP_N_KEYS };

#define IDP_NOW 1800000000 /* 2027-01-15T08:00:00Z */
#define IDP_ENTITY "https://idp.acme.example/metadata"
#define IDP_PUBLIC "https://bridge.acme.example"

typedef struct {
    char *dir;
    EVP_PKEY *keys[IDP_N_KEYS];
} Idp;

Idp *idp_new(void);
void idp_free(Idp *idp);

/** idp_write: a file in the folder. Returns: (transfer full): its path */
char *idp_write(const Idp *idp, const char *name, const char *text, int mode);
/** idp_certificate: (transfer full): base64 of the DER certificate of @key. */
char *idp_certificate(const Idp *idp, int key);
/** idp_metadata: (transfer full): metadata with the signing keys RSA, RSA_NEXT, EC and WEAK.
 * @attributes: of its EntityDescriptor. */
char *idp_metadata(const Idp *idp, const char *attributes);
/** idp_sign: (transfer full): @xml with every empty ds:Signature in it filled in, innermost first. @key:
 * IDP_…; -1: HMAC with the RSA certificate as its key. */
char *idp_sign(const Idp *idp, const char *xml, int key);
/** idp_encrypt: (transfer full): @xml with its saml:Assertion replaced by a saml:EncryptedAssertion, by
 * xmlsec1 with @transport and @algorithm, for key @key. */
char *idp_encrypt(const Idp *idp, const char *xml, const char *transport, const char *algorithm, int key);
/** idp_signature: (transfer full): the ds:Signature to fill in for the element @id. */
char *idp_signature(const char *id, const char *method);
/** idp_replace: (transfer full): @text with every @from replaced; a @from that is not there fails the test
 * program. */
char *idp_replace(const char *text, const char *from, const char *to);
/** idp_piece: (transfer full): from the first @start through the next @end. */
char *idp_piece(const char *text, const char *start, const char *end);

/** idp_response: (transfer full): a Response to request _req1 for provider @provider, unsigned, with
 * @RSIG@ and @ASIG@ where signatures go and @MORE@ where further attribute values of `groups` go. */
char *idp_response(const char *provider);
/** idp_response_signed: (transfer full): the same with @groups groups and the assertion signed. */
char *idp_response_signed(const Idp *idp, const char *provider, guint groups);

#endif
