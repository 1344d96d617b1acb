#include "fixture.h"

#include "base/encoding.h"
#include "base/file.h"
#include "folder.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

/* The directory of signing keys: what it says at a moment, and what of it is refused. */

enum { DAY = 24 * 3600 };

static char *dir;

static char *
in_dir(const char *name)
{
    return g_build_filename(dir, name, NULL);
}

static int
set_up(void **state)
{
    (void)state;
    dir = g_dir_make_tmp("rolebridge-keys-XXXXXX", NULL);
    return dir == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    (void)state;
    remove_tree(dir);
    g_clear_pointer(&dir, g_free);
    return 0;
}

/* Makes a key; returns a copy of its kid. */
static char *
make(RbKeyUse use, const char *algorithm, gint64 now, gint64 signs_from)
{
    const RbSigningKeysSetting setting = { .dir = dir };
    const RbKeyOrder order = { use, algorithm, "bridge.acme.example", signs_from };
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GPtrArray) entries = rb_key_entries_read(dir, problems);
    g_autoptr(GError) error = NULL;
    const RbKeyEntry *entry;

    if (entries == NULL) {
        g_autofree char *line = rb_diagnostics_to_line(problems);
        fail_msg("%s", line);
    }
    entry = rb_key_entries_make(&setting, entries, &order, now, &error);
    if (entry == NULL)
        fail_msg("%s", error->message);
    return g_strdup(entry->kid);
}

static RbSigningKeys *
load(gint64 now)
{
    const RbSigningKeysSetting setting = { .dir = dir };
    g_autoptr(GError) error = NULL;
    RbSigningKeys *keys = rb_signing_keys_new(&setting, &error);

    if (keys == NULL || !rb_signing_keys_reload(keys, now, &error))
        fail_msg("%s", error->message);
    return keys;
}

static void
expect_current(RbSigningKeys *keys, const char *what, gint64 now, const char *want, const char *want_next,
               guint want_published)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSigningKey) key = rb_signing_keys_current(keys, RB_KEY_TOKEN, now, &error);
    g_autoptr(RbSigningKey) next = rb_signing_keys_next(keys, RB_KEY_TOKEN, now);
    g_autoptr(GPtrArray) published = rb_signing_keys_published(keys, RB_KEY_TOKEN, now);

    if (g_strcmp0(key == NULL ? NULL : key->kid, want) != 0)
        fail_msg("%s: signs %s, not %s", what, key == NULL ? error->message : key->kid, want);
    if (key == NULL)
        assert_string_equal(rb_outcome(error)->id, "fault.keys");
    if (g_strcmp0(next == NULL ? NULL : next->kid, want_next) != 0)
        fail_msg("%s: next is %s, not %s", what, next == NULL ? "none" : next->kid, want_next);
    if (published->len != want_published)
        fail_msg("%s: %u published, not %u", what, published->len, want_published);
}

/* A rotation with its overlap, second by second at the edges; nothing is loaded again on the way. */
static void
test_over_time(void **state)
{
    g_autofree char *first = make(RB_KEY_TOKEN, NULL, NOW, NOW);
    g_autofree char *second = make(RB_KEY_TOKEN, NULL, NOW + DAY, NOW + 2 * DAY);
    g_autoptr(RbSigningKeys) keys = load(NOW);

    (void)state;
    expect_current(keys, "before any", NOW - 1, NULL, NULL, 0);
    expect_current(keys, "the first", NOW, first, NULL, 1);
    expect_current(keys, "before the second is there", NOW + DAY - 1, first, NULL, 1);
    expect_current(keys, "the second is published", NOW + DAY, first, second, 2);
    expect_current(keys, "the last second of the first", NOW + 2 * DAY - 1, first, second, 2);
    expect_current(keys, "the second signs", NOW + 2 * DAY, second, NULL, 2);
}

static void
expect_first(RbSigningKeys *keys, gint64 now, const char *want)
{
    json_t *set = rb_signing_keys_jwks(keys, now);
    const json_t *first = json_array_get(json_object_get(set, "keys"), 0);

    assert_string_equal(json_string_value(json_object_get(first, "kid")), want);
    assert_int_equal(json_array_size(json_object_get(set, "keys")), 2);
    json_decref(set);
}

