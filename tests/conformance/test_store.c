#include "base/refusal.h"
#include "store/audit.h"
#include "store/store.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1795510800 }; /* 2026-11-24T09:00:00Z */

/* A kind of store under test: `make` names an empty one, `remove` takes it away. A new kind adds a row. */
typedef struct {
    const char *name;
    char *(*make)(void);
    void (*remove)(const char *uri);
} Kind;

typedef struct {
    const Kind *kind;
    char *uri;
    RbStore *store;
} Fixture;

static char *
sqlite_make(void)
{
    g_autofree char *folder = g_dir_make_tmp("rb-store-XXXXXX", NULL);

    assert_non_null(folder);
    return g_strconcat("sqlite://", folder, "/state.db", NULL);
}

static void
sqlite_remove(const char *uri)
{
    static const char *const endings[] = { "", "-wal", "-shm", ".lock" };
    const char *path = uri + strlen("sqlite://");
    g_autofree char *folder = g_path_get_dirname(path);

    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *file = g_strconcat(path, endings[i], NULL);
        (void)g_unlink(file);
    }
    (void)g_rmdir(folder);
}

static const Kind kinds[] = { { "sqlite", sqlite_make, sqlite_remove } };

static int
setup(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);
    g_autoptr(GError) error = NULL;

    fixture->kind = *state;
    fixture->uri = fixture->kind->make();
    fixture->store = rb_store_open(fixture->uri, &error);
    if (fixture->store == NULL)
        fail_msg("%s: %s", fixture->kind->name, error->message);
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    Fixture *fixture = *state;

    rb_store_free(fixture->store);
    fixture->kind->remove(fixture->uri);
    g_free(fixture->uri);
    g_free(fixture);
    return 0;
}

static void
reopen(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;

    rb_store_free(fixture->store);
    fixture->store = rb_store_open(fixture->uri, &error);
    if (fixture->store == NULL)
        fail_msg("reopening: %s", error->message);
}

/* ---- saying it shortly ---- */

static json_t *
body(const char *text)
{
    return json_pack("{s:s}", "v", text);
}

static RbRefusalCode
code_of(const GError *error)
{
    return error == NULL                 ? RB_ACCEPTED
           : error->domain == RB_REFUSAL ? (RbRefusalCode)error->code
                                         : RB_N_REFUSALS;
}

static RbRefusalCode
commit(RbStore *store, RbBatch *batch, gint64 now)
{
    g_autoptr(GError) error = NULL;
    gboolean done = rb_store_commit(store, batch, now, &error);

    assert_int_equal(done, error == NULL);
    rb_batch_free(batch);
    if (error != NULL && error->domain == RB_FAULT)
        print_message("fault: %s\n", error->message);
    return code_of(error);
}

static RbRefusalCode
add(RbStore *store, RbRecordKind kind, const char *key, gint64 expires_at, const char *text, gint64 now)
{
    RbBatch *batch = rb_batch_new();

    rb_batch_add(batch, kind, key, NULL, expires_at, body(text));
    return commit(store, batch, now);
}

static RbRefusalCode
put(RbStore *store, RbRecordKind kind, const char *key, const char *owner, gint64 expires_at, gint64 now)
{
    RbBatch *batch = rb_batch_new();

    rb_batch_put(batch, kind, key, owner, expires_at, body(key));
    return commit(store, batch, now);
}

static RbRefusalCode
take(RbStore *store, RbRecordKind kind, const char *key, gint64 now)
{
    RbBatch *batch = rb_batch_new();

    rb_batch_take(batch, kind, key);
    return commit(store, batch, now);
}

static void
expect(RbStore *store, RbRecordKind kind, const char *key, gint64 now, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbRecord) record = rb_store_get(store, kind, key, now, &error);

    if (text == NULL) {
        assert_null(record);
        assert_int_equal(code_of(error), RB_STORE_MISSING);
        return;
    }
    if (record == NULL)
        fail_msg("'%s' is not there: %s", key, error->message);
    assert_string_equal(json_string_value(json_object_get(record->body, "v")), text);
    assert_string_equal(record->key, key);
}

