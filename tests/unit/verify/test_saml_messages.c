/* The other messages: AuthnRequests out, logout both ways, by redirect and POST. */
#include "world.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/sign.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define SLO IDP_PUBLIC "/saml/corp/slo"
#define SHA256 "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"

static World *world;

static RbProvider *
provider(const char *id)
{
    return rb_providers_find(world->providers, id);
}

/* (transfer full): base64 of @text, deflated. */
static char *
pack(const char *text, gsize size)
{
    g_autofree guint8 *out = g_malloc(size + 1000);
    z_stream z = {
        .next_in = (guint8 *)text, .avail_in = (guint)size, .next_out = out, .avail_out = (guint)size + 1000
    };
    char *base64;

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    base64 = g_base64_encode(out, z.total_out);
    deflateEnd(&z);
    return base64;
}

/* (transfer full): the message in parameter @name of @url. */
static char *
unpack(const char *url, const char *name)
{
    g_autofree char *mark = g_strconcat(name, "=", NULL), *text = NULL, *out = g_malloc0(65536);
    const char *from = strstr(url, mark);
    gsize size;
    g_autofree guchar *packed = NULL;
    z_stream z = { .next_out = (guint8 *)out, .avail_out = 65535 };

    assert_non_null(from);
    from += strlen(mark);
    text = g_uri_unescape_segment(from, strchrnul(from, '&'), NULL);
    packed = g_base64_decode(text, &size);
    z.next_in = packed;
    z.avail_in = (guint)size;
    assert_int_equal(inflateInit2(&z, -15), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    return g_steal_pointer(&out);
}

/* The query's signature by @key's public half, over the octets as sent. */
static gboolean
query_holds(const char *url, int key)
{
    const char *query = strstr(url, "SAMLRe"), *end = strstr(url, "&Signature=");
    g_autofree char *text = g_uri_unescape_string(end + strlen("&Signature="), NULL);
    gsize size;
    g_autofree guchar *signature = g_base64_decode(text, &size);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    gboolean ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, world->idp->keys[key]) == 1 &&
                  EVP_DigestVerify(ctx, signature, size, (const guint8 *)query, (gsize)(end - query)) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

/* (transfer full): "&Signature=…" by @key over @query, when it is to be signed. */
static char *
sign_query(const char *query, int key)
{
    guint8 signature[512];
    gsize size = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    g_autofree char *base64 = NULL, *escaped = NULL;

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, world->idp->keys[key]), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &size, (const guint8 *)query, strlen(query)), 1);
    EVP_MD_CTX_free(ctx);
    base64 = g_base64_encode(signature, size);
    escaped = g_uri_escape_string(base64, NULL, FALSE);
    return g_strconcat(query, "&Signature=", escaped, NULL);
}

static void
test_begin(void **state)
{
    g_autoptr(RbSignIn) sign_in = NULL, second = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *url =
        rb_provider_begin(provider("corp"), "relay+/", FALSE, FALSE, IDP_NOW, &sign_in, &error);
    g_autofree char *again = rb_provider_begin(provider("corp"), "r", FALSE, FALSE, IDP_NOW, &second, &error);
    g_autofree char *xml = unpack(url, "SAMLRequest"),
                    *id = g_strdup_printf("ID=\"%s\"", sign_in->request_id);

    (void)state;
    assert_true(g_str_has_prefix(url, "https://idp.acme.example/sso?tenant=1&SAMLRequest="));
    assert_non_null(strstr(url, "&RelayState=relay%2B%2F&SigAlg="));
    assert_true(query_holds(url, IDP_SP));
    assert_non_null(strstr(xml, id));
    assert_true(sign_in->request_id[0] == '_' && strlen(sign_in->request_id) > 22);
    assert_string_not_equal(sign_in->request_id, second->request_id);
    assert_non_null(strstr(xml, "Destination=\"https://idp.acme.example/sso?tenant=1\""));
    assert_non_null(strstr(xml, "AssertionConsumerServiceURL=\"" IDP_PUBLIC "/saml/corp/acs\""));
    assert_non_null(strstr(xml, "<saml:Issuer>" IDP_PUBLIC "/saml/corp/metadata</saml:Issuer>"));
    assert_non_null(strstr(xml, "IssueInstant=\"2027-01-15T08:00:00Z\""));
    assert_null(strstr(xml, "ForceAuthn"));
    assert_null(strstr(xml, "RequestedAuthnContext"));
    assert_int_equal(sign_in->started_at, IDP_NOW);
}

