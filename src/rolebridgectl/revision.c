#include "rolebridgectl/revision.h"

#include "base/encoding.h"
#include "rolebridgectl/command.h"
#include "rolebridgectl/program.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/*
 * A mapping as it stood in a git revision. git is asked by an argument vector, never by a shell, and only for
 * what it has stored: no hook, filter or attribute of the repository runs.
 */

enum {
    REVISION_MAX = 500,           /* bytes of a name */
    FILES_MAX = 20000,            /* of a tree */
    TREE_MAX = 64 * 1024 * 1024,  /* bytes of all of them */
    OUTPUT_MAX = TREE_MAX + 8192, /* of what git says */
};

typedef struct {
    const char *id, *path; /* borrowed from the list */
    guint64 size;
} Blob;

static GQuark
problem(void)
{
    return g_quark_from_static_string("rb-revision");
}

/* What no revision is called, and what git would take for an option. */
static gboolean
check_name(const char *name, GError **error)
{
    gsize n = strlen(name);

    if (n == 0 || n > REVISION_MAX || *name == '-') {
        g_set_error(error, problem(), 0, "no revision is called that");
        return FALSE;
    }
    for (const char *p = name; *p != '\0'; p++)
        if ((guchar)*p < 0x20 || *p == 0x7f) {
            g_set_error(error, problem(), 0, "there are control characters in it");
            return FALSE;
        }
    return TRUE;
}

/* ---- git ---- */

/* (transfer full): what git answers to @args (NULL-terminated) in @where, with @input on its stdin. */
static GBytes *
git(const char *where, const char *const *args, const GString *input, GError **error)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_auto(GStrv) environment = g_get_environ();

    g_ptr_array_add(argv, (gpointer) "git");
    g_ptr_array_add(argv, (gpointer) "-C");
    g_ptr_array_add(argv, (gpointer)where);
    for (; *args != NULL; args++)
        g_ptr_array_add(argv, (gpointer)*args);
    g_ptr_array_add(argv, NULL);
    environment = g_environ_setenv(environment, "GIT_TERMINAL_PROMPT", "0", TRUE);
    environment = g_environ_setenv(environment, "GIT_NO_LAZY_FETCH", "1", TRUE);
    environment = g_environ_setenv(environment, "LC_ALL", "C", TRUE);
    return rb_program_run((const char *const *)argv->pdata, environment, input, OUTPUT_MAX, 0, error);
}

/* ---- a tree ---- */

/* Paths that stay below the directory they are put into. */
static gboolean
is_plain_path(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    for (guint i = 0; parts[i] != NULL; i++)
        if (*parts[i] == '\0' || g_str_equal(parts[i], ".") || g_str_equal(parts[i], ".."))
            return FALSE;
    return TRUE;
}

/* "100644 blob ID    SIZE\tPATH". FALSE: it is nothing that a mapping has. */
static gboolean
read_entry(char *entry, Blob *blob, GError **error)
{
    char *tab = strchr(entry, '\t');
    g_auto(GStrv) facts = NULL;
    g_autofree char *quoted = tab == NULL ? NULL : rb_text_quote(tab + 1);
    const char *kind, *size = NULL;

    if (tab == NULL) {
        g_set_error(error, problem(), 0, "git's list of files cannot be read");
        return FALSE;
    }
    *tab = '\0';
    facts = g_strsplit(entry, " ", 4);
    kind = g_strv_length(facts) == 4 ? facts[1] : "";
    if (!g_str_equal(kind, "blob") || g_str_equal(facts[0], "120000") || !is_plain_path(tab + 1)) {
        g_set_error(error, problem(), 0, "%s is no plain file there", quoted);
        return FALSE;
    }
    size = facts[3] + strspn(facts[3], " ");
    blob->path = tab + 1;
    blob->id = entry + strlen(facts[0]) + 1 + strlen(kind) + 1;
    entry[blob->id - entry + (gssize)strlen(facts[2])] = '\0';
    return g_ascii_string_to_unsigned(size, 10, 0, TREE_MAX, &blob->size, error);
}

/* (element-type Blob): the files of @tree, as @list (which they borrow from) has them. */
static GArray *
read_list(GBytes *bytes, char *list, GError **error)
{
    g_autoptr(GArray) blobs = g_array_new(FALSE, TRUE, sizeof(Blob));
    guint64 all = 0;

    for (char *at = list; at < list + g_bytes_get_size(bytes);) {
        char *next = at + strlen(at) + 1;
        Blob blob = { 0 };
        if (!read_entry(at, &blob, error))
            return NULL;
        all += blob.size;
        g_array_append_val(blobs, blob);
        if (all > TREE_MAX || blobs->len > FILES_MAX) {
            g_set_error(error, problem(), 0, "more than %d files or %d MB are there", FILES_MAX,
                        TREE_MAX >> 20);
            return NULL;
        }
        at = next;
    }
    return g_steal_pointer(&blobs);
}

static gboolean
write_blob(const char *directory, const Blob *blob, const char *data, GError **error)
{
    g_autofree char *path = g_build_filename(directory, blob->path, NULL);
    g_autofree char *parent = g_path_get_dirname(path);

    if (g_mkdir_with_parents(parent, 0700) != 0) {
        g_set_error(error, problem(), 0, "a temporary directory cannot be made: %s", g_strerror(errno));
        return FALSE;
    }
    return g_file_set_contents_full(path, data, (gssize)blob->size, G_FILE_SET_CONTENTS_NONE, 0600, error);
}

