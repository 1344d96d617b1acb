#include "client.h"
#include "fake.h"
#include "serve/serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The whole way over a socket: bytes in, bytes out, with access/ played by fake.c. */

#define assert_no_error(e)                                                                                   \
    do {                                                                                                     \
        if ((e) != NULL)                                                                                     \
            fail_msg("%s", (e)->message);                                                                    \
    } while (0)

static RbServer *server;
static guint port;

static RbServer *
start(const char *url, const RbServeSetting *more)
{
    static const char *const listen[] = { "127.0.0.1:0", NULL };
    static const char *const proxies[] = { "127.0.0.0/8", NULL };
    RbServeSetting setting = more != NULL ? *more : (RbServeSetting){ .trusted_proxies = proxies };
    g_autoptr(GError) error = NULL;
    RbServer *started;

    setting.listen = listen;
    fake.public_url = url;
    started = rb_server_new(&setting, NULL, &error);
    assert_no_error(error);
    return started;
}

static int
setup(void **state)
{
    (void)state;
    server = start("https://bridge.example", NULL);
    port = rb_server_port(server, 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    rb_server_free(server);
    fake_reset();
    return 0;
}

/* ---- one row, one request ---- */

#define HOST "Host: bridge.example\r\n"
#define COOKIE "Cookie: __Host-rolebridge_session=good\r\n"
#define BEARER "x-amz-sso_bearer_token: good\r\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define JSON "Content-Type: application/json\r\n"

typedef struct {
    const char *name, *line, *headers, *body;
    guint status;
    const char *head_has, *body_has; /* NULL: do not look */
} Row;

static Reply
send_row(const Row *row)
{
    g_autofree char *length =
        row->body != NULL ? g_strdup_printf("Content-Length: %zu\r\n", strlen(row->body)) : NULL;
    g_autofree char *text = g_strdup_printf("%s HTTP/1.1\r\n%s%s\r\n%s", row->line, row->headers,
                                            length != NULL ? length : "", row->body != NULL ? row->body : "");

    return client_once(port, text);
}

static void
run_rows(const Row *rows, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        g_auto(Reply) reply = { 0 };
        fake_reset();
        reply = send_row(&rows[i]);
        if (reply.status != rows[i].status)
            fail_msg("%s: got %u, want %u\n%s\n%s", rows[i].name, reply.status, rows[i].status,
                     reply.head != NULL ? reply.head : "", reply.body != NULL ? reply.body : "");
        if (rows[i].head_has != NULL && strstr(reply.head, rows[i].head_has) == NULL)
            fail_msg("%s: '%s' is not in\n%s", rows[i].name, rows[i].head_has, reply.head);
        if (rows[i].body_has != NULL && strstr(reply.body, rows[i].body_has) == NULL)
            fail_msg("%s: '%s' is not in\n%s", rows[i].name, rows[i].body_has, reply.body);
    }
}

static void
test_published(void **state)
{
    static const struct {
        const char *path, *type, *body;
    } rows[] = {
        { "/.well-known/openid-configuration", "Content-Type: application/json",
          "https://bridge.acme.example" },
        { "/jwks.json", "Content-Type: application/json", "1795507200" },
        { "/saml/metadata", "Content-Type: application/samlmetadata+xml", "<md:EntityDescriptor/>" },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *get = g_strconcat("GET ", rows[i].path, NULL);
        g_autofree char *head = g_strconcat("HEAD ", rows[i].path, NULL);
        g_autofree char *post = g_strconcat("POST ", rows[i].path, NULL);
        const Row asks[] = {
            { "without an issuer", get, HOST, NULL, 404, "no-store", "request.not_found" },
            { "fetched", get, HOST, NULL, 200, rows[i].type, rows[i].body },
            { "kept for an hour", get, "Host: bridge.internal\r\n", NULL, 200, "public, max-age=3600",
              rows[i].body },
            { "HEAD", head, HOST, NULL, 200, "public, max-age=3600", NULL },
            { "POST", post, HOST, "", 405, "Allow: GET, HEAD", NULL },
        };
        for (gsize k = 0; k < G_N_ELEMENTS(asks); k++) {
            g_auto(Reply) reply = { 0 };
            fake_reset();
            fake.issuer = k > 0;
            reply = send_row(&asks[k]);
            if (reply.status != asks[k].status || strstr(reply.head, asks[k].head_has) == NULL ||
                (asks[k].body_has != NULL && strstr(reply.body, asks[k].body_has) == NULL))
                fail_msg("%s: %s: got %u\n%s\n%s", rows[i].path, asks[k].name, reply.status, reply.head,
                         reply.body);
        }
    }
    fake_reset();
    fake.fault = TRUE;
    {
        const Row row = { "no key", "GET /saml/metadata", HOST, NULL, 503, "no-store", "fault.keys" };
        g_auto(Reply) reply = send_row(&row);
        assert_int_equal(reply.status, 503);
        assert_non_null(strstr(reply.body, "fault.keys"));
        assert_non_null(strstr(reply.head, "no-store"));
    }
    fake_reset();
}

