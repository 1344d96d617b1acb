#include "helper.h"

#include "base/file.h"
#include "base/refusal.h"
#include "sandbox/box.h"
#include "sandbox/saml.h"
#include "sandbox/signin.h"
#include "sandbox/xml.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define ACCOUNT "123456789012"
#define ISSUER "https://example.com/saml"
#define PROVIDER "arn:aws:iam::" ACCOUNT ":saml-provider/MySAMLIdP"
#define ROLE(name) "arn:aws:iam::" ACCOUNT ":role/rolebridge/" name
#define SIGN_IN "https://localhost:9443/saml"
#define ATTRIBUTE(name, value) "<Attribute Name=\"https://aws.amazon.com/SAML/Attributes/" name "\"><AttributeValue>" value "</AttributeValue></Attribute>"
#define PAIR(role) ATTRIBUTE("Role", role "," PROVIDER)
#define NAME ATTRIBUTE("RoleSessionName", "ada@acme.example")
#define CONFIRMATION "<SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><SubjectConfirmationData " \
    "NotOnOrAfter=\"2026-11-24T09:05:00Z\" Recipient=\"" SIGN_IN "\"/></SubjectConfirmation>"
#define ASSERTION(id) "<Assertion ID=\"" id "\" Version=\"2.0\" IssueInstant=\"2026-11-24T09:00:00Z\"><Issuer>" ISSUER "</Issuer>" \
    "<Subject><NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">7f1c</NameID>" CONFIRMATION "</Subject>" \
    "<Conditions NotBefore=\"2026-11-24T08:59:00Z\" NotOnOrAfter=\"2026-11-24T09:05:00Z\"><AudienceRestriction><Audience>urn:amazon:webservices</Audience></AudienceRestriction></Conditions>" \
    "<AuthnStatement AuthnInstant=\"2026-11-24T08:58:40Z\"><AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</AuthnContextClassRef></AuthnContext></AuthnStatement>" \
    "<AttributeStatement>" PAIR(ROLE("data-scientist")) NAME "</AttributeStatement></Assertion>"

static const char response[] = /* as reference §2.4 has it, at TEST_NOW */
    "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_r1\" Version=\"2.0\" IssueInstant=\"2026-11-24T09:00:00Z\" Destination=\"" SIGN_IN "\">"
    "<Issuer>" ISSUER "</Issuer><samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>"
    ASSERTION("_a1") "</samlp:Response>";

enum { SIGN_ASSERTION = 1, SIGN_RESPONSE = 2, OTHER_KEY = 4 };

