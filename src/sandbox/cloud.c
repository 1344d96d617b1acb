#include "sandbox/cloud.h"

#include "base/encoding.h"

#include <openssl/rand.h>
#include <string.h>

enum { TOKEN_BYTES = 384, REMEMBER_S = 3600 };

struct RbBoxCloud {
    GMutex mutex;           /* guards what follows */
    GHashTable *roles;      /* ARN → RbBoxRole */
    GHashTable *providers;  /* ARN → RbBoxProvider */
    GHashTable *principals; /* access key id → RbBoxPrincipal */
    /* What was replaced or removed: sessions, and calls under way, still point at it. */
    GPtrArray *past_roles, *past_providers;
};

static void
role_free(gpointer data)
{
    RbBoxRole *role = data;

    g_free(role->account);
    g_free(role->partition);
    g_free(role->path);
    g_free(role->name);
    g_free(role->arn);
    g_free(role->id);
    g_free(role->trust_document);
    g_free(role->identity_document);
    rb_box_policy_free(role->trust);
    rb_box_policy_free(role->identity);
    rb_box_policy_free(role->boundary);
    g_free(role);
}

RbBoxPrincipal *
rb_box_principal_ref(RbBoxPrincipal *principal)
{
    g_atomic_ref_count_inc(&principal->refs);
    return principal;
}

void
rb_box_principal_unref(RbBoxPrincipal *principal)
{
    if (principal == NULL || !g_atomic_ref_count_dec(&principal->refs))
        return;
    g_free(principal->access_key_id);
    rb_secret_unref(principal->secret);
    rb_secret_unref(principal->token);
    g_free(principal->account);
    g_free(principal->partition);
    g_free(principal->arn);
    g_free(principal->user_id);
    g_free(principal->session_name);
    g_free(principal->source_identity);
    g_clear_pointer(&principal->tags, g_hash_table_unref);
    g_clear_pointer(&principal->transitive, g_hash_table_unref);
    rb_box_policy_free(principal->session_policy);
    rb_box_policy_free(principal->identity);
    g_free(principal);
}

RbBoxCloud *
rb_box_cloud_new(void)
{
    RbBoxCloud *cloud = g_new0(RbBoxCloud, 1);

    g_mutex_init(&cloud->mutex);
    cloud->roles = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, role_free);
    cloud->providers =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)rb_box_provider_free);
    cloud->past_roles = g_ptr_array_new_with_free_func(role_free);
    cloud->past_providers = g_ptr_array_new_with_free_func((GDestroyNotify)rb_box_provider_free);
    cloud->principals =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)rb_box_principal_unref);
    return cloud;
}

void
rb_box_cloud_free(RbBoxCloud *cloud)
{
    if (cloud == NULL)
        return;
    g_hash_table_unref(cloud->principals);
    g_hash_table_unref(cloud->roles);
    g_hash_table_unref(cloud->providers);
    g_ptr_array_unref(cloud->past_roles);
    g_ptr_array_unref(cloud->past_providers);
    g_mutex_clear(&cloud->mutex);
    g_free(cloud);
}

/* @thing (NULL: nothing) in place of what @table has under @arn. */
static void
replace(RbBoxCloud *cloud, GHashTable *table, GPtrArray *past, const char *arn, gpointer thing)
{
    gpointer old = NULL;

    g_mutex_lock(&cloud->mutex);
    if (g_hash_table_steal_extended(table, arn, NULL, &old))
        g_ptr_array_add(past, old);
    if (thing != NULL)
        g_hash_table_insert(table, (char *)arn, thing);
    g_mutex_unlock(&cloud->mutex);
}

static gpointer
find(RbBoxCloud *cloud, GHashTable *table, const char *arn)
{
    gpointer thing;

    g_mutex_lock(&cloud->mutex);
    thing = g_hash_table_lookup(table, arn);
    g_mutex_unlock(&cloud->mutex);
    return thing;
}

static gboolean
parse_optional(const char *json, RbBoxPolicy **into, char **problem)
{
    *into = json == NULL ? NULL : rb_box_policy_parse(json, RB_BOX_IDENTITY, problem);
    return json == NULL || *into != NULL;
}

