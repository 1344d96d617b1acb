#ifndef RB_VERIFY_JWT_H
#define RB_VERIFY_JWT_H

/* Inside verify/ alone: the rules that every token keeps (RFC 7519, RFC 8725, OIDC Core 3.1.3.7). */
#include "base/refusal.h"
#include "verify/priv.h"

enum { RB_JWT_MAX_SUBJECT = 255, RB_JWT_MAX_AUDIENCES = 64 };

/** What one issuer's tokens of one kind must satisfy; immutable. */
typedef struct {
    const char *issuer;
    const char *audience;     /* us: client_id */
    const char *const *types; /* values of typ, lower-case, NULL-terminated; a token without typ is taken */
    guint algorithms;         /* RbJwsAlgorithm */
    gint64 skew_s;
} RbJwtRules;

/**
 * rb_jwt_verify: @token, signed by one of @keys: signature (sign/), typ, iss, aud and azp, exp, nbf, iat, in
 * this order. Returns: (transfer full): the token, or NULL with jwt.*
 */
RbJws *rb_jwt_verify(const RbJwtRules *rules, const RbJwks *keys, const char *token, gint64 now,
                     GError **error);

/** rb_jwt_check_claims: the same without the signature: of @jws, which was verified. */
gboolean rb_jwt_check_claims(const RbJwtRules *rules, const RbJws *jws, gint64 now, GError **error);

/** rb_jwt_check_life: exp is at most @longest_s after iat; jwt.lifetime. */
gboolean rb_jwt_check_life(const json_t *claims, gint64 longest_s, GError **error);

/** rb_claim_time: a NumericDate of the years 1970 to 9999, fractions cut off: no sum below can overflow.
 * Missing: FALSE with jwt.malformed when @required, else TRUE and 0. */
gboolean rb_claim_time(const json_t *claims, const char *name, gboolean required, gint64 *at, GError **error);

/** rb_claim_text: a text; missing: TRUE and NULL; of another type: jwt.malformed. */
gboolean rb_claim_text(const json_t *claims, const char *name, const char **text, GError **error);

/** rb_claim_as_text: a text, a whole number or a truth as text, borrowed from @value or kept in @made; NULL
 * for anything else. */
const char *rb_claim_as_text(const json_t *value, GStringChunk *made);

/** rb_claim_subject: sub: 1 to 255 bytes; jwt.subject. */
const char *rb_claim_subject(const json_t *claims, GError **error);

#endif
