#include "fixture.h"

/* clang-format off */
#define KEY "<AccessKeyId>ASIABTX3GSDSQBNMGHLQ</AccessKeyId>"
#define SECRET "<SecretAccessKey>0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c</SecretAccessKey>"
#define TOKEN "<SessionToken>IQoJ</SessionToken>"
#define UNTIL "<Expiration>2026-11-24T10:00:00Z</Expiration>"
#define ANSWER(inside) "<AssumeRoleResponse><AssumeRoleResult><Credentials>" inside "</Credentials></AssumeRoleResult></AssumeRoleResponse>"

static const struct {
    const char *name, *xml;
    RbFaultCode want; /* NONE: credentials */
} answers[] = {
    { "as documented", sts_ok, RB_FAULT_NONE },
    { "without a namespace, as Ceph answers", ANSWER(KEY SECRET TOKEN UNTIL), RB_FAULT_NONE },
    { "another order", ANSWER(UNTIL TOKEN SECRET KEY), RB_FAULT_NONE },
    { "web identity", "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>" KEY SECRET TOKEN UNTIL "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>", RB_FAULT_NONE },
    { "empty", "", RB_FAULT_STS },
    { "not XML", "{\"Credentials\":1}", RB_FAULT_STS },
    { "cut short", "<AssumeRoleResponse><AssumeRoleResult>", RB_FAULT_STS },
    { "another root", "<html><body>" KEY "</body></html>", RB_FAULT_STS },
    { "a result of another action", "<AssumeRoleResponse><GetCallerIdentityResult><Credentials>" KEY SECRET TOKEN UNTIL "</Credentials></GetCallerIdentityResult></AssumeRoleResponse>", RB_FAULT_STS },
    { "no key", ANSWER(SECRET TOKEN UNTIL), RB_FAULT_STS },
    { "no secret", ANSWER(KEY TOKEN UNTIL), RB_FAULT_STS },
    { "no token", ANSWER(KEY SECRET UNTIL), RB_FAULT_STS },
    { "no expiration", ANSWER(KEY SECRET TOKEN), RB_FAULT_STS },
    { "empty token", ANSWER(KEY SECRET "<SessionToken></SessionToken>" UNTIL), RB_FAULT_STS },
    { "expiration in words", ANSWER(KEY SECRET TOKEN "<Expiration>soon</Expiration>"), RB_FAULT_STS },
    { "expired", ANSWER(KEY SECRET TOKEN "<Expiration>2026-11-24T09:00:00Z</Expiration>"), RB_FAULT_STS_CLOCK },
    { "key twice", ANSWER(KEY KEY SECRET TOKEN UNTIL), RB_FAULT_STS },
    { "two results", "<AssumeRoleResponse><AssumeRoleResult><Credentials>" KEY SECRET TOKEN UNTIL "</Credentials></AssumeRoleResult><AssumeRoleResult/></AssumeRoleResponse>", RB_FAULT_STS },
    { "key is not a key", ANSWER("<AccessKeyId>../../etc</AccessKeyId>" SECRET TOKEN UNTIL), RB_FAULT_STS },
    { "blank in the token", ANSWER(KEY SECRET "<SessionToken>a b</SessionToken>" UNTIL), RB_FAULT_STS },
    { "quote in the secret", ANSWER(KEY "<SecretAccessKey>a&quot;b</SecretAccessKey>" TOKEN UNTIL), RB_FAULT_STS },
    { "comment inside the key", ANSWER("<AccessKeyId>ASIABTX3<!-- -->GSDSQBNMGHLQ</AccessKeyId>" SECRET TOKEN UNTIL), RB_FAULT_STS },
    { "element inside the key", ANSWER("<AccessKeyId>ASIABTX3GSDSQBNMGHLQ<b/></AccessKeyId>" SECRET TOKEN UNTIL), RB_FAULT_STS },
    { "DTD", "<!DOCTYPE a [<!ENTITY x \"y\">]>" ANSWER(KEY SECRET TOKEN UNTIL), RB_FAULT_STS },
    { "entity bomb", "<!DOCTYPE a [<!ENTITY x \"yyyyyyyyyy\"><!ENTITY z \"&x;&x;&x;&x;&x;&x;\">]><a>&z;&z;&z;&z;</a>", RB_FAULT_STS },
    { "undeclared entity", ANSWER("<AccessKeyId>&x;</AccessKeyId>" SECRET TOKEN UNTIL), RB_FAULT_STS },
};

