#include "rolebridge/callback.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "base/secret.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <string.h>

struct RbCallback {
    struct MHD_Daemon *daemon;
    RbSecret *state;
    char *uri;
    GMutex mutex;
    GCond cond;
    char *code, *denied; /* either ends the waiting; guarded by the mutex, as is: */
    gboolean shown;      /* the page that says so has been sent */
};

#define STYLE                                                                                                \
    ":root{color-scheme:light dark}body{margin:0 auto;max-width:34rem;padding:1rem;"                         \
    "font:1rem/1.5 system-ui,sans-serif}h1{font-size:1.5rem;line-height:1.25}"
#define PAGE(title, text)                                                                                    \
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "                      \
    "content=\"width=device-width, initial-scale=1\"><title>" title "</title><style>" STYLE                  \
    "</style><main><h1>" title "</h1><p>" text "</p></main></html>"

/* Nothing but this very style. */
static char *
content_policy(void)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize size = sizeof digest;
    g_autofree char *hash = NULL;

    g_checksum_update(checksum, (const guchar *)STYLE, strlen(STYLE));
    g_checksum_get_digest(checksum, digest, &size);
    hash = g_base64_encode(digest, size);
    return g_strdup_printf("default-src 'none'; style-src 'sha256-%s'", hash);
}

static enum MHD_Result
answer(struct MHD_Connection *connection, unsigned status, const char *page)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(page), (void *)page, MHD_RESPMEM_PERSISTENT);
    g_autofree char *policy = content_policy();
    enum MHD_Result result;

    (void)MHD_add_response_header(response, "Content-Type", "text/html; charset=utf-8");
    (void)MHD_add_response_header(response, "Content-Security-Policy", policy);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    (void)MHD_add_response_header(response, "Connection", "close");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result
handle(void *data, struct MHD_Connection *connection, const char *url, const char *method,
       const char *version, const char *upload, size_t *upload_size, void **request)
{
    RbCallback *callback = data;
    const char *state = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "state");
    const char *code = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "code");
    const char *denied = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "error");

    (void)version;
    (void)upload;
    (void)upload_size;
    if (!g_str_equal(method, "GET") || !g_str_equal(url, "/oauth/callback"))
        return answer(connection, MHD_HTTP_NOT_FOUND,
                      PAGE("Nothing here", "This address only ends a sign-in."));
    if (!rb_secret_equal_text(callback->state, state) || (code == NULL && denied == NULL))
        return answer(
            connection, MHD_HTTP_BAD_REQUEST,
            PAGE("Not this sign-in", "This answer belongs to another sign-in. Go back to your terminal."));
    g_mutex_lock(&callback->mutex);
    if (callback->code == NULL && callback->denied == NULL) { /* the first answer counts */
        callback->code = g_strdup(code);
        callback->denied = code == NULL ? g_strdup(denied) : NULL;
        *request = callback; /* on_completed() knows it by that */
    }
    g_mutex_unlock(&callback->mutex);
    return answer(connection, MHD_HTTP_OK,
                  code != NULL
                      ? PAGE("You are signed in", "You can close this page and go back to your terminal.")
                      : PAGE("Not signed in", "The sign-in was denied. Go back to your terminal."));
}

/* Wakes the waiting only now: who is woken may end the program, and the page with it. */
static void
on_completed(void *data, struct MHD_Connection *connection, void **request,
             enum MHD_RequestTerminationCode how)
{
    RbCallback *callback = data;

    (void)connection;
    (void)how; /* a browser that went away has had its chance */
    if (*request != callback)
        return;
    g_mutex_lock(&callback->mutex);
    callback->shown = TRUE;
    g_cond_signal(&callback->cond);
    g_mutex_unlock(&callback->mutex);
}

RbCallback *
rb_callback_new(const char *state, GError **error)
{
    g_autoptr(RbCallback) callback = g_new0(RbCallback, 1);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const union MHD_DaemonInfo *info;

    g_mutex_init(&callback->mutex);
    g_cond_init(&callback->cond);
    callback->state = rb_secret_new_text(state);
    callback->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, callback,
                                        MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT, 16u,
                                        MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_NOTIFY_COMPLETED,
                                        on_completed, callback, MHD_OPTION_END);
    info = callback->daemon == NULL ? NULL : MHD_get_daemon_info(callback->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL) {
        (void)rb_fault(error, RB_FAULT_NETWORK, "cannot listen on 127.0.0.1 for the browser; try --device");
        return NULL;
    }
    callback->uri = g_strdup_printf("http://127.0.0.1:%u/oauth/callback", (guint)info->port);
    return g_steal_pointer(&callback);
}

void
rb_callback_free(RbCallback *callback)
{
    if (callback == NULL)
        return;
    if (callback->daemon != NULL)
        MHD_stop_daemon(callback->daemon);
    rb_secret_unref(callback->state);
    g_free(callback->uri);
    rb_wipe_free(callback->code);
    g_free(callback->denied);
    g_mutex_clear(&callback->mutex);
    g_cond_clear(&callback->cond);
    g_free(callback);
}

const char *
rb_callback_uri(const RbCallback *callback)
{
    return callback->uri;
}

char *
rb_callback_wait(RbCallback *callback, guint wait_s, GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)wait_s * G_USEC_PER_SEC;
    char *code;

    g_mutex_lock(&callback->mutex);
    while (!callback->shown)
        if (!g_cond_wait_until(&callback->cond, &callback->mutex, end))
            break;
    code = g_steal_pointer(&callback->code);
    if (code == NULL && g_strcmp0(callback->denied, "access_denied") == 0)
        (void)rb_refuse(error, RB_SSO_DENIED, "the sign-in was denied in the browser");
    else if (code == NULL && callback->denied != NULL) {
        g_autofree char *quoted = rb_text_quote(callback->denied);
        (void)rb_refuse(error, RB_SSO_DENIED, "the browser came back with %s", quoted);
    } else if (code == NULL)
        (void)rb_refuse(error, RB_SSO_EXPIRED, "nobody signed in within %u minutes", wait_s / 60);
    g_mutex_unlock(&callback->mutex);
    return code;
}