/* The key that signs is the first of those published, before a rotation's moment and after it. */
static void
test_first_of_the_set(void **state)
{
    g_autofree char *first = make(RB_KEY_TOKEN, NULL, NOW, NOW);
    g_autofree char *second = make(RB_KEY_TOKEN, NULL, NOW, NOW + DAY);
    g_autoptr(RbSigningKeys) keys = load(NOW);

    (void)state;
    expect_first(keys, NOW + DAY - 1, first);
    expect_first(keys, NOW + DAY, second);
}

static void
set_until(guint i, gint64 until)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GPtrArray) entries = rb_key_entries_read(dir, problems);

    assert_non_null(entries);
    ((RbKeyEntry *)entries->pdata[i])->published_until = until;
    assert_true(rb_key_entries_write(dir, entries, NULL));
}

static void
test_retired(void **state)
{
    g_autofree char *first = make(RB_KEY_TOKEN, NULL, NOW, NOW);
    g_autofree char *second = make(RB_KEY_TOKEN, NULL, NOW, NOW + DAY);
    g_autofree char *name = g_strconcat(first, ".key", NULL), *path = in_dir(name);
    g_autoptr(RbSigningKeys) keys = NULL;
    g_autoptr(GError) error = NULL;

    (void)state;
    set_until(0, NOW + 2 * DAY);
    keys = load(NOW);
    expect_current(keys, "both", NOW + 2 * DAY - 1, second, NULL, 2);
    expect_current(keys, "its last moment", NOW + 2 * DAY, second, NULL, 1);
    assert_int_equal(g_unlink(path), 0);
    assert_false(rb_signing_keys_reload(keys, NOW + 2 * DAY - 1, &error)); /* still needed */
    assert_non_null(strstr(error->message, first));
    g_clear_error(&error);
    expect_current(keys, "the old keys stay", NOW, first, second, 2);
    assert_true(rb_signing_keys_reload(keys, NOW + 2 * DAY, &error));
}

/* A key that a clock ahead of this one made: an end before its beginning would make keys.json unreadable. */
static void
test_retire_ahead(void **state)
{
    g_autofree char *first = make(RB_KEY_TOKEN, NULL, NOW, NOW),
                    *ahead = make(RB_KEY_TOKEN, NULL, NOW + DAY, NOW + DAY);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GPtrArray) entries = rb_key_entries_read(dir, problems);
    const RbSigningKeysSetting setting = { .dir = dir };
    g_autoptr(RbSigningKeys) keys = NULL;
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_non_null(entries);
    assert_false(rb_key_entries_retire(&setting, entries, ahead, TRUE, NOW, &error));
    assert_non_null(strstr(error->message, "ahead"));
    keys = load(NOW);
    expect_current(keys, "nothing changed", NOW, first, NULL, 1);
}

static void
test_refresh(void **state)
{
    g_autofree char *first = make(RB_KEY_TOKEN, NULL, NOW, NOW), *second = NULL;
    g_autofree char *path = in_dir("keys.json");
    g_autoptr(RbSigningKeys) keys = load(NOW);
    gboolean changed;

    (void)state;
    assert_true(rb_signing_keys_refresh(keys, NOW, &changed, NULL));
    assert_false(changed);
    second = make(RB_KEY_TOKEN, NULL, NOW, NOW + DAY);
    expect_current(keys, "not read yet", NOW, first, NULL, 1);
    assert_true(rb_signing_keys_refresh(keys, NOW, &changed, NULL));
    assert_true(changed);
    expect_current(keys, "read", NOW, first, second, 2);
    assert_true(rb_file_write(path, "{", 1, 0600, NULL));
    for (guint i = 0; i < 2; i++) { /* said each time, until it is mended */
        g_autoptr(GError) error = NULL;
        assert_false(rb_signing_keys_refresh(keys, NOW, &changed, &error));
        assert_string_equal(rb_outcome(error)->id, "fault.keys");
    }
    expect_current(keys, "kept", NOW, first, second, 2);
}

