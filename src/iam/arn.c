#include "iam/arn.h"

#include <string.h>

/* Points @why at @text; NULL so that a parser can return it. */
static gpointer
wrong(const char **why, const char *text)
{
    if (why != NULL)
        *why = text;
    return NULL;
}

gboolean
rb_arn_is_account(const char *text)
{
    return strspn(text, "0123456789") == 12 && text[12] == '\0';
}

gboolean
rb_arn_is_name(const char *text, gsize min, gsize max)
{
    gsize n = strlen(text);

    if (n < min || n > max)
        return FALSE;
    for (; *text != '\0'; text++)
        if (!g_ascii_isalnum(*text) && strchr("_+=,.@-", *text) == NULL)
            return FALSE;
    return TRUE;
}

/* Lower-case letters, digits, inner hyphens; begins with a letter. */
static gboolean
is_label(const char *text, gsize max)
{
    gsize n = strlen(text);

    if (n == 0 || n > max || !g_ascii_islower(text[0]) || text[n - 1] == '-')
        return FALSE;
    for (; *text != '\0'; text++)
        if (!g_ascii_islower(*text) && !g_ascii_isdigit(*text) && *text != '-')
            return FALSE;
    return TRUE;
}

gboolean
rb_arn_is_region(const char *text)
{
    return is_label(text, 32) && strchr(text, '-') != NULL && g_ascii_isdigit(text[strlen(text) - 1]);
}

static gboolean
is_visible(const char *text)
{
    for (; *text != '\0'; text++)
        if (!g_ascii_isgraph(*text) && *text != ' ')
            return FALSE;
    return TRUE;
}

static const char *
fields_wrong(char *const *f)
{
    if (!g_str_has_prefix(f[1], "aws") || !is_label(f[1], 32))
        return "the partition must be aws, aws-cn, aws-us-gov or alike";
    if (!is_label(f[2], 64))
        return "the service is missing or not a service";
    if (f[3][0] != '\0' && !is_label(f[3], 32))
        return "the region is not a region";
    if (f[4][0] != '\0' && !rb_arn_is_account(f[4]) && !g_str_equal(f[4], "aws"))
        return "the account must be 12 digits";
    if (f[5][0] == '\0')
        return "the resource is missing";
    return NULL;
}

RbArn *
rb_arn_parse(const char *text, const char **why)
{
    g_auto(GStrv) f = NULL;
    const char *mistake;
    RbArn *arn;

    if (strnlen(text, RB_ARN_MAX + 1) > RB_ARN_MAX)
        return wrong(why, "an ARN has at most 2048 characters");
    if (!is_visible(text))
        return wrong(why, "an ARN has visible ASCII characters only");
    f = g_strsplit(text, ":", 6);
    if (g_strv_length(f) != 6 || !g_str_equal(f[0], "arn"))
        return wrong(why, "an ARN has six fields: arn:partition:service:region:account:resource");
    mistake = fields_wrong(f);
    if (mistake != NULL)
        return wrong(why, mistake);
    arn = g_new(RbArn, 1);
    *arn = (RbArn){ g_strdup(f[1]), g_strdup(f[2]), g_strdup(f[3]), g_strdup(f[4]), g_strdup(f[5]) };
    return arn;
}

char *
rb_arn_print(const RbArn *arn)
{
    return g_strjoin(":", "arn", arn->partition, arn->service, arn->region, arn->account, arn->resource,
                     NULL);
}

void
rb_arn_free(RbArn *arn)
{
    if (arn == NULL)
        return;
    g_free(arn->partition);
    g_free(arn->service);
    g_free(arn->region);
    g_free(arn->account);
    g_free(arn->resource);
    g_free(arn);
}

/* An ARN of @service with a real account and no region. */
static RbArn *
global_arn(const char *text, const char *service, const char *what, const char **why)
{
    g_autoptr(RbArn) arn = rb_arn_parse(text, why);

    if (arn == NULL)
        return NULL;
    if (!g_str_equal(arn->service, service) || arn->region[0] != '\0')
        return wrong(why, what);
    if (!rb_arn_is_account(arn->account))
        return wrong(why, "the account must be 12 digits");
    return g_steal_pointer(&arn);
}

RbRoleArn *
rb_role_arn_parse(const char *text, const char **why)
{
    g_autoptr(RbArn) arn = global_arn(text, "iam", "a role's ARN begins with arn:aws:iam::", why);
    const char *path, *name;
    RbRoleArn *role;

    if (arn == NULL)
        return NULL;
    if (!g_str_has_prefix(arn->resource, "role/"))
        return wrong(why, "the resource of a role's ARN is role/NAME or role/PATH/NAME");
    path = arn->resource + strlen("role");
    name = strrchr(path, '/') + 1;
    if (!rb_arn_is_name(name, 1, 64))
        return wrong(why, "a role's name has 1 to 64 letters, digits or _+=,.@-");
    if (name - path > 512 || strstr(path, "//") != NULL || memchr(path, ' ', (gsize)(name - path)) != NULL)
        return wrong(why, "a role's path has at most 512 visible characters and no empty part");
    role = g_new(RbRoleArn, 1);
    *role = (RbRoleArn){ g_strdup(arn->partition), g_strdup(arn->account),
                         g_strndup(path, (gsize)(name - path)), g_strdup(name) };
    return role;
}

char *
rb_role_arn_print(const RbRoleArn *role)
{
    return g_strdup_printf("arn:%s:iam::%s:role%s%s", role->partition, role->account, role->path, role->name);
}

void
rb_role_arn_free(RbRoleArn *role)
{
    if (role == NULL)
        return;
    g_free(role->partition);
    g_free(role->account);
    g_free(role->path);
    g_free(role->name);
    g_free(role);
}

RbSessionArn *
rb_session_arn_parse(const char *text, const char **why)
{
    g_autoptr(RbArn) arn = global_arn(text, "sts", "a session's ARN begins with arn:aws:sts::", why);
    g_auto(GStrv) parts = NULL;
    RbSessionArn *session;

    if (arn == NULL)
        return NULL;
    parts = g_strsplit(arn->resource, "/", 4);
    if (g_strv_length(parts) != 3 || !g_str_equal(parts[0], "assumed-role"))
        return wrong(why, "the resource of a session's ARN is assumed-role/ROLE/SESSION");
    if (!rb_arn_is_name(parts[1], 1, 64))
        return wrong(why, "a role's name has 1 to 64 letters, digits or _+=,.@-");
    if (!rb_arn_is_name(parts[2], 2, 64))
        return wrong(why, "a session's name has 2 to 64 letters, digits or _+=,.@-");
    session = g_new(RbSessionArn, 1);
    *session = (RbSessionArn){ g_strdup(arn->partition), g_strdup(arn->account), g_strdup(parts[1]),
                               g_strdup(parts[2]) };
    return session;
}

char *
rb_session_arn_print(const RbSessionArn *session)
{
    return g_strdup_printf("arn:%s:sts::%s:assumed-role/%s/%s", session->partition, session->account,
                           session->role, session->session);
}

void
rb_session_arn_free(RbSessionArn *session)
{
    if (session == NULL)
        return;
    g_free(session->partition);
    g_free(session->account);
    g_free(session->role);
    g_free(session->session);
    g_free(session);
}
