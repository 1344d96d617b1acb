#include "fake_priv.h"

/* What an account tells of itself. */

static void
add_document(Call *c, const char *name, const char *document)
{
    g_autofree char *encoded = rb_uri_encode(document);

    add(c, "<%s>%s</%s>", name, encoded, name);
}

static void
add_role(Call *c, const char *name, const json_t *role, gboolean detail)
{
    const char *inlined;
    json_t *item;
    size_t i;

    add(c, "<member><RoleName>%s</RoleName><Path>%s</Path><Arn>%s</Arn>", name, text(role, "path"),
        text(role, "arn"));
    add_document(c, "AssumeRolePolicyDocument", text(role, "trust"));
    if (!detail) {
        add(c, "<Description>%s</Description><MaxSessionDuration>%s</MaxSessionDuration></member>",
            text(role, "description"), text(role, "max"));
        return;
    }
    g_string_append(c->out, "<AttachedManagedPolicies>");
    json_array_foreach(json_object_get(role, "attached"), i, item)
        add(c, "<member><PolicyArn>%s</PolicyArn></member>", json_string_value(item));
    g_string_append(c->out, "</AttachedManagedPolicies><RolePolicyList>");
    json_object_foreach(json_object_get(role, "inline"), inlined, item)
    {
        add(c, "<member><PolicyName>%s</PolicyName>", inlined);
        add_document(c, "PolicyDocument", json_string_value(item));
        g_string_append(c->out, "</member>");
    }
    g_string_append(c->out, "</RolePolicyList>");
    add_tags(c, json_object_get(role, "tags"));
    g_string_append(c->out, "</member>");
}

static void
add_policy(Call *c, const char *arn, const json_t *policy)
{
    json_t *version;
    size_t i;

    add(c,
        "<member><PolicyName>%s</PolicyName><Path>%s</Path><Arn>%s</Arn><AttachmentCount>%d</AttachmentCount>"
        "<PolicyVersionList>",
        text(policy, "name"), text(policy, "path"), arn, attached_to(c->fake, arn));
    json_array_foreach(json_object_get(policy, "versions"), i, version)
    {
        add(c, "<member><VersionId>%s</VersionId><IsDefaultVersion>%s</IsDefaultVersion>",
            text(version, "id"), json_is_true(json_object_get(version, "default")) ? "true" : "false");
        add_document(c, "Document", text(version, "document"));
        g_string_append(c->out, "</member>");
    }
    g_string_append(c->out, "</PolicyVersionList></member>");
}

/* Where a page begins and whether there is more behind it: the marker is the number of the first. */
static gboolean
is_on_page(Call *c, guint i, gboolean *more)
{
    guint from = get(c, "Marker") == NULL ? 0 : (guint)g_ascii_strtoull(get(c, "Marker"), NULL, 10);

    if (c->fake->page == 0)
        return TRUE;
    if (i >= from + c->fake->page)
        *more = TRUE;
    return i >= from && i < from + c->fake->page;
}

static void
add_marker(Call *c, gboolean more)
{
    guint from = get(c, "Marker") == NULL ? 0 : (guint)g_ascii_strtoull(get(c, "Marker"), NULL, 10);

    if (more)
        add(c, "<IsTruncated>true</IsTruncated><Marker>%u</Marker>", from + c->fake->page);
    else
        g_string_append(c->out, "<IsTruncated>false</IsTruncated>");
}

static void
add_roles(Call *c, const char *list, const char *path, gboolean detail)
{
    const char *name;
    json_t *role;
    gboolean more = FALSE;
    guint i = 0;

    add(c, "<%s>", list);
    json_object_foreach(c->fake->roles, name,
                        role) if ((path == NULL || g_str_has_prefix(text(role, "path"), path)) &&
                                  is_on_page(c, i++, &more)) add_role(c, name, role, detail);
    add(c, "</%s>", list);
    add_marker(c, more);
}

static void
details(Call *c)
{
    const char *arn;
    json_t *policy;
    gboolean more = FALSE;
    guint i = 0;

    if (g_str_equal(get(c, "Filter.member.1"), "Role")) {
        add_roles(c, "RoleDetailList", NULL, TRUE);
        return;
    }
    g_string_append(c->out, "<Policies>");
    json_object_foreach(c->fake->policies, arn, policy) if (is_on_page(c, i++, &more))
        add_policy(c, arn, policy);
    g_string_append(c->out, "</Policies>");
    add_marker(c, more);
}

