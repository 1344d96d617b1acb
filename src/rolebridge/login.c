#include "rolebridge/login.h"

#include "base/encoding.h"
#include "base/file.h"
#include "rolebridge/bridge.h"
#include "rolebridge/callback.h"
#include "rolebridge/lease.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCOPE "sso:account:access"
#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"

enum {
    BROWSER_WAIT_S = 600,
    LOCK_WAIT_S = 660,
    INTERVAL_MAX_S = 60,
    CALM_S = 120, /* after a sign-in by itself that failed */
    STAMP_MAX = 1024,
};

/* Whether a browser can be opened where the person is looking. */
static gboolean
has_browser(void)
{
    const char *stated = g_getenv("BROWSER");

    if (stated != NULL && *stated != '\0')
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
        token->issued_at = rb_clock_now(&cli->clock);
        token->expires_at = token->issued_at + expires_in;
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

/* Shows the code on stderr: text from outside. */
static void
show_code(const char *uri, const char *code, const char *complete)
{
    g_autofree char *shown_uri = rb_text_printable(uri, 500), *shown_code = rb_text_printable(code, 40);
    g_autofree char *shown = complete != NULL ? rb_text_printable(complete, 500) : NULL;

    if (shown != NULL)
        fprintf(stderr,
                "Go to %s in any browser and compare the code:\n\n  %s\n\nOr straight to:\n\n  %s\n\n",
                shown_uri, shown_code, shown);
    else
        fprintf(stderr, "Go to %s in any browser and enter the code:\n\n  %s\n\n", shown_uri, shown_code);
}

static gboolean
confirm_device(RbCli *cli, RbToken *token, const json_t *answer, GError **error)
{
    const char *device_code = rb_bridge_text(answer, "deviceCode", error);
    const char *user_code = device_code == NULL ? NULL : rb_bridge_text(answer, "userCode", error);
    const char *uri = user_code == NULL ? NULL : rb_bridge_text(answer, "verificationUri", error);
    const json_t *stated = json_object_get(answer, "interval");
    gint64 expires_in, interval = json_is_integer(stated) ? json_integer_value(stated) : 5;
    g_autoptr(RbSecret) code = NULL;

    if (uri == NULL || !rb_bridge_integer(answer, "expiresIn", &expires_in, error))
        return FALSE;
    code = rb_secret_new_text(device_code);
    show_code(uri, user_code, json_string_value(json_object_get(answer, "verificationUriComplete")));
    return poll_device(cli, token, code, CLAMP(interval, 1, INTERVAL_MAX_S),
                       rb_clock_now(&cli->clock) + expires_in, error);
}

static gboolean
login_device(RbCli *cli, RbToken *token, GError **error)
{
    json_t *answer;
    gboolean ok;

    if (!register_client(cli, token, TRUE, error))
        return FALSE;
    answer = rb_bridge_post(cli, "/device_authorization",
                            json_pack("{s:s, s:s, s:s}", "clientId", token->client_id, "clientSecret",
                                      rb_secret_reveal(token->client_secret), "startUrl", cli->bridge),
                            error);
    ok = answer != NULL && confirm_device(cli, token, answer, error);
    json_decref(answer);
    return ok;
}

static char *
stamp_path(const RbCli *cli)
{
    g_autofree char *name = g_strconcat("sign-in-failed-", cli->session, NULL);

    return g_build_filename(cli->cache_dir, name, NULL);
}

/*
 * The stamp: when the last sign-in by itself began or failed, and why. It is there from the beginning on, so
 * that one that is killed counts as failed. Best effort: without it the worst is one more tab.
 */
static void
stamp_write(const RbCli *cli, const char *why)
{
    g_autofree char *path = stamp_path(cli);
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT "\n%s\n", rb_clock_now(&cli->clock), why);

    if (rb_cli_make_folder(cli->cache_dir, NULL))
        (void)rb_file_write(path, text, strlen(text), 0600, NULL);
}

