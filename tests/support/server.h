#ifndef RB_TESTS_SUPPORT_SERVER_H
#define RB_TESTS_SUPPORT_SERVER_H

#include <glib.h>

/* A small HTTP server on loopback for tests of what goes out: each connection has its thread. */

typedef struct {
    const char *method, *path; /* without the query */
    GHashTable *headers;       /* lower-case name → value */
    GString *body;
} ServerRequest;

typedef struct {
    int status;
    const char *content_type;
    const char *header, *value; /* one more, or NULL */
    GBytes *body;               /* (transfer full) */
    guint delay_ms;
    gboolean break_off; /* promises more than it sends, then closes */
} ServerReply;

typedef void (*ServerHandler)(const ServerRequest *request, ServerReply *reply, gpointer data);

typedef struct Server Server;
/** server_new: listens on a free port of 127.0.0.1; @certificate and @key (PEM) for TLS, or NULL. */
Server *server_new(ServerHandler handler, gpointer data, const char *certificate, const char *key);
void server_free(Server *server);
guint server_port(const Server *server);
/** server_connections: how many were opened so far. */
guint server_connections(const Server *server);
/** server_url: (transfer full): "http://127.0.0.1:PORT" and @path. */
char *server_url(const Server *server, const char *path);

/** reply_text: @reply with status and a copy of @text. */
void reply_text(ServerReply *reply, int status, const char *content_type, const char *text);

#endif
