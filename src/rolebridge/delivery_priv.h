#ifndef RB_ROLEBRIDGE_DELIVERY_PRIV_H
#define RB_ROLEBRIDGE_DELIVERY_PRIV_H

#include "rolebridge/delivery.h"

#include <netinet/in.h>

enum { RB_METADATA_TTL_MAX_S = 21600 };

/** A request's headers that matter; each may be there once. */
typedef struct {
    const char *host, *authorization, *metadata_token, *metadata_ttl;
    const char *from_elsewhere; /* the name of a header that browsers or proxies add; NULL: none */
    const char *twice;          /* the name of a header that was sent twice; NULL: none */
    gboolean has_body;
} RbDeliveryHeaders;

/** rb_delivery_header: takes one header as it came. */
void rb_delivery_header(RbDeliveryHeaders *headers, const char *name, const char *value);

/**
 * rb_delivery_check: what holds for every request, whatever it asks for: this host by its address (a name
 * that leads here may be a web page's: DNS rebinding), no browser and no proxy between, no body. @port: where
 * we listen. Returns: TRUE, or FALSE with request.host, request.forged, request.malformed
 */
gboolean rb_delivery_check(const RbDeliveryHeaders *headers, guint16 port, GError **error);

/** rb_metadata_token_new: (transfer full): good until @until; made with @key. */
char *rb_metadata_token_new(const RbSecret *key, gint64 until);
/** rb_metadata_token_check: TRUE, or local.token. */
gboolean rb_metadata_token_check(const RbSecret *key, const char *token, gint64 now, GError **error);

/**
 * rb_delivery_peer_check: whether the program at the other end of a connection from @peer to @port runs as
 * this very user. @table, @table6: /proc/net/tcp and tcp6 (elsewhere in tests). TRUE, or local.user
 */
gboolean rb_delivery_peer_check(const char *table, const char *table6, const struct sockaddr_in *peer,
                                guint16 port, GError **error);

#endif
