#ifndef RB_SANDBOX_TOKEN_SIGN_H
#define RB_SANDBOX_TOKEN_SIGN_H

#include "base/secret.h"

#include <jansson.h>

/* JSON Web Tokens as a foreign issuer makes them: RS256 and ES256. */

typedef struct RbBoxTokenKey RbBoxTokenKey;

/** rb_box_token_key_new: (transfer full): a private RSA or P-256 key in PEM; its kid is its thumbprint. */
RbBoxTokenKey *rb_box_token_key_new(const RbSecret *pem, GError **error);
void rb_box_token_key_free(RbBoxTokenKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxTokenKey, rb_box_token_key_free)

/** rb_box_token_key_algorithm: "RS256" or "ES256". */
const char *rb_box_token_key_algorithm(const RbBoxTokenKey *key);

/** rb_box_token_keys_json: (transfer full): the JWK set of @n keys, NULLs among them left out. */
char *rb_box_token_keys_json(const RbBoxTokenKey *const *keys, gsize n);

/** rb_box_token_sign: (transfer full): @typ: "JWT", "logout+jwt". */
char *rb_box_token_sign(const RbBoxTokenKey *key, const char *typ, const json_t *claims);

/** rb_box_json_text: (transfer full): @json (taken over) as text. */
char *rb_box_json_text(json_t *json);

#endif
