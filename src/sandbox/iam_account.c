#include "sandbox/iam_priv.h"

#include "base/encoding.h"

#include <string.h>

/* The account as a whole: everything in it, and its first-day settings. */

static json_t *
role_detail(const json_t *role)
{
    json_t *shown = rb_iam_role_shown(role, TRUE), *inlines = json_array(), *document;
    const char *name;

    (void)json_object_del(shown, "Description"); /* neither does AWS show these two here */
    (void)json_object_del(shown, "MaxSessionDuration");
    json_object_foreach(json_object_get(role, "_inline"), name, document)
    {
        json_t *one = json_pack("{s:s}", "PolicyName", name);
        rb_iam_set_document(one, "PolicyDocument", json_string_value(document));
        (void)json_array_append_new(inlines, one);
    }
    (void)json_object_set_new(shown, "InstanceProfileList", json_array());
    (void)json_object_set_new(shown, "RolePolicyList", inlines);
    (void)json_object_set(shown, "AttachedManagedPolicies", json_object_get(role, "_attached"));
    return shown;
}

static json_t *
policy_detail(const json_t *account, const json_t *policy)
{
    json_t *shown = rb_iam_policy_shown(account, policy, TRUE), *versions = json_array(), *version;
    size_t i;

    (void)json_object_del(shown, "Tags"); /* nor the tags of policies */
    json_array_foreach(json_object_get(policy, "_versions"), i, version)
    {
        json_t *one = json_pack(
            "{s:s, s:s, s:b}", "VersionId", rb_iam_text(version, "VersionId"), "CreateDate",
            rb_iam_text(version, "CreateDate"), "IsDefaultVersion",
            strcmp(rb_iam_text(version, "VersionId"), rb_iam_text(policy, "DefaultVersionId")) == 0);
        rb_iam_set_document(one, "Document", rb_iam_text(version, "_document"));
        (void)json_array_append_new(versions, one);
    }
    (void)json_object_set_new(shown, "PolicyVersionList", versions);
    return shown;
}

static gboolean
is_filtered(const json_t *filter, const char *kind)
{
    const json_t *one;
    size_t i;

    json_array_foreach(filter, i, one)
    {
        if (strcmp(json_string_value(one), kind) == 0)
            return FALSE;
    }
    return json_array_size(filter) > 0;
}

static gboolean
is_root(const json_t *user)
{
    return strcmp(rb_iam_text(user, "UserName"), "root") == 0;
}

static json_t *
user_shown(const json_t *user)
{
    static const char *const plain[] = { "Path", "UserName", "UserId", "Arn", "CreateDate", NULL };

    return rb_iam_pick(user, plain);
}

static gboolean
authorization_details(RbIamCall *call)
{
    static const char *const lists[] = { "GroupDetailList", "Policies", "RoleDetailList", "UserDetailList",
                                         NULL };
    json_t *filter = rb_iam_members(call, "Filter", RB_FIELD_USER), *one;
    GPtrArray *rows = rb_iam_rows_new();
    const char *key;

    if (filter == NULL) {
        g_ptr_array_unref(rows);
        return FALSE;
    }
    json_object_foreach(json_object_get(call->account, "roles"), key, one)
    {
        if (!is_filtered(filter, "Role"))
            rb_iam_rows_add(rows, lists[2], key, role_detail(one));
    }
    json_object_foreach(json_object_get(call->account, "policies"), key, one)
    {
        if (!is_filtered(filter, "LocalManagedPolicy"))
            rb_iam_rows_add(rows, lists[1], key, policy_detail(call->account, one));
    }
    json_object_foreach(json_object_get(call->account, "users"), key, one)
    {
        if (!is_root(one) && !is_filtered(filter, "User"))
            rb_iam_rows_add(rows, lists[3], key, user_shown(one));
    }
    json_decref(filter);
    return rb_iam_page(call, rows, lists);
}

