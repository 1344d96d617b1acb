/*
 * Generated policies and requests (tests/interop/policies/cases.py), the same that npm iam-simulate answers
 * beside it: evaluating what has been read, and reading the documents each time as well, which is what the
 * other one does. See scripts/bench.
 * Usage: bench_policy FILE [US]: US: the other one's microseconds a case.
 */
#include "measure.h"
#include "policy_case.h"

#include <string.h>
#include <sys/resource.h>

enum { ROUNDS = 9 };

static double
evaluate_all(const GPtrArray *cases, guint *allowed)
{
    double start = measure_cpu_us();

    *allowed = 0;
    for (guint i = 0; i < cases->len; i++)
        *allowed += strcmp(policy_case_answer(cases->pdata[i]), "allowed") == 0;
    return (measure_cpu_us() - start) / cases->len;
}

static double
read_and_evaluate_all(char **lines, guint *n)
{
    double start = measure_cpu_us();

    for (*n = 0; lines[*n] && *lines[*n]; (*n)++) {
        g_autoptr(RbPolicyCase) pair = policy_case_read(lines[*n]);

        (void)policy_case_answer(pair);
    }
    return (measure_cpu_us() - start) / *n;
}

static void
print_row(const char *what, double us, double theirs)
{
    g_print("%-34s %8.2f us a case  %9.0f a second", what, us, 1e6 / us);
    if (theirs > 0)
        g_print("  iam-simulate %7.1f us  %6.1f x as fast", theirs, theirs / us);
    g_print("\n");
}

int
main(int argc, char **argv)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func((GDestroyNotify)policy_case_free);
    double evaluated[ROUNDS], whole[ROUNDS], theirs = argc > 2 ? g_ascii_strtod(argv[2], NULL) : 0;
    struct rusage usage;
    guint allowed = 0, n = 0;

    if (argc < 2 || !g_file_get_contents(argv[1], &text, NULL, NULL)) {
        g_printerr("usage: bench_policy FILE [US]\n");
        return 2;
    }
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; i < ROUNDS; i++)
        whole[i] = read_and_evaluate_all(lines, &n);
    (void)getrusage(RUSAGE_SELF, &usage);
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(cases, policy_case_read(lines[i]));
    for (guint i = 0; i < ROUNDS; i++)
        evaluated[i] = evaluate_all(cases, &allowed);
    g_print("%u cases, %u of them allowed; %.0f MB at most while each was read, answered and freed\n", n,
            allowed, (double)usage.ru_maxrss / 1e3);
    print_row("documents read, then evaluated", measure_median(whole, ROUNDS), theirs);
    print_row("evaluated", measure_median(evaluated, ROUNDS), theirs);
    return 0;
}
