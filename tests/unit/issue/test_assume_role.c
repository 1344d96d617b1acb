#include "fixture.h"

#include <signal.h>

#define ROLE "arn:aws:iam::111122223333:role/rolebridge/data-scientist"

static int
setup(void **state)
{
    clear_environment();
    g_setenv("AWS_ACCESS_KEY_ID", "ASIABTX3GSDSQBNMGHLQ", TRUE);
    g_setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", TRUE);
    g_setenv("AWS_SESSION_TOKEN", "OWNTOKEN", TRUE);
    *state = aws_new(AWS_YAML);
    return 0;
}

static int
teardown(void **state)
{
    aws_free(*state);
    return 0;
}

static RbCredentials *
issue(Aws *aws, const RbGrant *grant, gint64 asked_s, GError **error)
{
    g_autoptr(RbIdentity) identity = ada();

    return rb_issue(aws->issuer, grant, identity, asked_s, NOW, error);
}

static void
test_request(void **state)
{
    static const Answer ok = { 200, sts_ok };
    static const RbTag tags[] = { { "CostCenter", "47 11" }, { "team", "a+b=c" } };
    Aws *aws = *state;
    RbGrant grant = grant_for(ROLE);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = NULL;

    grant.tags = tags;
    grant.n_tags = 2;
    grant.external_id = "acme/7";
    grant.session_policy = "{\"Statement\":[]}";
    aws_answer(aws, &ok, 1);
    got = issue(aws, &grant, 1800, &error);
    if (got == NULL)
        fail_msg("%s", error->message);
    assert_string_equal(got->access_key_id, "ASIABTX3GSDSQBNMGHLQ");
    assert_string_equal(aws->last_method, "POST");
    assert_string_equal(aws->last_target, "/sts");
    assert_string_equal(
        aws->last->str,
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole"
        "%2Frolebridge%2Fdata-scientist&DurationSeconds=1800&Policy=%7B%22Statement%22%3A%5B%5D"
        "%7D&RoleSessionName=ada%40acme.example&SourceIdentity=ada%40acme.example"
        "&Tags.member.1.Key=CostCenter&Tags.member.1.Value=47%2011&Tags.member.2.Key=team"
        "&Tags.member.2.Value=a%2Bb%3Dc&ExternalId=acme%2F7");
    assert_string_equal(aws->token, "OWNTOKEN");
    assert_true(
        g_str_has_prefix(aws->authorization,
                         "AWS4-HMAC-SHA256 Credential=ASIABTX3GSDSQBNMGHLQ/20261124/eu-central-1/sts/"
                         "aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "));
}

static RbSecret *
own_secret(const char *key, const char *token, gpointer data, GError **error)
{
    (void)data;
    (void)error;
    return g_str_equal(key, "ASIABTX3GSDSQBNMGHLQ") && g_strcmp0(token, "OWNTOKEN") == 0
               ? rb_secret_new_text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
               : NULL;
}

/* What was sent verifies as AWS would verify it. */
static void
test_signature(void **state)
{
    Aws *aws = *state;
    const RbGrant grant = grant_for(ROLE);
    g_autoptr(RbCredentials) got = issue(aws, &grant, 0, NULL);
    g_autofree char *host = g_strdup_printf("127.0.0.1:%u", server_port(aws->server));
    const RbSigv4Header headers[] = { { "Host", host },
                                      { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
                                      { "X-Amz-Date", "20261124T090000Z" },
                                      { "X-Amz-Security-Token", "OWNTOKEN" },
                                      { "Authorization", aws->authorization } };
    const RbSigv4Request request = { "POST", "/sts", headers, 5, aws->last->str, aws->last->len };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSigv4Verified) verified = rb_sigv4_verify(
        &(RbSigv4Verifier){ "eu-central-1", "sts", own_secret, NULL, NULL }, &request, NOW, &error);

    assert_non_null(got);
    if (verified == NULL)
        fail_msg("%s", error->message);
}

