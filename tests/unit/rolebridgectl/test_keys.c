#include "rolebridgectl/keys.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

/* rolebridgectl keys on a directory of its own: what it prints, word for word, and what it refuses. */

enum { NOW = 1795510800, DAY = 86400 }; /* 2026-11-24T09:00:00Z */

typedef struct {
    char *folder, *dir, *config;
    gint64 now;
    int status;
    char *out, *err;
} Fixture;

static gint64
fixture_now(gpointer data)
{
    return ((const Fixture *)data)->now;
}

static int
set_up(void **state)
{
    static const char yaml[] =
        "rolebridge: 1\npublic_url: https://bridge.acme.example\nissuer: { keys: issuer }\n";
    Fixture *f = g_new0(Fixture, 1);

    f->folder = g_dir_make_tmp("rb-ctl-keys-XXXXXX", NULL);
    f->dir = g_build_filename(f->folder, "issuer", NULL);
    f->config = g_build_filename(f->folder, "rolebridge.yaml", NULL);
    f->now = NOW;
    assert_int_equal(g_mkdir(f->dir, 0700), 0);
    assert_true(g_file_set_contents(f->config, yaml, -1, NULL));
    *state = f;
    return 0;
}

static void
empty(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        (void)g_remove(path);
    }
    if (dir != NULL)
        g_dir_close(dir);
}

static int
tear_down(void **state)
{
    Fixture *f = *state;

    empty(f->dir);
    empty(f->folder);
    (void)g_rmdir(f->dir);
    (void)g_rmdir(f->folder);
    g_free(f->folder);
    g_free(f->dir);
    g_free(f->config);
    free(f->out);
    free(f->err);
    g_free(f);
    return 0;
}

/* Runs "keys" and the words of @line; a word {i} is the kid of key i. */
static void
run(Fixture *f, gboolean colour, const char *line, char *const *kids)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    gsize out_size, err_size;
    RbKeysConsole console = { NULL, NULL, colour, { fixture_now, f } };

    free(f->out);
    free(f->err);
    console.out = open_memstream(&f->out, &out_size);
    console.err = open_memstream(&f->err, &err_size);
    g_ptr_array_add(argv, (char *)"keys");
    for (guint i = 0; words[i] != NULL && *words[i] != '\0'; i++)
        g_ptr_array_add(argv, words[i][0] == '{' ? kids[words[i][1] - '0'] : words[i]);
    g_ptr_array_add(argv, (char *)"--config");
    g_ptr_array_add(argv, f->config);
    f->status = rb_ctl_keys_on(&console, (int)argv->len, (char **)argv->pdata);
    (void)fclose(console.out);
    (void)fclose(console.err);
}

static char *
rotate(Fixture *f, const char *options)
{
    g_autofree char *line = g_strconcat("rotate --json ", options, NULL);
    json_t *json;
    char *kid;

    run(f, FALSE, line, NULL);
    json = json_loads(f->out, 0, NULL);
    if (f->status != 0 || json == NULL)
        fail_msg("%s: %d\n%s%s", line, f->status, f->out, f->err);
    kid = g_strdup(json_string_value(json_object_get(json, "kid")));
    json_decref(json);
    return kid;
}

/* @want with {i} for kids. */
static void
expect_out(const Fixture *f, int status, const char *want, char *const *kids)
{
    GString *text = g_string_new(want);

    for (guint i = 0; kids[i] != NULL; i++) {
        const char name[] = { '{', (char)('0' + i), '}', '\0' };
        g_string_replace(text, name, kids[i], 0);
    }
    if (f->status != status || strcmp(f->out, text->str) != 0)
        fail_msg("%d, not %d\n%s\nnot\n%s\n%s", f->status, status, f->out, text->str, f->err);
    (void)g_string_free(text, TRUE);
}

static char *
kid_of(const Fixture *f, guint i)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GPtrArray) entries = rb_key_entries_read(f->dir, problems);

    assert_true(entries != NULL && i < entries->len);
    return g_strdup(((const RbKeyEntry *)entries->pdata[i])->kid);
}

