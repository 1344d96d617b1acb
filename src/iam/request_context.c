#include "iam/evaluate_priv.h"

/* Keys compare without case and without a copy of either. */
static guint
key_hash(gconstpointer key)
{
    guint hash = 5381;

    for (const char *at = key; *at; at++)
        hash = hash * 33 + (guchar)g_ascii_tolower(*at);
    return hash;
}

static gboolean
key_equal(gconstpointer a, gconstpointer b)
{
    return g_ascii_strcasecmp(a, b) == 0;
}

struct RbRequestContext {
    GHashTable *keys; /* text → GPtrArray of texts */
};

RbRequestContext *
rb_request_context_new(void)
{
    RbRequestContext *context = g_new0(RbRequestContext, 1);

    context->keys = g_hash_table_new_full(key_hash, key_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    return context;
}

void
rb_request_context_free(RbRequestContext *context)
{
    if (!context)
        return;
    g_hash_table_unref(context->keys);
    g_free(context);
}

void
rb_request_context_add_empty(RbRequestContext *context, const char *key)
{
    if (!g_hash_table_contains(context->keys, key))
        g_hash_table_insert(context->keys, g_strdup(key), g_ptr_array_new_with_free_func(g_free));
}

void
rb_request_context_add(RbRequestContext *context, const char *key, const char *value)
{
    rb_request_context_add_empty(context, key);
    g_ptr_array_add(g_hash_table_lookup(context->keys, key), g_strdup(value));
}

const GPtrArray *
rb_request_context_get(const RbRequestContext *context, const char *key)
{
    return context ? g_hash_table_lookup(context->keys, key) : NULL;
}

static int
by_name(gconstpointer a, gconstpointer b)
{
    return g_ascii_strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
rb_request_context_keys(const RbRequestContext *context)
{
    GPtrArray *names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, context->keys);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_ptr_array_add(names, key);
    g_ptr_array_sort(names, by_name);
    return names;
}
