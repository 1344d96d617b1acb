#include "fixture.h"

#include <signal.h>

/*
 * From a cold start to a console URL there are five fetches: IMDS token, its role, its credentials,
 * AssumeRole, the sign-in token. Each of them fails in each way, once or for good: there are no credentials
 * without an answer that could be read, the error is never "no", and afterwards everything works again.
 */

#define YAML "region: eu-central-1\nsts_endpoint: %s/sts\nsignin_endpoint: %s\ntimeout: 2s\nmax_attempts: 2\n"
#define JSON_OK                                                                                              \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIABTX3GSDSQBNMGHLQ\",\"SecretAccessKey\":\"s\",\"Token\":"    \
    "\"t\","                                                                                                 \
    "\"Expiration\":\"2026-11-24T10:00:00Z\"}"
enum { STEPS = 5 };

static const Answer good[STEPS] = {
    { 200, "IMDSTOKEN" },
    { 200, "bridge-role" },
    { 200, JSON_OK },
    { 200, sts_ok },
    { 200, "{\"SigninToken\":\"V\"}" },
};

/* clang-format off */
static const struct {
    const char *name;
    Answer answer;
    gboolean passing; /* tried again, so that once is no harm */
} failures[] = {
    { "breaks off", { 200, NULL }, TRUE },
    { "fails inside", { 500, "<html>" }, TRUE },
    { "is not there", { 404, "<html>" }, FALSE },
    { "forbids", { 403, "" }, FALSE },
    { "answers nothing", { 200, "" }, FALSE },
    { "answers something else", { 200, "<html><body>Sign in to the network</body></html>" }, FALSE },
    { "sends us elsewhere", { 302, "" }, FALSE },
};
/* clang-format on */

/* All of it. Returns: TRUE when a console URL came out. */
static gboolean
run(Aws *aws, GError **error)
{
    const RbGrant grant = grant_for("arn:aws:iam::111122223333:role/data-scientist");
    g_autoptr(RbIdentity) identity = ada();
    g_autoptr(RbCredentials) credentials = rb_issue(aws->issuer, &grant, identity, 0, NOW, error);
    const RbConsoleAsk ask = {
        .grant = &grant, .credentials = credentials, .portal_url = "https://bridge.acme.example/", .now = NOW
    };
    g_autoptr(RbConsole) console = NULL;

    if (credentials == NULL)
        return FALSE;
    console = rb_issue_console(aws->issuer, &ask, error);
    return console != NULL;
}

static void
cold_start(Aws *aws)
{
    g_autofree char *imds = server_url(aws->server, "");

    clear_environment();
    g_unsetenv("AWS_EC2_METADATA_DISABLED");
    g_setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds, TRUE);
    aws_renew(aws, YAML);
}

static void
expect_truth(const char *name, guint n, gboolean done, const GError *error)
{
    if (done)
        fail_msg("fetch %u %s: and yet there is a URL", n + 1, name);
    if (error->domain != RB_FAULT || error->code == RB_FAULT_INTERNAL || error->message[0] == '\0')
        fail_msg("fetch %u %s: got %s", n + 1, name, error->message);
}

static void
recover(Aws *aws, const char *name, guint n)
{
    g_autoptr(GError) error = NULL;

    aws_answer(aws, good, STEPS);
    cold_start(aws);
    if (!run(aws, &error))
        fail_msg("after fetch %u %s: %s", n + 1, name, error->message);
}

static void
test_for_good(void **state)
{
    Aws *aws = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++)
        for (guint n = 0; n < STEPS; n++) {
            Answer script[STEPS];
            g_autoptr(GError) error = NULL;
            gboolean done;
            memcpy(script, good, sizeof good);
            script[n] = failures[i].answer;
            aws_answer(aws, script, n + 1);
            cold_start(aws);
            done = run(aws, &error);
            /* the first two steps of IMDS take any text: what is wrong shows one step later, and as a fault
             * too */
            expect_truth(failures[i].name, n, done, error);
            recover(aws, failures[i].name, n);
        }
}

static void
test_once(void **state)
{
    Aws *aws = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++)
        for (guint n = 0; n < STEPS; n++) {
            Answer script[STEPS + 1];
            g_autoptr(GError) error = NULL;
            gboolean done;
            memcpy(script, good, n * sizeof *good);
            script[n] = failures[i].answer;
            memcpy(script + n + 1, good + n, (STEPS - n) * sizeof *good);
            aws_answer(aws, script, STEPS + 1);
            cold_start(aws);
            done = run(aws, &error);
            if (failures[i].passing && !done)
                fail_msg("fetch %u %s once: %s", n + 1, failures[i].name, error->message);
            if (!failures[i].passing)
                expect_truth(failures[i].name, n, done, error);
        }
}

/* Nobody listens at all. */
static void
test_nothing_there(void **state)
{
    Aws *aws = *state;
    g_autoptr(GError) error = NULL;
    const RbGrant grant = grant_for("arn:aws:iam::111122223333:role/data-scientist");
    g_autoptr(RbIdentity) identity = ada();

    clear_environment();
    g_setenv("AWS_ACCESS_KEY_ID", "ASIABTX3GSDSQBNMGHLQ", TRUE);
    g_setenv("AWS_SECRET_ACCESS_KEY", "s", TRUE);
    aws_renew(aws, "region: eu-central-1\nsts_endpoint: http://127.0.0.1:1\nmax_attempts: 2\n");
    assert_null(rb_issue(aws->issuer, &grant, identity, 0, NOW, &error));
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_NETWORK));
    assert_non_null(strstr(error->message, "nothing answers there"));
}

static int
setup(void **state)
{
    clear_environment();
    *state = aws_new(YAML);
    return 0;
}

static int
teardown(void **state)
{
    aws_free(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_for_good),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_nothing_there),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, setup, teardown);
}
