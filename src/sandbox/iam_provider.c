#include "sandbox/iam_priv.h"

#include "sandbox/xml.h"

#include <string.h>

/* Identity providers: registered here, they are those that tokens and assertions are judged by. */

enum { MAX_KEYS_AGE_S = 86400, SAML_VALID_YEARS = 100 };

#define METADATA_NS "urn:oasis:names:tc:SAML:2.0:metadata"

static json_t *
provider(const RbIamCall *call, const char *field, const char *kind)
{
    const char *arn = rb_iam_need(call, field, RB_FIELD_ARN);
    json_t *record = arn == NULL ? NULL : json_object_get(json_object_get(call->account, kind), arn);

    if (arn != NULL && record == NULL)
        (void)rb_aws_refuse(call->error, 404, "NoSuchEntity", "%s not found for arn %s",
                            strcmp(kind, "oidc") == 0 ? "OpenIDConnect Provider" : "Manifest", arn);
    return record;
}

static json_t *
oidc_provider(const RbIamCall *call)
{
    return provider(call, "OpenIDConnectProviderArn", "oidc");
}

static json_t *
saml_provider(const RbIamCall *call)
{
    return provider(call, "SAMLProviderArn", "saml");
}

/* @record as STS knows it from now on. */
static gboolean
publish(const RbIamCall *call, const json_t *record)
{
    const RbBoxIamSetting *setting = rb_box_iam_setting(call->iam);
    const json_t *clients = json_object_get(record, "ClientIDList"), *client;
    g_auto(GStrv) audiences = g_new0(char *, json_array_size(clients) + 1);
    const char *url = json_string_value(json_object_get(record, "Url"));
    RbBoxProviderSpec spec = { .arn = rb_iam_text(record, "_arn"),
                               .audiences = (const char *const *)audiences,
                               .document = json_string_value(json_object_get(record, "_metadata")),
                               .max_age_s = MAX_KEYS_AGE_S,
                               .fetch = setting->fetch,
                               .fetch_data = setting->fetch_data };
    g_autofree char *problem = NULL;
    RbBoxProvider *made;
    size_t i;

    json_array_foreach(clients, i, client)
    {
        audiences[i] = g_strdup(json_string_value(client));
    }
    if (url != NULL && setting->reach != NULL)
        spec.reach = g_hash_table_lookup(setting->reach, url);
    made = rb_box_provider_new(&spec, &problem);
    if (made == NULL)
        return rb_aws_refuse(call->error, 400, "InvalidInput", "%s", problem);
    rb_box_cloud_add_provider(setting->cloud, made);
    return TRUE;
}

/* "https://HOST/PATH" without what comes before HOST and without a last slash; NULL with InvalidInput. */
static char *
issuer_of(const RbIamCall *call, const char *url)
{
    g_autofree char *issuer = g_str_has_prefix(url, "https://") ? g_strdup(url + strlen("https://")) : NULL;

    if (issuer == NULL || issuer[0] == '\0' || issuer[0] == '/' || strpbrk(issuer, "?#@ ") != NULL) {
        (void)rb_aws_refuse(call->error, 400, "ValidationError", "Invalid Open ID Connect Provider URL");
        return NULL;
    }
    if (g_str_has_suffix(issuer, "/"))
        issuer[strlen(issuer) - 1] = '\0';
    return g_steal_pointer(&issuer);
}

static gboolean
create_oidc(RbIamCall *call)
{
    const char *url = rb_iam_need(call, "Url", RB_FIELD_URL);
    g_autofree char *issuer = url == NULL ? NULL : issuer_of(call, url), *arn = NULL;
    json_t *all = json_object_get(call->account, "oidc"), *clients, *prints, *tags, *record;

    if (issuer == NULL)
        return FALSE;
    arn = rb_iam_arn(call, "oidc-provider", "/", issuer);
    if (json_object_get(all, arn) != NULL)
        return rb_aws_refuse(call->error, 409, "EntityAlreadyExists", "Provider with url %s already exists.",
                             url);
    clients = rb_iam_members(call, "ClientIDList", RB_FIELD_CLIENT);
    prints = clients == NULL ? NULL : rb_iam_members(call, "ThumbprintList", RB_FIELD_THUMBPRINT);
    tags = prints == NULL ? NULL : rb_iam_tags(call);
    if (tags == NULL) {
        json_decref(clients);
        json_decref(prints);
        return FALSE;
    }
    record = json_pack("{s:s, s:s, s:o, s:o, s:s, s:o}", "_arn", arn, "Url", issuer, "ClientIDList", clients,
                       "ThumbprintList", prints, "CreateDate", call->stamp, "_tags", tags);
    if (!publish(call, record)) {
        json_decref(record);
        return FALSE;
    }
    (void)json_object_set_new(all, arn, record);
    call->result = json_pack("{s:s}", "OpenIDConnectProviderArn", arn);
    rb_iam_show_tags(call->result, record);
    return TRUE;
}

