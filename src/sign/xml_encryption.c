#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/priv.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <string.h>

#define XENC11 "http://www.w3.org/2009/xmlenc11#"

enum { MAX_ENCRYPTED_KEYS = 4, MAX_WRAPPED_KEY = 2048, GCM_IV = 12, GCM_TAG = 16, CBC_BLOCK = 16 };

typedef struct {
    const char *uri, *cipher;
    gsize key_size;
    gboolean gcm;
} DataAlgorithm;

static const DataAlgorithm data_algorithms[] = {
    { XENC11 "aes128-gcm", "AES-128-GCM", 16, TRUE },
    { XENC11 "aes192-gcm", "AES-192-GCM", 24, TRUE },
    { XENC11 "aes256-gcm", "AES-256-GCM", 32, TRUE },
    { RB_NS_XENC "aes128-cbc", "AES-128-CBC", 16, FALSE },
    { RB_NS_XENC "aes192-cbc", "AES-192-CBC", 24, FALSE },
    { RB_NS_XENC "aes256-cbc", "AES-256-CBC", 32, FALSE },
};

/* By URI, a digest that OAEP may use. SHA-1 is OAEP's default; its weakness is not one here (it is a mask).
 */
static const struct {
    const char *uri, *name;
} oaep_digests[] = {
    { RB_NS_DSIG "sha1", "SHA1" },
    { RB_NS_XENC "sha256", "SHA256" },
    { "http://www.w3.org/2001/04/xmldsig-more#sha384", "SHA384" },
    { RB_NS_XENC "sha512", "SHA512" },
    { XENC11 "mgf1sha1", "SHA1" },
    { XENC11 "mgf1sha256", "SHA256" },
    { XENC11 "mgf1sha384", "SHA384" },
    { XENC11 "mgf1sha512", "SHA512" },
};

static xmlNode *
child_named(const xmlNode *parent, const char *ns, const char *name)
{
    xmlNode *child = parent == NULL ? NULL : rb_xml_first(parent);

    while (child != NULL && !rb_xml_is(child, ns, name))
        child = rb_xml_next(child);
    return child;
}

static gboolean
bad_algorithm(GError **error, const char *what, const char *uri)
{
    g_autofree char *quoted = rb_text_quote(uri);

    return rb_refuse(error, RB_SAML_ENCRYPTION_ALGORITHM, "%s %s is not accepted", what, quoted);
}

/* One answer for every way a decryption fails: which one it was would help whoever probes. */
static gboolean
failed(GError **error)
{
    ERR_clear_error();
    return rb_refuse(error, RB_SAML_DECRYPTION_FAILED, "none of our decryption keys opens this assertion");
}

static GBytes *
cipher_value(const xmlNode *encrypted, gsize max_size)
{
    const xmlNode *data = child_named(encrypted, RB_NS_XENC, "CipherData");
    const xmlNode *value = child_named(data, RB_NS_XENC, "CipherValue");
    g_autoptr(xmlChar) text = value == NULL ? NULL : xmlNodeGetContent(value);

    return text == NULL ? NULL : rb_base64_decode((const char *)text, max_size);
}

static const char *
oaep_digest(const xmlNode *method, const char *ns, const char *name, GError **error)
{
    const xmlNode *node = child_named(method, ns, name);
    const char *uri = node == NULL ? NULL : rb_xml_attribute(node, "Algorithm");

    if (node == NULL)
        return "SHA1"; /* XML Encryption 1.1 §5.5.2 */
    for (gsize i = 0; uri != NULL && i < G_N_ELEMENTS(oaep_digests); i++)
        if (strcmp(oaep_digests[i].uri, uri) == 0)
            return oaep_digests[i].name;
    (void)bad_algorithm(error, "the OAEP digest", uri == NULL ? "" : uri);
    return NULL;
}

/* Which RSA-OAEP an EncryptedKey uses. Returns: FALSE with saml.encryption_algorithm for any other transport.
 */