/* What is published verifies what is signed, by the code that verifies for others. */
static void
test_jwks(void **state)
{
    static const char *const algorithms[] = { "ES256", "ES384", "RS256" };
    json_t *claims = json_pack("{s:s}", "sub", "ada"), *set;
    g_autoptr(RbSigningKeys) keys = NULL;
    g_autoptr(RbJwks) parsed = NULL;
    char *text;

    (void)state;
    for (guint i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        g_autofree char *kid = make(RB_KEY_TOKEN, algorithms[i], NOW, NOW + i);
        assert_int_equal(strlen(kid), strlen("2026-11-24-3f9a1c2d"));
    }
    g_free(make(RB_KEY_ASSERTION, NULL, NOW, NOW));
    keys = load(NOW);
    set = rb_signing_keys_jwks(keys, NOW);
    text = json_dumps(set, 0);
    parsed = rb_jwks_parse(text, strlen(text), NULL);
    assert_non_null(parsed);
    assert_int_equal(rb_jwks_size(parsed), 3);
    for (guint i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        g_autoptr(RbSigningKey) key = rb_signing_keys_current(keys, RB_KEY_TOKEN, NOW + i, NULL);
        g_autoptr(RbSecret) token = rb_jws_make(key->key, key->kid, claims, NULL);
        g_autoptr(RbJws) jws =
            rb_jws_verify(parsed, rb_jws_algorithm(algorithms[i]), rb_secret_reveal(token), NULL);
        const json_t *jwk = json_array_get(json_object_get(set, "keys"), i);
        const char *x5c = json_string_value(json_array_get(json_object_get(jwk, "x5c"), 0));
        g_autoptr(GBytes) der = x5c == NULL ? NULL : rb_base64_decode(x5c, 4096);
        if (jws == NULL)
            fail_msg("%s: not verified", algorithms[i]);
        assert_string_equal(json_string_value(json_object_get(jws->header, "alg")), algorithms[i]);
        assert_string_equal(json_string_value(json_object_get(jws->header, "kid")), key->kid);
        assert_string_equal(json_string_value(json_object_get(jws->header, "typ")), "JWT");
        assert_string_equal(json_string_value(json_object_get(jwk, "alg")), algorithms[i]);
        assert_string_equal(json_string_value(json_object_get(jwk, "use")), "sig");
        assert_true(der != NULL && g_bytes_equal(der, key->certificate));
        assert_null(json_object_get(jwk, "d"));
    }
    free(text);
    json_decref(set);
    json_decref(claims);
}

/* ---- what is refused ---- */

#define KEY(kid, use, alg, key, pem, made, from, until)                                                      \
    "{\"kid\":\"" kid "\",\"use\":\"" use "\",\"algorithm\":\"" alg "\",\"key\":\"" key                      \
    "\",\n\"certificate\":\"" pem "\",\"created_at\":\"" made "\",\"signs_from\":\"" from                    \
    "\",\"published_until\":" until "}"
#define FILE_OF(keys) "{\"rolebridge\":1,\"keys\":[\n" keys "]}"
#define T1 "2026-11-24T09:00:00Z"
#define T2 "2026-11-25T09:00:00Z"
#define GOOD KEY("a", "token", "ES256", "a.key", "a.pem", T1, T1, "null")

