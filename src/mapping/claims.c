#include "mapping/claims.h"

#include "mapping/priv.h"

/* As many assignments may share a value before another entry leads. */
enum { SHARED = 64 };

/** What assignments of one provider want of one attribute. */
typedef struct {
    RbIndex index;
    GHashTable *shared; /* text → how many assignments want it; while loading */
} Table;

static void
table_free(gpointer data)
{
    Table *table = data;

    rb_index_clear(&table->index);
    g_clear_pointer(&table->shared, g_hash_table_unref);
    g_free(table);
}

static void
tables_free(gpointer data)
{
    g_hash_table_unref(data);
}

void
rb_claims_init(RbClaims *claims)
{
    claims->providers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, tables_free);
}

void
rb_claims_clear(RbClaims *claims)
{
    g_clear_pointer(&claims->providers, g_hash_table_unref);
}

static Table *
table_of(RbClaims *claims, const char *provider, const char *attribute)
{
    GHashTable *tables = g_hash_table_lookup(claims->providers, provider);
    Table *table;

    if (tables == NULL) {
        tables = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, table_free);
        g_hash_table_insert(claims->providers, (char *)provider, tables);
    }
    table = g_hash_table_lookup(tables, attribute);
    if (table == NULL) {
        table = g_new0(Table, 1);
        rb_index_init(&table->index);
        table->shared = g_hash_table_new(g_str_hash, g_str_equal);
        g_hash_table_insert(tables, (char *)attribute, table);
    }
    return table;
}

static void
count_shared(RbClaims *claims, const RbAssignment *a)
{
    for (guint i = 0; i < a->n_when && a->n_when > 1; i++) {
        GHashTable *shared;
        if (!a->when[i].exact)
            continue;
        shared = table_of(claims, a->provider, a->when[i].attribute)->shared;
        for (guint k = 0; k < a->when[i].n_values; k++) {
            const char *text = a->when[i].values[k].text;
            guint n = GPOINTER_TO_UINT(g_hash_table_lookup(shared, text));
            g_hash_table_insert(shared, (char *)text, GUINT_TO_POINTER(n + 1));
        }
    }
}

static guint
most_shared(RbClaims *claims, const RbAssignment *a, const RbWhen *when)
{
    GHashTable *shared = table_of(claims, a->provider, when->attribute)->shared;
    guint most = 0;

    for (guint i = 0; i < when->n_values; i++)
        most = MAX(most, GPOINTER_TO_UINT(g_hash_table_lookup(shared, when->values[i].text)));
    return most;
}

/* The first entry of plain texts that few share; else the one that fewest share; without any, the first that
 * leaves something out. So one value that all have in common (environment: production) costs nobody. */
static const RbWhen *
lead_of(RbClaims *claims, const RbAssignment *a)
{
    const RbWhen *lead = NULL;
    guint fewest = G_MAXUINT;

    for (guint i = 0; i < a->n_when && fewest > SHARED; i++) {
        guint n = a->when[i].exact ? most_shared(claims, a, &a->when[i]) : G_MAXUINT;
        if (n >= fewest)
            continue;
        fewest = n;
        lead = &a->when[i];
    }
    for (guint i = 0; i < a->n_when && lead == NULL; i++)
        if (!a->when[i].open)
            lead = &a->when[i];
    return lead != NULL ? lead : a->when; /* an open `when` was refused at load */
}

static void
finish_tables(RbClaims *claims, RbArena *arena)
{
    GHashTableIter providers, attributes;
    gpointer tables, table;

    g_hash_table_iter_init(&providers, claims->providers);
    while (g_hash_table_iter_next(&providers, NULL, &tables)) {
        g_hash_table_iter_init(&attributes, tables);
        while (g_hash_table_iter_next(&attributes, NULL, &table)) {
            g_clear_pointer(&((Table *)table)->shared, g_hash_table_unref);
            if (((Table *)table)->index.matchers->len == 0)
                g_hash_table_iter_remove(&attributes); /* it leads nowhere */
            else
                rb_index_finish(&((Table *)table)->index, arena);
        }
    }
}

void
rb_claims_finish(RbClaims *claims, const GArray *assignments, RbArena *arena)
{
    const RbAssignment *all = (const RbAssignment *)(const void *)assignments->data;

    for (guint i = 0; i < assignments->len; i++)
        if (all[i].by_claims)
            count_shared(claims, &all[i]);
    for (guint i = 0; i < assignments->len; i++) {
        const RbWhen *lead;
        RbIndex *index;
        if (!all[i].by_claims)
            continue;
        lead = lead_of(claims, &all[i]);
        index = &table_of(claims, all[i].provider, lead->attribute)->index;
        for (guint k = 0; k < lead->n_values; k++)
            rb_index_add(index, &lead->values[k]);
    }
    finish_tables(claims, arena);
}

void
rb_claims_find(const RbClaims *claims, const RbIdentity *identity, RbMatchSpace *space, RbFound found,
               gpointer data)
{
    GHashTable *tables = g_hash_table_lookup(claims->providers, identity->provider);

    for (guint i = 0; tables != NULL && i < identity->n_attributes; i++) {
        const RbAttribute *attribute = &identity->attributes[i];
        const Table *table = g_hash_table_lookup(tables, attribute->name);
        for (guint k = 0; table != NULL && attribute->values[k] != NULL; k++)
            rb_index_find(&table->index, attribute->values[k], space, found, data);
    }
}
