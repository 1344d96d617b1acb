#ifndef RB_SIGN_SIGN_H
#define RB_SIGN_SIGN_H

#include "base/refusal.h"
#include "base/secret.h"

#include <glib.h>
#include <jansson.h>

/*
 * Signatures and encryption, made and checked with keys that the caller gives. Which keys to trust is never
 * decided here, and nothing that arrives with a message (KeyInfo, a token's header) adds a key or an
 * algorithm.
 *
 * XML: the caller's own libxml2 tree is worked on, because the node that is verified must be the node that is
 * read; it is the one foreign type at this door, and opaque here.
 */
typedef struct _xmlNode RbXmlNode;

enum {
    RB_SIGN_MIN_RSA_BITS = 2048,
    RB_SIGN_MAX_RSA_BITS = 16384,
    RB_SIGN_MAX_KEYS = 16,             /* tried for one signature */
    RB_SIGN_MAX_KEY_FILE = 256 * 1024, /* bytes of a PEM file */
    RB_SIGN_MAX_SIGNATURE = 2048,      /* bytes of a signature value */
};

/* ---- keys ---- */

/** A public key, prepared once for checking many signatures; immutable, shared between threads. */
typedef struct RbPublicKey RbPublicKey;
/** A private key; reference-counted, shared between threads. */
typedef struct RbPrivateKey RbPrivateKey;

/**
 * rb_public_key_from_certificate: the key of a DER certificate. Nothing else of it is used: a key is trusted
 * because of where the caller found it, not for what its certificate says. RSA of 2048 bits or more, or EC on
 * P-256, P-384 or P-521. Returns: (transfer full): the key, or NULL with sign.key
 */
RbPublicKey *rb_public_key_from_certificate(const void *der, gsize size, GError **error);
/** rb_public_key_from_pem: of a PEM certificate or PEM public key. */
RbPublicKey *rb_public_key_from_pem(const char *pem, gsize size, GError **error);
void rb_public_key_free(RbPublicKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbPublicKey, rb_public_key_free)
/** rb_public_key_id: hex SHA-256 of its SubjectPublicKeyInfo. */
const char *rb_public_key_id(const RbPublicKey *key);

/** rb_private_key_parse: an unencrypted PEM private key of the same kinds. */
RbPrivateKey *rb_private_key_parse(const RbSecret *pem, GError **error);
RbPrivateKey *rb_private_key_ref(RbPrivateKey *key);
void rb_private_key_unref(RbPrivateKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbPrivateKey, rb_private_key_unref)
/** rb_private_key_id: as of the public half, to match it with a certificate. */
const char *rb_private_key_id(const RbPrivateKey *key);
gboolean rb_private_key_is_rsa(const RbPrivateKey *key);

/** rb_certificate_to_der: (transfer full): the first certificate of @pem as DER, or NULL with sign.key. */
GBytes *rb_certificate_to_der(const char *pem, gsize size, GError **error);

/* ---- keys and certificates of our own ---- */

/**
 * rb_private_key_generate: (transfer full): a new key for @algorithm, a JWS name: RS256 (RSA of 3072 bits),
 * ES256, ES384; NULL with sign.key for any other name
 */
RbPrivateKey *rb_private_key_generate(const char *algorithm, GError **error);
/** rb_private_key_to_pem: (transfer full): unencrypted PKCS #8; NULL with fault.internal. */
RbSecret *rb_private_key_to_pem(const RbPrivateKey *key, GError **error);
/** rb_private_key_algorithm: the JWS algorithm that rb_jws_make() uses with @key: "RS256", "ES256", … */
const char *rb_private_key_algorithm(const RbPrivateKey *key);
/** rb_private_key_bits: of its modulus or curve. */
guint rb_private_key_bits(const RbPrivateKey *key);

/* ---- keys on a PKCS#11 token ---- */

/** A token of a PKCS#11 module: a security module, a smart card, SoftHSM. Shared by threads, each of which
 * signs on a session of its own. Found and logged in to when first needed, and again after it went away. */
typedef struct RbToken RbToken;
/**
 * rb_token_new: @module: the module's file; @label: of the token; @pin: the user's. The module is loaded,
 * the token not asked for anything yet. Returns: (transfer full): the token, or NULL with fault.keys
 */
RbToken *rb_token_new(const char *module, const char *label, RbSecret *pin, GError **error);
RbToken *rb_token_ref(RbToken *token);
void rb_token_unref(RbToken *token);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbToken, rb_token_unref)

