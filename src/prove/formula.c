#include "iam/catalogue.h"
#include "prove/priv.h"

#include <string.h>

enum { CLASS_BITS = 20 };

static void
var_free(gpointer data)
{
    RbTextVar *var = data;

    g_free(var->name);
    g_free(var);
}

static void
opaque_free(gpointer data)
{
    RbOpaque *opaque = data;

    g_free(opaque->pattern);
    g_free(opaque);
}

/* Z3's errors are asked for where they matter; without this one it ends the program. */
static void
on_error(Z3_context z3, Z3_error_code code)
{
    (void)z3;
    (void)code;
}

static RbTextVar *
add_var(RbFormula *formula, const char *name)
{
    RbTextVar *var = g_new0(RbTextVar, 1);

    var->name = g_strdup(name);
    var->index = formula->vars->len;
    var->n_values = 1;
    var->texts = rb_texts_new();
    g_ptr_array_add(formula->pool, var->texts);
    g_ptr_array_add(formula->vars, var);
    return var;
}

RbFormula *
rb_formula_new(const RbRequestContext *facts)
{
    RbFormula *formula = g_new0(RbFormula, 1);
    Z3_config config = Z3_mk_config();

    Z3_set_param_value(config, "model", "true");
    formula->z3 = Z3_mk_context(config);
    Z3_del_config(config);
    Z3_set_error_handler(formula->z3, on_error);
    formula->boolean = Z3_mk_bool_sort(formula->z3);
    formula->real = Z3_mk_real_sort(formula->z3);
    formula->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    formula->vars = g_ptr_array_new_with_free_func(var_free);
    formula->pool = g_ptr_array_new_with_free_func((GDestroyNotify)rb_texts_free);
    formula->opaque = g_ptr_array_new_with_free_func(opaque_free);
    formula->rules = g_array_new(FALSE, FALSE, sizeof(Z3_ast));
    formula->facts = facts;
    formula->action = add_var(formula, "action");
    formula->resource = add_var(formula, "resource");
    rb_texts_shape(formula->action->texts, rb_texts_add(formula->action->texts, RB_GLOB_TEXT, "?*:?*"));
    rb_texts_shape(formula->resource->texts, rb_texts_add(formula->resource->texts, RB_GLOB_EXACT, "*"));
    rb_texts_shape(formula->resource->texts,
                   rb_texts_add(formula->resource->texts, RB_GLOB_ARN, "arn:aws*:?*:*:*:?*"));
    return formula;
}

void
rb_formula_free(RbFormula *formula)
{
    if (formula == NULL)
        return;
    g_hash_table_unref(formula->keys);
    g_ptr_array_unref(formula->vars);
    g_ptr_array_unref(formula->pool);
    g_ptr_array_unref(formula->opaque);
    g_array_unref(formula->rules);
    g_free(formula->failure);
    Z3_del_context(formula->z3);
    g_free(formula);
}

RbTextVar *
rb_formula_key(RbFormula *formula, const char *name)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);
    RbTextVar *var = g_hash_table_lookup(formula->keys, lower);

    if (var != NULL)
        return var;
    var = add_var(formula, name);
    var->is_key = TRUE;
    var->present = rb_formula_constant(formula, var, 0, "present", formula->boolean);
    g_hash_table_insert(formula->keys, g_steal_pointer(&lower), var);
    return var;
}

/* ---- terms ---- */

Z3_ast
rb_formula_constant(const RbFormula *formula, const RbTextVar *var, guint value, const char *what,
                    Z3_sort sort)
{
    g_autofree char *name = g_strdup_printf("%u.%u.%s", var == NULL ? G_MAXUINT : var->index, value, what);

    return Z3_mk_const(formula->z3, Z3_mk_string_symbol(formula->z3, name), sort);
}

Z3_ast
rb_formula_used(const RbFormula *formula, const RbTextVar *var, guint value)
{
    if (!var->is_key)
        return Z3_mk_true(formula->z3);
    return var->several ? rb_formula_constant(formula, var, value, "used", formula->boolean) : var->present;
}

Z3_ast
rb_formula_or(const RbFormula *formula, const GArray *parts)
{
    return parts->len == 0 ? Z3_mk_false(formula->z3)
                           : Z3_mk_or(formula->z3, parts->len, (const Z3_ast *)(const void *)parts->data);
}

