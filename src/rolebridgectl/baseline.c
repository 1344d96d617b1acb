#include "deploy/baseline.h"

#include "base/encoding.h"
#include "rolebridgectl/command.h"
#include "rolebridgectl/deploy.h"

#include <stdlib.h>
#include <unistd.h>

static void
print_row(const RbBaselineRow *row, gboolean colour)
{
    const char *on = !colour ? "" : row->open ? "\033[1;31m" : "\033[32m", *off = colour ? "\033[0m" : "";

    g_print("  %s%-4s%s  %-16s %s\n", on, row->open ? "open" : "ok", off, row->id, row->what);
    if (row->open)
        g_print("                          %s\n                          %s\n", row->why, row->fix);
}

static json_t *
rows_json(const GPtrArray *rows)
{
    json_t *out = json_array();

    for (guint i = 0; i < rows->len; i++) {
        const RbBaselineRow *row = rows->pdata[i];
        (void)json_array_append_new(out, json_pack("{s:s, s:b, s:s, s:s, s:s?}", "id", row->id, "open",
                                                   (int)row->open, "what", row->what, "why", row->why, "fix",
                                                   row->fix));
    }
    return out;
}

static guint
count_open(const GPtrArray *rows)
{
    guint n = 0;

    for (guint i = 0; i < rows->len; i++)
        n += ((const RbBaselineRow *)rows->pdata[i])->open ? 1 : 0;
    return n;
}

/* One account; its exit code. */
static int
report(RbDeployRun *run, const RbCompiledAccount *account, json_t *out)
{
    const RbClock clock = rb_clock_system();
    g_autoptr(GError) error = NULL;
    g_autoptr(RbIam) iam = run->fleet.open(account, run->fleet.data, &error);
    json_t *facts = iam == NULL ? NULL : rb_baseline_facts(iam, &error);
    g_autoptr(GPtrArray) rows = NULL;
    guint open;

    if (facts == NULL) {
        g_printerr("rolebridgectl baseline: %s: %s\n", account->account->name, error->message);
        return RB_EXIT_FAULT;
    }
    rows = rb_baseline_judge(facts, rb_clock_now(&clock));
    json_decref(facts);
    open = count_open(rows);
    (void)json_array_append_new(out, json_pack("{s:s, s:s, s:i, s:o}", "account", account->account->id,
                                               "name", account->account->name, "open", (int)open, "rows",
                                               rows_json(rows)));
    if (run->asked->json)
        return open > 0 ? RB_EXIT_NO : RB_EXIT_OK;
    g_print("%s (%s): %u of %u open\n", account->account->name, account->account->id, open, rows->len);
    for (guint i = 0; i < rows->len; i++)
        print_row(rows->pdata[i], isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL);
    g_print("\n");
    return open > 0 ? RB_EXIT_NO : RB_EXIT_OK;
}

int
rb_ctl_baseline(int argc, char **argv)
{
    g_auto(RbDeployAsked) asked = { .parallel = 1 };
    g_autoptr(GOptionContext) context = rb_deploy_context(
        &asked, NULL,
        "Looks at the first-day settings of accounts: root's MFA and keys, the password policy, the alias, "
        "users and "
        "their keys; and says how each is put in order. Changes nothing.",
        "Examples:\n  rolebridgectl baseline --account analytics-prod\n  rolebridgectl baseline --json | jq "
        "'.[] | select(.open > 0)'\n\n"
        "Exit codes: 0 all in order, 1 something is open, 2 usage, 4 an account could not be read.\n");
    g_auto(RbDeployRun) run = { 0 };
    json_t *out;
    int code, worst = RB_EXIT_OK;

    if (!rb_command_parse(context, argc, argv) || !rb_deploy_settle(&asked, "baseline"))
        return RB_EXIT_USAGE;
    code = rb_deploy_begin(&run, &asked);
    if (code != RB_EXIT_OK)
        return code;
    out = json_array();
    for (guint i = 0; i < run.n_accounts; i++) {
        code = report(&run, &run.accounts[i], out);
        worst = MAX(worst, code);
    }
    if (asked.json) {
        char *text = json_dumps(out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        g_print("%s\n", text);
        free(text);
    }
    json_decref(out);
    return worst;
}
