#include "mapping/dn.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A canonical name can be read again, and so can each name above it, from where it starts. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, MIN(size, 4096));
    g_autoptr(GArray) starts = NULL;
    g_autofree char *once = g_utf8_validate(text, -1, NULL) ? rb_dn_canonical(text, &starts) : NULL;

    if (once == NULL)
        return 0;
    for (guint i = 0; i < starts->len; i++) {
        g_autofree char *again = rb_dn_canonical(once + g_array_index(starts, guint, i), NULL);
        g_assert(again != NULL);
    }
    return 0;
}
