/* JSON Web Signatures and key sets: as attackers send them, each with its exact code. Keys are made at run
 * time. */
#include "jose.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/sign.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { R1, R2, P256, P384, P521, ED, SHORT, N_KEYS };
static const char *const kinds[] = { "RSA", "RSA", "P-256", "P-384", "P-521", "Ed25519", "RSA-1024" };
static EVP_PKEY *key[N_KEYS];
static RbJwks *all; /* kids: rsa, p256, p384, ed */

static RbRefusalCode
code_of(const GError *error)
{
    if (error == NULL)
        return RB_ACCEPTED;
    assert_true(error->domain == RB_REFUSAL);
    return (RbRefusalCode)error->code;
}

static void
expect(const char *name, const RbJwks *keys, guint algorithms, const char *token, RbRefusalCode want)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbJws) jws = rb_jws_verify(keys, algorithms, token, &error);

    if (code_of(error) != want || (jws == NULL) != (want != RB_ACCEPTED))
        fail_msg("%s: got %s (%s)", name, error == NULL ? "accepted" : rb_outcome(error)->id,
                 error == NULL ? "" : error->message);
    if (jws != NULL)
        assert_string_equal(json_string_value(json_object_get(jws->claims, "sub")), "ada");
}

static RbJwks *
keys_of(const char *set, GError **error)
{
    return rb_jwks_parse(set, strlen(set), error);
}

static int
set_up(void **state)
{
    g_autofree char *rsa = NULL, *p256 = NULL, *p384 = NULL, *ed = NULL, *set = NULL;

    (void)state;
    for (guint i = 0; i < N_KEYS; i++)
        key[i] = jose_key(kinds[i]);
    rsa = jose_jwk(key[R1], "rsa", "\"use\":\"sig\"");
    p256 = jose_jwk(key[P256], "p256", NULL);
    p384 = jose_jwk(key[P384], "p384", "\"alg\":\"ES384\"");
    ed = jose_jwk(key[ED], "ed", "\"key_ops\":[\"verify\"]");
    set = jose_jwks(rsa, p256, p384, ed, NULL);
    all = keys_of(set, NULL);
    return all == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rb_jwks_free(all);
    for (guint i = 0; i < N_KEYS; i++)
        EVP_PKEY_free(key[i]);
    return 0;
}

#define H(alg, kid) "{\"alg\":\"" alg "\",\"kid\":\"" kid "\"}"
#define SUB "{\"sub\":\"ada\"}"

