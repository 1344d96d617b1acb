#include "base/refusal.h"
#include "sign/priv.h"

#include <dlfcn.h>
#include <glib/gstdio.h>
#include <libxml/parser.h>
#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Keys on a token, by SoftHSM: made there, signing from many threads, lost and found again. */

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define PIN "4711-0815"

enum { SKIPPED = 77, THREADS = 8, EACH = 25 };

static char *folder;

static void
spawn(const char *const *argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *err = NULL;
    int status;

    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                      NULL, &err, &status, &error) ||
        !g_spawn_check_wait_status(status, &error))
        fail_msg("%s: %s%s", argv[0], error->message, err == NULL ? "" : err);
}

static void
init_token(const char *label)
{
    const char *const argv[] = { "softhsm2-util", "--init-token", "--free", "--label", label,
                                 "--so-pin",      "12345678",     "--pin",  PIN,       NULL };

    spawn(argv);
}

static int
set_up(void **state)
{
    g_autofree char *conf = NULL, *text = NULL;

    (void)state;
    folder = g_dir_make_tmp("rb-token-XXXXXX", NULL);
    conf = g_build_filename(folder, "softhsm2.conf", NULL);
    text =
        g_strdup_printf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", folder);
    assert_true(g_file_set_contents(conf, text, -1, NULL));
    g_setenv("SOFTHSM2_CONF", conf, TRUE);
    init_token("rolebridge");
    init_token("twice");
    init_token("twice");
    return 0;
}

static int
tear_down(void **state)
{
    const char *const argv[] = { "rm", "-rf", folder, NULL };

    (void)state;
    spawn(argv);
    g_free(folder);
    return 0;
}

static RbToken *
token_of(const char *label, const char *pin)
{
    g_autoptr(RbSecret) secret = rb_secret_new_text(pin);
    g_autoptr(GError) error = NULL;
    RbToken *token = rb_token_new(MODULE, label, secret, &error);

    if (token == NULL)
        fail_msg("%s", error->message);
    return token;
}

static RbPrivateKey *
generate(RbToken *token, const char *algorithm)
{
    g_autoptr(GError) error = NULL;
    RbPrivateKey *key = rb_token_key_generate(token, algorithm, &error);

    if (key == NULL)
        fail_msg("%s: %s", algorithm, error->message);
    return key;
}

static GBytes *
certificate_of(const RbPrivateKey *key)
{
    g_autoptr(GError) error = NULL;
    GBytes *der = rb_certificate_make(key, "bridge.acme.example", 1795510800, 1795510800 + 86400, &error);

    if (der == NULL)
        fail_msg("%s", error->message);
    return der;
}

/* OpenSSL's own judgement of the certificate: self-signed, and the signature holds. */
static void
expect_certificate(const char *what, GBytes *der)
{
    gsize size;
    const unsigned char *p = g_bytes_get_data(der, &size);
    g_autoptr(X509) x509 = d2i_X509(NULL, &p, (long)size);

    if (x509 == NULL || X509_verify(x509, X509_get0_pubkey(x509)) != 1)
        fail_msg("%s: the certificate is not signed by its key", what);
    assert_int_equal(X509_get_ext_count(x509), 0);
    assert_int_equal(X509_NAME_cmp(X509_get_subject_name(x509), X509_get_issuer_name(x509)), 0);
}

static void
expect_token(const char *what, const RbPrivateKey *key, GBytes *der)
{
    json_t *jwk = rb_certificate_jwk(der, "k", NULL), *claims = json_pack("{s:s}", "sub", "ada");
    json_t *set = json_pack("{s:[o]}", "keys", jwk);
    char *text = json_dumps(set, 0);
    g_autoptr(RbJwks) keys = rb_jwks_parse(text, strlen(text), NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSecret) token = rb_jws_make(key, "k", claims, &error);
    g_autoptr(RbJws) jws = NULL;

    if (token == NULL)
        fail_msg("%s: %s", what, error->message);
    jws = rb_jws_verify(keys, RB_JWS_ALL, rb_secret_reveal(token), &error);
    if (jws == NULL)
        fail_msg("%s: %s", what, error->message);
    free(text);
    json_decref(set);
    json_decref(claims);
}

