#include "iam/access_key.h"
#include "iam/arn.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What parses prints as it was. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size), *printed = NULL;
    g_autoptr(RbArn) arn = rb_arn_parse(text, NULL);
    g_autoptr(RbRoleArn) role = rb_role_arn_parse(text, NULL);
    g_autoptr(RbSessionArn) session = rb_session_arn_parse(text, NULL);
    char account[13];

    g_assert(arn != NULL || (role == NULL && session == NULL));
    if (arn != NULL) {
        printed = rb_arn_print(arn);
        g_assert_cmpstr(printed, ==, text);
    }
    if (role != NULL) {
        g_autofree char *again = rb_role_arn_print(role);
        g_assert_cmpstr(again, ==, text);
    }
    if (session != NULL) {
        g_autofree char *again = rb_session_arn_print(session);
        g_assert_cmpstr(again, ==, text);
    }
    (void)rb_access_key_account(text, account);
    return 0;
}
