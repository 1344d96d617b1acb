/* A second opinion, from a SAML library that nobody here wrote: lasso as the other side of our messages. It
 * is linked into nothing else. */
#include "world.h"

#include <lasso/lasso.h>
#include <lasso/saml-2.0/provider.h>
#include <lasso/xml/saml-2.0/samlp2_logout_request.h>
#include <lasso/xml/saml-2.0/samlp2_response.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* lasso_init() starts xmlsec1 a second time, and what that registers is never freed. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}

static World *world;

static RbProvider *
corp(void)
{
    return rb_providers_find(world->providers, "corp");
}

static char *
file(const char *name)
{
    g_autofree char *path = g_build_filename(world->idp->dir, name, NULL);
    char *text = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

/* lasso as identity provider, knowing us by our metadata. */
static LassoServer *
lasso_idp(void)
{
    g_autofree char *metadata = file("metadata.xml"), *key = file("rsa.key"), *certificate = file("rsa.crt");
    g_autofree char *ours = rb_provider_metadata(corp(), IDP_NOW, NULL);
    LassoServer *server = lasso_server_new_from_buffers(metadata, key, NULL, certificate);

    assert_non_null(server);
    assert_int_equal(lasso_server_add_provider_from_buffer(server, LASSO_PROVIDER_ROLE_SP, ours, NULL, NULL),
                     0);
    return server;
}

/* lasso as service provider in our place. */
static LassoServer *
lasso_sp(void)
{
    g_autofree char *metadata = file("metadata.xml"), *key = file("sp.key"), *certificate = file("sp.crt");
    g_autofree char *ours = rb_provider_metadata(corp(), IDP_NOW, NULL);
    LassoServer *server = lasso_server_new_from_buffers(ours, key, NULL, certificate);

    assert_non_null(server);
    assert_int_equal(
        lasso_server_add_provider_from_buffer(server, LASSO_PROVIDER_ROLE_IDP, metadata, NULL, NULL), 0);
    return server;
}

static char *
begin_query(void)
{
    g_autoptr(RbSignIn) sign_in = NULL;
    g_autofree char *url = rb_provider_begin(corp(), "relay", TRUE, TRUE, IDP_NOW, &sign_in, NULL);

    return g_strdup(strstr(url, "SAMLRequest="));
}

/* It reads our metadata and finds our signature on the AuthnRequest good, and on a changed one bad. */
static void
test_authn_request(void **state)
{
    LassoServer *server = lasso_idp();
    LassoLogin *login = lasso_login_new(server), *second = lasso_login_new(server);
    g_autofree char *query = begin_query(),
                    *changed = idp_replace(query, "RelayState=relay", "RelayState=other");
    int verdict = lasso_login_process_authn_request_msg(login, query);

    (void)state;
    if (verdict != 0)
        fail_msg("lasso: %s", lasso_strerror(verdict));
    assert_string_equal(LASSO_PROFILE(login)->remote_providerID, IDP_PUBLIC "/saml/corp/metadata");
    assert_true(lasso_login_must_authenticate(login));
    assert_int_not_equal(lasso_login_process_authn_request_msg(second, changed), 0);
    g_object_unref(login);
    g_object_unref(second);
    g_object_unref(server);
}

static int
lasso_verdict(LassoServer *server, const char *xml)
{
    LassoLogin *login = lasso_login_new(server);
    g_autofree char *base64 = g_base64_encode((const guchar *)xml, strlen(xml));
    int verdict = lasso_login_process_authn_response_msg(login, base64);

    g_object_unref(login);
    return verdict;
}

/* What we accept it accepts, and what was changed both refuse. */
static void
test_response(void **state)
{
    LassoServer *server = lasso_sp();
    g_autofree char *good = idp_response_signed(world->idp, "corp", 5);
    g_autofree char *changed = idp_replace(good, "alice@", "alive@");
    g_autoptr(RbVerified) ours = world_post(world, "corp", good, IDP_NOW, NULL);
    g_autoptr(RbVerified) refused = world_post(world, "corp", changed, IDP_NOW, NULL);

    (void)state;
    assert_non_null(ours);
    assert_int_equal(lasso_verdict(server, good), 0);
    assert_null(refused);
    assert_int_not_equal(lasso_verdict(server, changed), 0);
    g_object_unref(server);
}

/* It finds our signature on a LogoutRequest good, and reads the same person from it. */
static void
test_logout_request(void **state)
{
    LassoServer *server = lasso_idp();
    LassoLogout *logout = lasso_logout_new(server);
    const RbIdentity facts = { .subject = "alice@acme.example",
                               .name = "alice",
                               .provider = "corp",
                               .issuer = IDP_ENTITY,
                               .session_index = "_s1" };
    g_autoptr(RbIdentity) identity = rb_identity_new(&facts, NULL);
    g_autofree char *id = NULL, *url = rb_provider_logout_url(corp(), identity, "r", IDP_NOW, &id, NULL);
    int verdict = lasso_logout_process_request_msg(logout, strstr(url, "SAMLRequest="));

    (void)state;
    if (verdict != 0)
        fail_msg("lasso: %s", lasso_strerror(verdict));
    assert_string_equal(LASSO_SAML2_NAME_ID(LASSO_PROFILE(logout)->nameIdentifier)->content,
                        "alice@acme.example");
    g_object_unref(logout);
    g_object_unref(server);
}

static int
setup(void **state)
{
    (void)state;
    g_unsetenv("LASSO_FLAG"); /* "no-verify-signature" in there turns its checks off */
    world = world_new();
    return lasso_init() == 0 ? 0 : -1;
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
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_authn_request), cmocka_unit_test(test_response),
                                        cmocka_unit_test(test_logout_request) };

    return cmocka_run_group_tests_name("lasso", tests, setup, teardown);
}
