#include "fake_priv.h"

/* What changes an account, and the rules that IAM keeps. */

/* ---- providers ---- */

static void
create_oidc(Call *c)
{
    g_autofree char *arn = g_strconcat("arn:aws:iam::", c->fake->account, ":oidc-provider/",
                                       get(c, "Url") + strlen("https://"), NULL);
    json_t *provider;

    if (json_object_get(c->fake->providers, arn) != NULL) {
        c->code = "EntityAlreadyExists";
        return;
    }
    provider = json_pack("{s:s, s:[s], s:{}}", "url", get(c, "Url") + strlen("https://"), "clients",
                         get(c, "ClientIDList.member.1"), "tags");
    read_tags(c, json_object_get(provider, "tags"));
    (void)json_object_set_new(c->fake->providers, arn, provider);
}

static void
add_client(Call *c)
{
    json_t *provider = find(c, c->fake->providers, get(c, "OpenIDConnectProviderArn"));
    const json_t *clients = json_object_get(provider, "clients");

    if (provider != NULL && index_of(clients, get(c, "ClientID")) == json_array_size(clients))
        (void)json_array_append_new(json_object_get(provider, "clients"), json_string(get(c, "ClientID")));
}

static void
delete_oidc(Call *c)
{
    if (find(c, c->fake->providers, get(c, "OpenIDConnectProviderArn")) != NULL)
        (void)json_object_del(c->fake->providers, get(c, "OpenIDConnectProviderArn"));
}

static void
create_saml(Call *c)
{
    g_autofree char *arn =
        g_strconcat("arn:aws:iam::", c->fake->account, ":saml-provider/", get(c, "Name"), NULL);
    json_t *provider;

    if (json_object_get(c->fake->providers, arn) != NULL) {
        c->code = "EntityAlreadyExists";
        return;
    }
    provider = json_pack("{s:s, s:{}}", "metadata", get(c, "SAMLMetadataDocument"), "tags");
    read_tags(c, json_object_get(provider, "tags"));
    (void)json_object_set_new(c->fake->providers, arn, provider);
}

static void
update_saml(Call *c)
{
    json_t *provider = find(c, c->fake->providers, get(c, "SAMLProviderArn"));

    if (provider != NULL)
        (void)json_object_set_new(provider, "metadata", json_string(get(c, "SAMLMetadataDocument")));
}

static void
delete_saml(Call *c)
{
    if (find(c, c->fake->providers, get(c, "SAMLProviderArn")) != NULL)
        (void)json_object_del(c->fake->providers, get(c, "SAMLProviderArn"));
}

static void
tag_saml(Call *c)
{
    tag(c, find(c, c->fake->providers, get(c, "SAMLProviderArn")));
}

/* ---- policies ---- */

static void
add_version(Call *c, json_t *policy)
{
    g_autofree char *id = g_strdup_printf("v%u", ++c->fake->numbers);
    json_t *versions = json_object_get(policy, "versions"), *old;
    size_t i;

    json_array_foreach(versions, i, old)(void) json_object_set_new(old, "default", json_false());
    (void)json_array_append_new(
        versions, json_pack("{s:s, s:s, s:b}", "id", id, "document", get(c, "PolicyDocument"), "default", 1));
}

static void
create_policy(Call *c)
{
    const char *path = get(c, "Path") == NULL ? "/" : get(c, "Path");
    g_autofree char *arn =
        g_strconcat("arn:aws:iam::", c->fake->account, ":policy", path, get(c, "PolicyName"), NULL);
    json_t *policy;

    if (json_object_get(c->fake->policies, arn) != NULL) {
        c->code = "EntityAlreadyExists";
        return;
    }
    policy =
        json_pack("{s:s, s:s, s:[], s:{}}", "name", get(c, "PolicyName"), "path", path, "versions", "tags");
    read_tags(c, json_object_get(policy, "tags"));
    add_version(c, policy);
    (void)json_object_set_new(c->fake->policies, arn, policy);
}

static void
create_version(Call *c)
{
    json_t *policy = policy_of(c);

    if (policy == NULL)
        return;
    if (json_array_size(json_object_get(policy, "versions")) >= 5)
        c->code = "LimitExceeded";
    else
        add_version(c, policy);
}

static void
delete_version(Call *c)
{
    json_t *policy = policy_of(c), *version;
    size_t i;

    if (policy == NULL)
        return;
    c->code = "NoSuchEntity";
    json_array_foreach(json_object_get(policy, "versions"), i,
                       version) if (g_str_equal(text(version, "id"), get(c, "VersionId")))
    {
        c->code = json_is_true(json_object_get(version, "default")) ? "DeleteConflict" : NULL;
        if (c->code == NULL)
            (void)json_array_remove(json_object_get(policy, "versions"), i);
        return;
    }
}

static void
delete_policy(Call *c)
{
    json_t *policy = policy_of(c);

    if (policy == NULL)
        return;
    if (json_array_size(json_object_get(policy, "versions")) > 1 ||
        attached_to(c->fake, get(c, "PolicyArn")) > 0)
        c->code = "DeleteConflict";
    else
        (void)json_object_del(c->fake->policies, get(c, "PolicyArn"));
}

