#include "base/refusal.h"
#include "sign/priv.h"

#include <libxml/parser.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MORE "http://www.w3.org/2001/04/xmldsig-more#"

/* A fresh key, both halves as this room knows them. */
typedef struct {
    EVP_PKEY *pkey;
    RbPrivateKey *private;
    RbPublicKey *public;
} Pair;

static char *
bio_text(BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *copy = g_strndup(data, (gsize)size);

    BIO_free(bio);
    return copy;
}

static char *
public_pem(EVP_PKEY *pkey)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
    return bio_text(bio);
}

static RbSecret *
private_pem(EVP_PKEY *pkey)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    return rb_secret_take_text(bio_text(bio));
}

static Pair
pair_of(EVP_PKEY *pkey, GError **error)
{
    Pair pair = { .pkey = pkey };
    g_autofree char *pem = public_pem(pkey);
    g_autoptr(RbSecret) secret = private_pem(pkey);

    pair.public = rb_public_key_from_pem(pem, strlen(pem), error);
    pair.private = rb_private_key_parse(secret, error != NULL && *error != NULL ? NULL : error);
    return pair;
}

static void
pair_clear(Pair *pair)
{
    EVP_PKEY_free(pair->pkey);
    rb_private_key_unref(pair->private);
    rb_public_key_free(pair->public);
}

static const struct {
    const char *name, *group; /* group NULL: RSA */
    int bits;
    const char *algorithm; /* NULL: refused */
} kinds[] = {
    { "RSA 2048", NULL, 2048, MORE "rsa-sha256" },
    { "RSA 3072", NULL, 3072, MORE "rsa-sha256" },
    { "RSA 1024", NULL, 1024, NULL },
    { "P-256", "P-256", 0, MORE "ecdsa-sha256" },
    { "P-384", "P-384", 0, MORE "ecdsa-sha384" },
    { "P-521", "P-521", 0, MORE "ecdsa-sha512" },
    { "secp256k1", "secp256k1", 0, NULL },
    { "Ed25519", "ED25519", 0, NULL },
};

static EVP_PKEY *
generate(gsize i)
{
    if (kinds[i].group == NULL)
        return EVP_RSA_gen((unsigned)kinds[i].bits);
    return strcmp(kinds[i].group, "ED25519") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                                  : EVP_EC_gen(kinds[i].group);
}

/* Every kind of key that is accepted signs and verifies bytes and XML; the others are refused when read. */
static void
test_kinds(void **state)
{
    static const char data[] = "the octets as sent";

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GError) error = NULL;
        Pair pair = pair_of(generate(i), &error);
        g_autoptr(GBytes) signature = NULL;
        if (kinds[i].algorithm == NULL) {
            if (pair.public != NULL || pair.private != NULL || !rb_is_refusal(error, RB_SIGN_KEY))
                fail_msg("%s is not refused", kinds[i].name);
            pair_clear(&pair);
            continue;
        }
        assert_string_equal(rb_public_key_id(pair.public), rb_private_key_id(pair.private));
        assert_string_equal(rb_signature_algorithm(pair.private), kinds[i].algorithm);
        signature = rb_signature_make(pair.private, data, sizeof data, NULL);
        if (!rb_signature_verify(&pair.public, 1, kinds[i].algorithm, data, sizeof data,
                                 g_bytes_get_data(signature, NULL), g_bytes_get_size(signature), NULL))
            fail_msg("%s: its own signature does not hold", kinds[i].name);
        if (rb_signature_verify(&pair.public, 1, kinds[i].algorithm, data, sizeof data - 1,
                                g_bytes_get_data(signature, NULL), g_bytes_get_size(signature), &error))
            fail_msg("%s: holds for other bytes", kinds[i].name);
        assert_true(rb_is_refusal(error, RB_SAML_SIGNATURE_INVALID));
        pair_clear(&pair);
    }
}

static const struct {
    const char *name, *algorithm;
    gsize cut; /* bytes left out of the signature */
    RbRefusalCode want;
} detached[] = {
    { "SHA-1", "http://www.w3.org/2000/09/xmldsig#rsa-sha1", 0, RB_SAML_ALGORITHM },
    { "HMAC", MORE "hmac-sha256", 0, RB_SAML_ALGORITHM },
    { "nothing", "", 0, RB_SAML_ALGORITHM },
    { "another digest", MORE "ecdsa-sha384", 0, RB_SAML_SIGNATURE_INVALID },
    { "another kind", MORE "rsa-sha256", 0, RB_SAML_SIGNATURE_INVALID },
    { "cut short", MORE "ecdsa-sha256", 1, RB_SAML_SIGNATURE_INVALID },
    { "as it is", MORE "ecdsa-sha256", 0, RB_ACCEPTED },
};