/** rb_token_key_generate: (transfer full): like rb_private_key_generate(), made on the token and never to
 * leave it; NULL with sign.key or fault.keys */
RbPrivateKey *rb_token_key_generate(RbToken *token, const char *algorithm, GError **error);
/** rb_token_key: (transfer full): the private key that @uri ("pkcs11:…", RFC 7512) names on @token, whose
 * public half is in @certificate. The token is asked when it is to sign. NULL with sign.key: no such URI, one
 * of another token, or one with a PIN in it */
RbPrivateKey *rb_token_key(RbToken *token, const char *uri, GBytes *certificate, GError **error);
/** rb_private_key_uri: where @key is on its token; NULL: it is on none. */
const char *rb_private_key_uri(const RbPrivateKey *key);

/**
 * rb_certificate_make: (transfer full): a self-signed X.509 certificate as DER, its subject CN=@name: a
 * container for the public key, whose trust comes from where it is published. NULL with fault.internal, or
 * what signing says
 */
GBytes *rb_certificate_make(const RbPrivateKey *key, const char *name, gint64 not_before, gint64 not_after,
                            GError **error);
/** rb_certificate_to_pem: (transfer full). */
char *rb_certificate_to_pem(GBytes *der);
/** rb_certificate_key_id: (transfer full): rb_private_key_id() of the key that fits @der; NULL with sign.key.
 */
char *rb_certificate_key_id(GBytes *der, GError **error);

/** rb_certificate_jwk: (transfer full): the public key of @der as a JWK for signatures: kty and its numbers,
 * use, alg, @kid, x5c; NULL with sign.key */
json_t *rb_certificate_jwk(GBytes *der, const char *kid, GError **error);

/* ---- signatures over bytes, by XML Signature's algorithm names (SAML's redirect binding) ---- */

/** rb_signature_algorithm: the name of what rb_signature_make() does with @key: RSA or ECDSA, with SHA-256
 * (P-384: SHA-384, P-521: SHA-512). */
const char *rb_signature_algorithm(const RbPrivateKey *key);
/** rb_signature_make: (transfer full): the signature, ECDSA as r and s side by side; NULL with
 * fault.internal. */
GBytes *rb_signature_make(const RbPrivateKey *key, const void *data, gsize size, GError **error);
/**
 * rb_signature_verify: by any of @keys. RSA PKCS #1 v1.5 or ECDSA with SHA-256, SHA-384 or SHA-512; other
 * @algorithm names are refused with saml.algorithm, a wrong signature with saml.signature_invalid.
 */
gboolean rb_signature_verify(RbPublicKey *const *keys, guint n_keys, const char *algorithm, const void *data,
                             gsize size, const void *signature, gsize signature_size, GError **error);

/* ---- JSON Web Signatures (RFC 7515, 7517, 7518, 8037) ---- */

enum {
    RB_JWS_MAX = 256 * 1024,      /* bytes of a token: 2,000 groups take about 100 KiB */
    RB_JWS_MAX_HEADER = 8 * 1024, /* of its header, encoded */
    RB_JWS_MAX_KID = 512,
    RB_JWKS_MAX = 256 * 1024, /* bytes of a key set */
    RB_JWKS_MAX_KEYS = 100,
    RB_JWK_MAX_RSA_BITS = 8192,
    RB_JSON_MAX_DEPTH = 16,
};

/** Algorithms, as bits of a set. No others exist here: neither "none" nor any HMAC. */
typedef enum {
    RB_JWS_RS256 = 1 << 0,
    RB_JWS_PS256 = 1 << 1,
    RB_JWS_ES256 = 1 << 2,
    RB_JWS_ES384 = 1 << 3,
    RB_JWS_EDDSA = 1 << 4, /* Ed25519 */
    RB_JWS_ALL = (1 << 5) - 1,
} RbJwsAlgorithm;

/** rb_jws_algorithm: 0 for a name that is not accepted. */
guint rb_jws_algorithm(const char *name);

/**
 * rb_json_parse: one JSON object: no duplicate members, no NUL, valid UTF-8, at most RB_JSON_MAX_DEPTH deep,
 * nothing behind it. Returns: (transfer full): the object, or NULL with @code
 */
json_t *rb_json_parse(const void *bytes, gsize size, RbRefusalCode code, const char *what, GError **error);

/** An issuer's public keys: immutable. */
typedef struct RbJwks RbJwks;