static void
tag_policy(Call *c)
{
    tag(c, policy_of(c));
}

static void
untag_policy(Call *c)
{
    untag(c, policy_of(c));
}

/* ---- roles ---- */

static void
set(json_t *thing, const char *key, const char *value)
{
    (void)json_object_set_new(thing, key, json_string(value == NULL ? "" : value));
}

static void
create_role(Call *c)
{
    const char *path = get(c, "Path") == NULL ? "/" : get(c, "Path");
    g_autofree char *arn =
        g_strconcat("arn:aws:iam::", c->fake->account, ":role", path, get(c, "RoleName"), NULL);
    json_t *role;

    if (json_object_get(c->fake->roles, get(c, "RoleName")) != NULL) {
        c->code = "EntityAlreadyExists";
        return;
    }
    role = json_pack("{s:s, s:s, s:[], s:{}, s:{}}", "path", path, "arn", arn, "attached", "inline", "tags");
    set(role, "trust", get(c, "AssumeRolePolicyDocument"));
    set(role, "description", get(c, "Description"));
    set(role, "max", get(c, "MaxSessionDuration") == NULL ? "3600" : get(c, "MaxSessionDuration"));
    read_tags(c, json_object_get(role, "tags"));
    (void)json_object_set_new(c->fake->roles, get(c, "RoleName"), role);
}

static void
update_trust(Call *c)
{
    json_t *role = role_of(c);

    if (role != NULL)
        set(role, "trust", get(c, "PolicyDocument"));
}

static void
update_role(Call *c)
{
    json_t *role = role_of(c);

    if (role == NULL)
        return;
    set(role, "description", get(c, "Description"));
    set(role, "max", get(c, "MaxSessionDuration"));
}

static void
attach(Call *c)
{
    json_t *role = role_of(c), *attached = json_object_get(role, "attached");
    const char *arn = get(c, "PolicyArn");

    if (role == NULL)
        return;
    if (c->fake->unsettled > 0 ||
        (!g_str_has_prefix(arn, "arn:aws:iam::aws:") && json_object_get(c->fake->policies, arn) == NULL)) {
        c->code = "NoSuchEntity";
        c->fake->unsettled -= c->fake->unsettled > 0;
    } else if (index_of(attached, arn) < json_array_size(attached))
        return;
    else if (json_array_size(attached) >= c->fake->attachments)
        c->code = "LimitExceeded";
    else
        (void)json_array_append_new(attached, json_string(arn));
}

static void
detach(Call *c)
{
    json_t *attached = json_object_get(role_of(c), "attached");
    size_t i = index_of(attached, get(c, "PolicyArn"));

    if (i < json_array_size(attached))
        (void)json_array_remove(attached, i);
    else
        c->code = "NoSuchEntity";
}

static void
put_inline(Call *c)
{
    json_t *role = role_of(c);

    if (role != NULL)
        set(json_object_get(role, "inline"), get(c, "PolicyName"), get(c, "PolicyDocument"));
}

static void
delete_inline(Call *c)
{
    if (json_object_del(json_object_get(role_of(c), "inline"), get(c, "PolicyName")) != 0)
        c->code = "NoSuchEntity";
}

static void
delete_role(Call *c)
{
    json_t *role = role_of(c);

    if (role == NULL)
        return;
    if (json_array_size(json_object_get(role, "attached")) +
            json_object_size(json_object_get(role, "inline")) >
        0)
        c->code = "DeleteConflict";
    else
        (void)json_object_del(c->fake->roles, get(c, "RoleName"));
}

static void
tag_role(Call *c)
{
    tag(c, role_of(c));
}

static void
untag_role(Call *c)
{
    untag(c, role_of(c));
}

const FakeAction fake_writes[] = {
    { "CreateOpenIDConnectProvider", create_oidc },
    { "AddClientIDToOpenIDConnectProvider", add_client },
    { "DeleteOpenIDConnectProvider", delete_oidc },
    { "CreateSAMLProvider", create_saml },
    { "UpdateSAMLProvider", update_saml },
    { "DeleteSAMLProvider", delete_saml },
    { "TagSAMLProvider", tag_saml },
    { "CreatePolicy", create_policy },
    { "CreatePolicyVersion", create_version },
    { "DeletePolicyVersion", delete_version },
    { "DeletePolicy", delete_policy },
    { "TagPolicy", tag_policy },
    { "UntagPolicy", untag_policy },
    { "CreateRole", create_role },
    { "UpdateAssumeRolePolicy", update_trust },
    { "UpdateRole", update_role },
    { "AttachRolePolicy", attach },
    { "DetachRolePolicy", detach },
    { "PutRolePolicy", put_inline },
    { "DeleteRolePolicy", delete_inline },
    { "DeleteRole", delete_role },
    { "TagRole", tag_role },
    { "UntagRole", untag_role },
    { NULL, NULL },
};
