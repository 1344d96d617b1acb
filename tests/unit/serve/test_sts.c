/* STS's query protocol: every parameter, every answer's member, and every error in its XML. */
#include "fake.h"
#include "serve/priv.h"

#include <libxml/parser.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROLE "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Frolebridge%2Fdata-scientist"
#define PRINCIPAL "arn%3Aaws%3Aiam%3A%3A111122223333%3Asaml-provider%2Fcorp"
#define TOKEN "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" ROLE
#define WHOLE TOKEN "&RoleSessionName=job&WebIdentityToken=a.b.c"
#define SAML "Action=AssumeRoleWithSAML&Version=2011-06-15&RoleArn=" ROLE "&PrincipalArn=" PRINCIPAL
#define NS "https://sts.amazonaws.com/doc/2011-06-15/"

static RbSite site;

static int
set_up(void **state)
{
    (void)state;
    assert_true(rb_site_set_url(&site, "https://bridge.example", NULL));
    site.pages = rb_pages_new(NULL);
    site.rate = rb_rate_new(1000, 1000);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fake_reset();
    rb_pages_free(site.pages);
    rb_rate_free(site.rate);
    g_free(site.url);
    g_free(site.origin);
    g_free(site.host);
    g_free(site.host_with_port);
    return 0;
}

/* What the service answers, as the loop and a worker make it. */
static RbAnswer *
ask_as(const char *method, const char *target, const char *type, const char *body)
{
    g_autoptr(RbRequest) request = rb_request_new(&site, target);
    g_autoptr(GError) error = NULL;
    RbAddress peer;

    assert_true(rb_address_parse("203.0.113.7", &peer));
    assert_true(rb_request_header(request, "Host", "bridge.example", NULL));
    if (type != NULL)
        assert_true(rb_request_header(request, "Content-Type", type, NULL));
    if (!rb_request_read_head(request, method, &peer, &error))
        return rb_answer_error(request, error, FALSE);
    if (body != NULL) {
        request->body = g_byte_array_new();
        g_byte_array_append(request->body, (const guint8 *)body, (guint)strlen(body));
    }
    return rb_route_run(request);
}

static RbAnswer *
ask(const char *body)
{
    return ask_as("POST", "/sts/", "application/x-www-form-urlencoded; charset=utf-8", body);
}

static const char *
header_of(const RbAnswer *answer, const char *name)
{
    for (guint i = 0; i < answer->headers->len; i++) {
        const RbHeader *header = answer->headers->pdata[i];
        if (g_ascii_strcasecmp(header->name, name) == 0)
            return header->value;
    }
    return NULL;
}

/* (transfer full): the tree of an answer, which must be STS's XML. */
static xmlDoc *
tree_of(const char *name, const RbAnswer *answer)
{
    xmlDoc *doc;

    if (g_strcmp0(answer->content_type, "text/xml") != 0)
        fail_msg("%s: Content-Type %s", name, answer->content_type);
    doc = xmlReadMemory(rb_secret_reveal(answer->body), (int)rb_secret_size(answer->body), "answer", NULL,
                        XML_PARSE_NONET | XML_PARSE_NOERROR);
    if (doc == NULL)
        fail_msg("%s: no XML: %s", name, rb_secret_reveal(answer->body));
    assert_string_equal((const char *)xmlDocGetRootElement(doc)->ns->href, NS);
    return doc;
}

/* The first element @name at or below @node. */
static const xmlNode *
find(const xmlNode *node, const char *name)
{
    for (; node != NULL; node = node->next) {
        const xmlNode *below;
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0)
            return node;
        below = find(node->children, name);
        if (below != NULL)
            return below;
    }
    return NULL;
}

static char *
text_of(xmlDoc *doc, const char *name)
{
    const xmlNode *node = find(xmlDocGetRootElement(doc), name);
    xmlChar *text = node == NULL ? NULL : xmlNodeGetContent(node);
    char *copy = g_strdup((const char *)text);

    xmlFree(text);
    return copy;
}

