#ifndef RB_TEST_DEPLOY_FAKE_IAM_H
#define RB_TEST_DEPLOY_FAKE_IAM_H

#include "deploy/fleet.h"

#include <jansson.h>

/* An IAM of one account that keeps its rules as far as rolebridge leans on them: names once, nothing deleted
 * that something hangs on, five versions, so many policies to a role, pages; and that fails when it is told
 * to. */

typedef enum {
    FAKE_FINE,
    FAKE_DENIES,    /* the call is not done, and that is said */
    FAKE_IS_GONE,   /* it is done, and the caller never learns: as when the caller was killed */
    FAKE_THROTTLES, /* not done, once: try again */
    FAKE_LOSES,     /* done, once, and the answer is cut off */
} FakeFault;

typedef struct FakeIam FakeIam;
/** fake_iam_new: of @account, which is static text. */
FakeIam *fake_iam_new(const char *account);
void fake_iam_free(FakeIam *fake);
/** fake_iam_end: after the last of them. */
void fake_iam_end(void);

/** fake_iam_fail: the @n-th call from now on (1: the next) meets @fault. */
void fake_iam_fail(FakeIam *fake, guint n, FakeFault fault);
/** fake_iam_failed: whether that has been. */
gboolean fake_iam_failed(const FakeIam *fake);
guint fake_iam_calls(const FakeIam *fake);
const char *fake_iam_url(const FakeIam *fake);

/** fake_iam_answer: every call gets this @body with @status; NULL: its own answers again. */
void fake_iam_answer(FakeIam *fake, int status, const char *body);

/** fake_iam_page: things in one answer of a list; 0: all of them. */
void fake_iam_page(FakeIam *fake, guint size);
/** fake_iam_attachments: to one role. */
void fake_iam_attachments(FakeIam *fake, guint most);
/** fake_iam_settle: so many AttachRolePolicy do not find the policy yet. */
void fake_iam_settle(FakeIam *fake, guint calls);

/** fake_iam_do: (transfer full): a call as a client makes it: "RoleName", "x", …, NULL. Returns: the error's
 * code; NULL: done */
char *fake_iam_do(FakeIam *fake, const char *action, const char *const *fields);

/** fake_iam_state: (transfer full): all that stands there, as text: without ids of versions. */
char *fake_iam_state(FakeIam *fake);
/** fake_iam_log: (transfer full): the writing calls so far, a line each: "AttachRolePolicy reader". */
char *fake_iam_log(FakeIam *fake);

/** fake_iam_fleet: @fleet reaches it. */
RbIam *fake_iam_open(const RbCompiledAccount *account, gpointer fake, GError **error);

#endif
