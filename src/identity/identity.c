#include "identity/identity.h"

#include "base/encoding.h"
#include "base/refusal.h"

#include <stddef.h>
#include <string.h>

/* The text fields that are copied, kept as JSON and checked alike. */
static const struct {
    const char *json;
    gsize offset;
    gboolean required;
} text_fields[] = {
    { "subject", offsetof(RbIdentity, subject), TRUE },
    { "name", offsetof(RbIdentity, name), TRUE },
    { "provider", offsetof(RbIdentity, provider), TRUE },
    { "issuer", offsetof(RbIdentity, issuer), TRUE },
    { "authn_context", offsetof(RbIdentity, authn_context), FALSE },
    { "session_index", offsetof(RbIdentity, session_index), FALSE },
    { "name_id_format", offsetof(RbIdentity, name_id_format), FALSE },
    { "name_qualifier", offsetof(RbIdentity, name_qualifier), FALSE },
    { "sp_name_qualifier", offsetof(RbIdentity, sp_name_qualifier), FALSE },
};

static const char **
text_field(RbIdentity *identity, gsize i)
{
    return (const char **)(void *)((char *)identity + text_fields[i].offset);
}

static const char *
text_value(const RbIdentity *identity, gsize i)
{
    return *(const char *const *)(const void *)((const char *)identity + text_fields[i].offset);
}

static gboolean
check_text(const char *what, const char *text, GError **error)
{
    gsize n = strlen(text);

    if (n > RB_IDENTITY_MAX_TEXT)
        return rb_refuse(error, RB_IDENTITY_MALFORMED, "%s of %" G_GSIZE_FORMAT " bytes", what, n);
    if (!rb_text_is_utf8(text, n))
        return rb_refuse(error, RB_IDENTITY_MALFORMED, "%s is not UTF-8", what);
    return TRUE;
}