static void
expect_error(const char *name, const RbAnswer *answer, guint status, const char *code, const char *id)
{
    xmlDoc *doc = tree_of(name, answer);
    g_autofree char *got = text_of(doc, "Code"), *type = text_of(doc, "Type"),
                    *message = text_of(doc, "Message"), *request_id = text_of(doc, "RequestId");
    gboolean ours = status >= 500;

    if (answer->status != status || g_strcmp0(got, code) != 0 || strstr(message, id) == NULL)
        fail_msg("%s: got %u %s '%s', want %u %s %s", name, answer->status, got, message, status, code, id);
    assert_string_equal(type, ours ? "Receiver" : "Sender");
    assert_string_equal((const char *)xmlDocGetRootElement(doc)->name, "ErrorResponse");
    assert_string_equal(request_id, "7KQ2-M3XF");
    assert_string_equal(header_of(answer, "x-amzn-RequestId"), "7KQ2-M3XF");
    assert_non_null(strstr(message, "incident 7KQ2-M3XF"));
    xmlFreeDoc(doc);
}

/* clang-format off */
static const struct {
    const char *name, *method, *target, *body;
    guint status;
    const char *code, *id;
} rows[] = {
    { "nothing", "POST", "/sts", "", 400, "MissingAction", "query.no_action" },
    { "no query", "GET", "/sts", NULL, 400, "MissingAction", "query.no_action" },
    { "no action", "POST", "/sts", "Version=2011-06-15", 400, "MissingAction", "query.no_action" },
    { "empty action", "POST", "/sts", "Action=", 400, "MissingAction", "query.no_action" },
    { "another action", "POST", "/sts", "Action=GetCallerIdentity&Version=2011-06-15", 400, "InvalidAction", "AWS_ENDPOINT_URL_STS" },
    { "AssumeRole", "POST", "/sts", "Action=AssumeRole&Version=2011-06-15", 400, "InvalidAction", "query.action" },
    { "action in other letters", "POST", "/sts", "Action=assumerolewithsaml", 400, "InvalidAction", "query.action" },
    { "another version", "POST", "/sts", "Action=AssumeRoleWithSAML&Version=2012-06-15", 400, "ValidationError", "Version" },
    { "a parameter twice", "POST", "/sts", WHOLE "&RoleArn=" ROLE, 400, "ValidationError", "request.malformed" },
    { "the action twice", "POST", "/sts", "Action=AssumeRoleWithSAML&Action=AssumeRoleWithSAML", 400, "ValidationError", "request.malformed" },
    { "half an escape", "POST", "/sts", WHOLE "%2", 400, "ValidationError", "request.malformed" },
    { "in the address and in the body", "POST", "/sts?Action=AssumeRoleWithSAML", WHOLE, 400, "ValidationError", "query.invalid" },
    { "no role", "POST", "/sts", "Action=AssumeRoleWithWebIdentity&RoleSessionName=job&WebIdentityToken=a.b.c", 400, "MissingParameter", "RoleArn is needed" },
    { "empty role", "POST", "/sts", "Action=AssumeRoleWithWebIdentity&RoleArn=&RoleSessionName=job&WebIdentityToken=a.b.c", 400, "MissingParameter", "RoleArn" },
    { "short role", "POST", "/sts", "Action=AssumeRoleWithWebIdentity&RoleArn=data-scientist&RoleSessionName=job&WebIdentityToken=a.b.c", 400, "ValidationError", "RoleArn has 14 characters" },
    { "no token", "POST", "/sts", TOKEN "&RoleSessionName=job", 400, "MissingParameter", "WebIdentityToken" },
    { "short token", "POST", "/sts", TOKEN "&RoleSessionName=job&WebIdentityToken=abc", 400, "ValidationError", "WebIdentityToken has 3" },
    { "no session name", "POST", "/sts", TOKEN "&WebIdentityToken=a.b.c", 400, "MissingParameter", "RoleSessionName" },
    { "session name of one", "POST", "/sts", TOKEN "&RoleSessionName=j&WebIdentityToken=a.b.c", 400, "ValidationError", "RoleSessionName" },
    { "session name with a colon", "POST", "/sts", TOKEN "&RoleSessionName=a%3Ab&WebIdentityToken=a.b.c", 400, "ValidationError", "RoleSessionName" },
    { "duration too short", "POST", "/sts", WHOLE "&DurationSeconds=899", 400, "ValidationError", "DurationSeconds" },
    { "duration too long", "POST", "/sts", WHOLE "&DurationSeconds=43201", 400, "ValidationError", "DurationSeconds" },
    { "duration no number", "POST", "/sts", WHOLE "&DurationSeconds=1h", 400, "ValidationError", "DurationSeconds" },
    { "duration with a sign", "POST", "/sts", WHOLE "&DurationSeconds=-900", 400, "ValidationError", "DurationSeconds" },
    { "a policy", "POST", "/sts", WHOLE "&Policy=%7B%7D", 400, "ValidationError", "query.policy" },
    { "policy ARNs", "POST", "/sts", WHOLE "&PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess", 400, "ValidationError", "query.policy" },
    { "OAuth's provider", "POST", "/sts", WHOLE "&ProviderId=graph.facebook.com", 400, "ValidationError", "ProviderId" },
    { "tags", "POST", "/sts", WHOLE "&Tags.member.1.Key=a", 400, "ValidationError", "is not a parameter of AssumeRoleWithWebIdentity" },
    { "a parameter of the other", "POST", "/sts", WHOLE "&PrincipalArn=" PRINCIPAL, 400, "ValidationError", "PrincipalArn" },
    { "no principal", "POST", "/sts", "Action=AssumeRoleWithSAML&RoleArn=" ROLE "&SAMLAssertion=PGEv", 400, "MissingParameter", "query.missing" },
    { "no assertion", "POST", "/sts", SAML, 400, "MissingParameter", "SAMLAssertion" },
    { "short assertion", "POST", "/sts", SAML "&SAMLAssertion=a", 400, "ValidationError", "SAMLAssertion" },
};

