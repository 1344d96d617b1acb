#include "fixture.h"

#include "base/encoding.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* The service's own credentials: where they come from, and what happens when a source fails. */

#define YAML "region: eu-central-1\nsts_endpoint: %s/sts\n"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define JSON_OK                                                                                              \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIABTX3GSDSQBNMGHLQ\",\"SecretAccessKey\":\"" SECRET           \
    "\",\"Token\":\"TOKEN\",\"Expiration\":\"2026-11-24T10:00:00Z\"}"

typedef struct {
    Aws *aws;
    char *dir, *config, *credentials, *token;
} Fixture;

static int
setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    clear_environment();
    f->dir = g_dir_make_tmp("rb-own-XXXXXX", NULL);
    f->config = g_build_filename(f->dir, "config", NULL);
    f->credentials = g_build_filename(f->dir, "credentials", NULL);
    f->token = g_build_filename(f->dir, "token", NULL);
    f->aws = aws_new(YAML);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    Fixture *f = *state;

    aws_free(f->aws);
    (void)g_unlink(f->config);
    (void)g_unlink(f->credentials);
    (void)g_unlink(f->token);
    (void)g_rmdir(f->dir);
    g_free(f->config);
    g_free(f->credentials);
    g_free(f->token);
    g_free(f->dir);
    g_free(f);
    return 0;
}

static void
write_file(const char *path, const char *text, int mode)
{
    (void)g_unlink(path);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    assert_return_code(chmod(path, (mode_t)mode), 0);
}

/* A new issuer after the environment was set. */
static RbOwn *
renewed(Fixture *f, const char *yaml)
{
    aws_renew(f->aws, yaml);
    return f->aws->issuer->own;
}

static char *
status_text(RbOwn *own, gint64 now, const char *key)
{
    json_t *status = rb_own_status(own, now), *value = json_object_get(status, key);
    char *text = json_is_boolean(value) ? g_strdup(json_is_true(value) ? "true" : "false")
                                        : g_strdup(json_string_value(value));

    json_decref(status);
    return text;
}

static void
expect_fault(RbOwn *own, gint64 now, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = rb_own_get(own, now, &error);

    if (got != NULL || error->domain != RB_FAULT || strstr(error->message, says) == NULL ||
        strstr(error->message, SECRET) != NULL)
        fail_msg("wanted '%s', got: %s", says, error != NULL ? error->message : "credentials");
}

static void
expect_source(RbOwn *own, const char *source, const char *key)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = rb_own_get(own, NOW, &error);
    g_autofree char *said = NULL;

    if (got == NULL)
        fail_msg("%s", error->message);
    said = status_text(own, NOW, "source");
    assert_string_equal(said, source);
    assert_string_equal(got->access_key_id, key);
}

static void
test_environment(void **state)
{
    Fixture *f = *state;
    RbOwn *own;
    g_autofree char *long_lived = NULL, *warning = NULL;

    g_setenv("AWS_ACCESS_KEY_ID", "AKIABTX3GSDSQBNMGHLQ", TRUE);
    expect_fault(renewed(f, YAML), NOW, "AWS_SECRET_ACCESS_KEY is not");
    g_setenv("AWS_SECRET_ACCESS_KEY", SECRET, TRUE);
    own = renewed(f, YAML);
    expect_source(own, "environment", "AKIABTX3GSDSQBNMGHLQ");
    long_lived = status_text(own, NOW, "long_lived");
    warning = status_text(own, NOW, "warning");
    assert_string_equal(long_lived, "true");
    assert_non_null(strstr(warning, "long-lived key"));
    g_setenv("AWS_ACCESS_KEY_ID", "0555b35654ad1656d804", TRUE); /* another maker's STS */
    own = renewed(f, YAML);
    expect_source(own, "environment", "0555b35654ad1656d804");
    g_free(long_lived);
    long_lived = status_text(own, NOW, "long_lived");
    assert_string_equal(long_lived, "true");
    g_setenv("AWS_ACCESS_KEY_ID", "AKIABTX3GSDSQBNMGHLQ", TRUE);
    g_setenv("AWS_CREDENTIAL_EXPIRATION", "2026-11-24T09:00:00Z", TRUE);
    expect_fault(renewed(f, YAML), NOW, "AWS_CREDENTIAL_EXPIRATION is past");
    g_setenv("AWS_CREDENTIAL_EXPIRATION", "2026-11-24T09:30:00Z", TRUE);
    own = renewed(f, YAML);
    expect_source(own, "environment", "AKIABTX3GSDSQBNMGHLQ");
    expect_fault(own, NOW + 1800, "is past");
    clear_environment();
}

