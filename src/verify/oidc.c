#include "verify/oidc.h"

/* An OpenID Connect issuer, with us as its relying party. docs/oidc.md. */

static gint64
refresh(gpointer self, gint64 now, GError **error)
{
    return rb_keyring_refresh(((RbOidc *)self)->keyring, now, error);
}

static void
hurry(gpointer self)
{
    rb_keyring_hurry(((RbOidc *)self)->keyring);
}

static json_t *
status(gpointer self, gint64 now)
{
    const RbOidc *oidc = self;
    g_autoptr(GError) why = NULL;
    g_autoptr(RbOidcTrust) trust = rb_oidc_trust(oidc, now, &why);
    json_t *json = json_object(), *keys = json_array();

    rb_keyring_status(oidc->keyring, json);
    for (guint i = 0; trust != NULL && i < rb_jwks_size(trust->keys); i++) {
        const char *kid = rb_jwks_id(trust->keys, i);
        (void)json_array_append_new(keys, kid == NULL ? json_null() : json_string(kid));
    }
    (void)json_object_set_new(json, "keys", keys);
    (void)json_object_set_new(json, "issuer", json_string(oidc->issuer));
    (void)json_object_set_new(json, "usable", json_boolean(trust != NULL));
    return json;
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
};
