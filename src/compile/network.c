#include "compile/priv.h"

#include "base/encoding.h"

#include <arpa/inet.h>
#include <string.h>

/*
 * A role's source_ip. STS is called by the bridge, so a trust policy would see the bridge's address
 * (decision 0019): a policy of its own denies whatever the session does from elsewhere.
 */

static const guint8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* Networks that never are where a call to AWS comes from: it comes from behind somebody's NAT. */
static const char *const unseen[] = { "10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16",
                                      "100.64.0.0/10", "127.0.0.0/8",   "169.254.0.0/16",
                                      "::1/128",       "fc00::/7",      "fe80::/10" };

static char *
print(const RbNetwork *network)
{
    char text[INET6_ADDRSTRLEN];
    gboolean v4 = network->bits >= 96 && memcmp(network->address, mapped, sizeof mapped) == 0;

    if (inet_ntop(v4 ? AF_INET : AF_INET6, network->address + (v4 ? sizeof mapped : 0), text, sizeof text) ==
        NULL)
        return g_strdup("::/0"); /* cannot be: the buffer is long enough */
    return g_strdup_printf("%s/%u", text, v4 ? network->bits - 96 : network->bits);
}

static gboolean
is_unseen(const RbNetwork *network)
{
    char *slash, *address = print(network);
    gboolean found = FALSE;

    slash = strchr(address, '/');
    *slash = '\0';
    for (gsize i = 0; i < G_N_ELEMENTS(unseen) && !found; i++) {
        RbNetwork other;
        if (rb_network_parse(unseen[i], &other) == NULL)
            found = network->bits >= other.bits && rb_networks_hold(&other, 1, address);
    }
    g_free(address);
    return found;
}

static gint
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, each once. NULL: one of them AWS never sees. */
static GPtrArray *
list(const RbRole *role)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < role->n_networks; i++) {
        if (is_unseen(&role->networks[i]))
            return NULL;
        g_ptr_array_add(all, print(&role->networks[i]));
    }
    g_ptr_array_sort(all, by_text);
    for (guint i = 1; i < all->len;)
        if (g_str_equal(all->pdata[i - 1], all->pdata[i]))
            g_ptr_array_remove_index(all, i);
        else
            i++;
    return g_steal_pointer(&all);
}

void
rb_compile_network(RbCompiler *c, const RbRole *role, RbRoleFacts *facts)
{
    g_autoptr(GPtrArray) networks = role->n_networks == 0 ? NULL : list(role);
    json_t *texts, *statement;
    RbPolicy *document;
    guint8 digest[32];
    g_autofree char *hex = NULL;

    if (networks == NULL && role->n_networks > 0)
        rb_diagnostics_warning(c->problems, role->place.file, role->place.line, role->place.column,
                               "name the public addresses that they reach AWS from, if that is meant",
                               "source_ip of '%s' has private networks, which AWS never sees: it is checked "
                               "when somebody signs in, and not in AWS",
                               role->name);
    if (networks == NULL)
        return;
    texts = json_array();
    for (guint i = 0; i < networks->len; i++)
        (void)json_array_append_new(texts, json_string(networks->pdata[i]));
    statement = json_pack("[{s:s, s:s, s:s, s:s, s:{s:{s:o}, s:{s:s}}}]", "Sid", "OutsideOfNetworks",
                          "Effect", "Deny", "Action", "*", "Resource", "*", "Condition", "NotIpAddress",
                          "aws:SourceIp", texts, "BoolIfExists", "aws:ViaAWSService", "false");
    document = rb_compile_document(c, RB_POLICY_IDENTITY, statement, role->place);
    if (document == NULL)
        return;
    facts->network = rb_compile_part(c, document);
    rb_sha256(facts->network.text, strlen(facts->network.text), digest);
    hex = rb_hex_encode(digest, 5);
    facts->network_name = rb_arena_print(&c->out->arena, "network.%s", hex);
}
