#include "base/refusal.h"
#include "rolebridge/lease.h"
#include "rolebridge/picker.h"
#include "rolebridge/role.h"
#include "rolebridge/token.h"
#include "support/folder.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* A command line of its own folder; no bridge is running at the address, so whatever asks it fails. */
typedef struct {
    RbCli cli;
    char *folder;
    gint64 now;
} Fixture;

static gint64
fixed_now(gpointer data)
{
    return ((Fixture *)data)->now;
}

static int
set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    f->folder = g_dir_make_tmp("rb-cli-XXXXXX", NULL);
    f->now = 1795510800;
    f->cli.bridge = g_strdup("https://127.0.0.1:1");
    f->cli.session = g_strdup("corp");
    f->cli.region = g_strdup("eu-central-1");
    f->cli.start_url = g_strdup("https://corp.awsapps.com/start");
    f->cli.aws_dir = g_build_filename(f->folder, ".aws", NULL);
    f->cli.config_dir = g_build_filename(f->folder, "config", NULL);
    f->cli.config_file = g_build_filename(f->folder, "config", "config.yaml", NULL);
    f->cli.cache_dir = g_build_filename(f->folder, "cache", NULL);
    f->cli.clock = (RbClock){ fixed_now, f };
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *f = *state;

    remove_tree(f->folder);
    rb_cli_clear(&f->cli);
    g_free(f->folder);
    g_free(f);
    return 0;
}

static void
write_token(const Fixture *f, const char *text)
{
    g_autofree char *path = rb_token_path(&f->cli), *folder = g_path_get_dirname(path);

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}

static void
test_token_file_is_the_sdks(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = rb_token_path(&f->cli), *text = NULL;
    g_autoptr(RbToken) token = NULL;
    struct stat st;

    /* the name that AWS SDKs compute for the session 'corp' */
    assert_true(g_str_has_suffix(path, "/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"));
    write_token(
        f, "{\"startUrl\":\"https://127.0.0.1:1/"
           "start\",\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T10:00:00Z\",\"refreshToken\":\"RT\","
           "\"clientId\":\"c\","
           "\"clientSecret\":\"s\",\"registrationExpiresAt\":\"2027-01-01T00:00:00Z\",\"futureMember\":[1]}");
    token = rb_token_load(&f->cli, NULL);
    assert_non_null(token);
    assert_int_equal(token->expires_at, 1795514400);
    assert_true(rb_token_save(&f->cli, token, NULL));
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_non_null(strstr(text, "\"futureMember\":[1]"));
    assert_non_null(strstr(text, "\"expiresAt\":\"2026-11-24T10:00:00Z\""));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static const struct {
    const char *name, *text; /* NULL: no file */
    RbRefusalCode refusal;
    RbFaultCode fault;
} tokens[] = {
    { "none", NULL, RB_SESSION_MISSING, RB_FAULT_NONE },
    { "not JSON", "{", RB_SESSION_MISSING, RB_FAULT_NONE },
    { "a list", "[]", RB_SESSION_MISSING, RB_FAULT_NONE },
    { "no token in it", "{\"expiresAt\":\"2026-11-24T10:00:00Z\"}", RB_SESSION_MISSING, RB_FAULT_NONE },
    { "of another bridge",
      "{\"startUrl\":\"https://127.0.0.1:2\",\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T10:00:00Z\"}",
      RB_SESSION_MISSING, RB_FAULT_NONE },
    { "of a bridge that it does not name", "{\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T10:00:00Z\"}",
      RB_SESSION_MISSING, RB_FAULT_NONE },
    { "of the alias",
      "{\"startUrl\":\"https://corp.awsapps.com/"
      "start\",\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T10:00:00Z\"}",
      RB_ACCEPTED, RB_FAULT_NONE },
    { "of another alias",
      "{\"startUrl\":\"https://corp.awsapps.com/start/"
      "2\",\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T10:00:00Z\"}",
      RB_SESSION_MISSING, RB_FAULT_NONE },
    { "milliseconds, as the SDK for JavaScript writes them",
      "{\"startUrl\":\"https://"
      "127.0.0.1:1\",\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T10:00:00.123Z\"}",
      RB_ACCEPTED, RB_FAULT_NONE },
    { "good",
      "{\"startUrl\":\"https://127.0.0.1:1\",\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T10:00:00Z\"}",
      RB_ACCEPTED, RB_FAULT_NONE },
    { "expired, no refresh token",
      "{\"startUrl\":\"https://127.0.0.1:1/"
      "start\",\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T09:00:30Z\"}",
      RB_SESSION_EXPIRED, RB_FAULT_NONE },
    { "a time nobody can read",
      "{\"startUrl\":\"https://127.0.0.1:1/start\",\"accessToken\":\"AT\",\"expiresAt\":\"soon\"}",
      RB_SESSION_EXPIRED, RB_FAULT_NONE },
    { "expired, and the bridge is down",
      "{\"startUrl\":\"https://127.0.0.1:1/"
      "start\",\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T09:00:30Z\",\"refreshToken\":\"r\","
      "\"clientId\":"
      "\"c\",\"clientSecret\":\"s\"}",
      RB_ACCEPTED, RB_FAULT_NETWORK },
    { "a quarter of an hour left, and the bridge is down: still good",
      "{\"startUrl\":\"https://127.0.0.1:1/"
      "start\",\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T09:14:00Z\",\"refreshToken\":\"r\","
      "\"clientId\":"
      "\"c\",\"clientSecret\":\"s\"}",
      RB_ACCEPTED, RB_FAULT_NONE },
};

static void
test_fresh(void **state)
{
    Fixture *f = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(tokens); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbToken) token = NULL;
        gboolean good = tokens[i].refusal == RB_ACCEPTED && tokens[i].fault == RB_FAULT_NONE;
        if (tokens[i].text != NULL)
            write_token(f, tokens[i].text);
        token = rb_token_fresh(&f->cli, &error);
        if ((token != NULL) != good ||
            (tokens[i].refusal != RB_ACCEPTED && !rb_is_refusal(error, tokens[i].refusal)) ||
            (tokens[i].fault != RB_FAULT_NONE && !g_error_matches(error, RB_FAULT, (int)tokens[i].fault)))
            fail_msg("%s: %s", tokens[i].name, error != NULL ? error->message : "accepted");
    }
}

