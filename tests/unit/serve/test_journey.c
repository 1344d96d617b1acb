#include "client.h"
#include "fixture.h"
#include "serve/serve.h"

/*
 * A working day over HTTP with the real access/, store and mapping below; only the identity provider and AWS
 * are doubles. Every step uses what the step before it gave out.
 */

#define HOST "Host: bridge.acme.example\r\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define JSON "Content-Type: application/json\r\n"

/* What serve/ asks of a provider besides what access/ does. */
const char *
rb_provider_title(const RbProvider *provider)
{
    return rb_provider_id(provider);
}

char *
rb_provider_metadata(RbProvider *provider, gint64 now, GError **error)
{
    (void)provider, (void)now, (void)error;
    return g_strdup("<EntityDescriptor/>");
}

typedef struct {
    Fixture *f;
    RbServer *server;
    guint port;
    char *cookie; /* "Cookie: …\r\n" of the browser */
} Day;

static int
day_begin(void **state)
{
    static const char *const listen[] = { "127.0.0.1:0", NULL };
    const RbServeSetting setting = { .listen = listen };
    Day *day = g_new0(Day, 1);
    void *fixture = NULL;
    g_autoptr(GError) error = NULL;

    assert_int_equal(fixture_setup(&fixture), 0);
    day->f = fixture;
    day->server = rb_server_new(&setting, day->f->access, &error);
    if (day->server == NULL)
        fail_msg("%s", error->message);
    day->port = rb_server_port(day->server, 0);
    day->cookie = g_strdup("");
    *state = day;
    return 0;
}

static int
day_end(void **state)
{
    Day *day = *state;
    void *fixture = day->f;

    rb_server_free(day->server);
    (void)fixture_teardown(&fixture);
    g_free(day->cookie);
    g_free(day);
    return 0;
}

/* ---- small things ---- */

static Reply
send_to(Day *day, const char *line, const char *headers, const char *body)
{
    g_autofree char *length = body != NULL ? g_strdup_printf("Content-Length: %zu\r\n", strlen(body)) : NULL;
    g_autofree char *text = g_strdup_printf("%s HTTP/1.1\r\n" HOST "%s%s\r\n%s", line, headers,
                                            length != NULL ? length : "", body != NULL ? body : "");

    return client_once(day->port, text);
}

/* (transfer full): what stands between @before and the next of @ends in @text. */
static char *
between(const char *text, const char *before, const char *ends)
{
    const char *at = strstr(text, before);

    if (at == NULL)
        fail_msg("'%s' is not in\n%s", before, text);
    at += strlen(before);
    return g_strndup(at, strcspn(at, ends));
}

static char *
json_text(const Reply *reply, const char *member)
{
    json_t *json = json_loads(reply->body, 0, NULL);
    char *text = g_strdup(json_string_value(json_object_get(json, member)));

    if (text == NULL)
        fail_msg("no '%s' in %s", member, reply->body);
    json_decref(json);
    return text;
}

static void
want(const Reply *reply, guint status, const char *has)
{
    if (reply->status != status || (has != NULL && strstr(reply->body, has) == NULL))
        fail_msg("want %u and '%s', got\n%s\n%s", status, has != NULL ? has : "", reply->head, reply->body);
}

/* ---- steps ---- */

