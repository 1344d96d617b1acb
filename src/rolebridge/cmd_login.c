#include "base/encoding.h"
#include "rolebridge/keyring.h"
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
        rb_cli_print_json(json);
        json_decref(json);
    } else
        printf("%s %s until %s.\n", was_good ? "Still signed in at" : "Signed in at", cli->bridge, until);
    return RB_EXIT_OK;
}

/* What was said on this command line, to be remembered. */
typedef struct {
    char *region, *ca_file;
    gboolean device, browser, no_browser, force, check, keyring, no_keyring;
} Options;

static void
options_clear(Options *o)
{
    g_free(o->region);
    g_free(o->ca_file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static int
sign_in(RbCli *cli, const Options *o, gboolean changed)
{
    const RbLoginAsk ask = { .way = o->device                     ? RB_LOGIN_DEVICE
                                    : o->browser || o->no_browser ? RB_LOGIN_BROWSER
                                                                  : RB_LOGIN_AUTO,
                             .open_browser = !o->no_browser,
                             .anew = o->force };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbToken) token = o->force && !o->check ? NULL : rb_token_fresh(cli, &error);
    gboolean was_good = token != NULL;

    if (token == NULL && (o->check || (error != NULL && error->domain == RB_FAULT && cli->bridge != NULL &&
                                       !g_error_matches(error, RB_FAULT, RB_FAULT_FILE))))
        return rb_cli_report(cli, error);
    g_clear_error(&error);
    if (token == NULL && cli->bridge == NULL)
        (void)rb_cli_stop(&error, RB_EXIT_USAGE,
                          "no bridge is configured; give its address once: rolebridge login URL");
    else if (token == NULL)
        token = rb_login(cli, &ask, &error);
    if (token == NULL || ((!was_good || changed) && !rb_cli_remember(cli, &error)))
        return rb_cli_report(cli, error);
    return report_token(cli, token, was_good);
}

static void
replace(char **field, char *value)
{
    g_free(*field);
    *field = value;
}

/* Takes the options over. Returns: TRUE, or FALSE with @error. */
static gboolean
apply(RbCli *cli, Options *o, const char *address, GError **error)
{
    if (address != NULL) {
        char *origin = rb_cli_origin(address, error);
        if (origin == NULL)
            return FALSE;
        replace(&cli->bridge, origin);
    }
    if (o->region != NULL)
        replace(&cli->region, g_steal_pointer(&o->region));
    if (o->ca_file != NULL)
        replace(&cli->ca_file, g_canonicalize_filename(o->ca_file, NULL));
    if (o->keyring || o->no_keyring)
        cli->keyring = o->keyring;
    if (o->keyring) {
        g_autofree char *why = NULL;
        if (!rb_keyring_answers(&why))
            return rb_cli_stop(error, RB_EXIT_FAULT, "no keyring can be used here: %s", why);
    }
    return TRUE;
}

static int
run(RbCli *cli, int argc, char **argv)
{
    g_auto(Options) o = { 0 };
    GOptionEntry entries[] = {
        { "device", 0, 0, G_OPTION_ARG_NONE, &o.device, "Show a code to confirm in any browser", NULL },
        { "browser", 0, 0, G_OPTION_ARG_NONE, &o.browser, "Open a browser even over SSH", NULL },
        { "no-browser", 0, 0, G_OPTION_ARG_NONE, &o.no_browser,
          "Print the address instead of opening a browser", NULL },
        { "force", 0, 0, G_OPTION_ARG_NONE, &o.force, "Sign in anew even if the sign-in is still good",
          NULL },
        { "check", 0, 0, G_OPTION_ARG_NONE, &o.check, "Only say whether the sign-in is good", NULL },
        { "region", 0, 0, G_OPTION_ARG_STRING, &o.region, "AWS region to remember for profiles", "REGION" },
        { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &o.ca_file,
          "PEM certificates trusted besides the system's; remembered", "FILE" },
        { "keyring", 0, 0, G_OPTION_ARG_NONE, &o.keyring, "Keep role credentials in the keyring; remembered",
          NULL },
        { "no-keyring", 0, 0, G_OPTION_ARG_NONE, &o.no_keyring, "Keep them in files again; remembered",
          NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    gboolean changed;
    int status;

    if (!rb_cli_parse(cli, &rb_command_login, entries, &argc, &argv, &status))
        return status;
    if (argc > 2 || (o.device && (o.browser || o.no_browser)) || (o.keyring && o.no_keyring)) {
        (void)rb_cli_stop(&error, RB_EXIT_USAGE, "%s; see 'rolebridge login --help'",
                          argc > 2   ? "give one address"
                          : o.device ? "--device and a browser exclude each other"
                                     : "--keyring and --no-keyring exclude each other");
        return rb_cli_report(cli, error);
    }
    changed = argc == 2 || o.region != NULL || o.ca_file != NULL || o.keyring || o.no_keyring;
    if (!apply(cli, &o, argc == 2 ? argv[1] : NULL, &error))
        return rb_cli_report(cli, error);
    return sign_in(cli, &o, changed && !o.check);
}
