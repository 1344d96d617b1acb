#include "base/file.h"

#include "base/encoding.h"
#include "base/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
fault_errno(GError **error, const char *path, const char *what)
{
    int saved = errno;
    g_autofree char *quoted = rb_text_quote(path);

    return rb_fault(error, RB_FAULT_FILE, "%s: cannot %s: %s", quoted, what, g_strerror(saved));
}

/* Opens a regular file of at most @max_size bytes. Returns: the descriptor, or -1. */
static int
open_checked(const char *path, gsize max_size, struct stat *st, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    g_autofree char *quoted = rb_text_quote(path);

    if (fd < 0) {
        (void)fault_errno(error, path, "read");
        return -1;
    }
    if (fstat(fd, st) != 0)
        (void)fault_errno(error, path, "read");
    else if (!S_ISREG(st->st_mode))
        (void)rb_fault(error, RB_FAULT_FILE, "%s: not a regular file", quoted);
    else if ((guint64)st->st_size > max_size)
        (void)rb_fault(error, RB_FAULT_FILE,
                       "%s: %" G_GINT64_FORMAT " bytes; at most %" G_GSIZE_FORMAT " are read", quoted,
                       (gint64)st->st_size, max_size);
    else
        return fd;
    (void)close(fd);
    return -1;
}

static gboolean
read_all(int fd, char *buffer, gsize size, gsize *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = read(fd, buffer + *got, size - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        if (n == 0)
            break;
        *got += (gsize)n;
    }
    return TRUE;
}

/* Reads what open_checked() opened into a buffer with a NUL behind; closes @fd. */
static char *
slurp(int fd, const char *path, const struct stat *st, gsize *size, GError **error)
{
    char *buffer = g_malloc0((gsize)st->st_size + 1);
    gboolean ok = read_all(fd, buffer, (gsize)st->st_size, size);

    if (!ok)
        (void)fault_errno(error, path, "read");
    (void)close(fd);
    if (!ok)
        g_clear_pointer(&buffer, g_free);
    return buffer;
}

GBytes *
rb_file_read(const char *path, gsize max_size, GError **error)
{
    struct stat st;
    gsize size;
    int fd = open_checked(path, max_size, &st, error);
    char *buffer = fd < 0 ? NULL : slurp(fd, path, &st, &size, error);

    return buffer == NULL ? NULL : g_bytes_new_take(buffer, size);
}

static gboolean
check_private(const char *path, const struct stat *st, GError **error)
{
    g_autofree char *quoted = rb_text_quote(path);
    gboolean ours = st->st_uid == geteuid() || st->st_uid == 0;
    gboolean group_ours = st->st_gid == getegid() || st->st_gid == 0;

    if (!ours)
        return rb_fault(error, RB_FAULT_FILE, "%s: owned by another user; make it this service's own",
                        quoted);
    if ((st->st_mode & (S_IRWXO | S_IWGRP)) != 0 || ((st->st_mode & S_IRGRP) != 0 && !group_ours))
        return rb_fault(error, RB_FAULT_FILE,
                        "%s: others may read or change it (mode %03o); run: chmod 600 %s", quoted,
                        (guint)(st->st_mode & 0777), quoted);
    return TRUE;
}

RbSecret *
rb_file_read_secret(const char *path, gsize max_size, gboolean strip_newline, GError **error)
{
    struct stat st;
    gsize size;
    char *buffer;
    RbSecret *secret;
    int fd = open_checked(path, max_size, &st, error);

    if (fd < 0)
        return NULL;
    if (!check_private(path, &st, error)) {
        (void)close(fd);
        return NULL;
    }
    buffer = slurp(fd, path, &st, &size, error);
    if (buffer == NULL)
        return NULL;
    secret = rb_secret_new(buffer, strip_newline && size > 0 && buffer[size - 1] == '\n' ? size - 1 : size);
    rb_wipe(buffer, size);
    g_free(buffer);
    return secret;
}

static gboolean
write_all(int fd, const char *data, gsize size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        data += n;
        size -= (gsize)n;
    }
    return TRUE;
}

static void
sync_directory(const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)fsync(fd); /* some file systems cannot; the rename is atomic all the same */
    (void)close(fd);
}

gboolean
rb_file_write(const char *path, const void *data, gsize size, guint mode, GError **error)
{
    g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, (int)mode);
    gboolean ok;

    if (fd < 0)
        return fault_errno(error, path, "write");
    ok = fchmod(fd, mode) == 0 && write_all(fd, data, size) && fsync(fd) == 0;
    if (!ok)
        (void)fault_errno(error, path, "write");
    if (close(fd) != 0 && ok)
        ok = fault_errno(error, path, "write");
    if (ok && rename(temporary, path) != 0)
        ok = fault_errno(error, path, "replace");
    if (ok)
        sync_directory(path);
    else
        (void)unlink(temporary);
    return ok;
}
