#include "base/encoding.h"
#include "rolebridge/role.h"

#include <stdio.h>

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_console = {
    .name = "console",
    .arguments = "[ACCOUNT.ROLE]",
    .summary = "Open the AWS console in a role",
    .details = "Opens the bridge's own link, which asks for a sign-in in the browser where that is needed. "
               "No credential is in it,\n"
               "so it can be bookmarked.\n\n"
               "Examples:\n"
               "  rolebridge console analytics-prod.data-scientist\n"
               "  rolebridge console analytics-prod.data-scientist --print\n"
               "  rolebridge console dev.developer --destination https://console.aws.amazon.com/s3/home",
    .run = run,
};

static int
run(RbCli *cli, int argc, char **argv)
{
    g_autofree char *destination = NULL, *account = NULL, *role = NULL, *a = NULL, *r = NULL, *d = NULL,
                    *url = NULL;
    gboolean print = FALSE;
    GOptionEntry entries[] = {
        { "destination", 0, 0, G_OPTION_ARG_STRING, &destination, "A page of the AWS console to land on",
          "URL" },
        { "print", 0, 0, G_OPTION_ARG_NONE, &print, "Print the link instead of opening it", NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    int status;

    if (!rb_cli_parse(cli, &rb_command_console, entries, &argc, &argv, &status))
        return status;
    if (argc > 2)
        (void)rb_cli_stop(&error, RB_EXIT_USAGE, "give one role; see 'rolebridge console --help'");
    else if (cli->bridge == NULL)
        (void)rb_refuse(&error, RB_SESSION_MISSING,
                        "no bridge is configured; give its address once: rolebridge login URL");
    if (error != NULL)
        return rb_cli_report(cli, error);
    if (!rb_role_choose(cli, argc > 1 ? argv[1] : NULL, &account, &role, &error))
        return rb_cli_report(cli, error);
    a = rb_uri_encode(account);
    r = rb_uri_encode(role);
    d = rb_uri_encode(destination != NULL ? destination : "");
    url = g_strdup_printf("%s/console?account=%s&role=%s%s%s", cli->bridge, a, r,
                          *d != '\0' ? "&destination=" : "", d);
    if (cli->json) {
        json_t *json = json_pack("{s:s}", "url", url);
        rb_cli_print_json(json);
        json_decref(json);
    } else if (print || !rb_cli_open(url))
        puts(url);
    return RB_EXIT_OK;
}
