#include "sandbox/iam_priv.h"

#include <string.h>

/* Managed policies and their versions. */

enum { POLICY_QUOTA = 6144, MAX_VERSIONS = 5 };

/* Of AWS's own those that every account meets; what they say is not known here but for the first. */
static const char *const aws_own[] = {
    "AdministratorAccess",
    "ReadOnlyAccess",
    "PowerUserAccess",
    "SecurityAudit",
    "job-function/ViewOnlyAccess",
    "job-function/Billing",
    "job-function/SupportUser",
    "job-function/NetworkAdministrator",
    "job-function/SystemAdministrator",
    "job-function/DatabaseAdministrator",
    "job-function/DataScientist",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonEC2FullAccess",
    "AmazonEC2ReadOnlyAccess",
    "AmazonRedshiftFullAccess",
    "AmazonRedshiftReadOnlyAccess",
    "AmazonAthenaFullAccess",
    "AmazonDynamoDBFullAccess",
    "AmazonDynamoDBReadOnlyAccess",
    "CloudWatchFullAccess",
    "CloudWatchReadOnlyAccess",
    "AWSCloudTrail_ReadOnlyAccess",
    "AWSSupportAccess",
    "AmazonSSMManagedInstanceCore",
    "service-role/AWSLambdaBasicExecutionRole",
    NULL,
};

static const char *
own_name(const char *arn)
{
    const char *at = strstr(arn, ":iam::aws:policy/");
    const char *name = at == NULL ? NULL : at + strlen(":iam::aws:policy/");

    return name != NULL && g_strv_contains(aws_own, name) ? name : NULL;
}

json_t *
rb_iam_find_policy(const json_t *account, const char *arn)
{
    const char *slash = strrchr(arn, '/');
    g_autofree char *key = slash == NULL ? NULL : g_ascii_strdown(slash + 1, -1);
    json_t *policy = key == NULL ? NULL : json_object_get(json_object_get(account, "policies"), key);

    return policy != NULL && strcmp(rb_iam_text(policy, "Arn"), arn) == 0 ? policy : NULL;
}

static json_t *
find_version(const json_t *policy, const char *id, size_t *at)
{
    json_t *version;
    size_t i;

    json_array_foreach(json_object_get(policy, "_versions"), i, version)
    {
        if (strcmp(rb_iam_text(version, "VersionId"), id) != 0)
            continue;
        if (at != NULL)
            *at = i;
        return version;
    }
    return NULL;
}