static gboolean
read_transport(const xmlNode *encrypted_key, const char **digest, const char **mgf, GError **error)
{
    const xmlNode *method = child_named(encrypted_key, RB_NS_XENC, "EncryptionMethod");
    const char *uri = method == NULL ? NULL : rb_xml_attribute(method, "Algorithm");
    const char *name = uri == NULL ? "" : uri;

    if (strcmp(name, RB_NS_XENC "rsa-oaep-mgf1p") != 0 && strcmp(name, XENC11 "rsa-oaep") != 0)
        return bad_algorithm(error, "the key transport", name);
    if (child_named(method, RB_NS_XENC, "OAEPparams") != NULL)
        return bad_algorithm(error, "the key transport with OAEPparams", name);
    *digest = oaep_digest(method, RB_NS_DSIG, "DigestMethod", error);
    *mgf = strcmp(name, XENC11 "rsa-oaep") == 0 ? oaep_digest(method, XENC11, "MGF", error) : "SHA1";
    return *digest != NULL && *mgf != NULL;
}

/* Returns: (transfer full): the content key of exactly @key_size bytes, or NULL. */
static RbSecret *
unwrap(const RbPrivateKey *key, GBytes *wrapped, const char *digest, const char *mgf, gsize key_size)
{
    g_autoptr(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, (char *)OSSL_PKEY_RSA_PAD_MODE_OAEP,
                                         0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, (char *)digest, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, (char *)mgf, 0),
        OSSL_PARAM_construct_end(),
    };
    guint8 plain[MAX_WRAPPED_KEY];
    gsize size = sizeof plain;
    RbSecret *secret = NULL;

    if (ctx != NULL && EVP_PKEY_decrypt_init_ex(ctx, params) == 1 &&
        EVP_PKEY_decrypt(ctx, plain, &size, g_bytes_get_data(wrapped, NULL), g_bytes_get_size(wrapped)) ==
            1 &&
        size == key_size)
        secret = rb_secret_new(plain, size);
    rb_wipe(plain, sizeof plain);
    ERR_clear_error();
    return secret;
}

static GBytes *
open_gcm(const DataAlgorithm *algorithm, const RbSecret *key, const guint8 *in, gsize size)
{
    g_autoptr(EVP_CIPHER_CTX) ctx = EVP_CIPHER_CTX_new();
    g_autofree guint8 *out = NULL;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, algorithm->cipher, NULL);
    int n = 0, last = 0;
    gsize body;
    gboolean ok;

    if (size < GCM_IV + GCM_TAG) {
        EVP_CIPHER_free(cipher);
        return NULL;
    }
    body = size - GCM_IV - GCM_TAG;
    out = g_malloc(body + 1);
    ok = EVP_DecryptInit_ex2(ctx, cipher, (const guint8 *)rb_secret_reveal(key), in, NULL) == 1 &&
         EVP_DecryptUpdate(ctx, out, &n, in + GCM_IV, (int)body) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, (void *)(in + GCM_IV + body)) == 1 &&
         EVP_DecryptFinal_ex(ctx, out + n, &last) == 1;
    EVP_CIPHER_free(cipher);
    return ok ? g_bytes_new_take(g_steal_pointer(&out), (gsize)n + (gsize)last) : NULL;
}

static GBytes *
open_cbc(const DataAlgorithm *algorithm, const RbSecret *key, const guint8 *in, gsize size)
{
    g_autoptr(EVP_CIPHER_CTX) ctx = EVP_CIPHER_CTX_new();
    g_autofree guint8 *out = NULL;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, algorithm->cipher, NULL);
    int n = 0, last = 0;
    gboolean ok = size >= 2 * CBC_BLOCK && size % CBC_BLOCK == 0;

    out = g_malloc(size + CBC_BLOCK);
    ok =
        ok && EVP_DecryptInit_ex2(ctx, cipher, (const guint8 *)rb_secret_reveal(key), in, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 && /* XML Encryption's padding: only its last byte is fixed */
        EVP_DecryptUpdate(ctx, out, &n, in + CBC_BLOCK, (int)(size - CBC_BLOCK)) == 1 &&
        EVP_DecryptFinal_ex(ctx, out + n, &last) == 1;
    EVP_CIPHER_free(cipher);
    n += last;
    if (!ok || n < CBC_BLOCK || out[n - 1] < 1 || out[n - 1] > CBC_BLOCK)
        return NULL;
    return g_bytes_new(out, (gsize)(n - out[n - 1]));
}

