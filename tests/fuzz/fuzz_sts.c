#include "issue/priv.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) credentials = rb_sts_parse(text, size, 1795510800, &error);
    g_auto(RbStsError) failure = { 0 };

    g_assert((credentials != NULL) == (error == NULL));
    if (credentials != NULL)
        g_assert(credentials->session_token != NULL && credentials->expiration > 1795510800);
    rb_sts_parse_error(text, size, &failure);
    return 0;
}
