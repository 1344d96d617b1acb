#ifndef RB_SANDBOX_IAM_PRIV_H
#define RB_SANDBOX_IAM_PRIV_H

#include "sandbox/iam.h"

#include <jansson.h>

/*
 * What an account holds is JSON, by AWS's names: a member whose name starts with '_' is never shown as it is.
 *   roles, policies: name in lower case → record; oidc, saml: ARN → record; users: name → record;
 *   alias, password_policy, report: or absent
 */

/** One call whose signature was checked; the store is locked. */
typedef struct {
    RbBoxIam *iam;
    const RbBoxRequest *request;
    GHashTable *fields;
    RbBoxPrincipal *caller;
    const char *account_id, *partition;
    json_t *account; /* what the caller's account holds */
    char *stamp;     /* now, as AWS writes it */
    gint64 now;
    json_t *result; /* to be set; NULL: the answer has none */
    RbAwsError *error;
} RbIamCall;

typedef gboolean (*RbIamOperation)(RbIamCall *call);

/* What an operation is about, for the caller's permissions. */
typedef enum { RB_ON_ALL, RB_ON_ROLE, RB_ON_POLICY, RB_ON_PROVIDER } RbIamSubject;

typedef struct {
    const char *name;
    RbIamOperation run;
    RbIamSubject subject;
} RbIamEntry;

extern const RbIamEntry rb_iam_roles[], rb_iam_role_policies[], rb_iam_policies[], rb_iam_providers[],
    rb_iam_account[]; /* each ends with a NULL name */

const RbBoxIamSetting *rb_box_iam_setting(const RbBoxIam *iam);

/* ---- parameters (iam_field.c): FALSE or NULL with ValidationError ---- */

typedef enum {
    RB_FIELD_ROLE_NAME,
    RB_FIELD_POLICY_NAME,
    RB_FIELD_PATH,
    RB_FIELD_PREFIX,
    RB_FIELD_ARN,
    RB_FIELD_DOCUMENT,
    RB_FIELD_DESCRIPTION,
    RB_FIELD_VERSION,
    RB_FIELD_URL,
    RB_FIELD_CLIENT,
    RB_FIELD_THUMBPRINT,
    RB_FIELD_METADATA,
    RB_FIELD_ALIAS,
    RB_FIELD_USER,
    RB_FIELD_KEY,
} RbIamField;

const char *rb_iam_get(const RbIamCall *call, const char *name);

/** rb_iam_need: the value of a field that must be there. */
const char *rb_iam_need(const RbIamCall *call, const char *name, RbIamField kind);

/** rb_iam_may: the same, but @value NULL where it is not there. */
gboolean rb_iam_may(const RbIamCall *call, const char *name, RbIamField kind, const char **value);
gboolean rb_iam_number(const RbIamCall *call, const char *name, gint64 min, gint64 max, gint64 fallback,
                       gint64 *value);
gboolean rb_iam_flag(const RbIamCall *call, const char *name, gboolean fallback, gboolean *value);

/** rb_iam_members: (transfer full): NAME.member.1, .2, … as an array of texts. */
json_t *rb_iam_members(const RbIamCall *call, const char *name, RbIamField kind);

/* ---- tags (iam_tag.c) ---- */

/** rb_iam_tags: (transfer full): Tags.member.N of @call as [{Key, Value}]. */
json_t *rb_iam_tags(const RbIamCall *call);
/** rb_iam_tag: Tags of @call onto those of @record; rb_iam_untag: its TagKeys off. rb_iam_list_tags. */
gboolean rb_iam_tag(RbIamCall *call, json_t *record, const char *quota);
gboolean rb_iam_untag(RbIamCall *call, json_t *record);
gboolean rb_iam_list_tags(RbIamCall *call, const json_t *record);
/** rb_iam_show_tags: Tags into @shown where @record has some. */
void rb_iam_show_tags(json_t *shown, const json_t *record);

/* ---- documents (iam_document.c) ---- */

/** rb_iam_check_document: MalformedPolicyDocument, or LimitExceeded over @quota characters. */
gboolean rb_iam_check_document(const RbIamCall *call, const char *document, RbBoxPolicyKind kind, gsize quota,
                               const char *quota_name);
/** rb_iam_characters: of @document without white space. */
gsize rb_iam_characters(const char *document);

/* ---- answers (iam_show.c) ---- */

/** rb_iam_write: the members of an object as elements, lists as <member>s. */
void rb_iam_write(GString *out, const json_t *object);
/** rb_iam_set: one text member; a NULL @text is left out. _document: percent-encoded. */
void rb_iam_set(json_t *object, const char *name, const char *text);
void rb_iam_set_document(json_t *object, const char *name, const char *document);
/** rb_iam_text: a text member, "" where there is none. */
const char *rb_iam_text(const json_t *object, const char *name);
/** rb_iam_pick: (transfer full): those of the named members that @record has. */
json_t *rb_iam_pick(const json_t *record, const char *const *names);

/** One entry of a list: what sorts it, and what is shown; @shown is taken over. */
typedef struct {
    char *key;
    const char *list; /* the list it belongs to */
    json_t *shown;
} RbIamRow;
GPtrArray *rb_iam_rows_new(void);
void rb_iam_rows_add(GPtrArray *rows, const char *list, const char *key, json_t *shown);

/** rb_iam_page: the page of @rows that Marker and MaxItems ask for becomes the result: lists @lists (all of
 * them, also empty), IsTruncated, Marker. @rows: (transfer full) */
gboolean rb_iam_page(RbIamCall *call, GPtrArray *rows, const char *const *lists);

/* ---- records (iam_role.c, iam_policy.c) ---- */

/** rb_iam_role, _policy: the record that RoleName, PolicyArn name, or NULL with NoSuchEntity. */
json_t *rb_iam_role(const RbIamCall *call);
json_t *rb_iam_policy(const RbIamCall *call);
/** rb_iam_find_policy: by ARN; NULL: there is none in this account. */
json_t *rb_iam_find_policy(const json_t *account, const char *arn);

/** rb_iam_policy_document: what @arn, of this account or AWS's, says; "": not known here; NULL: no such. */
const char *rb_iam_policy_document(const json_t *account, const char *arn);

/** rb_iam_publish: @role as it is now, to those who assume it. FALSE with MalformedPolicyDocument. */
gboolean rb_iam_publish(const RbIamCall *call, const json_t *role);
/** rb_iam_publish_users: all roles that have @arn attached or as boundary. */
gboolean rb_iam_publish_users(const RbIamCall *call, const char *arn);

/** rb_iam_role_record: (transfer full): one as CreateRole makes it. */
json_t *rb_iam_role_record(const char *partition, const char *account, const char *path, const char *name,
                           const char *trust, gint64 max_session_s, const char *stamp);
/** rb_iam_attachments: in how many roles @arn is @as: "_attached" or "_boundary". */
gint64 rb_iam_attachments(const json_t *account, const char *arn, gboolean as_boundary);

/** rb_iam_arn: (transfer full): arn:P:iam::ACCOUNT:KIND + PATH + NAME. */
char *rb_iam_arn(const RbIamCall *call, const char *kind, const char *path, const char *name);
/** rb_iam_new_id: (transfer full): @prefix and 17 characters that were never there before. */
char *rb_iam_new_id(const char *prefix);

json_t *rb_iam_role_shown(const json_t *role, gboolean whole);
json_t *rb_iam_policy_shown(const json_t *account, const json_t *policy, gboolean whole);

#endif