/* clang-format off */
static const struct {
    const char *name;
    guint signer;
    const char *way, *header, *payload;
    RbRefusalCode want;
} tokens[] = {
    { "RS256", R1, "RS256", H("RS256", "rsa"), SUB, RB_ACCEPTED },
    { "PS256", R1, "PS256", H("PS256", "rsa"), SUB, RB_ACCEPTED },
    { "ES256", P256, "ES256", H("ES256", "p256"), SUB, RB_ACCEPTED },
    { "ES384", P384, "ES384", H("ES384", "p384"), SUB, RB_ACCEPTED },
    { "EdDSA", ED, "EdDSA", H("EdDSA", "ed"), SUB, RB_ACCEPTED },
    { "no kid, one key fits", P256, "ES256", "{\"alg\":\"ES256\"}", SUB, RB_ACCEPTED },
    { "x5t and unknown members are passed over", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5t\":\"abc\",\"q\":1}", SUB, RB_ACCEPTED },
    /* algorithms */
    { "alg none", R1, "none", H("none", "rsa"), SUB, RB_JWT_ALGORITHM },
    { "alg None", R1, "none", H("None", "rsa"), SUB, RB_JWT_ALGORITHM },
    { "alg nOnE without kid", R1, "none", "{\"alg\":\"nOnE\"}", SUB, RB_JWT_ALGORITHM },
    { "alg empty", R1, "none", H("", "rsa"), SUB, RB_JWT_ALGORITHM },
    { "alg rs256", R1, "RS256", H("rs256", "rsa"), SUB, RB_JWT_ALGORITHM },
    { "RS512", R1, "RS512", H("RS512", "rsa"), SUB, RB_JWT_ALGORITHM },
    { "ES512", P521, "ES512", H("ES512", "rsa"), SUB, RB_JWT_ALGORITHM },
    { "no alg", R1, "RS256", "{\"kid\":\"rsa\"}", SUB, RB_JWT_MALFORMED },
    { "alg a number", R1, "RS256", "{\"alg\":256,\"kid\":\"rsa\"}", SUB, RB_JWT_MALFORMED },
    { "alg a list", R1, "RS256", "{\"alg\":[\"RS256\"],\"kid\":\"rsa\"}", SUB, RB_JWT_MALFORMED },
    { "empty signature under RS256", R1, "none", H("RS256", "rsa"), SUB, RB_JWT_SIGNATURE_INVALID },
    { "empty signature under EdDSA", ED, "none", H("EdDSA", "ed"), SUB, RB_JWT_SIGNATURE_INVALID },
    /* confusion between algorithms and keys */
    { "ES256 said of an RSA key", R1, "RS256", H("ES256", "rsa"), SUB, RB_JWT_KEY_UNKNOWN },
    { "RS256 said of an EC key", P256, "ES256", H("RS256", "p256"), SUB, RB_JWT_KEY_UNKNOWN },
    { "ES384 said of P-256", P256, "ES384", H("ES384", "p256"), SUB, RB_JWT_KEY_UNKNOWN },
    { "ES256 said of P-384", P384, "ES256", H("ES256", "p384"), SUB, RB_JWT_KEY_UNKNOWN },
    { "EdDSA said of P-256", P256, "ES256", H("EdDSA", "p256"), SUB, RB_JWT_KEY_UNKNOWN },
    { "PS256 signature as RS256", R1, "PS256", H("RS256", "rsa"), SUB, RB_JWT_SIGNATURE_INVALID },
    { "RS256 signature as PS256", R1, "RS256", H("PS256", "rsa"), SUB, RB_JWT_SIGNATURE_INVALID },
    { "PS256 with a salt of no bytes", R1, "PS256-salt0", H("PS256", "rsa"), SUB, RB_JWT_SIGNATURE_INVALID },
    { "RS512 signature as RS256", R1, "RS512", H("RS256", "rsa"), SUB, RB_JWT_SIGNATURE_INVALID },
    /* keys */
    { "another key's signature", R2, "RS256", H("RS256", "rsa"), SUB, RB_JWT_SIGNATURE_INVALID },
    { "kid unknown", R1, "RS256", H("RS256", "gone"), SUB, RB_JWT_KEY_UNKNOWN },
    { "kid empty", R1, "RS256", H("RS256", ""), SUB, RB_JWT_KEY_UNKNOWN },
    { "kid a path", R1, "RS256", H("RS256", "../../dev/null"), SUB, RB_JWT_KEY_UNKNOWN },
    { "kid in other letters", R1, "RS256", H("RS256", "RSA"), SUB, RB_JWT_KEY_UNKNOWN },
    { "kid a number", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":1}", SUB, RB_JWT_MALFORMED },
    { "kid null", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":null}", SUB, RB_JWT_MALFORMED },
    /* header */
    { "crit", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"exp\"],\"exp\":1}", SUB, RB_JWT_HEADER },
    { "crit empty", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[]}", SUB, RB_JWT_HEADER },
    { "b64 false", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":false}", SUB, RB_JWT_HEADER },
    { "b64 true", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":true}", SUB, RB_JWT_HEADER },
    { "zip", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"zip\":\"DEF\"}", SUB, RB_JWT_HEADER },
    { "enc", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"enc\":\"A128GCM\"}", SUB, RB_JWT_HEADER },
    { "nested: cty JWT", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"cty\":\"JWT\"}", SUB, RB_JWT_HEADER },
    { "nested: cty jwt", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"cty\":\"jwt\"}", SUB, RB_JWT_HEADER },
    { "typ a number", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":1}", SUB, RB_JWT_MALFORMED },
    { "alg twice", R1, "RS256", "{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"rsa\"}", SUB, RB_JWT_MALFORMED },
    { "alg twice, escaped", R1, "RS256", "{\"alg\":\"RS256\",\"\\u0061lg\":\"none\",\"kid\":\"rsa\"}", SUB, RB_JWT_MALFORMED },
    { "header a list", R1, "RS256", "[\"RS256\"]", SUB, RB_JWT_MALFORMED },
    { "header a text", R1, "RS256", "\"RS256\"", SUB, RB_JWT_MALFORMED },
    { "header empty", R1, "RS256", "", SUB, RB_JWT_MALFORMED },
    { "bytes behind the header", R1, "RS256", H("RS256", "rsa") " {}", SUB, RB_JWT_MALFORMED },
    { "NUL in kid", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\\u0000x\"}", SUB, RB_JWT_MALFORMED },
    { "not UTF-8", R1, "RS256", "{\"alg\":\"RS256\",\"kid\":\"\xff\"}", SUB, RB_JWT_MALFORMED },
    /* payload: parsed when the signature holds */
    { "payload no JSON", R1, "RS256", H("RS256", "rsa"), "sub=ada", RB_JWT_MALFORMED },
    { "payload a list", R1, "RS256", H("RS256", "rsa"), "[" SUB "]", RB_JWT_MALFORMED },
    { "payload empty", R1, "RS256", H("RS256", "rsa"), "", RB_JWT_MALFORMED },
    { "sub twice", R1, "RS256", H("RS256", "rsa"), "{\"sub\":\"ada\",\"sub\":\"root\"}", RB_JWT_MALFORMED },
    { "members twice further down", R1, "RS256", H("RS256", "rsa"), "{\"sub\":\"ada\",\"a\":{\"b\":1,\"b\":2}}", RB_JWT_MALFORMED },
    { "bytes behind the payload", R1, "RS256", H("RS256", "rsa"), SUB SUB, RB_JWT_MALFORMED },
    { "sixteen levels", R1, "RS256", H("RS256", "rsa"), "{\"sub\":\"ada\",\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}", RB_ACCEPTED },
    { "seventeen levels", R1, "RS256", H("RS256", "rsa"), "{\"sub\":\"ada\",\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", RB_JWT_MALFORMED },
    { "brackets in text are no levels", R1, "RS256", H("RS256", "rsa"), "{\"sub\":\"ada\",\"a\":\"[[[[[[[[[[[[[[[[[[[\\\"[[\"}", RB_ACCEPTED },
};
/* clang-format on */