static void
sign_in_by_browser(Day *day, const char *next, const char *groups)
{
    static guint proofs;
    g_autofree char *line = g_strdup_printf("GET /login?provider=corp&next=%s", next);
    g_auto(Reply) begun = send_to(day, line, "", NULL);
    g_auto(Reply) answered = { 0 };
    g_auto(Reply) again = { 0 };

    want(&begun, 302, NULL);
    g_autofree char *relay = between(begun.head, "RelayState=", "&\r");
    g_autofree char *browser = between(begun.head, "__Host-rolebridge_signin=", ";");
    g_autofree char *cookie = g_strdup_printf(FORM "Cookie: __Host-rolebridge_signin=%s\r\n", browser);
    g_autofree char *body =
        g_strdup_printf("RelayState=%s&SAMLResponse=a-1%%7Calice%%7Cday-%u%%7C%s%%7C-%%7C-%%7Cindex-1", relay,
                        proofs++, groups);
    g_auto(Reply) stranger = send_to(day, "POST /saml/corp/acs", FORM, body);
    assert_in_range(stranger.status, 400, 403); /* the same answer in a browser that did not start it */
    answered = send_to(day, "POST /saml/corp/acs", cookie, body);
    want(&answered, 303, NULL);
    again = send_to(day, "POST /saml/corp/acs", cookie, body);
    assert_in_range(again.status, 400, 403);
    g_autofree char *session = between(answered.head, "__Host-rolebridge_session=", ";");
    g_free(day->cookie);
    day->cookie = g_strdup_printf("Cookie: __Host-rolebridge_session=%s\r\n", session);
    g_autofree char *where = between(answered.head, "Location: ", "\r");
    assert_true(g_str_has_prefix(where, "/"));
}

typedef struct {
    char *id, *secret;
} Client;

static void
client_clear(Client *client)
{
    g_free(client->id);
    g_free(client->secret);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Client, client_clear)

static Client
register_client(Day *day)
{
    g_auto(Reply) reply =
        send_to(day, "POST /client/register", JSON,
                "{\"clientName\":\"journey\",\"clientType\":\"public\",\"scopes\":[\"sso:account:access\"],"
                "\"grantTypes\":[\"authorization_code\",\"refresh_token\"],"
                "\"redirectUris\":[\"http://127.0.0.1/oauth/callback\"],\"issuerUrl\":\"https://"
                "x.awsapps.com/start\"}");

    want(&reply, 200, "clientSecretExpiresAt");
    return (Client){ json_text(&reply, "clientId"), json_text(&reply, "clientSecret") };
}

static Reply
ask_token(Day *day, const Client *client, const char *grant, const char *members)
{
    g_autofree char *body =
        g_strdup_printf("{\"clientId\":\"%s\",\"clientSecret\":\"%s\",\"grantType\":\"%s\",%s}", client->id,
                        client->secret, grant, members);

    return send_to(day, "POST /token", JSON, body);
}

#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define REDIRECT "http://127.0.0.1:33471/oauth/callback"
#define REDIRECT_ESCAPED "http%%3A%%2F%%2F127.0.0.1%%3A33471%%2Foauth%%2Fcallback" /* in a format */

/* (transfer full): the code, by consent page and click. */
static char *
consent(Day *day, const Client *client)
{
    g_autofree char *ask =
        g_strdup_printf("client_id=%s&redirect_uri=" REDIRECT_ESCAPED "&state=st-1&code_challenge=" CHALLENGE
                        "&scopes=sso%%3Aaccount%%3Aaccess",
                        client->id);
    g_autofree char *line =
        g_strdup_printf("GET /authorize?response_type=code&code_challenge_method=S256&%s", ask);
    g_auto(Reply) page = send_to(day, line, day->cookie, NULL);
    g_autofree char *headers = g_strconcat(FORM, day->cookie, NULL);

    want(&page, 200, "journey");
    g_autofree char *csrf = between(page.body, "name=\"csrf\" value=\"", "\"");
    g_autofree char *body = g_strdup_printf("%s&csrf=%s&decision=allow", ask, csrf);
    g_auto(Reply) clicked = send_to(day, "POST /authorize", headers, body);
    want(&clicked, 303, NULL);
    assert_non_null(strstr(clicked.head, "Location: " REDIRECT "?code="));
    assert_non_null(strstr(clicked.head, "&state=st-1\r\n"));
    return between(clicked.head, "?code=", "&");
}

static char *
token_headers(const char *token)
{
    return g_strdup_printf("x-amz-sso_bearer_token: %s\r\n", token);
}