/* clang-format off */
static const Row hostile[] = {
    { "no such path",             "GET /nothing",                HOST, NULL, 404, NULL, "request.not_found" },
    { "nothing asked of STS",     "POST /sts",                   HOST, "", 400, "Content-Type: text/xml", "<Code>MissingAction</Code>" },
    { "another later room",       "GET /scim/v2/Users",          HOST, NULL, 404, NULL, NULL },
    { "method",                   "POST /healthz",               HOST, "", 405, "Allow: GET, HEAD", "request.method" },
    { "a method nobody knows",    "FROB /",                      HOST, NULL, 405, "Allow: GET, HEAD", NULL },
    { "OPTIONS",                  "OPTIONS /token",              HOST, NULL, 405, "Allow: POST", NULL },
    { "HEAD where GET acts",      "HEAD /federation/credentials", HOST BEARER, NULL, 405, "Allow: GET", NULL },
    { "another host",             "GET /",                       "Host: evil.example\r\n", NULL, 421, NULL, "request.host" },
    { "another port",             "GET /",                       "Host: bridge.example:8443\r\n", NULL, 421, NULL, NULL },
    { "the usual port",           "GET /",                       "Host: bridge.example:443\r\n", NULL, 302, NULL, NULL },
    { "two hosts",                "GET /",                       HOST HOST, NULL, 400, NULL, NULL },
    { "no host",                  "GET /",                       "", NULL, 400, NULL, NULL },
    { "probe by address",         "GET /healthz",                "Host: 127.0.0.1:1\r\n", NULL, 200, "application/json", "ok" },
    { "repeated query",           "GET /login?next=/&next=/a",   HOST, NULL, 400, NULL, "request.malformed" },
    { "repeated cookie",          "GET /",                       HOST "Cookie: __Host-rolebridge_session=a; __Host-rolebridge_session=b\r\n", NULL, 400, NULL, "request.malformed" },
    { "repeated header",          "GET /api/v1/whoami",          HOST BEARER BEARER, NULL, 400, NULL, "request.malformed" },
    { "repeated form field",      "POST /token",                 HOST FORM, "grant_type=a&grant_type=b", 400, NULL, "request.malformed" },
    { "repeated JSON member",     "POST /token",                 HOST JSON, "{\"code\":\"a\",\"code\":\"b\"}", 400, NULL, "request.malformed" },
    { "cookie not ours",          "GET /",                       HOST "Cookie: __Host-rolebridge_session=a b\r\n", NULL, 400, NULL, NULL },
    { "half an escape",           "GET /login?next=%2",          HOST, NULL, 400, NULL, NULL },
    { "not hexadecimal",          "GET /login?next=%zz",         HOST, NULL, 400, NULL, NULL },
    { "overlong UTF-8",           "GET /login?next=%c0%af",      HOST, NULL, 400, NULL, NULL },
    { "NUL",                      "GET /login?next=/a%00",       HOST, NULL, 400, NULL, NULL },
    { "line end in a query",      "GET /login?next=/a%0d%0aSet-Cookie:x", HOST, NULL, 400, NULL, NULL },
    { "absolute target",          "GET http://bridge.example/",  HOST, NULL, 400, NULL, NULL },
    { "open redirect //",         "GET /login?provider=corp&next=//evil.example", HOST, NULL, 400, NULL, NULL },
    { "open redirect /\\",        "GET /login?provider=corp&next=/%5cevil.example", HOST, NULL, 400, NULL, NULL },
    { "open redirect https",      "GET /login?provider=corp&next=https://evil.example", HOST, NULL, 400, NULL, NULL },
    { "open redirect with a tab", "GET /login?provider=corp&next=/%09/evil.example", HOST, NULL, 400, NULL, NULL },
    { "mfa is not a number",      "GET /login?provider=corp&mfa=yes", HOST, NULL, 400, NULL, NULL },
    { "body on a GET",            "GET /",                       HOST, "x=y", 413, NULL, NULL },
    { "unknown content type",     "POST /token",                 HOST "Content-Type: text/xml\r\n", "<a/>", 400, NULL, "request.malformed" },
    { "type that begins alike",   "POST /token",                 HOST "Content-Type: application/jsonish\r\n", "{}", 400, NULL, NULL },
    { "JSON list",                "POST /token",                 HOST JSON, "[]", 400, NULL, "request.malformed" },
    { "JSON with a tail",         "POST /token",                 HOST JSON, "{} x", 400, NULL, "request.malformed" },
    { "JSON not a string",        "POST /token",                 HOST JSON, "{\"grantType\":1}", 400, NULL, "sso.invalid_request" },
    { "asset that is none",       "GET /assets/passwd",          HOST, NULL, 404, NULL, NULL },
    { "asset by a detour",        "GET /assets/..%2f..%2fetc",   HOST, NULL, 404, NULL, NULL },
    { "X-Forwarded-For rubbish",  "GET /",                       HOST "X-Forwarded-For: rubbish\r\n", NULL, 400, NULL, NULL },
    { "JSON where it is wanted",  "GET /nothing",                HOST "Accept: application/json\r\n", NULL, 404, "application/json", "\"incident\":\"7KQ2-M3XF\"" },
    { "a page where it is not",   "GET /nothing",                HOST "Accept: text/html,*/*\r\n", NULL, 404, "text/html", "7KQ2-M3XF" },
};

static const Row portal[] = {
    { "signed out",               "GET /",                       HOST, NULL, 302, "Location: /login?next=%2F", NULL },
    { "choice",                   "GET /login",                  HOST, NULL, 200, NULL, "/login?provider=corp&amp;next=%2F" },
    { "titles are text",          "GET /login",                  HOST, NULL, 200, NULL, "Corporate &lt;sign-in&gt;" },
    { "begin",                    "GET /login?provider=corp&next=/device", HOST, NULL, 302, "Location: https://idp.example/sso?SAMLRequest=x", NULL },
    { "sign-in cookie",           "GET /login?provider=corp",    HOST, NULL, 302, "Set-Cookie: __Host-rolebridge_signin=browser-cookie; Path=/; Max-Age=900; HttpOnly; SameSite=None; Secure", NULL },
    { "saml login",               "GET /saml/corp/login",        HOST, NULL, 302, "Location: https://idp.example", NULL },
    { "saml login elsewhere",     "GET /saml/nobody/login",      HOST, NULL, 404, NULL, "signin.no_provider" },
    { "metadata",                 "GET /saml/corp/metadata",     HOST, NULL, 200, "application/samlmetadata+xml", "<EntityDescriptor id='corp'/>" },
    { "roles",                    "GET /",                       HOST COOKIE, NULL, 200, "text/html", "analytics &lt;b&gt;prod&lt;/b&gt;" },
    { "roles: console",           "GET /",                       HOST COOKIE, NULL, 200, NULL, "href=\"/console?account=000000000001&amp;role=data-scientist\"" },
    { "roles: tone",              "GET /",                       HOST COOKIE, NULL, 200, NULL, "card account prod" },
    { "roles: reasons",           "GET /",                       HOST COOKIE, NULL, 200, NULL, "department is '&lt;Research&gt;'" },
    { "roles: near miss",         "GET /",                       HOST COOKIE, NULL, 200, NULL, "mapping.mfa_required" },
    { "roles: second factor",     "GET /",                       HOST COOKIE, NULL, 200, NULL, "/login?provider=corp&amp;next=%2F&amp;mfa=1" },
    { "a client's token",         "GET /start",                  HOST COOKIE, NULL, 200, NULL, NULL },
    { "console",                  "GET /console?account=1&role=r&destination=https%3A%2F%2Fx", HOST COOKIE, NULL, 302, "Location: https://signin.aws.amazon.com/federation?SigninToken=x", NULL },
    { "console signs in first",   "GET /console?account=1&role=r", HOST, NULL, 302, "Location: /login?next=%2Fconsole%3Faccount%3D1%26role%3Dr", NULL },
    { "console without role",     "GET /console?account=1",      HOST COOKIE, NULL, 400, NULL, "request.malformed" },
    { "console in a frame",       "GET /console?account=1&role=r", HOST COOKIE "Sec-Fetch-Mode: no-cors\r\n", NULL, 403, NULL, "request.forged" },
    { "start by HEAD",            "HEAD /start",                 HOST, NULL, 404, NULL, NULL },
    { "home by HEAD",             "HEAD /",                      HOST, NULL, 302, "Location: /login", NULL },
    { "asset",                    "GET /assets/style.css",       HOST, NULL, 200, "Cache-Control: public, max-age=3600", "prefers-color-scheme" },
    { "asset by HEAD",            "HEAD /assets/style.css",      HOST, NULL, 200, "Content-Type: text/css", NULL },
    { "acs",                      "POST /saml/corp/acs",         HOST FORM "Cookie: __Host-rolebridge_signin=b1\r\nOrigin: https://idp.example\r\nSec-Fetch-Site: cross-site\r\n", "SAMLResponse=a%2B%0D%0Ab&RelayState=r", 303, "Set-Cookie: __Host-rolebridge_session=new-session; Path=/; Max-Age=28800; HttpOnly; SameSite=Lax; Secure", NULL },
    { "acs goes on",              "POST /saml/corp/acs",         HOST FORM, "SAMLResponse=a", 303, "Location: /console?account=1&role=r", NULL },
    { "acs without a form",       "POST /saml/corp/acs",         HOST, "", 400, NULL, "request.malformed" },
    { "slo by redirect",          "GET /saml/corp/slo?SAMLRequest=a%2Bb&Signature=c", HOST, NULL, 303, "Location: https://idp.example/slo", NULL },
    { "slo ends the cookie",      "GET /saml/corp/slo?SAMLRequest=a", HOST, NULL, 303, "Set-Cookie: __Host-rolebridge_session=; Path=/; Max-Age=0", NULL },
    { "logout",                   "POST /logout",                HOST COOKIE FORM, "csrf=csrf-token", 200, "Set-Cookie: __Host-rolebridge_session=; Path=/; Max-Age=0", "You are signed out" },
    { "logout without csrf",      "POST /logout",                HOST COOKIE FORM, "x=y", 403, NULL, "request.forged" },
    { "logout with another's",    "POST /logout",                HOST COOKIE FORM, "csrf=csrf-tokem", 403, NULL, "request.forged" },
    { "logout by another site",   "POST /logout",                HOST COOKIE FORM "Sec-Fetch-Site: cross-site\r\n", "csrf=csrf-token", 403, NULL, "request.forged" },
    { "logout by a sibling",      "POST /logout",                HOST COOKIE FORM "Sec-Fetch-Site: same-site\r\n", "csrf=csrf-token", 403, NULL, "request.forged" },
    { "logout by another origin", "POST /logout",                HOST COOKIE FORM "Origin: https://evil.example\r\n", "csrf=csrf-token", 403, NULL, "request.forged" },
    { "logout, origin unsaid",    "POST /logout",                HOST COOKIE FORM "Origin: null\r\nSec-Fetch-Site: same-origin\r\n", "csrf=csrf-token", 200, NULL, NULL },
    { "after the IdP's logout",   "GET /logout",                 HOST, NULL, 200, "Set-Cookie: __Host-rolebridge_session=; Path=/; Max-Age=0", "You are signed out" },
    { "GET ends nothing",         "GET /logout",                 HOST COOKIE, NULL, 302, "Location: /", NULL },
    { "logout, signed out",       "POST /logout",                HOST FORM, "", 200, NULL, "You are signed out" },
};

