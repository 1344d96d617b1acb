#include "net/priv.h"

#include <string.h>

RbHttpRequest *
rb_http_request_new(const char *method, const char *url)
{
    RbHttpRequest *request = g_new0(RbHttpRequest, 1);

    request->method = g_strdup(method);
    request->url = g_strdup(url);
    request->connect_ms = 3000;
    request->total_ms = 10000;
    request->max_response = 1024 * 1024;
    return request;
}

void
rb_http_request_free(RbHttpRequest *request)
{
    if (request == NULL)
        return;
    for (struct curl_slist *h = request->headers; h != NULL; h = h->next)
        rb_wipe(h->data, strlen(h->data));
    curl_slist_free_all(request->headers);
    g_clear_pointer(&request->body, g_bytes_unref);
    rb_wipe_free(request->url);
    g_free(request->method);
    g_free(request->unix_socket);
    g_free(request);
}

/* RFC 9110 §5.1: a token; and no control character in the value, where a line break would begin a header. */
static gboolean
header_fits(const char *name, const char *value)
{
    if (name[0] == '\0')
        return FALSE;
    for (; *name != '\0'; name++)
        if (!g_ascii_isalnum(*name) && strchr("!#$%&'*+-.^_`|~", *name) == NULL)
            return FALSE;
    for (; *value != '\0'; value++)
        if (g_ascii_iscntrl(*value) && *value != '\t')
            return FALSE;
    return TRUE;
}

void
rb_http_request_header(RbHttpRequest *request, const char *name, const char *value)
{
    char *line;

    if (!header_fits(name, value)) {
        request->broken = TRUE;
        return;
    }
    /* "Name;" is how curl is told to send an empty value */
    line = value[0] != '\0' ? g_strconcat(name, ": ", value, NULL) : g_strconcat(name, ";", NULL);
    request->headers = curl_slist_append(request->headers, line);
    rb_wipe_free(line);
}

void
rb_http_request_body(RbHttpRequest *request, const char *content_type, GBytes *body)
{
    g_bytes_ref(body);
    g_clear_pointer(&request->body, g_bytes_unref);
    request->body = body;
    if (content_type != NULL)
        rb_http_request_header(request, "Content-Type", content_type);
}

void
rb_http_request_limits(RbHttpRequest *request, guint connect_ms, guint total_ms, gsize max_response)
{
    request->connect_ms = connect_ms;
    request->total_ms = total_ms;
    request->max_response = max_response;
}

void
rb_http_request_allow_link_local(RbHttpRequest *request)
{
    request->link_local = TRUE;
}

void
rb_http_request_unix_socket(RbHttpRequest *request, const char *path)
{
    g_free(request->unix_socket);
    request->unix_socket = g_strdup(path);
}

RbHttpResponse *
rb_response_new(const char *url)
{
    RbHttpResponse *response = g_new0(RbHttpResponse, 1);

    response->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    response->final_url = g_strdup(url);
    return response;
}

void
rb_http_response_free(RbHttpResponse *response)
{
    if (response == NULL)
        return;
    g_free(response->content_type);
    g_clear_pointer(&response->headers, g_hash_table_unref);
    g_clear_pointer(&response->body, g_bytes_unref);
    rb_wipe_free(response->final_url);
    g_free(response);
}

const char *
rb_http_response_header(const RbHttpResponse *response, const char *lower_case_name)
{
    return g_hash_table_lookup(response->headers, lower_case_name);
}

gboolean
rb_response_header_line(RbHttpResponse *response, const char *line, gsize size, gsize *total)
{
    const char *colon = memchr(line, ':', size);
    char *name, *value;

    *total += size;
    if (*total > RB_NET_MAX_HEADER_BYTES)
        return FALSE;
    if (g_ascii_strncasecmp(line, "HTTP/", MIN(size, 5)) ==
        0) { /* an interim answer's headers are not the answer's */
        g_hash_table_remove_all(response->headers);
        return TRUE;
    }
    if (colon == NULL)
        return TRUE;
    if (g_hash_table_size(response->headers) >= RB_NET_MAX_HEADERS)
        return FALSE;
    name = g_ascii_strdown(line, colon - line);
    value = g_strstrip(g_strndup(colon + 1, size - (gsize)(colon + 1 - line)));
    g_hash_table_replace(response->headers, name, value);
    return TRUE;
}

void
rb_arrival_add(RbArrival *arrival, const char *data, gsize size)
{
    if (arrival->size + size > arrival->capacity) { /* grown by hand: realloc would leave a copy behind */
        gsize capacity = MAX(MAX(arrival->capacity * 2, arrival->size + size), 4096);
        char *grown = g_malloc(capacity);
        if (arrival->size > 0)
            memcpy(grown, arrival->data, arrival->size);
        if (arrival->data != NULL)
            rb_wipe(arrival->data, arrival->size);
        g_free(arrival->data);
        arrival->data = grown;
        arrival->capacity = capacity;
    }
    memcpy(arrival->data + arrival->size, data, size);
    arrival->size += size;
}

static void
arrival_free(gpointer data)
{
    rb_arrival_clear(data);
    g_free(data);
}

GBytes *
rb_arrival_steal(RbArrival *arrival)
{
    RbArrival *owned = g_new(RbArrival, 1);

    *owned = *arrival;
    *arrival = (RbArrival){ 0 };
    return g_bytes_new_with_free_func(owned->data, owned->size, arrival_free, owned);
}

void
rb_arrival_clear(RbArrival *arrival)
{
    if (arrival->data != NULL)
        rb_wipe(arrival->data, arrival->size);
    g_free(arrival->data);
    *arrival = (RbArrival){ 0 };
}
