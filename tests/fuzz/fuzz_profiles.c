#include "issue/priv.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GHashTable) sections = rb_profiles_parse((const char *)data, size, &error);

    g_assert((sections != NULL) == (error == NULL));
    return 0;
}
