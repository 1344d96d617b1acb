#include "iam/evaluate_priv.h"
#include "iam/match.h"
#include "iam/match_priv.h"

#include <string.h>

/* Conditions as reference §8.3 has them: a negated operator is the same test with the answer turned round, so
 * a value that no request can match (a variable that cannot be resolved) holds for a negated one. */

typedef struct {
    const RbRequestContext *context;
    gboolean variables; /* the document's version has them, and the operator takes them */
} Scope;

/* Keys that are lists whatever a request brings: an operator without a set never holds on them. Sorted. */
static const char *const list_keys[] = {
    "aws:calledvia",        "aws:principalorgpaths", "aws:principalservicenameslist",
    "aws:resourceorgpaths", "aws:sourceorgpaths",    "aws:tagkeys",
    "aws:vpceorgpaths",
};

static gboolean
is_list(const char *key)
{
    for (gsize i = 0; i < G_N_ELEMENTS(list_keys); i++) {
        if (g_ascii_strcasecmp(key, list_keys[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
equal_ignoring_case(const char *a, const char *b)
{
    g_autofree char *x = NULL, *y = NULL;

    if (g_str_is_ascii(a) && g_str_is_ascii(b))
        return g_ascii_strcasecmp(a, b) == 0;
    if (!g_utf8_validate(a, -1, NULL) || !g_utf8_validate(b, -1, NULL))
        return strcmp(a, b) == 0;
    x = g_utf8_casefold(a, -1);
    y = g_utf8_casefold(b, -1);
    return strcmp(x, y) == 0;
}

static gboolean
truth(const char *text, gboolean *value)
{
    *value = g_ascii_strcasecmp(text, "true") == 0;
    return *value || g_ascii_strcasecmp(text, "false") == 0;
}

static gboolean
bool_equal(const char *want, const char *have)
{
    gboolean a, b;

    return truth(want, &a) && truth(have, &b) && a == b;
}

static gboolean
in_order(RbPolicyTest test, int order)
{
    switch (test) {
    case RB_TEST_NUMERIC_EQUALS:
    case RB_TEST_DATE_EQUALS:
        return order == 0;
    case RB_TEST_NUMERIC_LESS:
    case RB_TEST_DATE_LESS:
        return order < 0;
    case RB_TEST_NUMERIC_LESS_EQUALS:
    case RB_TEST_DATE_LESS_EQUALS:
        return order <= 0;
    case RB_TEST_NUMERIC_GREATER:
    case RB_TEST_DATE_GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

/* Tests of texts; @want has its variables put in. */
static gboolean
text_matches(RbPolicyTest test, const char *want, const char *have, RbWild wild)
{
    switch (test) {
    case RB_TEST_STRING_EQUALS:
        return strcmp(want, have) == 0;
    case RB_TEST_STRING_EQUALS_IGNORE_CASE:
        return equal_ignoring_case(want, have);
    case RB_TEST_STRING_LIKE:
        return rb_match_wild(want, have, wild);
    case RB_TEST_BOOL:
        return bool_equal(want, have);
    default:
        return rb_match_fields(want, have, wild, FALSE);
    }
}

/* An ARN's fields are told apart before variables are put in: a value with colons stays in its field. */
static gboolean
arn_matches(const char *want, const char *have, const RbRequestContext *context)
{
    for (guint i = 0; i < 6; i++) {
        const char *end = want, *have_end = rb_arn_field_end(have, i), *variable;
        g_autofree char *field = NULL, *value = NULL, *expanded = NULL;

        while (*end && (i == 5 || *end != ':'))
            end = (variable = rb_variable_end(end)) ? variable : end + 1;
        field = g_strndup(want, (gsize)(end - want));
        value = g_strndup(have, (gsize)(have_end - have));
        expanded = rb_variables_expand(field, context, TRUE);
        if (!expanded || !rb_match_wild(expanded, value, rb_wild_expanded))
            return FALSE;
        if (!*end || !*have_end)
            return !*end && !*have_end && i == 5;
        want = end + 1;
        have = have_end + 1;
    }
    return FALSE;
}

static gboolean
text_test(const RbPolicyCondition *condition, const char *want, const char *have, const Scope *scope)
{
    gboolean wild = condition->test == RB_TEST_STRING_LIKE;
    g_autofree char *expanded = NULL;

    if (!scope->variables || !strstr(want, "${"))
        return text_matches(condition->test, want, have, rb_wild_written);
    if (condition->test == RB_TEST_ARN_LIKE)
        return arn_matches(want, have, scope->context);
    expanded = rb_variables_expand(want, scope->context, wild);
    return expanded && text_matches(condition->test, expanded, have, rb_wild_expanded);
}

static gboolean
matches(const RbPolicyCondition *condition, const char *want, const char *have, const Scope *scope)
{
    int order;

    switch (condition->test) {
    case RB_TEST_NUMERIC_EQUALS:
    case RB_TEST_NUMERIC_LESS:
    case RB_TEST_NUMERIC_LESS_EQUALS:
    case RB_TEST_NUMERIC_GREATER:
    case RB_TEST_NUMERIC_GREATER_EQUALS:
        return rb_compare_numbers(have, want, &order) && in_order(condition->test, order);
    case RB_TEST_DATE_EQUALS:
    case RB_TEST_DATE_LESS:
    case RB_TEST_DATE_LESS_EQUALS:
    case RB_TEST_DATE_GREATER:
    case RB_TEST_DATE_GREATER_EQUALS:
        return rb_compare_dates(have, want, &order) && in_order(condition->test, order);
    case RB_TEST_BINARY_EQUALS:
        return rb_binary_equal(want, have);
    case RB_TEST_IP_ADDRESS:
        return rb_address_within(want, have);
    default:
        return text_test(condition, want, have, scope);
    }
}

/* Values of one key are alternatives; for a negated operator none may match. */
static gboolean
value_holds(const RbPolicyCondition *condition, const char *have, const Scope *scope)
{
    for (guint i = 0; i < condition->values.n; i++) {
        if (matches(condition, condition->values.at[i].text, have, scope))
            return !condition->negated;
    }
    return condition->negated;
}

static gboolean
null_holds(const RbPolicyCondition *condition, gboolean absent)
{
    for (guint i = 0; i < condition->values.n; i++) {
        if (bool_equal(condition->values.at[i].text, absent ? "true" : "false"))
            return TRUE;
    }
    return FALSE;
}

static gboolean
absent_holds(const RbPolicyCondition *condition)
{
    if (condition->set == RB_SET_ALL_VALUES || condition->if_exists)
        return TRUE;
    return condition->set == RB_SET_NONE && condition->negated;
}

gboolean
rb_condition_holds(const RbPolicyCondition *condition, const char *version, const RbRequestContext *context)
{
    const GPtrArray *values = rb_request_context_get(context, condition->key.text);
    Scope scope = { context, rb_policy_has_variables(version) };
    guint n = values ? values->len : 0;

    if (condition->test == RB_TEST_NULL)
        return null_holds(condition, n == 0);
    if (n == 0)
        return absent_holds(condition);
    if (condition->set == RB_SET_NONE)
        return n == 1 && !is_list(condition->key.text) && value_holds(condition, values->pdata[0], &scope);
    for (guint i = 0; i < n; i++) {
        gboolean holds = value_holds(condition, values->pdata[i], &scope);

        if (holds == (condition->set == RB_SET_ANY_VALUE))
            return holds;
    }
    return condition->set == RB_SET_ALL_VALUES;
}