static const struct {
    RbRefusalCode code;
    guint status;
    const char *name;
} refusals[] = {
    { RB_JWT_EXPIRED, 400, "ExpiredTokenException" },
    { RB_SAML_EXPIRED, 400, "ExpiredTokenException" },
    { RB_JWT_MALFORMED, 400, "InvalidIdentityToken" },
    { RB_JWT_TOO_LARGE, 400, "ValidationError" },
    { RB_JWT_HEADER, 400, "InvalidIdentityToken" },
    { RB_JWT_ALGORITHM, 400, "InvalidIdentityToken" },
    { RB_JWT_TYPE, 400, "InvalidIdentityToken" },
    { RB_JWT_KEY_UNKNOWN, 400, "InvalidIdentityToken" },
    { RB_JWT_SIGNATURE_INVALID, 400, "InvalidIdentityToken" },
    { RB_JWT_ISSUER, 400, "InvalidIdentityToken" },
    { RB_JWT_AUDIENCE, 400, "InvalidIdentityToken" },
    { RB_JWT_NOT_YET_VALID, 400, "InvalidIdentityToken" },
    { RB_JWT_LIFETIME, 400, "InvalidIdentityToken" },
    { RB_JWT_SUBJECT, 400, "InvalidIdentityToken" },
    { RB_SAML_SIGNATURE_INVALID, 400, "InvalidIdentityToken" },
    { RB_SAML_REPLAYED, 400, "InvalidIdentityToken" },
    { RB_SAML_TOO_LARGE, 400, "ValidationError" },
    { RB_SAML_METADATA_EXPIRED, 400, "IDPCommunicationError" },
    { RB_SIGN_IN_NO_PROVIDER, 400, "InvalidIdentityToken" },
    { RB_IDENTITY_NAME_MISSING, 400, "InvalidIdentityToken" },
    { RB_IDENTITY_NAME_UNUSABLE, 400, "InvalidIdentityToken" },
    { RB_IDENTITY_NAME_TAKEN, 400, "InvalidIdentityToken" },
    { RB_IDENTITY_MALFORMED, 400, "InvalidIdentityToken" },
    { RB_MAPPING_NOT_ASSIGNED, 403, "AccessDenied" },
    { RB_MAPPING_MFA_REQUIRED, 403, "AccessDenied" },
    { RB_STS_ACCESS_DENIED, 403, "AccessDenied" },
    { RB_STS_DURATION, 400, "ValidationError" },
    { RB_STS_TAGS, 400, "PackedPolicyTooLarge" },
    { RB_STS_POLICY, 400, "PackedPolicyTooLarge" },
    { RB_STS_REGION, 403, "RegionDisabledException" },
    { RB_QUERY_INVALID, 400, "ValidationError" },
    { RB_REQUEST_TOO_MANY, 400, "Throttling" },
};
/* clang-format on */

