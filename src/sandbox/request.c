#include "sandbox/http.h"

#include <string.h>

static void
header_free(gpointer data)
{
    RbBoxHeader *header = data;

    g_free(header->name);
    g_free(header->value);
    g_free(header);
}

static RbBoxHeader *
header_new(const char *name, const char *value)
{
    RbBoxHeader *header = g_new0(RbBoxHeader, 1);

    header->name = g_strdup(name);
    header->value = g_strdup(value);
    return header;
}

RbBoxRequest *
rb_box_request_new(const char *method, const char *target, const char *peer, gboolean tls)
{
    RbBoxRequest *request = g_new0(RbBoxRequest, 1);
    const char *question = strchr(target, '?');

    request->method = g_strdup(method);
    request->path = question == NULL ? g_strdup(target) : g_strndup(target, (gsize)(question - target));
    request->query = g_strdup(question == NULL ? "" : question + 1);
    request->headers = g_ptr_array_new_with_free_func(header_free);
    request->body = g_string_new(NULL);
    request->peer = g_strdup(peer);
    request->tls = tls;
    return request;
}

void
rb_box_request_free(RbBoxRequest *request)
{
    if (request == NULL)
        return;
    g_free(request->method);
    g_free(request->path);
    g_free(request->query);
    g_free(request->peer);
    g_ptr_array_unref(request->headers);
    g_string_free(request->body, TRUE);
    g_free(request);
}

void
rb_box_request_add_header(RbBoxRequest *request, const char *name, const char *value)
{
    g_ptr_array_add(request->headers, header_new(name, value));
}

const char *
rb_box_request_header(const RbBoxRequest *request, const char *name)
{
    const char *found = NULL;

    for (guint i = 0; i < request->headers->len; i++) {
        const RbBoxHeader *header = request->headers->pdata[i];

        if (g_ascii_strcasecmp(header->name, name) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = header->value;
    }
    return found;
}

char *
rb_box_request_cookie(const RbBoxRequest *request, const char *name)
{
    const char *header = rb_box_request_header(request, "Cookie");
    g_auto(GStrv) pairs = g_strsplit(header == NULL ? "" : header, ";", 50);
    const char *found = NULL;

    for (guint i = 0; pairs[i] != NULL; i++) {
        char *pair = g_strstrip(pairs[i]);
        gsize size = strlen(name);

        if (strncmp(pair, name, size) != 0 || pair[size] != '=')
            continue;
        if (found != NULL)
            return NULL;
        found = pair + size + 1;
    }
    return g_strdup(found);
}

/* One side of "name=value": '+' is a blank, "%XX" a byte. Returns: NULL unless it is UTF-8 without NUL. */
static char *
field_decode(const char *text, gsize size)
{
    g_autoptr(GString) out = g_string_sized_new(size);

    for (gsize i = 0; i < size; i++) {
        int high, low;

        if (text[i] != '%') {
            g_string_append_c(out, text[i] == '+' ? ' ' : text[i]);
            continue;
        }
        if (i + 2 >= size)
            return NULL;
        high = g_ascii_xdigit_value(text[i + 1]);
        low = g_ascii_xdigit_value(text[i + 2]);
        if (high < 0 || low < 0)
            return NULL;
        g_string_append_c(out, (char)(high * 16 + low));
        i += 2;
    }
    if (strlen(out->str) != out->len || !g_utf8_validate(out->str, (gssize)out->len, NULL))
        return NULL;
    return g_string_free(g_steal_pointer(&out), FALSE);
}

GHashTable *
rb_box_fields(const char *encoded)
{
    g_autoptr(GHashTable) fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) pairs = g_strsplit(encoded, "&", RB_BOX_MAX_FIELDS + 1);

    if (g_strv_length(pairs) > RB_BOX_MAX_FIELDS)
        return NULL;
    for (guint i = 0; pairs[i] != NULL; i++) {
        const char *equals = strchr(pairs[i], '=');
        gsize size = equals == NULL ? strlen(pairs[i]) : (gsize)(equals - pairs[i]);
        g_autofree char *name = NULL, *value = NULL;

        if (pairs[i][0] == '\0')
            continue;
        name = field_decode(pairs[i], size);
        value = equals == NULL ? g_strdup("") : field_decode(equals + 1, strlen(equals + 1));
        if (name == NULL || value == NULL || g_hash_table_contains(fields, name))
            return NULL;
        g_hash_table_insert(fields, g_steal_pointer(&name), g_steal_pointer(&value));
    }
    return g_steal_pointer(&fields);
}

GHashTable *
rb_box_request_fields(const RbBoxRequest *request)
{
    const char *type = rb_box_request_header(request, "Content-Type");

    if (strcmp(request->method, "POST") != 0)
        return rb_box_fields(request->query);
    if (type == NULL || g_ascii_strncasecmp(type, "application/x-www-form-urlencoded", 33) != 0)
        return NULL;
    if (strlen(request->body->str) != request->body->len)
        return NULL;
    return rb_box_fields(request->body->str);
}

void
rb_box_answer_init(RbBoxAnswer *answer)
{
    answer->status = 404;
    answer->content_type = "text/plain; charset=utf-8";
    answer->body = g_string_new(NULL);
    answer->headers = g_ptr_array_new_with_free_func(header_free);
}

void
rb_box_answer_clear(RbBoxAnswer *answer)
{
    g_string_free(answer->body, TRUE);
    g_ptr_array_unref(answer->headers);
}

void
rb_box_answer_header(RbBoxAnswer *answer, const char *name, const char *value)
{
    g_ptr_array_add(answer->headers, header_new(name, value));
}

void
rb_box_answer_redirect(RbBoxAnswer *answer, const char *url)
{
    answer->status = 302;
    rb_box_answer_header(answer, "Location", url);
    rb_box_answer_header(answer, "Cache-Control", "no-store");
}

void
rb_box_answer_text(RbBoxAnswer *answer, int status, const char *content_type, const char *format, ...)
{
    va_list args;

    answer->status = status;
    answer->content_type = content_type;
    va_start(args, format);
    g_string_vprintf(answer->body, format, args);
    va_end(args);
}
