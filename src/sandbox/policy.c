#include "sandbox/policy.h"

#include <string.h>

enum { MAX_STATEMENTS = 4096 }; /* of all policies of a role as one */

typedef struct {
    gboolean deny;
    gboolean not_actions, not_resources;
    GPtrArray *actions, *resources;
    GPtrArray *principals; /* AWS principals: ARNs, account ids, "*" */
    GPtrArray *federated;  /* ARNs of identity providers */
    GPtrArray *conditions; /* RbBoxCondition */
} Statement;

struct RbBoxPolicy {
    RbBoxPolicyKind kind;
    GPtrArray *statements;
};

static void
statement_free(gpointer data)
{
    Statement *statement = data;

    g_ptr_array_unref(statement->actions);
    g_ptr_array_unref(statement->resources);
    g_ptr_array_unref(statement->principals);
    g_ptr_array_unref(statement->federated);
    g_ptr_array_unref(statement->conditions);
    g_free(statement);
}

static Statement *
statement_new(void)
{
    Statement *statement = g_new0(Statement, 1);

    statement->actions = g_ptr_array_new_with_free_func(g_free);
    statement->resources = g_ptr_array_new_with_free_func(g_free);
    statement->principals = g_ptr_array_new_with_free_func(g_free);
    statement->federated = g_ptr_array_new_with_free_func(g_free);
    statement->conditions = g_ptr_array_new_with_free_func((GDestroyNotify)rb_box_condition_free);
    return statement;
}

/* A string or a list of strings, none with a NUL inside. */
static gboolean
read_texts(GPtrArray *into, const json_t *value)
{
    json_t *item;
    gsize i;

    if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value)) {
        g_ptr_array_add(into, g_strdup(json_string_value(value)));
        return TRUE;
    }
    if (!json_is_array(value) || json_array_size(value) == 0)
        return FALSE;
    json_array_foreach((json_t *)value, i, item)
    {
        if (!json_is_string(item) || !read_texts(into, item))
            return FALSE;
    }
    return TRUE;
}

static const char *
read_principals(Statement *statement, const json_t *value)
{
    static const char *const types[] = { "AWS", "Federated", "Service", "CanonicalUser", NULL };
    const char *type;
    json_t *who;

    if (json_is_string(value) && strcmp(json_string_value(value), "*") == 0) {
        g_ptr_array_add(statement->principals, g_strdup("*"));
        return NULL;
    }
    if (!json_is_object(value) || json_object_size(value) == 0)
        return "Invalid principal";
    json_object_foreach((json_t *)value, type, who)
    {
        g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func(g_free);

        if (!g_strv_contains(types, type) ||
            !read_texts(strcmp(type, "AWS") == 0         ? statement->principals
                        : strcmp(type, "Federated") == 0 ? statement->federated
                                                         : others,
                        who))
            return "Invalid principal";
    }
    for (guint i = 0; i < statement->principals->len; i++) {
        const char *text = statement->principals->pdata[i];

        if (strcmp(text, "*") != 0 && strpbrk(text, "*?") != NULL)
            return "Wildcards are not supported in principals";
    }
    return NULL;
}

static const char *
read_conditions(Statement *statement, const json_t *value)
{
    const char *operator_name, *key, *problem;
    json_t *keys, *values;

    if (!json_is_object(value))
        return "Invalid condition";
    json_object_foreach((json_t *)value, operator_name, keys)
    {
        if (!json_is_object(keys))
            return "Invalid condition";
        json_object_foreach(keys, key, values)
        {
            RbBoxCondition *condition = rb_box_condition_parse(operator_name, key, values, &problem);

            if (condition == NULL)
                return problem;
            g_ptr_array_add(statement->conditions, condition);
        }
    }
    return NULL;
}

static gboolean
action_is_well_formed(const char *action)
{
    const char *colon = strchr(action, ':');

    if (strcmp(action, "*") == 0)
        return TRUE;
    return colon != NULL && colon != action && colon[1] != '\0' && strchr(colon + 1, ':') == NULL;
}

