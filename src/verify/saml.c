#include "verify/saml.h"

/* A SAML 2.0 identity provider, with us as its service provider. docs/saml.md. */

static gint64
refresh(gpointer self, gint64 now, GError **error)
{
    return rb_keyring_refresh(((RbSaml *)self)->keyring, now, error);
}

static void
hurry(gpointer self)
{
    rb_keyring_hurry(((RbSaml *)self)->keyring);
}

static json_t *
status(gpointer self, gint64 now)
{
    const RbSaml *saml = self;
    g_autoptr(RbSamlTrust) trust = rb_keyring_get(saml->keyring);
    json_t *json = json_object(), *keys = json_array();

    rb_keyring_status(saml->keyring, json);
    for (guint i = 0; trust != NULL && i < trust->keys->len; i++)
        (void)json_array_append_new(keys, json_string(rb_public_key_id(trust->keys->pdata[i])));
    (void)json_object_set_new(json, "keys", keys);
    (void)json_object_set_new(json, "entity_id", trust == NULL ? json_null() : json_string(trust->entity_id));
    (void)json_object_set_new(json, "valid_until", json_integer(trust == NULL ? 0 : trust->valid_until));
    (void)json_object_set_new(
        json, "usable", json_boolean(trust != NULL && (trust->valid_until == 0 || trust->valid_until > now)));
    if (trust != NULL && trust->wants_signed_requests && saml->signing_key == NULL)
        (void)json_object_set_new(json, "warning",
                                  json_string("the identity provider wants signed requests; add "
                                              "signing_key and signing_certificate"));
    return json;
}

static gboolean
takes_assertions(gconstpointer self)
{
    return ((const RbSaml *)self)->sts;
}

const RbProviderType rb_saml_provider_type = {
    .type = "saml",
    .load = rb_saml_load,
    .unload = rb_saml_unload,
    .refresh = refresh,
    .hurry = hurry,
    .status = status,
    .begin = rb_saml_begin,
    .finish = rb_saml_finish,
    .metadata = rb_saml_sp_metadata,
    .logout_url = rb_saml_logout_url,
    .logout_receive = rb_saml_logout_receive,
    .logout_reply = rb_saml_logout_reply,
    .takes_assertions = takes_assertions,
    .assertion = rb_saml_assertion,
};
