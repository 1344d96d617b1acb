#include "suite.h"

/* Records: what access/ relies on. */

static void
test_add(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;

    assert_int_equal(add(store, RB_RECORD_REPLAY, "idp/1", NOW + 10, "first", NOW), RB_ACCEPTED);
    expect(store, RB_RECORD_REPLAY, "idp/1", NOW, "first");
    assert_int_equal(add(store, RB_RECORD_REPLAY, "idp/1", NOW + 99, "second", NOW), RB_STORE_EXISTS);
    assert_int_equal(add(store, RB_RECORD_REPLAY, "idp/1", NOW + 99, "second", NOW + 9), RB_STORE_EXISTS);
    expect(store, RB_RECORD_REPLAY, "idp/1", NOW + 9, "first");
    expect(store, RB_RECORD_REPLAY, "idp/1", NOW + 10, NULL);
    /* another kind, another key: another record */
    assert_int_equal(add(store, RB_RECORD_CODE, "idp/1", NOW + 10, "other", NOW), RB_ACCEPTED);
    assert_int_equal(add(store, RB_RECORD_REPLAY, "idp/2", NOW + 10, "other", NOW), RB_ACCEPTED);
    assert_int_equal(add(store, RB_RECORD_REPLAY, "IDP/1", NOW + 10, "other case", NOW), RB_ACCEPTED);
    /* expired: as good as gone */
    assert_int_equal(add(store, RB_RECORD_REPLAY, "idp/1", NOW + 99, "third", NOW + 10), RB_ACCEPTED);
    expect(store, RB_RECORD_REPLAY, "idp/1", NOW + 11, "third");
}

static void
test_replay_survives_restart(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(add(fixture->store, RB_RECORD_REPLAY, "idp/1", NOW + 10, "first", NOW), RB_ACCEPTED);
    reopen(fixture);
    assert_int_equal(add(fixture->store, RB_RECORD_REPLAY, "idp/1", NOW + 10, "again", NOW + 1),
                     RB_STORE_EXISTS);
}

static void
test_put_and_drop(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;
    RbBatch *batch;

    assert_int_equal(put(store, RB_RECORD_SESSION, "a", "alice", NOW + 10, NOW), RB_ACCEPTED);
    assert_int_equal(put(store, RB_RECORD_SESSION, "a", "alice", NOW + 20, NOW + 5), RB_ACCEPTED);
    expect(store, RB_RECORD_SESSION, "a", NOW + 19, "a");
    expect(store, RB_RECORD_SESSION, "a", NOW + 20, NULL);
    assert_int_equal(put(store, RB_RECORD_NAME, "alice", NULL, RB_NEVER, NOW), RB_ACCEPTED);
    expect(store, RB_RECORD_NAME, "alice", RB_NEVER - 1, "alice");
    batch = rb_batch_new();
    rb_batch_drop(batch, RB_RECORD_SESSION, "a");
    rb_batch_drop(batch, RB_RECORD_SESSION, "was never there");
    assert_int_equal(commit(store, batch, NOW), RB_ACCEPTED);
    expect(store, RB_RECORD_SESSION, "a", NOW, NULL);
}

static void
test_take(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;

    assert_int_equal(take(store, RB_RECORD_CODE, "c", NOW), RB_STORE_MISSING);
    assert_int_equal(add(store, RB_RECORD_CODE, "c", NOW + 60, "code", NOW), RB_ACCEPTED);
    assert_int_equal(take(store, RB_RECORD_DEVICE, "c", NOW), RB_STORE_MISSING);
    assert_int_equal(take(store, RB_RECORD_CODE, "c", NOW + 60), RB_STORE_MISSING); /* expired: not for use */
    assert_int_equal(take(store, RB_RECORD_CODE, "c", NOW + 59), RB_ACCEPTED);
    assert_int_equal(take(store, RB_RECORD_CODE, "c", NOW + 59), RB_STORE_MISSING);
}

static guint
owned(RbStore *store, const char *owner, gint64 now, guint max, const char *first)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) records = rb_store_list(store, RB_RECORD_SESSION, owner, now, max, &error);

    if (records == NULL)
        fail_msg("listing: %s", error->message);
    if (first != NULL)
        assert_string_equal(((RbRecord *)g_ptr_array_index(records, 0))->key, first);
    return records->len;
}

