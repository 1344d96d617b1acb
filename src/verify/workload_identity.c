#include "base/encoding.h"
#include "verify/workload.h"

#include <string.h>

/* Claims → identity. A workload never has a second factor, whatever its token says. */

/* Claims that are about the token, not about the workload. */
static const char *const protocol[] = { "iss", "aud", "azp", "exp", "nbf", "iat", "jti", NULL };

typedef struct {
    const RbWorkload *workload;
    GArray *attributes; /* RbAttribute: the lists of their values owned, all text borrowed */
    GHashTable *names;  /* of them */
    GStringChunk *made; /* text that is not in the claims as it is */
    guint n_values;
} Reading;

static void
attribute_clear(gpointer data)
{
    g_free((char **)((RbAttribute *)data)->values);
}

/* `claims:` lists what becomes an attribute: a claim, or all that is nested in it. */
static gboolean
is_wanted(const RbWorkload *workload, const char *name)
{
    for (guint i = 0; workload->claims[i] != NULL; i++) {
        gsize n = strlen(workload->claims[i]);
        if (strncmp(name, workload->claims[i], n) == 0 && (name[n] == '\0' || name[n] == '.'))
            return TRUE;
    }
    return *workload->claims == NULL;
}

static void
add_value(Reading *reading, GPtrArray *values, const json_t *claim)
{
    const char *text = rb_claim_as_text(claim, reading->made);

    if (text != NULL)
        g_ptr_array_add(values, (gpointer)text);
}

static gboolean
add(Reading *reading, const char *name, const json_t *claim, GError **error)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    RbAttribute attribute = { .name = g_string_chunk_insert(reading->made, name) };
    const json_t *one;
    gsize i;

    add_value(reading, values, claim);
    json_array_foreach((json_t *)claim, i, one) add_value(reading, values, one);
    if (values->len == 0) /* null, an object in a list: nothing can match it */
        return TRUE;
    reading->n_values += values->len;
    g_ptr_array_add(values, NULL);
    attribute.values = (const char *const *)g_ptr_array_steal(values, NULL);
    g_array_append_val(reading->attributes, attribute);
    if (!g_hash_table_add(reading->names, (gpointer)attribute.name))
        return rb_refuse(error, RB_IDENTITY_MALFORMED, "two claims that both read as one name");
    return (reading->attributes->len <= RB_WORKLOAD_MAX_CLAIMS &&
            reading->n_values <= RB_WORKLOAD_MAX_VALUES) ||
           rb_refuse(error, RB_IDENTITY_MALFORMED, "more than %d claims or %d values", RB_WORKLOAD_MAX_CLAIMS,
                     RB_WORKLOAD_MAX_VALUES);
}

/* @prefix: "" or "a.b."; as deep as rb_json_parse() allows. */
static gboolean
read_object(Reading *reading, const char *prefix, const json_t *object, GError **error)
{
    gboolean top = *prefix == '\0', ok;
    const char *name;
    const json_t *claim;

    json_object_foreach((json_t *)object, name, claim)
    {
        g_autofree char *full = g_strconcat(prefix, name, NULL);
        if (*name == '\0' || (top && (*name == '_' || g_strv_contains(protocol, name))))
            continue;
        if (json_is_object(claim)) {
            g_autofree char *below = g_strconcat(full, ".", NULL);
            ok = read_object(reading, below, claim, error);
        } else
            ok = !is_wanted(reading->workload, full) || add(reading, full, claim, error);
        if (!ok)
            return FALSE;
    }
    return TRUE;
}

GArray *
rb_workload_attributes(const RbWorkload *workload, const json_t *claims, GStringChunk *made, GError **error)
{
    g_autoptr(GArray) attributes = g_array_new(TRUE, TRUE, sizeof(RbAttribute));
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    Reading reading = { workload, attributes, names, made, 0 };

    g_array_set_clear_func(attributes, attribute_clear);
    return read_object(&reading, "", claims, error) ? g_steal_pointer(&attributes) : NULL;
}

static gboolean
read_groups(const RbWorkload *workload, const json_t *claims, GPtrArray *groups, GError **error)
{
    const char *const *names = (const char *const *)workload->group_claims;

    if (!rb_oidc_groups_stated(names, claims, groups, error))
        return FALSE;
    return !rb_oidc_groups_left_out(names, claims) ||
           rb_refuse(error, RB_IDENTITY_GROUPS_INCOMPLETE,
                     "the groups were left out for being too many (_claim_names)");
}

RbIdentity *
rb_workload_identity(const RbWorkload *workload, const json_t *claims, GError **error)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new();
    g_autoptr(GStringChunk) made = g_string_chunk_new(256);
    g_autoptr(GArray) attributes = rb_workload_attributes(workload, claims, made, error);
    g_autofree char *name = NULL;
    RbIdentity facts = { .provider = workload->seat->id, .issuer = workload->source.issuer };

    facts.subject = rb_claim_subject(claims, error);
    if (facts.subject == NULL || attributes == NULL || !read_groups(workload, claims, groups, error) ||
        !rb_claim_time(claims, "iat", TRUE, &facts.authenticated_at, error))
        return NULL;
    name = rb_name_template_fill(workload->name, attributes, error);
    if (name == NULL)
        return NULL;
    g_ptr_array_add(groups, NULL);
    facts.name = name;
    facts.groups = (const char *const *)groups->pdata;
    facts.groups_at = facts.authenticated_at;
    facts.attributes = (const RbAttribute *)(void *)attributes->data;
    return rb_identity_new(&facts, error);
}
