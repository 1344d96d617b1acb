#ifndef TEST_PARTY_H
#define TEST_PARTY_H

#include "issuer.h"

/* A relying party of the test issuer: providers of every shape that the tests need, and the steps of a
 * sign-in. */

extern Issuer *issuer;
extern RbProviders *providers; /* corp: basic; post, public, strict, entra */

int party_set_up(void **state);
int party_tear_down(void **state);
/** fresh: the provider, its issuer honest again and read anew. */
RbProvider *fresh(const char *id);

typedef struct {
    char *url, *nonce;
    RbSignIn *sign_in;
} Begun;
/** begin_with: with the state "rb1.state". */
Begun begin_with(RbProvider *provider, gboolean mfa, gboolean force);
void begun_clear(Begun *begun);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Begun, begun_clear)

/** finish_at: @query: as of GOOD. */
RbVerified *finish_at(RbProvider *provider, const RbSignIn *sign_in, const char *query, gint64 now,
                      GError **error);
#define GOOD "code=c1&state=rb1.state"

/** outcome: "accepted", or the id of @error. */
const char *outcome(const RbVerified *verified, const GError *error);
void expect_outcome(const char *name, const RbVerified *verified, const GError *error, const char *want);
const char *id_of(RbRefusalCode code);

#endif
