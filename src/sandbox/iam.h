#ifndef RB_SANDBOX_IAM_H
#define RB_SANDBOX_IAM_H

#include "sandbox/cloud.h"
#include "sandbox/http.h"

/*
 * The IAM query API (reference §9) over a cloud: what is made here is what its STS then judges by. The
 * account is the caller's.
 */

/** A user as the account's settings show it. */
typedef struct {
    const char *account, *name; /* "root": the account's root, which has a key then */
    const char *access_key_id;
    gboolean mfa, password;
    gint64 key_age_s;
    gint64 key_unused_s; /* since it was used last; -1: it never was */
} RbBoxIamUser;

typedef struct {
    RbBoxCloud *cloud;
    const char *const *regions; /* those a signature may name besides IAM's own */
    const char *saml_url;       /* stands for AWS's sign-in endpoints in trust policies; may be NULL */
    GHashTable *reach;          /* issuer without "https://" → where it is really asked; may be NULL */
    RbBoxFetch fetch;
    gpointer fetch_data;
    guint page;     /* at most so many entries on a page; 0: as AWS */
    guint throttle; /* of a hundred calls so many are refused by Throttling, always the same ones */
} RbBoxIamSetting;

typedef struct RbBoxIam RbBoxIam;

/** rb_box_iam_new: @setting is copied, what it points at is borrowed. The roles of its cloud are there. */
RbBoxIam *rb_box_iam_new(const RbBoxIamSetting *setting, gint64 now);
void rb_box_iam_free(RbBoxIam *iam);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxIam, rb_box_iam_free)

/** rb_box_iam_add_user: before anything is served. */
void rb_box_iam_add_user(RbBoxIam *iam, const RbBoxIamUser *user, gint64 now);

/** rb_box_iam_add_provider: one that an administrator registered; before anything is served. */
void rb_box_iam_add_provider(RbBoxIam *iam, const char *arn, const char *const *audiences, gint64 now);

/** rb_box_iam_wants: whether @request is for IAM: below /iam, at a host iam…, or of its version. */
gboolean rb_box_iam_wants(const RbBoxRequest *request);

/** rb_box_iam_answer: says what it did on one line of the log. */
void rb_box_iam_answer(RbBoxIam *iam, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer);

#endif
