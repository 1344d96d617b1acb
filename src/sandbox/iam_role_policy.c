#include "sandbox/iam_priv.h"

#include <string.h>

/* What roles have attached, and what stands in them. */

enum { MAX_ATTACHED = 20, INLINE_QUOTA = 10240 };

static gssize
find_attached(const json_t *role, const char *arn)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(role, "_attached"), i, one)
    {
        if (strcmp(rb_iam_text(one, "PolicyArn"), arn) == 0)
            return (gssize)i;
    }
    return -1;
}

static gboolean
attach(RbIamCall *call)
{
    json_t *role = rb_iam_role(call), *attached = json_object_get(role, "_attached");
    const char *arn = role == NULL ? NULL : rb_iam_need(call, "PolicyArn", RB_FIELD_ARN);

    if (arn == NULL)
        return FALSE;
    if (rb_iam_policy_document(call->account, arn) == NULL)
        return rb_aws_refuse(call->error, 404, "NoSuchEntity",
                             "Policy %s does not exist or is not attachable.", arn);
    if (find_attached(role, arn) >= 0)
        return TRUE;
    if (json_array_size(attached) >= MAX_ATTACHED)
        return rb_aws_refuse(call->error, 409, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: %d",
                             MAX_ATTACHED);
    (void)json_array_append_new(
        attached, json_pack("{s:s, s:s}", "PolicyName", strrchr(arn, '/') + 1, "PolicyArn", arn));
    return rb_iam_publish(call, role);
}

static gboolean
detach(RbIamCall *call)
{
    json_t *role = rb_iam_role(call);
    const char *arn = role == NULL ? NULL : rb_iam_need(call, "PolicyArn", RB_FIELD_ARN);
    gssize at = arn == NULL ? -1 : find_attached(role, arn);

    if (arn == NULL)
        return FALSE;
    if (at < 0)
        return rb_aws_refuse(call->error, 404, "NoSuchEntity", "Policy %s was not found.", arn);
    (void)json_array_remove(json_object_get(role, "_attached"), (size_t)at);
    return rb_iam_publish(call, role);
}

static gboolean
list_attached(RbIamCall *call)
{
    static const char *const lists[] = { "AttachedPolicies", NULL };
    const json_t *role = rb_iam_role(call);
    GPtrArray *rows;
    json_t *one;
    size_t i;

    if (role == NULL)
        return FALSE;
    rows = rb_iam_rows_new();
    json_array_foreach(json_object_get(role, "_attached"), i, one)
    {
        rb_iam_rows_add(rows, lists[0], rb_iam_text(one, "PolicyArn"), json_incref(one));
    }
    return rb_iam_page(call, rows, lists);
}

static gboolean
put_inline(RbIamCall *call)
{
    json_t *role = rb_iam_role(call), *all = json_object_get(role, "_inline"), *one;
    const char *name = role == NULL ? NULL : rb_iam_need(call, "PolicyName", RB_FIELD_POLICY_NAME), *other;
    const char *document = name == NULL ? NULL : rb_iam_need(call, "PolicyDocument", RB_FIELD_DOCUMENT);
    gsize size;

    if (document == NULL || !rb_iam_check_document(call, document, RB_BOX_IDENTITY, G_MAXSIZE, ""))
        return FALSE;
    size = rb_iam_characters(document);
    json_object_foreach(all, other, one)
    {
        size += strcmp(other, name) == 0 ? 0 : rb_iam_characters(json_string_value(one));
    }
    if (size > INLINE_QUOTA)
        return rb_aws_refuse(call->error, 409, "LimitExceeded",
                             "Maximum policy size of %d bytes exceeded for role %s", INLINE_QUOTA,
                             rb_iam_text(role, "RoleName"));
    rb_iam_set(all, name, document);
    return rb_iam_publish(call, role);
}

static gboolean
find_inline(const RbIamCall *call, json_t **role, const char **name)
{
    *role = rb_iam_role(call);
    *name = *role == NULL ? NULL : rb_iam_need(call, "PolicyName", RB_FIELD_POLICY_NAME);
    if (*name == NULL)
        return FALSE;
    if (json_object_get(json_object_get(*role, "_inline"), *name) != NULL)
        return TRUE;
    return rb_aws_refuse(call->error, 404, "NoSuchEntity", "The role policy with name %s cannot be found.",
                         *name);
}

static gboolean
get_inline(RbIamCall *call)
{
    const char *name;
    json_t *role;

    if (!find_inline(call, &role, &name))
        return FALSE;
    call->result = json_pack("{s:s, s:s}", "RoleName", rb_iam_text(role, "RoleName"), "PolicyName", name);
    rb_iam_set_document(call->result, "PolicyDocument", rb_iam_text(json_object_get(role, "_inline"), name));
    return TRUE;
}

static gboolean
delete_inline(RbIamCall *call)
{
    const char *name;
    json_t *role;

    if (!find_inline(call, &role, &name))
        return FALSE;
    (void)json_object_del(json_object_get(role, "_inline"), name);
    return rb_iam_publish(call, role);
}

static gboolean
list_inline(RbIamCall *call)
{
    static const char *const lists[] = { "PolicyNames", NULL };
    const json_t *role = rb_iam_role(call);
    GPtrArray *rows;
    const char *name;
    json_t *document;

    if (role == NULL)
        return FALSE;
    rows = rb_iam_rows_new();
    json_object_foreach(json_object_get(role, "_inline"), name, document)
    {
        rb_iam_rows_add(rows, lists[0], name, json_string(name));
    }
    return rb_iam_page(call, rows, lists);
}

const RbIamEntry rb_iam_role_policies[] = {
    { "AttachRolePolicy", attach, RB_ON_ROLE },
    { "DetachRolePolicy", detach, RB_ON_ROLE },
    { "ListAttachedRolePolicies", list_attached, RB_ON_ROLE },
    { "PutRolePolicy", put_inline, RB_ON_ROLE },
    { "GetRolePolicy", get_inline, RB_ON_ROLE },
    { "DeleteRolePolicy", delete_inline, RB_ON_ROLE },
    { "ListRolePolicies", list_inline, RB_ON_ROLE },
    { NULL, NULL, RB_ON_ALL },
};