static gboolean
get_oidc(RbIamCall *call)
{
    static const char *const plain[] = { "Url", "ClientIDList", "ThumbprintList", "CreateDate", NULL };
    const json_t *record = oidc_provider(call);

    if (record == NULL)
        return FALSE;
    call->result = rb_iam_pick(record, plain);
    rb_iam_show_tags(call->result, record);
    return TRUE;
}

static gboolean
list_oidc(RbIamCall *call)
{
    json_t *list = json_array(), *record;
    const char *arn;

    json_object_foreach(json_object_get(call->account, "oidc"), arn, record)
    {
        (void)json_array_append_new(list, json_pack("{s:s}", "Arn", arn));
    }
    call->result = json_pack("{s:o}", "OpenIDConnectProviderList", list);
    return TRUE;
}

static gboolean
delete_provider(RbIamCall *call, const char *kind, const json_t *record)
{
    if (record == NULL)
        return FALSE;
    rb_box_cloud_remove_provider(rb_box_iam_setting(call->iam)->cloud, rb_iam_text(record, "_arn"));
    (void)json_object_del(json_object_get(call->account, kind), rb_iam_text(record, "_arn"));
    return TRUE;
}

static gboolean
delete_oidc(RbIamCall *call)
{
    return delete_provider(call, "oidc", oidc_provider(call));
}

static gboolean
change_client(RbIamCall *call, gboolean add)
{
    json_t *record = oidc_provider(call), *clients = json_object_get(record, "ClientIDList"), *one;
    const char *client = record == NULL ? NULL : rb_iam_need(call, "ClientID", RB_FIELD_CLIENT);
    size_t i, at = json_array_size(clients);

    if (client == NULL)
        return FALSE;
    json_array_foreach(clients, i, one)
    {
        if (strcmp(json_string_value(one), client) == 0)
            at = i;
    }
    if (add && at == json_array_size(clients))
        (void)json_array_append_new(clients, json_string(client));
    else if (!add && at < json_array_size(clients))
        (void)json_array_remove(clients, at);
    return publish(call, record);
}

static gboolean
add_client(RbIamCall *call)
{
    return change_client(call, TRUE);
}

static gboolean
remove_client(RbIamCall *call)
{
    return change_client(call, FALSE);
}

static gboolean
update_thumbprints(RbIamCall *call)
{
    json_t *record = oidc_provider(call);
    json_t *prints = record == NULL ? NULL : rb_iam_members(call, "ThumbprintList", RB_FIELD_THUMBPRINT);

    return prints != NULL && json_object_set_new(record, "ThumbprintList", prints) == 0;
}

static gboolean
tag_oidc(RbIamCall *call)
{
    json_t *record = oidc_provider(call);

    return record != NULL && rb_iam_tag(call, record, "TagsPerOpenIDConnectProvider");
}

static gboolean
untag_oidc(RbIamCall *call)
{
    json_t *record = oidc_provider(call);

    return record != NULL && rb_iam_untag(call, record);
}

static gboolean
list_oidc_tags(RbIamCall *call)
{
    const json_t *record = oidc_provider(call);

    return record != NULL && rb_iam_list_tags(call, record);
}

/* Metadata of an identity provider, as far as IAM looks into it. */
static const char *
metadata_of(const RbIamCall *call)
{
    const char *text = rb_iam_need(call, "SAMLMetadataDocument", RB_FIELD_METADATA);
    g_autoptr(xmlDoc) doc = text == NULL ? NULL : rb_box_xml_parse(text, strlen(text), NULL);
    xmlNode *root = doc == NULL ? NULL : xmlDocGetRootElement(doc);

    if (text == NULL)
        return NULL;
    if (rb_box_xml_is(root, METADATA_NS, "EntityDescriptor") &&
        rb_box_xml_child(root, METADATA_NS, "IDPSSODescriptor") != NULL)
        return text;
    (void)rb_aws_refuse(call->error, 400, "InvalidInput", "Could not parse metadata");
    return NULL;
}

static gboolean
create_saml(RbIamCall *call)
{
    const char *name = rb_iam_need(call, "Name", RB_FIELD_POLICY_NAME);
    const char *metadata = name == NULL ? NULL : metadata_of(call);
    g_autofree char *arn = name == NULL ? NULL : rb_iam_arn(call, "saml-provider", "/", name);
    json_t *all = json_object_get(call->account, "saml"), *tags, *record;

    if (metadata == NULL)
        return FALSE;
    if (json_object_get(all, arn) != NULL)
        return rb_aws_refuse(call->error, 409, "EntityAlreadyExists",
                             "SAMLProvider with name %s already exists.", name);
    tags = rb_iam_tags(call);
    if (tags == NULL)
        return FALSE;
    record = json_pack("{s:s, s:s, s:s, s:o}", "_arn", arn, "_metadata", metadata, "CreateDate", call->stamp,
                       "_tags", tags);
    if (!publish(call, record)) {
        json_decref(record);
        return FALSE;
    }
    (void)json_object_set_new(all, arn, record);
    call->result = json_pack("{s:s}", "SAMLProviderArn", arn);
    rb_iam_show_tags(call->result, record);
    return TRUE;
}

