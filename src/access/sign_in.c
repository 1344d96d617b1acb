#include "access/priv.h"

#include "base/encoding.h"
#include "base/log.h"

#include <string.h>

/* Our relay states start so: what else comes back as RelayState was never ours. */
#define RELAY_PREFIX "rb1."

enum { BROWSER_BYTES = 32 };

/* Each begin is a record for ten minutes: 6600 of one address at most. A whole office may come from one
 * address. */
static const RbLimit beginning = { "begin", 600, 100 };

void
rb_begun_free(RbBegun *begun)
{
    if (begun == NULL)
        return;
    g_free(begun->url);
    rb_secret_unref(begun->browser);
    g_free(begun);
}

void
rb_signed_in_free(RbSignedIn *signed_in)
{
    if (signed_in == NULL)
        return;
    rb_secret_unref(signed_in->session);
    g_free(signed_in->next);
    g_free(signed_in);
}

/* A path on this site and nothing that a browser could take for another one: "//host", "/\host". */
static gboolean
check_next(const char *next, GError **error)
{
    gsize n = strnlen(next, RB_NEXT_MAX + 1);
    g_autofree char *quoted = NULL;
    gboolean local = n <= RB_NEXT_MAX && next[0] == '/' && next[1] != '/' && g_utf8_validate(next, -1, NULL);

    for (gsize i = 0; local && i < n; i++)
        local = (guchar)next[i] >= 0x20 && next[i] != 0x7f && next[i] != '\\';
    if (local)
        return TRUE;
    quoted = rb_text_quote(next);
    return rb_refuse(error, RB_REQUEST_MALFORMED, "next is not a path on this site: %s", quoted);
}

static RbProvider *
find_provider(RbAccess *access, const char *id, GError **error)
{
    RbProvider *provider = id == NULL ? NULL : rb_providers_find(access->providers, id);
    g_autofree char *quoted = NULL;

    if (provider != NULL && rb_provider_signs_people_in(provider))
        return provider;
    quoted = rb_text_quote(id == NULL ? "" : id);
    (void)rb_refuse(error, RB_SIGN_IN_NO_PROVIDER, "no identity provider %s signs people in", quoted);
    return NULL;
}

/* (transfer full): the cookie as sent when it is one of ours, so that sign-ins in two tabs both end well. */
static RbSecret *
browser_secret(const char *sent)
{
    g_autoptr(GBytes) bytes = NULL;

    if (sent != NULL && strnlen(sent, RB_TOKEN_TEXT_MAX) < RB_TOKEN_TEXT_MAX)
        bytes = rb_base64url_decode(sent);
    if (bytes != NULL && g_bytes_get_size(bytes) == BROWSER_BYTES)
        return rb_secret_new_text(sent);
    return rb_secret_new_random(BROWSER_BYTES);
}

/* (transfer full): what a cookie or token as sent is found by; NULL: there is none of ours. */
static char *
handle_of(const char *sent)
{
    return sent != NULL && strnlen(sent, RB_TOKEN_TEXT_MAX) < RB_TOKEN_TEXT_MAX ? rb_text_handle(sent) : NULL;
}

static json_t *
transaction_body(const char *provider, const RbSignIn *sign_in, const RbSecret *browser, const char *session,
                 const char *next)
{
    g_autofree char *handle = rb_secret_handle(browser), *old = handle_of(session);
    json_t *body = json_object();

    rb_facts_text(body, "provider", provider);
    rb_facts_text(body, "browser", handle);
    rb_facts_text(body, "old", old); /* SameSite=Lax: the IdP's cross-site POST comes without it */
    (void)json_object_set_new(body, "next", json_string(next));
    (void)json_object_set_new(body, "sign_in", rb_sign_in_to_json(sign_in));
    return body;
}

