#include "base/encoding.h"
#include "base/process.h"
#include "rolebridge/cli.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
print_usage(FILE *to)
{
    fprintf(to, "Usage: rolebridge COMMAND [OPTION…]\n\n"
                "Your corporate sign-in, your roles in AWS.\n\nCommands:\n");
    for (const RbCommand *c = rb_cli_commands(); c->name != NULL; c++)
        fprintf(to, "  %-12s %s\n", c->name, c->summary);
    fprintf(to,
            "\n'rolebridge COMMAND --help' says more, with examples. To start: rolebridge login URL\n"
            "Exit codes: 0 done, 1 refused, 2 usage, 3 sign in first, 4 could not tell, 130 interrupted.\n");
}

static int
unknown_command(const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *quoted = rb_text_quote(name);
    const char *near;

    for (const RbCommand *c = rb_cli_commands(); c->name != NULL; c++)
        g_ptr_array_add(names, (gpointer)c->name);
    g_ptr_array_add(names, NULL);
    near = rb_text_nearest(name, (const char *const *)names->pdata);
    if (near != NULL)
        fprintf(stderr, "rolebridge: no command %s; did you mean '%s'?\n", quoted, near);
    else
        fprintf(stderr, "rolebridge: no command %s; 'rolebridge --help' lists them\n", quoted);
    return RB_EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    RbCli cli = { .clock = rb_clock_system() };
    const RbCommand *command;
    int status;

    rb_process_harden(TRUE);
    (void)setlocale(LC_ALL, ""); /* without it GLib prints no UTF-8 */
    if (argc < 2 || g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h") ||
        g_str_equal(argv[1], "help")) {
        print_usage(argc < 2 ? stderr : stdout);
        return rb_cli_done(argc < 2 ? RB_EXIT_USAGE : RB_EXIT_OK);
    }
    if (g_str_equal(argv[1], "--version")) {
        printf("rolebridge %s\n", RB_VERSION);
        return rb_cli_done(RB_EXIT_OK);
    }
    command = rb_cli_command(argv[1]);
    if (command == NULL)
        return unknown_command(argv[1]);
    cli.colour = isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL;
    cli.asks = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    status = command->run(&cli, argc - 1, argv + 1);
    rb_cli_clear(&cli);
    return rb_cli_done(status);
}
