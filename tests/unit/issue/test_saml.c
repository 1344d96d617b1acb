#include "fixture.h"

#include "base/encoding.h"

#include <glib/gstdio.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <signal.h>

#define ANSWER(session)                                                                                      \
    "<AssumeRoleWithSAMLResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"                       \
    "<AssumeRoleWithSAMLResult><Credentials><AccessKeyId>ASIABTX3GSDSQBNMGHLQ</AccessKeyId>"                 \
    "<SecretAccessKey>0c0c</SecretAccessKey><SessionToken>IQoJ</SessionToken>"                               \
    "<Expiration>2026-11-24T17:00:00Z</Expiration></Credentials>"                                            \
    "<AssumedRoleUser><AssumedRoleId>AROAZ3EXAMPLE5T6PLW2N:" session "</AssumedRoleId>"                      \
    "<Arn>arn:aws:sts::111122223333:assumed-role/data-scientist/" session "</Arn></AssumedRoleUser>"         \
    "<SubjectType>persistent</SubjectType></AssumeRoleWithSAMLResult></AssumeRoleWithSAMLResponse>"

static void
answer_well(Aws *aws)
{
    static const Answer ok = { 200, ANSWER("ada@acme.example") };

    aws_answer(aws, &ok, 1);
}

/* ---- reading an assertion ---- */

static char *
decode(const char *encoded, gsize *size)
{
    g_autoptr(GBytes) bytes = rb_base64_decode(encoded, 100000);

    assert_non_null(bytes);
    *size = g_bytes_get_size(bytes);
    return g_strndup(g_bytes_get_data(bytes, NULL), *size);
}

static xmlXPathContext *
parse(const char *encoded)
{
    gsize size;
    g_autofree char *xml = decode(encoded, &size);
    xmlXPathContext *context = xmlXPathNewContext(xmlReadMemory(xml, (int)size, NULL, NULL, XML_PARSE_NONET));

    assert_non_null(context);
    xmlXPathRegisterNs(context, BAD_CAST "p", BAD_CAST "urn:oasis:names:tc:SAML:2.0:protocol");
    xmlXPathRegisterNs(context, BAD_CAST "a", BAD_CAST "urn:oasis:names:tc:SAML:2.0:assertion");
    xmlXPathRegisterNs(context, BAD_CAST "ds", BAD_CAST "http://www.w3.org/2000/09/xmldsig#");
    return context;
}

static void
done(xmlXPathContext *context)
{
    xmlFreeDoc(context->doc);
    xmlXPathFreeContext(context);
}

/* (transfer full): what @path is, as text. */
static char *
value(xmlXPathContext *context, const char *path)
{
    xmlXPathObject *found = xmlXPathEvalExpression(BAD_CAST path, context);
    xmlChar *text = xmlXPathCastToString(found);
    char *copy = g_strdup((const char *)text);

    xmlFree(text);
    xmlXPathFreeObject(found);
    return copy;
}

static void
expect(xmlXPathContext *context, const char *path, const char *want)
{
    g_autofree char *got = value(context, path);

    if (strcmp(got, want) != 0)
        fail_msg("%s: got '%s', want '%s'", path, got, want);
}

static char *
issued_assertion(Aws *aws, const RbGrant *grant, const RbIdentity *identity)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = rb_issue(aws->issuer, grant, identity, 28800, NOW, &error);

    if (got == NULL)
        fail_msg("%s", error->message);
    return form_field(aws, "SAMLAssertion");
}

/* ---- xmlsec1's own program as the judge of signatures ---- */

static void
write_file(const char *dir, const char *name, const char *text, gsize size)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    assert_true(g_file_set_contents(path, text, (gssize)size, NULL));
}

