#include "base/encoding.h"
#include "verify/oidc.h"

#include <stdlib.h>
#include <string.h>

/* Discovery 1.0 and the issuer's keys. Both are fetched together and replaced together: keys never outlive
 * the document that led to them, and a document that cannot be used changes nothing. */

enum { MIN_REFRESH_S = 60, MAX_AGE_S = 3600 };

void
rb_oidc_trust_clear(gpointer data)
{
    RbOidcTrust *trust = data;

    g_free(trust->authorization);
    g_free(trust->token);
    g_free(trust->userinfo);
    g_free(trust->end_session);
    g_free(trust->par);
    g_free(trust->jwks);
    rb_jwks_free(trust->keys);
}

void
rb_oidc_trust_unref(RbOidcTrust *trust)
{
    if (trust != NULL)
        g_atomic_rc_box_release_full(trust, rb_oidc_trust_clear);
}

static gboolean
on_loopback(const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    const char *host = uri == NULL ? NULL : g_uri_get_host(uri);

    return host != NULL && strcmp(g_uri_get_scheme(uri), "http") == 0 &&
           (strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0);
}

gboolean
rb_oidc_url_fits(const char *issuer, const char *url)
{
    g_autoptr(GUri) uri = strnlen(url, RB_OIDC_MAX_URL + 1) > RB_OIDC_MAX_URL
                              ? NULL
                              : g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);

    if (uri == NULL || g_uri_get_host(uri) == NULL || *g_uri_get_host(uri) == '\0' ||
        g_uri_get_userinfo(uri) != NULL || g_uri_get_fragment(uri) != NULL)
        return FALSE;
    for (const char *p = url; *p != '\0'; p++) /* it becomes a header of ours: Location */
        if (!g_ascii_isgraph(*p))
            return FALSE;
    return strcmp(g_uri_get_scheme(uri), "https") == 0 || (on_loopback(issuer) && on_loopback(url));
}

/* A member that is an address: FALSE with oidc.discovery when it is missing but @required, or unfit. */
static gboolean
endpoint(const json_t *json, const char *issuer, const char *name, gboolean required, char **url,
         GError **error)
{
    const json_t *member = json_object_get(json, name);
    const char *text = json_string_value(member);

    if (member == NULL && !required)
        return TRUE;
    if (text == NULL || !rb_oidc_url_fits(issuer, text))
        return rb_refuse(error, RB_OIDC_DISCOVERY, "its '%s' is not an https address", name);
    *url = g_strdup(text);
    return TRUE;
}

/* Discovery 4.3: the issuer in it is exactly the one that was asked. */
static gboolean
check_issuer(const json_t *json, const char *issuer, GError **error)
{
    const char *text = json_string_value(json_object_get(json, "issuer"));
    g_autofree char *quoted = NULL;

    if (text != NULL && strcmp(text, issuer) == 0)
        return TRUE;
    quoted = rb_text_quote(text == NULL ? "" : text);
    return rb_refuse(error, RB_OIDC_DISCOVERY, "the issuer calls itself %s; configured is '%s'", quoted,
                     issuer);
}

/* An issuer of workload tokens has no endpoints for people (GitHub's names none). */
static gboolean
read_document(const json_t *json, const char *issuer, gboolean signs_in, RbOidcTrust *trust, GError **error)
{
    trust->par_required = json_is_true(json_object_get(json, "require_pushed_authorization_requests"));
    trust->says_iss = json_is_true(json_object_get(json, "authorization_response_iss_parameter_supported"));
    return check_issuer(json, issuer, error) &&
           endpoint(json, issuer, "authorization_endpoint", signs_in, &trust->authorization, error) &&
           endpoint(json, issuer, "token_endpoint", signs_in, &trust->token, error) &&
           endpoint(json, issuer, "jwks_uri", TRUE, &trust->jwks, error) &&
           endpoint(json, issuer, "userinfo_endpoint", FALSE, &trust->userinfo, error) &&
           endpoint(json, issuer, "end_session_endpoint", FALSE, &trust->end_session, error) &&
           endpoint(json, issuer, "pushed_authorization_request_endpoint", FALSE, &trust->par, error);
}

RbOidcTrust *
rb_oidc_discovery_parse(const char *issuer, gboolean signs_in, const void *bytes, gsize size, GError **error)
{
    json_t *json = NULL;
    RbOidcTrust *trust;
    gboolean ok;

    if (size > RB_OIDC_MAX_DISCOVERY)
        (void)rb_refuse(error, RB_OIDC_DISCOVERY, "a discovery document of %zu bytes", size);
    else
        json = rb_json_parse(bytes, size, RB_OIDC_DISCOVERY, "the discovery document", error);
    if (json == NULL)
        return NULL;
    trust = g_atomic_rc_box_new0(RbOidcTrust);
    ok = read_document(json, issuer, signs_in, trust, error);
    json_decref(json);
    if (ok)
        return trust;
    rb_oidc_trust_unref(trust);
    return NULL;
}

