#include "sandbox/provider.h"

#include "base/file.h"
#include "base/refusal.h"

#include <jansson.h>
#include <string.h>

enum { MAX_DOCUMENT = 512 * 1024, CONNECT_MS = 2000, TOTAL_MS = 5000, METADATA_S = 60 };

#define NO_KEY                                                                                               \
    "Couldn't retrieve verification key from your identity provider, please reference "                      \
    "AssumeRoleWithWebIdentity documentation for requirements"

struct RbBoxProvider {
    char *arn, *account, *name, *issuer, *reach, *metadata;
    GStrv audiences;
    gboolean saml;
    gint64 max_age_s;
    RbBoxFetch fetch;
    gpointer fetch_data;
    GMutex mutex; /* held while asking: one question at a time */
    GBytes *known;
    gint64 until;
};

RbBoxProvider *
rb_box_provider_new(const RbBoxProviderSpec *spec, char **problem)
{
    g_auto(GStrv) fields = g_strsplit(spec->arn, ":", 6);
    RbBoxProvider *provider;
    const char *slash;
    gboolean oidc, saml;

    if (g_strv_length(fields) != 6 || strcmp(fields[0], "arn") != 0 || strcmp(fields[2], "iam") != 0) {
        *problem = g_strdup_printf("'%s' is not the ARN of an identity provider", spec->arn);
        return NULL;
    }
    oidc = g_str_has_prefix(fields[5], "oidc-provider/");
    saml = g_str_has_prefix(fields[5], "saml-provider/");
    slash = strchr(fields[5], '/');
    if ((!oidc && !saml) || slash[1] == '\0' || (saml && spec->metadata == NULL && spec->document == NULL)) {
        *problem = g_strdup_printf(
            saml ? "'%s' has no metadata" : "'%s' is not the ARN of an identity provider", spec->arn);
        return NULL;
    }
    provider = g_new0(RbBoxProvider, 1);
    provider->arn = g_strdup(spec->arn);
    provider->account = g_strdup(fields[4]);
    provider->name = g_strdup(slash + 1);
    provider->saml = saml;
    provider->issuer = g_strconcat("https://", slash + 1, NULL);
    provider->reach = g_strdup(spec->reach);
    provider->metadata = g_strdup(spec->metadata);
    provider->audiences = g_strdupv((GStrv)spec->audiences);
    provider->max_age_s = spec->max_age_s;
    provider->fetch = spec->fetch;
    provider->fetch_data = spec->fetch_data;
    if (spec->document != NULL) {
        provider->known = g_bytes_new(spec->document, strlen(spec->document));
        provider->until = G_MAXINT64;
    }
    g_mutex_init(&provider->mutex);
    return provider;
}

void
rb_box_provider_free(RbBoxProvider *provider)
{
    if (provider == NULL)
        return;
    g_free(provider->arn);
    g_free(provider->account);
    g_free(provider->name);
    g_free(provider->issuer);
    g_free(provider->reach);
    g_free(provider->metadata);
    g_strfreev(provider->audiences);
    g_clear_pointer(&provider->known, g_bytes_unref);
    g_mutex_clear(&provider->mutex);
    g_free(provider);
}

const char *
rb_box_provider_arn(const RbBoxProvider *provider)
{
    return provider->arn;
}

const char *
rb_box_provider_account(const RbBoxProvider *provider)
{
    return provider->account;
}

gboolean
rb_box_provider_is_saml(const RbBoxProvider *provider)
{
    return provider->saml;
}

const char *
rb_box_provider_name(const RbBoxProvider *provider)
{
    return provider->name;
}

gboolean
rb_box_provider_has_audience(const RbBoxProvider *provider, const char *audience)
{
    return provider->audiences != NULL && g_strv_contains((const char *const *)provider->audiences, audience);
}

/* What Cache-Control allows: max-age, unless the answer must not be kept at all. */
static gint64
max_age(const RbHttpResponse *response)
{
    const char *header = rb_http_response_header(response, "cache-control");
    g_auto(GStrv) parts = g_strsplit(header == NULL ? "" : header, ",", 50);
    gint64 age = 0;

    for (guint i = 0; parts[i] != NULL; i++) {
        const char *part = g_strstrip(parts[i]);

        if (g_ascii_strcasecmp(part, "no-store") == 0 || g_ascii_strcasecmp(part, "no-cache") == 0)
            return 0;
        if (g_ascii_strncasecmp(part, "max-age=", 8) == 0 &&
            !g_ascii_string_to_signed(part + 8, 10, 0, G_MAXINT32, &age, NULL))
            age = 0;
    }
    return age;
}