/* Refuses while the stamp is young. */
static gboolean
stamp_check(const RbCli *cli, GError **error)
{
    g_autofree char *path = stamp_path(cli), *text = NULL;
    g_autoptr(GBytes) bytes =
        g_file_test(path, G_FILE_TEST_EXISTS) ? rb_file_read(path, STAMP_MAX, NULL) : NULL;
    gint64 age, at;
    char *why;

    if (bytes == NULL)
        return TRUE;
    text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    why = strchr(text, '\n');
    if (why == NULL)
        return TRUE;
    *why = '\0';
    if (!g_ascii_string_to_signed(text, 10, 0, G_MAXINT32 * G_GINT64_CONSTANT(64), &at, NULL))
        return TRUE;
    age = rb_clock_now(&cli->clock) - at;
    if (age < 0 || age > CALM_S)
        return TRUE;
    return rb_refuse(error, RB_SESSION_MISSING,
                     "a sign-in that was started by itself %" G_GINT64_FORMAT
                     " s ago did not succeed (%s); no other browser tab is opened",
                     age, g_strchomp(why + 1));
}

static gboolean
sign_in(RbCli *cli, RbToken *token, const RbLoginAsk *ask, GError **error)
{
    gboolean browser = ask->way == RB_LOGIN_BROWSER || (ask->way == RB_LOGIN_AUTO && has_browser());
    g_autoptr(GError) forget = NULL;

    if (!browser && ask->by_itself && !isatty(STDERR_FILENO)) /* nobody would see the code */
        return rb_refuse(error, RB_SESSION_MISSING, "no browser can be opened here; sign in at a terminal");
    if (!(browser ? login_browser(cli, token, ask->open_browser, error) : login_device(cli, token, error)))
        return FALSE;
    if (!rb_lease_forget_all(cli, &forget)) /* they may be another person's */
        fprintf(stderr, "rolebridge: warning: credentials of an earlier sign-in may still be cached: %s\n",
                forget->message);
    return rb_token_save(cli, token, error);
}

static RbToken *
login_locked(RbCli *cli, const RbLoginAsk *ask, GError **error)
{
    g_autoptr(RbToken) token = g_new0(RbToken, 1);
    g_autoptr(GError) why = NULL;
    g_autofree char *path = stamp_path(cli);

    if (ask->by_itself)
        stamp_write(cli, "nobody answered");
    if (sign_in(cli, token, ask, &why)) {
        (void)unlink(path);
        return g_steal_pointer(&token);
    }
    if (ask->by_itself) {
        g_autofree char *line = rb_text_printable(why->message, 300);
        stamp_write(cli, line);
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

RbToken *
rb_login(RbCli *cli, const RbLoginAsk *ask, GError **error)
{
    g_autoptr(GError) held = NULL;
    gboolean waited;
    int lock = rb_cli_lock(cli, "login", 0, &waited, &held);
    RbToken *token = NULL;

    if (lock < 0 && !waited)
        g_propagate_error(error, g_steal_pointer(&held));
    else if (lock < 0) {
        fprintf(stderr, "Another sign-in is under way; waiting for it.\n");
        lock = rb_cli_lock(cli, "login", LOCK_WAIT_S, &waited, error);
        waited = TRUE;
    }
    if (lock < 0)
        return NULL;
    /* Many callers at once never mean many browser tabs: whoever comes late uses what the first one got. */
    if (waited || !ask->anew)
        token = rb_token_fresh(cli, NULL);
    if (token == NULL && (!ask->by_itself || stamp_check(cli, error)))
        token = login_locked(cli, ask, error);
    (void)close(lock);
    return token;
}

RbLease *
rb_login_lease(RbCli *cli, const char *account, const char *role, gint64 duration_s, gboolean sign_in,
               GError **error)
{
    const RbLoginAsk by_itself = { .way = RB_LOGIN_AUTO, .open_browser = TRUE, .by_itself = TRUE };
    g_autoptr(GError) first = NULL;
    g_autoptr(RbToken) token = NULL;
    RbLease *lease = rb_lease_get(cli, account, role, duration_s, FALSE, &first);

    if (lease != NULL)
        return lease;
    if (!sign_in || !(rb_is_refusal(first, RB_SESSION_EXPIRED) || rb_is_refusal(first, RB_SESSION_MISSING))) {
        g_propagate_error(error, g_steal_pointer(&first));
        return NULL;
    }
    token = rb_login(cli, &by_itself, error);
    return token == NULL ? NULL : rb_lease_get(cli, account, role, duration_s, FALSE, error);
}
