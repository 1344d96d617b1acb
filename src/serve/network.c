#include "serve/network.h"

#include "base/encoding.h"
#include "base/refusal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

enum { RB_FORWARDED_MAX = 32 }; /* proxies in a row */

static const guint8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static gboolean
is_v4(const RbAddress *address)
{
    return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

static gboolean
parse_plain(const char *text, RbAddress *address)
{
    RbAddress parsed;

    if (inet_pton(AF_INET, text, parsed.bytes + 12) == 1)
        memcpy(parsed.bytes, mapped, sizeof mapped);
    else if (inet_pton(AF_INET6, text, parsed.bytes) != 1)
        return FALSE;
    *address = parsed;
    return TRUE;
}

static gboolean
is_port(const char *text)
{
    guint64 port;

    return g_ascii_string_to_unsigned(text, 10, 0, 65535, &port, NULL);
}

gboolean
rb_address_parse(const char *text, RbAddress *address)
{
    g_autofree char *copy = NULL;
    char *end;

    if (strlen(text) > INET6_ADDRSTRLEN + 8)
        return FALSE;
    if (parse_plain(text, address))
        return TRUE;
    copy = g_strdup(text);
    if (*copy == '[') {
        end = strchr(copy, ']');
        if (end == NULL || (end[1] != '\0' && (end[1] != ':' || !is_port(end + 2))))
            return FALSE;
        *end = '\0';
        return parse_plain(copy + 1, address) && !is_v4(address);
    }
    end = strchr(copy, ':');
    if (end == NULL || !is_port(end + 1))
        return FALSE;
    *end = '\0';
    return parse_plain(copy, address);
}

gboolean
rb_address_from_socket(const struct sockaddr *peer, RbAddress *address)
{
    if (peer != NULL && peer->sa_family == AF_INET) {
        memcpy(address->bytes, mapped, sizeof mapped);
        memcpy(address->bytes + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
        return TRUE;
    }
    if (peer != NULL && peer->sa_family == AF_INET6) {
        memcpy(address->bytes, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
        return TRUE;
    }
    return FALSE;
}

RbAddress
rb_address_one_client(const RbAddress *address)
{
    RbAddress client = *address;

    if (!is_v4(address))
        memset(client.bytes + 8, 0, 8);
    return client;
}

char *
rb_address_text(const RbAddress *address)
{
    char text[INET6_ADDRSTRLEN];
    gboolean v4 = is_v4(address);

    if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address->bytes + 12 : address->bytes, text, sizeof text) ==
        NULL)
        return g_strdup("unknown");
    return g_strdup(text);
}

static gboolean
covers(const RbNetwork *network, const RbAddress *address)
{
    guint whole = network->bits / 8, rest = network->bits % 8;

    if (memcmp(network->base.bytes, address->bytes, whole) != 0)
        return FALSE;
    return rest == 0 || ((network->base.bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}

static gboolean
parse_network(const char *text, RbNetwork *network)
{
    const char *slash = strchr(text, '/');
    g_autofree char *base = slash != NULL ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
    guint most;
    guint64 bits;

    if (!parse_plain(base, &network->base))
        return FALSE;
    most = is_v4(&network->base) && strchr(base, ':') == NULL ? 32 : 128;
    bits = most;
    if (slash != NULL && !g_ascii_string_to_unsigned(slash + 1, 10, 0, most, &bits, NULL))
        return FALSE;
    network->bits = (guint)bits + (128 - most);
    for (guint bit = network->bits; bit < 128; bit++)
        if ((network->base.bytes[bit / 8] >> (7 - bit % 8)) & 1)
            return FALSE;
    return TRUE;
}

GArray *
rb_networks_parse(const char *const *texts, GError **error)
{
    g_autoptr(GArray) networks = g_array_new(FALSE, FALSE, sizeof(RbNetwork));

    for (; texts != NULL && *texts != NULL; texts++) {
        RbNetwork network;
        if (!parse_network(*texts, &network)) {
            g_autofree char *shown = rb_text_quote(*texts);
            (void)rb_refuse(error, RB_REQUEST_MALFORMED,
                            "%s is not a network; write it as 10.0.0.0/8 or 2001:db8::/32, host bits zero",
                            shown);
            return NULL;
        }
        g_array_append_val(networks, network);
    }
    return g_steal_pointer(&networks);
}

gboolean
rb_networks_have(const GArray *networks, const RbAddress *address)
{
    for (guint i = 0; i < networks->len; i++)
        if (covers(&g_array_index(networks, RbNetwork, i), address))
            return TRUE;
    return FALSE;
}

gboolean
rb_address_seen_through(const RbAddress *peer, const char *forwarded, const GArray *proxies,
                        RbAddress *client, GError **error)
{
    g_auto(GStrv) hops = NULL;
    RbAddress nearest = *peer;

    if (forwarded != NULL && rb_networks_have(proxies, peer)) {
        hops = g_strsplit(forwarded, ",", RB_FORWARDED_MAX + 1);
        guint n = g_strv_length(hops);
        if (n == 0 || n > RB_FORWARDED_MAX)
            return rb_refuse(error, RB_REQUEST_MALFORMED, "X-Forwarded-For names %u addresses, not 1 to %d",
                             n, RB_FORWARDED_MAX);
        while (n > 0 && rb_networks_have(proxies, &nearest))
            if (!rb_address_parse(g_strstrip(hops[--n]), &nearest))
                return rb_refuse(error, RB_REQUEST_MALFORMED,
                                 "X-Forwarded-For holds something that is no address");
    }
    *client = nearest;
    return TRUE;
}

gboolean
rb_listen_parse(const char *text, struct sockaddr_storage *address, socklen_t *size, GError **error)
{
    const char *colon = strrchr(text, ':');
    g_autofree char *host = colon != NULL ? g_strndup(text, (gsize)(colon - text)) : NULL;
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    guint64 port;
    gsize n;

    memset(address, 0, sizeof *address);
    if (colon != NULL && g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL)) {
        n = strlen(host);
        v4.sin_port = v6.sin6_port = htons((guint16)port);
        if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
            memcpy(address, &v4, sizeof v4);
            *size = sizeof v4;
            return TRUE;
        }
        if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
            host[n - 1] = '\0';
            if (inet_pton(AF_INET6, host + 1, &v6.sin6_addr) == 1) {
                memcpy(address, &v6, sizeof v6);
                *size = sizeof v6;
                return TRUE;
            }
        }
    }
    g_autofree char *shown = rb_text_quote(text);
    return rb_refuse(error, RB_REQUEST_MALFORMED,
                     "%s is not an address to listen on; write it as 0.0.0.0:8443 or [::1]:8443", shown);
}

static guint
bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = { .v6 = { 0 } };
    socklen_t size = sizeof address;

    if (getsockname(fd, &address.any, &size) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

int
rb_listen_open(const char *text, guint *port, GError **error)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = 0;
    int fd, on = 1;

    if (!rb_listen_parse(text, &address, &size, error))
        return -1;
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, SOMAXCONN) == 0) {
        *port = bound_port(fd);
        return fd;
    }
    (void)rb_fault(error, RB_FAULT_NETWORK, "cannot listen on '%s': %s", text, g_strerror(errno));
    if (fd >= 0)
        (void)close(fd); /* nothing was sent on it */
    return -1;
}