static void
test_tokens(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(tokens); i++) {
        g_autofree char *token =
            jose_sign(key[tokens[i].signer], tokens[i].way, tokens[i].header, tokens[i].payload);
        expect(tokens[i].name, all, RB_JWS_ALL, token, tokens[i].want);
    }
}

/* What the caller allows is all that there is. */
static void
test_allowed(void **state)
{
    g_autofree char *rs = jose_sign(key[R1], "RS256", H("RS256", "rsa"), SUB);

    (void)state;
    expect("RS256 allowed", all, RB_JWS_RS256, rs, RB_ACCEPTED);
    expect("RS256 not allowed", all, RB_JWS_ALL & ~RB_JWS_RS256, rs, RB_JWT_ALGORITHM);
    expect("nothing allowed", all, 0, rs, RB_JWT_ALGORITHM);
}

/* HS256 keyed with what everybody knows: the public key. */
static void
test_hmac_with_public_key(void **state)
{
    g_autofree char *pem = jose_pem(key[R1]), *jwk = jose_jwk(key[R1], "rsa", NULL);
    g_autofree char *with_pem = jose_hmac(pem, H("HS256", "rsa"), SUB),
                    *with_jwk = jose_hmac(jwk, H("HS256", "rsa"), SUB);
    g_autofree char *as_rs = jose_hmac(pem, H("RS256", "rsa"), SUB),
                    *empty = jose_hmac("", H("HS256", "rsa"), SUB);

    (void)state;
    expect("HS256 with the PEM", all, RB_JWS_ALL, with_pem, RB_JWT_ALGORITHM);
    expect("HS256 with the JWK", all, RB_JWS_ALL, with_jwk, RB_JWT_ALGORITHM);
    expect("HS256 with no key", all, RB_JWS_ALL, empty, RB_JWT_ALGORITHM);
    expect("an HMAC called RS256", all, RB_JWS_ALL, as_rs, RB_JWT_SIGNATURE_INVALID);
}

