#include "sandbox/sts.h"

#include "base/log.h"

#include <string.h>

#define NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"
#define VERSION "2011-06-15"

typedef gboolean (*Operation)(const RbStsCall *call, GString *result, RbAwsError *error);

void
rb_sts_element(GString *out, const char *name, const char *text)
{
    g_autofree char *escaped = text == NULL ? NULL : g_markup_escape_text(text, -1);

    if (text != NULL)
        g_string_append_printf(out, "<%s>%s</%s>", name, escaped, name);
}

static gboolean
get_caller_identity(const RbStsCall *call, GString *result, RbAwsError *error)
{
    (void)error;
    rb_sts_element(result, "Arn", call->caller->arn);
    rb_sts_element(result, "UserId", call->caller->user_id);
    rb_sts_element(result, "Account", call->caller->account);
    return TRUE;
}

static gboolean
get_access_key_info(const RbStsCall *call, GString *result, RbAwsError *error)
{
    const char *key = g_hash_table_lookup(call->fields, "AccessKeyId");
    g_autofree char *account = key == NULL ? NULL : rb_box_access_key_account(key);

    if (account == NULL)
        return rb_aws_refuse(
            error, 400, "ValidationError",
            "1 validation error detected: Value at 'accessKeyId' failed to satisfy constraint: Member "
            "must be an access key id");
    rb_sts_element(result, "Account", account);
    return TRUE;
}

static gboolean
refuse_session_credentials(const RbStsCall *call, GString *result, RbAwsError *error)
{
    (void)result;
    return rb_aws_refuse(error, 403, "AccessDenied", "Cannot call %s with session credentials",
                         (const char *)g_hash_table_lookup(call->fields, "Action"));
}

/* clang-format off */
static const struct {
    const char *name;
    Operation run;
    gboolean is_unsigned;
    const char *subject; /* the field that the log names */
} operations[] = {
    { "AssumeRole",                rb_sts_assume_role,                   FALSE, "RoleArn" },
    { "GetCallerIdentity",         get_caller_identity,                  FALSE, NULL },
    { "GetAccessKeyInfo",          get_access_key_info,                  FALSE, "AccessKeyId" },
    { "GetSessionToken",           refuse_session_credentials,           FALSE, NULL },
    { "GetFederationToken",        refuse_session_credentials,           FALSE, NULL },
    { "AssumeRoleWithSAML",        rb_sts_assume_role_with_saml,         TRUE,  "RoleArn" },
    { "AssumeRoleWithWebIdentity", rb_sts_assume_role_with_web_identity, TRUE,  "RoleArn" },
};
/* clang-format on */

static gboolean
check_token(const RbBoxPrincipal *caller, const char *token, gint64 now, RbAwsError *error)
{
    if (caller->token == NULL ? token != NULL : token == NULL || !rb_secret_equal_text(caller->token, token))
        return rb_aws_refuse(error, 403, "InvalidClientTokenId",
                             "The security token included in the request is invalid.");
    if (caller->expires_at != 0 && now >= caller->expires_at)
        return rb_aws_refuse(error, 403, "ExpiredToken",
                             "The security token included in the request is expired");
    return TRUE;
}

/* Who signed, by a signature that was recomputed. */
static gboolean
authenticate(RbStsCall *call, const RbBoxSignature *signature, RbAwsError *error)
{
    if (!rb_box_signature_check_scope(signature, "sts", call->sts->regions, call->now, error))
        return FALSE;
    call->caller = rb_box_cloud_principal(call->sts->cloud, signature->access_key_id);
    if (call->caller == NULL)
        return rb_aws_refuse(error, 403, "InvalidClientTokenId",
                             "The security token included in the request is invalid.");
    return rb_box_signature_check(signature, call->request, call->caller->secret, error) &&
           check_token(call->caller, signature->token, call->now, error);
}

