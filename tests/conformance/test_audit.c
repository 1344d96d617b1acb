#include "suite.h"

/* The audit log: what is written, found and verified. */

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

int
main(void)
{
    struct CMUnitTest tests[] = { ROW(test_audit_filter), ROW(test_audit_rows), ROW(test_audit_chain) };

    return RUN_SUITE(tests);
}
