#ifndef RB_TESTS_CONFORMANCE_SUITE_H
#define RB_TESTS_CONFORMANCE_SUITE_H

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

static inline char *
sqlite_make(void)
{
    g_autofree char *folder = g_dir_make_tmp("rb-store-XXXXXX", NULL);

    assert_non_null(folder);
    return g_strconcat("sqlite://", folder, "/state.db", NULL);
}

static inline void
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

static inline int
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

static inline int
teardown(void **state)
{
    Fixture *fixture = *state;

    rb_store_free(fixture->store);
    fixture->kind->remove(fixture->uri);
    g_free(fixture->uri);
    g_free(fixture);
    return 0;
}

static inline void
reopen(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;

    rb_store_free(fixture->store);
    fixture->store = rb_store_open(fixture->uri, &error);
    if (fixture->store == NULL)
        fail_msg("reopening: %s", error->message);
}

/* ---- saying it shortly ---- */

static inline json_t *
body(const char *text)
{
    return json_pack("{s:s}", "v", text);
}

static inline RbRefusalCode
code_of(const GError *error)
{
    return error == NULL                 ? RB_ACCEPTED
           : error->domain == RB_REFUSAL ? (RbRefusalCode)error->code
                                         : RB_N_REFUSALS;
}

static inline RbRefusalCode
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

static inline RbRefusalCode
add(RbStore *store, RbRecordKind kind, const char *key, gint64 expires_at, const char *text, gint64 now)
{
    RbBatch *batch = rb_batch_new();

    rb_batch_add(batch, kind, key, NULL, expires_at, body(text));
    return commit(store, batch, now);
}

static inline RbRefusalCode
put(RbStore *store, RbRecordKind kind, const char *key, const char *owner, gint64 expires_at, gint64 now)
{
    RbBatch *batch = rb_batch_new();

    rb_batch_put(batch, kind, key, owner, expires_at, body(key));
    return commit(store, batch, now);
}

static inline RbRefusalCode
take(RbStore *store, RbRecordKind kind, const char *key, gint64 now)
{
    RbBatch *batch = rb_batch_new();

    rb_batch_take(batch, kind, key);
    return commit(store, batch, now);
}

static inline void
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

/** One case for each kind of store, on an empty store of its own. */
#define ROW(test)                                                                                            \
    {                                                                                                        \
#test, test, setup, teardown, NULL                                                                   \
    }
#define RUN_SUITE(tests) run_suite(tests, G_N_ELEMENTS(tests))

static inline int
run_suite(struct CMUnitTest *tests, gsize n)
{
    int failed = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        for (gsize k = 0; k < n; k++)
            tests[k].initial_state = (void *)&kinds[i];
        failed += _cmocka_run_group_tests(kinds[i].name, tests, n, NULL, NULL);
    }
    return failed;
}

#endif
