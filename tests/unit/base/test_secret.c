#include "base/file.h"
#include "base/refusal.h"
#include "base/secret.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void
test_secrets(void **state)
{
    g_autoptr(RbSecret) a = rb_secret_new_text("open sesame"), b = rb_secret_new("open sesame", 11);
    g_autoptr(RbSecret) r1 = rb_secret_new_random(32), r2 = rb_secret_new_random(32);
    g_autofree char *handle = rb_secret_handle(a);

    (void)state;
    assert_true(rb_secret_equal(a, b));
    assert_false(rb_secret_equal(a, NULL));
    assert_false(rb_secret_equal(r1, r2));
    assert_true(rb_secret_equal_text(a, "open sesame"));
    assert_false(rb_secret_equal_text(a, "open sesam"));
    assert_int_equal(rb_secret_size(r1), 43);
    assert_string_equal(handle, "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb");
}

static void
test_files(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("rb-file-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "key", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSecret) secret = NULL;
    g_autoptr(GBytes) bytes = NULL;

    (void)state;
    assert_true(rb_file_write(path, "12345\n", 6, 0600, &error));
    secret = rb_file_read_secret(path, 100, TRUE, &error);
    assert_non_null(secret);
    assert_string_equal(rb_secret_reveal(secret), "12345");
    assert_null(rb_file_read(path, 5, &error)); /* one byte over */
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_FILE));
    g_clear_error(&error);
    bytes = rb_file_read(path, 6, &error);
    assert_non_null(bytes);
    assert_int_equal(chmod(path, 0644), 0);
    assert_null(rb_file_read_secret(path, 100, TRUE, &error));
    assert_non_null(strstr(error->message, "chmod 600"));
    g_clear_error(&error);
    assert_null(rb_file_read(dir, 100, &error));
    assert_non_null(strstr(error->message, "not a regular file"));
    assert_int_equal(g_unlink(path), 0);
    assert_int_equal(g_rmdir(dir), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_secrets), cmocka_unit_test(test_files) };

    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
