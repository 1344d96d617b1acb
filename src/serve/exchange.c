#include "serve/server.h"

#include <string.h>

/*
 * One request on its way: read on the loop thread, suspended while a worker has it, answered on the loop
 * thread. Held twice, by the connection and by the worker: whoever lets go last frees it.
 */
typedef enum { READING_HEAD, READING_BODY, AT_WORK, ANSWERED } Stage;
enum { WORKING, DONE, ABANDONED }; /* who may still give the answer */

typedef struct {
    gatomicrefcount refs;
    RbLoop *loop;
    struct MHD_Connection *connection;
    RbPeer *peer;
    RbRequest *request;
    Stage stage;      /* the loop thread's */
    gboolean last;    /* the connection ends with the answer */
    gboolean counted; /* in the loop's open requests; the loop thread's */
    gint outcome;
    RbAnswer *answer;
    GError *broken; /* the head was refused */
} Exchange;

static void
exchange_unref(Exchange *exchange)
{
    if (!g_atomic_ref_count_dec(&exchange->refs))
        return;
    rb_request_free(exchange->request);
    rb_answer_free(exchange->answer);
    g_clear_error(&exchange->broken);
    g_free(exchange);
}

static gint64
monotonic_s(void)
{
    return g_get_monotonic_time() / G_USEC_PER_SEC;
}

/* Where a request with such a header ends, a proxy before us may see elsewhere: nothing that follows it on
 * the connection is taken for a request. */
static enum MHD_Result
take_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    Exchange *exchange = data;

    (void)kind;
    exchange->last =
        !rb_request_header(exchange->request, name, value != NULL ? value : "", &exchange->broken);
    return exchange->last ? MHD_NO : MHD_YES;
}

void *
rb_exchange_start(void *loop, const char *target, struct MHD_Connection *connection)
{
    RbLoop *self = loop;
    Exchange *exchange = g_new0(Exchange, 1);

    g_atomic_ref_count_init(&exchange->refs);
    exchange->loop = self;
    exchange->connection = connection;
    exchange->request = rb_request_new(&self->server->site, target);
    g_atomic_int_inc(&self->server->site.counts.requests);
    return exchange;
}

/* From here on an end of the server waits until the answer is sent. */
static void
count(Exchange *exchange)
{
    if (!exchange->counted)
        g_atomic_int_inc(&exchange->loop->open);
    exchange->counted = TRUE;
}

/* ---- answering ---- */

static const char csp_nothing[] =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static char *
content_policy(const RbAnswer *answer)
{
    if (answer->content_type == NULL || !g_str_has_prefix(answer->content_type, "text/html"))
        return g_strdup(csp_nothing);
    return g_strdup_printf("default-src 'none'; %sstyle-src 'self'; img-src 'self'; base-uri 'none'; "
                           "form-action 'self'%s%s; frame-ancestors 'none'",
                           answer->script ? "script-src 'self'; " : "",
                           answer->form_action != NULL ? " " : "",
                           answer->form_action != NULL ? answer->form_action : "");
}

static void
release_body(void *body)
{
    rb_secret_unref(body);
}

static gboolean
add(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

static gboolean
add_security(struct MHD_Response *response, const Exchange *exchange, const RbAnswer *answer)
{
    g_autofree char *policy = content_policy(answer);

    return add(response, "Content-Security-Policy", policy) &&
           add(response, "X-Content-Type-Options", "nosniff") &&
           add(response, "Referrer-Policy", "no-referrer") && add(response, "X-Frame-Options", "DENY") &&
           add(response, "Cross-Origin-Opener-Policy", "same-origin") &&
           add(response, "Cross-Origin-Resource-Policy", "same-origin") &&
           add(response, "Cache-Control",
               answer->caching != RB_CACHE_NEVER ? "public, max-age=3600" : "no-store") &&
           (!exchange->request->site->secure ||
            add(response, "Strict-Transport-Security", "max-age=31536000; includeSubDomains"));
}

static struct MHD_Response *
response_new(const Exchange *exchange)
{
    const RbAnswer *answer = exchange->answer;
    struct MHD_Response *response;
    gboolean good;

    if (answer->body != NULL) /* MHD only reads the bytes; the secret's last reference wipes them */
        response = MHD_create_response_from_buffer_with_free_callback_cls(
            rb_secret_size(answer->body), (void *)rb_secret_reveal(answer->body), release_body,
            rb_secret_ref(answer->body));
    else
        response = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        rb_secret_unref(answer->body);
        return NULL;
    }
    good = add_security(response, exchange, answer) &&
           (answer->content_type == NULL || add(response, "Content-Type", answer->content_type)) &&
           ((!exchange->last && !g_atomic_int_get(&exchange->loop->closing)) ||
            add(response, "Connection", "close"));
    for (guint i = 0; good && i < answer->headers->len; i++) {
        const RbHeader *header = answer->headers->pdata[i];
        good = add(response, header->name, header->value);
    }
    if (!good)
        g_clear_pointer(&response, MHD_destroy_response);
    return response;
}