Z3_ast
rb_formula_and(const RbFormula *formula, const GArray *parts)
{
    return parts->len == 0 ? Z3_mk_true(formula->z3)
                           : Z3_mk_and(formula->z3, parts->len, (const Z3_ast *)(const void *)parts->data);
}

Z3_ast
rb_formula_not(const RbFormula *formula, Z3_ast part)
{
    return Z3_mk_not(formula->z3, part);
}

void
rb_formula_rule(RbFormula *formula, Z3_ast rule)
{
    g_array_append_val(formula->rules, rule);
}

static Z3_ast
matches(const RbFormula *formula, const RbTextVar *var, guint value, guint pattern)
{
    g_autofree char *what = g_strdup_printf("matches.%u", pattern);

    return rb_formula_constant(formula, var, value, what, formula->boolean);
}

Z3_ast
rb_formula_text(RbFormula *formula, const RbTextVar *var, guint value, RbGlob glob, const char *pattern)
{
    return matches(formula, var, value, rb_texts_add(var->texts, glob, pattern));
}

/* ---- patterns with variables ---- */

static char *
fact(const char *key, gpointer data)
{
    RbFormula *formula = data;
    const GPtrArray *values = formula->facts == NULL ? NULL : rb_request_context_get(formula->facts, key);

    if (values == NULL || values->len != 1)
        return NULL;
    (void)rb_formula_key(formula, key); /* it is part of every request from now on */
    return g_strdup(values->pdata[0]);
}

/* The whole of @pattern is one variable: the other key's values are of the same kind, and equal ones match
 * the same patterns. */
static gboolean
is_link(const char *pattern)
{
    return g_str_has_prefix(pattern, "${") && strchr(pattern, '}') == pattern + strlen(pattern) - 1 &&
           strlen(pattern) > 4 && strchr(pattern, ',') == NULL;
}

Z3_ast
rb_formula_opaque(RbFormula *formula, const RbTextVar *var, guint value, RbGlob glob,
                  const RbPolicyText *pattern)
{
    g_autofree char *name = g_strdup_printf("opaque.%d.%s", (int)glob, pattern->text);
    Z3_ast atom = rb_formula_constant(formula, var, value, name, formula->boolean);
    RbOpaque *opaque;

    for (guint i = 0; i < formula->opaque->len; i++)
        if (((RbOpaque *)formula->opaque->pdata[i])->atom == atom)
            return atom;
    opaque = g_new0(RbOpaque, 1);
    *opaque = (RbOpaque){ .atom = atom, .var = var, .value = value, .glob = glob };
    opaque->pattern = g_strdup(pattern->text);
    opaque->place = pattern->place;
    g_ptr_array_add(formula->opaque, opaque);
    return atom;
}

/* What is certain when the pattern matches: the text around the variables does, and they have values. */
static void
bound_opaque(RbFormula *formula, const RbTextVar *var, guint value, Z3_ast atom, const char *wide,
             const GPtrArray *keys)
{
    rb_formula_rule(
        formula, Z3_mk_implies(formula->z3, atom, rb_formula_text(formula, var, value, RB_GLOB_TEXT, wide)));
    for (guint i = 0; i < keys->len; i++)
        rb_formula_rule(formula,
                        Z3_mk_implies(formula->z3, atom, rb_formula_key(formula, keys->pdata[i])->present));
}

static gboolean
has_variables(const RbPolicy *policy, const char *text)
{
    return g_strcmp0(policy->version, "2012-10-17") == 0 && strstr(text, "${") != NULL;
}

/* A value that is one variable and nothing else: both are equal texts, so of one class. */
static void
link_classes(RbFormula *formula, const RbTextVar *var, guint value, Z3_ast atom, const char *key)
{
    const RbTextVar *other = rb_formula_key(formula, key);

    if (other->texts == var->texts && !other->several) /* of several values none is the variable's */
        rb_formula_rule(formula, Z3_mk_implies(formula->z3, atom,
                                               Z3_mk_eq(formula->z3, rb_formula_class(formula, var, value),
                                                        rb_formula_class(formula, other, 0))));
}

