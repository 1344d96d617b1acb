#include "rolebridge/bridge.h"

#include "base/encoding.h"
#include "rolebridge/token.h"

#include <string.h>

#define INTEGER_MAX G_GINT64_CONSTANT(253402300799)

enum { ANSWER_MAX = 8 * 1024 * 1024, CONNECT_MS = 5000, TOTAL_MS = 30000 };

static const char *
text_in(const json_t *body, const char *member)
{
    const char *text = json_string_value(json_object_get(body, member));

    return text != NULL ? text : "";
}

/* What the bridge says in @body; the incident id is what an administrator finds it by. */
static char *
stated_message(const json_t *body)
{
    const char *message = text_in(body, "message"), *detail = text_in(body, "detail"),
               *incident = text_in(body, "incident");
    GString *text;

    if (*message == '\0')
        message = text_in(body, "error_description");
    text = g_string_new(*message != '\0' ? message : "the bridge refused");
    if (*detail != '\0')
        g_string_append_printf(text, " (%s)", detail);
    if (*incident != '\0' && strstr(text->str, incident) == NULL)
        g_string_append_printf(text, "; incident %s", incident);
    return g_string_free(text, FALSE);
}

/* (transfer full): our own code, as the JSON API and as the AWS-compatible calls name it, or by the
 * protocol's `error`. */
static char *
stated_id(const json_t *body)
{
    const char *code = text_in(body, "code"), *refusal = text_in(body, "refusal");

    if (*refusal != '\0')
        return g_strdup(refusal);
    return *code != '\0' ? g_strdup(code) : g_strconcat("sso.", text_in(body, "error"), NULL);
}

/* The error that the bridge states in @body. */
static gboolean
stated_error(int status, const json_t *body, GError **error)
{
    g_autofree char *id = stated_id(body);
    g_autofree char *text = stated_message(body);

    if (rb_outcome_by_id(id) != NULL)
        return rb_refuse_by_id(error, id, text);
    if (status == 401)
        return rb_refuse(error, RB_SESSION_EXPIRED, "%s", text);
    return rb_fault(error, RB_FAULT_NETWORK, "the bridge answered %d: %s", status, text);
}

static json_t *
send(RbCli *cli, const RbHttpRequest *request, GError **error)
{
    RbHttp *http = rb_cli_http(cli, error);
    g_autoptr(RbHttpResponse) response = http == NULL ? NULL : rb_http_fetch(http, request, error);
    gsize size;
    const char *bytes;
    json_t *json;

    if (response == NULL)
        return NULL;
    bytes = g_bytes_get_data(response->body, &size);
    json = size == 0 ? json_object() : json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
    if (response->status >= 200 && response->status < 300 && json_is_object(json))
        return json;
    if (json_is_object(json))
        (void)stated_error(response->status, json, error);
    else
        (void)rb_fault(error, RB_FAULT_NETWORK,
                       "the bridge answered %d, and not with JSON: is %s a rolebridge?", response->status,
                       cli->bridge);
    json_decref(json);
    return NULL;
}

static RbHttpRequest *
request_new(const RbCli *cli, const char *method, const char *path, const char *query, GError **error)
{
    g_autofree char *url = NULL;
    RbHttpRequest *request;

    if (cli->bridge == NULL) {
        (void)rb_refuse(error, RB_SESSION_MISSING,
                        "no bridge is configured; give its address once: rolebridge login URL");
        return NULL;
    }
    url = g_strconcat(cli->bridge, path, query != NULL ? "?" : "", query != NULL ? query : "", NULL);
    request = rb_http_request_new(method, url);
    rb_http_request_header(request, "Accept", "application/json");
    rb_http_request_limits(request, CONNECT_MS, TOTAL_MS, ANSWER_MAX);
    return request;
}

json_t *
rb_bridge_post(RbCli *cli, const char *path, json_t *body, GError **error)
{
    g_autoptr(RbHttpRequest) request = request_new(cli, "POST", path, NULL, error);
    char *text = json_dumps(body, JSON_COMPACT);
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    json_t *answer = NULL;

    if (request != NULL) {
        rb_http_request_body(request, "application/json", bytes);
        answer = send(cli, request, error);
    }
    rb_wipe(text, strlen(text));
    free(text);
    json_decref(body);
    return answer;
}

json_t *
rb_bridge_get(RbCli *cli, const char *path, const char *query, GError **error)
{
    g_autoptr(RbHttpRequest) request = request_new(cli, "GET", path, query, error);
    g_autoptr(RbToken) token = request == NULL ? NULL : rb_token_fresh(cli, error);

    if (token == NULL)
        return NULL;
    rb_http_request_header(request, "x-amz-sso_bearer_token", rb_secret_reveal(token->access_token));
    return send(cli, request, error);
}

gboolean
rb_bridge_sign_out(RbCli *cli, const RbSecret *access_token, GError **error)
{
    g_autoptr(RbHttpRequest) request = request_new(cli, "POST", "/logout", NULL, error);
    g_autoptr(GBytes) nothing = g_bytes_new(NULL, 0);
    json_t *answer;

    if (request == NULL)
        return FALSE;
    rb_http_request_header(request, "x-amz-sso_bearer_token", rb_secret_reveal(access_token));
    rb_http_request_body(request, "application/json", nothing);
    answer = send(cli, request, error);
    json_decref(answer);
    return answer != NULL;
}

const char *
rb_bridge_text(const json_t *answer, const char *member, GError **error)
{
    const char *text = json_string_value(json_object_get(answer, member));

    if (text == NULL)
        (void)rb_fault(error, RB_FAULT_NETWORK, "the bridge's answer has no '%s'", member);
    return text;
}

gboolean
rb_bridge_integer(const json_t *answer, const char *member, gint64 *value, GError **error)
{
    const json_t *number = json_object_get(answer, member);

    /* years 1970 to 9999 and no more: sums of two of them never overflow */
    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        json_integer_value(number) > INTEGER_MAX)
        return rb_fault(error, RB_FAULT_NETWORK, "the bridge's answer has no number '%s' that makes sense",
                        member);
    *value = json_integer_value(number);
    return TRUE;
}
