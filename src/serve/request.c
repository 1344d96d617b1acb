#include "base/encoding.h"
#include "serve/fields.h"
#include "serve/priv.h"

#include <stdlib.h>
#include <string.h>

RbRequest *
rb_request_new(RbSite *site, const char *target)
{
    RbRequest *request = g_new0(RbRequest, 1);

    request->site = site;
    request->target = strlen(target) <= RB_TARGET_MAX ? g_strdup(target) : NULL;
    request->content_length = -1;
    return request;
}

void
rb_request_free(RbRequest *request)
{
    if (request == NULL)
        return;
    rb_wipe_free(request->target); /* a SAML message or a code may be in it */
    rb_wipe_free(request->raw_query);
    g_free(request->path);
    g_clear_pointer(&request->query, g_hash_table_unref);
    g_clear_pointer(&request->form, g_hash_table_unref);
    json_decref(request->json);
    char *secrets[] = { request->cookie, request->authorization, request->bearer };
    for (guint i = 0; i < G_N_ELEMENTS(secrets); i++)
        rb_wipe_free(secrets[i]);
    char *texts[] = { request->host,         request->origin,     request->fetch_site,    request->fetch_mode,
                      request->accept,       request->user_agent, request->forwarded_for, request->source_ip,
                      request->content_type, request->captured[0] };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    if (request->body != NULL) {
        rb_wipe(request->body->data, request->body->len);
        g_byte_array_unref(request->body);
    }
    g_free(request);
}

/* ---- head ---- */

static char **
slot_for(RbRequest *request, const char *name)
{
    const struct {
        const char *name;
        char **slot;
    } slots[] = {
        { "host", &request->host },
        { "cookie", &request->cookie },
        { "origin", &request->origin },
        { "sec-fetch-site", &request->fetch_site },
        { "sec-fetch-mode", &request->fetch_mode },
        { "accept", &request->accept },
        { "content-type", &request->content_type },
        { "user-agent", &request->user_agent },
        { "x-forwarded-for", &request->forwarded_for },
        { "authorization", &request->authorization },
        { "x-amz-sso_bearer_token", &request->bearer },
    };

    for (guint i = 0; i < G_N_ELEMENTS(slots); i++)
        if (g_ascii_strcasecmp(name, slots[i].name) == 0)
            return slots[i].slot;
    return NULL;
}

/* RFC 9110 §5.6.2. "Content-Length :" is one header to some and another to others. */
static gboolean
is_header_name(const char *name)
{
    for (const char *p = name; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr("!#$%&'*+-.^_`|~", *p) == NULL)
            return FALSE;
    return *name != '\0';
}

gboolean
rb_request_header(RbRequest *request, const char *name, const char *value, GError **error)
{
    char **slot = slot_for(request, name);
    guint64 length;

    if (++request->n_headers > RB_HEADERS_MAX)
        return rb_refuse(error, RB_REQUEST_TOO_LARGE, "more than %d headers", RB_HEADERS_MAX);
    if (!is_header_name(name))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "a header whose name is none");
    if (g_ascii_strcasecmp(name, "content-length") == 0) {
        if (request->content_length >= 0 ||
            !g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT64, &length, NULL))
            return rb_refuse(error, RB_REQUEST_MALFORMED, "a Content-Length that is repeated or no number");
        request->content_length = (gint64)length;
    } else if (g_ascii_strcasecmp(name, "transfer-encoding") == 0) {
        gboolean again = request->chunked;
        request->chunked = TRUE;
        if (again || g_ascii_strcasecmp(value, "chunked") != 0)
            return rb_refuse(error, RB_REQUEST_MALFORMED, "a Transfer-Encoding other than one 'chunked'");
    } else if (slot != NULL && *slot == NULL) {
        if (!g_utf8_validate(value, -1, NULL))
            return rb_refuse(error, RB_REQUEST_MALFORMED, "a header that is not UTF-8");
        *slot = g_strdup(value);
    } else if (slot == &request->forwarded_for || slot == &request->accept) { /* lists by their nature */
        char *joined = g_strconcat(*slot, ",", value, NULL);
        g_free(*slot);
        *slot = joined;
    } else if (slot != NULL)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "header '%s' sent more than once", name);
    return TRUE;
}