static json_t *
saml_shown(const RbIamCall *call, const json_t *record)
{
    static const char *const plain[] = { "CreateDate", NULL };
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(call->now);
    g_autoptr(GDateTime) end = g_date_time_add_years(now, SAML_VALID_YEARS);
    g_autofree char *until = g_date_time_format(end, "%Y-%m-%dT%H:%M:%SZ");
    json_t *shown = rb_iam_pick(record, plain);

    rb_iam_set(shown, "ValidUntil", until);
    return shown;
}

static gboolean
get_saml(RbIamCall *call)
{
    const json_t *record = saml_provider(call);

    if (record == NULL)
        return FALSE;
    call->result = saml_shown(call, record);
    rb_iam_set(call->result, "SAMLMetadataDocument", rb_iam_text(record, "_metadata"));
    rb_iam_show_tags(call->result, record);
    return TRUE;
}

static gboolean
update_saml(RbIamCall *call)
{
    json_t *record = saml_provider(call);
    const char *metadata = record == NULL ? NULL : metadata_of(call);

    if (metadata == NULL)
        return FALSE;
    rb_iam_set(record, "_metadata", metadata);
    call->result = json_pack("{s:s}", "SAMLProviderArn", rb_iam_text(record, "_arn"));
    return publish(call, record);
}

static gboolean
list_saml(RbIamCall *call)
{
    json_t *list = json_array(), *record;
    const char *arn;

    json_object_foreach(json_object_get(call->account, "saml"), arn, record)
    {
        json_t *shown = saml_shown(call, record);
        rb_iam_set(shown, "Arn", arn);
        (void)json_array_append_new(list, shown);
    }
    call->result = json_pack("{s:o}", "SAMLProviderList", list);
    return TRUE;
}

static gboolean
delete_saml(RbIamCall *call)
{
    return delete_provider(call, "saml", saml_provider(call));
}

static gboolean
tag_saml(RbIamCall *call)
{
    json_t *record = saml_provider(call);

    return record != NULL && rb_iam_tag(call, record, "TagsPerSAMLProvider");
}

static gboolean
untag_saml(RbIamCall *call)
{
    json_t *record = saml_provider(call);

    return record != NULL && rb_iam_untag(call, record);
}

static gboolean
list_saml_tags(RbIamCall *call)
{
    const json_t *record = saml_provider(call);

    return record != NULL && rb_iam_list_tags(call, record);
}

const RbIamEntry rb_iam_providers[] = {
    { "CreateOpenIDConnectProvider", create_oidc, RB_ON_PROVIDER },
    { "GetOpenIDConnectProvider", get_oidc, RB_ON_PROVIDER },
    { "ListOpenIDConnectProviders", list_oidc, RB_ON_ALL },
    { "DeleteOpenIDConnectProvider", delete_oidc, RB_ON_PROVIDER },
    { "AddClientIDToOpenIDConnectProvider", add_client, RB_ON_PROVIDER },
    { "RemoveClientIDFromOpenIDConnectProvider", remove_client, RB_ON_PROVIDER },
    { "UpdateOpenIDConnectProviderThumbprint", update_thumbprints, RB_ON_PROVIDER },
    { "TagOpenIDConnectProvider", tag_oidc, RB_ON_PROVIDER },
    { "UntagOpenIDConnectProvider", untag_oidc, RB_ON_PROVIDER },
    { "ListOpenIDConnectProviderTags", list_oidc_tags, RB_ON_PROVIDER },
    { "CreateSAMLProvider", create_saml, RB_ON_PROVIDER },
    { "GetSAMLProvider", get_saml, RB_ON_PROVIDER },
    { "UpdateSAMLProvider", update_saml, RB_ON_PROVIDER },
    { "ListSAMLProviders", list_saml, RB_ON_ALL },
    { "DeleteSAMLProvider", delete_saml, RB_ON_PROVIDER },
    { "TagSAMLProvider", tag_saml, RB_ON_PROVIDER },
    { "UntagSAMLProvider", untag_saml, RB_ON_PROVIDER },
    { "ListSAMLProviderTags", list_saml_tags, RB_ON_PROVIDER },
    { NULL, NULL, RB_ON_ALL },
};