static gboolean
account_summary(RbIamCall *call)
{
    const json_t *users = json_object_get(call->account, "users"), *root = json_object_get(users, "root");
    json_int_t n_users = (json_int_t)json_object_size(users) - (root != NULL), devices = 0;
    const char *name;
    json_t *user;

    json_object_foreach((json_t *)users, name, user)
    {
        devices += json_is_true(json_object_get(user, "_mfa"));
    }
    call->result = json_pack(
        "{s:{s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I}}", "SummaryMap", "Users", n_users,
        "Roles", (json_int_t)json_object_size(json_object_get(call->account, "roles")), "Policies",
        (json_int_t)json_object_size(json_object_get(call->account, "policies")), "Providers",
        (json_int_t)json_object_size(json_object_get(call->account, "oidc")) +
            (json_int_t)json_object_size(json_object_get(call->account, "saml")),
        "AccountMFAEnabled", json_is_true(json_object_get(root, "_mfa")), "AccountAccessKeysPresent",
        strlen(rb_iam_text(root, "_key")) > 0, "VersionsPerPolicyQuota", 5, "PolicySizeQuota", 6144, "Groups",
        0, "MFADevices", devices, "MFADevicesInUse", devices, "RolesQuota", (json_int_t)1000);
    return TRUE;
}

/* What IAM asks of passwords; what is not said is off, as in AWS. */
static const struct {
    const char *name;
    gint64 min, max, fallback; /* 0, 1: a flag */
} password_rules[] = {
    { "MinimumPasswordLength", 6, 128, 6 },
    { "RequireSymbols", 0, 1, 0 },
    { "RequireNumbers", 0, 1, 0 },
    { "RequireUppercaseCharacters", 0, 1, 0 },
    { "RequireLowercaseCharacters", 0, 1, 0 },
    { "AllowUsersToChangePassword", 0, 1, 0 },
    { "MaxPasswordAge", 1, 1095, 0 },
    { "PasswordReusePrevention", 1, 24, 0 },
    { "HardExpiry", 0, 1, 0 },
};

static gboolean
update_password_policy(RbIamCall *call)
{
    json_t *policy = json_object();

    for (gsize i = 0; i < G_N_ELEMENTS(password_rules); i++) {
        gboolean is_flag = password_rules[i].max == 1, on = FALSE;
        gint64 value = 0;

        if (is_flag ? !rb_iam_flag(call, password_rules[i].name, FALSE, &on)
                    : !rb_iam_number(call, password_rules[i].name, password_rules[i].min,
                                     password_rules[i].max, password_rules[i].fallback, &value)) {
            json_decref(policy);
            return FALSE;
        }
        if (is_flag)
            (void)json_object_set_new(policy, password_rules[i].name, json_boolean(on));
        else if (value != 0)
            (void)json_object_set_new(policy, password_rules[i].name, json_integer(value));
    }
    (void)json_object_set_new(policy, "ExpirePasswords",
                              json_boolean(json_object_get(policy, "MaxPasswordAge") != NULL));
    (void)json_object_set_new(call->account, "password_policy", policy);
    return TRUE;
}

static gboolean
get_password_policy(RbIamCall *call)
{
    json_t *policy = json_object_get(call->account, "password_policy");

    if (policy == NULL)
        return rb_aws_refuse(call->error, 404, "NoSuchEntity",
                             "The Password Policy with domain name %s cannot be found.", call->account_id);
    call->result = json_pack("{s:O}", "PasswordPolicy", policy);
    return TRUE;
}

static gboolean
list_aliases(RbIamCall *call)
{
    json_t *alias = json_object_get(call->account, "alias"), *list = json_array();

    if (alias != NULL)
        (void)json_array_append(list, alias);
    call->result = json_pack("{s:o, s:b}", "AccountAliases", list, "IsTruncated", FALSE);
    return TRUE;
}

static gboolean
create_alias(RbIamCall *call)
{
    const char *alias = rb_iam_need(call, "AccountAlias", RB_FIELD_ALIAS);

    if (alias != NULL)
        rb_iam_set(call->account, "alias", alias); /* one a time: a new one takes the place of the old */
    return alias != NULL;
}

