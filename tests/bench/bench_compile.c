/*
 * 1,000 accounts × 50 roles × 60 task policies, every role in every account: loading, compiling, and writing
 * it as JSON, and what a change of one role's policies does; CPU seconds and the most memory that was held. A
 * tenth of the accounts beside it shows how it grows. See scripts/bench.
 */
#include "compile/format.h"
#include "mapping/priv.h"
#include "measure.h"
#include "review/review.h"

#include <string.h>
#include <sys/resource.h>

enum { ACCOUNTS = 1000, ROLES = 50, TASKS = 60 };

static void
add(GPtrArray *files, char *name, GString *text)
{
    RbMappingFile *file = g_new0(RbMappingFile, 1);

    file->name = name;
    file->bytes = g_string_free_to_bytes(text);
    g_ptr_array_add(files, file);
}

static void
add_accounts(GPtrArray *files, guint n)
{
    GString *text =
        g_string_new("rolebridge: 1\nbridge: { url: \"https://bridge.acme.example\" }\naccounts:\n");

    for (guint i = 0; i < n; i++)
        g_string_append_printf(
            text,
            "  - { id: \"%012u\", name: account-%u, labels: { all: it }, parameters: { bucket: "
            "acme-%u, region: eu-central-1 }, issue: { method: web-identity, provider_arn: "
            "\"arn:aws:iam::%012u:oidc-provider/bridge.acme.example\" } }\n",
            100000 + i, i, i, 100000 + i);
    add(files, g_strdup("accounts.yaml"), text);
}

static void
add_tasks(GPtrArray *files)
{
    for (guint i = 0; i < TASKS; i++) {
        GString *text = g_string_new(NULL);
        g_string_printf(
            text,
            "rolebridge: 1\npolicy: task-%u\ntask: Task\nstatements:\n"
            "  - { sid: Look, effect: Allow, action: [\"s3:GetObject\", \"s3:ListBucket\"], resource: "
            "[\"arn:${partition}:s3:::${account.bucket}-%u\", "
            "\"arn:${partition}:s3:::${account.bucket}-%u/*\"] }\n"
            "  - { sid: Run, effect: Allow, action: \"sqs:SendMessage\", resource: "
            "\"arn:${partition}:sqs:${account.region}:${account.id}:queue-%u\", condition: { Bool: { "
            "\"aws:SecureTransport\": \"true\" } } }\n",
            i, i, i, i);
        add(files, g_strdup_printf("policies/task-%u.yaml", i), text);
    }
}

/* @first: the first policy of role-0. */
static void
add_roles(GPtrArray *files, guint first)
{
    GString *assignments = g_string_new("rolebridge: 1\nassignments:\n");

    for (guint i = 0; i < ROLES; i++) {
        GString *text = g_string_new(NULL);
        g_string_printf(
            text,
            "rolebridge: 1\nrole: role-%u\ntitle: R\nowner: o@acme.example\npurpose: Does it.\n"
            "policies: [task-%u, task-%u, task-%u]\nprivileged: %s\ntags: { Unit: \"${identity.unit}\" }\n",
            i, i == 0 ? first : i, (i + 1) % TASKS, (i + 10) % TASKS, i % 10 == 0 ? "true" : "false");
        add(files, g_strdup_printf("roles/role-%u.yaml", i), text);
        g_string_append_printf(
            assignments, "  - { groups: [group-%u], role: role-%u, accounts: [{ label: all=it }] }\n", i, i);
    }
    add(files, g_strdup("assignments.yaml"), assignments);
}

static double
peak_mib(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage); /* always there on Linux */
    return (double)usage.ru_maxrss / 1024;
}

/* What diff has to say of another policy in one role. */
static void
measure_change(RbSnapshot *before, guint n_accounts)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(rb_mapping_file_free);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbSnapshot) after = NULL;
    g_autoptr(RbReview) review = NULL;
    const RbReviewLook look = { .before = "old", .after = "new" };
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    double start;

    add_accounts(files, n_accounts);
    add_tasks(files);
    add_roles(files, 5);
    after = rb_snapshot_build(files, problems);
    start = measure_cpu_us();
    review = after == NULL ? NULL : rb_review_new(before, after);
    text = review == NULL ? NULL : rb_review_text(review, &look);
    if (text == NULL)
        exit(1);
    lines = g_strsplit(text, "\n", -1);
    g_print("%5u accounts x %d roles: diff of one role's policy in %.2f s, %zu lines\n", n_accounts, ROLES,
            (measure_cpu_us() - start) / 1e6, (gsize)g_strv_length(lines) - 1);
}

static void
measure(guint n_accounts)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(rb_mapping_file_free);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbSnapshot) snapshot = NULL;
    g_autoptr(RbCompiled) compiled = NULL;
    double start, loaded, done, written, before;
    guint n, policies = 0;
    gsize bytes;
    json_t *json;
    char *text;

    add_accounts(files, n_accounts);
    add_tasks(files);
    add_roles(files, 0);
    start = measure_cpu_us();
    snapshot = rb_snapshot_build(files, problems);
    loaded = measure_cpu_us();
    before = peak_mib();
    compiled = snapshot == NULL ? NULL : rb_compile(snapshot, NULL, problems);
    done = measure_cpu_us();
    if (compiled == NULL) {
        text = rb_diagnostics_to_line(problems);
        g_printerr("%s\n", text);
        exit(1);
    }
    g_print("%5u accounts x %d roles: loaded in %.2f s, compiled in %.2f s", n_accounts, ROLES,
            (loaded - start) / 1e6, (done - loaded) / 1e6);
    if (n_accounts == ACCOUNTS) /* the first: the most that was held is not that of another one */
        g_print(", %.0f MiB held, %.0f of them for what was compiled", peak_mib(), peak_mib() - before);
    for (guint i = 0; i < n_accounts; i++)
        policies += rb_compiled_accounts(compiled, &n)[i].n_policies;
    json = rb_compiled_to_json(compiled);
    text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    bytes = strlen(text);
    written = measure_cpu_us();
    g_print("; %u policies; as JSON %.0f MB in %.2f s\n", policies, (double)bytes / 1e6,
            (written - done) / 1e6);
    json_decref(json);
    free(text);
    measure_change(snapshot, n_accounts);
}

int
main(void)
{
    measure(ACCOUNTS);
    measure(ACCOUNTS / 10);
    return 0;
}
