#include "server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>

struct Server {
    struct MHD_Daemon *daemon;
    ServerHandler handler;
    gpointer data;
    guint port;
    gint connections;
    gboolean tls;
};

static enum MHD_Result
take_header(void *to, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    g_hash_table_replace(to, g_ascii_strdown(name, -1), g_strdup(value != NULL ? value : ""));
    return MHD_YES;
}

static ssize_t
broken_body(void *data, uint64_t at, char *to, size_t max)
{
    (void)data;
    if (at > 0 || max == 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    to[0] = '<';
    return 1;
}

static struct MHD_Response *
respond(const ServerReply *reply)
{
    gsize size = 0;
    const void *data = reply->body != NULL ? g_bytes_get_data(reply->body, &size) : "";
    struct MHD_Response *response;

    if (reply->break_off)
        response = MHD_create_response_from_callback(1000, 1024, broken_body, NULL, NULL);
    else
        response = MHD_create_response_from_buffer(size, (void *)(guintptr)data, MHD_RESPMEM_MUST_COPY);
    if (reply->content_type != NULL)
        MHD_add_response_header(response, "Content-Type", reply->content_type);
    if (reply->header != NULL)
        MHD_add_response_header(response, reply->header, reply->value);
    return response;
}

static enum MHD_Result
answer(void *data, struct MHD_Connection *connection, const char *url, const char *method,
       const char *version, const char *upload, size_t *upload_size, void **state)
{
    Server *server = data;
    GString *body = *state;
    g_autoptr(GHashTable) headers = NULL;
    ServerReply reply = { .status = 200 };
    struct MHD_Response *response;
    enum MHD_Result result;

    (void)version;
    if (body == NULL) {
        *state = g_string_new(NULL);
        return MHD_YES;
    }
    if (*upload_size > 0) {
        g_string_append_len(body, upload, (gssize)*upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header, headers);
    server->handler(&(ServerRequest){ method, url, headers, body }, &reply, server->data);
    if (reply.delay_ms > 0)
        g_usleep(reply.delay_ms * 1000UL);
    response = respond(&reply);
    result = MHD_queue_response(connection, (unsigned int)reply.status, response);
    MHD_destroy_response(response);
    g_clear_pointer(&reply.body, g_bytes_unref);
    return result;
}

static void
completed(void *data, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
    (void)data;
    (void)connection;
    (void)code;
    if (*state != NULL)
        (void)g_string_free(*state, TRUE);
    *state = NULL;
}

static void
connected(void *data, struct MHD_Connection *connection, void **state,
          enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    (void)state;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        g_atomic_int_inc(&((Server *)data)->connections);
}

Server *
server_new(ServerHandler handler, gpointer data, const char *certificate, const char *key)
{
    Server *server = g_new0(Server, 1);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct MHD_OptionItem tls[] = { { MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(guintptr)certificate },
                                          { MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(guintptr)key },
                                          { MHD_OPTION_END, 0, NULL } };
    const struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

    server->handler = handler;
    server->data = data;
    server->tls = certificate != NULL;
    server->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | (server->tls ? MHD_USE_TLS : 0u), 0,
        NULL, NULL, answer, server, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, completed,
        NULL, MHD_OPTION_NOTIFY_CONNECTION, connected, server, MHD_OPTION_CONNECTION_LIMIT, 1000u,
        MHD_OPTION_ARRAY, server->tls ? tls : none, MHD_OPTION_END);
    if (server->daemon == NULL)
        g_error("the test's server does not start");
    server->port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return server;
}

void
server_free(Server *server)
{
    if (server == NULL)
        return;
    MHD_stop_daemon(server->daemon);
    g_free(server);
}

guint
server_port(const Server *server)
{
    return server->port;
}

guint
server_connections(const Server *server)
{
    return (guint)g_atomic_int_get(&server->connections);
}

char *
server_url(const Server *server, const char *path)
{
    return g_strdup_printf("%s://127.0.0.1:%u%s", server->tls ? "https" : "http", server->port, path);
}

void
reply_text(ServerReply *reply, int status, const char *content_type, const char *text)
{
    reply->status = status;
    reply->content_type = content_type;
    reply->body = g_bytes_new(text, strlen(text));
}
