#include "rolebridged/watch.h"

#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 4, ENTRIES_MAX = 50000 };

struct RbWatch {
    char *directory;
    char *acted; /* what it looked like when the change was last reported */
    char *last;  /* and at the last look */
};

static void
add_entry(GPtrArray *lines, const char *path, const struct stat *st)
{
    g_ptr_array_add(lines, g_strdup_printf("%s %lu:%lu %ld %ld.%ld", path, (gulong)st->st_dev,
                                           (gulong)st->st_ino, (glong)st->st_size, (glong)st->st_mtim.tv_sec,
                                           (glong)st->st_mtim.tv_nsec));
}

static void
look(const char *directory, guint depth, GPtrArray *lines)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name;

    while (dir != NULL && lines->len < ENTRIES_MAX && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        struct stat st;
        if (name[0] == '.' || stat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
            look(path, depth + 1, lines);
        else if (S_ISREG(st.st_mode))
            add_entry(lines, path, &st);
    }
}

static gint
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *
fingerprint(const char *directory)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    look(directory, 0, lines);
    g_ptr_array_sort(lines, by_text);
    for (guint i = 0; i < lines->len; i++) /* with its NUL */
        g_checksum_update(sum, g_ptr_array_index(lines, i), (gssize)strlen(g_ptr_array_index(lines, i)) + 1);
    return g_strdup(g_checksum_get_string(sum));
}

RbWatch *
rb_watch_new(const char *directory)
{
    RbWatch *watch = g_new0(RbWatch, 1);

    watch->directory = g_strdup(directory);
    watch->acted = fingerprint(directory);
    watch->last = g_strdup(watch->acted);
    return watch;
}

void
rb_watch_free(RbWatch *watch)
{
    if (watch == NULL)
        return;
    g_free(watch->directory);
    g_free(watch->acted);
    g_free(watch->last);
    g_free(watch);
}

gboolean
rb_watch_settled(RbWatch *watch)
{
    char *now = fingerprint(watch->directory);
    gboolean quiet = g_str_equal(now, watch->last);

    g_free(watch->last);
    watch->last = now;
    if (!quiet || g_str_equal(now, watch->acted))
        return FALSE;
    g_free(watch->acted);
    watch->acted = g_strdup(now);
    return TRUE;
}
