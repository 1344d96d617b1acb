#include "sandbox/sts.h"

#include "base/encoding.h"

#include <string.h>

enum {
    CHAINED_MAX_S = 3600,
    PACKED_LIMIT = 4096, /* bytes; AWS's own packed form and limit are not published */
    PACKED_PER_TAG = 4,
};

static void
add_tags(RbBoxContext *context, const char *prefix, GHashTable *tags)
{
    GHashTableIter iter;
    gpointer key, value;

    if (tags == NULL)
        return;
    g_hash_table_iter_init(&iter, tags);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        g_autofree char *name = g_strdup_printf("%s%s", prefix, (char *)key);

        rb_box_context_add(context, name, value);
    }
}

static void
add_caller(RbBoxContext *context, const RbStsCall *call)
{
    const RbBoxPrincipal *caller = call->caller;
    g_autofree char *issued = rb_time_format(caller->issued_at);

    rb_box_context_add(context, "aws:PrincipalArn", caller->role != NULL ? caller->role->arn : caller->arn);
    rb_box_context_add(context, "aws:PrincipalAccount", caller->account);
    rb_box_context_add(context, "aws:PrincipalType",
                       caller->root           ? "Account"
                       : caller->role != NULL ? "AssumedRole"
                                              : "User");
    rb_box_context_add(context, "aws:userid", caller->user_id);
    if (caller->role == NULL && !caller->root)
        rb_box_context_add(context, "aws:username", caller->session_name);
    rb_box_context_add(context, "aws:SourceIdentity", caller->source_identity);
    if (caller->token != NULL)
        rb_box_context_add(context, "aws:TokenIssueTime", issued);
    add_tags(context, "aws:PrincipalTag/", caller->tags);
}

RbBoxContext *
rb_sts_context(const RbStsCall *call, const RbStsAsk *ask)
{
    RbBoxContext *context = rb_box_context_new();
    g_autofree char *now = rb_time_format(call->now);
    g_autofree char *epoch = g_strdup_printf("%" G_GINT64_FORMAT, call->now);
    GHashTableIter iter;
    gpointer key;

    rb_box_context_add(context, "aws:CurrentTime", now);
    rb_box_context_add(context, "aws:EpochTime", epoch);
    rb_box_context_add(context, "aws:SecureTransport", call->request->tls ? "true" : "false");
    rb_box_context_add(context, "aws:SourceIp", call->request->peer);
    rb_box_context_add(context, "aws:RequestedRegion", call->region);
    rb_box_context_add(context, "aws:UserAgent", rb_box_request_header(call->request, "User-Agent"));
    if (call->caller != NULL)
        add_caller(context, call);
    rb_box_context_add(context, "sts:RoleSessionName", ask->session_name);
    rb_box_context_add(context, "sts:ExternalId", ask->external_id);
    rb_box_context_add(context, "sts:SourceIdentity", ask->source_identity);
    add_tags(context, "aws:RequestTag/", ask->tags);
    g_hash_table_iter_init(&iter, ask->tags);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        rb_box_context_add(context, "aws:TagKeys", key);
    g_hash_table_iter_init(&iter, ask->transitive);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        rb_box_context_add(context, "sts:TransitiveTagKeys", g_hash_table_lookup(ask->transitive, key));
    return context;
}

static gboolean
deny(const RbStsCall *call, const char *action, const char *arn, char *why, RbAwsError *error)
{
    (void)rb_aws_refuse(error, 403, "AccessDenied",
                        "User: %s is not authorized to perform: %s on resource: %s", call->caller->arn,
                        action, arn);
    g_free(error->why);
    error->why = why;
    return FALSE;
}

/* One action on the role: its trust policy and, unless that names the caller within one account, the
 * caller's. */
static gboolean
check_action(const RbStsCall *call, const RbBoxRole *role, const char *action, const RbBoxContext *context,
             RbAwsError *error)
{
    const RbBoxPrincipal *caller = call->caller;
    const RbBoxAsker asker = { caller->account, caller->partition, caller->arn,
                               caller->role == NULL ? NULL : caller->role->arn, NULL };
    char *why = NULL;
    RbBoxVerdict verdict = rb_box_policy_judge(role->trust, &asker, action, NULL, context, &why);
    gboolean named = verdict == RB_BOX_ALLOWED_HIM && strcmp(caller->account, role->account) == 0;

    if (verdict < RB_BOX_ALLOWED) {
        if (why == NULL)
            why = g_strdup_printf(verdict == RB_BOX_DENIED ? "its trust policy denies %s"
                                                           : "its trust policy does not allow %s",
                                  action);
        return deny(call, action, role->arn, why, error);
    }
    if (!rb_box_cloud_may(call->sts->cloud, caller, action, role->arn, context, named, &why))
        return deny(call, action, role->arn, why, error);
    g_free(why);
    return TRUE;
}

