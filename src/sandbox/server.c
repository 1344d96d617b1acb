#include "sandbox/http.h"

#include "base/refusal.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>

enum { THREADS = 4, IDLE_S = 30, CONNECTIONS = 512 };

struct RbBoxServer {
    struct MHD_Daemon *daemon;
    RbBoxHandler handler;
    gpointer data;
    gboolean tls;
};

/* One request on its way in: the target as sent, then, from the first call of the handler on, the request. */
typedef struct {
    char *target;
    RbBoxRequest *request;
    gboolean too_large;
} Exchange;

/* libmicrohttpd hands out the target as sent only here; what is returned becomes the request's context. */
static void *
on_target(void *data, const char *target, struct MHD_Connection *connection)
{
    Exchange *exchange = g_new0(Exchange, 1);

    (void)data;
    (void)connection;
    exchange->target = g_strdup(target);
    return exchange;
}

static void
on_completed(void *data, struct MHD_Connection *connection, void **context,
             enum MHD_RequestTerminationCode code)
{
    Exchange *exchange = *context;

    (void)data;
    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    rb_box_request_free(exchange->request);
    g_free(exchange->target);
    g_free(exchange);
    *context = NULL;
}

static enum MHD_Result
on_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    rb_box_request_add_header(data, name, value == NULL ? "" : value);
    return MHD_YES;
}

static char *
peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN] = "";

    if (info != NULL && info->client_addr->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr,
                        text, sizeof text);
    else if (info != NULL && info->client_addr->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr,
                        text, sizeof text);
    return g_strdup(text);
}

static enum MHD_Result
send_answer(struct MHD_Connection *connection, RbBoxAnswer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->body->len, answer->body->str, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    (void)MHD_add_response_header(response, "Content-Type", answer->content_type);
    for (guint i = 0; i < answer->headers->len; i++) {
        const RbBoxHeader *header = answer->headers->pdata[i];
        (void)MHD_add_response_header(response, header->name, header->value);
    }
    result = MHD_queue_response(connection, (unsigned int)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result
on_request(void *data, struct MHD_Connection *connection, const char *url, const char *method,
           const char *version, const char *body, size_t *size, void **context)
{
    RbBoxServer *server = data;
    Exchange *exchange = *context;
    RbBoxAnswer answer;
    enum MHD_Result result;

    (void)url;
    (void)version;
    if (exchange->request == NULL) {
        g_autofree char *peer = peer_of(connection);

        exchange->request = rb_box_request_new(method, exchange->target, peer, server->tls);
        exchange->too_large = strlen(exchange->target) > RB_BOX_MAX_TARGET;
        (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, exchange->request);
        return MHD_YES;
    }
    if (*size > 0) {
        if (exchange->request->body->len + *size > RB_BOX_MAX_BODY)
            exchange->too_large = TRUE;
        else
            g_string_append_len(exchange->request->body, body, (gssize)*size);
        *size = 0;
        return MHD_YES;
    }
    rb_box_answer_init(&answer);
    if (exchange->too_large)
        rb_box_answer_text(&answer, 413, "text/plain; charset=utf-8", "The request is too large.\n");
    else
        server->handler(server->data, exchange->request, &answer);
    result = send_answer(connection, &answer);
    rb_box_answer_clear(&answer);
    return result;
}

static gboolean
parse_address(const char *text, struct sockaddr_in *address)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    guint64 port;

    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    if (g_strv_length(parts) != 2 || inet_pton(AF_INET, parts[0], &address->sin_addr) != 1 ||
        !g_ascii_string_to_unsigned(parts[1], 10, 0, 65535, &port, NULL))
        return FALSE;
    address->sin_port = htons((guint16)port);
    return (ntohl(address->sin_addr.s_addr) >> 24) ==
           127; /* everybody's password is on its pages: loopback only */
}

RbBoxServer *
rb_box_server_new(const char *address, GBytes *certificate, const RbSecret *key, RbBoxHandler handler,
                  gpointer data, GError **error)
{
    g_autoptr(RbBoxServer) server = g_new0(RbBoxServer, 1);
    struct sockaddr_in where;
    struct MHD_OptionItem options[] = { { MHD_OPTION_END, 0, NULL },
                                        { MHD_OPTION_END, 0, NULL },
                                        { MHD_OPTION_END, 0, NULL } };
    unsigned int flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD;
    g_autofree char *pem = NULL;

    if (!parse_address(address, &where)) {
        rb_fault(error, RB_FAULT_NETWORK, "'%s' is not a loopback address and port such as 127.0.0.1:9443",
                 address);
        return NULL;
    }
    server->handler = handler;
    server->data = data;
    server->tls = certificate != NULL;
    if (certificate != NULL && key != NULL) {
        pem = g_strndup(g_bytes_get_data(certificate, NULL), g_bytes_get_size(certificate));
        flags |= MHD_USE_TLS;
        options[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, pem };
        options[1] =
            (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(gsize)rb_secret_reveal(key) };
    }
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR, &where, MHD_OPTION_URI_LOG_CALLBACK,
        on_target, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned int)THREADS, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)(128 * 1024), MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (server->daemon == NULL) {
        rb_fault(error, RB_FAULT_NETWORK,
                 "cannot listen on %s (is the port taken, or the key unlike the certificate?)", address);
        return NULL;
    }
    return g_steal_pointer(&server);
}

guint
rb_box_server_port(const RbBoxServer *server)
{
    const union MHD_DaemonInfo *info =
        server == NULL ? NULL : MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);

    return info == NULL ? 0 : info->port;
}

void
rb_box_server_free(RbBoxServer *server)
{
    if (server == NULL)
        return;
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    g_free(server);
}