static void
test_nothing(void **state)
{
    Fixture *f = *state;
    RbOwn *own = renewed(f, NULL);
    g_autofree char *before = status_text(own, NOW, "state"), *after = NULL;

    expect_fault(own, NOW, "no AWS credentials");
    after = status_text(own, NOW, "last_error");
    assert_string_equal(before, "none");
    assert_non_null(strstr(after, "no AWS credentials"));
}

/* clang-format off */
#define KEYS "aws_access_key_id = ASIABTX3GSDSQBNMGHLQ\naws_secret_access_key=" SECRET "\naws_session_token = TOKEN\n"
static const struct {
    const char *name, *config, *credentials, *want; /* want: the access key, or part of the message */
    guint asked;                                    /* calls of STS */
} profiles[] = {
    { "static keys", "", "[bridge]\n" KEYS, "ASIABTX3GSDSQBNMGHLQ", 0 },
    { "comments and blanks", "", "# one\n; two\n\n [x]\n[ bridge ] # three\n" KEYS "region = x # four\n", "ASIABTX3GSDSQBNMGHLQ", 0 },
    { "keys in config", "[profile bridge]\n" KEYS, "", "ASIABTX3GSDSQBNMGHLQ", 0 },
    { "CRLF", "", "[bridge]\r\naws_access_key_id=ASIABTX3GSDSQBNMGHLQ\r\naws_secret_access_key=" SECRET "\r\n", "ASIABTX3GSDSQBNMGHLQ", 0 },
    { "nested block", "[profile bridge]\ns3 =\n  aws_access_key_id = AKIAWRONG\n" KEYS, "", "ASIABTX3GSDSQBNMGHLQ", 0 },
    { "a role", "[profile bridge]\nrole_arn=arn:aws:iam::111122223333:role/bridge\nsource_profile=base\n", "[base]\n" KEYS, "ASIABTX3GSDSQBNMGHLQ", 1 },
    { "a role with its own keys", "[profile bridge]\nrole_arn=arn:aws:iam::111122223333:role/bridge\nsource_profile=bridge\n", "[bridge]\n" KEYS, "ASIABTX3GSDSQBNMGHLQ", 1 },
    { "no such profile", "[profile other]\nregion=x\n", "", "there is no such profile", 0 },
    { "nothing in it", "[profile bridge]\nregion=x\n", "", "neither keys nor a role", 0 },
    { "a command", "[profile bridge]\ncredential_process=/bin/true\n", "", "runs no commands", 0 },
    { "a person's sign-in", "[profile bridge]\nsso_session=x\n", "", "signs a person in", 0 },
    { "a second factor", "[profile bridge]\nrole_arn=arn:aws:iam::111122223333:role/bridge\nsource_profile=base\nmfa_serial=x\n", "[base]\n" KEYS, "second factor", 0 },
    { "two levels", "[profile bridge]\nrole_arn=arn:aws:iam::111122223333:role/bridge\nsource_profile=b\n[profile b]\nrole_arn=arn:aws:iam::111122223333:role/b\n", "", "only one level", 0 },
    { "source missing", "[profile bridge]\nrole_arn=arn:aws:iam::111122223333:role/bridge\nsource_profile=b\n", "", "does not exist", 0 },
    { "no source", "[profile bridge]\nrole_arn=arn:aws:iam::111122223333:role/bridge\n", "", "only one level", 0 },
    { "strange source", "[profile bridge]\nrole_arn=arn:aws:iam::111122223333:role/bridge\ncredential_source=Moon\n", "", "credential_source is", 0 },
    { "source from an empty environment", "[profile bridge]\nrole_arn=arn:aws:iam::111122223333:role/bridge\ncredential_source=Environment\n", "", "AWS_SECRET_ACCESS_KEY is not", 0 },
    { "not a role", "[profile bridge]\nrole_arn=bridge\nsource_profile=base\n", "[base]\n" KEYS, "six fields", 0 },
    { "half a key", "", "[bridge]\naws_access_key_id=ASIABTX3GSDSQBNMGHLQ\n", "secret access key", 0 },
    { "broken file", "[profile bridge\n", "", "without ']'", 0 },
};
/* clang-format on */

