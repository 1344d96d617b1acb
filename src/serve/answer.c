#include "serve/fields.h"
#include "serve/priv.h"

#include <string.h>

static void
header_free(gpointer data)
{
    RbHeader *header = data;

    rb_wipe_free(header->value);
    g_free(header);
}

RbAnswer *
rb_answer_new(guint status)
{
    RbAnswer *answer = g_new0(RbAnswer, 1);

    answer->status = status;
    answer->headers = g_ptr_array_new_with_free_func(header_free);
    return answer;
}

void
rb_answer_free(RbAnswer *answer)
{
    if (answer == NULL)
        return;
    rb_secret_unref(answer->body);
    g_ptr_array_unref(answer->headers);
    g_free(answer->form_action);
    g_free(answer);
}

static gboolean
fits_header(const char *value)
{
    for (; *value != '\0'; value++)
        if (*value < ' ' || *value > '~')
            return FALSE;
    return TRUE;
}

void
rb_answer_header(RbAnswer *answer, const char *name, char *value)
{
    RbHeader *header;

    if (!fits_header(value)) {
        answer->status = 500;
        rb_wipe_free(value);
        return;
    }
    header = g_new0(RbHeader, 1);
    header->name = name;
    header->value = value;
    g_ptr_array_add(answer->headers, header);
}

void
rb_answer_body(RbAnswer *answer, const char *content_type, const void *bytes, gsize size)
{
    rb_secret_unref(answer->body);
    answer->body = rb_secret_new(bytes, size);
    answer->content_type = content_type;
}

/* jansson keeps copies of what it is given: what must not stay in memory is overwritten in place before it is
 * released. */
static void
wipe_json(json_t *json)
{
    gsize i;
    const char *key;
    json_t *value;

    if (json_is_string(json))
        rb_wipe((char *)json_string_value(json), json_string_length(json));
    else if (json_is_array(json))
        json_array_foreach(json, i, value) wipe_json(value);
    else if (json_is_object(json))
        json_object_foreach(json, key, value) wipe_json(value);
}

RbAnswer *
rb_answer_json(guint status, json_t *json)
{
    RbAnswer *answer = rb_answer_new(status);
    char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);

    if (text != NULL) {
        rb_answer_body(answer, "application/json", text, strlen(text));
        rb_wipe(text, strlen(text));
        free(text);
    } else
        answer->status = 500; /* a value that is not JSON: a mistake of ours, and nothing leaves */
    wipe_json(json);
    json_decref(json);
    return answer;
}

RbAnswer *
rb_answer_redirect(guint status, const char *location)
{
    RbAnswer *answer = rb_answer_new(status);

    rb_answer_header(answer, "Location", g_strdup(location));
    return answer;
}

void
rb_answer_cookie(RbAnswer *answer, const RbSite *site, const char *name, const char *value, gint64 max_age_s,
                 gboolean cross_site)
{
    g_autofree char *full = rb_site_cookie_name(site, name);
    /* Without TLS a browser drops SameSite=None; there, IdP and rolebridge share a loopback address and with
     * it the site, so that the default does. */
    const char *same_site = !cross_site ? "; SameSite=Lax" : site->secure ? "; SameSite=None" : "";

    rb_answer_header(answer, "Set-Cookie",
                     g_strdup_printf("%s=%s; Path=/; Max-Age=%" G_GINT64_FORMAT "; HttpOnly%s%s", full,
                                     value != NULL ? value : "", value != NULL ? MAX(max_age_s, 1) : 0,
                                     same_site, site->secure ? "; Secure" : ""));
}

char *
rb_site_cookie_name(const RbSite *site, const char *name)
{
    return g_strconcat(site->secure ? "__Host-" : "", name, NULL);
}

gboolean
rb_site_set_url(RbSite *site, const char *url, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    const char *scheme = uri != NULL ? g_uri_get_scheme(uri) : NULL;
    const char *path = uri != NULL ? g_uri_get_path(uri) : "";
    const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
    gboolean secure = g_strcmp0(scheme, "https") == 0;

    if (host == NULL || *host == '\0' || (!secure && g_strcmp0(scheme, "http") != 0) ||
        (*path != '\0' && strcmp(path, "/") != 0) || g_uri_get_query(uri) != NULL ||
        g_uri_get_fragment(uri) != NULL || g_uri_get_userinfo(uri) != NULL)
        return rb_refuse(error, RB_REQUEST_MALFORMED,
                         "public_url '%s' must be https://host or https://host:port without a path", url);
    int port = g_uri_get_port(uri), usual = secure ? 443 : 80;
    g_autofree char *lower = g_ascii_strdown(host, -1);
    g_autofree char *bare = strchr(lower, ':') != NULL ? g_strdup_printf("[%s]", lower) : g_strdup(lower);
    site->secure = secure;
    site->host_with_port = g_strdup_printf("%s:%d", bare, port > 0 ? port : usual);
    site->host = g_strdup(port <= 0 || port == usual ? bare : site->host_with_port);
    site->origin = g_strdup_printf("%s://%s", scheme, site->host);
    site->url = g_strdup(site->origin);
    return TRUE;
}
