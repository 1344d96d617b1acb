#include "iam/match.h"
#include "review/priv.h"

#include <string.h>

/*
 * Statements compared as sets of requests. What is said to be covered is; what is not said to be may be,
 * where only several statements together cover it. Conditions are compared by their texts.
 */

static void
permit_free(gpointer data)
{
    RbPermit *permit = data;

    g_strfreev(permit->actions);
    g_free(permit);
}

GPtrArray *
rb_permit_list(const RbPolicy *policy)
{
    GPtrArray *list = g_ptr_array_new_full(policy->n_statements, permit_free);

    for (guint i = 0; i < policy->n_statements; i++) {
        const RbPolicyStatement *s = &policy->statements[i];
        RbPermit *permit = g_new0(RbPermit, 1);
        permit->statement = s;
        permit->actions = g_new0(char *, s->actions.n + 1);
        for (guint k = 0; k < s->actions.n; k++)
            permit->actions[k] = g_ascii_strdown(s->actions.at[k].text, -1);
        g_ptr_array_add(list, permit);
    }
    return list;
}

RbPermits *
rb_permits_new(void)
{
    RbPermits *permits = g_new0(RbPermits, 1);

    permits->allows = g_ptr_array_new();
    permits->denies = g_ptr_array_new();
    permits->unknown = g_ptr_array_new();
    return permits;
}

void
rb_permits_free(RbPermits *permits)
{
    if (permits == NULL)
        return;
    g_ptr_array_unref(permits->allows);
    g_ptr_array_unref(permits->denies);
    g_ptr_array_unref(permits->unknown);
    g_free(permits);
}

void
rb_permits_add(RbPermits *permits, const GPtrArray *list)
{
    for (guint i = 0; i < list->len; i++) {
        RbPermit *permit = g_ptr_array_index(list, i);
        g_ptr_array_add(permit->statement->allow ? permits->allows : permits->denies, permit);
    }
}

/* ---- patterns ---- */

/* What @wide has before its first wildcard must be there in @narrow: nearly every "no" is told by this. */
static gboolean
may_cover(const char *wide, const char *narrow)
{
    gsize n = strcspn(wide, "*?");

    return wide[n] != '\0' && strncmp(wide, narrow, n) == 0;
}

static gboolean
covers(const char *wide, const char *narrow)
{
    if (g_str_equal(wide, "*") || g_str_equal(wide, narrow))
        return TRUE;
    if (!may_cover(wide, narrow))
        return FALSE;
    return strpbrk(narrow, "*?") == NULL ? rb_match_text(wide, narrow) : rb_match_covers(wide, narrow);
}

/* ARNs field by field, as AWS compares them; a text that is none covers as a text does. */
static gboolean
covers_resource(const char *wide, const char *narrow)
{
    if (g_str_equal(wide, "*") || g_str_equal(wide, narrow))
        return TRUE;
    return may_cover(wide, narrow) && rb_match_covers_arn(wide, narrow);
}

/* A policy variable may become any text: for overlaps it is a wildcard. */
static char *
open_variables(const char *text)
{
    GString *out = g_string_new(NULL);
    const char *open, *close;

    while ((open = strstr(text, "${")) != NULL && (close = strchr(open, '}')) != NULL) {
        g_string_append_len(out, text, open - text);
        g_string_append_c(out, '*');
        text = close + 1;
    }
    g_string_append(out, text);
    return g_string_free(out, FALSE);
}

static gboolean
overlaps(const char *a, const char *b)
{
    g_autofree char *x = NULL, *y = NULL;

    if (g_str_equal(a, "*") || g_str_equal(b, "*") || g_str_equal(a, b))
        return TRUE;
    if (strpbrk(a, "*?$") == NULL && strpbrk(b, "*?$") == NULL)
        return FALSE;
    x = open_variables(a);
    y = open_variables(b);
    return rb_match_overlaps(x, y);
}

gboolean
rb_permit_action(const RbPermit *permit, const char *text)
{
    for (guint i = 0; permit->actions[i] != NULL; i++)
        if (permit->statement->not_action ? overlaps(permit->actions[i], text)
                                          : covers(permit->actions[i], text))
            return !permit->statement->not_action;
    return permit->statement->not_action;
}

gboolean
rb_permit_some_action(const RbPermit *permit, const char *text)
{
    for (guint i = 0; permit->actions[i] != NULL; i++)
        if (permit->statement->not_action ? covers(permit->actions[i], text)
                                          : overlaps(permit->actions[i], text))
            return !permit->statement->not_action;
    return permit->statement->not_action;
}

gboolean
rb_permit_resource(const RbPermit *permit, const char *text)
{
    const RbPolicyTexts *resources = &permit->statement->resources;

    for (guint i = 0; i < resources->n; i++)
        if (permit->statement->not_resource ? overlaps(resources->at[i].text, text)
                                            : covers_resource(resources->at[i].text, text))
            return !permit->statement->not_resource;
    return permit->statement->not_resource;
}