/* clang-format off */
static const struct {
    const char *name, *json;
    const char *want; /* behind the file's name */
} files[] = {
    { "empty", "", ":1:1: not JSON" },
    { "cut off", "{\"rolebridge\":1,\n\"keys\":[", ":2:8: not JSON" },
    { "YAML, but not JSON", "rolebridge: 1\nkeys: []\n", ":1:10: not JSON" },
    { "something behind", "{\"rolebridge\":1,\"keys\":[]}x", ":1:27: not JSON" },
    { "a list", "[]", ":1:1: " },
    { "no version", "{\"keys\":[]}", ":1:1: no format version" },
    { "a later version", "{\"rolebridge\":2,\"keys\":[]}", ":1:15: unknown format version" },
    { "no keys", "{\"rolebridge\":1}", ":1:1: 'keys' is missing" },
    { "keys not a list", "{\"rolebridge\":1,\"keys\":{}}", ":1:24: " },
    { "keys twice", "{\"rolebridge\":1,\"keys\":[],\"keys\":[]}", ":1:27: " },
    { "unknown member", "{\"rolebridge\":1,\"keys\":[],\"kees\":1}", ":1:27: unknown key 'kees'" },
    { "a key that is a text", FILE_OF("\"a\""), ":2:1: " },
    { "an unknown member of a key", FILE_OF("{\"kid\":\"a\",\"usage\":\"token\"}"), ":2:12: unknown key 'usage'" },
    { "no kid", FILE_OF("{\"use\":\"token\"}"), ":2:1: 'kid' is missing" },
    { "kid leads out", FILE_OF(KEY("../a", "token", "ES256", "../a.key", "../a.pem", T1, T1, "null")), ":2:8: '../a' is not a key's name" },
    { "kid empty", FILE_OF(KEY("", "token", "ES256", ".key", ".pem", T1, T1, "null")), ":2:8: '' is not a key's name" },
    { "key of another", FILE_OF(KEY("a", "token", "ES256", "/etc/shadow", "a.pem", T1, T1, "null")), ":2:52: '/etc/shadow' is not the file of this key; it is a.key" },
    { "certificate of another", FILE_OF(KEY("a", "token", "ES256", "a.key", "b.pem", T1, T1, "null")), ":3:15: 'b.pem' is not the file of this key; it is a.pem" },
    { "unknown use", FILE_OF(KEY("a", "signing", "ES256", "a.key", "a.pem", T1, T1, "null")), ":2:18: no key is for 'signing'" },
    { "unknown algorithm", FILE_OF(KEY("a", "token", "HS256", "a.key", "a.pem", T1, T1, "null")), ":2:38: no token key has the algorithm 'HS256'" },
    { "assertions by EC", FILE_OF(KEY("a", "assertion", "ES256", "a.key", "a.pem", T1, T1, "null")), ":2:42: no assertion key has the algorithm 'ES256'" },
    { "no time", FILE_OF(KEY("a", "token", "ES256", "a.key", "a.pem", "yesterday", T1, "null")), ":3:36: 'yesterday' is not a time" },
    { "signs before it was made", FILE_OF(KEY("a", "token", "ES256", "a.key", "a.pem", T2, T1, "null")), ":3:72: a key signs before it was made" },
    { "ends before it was made", FILE_OF(KEY("a", "token", "ES256", "a.key", "a.pem", T2, T2, "\"" T1 "\"")), ":3:113: a key's time ends before it was made" },
    { "no end said", FILE_OF("{\"kid\":\"a\",\"use\":\"token\",\"algorithm\":\"ES256\",\"key\":\"a.key\",\"certificate\":\"a.pem\",\"created_at\":\"" T1 "\",\"signs_from\":\"" T1 "\"}"), ":2:1: 'published_until' is missing" },
    { "one key twice", FILE_OF(GOOD ",\n" GOOD), ":4:8: the key 'a' is there twice" },
};
/* clang-format on */

static void
test_files(void **state)
{
    g_autofree char *path = in_dir("keys.json");

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(GPtrArray) entries = NULL;
        g_autofree char *line = NULL, *want = g_strconcat(path, files[i].want, NULL);
        assert_true(rb_file_write(path, files[i].json, strlen(files[i].json), 0600, NULL));
        entries = rb_key_entries_read(dir, problems);
        line = rb_diagnostics_to_line(problems);
        if (entries != NULL || !g_str_has_prefix(line, want))
            fail_msg("%s: got %s, not %s", files[i].name, entries != NULL ? "no mistake" : line, want);
    }
    assert_true(rb_file_write(path, FILE_OF(GOOD), strlen(FILE_OF(GOOD)), 0600, NULL));
    {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(GPtrArray) entries = rb_key_entries_read(dir, problems);
        assert_true(entries != NULL && entries->len == 1); /* what the rows above vary is fine */
    }
}

