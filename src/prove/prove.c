#include "base/refusal.h"
#include "prove/question.h"

#include <string.h>

enum { ROUNDS_MAX = 24 };

void
rb_proof_free(RbProof *proof)
{
    if (proof == NULL)
        return;
    g_free(proof->action);
    g_free(proof->resource);
    rb_request_context_free(proof->context);
    g_clear_pointer(&proof->keys, g_ptr_array_unref);
    g_clear_pointer(&proof->absent, g_ptr_array_unref);
    g_clear_pointer(&proof->reasons, g_ptr_array_unref);
    g_free(proof);
}

RbProof *
rb_proof_new(RbProofVerdict verdict)
{
    RbProof *proof = g_new0(RbProof, 1);

    proof->verdict = verdict;
    proof->reasons = g_ptr_array_new_with_free_func(g_free);
    return proof;
}

void
rb_proof_add_reason(RbProof *proof, char *reason)
{
    for (guint i = 0; i < proof->reasons->len; i++)
        if (g_str_equal(proof->reasons->pdata[i], reason)) {
            g_free(reason);
            return;
        }
    g_ptr_array_add(proof->reasons, reason);
}

/* ---- asking rb_evaluate() ---- */

const RbPolicyStatement *
rb_proof_role_allows(const RbProofRole *role, const RbFoundRequest *found)
{
    const char *account = role->account != NULL ? role->account : "111122223333";
    const RbRequest request = {
        .principal = role->principal != NULL ? role->principal : "",
        .session = role->session,
        .principal_account = account,
        .action = found->action,
        .resource = found->resource,
        .resource_account = account, /* what another account adds to it is not asked */
        .context = found->context,
    };
    RbVerdict verdict;

    rb_evaluate(&role->sets, &request, &verdict);
    return verdict.outcome == RB_OUTCOME_ALLOWED ? verdict.statement : NULL;
}

/* ---- looking for a request ---- */

typedef struct {
    const RbQuestion *question;
    RbFormula *formula;
    Z3_solver solver;
    RbFoundRequest best;
    const RbPolicyStatement *allowed; /* of @best; NULL: there is none yet */
    RbProof *doubts;                  /* reasons why a model was no request */
    guint n_doubts;
} Search;

/* Nothing is left to chance in it: what the formula says must be so. */
static gboolean
is_exact(const RbFormula *formula)
{
    if (formula->opaque->len > 0)
        return FALSE;
    for (guint i = 0; i < formula->vars->len; i++) {
        guint families = ((const RbTextVar *)formula->vars->pdata[i])->families;
        if ((families & (families - 1)) != 0)
            return FALSE;
    }
    return TRUE;
}

static void
add_doubts(Search *s, Z3_model model)
{
    const RbFormula *formula = s->formula;

    s->n_doubts++;
    for (guint i = 0; i < formula->opaque->len; i++) {
        const RbOpaque *opaque = formula->opaque->pdata[i];
        Z3_ast value;
        if (!Z3_model_eval(formula->z3, model, opaque->atom, false, &value) ||
            Z3_get_bool_value(formula->z3, value) == Z3_L_UNDEF)
            continue; /* it does not matter */
        rb_proof_add_reason(
            s->doubts, opaque->var == NULL
                           ? g_strdup_printf("the document of the policy '%s' is not known", opaque->pattern)
                           : g_strdup_printf("%s:%u: '%s' depends on other values of the request",
                                             opaque->place.file != NULL ? opaque->place.file : "policy",
                                             opaque->place.line, opaque->pattern));
    }
    for (guint i = 0; i < formula->vars->len; i++) {
        const RbTextVar *var = formula->vars->pdata[i];
        if ((var->families & (var->families - 1)) != 0)
            rb_proof_add_reason(s->doubts,
                                g_strdup_printf("%s is compared as values of several kinds", var->name));
    }
}

