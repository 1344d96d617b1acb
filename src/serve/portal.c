#include "base/encoding.h"
#include "serve/assets.h"
#include "serve/fields.h"
#include "serve/priv.h"

#include <string.h>

/* What a person's browser asks for: choosing how to sign in, the roles, the console, signing out. */

RbAnswer *
rb_answer_page(RbRequest *request, guint status, const char *name, json_t *data, const RbSession *session,
               GError **error)
{
    g_autoptr(GBytes) html = NULL;
    RbAnswer *answer;

    (void)json_object_set_new(data, "site", json_string(request->site->url)); /* our own, valid UTF-8 */
    if (session != NULL) {
        (void)json_object_set_new(data, "person", json_string(session->identity->name));
        (void)json_object_set_new(data, "csrf", json_string(session->csrf));
    }
    html = rb_page_render(request->site->pages, name, data, error);
    json_decref(data);
    if (html == NULL)
        return NULL;
    answer = rb_answer_new(status);
    rb_answer_body(answer, "text/html; charset=utf-8", g_bytes_get_data(html, NULL), g_bytes_get_size(html));
    return answer;
}

RbAnswer *
rb_sign_in_first(RbRequest *request, const char *next)
{
    g_autofree char *escaped = rb_uri_encode(next);
    g_autofree char *location = g_strconcat("/login?next=", escaped, NULL);

    (void)request;
    return rb_answer_redirect(302, location);
}

/* A session that is not there is an invitation to sign in; anything else that went wrong is not. */
static gboolean
is_signed_out(const GError *error)
{
    return rb_is_refusal(error, RB_SESSION_MISSING) || rb_is_refusal(error, RB_SESSION_EXPIRED);
}

RbSession *
rb_portal_session(RbRequest *request, RbAnswer **instead, GError **error)
{
    g_autoptr(GError) why = NULL;
    RbSession *session = rb_request_session(request, &why);

    if (session != NULL)
        return session;
    if (is_signed_out(why))
        *instead = rb_sign_in_first(request, request->target);
    else
        g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

/* ---- signing in ---- */

static gboolean
read_next(const RbRequest *request, const char **next, GError **error)
{
    *next = rb_request_query(request, "next");
    if (*next != NULL && !rb_local_path(*next))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "'next' is no path on this site");
    return TRUE;
}

static gboolean
read_mfa(const RbRequest *request, gboolean *mfa, GError **error)
{
    const char *value = rb_request_query(request, "mfa");

    if (value != NULL && strcmp(value, "1") != 0)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "'mfa' is neither '1' nor absent");
    *mfa = value != NULL;
    return TRUE;
}

RbAnswer *
rb_begin_sign_in(RbRequest *request, const char *provider, GError **error)
{
    g_autofree char *cookie_name = rb_site_cookie_name(request->site, RB_COOKIE_SIGN_IN);
    g_autofree char *session_name = rb_site_cookie_name(request->site, RB_COOKIE_SESSION);
    g_autoptr(RbBegun) begun = NULL;
    char *browser = NULL, *session = NULL;
    const char *next;
    gboolean mfa = FALSE;
    RbAnswer *answer;

    if (!read_next(request, &next, error) || !read_mfa(request, &mfa, error) ||
        !rb_cookie_find(request->cookie, cookie_name, &browser, error))
        return NULL;
    if (rb_cookie_find(request->cookie, session_name, &session, error))
        begun = rb_access_begin(request->site->access, rb_request_visit(request), provider, browser, session,
                                next, mfa, error);
    rb_wipe_free(browser);
    rb_wipe_free(session);
    if (begun == NULL)
        return NULL;
    answer = rb_answer_redirect(302, begun->url);
    rb_answer_cookie(answer, request->site, RB_COOKIE_SIGN_IN, rb_secret_reveal(begun->browser), 900, TRUE);
    return answer;
}

static json_t *
provider_choice(const RbProvider *provider, const char *next, gboolean mfa)
{
    g_autofree char *escaped = rb_uri_encode(next != NULL ? next : "/");
    g_autofree char *id = rb_uri_encode(rb_provider_id(provider));
    g_autofree char *url = g_strdup_printf("/login?provider=%s&next=%s%s", id, escaped, mfa ? "&mfa=1" : "");

    return json_pack("{s:s, s:s}", "title", rb_provider_title(provider), "url", url);
}

