#include "base/encoding.h"
#include "store/sqlite_priv.h"

#include <string.h>

RbSqliteConn *
rb_sqlite_reader(RbSqlite *sqlite)
{
    RbSqliteConn *reader;

    pthread_mutex_lock(&sqlite->lock);
    while (sqlite->n_free == 0)
        pthread_cond_wait(&sqlite->returned, &sqlite->lock);
    reader = sqlite->readers[--sqlite->n_free];
    pthread_mutex_unlock(&sqlite->lock);
    return reader;
}

void
rb_sqlite_return(RbSqlite *sqlite, RbSqliteConn *reader)
{
    pthread_mutex_lock(&sqlite->lock);
    sqlite->readers[sqlite->n_free++] = reader;
    pthread_cond_signal(&sqlite->returned);
    pthread_mutex_unlock(&sqlite->lock);
}

static const char *
column_text(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

/* Columns: owner, created_at, expires_at, body. */
static RbRecord *
read_record(sqlite3_stmt *statement, const char *key, GError **error)
{
    const char *body = column_text(statement, 3);

    return rb_record_new(key, column_text(statement, 0), sqlite3_column_int64(statement, 1),
                         sqlite3_column_int64(statement, 2), body != NULL ? body : "", error);
}

static RbRecord *
get_with(RbSqliteConn *reader, RbRecordKind kind, const char *key, gint64 now, GError **error)
{
    sqlite3_stmt *statement = rb_sqlite_statement(reader, RB_SQL_GET, error);
    RbRecord *record = NULL;
    int result;

    if (statement == NULL)
        return NULL;
    rb_sqlite_bind_text(statement, 1, rb_record_kind_name(kind));
    rb_sqlite_bind_text(statement, 2, key);
    (void)sqlite3_bind_int64(statement, 3, now); /* cannot fail: the index is right */
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        record = read_record(statement, key, error);
    else if (result == SQLITE_DONE)
        (void)rb_refuse(error, RB_STORE_MISSING, "no %s record of this key, or it has expired",
                        rb_record_kind_name(kind));
    else
        (void)rb_sqlite_fault(reader, "reading", error);
    rb_sqlite_done(statement);
    return record;
}

RbRecord *
rb_sqlite_get(gpointer self, RbRecordKind kind, const char *key, gint64 now, GError **error)
{
    RbSqlite *sqlite = self;
    RbSqliteConn *reader = rb_sqlite_reader(sqlite);
    RbRecord *record = get_with(reader, kind, key, now, error);

    rb_sqlite_return(sqlite, reader);
    return record;
}

static GPtrArray *
list_with(RbSqliteConn *reader, RbRecordKind kind, const char *owner, gint64 now, guint max, GError **error)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)rb_record_free);
    sqlite3_stmt *statement =
        rb_sqlite_statement(reader, owner != NULL ? RB_SQL_LIST : RB_SQL_LIST_ALL, error);
    RbRecord *record;
    int result;

    if (statement == NULL)
        return NULL;
    rb_sqlite_bind_text(statement, 1, rb_record_kind_name(kind));
    rb_sqlite_bind_text(statement, 2, owner);
    (void)sqlite3_bind_int64(statement, 3, now); /* cannot fail: the index is right */
    (void)sqlite3_bind_int64(statement, 4, max);
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        record = read_record(statement, column_text(statement, 4), error);
        if (record == NULL)
            break;
        g_ptr_array_add(records, record);
    }
    if (result != SQLITE_DONE && result != SQLITE_ROW)
        (void)rb_sqlite_fault(reader, "reading", error);
    rb_sqlite_done(statement);
    return result == SQLITE_DONE ? g_steal_pointer(&records) : NULL;
}

GPtrArray *
rb_sqlite_list(gpointer self, RbRecordKind kind, const char *owner, gint64 now, guint max, GError **error)
{
    RbSqlite *sqlite = self;
    RbSqliteConn *reader = rb_sqlite_reader(sqlite);
    GPtrArray *records = list_with(reader, kind, owner, now, max, error);

    rb_sqlite_return(sqlite, reader);
    return records;
}

static gboolean
column_hash(sqlite3_stmt *statement, int column, guint8 hash[RB_AUDIT_HASH_BYTES])
{
    const void *blob = sqlite3_column_blob(statement, column);

    if (blob == NULL || sqlite3_column_bytes(statement, column) != RB_AUDIT_HASH_BYTES)
        return FALSE;
    memcpy(hash, blob, RB_AUDIT_HASH_BYTES);
    return TRUE;
}

