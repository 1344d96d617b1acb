#include "deploy/priv.h"

#include <string.h>

/* Steps, one by one. Each may be done again: by the next run, after this one was stopped anywhere. */

enum { VERSIONS_MAX = 5 };

/* Nobody may take the role: closes the door while the rest of it goes. */
#define NOBODY                                                                                               \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"*\"},"         \
    "\"Action\":\"sts:AssumeRole\"}]}"

/* Fields of a call: name, value, …; texts made for it live as long. */
typedef struct {
    GPtrArray *fields, *owned;
} Fields;

static void
fields_clear(Fields *f)
{
    g_ptr_array_unref(f->fields);
    g_ptr_array_unref(f->owned);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fields, fields_clear)

static void
fields_init(Fields *f)
{
    f->fields = g_ptr_array_new();
    f->owned = g_ptr_array_new_with_free_func(g_free);
}

static void
add(Fields *f, const char *name, const char *value)
{
    if (value == NULL)
        return;
    g_ptr_array_add(f->fields, (char *)name);
    g_ptr_array_add(f->fields, (char *)value);
}

static void
add_tags(Fields *f, const json_t *tags)
{
    const char *key;
    json_t *value;
    guint n = 0;

    json_object_foreach((json_t *)tags, key, value)
    {
        char *names[] = { g_strdup_printf("Tags.member.%u.Key", ++n),
                          g_strdup_printf("Tags.member.%u.Value", n) };
        g_ptr_array_add(f->owned, names[0]);
        g_ptr_array_add(f->owned, names[1]);
        add(f, names[0], key);
        add(f, names[1], json_string_value(value));
    }
}

static gboolean
send(RbIam *iam, const char *action, Fields *f, GError **error)
{
    g_ptr_array_add(f->fields, NULL);
    return rb_iam_do(iam, action, (const char *const *)f->fields->pdata, error);
}

/* Two fields at most: most calls. */
static gboolean
call(RbIam *iam, const char *action, const char *name, const char *value, const char *name2,
     const char *value2, GError **error)
{
    const char *const fields[] = { name, value, name2, value2, NULL };

    return rb_iam_do(iam, action, fields, error);
}

/* What should go is gone already. */
static gboolean
unless_gone(gboolean ok, GError **why, GError **error)
{
    if (ok)
        return TRUE;
    if (g_error_matches(*why, RB_IAM_ERROR, RB_IAM_NO_SUCH_ENTITY)) {
        g_clear_error(why);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(why));
    return FALSE;
}

#define GONE(call_)                                                                                          \
    G_STMT_START                                                                                             \
    {                                                                                                        \
        GError *why_ = NULL;                                                                                 \
        gboolean ok_ = call_;                                                                                \
        if (!unless_gone(ok_, &why_, error))                                                                 \
            return FALSE;                                                                                    \
    }                                                                                                        \
    G_STMT_END

/* ---- providers ---- */

static gboolean
is_saml(const RbStep *step)
{
    return json_is_true(json_object_get(step->wanted, "saml"));
}

static const char *
provider_key(gboolean saml)
{
    return saml ? "SAMLProviderArn" : "OpenIDConnectProviderArn";
}

static gboolean
create_provider(RbIam *iam, const RbStep *step, GError **error)
{
    g_auto(Fields) f;

    fields_init(&f);
    add(&f, is_saml(step) ? "Name" : "Url", step->name);
    add(&f, is_saml(step) ? "SAMLMetadataDocument" : "ClientIDList.member.1", step->after);
    add_tags(&f, json_object_get(step->wanted, "tags"));
    return send(iam, is_saml(step) ? "CreateSAMLProvider" : "CreateOpenIDConnectProvider", &f, error);
}

static gboolean
update_provider(RbIam *iam, const RbStep *step, GError **error)
{
    if (is_saml(step))
        return call(iam, "UpdateSAMLProvider", "SAMLProviderArn", step->arn, "SAMLMetadataDocument",
                    step->after, error);
    return call(iam, "AddClientIDToOpenIDConnectProvider", "OpenIDConnectProviderArn", step->arn, "ClientID",
                step->after, error);
}

static gboolean
delete_provider(RbIam *iam, const RbStep *step, GError **error)
{
    const char *action = is_saml(step) ? "DeleteSAMLProvider" : "DeleteOpenIDConnectProvider";

    GONE(call(iam, action, provider_key(is_saml(step)), step->arn, NULL, NULL, &why_));
    return TRUE;
}

/* ---- policies ---- */

static gboolean
create_policy(RbIam *iam, const RbStep *step, GError **error)
{
    const char *description = rb_iam_text(step->wanted, "description");
    g_auto(Fields) f;

    fields_init(&f);
    add(&f, "PolicyName", step->name);
    add(&f, "Path", rb_iam_text(step->wanted, "path"));
    add(&f, "PolicyDocument", step->after);
    add(&f, "Description", *description == '\0' ? NULL : description);
    add_tags(&f, json_object_get(step->wanted, "tags"));
    return send(iam, "CreatePolicy", &f, error);
}