static void
expect_refused(const char *what, const char *want)
{
    const RbSigningKeysSetting setting = { .dir = dir };
    g_autoptr(RbSigningKeys) keys = rb_signing_keys_new(&setting, NULL);
    g_autoptr(GError) error = NULL;

    if (rb_signing_keys_reload(keys, NOW, &error))
        fail_msg("%s: not refused", what);
    assert_string_equal(rb_outcome(error)->id, "fault.keys");
    if (strstr(error->message, want) == NULL)
        fail_msg("%s: got %s, not %s", what, error->message, want);
}

static void
test_directory(void **state)
{
    static const struct {
        guint mode;
        gboolean fine;
    } modes[] = { { 0700, TRUE },  { 0750, TRUE },  { 0755, FALSE },
                  { 0701, FALSE }, { 0720, FALSE }, { 0702, FALSE } };
    const RbSigningKeysSetting relative = { .dir = (char *)"certs/issuer" };
    g_autoptr(GError) error = NULL;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(GPtrArray) entries = NULL;
        assert_int_equal(g_chmod(dir, (int)modes[i].mode), 0);
        entries = rb_key_entries_read(dir, problems);
        if ((entries != NULL) != modes[i].fine)
            fail_msg("mode %03o", modes[i].mode);
    }
    assert_int_equal(g_chmod(dir, 0700), 0);
    assert_int_equal(g_rmdir(dir), 0);
    expect_refused("not there", "cannot be used: No such file");
    assert_true(rb_file_write(dir, "", 0, 0600, NULL));
    expect_refused("a file", "cannot be used: Not a directory");
    assert_int_equal(g_unlink(dir), 0);
    assert_int_equal(g_mkdir(dir, 0700), 0);
    assert_null(rb_signing_keys_new(&relative, &error));
    assert_string_equal(rb_outcome(error)->id, "fault.keys");
}

/* The files beside keys.json. */
static void
test_key_files(void **state)
{
    g_autofree char *first = make(RB_KEY_TOKEN, NULL, NOW, NOW), *second = make(RB_KEY_TOKEN, NULL, NOW, NOW);
    g_autofree char *key = g_strconcat(dir, "/", first, ".key", NULL);
    g_autofree char *pem = g_strconcat(dir, "/", first, ".pem", NULL);
    g_autofree char *other = g_strconcat(dir, "/", second, ".pem", NULL),
                    *kept = g_strconcat(pem, ".kept", NULL);
    struct stat st;

    (void)state;
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(g_chmod(key, 0644), 0);
    expect_refused("readable by others", "others may read");
    assert_int_equal(g_chmod(key, 0600), 0);
    assert_int_equal(g_rename(pem, kept), 0);
    expect_refused("no certificate", "No such file");
    assert_int_equal(link(other, pem), 0);
    expect_refused("another's certificate", "is the certificate of another key");
    assert_int_equal(g_unlink(pem), 0);
    assert_true(rb_file_write(pem, "x", 1, 0600, NULL));
    expect_refused("no certificate in it", "not a PEM certificate");
    assert_int_equal(g_rename(kept, pem), 0);
    assert_int_equal(truncate(key, 10), 0);
    expect_refused("half a key", "not an unencrypted PEM private key");
}

/* An entry that names a token, where there is none. */
static void
test_no_token(void **state)
{
    g_autofree char *kid = make(RB_KEY_TOKEN, "ES256", NOW, NOW);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GPtrArray) entries = rb_key_entries_read(dir, problems);
    RbKeyEntry *entry = entries->pdata[0];

    (void)state;
    g_free(entry->key);
    entry->key = g_strdup("pkcs11:token=rolebridge;id=%01");
    assert_true(rb_key_entries_write(dir, entries, NULL));
    expect_refused("no token", "it is on a token, and rolebridge.yaml has no issuer.pkcs11");
    assert_non_null(kid);
}