/* Keys that the token brings along are not read. */
static void
test_keys_in_the_header(void **state)
{
    static const struct {
        const char *name, *format;
        RbRefusalCode want;
    } rows[] = {
        { "jwk, known kid", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jwk\":%s}", RB_JWT_SIGNATURE_INVALID },
        { "jwk, its own kid", "{\"alg\":\"RS256\",\"kid\":\"mine\",\"jwk\":%s}", RB_JWT_KEY_UNKNOWN },
        { "jwk, no kid", "{\"alg\":\"RS256\",\"jwk\":%s}", RB_JWT_SIGNATURE_INVALID },
        { "jku", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jku\":\"https://evil.example/keys\",\"x\":%s}",
          RB_JWT_SIGNATURE_INVALID },
        { "x5u", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5u\":\"https://evil.example/c\",\"x\":%s}",
          RB_JWT_SIGNATURE_INVALID },
        { "x5c", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5c\":[\"MIIB\"],\"x\":%s}",
          RB_JWT_SIGNATURE_INVALID },
    };
    g_autofree char *jwk = jose_jwk(key[R2], "mine", NULL);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) header = g_string_new(rows[i].format);
        g_autofree char *token = NULL;
        (void)g_string_replace(header, "%s", jwk, 1);
        token = jose_sign(key[R2], "RS256", header->str, SUB);
        expect(rows[i].name, all, RB_JWS_ALL, token, rows[i].want);
    }
}

/* Lengths of signatures, and numbers that prove nothing. */
static void
test_signature_bytes(void **state)
{
    guint8 bytes[600] = { 0 };
    static const struct {
        const char *name, *kid, *alg;
        gsize size;
        guint8 fill;
    } rows[] = {
        { "ES256 of 66 bytes", "p256", "ES256", 66, 1 },
        { "ES256 of 63 bytes", "p256", "ES256", 63, 1 },
        { "ES256, r and s 0", "p256", "ES256", 64, 0 },
        { "ES256, r and s too large", "p256", "ES256", 64, 0xff },
        { "ES256 of 96 bytes", "p256", "ES256", 96, 1 },
        { "ES384 of 64 bytes", "p384", "ES384", 64, 1 },
        { "ES384, r and s 0", "p384", "ES384", 96, 0 },
        { "EdDSA of 63 bytes", "ed", "EdDSA", 63, 1 },
        { "EdDSA of 65 bytes", "ed", "EdDSA", 65, 1 },
        { "EdDSA all 0", "ed", "EdDSA", 64, 0 },
        { "RS256 of 255 bytes", "rsa", "RS256", 255, 1 },
        { "RS256 of 257 bytes", "rsa", "RS256", 257, 1 },
        { "RS256 all 0", "rsa", "RS256", 256, 0 },
        { "RS256 of 1 byte", "rsa", "RS256", 1, 1 },
        { "PS256 above the modulus", "rsa", "PS256", 256, 0xff },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *header =
            g_strdup_printf("{\"alg\":\"%s\",\"kid\":\"%s\"}", rows[i].alg, rows[i].kid);
        g_autofree char *unsigned_ = jose_sign(NULL, "none", header, SUB), *token = NULL;
        memset(bytes, rows[i].fill, sizeof bytes);
        token = jose_with_signature(unsigned_, bytes, rows[i].size);
        expect(rows[i].name, all, RB_JWS_ALL, token, RB_JWT_SIGNATURE_INVALID);
    }
}

/* A good ES256 signature, in DER and with a byte more: one message, one signature form. */
static void
test_ecdsa_forms(void **state)
{
    g_autofree char *good = jose_sign(key[P256], "ES256", H("ES256", "p256"), SUB);
    g_autoptr(GBytes) raw = rb_base64url_decode(strrchr(good, '.') + 1);
    const guint8 *bytes = g_bytes_get_data(raw, NULL);
    guint8 padded[66] = { 0 };
    g_autofree char *token = NULL;

    (void)state;
    memcpy(padded + 1, bytes, 32); /* 0 r 0 s: 33 bytes each, as cjose takes them */
    memcpy(padded + 34, bytes + 32, 32);
    token = jose_with_signature(good, padded, sizeof padded);
    expect("66 bytes that mean the same", all, RB_JWS_ALL, token, RB_JWT_SIGNATURE_INVALID);
}

