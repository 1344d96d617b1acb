#ifndef RB_STORE_AUDIT_H
#define RB_STORE_AUDIT_H

#include "store/store.h"

/*
 * Reading the audit log: who did what, and whether the log is whole. Every record is canonical JSON
 * (JSON_COMPACT | JSON_SORT_KEYS) with the facts of the event and the log's own members: seq (1, 2, 3, …),
 * time
 * ("2026-11-24T09:00:00Z"), kind, incident. Its hash is SHA-256(hash of the record before || its bytes);
 * before the first stands a random genesis. docs/audit.md tells an auditor.
 */

enum { RB_AUDIT_HASH_BYTES = 32 };

/** Where the log ended at some time: enough to notice later that records up to there were changed or cut. */
typedef struct {
    gint64 seq; /* 0: an empty log, and hash is its genesis */
    guint8 hash[RB_AUDIT_HASH_BYTES];
} RbAuditHead;

/** rb_audit_head_to_text: (transfer full): "SEQ:HEX", as printed by export, head and verify. */
char *rb_audit_head_to_text(const RbAuditHead *head);
/** rb_audit_head_parse: the same back. FALSE: it is not one; @head untouched. */
gboolean rb_audit_head_parse(const char *text, RbAuditHead *head);

typedef struct {
    gint64 seq;
    const char *text; /* canonical JSON, exactly the bytes that were hashed */
    gsize size;
    guint8 hash[RB_AUDIT_HASH_BYTES];
} RbAuditRow;

/** What to show. All that are set must hold; texts are compared exactly. */
typedef struct {
    gint64 since, until; /* UTC seconds, until not included; 0: open */
    const char *kind, *name, *account /* id or name */, *role, *code, *incident, *access_key_id, *family;
    guint limit;     /* 0: all */
    gboolean newest; /* newest first; else oldest first */
} RbAuditFilter;

/** Called for each record. FALSE ends the walk: with @error set it fails, else what was looked for is found.
 */
typedef gboolean (*RbAuditVisitor)(const RbAuditRow *row, gpointer data, GError **error);

/**
 * rb_audit_each: streams the records that @filter selects, in bounded memory, from one moment of the log.
 * @head: (out) (nullable): where the log ended at that moment.
 */
gboolean rb_audit_each(RbStore *store, const RbAuditFilter *filter, RbAuditHead *head, RbAuditVisitor visitor,
                       gpointer data, GError **error);

/** rb_audit_head: where the log ends now, by its own note. */
gboolean rb_audit_head(RbStore *store, RbAuditHead *head, GError **error);

/**
 * rb_audit_verify: walks the whole chain. audit.broken names the first record that is missing or was changed,
 * or says that the newest are missing. @known: a head kept elsewhere, or NULL: without one, somebody who
 * could write the file could have made the whole log anew. @head: (out) (nullable): the verified end.
 */
gboolean rb_audit_verify(RbStore *store, const RbAuditHead *known, RbAuditHead *head, GError **error);

/** rb_audit_chain_hash: @next = SHA-256(@before || the @size bytes at @text). */
void rb_audit_chain_hash(const guint8 before[RB_AUDIT_HASH_BYTES], const char *text, gsize size,
                         guint8 next[RB_AUDIT_HASH_BYTES]);

#endif
