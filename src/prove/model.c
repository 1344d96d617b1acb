#include "base/encoding.h"
#include "iam/catalogue.h"
#include "prove/priv.h"

#include <string.h>

/*
 * From a model of the formula to one request that a person can read. Every value is a text of the class that
 * the model has chosen; among those, one that looks like what AWS would send.
 */

enum { CANDIDATES_MAX = 2000 };

typedef struct {
    RbFormula *formula;
    Z3_model model;
    RbFoundRequest *found;
} Building;

void
rb_found_request_clear(RbFoundRequest *found)
{
    g_free(found->action);
    g_free(found->resource);
    g_clear_pointer(&found->context, rb_request_context_free);
    g_clear_pointer(&found->keys, g_ptr_array_unref);
    g_clear_pointer(&found->absent, g_ptr_array_unref);
}

/* ---- what the model says ---- */

static Z3_ast
valued(const Building *b, Z3_ast term)
{
    Z3_ast value = NULL;

    return Z3_model_eval(b->formula->z3, b->model, term, true, &value) ? value : NULL;
}

static gboolean
holds(const Building *b, Z3_ast term)
{
    Z3_ast value = valued(b, term);

    return value != NULL && Z3_get_bool_value(b->formula->z3, value) == Z3_L_TRUE;
}

static gboolean
flag(const Building *b, const RbTextVar *var, guint value, const char *what)
{
    return holds(b, rb_formula_constant(b->formula, var, value, what, b->formula->boolean));
}

static guint
class_in(const Building *b, const RbTextVar *var, guint value)
{
    Z3_ast number = valued(b, rb_formula_class(b->formula, var, value));
    guint class = 0;

    (void)Z3_get_numeral_uint(b->formula->z3, number, &class);
    return class;
}

/* ---- texts ---- */

/* The first of @liked that is of the class, or the shortest that is not empty. */
static char *
nice_text(const RbTexts *texts, guint class, const char *const *liked)
{
    const char *first = rb_texts_witness(texts, class, 0), *second = rb_texts_witness(texts, class, 1);
    g_autofree char *longer = NULL;

    for (guint i = 0; liked[i] != NULL; i++)
        if (rb_texts_class_of(texts, liked[i]) == (int)class)
            return g_strdup(liked[i]);
    longer = g_strconcat(first, "example", NULL);
    if (rb_texts_class_of(texts, longer) == (int)class)
        return g_steal_pointer(&longer);
    return g_strdup(*first == '\0' && second != NULL ? second : first);
}

static char *
context_value(const char *key, gpointer data)
{
    const GPtrArray *values = rb_request_context_get(data, key);

    return values != NULL && values->len == 1 ? g_strdup(values->pdata[0]) : NULL;
}

/* Adds the opaque patterns on this value to @texts, their variables replaced. Returns: which patterns they
 * became, each with whether the model wants it to match; NULL: one has a variable without a value, yet
 * should. */
static GArray *
add_opaque(const Building *b, const RbTextVar *var, guint value, RbTexts *texts)
{
    g_autoptr(GArray) wanted = g_array_new(FALSE, FALSE, sizeof(guint)); /* pattern × 2 + wanted */

    for (guint i = 0; i < b->formula->opaque->len; i++) {
        const RbOpaque *opaque = b->formula->opaque->pdata[i];
        gboolean wild = opaque->glob != RB_GLOB_EXACT && opaque->glob != RB_GLOB_NOCASE, open, match;
        g_autofree char *text = NULL;
        guint entry;
        if (opaque->var != var || opaque->value != value)
            continue;
        match = holds(b, opaque->atom);
        text = rb_prove_expand(opaque->pattern, wild, context_value, b->found->context, NULL, &open);
        if (text == NULL || open) {
            if (match)
                return NULL;
            continue;
        }
        entry = rb_texts_add(texts, opaque->glob, text) * 2 + (match ? 1 : 0);
        g_array_append_val(wanted, entry);
    }
    return g_steal_pointer(&wanted);
}

static gboolean
same_class(const RbTexts *base, guint base_class, const RbTexts *texts, guint class, const GArray *wanted)
{
    for (guint i = 0; i < rb_texts_n(base); i++)
        if (rb_texts_matches(base, base_class, i) != rb_texts_matches(texts, class, i))
            return FALSE;
    for (guint i = 0; i < wanted->len; i++) {
        guint entry = g_array_index(wanted, guint, i);
        if (rb_texts_matches(texts, class, entry / 2) != (entry % 2 == 1))
            return FALSE;
    }
    return TRUE;
}

/* A text of @class that moreover matches the opaque patterns on this value as the model has it. */
static char *
opaque_text(const Building *b, const RbTextVar *var, guint value, guint class, const char *const *liked)
{
    g_autoptr(RbTexts) texts = rb_texts_copy(var->texts);
    g_autoptr(GArray) wanted = add_opaque(b, var, value, texts);

    if (wanted == NULL || !rb_texts_explore(texts, RB_FORMULA_MAX_STATES))
        return NULL;
    for (guint i = 0; i < rb_texts_n_classes(texts); i++)
        if (same_class(var->texts, class, texts, i, wanted))
            return nice_text(texts, i, liked);
    return NULL;
}