#define ASK "client_id=cid-1&redirect_uri=http%3A%2F%2F127.0.0.1%3A33471%2Foauth%2Fcallback&state=s%2B1%5C&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&scopes=sso%3Aaccount%3Aaccess"
#define HOW "&response_type=code&code_challenge_method=S256"
#define CALLBACK "Location: http://127.0.0.1:33471/oauth/callback?"
static const Row consent[] = {
    { "consent",                  "GET /authorize?" ASK HOW,     HOST COOKIE, NULL, 200, "form-action 'self' http://127.0.0.1:33471;", "rolebridge on &lt;laptop&gt;" },
    { "state comes back",         "GET /authorize?" ASK HOW,     HOST COOKIE, NULL, 200, NULL, "name=\"state\" value=\"s+1\\\"" },
    { "signs in first",           "GET /authorize?" ASK HOW,     HOST, NULL, 302, "Location: /login?next=%2Fauthorize%3Fclient_id%3Dcid-1", NULL },
    { "without a challenge",      "GET /authorize?client_id=c&redirect_uri=http%3A%2F%2F127.0.0.1%2F&state=s&response_type=code", HOST COOKIE, NULL, 400, NULL, "sso.invalid_request" },
    { "implicit",                 "GET /authorize?" ASK "&response_type=token&code_challenge_method=S256", HOST COOKIE, NULL, 303, CALLBACK "error=unsupported_response_type&state=s%2B1%5C", NULL },
    { "plain challenge",          "GET /authorize?" ASK "&response_type=code&code_challenge_method=plain", HOST COOKIE, NULL, 303, CALLBACK "error=invalid_request", NULL },
    { "allow",                    "POST /authorize",             HOST COOKIE FORM, ASK "&csrf=csrf-token&decision=allow", 303, CALLBACK "code=one-use-code&state=s%2B1%5C", NULL },
    { "deny",                     "POST /authorize",             HOST COOKIE FORM, ASK "&csrf=csrf-token&decision=deny", 303, CALLBACK "error=access_denied&state=s%2B1%5C", NULL },
    { "neither",                  "POST /authorize",             HOST COOKIE FORM, ASK "&csrf=csrf-token&decision=perhaps", 400, NULL, NULL },
    { "no click",                 "POST /authorize",             HOST COOKIE FORM, ASK "&csrf=csrf-token", 400, NULL, NULL },
    { "no csrf",                  "POST /authorize",             HOST COOKIE FORM, ASK "&decision=allow", 403, NULL, "request.forged" },
    { "another site",             "POST /authorize",             HOST COOKIE FORM "Sec-Fetch-Site: cross-site\r\n", ASK "&csrf=csrf-token&decision=allow", 403, NULL, NULL },
    { "nobody",                   "POST /authorize",             HOST FORM, ASK "&csrf=csrf-token&decision=allow", 401, NULL, "session.missing" },
    { "device: who asks",         "GET /device?user_code=bcdf-ghjk", HOST COOKIE, NULL, 200, NULL, "198.51.100.9" },
    { "device: the code",         "GET /device?user_code=bcdfghjk", HOST COOKIE, NULL, 200, NULL, "<p class=\"code\">BCDF-GHJK</p>" },
    { "device: since when",       "GET /device?user_code=bcdfghjk", HOST COOKIE, NULL, 200, NULL, "2026-11-24 07:58:20" },
    { "device: asks for it",      "GET /device",                 HOST COOKIE, NULL, 200, NULL, "name=\"user_code\"" },
    { "device: signs in first",   "GET /device?user_code=BCDF-GHJK", HOST, NULL, 302, "Location: /login?next=%2Fdevice%3Fuser_code%3DBCDF-GHJK", NULL },
    { "device: allow",            "POST /device",                HOST COOKIE FORM, "user_code=BCDF-GHJK&csrf=csrf-token&decision=allow", 200, NULL, "The device is signed in" },
    { "device: deny",             "POST /device",                HOST COOKIE FORM, "user_code=BCDF-GHJK&csrf=csrf-token&decision=deny", 200, NULL, "denied" },
    { "device: no csrf",          "POST /device",                HOST COOKIE FORM, "user_code=BCDF-GHJK&decision=allow", 403, NULL, "request.forged" },
};

