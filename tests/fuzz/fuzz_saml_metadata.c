#include "verify/saml.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const RbSeat seat = { .id = (char *)"corp" };
    const RbSaml saml = { .seat = &seat };
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(GError) error = NULL;
    gint64 refresh_s = 3600;
    RbSamlTrust *trust = rb_saml_metadata_parse(&saml, bytes, 0, &refresh_s, &error);

    g_assert((trust == NULL) == (error != NULL));
    g_assert(refresh_s >= 60 && refresh_s <= 3600);
    if (trust == NULL)
        return 0;
    g_assert(trust->keys->len > 0 && trust->entity_id != NULL);
    rb_saml_trust_unref(trust);
    return 0;
}
