#include "fixture.h"

#include "base/encoding.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <signal.h>

#define ROLE "arn:aws:iam::111122223333:role/rolebridge/data-scientist"
#define ANSWER(session)                                                                                      \
    "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"                \
    "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIABTX3GSDSQBNMGHLQ</AccessKeyId>"          \
    "<SecretAccessKey>0c0c</SecretAccessKey><SessionToken>IQoJ</SessionToken>"                               \
    "<Expiration>2026-11-24T17:00:00Z</Expiration></Credentials>"                                            \
    "<AssumedRoleUser><AssumedRoleId>AROAZ3EXAMPLE5T6PLW2N:" session "</AssumedRoleId>"                      \
    "<Arn>arn:aws:sts::111122223333:assumed-role/data-scientist/" session "</Arn></AssumedRoleUser>"         \
    "<Provider>https://bridge.acme.example</Provider><Audience>sts.amazonaws.com</Audience>"                 \
    "<SourceIdentity>ada@acme.example</SourceIdentity>"                                                      \
    "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"

static void
answer_well(Aws *aws)
{
    static const Answer ok = { 200, ANSWER("ada@acme.example") };

    aws_answer(aws, &ok, 1);
}

/* ---- a judge of tokens that has nothing of src/sign ---- */

static json_t *
decode(const char *part)
{
    g_autoptr(GBytes) bytes = rb_base64url_decode(part);
    gsize size = 0;
    const char *text = bytes != NULL ? g_bytes_get_data(bytes, &size) : NULL;
    json_t *json = text != NULL ? json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL) : NULL;

    assert_true(json_is_object(json));
    return json;
}

/* An ECDSA signature of JOSE is r and s side by side; OpenSSL's is a sequence of the two. */
static GBytes *
ecdsa_der(const unsigned char *raw)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    unsigned char *der = NULL;
    int size;
    GBytes *bytes;

    assert_int_equal(ECDSA_SIG_set0(signature, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)), 1);
    size = i2d_ECDSA_SIG(signature, &der);
    bytes = g_bytes_new(der, (gsize)size);
    OPENSSL_free(der);
    ECDSA_SIG_free(signature);
    return bytes;
}

static gboolean
verifies(GBytes *certificate, const char *input, gsize size, GBytes *signature)
{
    const unsigned char *der = g_bytes_get_data(certificate, NULL);
    X509 *x509 = d2i_X509(NULL, &der, (long)g_bytes_get_size(certificate));
    EVP_PKEY *key = X509_get_pubkey(x509);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    g_autoptr(GBytes) sequence = NULL;
    gboolean good;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        assert_int_equal(g_bytes_get_size(signature), 64);
        sequence = ecdsa_der(g_bytes_get_data(signature, NULL));
        signature = sequence;
    }
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    good = EVP_DigestVerify(context, g_bytes_get_data(signature, NULL), g_bytes_get_size(signature),
                            (const unsigned char *)input, size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    X509_free(x509);
    return good;
}

/* (transfer full): the claims of a token that the published key of its kid has signed. */
static json_t *
judged(Aws *aws, const char *token)
{
    g_auto(GStrv) parts = g_strsplit(token, ".", -1);
    g_autoptr(GPtrArray) published =
        rb_signing_keys_published(rb_issuer_keys(aws->issuer), RB_KEY_TOKEN, NOW);
    const RbSigningKey *key = published->pdata[0];
    json_t *header, *wanted;

    assert_int_equal(g_strv_length(parts), 3);
    header = decode(parts[0]);
    wanted = json_pack("{s:s, s:s, s:s}", "alg", key->algorithm, "typ", "JWT", "kid", key->kid);
    assert_true(json_equal(header, wanted)); /* and nothing besides */
    {
        g_autoptr(GBytes) signature = rb_base64url_decode(parts[2]);
        assert_true(verifies(key->certificate, token, strlen(parts[0]) + 1 + strlen(parts[1]), signature));
        assert_false(verifies(key->certificate, token + 1, strlen(parts[0]) + strlen(parts[1]), signature));
    }
    json_decref(header);
    json_decref(wanted);
    return decode(parts[1]);
}