gboolean
rb_identity_check_name(const char *name, GError **error)
{
    static const char usable[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-";
    g_autofree char *quoted = NULL;
    gsize n = name == NULL ? 0 : strlen(name);

    if (n == 0)
        return rb_refuse(error, RB_IDENTITY_NAME_MISSING, "no name was stated");
    if (n >= 2 && n <= 64 && strspn(name, usable) == n)
        return TRUE;
    quoted = rb_text_quote(name);
    if (n < 2 || n > 64)
        return rb_refuse(error, RB_IDENTITY_NAME_UNUSABLE,
                         "the name %s has %" G_GSIZE_FORMAT " bytes; AWS takes 2 to 64", quoted, n);
    return rb_refuse(error, RB_IDENTITY_NAME_UNUSABLE,
                     "the name %s has characters other than letters, digits and _+=,.@-", quoted);
}

static gint
compare_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gint
compare_attribute(gconstpointer a, gconstpointer b)
{
    return strcmp(((const RbAttribute *)a)->name, ((const RbAttribute *)b)->name);
}

/*
 * Lists and their texts lie in one block: an identity of many groups is built and freed at each sign-in and
 * for each request. What goes in is sorted, checked and counted first, borrowed from the facts.
 */
typedef struct {
    RbIdentity public;
    gpointer block;
} Whole;

/* Names of groups begin alike ("acme-…", "CN=…"): the eight bytes behind what all have in common decide most
 * comparisons at once. */
typedef struct {
    guint64 key;
    const char *text;
} SortKey;

typedef struct {
    SortKey *groups; /* sorted, unique */
    guint n_groups;
    GPtrArray *attributes; /* RbAttribute, by name; of equal names: one attribute, in the order received */
    guint n_attributes, n_values;
    gsize size; /* of all texts, each with its end */
} Gathering;

static void
gathering_clear(Gathering *g)
{
    g_free(g->groups);
    g_ptr_array_unref(g->attributes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Gathering, gathering_clear)

static gint
compare_key(gconstpointer a, gconstpointer b)
{
    const SortKey *x = a, *y = b;

    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : strcmp(x->text, y->text);
}

static gsize
common_prefix(const char *const *texts, guint n)
{
    gsize common = strlen(texts[0]), same;

    for (guint i = 1; i < n; i++) {
        if (strncmp(texts[i], texts[0], common) == 0)
            continue;
        for (same = 0; texts[i][same] == texts[0][same];)
            same++;
        common = same;
    }
    return common;
}

/* (transfer full): @n texts, sorted as strcmp has it. */
static SortKey *
sort_texts(const char *const *texts, guint n)
{
    SortKey *sorted = g_new(SortKey, n + 1);
    gsize common = n == 0 ? 0 : common_prefix(texts, n);

    for (guint i = 0; i < n; i++) {
        const char *rest = texts[i] + common;
        guint64 key = 0;
        memcpy(&key, rest, strnlen(rest, sizeof key));
        sorted[i] = (SortKey){ GUINT64_FROM_BE(key), texts[i] };
    }
    qsort(sorted, n, sizeof *sorted, compare_key);
    return sorted;
}

static gboolean
gather_groups(Gathering *g, const char *const *groups, GError **error)
{
    guint n = groups == NULL ? 0 : g_strv_length((char **)groups);

    if (n > RB_IDENTITY_MAX_GROUPS)
        return rb_refuse(error, RB_IDENTITY_TOO_MANY_GROUPS, "%u groups; at most %d", n,
                         RB_IDENTITY_MAX_GROUPS);
    for (guint i = 0; i < n; i++)
        if (!check_text("a group", groups[i], error))
            return FALSE;
    g->groups = sort_texts(groups, n);
    for (guint i = 0; i < n; i++)
        if (i == 0 || compare_key(&g->groups[i], &g->groups[g->n_groups - 1]) != 0) {
            g->size += strlen(g->groups[i].text) + 1;
            g->groups[g->n_groups++] = g->groups[i];
        }
    return TRUE;
}

static gint
compare_received(gconstpointer a, gconstpointer b)
{
    const RbAttribute *x = *(const RbAttribute *const *)a, *y = *(const RbAttribute *const *)b;
    gint order = strcmp(x->name, y->name);

    return order != 0 ? order : (x > y) - (x < y);
}

/* Whether attribute @i goes on with the values of the one before. */
static gboolean
goes_on(const Gathering *g, guint i)
{
    const RbAttribute *const *attributes = (const RbAttribute *const *)(void *)g->attributes->pdata;

    return i > 0 && strcmp(attributes[i]->name, attributes[i - 1]->name) == 0;
}

static gboolean
gather_values(Gathering *g, const RbAttribute *attribute, guint *n, GError **error)
{
    for (const char *const *v = attribute->values; *v != NULL; v++) {
        if (++*n > RB_IDENTITY_MAX_VALUES)
            return rb_refuse(error, RB_IDENTITY_MALFORMED, "an attribute of more than %d values",
                             RB_IDENTITY_MAX_VALUES);
        if (!check_text("an attribute value", *v, error))
            return FALSE;
        g->size += strlen(*v) + 1;
        g->n_values++;
    }
    return TRUE;
}

static gboolean
gather_attributes(Gathering *g, const RbAttribute *attributes, GError **error)
{
    guint n = 0; /* values of one attribute */

    for (const RbAttribute *a = attributes; a != NULL && a->name != NULL; a++) {
        if (!check_text("an attribute name", a->name, error))
            return FALSE;
        g_ptr_array_add(g->attributes, (gpointer)a);
    }
    g_ptr_array_sort(g->attributes, compare_received);
    for (guint i = 0; i < g->attributes->len; i++) {
        const RbAttribute *a = g->attributes->pdata[i];
        if (!goes_on(g, i)) {
            g->size += strlen(a->name) + 1;
            g->n_attributes++;
            n = 0;
        }
        if (g->n_attributes > RB_IDENTITY_MAX_ATTRIBUTES)
            return rb_refuse(error, RB_IDENTITY_MALFORMED, "more than %d attributes",
                             RB_IDENTITY_MAX_ATTRIBUTES);
        if (!gather_values(g, a, &n, error))
            return FALSE;
    }
    return TRUE;
}

static const char *
place(char **at, const char *text)
{
    gsize size = strlen(text) + 1;
    const char *placed = memcpy(*at, text, size);

    *at += size;
    return placed;
}

/* The block: attributes, lists, texts, in the order of their alignment. */
static void
fill(Whole *whole, const Gathering *g)
{
    gsize lists = g->n_groups + 1 + g->n_values + g->n_attributes; /* each ends with a NULL */
    RbAttribute *attribute =
        g_malloc0((g->n_attributes + 1) * sizeof *attribute + lists * sizeof(char *) + g->size);
    const char **list = (const char **)(void *)(attribute + g->n_attributes + 1);
    char *at = (char *)(void *)(list + lists);

    whole->block = attribute;
    whole->public.attributes = attribute;
    whole->public.n_attributes = g->n_attributes;
    whole->public.groups = list;
    whole->public.n_groups = g->n_groups;
    for (guint i = 0; i < g->n_groups; i++)
        *list++ = place(&at, g->groups[i].text);
    for (guint i = 0; i < g->attributes->len; i++) {
        const RbAttribute *from = g->attributes->pdata[i];
        if (!goes_on(g, i)) {
            list++; /* behind the NULL of what was before */
            *attribute++ = (RbAttribute){ place(&at, from->name), list };
        }
        for (const char *const *v = from->values; *v != NULL; v++)
            *list++ = place(&at, *v);
    }
}

static gboolean
copy_texts(RbIdentity *identity, const RbIdentity *facts, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(text_fields); i++) {
        const char *text = text_value(facts, i);
        if (text == NULL && text_fields[i].required)
            return rb_refuse(error, RB_IDENTITY_MALFORMED, "no %s was stated", text_fields[i].json);
        if (text != NULL && !check_text(text_fields[i].json, text, error))
            return FALSE;
        *text_field(identity, i) = g_strdup(text);
    }
    return TRUE;
}

RbIdentity *
rb_identity_new(const RbIdentity *facts, GError **error)
{
    Whole *whole = g_new0(Whole, 1);
    g_autoptr(RbIdentity) identity = &whole->public;
    g_auto(Gathering) g = { .attributes = g_ptr_array_new() };

    g_atomic_ref_count_init(&identity->refs);
    if (!rb_identity_check_name(facts->name, error) || !copy_texts(identity, facts, error) ||
        !gather_groups(&g, facts->groups, error) || !gather_attributes(&g, facts->attributes, error))
        return NULL;
    fill(whole, &g);
    identity->authenticated_at = facts->authenticated_at;
    identity->groups_at = facts->groups_at;
    identity->expires_at = facts->expires_at;
    identity->mfa = facts->mfa;
    return g_steal_pointer(&identity);
}

RbIdentity *
rb_identity_ref(RbIdentity *identity)
{
    g_atomic_ref_count_inc(&identity->refs);
    return identity;
}

void
rb_identity_unref(RbIdentity *identity)
{
    if (identity == NULL || !g_atomic_ref_count_dec(&identity->refs))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(text_fields); i++)
        g_free((char *)text_value(identity, i));
    g_free(((Whole *)(void *)identity)->block); /* it is made here alone: rb_identity_new() */
    g_free(identity);
}