static void
test_profiles(void **state)
{
    Fixture *f = *state;
    static const Answer ok = { 200, sts_ok };

    g_setenv("AWS_CONFIG_FILE", f->config, TRUE);
    g_setenv("AWS_SHARED_CREDENTIALS_FILE", f->credentials, TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbCredentials) got = NULL;
        write_file(f->config, profiles[i].config, 0644);
        write_file(f->credentials, profiles[i].credentials, 0600);
        aws_answer(f->aws, &ok, 1);
        got = rb_own_get(renewed(f, YAML "profile: bridge\n"), NOW, &error);
        if (got != NULL ? strcmp(got->access_key_id, profiles[i].want) != 0
                        : !g_error_matches(error, RB_FAULT, RB_FAULT_STS_CREDENTIALS) &&
                              !g_error_matches(error, RB_FAULT, RB_FAULT_STS))
            fail_msg("%s: got %s", profiles[i].name, got != NULL ? got->access_key_id : error->message);
        if ((got == NULL && strstr(error->message, profiles[i].want) == NULL) ||
            f->aws->asked != profiles[i].asked)
            fail_msg("%s: asked %u times, %s", profiles[i].name, f->aws->asked,
                     error != NULL ? error->message : "");
    }
    clear_environment();
}

static void
test_credentials_file_is_private(void **state)
{
    Fixture *f = *state;

    g_setenv("AWS_SHARED_CREDENTIALS_FILE", f->credentials, TRUE);
    write_file(f->credentials, "[bridge]\n" KEYS, 0644);
    expect_fault(renewed(f, YAML "profile: bridge\n"), NOW, f->credentials);
    clear_environment();
}

/* aws.profile is explicit and wins; the environment beats the default profile. */
static void
test_order(void **state)
{
    Fixture *f = *state;

    g_setenv("AWS_SHARED_CREDENTIALS_FILE", f->credentials, TRUE);
    write_file(f->credentials,
               "[default]\naws_access_key_id=ASIADEFAULTXXXXXXXXX\naws_secret_access_key=" SECRET
               "\n[other]\naws_access_key_id=ASIAOTHERXXXXXXXXXXX\naws_secret_access_key=" SECRET "\n",
               0600);
    expect_source(renewed(f, YAML), "profile 'default'", "ASIADEFAULTXXXXXXXXX");
    g_setenv("AWS_PROFILE", "other", TRUE);
    expect_source(renewed(f, YAML), "profile 'other'", "ASIAOTHERXXXXXXXXXXX");
    g_setenv("AWS_ACCESS_KEY_ID", "ASIAENVXXXXXXXXXXXXX", TRUE);
    g_setenv("AWS_SECRET_ACCESS_KEY", SECRET, TRUE);
    expect_source(renewed(f, YAML), "environment", "ASIAENVXXXXXXXXXXXXX");
    expect_source(renewed(f, YAML "profile: other\n"), "profile 'other'", "ASIAOTHERXXXXXXXXXXX");
    clear_environment();
    g_setenv("AWS_PROFILE", "nowhere", TRUE);
    expect_fault(renewed(f, YAML), NOW, "there is no such profile");
    clear_environment();
}

static void
test_web_identity(void **state)
{
    Fixture *f = *state;
    static const Answer ok = { 200, sts_ok };
    static const Answer bad = {
        400,
        "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>m</Message></Error></ErrorResponse>"
    };
    RbOwn *own;

    g_setenv("AWS_WEB_IDENTITY_TOKEN_FILE", f->token, TRUE);
    expect_fault(renewed(f, YAML), NOW, "AWS_ROLE_ARN");
    g_setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/bridge", TRUE);
    expect_fault(renewed(f, YAML), NOW, f->token);
    write_file(f->token, "eyJ.a.b", 0600);
    aws_answer(f->aws, &ok, 1);
    own = renewed(f, YAML);
    expect_source(own, "web identity token", "ASIABTX3GSDSQBNMGHLQ");
    assert_string_equal(
        f->aws->last->str,
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333"
        "%3Arole%2Fbridge&RoleSessionName=rolebridge&WebIdentityToken=eyJ.a.b");
    assert_null(f->aws->authorization); /* unsigned */
    aws_answer(f->aws, &bad, 1);
    expect_fault(renewed(f, YAML), NOW, "identity token");
    clear_environment();
}