/* ---- what is sent ---- */

static void
test_request(void **state)
{
    static const RbTag tags[] = { { "CostCenter", "4711" },
                                  { "team", "Stra\xc3\x9f"
                                            "e" } };
    Aws *aws = *state;
    RbGrant grant = trusting(RB_ISSUE_WEB_IDENTITY);
    g_autoptr(RbIdentity) identity = ada();
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = NULL;
    g_autofree char *token = NULL, *cut = NULL;
    json_t *claims, *wanted;

    grant.tags = tags;
    grant.n_tags = 2;
    grant.session_policy = "{\"Statement\":[]}";
    answer_well(aws);
    got = rb_issue(aws->issuer, &grant, identity, 28800, NOW, &error);
    if (got == NULL)
        fail_msg("%s", error->message);
    assert_string_equal(got->access_key_id, "ASIABTX3GSDSQBNMGHLQ");
    assert_string_equal(got->source_identity, "ada@acme.example");
    assert_null(aws->authorization);
    assert_null(aws->token);
    cut = g_strndup(aws->last->str, (gsize)(strstr(aws->last->str, "&WebIdentityToken=") - aws->last->str));
    assert_string_equal(cut, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%"
                             "3A111122223333%3Arole%2Frolebridge%2Fdata-scientist&DurationSeconds=28800"
                             "&Policy=%7B%22Statement%22%3A%5B%5D%7D&RoleSessionName=ada%40acme.example");
    token = form_field(aws, "WebIdentityToken");
    claims = judged(aws, token);
    assert_int_equal(strlen(json_string_value(json_object_get(claims, "jti"))), 32);
    assert_int_equal(json_object_del(claims, "jti"), 0);
    wanted = json_pack("{s:s, s:s, s:s, s:i, s:i, s:{s:{s:[s], s:[s]}}, s:s}", "iss",
                       "https://bridge.acme.example", "sub", "ada@acme.example", "aud", "sts.amazonaws.com",
                       "iat", NOW, "exp", NOW + 60, "https://aws.amazon.com/tags", "principal_tags",
                       "CostCenter", "4711", "team",
                       "Stra\xc3\x9f"
                       "e",
                       "https://aws.amazon.com/source_identity", "ada@acme.example");
    assert_true(json_equal(claims, wanted)); /* and nothing besides: no group, no attribute */
    json_decref(claims);
    json_decref(wanted);
}

/* (transfer full): the claims of a token for @identity. */
static json_t *
claims_for(Aws *aws, const RbIdentity *identity)
{
    const RbGrant grant = trusting(RB_ISSUE_WEB_IDENTITY);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = rb_issue(aws->issuer, &grant, identity, 0, NOW, &error);
    g_autofree char *token = NULL;

    if (got == NULL)
        fail_msg("%s", error->message);
    token = form_field(aws, "WebIdentityToken");
    return judged(aws, token);
}

static void
test_second_factor(void **state)
{
    Aws *aws = *state;
    RbIdentity facts = {
        .subject = "7", .name = "ada@acme.example", .provider = "corp", .issuer = "https://idp"
    };
    g_autoptr(RbIdentity) without = rb_identity_new(&facts, NULL), with = NULL;
    json_t *plain, *strong, *amr = json_pack("[s]", "mfa");

    facts.mfa = TRUE;
    with = rb_identity_new(&facts, NULL);
    answer_well(aws);
    plain = claims_for(aws, without);
    strong = claims_for(aws, with);
    assert_null(json_object_get(plain, "amr"));
    assert_null(
        json_object_get(plain, "https://aws.amazon.com/tags")); /* none: sts:TagSession is not needed */
    assert_true(json_equal(json_object_get(strong, "amr"), amr));
    assert_string_not_equal(json_string_value(json_object_get(plain, "jti")),
                            json_string_value(json_object_get(strong, "jti")));
    json_decref(plain);
    json_decref(strong);
    json_decref(amr);
}

