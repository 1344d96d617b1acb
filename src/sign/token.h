#ifndef RB_SIGN_TOKEN_H
#define RB_SIGN_TOKEN_H

#include "sign/priv.h"

/* Keys that stay on a PKCS#11 token: the rest of sign/ sees their public half, and asks here for signatures.
 */

/** rb_token_sign: (transfer full): the signature of @digest (SHA-256, SHA-384 or SHA-512 by its size) by
 * @key, which is on a token: PKCS #1 v1.5, or ECDSA as r and s side by side. NULL with fault.keys. */
GBytes *rb_token_sign(const RbPrivateKey *key, const guint8 *digest, gsize size, GError **error);

/** rb_token_place_free: what a key remembers of its place on a token. */
void rb_token_place_free(RbTokenPlace *place);

#endif