Z3_ast
rb_formula_pattern(RbFormula *formula, const RbTextVar *var, guint value, RbGlob glob, const RbPolicy *policy,
                   const RbPolicyText *pattern)
{
    gboolean wild = glob != RB_GLOB_EXACT && glob != RB_GLOB_NOCASE, open;
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *wide = NULL;
    Z3_ast atom;

    if (!has_variables(policy, pattern->text))
        return rb_formula_text(formula, var, value, glob, pattern->text);
    wide = rb_prove_expand(pattern->text, wild, fact, formula, keys, &open);
    if (wide == NULL)
        return Z3_mk_false(formula->z3);
    if (!open)
        return rb_formula_text(formula, var, value, glob, wide);
    atom = rb_formula_opaque(formula, var, value, glob, pattern);
    bound_opaque(formula, var, value, atom, glob == RB_GLOB_NOCASE ? "*" : wide, keys);
    if (keys->len == 1 && glob != RB_GLOB_NOCASE && is_link(pattern->text))
        link_classes(formula, var, value, atom, keys->pdata[0]);
    return atom;
}

/* ---- what there is ---- */

static void
share_texts(RbFormula *formula, const RbTextVar *a, const RbTextVar *b)
{
    RbTexts *from = b->texts;

    for (guint i = 0; i < formula->vars->len; i++)
        if (((RbTextVar *)formula->vars->pdata[i])->texts == from)
            ((RbTextVar *)formula->vars->pdata[i])->texts = a->texts;
}

static void
scan_links(RbFormula *formula, const RbTextVar *var, const RbPolicyText *text)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *wide = NULL;
    gboolean open;

    if (!is_link(text->text))
        return;
    wide = rb_prove_expand(text->text, TRUE, fact, formula, keys, &open);
    if (open && keys->len == 1)
        share_texts(formula, var, rb_formula_key(formula, keys->pdata[0]));
}

/* rb_condition_holds() is asked: it knows which keys are lists. */
static gboolean
is_list(RbPolicyText key)
{
    const RbPolicyText any = { .text = "*" };
    const RbPolicyCondition like = { .key = key, .values = { &any, 1 }, .test = RB_TEST_STRING_LIKE };
    g_autoptr(RbRequestContext) context = rb_request_context_new();

    rb_request_context_add(context, key.text, "example");
    return !rb_condition_holds(&like, NULL, context);
}

static void
scan_condition(RbFormula *formula, const RbPolicy *policy, const RbPolicyCondition *condition)
{
    RbTextVar *var = rb_formula_key(formula, condition->key.text);

    var->n_conditions++;
    var->list = is_list(condition->key);
    if (condition->set != RB_SET_NONE || var->list)
        var->several = TRUE;
    for (guint i = 0; i < condition->values.n; i++)
        if (has_variables(policy, condition->values.at[i].text))
            scan_links(formula, var, &condition->values.at[i]);
}

static void
scan_policies(RbFormula *formula, const RbPolicies *policies)
{
    for (guint i = 0; i < policies->n; i++)
        for (guint j = 0; j < policies->at[i]->n_statements; j++)
            for (guint k = 0; k < policies->at[i]->statements[j].n_conditions; k++)
                scan_condition(formula, policies->at[i], &policies->at[i]->statements[j].conditions[k]);
}

/* One value is enough for each condition that some value must satisfy, or break; a second one says that it is
 * a list. All others can be left out without changing anything, so that this many are as good as any number.
 */
static void
count_values(RbFormula *formula)
{
    for (guint i = 0; i < formula->vars->len; i++) {
        RbTextVar *var = formula->vars->pdata[i];
        var->n_values = var->several ? var->n_conditions + 1 : 1;
        if (var->n_values > RB_FORMULA_MAX_VALUES && formula->failure == NULL)
            formula->failure = g_strdup_printf("%u conditions on values of %s are too many to decide",
                                               var->n_conditions, var->name);
    }
}

void
rb_formula_scan(RbFormula *formula, const RbPolicySets *sets)
{
    scan_policies(formula, &sets->identity);
    scan_policies(formula, &sets->session);
    scan_policies(formula, &sets->boundary);
    for (guint i = 0; i < sets->n_service_control; i++)
        scan_policies(formula, &sets->service_control[i]);
    count_values(formula);
}

/* ---- the classes ---- */

Z3_ast
rb_formula_class(const RbFormula *formula, const RbTextVar *var, guint value)
{
    return rb_formula_constant(formula, var, value, "class", Z3_mk_bv_sort(formula->z3, CLASS_BITS));
}

