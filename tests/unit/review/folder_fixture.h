#ifndef RB_TESTS_REVIEW_FOLDER_FIXTURE_H
#define RB_TESTS_REVIEW_FOLDER_FIXTURE_H

#include "mapping/mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/folder.h"

/* A mapping in a folder of its own, written file by file. */

static char *dir;

static void
put(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL), *parent = g_path_get_dirname(path);

    assert_int_equal(g_mkdir_with_parents(parent, 0700), 0);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* What was put; a mistake in it fails the test. */
static RbSnapshot *
load_folder(void)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbSnapshot *snapshot = rb_snapshot_load(dir, problems);
    g_autofree char *why = rb_diagnostics_to_text(problems, FALSE);

    if (snapshot == NULL)
        fail_msg("%s", why);
    return snapshot;
}

static int
set_up(void **state)
{
    (void)state;
    dir = g_dir_make_tmp("mapping-XXXXXX", NULL);
    return dir == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    (void)state;
    remove_tree(dir);
    g_free(dir);
    return 0;
}

#endif
