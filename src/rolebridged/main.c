#include "base/log.h"
#include "base/process.h"
#include "rolebridged/notify.h"
#include "rolebridged/service.h"
#include "rolebridged/watch.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>

enum { LOOK_EVERY_MS = 500 };

typedef struct {
    GMainLoop *loop;
    RbService *service;
    RbWatch *watch;
} Daemon;

static gboolean
on_hangup(gpointer data)
{
    Daemon *daemon = data;

    rb_notify_reloading();
    rb_log(RB_LOG_INFO, "reloading", NULL);
    rb_service_reload(daemon->service);
    rb_notify("READY=1");
    return G_SOURCE_CONTINUE;
}

static gboolean
on_terminate(gpointer data)
{
    Daemon *daemon = data;

    g_main_loop_quit(daemon->loop);
    return G_SOURCE_REMOVE;
}

static gboolean
on_look(gpointer data)
{
    Daemon *daemon = data;

    if (rb_watch_settled(daemon->watch)) {
        rb_log(RB_LOG_INFO, "mapping.changed", NULL);
        rb_service_reload_mapping(daemon->service);
    }
    return G_SOURCE_CONTINUE;
}

static void
run(RbService *service, const RbConfig *config)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(RbWatch) watch = rb_watch_new(config->mappings_dir);
    Daemon daemon = { loop, service, watch };

    (void)g_unix_signal_add(SIGHUP, on_hangup, &daemon);
    (void)g_unix_signal_add(SIGTERM, on_terminate, &daemon);
    (void)g_unix_signal_add(SIGINT, on_terminate, &daemon);
    (void)g_timeout_add(LOOK_EVERY_MS, on_look, &daemon);
    rb_notify("READY=1");
    g_main_loop_run(loop);
    rb_notify("STOPPING=1");
    rb_log(RB_LOG_INFO, "stopping", NULL);
    (void)signal(SIGTERM, SIG_DFL); /* a second one does not wait for requests under way */
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGHUP, SIG_IGN);
}

static int
serve(const char *path)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbConfig) config = rb_config_load(path, problems);
    g_autoptr(RbService) service = NULL;
    g_autoptr(GError) why = NULL;

    if (config == NULL || config->identity_providers == NULL) {
        rb_service_print(problems);
        return 1;
    }
    rb_log_setup(config->log_level, config->log_json);
    service = rb_service_new(config, problems, &why);
    if (service == NULL) {
        rb_service_print(problems);
        rb_log(RB_LOG_ERROR, "not_started", "reason", why->message, NULL);
        return 1;
    }
    run(service, config);
    g_clear_pointer(&service, rb_service_free);
    rb_log(RB_LOG_INFO, "stopped", NULL);
    return 0;
}

int
main(int argc, char **argv)
{
    g_autofree char *config = NULL;
    gboolean check = FALSE, version = FALSE;
    const GOptionEntry entries[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config,
          "The configuration [/etc/rolebridge/rolebridge.yaml]", "FILE" },
        { "check", 0, 0, G_OPTION_ARG_NONE, &check,
          "Report every mistake in the configuration and the mapping, then exit", NULL },
        { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version, then exit", NULL },
        { NULL },
    };
    g_autoptr(GOptionContext) context = NULL;
    g_autoptr(GError) why = NULL;

    rb_process_harden(0);
    (void)setlocale(LC_CTYPE, ""); /* for what --help prints; stays "C" when there is none */
    context = g_option_context_new("- the rolebridge service");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &why) || argc > 1) {
        (void)fprintf(stderr, "rolebridged: %s; see rolebridged --help\n",
                      why != NULL ? why->message : "it takes options only");
        return 2;
    }
    if (version) {
        (void)printf("rolebridged %s\n", RB_VERSION);
        return 0;
    }
    if (config == NULL)
        config = g_strdup("/etc/rolebridge/rolebridge.yaml");
    return check ? rb_service_check(config) : serve(config);
}
