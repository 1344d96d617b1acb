#include "prove/priv.h"

#include <string.h>

static gboolean
is_word(const char *text, const char *word)
{
    return g_ascii_strcasecmp(text, word) == 0;
}

static Z3_ast
test_bool(RbFormula *formula, const RbTextVar *var, guint value, const RbPolicyText *text)
{
    if (strstr(text->text, "${") != NULL)
        return rb_formula_opaque(formula, var, value, RB_GLOB_NOCASE, text);
    if (!is_word(text->text, "true") && !is_word(text->text, "false"))
        return Z3_mk_false(formula->z3);
    return rb_formula_text(formula, var, value, RB_GLOB_NOCASE, text->text);
}

/* Whether value @value of the key is as @text says. */
static Z3_ast
test_one(RbFormula *formula, const RbTextVar *var, guint value, const RbPolicy *policy,
         const RbPolicyCondition *condition, const RbPolicyText *text)
{
    switch (condition->test) {
    case RB_TEST_STRING_EQUALS:
        return rb_formula_pattern(formula, var, value, RB_GLOB_EXACT, policy, text);
    case RB_TEST_STRING_EQUALS_IGNORE_CASE:
        return rb_formula_pattern(formula, var, value, RB_GLOB_NOCASE, policy, text);
    case RB_TEST_STRING_LIKE:
        return rb_formula_pattern(formula, var, value, RB_GLOB_TEXT, policy, text);
    case RB_TEST_ARN_LIKE:
        return rb_formula_pattern(formula, var, value, RB_GLOB_ARN, policy, text);
    case RB_TEST_BOOL:
        return test_bool(formula, var, value, text);
    case RB_TEST_BINARY_EQUALS: /* the same bytes have several spellings */
        return rb_formula_opaque(formula, var, value, RB_GLOB_EXACT, text);
    case RB_TEST_IP_ADDRESS:
        return rb_formula_address(formula, var, value, text);
    case RB_TEST_DATE_EQUALS:
    case RB_TEST_DATE_LESS:
    case RB_TEST_DATE_LESS_EQUALS:
    case RB_TEST_DATE_GREATER:
    case RB_TEST_DATE_GREATER_EQUALS:
        return rb_formula_date(formula, var, value, condition->test, text);
    default:
        return rb_formula_number(formula, var, value, condition->test, text);
    }
}

/* One value of the request against all of the condition's, which are ORed; negated: none may match. */
static Z3_ast
test_value(RbFormula *formula, const RbTextVar *var, guint value, const RbPolicy *policy,
           const RbPolicyCondition *condition)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));
    Z3_ast any;

    for (guint i = 0; i < condition->values.n; i++) {
        Z3_ast one = test_one(formula, var, value, policy, condition, &condition->values.at[i]);
        g_array_append_val(parts, one);
    }
    any = rb_formula_or(formula, parts);
    return condition->negated ? rb_formula_not(formula, any) : any;
}

/* Every value there is, or some of them. */
static Z3_ast
test_values(RbFormula *formula, const RbTextVar *var, const RbPolicy *policy,
            const RbPolicyCondition *condition, gboolean all)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));

    for (guint i = 0; i < var->n_values; i++) {
        Z3_ast used = rb_formula_used(formula, var, i);
        Z3_ast one = test_value(formula, var, i, policy, condition);
        Z3_ast both[] = { used, one };
        one = all ? Z3_mk_implies(formula->z3, used, one) : Z3_mk_and(formula->z3, 2, both);
        g_array_append_val(parts, one);
    }
    return all ? rb_formula_and(formula, parts) : rb_formula_or(formula, parts);
}

/* There, with a value. */
static Z3_ast
has_value(const RbFormula *formula, const RbTextVar *var)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));

    for (guint i = 0; i < var->n_values; i++) {
        Z3_ast used = rb_formula_used(formula, var, i);
        g_array_append_val(parts, used);
    }
    return rb_formula_or(formula, parts);
}

