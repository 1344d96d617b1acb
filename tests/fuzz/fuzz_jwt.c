#include "verify/jwt.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8037 A.2's public key. Nobody here has its private half, so no input may be accepted as signed. */
static const char set[] =
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"x\":\"11qYAYKxCrfVS_"
    "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static void
check_claims(const RbJwtRules *rules, const char *text, gsize size)
{
    g_autoptr(GError) error = NULL, why = NULL;
    RbJws jws = { .header = json_object(), .algorithm = RB_JWS_EDDSA };

    jws.claims = rb_json_parse(text, size, RB_JWT_MALFORMED, "the input", &error);
    g_assert((jws.claims == NULL) == (error != NULL));
    if (jws.claims != NULL && !rb_jwt_check_claims(rules, &jws, 1700000000, &why))
        g_assert(why->domain == RB_REFUSAL);
    json_decref(jws.claims);
    json_decref(jws.header);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = { "jwt", NULL };
    static const RbJwtRules rules = { "https://login.acme.example", "bridge", types, RB_JWS_ALL, 60 };
    static RbJwks *keys;
    g_autofree char *token = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;

    if (keys == NULL)
        keys = rb_jwks_parse(set, strlen(set), NULL);
    g_assert(keys != NULL);
    g_assert(rb_jwt_verify(&rules, keys, token, 1700000000, &error) == NULL);
    g_assert(error->domain == RB_REFUSAL);
    check_claims(&rules, (const char *)data, size);
    return 0;
}