#define CLIENT "\"clientId\":\"c\",\"clientSecret\":\"s\""
static const Row aws[] = {
    { "register",                 "POST /client/register",       HOST JSON, "{\"clientName\":\"n\",\"clientType\":\"public\",\"redirectUris\":[\"http://127.0.0.1/oauth/callback\"],\"unknown\":[1]}", 200, "application/json",
      "{\"clientId\":\"cid-1\",\"clientSecret\":\"client-secret\",\"clientIdIssuedAt\":1795507200,\"clientSecretExpiresAt\":1803283200,\"authorizationEndpoint\":null,\"tokenEndpoint\":null}" },
    { "register confidential",    "POST /client/register",       HOST JSON, "{\"clientName\":\"n\",\"clientType\":\"confidential\"}", 400, "x-amzn-ErrorType: InvalidClientMetadataException", "\"error\":\"invalid_client_metadata\",\"error_description\":\"" },
    { "register confidential: id",  "POST /client/register",     HOST JSON, "{\"clientName\":\"n\",\"clientType\":\"confidential\"}", 400, NULL, "sso.invalid_client_metadata" },
    { "register, bad list",       "POST /client/register",       HOST JSON, "{\"clientName\":\"n\",\"clientType\":\"public\",\"scopes\":[1]}", 400, "InvalidRequestException", "sso.invalid_request" },
    { "register, nothing",        "POST /client/register",       HOST JSON, "{}", 400, "x-amzn-ErrorType: InvalidRequestException", "\"__type\":\"com.amazonaws.sso.oidc#InvalidRequestException\"" },
    { "device",                   "POST /device_authorization",  HOST JSON, "{" CLIENT ",\"startUrl\":\"https://corp.awsapps.com/start\"}", 200, NULL,
      "{\"deviceCode\":\"device-code\",\"userCode\":\"BCDF-GHJK\",\"verificationUri\":\"https://bridge.example/device\",\"verificationUriComplete\":\"https://bridge.example/device?user_code=BCDF-GHJK\",\"expiresIn\":600,\"interval\":1}" },
    { "device by form",           "POST /device_authorization",  HOST FORM, "client_id=c&client_secret=s", 200, NULL, "\"device_code\":\"device-code\",\"user_code\":" },
    { "token",                    "POST /token",                 HOST JSON, "{" CLIENT ",\"grantType\":\"urn:ietf:params:oauth:grant-type:device_code\",\"deviceCode\":\"d\",\"scope\":null}", 200, NULL,
      "{\"accessToken\":\"access-token\",\"tokenType\":\"Bearer\",\"expiresIn\":28800,\"refreshToken\":\"refresh-token\",\"idToken\":null}" },
    { "token by form",            "POST /token",                 HOST FORM, "grant_type=authorization_code&client_id=c&client_secret=s&code=x", 200, "Cache-Control: no-store",
      "{\"access_token\":\"access-token\",\"token_type\":\"Bearer\",\"expires_in\":28800,\"refresh_token\":\"refresh-token\"}" },
    { "token, aws-json",          "POST /token",                 HOST "Content-Type: application/json; charset=utf-8\r\n", "{" CLIENT ",\"grantType\":\"refresh_token\"}", 200, NULL, NULL },
    { "token with IAM",           "POST /token?aws_iam=t",       HOST JSON, "{" CLIENT ",\"grantType\":\"x\"}", 400, "UnsupportedGrantTypeException", "unsupported_grant_type" },
    { "token, nobody",            "POST /token",                 HOST JSON, "{\"grantType\":\"refresh_token\"}", 400, NULL, "invalid_request" },
    { "role credentials",         "GET /federation/credentials?role_name=r&account_id=111122223333", HOST BEARER, NULL, 200, "Cache-Control: no-store",
      "{\"roleCredentials\":{\"accessKeyId\":\"ASIAEXAMPLE\",\"secretAccessKey\":\"sEcReT\",\"sessionToken\":\"tOkEn==\",\"expiration\":1795510800000}}" },
    { "query the other way",      "GET /federation/credentials?account_id=111122223333&role_name=r", HOST BEARER, NULL, 200, NULL, NULL },
    { "no token",                 "GET /federation/credentials?role_name=r&account_id=111122223333", HOST, NULL, 401, "x-amzn-ErrorType: UnauthorizedException", "\"__type\":\"com.amazonaws.switchboard.portal#UnauthorizedException\"" },
    { "a cookie is no token",     "GET /federation/credentials?role_name=r&account_id=111122223333", HOST COOKIE, NULL, 401, NULL, NULL },
    { "old token",                "GET /assignment/accounts",    HOST "x-amz-sso_bearer_token: old\r\n", NULL, 401, "UnauthorizedException", "\"message\":" },
    { "account by name",          "GET /federation/credentials?role_name=r&account_id=prod", HOST BEARER, NULL, 400, "x-amzn-ErrorType: InvalidRequestException", NULL },
    { "accounts",                 "GET /assignment/accounts",    HOST BEARER, NULL, 200, NULL,
      "{\"accountList\":[{\"accountId\":\"000000000001\",\"accountName\":\"analytics <b>prod</b>\",\"emailAddress\":null},{\"accountId\":\"000000000002\"," },
    { "accounts end",             "GET /assignment/accounts",    HOST BEARER, NULL, 200, NULL, "\"nextToken\":null}" },
    { "none at once",             "GET /assignment/accounts?max_result=0", HOST BEARER, NULL, 400, "InvalidRequestException", NULL },
    { "too many at once",         "GET /assignment/accounts?max_result=101", HOST BEARER, NULL, 400, NULL, NULL },
    { "bad next",                 "GET /assignment/accounts?next_token=%21", HOST BEARER, NULL, 400, NULL, NULL },
    { "roles",                    "GET /assignment/roles?account_id=000000000001", HOST BEARER, NULL, 200, NULL,
      "{\"roleList\":[{\"roleName\":\"data-scientist\",\"accountId\":\"000000000001\"}],\"nextToken\":null}" },
    { "roles of nowhere",         "GET /assignment/roles?account_id=999999999999", HOST BEARER, NULL, 200, NULL, "{\"roleList\":[],\"nextToken\":null}" },
    { "roles of no account",      "GET /assignment/roles",       HOST BEARER, NULL, 400, "InvalidRequestException", NULL },
    { "logout",                   "POST /logout",                HOST BEARER, "", 200, NULL, "" },
    { "logout, no such token",    "POST /logout",                HOST "x-amz-sso_bearer_token: old\r\n", "", 401, "UnauthorizedException", NULL },
};