/* The client id that AWS is told is the audience that tokens will have. */
static void
test_audience(void **state)
{
    Fixture *f = *state;
    char *kids[2] = { NULL };

    assert_true(g_file_set_contents(f->config,
                                    "rolebridge: 1\npublic_url: https://bridge.acme.example\n"
                                    "issuer: { keys: issuer, audience: acme-aws }\n",
                                    -1, NULL));
    run(f, FALSE, "rotate --for token", kids);
    kids[0] = kid_of(f, 0);
    expect_out(f, 0,
               "Made the token key {0} (ES256); it is published from now on.\nIt signs at once.\n"
               "Next: in each account whose issue.method is web-identity, once:\n"
               "  aws iam create-open-id-connect-provider --url https://bridge.acme.example --client-id-list "
               "acme-aws\n"
               "docs/issuer.md has the trust policies.\n",
               kids);
    g_free(kids[0]);
}

/* The life of a token key, as an administrator sees it. */
static void
test_token(void **state)
{
    Fixture *f = *state;
    char *kids[3] = { NULL };

    run(f, FALSE, "list", kids);
    expect_out(f, 0, "No keys yet. Make one: rolebridgectl keys rotate --for token\n", kids);
    run(f, FALSE, "rotate --for token", kids);
    kids[0] = kid_of(f, 0);
    expect_out(f, 0,
               "Made the token key {0} (ES256); it is published from now on.\nIt signs at once.\n"
               "Next: in each account whose issue.method is web-identity, once:\n"
               "  aws iam create-open-id-connect-provider --url https://bridge.acme.example --client-id-list "
               "sts.amazonaws.com\n"
               "docs/issuer.md has the trust policies.\n",
               kids);
    f->now += 30 * DAY;
    run(f, FALSE, "rotate --for token", kids);
    kids[1] = kid_of(f, 1);
    expect_out(f, 0,
               "Made the token key {1} (ES256); it is published from now on.\n"
               "It signs from 2026-12-25T09:00:00Z (in 1d); until then {0} does.\n"
               "Next: nothing in AWS, which fetches the new key by itself. After 2026-12-25T10:00:00Z:\n"
               "  rolebridgectl keys retire {0}\n",
               kids);
    run(f, FALSE, "list", kids);
    expect_out(
        f, 0,
        "KEY                     FOR        ALGORITHM  NOW        SIGNS FROM            PUBLISHED UNTIL\n"
        "{0}     token      ES256      signs      2026-11-24T09:00:00Z  -\n"
        "{1}     token      ES256      next       2026-12-25T09:00:00Z  -\n",
        kids);
    f->now += DAY;
    run(f, FALSE, "retire {0}", kids);
    expect_out(
        f, 0,
        "Retired the token key {0}: it is published no more, and its private key is deleted.\n{1} signs.\n",
        kids);
    run(f, TRUE, "list --for token", kids);
    expect_out(
        f, 0,
        "KEY                     FOR        ALGORITHM  NOW        SIGNS FROM            PUBLISHED UNTIL\n"
        "{0}     token      ES256      \033[2mretired  \033[0m  2026-11-24T09:00:00Z  2026-12-25T09:00:00Z\n"
        "{1}     token      ES256      \033[32msigns    \033[0m  2026-12-25T09:00:00Z  -\n",
        kids);
    g_free(kids[0]);
    g_free(kids[1]);
}

static void
test_assertion(void **state)
{
    Fixture *f = *state;
    char *kids[3] = { NULL };

    kids[0] = rotate(f, "--for assertion");
    run(f, FALSE, "rotate --for assertion", kids);
    kids[1] = kid_of(f, 1);
    expect_out(f, 0,
               "Made the assertion key {1} (RS256); it is published from now on.\n"
               "It signs from 2026-12-24T09:00:00Z (in 30d); until then {0} does.\n"
               "Next, before 2026-12-24T09:00:00Z, in each account whose issue.method is saml:\n"
               "  curl -o metadata.xml https://bridge.acme.example/saml/metadata\n"
               "  aws iam update-saml-provider --saml-metadata-document file://metadata.xml \\\n"
               "    --saml-provider-arn arn:aws:iam::ACCOUNT:saml-provider/NAME\n"
               "An account without it refuses every role from 2026-12-24T09:00:00Z on. After that:\n"
               "  rolebridgectl keys retire {0}\n"
               "and upload the metadata once more.\n",
               kids);
    run(f, FALSE, "retire {0} --now --yes", kids);
    expect_out(f, 0,
               "Retired the assertion key {0}: it is published no more, and its private key is deleted.\n"
               "{1} signs from now on.\n"
               "Next, in each account whose issue.method is saml, at once:\n"
               "  curl -o metadata.xml https://bridge.acme.example/saml/metadata\n"
               "  aws iam update-saml-provider --saml-metadata-document file://metadata.xml \\\n"
               "    --saml-provider-arn arn:aws:iam::ACCOUNT:saml-provider/NAME\n"
               "Until then the account accepts what the retired key signs.\n",
               kids);
    g_free(kids[0]);
    g_free(kids[1]);
}

