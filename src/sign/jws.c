#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/priv.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

/*
 * JSON Web Signatures in compact form. Limit, structure, header, algorithm, key, signature, in this order;
 * the payload is parsed when the signature holds. docs/decisions/0015-jws-on-openssl.md says why not cjose.
 */

typedef struct {
    const char *name;
    const char *digest; /* of the signature; NULL: the algorithm's own */
    const char *hash;   /* of at_hash */
    gsize size;         /* of a signature; 0: the modulus's */
    RbJwsAlgorithm bit;
    int padding; /* RSA */
} Algorithm;

static const Algorithm algorithms[] = {
    { "RS256", "SHA256", "SHA256", 0, RB_JWS_RS256, RSA_PKCS1_PADDING },
    { "PS256", "SHA256", "SHA256", 0, RB_JWS_PS256, RSA_PKCS1_PSS_PADDING },
    { "ES256", "SHA256", "SHA256", 64, RB_JWS_ES256, 0 },
    { "ES384", "SHA384", "SHA384", 96, RB_JWS_ES384, 0 },
    { "EdDSA", NULL, "SHA512", 64, RB_JWS_EDDSA, 0 },
};

static const Algorithm *
find_algorithm(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(algorithms); i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

guint
rb_jws_algorithm(const char *name)
{
    const Algorithm *algorithm = find_algorithm(name);

    return algorithm == NULL ? 0 : algorithm->bit;
}

void
rb_jws_free(RbJws *jws)
{
    if (jws == NULL)
        return;
    json_decref(jws->header);
    json_decref(jws->claims);
    g_free(jws);
}

/* A token cut at its two dots, nothing decoded but the header. */
typedef struct {
    const char *token;
    gsize header_size, signed_size; /* signed: header.payload */
    const char *signature;
    json_t *header;
} Parts;

static void
parts_clear(Parts *parts)
{
    json_decref(parts->header);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parts, parts_clear)

static gboolean
split(const char *token, Parts *parts, GError **error)
{
    const char *first, *second;
    g_autoptr(GBytes) header = NULL;

    if (strnlen(token, RB_JWS_MAX + 1) > RB_JWS_MAX)
        return rb_refuse(error, RB_JWT_TOO_LARGE, "a token of more than %d bytes", RB_JWS_MAX);
    first = strchr(token, '.');
    second = first == NULL ? NULL : strchr(first + 1, '.');
    if (second == NULL || strchr(second + 1, '.') != NULL)
        return rb_refuse(error, RB_JWT_MALFORMED, "a token that is not three parts with two dots");
    if (first - token > RB_JWS_MAX_HEADER)
        return rb_refuse(error, RB_JWT_TOO_LARGE, "a token header of more than %d bytes", RB_JWS_MAX_HEADER);
    header = rb_base64url_decode_part(token, (gsize)(first - token));
    if (header == NULL)
        return rb_refuse(error, RB_JWT_MALFORMED, "a token header that is not base64url");
    parts->header = rb_json_parse(g_bytes_get_data(header, NULL), g_bytes_get_size(header), RB_JWT_MALFORMED,
                                  "the token's header", error);
    parts->token = token;
    parts->header_size = (gsize)(first - token);
    parts->signed_size = (gsize)(second - token);
    parts->signature = second + 1;
    return parts->header != NULL;
}

/* RFC 7515 §4.1.11: no extension is understood here, so none may be critical; RFC 7797's b64 changes what is
 * signed; RFC 7516's and 7519's nesting and compression hide a second message from these checks. jwk, jku,
 * x5u and x5c are not read: keys come from the caller alone. */
static gboolean
check_header(const json_t *header, GError **error)
{
    static const char *const never[] = { "crit", "b64", "zip", "enc" };
    const json_t *cty = json_object_get(header, "cty"), *typ = json_object_get(header, "typ");
    const json_t *kid = json_object_get(header, "kid");

    for (gsize i = 0; i < G_N_ELEMENTS(never); i++)
        if (json_object_get(header, never[i]) != NULL)
            return rb_refuse(error, RB_JWT_HEADER, "a token header with '%s'", never[i]);
    if (cty != NULL && (!json_is_string(cty) || g_ascii_strcasecmp(json_string_value(cty), "JWT") == 0))
        return rb_refuse(error, RB_JWT_HEADER, "a token inside a token");
    if (!json_is_string(json_object_get(header, "alg")) || (typ != NULL && !json_is_string(typ)) ||
        (kid != NULL && (!json_is_string(kid) || json_string_length(kid) > RB_JWS_MAX_KID)))
        return rb_refuse(error, RB_JWT_MALFORMED, "a token header whose alg, typ or kid is not such a text");
    return TRUE;
}

/* RFC 8725 §3.1: the algorithm is one that the caller and the key allow, whatever else the header says. */
static const RbJwk *
find_key(const RbJwks *keys, const char *kid, RbJwsAlgorithm algorithm, GError **error)
{
    const RbJwk *found = NULL;
    g_autofree char *quoted = NULL;
    gboolean several = FALSE;

    for (guint i = 0; i < keys->keys->len; i++) {
        const RbJwk *key = keys->keys->pdata[i];
        if ((key->algorithms & algorithm) == 0 || (kid != NULL && g_strcmp0(key->kid, kid) != 0))
            continue;
        several = found != NULL;
        if (several)
            break;
        found = key;
    }
    if (found != NULL && !several)
        return found;
    quoted = rb_text_quote(kid == NULL ? "" : kid);
    (void)rb_refuse(error, RB_JWT_KEY_UNKNOWN,
                    several ? "more than one key fits kid %s"
                            : "no key of the issuer has kid %s and that algorithm",
                    quoted);
    return NULL;
}

static gboolean
set_padding(const Algorithm *algorithm, EVP_PKEY_CTX *ctx)
{
    if (algorithm->padding == 0)
        return TRUE;
    if (EVP_PKEY_CTX_set_rsa_padding(ctx, algorithm->padding) != 1)
        return FALSE;
    return algorithm->padding != RSA_PKCS1_PSS_PADDING ||
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1; /* RFC 7518 §3.5 */
}

static EVP_MD_CTX *
prepare(const Algorithm *algorithm, EVP_PKEY *pkey)
{
    g_autoptr(EVP_MD_CTX) ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey_ctx = NULL; /* ctx owns it */

    return EVP_DigestVerifyInit_ex(ctx, &pkey_ctx, algorithm->digest, NULL, NULL, pkey, NULL) == 1 &&
                   set_padding(algorithm, pkey_ctx)
               ? g_steal_pointer(&ctx)
               : NULL;
}

void
rb_jws_prepare(RbJwk *key)
{
    G_STATIC_ASSERT(G_N_ELEMENTS(algorithms) == RB_JWS_ALGORITHMS);
    for (guint i = 0; i < RB_JWS_ALGORITHMS; i++) {
        if ((key->algorithms & algorithms[i].bit) == 0)
            continue;
        key->ready[i] = prepare(&algorithms[i], key->pkey);
        if (key->ready[i] == NULL)
            key->algorithms &= ~(guint)algorithms[i].bit;
    }
    ERR_clear_error();
}

static gboolean
signature_holds(const Algorithm *algorithm, const RbJwk *key, const Parts *parts, GBytes *signature)
{
    g_autoptr(EVP_MD_CTX) ctx = EVP_MD_CTX_new();
    g_autoptr(GBytes) der = NULL;
    gsize want = algorithm->size != 0 ? algorithm->size : (gsize)EVP_PKEY_get_size(key->pkey), size;
    const guint8 *data = g_bytes_get_data(signature, &size);
    gboolean ok;

    if (size != want)
        return FALSE;
    if (EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_EC) {
        der = rb_ecdsa_to_der(key->pkey, data, size);
        if (der == NULL)
            return FALSE;
        data = g_bytes_get_data(der, &size);
    }
    ok = EVP_MD_CTX_copy_ex(ctx, key->ready[algorithm - algorithms]) == 1 &&
         EVP_DigestVerify(ctx, data, size, (const guint8 *)parts->token, parts->signed_size) == 1;
    ERR_clear_error();
    return ok;
}

static gboolean
check_signature(const RbJwks *keys, guint allowed, const Parts *parts, const Algorithm **algorithm,
                GError **error)
{
    const char *name = json_string_value(json_object_get(parts->header, "alg"));
    g_autofree char *quoted = NULL;
    g_autoptr(GBytes) signature = rb_base64url_decode(parts->signature);
    const RbJwk *key;

    *algorithm = find_algorithm(name);
    if (*algorithm == NULL || ((*algorithm)->bit & allowed) == 0) {
        quoted = rb_text_quote(name);
        return rb_refuse(error, RB_JWT_ALGORITHM, "the algorithm %s is not accepted", quoted);
    }
    if (signature == NULL)
        return rb_refuse(error, RB_JWT_MALFORMED, "a token signature that is not base64url");
    key = find_key(keys, json_string_value(json_object_get(parts->header, "kid")), (*algorithm)->bit, error);
    if (key == NULL)
        return FALSE;
    return signature_holds(*algorithm, key, parts, signature) ||
           rb_refuse(error, RB_JWT_SIGNATURE_INVALID, "the signature is not of the key that the token names");
}

RbJws *
rb_jws_verify(const RbJwks *keys, guint allowed, const char *token, GError **error)
{
    g_auto(Parts) parts = { 0 };
    g_autoptr(GBytes) payload = NULL;
    const Algorithm *algorithm;
    json_t *claims;
    RbJws *jws;

    if (!split(token, &parts, error) || !check_header(parts.header, error) ||
        !check_signature(keys, allowed, &parts, &algorithm, error))
        return NULL;
    payload =
        rb_base64url_decode_part(token + parts.header_size + 1, parts.signed_size - parts.header_size - 1);
    if (payload == NULL) {
        (void)rb_refuse(error, RB_JWT_MALFORMED, "a token payload that is not base64url");
        return NULL;
    }
    claims = rb_json_parse(g_bytes_get_data(payload, NULL), g_bytes_get_size(payload), RB_JWT_MALFORMED,
                           "the token's payload", error);
    if (claims == NULL)
        return NULL;
    jws = g_new0(RbJws, 1);
    jws->header = g_steal_pointer(&parts.header);
    jws->claims = claims;
    jws->algorithm = algorithm->bit;
    return jws;
}

char *
rb_jws_half_hash(RbJwsAlgorithm bit, const char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    gsize size = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(algorithms); i++)
        if (algorithms[i].bit == bit && strcmp(algorithms[i].hash, "SHA256") == 0) {
            rb_sha256(text, strlen(text), digest); /* which is at hand */
            size = 32;
        } else if (algorithms[i].bit == bit &&
                   EVP_Q_digest(NULL, algorithms[i].hash, NULL, text, strlen(text), digest, &size) != 1)
            size = 0;
    return rb_base64url_encode(digest, size / 2);
}

/* ---- tokens of our own: client authentication, web identity ---- */

static char *
encode(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    char *encoded = rb_base64url_encode(text, strlen(text));

    free(text);
    return encoded;
}

RbSecret *
rb_jws_make(const RbPrivateKey *key, const char *kid, const json_t *claims, GError **error)
{
    json_t *header =
        json_pack("{s:s, s:s, s:s*}", "alg", rb_private_key_algorithm(key), "typ", "JWT", "kid", kid);
    g_autofree char *head = encode(header), *body = encode(claims);
    g_autofree char *input = g_strconcat(head, ".", body, NULL), *encoded = NULL;
    g_autoptr(GBytes) signature = rb_signature_make(key, input, strlen(input), error);

    json_decref(header);
    if (signature == NULL)
        return NULL;
    encoded = rb_base64url_encode(g_bytes_get_data(signature, NULL), g_bytes_get_size(signature));
    return rb_secret_take_text(g_strconcat(input, ".", encoded, NULL));
}