static gboolean
has_opaque(const RbFormula *formula, const RbTextVar *var)
{
    for (guint i = 0; i < formula->opaque->len; i++)
        if (((const RbOpaque *)formula->opaque->pdata[i])->var == var)
            return TRUE;
    return FALSE;
}

static char *
choose_text(const Building *b, const RbTextVar *var, guint value, const char *const *liked)
{
    guint class = class_in(b, var, value);

    return has_opaque(b->formula, var) ? opaque_text(b, var, value, class, liked)
                                       : nice_text(var->texts, class, liked);
}

/* ---- values of other kinds ---- */

static char *
choose_number(const Building *b, const RbTextVar *var, guint value, const char *what)
{
    Z3_ast number = valued(b, rb_formula_constant(b->formula, var, value, what, b->formula->real));
    char *text = g_strdup(Z3_get_numeral_decimal_string(b->formula->z3, number, 12));
    gsize n = strlen(text);

    if (n > 0 && text[n - 1] == '?') /* more digits than these */
        text[n - 1] = '\0';
    return text;
}

static char *
choose_date(const Building *b, const RbTextVar *var, guint value)
{
    g_autofree char *second = choose_number(b, var, value, "date");
    g_autoptr(GDateTime) date = NULL;

    if (strchr(second, '.') != NULL)
        return g_steal_pointer(&second);
    date = g_date_time_new_from_unix_utc(g_ascii_strtoll(second, NULL, 10));
    return date == NULL ? g_steal_pointer(&second) : g_date_time_format(date, "%Y-%m-%dT%H:%M:%SZ");
}

static char *
choose_address(const Building *b, const RbTextVar *var, guint value, guint size)
{
    Z3_context z3 = b->formula->z3;
    Z3_ast address =
        rb_formula_constant(b->formula, var, value, size == 32 ? "v4" : "v6", Z3_mk_bv_sort(z3, size));
    GString *text = g_string_new(NULL);
    guint step = size == 32 ? 8 : 16;

    for (guint at = 0; at < size; at += step) {
        guint part = 0;
        (void)Z3_get_numeral_uint(z3, valued(b, Z3_mk_extract(z3, size - at - 1, size - at - step, address)),
                                  &part);
        g_string_append_printf(text, size == 32 ? "%s%u" : "%s%x",
                               at == 0      ? ""
                               : size == 32 ? "."
                                            : ":",
                               part);
    }
    return g_string_free(text, FALSE);
}

/* Of a key that is compared in several ways, the first that the model says; the request is judged again
 * anyway.
 */
static char *
choose_value(const Building *b, const RbTextVar *var, guint value)
{
    g_autofree char *numbered = g_strdup_printf("example-%u", var->index * RB_FORMULA_MAX_VALUES + value);
    const RbConditionKey *key = rb_catalogue_key(var->name);
    gboolean is_bool = key != NULL && g_str_equal(key->type, "Bool");
    const char *liked[] = { is_bool ? "false" : numbered, is_bool ? "true" : "example", "111122223333",
                            NULL };

    if ((var->families & RB_FAMILY_NUMBER) != 0 && flag(b, var, value, "is_number"))
        return choose_number(b, var, value, "number");
    if ((var->families & RB_FAMILY_DATE) != 0 && flag(b, var, value, "is_date"))
        return choose_date(b, var, value);
    if ((var->families & RB_FAMILY_ADDRESS) != 0 && flag(b, var, value, "is_v4"))
        return choose_address(b, var, value, 32);
    if ((var->families & RB_FAMILY_ADDRESS) != 0 && flag(b, var, value, "is_v6"))
        return choose_address(b, var, value, 128);
    return choose_text(b, var, value, liked);
}

static gboolean
add_key(const Building *b, const RbTextVar *var)
{
    guint n = 0;

    if (!var->is_key || rb_request_context_get(b->found->context, var->name) != NULL)
        return TRUE;
    if (!holds(b, var->present)) {
        g_ptr_array_add(b->found->absent, g_strdup(var->name));
        return TRUE;
    }
    for (guint i = 0; i < var->n_values; i++) {
        g_autofree char *text = NULL;
        if (!holds(b, rb_formula_used(b->formula, var, i)))
            continue;
        text = choose_value(b, var, i);
        if (text == NULL)
            return FALSE;
        rb_request_context_add(b->found->context, var->name, text);
        n++;
    }
    if (n == 0)
        rb_request_context_add_empty(b->found->context, var->name);
    g_ptr_array_add(b->found->keys, g_strdup(var->name));
    return TRUE;
}

/* ---- action and resource ---- */

/* The longest pattern of the class: it names the fewest actions. */
static GPtrArray *
candidates(const RbTextVar *action, guint class)
{
    const char *best = "*";

    for (guint i = 0; i < rb_texts_n(action->texts); i++) {
        RbGlob glob;
        const char *pattern = rb_texts_pattern(action->texts, i, &glob);
        if (glob == RB_GLOB_ACTION && rb_texts_matches(action->texts, class, i) &&
            strlen(pattern) > strlen(best))
            best = pattern;
    }
    return rb_catalogue_expand(best);
}

