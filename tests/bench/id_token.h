#ifndef BENCH_ID_TOKEN_H
#define BENCH_ID_TOKEN_H

#include "jose.h"

#include "verify/oidc.h"

/* An ID token as issuers send them, and all that rolebridge does with one: signature, claims, identity. */

#define ID_TOKEN_NOW 1700000000

typedef struct {
    EVP_PKEY *rsa, *p256;
    char *jwks;
    RbMfaRules mfa;
    RbSeat seat;
    RbOidc oidc;
    RbOidcTrust trust;
    RbSignIn *sign_in;
    RbSecret *access_token;
} Party;

Party *party_new(void);
void party_free(Party *party);

/** party_token: (transfer full): of @groups groups, signed by @alg ("RS256", "ES256"); @kid NULL: the key's
 * own. */
char *party_token(const Party *party, const char *alg, guint groups, const char *kid);

/** party_identity: (transfer full): from the token's bytes to who it is about. */
RbIdentity *party_identity(const Party *party, const char *token, GError **error);

#endif