static const struct {
    const char *name, *xml, *code, *message;
} errors[] = {
    { "as documented", "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>", "AccessDenied", "no" },
    { "with Exception at its end", "<ErrorResponse><Error><Code>ExpiredTokenException</Code></Error></ErrorResponse>", "ExpiredToken", NULL },
    { "without the envelope", "<Error><Code>AccessDenied</Code><Message></Message><RequestId>r</RequestId></Error>", "AccessDenied", NULL },
    { "without the envelope, two codes", "<Error><Code>AccessDenied</Code><Code>A</Code></Error>", NULL, NULL },
    { "no code", "<ErrorResponse><Error><Message>no</Message></Error></ErrorResponse>", NULL, NULL },
    { "two codes", "<ErrorResponse><Error><Code>A</Code><Code>B</Code></Error></ErrorResponse>", NULL, NULL },
    { "a page", "<html>502</html>", NULL, NULL },
    { "empty", "", NULL, NULL },
};
/* clang-format on */

static void
test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbCredentials) got = rb_sts_parse(answers[i].xml, strlen(answers[i].xml), NOW, &error);
        if ((got != NULL) != (answers[i].want == RB_FAULT_NONE) ||
            (got == NULL && !g_error_matches(error, RB_FAULT, (int)answers[i].want)))
            fail_msg("%s: got %s", answers[i].name, error != NULL ? error->message : "credentials");
    }
}

static void
test_every_field(void **state)
{
    g_autoptr(RbCredentials) got = rb_sts_parse(sts_ok, strlen(sts_ok), NOW, NULL);

    (void)state;
    assert_string_equal(got->access_key_id, "ASIABTX3GSDSQBNMGHLQ");
    assert_string_equal(rb_secret_reveal(got->secret_access_key), "0c0c0c0c0c0c0c0c0c0c/0c0c0c0c0c0c0c0c0c0");
    assert_string_equal(rb_secret_reveal(got->session_token), "IQoJb3JpZ2luX2VjE==");
    assert_int_equal(got->expiration, NOW + 3600);
    assert_string_equal(got->assumed_role_id, "AROAZ3EXAMPLE5T6PLW2N:ada@acme.example");
    assert_string_equal(got->assumed_role_arn,
                        "arn:aws:sts::111122223333:assumed-role/data-scientist/ada@acme.example");
    assert_string_equal(got->source_identity, "ada@acme.example");
    assert_string_equal(got->request_id, "0b6f7f0e-51c8-4d2b-9f0e-7b1f3c2f9f11");
    assert_int_equal(got->packed_policy_size, 6);
}

static void
test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_auto(RbStsError) got = { 0 };
        rb_sts_parse_error(errors[i].xml, strlen(errors[i].xml), &got);
        if (g_strcmp0(got.code, errors[i].code) != 0 || g_strcmp0(got.message, errors[i].message) != 0)
            fail_msg("%s: got %s, %s", errors[i].name, got.code, got.message);
    }
}

static void
test_too_large(void **state)
{
    g_autofree char *huge = g_strnfill(RB_STS_MAX_ANSWER + 1, ' ');
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(rb_sts_parse(huge, RB_STS_MAX_ANSWER + 1, NOW, &error));
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_STS));
}

