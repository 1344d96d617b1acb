#include "mapping/priv.h"

#include <string.h>

/* The value of one of the mapping's variables, or NULL: one of AWS's, which passes through. */
static const char *
variable(const RbRole *role, const RbAccount *account, const char *name)
{
    if (g_str_equal(name, "partition"))
        return account->partition;
    if (g_str_equal(name, "role"))
        return role == NULL ? NULL : role->name;
    if (g_str_equal(name, "account.id"))
        return account->id;
    return g_str_has_prefix(name, "account.") ? g_hash_table_lookup(account->parameters, name + 8) : NULL;
}

char *
rb_library_resolve(const RbRole *role, const RbAccount *account, const char *text)
{
    GString *out = g_string_new(NULL);
    const char *open;

    while ((open = strstr(text, "${")) != NULL) {
        const char *close = strchr(open, '}'); /* checked when it was read */
        g_autofree char *name = g_strndup(open + 2, (gsize)(close - open - 2));
        const char *value = variable(role, account, name);
        g_string_append_len(out, text, open - text);
        if (value != NULL)
            g_string_append(out, value);
        else
            g_string_append_len(out, open, close + 1 - open);
        text = close + 1;
    }
    g_string_append(out, text);
    return g_string_free(out, FALSE);
}

/* Whom texts are resolved for. */
typedef struct {
    const RbRole *role;
    const RbAccount *account;
} Target;

static char *
resolve(const char *text, gpointer data)
{
    const Target *target = data;

    return rb_library_resolve(target->role, target->account, text);
}

RbPolicy *
rb_library_policy(const RbRole *role, const RbAccount *account, const RbPolicy *policy)
{
    Target target = { role, account };

    return rb_policy_map(policy, resolve, &target);
}

char *
rb_session_policy_for(const RbRole *role, const RbAccount *account, const char **problem)
{
    g_autoptr(RbPolicy) policy = NULL;
    g_autofree char *out = NULL;

    *problem = NULL;
    if (role->session_policy == NULL)
        return NULL;
    policy = rb_library_policy(role, account, role->session_policy);
    out = rb_policy_print(policy);
    if (strlen(out) <= RB_POLICY_SESSION_MAX)
        return g_steal_pointer(&out);
    *problem = "its session policy is longer than the 2048 characters that AWS takes";
    return NULL;
}

static const char *
lacks(const char *const *needs, const RbAccount *account)
{
    for (guint i = 0; needs[i] != NULL; i++)
        if (!g_hash_table_contains(account->parameters, needs[i]))
            return needs[i];
    return NULL;
}

const char *
rb_role_lacks(const RbRole *role, const RbAccount *account, const RbTaskPolicy **policy)
{
    *policy = NULL;
    for (guint i = 0; i < role->policies->len; i++) {
        const RbTaskPolicy *p = g_ptr_array_index(role->policies, i);
        const char *missing = lacks((const char *const *)p->needs, account);
        *policy = p;
        if (missing != NULL)
            return missing;
    }
    *policy = NULL;
    return lacks((const char *const *)role->policy_needs, account);
}
