#include "access/priv.h"

#include "base/encoding.h"
#include "base/log.h"

#include <string.h>

/*
 * Three ways to an access token: a code, a device that was allowed, a refresh token. All end in issue_tokens:
 * a session with a client's name, bounded by the portal session that begot it.
 */

/* First poll, second at once, one to spare: then one a second (reference §5.2). */
static const RbLimit polling = { "poll", 3, 1000 };

/* A hundred processes may race on one cache file; more, hour after hour, is a client gone wrong. */
static const RbLimit refreshing = { "refresh", 200, 10000 };

/* What every grant needs on its way. */
typedef struct {
    RbAccess *access;
    const RbVisit *visit;
    const RbTokenAsk *ask;
    RbClient *client;
    RbIdentity *identity; /* who, as soon as it is known */
} Grant;

static void
grant_clear(Grant *grant)
{
    rb_client_free(grant->client);
    rb_identity_unref(grant->identity);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Grant, grant_clear)

void
rb_tokens_free(RbTokens *tokens)
{
    if (tokens == NULL)
        return;
    rb_secret_unref(tokens->access_token);
    rb_secret_unref(tokens->refresh_token);
    g_free(tokens);
}

/* What the tokens are bound to. */
typedef struct {
    const char *family, *chain;
    gint64 created_at, ends_at; /* of the sign-in */
} Bond;

static void
put_refresh(RbBatch *batch, const Grant *grant, const Bond *bond, const RbSecret *token)
{
    g_autofree char *key = rb_secret_handle(token);
    json_t *body = json_object();

    (void)json_object_set_new(body, "identity", rb_identity_to_json(grant->identity));
    rb_facts_text(body, "client", grant->client->id);
    rb_facts_text(body, "family", bond->family);
    rb_facts_text(body, "chain", bond->chain);
    rb_facts_integer(body, "created_at", bond->created_at);
    rb_facts_integer(body, "used_at", 0);
    rb_batch_put(batch, RB_RECORD_REFRESH, key, grant->identity->name, bond->ends_at, body);
}

/* Adds both tokens and the record of it to @batch, which uses up what they are given for, and commits. */
static RbTokens *
issue_tokens(const Grant *grant, RbBatch *batch, const Bond *bond, const char *via, GError **error)
{
    g_autoptr(RbTokens) tokens = g_new0(RbTokens, 1);
    const RbSessionFacts facts = { grant->identity, bond->family, grant->client->name, bond->chain,
                                   bond->created_at };
    gint64 now = grant->visit->now, ends_at = bond->ends_at;
    g_autofree char *key = NULL;
    json_t *record = rb_facts_new(grant->visit, grant->identity);

    if (grant->access->token_s > 0)
        ends_at = MIN(ends_at, now + grant->access->token_s);
    tokens->access_token = rb_secret_new_random(32);
    tokens->refresh_token = rb_secret_new_random(32);
    tokens->expires_in_s = ends_at - now;
    key = rb_session_put(batch, tokens->access_token, &facts, now, ends_at);
    put_refresh(batch, grant, bond, tokens->refresh_token);
    rb_chain_put(batch, bond->chain, grant->identity->name, bond->ends_at);
    rb_facts_text(record, "client", grant->client->name);
    rb_facts_text(record, "via", via);
    rb_facts_text(record, "session", key);
    rb_facts_text(record, "family", bond->family);
    rb_facts_integer(record, "expires_at", ends_at);
    rb_batch_audit(batch, RB_AUDIT_SIGN_IN, now, grant->visit->incident, record);
    if (!rb_store_commit(grant->access->store, batch, now, error))
        return NULL;
    rb_log(RB_LOG_INFO, "token", "incident", grant->visit->incident, "name", grant->identity->name, "client",
           grant->client->name, "via", via, NULL);
    return g_steal_pointer(&tokens);
}