gint64
rb_oidc_max_age(const char *cache_control)
{
    g_autofree char *lower = cache_control == NULL ? NULL : g_ascii_strdown(cache_control, -1);
    const char *at;

    if (lower == NULL)
        return -1;
    if (strstr(lower, "no-store") != NULL || strstr(lower, "no-cache") != NULL)
        return 0;
    at = strstr(lower, "max-age=");
    if (at == NULL || !g_ascii_isdigit(at[strlen("max-age=")]))
        return -1;
    return (gint64)MIN(g_ascii_strtoull(at + strlen("max-age="), NULL, 10), (guint64)MAX_AGE_S);
}

/* RFC 9111: the keys' own headers say how long they may be kept; never less than a minute. */
static void
shorten(const RbHttpResponse *response, gint64 *refresh_s)
{
    gint64 max_age = rb_oidc_max_age(rb_http_response_header(response, "cache-control"));

    if (max_age >= 0)
        *refresh_s = MAX(MIN(*refresh_s, max_age), MIN_REFRESH_S);
}

static RbJwks *
fetch_keys(const RbOidcSource *source, const char *url, gint64 *refresh_s, GError **error)
{
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);
    g_autoptr(RbHttpResponse) response = NULL;

    rb_http_request_limits(request, RB_OIDC_CONNECT_MS, RB_OIDC_TOTAL_MS, RB_JWKS_MAX);
    response = rb_http_fetch(source->seat->http, request, error);
    if (response == NULL)
        return NULL;
    if (response->status != 200) {
        (void)rb_fault(error, RB_FAULT_NETWORK, "the issuer's keys were answered with HTTP status %d",
                       response->status);
        return NULL;
    }
    shorten(response, refresh_s);
    return rb_jwks_parse(g_bytes_get_data(response->body, NULL), g_bytes_get_size(response->body), error);
}

gpointer
rb_oidc_trust_parse(gconstpointer owner, GBytes *bytes, gint64 now, gint64 *refresh_s, GError **error)
{
    const RbOidcSource *source = owner;
    g_autoptr(RbOidcTrust) trust = rb_oidc_discovery_parse(
        source->issuer, source->signs_in, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error);

    if (trust == NULL)
        return NULL;
    trust->keys = fetch_keys(source, trust->jwks, refresh_s, error);
    trust->fetched_at = now;
    return trust->keys == NULL ? NULL : g_steal_pointer(&trust);
}

gpointer
rb_oidc_keys_parse(gconstpointer owner, GBytes *bytes, gint64 now, gint64 *refresh_s, GError **error)
{
    RbJwks *keys = rb_jwks_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error);
    RbOidcTrust *trust;

    (void)owner;
    (void)refresh_s;
    if (keys == NULL)
        return NULL;
    trust = g_atomic_rc_box_new0(RbOidcTrust);
    trust->keys = keys;
    trust->fetched_at = now;
    return trust;
}

/* A file stands until it is replaced: whoever wrote it is not asked. */
RbOidcTrust *
rb_oidc_trust(const RbOidcSource *source, gint64 now, GError **error)
{
    g_autoptr(RbOidcTrust) trust = rb_keyring_get(source->keyring);

    if (trust != NULL &&
        (now - trust->fetched_at <= RB_OIDC_STALE_S || !rb_keyring_is_remote(source->keyring)))
        return g_steal_pointer(&trust);
    (void)rb_fault(error, RB_FAULT_NETWORK, "the issuer '%s' %s", source->issuer,
                   trust == NULL ? "has not been read yet" : "has not answered for more than a day");
    return NULL;
}

RbJws *
rb_oidc_verify(const RbOidcSource *source, const char *audience, const char *const *types, const char *token,
               gint64 now, GError **error)
{
    const RbJwtRules rules = { source->issuer, audience, types, source->algorithms, source->seat->skew_s };
    g_autoptr(RbOidcTrust) trust = rb_oidc_trust(source, now, error), fresh = NULL;
    g_autoptr(GError) why = NULL;
    RbRenewed renewed = RB_RENEWED_NOTHING;
    RbJws *jws;

    if (trust == NULL)
        return NULL;
    jws = rb_jwt_verify(&rules, trust->keys, token, now, &why);
    if (jws != NULL)
        return jws;
    if (rb_is_refusal(why, RB_JWT_KEY_UNKNOWN))
        renewed = rb_keyring_renew(source->keyring, trust, now);
    if (renewed == RB_RENEWED) {
        fresh = rb_oidc_trust(source, now, error);
        return fresh == NULL ? NULL : rb_jwt_verify(&rules, fresh->keys, token, now, error);
    }
    if (renewed == RB_RENEWED_BUSY)
        (void)rb_fault(error, RB_FAULT_BUSY, "the keys of '%s' are being read for others", source->issuer);
    else
        g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}
