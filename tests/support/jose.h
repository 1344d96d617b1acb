#ifndef RB_TESTS_SUPPORT_JOSE_H
#define RB_TESTS_SUPPORT_JOSE_H

#include <glib.h>
#include <jansson.h>
#include <openssl/evp.h>

/* JOSE as an issuer, or an attacker, makes it: straight on OpenSSL, with nothing of src/sign. */

/** jose_key: a fresh key: "RSA" (2048), "RSA-1024", "P-256", "P-384", "P-521", "Ed25519". */
EVP_PKEY *jose_key(const char *kind);
/** jose_jwk: (transfer full): the public key as a JWK, @more ("\"use\":\"sig\"") among its members; @kid
 * NULL: none. */
char *jose_jwk(EVP_PKEY *key, const char *kid, const char *more);
/** jose_jwks: (transfer full): a set of the given JWKs, ended by NULL. */
char *jose_jwks(const char *first, ...) G_GNUC_NULL_TERMINATED;
/** jose_pem: (transfer full): the public key in PEM. */
char *jose_pem(EVP_PKEY *key);

/** jose_claims: (transfer full): @claims (transfer full) with the members of the object @change put in their
 * places; those that are null there are taken out. */
char *jose_claims(json_t *claims, const char *change);
/** jose_sign: (transfer full): a token of @header and @payload, as they are, signed in the way of @alg:
 * RS256, RS512, PS256, PS256-salt0, ES256, ES384, ES512, EdDSA; "none": an empty signature. */
char *jose_sign(EVP_PKEY *key, const char *alg, const char *header, const char *payload);
/** jose_hmac: (transfer full): the same with HS256 and @secret. */
char *jose_hmac(const char *secret, const char *header, const char *payload);
/** jose_with_signature: (transfer full): @token with other signature bytes. */
char *jose_with_signature(const char *token, const void *bytes, gsize size);

#endif
