/* A second opinion, from a SAML library that nobody here wrote: lasso as the service provider that AWS is,
 * which knows us by the metadata that we publish. */
#include "fixture.h"

#include "base/encoding.h"

#include <lasso/lasso.h>
#include <lasso/xml/saml-2.0/saml2_assertion.h>
#include <lasso/xml/saml-2.0/saml2_attribute.h>
#include <lasso/xml/saml-2.0/saml2_attribute_statement.h>
#include <lasso/xml/saml-2.0/samlp2_response.h>

#define YAML "region: eu-central-1\nsts_endpoint: %s\n"
#define ACS "https://eu-central-1.signin.aws.amazon.com/saml"

/* lasso_init() starts xmlsec1 a second time, and what that registers is never freed. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}

static const char sp_metadata[] =
    "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"urn:amazon:webservices\">"
    "<SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\" "
    "WantAssertionsSigned=\"true\">"
    "<AssertionConsumerService index=\"1\" isDefault=\"true\" "
    "Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"" ACS "\"/>"
    "</SPSSODescriptor></EntityDescriptor>";

static LassoServer *
service_provider(RbIssuer *issuer)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *metadata = rb_issuer_metadata(issuer, NOW, &error);
    LassoServer *server = lasso_server_new_from_buffers(sp_metadata, NULL, NULL, NULL);

    if (metadata == NULL)
        fail_msg("%s", error->message);
    assert_non_null(server);
    assert_int_equal(
        lasso_server_add_provider_from_buffer(server, LASSO_PROVIDER_ROLE_IDP, metadata, NULL, NULL), 0);
    return server;
}

static RbSecret *
response(Aws *aws)
{
    RbGrant grant = grant_for("arn:aws:iam::111122223333:role/rolebridge/data-scientist");
    g_autoptr(RbIdentity) identity = ada();
    const RbConsoleAsk ask = {
        .grant = &grant, .identity = identity, .portal_url = "https://b/", .now = NOW
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbConsole) console = NULL;

    trust(&grant, RB_ISSUE_SAML);
    console = rb_issue_console(aws->issuer, &ask, &error);
    if (console == NULL)
        fail_msg("%s", error->message);
    return rb_secret_ref(console->saml_response);
}

/* Attribute values by name. */
static void
expect_attribute(const LassoSaml2Assertion *assertion, const char *name, const char *want)
{
    const LassoSaml2AttributeStatement *statement = assertion->AttributeStatement->data;

    for (GList *at = statement->Attribute; at != NULL; at = at->next) {
        const LassoSaml2Attribute *attribute = at->data;
        g_autofree char *value = NULL;
        if (strcmp(attribute->Name, name) != 0)
            continue;
        value = lasso_node_dump(LASSO_NODE(attribute->AttributeValue->data));
        if (strstr(value, want) == NULL)
            fail_msg("%s: got %s, want %s", name, value, want);
        return;
    }
    fail_msg("no %s", name);
}

static void
test_accepted(void **state)
{
    Aws *aws = *state;
    LassoServer *server = service_provider(aws->issuer);
    LassoLogin *login = lasso_login_new(server);
    g_autoptr(RbSecret) sent = response(aws);
    int verdict = lasso_login_process_authn_response_msg(login, (char *)(guintptr)rb_secret_reveal(sent));
    const LassoSamlp2Response *read;

    if (verdict != 0)
        fail_msg("lasso: %s", lasso_strerror(verdict));
    assert_int_equal(lasso_login_accept_sso(login), 0);
    assert_string_equal(LASSO_PROFILE(login)->remote_providerID, "https://bridge.acme.example/saml");
    assert_string_equal(LASSO_SAML2_NAME_ID(LASSO_PROFILE(login)->nameIdentifier)->Format,
                        LASSO_SAML2_NAME_IDENTIFIER_FORMAT_PERSISTENT);
    read = LASSO_SAMLP2_RESPONSE(LASSO_PROFILE(login)->response);
    expect_attribute(read->Assertion->data, "https://aws.amazon.com/SAML/Attributes/RoleSessionName",
                     "ada@acme.example");
    expect_attribute(read->Assertion->data, "https://aws.amazon.com/SAML/Attributes/Role",
                     "arn:aws:iam::111122223333:role/rolebridge/data-scientist,arn:aws:iam::111122223333:"
                     "saml-provider/rolebridge");
    g_object_unref(login);
    g_object_unref(server);
}

/* What was changed it refuses, and so it does what another bridge of the same name has signed. */
static void
test_refused(void **state)
{
    Aws *aws = *state, *other = aws_new(YAML);
    LassoServer *server = service_provider(aws->issuer);
    LassoLogin *changed = lasso_login_new(server), *forged = lasso_login_new(server);
    g_autoptr(RbSecret) sent = response(aws), stranger = NULL;
    g_autoptr(GBytes) bytes = rb_base64_decode(rb_secret_reveal(sent), 100000);
    GString *xml = g_string_new_len(g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes));
    g_autofree char *encoded = NULL;

    assert_int_equal(g_string_replace(xml, ">ada@acme", ">bob@acme", 1), 1);
    encoded = g_base64_encode((const guchar *)xml->str, xml->len);
    assert_int_not_equal(lasso_login_process_authn_response_msg(changed, encoded), 0);
    aws_trusted(other, YAML);
    stranger = response(other);
    assert_int_not_equal(
        lasso_login_process_authn_response_msg(forged, (char *)(guintptr)rb_secret_reveal(stranger)), 0);
    (void)g_string_free(xml, TRUE);
    g_object_unref(changed);
    g_object_unref(forged);
    g_object_unref(server);
    aws_free(other);
}

static int
setup(void **state)
{
    Aws *aws;

    g_unsetenv("LASSO_FLAG"); /* "no-verify-signature" in there turns its checks off */
    clear_environment();
    *state = aws = aws_new(YAML);
    aws_trusted(aws, YAML);
    return lasso_init() == 0 ? 0 : -1;
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
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused) };

    return cmocka_run_group_tests_name("saml_lasso", tests, setup, teardown);
}
