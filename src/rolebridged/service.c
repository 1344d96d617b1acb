#include "rolebridged/service.h"

#include "access/access.h"
#include "base/log.h"
#include "issue/issue.h"
#include "net/net.h"
#include "store/store.h"
#include "verify/verify.h"

#include <stdio.h>
#include <unistd.h>

enum { FIRST_TEND_MS = 5000 };

struct RbService {
    RbConfig *config; /* borrowed */
    RbHttp *http;
    RbProviders *providers;
    RbIssuer *issuer;
    RbStore *store;
    RbAccess *access;
    RbServer *server;
    GThread *tender;
    GMutex lock; /* the fields below */
    GCond changed;
    gboolean stopping, hurry, tended;
};

void
rb_service_print(RbDiagnostics *problems)
{
    g_autofree char *text = rb_diagnostics_to_text(problems, isatty(STDERR_FILENO) == 1);

    (void)fputs(text, stderr);
}

/* ---- what is due in the background ---- */

static void
warn_long_lived(RbService *service, gboolean *warned)
{
    json_t *status = rb_issuer_status(service->issuer, g_get_real_time() / G_USEC_PER_SEC);

    if (!*warned && json_is_true(json_object_get(status, "long_lived"))) {
        *warned = TRUE;
        rb_log(RB_LOG_WARNING, "aws.long_lived_key", "source",
               json_string_value(json_object_get(status, "source")), "outcome",
               "this service signs with an access key that never expires; use an instance, task or pod role",
               NULL);
    }
    json_decref(status);
}

static gpointer
tend(gpointer data)
{
    RbService *service = data;
    gboolean warned = FALSE;

    g_mutex_lock(&service->lock);
    while (!service->stopping) {
        gint64 due_s, until;
        service->hurry = FALSE;
        g_mutex_unlock(&service->lock);
        due_s = rb_access_tend(service->access);
        warn_long_lived(service, &warned);
        g_mutex_lock(&service->lock);
        service->tended = TRUE;
        g_cond_broadcast(&service->changed);
        until = g_get_monotonic_time() + due_s * G_USEC_PER_SEC;
        while (!service->stopping && !service->hurry &&
               g_cond_wait_until(&service->changed, &service->lock, until))
            ;
    }
    g_mutex_unlock(&service->lock);
    return NULL;
}

/* Waits until keys and credentials were fetched once, but not long: whoever cannot be reached now is not
 * ready, and the others serve. */
static void
start_tending(RbService *service)
{
    gint64 until = g_get_monotonic_time() + FIRST_TEND_MS * (G_USEC_PER_SEC / 1000);

    service->tender = g_thread_new("tend", tend, service);
    g_mutex_lock(&service->lock);
    while (!service->tended && g_cond_wait_until(&service->changed, &service->lock, until))
        ;
    g_mutex_unlock(&service->lock);
}

static void
stop_tending(RbService *service)
{
    if (service->tender == NULL)
        return;
    g_mutex_lock(&service->lock);
    service->stopping = TRUE;
    g_cond_broadcast(&service->changed);
    g_mutex_unlock(&service->lock);
    rb_http_stop(service->http); /* metadata that does not come is not waited for */
    (void)g_thread_join(service->tender);
}

/* ---- from the configuration to the rooms ---- */

static gboolean
load_rooms(RbService *service, RbDiagnostics *problems, GError **error)
{
    const RbConfig *config = service->config;
    const RbHttpOptions options = { .ca_file = config->ca_file };
    RbProviderSetting setting = { config->public_url, config->base_dir, config->skew_s, NULL,
                                  rb_config_secret };
    RbIssuerSetting how;

    service->http = rb_http_new(&options, error);
    if (service->http == NULL)
        return FALSE;
    setting.http = service->http;
    service->providers = rb_providers_load(config->identity_providers, config->mfa, &setting, problems);
    how = rb_config_issuer(config, service->http);
    service->issuer = rb_issuer_new(&how, problems);
    if (rb_diagnostics_count(problems) > 0 || service->providers == NULL || service->issuer == NULL)
        return rb_fault(error, RB_FAULT_FILE, "the configuration cannot be used");
    return TRUE;
}

static gboolean
open_access(RbService *service, RbDiagnostics *problems, GError **error)
{
    const RbConfig *config = service->config;
    RbAccessSetting setting = {
        .providers = service->providers,
        .issuer = service->issuer,
        .mappings_dir = config->mappings_dir,
        .public_url = config->public_url,
        .session_s = config->session_s,
        .idle_s = config->idle_s,
        .token_s = config->token_s,
        .clock = rb_clock_system(),
    };

    service->store = rb_store_open(config->store, error);
    if (service->store == NULL)
        return FALSE;
    setting.store = service->store;
    service->access = rb_access_new(&setting, problems, error);
    return service->access != NULL;
}

static gboolean
open_server(RbService *service, GError **error)
{
    g_autoptr(GBytes) certificate = NULL;
    g_autoptr(RbSecret) key = NULL;
    RbServeSetting setting;

    if (!rb_config_read_tls(service->config, &certificate, &key, error))
        return FALSE;
    setting = rb_config_serve(service->config, certificate, key);
    service->server = rb_server_new(&setting, service->access, error);
    return service->server != NULL;
}