static Z3_ast
encode_null(const RbFormula *formula, const RbTextVar *var, const RbPolicyCondition *condition)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));

    for (guint i = 0; i < condition->values.n; i++) {
        const char *text = condition->values.at[i].text;
        gboolean absent = is_word(text, "true");
        Z3_ast there = has_value(formula, var), one = absent ? rb_formula_not(formula, there) : there;
        if (absent || is_word(text, "false"))
            g_array_append_val(parts, one);
    }
    return rb_formula_or(formula, parts);
}

/* The only value there is: an operator without a set holds on no list. */
static Z3_ast
test_single(RbFormula *formula, const RbTextVar *var, const RbPolicy *policy,
            const RbPolicyCondition *condition)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));

    for (guint i = 0; i < var->n_values && !var->list; i++) {
        g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Z3_ast));
        Z3_ast part = test_value(formula, var, i, policy, condition);
        g_array_append_val(all, part);
        for (guint j = 0; j < var->n_values; j++) {
            part = rb_formula_used(formula, var, j);
            if (j != i)
                part = rb_formula_not(formula, part);
            g_array_append_val(all, part);
        }
        part = rb_formula_and(formula, all);
        g_array_append_val(parts, part);
    }
    if (condition->negated) { /* it holds where there is none */
        Z3_ast none = rb_formula_not(formula, has_value(formula, var));
        g_array_append_val(parts, none);
    }
    return rb_formula_or(formula, parts);
}

static Z3_ast
encode_test(RbFormula *formula, const RbTextVar *var, const RbPolicy *policy,
            const RbPolicyCondition *condition)
{
    Z3_ast there = has_value(formula, var), test, parts[2];

    switch (condition->set) {
    case RB_SET_ALL_VALUES: /* holds where there is none */
        return test_values(formula, var, policy, condition, TRUE);
    case RB_SET_ANY_VALUE:
        test = test_values(formula, var, policy, condition, FALSE);
        break;
    default:
        test = test_single(formula, var, policy, condition);
    }
    if (!condition->if_exists)
        return test;
    parts[0] = rb_formula_not(formula, there);
    parts[1] = test;
    return Z3_mk_or(formula->z3, 2, parts);
}

static guint
family(RbPolicyTest test)
{
    switch (test) {
    case RB_TEST_STRING_EQUALS:
    case RB_TEST_STRING_EQUALS_IGNORE_CASE:
    case RB_TEST_STRING_LIKE:
    case RB_TEST_ARN_LIKE:
    case RB_TEST_BOOL:
    case RB_TEST_BINARY_EQUALS:
        return RB_FAMILY_TEXT;
    case RB_TEST_IP_ADDRESS:
        return RB_FAMILY_ADDRESS;
    case RB_TEST_NULL:
        return 0;
    case RB_TEST_DATE_EQUALS:
    case RB_TEST_DATE_LESS:
    case RB_TEST_DATE_LESS_EQUALS:
    case RB_TEST_DATE_GREATER:
    case RB_TEST_DATE_GREATER_EQUALS:
        return RB_FAMILY_DATE;
    default:
        return RB_FAMILY_NUMBER;
    }
}

/* The key's value is known, and compared with texts that stand there as they are. */
static gboolean
is_settled(const RbFormula *formula, const RbPolicyCondition *condition)
{
    if (formula->facts == NULL || rb_request_context_get(formula->facts, condition->key.text) == NULL)
        return FALSE;
    for (guint i = 0; i < condition->values.n; i++)
        if (strstr(condition->values.at[i].text, "${") != NULL)
            return FALSE;
    return TRUE;
}

Z3_ast
rb_formula_condition(RbFormula *formula, const RbPolicy *policy, const RbPolicyCondition *condition)
{
    RbTextVar *var = rb_formula_key(formula, condition->key.text);

    if (is_settled(formula, condition))
        return rb_condition_holds(condition, policy->version, formula->facts) ? Z3_mk_true(formula->z3)
                                                                              : Z3_mk_false(formula->z3);
    var->families |= family(condition->test);
    if (condition->test == RB_TEST_NULL)
        return encode_null(formula, var, condition);
    return encode_test(formula, var, policy, condition);
}
