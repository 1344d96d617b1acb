#include "fake_iam.h"

#include "support/server.h"

#include "base/encoding.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct FakeIam {
    Server *server;
    char *url;
    const char *account;
    pthread_mutex_t lock; /* over all that follows */
    json_t *roles, *policies, *providers;
    GString *log;
    guint calls, fail_at, page, attachments, unsettled, numbers;
    FakeFault fault;
    gboolean failed;
    int status;
    char *body;
};

/* One call: what it asks, and what it is answered. */
typedef struct {
    FakeIam *fake;
    GHashTable *form;
    GString *out;     /* inside of …Result */
    const char *code; /* an error; NULL: none */
} Call;

static const char *
get(const Call *c, const char *name)
{
    return g_hash_table_lookup(c->form, name);
}

static const char *
text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value == NULL ? "" : value;
}

static void add(Call *c, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
add(Call *c, const char *format, ...)
{
    va_list args;
    g_autofree char *markup = NULL;

    va_start(args, format);
    markup = g_markup_vprintf_escaped(format, args);
    va_end(args);
    g_string_append(c->out, markup);
}

static json_t *
find(Call *c, json_t *in, const char *name)
{
    json_t *found = name == NULL ? NULL : json_object_get(in, name);

    if (found == NULL)
        c->code = "NoSuchEntity";
    return found;
}

static json_t *
role_of(Call *c)
{
    return find(c, c->fake->roles, get(c, "RoleName"));
}

static json_t *
policy_of(Call *c)
{
    return find(c, c->fake->policies, get(c, "PolicyArn"));
}

/* ---- tags ---- */

static void
read_tags(Call *c, json_t *tags)
{
    for (guint i = 1;; i++) {
        g_autofree char *key = g_strdup_printf("Tags.member.%u.Key", i);
        g_autofree char *value = g_strdup_printf("Tags.member.%u.Value", i);
        if (get(c, key) == NULL)
            return;
        (void)json_object_set_new(tags, get(c, key), json_string(get(c, value)));
    }
}

static void
add_tags(Call *c, const json_t *tags)
{
    const char *key;
    json_t *value;

    g_string_append(c->out, "<Tags>");
    json_object_foreach((json_t *)tags, key, value)
        add(c, "<member><Key>%s</Key><Value>%s</Value></member>", key, json_string_value(value));
    g_string_append(c->out, "</Tags>");
}

static void
tag(Call *c, json_t *thing)
{
    if (thing != NULL)
        read_tags(c, json_object_get(thing, "tags"));
}

static void
untag(Call *c, json_t *thing)
{
    if (thing != NULL)
        (void)json_object_del(json_object_get(thing, "tags"), get(c, "TagKeys.member.1"));
}

/* ---- reading ---- */

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

static int
attached_to(const FakeIam *fake, const char *arn)
{
    const char *name;
    json_t *role, *item;
    size_t i;
    int n = 0;

    json_object_foreach(fake->roles, name, role)
        json_array_foreach(json_object_get(role, "attached"), i, item) n +=
        g_str_equal(json_string_value(item), arn);
    return n;
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
    json_object_foreach(c->fake->providers, arn, item) add(c, "<member><Arn>%s</Arn></member>", arn);
    g_string_append(c->out, "</OpenIDConnectProviderList>");
}

static void
list_saml(Call *c)
{
    g_string_append(c->out, "<SAMLProviderList/>");
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

static size_t
index_of(const json_t *list, const char *wanted)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item) if (g_str_equal(json_string_value(item), wanted)) return i;
    return json_array_size(list);
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

static const struct {
    const char *name;
    void (*answer)(Call *c);
} actions[] = {
    { "GetAccountAuthorizationDetails", details },
    { "ListRoles", list_roles },
    { "ListPolicyTags", list_policy_tags },
    { "ListPolicyVersions", list_versions },
    { "ListAttachedRolePolicies", list_attached },
    { "ListRolePolicies", list_inline },
    { "ListOpenIDConnectProviders", list_oidc },
    { "ListSAMLProviders", list_saml },
    { "GetOpenIDConnectProvider", get_oidc },
    { "CreateOpenIDConnectProvider", create_oidc },
    { "AddClientIDToOpenIDConnectProvider", add_client },
    { "DeleteOpenIDConnectProvider", delete_oidc },
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
};

/* ---- a call ---- */

static void
carry_out(Call *c)
{
    const char *action = get(c, "Action");
    const char *name = get(c, "RoleName") != NULL     ? get(c, "RoleName")
                       : get(c, "PolicyName") != NULL ? get(c, "PolicyName")
                       : get(c, "PolicyArn") != NULL  ? get(c, "PolicyArn")
                                                      : "";

    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++)
        if (g_strcmp0(actions[i].name, action) == 0) {
            actions[i].answer(c);
            if (!g_str_has_prefix(action, "Get") && !g_str_has_prefix(action, "List") && c->code == NULL)
                g_string_append_printf(c->fake->log, "%s %s%s%s\n", action, name,
                                       get(c, "RoleName") != NULL && get(c, "PolicyArn") != NULL ? " " : "",
                                       get(c, "RoleName") != NULL && get(c, "PolicyArn") != NULL
                                           ? strrchr(get(c, "PolicyArn"), '/') + 1
                                           : "");
            return;
        }
    c->code = "InvalidAction";
}