/* clang-format off */
static const struct {
    const char *name, *json;
    gboolean fine;
} answers[] = {
    { "as documented", JSON_OK, TRUE },
    { "without Code, as containers answer", "{\"AccessKeyId\":\"ASIABTX3GSDSQBNMGHLQ\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"2026-11-24T10:00:00Z\"}", TRUE },
    { "a failure", "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"m\"}", FALSE },
    { "no token", "{\"AccessKeyId\":\"ASIABTX3GSDSQBNMGHLQ\",\"SecretAccessKey\":\"s\",\"Expiration\":\"2026-11-24T10:00:00Z\"}", FALSE },
    { "no end", "{\"AccessKeyId\":\"ASIABTX3GSDSQBNMGHLQ\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"}", FALSE },
    { "expired", "{\"AccessKeyId\":\"ASIABTX3GSDSQBNMGHLQ\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"2026-11-24T08:00:00Z\"}", FALSE },
    { "key twice", "{\"AccessKeyId\":\"ASIABTX3GSDSQBNMGHLQ\",\"AccessKeyId\":\"ASIABTX3GSDSQBNMGHLR\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"2026-11-24T10:00:00Z\"}", FALSE },
    { "key is a number", "{\"AccessKeyId\":1,\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"2026-11-24T10:00:00Z\"}", FALSE },
    { "line break in the token", "{\"AccessKeyId\":\"ASIABTX3GSDSQBNMGHLQ\",\"SecretAccessKey\":\"s\",\"Token\":\"t\\r\\nX: y\",\"Expiration\":\"2026-11-24T10:00:00Z\"}", FALSE },
    { "a list", "[]", FALSE },
    { "empty", "", FALSE },
    { "trailing bytes", JSON_OK "x", FALSE },
};
/* clang-format on */

static void
test_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbCredentials) got =
            rb_own_parse_json(answers[i].json, strlen(answers[i].json), NOW, &error);
        if ((got != NULL) != answers[i].fine || (got == NULL && error->domain != RB_FAULT))
            fail_msg("%s: got %s", answers[i].name, error != NULL ? error->message : "credentials");
    }
}

static void
test_container(void **state)
{
    Fixture *f = *state;
    static const Answer ok = { 200, JSON_OK }, no = { 403, "{}" };
    static const Answer shaky[] = { { 500, "" }, { 200, NULL }, { 200, JSON_OK } };
    g_autofree char *full = server_url(f->aws->server, "/creds");

    g_setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", full, TRUE);
    g_setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-env", TRUE);
    aws_answer(f->aws, &ok, 1);
    expect_source(renewed(f, YAML), "container", "ASIABTX3GSDSQBNMGHLQ");
    assert_string_equal(f->aws->authorization, "from-env");
    assert_string_equal(f->aws->last_target, "/creds");
    g_setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", f->token, TRUE);
    write_file(f->token, "from-file", 0600);
    aws_answer(f->aws, shaky, 3);
    expect_source(renewed(f, YAML), "container", "ASIABTX3GSDSQBNMGHLQ");
    assert_string_equal(f->aws->authorization, "from-file");
    write_file(f->token, "from-file\nX: y", 0600);
    expect_fault(renewed(f, YAML), NOW, "line break");
    g_unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    aws_answer(f->aws, &no, 1);
    expect_fault(renewed(f, YAML), NOW, "answered 403");
    assert_int_equal(f->aws->asked, 1);
    g_setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/creds", TRUE);
    expect_fault(renewed(f, YAML), NOW, "http is for loopback");
    g_setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/", TRUE);
    expect_fault(renewed(f, YAML), NOW, "does not begin with /");
    clear_environment();
}

static void
test_imds(void **state)
{
    Fixture *f = *state;
    static const Answer good[] = { { 200, "IMDSTOKEN" }, { 200, "bridge-role\n" }, { 200, JSON_OK } };
    static const Answer no_role[] = { { 200, "IMDSTOKEN" }, { 200, "<html>" } };
    static const Answer only_v1[] = { { 404, "" }, { 200, "bridge-role" }, { 200, JSON_OK } };
    g_autofree char *url = server_url(f->aws->server, "/");

    g_unsetenv("AWS_EC2_METADATA_DISABLED");
    g_setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url, TRUE);
    aws_answer(f->aws, good, 3);
    expect_source(renewed(f, YAML), "instance metadata", "ASIABTX3GSDSQBNMGHLQ");
    assert_string_equal(f->aws->last_target, "/latest/meta-data/iam/security-credentials/bridge-role");
    aws_answer(f->aws, no_role, 2);
    expect_fault(renewed(f, YAML), NOW, "has no role");
    aws_answer(f->aws, only_v1, 3);
    expect_fault(renewed(f, YAML), NOW, "answered 404"); /* version 1 is never tried */
    assert_int_equal(f->aws->asked, 1);
    clear_environment();
}

/* ---- refreshing ---- */

static gpointer
get_one(gpointer data)
{
    return rb_own_get(data, NOW, NULL);
}