static const Row api[] = {
    { "whoami",                   "GET /api/v1/whoami",          HOST BEARER, NULL, 200, "application/json",
      "{\"name\":\"ada@acme.example\",\"subject\":\"subject\",\"provider\":\"corp\",\"issuer\":\"https://idp.example\",\"groups\":[\"acme-data-science\"],\"mfa\":false,\"authenticated_at\":\"2026-11-24T06:00:00Z\",\"created_at\":\"2026-11-24T06:00:00Z\",\"expires_at\":\"2026-11-24T14:00:00Z\",\"client\":null}" },
    { "whoami by Authorization",  "GET /api/v1/whoami",          HOST "Authorization: Bearer good\r\n", NULL, 200, NULL, NULL },
    { "whoami by cookie",         "GET /api/v1/whoami",          HOST COOKIE, NULL, 200, NULL, NULL },
    { "cookie from elsewhere",    "GET /api/v1/whoami",          HOST COOKIE "Sec-Fetch-Site: cross-site\r\n", NULL, 403, NULL, "request.forged" },
    { "nobody",                   "GET /api/v1/whoami",          HOST, NULL, 401, "application/json", "{\"code\":\"session.missing\",\"message\":" },
    { "bad token, good cookie",   "GET /api/v1/whoami",          HOST COOKIE "Authorization: Bearer old\r\n", NULL, 401, NULL, "session.expired" },
    { "roles",                    "GET /api/v1/roles",           HOST BEARER, NULL, 200, NULL, "\"role_title\":\"Data \\\"Scientist\\\"\",\"role_purpose\":\"Runs experiments.\",\"environment\":\"prod\",\"default_session_s\":3600" },
    { "near misses",              "GET /api/v1/roles",           HOST BEARER, NULL, 200, NULL, "\"owner\":\"iam-leads@acme.example\"" },
    { "credentials",              "GET /api/v1/credentials?account=prod&role=r&duration=900", HOST BEARER, NULL, 200, "Cache-Control: no-store", "\"expiration\":1795510800000" },
    { "no number",                "GET /api/v1/credentials?account=prod&role=r&duration=1h", HOST BEARER, NULL, 400, NULL, "request.malformed" },
    { "negative",                 "GET /api/v1/credentials?account=prod&role=r&duration=-1", HOST BEARER, NULL, 400, NULL, NULL },
    { "no role",                  "GET /api/v1/credentials?account=prod", HOST BEARER, NULL, 400, NULL, NULL },
    { "ready",                    "GET /readyz",                 HOST, NULL, 200, NULL, "\"ready\":true" },
    { "why ready",                "GET /readyz",                 HOST, NULL, 200, NULL, "\"store\":\"ok\"" },
    { "ready from afar: no details", "GET /readyz",              HOST "X-Forwarded-For: 198.51.100.7\r\n", NULL, 200, NULL, "{\"ready\":true}" },
    { "metrics",                  "GET /metrics",                HOST, NULL, 200, "text/plain; version=0.0.4", "\nrolebridge_leases_total 7\n" },
    { "metrics from afar",        "GET /metrics",                HOST "X-Forwarded-For: 198.51.100.7\r\n", NULL, 404, NULL, NULL },
};
/* clang-format on */

static void
test_hostile(void **state)
{
    (void)state;
    run_rows(hostile, G_N_ELEMENTS(hostile));
}

static void
test_portal(void **state)
{
    (void)state;
    run_rows(portal, G_N_ELEMENTS(portal));
}

static void
test_consent(void **state)
{
    (void)state;
    run_rows(consent, G_N_ELEMENTS(consent));
}

static void
test_aws(void **state)
{
    (void)state;
    run_rows(aws, G_N_ELEMENTS(aws));
}

static void
test_api(void **state)
{
    (void)state;
    run_rows(api, G_N_ELEMENTS(api));
}

/* ---- what access/ refuses, in every way of speaking ---- */

static const struct {
    RbRefusalCode code;
    guint oidc;
    const char *exception, *oauth;
    guint sso;
    const char *portal;
} refusals[] = {
    /* clang-format off */
    { RB_SSO_PENDING,           400, "AuthorizationPendingException",  "authorization_pending",  400, "InvalidRequestException" },
    { RB_SSO_SLOW_DOWN,         400, "SlowDownException",              "slow_down",              400, "InvalidRequestException" },
    { RB_SSO_EXPIRED,           400, "ExpiredTokenException",          "expired_token",          400, "InvalidRequestException" },
    { RB_SSO_DENIED,            400, "AccessDeniedException",          "access_denied",          400, "InvalidRequestException" },
    { RB_SSO_INVALID_GRANT,     400, "InvalidGrantException",          "invalid_grant",          400, "InvalidRequestException" },
    { RB_SSO_INVALID_CLIENT,    401, "InvalidClientException",         "invalid_client",         401, "InvalidRequestException" },
    { RB_SSO_INVALID_REQUEST,   400, "InvalidRequestException",        "invalid_request",        400, "InvalidRequestException" },
    { RB_SSO_INVALID_SCOPE,     400, "InvalidScopeException",          "invalid_scope",          400, "InvalidRequestException" },
    { RB_SSO_UNSUPPORTED_GRANT, 400, "UnsupportedGrantTypeException",  "unsupported_grant_type", 400, "InvalidRequestException" },
    { RB_SSO_INVALID_REDIRECT,  400, "InvalidRedirectUriException",    "invalid_redirect_uri",   400, "InvalidRequestException" },
    { RB_SESSION_EXPIRED,       400, "ExpiredTokenException",          "expired_token",          401, "UnauthorizedException" },
    { RB_REQUEST_TOO_MANY,      400, "SlowDownException",              "slow_down",              429, "TooManyRequestsException" },
    { RB_MAPPING_NOT_ASSIGNED,  400, "InvalidRequestException",        "invalid_request",        403, "ForbiddenException" },
    { RB_MAPPING_MFA_REQUIRED,  400, "InvalidRequestException",        "invalid_request",        403, "ForbiddenException" },
    { RB_STS_DURATION,          400, "InvalidRequestException",        "invalid_request",        400, "InvalidRequestException" },
    { RB_REQUEST_NOT_FOUND,     400, "InvalidRequestException",        "invalid_request",        404, "ResourceNotFoundException" },
    /* clang-format on */
};

static void
check_type(const Reply *reply, const char *name_space, const char *exception, const char *row)
{
    g_autofree char *header = reply_header(reply, "x-amzn-ErrorType");
    g_autofree char *id = reply_header(reply, "x-amzn-RequestId");
    g_autofree char *incident = g_strdup_printf("\"incident\":\"%s\"", id);
    g_autofree char *type = g_strdup_printf("\"__type\":\"%s#%s\"", name_space, exception);

    /* without the header an SDK takes a member `code` before `__type` */
    if (g_strcmp0(header, exception) != 0 || strstr(reply->body, type) == NULL ||
        strstr(reply->body, incident) == NULL || strstr(reply->body, "\"refusal\":\"") == NULL ||
        strstr(reply->body, "\"code\"") != NULL)
        fail_msg("%s: want %s, got\n%s\n%s", row, exception, reply->head, reply->body);
}

