#include "base/encoding.h"
#include "serve/priv.h"

#include <string.h>

/* IAM Identity Center's sso-oidc API (reference §5.1): JSON with camelCase names, and the same by form with
 * RFC 6749's names for standard OAuth clients. The answer speaks as the question did. */

enum { RB_LIST_MAX = 16 }; /* redirect URIs or scopes of one client */

static gboolean
read_list(const RbRequest *request, const char *json_name, const char *form_name, GStrv *list, GError **error)
{
    const json_t *member = request->json != NULL ? json_object_get(request->json, json_name) : NULL;
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    gsize i;
    const json_t *item;

    if (request->json == NULL) {
        const char *text = request->form != NULL ? g_hash_table_lookup(request->form, form_name) : NULL;
        *list = text != NULL && *text != '\0' ? g_strsplit(text, " ", RB_LIST_MAX) : NULL;
        return TRUE;
    }
    *list = NULL;
    if (member == NULL || json_is_null(member))
        return TRUE;
    if (!json_is_array(member) || json_array_size(member) > RB_LIST_MAX)
        return rb_refuse(error, RB_SSO_INVALID_REQUEST, "'%s' is no list of at most %d", json_name,
                         RB_LIST_MAX);
    json_array_foreach(member, i, item)
    {
        if (!json_is_string(item))
            return rb_refuse(error, RB_SSO_INVALID_REQUEST, "'%s' holds something that is no string",
                             json_name);
        g_ptr_array_add(texts, g_strdup(json_string_value(item)));
    }
    if (texts->len > 0) {
        g_ptr_array_add(texts, NULL);
        *list = (GStrv)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
    }
    return TRUE;
}

/* One member of an answer by either name. */
static void
put(const RbRequest *request, json_t *object, const char *json_name, const char *form_name, json_t *value)
{
    (void)json_object_set_new(object, request->json != NULL ? json_name : form_name, value);
}

static gboolean
need(const RbRequest *request, const char *json_name, const char *form_name, const char **value,
     GError **error)
{
    if (!rb_request_text(request, json_name, form_name, value, error))
        return FALSE;
    if (*value == NULL || **value == '\0')
        return rb_refuse(error, RB_SSO_INVALID_REQUEST, "without '%s'", json_name);
    return TRUE;
}

RbAnswer *
rb_handle_register(RbRequest *request, GError **error)
{
    const char *name, *type;
    g_auto(GStrv) redirects = NULL;
    g_auto(GStrv) scopes = NULL;
    g_autoptr(RbClient) client = NULL;
    json_t *body;

    if (!need(request, "clientName", "client_name", &name, error) ||
        !rb_request_text(request, "clientType", "client_type", &type, error) ||
        !read_list(request, "redirectUris", "redirect_uris", &redirects, error) ||
        !read_list(request, "scopes", "scope", &scopes, error))
        return NULL;
    if (g_strcmp0(type, "public") != 0) {
        (void)rb_refuse(error, RB_SSO_INVALID_METADATA, "clientType is not 'public'");
        return NULL;
    }
    client = rb_access_register(request->site->access, rb_request_visit(request), name,
                                (const char *const *)redirects, (const char *const *)scopes, error);
    if (client == NULL)
        return NULL;
    body = json_object();
    put(request, body, "clientId", "client_id", json_string(client->id));
    put(request, body, "clientSecret", "client_secret", json_string(rb_secret_reveal(client->secret)));
    put(request, body, "clientIdIssuedAt", "client_id_issued_at", json_integer(client->issued_at));
    put(request, body, "clientSecretExpiresAt", "client_secret_expires_at", json_integer(client->expires_at));
    put(request, body, "authorizationEndpoint", "authorization_endpoint", json_null());
    put(request, body, "tokenEndpoint", "token_endpoint", json_null());
    return rb_answer_json(200, body);
}

RbAnswer *
rb_handle_device_start(RbRequest *request, GError **error)
{
    const char *id, *secret, *start_url;
    g_autoptr(RbDevice) device = NULL;
    json_t *body;

    if (!need(request, "clientId", "client_id", &id, error) ||
        !need(request, "clientSecret", "client_secret", &secret, error) ||
        !rb_request_text(request, "startUrl", "start_url", &start_url, error))
        return NULL;
    device = rb_access_device_start(request->site->access, rb_request_visit(request), id, secret, start_url,
                                    error);
    if (device == NULL)
        return NULL;
    g_autofree char *uri = g_strconcat(request->site->url, "/device", NULL);
    g_autofree char *complete = g_strconcat(uri, "?user_code=", device->user_code, NULL);
    body = json_object();
    put(request, body, "deviceCode", "device_code", json_string(rb_secret_reveal(device->device_code)));
    put(request, body, "userCode", "user_code", json_string(device->user_code));
    put(request, body, "verificationUri", "verification_uri", json_string(uri));
    put(request, body, "verificationUriComplete", "verification_uri_complete", json_string(complete));
    put(request, body, "expiresIn", "expires_in", json_integer(device->expires_in_s));
    put(request, body, "interval", "interval", json_integer(device->interval_s));
    return rb_answer_json(200, body);
}

static gboolean
read_token_ask(const RbRequest *request, RbTokenAsk *ask, GError **error)
{
    const struct {
        const char *json_name, *form_name;
        const char **value;
    } fields[] = {
        { "grantType", "grant_type", &ask->grant_type },
        { "clientId", "client_id", &ask->client_id },
        { "clientSecret", "client_secret", &ask->client_secret },
        { "deviceCode", "device_code", &ask->device_code },
        { "code", "code", &ask->code },
        { "redirectUri", "redirect_uri", &ask->redirect_uri },
        { "codeVerifier", "code_verifier", &ask->code_verifier },
        { "refreshToken", "refresh_token", &ask->refresh_token },
    };

    *ask = (RbTokenAsk){ 0 };
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        if (!rb_request_text(request, fields[i].json_name, fields[i].form_name, fields[i].value, error))
            return FALSE;
    if (ask->grant_type == NULL || ask->client_id == NULL || ask->client_secret == NULL)
        return rb_refuse(error, RB_SSO_INVALID_REQUEST,
                         "grantType, clientId and clientSecret are all needed");
    return TRUE;
}

RbAnswer *
rb_handle_token(RbRequest *request, GError **error)
{
    RbTokenAsk ask;
    g_autoptr(RbTokens) tokens = NULL;
    json_t *body;

    if (rb_request_query(request, "aws_iam") != NULL) {
        (void)rb_refuse(error, RB_SSO_UNSUPPORTED_GRANT, "CreateTokenWithIAM is not offered");
        return NULL;
    }
    if (!read_token_ask(request, &ask, error))
        return NULL;
    tokens = rb_access_token(request->site->access, rb_request_visit(request), &ask, error);
    if (tokens == NULL)
        return NULL;
    body = json_object();
    put(request, body, "accessToken", "access_token", json_string(rb_secret_reveal(tokens->access_token)));
    put(request, body, "tokenType", "token_type", json_string("Bearer"));
    put(request, body, "expiresIn", "expires_in", json_integer(tokens->expires_in_s));
    if (tokens->refresh_token != NULL)
        put(request, body, "refreshToken", "refresh_token",
            json_string(rb_secret_reveal(tokens->refresh_token)));
    if (request->json != NULL)
        (void)json_object_set_new(body, "idToken", json_null()); /* always null at the real service */
    return rb_answer_json(200, body);
}
