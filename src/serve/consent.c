#include "base/encoding.h"
#include "serve/fields.h"
#include "serve/priv.h"

#include <string.h>

/* Where a person lets a client in: the authorization code and the device flow. Nothing happens without a
 * click on our own page. */

/* ---- GET and POST /authorize ---- */

typedef struct {
    const char *client_id, *redirect_uri, *state, *challenge, *scopes;
} Ask;

static gboolean
read_ask(const RbRequest *request, Ask *ask, GError **error)
{
    GHashTable *fields = request->method == RB_SEEN_POST ? request->form : request->query;

    if (fields == NULL)
        return rb_refuse(error, RB_SSO_INVALID_REQUEST, "without fields");
    *ask = (Ask){
        .client_id = g_hash_table_lookup(fields, "client_id"),
        .redirect_uri = g_hash_table_lookup(fields, "redirect_uri"),
        .state = g_hash_table_lookup(fields, "state"),
        .challenge = g_hash_table_lookup(fields, "code_challenge"),
        .scopes = g_hash_table_lookup(fields, "scopes"),
    };
    if (ask->scopes == NULL) /* RFC 6749's name for it */
        ask->scopes = g_hash_table_lookup(fields, "scope");
    if (ask->client_id == NULL || ask->redirect_uri == NULL || ask->challenge == NULL || ask->state == NULL)
        return rb_refuse(error, RB_SSO_INVALID_REQUEST,
                         "client_id, redirect_uri, state and code_challenge are all needed");
    if (!rb_text_is_visible(ask->redirect_uri, 2048) || !rb_text_is_visible(ask->state, 1024) ||
        !rb_text_is_visible(ask->client_id, 1024) || !rb_text_is_token(ask->challenge, 128))
        return rb_refuse(error, RB_SSO_INVALID_REQUEST, "a field with characters it cannot have");
    return TRUE;
}

static RbClient *
check_ask(RbRequest *request, const Ask *ask, GError **error)
{
    return rb_access_authorize_check(request->site->access, rb_request_visit(request), ask->client_id,
                                     ask->redirect_uri, ask->challenge, ask->scopes, error);
}

/* Only after check_ask: a redirect URI that is not the client's is never gone to. */
static RbAnswer *
back_to_client(const Ask *ask, const char *name, const char *value)
{
    g_autofree char *state = rb_uri_encode(ask->state);
    g_autofree char *escaped = rb_uri_encode(value);
    const char *uri = ask->redirect_uri;
    RbAnswer *answer;
    char *location;

    g_assert(uri != NULL); /* read_ask() said yes */
    location = g_strdup_printf("%s%c%s=%s&state=%s", uri, strchr(uri, '?') != NULL ? '&' : '?', name, escaped,
                               state);
    answer = rb_answer_redirect(303, location);
    rb_wipe_free(location);
    rb_wipe(escaped, strlen(escaped));
    return answer;
}

/* "http://127.0.0.1:33471" of the redirect URI: Chromium holds a form's redirect to the page's form-action.
 */
static char *
form_action_for(const char *redirect_uri, char **shown)
{
    g_autoptr(GUri) uri = g_uri_parse(redirect_uri, G_URI_FLAGS_NONE, NULL);
    const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
    int port = uri != NULL ? g_uri_get_port(uri) : -1;

    if (host == NULL)
        return NULL;
    *shown = port > 0 ? g_strdup_printf("%s:%d", host, port) : g_strdup(host);
    if (strchr(host, ':') != NULL) /* a CSP source cannot name an IPv6 address */
        return g_strdup_printf("%s:", g_uri_get_scheme(uri));
    return g_strdup_printf("%s://%s", g_uri_get_scheme(uri), *shown);
}

static RbAnswer *
consent_page(RbRequest *request, const RbSession *session, const Ask *ask, const RbClient *client,
             GError **error)
{
    g_autofree char *shown = NULL;
    g_autofree char *form_action = form_action_for(ask->redirect_uri, &shown);
    RbAnswer *answer;

    if (form_action == NULL) {
        (void)rb_refuse(error, RB_SSO_INVALID_REDIRECT, "the redirect URI has no host");
        return NULL;
    }
    answer = rb_answer_page(request, 200, "consent",
                            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s*}", "client", client->name,
                                      "returns_to", shown, "client_id", ask->client_id, "redirect_uri",
                                      ask->redirect_uri, "state", ask->state, "code_challenge",
                                      ask->challenge, "scopes", ask->scopes),
                            session, error);
    if (answer != NULL)
        answer->form_action = g_steal_pointer(&form_action);
    return answer;
}

