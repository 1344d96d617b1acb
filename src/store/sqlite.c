#include "store/sqlite_priv.h"

#include "base/encoding.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
fault_errno(const char *doing, const char *path, GError **error)
{
    int code = errno;
    g_autofree char *quoted = rb_text_quote(path);

    return rb_fault(error, RB_FAULT_STORE,
                    "%s %s: %s; check that its folder is there and belongs to the service's user", doing,
                    quoted, g_strerror(code));
}

/* Ours alone: a session in this file is a sign-in, whoever may read it may look for one. */
static gboolean
check_mode(const char *path, gboolean must_exist, GError **error)
{
    g_autofree char *quoted = rb_text_quote(path);
    struct stat found;

    if (lstat(path, &found) != 0)
        return (!must_exist && errno == ENOENT) || fault_errno("opening", path, error);
    if (!S_ISREG(found.st_mode))
        return rb_fault(error, RB_FAULT_STORE, "%s is not a regular file; name the file itself", quoted);
    if (found.st_mode & 077)
        return rb_fault(error, RB_FAULT_STORE, "%s is open to others (mode %03o); chmod 600 it", quoted,
                        found.st_mode & 0777U);
    return TRUE;
}

static gboolean
check_files(const char *path, GError **error)
{
    g_autofree char *wal = g_strconcat(path, "-wal", NULL);
    g_autofree char *shm = g_strconcat(path, "-shm", NULL);

    return check_mode(path, TRUE, error) && check_mode(wal, FALSE, error) && check_mode(shm, FALSE, error);
}

/* By us, not by SQLite, so that its mode is private whatever the umask; SQLite gives its own files the same.
 */
static gboolean
create_file(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd >= 0)
        return close(fd) == 0 || fault_errno("creating", path, error);
    return errno == EEXIST || fault_errno("creating", path, error);
}