/* The compact form itself. */
static void
test_form(void **state)
{
    g_autofree char *good = jose_sign(key[R1], "RS256", H("RS256", "rsa"), SUB);
    g_auto(GStrv) p = g_strsplit(good, ".", -1);
    g_autofree char *large = g_strnfill(9000, 'A');
    const struct {
        const char *name;
        char *token;
        RbRefusalCode want;
    } rows[] = {
        { "empty", g_strdup(""), RB_JWT_MALFORMED },
        { "dots alone", g_strdup(".."), RB_JWT_MALFORMED },
        { "one part", g_strdup(p[0]), RB_JWT_MALFORMED },
        { "two parts", g_strconcat(p[0], ".", p[1], NULL), RB_JWT_MALFORMED },
        { "four parts", g_strconcat(good, ".", p[2], NULL), RB_JWT_MALFORMED },
        { "five parts, as JWE", g_strconcat(good, ".", p[2], ".", p[2], NULL), RB_JWT_MALFORMED },
        { "padding behind the header", g_strconcat(p[0], "==.", p[1], ".", p[2], NULL), RB_JWT_MALFORMED },
        { "padding behind the payload", g_strconcat(p[0], ".", p[1], "=.", p[2], NULL),
          RB_JWT_SIGNATURE_INVALID },
        { "padding behind the signature", g_strconcat(good, "==", NULL), RB_JWT_MALFORMED },
        { "space before", g_strconcat(" ", good, NULL), RB_JWT_MALFORMED },
        { "newline behind", g_strconcat(good, "\n", NULL), RB_JWT_MALFORMED },
        { "standard base64 in the signature", g_strconcat(p[0], ".", p[1], ".+/", p[2] + 3, NULL),
          RB_JWT_MALFORMED },
        { "another payload", g_strconcat(p[0], ".eyJzdWIiOiJyb290In0.", p[2], NULL),
          RB_JWT_SIGNATURE_INVALID },
        { "payload empty", g_strconcat(p[0], "..", p[2], NULL), RB_JWT_SIGNATURE_INVALID },
        { "JSON serialization",
          g_strdup_printf("{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}", p[0], p[1], p[2]),
          RB_JWT_MALFORMED },
        { "a header too large", g_strconcat(large, ".", p[1], ".", p[2], NULL), RB_JWT_TOO_LARGE },
        { "a token too large", g_strnfill(RB_JWS_MAX + 1, 'A'), RB_JWT_TOO_LARGE },
        { "a token of the largest size", g_strnfill(RB_JWS_MAX, 'A'), RB_JWT_MALFORMED },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        expect(rows[i].name, all, RB_JWS_ALL, rows[i].token, rows[i].want);
        g_free(rows[i].token);
    }
}

/* Two keys and no kid, one kid twice, a rollover. */
static void
test_choice_of_key(void **state)
{
    g_autofree char *a = jose_jwk(key[R1], "a", NULL), *b = jose_jwk(key[R2], "b", NULL);
    g_autofree char *b_as_a = jose_jwk(key[R2], "a", NULL),
                    *pss = jose_jwk(key[R2], "p", "\"alg\":\"PS256\"");
    g_autofree char *two = jose_jwks(a, b, NULL), *same = jose_jwks(a, b_as_a, NULL),
                    *alg = jose_jwks(a, pss, NULL);
    g_autoptr(RbJwks) rollover = keys_of(two, NULL), twice = keys_of(same, NULL), narrow = keys_of(alg, NULL);
    g_autofree char *bare = jose_sign(key[R1], "RS256", "{\"alg\":\"RS256\"}", SUB);
    g_autofree char *of_a = jose_sign(key[R1], "RS256", H("RS256", "a"), SUB);
    g_autofree char *of_b = jose_sign(key[R2], "RS256", H("RS256", "b"), SUB);
    g_autofree char *of_p = jose_sign(key[R2], "RS256", H("RS256", "p"), SUB);

    (void)state;
    expect("no kid, two keys", rollover, RB_JWS_ALL, bare, RB_JWT_KEY_UNKNOWN);
    expect("the old key", rollover, RB_JWS_ALL, of_a, RB_ACCEPTED);
    expect("the new key", rollover, RB_JWS_ALL, of_b, RB_ACCEPTED);
    expect("one kid, two keys", twice, RB_JWS_ALL, of_a, RB_JWT_KEY_UNKNOWN);
    expect("no kid, one key of that alg", narrow, RB_JWS_ALL, bare, RB_ACCEPTED);
    expect("RS256 by a key for PS256", narrow, RB_JWS_ALL, of_p, RB_JWT_KEY_UNKNOWN);
}

