#ifndef RB_SANDBOX_STS_H
#define RB_SANDBOX_STS_H

#include "sandbox/cloud.h"
#include "sandbox/http.h"
#include "sandbox/signature.h"

/* The STS query API (reference §1) over a cloud. Pure but for the cloud: requests in, answers out. */

typedef struct {
    RbBoxCloud *cloud;
    const char *const *regions; /* those a signature may name; the first is this endpoint's */
    const char *saml_url; /* this cloud's sign-in endpoint, where assertions are addressed to; may be NULL */
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

/** The operations: each writes the members of its …Result to @result, or refuses. */
gboolean rb_sts_assume_role(const RbStsCall *call, GString *result, RbAwsError *error);
gboolean rb_sts_assume_role_with_web_identity(const RbStsCall *call, GString *result, RbAwsError *error);
gboolean rb_sts_assume_role_with_saml(const RbStsCall *call, GString *result, RbAwsError *error);

/** rb_sts_element: appends <name>escaped text</name>; nothing for a NULL @text. */
void rb_sts_element(GString *out, const char *name, const char *text);

/** rb_sts_answer_error: @error as AWS's Query services say it, in @space, the service's XML namespace. */
void rb_sts_answer_error(RbBoxAnswer *answer, const RbAwsError *error, const char *request_id,
                         const char *space);

/* ---- what an AssumeRole call asks for, checked one parameter at a time (assume_role_ask.c) ---- */

typedef enum { RB_STS_SIGNED = 1, RB_STS_WEB_IDENTITY = 2, RB_STS_SAML = 4 } RbStsKind;

typedef struct {
    const char *role_arn, *session_name, *external_id, *source_identity;
    const char *token;         /* web identity: the JWT */
    const char *principal_arn; /* SAML: the provider */
    const char *assertion;     /* SAML: base64 */
    RbBoxPolicy *session_policy;
    gsize policy_size; /* of the plain texts: policy and policy ARNs */
    gint64 duration_s;
    GHashTable *tags;       /* as written */
    GHashTable *transitive; /* lower case → the key in tags */
    gsize tags_size;
} RbStsAsk;

gboolean rb_sts_ask_read(GHashTable *fields, RbStsKind kind, RbStsAsk *ask, RbAwsError *error);
void rb_sts_ask_init(RbStsAsk *ask);
void rb_sts_ask_clear(RbStsAsk *ask);

/** rb_sts_ask_add_tag, _add_transitive: one of those that a call, a token or an assertion carries. */
gboolean rb_sts_ask_add_tag(RbStsAsk *ask, const char *key, const char *value, RbAwsError *error);
gboolean rb_sts_ask_add_transitive(RbStsAsk *ask, const char *key, RbAwsError *error);

/** rb_sts_is_name: 2 to 64 of the characters of session names and source identities. */
gboolean rb_sts_is_name(const char *text);

/* ---- what all three kinds of AssumeRole share (assume_role.c) ---- */

/** rb_sts_context: (transfer full): the condition keys of @call asking @ask. */
RbBoxContext *rb_sts_context(const RbStsCall *call, const RbStsAsk *ask);

/** rb_sts_check_limits: @packed: (out): the packed size in percent. */
gboolean rb_sts_check_limits(const RbStsCall *call, const RbBoxRole *role, const RbStsAsk *ask,
                             gint64 *packed, RbAwsError *error);

/** rb_sts_write_session: the members that every AssumeRole…Result has. */
void rb_sts_write_session(GString *out, const RbBoxPrincipal *session, gint64 packed);

/** rb_sts_assume_vouched: (transfer full): a session of @ask's role for somebody whom @provider vouches for,
 * if the role's trust policy takes it; ends at @end at the latest (0: no such end). */
RbBoxPrincipal *rb_sts_assume_vouched(const RbStsCall *call, const RbBoxProvider *provider,
                                      const char *action, RbStsAsk *ask, const RbBoxContext *context,
                                      gint64 end, gint64 *packed, RbAwsError *error);

#endif
