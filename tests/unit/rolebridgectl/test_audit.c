#include "rolebridgectl/audit.h"

#include "base/refusal.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1795510800, DAY = 86400 }; /* 2026-11-24T09:00:00Z */
#define KEY "ASIABTX3GSDSQBNMGHLQ"      /* of account 111122223333 */

/* A log as a week of the service leaves it, and the command run on it. */
typedef struct {
    char *folder, *path, *uri;
    int status;
    char *out, *err;
} Fixture;

/* clang-format off */
static const struct {
    RbAuditKind kind;
    gint64 at;
    const char *incident, *facts;
} rows[] = {
    { RB_AUDIT_MAPPING, NOW - 9 * DAY, NULL, "{'outcome': 'loaded', 'mapping': 'd1'}" },
    { RB_AUDIT_SIGN_IN, NOW - 2 * DAY, "OLD0-0001", "{'name': 'alice', 'provider': 'corp-saml', 'family': 'f0', 'mfa': false}" },
    { RB_AUDIT_SIGN_IN, NOW - 600, "AAAA-0001", "{'name': 'alice', 'provider': 'corp-saml', 'subject': 'a@acme', 'family': 'f1', 'mfa': true, 'source_ip': '203.0.113.9'}" },
    { RB_AUDIT_SIGN_IN, NOW - 500, "AAAA-0002", "{'name': 'alice', 'provider': 'corp-saml', 'family': 'f1', 'via': 'device code', 'client': 'aws'}" },
    { RB_AUDIT_DECISION, NOW - 60, "AAAA-0003", "{'name': 'alice', 'provider': 'corp-saml', 'family': 'f1', 'account': '111122223333', 'role': 'data-scientist', 'group': 'acme-ds', 'assignment': 'assignments.yaml:4', 'mapping': 'd1', 'conditions': ['department is Research']}" },
    { RB_AUDIT_LEASE, NOW - 60, "AAAA-0003", "{'name': 'alice', 'provider': 'corp-saml', 'subject': 'a@acme', 'family': 'f1', 'account': '111122223333', 'account_name': 'analytics-prod', 'role': 'data-scientist', 'access_key_id': '" KEY "', 'expires_at': 1795514340, 'group': 'acme-ds', 'assignment': 'assignments.yaml:4', 'mapping': 'd1', 'assumed_role_id': 'AROAX:alice', 'source_identity': 'alice', 'request_id': 'r-1', 'source_ip': '203.0.113.9', 'user_agent': 'aws-cli/2'}" },
    { RB_AUDIT_LEASE, NOW - 50, "AAAA-0004", "{'name': 'bob', 'provider': 'corp-saml', 'account': '444455556666', 'role': 'tester', 'access_key_id': 'ASIABTX3GSDSQBNMGHLR', 'claims': {'repository': 'acme/app\\u001b[2J', 'ref': 'main'}, 'assignment': 'assignments.yaml:9'}" },
    { RB_AUDIT_REFUSAL, NOW - 40, "AAAA-0005", "{'name': 'mallory\\u001b[2J\\u202e', 'code': 'mapping.mfa_required', 'reason': 'no second\\nfactor', 'role': 'tester'}" },
    { RB_AUDIT_SIGN_IN, NOW - 30, "AAAA-0006", "{'name': 'alice', 'provider': 'corp-saml', 'family': 'f2', 'mfa': false}" },
};
/* clang-format on */

static void
write_rows(const Fixture *fixture)
{
    g_autoptr(RbStore) store = rb_store_open(fixture->uri, NULL);

    assert_non_null(store);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdelimit(g_strdup(rows[i].facts), "'", '"');
        g_autoptr(RbBatch) batch = rb_batch_new();
        rb_batch_audit(batch, rows[i].kind, rows[i].at, rows[i].incident, json_loads(text, 0, NULL));
        assert_true(rb_store_commit(store, batch, NOW, NULL));
    }
}