static gboolean
list_users(RbIamCall *call)
{
    static const char *const lists[] = { "Users", NULL };
    GPtrArray *rows = rb_iam_rows_new();
    const char *name;
    json_t *user;

    json_object_foreach(json_object_get(call->account, "users"), name, user)
    {
        if (!is_root(user))
            rb_iam_rows_add(rows, lists[0], name, user_shown(user));
    }
    return rb_iam_page(call, rows, lists);
}

/* The user that UserName names, the caller without it. */
static const json_t *
wanted_user(const RbIamCall *call)
{
    const char *name;
    const json_t *user;

    if (!rb_iam_may(call, "UserName", RB_FIELD_USER, &name))
        return NULL;
    if (name == NULL)
        name = call->caller->role == NULL ? call->caller->session_name : "";
    user = json_object_get(json_object_get(call->account, "users"), name);
    if (user == NULL)
        (void)rb_aws_refuse(call->error, 404, "NoSuchEntity", "The user with name %s cannot be found.", name);
    return user;
}

static gboolean
list_keys(RbIamCall *call)
{
    static const char *const lists[] = { "AccessKeyMetadata", NULL };
    const json_t *user = wanted_user(call);
    GPtrArray *rows;

    if (user == NULL)
        return FALSE;
    rows = rb_iam_rows_new();
    rb_iam_rows_add(rows, lists[0], rb_iam_text(user, "_key"),
                    json_pack("{s:s, s:s, s:s, s:s}", "UserName", rb_iam_text(user, "UserName"),
                              "AccessKeyId", rb_iam_text(user, "_key"), "Status", "Active", "CreateDate",
                              rb_iam_text(user, "CreateDate")));
    return rb_iam_page(call, rows, lists);
}

static gboolean
list_mfa(RbIamCall *call)
{
    static const char *const lists[] = { "MFADevices", NULL };
    const json_t *user = wanted_user(call);
    g_autofree char *serial = NULL;
    GPtrArray *rows;

    if (user == NULL)
        return FALSE;
    rows = rb_iam_rows_new();
    serial = rb_iam_arn(call, "mfa", "/", rb_iam_text(user, "UserName"));
    if (json_is_true(json_object_get(user, "_mfa")))
        rb_iam_rows_add(rows, lists[0], serial,
                        json_pack("{s:s, s:s, s:s}", "UserName", rb_iam_text(user, "UserName"),
                                  "SerialNumber", serial, "EnableDate", rb_iam_text(user, "CreateDate")));
    return rb_iam_page(call, rows, lists);
}

static gboolean
get_login(RbIamCall *call)
{
    const json_t *user = wanted_user(call);
    const char *name = user == NULL ? NULL : rb_iam_text(user, "UserName");

    if (user == NULL)
        return FALSE;
    if (!json_is_true(json_object_get(user, "_password")))
        return rb_aws_refuse(call->error, 404, "NoSuchEntity", "Login Profile for User %s cannot be found.",
                             name);
    call->result = json_pack("{s:{s:s, s:s, s:b}}", "LoginProfile", "UserName", name, "CreateDate",
                             rb_iam_text(user, "CreateDate"), "PasswordResetRequired", FALSE);
    return TRUE;
}

static gboolean
key_last_used(RbIamCall *call)
{
    const char *key = rb_iam_need(call, "AccessKeyId", RB_FIELD_KEY), *name;
    json_t *user;

    if (key == NULL)
        return FALSE;
    json_object_foreach(json_object_get(call->account, "users"), name, user)
    {
        const char *used = rb_iam_text(user, "_key_used");

        if (strcmp(rb_iam_text(user, "_key"), key) != 0)
            continue;
        call->result =
            json_pack("{s:s, s:{s:s, s:s}}", "UserName", name, "AccessKeyLastUsed", "ServiceName",
                      used[0] == '\0' ? "N/A" : "iam", "Region", used[0] == '\0' ? "N/A" : "us-east-1");
        if (used[0] != '\0')
            rb_iam_set(json_object_get(call->result, "AccessKeyLastUsed"), "LastUsedDate", used);
        return TRUE;
    }
    return rb_aws_refuse(call->error, 403, "AccessDenied", "The access key is not one of this account.");
}

