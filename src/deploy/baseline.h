#ifndef RB_DEPLOY_BASELINE_H
#define RB_DEPLOY_BASELINE_H

#include "deploy/client.h"

/* An account's first-day settings, by AWS's guidance for starting with IAM. */

typedef struct {
    const char *id;  /* stable: "root-mfa" */
    gboolean open;   /* something is to be done */
    char *what;      /* "the root user has no MFA device" */
    const char *why; /* one sentence */
    char *fix;       /* a command of the AWS CLI, or what to do; NULL where it is in order */
} RbBaselineRow;

/** rb_baseline_facts: (transfer full): what is asked of IAM: {summary, password_policy (null: none), aliases,
 * users: [{name, password, mfa, keys: [{id, active, created, used}]}]}. NULL with an error */
json_t *rb_baseline_facts(RbIam *iam, GError **error);

/** rb_baseline_judge: (transfer full) (element-type RbBaselineRow): every setting, in order or not, in a
 * fixed order. Pure; @now for the age of keys. */
GPtrArray *rb_baseline_judge(const json_t *facts, gint64 now);

#endif
