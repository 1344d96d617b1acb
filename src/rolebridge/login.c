#include "rolebridge/login.h"

#include "base/encoding.h"
#include "rolebridge/bridge.h"
#include "rolebridge/callback.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCOPE "sso:account:access"
#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"

enum { BROWSER_WAIT_S = 600, LOCK_WAIT_S = 660, INTERVAL_MAX_S = 60 };

/* Whether a browser can be opened where the person is looking. */
static gboolean
has_browser(void)
{
    if (g_getenv("BROWSER") != NULL)
        return TRUE;
    if (g_getenv("SSH_CONNECTION") != NULL || g_getenv("SSH_TTY") != NULL)
        return FALSE;
    return g_getenv("DISPLAY") != NULL || g_getenv("WAYLAND_DISPLAY") != NULL;
}

/* Registers this client; its id and secret go to @token. */
static gboolean
register_client(RbCli *cli, RbToken *token, gboolean device, GError **error)
{
    g_autofree char *name = g_strdup_printf("rolebridge on %s", g_get_host_name());
    json_t *body = json_pack("{s:s, s:s, s:[s], s:s}", "clientName", name, "clientType", "public", "scopes",
                             SCOPE, "issuerUrl", cli->bridge);
    json_t *answer;
    const char *id, *secret;
    gboolean ok;

    if (!device) {
        (void)json_object_set_new(body, "grantTypes",
                                  json_pack("[s, s]", "authorization_code", "refresh_token"));
        (void)json_object_set_new(body, "redirectUris", json_pack("[s]", "http://127.0.0.1/oauth/callback"));
    }
    answer = rb_bridge_post(cli, "/client/register", body, error);
    id = answer == NULL ? NULL : rb_bridge_text(answer, "clientId", error);
    secret = id == NULL ? NULL : rb_bridge_text(answer, "clientSecret", error);
    ok = secret != NULL &&
         rb_bridge_integer(answer, "clientSecretExpiresAt", &token->registration_expires_at, error);
    if (ok) {
        token->client_id = g_strdup(id);
        token->client_secret = rb_secret_new_text(secret);
    }
    json_decref(answer);
    return ok;
}

/* Asks /token with the members of @body and what every grant needs. */
static gboolean
ask_token(RbCli *cli, RbToken *token, const char *grant, json_t *body, GError **error)
{
    json_t *answer;
    const char *access, *refresh;
    gint64 expires_in;
    gboolean ok;

    (void)json_object_set_new(body, "grantType", json_string(grant));
    (void)json_object_set_new(body, "clientId", json_string(token->client_id));
    (void)json_object_set_new(body, "clientSecret", json_string(rb_secret_reveal(token->client_secret)));
    answer = rb_bridge_post(cli, "/token", body, error);
    access = answer == NULL ? NULL : rb_bridge_text(answer, "accessToken", error);
    ok = access != NULL && rb_bridge_integer(answer, "expiresIn", &expires_in, error);
    if (ok) {
        refresh = json_string_value(json_object_get(answer, "refreshToken"));
        token->access_token = rb_secret_new_text(access);
        token->refresh_token = refresh != NULL ? rb_secret_new_text(refresh) : NULL;
        token->expires_at = rb_clock_now(&cli->clock) + expires_in;
    }
    json_decref(answer);
    return ok;
}

static char *
pkce_challenge(const RbSecret *verifier)
{
    guint8 digest[32];

    rb_sha256(rb_secret_reveal(verifier), rb_secret_size(verifier), digest);
    return rb_base64url_encode(digest, sizeof digest);
}

static char *
authorize_url(const RbCli *cli, const RbToken *token, const char *redirect, const RbSecret *state,
              const RbSecret *verifier)
{
    g_autofree char *challenge = pkce_challenge(verifier);
    g_autofree char *client = rb_uri_encode(token->client_id), *uri = rb_uri_encode(redirect);
    g_autofree char *scope = rb_uri_encode(SCOPE);

    return g_strdup_printf("%s/authorize?response_type=code&client_id=%s&redirect_uri=%s&state=%s"
                           "&code_challenge_method=S256&scopes=%s&code_challenge=%s",
                           cli->bridge, client, uri, rb_secret_reveal(state), scope, challenge);
}

static gboolean
login_browser(RbCli *cli, RbToken *token, gboolean open_browser, GError **error)
{
    g_autoptr(RbSecret) state = rb_secret_new_random(16), verifier = rb_secret_new_random(48);
    g_autoptr(RbCallback) callback = rb_callback_new(rb_secret_reveal(state), error);
    g_autofree char *url = NULL, *code = NULL;
    json_t *body;

    if (callback == NULL || !register_client(cli, token, FALSE, error))
        return FALSE;
    url = authorize_url(cli, token, rb_callback_uri(callback), state, verifier);
    if (open_browser && rb_cli_open(url))
        fprintf(stderr, "Sign in in the browser window that opens. If none does, go to:\n\n  %s\n\n", url);
    else
        fprintf(stderr, "Go to this address in a browser on this machine:\n\n  %s\n\n", url);
    code = rb_callback_wait(callback, BROWSER_WAIT_S, error);
    if (code == NULL)
        return FALSE;
    body = json_pack("{s:s, s:s, s:s}", "code", code, "redirectUri", rb_callback_uri(callback),
                     "codeVerifier", rb_secret_reveal(verifier));
    rb_wipe(code, strlen(code));
    return ask_token(cli, token, "authorization_code", body, error);
}