static RbBegun *
begin(RbAccess *access, const RbVisit *visit, const char *id, const char *browser, const char *session,
      const char *next, gboolean mfa, GError **error)
{
    g_autoptr(RbSecret) random = rb_secret_new_random(24);
    g_autofree char *relay = g_strconcat(RELAY_PREFIX, rb_secret_reveal(random), NULL);
    g_autofree char *key = rb_text_handle(relay);
    g_autoptr(RbBegun) begun = g_new0(RbBegun, 1);
    g_autoptr(RbSignIn) sign_in = NULL;
    g_autoptr(RbBatch) batch = rb_batch_new();
    RbProvider *provider = find_provider(access, id, error);

    if (provider == NULL || !check_next(next, error))
        return NULL;
    if (!rb_limits_take_address(access->limits, &beginning, visit->source_ip, visit->now)) {
        (void)rb_refuse(error, RB_REQUEST_TOO_MANY, "sign-ins begin too often from this address");
        return NULL;
    }
    begun->url = rb_provider_begin(provider, relay, mfa, mfa, visit->now, &sign_in, error);
    if (begun->url == NULL)
        return NULL;
    begun->browser = browser_secret(browser);
    rb_batch_add(batch, RB_RECORD_TRANSACTION, key, NULL, visit->now + RB_SIGN_IN_S,
                 transaction_body(id, sign_in, begun->browser, session, next));
    return rb_store_commit(access->store, batch, visit->now, error) ? g_steal_pointer(&begun) : NULL;
}

RbBegun *
rb_access_begin(RbAccess *access, const RbVisit *visit, const char *provider, const char *browser,
                const char *session, const char *next, gboolean mfa, GError **error)
{
    g_autoptr(GError) why = NULL;
    RbBegun *begun = begin(access, visit, provider, browser, session, next == NULL ? "/" : next, mfa, &why);
    json_t *facts;

    if (begun != NULL)
        return begun;
    facts = rb_facts_new(visit, NULL);
    rb_facts_text(facts, "provider", provider);
    return rb_access_end(access, visit, "sign-in", facts, g_steal_pointer(&why), error);
}

/* ---- the answer ---- */

/* All that one sign-in gathers on its way to the commit. */
typedef struct {
    RbAccess *access;
    const RbVisit *visit;
    RbProvider *provider;
    RbRecord *transaction; /* NULL: started at the IdP */
    RbSession *old;        /* NULL: this browser was not signed in */
    RbVerified *verified;
} Finish;

static void
finish_clear(Finish *finish)
{
    rb_record_free(finish->transaction);
    rb_session_free(finish->old);
    rb_verified_free(finish->verified);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Finish, finish_clear)

static const char *
field(const RbInbound *inbound, const char *name)
{
    return inbound->fields == NULL ? NULL : g_hash_table_lookup(inbound->fields, name);
}

/* The transaction that the answer's relay state leads to, started in this browser. None is no refusal yet:
 * the provider may start sign-ins by itself, if its configuration says so. */
static gboolean
find_transaction(Finish *finish, const RbInbound *inbound, const char *browser, GError **error)
{
    const char *relay = field(inbound, "RelayState");
    g_autofree char *key = NULL, *handle = NULL;

    if (relay == NULL)
        relay = field(inbound, "state");
    if (relay == NULL || !g_str_has_prefix(relay, RELAY_PREFIX))
        return TRUE;
    key = rb_text_handle(relay);
    if (!rb_access_find(finish->access, RB_RECORD_TRANSACTION, key, finish->visit->now, &finish->transaction,
                        error))
        return FALSE;
    if (finish->transaction == NULL)
        return rb_refuse(error, RB_SIGN_IN_UNKNOWN, "no sign-in of this relay state is under way");
    if (browser == NULL || strnlen(browser, RB_TOKEN_TEXT_MAX) >= RB_TOKEN_TEXT_MAX)
        return rb_refuse(error, RB_SIGN_IN_UNKNOWN, "the browser sent no sign-in cookie");
    handle = rb_text_handle(browser);
    if (g_strcmp0(handle, rb_body_text(finish->transaction, "browser")) != 0)
        return rb_refuse(error, RB_SIGN_IN_UNKNOWN, "the sign-in was started in another browser");
    if (g_strcmp0(rb_provider_id(finish->provider), rb_body_text(finish->transaction, "provider")) != 0)
        return rb_refuse(error, RB_SIGN_IN_UNKNOWN, "the sign-in was started with another provider");
    return TRUE;
}

static gboolean
verify(Finish *finish, const RbInbound *inbound, GError **error)
{
    g_autoptr(RbSignIn) sign_in = NULL;

    if (finish->transaction != NULL) {
        sign_in = rb_sign_in_from_json(json_object_get(finish->transaction->body, "sign_in"), error);
        if (sign_in == NULL)
            return FALSE;
    }
    finish->verified = rb_provider_finish(finish->provider, sign_in, inbound, finish->visit->now, error);
    return finish->verified != NULL;
}

