#include "iam/match.h"
#include "iam/policy_priv.h"

#include <string.h>

/* One form for what means the same to AWS (reference §9.2). */

static gint
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(((const RbPolicyText *)a)->text, ((const RbPolicyText *)b)->text);
}

typedef gboolean (*Covers)(const char *wide, const char *narrow);

/* Whether another of those not yet @gone covers the one at @i. */
static gboolean
is_covered(const RbPolicyText *at, const gboolean *gone, guint n, guint i, Covers covers)
{
    for (guint k = 0; k < n; k++)
        if (k != i && !gone[k] && covers(at[k].text, at[i].text))
            return TRUE;
    return FALSE;
}

/*
 * Sorted, each once, and without what another one covers: from the end, and only beside one that stays, so
 * that of several that cover each other the first remains. Lists of extraordinary length keep what is
 * covered: the work grows with the square.
 */
static RbPolicyTexts
settle(RbPolicy *policy, RbPolicyText *at, guint n, Covers covers)
{
    enum { COVERED_MAX = 1000 };
    g_autofree gboolean *gone = g_new0(gboolean, n + 1);
    RbPolicyText *out = rb_policy_alloc(policy, n, sizeof *out);
    guint once = 0, kept = 0;

    qsort(at, n, sizeof *at, by_text);
    for (guint i = 0; i < n; i++)
        if (i == 0 || !g_str_equal(at[i].text, at[once - 1].text))
            at[once++] = at[i];
    for (guint i = once; i-- > 0 && covers != NULL && once <= COVERED_MAX;)
        gone[i] = is_covered(at, gone, once, i, covers);
    for (guint i = 0; i < once; i++)
        if (!gone[i])
            out[kept++] = at[i];
    return (RbPolicyTexts){ out, kept };
}

static RbPolicyText *
copy(RbPolicy *policy, RbPolicyTexts texts)
{
    RbPolicyText *out = rb_policy_alloc(policy, texts.n, sizeof *out);

    if (texts.n > 0)
        memcpy(out, texts.at, texts.n * sizeof *out);
    return out;
}

static RbPolicyTexts
in_lower_case(RbPolicy *policy, RbPolicyTexts texts, Covers covers)
{
    RbPolicyText *at = copy(policy, texts);

    for (guint i = 0; i < texts.n; i++) {
        g_autofree char *lower = g_ascii_strdown(at[i].text, -1);
        at[i].text = rb_policy_keep(policy, lower);
    }
    return settle(policy, at, texts.n, covers);
}

/* ---- principals ---- */

/* "arn:aws:iam::111122223333:root" is "111122223333". */
static const char *
principal_form(RbPolicy *policy, const char *text)
{
    g_auto(GStrv) fields = g_strsplit(text, ":", 6);

    if (g_strv_length(fields) == 6 && g_str_equal(fields[0], "arn") && g_str_equal(fields[2], "iam") &&
        g_str_equal(fields[3], "") && g_str_equal(fields[5], "root"))
        return rb_policy_keep(policy, fields[4]);
    return text;
}

static gint
by_kind(gconstpointer a, gconstpointer b)
{
    return by_text(&((const RbPolicyPrincipal *)a)->kind, &((const RbPolicyPrincipal *)b)->kind);
}

static void
normalise_principals(RbPolicy *policy, RbPolicyStatement *s)
{
    RbPolicyPrincipal *out = rb_policy_alloc(policy, s->n_principals, sizeof *out);

    for (guint i = 0; i < s->n_principals; i++) {
        RbPolicyText *at = copy(policy, s->principals[i].values);
        guint n = s->principals[i].values.n;
        out[i].kind = s->principals[i].kind;
        if (g_str_equal(out[i].kind.text, "*"))
            out[i].kind.text = "AWS"; /* "*" and { "AWS": "*" } are one */
        for (guint k = 0; k < n; k++)
            at[k].text = principal_form(policy, at[k].text);
        out[i].values = settle(policy, at, n, NULL);
    }
    if (s->n_principals > 1)
        qsort(out, s->n_principals, sizeof *out, by_kind);
    s->principals = out;
}

