#include "access/priv.h"

#include "base/log.h"

/* More than a hundred processes at once need, and every second for as long as one likes. Each is two audit
 * records for ever and a call of STS, whose own limit all people of an account share. */
static const RbLimit asking = { "credentials", 300, 1000 };
/* A thousand jobs or pods of one name may start at once. */
static const RbLimit exchanging = { "exchange", 1000, 200 };

/* One request for credentials: what is known on the way. */
typedef struct {
    RbAccess *access;
    const RbVisit *visit;
    const RbSession *session;
    const char *account, *role; /* as asked */
    gint64 asked_s;
    const char *destination; /* in the console; NULL: none asked for */
    RbDecision *decision;
    const RbGrant *grant; /* lives as long as decision */
    const RbProof *proof; /* NULL: by a session */
} Ask;

static void
ask_clear(Ask *ask)
{
    rb_decision_free(ask->decision);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ask, ask_clear)

RbDecision *
rb_access_decide(RbAccess *access, const RbVisit *visit, const RbSession *session)
{
    g_autoptr(RbSnapshot) snapshot = rb_access_snapshot(access);
    const RbContext context = { .now = visit->now, .source_ip = visit->source_ip };

    return rb_decide(snapshot, session->identity, &context);
}

static json_t *
ask_facts(const Ask *ask)
{
    json_t *facts = rb_facts_new(ask->visit, ask->session->identity);

    rb_facts_text(facts, "client", ask->session->client);
    rb_facts_text(facts, "session", ask->session->key);
    rb_facts_text(facts, "family", ask->session->family);
    rb_facts_text(facts, "account", ask->grant != NULL ? ask->grant->account : ask->account);
    rb_facts_text(facts, "role", ask->grant != NULL ? ask->grant->role : ask->role);
    if (ask->decision != NULL)
        rb_facts_text(facts, "mapping", ask->decision->snapshot_digest);
    if (ask->proof != NULL)
        rb_proof_facts(ask->proof, facts);
    if (ask->grant == NULL)
        return facts;
    rb_facts_text(facts, "account_name", ask->grant->account_name);
    rb_facts_text(facts, "role_arn", ask->grant->role_arn);
    if (ask->grant->n_reasons > 0) {
        rb_facts_text(facts, "group", ask->grant->reasons[0].group);
        rb_facts_claims(facts, ask->grant->reasons[0].claims);
        rb_facts_text(facts, "assignment", ask->grant->reasons[0].assignment);
    }
    return facts;
}

static gboolean
decide(Ask *ask, GError **error)
{
    if (ask->proof == NULL && (ask->account == NULL || ask->role == NULL))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "no %s was named",
                         ask->account == NULL ? "account" : "role");
    ask->decision = rb_access_decide(ask->access, ask->visit, ask->session);
    ask->grant = ask->proof != NULL ? rb_decision_find_role_arn(ask->decision, ask->proof->role_arn, error)
                                    : rb_decision_find(ask->decision, ask->account, ask->role, error);
    return ask->grant != NULL;
}

/* Whether the grant allows what was asked for besides. */
static gboolean
check_wishes(const Ask *ask, gint64 *duration_s, GError **error)
{
    return rb_issue_check_destination(ask->access->issuer, ask->grant, ask->destination, error) &&
           rb_issuer_check_duration(ask->grant, ask->asked_s, duration_s, error);
}