static void
test_begin_mfa(void **state)
{
    g_autoptr(RbSignIn) sign_in = NULL;
    g_autofree char *url = rb_provider_begin(provider("corp"), "r", TRUE, TRUE, IDP_NOW, &sign_in, NULL);
    g_autofree char *xml = unpack(url, "SAMLRequest");

    (void)state;
    assert_non_null(strstr(xml, "ForceAuthn=\"true\""));
    assert_non_null(strstr(xml,
                           "<samlp:RequestedAuthnContext Comparison=\"exact\"><saml:AuthnContextClassRef>"
                           "https://refeds.org/profile/mfa</saml:AuthnContextClassRef>"));
    assert_true(sign_in->wants_mfa && sign_in->forced);
}

/* Asking for what `mfa:` could never recognise is refused before anybody is sent anywhere. */
static void
test_begin_without_mfa_rules(void **state)
{
    g_autoptr(RbProviders) providers = world_load(
        world->idp, "identity_providers: [{ id: corp, type: saml, metadata: metadata.xml }]", NULL);
    g_autoptr(GError) error = NULL, relay_error = NULL;
    g_autofree char *long_relay = g_strnfill(81, 'x');
    RbSignIn *sign_in = NULL;

    (void)state;
    assert_null(
        rb_provider_begin(rb_providers_item(providers, 0), "r", TRUE, FALSE, IDP_NOW, &sign_in, &error));
    assert_true(rb_is_refusal(error, RB_SAML_MFA_MISSING));
    assert_null(rb_provider_begin(rb_providers_item(providers, 0), long_relay, FALSE, FALSE, IDP_NOW,
                                  &sign_in, &relay_error));
    assert_true(g_error_matches(relay_error, RB_FAULT, RB_FAULT_INTERNAL));
    assert_null(sign_in);
}

static void
test_begin_unsigned(void **state)
{
    g_autoptr(RbSignIn) sign_in = NULL;
    g_autofree char *url = rb_provider_begin(provider("uid"), "r", FALSE, FALSE, IDP_NOW, &sign_in, NULL);

    (void)state;
    assert_non_null(url);
    assert_null(strstr(url, "Signature="));
}

/* ---- logout ---- */

static RbIdentity *
alice(void)
{
    const RbIdentity facts = { .subject = "alice & bob",
                               .name = "alice",
                               .provider = "corp",
                               .issuer = IDP_ENTITY,
                               .session_index = "_s1",
                               .name_id_format = "urn:x",
                               .name_qualifier = "q\"" };

    return rb_identity_new(&facts, NULL);
}

static void
test_logout_url(void **state)
{
    g_autoptr(RbIdentity) identity = alice();
    g_autofree char *id = NULL, *no_id = NULL;
    g_autofree char *url = rb_provider_logout_url(provider("corp"), identity, "r", IDP_NOW, &id, NULL);
    g_autofree char *xml = unpack(url, "SAMLRequest");
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_true(g_str_has_prefix(url, "https://idp.acme.example/slo?SAMLRequest="));
    assert_true(query_holds(url, IDP_SP));
    assert_non_null(strstr(xml, id));
    assert_non_null(
        strstr(xml, "<saml:NameID Format=\"urn:x\" NameQualifier=\"q&quot;\">alice &amp; bob</saml:NameID>"));
    assert_non_null(strstr(xml, "<samlp:SessionIndex>_s1</samlp:SessionIndex>"));
    assert_null(
        rb_provider_logout_url(provider("uid"), identity, "r", IDP_NOW, &no_id, &error)); /* has no key */
    assert_null(error);
    assert_null(no_id);
}

#define HEAD(name)                                                                                           \
    "<samlp:" name " xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" "                                  \
    "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_l1\" Version=\"2.0\" "                       \
    "IssueInstant=\"2027-01-15T08:00:00Z\" Destination=\"" SLO "\""
