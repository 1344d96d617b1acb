#include "verify/oidc.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes as the body of a token answer, and as the claims that groups are read from. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *group_claims[] = { (char *)"groups", (char *)"realm_access.roles", NULL };
    const RbOidc oidc = { .group_claims = group_claims };
    const RbOidcTrust trust = { 0 };
    g_autoptr(GBytes) body = g_bytes_new(data, size);
    const RbHttpResponse response = { .status = size % 2 == 0 ? 200 : 400, .body = body };
    g_autoptr(GError) error = NULL, why = NULL, no = NULL;
    g_autoptr(GPtrArray) groups = g_ptr_array_new();
    g_autoptr(RbOidcTokens) tokens = NULL;
    json_t *json = rb_oidc_answer(&response, 200, RB_OIDC_TOKEN_REFUSED, "the code", &error), *fetched = NULL;

    g_assert((json == NULL) == (error != NULL));
    if (json == NULL)
        return 0;
    tokens = rb_oidc_tokens_parse(json, TRUE, &why);
    g_assert((tokens == NULL) == (why != NULL));
    if (tokens != NULL)
        g_assert(strpbrk(rb_secret_reveal(tokens->access_token), " \r\n") == NULL);
    if (!rb_oidc_groups(&oidc, &trust, json, 1700000000, groups, &fetched, &no))
        g_assert(no->domain == RB_REFUSAL);
    json_decref(fetched);
    json_decref(json);
    return 0;
}