/**
 * rb_jwks_parse: the usable keys of a JWK set: RSA 2048 to 8192 bits, EC on P-256 and P-384, Ed25519; public,
 * for signatures. Others are left out: a set may hold keys for other purposes. Returns: (transfer full): the
 * keys, or NULL with oidc.keys when there is no usable one
 */
RbJwks *rb_jwks_parse(const void *bytes, gsize size, GError **error);
void rb_jwks_free(RbJwks *keys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbJwks, rb_jwks_free)
guint rb_jwks_size(const RbJwks *keys);
/** rb_jwks_id: the kid of key @i, or NULL. */
const char *rb_jwks_id(const RbJwks *keys, guint i);

/** A verified token: @claims come from the bytes that the signature covers. */
typedef struct {
    json_t *header, *claims;
    RbJwsAlgorithm algorithm;
} RbJws;
void rb_jws_free(RbJws *jws);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbJws, rb_jws_free)

/**
 * rb_jws_verify: @token in compact form, signed with one of @algorithms by the key of @keys that its header
 * picks: by kid, or without one the only key that fits. What the header says of keys besides is not read.
 * Returns: (transfer full): the token, or NULL with jwt.too_large, .malformed, .header, .algorithm,
 * .key_unknown or .signature_invalid
 */
RbJws *rb_jws_verify(const RbJwks *keys, guint algorithms, const char *token, GError **error);

/** rb_jws_half_hash: (transfer full): base64url of the left half of @text's hash, as at_hash has it (OIDC
 * Core 3.1.3.6). */
char *rb_jws_half_hash(RbJwsAlgorithm algorithm, const char *text);

/** rb_jws_make: (transfer full): @claims signed by @key, @kid (NULL: none) in the header; NULL with
 * fault.internal. */
RbSecret *rb_jws_make(const RbPrivateKey *key, const char *kid, const json_t *claims, GError **error);

/* ---- XML nodes ---- */

/** rb_xml_is: whether @node (NULL: no) is the element @name of namespace @ns. */
gboolean rb_xml_is(const RbXmlNode *node, const char *ns, const char *name);
/** rb_xml_first, rb_xml_next: child elements, whatever is between them; NULL: no more. */
RbXmlNode *rb_xml_first(const RbXmlNode *parent);
RbXmlNode *rb_xml_next(const RbXmlNode *node);
/** rb_xml_attribute: the attribute @name without namespace, borrowed from the tree; NULL: none. */
const char *rb_xml_attribute(const RbXmlNode *node, const char *name);

/* ---- XML Signature ---- */

/** rb_xml_signature_find: the one ds:Signature that is a direct child of @element; NULL: none. More than one:
 * NULL with saml.signature_profile. */
RbXmlNode *rb_xml_signature_find(RbXmlNode *element, GError **error);

/**
 * rb_xml_signature_verify: that @signature, a direct child of @element, covers @element: exactly one
 * Reference, to @element's ID attribute; transforms enveloped-signature and exclusive c14n, nothing else;
 * SHA-256 or better; by any of @keys. KeyInfo is not read. @element's ID must be unique in its document,
 * which the caller checks over all ID attributes first. Returns: TRUE, or FALSE with saml.signature_profile,
 * saml.algorithm or saml.signature_invalid
 */
gboolean rb_xml_signature_verify(RbXmlNode *element, RbXmlNode *signature, RbPublicKey *const *keys,
                                 guint n_keys, GError **error);

/**
 * rb_xml_signature_make: signs @element by its ID attribute: a ds:Signature goes in after @after (a child;
 * NULL: as first child), with @certificate (DER; NULL: none) in its KeyInfo. Returns: FALSE with
 * fault.internal
 */
gboolean rb_xml_signature_make(RbXmlNode *element, RbXmlNode *after, const RbPrivateKey *key,
                               GBytes *certificate, GError **error);

/* ---- XML Encryption ---- */

/**
 * rb_xml_decrypt: the plaintext of xenc:EncryptedData @encrypted; its key comes encrypted in its KeyInfo or
 * in a sibling xenc:EncryptedKey. Key transport RSA-OAEP, data AES-GCM; AES-CBC, which cannot tell altered
 * ciphertext, only with @allow_cbc. @max_size bounds the plaintext. Returns: (transfer full): the bytes, or
 * NULL with saml.encryption_algorithm or saml.decryption_failed
 */
GBytes *rb_xml_decrypt(RbXmlNode *encrypted, RbPrivateKey *const *keys, guint n_keys, gboolean allow_cbc,
                       gsize max_size, GError **error);

#endif