static const char *
check_statement(const Statement *statement, RbBoxPolicyKind kind, const json_t *json)
{
    gboolean has_principal = json_object_get(json, "Principal") != NULL;
    gboolean has_resource = statement->resources->len > 0;

    for (guint i = 0; i < statement->actions->len; i++)
        if (!action_is_well_formed(statement->actions->pdata[i]))
            return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
    if (statement->actions->len == 0)
        return "Policy statement must contain actions.";
    if (kind == RB_BOX_TRUST)
        return !has_principal ? "Missing required field Principal"
               : has_resource ? "Has prohibited field Resource"
                              : NULL;
    for (guint i = 0; i < statement->resources->len; i++) {
        const char *resource = statement->resources->pdata[i];

        if (strcmp(resource, "*") != 0 && !g_str_has_prefix(resource, "arn:"))
            return "Resource must be in ARN format or \"*\".";
    }
    return has_principal   ? "Policy document should not specify a principal."
           : !has_resource ? "Policy statement must contain resources."
                           : NULL;
}

static const char *
read_statement(RbBoxPolicy *policy, const json_t *json)
{
    Statement *statement = statement_new();
    const char *name, *problem = NULL;
    json_t *value;

    g_ptr_array_add(policy->statements, statement);
    if (!json_is_object(json) || json_object_get(json, "Effect") == NULL)
        return "Syntax errors in policy.";
    json_object_foreach((json_t *)json, name, value)
    {
        if (strcmp(name, "Effect") == 0) {
            const char *effect = json_is_string(value) ? json_string_value(value) : "";
            statement->deny = strcmp(effect, "Deny") == 0;
            if (!statement->deny && strcmp(effect, "Allow") != 0)
                problem = "Invalid effect";
        } else if (strcmp(name, "Action") == 0 || strcmp(name, "NotAction") == 0) {
            statement->not_actions = name[0] == 'N';
            problem = read_texts(statement->actions, value) ? NULL : "Invalid action";
        } else if (strcmp(name, "Resource") == 0 || strcmp(name, "NotResource") == 0) {
            statement->not_resources = name[0] == 'N';
            problem = read_texts(statement->resources, value) ? NULL : "Invalid resource";
        } else if (strcmp(name, "Principal") == 0) {
            problem = read_principals(statement, value);
        } else if (strcmp(name, "Condition") == 0) {
            problem = read_conditions(statement, value);
        } else if (strcmp(name, "Sid") != 0 || !json_is_string(value)) {
            problem = "Syntax errors in policy.";
        }
        if (problem != NULL)
            return problem;
    }
    if (json_object_get(json, "Action") != NULL && json_object_get(json, "NotAction") != NULL)
        return "Syntax errors in policy.";
    return check_statement(statement, policy->kind, json);
}

static const char *
read_policy(RbBoxPolicy *policy, const json_t *root)
{
    const json_t *statements = json_object_get(root, "Statement");
    const char *name, *version = json_string_value(json_object_get(root, "Version"));
    const char *problem = NULL;
    json_t *value;
    gsize i;

    json_object_foreach((json_t *)root, name, value)
    {
        if (strcmp(name, "Version") != 0 && strcmp(name, "Statement") != 0 && strcmp(name, "Id") != 0)
            return "Syntax errors in policy.";
    }
    if (json_object_get(root, "Version") != NULL &&
        (version == NULL || (strcmp(version, "2012-10-17") != 0 && strcmp(version, "2008-10-17") != 0)))
        return "The policy must contain a valid version string";
    if (json_is_object(statements))
        return read_statement(policy, statements);
    if (!json_is_array(statements) || json_array_size(statements) == 0 ||
        json_array_size(statements) > MAX_STATEMENTS)
        return "Syntax errors in policy.";
    json_array_foreach((json_t *)statements, i, value)
    {
        problem = problem != NULL ? problem : read_statement(policy, value);
    }
    return problem;
}

