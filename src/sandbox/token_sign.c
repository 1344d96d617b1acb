#include "sandbox/token_sign.h"

#include "base/encoding.h"
#include "base/refusal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

enum { HALF = 32, MAX_SIGNATURE = 1024 };

struct RbBoxTokenKey {
    EVP_PKEY *pkey;
    gboolean ec;
    json_t *jwk;
    char *kid;
};

char *
rb_box_json_text(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT), *copy = g_strdup(text);

    free(text);
    json_decref(json);
    return copy;
}

/* @size 0: as many bytes as there are */
static char *
number(const EVP_PKEY *pkey, const char *name, int size)
{
    BIGNUM *bn = NULL;
    guint8 bytes[MAX_SIGNATURE];
    char *text = NULL;

    if (EVP_PKEY_get_bn_param(pkey, name, &bn) == 1 && BN_num_bytes(bn) <= MAX_SIGNATURE) {
        size = size > 0 ? size : BN_num_bytes(bn);
        if (BN_bn2binpad(bn, bytes, size) == size)
            text = rb_base64url_encode(bytes, (gsize)size);
    }
    BN_free(bn);
    return text;
}

/* The members that RFC 7638 takes the thumbprint of, in its order. */
static char *
public_text(const RbBoxTokenKey *key)
{
    g_autofree char *a =
        number(key->pkey, key->ec ? OSSL_PKEY_PARAM_EC_PUB_X : OSSL_PKEY_PARAM_RSA_E, key->ec ? HALF : 0);
    g_autofree char *b =
        number(key->pkey, key->ec ? OSSL_PKEY_PARAM_EC_PUB_Y : OSSL_PKEY_PARAM_RSA_N, key->ec ? HALF : 0);

    if (a == NULL || b == NULL)
        return NULL;
    return key->ec ? g_strdup_printf("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", a, b)
                   : g_strdup_printf("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", a, b);
}

RbBoxTokenKey *
rb_box_token_key_new(const RbSecret *pem, GError **error)
{
    g_autoptr(RbBoxTokenKey) key = g_new0(RbBoxTokenKey, 1);
    BIO *bio = BIO_new_mem_buf(rb_secret_reveal(pem), (int)rb_secret_size(pem));
    g_autofree char *text = NULL;
    guint8 digest[32];

    key->pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    key->ec = key->pkey != NULL && EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_EC &&
              EVP_PKEY_get_bits(key->pkey) == 8 * HALF;
    if (key->ec || (key->pkey != NULL && EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_RSA))
        text = public_text(key);
    if (text == NULL) {
        rb_fault(error, RB_FAULT_FILE, "tokens are signed with an RSA or P-256 key, in PEM");
        return NULL;
    }
    rb_sha256(text, strlen(text), digest);
    key->kid = rb_base64url_encode(digest, sizeof digest);
    key->jwk = json_loads(text, 0, NULL);
    json_object_set_new(key->jwk, "kid", json_string(key->kid));
    json_object_set_new(key->jwk, "use", json_string("sig"));
    json_object_set_new(key->jwk, "alg", json_string(rb_box_token_key_algorithm(key)));
    return g_steal_pointer(&key);
}

void
rb_box_token_key_free(RbBoxTokenKey *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    json_decref(key->jwk);
    g_free(key->kid);
    g_free(key);
}

const char *
rb_box_token_key_algorithm(const RbBoxTokenKey *key)
{
    return key->ec ? "ES256" : "RS256";
}

char *
rb_box_token_keys_json(const RbBoxTokenKey *const *keys, gsize n)
{
    json_t *list = json_array();

    for (gsize i = 0; i < n; i++)
        if (keys[i] != NULL)
            json_array_append_new(list, json_deep_copy(keys[i]->jwk));
    return rb_box_json_text(json_pack("{s:o}", "keys", list));
}

static char *
part_of(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT), *encoded = rb_base64url_encode(text, strlen(text));

    free(text);
    return encoded;
}

/* r and s of @size bytes DER, side by side into @bytes. */
static gsize
as_raw(guint8 *bytes, gsize size)
{
    const guint8 *at = bytes;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)size);

    g_assert(sig != NULL);
    (void)BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, HALF);
    (void)BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + HALF, HALF);
    ECDSA_SIG_free(sig);
    return (gsize)2 * HALF;
}

char *
rb_box_token_sign(const RbBoxTokenKey *key, const char *typ, const json_t *claims)
{
    json_t *header =
        json_pack("{s:s, s:s, s:s}", "alg", rb_box_token_key_algorithm(key), "typ", typ, "kid", key->kid);
    g_autofree char *head = part_of(header), *body = part_of(claims),
                    *text = g_strjoin(".", head, body, NULL);
    g_autofree char *signature = NULL;
    guint8 bytes[MAX_SIGNATURE];
    gsize size = sizeof bytes;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    json_decref(header);
    if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) != 1 ||
        EVP_DigestSign(ctx, bytes, &size, (const guint8 *)text, strlen(text)) != 1)
        g_error("a token could not be signed");
    EVP_MD_CTX_free(ctx);
    if (key->ec)
        size = as_raw(bytes, size);
    signature = rb_base64url_encode(bytes, size);
    return g_strjoin(".", text, signature, NULL);
}
