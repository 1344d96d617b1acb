#include "rolebridgectl/prove.h"

#include "base/encoding.h"
#include "iam/arn.h"
#include "rolebridgectl/command.h"
#include "rolebridgectl/revision.h"

#include <string.h>
#include <unistd.h>

static void
asked_clear(RbProveAsked *asked)
{
    g_free(asked->mappings);
    g_free(asked->never);
    g_free(asked->on);
    g_free(asked->within);
    g_free(asked->role);
    g_free(asked->account);
    g_strfreev(asked->names);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbProveAsked, asked_clear)

static GOptionContext *
make_context(RbProveAsked *a)
{
    const GOptionEntry options[] = {
        { "never", 0, 0, G_OPTION_ARG_STRING, &a->never, "no role can do such an action ('iam:*')",
          "ACTION" },
        { "on", 0, 0, G_OPTION_ARG_STRING, &a->on, "with --never: on such resources; default: *", "ARN" },
        { "no-new-access", 0, 0, G_OPTION_ARG_NONE, &a->no_new_access,
          "NEW allows nothing that OLD does not: directories or git revisions", NULL },
        { "within", 0, 0, G_OPTION_ARG_STRING, &a->within, "no role reaches resources of other accounts",
          "ACCOUNT,…" },
        { "role", 'r', 0, G_OPTION_ARG_STRING, &a->role, "only this business role", "ROLE" },
        { "account", 'A', 0, G_OPTION_ARG_STRING, &a->account, "only in this account, by name or id",
          "ACCOUNT" },
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &a->mappings,
          "default: ./mappings, then /etc/rolebridge/mappings", "DIR" },
        { "timeout", 0, 0, G_OPTION_ARG_DOUBLE, &a->timeout_s, "for each question; default: 10", "SECONDS" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &a->json, "print one JSON object", NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->names, NULL, NULL },
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = rb_command_context(
        "[OLD [NEW]]",
        "Decides what holds for every request, not for samples. What is refuted comes with a request that\n"
        "shows it, as simulate takes it; what cannot be decided is said, and why.",
        "Examples:\n"
        "  rolebridgectl prove --never 'iam:*' --role data-scientist\n"
        "  rolebridgectl prove --never s3:DeleteBucket --on 'arn:aws:s3:::acme-*'\n"
        "  rolebridgectl prove --no-new-access main         from main to what is here\n"
        "  rolebridgectl prove --no-new-access old-mappings/ mappings/ --json\n"
        "  rolebridgectl prove --within 111122223333,444455556666\n\n"
        "Exit codes: 0 proved; 1 refuted; 2 usage; 4 not known, or a mapping could not be read.\n");

    g_option_context_add_main_entries(context, options, NULL);
    return context;
}

static int usage(const char *format, ...) G_GNUC_PRINTF(1, 2);

static int
usage(const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("rolebridgectl prove: %s\nTry: rolebridgectl prove --help\n", text);
    return RB_EXIT_USAGE;
}

static int
check_within(const RbProveAsked *a)
{
    g_auto(GStrv) accounts = g_strsplit(a->within, ",", -1);

    for (guint i = 0; accounts[i] != NULL; i++) {
        g_autofree char *quoted = rb_text_quote(accounts[i]);
        if (!rb_arn_is_account(accounts[i]))
            return usage("--within: %s is no account id of 12 digits", quoted);
    }
    return RB_EXIT_OK;
}

static int
check(const RbProveAsked *a)
{
    guint n = a->names == NULL ? 0 : g_strv_length(a->names);
    g_autofree char *quoted = n > 0 ? rb_text_quote(a->names[0]) : NULL;

    if ((a->never != NULL) + (a->within != NULL) + a->no_new_access != 1)
        return usage("say what to prove: one of --never, --no-new-access, --within");
    if (a->on != NULL && a->never == NULL)
        return usage("--on goes with --never");
    if (!a->no_new_access && n > 0)
        return usage("%s is not expected here", quoted);
    if (a->no_new_access && (n < 1 || n > 2))
        return usage(n == 0 ? "say what to compare with: a directory or a git revision"
                            : "two are compared: OLD and NEW");
    if (a->never != NULL && strchr(a->never, ':') == NULL && !g_str_equal(a->never, "*"))
        return usage("--never takes an action like s3:GetObject, 'iam:*' or '*'");
    if (a->timeout_s < 0.001 || a->timeout_s > 86400)
        return usage("--timeout takes seconds, at most a day");
    return a->within != NULL ? check_within(a) : RB_EXIT_OK;
}

/* ---- what is there ---- */

