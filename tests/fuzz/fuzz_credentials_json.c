#include "issue/priv.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) credentials = rb_own_parse_json((const char *)data, size, 1795510800, &error);

    g_assert((credentials != NULL) == (error == NULL));
    return 0;
}
