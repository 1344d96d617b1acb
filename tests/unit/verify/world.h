#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "idp.h"

#include "verify/verify.h"

/** Providers of every shape that the tests need, all at the one test identity provider. */
typedef struct {
    Idp *idp;
    RbProviders *providers;
} World;

World *world_new(void);
void world_free(World *world);
/** world_load: (transfer full): providers from a list in YAML, mistakes as one text in @problems. */
RbProviders *world_load(const Idp *idp, const char *yaml, char **problems);
/** world_post: what rb_provider_finish() says of @xml sent to @provider, answering request _req1. */
RbVerified *world_post(const World *world, const char *provider, const char *xml, gint64 now, GError **error);

#endif
