#ifndef RB_ACCESS_PRIV_H
#define RB_ACCESS_PRIV_H

#include "access/access.h"
#include "access/limits.h"

enum {
    RB_SIGN_IN_S = 600,                  /* from the first redirect to the IdP's answer */
    RB_LOGOUT_S = 600,                   /* to the IdP's answer to our logout */
    RB_NAME_S = 400 * 24 * 3600,         /* how long a name stays with its realm after its last sign-in */
    RB_NAME_SLACK_S = 24 * 3600,         /* give or take */
    RB_WORKLOAD_NAME_S = 30 * 24 * 3600, /* the same of a workload: jobs have names of their own each time */
    RB_CLIENT_S = 90 * 24 * 3600,        /* a client's registration */
    RB_DEVICE_S = 600,                   /* to confirm a device */
    RB_DEVICE_TOLD_S = 600,              /* and how long after that its client is still told so */
    RB_CODE_S = 60,                      /* an authorization code */
    RB_REFRESH_GRACE_S = 60, /* processes that share a token file race: the previous one stays good */
    RB_SEEN_EVERY_S = 60,    /* how often a session's use is written down */
    RB_NEXT_MAX = 1024,
    RB_TOKEN_TEXT_MAX = 256, /* bytes of a cookie, code or token; longer ones are not ours */
    RB_RECENT_MAX = 4096,    /* incidents remembered as recorded */
};

struct RbAccess {
    RbStore *store;
    RbProviders *providers;
    RbIssuer *issuer;
    char *mappings_dir, *public_url;
    gint64 session_s, idle_s, token_s;
    RbClock clock;
    RbLimits *limits; /* of strangers, by address */
    RbLimits *known;  /* of people, devices, tokens: no crowd of strangers fills it */
    GMutex reloading; /* one reload at a time */
    GMutex lock;      /* the fields below */
    RbSnapshot *snapshot;
    RbAccessCounts counts;
    GHashTable *recorded;   /* incidents whose refusal was recorded, … */
    GQueue *recorded_order; /* … oldest first */
    struct RbFlood *flood;  /* refusals of strangers that are counted, not written one by one */
    gint hurry;             /* atomic */
    gint64 *provider_due;   /* the background thread's own, as are the next */
    gint64 issuer_due, keys_due, sweep_due;
};

/* ---- records.c ---- */

/** rb_facts_new: (transfer full): facts of an audit event: who asks, and @identity when it is known. */
json_t *rb_facts_new(const RbVisit *visit, const RbIdentity *identity);
/** rb_facts_text: adds a fact, made printable; NULL adds nothing. */
void rb_facts_text(json_t *facts, const char *key, const char *value);
/** rb_facts_claims: adds `claims`, what brought a role without groups, made printable; NULL adds nothing. */
void rb_facts_claims(json_t *facts, const RbClaim *claims);
void rb_facts_integer(json_t *facts, const char *key, gint64 value);

/** rb_access_count: one more of @counter, a member of access->counts. */
void rb_access_count(RbAccess *access, guint64 *counter);

/**
 * rb_access_end: @what ended with @why: audited and logged once for this visit, then handed on.
 * @facts: (transfer full) (nullable): what is known; @why: (transfer full). Returns: NULL
 */
gpointer rb_access_end(RbAccess *access, const RbVisit *visit, const char *what, json_t *facts, GError *why,
                       GError **error);

/** rb_access_find: TRUE and the record, or TRUE and NULL when there is none; FALSE: could not tell. */
gboolean rb_access_find(RbAccess *access, RbRecordKind kind, const char *key, gint64 now, RbRecord **record,
                        GError **error);

/** rb_body_text: text member @key of a record's body; NULL: none. */
const char *rb_body_text(const RbRecord *record, const char *key);
gint64 rb_body_integer(const RbRecord *record, const char *key);

/** rb_random_text: (transfer full): @n letters of @alphabet, each as likely as the others. */
char *rb_random_text(const char *alphabet, guint n);

/* ---- flood.c ---- */

/*
 * Anybody can be refused as often as he likes, and the audit log keeps what it gets for ever. Refusals of
 * people who are not known are written one by one up to a rate for each address and code, and for each code;
 * what comes faster is counted, and the count is written when its minute is over.
 */
typedef struct RbFlood RbFlood;
RbFlood *rb_flood_new(void);
void rb_flood_free(RbFlood *flood);
/** rb_flood_counts: TRUE: the refusal @code of @visit is over the rate; it was counted and must not be
 * written. */
gboolean rb_flood_counts(RbAccess *access, const RbVisit *visit, const char *what, const char *code);
/** rb_flood_write: writes the counts whose minute is over at @now; @all: every one. One that cannot be
 * written is tried again later. */
void rb_flood_write(RbAccess *access, gint64 now, gboolean all);

/* ---- session.c ---- */

/** What a session record's body holds, in C. */
typedef struct {
    RbIdentity *identity; /* borrowed */
    const char *family;
    const char *client; /* NULL: the portal */
    const char *chain;  /* of a client: its refresh tokens and access tokens together */
    gint64 created_at;
} RbSessionFacts;