static void
test_refusals(void **state)
{
    static const Row token = { .line = "POST /token",
                               .headers = HOST JSON,
                               .body = "{" CLIENT ",\"grantType\":\"refresh_token\"}" };
    static const Row role = { .line = "GET /federation/credentials?role_name=r&account_id=111122223333",
                              .headers = HOST BEARER };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_auto(Reply) oidc = { 0 };
        g_auto(Reply) sso = { 0 };
        fake_reset();
        fake.refuse = refusals[i].code;
        oidc = send_row(&token);
        assert_int_equal(oidc.status, refusals[i].oidc);
        check_type(&oidc, "com.amazonaws.sso.oidc", refusals[i].exception, refusals[i].oauth);
        g_autofree char *error = g_strdup_printf("\"error\":\"%s\"", refusals[i].oauth);
        assert_non_null(strstr(oidc.body, error));
        assert_non_null(strstr(oidc.body, "\"error_description\":\""));
        sso = send_row(&role);
        assert_int_equal(sso.status, refusals[i].sso);
        check_type(&sso, "com.amazonaws.switchboard.portal", refusals[i].portal, refusals[i].oauth);
        assert_non_null(strstr(sso.body, "incident 7KQ2-M3XF"));
        /* the exact reason is for the audit log, but for the one that is written for the person */
        assert_true((strstr(sso.body, "as the test wants it") != NULL) ==
                    (refusals[i].code == RB_STS_DURATION));
    }
    fake_reset();
    fake.fault = TRUE;
    g_auto(Reply) broken = send_row(&token);
    assert_int_equal(broken.status, 503);
    check_type(&broken, "com.amazonaws.sso.oidc", "InternalServerException", "fault");
    assert_non_null(strstr(broken.body, "server_error"));
    g_autofree char *retry = reply_header(&broken, "Retry-After");
    assert_non_null(retry);
}

/* The limit of a session: on the page, in JSON, and in what the AWS CLI prints. */
static void
test_shows_the_limit(void **state)
{
    static const Row rows[] = {
        { .line = "GET /console?account=1&role=r", .headers = HOST COOKIE },
        { .line = "GET /console?account=1&role=r", .headers = HOST COOKIE "Accept: application/json\r\n" },
        { .line = "GET /federation/credentials?role_name=r&account_id=111122223333", .headers = HOST BEARER },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Reply) reply = { 0 };
        fake_reset();
        fake.refuse = RB_STS_DURATION;
        reply = send_row(&rows[i]);
        assert_int_equal(reply.status, 400);
        assert_non_null(strstr(reply.body, "as the test wants it"));
        assert_non_null(strstr(reply.body, "sts.duration"));
    }
}

static void
test_pages_of_refusals(void **state)
{
    static const Row console = { .line = "GET /console?account=1&role=r", .headers = HOST COOKIE };
    g_auto(Reply) mfa = { 0 };
    g_auto(Reply) fault = { 0 };
    g_auto(Reply) not_ready = { 0 };
    static const Row ready = { .line = "GET /readyz", .headers = HOST };

    (void)state;
    fake_reset();
    fake.refuse = RB_MAPPING_MFA_REQUIRED;
    mfa = send_row(&console);
    assert_int_equal(mfa.status, 403);
    assert_non_null(strstr(mfa.body, "mapping.mfa_required"));
    assert_non_null(strstr(mfa.body, "7KQ2-M3XF"));
    assert_non_null(
        strstr(mfa.body, "/login?provider=corp&amp;mfa=1&amp;next=%2Fconsole%3Faccount%3D1%26role%3Dr"));
    assert_null(strstr(mfa.body, "as the test wants it")); /* the exact reason is for the audit log */
    assert_int_equal(g_atomic_int_get(&fake.audited), 1);
    fake.fault = TRUE;
    fault = send_row(&console);
    assert_int_equal(fault.status, 503);
    assert_null(strstr(fault.body, "the disk is gone"));
    not_ready = send_row(&ready);
    assert_int_equal(not_ready.status, 503);
}

/* A form for AWS alone, that works without scripts, and that nobody keeps. */
static void
test_console_form(void **state)
{
    static const Row console = { .line = "GET /console?account=1&role=r&destination=https%3A%2F%2Fx%3Fa%26b",
                                 .headers = HOST COOKIE };
    static const Row script = { .line = "GET /assets/console.js", .headers = HOST };
    static const char *const wanted[] = {
        "<form method=\"post\" id=\"console\" action=\"https://eu-central-1.signin.aws.amazon.com/saml\">",
        "<input type=\"hidden\" name=\"RelayState\" value=\"https://x?a&amp;b\">",
        "<button type=\"submit\">",
        "<script src=\"/assets/console.js\"></script>",
    };
    g_autofree char *response = g_strnfill(100000, 'P');
    g_autofree char *field =
        g_strconcat("<input type=\"hidden\" name=\"SAMLResponse\" value=\"", response, "\">", NULL);
    g_auto(Reply) form = { 0 };
    g_auto(Reply) code = { 0 };
    g_autofree char *policy = NULL, *caching = NULL, *type = NULL;

    (void)state;
    fake_reset();
    fake.saml_response = response;
    form = send_row(&console);
    assert_int_equal(form.status, 200);
    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (strstr(form.body, wanted[i]) == NULL)
            fail_msg("'%s' is not on the page", wanted[i]);
    assert_non_null(strstr(form.body, field)); /* whole: the largest that AWS takes */
    policy = reply_header(&form, "Content-Security-Policy");
    assert_string_equal(policy,
                        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri "
                        "'none'; form-action 'self' https://eu-central-1.signin.aws.amazon.com/saml "
                        "https://console.aws.amazon.com https://*.console.aws.amazon.com; "
                        "frame-ancestors 'none'");
    caching = reply_header(&form, "Cache-Control");
    assert_string_equal(caching, "no-store");
    code = send_row(&script);
    assert_int_equal(code.status, 200);
    type = reply_header(&code, "Content-Type");
    assert_string_equal(type, "text/javascript; charset=utf-8");
}

static void
test_noise_is_not_audited(void **state)
{
    static const Row rows[] = {
        { .line = "GET /nothing", .headers = HOST },
        { .line = "GET /api/v1/whoami", .headers = HOST },
        { .line = "GET /", .headers = "Host: evil.example\r\n" },
    };

    (void)state;
    fake_reset();
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Reply) reply = send_row(&rows[i]);
        assert_true(reply.status >= 400);
    }
    assert_int_equal(g_atomic_int_get(&fake.audited), 0);
}

/* ---- what reached access/ ---- */

