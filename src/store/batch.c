#include "base/encoding.h"
#include "store/priv.h"

#include <string.h>

static void
step_clear(gpointer data)
{
    RbStep *step = data;

    g_free(step->key);
    g_free(step->owner);
    rb_wipe_free(step->body);
    json_decref(step->audit);
}

RbBatch *
rb_batch_new(void)
{
    RbBatch *batch = g_new0(RbBatch, 1);

    batch->steps = g_array_new(FALSE, TRUE, sizeof(RbStep));
    g_array_set_clear_func(batch->steps, step_clear);
    return batch;
}

void
rb_batch_free(RbBatch *batch)
{
    if (batch == NULL)
        return;
    g_array_unref(batch->steps);
    g_clear_error(&batch->wrong);
    g_free(batch);
}

/* A mistake of ours makes the batch unusable; commit says so. Only the first is kept. */
static GError **
wrong(RbBatch *batch)
{
    return batch->wrong == NULL ? &batch->wrong : NULL;
}

static gboolean
text_fits(const char *text)
{
    return text != NULL && text[0] != '\0' && strlen(text) <= RB_STORE_MAX_KEY &&
           g_utf8_validate(text, -1, NULL);
}

static RbStep *
step_new(RbBatch *batch, RbStepAction action)
{
    RbStep step = { .action = action };

    if (batch->steps->len >= RB_STORE_MAX_STEPS) {
        (void)rb_fault(wrong(batch), RB_FAULT_INTERNAL, "a batch of more than %d steps", RB_STORE_MAX_STEPS);
        return NULL;
    }
    g_array_append_val(batch->steps, step);
    return &g_array_index(batch->steps, RbStep, batch->steps->len - 1);
}

static RbStep *
step_keyed(RbBatch *batch, RbStepAction action, RbRecordKind kind, const char *key, const char *owner)
{
    const char *needed = action == RB_STEP_DROP_OWNER ? owner : key;
    RbStep *step;

    if ((guint)kind >= RB_N_RECORDS || !text_fits(needed) || (owner != NULL && !text_fits(owner))) {
        (void)rb_fault(wrong(batch), RB_FAULT_INTERNAL,
                       "a record's key or owner is empty, over %d bytes or not UTF-8", RB_STORE_MAX_KEY);
        return NULL;
    }
    step = step_new(batch, action);
    if (step != NULL) {
        step->kind = kind;
        step->key = g_strdup(key);
        step->owner = g_strdup(owner);
    }
    return step;
}

static void
step_body(RbBatch *batch, RbStep *step, gint64 expires_at, json_t *body)
{
    step->expires_at = expires_at;
    step->body = json_is_object(body) ? json_dumps(body, JSON_COMPACT) : NULL;
    if (step->body == NULL || strlen(step->body) > RB_STORE_MAX_BODY)
        (void)rb_fault(wrong(batch), RB_FAULT_INTERNAL,
                       "the body of a %s record is no JSON object of at most %d bytes",
                       rb_record_kind_name(step->kind), RB_STORE_MAX_BODY);
}

void
rb_batch_add(RbBatch *batch, RbRecordKind kind, const char *key, const char *owner, gint64 expires_at,
             json_t *body)
{
    RbStep *step = step_keyed(batch, RB_STEP_ADD, kind, key, owner);

    if (step != NULL)
        step_body(batch, step, expires_at, body);
    json_decref(body);
}

void
rb_batch_put(RbBatch *batch, RbRecordKind kind, const char *key, const char *owner, gint64 expires_at,
             json_t *body)
{
    RbStep *step = step_keyed(batch, RB_STEP_PUT, kind, key, owner);

    if (step != NULL)
        step_body(batch, step, expires_at, body);
    json_decref(body);
}

void
rb_batch_take(RbBatch *batch, RbRecordKind kind, const char *key)
{
    (void)step_keyed(batch, RB_STEP_TAKE, kind, key, NULL); /* a NULL step is noted in the batch */
}

void
rb_batch_drop(RbBatch *batch, RbRecordKind kind, const char *key)
{
    (void)step_keyed(batch, RB_STEP_DROP, kind, key, NULL); /* as above */
}

void
rb_batch_drop_owner(RbBatch *batch, RbRecordKind kind, const char *owner)
{
    (void)step_keyed(batch, RB_STEP_DROP_OWNER, kind, NULL, owner); /* as above */
}

static gboolean
facts_fit(const json_t *facts, const char *incident)
{
    static const char *const own[] = { "seq", "time", "kind", "incident", "hash" };

    if (!json_is_object(facts) || (incident != NULL && !text_fits(incident)))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(own); i++)
        if (json_object_get(facts, own[i]) != NULL)
            return FALSE;
    return json_dumpb(facts, NULL, 0, JSON_COMPACT) <= RB_STORE_MAX_FACTS;
}

void
rb_batch_audit(RbBatch *batch, RbAuditKind kind, gint64 now, const char *incident, json_t *facts)
{
    g_autofree char *time = rb_time_format(now);
    RbStep *step;

    if (time == NULL || (guint)kind >= RB_N_AUDITS || !facts_fit(facts, incident)) {
        (void)rb_fault(
            wrong(batch), RB_FAULT_INTERNAL,
            "the facts of an audit record are no JSON object of at most %d bytes without seq, time, "
            "kind, incident and hash",
            RB_STORE_MAX_FACTS);
        json_decref(facts);
        return;
    }
    step = step_new(batch, RB_STEP_AUDIT);
    if (step == NULL) {
        json_decref(facts);
        return;
    }
    json_object_set_new(facts, "time", json_string(time));
    json_object_set_new(facts, "kind", json_string(rb_audit_kind_name(kind)));
    if (incident != NULL)
        json_object_set_new(facts, "incident", json_string(incident));
    step->audit = facts;
}
