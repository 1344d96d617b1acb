#include "access/priv.h"

#include "base/log.h"

enum { MARKS_MAX = 100 }; /* of one batch: each is at most two of its steps */

/* ---- a person signs out here ---- */

/* Where to end the session at the IdP too, remembered until it answers; NULL: nowhere. What the IdP's side
 * cannot do never keeps somebody signed in here. */
static char *
idp_logout(RbAccess *access, const RbVisit *visit, RbBatch *batch, const RbIdentity *identity)
{
    RbProvider *provider = rb_providers_find(access->providers, identity->provider);
    g_autoptr(GError) why = NULL;
    g_autofree char *url = NULL, *request_id = NULL, *key = NULL;
    json_t *body;

    if (provider == NULL)
        return NULL;
    url = rb_provider_logout_url(provider, identity, NULL, visit->now, &request_id, &why);
    if (why != NULL)
        rb_log(RB_LOG_WARNING, "sign-out.idp", "incident", visit->incident, "provider", identity->provider,
               "reason", why->message, NULL);
    if (url == NULL || request_id == NULL)
        return NULL;
    body = json_object();
    rb_facts_text(body, "logout_at", identity->provider);
    rb_facts_text(body, "name", identity->name);
    key = rb_text_handle(request_id);
    rb_batch_put(batch, RB_RECORD_TRANSACTION, key, NULL, visit->now + RB_LOGOUT_S, body);
    return g_steal_pointer(&url);
}

/* What goes with a session: its whole family, or of a client's: the client's own tokens. */
static gboolean
drop_begotten(RbAccess *access, const RbVisit *visit, RbBatch *batch, const RbSession *session,
              GError **error)
{
    g_autoptr(RbRecord) record = NULL;

    rb_batch_drop(batch, RB_RECORD_SESSION, session->key);
    if (session->client == NULL) {
        rb_family_drop(batch, session->family);
        return TRUE;
    }
    if (!rb_access_find(access, RB_RECORD_SESSION, session->key, visit->now, &record, error))
        return FALSE;
    if (record != NULL && rb_body_text(record, "chain") != NULL)
        rb_chain_drop(batch, rb_body_text(record, "chain"));
    return TRUE;
}

static gboolean
sign_out(RbAccess *access, const RbVisit *visit, const RbSession *session, char **url, GError **error)
{
    g_autoptr(RbBatch) batch = rb_batch_new();
    json_t *facts;

    if (!drop_begotten(access, visit, batch, session, error))
        return FALSE;
    if (session->client == NULL && url != NULL)
        *url = idp_logout(access, visit, batch, session->identity);
    facts = rb_facts_new(visit, session->identity);
    rb_facts_text(facts, "client", session->client);
    rb_facts_text(facts, "session", session->key);
    rb_facts_text(facts, "family", session->family);
    rb_batch_audit(batch, RB_AUDIT_SIGN_OUT, visit->now, visit->incident, facts);
    return rb_store_commit(access->store, batch, visit->now, error);
}

gboolean
rb_access_sign_out(RbAccess *access, const RbVisit *visit, const RbSession *session, char **idp_url,
                   GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *url = NULL;

    if (!sign_out(access, visit, session, idp_url == NULL ? NULL : &url, &why)) {
        (void)rb_access_end(access, visit, "sign-out", rb_facts_new(visit, session->identity),
                            g_steal_pointer(&why), error);
        return FALSE;
    }
    rb_log(RB_LOG_INFO, "sign-out", "incident", visit->incident, "name", session->identity->name, "client",
           session->client, NULL);
    if (idp_url != NULL)
        *idp_url = g_steal_pointer(&url);
    return TRUE;
}

/* ---- the IdP says so ---- */

static gboolean
index_matches(const RbLogout *logout, const RbRecord *mark)
{
    json_t *index;
    gsize i;

    if (logout->session_indexes == NULL || logout->session_indexes[0] == NULL)
        return TRUE; /* all of the subject's */
    json_array_foreach(json_object_get(mark->body, "indexes"), i, index)
    {
        if (g_strv_contains((const char *const *)logout->session_indexes, json_string_value(index)))
            return TRUE;
    }
    return FALSE;
}

/* Drops what @mark stands for: a family, itself or by the name of the IdP's session that begot it. */
static void
drop_mark(RbBatch *batch, const RbRecord *mark)
{
    const char *family = rb_body_text(mark, "family");

    if (family != NULL)
        rb_family_drop(batch, family);
    rb_batch_drop(batch, RB_RECORD_SESSION, mark->key);
}

/* What the message means is dropped in @batch; where that is more than fits, the rest is gone before. It must
 * be complete: else whoever signs in often enough stays signed in. */
static gint
drop_meant(RbAccess *access, const RbVisit *visit, RbBatch *batch, const RbLogout *logout,
           const char *provider, GError **error)
{
    g_autofree char *owner = logout->subject != NULL ? rb_subject_key(provider, logout->subject)
                                                     : rb_index_key(provider, logout->session_indexes[0]);
    g_autoptr(GPtrArray) marks =
        rb_store_list(access->store, RB_RECORD_SESSION, owner, visit->now, RB_STORE_MAX_LIST, error);
    g_autoptr(RbBatch) more = rb_batch_new();
    gint n = 0;

    for (guint i = 0; marks != NULL && i < marks->len; i++) {
        const RbRecord *mark = g_ptr_array_index(marks, i);
        if (logout->subject != NULL && !index_matches(logout, mark))
            continue;
        drop_mark(n < MARKS_MAX ? batch : more, mark);
        if (++n % MARKS_MAX != 0 || n == MARKS_MAX)
            continue;
        if (!rb_store_commit(access->store, more, visit->now, error))
            return -1;
        g_clear_pointer(&more, rb_batch_free);
        more = rb_batch_new();
    }
    if (marks == NULL || (n > MARKS_MAX && !rb_store_commit(access->store, more, visit->now, error)))
        return -1;
    if (marks->len < RB_STORE_MAX_LIST)
        return n;
    (void)rb_fault(error, RB_FAULT_INTERNAL, "one person has %d sign-ins or more; ask again",
                   RB_STORE_MAX_LIST);
    return -1;
}