gboolean
rb_box_cloud_add_role(RbBoxCloud *cloud, const RbBoxRoleSpec *spec, char **problem)
{
    RbBoxRole *role = g_new0(RbBoxRole, 1);

    role->account = g_strdup(spec->account);
    role->partition = g_strdup(spec->partition);
    role->path = g_strdup(spec->path);
    role->name = g_strdup(spec->name);
    role->arn =
        g_strdup_printf("arn:%s:iam::%s:role%s%s", spec->partition, spec->account, spec->path, spec->name);
    role->id = spec->id == NULL ? rb_box_unique_id("AROA", role->arn) : g_strdup(spec->id);
    role->max_session_s = spec->max_session_s;
    role->trust_document = g_strdup(spec->trust);
    role->identity_document = g_strdup(spec->identity);
    role->trust = rb_box_policy_parse(spec->trust, RB_BOX_TRUST, problem);
    if (role->trust == NULL || !parse_optional(spec->identity, &role->identity, problem) ||
        !parse_optional(spec->boundary, &role->boundary, problem)) {
        role_free(role);
        return FALSE;
    }
    replace(cloud, cloud->roles, cloud->past_roles, role->arn, role);
    return TRUE;
}

void
rb_box_cloud_remove_role(RbBoxCloud *cloud, const char *arn)
{
    replace(cloud, cloud->roles, cloud->past_roles, arn, NULL);
}

const RbBoxRole *
rb_box_cloud_role(RbBoxCloud *cloud, const char *arn)
{
    return find(cloud, cloud->roles, arn);
}

GPtrArray *
rb_box_cloud_roles(RbBoxCloud *cloud)
{
    GPtrArray *all = g_ptr_array_new();
    GHashTableIter iter;
    gpointer role;

    g_mutex_lock(&cloud->mutex);
    g_hash_table_iter_init(&iter, cloud->roles);
    while (g_hash_table_iter_next(&iter, NULL, &role))
        g_ptr_array_add(all, role);
    g_mutex_unlock(&cloud->mutex);
    return all;
}

guint
rb_box_cloud_n_roles(RbBoxCloud *cloud)
{
    guint n;

    g_mutex_lock(&cloud->mutex);
    n = g_hash_table_size(cloud->roles);
    g_mutex_unlock(&cloud->mutex);
    return n;
}

void
rb_box_cloud_add_provider(RbBoxCloud *cloud, RbBoxProvider *provider)
{
    replace(cloud, cloud->providers, cloud->past_providers, rb_box_provider_arn(provider), provider);
}

void
rb_box_cloud_remove_provider(RbBoxCloud *cloud, const char *arn)
{
    replace(cloud, cloud->providers, cloud->past_providers, arn, NULL);
}

RbBoxProvider *
rb_box_cloud_provider(RbBoxCloud *cloud, const char *arn)
{
    return find(cloud, cloud->providers, arn);
}

static void
remember(RbBoxCloud *cloud, RbBoxPrincipal *principal)
{
    g_mutex_lock(&cloud->mutex);
    g_hash_table_replace(cloud->principals, principal->access_key_id, rb_box_principal_ref(principal));
    g_mutex_unlock(&cloud->mutex);
}

gboolean
rb_box_cloud_add_user(RbBoxCloud *cloud, const char *account, const char *name, const char *access_key_id,
                      RbSecret *secret, const char *identity, char **problem)
{
    g_autoptr(RbBoxPrincipal) user = g_new0(RbBoxPrincipal, 1);

    g_atomic_ref_count_init(&user->refs);
    user->root = strcmp(name, "root") == 0;
    user->access_key_id = g_strdup(access_key_id);
    user->secret = rb_secret_ref(secret);
    user->account = g_strdup(account);
    user->partition = g_strdup("aws");
    user->session_name = g_strdup(name);
    user->arn = user->root ? g_strdup_printf("arn:aws:iam::%s:root", account)
                           : g_strdup_printf("arn:aws:iam::%s:user/%s", account, name);
    user->user_id = user->root ? g_strdup(account) : rb_box_unique_id("AIDA", user->arn);
    if (identity != NULL) {
        user->identity = rb_box_policy_parse(identity, RB_BOX_IDENTITY, problem);
        if (user->identity == NULL)
            return FALSE;
    }
    remember(cloud, user);
    return TRUE;
}

static gboolean
stands_against(const char *what, const char *action, char **why)
{
    g_free(*why);
    *why = g_strdup_printf("the caller's %s does not allow %s", what, action);
    return FALSE;
}