const char *const *
rb_identity_attribute(const RbIdentity *identity, const char *name)
{
    const RbAttribute key = { .name = name };
    const RbAttribute *found = identity->n_attributes == 0
                                   ? NULL
                                   : bsearch(&key, identity->attributes, identity->n_attributes,
                                             sizeof *identity->attributes, compare_attribute);
    return found == NULL ? NULL : found->values;
}

gboolean
rb_identity_has_group(const RbIdentity *identity, const char *group)
{
    return identity->n_groups > 0 && bsearch(&group, identity->groups, identity->n_groups,
                                             sizeof *identity->groups, compare_text) != NULL;
}

static json_t *
strings_to_json(const char *const *strings)
{
    json_t *array = json_array();

    for (; *strings != NULL; strings++)
        (void)json_array_append_new(array, json_string(*strings)); /* UTF-8 was checked: never NULL */
    return array;
}

json_t *
rb_identity_to_json(const RbIdentity *identity)
{
    json_t *json = json_object();
    json_t *attributes = json_object();

    for (gsize i = 0; i < G_N_ELEMENTS(text_fields); i++)
        if (text_value(identity, i) != NULL)
            (void)json_object_set_new(json, text_fields[i].json, json_string(text_value(identity, i)));
    (void)json_object_set_new(json, "groups", strings_to_json(identity->groups));
    for (guint i = 0; i < identity->n_attributes; i++)
        (void)json_object_set_new(attributes, identity->attributes[i].name,
                                  strings_to_json(identity->attributes[i].values));
    (void)json_object_set_new(json, "attributes", attributes);
    (void)json_object_set_new(json, "authenticated_at", json_integer(identity->authenticated_at));
    (void)json_object_set_new(json, "groups_at", json_integer(identity->groups_at));
    (void)json_object_set_new(json, "expires_at", json_integer(identity->expires_at));
    (void)json_object_set_new(json, "mfa", json_boolean(identity->mfa));
    return json;
}

