#include "base/encoding.h"
#include "rolebridge/login.h"

#include <stdio.h>
#include <string.h>

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_login = {
    .name = "login",
    .arguments = "[URL]",
    .summary = "Sign in with your organisation's sign-in",
    .details =
        "Opens a browser, or with --device (and by itself over SSH) shows a code to confirm in any browser. "
        "Does nothing\n"
        "when the sign-in is still good. The first time, give the bridge's address; it is remembered.\n\n"
        "The sign-in is written to the standard SSO token cache (~/.aws/sso/cache), so AWS SDKs use and "
        "refresh it too.\n\n"
        "Examples:\n"
        "  rolebridge login https://bridge.acme.example\n"
        "  rolebridge login --device\n"
        "  rolebridge login --check || echo 'sign in first'      # no browser, exit code 0 or 3",
    .run = run,
};

static int
report_token(const RbCli *cli, const RbToken *token, gboolean was_good)
{
    g_autofree char *until = rb_time_format(token->expires_at);

    if (cli->json) {
        json_t *json = json_pack("{s:b, s:s, s:s, s:b}", "signed_in", 1, "bridge", cli->bridge, "expires_at",
                                 until, "was_signed_in", was_good);
        char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        puts(text);
        free(text);
        json_decref(json);
    } else
        printf("%s %s until %s.\n", was_good ? "Still signed in at" : "Signed in at", cli->bridge, until);
    return RB_EXIT_OK;
}

static int
sign_in(RbCli *cli, RbLoginWay way, gboolean force, gboolean check, gboolean open_browser)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbToken) token = force ? NULL : rb_token_fresh(cli, &error);

    if (token != NULL)
        return report_token(cli, token, TRUE);
    if (check)
        return rb_cli_report(cli, error);
    if (error != NULL && error->domain == RB_FAULT)
        return rb_cli_report(cli, error);
    g_clear_error(&error);
    token = rb_login(cli, way, open_browser, &error);
    if (token == NULL || !rb_cli_remember(cli, &error))
        return rb_cli_report(cli, error);
    return report_token(cli, token, FALSE);
}

static int
run(RbCli *cli, int argc, char **argv)
{
    gboolean device = FALSE, browser = FALSE, no_browser = FALSE, force = FALSE, check = FALSE;
    g_autofree char *region = NULL, *ca_file = NULL;
    GOptionEntry entries[] = {
        { "device", 0, 0, G_OPTION_ARG_NONE, &device, "Show a code to confirm in any browser", NULL },
        { "browser", 0, 0, G_OPTION_ARG_NONE, &browser, "Open a browser even over SSH", NULL },
        { "no-browser", 0, 0, G_OPTION_ARG_NONE, &no_browser,
          "Print the address instead of opening a browser", NULL },
        { "force", 0, 0, G_OPTION_ARG_NONE, &force, "Sign in anew even if the sign-in is still good", NULL },
        { "check", 0, 0, G_OPTION_ARG_NONE, &check, "Only say whether the sign-in is good", NULL },
        { "region", 0, 0, G_OPTION_ARG_STRING, &region, "AWS region to remember for profiles", "REGION" },
        { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &ca_file,
          "PEM certificates trusted besides the system's; remembered", "FILE" },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    int status;

    if (!rb_cli_parse(cli, &rb_command_login, entries, &argc, &argv, &status))
        return status;
    if (argc > 2 || (device && browser)) {
        fprintf(stderr, "rolebridge login: %s; see 'rolebridge login --help'\n",
                argc > 2 ? "give one address" : "--device and --browser exclude each other");
        return RB_EXIT_USAGE;
    }
    if (argc == 2) {
        g_autoptr(GUri) uri = g_uri_parse(argv[1], G_URI_FLAGS_NONE, NULL);
        if (uri == NULL || g_uri_get_host(uri) == NULL) {
            fprintf(stderr, "rolebridge login: '%s' is not an address like https://bridge.acme.example\n",
                    argv[1]);
            return RB_EXIT_USAGE;
        }
        force = force || (cli->bridge != NULL && !g_str_has_prefix(argv[1], cli->bridge));
        g_free(cli->bridge);
        cli->bridge =
            g_str_has_suffix(argv[1], "/") ? g_strndup(argv[1], strlen(argv[1]) - 1) : g_strdup(argv[1]);
    }
    if (region != NULL) {
        g_free(cli->region);
        cli->region = g_steal_pointer(&region);
    }
    if (ca_file != NULL) {
        g_free(cli->ca_file);
        cli->ca_file = g_canonicalize_filename(ca_file, NULL);
    }
    return sign_in(cli,
                   device                  ? RB_LOGIN_DEVICE
                   : browser || no_browser ? RB_LOGIN_BROWSER
                                           : RB_LOGIN_AUTO,
                   force, check, !no_browser);
}