/* An ARN as the catalogue writes it, with something for every variable. */
static char *
fill_template(const char *template, const char *account)
{
    GString *out = g_string_new(NULL);

    for (const char *at = template, *end; *at != '\0'; at = end) {
        const char *close = g_str_has_prefix(at, "${") ? strchr(at, '}') : NULL;
        end = close != NULL ? close + 1 : at + 1;
        if (close == NULL)
            g_string_append_c(out, *at);
        else if (g_str_has_prefix(at, "${Partition}"))
            g_string_append(out, "aws");
        else if (g_str_has_prefix(at, "${Region}"))
            g_string_append(out, "eu-central-1");
        else if (g_str_has_prefix(at, "${Account}"))
            g_string_append(out, account != NULL ? account : "111122223333");
        else
            g_string_append(out, "example");
    }
    return g_string_free(out, FALSE);
}

/* A resource that @action works on, of the class that the model wants. */
static char *
typical_resource(const Building *b, const RbAction *action)
{
    const RbTextVar *var = b->formula->resource;
    guint class = class_in(b, var, 0);

    if (has_opaque(b->formula, var))
        return NULL;
    if (action->resources[0] == NULL && rb_texts_class_of(var->texts, "*") == (int)class)
        return g_strdup("*");
    for (guint i = 0; action->resources[i] != NULL; i++)
        for (guint j = 0; action->resources[i]->arns[j] != NULL; j++) {
            g_autofree char *text = fill_template(action->resources[i]->arns[j], b->formula->account);
            if (rb_texts_class_of(var->texts, text) == (int)class)
                return g_steal_pointer(&text);
        }
    return NULL;
}

static gboolean
of_service(const char *resource, const char *service)
{
    g_auto(GStrv) fields = g_strsplit(resource, ":", 4);

    return g_strv_length(fields) == 4 && g_str_equal(fields[2], service);
}

static gboolean
fits_service(const char *action, const char *resource)
{
    g_auto(GStrv) parts = g_strsplit(action, ":", 2);

    return of_service(resource, parts[0]);
}

/* An action that AWS has, best one with a resource that it works on; otherwise whatever is of the class. */
static void
choose_action(const Building *b)
{
    RbFoundRequest *found = b->found;
    guint class = class_in(b, b->formula->action, 0);
    g_autoptr(GPtrArray) list = candidates(b->formula->action, class);
    gboolean settled = FALSE;

    for (guint i = 0, tried = 0; i < list->len && tried < CANDIDATES_MAX && !settled; i++) {
        const RbAction *action = list->pdata[i];
        g_autofree char *name = g_strconcat(action->service, ":", action->name, NULL), *resource = NULL;
        if (rb_texts_class_of(b->formula->action->texts, name) != (int)class)
            continue;
        tried++;
        resource = typical_resource(b, action);
        settled = resource != NULL;
        if (!settled && found->action != NULL && !of_service(found->resource, action->service))
            continue;
        g_free(found->action);
        found->action = g_steal_pointer(&name);
        if (settled) {
            g_free(found->resource);
            found->resource = g_steal_pointer(&resource);
        }
    }
    found->known_action = found->action != NULL;
    found->typical = settled;
    found->fits = settled || (found->known_action && fits_service(found->action, found->resource));
    if (found->action == NULL)
        found->action = g_strdup(rb_texts_witness(b->formula->action->texts, class, 0));
}

/* All that is known is part of the request, so that rb_evaluate() judges the same. */
static void
add_facts(const Building *b)
{
    for (guint i = 0; i < b->formula->vars->len; i++) {
        const RbTextVar *var = b->formula->vars->pdata[i];
        const GPtrArray *values = var->is_key && b->formula->facts != NULL
                                      ? rb_request_context_get(b->formula->facts, var->name)
                                      : NULL;
        if (values == NULL)
            continue;
        for (guint j = 0; j < values->len; j++)
            rb_request_context_add(b->found->context, var->name, values->pdata[j]);
        g_ptr_array_add(b->found->keys, g_strdup(var->name));
    }
}

static int
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

gboolean
rb_model_request(RbFormula *formula, Z3_model model, RbFoundRequest *found)
{
    const Building b = { formula, model, found };
    static const char *const nothing[] = { NULL };

    found->context = rb_request_context_new();
    found->keys = g_ptr_array_new_with_free_func(g_free);
    found->absent = g_ptr_array_new_with_free_func(g_free);
    add_facts(&b);
    for (guint pass = 0; pass < 2; pass++) /* first what others may depend on */
        for (guint i = 0; i < formula->vars->len; i++)
            if (has_opaque(formula, formula->vars->pdata[i]) == (pass == 1) &&
                !add_key(&b, formula->vars->pdata[i]))
                return FALSE;
    found->resource = choose_text(&b, formula->resource, 0, nothing);
    if (found->resource == NULL)
        return FALSE;
    choose_action(&b);
    g_ptr_array_sort(found->keys, by_text);
    g_ptr_array_sort(found->absent, by_text);
    return TRUE;
}