/* Whether the signature that is a child of @element verifies with the published certificate. */
static gboolean
xmlsec_accepts(const char *dir, const char *element)
{
    g_autofree char *path =
        g_strdup_printf("/*[local-name()='Response']%s/*[local-name()='Signature']", element);
    g_autofree char *pem = g_build_filename(dir, "key.pem", NULL),
                    *xml = g_build_filename(dir, "response.xml", NULL);
    const char *const argv[] = { "xmlsec1",
                                 "--verify",
                                 "--enabled-key-data",
                                 "raw-x509-cert,x509,rsa",
                                 "--pubkey-cert-pem",
                                 pem,
                                 "--id-attr:ID",
                                 "urn:oasis:names:tc:SAML:2.0:protocol:Response",
                                 "--id-attr:ID",
                                 "urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
                                 "--node-xpath",
                                 path,
                                 xml,
                                 NULL };
    g_autoptr(GError) error = NULL;
    int status = 0;

    if (!g_spawn_sync(NULL, (char **)(guintptr)argv, NULL,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                      NULL, NULL, NULL, &status, &error))
        fail_msg("xmlsec1: %s", error->message);
    return g_spawn_check_wait_status(status, NULL);
}

static void
test_signatures(void **state)
{
    static const struct {
        const char *name, *from, *to;
        gboolean response, assertion; /* stand */
    } rows[] = {
        { "as it is", "", "", TRUE, TRUE },
        { "another role", "role/rolebridge/data-scientist,", "role/rolebridge/data-administr,", FALSE,
          FALSE },
        { "another person", ">ada@acme.example<", ">bob@acme.example<", FALSE, FALSE },
        { "another endpoint", "Destination=\"https://eu", "Destination=\"https://us", FALSE, TRUE },
    };
    Aws *aws = *state;
    const RbGrant grant = trusting(RB_ISSUE_SAML);
    g_autoptr(RbIdentity) identity = ada();
    g_autoptr(GPtrArray) published =
        rb_signing_keys_published(rb_issuer_keys(aws->issuer), RB_KEY_ASSERTION, NOW);
    g_autofree char *pem = rb_certificate_to_pem(((RbSigningKey *)published->pdata[0])->certificate);
    g_autofree char *encoded = NULL, *xml = NULL, *dir = g_dir_make_tmp("rolebridge-saml-XXXXXX", NULL);
    gsize size;

    answer_well(aws);
    encoded = issued_assertion(aws, &grant, identity);
    xml = decode(encoded, &size);
    write_file(dir, "key.pem", pem, strlen(pem));
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        GString *changed = g_string_new(xml);
        if (rows[i].from[0] != '\0')
            assert_int_not_equal(g_string_replace(changed, rows[i].from, rows[i].to, 0), 0);
        write_file(dir, "response.xml", changed->str, changed->len);
        if (xmlsec_accepts(dir, "") != rows[i].response ||
            xmlsec_accepts(dir, "/*[local-name()='Assertion']") != rows[i].assertion)
            fail_msg("%s: xmlsec1 says otherwise", rows[i].name);
        (void)g_string_free(changed, TRUE);
    }
    for (gsize i = 0; i < 2; i++) {
        g_autofree char *path = g_build_filename(dir, i == 0 ? "key.pem" : "response.xml", NULL);
        (void)g_unlink(path);
    }
    (void)g_rmdir(dir);
}

/* ---- what it says ---- */

static void
drop(xmlXPathContext *context, const char *path)
{
    xmlXPathObject *found = xmlXPathEvalExpression(BAD_CAST path, context);

    for (int i = 0; i < xmlXPathNodeSetGetLength(found->nodesetval); i++) {
        xmlUnlinkNode(found->nodesetval->nodeTab[i]);
        xmlFreeNode(found->nodesetval->nodeTab[i]);
        found->nodesetval->nodeTab[i] = NULL;
    }
    xmlXPathFreeObject(found);
}

/* (transfer full): canonical, without signatures, and with the ids that are other ones each time in words. */
static char *
canonical(const char *encoded)
{
    xmlXPathContext *context = parse(encoded);
    g_autofree char *response = value(context, "/p:Response/@ID"), *id = value(context, "//a:Assertion/@ID");
    xmlChar *text = NULL;
    GString *out;
    int size;

    drop(context, "//ds:Signature");
    size = xmlC14NDocDumpMemory(context->doc, NULL, XML_C14N_1_0, NULL, 0, &text);
    assert_true(size > 0);
    out = g_string_new_len((const char *)text, size);
    g_string_replace(out, response, "RESPONSE", 0);
    g_string_replace(out, id, "ASSERTION", 0);
    g_string_replace(out, "><", ">\n<", 0);
    g_string_append_c(out, '\n');
    xmlFree(text);
    done(context);
    return g_string_free(out, FALSE);
}

