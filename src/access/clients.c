#include "access/priv.h"

#include "base/encoding.h"

#include <string.h>

/*
 * Clients register themselves, unasked, as the sso-oidc protocol has it: a registration grants nothing, and
 * its redirect URIs can only lead back to the person's own machine.
 */

static const char scope_access[] = "sso:account:access";

/* A registration stays for three months: a whole office behind one address on its first morning, and no disk
 * full of them. */
static const RbLimit registering = { "register", 500, 10000 };

enum { CLIENT_NAME_MAX = 128, REDIRECTS_MAX = 10, REDIRECT_MAX = 512, CHALLENGE_SIZE = 43 };

void
rb_client_free(RbClient *client)
{
    if (client == NULL)
        return;
    g_free(client->id);
    rb_secret_unref(client->secret);
    g_free(client->name);
    g_strfreev(client->redirect_uris);
    g_free(client);
}

/* (transfer full): the URI taken apart when it is http to a loopback IP literal (RFC 8252 §7.3), with no
 * user, query or fragment. A name such as localhost may lead elsewhere. */
static GUri *
parse_redirect(const char *text, GError **error)
{
    g_autoptr(GUri) uri = NULL;
    g_autofree char *quoted = rb_text_quote(text);
    const char *host;

    if (strlen(text) <= REDIRECT_MAX && strstr(text, "/.") == NULL) /* GLib would resolve the dots */
        uri = g_uri_parse(text, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED, NULL);
    host = uri == NULL ? NULL : g_uri_get_host(uri);
    if (host == NULL || !g_str_equal(g_uri_get_scheme(uri), "http") ||
        (!g_str_equal(host, "127.0.0.1") && !g_str_equal(host, "::1")) || g_uri_get_userinfo(uri) != NULL ||
        g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL) {
        (void)rb_refuse(error, RB_SSO_INVALID_REDIRECT,
                        "%s is not http to 127.0.0.1 or [::1] with a path and nothing more", quoted);
        return NULL;
    }
    return g_steal_pointer(&uri);
}

/* The port is the client's to choose each time; everything else is compared exactly. */
static gboolean
check_redirect(const RbClient *client, const char *text, GError **error)
{
    g_autoptr(GUri) uri = text == NULL ? NULL : parse_redirect(text, error);
    g_autofree char *quoted = NULL;

    if (text == NULL)
        return rb_refuse(error, RB_SSO_INVALID_REDIRECT, "no redirect URI was named");
    if (uri == NULL)
        return FALSE;
    for (guint i = 0; client->redirect_uris[i] != NULL; i++) {
        g_autoptr(GUri) known = parse_redirect(client->redirect_uris[i], NULL);
        if (known != NULL && g_str_equal(g_uri_get_host(known), g_uri_get_host(uri)) &&
            g_str_equal(g_uri_get_path(known), g_uri_get_path(uri)))
            return TRUE;
    }
    quoted = rb_text_quote(text);
    return rb_refuse(error, RB_SSO_INVALID_REDIRECT, "%s is not one of the client's redirect URIs", quoted);
}

gboolean
rb_scopes_check(const char *const *scopes, GError **error)
{
    for (guint i = 0; scopes != NULL && scopes[i] != NULL; i++)
        if (!g_str_equal(scopes[i], scope_access)) {
            g_autofree char *quoted = rb_text_quote(scopes[i]);
            return rb_refuse(error, RB_SSO_INVALID_SCOPE, "the scope %s is not offered", quoted);
        }
    return TRUE;
}

static gboolean
check_name(const char *name, GError **error)
{
    gsize n = name == NULL ? 0 : strnlen(name, CLIENT_NAME_MAX + 1);
    g_autofree char *shown = n == 0 ? NULL : rb_text_printable(name, CLIENT_NAME_MAX);

    if (n == 0 || n > CLIENT_NAME_MAX || !g_str_equal(shown, name))
        return rb_refuse(error, RB_SSO_INVALID_REQUEST,
                         "the client's name must be 1 to %d bytes of printable text", CLIENT_NAME_MAX);
    return TRUE;
}