static void
test_list(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;
    RbBatch *batch = rb_batch_new();

    assert_int_equal(put(store, RB_RECORD_SESSION, "old", "alice", NOW + 10, NOW), RB_ACCEPTED);
    assert_int_equal(put(store, RB_RECORD_SESSION, "new", "alice", NOW + 20, NOW + 1), RB_ACCEPTED);
    assert_int_equal(put(store, RB_RECORD_SESSION, "same second", "alice", NOW + 20, NOW + 1), RB_ACCEPTED);
    assert_int_equal(put(store, RB_RECORD_SESSION, "bob's", "bob", NOW + 20, NOW + 1), RB_ACCEPTED);
    assert_int_equal(put(store, RB_RECORD_REFRESH, "r", "alice", NOW + 20, NOW + 1), RB_ACCEPTED);
    assert_int_equal(owned(store, "alice", NOW + 1, 99, "same second"), 3);
    assert_int_equal(owned(store, "alice", NOW + 1, 1, "same second"), 1);
    assert_int_equal(owned(store, "alice", NOW + 10, 99, "same second"), 2);
    assert_int_equal(owned(store, "Alice", NOW + 1, 99, NULL), 0);
    assert_int_equal(owned(store, NULL, NOW + 1, 99, "bob's"), 4);
    rb_batch_drop_owner(batch, RB_RECORD_SESSION, "alice");
    assert_int_equal(commit(store, batch, NOW), RB_ACCEPTED);
    assert_int_equal(owned(store, NULL, NOW + 1, 99, "bob's"), 1);
    expect(store, RB_RECORD_REFRESH, "r", NOW + 1, "r");
}

/* All of a batch, or nothing: also of the audit log. */
static void
test_batch_is_one(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;
    RbBatch *batch = rb_batch_new();
    RbAuditHead before, after;

    assert_int_equal(add(store, RB_RECORD_REPLAY, "used", NOW + 10, "x", NOW), RB_ACCEPTED);
    assert_true(rb_audit_head(store, &before, NULL));
    rb_batch_put(batch, RB_RECORD_SESSION, "s", "alice", NOW + 10, body("s"));
    rb_batch_audit(batch, RB_AUDIT_SIGN_IN, NOW, "AAAA-AAAA", json_pack("{s:s}", "name", "alice"));
    rb_batch_add(batch, RB_RECORD_REPLAY, "used", NULL, NOW + 10, body("x"));
    assert_int_equal(commit(store, batch, NOW), RB_STORE_EXISTS);
    expect(store, RB_RECORD_SESSION, "s", NOW, NULL);
    assert_true(rb_audit_head(store, &after, NULL));
    assert_int_equal(before.seq, after.seq);
    assert_memory_equal(before.hash, after.hash, sizeof before.hash);
    /* and steps see those before them */
    batch = rb_batch_new();
    rb_batch_add(batch, RB_RECORD_CODE, "c", NULL, NOW + 10, body("1"));
    rb_batch_take(batch, RB_RECORD_CODE, "c");
    rb_batch_add(batch, RB_RECORD_CODE, "c", NULL, NOW + 10, body("2"));
    assert_int_equal(commit(store, batch, NOW), RB_ACCEPTED);
    expect(store, RB_RECORD_CODE, "c", NOW, "2");
}

static void
test_sweep(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;

    for (guint i = 0; i < 10; i++) {
        g_autofree char *key = g_strdup_printf("k%u", i);
        assert_int_equal(add(store, RB_RECORD_REPLAY, key, NOW + 1 + (gint64)i, "x", NOW), RB_ACCEPTED);
    }
    assert_int_equal(rb_store_sweep(store, NOW, 100, NULL), 0);
    assert_int_equal(rb_store_sweep(store, NOW + 5, 3, NULL), 3);
    assert_int_equal(rb_store_sweep(store, NOW + 5, 100, NULL), 2);
    assert_int_equal(rb_store_sweep(store, NOW + 5, 100, NULL), 0);
    expect(store, RB_RECORD_REPLAY, "k5", NOW + 5, "x");
}

/* Mistakes of the caller: the answer is a fault, and nothing is written. */
static void
test_mistakes(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;
    g_autofree char *long_key = g_strnfill(RB_STORE_MAX_KEY + 1, 'k');
    RbBatch *batch;

    for (guint i = 0; i < 9; i++) {
        batch = rb_batch_new();
        rb_batch_put(batch, RB_RECORD_SESSION, "s", NULL, NOW + 10, body("s"));
        switch (i) {
        case 0: /* would protect nothing */
            rb_batch_add(batch, RB_RECORD_REPLAY, "k", NULL, NOW, body("x"));
            break;
        case 1:
            rb_batch_put(batch, RB_RECORD_SESSION, "", NULL, NOW + 10, body("x"));
            break;
        case 2:
            rb_batch_put(batch, RB_RECORD_SESSION, long_key, NULL, NOW + 10, body("x"));
            break;
        case 3:
            rb_batch_put(batch, RB_RECORD_SESSION, "\xff", NULL, NOW + 10, body("x"));
            break;
        case 4:
            rb_batch_put(batch, RB_RECORD_SESSION, "k", NULL, NOW + 10, json_array());
            break;
        case 5:
            rb_batch_audit(batch, RB_AUDIT_LEASE, NOW, "A", json_pack("{s:i}", "seq", 1));
            break;
        case 6:
            rb_batch_audit(batch, RB_AUDIT_LEASE, NOW, "A", json_array());
            break;
        case 7:
            for (guint n = 0; n <= RB_STORE_MAX_STEPS; n++)
                rb_batch_drop(batch, RB_RECORD_SESSION, "k");
            break;
        default:
            rb_batch_drop_owner(batch, RB_RECORD_SESSION, NULL);
            break;
        }
        if (commit(store, batch, NOW) != RB_N_REFUSALS)
            fail_msg("mistake %u was taken", i);
        expect(store, RB_RECORD_SESSION, "s", NOW, NULL);
    }
}

