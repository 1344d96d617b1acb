#ifndef RB_BASE_FILE_H
#define RB_BASE_FILE_H

#include "base/secret.h"

#include <glib.h>

/**
 * rb_file_read: a regular file's bytes, at most @max_size (checked before anything is allocated).
 * Returns: (transfer full): the bytes, or NULL with fault.file naming path and reason
 */
GBytes *rb_file_read(const char *path, gsize max_size, GError **error);

/**
 * rb_file_read_secret: the same for a key, token or password: refused when the file is readable or writable
 * by others, or by the group unless the group is root's or ours. One trailing newline is cut off with
 * @strip_newline.
 */
RbSecret *rb_file_read_secret(const char *path, gsize max_size, gboolean strip_newline, GError **error);

/**
 * rb_file_write: replaces @path whole or not at all: a temporary file beside it with @mode, fsync, rename,
 * fsync of the directory. A symbolic link at @path is replaced, not followed.
 */
gboolean rb_file_write(const char *path, const void *data, gsize size, guint mode, GError **error);

#endif