static gboolean
check_redirects(const char *const *uris, GError **error)
{
    for (guint i = 0; uris != NULL && uris[i] != NULL; i++) {
        g_autoptr(GUri) uri = NULL;
        if (i >= REDIRECTS_MAX)
            return rb_refuse(error, RB_SSO_INVALID_REDIRECT, "more than %d redirect URIs", REDIRECTS_MAX);
        uri = parse_redirect(uris[i], error);
        if (uri == NULL)
            return FALSE;
    }
    return TRUE;
}

static json_t *
client_body(const RbClient *client)
{
    g_autofree char *handle = rb_secret_handle(client->secret);
    json_t *body = json_object(), *uris = json_array();

    rb_facts_text(body, "name", client->name);
    rb_facts_text(body, "secret", handle);
    for (guint i = 0; client->redirect_uris[i] != NULL; i++)
        (void)json_array_append_new(uris, json_string(client->redirect_uris[i]));
    (void)json_object_set_new(body, "redirect_uris", uris);
    return body;
}

static RbClient *
enrol(RbAccess *access, const RbVisit *visit, const char *name, const char *const *redirect_uris,
      const char *const *scopes, GError **error)
{
    static const char *const none[] = { NULL };
    g_autoptr(RbClient) client = g_new0(RbClient, 1);
    g_autoptr(RbSecret) id = rb_secret_new_random(16);
    g_autoptr(RbBatch) batch = rb_batch_new();

    if (!rb_limits_take_address(access->limits, &registering, visit->source_ip, visit->now)) {
        (void)rb_refuse(error, RB_REQUEST_TOO_MANY, "clients register too often from this address");
        return NULL;
    }
    if (!check_name(name, error) || !check_redirects(redirect_uris, error) || !rb_scopes_check(scopes, error))
        return NULL;
    client->id = g_strdup(rb_secret_reveal(id)); /* random, but no secret */
    client->secret = rb_secret_new_random(32);
    client->name = g_strdup(name);
    client->redirect_uris = g_strdupv((char **)(redirect_uris == NULL ? none : redirect_uris));
    client->issued_at = visit->now;
    client->expires_at = visit->now + RB_CLIENT_S;
    rb_batch_add(batch, RB_RECORD_CLIENT, client->id, NULL, client->expires_at, client_body(client));
    return rb_store_commit(access->store, batch, visit->now, error) ? g_steal_pointer(&client) : NULL;
}

RbClient *
rb_access_register(RbAccess *access, const RbVisit *visit, const char *name, const char *const *redirect_uris,
                   const char *const *scopes, GError **error)
{
    g_autoptr(GError) why = NULL;
    RbClient *client = enrol(access, visit, name, redirect_uris, scopes, &why);

    return client != NULL
               ? client
               : rb_access_end(access, visit, "client registration", NULL, g_steal_pointer(&why), error);
}

static RbRecord *
client_record(RbAccess *access, const char *id, gint64 now, GError **error)
{
    g_autoptr(RbRecord) record = NULL;

    if (id != NULL && strnlen(id, RB_TOKEN_TEXT_MAX) < RB_TOKEN_TEXT_MAX &&
        !rb_access_find(access, RB_RECORD_CLIENT, id, now, &record, error))
        return NULL;
    if (record == NULL)
        (void)rb_refuse(error, RB_SSO_INVALID_CLIENT, "no such client, or its registration has ended");
    return g_steal_pointer(&record);
}

static RbClient *
client_from_record(const RbRecord *record)
{
    RbClient *client = g_new0(RbClient, 1);
    GStrvBuilder *uris = g_strv_builder_new();
    json_t *uri;
    gsize i;

    json_array_foreach(json_object_get(record->body, "redirect_uris"), i, uri)
        g_strv_builder_add(uris, json_string_value(uri));
    client->id = g_strdup(record->key);
    client->name = g_strdup(rb_body_text(record, "name"));
    client->redirect_uris = g_strv_builder_end(uris);
    client->issued_at = record->created_at;
    client->expires_at = record->expires_at;
    g_strv_builder_unref(uris);
    return client;
}

RbClient *
rb_client_find(RbAccess *access, const char *id, gint64 now, GError **error)
{
    g_autoptr(RbRecord) record = client_record(access, id, now, error);

    return record == NULL ? NULL : client_from_record(record);
}