gboolean
rb_box_cloud_may(RbBoxCloud *cloud, const RbBoxPrincipal *caller, const char *action, const char *resource,
                 const RbBoxContext *context, gboolean named, char **why)
{
    const RbBoxRole *role = caller->role == NULL ? NULL : rb_box_cloud_role(cloud, caller->role->arn);
    const RbBoxPolicy *identity = caller->role == NULL ? caller->identity
                                  : role == NULL       ? NULL
                                                       : role->identity;
    RbBoxVerdict verdict = RB_BOX_SILENT;

    if (caller->root)
        return TRUE;
    if (caller->role != NULL && (role == NULL || strcmp(role->id, caller->role->id) != 0))
        return stands_against("role, which is no more,", action, why);
    if (identity != NULL)
        verdict = rb_box_policy_judge(identity, NULL, action, resource, context, why);
    if (verdict == RB_BOX_DENIED || (verdict == RB_BOX_SILENT && !named))
        return stands_against("own policy", action, why);
    if (role != NULL && role->boundary != NULL &&
        rb_box_policy_judge(role->boundary, NULL, action, resource, context, why) < RB_BOX_ALLOWED)
        return stands_against("permissions boundary", action, why);
    if (caller->session_policy != NULL &&
        rb_box_policy_judge(caller->session_policy, NULL, action, resource, context, why) < RB_BOX_ALLOWED)
        return stands_against("session policy", action, why);
    return TRUE;
}

static GHashTable *
copy_texts(GHashTable *from)
{
    GHashTable *copy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    gpointer key, value;

    if (from == NULL)
        return copy;
    g_hash_table_iter_init(&iter, from);
    while (g_hash_table_iter_next(&iter, &key, &value))
        g_hash_table_insert(copy, g_strdup(key), g_strdup(value));
    return copy;
}

static RbSecret *
random_base64(const char *prefix, gsize n_bytes)
{
    guint8 bytes[TOKEN_BYTES];
    g_autofree char *encoded = NULL;
    RbSecret *secret;

    g_assert(n_bytes <= sizeof bytes);
    if (RAND_bytes(bytes, (int)n_bytes) != 1)
        g_error("the system's random generator does not answer");
    encoded = g_base64_encode(bytes, n_bytes);
    secret = rb_secret_take_text(g_strconcat(prefix, encoded, NULL));
    rb_wipe(encoded, strlen(encoded));
    return secret;
}

RbBoxPrincipal *
rb_box_cloud_start_session(RbBoxCloud *cloud, const RbBoxSessionSpec *spec)
{
    RbBoxPrincipal *session = g_new0(RbBoxPrincipal, 1);
    const RbBoxRole *role = spec->role;

    g_atomic_ref_count_init(&session->refs);
    session->access_key_id = rb_box_access_key_new(role->account);
    session->secret = random_base64("", 30); /* 40 characters */
    session->token = random_base64("IQoJb3JpZ2luX2Vj", TOKEN_BYTES);
    session->issued_at = spec->issued_at;
    session->expires_at = spec->expires_at;
    session->account = g_strdup(role->account);
    session->partition = g_strdup(role->partition);
    session->arn = g_strdup_printf("arn:%s:sts::%s:assumed-role/%s/%s", role->partition, role->account,
                                   role->name, spec->session_name);
    session->user_id = g_strdup_printf("%s:%s", role->id, spec->session_name);
    session->role = role;
    session->session_name = g_strdup(spec->session_name);
    session->source_identity = g_strdup(spec->source_identity);
    session->tags = copy_texts(spec->tags);
    session->transitive = copy_texts(spec->transitive);
    session->session_policy = spec->session_policy;
    session->chained = spec->chained;
    rb_box_cloud_sweep(cloud, spec->issued_at);
    remember(cloud, session);
    return session;
}

RbBoxPrincipal *
rb_box_cloud_principal(RbBoxCloud *cloud, const char *access_key_id)
{
    RbBoxPrincipal *principal;

    g_mutex_lock(&cloud->mutex);
    principal = g_hash_table_lookup(cloud->principals, access_key_id);
    if (principal != NULL)
        (void)rb_box_principal_ref(principal);
    g_mutex_unlock(&cloud->mutex);
    return principal;
}

static gboolean
is_forgotten(gpointer key, gpointer value, gpointer data)
{
    const RbBoxPrincipal *principal = value;

    (void)key;
    return principal->expires_at != 0 && principal->expires_at + REMEMBER_S < *(const gint64 *)data;
}

void
rb_box_cloud_sweep(RbBoxCloud *cloud, gint64 now)
{
    static const guint many = 512; /* below it a walk through all is not worth its while */

    g_mutex_lock(&cloud->mutex);
    if (g_hash_table_size(cloud->principals) > many && g_hash_table_size(cloud->principals) % many == 0)
        (void)g_hash_table_foreach_remove(cloud->principals, is_forgotten, &now);
    g_mutex_unlock(&cloud->mutex);
}
