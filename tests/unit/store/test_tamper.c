#include "scratch.h"

#include <sqlite3.h>

/* An insider who may write the file, and what the auditor is told. The log has ten records. */

static void
fill(const Scratch *scratch)
{
    g_autoptr(RbStore) store = scratch_open(scratch);

    for (guint i = 1; i <= 10; i++) {
        g_autofree char *key = g_strdup_printf("key-%u", i);
        assert_true(sign_in(store, key, NULL));
    }
}

static int
run_sql(const Scratch *scratch, const char *sql)
{
    sqlite3 *db = NULL;
    int result;

    assert_int_equal(sqlite3_open(scratch->path, &db), SQLITE_OK);
    result = sqlite3_exec(db, sql, NULL, NULL, NULL);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return result;
}

/* clang-format off */
static const struct {
    const char *name, *sql, *words; /* words NULL: SQLite itself refuses */
} attacks[] = {
    { "update, as it is",     "UPDATE audit SET record = '{}' WHERE seq = 4", NULL },
    { "delete, as it is",     "DELETE FROM audit WHERE seq = 4", NULL },
    { "delete of the head",   "DELETE FROM audit_head", NULL },
    { "another genesis",      "UPDATE audit_head SET genesis = randomblob(32)", NULL },
    { "a record changed",     "DROP TRIGGER audit_no_update; UPDATE audit SET record = replace(record, 'alice', 'bob') WHERE seq = 4", "record 4 was changed" },
    { "white space added",    "DROP TRIGGER audit_no_update; UPDATE audit SET record = replace(record, ':', ': ') WHERE seq = 10", "record 10 was changed" },
    { "a hash changed",       "DROP TRIGGER audit_no_update; UPDATE audit SET hash = zeroblob(32) WHERE seq = 4", "record 4 was changed" },
    { "a record removed",     "DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE seq = 4", "record 4 is missing" },
    { "the first removed",    "DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE seq = 1", "record 1 is missing" },
    { "the last removed",     "DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE seq = 10", "the log ends at record 9, its head says 10" },
    { "all removed",          "DROP TRIGGER audit_no_delete; DELETE FROM audit", "the log ends at record 0, its head says 10" },
    { "two swapped",          "DROP TRIGGER audit_no_update; UPDATE audit SET seq = 99 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 99", "record 4 was changed" },
    { "one put in between",   "DROP TRIGGER audit_no_update; UPDATE audit SET seq = -seq WHERE seq > 3; UPDATE audit SET seq = 1 - seq WHERE seq < 0; INSERT INTO audit (seq, record, hash) VALUES (4, '{}', zeroblob(32))", "record 4 was changed" },
    { "one added at the end", "INSERT INTO audit (seq, record, hash) VALUES (11, '{\"seq\":11}', zeroblob(32))", "record 11 was changed" },
    { "one before the first", "INSERT INTO audit (seq, record, hash) VALUES (0, '{\"seq\":0}', zeroblob(32))", "record 1 is missing" },
    { "the head set back",    "UPDATE audit_head SET seq = 9, hash = (SELECT hash FROM audit WHERE seq = 9)", "the log ends at record 10, its head says 9" },
    { "the head's hash",      "UPDATE audit_head SET hash = zeroblob(32)", "the head of the log does not match" },
    { "another genesis, triggers gone", "DROP TRIGGER audit_genesis_stays; UPDATE audit_head SET genesis = randomblob(32)", "record 1 was changed" },
};
/* clang-format on */

static void
attack(const Scratch *scratch, gsize i)
{
    g_autoptr(RbStore) store = NULL;
    g_autoptr(GError) error = NULL;
    int result;

    fill(scratch);
    result = run_sql(scratch, attacks[i].sql);
    if ((result == SQLITE_OK) != (attacks[i].words != NULL))
        fail_msg("%s: SQLite answered %d", attacks[i].name, result);
    store = rb_store_open_read_only(scratch->uri, NULL);
    if (rb_audit_verify(store, NULL, NULL, &error) != (attacks[i].words == NULL))
        fail_msg("%s: verification said otherwise", attacks[i].name);
    if (error != NULL &&
        (!rb_is_refusal(error, RB_AUDIT_BROKEN) || strstr(error->message, attacks[i].words) == NULL))
        fail_msg("%s: got '%s', want '…%s…'", attacks[i].name, error->message, attacks[i].words);
}

