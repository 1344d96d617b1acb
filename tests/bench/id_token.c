#include "id_token.h"

#include <string.h>

static char nonce[] = "n-0S6_WzA2Mj-4kd81PqZ7wvNRt3bxY9", access_token[] = "SlAV32hkKG-a1Zr7Xn0q";
static char issuer[] = "https://login.acme.example", client[] = "rolebridge", id[] = "corp";
static char name_claim[] = "preferred_username", groups_claim[] = "groups";
static char *group_claims[] = { groups_claim, NULL }, *none[] = { NULL },
            *amr[] = { (char[]){ "mfa" }, NULL };

Party *
party_new(void)
{
    Party *party = g_new0(Party, 1);
    g_autofree char *rsa = NULL, *p256 = NULL;

    party->rsa = jose_key("RSA");
    party->p256 = jose_key("P-256");
    rsa = jose_jwk(party->rsa, "RS256", "\"use\":\"sig\"");
    p256 = jose_jwk(party->p256, "ES256", "\"use\":\"sig\"");
    party->jwks = jose_jwks(rsa, p256, NULL);
    party->mfa = (RbMfaRules){ .saml = none, .oidc_amr = amr, .oidc_acr = none };
    party->seat = (RbSeat){ .id = id, .skew_s = 60, .mfa = &party->mfa };
    party->oidc = (RbOidc){
        .seat = &party->seat,
        .source = { .seat = &party->seat, .issuer = issuer, .algorithms = RB_JWS_ALL, .signs_in = TRUE },
        .client_id = client,
        .name_claim = name_claim,
        .group_claims = group_claims,
        .acr_values = none
    };
    party->trust.keys = rb_jwks_parse(party->jwks, strlen(party->jwks), NULL);
    party->sign_in = g_new0(RbSignIn, 1);
    party->sign_in->nonce = g_strdup(nonce);
    party->access_token = rb_secret_new_text(access_token);
    g_assert_nonnull(party->trust.keys);
    return party;
}

void
party_free(Party *party)
{
    EVP_PKEY_free(party->rsa);
    EVP_PKEY_free(party->p256);
    rb_jwks_free(party->trust.keys);
    rb_sign_in_free(party->sign_in);
    rb_secret_unref(party->access_token);
    g_free(party->jwks);
    g_free(party);
}

char *
party_token(const Party *party, const char *alg, guint groups, const char *kid)
{
    g_autofree char *at_hash = rb_jws_half_hash(RB_JWS_RS256, access_token), *text = NULL, *header = NULL;
    json_t *list = json_array();
    json_t *claims = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:s, s:[s,s], s:s, s:s, s:b, s:s, s:s, s:o}", "iss", issuer,
        "aud", client, "sub", "f:7d0e3c1a-5b8e-4a58:ada", "exp", ID_TOKEN_NOW + 300, "iat", ID_TOKEN_NOW,
        "auth_time", ID_TOKEN_NOW - 5, "nonce", nonce, "at_hash", at_hash, "acr", "1", "amr", "pwd", "mfa",
        "name", "Ada Lovelace", "email", "ada@acme.example", "email_verified", 1, "preferred_username", "ada",
        "sid", "1c9f0a52-3f0f-4a56-8d84-7c5c2b1ad6a9", "groups", list);
    char *dumped;

    for (guint i = 0; i < groups; i++)
        (void)json_array_append_new(list,
                                    json_sprintf("acme-department-%04u", i * 7919 % 10007)); /* in no order */
    dumped = json_dumps(claims, JSON_COMPACT);
    text = g_strdup(dumped);
    free(dumped);
    json_decref(claims);
    header = g_strdup_printf("{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", alg, kid == NULL ? alg : kid);
    return jose_sign(strcmp(alg, "RS256") == 0 ? party->rsa : party->p256, alg, header, text);
}

RbIdentity *
party_identity(const Party *party, const char *token, GError **error)
{
    static const char *const types[] = { "jwt", NULL };
    const RbOidc *oidc = &party->oidc;
    const RbJwtRules rules = { oidc->source.issuer, oidc->client_id, types, oidc->source.algorithms,
                               oidc->seat->skew_s };
    g_autoptr(RbJws) jws = rb_jwt_verify(&rules, party->trust.keys, token, ID_TOKEN_NOW, error);

    if (jws == NULL ||
        !rb_oidc_check_id_token(oidc, party->sign_in, jws, NULL, party->access_token, ID_TOKEN_NOW, error))
        return NULL;
    return rb_oidc_identity(oidc, &party->trust, party->sign_in, jws->claims, party->access_token,
                            ID_TOKEN_NOW, error);
}
