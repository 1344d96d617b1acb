#include "sign/sign.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes as a key set; those that are keys then look at a token that none of them signed. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char token[] = "eyJhbGciOiJSUzI1NiJ9.e30.AAAA";
    g_autoptr(GError) error = NULL, why = NULL;
    g_autoptr(RbJwks) keys = rb_jwks_parse(data, size, &error);

    g_assert((keys == NULL) == (error != NULL));
    g_assert(keys != NULL || rb_is_refusal(error, RB_OIDC_KEYS));
    if (keys == NULL)
        return 0;
    g_assert(rb_jwks_size(keys) > 0 && rb_jwks_size(keys) <= RB_JWKS_MAX_KEYS);
    g_assert(rb_jws_verify(keys, RB_JWS_ALL, token, &why) == NULL);
    g_assert(why->domain == RB_REFUSAL);
    return 0;
}
