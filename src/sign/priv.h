#ifndef RB_SIGN_PRIV_H
#define RB_SIGN_PRIV_H

#include "sign/sign.h"

#include <libxml/tree.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <xmlsec/keys.h>

#define RB_NS_DSIG "http://www.w3.org/2000/09/xmldsig#"
#define RB_NS_XENC "http://www.w3.org/2001/04/xmlenc#"
#define RB_NS_EXC_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIGNUM, BN_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlChar, xmlFree)

struct RbPublicKey {
    EVP_PKEY *pkey;
    xmlSecKeyPtr
        xmlsec; /* the same key, wrapped once: wrapping it for each signature costs more than the rest */
    char *id;
};

/** Where on a token a key is. */
typedef struct RbTokenPlace RbTokenPlace;

struct RbPrivateKey {
    gatomicrefcount refs;
    EVP_PKEY *pkey; /* with @place the public half alone */
    char *id;
    RbTokenPlace *place; /* NULL: the key is here */
};

/** A signature algorithm that we accept. */
typedef struct {
    const char *uri;
    int key_type; /* EVP_PKEY_RSA, EVP_PKEY_EC */
    const char *digest;
} RbSignatureAlgorithm;

/** rb_private_key_take: (transfer full): takes @pkey over (also when it refuses); NULL with sign.key. */
RbPrivateKey *rb_private_key_take(EVP_PKEY *pkey, GError **error);
/** rb_pkey_algorithm: the JWS algorithm of signatures made with @pkey. */
const char *rb_pkey_algorithm(EVP_PKEY *pkey);

/** rb_signature_algorithm_find: NULL for anything not allowed. */
const RbSignatureAlgorithm *rb_signature_algorithm_find(const char *uri);
/** rb_digest_allowed: SHA-256, SHA-384, SHA-512 by their XML names. */
gboolean rb_digest_allowed(const char *uri);

/** rb_ecdsa_to_der: (transfer full): r and s side by side → DER; NULL when the size is not exactly right. */
GBytes *rb_ecdsa_to_der(EVP_PKEY *pkey, const guint8 *raw, gsize size);

/** rb_pkey_build: (transfer full): a public key of @type ("RSA", "EC") out of its numbers; NULL: they are
 * none. */
EVP_PKEY *rb_pkey_build(const char *type, OSSL_PARAM_BLD *builder);

enum { RB_JWS_ALGORITHMS = 5 };

/** A JWK that can be used. @ready: for each algorithm that it may verify, what a verification begins with:
 * never changed, copied for each token, because to set it up takes OpenSSL a fifth of a whole verification.
 */
typedef struct {
    EVP_PKEY *pkey;
    char *kid;        /* NULL: none */
    guint algorithms; /* what it may verify */
    EVP_MD_CTX *ready[RB_JWS_ALGORITHMS];
} RbJwk;
struct RbJwks {
    GPtrArray *keys; /* RbJwk */
};
/** rb_jws_prepare: fills @key's ready; an algorithm that cannot be prepared is taken out. */
void rb_jws_prepare(RbJwk *key);

/** rb_xmlsec_ready: initialises libxml2 and xmlsec1 once for the process, their messages kept off stderr. */
void rb_xmlsec_ready(void);
/** rb_xmlsec_key: (transfer full): @pkey wrapped for xmlsec1. */
xmlSecKeyPtr rb_xmlsec_key(EVP_PKEY *pkey);

#endif
