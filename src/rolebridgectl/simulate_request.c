#include "base/encoding.h"
#include "base/file.h"
#include "rolebridgectl/command.h"
#include "rolebridgectl/simulate.h"

#include <string.h>

#define NOBODY_S_ACCOUNT "111122223333" /* of --file, where the resource has none */
#define DEFAULT_NAME "somebody"

static const char full_access[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Sid\":\"FullAWSAccess\",\"Effect\":"
    "\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}";

void
rb_simulation_end(RbSimulation *s)
{
    g_clear_pointer(&s->identity, g_ptr_array_unref);
    g_clear_pointer(&s->sessions, g_ptr_array_unref);
    g_clear_pointer(&s->boundaries, g_ptr_array_unref);
    g_clear_pointer(&s->rcps, g_ptr_array_unref);
    g_clear_pointer(&s->levels, g_ptr_array_unref);
    g_clear_pointer(&s->service_control, g_array_unref);
    g_clear_pointer(&s->unknown, g_ptr_array_unref);
    g_clear_pointer(&s->missing_tags, g_ptr_array_unref);
    g_clear_pointer(&s->owned, g_ptr_array_unref);
    g_clear_pointer(&s->context, rb_request_context_free);
    g_free(s->principal);
    g_free(s->session);
    g_free(s->owner);
    rb_compiled_free(s->compiled);
    rb_snapshot_unref(s->snapshot);
}

/* A document of the command line; its mistakes are told. Returns: (transfer none): it belongs to @s */
static const RbPolicy *
read_policy(RbSimulation *s, RbPolicyKind kind, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = rb_file_read(path, RB_POLICY_MAX_SIZE, &error);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbPolicy *policy;

    if (!bytes) {
        g_printerr("rolebridgectl simulate: %s\n", error->message);
        return NULL;
    }
    policy = rb_policy_parse(kind, path, bytes, problems);
    rb_command_tell(problems);
    if (policy)
        g_ptr_array_add(s->owned, policy);
    return policy;
}

static gboolean
read_policies(RbSimulation *s, RbPolicyKind kind, char **paths, GPtrArray *into)
{
    for (char **path = paths; path && *path; path++) {
        const RbPolicy *policy = read_policy(s, kind, *path);

        if (!policy)
            return FALSE;
        g_ptr_array_add(into, (gpointer)policy);
    }
    return TRUE;
}

static gboolean
allows_something(const RbPolicy *policy)
{
    for (guint i = 0; i < policy->n_statements; i++) {
        if (policy->statements[i].allow)
            return TRUE;
    }
    return FALSE;
}

/* AWS attaches FullAWSAccess itself, and who writes Denies alone counts on it. */
static gboolean
read_service_control(RbSimulation *s, char **paths)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(full_access, strlen(full_access));
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbPolicy *all = rb_policy_parse(RB_POLICY_SERVICE_CONTROL, "FullAWSAccess", bytes, problems);

    g_ptr_array_add(s->owned, all);
    for (char **path = paths; path && *path; path++) {
        GPtrArray *level = g_ptr_array_new();
        const RbPolicy *policy = read_policy(s, RB_POLICY_SERVICE_CONTROL, *path);
        RbPolicies policies;

        g_ptr_array_add(s->levels, level);
        if (!policy)
            return FALSE;
        g_ptr_array_add(level, (gpointer)policy);
        if (!allows_something(policy))
            g_ptr_array_add(level, all);
        policies = (RbPolicies){ (const RbPolicy *const *)level->pdata, level->len };
        g_array_append_val(s->service_control, policies);
    }
    return TRUE;
}

static gboolean
read_documents(RbSimulation *s)
{
    const RbSimulateAsked *a = s->asked;
    char *session[] = { a->session_policy, NULL }, *boundary[] = { a->boundary, NULL };

    if (!read_policies(s, RB_POLICY_IDENTITY, a->files, s->identity) ||
        !read_policies(s, RB_POLICY_SESSION, session, s->sessions) ||
        !read_policies(s, RB_POLICY_BOUNDARY, boundary, s->boundaries) ||
        !read_policies(s, RB_POLICY_RESOURCE_CONTROL, a->rcps, s->rcps) || !read_service_control(s, a->scps))
        return FALSE;
    if (a->resource_policy)
        s->resource = read_policy(s, RB_POLICY_RESOURCE, a->resource_policy);
    return !a->resource_policy || s->resource;
}

static char *
resolve(const char *text, gpointer data)
{
    const RbSimulation *s = data;

    return rb_library_resolve(s->role->role, s->account->account, text);
}