static int
setup(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    fixture->folder = g_dir_make_tmp("rb-audit-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "state.db", NULL);
    fixture->uri = g_strconcat("sqlite://", fixture->path, NULL);
    write_rows(fixture);
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    Fixture *fixture = *state;
    GDir *folder = g_dir_open(fixture->folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *file = g_build_filename(fixture->folder, name, NULL);
        (void)g_remove(file);
    }
    g_dir_close(folder);
    (void)g_rmdir(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture->path);
    g_free(fixture->uri);
    g_free(fixture->out);
    g_free(fixture->err);
    g_free(fixture);
    return 0;
}

static gint64
fixed_now(gpointer data)
{
    (void)data;
    return NOW;
}

static char *
read_back(FILE *file)
{
    GString *text = g_string_new(NULL);
    int c;

    rewind(file);
    while ((c = fgetc(file)) != EOF)
        g_string_append_c(text, (char)c);
    (void)fclose(file); /* only read from */
    return g_string_free(text, FALSE);
}

/* Runs "audit @line" on the fixture's store. */
static void
audit(Fixture *fixture, const char *line)
{
    g_autofree char *all = g_strdup_printf("audit --store %s %s", fixture->uri, line);
    g_auto(GStrv) argv = NULL;
    RbAuditConsole console = { tmpfile(), tmpfile(), FALSE, { fixed_now, NULL } };
    int argc;

    assert_true(g_shell_parse_argv(all, &argc, &argv, NULL));
    fixture->status = rb_ctl_audit_on(&console, argc, argv);
    g_free(fixture->out);
    g_free(fixture->err);
    fixture->out = read_back(console.out);
    fixture->err = read_back(console.err);
}

/* clang-format off */
static const struct {
    const char *line;
    int status;
    const char *out, *err; /* must be in it; NULL: must be empty */
    const char *not_out;   /* must not be in it */
} cases[] = {
    { "show",                                    0, "AAAA-0006", NULL, NULL },
    { "show --kind lease",                       0, KEY, NULL, "AAAA-0005" },
    { "show --kind lease --json",                0, "\"access_key_id\":\"" KEY "\"", "head 9:", "mallory" },
    { "show --name alice --since 5m",            0, "AAAA-0006", NULL, "AAAA-0001" },
    { "show --since 2026-11-23 --until 1m",      0, "AAAA-0001", NULL, "AAAA-0003" },
    { "show --account analytics-prod",           0, "alice", NULL, "bob" },
    { "show --account 444455556666",             0, "bob", NULL, "alice" },
    { "show --role tester --code mapping.mfa_required", 0, "AAAA-0005", NULL, "AAAA-0004" },
    { "show --incident AAAA-0003",               0, "from group acme-ds in assignments.yaml:4", NULL, "AAAA-0004" },
    { "show --incident AAAA-0004",               0, "with ref main, repository acme/app\\x1b[2J in assignments.yaml:9", NULL, "\033" },
    { "show --access-key " KEY,                  0, "until 2026-11-24T09:59:00Z", NULL, "bob" },
    { "show --limit 1",                          0, "AAAA-0006", "The newest 1;", "AAAA-0005" },
    { "show --name nobody",                      0, NULL, "No record", NULL },
    { "show --code mapping.mfa_required",        0, "mallory\\x1b[2J\\u{202e}", NULL, "\033" },
    { "head",                                    0, "head 9:", NULL, NULL },
    { "verify",                                  0, "whole: 9 records", "made anew", NULL },
    { "trace " KEY,                              0, "alice, vouched for by corp-saml (subject 'a@acme')", NULL, "but " },
    { "trace " KEY,                              0, "data-scientist in 111122223333 (analytics-prod)", NULL, NULL },
    { "trace " KEY,                              0, "valid until 2026-11-24T09:59:00Z\n", NULL, "expired" },
    { "trace " KEY,                              0, "group 'acme-ds' by assignments.yaml:4", NULL, NULL },
    { "trace " KEY,                              0, "and department is Research", NULL, NULL },
    { "trace " KEY,                              0, "at corp-saml, second factor shown, from 203.0.113.9; incident AAAA-0001", NULL, "newest of this name" },
    { "trace --json " KEY,                       0, "\"sign_in_found_by\": \"family\"", NULL, NULL },
    { "trace ASIABTX3GSDSQBNMGHLR",              0, "the key itself says account 111122223333", NULL, NULL },
    { "trace ASIABTX3GSDSQBNMGHLR",              0, "no sign-in of this person", NULL, NULL },
    { "trace ASIABTX3GSDSQBNMGHLR",              0, "why            ref 'main' by assignments.yaml:9\n               repository 'acme/app\\x1b[2J' by assignments.yaml:9\n", NULL, "\033" },
    { "trace ASIABTX3GSDSQBNMGHLA",              1, NULL, "seems to belong to account 111122223333", NULL },
    { "trace AKIABTX3GSDSQBNMGHLQ",              1, NULL, "long-lived key", NULL },
    { "trace 'hello there'",                     1, NULL, "no access key id", NULL },
    { "trace",                                   2, NULL, "trace wants one", NULL },
    { "",                                        2, NULL, "say what to do", NULL },
    { "shwo",                                    2, NULL, "did you mean 'show'?", NULL },
    { "show more",                               2, NULL, "takes no further", NULL },
    { "show --kind leese",                       2, NULL, "did you mean 'lease'?", NULL },
    { "show --since yesterday",                  2, NULL, "'yesterday' is no time", NULL },
    { "show --limit -1",                         2, NULL, "less than nothing", NULL },
    { "show --frobnicate",                       2, NULL, "--frobnicate", NULL },
    { "show --head x",                           2, NULL, "--head is for verify", NULL },
    { "verify --head /no/such/file",             4, NULL, "/no/such/file", NULL },
    { "verify --head 9:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1, NULL, "not the one of the known head", NULL },
    { "show --store sqlite:///no/such.db",       4, NULL, "/no/such.db", NULL },
    { "--help",                                  0, "Usage: rolebridgectl audit", NULL, NULL },
};
/* clang-format on */

static void
expect(gsize i, const char *which, const char *got, const char *want)
{
    if (want == NULL ? got[0] != '\0' : strstr(got, want) == NULL)
        fail_msg("audit %s: %s is '%s', want '%s'", cases[i].line, which, got, want != NULL ? want : "");
}

static void
test_cases(void **state)
{
    Fixture *fixture = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        audit(fixture, cases[i].line);
        if (fixture->status != cases[i].status)
            fail_msg("audit %s: exit %d, want %d: %s", cases[i].line, fixture->status, cases[i].status,
                     fixture->err);
        expect(i, "output", fixture->out, cases[i].out);
        expect(i, "error output", fixture->err, cases[i].err);
        if (cases[i].not_out != NULL && strstr(fixture->out, cases[i].not_out) != NULL)
            fail_msg("audit %s: '%s' is in the output '%s'", cases[i].line, cases[i].not_out, fixture->out);
    }
}

/* As docs/audit.md tells an auditor: an export is checked without rolebridge. */
static void
test_export_by_hand(void **state)
{
    Fixture *fixture = *state;
    g_auto(GStrv) lines = NULL;
    guint8 hash[RB_AUDIT_HASH_BYTES];
    RbAuditHead head;
    guint n = 0;

    audit(fixture, "export");
    assert_int_equal(fixture->status, 0);
    assert_true(g_str_has_prefix(fixture->err, "head 9:"));
    assert_true(rb_audit_head_parse(g_strstrip(fixture->err) + 5, &head));
    lines = g_strsplit(fixture->out, "\n", -1);
    for (; lines[n] != NULL && lines[n][0] != '\0'; n++) {
        const char *rest = lines[n] + strlen("{\"hash\":\"") + 64 + strlen("\",");
        g_autofree char *record = g_strconcat("{", rest, NULL);
        g_autofree char *hex = g_strndup(lines[n] + strlen("{\"hash\":\""), 64);
        RbAuditHead said;
        g_autofree char *text = g_strconcat("1:", hex, NULL);
        assert_true(g_str_has_prefix(lines[n], "{\"hash\":\""));
        assert_true(rb_audit_head_parse(text, &said));
        if (n > 0) { /* the first stands on the genesis, which is head 0 of an empty log */
            rb_audit_chain_hash(hash, record, strlen(record), hash);
            assert_memory_equal(hash, said.hash, sizeof hash);
        }
        memcpy(hash, said.hash, sizeof hash);
    }
    assert_int_equal(n, G_N_ELEMENTS(rows));
    assert_memory_equal(hash, head.hash, sizeof hash);
}

/* What `export` and `head` print is what `verify --head` reads. */
static void
test_head_file(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *file = g_build_filename(fixture->folder, "known.head", NULL);
    g_autofree char *line = g_strconcat("verify --head ", file, NULL);

    audit(fixture, "export --kind lease");
    assert_true(g_file_set_contents(file, fixture->err, -1, NULL));
    write_rows(fixture);
    audit(fixture, line);
    assert_int_equal(fixture->status, 0);
    assert_non_null(strstr(fixture->out, "whole: 18 records"));
    assert_non_null(strstr(fixture->out, "the known head, record 9, is among them"));
    assert_string_equal(fixture->err, "");
    assert_true(g_file_set_contents(file, "no head here", -1, NULL));
    audit(fixture, line);
    assert_int_equal(fixture->status, 4);
}

static void
test_config(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *file = g_build_filename(fixture->folder, "rolebridge.yaml", NULL);
    const char *const texts[] = { "rolebridge: 1\nstore: sqlite:state.db\n",
                                  "rolebridge: 1\nstore: sqlite://FOLDER/state.db\n" };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_auto(GStrv) parts = g_strsplit(texts[i], "FOLDER", -1);
        g_autofree char *text = g_strjoinv(fixture->folder, parts);
        RbAuditConsole console = { tmpfile(), tmpfile(), FALSE, { fixed_now, NULL } };
        char *argv[] = { (char *)"audit", (char *)"head", (char *)"--config", file, NULL };
        assert_true(g_file_set_contents(file, text, -1, NULL));
        if (rb_ctl_audit_on(&console, 4, argv) != 0)
            fail_msg("'%s' was not found", text);
        (void)fclose(console.out); /* nothing to lose */
        (void)fclose(console.err);
    }
}