/* The whole of it, to be reviewed as a difference: tests/golden/assertion. */
static void
test_golden(void **state)
{
    static const RbTag tags[] = { { "CostCenter", "4711" },
                                  { "team", "Stra\xc3\x9f"
                                            "e 1" } };
    Aws *aws = *state;
    RbGrant grant = trusting(RB_ISSUE_SAML);
    g_autoptr(RbIdentity) identity = ada();
    g_autofree char *encoded = NULL, *got = NULL, *want = NULL;
    g_autofree char *path = g_build_filename(g_getenv("GOLDEN"), "data-scientist.xml", NULL);

    grant.tags = tags;
    grant.n_tags = 2;
    answer_well(aws);
    encoded = issued_assertion(aws, &grant, identity);
    got = canonical(encoded);
    if (!g_file_get_contents(path, &want, NULL, NULL) || strcmp(got, want) != 0) {
        (void)fputs(got, stderr);
        fail_msg("%s should be what is above", path);
    }
}

static void
test_request(void **state)
{
    Aws *aws = *state;
    RbGrant grant = trusting(RB_ISSUE_SAML);
    g_autoptr(RbIdentity) identity = ada();
    g_autofree char *encoded = NULL, *cut = NULL;

    grant.session_policy = "{\"Statement\":[]}";
    answer_well(aws);
    encoded = issued_assertion(aws, &grant, identity);
    assert_null(aws->authorization);
    cut = g_strndup(aws->last->str, (gsize)(strstr(aws->last->str, "&SAMLAssertion=") - aws->last->str));
    assert_string_equal(cut, "Action=AssumeRoleWithSAML&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%"
                             "3A111122223333%3Arole%2Frolebridge%2Fdata-scientist&DurationSeconds=28800"
                             "&Policy=%7B%22Statement%22%3A%5B%5D%7D&PrincipalArn=arn%3Aaws%3Aiam%3A%"
                             "3A111122223333%3Asaml-provider%2Frolebridge");
}

/* clang-format off */
static const struct {
    const char *yaml, *partition, *region, *recipient, *audience;
} places[] = {
    { "region: eu-central-1\nsts_endpoint: %s", "aws", NULL, "https://eu-central-1.signin.aws.amazon.com/saml", "urn:amazon:webservices" },
    { "region: eu-central-1\nsts_endpoint: %s", "aws", "us-west-2", "https://us-west-2.signin.aws.amazon.com/saml", "urn:amazon:webservices" },
    { "sts_endpoint: %s", "aws", NULL, "https://signin.aws.amazon.com/saml", "urn:amazon:webservices" },
    { "region: eu-central-1\nsts_endpoint: %s", "aws-cn", NULL, "https://signin.amazonaws.cn/saml", "urn:amazon:webservices:cn-north-1" },
    { "region: eu-central-1\nsts_endpoint: %s", "aws-cn", "cn-north-1", "https://cn-north-1.signin.amazonaws.cn/saml", "urn:amazon:webservices:cn-north-1" },
    { "region: us-gov-east-1\nsts_endpoint: %s", "aws-us-gov", NULL, "https://us-gov-east-1.signin.amazonaws-us-gov.com/saml", "urn:amazon:webservices:govcloud" },
    { "region: eu-central-1\nsts_endpoint: %s", "aws-eusc", NULL, "https://eusc-de-east-1.signin.amazonaws-eusc.eu/saml", "https://eusc-de-east-1.signin.amazonaws-eusc.eu/saml" },
    { "sts_endpoint: %s\nsignin_endpoint: http://127.0.0.1:9", "aws", NULL, "http://127.0.0.1:9/saml", "urn:amazon:webservices" },
    { "sts_endpoint: %s\nsignin_endpoint: http://127.0.0.1:9/federation", "aws", NULL, "http://127.0.0.1:9/saml", "urn:amazon:webservices" },
};
/* clang-format on */