static void
add_role_policies(RbSimulation *s)
{
    const RbRole *role = s->role->role;

    for (const RbCompiledPolicy *const *policy = s->role->policies; *policy; policy++)
        g_ptr_array_add(s->identity, (gpointer)(*policy)->document);
    for (const char **name = role->managed; *name; name++) {
        const RbPolicy *document = rb_snapshot_managed(s->snapshot, *name);

        if (document)
            g_ptr_array_add(s->identity, (gpointer)document);
        else
            g_ptr_array_add(s->unknown, (gpointer)*name);
    }
    if (role->session_policy && !s->asked->session_policy) {
        RbPolicy *document = rb_policy_map(role->session_policy, resolve, s);

        g_ptr_array_add(s->owned, document);
        g_ptr_array_add(s->sessions, document);
    }
}

static int
no_such(const char *what, const char *name, const GPtrArray *all, gsize name_at)
{
    g_autofree const char **names = g_new0(const char *, all->len + 1);
    g_autofree char *quoted = rb_text_quote(name);
    const char *near;

    for (guint i = 0; i < all->len; i++)
        names[i] = G_STRUCT_MEMBER(const char *, all->pdata[i], name_at);
    near = rb_text_nearest(name, names);
    g_printerr("rolebridgectl simulate: the mapping has no %s %s%s%s%s\n", what, quoted,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return RB_EXIT_USAGE;
}

static int
find_role(RbSimulation *s)
{
    const RbSimulateAsked *a = s->asked;
    const char *only[] = { a->account, NULL };
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();

    s->snapshot = rb_command_load("simulate", a->mappings, "nothing can be said of it");
    if (!s->snapshot)
        return RB_EXIT_FAULT;
    if (!rb_snapshot_account(s->snapshot, a->account))
        return no_such("account", a->account, rb_snapshot_accounts(s->snapshot),
                       G_STRUCT_OFFSET(RbAccount, name));
    if (!rb_snapshot_role(s->snapshot, a->role))
        return no_such("role", a->role, rb_snapshot_roles(s->snapshot), G_STRUCT_OFFSET(RbRole, name));
    s->compiled = rb_compile(s->snapshot, only, problems);
    if (!s->compiled) {
        rb_command_tell(problems);
        return RB_EXIT_FAULT;
    }
    s->account = rb_compiled_account(s->compiled, a->account);
    s->role = rb_compiled_role(s->account, a->role);
    if (s->role)
        return RB_EXIT_OK;
    g_printerr(
        "rolebridgectl simulate: no assignment brings '%s' to anybody in '%s', so the role does not stand "
        "there\n",
        a->role, s->account->account->name);
    return RB_EXIT_NO;
}

static char *
account_of_resource(const char *resource)
{
    g_auto(GStrv) fields = g_strsplit(resource, ":", 6);

    return g_strv_length(fields) == 6 && strlen(fields[4]) == 12 ? g_strdup(fields[4])
                                                                 : g_strdup(NOBODY_S_ACCOUNT);
}

static void
name_principal(RbSimulation *s)
{
    const RbSimulateAsked *a = s->asked;
    const char *resource = a->resource ? a->resource : "*", *name = a->name ? a->name : DEFAULT_NAME;

    if (s->role) {
        s->principal = g_strdup(s->role->arn);
        s->session = g_strdup_printf("arn:%s:sts::%s:assumed-role/%s/%s", s->account->account->partition,
                                     s->account->account->id, s->role->name, name);
    } else {
        g_autofree char *account = account_of_resource(resource);

        s->principal = g_strdup_printf("arn:aws:iam::%s:role/simulated", account);
        s->session = g_strdup_printf("arn:aws:sts::%s:assumed-role/simulated/%s", account, name);
    }
    s->request = (RbRequest){ .principal = s->principal,
                              .session = s->session,
                              .action = a->action,
                              .resource = resource,
                              .resource_account = a->owner };
}

int
rb_simulation_begin(RbSimulation *s, const RbSimulateAsked *asked)
{
    int code;

    s->asked = asked;
    s->owned = g_ptr_array_new_with_free_func((GDestroyNotify)rb_policy_unref);
    s->identity = g_ptr_array_new();
    s->sessions = g_ptr_array_new();
    s->boundaries = g_ptr_array_new();
    s->rcps = g_ptr_array_new();
    s->levels = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    s->service_control = g_array_new(FALSE, FALSE, sizeof(RbPolicies));
    s->unknown = g_ptr_array_new();
    s->missing_tags = g_ptr_array_new();
    code = asked->files ? RB_EXIT_OK : find_role(s);
    if (code != RB_EXIT_OK)
        return code;
    if (!read_documents(s))
        return RB_EXIT_FAULT;
    if (s->role)
        add_role_policies(s);
    name_principal(s);
    rb_simulation_context(s);
    return RB_EXIT_OK;
}
