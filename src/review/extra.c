#include "review/priv.h"

#include <string.h>

/* What one set of permits allows and another does not. */

void
rb_extra_free(gpointer data)
{
    RbExtra *extra = data;

    g_ptr_array_unref(extra->actions);
    g_ptr_array_unref(extra->resources);
    g_ptr_array_unref(extra->known);
    g_free(extra);
}

/* One statement of @more being compared. */
typedef struct {
    const RbPermit *permit;
    GPtrArray *wider;   /* RbPermit of the other side whose conditions hold whenever its own do */
    GPtrArray *against; /* RbPermit: unconditional denies beside it, which take from an Allow */
} Compared;

static gboolean
in_actions(const RbPermit *p, const Compared *c, const char *action)
{
    return action != NULL ? rb_permit_action(p, action) : rb_permit_all_actions(p, c->permit);
}

static gboolean
in_resources(const RbPermit *p, const Compared *c, const char *resource)
{
    return resource != NULL ? rb_permit_resource(p, resource) : rb_permit_all_resources(p, c->permit);
}

/* Whether one of @list takes all of @action on @resource; NULL: the statement's Not… list as a whole. */
static gboolean
is_in(const GPtrArray *list, const Compared *c, const char *action, const char *resource)
{
    for (guint i = 0; i < list->len; i++)
        if (in_actions(list->pdata[i], c, action) && in_resources(list->pdata[i], c, resource))
            return TRUE;
    return FALSE;
}

static gboolean
is_had(const Compared *c, const char *action, const char *resource)
{
    return is_in(c->wider, c, action, resource) || is_in(c->against, c, action, resource);
}

/* Those of both lists that take @resource. */
static GPtrArray *
takers(const Compared *c, const char *resource)
{
    GPtrArray *out = g_ptr_array_new();

    for (guint i = 0; i < c->wider->len; i++)
        if (in_resources(c->wider->pdata[i], c, resource))
            g_ptr_array_add(out, c->wider->pdata[i]);
    for (guint i = 0; i < c->against->len; i++)
        if (in_resources(c->against->pdata[i], c, resource))
            g_ptr_array_add(out, c->against->pdata[i]);
    return out;
}

/* Whether all of one service's actions are taken by @takers, or none: a service is judged whole where it can
 * be, since AWS has some 20,000 actions. */
typedef enum { NONE, SOME, ALL } Taken;

static Taken
taken_of_service(const Compared *c, const GPtrArray *list, const char *service)
{
    g_autofree char *pattern = g_strconcat(service, ":*", NULL);
    Taken taken = c->permit->statement->not_action && !rb_permit_action(c->permit, pattern) ? SOME : NONE;

    for (guint i = 0; i < list->len; i++) {
        if (rb_permit_action(list->pdata[i], pattern))
            return ALL;
        if (rb_permit_some_action(list->pdata[i], pattern))
            taken = SOME;
    }
    return taken;
}

static gboolean
is_missing(const Compared *c, const GPtrArray *list, const RbAction *a)
{
    g_autofree char *full = g_strconcat(a->service, ":", a->name, NULL), *lower = g_ascii_strdown(full, -1);

    if (c->permit->statement->not_action && !rb_permit_action(c->permit, lower))
        return FALSE;
    for (guint i = 0; i < list->len; i++)
        if (rb_permit_action(list->pdata[i], lower))
            return FALSE;
    return TRUE;
}

/* The actions of @expanded (those of one pattern, by service) that are not had on @resource, into @known. */
static void
add_missing(const Compared *c, const GPtrArray *expanded, const char *resource, GHashTable *known)
{
    g_autoptr(GPtrArray) list = takers(c, resource);
    const char *service = NULL;
    Taken taken = NONE;

    for (guint i = 0; i < expanded->len; i++) {
        const RbAction *a = g_ptr_array_index(expanded, i);
        if (service == NULL || !g_str_equal(service, a->service)) {
            service = a->service;
            taken = taken_of_service(c, list, service);
        }
        if (taken == NONE || (taken == SOME && is_missing(c, list, a)))
            g_hash_table_add(known, (gpointer)a);
    }
}

/* In order, each once. */
static void
sort_known(GPtrArray *known)
{
    guint n = 0;

    g_ptr_array_sort(known, rb_action_compare);
    for (guint i = 0; i < known->len; i++)
        if (n == 0 || known->pdata[n - 1] != known->pdata[i])
            known->pdata[n++] = known->pdata[i];
    g_ptr_array_set_size(known, (gint)n);
}

static gboolean
same_texts(const GPtrArray *a, const GPtrArray *b)
{
    if (a->len != b->len)
        return FALSE;
    for (guint i = 0; i < a->len; i++)
        if (!g_str_equal(a->pdata[i], b->pdata[i]))
            return FALSE;
    return TRUE;
}

