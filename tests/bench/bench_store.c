#include "store/priv.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Durable sign-ins: a replay mark, a session and an audit record, committed with synchronous=FULL, one by one
 * and with 256 in flight. Both in turn, several rounds in one run; what counts is their ratio.
 *
 * bench_store [FOLDER]: FOLDER lies on the disk to be measured (default: the current one).
 */
enum { NOW = 1795510800, ROUNDS = 7, ALONE = 1500, IN_FLIGHT = 256, EACH = 60, TOGETHER = IN_FLIGHT * EACH };

typedef struct {
    RbStore *store;
    guint round, id;
    gint64 *waits_us; /* of this thread's calls */
    guint64 *commits; /* commits that ended during each */
} Caller;

static json_t *
session_body(void)
{
    json_t *groups = json_array();

    for (guint i = 0; i < 20; i++) {
        g_autofree char *group = g_strdup_printf("acme-department-%u", i);
        json_array_append_new(groups, json_string(group));
    }
    return json_pack("{s:s, s:s, s:s, s:o}", "name", "alice@acme.example", "provider", "corp-saml", "csrf",
                     "0123456789abcdef0123456789abcdef", "groups", groups);
}

static void
sign_in(RbStore *store, guint round, guint id, guint n)
{
    g_autofree char *mark = g_strdup_printf("corp-saml/_%08x%08x%08x", round * 2654435761U, id * 40503U, n);
    g_autofree char *key = g_compute_checksum_for_string(G_CHECKSUM_SHA256, mark, -1);
    g_autoptr(RbBatch) batch = rb_batch_new();
    g_autoptr(GError) error = NULL;

    rb_batch_add(batch, RB_RECORD_REPLAY, mark, NULL, NOW + 300, json_object());
    rb_batch_put(batch, RB_RECORD_SESSION, key, "alice@acme.example", NOW + 3600, session_body());
    rb_batch_audit(batch, RB_AUDIT_SIGN_IN, NOW, "7KQ2-M3XF",
                   json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "name", "alice@acme.example", "provider",
                             "corp-saml", "session", key, "family", mark, "source_ip", "203.0.113.9", "mfa",
                             TRUE));
    if (!rb_store_commit(store, batch, NOW, &error)) {
        fprintf(stderr, "bench_store: %s\n", error->message);
        exit(1);
    }
}

static gpointer
call_on(gpointer data)
{
    Caller *caller = data;
    RbWriter *writer = rb_store_writer(caller->store);

    for (guint i = 0; i < EACH; i++) {
        gint64 start = g_get_monotonic_time();
        guint64 before = rb_writer_commits(writer);
        sign_in(caller->store, caller->round, caller->id, i);
        caller->waits_us[i] = g_get_monotonic_time() - start;
        caller->commits[i] = rb_writer_commits(writer) - before;
    }
    return NULL;
}

static double
alone(RbStore *store, guint round)
{
    gint64 start = g_get_monotonic_time();

    for (guint i = 0; i < ALONE; i++)
        sign_in(store, round, 9999, i);
    return ALONE * 1e6 / (double)(g_get_monotonic_time() - start);
}

static double
together(RbStore *store, guint round, gint64 *waits_us, guint64 *commits)
{
    static Caller callers[IN_FLIGHT];
    GThread *threads[IN_FLIGHT];
    gint64 start = g_get_monotonic_time();

    for (guint i = 0; i < IN_FLIGHT; i++) {
        callers[i] = (Caller){ store, round, i, waits_us + (gsize)i * EACH, commits + (gsize)i * EACH };
        threads[i] = g_thread_new("caller", call_on, &callers[i]);
    }
    for (guint i = 0; i < IN_FLIGHT; i++)
        g_thread_join(threads[i]);
    return TOGETHER * 1e6 / (double)(g_get_monotonic_time() - start);
}

static int
by_size(const void *a, const void *b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

    return (x > y) - (x < y);
}

static int
by_rate(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
run(RbStore *store)
{
    double one[ROUNDS], many[ROUNDS], ratio[ROUNDS];
    g_autofree gint64 *waits_us = g_new(gint64, (gsize)ROUNDS * TOGETHER);
    g_autofree guint64 *commits = g_new(guint64, (gsize)ROUNDS * TOGETHER);
    gsize n = (gsize)ROUNDS * TOGETHER;
    guint64 made = 0, at;

    for (guint i = 0; i < ROUNDS; i++) {
        one[i] = alone(store, i);
        at = rb_writer_commits(rb_store_writer(store));
        many[i] = together(store, i, waits_us + (gsize)i * TOGETHER, commits + (gsize)i * TOGETHER);
        made += rb_writer_commits(rb_store_writer(store)) - at;
        ratio[i] = many[i] / one[i];
    }
    qsort(one, ROUNDS, sizeof one[0], by_rate);
    qsort(many, ROUNDS, sizeof many[0], by_rate);
    qsort(ratio, ROUNDS, sizeof ratio[0], by_rate);
    qsort(waits_us, n, sizeof waits_us[0], by_size);
    qsort(commits, n, sizeof commits[0], by_size); /* small counts: the same order signed */
    printf("one by one           %8.0f sign-ins/s\n", one[ROUNDS / 2]);
    printf("%d in flight        %8.0f sign-ins/s, %.0f in a commit\n", IN_FLIGHT, many[ROUNDS / 2],
           (double)n / (double)made);
    printf("ratio                %8.1f (target 5; rounds %.1f to %.1f)\n", ratio[ROUNDS / 2], ratio[0],
           ratio[ROUNDS - 1]);
    printf("wait                 p50 %.1f ms, p99 %.1f ms; in commits p50 %u, p99 %u (target 3)\n",
           (double)waits_us[n / 2] / 1000, (double)waits_us[n / 100 * 99] / 1000, (guint)commits[n / 2],
           (guint)commits[n / 100 * 99]);
}

int
main(int argc, char **argv)
{
    g_autofree char *folder = g_build_filename(argc > 1 ? argv[1] : ".", "bench-store-XXXXXX", NULL);
    static const char *const endings[] = { "", "-wal", "-shm", ".lock" };
    g_autofree char *whole = NULL, *path = NULL, *uri = NULL;
    g_autoptr(GError) error = NULL;
    RbStore *store;

    if (g_mkdtemp(folder) == NULL) {
        fprintf(stderr, "bench_store: no folder can be made here\n");
        return 1;
    }
    whole = g_canonicalize_filename(folder, NULL);
    path = g_build_filename(whole, "state.db", NULL);
    uri = g_strconcat("sqlite://", path, NULL);
    store = rb_store_open(uri, &error);
    if (store != NULL)
        run(store);
    else
        fprintf(stderr, "bench_store: %s\n", error->message);
    rb_store_free(store);
    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *file = g_strconcat(path, endings[i], NULL);
        (void)g_unlink(file);
    }
    (void)g_rmdir(folder);
    return store == NULL;
}