static const char request[] =
    HEAD("LogoutRequest") " NotOnOrAfter=\"2027-01-15T08:05:00Z\"><saml:Issuer>" IDP_ENTITY
                          "</saml:Issuer>@SIG@<saml:NameID>alice</saml:NameID><samlp:SessionIndex>_s1</"
                          "samlp:SessionIndex>"
                          "<samlp:SessionIndex>_s2</samlp:SessionIndex></samlp:LogoutRequest>";
static const char response[] = HEAD("LogoutResponse") " InResponseTo=\"_q1\"><saml:Issuer>" IDP_ENTITY
                                                      "</saml:Issuer>@SIG@<samlp:Status><samlp:StatusCode "
                                                      "Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>"
                                                      "</samlp:Status></samlp:LogoutResponse>";

/* clang-format off */
typedef struct {
    const char *name;
    const char *before[2];       /* changes the message */
    const char *query[2];        /* changes the signed query (redirect) or the signed message (POST) */
    gboolean is_response, post, no_signature;
    int key;
    const char *algorithm, *provider;
    gint64 later_s;
    RbRefusalCode want;
} Row;

static const Row rows[] = {
    { "request by redirect" },
    { "request by POST", .post = TRUE },
    { "response by redirect", .is_response = TRUE },
    { "response by POST", .is_response = TRUE, .post = TRUE },
    { "the next key", .key = IDP_RSA_NEXT },
    { "last accepted second", .later_s = 300 + 59 },
    { "without an end, last accepted second", .before = { " NotOnOrAfter=\"2027-01-15T08:05:00Z\"", "" }, .later_s = 359 },
    { "first refused second", .later_s = 300 + 60, .want = RB_SAML_EXPIRED },
    { "without an end, first refused second", .before = { " NotOnOrAfter=\"2027-01-15T08:05:00Z\"", "" }, .later_s = 360, .want = RB_SAML_EXPIRED },
    { "from the future", .later_s = -61, .want = RB_SAML_NOT_YET_VALID },
    { "not signed", .no_signature = TRUE, .want = RB_SAML_UNSIGNED },
    { "not signed, by POST", .no_signature = TRUE, .post = TRUE, .want = RB_SAML_UNSIGNED },
    { "signed by somebody else", .key = IDP_OTHER, .want = RB_SAML_SIGNATURE_INVALID },
    { "signed by somebody else, by POST", .key = IDP_OTHER, .post = TRUE, .want = RB_SAML_SIGNATURE_INVALID },
    { "RSA-SHA1", .algorithm = "http://www.w3.org/2000/09/xmldsig#rsa-sha1", .want = RB_SAML_ALGORITHM },
    { "relay state changed", .query = { "RelayState=r", "RelayState=s" }, .want = RB_SAML_SIGNATURE_INVALID },
    { "a relay state in other letters", .query = { "&SigAlg=", "&Relay%53tate=s&SigAlg=" }, .want = RB_SAML_MALFORMED },
    { "relay state left out", .query = { "&RelayState=r", "" }, .want = RB_SAML_SIGNATURE_INVALID },
    { "a second message in front", .query = { "SAMLRequest=", "SAMLRequest=AAAA&SAMLRequest=" }, .want = RB_SAML_MALFORMED },
    { "both kinds at once", .query = { "SAMLRequest=", "SAMLResponse=AAAA&SAMLRequest=" }, .want = RB_SAML_MALFORMED },
    { "a second SigAlg", .query = { "&SigAlg=", "&SigAlg=x&SigAlg=" }, .want = RB_SAML_MALFORMED },
    { "no message", .query = { "SAMLRequest=", "Request=" }, .want = RB_SAML_MALFORMED },
    { "signature not base64", .query = { "&Signature=", "&Signature=!" }, .want = RB_SAML_MALFORMED },
    { "changed after signing, by POST", .post = TRUE, .query = { ">alice<", ">alive<" }, .want = RB_SAML_SIGNATURE_INVALID },
    { "two signatures, by POST", .post = TRUE, .query = { "<saml:NameID>", "<saml:NameID><x><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/></x>" }, .want = RB_SAML_SIGNATURE_PROFILE },
    { "for another address", .before = { SLO, IDP_PUBLIC "/saml/uid/slo" }, .want = RB_SAML_DESTINATION },
    { "for no address", .before = { " Destination=\"" SLO "\"", "" }, .want = RB_SAML_DESTINATION },
    { "of another issuer", .before = { IDP_ENTITY, "https://evil.example" }, .want = RB_SAML_ISSUER },
    { "of no issuer", .before = { "<saml:Issuer>" IDP_ENTITY "</saml:Issuer>", "" }, .want = RB_SAML_ISSUER },
    { "version 1.1", .before = { "\"2.0\"", "\"1.1\"" }, .want = RB_SAML_VERSION },
    { "no ID", .before = { "ID=\"_l1\"", "" }, .want = RB_SAML_MALFORMED },
    { "no NameID", .before = { "saml:NameID", "saml:EncryptedID" }, .want = RB_SAML_SUBJECT },
    { "SessionIndex that is not text", .before = { ">_s2<", "><b/><" }, .want = RB_SAML_MALFORMED },
    { "a response sent as a request", .before = { "LogoutRequest", "LogoutResponse" }, .want = RB_SAML_MALFORMED },
    { "document type", .before = { "<samlp:LogoutRequest ", "<!DOCTYPE x><samlp:LogoutRequest " }, .want = RB_SAML_FORBIDDEN_XML },
    { "response to nothing", .is_response = TRUE, .before = { " InResponseTo=\"_q1\"", "" }, .want = RB_SAML_IN_RESPONSE_TO },
    { "response without a status", .is_response = TRUE, .before = { "samlp:Status>", "samlp:State>" }, .want = RB_SAML_MALFORMED },
    { "where no logout is set up", .provider = "uid", .want = RB_SAML_LOGOUT_UNSUPPORTED },
};
/* clang-format on */

