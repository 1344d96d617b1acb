#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/priv.h"

#include <string.h>

#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"

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

/* "host" as it will be sent, and the target, out of an endpoint that rb_issuer_new() has checked. */
static void
split_url(const char *url, char **host, char **target)
{
    const char *start = strstr(url, "://") + 3;
    gsize size = strcspn(start, "/");

    *host = g_strndup(start, size);
    *target = g_strdup(start[size] != '\0' ? start + size : "/");
}

static gboolean
sign(RbIssuer *issuer, const RbStsCall *call, RbHttpRequest *request, GError **error)
{
    g_autofree char *host = NULL, *target = NULL, *authorization = NULL;
    const RbSigv4Signer signer = { call->own->access_key_id, call->own->secret_access_key,
                                   call->own->session_token, call->region, "sts" };
    gsize size;
    const void *body = g_bytes_get_data(call->form, &size);
    char date[17];

    split_url(call->url, &host, &target);
    {
        const RbSigv4Header headers[] = { { "Content-Type", FORM_TYPE }, { "Host", host } };
        const RbSigv4Request unsigned_request = { "POST", target, headers, 2, body, size };
        authorization = rb_sigv4_sign(issuer->keys, &signer, &unsigned_request, rb_clock_now(&issuer->clock),
                                      date, error);
    }
    if (authorization == NULL)
        return FALSE;
    rb_http_request_header(request, "Host", host);
    rb_http_request_header(request, "X-Amz-Date", date);
    if (call->own->session_token != NULL)
        rb_http_request_header(request, "X-Amz-Security-Token", rb_secret_reveal(call->own->session_token));
    rb_http_request_header(request, "Authorization", authorization);
    return TRUE;
}

/* One attempt. Signed anew each time: a date from before a long wait would be refused. */
static RbHttpResponse *
attempt(RbIssuer *issuer, const RbStsCall *call, guint ms, GError **error)
{
    g_autoptr(RbHttpRequest) request = rb_http_request_new("POST", call->url);

    rb_http_request_body(request, FORM_TYPE, call->form);
    rb_http_request_limits(request, MIN(ms, 3000), ms, RB_STS_MAX_ANSWER);
    if (call->own != NULL && !sign(issuer, call, request, error))
        return NULL;
    return rb_http_fetch(issuer->http, request, error);
}

/* In the answer's head: for what says it nowhere else. */
static char *
request_id(const RbHttpResponse *response)
{
    const char *id = rb_http_response_header(response, "x-amzn-requestid");

    return g_strdup(id != NULL ? id : rb_http_response_header(response, "x-amz-request-id"));
}

/* Reads an answer. Returns: TRUE when it is final; then either @credentials or @error is set. */
static gboolean
read_answer(RbIssuer *issuer, const RbStsCall *call, const RbHttpResponse *response, gboolean last,
            RbCredentials **credentials, GError **error)
{
    gsize size;
    const char *data = g_bytes_get_data(response->body, &size);
    g_auto(RbStsError) failure = { 0 };

    if (response->status == 200) {
        *credentials = rb_sts_parse(data, size, rb_clock_now(&issuer->clock), error);
        if (*credentials != NULL && (*credentials)->request_id == NULL)
            (*credentials)->request_id = request_id(response);
        return TRUE;
    }
    rb_sts_parse_error(data, size, &failure);
    if (failure.request_id == NULL)
        failure.request_id = request_id(response);
    if (!last && rb_sts_retryable(response->status, &failure))
        return FALSE;
    (void)rb_sts_refuse(call, response->status, &failure, error);
    return TRUE;
}

/* Full jitter: somewhere between at once and twice as long as before, so that callers do not come in step. */
static void
pause_before(guint n, gint64 end_us)
{
    gint64 left_ms = (end_us - g_get_monotonic_time()) / 1000;
    guint limit = MIN(100u << MIN(n, 5u), 2000u);

    g_usleep(rb_issuer_jitter_ms((guint)CLAMP(left_ms, 1, (gint64)limit)) * 1000UL);
}

RbCredentials *
rb_sts_call(RbIssuer *issuer, const RbStsCall *call, GError **error)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)issuer->timeout_ms * 1000;

    for (guint n = 1;; n++) {
        gint64 left_ms = (end_us - g_get_monotonic_time()) / 1000;
        guint tries_left = issuer->max_attempts - n + 1;
        guint ms = (guint)MIN(MAX(left_ms / tries_left, 1000), MAX(left_ms, 1));
        g_autoptr(GError) reason = NULL;
        RbCredentials *credentials = NULL;
        g_autoptr(RbHttpResponse) response = attempt(issuer, call, ms, &reason);
        /* asking twice is harmless: AssumeRole has no effect but its answer */
        gboolean last = tries_left <= 1 || g_get_monotonic_time() >= end_us;
        if (response != NULL && read_answer(issuer, call, response, last, &credentials, error))
            return credentials;
        if (response == NULL && (last || !g_error_matches(reason, RB_FAULT, RB_FAULT_NETWORK))) {
            g_propagate_prefixed_error(error, g_steal_pointer(&reason), "%s, %u attempts: ", call->what, n);
            return NULL;
        }
        pause_before(n, end_us);
    }
}