static const struct {
    const char *name;
    int sign;
    const char *find, *put;       /* in the text before it is signed; NULL: nothing */
    const char *late, *late_put;  /* and after; "$assertion" is the signed assertion */
    const char *role, *more;      /* NULL: data-scientist; more of the form */
    gint64 after;                 /* seconds since it was made */
    int status;
    const char *code, *message;
} rows[] = {
    { "a signed assertion",       1, NULL, NULL, NULL, NULL, NULL, "", 0, 200, NULL, "<Arn>arn:aws:sts::" ACCOUNT ":assumed-role/data-scientist/ada@acme.example</Arn>" },
    { "a signed response",        2, NULL, NULL, NULL, NULL, NULL, "", 0, 200, NULL, "<SubjectType>persistent</SubjectType>" },
    { "both signed",              3, NULL, NULL, NULL, NULL, NULL, "", 0, 200, NULL, "<Audience>" SIGN_IN "</Audience>" },
    { "AWS's own vector",         1, "Role\"><AttributeValue>", "Role\"><AttributeValue>", NULL, NULL, NULL, "", 0, 200, NULL, "<NameQualifier>1uAJanUnBc2XeUkHURMht+xam2c=</NameQualifier>" },
    { "the pair the other way",   1, PAIR(ROLE("data-scientist")), ATTRIBUTE("Role", PROVIDER "," ROLE("data-scientist")), NULL, NULL, NULL, "", 0, 200, NULL, NULL },
    { "AWS's sign-in endpoint",   1, "Recipient=\"" SIGN_IN, "Recipient=\"https://eu-central-1.signin.aws.amazon.com/saml", NULL, NULL, NULL, "", 0, 200, NULL, NULL },
    { "a sign-in URL as audience",1, ">urn:amazon:webservices<", ">https://signin.aws.amazon.com/saml<", NULL, NULL, NULL, "", 0, 200, NULL, NULL },
    { "another name format",      1, "nameid-format:persistent", "nameid-format:unspecified", NULL, NULL, NULL, "", 0, 200, NULL, "<SubjectType>unspecified" },
    { "a Format outside 2.0",     1, "SAML:2.0:nameid-format:persistent", "SAML:1.1:nameid-format:emailAddress", NULL, NULL, NULL, "", 0, 200, NULL, "<SubjectType>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress" },
    { "the last second",          1, NULL, NULL, NULL, NULL, NULL, "", 299, 200, NULL, NULL },
    { "twelve hours, unchained",  1, NULL, NULL, NULL, NULL, NULL, "&DurationSeconds=43200", 0, 200, NULL, "<Expiration>2026-11-24T21:00:00Z" },
    { "shorter by the assertion", 1, NAME, NAME ATTRIBUTE("SessionDuration", "900"), NULL, NULL, NULL, "", 0, 200, NULL, "<Expiration>2026-11-24T09:15:00Z" },
    { "not longer by it",         1, NAME, NAME ATTRIBUTE("SessionDuration", "43200"), NULL, NULL, NULL, "", 0, 200, NULL, "<Expiration>2026-11-24T10:00:00Z" },
    { "shorter by its session",   1, "AuthnInstant", "SessionNotOnOrAfter=\"2026-11-24T09:20:00Z\" AuthnInstant", NULL, NULL, NULL, "", 0, 200, NULL, "<Expiration>2026-11-24T09:20:00Z" },
    { "a tag",                    1, NAME, NAME ATTRIBUTE("PrincipalTag:team", "a"), NULL, NULL, "tag-rule", "", 0, 200, NULL, NULL },
    { "a source identity",        1, NAME, NAME ATTRIBUTE("SourceIdentity", "ada@acme.example"), NULL, NULL, NULL, "", 0, 200, NULL, "<SourceIdentity>ada@acme.example" },
    { "an affiliation",           1, NAME, NAME "<Attribute Name=\"urn:oid:1.3.6.1.4.1.5923.1.1.1.1\"><AttributeValue>staff</AttributeValue><AttributeValue>member</AttributeValue></Attribute>", NULL, NULL, "staff", "", 0, 200, NULL, NULL },

    { "nothing signed",           0, NULL, NULL, NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "Response signature invalid" },
    { "by another key",           5, NULL, NULL, NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "Response signature invalid" },
    { "altered after signing",    1, NULL, NULL, "ada@acme.example", "eve@acme.example", NULL, "", 0, 400, "InvalidIdentityToken", "Response signature invalid" },
    { "altered outside, signed",  2, NULL, NULL, "Destination=\"", "Destination=\"x", NULL, "", 0, 400, "InvalidIdentityToken", "Response signature invalid" },
    { "one good, one bad",        3, NULL, NULL, "status:Success", "status:Responder", NULL, "", 0, 400, "InvalidIdentityToken", "Response signature invalid" },
    { "a SHA-1 digest",           1, NULL, NULL, "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1", NULL, "", 0, 400, "InvalidIdentityToken", "Response signature invalid" },
    { "another transform",        1, NULL, NULL, "xmldsig#enveloped-signature", "xmldsig#base64", NULL, "", 0, 400, "InvalidIdentityToken", "Response signature invalid" },
    { "a signature over nothing", 1, NULL, NULL, "URI=\"#_a1\"", "URI=\"\"", NULL, "", 0, 400, "InvalidIdentityToken", "Response signature invalid" },
    { "two assertions",           1, NULL, NULL, "</samlp:Response>", ASSERTION("_a2") "</samlp:Response>", NULL, "", 0, 400, "InvalidIdentityToken", "Error parsing SAML response" },
    { "the signed one wrapped",   1, NULL, NULL, "</samlp:Status>", "</samlp:Status>" ASSERTION("_a2"), NULL, "", 0, 400, "InvalidIdentityToken", "Error parsing SAML response" },
    { "one ID twice",             1, NULL, NULL, "ID=\"_r1\"", "ID=\"_a1\"", NULL, "", 0, 400, "InvalidIdentityToken", "Error parsing SAML response" },
    { "a DOCTYPE",                1, NULL, NULL, "<samlp:Response ", "<!DOCTYPE x><samlp:Response ", NULL, "", 0, 400, "InvalidIdentityToken", "Error parsing SAML response" },
    { "no response",              1, "SAML:2.0:protocol\"", "SAML:2.0:other\"", NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "Error parsing SAML response" },

    { "another issuer",           1, "<Assertion ID=\"_a1\" Version=\"2.0\" IssueInstant=\"2026-11-24T09:00:00Z\"><Issuer>" ISSUER, "<Assertion ID=\"_a1\" Version=\"2.0\" IssueInstant=\"2026-11-24T09:00:00Z\"><Issuer>https://elsewhere.example/saml", NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "Issuer not present in specified provider" },
    { "a failure, signed",        2, "status:Success", "status:Responder", NULL, NULL, NULL, "", 0, 403, "IDPRejectedClaim", NULL },
    { "five minutes",             1, NULL, NULL, NULL, NULL, NULL, "", 300, 400, "ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance" },
    { "confirmed for less",       1, "NotOnOrAfter=\"2026-11-24T09:05:00Z\" Recipient", "NotOnOrAfter=\"2026-11-24T09:01:00Z\" Recipient", NULL, NULL, NULL, "", 60, 400, "ExpiredTokenException", "within 5 minutes" },
    { "issued long ago",          1, "IssueInstant=\"2026-11-24T09:00:00Z\"><Issuer>" ISSUER "</Issuer><Subject>", "IssueInstant=\"2026-11-24T08:54:59Z\"><Issuer>" ISSUER "</Issuer><Subject>", NULL, NULL, NULL, "", 0, 400, "ExpiredTokenException", "within 5 minutes" },
    { "a session long over",      1, "AuthnInstant", "SessionNotOnOrAfter=\"2026-11-24T09:00:00Z\" AuthnInstant", NULL, NULL, NULL, "", 0, 400, "ExpiredTokenException", NULL },
    { "from the future",          1, "NotBefore=\"2026-11-24T08:59:00Z\"", "NotBefore=\"2026-11-24T09:02:00Z\"", NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", NULL },
    { "another audience",         1, ">urn:amazon:webservices<", ">https://bridge.acme.example<", NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "Response does not contain the required audience" },
    { "no audience",              1, "<AudienceRestriction><Audience>urn:amazon:webservices</Audience></AudienceRestriction>", "", NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "required audience" },
    { "another recipient",        1, "Recipient=\"" SIGN_IN, "Recipient=\"https://eve.example/saml", NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", NULL },
    { "a recipient that ends so", 1, "Recipient=\"" SIGN_IN, "Recipient=\"https://eve.example/x.signin.aws.amazon.com/saml", NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", NULL },
    { "no recipient",             1, " Recipient=\"" SIGN_IN "\"", "", NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", NULL },
    { "two confirmations",        1, CONFIRMATION, CONFIRMATION CONFIRMATION, NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", NULL },
    { "not a bearer's",           1, "cm:bearer", "cm:sender-vouches", NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", NULL },
    { "nobody",                   1, "<NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">7f1c</NameID>", "", NULL, NULL, NULL, "", 0, 403, "AccessDenied", NULL },
    { "no session name",          1, NAME, "", NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "RoleSessionName is required in AuthnResponse" },
    { "a session name of one",    1, NAME, ATTRIBUTE("RoleSessionName", "a"), NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}" },
    { "a session name in words",  1, NAME, ATTRIBUTE("RoleSessionName", "Ada L"), NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "must match" },
    { "two session names",        1, NAME, NAME NAME, NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", NULL },
    { "899 seconds",              1, NAME, NAME ATTRIBUTE("SessionDuration", "899"), NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "SessionDuration" },
    { "a tag twice",              1, NAME, NAME ATTRIBUTE("PrincipalTag:team", "a") ATTRIBUTE("PrincipalTag:Team", "b"), NULL, NULL, NULL, "", 0, 400, "InvalidParameterValue", "case insensitive" },
    { "a tag with two values",    1, NAME, NAME ATTRIBUTE("PrincipalTag:team", "a</AttributeValue><AttributeValue>b"), NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", NULL },
    { "a transitive key unset",   1, NAME, NAME ATTRIBUTE("TransitiveTagKeys", "team"), NULL, NULL, NULL, "", 0, 400, "InvalidParameterValue", "transitive" },
    { "a source of one",          1, NAME, NAME ATTRIBUTE("SourceIdentity", "a"), NULL, NULL, NULL, "", 0, 400, "InvalidIdentityToken", "SourceIdentity" },

    { "a role not in it",         1, NULL, NULL, NULL, NULL, "tag-rule", "", 0, 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML" },
    { "a pair with a blank",      1, ROLE("data-scientist") ",", ROLE("data-scientist") ", ", NULL, NULL, NULL, "", 0, 403, "AccessDenied", NULL },
    { "paired with another",      1, "," PROVIDER, ",arn:aws:iam::" ACCOUNT ":saml-provider/other", NULL, NULL, NULL, "", 0, 403, "AccessDenied", NULL },
    { "no such role",             1, PAIR(ROLE("data-scientist")), PAIR(ROLE("nobody")), NULL, NULL, "nobody", "", 0, 403, "AccessDenied", NULL },
    { "a role of web identity",   1, PAIR(ROLE("data-scientist")), PAIR(ROLE("web")), NULL, NULL, "web", "", 0, 403, "AccessDenied", NULL },
    { "another trusted audience", 1, PAIR(ROLE("data-scientist")), PAIR(ROLE("signin-only")), NULL, NULL, "signin-only", "", 0, 403, "AccessDenied", NULL },
    { "another subject",          1, PAIR(ROLE("data-scientist")), PAIR(ROLE("sub")), NULL, NULL, "sub", "", 0, 403, "AccessDenied", NULL },
    { "that subject",             1, "7f1c", "8e2d", NULL, NULL, "sub", "", 0, 200, NULL, NULL },
    { "tags not allowed",         1, NAME, NAME ATTRIBUTE("PrincipalTag:team", "a"), NULL, NULL, "plain", "", 0, 403, "AccessDenied", "sts:TagSession" },
    { "a source not allowed",     1, NAME, NAME ATTRIBUTE("SourceIdentity", "ada"), NULL, NULL, "plain", "", 0, 403, "AccessDenied", "sts:SetSourceIdentity" },
    { "a second too long",        1, NULL, NULL, NULL, NULL, "plain", "&DurationSeconds=7201", 0, 400, "ValidationError", "exceeds the MaxSessionDuration" },
};

static const char *const trusts[][3] = { /* name, actions, condition */
    { "data-scientist", "[\"sts:AssumeRoleWithSAML\",\"sts:TagSession\",\"sts:SetSourceIdentity\"]", "{\"StringEquals\":{\"saml:iss\":\"" ISSUER "\"}}" },
    { "plain",          "\"sts:AssumeRoleWithSAML\"", "{}" },
    { "tag-rule",       "\"sts:*\"", "{\"StringEquals\":{\"aws:RequestTag/team\":\"a\"}}" },
    { "staff",          "\"sts:*\"", "{\"ForAnyValue:StringEquals\":{\"saml:edupersonaffiliation\":\"staff\"}}" },
    { "signin-only",    "\"sts:*\"", "{\"StringEquals\":{\"saml:aud\":\"https://signin.aws.amazon.com/saml\"}}" },
    { "web",            "\"sts:AssumeRoleWithWebIdentity\"", "{}" },
    { "sub",            "\"sts:*\"", "{\"StringEquals\":{\"saml:sub\":\"8e2d\",\"saml:sub_type\":\"persistent\",\"saml:doc\":\"" ACCOUNT "/MySAMLIdP\"}}" },
};
/* clang-format on */

typedef struct {
    char *dir, *metadata; /* NULL: cannot be read */
    RbBoxSigner *signer, *other;
    RbBoxCloud *cloud;
    RbBoxSts sts;
    RbBoxConsole *console;
} World;

static const char *const regions[] = { "eu-central-1", NULL };

static GBytes *
fetch(gpointer data, const char *url, gint64 *max_age_s, GError **error)
{
    const World *world = data;

    *max_age_s = 0;
    assert_string_equal(url, "metadata.xml");
    if (world->metadata != NULL)
        return g_bytes_new(world->metadata, strlen(world->metadata));
    (void)rb_fault(error, RB_FAULT_NETWORK, "it does not answer");
    return NULL;
}

static RbBoxSigner *
signer_of(const char *dir, const char *name)
{
    g_autofree char *key_name = g_strdup_printf("%s/%s.key", dir, name);
    g_autofree char *pem_name = g_strdup_printf("%s/%s.pem", dir, name);
    g_autoptr(RbSecret) key = rb_file_read_secret(key_name, 65536, FALSE, NULL);
    g_autoptr(GBytes) pem = rb_file_read(pem_name, 65536, NULL);

    return rb_box_signer_new(key, pem, NULL);
}

static World *
world_new(void)
{
    World *world = g_new0(World, 1);
    g_autofree char *problem = NULL;

    world->dir = g_dir_make_tmp("rb-saml-XXXXXX", NULL);
    assert_true(test_init_dir(world->dir));
    world->signer = signer_of(world->dir, "idp");
    world->other = signer_of(world->dir, "saml");
    world->metadata = g_strdup_printf(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"" ISSUER
        "\"><IDPSSODescriptor "
        "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor "
        "use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>%s"
        "</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>",
        rb_box_signer_certificate(world->signer));
    world->cloud = rb_box_cloud_new();
    world->sts = (RbBoxSts){ world->cloud, regions, SIGN_IN };
    world->console = rb_box_console_new(world->cloud, "https://localhost:9443");
    rb_box_cloud_add_provider(world->cloud,
                              rb_box_provider_new(&(RbBoxProviderSpec){ .arn = PROVIDER,
                                                                        .metadata = "metadata.xml",
                                                                        .fetch = fetch,
                                                                        .fetch_data = world },
                                                  &problem));
    for (gsize i = 0; i < G_N_ELEMENTS(trusts); i++) {
        g_autofree char *trust =
            g_strdup_printf("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"" PROVIDER
                            "\"},\"Action\":%s,\"Condition\":%s}}",
                            trusts[i][1], trusts[i][2]);
        const RbBoxRoleSpec spec = { .account = ACCOUNT,
                                     .partition = "aws",
                                     .path = "/rolebridge/",
                                     .name = trusts[i][0],
                                     .max_session_s = i == 0 ? 43200 : 7200,
                                     .trust = trust };

        if (!rb_box_cloud_add_role(world->cloud, &spec, &problem))
            fail_msg("%s", problem);
    }
    return world;
}

static void
world_free(World *world)
{
    test_remove_dir(world->dir);
    rb_box_signer_free(world->signer);
    rb_box_signer_free(world->other);
    rb_box_console_free(world->console);
    rb_box_cloud_free(world->cloud);
    g_free(world->metadata);
    g_free(world->dir);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* @text with @find replaced by @put; @find must be there. */
static char *
replaced(const char *text, const char *find, const char *put)
{
    const char *at = find == NULL ? NULL : strstr(text, find);

    if (find == NULL)
        return g_strdup(text);
    assert_non_null(at);
    return g_strdup_printf("%.*s%s%s", (int)(at - text), text, put, at + strlen(find));
}

static char *
signed_text(const World *world, const char *text, int sign)
{
    g_autoptr(xmlDoc) doc = rb_box_xml_parse(text, strlen(text), NULL);
    xmlNode *root = xmlDocGetRootElement(doc);
    xmlNode *assertion = rb_box_xml_child(root, "urn:oasis:names:tc:SAML:2.0:assertion", "Assertion");
    const RbBoxSigner *signer = (sign & OTHER_KEY) != 0 ? world->other : world->signer;
    xmlChar *out;
    char *copy;
    int size;

    if ((sign & SIGN_ASSERTION) != 0)
        assert_true(rb_box_signer_sign(signer, assertion, "_a1"));
    if ((sign & SIGN_RESPONSE) != 0)
        assert_true(rb_box_signer_sign(signer, root, "_r1"));
    xmlDocDumpMemory(doc, &out, &size);
    copy = g_strndup((const char *)out, (gsize)size);
    xmlFree(out);
    return copy;
}

static char *
row_text(const World *world, gsize i)
{
    g_autofree char *pair =
        g_strdup_printf(ROLE("%s") ",", rows[i].role == NULL ? "data-scientist" : rows[i].role);
    gboolean swap = rows[i].role != NULL && strstr(rows[i].name, "not in it") == NULL &&
                    (rows[i].find == NULL || strstr(rows[i].find, "Attributes/Role\"") == NULL);
    g_autofree char *with_role =
        swap ? replaced(response, ROLE("data-scientist") ",", pair) : g_strdup(response);
    g_autofree char *before = replaced(with_role, rows[i].find, rows[i].put);
    g_autofree char *text = signed_text(world, before, rows[i].sign);

    return replaced(text, rows[i].late, rows[i].late_put);
}

static char *
encoded(const char *text)
{
    g_autofree char *base64 = g_base64_encode((const guint8 *)text, strlen(text));

    return rb_uri_encode(base64);
}

static char *
post(const World *world, const char *form, gint64 now, int *status)
{
    g_autoptr(RbBoxRequest) request = rb_box_request_new("POST", "/", "127.0.0.1", TRUE);
    RbBoxAnswer answer;
    char *body;

    rb_box_request_add_header(request, "Content-Type", "application/x-www-form-urlencoded");
    g_string_append(request->body, form);
    rb_box_answer_init(&answer);
    rb_box_sts_answer(&world->sts, request, now, &answer);
    *status = answer.status;
    body = g_strdup(answer.body->str);
    rb_box_answer_clear(&answer);
    return body;
}

static char *
exchange(const World *world, const char *text, const char *role, const char *more, gint64 now, int *status)
{
    g_autofree char *assertion = encoded(text);
    g_autofree char *form = g_strdup_printf("Version=2011-06-15&Action=AssumeRoleWithSAML&RoleArn=" ROLE(
                                                "%s") "&PrincipalArn=" PROVIDER "&SAMLAssertion=%s%s",
                                            role, assertion, more);

    return post(world, form, now, status);
}

static void
test_assertions(void **state)
{
    g_autoptr(World) world = world_new();
    int wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        int status;
        g_autofree char *text = row_text(world, i);
        g_autofree char *body = exchange(world, text, rows[i].role == NULL ? "data-scientist" : rows[i].role,
                                         rows[i].more, TEST_NOW + rows[i].after, &status);
        g_autofree char *code = test_element(body, "Code");

        if (status != rows[i].status || g_strcmp0(code, rows[i].code) != 0 ||
            strstr(body, rows[i].message == NULL ? "" : rows[i].message) == NULL) {
            print_error("%s: wanted %d %s '%s', got %d %s\n", rows[i].name, rows[i].status, rows[i].code,
                        rows[i].message, status, body);
            wrong++;
        }
        assert_int_equal(strstr(body, "<SecretAccessKey>") != NULL, status == 200);
    }
    assert_int_equal(wrong, 0);
}

static void
test_forms(void **state)
{
    static const struct {
        const char *name, *form, *code, *message;
    } forms[] = {
        { "no provider", "&RoleArn=" ROLE("plain") "&SAMLAssertion=QUJD", "ValidationError", "principalArn" },
        { "no assertion", "&RoleArn=" ROLE("plain") "&PrincipalArn=" PROVIDER, "ValidationError",
          "sAMLAssertion" },
        { "an unknown provider",
          "&RoleArn=" ROLE("plain") "&PrincipalArn=arn:aws:iam::" ACCOUNT
                                    ":saml-provider/x&SAMLAssertion=QUJD",
          "InvalidIdentityToken", "Specified provider doesn" },
        { "not base64", "&RoleArn=" ROLE("plain") "&PrincipalArn=" PROVIDER "&SAMLAssertion=%21%21%21%21",
          "InvalidIdentityToken", "Invalid base64" },
        { "not XML", "&RoleArn=" ROLE("plain") "&PrincipalArn=" PROVIDER "&SAMLAssertion=QUJD",
          "InvalidIdentityToken", "Error parsing" },
    };
    g_autoptr(World) world = world_new();
    g_autofree char *text = signed_text(world, response, SIGN_ASSERTION), *body = NULL, *code = NULL;
    int status;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *form =
            g_strconcat("Version=2011-06-15&Action=AssumeRoleWithSAML", forms[i].form, NULL);
        g_autofree char *answer = post(world, form, TEST_NOW, &status), *got = test_element(answer, "Code");

        if (g_strcmp0(got, forms[i].code) != 0 || strstr(answer, forms[i].message) == NULL)
            fail_msg("%s: %s", forms[i].name, answer);
    }
    g_clear_pointer(&world->metadata, g_free); /* nobody could upload it */
    body = exchange(world, text, "data-scientist", "", TEST_NOW, &status);
    code = test_element(body, "Code");
    assert_string_equal(code, "InvalidIdentityToken");
}

/* ---- the sign-in endpoint ---- */

static int
sign_in(const World *world, const char *text, const char *more, gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(RbBoxRequest) request = rb_box_request_new("POST", "/saml", "127.0.0.1", TRUE);
    g_autofree char *assertion = encoded(text);

    rb_box_request_add_header(request, "Content-Type", "application/x-www-form-urlencoded");
    g_string_append_printf(request->body, "SAMLResponse=%s%s", assertion, more);
    rb_box_answer_init(answer);
    rb_box_signin_answer(&world->sts, world->console, request, now, answer);
    return answer->status;
}

static const char *
header_of(const RbBoxAnswer *answer, const char *name)
{
    for (guint i = 0; i < answer->headers->len; i++)
        if (strcmp(((RbBoxHeader *)answer->headers->pdata[i])->name, name) == 0)
            return ((RbBoxHeader *)answer->headers->pdata[i])->value;
    return NULL;
}

/* The console's page, with the cookie that @answer set. */
static char *
console_page(const World *world, const RbBoxAnswer *answer, gint64 now)
{
    g_autoptr(RbBoxRequest) request = rb_box_request_new("GET", "/console", "127.0.0.1", TRUE);
    g_auto(GStrv) cookie = g_strsplit(header_of(answer, "Set-Cookie"), ";", 2);
    RbBoxAnswer page;
    char *body;

    rb_box_request_add_header(request, "Cookie", cookie[0]);
    rb_box_answer_init(&page);
    assert_true(rb_box_console_answer(world->console, request, now, &page));
    body = g_strdup(page.body->str);
    rb_box_answer_clear(&page);
    return body;
}

static void
test_sign_in(void **state)
{
    static const struct {
        const char *name, *find, *put, *state, *location, *until; /* NULL: refused */
    } ways[] = {
        { "an hour", NULL, NULL, "", "https://localhost:9443/console", "2026-11-24T10:00:00Z" },
        { "twelve hours", NAME, NAME ATTRIBUTE("SessionDuration", "43200"), "",
          "https://localhost:9443/console", "2026-11-24T21:00:00Z" },
        { "where to", NULL, NULL, "&RelayState=https%3A%2F%2Flocalhost%3A9443%2Fconsole%2Fs3",
          "https://localhost:9443/console/s3", "2026-11-24T10:00:00Z" },
        { "not elsewhere", NULL, NULL, "&RelayState=https%3A%2F%2Flocalhost%3A9443%2Fconsole.eve.example",
          "https://localhost:9443/console", "2026-11-24T10:00:00Z" },
        { "longer than the role", PAIR(ROLE("data-scientist")),
          PAIR(ROLE("plain")) ATTRIBUTE("SessionDuration", "7201"), "", NULL, NULL },
        { "no role", PAIR(ROLE("data-scientist")), "", "", NULL, NULL },
        { "a role it does not offer", NULL, NULL, "&roleIndex=" ROLE("plain"), NULL, NULL },
        { "an unknown provider", "," PROVIDER, ",arn:aws:iam::" ACCOUNT ":saml-provider/x", "", NULL, NULL },
    };
    g_autoptr(World) world = world_new();

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autofree char *before = replaced(response, ways[i].find, ways[i].put);
        g_autofree char *text = signed_text(world, before, SIGN_ASSERTION), *page = NULL;
        RbBoxAnswer answer;
        int status = sign_in(world, text, ways[i].state, TEST_NOW, &answer);

        if (status != 302 && ways[i].location != NULL)
            fail_msg("%s: %d %s", ways[i].name, status, answer.body->str);
        if (ways[i].location == NULL) {
            assert_true(status >= 400 && header_of(&answer, "Set-Cookie") == NULL);
        } else {
            assert_string_equal(header_of(&answer, "Location"), ways[i].location);
            page = console_page(world, &answer, TEST_NOW + 1);
            assert_non_null(strstr(page, "assumed-role/data-scientist/ada@acme.example"));
            assert_non_null(strstr(page, ways[i].until));
        }
        rb_box_answer_clear(&answer);
    }
}

/* Forged, or too late: no cookie. */
static void
test_sign_in_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *good = signed_text(world, response, SIGN_ASSERTION),
                    *forged = replaced(good, "ada@", "eve@");
    RbBoxAnswer answer;

    (void)state;
    assert_int_equal(sign_in(world, forged, "", TEST_NOW, &answer), 400);
    assert_null(header_of(&answer, "Set-Cookie"));
    rb_box_answer_clear(&answer);
    assert_int_equal(sign_in(world, good, "", TEST_NOW + 300, &answer), 400);
    assert_null(header_of(&answer, "Set-Cookie"));
    rb_box_answer_clear(&answer);
}

static void
test_chooser(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *before = replaced(response, NAME, PAIR(ROLE("plain")) NAME);
    g_autofree char *text = signed_text(world, before, SIGN_RESPONSE), *page = NULL;
    RbBoxAnswer answer;

    (void)state;
    assert_int_equal(sign_in(world, text, "", TEST_NOW, &answer), 200);
    assert_null(header_of(&answer, "Set-Cookie"));
    assert_non_null(strstr(answer.body->str, "value=\"" ROLE("data-scientist") "\""));
    assert_non_null(strstr(answer.body->str, "value=\"" ROLE("plain") "\""));
    rb_box_answer_clear(&answer);
    assert_int_equal(sign_in(world, text, "&roleIndex=" ROLE("plain"), TEST_NOW + 100, &answer), 302);
    page = console_page(world, &answer, TEST_NOW + 101);
    assert_non_null(strstr(page, "assumed-role/plain/ada@acme.example"));
    rb_box_answer_clear(&answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assertions), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_sign_in),    cmocka_unit_test(test_sign_in_refused),
        cmocka_unit_test(test_chooser),
    };

    return cmocka_run_group_tests_name("sandbox_with_saml", tests, NULL, NULL);
}
