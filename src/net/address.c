#include "net/priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

typedef enum { LOOPBACK, CREDENTIALS, NOWHERE, ELSEWHERE } Place;

static Place
place_of_v4(guint32 a)
{
    if (a >> 24 == 127)
        return LOOPBACK;
    if (a == 0xa9fea9fe || a == 0xa9feaa02 || a == 0xa9feaa17) /* 169.254.169.254, .170.2, .170.23 */
        return CREDENTIALS;
    if (a >> 16 == 0xa9fe || a >> 24 == 0 ||
        a >> 28 >= 14) /* link-local, "this network", multicast, reserved */
        return NOWHERE;
    return ELSEWHERE;
}

static Place
place_of_v6(const struct in6_addr *a)
{
    static const guint8 imds[16] = { 0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54 };
    static const guint8 pods[16] = { 0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23 };
    guint32 v4;

    if (IN6_IS_ADDR_LOOPBACK(a))
        return LOOPBACK;
    if (IN6_IS_ADDR_V4MAPPED(a)) {
        memcpy(&v4, a->s6_addr + 12, sizeof v4);
        return place_of_v4(ntohl(v4));
    }
    if (memcmp(a->s6_addr, imds, 16) == 0 || memcmp(a->s6_addr, pods, 16) == 0)
        return CREDENTIALS;
    if (IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_MULTICAST(a) ||
        IN6_IS_ADDR_V4COMPAT(a))
        return NOWHERE;
    return ELSEWHERE;
}

static gboolean
reaches(const RbReach *reach, Place place)
{
    switch (place) {
    case LOOPBACK:
        return TRUE;
    case CREDENTIALS:
        return reach->link_local;
    case ELSEWHERE:
        return reach->https;
    default:
        return FALSE;
    }
}

gboolean
rb_reach_allows(const RbReach *reach, const struct sockaddr *address)
{
    if (address->sa_family == AF_UNIX)
        return reach->unix_socket;
    if (reach->unix_socket) /* nothing but that socket */
        return FALSE;
    if (reach->proxied) /* the proxy that the administrator named */
        return TRUE;
    if (address->sa_family == AF_INET)
        return reaches(
            reach, place_of_v4(ntohl(((const struct sockaddr_in *)(gconstpointer)address)->sin_addr.s_addr)));
    if (address->sa_family == AF_INET6)
        return reaches(reach, place_of_v6(&((const struct sockaddr_in6 *)(gconstpointer)address)->sin6_addr));
    return FALSE;
}

gboolean
rb_reach_allows_literal(const RbReach *reach, const char *host, gboolean *is_literal, gboolean *is_loopback)
{
    struct in_addr v4;
    struct in6_addr v6;
    gsize size = strlen(host);
    Place place;

    *is_literal = TRUE;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        place = place_of_v4(ntohl(v4.s_addr));
    } else if (host[0] == '[') {
        g_autofree char *bare = size > 2 ? g_strndup(host + 1, size - 2) : g_strdup("");
        place = inet_pton(AF_INET6, bare, &v6) == 1 ? place_of_v6(&v6) : NOWHERE;
    } else {
        *is_literal = FALSE;
        *is_loopback = g_ascii_strcasecmp(host, "localhost") == 0;
        return TRUE;
    }
    *is_loopback = place == LOOPBACK;
    return reach->unix_socket || reaches(reach, place);
}