/* The first call starts the report, a later one finds it done, as with AWS. */
static gboolean
generate_report(RbIamCall *call)
{
    gboolean is_there = json_object_get(call->account, "report") != NULL;

    (void)json_object_set_new(call->account, "report", json_boolean(is_there));
    call->result = json_pack("{s:s}", "State", is_there ? "COMPLETE" : "STARTED");
    if (!is_there)
        rb_iam_set(call->result, "Description", "No report exists. Starting a new report generation task");
    return TRUE;
}

static void
add_report_row(GString *csv, const char *name, const json_t *user, const char *arn)
{
    const char *key = rb_iam_text(user, "_key"), *made = rb_iam_text(user, "CreateDate");
    const char *used = rb_iam_text(user, "_key_used");
    gboolean root = strcmp(name, "<root_account>") == 0;
    gboolean password = root || json_is_true(json_object_get(user, "_password"));

    g_string_append_printf(
        csv, "%s,%s,%s,%s,%s,%s,%s,%s,", name, arn, made[0] == '\0' ? "2020-01-01T00:00:00Z" : made,
        root       ? "not_supported"
        : password ? "true"
                   : "false",
        password ? "no_information" : "N/A",
        root       ? "not_supported"
        : password ? made
                   : "N/A",
        root ? "not_supported" : "N/A", json_is_true(json_object_get(user, "_mfa")) ? "true" : "false");
    g_string_append_printf(csv, "%s,%s,%s,%s,%s,", key[0] == '\0' ? "false" : "true",
                           key[0] == '\0' ? "N/A" : made, used[0] == '\0' ? "N/A" : used,
                           used[0] == '\0' ? "N/A" : "us-east-1", used[0] == '\0' ? "N/A" : "iam");
    g_string_append(csv, "false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n");
}

static gboolean
get_report(RbIamCall *call)
{
    const json_t *state = json_object_get(call->account, "report"),
                 *users = json_object_get(call->account, "users");
    g_autoptr(GString) csv = g_string_new(
        "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
        "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
        "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
        "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
        "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,"
        "cert_2_active,cert_2_last_rotated\n");
    g_autofree char *root_arn = rb_iam_arn(call, "root", "", ""), *encoded = NULL;
    const char *name;
    json_t *user;

    if (state == NULL)
        return rb_aws_refuse(call->error, 410, "ReportNotPresent", "No report is present. Generate one.");
    if (!json_is_true(state)) {
        (void)json_object_set_new(call->account, "report", json_true());
        return rb_aws_refuse(call->error, 404, "ReportInProgress", "Report generation is in progress.");
    }
    add_report_row(csv, "<root_account>", json_object_get(users, "root"), root_arn);
    json_object_foreach((json_t *)users, name, user)
    {
        if (!is_root(user))
            add_report_row(csv, name, user, rb_iam_text(user, "Arn"));
    }
    encoded = g_base64_encode((const guchar *)csv->str, csv->len);
    call->result = json_pack("{s:s, s:s, s:s}", "Content", encoded, "ReportFormat", "text/csv",
                             "GeneratedTime", call->stamp);
    return TRUE;
}

const RbIamEntry rb_iam_account[] = {
    { "GetAccountAuthorizationDetails", authorization_details, RB_ON_ALL },
    { "GetAccountSummary", account_summary, RB_ON_ALL },
    { "GetAccountPasswordPolicy", get_password_policy, RB_ON_ALL },
    { "UpdateAccountPasswordPolicy", update_password_policy, RB_ON_ALL },
    { "ListAccountAliases", list_aliases, RB_ON_ALL },
    { "CreateAccountAlias", create_alias, RB_ON_ALL },
    { "ListUsers", list_users, RB_ON_ALL },
    { "ListAccessKeys", list_keys, RB_ON_ALL },
    { "ListMFADevices", list_mfa, RB_ON_ALL },
    { "GetLoginProfile", get_login, RB_ON_ALL },
    { "GetAccessKeyLastUsed", key_last_used, RB_ON_ALL },
    { "GenerateCredentialReport", generate_report, RB_ON_ALL },
    { "GetCredentialReport", get_report, RB_ON_ALL },
    { NULL, NULL, RB_ON_ALL },
};