static void
test_places(void **state)
{
    Aws *aws = *state;
    g_autoptr(RbIdentity) identity = ada();

    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        RbGrant grant = trusting(RB_ISSUE_SAML);
        g_autofree char *encoded = NULL;
        g_autofree char *role =
            g_strdup_printf("arn:%s:iam::111122223333:role/data-scientist", places[i].partition);
        g_autofree char *provider =
            g_strdup_printf("arn:%s:iam::111122223333:saml-provider/b", places[i].partition);
        g_autofree char *pair = g_strconcat(role, ",", provider, NULL);
        xmlXPathContext *context;
        grant.role_arn = role;
        grant.provider_arn = provider;
        grant.partition = places[i].partition;
        grant.region = places[i].region;
        aws_renew(aws, places[i].yaml);
        answer_well(aws);
        encoded = issued_assertion(aws, &grant, identity);
        context = parse(encoded);
        expect(context, "/p:Response/@Destination", places[i].recipient);
        expect(context, "//a:SubjectConfirmationData/@Recipient", places[i].recipient);
        expect(context, "//a:Audience", places[i].audience);
        expect(context, "//a:Attribute[1]/a:AttributeValue", pair);
        expect(context, "count(//a:SubjectConfirmation)", "1");
        expect(context, "count(//a:NameID)", "1");
        done(context);
    }
    aws_renew(aws, AWS_YAML);
}

/* ---- who ---- */