static void
test_check(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;
    RbAuditHead head;

    assert_true(rb_store_check(store, NULL));
    assert_true(rb_audit_verify(store, NULL, &head, NULL));
    assert_int_equal(head.seq, 0);
}

static void
test_read_only(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(RbStore) reader = NULL;
    g_autoptr(GError) error = NULL;

    assert_int_equal(put(fixture->store, RB_RECORD_SESSION, "a", NULL, NOW + 10, NOW), RB_ACCEPTED);
    reader = rb_store_open_read_only(fixture->uri, &error);
    if (reader == NULL)
        fail_msg("%s", error->message);
    expect(reader, RB_RECORD_SESSION, "a", NOW, "a");
    assert_int_equal(put(fixture->store, RB_RECORD_SESSION, "b", NULL, NOW + 10, NOW), RB_ACCEPTED);
    expect(reader, RB_RECORD_SESSION, "b", NOW, "b");
    assert_int_equal(put(reader, RB_RECORD_SESSION, "c", NULL, NOW + 10, NOW), RB_N_REFUSALS);
    assert_false(rb_store_check(reader, NULL));
    assert_int_equal(rb_store_sweep(reader, NOW, 1, NULL), -1);
}

enum { THREADS = 16, ROUNDS = 40 };

typedef struct {
    RbStore *store;
    guint id;
    gint *won; /* by round; atomic */
} Racer;

/* Everybody takes the same code and adds the same mark, round after round. */
static gpointer
race(gpointer data)
{
    Racer *racer = data;

    for (guint i = 0; i < ROUNDS; i++) {
        g_autofree char *key = g_strdup_printf("k%u", i);
        RbBatch *batch = rb_batch_new();
        RbRefusalCode code;
        rb_batch_take(batch, RB_RECORD_CODE, key);
        rb_batch_audit(batch, RB_AUDIT_SIGN_IN, NOW, NULL, json_pack("{s:i}", "racer", (int)racer->id));
        code = commit(racer->store, batch, NOW);
        if (code == RB_ACCEPTED)
            (void)__atomic_add_fetch(&racer->won[i], 1, __ATOMIC_SEQ_CST);
        else if (code != RB_STORE_MISSING)
            return (gpointer) "a take failed otherwise";
        code = add(racer->store, RB_RECORD_REPLAY, key, NOW + 10, "x", NOW);
        if (code == RB_ACCEPTED)
            (void)__atomic_add_fetch(&racer->won[i], 100, __ATOMIC_SEQ_CST);
        else if (code != RB_STORE_EXISTS)
            return (gpointer) "an add failed otherwise";
        /* what is committed is seen by whoever was told so */
        if (put(racer->store, RB_RECORD_SESSION, key, "me", NOW + 10 + (gint64)i, NOW) != RB_ACCEPTED)
            return (gpointer) "a put failed";
        expect(racer->store, RB_RECORD_SESSION, key, NOW, key);
    }
    return NULL;
}

static void
test_one_winner(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;
    gint won[ROUNDS] = { 0 };
    Racer racers[THREADS];
    GThread *threads[THREADS];
    RbAuditHead head;
    const char *wrong;

    for (guint i = 0; i < ROUNDS; i++) {
        g_autofree char *key = g_strdup_printf("k%u", i);
        assert_int_equal(add(store, RB_RECORD_CODE, key, NOW + 10, "x", NOW), RB_ACCEPTED);
    }
    for (guint i = 0; i < THREADS; i++) {
        racers[i] = (Racer){ store, i, won };
        threads[i] = g_thread_new("racer", race, &racers[i]);
    }
    for (guint i = 0; i < THREADS; i++) {
        wrong = g_thread_join(threads[i]);
        if (wrong != NULL)
            fail_msg("%s", wrong);
    }
    for (guint i = 0; i < ROUNDS; i++)
        assert_int_equal(won[i], 101); /* one of each */
    assert_true(rb_audit_verify(store, NULL, &head, NULL));
    assert_int_equal(head.seq, ROUNDS); /* the losers' records were undone with their batches */
}

int
main(void)
{
    struct CMUnitTest tests[] = { ROW(test_add),          ROW(test_replay_survives_restart),
                                  ROW(test_put_and_drop), ROW(test_take),
                                  ROW(test_list),         ROW(test_batch_is_one),
                                  ROW(test_sweep),        ROW(test_mistakes),
                                  ROW(test_check),        ROW(test_read_only),
                                  ROW(test_one_winner) };

    return RUN_SUITE(tests);
}