static void
test_others_may_not_read_it(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = rb_token_path(&f->cli);
    g_autoptr(GError) error = NULL;

    write_token(f, "{\"startUrl\":\"https://127.0.0.1:1/"
                   "start\",\"accessToken\":\"AT\",\"expiresAt\":\"2026-11-24T10:00:00Z\"}");
    assert_int_equal(g_chmod(path, 0644), 0);
    assert_null(rb_token_load(&f->cli, &error));
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_FILE));
}

static const struct {
    const char *spec, *account, *role; /* account NULL: no such form */
} specs[] = {
    { "prod.ds", "prod", "ds" },
    { "111122223333:ds", "111122223333", "ds" },
    { "eu.prod.ds", "eu.prod", "ds" },
    { "ds", NULL, NULL },
    { ".ds", NULL, NULL },
    { "prod.", NULL, NULL },
};

static void
test_specs(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        g_autofree char *account = NULL, *role = NULL;
        gboolean ok = rb_role_split(specs[i].spec, &account, &role);
        if (ok != (specs[i].account != NULL) || g_strcmp0(account, specs[i].account) != 0 ||
            g_strcmp0(role, specs[i].role) != 0)
            fail_msg("%s: %s %s", specs[i].spec, account, role);
    }
}

static void
test_durations(void **state)
{
    static const struct {
        const char *text;
        gint64 want; /* -1: refused */
    } rows[] = {
        { "30m", 1800 }, { "8h", 28800 }, { "900s", 900 }, { "900", 900 }, { "", -1 },
        { "h", -1 },     { "-1h", -1 },   { "1d", -1 },    { "1.5h", -1 }, { "9999999999999h", -1 }
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        gint64 s = -1;
        if (!rb_cli_duration(rows[i].text, &s))
            s = -1;
        if (s != rows[i].want)
            fail_msg("'%s': %" G_GINT64_FORMAT, rows[i].text, s);
    }
}

static void
test_origins(void **state)
{
    static const struct {
        const char *address, *want; /* NULL: refused */
    } rows[] = {
        { "https://bridge.acme.example", "https://bridge.acme.example" },
        { "https://bridge.acme.example/", "https://bridge.acme.example" },
        { "https://bridge.acme.example:8443/start", "https://bridge.acme.example:8443" },
        { "http://[::1]:8080", "http://[::1]:8080" },
        { "https://bridge.acme.example/other", NULL },
        { "https://me@bridge.acme.example", NULL },
        { "https://bridge.acme.example?x=1", NULL },
        { "ftp://bridge.acme.example", NULL },
        { "bridge.acme.example", NULL },
        { "https://", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *origin = rb_cli_origin(rows[i].address, &error);
        if (g_strcmp0(origin, rows[i].want) != 0 ||
            (origin == NULL && !g_error_matches(error, RB_CLI, RB_EXIT_USAGE)))
            fail_msg("'%s': %s", rows[i].address, origin != NULL ? origin : "refused");
    }
}

static void
test_widths(void **state)
{
    (void)state;
    assert_int_equal(rb_cli_width("prod"), 4);
    assert_int_equal(rb_cli_width("\u65e5\u672c"), 4); /* wide */
    assert_int_equal(rb_cli_width("e\u0301"), 1);      /* combining */
}

static void
test_recent(void **state)
{
    Fixture *f = *state;
    g_auto(GStrv) recent = NULL;

    for (guint i = 0; i < 30; i++) {
        g_autofree char *role = g_strdup_printf("r%u", i % 25);
        rb_picker_remember(&f->cli, "prod", role);
    }
    rb_picker_remember(&f->cli, "evil\nline", "x");
    recent = rb_picker_recent(&f->cli);
    assert_int_equal(g_strv_length(recent), 20);
    assert_string_equal(recent[0], "prod.r4");
    assert_string_equal(recent[1], "prod.r3");
}

static void
test_configuration_round_trip(void **state)
{
    Fixture *f = *state;
    g_autofree char *text = NULL;

    g_free(f->cli.ca_file);
    f->cli.ca_file = g_strdup("/a \"quoted\" path\\ca.pem");
    assert_true(rb_cli_remember(&f->cli, NULL));
    assert_true(g_file_get_contents(f->cli.config_file, &text, NULL, NULL));
    assert_non_null(strstr(text, "ca_file: \"/a \\\"quoted\\\" path\\\\ca.pem\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_token_file_is_the_sdks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fresh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_others_may_not_read_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_configuration_round_trip, set_up, tear_down),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_specs),
        cmocka_unit_test(test_durations),
    };

    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