static char *
name_id(Aws *aws, const RbIdentity *facts)
{
    g_autoptr(RbIdentity) identity = rb_identity_new(facts, NULL);
    const RbGrant grant = trusting(RB_ISSUE_SAML);
    g_autofree char *encoded = issued_assertion(aws, &grant, identity);
    xmlXPathContext *context = parse(encoded);
    char *id = value(context, "//a:NameID");

    expect(context, "//a:NameID/@Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
    assert_null(strstr(encoded, "e0cf"));
    done(context);
    return id;
}

static void
test_name_id(void **state)
{
    Aws *aws = *state;
    const RbIdentity facts = {
        .subject = "e0cf", .name = "ada@acme.example", .provider = "corp", .issuer = "https://idp"
    };
    RbIdentity another_subject = facts, another_issuer = facts, transient = facts, later = facts;
    g_autofree char *first = NULL, *again = NULL, *subject = NULL, *issuer = NULL, *one = NULL, *two = NULL;

    another_subject.subject = "e0cf7";
    another_issuer.issuer = "https://partner";
    transient.name_id_format = later.name_id_format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    later.subject = "_another_each_time";
    answer_well(aws);
    first = name_id(aws, &facts);
    again = name_id(aws, &facts);
    subject = name_id(aws, &another_subject);
    issuer = name_id(aws, &another_issuer);
    one = name_id(aws, &transient);
    two = name_id(aws, &later);
    assert_int_equal(strlen(first), 64);
    assert_string_equal(first, again);
    assert_string_not_equal(first, subject);
    assert_string_not_equal(first, issuer);
    assert_string_equal(one, two);
    assert_string_not_equal(one, first);
}

/* clang-format off */
static const struct {
    const char *name, *context, *want;
    gint64 authenticated_at;
    const char *instant;
} contexts[] = {
    { "as the IdP said", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", NOW - 20, "2026-11-24T08:59:40Z" },
    { "a URL", "https://refeds.org/profile/mfa", "https://refeds.org/profile/mfa", NOW, "2026-11-24T09:00:00Z" },
    { "not said", NULL, "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified", 0, "2026-11-24T09:00:00Z" },
    { "an acr that is no URI", "phr", "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified", NOW, "2026-11-24T09:00:00Z" },
    { "a control", "urn:a\x01" "b", "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified", NOW, "2026-11-24T09:00:00Z" },
    { "markup", "urn:<a>&", "urn:<a>&", NOW, "2026-11-24T09:00:00Z" },
};
/* clang-format on */

static void
test_contexts(void **state)
{
    Aws *aws = *state;
    const RbGrant grant = trusting(RB_ISSUE_SAML);

    answer_well(aws);
    for (gsize i = 0; i < G_N_ELEMENTS(contexts); i++) {
        const RbIdentity facts = { .subject = "7",
                                   .name = "ada@acme.example",
                                   .provider = "corp",
                                   .issuer = "https://idp",
                                   .authn_context = contexts[i].context,
                                   .authenticated_at = contexts[i].authenticated_at };
        g_autoptr(RbIdentity) identity = rb_identity_new(&facts, NULL);
        g_autofree char *encoded = issued_assertion(aws, &grant, identity);
        xmlXPathContext *context = parse(encoded);
        expect(context, "//a:AuthnContextClassRef", contexts[i].want);
        expect(context, "//a:AuthnStatement/@AuthnInstant", contexts[i].instant);
        done(context);
    }
}

/* ---- what is not made ---- */

static void
test_providers(void **state)
{
    static const char *const rows[] = {
        "arn:aws:iam::111122223333:saml-provider/",
        "arn:aws:iam::444455556666:saml-provider/b",
        "arn:aws-cn:iam::111122223333:saml-provider/b",
        "arn:aws:iam::111122223333:oidc-provider/b",
        "arn:aws:iam::111122223333:saml-provider/b,arn:aws:iam::111122223333:role/admin",
        "arn:aws:iam::111122223333:saml-provider/b c",
        NULL,
    };
    Aws *aws = *state;
    g_autoptr(RbIdentity) identity = ada();

    answer_well(aws);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbGrant grant = trusting(RB_ISSUE_SAML);
        g_autoptr(GError) error = NULL;
        grant.provider_arn = rows[i];
        if (rb_issue(aws->issuer, &grant, identity, 0, NOW, &error) != NULL ||
            !rb_is_refusal(error, RB_STS_INVALID) || aws->asked != 0)
            fail_msg("%s: got %s", rows[i], error != NULL ? error->message : "credentials");
    }
}

static void
test_size(void **state)
{
    Aws *aws = *state;
    g_autoptr(RbIdentity) identity = ada();
    GString *value = g_string_new(NULL);
    RbTag tags[50];
    RbGrant grant = trusting(RB_ISSUE_SAML);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) got = NULL;

    for (guint i = 0; i < 256; i++)
        g_string_append(value, "\xf0\xa0\x80\x80"); /* a letter of four bytes */
    for (guint i = 0; i < 50; i++) {
        GString *key = g_string_new(NULL);
        for (guint j = 0; j < 126; j++)
            g_string_append(key, "\xf0\xa0\x80\x80");
        g_string_append_printf(key, "%02u", i);
        tags[i] = (RbTag){ g_string_free(key, FALSE), value->str };
    }
    grant.tags = tags;
    grant.n_tags = 50;
    answer_well(aws);
    assert_null(rb_issue(aws->issuer, &grant, identity, 0, NOW, &error));
    assert_true(rb_is_refusal(error, RB_STS_TAGS));
    assert_non_null(strstr(error->message, "AWS takes 100000"));
    assert_int_equal(aws->asked, 0);
    grant.n_tags = 36;
    got = rb_issue(aws->issuer, &grant, identity, 0, NOW, NULL);
    assert_non_null(got);
    for (guint i = 0; i < 50; i++)
        g_free((char *)(guintptr)tags[i].key);
    (void)g_string_free(value, TRUE);
}

/* ---- what STS says ---- */

