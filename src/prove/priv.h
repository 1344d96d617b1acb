#ifndef RB_PROVE_PRIV_H
#define RB_PROVE_PRIV_H

#include "iam/evaluate.h"
#include "prove/prove.h"
#include "prove/texts.h"

#include <z3.h>

/*
 * A formula over one symbolic request. Its texts (action, resource, values of condition keys) are classes of
 * texts.h; numbers and dates are Z3's reals, addresses its bit-vectors. What cannot be said exactly is a free
 * boolean ("opaque") with what is certain about it: then "no request" is still a proof, and a request that is
 * found counts only if rb_evaluate() confirms it.
 */

enum {
    RB_FORMULA_MAX_STATES = 200000, /* of one automaton of patterns */
    RB_FORMULA_MAX_VALUES = 16,     /* values of one key that has several */
};

/** What values of a key are compared as. */
enum { RB_FAMILY_TEXT = 1, RB_FAMILY_NUMBER = 2, RB_FAMILY_DATE = 4, RB_FAMILY_ADDRESS = 8 };

/** A text of the request: the action, the resource, or a condition key. */
typedef struct {
    char *name;     /* of the key, as first written; "action", "resource" */
    guint index;    /* among all; names its constants */
    RbTexts *texts; /* shared by keys that are compared with each other */
    guint families, n_conditions, n_values;
    gboolean several; /* it may have several values, or an empty list of them */
    gboolean list;    /* it always is one: operators without a set do not hold on it */
    gboolean is_key;
    Z3_ast present; /* of a key */
} RbTextVar;

/** A pattern with variables in it (or something else that is not known) on one value. */
typedef struct {
    Z3_ast atom;
    const RbTextVar *var;
    guint value;
    RbGlob glob;
    char *pattern; /* as written; of a policy that is not known: its name, and @var is NULL */
    RbPlace place;
} RbOpaque;

typedef struct {
    Z3_context z3;
    Z3_sort boolean, real;
    RbTextVar *action, *resource;
    GHashTable *keys;              /* lower-case name → RbTextVar */
    GPtrArray *vars;               /* all of them */
    GPtrArray *pool;               /* RbTexts */
    GPtrArray *opaque;             /* RbOpaque */
    GArray *rules;                 /* Z3_ast: what is certain */
    const RbRequestContext *facts; /* keys whose values are known */
    const char *account;           /* of the role, for examples; or NULL */
    char *failure;                 /* why nothing can be told; or NULL */
} RbFormula;

RbFormula *rb_formula_new(const RbRequestContext *facts);
void rb_formula_free(RbFormula *formula);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbFormula, rb_formula_free)

/** rb_formula_scan: every set must be seen before any is encoded: which keys there are, and how many values
 * of them matter. */
void rb_formula_scan(RbFormula *formula, const RbPolicySets *sets);
RbTextVar *rb_formula_key(RbFormula *formula, const char *name);

/** rb_formula_allows: that the policies allow the request. rb_formula_unknown: that a policy does which is
 * not known. */
Z3_ast rb_formula_allows(RbFormula *formula, const RbPolicySets *sets, const char *const *unknown);

/** rb_formula_text: that value @value of @var matches @pattern. */
Z3_ast rb_formula_text(RbFormula *formula, const RbTextVar *var, guint value, RbGlob glob,
                       const char *pattern);
Z3_ast rb_formula_condition(RbFormula *formula, const RbPolicy *policy, const RbPolicyCondition *condition);
/** rb_formula_pattern: the same for a pattern that may have variables in it. */
Z3_ast rb_formula_pattern(RbFormula *formula, const RbTextVar *var, guint value, RbGlob glob,
                          const RbPolicy *policy, const RbPolicyText *pattern);

/** rb_formula_opaque: a boolean of which nothing is known. */
Z3_ast rb_formula_opaque(RbFormula *formula, const RbTextVar *var, guint value, RbGlob glob,
                         const RbPolicyText *pattern);

/** rb_formula_close: finds the classes of all texts and says in @rules what they are. FALSE: there are too
 * many; @failure says of what. */
gboolean rb_formula_close(RbFormula *formula);

void rb_formula_rule(RbFormula *formula, Z3_ast rule);
Z3_ast rb_formula_constant(const RbFormula *formula, const RbTextVar *var, guint value, const char *what,
                           Z3_sort sort);
/** rb_formula_used: that the key has an @value-th value. */
Z3_ast rb_formula_used(const RbFormula *formula, const RbTextVar *var, guint value);
Z3_ast rb_formula_or(const RbFormula *formula, const GArray *parts);
Z3_ast rb_formula_and(const RbFormula *formula, const GArray *parts);
Z3_ast rb_formula_not(const RbFormula *formula, Z3_ast part);
/** rb_formula_class: the constant that says of which class a value is. */
Z3_ast rb_formula_class(const RbFormula *formula, const RbTextVar *var, guint value);

/* ---- variables.c ---- */

/** What stands for a variable: (transfer full) its value; NULL: not known. */
typedef char *(*RbVariableValue)(const char *key, gpointer data);

/**
 * rb_prove_expand: (transfer full): @pattern with `${…}` replaced: values literally, what is not known by
 * `*`. @keys: (element-type utf8): the keys that were not known, unless they have a default; may be NULL.
 * @open: whether something was not known. NULL: it is no pattern: a variable is not closed.
 */
char *rb_prove_expand(const char *pattern, gboolean wild, RbVariableValue value, gpointer data,
                      GPtrArray *keys, gboolean *open);

/* ---- values.c: Z3 terms for what is no text ---- */
Z3_ast rb_formula_number(RbFormula *formula, const RbTextVar *var, guint value, RbPolicyTest test,
                         const RbPolicyText *text);
Z3_ast rb_formula_date(RbFormula *formula, const RbTextVar *var, guint value, RbPolicyTest test,
                       const RbPolicyText *text);
Z3_ast rb_formula_address(RbFormula *formula, const RbTextVar *var, guint value, const RbPolicyText *text);

/* ---- model.c ---- */

/** A request that a model of the formula stands for. */
typedef struct {
    char *action, *resource;
    gboolean known_action; /* AWS has it today */
    gboolean typical;      /* and this resource is one that it works on */
    gboolean fits;         /* the resource is at least of the action's service */
    RbRequestContext *context;
    GPtrArray *keys, *absent; /* names of the context's keys, and of those that are not there; sorted */
} RbFoundRequest;
void rb_found_request_clear(RbFoundRequest *found);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbFoundRequest, rb_found_request_clear)

/** rb_model_request: FALSE: no request like this model was found (only where something is opaque). */
gboolean rb_model_request(RbFormula *formula, Z3_model model, RbFoundRequest *found);

#endif