/* The browser's session before this sign-in ends. One person's next sign-in (a second factor, say) stays in
 * the family, so that signing out ends what both begot; another person's ends the family. */
static gboolean
settle_family(const Finish *finish, RbBatch *batch, gint64 expires_at, char **family, GError **error)
{
    const RbIdentity *identity = finish->verified->identity;
    const RbSession *old = finish->old;
    g_autoptr(RbRecord) before = NULL;
    g_autoptr(RbSecret) fresh = rb_secret_new_random(12);
    gboolean same = old != NULL && g_str_equal(old->identity->provider, identity->provider) &&
                    g_str_equal(old->identity->subject, identity->subject) &&
                    g_str_equal(old->identity->name, identity->name);

    if (old != NULL)
        rb_batch_drop(batch, RB_RECORD_SESSION, old->key);
    if (old != NULL && !same)
        rb_family_drop(batch, old->family);
    if (same && !rb_family_find(finish->access, old->family, finish->visit->now, &before, error))
        return FALSE;
    *family = g_strdup(before != NULL ? old->family : rb_secret_reveal(fresh)); /* a name, not a secret */
    rb_family_put(batch, *family, identity, before, expires_at);
    return TRUE;
}

static json_t *
sign_in_facts(const Finish *finish, gint64 expires_at)
{
    const RbIdentity *identity = finish->verified->identity;
    json_t *facts = rb_facts_new(finish->visit, identity);

    rb_facts_text(facts, "issuer", identity->issuer);
    rb_facts_text(facts, "authn_context", identity->authn_context);
    (void)json_object_set_new(facts, "mfa", json_boolean(identity->mfa));
    rb_facts_integer(facts, "authenticated_at", identity->authenticated_at);
    rb_facts_integer(facts, "groups", identity->n_groups);
    rb_facts_integer(facts, "expires_at", expires_at);
    rb_facts_text(facts, "proof", finish->verified->replay_key);
    return facts;
}

/* The transaction used up, the replay mark, the name, the session and the audit record: one commit. */
static RbSignedIn *
commit(const Finish *finish, GError **error)
{
    const RbVisit *visit = finish->visit;
    RbVerified *verified = finish->verified;
    g_autoptr(RbBatch) batch = rb_batch_new();
    g_autoptr(RbSignedIn) signed_in = g_new0(RbSignedIn, 1);
    g_autofree char *family = NULL, *key = NULL;
    RbSessionFacts facts = { .identity = verified->identity, .created_at = visit->now };
    json_t *record;

    signed_in->expires_at = visit->now + finish->access->session_s;
    if (verified->identity->expires_at > 0)
        signed_in->expires_at = MIN(signed_in->expires_at, verified->identity->expires_at);
    signed_in->session = rb_secret_new_random(32);
    signed_in->next = g_strdup(finish->transaction == NULL ? "/" : rb_body_text(finish->transaction, "next"));
    if (finish->transaction != NULL)
        rb_batch_take(batch, RB_RECORD_TRANSACTION, finish->transaction->key);
    rb_batch_add(batch, RB_RECORD_REPLAY, verified->replay_key, NULL,
                 MAX(verified->replay_until, visit->now + 1), json_object());
    if (!rb_name_claim(finish->access, batch, verified->identity->name, rb_provider_realm(finish->provider),
                       visit->now, RB_NAME_S, error) ||
        !settle_family(finish, batch, signed_in->expires_at, &family, error))
        return NULL;
    facts.family = family;
    key = rb_session_put(batch, signed_in->session, &facts, visit->now, signed_in->expires_at);
    record = sign_in_facts(finish, signed_in->expires_at);
    rb_facts_text(record, "session", key);
    rb_facts_text(record, "family", family);
    rb_batch_audit(batch, RB_AUDIT_SIGN_IN, visit->now, visit->incident, record);
    return rb_store_commit(finish->access->store, batch, visit->now, error) ? g_steal_pointer(&signed_in)
                                                                            : NULL;
}

