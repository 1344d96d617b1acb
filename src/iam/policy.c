#include "iam/policy_priv.h"

#include "base/encoding.h"

#include <string.h>

RbPolicy *
rb_policy_new(RbPolicyKind kind)
{
    RbPolicy *policy = g_new0(RbPolicy, 1);

    g_atomic_ref_count_init(&policy->refs);
    policy->kind = kind;
    policy->texts = g_string_chunk_new(1024);
    policy->parts = g_ptr_array_new_with_free_func(g_free);
    return policy;
}

RbPolicy *
rb_policy_ref(RbPolicy *policy)
{
    g_atomic_ref_count_inc(&policy->refs);
    return policy;
}

void
rb_policy_unref(RbPolicy *policy)
{
    if (policy == NULL || !g_atomic_ref_count_dec(&policy->refs))
        return;
    g_string_chunk_free(policy->texts);
    g_ptr_array_unref(policy->parts);
    g_free(policy);
}

gpointer
rb_policy_alloc(RbPolicy *policy, gsize n, gsize size)
{
    gpointer part = g_malloc0_n(MAX(n, 1), size);

    g_ptr_array_add(policy->parts, part);
    return part;
}

const char *
rb_policy_keep(RbPolicy *policy, const char *text)
{
    return text == NULL ? NULL : g_string_chunk_insert_const(policy->texts, text);
}

const char *
rb_policy_kind_name(RbPolicyKind kind)
{
    static const char *const names[] = {
        "identity policy",      "trust policy",           "session policy",
        "permissions boundary", "service control policy", "resource control policy",
        "resource policy",
    };

    return names[kind];
}

