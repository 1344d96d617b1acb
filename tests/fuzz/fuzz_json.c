#include "sign/sign.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static guint
depth_of(const json_t *value)
{
    const json_t *inner;
    const char *name;
    guint deepest = 0;
    gsize i;

    if (!json_is_object(value) && !json_is_array(value))
        return 0;
    json_array_foreach((json_t *)value, i, inner) deepest = MAX(deepest, depth_of(inner));
    json_object_foreach((json_t *)value, name, inner) deepest = MAX(deepest, depth_of(inner));
    return deepest + 1;
}

/* Our reader and jansson's of the same bytes: both refuse, or both have the same value. jansson 2.14 skips a
 * NUL behind a number, which is no JSON. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *copy = g_memdup2(data, size); /* as large as it is: a byte too far is seen */
    json_t *ours = rb_json_parse(copy, size, RB_JWT_MALFORMED, "the input", &error);
    json_t *theirs = json_loadb(copy == NULL ? "" : copy, size, JSON_REJECT_DUPLICATES, NULL);
    gboolean fits =
        json_is_object(theirs) && depth_of(theirs) <= RB_JSON_MAX_DEPTH && memchr(copy, '\0', size) == NULL;

    g_assert((ours == NULL) == (error != NULL));
    g_assert(ours != NULL || rb_is_refusal(error, RB_JWT_MALFORMED));
    g_assert((ours != NULL) == fits);
    g_assert(ours == NULL || json_equal(ours, theirs));
    json_decref(ours);
    json_decref(theirs);
    return 0;
}
