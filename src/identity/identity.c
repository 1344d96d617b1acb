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
    if (!g_utf8_validate_len(text, n, NULL))
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

/* Sorted copy of @groups without repetitions. */
static gboolean
copy_groups(RbIdentity *identity, const char *const *groups, GError **error)
{
    g_autofree const char **sorted = NULL;
    GPtrArray *unique;
    guint n = groups == NULL ? 0 : g_strv_length((char **)groups);

    if (n > RB_IDENTITY_MAX_GROUPS)
        return rb_refuse(error, RB_IDENTITY_TOO_MANY_GROUPS, "%u groups; at most %d", n,
                         RB_IDENTITY_MAX_GROUPS);
    for (guint i = 0; i < n; i++)
        if (!check_text("a group", groups[i], error))
            return FALSE;
    sorted = g_new(const char *, n + 1);
    if (n > 0)
        memcpy(sorted, groups, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_text);
    unique = g_ptr_array_sized_new(n + 1);
    for (guint i = 0; i < n; i++)
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
            g_ptr_array_add(unique, g_strdup(sorted[i]));
    identity->n_groups = unique->len;
    g_ptr_array_add(unique, NULL);
    identity->groups = (const char *const *)g_ptr_array_free(unique, FALSE);
    return TRUE;
}

static gint
compare_attribute(gconstpointer a, gconstpointer b)
{
    return strcmp(((const RbAttribute *)a)->name, ((const RbAttribute *)b)->name);
}

/* Appends the values of attribute @from to @values, checked. */
static gboolean
copy_values(GPtrArray *values, const RbAttribute *from, GError **error)
{
    for (const char *const *v = from->values; *v != NULL; v++) {
        if (values->len >= RB_IDENTITY_MAX_VALUES)
            return rb_refuse(error, RB_IDENTITY_MALFORMED, "an attribute of more than %d values",
                             RB_IDENTITY_MAX_VALUES);
        if (!check_text("an attribute value", *v, error))
            return FALSE;
        g_ptr_array_add(values, g_strdup(*v));
    }
    return TRUE;
}

static gboolean
merge_attributes(GHashTable *by_name, const RbAttribute *attributes, GError **error)
{
    for (const RbAttribute *a = attributes; a != NULL && a->name != NULL; a++) {
        GPtrArray *values = g_hash_table_lookup(by_name, a->name);
        if (!check_text("an attribute name", a->name, error))
            return FALSE;
        if (values == NULL) {
            if (g_hash_table_size(by_name) >= RB_IDENTITY_MAX_ATTRIBUTES)
                return rb_refuse(error, RB_IDENTITY_MALFORMED, "more than %d attributes",
                                 RB_IDENTITY_MAX_ATTRIBUTES);
            values = g_ptr_array_new_with_free_func(g_free);
            g_hash_table_insert(by_name, g_strdup(a->name), values);
        }
        if (!copy_values(values, a, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
copy_attributes(RbIdentity *identity, const RbAttribute *attributes, GError **error)
{
    g_autoptr(GHashTable) by_name =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    RbAttribute *copy;
    GHashTableIter iter;
    gpointer name, values;
    guint n = 0;

    if (!merge_attributes(by_name, attributes, error))
        return FALSE;
    copy = g_new0(RbAttribute, g_hash_table_size(by_name) + 1);
    g_hash_table_iter_init(&iter, by_name);
    while (g_hash_table_iter_next(&iter, &name, &values)) {
        g_ptr_array_add(values, NULL);
        copy[n].name = g_strdup(name);
        copy[n++].values = (const char *const *)g_ptr_array_steal(values, NULL);
    }
    qsort(copy, n, sizeof *copy, compare_attribute);
    identity->attributes = copy;
    identity->n_attributes = n;
    return TRUE;
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
    g_autoptr(RbIdentity) identity = g_new0(RbIdentity, 1);

    g_atomic_ref_count_init(&identity->refs);
    if (!rb_identity_check_name(facts->name, error) || !copy_texts(identity, facts, error) ||
        !copy_groups(identity, facts->groups, error) || !copy_attributes(identity, facts->attributes, error))
        return NULL;
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
    g_strfreev((char **)identity->groups);
    for (guint i = 0; i < identity->n_attributes; i++) {
        g_free((char *)identity->attributes[i].name);
        g_strfreev((char **)identity->attributes[i].values);
    }
    g_free((RbAttribute *)identity->attributes);
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