/* ---- days ---- */

static void
test_browser_and_command(void **state)
{
    Day *day = *state;
    g_auto(Client) client = register_client(day);

    sign_in_by_browser(day, "/", "ds,adm");
    g_auto(Reply) roles = send_to(day, "GET /", day->cookie, NULL);
    want(&roles, 200, "Data Scientist");
    want(&roles, 200, "mapping.mfa_required"); /* admin wants a second factor */
    g_auto(Reply) console =
        send_to(day, "GET /console?account=" ACCOUNT "&role=data-scientist", day->cookie, NULL);
    want(&console, 302, NULL);
    g_auto(Reply) admin = send_to(day, "GET /console?account=" ACCOUNT "&role=admin", day->cookie, NULL);
    want(&admin, 403, "mapping.mfa_required");

    g_autofree char *code = consent(day, &client);
    g_autofree char *members = g_strdup_printf(
        "\"code\":\"%s\",\"redirectUri\":\"" REDIRECT "\",\"codeVerifier\":\"" VERIFIER "\"", code);
    g_auto(Reply) tokens = ask_token(day, &client, "authorization_code", members);
    want(&tokens, 200, "\"tokenType\":\"Bearer\"");
    g_auto(Reply) twice = ask_token(day, &client, "authorization_code", members);
    want(&twice, 400, "invalid_grant");
}

static void
test_token_to_credentials(void **state)
{
    Day *day = *state;
    g_auto(Client) client = register_client(day);

    sign_in_by_browser(day, "/", "ds");
    g_autofree char *code = consent(day, &client);
    g_autofree char *members = g_strdup_printf(
        "\"code\":\"%s\",\"redirectUri\":\"" REDIRECT "\",\"codeVerifier\":\"" VERIFIER "\"", code);
    g_auto(Reply) tokens = ask_token(day, &client, "authorization_code", members);
    want(&tokens, 200, NULL);
    g_autofree char *access = json_text(&tokens, "accessToken");
    g_autofree char *refresh = json_text(&tokens, "refreshToken");
    g_autofree char *bearer = token_headers(access);
    g_auto(Reply) accounts = send_to(day, "GET /assignment/accounts", bearer, NULL);
    want(&accounts, 200, "{\"accountId\":\"" ACCOUNT "\",\"accountName\":\"analytics-prod\"");
    g_auto(Reply) roles = send_to(day, "GET /assignment/roles?account_id=" ACCOUNT, bearer, NULL);
    want(&roles, 200, "\"roleName\":\"data-scientist\"");
    g_auto(Reply) credentials = send_to(
        day, "GET /federation/credentials?role_name=data-scientist&account_id=" ACCOUNT, bearer, NULL);
    want(&credentials, 200, "\"roleCredentials\":{\"accessKeyId\":");
    assert_int_equal(audited(day->f, "lease", NULL), 1);
    g_auto(Reply) admin =
        send_to(day, "GET /federation/credentials?role_name=admin&account_id=" ACCOUNT, bearer, NULL);
    want(&admin, 403, "ForbiddenException");
    g_auto(Reply) decision = send_to(day, "GET /api/v1/roles", bearer, NULL);
    want(&decision, 200, "\"role_title\":\"Data Scientist\"");
    g_auto(Reply) whoami = send_to(day, "GET /api/v1/whoami", bearer, NULL);
    want(&whoami, 200, "\"client\":\"journey\"");
    g_auto(Reply) by_name = send_to(
        day, "GET /api/v1/credentials?account=analytics-prod&role=data-scientist&duration=900", bearer, NULL);
    want(&by_name, 200, "roleCredentials");

    g_autofree char *again = g_strdup_printf("\"refreshToken\":\"%s\"", refresh);
    g_auto(Reply) refreshed = ask_token(day, &client, "refresh_token", again);
    want(&refreshed, 200, "accessToken");
    g_auto(Reply) out = send_to(day, "POST /logout", bearer, "");
    want(&out, 200, NULL);
    g_auto(Reply) over = send_to(day, "GET /assignment/accounts", bearer, NULL);
    want(&over, 401, "com.amazonaws.switchboard.portal#UnauthorizedException");
}

