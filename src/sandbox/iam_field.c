#include "sandbox/iam_priv.h"

#include <string.h>

/* Parameters as AWS's constraints have them. */

#define WORD "_+=,.@-"

/* clang-format off */
static const struct {
    glong min, max;
    const char *others, *pattern; /* besides letters and digits; NULL: anything */
} kinds[] = {
    [RB_FIELD_ROLE_NAME] =   { 1,  64,     WORD, "[\\w+=,.@-]+" },
    [RB_FIELD_POLICY_NAME] = { 1,  128,    WORD, "[\\w+=,.@-]+" },
    [RB_FIELD_PATH] =        { 1,  512,    NULL, "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)" },
    [RB_FIELD_PREFIX] =      { 1,  512,    NULL, "\\u002F[\\u0021-\\u007F]*" },
    [RB_FIELD_ARN] =         { 20, 2048,   NULL, NULL },
    [RB_FIELD_DOCUMENT] =    { 1,  131072, NULL, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+" },
    [RB_FIELD_DESCRIPTION] = { 0,  1000,   NULL, "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*" },
    [RB_FIELD_VERSION] =     { 1,  20,     NULL, "v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?" },
    [RB_FIELD_URL] =         { 1,  255,    NULL, NULL },
    [RB_FIELD_CLIENT] =      { 1,  255,    NULL, NULL },
    [RB_FIELD_THUMBPRINT] =  { 40, 40,     "",   NULL },
    [RB_FIELD_METADATA] =    { 1000, 10000000, NULL, NULL },
    [RB_FIELD_ALIAS] =       { 3,  63,     "-",  "^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$" },
    [RB_FIELD_USER] =        { 1,  128,    WORD, "[\\w+=,.@-]+" },
    [RB_FIELD_KEY] =         { 16, 128,    "_",  "[\\w]+" },
};
/* clang-format on */

const char *
rb_iam_get(const RbIamCall *call, const char *name)
{
    return g_hash_table_lookup(call->fields, name);
}

static gboolean
refuse(const RbIamCall *call, const char *value, const char *name, const char *constraint)
{
    g_autofree char *member = g_strdup(name);

    member[0] = g_ascii_tolower(member[0]);
    return rb_aws_refuse(call->error, 400, "ValidationError",
                         "1 validation error detected: Value %s%s%s at '%s' failed to satisfy constraint: %s",
                         value == NULL ? "" : "'", value == NULL ? "null" : value, value == NULL ? "" : "'",
                         member, constraint);
}

static gboolean
in_range(const char *text, gunichar last)
{
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);

        if (c > last || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
            return FALSE;
    }
    return TRUE;
}

static gboolean
fits(const char *value, RbIamField kind)
{
    const char *others = kinds[kind].others, *rest = value;

    for (; others != NULL && *rest != '\0'; rest++)
        if (!g_ascii_isalnum(*rest) && strchr(others, *rest) == NULL)
            return FALSE;
    if (kind == RB_FIELD_PATH || kind == RB_FIELD_PREFIX) {
        for (rest = value; *rest != '\0'; rest++)
            if (*rest < 0x21 || *rest > 0x7e)
                return FALSE;
        return value[0] == '/' && (kind == RB_FIELD_PREFIX || g_str_has_suffix(value, "/"));
    }
    if (kind == RB_FIELD_VERSION)
        return value[0] == 'v' && value[1] >= '1' && value[1] <= '9' &&
               strspn(value + 1, "0123456789") == strlen(value + 1);
    if (kind == RB_FIELD_ALIAS)
        return strpbrk(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL && value[0] != '-' &&
               !g_str_has_suffix(value, "-") && strstr(value, "--") == NULL;
    return (kind != RB_FIELD_DOCUMENT && kind != RB_FIELD_DESCRIPTION) || in_range(value, 0xff);
}

static gboolean
check(const RbIamCall *call, const char *name, const char *value, RbIamField kind)
{
    glong length = g_utf8_strlen(value, -1);
    const char *shown = length > 200 ? "***" : value;
    g_autofree char *constraint = NULL;

    if (length < kinds[kind].min)
        constraint = g_strdup_printf("Member must have length greater than or equal to %ld", kinds[kind].min);
    else if (length > kinds[kind].max)
        constraint = g_strdup_printf("Member must have length less than or equal to %ld", kinds[kind].max);
    else if (!fits(value, kind))
        constraint = g_strdup_printf("Member must satisfy regular expression pattern: %s",
                                     kinds[kind].pattern == NULL ? "[a-zA-Z0-9]*" : kinds[kind].pattern);
    if (constraint != NULL)
        return refuse(call, shown, name, constraint);
    if (kind == RB_FIELD_ARN && !g_str_has_prefix(value, "arn:"))
        return rb_aws_refuse(call->error, 400, "ValidationError", "ARN %s is not valid.", value);
    return TRUE;
}

gboolean
rb_iam_may(const RbIamCall *call, const char *name, RbIamField kind, const char **value)
{
    *value = rb_iam_get(call, name);
    return *value == NULL || check(call, name, *value, kind);
}

const char *
rb_iam_need(const RbIamCall *call, const char *name, RbIamField kind)
{
    const char *value;

    if (!rb_iam_may(call, name, kind, &value))
        return NULL;
    if (value == NULL)
        (void)refuse(call, NULL, name, "Member must not be null");
    return value;
}

gboolean
rb_iam_number(const RbIamCall *call, const char *name, gint64 min, gint64 max, gint64 fallback, gint64 *value)
{
    const char *text = rb_iam_get(call, name);
    g_autofree char *constraint = NULL;

    *value = fallback;
    if (text == NULL)
        return TRUE;
    if (!g_ascii_string_to_signed(text, 10, G_MININT32, G_MAXINT32, value, NULL))
        return rb_aws_refuse(call->error, 400, "MalformedInput", "%s must be an integer", name);
    if (*value >= min && *value <= max)
        return TRUE;
    constraint = g_strdup_printf("Member must have value %s than or equal to %" G_GINT64_FORMAT,
                                 *value < min ? "greater" : "less", *value < min ? min : max);
    return refuse(call, text, name, constraint);
}

gboolean
rb_iam_flag(const RbIamCall *call, const char *name, gboolean fallback, gboolean *value)
{
    const char *text = rb_iam_get(call, name);

    *value = text == NULL ? fallback : strcmp(text, "true") == 0;
    if (text == NULL || *value || strcmp(text, "false") == 0)
        return TRUE;
    return rb_aws_refuse(call->error, 400, "MalformedInput", "%s must be true or false", name);
}

json_t *
rb_iam_members(const RbIamCall *call, const char *name, RbIamField kind)
{
    json_t *all = json_array();

    for (guint i = 1;; i++) {
        g_autofree char *field = g_strdup_printf("%s.member.%u", name, i);
        const char *value = rb_iam_get(call, field);

        if (value == NULL)
            return all;
        if (!check(call, name, value, kind)) {
            json_decref(all);
            return NULL;
        }
        (void)json_array_append_new(all, json_string(value));
    }
}
