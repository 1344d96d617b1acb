#include "base/encoding.h"
#include "store/sqlite_priv.h"

/*
 * The format of the file. `migrations[n]` brings version n to n + 1; what has been released is never changed,
 * only followed by another.
 */
static const char *const migrations[RB_SQLITE_VERSION] = {
    "CREATE TABLE record ("
    "  id INTEGER PRIMARY KEY,"
    "  kind TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  owner TEXT,"
    "  created_at INTEGER NOT NULL,"
    "  expires_at INTEGER NOT NULL,"
    "  body TEXT NOT NULL,"
    "  UNIQUE (kind, key)"
    ") STRICT;"
    "CREATE INDEX record_owner ON record (kind, owner, created_at) WHERE owner IS NOT NULL;"
    "CREATE INDEX record_expiry ON record (expires_at);"
    /* One truth: what is looked for is computed from the record that is hashed, and cannot differ from it. */
    "CREATE TABLE audit ("
    "  seq INTEGER PRIMARY KEY,"
    "  record TEXT NOT NULL,"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32),"
    "  time TEXT AS (CAST(record ->> '$.time' AS TEXT)) VIRTUAL,"
    "  kind TEXT AS (CAST(record ->> '$.kind' AS TEXT)) VIRTUAL,"
    "  incident TEXT AS (CAST(record ->> '$.incident' AS TEXT)) VIRTUAL,"
    "  name TEXT AS (CAST(record ->> '$.name' AS TEXT)) VIRTUAL,"
    "  account TEXT AS (CAST(record ->> '$.account' AS TEXT)) VIRTUAL,"
    "  account_name TEXT AS (CAST(record ->> '$.account_name' AS TEXT)) VIRTUAL,"
    "  role TEXT AS (CAST(record ->> '$.role' AS TEXT)) VIRTUAL,"
    "  code TEXT AS (CAST(record ->> '$.code' AS TEXT)) VIRTUAL,"
    "  family TEXT AS (CAST(record ->> '$.family' AS TEXT)) VIRTUAL,"
    "  access_key_id TEXT AS (CAST(record ->> '$.access_key_id' AS TEXT)) VIRTUAL"
    ") STRICT;"
    "CREATE INDEX audit_time ON audit (time);"
    "CREATE INDEX audit_incident ON audit (incident) WHERE incident IS NOT NULL;"
    "CREATE INDEX audit_name ON audit (name) WHERE name IS NOT NULL;"
    "CREATE INDEX audit_family ON audit (family) WHERE family IS NOT NULL;"
    "CREATE INDEX audit_access_key ON audit (access_key_id) WHERE access_key_id IS NOT NULL;"
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
    "  BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;"
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
    "  BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;"
    "CREATE TABLE audit_head ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  genesis BLOB NOT NULL CHECK (length(genesis) = 32),"
    "  seq INTEGER NOT NULL,"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32)"
    ") STRICT;"
    "INSERT INTO audit_head VALUES (1, zeroblob(32), 0, zeroblob(32));"
    "UPDATE audit_head SET genesis = randomblob(32);"
    "UPDATE audit_head SET hash = genesis;"
    "CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head"
    "  BEGIN SELECT RAISE(ABORT, 'the audit log keeps its head'); END;"
    "CREATE TRIGGER audit_genesis_stays BEFORE UPDATE OF genesis ON audit_head"
    "  BEGIN SELECT RAISE(ABORT, 'the audit log keeps its genesis'); END;",
};

#define APPLICATION_ID 0x52426467 /* "RBdg" */

gboolean
rb_sqlite_check_version(RbSqliteConn *conn, gint64 *version, GError **error)
{
    g_autofree char *path = rb_text_quote(conn->path);
    gint64 application, tables;

    if (!rb_sqlite_number(conn, "PRAGMA application_id", &application, error) ||
        !rb_sqlite_number(conn, "PRAGMA user_version", version, error) ||
        !rb_sqlite_number(conn, "SELECT count(*) FROM sqlite_schema", &tables, error))
        return FALSE;
    if (tables != 0 && application != APPLICATION_ID)
        return rb_fault(error, RB_FAULT_STORE, "%s is the database of another program; name another file",
                        path);
    if (*version > RB_SQLITE_VERSION)
        return rb_fault(error, RB_FAULT_STORE,
                        "%s has format %" G_GINT64_FORMAT
                        ", made by a newer rolebridge than this, which knows up "
                        "to %d; use that version, or restore a copy from before the upgrade",
                        path, *version, RB_SQLITE_VERSION);
    return TRUE;
}

static gboolean
migrate_once(RbSqliteConn *conn, gint64 version, GError **error)
{
    g_autofree char *mark =
        g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %" G_GINT64_FORMAT "; COMMIT",
                        APPLICATION_ID, version + 1);

    if (!rb_sqlite_exec(conn, "BEGIN IMMEDIATE", "migrating", error))
        return FALSE;
    if (rb_sqlite_exec(conn, migrations[version], "migrating", error) &&
        rb_sqlite_exec(conn, mark, "migrating", error))
        return TRUE;
    (void)sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL); /* already failing; @error says why */
    return FALSE;
}

gboolean
rb_sqlite_migrate(RbSqliteConn *conn, GError **error)
{
    gint64 version;

    if (!rb_sqlite_check_version(conn, &version, error))
        return FALSE;
    for (; version < RB_SQLITE_VERSION; version++)
        if (!migrate_once(conn, version, error))
            return FALSE;
    return TRUE;
}
