/* A logout message, signed here for whatever it says, so that all of it is read. */
#include "world.h"

#include "base/secret.h"
#include "sign/sign.h"
#include "verify/saml.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    World *world;
    RbPrivateKey *key; /* the identity provider's */
} Party;

static gpointer
make_party(gpointer data)
{
    Party *party = g_new0(Party, 1);
    g_autofree char *path = NULL, *pem = NULL;
    g_autoptr(RbSecret) secret = NULL;

    (void)data;
    party->world = world_new();
    path = g_build_filename(party->world->idp->dir, "ec.key", NULL);
    g_assert(g_file_get_contents(path, &pem, NULL, NULL));
    secret = rb_secret_new_text(pem);
    party->key = rb_private_key_parse(secret, NULL);
    g_assert(party->key != NULL);
    return party;
}

static void
receive(const Party *party, const char *parameter, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *url = rb_saml_redirect_url("", parameter, message, "r", party->key, &error);
    RbInbound inbound = { .method = "GET" };
    g_autoptr(RbLogout) logout = NULL;

    if (url == NULL)
        return; /* longer than a message may be */
    inbound.raw_query = url + 1;
    logout = rb_provider_logout_receive(rb_providers_find(party->world->providers, "corp"), &inbound, IDP_NOW,
                                        &error);
    g_assert((logout == NULL) == (error != NULL));
    if (logout != NULL && logout->kind == RB_LOGOUT_REQUEST)
        g_assert(logout->subject != NULL && logout->session_indexes != NULL && logout->replay_key != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static GOnce once = G_ONCE_INIT;
    const Party *party = g_once(&once, make_party, NULL);
    g_autofree char *message = g_strndup((const char *)data, size);

    receive(party, "SAMLRequest", message);
    receive(party, "SAMLResponse", message);
    return 0;
}
