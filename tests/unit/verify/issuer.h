#ifndef TEST_ISSUER_H
#define TEST_ISSUER_H

#include "jose.h"
#include "server.h"

#include "base/refusal.h"
#include "net/net.h"
#include "verify/verify.h"

#include <glib.h>
#include <jansson.h>

/* An OpenID Connect issuer on loopback whose every answer a test can change. */

#define ISSUER_NOW 1700000000
#define ISSUER_PUBLIC "https://bridge.acme.example"

enum { ASK_DISCOVERY, ASK_JWKS, ASK_TOKEN, ASK_USERINFO, ASK_PAR, ASK_GRAPH, N_ASKS };

typedef struct {
    int status; /* 0: 200, of PAR 201 */
    char *body; /* NULL: what an honest issuer says */
    const char *header, *value, *content_type;
    guint delay_ms;
} IssuerAnswer;

typedef struct {
    Server *server;
    char *url;
    EVP_PKEY *rsa, *next, *p256, *p384, *ed;
    RbHttp *http;
    GMutex lock;
    IssuerAnswer answer[N_ASKS];
    guint asked[N_ASKS];
    char *form[N_ASKS], *authorization[N_ASKS]; /* of the last request */
    const char *discovery_more;                 /* members added to the discovery document */
} Issuer;

Issuer *issuer_new(void);
void issuer_free(Issuer *issuer);
/** issuer_reset: honest again, counters at 0. */
void issuer_reset(Issuer *issuer);
/** issuer_says: takes @body over. */
void issuer_says(Issuer *issuer, guint ask, int status, char *body);
/** issuer_load: (transfer full): providers from a list in YAML; %ISSUER% stands for its URL; mistakes as
 * text. */
RbProviders *issuer_load(Issuer *issuer, const char *yaml, char **problems);
/** issuer_claims: (transfer full): an honest ID token's claims; @change: JSON members that replace them, null
 * takes one out. */
char *issuer_claims(const Issuer *issuer, const char *nonce, const char *change);
/** issuer_token: (transfer full): the same, signed RS256 with kid "rsa". */
char *issuer_token(const Issuer *issuer, const char *nonce, const char *change);
/** issuer_gives: the token endpoint's next answers hold @id_token and the access token "at-1". */
void issuer_gives(Issuer *issuer, const char *id_token);

/** url_field: (transfer full): the decoded field of a URL's or form's query; NULL: none. */
char *url_field(const char *url, const char *name);

#endif
