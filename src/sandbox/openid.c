#include "sandbox/idp_priv.h"

#include "base/encoding.h"
#include "base/log.h"

#include <string.h>

/* The corporation's OpenID Connect provider: authorization code with PKCE, for the people of the SAML one. */

enum { CODE_S = 60, ACCESS_S = 3600, ID_TOKEN_S = 300, MAX_GRANTS = 2000 };

/** What a code, or an access token, stands for. */
typedef struct {
    const RbBoxClient *client;
    const RbBoxPerson *person;
    char *redirect_uri, *challenge, *nonce, *sid;
    gboolean mfa;
    gint64 at, until;
} Grant;

void
rb_box_client_free(RbBoxClient *client)
{
    g_free(client->id);
    rb_secret_unref(client->secret);
    g_strfreev(client->redirect_uris);
    g_strfreev(client->logout_uris);
    g_free(client->algorithm);
    g_free(client->backchannel);
    g_free(client);
}

void
rb_box_grant_free(gpointer data)
{
    Grant *grant = data;

    g_free(grant->redirect_uri);
    g_free(grant->challenge);
    g_free(grant->nonce);
    g_free(grant->sid);
    g_free(grant);
}

void
rb_box_openid_ask_free(RbBoxOpenidAsk *ask)
{
    if (ask == NULL)
        return;
    g_free(ask->state);
    g_free(ask->nonce);
    g_free(ask->challenge);
    g_free(ask);
}

static gboolean
is_over(gpointer key, gpointer value, gpointer now)
{
    (void)key;
    return ((Grant *)value)->until <= *(gint64 *)now;
}

/* Keeps @grant (taken over) until @until. Returns: (transfer full): the secret that stands for it */
static RbSecret *
keep(GHashTable *grants, Grant *grant, gint64 until, gint64 now)
{
    RbSecret *secret = rb_secret_new_random(32);

    grant->until = until;
    (void)g_hash_table_foreach_remove(grants, is_over, &now);
    if (g_hash_table_size(grants) >= MAX_GRANTS)
        g_hash_table_remove_all(grants);
    g_hash_table_insert(grants, g_strdup(rb_secret_reveal(secret)), grant);
    return secret;
}

const RbBoxClient *
rb_box_openid_client(const RbBoxIdp *idp, const char *id)
{
    for (guint i = 0; id != NULL && i < idp->setting.openid->clients->len; i++)
        if (strcmp(((RbBoxClient *)idp->setting.openid->clients->pdata[i])->id, id) == 0)
            return idp->setting.openid->clients->pdata[i];
    return NULL;
}

const RbBoxTokenKey *
rb_box_openid_key(const RbBoxIdp *idp, const RbBoxClient *client)
{
    RbBoxTokenKey *const *keys = idp->setting.openid->keys;

    for (int i = 0; i < 2; i++)
        if (keys[i] != NULL && strcmp(rb_box_token_key_algorithm(keys[i]), client->algorithm) == 0)
            return keys[i];
    return keys[0] != NULL ? keys[0] : keys[1];
}

/* ---- what needs no state ---- */

static void
answer_discovery(const RbBoxOpenid *openid, RbBoxAnswer *answer)
{
    static const char *const addresses[][2] = { { "authorization_endpoint", "authorize" },
                                                { "token_endpoint", "token" },
                                                { "userinfo_endpoint", "userinfo" },
                                                { "end_session_endpoint", "logout" },
                                                { "jwks_uri", "jwks.json" } };
    json_t *root = json_pack(
        "{s:s, s:[s], s:[s], s:[s], s:[s,s], s:[s,s,s], s:[s,s], s:[s], s:[s,s], s:b, s:b, s:b}", "issuer",
        openid->issuer, "response_types_supported", "code", "grant_types_supported", "authorization_code",
        "subject_types_supported", "public", "id_token_signing_alg_values_supported", "RS256", "ES256",
        "scopes_supported", "openid", "profile", "email", "token_endpoint_auth_methods_supported",
        "client_secret_basic", "client_secret_post", "code_challenge_methods_supported", "S256",
        "acr_values_supported", RB_BOX_PASSWORD, RB_BOX_MFA, "authorization_response_iss_parameter_supported",
        1, "backchannel_logout_supported", 1, "backchannel_logout_session_supported", 1);
    g_autofree char *text = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autofree char *url = g_strdup_printf("%s/%s", openid->issuer, addresses[i][1]);

        json_object_set_new(root, addresses[i][0], json_string(url));
    }
    text = rb_box_json_text(root);
    rb_box_answer_text(answer, 200, "application/json", "%s\n", text);
    rb_box_answer_header(answer, "Cache-Control", "public, max-age=3600");
}

