#ifndef RB_TESTS_ISSUE_FIXTURE_H
#define RB_TESTS_ISSUE_FIXTURE_H

#include "base/refusal.h"
#include "issue/priv.h"
#include "server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 2026-11-24T09:00:00Z */
enum { NOW = 1795510800 };

/** The answers of a fake AWS: one after the other, the last one again and again. */
typedef struct {
    int status;
    const char *body; /* NULL: breaks off */
} Answer;

typedef struct {
    Server *server;
    RbHttp *http;
    RbIssuer *issuer;
    pthread_mutex_t lock; /* ThreadSanitizer does not see GMutex */
    const Answer *answers;
    guint n_answers, asked;
    GString *last; /* last request's body */
    char *last_target, *last_method, *authorization, *token;
    guint delay_ms;
} Aws;

/** aws_new: environment credentials, and an issuer whose aws settings are @yaml with %s for the server's URL.
 */
Aws *aws_new(const char *yaml);
/** aws_renew: the same server, a new issuer. @yaml NULL: no aws node. */
void aws_renew(Aws *aws, const char *yaml);
void aws_free(Aws *aws);
void aws_answer(Aws *aws, const Answer *answers, guint n);

/** clear_environment: nothing of AWS's variables is left. */
void clear_environment(void);

extern const char sts_ok[];
RbGrant grant_for(const char *role_arn);
RbIdentity *ada(void);

#endif