/* An answer that did not reach the disk is no answer. */
static void
test_nowhere_to_write(void **state)
{
    Fixture *fixture = *state;
    const char *const commands[] = { "export", "show", "trace", "head" };

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        RbAuditConsole console = { fopen("/dev/full", "we"), tmpfile(), FALSE, { fixed_now, NULL } };
        char *argv[] = { (char *)"audit",     (char *)"--store", fixture->uri,
                         (char *)commands[i], (char *)KEY,       NULL };
        g_autofree char *err = NULL;
        int status = rb_ctl_audit_on(&console, g_str_equal(commands[i], "trace") ? 5 : 4, argv);
        err = read_back(console.err);
        (void)fclose(console.out); /* /dev/full: it fails, as it must */
        if (status != 4 || strstr(err, "head") != NULL)
            fail_msg("%s to a full disk: exit %d, '%s'", commands[i], status, err);
    }
}

/* clang-format off */
static const struct {
    const char *text;
    gint64 want; /* 0: none */
} times[] = {
    { "2026-11-24T09:00:00Z", NOW }, { "2026-11-24T10:00:00+01:00", NOW }, { "2026-11-24", NOW - 9 * 3600 },
    { "90s", NOW - 90 }, { "90m", NOW - 5400 }, { "12h", NOW - 43200 }, { "7d", NOW - 7 * DAY }, { "4w", NOW - 28 * DAY },
    { "999999w", 1 }, { "", 0 }, { "d", 0 }, { "7", 0 }, { "-7d", 0 }, { "7y", 0 }, { "7 d", 0 }, { "2026-11", 0 }, { "2026-13-01", 0 },
    { "99999999999999999999d", 0 },
};
/* clang-format on */

static void
test_times(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(times); i++) {
        gint64 got = 0;
        if (rb_audit_time(times[i].text, NOW, &got) != (times[i].want != 0) || got != times[i].want)
            fail_msg("'%s': got %" G_GINT64_FORMAT, times[i].text, got);
    }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_cases),  ROW(test_export_by_hand),   ROW(test_head_file),
        ROW(test_config), ROW(test_nowhere_to_write), cmocka_unit_test(test_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
