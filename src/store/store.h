#ifndef RB_STORE_STORE_H
#define RB_STORE_STORE_H

#include "base/clock.h"
#include "base/secret.h"

#include <glib.h>
#include <jansson.h>

/*
 * What must survive a restart: records (sessions, transactions, replay marks, devices, tokens) and the audit
 * log. One interface; sqlite behind it. Thread-safe; calls block until the answer is durable. Writes of
 * several threads share one commit. When the store cannot be asked, the answer is fault.store and nobody gets
 * anything.
 */
typedef struct RbStore RbStore;

/** expires_at of a record that stays until it is dropped. */
#define RB_NEVER G_MAXINT64

/** Limits; more is a bug of the caller: fault.internal, and nothing of the batch is done. */
enum {
    RB_STORE_MAX_KEY = 1024,              /* bytes of a key or an owner */
    RB_STORE_MAX_BODY = 16 * 1024 * 1024, /* bytes of a body as JSON */
    RB_STORE_MAX_FACTS = 256 * 1024,      /* bytes of an audit record */
    RB_STORE_MAX_STEPS = 256,             /* of one batch */
    RB_STORE_MAX_LIST = 10000,
};

/** The kinds of record. Keys of secrets are their SHA-256 handles (rb_secret_handle), never the secret. */
typedef enum {
    RB_RECORD_SESSION,     /* key: handle of the cookie or access token; owner: the person's name */
    RB_RECORD_TRANSACTION, /* a sign-in under way; key: handle of the relay state */
    RB_RECORD_REPLAY,      /* key: provider and assertion id; until its end of validity */
    RB_RECORD_CLIENT,      /* a registered SSO client; key: client id */
    RB_RECORD_DEVICE,      /* key: handle of the device code */
    RB_RECORD_USER_CODE,   /* key: user code → device */
    RB_RECORD_CODE,        /* authorization code; key: its handle */
    RB_RECORD_REFRESH,     /* refresh token; key: its handle; owner: the person's name */
    RB_RECORD_NAME,        /* key: case-folded name → provider realm: who may vouch for it */
    RB_N_RECORDS
} RbRecordKind;

typedef struct {
    char *key;
    char *owner;                   /* NULL: nobody's */
    gint64 created_at, expires_at; /* UTC seconds; created: when it was last added or put */
    json_t *body;
} RbRecord;
void rb_record_free(RbRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbRecord, rb_record_free)

/**
 * rb_store_open: "sqlite:///absolute/path" or "sqlite:relative/path"; creates and migrates. A newer format
 * than this program's, a file that others may read, a damaged one, or one that another service has open, is
 * fault.store. The path is taken as written: nothing in it is decoded.
 */
RbStore *rb_store_open(const char *uri, GError **error);
/**
 * rb_store_open_read_only: for looking at it beside the running service (rolebridgectl). Creates and changes
 * nothing; committing to it is fault.internal.
 */
RbStore *rb_store_open_read_only(const char *uri, GError **error);
/** rb_store_free: waits for what is being written. No other call may be under way. */
void rb_store_free(RbStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbStore, rb_store_free)

/** rb_store_check: whether a write would go through just now (readiness). */
gboolean rb_store_check(RbStore *store, GError **error);

/* Reading. Expired records are as good as gone: `expires_at <= now` is store.missing. */
RbRecord *rb_store_get(RbStore *store, RbRecordKind kind, const char *key, gint64 now, GError **error);
/** rb_store_list: (transfer full) (element-type RbRecord): at most @max of @owner's records (@owner NULL: of
 * all), newest first. */
GPtrArray *rb_store_list(RbStore *store, RbRecordKind kind, const char *owner, gint64 now, guint max,
                         GError **error);

/*
 * Writing: a batch is built, then committed as one: all of it, or nothing. Steps run in order; the first that
 * refuses (store.exists, store.missing) undoes the batch.
 */
typedef struct RbBatch RbBatch;
RbBatch *rb_batch_new(void);
void rb_batch_free(RbBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBatch, rb_batch_free)
/**
 * rb_batch_add: refuses with store.exists when an unexpired record of that key is there: of many callers at
 * once exactly one gets through, also across restarts. @body: (transfer full). One that would be expired
 * already is fault.internal: it would protect nothing.
 */
void rb_batch_add(RbBatch *batch, RbRecordKind kind, const char *key, const char *owner, gint64 expires_at,
                  json_t *body);
/** rb_batch_put: inserts or replaces. */
void rb_batch_put(RbBatch *batch, RbRecordKind kind, const char *key, const char *owner, gint64 expires_at,
                  json_t *body);
/** rb_batch_take: removes; refuses with store.missing when it is not there or expired (one use, by exactly
 * one caller). */
void rb_batch_take(RbBatch *batch, RbRecordKind kind, const char *key);
/** rb_batch_drop: removes if there. */
void rb_batch_drop(RbBatch *batch, RbRecordKind kind, const char *key);
/** rb_batch_drop_owner: removes every record of @kind that @owner has. */
void rb_batch_drop_owner(RbBatch *batch, RbRecordKind kind, const char *owner);

/** What happened, for the audit log. Names in design §1; each has the members that store/audit.h and
 * docs/audit.md list. */
typedef enum {
    RB_AUDIT_SIGN_IN,
    RB_AUDIT_SIGN_OUT,
    RB_AUDIT_REFUSAL,  /* of a sign-in, a role, a request; and faults that ended one */
    RB_AUDIT_DECISION, /* a role was granted and credentials are about to be issued */
    RB_AUDIT_LEASE,    /* credentials were issued */
    RB_AUDIT_MAPPING,  /* a mapping was loaded, or refused */
    RB_AUDIT_SERVICE,  /* start, stop, configuration */
    RB_N_AUDITS
} RbAuditKind;

/**
 * rb_batch_audit: one event at @now with incident id @incident (NULL: none); @facts: (transfer full): a
 * flat-ish JSON object, no secrets. Common members (docs/audit.md): provider, name, subject, session (its
 * handle), family (the sign-in it came from), account, account_name, role, code, reason, source_ip,
 * user_agent, access_key_id, assumed_role_id, source_identity, request_id, group, assignment, expires_at,
 * mapping. The members seq, time, kind, incident and hash are the log's own: facts that have one are
 * fault.internal.
 */
void rb_batch_audit(RbBatch *batch, RbAuditKind kind, gint64 now, const char *incident, json_t *facts);

/**
 * rb_store_commit: the whole batch, durable when this returns TRUE. FALSE: store.exists or store.missing from
 * the step that refused; nothing of the batch was done. Or fault.busy (too many are waiting; nothing was
 * done), or fault.store: it cannot be told whether it was done, so the caller grants nothing.
 */
G_GNUC_WARN_UNUSED_RESULT
gboolean rb_store_commit(RbStore *store, RbBatch *batch, gint64 now, GError **error);

/** rb_store_sweep: removes expired records, at most @max. Returns: how many, or -1 with @error. */
G_GNUC_WARN_UNUSED_RESULT
gint rb_store_sweep(RbStore *store, gint64 now, guint max, GError **error);

const char *rb_audit_kind_name(RbAuditKind kind); /* "sign-in", "lease", … */

#endif
