#ifndef RB_STORE_PRIV_H
#define RB_STORE_PRIV_H

#include "base/refusal.h"
#include "store/audit.h"
#include "store/store.h"

/* For the room and its tests: what a kind of store is, and what a batch looks like to it. */

typedef enum {
    RB_STEP_ADD,
    RB_STEP_PUT,
    RB_STEP_TAKE,
    RB_STEP_DROP,
    RB_STEP_DROP_OWNER,
    RB_STEP_AUDIT,
} RbStepAction;

typedef struct {
    RbStepAction action;
    RbRecordKind kind;
    char *key, *owner;
    gint64 expires_at;
    char *body;    /* JSON text */
    json_t *audit; /* the record but for its seq */
} RbStep;

struct RbBatch {
    GArray *steps; /* RbStep */
    GError *wrong; /* the first mistake in building it */
};

/** The chain as a store keeps it. */
typedef struct {
    guint8 genesis[RB_AUDIT_HASH_BYTES];
    RbAuditHead head;
} RbAuditChain;

/**
 * A kind of store: sqlite now. All slots are required. Reading slots are called by any thread at any time;
 * writing slots by one thread, as begin (apply | sweep | touch)* then commit or rollback. A FALSE begin or
 * commit leaves nothing open.
 */
typedef struct {
    const char *scheme;                                                         /* of its URI, without ":" */
    gpointer (*open)(const char *location, gboolean read_only, GError **error); /* after "scheme:" */
    void (*close)(gpointer self);

    RbRecord *(*get)(gpointer self, RbRecordKind kind, const char *key, gint64 now, GError **error);
    GPtrArray *(*list)(gpointer self, RbRecordKind kind, const char *owner, gint64 now, guint max,
                       GError **error);
    /* @chain: (out) (nullable): as of the same moment as the rows, set before the first visit */
    gboolean (*audit)(gpointer self, const RbAuditFilter *filter, RbAuditChain *chain, RbAuditVisitor visitor,
                      gpointer data, GError **error);

    gboolean (*begin)(gpointer self, GError **error);
    /* the steps of one batch, or none of them: a refusal leaves the batches before it as they are, a fault
     * ends the whole group */
    gboolean (*apply)(gpointer self, const RbBatch *batch, gint64 now, GError **error);
    gint (*sweep)(gpointer self, gint64 now, guint max, GError **error);
    gboolean (*touch)(gpointer self, GError **error); /* writes something that changes nothing */
    gboolean (*commit)(gpointer self, GError **error);
    void (*rollback)(gpointer self);
} RbStoreType;

extern const RbStoreType rb_store_sqlite;

/** rb_store_new: a store of any kind, also one that a test brings. Takes @self over. */
RbStore *rb_store_new(const RbStoreType *type, gpointer self, gboolean read_only);

/** rb_audit_walk: rb_audit_each, and the chain as of the same moment in @chain (nullable). */
gboolean rb_audit_walk(RbStore *store, const RbAuditFilter *filter, RbAuditChain *chain,
                       RbAuditVisitor visitor, gpointer data, GError **error);

/** rb_record_kind_name: "session", …: as stored. */
const char *rb_record_kind_name(RbRecordKind kind);

/** rb_record_new: (transfer full): from what a store kept; fault.store when @body is no JSON object. */
RbRecord *rb_record_new(const char *key, const char *owner, gint64 created_at, gint64 expires_at,
                        const char *body, GError **error);

/* The one thread that writes: it takes all batches that wait, and commits them together. */
typedef struct RbWriter RbWriter;
enum {
    RB_WRITER_MAX_GROUP = 512,  /* batches in one commit */
    RB_WRITER_MAX_QUEUE = 4096, /* waiting; over it is fault.busy */
};
RbWriter *rb_writer_new(const RbStoreType *type, gpointer self);
RbWriter *rb_writer_new_bounded(const RbStoreType *type, gpointer self, guint max_queue);
void rb_writer_free(RbWriter *writer);
gboolean rb_writer_commit(RbWriter *writer, const RbBatch *batch, gint64 now, GError **error);
gboolean rb_writer_touch(RbWriter *writer, GError **error);
gint rb_writer_sweep(RbWriter *writer, gint64 now, guint max, GError **error);
/** rb_writer_commits: how many commits were made so far (for the benchmark). */
guint64 rb_writer_commits(RbWriter *writer);
/** rb_writer_waiting: how many wait to be taken. */
guint rb_writer_waiting(RbWriter *writer);
RbWriter *rb_store_writer(RbStore *store);

#endif