/* What `git cat-file --batch` says: "ID blob SIZE\n", the bytes, "\n", for each in turn. */
static gboolean
write_blobs(const char *directory, const GArray *blobs, GBytes *said, GError **error)
{
    gsize n;
    const char *at = g_bytes_get_data(said, &n), *end = at + n;

    for (guint i = 0; i < blobs->len; i++) {
        const Blob *blob = &g_array_index(blobs, Blob, i);
        g_autofree char *head = g_strdup_printf("%s blob %" G_GUINT64_FORMAT "\n", blob->id, blob->size);
        gsize need = strlen(head) + blob->size + 1;
        if ((gsize)(end - at) < need || memcmp(at, head, strlen(head)) != 0) {
            g_set_error(error, problem(), 0, "git does not have what it lists");
            return FALSE;
        }
        if (!write_blob(directory, blob, at + strlen(head), error))
            return FALSE;
        at += need;
    }
    return TRUE;
}

static gboolean
unpack(const char *where, const char *tree, const char *directory, GError **error)
{
    const char *const list_args[] = { "ls-tree", "-r", "-z", "-l", "--full-tree", tree, NULL };
    const char *const read_args[] = { "cat-file", "--batch", NULL };
    g_autoptr(GBytes) listed = git(where, list_args, NULL, error), said = NULL;
    g_autoptr(GString) wanted = g_string_new(NULL);
    g_autoptr(GArray) blobs = NULL;
    g_autofree char *list = NULL;

    if (listed == NULL)
        return FALSE;
    list = g_malloc0(g_bytes_get_size(listed) + 1);
    if (g_bytes_get_size(listed) > 0)
        memcpy(list, g_bytes_get_data(listed, NULL), g_bytes_get_size(listed));
    blobs = read_list(listed, list, error);
    for (guint i = 0; blobs != NULL && i < blobs->len; i++)
        g_string_append_printf(wanted, "%s\n", g_array_index(blobs, Blob, i).id);
    said = blobs == NULL ? NULL : git(where, read_args, wanted, error);
    return said != NULL && write_blobs(directory, blobs, said, error);
}

/* (transfer full): the id of the tree that @name means. */
static char *
find_tree(const char *where, const char *name, gboolean here, GError **error)
{
    g_autofree char *spec = strchr(name, ':') != NULL ? g_strdup(name)
                            : here                    ? g_strconcat(name, ":./", NULL)
                                                      : g_strconcat(name, ":", NULL);
    const char *const args[] = { "rev-parse", "--verify", "--quiet", "--end-of-options", spec, NULL };
    g_autoptr(GError) reason = NULL;
    g_autoptr(GBytes) said = git(where, args, NULL, &reason);
    char *id;

    if (said == NULL || g_bytes_get_size(said) > 100) {
        g_set_error(error, problem(), 0, "it is no directory, and no git revision that has the mapping (%s)",
                    spec);
        return NULL;
    }
    id = g_strndup(g_bytes_get_data(said, NULL), g_bytes_get_size(said));
    return g_strstrip(id);
}

static void
remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        if (g_file_test(below, G_FILE_TEST_IS_DIR) && !g_file_test(below, G_FILE_TEST_IS_SYMLINK))
            remove_tree(below);
        else
            (void)g_unlink(below);
    }
    if (dir != NULL)
        g_dir_close(dir);
    (void)g_rmdir(path);
}

/* ---- both kinds ---- */

static RbSnapshot *
load(const char *command, const char *name, const char *directory)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbSnapshot *snapshot = rb_snapshot_load(directory, problems);
    g_autofree char *quoted = rb_text_quote(name);

    if (snapshot != NULL)
        return snapshot;
    rb_command_tell(problems);
    g_printerr("rolebridgectl %s: the mapping of %s has errors, so nothing is told of it\n", command, quoted);
    return NULL;
}

static RbSnapshot *
load_tree(const char *command, const char *name, const char *mappings, GError **error)
{
    gboolean here = g_file_test(mappings, G_FILE_TEST_IS_DIR);
    g_autofree char *tree = find_tree(here && strchr(name, ':') == NULL ? mappings : ".", name, here, error);
    g_autofree char *directory = tree == NULL ? NULL : g_dir_make_tmp("rolebridgectl-XXXXXX", error);
    RbSnapshot *snapshot = NULL;

    if (directory == NULL)
        return NULL;
    if (unpack(here ? mappings : ".", tree, directory, error))
        snapshot = load(command, name, directory);
    remove_tree(directory);
    return snapshot;
}

char *
rb_revision_mappings(const char *asked, char **names)
{
    guint n = g_strv_length(names), directories = 0;

    for (guint i = 0; i < n; i++)
        directories += g_file_test(names[i], G_FILE_TEST_IS_DIR) ? 1 : 0;
    return n == 2 && directories == 2 ? g_strdup(".") : rb_command_mappings(asked);
}

RbSnapshot *
rb_revision_load(const char *command, const char *name, const char *mappings, gboolean *usage)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *quoted = rb_text_quote(name);
    RbSnapshot *snapshot;

    *usage = FALSE;
    if (*name != '\0' && g_file_test(name, G_FILE_TEST_IS_DIR))
        return load(command, name, name);
    *usage = !check_name(name, &error);
    snapshot = *usage ? NULL : load_tree(command, name, mappings, &error);
    if (error != NULL) {
        g_autofree char *why = rb_text_printable(error->message, 1000);
        g_printerr("rolebridgectl %s: %s: %s\n", command, quoted, why);
    }
    return snapshot;
}
