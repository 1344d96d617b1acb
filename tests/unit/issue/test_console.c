#include "fixture.h"

#include <signal.h>

#define YAML "region: eu-central-1\nsignin_endpoint: %s\n"

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

static RbCredentials *
lent(void)
{
    return rb_credentials_new("ASIABTX3GSDSQBNMGHLQ", "0c0c/0c+", "IQoJ=", NOW + 3600, NULL);
}

/* (transfer full): the URL for @credentials, or NULL with @error. */
static RbSecret *
url_for(Aws *aws, const RbGrant *grant, const RbCredentials *credentials, const char *destination, gint64 now,
        GError **error)
{
    const RbConsoleAsk ask = { .grant = grant,
                               .credentials = credentials,
                               .destination = destination,
                               .portal_url = "https://bridge.acme.example/",
                               .now = now };
    g_autoptr(RbConsole) console = rb_issue_console(aws->issuer, &ask, error);

    return console != NULL ? rb_secret_ref(console->url) : NULL;
}

static void
test_url(void **state)
{
    static const Answer ok = { 200, "{\"SigninToken\":\"VCQ/+=\"}" };
    Aws *aws = *state;
    RbGrant grant = grant_for("arn:aws:iam::111122223333:role/data-scientist");
    g_autoptr(RbCredentials) credentials = lent();
    g_autofree char *base = server_url(aws->server, "/federation");
    g_autofree char *want =
        g_strconcat(base,
                    "?Action=login&Issuer=https%3A%2F%2Fbridge.acme.example%2F&Destination=https%3A%2F%2Feu-"
                    "central-1.console."
                    "aws.amazon.com%2Fs3%2Fhome%3Fregion%3Deu-central-1&SigninToken=VCQ%2F%2B%3D",
                    NULL);
    g_autoptr(RbSecret) chained = NULL, direct = NULL, start = NULL;

    aws_answer(aws, &ok, 1);
    chained = url_for(aws, &grant, credentials,
                      "https://eu-central-1.console.aws.amazon.com/s3/home?region=eu-central-1", NOW, NULL);
    assert_string_equal(rb_secret_reveal(chained), want);
    assert_string_equal(aws->last_method, "POST");
    assert_string_equal(
        aws->last->str,
        "Action=getSigninToken&Session=%7B%22sessionId%22%3A%22ASIABTX3GSDSQBNMGHLQ%22%2C%22sessionKey"
        "%22%3A%220c0c%2F0c%2B%22%2C%22sessionToken%22%3A%22IQoJ%3D%22%7D");
    grant.chained = FALSE; /* only then may a duration be asked for */
    direct = url_for(aws, &grant, credentials, NULL, NOW, NULL);
    assert_non_null(strstr(aws->last->str, "&SessionDuration=3600&"));
    assert_non_null(
        strstr(rb_secret_reveal(direct), "&Destination=https%3A%2F%2Fconsole.aws.amazon.com%2F&"));
    start = url_for(aws, &grant, credentials, NULL, NOW + 3000, NULL);
    assert_null(
        strstr(aws->last->str, "SessionDuration")); /* less than the 15 minutes that may be asked for */
}

/* clang-format off */
static const struct {
    const char *destination, *partition;
    gboolean fine;
} destinations[] = {
    { "https://console.aws.amazon.com/", "aws", TRUE },
    { "https://console.aws.amazon.com", "aws", TRUE },
    { "https://eu-central-1.console.aws.amazon.com/ec2/home?region=eu-central-1#Instances:", "aws", TRUE },
    { "https://console.aws.amazon.com:443/", "aws", TRUE },
    { "https://console.amazonaws.cn/", "aws-cn", TRUE },
    { "https://console.amazonaws-us-gov.com/x", "aws-us-gov", TRUE },
    { "https://console.amazonaws-eusc.eu/", "aws-eusc", TRUE },
    { "http://console.aws.amazon.com/", "aws", FALSE },
    { "https://console.aws.amazon.com:8443/", "aws", FALSE },
    { "https://console.aws.amazon.com.evil.example/", "aws", FALSE },
    { "https://evilconsole.aws.amazon.com/", "aws", FALSE },
    { "https://evil.example/console.aws.amazon.com", "aws", FALSE },
    { "https://console.aws.amazon.com@evil.example/", "aws", FALSE },
    { "https://evil.example\\.console.aws.amazon.com/", "aws", FALSE },
    { "https://evil.example#.console.aws.amazon.com/", "aws", FALSE },
    { "https://evil.example%2f.console.aws.amazon.com/", "aws", FALSE },
    { "https://evil.example%23.console.aws.amazon.com/", "aws", FALSE },
    { "https://evil.example%5c.console.aws.amazon.com/", "aws", FALSE },
    { "https://evil.example;.console.aws.amazon.com/", "aws", FALSE },
    { "https://.console.aws.amazon.com/", "aws", FALSE },
    { "https://console.amazonaws.cn/", "aws", FALSE },
    { "https://s3.aws.amazon.com/", "aws", FALSE },
    { "//console.aws.amazon.com/", "aws", FALSE },
    { "/s3/home", "aws", FALSE },
    { "javascript:alert(1)", "aws", FALSE },
    { "https://console.aws.amazon.com/\r\nSet-Cookie: a", "aws", FALSE },
    { "https://console.aws.amazon.com/ b", "aws", FALSE },
    { "", "aws", FALSE },
};