/* clang-format off */
#define THROTTLED { 400, ERROR("Throttling", "Rate exceeded") }
#define BROKEN { 200, NULL }
#define DOWN { 503, "<html>down</html>" }
#define DENIED { 403, ERROR("AccessDenied", "no") }
#define OK { 200, sts_ok }
static const struct {
    const char *name;
    Answer answers[4];
    guint n, asked; /* how often STS was asked */
    RbRefusalCode refusal;
    RbFaultCode fault;
    const char *says;
} retries[] = {
    { "at once", { OK }, 1, 1, 0, 0, NULL },
    { "after throttling", { THROTTLED, OK }, 2, 2, 0, 0, NULL },
    { "after a broken connection", { BROKEN, OK }, 2, 2, 0, 0, NULL },
    { "after a proxy's page", { DOWN, DOWN, OK }, 3, 3, 0, 0, NULL },
    { "throttled thrice", { THROTTLED }, 1, 3, 0, RB_FAULT_STS, "Rate exceeded" },
    { "broken thrice", { BROKEN }, 1, 3, 0, RB_FAULT_NETWORK, "3 attempts" },
    { "down thrice", { DOWN }, 1, 3, 0, RB_FAULT_STS, "503" },
    { "denied once", { DENIED, OK }, 2, 1, RB_STS_ACCESS_DENIED, 0, "request r1" },
    { "denied after throttling", { THROTTLED, DENIED, OK }, 3, 2, RB_STS_ACCESS_DENIED, 0, "no" },
    { "nonsense", { { 200, "nonsense" }, OK }, 2, 1, 0, RB_FAULT_STS, "not its XML" },
    { "a redirect", { { 302, "" }, OK }, 2, 1, 0, RB_FAULT_STS, "302" },
    { "somebody else's credentials", { { 200, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIABTX3GSDSQBNMGHLQ</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2026-11-24T10:00:00Z</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/data-scientist/bob@acme.example</Arn></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>" } }, 1, 1, 0, RB_FAULT_STS, "bob@acme.example" },
};
/* clang-format on */

static void
test_retries(void **state)
{
    Aws *aws = *state;
    const RbGrant grant = grant_for(ROLE);

    for (size_t i = 0; i < G_N_ELEMENTS(retries); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbCredentials) got = NULL;
        gboolean right;
        aws_answer(aws, retries[i].answers, retries[i].n);
        got = issue(aws, &grant, 0, &error);
        right = retries[i].refusal != 0 ? rb_is_refusal(error, retries[i].refusal)
                : retries[i].fault != 0 ? g_error_matches(error, RB_FAULT, (int)retries[i].fault)
                                        : got != NULL;
        if (!right || aws->asked != retries[i].asked ||
            (retries[i].says != NULL && strstr(error->message, retries[i].says) == NULL))
            fail_msg("%s: asked %u times: %s", retries[i].name, aws->asked,
                     error != NULL ? error->message : "credentials");
    }
}

static void
test_time_limit(void **state)
{
    static const Answer ok = { 200, sts_ok };
    Aws *aws = *state;
    const RbGrant grant = grant_for(ROLE);
    g_autoptr(GError) error = NULL;
    gint64 start;

    aws_renew(aws, "region: eu-central-1\nsts_endpoint: %s\nmax_attempts: 10\ntimeout: 2s\n");
    aws_answer(aws, &ok, 1);
    pthread_mutex_lock(&aws->lock);
    aws->delay_ms = 3000;
    pthread_mutex_unlock(&aws->lock);
    start = g_get_monotonic_time();
    assert_null(issue(aws, &grant, 0, &error));
    aws->delay_ms = 0;
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_NETWORK));
    assert_in_range(g_get_monotonic_time() - start, 1900000, 2900000);
    aws_renew(aws, AWS_YAML);
}

/* clang-format off */
static const struct {
    const char *name;
    gint64 asked, default_s, max, want; /* want 0: refused */
} durations[] = {
    { "default", 0, 3600, 28800, 3600 },
    { "default over the chained hour", 0, 28800, 3600, 3600 },
    { "shortest", 900, 3600, 28800, 900 },
    { "too short", 899, 3600, 28800, 0 },
    { "negative", -1, 3600, 28800, 0 },
    { "longest", 28800, 3600, 28800, 28800 },
    { "one second too long", 28801, 3600, 28800, 0 },
    { "far too long", G_MAXINT64, 3600, 28800, 0 },
};
/* clang-format on */

static void
test_durations(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(durations); i++) {
        RbGrant grant = grant_for(ROLE);
        g_autoptr(GError) error = NULL;
        gint64 got = -7;
        gboolean ok;
        grant.default_session_s = durations[i].default_s;
        grant.max_session_s = durations[i].max;
        ok = rb_issuer_check_duration(&grant, durations[i].asked, &got, &error);
        if (ok != (durations[i].want != 0) || got != (ok ? durations[i].want : -7) ||
            (!ok && !rb_is_refusal(error, RB_STS_DURATION)))
            fail_msg("%s: got %d", durations[i].name, (int)got);
    }
}