static void
test_device(void **state)
{
    Day *day = *state;
    g_auto(Client) client = register_client(day);
    g_autofree char *body = g_strdup_printf("{\"clientId\":\"%s\",\"clientSecret\":\"%s\",\"startUrl\":"
                                            "\"https://bridge.acme.example/start\"}",
                                            client.id, client.secret);
    g_auto(Reply) device = send_to(day, "POST /device_authorization", JSON, body);

    want(&device, 200, "\"verificationUriComplete\":\"https://bridge.acme.example/device?user_code=");
    g_autofree char *device_code = json_text(&device, "deviceCode");
    g_autofree char *user_code = json_text(&device, "userCode");
    g_autofree char *members = g_strdup_printf("\"deviceCode\":\"%s\"", device_code);
    g_auto(Reply) pending = ask_token(day, &client, "urn:ietf:params:oauth:grant-type:device_code", members);
    want(&pending, 400, "authorization_pending");

    sign_in_by_browser(day, "/", "ds");
    g_autofree char *line = g_strdup_printf("GET /device?user_code=%s", user_code);
    g_auto(Reply) page = send_to(day, line, day->cookie, NULL);
    want(&page, 200, user_code);
    g_autofree char *csrf = between(page.body, "name=\"csrf\" value=\"", "\"");
    g_autofree char *headers = g_strconcat(FORM, day->cookie, NULL);
    g_autofree char *click = g_strdup_printf("user_code=%s&csrf=%s&decision=allow", user_code, csrf);
    g_auto(Reply) clicked = send_to(day, "POST /device", headers, click);
    want(&clicked, 200, "The device is signed in");
    day->f->now += 5;
    g_auto(Reply) tokens = ask_token(day, &client, "urn:ietf:params:oauth:grant-type:device_code", members);
    want(&tokens, 200, "accessToken");
}

static void
test_signing_out_ends_everything(void **state)
{
    Day *day = *state;
    g_auto(Client) client = register_client(day);

    sign_in_by_browser(day, "/", "ds");
    g_autofree char *code = consent(day, &client);
    g_autofree char *members = g_strdup_printf(
        "\"code\":\"%s\",\"redirectUri\":\"" REDIRECT "\",\"codeVerifier\":\"" VERIFIER "\"", code);
    g_auto(Reply) tokens = ask_token(day, &client, "authorization_code", members);
    g_autofree char *access = json_text(&tokens, "accessToken");
    g_autofree char *bearer = token_headers(access);
    g_auto(Reply) roles = send_to(day, "GET /", day->cookie, NULL);
    g_autofree char *csrf = between(roles.body, "name=\"csrf\" value=\"", "\"");
    g_autofree char *headers = g_strconcat(FORM, day->cookie, NULL);
    g_autofree char *body = g_strconcat("csrf=", csrf, NULL);
    g_auto(Reply) out = send_to(day, "POST /logout", headers, body);
    want(&out, 200, "You are signed out");
    g_auto(Reply) home = send_to(day, "GET /", day->cookie, NULL);
    want(&home, 302, NULL);
    g_auto(Reply) over = send_to(day, "GET /assignment/accounts", bearer, NULL);
    want(&over, 401, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_browser_and_command, day_begin, day_end),
        cmocka_unit_test_setup_teardown(test_token_to_credentials, day_begin, day_end),
        cmocka_unit_test_setup_teardown(test_device, day_begin, day_end),
        cmocka_unit_test_setup_teardown(test_signing_out_ends_everything, day_begin, day_end),
    };

    return cmocka_run_group_tests_name("journey", tests, NULL, NULL);
}
