#include "base/encoding.h"
#include "store/sqlite_priv.h"

#include <string.h>

gboolean
rb_sqlite_begin(gpointer self, GError **error)
{
    RbSqlite *sqlite = self;

    if (!rb_sqlite_in_place(sqlite, error) || !rb_sqlite_step(sqlite->writer, RB_SQL_BEGIN, error))
        return FALSE;
    sqlite->head_moved = FALSE;
    if (rb_sqlite_chain(sqlite->writer, &sqlite->chain, error))
        return TRUE;
    rb_sqlite_rollback(sqlite);
    return FALSE;
}

/* Runs one step's statement. @changes: how many records it touched. */
static gboolean
run(RbSqliteConn *conn, sqlite3_stmt *statement, int *changes, GError **error)
{
    gboolean done = sqlite3_step(statement) == SQLITE_DONE || rb_sqlite_fault(conn, "writing", error);

    *changes = sqlite3_changes(conn->db);
    rb_sqlite_done(statement);
    return done;
}

static gboolean
apply_record(RbSqliteConn *conn, const RbStep *step, gint64 now, GError **error)
{
    sqlite3_stmt *statement =
        rb_sqlite_statement(conn, step->action == RB_STEP_ADD ? RB_SQL_ADD : RB_SQL_PUT, error);
    int changes;

    if (statement == NULL)
        return FALSE;
    rb_sqlite_bind_text(statement, 1, rb_record_kind_name(step->kind));
    rb_sqlite_bind_text(statement, 2, step->key);
    rb_sqlite_bind_text(statement, 3, step->owner);
    (void)sqlite3_bind_int64(statement, 4, now); /* cannot fail: the indexes are right */
    (void)sqlite3_bind_int64(statement, 5, step->expires_at);
    rb_sqlite_bind_text(statement, 6, step->body);
    if (!run(conn, statement, &changes, error))
        return FALSE;
    if (changes == 0)
        return rb_refuse(error, RB_STORE_EXISTS, "a %s record of this key is there already",
                         rb_record_kind_name(step->kind));
    return TRUE;
}

static gboolean
apply_removal(RbSqliteConn *conn, const RbStep *step, gint64 now, GError **error)
{
    gboolean by_owner = step->action == RB_STEP_DROP_OWNER, take = step->action == RB_STEP_TAKE;
    RbSql sql = by_owner ? RB_SQL_DROP_OWNER : take ? RB_SQL_TAKE : RB_SQL_DROP;
    sqlite3_stmt *statement = rb_sqlite_statement(conn, sql, error);
    int changes;

    if (statement == NULL)
        return FALSE;
    rb_sqlite_bind_text(statement, 1, rb_record_kind_name(step->kind));
    rb_sqlite_bind_text(statement, 2, by_owner ? step->owner : step->key);
    if (take)
        (void)sqlite3_bind_int64(statement, 3, now); /* cannot fail: the index is right */
    if (!run(conn, statement, &changes, error))
        return FALSE;
    if (take && changes == 0)
        return rb_refuse(error, RB_STORE_MISSING, "no %s record of this key, or it has expired",
                         rb_record_kind_name(step->kind));
    return TRUE;
}

static gboolean
insert_audit(RbSqliteConn *conn, const RbAuditHead *next, const char *text, GError **error)
{
    sqlite3_stmt *statement = rb_sqlite_statement(conn, RB_SQL_AUDIT, error);
    int changes;

    if (statement == NULL)
        return FALSE;
    (void)sqlite3_bind_int64(statement, 1, next->seq); /* cannot fail: the indexes are right */
    rb_sqlite_bind_text(statement, 2, text);
    (void)sqlite3_bind_blob(statement, 3, next->hash, sizeof next->hash, SQLITE_STATIC);
    return run(conn, statement, &changes, error);
}

static gboolean
apply_audit(RbSqliteConn *conn, const RbStep *step, RbAuditHead *head, GError **error)
{
    RbAuditHead next = { .seq = head->seq + 1 };
    char *text;
    gboolean done;

    json_object_set_new(step->audit, "seq", json_integer(next.seq));
    text = json_dumps(step->audit, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL)
        return rb_fault(error, RB_FAULT_INTERNAL, "an audit record could not be written as JSON");
    rb_audit_chain_hash(head->hash, text, strlen(text), next.hash);
    done = insert_audit(conn, &next, text, error);
    free(text);
    if (done)
        *head = next;
    return done;
}

