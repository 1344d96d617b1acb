#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/token.h"
#include "sign/token_priv.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <p11-kit/uri.h>
#include <string.h>

/* Keys on a token: made there, found by their URI, asked for signatures. */

enum {
    RSA_BITS = 3072,
    ID_SIZE = 16,
    MAX_ID = 255,
    MAX_URI = 1024,
    MAX_NUMBER = 2048, /* bytes of a modulus or a point */
    TRIES = 2,         /* the second on a new connection */
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(P11KitUri, p11_kit_uri_free)

struct RbTokenPlace {
    RbToken *token;
    char *uri;
    GBytes *id;       /* CKA_ID */
    GMutex lock;      /* the fields below */
    guint generation; /* of the connection that @handle is of; 0: none */
    CK_OBJECT_HANDLE handle;
};

void
rb_token_place_free(RbTokenPlace *place)
{
    if (place == NULL)
        return;
    rb_token_unref(place->token);
    g_free(place->uri);
    g_bytes_unref(place->id);
    g_mutex_clear(&place->lock);
    g_free(place);
}

/* Takes @id over. */
static RbTokenPlace *
place_new(RbToken *token, const char *uri, GBytes *id)
{
    RbTokenPlace *place = g_new0(RbTokenPlace, 1);

    place->token = rb_token_ref(token);
    place->uri = g_strdup(uri);
    place->id = id;
    g_mutex_init(&place->lock);
    return place;
}

const char *
rb_private_key_uri(const RbPrivateKey *key)
{
    return key->place == NULL ? NULL : key->place->uri;
}

/* ---- URIs ---- */

/* "pkcs11:token=rolebridge;id=%01%02…;type=private" */
static char *
uri_for(const RbToken *token, const guint8 *id, gsize size)
{
    g_autofree char *label = rb_uri_encode(rb_token_label(token));
    GString *uri = g_string_new("pkcs11:token=");

    g_string_append_printf(uri, "%s;id=", label);
    for (gsize i = 0; i < size; i++)
        g_string_append_printf(uri, "%%%02x", id[i]);
    g_string_append(uri, ";type=private");
    return g_string_free(uri, FALSE);
}

/* (transfer full): the id in @uri; NULL with sign.key. */
static GBytes *
parse_uri(const RbToken *token, const char *text, GError **error)
{
    g_autoptr(P11KitUri) uri = p11_kit_uri_new();
    CK_TOKEN_INFO info;
    const CK_ATTRIBUTE *id;
    gsize n = strlen(rb_token_label(token));

    if (strlen(text) > MAX_URI ||
        p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, uri) != P11_KIT_URI_OK ||
        p11_kit_uri_any_unrecognized(uri)) {
        (void)rb_refuse(error, RB_SIGN_KEY, "not a PKCS#11 URI");
        return NULL;
    }
    if (p11_kit_uri_get_pin_value(uri) != NULL || p11_kit_uri_get_pin_source(uri) != NULL) {
        (void)rb_refuse(error, RB_SIGN_KEY, "a PKCS#11 URI with a PIN: it belongs in issuer.pkcs11.pin");
        return NULL;
    }
    info = *p11_kit_uri_get_token_info(uri); /* whatever else it says of the token is not ours to check */
    memset(info.label, ' ', sizeof info.label);
    memcpy(info.label, rb_token_label(token), MIN(n, sizeof info.label));
    id = p11_kit_uri_get_attribute(uri, CKA_ID);
    if (!p11_kit_uri_match_token_info(uri, &info)) {
        (void)rb_refuse(error, RB_SIGN_KEY, "a PKCS#11 URI of another token");
        return NULL;
    }
    if (id == NULL || id->ulValueLen == 0 || id->ulValueLen > MAX_ID) {
        (void)rb_refuse(error, RB_SIGN_KEY, "a PKCS#11 URI without the id of a key");
        return NULL;
    }
    return g_bytes_new(id->pValue, id->ulValueLen);
}

RbPrivateKey *
rb_token_key(RbToken *token, const char *uri, GBytes *certificate, GError **error)
{
    gsize size;
    const void *der = g_bytes_get_data(certificate, &size);
    g_autoptr(GBytes) id = parse_uri(token, uri, error);
    g_autoptr(RbPublicKey) public = id == NULL ? NULL : rb_public_key_from_certificate(der, size, error);
    RbPrivateKey *key;

    if (public == NULL)
        return NULL;
    EVP_PKEY_up_ref(public->pkey);
    key = rb_private_key_take(public->pkey, error);
    if (key != NULL)
        key->place = place_new(token, uri, g_steal_pointer(&id));
    return key;
}

/* ---- making ---- */

typedef struct {
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public, private;
    guint8 id[ID_SIZE];
} Pair;