static void
test_detached(void **state)
{
    Pair pair = pair_of(EVP_EC_gen("P-256"), NULL);
    g_autoptr(GBytes) signature = rb_signature_make(pair.private, "x", 1, NULL);

    (void)state;
    assert_int_equal(g_bytes_get_size(signature), 64); /* r and s side by side, not DER */
    for (gsize i = 0; i < G_N_ELEMENTS(detached); i++) {
        g_autoptr(GError) error = NULL;
        gboolean ok = rb_signature_verify(&pair.public, 1, detached[i].algorithm, "x", 1,
                                          g_bytes_get_data(signature, NULL),
                                          g_bytes_get_size(signature) - detached[i].cut, &error);
        if (detached[i].want == RB_ACCEPTED ? !ok : ok || !rb_is_refusal(error, detached[i].want))
            fail_msg("%s", detached[i].name);
    }
    pair_clear(&pair);
}

static const char document[] = "<a ID=\"_1\" xmlns=\"urn:a\"><b>text</b><c/></a>";

static void
test_xml(void **state)
{
    static const char *const groups[] = { NULL, "P-256", "P-384", "P-521" };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++) {
        Pair pair = pair_of(groups[i] == NULL ? EVP_RSA_gen(2048) : EVP_EC_gen(groups[i]), NULL);
        Pair other = pair_of(groups[i] == NULL ? EVP_RSA_gen(2048) : EVP_EC_gen(groups[i]), NULL);
        RbPublicKey *both[] = { other.public, pair.public };
        xmlDoc *doc = xmlReadMemory(document, sizeof document - 1, NULL, NULL, 0);
        xmlNode *root = xmlDocGetRootElement(doc), *signature;
        g_autoptr(GBytes) certificate = g_bytes_new_static("certificate", 11);
        g_autoptr(GError) error = NULL;
        assert_true(rb_xml_signature_make(root, rb_xml_first(root), pair.private, certificate, NULL));
        signature = rb_xml_signature_find(root, NULL);
        assert_ptr_equal(signature, rb_xml_next(rb_xml_first(root)));
        assert_true(rb_xml_signature_verify(root, signature, both, 2, NULL));
        assert_false(rb_xml_signature_verify(root, signature, both, 1, &error));
        assert_true(rb_is_refusal(error, RB_SAML_SIGNATURE_INVALID));
        xmlNodeSetContent(rb_xml_first(root), BAD_CAST "texT");
        assert_false(rb_xml_signature_verify(root, signature, both, 2, NULL));
        xmlFreeDoc(doc);
        pair_clear(&pair);
        pair_clear(&other);
    }
}

static void
test_xml_without_id(void **state)
{
    Pair pair = pair_of(EVP_EC_gen("P-256"), NULL);
    xmlDoc *doc = xmlReadMemory("<a/>", 4, NULL, NULL, 0);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_false(rb_xml_signature_make(xmlDocGetRootElement(doc), NULL, pair.private, NULL, &error));
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_INTERNAL));
    xmlFreeDoc(doc);
    pair_clear(&pair);
}

/* ---- encryption by OpenSSL alone: what xmlsec1 1.2 cannot make ---- */

#define XENC11 "http://www.w3.org/2009/xmlenc11#"
#define SHA256_OAEP                                                                                          \
    "<x:EncryptionMethod Algorithm=\"" XENC11 "rsa-oaep\"><d:DigestMethod xmlns:d=\"" RB_NS_DSIG             \
    "\" Algorithm=\"" RB_NS_XENC "sha256\"/><y:MGF xmlns:y=\"" XENC11 "\" Algorithm=\"" XENC11               \
    "mgf1sha256\"/></x:EncryptionMethod>"

static char *
wrap_key(EVP_PKEY *pkey, const guint8 key[16], const EVP_MD *digest)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    guint8 out[512];
    gsize size = sizeof out;

    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, digest), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, digest), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &size, key, 16), 1);
    EVP_PKEY_CTX_free(ctx);
    return g_base64_encode(out, size);
}

static char *
seal(const guint8 key[16], const char *text)
{
    guint8 out[1024] = { 0 };
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n, last, size = (int)strlen(text);

    assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, out), 1); /* IV of zeros */
    assert_int_equal(EVP_EncryptUpdate(ctx, out + 12, &n, (const guint8 *)text, size), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, out + 12 + n, &last), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out + 12 + n), 1);
    EVP_CIPHER_CTX_free(ctx);
    return g_base64_encode(out, (gsize)(12 + n + 16));
}

