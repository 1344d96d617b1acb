#ifndef RB_SERVE_PEERS_H
#define RB_SERVE_PEERS_H

#include "serve/network.h"

#include <glib.h>

/* Open connections: how many of one address, and how long each may take to say something or to listen. What a
 * library's own idle timeout misses is the one byte every few seconds. Thread-safe. */
typedef struct RbPeers RbPeers;
typedef struct RbPeer RbPeer;

RbPeers *rb_peers_new(guint per_address, const GArray *exempt);
void rb_peers_free(RbPeers *peers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbPeers, rb_peers_free)

/** rb_peers_admit: whether @address may open one more; an IPv6 client is its /64. */
gboolean rb_peers_admit(RbPeers *peers, const RbAddress *address);
/** rb_peers_open: a connection began; @fd stays the library's. Valid until rb_peers_close. */
RbPeer *rb_peers_open(RbPeers *peers, int fd, const RbAddress *address, gint64 deadline_s);
void rb_peers_close(RbPeers *peers, RbPeer *peer);
const RbAddress *rb_peer_address(const RbPeer *peer);
/** rb_peer_deadline: until when (monotonic seconds) the peer has for the present step; 0: we are at work. */
void rb_peer_deadline(RbPeer *peer, gint64 deadline_s);
/** rb_peers_hurry: shuts the connections whose time is over down. Returns: how many */
guint rb_peers_hurry(RbPeers *peers, gint64 now_s);

#endif