static gboolean
apply_steps(RbSqliteConn *conn, const RbBatch *batch, gint64 now, RbAuditHead *head, GError **error)
{
    for (guint i = 0; i < batch->steps->len; i++) {
        const RbStep *step = &g_array_index(batch->steps, RbStep, i);
        gboolean done = FALSE;

        switch (step->action) {
        case RB_STEP_ADD:
        case RB_STEP_PUT:
            done = apply_record(conn, step, now, error);
            break;
        case RB_STEP_TAKE:
        case RB_STEP_DROP:
        case RB_STEP_DROP_OWNER:
            done = apply_removal(conn, step, now, error);
            break;
        case RB_STEP_AUDIT:
            done = apply_audit(conn, step, head, error);
            break;
        }
        if (!done)
            return FALSE;
    }
    return TRUE;
}

gboolean
rb_sqlite_apply(gpointer self, const RbBatch *batch, gint64 now, GError **error)
{
    RbSqlite *sqlite = self;
    RbAuditHead head = sqlite->chain.head;
    g_autoptr(GError) refusal = NULL;

    if (!rb_sqlite_step(sqlite->writer, RB_SQL_SAVEPOINT, error))
        return FALSE;
    if (!apply_steps(sqlite->writer, batch, now, &head, &refusal)) {
        /* After a fault SQLite may have undone the whole transaction: there may be no savepoint, and the
         * caller rolls back whatever there is. */
        if (refusal->domain == RB_REFUSAL && (!rb_sqlite_step(sqlite->writer, RB_SQL_UNDO, error) ||
                                              !rb_sqlite_step(sqlite->writer, RB_SQL_RELEASE, error)))
            return FALSE;
        g_propagate_error(error, g_steal_pointer(&refusal));
        return FALSE;
    }
    if (!rb_sqlite_step(sqlite->writer, RB_SQL_RELEASE, error))
        return FALSE;
    sqlite->head_moved |= head.seq != sqlite->chain.head.seq;
    sqlite->chain.head = head;
    return TRUE;
}

static gboolean
set_head(RbSqlite *sqlite, GError **error)
{
    sqlite3_stmt *statement = rb_sqlite_statement(sqlite->writer, RB_SQL_SET_HEAD, error);
    const RbAuditHead *head = &sqlite->chain.head;
    int changes;

    if (statement == NULL)
        return FALSE;
    (void)sqlite3_bind_int64(statement, 1, head->seq); /* cannot fail: the indexes are right */
    (void)sqlite3_bind_blob(statement, 2, head->hash, sizeof head->hash, SQLITE_STATIC);
    return run(sqlite->writer, statement, &changes, error);
}

gboolean
rb_sqlite_touch(gpointer self, GError **error)
{
    return set_head(self, error);
}

gint
rb_sqlite_sweep(gpointer self, gint64 now, guint max, GError **error)
{
    RbSqlite *sqlite = self;
    sqlite3_stmt *statement = rb_sqlite_statement(sqlite->writer, RB_SQL_SWEEP, error);
    int changes;

    if (statement == NULL)
        return -1;
    (void)sqlite3_bind_int64(statement, 1, now); /* cannot fail: the indexes are right */
    (void)sqlite3_bind_int64(statement, 2, max);
    return run(sqlite->writer, statement, &changes, error) ? changes : -1;
}

gboolean
rb_sqlite_commit(gpointer self, GError **error)
{
    RbSqlite *sqlite = self;

    if ((sqlite->head_moved && !set_head(sqlite, error)) ||
        !rb_sqlite_step(sqlite->writer, RB_SQL_COMMIT, error)) {
        rb_sqlite_rollback(sqlite);
        return FALSE;
    }
    /* Written, but perhaps to a file that nobody will find again. */
    return rb_sqlite_in_place(sqlite, error);
}

void
rb_sqlite_rollback(gpointer self)
{
    RbSqlite *sqlite = self;

    /* SQLite may have rolled back by itself; then there is nothing to undo, and that is no new error. */
    if (!sqlite3_get_autocommit(sqlite->writer->db))
        (void)rb_sqlite_step(sqlite->writer, RB_SQL_ROLLBACK, NULL);
}