/* "v12" after "v9". */
static gint64
version_number(const json_t *version)
{
    const char *id = rb_iam_text(version, "VersionId");

    return *id == '\0' ? 0 : g_ascii_strtoll(id + 1, NULL, 10);
}

static const json_t *
oldest(const json_t *versions)
{
    const json_t *found = NULL;
    json_t *version;
    size_t i;

    json_array_foreach(versions, i,
                       version) if (!g_str_equal(rb_iam_text(version, "IsDefaultVersion"), "true") &&
                                    (found == NULL || version_number(version) < version_number(found)))
        found = version;
    return found;
}

static json_t *
list_versions(RbIam *iam, const char *arn, GError **error)
{
    const char *const fields[] = { "PolicyArn", arn, NULL };

    return rb_iam_list(iam, "ListPolicyVersions", "Versions", fields, error);
}

static gboolean
delete_version(RbIam *iam, const char *arn, const json_t *version, GError **error)
{
    GONE(call(iam, "DeletePolicyVersion", "PolicyArn", arn, "VersionId", rb_iam_text(version, "VersionId"),
              &why_));
    return TRUE;
}

/* A policy keeps five versions: the oldest that is not in force makes room. @full: there are as many. */
static gboolean
make_room(RbIam *iam, const RbStep *step, gboolean full, GError **error)
{
    json_t *versions = list_versions(iam, step->arn, error);
    const json_t *spare = full || json_array_size(versions) >= VERSIONS_MAX ? oldest(versions) : NULL;
    gboolean ok = versions != NULL && (spare == NULL || delete_version(iam, step->arn, spare, error));

    json_decref(versions);
    return ok;
}

