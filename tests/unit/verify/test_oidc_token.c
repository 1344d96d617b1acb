/* The ID token, claim by claim: each change with its exact code. */
#include "party.h"

#include "verify/oidc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ---- the ID token ---- */

/* clang-format off */
static const struct {
    const char *name, *change;
    RbRefusalCode want;
} claims[] = {
    { "as it should be", NULL, RB_ACCEPTED },
    { "iss of another", "\"iss\":\"https://evil.example\"", RB_JWT_ISSUER },
    { "iss missing", "\"iss\":null", RB_JWT_ISSUER },
    { "iss a list", "\"iss\":[\"x\"]", RB_JWT_ISSUER },
    { "aud of another", "\"aud\":\"other\"", RB_JWT_AUDIENCE },
    { "aud in other letters", "\"aud\":\"Bridge\"", RB_JWT_AUDIENCE },
    { "aud missing", "\"aud\":null", RB_JWT_AUDIENCE },
    { "aud a number", "\"aud\":1", RB_JWT_AUDIENCE },
    { "aud an empty list", "\"aud\":[]", RB_JWT_AUDIENCE },
    { "aud a list of us", "\"aud\":[\"bridge\"]", RB_ACCEPTED },
    { "aud a list with a number", "\"aud\":[\"bridge\",1],\"azp\":\"bridge\"", RB_JWT_AUDIENCE },
    { "two audiences without azp", "\"aud\":[\"bridge\",\"other\"]", RB_JWT_AUDIENCE },
    { "two audiences, azp us", "\"aud\":[\"other\",\"bridge\"],\"azp\":\"bridge\"", RB_ACCEPTED },
    { "two audiences, azp another", "\"aud\":[\"bridge\",\"other\"],\"azp\":\"other\"", RB_JWT_AUDIENCE },
    { "two audiences without us", "\"aud\":[\"a\",\"b\"],\"azp\":\"bridge\"", RB_JWT_AUDIENCE },
    { "azp another", "\"azp\":\"other\"", RB_JWT_AUDIENCE },
    { "azp a number", "\"azp\":1", RB_JWT_AUDIENCE },
    { "exp: last accepted second", "\"exp\":1699999941", RB_ACCEPTED },
    { "exp: first refused second", "\"exp\":1699999940", RB_JWT_EXPIRED },
    { "exp missing", "\"exp\":null", RB_JWT_MALFORMED },
    { "exp a text", "\"exp\":\"1800000000\"", RB_JWT_MALFORMED },
    { "exp in milliseconds", "\"exp\":1700000000000", RB_JWT_MALFORMED },
    { "exp negative", "\"exp\":-1", RB_JWT_MALFORMED },
    { "exp with a fraction", "\"exp\":1700000100.5", RB_ACCEPTED },
    { "exp huge", "\"exp\":1e300", RB_JWT_MALFORMED },
    { "exp true", "\"exp\":true", RB_JWT_MALFORMED },
    { "iat: last accepted second", "\"iat\":1700000060", RB_ACCEPTED },
    { "iat: first refused second", "\"iat\":1700000061", RB_JWT_NOT_YET_VALID },
    { "iat missing", "\"iat\":null", RB_JWT_MALFORMED },
    { "iat a text", "\"iat\":\"1700000000\"", RB_JWT_MALFORMED },
    { "nbf: last accepted second", "\"nbf\":1700000060", RB_ACCEPTED },
    { "nbf: first refused second", "\"nbf\":1700000061", RB_JWT_NOT_YET_VALID },
    { "nbf a text", "\"nbf\":\"0\"", RB_JWT_MALFORMED },
    { "sub missing", "\"sub\":null", RB_JWT_SUBJECT },
    { "sub empty", "\"sub\":\"\"", RB_JWT_SUBJECT },
    { "sub a number", "\"sub\":7", RB_JWT_SUBJECT },
    { "nonce of another", "\"nonce\":\"other\"", RB_JWT_NONCE },
    { "nonce missing", "\"nonce\":null", RB_JWT_NONCE },
    { "nonce a number", "\"nonce\":1", RB_JWT_NONCE },
    { "nonce empty", "\"nonce\":\"\"", RB_JWT_NONCE },
    { "at_hash of another token", "\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"", RB_JWT_HASH },
    { "at_hash empty", "\"at_hash\":\"\"", RB_JWT_HASH },
    { "at_hash a number", "\"at_hash\":1", RB_JWT_HASH },
    { "c_hash of another code", "\"c_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"", RB_JWT_HASH },
    { "auth_time a text", "\"auth_time\":\"1\"", RB_JWT_MALFORMED },
    { "auth_time in the future", "\"auth_time\":1700000061", RB_JWT_NOT_YET_VALID },
    { "groups a text", "\"groups\":\"acme-all\"", RB_ACCEPTED },
    { "groups an object", "\"groups\":{\"a\":1}", RB_IDENTITY_MALFORMED },
    { "groups with a number", "\"groups\":[\"a\",1]", RB_IDENTITY_MALFORMED },
    { "groups with a list", "\"groups\":[[\"a\"]]", RB_IDENTITY_MALFORMED },
    { "groups left out", "\"groups\":null,\"_claim_names\":{\"groups\":\"src1\"},\"_claim_sources\":{\"src1\":{\"endpoint\":\"http://169.254.169.254/\"}}", RB_IDENTITY_GROUPS_INCOMPLETE },
    { "some groups left out", "\"_claim_names\":{\"groups\":\"src1\"}", RB_IDENTITY_GROUPS_INCOMPLETE },
    { "groups left out (hasgroups)", "\"groups\":null,\"hasgroups\":true", RB_IDENTITY_GROUPS_INCOMPLETE },
    { "groups left out (hasgroups as text)", "\"groups\":null,\"hasgroups\":\"true\"", RB_IDENTITY_GROUPS_INCOMPLETE },
    { "other claims left out", "\"_claim_names\":{\"photo\":\"src1\"}", RB_ACCEPTED },
    { "acr a number", "\"acr\":1", RB_JWT_MALFORMED },
    { "sid a number", "\"sid\":1", RB_JWT_MALFORMED },
    { "a name that AWS cannot carry", "\"sub\":\"ada lovelace\"", RB_IDENTITY_NAME_UNUSABLE },
};
/* clang-format on */

static void
test_claims(void **state)
{
    RbProvider *corp = fresh("corp");

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(claims); i++) {
        g_auto(Begun) begun = begin_with(corp, FALSE, FALSE);
        g_autofree char *token = issuer_token(issuer, begun.nonce, claims[i].change);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        issuer_gives(issuer, token);
        verified = finish_at(corp, begun.sign_in, GOOD, ISSUER_NOW, &error);
        expect_outcome(claims[i].name, verified, error, id_of(claims[i].want));
    }
}

static void
test_subject_length(void **state)
{
    RbProvider *corp = fresh("corp");
    g_autofree char *name = g_strnfill(256, 'a'), *change = g_strdup_printf("\"sub\":\"%s\"", name);
    g_auto(Begun) begun = begin_with(corp, FALSE, FALSE);
    g_autofree char *token = issuer_token(issuer, begun.nonce, change);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified = NULL;

    (void)state;
    issuer_gives(issuer, token);
    verified = finish_at(corp, begun.sign_in, GOOD, ISSUER_NOW, &error);
    expect_outcome("sub of 256 bytes", verified, error, "jwt.subject");
}

/* One kind of token cannot stand in for another (RFC 8725 §3.11); what a provider does not allow is not
 * taken. */
static void
test_headers(void **state)
{
    static const struct {
        const char *name, *provider, *header;
        RbRefusalCode want;
    } rows[] = {
        { "no typ", "corp", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", RB_ACCEPTED },
        { "typ jwt", "corp", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"jwt\"}", RB_ACCEPTED },
        { "typ application/jwt", "corp", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"application/JWT\"}",
          RB_ACCEPTED },
        { "an access token", "corp", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"at+jwt\"}", RB_JWT_TYPE },
        { "a logout token", "corp", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"logout+jwt\"}",
          RB_JWT_TYPE },
        { "a DPoP proof", "corp", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"dpop+jwt\"}", RB_JWT_TYPE },
        { "RS256 where ES256 alone is allowed", "strict", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}",
          RB_JWT_ALGORITHM },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbProvider *provider = fresh(rows[i].provider);
        g_auto(Begun) begun = begin_with(provider, FALSE, FALSE);
        g_autofree char *body = issuer_claims(issuer, begun.nonce, NULL);
        g_autofree char *token = jose_sign(issuer->rsa, "RS256", rows[i].header, body);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbVerified) verified = NULL;
        issuer_gives(issuer, token);
        verified = finish_at(provider, begun.sign_in, GOOD, ISSUER_NOW, &error);
        expect_outcome(rows[i].name, verified, error, id_of(rows[i].want));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_subject_length),
        cmocka_unit_test(test_headers),
    };

    return cmocka_run_group_tests_name("oidc_token", tests, party_set_up, party_tear_down);
}
