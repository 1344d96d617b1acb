#include "sandbox/iam_priv.h"

#include "base/encoding.h"
#include "base/log.h"
#include "sandbox/sts.h"

#include <string.h>

#define NAMESPACE "https://iam.amazonaws.com/doc/2010-05-08/"
#define VERSION "2010-05-08"

struct RbBoxIam {
    RbBoxIamSetting setting;
    GMutex mutex;     /* guards what follows */
    json_t *accounts; /* id → what it holds */
    GRand *chance;
};

static const RbIamEntry *const tables[] = { rb_iam_roles, rb_iam_role_policies, rb_iam_policies,
                                            rb_iam_providers, rb_iam_account };

const RbBoxIamSetting *
rb_box_iam_setting(const RbBoxIam *iam)
{
    return &iam->setting;
}

static json_t *
account_of(RbBoxIam *iam, const char *id)
{
    json_t *account = json_object_get(iam->accounts, id);

    if (account != NULL)
        return account;
    account = json_pack("{s:{}, s:{}, s:{}, s:{}, s:{}}", "roles", "policies", "oidc", "saml", "users");
    (void)json_object_set_new(iam->accounts, id, account);
    return account;
}

/* A role that was there before IAM was asked: what it may do stands in an inline policy. */
static void
take_role(RbBoxIam *iam, const RbBoxRole *role, const char *stamp)
{
    g_autofree char *key = g_ascii_strdown(role->name, -1);
    json_t *record = rb_iam_role_record(role->partition, role->account, role->path, role->name,
                                        role->trust_document, role->max_session_s, stamp);

    rb_iam_set(record, "RoleId", role->id);
    if (role->identity_document != NULL)
        rb_iam_set(json_object_get(record, "_inline"), "sandbox", role->identity_document);
    (void)json_object_set_new(json_object_get(account_of(iam, role->account), "roles"), key, record);
}

RbBoxIam *
rb_box_iam_new(const RbBoxIamSetting *setting, gint64 now)
{
    RbBoxIam *iam = g_new0(RbBoxIam, 1);
    g_autoptr(GPtrArray) roles = rb_box_cloud_roles(setting->cloud);
    g_autofree char *stamp = rb_time_format(now);

    iam->setting = *setting;
    g_mutex_init(&iam->mutex);
    iam->accounts = json_object();
    iam->chance = g_rand_new_with_seed(1);
    for (guint i = 0; i < roles->len; i++)
        take_role(iam, roles->pdata[i], stamp);
    return iam;
}

void
rb_box_iam_free(RbBoxIam *iam)
{
    if (iam == NULL)
        return;
    json_decref(iam->accounts);
    g_rand_free(iam->chance);
    g_mutex_clear(&iam->mutex);
    g_free(iam);
}

void
rb_box_iam_add_user(RbBoxIam *iam, const RbBoxIamUser *user, gint64 now)
{
    g_autofree char *made = rb_time_format(now - user->key_age_s), *used = NULL;
    g_autofree char *arn = g_strdup_printf("arn:aws:iam::%s:user/%s", user->account, user->name);
    g_autofree char *id = rb_box_unique_id("AIDA", arn);
    json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s}", "Path", "/", "UserName",
                               user->name, "UserId", id, "Arn", arn, "CreateDate", made, "_mfa", user->mfa,
                               "_password", user->password, "_key", user->access_key_id);

    if (user->key_unused_s >= 0)
        used = rb_time_format(now - user->key_unused_s);
    rb_iam_set(record, "_key_used", used);
    (void)json_object_set_new(json_object_get(account_of(iam, user->account), "users"), user->name, record);
}

void
rb_box_iam_add_provider(RbBoxIam *iam, const char *arn, const char *const *audiences, gint64 now)
{
    g_auto(GStrv) fields = g_strsplit(arn, ":", 6);
    const char *slash = strchr(fields[5], '/');
    gboolean saml = g_str_has_prefix(fields[5], "saml-provider/");
    g_autofree char *stamp = rb_time_format(now);
    json_t *record = json_pack("{s:s, s:s, s:[], s:[], s:[]}", "_arn", arn, "CreateDate", stamp,
                               "ClientIDList", "ThumbprintList", "_tags");

    if (!saml)
        rb_iam_set(record, "Url", slash + 1);
    for (guint i = 0; audiences != NULL && audiences[i] != NULL; i++)
        (void)json_array_append_new(json_object_get(record, "ClientIDList"), json_string(audiences[i]));
    (void)json_object_set_new(json_object_get(account_of(iam, fields[4]), saml ? "saml" : "oidc"), arn,
                              record);
}

