#ifndef RB_SIGN_TOKEN_PRIV_H
#define RB_SIGN_TOKEN_PRIV_H

#include "sign/sign.h"

#include <p11-kit/pkcs11.h>

/* Sessions of a token, for token_key.c. */

typedef struct {
    CK_SESSION_HANDLE handle;
    guint generation; /* of the connection */
    gboolean writes, lost;
} RbTokenSession;

/** rb_token_take: a session that nobody else uses; connects first where need be. FALSE with fault.keys, and
 * @session->lost when another try may fare better after rb_token_drop(). */
gboolean rb_token_take(RbToken *token, gboolean writes, RbTokenSession *session, GError **error);
/** rb_token_put: back for others. rb_token_drop: the connection is no good. */
void rb_token_put(RbToken *token, const RbTokenSession *session);
void rb_token_drop(RbToken *token, const RbTokenSession *session);

/** rb_token_lost: whether @rv says that the token does not know us any more. */
gboolean rb_token_lost(CK_RV rv);
/** rb_token_fault: FALSE, with fault.keys in @error: which token, what, and PKCS#11's own reason. */
gboolean rb_token_fault(const RbToken *token, CK_RV rv, const char *what, GError **error);

const char *rb_token_label(const RbToken *token);
CK_FUNCTION_LIST *rb_token_module(const RbToken *token);

#endif
