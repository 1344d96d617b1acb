#include "sandbox/sts.h"

#include <string.h>

enum {
    MAX_TAGS = 50,
    MAX_POLICY_ARNS = 10,
    MAX_POLICY_CHARS = 2048,
    MIN_DURATION_S = 900,
    MAX_DURATION_S = 43200,
    DEFAULT_DURATION_S = 3600,
};

#define ARN "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF]+"
#define NAME "[\\w+=,.@-]*"

/* clang-format off */
static const struct {
    const char *name, *member, *pattern;
    const char *others; /* besides letters and digits; NULL: anything */
    guint required, taken; /* RbStsKind, several */
    glong min, max;
    gsize into; /* where in RbStsAsk */
} parameters[] = {
    { "RoleArn",          "roleArn",          ARN,                 NULL,         7, 7, 20, 2048,   G_STRUCT_OFFSET(RbStsAsk, role_arn) },
    { "PrincipalArn",     "principalArn",     ARN,                 NULL,         4, 4, 20, 2048,   G_STRUCT_OFFSET(RbStsAsk, principal_arn) },
    { "RoleSessionName",  "roleSessionName",  NAME,                "_+=,.@-",    3, 3, 2,  64,     G_STRUCT_OFFSET(RbStsAsk, session_name) },
    { "WebIdentityToken", "webIdentityToken", NULL,                NULL,         2, 2, 4,  20000,  G_STRUCT_OFFSET(RbStsAsk, token) },
    { "SAMLAssertion",    "sAMLAssertion",    NULL,                NULL,         4, 4, 4,  100000, G_STRUCT_OFFSET(RbStsAsk, assertion) },
    { "ExternalId",       "externalId",       "[\\w+=,.@:\\/-]*", "_+=,.@:/-",  0, 1, 2,  1224,   G_STRUCT_OFFSET(RbStsAsk, external_id) },
    { "SourceIdentity",   "sourceIdentity",   NAME,                "_+=,.@-",    0, 1, 2,  64,     G_STRUCT_OFFSET(RbStsAsk, source_identity) },
};
/* clang-format on */

/* AWS gathers such mistakes in one message; the first is enough to refuse. */
static gboolean
refuse_value(RbAwsError *error, const char *value, const char *member, const char *constraint)
{
    if (value == NULL)
        return rb_aws_refuse(
            error, 400, "ValidationError",
            "1 validation error detected: Value null at '%s' failed to satisfy constraint: %s", member,
            constraint);
    return rb_aws_refuse(error, 400, "ValidationError",
                         "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s",
                         value, member, constraint);
}

static gboolean
has_only(const char *text, const char *others)
{
    for (; *text != '\0'; text++)
        if (!g_ascii_isalnum(*text) && strchr(others, *text) == NULL)
            return FALSE;
    return TRUE;
}

gboolean
rb_sts_is_name(const char *text)
{
    glong length = g_utf8_strlen(text, -1);

    return length >= 2 && length <= 64 && has_only(text, "_+=,.@-");
}

static gboolean
read_parameter(GHashTable *fields, RbStsKind kind, guint i, RbStsAsk *ask, RbAwsError *error)
{
    const char *value = g_hash_table_lookup(fields, parameters[i].name);
    const char *shown = parameters[i].pattern == NULL ? "***" : value; /* a token is nothing for a log */
    g_autofree char *constraint = NULL;
    glong length = value == NULL ? 0 : g_utf8_strlen(value, -1);

    if ((parameters[i].taken & kind) == 0)
        return TRUE; /* what an operation does not know it does not read */
    if (value == NULL)
        return (parameters[i].required & kind) == 0 ||
               refuse_value(error, NULL, parameters[i].member, "Member must not be null");
    if (length < parameters[i].min || length > parameters[i].max) {
        constraint = g_strdup_printf("Member must have length %s than or equal to %ld",
                                     length < parameters[i].min ? "greater" : "less",
                                     length < parameters[i].min ? parameters[i].min : parameters[i].max);
        return refuse_value(error, shown, parameters[i].member, constraint);
    }
    if (parameters[i].others != NULL && !has_only(value, parameters[i].others)) {
        constraint =
            g_strdup_printf("Member must satisfy regular expression pattern: %s", parameters[i].pattern);
        return refuse_value(error, shown, parameters[i].member, constraint);
    }
    G_STRUCT_MEMBER(const char *, ask, parameters[i].into) = value;
    return TRUE;
}