static void
test_json(void **state)
{
    Fixture *f = *state;
    char *kids[3] = { NULL };

    kids[0] = rotate(f, "--for token --algorithm RS256");
    run(f, FALSE, "list --json", kids);
    expect_out(
        f, 0,
        "{\n  \"issuer\": \"https://bridge.acme.example\",\n  \"keys\": [\n    {\n      \"kid\": \"{0}\",\n"
        "      \"use\": \"token\",\n      \"algorithm\": \"RS256\",\n      \"state\": \"signs\",\n"
        "      \"key\": \"{0}.key\",\n      \"created_at\": \"2026-11-24T09:00:00Z\",\n"
        "      \"signs_from\": \"2026-11-24T09:00:00Z\",\n      \"published_until\": null\n    }\n  ]\n}\n",
        kids);
    run(f, FALSE, "list --for assertion --json", kids);
    expect_out(f, 0, "{\n  \"issuer\": \"https://bridge.acme.example\",\n  \"keys\": []\n}\n", kids);
    kids[1] = rotate(f, "--for token --overlap 0s");
    run(f, FALSE, "retire {0} --json", kids);
    expect_out(f, 0, "{\n  \"retired\": \"{0}\",\n  \"signs\": \"{1}\"\n}\n", kids);
    g_free(kids[0]);
    g_free(kids[1]);
}

/* Whose time is over keeps no private key; the certificate stays, for whoever asks later what was trusted. */
static void
test_files(void **state)
{
    Fixture *f = *state;
    g_autofree char *first = rotate(f, "--for token"), *second = rotate(f, "--for token --overlap 0s");
    char *kids[] = { first, second, NULL };
    g_autofree char *key = g_strdup_printf("%s/%s.key", f->dir, first);
    g_autofree char *pem = g_strdup_printf("%s/%s.pem", f->dir, first);

    assert_true(g_file_test(key, G_FILE_TEST_EXISTS));
    run(f, FALSE, "retire {0}", kids);
    assert_int_equal(f->status, 0);
    assert_false(g_file_test(key, G_FILE_TEST_EXISTS));
    assert_true(g_file_test(pem, G_FILE_TEST_EXISTS));
}

/* ---- what is refused ---- */

/* clang-format off */
static const struct {
    const char *name, *made; /* keys made before, one --for a comma */
    const char *line;
    int status;
    const char *want; /* part of what is said */
} refused[] = {
    { "nothing", NULL, "", 2, "say what to do with the keys: list, rotate or retire" },
    { "no such command", NULL, "frob", 2, "no keys command 'frob'" },
    { "a misspelt command", NULL, "rotat", 2, "did you mean 'rotate'?" },
    { "an unknown option", NULL, "list --frob", 2, "--frob" },
    { "something left over", NULL, "list all", 2, "'list' takes no further arguments" },
    { "rotate what?", NULL, "rotate", 2, "say what the key is for: --for token, --for assertion" },
    { "rotate for nothing known", NULL, "rotate --for sessions", 2, "no key is for 'sessions'" },
    { "unknown algorithm", NULL, "rotate --for token --algorithm HS256", 2, "no token key has the algorithm 'HS256'" },
    { "assertions by EC", NULL, "rotate --for assertion --algorithm ES256", 2, "no assertion key has the algorithm 'ES256'" },
    { "overlap without a unit", NULL, "rotate --for token --overlap 24", 2, "'24' is no overlap" },
    { "overlap of years", NULL, "rotate --for token --overlap 401d", 2, "'401d' is no overlap" },
    { "overlap of a list", NULL, "list --overlap 1d", 2, "are for rotate" },
    { "--now of a rotation", NULL, "rotate --for token --now --yes", 2, "are for retire" },
    { "retire what?", NULL, "retire", 2, "retire wants one key" },
    { "--now alone", "token", "retire {0} --now", 2, "takes --now and --yes together" },
    { "--yes alone", "token", "retire {0} --yes", 2, "takes --now and --yes together" },
    { "no such key", "token", "retire 2026-01-01-00000000", 1, "no key '2026-01-01-00000000'; rolebridgectl keys list names them" },
    { "a key of a strange name", "token", "retire \033[2J", 1, "no key '\\x1b[2J'" },
    { "a key that signs", "token", "retire {0}", 1, "signs; rotate first" },
    { "the last key", "token", "retire {0} --now --yes", 1, "is the last key for tokens; make another first" },
    { "the last key of its use", "token,assertion", "retire {1} --now --yes", 1, "is the last key for assertions" },
    { "rotated twice", "token,token", "rotate --for token", 1, "waits already, and signs from 2026-11-25T09:00:00Z" },
};
/* clang-format on */