/* A start and a stop are events like any other: between them the log shows who was served. */
static gboolean
record(RbService *service, const char *what, GError **error)
{
    g_autoptr(RbBatch) batch = rb_batch_new();
    RbVisit visit = { 0 };
    char incident[16];

    rb_access_visit(service->access, &visit, incident);
    rb_batch_audit(batch, RB_AUDIT_SERVICE, visit.now, incident,
                   json_pack("{s:s, s:s}", "outcome", what, "version", RB_VERSION));
    return rb_store_commit(service->store, batch, visit.now, error);
}

static void
log_started(const RbService *service)
{
    g_autofree char *mapping = NULL;
    json_t *details = NULL, *size, *state;
    const char *id;

    (void)rb_access_ready(service->access, &details);
    size = json_object_get(details, "mapping");
    mapping = g_strdup_printf("%" JSON_INTEGER_FORMAT " accounts, %" JSON_INTEGER_FORMAT
                              " roles, %" JSON_INTEGER_FORMAT " assignments",
                              json_integer_value(json_object_get(size, "accounts")),
                              json_integer_value(json_object_get(size, "roles")),
                              json_integer_value(json_object_get(size, "assignments")));
    for (guint i = 0; service->config->listen[i] != NULL; i++) {
        g_autofree char *port = g_strdup_printf("%u", rb_server_port(service->server, i));
        rb_log(RB_LOG_INFO, "listening", "address", service->config->listen[i], "port", port, "tls",
               service->config->tls != NULL ? "on" : "off", NULL);
    }
    json_object_foreach(json_object_get(details, "identity_providers"), id, state)
    {
        if (!json_is_true(json_object_get(state, "usable")))
            rb_log(RB_LOG_WARNING, "provider.not_ready", "provider", id, "outcome",
                   "nobody can sign in with it until its keys can be read", NULL);
    }
    rb_log(RB_LOG_INFO, "started", "version", RB_VERSION, "url", service->config->public_url, "mapping",
           mapping, NULL);
    json_decref(details);
}

static void
log_warnings(RbDiagnostics *problems)
{
    for (guint i = 0; i < rb_diagnostics_size(problems); i++) {
        const RbDiagnostic *row = rb_diagnostics_get(problems, i);
        g_autofree char *place = g_strdup_printf("%s:%u:%u", row->file, row->line, row->column);
        if (row->severity != RB_SEVERITY_ERROR)
            rb_log(RB_LOG_WARNING, "configuration", "place", place, "message", row->message, "hint",
                   row->hint, NULL);
    }
}

RbService *
rb_service_new(RbConfig *config, RbDiagnostics *problems, GError **error)
{
    g_autoptr(RbService) service = g_new0(RbService, 1);

    g_mutex_init(&service->lock);
    g_cond_init(&service->changed);
    service->config = config;
    if (!load_rooms(service, problems, error) || !open_access(service, problems, error))
        return NULL;
    log_warnings(problems);
    start_tending(service);
    if (!open_server(service, error) || !record(service, "started", error))
        return NULL;
    log_started(service);
    return g_steal_pointer(&service);
}

void
rb_service_free(RbService *service)
{
    g_autoptr(GError) why = NULL;

    if (service == NULL)
        return;
    if (service->server != NULL) {
        rb_server_free(service->server);
        if (!record(service, "stopped", &why))
            rb_log(RB_LOG_ERROR, "audit.lost", "what", "stop", "reason", why->message, NULL);
    }
    stop_tending(service);
    rb_access_free(service->access);
    rb_store_free(service->store);
    rb_issuer_free(service->issuer);
    rb_providers_free(service->providers);
    rb_http_free(service->http);
    g_cond_clear(&service->changed);
    g_mutex_clear(&service->lock);
    g_free(service);
}

/* ---- loading again ---- */

void
rb_service_reload_mapping(RbService *service)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GError) why = NULL;

    if (!rb_access_reload(service->access, problems, &why) && rb_diagnostics_count(problems) == 0)
        rb_log(RB_LOG_ERROR, "mapping.reload", "reason", why->message, "outcome", "keeping the old snapshot",
               NULL); /* with mistakes in files, access/ has said so */
    for (guint i = 0; i < rb_diagnostics_size(problems); i++) {
        const RbDiagnostic *row = rb_diagnostics_get(problems, i);
        g_autofree char *place = g_strdup_printf("%s:%u:%u", row->file, row->line, row->column);
        rb_log(RB_LOG_WARNING, "mapping.problem", "place", place, "message", row->message, "hint", row->hint,
               NULL);
    }
}

static void
reload_tls(RbService *service)
{
    g_autoptr(GBytes) certificate = NULL;
    g_autoptr(RbSecret) key = NULL;
    g_autoptr(GError) why = NULL;

    if (service->config->tls == NULL)
        return;
    if (rb_config_read_tls(service->config, &certificate, &key, &why) &&
        rb_server_reload_tls(service->server, certificate, key, &why))
        rb_log(RB_LOG_INFO, "tls.loaded", NULL);
    else
        rb_log(RB_LOG_ERROR, "tls.refused", "reason", why->message, "outcome", "keeping the old certificate",
               NULL);
}

void
rb_service_reload(RbService *service)
{
    rb_service_reload_mapping(service);
    reload_tls(service);
    rb_access_hurry(service->access);
    g_mutex_lock(&service->lock);
    service->hurry = TRUE;
    g_cond_broadcast(&service->changed);
    g_mutex_unlock(&service->lock);
}
