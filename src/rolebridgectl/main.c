#include "base/encoding.h"
#include "base/process.h"
#include "rolebridgectl/audit.h"
#include "rolebridgectl/command.h"
#include "rolebridgectl/deploy.h"
#include "rolebridgectl/keys.h"
#include "rolebridgectl/review.h"

#include <locale.h>
#include <string.h>

static const RbCommand keys = { "keys", "the keys that tokens and assertions for AWS are signed with",
                                rb_ctl_keys };
static const RbCommand audit = { "audit", "who did what, and whether the log is whole", rb_ctl_audit };
static const RbCommand plan = { "plan", "what must change in the accounts' IAM", rb_ctl_plan };
static const RbCommand apply = { "apply", "changes the accounts' IAM as planned", rb_ctl_apply };
static const RbCommand drift = { "drift", "where the accounts' IAM differs from the mapping", rb_ctl_drift };
static const RbCommand baseline = { "baseline", "the accounts' first-day settings", rb_ctl_baseline };

/* Every command, in the order of the help. */
/* clang-format off */
static const RbCommand *const commands[] = {
    &rb_command_check,
    &rb_command_validate,
    &rb_command_explain,
    &rb_command_simulate,
    &rb_command_who_can,
    &rb_command_what_can,
    &rb_command_diff,
    &rb_command_prove,
    &rb_command_compile,
    &rb_command_map,
    &rb_command_refine,
    &plan,
    &apply,
    &drift,
    &baseline,
    &rb_command_doctor,
    &audit,
    &keys,
};
/* clang-format on */

static void
print_help(void)
{
    g_print("rolebridgectl: what administrators of rolebridge need.\n\nUsage: rolebridgectl COMMAND "
            "[OPTION…]\n\n");
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        g_print("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    g_print("\n  --help     this text; after a command: its options and examples\n"
            "  --version  the version\n"
            "\nExit codes: 0 done, 1 a check said no, 2 usage, 4 it could not be told.\n");
}

static int
unknown(const char *name)
{
    const char *names[G_N_ELEMENTS(commands) + 1] = { NULL };
    g_autofree char *quoted = rb_text_quote(name);
    const char *near;

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        names[i] = commands[i]->name;
    near = rb_text_nearest(name, names);
    g_printerr("rolebridgectl: no command %s; ", quoted);
    if (near != NULL)
        g_printerr("did you mean '%s'?\n", near);
    else
        g_printerr("try: rolebridgectl --help\n");
    return RB_EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    rb_process_harden(1);
    (void)setlocale(LC_ALL, ""); /* stays "C" when there is none: only messages of others change */
    if (argc < 2) {
        print_help();
        return RB_EXIT_USAGE;
    }
    if (g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h") || g_str_equal(argv[1], "help")) {
        print_help();
        return RB_EXIT_OK;
    }
    if (g_str_equal(argv[1], "--version")) {
        g_print("rolebridgectl %s\n", RB_VERSION);
        return RB_EXIT_OK;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (g_str_equal(argv[1], commands[i]->name))
            return commands[i]->run(argc - 1, argv + 1);
    return unknown(argv[1]);
}
