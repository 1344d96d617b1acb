#include "compile/format.h"

static json_t *
tags_of(const RbTag *tags, guint n)
{
    json_t *out = json_object();

    for (guint i = 0; i < n; i++)
        (void)json_object_set_new(out, tags[i].key, json_string(tags[i].value));
    return out;
}

static json_t *
policy_of(const RbCompiledPolicy *policy)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", policy->name, "arn", policy->arn, "description",
                     policy->description, "tags", tags_of(policy->tags, policy->n_tags), "document",
                     rb_policy_to_json(policy->document));
}

static json_t *
role_of(const RbCompiledRole *role)
{
    json_t *policies = json_array(), *managed = json_array();

    for (guint i = 0; role->policies[i] != NULL; i++)
        (void)json_array_append_new(policies, json_string(role->policies[i]->arn));
    for (guint i = 0; role->managed[i] != NULL; i++)
        (void)json_array_append_new(managed, json_string(role->managed[i]));
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "name", role->name, "arn", role->arn,
                     "description", role->description, "max_session_s", (json_int_t)role->max_session_s,
                     "tags", tags_of(role->tags, role->n_tags), "trust", rb_policy_to_json(role->trust),
                     "policies", policies, "managed_policies", managed);
}

static json_t *
provider_of(const RbCompiledAccount *account)
{
    const RbCompiledProvider *provider = account->provider;

    if (provider == NULL)
        return json_null();
    if (provider->method == RB_ISSUE_WEB_IDENTITY)
        return json_pack("{s:s, s:s, s:s, s:s}", "type", "oidc", "arn", provider->arn, "url", provider->url,
                         "audience", provider->audience);
    return json_pack("{s:s, s:s, s:s, s:s?}", "type", "saml", "arn", provider->arn, "name", provider->name,
                     "metadata", provider->metadata);
}

json_t *
rb_compiled_account_to_json(const RbCompiledAccount *account)
{
    json_t *policies = json_array(), *roles = json_array();

    for (guint i = 0; i < account->n_policies; i++)
        (void)json_array_append_new(policies, policy_of(&account->policies[i]));
    for (guint i = 0; i < account->n_roles; i++)
        (void)json_array_append_new(roles, role_of(&account->roles[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "id", account->account->id, "name",
                     account->account->name, "partition", account->account->partition, "path", account->path,
                     "provider", provider_of(account), "policies", policies, "roles", roles);
}

json_t *
rb_compiled_to_json(const RbCompiled *compiled)
{
    json_t *accounts = json_array();
    guint n;
    const RbCompiledAccount *all = rb_compiled_accounts(compiled, &n);

    for (guint i = 0; i < n; i++)
        (void)json_array_append_new(accounts, rb_compiled_account_to_json(&all[i]));
    return json_pack("{s:o}", "accounts", accounts);
}
