#ifndef RB_TESTS_SUPPORT_FOLDER_H
#define RB_TESTS_SUPPORT_FOLDER_H

#include <glib.h>
#include <glib/gstdio.h>

/** remove_tree: @path, a file or a folder with all that is in it; what is not there is no mistake. */
static inline void
remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *entry = g_build_filename(path, name, NULL);
        remove_tree(entry);
    }
    g_clear_pointer(&dir, g_dir_close);
    (void)g_remove(path);
}

#endif