static void
test_arguments(void **state)
{
    static const Row begin = {
        .line = "GET /login?provider=partner&next=%2Fdevice%3Fuser_code%3DA&mfa=1",
        .headers = HOST "Cookie: a=b; __Host-rolebridge_signin=b1; __Host-rolebridge_session=before\r\n"
                        "X-Forwarded-For: 192.0.2.1, 198.51.100.7\r\n"
    };
    static const Row acs = { .line = "POST /saml/corp/acs",
                             .headers = HOST FORM
                             "Cookie: __Host-rolebridge_signin=b1; __Host-rolebridge_session=old\r\n",
                             .body = "SAMLResponse=a%2B%0D%0Ab+c&RelayState=r" };
    static const Row slo = { .line = "GET /saml/corp/slo?SAMLRequest=a%2bb&Signature=c", .headers = HOST };
    static const Row credentials = { .line = "GET /api/v1/credentials?account=prod&role=r&duration=900",
                                     .headers = HOST BEARER };
    g_auto(Reply) begun = { 0 };
    g_auto(Reply) finished = { 0 };
    g_auto(Reply) ended = { 0 };
    g_auto(Reply) issued = { 0 };

    (void)state;
    fake_reset();
    begun = send_row(&begin);
    assert_string_equal(fake.seen_provider, "partner");
    assert_string_equal(fake.seen_next, "/device?user_code=A");
    assert_string_equal(fake.seen_browser, "b1");
    assert_string_equal(fake.seen_old, "before");
    assert_string_equal(fake.seen_ip, "198.51.100.7"); /* the rightmost that is not a proxy's */
    assert_true(fake.seen_mfa);
    finished = send_row(&acs);
    assert_string_equal(fake.seen_fields, "a+\r\nb c");
    assert_string_equal(fake.seen_browser, "b1");
    assert_string_equal(fake.seen_old, "old");
    ended = send_row(&slo);
    assert_string_equal(fake.seen_raw, "SAMLRequest=a%2bb&Signature=c"); /* as signed, to the byte */
    issued = send_row(&credentials);
    assert_string_equal(fake.seen_account, "prod");
    assert_int_equal(fake.seen_duration, 900);
}

static void
test_one_provider_needs_no_choice(void **state)
{
    static const Row row = { .line = "GET /login", .headers = HOST };
    g_auto(Reply) reply = { 0 };
    g_auto(Reply) none = { 0 };

    (void)state;
    fake_reset();
    fake.n_providers = 1;
    reply = send_row(&row);
    assert_int_equal(reply.status, 302);
    assert_string_equal(fake.seen_provider, "corp");
    fake.n_providers = 0;
    none = send_row(&row);
    assert_int_equal(none.status, 200);
    assert_non_null(strstr(none.body, "nobody can sign in"));
}

static void
test_a_clients_token_is_no_cookie(void **state)
{
    static const Row row = { .line = "GET /", .headers = HOST COOKIE };
    g_auto(Reply) reply = { 0 };

    (void)state;
    fake_reset();
    fake.client = "botocore";
    reply = send_row(&row);
    assert_int_equal(reply.status, 302);
}

static void
test_signing_out_goes_on(void **state)
{
    static const Row row = { .line = "POST /logout", .headers = HOST COOKIE FORM, .body = "csrf=csrf-token" };
    g_auto(Reply) reply = { 0 };

    (void)state;
    fake_reset();
    fake.idp_url = "https://idp.example/slo?a=1&b=2";
    reply = send_row(&row);
    g_autofree char *refresh = reply_header(&reply, "Refresh");
    assert_string_equal(refresh, "0; url=https://idp.example/slo?a=1&b=2");
    assert_non_null(strstr(reply.body, "href=\"https://idp.example/slo?a=1&amp;b=2\""));
}

/* ---- OpenID Connect ---- */

/* clang-format off */
static const Row oidc[] = {
    { "login",                    "GET /oidc/login/login",       HOST, NULL, 302, "Location: https://idp.example", NULL },
    { "chosen on the portal",     "GET /login?provider=login&next=%2Fa&mfa=1", HOST, NULL, 302, "Location: /oidc/login/login?provider=login&next=%2Fa&mfa=1\r\n", NULL },
    { "login of a SAML provider", "GET /oidc/corp/login",        HOST, NULL, 404, NULL, "signin.no_provider" },
    { "SAML of an OIDC provider", "GET /saml/login/login",       HOST, NULL, 404, NULL, "signin.no_provider" },
    { "callback",                 "GET /oidc/login/callback?code=c&state=s", HOST "Cookie: __Host-rolebridge_signin=b1\r\nSec-Fetch-Site: cross-site\r\n", NULL, 303, "Set-Cookie: __Host-rolebridge_session=new-session; Path=/; Max-Age=28800; HttpOnly; SameSite=Lax; Secure", NULL },
    { "callback goes on",         "GET /oidc/login/callback?code=c", HOST, NULL, 303, "Location: /console?account=1&role=r", NULL },
    { "callback of nothing",      "GET /oidc/login/callback",    HOST, NULL, 400, NULL, "request.malformed" },
    { "callback, state twice",    "GET /oidc/login/callback?state=a&state=b", HOST, NULL, 400, NULL, "request.malformed" },
    { "callback of a SAML provider", "GET /oidc/corp/callback?code=c", HOST, NULL, 404, NULL, "signin.no_provider" },
    { "callback by POST",         "POST /oidc/login/callback",   HOST FORM, "code=c", 405, NULL, "request.method" },
    { "back from signing out",    "GET /oidc/login/logout?state=s", HOST, NULL, 303, "Location: https://idp.example/slo", NULL },
    { "back-channel logout",      "POST /oidc/login/backchannel-logout", HOST FORM, "logout_token=t", 200, "Cache-Control: no-store", "{}" },
    { "back-channel without form", "POST /oidc/login/backchannel-logout", HOST, "", 400, NULL, "request.malformed" },
    { "back-channel, no such provider", "POST /oidc/nobody/backchannel-logout", HOST FORM, "logout_token=t", 404, NULL, "signin.no_provider" },
};
/* clang-format on */

static void
test_oidc(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(oidc); i++) {
        g_auto(Reply) reply = { 0 };
        fake_reset();
        fake.n_providers = 3;
        reply = send_row(&oidc[i]);
        if (reply.status != oidc[i].status ||
            (oidc[i].head_has != NULL && strstr(reply.head, oidc[i].head_has) == NULL) ||
            (oidc[i].body_has != NULL && strstr(reply.body, oidc[i].body_has) == NULL))
            fail_msg("%s: %u %s\n%s", oidc[i].name, reply.status, reply.head, reply.body);
    }
}

/* Back-Channel Logout 2.8: whatever is wrong with the token is 400, what is wrong here is not. */
static void
test_backchannel_refused(void **state)
{
    static const Row row = { .line = "POST /oidc/login/backchannel-logout",
                             .headers = HOST FORM,
                             .body = "logout_token=t" };
    g_auto(Reply) refused = { 0 };
    g_auto(Reply) failed = { 0 };

    (void)state;
    fake_reset();
    fake.n_providers = 3;
    fake.refuse = RB_JWT_SIGNATURE_INVALID;
    refused = send_row(&row);
    assert_int_equal(refused.status, 400);
    assert_non_null(strstr(refused.body, "jwt.signature_invalid"));
    assert_non_null(strstr(refused.head, "Cache-Control: no-store"));
    fake.fault = TRUE;
    failed = send_row(&row);
    assert_int_equal(failed.status, 503);
}