/* What a person reads: what was asked, and each limit that counts. */
static void
test_duration_words(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name, *want;
        gint64 asked, max, role_max;
    } rows[] = {
        { "over the role's own", "asked for 12h; role 'data-scientist' allows at most 8h", 43200, 28800, 28800 },
        { "odd times", "asked for 1h30m1s; role 'data-scientist' allows at most 45m", 5401, 2700, 2700 },
        { "over an hour by chaining", "asked for 2h; role 'data-scientist' allows 8h, but account 'analytics-prod' at most 1h: the bridge takes the role there with a role of its own, and AWS ends such a session after an hour (role chaining)", 7200, 3600, 28800 },
        { "under AWS's least", "asked for 1m; AWS gives at least 15m", 60, 3600, 28800 },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbGrant grant = grant_for(ROLE);
        g_autoptr(GError) error = NULL;
        gint64 got;
        grant.role = "data-scientist";
        grant.account_name = "analytics-prod";
        grant.max_session_s = rows[i].max;
        grant.role_max_session_s = rows[i].role_max;
        assert_false(rb_issuer_check_duration(&grant, rows[i].asked, &got, &error));
        if (g_strcmp0(rb_outcome_detail(error), rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].name, error->message);
    }
}

typedef struct {
    const char *name, *role_arn, *external_id, *session_policy, *region, *partition;
    RbTag tag;
    RbRefusalCode want;
} Precheck;

static void
test_prechecks(void **state)
{
    Aws *aws = *state;
    g_autofree char *key128 = g_strnfill(128, 'k'), *key129 = g_strnfill(129, 'k');
    g_autofree char *value256 = g_strnfill(256, 'v'), *value257 = g_strnfill(257, 'v');
    g_autofree char *policy2048 = g_strnfill(2048, ' '), *policy2049 = g_strnfill(2049, ' ');
    g_autofree char *id1225 = g_strnfill(1225, 'i');
    /* clang-format off */
    const Precheck rows[] = {
        { "fine", ROLE, "acme-7", "{}", "eu-west-1", "aws", { "k", "v" }, RB_ACCEPTED },
        { "empty value", ROLE, NULL, NULL, NULL, "aws", { "k", "" }, RB_ACCEPTED },
        { "letters of the world", ROLE, NULL, NULL, NULL, "aws", { "Stra\xc3\x9f""e", "\xe6\x9d\xb1\xe4\xba\xac" }, RB_ACCEPTED },
        { "longest key and value", ROLE, NULL, policy2048, NULL, "aws", { key128, value256 }, RB_ACCEPTED },
        { "long key", ROLE, NULL, NULL, NULL, "aws", { key129, "v" }, RB_STS_TAGS },
        { "long value", ROLE, NULL, NULL, NULL, "aws", { "k", value257 }, RB_STS_TAGS },
        { "empty key", ROLE, NULL, NULL, NULL, "aws", { "", "v" }, RB_STS_TAGS },
        { "AWS's own prefix", ROLE, NULL, NULL, NULL, "aws", { "AWS:x", "v" }, RB_STS_TAGS },
        { "comma in the value", ROLE, NULL, NULL, NULL, "aws", { "k", "a,b" }, RB_STS_TAGS },
        { "line break in the value", ROLE, NULL, NULL, NULL, "aws", { "k", "a\nb" }, RB_STS_TAGS },
        { "not UTF-8", ROLE, NULL, NULL, NULL, "aws", { "k", "\xff" }, RB_STS_TAGS },
        { "long policy", ROLE, NULL, policy2049, NULL, "aws", { "k", "v" }, RB_STS_POLICY },
        { "empty policy", ROLE, NULL, "", NULL, "aws", { "k", "v" }, RB_STS_POLICY },
        { "policy beyond Latin-1", ROLE, NULL, "{\"\xe2\x82\xac\"}", NULL, "aws", { "k", "v" }, RB_STS_POLICY },
        { "policy not UTF-8", ROLE, NULL, "\xff", NULL, "aws", { "k", "v" }, RB_STS_POLICY },
        { "short external id", ROLE, "a", NULL, NULL, "aws", { "k", "v" }, RB_STS_INVALID },
        { "long external id", ROLE, id1225, NULL, NULL, "aws", { "k", "v" }, RB_STS_INVALID },
        { "external id with a blank", ROLE, "a b", NULL, NULL, "aws", { "k", "v" }, RB_STS_INVALID },
        { "not a role", "arn:aws:iam::111122223333:user/x", NULL, NULL, NULL, "aws", { "k", "v" }, RB_STS_INVALID },
        { "a role of another account", "arn:aws:iam::444455556666:role/x", NULL, NULL, NULL, "aws", { "k", "v" }, RB_STS_INVALID },
        { "a role of another partition", "arn:aws-cn:iam::111122223333:role/x", NULL, NULL, NULL, "aws", { "k", "v" }, RB_STS_INVALID },
        { "no such partition", "arn:aws-moon:iam::111122223333:role/x", NULL, NULL, NULL, "aws-moon", { "k", "v" }, RB_STS_INVALID },
        { "a region that is a host", ROLE, NULL, NULL, "evil.example/", "aws", { "k", "v" }, RB_STS_INVALID },
    };
    /* clang-format on */

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbGrant grant = grant_for(rows[i].role_arn);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbCredentials) got = NULL;
        guint before = aws->asked;
        grant.external_id = rows[i].external_id;
        grant.session_policy = rows[i].session_policy;
        grant.region = rows[i].region;
        grant.partition = rows[i].partition;
        grant.tags = &rows[i].tag;
        grant.n_tags = 1;
        got = issue(aws, &grant, 0, &error);
        if ((got != NULL) != (rows[i].want == RB_ACCEPTED) ||
            (got == NULL && !rb_is_refusal(error, rows[i].want)) || (got == NULL && aws->asked != before))
            fail_msg("%s: got %s", rows[i].name, error != NULL ? error->message : "credentials");
    }
}

