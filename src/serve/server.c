#include "serve/server.h"

#include "base/log.h"

#include <gnutls/gnutls.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* TLS 1.2 with forward secrecy and AEAD, TLS 1.3; nothing else. */
#define RB_TLS_PRIORITIES                                                                                    \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-128-GCM:"   \
    "+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE"

enum { RB_RATE_PER_S = 50, RB_RATE_BURST = 500 };

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)

/* ---- the setting ---- */

static gboolean
check_tls(GBytes *certificate, const RbSecret *key, GError **error)
{
    gsize size = 0;
    const void *bytes = certificate != NULL ? g_bytes_get_data(certificate, &size) : NULL;

    if (certificate == NULL && key == NULL)
        return TRUE;
    if (certificate == NULL || key == NULL || size == 0 || size > 1024 * 1024)
        return rb_fault(error, RB_FAULT_FILE, "TLS needs a certificate and a key; one of them is missing");
    g_autoptr(BIO) chain = BIO_new_mem_buf(bytes, (int)size);
    g_autoptr(BIO) secret = BIO_new_mem_buf(rb_secret_reveal(key), (int)rb_secret_size(key));
    g_autoptr(X509) leaf = PEM_read_bio_X509(chain, NULL, NULL, NULL);
    g_autoptr(EVP_PKEY) pkey = PEM_read_bio_PrivateKey(secret, NULL, NULL, (void *)"");
    if (leaf == NULL)
        return rb_fault(error, RB_FAULT_FILE, "the TLS certificate is no PEM certificate");
    if (pkey == NULL)
        return rb_fault(error, RB_FAULT_FILE, "the TLS key is no PEM private key, or is encrypted");
    if (X509_check_private_key(leaf, pkey) != 1)
        return rb_fault(error, RB_FAULT_FILE, "the TLS key does not belong to the TLS certificate");
    return TRUE;
}

gboolean
rb_serve_check(const RbServeSetting *setting, GError **error)
{
    g_autoptr(GArray) proxies = NULL;
    g_autoptr(GArray) metrics = NULL;
    struct sockaddr_storage address;
    socklen_t size;

    if (setting->listen == NULL || setting->listen[0] == NULL)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "there is no address to listen on");
    for (const char *const *text = setting->listen; *text != NULL; text++)
        if (!rb_listen_parse(*text, &address, &size, error))
            return FALSE;
    proxies = rb_networks_parse(setting->trusted_proxies, error);
    metrics = proxies != NULL ? rb_networks_parse(setting->metrics_from, error) : NULL;
    if (metrics == NULL)
        return FALSE;
    if (setting->sso_start_url != NULL && !g_str_has_prefix(setting->sso_start_url, "https://"))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "sso_start_url '%s' must be an https:// URL",
                         setting->sso_start_url);
    return check_tls(setting->tls_certificate, setting->tls_key, error);
}

/* ---- loops ---- */

static void
library_says(void *data, const char *format, va_list args)
{
    g_autofree char *text = g_strdup_vprintf(format, args);

    (void)data;
    rb_log(RB_LOG_DEBUG, "http.library", "text", g_strchomp(text), NULL);
}

static enum MHD_Result
admit(void *data, const struct sockaddr *address, socklen_t size)
{
    RbLoop *loop = data;
    RbAddress peer;

    (void)size;
    return rb_address_from_socket(address, &peer) && rb_peers_admit(loop->server->peers, &peer) ? MHD_YES
                                                                                                : MHD_NO;
}

static void
connection_changed(void *data, struct MHD_Connection *connection, void **context,
                   enum MHD_ConnectionNotificationCode what)
{
    RbLoop *loop = data;
    RbServer *server = loop->server;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*context != NULL) {
            rb_peers_close(server->peers, *context);
            g_atomic_int_add(&server->site.counts.open, -1);
        }
        *context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    RbAddress peer;
    if (info == NULL || !rb_address_from_socket(info->client_addr, &peer))
        return;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *context = rb_peers_open(server->peers, info->connect_fd, &peer,
                             g_get_monotonic_time() / G_USEC_PER_SEC + server->limits.read_s);
    g_atomic_int_inc(&server->site.counts.open);
}

