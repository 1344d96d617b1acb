#include "compile/format.h"

#include "base/encoding.h"

#include <string.h>

/* Names stand in a template as they stand in IAM, so it takes CAPABILITY_NAMED_IAM. */

/* Logical ids are letters and digits: "data-scientist" → "RoleDataScientist". Names with anything but single
 * dashes before letters get a part of their hash, so that no two names have one id. */
static char *
logical_id(const char *kind, const char *name)
{
    GString *out = g_string_new(kind);
    gboolean plain = TRUE, raise = TRUE;

    for (const char *p = name; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p)) {
            plain = plain && *p == '-' && !raise;
            raise = TRUE;
            continue;
        }
        plain = plain && (!raise || g_ascii_islower(*p));
        g_string_append_c(out, raise ? g_ascii_toupper(*p) : *p);
        raise = FALSE;
    }
    if (!plain || raise) {
        guint8 digest[32];
        g_autofree char *hex = NULL;
        rb_sha256(name, strlen(name), digest);
        hex = rb_hex_encode(digest, 4);
        g_string_append(out, hex);
    }
    return g_string_free(out, FALSE);
}

static json_t *
tags_of(const RbTag *tags, guint n)
{
    json_t *out = json_array();

    for (guint i = 0; i < n; i++)
        (void)json_array_append_new(out, json_pack("{s:s, s:s}", "Key", tags[i].key, "Value", tags[i].value));
    return out;
}

static void
add(json_t *resources, const char *kind, const char *name, json_t *resource)
{
    g_autofree char *id = logical_id(kind, name);

    (void)json_object_set_new(resources, id, resource);
}

static json_t *
provider_of(const RbCompiledAccount *account)
{
    const RbCompiledProvider *provider = account->provider;
    json_t *tags = tags_of(account->tags, account->n_tags), *metadata;

    if (provider->method == RB_ISSUE_WEB_IDENTITY)
        return json_pack("{s:s, s:{s:s, s:[s], s:o}}", "Type", "AWS::IAM::OIDCProvider", "Properties", "Url",
                         provider->url, "ClientIdList", provider->audience, "Tags", tags);
    metadata = provider->metadata != NULL ? json_string(provider->metadata)
                                          : json_pack("{s:s}", "Ref", "SamlMetadata");
    return json_pack("{s:s, s:{s:s, s:o, s:o}}", "Type", "AWS::IAM::SAMLProvider", "Properties", "Name",
                     provider->name, "SamlMetadataDocument", metadata, "Tags", tags);
}

static json_t *
policy_of(const RbCompiledAccount *account, const RbCompiledPolicy *policy)
{
    return json_pack("{s:s, s:{s:s, s:s, s:s, s:o}}", "Type", "AWS::IAM::ManagedPolicy", "Properties",
                     "ManagedPolicyName", policy->name, "Path", account->path, "Description",
                     policy->description, "PolicyDocument", rb_policy_to_json(policy->document));
}

static json_t *
attached_to(const RbCompiledRole *role)
{
    json_t *out = json_array();

    for (guint i = 0; role->policies[i] != NULL; i++) {
        g_autofree char *id = logical_id("Policy", role->policies[i]->name);
        (void)json_array_append_new(out, json_pack("{s:s}", "Ref", id));
    }
    for (guint i = 0; role->managed[i] != NULL; i++)
        (void)json_array_append_new(out, json_string(role->managed[i]));
    return out;
}

static json_t *
role_of(const RbCompiledAccount *account, const RbCompiledRole *role)
{
    json_t *out = json_pack("{s:s}", "Type", "AWS::IAM::Role");

    if (account->provider != NULL) /* a trust policy names it by its ARN, which CloudFormation does not see */
        (void)json_object_set_new(out, "DependsOn", json_string("Provider"));
    (void)json_object_set_new(out, "Properties",
                              json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "RoleName", role->name, "Path",
                                        account->path, "Description", role->description, "MaxSessionDuration",
                                        (json_int_t)role->max_session_s, "AssumeRolePolicyDocument",
                                        rb_policy_to_json(role->trust), "ManagedPolicyArns",
                                        attached_to(role), "Tags", tags_of(role->tags, role->n_tags)));
    return out;
}

static gboolean
wants_metadata(const RbCompiledAccount *account)
{
    return account->provider != NULL && account->provider->method == RB_ISSUE_SAML &&
           account->provider->metadata == NULL;
}

json_t *
rb_compiled_to_cloudformation(const RbCompiledAccount *account, guint *n)
{
    g_autofree char *about =
        g_strdup_printf("rolebridge in %s (%s)", account->account->name, account->account->id);
    json_t *out = json_pack("{s:s, s:s}", "AWSTemplateFormatVersion", "2010-09-09", "Description", about);
    json_t *resources = json_object();

    if (wants_metadata(account))
        (void)json_object_set_new(out, "Parameters",
                                  json_pack("{s:{s:s, s:s}}", "SamlMetadata", "Type", "String", "Description",
                                            "What /saml/metadata of the bridge gives"));
    (void)json_object_set_new(out, "Rules",
                              json_pack("{s:{s:[{s:{s:[{s:s}, s]}, s:s}]}}", "ThisAccount", "Assertions",
                                        "Assert", "Fn::Equals", "Ref", "AWS::AccountId", account->account->id,
                                        "AssertDescription",
                                        "This template was compiled for another account"));
    if (account->provider != NULL)
        (void)json_object_set_new(resources, "Provider", provider_of(account));
    for (guint i = 0; i < account->n_policies; i++)
        add(resources, "Policy", account->policies[i].name, policy_of(account, &account->policies[i]));
    for (guint i = 0; i < account->n_roles; i++)
        add(resources, "Role", account->roles[i].name, role_of(account, &account->roles[i]));
    *n = (guint)json_object_size(resources);
    (void)json_object_set_new(out, "Resources", resources);
    return out;
}
