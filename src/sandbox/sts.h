#ifndef RB_SANDBOX_STS_H
#define RB_SANDBOX_STS_H

#include "sandbox/cloud.h"
#include "sandbox/http.h"
#include "sandbox/signature.h"

/* The STS query API (reference §1) over a cloud. Pure but for the cloud: requests in, answers out. */

typedef struct {
    RbBoxCloud *cloud;
    const char *const *regions; /* those a signature may name; the first is this endpoint's */
} RbBoxSts;

/** rb_box_sts_answer: any request to the STS endpoint; says what it did on one line of the log. */
void rb_box_sts_answer(const RbBoxSts *sts, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer);

/* ---- for the operations (sts.c, assume_role.c) ---- */

/** One call whose signature was checked. */
typedef struct {
    const RbBoxSts *sts;
    const RbBoxRequest *request;
    GHashTable *fields;
    RbBoxPrincipal *caller; /* NULL: an operation that nobody signs */
    const char *region;
    gint64 now;
    const char *subject; /* what the log calls the thing asked for; in fields */
} RbStsCall;

/** rb_sts_assume_role: writes the members of AssumeRoleResult to @result, or refuses. */
gboolean rb_sts_assume_role(const RbStsCall *call, GString *result, RbAwsError *error);

/** rb_sts_element: appends <name>escaped text</name>; nothing for a NULL @text. */
void rb_sts_element(GString *out, const char *name, const char *text);

/* ---- what an AssumeRole call asks for, checked one parameter at a time (assume_role_ask.c) ---- */

typedef struct {
    const char *role_arn, *session_name, *external_id, *source_identity;
    RbBoxPolicy *session_policy;
    gsize policy_size; /* of the plain texts: policy and policy ARNs */
    gint64 duration_s;
    GHashTable *tags;       /* as written */
    GHashTable *transitive; /* lower case → the key in tags */
    gsize tags_size;
} RbStsAsk;

gboolean rb_sts_ask_read(GHashTable *fields, RbStsAsk *ask, RbAwsError *error);
void rb_sts_ask_clear(RbStsAsk *ask);

#endif