static void
use_container(Fixture *f)
{
    g_autofree char *full = server_url(f->aws->server, "/creds");

    g_setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", full, TRUE);
    aws_renew(f->aws, YAML);
    clear_environment();
}

static void
test_single_flight(void **state)
{
    Fixture *f = *state;
    static const Answer ok = { 200, JSON_OK };
    GThread *threads[20];

    aws_answer(f->aws, &ok, 1);
    f->aws->delay_ms = 200;
    use_container(f);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("get", get_one, f->aws->issuer->own);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        g_autoptr(RbCredentials) got = g_thread_join(threads[i]);
        assert_non_null(got);
    }
    f->aws->delay_ms = 0;
    assert_int_equal(f->aws->asked, 1);
}

static void
test_stale_while_error(void **state)
{
    Fixture *f = *state;
    static const Answer then[] = { { 200, JSON_OK }, { 403, "" } };
    RbOwn *own;
    g_autoptr(GError) warning = NULL;
    g_autoptr(RbCredentials) first = NULL, late = NULL;
    g_autofree char *last_error = NULL, *ended = NULL;

    aws_answer(f->aws, then, 2);
    use_container(f);
    own = f->aws->issuer->own;
    first = rb_own_get(own, NOW, NULL);
    assert_non_null(first);
    assert_int_equal(rb_own_refresh(own, NOW, NULL), NOW + 3600 - 900 + 1);
    assert_int_equal(f->aws->asked, 1);
    (void)rb_own_refresh(own, NOW + 3000, &warning); /* due, and refused: worth a warning */
    assert_int_equal(f->aws->asked, 2);
    assert_non_null(warning);
    late = rb_own_get(own, NOW + 3599, NULL); /* the old ones serve to their last second */
    assert_ptr_equal(late, first);
    last_error = status_text(own, NOW + 3599, "last_error");
    assert_non_null(strstr(last_error, "403"));
    expect_fault(own, NOW + 3600, "403");
    ended = status_text(own, NOW + 3600, "state");
    assert_string_equal(ended, "expired");
}

/* A source that fails is not asked by every caller. */
static void
test_rest(void **state)
{
    Fixture *f = *state;
    static const Answer no = { 403, "" };

    aws_answer(f->aws, &no, 1);
    use_container(f);
    for (int i = 0; i < 5; i++)
        expect_fault(f->aws->issuer->own, NOW + i, "403");
    assert_int_equal(f->aws->asked, 1);
    expect_fault(f->aws->issuer->own, NOW + 5, "403");
    assert_int_equal(f->aws->asked, 2);
}

/* AWS says that our credentials have expired: the next call looks again. */
static void
test_distrust(void **state)
{
    Fixture *f = *state;
    static const Answer script[] = {
        { 200, JSON_OK },
        { 403,
          "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>m</Message></Error></ErrorResponse>" },
        { 200, JSON_OK },
        { 200, sts_ok },
    };
    RbGrant grant = grant_for("arn:aws:iam::111122223333:role/data-scientist");
    g_autoptr(RbIdentity) identity = ada();
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = NULL;

    aws_answer(f->aws, script, 4);
    use_container(f);
    assert_null(rb_issue(f->aws->issuer, &grant, identity, 0, NOW, &error));
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_STS_CREDENTIALS));
    got = rb_issue(f->aws->issuer, &grant, identity, 0, NOW, NULL);
    assert_non_null(got);
    assert_int_equal(f->aws->asked, 4);
}

static void
test_no_secret_in_status(void **state)
{
    Fixture *f = *state;
    static const Answer ok = { 200, JSON_OK };
    g_autoptr(RbCredentials) got = NULL;
    json_t *status;
    char *text;

    aws_answer(f->aws, &ok, 1);
    use_container(f);
    got = rb_own_get(f->aws->issuer->own, NOW, NULL);
    status = rb_issuer_status(f->aws->issuer, NOW);
    text = json_dumps(status, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(
        text, "{\"access_key_id\":\"ASIABTX3GSDSQBNMGHLQ\",\"account_hint\":\"111122223333\","
              "\"expiration\":\"2026-11-24T10:00:00Z\",\"long_lived\":false,\"source\":\"container\","
              "\"state\":\"ready\"}");
    free(text);
    json_decref(status);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_credentials_file_is_private),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_web_identity),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_container),
        cmocka_unit_test(test_imds),
        cmocka_unit_test(test_single_flight),
        cmocka_unit_test(test_stale_while_error),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_distrust),
        cmocka_unit_test(test_no_secret_in_status),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, setup, teardown);
}