static void
test_wrong_algorithm(void **state)
{
    g_autofree char *kid = make(RB_KEY_TOKEN, "ES256", NOW, NOW);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GPtrArray) entries = rb_key_entries_read(dir, problems);

    (void)state;
    ((RbKeyEntry *)entries->pdata[0])->algorithm = "RS256";
    assert_true(rb_key_entries_write(dir, entries, NULL));
    expect_refused("EC as RSA", "the key is for ES256, not for RS256");
    assert_non_null(kid);
}

/* ---- `issuer` in rolebridge.yaml ---- */

/* clang-format off */
static const struct {
    const char *name, *yaml;
    const char *want; /* NULL: fine */
} settings[] = {
    { "all by default", "{keys: DIR}", NULL },
    { "with a path", "{url: 'https://acme.example/bridge', keys: DIR}", NULL },
    { "a sandbox", "{url: 'http://127.0.0.1:8080', keys: DIR}", NULL },
    { "a sandbox by name", "{url: 'https://localhost:8080', keys: DIR}", NULL },
    { "an entity", "{entity_id: 'urn:acme:bridge', audience: https://sts.acme.example, keys: DIR}", NULL },
    { "not a map", "true", "rolebridge.yaml:1:1: " },
    { "unknown key", "{keys: DIR, audiense: x}", "rolebridge.yaml:1:N: unknown key 'audiense'; did you mean 'audience'?" },
    { "no URL", "{url: bridge, keys: DIR}", "rolebridge.yaml:1:7: this is not a URL" },
    { "http", "{url: 'http://bridge.acme.example', keys: DIR}", "rolebridge.yaml:1:7: AWS takes an issuer by https alone" },
    { "a port", "{url: 'https://bridge.acme.example:8443', keys: DIR}", "rolebridge.yaml:1:7: AWS takes no port in an issuer" },
    { "a query", "{url: 'https://bridge.acme.example?x=1', keys: DIR}", "rolebridge.yaml:1:7: AWS takes no user, query or fragment" },
    { "a fragment", "{url: 'https://bridge.acme.example#x', keys: DIR}", "rolebridge.yaml:1:7: AWS takes no user, query or fragment" },
    { "a user", "{url: 'https://u@bridge.acme.example', keys: DIR}", "rolebridge.yaml:1:7: AWS takes no user, query or fragment" },
    { "a slash", "{url: 'https://bridge.acme.example/', keys: DIR}", "rolebridge.yaml:1:7: the issuer must not end in '/'" },
    { "too long", "{url: 'https://bridge.acme.example/LONG', keys: DIR}", "rolebridge.yaml:1:7: AWS takes an issuer of at most 255" },
    { "an audience with a blank", "{audience: 'a b', keys: DIR}", "rolebridge.yaml:1:12: an audience has 1 to 255" },
    { "no audience", "{audience: '', keys: DIR}", "rolebridge.yaml:1:12: an audience has 1 to 255" },
    { "an entity with a blank", "{entity_id: 'a b', keys: DIR}", "rolebridge.yaml:1:13: an entity id has 1 to 1024" },
    { "a token without a PIN", "{pkcs11: {module: /m.so, token: t}, keys: DIR}", "rolebridge.yaml:1:10: 'pin' is missing" },
    { "a token without a name", "{pkcs11: {module: /m.so, pin: {env: P}}, keys: DIR}", "rolebridge.yaml:1:10: 'token' is missing" },
    { "a token without a module", "{pkcs11: {token: t, pin: {env: P}}, keys: DIR}", "rolebridge.yaml:1:10: 'module' is missing" },
    { "a module somewhere", "{pkcs11: {module: m.so, token: t, pin: {env: P}}, keys: DIR}", "rolebridge.yaml:1:19: the module must be an absolute file name" },
    { "a token with a long name", "{pkcs11: {module: /m.so, token: 'a name of more than thirty-two bytes', pin: {env: P}}, keys: DIR}", "rolebridge.yaml:1:33: a token's label has at most 32 bytes" },
    { "a token with more", "{pkcs11: {module: /m.so, slot: 1}, keys: DIR}", "rolebridge.yaml:1:26: unknown key 'slot'" },
    { "no such module", "{pkcs11: {module: /nonexistent/m.so, token: t, pin: {env: P}}, keys: DIR}", "rolebridge.yaml:1:70: the PKCS#11 module '/nonexistent/m.so': it cannot be loaded" },
    { "no directory", "{keys: /nonexistent/keys}", "rolebridge.yaml:1:8: /nonexistent/keys: the directory of the signing keys cannot be used" },
};
/* clang-format on */

