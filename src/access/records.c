#include "access/priv.h"

#include "base/encoding.h"
#include "base/log.h"

#include <openssl/rand.h>
#include <string.h>

enum { FACT_MAX = 500 };

/* Answers that anybody can call forth at will and that end nothing: logged, not kept for ever. */
static const RbRefusalCode passing[] = {
    RB_SESSION_MISSING,  RB_SESSION_EXPIRED,   RB_SSO_PENDING,       RB_SSO_SLOW_DOWN,     RB_REQUEST_METHOD,
    RB_REQUEST_TOO_MANY, RB_REQUEST_NOT_FOUND, RB_REQUEST_MALFORMED, RB_REQUEST_TOO_LARGE, RB_REQUEST_HOST,
};

void
rb_facts_text(json_t *facts, const char *key, const char *value)
{
    g_autofree char *shown = value == NULL ? NULL : rb_text_printable(value, FACT_MAX);

    if (shown != NULL)
        (void)json_object_set_new(facts, key, json_string(shown)); /* printable text is valid UTF-8 */
}

void
rb_facts_claims(json_t *facts, const RbClaim *claims)
{
    json_t *stated;

    if (claims == NULL)
        return;
    stated = json_object();
    for (; claims->attribute != NULL; claims++)
        rb_facts_text(stated, claims->attribute, claims->value);
    (void)json_object_set_new(facts, "claims", stated);
}

void
rb_facts_integer(json_t *facts, const char *key, gint64 value)
{
    (void)json_object_set_new(facts, key, json_integer(value));
}

json_t *
rb_facts_new(const RbVisit *visit, const RbIdentity *identity)
{
    json_t *facts = json_object();

    if (identity != NULL) {
        rb_facts_text(facts, "provider", identity->provider);
        rb_facts_text(facts, "name", identity->name);
        rb_facts_text(facts, "subject", identity->subject);
    }
    rb_facts_text(facts, "source_ip", visit->source_ip);
    rb_facts_text(facts, "user_agent", visit->user_agent);
    return facts;
}

char *
rb_random_text(const char *alphabet, guint n)
{
    gsize size = strlen(alphabet);
    guint limit = 256 - 256 % (guint)size; /* bytes from here on would favour the first letters */
    GString *text = g_string_sized_new(n);

    while (text->len < n) {
        guint8 byte;
        if (RAND_bytes(&byte, 1) != 1)
            g_error("no randomness");
        if (byte < limit)
            g_string_append_c(text, alphabet[byte % size]);
    }
    return g_string_free(text, FALSE);
}

void
rb_access_visit(RbAccess *access, RbVisit *visit, char incident[16])
{
    g_autofree char *text = rb_random_text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 8);

    (void)g_snprintf(incident, 16, "%.4s-%s", text, text + 4);
    visit->incident = incident;
    visit->now = rb_clock_now(&access->clock);
}

void
rb_access_count(RbAccess *access, guint64 *counter)
{
    g_mutex_lock(&access->lock);
    (*counter)++;
    g_mutex_unlock(&access->lock);
}

/* TRUE the first time an incident is seen. */
static gboolean
first_time(RbAccess *access, const char *incident)
{
    gboolean first;

    g_mutex_lock(&access->lock);
    first = !g_hash_table_contains(access->recorded, incident);
    if (first) {
        char *copy = g_strdup(incident);
        g_hash_table_add(access->recorded, copy);
        g_queue_push_tail(access->recorded_order, copy);
        if (g_queue_get_length(access->recorded_order) > RB_RECENT_MAX)
            g_hash_table_remove(access->recorded, g_queue_pop_head(access->recorded_order));
    }
    g_mutex_unlock(&access->lock);
    return first;
}

static gboolean
is_passing(const GError *why)
{
    for (gsize i = 0; i < G_N_ELEMENTS(passing); i++)
        if (rb_is_refusal(why, passing[i]))
            return TRUE;
    return FALSE;
}

static void
log_end(const RbVisit *visit, const char *what, const json_t *facts, const GError *why)
{
    gboolean fault = why->domain != RB_REFUSAL;

    rb_log(fault             ? RB_LOG_ERROR
           : is_passing(why) ? RB_LOG_DEBUG
                             : RB_LOG_INFO,
           fault ? "fault" : "refusal", "incident", visit->incident, "what", what, "code",
           rb_outcome(why)->id, "reason", why->message, "provider",
           json_string_value(json_object_get(facts, "provider")), "name",
           json_string_value(json_object_get(facts, "name")), "account",
           json_string_value(json_object_get(facts, "account")), "role",
           json_string_value(json_object_get(facts, "role")), "source_ip", visit->source_ip, NULL);
}

/* @facts: (transfer full). A refusal stands whether or not it can be written down. */
static void
audit_end(RbAccess *access, const RbVisit *visit, const char *what, json_t *facts, const GError *why)
{
    g_autoptr(RbBatch) batch = rb_batch_new();
    g_autoptr(GError) failed = NULL;

    rb_facts_text(facts, "what", what);
    rb_facts_text(facts, "code", rb_outcome(why)->id);
    rb_facts_text(facts, "reason", why->message);
    rb_batch_audit(batch, RB_AUDIT_REFUSAL, visit->now, visit->incident, facts);
    if (!rb_store_commit(access->store, batch, visit->now, &failed))
        rb_log(RB_LOG_ERROR, "audit.lost", "incident", visit->incident, "what", what, "reason",
               failed->message, NULL);
}

/* @facts: (transfer full) */
static void
record_end(RbAccess *access, const RbVisit *visit, const char *what, json_t *facts, const GError *why)
{
    gboolean passes = is_passing(why);

    if (!passes && !first_time(access, visit->incident)) {
        json_decref(facts);
        return;
    }
    log_end(visit, what, facts, why);
    if (passes) {
        json_decref(facts);
        return;
    }
    rb_access_count(access, why->domain == RB_REFUSAL ? &access->counts.refusals : &access->counts.faults);
    if (json_object_get(facts, "subject") == NULL &&
        rb_flood_counts(access, visit, what, rb_outcome(why)->id)) {
        json_decref(facts);
        return;
    }
    audit_end(access, visit, what, facts, why);
}

void
rb_access_refused(RbAccess *access, const RbVisit *visit, const char *what, const GError *error)
{
    record_end(access, visit, what, rb_facts_new(visit, NULL), error);
}

gpointer
rb_access_end(RbAccess *access, const RbVisit *visit, const char *what, json_t *facts, GError *why,
              GError **error)
{
    record_end(access, visit, what, facts != NULL ? facts : rb_facts_new(visit, NULL), why);
    g_propagate_error(error, why);
    return NULL;
}

gboolean
rb_access_find(RbAccess *access, RbRecordKind kind, const char *key, gint64 now, RbRecord **record,
               GError **error)
{
    g_autoptr(GError) why = NULL;
    RbRecord *found = rb_store_get(access->store, kind, key, now, &why);

    if (found == NULL && !rb_is_refusal(why, RB_STORE_MISSING)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    *record = found;
    return TRUE;
}

const char *
rb_body_text(const RbRecord *record, const char *key)
{
    return json_string_value(json_object_get(record->body, key));
}

gint64
rb_body_integer(const RbRecord *record, const char *key)
{
    return json_integer_value(json_object_get(record->body, key));
}