/* After an attempt whose answer was lost there may be one version more than was counted. */
static gboolean
update_policy(RbIam *iam, const RbStep *step, GError **error)
{
    const char *const fields[] = { "PolicyArn", step->arn, "PolicyDocument", step->after, "SetAsDefault",
                                   "true",      NULL };
    g_autoptr(GError) why = NULL;

    if (!make_room(iam, step, FALSE, error))
        return FALSE;
    if (rb_iam_do(iam, "CreatePolicyVersion", fields, &why))
        return TRUE;
    if (g_error_matches(why, RB_IAM_ERROR, RB_IAM_LIMIT))
        return make_room(iam, step, TRUE, error) && rb_iam_do(iam, "CreatePolicyVersion", fields, error);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static gboolean
delete_versions(RbIam *iam, const char *arn, GError **error)
{
    json_t *versions = list_versions(iam, arn, error), *version;
    gboolean ok = versions != NULL;
    size_t i;

    json_array_foreach(versions, i,
                       version) if (!g_str_equal(rb_iam_text(version, "IsDefaultVersion"), "true")) ok =
        ok && delete_version(iam, arn, version, error);
    json_decref(versions);
    return ok;
}

static gboolean
delete_policy(RbIam *iam, const RbStep *step, GError **error)
{
    GONE(delete_versions(iam, step->arn, &why_));
    GONE(call(iam, "DeletePolicy", "PolicyArn", step->arn, NULL, NULL, &why_));
    return TRUE;
}

/* ---- roles ---- */

static gboolean
create_role(RbIam *iam, const RbStep *step, GError **error)
{
    const char *description = rb_iam_text(step->wanted, "description");
    g_autofree char *max = g_strdup_printf(
        "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(step->wanted, "max_session_s")));
    g_auto(Fields) f;

    fields_init(&f);
    add(&f, "RoleName", step->name);
    add(&f, "Path", rb_iam_text(step->wanted, "path"));
    add(&f, "AssumeRolePolicyDocument", step->after);
    add(&f, "Description", *description == '\0' ? NULL : description);
    add(&f, "MaxSessionDuration", max);
    add_tags(&f, json_object_get(step->wanted, "tags"));
    return send(iam, "CreateRole", &f, error);
}

static gboolean
update_role(RbIam *iam, const RbStep *step, GError **error)
{
    g_autofree char *max = g_strdup_printf(
        "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(step->wanted, "max_session_s")));
    const char *const fields[] = {
        "RoleName",           step->name, "Description", rb_iam_text(step->wanted, "description"),
        "MaxSessionDuration", max,        NULL
    };

    return rb_iam_do(iam, "UpdateRole", fields, error);
}

static gboolean
call_unless_gone(RbIam *iam, const char *action, const RbStep *step, const char *field, const char *value,
                 GError **error)
{
    GONE(call(iam, action, "RoleName", step->name, field, value, &why_));
    return TRUE;
}

/* Every item of @list (transfer full) through @action. */
static gboolean
each(RbIam *iam, const RbStep *step, json_t *list, const char *action, const char *field, const char *key,
     GError **error)
{
    gboolean ok = list != NULL;
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item) ok =
        ok && call_unless_gone(iam, action, step, field,
                               key == NULL ? json_string_value(item) : rb_iam_text(item, key), error);
    json_decref(list);
    return ok;
}

static gboolean
empty_role(RbIam *iam, const RbStep *step, GError **error)
{
    const char *const fields[] = { "RoleName", step->name, NULL };

    return call(iam, "UpdateAssumeRolePolicy", "RoleName", step->name, "PolicyDocument", NOBODY, error) &&
           each(iam, step, rb_iam_list(iam, "ListAttachedRolePolicies", "AttachedPolicies", fields, error),
                "DetachRolePolicy", "PolicyArn", "PolicyArn", error) &&
           each(iam, step, rb_iam_list(iam, "ListRolePolicies", "PolicyNames", fields, error),
                "DeleteRolePolicy", "PolicyName", NULL, error);
}

static gboolean
delete_role(RbIam *iam, const RbStep *step, GError **error)
{
    GONE(empty_role(iam, step, &why_));
    GONE(call(iam, "DeleteRole", "RoleName", step->name, NULL, NULL, &why_));
    return TRUE;
}

static gboolean
detach_from(RbIam *iam, const RbStep *step, const char *arn, GError **error)
{
    GONE(call(iam, "DetachRolePolicy", "RoleName", step->name, "PolicyArn", arn, &why_));
    return TRUE;
}

/* A role that has as many policies as it may have: those that leave it anyway make room, one by one. */
static gboolean
attach(RbIam *iam, const RbStep *step, GError **error)
{
    const json_t *leaving = json_object_get(step->wanted, "leaving");

    for (size_t i = 0;; i++) {
        g_autoptr(GError) why = NULL;
        if (call(iam, "AttachRolePolicy", "RoleName", step->name, "PolicyArn", step->detail, &why))
            return TRUE;
        if (!g_error_matches(why, RB_IAM_ERROR, RB_IAM_LIMIT) || i >= json_array_size(leaving)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return FALSE;
        }
        if (!detach_from(iam, step, json_string_value(json_array_get(leaving, i)), error))
            return FALSE;
    }
}

static gboolean
detach(RbIam *iam, const RbStep *step, GError **error)
{
    return detach_from(iam, step, step->detail, error);
}

static gboolean
delete_inline(RbIam *iam, const RbStep *step, GError **error)
{
    GONE(call(iam, "DeleteRolePolicy", "RoleName", step->name, "PolicyName", step->detail, &why_));
    return TRUE;
}

static gboolean
update_trust(RbIam *iam, const RbStep *step, GError **error)
{
    return call(iam, "UpdateAssumeRolePolicy", "RoleName", step->name, "PolicyDocument", step->after, error);
}

/* ---- tags ---- */

/* "TagRole" and how the thing is named in it. */
static char *
tag_action(const RbStep *step, const char *verb, const char **key, const char **name)
{
    gboolean saml = strstr(step->arn, ":saml-provider/") != NULL;

    *key = step->thing == RB_THING_ROLE     ? "RoleName"
           : step->thing == RB_THING_POLICY ? "PolicyArn"
                                            : provider_key(saml);
    *name = step->thing == RB_THING_ROLE ? step->name : step->arn;
    return g_strconcat(verb,
                       step->thing == RB_THING_ROLE     ? "Role"
                       : step->thing == RB_THING_POLICY ? "Policy"
                       : saml                           ? "SAMLProvider"
                                                        : "OpenIDConnectProvider",
                       NULL);
}

static gboolean
tag(RbIam *iam, const RbStep *step, GError **error)
{
    const char *key, *name;
    g_autofree char *action = tag_action(step, "Tag", &key, &name);
    g_auto(Fields) f;

    fields_init(&f);
    add(&f, key, name);
    add_tags(&f, step->wanted);
    return send(iam, action, &f, error);
}

static gboolean
untag(RbIam *iam, const RbStep *step, GError **error)
{
    const char *key, *name;
    g_autofree char *action = tag_action(step, "Untag", &key, &name);

    return call(iam, action, key, name, "TagKeys.member.1", step->detail, error);
}

/* ---- all of them ---- */

typedef gboolean (*Run)(RbIam *iam, const RbStep *step, GError **error);

static const Run runs[] = {
    [RB_STEP_CREATE_PROVIDER] = create_provider,
    [RB_STEP_UPDATE_PROVIDER] = update_provider,
    [RB_STEP_CREATE_POLICY] = create_policy,
    [RB_STEP_UPDATE_POLICY] = update_policy,
    [RB_STEP_CREATE_ROLE] = create_role,
    [RB_STEP_UPDATE_ROLE] = update_role,
    [RB_STEP_ATTACH] = attach,
    [RB_STEP_UPDATE_TRUST] = update_trust,
    [RB_STEP_TAG] = tag,
    [RB_STEP_UNTAG] = untag,
    [RB_STEP_DETACH] = detach,
    [RB_STEP_DELETE_INLINE] = delete_inline,
    [RB_STEP_DELETE_ROLE] = delete_role,
    [RB_STEP_DELETE_POLICY] = delete_policy,
    [RB_STEP_DELETE_PROVIDER] = delete_provider,
};

gboolean
rb_step_run(RbIam *iam, const RbStep *step, GError **error)
{
    return runs[step->kind](iam, step, error);
}