/* ---- records ---- */

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

/* ---- many at once ---- */

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

/* ---- audit ---- */

static void
write_log(RbStore *store)
{
    static const struct {
        RbAuditKind kind;
        const char *incident, *facts;
    } rows[] = {
        { RB_AUDIT_SERVICE, NULL, "{'what': 'start'}" },
        { RB_AUDIT_SIGN_IN, "AAAA-0001", "{'name': 'alice', 'provider': 'corp', 'family': 's1'}" },
        { RB_AUDIT_DECISION, "AAAA-0002",
          "{'name': 'alice', 'account': '111122223333', 'account_name': 'prod', 'role': 'ds', 'family': "
          "'s1'}" },
        { RB_AUDIT_LEASE, "AAAA-0002",
          "{'name': 'alice', 'account': '111122223333', 'account_name': 'prod', 'role': 'ds', "
          "'access_key_id': "
          "'ASIABTX3GSDSQBNMGHLQ'}" },
        { RB_AUDIT_REFUSAL, "AAAA-0003", "{'name': 'bob', 'code': 'mapping.mfa_required', 'role': 'ds'}" },
        { RB_AUDIT_SIGN_OUT, "AAAA-0004", "{'name': 'Zoë \\u0000-less \\u001b[31m', 'n': 5}" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdelimit(g_strdup(rows[i].facts), "'", '"');
        RbBatch *batch = rb_batch_new();
        rb_batch_audit(batch, rows[i].kind, NOW + (gint64)i * 60, rows[i].incident,
                       json_loads(text, JSON_ALLOW_NUL, NULL));
        assert_int_equal(commit(store, batch, NOW), RB_ACCEPTED);
    }
}

static gboolean
collect(const RbAuditRow *row, gpointer data, GError **error)
{
    (void)error;
    g_string_append_printf(data, "%" G_GINT64_FORMAT " ", row->seq);
    return TRUE;
}

/* clang-format off */
static const struct {
    const char *name;
    RbAuditFilter filter;
    const char *want;
} filters[] = {
    { "all",                 { 0 },                                       "1 2 3 4 5 6 " },
    { "newest two",          { .limit = 2, .newest = TRUE },              "6 5 " },
    { "oldest two",          { .limit = 2 },                              "1 2 " },
    { "since is included",   { .since = NOW + 240 },                      "5 6 " },
    { "until is not",        { .until = NOW + 120 },                      "1 2 " },
    { "kind",                { .kind = "lease" },                         "4 " },
    { "name",                { .name = "alice" },                         "2 3 4 " },
    { "name, exactly",       { .name = "Alice" },                         "" },
    { "account id",          { .account = "111122223333" },               "3 4 " },
    { "account name",        { .account = "prod" },                       "3 4 " },
    { "role and name",       { .role = "ds", .name = "bob" },             "5 " },
    { "code",                { .code = "mapping.mfa_required" },          "5 " },
    { "incident",            { .incident = "AAAA-0002" },                 "3 4 " },
    { "access key",          { .access_key_id = "ASIABTX3GSDSQBNMGHLQ" }, "4 " },
    { "family",             { .family = "s1" },                         "2 3 " },
    { "no SQL from outside", { .name = "' OR 1=1 --" },                   "" },
};
/* clang-format on */

static void
test_audit_filter(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;

    write_log(store);
    for (guint i = 0; i < G_N_ELEMENTS(filters); i++) {
        g_autoptr(GString) got = g_string_new(NULL);
        if (!rb_audit_each(store, &filters[i].filter, NULL, collect, got, NULL) ||
            !g_str_equal(got->str, filters[i].want))
            fail_msg("%s: got '%s', want '%s'", filters[i].name, got->str, filters[i].want);
    }
}

static gboolean
stop_at_third(const RbAuditRow *row, gpointer data, GError **error)
{
    (void)data;
    return row->seq < 3 || rb_fault(error, RB_FAULT_FILE, "enough");
}

static gboolean
stop_at_second(const RbAuditRow *row, gpointer data, GError **error)
{
    (void)error;
    *(gint64 *)data = row->seq;
    return row->seq < 2;
}

static gboolean
compare_fourth(const RbAuditRow *row, gpointer data, GError **error)
{
    (void)data, (void)error;
    assert_string_equal(row->text,
                        "{\"access_key_id\":\"ASIABTX3GSDSQBNMGHLQ\",\"account\":\"111122223333\","
                        "\"account_name\":\"prod\",\"incident\":\"AAAA-0002\",\"kind\":\"lease\","
                        "\"name\":\"alice\",\"role\":\"ds\",\"seq\":4,\"time\":\"2026-11-24T09:03:00Z\"}");
    assert_int_equal(row->size, strlen(row->text));
    return TRUE;
}

static void
test_audit_rows(void **state)
{
    RbStore *store = ((Fixture *)*state)->store;
    const RbAuditFilter all = { 0 }, leases = { .kind = "lease" };
    g_autoptr(GError) error = NULL;
    RbAuditHead head;
    gint64 seen = 0;

    write_log(store);
    assert_true(rb_audit_each(store, &leases, NULL, compare_fourth, NULL, NULL));
    assert_false(rb_audit_each(store, &all, NULL, stop_at_third, NULL, &error));
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_FILE));
    assert_true(rb_audit_each(store, &all, &head, stop_at_second, &seen, NULL));
    assert_int_equal(seen, 2);
    assert_int_equal(head.seq, 6);
    assert_true(rb_store_check(store, NULL)); /* and the reader is back in its place */
}

