#include "helper.h"

#include "sandbox/idp.h"

#include "base/encoding.h"
#include "base/file.h"
#include "sandbox/config.h"
#include "sandbox/xml.h"

#include <string.h>
#include <xmlsec/crypto.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
/* clang-format on */

#define NOW G_GINT64_CONSTANT(1795510800)
#define IDP "https://sandbox.test"
#define SP "https://bridge.test/saml/corp/metadata"
#define ACS "https://bridge.test/saml/corp/acs"
#define SLO "https://bridge.test/saml/corp/slo"
#define A "urn:oasis:names:tc:SAML:2.0:assertion"
#define P "urn:oasis:names:tc:SAML:2.0:protocol"
#define NAMESPACES "xmlns:samlp=\"" P "\" xmlns:saml=\"" A "\""

typedef struct {
    char *dir;
    RbBoxConfig *config;
    RbBoxSigner *signer, *sp, *stranger;
    RbBoxIdp *idp;
} World;

static RbBoxSigner *
load_signer(const char *dir, const char *name)
{
    g_autofree char *key_path = g_strdup_printf("%s/%s.key", dir, name),
                    *pem_path = g_strdup_printf("%s/%s.pem", dir, name);
    g_autoptr(RbSecret) key = rb_file_read_secret(key_path, 65536, FALSE, NULL);
    g_autoptr(GBytes) pem = rb_file_read(pem_path, 65536, NULL);
    RbBoxSigner *signer = rb_box_signer_new(key, pem, NULL);

    assert_non_null(signer);
    return signer;
}

