#include "sandbox/iam_priv.h"

#include <string.h>

enum { MIN_SESSION_S = 3600, MAX_SESSION_S = 43200, TRUST_QUOTA = 2048 };

char *
rb_iam_arn(const RbIamCall *call, const char *kind, const char *path, const char *name)
{
    return g_strdup_printf("arn:%s:iam::%s:%s%s%s", call->partition, call->account_id, kind, path, name);
}

char *
rb_iam_new_id(const char *prefix)
{
    g_autofree char *seed = rb_box_request_id();

    return rb_box_unique_id(prefix, seed);
}

static gboolean
no_such_role(const RbIamCall *call, const char *name)
{
    return rb_aws_refuse(call->error, 404, "NoSuchEntity", "The role with name %s cannot be found.", name);
}

json_t *
rb_iam_role(const RbIamCall *call)
{
    const char *name = rb_iam_need(call, "RoleName", RB_FIELD_ROLE_NAME);
    g_autofree char *key = name == NULL ? NULL : g_ascii_strdown(name, -1);
    json_t *role = key == NULL ? NULL : json_object_get(json_object_get(call->account, "roles"), key);

    if (name != NULL && role == NULL)
        (void)no_such_role(call, name);
    return role;
}

json_t *
rb_iam_role_record(const char *partition, const char *account, const char *path, const char *name,
                   const char *trust, gint64 max_session_s, const char *stamp)
{
    g_autofree char *arn = g_strdup_printf("arn:%s:iam::%s:role%s%s", partition, account, path, name);
    g_autofree char *id = rb_iam_new_id("AROA");

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:[], s:[], s:{}}", "Path", path, "RoleName", name,
                     "RoleId", id, "Arn", arn, "CreateDate", stamp, "MaxSessionDuration",
                     (json_int_t)max_session_s, "_trust", trust, "_tags", "_attached", "_inline");
}

json_t *
rb_iam_role_shown(const json_t *role, gboolean whole)
{
    static const char *const plain[] = { "Path",        "RoleName",           "RoleId", "Arn", "CreateDate",
                                         "Description", "MaxSessionDuration", NULL };
    json_t *shown = rb_iam_pick(role, plain);
    const char *boundary = json_string_value(json_object_get(role, "_boundary"));

    rb_iam_set_document(shown, "AssumeRolePolicyDocument", rb_iam_text(role, "_trust"));
    if (!whole)
        return shown;
    rb_iam_show_tags(shown, role);
    (void)json_object_set_new(shown, "RoleLastUsed", json_object());
    if (boundary != NULL)
        (void)json_object_set_new(
            shown, "PermissionsBoundary",
            json_pack("{s:s, s:s}", "PermissionsBoundaryType", "Policy", "PermissionsBoundaryArn", boundary));
    return shown;
}

/* Every statement of the policies that @role has, as one document; NULL: it has none. */
static char *
identity_of(const RbIamCall *call, const json_t *role)
{
    json_t *all = json_array(), *one, *document;
    const char *name;
    char *text = NULL;
    size_t i;

    json_array_foreach(json_object_get(role, "_attached"), i, one)
    {
        const char *says = rb_iam_policy_document(call->account, rb_iam_text(one, "PolicyArn"));
        json_t *statements;

        document = says == NULL ? NULL : json_loads(says, 0, NULL);
        statements = json_object_get(document, "Statement");
        (void)(json_is_array(statements) ? json_array_extend(all, statements)
                                         : json_array_append(all, statements));
        json_decref(document);
    }
    json_object_foreach(json_object_get(role, "_inline"), name, one)
    {
        json_t *statements;

        document = json_loads(json_string_value(one), 0, NULL);
        statements = json_object_get(document, "Statement");
        (void)(json_is_array(statements) ? json_array_extend(all, statements)
                                         : json_array_append(all, statements));
        json_decref(document);
    }
    if (json_array_size(all) > 0) {
        document = json_pack("{s:s, s:O}", "Version", "2012-10-17", "Statement", all);
        text = json_dumps(document, JSON_COMPACT);
        json_decref(document);
    }
    json_decref(all);
    return text;
}