static gboolean
run_operation(RbStsCall *call, gsize i, GString *result, RbAwsError *error)
{
    g_autoptr(RbBoxSignature) signature = NULL;
    const char *version = g_hash_table_lookup(call->fields, "Version");

    if (g_strcmp0(version, VERSION) != 0)
        return rb_aws_refuse(error, 400, "InvalidAction", "Could not find operation %s for version %s",
                             operations[i].name, version == NULL ? "NO_VERSION_SPECIFIED" : version);
    if (operations[i].subject != NULL)
        call->subject = g_hash_table_lookup(call->fields, operations[i].subject);
    if (!operations[i].is_unsigned) {
        signature = rb_box_signature_read(call->request, error);
        if (signature == NULL || !authenticate(call, signature, error))
            return FALSE;
        call->region = signature->region;
    }
    return operations[i].run(call, result, error);
}

static gboolean
dispatch(RbStsCall *call, const char **name, GString *result, RbAwsError *error)
{
    const char *action = call->fields == NULL ? NULL : g_hash_table_lookup(call->fields, "Action");

    if (call->fields == NULL)
        return rb_aws_refuse(error, 400, "MalformedInput",
                             "The request's parameters cannot be read, or one is sent twice.");
    if (action == NULL)
        return rb_aws_refuse(error, 400, "MissingAction", "Missing Action");
    for (gsize i = 0; i < G_N_ELEMENTS(operations); i++) {
        if (strcmp(action, operations[i].name) == 0) {
            *name = operations[i].name;
            return run_operation(call, i, result, error);
        }
    }
    return rb_aws_refuse(error, 400, "InvalidAction", "Could not find operation %s for version " VERSION,
                         action);
}

static void
write_answer(RbBoxAnswer *answer, const char *name, const char *result, const char *request_id)
{
    rb_box_answer_text(answer, 200, "text/xml",
                       "<%sResponse xmlns=\"" NAMESPACE
                       "\"><%sResult>%s</%sResult><ResponseMetadata><RequestId>%s"
                       "</RequestId></ResponseMetadata></%sResponse>\n",
                       name, name, result, name, request_id, name);
}

void
rb_sts_answer_error(RbBoxAnswer *answer, const RbAwsError *error, const char *request_id, const char *space)
{
    g_autoptr(GString) inner = g_string_new(NULL);

    rb_sts_element(inner, "Type", error->status < 500 ? "Sender" : "Receiver");
    rb_sts_element(inner, "Code", error->code);
    rb_sts_element(inner, "Message", error->message);
    rb_box_answer_text(answer, error->status, "text/xml",
                       "<ErrorResponse xmlns=\"%s\"><Error>%s</Error><RequestId>%s</RequestId>"
                       "</ErrorResponse>\n",
                       space, inner->str, request_id);
}

void
rb_box_sts_answer(const RbBoxSts *sts, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    g_autofree char *request_id = rb_box_request_id();
    g_autoptr(GHashTable) fields = rb_box_request_fields(request);
    g_autoptr(GString) result = g_string_new(NULL);
    RbStsCall call = {
        .sts = sts, .request = request, .fields = fields, .region = sts->regions[0], .now = now
    };
    RbAwsError error = { NULL, 0, NULL, NULL };
    const char *name = "unknown", *session;

    rb_box_answer_header(answer, "x-amzn-RequestId", request_id);
    if (dispatch(&call, &name, result, &error))
        write_answer(answer, name, result->str, request_id);
    else
        rb_sts_answer_error(answer, &error, request_id, NAMESPACE);
    session = fields == NULL ? NULL : g_hash_table_lookup(fields, "RoleSessionName");
    rb_log(RB_LOG_INFO, error.code == NULL ? "sts.answered" : "sts.refused", "operation", name, "caller",
           call.caller == NULL ? NULL : call.caller->arn, "subject", call.subject, "as", session, "code",
           error.code, "message", error.message, "why", error.why, "request_id", request_id, NULL);
    if (result->len > 0)
        rb_wipe(result->str, result->len);
    rb_box_principal_unref(call.caller);
    rb_aws_error_clear(&error);
}