/* ---- conditions ---- */

static gint
by_operator_and_key(gconstpointer a, gconstpointer b)
{
    const RbPolicyCondition *x = a, *y = b;
    int order = strcmp(x->op.text, y->op.text);

    return order != 0 ? order : strcmp(x->key.text, y->key.text);
}

/* ArnEquals is ArnLike by another name. */
static const char *
operator_form(RbPolicy *policy, const RbPolicyCondition *c)
{
    g_autofree char *text = NULL;
    const char *sets[] = { "", "ForAnyValue:", "ForAllValues:" };

    if (c->test != RB_TEST_ARN_LIKE)
        return c->op.text;
    text = g_strdup_printf("%sArn%sLike%s", sets[c->set], c->negated ? "Not" : "",
                           c->if_exists ? "IfExists" : "");
    return rb_policy_keep(policy, text);
}

static void
normalise_conditions(RbPolicy *policy, RbPolicyStatement *s)
{
    RbPolicyCondition *out = rb_policy_alloc(policy, s->n_conditions, sizeof *out);

    for (guint i = 0; i < s->n_conditions; i++) {
        const RbPolicyCondition *c = &s->conditions[i];
        g_autofree char *key = g_ascii_strdown(c->key.text, -1);
        out[i] = *c;
        out[i].op.text = operator_form(policy, c);
        out[i].key.text = rb_policy_keep(policy, key);
        out[i].values = c->test == RB_TEST_BOOL || c->test == RB_TEST_NULL
                            ? in_lower_case(policy, c->values, NULL)
                            : settle(policy, copy(policy, c->values), c->values.n, NULL);
    }
    if (s->n_conditions > 1)
        qsort(out, s->n_conditions, sizeof *out, by_operator_and_key);
    s->conditions = out;
}

RbPolicy *
rb_policy_normalise(const RbPolicy *policy)
{
    RbPolicy *out = rb_policy_map(policy, NULL, NULL);
    RbPolicyStatement *statements = rb_policy_alloc(out, out->n_statements, sizeof *statements);

    for (guint i = 0; i < out->n_statements; i++) {
        RbPolicyStatement *s = &statements[i];
        *s = out->statements[i];
        if (s->sid.text != NULL && *s->sid.text == '\0')
            s->sid.text = NULL;
        s->actions = in_lower_case(out, s->actions, rb_match_covers);
        s->resources = settle(out, copy(out, s->resources), s->resources.n, rb_match_covers);
        normalise_principals(out, s);
        normalise_conditions(out, s);
    }
    out->statements = statements;
    return out;
}

/* ---- comparing ---- */

static gint
by_string(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every statement of @policy as its normal text, sorted, each once. */
static GPtrArray *
statement_texts(const RbPolicy *policy)
{
    g_autoptr(RbPolicy) normal = rb_policy_normalise(policy);
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < normal->n_statements; i++) {
        RbPolicyStatement *s = (RbPolicyStatement *)&normal->statements[i]; /* ours alone */
        g_autoptr(RbPolicy) one = NULL;
        s->sid.text = NULL;
        one = rb_policy_statements(normal, &i, 1);
        g_ptr_array_add(texts, rb_policy_print(one));
    }
    g_ptr_array_sort(texts, by_string);
    for (guint i = texts->len; i > 1; i--)
        if (g_str_equal(texts->pdata[i - 1], texts->pdata[i - 2]))
            g_ptr_array_remove_index(texts, i - 1);
    return texts;
}

gboolean
rb_policy_equal(const RbPolicy *a, const RbPolicy *b)
{
    g_autoptr(GPtrArray) x = statement_texts(a), y = statement_texts(b);

    if (x->len != y->len) /* the version is part of each text */
        return FALSE;
    for (guint i = 0; i < x->len; i++)
        if (!g_str_equal(x->pdata[i], y->pdata[i]))
            return FALSE;
    return TRUE;
}
