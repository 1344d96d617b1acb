#ifndef RB_IAM_ARN_H
#define RB_IAM_ARN_H

#include <glib.h>

/*
 * Amazon Resource Names, read strictly: what AWS would not issue is not an ARN here. On a mistake the parsers
 * return NULL and point @why (may be NULL) at a static sentence for a diagnostic.
 */

enum { RB_ARN_MAX = 2048 };

/** The six fields of "arn:partition:service:region:account:resource"; region and account may be "". */
typedef struct {
    char *partition, *service, *region, *account, *resource;
} RbArn;
RbArn *rb_arn_parse(const char *text, const char **why);
char *rb_arn_print(const RbArn *arn);
void rb_arn_free(RbArn *arn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbArn, rb_arn_free)

/** "arn:P:iam::ACCOUNT:role/path/name"; the path is part of the ARN and always begins and ends with "/". */
typedef struct {
    char *partition, *account, *path, *name;
} RbRoleArn;
RbRoleArn *rb_role_arn_parse(const char *text, const char **why);
char *rb_role_arn_print(const RbRoleArn *role);
void rb_role_arn_free(RbRoleArn *role);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbRoleArn, rb_role_arn_free)

/** "arn:P:sts::ACCOUNT:assumed-role/name/session": the role's path is not in it. */
typedef struct {
    char *partition, *account, *role, *session;
} RbSessionArn;
RbSessionArn *rb_session_arn_parse(const char *text, const char **why);
char *rb_session_arn_print(const RbSessionArn *session);
void rb_session_arn_free(RbSessionArn *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSessionArn, rb_session_arn_free)

/** rb_arn_is_account: twelve digits. */
gboolean rb_arn_is_account(const char *text);

/** rb_arn_is_name: `[\w+=,.@-]` from @min to @max characters: names of roles (1-64) and sessions (2-64). */
gboolean rb_arn_is_name(const char *text, gsize min, gsize max);

/** rb_arn_is_region: "eu-central-1", "us-gov-west-1", "eusc-de-east-1": safe inside a host name. */
gboolean rb_arn_is_region(const char *text);

#endif
