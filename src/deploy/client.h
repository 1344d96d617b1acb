#ifndef RB_DEPLOY_CLIENT_H
#define RB_DEPLOY_CLIENT_H

#include "base/clock.h"
#include "issue/issue.h"
#include "net/net.h"

#include <jansson.h>

/* One account's IAM, asked by its Query API (reference §9). */

/** What IAM said no to. In the room and for its commands alone: people see rb_fault()s and texts. */
typedef enum {
    RB_IAM_NO_SUCH_ENTITY,
    RB_IAM_EXISTS,
    RB_IAM_LIMIT,
    RB_IAM_CONFLICT,  /* DeleteConflict */
    RB_IAM_MALFORMED, /* MalformedPolicyDocument, InvalidInput, ValidationError */
    RB_IAM_DENIED,
    RB_IAM_STOPPED, /* asked to stop before this call */
    RB_IAM_OTHER,
} RbIamCode;
#define RB_IAM_ERROR (rb_iam_error_quark())
GQuark rb_iam_error_quark(void);

/** RbIamCredentials: (transfer full): whose credentials sign the next call; NULL with a fault. */
typedef RbCredentials *(*RbIamCredentials)(gpointer data, GError **error);

typedef struct {
    RbHttp *http;
    RbClock clock;
    const char *endpoint;  /* NULL: AWS's own of the partition */
    const char *partition; /* "aws" */
    RbIamCredentials credentials;
    gpointer data;
    void (*pause)(guint ms); /* between attempts; NULL: sleeps */
    const gint *stop;        /* atomic: when not 0, no further call begins; may be NULL */
} RbIamSetting;

typedef struct RbIam RbIam;

/** rb_iam_new: @setting is copied, what it points at is borrowed. NULL: no such partition, and no endpoint.
 */
RbIam *rb_iam_new(const RbIamSetting *setting);
void rb_iam_free(RbIam *iam);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbIam, rb_iam_free)

/**
 * rb_iam_call: @fields: name, value, …, NULL; a pair whose value is NULL is left out. What AWS asks to try
 * again (Throttling, ServiceFailure, ConcurrentModification, a principal that is not known everywhere yet) is
 * tried again, longer and longer, a minute in all. Returns: (transfer full): the answer's Result, an object,
 * empty where there is none; NULL with RB_IAM_ERROR or a fault
 */
json_t *rb_iam_call(RbIam *iam, const char *action, const char *const *fields, GError **error);

/** rb_iam_do: the same where only success matters. */
gboolean rb_iam_do(RbIam *iam, const char *action, const char *const *fields, GError **error);

/** rb_iam_list: (transfer full): the arrays @key of all pages as one. */
json_t *rb_iam_list(RbIam *iam, const char *action, const char *key, const char *const *fields,
                    GError **error);

/** rb_iam_document: (transfer full): a document as IAM returns it, percent-decoded; NULL: it is not one. */
char *rb_iam_document(const char *encoded);

/** rb_iam_text: the text @key of an answer; "" where there is none. */
const char *rb_iam_text(const json_t *object, const char *key);

#endif
