#include "scratch.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A service that is killed in the middle of its writes: whatever it was told is committed is there
 * afterwards, nothing is half there, and the log is whole.
 */
enum { WRITERS = 8, CRASHES = 6 };

typedef struct {
    RbStore *store;
    int out;
    guint id;
} Writer;

/* Writes until killed; each acknowledged key goes down the pipe as one line, which a pipe keeps in one piece.
 */
static gpointer
write_on(gpointer data)
{
    Writer *writer = data;

    for (guint i = 0;; i++) {
        g_autofree char *key = g_strdup_printf("%d-%u-%u", getpid(), writer->id, i);
        g_autofree char *line = g_strdup_printf("%s\n", key);
        if (!sign_in(writer->store, key, NULL) || write(writer->out, line, strlen(line)) < 0)
            _exit(1);
    }
    return NULL;
}

static void
child(const Scratch *scratch, int out)
{
    RbStore *store = rb_store_open(scratch->uri, NULL);
    Writer writers[WRITERS];

    if (store == NULL)
        _exit(2);
    for (guint i = 0; i < WRITERS; i++) {
        writers[i] = (Writer){ store, out, i };
        (void)g_thread_new("writer", write_on, &writers[i]);
    }
    for (;;)
        (void)pause();
}

/* Reads until @bytes have come, kills, and reads what was still on its way. */
static GString *
run_and_kill(const Scratch *scratch, gsize bytes)
{
    GString *told = g_string_new(NULL);
    char buffer[4096];
    gboolean killed = FALSE;
    int ends[2], status;
    gssize n;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        child(scratch, ends[1]);
    }
    (void)close(ends[1]);
    while ((n = read(ends[0], buffer, sizeof buffer)) > 0) {
        g_string_append_len(told, buffer, n);
        if (!killed && told->len > bytes)
            killed = kill(pid, SIGKILL) == 0;
    }
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("the writer ended by itself: %d", status);
    return told;
}

static gboolean
count_row(const RbAuditRow *row, gpointer data, GError **error)
{
    json_t *record = json_loads(row->text, 0, NULL);

    (void)error;
    g_hash_table_add(data, g_strdup(json_string_value(json_object_get(record, "session"))));
    json_decref(record);
    return TRUE;
}

/* Every batch is there whole or not at all: a mark, a session and an audit record each. */
static void
expect_whole(RbStore *store, GString *told)
{
    g_autoptr(GHashTable) audited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) keys = g_strsplit(told->str, "\n", -1);
    const RbAuditFilter all = { 0 };
    GHashTableIter iter;
    gpointer key;
    RbAuditHead head;

    assert_true(rb_audit_verify(store, NULL, &head, NULL));
    assert_true(rb_audit_each(store, &all, NULL, count_row, audited, NULL));
    assert_int_equal(g_hash_table_size(audited), head.seq);
    for (guint i = 0; keys[i] != NULL && keys[i + 1] != NULL; i++)
        if (!g_hash_table_contains(audited, keys[i]))
            fail_msg("'%s' was acknowledged and is lost", keys[i]);
    g_hash_table_iter_init(&iter, audited);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        g_autoptr(RbRecord) mark = rb_store_get(store, RB_RECORD_REPLAY, key, NOW, NULL);
        g_autoptr(RbRecord) session = rb_store_get(store, RB_RECORD_SESSION, key, NOW, NULL);
        if (mark == NULL || session == NULL)
            fail_msg("'%s' is half there", (char *)key);
    }
}

static void
test_kill(void **state)
{
    const Scratch *scratch = *state;
    g_autoptr(GString) told = g_string_new(NULL);

    for (guint i = 0; i < CRASHES; i++) { /* the same file again and again */
        g_autoptr(GString) now = run_and_kill(scratch, 200 + 2500 * i);
        g_autoptr(RbStore) store = scratch_open(scratch);
        assert_true(now->len > 0 && now->str[now->len - 1] == '\n');
        g_string_append(told, now->str);
        expect_whole(store, told);
    }
    print_message("%u bytes of acknowledged keys survived %d kills\n", (guint)told->len, CRASHES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kill, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
