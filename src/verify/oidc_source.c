#include "base/encoding.h"
#include "verify/oidc.h"

#include <string.h>

/* What every issuer of tokens is configured with, whether people sign in there or jobs get their tokens. */

enum { MIN_REFRESH_S = 60, MAX_REFRESH_S = 86400, DEFAULT_REFRESH_S = 3600 };

static void
load_algorithms(RbOidcSource *source, const RbYaml *node, RbDiagnostics *problems)
{
    g_auto(GStrv) names = rb_yaml_strings(node, "algorithms", problems);

    source->algorithms = names[0] == NULL ? RB_JWS_ALL : 0;
    for (guint i = 0; names[i] != NULL; i++) {
        if (rb_jws_algorithm(names[i]) == 0)
            rb_yaml_field_problem(node, "algorithms", problems, "RS256, PS256, ES256, ES384 or EdDSA",
                                  "an algorithm that is never accepted");
        source->algorithms |= rb_jws_algorithm(names[i]);
    }
}

/* (transfer full): Discovery 4.1. */
static char *
discovery_url(const char *issuer)
{
    gsize n = strlen(issuer);
    g_autofree char *base = g_strndup(issuer, n > 0 && issuer[n - 1] == '/' ? n - 1 : n);

    return g_strconcat(base, "/.well-known/openid-configuration", NULL);
}

/* (transfer full): where the keys are read when the issuer itself cannot be asked (a cluster's issuer, say).
 */
static char *
keys_source(const RbOidcSource *source, const RbYaml *node, const char *uri, RbDiagnostics *problems)
{
    gboolean remote = strstr(uri, "://") != NULL;

    if (remote && !rb_oidc_url_fits(source->issuer, uri))
        rb_yaml_field_problem(node, "jwks_uri", problems, "use https://, or save the keys to a file",
                              "keys are only fetched by https");
    return remote ? g_strdup(uri) : rb_seat_path(source->seat, uri);
}

/* A file is read at once: a wrong name is a mistake of the configuration. */
static void
read_file(const RbOidcSource *source, const RbYaml *node, RbDiagnostics *problems)
{
    g_autoptr(GError) error = NULL;

    if (!rb_keyring_is_remote(source->keyring) && !rb_keyring_load(source->keyring, 0, &error))
        rb_yaml_field_problem(node, "jwks_uri", problems, "save the issuer's JWK set there", error->message);
}

void
rb_oidc_source_load(RbOidcSource *source, const RbYaml *node, const RbSeat *seat, gboolean signs_in,
                    RbDiagnostics *problems)
{
    const char *uri = signs_in ? "" : rb_yaml_string(node, "jwks_uri", "", problems);
    g_autofree char *place = NULL;
    RbKeyringSetting setting = {
        .http = seat->http,
        .refresh_s =
            rb_yaml_duration_s(node, "refresh", MIN_REFRESH_S, MAX_REFRESH_S, DEFAULT_REFRESH_S, problems),
        .max_size = *uri == '\0' ? (gsize)RB_OIDC_MAX_DISCOVERY : (gsize)RB_JWKS_MAX,
        .parse = *uri == '\0' ? rb_oidc_trust_parse : rb_oidc_keys_parse,
        .clear = rb_oidc_trust_clear,
        .owner = source,
    };

    source->seat = seat;
    source->signs_in = signs_in;
    source->issuer = g_strdup(rb_yaml_string(node, "issuer", NULL, problems));
    if (*source->issuer != '\0' &&
        (!rb_oidc_url_fits(source->issuer, source->issuer) || strchr(source->issuer, '?') != NULL))
        rb_yaml_field_problem(node, "issuer", problems,
                              "write https://login.acme.example, exactly as the issuer calls itself",
                              "an issuer is an https address without query and fragment");
    load_algorithms(source, node, problems);
    place = *uri == '\0' ? discovery_url(source->issuer) : keys_source(source, node, uri, problems);
    setting.source = place;
    source->keyring = rb_keyring_new(&setting);
    read_file(source, node, problems);
}

void
rb_oidc_source_clear(RbOidcSource *source)
{
    rb_keyring_free(source->keyring);
    g_free(source->issuer);
}

json_t *
rb_oidc_source_status(const RbOidcSource *source, gint64 now)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(RbOidcTrust) trust = rb_oidc_trust(source, now, &why);
    json_t *json = json_object(), *keys = json_array();

    rb_keyring_status(source->keyring, json);
    for (guint i = 0; trust != NULL && i < rb_jwks_size(trust->keys); i++) {
        const char *kid = rb_jwks_id(trust->keys, i);
        (void)json_array_append_new(keys, kid == NULL ? json_null() : json_string(kid));
    }
    (void)json_object_set_new(json, "keys", keys);
    (void)json_object_set_new(json, "issuer", json_string(source->issuer));
    (void)json_object_set_new(json, "usable", json_boolean(trust != NULL));
    return json;
}