static void
test_attacks(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(attacks); i++) {
        void *scratch;
        (void)scratch_setup(&scratch);
        attack(scratch, i);
        (void)scratch_teardown(&scratch);
    }
}

/* Cut, and the head set back to match: within the file nothing is wrong. A head kept elsewhere tells. */
static void
test_cut_with_head(void **state)
{
    const Scratch *scratch = *state;
    g_autoptr(RbStore) store = NULL;
    g_autoptr(GError) error = NULL;
    RbAuditHead known, six;

    fill(scratch);
    store = rb_store_open_read_only(scratch->uri, NULL);
    assert_true(rb_audit_head(store, &known, NULL));
    rb_store_free(g_steal_pointer(&store));
    assert_int_equal(
        run_sql(scratch,
                "DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE seq > 6; UPDATE audit_head SET "
                "seq = 6, hash = (SELECT hash FROM audit WHERE seq = 6)"),
        SQLITE_OK);
    store = rb_store_open_read_only(scratch->uri, NULL);
    assert_true(rb_audit_verify(store, NULL, &six, NULL));
    assert_int_equal(six.seq, 6);
    assert_false(rb_audit_verify(store, &known, NULL, &error));
    assert_true(rb_is_refusal(error, RB_AUDIT_BROKEN));
    assert_non_null(strstr(error->message, "the log ends at record 6, and had 10"));
}

/* The whole log made anew, chain and all, one name changed. */
static void
test_made_anew(void **state)
{
    const Scratch *scratch = *state;
    g_autofree char *aside = g_strconcat(scratch->path, ".aside", NULL);
    g_autoptr(RbStore) store = NULL;
    g_autoptr(GError) error = NULL;
    RbAuditHead known;

    fill(scratch);
    store = rb_store_open_read_only(scratch->uri, NULL);
    assert_true(rb_audit_head(store, &known, NULL));
    rb_store_free(g_steal_pointer(&store));
    assert_int_equal(g_rename(scratch->path, aside), 0);
    fill(scratch);
    store = rb_store_open_read_only(scratch->uri, NULL);
    assert_true(rb_audit_verify(store, NULL, NULL, NULL));
    assert_false(rb_audit_verify(store, &known, NULL, &error));
    assert_true(rb_is_refusal(error, RB_AUDIT_BROKEN));
    assert_non_null(strstr(error->message, "record 10 is not the one of the known head"));
}

/* clang-format off */
#define HEX "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
static const struct {
    const char *text;
    gint64 seq; /* -1: refused */
} heads[] = {
    { "0:" HEX, 0 }, { "17:" HEX, 17 }, { "9223372036854775807:" HEX, G_MAXINT64 },
    { "", -1 }, { "17", -1 }, { ":" HEX, -1 }, { "-1:" HEX, -1 }, { "17:" HEX "0", -1 }, { "17:0" HEX, -1 },
    { "9223372036854775808:" HEX, -1 }, { "17:g0112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", -1 },
    { " 17:" HEX, -1 }, { "17:" HEX "\n", -1 }, { "0x11:" HEX, -1 },
};
/* clang-format on */

static void
test_heads(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(heads); i++) {
        RbAuditHead head = { .seq = -1 };
        if (rb_audit_head_parse(heads[i].text, &head) != (heads[i].seq >= 0) || head.seq != heads[i].seq)
            fail_msg("'%s'", heads[i].text);
    }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attacks),
        ROW(test_cut_with_head),
        ROW(test_made_anew),
        cmocka_unit_test(test_heads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
