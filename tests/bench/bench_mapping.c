/*
 * A decision for a person with 2,000 groups against 100,000 exact rules and 1,000 expressions over 1,000
 * accounts, beside an anchor in the same run: two tables (group → rule, literal head → compiled expression)
 * and nothing else. Prints microseconds of CPU, the ratio, and how both grow with ten times the rules.
 * Loading is timed too. Then a workload's decision, by what its token states, beside the same by a group,
 * with as many rules. See scripts/bench.
 */
#include "mapping/priv.h"
#include "measure.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GROUPS = 2000, ACCOUNTS = 1000, ROLES = 100, ROUNDS = 15, REPEAT = 40 };

/* CPU time of this process: others on the machine do not count. */
static gint64
cpu_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* always there on Linux */
    return (gint64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
add(GPtrArray *files, char *name, GString *text)
{
    RbMappingFile *file = g_new0(RbMappingFile, 1);

    file->name = name;
    file->bytes = g_string_free_to_bytes(text);
    g_ptr_array_add(files, file);
}

static void
add_fixed_files(GPtrArray *files)
{
    GString *accounts = g_string_new("rolebridge: 1\naccounts:\n");

    for (guint i = 0; i < ACCOUNTS; i++)
        g_string_append_printf(accounts,
                               "  - { id: \"%012u\", name: account-%u, issue: { method: assume-role } }\n",
                               100000 + i, i);
    add(files, g_strdup("accounts.yaml"), accounts);
    for (guint i = 0; i < ROLES; i++) {
        GString *role = g_string_new(NULL);
        g_string_printf(
            role, "rolebridge: 1\nrole: role-%u\ntitle: R\nowner: o\nmanaged_policies: [ReadOnlyAccess]\n",
            i);
        add(files, g_strdup_printf("roles/role-%u.yaml", i), role);
    }
}

/* @exact rules in files of 25,000 so that none is too large. */
static void
add_rules(GPtrArray *files, guint exact, guint expressions)
{
    GString *text = NULL;

    for (guint i = 0; i < exact; i++) {
        if (i % 25000 == 0) {
            if (text != NULL)
                add(files, g_strdup_printf("assignments/exact-%03u.yaml", i / 25000), text);
            text = g_string_new("rolebridge: 1\nassignments:\n");
        }
        g_string_append_printf(
            text, "  - { groups: [acme-team-%u-members], role: role-%u, accounts: [account-%u] }\n", i,
            i % ROLES, i % ACCOUNTS);
    }
    add(files, g_strdup("assignments/exact-last.yaml"), text);
    text = g_string_new("rolebridge: 1\nassignments:\n");
    for (guint i = 0; i < expressions; i++)
        g_string_append_printf(
            text,
            "  - { groups: [{ regex: \"^unit-%04u-(?<a>[a-z0-9-]+)-r$\" }], role: role-%u, accounts: "
            "[\"${a}\"] }\n",
            i, i % ROLES);
    add(files, g_strdup("assignments/expressions.yaml"), text);
}

/* @hits groups that a rule names, one in ten of them by an expression; the others are nobody's. */
static RbIdentity *
make_person(guint hits)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(g_free);
    RbIdentity facts = { .subject = "s", .name = "ada", .provider = "p", .issuer = "i" };

    for (guint i = 0; i < GROUPS; i++)
        g_ptr_array_add(groups, i >= hits     ? g_strdup_printf("acme-project-%u-readers", i * 7)
                                : i % 10 == 9 ? g_strdup_printf("unit-%04u-account-%u-r", i, i)
                                              : g_strdup_printf("acme-team-%u-members", i * 37));
    g_ptr_array_add(groups, NULL);
    facts.groups = (const char *const *)groups->pdata;
    return rb_identity_new(&facts, NULL);
}

/* The anchor: what any answer must do at least. */
typedef struct {
    GHashTable *exact, *heads;
    GPtrArray *codes;
    GPtrArray *text;
    pcre2_match_data *data;
} Anchor;