static void
test_tag_sets(void **state)
{
    Aws *aws = *state;
    static const RbTag twins[] = { { "Department", "a" }, { "department", "b" } };
    RbTag many[51];
    RbGrant grant = grant_for(ROLE);
    g_autoptr(GError) a = NULL, b = NULL;
    g_autoptr(RbCredentials) got = NULL;

    for (guint i = 0; i < 51; i++)
        many[i] = (RbTag){ g_strdup_printf("k%u", i), "v" };
    grant.tags = twins;
    grant.n_tags = 2;
    assert_null(issue(aws, &grant, 0, &a));
    assert_true(rb_is_refusal(a, RB_STS_TAGS));
    grant.tags = many;
    grant.n_tags = 51;
    assert_null(issue(aws, &grant, 0, &b));
    assert_true(rb_is_refusal(b, RB_STS_TAGS));
    grant.n_tags = 50;
    got = issue(aws, &grant, 0, NULL);
    assert_non_null(got);
    for (guint i = 0; i < 51; i++)
        g_free((char *)(guintptr)many[i].key);
}

/* Accounts that trust the bridge itself, and a bridge that was not told to be trusted. */
static void
test_no_issuer(void **state)
{
    static const RbIssueMethod methods[] = { RB_ISSUE_WEB_IDENTITY, RB_ISSUE_SAML };
    Aws *aws = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
        RbGrant grant = grant_for(ROLE);
        g_autoptr(GError) error = NULL;
        guint before = aws->asked;
        trust(&grant, methods[i]);
        assert_null(issue(aws, &grant, 0, &error));
        assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_KEYS));
        assert_non_null(strstr(error->message, "rolebridge.yaml has no 'issuer'"));
        assert_int_equal(aws->asked, before);
    }
}