const char *
rb_iam_policy_document(const json_t *account, const char *arn)
{
    static const char all[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
        "\"Resource\":\"*\"}]}";
    const json_t *policy = rb_iam_find_policy(account, arn);
    const char *own = own_name(arn);

    if (own != NULL)
        return strcmp(own, "AdministratorAccess") == 0 ? all : "";
    return policy == NULL ? NULL
                          : rb_iam_text(find_version(policy, rb_iam_text(policy, "DefaultVersionId"), NULL),
                                        "_document");
}

gint64
rb_iam_attachments(const json_t *account, const char *arn, gboolean as_boundary)
{
    const char *key;
    json_t *role, *one;
    gint64 n = 0;
    size_t i;

    json_object_foreach(json_object_get(account, "roles"), key, role)
    {
        if (as_boundary) {
            n += strcmp(rb_iam_text(role, "_boundary"), arn) == 0;
            continue;
        }
        json_array_foreach(json_object_get(role, "_attached"), i, one)
        {
            n += strcmp(rb_iam_text(one, "PolicyArn"), arn) == 0;
        }
    }
    return n;
}

gboolean
rb_iam_publish_users(const RbIamCall *call, const char *arn)
{
    const char *key;
    json_t *role, *one;
    size_t i;

    json_object_foreach(json_object_get(call->account, "roles"), key, role)
    {
        gboolean uses = strcmp(rb_iam_text(role, "_boundary"), arn) == 0;

        json_array_foreach(json_object_get(role, "_attached"), i, one)
        {
            uses = uses || strcmp(rb_iam_text(one, "PolicyArn"), arn) == 0;
        }
        if (uses && !rb_iam_publish(call, role))
            return FALSE;
    }
    return TRUE;
}

json_t *
rb_iam_policy_shown(const json_t *account, const json_t *policy, gboolean whole)
{
    static const char *const plain[] = { "PolicyName",       "PolicyId",   "Arn",        "Path",
                                         "DefaultVersionId", "CreateDate", "UpdateDate", NULL };
    json_t *shown = rb_iam_pick(policy, plain);
    const char *arn = rb_iam_text(policy, "Arn");

    (void)json_object_set_new(shown, "AttachmentCount",
                              json_integer(rb_iam_attachments(account, arn, FALSE)));
    (void)json_object_set_new(shown, "PermissionsBoundaryUsageCount",
                              json_integer(rb_iam_attachments(account, arn, TRUE)));
    (void)json_object_set_new(shown, "IsAttachable", json_true());
    if (!whole)
        return shown;
    rb_iam_set(shown, "Description", json_string_value(json_object_get(policy, "Description")));
    rb_iam_show_tags(shown, policy);
    return shown;
}

json_t *
rb_iam_policy(const RbIamCall *call)
{
    const char *arn = rb_iam_need(call, "PolicyArn", RB_FIELD_ARN);
    json_t *policy = arn == NULL ? NULL : rb_iam_find_policy(call->account, arn);

    if (arn == NULL || policy != NULL)
        return policy;
    if (own_name(arn) != NULL)
        (void)rb_aws_refuse(call->error, 403, "AccessDenied", "%s is AWS's own; this sandbox cannot show it.",
                            arn);
    else
        (void)rb_aws_refuse(call->error, 404, "NoSuchEntity", "Policy %s was not found.", arn);
    return NULL;
}

/* The next version of @policy; the default one when it is the first or @as_default. */
static json_t *
add_version(const RbIamCall *call, json_t *policy, const char *document, gboolean as_default)
{
    json_int_t n = json_integer_value(json_object_get(policy, "_next"));
    g_autofree char *id = g_strdup_printf("v%" JSON_INTEGER_FORMAT, n);
    json_t *version =
        json_pack("{s:s, s:s, s:s}", "VersionId", id, "CreateDate", call->stamp, "_document", document);

    (void)json_array_append_new(json_object_get(policy, "_versions"), version);
    (void)json_object_set_new(policy, "_next", json_integer(n + 1));
    rb_iam_set(policy, "UpdateDate", call->stamp);
    if (as_default)
        rb_iam_set(policy, "DefaultVersionId", id);
    return version;
}

static json_t *
version_shown(const json_t *policy, const json_t *version, gboolean whole)
{
    static const char *const plain[] = { "VersionId", "CreateDate", NULL };
    json_t *shown = rb_iam_pick(version, plain);

    (void)json_object_set_new(shown, "IsDefaultVersion",
                              json_boolean(strcmp(rb_iam_text(version, "VersionId"),
                                                  rb_iam_text(policy, "DefaultVersionId")) == 0));
    if (whole)
        rb_iam_set_document(shown, "Document", rb_iam_text(version, "_document"));
    return shown;
}

static gboolean
create_policy(RbIamCall *call)
{
    const char *name = rb_iam_need(call, "PolicyName", RB_FIELD_POLICY_NAME), *path, *description;
    const char *document = name == NULL ? NULL : rb_iam_need(call, "PolicyDocument", RB_FIELD_DOCUMENT);
    g_autofree char *key = name == NULL ? NULL : g_ascii_strdown(name, -1), *arn = NULL, *id = NULL;
    json_t *policies = json_object_get(call->account, "policies"), *policy, *tags;

    if (document == NULL || !rb_iam_may(call, "Path", RB_FIELD_PATH, &path) ||
        !rb_iam_may(call, "Description", RB_FIELD_DESCRIPTION, &description) ||
        !rb_iam_check_document(call, document, RB_BOX_IDENTITY, POLICY_QUOTA, "PolicySize"))
        return FALSE;
    if (json_object_get(policies, key) != NULL)
        return rb_aws_refuse(call->error, 409, "EntityAlreadyExists",
                             "A policy called %s already exists. Duplicate names are not allowed.", name);
    tags = rb_iam_tags(call);
    if (tags == NULL)
        return FALSE;
    path = path == NULL ? "/" : path;
    arn = rb_iam_arn(call, "policy", path, name);
    id = rb_iam_new_id("ANPA");
    policy = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:[], s:o}", "PolicyName", name, "PolicyId", id, "Arn",
                       arn, "Path", path, "CreateDate", call->stamp, "_next", (json_int_t)1, "_versions",
                       "_tags", tags);
    rb_iam_set(policy, "Description", description);
    (void)add_version(call, policy, document, TRUE);
    (void)json_object_set_new(policies, key, policy);
    call->result = json_pack("{s:o}", "Policy", rb_iam_policy_shown(call->account, policy, TRUE));
    (void)json_object_del(json_object_get(call->result, "Policy"), "Description");
    return TRUE;
}