static void
test_answers_cannot_be_split(void **state)
{
    static const Row row = { .line = "POST /saml/corp/acs", .headers = HOST FORM, .body = "SAMLResponse=a" };
    static const char *const targets[] = { "/a\r\nSet-Cookie: x=y", "//evil.example", "https://evil.example/",
                                           "/\\evil" };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(targets); i++) {
        g_auto(Reply) reply = { 0 };
        fake_reset();
        fake.idp_url = targets[i];
        reply = send_row(&row);
        assert_int_equal(reply.status, 500);
        assert_null(strstr(reply.head, "x=y"));
        assert_null(strstr(reply.head, "Location"));
    }
}

/* ---- pages of lists ---- */

static char *
next_token(const Reply *reply)
{
    json_t *json = json_loads(reply->body, 0, NULL);
    char *token = g_strdup(json_string_value(json_object_get(json, "nextToken")));

    assert_non_null(json);
    json_decref(json);
    return token;
}

static guint
walk(const char *path, const char *list, guint most)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *token = NULL;

    do {
        g_autofree char *line =
            g_strdup_printf("GET %smax_result=%u%s%s", path, most, token != NULL ? "&next_token=" : "",
                            token != NULL ? token : "");
        Row row = { .line = line, .headers = HOST BEARER };
        g_auto(Reply) reply = send_row(&row);
        json_t *json, *item;
        size_t i;
        assert_int_equal(reply.status, 200);
        json = json_loads(reply.body, 0, NULL);
        assert_in_range(json_array_size(json_object_get(json, list)), 1, most);
        json_array_foreach(json_object_get(json, list), i, item)
        {
            char *key = json_dumps(item, JSON_SORT_KEYS);
            assert_true(g_hash_table_add(seen, g_strdup(key))); /* none twice */
            free(key);
        }
        json_decref(json);
        g_free(token);
        token = next_token(&reply);
    } while (token != NULL);
    return g_hash_table_size(seen);
}

static void
test_pagination(void **state)
{
    (void)state;
    fake_reset();
    fake.n_accounts = 23;
    fake.n_roles = 12;
    assert_int_equal(walk("/assignment/accounts?", "accountList", 1), 23);
    assert_int_equal(walk("/assignment/accounts?", "accountList", 7), 23);
    assert_int_equal(walk("/assignment/accounts?", "accountList", 23), 23);
    assert_int_equal(walk("/assignment/accounts?", "accountList", 100), 23);
    assert_int_equal(walk("/assignment/roles?account_id=000000000001&", "roleList", 5), 13);
    assert_int_equal(walk("/assignment/roles?account_id=000000000001&", "roleList", 13), 13);
}

/* ---- headers that every answer has ---- */

static void
test_security_headers(void **state)
{
    static const Row rows[] = {
        { .line = "GET /", .headers = HOST COOKIE },
        { .line = "GET /login", .headers = HOST },
        { .line = "GET /nothing", .headers = HOST },
        { .line = "GET /healthz", .headers = HOST },
        { .line = "GET /device?user_code=BCDFGHJK", .headers = HOST COOKIE },
        { .line = "GET /api/v1/roles", .headers = HOST BEARER },
        { .line = "GET /assets/style.css", .headers = HOST },
        { .line = "GET /", .headers = HOST },
    };
    static const struct {
        const char *name, *value;
    } wanted[] = {
        { "X-Content-Type-Options", "nosniff" },
        { "Referrer-Policy", "no-referrer" },
        { "X-Frame-Options", "DENY" },
        { "Strict-Transport-Security", "max-age=31536000; includeSubDomains" },
        { "Cross-Origin-Opener-Policy", "same-origin" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(Reply) reply = { 0 };
        fake_reset();
        reply = send_row(&rows[i]);
        for (gsize j = 0; j < G_N_ELEMENTS(wanted); j++) {
            g_autofree char *value = reply_header(&reply, wanted[j].name);
            assert_string_equal(value, wanted[j].value);
        }
        g_autofree char *policy = reply_header(&reply, "Content-Security-Policy");
        assert_true(g_str_has_prefix(policy, "default-src 'none';"));
        assert_non_null(strstr(policy, "frame-ancestors 'none'"));
        assert_null(strstr(policy, "unsafe"));
        g_autofree char *caching = reply_header(&reply, "Cache-Control");
        assert_string_equal(caching,
                            strstr(rows[i].line, "assets") != NULL ? "public, max-age=3600" : "no-store");
        assert_null(strstr(reply.body, "<script"));
        assert_null(strstr(reply.body, " style="));
        assert_null(strstr(reply.body, " onclick="));
    }
}

static void
test_clear_text_cookies(void **state)
{
    RbServer *clear = start("http://127.0.0.1:18800", NULL);
    g_auto(Reply) begun = { 0 };
    g_auto(Reply) home = { 0 };

    (void)state;
    fake_reset();
    begun = client_once(rb_server_port(clear, 0),
                        "GET /login?provider=corp HTTP/1.1\r\nHost: 127.0.0.1:18800\r\n\r\n");
    g_autofree char *cookie = reply_header(&begun, "Set-Cookie");
    assert_string_equal(cookie, "rolebridge_signin=browser-cookie; Path=/; Max-Age=900; HttpOnly");
    home = client_once(rb_server_port(clear, 0),
                       "GET / HTTP/1.1\r\nHost: 127.0.0.1:18800\r\nCookie: rolebridge_session=good\r\n\r\n");
    assert_int_equal(home.status, 200);
    g_autofree char *hsts = reply_header(&home, "Strict-Transport-Security");
    assert_null(hsts);
    rb_server_free(clear);
    fake.public_url = "https://bridge.example";
}

static void
test_start_alias(void **state)
{
    RbServeSetting setting = { .sso_start_url = "https://acme.awsapps.com/start" };
    RbServer *other = start("https://bridge.example", &setting);

    (void)state;
    for (gsize i = 0; i < 2; i++) {
        g_auto(Reply) reply =
            client_once(rb_server_port(other, 0),
                        i == 0 ? "HEAD /start HTTP/1.1\r\n" HOST "\r\n" : "HEAD / HTTP/1.1\r\n" HOST "\r\n");
        g_autofree char *location = reply_header(&reply, "Location");
        assert_int_equal(reply.status, 302);
        assert_string_equal(location, "https://acme.awsapps.com/start");
    }
    rb_server_free(other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_portal),
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_consent),
        cmocka_unit_test(test_aws),
        cmocka_unit_test(test_api),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_shows_the_limit),
        cmocka_unit_test(test_pages_of_refusals),
        cmocka_unit_test(test_console_form),
        cmocka_unit_test(test_noise_is_not_audited),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_one_provider_needs_no_choice),
        cmocka_unit_test(test_a_clients_token_is_no_cookie),
        cmocka_unit_test(test_signing_out_goes_on),
        cmocka_unit_test(test_answers_cannot_be_split),
        cmocka_unit_test(test_oidc),
        cmocka_unit_test(test_backchannel_refused),
        cmocka_unit_test(test_pagination),
        cmocka_unit_test(test_security_headers),
        cmocka_unit_test(test_clear_text_cookies),
        cmocka_unit_test(test_start_alias),
    };

    return cmocka_run_group_tests_name("http", tests, setup, teardown);
}
