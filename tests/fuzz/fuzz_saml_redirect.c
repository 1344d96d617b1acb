/* A redirect's query as sent: nothing gets through that was not signed. */
#include "world.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gpointer
make_world(gpointer data)
{
    (void)data;
    return world_new();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static GOnce once = G_ONCE_INIT;
    const World *world = g_once(&once, make_world, NULL);
    g_autofree char *query = g_strndup((const char *)data, size);
    const RbInbound inbound = { .method = "GET", .raw_query = query };
    g_autoptr(GError) error = NULL;

    g_assert(rb_provider_logout_receive(rb_providers_find(world->providers, "corp"), &inbound, IDP_NOW,
                                        &error) == NULL);
    g_assert(error != NULL);
    return 0;
}