static gboolean
get_policy(RbIamCall *call)
{
    const json_t *policy = rb_iam_policy(call);

    if (policy != NULL)
        call->result = json_pack("{s:o}", "Policy", rb_iam_policy_shown(call->account, policy, TRUE));
    return policy != NULL;
}

static gboolean
list_policies(RbIamCall *call)
{
    static const char *const lists[] = { "Policies", NULL };
    const char *prefix, *key, *scope = rb_iam_get(call, "Scope");
    gboolean only_attached;
    GPtrArray *rows;
    json_t *policy;

    if (!rb_iam_may(call, "PathPrefix", RB_FIELD_PREFIX, &prefix) ||
        !rb_iam_flag(call, "OnlyAttached", FALSE, &only_attached))
        return FALSE;
    if (scope != NULL && strcmp(scope, "All") != 0 && strcmp(scope, "Local") != 0 &&
        strcmp(scope, "AWS") != 0)
        return rb_aws_refuse(
            call->error, 400, "ValidationError",
            "1 validation error detected: Value '%s' at 'scope' failed to satisfy constraint: "
            "Member must satisfy enum value set: [AWS, Local, All]",
            scope);
    rows = rb_iam_rows_new();
    json_object_foreach(json_object_get(call->account, "policies"), key, policy)
    {
        if (g_strcmp0(scope, "AWS") != 0 &&
            (prefix == NULL || g_str_has_prefix(rb_iam_text(policy, "Path"), prefix)) &&
            (!only_attached || rb_iam_attachments(call->account, rb_iam_text(policy, "Arn"), FALSE) > 0))
            rb_iam_rows_add(rows, lists[0], key, rb_iam_policy_shown(call->account, policy, FALSE));
    }
    return rb_iam_page(call, rows, lists);
}

static gboolean
delete_policy(RbIamCall *call)
{
    const json_t *policy = rb_iam_policy(call);
    const char *arn = policy == NULL ? NULL : rb_iam_text(policy, "Arn");
    g_autofree char *key = NULL;

    if (policy == NULL)
        return FALSE;
    if (rb_iam_attachments(call->account, arn, FALSE) + rb_iam_attachments(call->account, arn, TRUE) > 0)
        return rb_aws_refuse(call->error, 409, "DeleteConflict",
                             "Cannot delete a policy attached to entities.");
    if (json_array_size(json_object_get(policy, "_versions")) > 1)
        return rb_aws_refuse(
            call->error, 409, "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete "
            "the policy's versions. The default version is deleted with the policy.");
    key = g_ascii_strdown(rb_iam_text(policy, "PolicyName"), -1);
    (void)json_object_del(json_object_get(call->account, "policies"), key);
    return TRUE;
}

static gboolean
tag_policy(RbIamCall *call)
{
    json_t *policy = rb_iam_policy(call);

    return policy != NULL && rb_iam_tag(call, policy, "TagsPerPolicy");
}

static gboolean
untag_policy(RbIamCall *call)
{
    json_t *policy = rb_iam_policy(call);

    return policy != NULL && rb_iam_untag(call, policy);
}

static gboolean
list_policy_tags(RbIamCall *call)
{
    const json_t *policy = rb_iam_policy(call);

    return policy != NULL && rb_iam_list_tags(call, policy);
}

static gboolean
create_version(RbIamCall *call)
{
    json_t *policy = rb_iam_policy(call), *version;
    const char *document = policy == NULL ? NULL : rb_iam_need(call, "PolicyDocument", RB_FIELD_DOCUMENT);
    gboolean as_default;

    if (document == NULL || !rb_iam_flag(call, "SetAsDefault", FALSE, &as_default) ||
        !rb_iam_check_document(call, document, RB_BOX_IDENTITY, POLICY_QUOTA, "PolicySize"))
        return FALSE;
    if (json_array_size(json_object_get(policy, "_versions")) >= MAX_VERSIONS)
        return rb_aws_refuse(
            call->error, 409, "LimitExceeded",
            "A managed policy can have up to %d versions. Before you create a new version, you "
            "must delete an existing version.",
            MAX_VERSIONS);
    version = add_version(call, policy, document, as_default);
    call->result = json_pack("{s:o}", "PolicyVersion", version_shown(policy, version, FALSE));
    return !as_default || rb_iam_publish_users(call, rb_iam_text(policy, "Arn"));
}

