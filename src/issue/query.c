#include "issue/query.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/priv.h"

#include <string.h>

#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"

/* ---- forms ---- */

struct RbForm {
    GString *text;
};

RbForm *
rb_form_new(const char *action)
{
    RbForm *form = g_new(RbForm, 1);

    /* sized so that it is not moved, leaving copies of a token behind */
    form->text = g_string_sized_new(4096);
    g_string_append_printf(form->text, "Action=%s", action);
    return form;
}

void
rb_form_add(RbForm *form, const char *name, const char *value)
{
    char *encoded;

    if (value == NULL)
        return;
    encoded = rb_uri_encode(value);
    g_string_append_c(form->text, '&');
    g_string_append(form->text, name);
    g_string_append_c(form->text, '=');
    g_string_append(form->text, encoded);
    rb_wipe_free(encoded);
}

void
rb_form_add_number(RbForm *form, const char *name, gint64 value)
{
    g_string_append_printf(form->text, "&%s=%" G_GINT64_FORMAT, name, value);
}

static void
wipe_text(gpointer data)
{
    rb_wipe_free(data);
}

GBytes *
rb_form_end(RbForm *form)
{
    gsize size = form->text->len;
    char *text = g_string_free(form->text, FALSE);

    g_free(form);
    return g_bytes_new_with_free_func(text, size, wipe_text, text);
}

/* ---- sending ---- */

/* "host" as it will be sent, and the target, out of an endpoint that was checked when it was read. */
static void
split_url(const char *url, char **host, char **target)
{
    const char *start = strstr(url, "://") + 3;
    gsize size = strcspn(start, "/");

    *host = g_strndup(start, size);
    *target = g_strdup(start[size] != '\0' ? start + size : "/");
}

static gboolean
sign(RbSigv4Keys *keys, const RbQueryCall *call, gint64 now, RbHttpRequest *request, GError **error)
{
    g_autofree char *host = NULL, *target = NULL, *authorization = NULL;
    const RbCredentials *own = call->credentials;
    const RbSigv4Signer signer = { own->access_key_id, own->secret_access_key, own->session_token,
                                   call->region, call->service };
    gsize size;
    const void *body = g_bytes_get_data(call->form, &size);
    char date[17];

    split_url(call->url, &host, &target);
    {
        const RbSigv4Header headers[] = { { "Content-Type", FORM_TYPE }, { "Host", host } };
        const RbSigv4Request unsigned_request = { "POST", target, headers, 2, body, size };
        authorization = rb_sigv4_sign(keys, &signer, &unsigned_request, now, date, error);
    }
    if (authorization == NULL)
        return FALSE;
    rb_http_request_header(request, "Host", host);
    rb_http_request_header(request, "X-Amz-Date", date);
    if (own->session_token != NULL)
        rb_http_request_header(request, "X-Amz-Security-Token", rb_secret_reveal(own->session_token));
    rb_http_request_header(request, "Authorization", authorization);
    return TRUE;
}

RbHttpResponse *
rb_query_send(RbHttp *http, RbSigv4Keys *keys, const RbQueryCall *call, gint64 now, guint ms, GError **error)
{
    g_autoptr(RbHttpRequest) request = rb_http_request_new("POST", call->url);

    rb_http_request_body(request, FORM_TYPE, call->form);
    rb_http_request_limits(request, MIN(ms, 3000), ms, call->max_answer);
    if (call->credentials != NULL && !sign(keys, call, now, request, error))
        return NULL;
    return rb_http_fetch(http, request, error);
}

/* ---- answers ---- */

static json_t *read_node(const xmlNode *node);

static gboolean
is_member(const xmlNode *node)
{
    return strcmp((const char *)node->name, "member") == 0 || strcmp((const char *)node->name, "entry") == 0;
}

/* Takes @value over. FALSE: it has no place in @out. */
static gboolean
put(json_t *out, const xmlNode *node, json_t *value)
{
    const char *name = (const char *)node->name;
    gboolean fits = value != NULL && is_member(node) == json_is_array(out) &&
                    (json_is_array(out) || json_object_get(out, name) == NULL);

    if (!fits)
        json_decref(value);
    else if (json_is_array(out))
        (void)json_array_append_new(out, value);
    else
        fits = json_object_set_new(out, name, value) == 0;
    return fits;
}

/* NULL: an element twice, or members among others. */
static json_t *
read_children(const xmlNode *first)
{
    json_t *out = is_member(first) ? json_array() : json_object();

    for (const xmlNode *n = first; n != NULL; n = xmlNextElementSibling((xmlNode *)n))
        if (!put(out, n, read_node(n))) {
            json_decref(out);
            return NULL;
        }
    return out;
}

/* Text stands in one piece: a comment or an entity in it is not AWS's. */
static json_t *
read_node(const xmlNode *node)
{
    const xmlNode *first = xmlFirstElementChild((xmlNode *)node), *text = node->children;

    if (first != NULL)
        return read_children(first);
    if (text == NULL)
        return json_string("");
    if (text->next != NULL || text->type != XML_TEXT_NODE)
        return NULL;
    return json_string((const char *)text->content);
}

json_t *
rb_query_read(GBytes *xml, GError **error)
{
    g_autoptr(xmlDoc) doc = rb_aws_xml(g_bytes_get_data(xml, NULL), g_bytes_get_size(xml));
    const xmlNode *root = doc == NULL ? NULL : xmlDocGetRootElement(doc);
    json_t *inner = root == NULL ? NULL : read_node(root), *out;

    if (inner == NULL) {
        (void)rb_fault(error, RB_FAULT_STS, "AWS answered with something that is not its XML");
        return NULL;
    }
    out = json_object();
    (void)json_object_set_new(out, (const char *)root->name, inner);
    return out;
}
