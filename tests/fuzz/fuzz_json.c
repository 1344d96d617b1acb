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

/* What is taken is one object within the bounds, and is read the same when it is written out again. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL, again_error = NULL;
    g_autofree char *copy = g_memdup2(data, size); /* as large as it is: a byte too far is seen */
    json_t *json = rb_json_parse(copy, size, RB_JWT_MALFORMED, "the input", &error), *again = NULL;
    char *text = NULL;

    g_assert((json == NULL) == (error != NULL));
    g_assert(json != NULL || rb_is_refusal(error, RB_JWT_MALFORMED));
    if (json == NULL)
        return 0;
    g_assert(json_is_object(json) && depth_of(json) <= RB_JSON_MAX_DEPTH);
    g_assert(memchr(copy, '\0', size) == NULL);
    text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
    again = rb_json_parse(text, strlen(text), RB_JWT_MALFORMED, "the same", &again_error);
    g_assert(again != NULL && json_equal(json, again));
    free(text);
    json_decref(json);
    json_decref(again);
    return 0;
}