/* ---- what is not sent ---- */

static void
test_prechecks(void **state)
{
    static const struct {
        const char *name, *role_arn, *policy, *region;
        RbTag tag;
        RbRefusalCode want;
    } rows[] = {
        { "a role of another account",
          "arn:aws:iam::444455556666:role/x",
          NULL,
          NULL,
          { "k", "v" },
          RB_STS_INVALID },
        { "a tag that AWS does not take", ROLE, NULL, NULL, { "k", "a,b" }, RB_STS_TAGS },
        { "AWS's own prefix", ROLE, NULL, NULL, { "aws:k", "v" }, RB_STS_TAGS },
        { "an empty policy", ROLE, "", NULL, { "k", "v" }, RB_STS_POLICY },
        { "a region that is a host", ROLE, NULL, "evil.example/", { "k", "v" }, RB_STS_INVALID },
    };
    Aws *aws = *state;
    g_autoptr(RbIdentity) identity = ada();

    answer_well(aws);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbGrant grant = trusting(RB_ISSUE_WEB_IDENTITY);
        g_autoptr(GError) error = NULL;
        grant.role_arn = rows[i].role_arn;
        grant.session_policy = rows[i].policy;
        grant.region = rows[i].region;
        grant.tags = &rows[i].tag;
        grant.n_tags = 1;
        if (rb_issue(aws->issuer, &grant, identity, 0, NOW, &error) != NULL ||
            !rb_is_refusal(error, rows[i].want) || aws->asked != 0)
            fail_msg("%s: got %s", rows[i].name, error != NULL ? error->message : "credentials");
    }
}

/* Fifty tags, each as long as AWS takes it: together they are more than a token may be. */
static void
test_size(void **state)
{
    Aws *aws = *state;
    g_autoptr(RbIdentity) identity = ada();
    g_autofree char *value = g_strnfill(256, 'v');
    RbTag tags[50];
    RbGrant grant = trusting(RB_ISSUE_WEB_IDENTITY);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = NULL;

    for (guint i = 0; i < 50; i++) {
        g_autofree char *pad = g_strnfill(124, 'k');
        tags[i] = (RbTag){ g_strdup_printf("%s%02u", pad, i), value };
    }
    grant.tags = tags;
    grant.n_tags = 50;
    answer_well(aws);
    assert_null(rb_issue(aws->issuer, &grant, identity, 0, NOW, &error));
    assert_true(rb_is_refusal(error, RB_STS_TAGS));
    assert_non_null(strstr(error->message, "STS takes 20000"));
    assert_int_equal(aws->asked, 0);
    grant.n_tags = 35;
    got = rb_issue(aws->issuer, &grant, identity, 0, NOW, NULL);
    assert_non_null(got);
    for (guint i = 0; i < 50; i++)
        g_free((char *)(guintptr)tags[i].key);
}

static void
test_no_key_yet(void **state)
{
    Aws *aws = *state;
    const RbGrant grant = trusting(RB_ISSUE_WEB_IDENTITY);
    g_autoptr(RbIdentity) identity = ada();
    g_autoptr(GError) error = NULL;

    answer_well(aws);
    assert_null(rb_issue(aws->issuer, &grant, identity, 0, NOW - 1, &error)); /* a second before it signs */
    assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_KEYS));
    assert_int_equal(aws->asked, 0);
}

/* ---- what STS says ---- */