gboolean
rb_box_iam_wants(const RbBoxRequest *request)
{
    const char *host = rb_box_request_header(request, "Host");
    g_autoptr(GHashTable) fields = NULL;

    if (strcmp(request->path, "/iam") == 0 || g_str_has_prefix(request->path, "/iam/") ||
        (host != NULL && g_str_has_prefix(host, "iam.")))
        return TRUE;
    fields = rb_box_request_fields(request);
    return fields != NULL && g_strcmp0(g_hash_table_lookup(fields, "Version"), VERSION) == 0;
}

static gboolean
check_token(const RbBoxPrincipal *caller, const char *token, gint64 now, RbAwsError *error)
{
    if (caller == NULL ||
        (caller->token == NULL ? token != NULL
                               : token == NULL || !rb_secret_equal_text(caller->token, token)))
        return rb_aws_refuse(error, 403, "InvalidClientTokenId",
                             "The security token included in the request is invalid.");
    if (caller->expires_at != 0 && now >= caller->expires_at)
        return rb_aws_refuse(error, 403, "ExpiredToken",
                             "The security token included in the request is expired");
    return TRUE;
}

/* IAM is one for a whole partition: a client that knows that signs for the region it is in. */
static gboolean
check_scope(const RbIamCall *call, const RbBoxSignature *signature)
{
    static const char *const own[] = { "us-east-1", "us-gov-west-1", "cn-north-1", NULL };
    const char *const *regions = call->iam->setting.regions;

    if (g_strv_contains(own, signature->region))
        regions = own;
    return rb_box_signature_check_scope(signature, "iam", regions, call->now, call->error);
}

static gboolean
authenticate(RbIamCall *call)
{
    g_autoptr(RbBoxSignature) signature = rb_box_signature_read(call->request, call->error);

    if (signature == NULL || !check_scope(call, signature))
        return FALSE;
    call->caller = rb_box_cloud_principal(call->iam->setting.cloud, signature->access_key_id);
    if (call->caller == NULL)
        return check_token(NULL, NULL, call->now, call->error);
    call->account_id = call->caller->account;
    call->partition = call->caller->partition;
    return rb_box_signature_check(signature, call->request, call->caller->secret, call->error) &&
           check_token(call->caller, signature->token, call->now, call->error);
}

/* The resource that the caller's policies must allow, and what conditions may ask of it. */
static char *
resource_of(const RbIamCall *call, RbIamSubject subject, RbBoxContext *context)
{
    const char *role = rb_iam_get(call, "RoleName"), *policy = rb_iam_get(call, "PolicyArn");
    const char *path = rb_iam_get(call, "Path"), *name = rb_iam_get(call, "PolicyName");
    const char *provider = rb_iam_get(call, "OpenIDConnectProviderArn");
    g_autofree char *key = role == NULL ? NULL : g_ascii_strdown(role, -1);
    const json_t *record = key == NULL ? NULL : json_object_get(json_object_get(call->account, "roles"), key),
                 *tag;
    size_t i;

    rb_box_context_add(context, "iam:PolicyARN", policy);
    rb_box_context_add(context, "iam:PermissionsBoundary", rb_iam_get(call, "PermissionsBoundary"));
    json_array_foreach(json_object_get(record, "_tags"), i, tag)
    {
        g_autofree char *tag_key = g_strconcat("aws:ResourceTag/", rb_iam_text(tag, "Key"), NULL);
        rb_box_context_add(context, tag_key, rb_iam_text(tag, "Value"));
    }
    if (subject == RB_ON_ROLE && role != NULL)
        return record != NULL ? g_strdup(rb_iam_text(record, "Arn"))
                              : rb_iam_arn(call, "role", path == NULL ? "/" : path, role);
    if (subject == RB_ON_POLICY && policy != NULL)
        return g_strdup(policy);
    if (subject == RB_ON_POLICY && name != NULL)
        return rb_iam_arn(call, "policy", path == NULL ? "/" : path, name);
    if (provider == NULL)
        provider = rb_iam_get(call, "SAMLProviderArn");
    return g_strdup(subject == RB_ON_PROVIDER && provider != NULL ? provider : "*");
}

static gboolean
authorize(const RbIamCall *call, const RbIamEntry *entry)
{
    g_autoptr(RbBoxContext) context = rb_box_context_new();
    g_autofree char *action = g_strconcat("iam:", entry->name, NULL);
    g_autofree char *resource = resource_of(call, entry->subject, context);
    const RbBoxPrincipal *caller = call->caller;
    char *why = NULL;

    rb_box_context_add(context, "aws:CurrentTime", call->stamp);
    rb_box_context_add(context, "aws:SourceIp", call->request->peer);
    rb_box_context_add(context, "aws:SecureTransport", call->request->tls ? "true" : "false");
    rb_box_context_add(context, "aws:PrincipalAccount", caller->account);
    rb_box_context_add(context, "aws:PrincipalArn", caller->role != NULL ? caller->role->arn : caller->arn);
    rb_box_context_add(context, "aws:SourceIdentity", caller->source_identity);
    for (guint i = 1; i <= 50; i++) {
        g_autofree char *name = g_strdup_printf("Tags.member.%u.Key", i);
        g_autofree char *value = g_strdup_printf("Tags.member.%u.Value", i);
        g_autofree char *key = g_strconcat("aws:RequestTag/", rb_iam_get(call, name), NULL);

        if (rb_iam_get(call, name) == NULL)
            break;
        rb_box_context_add(context, key, rb_iam_get(call, value));
        rb_box_context_add(context, "aws:TagKeys", rb_iam_get(call, name));
    }
    if (rb_box_cloud_may(call->iam->setting.cloud, caller, action, resource, context, FALSE, &why)) {
        g_free(why);
        return TRUE;
    }
    (void)rb_aws_refuse(call->error, 403, "AccessDenied",
                        "User: %s is not authorized to perform: %s on resource: %s because no identity-based "
                        "policy allows the %s action",
                        caller->arn, action, resource, action);
    call->error->why = why;
    return FALSE;
}