static gboolean
read_target(RbRequest *request, GError **error)
{
    const char *mark;

    if (request->target == NULL)
        return rb_refuse(error, RB_REQUEST_TOO_LARGE, "a request target over %d bytes", RB_TARGET_MAX);
    if (*request->target != '/' || !rb_text_is_visible(request->target, RB_TARGET_MAX) ||
        strchr(request->target, '#') != NULL)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "a request target that is no path");
    mark = strchr(request->target, '?');
    gsize path_size = mark != NULL ? (gsize)(mark - request->target) : strlen(request->target);
    request->path = rb_percent_decode(request->target, path_size, FALSE, error);
    if (request->path == NULL)
        return FALSE;
    if (g_ascii_strncasecmp(request->path, "//", 2) == 0 || strchr(request->path, '\\') != NULL)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "a path that reads like another site");
    if (mark == NULL)
        return TRUE;
    request->raw_query = g_strdup(mark + 1);
    request->query = rb_fields_parse(mark + 1, strlen(mark + 1), RB_FIELDS_QUERY, error);
    return request->query != NULL;
}

static gboolean
check_host(const RbRequest *request, GError **error)
{
    const RbSite *site = request->site;

    if (request->route->flags & RB_ROUTE_ANY_HOST)
        return TRUE;
    if (request->host == NULL || (g_ascii_strcasecmp(request->host, site->host) != 0 &&
                                  g_ascii_strcasecmp(request->host, site->host_with_port) != 0)) {
        g_autofree char *shown = rb_text_quote(request->host != NULL ? request->host : "");
        return rb_refuse(error, RB_REQUEST_HOST, "asked as %s, not as '%s'", shown, site->host);
    }
    return TRUE;
}

static gboolean
check_size(const RbRequest *request, GError **error)
{
    if (request->chunked && request->content_length >= 0)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "both Content-Length and Transfer-Encoding");
    if (request->content_length > (gint64)request->route->body_max)
        return rb_refuse(error, RB_REQUEST_TOO_LARGE, "a body of %" G_GINT64_FORMAT " bytes, %zu are read",
                         request->content_length, request->route->body_max);
    if (request->chunked && request->route->body_max == 0)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "a body where none is read");
    return TRUE;
}

static RbMethod
method_of(const char *method)
{
    static const char *const names[] = {
        [RB_SEEN_GET] = "GET", [RB_SEEN_HEAD] = "HEAD", [RB_SEEN_POST] = "POST"
    };

    for (guint i = RB_SEEN_GET; i < G_N_ELEMENTS(names); i++)
        if (strcmp(method, names[i]) == 0)
            return (RbMethod)i;
    return RB_SEEN_OTHER;
}

gboolean
rb_request_read_head(RbRequest *request, const char *method, const RbAddress *peer, GError **error)
{
    request->method = method_of(method);
    request->client = *peer; /* until more is known */
    if (!rb_address_seen_through(peer, request->forwarded_for, request->site->proxies, &request->client,
                                 error))
        return FALSE;
    if (!read_target(request, error))
        return FALSE;
    request->route = rb_route_find(request, error);
    if (request->route == NULL || !check_host(request, error) || !check_size(request, error))
        return FALSE;
    return !(request->route->flags & RB_ROUTE_RATED) ||
           rb_rate_take(request->site->rate, &request->client, g_get_monotonic_time() / 1000, error);
}

/* ---- body ---- */

static gboolean
content_type_is(const RbRequest *request, const char *type)
{
    gsize n = strlen(type);

    if (request->content_type == NULL || g_ascii_strncasecmp(request->content_type, type, n) != 0)
        return FALSE;
    return strchr("; ", request->content_type[n]) != NULL; /* also matches the end */
}

gboolean
rb_request_read_body(RbRequest *request, GError **error)
{
    const char *bytes = request->body != NULL ? (const char *)request->body->data : "";
    gsize size = request->body != NULL ? request->body->len : 0;
    json_error_t why;

    if (size == 0)
        return TRUE;
    if (content_type_is(request, "application/x-www-form-urlencoded")) {
        request->form = rb_fields_parse(bytes, size, RB_FIELDS_FORM, error);
        return request->form != NULL;
    }
    if (content_type_is(request, "application/json") ||
        content_type_is(request, "application/x-amz-json-1.1")) {
        request->json = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &why);
        if (request->json == NULL || !json_is_object(request->json))
            return rb_refuse(error, RB_REQUEST_MALFORMED, "a body that is no JSON object, at byte %d",
                             why.position);
        return TRUE;
    }
    return rb_refuse(error, RB_REQUEST_MALFORMED,
                     "a body that is neither a form nor JSON by its Content-Type");
}