static void
list_roles(Call *c)
{
    add_roles(c, "Roles", get(c, "PathPrefix"), FALSE);
}

static void
list_policy_tags(Call *c)
{
    const json_t *policy = policy_of(c);

    if (policy != NULL)
        add_tags(c, json_object_get(policy, "tags"));
}

static void
list_versions(Call *c)
{
    const json_t *policy = policy_of(c);
    json_t *version;
    size_t i;

    g_string_append(c->out, "<Versions>");
    json_array_foreach(json_object_get(policy, "versions"), i, version)
        add(c, "<member><VersionId>%s</VersionId><IsDefaultVersion>%s</IsDefaultVersion></member>",
            text(version, "id"), json_is_true(json_object_get(version, "default")) ? "true" : "false");
    g_string_append(c->out, "</Versions>");
}

static void
list_attached(Call *c)
{
    json_t *item;
    size_t i;

    g_string_append(c->out, "<AttachedPolicies>");
    json_array_foreach(json_object_get(role_of(c), "attached"), i, item)
        add(c, "<member><PolicyArn>%s</PolicyArn></member>", json_string_value(item));
    g_string_append(c->out, "</AttachedPolicies>");
}

static void
list_inline(Call *c)
{
    const char *name;
    json_t *item;

    g_string_append(c->out, "<PolicyNames>");
    json_object_foreach(json_object_get(role_of(c), "inline"), name, item)
        add(c, "<member>%s</member>", name);
    g_string_append(c->out, "</PolicyNames>");
}

static void
list_oidc(Call *c)
{
    const char *arn;
    json_t *item;

    g_string_append(c->out, "<OpenIDConnectProviderList>");
    json_object_foreach(c->fake->providers, arn, item) if (json_object_get(item, "metadata") == NULL)
        add(c, "<member><Arn>%s</Arn></member>", arn);
    g_string_append(c->out, "</OpenIDConnectProviderList>");
}

static void
list_saml(Call *c)
{
    const char *arn;
    json_t *item;

    g_string_append(c->out, "<SAMLProviderList>");
    json_object_foreach(c->fake->providers, arn, item) if (json_object_get(item, "metadata") != NULL)
        add(c, "<member><Arn>%s</Arn></member>", arn);
    g_string_append(c->out, "</SAMLProviderList>");
}

static void
get_saml(Call *c)
{
    const json_t *provider = find(c, c->fake->providers, get(c, "SAMLProviderArn"));

    add(c, "<SAMLMetadataDocument>%s</SAMLMetadataDocument>", text(provider, "metadata"));
    add_tags(c, json_object_get(provider, "tags"));
}

static void
get_oidc(Call *c)
{
    const json_t *provider = find(c, c->fake->providers, get(c, "OpenIDConnectProviderArn"));
    json_t *item;
    size_t i;

    add(c, "<Url>%s</Url><ClientIDList>", text(provider, "url"));
    json_array_foreach(json_object_get(provider, "clients"), i, item)
        add(c, "<member>%s</member>", json_string_value(item));
    g_string_append(c->out, "</ClientIDList>");
    add_tags(c, json_object_get(provider, "tags"));
}

/* STS's, for a program that asks who it is. */
static void
caller(Call *c)
{
    add(c, "<Account>%s</Account>", c->fake->account);
}

const FakeAction fake_reads[] = {
    { "GetCallerIdentity", caller },
    { "GetAccountAuthorizationDetails", details },
    { "ListRoles", list_roles },
    { "ListPolicyTags", list_policy_tags },
    { "ListPolicyVersions", list_versions },
    { "ListAttachedRolePolicies", list_attached },
    { "ListRolePolicies", list_inline },
    { "ListOpenIDConnectProviders", list_oidc },
    { "ListSAMLProviders", list_saml },
    { "GetOpenIDConnectProvider", get_oidc },
    { "GetSAMLProvider", get_saml },
    { NULL, NULL },
};