gboolean
rb_policy_kind_parse(const char *text, RbPolicyKind *kind)
{
    static const struct {
        const char *text;
        RbPolicyKind kind;
    } known[] = {
        { "identity", RB_POLICY_IDENTITY },    { "trust", RB_POLICY_TRUST },
        { "session", RB_POLICY_SESSION },      { "boundary", RB_POLICY_BOUNDARY },
        { "scp", RB_POLICY_SERVICE_CONTROL },  { "service-control", RB_POLICY_SERVICE_CONTROL },
        { "rcp", RB_POLICY_RESOURCE_CONTROL }, { "resource-control", RB_POLICY_RESOURCE_CONTROL },
        { "resource", RB_POLICY_RESOURCE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(known[i].text, text)) {
            *kind = known[i].kind;
            return TRUE;
        }
    return FALSE;
}

/* ---- operators ---- */

static const struct {
    const char *name;
    RbPolicyTest test;
    gboolean negated;
} operators[] = {
    { "StringEquals", RB_TEST_STRING_EQUALS, FALSE },
    { "StringNotEquals", RB_TEST_STRING_EQUALS, TRUE },
    { "StringEqualsIgnoreCase", RB_TEST_STRING_EQUALS_IGNORE_CASE, FALSE },
    { "StringNotEqualsIgnoreCase", RB_TEST_STRING_EQUALS_IGNORE_CASE, TRUE },
    { "StringLike", RB_TEST_STRING_LIKE, FALSE },
    { "StringNotLike", RB_TEST_STRING_LIKE, TRUE },
    { "NumericEquals", RB_TEST_NUMERIC_EQUALS, FALSE },
    { "NumericNotEquals", RB_TEST_NUMERIC_EQUALS, TRUE },
    { "NumericLessThan", RB_TEST_NUMERIC_LESS, FALSE },
    { "NumericLessThanEquals", RB_TEST_NUMERIC_LESS_EQUALS, FALSE },
    { "NumericGreaterThan", RB_TEST_NUMERIC_GREATER, FALSE },
    { "NumericGreaterThanEquals", RB_TEST_NUMERIC_GREATER_EQUALS, FALSE },
    { "DateEquals", RB_TEST_DATE_EQUALS, FALSE },
    { "DateNotEquals", RB_TEST_DATE_EQUALS, TRUE },
    { "DateLessThan", RB_TEST_DATE_LESS, FALSE },
    { "DateLessThanEquals", RB_TEST_DATE_LESS_EQUALS, FALSE },
    { "DateGreaterThan", RB_TEST_DATE_GREATER, FALSE },
    { "DateGreaterThanEquals", RB_TEST_DATE_GREATER_EQUALS, FALSE },
    { "Bool", RB_TEST_BOOL, FALSE },
    { "BinaryEquals", RB_TEST_BINARY_EQUALS, FALSE },
    { "IpAddress", RB_TEST_IP_ADDRESS, FALSE },
    { "NotIpAddress", RB_TEST_IP_ADDRESS, TRUE },
    { "ArnEquals", RB_TEST_ARN_LIKE, FALSE },
    { "ArnNotEquals", RB_TEST_ARN_LIKE, TRUE },
    { "ArnLike", RB_TEST_ARN_LIKE, FALSE },
    { "ArnNotLike", RB_TEST_ARN_LIKE, TRUE },
    { "Null", RB_TEST_NULL, FALSE },
};

static const char *
nearest_operator(const char *bare)
{
    const char *names[G_N_ELEMENTS(operators) + 1] = { NULL };

    for (gsize i = 0; i < G_N_ELEMENTS(operators); i++)
        names[i] = operators[i].name;
    return rb_text_nearest(bare, names);
}

gboolean
rb_policy_operator(const char *text, RbPolicyCondition *c, const char **near)
{
    const char *colon = strchr(text, ':');
    g_autofree char *bare = g_strdup(colon == NULL ? text : colon + 1);

    *near = NULL;
    if (colon != NULL && g_str_has_prefix(text, "ForAllValues:"))
        c->set = RB_SET_ALL_VALUES;
    else if (colon != NULL && g_str_has_prefix(text, "ForAnyValue:"))
        c->set = RB_SET_ANY_VALUE;
    else if (colon != NULL)
        return FALSE;
    if (g_str_has_suffix(bare, "IfExists") && !g_str_has_prefix(bare, "Null")) {
        bare[strlen(bare) - strlen("IfExists")] = '\0';
        c->if_exists = TRUE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(operators); i++)
        if (g_str_equal(bare, operators[i].name)) {
            c->test = operators[i].test;
            c->negated = operators[i].negated;
            return TRUE;
        }
    *near = nearest_operator(bare);
    return FALSE;
}

/* ---- policies made of others ---- */

static RbPolicyText
copy_text(RbPolicy *to, RbPolicyText from, RbPolicyChange change, gpointer data)
{
    g_autofree char *changed = change == NULL || from.text == NULL ? NULL : change(from.text, data);

    return (RbPolicyText){ rb_policy_keep(to, changed != NULL ? changed : from.text),
                           { rb_policy_keep(to, from.place.file), from.place.line, from.place.column } };
}

static RbPolicyTexts
copy_texts(RbPolicy *to, RbPolicyTexts from, RbPolicyChange change, gpointer data)
{
    RbPolicyText *at = rb_policy_alloc(to, from.n, sizeof *at);

    for (guint i = 0; i < from.n; i++)
        at[i] = copy_text(to, from.at[i], change, data);
    return (RbPolicyTexts){ at, from.n };
}

static const RbPolicyPrincipal *
copy_principals(RbPolicy *to, const RbPolicyStatement *from, RbPolicyChange change, gpointer data)
{
    RbPolicyPrincipal *out = rb_policy_alloc(to, from->n_principals, sizeof *out);

    for (guint i = 0; i < from->n_principals; i++) {
        out[i].kind = copy_text(to, from->principals[i].kind, NULL, NULL);
        out[i].values = copy_texts(to, from->principals[i].values, change, data);
    }
    return out;
}

static const RbPolicyCondition *
copy_conditions(RbPolicy *to, const RbPolicyStatement *from, RbPolicyChange change, gpointer data)
{
    RbPolicyCondition *out = rb_policy_alloc(to, from->n_conditions, sizeof *out);

    for (guint i = 0; i < from->n_conditions; i++) {
        out[i] = from->conditions[i];
        out[i].op = copy_text(to, from->conditions[i].op, NULL, NULL);
        out[i].key = copy_text(to, from->conditions[i].key, NULL, NULL);
        out[i].values = copy_texts(to, from->conditions[i].values, change, data);
    }
    return out;
}

static RbPolicyStatement
copy_statement(RbPolicy *to, const RbPolicyStatement *from, RbPolicyChange change, gpointer data)
{
    RbPolicyStatement s = *from;

    s.place.file = rb_policy_keep(to, from->place.file);
    s.sid = copy_text(to, from->sid, NULL, NULL);
    s.principals = copy_principals(to, from, change, data);
    s.actions = copy_texts(to, from->actions, NULL, NULL);
    s.resources = copy_texts(to, from->resources, change, data);
    s.conditions = copy_conditions(to, from, change, data);
    return s;
}

RbPolicy *
rb_policy_map(const RbPolicy *policy, RbPolicyChange change, gpointer data)
{
    RbPolicy *out = rb_policy_new(policy->kind);
    RbPolicyStatement *statements = rb_policy_alloc(out, policy->n_statements, sizeof *statements);

    out->version = rb_policy_keep(out, policy->version);
    out->id = rb_policy_keep(out, policy->id);
    for (guint i = 0; i < policy->n_statements; i++)
        statements[i] = copy_statement(out, &policy->statements[i], change, data);
    out->statements = statements;
    out->n_statements = policy->n_statements;
    return out;
}

RbPolicy *
rb_policy_statements(const RbPolicy *policy, const guint *at, guint n)
{
    RbPolicy *out = rb_policy_new(policy->kind);
    RbPolicyStatement *statements = rb_policy_alloc(out, n, sizeof *statements);

    out->version = rb_policy_keep(out, policy->version);
    for (guint i = 0; i < n; i++)
        statements[i] = copy_statement(out, &policy->statements[at[i]], NULL, NULL);
    out->statements = statements;
    out->n_statements = n;
    return out;
}

RbPolicy *
rb_policy_join(RbPolicyKind kind, const RbPolicy *const *policies, guint n)
{
    RbPolicy *out = rb_policy_new(kind);
    RbPolicyStatement *statements;
    guint total = 0;

    for (guint i = 0; i < n; i++)
        total += policies[i]->n_statements;
    statements = rb_policy_alloc(out, total, sizeof *statements);
    out->version = rb_policy_keep(out, n == 0 ? "2012-10-17" : policies[0]->version);
    for (guint i = 0; i < n; i++)
        for (guint k = 0; k < policies[i]->n_statements; k++)
            statements[out->n_statements++] = copy_statement(out, &policies[i]->statements[k], NULL, NULL);
    out->statements = statements;
    return out;
}
