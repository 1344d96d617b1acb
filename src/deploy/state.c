#include "deploy/priv.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "iam/arn.h"

#include <string.h>

/* An account's IAM as it is, in one shape: names in lower case (to IAM they differ in more than case),
 * documents decoded, tags as an object. */

static json_t *
tags_of(const json_t *list)
{
    json_t *out = json_object(), *tag;
    size_t i;

    json_array_foreach(list, i, tag)(void)
        json_object_set_new(out, rb_iam_text(tag, "Key"), json_string(rb_iam_text(tag, "Value")));
    return out;
}

static void
set_document(json_t *out, const char *key, const char *encoded)
{
    g_autofree char *text = rb_iam_document(encoded);

    (void)json_object_set_new(out, key, json_string(text == NULL ? "" : text));
}

static void
put(json_t *state, const char *kind, const char *name, json_t *thing)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);

    (void)json_object_set_new(json_object_get(state, kind), lower, thing);
}

static json_t *
copy_texts(const json_t *from, const char *const *keys)
{
    json_t *out = json_object();

    for (guint i = 0; keys[i] != NULL; i++)
        (void)json_object_set_new(out, keys[i], json_string(rb_iam_text(from, keys[i])));
    return out;
}

/* That @arn is of @account and of that kind: with credentials of another account, that one would be changed.
 */
static gboolean
check_arn(const char *arn, const char *account, const char *kind, GError **error)
{
    g_autoptr(RbArn) parsed = rb_arn_parse(arn, NULL);
    g_autofree char *quoted = NULL;

    if (parsed != NULL && g_str_equal(parsed->service, "iam") && g_str_equal(parsed->account, account) &&
        g_str_has_prefix(parsed->resource, kind) && parsed->resource[strlen(parsed->resource) - 1] != '/')
        return TRUE;
    quoted = rb_text_quote(arn);
    return rb_fault(error, RB_FAULT_STS, "IAM told of %s, which is nothing of account %s", quoted, account);
}

/* A number of an answer; 0 where it has none. */
static json_t *
number_of(const json_t *object, const char *key)
{
    return json_integer((json_int_t)g_ascii_strtoll(rb_iam_text(object, key), NULL, 10));
}

/* ---- roles ---- */

static void
add_role(json_t *state, const json_t *detail)
{
    static const char *const keys[] = { "RoleName", "Path", "Arn", "RoleId", NULL };
    json_t *role = copy_texts(detail, keys), *attached = json_array(), *within = json_object(), *item;
    size_t i;

    set_document(role, "trust", rb_iam_text(detail, "AssumeRolePolicyDocument"));
    json_array_foreach(json_object_get(detail, "AttachedManagedPolicies"), i, item)(void)
        json_array_append_new(attached, json_string(rb_iam_text(item, "PolicyArn")));
    json_array_foreach(json_object_get(detail, "RolePolicyList"), i, item)
        set_document(within, rb_iam_text(item, "PolicyName"), rb_iam_text(item, "PolicyDocument"));
    (void)json_object_set_new(role, "attached", attached);
    (void)json_object_set_new(role, "inline", within);
    (void)json_object_set_new(
        role, "profiles",
        json_integer((json_int_t)json_array_size(json_object_get(detail, "InstanceProfileList"))));
    (void)json_object_set_new(
        role, "boundary",
        json_string(rb_iam_text(json_object_get(detail, "PermissionsBoundary"), "PermissionsBoundaryArn")));
    (void)json_object_set_new(role, "tags", tags_of(json_object_get(detail, "Tags")));
    put(state, "roles", rb_iam_text(detail, "RoleName"), role);
}

/* The details of an account leave out what the list has. */
static gboolean
add_sessions(RbIam *iam, const char *path, json_t *state, GError **error)
{
    const char *const fields[] = { "PathPrefix", path, NULL };
    json_t *list = rb_iam_list(iam, "ListRoles", "Roles", fields, error), *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        g_autofree char *lower = g_ascii_strdown(rb_iam_text(item, "RoleName"), -1);
        json_t *role = json_object_get(json_object_get(state, "roles"), lower);
        const char *max = rb_iam_text(item, "MaxSessionDuration");
        if (role == NULL)
            continue; /* made between two calls: the next plan sees it */
        (void)json_object_set_new(
            role, "max_session_s",
            json_integer((json_int_t)g_ascii_strtoll(*max == '\0' ? "3600" : max, NULL, 10)));
        (void)json_object_set_new(role, "description", json_string(rb_iam_text(item, "Description")));
    }
    json_decref(list);
    return list != NULL;
}

gboolean
rb_deploy_add_roles(json_t *state, const json_t *list, const char *account, GError **error)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (!check_arn(rb_iam_text(item, "Arn"), account, "role/", error))
            return FALSE;
        add_role(state, item);
    }
    return TRUE;
}

