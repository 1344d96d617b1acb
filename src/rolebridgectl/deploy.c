#include "rolebridgectl/deploy.h"

#include "base/encoding.h"
#include "base/file.h"
#include "rolebridgectl/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARALLEL = 8, PARALLEL_MAX = 64, PLAN_MAX = 256 * 1024 * 1024 };

#define CREDENTIALS                                                                                          \
    "Credentials are looked for as AWS's own tools do (environment, profile, container, machine); an "       \
    "account they\n"                                                                                         \
    "are not of is entered by its role rolebridge-deployer. AWS_ENDPOINT_URL_IAM and AWS_ENDPOINT_URL_STS "  \
    "are\n"                                                                                                  \
    "honoured.\n\n"

GOptionContext *
rb_deploy_context(RbDeployAsked *asked, const GOptionEntry *own, const char *about, const char *examples)
{
    const GOptionEntry shared[] = {
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &asked->mappings,
          "default: ./mappings, then /etc/rolebridge/mappings", "DIR" },
        { "account", 'a', 0, G_OPTION_ARG_STRING_ARRAY, &asked->accounts,
          "only this account (name or id); again for more", "A" },
        { "role-name", 0, 0, G_OPTION_ARG_STRING, &asked->role_name,
          "the role to take in each account (default: rolebridge-deployer)", "NAME" },
        { "session-name", 0, 0, G_OPTION_ARG_STRING, &asked->session_name,
          "who this is, for CloudTrail (default: rolebridgectl)", "NAME" },
        { "direct", 0, 0, G_OPTION_ARG_NONE, &asked->direct,
          "the credentials at hand are those of the account: take no role", NULL },
        { "iam-endpoint", 0, 0, G_OPTION_ARG_STRING, &asked->iam_endpoint,
          "default: AWS_ENDPOINT_URL_IAM, then AWS's own", "URL" },
        { "sts-endpoint", 0, 0, G_OPTION_ARG_STRING, &asked->sts_endpoint,
          "default: AWS_ENDPOINT_URL_STS, then AWS's own", "URL" },
        { "region", 0, 0, G_OPTION_ARG_STRING, &asked->region, "for STS (default: AWS_REGION)", "R" },
        { "parallel", 0, 0, G_OPTION_ARG_INT, &asked->parallel, "accounts at once, 1 to 64 (default: 8)",
          "N" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &asked->json, "print one JSON object", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autofree char *more = g_strconcat(CREDENTIALS, examples, NULL);
    GOptionContext *context = rb_command_context(NULL, about, more);

    g_option_context_add_main_entries(context, shared, NULL);
    if (own != NULL)
        g_option_context_add_main_entries(context, own, NULL);
    return context;
}

/* Defaults, and what options exclude. FALSE: told. */
gboolean
rb_deploy_settle(RbDeployAsked *asked, const char *command)
{
    if (asked->role_name == NULL)
        asked->role_name = g_strdup("rolebridge-deployer");
    if (asked->session_name == NULL)
        asked->session_name = g_strdup("rolebridgectl");
    if (asked->parallel >= 1 && asked->parallel <= PARALLEL_MAX)
        return TRUE;
    g_printerr("rolebridgectl %s: --parallel takes 1 to %d\n", command, PARALLEL_MAX);
    return FALSE;
}

static gboolean
colour(void)
{
    return isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL;
}

static void
print_json(json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

    g_print("%s\n", text);
    free(text);
}

static const char *
plural(guint n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

static void
print_count(const RbDeployRun *run, const RbDeployCount *count)
{
    if (count->steps == 0 && count->conflicts == 0 && count->failures == 0)
        g_print("%u %s as the mapping says; nothing to do\n", run->n_accounts,
                plural(run->n_accounts, "account is", "accounts are"));
    else
        g_print("%u %s in %u of %u accounts", count->steps, plural(count->steps, "step", "steps"),
                count->accounts, run->n_accounts);
    if (count->conflicts > 0)
        g_print("; %u %s in the way", count->conflicts, plural(count->conflicts, "thing is", "things are"));
    if (count->failures > 0)
        g_print("; %u %s could not be read", count->failures, plural(count->failures, "account", "accounts"));
    if (count->steps > 0 || count->conflicts > 0 || count->failures > 0)
        g_print("\n");
}

/* ---- plan ---- */

static gboolean
write_plan(const char *path, json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    g_autoptr(GError) error = NULL;
    gboolean ok = rb_file_write(path, text, strlen(text), 0600, &error);

    free(text);
    if (!ok)
        g_printerr("rolebridgectl plan: %s\n", error->message);
    return ok;
}

static int
show_plan(const RbDeployRun *run, const GPtrArray *rows)
{
    const RbDeployCount count = rb_deploy_count(rows);
    json_t *json = rb_deploy_json(run, rows);
    gboolean written = run->asked->output == NULL || write_plan(run->asked->output, json);

    if (run->asked->json)
        print_json(json);
    else {
        rb_deploy_print(rows, colour());
        print_count(run, &count);
        if (count.steps > 0 && run->asked->output != NULL)
            g_print("apply it: rolebridgectl apply --plan %s\n", run->asked->output);
        else if (count.steps > 0)
            g_print("apply it: rolebridgectl apply --digest %s\n",
                    json_string_value(json_object_get(json, "digest")));
    }
    json_decref(json);
    if (count.failures > 0 || !written)
        return RB_EXIT_FAULT;
    return count.conflicts > 0 || (run->asked->detailed && count.steps > 0) ? RB_EXIT_NO : RB_EXIT_OK;
}

int
rb_ctl_plan(int argc, char **argv)
{
    g_auto(RbDeployAsked) asked = { .parallel = PARALLEL };
    const GOptionEntry options[] = {
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &asked.output, "write the plan there, for apply --plan",
          "FILE" },
        { "detailed-exitcode", 0, 0, G_OPTION_ARG_NONE, &asked.detailed,
          "exit 1 when there is something to do", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = rb_deploy_context(
        &asked, options,
        "Tells what must change in the accounts' IAM so that it is what the mapping says. Changes nothing.",
        "Examples:\n  rolebridgectl plan\n  rolebridgectl plan --account analytics-prod --output "
        "plan.json\n\n"
        "Exit codes: 0 done, 1 something not rolebridge's is in the way, 2 usage, 4 an account could not "
        "be read.\n");
    g_auto(RbDeployRun) run = { 0 };
    g_autoptr(GPtrArray) rows = NULL;
    int code;

    if (!rb_command_parse(context, argc, argv) || !rb_deploy_settle(&asked, "plan"))
        return RB_EXIT_USAGE;
    code = rb_deploy_begin(&run, &asked);
    if (code != RB_EXIT_OK)
        return code;
    rows = rb_fleet_plan(&run.fleet, run.accounts, run.n_accounts);
    return show_plan(&run, rows);
}

/* ---- apply ---- */

/* The steps of the plan in @path, by digest; NULL after telling why not. */
static GHashTable *
read_plan(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = rb_file_read(path, PLAN_MAX, &error);
    GHashTable *out = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    json_error_t why;
    json_t *json = NULL, *account, *step;
    size_t i, k, size = 0;
    const char *data = bytes == NULL ? NULL : g_bytes_get_data(bytes, &size);

    if (data != NULL)
        json = json_loadb(data, size, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_array(json_object_get(json, "accounts"))) {
        g_printerr("rolebridgectl apply: %s: %s\n", path,
                   error != NULL ? error->message
                                 : "not a plan; make one with: rolebridgectl plan --output FILE");
        json_decref(json);
        g_hash_table_unref(out);
        return NULL;
    }
    json_array_foreach(json_object_get(json, "accounts"), i, account) json_array_foreach(
        json_object_get(account, "steps"), k, step) if (json_is_string(json_object_get(step, "digest")))
        g_hash_table_add(out, g_strdup(json_string_value(json_object_get(step, "digest"))));
    json_decref(json);
    return out;
}

/* What was not in the plan that somebody looked at is not done. A run that goes on where another one stopped
 * finds a part of it. */
static gboolean
is_planned(const GPtrArray *rows, GHashTable *planned)
{
    for (guint i = 0; i < rows->len; i++) {
        const RbFleetRow *row = g_ptr_array_index(rows, i);
        for (guint k = 0; row->plan != NULL && k < row->plan->steps->len; k++) {
            const RbStep *step = row->plan->steps->pdata[k];
            g_autofree char *digest = rb_step_digest(step, row->account->account->id);
            g_autofree char *text = rb_step_text(step);
            if (g_hash_table_contains(planned, digest))
                continue;
            g_printerr("rolebridgectl apply: not in the plan: %s: %s\n", row->account->account->name, text);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
is_agreed(const RbDeployAsked *asked, const GPtrArray *rows)
{
    g_autofree char *digest = rb_fleet_digest(rows);
    g_autoptr(GHashTable) planned = asked->plan == NULL ? NULL : read_plan(asked->plan);

    if (asked->plan != NULL && planned == NULL)
        return FALSE;
    if (planned != NULL ? is_planned(rows, planned) : g_str_equal(digest, asked->digest))
        return TRUE;
    g_printerr("rolebridgectl apply: the accounts or the mapping are not what was planned for; nothing was "
               "done. Look "
               "again: rolebridgectl plan\n");
    return FALSE;
}

static void
print_applied(const RbDeployRun *run, const GPtrArray *rows, guint total)
{
    guint done = 0;

    for (guint i = 0; i < rows->len; i++) {
        const RbFleetRow *row = g_ptr_array_index(rows, i);
        const char *name = row->account->account->name;
        done += row->done;
        for (guint k = 0; row->plan != NULL && k < row->plan->conflicts->len; k++)
            g_print("%s: not begun: %s\n", name, (char *)row->plan->conflicts->pdata[k]);
        if (row->error == NULL)
            continue;
        if (row->plan != NULL && row->done < row->plan->steps->len) {
            g_autofree char *text = rb_step_text(row->plan->steps->pdata[row->done]);
            g_print("%s: %s: %s\n", name, text, row->error->message);
        } else
            g_print("%s: %s\n", name, row->error->message);
    }
    g_print("%u of %u %s done\n", done, total, plural(total, "step", "steps"));
    if (done < total && run->asked->plan != NULL)
        g_print("go on: rolebridgectl apply --plan %s\n", run->asked->plan);
    else if (done < total)
        g_print("the next plan has what is left: rolebridgectl plan\n");
}

static int
apply(RbDeployRun *run)
{
    g_autoptr(GPtrArray) rows = rb_fleet_plan(&run->fleet, run->accounts, run->n_accounts);
    RbDeployCount count = rb_deploy_count(rows);
    gboolean whole;

    if (count.failures > 0) {
        rb_deploy_print(rows, colour());
        g_printerr("rolebridgectl apply: nothing was done, because an account could not be read\n");
        return RB_EXIT_FAULT;
    }
    if (!is_agreed(run->asked, rows))
        return RB_EXIT_NO;
    run->doing = "applying";
    whole = rb_fleet_apply(&run->fleet, rows);
    if (run->asked->json) {
        json_t *json = rb_deploy_json(run, rows);
        print_json(json);
        json_decref(json);
    } else
        print_applied(run, rows, count.steps);
    return whole                                                        ? RB_EXIT_OK
           : count.conflicts > 0 && rb_deploy_count(rows).failures == 0 ? RB_EXIT_NO
                                                                        : RB_EXIT_FAULT;
}

int
rb_ctl_apply(int argc, char **argv)
{
    g_auto(RbDeployAsked) asked = { .parallel = PARALLEL };
    const GOptionEntry options[] = {
        { "digest", 0, 0, G_OPTION_ARG_STRING, &asked.digest, "of the plan that was looked at", "D" },
        { "plan", 0, 0, G_OPTION_ARG_FILENAME, &asked.plan,
          "a plan written by plan --output; also to go on with it", "FILE" },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = rb_deploy_context(
        &asked, options,
        "Makes the accounts' IAM what the mapping says: what rolebridgectl plan showed, and nothing else. "
        "Stopped or "
        "failed anywhere, the next run finishes it.",
        "Examples:\n  rolebridgectl apply --digest 3f9a1c2d…\n  rolebridgectl plan --output plan.json && "
        "rolebridgectl apply --plan plan.json\n\n"
        "Exit codes: 0 all done, 1 not what was planned or something is in the way, 2 usage, 4 a step "
        "failed.\n");
    g_auto(RbDeployRun) run = { 0 };
    int code;

    if (!rb_command_parse(context, argc, argv) || !rb_deploy_settle(&asked, "apply"))
        return RB_EXIT_USAGE;
    if ((asked.digest == NULL) == (asked.plan == NULL)) {
        g_printerr("rolebridgectl apply: name what was looked at: --digest D or --plan FILE; rolebridgectl "
                   "plan shows "
                   "it\n");
        return RB_EXIT_USAGE;
    }
    code = rb_deploy_begin(&run, &asked);
    return code != RB_EXIT_OK ? code : apply(&run);
}

/* ---- drift ---- */

int
rb_ctl_drift(int argc, char **argv)
{
    g_auto(RbDeployAsked) asked = { .parallel = PARALLEL };
    g_autoptr(GOptionContext) context = rb_deploy_context(
        &asked, NULL,
        "Tells where the accounts' IAM differs from the mapping, and who owns what differs. Changes nothing.",
        "Examples:\n  rolebridgectl drift\n  rolebridgectl drift --json | jq '.accounts[] | "
        "select(.steps != [])'\n\n"
        "Exit codes: 0 nothing differs, 1 something does, 2 usage, 4 an account could not be read.\n");
    g_auto(RbDeployRun) run = { 0 };
    g_autoptr(GPtrArray) rows = NULL;
    RbDeployCount count;
    int code;

    if (!rb_command_parse(context, argc, argv) || !rb_deploy_settle(&asked, "drift"))
        return RB_EXIT_USAGE;
    code = rb_deploy_begin(&run, &asked);
    if (code != RB_EXIT_OK)
        return code;
    rows = rb_fleet_plan(&run.fleet, run.accounts, run.n_accounts);
    count = rb_deploy_count(rows);
    if (asked.json) {
        json_t *json = rb_deploy_json(&run, rows);
        print_json(json);
        json_decref(json);
    } else {
        rb_deploy_print(rows, colour());
        if (count.steps == 0 && count.conflicts == 0 && count.failures == 0)
            g_print("nothing differs in %u %s\n", run.n_accounts,
                    plural(run.n_accounts, "account", "accounts"));
        else
            print_count(&run, &count);
    }
    return count.failures > 0                       ? RB_EXIT_FAULT
           : count.steps > 0 || count.conflicts > 0 ? RB_EXIT_NO
                                                    : RB_EXIT_OK;
}