/* Not this again: the same action and resource, with the same guesses. */
static void
block(Search *s, Z3_model model, gboolean guesses)
{
    RbFormula *formula = s->formula;
    Z3_context z3 = formula->z3;
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));
    Z3_ast terms[] = { rb_formula_class(formula, formula->action, 0),
                       rb_formula_class(formula, formula->resource, 0) };
    Z3_ast value, same;

    for (guint i = 0; i < G_N_ELEMENTS(terms); i++)
        if (Z3_model_eval(z3, model, terms[i], true, &value)) {
            same = Z3_mk_eq(z3, terms[i], value);
            g_array_append_val(parts, same);
        }
    for (guint i = 0; guesses && i < formula->opaque->len; i++) {
        Z3_ast atom = ((const RbOpaque *)formula->opaque->pdata[i])->atom;
        if (Z3_model_eval(z3, model, atom, true, &value)) {
            same = Z3_mk_eq(z3, atom, value);
            g_array_append_val(parts, same);
        }
    }
    Z3_solver_assert(z3, s->solver, rb_formula_not(formula, rb_formula_and(formula, parts)));
}

static void
keep(Search *s, RbFoundRequest *found, const RbPolicyStatement *allowed)
{
    if (s->allowed == NULL || found->typical || (found->fits && !s->best.fits)) {
        rb_found_request_clear(&s->best);
        s->best = *found;
        *found = (RbFoundRequest){ 0 };
        s->allowed = allowed;
    }
}

/* Returns: FALSE after an error: the formula said something that rb_evaluate() does not. */
static gboolean
try_model(Search *s, Z3_model model, GError **error)
{
    g_auto(RbFoundRequest) found = { 0 };
    gboolean made = rb_model_request(s->formula, model, &found);
    const RbPolicyStatement *allowed = made ? s->question->confirm(s->question, &found) : NULL;

    if (allowed != NULL) {
        keep(s, &found, allowed);
        block(s, model, FALSE);
        return TRUE;
    }
    if (is_exact(s->formula) && !s->question->loose)
        return rb_fault(error, RB_FAULT_INTERNAL,
                        "the proof found %s on %s, and the evaluation does not: one of the two is wrong",
                        made ? found.action : "?", made ? found.resource : "?");
    add_doubts(s, model);
    block(s, model, TRUE);
    return TRUE;
}

/* Until nothing is left, a good request is found, or enough was tried. */
static Z3_lbool
search(Search *s, GError **error)
{
    Z3_context z3 = s->formula->z3;
    Z3_lbool answer = Z3_L_TRUE;

    for (guint i = 0; i < ROUNDS_MAX && !(s->allowed != NULL && s->best.typical); i++) {
        Z3_model model;
        gboolean fine;
        answer = Z3_solver_check(z3, s->solver);
        if (answer != Z3_L_TRUE)
            return answer;
        model = Z3_solver_get_model(z3, s->solver);
        Z3_model_inc_ref(z3, model);
        fine = try_model(s, model, error);
        Z3_model_dec_ref(z3, model);
        if (!fine)
            return Z3_L_UNDEF;
    }
    return answer;
}

static RbProof *
refuted(Search *s, RbProofVerdict verdict)
{
    RbProof *proof = rb_proof_new(verdict);

    proof->action = g_steal_pointer(&s->best.action);
    proof->resource = g_steal_pointer(&s->best.resource);
    proof->context = g_steal_pointer(&s->best.context);
    proof->keys = g_steal_pointer(&s->best.keys);
    proof->absent = g_steal_pointer(&s->best.absent);
    proof->known_action = s->best.known_action;
    proof->allowed = s->allowed;
    return proof;
}

static RbProof *
conclude(Search *s, Z3_lbool answer)
{
    if (s->allowed != NULL)
        return refuted(s, RB_REFUTED);
    if (answer == Z3_L_FALSE && s->n_doubts == 0)
        return rb_proof_new(RB_PROVED);
    if (answer == Z3_L_UNDEF)
        rb_proof_add_reason(s->doubts, g_strdup("there was not enough time"));
    else if (s->doubts->reasons->len == 0)
        rb_proof_add_reason(s->doubts, g_strdup("no request could be made of what the formula allows"));
    return g_steal_pointer(&s->doubts);
}