static json_t *
logout_facts(const RbVisit *visit, const char *provider, const RbLogout *logout)
{
    json_t *facts = rb_facts_new(visit, NULL);

    rb_facts_text(facts, "provider", provider);
    if (logout != NULL)
        rb_facts_text(facts, "subject", logout->subject);
    return facts;
}

/* The message used up, the sessions ended, the record made: one commit. */
static gboolean
end_sessions(RbAccess *access, const RbVisit *visit, RbProvider *from, const RbLogout *logout, GError **error)
{
    const char *provider = rb_provider_id(from);
    g_autoptr(RbBatch) batch = rb_batch_new();
    g_autoptr(GError) why = NULL;
    g_autoptr(RbRecord) seen = NULL;
    json_t *facts;
    gint n;

    if (!rb_access_find(access, RB_RECORD_REPLAY, logout->replay_key, visit->now, &seen, error))
        return FALSE;
    if (seen != NULL)
        return rb_refuse(error, rb_replayed_code(from), "logout request '%s' was used before",
                         logout->replay_key);
    n = drop_meant(access, visit, batch, logout, provider, error);
    if (n < 0)
        return FALSE;
    rb_batch_add(batch, RB_RECORD_REPLAY, logout->replay_key, NULL, MAX(logout->replay_until, visit->now + 1),
                 json_object());
    facts = logout_facts(visit, provider, logout);
    rb_facts_text(facts, "asked_by", "identity provider");
    rb_facts_integer(facts, "sign_ins", n);
    rb_batch_audit(batch, RB_AUDIT_SIGN_OUT, visit->now, visit->incident, facts);
    if (rb_store_commit(access->store, batch, visit->now, &why))
        return TRUE;
    if (rb_is_refusal(why, RB_STORE_EXISTS))
        return rb_refuse(error, rb_replayed_code(from), "logout request '%s' was used before",
                         logout->replay_key);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

/* The IdP's answer to our own logout: it must be to one that we asked for. */
static gboolean
match_response(RbAccess *access, const RbVisit *visit, const char *provider, const RbLogout *logout,
               GError **error)
{
    g_autofree char *key = logout->in_response_to == NULL ? NULL : rb_text_handle(logout->in_response_to);
    g_autoptr(RbRecord) asked = NULL;
    g_autoptr(RbBatch) batch = rb_batch_new();

    if (key != NULL && !rb_access_find(access, RB_RECORD_TRANSACTION, key, visit->now, &asked, error))
        return FALSE;
    if (asked == NULL || g_strcmp0(rb_body_text(asked, "logout_at"), provider) != 0)
        return rb_refuse(error, RB_SIGN_IN_UNKNOWN, "a logout answer to nothing we asked for");
    rb_batch_drop(batch, RB_RECORD_TRANSACTION, key);
    if (!rb_store_commit(access->store, batch, visit->now, error))
        return FALSE;
    rb_log(logout->success ? RB_LOG_INFO : RB_LOG_WARNING, "sign-out.idp", "incident", visit->incident,
           "provider", provider, "name", rb_body_text(asked, "name"), "outcome",
           logout->success ? "signed out there too" : "the identity provider could not end every session",
           NULL);
    return TRUE;
}

static char *
receive(RbAccess *access, const RbVisit *visit, const char *id, const RbInbound *inbound, RbLogout **message,
        GError **error)
{
    RbProvider *provider = id == NULL ? NULL : rb_providers_find(access->providers, id);
    RbLogout *logout;

    if (provider == NULL) {
        (void)rb_refuse(error, RB_SIGN_IN_NO_PROVIDER, "a logout message for no known provider");
        return NULL;
    }
    *message = logout = rb_provider_logout_receive(provider, inbound, visit->now, error);
    if (logout == NULL)
        return NULL;
    if (logout->kind == RB_LOGOUT_RESPONSE)
        return match_response(access, visit, id, logout, error) ? g_strdup("/logout") : NULL;
    if (!end_sessions(access, visit, provider, logout, error))
        return NULL;
    return rb_provider_logout_reply(
        provider, logout, inbound->fields == NULL ? NULL : g_hash_table_lookup(inbound->fields, "RelayState"),
        TRUE, visit->now, error);
}

char *
rb_access_logout_message(RbAccess *access, const RbVisit *visit, const char *provider,
                         const RbInbound *inbound, GError **error)
{
    g_autoptr(RbLogout) message = NULL;
    g_autoptr(GError) why = NULL;
    char *url = receive(access, visit, provider, inbound, &message, &why);

    if (url != NULL)
        return url;
    return rb_access_end(access, visit, "sign-out", logout_facts(visit, provider, message),
                         g_steal_pointer(&why), error);
}