static char *
encrypted(EVP_PKEY *pkey, const char *method, const EVP_MD *digest, const char *data_algorithm)
{
    static const guint8 key[16] = "0123456789abcdef";
    g_autofree char *wrapped = wrap_key(pkey, key, digest), *sealed = seal(key, "<plain/>");

    /* The encrypted key beside the data, where SAML also allows it. */
    return g_strdup_printf("<e xmlns:x=\"" RB_NS_XENC
                           "\"><x:EncryptedData><x:EncryptionMethod Algorithm=\"%s\"/>"
                           "<x:CipherData><x:CipherValue>%s</x:CipherValue></x:CipherData></x:EncryptedData>"
                           "<x:EncryptedKey>%s<x:CipherData><x:CipherValue>%s</x:CipherValue></x:CipherData>"
                           "</x:EncryptedKey></e>",
                           data_algorithm, sealed, method, wrapped);
}

static const struct {
    const char *name, *method, *data;
    gboolean sha256, other_key;
    RbRefusalCode want;
} sealed_rows[] = {
    { "OAEP with SHA-256", SHA256_OAEP, XENC11 "aes128-gcm", TRUE, FALSE, RB_ACCEPTED },
    { "OAEP by default", "<x:EncryptionMethod Algorithm=\"" RB_NS_XENC "rsa-oaep-mgf1p\"/>",
      XENC11 "aes128-gcm", FALSE, FALSE, RB_ACCEPTED },
    { "OAEP with another digest than said", SHA256_OAEP, XENC11 "aes128-gcm", FALSE, FALSE,
      RB_SAML_DECRYPTION_FAILED },
    { "another key", SHA256_OAEP, XENC11 "aes128-gcm", TRUE, TRUE, RB_SAML_DECRYPTION_FAILED },
    { "another key size", SHA256_OAEP, XENC11 "aes256-gcm", TRUE, FALSE, RB_SAML_DECRYPTION_FAILED },
    { "GCM sold as CBC", SHA256_OAEP, RB_NS_XENC "aes128-cbc", TRUE, FALSE, RB_SAML_ENCRYPTION_ALGORITHM },
    { "unknown digest",
      "<x:EncryptionMethod Algorithm=\"" XENC11 "rsa-oaep\"><d:DigestMethod xmlns:d=\"" RB_NS_DSIG
      "\" Algorithm=\"urn:md5\"/></x:EncryptionMethod>",
      XENC11 "aes128-gcm", TRUE, FALSE, RB_SAML_ENCRYPTION_ALGORITHM },
    { "no transport named", "", XENC11 "aes128-gcm", TRUE, FALSE, RB_SAML_ENCRYPTION_ALGORITHM },
    { "PKCS #1 v1.5", "<x:EncryptionMethod Algorithm=\"" RB_NS_XENC "rsa-1_5\"/>", XENC11 "aes128-gcm", TRUE,
      FALSE, RB_SAML_ENCRYPTION_ALGORITHM },
};

static void
test_decrypt(void **state)
{
    Pair pair = pair_of(EVP_RSA_gen(2048), NULL), other = pair_of(EVP_RSA_gen(2048), NULL);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(sealed_rows); i++) {
        g_autofree char *xml =
            encrypted(sealed_rows[i].other_key ? other.pkey : pair.pkey, sealed_rows[i].method,
                      sealed_rows[i].sha256 ? EVP_sha256() : EVP_sha1(), sealed_rows[i].data);
        xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, 0);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) plain =
            rb_xml_decrypt(rb_xml_first(xmlDocGetRootElement(doc)), &pair.private, 1, FALSE, 1000, &error);
        if (sealed_rows[i].want == RB_ACCEPTED ? plain == NULL || g_bytes_get_size(plain) != 8
                                               : plain != NULL || !rb_is_refusal(error, sealed_rows[i].want))
            fail_msg("%s: %s", sealed_rows[i].name, error == NULL ? "opened" : error->message);
        xmlFreeDoc(doc);
    }
    pair_clear(&pair);
    pair_clear(&other);
}

static void
test_not_keys(void **state)
{
    static const char *const texts[] = { "", "x",
                                         "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                                         "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(RbSecret) secret = rb_secret_new_text(texts[i]);
        assert_null(rb_public_key_from_pem(texts[i], strlen(texts[i]), NULL));
        assert_null(rb_public_key_from_certificate(texts[i], strlen(texts[i]), NULL));
        assert_null(rb_certificate_to_der(texts[i], strlen(texts[i]), NULL));
        assert_null(rb_private_key_parse(secret, NULL));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_kinds),   cmocka_unit_test(test_detached),
                                        cmocka_unit_test(test_xml),     cmocka_unit_test(test_xml_without_id),
                                        cmocka_unit_test(test_decrypt), cmocka_unit_test(test_not_keys) };

    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