static enum MHD_Result
send_response(Exchange *exchange, guint status, struct MHD_Response *response)
{
    rb_peer_deadline(exchange->peer, monotonic_s() + exchange->loop->server->limits.write_s);
    exchange->stage = ANSWERED;
    count(exchange);
    return MHD_queue_response(exchange->connection, status, response);
}

static enum MHD_Result
send_answer(Exchange *exchange)
{
    struct MHD_Response *response = response_new(exchange);
    enum MHD_Result queued;

    if (response == NULL)
        return MHD_NO;
    queued = send_response(exchange, exchange->answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* The one answer that never changes is made once: a probe costs little more than its system calls. */
static enum MHD_Result
send_constant(Exchange *exchange)
{
    RbServer *server = exchange->loop->server;
    struct MHD_Response *response = g_atomic_pointer_get(&server->constant);

    if (response == NULL || g_atomic_int_get(&exchange->loop->closing)) {
        exchange->answer = rb_route_run(exchange->request);
        response = g_atomic_int_get(&exchange->loop->closing) ? NULL : response_new(exchange);
        if (response == NULL)
            return send_answer(exchange);
        if (!g_atomic_pointer_compare_and_exchange(&server->constant, NULL, response)) {
            MHD_destroy_response(response); /* another loop was first */
            response = g_atomic_pointer_get(&server->constant);
        }
    }
    return send_response(exchange, MHD_HTTP_OK, response);
}

static enum MHD_Result
refuse_head(Exchange *exchange)
{
    exchange->answer = rb_answer_error(exchange->request, exchange->broken, FALSE);
    return send_answer(exchange);
}

static enum MHD_Result
busy(Exchange *exchange)
{
    g_autoptr(GError) error = NULL;

    g_atomic_int_inc(&exchange->request->site->counts.busy);
    (void)rb_fault(&error, RB_FAULT_BUSY, "every worker has enough to do");
    exchange->answer = rb_answer_error(exchange->request, error, FALSE);
    return send_answer(exchange);
}

/* ---- reading ---- */

static enum MHD_Result
read_head(Exchange *exchange, const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    if (info == NULL || info->socket_context == NULL)
        return MHD_NO;
    exchange->peer = info->socket_context;
    exchange->stage = READING_BODY;
    rb_peer_deadline(exchange->peer, monotonic_s() + exchange->loop->server->limits.read_s);
    (void)MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, take_header, exchange);
    if (exchange->broken == NULL)
        (void)rb_request_read_head(exchange->request, method, rb_peer_address(exchange->peer),
                                   &exchange->broken);
    /* An answer at this point ends the connection, as it must when a body follows that nobody reads. Without
     * one the answer waits for the next step, and the connection stays. */
    if (exchange->broken != NULL && (exchange->request->content_length > 0 || exchange->request->chunked))
        return refuse_head(exchange);
    return MHD_YES;
}

static enum MHD_Result
read_body(Exchange *exchange, const char *upload, size_t *upload_size)
{
    RbRequest *request = exchange->request;

    if (request->body == NULL)
        request->body = g_byte_array_sized_new(request->content_length > 0 ? (guint)request->content_length
                                                                           : (guint)*upload_size);
    /* a body without a Content-Length that outgrows its limit cannot be answered half-way: it is cut off */
    if (request->body->len + *upload_size > request->route->body_max)
        return MHD_NO;
    g_byte_array_append(request->body, (const guint8 *)upload, (guint)*upload_size);
    *upload_size = 0;
    return MHD_YES;
}

static void
under_way(Exchange *exchange, gboolean begins)
{
    RbServer *server = exchange->loop->server;

    g_mutex_lock(&server->lock);
    if (begins)
        (void)g_hash_table_add(server->exchanges, exchange);
    else
        (void)g_hash_table_remove(server->exchanges, exchange);
    if (!begins && server->ending)
        g_cond_broadcast(&server->wake);
    g_mutex_unlock(&server->lock);
}

static enum MHD_Result
hand_over(Exchange *exchange)
{
    RbServer *server = exchange->loop->server;
    RbPool *pool = exchange->request->route->work == RB_WORK_UPSTREAM ? server->upstream : server->quick;

    exchange->stage = AT_WORK;
    count(exchange);
    g_atomic_ref_count_inc(&exchange->refs);
    under_way(exchange, TRUE);
    MHD_suspend_connection(exchange->connection);
    if (!rb_pool_push(pool, exchange)) {
        under_way(exchange, FALSE);
        rb_exchange_abandon(exchange);
        exchange_unref(exchange);
    }
    return MHD_YES;
}

static enum MHD_Result
dispatch(Exchange *exchange)
{
    rb_peer_deadline(exchange->peer, 0);
    if (exchange->broken != NULL)
        return refuse_head(exchange);
    if ((exchange->request->route->flags & RB_ROUTE_CONSTANT) != 0)
        return send_constant(exchange);
    if (exchange->request->route->work == RB_WORK_INLINE) {
        exchange->answer = rb_route_run(exchange->request);
        return send_answer(exchange);
    }
    g_atomic_int_inc(&exchange->loop->under_way);
    if (!g_atomic_int_get(
            &exchange->loop->closing)) /* read after the increment: one of the two sees the other */
        return hand_over(exchange);
    (void)g_atomic_int_dec_and_test(&exchange->loop->under_way);
    return busy(exchange);
}

void
rb_exchange_work(gpointer data)
{
    Exchange *exchange = data;
    RbLoop *loop = exchange->loop;
    RbAnswer *answer = NULL;

    if (g_atomic_int_get(&exchange->outcome) == WORKING)
        answer = rb_route_run(exchange->request);
    under_way(exchange, FALSE); /* from here on nobody abandons it */
    if (g_atomic_int_compare_and_exchange(&exchange->outcome, WORKING, DONE)) {
        exchange->answer = answer;
        MHD_resume_connection(exchange->connection);
        (void)g_atomic_int_dec_and_test(&loop->under_way);
    } else
        rb_answer_free(answer);
    exchange_unref(exchange);
}

void
rb_exchange_abandon(gpointer data)
{
    Exchange *exchange = data;

    if (!g_atomic_int_compare_and_exchange(&exchange->outcome, WORKING, ABANDONED))
        return;
    MHD_resume_connection(exchange->connection);
    (void)g_atomic_int_dec_and_test(&exchange->loop->under_way);
}

enum MHD_Result
rb_exchange_step(void *loop, struct MHD_Connection *connection, const char *url, const char *method,
                 const char *version, const char *upload, size_t *upload_size, void **state)
{
    Exchange *exchange = *state;

    (void)loop;
    (void)connection;
    (void)url; /* the target was taken as sent */
    (void)version;
    switch (exchange->stage) {
    case READING_HEAD:
        return read_head(exchange, method);
    case READING_BODY:
        if (*upload_size > 0 && exchange->broken != NULL)
            return MHD_NO; /* a body that no header spoke of */
        return *upload_size > 0 ? read_body(exchange, upload, upload_size) : dispatch(exchange);
    case AT_WORK:
        if (g_atomic_int_get(&exchange->outcome) == WORKING)
            return MHD_YES;
        return exchange->answer != NULL ? send_answer(exchange) : busy(exchange);
    case ANSWERED:
        break;
    }
    *upload_size = 0;
    return MHD_YES;
}

void
rb_exchange_end(void *loop, struct MHD_Connection *connection, void **state,
                enum MHD_RequestTerminationCode why)
{
    Exchange *exchange = *state;

    (void)loop;
    (void)connection;
    (void)why;
    if (exchange == NULL)
        return;
    *state = NULL;
    if (exchange->counted)
        (void)g_atomic_int_dec_and_test(&exchange->loop->open);
    if (exchange->peer != NULL)
        rb_peer_deadline(exchange->peer, monotonic_s() + exchange->loop->server->limits.read_s);
    exchange->connection = NULL;
    exchange_unref(exchange);
}