/* The version that VersionId names; NULL with NoSuchEntity. */
static json_t *
wanted_version(const RbIamCall *call, json_t **policy, size_t *at)
{
    const char *id;
    json_t *version;

    *policy = rb_iam_policy(call);
    id = *policy == NULL ? NULL : rb_iam_need(call, "VersionId", RB_FIELD_VERSION);
    version = id == NULL ? NULL : find_version(*policy, id, at);
    if (id != NULL && version == NULL)
        (void)rb_aws_refuse(call->error, 404, "NoSuchEntity",
                            "Policy %s version %s does not exist or is not attachable.",
                            rb_iam_text(*policy, "Arn"), id);
    return version;
}

static gboolean
get_version(RbIamCall *call)
{
    json_t *policy, *version = wanted_version(call, &policy, NULL);

    if (version != NULL)
        call->result = json_pack("{s:o}", "PolicyVersion", version_shown(policy, version, TRUE));
    return version != NULL;
}

static gboolean
list_versions(RbIamCall *call)
{
    static const char *const lists[] = { "Versions", NULL };
    const json_t *policy = rb_iam_policy(call);
    GPtrArray *rows;
    json_t *version;
    size_t i;

    if (policy == NULL)
        return FALSE;
    rows = rb_iam_rows_new();
    json_array_foreach(json_object_get(policy, "_versions"), i, version)
    {
        gint64 n = g_ascii_strtoll(rb_iam_text(version, "VersionId") + 1, NULL, 10);
        g_autofree char *key = g_strdup_printf("%012" G_GINT64_FORMAT, G_GINT64_CONSTANT(999999999999) - n);
        rb_iam_rows_add(rows, lists[0], key, version_shown(policy, version, FALSE)); /* the newest first */
    }
    return rb_iam_page(call, rows, lists);
}

static gboolean
set_default_version(RbIamCall *call)
{
    json_t *policy;
    const json_t *version = wanted_version(call, &policy, NULL);

    if (version == NULL)
        return FALSE;
    rb_iam_set(policy, "DefaultVersionId", rb_iam_text(version, "VersionId"));
    rb_iam_set(policy, "UpdateDate", call->stamp);
    return rb_iam_publish_users(call, rb_iam_text(policy, "Arn"));
}

static gboolean
delete_version(RbIamCall *call)
{
    json_t *policy;
    size_t at = 0;
    const json_t *version = wanted_version(call, &policy, &at);

    if (version == NULL)
        return FALSE;
    if (strcmp(rb_iam_text(version, "VersionId"), rb_iam_text(policy, "DefaultVersionId")) == 0)
        return rb_aws_refuse(call->error, 409, "DeleteConflict",
                             "Cannot delete the default version of a policy.");
    (void)json_array_remove(json_object_get(policy, "_versions"), at);
    return TRUE;
}

const RbIamEntry rb_iam_policies[] = {
    { "CreatePolicy", create_policy, RB_ON_POLICY },
    { "GetPolicy", get_policy, RB_ON_POLICY },
    { "ListPolicies", list_policies, RB_ON_ALL },
    { "DeletePolicy", delete_policy, RB_ON_POLICY },
    { "TagPolicy", tag_policy, RB_ON_POLICY },
    { "UntagPolicy", untag_policy, RB_ON_POLICY },
    { "ListPolicyTags", list_policy_tags, RB_ON_POLICY },
    { "CreatePolicyVersion", create_version, RB_ON_POLICY },
    { "GetPolicyVersion", get_version, RB_ON_POLICY },
    { "ListPolicyVersions", list_versions, RB_ON_POLICY },
    { "SetDefaultPolicyVersion", set_default_version, RB_ON_POLICY },
    { "DeletePolicyVersion", delete_version, RB_ON_POLICY },
    { NULL, NULL, RB_ON_ALL },
};