static RbExtra *
extra_new(const RbPermit *permit)
{
    RbExtra *extra = g_new0(RbExtra, 1);

    extra->permit = permit;
    extra->actions = g_ptr_array_new();
    extra->resources = g_ptr_array_new();
    extra->known = g_ptr_array_new();
    if (permit != NULL) {
        extra->deny = !permit->statement->allow;
        extra->not_actions = permit->statement->not_action;
        extra->not_resources = permit->statement->not_resource;
    }
    return extra;
}

/* Takes the action at @a of the statement (NULL: its NotAction) into @out, beside one with equal resources.
 */
static void
put(GPtrArray *out, guint first, const Compared *c, const char *action, GPtrArray *resources,
    GHashTable *known)
{
    RbExtra *extra = NULL;
    GHashTableIter iter;
    gpointer each;

    for (guint i = first; extra == NULL && i < out->len; i++)
        if (same_texts(((RbExtra *)out->pdata[i])->resources, resources))
            extra = out->pdata[i];
    if (extra == NULL) {
        extra = extra_new(c->permit);
        for (guint i = 0; i < resources->len; i++)
            g_ptr_array_add(extra->resources, resources->pdata[i]);
        g_ptr_array_add(out, extra);
    }
    if (action != NULL)
        g_ptr_array_add(extra->actions, (gpointer)action);
    for (guint i = 0; action == NULL && i < c->permit->statement->actions.n; i++)
        g_ptr_array_add(extra->actions, (gpointer)c->permit->statement->actions.at[i].text);
    g_hash_table_iter_init(&iter, known);
    while (g_hash_table_iter_next(&iter, &each, NULL))
        g_ptr_array_add(extra->known, each);
    sort_known(extra->known);
}

/* The resources of the statement on which @lower (NULL: its NotAction) is not had. */
static void
compare_action(GPtrArray *out, guint first, const Compared *c, const char *action, const char *lower)
{
    const RbPolicyStatement *s = c->permit->statement;
    g_autoptr(GPtrArray) resources = g_ptr_array_new(), expanded = NULL;
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < (s->not_resource ? 1 : s->resources.n); i++) {
        const char *resource = s->not_resource ? NULL : s->resources.at[i].text;
        if (is_had(c, lower, resource))
            continue;
        if (expanded == NULL)
            expanded = rb_catalogue_expand(lower == NULL ? "*" : lower);
        add_missing(c, expanded, resource, known);
        if (resource != NULL)
            g_ptr_array_add(resources, (gpointer)resource);
        for (guint k = 0; resource == NULL && k < s->resources.n; k++)
            g_ptr_array_add(resources, (gpointer)s->resources.at[k].text);
    }
    if (resources->len > 0)
        put(out, first, c, action, resources, known);
}

static void
compare_permit(GPtrArray *out, const Compared *c)
{
    const RbPolicyStatement *s = c->permit->statement;
    guint first = out->len;

    for (guint i = 0; i < (s->not_action ? 1 : s->actions.n); i++)
        compare_action(out, first, c, s->not_action ? NULL : s->actions.at[i].text,
                       s->not_action ? NULL : c->permit->actions[i]);
}

static gboolean
meets_any(const RbPermit *permit, const GPtrArray *list)
{
    for (guint i = 0; i < list->len; i++)
        if (rb_permit_meets(permit, list->pdata[i]))
            return TRUE;
    return FALSE;
}

/* Those of @theirs that hold whenever @permit does. */
static GPtrArray *
wider_than(const RbPermit *permit, const GPtrArray *theirs)
{
    GPtrArray *out = g_ptr_array_new();

    for (guint i = 0; i < theirs->len; i++)
        if (rb_permit_narrower(theirs->pdata[i], permit))
            g_ptr_array_add(out, theirs->pdata[i]);
    return out;
}

static void
compare(GPtrArray *out, const RbPermit *permit, const GPtrArray *theirs, const GPtrArray *against)
{
    g_autoptr(GPtrArray) wider = wider_than(permit, theirs);
    g_autoptr(GPtrArray) hard = wider_than(permit, against);
    Compared c = { permit, wider, hard };

    compare_permit(out, &c);
}

GPtrArray *
rb_permits_extra(const RbPermits *less, const RbPermits *more)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(rb_extra_free);
    g_autoptr(GPtrArray) nothing = g_ptr_array_new();

    for (guint i = 0; i < more->allows->len; i++)
        if (more->within == NULL || meets_any(more->allows->pdata[i], more->within))
            compare(out, more->allows->pdata[i], less->allows, more->denies);
    for (guint i = 0; i < less->denies->len; i++) /* lifted, if it stood against something */
        if (meets_any(less->denies->pdata[i], more->allows))
            compare(out, less->denies->pdata[i], more->denies, nothing);
    for (guint i = 0; i < more->unknown->len; i++)
        if (!g_ptr_array_find_with_equal_func(less->unknown, more->unknown->pdata[i], g_str_equal, NULL)) {
            RbExtra *extra = extra_new(NULL);
            extra->managed = more->unknown->pdata[i];
            g_ptr_array_add(out, extra);
        }
    return out;
}
