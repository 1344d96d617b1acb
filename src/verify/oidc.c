#include "verify/oidc.h"

/* An OpenID Connect issuer, with us as its relying party. docs/oidc.md. */

static gint64
refresh(gpointer self, gint64 now, GError **error)
{
    return rb_keyring_refresh(((RbOidc *)self)->source.keyring, now, error);
}

static void
hurry(gpointer self)
{
    rb_keyring_hurry(((RbOidc *)self)->source.keyring);
}

static json_t *
status(gpointer self, gint64 now)
{
    return rb_oidc_source_status(&((const RbOidc *)self)->source, now);
}

static void
tokens_of(gconstpointer self, RbTokensOf *of)
{
    const RbOidc *oidc = self;

    of->issuer = oidc->source.issuer;
    of->audiences = (const char *const *)&oidc->client_id;
    of->n_audiences = 1;
}

const RbProviderType rb_oidc_provider_type = {
    .type = "oidc",
    .load = rb_oidc_load,
    .unload = rb_oidc_unload,
    .refresh = refresh,
    .hurry = hurry,
    .status = status,
    .begin = rb_oidc_begin,
    .finish = rb_oidc_finish,
    .logout_url = rb_oidc_logout_url,
    .logout_receive = rb_oidc_logout_receive,
    .logout_reply = rb_oidc_logout_reply,
    .tokens_of = tokens_of,
};
