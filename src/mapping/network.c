#include "mapping/condition.h"

#include <arpa/inet.h>
#include <string.h>

static const guint8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* Returns: 4 or 6 by how @text was written, 0 when it is no address. */
static gint
parse_address(const char *text, guint8 address[16])
{
    memcpy(address, mapped, sizeof mapped);
    if (inet_pton(AF_INET, text, address + sizeof mapped) == 1)
        return 4;
    return inet_pton(AF_INET6, text, address) == 1 ? 6 : 0;
}

static gboolean
is_mapped(const guint8 address[16])
{
    return memcmp(address, mapped, sizeof mapped) == 0;
}

/* Whether the first @bits of both are the same. */
static gboolean
same_bits(const guint8 *a, const guint8 *b, guint bits)
{
    guint whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

const char *
rb_network_parse(const char *text, RbNetwork *network)
{
    const char *slash = strchr(text, '/');
    g_autofree char *address = slash == NULL ? g_strdup(text) : g_strndup(text, (gsize)(slash - text));
    RbNetwork n;
    guint64 bits;
    gint family = parse_address(address, n.address);
    guint most = family == 4 ? 32 : 128;

    if (family == 0)
        return "is not an IP address or network";
    bits = most;
    if (slash != NULL && !g_ascii_string_to_unsigned(slash + 1, 10, 0, most, &bits, NULL))
        return family == 4 ? "needs a prefix length from 0 to 32" : "needs a prefix length from 0 to 128";
    n.bits = (guint)bits + (family == 4 ? 96 : 0);
    for (guint i = n.bits; i < 128; i++)
        if ((n.address[i / 8] >> (7 - i % 8) & 1) != 0)
            return "has bits set beyond its prefix length";
    *network = n;
    return NULL;
}

gboolean
rb_networks_hold(const RbNetwork *networks, guint n, const char *text)
{
    guint8 address[16];

    if (parse_address(text, address) == 0)
        return FALSE;
    for (guint i = 0; i < n; i++) {
        const RbNetwork *network = &networks[i];
        gboolean network_is_v4 = network->bits >= 96 && is_mapped(network->address);
        /* ::/0 means every IPv6 address, not every IPv4 one */
        if (network_is_v4 == is_mapped(address) && same_bits(network->address, address, network->bits))
            return TRUE;
    }
    return FALSE;
}