static gboolean
add_roles(RbIam *iam, const RbCompiledAccount *want, json_t *state, GError **error)
{
    static const char *const fields[] = { "Filter.member.1", "Role", NULL };
    json_t *list = rb_iam_list(iam, "GetAccountAuthorizationDetails", "RoleDetailList", fields, error);
    gboolean ok = list != NULL && rb_deploy_add_roles(state, list, want->account->id, error);

    json_decref(list);
    return ok && add_sessions(iam, want->path, state, error);
}

/* ---- policies ---- */

static json_t *
versions_of(json_t *policy, const json_t *list)
{
    json_t *out = json_array(), *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        gboolean in_force = g_str_equal(rb_iam_text(item, "IsDefaultVersion"), "true");
        if (in_force)
            set_document(policy, "document", rb_iam_text(item, "Document"));
        (void)json_array_append_new(out, json_pack("{s:s, s:s, s:b}", "id", rb_iam_text(item, "VersionId"),
                                                   "created", rb_iam_text(item, "CreateDate"), "in_force",
                                                   (int)in_force));
    }
    return out;
}

static gboolean
add_policy(RbIam *iam, const RbCompiledAccount *want, json_t *state, const json_t *detail, GError **error)
{
    static const char *const keys[] = { "Path", "Arn", "Description", NULL };
    const char *const fields[] = { "PolicyArn", rb_iam_text(detail, "Arn"), NULL };
    json_t *policy = copy_texts(detail, keys), *tags = json_array();
    const char *slash = strrchr(rb_iam_text(detail, "Arn"), '/');

    if (!check_arn(rb_iam_text(detail, "Arn"), want->account->id, "policy/", error)) {
        json_decref(policy);
        json_decref(tags);
        return FALSE;
    }
    (void)json_object_set_new(policy, "attachments", number_of(detail, "AttachmentCount"));
    /* out of its ARN: not every IAM says the name here */
    (void)json_object_set_new(policy, "PolicyName", json_string(slash + 1));
    (void)json_object_set_new(policy, "versions",
                              versions_of(policy, json_object_get(detail, "PolicyVersionList")));
    if (g_str_equal(rb_iam_text(detail, "Path"), want->path)) { /* of others the name is all that matters */
        json_decref(tags);
        tags = rb_iam_list(iam, "ListPolicyTags", "Tags", fields, error);
    }
    (void)json_object_set_new(policy, "tags", tags_of(tags));
    put(state, "policies", slash + 1, policy);
    json_decref(tags);
    return tags != NULL;
}

static gboolean
add_policies(RbIam *iam, const RbCompiledAccount *want, json_t *state, GError **error)
{
    static const char *const fields[] = { "Filter.member.1", "LocalManagedPolicy", NULL };
    json_t *list = rb_iam_list(iam, "GetAccountAuthorizationDetails", "Policies", fields, error), *item;
    gboolean ok = list != NULL;
    size_t i;

    json_array_foreach(list, i, item) ok = ok && add_policy(iam, want, state, item, error);
    json_decref(list);
    return ok;
}

/* ---- providers ---- */

static gboolean
add_provider(RbIam *iam, gboolean saml, const char *arn, json_t *state, GError **error)
{
    const char *const fields[] = { saml ? "SAMLProviderArn" : "OpenIDConnectProviderArn", arn, NULL };
    json_t *got = rb_iam_call(iam, saml ? "GetSAMLProvider" : "GetOpenIDConnectProvider", fields, error);
    json_t *provider;

    if (got == NULL)
        return FALSE;
    provider = json_pack("{s:s, s:b, s:s, s:s}", "Arn", arn, "saml", (int)saml, "url",
                         rb_iam_text(got, "Url"), "metadata", rb_iam_text(got, "SAMLMetadataDocument"));
    (void)json_object_set(provider, "audiences", json_object_get(got, "ClientIDList"));
    (void)json_object_set_new(provider, "tags", tags_of(json_object_get(got, "Tags")));
    (void)json_object_set_new(json_object_get(state, "providers"), arn, provider);
    json_decref(got);
    return TRUE;
}

static gboolean
add_providers(RbIam *iam, gboolean saml, const char *account, json_t *state, GError **error)
{
    json_t *list = rb_iam_call(iam, saml ? "ListSAMLProviders" : "ListOpenIDConnectProviders", NULL, error),
           *item;
    const json_t *arns = json_object_get(list, saml ? "SAMLProviderList" : "OpenIDConnectProviderList");
    gboolean ok = list != NULL;
    size_t i;

    json_array_foreach(arns, i, item) ok =
        ok &&
        check_arn(rb_iam_text(item, "Arn"), account, saml ? "saml-provider/" : "oidc-provider/", error) &&
        add_provider(iam, saml, rb_iam_text(item, "Arn"), state, error);
    json_decref(list);
    return ok;
}

json_t *
rb_deploy_state(RbIam *iam, const RbCompiledAccount *want, GError **error)
{
    json_t *state = json_pack("{s:{}, s:{}, s:{}}", "roles", "policies", "providers");

    if (add_roles(iam, want, state, error) && add_policies(iam, want, state, error) &&
        add_providers(iam, FALSE, want->account->id, state, error) &&
        add_providers(iam, TRUE, want->account->id, state, error))
        return state;
    json_decref(state);
    return NULL;
}
