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

static json_t *
resolve(const RbRole *role, const RbAccount *account, const json_t *in)
{
    json_t *out;
    const char *key;
    json_t *child;
    size_t i;

    if (json_is_string(in)) {
        g_autofree char *text = rb_library_resolve(role, account, json_string_value(in));
        return json_string(text);
    }
    if (json_is_array(in)) {
        out = json_array();
        for (i = 0; i < json_array_size(in); i++)
            (void)json_array_append_new(out, resolve(role, account, json_array_get(in, i)));
        return out;
    }
    out = json_object();
    json_object_foreach((json_t *)in, key, child)(void)
        json_object_set_new(out, key, resolve(role, account, child));
    return out;
}

char *
rb_session_policy_for(const RbRole *role, const RbAccount *account, const char **problem)
{
    json_t *policy;
    char *text, *out;

    *problem = NULL;
    if (role->session_policy == NULL)
        return NULL;
    policy = resolve(role, account, role->session_policy);
    text = json_dumps(policy, JSON_COMPACT);
    out = g_strdup(text);
    free(text);
    json_decref(policy);
    if (strlen(out) <= RB_SESSION_POLICY_MAX)
        return out;
    *problem = "its session policy is longer than the 2048 characters that AWS takes";
    g_free(out);
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