gboolean
rb_permit_some_resource(const RbPermit *permit, const char *text)
{
    const RbPolicyTexts *resources = &permit->statement->resources;

    for (guint i = 0; i < resources->n; i++)
        if (permit->statement->not_resource ? covers_resource(resources->at[i].text, text)
                                            : overlaps(resources->at[i].text, text))
            return !permit->statement->not_resource;
    return permit->statement->not_resource;
}

gboolean
rb_permit_all_actions(const RbPermit *wide, const RbPermit *narrow)
{
    if (!wide->statement->not_action)
        return rb_permit_action(wide, "*");
    for (guint i = 0; wide->actions[i] != NULL; i++) { /* what it leaves out, the other must leave out too */
        gboolean out = FALSE;
        for (guint k = 0; !out && narrow->actions[k] != NULL; k++)
            out = covers(narrow->actions[k], wide->actions[i]);
        if (!out)
            return FALSE;
    }
    return TRUE;
}

gboolean
rb_permit_all_resources(const RbPermit *wide, const RbPermit *narrow)
{
    const RbPolicyTexts *w = &wide->statement->resources, *n = &narrow->statement->resources;

    if (!wide->statement->not_resource)
        return rb_permit_resource(wide, "*");
    for (guint i = 0; i < w->n; i++) {
        gboolean out = FALSE;
        for (guint k = 0; !out && k < n->n; k++)
            out = covers_resource(n->at[k].text, w->at[i].text);
        if (!out)
            return FALSE;
    }
    return TRUE;
}

/* ---- conditions ---- */

static gboolean
has_value(const RbPolicyTexts *values, const char *text, gboolean like)
{
    for (guint i = 0; i < values->n; i++)
        if (g_str_equal(values->at[i].text, text) || (like && covers(values->at[i].text, text)))
            return TRUE;
    return FALSE;
}

static gboolean
values_within(const RbPolicyTexts *few, const RbPolicyTexts *many, gboolean like)
{
    for (guint i = 0; i < few->n; i++)
        if (!has_value(many, few->at[i].text, like))
            return FALSE;
    return TRUE;
}

/* Whether @wide holds whenever @narrow does. More values of a negated operator ask more, of others less. */
static gboolean
condition_narrower(const RbPolicyCondition *wide, const RbPolicyCondition *narrow)
{
    gboolean like = wide->test == RB_TEST_STRING_LIKE && !wide->negated;

    if (wide->test != narrow->test || wide->set != narrow->set || wide->negated != narrow->negated ||
        (narrow->if_exists && !wide->if_exists) || g_ascii_strcasecmp(wide->key.text, narrow->key.text) != 0)
        return FALSE;
    return wide->negated ? values_within(&wide->values, &narrow->values, FALSE)
                         : values_within(&narrow->values, &wide->values, like);
}

gboolean
rb_permit_narrower(const RbPermit *wide, const RbPermit *narrow)
{
    const RbPolicyStatement *w = wide->statement, *n = narrow->statement;

    for (guint i = 0; i < w->n_conditions; i++) {
        gboolean implied = FALSE;
        for (guint k = 0; !implied && k < n->n_conditions; k++)
            implied = condition_narrower(&w->conditions[i], &n->conditions[k]);
        if (!implied)
            return FALSE;
    }
    return TRUE;
}

/* ---- both ---- */

static gboolean
some_action(const RbPermit *a, const RbPermit *b)
{
    if (a->statement->not_action && b->statement->not_action)
        return TRUE;
    if (a->statement->not_action)
        return some_action(b, a);
    for (guint i = 0; a->actions[i] != NULL; i++) {
        if (b->statement->not_action) {
            gboolean out = FALSE;
            for (guint k = 0; !out && b->actions[k] != NULL; k++)
                out = covers(b->actions[k], a->actions[i]);
            if (!out)
                return TRUE;
            continue;
        }
        for (guint k = 0; b->actions[k] != NULL; k++)
            if (overlaps(a->actions[i], b->actions[k]))
                return TRUE;
    }
    return FALSE;
}

static gboolean
some_resource(const RbPermit *a, const RbPermit *b)
{
    const RbPolicyTexts *x = &a->statement->resources, *y = &b->statement->resources;

    if (a->statement->not_resource && b->statement->not_resource)
        return TRUE;
    if (a->statement->not_resource)
        return some_resource(b, a);
    for (guint i = 0; i < x->n; i++) {
        gboolean out = FALSE;
        for (guint k = 0; k < y->n; k++) {
            if (!b->statement->not_resource && overlaps(x->at[i].text, y->at[k].text))
                return TRUE;
            out = out || covers_resource(y->at[k].text, x->at[i].text);
        }
        if (b->statement->not_resource && !out)
            return TRUE;
    }
    return FALSE;
}

gboolean
rb_permit_meets(const RbPermit *a, const RbPermit *b)
{
    return some_action(a, b) && some_resource(a, b);
}