static void
test_parameters(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbAnswer) answer = NULL;
        fake_reset();
        answer = ask_as(rows[i].method, rows[i].target, "application/x-www-form-urlencoded", rows[i].body);
        expect_error(rows[i].name, answer, rows[i].status, rows[i].code, rows[i].id);
        assert_int_equal(fake.calls, 0);
    }
}

static void
test_refusals(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autoptr(RbAnswer) answer = NULL;
        g_autoptr(GError) error = NULL;
        const char *id;
        fake_reset();
        fake.refuse = refusals[i].code;
        (void)rb_refuse(&error, refusals[i].code, "x");
        id = rb_outcome(error)->id;
        answer = ask(WHOLE);
        expect_error(id, answer, refusals[i].status, refusals[i].name, id);
        /* the exact reason is for the audit log, but for those that are written for who asked */
        if (refusals[i].code != RB_STS_DURATION && refusals[i].code != RB_QUERY_INVALID)
            assert_null(strstr(rb_secret_reveal(answer->body), "as the test wants it"));
        assert_null(strstr(rb_secret_reveal(answer->body), "portal"));
    }
    fake_reset();
    fake.fault = TRUE;
    g_autoptr(RbAnswer) fault = ask(WHOLE);
    expect_error("fault", fault, 503, "ServiceUnavailable", "fault.store");
    assert_non_null(header_of(fault, "Retry-After"));
}

/* Somebody's valid token that brings nothing: whether the role is there, and what it would ask for, is not
 * told. */
static void
test_nothing(void **state)
{
    static const RbRefusalCode codes[] = { RB_MAPPING_NOT_ASSIGNED, RB_MAPPING_ATTRIBUTE,
                                           RB_MAPPING_PROVIDER };
    g_autofree char *first = NULL;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        g_autoptr(RbAnswer) answer = NULL;
        fake_reset();
        fake.refuse = codes[i];
        answer = ask(WHOLE);
        assert_int_equal(answer->status, 403);
        if (first == NULL)
            first = g_strdup(rb_secret_reveal(answer->body));
        assert_string_equal(rb_secret_reveal(answer->body), first);
    }
    assert_non_null(strstr(first, "mapping.not_assigned"));
}

static const struct {
    const char *name, *want;
} members[] = {
    { "AccessKeyId", "ASIAEXAMPLE" },
    { "SecretAccessKey", "sEcReT" },
    { "SessionToken", "tOkEn==" },
    { "Expiration", "2026-11-24T09:00:00Z" },
    { "AssumedRoleId", "AROAEXAMPLE:ada" },
    { "Arn", "arn:aws:sts::111122223333:assumed-role/data-scientist/ada" },
    { "Audience", "rolebridge" },
    { "PackedPolicySize", "6" },
    { "SourceIdentity", "ada" },
    { "RequestId", "7KQ2-M3XF" },
};

static void
expect_member(xmlDoc *doc, const char *name, const char *want)
{
    g_autofree char *got = text_of(doc, name);

    if (g_strcmp0(got, want) != 0)
        fail_msg("%s: got %s, want %s", name, got, want);
}