/* clang-format off */
static const Saying sayings[] = {
    { "no such provider", { 400, ERROR("InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://bridge.acme.example") }, 1, RB_STS_PROVIDER, 0, "create the provider in that account" },
    { "wrong audience", { 400, ERROR("InvalidIdentityToken", "Incorrect token audience") }, 1, RB_STS_PROVIDER, 0, "client ids" },
    { "not one of our words", { 400, ERROR("InvalidIdentityToken", "something new") }, 1, RB_STS_PROVIDER, 0, "oidc-provider/bridge.acme.example; compare" },
    { "in the model's spelling", { 400, ERROR("InvalidIdentityTokenException", "Incorrect token audience") }, 1, RB_STS_PROVIDER, 0, "client ids" },
    { "without words", { 400, "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>" }, 1, RB_STS_PROVIDER, 0, "compare" },
    { "rejected claim", { 403, ERROR("IDPRejectedClaim", "revoked") }, 1, RB_STS_PROVIDER, 0, "revoked" },
    { "keys not fetched", { 400, ERROR("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements") }, 3, 0, RB_FAULT_STS_KEYS, "internet" },
    { "issuer not reached", { 400, ERROR("IDPCommunicationError", "timeout") }, 3, 0, RB_FAULT_STS_KEYS, "within 5 seconds" },
    { "expired at once", { 400, ERROR("ExpiredTokenException", "Token expired: current date/time 1 must be before the expiration date/time 0") }, 1, 0, RB_FAULT_STS_CLOCK, "NTP" },
    { "denied", { 403, ERROR("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity") }, 1, RB_STS_ACCESS_DENIED, 0, "sts:AssumeRoleWithWebIdentity, sts:TagSession, sts:SetSourceIdentity" },
    { "longer than the role", { 400, ERROR("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.") }, 1, RB_STS_DURATION, 0, "MaxSessionDuration" },
    { "packed too large", { 400, ERROR("PackedPolicyTooLarge", "101 percent") }, 1, RB_STS_TAGS, 0, "101 percent" },
    { "policy", { 400, ERROR("MalformedPolicyDocument", "no") }, 1, RB_STS_POLICY, 0, "no" },
    { "region", { 403, ERROR("RegionDisabledException", "no") }, 1, RB_STS_REGION, 0, "eu-central-1" },
    { "parameter", { 400, ERROR("InvalidParameterValue", "no") }, 1, RB_STS_INVALID, 0, "no" },
    { "throttled", { 400, ERROR("Throttling", "Rate exceeded") }, 3, 0, RB_FAULT_STS, "Rate exceeded" },
    { "internal", { 500, ERROR("InternalFailure", "oops") }, 3, 0, RB_FAULT_STS, "oops" },
    { "Ceph's denial", { 403, "<Error><Code>AccessDenied</Code><Message></Message><RequestId>tx1</RequestId></Error>" }, 1, RB_STS_ACCESS_DENIED, 0, "request tx1" },
    { "for another person", { 200, ANSWER("bob@acme.example") }, 1, 0, RB_FAULT_STS, "bob@acme.example" },
    { "broken off", { 200, NULL }, 3, 0, RB_FAULT_NETWORK, "3 attempts" },
};
/* clang-format on */

static void
test_sayings(void **state)
{
    const RbGrant grant = trusting(RB_ISSUE_WEB_IDENTITY);

    expect_sayings(*state, &grant, sayings, G_N_ELEMENTS(sayings));
}

static void
test_keys_fetched_later(void **state)
{
    static const Answer answers[] = {
        { 400,
          ERROR("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider") },
        { 400, ERROR("IDPCommunicationErrorException", "timeout") },
        { 200, ANSWER("ada@acme.example") },
    };
    Aws *aws = *state;
    const RbGrant grant = trusting(RB_ISSUE_WEB_IDENTITY);
    g_autoptr(RbIdentity) identity = ada();
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = NULL;

    aws_answer(aws, answers, 3);
    got = rb_issue(aws->issuer, &grant, identity, 0, NOW, &error);
    if (got == NULL)
        fail_msg("%s", error->message);
    assert_int_equal(aws->asked, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_second_factor),
        cmocka_unit_test(test_prechecks),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_no_key_yet),
        cmocka_unit_test(test_sayings),
        cmocka_unit_test(test_keys_fetched_later),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, aws_set_up_trusted, aws_tear_down);
}