static gboolean
run(RbIamCall *call, const RbIamEntry *entry)
{
    RbBoxIam *iam = call->iam;
    gboolean good = FALSE;

    if (!authenticate(call))
        return FALSE;
    g_mutex_lock(&iam->mutex);
    call->account = account_of(iam, call->account_id);
    if (iam->setting.throttle > 0 && (guint)g_rand_int_range(iam->chance, 0, 100) < iam->setting.throttle)
        (void)rb_aws_refuse(call->error, 400, "Throttling", "Rate exceeded");
    else
        good = authorize(call, entry) && entry->run(call);
    g_mutex_unlock(&iam->mutex);
    return good;
}

static gboolean
dispatch(RbIamCall *call, const char **name)
{
    const char *action = call->fields == NULL ? NULL : rb_iam_get(call, "Action");
    const char *version = call->fields == NULL ? NULL : rb_iam_get(call, "Version");

    if (call->fields == NULL)
        return rb_aws_refuse(call->error, 400, "MalformedInput",
                             "The request's parameters cannot be read, or one is sent twice.");
    if (action == NULL)
        return rb_aws_refuse(call->error, 400, "MissingAction", "Missing Action");
    for (gsize i = 0; i < G_N_ELEMENTS(tables); i++) {
        for (const RbIamEntry *entry = tables[i]; entry->name != NULL; entry++) {
            if (strcmp(action, entry->name) != 0 || g_strcmp0(version, VERSION) != 0)
                continue;
            *name = entry->name;
            return run(call, entry);
        }
    }
    return rb_aws_refuse(call->error, 400, "InvalidAction", "Could not find operation %s for version %s",
                         action, version == NULL ? "NO_VERSION_SPECIFIED" : version);
}

static void
write_answer(RbBoxAnswer *answer, const char *name, const json_t *result, const char *request_id)
{
    g_autoptr(GString) inner = g_string_new(NULL);

    if (result != NULL) {
        g_string_append_printf(inner, "<%sResult>", name);
        rb_iam_write(inner, result);
        g_string_append_printf(inner, "</%sResult>", name);
    }
    rb_box_answer_text(answer, 200, "text/xml",
                       "<%sResponse xmlns=\"" NAMESPACE
                       "\">%s<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>\n",
                       name, inner->str, request_id, name);
}

static const char *
subject_of(const RbIamCall *call)
{
    static const char *const names[] = {
        "RoleName",        "PolicyArn", "PolicyName", "OpenIDConnectProviderArn",
        "SAMLProviderArn", "Name",      "Url",        NULL
    };

    for (guint i = 0; call->fields != NULL && names[i] != NULL; i++)
        if (rb_iam_get(call, names[i]) != NULL)
            return rb_iam_get(call, names[i]);
    return NULL;
}

void
rb_box_iam_answer(RbBoxIam *iam, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    g_autofree char *request_id = rb_box_request_id(), *stamp = rb_time_format(now);
    g_autoptr(GHashTable) fields = rb_box_request_fields(request);
    RbAwsError error = { NULL, 0, NULL, NULL };
    RbIamCall call = {
        .iam = iam, .request = request, .fields = fields, .now = now, .stamp = stamp, .error = &error
    };
    const char *name = "unknown";

    rb_box_answer_header(answer, "x-amzn-RequestId", request_id);
    if (dispatch(&call, &name))
        write_answer(answer, name, call.result, request_id);
    else
        rb_sts_answer_error(answer, &error, request_id, NAMESPACE);
    rb_log(RB_LOG_INFO, error.code == NULL ? "iam.answered" : "iam.refused", "operation", name, "caller",
           call.caller == NULL ? NULL : call.caller->arn, "subject", subject_of(&call), "code", error.code,
           "message", error.message, "why", error.why, "request_id", request_id, NULL);
    json_decref(call.result);
    rb_box_principal_unref(call.caller);
    rb_aws_error_clear(&error);
}
