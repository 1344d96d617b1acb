#ifndef RB_SERVE_SERVER_H
#define RB_SERVE_SERVER_H

#include "serve/peers.h"
#include "serve/pool.h"
#include "serve/priv.h"

#include <microhttpd.h>

/* The server's inside: server.c starts and ends it, exchange.c takes one request through it. */

/** One listening address with one certificate; a new certificate means a new one on the same socket. */
typedef struct {
    struct RbServer *server;
    struct MHD_Daemon *daemon;
    gint under_way; /* atomic: requests given to a pool and not yet back */
    gint open;      /* atomic: requests read whole and not yet answered whole */
    gint closing;   /* atomic: no new request goes to a pool */
    gint64 retired_s;
} RbLoop;

struct RbServer {
    RbSite site;
    RbServeLimits limits;
    guint loops;
    RbPeers *peers;
    RbPool *quick, *upstream;
    GPtrArray *sockets;            /* GINT_TO_POINTER(fd) */
    GArray *ports;                 /* guint */
    struct MHD_Response *constant; /* atomic: of the constant route, once it was asked for */
    GMutex lock;                   /* of what follows */
    GPtrArray *running;            /* RbLoop, one for each socket */
    GPtrArray *retired;            /* RbLoop */
    GHashTable *exchanges;         /* under way in a pool */
    GCond wake;
    gboolean ending;
    GThread *tending;
};

/** rb_exchange_start: MHD_OPTION_URI_LOG_CALLBACK: the target as sent, before anything reads it. */
void *rb_exchange_start(void *loop, const char *target, struct MHD_Connection *connection);
enum MHD_Result rb_exchange_step(void *loop, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_size, void **state);
void rb_exchange_end(void *loop, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode why);
/** rb_exchange_work: a pool's worker on one exchange. */
void rb_exchange_work(gpointer exchange);
/** rb_exchange_abandon: its connection gets 503 now; the worker's answer, when it comes, is dropped. */
void rb_exchange_abandon(gpointer exchange);

#endif