static char *
edit(char *text, const char *const edits[2])
{
    char *next = edits[0] == NULL ? NULL : idp_replace(text, edits[0], edits[1]);

    if (next == NULL)
        return text;
    g_free(text);
    return next;
}

static RbLogout *
receive_post(const Row *row, char *xml, GError **error)
{
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    const RbInbound inbound = { .method = "POST", .fields = fields };
    g_autofree char *signature = row->no_signature ? g_strdup("") : idp_signature("_l1", "rsa-sha256");
    g_autofree char *with = idp_replace(xml, "@SIG@", signature), *base64 = NULL, *ready = NULL;

    ready = edit(idp_sign(world->idp, with, row->key), row->query);
    base64 = g_base64_encode((const guchar *)ready, strlen(ready));
    g_hash_table_insert(fields, (char *)(row->is_response ? "SAMLResponse" : "SAMLRequest"), base64);
    return rb_provider_logout_receive(provider("corp"), &inbound, IDP_NOW + row->later_s, error);
}

static char *
query_of(const Row *row, const char *xml)
{
    g_autofree char *packed = pack(xml, strlen(xml)), *value = g_uri_escape_string(packed, NULL, FALSE);
    g_autofree char *algorithm =
        g_uri_escape_string(row->algorithm == NULL ? SHA256 : row->algorithm, NULL, FALSE);
    g_autofree char *query = g_strdup_printf(
        "%s=%s&RelayState=r&SigAlg=%s", row->is_response ? "SAMLResponse" : "SAMLRequest", value, algorithm);

    return row->no_signature ? g_steal_pointer(&query) : sign_query(query, row->key);
}

static RbLogout *
receive(const Row *row, GError **error)
{
    g_autofree char *xml = edit(g_strdup(row->is_response ? response : request), row->before), *query = NULL;
    g_autofree char *plain = NULL;
    RbInbound inbound = { .method = "GET" };

    if (row->post)
        return receive_post(row, xml, error);
    plain = idp_replace(xml, "@SIG@", "");
    query = edit(query_of(row, plain), row->query);
    inbound.raw_query = query;
    return rb_provider_logout_receive(provider(row->provider == NULL ? "corp" : row->provider), &inbound,
                                      IDP_NOW + row->later_s, error);
}

static void
check_logout(const Row *row, const RbLogout *logout)
{
    assert_string_equal(logout->id, "_l1");
    if (row->is_response) {
        assert_int_equal(logout->kind, RB_LOGOUT_RESPONSE);
        assert_string_equal(logout->in_response_to, "_q1");
        assert_true(logout->success);
        return;
    }
    assert_int_equal(logout->kind, RB_LOGOUT_REQUEST);
    assert_string_equal(logout->subject, "alice");
    assert_int_equal(g_strv_length(logout->session_indexes), 2);
    assert_string_equal(logout->session_indexes[1], "_s2");
    assert_string_equal(logout->replay_key, "corp:_l1");
    assert_int_equal(logout->replay_until, IDP_NOW + 300 + 60);
}