gboolean
rb_request_text(const RbRequest *request, const char *json_name, const char *form_name, const char **value,
                GError **error)
{
    const json_t *member = request->json != NULL ? json_object_get(request->json, json_name) : NULL;

    *value = NULL;
    if (request->json == NULL) {
        *value = request->form != NULL ? g_hash_table_lookup(request->form, form_name) : NULL;
        return TRUE;
    }
    if (member != NULL && !json_is_null(member) && !json_is_string(member))
        return rb_refuse(error, RB_SSO_INVALID_REQUEST, "'%s' is not a string", json_name);
    *value = json_string_value(member);
    return TRUE;
}

const char *
rb_request_query(const RbRequest *request, const char *name)
{
    return request->query != NULL ? g_hash_table_lookup(request->query, name) : NULL;
}

const char *
rb_request_need(const RbRequest *request, const char *name, GError **error)
{
    GHashTable *fields = request->method == RB_SEEN_POST ? request->form : request->query;
    const char *value = fields != NULL ? g_hash_table_lookup(fields, name) : NULL;

    if (value == NULL || *value == '\0') {
        (void)rb_refuse(error, RB_REQUEST_MALFORMED, "without '%s'", name);
        return NULL;
    }
    return value;
}

/* ---- who ---- */

const RbVisit *
rb_request_visit(RbRequest *request)
{
    if (!request->visited) {
        rb_access_visit(request->site->access, &request->visit, request->incident);
        request->source_ip = rb_address_text(&request->client);
        request->visit.source_ip = request->source_ip;
        request->visit.user_agent = request->user_agent;
        request->visited = TRUE;
    }
    return &request->visit;
}

RbSession *
rb_request_session(RbRequest *request, GError **error)
{
    g_autofree char *name = rb_site_cookie_name(request->site, RB_COOKIE_SESSION);
    g_autoptr(RbSession) session = NULL;
    char *cookie = NULL;

    if (!rb_cookie_find(request->cookie, name, &cookie, error))
        return NULL;
    if (cookie == NULL) {
        (void)rb_refuse(error, RB_SESSION_MISSING, "no session cookie was sent");
        return NULL;
    }
    session = rb_access_session(request->site->access, rb_request_visit(request), cookie, error);
    rb_wipe_free(cookie);
    if (session != NULL && session->client != NULL) {
        /* a client's token never becomes a browser's session: it could not be told apart at the consent page
         */
        (void)rb_refuse(error, RB_SESSION_MISSING, "the cookie holds the token of a client");
        return NULL;
    }
    return g_steal_pointer(&session);
}

RbSession *
rb_request_token(RbRequest *request, GError **error)
{
    const char *token = request->bearer;

    if (token == NULL && request->authorization != NULL &&
        g_ascii_strncasecmp(request->authorization, "Bearer ", 7) == 0)
        token = request->authorization + 7;
    if (token == NULL || !rb_text_is_visible(token, 4096) || *token == '\0') {
        (void)rb_refuse(error, RB_SESSION_MISSING, "no token was sent");
        return NULL;
    }
    return rb_access_session(request->site->access, rb_request_visit(request), token, error);
}

gboolean
rb_request_check_origin(const RbRequest *request, GError **error)
{
    /* Our Referrer-Policy makes browsers send "Origin: null" with our own forms (Fetch, "append a request
     * Origin header"); Sec-Fetch-Site then tells who it was, and the csrf field in any case. */
    const char *origin = g_strcmp0(request->origin, "null") == 0 ? NULL : request->origin;

    if (request->fetch_site != NULL && strcmp(request->fetch_site, "same-origin") != 0 &&
        strcmp(request->fetch_site, "none") != 0)
        return rb_refuse(error, RB_REQUEST_FORGED, "sent by another site's page");
    if (origin != NULL && g_ascii_strcasecmp(origin, request->site->origin) != 0)
        return rb_refuse(error, RB_REQUEST_FORGED, "sent by a page of another origin");
    return TRUE;
}

gboolean
rb_request_check_form(const RbRequest *request, const RbSession *session, GError **error)
{
    const char *sent = request->form != NULL ? g_hash_table_lookup(request->form, "csrf") : NULL;
    g_autoptr(RbSecret) wanted = NULL;

    if (!rb_request_check_origin(request, error))
        return FALSE;
    wanted = rb_secret_new_text(session->csrf);
    if (sent == NULL || !rb_secret_equal_text(wanted, sent))
        return rb_refuse(error, RB_REQUEST_FORGED, "the form's csrf field is missing or not this session's");
    return TRUE;
}
