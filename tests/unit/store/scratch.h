#ifndef RB_TESTS_STORE_SCRATCH_H
#define RB_TESTS_STORE_SCRATCH_H

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

/* A folder of its own for each test, with a database file to be. */
typedef struct {
    char *folder, *path, *uri;
} Scratch;

static inline int
scratch_setup(void **state)
{
    Scratch *scratch = g_new0(Scratch, 1);

    scratch->folder = g_dir_make_tmp("rb-store-XXXXXX", NULL);
    scratch->path = g_build_filename(scratch->folder, "state.db", NULL);
    scratch->uri = g_strconcat("sqlite://", scratch->path, NULL);
    *state = scratch;
    return 0;
}

static inline int
scratch_teardown(void **state)
{
    Scratch *scratch = *state;
    GDir *folder = g_dir_open(scratch->folder, 0, NULL);
    const char *name;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *file = g_build_filename(scratch->folder, name, NULL);
        (void)g_remove(file);
    }
    g_dir_close(folder);
    (void)g_rmdir(scratch->folder);
    g_free(scratch->folder);
    g_free(scratch->path);
    g_free(scratch->uri);
    g_free(scratch);
    return 0;
}

static inline RbStore *
scratch_open(const Scratch *scratch)
{
    g_autoptr(GError) error = NULL;
    RbStore *store = rb_store_open(scratch->uri, &error);

    if (store == NULL)
        fail_msg("opening: %s", error->message);
    return store;
}

/* A batch as a sign-in makes it: a mark, a session, an audit record. */
static inline RbBatch *
sign_in_batch(const char *key)
{
    RbBatch *batch = rb_batch_new();

    rb_batch_add(batch, RB_RECORD_REPLAY, key, NULL, NOW + 300, json_object());
    rb_batch_put(batch, RB_RECORD_SESSION, key, "alice", NOW + 3600, json_pack("{s:s}", "name", "alice"));
    rb_batch_audit(batch, RB_AUDIT_SIGN_IN, NOW, key,
                   json_pack("{s:s, s:s}", "name", "alice", "session", key));
    return batch;
}

static inline gboolean
sign_in(RbStore *store, const char *key, GError **error)
{
    g_autoptr(RbBatch) batch = sign_in_batch(key);

    return rb_store_commit(store, batch, NOW, error);
}

/* The fault, and in its message the words that tell somebody what happened and what to do. */
static inline void
expect_fault(const char *name, const GError *error, RbFaultCode code, const char *words)
{
    if (error == NULL)
        fail_msg("%s: no fault", name);
    if (!g_error_matches(error, RB_FAULT, (int)code) || strstr(error->message, words) == NULL)
        fail_msg("%s: got '%s', want '…%s…'", name, error->message, words);
}

#endif