static size_t
leave_escaped(void *data, struct MHD_Connection *connection, char *text)
{
    (void)data;
    (void)connection;
    return strlen(text); /* the target is decoded once, strictly, in request.c */
}

static void
loop_free(gpointer data)
{
    RbLoop *loop = data;

    if (loop->daemon != NULL)
        MHD_stop_daemon(loop->daemon);
    g_free(loop);
}

static RbLoop *
loop_new(RbServer *server, int fd, GBytes *certificate, const RbSecret *key, GError **error)
{
    RbLoop *loop = g_new0(RbLoop, 1);
    g_autofree char *chain = NULL;
    struct MHD_OptionItem tls[4] = { { MHD_OPTION_END, 0, NULL } }, many[2] = { { MHD_OPTION_END, 0, NULL } };
    unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    int own = dup(fd);

    loop->server = server;
    if (certificate != NULL) {
        chain = g_strndup(g_bytes_get_data(certificate, NULL), g_bytes_get_size(certificate));
        tls[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)rb_secret_reveal(key) };
        tls[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, chain };
        tls[2] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)RB_TLS_PRIORITIES };
        tls[3] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
        flags |= MHD_USE_TLS;
    }
    if (server->loops > 1)
        many[0] = (struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)server->loops, NULL };
    many[1] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    loop->daemon = MHD_start_daemon(
        flags, 0, admit, loop, rb_exchange_step, loop, MHD_OPTION_EXTERNAL_LOGGER, library_says, NULL,
        MHD_OPTION_LISTEN_SOCKET, own, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)server->limits.connections,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)MAX(server->limits.read_s, server->limits.write_s),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)RB_CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_URI_LOG_CALLBACK, rb_exchange_start, loop, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped,
        NULL, MHD_OPTION_NOTIFY_COMPLETED, rb_exchange_end, loop, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changed, loop, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, tls,
        MHD_OPTION_ARRAY, many, MHD_OPTION_END);
    if (loop->daemon == NULL) {
        if (own >= 0)
            (void)close(own); /* nobody else has it */
        loop_free(loop);
        (void)rb_fault(error, RB_FAULT_NETWORK, "the HTTP server could not be started");
        return NULL;
    }
    return loop;
}

/* The loop takes no new connection; those it has go on. */
static void
loop_retire(RbLoop *loop, gint64 now_s)
{
    int fd = MHD_quiesce_daemon(loop->daemon);

    if (fd >= 0)
        (void)close(fd); /* a duplicate; the server keeps the socket itself */
    loop->retired_s = now_s;
}

static gboolean
loops_start(RbServer *server, GBytes *certificate, const RbSecret *key, GPtrArray *loops, GError **error)
{
    for (guint i = 0; i < server->sockets->len; i++) {
        RbLoop *loop = loop_new(server, GPOINTER_TO_INT(server->sockets->pdata[i]), certificate, key, error);
        if (loop == NULL)
            return FALSE;
        g_ptr_array_add(loops, loop);
    }
    return TRUE;
}

/* ---- tending: slow connections, retired loops ---- */

static gboolean
loop_is_over(const RbServer *server, RbLoop *loop, gint64 now_s)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    if (now_s - loop->retired_s >= server->limits.drain_s)
        g_atomic_int_set(&loop->closing, 1);
    else if (info == NULL || info->num_connections > 0)
        return FALSE;
    /* a loop with a suspended connection must not be stopped */
    return g_atomic_int_get(&loop->under_way) == 0 && g_atomic_int_get(&loop->open) == 0;
}

static gpointer
tend(gpointer data)
{
    RbServer *server = data;

    g_mutex_lock(&server->lock);
    while (!server->ending) {
        g_autoptr(GPtrArray) over = g_ptr_array_new_with_free_func(loop_free);
        gint64 now_s = g_get_monotonic_time() / G_USEC_PER_SEC;
        for (guint i = server->retired->len; i-- > 0;)
            if (loop_is_over(server, server->retired->pdata[i], now_s))
                g_ptr_array_add(over, g_ptr_array_steal_index_fast(server->retired, i));
        g_mutex_unlock(&server->lock);
        (void)rb_peers_hurry(server->peers, now_s);
        g_ptr_array_set_size(over, 0); /* stopping joins threads: not under the lock */
        g_mutex_lock(&server->lock);
        if (!server->ending)
            (void)g_cond_wait_until(&server->wake, &server->lock,
                                    g_get_monotonic_time() + G_USEC_PER_SEC / 2);
    }
    g_mutex_unlock(&server->lock);
    return NULL;
}