static RbSecret *
a_pin(const RbYaml *node, const char *base_dir, RbDiagnostics *problems)
{
    (void)node, (void)base_dir, (void)problems;
    return rb_secret_new_text("1234");
}

static RbIssuer *
read_setting(const char *yaml, const char *public_url, RbDiagnostics *problems)
{
    g_autofree char *long_path = g_strnfill(230, 'x');
    GString *text = g_string_new(yaml);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(RbYamlDocument) document = NULL;

    g_string_replace(text, "DIR", dir, 0);
    g_string_replace(text, "LONG", long_path, 0);
    bytes = g_string_free_to_bytes(text);
    document = rb_yaml_parse("rolebridge.yaml", bytes, problems);
    return rb_issuer_new(&(RbIssuerSetting){ .issuer = rb_yaml_root(document),
                                             .public_url = public_url,
                                             .base_dir = "/",
                                             .secret = a_pin,
                                             .clock = rb_clock_system() },
                         problems);
}

static void
test_settings(void **state)
{
    g_autofree char *column = g_strdup_printf("1:%zu:", strlen("{keys: , ") + strlen(dir) + 1);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbIssuer) issuer = read_setting(settings[i].yaml, "https://bridge.acme.example", problems);
        g_autofree char *line = rb_diagnostics_to_line(problems);
        GString *want = g_string_new(settings[i].want);
        guint n = rb_diagnostics_count(problems);
        g_string_replace(want, "1:N:", column, 0);
        if ((n == 0) != (settings[i].want == NULL) || (n > 0 && !g_str_has_prefix(line, want->str)))
            fail_msg("%s: got %s", settings[i].name, n > 0 ? line : "no error");
        (void)g_string_free(want, TRUE);
    }
}

static void
test_default_url(void **state)
{
    g_autoptr(RbDiagnostics) fine = rb_diagnostics_new(), wrong = rb_diagnostics_new();
    g_autoptr(RbIssuer) issuer = read_setting("{keys: DIR}", "https://bridge.acme.example", fine);
    g_autoptr(RbIssuer) other = read_setting("{keys: DIR}", "https://bridge.acme.example:8443", wrong);
    g_autofree char *line = rb_diagnostics_to_line(wrong);

    (void)state;
    assert_int_equal(rb_diagnostics_count(fine), 0);
    assert_string_equal(rb_issuer_url(issuer), "https://bridge.acme.example");
    assert_string_equal(issuer->audience, "sts.amazonaws.com");
    assert_string_equal(issuer->entity_id, "https://bridge.acme.example/saml");
    assert_non_null(rb_issuer_keys(issuer));
    assert_string_equal(line,
                        "rolebridge.yaml:1:1: AWS takes no port in an issuer; public_url does not do here: "
                        "write url: https://bridge.acme.example");
}

/* ---- what is published ---- */

static void
test_no_issuer(void **state)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbIssuer) issuer = rb_issuer_new(&(RbIssuerSetting){ .clock = rb_clock_system() }, problems);
    g_autoptr(GError) error = NULL;
    gboolean changed = TRUE;
    gint64 due;

    (void)state;
    assert_null(rb_issuer_url(issuer));
    assert_null(rb_issuer_keys(issuer));
    assert_null(rb_issuer_jwks(issuer, NOW));
    assert_null(rb_issuer_discovery(issuer));
    assert_null(rb_issuer_keys_status(issuer, NOW));
    assert_null(rb_issuer_metadata(issuer, NOW, &error));
    assert_string_equal(rb_outcome(error)->id, "request.not_found");
    assert_true(rb_issuer_tend_keys(issuer, NOW, &due, &changed, NULL));
    assert_false(changed);
    assert_true(due > NOW + 3600);
}

