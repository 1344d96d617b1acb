#include "iam/access_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
    const char *key, *account; /* NULL: none in it */
    gboolean valid, long_lived;
} rows[] = {
    { "ASIABTX3GSDSQBNMGHLQ", "111122223333", TRUE, FALSE },
    { "AKIABTX3GSDSQBNMGHLQ", "111122223333", TRUE, TRUE },
    { "AKIDEXAMPLE", NULL, FALSE, FALSE },
    { "AKIA0TX3GSDSQBNMGHLQ", NULL, TRUE, TRUE }, /* 0 is not base32 */
    { "ASIABTX3GSDSQBNMGHL", NULL, TRUE, FALSE },
    { "ASIABTX3GSDSQBNMGHL\n", NULL, FALSE, FALSE },
    { "asiabtx3gsdsqbnmghlq", NULL, TRUE, FALSE },
    { "", NULL, FALSE, FALSE },
};
/* clang-format on */

static void
test_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char account[13] = "untouched";
        gboolean found = rb_access_key_account(rows[i].key, account);
        if (found != (rows[i].account != NULL) || (found && !g_str_equal(account, rows[i].account)))
            fail_msg("%s: account %s", rows[i].key, account);
        if (rb_access_key_check(rows[i].key) != rows[i].valid ||
            rb_access_key_long_lived(rows[i].key) != rows[i].long_lived)
            fail_msg("%s: valid or long-lived", rows[i].key);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