static void
write_text(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
write_files(const World *world)
{
    g_autofree char *metadata = g_strdup_printf(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"" SP
        "\"><md:SPSSODescriptor "
        "protocolSupportEnumeration=\"" P "\"><md:KeyDescriptor use=\"signing\"><ds:KeyInfo "
        "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>%s</"
        "ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleLogoutService "
        "Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"" SLO "\"/>"
        "<md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" "
        "Location=\"" ACS "\" "
        "index=\"0\" isDefault=\"true\"/></md:SPSSODescriptor></md:EntityDescriptor>",
        rb_box_signer_certificate(world->sp));

    write_text(world->dir, "sp.xml", metadata);
    write_text(world->dir, "box.yaml",
               "rolebridge: 1\npublic_url: " IDP
               "\nidentity_provider:\n  signing: {certificate: idp.pem, key: idp.key}\n"
               "  service_providers: [sp.xml]\n  session: 1h\npeople:\n"
               "  - {uid: ada, name: Ada, groups: [acme-all, 'a&b'], attributes: {costCenter: \"4711\"}}\n");
}

static World *
world_new(void)
{
    World *world = g_new0(World, 1);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *path = NULL;

    world->dir = g_dir_make_tmp("sandbox-idp-XXXXXX", NULL);
    assert_true(test_init_dir(world->dir));
    world->signer = load_signer(world->dir, "idp");
    world->sp = load_signer(world->dir, "saml");
    world->stranger = load_signer(world->dir, "idp");
    write_files(world);
    path = g_build_filename(world->dir, "box.yaml", NULL);
    world->config = rb_box_config_load(path, NULL, problems);
    assert_int_equal(rb_diagnostics_size(problems), 0);
    world->idp = rb_box_idp_new(
        &(RbBoxIdpSetting){ .public_url = world->config->public_url,
                            .entity_id = world->config->entity_id,
                            .sp_metadata = (const char *const *)world->config->service_providers,
                            .session_s = world->config->session_s,
                            .people = world->config->people,
                            .signer = world->signer });
    return world;
}

static void
world_free(World *world)
{
    rb_box_idp_free(world->idp);
    rb_box_signer_free(world->signer);
    rb_box_signer_free(world->sp);
    rb_box_signer_free(world->stranger);
    rb_box_config_free(world->config);
    test_remove_dir(world->dir);
    g_free(world->dir);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static Got
ask(const World *world, const char *method, const char *target, const char *form, const char *cookie,
    gint64 now)
{
    g_autoptr(RbBoxRequest) request = rb_box_request_new(method, target, "127.0.0.1", TRUE);
    RbBoxAnswer answer;

    if (form != NULL) {
        rb_box_request_add_header(request, "Content-Type", "application/x-www-form-urlencoded");
        g_string_append(request->body, form);
    }
    if (cookie != NULL)
        rb_box_request_add_header(request, "Cookie", cookie);
    rb_box_answer_init(&answer);
    assert_true(rb_box_idp_answer(world->idp, request, now, &answer));
    return test_got(&answer);
}

/* The value of an input field on a page. */
static char *
field_of(const char *page, const char *name)
{
    g_autofree char *open = g_strdup_printf("name=\"%s\" value=\"", name);
    const char *start = strstr(page, open);

    if (start == NULL)
        return NULL;
    start += strlen(open);
    return g_strndup(start, strcspn(start, "\""));
}

static char *
sso_target(const RbBoxSigner *signer, const char *xml, const char *relay_state)
{
    g_autofree char *url = rb_box_redirect_url(signer, "/idp/sso", "SAMLRequest", xml, relay_state);

    return g_steal_pointer(&url);
}

#define REQUEST_OF(issuer, destination, when, more, inner)                                                   \
    "<samlp:AuthnRequest " NAMESPACES " ID=\"_r1\" Version=\"2.0\" IssueInstant=\"" when                     \
    "\" Destination=\"" destination "\" " more "><saml:Issuer>" issuer "</saml:Issuer>" inner                \
    "</samlp:AuthnRequest>"
#define REQUEST(more, inner) REQUEST_OF(SP, IDP "/idp/sso", "2026-11-24T09:00:00Z", more, inner)
#define CONTEXT(uri)                                                                                         \
    "<samlp:RequestedAuthnContext><saml:AuthnContextClassRef>" uri "</saml:AuthnContextClassRef></"          \
    "samlp:RequestedAuthnContext>"

/* Fills in the page that @xml leads to. */
static Got
sign_in(const World *world, const char *xml, const char *factor)
{
    g_autofree char *target = sso_target(world->sp, xml, "state-1"), *token = NULL, *form = NULL;
    g_auto(Got) page = ask(world, "GET", target, NULL, NULL, NOW);

    assert_int_equal(page.status, 200);
    token = field_of(page.body, "sign_in");
    assert_non_null(token);
    form = g_strdup_printf("sign_in=%s&username=ada&password=ada&factor=%s", token, factor);
    return ask(world, "POST", "/idp/login", form, NULL, NOW);
}

static xmlDoc *
response_of(const char *page)
{
    g_autofree char *field = field_of(page, "SAMLResponse");
    g_autoptr(GBytes) bytes = field == NULL ? NULL : rb_base64_decode(field, 1 << 20);
    xmlDoc *doc;

    assert_non_null(bytes);
    doc = rb_box_xml_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), NULL);
    assert_non_null(doc);
    return doc;
}

/* The signature of @node, whose one reference is @node itself, checked with the certificate of the metadata.
 */
static void
check_signature(const World *world, xmlNode *node)
{
    xmlNode *signature = rb_box_xml_child(node, "http://www.w3.org/2000/09/xmldsig#", "Signature");
    g_autofree char *id = rb_box_xml_attribute(node, "ID"),
                    *pem_path = g_build_filename(world->dir, "idp.pem", NULL);
    g_autofree char *uri = g_strconcat("#", id, NULL), *got = NULL;
    xmlNode *info = xmlSecFindNode(signature, (const xmlChar *)"SignedInfo", xmlSecDSigNs);
    xmlSecDSigCtxPtr ctx = xmlSecDSigCtxCreate(NULL);

    assert_non_null(signature);
    got = rb_box_xml_attribute(xmlSecFindNode(info, (const xmlChar *)"Reference", xmlSecDSigNs), "URI");
    assert_string_equal(got, uri);
    (void)xmlAddID(NULL, node->doc, (const xmlChar *)id, xmlHasProp(node, (const xmlChar *)"ID"));
    ctx->signKey = xmlSecCryptoAppKeyLoad(pem_path, xmlSecKeyDataFormatCertPem, NULL, NULL, NULL);
    assert_int_equal(xmlSecDSigCtxVerify(ctx, signature), 0);
    assert_int_equal(ctx->status, xmlSecDSigStatusSucceeded);
    xmlSecDSigCtxDestroy(ctx);
}