typedef struct {
    RbSnapshot *before, *after;
    RbCompiled *then, *now;
} Sides;

static void
sides_clear(Sides *sides)
{
    rb_compiled_free(sides->then);
    rb_compiled_free(sides->now);
    rb_snapshot_unref(sides->before);
    rb_snapshot_unref(sides->after);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sides, sides_clear)

static int
load_both(RbProveAsked *a, Sides *sides)
{
    g_autofree char *mappings = rb_revision_mappings(a->mappings, a->names);
    gboolean refused = FALSE;

    if (mappings == NULL)
        return RB_EXIT_FAULT;
    if (a->names[1] == NULL) {
        char *old = a->names[0];
        g_free(a->names);
        a->names = g_new0(char *, 3);
        a->names[0] = old;
        a->names[1] = g_strdup(mappings);
    }
    sides->before = rb_revision_load("prove", a->names[0], mappings, &refused);
    if (sides->before != NULL)
        sides->after = rb_revision_load("prove", a->names[1], mappings, &refused);
    return sides->after != NULL ? RB_EXIT_OK : refused ? RB_EXIT_USAGE : RB_EXIT_FAULT;
}

static gboolean
compile(RbSnapshot *snapshot, RbCompiled **compiled)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();

    *compiled = rb_compile(snapshot, NULL, problems);
    if (*compiled == NULL)
        rb_command_tell(problems);
    return *compiled != NULL;
}

static int
check_names(const RbProveAsked *a, const RbSnapshot *snapshot)
{
    g_autofree char *role = a->role == NULL ? NULL : rb_text_quote(a->role);
    g_autofree char *account = a->account == NULL ? NULL : rb_text_quote(a->account);

    if (role != NULL && rb_snapshot_role(snapshot, a->role) == NULL)
        return usage("the mapping has no role %s", role);
    if (account != NULL && rb_snapshot_account(snapshot, a->account) == NULL)
        return usage("the mapping has no account %s", account);
    return RB_EXIT_OK;
}

static int
load(RbProveAsked *a, Sides *sides)
{
    int code = RB_EXIT_OK;

    if (a->no_new_access)
        code = load_both(a, sides);
    else
        sides->after = rb_command_load("prove", a->mappings, "nothing is proved of it");
    if (code != RB_EXIT_OK || sides->after == NULL)
        return code != RB_EXIT_OK ? code : RB_EXIT_FAULT;
    code = check_names(a, sides->after);
    if (code != RB_EXIT_OK)
        return code;
    if ((a->no_new_access && !compile(sides->before, &sides->then)) || !compile(sides->after, &sides->now))
        return RB_EXIT_FAULT;
    return RB_EXIT_OK;
}

static int
verdict(const GPtrArray *items)
{
    int code = RB_EXIT_OK;

    for (guint i = 0; i < items->len; i++) {
        RbProofVerdict one = rb_prove_verdict(items, i);
        if (one == RB_REFUTED)
            return RB_EXIT_NO;
        if (one == RB_NOT_KNOWN)
            code = RB_EXIT_FAULT;
    }
    return code;
}

static gboolean
has_fault(const GPtrArray *items)
{
    for (guint i = 0; i < items->len; i++)
        if (((const RbProveItem *)items->pdata[i])->error != NULL)
            return TRUE;
    return FALSE;
}

static int
run(int argc, char **argv)
{
    g_auto(RbProveAsked) asked = { .timeout_s = 10 };
    g_autoptr(GOptionContext) context = make_context(&asked);
    g_autoptr(GPtrArray) items = NULL;
    g_auto(Sides) sides = { 0 };
    int code;

    if (!rb_command_parse(context, argc, argv))
        return RB_EXIT_USAGE;
    code = check(&asked);
    if (code == RB_EXIT_OK)
        code = load(&asked, &sides);
    if (code != RB_EXIT_OK)
        return code;
    items = rb_prove_items(&asked, sides.before, sides.then, sides.after, sides.now);
    if (items->len == 0) {
        g_printerr("rolebridgectl prove: no assignment brings such a role to anybody, so there is nothing to "
                   "prove\n");
        return RB_EXIT_FAULT;
    }
    rb_prove_ask(&asked, items, isatty(STDERR_FILENO) != 0);
    if (asked.json) {
        g_autofree char *text = rb_command_print(rb_prove_json(&asked, items));
        g_print("%s", text);
    } else {
        rb_prove_print(&asked, items, isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL);
    }
    return has_fault(items) ? RB_EXIT_FAULT : verdict(items);
}

const RbCommand rb_command_prove = { "prove", "decides what holds for every request", run };