/* clang-format off */
static const Saying sayings[] = {
    { "no such provider", { 400, ERROR("InvalidIdentityToken", "Specified provider doesn't exist (Service: AWSOpenIdDiscoveryService)") }, 1, RB_STS_PROVIDER, 0, "create the SAML provider" },
    { "another issuer", { 400, ERROR("InvalidIdentityToken", "Issuer not present in specified provider") }, 1, RB_STS_PROVIDER, 0, "/saml/metadata" },
    { "another key", { 400, ERROR("InvalidIdentityToken", "Response signature invalid") }, 1, RB_STS_PROVIDER, 0, "lacks the key" },
    { "another partition", { 400, ERROR("InvalidIdentityToken", "Response does not contain the required audience") }, 1, RB_STS_PROVIDER, 0, "partition" },
    { "session name", { 400, ERROR("InvalidIdentityToken", "RoleSessionName is required in AuthnResponse") }, 1, RB_STS_PROVIDER, 0, "RoleSessionName" },
    { "too old", { 400, ERROR("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance") }, 1, 0, RB_FAULT_STS_CLOCK, "NTP" },
    { "denied", { 403, ERROR("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML") }, 1, RB_STS_ACCESS_DENIED, 0, "the condition on saml:aud" },
    { "longer than the role", { 400, ERROR("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.") }, 1, RB_STS_DURATION, 0, "MaxSessionDuration" },
    { "packed too large", { 400, ERROR("PackedPolicyTooLarge", "101 percent") }, 1, RB_STS_TAGS, 0, "101 percent" },
    { "policy", { 400, ERROR("MalformedPolicyDocument", "no") }, 1, RB_STS_POLICY, 0, "no" },
    { "region", { 403, ERROR("RegionDisabledException", "no") }, 1, RB_STS_REGION, 0, "eu-central-1" },
    { "internal", { 500, ERROR("InternalFailure", "oops") }, 3, 0, RB_FAULT_STS, "oops" },
    { "for another person", { 200, ANSWER("bob@acme.example") }, 1, 0, RB_FAULT_STS, "bob@acme.example" },
};
/* clang-format on */

static void
test_sayings(void **state)
{
    const RbGrant grant = trusting(RB_ISSUE_SAML);

    expect_sayings(*state, &grant, sayings, G_N_ELEMENTS(sayings));
}

/* ---- the console ---- */

static void
test_console(void **state)
{
    Aws *aws = *state;
    RbGrant grant = trusting(RB_ISSUE_SAML);
    g_autoptr(RbIdentity) identity = ada();
    RbConsoleAsk ask = { .grant = &grant,
                         .identity = identity,
                         .destination = "https://eu-central-1.console.aws.amazon.com/s3/home",
                         .portal_url = "https://bridge.acme.example",
                         .now = NOW };
    g_autoptr(GError) error = NULL, late = NULL;
    g_autoptr(RbConsole) console = NULL;
    xmlXPathContext *context;

    answer_well(aws);
    assert_true(rb_issue_console_by_form(&grant));
    console = rb_issue_console(aws->issuer, &ask, &error);
    if (console == NULL)
        fail_msg("%s", error->message);
    assert_null(console->url);
    assert_string_equal(console->action, "https://eu-central-1.signin.aws.amazon.com/saml");
    assert_string_equal(console->leads_to, "https://signin.aws.amazon.com https://*.signin.aws.amazon.com "
                                           "https://console.aws.amazon.com https://*.console.aws.amazon.com");
    assert_string_equal(console->relay_state, ask.destination);
    assert_int_equal(console->expires_at, NOW + 300);
    assert_int_equal(console->duration_s, 3600);
    assert_int_equal(aws->asked, 0); /* AWS hears of it from the browser */
    context = parse(rb_secret_reveal(console->saml_response));
    expect(context, "//a:Assertion/@ID", console->assertion_id);
    expect(context, "//a:Attribute[contains(@Name, 'SessionDuration')]/a:AttributeValue", "3600");
    done(context);
    ask.destination = "https://evil.example/";
    assert_null(rb_issue_console(aws->issuer, &ask, &late));
    assert_true(rb_is_refusal(late, RB_STS_DESTINATION));
}

/* What an assertion cannot carry goes the way of credentials, which carry it. */
static void
test_console_with_policy(void **state)
{
    RbGrant grant = trusting(RB_ISSUE_SAML), chained = grant_for(grant.role_arn);

    (void)state;
    grant.session_policy = "{}";
    assert_false(rb_issue_console_by_form(&grant));
    assert_false(rb_issue_console_by_form(&chained));
    chained.method = RB_ISSUE_WEB_IDENTITY;
    assert_false(rb_issue_console_by_form(&chained));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_name_id),
        cmocka_unit_test(test_contexts),
        cmocka_unit_test(test_providers),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_sayings),
        cmocka_unit_test(test_console),
        cmocka_unit_test(test_console_with_policy),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, aws_set_up_trusted, aws_tear_down);
}