gboolean
rb_iam_publish(const RbIamCall *call, const json_t *role)
{
    static const char nothing[] = "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}";
    const RbBoxIamSetting *setting = rb_box_iam_setting(call->iam);
    const char *boundary = json_string_value(json_object_get(role, "_boundary"));
    const char *limit = boundary == NULL ? NULL : rb_iam_policy_document(call->account, boundary);
    g_autofree char *trust = rb_box_trust_here(rb_iam_text(role, "_trust"), setting->saml_url),
                    *problem = NULL;
    char *identity = identity_of(call, role);
    const RbBoxRoleSpec spec = { .account = call->account_id,
                                 .partition = call->partition,
                                 .path = rb_iam_text(role, "Path"),
                                 .name = rb_iam_text(role, "RoleName"),
                                 .max_session_s =
                                     json_integer_value(json_object_get(role, "MaxSessionDuration")),
                                 .trust = trust,
                                 .identity = identity,
                                 .boundary = limit != NULL && limit[0] == '\0' ? nothing : limit,
                                 .id = rb_iam_text(role, "RoleId") };
    gboolean good = rb_box_cloud_add_role(setting->cloud, &spec, &problem);

    free(identity);
    return good || rb_aws_refuse(call->error, 400, "MalformedPolicyDocument", "%s", problem);
}

static gboolean
set_boundary(RbIamCall *call, json_t *role, const char *arn)
{
    if (rb_iam_policy_document(call->account, arn) == NULL)
        return rb_aws_refuse(call->error, 400, "InvalidInput",
                             "Value (%s) for parameter PermissionsBoundary is "
                             "invalid.",
                             arn);
    rb_iam_set(role, "_boundary", arn);
    return TRUE;
}

static gboolean
create_role(RbIamCall *call)
{
    const char *name = rb_iam_need(call, "RoleName", RB_FIELD_ROLE_NAME), *path, *trust, *description,
               *boundary;
    g_autofree char *key = name == NULL ? NULL : g_ascii_strdown(name, -1);
    json_t *roles = json_object_get(call->account, "roles"), *role, *tags;
    gint64 max_s;

    trust = name == NULL ? NULL : rb_iam_need(call, "AssumeRolePolicyDocument", RB_FIELD_DOCUMENT);
    if (trust == NULL || !rb_iam_may(call, "Path", RB_FIELD_PATH, &path) ||
        !rb_iam_may(call, "Description", RB_FIELD_DESCRIPTION, &description) ||
        !rb_iam_may(call, "PermissionsBoundary", RB_FIELD_ARN, &boundary) ||
        !rb_iam_number(call, "MaxSessionDuration", MIN_SESSION_S, MAX_SESSION_S, MIN_SESSION_S, &max_s) ||
        !rb_iam_check_document(call, trust, RB_BOX_TRUST, TRUST_QUOTA, "ACLSizePerRole"))
        return FALSE;
    if (json_object_get(roles, key) != NULL)
        return rb_aws_refuse(call->error, 409, "EntityAlreadyExists", "Role with name %s already exists.",
                             name);
    tags = rb_iam_tags(call);
    if (tags == NULL)
        return FALSE;
    role = rb_iam_role_record(call->partition, call->account_id, path == NULL ? "/" : path, name, trust,
                              max_s, call->stamp);
    (void)json_object_set_new(role, "_tags", tags);
    rb_iam_set(role, "Description", description);
    if ((boundary != NULL && !set_boundary(call, role, boundary)) || !rb_iam_publish(call, role)) {
        json_decref(role);
        return FALSE;
    }
    (void)json_object_set_new(roles, key, role);
    call->result = json_pack("{s:o}", "Role", rb_iam_role_shown(role, TRUE));
    (void)json_object_del(json_object_get(call->result, "Role"), "RoleLastUsed");
    return TRUE;
}

static gboolean
get_role(RbIamCall *call)
{
    const json_t *role = rb_iam_role(call);

    if (role != NULL)
        call->result = json_pack("{s:o}", "Role", rb_iam_role_shown(role, TRUE));
    return role != NULL;
}

static gboolean
list_roles(RbIamCall *call)
{
    static const char *const lists[] = { "Roles", NULL };
    const char *prefix, *key;
    GPtrArray *rows;
    json_t *role;

    if (!rb_iam_may(call, "PathPrefix", RB_FIELD_PREFIX, &prefix))
        return FALSE;
    rows = rb_iam_rows_new();
    json_object_foreach(json_object_get(call->account, "roles"), key, role)
    {
        if (prefix == NULL || g_str_has_prefix(rb_iam_text(role, "Path"), prefix))
            rb_iam_rows_add(rows, lists[0], key, rb_iam_role_shown(role, FALSE));
    }
    return rb_iam_page(call, rows, lists);
}

