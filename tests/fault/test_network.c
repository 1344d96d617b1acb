#include "fixture.h"

#include <signal.h>

/*
 * From a cold start to a console URL there are five fetches: IMDS token, its role, its credentials,
 * AssumeRole, the sign-in token. Where the account trusts the bridge itself, only the last two of them. Each
 * fails in each way, once or for good: there are no credentials without an answer that could be read, the
 * error is never "no", and afterwards everything works again.
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

static const struct {
    RbIssueMethod method;
    guint from; /* the first of the fetches that it needs */
} ways[] = { { RB_ISSUE_ASSUME_ROLE, 0 }, { RB_ISSUE_WEB_IDENTITY, 3 }, { RB_ISSUE_SAML, 3 } };

/* All of it. Returns: TRUE when a console URL came out. */
static gboolean
run(Aws *aws, RbIssueMethod method, GError **error)
{
    RbGrant grant = grant_for("arn:aws:iam::111122223333:role/data-scientist");
    g_autoptr(RbIdentity) identity = ada();
    g_autoptr(RbCredentials) credentials = NULL;
    RbConsoleAsk ask = {
        .grant = &grant, .credentials = credentials, .portal_url = "https://bridge.acme.example/", .now = NOW
    };
    g_autoptr(RbConsole) console = NULL;

    if (method != RB_ISSUE_ASSUME_ROLE)
        trust(&grant, method);
    grant.session_policy = "{}"; /* so that the console of a saml account is entered by credentials too */
    ask.credentials = credentials = rb_issue(aws->issuer, &grant, identity, 0, NOW, error);
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
recover(Aws *aws, guint way, const char *name, guint n)
{
    g_autoptr(GError) error = NULL;

    aws_answer(aws, good + ways[way].from, STEPS - ways[way].from);
    cold_start(aws);
    if (!run(aws, ways[way].method, &error))
        fail_msg("after fetch %u %s: %s", n + 1, name, error->message);
}

static void
fail_for_good(Aws *aws, guint way, guint n, guint failure)
{
    const guint from = ways[way].from;
    const char *name = failures[failure].name;
    Answer script[STEPS];
    g_autoptr(GError) error = NULL;
    gboolean done;

    memcpy(script, good, sizeof good);
    script[n] = failures[failure].answer;
    aws_answer(aws, script + from, n + 1 - from);
    cold_start(aws);
    done = run(aws, ways[way].method, &error);
    /* the first two steps of IMDS take any text: what is wrong shows one step later, and as a fault too */
    expect_truth(name, n, done, error);
    recover(aws, way, name, n);
}

static void
fail_once(Aws *aws, guint way, guint n, guint failure)
{
    const guint from = ways[way].from;
    Answer script[STEPS + 1];
    g_autoptr(GError) error = NULL;
    gboolean done;

    memcpy(script, good, n * sizeof *good);
    script[n] = failures[failure].answer;
    memcpy(script + n + 1, good + n, (STEPS - n) * sizeof *good);
    aws_answer(aws, script + from, STEPS + 1 - from);
    cold_start(aws);
    done = run(aws, ways[way].method, &error);
    if (failures[failure].passing && !done)
        fail_msg("fetch %u %s once: %s", n + 1, failures[failure].name, error->message);
    if (!failures[failure].passing)
        expect_truth(failures[failure].name, n, done, error);
}

static void
each(Aws *aws, void (*fails)(Aws *aws, guint way, guint n, guint failure))
{
    for (guint way = 0; way < G_N_ELEMENTS(ways); way++)
        for (guint failure = 0; failure < G_N_ELEMENTS(failures); failure++)
            for (guint n = ways[way].from; n < STEPS; n++)
                fails(aws, way, n, failure);
}

static void
test_for_good(void **state)
{
    each(*state, fail_for_good);
}

static void
test_once(void **state)
{
    each(*state, fail_once);
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
    Aws *aws;

    clear_environment();
    *state = aws = aws_new(YAML);
    aws_trusted(aws, YAML);
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
