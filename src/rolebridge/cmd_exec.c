#include "base/encoding.h"
#include "rolebridge/beside.h"
#include "rolebridge/lease.h"
#include "rolebridge/role.h"
#include "rolebridge/serving.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_exec = {
    .name = "exec",
    .arguments = "[ACCOUNT.ROLE] -- COMMAND…",
    .summary = "Run a command with a role's credentials in its environment",
    .details =
        "The command gets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, "
        "AWS_CREDENTIAL_EXPIRATION and\n"
        "AWS_REGION; AWS_PROFILE is taken away. Its exit code is this command's. Programs that outlive "
        "the credentials\n"
        "want --server: instead of keys they get the address and token of a local server (ECS container "
        "credentials), which\n"
        "renews them as long as the command runs.\n\n"
        "Examples:\n"
        "  rolebridge exec analytics-prod.data-scientist -- aws s3 ls\n"
        "  rolebridge exec --server analytics-prod.data-scientist -- ./training-for-days\n"
        "  rolebridge exec -- env                     # picks the role from a list",
    .run = run,
};

/* Sets what the child sees; the child alone has these, since exec follows. */
static void
set_environment(const RbCli *cli, const RbLease *lease)
{
    g_autofree char *expiration = rb_time_format(lease->expiration);

    (void)g_setenv("AWS_ACCESS_KEY_ID", lease->access_key_id, TRUE);
    (void)g_setenv("AWS_SECRET_ACCESS_KEY", rb_secret_reveal(lease->secret_access_key), TRUE);
    (void)g_setenv("AWS_SESSION_TOKEN", rb_secret_reveal(lease->session_token), TRUE);
    (void)g_setenv("AWS_CREDENTIAL_EXPIRATION", expiration, TRUE);
    (void)g_setenv("AWS_REGION", cli->region, FALSE);
    (void)g_setenv("AWS_DEFAULT_REGION", cli->region, FALSE);
    if (lease->account_id != NULL)
        (void)g_setenv("AWS_ACCOUNT_ID", lease->account_id, TRUE);
    g_unsetenv("AWS_PROFILE");
    g_unsetenv("AWS_DEFAULT_PROFILE");
}

/* (transfer full): this environment, without what would lead an SDK elsewhere. */
static GStrv
server_environment(const RbCli *cli, const RbServing *serving)
{
    static const char *const gone[] = { "AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_SECURITY_TOKEN",
                                        "AWS_CREDENTIAL_EXPIRATION",
                                        "AWS_PROFILE",
                                        "AWS_DEFAULT_PROFILE",
                                        "AWS_ROLE_ARN",
                                        "AWS_WEB_IDENTITY_TOKEN_FILE",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" };
    g_autofree char *uri = rb_delivery_role_url(rb_serving_delivery(serving), 0);
    GStrv all = g_get_environ();

    for (gsize i = 0; i < G_N_ELEMENTS(gone); i++)
        all = g_environ_unsetenv(all, gone[i]);
    all = g_environ_setenv(all, "AWS_CONTAINER_CREDENTIALS_FULL_URI", uri, TRUE);
    all = g_environ_setenv(all, "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                           rb_secret_reveal(rb_serving_token(serving)), TRUE);
    all = g_environ_setenv(all, "AWS_SHARED_CREDENTIALS_FILE", "/dev/null", TRUE); /* it would come first */
    all = g_environ_setenv(all, "AWS_REGION", cli->region, FALSE);
    return g_environ_setenv(all, "AWS_DEFAULT_REGION", cli->region, FALSE);
}

/* The server lives as long as the command. */
static int
run_beside_server(RbCli *cli, const char *account, const char *role, gint64 duration_s, char **command)
{
    const RbDeliveryRole one = { account, role };
    const RbServingAsk ask = { .roles = &one, .n_roles = 1, .duration_s = duration_s };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbServing) serving = NULL;
    g_auto(GStrv) environment = NULL;
    int signals = rb_beside_check_default(cli, &error) ? rb_beside_signals(&error) : -1, status;

    serving = signals < 0 ? NULL : rb_serving_new(cli, &ask, &error);
    if (serving != NULL) {
        environment = server_environment(cli, serving);
        status = rb_beside_run(command, environment, signals);
    } else
        status = rb_cli_report(cli, error);
    if (signals >= 0)
        (void)close(signals);
    return status;
}

/* Becomes @command. Returns only when that is not possible. */
static int
become(char **command)
{
    g_autofree char *quoted = rb_text_quote(command[0]);
    int saved;

    (void)fflush(NULL);
    rb_cli_default_signals();
    (void)execvp(command[0], command);
    saved = errno;
    fprintf(stderr, "rolebridge exec: cannot run %s: %s\n", quoted, g_strerror(saved));
    return saved == ENOENT ? 127 : 126;
}

static int
run(RbCli *cli, int argc, char **argv)
{
    g_autofree char *duration = NULL, *account = NULL, *role = NULL;
    char **command = NULL;
    gboolean server = FALSE;
    gint64 duration_s = 0;
    GOptionEntry entries[] = {
        { "duration", 0, 0, G_OPTION_ARG_STRING, &duration, "How long, like 30m or 8h (default: the role's)",
          "TIME" },
        { "server", 0, 0, G_OPTION_ARG_NONE, &server,
          "Give the command a local server that renews credentials, instead of keys", NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbLease) lease = NULL;
    int status;

    for (int i = 1; i < argc && command == NULL; i++) /* what is behind -- is the command's own */
        if (g_str_equal(argv[i], "--")) {
            command = argv + i + 1;
            argv[i] = NULL;
            argc = i;
        }
    if (!rb_cli_parse(cli, &rb_command_exec, entries, &argc, &argv, &status))
        return status;
    if (argc > 2 || command == NULL || *command == NULL || !rb_cli_duration(duration, &duration_s)) {
        (void)rb_cli_stop(&error, RB_EXIT_USAGE,
                          "write it as: rolebridge exec [--duration 30m] [--server] ACCOUNT.ROLE -- COMMAND");
        return rb_cli_report(cli, error);
    }
    if (!rb_role_choose(cli, argc == 2 ? argv[1] : NULL, &account, &role, &error))
        return rb_cli_report(cli, error);
    if (server)
        return run_beside_server(cli, account, role, duration_s, command);
    if ((lease = rb_lease_get(cli, account, role, duration_s, FALSE, &error)) == NULL)
        return rb_cli_report(cli, error);
    set_environment(cli, lease);
    return become(command);
}
