#include "mapping/index.h"

#include "mapping/dn.h"

#include <string.h>

/* Eight bytes at a time. Not keyed: the tables hold what the administrator wrote, a person only asks them. */
static guint64
mix(guint64 hash, guint64 word)
{
    hash = (hash ^ word) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static guint64
finish(guint64 hash, guint64 rest, gsize length)
{
    return mix(mix(hash, rest), length);
}

static guint64
word_at(const char *text, gsize n)
{
    guint64 word = 0;

    memcpy(&word, text, n);
    return GUINT64_FROM_LE(word);
}

static guint64
hash_text(const char *text, gsize length)
{
    guint64 hash = 0;
    gsize i = 0;

    for (; i + 8 <= length; i += 8)
        hash = mix(hash, word_at(text + i, 8));
    return finish(hash, word_at(text + i, length - i), length);
}

static guint
key_hash(gconstpointer key)
{
    return (guint)((const RbKey *)key)->hash;
}

static gboolean
key_equal(gconstpointer a, gconstpointer b)
{
    const RbKey *x = a, *y = b;

    return x->hash == y->hash && x->length == y->length && memcmp(x->text, y->text, x->length) == 0;
}

void
rb_index_init(RbIndex *index)
{
    memset(index, 0, sizeof *index);
    index->matchers = g_array_new(FALSE, FALSE, sizeof(RbMatcher));
    index->exact = g_hash_table_new(key_hash, key_equal);
    index->heads = g_hash_table_new(key_hash, key_equal);
    index->below = g_hash_table_new(g_str_hash, g_str_equal);
}

void
rb_index_clear(RbIndex *index)
{
    g_clear_pointer(&index->matchers, g_array_unref);
    g_clear_pointer(&index->exact, g_hash_table_unref);
    g_clear_pointer(&index->heads, g_hash_table_unref);
    g_clear_pointer(&index->below, g_hash_table_unref);
    g_clear_pointer(&index->exact_bits, g_free);
    g_clear_pointer(&index->head_bits, g_free);
}

void
rb_index_add(RbIndex *index, const RbMatcher *matcher)
{
    g_array_append_vals(index->matchers, matcher, 1);
}

/* Puts matcher @i in front of the chain of its key. */
static void
put(RbIndex *index, RbArena *arena, GHashTable *table, guint i, gsize length)
{
    RbMatcher *m = &g_array_index(index->matchers, RbMatcher, i);
    const char *text = m->kind == RB_MATCHER_REGEX ? rb_pattern_head(m->pattern) : m->text;
    RbKey wanted = { hash_text(text, length), length, text }, *key = &wanted;
    gpointer old_key, first;

    if (g_hash_table_lookup_extended(table, &wanted, &old_key, &first)) {
        m->next = GPOINTER_TO_UINT(first);
        key = old_key;
    } else {
        key = rb_arena_alloc(arena, sizeof *key);
        *key = wanted;
    }
    g_hash_table_replace(table, key, GUINT_TO_POINTER(i + 1));
}

/* Eight bits a key at least: of eight groups that are not there, seven end here. */
static guint64 *
make_bits(GHashTable *table, guint *shift)
{
    guint log = 9;
    guint64 *bits;
    GHashTableIter iter;
    gpointer key;

    while (((gsize)1 << log) < (gsize)g_hash_table_size(table) * 8)
        log++;
    bits = g_new0(guint64, ((gsize)1 << log) / 64);
    *shift = 64 - log;
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        guint64 at = ((RbKey *)key)->hash >> *shift;
        bits[at / 64] |= G_GUINT64_CONSTANT(1) << at % 64;
    }
    return bits;
}

static void
note_length(RbIndex *index, gsize length)
{
    guint at = 0;

    while (at < index->n_lengths && index->lengths[at] < length)
        at++;
    if (at < index->n_lengths && index->lengths[at] == length)
        return;
    memmove(index->lengths + at + 1, index->lengths + at, index->n_lengths - at);
    index->lengths[at] = (guint8)length;
    index->n_lengths++;
}

void
rb_index_finish(RbIndex *index, RbArena *arena)
{
    for (guint i = index->matchers->len; i-- > 0;) { /* backwards: chains are in the order of the files */
        RbMatcher *m = &g_array_index(index->matchers, RbMatcher, i);
        gsize length = m->length;
        if (m->kind == RB_MATCHER_EXACT) {
            put(index, arena, index->exact, i, length);
        } else if (m->kind == RB_MATCHER_DN) {
            m->next = GPOINTER_TO_UINT(g_hash_table_lookup(index->below, m->text));
            g_hash_table_replace(index->below, (char *)m->text, GUINT_TO_POINTER(i + 1));
        } else {
            length =
                MIN(m->kind == RB_MATCHER_REGEX ? strlen(rb_pattern_head(m->pattern)) : length, RB_HEAD_MAX);
            if (length == 0) {
                m->next = index->first_headless;
                index->first_headless = i + 1;
                continue;
            }
            put(index, arena, index->heads, i, length);
            note_length(index, length);
        }
    }
    index->exact_bits = make_bits(index->exact, &index->exact_shift);
    index->head_bits = make_bits(index->heads, &index->head_shift);
}