static void
test_by_token(void **state)
{
    static const char *const ways[][2] = {
        { "POST", "/sts" }, { "POST", "/sts/" }, { "GET", "/sts?" WHOLE }, { "GET", "/sts/?" WHOLE }
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        gboolean post = strcmp(ways[i][0], "POST") == 0;
        g_autoptr(RbAnswer) answer = NULL;
        xmlDoc *doc;
        fake_reset();
        answer = ask_as(ways[i][0], ways[i][1], post ? "application/x-www-form-urlencoded" : NULL,
                        post ? WHOLE "&DurationSeconds=900" : NULL);
        assert_int_equal(answer->status, 200);
        doc = tree_of(ways[i][1], answer);
        assert_string_equal((const char *)xmlDocGetRootElement(doc)->name,
                            "AssumeRoleWithWebIdentityResponse");
        assert_non_null(find(xmlDocGetRootElement(doc), "AssumeRoleWithWebIdentityResult"));
        for (gsize m = 0; m < G_N_ELEMENTS(members); m++)
            expect_member(doc, members[m].name, members[m].want);
        expect_member(doc, "SubjectFromWebIdentityToken", "repo:acme/infra:ref:refs/heads/main");
        expect_member(doc, "Provider", "https://issuer.example");
        expect_member(doc, "NameQualifier", NULL);
        assert_string_equal(fake.seen_token, "a.b.c");
        assert_string_equal(fake.seen_role, "arn:aws:iam::111122223333:role/rolebridge/data-scientist");
        assert_int_equal(fake.seen_duration, post ? 900 : 0);
        xmlFreeDoc(doc);
    }
}

static void
test_by_assertion(void **state)
{
    g_autoptr(RbAnswer) answer = NULL;
    xmlDoc *doc;

    (void)state;
    fake_reset();
    fake.subject = "ada@acme.example";
    answer = ask(SAML "&SAMLAssertion=PGEvPg%3D%3D");
    assert_int_equal(answer->status, 200);
    doc = tree_of("assertion", answer);
    assert_string_equal((const char *)xmlDocGetRootElement(doc)->name, "AssumeRoleWithSAMLResponse");
    for (gsize m = 0; m < G_N_ELEMENTS(members); m++)
        expect_member(doc, members[m].name, members[m].want);
    expect_member(doc, "Subject", "ada@acme.example");
    expect_member(doc, "SubjectType", "persistent");
    expect_member(doc, "Issuer", "https://issuer.example");
    expect_member(doc, "NameQualifier", "1uAJanUnBc2XeUkHURMht+xam2c=");
    expect_member(doc, "Provider", NULL);
    assert_string_equal(fake.seen_assertion, "PGEvPg==");
    assert_string_equal(fake.seen_principal, "arn:aws:iam::111122223333:saml-provider/corp");
    xmlFreeDoc(doc);
}

/* What a token says of itself can end no element, and no answer. */
static void
test_hostile_subject(void **state)
{
    static const char subject[] = "</Result><AccessKeyId>x</AccessKeyId>&\x01\x1b[31m]]>";
    g_autoptr(RbAnswer) answer = NULL;
    g_autofree char *got = NULL;
    xmlDoc *doc;

    (void)state;
    fake_reset();
    fake.subject = subject;
    answer = ask(WHOLE);
    doc = tree_of("hostile", answer);
    got = text_of(doc, "SubjectFromWebIdentityToken");
    assert_true(g_str_has_prefix(got, "</Result><AccessKeyId>x</AccessKeyId>&"));
    expect_member(doc, "AccessKeyId", "ASIAEXAMPLE");
    xmlFreeDoc(doc);
}

static void
test_limits(void **state)
{
    g_autofree char *longest = g_strnfill(20000, 'a'), *longer = g_strnfill(20001, 'a');
    g_autofree char *fits = g_strconcat(TOKEN "&RoleSessionName=job&WebIdentityToken=", longest, NULL);
    g_autofree char *too_long = g_strconcat(TOKEN "&RoleSessionName=job&WebIdentityToken=", longer, NULL);
    g_autoptr(RbAnswer) taken = NULL, refused = NULL, json = NULL, type = NULL;

    (void)state;
    fake_reset();
    taken = ask(fits);
    assert_int_equal(taken->status, 200);
    refused = ask(too_long);
    expect_error("too long", refused, 400, "ValidationError", "WebIdentityToken has 20001 characters");
    json = ask_as("POST", "/sts", "application/x-amz-json-1.1", "{\"Action\":\"AssumeRoleWithSAML\"}");
    expect_error("JSON", json, 400, "MissingAction", "query.no_action");
    type = ask_as("POST", "/sts", "text/xml", "<a/>");
    expect_error("XML", type, 400, "ValidationError", "request.malformed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_nothing),      cmocka_unit_test(test_by_token),
        cmocka_unit_test(test_by_assertion), cmocka_unit_test(test_hostile_subject),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests_name("sts", tests, set_up, tear_down);
}