static const DataAlgorithm *
read_data_algorithm(const xmlNode *encrypted, gboolean allow_cbc, GError **error)
{
    const xmlNode *method = child_named(encrypted, RB_NS_XENC, "EncryptionMethod");
    const char *uri = method == NULL ? NULL : rb_xml_attribute(method, "Algorithm");
    const char *name = uri == NULL ? "" : uri;

    for (gsize i = 0; i < G_N_ELEMENTS(data_algorithms); i++)
        if (strcmp(data_algorithms[i].uri, name) == 0 && (data_algorithms[i].gcm || allow_cbc))
            return &data_algorithms[i];
    (void)bad_algorithm(error, "the encryption (set AES-GCM at the identity provider)", name);
    return NULL;
}

/* The encrypted keys that go with @encrypted: inside its KeyInfo, and beside it. */
static GPtrArray *
encrypted_keys(const xmlNode *encrypted)
{
    const xmlNode *parents[] = { child_named(encrypted, RB_NS_DSIG, "KeyInfo"), encrypted->parent };
    GPtrArray *found = g_ptr_array_new();

    for (gsize p = 0; p < G_N_ELEMENTS(parents); p++)
        for (xmlNode *n = parents[p] == NULL ? NULL : rb_xml_first(parents[p]); n != NULL; n = rb_xml_next(n))
            if (rb_xml_is(n, RB_NS_XENC, "EncryptedKey"))
                g_ptr_array_add(found, n);
    return found;
}

static GBytes *
open_with(const DataAlgorithm *algorithm, const RbSecret *content_key, GBytes *data)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(data, &size);

    if (content_key == NULL)
        return NULL;
    return algorithm->gcm ? open_gcm(algorithm, content_key, bytes, size)
                          : open_cbc(algorithm, content_key, bytes, size);
}

static GBytes *
try_key(const xmlNode *encrypted_key, RbPrivateKey *const *keys, guint n_keys, const DataAlgorithm *algorithm,
        GBytes *data, GError **error)
{
    const char *digest = NULL, *mgf = NULL;
    g_autoptr(GBytes) wrapped = cipher_value(encrypted_key, MAX_WRAPPED_KEY);
    GBytes *plain = NULL;

    if (!read_transport(encrypted_key, &digest, &mgf, error))
        return NULL;
    for (guint i = 0; wrapped != NULL && plain == NULL && i < MIN(n_keys, (guint)RB_SIGN_MAX_KEYS); i++) {
        g_autoptr(RbSecret) content_key = NULL;
        if (!rb_private_key_is_rsa(keys[i]))
            continue;
        content_key = unwrap(keys[i], wrapped, digest, mgf, algorithm->key_size);
        plain = open_with(algorithm, content_key, data);
    }
    if (plain == NULL)
        (void)failed(error);
    return plain;
}

GBytes *
rb_xml_decrypt(RbXmlNode *encrypted, RbPrivateKey *const *keys, guint n_keys, gboolean allow_cbc,
               gsize max_size, GError **error)
{
    const DataAlgorithm *algorithm = read_data_algorithm(encrypted, allow_cbc, error);
    g_autoptr(GPtrArray) found = NULL;
    g_autoptr(GBytes) data = NULL;

    if (algorithm == NULL)
        return NULL;
    found = encrypted_keys(encrypted);
    data = cipher_value(encrypted, max_size + GCM_IV + GCM_TAG);
    if (data == NULL || found->len == 0 || found->len > MAX_ENCRYPTED_KEYS) {
        (void)failed(error);
        return NULL;
    }
    for (guint i = 0; i < found->len; i++) {
        g_autoptr(GError) why = NULL;
        GBytes *plain = try_key(found->pdata[i], keys, n_keys, algorithm, data, &why);
        if (plain != NULL)
            return plain;
        if (i + 1 == found->len)
            g_propagate_error(error, g_steal_pointer(&why));
    }
    return NULL;
}
