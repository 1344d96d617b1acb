#include "iam/arn.h"
#include "iam/catalogue.h"
#include "prove/question.h"

#include <string.h>

/*
 * Whether a role reaches out of some accounts. Where the account stands in the ARN, that is the answer; where
 * it does not (buckets), AWS tells it in aws:ResourceAccount, and a policy can ask for it. Both are one
 * account: every one that a policy names is tried, and one that none names, which stands for all others.
 */

static const char fresh_accounts[][13] = { "999900001111", "999900002222", "999900003333" };

enum { ALONE_MAX = 3000 }; /* actions without resources that are told apart */

typedef struct {
    RbFormula *formula;
    const RbTextVar *key; /* aws:ResourceAccount */
    GPtrArray *outside;   /* accounts to try */
    const char *const *accounts;
    gboolean parts; /* some pattern has wildcards within an account's number */
} Within;

static void
add_outside(Within *w, const char *account)
{
    if (g_strv_contains(w->accounts, account) || !rb_arn_is_account(account))
        return;
    for (guint i = 0; i < w->outside->len; i++)
        if (g_str_equal(w->outside->pdata[i], account))
            return;
    g_ptr_array_add(w->outside, g_strdup(account));
}

static void
note_account(Within *w, const char *text)
{
    if (strpbrk(text, "*?") != NULL && strspn(text, "*") != strlen(text))
        w->parts = TRUE;
    add_outside(w, text);
}

/* Every account that the patterns name. */
static void
collect(Within *w)
{
    const RbTexts *texts = w->formula->resource->texts;
    RbGlob glob;

    w->outside = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < rb_texts_n(texts); i++) {
        g_auto(GStrv) fields = g_strsplit(rb_texts_pattern(texts, i, &glob), ":", 6);
        if (g_strv_length(fields) == 6)
            note_account(w, fields[4]);
    }
    for (guint i = 0; i < rb_texts_n(w->key->texts); i++)
        note_account(w, rb_texts_pattern(w->key->texts, i, &glob));
    for (guint i = 0, n = w->outside->len; i < G_N_ELEMENTS(fresh_accounts); i++) {
        add_outside(w, fresh_accounts[i]);
        if (w->outside->len > n)
            break;
    }
}

static Z3_ast
in_account(const Within *w, const char *account)
{
    g_autofree char *pattern = g_strdup_printf("arn:*:*:*:%s:*", account);

    return rb_formula_text(w->formula, w->formula->resource, 0, RB_GLOB_ARN, pattern);
}

/* aws:ResourceAccount is @account; and the ARN says so too, or nothing (@said FALSE). */
static Z3_ast
of_account(const Within *w, const char *account, gboolean said)
{
    Z3_ast parts[] = {
        w->key->present,
        rb_formula_used(w->formula, w->key, 0),
        rb_formula_text(w->formula, w->key, 0, RB_GLOB_EXACT, account),
        in_account(w, said ? account : ""),
    };

    return Z3_mk_and(w->formula->z3, G_N_ELEMENTS(parts), parts);
}

static Z3_ast
outside(const Within *w, gboolean said)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));

    for (guint i = 0; i < w->outside->len; i++) {
        Z3_ast part = of_account(w, w->outside->pdata[i], said);
        g_array_append_val(parts, part);
    }
    return rb_formula_or(w->formula, parts);
}

/* ---- actions that work on no resource: they stay in the account ---- */

static void
add_alone(GHashTable *alone, const RbPolicyTexts *actions)
{
    for (guint i = 0; i < actions->n; i++) {
        g_autoptr(GPtrArray) list = rb_catalogue_expand(actions->at[i].text);
        for (guint j = 0; j < list->len; j++) {
            const RbAction *action = list->pdata[j];
            if (action->resources[0] == NULL)
                (void)g_hash_table_add(alone, g_strconcat(action->service, ":", action->name, NULL));
        }
    }
}

static Z3_ast
takes_resource(RbFormula *formula, const RbPolicies *policies)
{
    g_autoptr(GHashTable) alone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Z3_ast));
    GHashTableIter each;
    gpointer name;

    for (guint i = 0; i < policies->n; i++)
        for (guint j = 0; j < policies->at[i]->n_statements; j++)
            if (policies->at[i]->statements[j].allow && !policies->at[i]->statements[j].not_action)
                add_alone(alone, &policies->at[i]->statements[j].actions);
    g_hash_table_iter_init(&each, alone);
    while (g_hash_table_size(alone) <= ALONE_MAX && g_hash_table_iter_next(&each, &name, NULL)) {
        Z3_ast part =
            rb_formula_not(formula, rb_formula_text(formula, formula->action, 0, RB_GLOB_NOCASE, name));
        g_array_append_val(parts, part);
    }
    return rb_formula_and(formula, parts);
}

/* ---- the two questions ---- */

static const RbPolicyStatement *
confirm(const RbQuestion *question, const RbFoundRequest *found)
{
    return rb_proof_role_allows(question->role, found);
}

/* @said: resources whose ARN names an account; else those whose ARN names none. */
static RbProof *
ask(const RbProofRole *role, const char *const *accounts, gboolean said, const RbProofLimits *limits,
    GError **error)
{
    const RbQuestion question = { .confirm = confirm, .role = role };
    g_autoptr(RbFormula) formula = rb_formula_new(limits->facts);
    Within w = { .formula = formula, .accounts = accounts };
    RbProof *proof;
    Z3_ast parts[3];

    rb_formula_scan(formula, &role->sets);
    w.key = rb_formula_key(formula, "aws:ResourceAccount");
    parts[0] = rb_formula_allows(formula, &role->sets, role->unknown);
    collect(&w);
    formula->account = w.outside->pdata[w.outside->len - 1];
    parts[1] = outside(&w, said);
    parts[2] = takes_resource(formula, &role->sets.identity);
    proof = rb_question_ask(&question, formula, Z3_mk_and(formula->z3, 3, parts), limits, error);
    if (proof != NULL && proof->verdict == RB_PROVED && w.parts) {
        proof->verdict = RB_NOT_KNOWN;
        rb_proof_add_reason(proof, g_strdup("a pattern has wildcards within an account's number"));
    }
    g_ptr_array_unref(w.outside);
    return proof;
}

RbProof *
rb_prove_within(const RbProofRole *role, const char *const *accounts, const RbProofLimits *limits,
                GError **error)
{
    RbProof *proof = ask(role, accounts, TRUE, limits, error);

    if (proof == NULL || proof->verdict != RB_PROVED)
        return proof;
    rb_proof_free(proof);
    proof = ask(role, accounts, FALSE, limits, error);
    if (proof != NULL && proof->verdict == RB_REFUTED) {
        proof->verdict = RB_NOT_KNOWN;
        rb_proof_add_reason(proof,
                            g_strdup("the ARN of this resource names no account, so it may be anybody's; a "
                                     "condition on aws:ResourceAccount would decide it"));
    }
    return proof;
}