static void
test_refused(void **state)
{
    Fixture *f = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_auto(GStrv) uses = g_strsplit(refused[i].made == NULL ? "" : refused[i].made, ",", -1);
        char *kids[4] = { NULL };
        g_autofree char *before = NULL, *after = NULL, *path = g_build_filename(f->dir, "keys.json", NULL);
        empty(f->dir);
        for (guint k = 0; uses[k] != NULL && *uses[k] != '\0'; k++) {
            g_autofree char *options = g_strconcat("--for ", uses[k], NULL);
            kids[k] = rotate(f, options);
        }
        (void)g_file_get_contents(path, &before, NULL, NULL);
        run(f, FALSE, refused[i].line, kids);
        (void)g_file_get_contents(path, &after, NULL, NULL);
        if (f->status != refused[i].status || strstr(f->err, refused[i].want) == NULL || *f->out != '\0')
            fail_msg("%s: %d\n%s%s", refused[i].name, f->status, f->out, f->err);
        if (g_strcmp0(before, after) != 0)
            fail_msg("%s: keys.json was changed", refused[i].name);
        for (guint k = 0; kids[k] != NULL; k++)
            g_free(kids[k]);
    }
}

static void
test_retired_twice(void **state)
{
    Fixture *f = *state;
    g_autofree char *first = rotate(f, "--for token"), *second = rotate(f, "--for token --overlap 0s");
    char *kids[] = { first, second, NULL };

    run(f, FALSE, "retire {0}", kids);
    assert_int_equal(f->status, 0);
    run(f, FALSE, "retire {0}", kids);
    assert_int_equal(f->status, 1);
    assert_non_null(strstr(f->err, "was retired at 2026-11-24T09:00:00Z"));
}

/* A leaked key without a successor in waiting: the one before signs again. */
static void
test_falls_back(void **state)
{
    Fixture *f = *state;
    g_autofree char *first = rotate(f, "--for token"), *second = NULL;
    char *kids[3] = { first, NULL, NULL };

    f->now += DAY;
    second = rotate(f, "--for token --overlap 0s");
    kids[1] = second;
    run(f, FALSE, "retire {1} --now --yes", kids);
    assert_int_equal(f->status, 0);
    assert_non_null(strstr(f->out, "signs from now on"));
    assert_non_null(strstr(f->out, first));
    assert_non_null(strstr(f->out, "up to an hour"));
}

/* ---- a directory that is not as it should be ---- */

static void
expect_fault(Fixture *f, const char *what, const char *want)
{
    static const char *const lines[] = { "list", "rotate --for token", "retire x" };

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        run(f, FALSE, lines[i], NULL);
        if (f->status != 4 || strstr(f->err, want) == NULL)
            fail_msg("%s: %s: %d\n%s%s", what, lines[i], f->status, f->out, f->err);
    }
}

static void
test_places(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = g_build_filename(f->dir, "keys.json", NULL);
    int fd;

    assert_int_equal(g_chmod(f->dir, 0755), 0);
    expect_fault(f, "open to others", "is open to others (mode 755)");
    assert_int_equal(g_chmod(f->dir, 0700), 0);
    assert_true(g_file_set_contents(path, "{\"rolebridge\": 1,\n \"keys\": [}", -1, NULL));
    expect_fault(f, "broken", "keys.json:2:11: error: not JSON");
    assert_true(g_file_set_contents(path, "{\"rolebridge\": 2, \"keys\": []}", -1, NULL));
    expect_fault(f, "of a later version", "keys.json:1:16: error: unknown format version");
    empty(f->dir);
    fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    run(f, FALSE, "rotate --for token", NULL);
    assert_int_equal(f->status, 4);
    assert_non_null(strstr(f->err, "somebody else changes the keys"));
    (void)close(fd);
    assert_int_equal(g_rmdir(f->dir), 0);
    expect_fault(f, "not there", "create it: install -d -m 700");
    assert_true(g_file_set_contents(f->config, "rolebridge: 1\npublic_url: https://b.example\n", -1, NULL));
    expect_fault(f, "no issuer", "there is no 'issuer'");
    assert_true(
        g_file_set_contents(f->config, "rolebridge: 1\nissuer: { url: http://b.example }\n", -1, NULL));
    expect_fault(f, "a wrong URL", "rolebridge.yaml:2:16: error: AWS takes an issuer by https alone");
    assert_int_equal(g_unlink(f->config), 0);
    expect_fault(f, "no configuration", "rolebridge.yaml");
    assert_int_equal(g_mkdir(f->dir, 0700), 0);
}