/* An OpenID Connect issuer may have to be asked before the browser goes there: that is work for the upstream
 * pool, which has an address of its own. */
static RbAnswer *
start_sign_in(RbRequest *request, const char *id, GError **error)
{
    const RbProvider *provider = rb_providers_find(rb_access_providers(request->site->access), id);
    g_autofree char *location = NULL;

    if (provider == NULL || strcmp(rb_provider_type(provider), "oidc") != 0)
        return rb_begin_sign_in(request, id, error);
    location = g_strconcat("/oidc/", id, "/login", request->raw_query == NULL ? NULL : "?",
                           request->raw_query, NULL);
    return rb_answer_redirect(302, location);
}

RbAnswer *
rb_handle_login(RbRequest *request, GError **error)
{
    RbProviders *providers = rb_access_providers(request->site->access);
    const char *chosen = rb_request_query(request, "provider"), *only = NULL, *next;
    json_t *choices;
    gboolean mfa = FALSE;
    guint n = 0;

    if (chosen != NULL)
        return start_sign_in(request, chosen, error);
    if (!read_next(request, &next, error) || !read_mfa(request, &mfa, error))
        return NULL;
    choices = json_array();
    for (guint i = 0; i < rb_providers_size(providers); i++) {
        const RbProvider *provider = rb_providers_item(providers, i);
        if (!rb_provider_signs_people_in(provider))
            continue;
        only = rb_provider_id(provider);
        (void)json_array_append_new(choices,
                                    provider_choice(provider, next, mfa)); /* memory is GLib's worry */
        n++;
    }
    if (n == 1) {
        json_decref(choices);
        return start_sign_in(request, only, error);
    }
    return rb_answer_page(request, 200, "sign-in", json_pack("{s:o}", "provider", choices), NULL, error);
}

/* ---- the roles page ---- */

static json_t *
reason_json(const RbReason *reason)
{
    json_t *conditions = json_array(), *claims = json_array();

    for (const char *const *c = reason->conditions; c != NULL && *c != NULL; c++)
        (void)json_array_append_new(conditions, json_string(*c));
    for (const RbClaim *c = reason->claims; c != NULL && c->attribute != NULL; c++)
        (void)json_array_append_new(claims,
                                    json_pack("{s:s, s:s}", "attribute", c->attribute, "value", c->value));
    return json_pack("{s:s*, s:o, s:s*, s:o}", "group", reason->group, "claim", claims, "assignment",
                     reason->assignment, "condition", conditions);
}

static char *
hours_text(gint64 seconds)
{
    if (seconds % 3600 == 0)
        return g_strdup_printf("%" G_GINT64_FORMAT " h", seconds / 3600);
    return g_strdup_printf("%" G_GINT64_FORMAT " min", seconds / 60);
}

static json_t *
grant_json(const RbGrant *grant)
{
    g_autofree char *account = rb_uri_encode(grant->account);
    g_autofree char *role = rb_uri_encode(grant->role);
    g_autofree char *console = g_strdup_printf("/console?account=%s&role=%s", account, role);
    g_autofree char *longest = hours_text(grant->max_session_s);
    json_t *reasons = json_array();

    for (guint i = 0; i < grant->n_reasons; i++)
        (void)json_array_append_new(reasons, reason_json(&grant->reasons[i]));
    return json_pack("{s:s, s:s, s:s*, s:s, s:s, s:s, s:b, s:b, s:o}", "role", grant->role, "title",
                     grant->role_title != NULL ? grant->role_title : grant->role, "purpose",
                     grant->role_purpose, "console", console, "longest", longest, "arn", grant->role_arn,
                     "privileged", grant->privileged, "chained", grant->chained, "reason", reasons);
}

