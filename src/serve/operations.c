#include "serve/priv.h"

#include <string.h>

/* For probes and monitoring. */

RbAnswer *
rb_handle_healthz(RbRequest *request, GError **error)
{
    static const char body[] = "{\"status\":\"ok\"}";
    RbAnswer *answer = rb_answer_new(200);

    (void)request;
    (void)error;
    rb_answer_body(answer, "application/json", body, sizeof body - 1);
    return answer;
}

RbAnswer *
rb_handle_readyz(RbRequest *request, GError **error)
{
    json_t *details = NULL, *answer;
    gboolean ready = rb_access_ready(request->site->access, &details);

    (void)error;
    answer = json_pack("{s:b}", "ready", ready);
    if (rb_networks_have(request->site->metrics_from,
                         &request->client)) /* files, addresses, accounts: not for all */
        (void)json_object_set(answer, "details", details);
    json_decref(details);
    return rb_answer_json(ready ? 200 : 503, answer);
}

static void
metric(GString *text, const char *name, const char *type, const char *help, guint64 value)
{
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n%s %" G_GUINT64_FORMAT "\n", name, help, name,
                           type, name, value);
}

RbAnswer *
rb_handle_metrics(RbRequest *request, GError **error)
{
    RbServeCounts *http = &request->site->counts;
    RbAccessCounts counts;
    g_autoptr(GString) text = g_string_new(NULL);
    RbAnswer *answer;

    if (!rb_networks_have(request->site->metrics_from, &request->client)) {
        (void)rb_refuse(error, RB_REQUEST_NOT_FOUND, "metrics are not for this address");
        return NULL;
    }
    counts = rb_access_counts(request->site->access);
    metric(text, "rolebridge_sign_ins_total", "counter", "Verified sign-ins.", counts.sign_ins);
    metric(text, "rolebridge_refusals_total", "counter", "Refused sign-ins, roles and requests.",
           counts.refusals);
    metric(text, "rolebridge_decisions_total", "counter", "Decisions that led to credentials.",
           counts.decisions);
    metric(text, "rolebridge_leases_total", "counter", "Credentials issued.", counts.leases);
    metric(text, "rolebridge_faults_total", "counter", "Requests that could not be decided.", counts.faults);
    metric(text, "rolebridge_mapping_reloads_total", "counter", "Mappings taken into use.", counts.reloads);
    metric(text, "rolebridge_mapping_reloads_refused_total", "counter", "Mappings refused for mistakes.",
           counts.reloads_refused);
    metric(text, "rolebridge_http_requests_total", "counter", "HTTP requests.",
           (guint)g_atomic_int_get(&http->requests));
    metric(text, "rolebridge_http_refused_total", "counter", "HTTP requests answered with an error.",
           (guint)g_atomic_int_get(&http->refused));
    metric(text, "rolebridge_http_busy_total", "counter", "HTTP requests turned away for want of a worker.",
           (guint)g_atomic_int_get(&http->busy));
    metric(text, "rolebridge_http_connections", "gauge", "Open connections.",
           (guint)g_atomic_int_get(&http->open));
    answer = rb_answer_new(200);
    rb_answer_body(answer, "text/plain; version=0.0.4; charset=utf-8", text->str, text->len);
    return answer;
}
