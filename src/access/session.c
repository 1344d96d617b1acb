#include "access/priv.h"

#include <string.h>

void
rb_session_free(RbSession *session)
{
    if (session == NULL)
        return;
    rb_identity_unref(session->identity);
    g_free(session->key);
    g_free(session->family);
    g_free(session->client);
    g_free(session->csrf);
    g_free(session);
}

char *
rb_session_put(RbBatch *batch, const RbSecret *token, const RbSessionFacts *facts, gint64 now,
               gint64 expires_at)
{
    g_autoptr(RbSecret) csrf = rb_secret_new_random(16);
    g_autofree char *key = rb_secret_handle(token);
    json_t *body = json_object();

    (void)json_object_set_new(body, "identity", rb_identity_to_json(facts->identity));
    rb_facts_text(body, "family", facts->family);
    rb_facts_text(body, "client", facts->client);
    rb_facts_text(body, "chain", facts->chain);
    rb_facts_text(body, "csrf", rb_secret_reveal(csrf)); /* guards forms of whoever holds the cookie anyway */
    rb_facts_integer(body, "created_at", facts->created_at);
    rb_facts_integer(body, "seen_at", now);
    rb_batch_put(batch, RB_RECORD_SESSION, key, facts->identity->name, expires_at, body);
    return g_steal_pointer(&key);
}

RbSession *
rb_session_from_record(const RbRecord *record, GError **error)
{
    g_autoptr(RbSession) session = g_new0(RbSession, 1);

    session->identity = rb_identity_from_json(json_object_get(record->body, "identity"), error);
    if (session->identity == NULL)
        return NULL;
    session->key = g_strdup(record->key);
    session->family = g_strdup(rb_body_text(record, "family"));
    session->client = g_strdup(rb_body_text(record, "client"));
    session->csrf = g_strdup(rb_body_text(record, "csrf"));
    session->created_at = rb_body_integer(record, "created_at");
    session->expires_at = record->expires_at;
    if (session->family == NULL || session->csrf == NULL) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a stored session could not be read");
        return NULL;
    }
    return g_steal_pointer(&session);
}

/* Writes the use down, at most once a minute. The record is taken and put in one commit: a session that was
 * signed out meanwhile stays out. */
static gboolean
mark_seen(RbAccess *access, RbRecord *record, gint64 now, GError **error)
{
    g_autoptr(RbBatch) batch = NULL;
    g_autoptr(GError) why = NULL;

    if (now - rb_body_integer(record, "seen_at") < RB_SEEN_EVERY_S)
        return TRUE;
    batch = rb_batch_new();
    rb_facts_integer(record->body, "seen_at", now);
    rb_batch_take(batch, RB_RECORD_SESSION, record->key);
    rb_batch_put(batch, RB_RECORD_SESSION, record->key, record->owner, record->expires_at,
                 json_incref(record->body));
    if (rb_store_commit(access->store, batch, now, &why))
        return TRUE;
    if (rb_is_refusal(why, RB_STORE_MISSING))
        return rb_refuse(error, RB_SESSION_EXPIRED, "the session was ended");
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static gboolean
is_idle(const RbAccess *access, const RbRecord *record, gint64 now)
{
    return access->idle_s > 0 && rb_body_text(record, "client") == NULL &&
           now - rb_body_integer(record, "seen_at") >= access->idle_s;
}

/* The record of @key, when it, its family and its chain stand and it was used of late. */
static RbRecord *
find_live(RbAccess *access, const char *key, gint64 now, GError **error)
{
    g_autoptr(RbRecord) record = NULL;
    gboolean stands = FALSE;

    if (!rb_access_find(access, RB_RECORD_SESSION, key, now, &record, error))
        return NULL;
    if (record != NULL && !rb_marks_stand(access, record, now, &stands, error))
        return NULL;
    if (!stands || is_idle(access, record, now)) {
        (void)rb_refuse(error, RB_SESSION_EXPIRED, "%s",
                        stands ? "not used for too long" : "no such session, or it has ended");
        return NULL;
    }
    return g_steal_pointer(&record);
}

RbSession *
rb_session_alive(RbAccess *access, const char *key, gint64 now, GError **error)
{
    g_autoptr(RbRecord) record = find_live(access, key, now, error);

    return record == NULL ? NULL : rb_session_from_record(record, error);
}

static RbSession *
session_of(RbAccess *access, const char *token, gint64 now, GError **error)
{
    g_autofree char *key = NULL;
    g_autoptr(RbRecord) record = NULL;

    if (token == NULL || *token == '\0' || strnlen(token, RB_TOKEN_TEXT_MAX + 1) > RB_TOKEN_TEXT_MAX) {
        (void)rb_refuse(error, RB_SESSION_MISSING, "no session was shown");
        return NULL;
    }
    key = rb_text_handle(token);
    record = find_live(access, key, now, error);
    if (record == NULL || !mark_seen(access, record, now, error))
        return NULL;
    return rb_session_from_record(record, error);
}

RbSession *
rb_access_session(RbAccess *access, const RbVisit *visit, const char *token, GError **error)
{
    g_autoptr(GError) why = NULL;
    RbSession *session = session_of(access, token, visit->now, &why);

    if (session != NULL)
        return session;
    if (why->domain == RB_REFUSAL) { /* no end yet: the caller may offer to sign in */
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    return rb_access_end(access, visit, "session", NULL, g_steal_pointer(&why), error);
}
