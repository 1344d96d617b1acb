#include "store/sqlite_priv.h"

#include "scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- opening ---- */

/* clang-format off */
static const struct {
    const char *uri, *words;
} addresses[] = {
    { "sqlite:",                   "name no file" },
    { "sqlite://host/path",        "name no file" },
    { "postgresql://db/rolebridge", "no store of the kind" },
    { "sqlite",                    "no store of the kind" },
    { "",                          "no store of the kind" },
    { "sqlite:///no/such/folder/state.db", "check that its folder is there" },
};
/* clang-format on */

static void
test_addresses(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(rb_store_open(addresses[i].uri, &error));
        expect_fault(addresses[i].uri, error, RB_FAULT_STORE, addresses[i].words);
    }
}

static void
expect_refused(const Scratch *scratch, const char *name, const char *words)
{
    g_autoptr(GError) error = NULL;

    assert_null(rb_store_open(scratch->uri, &error));
    expect_fault(name, error, RB_FAULT_STORE, words);
}

static void
test_mode(void **state)
{
    const Scratch *scratch = *state;
    const char *endings[] = { "", "-wal", "-shm", ".lock" };
    g_autofree char *wal = g_strconcat(scratch->path, "-wal", NULL);
    mode_t umask_before = umask(0);
    RbStore *store = scratch_open(scratch);
    struct stat found;

    (void)umask(umask_before);
    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *file = g_strconcat(scratch->path, endings[i], NULL);
        assert_int_equal(stat(file, &found), 0);
        assert_int_equal(found.st_mode & 0777, 0600);
    }
    rb_store_free(store);
    for (guint bit = 0; bit < 6; bit++) {
        assert_int_equal(chmod(scratch->path, 0600 | (1U << bit)), 0);
        expect_refused(scratch, "open to others", "chmod 600");
    }
    assert_int_equal(chmod(scratch->path, 0600), 0);
    assert_true(g_file_set_contents_full(wal, "", 0, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
    expect_refused(scratch, "write-ahead log open to others", "chmod 600");
}

static void
test_symlink(void **state)
{
    const Scratch *scratch = *state;
    g_autofree char *target = g_build_filename(scratch->folder, "elsewhere.db", NULL);

    assert_true(g_file_set_contents(target, "", 0, NULL));
    assert_int_equal(symlink(target, scratch->path), 0);
    expect_refused(scratch, "symbolic link", "not a regular file");
}

static void
test_lock(void **state)
{
    const Scratch *scratch = *state;
    RbStore *store = scratch_open(scratch);

    expect_refused(scratch, "second service", "in use by another service");
    rb_store_free(store);
    rb_store_free(scratch_open(scratch)); /* and the lock is gone with its owner */
}

static void
run_sql(const Scratch *scratch, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    assert_int_equal(sqlite3_open(scratch->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
test_other_formats(void **state)
{
    const Scratch *scratch = *state;
    g_autoptr(GError) error = NULL;

    rb_store_free(scratch_open(scratch));
    run_sql(scratch, "PRAGMA user_version = 99");
    expect_refused(scratch, "newer", "made by a newer rolebridge");
    run_sql(scratch, "PRAGMA user_version = 0");
    assert_null(rb_store_open_read_only(scratch->uri, &error));
    expect_fault("older, read-only", error, RB_FAULT_STORE, "start the service once");
    run_sql(scratch, "PRAGMA user_version = 1; PRAGMA application_id = 5");
    expect_refused(scratch, "another program's", "another program");
}

static void
test_read_only_creates_nothing(void **state)
{
    const Scratch *scratch = *state;
    g_autoptr(GError) error = NULL;

    assert_null(rb_store_open_read_only(scratch->uri, &error));
    expect_fault("absent", error, RB_FAULT_STORE, "No such file");
    assert_false(g_file_test(scratch->path, G_FILE_TEST_EXISTS));
}

/* ---- a damaged file ---- */

static void
scribble(const Scratch *scratch, off_t at, gsize size)
{
    g_autofree char *noise = g_strnfill(size, '\xa5');
    int fd = open(scratch->path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, noise, size, at), (gssize)size);
    assert_int_equal(close(fd), 0);
}

static void
fill(const Scratch *scratch)
{
    RbStore *store = scratch_open(scratch);

    for (guint i = 0; i < 200; i++) {
        g_autofree char *key = g_strdup_printf("key-%u", i);
        assert_true(sign_in(store, key, NULL));
    }
    rb_store_free(store);
}

static void
test_damage(void **state)
{
    const Scratch *scratch = *state;

    fill(scratch);
    scribble(scratch, 4096 * 2, 4096 * 20);
    expect_refused(scratch, "pages overwritten", "restore the last good copy");
    scribble(scratch, 0, 100);
    expect_refused(scratch, "header overwritten", "restore the last good copy");
}

/* A disk that goes bad under a running service: what cannot be read is a fault, and never "not there". */
static void
test_damage_while_running(void **state)
{
    const Scratch *scratch = *state;
    g_autoptr(RbStore) store = NULL;
    guint faults = 0;

    fill(scratch);
    store = scratch_open(scratch);
    scribble(scratch, 4096, 4096 * 40);
    for (guint i = 0; i < 200; i++) {
        g_autofree char *key = g_strdup_printf("key-%u", i);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbRecord) record = rb_store_get(store, RB_RECORD_SESSION, key, NOW, &error);
        if (record == NULL) {
            expect_fault(key, error, RB_FAULT_STORE, "restore the last good copy");
            faults++;
        }
    }
    assert_true(faults > 0);
}

static void
test_truncated(void **state)
{
    const Scratch *scratch = *state;

    fill(scratch);
    assert_int_equal(truncate(scratch->path, 4096 * 5), 0);
    expect_refused(scratch, "cut short", "restore the last good copy");
}

/* ---- trouble while running ---- */

typedef struct {
    RbSqlite *sqlite;
    RbStore *store;
} Running;

static Running
run_one(const Scratch *scratch)
{
    Running running = { .sqlite = rb_store_sqlite.open(scratch->uri + strlen("sqlite:"), FALSE, NULL) };

    assert_non_null(running.sqlite);
    running.store = rb_store_new(&rb_store_sqlite, running.sqlite, FALSE);
    assert_true(sign_in(running.store, "before", NULL));
    return running;
}

/* What failed is not there, what was there is, the log is whole, and once the trouble is over it goes on. */
static void
expect_goes_on(Running running)
{
    g_autoptr(RbRecord) before = rb_store_get(running.store, RB_RECORD_SESSION, "before", NOW, NULL);
    g_autoptr(RbRecord) failed = rb_store_get(running.store, RB_RECORD_SESSION, "failed", NOW, NULL);
    RbAuditHead head;

    assert_non_null(before);
    assert_null(failed);
    assert_true(rb_store_check(running.store, NULL));
    assert_true(sign_in(running.store, "failed", NULL));
    assert_true(rb_audit_verify(running.store, NULL, &head, NULL));
    assert_int_equal(head.seq, 2);
    rb_store_free(running.store);
}

static void
test_disk_full(void **state)
{
    Running running = run_one(*state);
    g_autoptr(GError) error = NULL;
    gint64 pages, limit;
    g_autofree char *large = g_strnfill(200000, 'x');
    RbBatch *batch = sign_in_batch("failed");

    rb_batch_put(batch, RB_RECORD_SESSION, "large", NULL, NOW + 9, json_pack("{s:s}", "x", large));
    assert_true(rb_sqlite_number(running.sqlite->writer, "PRAGMA page_count", &pages, NULL));
    assert_true(rb_sqlite_number(running.sqlite->writer, "PRAGMA max_page_count = 1", &limit, NULL));
    assert_int_equal(limit, pages); /* not one more */
    assert_false(rb_store_commit(running.store, batch, NOW, &error));
    rb_batch_free(batch);
    expect_fault("full", error, RB_FAULT_STORE, "free space");
    assert_true(rb_sqlite_number(running.sqlite->writer, "PRAGMA max_page_count = 1000000", &limit, NULL));
    expect_goes_on(running);
}

static void
test_locked(void **state)
{
    const Scratch *scratch = *state;
    Running running = run_one(scratch);
    g_autoptr(GError) error = NULL;
    sqlite3 *other = NULL;

    (void)sqlite3_busy_timeout(running.sqlite->writer->db, 20);
    assert_int_equal(sqlite3_open(scratch->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_false(sign_in(running.store, "failed", &error));
    expect_fault("locked", error, RB_FAULT_STORE, "end the other program");
    g_clear_error(&error);
    assert_false(rb_store_check(running.store, &error));
    expect_fault("readiness while locked", error, RB_FAULT_STORE, "end the other program");
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    expect_goes_on(running);
}

static void
test_moved(void **state)
{
    const Scratch *scratch = *state;
    const char *endings[] = { "", "-wal" };

    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *file = g_strconcat(scratch->path, endings[i], NULL);
        g_autofree char *aside = g_strconcat(file, ".aside", NULL);
        g_autofree char *key = g_strdup_printf("before-%zu", i);
        g_autoptr(RbStore) store = scratch_open(scratch);
        g_autoptr(GError) error = NULL;

        assert_true(sign_in(store, key, NULL));
        assert_int_equal(g_rename(file, aside), 0);
        assert_false(sign_in(store, "removed", &error));
        expect_fault("removed", error, RB_FAULT_STORE, "was removed while in use");
        g_clear_error(&error);
        assert_false(rb_store_check(store, NULL));
        assert_true(g_file_set_contents(file, "other", -1, NULL));
        assert_false(sign_in(store, "replaced", &error));
        expect_fault("replaced", error, RB_FAULT_STORE, "was replaced while in use");
        assert_int_equal(g_rename(aside, file), 0);
        assert_true(rb_store_check(store, NULL));
    }
}

/* The settings that durability and privacy rest on. */
static void
test_settings(void **state)
{
    Running running = run_one(*state);
    const struct {
        const char *sql;
        gint64 want;
    } settings[] = {
        { "PRAGMA synchronous", 2 },
        { "PRAGMA secure_delete", 1 },
        { "PRAGMA foreign_keys", 1 },
        { "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'", 1 },
        { "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict "
          "AND name NOT LIKE 'sqlite_%'",
          0 }
    };

    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        gint64 got = -1;
        assert_true(rb_sqlite_number(running.sqlite->writer, settings[i].sql, &got, NULL));
        if (got != settings[i].want)
            fail_msg("%s: got %d", settings[i].sql, (int)got);
    }
    rb_store_free(running.store);
}

/* Each filter finds its rows by an index: the log is large, and kept for years. */
static void
test_indexes(void **state)
{
    Running running = run_one(*state);
    const char *columns[] = { "incident", "name", "family", "access_key_id", "time" };

    for (gsize i = 0; i < G_N_ELEMENTS(columns); i++) {
        g_autofree char *sql =
            g_strdup_printf("EXPLAIN QUERY PLAN SELECT seq, record, hash FROM audit WHERE TRUE AND %s = ? "
                            "ORDER BY seq LIMIT 1",
                            columns[i]);
        sqlite3_stmt *statement = NULL;
        assert_int_equal(sqlite3_prepare_v2(running.sqlite->writer->db, sql, -1, &statement, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        if (strstr((const char *)sqlite3_column_text(statement, 3), "USING INDEX") == NULL)
            fail_msg("%s: %s", columns[i], sqlite3_column_text(statement, 3));
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    }
    rb_store_free(running.store);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_addresses),     ROW(test_mode),
        ROW(test_symlink),       ROW(test_lock),
        ROW(test_other_formats), ROW(test_read_only_creates_nothing),
        ROW(test_damage),        ROW(test_damage_while_running),
        ROW(test_truncated),     ROW(test_disk_full),
        ROW(test_locked),        ROW(test_moved),
        ROW(test_settings),      ROW(test_indexes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