static Anchor
make_anchor(guint exact, guint expressions)
{
    Anchor a = { g_hash_table_new(g_str_hash, g_str_equal), g_hash_table_new(g_str_hash, g_str_equal),
                 g_ptr_array_new(), g_ptr_array_new_with_free_func(g_free),
                 pcre2_match_data_create(4, NULL) };

    for (guint i = 0; i < exact; i++) {
        char *group = g_strdup_printf("acme-team-%u-members", i);
        g_ptr_array_add(a.text, group);
        g_hash_table_insert(a.exact, group, GUINT_TO_POINTER(i + 1));
    }
    for (guint i = 0; i < expressions; i++) {
        g_autofree char *pattern = g_strdup_printf("^unit-%04u-([a-z0-9-]+)-r$", i);
        char *head = g_strdup_printf("unit-%04u-", i);
        int number;
        PCRE2_SIZE at;
        pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &number, &at, NULL);
        (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
        g_ptr_array_add(a.text, head);
        g_ptr_array_add(a.codes, code);
        g_hash_table_insert(a.heads, head, code);
    }
    return a;
}

static void
anchor_clear(Anchor *a)
{
    for (guint i = 0; i < a->codes->len; i++)
        pcre2_code_free(g_ptr_array_index(a->codes, i));
    g_ptr_array_unref(a->codes);
    g_ptr_array_unref(a->text);
    g_hash_table_unref(a->exact);
    g_hash_table_unref(a->heads);
    pcre2_match_data_free(a->data);
}

static guint
anchor_decide(const Anchor *a, const RbIdentity *person)
{
    guint found = 0;
    char head[16];

    for (guint i = 0; i < person->n_groups; i++) {
        const char *group = person->groups[i];
        pcre2_code *code;
        gsize n = strlen(group);
        found += g_hash_table_lookup(a->exact, group) != NULL;
        if (n < 10)
            continue;
        memcpy(head, group, 10); /* every head has this length here */
        head[10] = '\0';
        code = g_hash_table_lookup(a->heads, head);
        if (code != NULL)
            found += pcre2_match(code, (PCRE2_SPTR)group, n, 0, 0, a->data, NULL) > 0;
    }
    return found;
}

/* Ours and the anchor in turns. Returns: our median in microseconds. */
static gdouble
measure(RbSnapshot *snapshot, const Anchor *anchor, guint hits)
{
    g_autoptr(RbIdentity) person = make_person(hits);
    const RbContext context = { 0, NULL };
    gdouble ours[ROUNDS], theirs[ROUNDS], a, b;
    guint reasons = 0, found = 0;

    for (guint round = 0; round < ROUNDS; round++) {
        gint64 start = cpu_us();
        for (guint i = 0; i < REPEAT; i++) {
            g_autoptr(RbDecision) decision = rb_decide(snapshot, person, &context);
            reasons = 0;
            for (guint k = 0; k < decision->n_grants; k++)
                reasons += decision->grants[k].n_reasons;
        }
        ours[round] = (gdouble)(cpu_us() - start) / REPEAT;
        start = cpu_us();
        for (guint i = 0; i < REPEAT; i++)
            found = anchor_decide(anchor, person);
        theirs[round] = (gdouble)(cpu_us() - start) / REPEAT;
    }
    a = measure_median(ours, ROUNDS);
    b = measure_median(theirs, ROUNDS);
    if (reasons != hits || found != hits)
        g_error("%u reasons and %u rules found for %u groups that have one", reasons, found, hits);
    g_print("  %4u of %d groups bring a role: decision %7.1f us, anchor %7.1f us, ratio %.2f\n", hits, GROUPS,
            a, b, a / b);
    return a;
}

static void
run(guint exact, guint expressions, gdouble *medians)
{
    static const guint hits[] = { 0, 20, 200 };
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(rb_mapping_file_free);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbSnapshot) snapshot = NULL;
    Anchor anchor;
    gint64 start;

    add_fixed_files(files);
    add_rules(files, exact, expressions);
    start = cpu_us();
    snapshot = rb_snapshot_build(files, problems);
    if (snapshot == NULL)
        g_error("%s", rb_diagnostics_to_line(problems));
    g_print("%u exact rules, %u expressions, %d accounts: loaded in %.0f ms\n", exact, expressions, ACCOUNTS,
            (gdouble)(cpu_us() - start) / 1000);
    anchor = make_anchor(exact, expressions);
    for (gsize i = 0; i < G_N_ELEMENTS(hits); i++)
        medians[i] = measure(snapshot, &anchor, hits[i]);
    anchor_clear(&anchor);
}