static void
expect_xml(const char *what, const RbPrivateKey *key, GBytes *der)
{
    static const char xml[] = "<a xmlns='urn:a' xmlns:b='urn:b' ID='_1'><b:c d='&amp;'>text</b:c></a>";
    xmlDoc *doc = xmlReadMemory(xml, sizeof xml - 1, NULL, NULL, XML_PARSE_NONET);
    xmlNode *root = xmlDocGetRootElement(doc), *signature;
    gsize size;
    const void *data = g_bytes_get_data(der, &size);
    RbPublicKey *public = rb_public_key_from_certificate(data, size, NULL);
    g_autoptr(GError) error = NULL;

    if (!rb_xml_signature_make(root, NULL, key, der, &error))
        fail_msg("%s: %s", what, error->message);
    signature = rb_xml_signature_find(root, NULL);
    assert_non_null(signature);
    if (!rb_xml_signature_verify(root, signature, &public, 1, &error))
        fail_msg("%s: %s", what, error->message);
    rb_public_key_free(public);
    xmlFreeDoc(doc);
}

static void
test_signs(void **state)
{
    static const char *const algorithms[] = { "RS256", "ES256", "ES384" };
    g_autoptr(RbToken) token = token_of("rolebridge", PIN);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        g_autoptr(RbPrivateKey) made = generate(token, algorithms[i]), here = NULL, found = NULL;
        g_autoptr(GBytes) der = certificate_of(made), own = NULL;
        g_autoptr(GError) error = NULL;
        assert_string_equal(rb_private_key_algorithm(made), algorithms[i]);
        expect_certificate(algorithms[i], der);
        found = rb_token_key(token, rb_private_key_uri(made), der, &error);
        if (found == NULL)
            fail_msg("%s: %s", rb_private_key_uri(made), error->message);
        assert_string_equal(rb_private_key_id(found), rb_private_key_id(made));
        expect_token(algorithms[i], found, der);
        expect_xml(algorithms[i], found, der);
        here = rb_private_key_generate(algorithms[i], NULL); /* and the same without a token */
        own = certificate_of(here);
        assert_null(rb_private_key_uri(here));
        expect_certificate(algorithms[i], own);
        expect_token(algorithms[i], here, own);
        expect_xml(algorithms[i], here, own);
    }
}

/* Another process, by a fresh connection. */
static void
test_found_again(void **state)
{
    g_autoptr(RbToken) first = token_of("rolebridge", PIN), second = NULL;
    g_autoptr(RbPrivateKey) made = generate(first, "ES256"), found = NULL;
    g_autoptr(GBytes) der = certificate_of(made);
    g_autofree char *uri = g_strdup(rb_private_key_uri(made));

    (void)state;
    g_clear_pointer(&made, rb_private_key_unref);
    g_clear_pointer(&first, rb_token_unref); /* the module is closed */
    second = token_of("rolebridge", PIN);
    found = rb_token_key(second, uri, der, NULL);
    assert_non_null(found);
    expect_token("found again", found, der);
}

/* ---- many at once ---- */

typedef struct {
    const RbPrivateKey *key;
    gint failed; /* atomic */
} Crowd;

static gpointer
sign_often(gpointer data)
{
    Crowd *crowd = data;

    for (guint i = 0; i < EACH; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) signature = rb_signature_make(crowd->key, "text", 4, &error);
        if (signature == NULL && g_atomic_int_add(&crowd->failed, 1) == 0)
            print_error("%s\n", error->message);
    }
    return NULL;
}

static void
run_crowd(Crowd *crowd, guint n)
{
    GThread *threads[THREADS];

    for (guint i = 0; i < n; i++)
        threads[i] = g_thread_new("sign", sign_often, crowd);
    for (guint i = 0; i < n; i++)
        (void)g_thread_join(threads[i]);
    assert_int_equal(crowd->failed, 0);
}

