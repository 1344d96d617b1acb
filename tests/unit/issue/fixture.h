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
    char *keys_dir; /* of aws_trusted(); NULL: no `issuer` */
} Aws;

/** aws_new: environment credentials, and an issuer whose aws settings are @yaml with %s for the server's URL.
 */
Aws *aws_new(const char *yaml);
/** aws_renew: the same server, a new issuer. @yaml NULL: no aws node. */
void aws_renew(Aws *aws, const char *yaml);
/** aws_trusted: the same, with an `issuer` whose keys are made for it: accounts may trust it. */
void aws_trusted(Aws *aws, const char *yaml);
void aws_free(Aws *aws);

/** An aws node that most tests do with. */
#define AWS_YAML "region: eu-central-1\nsts_endpoint: %s/sts\nmax_attempts: 3\ntimeout: 5s\n"
/** aws_set_up_trusted, aws_tear_down: of a group of tests: aws_trusted() with AWS_YAML, and no credentials of
 * the service's own anywhere. */
int aws_set_up_trusted(void **state);
int aws_tear_down(void **state);
void aws_answer(Aws *aws, const Answer *answers, guint n);

/** clear_environment: nothing of AWS's variables is left. */
void clear_environment(void);

extern const char sts_ok[];
RbGrant grant_for(const char *role_arn);
RbIdentity *ada(void);
/** trust: @grant as of an account that trusts us by @method: not chained, eight hours at most. */
void trust(RbGrant *grant, RbIssueMethod method);
/** trusting: a data scientist's grant in such an account. */
RbGrant trusting(RbIssueMethod method);
/** form_field: (transfer full): the value of @name in the last request's body; NULL: none. */
char *form_field(Aws *aws, const char *name);

/** What STS says, and what becomes of it. */
typedef struct {
    const char *name;
    Answer answer;
    guint asked; /* how often STS is asked */
    RbRefusalCode refusal;
    RbFaultCode fault;
    const char *says;
} Saying;
/** expect_sayings: each of @rows, for @grant. */
void expect_sayings(Aws *aws, const RbGrant *grant, const Saying *rows, gsize n);

#define ERROR(code, text)                                                                                    \
    "<ErrorResponse><Error><Code>" code "</Code><Message>" text                                              \
    "</Message></Error><RequestId>r1</RequestId></ErrorResponse>"

#endif
