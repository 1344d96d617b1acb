#ifndef RB_NET_NET_H
#define RB_NET_NET_H

#include "base/secret.h"

#include <glib.h>

/*
 * The only way out: one HTTP client with limits on time, size, redirects and addresses. Each caller drives
 * its own transfer; connections are kept, TLS sessions and resolved names shared; the CA store is loaded
 * once. Proxy variables of the environment (https_proxy and its kin) are ignored; SSL_CERT_FILE and
 * SSL_CERT_DIR replace the system's CAs.
 */
typedef struct RbHttp RbHttp;

typedef struct {
    const char *ca_file;    /* PEM trusted besides the system's store; NULL: the system's alone */
    const char *user_agent; /* NULL: "rolebridge/VERSION" */
    guint max_in_flight;    /* further requests wait in line; 0: 256 */
    guint max_per_host;     /* connections; 0: 64 */
    const char *proxy;      /* "http://proxy:3128" for https to anything but loopback; NULL: none */
} RbHttpOptions;

/** A request under construction; given up to rb_http_fetch() or freed. */
typedef struct RbHttpRequest RbHttpRequest;

typedef struct {
    int status;
    char *content_type;  /* NULL: not said */
    GHashTable *headers; /* lower-case name → last value */
    GBytes *body;        /* wiped when the last reference goes */
    char *final_url;     /* the URL asked: redirects are not followed */
} RbHttpResponse;

/** rb_http_new: (transfer full): the client, or NULL with fault.network (no CA store). @options
 * may be NULL. */
RbHttp *rb_http_new(const RbHttpOptions *options, GError **error);
/** rb_http_stop: calls under way and later ones fail at once with fault.network. */
void rb_http_stop(RbHttp *http);
/** rb_http_free: stops, and returns when the last call has left. */
void rb_http_free(RbHttp *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbHttp, rb_http_free)

/**
 * rb_http_request_new: https, and http to loopback addresses alone (for sandboxes, credential endpoints), as
 * resolved when connecting. Other schemes, URLs with user names, control characters in headers are refused
 * when fetched. Defaults: connect 3 s, total 10 s, 1 MiB of answer after decompression. Redirects are
 * answers like any other. Headers and body are wiped when freed.
 */
RbHttpRequest *rb_http_request_new(const char *method, const char *url);
void rb_http_request_free(RbHttpRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbHttpRequest, rb_http_request_free)
void rb_http_request_header(RbHttpRequest *request, const char *name, const char *value);
void rb_http_request_body(RbHttpRequest *request, const char *content_type, GBytes *body);
void rb_http_request_limits(RbHttpRequest *request, guint connect_ms, guint total_ms, gsize max_response);
/** rb_http_request_allow_link_local: also to the literal addresses 169.254.169.254, 169.254.170.2,
 * 169.254.170.23, [fd00:ec2::254], [fd00:ec2::23], where AWS answers with a machine's credentials. */
void rb_http_request_allow_link_local(RbHttpRequest *request);
/** rb_http_request_unix_socket: connect to this unix socket instead of the URL's host (NULL: not). */
void rb_http_request_unix_socket(RbHttpRequest *request, const char *path);

/**
 * rb_http_fetch: sends and waits, on the caller's thread, for at most the request's total time.
 * Returns: (transfer full): the answer whatever its status, or NULL with fault.network saying which host and
 * why; the URL's query never appears in messages
 */
RbHttpResponse *rb_http_fetch(RbHttp *http, const RbHttpRequest *request, GError **error);
void rb_http_response_free(RbHttpResponse *response);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbHttpResponse, rb_http_response_free)
const char *rb_http_response_header(const RbHttpResponse *response, const char *lower_case_name);

#endif