static CK_RV
generate(const RbToken *token, const char *algorithm, Pair *pair)
{
    static const guint8 p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
    static const guint8 p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG bits = RSA_BITS;
    guint8 exponent[] = { 1, 0, 1 };
    gboolean rsa = g_str_equal(algorithm, "RS256"), large = g_str_equal(algorithm, "ES384");
    CK_MECHANISM mechanism = { rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0 };
    CK_ATTRIBUTE open[6] = { { CKA_TOKEN, &yes, sizeof yes },
                             { CKA_VERIFY, &yes, sizeof yes },
                             { CKA_ID, pair->id, sizeof pair->id },
                             { CKA_LABEL, (void *)"rolebridge", strlen("rolebridge") } };
    CK_ATTRIBUTE hidden[] = {
        { CKA_TOKEN, &yes, sizeof yes },       { CKA_PRIVATE, &yes, sizeof yes },
        { CKA_SENSITIVE, &yes, sizeof yes },   { CKA_EXTRACTABLE, &no, sizeof no },
        { CKA_SIGN, &yes, sizeof yes },        { CKA_DECRYPT, &no, sizeof no },
        { CKA_ID, pair->id, sizeof pair->id }, { CKA_LABEL, (void *)"rolebridge", strlen("rolebridge") }
    };
    CK_ULONG n = 4;

    if (rsa) {
        open[n++] = (CK_ATTRIBUTE){ CKA_MODULUS_BITS, &bits, sizeof bits };
        open[n++] = (CK_ATTRIBUTE){ CKA_PUBLIC_EXPONENT, exponent, sizeof exponent };
    } else
        open[n++] =
            (CK_ATTRIBUTE){ CKA_EC_PARAMS, (void *)(large ? p384 : p256), large ? sizeof p384 : sizeof p256 };
    return rb_token_module(token)->C_GenerateKeyPair(pair->session, &mechanism, open, n, hidden,
                                                     G_N_ELEMENTS(hidden), &pair->public, &pair->private);
}

/* (transfer full): one attribute of the new public key; NULL: the token does not say. */
static GBytes *
attribute(const RbToken *token, const Pair *pair, CK_ATTRIBUTE_TYPE type)
{
    guint8 buffer[MAX_NUMBER];
    CK_ATTRIBUTE wanted = { type, buffer, sizeof buffer };

    if (rb_token_module(token)->C_GetAttributeValue(pair->session, pair->public, &wanted, 1) != CKR_OK ||
        wanted.ulValueLen > sizeof buffer)
        return NULL;
    return g_bytes_new(buffer, wanted.ulValueLen);
}

static EVP_PKEY *
read_rsa(const RbToken *token, const Pair *pair)
{
    g_autoptr(GBytes) n = attribute(token, pair, CKA_MODULUS),
                      e = attribute(token, pair, CKA_PUBLIC_EXPONENT);
    g_autoptr(OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new();
    g_autoptr(BIGNUM) modulus = NULL, exponent = NULL;

    if (n == NULL || e == NULL)
        return NULL;
    modulus = BN_bin2bn(g_bytes_get_data(n, NULL), (int)g_bytes_get_size(n), NULL);
    exponent = BN_bin2bn(g_bytes_get_data(e, NULL), (int)g_bytes_get_size(e), NULL);
    if (OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
        return NULL;
    return rb_pkey_build("RSA", builder);
}

/* CKA_EC_POINT is an OCTET STRING around the point; some modules give the point bare. */
static EVP_PKEY *
read_ec(const RbToken *token, const Pair *pair, const char *group)
{
    g_autoptr(GBytes) raw = attribute(token, pair, CKA_EC_POINT);
    g_autoptr(OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new();
    gsize size = 0;
    const guint8 *point = raw == NULL ? NULL : g_bytes_get_data(raw, &size);

    if (size > 2 && point[0] == 0x04 && point[1] == size - 2) {
        point += 2;
        size -= 2;
    }
    if (size == 0 || OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, size) != 1)
        return NULL;
    return rb_pkey_build("EC", builder);
}

static RbPrivateKey *
make(RbToken *token, const char *algorithm, Pair *pair, GError **error)
{
    CK_RV rv = generate(token, algorithm, pair);
    g_autofree char *uri = uri_for(token, pair->id, sizeof pair->id);
    EVP_PKEY *pkey;
    RbPrivateKey *key;

    if (rv != CKR_OK) {
        (void)rb_token_fault(token, rv, "it makes no key", error);
        return NULL;
    }
    if (g_str_equal(algorithm, "RS256"))
        pkey = read_rsa(token, pair);
    else
        pkey = read_ec(token, pair, g_str_equal(algorithm, "ES256") ? "prime256v1" : "secp384r1");
    ERR_clear_error();
    if (pkey == NULL) {
        (void)rb_fault(error, RB_FAULT_KEYS, "the token made a key and does not give its public half");
        return NULL;
    }
    key = rb_private_key_take(pkey, error);
    if (key != NULL)
        key->place = place_new(token, uri, g_bytes_new(pair->id, sizeof pair->id));
    return key;
}

RbPrivateKey *
rb_token_key_generate(RbToken *token, const char *algorithm, GError **error)
{
    static const char *const known[] = { "RS256", "ES256", "ES384", NULL };
    RbTokenSession session;
    RbPrivateKey *key;
    Pair pair = { 0 };

    if (!g_strv_contains(known, algorithm)) {
        (void)rb_refuse(error, RB_SIGN_KEY, "no keys are made for this algorithm");
        return NULL;
    }
    if (RAND_bytes(pair.id, sizeof pair.id) != 1)
        g_error("the system's random generator does not answer");
    if (!rb_token_take(token, TRUE, &session, error))
        return NULL;
    pair.session = session.handle;
    key = make(token, algorithm, &pair, error);
    rb_token_put(token, &session);
    return key;
}

/* ---- signing ---- */

/* The handle of the private key, looked for once a connection. */
static CK_RV
find_key(RbTokenPlace *place, const RbTokenSession *session, CK_OBJECT_HANDLE *handle)
{
    CK_FUNCTION_LIST *module = rb_token_module(place->token);
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    gsize size;
    const void *id = g_bytes_get_data(place->id, &size);
    CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, (void *)id, size } };
    CK_OBJECT_HANDLE found[2];
    CK_ULONG n = 0;
    CK_RV rv;

    g_mutex_lock(&place->lock);
    if (place->generation == session->generation)
        *handle = place->handle;
    g_mutex_unlock(&place->lock);
    if (*handle != CK_INVALID_HANDLE)
        return CKR_OK;
    rv = module->C_FindObjectsInit(session->handle, wanted, G_N_ELEMENTS(wanted));
    if (rv != CKR_OK)
        return rv;
    rv = module->C_FindObjects(session->handle, found, G_N_ELEMENTS(found), &n);
    (void)module->C_FindObjectsFinal(session->handle);
    if (rv != CKR_OK || n != 1)
        return rv != CKR_OK ? rv : CKR_KEY_NEEDED; /* none, or several: which signs is not left to chance */
    g_mutex_lock(&place->lock);
    place->generation = session->generation;
    *handle = place->handle = found[0];
    g_mutex_unlock(&place->lock);
    return CKR_OK;
}