static gboolean
read_duration(GHashTable *fields, gint64 *duration_s, RbAwsError *error)
{
    const char *text = g_hash_table_lookup(fields, "DurationSeconds");

    *duration_s = DEFAULT_DURATION_S;
    if (text == NULL)
        return TRUE;
    if (!g_ascii_string_to_signed(text, 10, G_MININT32, G_MAXINT32, duration_s, NULL))
        return rb_aws_refuse(error, 400, "ValidationError",
                             "Invalid DurationSeconds: it must be an integer.");
    if (*duration_s < MIN_DURATION_S)
        return refuse_value(error, text, "durationSeconds",
                            "Member must have value greater than or equal to 900");
    if (*duration_s > MAX_DURATION_S)
        return refuse_value(error, text, "durationSeconds",
                            "Member must have value less than or equal to 43200");
    return TRUE;
}

/* Letters, blanks, digits and _.:/=+-@ of any script. */
static gboolean
is_tag_text(const char *text)
{
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);
        GUnicodeType type = g_unichar_type(c);
        gboolean blank = type == G_UNICODE_SPACE_SEPARATOR || type == G_UNICODE_LINE_SEPARATOR ||
                         type == G_UNICODE_PARAGRAPH_SEPARATOR;
        gboolean digit = type == G_UNICODE_DECIMAL_NUMBER || type == G_UNICODE_LETTER_NUMBER ||
                         type == G_UNICODE_OTHER_NUMBER;
        gboolean letter = type <= G_UNICODE_UPPERCASE_LETTER && g_unichar_isalpha(c);

        if (!letter && !blank && !digit && (c >= 0x80 || strchr("_.:/=+-@", (int)c) == NULL))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_tag(const char *key, const char *value, RbAwsError *error)
{
    glong key_length = g_utf8_strlen(key, -1);

    if (key_length < 1 || key_length > 128 || !is_tag_text(key))
        return refuse_value(error, key, "tags.member.key",
                            "Member must have length from 1 to 128 and satisfy regular expression pattern: "
                            "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+");
    if (value == NULL)
        return refuse_value(error, NULL, "tags.member.value", "Member must not be null");
    if (g_utf8_strlen(value, -1) > 256 || !is_tag_text(value))
        return refuse_value(
            error, value, "tags.member.value",
            "Member must have length less than or equal to 256 and satisfy regular expression "
            "pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*");
    if (g_ascii_strncasecmp(key, "aws:", 4) == 0)
        return rb_aws_refuse(error, 400, "InvalidParameterValue",
                             "aws: prefixed tag key names are not allowed for external use.");
    return TRUE;
}

/* Returns: (transfer none): the key of @tags that is @folded in lower case, as written; NULL: none. */
static const char *
find_tag(GHashTable *tags, const char *folded)
{
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, tags);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        g_autofree char *other = g_utf8_strdown(key, -1);

        if (strcmp(other, folded) == 0)
            return key;
    }
    return NULL;
}

