#include "rolebridged/config.h"
#include "rolebridged/watch.h"
#include "support/folder.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

typedef struct {
    char *folder, *path;
} Scratch;

static int
setup(void **state)
{
    Scratch *scratch = g_new0(Scratch, 1);

    scratch->folder = g_dir_make_tmp("rb-config-XXXXXX", NULL);
    scratch->path = g_build_filename(scratch->folder, "rolebridge.yaml", NULL);
    *state = scratch;
    return 0;
}

static int
teardown(void **state)
{
    Scratch *scratch = *state;

    remove_tree(scratch->folder);
    g_free(scratch->folder);
    g_free(scratch->path);
    g_free(scratch);
    return 0;
}

static RbConfig *
load(const Scratch *scratch, const char *text, RbDiagnostics *problems)
{
    assert_true(g_file_set_contents(scratch->path, text, -1, NULL));
    return rb_config_load(scratch->path, problems);
}

#define HEAD "rolebridge: 1\n"
#define URL "public_url: https://bridge.acme.example\n"
#define TLS "tls: { certificate: tls.pem, key: tls.key }\n"
#define IDP "identity_providers: [{ id: corp, type: saml }]\n"
#define LEAST HEAD URL TLS IDP

static void
has_safe_defaults(void **state)
{
    const Scratch *scratch = *state;
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbConfig) config = load(scratch, LEAST, problems);
    g_autofree char *mappings = g_build_filename(scratch->folder, "mappings", NULL);
    RbServeSetting setting;

    assert_int_equal(rb_diagnostics_count(problems), 0);
    assert_string_equal(config->listen[0], "127.0.0.1:8443");
    assert_string_equal(config->store, "sqlite:///var/lib/rolebridge/state.db");
    assert_string_equal(config->mappings_dir, mappings);
    assert_int_equal(config->session_s, 8 * 3600);
    assert_int_equal(config->idle_s, 2 * 3600);
    assert_int_equal(config->skew_s, 60);
    assert_non_null(config->tls);
    assert_null(config->mfa);
    setting = rb_config_serve(config, NULL, NULL);
    assert_null(setting.metrics_from); /* loopback only */
    assert_null(setting.trusted_proxies[0]);
}

static void
reads_everything(void **state)
{
    const Scratch *scratch = *state;
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *store = g_strconcat("sqlite://", scratch->folder, "/state/s.db", NULL);
    g_autofree char *ca = g_build_filename(scratch->folder, "certs/ca.pem", NULL);
    g_autoptr(RbConfig) config = load(
        scratch,
        LEAST "listen: [\"0.0.0.0:443\", \"[::1]:8443\"]\nstore: sqlite:state/s.db\nmappings: /etc/m\n"
              "sessions: { max: 12h, idle: 30m, token: 1h }\nclock_skew: 90s\n"
              "trusted_proxies: 10.0.0.0/8\nmetrics_from: [192.0.2.1/32]\n"
              "sso_start_url: https://acme.awsapps.com/start\nworkers: { quick: 8, upstream: 64, loops: 2 }\n"
              "limits: { connections: 100, connections_per_address: 10, read: 5s, write: 6s, queue: 7, "
              "drain: 8s }\n"
              "outgoing: { ca_file: certs/ca.pem }\nlog: { level: debug, format: json }\n"
              "mfa: { saml: [x] }\naws: { region: eu-central-1 }\n",
        problems);
    const RbServeLimits want = { 100, 10, 5, 6, 7, 8 };

    if (rb_diagnostics_count(problems) > 0)
        fail_msg("%s", rb_diagnostics_to_line(problems));
    assert_string_equal(config->listen[1], "[::1]:8443");
    assert_string_equal(config->store, store);
    assert_string_equal(config->mappings_dir, "/etc/m");
    assert_string_equal(config->ca_file, ca);
    assert_int_equal(config->session_s, 12 * 3600);
    assert_int_equal(config->idle_s, 1800);
    assert_int_equal(config->token_s, 3600);
    assert_int_equal(config->skew_s, 90);
    assert_string_equal(config->trusted_proxies[0], "10.0.0.0/8");
    assert_string_equal(config->sso_start_url, "https://acme.awsapps.com/start");
    assert_int_equal(config->workers_upstream, 64);
    assert_memory_equal(&config->limits, &want, sizeof want);
    assert_int_equal(config->log_level, RB_LOG_DEBUG);
    assert_true(config->log_json);
    assert_non_null(config->mfa);
    assert_non_null(config->aws);
}

