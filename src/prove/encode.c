#include "prove/priv.h"

#include <string.h>

/*
 * Policies → a formula, in the words of iam/evaluate.h: no Deny applies, and of every kind of policy that has
 * a say some Allow does.
 */

/* Variables are resolved behind the fifth colon alone; a pattern with one before it matches nothing. */
static gboolean
is_never(const RbPolicy *policy, const char *pattern)
{
    const char *first = g_strcmp0(policy->version, "2012-10-17") == 0 ? strstr(pattern, "${") : NULL;
    guint colons = 0;

    for (const char *at = pattern; first != NULL && at < first; at++)
        colons += *at == ':';
    return first != NULL && colons < 5;
}

static Z3_ast
encode_entry(RbFormula *formula, const RbTextVar *var, RbGlob glob, const RbPolicy *policy,
             const RbPolicyText *entry)
{
    if (var == formula->action)
        return rb_formula_text(formula, var, 0, glob, entry->text);
    return is_never(policy, entry->text) ? Z3_mk_false(formula->z3)
                                         : rb_formula_pattern(formula, var, 0, glob, policy, entry);
}

/* Some entry matches; @negated: none does. What AWS's documents leave open is read as rb_evaluate() reads it:
 * an Allow widely, a Deny narrowly, and what is negated the other way round. */
static Z3_ast
encode_list(RbFormula *formula, const RbTextVar *var, RbGlob glob, const RbPolicy *policy,
            const RbPolicyTexts *list, gboolean negated)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));
    Z3_ast any;

    for (guint i = 0; i < list->n; i++) {
        Z3_ast one = encode_entry(formula, var, glob, policy, &list->at[i]);
        g_array_append_val(parts, one);
    }
    if (list->n == 0) /* there is no such element */
        return Z3_mk_false(formula->z3);
    any = rb_formula_or(formula, parts);
    return negated ? rb_formula_not(formula, any) : any;
}

static Z3_ast
encode_statement(RbFormula *formula, const RbPolicy *policy, const RbPolicyStatement *statement)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));
    gboolean wide = statement->allow != statement->not_action;
    Z3_ast part = encode_list(formula, formula->action, wide ? RB_GLOB_ACTION_WIDE : RB_GLOB_ACTION, policy,
                              &statement->actions, statement->not_action);

    g_array_append_val(parts, part);
    wide = statement->allow != statement->not_resource;
    part = encode_list(formula, formula->resource, wide ? RB_GLOB_ARN_WIDE : RB_GLOB_ARN, policy,
                       &statement->resources, statement->not_resource);
    g_array_append_val(parts, part);
    for (guint i = 0; i < statement->n_conditions; i++) {
        part = rb_formula_condition(formula, policy, &statement->conditions[i]);
        g_array_append_val(parts, part);
    }
    return rb_formula_and(formula, parts);
}

/* That some Allow, or some Deny, of the policies applies. */
static Z3_ast
encode_policies(RbFormula *formula, const RbPolicies *policies, gboolean allow, GArray *more)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));

    for (guint i = 0; more != NULL && i < more->len; i++)
        g_array_append_val(parts, g_array_index(more, Z3_ast, i));
    for (guint i = 0; i < policies->n; i++) {
        const RbPolicy *policy = policies->at[i];
        for (guint j = 0; j < policy->n_statements; j++) {
            Z3_ast part;
            if (policy->statements[j].allow != allow)
                continue;
            part = encode_statement(formula, policy, &policy->statements[j]);
            g_array_append_val(parts, part);
        }
    }
    return rb_formula_or(formula, parts);
}

static GArray *
encode_unknown(RbFormula *formula, const char *const *unknown)
{
    GArray *atoms = g_array_new(FALSE, FALSE, sizeof(Z3_ast));

    for (guint i = 0; unknown != NULL && unknown[i] != NULL; i++) {
        const RbPolicyText name = { .text = unknown[i] };
        Z3_ast atom = rb_formula_opaque(formula, NULL, 0, RB_GLOB_EXACT, &name);
        g_array_append_val(atoms, atom);
    }
    return atoms;
}

/* Where there are such policies: one of them must allow, and none deny. */
static void
add_layer(RbFormula *formula, GArray *parts, const RbPolicies *policies)
{
    Z3_ast part;

    if (policies->n == 0)
        return;
    part = encode_policies(formula, policies, TRUE, NULL);
    g_array_append_val(parts, part);
    part = rb_formula_not(formula, encode_policies(formula, policies, FALSE, NULL));
    g_array_append_val(parts, part);
}

Z3_ast
rb_formula_allows(RbFormula *formula, const RbPolicySets *sets, const char *const *unknown)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));
    g_autoptr(GArray) others = encode_unknown(formula, unknown);
    Z3_ast part = encode_policies(formula, &sets->identity, TRUE, others);

    g_array_append_val(parts, part);
    part = rb_formula_not(formula, encode_policies(formula, &sets->identity, FALSE, NULL));
    g_array_append_val(parts, part);
    add_layer(formula, parts, &sets->session);
    add_layer(formula, parts, &sets->boundary);
    for (guint i = 0; i < sets->n_service_control; i++)
        add_layer(formula, parts, &sets->service_control[i]);
    return rb_formula_and(formula, parts);
}
