#ifndef RB_SERVE_NETWORK_H
#define RB_SERVE_NETWORK_H

#include <glib.h>
#include <sys/socket.h>

/* Addresses and networks: who is at the other end. IPv4 is kept as IPv4-mapped IPv6, so there is one form. */

typedef struct {
    guint8 bytes[16];
} RbAddress;

typedef struct {
    RbAddress base;
    guint bits; /* of 128 */
} RbNetwork;

/** rb_address_parse: "192.0.2.7", "2001:db8::7", also "[2001:db8::7]:443" and "192.0.2.7:443" as some proxies
 * write them. */
gboolean rb_address_parse(const char *text, RbAddress *address);
/** rb_address_from_socket: the peer's; FALSE for a family without addresses. */
gboolean rb_address_from_socket(const struct sockaddr *peer, RbAddress *address);
/** rb_address_one_client: what one client has and is counted by: its IPv4 address, its IPv6 /64. */
RbAddress rb_address_one_client(const RbAddress *address);
/** rb_address_text: (transfer full): IPv4 dotted, IPv6 as RFC 5952. */
char *rb_address_text(const RbAddress *address);

/** rb_networks_parse: (transfer full) (element-type RbNetwork): every one of @texts (NULL: none), or NULL
 * with request.malformed naming the one that cannot be read. Host bits must be zero. */
GArray *rb_networks_parse(const char *const *texts, GError **error);
gboolean rb_networks_have(const GArray *networks, const RbAddress *address);

/**
 * rb_address_seen_through: the client's address: @peer, or, when @peer is one of @proxies, the rightmost
 * address of @forwarded (X-Forwarded-For, NULL: not sent) that is not a proxy's. An entry that cannot be read
 * refuses with request.malformed: behind it nothing is known.
 */
gboolean rb_address_seen_through(const RbAddress *peer, const char *forwarded, const GArray *proxies,
                                 RbAddress *client, GError **error);

/** rb_listen_parse: "0.0.0.0:8443", "[::1]:0", "localhost:8080" is not one: addresses only. */
gboolean rb_listen_parse(const char *text, struct sockaddr_storage *address, socklen_t *size, GError **error);
/** rb_listen_open: a listening socket there, close-on-exec; -1 with fault.network. */
int rb_listen_open(const char *text, guint *port, GError **error);

#endif