/* clang-format off */
static const struct {
    const char *name, *text, *words; /* NULL: no mistake */
    guint line;
} rows[] = {
    { "no version", URL TLS IDP, "rolebridge: 1", 1 },
    { "nothing", "", "", 0 },
    { "a list", "- a\n", "", 1 },
    { "an unknown key", LEAST "listn: x\n", "did you mean 'listen'", 5 },
    { "no public URL", HEAD TLS IDP, "public_url", 1 },
    { "http", HEAD "public_url: http://bridge.acme.example\n" TLS IDP, "by https", 2 },
    { "http on loopback", HEAD "public_url: http://127.0.0.1:8443\n" TLS IDP, NULL, 0 },
    { "a slash at the end", HEAD "public_url: https://bridge.acme.example/\n" TLS IDP, "without a '/'", 2 },
    { "a path", HEAD "public_url: https://acme.example/bridge\n" TLS IDP, "without a '/'", 2 },
    { "a user in the URL", HEAD "public_url: https://a@b.example\n" TLS IDP, "not a URL", 2 },
    { "no URL", HEAD "public_url: bridge\n" TLS IDP, "not a URL", 2 },
    { "no tls", HEAD URL IDP, "'tls' is missing", 1 },
    { "clear text to all", HEAD URL IDP "listen: \"0.0.0.0:80\"\ntls: off\n", "show every session", 5 },
    { "clear text on loopback", HEAD URL IDP "tls: off\n", NULL, 0 },
    { "clear text behind a proxy", HEAD URL IDP "listen: \"0.0.0.0:80\"\ntls: off\ntrusted_proxies: 10.0.0.0/8\n", NULL, 0 },
    { "a certificate without its key", HEAD URL IDP "tls: { certificate: a }\n", "has no key", 4 },
    { "tls misspelt", HEAD URL IDP "tls: { certificat: a, key: b }\n", "did you mean 'certificate'", 4 },
    { "nobody who signs in", HEAD URL TLS, "identity_providers", 1 },
    { "another store", LEAST "store: mysql://x\n", "no such kind of store", 5 },
    { "a store without a path", LEAST "store: \"sqlite:\"\n", "no such kind of store", 5 },
    { "no address", LEAST "listen: []\n", "no address", 5 },
    { "a time without a unit", LEAST "sessions: { max: 8 }\n", "", 5 },
    { "a session without end", LEAST "sessions: { max: 365d }\n", "", 5 },
    { "too much skew", LEAST "clock_skew: 1h\n", "", 5 },
    { "an unknown level", LEAST "log: { level: loud }\n", "none of debug, info", 5 },
    { "a start URL in clear", LEAST "sso_start_url: http://acme.awsapps.com/start\n", "must be https", 5 },
    { "no workers", LEAST "workers: { quick: 0 }\n", "", 5 },
    { "sessions as a list", LEAST "sessions: [a]\n", "", 5 },
};
/* clang-format on */

static void
names_each_mistake(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbConfig) config = load(*state, rows[i].text, problems);
        g_autofree char *text = rb_diagnostics_to_text(problems, FALSE);
        gboolean wrong = rb_diagnostics_count(problems) > 0;
        if (wrong != (rows[i].words != NULL))
            fail_msg("%s: %s", rows[i].name, wrong ? text : "no mistake found");
        if (wrong && (strstr(text, rows[i].words) == NULL ||
                      (rows[i].line > 0 && rb_diagnostics_get(problems, 0)->line != rows[i].line)))
            fail_msg("%s: want line %u '%s' in\n%s", rows[i].name, rows[i].line, rows[i].words, text);
    }
}

static void
names_all_of_them(void **state)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbConfig) config = load(*state,
                                      HEAD "public_url: ftp://x\nlistn: a\nstore: b\nclock_skew: 2h\n"
                                           "log: { level: loud, colour: yes }\n",
                                      problems);

    assert_int_equal(rb_diagnostics_count(problems), 8);
}

/* ---- secrets ---- */

static RbSecret *
secret_of(const Scratch *scratch, const char *node, char **words)
{
    g_autofree char *text = g_strconcat("s: ", node, "\n", NULL);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(RbYamlDocument) document = rb_yaml_parse("s.yaml", bytes, problems);
    RbSecret *secret;

    assert_non_null(document);
    secret = rb_config_secret(rb_yaml_get(rb_yaml_root(document), "s"), scratch->folder, problems);
    *words = rb_diagnostics_to_text(problems, FALSE);
    assert_int_equal(secret == NULL, rb_diagnostics_count(problems) > 0);
    return secret;
}