RbClient *
rb_client_check(RbAccess *access, const char *id, const char *secret, gint64 now, GError **error)
{
    g_autoptr(RbRecord) record = client_record(access, id, now, error);
    g_autofree char *handle = NULL;

    if (record == NULL)
        return NULL;
    if (secret != NULL && strnlen(secret, RB_TOKEN_TEXT_MAX) < RB_TOKEN_TEXT_MAX)
        handle = rb_text_handle(secret);
    if (handle == NULL || g_strcmp0(handle, rb_body_text(record, "secret")) != 0) {
        (void)rb_refuse(error, RB_SSO_INVALID_CLIENT, "not the secret of client '%s'", record->key);
        return NULL;
    }
    return client_from_record(record);
}

/* ---- authorization codes ---- */

static gboolean
check_challenge(const char *challenge, GError **error)
{
    g_autoptr(GBytes) digest = NULL;

    if (challenge != NULL && strnlen(challenge, CHALLENGE_SIZE + 1) == CHALLENGE_SIZE)
        digest = rb_base64url_decode(challenge);
    if (digest == NULL)
        return rb_refuse(error, RB_SSO_INVALID_REQUEST, "no code challenge of method S256 was sent");
    return TRUE;
}

static RbClient *
authorize_check(RbAccess *access, const RbVisit *visit, const char *client_id, const char *redirect_uri,
                const char *code_challenge, const char *scopes, GError **error)
{
    g_autoptr(RbClient) client = rb_client_find(access, client_id, visit->now, error);
    g_auto(GStrv) named = NULL;

    if (client == NULL || !check_redirect(client, redirect_uri, error) ||
        !check_challenge(code_challenge, error))
        return NULL;
    if (scopes != NULL && strnlen(scopes, REDIRECT_MAX) >= REDIRECT_MAX) {
        (void)rb_refuse(error, RB_SSO_INVALID_SCOPE, "the list of scopes is too long");
        return NULL;
    }
    named = scopes == NULL || *scopes == '\0' ? NULL : g_strsplit(scopes, " ", -1);
    return rb_scopes_check((const char *const *)named, error) ? g_steal_pointer(&client) : NULL;
}

RbClient *
rb_access_authorize_check(RbAccess *access, const RbVisit *visit, const char *client_id,
                          const char *redirect_uri, const char *code_challenge, const char *scopes,
                          GError **error)
{
    g_autoptr(GError) why = NULL;
    RbClient *client = authorize_check(access, visit, client_id, redirect_uri, code_challenge, scopes, &why);

    return client != NULL
               ? client
               : rb_access_end(access, visit, "client sign-in", NULL, g_steal_pointer(&why), error);
}

static RbSecret *
authorize(RbAccess *access, const RbVisit *visit, const RbSession *session, const char *client_id,
          const char *redirect_uri, const char *code_challenge, const char *scopes, GError **error)
{
    g_autoptr(RbClient) client =
        authorize_check(access, visit, client_id, redirect_uri, code_challenge, scopes, error);
    g_autoptr(RbSecret) code = NULL;
    g_autoptr(RbBatch) batch = rb_batch_new();
    g_autofree char *key = NULL;
    json_t *body;

    if (client == NULL)
        return NULL;
    if (session->client != NULL) {
        (void)rb_refuse(error, RB_REQUEST_FORGED, "a client's session cannot let another client in");
        return NULL;
    }
    code = rb_secret_new_random(32);
    key = rb_secret_handle(code);
    body = json_object();
    rb_facts_text(body, "client", client->id);
    (void)json_object_set_new(body, "redirect_uri", json_string(redirect_uri));
    rb_facts_text(body, "challenge", code_challenge);
    rb_facts_text(body, "session", session->key);
    rb_batch_add(batch, RB_RECORD_CODE, key, session->identity->name, visit->now + RB_CODE_S, body);
    return rb_store_commit(access->store, batch, visit->now, error) ? g_steal_pointer(&code) : NULL;
}

RbSecret *
rb_access_authorize(RbAccess *access, const RbVisit *visit, const RbSession *session, const char *client_id,
                    const char *redirect_uri, const char *code_challenge, const char *scopes, GError **error)
{
    g_autoptr(GError) why = NULL;
    RbSecret *code = authorize(access, visit, session, client_id, redirect_uri, code_challenge, scopes, &why);

    return code != NULL ? code
                        : rb_access_end(access, visit, "client sign-in",
                                        rb_facts_new(visit, session->identity), g_steal_pointer(&why), error);
}
