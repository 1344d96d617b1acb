#include "faulty.h"

#include "base/refusal.h"
#include "store/audit.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The n-th store call fails, for every n: the caller hears a fault, never success, and nothing is half done.
 */

enum { NOW = 1795510800 };

static gboolean
commit_audit(RbStore *store, RbAuditKind kind, GError **error)
{
    g_autoptr(RbBatch) batch = rb_batch_new();

    rb_batch_audit(batch, kind, NOW, "AAAA-AAAA", json_pack("{s:s}", "name", "alice"));
    return rb_store_commit(store, batch, NOW, error);
}

static gboolean
sign_in(RbStore *store, GError **error)
{
    g_autoptr(RbBatch) batch = rb_batch_new();

    rb_batch_take(batch, RB_RECORD_TRANSACTION, "relay");
    rb_batch_add(batch, RB_RECORD_REPLAY, "assertion", NULL, NOW + 60, json_object());
    rb_batch_put(batch, RB_RECORD_SESSION, "session", "alice", NOW + 60, json_object());
    rb_batch_audit(batch, RB_AUDIT_SIGN_IN, NOW, "AAAA-AAAA", json_pack("{s:s}", "name", "alice"));
    return rb_store_commit(store, batch, NOW, error);
}

static gboolean
session_is_there(RbStore *store, GError **error)
{
    g_autoptr(RbRecord) session = rb_store_get(store, RB_RECORD_SESSION, "session", NOW, error);
    g_autoptr(GPtrArray) sessions = NULL;

    if (session == NULL)
        return FALSE;
    sessions = rb_store_list(store, RB_RECORD_SESSION, "alice", NOW, 10, error);
    return sessions != NULL;
}

/* As a person meets it: sign-in, then a decision, then a lease. TRUE: credentials leave. */
static gboolean
scenario(RbStore *store, GError **error)
{
    return rb_store_check(store, error) && sign_in(store, error) && session_is_there(store, error) &&
           commit_audit(store, RB_AUDIT_DECISION, error) && commit_audit(store, RB_AUDIT_LEASE, error) &&
           rb_store_sweep(store, NOW, 10, error) >= 0;
}

static gboolean
is_there(RbStore *store, RbRecordKind kind, const char *key)
{
    g_autoptr(RbRecord) record = rb_store_get(store, kind, key, NOW, NULL);

    return record != NULL;
}

static gboolean
count(const RbAuditRow *row, gpointer data, GError **error)
{
    (void)row, (void)error;
    (*(guint *)data)++;
    return TRUE;
}

static guint
audited(RbStore *store, const char *kind)
{
    const RbAuditFilter filter = { .kind = kind };
    guint n = 0;

    assert_true(rb_audit_each(store, &filter, NULL, count, &n, NULL));
    return n;
}

/* What a sign-in leaves is there whole, or not at all; and credentials never left without their records. */
static void
expect_whole(RbStore *store, gboolean left, guint n)
{
    gboolean signed_in = is_there(store, RB_RECORD_SESSION, "session");

    if (is_there(store, RB_RECORD_TRANSACTION, "relay") == signed_in ||
        is_there(store, RB_RECORD_REPLAY, "assertion") != signed_in ||
        (audited(store, "sign-in") == 1) != signed_in)
        fail_msg("call %u: a sign-in is half there", n);
    if (left && (audited(store, "decision") != 1 || audited(store, "lease") != 1))
        fail_msg("call %u: credentials left without a record", n);
    if (!rb_audit_verify(store, NULL, NULL, NULL))
        fail_msg("call %u: the log is broken", n);
}

static void
remove_all(const char *folder, const char *path)
{
    static const char *const endings[] = { "", "-wal", "-shm", ".lock" };

    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *file = g_strconcat(path, endings[i], NULL);
        (void)g_unlink(file);
    }
    (void)g_rmdir(folder);
}

/* FALSE: the scenario has fewer than @n calls. */
static gboolean
run_with_failure(guint n, RbFaultyMode mode)
{
    g_autofree char *folder = g_dir_make_tmp("rb-fault-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "state.db", NULL);
    g_autofree char *uri = g_strconcat("sqlite://", path, NULL);
    g_autoptr(GError) error = NULL, again = NULL;
    g_autoptr(RbBatch) batch = rb_batch_new();
    RbFaulty *faulty;
    RbStore *store = rb_faulty_open(uri, &faulty, NULL);
    gboolean left, fired;

    assert_non_null(store);
    rb_batch_add(batch, RB_RECORD_TRANSACTION, "relay", NULL, NOW + 60, json_object());
    assert_true(rb_store_commit(store, batch, NOW, NULL));
    rb_faulty_arm(faulty, n, mode);
    left = scenario(store, &error);
    fired = rb_faulty_fired(faulty);
    rb_faulty_arm(faulty, 0, mode);
    if (left == fired || (fired && !g_error_matches(error, RB_FAULT, RB_FAULT_STORE)))
        fail_msg("call %u failed, and the answer was '%s'", n, left ? "done" : error->message);
    expect_whole(store, left, n);
    /* tried again, the answer is truthful: done, or what was used is used */
    if (!scenario(store, &again) && !rb_is_refusal(again, RB_STORE_MISSING))
        fail_msg("call %u: and then '%s'", n, again->message);
    rb_store_free(store);
    remove_all(folder, path);
    return fired;
}

static void
test_every_call(void **state)
{
    static const RbFaultyMode modes[] = { RB_FAULTY_BEFORE, RB_FAULTY_AFTER };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
        guint n = 1;
        while (run_with_failure(n, modes[i]))
            n++;
        assert_int_equal(n - 1,
                         3 + 3 + 2 + 3 + 3 + 3); /* check, sign-in, two reads, decision, lease, sweep */
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_call) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