static void
reply_with(ServerReply *reply, const Call *c)
{
    const char *action = get(c, "Action");
    g_autofree char *body = NULL;

    if (c->code != NULL)
        body = g_strdup_printf(
            "<ErrorResponse><Error><Code>%s</Code><Message>said %s</Message></Error></ErrorResponse>",
            c->code, c->code);
    else
        body = g_strdup_printf("<%sResponse><%sResult>%s</%sResult></%sResponse>", action, action,
                               c->out->str, action, action);
    reply_text(reply, c->code == NULL ? 200 : 400, "text/xml", body);
}

static void
answer(const ServerRequest *request, ServerReply *reply, gpointer data)
{
    FakeIam *fake = data;
    g_autoptr(GHashTable) form = g_uri_parse_params(request->body->str, -1, "&", G_URI_PARAMS_WWW_FORM, NULL);
    Call c = { fake, form, g_string_new(NULL), NULL };
    FakeFault fault;

    pthread_mutex_lock(&fake->lock);
    fake->calls++;
    fault = fake->calls == fake->fail_at ? fake->fault : FAKE_FINE;
    fake->failed = fake->failed || fault != FAKE_FINE;
    if (g_hash_table_lookup(request->headers, "authorization") == NULL)
        c.code = "MissingAuthenticationToken";
    else if (fault == FAKE_DENIES)
        c.code = "AccessDenied";
    else if (fault == FAKE_THROTTLES)
        c.code = "Throttling";
    else if (fake->body == NULL)
        carry_out(&c);
    if (fault == FAKE_IS_GONE)
        c.code = "AccessDenied";
    if (fake->body != NULL)
        reply_text(reply, fake->status, "text/xml", fake->body);
    else if (fault == FAKE_LOSES)
        reply->break_off = TRUE;
    else
        reply_with(reply, &c);
    pthread_mutex_unlock(&fake->lock);
    g_string_free(c.out, TRUE);
}

static RbHttp *http; /* of all of them: it reads a CA store */

void
fake_iam_end(void)
{
    rb_http_free(http);
    http = NULL;
}

FakeIam *
fake_iam_new(const char *account)
{
    FakeIam *fake = g_new0(FakeIam, 1);

    fake->account = account;
    (void)pthread_mutex_init(&fake->lock, NULL);
    fake->roles = json_object();
    fake->policies = json_object();
    fake->providers = json_object();
    fake->log = g_string_new(NULL);
    fake->attachments = 20;
    fake->server = server_new(answer, fake, NULL, NULL);
    fake->url = server_url(fake->server, "/");
    if (http == NULL)
        http = rb_http_new(NULL, NULL);
    return fake;
}

void
fake_iam_free(FakeIam *fake)
{
    server_free(fake->server);
    json_decref(fake->roles);
    json_decref(fake->policies);
    json_decref(fake->providers);
    g_string_free(fake->log, TRUE);
    g_free(fake->body);
    g_free(fake->url);
    pthread_mutex_destroy(&fake->lock);
    g_free(fake);
}