/* ---- the server ---- */

static guint
or_default(guint value, guint fallback)
{
    return value != 0 ? value : fallback;
}

static void
take_limits(RbServer *server, const RbServeSetting *setting)
{
    const RbServeLimits *given = &setting->limits;

    server->limits = (RbServeLimits){
        .connections = or_default(given->connections, 4096),
        .connections_per_ip = or_default(given->connections_per_ip, 256),
        .read_s = or_default(given->read_s, 30),
        .write_s = or_default(given->write_s, 60),
        .queue = or_default(given->queue, 1024),
        .drain_s = or_default(given->drain_s, 10),
        .rate_per_s = or_default(given->rate_per_s, RB_RATE_PER_S),
        .rate_burst = or_default(given->rate_burst, RB_RATE_BURST),
    };
    server->loops = or_default(setting->loops, 1);
}

static gboolean
take_site(RbServer *server, const RbServeSetting *setting, RbAccess *access, GError **error)
{
    static const char *const loopback[] = { "127.0.0.0/8", "::1", NULL };
    RbSite *site = &server->site;

    site->access = access;
    site->sso_start_url = g_strdup(setting->sso_start_url);
    site->proxies = rb_networks_parse(setting->trusted_proxies, error);
    site->metrics_from =
        site->proxies != NULL
            ? rb_networks_parse(setting->metrics_from != NULL ? setting->metrics_from : loopback, error)
            : NULL;
    site->rate = rb_rate_new(server->limits.rate_per_s, server->limits.rate_burst);
    return site->metrics_from != NULL && rb_site_set_url(site, rb_access_public_url(access), error) &&
           (site->pages = rb_pages_new(error)) != NULL;
}

static gboolean
open_sockets(RbServer *server, const char *const *listen, GError **error)
{
    for (; *listen != NULL; listen++) {
        guint port = 0;
        int fd = rb_listen_open(*listen, &port, error);
        if (fd < 0)
            return FALSE;
        g_ptr_array_add(server->sockets, GINT_TO_POINTER(fd));
        g_array_append_val(server->ports, port);
    }
    return TRUE;
}

RbServer *
rb_server_new(const RbServeSetting *setting, RbAccess *access, GError **error)
{
    g_autoptr(RbServer) server = g_new0(RbServer, 1);

    g_mutex_init(&server->lock);
    g_cond_init(&server->wake);
    server->sockets = g_ptr_array_new();
    server->ports = g_array_new(FALSE, FALSE, sizeof(guint));
    server->running = g_ptr_array_new_with_free_func(loop_free);
    server->retired = g_ptr_array_new_with_free_func(loop_free);
    server->exchanges = g_hash_table_new(NULL, NULL);
    take_limits(server, setting);
    if (!rb_serve_check(setting, error) || !take_site(server, setting, access, error))
        return NULL;
    server->peers = rb_peers_new(server->limits.connections_per_ip, server->site.proxies);
    server->quick =
        rb_pool_new("quick", or_default(setting->workers_quick, 4), server->limits.queue, rb_exchange_work);
    server->upstream = rb_pool_new("upstream", or_default(setting->workers_upstream, 32),
                                   server->limits.queue, rb_exchange_work);
    if (!open_sockets(server, setting->listen, error) ||
        !loops_start(server, setting->tls_certificate, setting->tls_key, server->running, error))
        return NULL;
    server->tending = g_thread_new("serve-tend", tend, server);
    return g_steal_pointer(&server);
}

guint
rb_server_port(const RbServer *server, guint i)
{
    return i < server->ports->len ? g_array_index(server->ports, guint, i) : 0;
}