/* Advisory, and beside the database: SQLite's own locks are let go between transactions. */
static gboolean
take_lock(RbSqlite *sqlite, GError **error)
{
    g_autofree char *path = g_strconcat(sqlite->path, ".lock", NULL);
    g_autofree char *quoted = rb_text_quote(sqlite->path);

    sqlite->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (sqlite->lock_fd < 0)
        return fault_errno("opening", path, error);
    if (flock(sqlite->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    if (errno != EWOULDBLOCK)
        return fault_errno("locking", path, error);
    return rb_fault(error, RB_FAULT_STORE,
                    "%s is in use by another service; stop that one, or name another file", quoted);
}

/* For a damaged file, a clear answer at start instead of odd ones later. */
static gboolean
check_whole(RbSqliteConn *conn, GError **error)
{
    g_autofree char *path = rb_text_quote(conn->path);
    g_autofree char *said = NULL;
    g_autoptr(sqlite3_stmt) statement = NULL;

    if (sqlite3_prepare_v2(conn->db, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        return rb_sqlite_fault(conn, "checking", error);
    said = rb_text_printable((const char *)sqlite3_column_text(statement, 0), 200);
    if (!g_str_equal(said, "ok"))
        return rb_fault(error, RB_FAULT_STORE,
                        "%s is damaged (%s): keep it, and restore the last good copy (docs/store.md)", path,
                        said);
    return TRUE;
}

static gboolean
find(const char *path, struct stat *found, GError **error)
{
    g_autofree char *quoted = rb_text_quote(path);

    if (stat(path, found) != 0)
        return rb_fault(error, RB_FAULT_STORE,
                        "%s was removed while in use: %s; stop the service, restore the file, start again",
                        quoted, g_strerror(errno));
    return TRUE;
}

gboolean
rb_sqlite_in_place(RbSqlite *sqlite, GError **error)
{
    g_autofree char *wal = g_strconcat(sqlite->path, "-wal", NULL);
    struct stat main_file, wal_file;

    if (!find(sqlite->path, &main_file, error) || !find(wal, &wal_file, error))
        return FALSE;
    if (main_file.st_dev == sqlite->device && main_file.st_ino == sqlite->inode &&
        wal_file.st_ino == sqlite->wal_inode)
        return TRUE;
    return rb_fault(
        error, RB_FAULT_STORE,
        "%s or its -wal was replaced while in use; stop the service, restore the file, start again",
        sqlite->path);
}

/* On some file systems SQLite quietly stays with another journal, under which readers block the writer. */
static gboolean
check_wal(RbSqliteConn *conn, GError **error)
{
    g_autofree char *path = rb_text_quote(conn->path);
    g_autoptr(sqlite3_stmt) statement = NULL;
    const char *mode;

    if (sqlite3_prepare_v2(conn->db, "PRAGMA journal_mode", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        return rb_sqlite_fault(conn, "checking", error);
    mode = (const char *)sqlite3_column_text(statement, 0);
    if (g_strcmp0(mode, "wal") != 0)
        return rb_fault(error, RB_FAULT_STORE,
                        "%s cannot have a write-ahead log; move it to a local file system", path);
    return TRUE;
}

/* The write-ahead log is there from the first write on, and stays until the last connection closes. */
static gboolean
note_place(RbSqlite *sqlite, GError **error)
{
    g_autofree char *wal = g_strconcat(sqlite->path, "-wal", NULL);
    struct stat main_file, wal_file;

    if (!rb_sqlite_exec(sqlite->writer, "UPDATE audit_head SET seq = seq", "writing", error) ||
        !find(sqlite->path, &main_file, error) || !find(wal, &wal_file, error))
        return FALSE;
    sqlite->device = main_file.st_dev;
    sqlite->inode = main_file.st_ino;
    sqlite->wal_inode = wal_file.st_ino;
    return TRUE;
}

static gboolean
open_writer(RbSqlite *sqlite, GError **error)
{
    if (!create_file(sqlite->path, error) || !check_files(sqlite->path, error) || !take_lock(sqlite, error))
        return FALSE;
    sqlite->writer = rb_sqlite_conn_open(sqlite->path, FALSE, error);
    return sqlite->writer != NULL && check_whole(sqlite->writer, error) && check_wal(sqlite->writer, error) &&
           rb_sqlite_migrate(sqlite->writer, error) && note_place(sqlite, error);
}

static gboolean
open_readers(RbSqlite *sqlite, GError **error)
{
    RbSqliteConn *reader;

    while (sqlite->n_free < RB_SQLITE_READERS) {
        reader = rb_sqlite_conn_open(sqlite->path, TRUE, error);
        if (reader == NULL)
            return FALSE;
        sqlite->readers[sqlite->n_free++] = reader;
    }
    return TRUE;
}

static gboolean
check_read_only(RbSqlite *sqlite, GError **error)
{
    gint64 version;

    if (!rb_sqlite_check_version(sqlite->readers[0], &version, error))
        return FALSE;
    if (version < RB_SQLITE_VERSION)
        return rb_fault(error, RB_FAULT_STORE,
                        "%s has the older format %" G_GINT64_FORMAT
                        "; start the service once, which brings it to %d",
                        sqlite->path, version, RB_SQLITE_VERSION);
    return TRUE;
}

static void
sqlite_close(gpointer self)
{
    RbSqlite *sqlite = self;

    while (sqlite->n_free > 0)
        rb_sqlite_conn_close(sqlite->readers[--sqlite->n_free]);
    rb_sqlite_conn_close(sqlite->writer); /* last: it folds the write-ahead log back into the file */
    if (sqlite->lock_fd >= 0)
        (void)close(sqlite->lock_fd); /* lets the lock go; nothing was written there */
    pthread_cond_destroy(&sqlite->returned);
    pthread_mutex_destroy(&sqlite->lock);
    g_free(sqlite->path);
    g_free(sqlite);
}

/* "///absolute/path" or "relative/path" → an absolute path. */
static char *
path_of(const char *location, GError **error)
{
    g_autofree char *quoted = rb_text_quote(location);

    if (g_str_has_prefix(location, "///"))
        return g_canonicalize_filename(location + 2, NULL);
    if (location[0] != '\0' && !g_str_has_prefix(location, "//"))
        return g_canonicalize_filename(location, NULL);
    (void)rb_fault(error, RB_FAULT_STORE,
                   "sqlite: and %s name no file; write sqlite:///absolute/path or sqlite:relative/path",
                   quoted);
    return NULL;
}

static gpointer
sqlite_open(const char *location, gboolean read_only, GError **error)
{
    char *path = path_of(location, error);
    RbSqlite *sqlite;

    if (path == NULL)
        return NULL;
    sqlite = g_new0(RbSqlite, 1);
    sqlite->path = path;
    sqlite->lock_fd = -1;
    pthread_mutex_init(&sqlite->lock, NULL);
    pthread_cond_init(&sqlite->returned, NULL);
    if ((read_only ? check_files(path, error) : open_writer(sqlite, error)) && open_readers(sqlite, error) &&
        (!read_only || check_read_only(sqlite, error)))
        return sqlite;
    sqlite_close(sqlite);
    return NULL;
}

const RbStoreType rb_store_sqlite = {
    .scheme = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .get = rb_sqlite_get,
    .list = rb_sqlite_list,
    .audit = rb_sqlite_audit,
    .begin = rb_sqlite_begin,
    .apply = rb_sqlite_apply,
    .sweep = rb_sqlite_sweep,
    .touch = rb_sqlite_touch,
    .commit = rb_sqlite_commit,
    .rollback = rb_sqlite_rollback,
};