/** rb_session_put: adds to @batch the session of @token until @expires_at. Returns: (transfer full): its key.
 */
char *rb_session_put(RbBatch *batch, const RbSecret *token, const RbSessionFacts *facts, gint64 now,
                     gint64 expires_at);
/*
 * Markers: a session stands as long as its own record, the mark of its family (one sign-in and all that came
 * from it) and, for a client's, the mark of its chain (one client's tokens). To end any number of sessions is
 * to drop one mark, and what is made at the same moment is dead too.
 */
/** rb_family_put: @before: the family's mark so far, or NULL. */
void rb_family_put(RbBatch *batch, const char *family, const RbIdentity *identity, const RbRecord *before,
                   gint64 expires_at);
void rb_family_drop(RbBatch *batch, const char *family);
void rb_chain_put(RbBatch *batch, const char *chain, const char *owner, gint64 expires_at);
void rb_chain_take(RbBatch *batch, const char *chain);
void rb_chain_drop(RbBatch *batch, const char *chain);
/** rb_marks_stand: (out) @stand: whether the marks of a session or refresh record are both there. */
gboolean rb_marks_stand(RbAccess *access, const RbRecord *record, gint64 now, gboolean *stand,
                        GError **error);
/** rb_family_find: the mark, or NULL. */
gboolean rb_family_find(RbAccess *access, const char *family, gint64 now, RbRecord **mark, GError **error);
/** rb_subject_key: (transfer full): the owner of a subject's family marks: an IdP's logout names the subject.
 */
char *rb_subject_key(const char *provider, const char *subject);
/** rb_index_key: (transfer full): the owner of the same by the IdP's name of its session (sid). */
char *rb_index_key(const char *provider, const char *index);
/** rb_name_claim: a name belongs to the realm that vouched for it first: into @batch that it is @realm's for
 * @keep_s more; identity.name_taken when it is another's. */
gboolean rb_name_claim(RbAccess *access, RbBatch *batch, const char *name, const char *realm, gint64 now,
                       gint64 keep_s, GError **error);
/** rb_replayed_code: what a proof of @provider that was used before is refused with. */
RbRefusalCode rb_replayed_code(const RbProvider *provider);

/** rb_session_from_record: (transfer full): or NULL with fault.internal for a broken record. */
RbSession *rb_session_from_record(const RbRecord *record, GError **error);
/** rb_session_alive: TRUE when the portal session of handle @key still stands; (out) @session. Missing:
 * session.expired. */
RbSession *rb_session_alive(RbAccess *access, const char *key, gint64 now, GError **error);

/* ---- reload.c ---- */

/** rb_access_snapshot: (transfer full): the mapping on duty. */
RbSnapshot *rb_access_snapshot(RbAccess *access);
/** rb_access_load: the first load. */
gboolean rb_access_load(RbAccess *access, RbDiagnostics *problems, GError **error);

/* ---- credentials.c, workload.c ---- */

/** A proof that is exchanged for credentials, with no session behind it. */
typedef struct {
    const RbVerified *verified;
    const RbProvider *provider;
    const char *role_arn; /* as asked */
    gint64 asked_s;
    gboolean granted; /* (out): the mapping brings this role; else the asker may be anybody */
    json_t *facts;    /* (out): (transfer full): of the end, when there are no credentials */
} RbProof;
/** rb_obtain_for_proof: decide → record → issue → record. With the record of the decision the proof is used
 * up and the name claimed: rb_proof_settle. */
RbCredentials *rb_obtain_for_proof(RbAccess *access, const RbVisit *visit, RbProof *proof, GError **error);
/** rb_proof_settle: into @batch that the proof is used up, and whose the name is. */
gboolean rb_proof_settle(RbAccess *access, const RbProof *proof, RbBatch *batch, gint64 now, GError **error);
/** rb_proof_conflict: what a commit means that found such a record: used before (FALSE with the refusal), or
 * TRUE: try again. */
gboolean rb_proof_conflict(RbAccess *access, const RbProof *proof, gint64 now, GError **error);
/** rb_saml_name_qualifier: (transfer full): base64(SHA-1(issuer, account, "/", provider's name)): a name that
 * AWS makes of them; nothing is proved by it. */
char *rb_saml_name_qualifier(const char *issuer, const char *account, const char *provider);
/** rb_saml_subject_type: (transfer full): a NameID's Format as STS answers it: without its prefix for the two
 * that it knows. */
char *rb_saml_subject_type(const char *format);
/** rb_proof_facts: adds what the proof says of itself. */
void rb_proof_facts(const RbProof *proof, json_t *facts);

/* ---- clients.c ---- */

/** rb_client_check: the client @id when @secret is its own; else sso.invalid_client. */
RbClient *rb_client_check(RbAccess *access, const char *id, const char *secret, gint64 now, GError **error);
/** rb_client_find: the client @id, or sso.invalid_client. */
RbClient *rb_client_find(RbAccess *access, const char *id, gint64 now, GError **error);
/** rb_scopes_check: sso:account:access or nothing. */
gboolean rb_scopes_check(const char *const *scopes, GError **error);

#endif