gboolean
rb_box_openid_public(const RbBoxOpenid *openid, const RbBoxRequest *request, RbBoxAnswer *answer)
{
    g_autofree char *keys = NULL;

    if (strcmp(request->path, "/idp/oidc/.well-known/openid-configuration") == 0) {
        answer_discovery(openid, answer);
        return TRUE;
    }
    if (strcmp(request->path, "/idp/oidc/jwks.json") != 0)
        return FALSE;
    keys = rb_box_token_keys_json((const RbBoxTokenKey *const *)openid->keys, 2);
    rb_box_answer_text(answer, 200, "application/json", "%s\n", keys);
    rb_box_answer_header(answer, "Cache-Control", "public, max-age=3600");
    return TRUE;
}

/* ---- authorize ---- */

/* Back to the client: @name and @value are the code, or the error. */
static void
go_back(RbBoxIdp *idp, const RbBoxPending *pending, const char *name, const char *value, RbBoxAnswer *answer)
{
    g_autofree char *encoded = rb_uri_encode(value), *issuer = rb_uri_encode(idp->setting.openid->issuer);
    g_autofree char *state = rb_uri_encode(pending->openid->state == NULL ? "" : pending->openid->state);
    g_autofree char *url =
        g_strdup_printf("%s%s%s=%s&iss=%s%s%s", pending->acs, strchr(pending->acs, '?') == NULL ? "?" : "&",
                        name, encoded, issuer, pending->openid->state == NULL ? "" : "&state=", state);

    rb_box_answer_redirect(answer, url);
}

void
rb_box_openid_respond(RbBoxIdp *idp, const RbBoxPending *pending, RbBoxSignOn *sign_on, const char *problem,
                      gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(RbSecret) code = NULL;
    Grant *grant;

    rb_log(RB_LOG_INFO, "idp.answered", "person", sign_on == NULL ? NULL : sign_on->person->uid, "to",
           pending->sp, "status", problem == NULL ? "code" : problem, NULL);
    if (sign_on == NULL) {
        go_back(idp, pending, "error", problem, answer);
        return;
    }
    grant = g_new0(Grant, 1);
    grant->client = rb_box_openid_client(idp, pending->sp);
    grant->person = sign_on->person;
    grant->redirect_uri = g_strdup(pending->acs);
    grant->challenge = g_strdup(pending->openid->challenge);
    grant->nonce = g_strdup(pending->openid->nonce);
    grant->sid = g_strdup(sign_on->index);
    grant->mfa = sign_on->mfa;
    grant->at = sign_on->at;
    (void)g_hash_table_add(sign_on->clients, g_strdup(pending->sp));
    code = keep(idp->codes, grant, now + CODE_S, now);
    go_back(idp, pending, "code", rb_secret_reveal(code), answer);
}

static gboolean
has_word(const char *list, const char *word)
{
    g_auto(GStrv) words = g_strsplit(list == NULL ? "" : list, " ", 100);

    return g_strv_contains((const char *const *)words, word);
}

/* What is wrong with a request whose client and address are known; NULL: nothing. */
static const char *
request_problem(GHashTable *fields)
{
    const char *challenge = g_hash_table_lookup(fields, "code_challenge");

    if (g_strcmp0(g_hash_table_lookup(fields, "response_type"), "code") != 0)
        return "unsupported_response_type";
    if (!has_word(g_hash_table_lookup(fields, "scope"), "openid"))
        return "invalid_scope";
    if (challenge == NULL || strlen(challenge) != 43 ||
        g_strcmp0(g_hash_table_lookup(fields, "code_challenge_method"), "S256") != 0)
        return "invalid_request";
    return NULL;
}

/* Whether somebody's sign-on is young and strong enough for what is asked. */
static gboolean
is_enough(const RbBoxSignOn *sign_on, gboolean wants_mfa, GHashTable *fields, gint64 now)
{
    const char *text = g_hash_table_lookup(fields, "max_age");
    gint64 max_age;

    if (sign_on == NULL || has_word(g_hash_table_lookup(fields, "prompt"), "login") ||
        (wants_mfa && !sign_on->mfa))
        return FALSE;
    return text == NULL ||
           (g_ascii_string_to_signed(text, 10, 0, G_MAXINT32, &max_age, NULL) && now - sign_on->at < max_age);
}