static void
test_audit_chain(void **state)
{
    Fixture *fixture = *state;
    RbAuditHead empty, six, now, wrong;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(rb_audit_head(fixture->store, &empty, NULL));
    assert_int_equal(empty.seq, 0);
    write_log(fixture->store);
    assert_true(rb_audit_head(fixture->store, &six, NULL));
    assert_int_equal(six.seq, 6);
    reopen(fixture);
    write_log(fixture->store);
    assert_true(rb_audit_verify(fixture->store, NULL, &now, NULL));
    assert_int_equal(now.seq, 12);
    assert_true(rb_audit_verify(fixture->store, &empty, NULL, NULL));
    assert_true(rb_audit_verify(fixture->store, &six, NULL, NULL));
    assert_true(rb_audit_verify(fixture->store, &now, NULL, NULL));
    text = rb_audit_head_to_text(&six);
    assert_true(rb_audit_head_parse(text, &wrong));
    assert_memory_equal(wrong.hash, six.hash, sizeof six.hash);
    wrong.hash[31] ^= 1;
    assert_false(rb_audit_verify(fixture->store, &wrong, NULL, &error));
    assert_int_equal(code_of(error), RB_AUDIT_BROKEN);
    g_clear_error(&error);
    wrong = now;
    wrong.seq++;
    assert_false(rb_audit_verify(fixture->store, &wrong, NULL, &error));
    assert_int_equal(code_of(error), RB_AUDIT_BROKEN);
    g_clear_error(&error);
    wrong = empty;
    wrong.hash[0] ^= 1; /* another log's genesis */
    assert_false(rb_audit_verify(fixture->store, &wrong, NULL, &error));
    assert_int_equal(code_of(error), RB_AUDIT_BROKEN);
}

#define ROW(test)                                                                                            \
    {                                                                                                        \
#test, test, setup, teardown, NULL                                                                   \
    }

int
main(void)
{
    int failed = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct CMUnitTest tests[] = {
            ROW(test_add),          ROW(test_replay_survives_restart),
            ROW(test_put_and_drop), ROW(test_take),
            ROW(test_list),         ROW(test_batch_is_one),
            ROW(test_sweep),        ROW(test_mistakes),
            ROW(test_check),        ROW(test_read_only),
            ROW(test_one_winner),   ROW(test_audit_filter),
            ROW(test_audit_rows),   ROW(test_audit_chain),
        };
        for (gsize n = 0; n < G_N_ELEMENTS(tests); n++)
            tests[n].initial_state = (void *)&kinds[i];
        failed += _cmocka_run_group_tests(kinds[i].name, tests, G_N_ELEMENTS(tests), NULL, NULL);
    }
    return failed;
}