/* clang-format off */
static const struct {
    const char *code, *message;
    int status;
    RbRefusalCode refusal; /* or */
    RbFaultCode fault;
    const char *says; /* in the message */
    gboolean retry;
} meanings[] = {
    { "AccessDenied", "User: x is not authorized to perform: sts:AssumeRole", 403, RB_STS_ACCESS_DENIED, 0, "does not say which", FALSE },
    { "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", 400, RB_STS_DURATION, 0, "MaxSessionDuration in AWS is less", FALSE },
    { "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.", 400, RB_STS_DURATION, 0, "AWS ends a session after 1h", FALSE },
    { "ValidationError", "1 validation error detected: Value 'x' at 'roleArn'", 400, RB_STS_INVALID, 0, "roleArn", FALSE },
    { "PackedPolicyTooLarge", "120%", 400, RB_STS_TAGS, 0, "'Purpose' (", FALSE },
    { "MalformedPolicyDocument", "m", 400, RB_STS_POLICY, 0, "m", FALSE },
    { "RegionDisabled", "m", 403, RB_STS_REGION, 0, "eu-central-1", FALSE },
    { "OptInRequired", "m", 403, RB_STS_REGION, 0, "eu-central-1", FALSE },
    { "InvalidParameterValue", "m", 400, RB_STS_INVALID, 0, "m", FALSE },
    { "MissingParameter", "m", 400, RB_STS_INVALID, 0, "m", FALSE },
    { "SignatureDoesNotMatch", "Signature expired: a is now earlier than b", 403, 0, RB_FAULT_STS_CLOCK, "this machine's clock", FALSE },
    { "SignatureDoesNotMatch", "Signature not yet current: a", 403, 0, RB_FAULT_STS_CLOCK, "this machine's clock", FALSE },
    { "SignatureDoesNotMatch", "The request signature we calculated does not match", 403, 0, RB_FAULT_STS_CREDENTIALS, "secret key is wrong", FALSE },
    { "RequestExpired", "m", 400, 0, RB_FAULT_STS_CLOCK, "clock", FALSE },
    { "ExpiredToken", "m", 403, 0, RB_FAULT_STS_CREDENTIALS, "own credentials have expired", FALSE },
    { "InvalidClientTokenId", "m", 403, 0, RB_FAULT_STS_CREDENTIALS, "does not know the bridge's own credentials", FALSE },
    { "MissingAuthenticationToken", "m", 403, 0, RB_FAULT_STS_CREDENTIALS, "own credentials", FALSE },
    { "InvalidIdentityToken", "m", 400, 0, RB_FAULT_STS_CREDENTIALS, "identity token", FALSE },
    { "IDPRejectedClaim", "m", 403, 0, RB_FAULT_STS_CREDENTIALS, "identity token", FALSE },
    { "Throttling", "Rate exceeded", 400, 0, RB_FAULT_STS, "Rate exceeded", TRUE },
    { "RequestLimitExceeded", "m", 400, 0, RB_FAULT_STS, "m", TRUE },
    { "IDPCommunicationError", "m", 400, 0, RB_FAULT_STS_KEYS, "m", TRUE },
    { "InternalFailure", "m", 500, 0, RB_FAULT_STS, "m", TRUE },
    { "ServiceUnavailable", "m", 503, 0, RB_FAULT_STS, "m", TRUE },
    { "NeverHeardOf", "m", 400, 0, RB_FAULT_STS, "NeverHeardOf", FALSE },
    { NULL, NULL, 502, 0, RB_FAULT_STS, "answered 502 without an error of its own", TRUE },
    { NULL, NULL, 404, 0, RB_FAULT_STS, "answered 404", FALSE },
    { NULL, NULL, 429, 0, RB_FAULT_STS, "answered 429", TRUE },
};
/* clang-format on */

static void
test_meanings(void **state)
{
    static const RbTag tags[] = { { "CostCenter", "4711" },
                                  { "Purpose", "a long explanation that nothing tests" } };
    RbGrant grant = grant_for("arn:aws:iam::111122223333:role/data-scientist");
    const RbStsCall call = {
        .what = "the role", .region = "eu-central-1", .duration_s = 3600, .grant = &grant
    };

    (void)state;
    grant.tags = tags;
    grant.n_tags = 2;
    for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++) {
        RbStsError failure = { (char *)(guintptr)meanings[i].code, (char *)(guintptr)meanings[i].message,
                               NULL };
        g_autoptr(GError) error = NULL;
        gboolean right;
        assert_false(rb_sts_refuse(&call, meanings[i].status, &failure, &error));
        right = meanings[i].refusal != 0 ? rb_is_refusal(error, meanings[i].refusal)
                                         : g_error_matches(error, RB_FAULT, (int)meanings[i].fault);
        if (!right || strstr(error->message, meanings[i].says) == NULL ||
            strstr(error->message, "the role") == NULL ||
            rb_sts_retryable(meanings[i].status, &failure) != meanings[i].retry)
            fail_msg("%s, %s: got %s", meanings[i].code, meanings[i].message, error->message);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),   cmocka_unit_test(test_every_field), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_too_large), cmocka_unit_test(test_meanings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
