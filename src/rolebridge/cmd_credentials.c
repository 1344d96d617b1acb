#include "base/encoding.h"
#include "rolebridge/login.h"
#include "rolebridge/role.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_credentials = {
    .name = "credentials",
    .arguments = "[ACCOUNT.ROLE]",
    .summary = "Print a role's temporary credentials",
    .details =
        "Formats, named as in 'aws configure export-credentials': process (for credential_process), "
        "env, env-no-export,\n"
        "powershell, windows-cmd, fish; and file (for ~/.aws/credentials). Credentials are cached "
        "(mode 0600, or in the\n"
        "keyring) and shared by parallel calls until they near their end. --login opens a browser where "
        "that is needed: once\n"
        "for any number of calls, and not again within two minutes of one that failed.\n\n"
        "Examples:\n"
        "  eval \"$(rolebridge credentials analytics-prod.data-scientist --format env)\"\n"
        "  rolebridge credentials analytics-prod.data-scientist --format process\n"
        "  rolebridge credentials --duration 30m       # picks the role from a list",
    .run = run,
};

static void
print_process(const RbLease *lease)
{
    g_autofree char *expiration = rb_time_format(lease->expiration);
    json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:s}", "Version", 1, "AccessKeyId", lease->access_key_id,
                             "SecretAccessKey", rb_secret_reveal(lease->secret_access_key), "SessionToken",
                             rb_secret_reveal(lease->session_token), "Expiration", expiration);
    char *text;

    if (lease->account_id != NULL)
        (void)json_object_set_new(json, "AccountId", json_string(lease->account_id));
    text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    puts(text);
    rb_wipe(text, strlen(text));
    free(text);
    json_decref(json);
}

/* One variable a line; AWS's values have no character that any of these shells would read. */
static void
print_variables(const RbLease *lease, const char *before, const char *between, const char *after)
{
    g_autofree char *expiration = rb_time_format(lease->expiration);
    const char *const pairs[][2] = {
        { "AWS_ACCESS_KEY_ID", lease->access_key_id },
        { "AWS_SECRET_ACCESS_KEY", rb_secret_reveal(lease->secret_access_key) },
        { "AWS_SESSION_TOKEN", rb_secret_reveal(lease->session_token) },
        { "AWS_CREDENTIAL_EXPIRATION", expiration },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++)
        printf("%s%s%s%s%s\n", before, pairs[i][0], between, pairs[i][1], after);
}

static void
print_file(const RbLease *lease)
{
    g_autofree char *account = rb_text_printable(lease->account, 100),
                    *role = rb_text_printable(lease->role, 100);

    printf("[%s.%s]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s\n", account,
           role, lease->access_key_id, rb_secret_reveal(lease->secret_access_key),
           rb_secret_reveal(lease->session_token));
}

static const struct {
    const char *name;
    const char *before, *between, *after; /* before NULL: not a list of variables */
} formats[] = {
    { "process", NULL, NULL, NULL },    { "env", "export ", "=", "" },
    { "env-no-export", "", "=", "" },   { "powershell", "$Env:", "=\"", "\"" },
    { "windows-cmd", "set ", "=", "" }, { "fish", "set -gx ", " ", "" },
    { "file", NULL, NULL, NULL },
};

static gboolean
print_as(const RbLease *lease, const char *format)
{
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++)
        if (g_str_equal(formats[i].name, format)) {
            if (formats[i].before != NULL)
                print_variables(lease, formats[i].before, formats[i].between, formats[i].after);
            else if (g_str_equal(format, "file"))
                print_file(lease);
            else
                print_process(lease);
            return TRUE;
        }
    return FALSE;
}

static gboolean
is_format(const char *format)
{
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++)
        if (g_str_equal(formats[i].name, format))
            return TRUE;
    return FALSE;
}

static int
run(RbCli *cli, int argc, char **argv)
{
    g_autofree char *duration = NULL, *format = NULL, *account = NULL, *role = NULL;
    gboolean sign_in = FALSE;
    gint64 duration_s = 0;
    GOptionEntry entries[] = {
        { "format", 0, 0, G_OPTION_ARG_STRING, &format,
          "process, env, env-no-export, powershell, windows-cmd, fish, file (default: env)", "FORMAT" },
        { "duration", 0, 0, G_OPTION_ARG_STRING, &duration, "How long, like 30m or 8h (default: the role's)",
          "TIME" },
        { "login", 0, 0, G_OPTION_ARG_NONE, &sign_in, "Sign in first where that is needed", NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbLease) lease = NULL;
    int status;

    if (!rb_cli_parse(cli, &rb_command_credentials, entries, &argc, &argv, &status))
        return status;
    if (format == NULL)
        format = g_strdup(cli->json ? "process" : "env");
    if (argc > 2 || !is_format(format) || !rb_cli_duration(duration, &duration_s)) {
        (void)rb_cli_stop(&error, RB_EXIT_USAGE, "%s; see 'rolebridge credentials --help'",
                          argc > 2             ? "give one role"
                          : !is_format(format) ? "no such format"
                                               : "--duration is a time like 30m or 8h");
        return rb_cli_report(cli, error);
    }
    if (!rb_role_choose(cli, argc == 2 ? argv[1] : NULL, &account, &role, &error) ||
        (lease = rb_login_lease(cli, account, role, duration_s, sign_in, &error)) == NULL)
        return rb_cli_report(cli, error);
    return print_as(lease, format) ? RB_EXIT_OK : RB_EXIT_USAGE;
}
