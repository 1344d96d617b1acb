#ifndef RB_SANDBOX_TOKEN_H
#define RB_SANDBOX_TOKEN_H

#include "sandbox/signature.h"

#include <jansson.h>
#include <openssl/evp.h>

/* JSON Web Tokens as AWS judges them (reference §3.2), written apart from sign/ and verify/. */

enum { RB_BOX_MAX_TOKEN = 20000 };

/** RbBoxToken: a compact JWS taken apart; nothing of it is trusted until rb_box_token_check_signature. */
typedef struct {
    json_t *header, *claims;
    const char *alg, *kid; /* of the header; kid may be NULL */
    char *signed_text;
    GBytes *signature;
} RbBoxToken;

/** rb_box_token_read: (transfer full): NULL when @text is no JWT with an `alg`. */
RbBoxToken *rb_box_token_read(const char *text);
void rb_box_token_free(RbBoxToken *token);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxToken, rb_box_token_free)

/** Whether somebody's keys made a signature. */
typedef enum {
    RB_BOX_SIGNED,
    RB_BOX_NO_KEY,      /* no key of that id and kind in the set, or the set cannot be read */
    RB_BOX_NOT_SIGNED,  /* there is the key, and it did not make this */
    RB_BOX_NO_ALGORITHM /* one that is never taken: none, HS*, PS*, or an unknown one */
} RbBoxSigned;

/** rb_box_token_check_signature: by the key of @jwks (a JWK set) that the header names. */
RbBoxSigned rb_box_token_check_signature(const RbBoxToken *token, GBytes *jwks);

/** rb_box_verify: one signature over @data; @raw: ECDSA's r and s side by side, as JWS and XML have it. */
gboolean rb_box_verify(EVP_PKEY *key, const EVP_MD *digest, gboolean raw, gconstpointer data, gsize size,
                       GBytes *signature);

#endif