static void
put(const Scratch *scratch, const char *name, const char *text, int mode)
{
    g_autofree char *path = g_build_filename(scratch->folder, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
    assert_int_equal(chmod(path, (mode_t)mode), 0);
}

static const struct {
    const char *name, *node, *want, *words;
} secrets[] = {
    { "a file", "{ file: good }", "from-file", NULL },
    { "the environment", "{ env: RB_TEST_SECRET }", "from-env", NULL },
    { "a credential", "{ credential: cred }", "from-cred", NULL },
    { "written down", "hunter2", NULL, "must not be written in this file" },
    { "a file that others read", "{ file: open }", NULL, "chmod 600" },
    { "a file that is not there", "{ file: none }", NULL, "none" },
    { "an empty variable", "{ env: RB_TEST_EMPTY }", NULL, "the environment has no" },
    { "a credential that climbs", "{ credential: ../good }", NULL, "not the name of a credential" },
    { "two places", "{ file: good, env: RB_TEST_SECRET }", NULL, "exactly one place" },
    { "no place", "{}", NULL, "exactly one place" },
    { "a place misspelt", "{ fil: good }", NULL, "did you mean 'file'" },
    { "a list", "[good]", NULL, "must not be written in this file" },
};

static void
reads_secrets_from_elsewhere(void **state)
{
    const Scratch *scratch = *state;

    put(scratch, "good", "from-file\n", 0600);
    put(scratch, "open", "from-file\n", 0644);
    put(scratch, "cred", "from-cred", 0600);
    g_setenv("RB_TEST_SECRET", "from-env", TRUE);
    g_setenv("RB_TEST_EMPTY", "", TRUE);
    g_setenv("CREDENTIALS_DIRECTORY", scratch->folder, TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(secrets); i++) {
        g_autofree char *words = NULL;
        g_autoptr(RbSecret) secret = secret_of(scratch, secrets[i].node, &words);
        if (secrets[i].want != NULL &&
            (secret == NULL || !g_str_equal(rb_secret_reveal(secret), secrets[i].want)))
            fail_msg("%s: %s", secrets[i].name, words);
        if (secrets[i].want == NULL && strstr(words, secrets[i].words) == NULL)
            fail_msg("%s: got '%s'", secrets[i].name, words);
        if (strstr(words, "hunter2") != NULL || strstr(words, "from-") != NULL)
            fail_msg("%s: the secret is shown: %s", secrets[i].name, words);
    }
}

static void
reads_tls(void **state)
{
    const Scratch *scratch = *state;
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbConfig) config = load(scratch, LEAST, problems);
    g_autoptr(GBytes) certificate = NULL;
    g_autoptr(RbSecret) key = NULL;
    g_autoptr(GError) error = NULL;

    assert_false(rb_config_read_tls(config, &certificate, &key, &error));
    assert_non_null(strstr(error->message, "tls.pem"));
    g_clear_error(&error);
    put(scratch, "tls.pem", "CERT", 0644);
    put(scratch, "tls.key", "KEY", 0644);
    assert_false(rb_config_read_tls(config, &certificate, &key, &error));
    assert_non_null(strstr(error->message, "chmod 600"));
    assert_null(certificate);
    put(scratch, "tls.key", "KEY", 0600);
    assert_true(rb_config_read_tls(config, &certificate, &key, NULL));
    assert_string_equal(rb_secret_reveal(key), "KEY");
}

/* ---- a directory that changes ---- */

static void
sees_changes_once_settled(void **state)
{
    const Scratch *scratch = *state;
    g_autoptr(RbWatch) watch = NULL;
    g_autofree char *sub = g_build_filename(scratch->folder, "roles", NULL);
    g_autofree char *gone = g_build_filename(scratch->folder, "a.yaml", NULL);

    put(scratch, "a.yaml", "1", 0600);
    assert_int_equal(g_mkdir(sub, 0700), 0);
    watch = rb_watch_new(scratch->folder);
    assert_false(rb_watch_settled(watch));
    put(scratch, "roles/b.yaml", "2", 0600);
    assert_false(rb_watch_settled(watch)); /* still changing, perhaps */
    put(scratch, "roles/c.yaml", "3", 0600);
    assert_false(rb_watch_settled(watch));
    assert_true(rb_watch_settled(watch));
    assert_false(rb_watch_settled(watch)); /* said once */
    put(scratch, ".swp", "4", 0600);
    assert_false(rb_watch_settled(watch));
    assert_false(rb_watch_settled(watch)); /* an editor's file is none of ours */
    assert_int_equal(g_remove(gone), 0);
    assert_false(rb_watch_settled(watch));
    assert_true(rb_watch_settled(watch));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(has_safe_defaults),
        TEST(reads_everything),
        TEST(names_each_mistake),
        TEST(names_all_of_them),
        TEST(reads_secrets_from_elsewhere),
        TEST(reads_tls),
        TEST(sees_changes_once_settled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
