#include "access/access.h"

#include "access/priv.h"
#include "base/log.h"

enum { LIMITS_MAX = 20000, SWEEP_EVERY_S = 60, SWEEP_MAX = 2000, TEND_MAX_S = 60 };

RbAccess *
rb_access_new(const RbAccessSetting *setting, RbDiagnostics *problems, GError **error)
{
    g_autoptr(RbAccess) access = g_new0(RbAccess, 1);

    g_mutex_init(&access->lock);
    g_mutex_init(&access->reloading);
    access->store = setting->store;
    access->providers = setting->providers;
    access->issuer = setting->issuer;
    access->mappings_dir = g_strdup(setting->mappings_dir);
    access->public_url = g_strdup(setting->public_url);
    access->session_s = setting->session_s;
    access->idle_s = setting->idle_s;
    access->token_s = setting->token_s;
    access->clock = setting->clock;
    access->limits = rb_limits_new(LIMITS_MAX);
    access->known = rb_limits_new(LIMITS_MAX);
    access->flood = rb_flood_new();
    access->recorded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    access->recorded_order = g_queue_new();
    access->provider_due = g_new0(gint64, rb_providers_size(access->providers) + 1);
    return rb_access_load(access, problems, error) ? g_steal_pointer(&access) : NULL;
}

void
rb_access_free(RbAccess *access)
{
    if (access == NULL)
        return;
    rb_flood_write(access, rb_clock_now(&access->clock), TRUE);
    rb_flood_free(access->flood);
    rb_snapshot_unref(access->snapshot);
    rb_limits_free(access->limits);
    rb_limits_free(access->known);
    g_queue_free(access->recorded_order);
    g_hash_table_unref(access->recorded);
    g_free(access->provider_due);
    g_free(access->mappings_dir);
    g_free(access->public_url);
    g_mutex_clear(&access->reloading);
    g_mutex_clear(&access->lock);
    g_free(access);
}

RbProviders *
rb_access_providers(RbAccess *access)
{
    return access->providers;
}

RbIssuer *
rb_access_issuer(RbAccess *access)
{
    return access->issuer;
}

const char *
rb_access_public_url(RbAccess *access)
{
    return access->public_url;
}

RbAccessCounts
rb_access_counts(RbAccess *access)
{
    RbAccessCounts counts;

    g_mutex_lock(&access->lock);
    counts = access->counts;
    g_mutex_unlock(&access->lock);
    return counts;
}

/* ---- in the background ---- */

static gint64
tend_provider(RbProvider *provider, gint64 now)
{
    g_autoptr(GError) why = NULL;
    gint64 due = rb_provider_refresh(provider, now, &why);

    if (why != NULL)
        rb_log(RB_LOG_WARNING, "provider.refresh", "provider", rb_provider_id(provider), "reason",
               why->message, "outcome", "keeping the old keys", NULL);
    return MAX(due, now + 1);
}

/* Returns: when the signing keys are to be looked at again. */
static gint64
tend_keys(RbIssuer *issuer, gint64 now)
{
    g_autoptr(GError) why = NULL;
    gboolean changed;
    gint64 due;

    if (!rb_issuer_tend_keys(issuer, now, &due, &changed, &why))
        rb_log(RB_LOG_ERROR, "keys.refused", "reason", why->message, "outcome", "keeping the old keys", NULL);
    else if (changed)
        rb_log(RB_LOG_INFO, "keys.loaded", NULL);
    return MAX(due, now + 1);
}

/* Where every account trusts the bridge itself, it needs no credentials, and has none to warn of. */
static gint64
tend_issuer(RbAccess *access, gint64 now)
{
    g_autoptr(RbSnapshot) snapshot = rb_access_snapshot(access);
    g_autoptr(GError) why = NULL;
    gint64 due;

    if (!rb_snapshot_uses(snapshot, RB_ISSUE_ASSUME_ROLE))
        return now + TEND_MAX_S;
    due = rb_issuer_refresh(access->issuer, now, &why);
    if (why != NULL)
        rb_log(RB_LOG_WARNING, "aws.credentials", "reason", why->message, "outcome",
               "no credentials can be issued until this works", NULL);
    return MAX(due, now + 1);
}