static void
test_threads(void **state)
{
    g_autoptr(RbToken) token = token_of("rolebridge", PIN);
    g_autoptr(RbPrivateKey) key = generate(token, "ES256");
    Crowd crowd = { key, 0 };
    gint64 start = g_get_monotonic_time(), one, all;

    (void)state;
    run_crowd(&crowd, 1);
    one = g_get_monotonic_time() - start;
    start = g_get_monotonic_time();
    run_crowd(&crowd, THREADS);
    all = g_get_monotonic_time() - start;
    print_message("%d signatures by one thread: %" G_GINT64_FORMAT " us; by each of %d: %" G_GINT64_FORMAT
                  " us\n",
                  EACH, one, THREADS, all);
}

/* ---- a token that goes away ---- */

static CK_FUNCTION_LIST *
behind_its_back(void **library)
{
    CK_RV (*get)(CK_FUNCTION_LIST **);
    CK_FUNCTION_LIST *module = NULL;

    *library = dlopen(MODULE, RTLD_NOW | RTLD_NOLOAD); /* the one that is in use */
    assert_non_null(*library);
    *(void **)&get = dlsym(*library, "C_GetFunctionList");
    assert_int_equal(get(&module), CKR_OK);
    return module;
}

static void
close_all(CK_FUNCTION_LIST *module)
{
    CK_SLOT_ID slots[8];
    CK_ULONG n = 8;

    assert_int_equal(module->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
    for (CK_ULONG i = 0; i < n; i++)
        (void)module->C_CloseAllSessions(slots[i]);
}

/* Its sessions end and with them the login, as when it was unplugged for a moment: between two signatures,
 * and under eight threads. */
static void
test_comes_back(void **state)
{
    g_autoptr(RbToken) token = token_of("rolebridge", PIN);
    g_autoptr(RbPrivateKey) key = generate(token, "ES256");
    void *library;
    CK_FUNCTION_LIST *module = behind_its_back(&library);
    Crowd crowd = { key, 0 };

    (void)state;
    for (guint i = 0; i < 3; i++) {
        g_autoptr(GBytes) signature = rb_signature_make(key, "text", 4, NULL);
        assert_non_null(signature);
        close_all(module);
    }
    run_crowd(&crowd, THREADS);
    close_all(module);
    run_crowd(&crowd, THREADS);
    (void)dlclose(library);
}

/* The key is deleted on the token: no other signs in its place. */
static void
test_key_gone(void **state)
{
    g_autoptr(RbToken) token = token_of("rolebridge", PIN);
    g_autoptr(RbPrivateKey) key = generate(token, "ES256");
    g_autofree char *hex = g_strdup(strstr(rb_private_key_uri(key), "id=") + 3);
    g_autoptr(GError) error = NULL;
    void *library;
    CK_FUNCTION_LIST *module = behind_its_back(&library);
    CK_SLOT_ID slots[8];
    CK_ULONG n = 8, found;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE all = { CKA_CLASS, &class, sizeof class };

    (void)state;
    assert_int_equal(module->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
    for (CK_ULONG i = 0; i < n; i++) {
        CK_SESSION_HANDLE session;
        CK_OBJECT_HANDLE objects[64];
        if (module->C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) !=
            CKR_OK)
            continue;
        assert_int_equal(module->C_FindObjectsInit(session, &all, 1), CKR_OK);
        assert_int_equal(module->C_FindObjects(session, objects, 64, &found), CKR_OK);
        (void)module->C_FindObjectsFinal(session);
        for (CK_ULONG k = 0; k < found; k++)
            assert_int_equal(module->C_DestroyObject(session, objects[k]), CKR_OK);
        (void)module->C_CloseSession(session);
    }
    assert_null(rb_signature_make(key, "text", 4, &error));
    assert_string_equal(rb_outcome(error)->id, "fault.keys");
    assert_non_null(strstr(error->message, "not exactly one key"));
    (void)dlclose(library);
}

/* ---- what is refused ---- */

static void
expect_fault(const char *label, const char *pin, const char *want)
{
    g_autoptr(RbToken) token = token_of(label, pin);
    g_autoptr(GError) error = NULL;

    assert_null(rb_token_key_generate(token, "ES256", &error));
    assert_string_equal(rb_outcome(error)->id, "fault.keys");
    if (strstr(error->message, want) == NULL)
        fail_msg("%s: %s, not %s", label, error->message, want);
    assert_null(strstr(error->message, pin));
}

static void
test_refused(void **state)
{
    g_autoptr(RbSecret) pin = rb_secret_new_text(PIN);
    g_autoptr(RbToken) token = token_of("rolebridge", PIN), wrong = NULL;
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(rb_token_new("/nonexistent/module.so", "rolebridge", pin, &error));
    assert_string_equal(rb_outcome(error)->id, "fault.keys");
    assert_non_null(strstr(error->message, "cannot be loaded"));
    expect_fault("elsewhere", PIN, "it is not there");
    expect_fault("twice", PIN, "several tokens have this label");
    expect_fault("rolebridge", "9999-9999", "logging in failed");
    g_clear_error(&error);
    wrong = token_of("rolebridge", "9999-9999");
    assert_null(rb_token_key_generate(wrong, "ES256", NULL));
    assert_null(
        rb_token_key_generate(wrong, "ES256", &error)); /* a second try would bring it nearer to its lock */
    assert_non_null(strstr(error->message, "is not asked again"));
    g_clear_error(&error);
    g_clear_error(&error);
    assert_null(rb_token_key_generate(token, "HS256", &error));
    assert_string_equal(rb_outcome(error)->id, "sign.key");
}

static void
test_uris(void **state)
{
    static const struct {
        const char *name, *uri, *want;
    } rows[] = {
        { "no URI", "rolebridge", "not a PKCS#11 URI" },
        { "another scheme", "https://bridge.acme.example", "not a PKCS#11 URI" },
        { "half an escape", "pkcs11:token=rolebridge;id=%0", "not a PKCS#11 URI" },
        { "an attribute nobody knows", "pkcs11:token=rolebridge;id=%01;frob=1", "not a PKCS#11 URI" },
        { "without an id", "pkcs11:token=rolebridge;type=private", "without the id of a key" },
        { "of another token", "pkcs11:token=elsewhere;id=%01", "of another token" },
        { "of a longer name", "pkcs11:token=rolebridge2;id=%01", "of another token" },
        { "with a PIN", "pkcs11:token=rolebridge;id=%01?pin-value=4711-0815", "with a PIN" },
        { "with a PIN's place", "pkcs11:token=rolebridge;id=%01?pin-source=file:/pin", "with a PIN" },
    };
    g_autoptr(RbToken) token = token_of("rolebridge", PIN);
    g_autoptr(RbPrivateKey) here = rb_private_key_generate("ES256", NULL);
    g_autoptr(GBytes) der = certificate_of(here), rubbish = g_bytes_new_static("x", 1);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(rb_token_key(token, rows[i].uri, der, &error));
        if (!rb_is_refusal(error, RB_SIGN_KEY) || strstr(error->message, rows[i].want) == NULL)
            fail_msg("%s: %s", rows[i].name, error->message);
        assert_null(strstr(error->message, PIN));
    }
    assert_null(rb_token_key(token, "pkcs11:token=rolebridge;id=%01", rubbish, NULL));
}

/* A certificate of another key than the token has: what it signs is not what is published. */
static void
test_unknown_key(void **state)
{
    g_autoptr(RbToken) token = token_of("rolebridge", PIN);
    g_autoptr(RbPrivateKey) here = rb_private_key_generate("ES256", NULL), key = NULL;
    g_autoptr(GBytes) der = certificate_of(here);
    g_autoptr(GError) error = NULL;

    (void)state;
    key = rb_token_key(token, "pkcs11:token=rolebridge;id=%01%02", der, &error);
    assert_non_null(key);
    assert_null(rb_signature_make(key, "text", 4, &error));
    assert_string_equal(rb_outcome(error)->id, "fault.keys");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signs),       cmocka_unit_test(test_found_again),
        cmocka_unit_test(test_threads),     cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_uris),
        cmocka_unit_test(test_unknown_key), cmocka_unit_test(test_key_gone),
    };

    if (!g_file_test(MODULE, G_FILE_TEST_EXISTS)) {
        print_message("SoftHSM is not installed\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests_name("token", tests, set_up, tear_down);
}