static void
test_logout_rows(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbLogout) logout = receive(&rows[i], &error);
        if (rows[i].want == RB_ACCEPTED ? logout != NULL
                                        : logout == NULL && rb_is_refusal(error, rows[i].want)) {
            if (logout != NULL)
                check_logout(&rows[i], logout);
            continue;
        }
        wrong++;
        print_error("%s: %s\n", rows[i].name, error == NULL ? "accepted" : error->message);
    }
    assert_int_equal(wrong, 0);
}

/* A failed logout at the IdP is a message that was understood. */
static void
test_logout_failed(void **state)
{
    const Row row = { .is_response = TRUE, .before = { "status:Success", "status:Responder" } };
    g_autoptr(RbLogout) logout = receive(&row, NULL);

    (void)state;
    assert_non_null(logout);
    assert_false(logout->success);
}

/* However little comes in, no more than the limit comes out. */
static void
test_inflated_too_far(void **state)
{
    g_autofree char *spaces = g_strnfill(10 * 1024 * 1024, ' ');
    const Row row = { .name = "bomb" };
    g_autofree char *query = query_of(&row, spaces);
    const RbInbound inbound = { .method = "GET", .raw_query = query };
    g_autofree char *endless = g_strnfill(40000, 'a');
    const RbInbound too_long = { .method = "GET", .raw_query = endless }, none = { .method = "GET" };
    g_autoptr(GError) error = NULL, long_error = NULL, none_error = NULL;

    (void)state;
    assert_null(rb_provider_logout_receive(provider("corp"), &inbound, IDP_NOW, &error));
    assert_true(rb_is_refusal(error, RB_SAML_TOO_LARGE));
    assert_null(rb_provider_logout_receive(provider("corp"), &too_long, IDP_NOW, &long_error));
    assert_true(rb_is_refusal(long_error, RB_SAML_TOO_LARGE));
    assert_null(rb_provider_logout_receive(provider("corp"), &none, IDP_NOW, &none_error));
    assert_true(rb_is_refusal(none_error, RB_SAML_MALFORMED));
}

static void
test_logout_reply(void **state)
{
    const Row row = { .name = "request" };
    g_autoptr(RbLogout) logout = receive(&row, NULL);
    g_autofree char *url = rb_provider_logout_reply(provider("corp"), logout, "r&x", TRUE, IDP_NOW, NULL);
    g_autofree char *no = rb_provider_logout_reply(provider("corp"), logout, NULL, FALSE, IDP_NOW, NULL);
    g_autofree char *xml = unpack(url, "SAMLResponse"), *failed = unpack(no, "SAMLResponse");
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_true(g_str_has_prefix(url, "https://idp.acme.example/slo2?SAMLResponse="));
    assert_non_null(strstr(url, "&RelayState=r%26x&SigAlg="));
    assert_true(query_holds(url, IDP_SP) && query_holds(no, IDP_SP));
    assert_non_null(strstr(xml, "InResponseTo=\"_l1\""));
    assert_non_null(strstr(xml, "status:Success"));
    assert_non_null(strstr(failed, "status:Responder"));
    assert_null(rb_provider_logout_reply(provider("uid"), logout, NULL, TRUE, IDP_NOW, &error));
    assert_true(rb_is_refusal(error, RB_SAML_LOGOUT_UNSUPPORTED));
}

static int
setup(void **state)
{
    (void)state;
    world = world_new();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    world_free(world);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begin),          cmocka_unit_test(test_begin_mfa),
        cmocka_unit_test(test_begin_unsigned), cmocka_unit_test(test_begin_without_mfa_rules),
        cmocka_unit_test(test_logout_url),     cmocka_unit_test(test_logout_rows),
        cmocka_unit_test(test_logout_failed),  cmocka_unit_test(test_inflated_too_far),
        cmocka_unit_test(test_logout_reply),
    };

    return cmocka_run_group_tests_name("saml_messages", tests, setup, teardown);
}
