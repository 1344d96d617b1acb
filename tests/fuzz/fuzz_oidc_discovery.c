#include "verify/oidc.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char issuer[] = "https://login.acme.example";
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbOidcTrust) trust = rb_oidc_discovery_parse(issuer, TRUE, data, size, &error);
    gint64 max_age = rb_oidc_max_age(text);

    g_assert(max_age >= -1 && max_age <= 3600);
    g_assert((trust == NULL) == (error != NULL));
    g_assert(trust != NULL || rb_is_refusal(error, RB_OIDC_DISCOVERY));
    if (trust == NULL)
        return 0;
    g_assert(g_ascii_strncasecmp(trust->authorization, "https://", 8) == 0);
    g_assert(g_ascii_strncasecmp(trust->token, "https://", 8) == 0);
    g_assert(g_ascii_strncasecmp(trust->jwks, "https://", 8) == 0);
    return 0;
}
