#include "fixture.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A mapping directory on disk. */

static char *
make_directory(void)
{
    char *directory = g_dir_make_tmp("rb-mapping-XXXXXX", NULL);

    assert_non_null(directory);
    for (gsize i = 0; i < G_N_ELEMENTS(test_base); i++) {
        g_autofree char *path = g_build_filename(directory, test_base[i].name, NULL);
        g_autofree char *parent = g_path_get_dirname(path);
        assert_int_equal(g_mkdir_with_parents(parent, 0700), 0);
        assert_true(
            g_file_set_contents_full(path, test_base[i].text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    }
    return directory;
}

static void
remove_all(const char *path)
{
    g_autoptr(GDir) dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        remove_all(child);
    }
    assert_int_equal(g_remove(path), 0);
}

static void
put(const char *directory, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(directory, name, NULL), *parent = g_path_get_dirname(path);

    assert_int_equal(g_mkdir_with_parents(parent, 0700), 0);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
link_to(const char *target, const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);

    (void)g_remove(path); /* may not be there */
    assert_int_equal(symlink(target, path), 0);
}

/* What is told of @directory; @ok: whether there was a snapshot. */
static char *
load(const char *directory, gboolean *ok)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbSnapshot) snapshot = rb_snapshot_load(directory, problems);

    *ok = snapshot != NULL;
    assert_true(*ok == (rb_diagnostics_count(problems) == 0));
    return rb_diagnostics_to_text(problems, FALSE);
}

static void
outside_link(const char *d)
{
    link_to("/etc/hostname", d, "policies/x.yaml");
}
static void
inside_link(const char *d)
{
    g_autofree char *from = g_build_filename(d, "accounts.yaml", NULL),
                    *to = g_build_filename(d, "..data", NULL);
    assert_int_equal(g_mkdir(to, 0700), 0);
    g_free(to);
    to = g_build_filename(d, "..data", "accounts.yaml", NULL);
    assert_int_equal(g_rename(from, to), 0);
    link_to("..data/accounts.yaml", d, "accounts.yaml");
}
static void
broken_link(const char *d)
{
    link_to("nothing", d, "policies/x.yaml");
}
static void
linked_folder(const char *d)
{
    link_to("/etc", d, "assignments");
}
static void
fifo(const char *d)
{
    g_autofree char *path = g_build_filename(d, "policies", "x.yaml", NULL);
    assert_int_equal(mkfifo(path, 0600), 0);
}
static void
hidden(const char *d)
{
    put(d, "policies/.x.yaml", "not: read\n");
    put(d, ".git/config", "not: read\n");
}
static void
other_suffix(const char *d)
{
    put(d, "policies/notes.txt", "x");
}
static void
misspelt(const char *d)
{
    put(d, "acounts.yaml", "rolebridge: 1\n");
}
static void
unknown_folder(const char *d)
{
    put(d, "role/x.yaml", "rolebridge: 1\n");
}
static void
schema(const char *d)
{
    put(d, "schema/accounts.json", "{}");
}
static void
more_assignments(const char *d)
{
    put(d, "assignments/more.yaml",
        "rolebridge: 1\nassignments:\n  - { groups: [x], role: raeder, accounts: [alpha] }\n");
}
static void
world_writable(const char *d)
{
    g_autofree char *path = g_build_filename(d, "accounts.yaml", NULL);
    assert_int_equal(chmod(path, 0666), 0);
}
static void
nothing(const char *d)
{
    (void)d;
}

static const struct {
    const char *name;
    void (*change)(const char *directory);
    gboolean ok;
    const char *want; /* starts a line of what is told; NULL: nothing is told */
} rows[] = {
    { "as it is", nothing, TRUE, NULL },
    { "a link to the outside", outside_link, FALSE,
      "policies/x.yaml: error: a link to a file outside of the mapping directory; put the file itself here" },
    { "a link within, as Kubernetes makes them", inside_link, TRUE, NULL },
    { "a link to nothing", broken_link, FALSE,
      "policies/x.yaml: error: cannot be read: No such file or directory" },
    { "a folder linked to the outside", linked_folder, FALSE,
      "assignments: error: a link to a file outside of the mapping directory; put the file itself here" },
    { "a pipe", fifo, FALSE, "policies/x.yaml: error: " },
    { "hidden files", hidden, TRUE, NULL },
    { "another suffix", other_suffix, TRUE,
      "policies/notes.txt: warning: ignored; only .yaml files here are read" },
    { "a misspelt file", misspelt, FALSE,
      "acounts.yaml: error: not a file of a mapping; did you mean 'accounts.yaml'?" },
    { "a misspelt folder", unknown_folder, TRUE, "role: warning: ignored; did you mean 'roles'?" },
    { "the schemas", schema, TRUE, NULL },
    { "a mistake in assignments/", more_assignments, FALSE,
      "assignments/more.yaml:3:26: error: no role named 'raeder'; did you mean 'reader'?" },
    { "a file that anybody may change", world_writable, TRUE,
      "accounts.yaml: warning: anybody on this machine can change who gets access; run: chmod o-w on it" },
};

static void
directories(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *directory = make_directory(), *said = NULL;
        gboolean ok;

        rows[i].change(directory);
        said = load(directory, &ok);
        remove_all(directory);
        if (ok != rows[i].ok ||
            (rows[i].want == NULL ? *said != '\0' : !g_str_has_prefix(said, rows[i].want)))
            fail_msg("%s: %s\n%s", rows[i].name, ok ? "loaded" : "not loaded", said);
    }
}

static void
no_directory(void **state)
{
    gboolean ok;
    g_autofree char *said = load("/nonexistent/mappings", &ok);

    (void)state;
    assert_false(ok);
    assert_string_equal(said, "/nonexistent/mappings: error: cannot be read: No such file or directory\n");
}

static void
too_large(void **state)
{
    g_autofree char *directory = make_directory(), *said = NULL;
    g_autofree char *path = g_build_filename(directory, "assignments.yaml", NULL);
    gboolean ok;

    (void)state;
    assert_int_equal(truncate(path, RB_YAML_MAX_SIZE + 1), 0);
    said = load(directory, &ok);
    remove_all(directory);
    assert_false(ok);
    assert_non_null(strstr(said, "assignments.yaml: error: "));
    assert_non_null(strstr(said, "at most 16777216 are read"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(directories), cmocka_unit_test(no_directory),
                                        cmocka_unit_test(too_large) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