RbAnswer *
rb_handle_authorize_page(RbRequest *request, GError **error)
{
    g_autoptr(RbClient) client = NULL;
    g_autoptr(RbSession) session = NULL;
    RbAnswer *instead = NULL;
    Ask ask = { 0 };

    if (!read_ask(request, &ask, error))
        return NULL;
    client = check_ask(request, &ask, error);
    if (client == NULL)
        return NULL;
    if (g_strcmp0(rb_request_query(request, "response_type"), "code") != 0)
        return back_to_client(&ask, "error", "unsupported_response_type");
    if (g_strcmp0(rb_request_query(request, "code_challenge_method"), "S256") != 0)
        return back_to_client(&ask, "error", "invalid_request");
    session = rb_portal_session(request, &instead, error);
    return session != NULL ? consent_page(request, session, &ask, client, error) : instead;
}

static gboolean
read_decision(const RbRequest *request, gboolean *allow, GError **error)
{
    const char *decision = rb_request_need(request, "decision", error);

    if (decision == NULL)
        return FALSE;
    *allow = strcmp(decision, "allow") == 0;
    if (!*allow && strcmp(decision, "deny") != 0)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "'decision' is neither 'allow' nor 'deny'");
    return TRUE;
}

RbAnswer *
rb_handle_authorize_answer(RbRequest *request, GError **error)
{
    g_autoptr(RbClient) client = NULL;
    g_autoptr(RbSession) session = rb_request_session(request, error);
    g_autoptr(RbSecret) code = NULL;
    gboolean allow = FALSE;
    Ask ask = { 0 };

    if (session == NULL || !rb_request_check_form(request, session, error) ||
        !read_ask(request, &ask, error) || !read_decision(request, &allow, error))
        return NULL;
    client = check_ask(request, &ask, error);
    if (client == NULL)
        return NULL;
    if (!allow)
        return back_to_client(&ask, "error", "access_denied");
    code = rb_access_authorize(request->site->access, rb_request_visit(request), session, ask.client_id,
                               ask.redirect_uri, ask.challenge, ask.scopes, error);
    return code != NULL ? back_to_client(&ask, "code", rb_secret_reveal(code)) : NULL;
}

/* ---- GET and POST /device ---- */

/* As a person types it: "bcdf ghjk" and "bcdfghjk" are BCDF-GHJK. */
static char *
tidy_code(const char *typed)
{
    g_autoptr(GString) code = g_string_new(NULL);

    for (; *typed != '\0' && code->len < 32; typed++)
        if (*typed != ' ' && *typed != '-')
            g_string_append_c(code, g_ascii_toupper(*typed));
    if (code->len == 8)
        g_string_insert_c(code, 4, '-');
    return g_strdup(code->str);
}

static RbAnswer *
device_page(RbRequest *request, const RbSession *session, const char *typed, GError **error)
{
    g_autofree char *code = tidy_code(typed);
    g_autoptr(RbDeviceAsk) ask =
        rb_access_device_ask(request->site->access, rb_request_visit(request), code, error);
    g_autofree char *since = NULL;
    g_autofree char *until = NULL;

    if (ask == NULL)
        return NULL;
    since = rb_time_format(ask->started_at);
    until = rb_time_format(ask->expires_at);
    return rb_answer_page(request, 200, "device",
                          json_pack("{s:s, s:s, s:s*, s:s, s:s, s:b}", "user_code", ask->user_code, "client",
                                    ask->client, "from", ask->source_ip, "since", since, "until", until,
                                    "here", g_strcmp0(ask->source_ip, request->source_ip) == 0),
                          session, error);
}

RbAnswer *
rb_handle_device_page(RbRequest *request, GError **error)
{
    RbAnswer *instead = NULL;
    g_autoptr(RbSession) session = rb_portal_session(request, &instead, error);
    const char *code = rb_request_query(request, "user_code");

    if (session == NULL)
        return instead;
    if (code == NULL || *code == '\0')
        return rb_answer_page(request, 200, "device-code", json_object(), session, error);
    return device_page(request, session, code, error);
}

RbAnswer *
rb_handle_device_answer(RbRequest *request, GError **error)
{
    g_autoptr(RbSession) session = rb_request_session(request, error);
    const char *typed;
    gboolean allow = FALSE;

    if (session == NULL || !rb_request_check_form(request, session, error) ||
        (typed = rb_request_need(request, "user_code", error)) == NULL ||
        !read_decision(request, &allow, error))
        return NULL;
    g_autofree char *code = tidy_code(typed);
    if (!rb_access_device_answer(request->site->access, rb_request_visit(request), session, code, allow,
                                 error))
        return NULL;
    return rb_answer_page(request, 200, "device-done", json_pack("{s:b}", "allowed", allow), session, error);
}
