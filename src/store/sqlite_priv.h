#ifndef RB_STORE_SQLITE_PRIV_H
#define RB_STORE_SQLITE_PRIV_H

#include "store/priv.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/types.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

/* The statements of a connection, prepared when first used and kept. */
typedef enum {
    RB_SQL_GET,
    RB_SQL_LIST,
    RB_SQL_LIST_ALL,
    RB_SQL_CHAIN,
    RB_SQL_BEGIN_READ,
    RB_SQL_BEGIN,
    RB_SQL_SAVEPOINT,
    RB_SQL_RELEASE,
    RB_SQL_UNDO,
    RB_SQL_COMMIT,
    RB_SQL_ROLLBACK,
    RB_SQL_ADD,
    RB_SQL_PUT,
    RB_SQL_TAKE,
    RB_SQL_DROP,
    RB_SQL_DROP_OWNER,
    RB_SQL_AUDIT,
    RB_SQL_SET_HEAD,
    RB_SQL_SWEEP,
    RB_SQL_N
} RbSql;

/* One connection; used by one thread at a time. */
typedef struct {
    sqlite3 *db;
    sqlite3_stmt *statements[RB_SQL_N];
    const char *path; /* for messages */
} RbSqliteConn;

enum { RB_SQLITE_READERS = 4, RB_SQLITE_BUSY_MS = 5000, RB_SQLITE_VERSION = 1 };

typedef struct {
    char *path;
    int lock_fd; /* -1: read-only */
    RbSqliteConn *writer;
    RbAuditChain chain; /* writer only: the chain within the open transaction */
    gboolean head_moved;
    dev_t device; /* of the file we opened, and of its write-ahead log: both must stay where they are */
    ino_t inode, wal_inode;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t returned;
    RbSqliteConn *readers[RB_SQLITE_READERS]; /* the free ones first */
    guint n_free;
} RbSqlite;

/** rb_sqlite_fault: what SQLite says went wrong while @doing, as fault.store with what to do. FALSE. */
gboolean rb_sqlite_fault(RbSqliteConn *conn, const char *doing, GError **error);
/** rb_sqlite_exec: @sql that takes and gives nothing. */
gboolean rb_sqlite_exec(RbSqliteConn *conn, const char *sql, const char *doing, GError **error);
/** rb_sqlite_number: @sql that gives one number. */
gboolean rb_sqlite_number(RbSqliteConn *conn, const char *sql, gint64 *number, GError **error);
/** rb_sqlite_statement: (transfer none): ready to bind; NULL with @error. Call rb_sqlite_done() after use. */
sqlite3_stmt *rb_sqlite_statement(RbSqliteConn *conn, RbSql sql, GError **error);
void rb_sqlite_done(sqlite3_stmt *statement);
/** rb_sqlite_step: runs @sql, which takes and gives nothing. */
gboolean rb_sqlite_step(RbSqliteConn *conn, RbSql sql, GError **error);
void rb_sqlite_bind_text(sqlite3_stmt *statement, int i, const char *text); /* NULL: SQL's NULL */

RbSqliteConn *rb_sqlite_conn_open(const char *path, gboolean read_only, GError **error);
void rb_sqlite_conn_close(RbSqliteConn *conn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSqliteConn, rb_sqlite_conn_close)

/** rb_sqlite_migrate: creates the tables, or brings them up to this program's version. */
gboolean rb_sqlite_migrate(RbSqliteConn *conn, GError **error);
/** rb_sqlite_check_version: whether this program can read the file as it is. */
gboolean rb_sqlite_check_version(RbSqliteConn *conn, gint64 *version, GError **error);

/** rb_sqlite_chain: the chain as noted in the file. */
gboolean rb_sqlite_chain(RbSqliteConn *conn, RbAuditChain *chain, GError **error);

/** rb_sqlite_reader: a reading connection of the pool, waiting for one; give it back. */
RbSqliteConn *rb_sqlite_reader(RbSqlite *sqlite);
void rb_sqlite_return(RbSqlite *sqlite, RbSqliteConn *reader);

/** rb_sqlite_in_place: whether the files we write to are still the ones at their path. */
gboolean rb_sqlite_in_place(RbSqlite *sqlite, GError **error);

/* The slots of RbStoreType. */
RbRecord *rb_sqlite_get(gpointer self, RbRecordKind kind, const char *key, gint64 now, GError **error);
GPtrArray *rb_sqlite_list(gpointer self, RbRecordKind kind, const char *owner, gint64 now, guint max,
                          GError **error);
gboolean rb_sqlite_audit(gpointer self, const RbAuditFilter *filter, RbAuditChain *chain,
                         RbAuditVisitor visitor, gpointer data, GError **error);
gboolean rb_sqlite_begin(gpointer self, GError **error);
gboolean rb_sqlite_apply(gpointer self, const RbBatch *batch, gint64 now, GError **error);
gint rb_sqlite_sweep(gpointer self, gint64 now, guint max, GError **error);
gboolean rb_sqlite_touch(gpointer self, GError **error);
gboolean rb_sqlite_commit(gpointer self, GError **error);
void rb_sqlite_rollback(gpointer self);

#endif
