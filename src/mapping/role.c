#include "mapping/priv.h"

#include "base/encoding.h"

#include <string.h>

/* Task policies and business roles: one file each, named for what is in it. */

static GHashTable *
text_set(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

/* The name in field @key must be the file's. Returns: (in the arena) the name. */
static const char *
read_name(RbLoad *load, const RbYaml *root, const char *key, const char *what, const char *stem)
{
    const RbYaml *node = rb_yaml_get(root, key);
    const char *name = rb_yaml_string(root, key, NULL, load->problems);
    g_autofree char *quoted = rb_text_quote(name), *hint = NULL;

    if (*name != '\0' && rb_name_check(load, node, what) && !g_str_equal(name, stem)) {
        hint = g_strdup_printf("rename the file to %s.yaml, or the %s to '%s'", name, key, stem);
        rb_yaml_problem(node, load->problems, hint, "the file is called %s.yaml, but %s is named %s", stem,
                        what, quoted);
    }
    return rb_load_text(load,
                        stem); /* references are judged by file names, so that one mistake is told once */
}

static void
policy_free(gpointer data)
{
    rb_policy_unref(((RbTaskPolicy *)data)->document); /* itself in the arena */
}

static RbTaskPolicy *
add_policy(RbLoad *load, const char *file, const char *stem)
{
    RbTaskPolicy *policy = rb_arena_alloc(&load->snapshot->arena, sizeof *policy);

    policy->place = (RbPlace){ rb_load_text(load, file), 1, 1 };
    policy->name = rb_load_text(load, stem);
    policy->needs = rb_arena_alloc(&load->snapshot->arena, sizeof *policy->needs);
    g_ptr_array_set_free_func(load->snapshot->policies, policy_free);
    g_ptr_array_add(load->snapshot->policies, policy);
    g_hash_table_insert(load->snapshot->policy_named, (char *)policy->name, policy);
    return policy;
}

void
rb_task_policy_broken(RbLoad *load, const char *file, const char *stem)
{
    add_policy(load, file, stem)->broken = TRUE;
}

void
rb_task_policy_read(RbLoad *load, const RbYaml *root, const char *stem)
{
    static const char *const known[] = { "rolebridge", "policy", "task", "statements", "lint", NULL };
    g_autoptr(GHashTable) needs = text_set();
    const RbYaml *statements = rb_yaml_get(root, "statements");
    RbTaskPolicy *policy = add_policy(load, rb_yaml_file(root), stem);

    (void)rb_yaml_check_keys(root, known, load->problems);
    (void)read_name(load, root, "policy", "the policy", stem);
    policy->task = rb_text_field(load, root, "task", TRUE);
    rb_ignores_read(load, root);
    if (statements == NULL)
        rb_yaml_problem(root, load->problems, NULL, "'statements' is missing");
    else
        policy->document = rb_statements_read(load, RB_POLICY_IDENTITY, statements, needs);
    policy->needs = rb_load_strings(load, needs);
}

static void
read_policies(RbLoad *load, RbRole *role, const RbYaml *root)
{
    const RbYaml *list = rb_yaml_get(root, "policies");
    gboolean single = list != NULL && rb_yaml_kind(list) == RB_YAML_SCALAR;
    guint n = list == NULL ? 0 : single ? 1 : rb_yaml_size(list);

    if (list != NULL && !single && !rb_yaml_expect(list, RB_YAML_LIST, load->problems))
        return;
    for (guint i = 0; i < n; i++) {
        const RbYaml *item = single ? list : rb_yaml_item(list, i);
        RbTaskPolicy *policy;
        if (!rb_yaml_expect(item, RB_YAML_SCALAR, load->problems))
            continue;
        policy = g_hash_table_lookup(load->snapshot->policy_named, rb_yaml_text(item));
        if (policy == NULL)
            rb_unknown(load, item, "task policy", rb_yaml_text(item), load->snapshot->policy_named);
        else if (g_ptr_array_find(role->policies, policy, NULL))
            rb_yaml_problem(item, load->problems, "keep one of them", "'%s' appears twice", policy->name);
        else
            g_ptr_array_add(role->policies, policy);
        if (policy != NULL)
            policy->used = TRUE;
    }
}

/* "ReadOnlyAccess", "job-function/Billing" or an ARN. */
static gboolean
is_managed_policy(const char *text)
{
    if (g_str_has_prefix(text, "arn:") &&
        (strstr(text, ":policy/") == NULL || strstr(text, ":iam::") == NULL))
        return FALSE;
    for (const char *p = text; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr("_+=,.@-/", *p) == NULL &&
            !(*p == ':' && g_str_has_prefix(text, "arn:")))
            return FALSE;
    return *text != '\0' && strlen(text) <= 512;
}

static void
read_managed(RbLoad *load, RbRole *role, const RbYaml *root)
{
    const RbYaml *list = rb_yaml_get(root, "managed_policies");
    g_auto(GStrv) names = rb_yaml_strings(root, "managed_policies", load->problems);
    guint n = 0;

    role->managed =
        rb_arena_alloc(&load->snapshot->arena, (g_strv_length(names) + 1) * sizeof *role->managed);
    for (; names[n] != NULL; n++) {
        role->managed[n] = rb_load_text(load, names[n]);
        if (!is_managed_policy(names[n])) {
            g_autofree char *quoted = rb_text_quote(names[n]);
            rb_yaml_problem(list, load->problems, "write a name like ReadOnlyAccess, or an ARN",
                            "%s is not a managed policy", quoted);
        }
    }
}

static void
read_session(RbLoad *load, RbRole *role, const RbYaml *root)
{
    static const char *const known[] = { "default", "max", NULL };
    const RbYaml *node = rb_yaml_get(root, "session");

    role->default_s = role->max_s = 3600;
    if (node == NULL || !rb_yaml_check_keys(node, known, load->problems))
        return;
    role->default_s =
        rb_yaml_duration_s(node, "default", RB_SESSION_MIN_S, RB_SESSION_MAX_S, -1, load->problems);
    role->max_s = rb_yaml_duration_s(node, "max", RB_SESSION_MIN_S, RB_SESSION_MAX_S, -1, load->problems);
    if (role->max_s < 0)
        role->max_s = MAX(role->default_s, 3600);
    if (role->default_s < 0)
        role->default_s = MIN(role->max_s, 3600);
    if (role->default_s > role->max_s)
        rb_yaml_problem(rb_yaml_get(node, "default"), load->problems, NULL,
                        "the default session is longer than the longest");
}

static void
read_networks(RbLoad *load, RbRole *role, const RbYaml *conditions)
{
    const RbYaml *list = rb_yaml_get(conditions, "source_ip");
    g_auto(GStrv) texts = rb_yaml_strings(conditions, "source_ip", load->problems);
    g_autofree char *joined = g_strjoinv(", ", texts);
    guint n = g_strv_length(texts);
    RbNetwork *networks = rb_arena_alloc(&load->snapshot->arena, MAX(n, 1) * sizeof *networks);

    if (list == NULL)
        return;
    if (n == 0)
        rb_yaml_problem(list, load->problems, "name a network, or leave source_ip out",
                        "an empty list of networks would let nobody in");
    for (guint i = 0; i < n; i++) {
        const char *wrong = rb_network_parse(texts[i], &networks[i]);
        g_autofree char *quoted = rb_text_quote(texts[i]);
        const RbYaml *at =
            rb_yaml_kind(list) == RB_YAML_LIST && rb_yaml_size(list) == n ? rb_yaml_item(list, i) : list;
        if (wrong != NULL)
            rb_yaml_problem(at, load->problems, "write 203.0.113.0/24 or 2001:db8::/32", "%s %s", quoted,
                            wrong);
    }
    role->networks = networks;
    role->n_networks = n;
    role->networks_text = rb_load_text(load, joined);
}

static void
read_conditions(RbLoad *load, RbRole *role, const RbYaml *root)
{
    static const char *const known[] = { "source_ip", "hours", NULL };
    const RbYaml *node = rb_yaml_get(root, "conditions");
    g_autofree char *words = NULL;
    const RbYaml *hours;

    if (node == NULL ||
        (!rb_yaml_check_keys(node, known, load->problems) && rb_yaml_kind(node) != RB_YAML_MAP))
        return;
    read_networks(load, role, node);
    hours = rb_yaml_get(node, "hours");
    if (hours == NULL)
        return;
    role->hours = rb_arena_alloc(&load->snapshot->arena, sizeof *role->hours);
    if (rb_hours_read(hours, role->hours, &words, load->problems))
        role->hours_text = role->hours->text = rb_load_text(load, words);
}

static void
read_session_policy(RbLoad *load, RbRole *role, const RbYaml *root)
{
    static const char *const known[] = { "statements", NULL };
    const RbYaml *node = rb_yaml_get(root, "session_policy"), *statements;
    g_autoptr(GHashTable) needs = text_set();

    if (node != NULL && rb_yaml_check_keys(node, known, load->problems)) {
        statements = rb_yaml_get(node, "statements");
        if (statements == NULL)
            rb_yaml_problem(node, load->problems, NULL, "'statements' is missing");
        else
            role->session_policy = rb_statements_read(load, RB_POLICY_SESSION, statements, needs);
    }
    role->policy_needs = rb_load_strings(load, needs);
}

/* The role's conditions in words, for reasons. */
static void
make_words(RbLoad *load, RbRole *role)
{
    guint n = 0;

    role->words = rb_arena_alloc(&load->snapshot->arena, 4 * sizeof *role->words);
    if (role->n_networks > 0) {
        const char *parts[] = { "from ", role->networks_text, NULL };
        role->words[n++] = rb_arena_join(&load->snapshot->arena, parts);
    }
    if (role->hours_text != NULL)
        role->words[n++] = role->hours_text;
    if (role->privileged)
        role->words[n++] = "second factor";
}

static void
role_free(gpointer data)
{
    RbRole *role = data; /* itself in the arena */

    g_ptr_array_unref(role->policies);
    rb_policy_unref(role->session_policy);
    if (role->hours != NULL)
        g_clear_pointer(&role->hours->zone, g_time_zone_unref);
}

static RbRole *
add_role(RbLoad *load, const char *file, const char *stem)
{
    RbRole *role = rb_arena_alloc(&load->snapshot->arena, sizeof *role);

    role->place = (RbPlace){ rb_load_text(load, file), 1, 1 };
    role->name = rb_load_text(load, stem);
    role->policies = g_ptr_array_new();
    role->managed = rb_arena_alloc(&load->snapshot->arena, sizeof *role->managed);
    g_ptr_array_set_free_func(load->snapshot->roles, role_free);
    g_ptr_array_add(load->snapshot->roles, role);
    g_hash_table_insert(load->snapshot->role_named, (char *)role->name, role);
    return role;
}

void
rb_role_broken(RbLoad *load, const char *file, const char *stem)
{
    add_role(load, file, stem)->broken = TRUE;
}

void
rb_role_read(RbLoad *load, const RbYaml *root, const char *stem)
{
    static const char *const known[] = {
        "rolebridge", "role",       "title",      "owner", "purpose",        "policies", "managed_policies",
        "session",    "privileged", "conditions", "tags",  "session_policy", "lint",     NULL
    };
    RbRole *role = add_role(load, rb_yaml_file(root), stem);

    (void)rb_yaml_check_keys(root, known, load->problems);
    (void)read_name(load, root, "role", "the role", stem);
    role->title = rb_text_field(load, root, "title", TRUE);
    role->owner = rb_text_field(load, root, "owner", TRUE);
    role->purpose = rb_text_field(load, root, "purpose", FALSE);
    read_policies(load, role, root);
    read_managed(load, role, root);
    read_session(load, role, root);
    role->privileged = rb_yaml_bool(root, "privileged", FALSE, load->problems);
    read_conditions(load, role, root);
    read_session_policy(load, role, root);
    if (rb_yaml_get(root, "tags") != NULL)
        rb_tags_read(load, role, rb_yaml_get(root, "tags"));
    make_words(load, role);
    rb_ignores_read(load, root);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const RbRole *const *)a)->name, (*(const RbRole *const *)b)->name);
}

void
rb_roles_sort(RbLoad *load)
{
    GPtrArray *roles = load->snapshot->roles;

    g_ptr_array_sort(roles, by_name);
    for (guint i = 0; i < roles->len; i++)
        ((RbRole *)g_ptr_array_index(roles, i))->index = i;
}
