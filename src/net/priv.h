#ifndef RB_NET_PRIV_H
#define RB_NET_PRIV_H

#include "net/net.h"

#include <curl/curl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURLU, curl_url_cleanup)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE, X509_STORE_free)

enum {
    RB_NET_MAX_HEADERS = 200,
    RB_NET_MAX_HEADER_BYTES = 64 * 1024,
    RB_NET_MAX_URL = 64 * 1024,
};

struct RbHttpRequest {
    char *method, *url, *unix_socket;
    struct curl_slist *headers;
    GBytes *body;
    guint connect_ms, total_ms;
    gsize max_response;
    gboolean link_local, broken; /* broken: a header that would have split the request */
};

/** What a request may connect to. */
typedef struct {
    gboolean https, link_local, unix_socket, proxied;
} RbReach;

/** rb_reach_allows: whether a socket of this reach may go to @address. */
gboolean rb_reach_allows(const RbReach *reach, const struct sockaddr *address);

/** rb_reach_allows_literal: the same for a host that may be an address: "[::1]". Names are left to
 * rb_reach_allows() once resolved. @is_literal, @is_loopback: what it is. */
gboolean rb_reach_allows_literal(const RbReach *reach, const char *host, gboolean *is_literal,
                                 gboolean *is_loopback);

/** rb_trust_load: the system's CAs and those of @ca_file (NULL: none). */
X509_STORE *rb_trust_load(const char *ca_file, GError **error);

/** A body as it arrives, in memory that is wiped. */
typedef struct {
    char *data;
    gsize size, capacity;
} RbArrival;
void rb_arrival_add(RbArrival *arrival, const char *data, gsize size);
GBytes *rb_arrival_steal(RbArrival *arrival);
void rb_arrival_clear(RbArrival *arrival);

/** rb_response_header_line: takes one header line as received. Returns: FALSE over a limit. */
gboolean rb_response_header_line(RbHttpResponse *response, const char *line, gsize size, gsize *total);
RbHttpResponse *rb_response_new(const char *url);

#endif
