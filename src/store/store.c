#include "base/encoding.h"
#include "store/priv.h"

#include <string.h>

struct RbStore {
    const RbStoreType *type;
    gpointer self;
    RbWriter *writer; /* NULL: read-only */
};

static const RbStoreType *const types[] = { &rb_store_sqlite };

const char *
rb_record_kind_name(RbRecordKind kind)
{
    /* Stored as such: never rename one. */
    static const char *const names[RB_N_RECORDS] = { "session", "transaction", "replay",
                                                     "client",  "device",      "user-code",
                                                     "code",    "refresh",     "name" };

    return names[kind];
}

const char *
rb_audit_kind_name(RbAuditKind kind)
{
    static const char *const names[RB_N_AUDITS] = { "sign-in", "sign-out", "refusal", "decision",
                                                    "lease",   "mapping",  "service" };

    return (guint)kind < RB_N_AUDITS ? names[kind] : NULL;
}

RbRecord *
rb_record_new(const char *key, const char *owner, gint64 created_at, gint64 expires_at, const char *body,
              GError **error)
{
    json_t *object = json_loads(body, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    RbRecord *record;

    if (!json_is_object(object)) {
        json_decref(object);
        (void)rb_fault(error, RB_FAULT_STORE, "a stored record is no JSON object; the store is damaged");
        return NULL;
    }
    record = g_new0(RbRecord, 1);
    record->key = g_strdup(key);
    record->owner = g_strdup(owner);
    record->created_at = created_at;
    record->expires_at = expires_at;
    record->body = object;
    return record;
}

void
rb_record_free(RbRecord *record)
{
    if (record == NULL)
        return;
    g_free(record->key);
    g_free(record->owner);
    json_decref(record->body);
    g_free(record);
}

RbStore *
rb_store_new(const RbStoreType *type, gpointer self, gboolean read_only)
{
    RbStore *store = g_new0(RbStore, 1);

    store->type = type;
    store->self = self;
    store->writer = read_only ? NULL : rb_writer_new(type, self);
    return store;
}

static RbStore *
open_as(const char *uri, gboolean read_only, GError **error)
{
    g_autofree char *quoted = rb_text_quote(uri);
    gpointer self;

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        gsize length = strlen(types[i]->scheme);
        if (strncmp(uri, types[i]->scheme, length) != 0 || uri[length] != ':')
            continue;
        self = types[i]->open(uri + length + 1, read_only, error);
        return self != NULL ? rb_store_new(types[i], self, read_only) : NULL;
    }
    (void)rb_fault(error, RB_FAULT_STORE,
                   "no store of the kind %s; write sqlite:///absolute/path or sqlite:relative/path", quoted);
    return NULL;
}

RbStore *
rb_store_open(const char *uri, GError **error)
{
    return open_as(uri, FALSE, error);
}

RbStore *
rb_store_open_read_only(const char *uri, GError **error)
{
    return open_as(uri, TRUE, error);
}

void
rb_store_free(RbStore *store)
{
    if (store == NULL)
        return;
    rb_writer_free(store->writer);
    store->type->close(store->self);
    g_free(store);
}

RbWriter *
rb_store_writer(RbStore *store)
{
    return store->writer;
}

static gboolean
may_write(RbStore *store, GError **error)
{
    if (store->writer == NULL)
        return rb_fault(error, RB_FAULT_INTERNAL, "the store was opened for reading only");
    return TRUE;
}

gboolean
rb_store_check(RbStore *store, GError **error)
{
    return may_write(store, error) && rb_writer_touch(store->writer, error);
}

RbRecord *
rb_store_get(RbStore *store, RbRecordKind kind, const char *key, gint64 now, GError **error)
{
    return store->type->get(store->self, kind, key, now, error);
}

GPtrArray *
rb_store_list(RbStore *store, RbRecordKind kind, const char *owner, gint64 now, guint max, GError **error)
{
    return store->type->list(store->self, kind, owner, now, MIN(max, (guint)RB_STORE_MAX_LIST), error);
}

static gboolean
check_batch(const RbBatch *batch, gint64 now, GError **error)
{
    if (batch->wrong != NULL) {
        g_propagate_error(error, g_error_copy(batch->wrong));
        return FALSE;
    }
    for (guint i = 0; i < batch->steps->len; i++) {
        const RbStep *step = &g_array_index(batch->steps, RbStep, i);
        if (step->action == RB_STEP_ADD && step->expires_at <= now)
            return rb_fault(error, RB_FAULT_INTERNAL,
                            "a %s record was to be added that expired %" G_GINT64_FORMAT " s ago",
                            rb_record_kind_name(step->kind), now - step->expires_at);
    }
    return TRUE;
}

gboolean
rb_store_commit(RbStore *store, RbBatch *batch, gint64 now, GError **error)
{
    return may_write(store, error) && check_batch(batch, now, error) &&
           rb_writer_commit(store->writer, batch, now, error);
}

gint
rb_store_sweep(RbStore *store, gint64 now, guint max, GError **error)
{
    return may_write(store, error) ? rb_writer_sweep(store->writer, now, max, error) : -1;
}

gboolean
rb_audit_walk(RbStore *store, const RbAuditFilter *filter, RbAuditChain *chain, RbAuditVisitor visitor,
              gpointer data, GError **error)
{
    return store->type->audit(store->self, filter, chain, visitor, data, error);
}