GBytes *
rb_box_fetch_http(gpointer http, const char *url, gint64 *max_age_s, GError **error)
{
    g_autoptr(RbHttpRequest) request = NULL;
    g_autoptr(RbHttpResponse) response = NULL;

    *max_age_s = 0;
    if (!g_str_has_prefix(url, "https://") && !g_str_has_prefix(url, "http://"))
        return rb_file_read(url, MAX_DOCUMENT, error);
    request = rb_http_request_new("GET", url);
    rb_http_request_limits(request, CONNECT_MS, TOTAL_MS, MAX_DOCUMENT);
    response = rb_http_fetch(http, request, error);
    if (response == NULL)
        return NULL;
    *max_age_s = max_age(response);
    if (response->status == 200)
        return g_bytes_ref(response->body);
    rb_refuse(error, RB_REQUEST_MALFORMED, "%s answered %d", url, response->status);
    return NULL;
}

static gboolean
refuse_keys(RbAwsError *error, const char *why)
{
    (void)rb_aws_refuse(error, 400, "InvalidIdentityToken", "%s", NO_KEY);
    error->why = g_strdup(why);
    return FALSE;
}

/* One document of the issuer: its addresses below the issuer are asked where the issuer is reached. */
static GBytes *
ask(const RbBoxProvider *provider, const char *url, gint64 *max_age_s, RbAwsError *error)
{
    gsize size = strlen(provider->issuer);
    gboolean moved = provider->reach != NULL && strncmp(url, provider->issuer, size) == 0;
    g_autofree char *real = moved ? g_strconcat(provider->reach, url + size, NULL) : g_strdup(url);
    g_autoptr(GError) problem = NULL;
    GBytes *bytes = provider->fetch(provider->fetch_data, real, max_age_s, &problem);

    if (bytes != NULL)
        return bytes;
    if (problem->domain == RB_REFUSAL) { /* it answered, with something else than 200 */
        (void)refuse_keys(error, problem->message);
        return NULL;
    }
    (void)rb_aws_refuse(error, 400, "IDPCommunicationError",
                        "Failed to communicate with the identity provider");
    error->why = g_strdup(problem->message);
    return NULL;
}

/* The address of the keys, of a discovery document that is the issuer's own. */
static char *
jwks_address(const RbBoxProvider *provider, GBytes *discovery, RbAwsError *error)
{
    json_t *root = json_loadb(g_bytes_get_data(discovery, NULL), g_bytes_get_size(discovery),
                              JSON_REJECT_DUPLICATES, NULL);
    const char *issuer = json_string_value(json_object_get(root, "issuer"));
    const char *uri = json_string_value(json_object_get(root, "jwks_uri"));
    g_autofree char *why = NULL;
    char *address = NULL;

    if (g_strcmp0(issuer, provider->issuer) != 0)
        why = g_strdup_printf("the discovery document is of issuer '%s'", issuer == NULL ? "" : issuer);
    else if (uri == NULL || !g_str_has_prefix(uri, "https://"))
        why = g_strdup("the discovery document has no jwks_uri by https");
    else
        address = g_strdup(uri);
    json_decref(root);
    if (address == NULL)
        (void)refuse_keys(error, why);
    return address;
}

static GBytes *
fetch_keys(const RbBoxProvider *provider, gint64 *max_age_s, RbAwsError *error)
{
    g_autofree char *discovery_url = g_strconcat(provider->issuer, "/.well-known/openid-configuration", NULL);
    g_autoptr(GBytes) discovery = ask(provider, discovery_url, max_age_s, error);
    g_autofree char *address = discovery == NULL ? NULL : jwks_address(provider, discovery, error);

    return address == NULL ? NULL : ask(provider, address, max_age_s, error);
}

GBytes *
rb_box_provider_keys(RbBoxProvider *provider, gint64 now, RbAwsError *error)
{
    GBytes *keys = NULL;
    gint64 age = 0;

    g_mutex_lock(&provider->mutex);
    if (provider->known == NULL || now >= provider->until) {
        keys = fetch_keys(provider, &age, error);
        g_clear_pointer(&provider->known, g_bytes_unref);
        provider->known = keys;
        provider->until = now + MIN(age, provider->max_age_s);
    }
    keys = provider->known == NULL ? NULL : g_bytes_ref(provider->known);
    g_mutex_unlock(&provider->mutex);
    return keys;
}

GBytes *
rb_box_provider_metadata(RbBoxProvider *provider, gint64 now, RbAwsError *error)
{
    g_autoptr(GError) problem = NULL;
    GBytes *metadata;
    gint64 age;

    g_mutex_lock(&provider->mutex);
    if (provider->known == NULL || now >= provider->until) {
        GBytes *fresh = provider->fetch(provider->fetch_data, provider->metadata, &age, &problem);

        if (fresh != NULL) { /* what was uploaded once stays */
            g_clear_pointer(&provider->known, g_bytes_unref);
            provider->known = fresh;
            provider->until = now + METADATA_S;
        }
    }
    metadata = provider->known == NULL ? NULL : g_bytes_ref(provider->known);
    g_mutex_unlock(&provider->mutex);
    if (metadata == NULL) {
        (void)rb_aws_refuse(error, 400, "InvalidIdentityToken", "Specified provider doesn't exist");
        error->why = g_strdup_printf("its metadata cannot be read: %s",
                                     problem == NULL ? "no reason was given" : problem->message);
    }
    return metadata;
}