gboolean
rb_sts_ask_add_tag(RbStsAsk *ask, const char *key, const char *value, RbAwsError *error)
{
    g_autofree char *folded = key == NULL ? NULL : g_utf8_strdown(key, -1);

    if (key == NULL)
        return refuse_value(error, NULL, "tags.member.key", "Member must not be null");
    if (g_hash_table_size(ask->tags) >= MAX_TAGS)
        return refuse_value(error, "[…]", "tags", "Member must have length less than or equal to 50");
    if (!check_tag(key, value, error))
        return FALSE;
    if (find_tag(ask->tags, folded) != NULL)
        return rb_aws_refuse(error, 400, "InvalidParameterValue",
                             "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    g_hash_table_insert(ask->tags, g_strdup(key), g_strdup(value));
    ask->tags_size += strlen(key) + strlen(value);
    return TRUE;
}

gboolean
rb_sts_ask_add_transitive(RbStsAsk *ask, const char *key, RbAwsError *error)
{
    g_autofree char *folded = g_utf8_strdown(key, -1);
    const char *tag = find_tag(ask->tags, folded);

    if (g_hash_table_size(ask->transitive) >= MAX_TAGS)
        return refuse_value(error, "[…]", "transitiveTagKeys",
                            "Member must have length less than or equal to 50");
    if (tag == NULL)
        return rb_aws_refuse(error, 400, "InvalidParameterValue",
                             "The specified transitive tag key must be included in the requested tags.");
    g_hash_table_insert(ask->transitive, g_steal_pointer(&folded), g_strdup(tag));
    return TRUE;
}

static gboolean
read_tags(GHashTable *fields, RbStsAsk *ask, RbAwsError *error)
{
    for (guint i = 1;; i++) {
        g_autofree char *key_name = g_strdup_printf("Tags.member.%u.Key", i);
        g_autofree char *value_name = g_strdup_printf("Tags.member.%u.Value", i);
        const char *key = g_hash_table_lookup(fields, key_name);
        const char *value = g_hash_table_lookup(fields, value_name);

        if (key == NULL && value == NULL)
            return TRUE;
        if (!rb_sts_ask_add_tag(ask, key, value, error))
            return FALSE;
    }
}

static gboolean
read_transitive(GHashTable *fields, RbStsAsk *ask, RbAwsError *error)
{
    for (guint i = 1;; i++) {
        g_autofree char *name = g_strdup_printf("TransitiveTagKeys.member.%u", i);
        const char *key = g_hash_table_lookup(fields, name);

        if (key == NULL)
            return TRUE;
        if (!rb_sts_ask_add_transitive(ask, key, error))
            return FALSE;
    }
}

static gboolean
read_policies(GHashTable *fields, RbStsAsk *ask, RbAwsError *error)
{
    static const char nothing[] = "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}";
    const char *policy = g_hash_table_lookup(fields, "Policy");
    g_autofree char *problem = NULL;
    gboolean managed = FALSE;

    if (policy != NULL && *policy == '\0')
        return refuse_value(error, policy, "policy", "Member must have length greater than or equal to 1");
    ask->policy_size = policy == NULL ? 0 : strlen(policy);
    for (guint i = 1;; i++) {
        g_autofree char *name = g_strdup_printf("PolicyArns.member.%u.arn", i);
        const char *arn = g_hash_table_lookup(fields, name);

        if (arn == NULL)
            break;
        if (i > MAX_POLICY_ARNS)
            return refuse_value(error, "[…]", "policyArns",
                                "Member must have length less than or equal to 10");
        if (!rb_box_glob("arn:*:iam::*:policy/?*", arn, FALSE))
            return rb_aws_refuse(error, 400, "ValidationError", "ARN %s is not valid.", arn);
        ask->policy_size += strlen(arn);
        managed = TRUE;
    }
    if (ask->policy_size > MAX_POLICY_CHARS)
        return refuse_value(error, "…", "policy", "Member must have length less than or equal to 2048");
    if (policy == NULL && !managed)
        return TRUE;
    if (policy ==
        NULL) /* what AWS's managed policies allow is not known here: such a session may do nothing */
        policy = nothing;
    ask->session_policy = rb_box_policy_parse(policy, RB_BOX_IDENTITY, &problem);
    return ask->session_policy != NULL || rb_aws_refuse(error, 400, "MalformedPolicyDocument", "%s", problem);
}

void
rb_sts_ask_init(RbStsAsk *ask)
{
    memset(ask, 0, sizeof *ask);
    ask->duration_s = DEFAULT_DURATION_S;
    ask->tags = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    ask->transitive = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

gboolean
rb_sts_ask_read(GHashTable *fields, RbStsKind kind, RbStsAsk *ask, RbAwsError *error)
{
    rb_sts_ask_init(ask);
    for (guint i = 0; i < G_N_ELEMENTS(parameters); i++)
        if (!read_parameter(fields, kind, i, ask, error))
            return FALSE;
    if (!rb_box_glob("arn:?*:iam::????????????:role/?*", ask->role_arn, FALSE))
        return rb_aws_refuse(error, 400, "ValidationError", "%s is invalid", ask->role_arn);
    if (kind == RB_STS_SIGNED && (!read_tags(fields, ask, error) || !read_transitive(fields, ask, error)))
        return FALSE; /* the others' tags come in the token or the assertion */
    return read_duration(fields, &ask->duration_s, error) && read_policies(fields, ask, error);
}

void
rb_sts_ask_clear(RbStsAsk *ask)
{
    g_clear_pointer(&ask->tags, g_hash_table_unref);
    g_clear_pointer(&ask->transitive, g_hash_table_unref);
    g_clear_pointer(&ask->session_policy, rb_box_policy_free);
}
