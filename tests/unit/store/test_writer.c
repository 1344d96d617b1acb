#include "store/priv.h"

#include "scratch.h"

#include <pthread.h>

/* The writer alone, on a store that does as it is told: who is told what when a group fails. */

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    gboolean held; /* begin waits: so a group gathers */
    guint waiting; /* begins that wait */
    guint begun, committed, rolled_back, applied;
    guint open;                 /* transactions that are: never more than one */
    gint64 refuse_at, fault_at; /* batches with this `now` */
    gboolean begin_fails, commit_fails;
} Fake;

static gboolean
fake_begin(gpointer self, GError **error)
{
    Fake *fake = self;

    pthread_mutex_lock(&fake->lock);
    fake->waiting++;
    pthread_cond_broadcast(&fake->changed);
    while (fake->held)
        pthread_cond_wait(&fake->changed, &fake->lock);
    fake->waiting--;
    fake->begun++;
    fake->open += !fake->begin_fails;
    pthread_mutex_unlock(&fake->lock);
    return !fake->begin_fails || rb_fault(error, RB_FAULT_STORE, "begin fails");
}

static gboolean
fake_apply(gpointer self, const RbBatch *batch, gint64 now, GError **error)
{
    Fake *fake = self;

    (void)batch;
    fake->applied++;
    if (now == fake->refuse_at)
        return rb_refuse(error, RB_STORE_EXISTS, "refused");
    if (now == fake->fault_at)
        return rb_fault(error, RB_FAULT_STORE, "apply fails");
    return TRUE;
}

static gboolean
fake_commit(gpointer self, GError **error)
{
    Fake *fake = self;

    fake->open--;
    if (fake->commit_fails)
        return rb_fault(error, RB_FAULT_STORE, "commit fails");
    fake->committed++;
    return TRUE;
}

static void
fake_rollback(gpointer self)
{
    Fake *fake = self;

    fake->open--;
    fake->rolled_back++;
}

static const RbStoreType fake_type = { .scheme = "fake",
                                       .begin = fake_begin,
                                       .apply = fake_apply,
                                       .commit = fake_commit,
                                       .rollback = fake_rollback };

static void
hold(Fake *fake, gboolean held)
{
    pthread_mutex_lock(&fake->lock);
    fake->held = held;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

typedef struct {
    RbWriter *writer;
    gint64 now;
    GError *error;
    gint *submitted;
} Caller;

static gpointer
call(gpointer data)
{
    Caller *caller = data;
    g_autoptr(RbBatch) batch = rb_batch_new();

    (void)rb_writer_commit(caller->writer, batch, caller->now,
                           &caller->error); /* the test looks at the error */
    return NULL;
}

enum { CALLERS = 8 };

/* clang-format off */
static const struct {
    const char *name;
    Fake plan;
    const char *first; /* what the caller of `now` 1 is told; NULL: done */
    const char *others;
} rows[] = {
    { "all is well",                  { .refuse_at = -1, .fault_at = -1 }, NULL, NULL },
    { "a refusal is one's own",       { .refuse_at = 1, .fault_at = -1 },  "refused", NULL },
    { "a fault is everybody's",       { .refuse_at = -1, .fault_at = 1 },  "apply fails", "apply fails" },
    { "commit fails for all",         { .refuse_at = 1, .fault_at = -1, .commit_fails = TRUE }, "commit fails", "commit fails" },
    { "begin fails for all",          { .refuse_at = 1, .fault_at = -1, .begin_fails = TRUE },  "begin fails", "begin fails" },
};
/* clang-format on */

static void
expect_told(const char *name, const Caller *caller, const char *want)
{
    const char *got = caller->error != NULL ? caller->error->message : NULL;

    if (g_strcmp0(got, want) != 0)
        fail_msg("%s: caller %d was told '%s', want '%s'", name, (int)caller->now, got, want);
}

/* The first call opens a group that is held; the others gather behind it and are one group. */
static void
run_row(gsize row)
{
    Fake fake = rows[row].plan;
    Caller callers[CALLERS + 1] = { 0 };
    GThread *threads[CALLERS + 1];
    RbWriter *writer;

    pthread_mutex_init(&fake.lock, NULL);
    pthread_cond_init(&fake.changed, NULL);
    fake.held = TRUE;
    writer = rb_writer_new(&fake_type, &fake);
    for (guint i = 0; i <= CALLERS; i++) {
        callers[i] = (Caller){ .writer = writer, .now = (gint64)i };
        threads[i] = g_thread_new("caller", call, &callers[i]);
        pthread_mutex_lock(&fake.lock);
        while (i == 0 && fake.waiting == 0)
            pthread_cond_wait(&fake.changed, &fake.lock);
        pthread_mutex_unlock(&fake.lock);
    }
    while (rb_writer_waiting(writer) < CALLERS)
        g_thread_yield();
    hold(&fake, FALSE);
    for (guint i = 0; i <= CALLERS; i++)
        g_thread_join(threads[i]);
    for (guint i = 1; i <= CALLERS; i++) {
        expect_told(rows[row].name, &callers[i], i == 1 ? rows[row].first : rows[row].others);
        g_clear_error(&callers[i].error);
    }
    g_clear_error(&callers[0].error);
    assert_int_equal(fake.begun, 2);
    assert_int_equal(fake.open, 0);
    rb_writer_free(writer);
    pthread_cond_destroy(&fake.changed);
    pthread_mutex_destroy(&fake.lock);
}

static void
test_groups(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        run_row(i);
}

/* A full queue answers at once, and what was queued is still written. */
static void
test_busy(void **state)
{
    Fake fake = { .held = TRUE, .refuse_at = -1, .fault_at = -1 };
    g_autofree Caller *callers = g_new0(Caller, RB_WRITER_MAX_QUEUE + 1);
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(RbBatch) batch = rb_batch_new();
    RbWriter *writer;

    (void)state;
    pthread_mutex_init(&fake.lock, NULL);
    pthread_cond_init(&fake.changed, NULL);
    writer = rb_writer_new_bounded(&fake_type, &fake, 20);
    for (guint i = 0; i < 21; i++) {
        callers[i] = (Caller){ .writer = writer };
        g_ptr_array_add(threads, g_thread_new("caller", call, &callers[i]));
        pthread_mutex_lock(&fake.lock);
        while (i == 0 && fake.waiting == 0)
            pthread_cond_wait(&fake.changed, &fake.lock);
        pthread_mutex_unlock(&fake.lock);
    }
    while (rb_writer_waiting(writer) < 20)
        g_thread_yield();
    assert_false(rb_writer_commit(writer, batch, 0, &error));
    expect_fault("full", error, RB_FAULT_BUSY, "20 writes wait");
    hold(&fake, FALSE);
    for (guint i = 0; i < 21; i++) {
        g_thread_join(g_ptr_array_index(threads, i));
        assert_null(callers[i].error);
    }
    assert_int_equal(fake.applied, 21);
    assert_int_equal(fake.committed, 2);
    rb_writer_free(writer);
    pthread_cond_destroy(&fake.changed);
    pthread_mutex_destroy(&fake.lock);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_groups), cmocka_unit_test(test_busy) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