/* Whether the record that a step needed is still there, or still not there. */
static gboolean
find_again(const Finish *finish, RbRecordKind kind, const char *key, gboolean *there, GError **error)
{
    g_autoptr(RbRecord) record = NULL;

    if (!rb_access_find(finish->access, kind, key, finish->visit->now, &record, error))
        return FALSE;
    *there = record != NULL;
    return TRUE;
}

/* What a step that refused means: the proof was seen before, the sign-in was finished by another request, or
 * (TRUE: try again) a name was claimed or a session ended between our look and our commit. */
static gboolean
explain_conflict(const Finish *finish, const GError *why, GError **error)
{
    gboolean seen, there = TRUE;

    if (!rb_is_refusal(why, RB_STORE_MISSING) && !rb_is_refusal(why, RB_STORE_EXISTS)) {
        g_propagate_error(error, g_error_copy(why));
        return FALSE;
    }
    if (!find_again(finish, RB_RECORD_REPLAY, finish->verified->replay_key, &seen, error))
        return FALSE;
    if (seen)
        return rb_refuse(error, rb_replayed_code(finish->provider), "proof '%s' was used before",
                         finish->verified->replay_key);
    if (finish->transaction != NULL &&
        !find_again(finish, RB_RECORD_TRANSACTION, finish->transaction->key, &there, error))
        return FALSE;
    return there || rb_refuse(error, RB_SIGN_IN_UNKNOWN, "this sign-in was finished before");
}

static RbSignedIn *
commit_or_explain(const Finish *finish, GError **error)
{
    for (guint i = 0; i < 3; i++) {
        g_autoptr(GError) why = NULL;
        RbSignedIn *signed_in = commit(finish, &why);
        if (signed_in != NULL)
            return signed_in;
        if (!explain_conflict(finish, why, error))
            return NULL;
    }
    (void)rb_fault(error, RB_FAULT_BUSY, "the name was claimed by others at the same time");
    return NULL;
}

/* The session that this browser had, when it still stands. */
static gboolean
find_old(Finish *finish, const char *old_session, GError **error)
{
    g_autofree char *sent = handle_of(old_session);
    const char *key = sent;
    g_autoptr(GError) why = NULL;

    if (key == NULL && finish->transaction != NULL)
        key = rb_body_text(finish->transaction, "old");
    if (key == NULL)
        return TRUE;
    finish->old = rb_session_alive(finish->access, key, finish->visit->now, &why);
    if (finish->old != NULL || why->domain == RB_REFUSAL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static RbSignedIn *
finish_sign_in(Finish *finish, const char *id, const RbInbound *inbound, const char *browser,
               const char *old_session, GError **error)
{
    finish->provider = find_provider(finish->access, id, error);
    if (finish->provider == NULL || !find_transaction(finish, inbound, browser, error) ||
        !verify(finish, inbound, error))
        return NULL;
    if (finish->verified->identity->expires_at > 0 &&
        finish->verified->identity->expires_at <= finish->visit->now) {
        (void)rb_refuse(error, RB_SIGN_IN_UNKNOWN, "the identity provider's own session is over");
        return NULL;
    }
    return find_old(finish, old_session, error) ? commit_or_explain(finish, error) : NULL;
}

static void
log_sign_in(const Finish *finish)
{
    const RbIdentity *identity = finish->verified->identity;

    rb_access_count(finish->access, &finish->access->counts.sign_ins);
    rb_log(RB_LOG_INFO, "sign-in", "incident", finish->visit->incident, "provider", identity->provider,
           "name", identity->name, "mfa", identity->mfa ? "yes" : "no", "source_ip", finish->visit->source_ip,
           NULL);
}

RbSignedIn *
rb_access_finish(RbAccess *access, const RbVisit *visit, const char *provider, const RbInbound *inbound,
                 const char *browser, const char *old_session, GError **error)
{
    g_auto(Finish) finish = { .access = access, .visit = visit };
    g_autoptr(GError) why = NULL;
    RbSignedIn *signed_in = finish_sign_in(&finish, provider, inbound, browser, old_session, &why);
    json_t *facts;

    if (signed_in != NULL) {
        log_sign_in(&finish);
        return signed_in;
    }
    facts = rb_facts_new(visit, finish.verified == NULL ? NULL : finish.verified->identity);
    rb_facts_text(facts, "provider", provider);
    return rb_access_end(access, visit, "sign-in", facts, g_steal_pointer(&why), error);
}
