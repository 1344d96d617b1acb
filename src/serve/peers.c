#include "serve/peers.h"

#include <string.h>
#include <sys/socket.h>

struct RbPeer {
    GList link; /* in RbPeers.open */
    int fd;
    gint deadline_s; /* atomic; monotonic seconds fit for 68 years of uptime */
    RbAddress address, client;
    gboolean counted;
};

struct RbPeers {
    GMutex lock;
    GQueue open;
    GHashTable *counts; /* RbAddress of one client → guint */
    guint per_address;
    const GArray *exempt; /* networks: proxies, whose connections are many people's */
};

static guint
hash_address(gconstpointer key)
{
    guint32 words[4];

    memcpy(words, key, sizeof words);
    return words[0] * 31U ^ words[1] * 131U ^ words[2] * 8191U ^ words[3];
}

static gboolean
equal_address(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(RbAddress)) == 0;
}

RbPeers *
rb_peers_new(guint per_address, const GArray *exempt)
{
    RbPeers *peers = g_new0(RbPeers, 1);

    g_mutex_init(&peers->lock);
    g_queue_init(&peers->open);
    peers->counts = g_hash_table_new_full(hash_address, equal_address, g_free, NULL);
    peers->per_address = per_address;
    peers->exempt = exempt;
    return peers;
}

void
rb_peers_free(RbPeers *peers)
{
    if (peers == NULL)
        return;
    g_hash_table_unref(peers->counts);
    g_mutex_clear(&peers->lock);
    g_free(peers);
}

static guint
count_of(RbPeers *peers, const RbAddress *address)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(peers->counts, address));
}

gboolean
rb_peers_admit(RbPeers *peers, const RbAddress *address)
{
    RbAddress client = rb_address_one_client(address);
    gboolean admitted;

    if (rb_networks_have(peers->exempt, address))
        return TRUE;
    g_mutex_lock(&peers->lock);
    admitted = count_of(peers, &client) < peers->per_address;
    g_mutex_unlock(&peers->lock);
    return admitted;
}

RbPeer *
rb_peers_open(RbPeers *peers, int fd, const RbAddress *address, gint64 deadline_s)
{
    RbPeer *peer = g_new0(RbPeer, 1);

    peer->link.data = peer;
    peer->fd = fd;
    peer->address = *address;
    peer->client = rb_address_one_client(address);
    peer->counted = !rb_networks_have(peers->exempt, address);
    peer->deadline_s = (gint)deadline_s;
    g_mutex_lock(&peers->lock);
    g_queue_push_tail_link(&peers->open, &peer->link);
    if (peer->counted)
        g_hash_table_replace(peers->counts, g_memdup2(&peer->client, sizeof peer->client),
                             GUINT_TO_POINTER(count_of(peers, &peer->client) + 1));
    g_mutex_unlock(&peers->lock);
    return peer;
}

void
rb_peers_close(RbPeers *peers, RbPeer *peer)
{
    guint n;

    g_mutex_lock(
        &peers->lock); /* with the lock held the socket is still the library's: it closes it after us */
    g_queue_unlink(&peers->open, &peer->link);
    if (peer->counted) {
        n = count_of(peers, &peer->client);
        if (n > 1)
            g_hash_table_replace(peers->counts, g_memdup2(&peer->client, sizeof peer->client),
                                 GUINT_TO_POINTER(n - 1));
        else
            (void)g_hash_table_remove(peers->counts, &peer->client);
    }
    g_mutex_unlock(&peers->lock);
    g_free(peer);
}

const RbAddress *
rb_peer_address(const RbPeer *peer)
{
    return &peer->address;
}

void
rb_peer_deadline(RbPeer *peer, gint64 deadline_s)
{
    g_atomic_int_set(&peer->deadline_s, (gint)deadline_s);
}

guint
rb_peers_hurry(RbPeers *peers, gint64 now_s)
{
    guint n = 0;

    g_mutex_lock(&peers->lock);
    for (GList *link = peers->open.head; link != NULL; link = link->next) {
        RbPeer *peer = link->data;
        gint deadline = g_atomic_int_get(&peer->deadline_s);
        if (deadline != 0 && deadline <= now_s) {
            (void)shutdown(peer->fd, SHUT_RDWR); /* the loop thread sees the end and closes */
            n++;
        }
    }
    g_mutex_unlock(&peers->lock);
    return n;
}