static void
test_discovery(void **state)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbIssuer) issuer =
        read_setting("{url: 'https://acme.example/bridge', keys: DIR}", "https://b.acme.example", problems);
    json_t *got = rb_issuer_discovery(issuer);
    static const char *const needed[] = { "response_types_supported", "subject_types_supported",
                                          "id_token_signing_alg_values_supported", "claims_supported" };

    (void)state;
    assert_string_equal(json_string_value(json_object_get(got, "issuer")), "https://acme.example/bridge");
    assert_string_equal(json_string_value(json_object_get(got, "jwks_uri")),
                        "https://acme.example/bridge/jwks.json");
    assert_string_equal(json_string_value(json_object_get(got, "authorization_endpoint")),
                        "https://acme.example/bridge/authorize");
    for (gsize i = 0; i < G_N_ELEMENTS(needed); i++)
        assert_true(json_array_size(json_object_get(got, needed[i])) > 0);
    json_decref(got);
}

/* AWS wants 1,000 characters at least; each published key is there, and no other. */
static void
test_metadata(void **state)
{
    g_autofree char *token = make(RB_KEY_TOKEN, NULL, NOW, NOW);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbIssuer) issuer = read_setting("{entity_id: 'https://b.acme.example/?a&b', keys: DIR}",
                                              "https://b.acme.example", problems);
    g_autofree char *first = NULL, *second = NULL, *early = NULL, *both = NULL;
    g_autoptr(GError) error = NULL;
    gboolean changed;
    gint64 due;

    (void)state;
    assert_int_equal(rb_diagnostics_count(problems), 0);
    assert_null(rb_issuer_metadata(issuer, NOW, &error));
    assert_string_equal(rb_outcome(error)->id, "fault.keys");
    first = make(RB_KEY_ASSERTION, NULL, NOW, NOW);
    second = make(RB_KEY_ASSERTION, NULL, NOW + DAY, NOW + 31 * DAY);
    assert_true(rb_issuer_tend_keys(issuer, NOW, &due, &changed, NULL));
    assert_true(changed);
    assert_int_equal(due, NOW + RB_KEYS_LOOK_EVERY_S);
    early = rb_issuer_metadata(issuer, NOW, NULL);
    both = rb_issuer_metadata(issuer, NOW + DAY, NULL);
    assert_true(strlen(early) > 1000);
    assert_non_null(strstr(early, first));
    assert_null(strstr(early, second));
    assert_null(strstr(early, token));
    assert_non_null(strstr(both, first));
    assert_non_null(strstr(both, second));
    assert_non_null(strstr(both, "entityID=\"https://b.acme.example/?a&amp;b\""));
}

static void
test_status(void **state)
{
    g_autofree char *first = make(RB_KEY_TOKEN, NULL, NOW, NOW),
                    *second = make(RB_KEY_TOKEN, NULL, NOW, NOW + DAY);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbIssuer) issuer = read_setting("{keys: DIR}", "https://b.acme.example", problems);
    json_t *got = rb_issuer_keys_status(issuer, NOW);
    g_autofree char *text = NULL, *want = NULL;
    char *dumped = json_dumps(got, JSON_COMPACT);

    (void)state;
    text = g_strdup(dumped);
    free(dumped);
    want =
        g_strdup_printf("{\"issuer\":\"https://b.acme.example\",\"token\":{\"signs\":\"%s\",\"next\":\"%s\","
                        "\"next_signs_from\":\"2026-11-25T09:00:00Z\"},\"assertion\":{\"signs\":null,"
                        "\"next\":null,\"next_signs_from\":null}}",
                        first, second);
    assert_string_equal(text, want);
    json_decref(got);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_over_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_first_of_the_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_retired, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_retire_ahead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refresh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_jwks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_key_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_algorithm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_default_url, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_issuer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_discovery, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_metadata, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status, set_up, tear_down),
    };

    clear_environment();
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