/* ---- key sets ---- */

static void
expect_set(const char *name, const char *set, gssize size, guint want)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbJwks) keys = rb_jwks_parse(set, size < 0 ? strlen(set) : (gsize)size, &error);

    if (code_of(error) != (want == 0 ? RB_OIDC_KEYS : RB_ACCEPTED) ||
        (keys == NULL ? 0 : rb_jwks_size(keys)) != want)
        fail_msg("%s: %u keys, not %u (%s)", name, keys == NULL ? 0 : rb_jwks_size(keys), want,
                 error == NULL ? "" : error->message);
}

static void
test_sets(void **state)
{
    g_autofree char *rsa = jose_jwk(key[R1], "rsa", NULL);
    g_autofree char *modulus = g_strnfill(2732, '_');
    g_autofree char *ec = jose_jwk(key[P256], "ec", NULL), *ed = jose_jwk(key[ED], "ed", NULL);
    const struct {
        const char *name;
        char *jwk;
        guint want;
    } rows[] = {
        { "RSA", g_strdup(rsa), 1 },
        { "EC", g_strdup(ec), 1 },
        { "Ed25519", g_strdup(ed), 1 },
        { "use enc", jose_jwk(key[R1], "k", "\"use\":\"enc\""), 0 },
        { "use a number", jose_jwk(key[R1], "k", "\"use\":1"), 0 },
        { "key_ops encrypt", jose_jwk(key[R1], "k", "\"key_ops\":[\"encrypt\",\"wrapKey\"]"), 0 },
        { "key_ops empty", jose_jwk(key[R1], "k", "\"key_ops\":[]"), 0 },
        { "alg RSA-OAEP", jose_jwk(key[R1], "k", "\"alg\":\"RSA-OAEP\""), 0 },
        { "alg HS256", jose_jwk(key[R1], "k", "\"alg\":\"HS256\""), 0 },
        { "alg ES256 on RSA", jose_jwk(key[R1], "k", "\"alg\":\"ES256\""), 0 },
        { "alg ES384 on P-256", jose_jwk(key[P256], "k", "\"alg\":\"ES384\""), 0 },
        { "alg a number", jose_jwk(key[R1], "k", "\"alg\":1"), 0 },
        { "private", jose_jwk(key[R1], "k", "\"d\":\"AQ\""), 0 },
        { "RSA of 1024 bits", jose_jwk(key[SHORT], "k", NULL), 0 },
        { "P-521", jose_jwk(key[P521], "k", NULL), 0 },
        { "secp256k1", g_strdup("{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}"), 0 },
        { "a point not on the curve",
          g_strdup_printf("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}",
                          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",
                          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"),
          0 },
        { "coordinates too short", g_strdup("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}"),
          0 },
        { "no y",
          g_strdup(
              "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}"),
          0 },
        { "oct", g_strdup("{\"kty\":\"oct\",\"k\":\"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\"}"), 0 },
        { "X25519",
          g_strdup(
              "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}"),
          0 },
        { "Ed25519 of 31 bytes",
          g_strdup(
              "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"),
          0 },
        { "exponent 1", g_strdup_printf("%.*s,\"e\":\"AQ\"}", (int)(strstr(rsa, ",\"e\"") - rsa), rsa), 0 },
        { "exponent 2", g_strdup_printf("%.*s,\"e\":\"Ag\"}", (int)(strstr(rsa, ",\"e\"") - rsa), rsa), 0 },
        { "n padded", g_strdup_printf("%.*s==\",\"e\":\"AQAB\"}", (int)(strstr(rsa, "\",\"e\"") - rsa), rsa),
          0 },
        { "RSA of 16384 bits", g_strdup_printf("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", modulus), 0 },
        { "kid a number", g_strdup_printf("%.*s,\"kid\":7}", (int)(strstr(rsa, ",\"kid\"") - rsa), rsa), 0 },
        { "a text among the keys", g_strdup("\"key\""), 0 },
        { "no kty", g_strdup("{\"n\":\"AQ\",\"e\":\"AQAB\"}"), 0 },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *alone = jose_jwks(rows[i].jwk, NULL), *beside = jose_jwks(ed, rows[i].jwk, NULL);
        expect_set(rows[i].name, alone, -1, rows[i].want);
        expect_set(rows[i].name, beside, -1, 1 + rows[i].want);
        g_free(rows[i].jwk);
    }
    expect_set("no JSON", "<html>", -1, 0);
    expect_set("empty", "", 0, 0);
    expect_set("no keys", "{}", -1, 0);
    expect_set("keys a text", "{\"keys\":\"x\"}", -1, 0);
    expect_set("keys empty", "{\"keys\":[]}", -1, 0);
    expect_set("keys twice", "{\"keys\":[],\"keys\":[]}", -1, 0);
}

static void
test_set_limits(void **state)
{
    g_autofree char *ed = jose_jwk(key[ED], NULL, NULL), *blank = g_strnfill(RB_JWKS_MAX, ' ');
    g_autoptr(GString) many = g_string_new("{\"keys\":[");

    (void)state;
    for (guint i = 0; i < RB_JWKS_MAX_KEYS; i++)
        g_string_append_printf(many, "%s,", ed);
    many->str[many->len - 1] = ']';
    g_string_append_c(many, '}');
    expect_set("a hundred keys", many->str, -1, RB_JWKS_MAX_KEYS);
    g_string_truncate(many, many->len - 2);
    g_string_append_printf(many, ",%s]}", ed);
    expect_set("a hundred and one", many->str, -1, 0);
    expect_set("too many bytes", blank, RB_JWKS_MAX + 1, 0);
}

/* ---- our own ---- */

static void
test_make(void **state)
{
    static const struct {
        guint signer;
        const char *kid;
    } rows[] = { { R1, "rsa" }, { P256, "p256" }, { P384, "p384" } };
    json_t *claims = json_pack("{s:s}", "sub", "ada");

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbPrivateKey) private = NULL;
        g_autoptr(RbSecret) pem = NULL, token = NULL;
        BIO *bio = BIO_new(BIO_s_mem());
        char *data;
        long size;
        assert_int_equal(PEM_write_bio_PrivateKey(bio, key[rows[i].signer], NULL, NULL, 0, NULL, NULL), 1);
        size = BIO_get_mem_data(bio, &data);
        pem = rb_secret_new(data, (gsize)size);
        BIO_free(bio);
        private = rb_private_key_parse(pem, NULL);
        assert_non_null(private);
        token = rb_jws_make(private, rows[i].kid, claims, NULL);
        assert_non_null(token);
        expect(rows[i].kid, all, RB_JWS_ALL, rb_secret_reveal(token), RB_ACCEPTED);
    }
    json_decref(claims);
}

/* OIDC Core's own example of at_hash (A.3): RS256. */
static void
test_half_hash(void **state)
{
    g_autofree char *hash = rb_jws_half_hash(RB_JWS_RS256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");

    (void)state;
    assert_string_equal(hash, "77QmUPtjPfzWtF2AnpK9RQ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),     cmocka_unit_test(test_allowed),
        cmocka_unit_test(test_form),       cmocka_unit_test(test_hmac_with_public_key),
        cmocka_unit_test(test_sets),       cmocka_unit_test(test_keys_in_the_header),
        cmocka_unit_test(test_set_limits), cmocka_unit_test(test_signature_bytes),
        cmocka_unit_test(test_make),       cmocka_unit_test(test_ecdsa_forms),
        cmocka_unit_test(test_half_hash),  cmocka_unit_test(test_choice_of_key),
    };

    return cmocka_run_group_tests_name("jws", tests, set_up, tear_down);
}