void
rb_box_openid_authorize(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now,
                        RbBoxAnswer *answer)
{
    const char *to = g_hash_table_lookup(fields, "redirect_uri"),
               *acr = g_hash_table_lookup(fields, "acr_values");
    const RbBoxClient *client = rb_box_openid_client(idp, g_hash_table_lookup(fields, "client_id"));
    RbBoxSignOn *sign_on = rb_box_idp_sign_on(idp, request, now);
    RbBoxPending *pending;
    const char *problem;

    if (client == NULL || to == NULL || !g_strv_contains((const char *const *)client->redirect_uris, to)) {
        rb_log(RB_LOG_INFO, "idp.refused", "why", "no such client with that redirect_uri", NULL);
        rb_box_page_problem(answer, "idp", 400, "No application of that name and address is known here.",
                            "Start again from where you came from.");
        return;
    }
    pending = rb_box_pending_new(client->id, to, NULL, now);
    pending->openid = g_new0(RbBoxOpenidAsk, 1);
    pending->openid->state = g_strdup(g_hash_table_lookup(fields, "state"));
    pending->openid->nonce = g_strdup(g_hash_table_lookup(fields, "nonce"));
    pending->openid->challenge = g_strdup(g_hash_table_lookup(fields, "code_challenge"));
    pending->wants_mfa = has_word(acr, RB_BOX_MFA) && !has_word(acr, RB_BOX_PASSWORD);
    problem = request_problem(fields);
    if (problem == NULL && is_enough(sign_on, pending->wants_mfa, fields, now)) {
        rb_box_openid_respond(idp, pending, sign_on, NULL, now, answer);
    } else if (problem != NULL || has_word(g_hash_table_lookup(fields, "prompt"), "none")) {
        rb_box_openid_respond(idp, pending, NULL, problem == NULL ? "login_required" : problem, now, answer);
    } else {
        rb_box_idp_ask_person(idp, pending, sign_on == NULL ? NULL : sign_on->person->uid, now, answer);
        return;
    }
    rb_box_pending_free(pending);
}

/* ---- token and userinfo ---- */

static void
refuse(RbBoxAnswer *answer, int status, const char *code, const char *why)
{
    rb_log(RB_LOG_INFO, "idp.refused", "code", code, "why", why, NULL);
    rb_box_answer_text(answer, status, "application/json", "{\"error\":\"%s\"}\n", code);
    rb_box_answer_header(answer, "Cache-Control", "no-store");
    if (status == 401)
        rb_box_answer_header(answer, "WWW-Authenticate",
                             strcmp(code, "invalid_client") == 0 ? "Basic realm=\"acme\"" : "Bearer");
}

/* Who asks: HTTP Basic, both halves form-encoded (RFC 6749 §2.3.1), or two fields. */
static const RbBoxClient *
authenticate(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields)
{
    const char *header = rb_box_request_header(request, "Authorization");
    g_autofree char *id = g_strdup(g_hash_table_lookup(fields, "client_id"));
    g_autofree char *secret = g_strdup(g_hash_table_lookup(fields, "client_secret"));
    const RbBoxClient *client;

    if (header != NULL && g_ascii_strncasecmp(header, "Basic ", 6) == 0) {
        g_autoptr(GBytes) bytes = rb_base64_decode(header + 6, 4096);
        g_autofree char *pair =
            bytes == NULL ? g_strdup("") : g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
        g_auto(GStrv) halves = g_strsplit(pair, ":", 2);

        g_free(id);
        g_free(secret);
        id = halves[0] == NULL ? NULL : g_uri_unescape_string(halves[0], NULL);
        secret = halves[0] == NULL || halves[1] == NULL ? NULL : g_uri_unescape_string(halves[1], NULL);
    }
    client = rb_box_openid_client(idp, id);
    return client != NULL && secret != NULL && rb_secret_equal_text(client->secret, secret) ? client : NULL;
}

static gboolean
verifier_fits(const char *verifier, const char *challenge)
{
    g_autofree char *encoded = NULL;
    guint8 digest[32];

    if (verifier == NULL || strlen(verifier) < 43 || strlen(verifier) > 128)
        return FALSE;
    rb_sha256(verifier, strlen(verifier), digest);
    encoded = rb_base64url_encode(digest, sizeof digest);
    return strcmp(encoded, challenge) == 0;
}

static json_t *
person_claims(const RbBoxPerson *person)
{
    json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:b}", "sub", person->uid, "preferred_username",
                               person->uid, "name", person->name, "email", person->mail, "email_verified", 1);
    json_t *groups = json_array();

    for (guint i = 0; person->groups[i] != NULL; i++)
        json_array_append_new(groups, json_string(person->groups[i]));
    json_object_set_new(claims, "groups", groups);
    for (guint i = 0; i < person->attributes->len; i++) {
        const RbBoxAttribute *own = person->attributes->pdata[i];

        if (own->values[0] != NULL)
            json_object_set_new(claims, own->name, json_string(own->values[0]));
    }
    return claims;
}