static void
sweep(RbAccess *access, gint64 now)
{
    g_autoptr(GError) why = NULL;
    gint n = rb_store_sweep(access->store, now, SWEEP_MAX, &why);

    if (why != NULL)
        rb_log(RB_LOG_WARNING, "store.sweep", "reason", why->message, NULL);
    access->sweep_due = now + (n >= SWEEP_MAX ? 1 : SWEEP_EVERY_S);
}

gint64
rb_access_tend(RbAccess *access)
{
    gint64 now = rb_clock_now(&access->clock);
    gint64 next;

    if (g_atomic_int_compare_and_exchange(&access->hurry, 1, 0)) {
        access->issuer_due = 0;
        access->keys_due = 0;
        for (guint i = 0; i < rb_providers_size(access->providers); i++) {
            rb_provider_hurry(rb_providers_item(access->providers, i));
            access->provider_due[i] = 0;
        }
    }
    rb_flood_write(access, now, FALSE);
    if (now >= access->sweep_due)
        sweep(access, now);
    next = access->sweep_due;
    if (now >= access->issuer_due)
        access->issuer_due = tend_issuer(access, now);
    if (now >= access->keys_due)
        access->keys_due = tend_keys(access->issuer, now);
    next = MIN(next, MIN(access->issuer_due, access->keys_due));
    for (guint i = 0; i < rb_providers_size(access->providers); i++) {
        if (now >= access->provider_due[i])
            access->provider_due[i] = tend_provider(rb_providers_item(access->providers, i), now);
        next = MIN(next, access->provider_due[i]);
    }
    return CLAMP(next - rb_clock_now(&access->clock), 1, TEND_MAX_S);
}

void
rb_access_hurry(RbAccess *access)
{
    g_atomic_int_set(&access->hurry, 1);
}

/* ---- readiness ---- */

static json_t *
store_state(RbAccess *access, gboolean *ready)
{
    g_autoptr(GError) why = NULL;
    json_t *state = json_object();

    *ready = rb_store_check(access->store, &why);
    (void)json_object_set_new(state, "ready", json_boolean(*ready));
    if (why != NULL)
        rb_facts_text(state, "reason", why->message);
    return state;
}

static json_t *
mapping_state(RbAccess *access)
{
    g_autoptr(RbSnapshot) snapshot = rb_access_snapshot(access);
    RbSnapshotSize size = rb_snapshot_size(snapshot);
    json_t *state = json_object();

    rb_facts_text(state, "digest", rb_snapshot_digest(snapshot));
    rb_facts_integer(state, "accounts", size.n_accounts);
    rb_facts_integer(state, "roles", size.n_roles);
    rb_facts_integer(state, "assignments", size.n_assignments);
    return state;
}

/* One provider that signs people in is enough to serve them; which ones do not is in the details. */
static json_t *
providers_state(RbAccess *access, gint64 now, gboolean *ready)
{
    json_t *state = json_object();

    *ready = FALSE;
    for (guint i = 0; i < rb_providers_size(access->providers); i++) {
        RbProvider *provider = rb_providers_item(access->providers, i);
        json_t *status = rb_provider_status(provider, now);
        if (json_is_true(json_object_get(status, "usable")))
            *ready = TRUE;
        (void)json_object_set_new(state, rb_provider_id(provider), status);
    }
    return state;
}

gboolean
rb_access_ready(RbAccess *access, json_t **details)
{
    gint64 now = rb_clock_now(&access->clock);
    gboolean store_ready, providers_ready;
    json_t *state = json_object(), *keys;

    (void)json_object_set_new(state, "store", store_state(access, &store_ready));
    (void)json_object_set_new(state, "mapping", mapping_state(access));
    (void)json_object_set_new(state, "identity_providers", providers_state(access, now, &providers_ready));
    (void)json_object_set_new(state, "aws", rb_issuer_status(access->issuer, now));
    keys = rb_issuer_keys_status(access->issuer, now);
    if (keys != NULL)
        (void)json_object_set_new(state, "issuer", keys);
    if (details != NULL)
        *details = json_incref(state);
    json_decref(state);
    return store_ready && providers_ready;
}
