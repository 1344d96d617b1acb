#include "base/encoding.h"
#include "rolebridge/agent_client.h"
#include "rolebridge/bridge.h"
#include "rolebridge/lease.h"
#include "rolebridge/token.h"

#include <stdio.h>

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_logout = {
    .name = "logout",
    .arguments = "",
    .summary = "Sign out here and at the bridge, and forget cached credentials",
    .details = "Credentials that AWS already issued stay valid until they expire; this forgets the copies on "
               "this machine.\n\n"
               "Example:\n  rolebridge logout",
    .run = run,
};

static int
run(RbCli *cli, int argc, char **argv)
{
    g_autoptr(GError) error = NULL, remote = NULL;
    g_autoptr(RbToken) token = NULL;
    int status;

    if (!rb_cli_parse(cli, &rb_command_logout, NULL, &argc, &argv, &status))
        return status;
    token = rb_token_load(cli, NULL); /* an unreadable one is removed all the same */
    if (token != NULL && !rb_bridge_sign_out(cli, token->access_token, &remote) &&
        remote->domain == RB_REFUSAL)
        g_clear_error(&remote); /* the bridge no longer knows it: as good as signed out */
    (void)rb_agent_end(cli);    /* there may be none */
    if (!rb_token_forget(cli, &error) || !rb_lease_forget_all(cli, &error))
        return rb_cli_report(cli, error);
    if (remote != NULL) {
        g_autofree char *why = rb_text_printable(remote->message, 500);
        fprintf(stderr, "rolebridge: signed out on this machine, but the bridge could not be told: %s\n",
                why);
        return RB_EXIT_FAULT;
    }
    if (cli->json) {
        json_t *json = json_pack("{s:b, s:b}", "signed_in", 0, "was_signed_in", token != NULL);
        rb_cli_print_json(json);
        json_decref(json);
    } else
        puts(token != NULL ? "Signed out." : "Nobody was signed in.");
    return RB_EXIT_OK;
}