static gboolean
update_role(RbIamCall *call)
{
    json_t *role = rb_iam_role(call);
    const char *description;
    gint64 max_s;

    if (role == NULL || !rb_iam_may(call, "Description", RB_FIELD_DESCRIPTION, &description) ||
        !rb_iam_number(call, "MaxSessionDuration", MIN_SESSION_S, MAX_SESSION_S,
                       json_integer_value(json_object_get(role, "MaxSessionDuration")), &max_s))
        return FALSE;
    if (description != NULL)
        rb_iam_set(role, "Description", description);
    (void)json_object_set_new(role, "MaxSessionDuration", json_integer(max_s));
    call->result = json_object();
    return rb_iam_publish(call, role);
}

static gboolean
update_trust(RbIamCall *call)
{
    json_t *role = rb_iam_role(call);
    const char *trust = role == NULL ? NULL : rb_iam_need(call, "PolicyDocument", RB_FIELD_DOCUMENT);

    if (trust == NULL || !rb_iam_check_document(call, trust, RB_BOX_TRUST, TRUST_QUOTA, "ACLSizePerRole"))
        return FALSE;
    rb_iam_set(role, "_trust", trust);
    return rb_iam_publish(call, role);
}

static gboolean
delete_role(RbIamCall *call)
{
    const json_t *role = rb_iam_role(call);
    g_autofree char *key = NULL;

    if (role == NULL)
        return FALSE;
    if (json_object_size(json_object_get(role, "_inline")) > 0)
        return rb_aws_refuse(call->error, 409, "DeleteConflict",
                             "Cannot delete entity, must delete policies first.");
    if (json_array_size(json_object_get(role, "_attached")) > 0)
        return rb_aws_refuse(call->error, 409, "DeleteConflict",
                             "Cannot delete entity, must detach all policies first.");
    rb_box_cloud_remove_role(rb_box_iam_setting(call->iam)->cloud, rb_iam_text(role, "Arn"));
    key = g_ascii_strdown(rb_iam_text(role, "RoleName"), -1);
    (void)json_object_del(json_object_get(call->account, "roles"), key);
    return TRUE;
}

static gboolean
tag_role(RbIamCall *call)
{
    json_t *role = rb_iam_role(call);

    return role != NULL && rb_iam_tag(call, role, "TagsPerRole");
}

static gboolean
untag_role(RbIamCall *call)
{
    json_t *role = rb_iam_role(call);

    return role != NULL && rb_iam_untag(call, role);
}

static gboolean
list_role_tags(RbIamCall *call)
{
    const json_t *role = rb_iam_role(call);

    return role != NULL && rb_iam_list_tags(call, role);
}

static gboolean
put_boundary(RbIamCall *call)
{
    json_t *role = rb_iam_role(call);
    const char *arn = role == NULL ? NULL : rb_iam_need(call, "PermissionsBoundary", RB_FIELD_ARN);

    return arn != NULL && set_boundary(call, role, arn) && rb_iam_publish(call, role);
}

static gboolean
delete_boundary(RbIamCall *call)
{
    json_t *role = rb_iam_role(call);

    if (role == NULL)
        return FALSE;
    (void)json_object_del(role, "_boundary");
    return rb_iam_publish(call, role);
}

const RbIamEntry rb_iam_roles[] = {
    { "CreateRole", create_role, RB_ON_ROLE },
    { "GetRole", get_role, RB_ON_ROLE },
    { "ListRoles", list_roles, RB_ON_ALL },
    { "UpdateRole", update_role, RB_ON_ROLE },
    { "UpdateAssumeRolePolicy", update_trust, RB_ON_ROLE },
    { "DeleteRole", delete_role, RB_ON_ROLE },
    { "TagRole", tag_role, RB_ON_ROLE },
    { "UntagRole", untag_role, RB_ON_ROLE },
    { "ListRoleTags", list_role_tags, RB_ON_ROLE },
    { "PutRolePermissionsBoundary", put_boundary, RB_ON_ROLE },
    { "DeleteRolePermissionsBoundary", delete_boundary, RB_ON_ROLE },
    { NULL, NULL, RB_ON_ALL },
};