/* Grants come sorted by account: each run of one account is one block. */
static json_t *
accounts_json(const RbDecision *decision)
{
    json_t *accounts = json_array(), *roles = NULL;
    const char *account = NULL;

    for (guint i = 0; i < decision->n_grants; i++) {
        const RbGrant *grant = &decision->grants[i];
        if (g_strcmp0(account, grant->account) != 0) {
            account = grant->account;
            roles = json_array();
            (void)json_array_append_new(accounts, json_pack("{s:s, s:s, s:s*, s:o}", "id", account, "name",
                                                            grant->account_name, "environment",
                                                            grant->environment, "grant", roles));
        }
        (void)json_array_append_new(roles, grant_json(grant));
    }
    return accounts;
}

static json_t *
near_miss_json(const RbNearMiss *miss, const char *mfa_url)
{
    g_autoptr(GError) error = NULL;
    const RbOutcome *outcome;

    (void)rb_refuse(&error, miss->code, "near miss"); /* only to look its words up */
    outcome = rb_outcome(error);
    return json_pack("{s:s, s:s, s:s, s:s*, s:s, s:s, s:s, s:s*, s:s*, s:s*}", "account", miss->account,
                     "name", miss->account_name, "role", miss->role, "title",
                     miss->role_title != NULL ? miss->role_title : miss->role, "what", outcome->what, "next",
                     outcome->next, "code", outcome->id, "detail", miss->detail, "owner", miss->owner, "mfa",
                     miss->code == RB_MAPPING_MFA_REQUIRED ? mfa_url : NULL);
}

static RbAnswer *
roles_page(RbRequest *request, const RbSession *session, GError **error)
{
    g_autoptr(RbDecision) decision =
        rb_access_decide(request->site->access, rb_request_visit(request), session);
    g_autofree char *provider = rb_uri_encode(session->identity->provider);
    g_autofree char *mfa_url = g_strdup_printf("/login?provider=%s&next=%%2F&mfa=1", provider);
    g_autofree char *until = rb_time_format(session->expires_at);
    json_t *misses = json_array();

    for (guint i = 0; i < decision->n_refusals; i++)
        (void)json_array_append_new(misses, near_miss_json(&decision->refusals[i], mfa_url));
    return rb_answer_page(request, 200, "roles",
                          json_pack("{s:o, s:o, s:s, s:b, s:i}", "account", accounts_json(decision), "miss",
                                    misses, "until", until, "mfa", session->identity->mfa, "groups",
                                    (int)session->identity->n_groups),
                          session, error);
}

RbAnswer *
rb_handle_home(RbRequest *request, GError **error)
{
    RbAnswer *instead = NULL;
    g_autoptr(GError) why = NULL;
    g_autoptr(RbSession) session = rb_request_session(request, &why);

    if (session != NULL)
        return roles_page(request, session, error);
    if (is_signed_out(why))
        instead = rb_sign_in_first(request, "/");
    else
        g_propagate_error(error, g_steal_pointer(&why));
    return instead;
}

/* ---- the console ---- */

/* A page that sends the form: by a script of our own or, where there is none, by the person. It shows nobody
 * signed in, so that this form is its only one. */
static RbAnswer *
console_form(RbRequest *request, const RbConsole *console, GError **error)
{
    json_t *data = json_pack("{s:s, s:s, s:s*}", "action", console->action, "response",
                             rb_secret_reveal(console->saml_response), "relay", console->relay_state);
    RbAnswer *answer = rb_answer_page(request, 200, "console", data, NULL, error);

    if (answer == NULL)
        return NULL;
    answer->form_action = g_strconcat(console->action, " ", console->leads_to, NULL);
    answer->script = TRUE;
    return answer;
}

RbAnswer *
rb_handle_console(RbRequest *request, GError **error)
{
    RbAnswer *instead = NULL;
    g_autoptr(RbSession) session = NULL;
    g_autoptr(RbConsole) console = NULL;
    const char *account = rb_request_need(request, "account", error);
    const char *role = account != NULL ? rb_request_need(request, "role", error) : NULL;

    if (role == NULL)
        return NULL;
    if (request->fetch_mode != NULL && strcmp(request->fetch_mode, "navigate") != 0) {
        /* a page of another site may link here, and must not make it happen unseen */
        (void)rb_refuse(error, RB_REQUEST_FORGED, "asked for by a page, not by a person who goes there");
        return NULL;
    }
    session = rb_portal_session(request, &instead, error);
    if (session == NULL)
        return instead;
    console = rb_access_console(request->site->access, rb_request_visit(request), session, account, role,
                                rb_request_query(request, "destination"), error);
    if (console == NULL)
        return NULL;
    return console->url != NULL ? rb_answer_redirect(302, rb_secret_reveal(console->url))
                                : console_form(request, console, error);
}

