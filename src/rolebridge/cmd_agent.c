#include "base/encoding.h"
#include "base/log.h"
#include "rolebridge/agent.h"
#include "rolebridge/agent_client.h"
#include "rolebridge/serving.h"

#include <stdio.h>
#include <unistd.h>

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_agent = {
    .name = "agent",
    .arguments = "",
    .summary = "Hold credentials in memory and keep them fresh for all of your programs",
    .details =
        "Runs until it is stopped or the sign-in ends. While it runs, the other commands and the profiles of "
        "'rolebridge\n"
        "configure' get their credentials from it: nothing of them is on disk, any number of calls at once "
        "cost one, and\n"
        "what is in use is renewed before anybody waits for it. Without it everything works as before.\n"
        "It listens on a socket that only you can reach. 'rolebridge logout' ends it.\n\n"
        "Examples:\n"
        "  rolebridge agent &\n"
        "  rolebridge agent --status          # who, which leases, until when\n"
        "  rolebridge agent --stop\n"
        "  systemctl --user enable --now rolebridge-agent.socket     # started when it is first needed",
    .run = run,
};

static const char *
text_of(const json_t *object, const char *member, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text != NULL ? text : otherwise;
}

static void
print_line(const char *label, const char *text)
{
    printf("%-12s", label);
    rb_cli_print(text);
    putchar('\n');
}

static void
print_lease(const json_t *lease)
{
    g_autofree char *name =
        g_strdup_printf("%s.%s", text_of(lease, "account", "?"), text_of(lease, "role", "?"));
    const char *error = json_string_value(json_object_get(lease, "error"));

    printf("%-12s", "lease");
    rb_cli_print(name);
    printf(" until %s, issued %s, renewed from %s, asked for %" JSON_INTEGER_FORMAT " times\n",
           text_of(lease, "expires_at", "?"), text_of(lease, "issued_at", "?"),
           text_of(lease, "renew_at", "?"), json_integer_value(json_object_get(lease, "calls")));
    if (error != NULL)
        print_line("  not renewed", error);
}

static void
print_status(const json_t *status)
{
    const json_t *sign_in = json_object_get(status, "sign_in"), *leases = json_object_get(status, "leases");
    const char *error = json_string_value(json_object_get(sign_in, "error"));
    json_t *lease;
    size_t i;

    printf("%-12srunning since %s, process %" JSON_INTEGER_FORMAT "\n", "agent",
           text_of(status, "started_at", "?"), json_integer_value(json_object_get(status, "pid")));
    print_line("name", text_of(status, "name", "(nobody is signed in)"));
    print_line("bridge", text_of(status, "bridge", "?"));
    printf("%-12s%s until %s, last new one seen %s\n", "sign-in",
           json_is_true(json_object_get(sign_in, "good")) ? "good" : "ended",
           text_of(sign_in, "expires_at", "-"), text_of(sign_in, "seen_at", "-"));
    if (error != NULL)
        print_line("  but", error);
    json_array_foreach(leases, i, lease)
    {
        print_lease(lease);
    }
    if (json_array_size(leases) == 0)
        printf("%-12snone\n", "lease");
}

static int
show_status(const RbCli *cli)
{
    json_t *status = rb_agent_status(cli);
    gboolean runs = status != NULL;

    if (cli->json && !runs)
        status = json_pack("{s:b}", "running", FALSE);
    else if (cli->json)
        (void)json_object_set_new(status, "running", json_true());
    if (cli->json)
        rb_cli_print_json(status);
    else if (runs)
        print_status(status);
    else
        puts("No agent runs for this session. Start one: rolebridge agent");
    json_decref(status);
    return runs ? RB_EXIT_OK : RB_EXIT_REFUSED;
}

static int
tell_to_end(const RbCli *cli)
{
    gboolean told = rb_agent_end(cli);

    if (cli->json) {
        json_t *json = json_pack("{s:b}", "stopped", told);
        rb_cli_print_json(json);
        json_decref(json);
    } else
        puts(told ? "Stopped." : "No agent runs for this session.");
    return RB_EXIT_OK;
}

static int
run_agent(RbCli *cli)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbAgent) agent = NULL;
    int stop = rb_ending_signals(&error), status;

    rb_log_setup(RB_LOG_INFO, cli->json);
    agent = stop < 0 ? NULL : rb_agent_new(cli, &error);
    if (agent == NULL) {
        if (stop >= 0)
            (void)close(stop);
        return rb_cli_report(cli, error);
    }
    rb_log(RB_LOG_INFO, "agent.listening", "socket", rb_agent_socket(agent), NULL);
    status = rb_agent_run(agent, stop);
    rb_log(RB_LOG_INFO, "agent.ended", NULL);
    (void)close(stop);
    /* systemd starts it again at the next question: that the sign-in is over is no failure there */
    return rb_agent_handed_over(agent) ? RB_EXIT_OK : status;
}

static int
run(RbCli *cli, int argc, char **argv)
{
    gboolean status_asked = FALSE, stop = FALSE;
    GOptionEntry entries[] = {
        { "status", 0, 0, G_OPTION_ARG_NONE, &status_asked,
          "Ask the running agent what it holds (exit code 1: none runs)", NULL },
        { "stop", 0, 0, G_OPTION_ARG_NONE, &stop, "Tell the running agent to end", NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    int status;

    if (!rb_cli_parse(cli, &rb_command_agent, entries, &argc, &argv, &status))
        return status;
    if (status_asked && stop) {
        (void)rb_cli_stop(&error, RB_EXIT_USAGE, "--status and --stop exclude each other");
        return rb_cli_report(cli, error);
    }
    return status_asked ? show_status(cli) : stop ? tell_to_end(cli) : run_agent(cli);
}