/* The decision is on record before AWS is asked. */
static gboolean
record_decision(const Ask *ask, gint64 duration_s, GError **error)
{
    g_autoptr(RbBatch) batch = rb_batch_new();
    const RbGrant *grant = ask->grant;
    const char *const *condition;
    json_t *facts, *conditions = json_array();

    g_assert(grant != NULL); /* decide() said yes */
    facts = ask_facts(ask);
    condition = grant->n_reasons == 0 ? NULL : grant->reasons[0].conditions;
    for (; condition != NULL && *condition != NULL; condition++)
        (void)json_array_append_new(conditions, json_string(*condition));
    (void)json_object_set_new(facts, "conditions", conditions);
    rb_facts_integer(facts, "duration_s", duration_s);
    rb_batch_audit(batch, RB_AUDIT_DECISION, ask->visit->now, ask->visit->incident, facts);
    if (ask->proof != NULL && !rb_proof_settle(ask->access, ask->proof, batch, ask->visit->now, error))
        return FALSE;
    if (!rb_store_commit(ask->access->store, batch, ask->visit->now, error))
        return FALSE;
    rb_access_count(ask->access, &ask->access->counts.decisions);
    return TRUE;
}

/* What was issued is on record before it leaves: @id is that of the access key or of the assertion, as @kind
 * says. @facts: (transfer full): what is known of it besides. */
static gboolean
record_lease(const Ask *ask, json_t *facts, const char *kind, const char *id, GError **error)
{
    g_autoptr(RbBatch) batch = rb_batch_new();
    const RbGrant *grant = ask->grant;

    g_assert(grant != NULL); /* decide() said yes */
    rb_facts_text(facts, kind, id);
    rb_batch_audit(batch, RB_AUDIT_LEASE, ask->visit->now, ask->visit->incident, facts);
    if (!rb_store_commit(ask->access->store, batch, ask->visit->now, error))
        return FALSE;
    rb_access_count(ask->access, &ask->access->counts.leases);
    rb_log(RB_LOG_INFO, "lease", "incident", ask->visit->incident, "name", ask->session->identity->name,
           "account", grant->account, "role", grant->role, kind, id, "client", ask->session->client, NULL);
    return TRUE;
}

static gboolean
record_credentials(const Ask *ask, const RbCredentials *credentials, GError **error)
{
    json_t *facts = ask_facts(ask);

    rb_facts_text(facts, "assumed_role_id", credentials->assumed_role_id);
    rb_facts_text(facts, "assumed_role_arn", credentials->assumed_role_arn);
    rb_facts_text(facts, "source_identity", credentials->source_identity);
    rb_facts_text(facts, "request_id", credentials->request_id);
    rb_facts_integer(facts, "expires_at", credentials->expiration);
    if (credentials->packed_policy_size >= 0)
        rb_facts_integer(facts, "packed_policy_percent", credentials->packed_policy_size);
    return record_lease(ask, facts, "access_key_id", credentials->access_key_id, error);
}

/* AWS makes the session when the browser brings the assertion, and names no key before. */
static gboolean
record_assertion(const Ask *ask, const RbConsole *console, GError **error)
{
    json_t *facts = ask_facts(ask);

    rb_facts_text(facts, "source_identity", ask->session->identity->name);
    rb_facts_integer(facts, "expires_at", console->expires_at + console->duration_s);
    return record_lease(ask, facts, "assertion_id", console->assertion_id, error);
}

static gboolean
take(const Ask *ask, const RbLimit *limit, GError **error)
{
    const char *name = ask->session->identity->name;

    return rb_limits_take(ask->access->known, limit, name, ask->visit->now) ||
           rb_refuse(error, RB_REQUEST_TOO_MANY, "'%s' asks for credentials far too often", name);
}

/* Others may have claimed the name between our look and our commit: then once more. */
static gboolean
settle_decision(const Ask *ask, gint64 duration_s, GError **error)
{
    for (guint i = 0; i < 3; i++) {
        g_autoptr(GError) why = NULL;
        if (record_decision(ask, duration_s, &why))
            return TRUE;
        if (!rb_is_refusal(why, RB_STORE_EXISTS)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return FALSE;
        }
        if (!rb_proof_conflict(ask->access, ask->proof, ask->visit->now, error))
            return FALSE;
    }
    return rb_fault(error, RB_FAULT_BUSY, "the name was claimed by others at the same time");
}