/* ---- signing out ---- */

static RbAnswer *
signed_out(RbRequest *request, const char *idp_url, GError **error)
{
    /* Chromium applies form-action to redirects as well: the way on to the IdP is a page's, not the form's.
     */
    RbAnswer *answer =
        rb_answer_page(request, 200, "signed-out", json_pack("{s:s*}", "idp", idp_url), NULL, error);

    if (answer == NULL)
        return NULL;
    rb_answer_cookie(answer, request->site, RB_COOKIE_SESSION, NULL, 0, FALSE);
    if (idp_url != NULL && rb_text_is_visible(idp_url, RB_TARGET_MAX)) /* else the page's link leads there */
        rb_answer_header(answer, "Refresh", g_strconcat("0; url=", idp_url, NULL));
    return answer;
}

RbAnswer *
rb_handle_logout(RbRequest *request, GError **error)
{
    g_autoptr(RbSession) session = NULL;
    g_autoptr(GError) why = NULL;
    g_autofree char *idp_url = NULL;

    if (request->bearer != NULL)
        return rb_handle_token_logout(request, error);
    session = rb_request_session(request, &why);
    if (session == NULL && is_signed_out(why))
        return rb_request_check_origin(request, error) ? signed_out(request, NULL, error) : NULL;
    if (session == NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    if (!rb_request_check_form(request, session, error) ||
        !rb_access_sign_out(request->site->access, rb_request_visit(request), session, &idp_url, error))
        return NULL;
    return signed_out(request, idp_url, error);
}

/* Where the identity provider's own sign-out ends. */
RbAnswer *
rb_handle_signed_out(RbRequest *request, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(RbSession) session = rb_request_session(request, &why);

    if (session != NULL)
        return rb_answer_redirect(302,
                                  "/"); /* this browser is signed in, perhaps again: it gets no other word */
    if (!is_signed_out(why)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    return signed_out(request, NULL, error);
}

/* ---- what is always the same ---- */

RbAnswer *
rb_handle_start_head(RbRequest *request, GError **error)
{
    if (request->site->sso_start_url != NULL)
        return rb_answer_redirect(302, request->site->sso_start_url);
    (void)rb_refuse(error, RB_REQUEST_NOT_FOUND, "no sso_start_url is configured");
    return NULL;
}

/* Who gave the AWS CLI our address without a path meant the same; browsers and monitors do not mind. */
RbAnswer *
rb_handle_home_head(RbRequest *request, GError **error)
{
    return request->site->sso_start_url != NULL ? rb_handle_start_head(request, error)
                                                : rb_handle_home(request, error);
}

RbAnswer *
rb_handle_asset(RbRequest *request, GError **error)
{
    const struct {
        const char *name, *type;
        const unsigned char *bytes;
        gsize size;
    } assets[] = {
        { "style.css", "text/css; charset=utf-8", rb_asset_style, rb_asset_style_size },
        { "icon.svg", "image/svg+xml", rb_asset_icon, rb_asset_icon_size },
        { "console.js", "text/javascript; charset=utf-8", rb_asset_console, rb_asset_console_size },
    };

    for (guint i = 0; i < G_N_ELEMENTS(assets); i++)
        if (strcmp(request->captured[0], assets[i].name) == 0) {
            RbAnswer *answer = rb_answer_new(200);
            rb_answer_body(answer, assets[i].type, assets[i].bytes, assets[i].size);
            answer->caching = RB_CACHE_ASSET;
            return answer;
        }
    (void)rb_refuse(error, RB_REQUEST_NOT_FOUND, "no such asset");
    return NULL;
}