gboolean
rb_server_reload_tls(RbServer *server, GBytes *certificate, const RbSecret *key, GError **error)
{
    g_autoptr(GPtrArray) fresh = g_ptr_array_new_with_free_func(loop_free);
    gint64 now_s = g_get_monotonic_time() / G_USEC_PER_SEC;

    if (!check_tls(certificate, key, error) || !loops_start(server, certificate, key, fresh, error))
        return FALSE;
    g_mutex_lock(&server->lock);
    for (guint i = 0; i < server->running->len; i++)
        loop_retire(server->running->pdata[i], now_s);
    g_ptr_array_extend_and_steal(server->retired, g_steal_pointer(&server->running));
    server->running = g_steal_pointer(&fresh);
    g_mutex_unlock(&server->lock);
    return TRUE;
}

static guint
requests_under_way(const RbServer *server, gboolean answers)
{
    guint n = 0;

    for (guint i = 0; i < server->retired->len; i++) {
        RbLoop *loop = server->retired->pdata[i];
        n += (guint)g_atomic_int_get(&loop->under_way);
        if (answers)
            n += (guint)g_atomic_int_get(&loop->open);
    }
    return n;
}

static void
wait_for_requests(const RbServer *server, gboolean answers, gint64 until)
{
    while (requests_under_way(server, answers) > 0 && g_get_monotonic_time() < until)
        g_usleep(2000);
}

static void
drain(RbServer *server)
{
    gint64 until = g_get_monotonic_time() + server->limits.drain_s * G_USEC_PER_SEC;
    GHashTableIter left;
    gpointer exchange;

    g_ptr_array_extend_and_steal(server->retired, g_steal_pointer(&server->running));
    server->running = g_ptr_array_new_with_free_func(loop_free);
    for (guint i = 0; i < server->retired->len; i++) {
        RbLoop *loop = server->retired->pdata[i];
        if (loop->retired_s == 0)
            loop_retire(loop, 1);
        g_atomic_int_set(&loop->closing, 1);
    }
    wait_for_requests(server, TRUE, until);
    g_mutex_lock(&server->lock);
    g_hash_table_iter_init(&left, server->exchanges);
    while (g_hash_table_iter_next(&left, &exchange, NULL))
        rb_exchange_abandon(exchange);
    g_mutex_unlock(&server->lock);
    wait_for_requests(server, FALSE, G_MAXINT64); /* workers that are just handing their answer over */
    wait_for_requests(server, TRUE, g_get_monotonic_time() + G_USEC_PER_SEC); /* 503 to those given up */
}

static void
site_clear(RbSite *site)
{
    rb_pages_free(site->pages);
    rb_rate_free(site->rate);
    g_clear_pointer(&site->proxies, g_array_unref);
    g_clear_pointer(&site->metrics_from, g_array_unref);
    char *texts[] = { site->url, site->origin, site->host, site->host_with_port, site->sso_start_url };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
}

void
rb_server_free(RbServer *server)
{
    if (server == NULL)
        return;
    g_mutex_lock(&server->lock);
    server->ending = TRUE;
    g_cond_broadcast(&server->wake);
    g_mutex_unlock(&server->lock);
    if (server->tending != NULL)
        (void)g_thread_join(server->tending); /* returns nothing */
    drain(server);
    for (guint i = 0; i < server->retired->len; i++) {
        RbLoop *loop = server->retired->pdata[i];
        MHD_stop_daemon(g_steal_pointer(&loop->daemon));
    }
    rb_pool_free(
        server->quick); /* before the loops: a worker whose request was given up still looks at its loop */
    rb_pool_free(server->upstream);
    g_ptr_array_unref(server->running);
    g_ptr_array_unref(server->retired);
    for (guint i = 0; i < server->sockets->len; i++)
        (void)close(GPOINTER_TO_INT(server->sockets->pdata[i])); /* listening only */
    g_ptr_array_unref(server->sockets);
    g_array_unref(server->ports);
    g_hash_table_unref(server->exchanges);
    if (server->constant != NULL)
        MHD_destroy_response(server->constant);
    rb_peers_free(server->peers);
    site_clear(&server->site);
    g_cond_clear(&server->wake);
    g_mutex_clear(&server->lock);
    g_free(server);
}