/* ---- on a token ---- */

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

static void
use_token(const Fixture *f)
{
    g_autofree char *conf = g_build_filename(f->folder, "softhsm2.conf", NULL);
    g_autofree char *tokens = g_build_filename(f->folder, "tokens", NULL),
                    *pin = g_build_filename(f->folder, "pin", NULL);
    g_autofree char *text =
        g_strdup_printf("directories.tokendir = %s\nobjectstore.backend = file\n", tokens);
    g_autofree char *yaml =
        g_strdup_printf("rolebridge: 1\npublic_url: https://bridge.acme.example\nissuer:\n  keys: issuer\n"
                        "  pkcs11: { module: " MODULE ", token: rolebridge, pin: {file: %s} }\n",
                        pin);
    const char *const init[] = { "softhsm2-util", "--init-token", "--free", "--label",  "rolebridge",
                                 "--so-pin",      "12345678",     "--pin",  "47110815", NULL };
    g_autoptr(GError) error = NULL;

    assert_int_equal(g_mkdir(tokens, 0700), 0);
    assert_true(g_file_set_contents(conf, text, -1, NULL));
    assert_true(g_file_set_contents_full(pin, "47110815\n", -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    assert_true(g_file_set_contents(f->config, yaml, -1, NULL));
    g_setenv("SOFTHSM2_CONF", conf, TRUE);
    if (!g_spawn_sync(NULL, (char **)init, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                      NULL, NULL, NULL, &error))
        fail_msg("%s", error->message);
}

static void
test_on_token(void **state)
{
    Fixture *f = *state;
    g_autofree char *tokens = g_build_filename(f->folder, "tokens", NULL);
    g_autofree char *first = NULL, *second = NULL, *third = NULL;
    const char *const rm[] = { "rm", "-rf", tokens, NULL };
    g_auto(RbSigningKeysSetting) setting = { g_strdup(f->dir), g_strdup(MODULE), g_strdup("rolebridge"),
                                             rb_secret_new_text("47110815") };
    char *kids[4] = { NULL };

    if (!g_file_test(MODULE, G_FILE_TEST_EXISTS))
        skip();
    use_token(f);
    first = rotate(f, "--for token");
    second = rotate(f, "--for assertion");
    third = rotate(f, "--for token --overlap 0s");
    kids[0] = first;
    run(f, FALSE, "list --json", kids);
    assert_non_null(strstr(f->out, "\"key\": \"pkcs11:token=rolebridge;id=%"));
    assert_null(strstr(f->out, "47110815"));
    run(f, FALSE, "retire {0}", kids);
    assert_non_null(strstr(f->out, "its private key is left on the token: delete it there"));
    for (RbKeyUse use = RB_KEY_TOKEN; use <= RB_KEY_ASSERTION; use++) { /* as the service uses them */
        g_autoptr(RbSigningKeys) keys = rb_signing_keys_new(&setting, NULL);
        g_autoptr(RbSigningKey) key = NULL;
        g_autoptr(GBytes) signature = NULL;
        assert_true(rb_signing_keys_reload(keys, NOW, NULL));
        key = rb_signing_keys_current(keys, use, NOW, NULL);
        assert_string_equal(key->kid, use == RB_KEY_TOKEN ? third : second);
        signature = rb_signature_make(key->key, "text", 4, NULL);
        assert_non_null(signature);
    }
    assert_true(
        g_spawn_sync(NULL, (char **)rm, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
}

static void
test_help(void **state)
{
    Fixture *f = *state;

    run(f, FALSE, "--help", NULL);
    assert_int_equal(f->status, 0);
    assert_non_null(strstr(f->out, "rolebridgectl keys rotate --for assertion --overlap 14d\n"));
    assert_string_equal(f->err, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_audience), TEST(test_token),   TEST(test_assertion),     TEST(test_json),
        TEST(test_files),    TEST(test_refused), TEST(test_retired_twice), TEST(test_falls_back),
        TEST(test_places),   TEST(test_help),    TEST(test_on_token),
    };

    return cmocka_run_group_tests_name("ctl_keys", tests, NULL, NULL);
}