static const struct {
    const char *name;
    Answer answer;
    RbFaultCode want;
} failures[] = {
    { "bad request", { 400, "<html>" }, RB_FAULT_STS },
    { "no token", { 200, "{}" }, RB_FAULT_STS },
    { "empty token", { 200, "{\"SigninToken\":\"\"}" }, RB_FAULT_STS },
    { "token is a number", { 200, "{\"SigninToken\":1}" }, RB_FAULT_STS },
    { "token twice", { 200, "{\"SigninToken\":\"a\",\"SigninToken\":\"b\"}" }, RB_FAULT_STS },
    { "not JSON", { 200, "VCQ" }, RB_FAULT_STS },
    { "nothing", { 200, "" }, RB_FAULT_STS },
    { "down", { 503, "" }, RB_FAULT_STS },
    { "broken off", { 200, NULL }, RB_FAULT_NETWORK },
};
/* clang-format on */

static void
test_destinations(void **state)
{
    static const Answer ok = { 200, "{\"SigninToken\":\"VCQ\"}" };
    Aws *aws = *state;
    g_autoptr(RbCredentials) credentials = lent();

    aws_answer(aws, &ok, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(destinations); i++) {
        RbGrant grant = grant_for("arn:aws:iam::111122223333:role/data-scientist");
        g_autoptr(GError) error = NULL;
        g_autoptr(RbSecret) url = NULL;
        grant.partition = destinations[i].partition;
        url = url_for(aws, &grant, credentials, destinations[i].destination, NOW, &error);
        if ((url != NULL) != destinations[i].fine ||
            (url == NULL && !rb_is_refusal(error, RB_STS_DESTINATION)))
            fail_msg("%s: got %s", destinations[i].destination, error != NULL ? error->message : "a URL");
    }
}

static void
test_failures(void **state)
{
    Aws *aws = *state;
    g_autoptr(RbCredentials) credentials = lent();
    const RbGrant grant = grant_for("arn:aws:iam::111122223333:role/data-scientist");

    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbSecret) url = NULL;
        aws_answer(aws, &failures[i].answer, 1);
        url = url_for(aws, &grant, credentials, NULL, NOW, &error);
        if (url != NULL || !g_error_matches(error, RB_FAULT, (int)failures[i].want) ||
            strstr(error->message, "0c0c") != NULL)
            fail_msg("%s: got %s", failures[i].name, error != NULL ? error->message : "a URL");
    }
}

static void
test_unfit_credentials(void **state)
{
    Aws *aws = *state;
    const RbGrant grant = grant_for("arn:aws:iam::111122223333:role/data-scientist");
    g_autoptr(RbCredentials) keys = rb_credentials_new("AKIABTX3GSDSQBNMGHLQ", "s", NULL, 0, NULL),
                             old = lent();
    g_autoptr(GError) a = NULL, b = NULL;

    assert_null(url_for(aws, &grant, keys, NULL, NOW, &a));
    assert_true(g_error_matches(a, RB_FAULT, RB_FAULT_STS));
    assert_null(url_for(aws, &grant, old, NULL, NOW + 3600, &b));
    assert_true(g_error_matches(b, RB_FAULT, RB_FAULT_STS));
}

/* A sandbox's console is a destination too, at its own origin alone. */
static void
test_console_endpoint(void **state)
{
    static const Answer ok = { 200, "{\"SigninToken\":\"VCQ\"}" };
    Aws *aws = *state;
    g_autoptr(RbCredentials) credentials = lent();
    const RbGrant grant = grant_for("arn:aws:iam::111122223333:role/data-scientist");
    g_autoptr(RbSecret) start = NULL, there = NULL, elsewhere = NULL;

    aws_answer(aws, &ok, 1);
    aws_renew(aws, YAML "console_endpoint: http://127.0.0.1:18699\n");
    start = url_for(aws, &grant, credentials, NULL, NOW, NULL);
    assert_non_null(strstr(rb_secret_reveal(start), "&Destination=http%3A%2F%2F127.0.0.1%3A18699%2F&"));
    there = url_for(aws, &grant, credentials, "http://127.0.0.1:18699/s3", NOW, NULL);
    assert_non_null(there);
    elsewhere = url_for(aws, &grant, credentials, "http://127.0.0.1:18698/s3", NOW, NULL);
    assert_null(elsewhere);
    aws_renew(aws, YAML);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url),
        cmocka_unit_test(test_destinations),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_unfit_credentials),
        cmocka_unit_test(test_console_endpoint),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, setup, teardown);
}
