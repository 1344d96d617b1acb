#ifndef RB_SANDBOX_HTTP_H
#define RB_SANDBOX_HTTP_H

#include "base/secret.h"

#include <glib.h>

/* Requests as received, answers to be sent, and the one server that carries both. */

enum {
    RB_BOX_MAX_BODY = 1024 * 1024,
    RB_BOX_MAX_TARGET = 64 * 1024,
    RB_BOX_MAX_FIELDS = 400,
};

typedef struct {
    char *name, *value;
} RbBoxHeader;

typedef struct {
    char *method;
    char *path;         /* as sent: percent-encoded */
    char *query;        /* as sent, without '?'; "" when there is none */
    GPtrArray *headers; /* RbBoxHeader, in the order received */
    GString *body;
    char *peer; /* address, textual */
    gboolean tls;
} RbBoxRequest;

RbBoxRequest *rb_box_request_new(const char *method, const char *target, const char *peer, gboolean tls);
void rb_box_request_free(RbBoxRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxRequest, rb_box_request_free)

void rb_box_request_add_header(RbBoxRequest *request, const char *name, const char *value);

/** rb_box_request_header: the value of a header sent once; NULL when it is absent or sent twice. */
const char *rb_box_request_header(const RbBoxRequest *request, const char *name);

/** rb_box_request_cookie: (transfer full): the value of a cookie sent once, or NULL. */
char *rb_box_request_cookie(const RbBoxRequest *request, const char *name);

/**
 * rb_box_fields: decodes "a=1&b=2". Returns: (transfer full): name → value, or NULL when an escape is broken,
 * text is not UTF-8, a name is sent twice or there are too many
 */
GHashTable *rb_box_fields(const char *encoded);

/** rb_box_request_fields: of the body of a POST form, of the query otherwise. */
GHashTable *rb_box_request_fields(const RbBoxRequest *request);

typedef struct {
    int status;
    const char *content_type;
    GString *body;
    GPtrArray *headers; /* RbBoxHeader */
} RbBoxAnswer;

void rb_box_answer_init(RbBoxAnswer *answer);
void rb_box_answer_clear(RbBoxAnswer *answer);
void rb_box_answer_header(RbBoxAnswer *answer, const char *name, const char *value);
void rb_box_answer_redirect(RbBoxAnswer *answer, const char *url);
void rb_box_answer_text(RbBoxAnswer *answer, int status, const char *content_type, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

typedef void (*RbBoxHandler)(gpointer data, const RbBoxRequest *request, RbBoxAnswer *answer);

typedef struct RbBoxServer RbBoxServer;

/**
 * rb_box_server_new: listens on @address ("127.0.0.1:9443"); TLS when @certificate is given (PEM, as @key).
 * Returns: (transfer full): the server, or NULL with fault.network
 */
RbBoxServer *rb_box_server_new(const char *address, GBytes *certificate, const RbSecret *key,
                               RbBoxHandler handler, gpointer data, GError **error);
/** rb_box_server_port: what ":0" became; 0 for no server. */
guint rb_box_server_port(const RbBoxServer *server);
void rb_box_server_free(RbBoxServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxServer, rb_box_server_free)

#endif
