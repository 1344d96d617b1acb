#include "mapping/priv.h"

#include "base/encoding.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* What a mapping directory may hold. */
static const char *const top_files[] = { "accounts.yaml", "assignments.yaml", NULL };
static const char *const folders[] = { "assignments", "managed", "policies", "roles", NULL };

/* One directory being listed. */
typedef struct {
    char *root; /* resolved: what links must stay below */
    GPtrArray *files;
    RbDiagnostics *problems;
} Scan;

void
rb_mapping_file_free(gpointer data)
{
    RbMappingFile *file = data;

    g_free(file->name);
    g_bytes_unref(file->bytes);
    g_free(file);
}

/* Follows every link of @path; it must end below the root. */
static gboolean
stays_inside(const Scan *s, const char *path, const char *name)
{
    char *resolved = realpath(path, NULL);
    gsize n = strlen(s->root);
    gboolean inside = resolved != NULL && strncmp(resolved, s->root, n) == 0 &&
                      (resolved[n] == '/' || s->root[n - 1] == '/');

    if (resolved == NULL)
        rb_diagnostics_error(s->problems, name, 0, 0, NULL, "cannot be read: %s", g_strerror(errno));
    else if (!inside)
        rb_diagnostics_error(s->problems, name, 0, 0, "put the file itself here",
                             "a link to a file outside of the mapping directory");
    free(resolved);
    return inside;
}

static void
add_file(Scan *s, const char *path, const char *name)
{
    g_autoptr(GError) error = NULL;
    GBytes *bytes;
    RbMappingFile *file;
    struct stat st;

    if (!stays_inside(s, path, name))
        return;
    if (stat(path, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
        rb_diagnostics_warning(s->problems, name, 0, 0, "run: chmod o-w on it",
                               "anybody on this machine can change who gets access");
    bytes = rb_file_read(path, RB_YAML_MAX_SIZE, &error);
    if (bytes == NULL) {
        rb_diagnostics_error(s->problems, name, 0, 0, NULL, "%s", error->message);
        return;
    }
    file = g_new0(RbMappingFile, 1);
    file->name = g_strdup(name);
    file->bytes = bytes;
    g_ptr_array_add(s->files, file);
}

static gint
compare_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in @path in order, without hidden ones. NULL after an error. */
static GPtrArray *
list(const Scan *s, const char *path, const char *shown)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(path, 0, &error);
    GPtrArray *names;
    const char *name;

    if (dir == NULL) {
        rb_diagnostics_error(s->problems, shown, 0, 0, NULL, "cannot be read: %s", error->message);
        return NULL;
    }
    names = g_ptr_array_new_with_free_func(g_free);
    while ((name = g_dir_read_name(dir)) != NULL && names->len <= RB_MAPPING_MAX_FILES)
        if (*name != '.')
            g_ptr_array_add(names, g_strdup(name));
    if (names->len > RB_MAPPING_MAX_FILES)
        rb_diagnostics_error(s->problems, shown, 0, 0, "is it the right directory?", "more than %d entries",
                             RB_MAPPING_MAX_FILES);
    g_ptr_array_sort(names, compare_text);
    return names;
}

static void
scan_folder(Scan *s, const char *path, const char *folder)
{
    g_autoptr(GPtrArray) names = NULL;

    if (!stays_inside(s, path, folder))
        return;
    names = list(s, path, folder);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *child = g_build_filename(path, name, NULL);
        g_autofree char *shown = g_strdup_printf("%s/%s", folder, name);
        const char *suffix = g_str_equal(folder, "managed") ? ".json" : ".yaml";
        g_autofree char *hint = g_strdup_printf("only %s files here are read", suffix);
        if (g_str_has_suffix(name, suffix) && !g_file_test(child, G_FILE_TEST_IS_DIR))
            add_file(s, child, shown);
        else
            rb_diagnostics_warning(s->problems, shown, 0, 0, hint, "ignored");
    }
}

static void
scan_unknown(Scan *s, const char *name, gboolean is_folder)
{
    const char *near = rb_text_nearest(name, is_folder ? folders : top_files);
    g_autofree char *hint = near == NULL
                                ? g_strdup("known here: accounts.yaml, assignments.yaml, "
                                           "assignments/, managed/, policies/, roles/, schema/, *.xml")
                                : g_strdup_printf("did you mean '%s'?", near);

    if (!is_folder && g_str_has_suffix(name, ".yaml"))
        rb_diagnostics_error(s->problems, name, 0, 0, hint, "not a file of a mapping");
    else
        rb_diagnostics_warning(s->problems, name, 0, 0, hint, "ignored");
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const RbMappingFile *const *)a)->name, (*(const RbMappingFile *const *)b)->name);
}

static void
scan_top(Scan *s)
{
    g_autoptr(GPtrArray) names = list(s, s->root, ".");

    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *child = g_build_filename(s->root, name, NULL);
        gboolean is_folder = g_file_test(child, G_FILE_TEST_IS_DIR);
        if (is_folder && g_strv_contains(folders, name))
            scan_folder(s, child, name);
        else if (!is_folder && (g_strv_contains(top_files, name) || g_str_has_suffix(name, ".xml")))
            add_file(s, child, name); /* .xml: what bridge.metadata may name */
        else if (!is_folder || !g_str_equal(name, "schema"))
            scan_unknown(s, name, is_folder);
    }
}

GPtrArray *
rb_mapping_scan(const char *directory, RbDiagnostics *problems)
{
    char *resolved = realpath(directory, NULL);
    Scan s = { resolved, g_ptr_array_new_with_free_func(rb_mapping_file_free), problems };

    if (resolved == NULL)
        rb_diagnostics_error(problems, directory, 0, 0, NULL, "cannot be read: %s", g_strerror(errno));
    else
        scan_top(&s);
    free(resolved);
    g_ptr_array_sort(s.files, by_name);
    return s.files;
}