RbBoxPolicy *
rb_box_policy_parse(const char *text, RbBoxPolicyKind kind, char **problem)
{
    g_autoptr(RbBoxPolicy) policy = g_new0(RbBoxPolicy, 1);
    json_error_t where;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    const char *what;

    policy->kind = kind;
    policy->statements = g_ptr_array_new_with_free_func(statement_free);
    what = json_is_object(root) ? read_policy(policy, root) : "Syntax errors in policy.";
    json_decref(root);
    if (what == NULL)
        return g_steal_pointer(&policy);
    *problem = g_strdup(what);
    return NULL;
}

void
rb_box_policy_free(RbBoxPolicy *policy)
{
    if (policy == NULL)
        return;
    g_ptr_array_unref(policy->statements);
    g_free(policy);
}

static RbBoxVerdict
names_caller(const Statement *statement, const RbBoxAsker *asker)
{
    g_autofree char *root = g_strdup_printf("arn:%s:iam::%s:root", asker->partition, asker->account);
    RbBoxVerdict verdict = RB_BOX_SILENT;

    if (asker->federated != NULL)
        return g_ptr_array_find_with_equal_func(statement->federated, asker->federated, g_str_equal, NULL)
                   ? RB_BOX_ALLOWED_HIM
                   : RB_BOX_SILENT;
    for (guint i = 0; i < statement->principals->len; i++) {
        const char *who = statement->principals->pdata[i];

        if (g_strcmp0(who, asker->session_arn) == 0 || g_strcmp0(who, asker->role_arn) == 0)
            return RB_BOX_ALLOWED_HIM;
        if (strcmp(who, "*") == 0 || strcmp(who, root) == 0 || strcmp(who, asker->account) == 0)
            verdict = RB_BOX_ALLOWED;
    }
    return verdict;
}

static gboolean
names_any(const GPtrArray *patterns, const char *text, gboolean fold_case)
{
    for (guint i = 0; i < patterns->len; i++)
        if (rb_box_glob(patterns->pdata[i], text, fold_case))
            return TRUE;
    return FALSE;
}

static RbBoxVerdict
judge_statement(const RbBoxPolicy *policy, const Statement *statement, const RbBoxAsker *asker,
                const char *action, const char *resource, const RbBoxContext *context, char **why)
{
    RbBoxVerdict allowed = RB_BOX_ALLOWED;

    if (names_any(statement->actions, action, TRUE) == statement->not_actions)
        return RB_BOX_SILENT;
    if (policy->kind == RB_BOX_TRUST) {
        allowed = names_caller(statement, asker);
        if (allowed == RB_BOX_SILENT) {
            if (why != NULL && *why == NULL)
                *why = g_strdup("its trust policy names other principals");
            return RB_BOX_SILENT;
        }
    } else if (names_any(statement->resources, resource, FALSE) == statement->not_resources) {
        return RB_BOX_SILENT;
    }
    for (guint i = 0; i < statement->conditions->len; i++)
        if (!rb_box_condition_holds(statement->conditions->pdata[i], context, statement->deny ? NULL : why))
            return RB_BOX_SILENT;
    return statement->deny ? RB_BOX_DENIED : allowed;
}

RbBoxVerdict
rb_box_policy_judge(const RbBoxPolicy *policy, const RbBoxAsker *asker, const char *action,
                    const char *resource, const RbBoxContext *context, char **why)
{
    RbBoxVerdict verdict = RB_BOX_SILENT;

    for (guint i = 0; i < policy->statements->len; i++) {
        RbBoxVerdict one =
            judge_statement(policy, policy->statements->pdata[i], asker, action, resource, context, why);

        if (one == RB_BOX_DENIED)
            return RB_BOX_DENIED;
        verdict = MAX(verdict, one);
    }
    return verdict;
}