/* Polls until somebody answered in a browser (RFC 8628 §3.5). */
static gboolean
poll_device(RbCli *cli, RbToken *token, const RbSecret *device_code, gint64 interval_s, gint64 until,
            GError **error)
{
    while (rb_clock_now(&cli->clock) < until) {
        g_autoptr(GError) refused = NULL;
        if (ask_token(cli, token, DEVICE_GRANT,
                      json_pack("{s:s}", "deviceCode", rb_secret_reveal(device_code)), &refused))
            return TRUE;
        if (rb_is_refusal(refused, RB_SSO_SLOW_DOWN))
            interval_s = MIN(interval_s + 5, INTERVAL_MAX_S);
        else if (!rb_is_refusal(refused, RB_SSO_PENDING)) {
            g_propagate_error(error, g_steal_pointer(&refused));
            return FALSE;
        }
        g_usleep((gulong)interval_s * G_USEC_PER_SEC);
    }
    return rb_refuse(error, RB_SSO_EXPIRED, "nobody confirmed the code in time");
}

static gboolean
login_device(RbCli *cli, RbToken *token, GError **error)
{
    json_t *answer;
    const char *device_code, *user_code, *uri, *complete;
    gint64 expires_in, interval = 5;
    gboolean ok;

    if (!register_client(cli, token, TRUE, error))
        return FALSE;
    answer = rb_bridge_post(cli, "/device_authorization",
                            json_pack("{s:s, s:s, s:s}", "clientId", token->client_id, "clientSecret",
                                      rb_secret_reveal(token->client_secret), "startUrl", cli->bridge),
                            error);
    device_code = answer == NULL ? NULL : rb_bridge_text(answer, "deviceCode", error);
    user_code = device_code == NULL ? NULL : rb_bridge_text(answer, "userCode", error);
    uri = user_code == NULL ? NULL : rb_bridge_text(answer, "verificationUri", error);
    ok = uri != NULL && rb_bridge_integer(answer, "expiresIn", &expires_in, error);
    if (ok) {
        g_autofree char *shown_uri = rb_text_printable(uri, 500),
                        *shown_code = rb_text_printable(user_code, 40);
        g_autoptr(RbSecret) code = rb_secret_new_text(device_code);
        complete = json_string_value(json_object_get(answer, "verificationUriComplete"));
        if (complete != NULL) {
            g_autofree char *shown = rb_text_printable(complete, 500);
            fprintf(stderr,
                    "Go to %s in any browser and compare the code:\n\n  %s\n\nOr straight to:\n\n  %s\n\n",
                    shown_uri, shown_code, shown);
        } else
            fprintf(stderr, "Go to %s in any browser and enter the code:\n\n  %s\n\n", shown_uri, shown_code);
        if (json_is_integer(json_object_get(answer, "interval")))
            interval = CLAMP(json_integer_value(json_object_get(answer, "interval")), 1, INTERVAL_MAX_S);
        ok = poll_device(cli, token, code, interval, rb_clock_now(&cli->clock) + expires_in, error);
    }
    json_decref(answer);
    return ok;
}

static RbToken *
login_locked(RbCli *cli, RbLoginWay way, gboolean open_browser, GError **error)
{
    g_autoptr(RbToken) token = g_new0(RbToken, 1);
    gboolean browser = way == RB_LOGIN_BROWSER || (way == RB_LOGIN_AUTO && has_browser());

    if (!(browser ? login_browser(cli, token, open_browser, error) : login_device(cli, token, error)) ||
        !rb_token_save(cli, token, error))
        return NULL;
    return g_steal_pointer(&token);
}

RbToken *
rb_login(RbCli *cli, RbLoginWay way, gboolean open_browser, GError **error)
{
    gint64 asked_at = rb_clock_now(&cli->clock);
    int lock = rb_cli_lock(cli, "login", LOCK_WAIT_S, error);
    RbToken *token = NULL;

    if (lock < 0)
        return NULL;
    /* Whoever waited for another sign-in uses its outcome: many callers at once never mean many browser tabs.
     */
    if (rb_clock_now(&cli->clock) > asked_at + 1)
        token = rb_token_fresh(cli, error);
    else
        token = login_locked(cli, way, open_browser, error);
    (void)close(lock);
    return token;
}