/* A value is of one of the classes, and matches what texts of this class match. */
static void
describe(RbFormula *formula, const RbTextVar *var, guint value)
{
    Z3_sort sort = Z3_mk_bv_sort(formula->z3, CLASS_BITS);
    Z3_ast is_class = rb_formula_class(formula, var, value);
    guint n = rb_texts_n_classes(var->texts);
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));

    rb_formula_rule(formula, Z3_mk_bvult(formula->z3, is_class, Z3_mk_unsigned_int(formula->z3, n, sort)));
    for (guint i = 0; i < rb_texts_n(var->texts); i++) {
        g_array_set_size(parts, 0);
        for (guint j = 0; j < n; j++) {
            Z3_ast same;
            if (!rb_texts_matches(var->texts, j, i))
                continue;
            same = Z3_mk_eq(formula->z3, is_class, Z3_mk_unsigned_int(formula->z3, j, sort));
            g_array_append_val(parts, same);
        }
        rb_formula_rule(
            formula, Z3_mk_iff(formula->z3, matches(formula, var, value, i), rb_formula_or(formula, parts)));
    }
}

/* What AWS types, it sends as that; times are not before 1970. */
static void
describe_kind(RbFormula *formula, const RbTextVar *var, guint value)
{
    Z3_context z3 = formula->z3;
    const RbConditionKey *key = var->is_key ? rb_catalogue_key(var->name) : NULL;
    const char *type = key == NULL ? "" : key->type;
    Z3_ast v4 = rb_formula_constant(formula, var, value, "is_v4", formula->boolean);
    Z3_ast v6 = rb_formula_constant(formula, var, value, "is_v6", formula->boolean);

    if (var->families == RB_FAMILY_ADDRESS)
        rb_formula_rule(formula, g_str_equal(type, "IPAddress")
                                     ? Z3_mk_xor(z3, v4, v6)
                                     : rb_formula_not(formula, Z3_mk_and(z3, 2, (Z3_ast[]){ v4, v6 })));
    if (var->families == RB_FAMILY_NUMBER && g_str_equal(type, "Numeric"))
        rb_formula_rule(formula, rb_formula_constant(formula, var, value, "is_number", formula->boolean));
    if ((var->families & RB_FAMILY_DATE) != 0) {
        Z3_ast is_date = rb_formula_constant(formula, var, value, "is_date", formula->boolean);
        Z3_ast date = rb_formula_constant(formula, var, value, "date", formula->real);
        rb_formula_rule(
            formula, Z3_mk_implies(z3, is_date, Z3_mk_ge(z3, date, Z3_mk_numeral(z3, "0", formula->real))));
        if (var->families == RB_FAMILY_DATE && g_str_equal(type, "Date"))
            rb_formula_rule(formula, is_date);
    }
}

static void
describe_presence(RbFormula *formula, const RbTextVar *var)
{
    if (var->is_key && var->several)
        for (guint i = 0; i < var->n_values; i++)
            rb_formula_rule(formula,
                            Z3_mk_implies(formula->z3, rb_formula_used(formula, var, i), var->present));
}

/* What is known of a key that others are compared with. */
static void
describe_facts(RbFormula *formula)
{
    for (guint i = 0; i < formula->vars->len; i++) {
        const RbTextVar *var = formula->vars->pdata[i];
        g_autofree char *value = var->is_key ? fact(var->name, formula) : NULL;
        if (value == NULL)
            continue;
        rb_formula_rule(formula, var->present);
        rb_formula_rule(formula, rb_formula_used(formula, var, 0));
        rb_formula_rule(formula, rb_formula_text(formula, var, 0, RB_GLOB_EXACT, value));
        for (guint j = 1; j < var->n_values; j++)
            rb_formula_rule(formula, rb_formula_not(formula, rb_formula_used(formula, var, j)));
    }
}

gboolean
rb_formula_close(RbFormula *formula)
{
    describe_facts(formula);
    for (guint i = 0; i < formula->pool->len && formula->failure == NULL; i++)
        if (!rb_texts_explore(formula->pool->pdata[i], RB_FORMULA_MAX_STATES) ||
            rb_texts_n_classes(formula->pool->pdata[i]) >= 1u << CLASS_BITS)
            formula->failure = g_strdup("the patterns overlap in too many ways to decide");
    if (formula->failure != NULL)
        return FALSE;
    for (guint i = 0; i < formula->vars->len; i++) {
        const RbTextVar *var = formula->vars->pdata[i];
        describe_presence(formula, var);
        for (guint j = 0; j < var->n_values; j++) {
            describe(formula, var, j);
            describe_kind(formula, var, j);
        }
    }
    return TRUE;
}
