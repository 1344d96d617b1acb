#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/priv.h"

#include <string.h>

static RbHttpResponse *
attempt(RbIssuer *issuer, const RbStsCall *call, guint ms, GError **error)
{
    const RbQueryCall query = { call->url, call->region, "sts", call->own, call->form, RB_STS_MAX_ANSWER };

    return rb_query_send(issuer->http, issuer->keys, &query, rb_clock_now(&issuer->clock), ms, error);
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