static Z3_solver
make_solver(const RbFormula *formula, guint timeout_ms)
{
    Z3_context z3 = formula->z3;
    Z3_solver solver = Z3_mk_solver(z3);
    Z3_params params;

    Z3_solver_inc_ref(z3, solver); /* before the next object is made: Z3 keeps only the last one by itself */
    params = Z3_mk_params(z3);
    Z3_params_inc_ref(z3, params);
    if (timeout_ms > 0)
        Z3_params_set_uint(z3, params, Z3_mk_string_symbol(z3, "timeout"), timeout_ms);
    Z3_params_set_uint(z3, params, Z3_mk_string_symbol(z3, "random_seed"), 1);
    Z3_solver_set_params(z3, solver, params);
    Z3_params_dec_ref(z3, params);
    return solver;
}

RbProof *
rb_question_ask(const RbQuestion *question, RbFormula *formula, Z3_ast goal, const RbProofLimits *limits,
                GError **error)
{
    Search s = { .question = question, .formula = formula, .doubts = rb_proof_new(RB_NOT_KNOWN) };
    g_autoptr(GError) wrong = NULL;
    RbProof *proof = NULL;
    Z3_lbool answer;

    if (!rb_formula_close(formula)) {
        rb_proof_add_reason(s.doubts, g_strdup(formula->failure));
        return s.doubts;
    }
    s.solver = make_solver(formula, limits->timeout_ms);
    for (guint i = 0; i < formula->rules->len; i++)
        Z3_solver_assert(formula->z3, s.solver, g_array_index(formula->rules, Z3_ast, i));
    Z3_solver_assert(formula->z3, s.solver, goal);
    answer = search(&s, &wrong);
    if (wrong == NULL)
        proof = conclude(&s, answer);
    else
        g_propagate_error(error, g_steal_pointer(&wrong));
    Z3_solver_dec_ref(formula->z3, s.solver);
    rb_found_request_clear(&s.best);
    rb_proof_free(s.doubts);
    return proof;
}

/* ---- the questions ---- */

static const RbPolicyStatement *
confirm_never(const RbQuestion *question, const RbFoundRequest *found)
{
    return rb_proof_role_allows(question->role, found);
}

RbProof *
rb_prove_never(const RbProofRole *role, const char *action, const char *on, const RbProofLimits *limits,
               GError **error)
{
    const RbQuestion question = { .confirm = confirm_never, .role = role };
    g_autoptr(RbFormula) formula = rb_formula_new(limits->facts);
    Z3_ast parts[3];

    formula->account = role->account;
    rb_formula_scan(formula, &role->sets);
    parts[0] = rb_formula_allows(formula, &role->sets, role->unknown);
    parts[1] = rb_formula_text(formula, formula->action, 0, RB_GLOB_ACTION_WIDE, action);
    parts[2] = rb_formula_text(formula, formula->resource, 0, RB_GLOB_ARN_WIDE, on);
    return rb_question_ask(&question, formula, Z3_mk_and(formula->z3, 3, parts), limits, error);
}

/* A policy that is not known may have allowed it before: then that it is new cannot be confirmed. */
static const RbPolicyStatement *
confirm_new(const RbQuestion *question, const RbFoundRequest *found)
{
    const RbProofRole *before = question->before;

    if (before->unknown != NULL && before->unknown[0] != NULL)
        return NULL;
    return rb_proof_role_allows(before, found) == NULL ? rb_proof_role_allows(question->role, found) : NULL;
}

RbProof *
rb_prove_no_new_access(const RbProofRole *before, const RbProofRole *after, const RbProofLimits *limits,
                       GError **error)
{
    const RbQuestion question = { .confirm = confirm_new, .role = after, .before = before };
    g_autoptr(RbFormula) formula = rb_formula_new(limits->facts);
    Z3_ast parts[2];

    formula->account = after->account;
    rb_formula_scan(formula, &before->sets);
    rb_formula_scan(formula, &after->sets);
    parts[0] = rb_formula_allows(formula, &after->sets, after->unknown);
    parts[1] = rb_formula_not(formula, rb_formula_allows(formula, &before->sets, before->unknown));
    return rb_question_ask(&question, formula, Z3_mk_and(formula->z3, 2, parts), limits, error);
}