/* Tokens begotten by the portal session of handle @key; what they are given for is taken in @batch. */
static RbTokens *
issue_first(Grant *grant, RbBatch *batch, const char *key, const char *via, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(RbSession) session =
        key == NULL ? NULL : rb_session_alive(grant->access, key, grant->visit->now, &why);
    g_autoptr(RbSecret) chain = rb_secret_new_random(12);
    Bond bond = { .chain = rb_secret_reveal(chain) }; /* a name, not a secret */
    RbTokens *tokens;

    if (session == NULL && why != NULL && why->domain != RB_REFUSAL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    if (session == NULL) {
        (void)rb_refuse(error, RB_SSO_INVALID_GRANT, "the sign-in that allowed this client has ended");
        return NULL;
    }
    grant->identity = rb_identity_ref(session->identity);
    bond.family = session->family;
    bond.created_at = session->created_at;
    bond.ends_at = session->expires_at;
    tokens = issue_tokens(grant, batch, &bond, via, &why);
    if (tokens != NULL)
        return tokens;
    if (rb_is_refusal(why, RB_STORE_MISSING))
        (void)rb_refuse(error, RB_SSO_INVALID_GRANT, "the %s was used at the same time", via);
    else
        g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

/* The record that a secret text leads to; none is sso.invalid_grant. */
static RbRecord *
find_by_secret(const Grant *grant, RbRecordKind kind, const char *text, GError **error)
{
    g_autofree char *key = NULL;
    g_autoptr(RbRecord) record = NULL;

    if (text != NULL && *text != '\0' && strnlen(text, RB_TOKEN_TEXT_MAX) < RB_TOKEN_TEXT_MAX) {
        key = rb_text_handle(text);
        if (!rb_access_find(grant->access, kind, key, grant->visit->now, &record, error))
            return NULL;
    }
    if (record == NULL)
        (void)rb_refuse(error, RB_SSO_INVALID_GRANT, "no such code or token, or it was used or has ended");
    else if (g_strcmp0(rb_body_text(record, "client"), grant->client->id) != 0) {
        (void)rb_refuse(error, RB_SSO_INVALID_GRANT, "the code or token belongs to another client");
        g_clear_pointer(&record, rb_record_free);
    }
    return g_steal_pointer(&record);
}

/* ---- authorization code ---- */

static gboolean
check_verifier(const char *verifier, const char *challenge, GError **error)
{
    gsize n = verifier == NULL ? 0 : strnlen(verifier, 129);
    g_autofree char *made = NULL;
    guint8 digest[32];

    if (n >= 43 && n <= 128) {
        rb_sha256(verifier, n, digest);
        made = rb_base64url_encode(digest, sizeof digest);
    }
    if (made == NULL || g_strcmp0(made, challenge) != 0)
        return rb_refuse(error, RB_SSO_INVALID_GRANT, "the code verifier does not fit the challenge");
    return TRUE;
}

static RbTokens *
by_code(Grant *grant, GError **error)
{
    const RbTokenAsk *ask = grant->ask;
    g_autoptr(RbRecord) code = find_by_secret(grant, RB_RECORD_CODE, ask->code, error);
    g_autoptr(RbBatch) batch = rb_batch_new();
    g_autoptr(GError) lost = NULL;
    gboolean fits;

    if (code == NULL)
        return NULL;
    fits = g_strcmp0(ask->redirect_uri, rb_body_text(code, "redirect_uri")) == 0 ||
           rb_refuse(error, RB_SSO_INVALID_GRANT, "the redirect URI is not the one the code was sent to");
    fits = fits && check_verifier(ask->code_verifier, rb_body_text(code, "challenge"), error);
    rb_batch_take(batch, RB_RECORD_CODE, code->key);
    if (fits)
        return issue_first(grant, batch, rb_body_text(code, "session"), "code", error);
    /* one try: a code in the wrong hands is of no more use there */
    if (!rb_store_commit(grant->access->store, batch, grant->visit->now, &lost)) /* it ends within a minute */
        rb_log(RB_LOG_WARNING, "code.kept", "incident", grant->visit->incident, "reason", lost->message,
               NULL);
    return NULL;
}

/* ---- device ---- */

static RbTokens *
drop_device(const Grant *grant, const char *key, RbRefusalCode code, const char *why, GError **error)
{
    g_autoptr(RbBatch) batch = rb_batch_new();

    rb_batch_drop(batch, RB_RECORD_DEVICE, key);
    if (rb_store_commit(grant->access->store, batch, grant->visit->now, error))
        (void)rb_refuse(error, code, "%s", why);
    return NULL;
}

static RbTokens *
by_device(Grant *grant, GError **error)
{
    g_autoptr(RbRecord) device = find_by_secret(grant, RB_RECORD_DEVICE, grant->ask->device_code, error);
    g_autoptr(RbBatch) batch = rb_batch_new();
    const char *state;

    if (device == NULL)
        return NULL;
    state = rb_body_text(device, "state");
    if (grant->visit->now >= rb_body_integer(device, "ends_at")) {
        (void)rb_refuse(error, RB_SSO_EXPIRED, "the device was not allowed in time");
        return NULL;
    }
    if (g_strcmp0(state, "denied") == 0)
        return drop_device(grant, device->key, RB_SSO_DENIED, "denied in the browser", error);
    if (!rb_limits_take(grant->access->known, &polling, device->key, grant->visit->now)) {
        (void)rb_refuse(error, RB_SSO_SLOW_DOWN, "polled more often than every second");
        return NULL;
    }
    if (g_strcmp0(state, "allowed") != 0) {
        (void)rb_refuse(error, RB_SSO_PENDING, "not answered yet");
        return NULL;
    }
    rb_batch_take(batch, RB_RECORD_DEVICE, device->key);
    return issue_first(grant, batch, rb_body_text(device, "session"), "device code", error);
}

/* ---- refresh ---- */

/* A refresh token that was replaced long ago is shown again: two hold it, and one of them should not. The
 * tokens of its whole chain end. */
static RbTokens *
end_chain(const Grant *grant, const RbRecord *refresh, GError **error)
{
    g_autoptr(RbBatch) batch = rb_batch_new();

    rb_chain_drop(batch, rb_body_text(refresh, "chain"));
    if (rb_store_commit(grant->access->store, batch, grant->visit->now, error))
        (void)rb_refuse(error, RB_SSO_INVALID_GRANT,
                        "a refresh token was used again after it was replaced; all tokens of its client's "
                        "sign-in were ended");
    return NULL;
}

/* Marks the token used, with the time of the first use: it stays good for the grace. */
static void
mark_used(RbBatch *batch, RbRecord *refresh, gint64 now)
{
    rb_batch_take(batch, RB_RECORD_REFRESH, refresh->key);
    if (rb_body_integer(refresh, "used_at") == 0)
        rb_facts_integer(refresh->body, "used_at", now);
    rb_batch_put(batch, RB_RECORD_REFRESH, refresh->key, refresh->owner, refresh->expires_at,
                 json_incref(refresh->body));
}

/* The refresh token's record, when its sign-in and its chain stand, and whose it is. */
static RbRecord *
find_refresh(Grant *grant, GError **error)
{
    g_autoptr(RbRecord) refresh = find_by_secret(grant, RB_RECORD_REFRESH, grant->ask->refresh_token, error);
    gboolean stands;

    if (refresh == NULL || !rb_marks_stand(grant->access, refresh, grant->visit->now, &stands, error))
        return NULL;
    if (!stands || rb_body_text(refresh, "chain") == NULL) {
        (void)rb_refuse(error, RB_SSO_INVALID_GRANT, "the sign-in of this refresh token has ended");
        return NULL;
    }
    grant->identity = rb_identity_from_json(json_object_get(refresh->body, "identity"), error);
    return grant->identity == NULL ? NULL : g_steal_pointer(&refresh);
}

static RbTokens *
by_refresh(Grant *grant, GError **error)
{
    g_autoptr(RbRecord) refresh = find_refresh(grant, error);
    g_autoptr(RbBatch) batch = rb_batch_new();
    g_autoptr(GError) why = NULL;
    gint64 now = grant->visit->now, used_at;
    RbTokens *tokens;

    if (refresh == NULL)
        return NULL;
    used_at = rb_body_integer(refresh, "used_at");
    if (used_at != 0 && now - used_at > RB_REFRESH_GRACE_S)
        return end_chain(grant, refresh, error);
    if (!rb_limits_take(grant->access->known, &refreshing, rb_body_text(refresh, "chain"), now)) {
        (void)rb_refuse(error, RB_SSO_SLOW_DOWN, "the client refreshes far too often");
        return NULL;
    }
    mark_used(batch, refresh, now);
    rb_chain_take(batch, rb_body_text(refresh, "chain")); /* one that ends at this moment stays ended */
    tokens = issue_tokens(grant, batch,
                          &(Bond){ rb_body_text(refresh, "family"), rb_body_text(refresh, "chain"),
                                   rb_body_integer(refresh, "created_at"), refresh->expires_at },
                          "refresh token", &why);
    if (tokens != NULL)
        return tokens;
    if (rb_is_refusal(why, RB_STORE_MISSING))
        (void)rb_refuse(error, RB_SSO_INVALID_GRANT, "the refresh token has ended");
    else
        g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

/* ---- the door ---- */

static const struct {
    const char *type;
    RbTokens *(*redeem)(Grant *grant, GError **error);
} kinds[] = {
    { "authorization_code", by_code },
    { "urn:ietf:params:oauth:grant-type:device_code", by_device },
    { "refresh_token", by_refresh },
};

static RbTokens *
redeem(Grant *grant, GError **error)
{
    const RbTokenAsk *ask = grant->ask;
    g_autofree char *quoted = NULL;

    if (ask->grant_type == NULL) {
        (void)rb_refuse(error, RB_SSO_INVALID_REQUEST, "no grant type was named");
        return NULL;
    }
    grant->client =
        rb_client_check(grant->access, ask->client_id, ask->client_secret, grant->visit->now, error);
    if (grant->client == NULL)
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kinds[i].type, ask->grant_type))
            return kinds[i].redeem(grant, error);
    quoted = rb_text_quote(ask->grant_type);
    (void)rb_refuse(error, RB_SSO_UNSUPPORTED_GRANT, "the grant type %s is not offered", quoted);
    return NULL;
}

RbTokens *
rb_access_token(RbAccess *access, const RbVisit *visit, const RbTokenAsk *ask, GError **error)
{
    g_auto(Grant) grant = { .access = access, .visit = visit, .ask = ask };
    g_autoptr(GError) why = NULL;
    RbTokens *tokens = redeem(&grant, &why);
    json_t *facts;

    if (tokens != NULL)
        return tokens;
    facts = rb_facts_new(visit, grant.identity);
    rb_facts_text(facts, "client", grant.client == NULL ? NULL : grant.client->name);
    return rb_access_end(access, visit, "token", facts, g_steal_pointer(&why), error);
}
