#include "base/encoding.h"
#include "store/sqlite_priv.h"

/* What SQLite calls it, and what somebody can do about it. */
static const char *
advice(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return "free space on its disk";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "end the other program that has it open for writing";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "the file is damaged: keep it, and restore the last good copy (docs/store.md)";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return "check that the file and its folder are there and belong to the service's user";
    case SQLITE_IOERR:
        return "check its disk";
    default:
        return "restart the service; if it stays, report this";
    }
}

gboolean
rb_sqlite_fault(RbSqliteConn *conn, const char *doing, GError **error)
{
    g_autofree char *path = rb_text_quote(conn->path);
    int code = sqlite3_extended_errcode(conn->db);

    return rb_fault(error, RB_FAULT_STORE, "%s %s: %s (SQLite %d); %s", doing, path, sqlite3_errmsg(conn->db),
                    code, advice(code));
}

gboolean
rb_sqlite_exec(RbSqliteConn *conn, const char *sql, const char *doing, GError **error)
{
    if (sqlite3_exec(conn->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return rb_sqlite_fault(conn, doing, error);
    return TRUE;
}

gboolean
rb_sqlite_number(RbSqliteConn *conn, const char *sql, gint64 *number, GError **error)
{
    g_autoptr(sqlite3_stmt) statement = NULL;

    if (sqlite3_prepare_v2(conn->db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        return rb_sqlite_fault(conn, "reading", error);
    *number = sqlite3_column_int64(statement, 0);
    return TRUE;
}

static const char *const statements[RB_SQL_N] = {
    [RB_SQL_GET] = "SELECT owner, created_at, expires_at, body FROM record "
                   "WHERE kind = ?1 AND key = ?2 AND expires_at > ?3",
    [RB_SQL_LIST] = "SELECT owner, created_at, expires_at, body, key FROM record "
                    "WHERE kind = ?1 AND owner = ?2 AND expires_at > ?3 "
                    "ORDER BY created_at DESC, id DESC LIMIT ?4",
    [RB_SQL_LIST_ALL] = "SELECT owner, created_at, expires_at, body, key FROM record "
                        "WHERE kind = ?1 AND ?2 IS NULL AND expires_at > ?3 "
                        "ORDER BY created_at DESC, id DESC LIMIT ?4",
    [RB_SQL_CHAIN] = "SELECT genesis, seq, hash FROM audit_head",
    [RB_SQL_BEGIN_READ] = "BEGIN",
    [RB_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [RB_SQL_SAVEPOINT] = "SAVEPOINT batch",
    [RB_SQL_RELEASE] = "RELEASE batch",
    [RB_SQL_UNDO] = "ROLLBACK TO batch",
    [RB_SQL_COMMIT] = "COMMIT",
    [RB_SQL_ROLLBACK] = "ROLLBACK",
    [RB_SQL_ADD] =
        "INSERT INTO record (kind, key, owner, created_at, expires_at, body) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
        "ON CONFLICT (kind, key) DO UPDATE SET owner = ?3, created_at = ?4, expires_at = ?5, body = ?6 "
        "WHERE record.expires_at <= ?4",
    [RB_SQL_PUT] =
        "INSERT INTO record (kind, key, owner, created_at, expires_at, body) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
        "ON CONFLICT (kind, key) DO UPDATE SET owner = ?3, created_at = ?4, expires_at = ?5, body = ?6",
    [RB_SQL_TAKE] = "DELETE FROM record WHERE kind = ?1 AND key = ?2 AND expires_at > ?3",
    [RB_SQL_DROP] = "DELETE FROM record WHERE kind = ?1 AND key = ?2",
    [RB_SQL_DROP_OWNER] = "DELETE FROM record WHERE kind = ?1 AND owner = ?2",
    [RB_SQL_AUDIT] = "INSERT INTO audit (seq, record, hash) VALUES (?1, ?2, ?3)",
    [RB_SQL_SET_HEAD] = "UPDATE audit_head SET seq = ?1, hash = ?2",
    [RB_SQL_SWEEP] = "DELETE FROM record WHERE id IN (SELECT id FROM record WHERE expires_at <= ?1 LIMIT ?2)",
};

sqlite3_stmt *
rb_sqlite_statement(RbSqliteConn *conn, RbSql sql, GError **error)
{
    sqlite3_stmt **statement = &conn->statements[sql];

    if (*statement == NULL && sqlite3_prepare_v3(conn->db, statements[sql], -1, SQLITE_PREPARE_PERSISTENT,
                                                 statement, NULL) != SQLITE_OK)
        (void)rb_sqlite_fault(conn, "preparing to use", error);
    return *statement;
}

void
rb_sqlite_done(sqlite3_stmt *statement)
{
    (void)sqlite3_reset(statement); /* repeats the error of the last step, which was looked at there */
    (void)sqlite3_clear_bindings(statement); /* always SQLITE_OK */
}

gboolean
rb_sqlite_step(RbSqliteConn *conn, RbSql sql, GError **error)
{
    sqlite3_stmt *statement = rb_sqlite_statement(conn, sql, error);
    gboolean done;

    if (statement == NULL)
        return FALSE;
    done = sqlite3_step(statement) == SQLITE_DONE || rb_sqlite_fault(conn, "writing", error);
    rb_sqlite_done(statement);
    return done;
}

void
rb_sqlite_bind_text(sqlite3_stmt *statement, int i, const char *text)
{
    /* The text lives until rb_sqlite_done; a size too large for SQLite fails the step that follows. */
    (void)sqlite3_bind_text(statement, i, text, -1, SQLITE_STATIC);
}

/* WAL and FULL: what COMMIT said is done survives a power cut. secure_delete: an ended session's bytes are
 * gone. A checkpoint each 32 MB instead of 4, and 64 MB of cache: keys are random, so each write touches
 * other pages; one that is touched again before the checkpoint is written back once. */
static const char writer_settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                      "PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;"
                                      "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192;"
                                      "PRAGMA journal_size_limit = 134217728";

static gboolean
configure(RbSqliteConn *conn, gboolean read_only, GError **error)
{
    const char *sql = read_only ? "PRAGMA query_only = ON" : writer_settings;

    (void)sqlite3_busy_timeout(conn->db, RB_SQLITE_BUSY_MS); /* always SQLITE_OK */
    if (sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
        sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL) != SQLITE_OK)
        return rb_sqlite_fault(conn, "opening", error);
    return rb_sqlite_exec(conn, sql, "opening", error);
}

RbSqliteConn *
rb_sqlite_conn_open(const char *path, gboolean read_only, GError **error)
{
    g_autoptr(RbSqliteConn) conn = g_new0(RbSqliteConn, 1);
    int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_EXRESCODE;

    conn->path = path;
    if (sqlite3_open_v2(path, &conn->db, flags, NULL) != SQLITE_OK) {
        (void)rb_sqlite_fault(conn, "opening", error);
        return NULL;
    }
    return configure(conn, read_only, error) ? g_steal_pointer(&conn) : NULL;
}

void
rb_sqlite_conn_close(RbSqliteConn *conn)
{
    if (conn == NULL)
        return;
    for (gsize i = 0; i < RB_SQL_N; i++)
        sqlite3_finalize(conn->statements[i]);
    (void)sqlite3_close(conn->db); /* nothing is left open in it: its statements are gone */
    g_free(conn);
}