/* (transfer container): the strings of @array, borrowed from it; NULL when it is not a list of strings. */
static const char **
strings_from_json(const json_t *array)
{
    const char **strings;
    gsize n = json_array_size(array);

    if (!json_is_array(array))
        return NULL;
    strings = g_new0(const char *, n + 1);
    for (gsize i = 0; i < n; i++)
        if ((strings[i] = json_string_value(json_array_get(array, i))) == NULL) {
            g_free(strings);
            return NULL;
        }
    return strings;
}

static gint64
time_from_json(const json_t *json, const char *key, gboolean *ok)
{
    const json_t *value = json_object_get(json, key);

    *ok = *ok && json_is_integer(value);
    return json_integer_value(value);
}

static void
attributes_free(GArray *attributes)
{
    for (guint i = 0; i < attributes->len; i++)
        g_free((char **)g_array_index(attributes, RbAttribute, i).values);
    g_array_unref(attributes);
}

RbIdentity *
rb_identity_from_json(const json_t *json, GError **error)
{
    RbIdentity facts = { 0 }, *identity = NULL;
    GArray *attributes = g_array_new(TRUE, TRUE, sizeof(RbAttribute));
    const char **groups = strings_from_json(json_object_get(json, "groups"));
    json_t *object = json_object_get(json, "attributes"), *value;
    gboolean ok = groups != NULL && json_is_object(object);
    const char *key;

    for (gsize i = 0; i < G_N_ELEMENTS(text_fields); i++)
        *text_field(&facts, i) = json_string_value(json_object_get(json, text_fields[i].json));
    json_object_foreach(object, key, value)
    {
        RbAttribute a = { key, strings_from_json(value) };
        ok = ok && a.values != NULL;
        if (a.values != NULL)
            g_array_append_val(attributes, a);
    }
    facts.groups = groups;
    facts.attributes = (const RbAttribute *)(void *)attributes->data;
    facts.authenticated_at = time_from_json(json, "authenticated_at", &ok);
    facts.groups_at = time_from_json(json, "groups_at", &ok);
    facts.expires_at = time_from_json(json, "expires_at", &ok);
    facts.mfa = json_is_true(json_object_get(json, "mfa"));
    if (ok)
        identity = rb_identity_new(&facts, error);
    else
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a stored identity could not be read");
    attributes_free(attributes);
    g_free(groups);
    return identity;
}