static void
test_sign_in(void **state)
{
    g_autoptr(World) world = world_new();
    g_auto(Got) got = sign_in(world, REQUEST("", ""), "password");
    g_autoptr(xmlDoc) doc = response_of(got.body);
    xmlNode *root = xmlDocGetRootElement(doc), *assertion = rb_box_xml_child(root, A, "Assertion");
    g_autofree char *answers = rb_box_xml_attribute(root, "InResponseTo"),
                    *relay = field_of(got.body, "RelayState");
    g_autofree char *text = rb_box_xml_text(rb_box_xml_child(assertion, A, "AttributeStatement"));

    (void)state;
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body, "action=\"" ACS "\""));
    assert_string_equal(answers, "_r1");
    assert_string_equal(relay, "state-1");
    assert_string_equal(text, "adaada@acme.exampleAdaacme-alla&b4711");
    check_signature(world, root);
    check_signature(world, assertion);
}

/* clang-format off */
static const struct {
    const char *name, *xml;
    gboolean stranger; /* signed by a key that is not the service provider's */
} refused[] = {
    { "another's key",        REQUEST("", ""), TRUE },
    { "an unknown sender",    REQUEST_OF("https://other.test", IDP "/idp/sso", "2026-11-24T09:00:00Z", "", ""), FALSE },
    { "another destination",  REQUEST_OF(SP, "https://other.test/", "2026-11-24T09:00:00Z", "", ""), FALSE },
    { "six minutes old",      REQUEST_OF(SP, IDP "/idp/sso", "2026-11-24T08:54:00Z", "", ""), FALSE },
    { "six minutes ahead",    REQUEST_OF(SP, IDP "/idp/sso", "2026-11-24T09:06:00Z", "", ""), FALSE },
    { "an unknown consumer",  REQUEST("AssertionConsumerServiceURL=\"https://other.test/acs\"", ""), FALSE },
    { "a DOCTYPE",            "<!DOCTYPE x>" REQUEST("", ""), FALSE },
    { "not XML",              "hello", FALSE },
    { "another message",      "<samlp:LogoutRequest " NAMESPACES " ID=\"_r\" Version=\"2.0\" IssueInstant=\"2026-11-24T09:00:00Z\"><saml:Issuer>" SP "</saml:Issuer></samlp:LogoutRequest>", FALSE },
    { "no version",           "<samlp:AuthnRequest " NAMESPACES " ID=\"_r\" IssueInstant=\"2026-11-24T09:00:00Z\"><saml:Issuer>" SP "</saml:Issuer></samlp:AuthnRequest>", FALSE },
};
/* clang-format on */

static void
test_refused(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *good = sso_target(world->sp, REQUEST("", ""), NULL);
    g_autofree char *unsigned_target = g_strndup(good, (gsize)(strstr(good, "&SigAlg=") - good));
    g_auto(Got) plain = ask(world, "GET", unsigned_target, NULL, NULL, NOW);
    g_auto(Got) nothing = ask(world, "GET", "/idp/sso", NULL, NULL, NOW);

    (void)state;
    assert_int_equal(plain.status, 400);
    assert_int_equal(nothing.status, 400);
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *target =
            sso_target(refused[i].stranger ? world->stranger : world->sp, refused[i].xml, NULL);
        g_auto(Got) got = ask(world, "GET", target, NULL, NULL, NOW);

        if (got.status != 400 || strstr(got.body, "SAMLResponse") != NULL)
            fail_msg("%s: got %d", refused[i].name, got.status);
    }
}

