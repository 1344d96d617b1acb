#include "sandbox/iam_priv.h"

#include <string.h>

/* What IAM asks of a policy document besides what evaluating it asks. */

gsize
rb_iam_characters(const char *document)
{
    gsize n = 0;

    for (; *document != '\0'; document = g_utf8_next_char(document))
        n += !g_ascii_isspace(*document);
    return n;
}

static gboolean
malformed(const RbIamCall *call, const char *format, const char *what)
{
    g_autofree char *message = what == NULL ? g_strdup(format) : g_strconcat(format, what, NULL);

    return rb_aws_refuse(call->error, 400, "MalformedPolicyDocument", "%s", message);
}

/* A role or user that a trust policy names must be there; whole accounts are taken as written. */
static gboolean
check_principal(const RbIamCall *call, const char *arn)
{
    g_auto(GStrv) fields = g_strsplit(arn, ":", 6);
    g_autofree char *shown = g_strdup_printf("\"AWS\":\"%s\"", arn);
    gboolean account = strlen(arn) == 12 && strspn(arn, "0123456789") == 12;

    if (strcmp(arn, "*") == 0 || account)
        return TRUE;
    if (g_strv_length(fields) != 6 || strcmp(fields[0], "arn") != 0 || strlen(fields[4]) != 12)
        return malformed(call, "Invalid principal in policy: ", shown);
    if (strcmp(fields[2], "iam") == 0 && g_str_has_prefix(fields[5], "role/") &&
        rb_box_cloud_role(rb_box_iam_setting(call->iam)->cloud, arn) == NULL)
        return malformed(call, "Invalid principal in policy: ", shown);
    return TRUE;
}

static gboolean
check_trust_statement(const RbIamCall *call, const json_t *statement)
{
    json_t *who = json_object_get(json_object_get(statement, "Principal"), "AWS"), *one;
    json_t *actions = json_object_get(statement, "Action");
    size_t i;

    if (json_is_string(who) && !check_principal(call, json_string_value(who)))
        return FALSE;
    json_array_foreach(who, i, one)
    {
        if (!check_principal(call, json_string_value(one)))
            return FALSE;
    }
    for (i = 0; i < (json_is_array(actions) ? json_array_size(actions) : 1); i++) {
        const char *action = json_string_value(json_is_array(actions) ? json_array_get(actions, i) : actions);

        if (action != NULL && g_ascii_strncasecmp(action, "sts:", 4) != 0)
            return malformed(call, "AssumeRole policy may only specify STS AssumeRole actions.", NULL);
    }
    return TRUE;
}

static gboolean
check_statement(const RbIamCall *call, RbBoxPolicyKind kind, const json_t *statement, GHashTable *sids)
{
    const char *sid = json_string_value(json_object_get(statement, "Sid"));

    if (sid != NULL && kind == RB_BOX_IDENTITY) {
        for (const char *p = sid; *p != '\0'; p++)
            if (!g_ascii_isalnum(*p))
                return malformed(
                    call,
                    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
                    "regular expression [0-9A-Za-z]*",
                    NULL);
        if (sid[0] != '\0' && !g_hash_table_add(sids, (gpointer)sid))
            return malformed(call, "Statement IDs (SID) in a single policy must be unique.", NULL);
    }
    return kind == RB_BOX_IDENTITY || check_trust_statement(call, statement);
}

static gboolean
check_statements(const RbIamCall *call, RbBoxPolicyKind kind, const char *document)
{
    g_autoptr(GHashTable) sids = g_hash_table_new(g_str_hash, g_str_equal);
    json_t *root = json_loads(document, JSON_REJECT_DUPLICATES, NULL);
    json_t *statements = json_object_get(root, "Statement"), *statement;
    gboolean good = TRUE;
    size_t i;

    if (json_is_object(statements))
        good = check_statement(call, kind, statements, sids);
    json_array_foreach(statements, i, statement)
    {
        good = good && check_statement(call, kind, statement, sids);
    }
    json_decref(root);
    return good;
}

gboolean
rb_iam_check_document(const RbIamCall *call, const char *document, RbBoxPolicyKind kind, gsize quota,
                      const char *quota_name)
{
    g_autofree char *problem = NULL;
    g_autoptr(RbBoxPolicy) policy = rb_box_policy_parse(document, kind, &problem);

    if (policy == NULL)
        return malformed(call, problem, NULL);
    if (!check_statements(call, kind, document))
        return FALSE;
    if (rb_iam_characters(document) > quota)
        return rb_aws_refuse(call->error, 409, "LimitExceeded",
                             "Cannot exceed quota for %s: %" G_GSIZE_FORMAT, quota_name, quota);
    return TRUE;
}