gboolean
rb_sqlite_chain(RbSqliteConn *conn, RbAuditChain *chain, GError **error)
{
    sqlite3_stmt *statement = rb_sqlite_statement(conn, RB_SQL_CHAIN, error);
    gboolean read = FALSE;
    int result;

    if (statement == NULL)
        return FALSE;
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        chain->head.seq = sqlite3_column_int64(statement, 1);
        read = (column_hash(statement, 0, chain->genesis) && column_hash(statement, 2, chain->head.hash)) ||
               rb_fault(error, RB_FAULT_STORE,
                        "the head of the audit log is damaged; restore the last good copy");
    } else if (result == SQLITE_DONE) {
        (void)rb_fault(error, RB_FAULT_STORE,
                       "the head of the audit log is missing; restore the last good copy");
    } else {
        (void)rb_sqlite_fault(conn, "reading", error);
    }
    rb_sqlite_done(statement);
    return read;
}

/* The conditions of a filter: SQL of ours with parameters; never text from outside. */
static sqlite3_stmt *
select_audit(RbSqliteConn *reader, const RbAuditFilter *filter, GError **error)
{
    const struct {
        const char *sql, *value;
    } conditions[] = {
        { " AND kind = ?", filter->kind },
        { " AND name = ?", filter->name },
        { " AND ? IN (account, account_name)", filter->account },
        { " AND role = ?", filter->role },
        { " AND code = ?", filter->code },
        { " AND incident = ?", filter->incident },
        { " AND access_key_id = ?", filter->access_key_id },
        { " AND family = ?", filter->family },
    };
    g_autofree char *since = filter->since != 0 ? rb_time_format(filter->since) : NULL;
    g_autofree char *until = filter->until != 0 ? rb_time_format(filter->until) : NULL;
    g_autoptr(GString) sql = g_string_new("SELECT seq, record, hash FROM audit WHERE TRUE");
    g_autoptr(sqlite3_stmt) statement = NULL;
    int n = 0;

    g_string_append(sql, since != NULL ? " AND time >= ?" : "");
    g_string_append(sql, until != NULL ? " AND time < ?" : "");
    for (gsize i = 0; i < G_N_ELEMENTS(conditions); i++)
        g_string_append(sql, conditions[i].value != NULL ? conditions[i].sql : "");
    g_string_append(sql, filter->newest ? " ORDER BY seq DESC LIMIT ?" : " ORDER BY seq LIMIT ?");
    if (sqlite3_prepare_v2(reader->db, sql->str, -1, &statement, NULL) != SQLITE_OK) {
        (void)rb_sqlite_fault(reader, "reading", error);
        return NULL;
    }
    if (since != NULL)
        (void)sqlite3_bind_text(statement, ++n, since, -1, SQLITE_TRANSIENT);
    if (until != NULL)
        (void)sqlite3_bind_text(statement, ++n, until, -1, SQLITE_TRANSIENT);
    for (gsize i = 0; i < G_N_ELEMENTS(conditions); i++)
        if (conditions[i].value != NULL)
            rb_sqlite_bind_text(statement, ++n, conditions[i].value);
    (void)sqlite3_bind_int64(statement, ++n, filter->limit != 0 ? (gint64)filter->limit : -1);
    return g_steal_pointer(&statement);
}

static gboolean
visit_rows(RbSqliteConn *reader, sqlite3_stmt *statement, RbAuditVisitor visitor, gpointer data,
           GError **error)
{
    GError *stop = NULL;
    int result;

    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        RbAuditRow row = { .seq = sqlite3_column_int64(statement, 0), .text = column_text(statement, 1) };
        row.size = (gsize)sqlite3_column_bytes(statement, 1);
        if (row.text == NULL || !column_hash(statement, 2, row.hash))
            return rb_refuse(error, RB_AUDIT_BROKEN, "record %" G_GINT64_FORMAT " is damaged", row.seq);
        if (visitor(&row, data, &stop))
            continue;
        if (stop == NULL)
            return TRUE;
        g_propagate_error(error, stop);
        return FALSE;
    }
    return result == SQLITE_DONE || rb_sqlite_fault(reader, "reading the audit log of", error);
}

static gboolean
audit_with(RbSqliteConn *reader, const RbAuditFilter *filter, RbAuditChain *chain, RbAuditVisitor visitor,
           gpointer data, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = NULL;

    if (chain != NULL && !rb_sqlite_chain(reader, chain, error))
        return FALSE;
    statement = select_audit(reader, filter, error);
    return statement != NULL && visit_rows(reader, statement, visitor, data, error);
}

gboolean
rb_sqlite_audit(gpointer self, const RbAuditFilter *filter, RbAuditChain *chain, RbAuditVisitor visitor,
                gpointer data, GError **error)
{
    RbSqlite *sqlite = self;
    RbSqliteConn *reader = rb_sqlite_reader(sqlite);
    gboolean done = rb_sqlite_step(reader, RB_SQL_BEGIN_READ, error); /* rows and head of one moment */

    if (done) {
        done = audit_with(reader, filter, chain, visitor, data, error);
        (void)rb_sqlite_step(reader, RB_SQL_COMMIT, NULL); /* nothing was written that this could lose */
    }
    rb_sqlite_return(sqlite, reader);
    return done;
}