static void
test_second_factor(void **state)
{
    g_autoptr(World) world = world_new();
    g_auto(Got) without = sign_in(world, REQUEST("", CONTEXT(RB_BOX_MFA)), "password");
    g_auto(Got) with = sign_in(world, REQUEST("", CONTEXT(RB_BOX_MFA)), "second");
    g_autoptr(xmlDoc) doc = response_of(with.body);
    g_autofree char *text = rb_box_xml_text(xmlDocGetRootElement(doc));

    (void)state;
    assert_int_equal(without.status, 401);
    assert_null(strstr(without.body, "SAMLResponse"));
    assert_non_null(strstr(text, RB_BOX_MFA));
}

/* A Response that says no: signed, and without an assertion. */
static void
check_status(const World *world, const Got *got, const char *want)
{
    g_autoptr(xmlDoc) doc = response_of(got->body);
    xmlNode *root = xmlDocGetRootElement(doc);
    xmlNode *status = rb_box_xml_child(rb_box_xml_child(root, P, "Status"), P, "StatusCode");
    g_autofree char *code = rb_box_xml_attribute(rb_box_xml_child(status, P, "StatusCode"), "Value");

    assert_true(g_str_has_suffix(code, want));
    assert_null(rb_box_xml_child(root, A, "Assertion"));
    check_signature(world, root);
}

static void
test_no(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *smartcard =
        sso_target(world->sp, REQUEST("", CONTEXT("urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard")), NULL);
    g_autofree char *passive = sso_target(world->sp, REQUEST("IsPassive=\"true\"", ""), NULL);
    g_auto(Got) cancelled = sign_in(world, REQUEST("", ""), "cancel");
    g_auto(Got) card = ask(world, "GET", smartcard, NULL, NULL, NOW);
    g_auto(Got) quiet = ask(world, "GET", passive, NULL, NULL, NOW);
    g_auto(Got) over = ask(world, "POST", "/idp/login", "sign_in=x&username=ada&password=ada", NULL, NOW);

    (void)state;
    check_status(world, &cancelled, ":AuthnFailed");
    check_status(world, &card, ":NoAuthnContext");
    check_status(world, &quiet, ":NoPassive");
    assert_int_equal(over.status, 400);
}

static void
test_wrong_password(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *target = sso_target(world->sp, REQUEST("", ""), NULL), *token = NULL, *form = NULL;
    g_auto(Got) page = ask(world, "GET", target, NULL, NULL, NOW);
    g_auto(Got) got = { 0, NULL, NULL, NULL };

    (void)state;
    token = field_of(page.body, "sign_in");
    form = g_strdup_printf("sign_in=%s&username=ada&password=eve", token);
    got = ask(world, "POST", "/idp/login", form, NULL, NOW);
    assert_int_equal(got.status, 401);
    assert_null(got.cookie);
}