/* Tags that the caller's session passes on; one that the call sets again is refused. */
static gboolean
inherit(const RbStsCall *call, RbStsAsk *ask, RbAwsError *error)
{
    GHashTableIter iter, mine;
    gpointer folded, key, value;

    if (ask->source_identity != NULL && call->caller->source_identity != NULL &&
        strcmp(ask->source_identity, call->caller->source_identity) != 0)
        return deny(call, "sts:SetSourceIdentity", ask->role_arn,
                    g_strdup("the caller's session already has another source identity"), error);
    if (ask->source_identity == NULL)
        ask->source_identity = call->caller->source_identity;
    if (call->caller->transitive == NULL)
        return TRUE;
    g_hash_table_iter_init(&iter, call->caller->transitive);
    while (g_hash_table_iter_next(&iter, &folded, &key)) {
        g_hash_table_iter_init(&mine, ask->tags);
        while (g_hash_table_iter_next(&mine, &value, NULL)) {
            g_autofree char *other = g_utf8_strdown(value, -1);

            if (strcmp(other, folded) == 0)
                return rb_aws_refuse(
                    error, 400, "InvalidParameterValue",
                    "One of the specified transitive tag keys can't be set because it conflicts "
                    "with a transitive tag key from the calling session.");
        }
    }
    g_hash_table_iter_init(&iter, call->caller->transitive);
    while (g_hash_table_iter_next(&iter, &folded, &key)) {
        value = g_hash_table_lookup(call->caller->tags, key);
        g_hash_table_insert(ask->tags, g_strdup(key), g_strdup(value));
        g_hash_table_insert(ask->transitive, g_strdup(folded), g_strdup(key));
        ask->tags_size += strlen(key) + strlen(value);
    }
    return TRUE;
}

static gboolean
check_trust(const RbStsCall *call, const RbBoxRole *role, const RbStsAsk *ask, RbAwsError *error)
{
    g_autoptr(RbBoxContext) context = rb_sts_context(call, ask);

    if (call->caller->root)
        return rb_aws_refuse(error, 403, "AccessDenied", "Roles may not be assumed by root accounts.");
    if (role == NULL)
        return deny(call, "sts:AssumeRole", ask->role_arn, g_strdup("there is no such role"), error);
    if (strcmp(role->partition, call->caller->partition) != 0)
        return deny(call, "sts:AssumeRole", ask->role_arn, g_strdup("it is in another partition"), error);
    if (!check_action(call, role, "sts:AssumeRole", context, error))
        return FALSE;
    if (g_hash_table_size(ask->tags) > 0 && !check_action(call, role, "sts:TagSession", context, error))
        return FALSE;
    return ask->source_identity == NULL || check_action(call, role, "sts:SetSourceIdentity", context, error);
}

gboolean
rb_sts_check_limits(const RbStsCall *call, const RbBoxRole *role, const RbStsAsk *ask, gint64 *packed,
                    RbAwsError *error)
{
    gsize size = ask->policy_size + ask->tags_size + PACKED_PER_TAG * g_hash_table_size(ask->tags);

    if (call->caller != NULL && call->caller->role != NULL && ask->duration_s > CHAINED_MAX_S)
        return rb_aws_refuse(
            error, 400, "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining.");
    if (ask->duration_s > role->max_session_s)
        return rb_aws_refuse(
            error, 400, "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    *packed = (gint64)((size * 100 + PACKED_LIMIT - 1) / PACKED_LIMIT);
    if (*packed > 100)
        return rb_aws_refuse(error, 400, "PackedPolicyTooLarge",
                             "Packed size of session tags consumes %" G_GINT64_FORMAT "%% of allotted space.",
                             *packed);
    return TRUE;
}

void
rb_sts_write_session(GString *out, const RbBoxPrincipal *session, gint64 packed)
{
    g_autofree char *expiration = rb_time_format(session->expires_at);
    g_autofree char *percent = g_strdup_printf("%" G_GINT64_FORMAT, packed);

    g_string_append(out, "<Credentials>");
    rb_sts_element(out, "AccessKeyId", session->access_key_id);
    rb_sts_element(out, "SecretAccessKey", rb_secret_reveal(session->secret));
    rb_sts_element(out, "SessionToken", rb_secret_reveal(session->token));
    rb_sts_element(out, "Expiration", expiration);
    g_string_append(out, "</Credentials><AssumedRoleUser>");
    rb_sts_element(out, "AssumedRoleId", session->user_id);
    rb_sts_element(out, "Arn", session->arn);
    g_string_append(out, "</AssumedRoleUser>");
    rb_sts_element(out, "PackedPolicySize", packed > 0 ? percent : NULL);
    rb_sts_element(out, "SourceIdentity", session->source_identity);
}

static gboolean
assume(const RbStsCall *call, RbStsAsk *ask, GString *result, RbAwsError *error)
{
    const RbBoxRole *role = rb_box_cloud_role(call->sts->cloud, ask->role_arn);
    g_autoptr(RbBoxPrincipal) session = NULL;
    gint64 packed = 0;

    if (!inherit(call, ask, error) || !check_trust(call, role, ask, error) ||
        !rb_sts_check_limits(call, role, ask, &packed, error))
        return FALSE;
    session = rb_box_cloud_start_session(
        call->sts->cloud, &(RbBoxSessionSpec){ .role = role,
                                               .session_name = ask->session_name,
                                               .source_identity = ask->source_identity,
                                               .tags = ask->tags,
                                               .transitive = ask->transitive,
                                               .session_policy = g_steal_pointer(&ask->session_policy),
                                               .issued_at = call->now,
                                               .expires_at = call->now + ask->duration_s,
                                               .chained = call->caller->role != NULL });
    rb_sts_write_session(result, session, packed);
    return TRUE;
}

gboolean
rb_sts_assume_role(const RbStsCall *call, GString *result, RbAwsError *error)
{
    RbStsAsk ask;
    gboolean good =
        rb_sts_ask_read(call->fields, RB_STS_SIGNED, &ask, error) && assume(call, &ask, result, error);

    rb_sts_ask_clear(&ask);
    return good;
}