static char *
id_token(RbBoxIdp *idp, const Grant *grant, const char *access, gint64 now)
{
    json_t *claims = person_claims(grant->person), *methods = json_pack("[s]", "pwd");
    g_autofree char *hash = NULL;
    guint8 digest[32];
    char *token;

    rb_sha256(access, strlen(access), digest);
    hash = rb_base64url_encode(digest, sizeof digest / 2);
    if (grant->mfa) {
        json_array_append_new(methods, json_string("hwk"));
        json_array_append_new(methods, json_string("mfa"));
    }
    json_object_set_new(claims, "iss", json_string(idp->setting.openid->issuer));
    json_object_set_new(claims, "aud", json_string(grant->client->id));
    json_object_set_new(claims, "iat", json_integer(now));
    json_object_set_new(claims, "exp", json_integer(now + ID_TOKEN_S));
    json_object_set_new(claims, "auth_time", json_integer(grant->at));
    json_object_set_new(claims, "acr", json_string(grant->mfa ? RB_BOX_MFA : RB_BOX_PASSWORD));
    json_object_set_new(claims, "amr", methods);
    json_object_set_new(claims, "sid", json_string(grant->sid));
    json_object_set_new(claims, "at_hash", json_string(hash));
    if (grant->nonce != NULL)
        json_object_set_new(claims, "nonce", json_string(grant->nonce));
    token = rb_box_token_sign(rb_box_openid_key(idp, grant->client), "JWT", claims);
    json_decref(claims);
    return token;
}

/* The grant of the code, which is good once, whatever comes of it; NULL when it does not fit. */
static Grant *
redeem(RbBoxIdp *idp, const RbBoxClient *client, GHashTable *fields, gint64 now)
{
    const char *code = g_hash_table_lookup(fields, "code");
    gpointer key = NULL, value = NULL;
    Grant *grant;

    if (code == NULL || !g_hash_table_steal_extended(idp->codes, code, &key, &value))
        return NULL;
    g_free(key);
    grant = value;
    if (grant->until > now && grant->client == client &&
        g_strcmp0(g_hash_table_lookup(fields, "redirect_uri"), grant->redirect_uri) == 0 &&
        verifier_fits(g_hash_table_lookup(fields, "code_verifier"), grant->challenge))
        return grant;
    rb_box_grant_free(grant);
    return NULL;
}

void
rb_box_openid_token(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now,
                    RbBoxAnswer *answer)
{
    const RbBoxClient *client = authenticate(idp, request, fields);
    g_autoptr(RbSecret) access = NULL;
    g_autofree char *token = NULL;
    Grant *grant;

    if (client == NULL) {
        refuse(answer, 401, "invalid_client", "the client is unknown, or its secret is wrong");
        return;
    }
    if (g_strcmp0(g_hash_table_lookup(fields, "grant_type"), "authorization_code") != 0) {
        refuse(answer, 400, "unsupported_grant_type", "grant_type is not authorization_code");
        return;
    }
    grant = redeem(idp, client, fields, now);
    if (grant == NULL) {
        refuse(answer, 400, "invalid_grant", "the code, its address or its verifier do not fit");
        return;
    }
    access = keep(idp->access_tokens, grant, now + ACCESS_S, now);
    token = id_token(idp, grant, rb_secret_reveal(access), now);
    rb_box_answer_text(
        answer, 200, "application/json",
        "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":%d,\"id_token\":\"%s\"}\n",
        rb_secret_reveal(access), ACCESS_S, token);
    rb_box_answer_header(answer, "Cache-Control", "no-store");
}

void
rb_box_openid_userinfo(RbBoxIdp *idp, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    const char *header = rb_box_request_header(request, "Authorization");
    const Grant *grant = header != NULL && g_ascii_strncasecmp(header, "Bearer ", 7) == 0
                             ? g_hash_table_lookup(idp->access_tokens, header + 7)
                             : NULL;
    g_autofree char *text = NULL;

    if (grant == NULL || grant->until <= now) {
        refuse(answer, 401, "invalid_token", "the access token is unknown or over");
        return;
    }
    text = rb_box_json_text(person_claims(grant->person));
    rb_box_answer_text(answer, 200, "application/json", "%s\n", text);
    rb_box_answer_header(answer, "Cache-Control", "no-store");
}
