#include "base/encoding.h"
#include "mapping/priv.h"

/* Which assignments without groups somebody comes nearest to, and what each of them misses. */

enum { TOLD = 3 };

typedef struct {
    const RbAssignment *assignment;
    guint missing; /* facts */
    gboolean odd;  /* nothing stated looks like what the first of them asks for */
} Candidate;

/* Whether a stated value looks like a text that @when wants. */
static gboolean
looks_alike(const RbWhen *when, const char *const *values)
{
    gboolean alike = FALSE;

    for (guint i = 0; values != NULL && values[i] != NULL && i < 16 && !alike; i++)
        for (guint k = 0; k < when->n_values && !alike; k++) {
            const char *const wanted[] = { when->values[k].text, NULL };
            alike = when->values[k].kind == RB_MATCHER_EXACT && rb_text_nearest(values[i], wanted) != NULL;
        }
    return alike;
}

static gboolean
vouches(const RbAssignment *a, const RbIdentity *identity)
{
    return g_str_equal(a->provider, identity->provider);
}

/* FALSE: nothing of it holds. */
static gboolean
measure(const RbAssignment *a, const RbIdentity *identity, RbMatchSpace *space, Candidate *c)
{
    *c = (Candidate){ a, vouches(a, identity) ? 0 : 1, FALSE };
    for (guint i = 0; i < a->n_when; i++) {
        const char *const *values = rb_identity_attribute(identity, a->when[i].attribute);
        if (rb_when_match(&a->when[i], values, space, NULL) == RB_MATCH_YES)
            continue;
        c->odd = c->odd || !looks_alike(&a->when[i], values);
        c->missing++;
    }
    return c->missing > 0 && c->missing < a->n_when + 1;
}

static gint
by_nearness(gconstpointer a, gconstpointer b)
{
    const Candidate *x = a, *y = b;

    return x->missing != y->missing ? (x->missing < y->missing ? -1 : 1) : (gint)x->odd - (gint)y->odd;
}

static void
append_fact(GString *out, const char *fact)
{
    g_string_append(out, out->len == 0 ? "" : "; and ");
    g_string_append(out, fact);
}

static char *
describe(const Candidate *c, const RbIdentity *identity, RbMatchSpace *space)
{
    const RbAssignment *a = c->assignment;
    g_autoptr(GString) facts = g_string_new(NULL);

    if (!vouches(a, identity)) {
        g_autofree char *fact =
            g_strdup_printf("only when '%s' vouches; '%s' did", a->provider, identity->provider);
        append_fact(facts, fact);
    }
    for (guint i = 0; i < a->n_when; i++) {
        const char *const *values = rb_identity_attribute(identity, a->when[i].attribute);
        g_autofree char *fact = NULL;
        if (rb_when_match(&a->when[i], values, space, NULL) == RB_MATCH_YES)
            continue;
        fact = rb_when_misses(&a->when[i], values);
        append_fact(facts, fact);
    }
    return g_strdup_printf("%s (%s:%u): %s", a->role->name, a->place.file, a->place.line, facts->str);
}

GStrv
rb_snapshot_nearest(const RbSnapshot *s, const RbIdentity *identity, const char *account, const char *role)
{
    g_autoptr(GArray) near = g_array_new(FALSE, FALSE, sizeof(Candidate));
    GPtrArray *out = g_ptr_array_new();
    RbMatchSpace space = { NULL, NULL };

    for (guint i = 0; i < s->assignments->len; i++) {
        const RbAssignment *a = &g_array_index(s->assignments, RbAssignment, i);
        Candidate c;
        if (a->by_claims && rb_assignment_gives(s, a, account, role) && measure(a, identity, &space, &c))
            g_array_append_val(near, c);
    }
    g_array_sort(near, by_nearness); /* stable: else in the order of the files */
    for (guint i = 0; i < near->len && i < TOLD; i++)
        g_ptr_array_add(out, describe(&g_array_index(near, Candidate, i), identity, &space));
    rb_match_space_clear(&space);
    g_ptr_array_add(out, NULL);
    return (GStrv)g_ptr_array_free(out, FALSE);
}