/* ---- a workload: one repository of many, by claims and by a group ---- */

enum { REPOSITORIES = 10000, CLAIMS = 20, WORKLOAD_REPEAT = 2000 };

static RbSnapshot *
load_repositories(gboolean by_claims, guint n, gdouble *ms)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(rb_mapping_file_free);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    GString *text = g_string_new("rolebridge: 1\nassignments:\n");
    RbSnapshot *snapshot;
    gint64 start;

    add_fixed_files(files);
    for (guint i = 0; i < n; i++) {
        if (by_claims)
            g_string_append_printf(text,
                                   "  - { provider: ci, when: { environment: production, repository: "
                                   "acme/service-%u, ref: { prefix: refs/tags/ } }",
                                   i);
        else
            g_string_append_printf(text, "  - { groups: [acme/service-%u]", i);
        g_string_append_printf(text, ", role: role-%u, accounts: [account-%u] }\n", i % ROLES, i % ACCOUNTS);
    }
    add(files, g_strdup("assignments/repositories.yaml"), text);
    start = cpu_us();
    snapshot = rb_snapshot_build(files, problems);
    if (snapshot == NULL)
        g_error("%s", rb_diagnostics_to_line(problems));
    *ms = (gdouble)(cpu_us() - start) / 1000;
    return snapshot;
}

static RbIdentity *
make_workload(void)
{
    static const char *const repository[] = { "acme/service-4711", NULL },
                             *const production[] = { "production", NULL },
                             *const tag[] = { "refs/tags/v1", NULL };
    static const char *const groups[] = { "acme/service-4711", NULL };
    RbAttribute attributes[CLAIMS + 1] = { { "repository", repository },
                                           { "environment", production },
                                           { "ref", tag } };
    char names[CLAIMS][16];
    const RbIdentity facts = { .subject = "s",
                               .name = "gh-1-2",
                               .provider = "ci",
                               .issuer = "i",
                               .groups = groups,
                               .attributes = attributes,
                               .n_attributes = CLAIMS };

    for (guint i = 3; i < CLAIMS; i++) {
        g_snprintf(names[i], sizeof names[i], "claim_%u", i);
        attributes[i] = (RbAttribute){ names[i], repository };
    }
    return rb_identity_new(&facts, NULL);
}

static gdouble
one_workload(RbSnapshot *snapshot, RbIdentity *workload)
{
    const RbContext context = { 0, NULL };
    gint64 start = cpu_us();

    for (guint i = 0; i < WORKLOAD_REPEAT; i++) {
        RbDecision *decision = rb_decide(snapshot, workload, &context);
        if (decision->n_grants != 1 || decision->n_refusals != 0)
            g_error("%u grants of a workload", decision->n_grants);
        rb_decision_free(decision);
    }
    return (gdouble)(cpu_us() - start) / WORKLOAD_REPEAT;
}

static void
run_workloads(guint n)
{
    gdouble claims[ROUNDS], groups[ROUNDS], a, b, load_claims, load_groups;
    g_autoptr(RbSnapshot) by_claims = load_repositories(TRUE, n, &load_claims);
    g_autoptr(RbSnapshot) by_groups = load_repositories(FALSE, n, &load_groups);
    g_autoptr(RbIdentity) workload = make_workload();

    for (guint round = 0; round < ROUNDS; round++) {
        claims[round] = one_workload(by_claims, workload);
        groups[round] = one_workload(by_groups, workload);
    }
    a = measure_median(claims, ROUNDS);
    b = measure_median(groups, ROUNDS);
    g_print("%u repositories: loaded in %.0f ms by claims, %.0f ms by groups\n"
            "  a workload's decision by claims %.2f us, by a group %.2f us, ratio %.2f\n",
            n, load_claims, load_groups, a, b, a / b);
}

int
main(void)
{
    gdouble small[3], large[3];

    run(10000, 1000, small);
    run(100000, 1000, large);
    for (guint i = 0; i < 3; i++)
        g_print("  ten times the exact rules: %.2f times as long\n", large[i] / small[i]);
    run(1000000, 10000, small);
    for (guint i = 0; i < 3; i++)
        g_print("  ten times all rules: %.2f times as long\n", small[i] / large[i]);
    run_workloads(REPOSITORIES);
    run_workloads(10 * REPOSITORIES);
    return 0;
}