void
fake_iam_fail(FakeIam *fake, guint n, FakeFault fault)
{
    fake->fail_at = fake->calls + n;
    fake->fault = fault;
    fake->failed = FALSE;
}

gboolean
fake_iam_failed(const FakeIam *fake)
{
    return fake->failed;
}

guint
fake_iam_calls(const FakeIam *fake)
{
    return fake->calls;
}

void
fake_iam_answer(FakeIam *fake, int status, const char *body)
{
    g_free(fake->body);
    fake->body = g_strdup(body);
    fake->status = status;
}

void
fake_iam_page(FakeIam *fake, guint size)
{
    fake->page = size;
}

void
fake_iam_attachments(FakeIam *fake, guint most)
{
    fake->attachments = most;
}

void
fake_iam_settle(FakeIam *fake, guint calls)
{
    fake->unsettled = calls;
}

char *
fake_iam_do(FakeIam *fake, const char *action, const char *const *fields)
{
    g_autoptr(GHashTable) form = g_hash_table_new(g_str_hash, g_str_equal);
    Call c = { fake, form, g_string_new(NULL), NULL };

    g_hash_table_insert(form, (char *)"Action", (char *)action);
    for (guint i = 0; fields[i] != NULL; i += 2)
        g_hash_table_insert(form, (char *)fields[i], (char *)fields[i + 1]);
    pthread_mutex_lock(&fake->lock);
    carry_out(&c);
    g_string_truncate(fake->log, 0); /* only what rolebridge does counts */
    pthread_mutex_unlock(&fake->lock);
    g_string_free(c.out, TRUE);
    return g_strdup(c.code);
}

/* ---- what stands there ---- */

static int
by_text(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

static json_t *
sorted(const json_t *list)
{
    size_t n = json_array_size(list);
    g_autofree json_t **items = g_new(json_t *, n + 1);
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++)
        items[i] = json_array_get(list, i);
    qsort(items, n, sizeof *items, by_text);
    for (size_t i = 0; i < n; i++)
        (void)json_array_append(out, items[i]);
    return out;
}

static json_t *
in_force(const json_t *policy)
{
    json_t *version;
    size_t i;

    json_array_foreach(
        json_object_get(policy, "versions"), i,
        version) if (json_is_true(json_object_get(version, "default"))) return json_object_get(version,
                                                                                               "document");
    return NULL;
}

char *
fake_iam_state(FakeIam *fake)
{
    json_t *roles = json_deep_copy(fake->roles), *policies = json_object(), *role, *policy, *all;
    const char *name;
    char *dumped, *out;

    json_object_foreach(roles, name, role)(void)
        json_object_set_new(role, "attached", sorted(json_object_get(role, "attached")));
    json_object_foreach(fake->policies, name, policy)(void) json_object_set_new(
        policies, name,
        json_pack("{s:O, s:O}", "document", in_force(policy), "tags", json_object_get(policy, "tags")));
    all = json_pack("{s:o, s:o, s:O}", "roles", roles, "policies", policies, "providers", fake->providers);
    dumped = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);
    out = g_strdup(dumped);
    free(dumped);
    json_decref(all);
    return out;
}

char *
fake_iam_log(FakeIam *fake)
{
    return g_strdup(fake->log->str);
}

/* ---- the way in ---- */

static RbCredentials *
credentials(gpointer data, GError **error)
{
    RbCredentials *out = g_new0(RbCredentials, 1);

    (void)data;
    (void)error;
    g_atomic_ref_count_init(&out->refs);
    out->access_key_id = g_strdup("ASIABTX3GSDSQBNMGHLQ");
    out->secret_access_key = rb_secret_new_text("0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c");
    out->session_token = rb_secret_new_text("token");
    return out;
}

static void
no_pause(guint ms)
{
    (void)ms;
}

RbIam *
fake_iam_open(const RbCompiledAccount *account, gpointer data, GError **error)
{
    FakeIam *fake = data;
    const RbIamSetting setting = { .http = http,
                                   .clock = rb_clock_system(),
                                   .endpoint = fake->url,
                                   .partition = "aws",
                                   .credentials = credentials,
                                   .pause = no_pause };

    (void)account;
    (void)error;
    return rb_iam_new(&setting);
}
