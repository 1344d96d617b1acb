#include "base/encoding.h"
#include "iam/catalogue_priv.h"
#include "iam/match.h"

#include <stdlib.h>
#include <string.h>

extern const char rb_catalogue_txt[];

static gpointer
read_text(gpointer text)
{
    return (gpointer)rb_catalogue_read(text);
}

static const RbCatalogue *
catalogue(void)
{
    static GOnce once = G_ONCE_INIT;

    return g_once(&once, read_text, (gpointer)rb_catalogue_txt);
}

const char *
rb_catalogue_version(void)
{
    return catalogue()->version;
}

const char *const *
rb_catalogue_services(void)
{
    return catalogue()->prefixes;
}

/* A text within another one: nothing is copied to look it up. */
typedef struct {
    const char *at;
    gsize n;
} Part;

static int
compare_part(const Part *part, const char *name)
{
    int order = g_ascii_strncasecmp(part->at, name, part->n);

    return order != 0 ? order : -(int)(name[part->n] != '\0');
}

static int
by_prefix(const void *part, const void *service)
{
    return compare_part(part, ((const RbService *)service)->prefix);
}

static const RbService *
find_service(const char *prefix, gsize n)
{
    const RbCatalogue *c = catalogue();
    const Part part = { prefix, n };

    return bsearch(&part, c->services, c->n_services, sizeof *c->services, by_prefix);
}

gboolean
rb_catalogue_has_service(const char *prefix)
{
    return find_service(prefix, strlen(prefix)) != NULL;
}

static int
by_action(const void *name, const void *action)
{
    return g_ascii_strcasecmp(name, ((const RbAction *)action)->name);
}

const RbAction *
rb_catalogue_action(const char *action)
{
    const char *colon = strchr(action, ':');
    const RbService *s = colon == NULL ? NULL : find_service(action, (gsize)(colon - action));

    return s == NULL ? NULL : bsearch(colon + 1, s->actions, s->n_actions, sizeof *s->actions, by_action);
}

/* @pattern is in lower case already. */
static gboolean
matches(const char *pattern, const char *text)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);

    return rb_match_text(pattern, lower);
}

static void
add_matching(GPtrArray *out, const RbService *s, const char *pattern)
{
    for (guint i = 0; i < s->n_actions; i++)
        if (g_str_equal(pattern, "*") || matches(pattern, s->actions[i].name))
            g_ptr_array_add(out, (gpointer)&s->actions[i]);
}

GPtrArray *
rb_catalogue_expand(const char *pattern)
{
    const RbCatalogue *c = catalogue();
    g_autofree char *prefix = g_ascii_strdown(pattern, -1);
    char *name = strchr(prefix, ':');
    GPtrArray *out = g_ptr_array_new();

    if (name == NULL && !g_str_equal(pattern, "*"))
        return out;
    if (name != NULL)
        *name++ = '\0';
    for (guint i = 0; i < c->n_services; i++) /* their prefixes have no capitals */
        if (rb_match_text(prefix, c->services[i].prefix))
            add_matching(out, &c->services[i], name == NULL ? "*" : name);
    return out;
}

static int
by_key(const void *name, const void *key)
{
    return g_ascii_strcasecmp(name, ((const RbConditionKey *)key)->name);
}

/* "aws:PrincipalTag/${TagKey}" → "aws:PrincipalTag/?*" */
static char *
template_pattern(const char *name)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (const char *at = name; *at != '\0'; at++) {
        if (g_str_has_prefix(at, "${")) {
            g_string_append(out, "?*");
            at = strchr(at, '}');
        } else {
            g_string_append_c(out, *at);
        }
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

const RbConditionKey *
rb_catalogue_key(const char *key)
{
    const RbCatalogue *c = catalogue();
    const RbConditionKey *found = bsearch(key, c->keys, c->n_keys, sizeof *c->keys, by_key);

    for (guint i = 0; i < c->n_templates && found == NULL; i++) {
        gsize literal = strcspn(c->templates[i]->name, "$");
        if (g_ascii_strncasecmp(key, c->templates[i]->name, literal) == 0) {
            g_autofree char *pattern = template_pattern(c->templates[i]->name);
            g_autofree char *lower = g_ascii_strdown(pattern, -1);
            if (matches(lower, key))
                found = c->templates[i];
        }
    }
    return found;
}

const char *
rb_catalogue_nearest(const char *text)
{
    const char *colon = strchr(text, ':'), *name;
    g_autofree char *prefix = g_ascii_strdown(text, colon == NULL ? -1 : colon - text);
    const RbService *s = find_service(prefix, strlen(prefix));
    g_autofree const char **names = NULL;
    g_autofree char *full = NULL;

    if (s == NULL || colon == NULL)
        return rb_text_nearest(prefix, rb_catalogue_services());
    names = g_new0(const char *, s->n_actions + 1);
    for (guint i = 0; i < s->n_actions; i++)
        names[i] = s->actions[i].name;
    name = rb_text_nearest(colon + 1, names);
    if (name == NULL)
        return NULL;
    full = g_strconcat(s->prefix, ":", name, NULL);
    return g_intern_string(full); /* there are only so many actions */
}
