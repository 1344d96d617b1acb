#include "access/priv.h"

#include "base/log.h"

RbSnapshot *
rb_access_snapshot(RbAccess *access)
{
    RbSnapshot *snapshot;

    g_mutex_lock(&access->lock);
    snapshot = rb_snapshot_ref(access->snapshot);
    g_mutex_unlock(&access->lock);
    return snapshot;
}

static void
swap(RbAccess *access, RbSnapshot *snapshot)
{
    RbSnapshot *old;

    g_mutex_lock(&access->lock);
    old = access->snapshot;
    access->snapshot = snapshot;
    g_mutex_unlock(&access->lock);
    rb_snapshot_unref(old);
}

/* An event that no person asked for: the mapping, the service itself. */
static gboolean
audit(RbAccess *access, json_t *facts, GError **error)
{
    g_autoptr(RbBatch) batch = rb_batch_new();
    RbVisit visit = { 0 };
    char incident[16];

    rb_access_visit(access, &visit, incident);
    rb_batch_audit(batch, RB_AUDIT_MAPPING, visit.now, incident, facts);
    return rb_store_commit(access->store, batch, visit.now, error);
}

static json_t *
loaded_facts(const RbSnapshot *snapshot, const RbSnapshot *before)
{
    RbSnapshotSize size = rb_snapshot_size(snapshot);
    json_t *facts = json_object();

    rb_facts_text(facts, "outcome", "loaded");
    rb_facts_text(facts, "mapping", rb_snapshot_digest(snapshot));
    rb_facts_text(facts, "before", before == NULL ? NULL : rb_snapshot_digest(before));
    rb_facts_integer(facts, "accounts", size.n_accounts);
    rb_facts_integer(facts, "policies", size.n_policies);
    rb_facts_integer(facts, "roles", size.n_roles);
    rb_facts_integer(facts, "assignments", size.n_assignments);
    return facts;
}

/* A mapping goes on duty after its record is made: every decision's digest can be looked up. */
static gboolean
take_duty(RbAccess *access, RbSnapshot *fresh, const RbSnapshot *before, GError **error)
{
    if (!audit(access, loaded_facts(fresh, before), error))
        return FALSE;
    rb_log(RB_LOG_INFO, "mapping.loaded", "digest", rb_snapshot_digest(fresh), "directory",
           access->mappings_dir, NULL);
    swap(access, rb_snapshot_ref(fresh));
    return TRUE;
}

/* A mapping that may be used, and warnings of what in it leads nowhere here. */
static RbSnapshot *
read_mapping(RbAccess *access, RbDiagnostics *problems)
{
    RbSnapshot *snapshot = rb_snapshot_load(access->mappings_dir, problems);
    g_autofree const char **ids = rb_providers_ids(access->providers);

    if (snapshot != NULL)
        rb_snapshot_check_providers(snapshot, ids, problems);
    return snapshot;
}

gboolean
rb_access_load(RbAccess *access, RbDiagnostics *problems, GError **error)
{
    g_autoptr(RbSnapshot) fresh = read_mapping(access, problems);
    g_autofree char *line = NULL;

    if (fresh != NULL)
        return take_duty(access, fresh, NULL, error);
    line = rb_diagnostics_to_line(problems);
    return rb_fault(error, RB_FAULT_FILE, "the mapping cannot be used: %s", line);
}

static gboolean
keep_old(RbAccess *access, const RbSnapshot *old, RbDiagnostics *problems, GError **error)
{
    g_autofree char *line = rb_diagnostics_to_line(problems);
    g_autoptr(GError) lost = NULL;
    json_t *facts = json_object();

    rb_facts_text(facts, "outcome", "refused");
    rb_facts_text(facts, "mapping", rb_snapshot_digest(old));
    rb_facts_text(facts, "reason", line);
    rb_facts_integer(facts, "errors", rb_diagnostics_count(problems));
    rb_access_count(access, &access->counts.reloads_refused);
    rb_log(RB_LOG_WARNING, "mapping.refused", "reason", line, "kept", rb_snapshot_digest(old), NULL);
    if (!audit(access, facts, &lost))
        rb_log(RB_LOG_ERROR, "audit.lost", "what", "mapping", "reason", lost->message, NULL);
    return rb_fault(error, RB_FAULT_FILE, "the mapping was refused, the old one stays: %s", line);
}

static gboolean
reload(RbAccess *access, RbDiagnostics *problems, GError **error)
{
    g_autoptr(RbSnapshot) old = rb_access_snapshot(access);
    g_autoptr(RbSnapshot) fresh = read_mapping(access, problems);

    if (fresh == NULL)
        return keep_old(access, old, problems, error);
    if (g_str_equal(rb_snapshot_digest(old), rb_snapshot_digest(fresh)))
        return TRUE;
    if (!take_duty(access, fresh, old, error))
        return FALSE;
    rb_access_count(access, &access->counts.reloads);
    return TRUE;
}

gboolean
rb_access_reload(RbAccess *access, RbDiagnostics *problems, GError **error)
{
    gboolean done;

    g_mutex_lock(&access->reloading);
    done = reload(access, problems, error);
    g_mutex_unlock(&access->reloading);
    return done;
}
