#include "base/encoding.h"
#include "rolebridge/bridge.h"

#include <stdio.h>

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_whoami = {
    .name = "whoami",
    .arguments = "",
    .summary = "Show who you are to the bridge: name, groups, how you signed in",
    .details = "Examples:\n  rolebridge whoami\n  rolebridge whoami --json | jq -r '.groups[]'",
    .run = run,
};

static void
print_member(const json_t *answer, const char *member, const char *label)
{
    const char *text = json_string_value(json_object_get(answer, member));

    if (text == NULL)
        return;
    printf("%-12s", label);
    rb_cli_print(text);
    putchar('\n');
}

static void
print_time(const json_t *answer, const char *member, const char *label)
{
    const json_t *value = json_object_get(answer, member);

    if (json_is_integer(value) && json_integer_value(value) > 0) {
        g_autofree char *time = rb_time_format(json_integer_value(value));
        printf("%-12s%s\n", label, time);
    } else
        print_member(answer, member, label);
}

static int
run(RbCli *cli, int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    json_t *answer, *group;
    size_t i;
    int status;

    if (!rb_cli_parse(cli, &rb_command_whoami, NULL, &argc, &argv, &status))
        return status;
    answer = rb_bridge_get(cli, "/api/v1/whoami", NULL, &error);
    if (answer == NULL)
        return rb_cli_report(cli, error);
    if (cli->json)
        rb_cli_print_json(answer);
    else {
        print_member(answer, "name", "name");
        print_member(answer, "subject", "subject");
        print_member(answer, "provider", "provider");
        printf("%-12s%s\n", "factors",
               json_is_true(json_object_get(answer, "mfa")) ? "more than one" : "one");
        print_time(answer, "authenticated_at", "signed in");
        print_time(answer, "expires_at", "until");
        json_array_foreach(json_object_get(answer, "groups"), i, group)
        {
            printf("%-12s", i == 0 ? "groups" : "");
            rb_cli_print(json_string_value(group) != NULL ? json_string_value(group) : "?");
            putchar('\n');
        }
    }
    json_decref(answer);
    return RB_EXIT_OK;
}