/* One lookup under way. */
typedef struct {
    const RbIndex *index;
    const char *group;
    gsize length;
    RbMatchSpace *space;
    RbFound found;
    gpointer data;
} Lookup;

static inline RbMatchResult
yes_if(gboolean matches)
{
    return matches ? RB_MATCH_YES : RB_MATCH_NO;
}

RbMatchResult
rb_matcher_match(const RbMatcher *m, const char *text, gsize length, RbMatchSpace *space)
{
    if (m->kind == RB_MATCHER_REGEX)
        return rb_pattern_match(m->pattern, text, length, space);
    if (m->kind == RB_MATCHER_PREFIX)
        return yes_if(length >= m->length && memcmp(text, m->text, m->length) == 0);
    return yes_if(length == m->length && memcmp(text, m->text, length) == 0);
}

static void
try_chain(const Lookup *l, guint first)
{
    for (guint i = first; i > 0;) {
        const RbMatcher *m = &g_array_index(l->index->matchers, RbMatcher, i - 1);
        RbMatchResult result = RB_MATCH_YES; /* the table has compared exact texts and DNs */
        if (m->kind == RB_MATCHER_PREFIX || m->kind == RB_MATCHER_REGEX)
            result = rb_matcher_match(m, l->group, l->length, l->space);
        if (result != RB_MATCH_NO)
            l->found(m, result, l->data);
        i = m->next;
    }
}

static inline void
try_table(const Lookup *l, GHashTable *table, const guint64 *bits, guint shift, guint64 hash, gsize length)
{
    guint64 at = hash >> shift;
    RbKey key = { hash, length, l->group };

    if ((bits[at / 64] >> at % 64 & 1) != 0)
        try_chain(l, GPOINTER_TO_UINT(g_hash_table_lookup(table, &key)));
}

/* The first @n bytes (under 8) at @text of which @readable may be read. */
static inline guint64
first_bytes(const char *text, gsize n, gsize readable)
{
    if (n == 0)
        return 0;
    if (readable < 8)
        return word_at(text, n);
    return word_at(text, 8) & G_MAXUINT64 >> (64 - 8 * n);
}

/* The last @n bytes (under 8) of @length at @text. */
static inline guint64
last_bytes(const char *text, gsize n, gsize length)
{
    if (n == 0)
        return 0;
    return length < 8 ? word_at(text + length - n, n) : word_at(text + length - 8, 8) >> (64 - 8 * n);
}

/* Hashes the group once, from left to right, and asks for each head on the way. */
static void
try_heads_and_exact(const Lookup *l)
{
    const RbIndex *x = l->index;
    guint64 hash = 0;
    gsize i = 0;
    guint n = 0;

    for (;; i += 8) {
        while (n < x->n_lengths && x->lengths[n] < i + 8 && x->lengths[n] <= l->length) {
            gsize head = x->lengths[n++];
            guint64 rest = first_bytes(l->group + i, head - i, l->length - i);
            try_table(l, x->heads, x->head_bits, x->head_shift, finish(hash, rest, head), head);
        }
        if (i + 8 > l->length)
            break;
        hash = mix(hash, word_at(l->group + i, 8));
    }
    hash = finish(hash, last_bytes(l->group, l->length - i, l->length), l->length);
    try_table(l, x->exact, x->exact_bits, x->exact_shift, hash, l->length);
}

/* Each of the names above it. */
static void
try_above(const Lookup *l)
{
    g_autoptr(GArray) starts = NULL;
    g_autofree char *name = strchr(l->group, '=') == NULL ? NULL : rb_dn_canonical(l->group, &starts);

    for (guint i = 1; name != NULL && i < starts->len; i++)
        try_chain(l, GPOINTER_TO_UINT(
                         g_hash_table_lookup(l->index->below, name + g_array_index(starts, guint, i))));
}

void
rb_index_find(const RbIndex *index, const char *group, RbMatchSpace *space, RbFound found, gpointer data)
{
    const Lookup l = { index, group, strlen(group), space, found, data };

    try_heads_and_exact(&l);
    if (index->first_headless > 0)
        try_chain(&l, index->first_headless);
    if (g_hash_table_size(index->below) > 0)
        try_above(&l);
}