/* decide → record; what is issued after it is the caller's part. A proof's limit comes after the decision:
 * anybody may bring a token, and those who get nothing must not fill the limits of those who do. */
static gboolean
decide_on_record(Ask *ask, GError **error)
{
    gint64 duration_s = 0;

    if (ask->proof == NULL)
        return take(ask, &asking, error) && decide(ask, error) && check_wishes(ask, &duration_s, error) &&
               record_decision(ask, duration_s, error);
    return decide(ask, error) && take(ask, &exchanging, error) && check_wishes(ask, &duration_s, error) &&
           settle_decision(ask, duration_s, error);
}

/* issue → record. */
static RbCredentials *
issue_credentials(const Ask *ask, GError **error)
{
    g_autoptr(RbCredentials) credentials = rb_issue(ask->access->issuer, ask->grant, ask->session->identity,
                                                    ask->asked_s, ask->visit->now, error);

    return credentials != NULL && record_credentials(ask, credentials, error) ? g_steal_pointer(&credentials)
                                                                              : NULL;
}

RbCredentials *
rb_access_credentials(RbAccess *access, const RbVisit *visit, const RbSession *session, const char *account,
                      const char *role, gint64 asked_s, GError **error)
{
    g_auto(Ask) ask = { .access = access,
                        .visit = visit,
                        .session = session,
                        .account = account,
                        .role = role,
                        .asked_s = asked_s };
    g_autoptr(GError) why = NULL;
    RbCredentials *credentials = decide_on_record(&ask, &why) ? issue_credentials(&ask, &why) : NULL;

    if (credentials != NULL)
        return credentials;
    return rb_access_end(access, visit, "credentials", ask_facts(&ask), g_steal_pointer(&why), error);
}

RbCredentials *
rb_obtain_for_proof(RbAccess *access, const RbVisit *visit, RbProof *proof, GError **error)
{
    const RbSession session = { .identity = proof->verified->identity };
    g_auto(Ask) ask = {
        .access = access, .visit = visit, .session = &session, .asked_s = proof->asked_s, .proof = proof
    };
    RbCredentials *credentials = decide_on_record(&ask, error) ? issue_credentials(&ask, error) : NULL;

    proof->granted = ask.grant != NULL;
    if (credentials == NULL)
        proof->facts = ask_facts(&ask);
    return credentials;
}

/* By credentials, which are recorded before the way in is made of them; or by an assertion, which is the way
 * in, and is recorded before it leaves. */
static RbConsole *
open_console(Ask *ask, GError **error)
{
    RbConsoleAsk wanted = { .destination = ask->destination,
                            .identity = ask->session->identity,
                            .portal_url = ask->access->public_url,
                            .now = ask->visit->now };
    g_autoptr(RbCredentials) credentials = NULL;
    g_autoptr(RbConsole) console = NULL;

    if (!decide_on_record(ask, error))
        return NULL;
    wanted.grant = ask->grant;
    if (!rb_issue_console_by_form(ask->grant)) {
        credentials = issue_credentials(ask, error);
        wanted.credentials = credentials;
        return credentials != NULL ? rb_issue_console(ask->access->issuer, &wanted, error) : NULL;
    }
    console = rb_issue_console(ask->access->issuer, &wanted, error);
    return console != NULL && record_assertion(ask, console, error) ? g_steal_pointer(&console) : NULL;
}

RbConsole *
rb_access_console(RbAccess *access, const RbVisit *visit, const RbSession *session, const char *account,
                  const char *role, const char *destination, GError **error)
{
    g_auto(Ask) ask = { .access = access,
                        .visit = visit,
                        .session = session,
                        .account = account,
                        .role = role,
                        .destination = destination };
    g_autoptr(GError) why = NULL;
    RbConsole *console = open_console(&ask, &why);

    if (console != NULL)
        return console;
    return rb_access_end(access, visit, "console", ask_facts(&ask), g_steal_pointer(&why), error);
}