/* Signed in once, the next request is answered at once: unless a fresh sign-in or more proof is asked for. */
static void
test_single_sign_on(void **state)
{
    g_autoptr(World) world = world_new();
    g_auto(Got) first = sign_in(world, REQUEST("", ""), "password");
    g_autofree char *again = sso_target(world->sp, REQUEST("", ""), NULL);
    g_autofree char *force = sso_target(world->sp, REQUEST("ForceAuthn=\"true\"", ""), NULL);
    g_autofree char *more = sso_target(world->sp, REQUEST("", CONTEXT(RB_BOX_MFA)), NULL);
    g_auto(Got) silent = ask(world, "GET", again, NULL, first.cookie, NOW);
    g_auto(Got) fresh = ask(world, "GET", force, NULL, first.cookie, NOW);
    g_auto(Got) factor = ask(world, "GET", more, NULL, first.cookie, NOW);
    g_auto(Got) started =
        ask(world, "GET", "/idp/start?sp=https%3A%2F%2Fbridge.test%2Fsaml%2Fcorp%2Fmetadata", NULL,
            first.cookie, NOW);
    g_autoptr(xmlDoc) doc = response_of(started.body);
    g_autofree char *answers = rb_box_xml_attribute(xmlDocGetRootElement(doc), "InResponseTo");

    (void)state;
    assert_non_null(strstr(silent.body, "SAMLResponse"));
    assert_null(strstr(fresh.body, "SAMLResponse"));
    assert_null(strstr(factor.body, "SAMLResponse"));
    assert_null(answers); /* started here: unsolicited */
}

static void
test_logout(void **state)
{
    g_autoptr(World) world = world_new();
    g_auto(Got) first = sign_in(world, REQUEST("", ""), "password");
    g_autofree char *xml =
        g_strdup("<samlp:LogoutRequest " NAMESPACES " ID=\"_l1\" Version=\"2.0\" "
                 "IssueInstant=\"2026-11-24T09:00:00Z\" Destination=\"" IDP "/idp/slo\"><saml:Issuer>" SP
                 "</saml:Issuer><saml:NameID>ada@acme.example</saml:NameID></samlp:LogoutRequest>");
    g_autofree char *forged = rb_box_redirect_url(world->stranger, "/idp/slo", "SAMLRequest", xml, NULL);
    g_autofree char *target = rb_box_redirect_url(world->sp, "/idp/slo", "SAMLRequest", xml, "state-2");
    g_autofree char *again = sso_target(world->sp, REQUEST("", ""), NULL);
    g_auto(Got) no = ask(world, "GET", forged, NULL, NULL, NOW);
    g_auto(Got) still = ask(world, "GET", again, NULL, first.cookie, NOW);
    g_auto(Got) out = ask(world, "GET", target, NULL, NULL, NOW);
    g_auto(Got) after = ask(world, "GET", again, NULL, first.cookie, NOW);

    (void)state;
    assert_int_equal(no.status, 400);
    assert_non_null(strstr(still.body, "SAMLResponse"));
    assert_int_equal(out.status, 302);
    assert_true(g_str_has_prefix(out.location, SLO "?SAMLResponse="));
    assert_non_null(strstr(out.location, "&RelayState=state-2&SigAlg="));
    assert_null(strstr(after.body, "SAMLResponse"));
}

static void
test_logout_here(void **state)
{
    g_autoptr(World) world = world_new();
    g_auto(Got) first = sign_in(world, REQUEST("", ""), "password");
    g_auto(Got) out = ask(world, "GET", "/idp/logout", NULL, first.cookie, NOW);
    g_auto(Got) again = ask(world, "GET", "/idp/logout", NULL, first.cookie, NOW);

    (void)state;
    assert_int_equal(out.status, 302);
    assert_true(g_str_has_prefix(out.location, SLO "?SAMLRequest="));
    assert_int_equal(again.status, 200); /* nothing left to tell anybody */
}

static void
test_metadata(void **state)
{
    g_autoptr(World) world = world_new();
    g_auto(Got) got = ask(world, "GET", "/idp/metadata", NULL, NULL, NOW);

    (void)state;
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body, rb_box_signer_certificate(world->signer)));
    assert_non_null(strstr(got.body, "Location=\"" IDP "/idp/sso\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_sign_in),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_second_factor),
        cmocka_unit_test(test_no),
        cmocka_unit_test(test_wrong_password),
        cmocka_unit_test(test_single_sign_on),
        cmocka_unit_test(test_logout),
        cmocka_unit_test(test_logout_here),
    };

    return cmocka_run_group_tests_name("sandbox_idp", tests, NULL, NULL);
}