/* PKCS #1 v1.5 signs a DigestInfo (RFC 8017 §9.2), which the token is given whole. */
static gsize
wrap_digest(const guint8 *digest, gsize size, guint8 *out)
{
    static const guint8 head[] = { 0x30, 0,    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                   0x65, 0x03, 0x04, 0x02, 0,    0x05, 0x00, 0x04, 0 };

    memcpy(out, head, sizeof head);
    out[1] = (guint8)(sizeof head - 2 + size);
    out[14] = size == 32 ? 1 : size == 48 ? 2 : 3;
    out[18] = (guint8)size;
    memcpy(out + sizeof head, digest, size);
    return sizeof head + size;
}

static CK_RV
sign(const RbPrivateKey *key, const RbTokenSession *session, const guint8 *digest, gsize size,
     guint8 *signature, CK_ULONG *signature_size)
{
    CK_FUNCTION_LIST *module = rb_token_module(key->place->token);
    gboolean rsa = rb_private_key_is_rsa(key);
    CK_MECHANISM mechanism = { rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0 };
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    guint8 data[32 + EVP_MAX_MD_SIZE];
    CK_RV rv = find_key(key->place, session, &handle);

    if (rsa)
        size = wrap_digest(digest, size, data);
    else
        memcpy(data, digest, size);
    if (rv == CKR_OK)
        rv = module->C_SignInit(session->handle, &mechanism, handle);
    return rv == CKR_OK ? module->C_Sign(session->handle, data, size, signature, signature_size) : rv;
}

GBytes *
rb_token_sign(const RbPrivateKey *key, const guint8 *digest, gsize size, GError **error)
{
    RbToken *token = key->place->token;
    guint8 signature[RB_SIGN_MAX_SIGNATURE];

    for (guint i = 1;; i++) {
        g_autoptr(GError) why = NULL;
        RbTokenSession session = { 0 };
        CK_ULONG got = sizeof signature;
        CK_RV rv = CKR_OK;
        gboolean taken = rb_token_take(token, FALSE, &session, &why);
        if (taken)
            rv = sign(key, &session, digest, size, signature, &got);
        if (taken && rv == CKR_OK) {
            rb_token_put(token, &session);
            return g_bytes_new(signature, got);
        }
        if (taken && !rb_token_lost(rv))
            rb_token_put(token, &session);
        if (taken)
            (void)rb_token_fault(
                token, rv,
                rv == CKR_KEY_NEEDED ? "it has not exactly one key of this id" : "it does not sign", &why);
        if ((taken ? rb_token_lost(rv) : session.lost) && i < TRIES) {
            rb_token_drop(token, &session);
            continue;
        }
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
}