static void
test_endpoints(void **state)
{
    static const struct {
        const char *yaml, *partition, *region, *url, *signed_for; /* url NULL: refused */
    } rows[] = {
        { "region: eu-central-1", "aws", NULL, "https://sts.eu-central-1.amazonaws.com/", "eu-central-1" },
        { "region: eu-central-1", "aws", "us-west-2", "https://sts.us-west-2.amazonaws.com/", "us-west-2" },
        { "region: eu-central-1", "aws-cn", NULL, "https://sts.cn-north-1.amazonaws.com.cn/", "cn-north-1" },
        { "region: us-gov-east-1", "aws-us-gov", NULL, "https://sts.us-gov-east-1.amazonaws.com/",
          "us-gov-east-1" },
        { "region: eu-central-1", "aws-eusc", NULL, "https://sts.eusc-de-east-1.amazonaws.eu/",
          "eusc-de-east-1" },
        { "timeout: 5s", "aws", NULL, "https://sts.us-east-1.amazonaws.com/", "us-east-1" },
        { "region: eu-central-1", "aws", "cn-north-1", NULL, NULL },
        { "region: eu-central-1", "mars", NULL, NULL, NULL },
        { "{region: eu-central-1, sts_endpoint: 'https://vpce.example'}", "aws", NULL,
          "https://vpce.example/", "eu-central-1" },
        { "{region: eu-central-1, sts_endpoint: 'https://vpce.example/a/'}", "aws", NULL,
          "https://vpce.example/a", "eu-central-1" },
    };
    Aws *aws = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *url = NULL, *signed_for = NULL;
        g_autoptr(GError) error = NULL;
        aws_renew(aws, rows[i].yaml);
        url = rb_issuer_endpoint(aws->issuer, rows[i].partition, rows[i].region, &signed_for, &error);
        if (g_strcmp0(url, rows[i].url) != 0 || g_strcmp0(signed_for, rows[i].signed_for) != 0 ||
            (url == NULL && !rb_is_refusal(error, RB_STS_INVALID)))
            fail_msg("%s, %s: got %s", rows[i].yaml, rows[i].partition, url);
    }
    aws_renew(aws, AWS_YAML);
}

/* clang-format off */
static const struct {
    const char *name, *yaml, *want; /* want: the first error; NULL: none */
} configs[] = {
    { "nothing", "{}", NULL },
    { "everything", "{region: eu-central-1, sts_endpoint: 'https://sts.example/x', signin_endpoint: 'http://127.0.0.1:1', console_endpoint: 'http://localhost:2', profile: bridge, timeout: 20s, max_attempts: 5}", NULL },
    { "a typing mistake", "{regoin: eu-central-1}", "rolebridge.yaml:1:2: aws has no setting 'regoin'; did you mean 'region'?" },
    { "not a region", "{region: Frankfurt}", "rolebridge.yaml:1:10: 'Frankfurt' is not a region; for example eu-central-1" },
    { "http elsewhere", "{sts_endpoint: 'http://sts.example'}", "rolebridge.yaml:1:16: sts_endpoint: 'http://sts.example' is not an endpoint; write it as https://HOST[:PORT][/PATH]; http is for loopback alone" },
    { "endpoint with a user", "{sts_endpoint: 'https://a:b@sts.example'}", "" },
    { "endpoint with a query", "{sts_endpoint: 'https://sts.example?a'}", "" },
    { "endpoint of another scheme", "{signin_endpoint: 'ftp://sts.example'}", "" },
    { "endpoint without a host", "{console_endpoint: 'https:///x'}", "" },
    { "endpoint that is a list", "{sts_endpoint: [a]}", "" },
    { "time", "{timeout: 5h}", "" },
    { "attempts", "{max_attempts: 0}", "" },
    { "a list", "[a]", "" },
    { "a key of AWS", "{secret_access_key: abc}", "rolebridge.yaml:1:21: an AWS key does not belong in this file; use the machine's or task's role, or a profile (docs/aws-credentials.md), and make this key invalid in AWS" },
    { "in AWS's spelling", "{aws_access_key_id: abc}", "" },
};
/* clang-format on */

static void
test_configuration(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(configs); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(GBytes) bytes = g_bytes_new(configs[i].yaml, strlen(configs[i].yaml));
        g_autoptr(RbYamlDocument) document = rb_yaml_parse("rolebridge.yaml", bytes, problems);
        g_autoptr(RbIssuer) issuer = rb_issuer_new(
            &(RbIssuerSetting){ .aws = rb_yaml_root(document), .clock = rb_clock_system() }, problems);
        g_autofree char *line = rb_diagnostics_to_line(problems);
        guint n = rb_diagnostics_count(problems);
        if ((n == 0) != (configs[i].want == NULL) ||
            (n > 0 && configs[i].want[0] != '\0' && strcmp(line, configs[i].want) != 0))
            fail_msg("%s: got %s", configs[i].name, n > 0 ? line : "no error");
        if (n > 0 && strstr(line, "abc") != NULL)
            fail_msg("%s: the key is shown", configs[i].name);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),       cmocka_unit_test(test_signature),
        cmocka_unit_test(test_retries),       cmocka_unit_test(test_time_limit),
        cmocka_unit_test(test_durations),     cmocka_unit_test(test_duration_words),
        cmocka_unit_test(test_prechecks),     cmocka_unit_test(test_tag_sets),
        cmocka_unit_test(test_no_issuer),     cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_configuration),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, setup, teardown);
}
