#include "iam/match.h"

#include "iam/match_priv.h"

#include <string.h>

/*
 * Two patterns compared as the sets of texts they match. A set of places in a pattern is a bit set: place i
 * means that i characters of the pattern have been used; the last place is the end.
 */

enum { COVER_MAX_WORK = 20000000 }; /* places looked at before we give up; real patterns need thousands */

typedef struct {
    gunichar *chars; /* '*' and '?' are wildcards */
    guint n;
} Pattern;

static void
pattern_clear(Pattern *pattern)
{
    g_free(pattern->chars);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pattern, pattern_clear)

/* Bytes that are not UTF-8 match themselves: each is one character of its own, beyond those of Unicode. */
static Pattern
pattern_read(const char *text, gsize size)
{
    Pattern pattern = { g_new(gunichar, size + 1), 0 };

    for (const char *at = text, *end = text + size; at < end;) {
        gunichar c = g_utf8_get_char_validated(at, end - at);

        if (c > 0x10ffff) {
            c = 0x110000 + (guchar)*at;
            at++;
        } else {
            at = g_utf8_next_char(at);
        }
        if (c != '*' || !pattern.n || pattern.chars[pattern.n - 1] != '*')
            pattern.chars[pattern.n++] = c;
    }
    return pattern;
}

typedef struct {
    const Pattern *pattern;
    guint words; /* of a set */
    guint64 work;
} Places;

static gboolean
has(const guint64 *set, guint i)
{
    return ((set[i / 64] >> (i % 64)) & 1) != 0;
}

static void
put(guint64 *set, guint i)
{
    set[i / 64] |= G_GUINT64_CONSTANT(1) << (i % 64);
}

/* A place before `*` is also the place behind it. */
static void
arrive(const Places *p, guint64 *set, guint i)
{
    put(set, i);
    if (i < p->pattern->n && p->pattern->chars[i] == '*')
        put(set, i + 1);
}

/* @to: where the pattern can be after one more character. @c: a letter; or '?' or 0 for one that no pattern
 * writes: what that one leads to, every other leads to as well, so it stands for "any". */
static gboolean
step(Places *p, const guint64 *from, gunichar c, guint64 *to)
{
    gboolean some = FALSE;

    memset(to, 0, p->words * sizeof *to);
    p->work += p->pattern->n;
    for (guint i = 0; i < p->pattern->n; i++) {
        gunichar have = p->pattern->chars[i];

        if (!has(from, i) || (have != '*' && have != '?' && have != c))
            continue;
        arrive(p, to, have == '*' ? i : i + 1);
        some = TRUE;
    }
    return some;
}

static gboolean
subset(const Places *p, const guint64 *small, const guint64 *big)
{
    for (guint w = 0; w < p->words; w++) {
        if (small[w] & ~big[w])
            return FALSE;
    }
    return TRUE;
}

/* Of two sets where one holds the other, the smaller is the harder case: the bigger one need not be followed.
 */
static void
keep(Places *p, GPtrArray *sets, const guint64 *set)
{
    p->work += (guint64)sets->len * p->words;
    for (guint i = 0; i < sets->len; i++) {
        if (subset(p, sets->pdata[i], set))
            return;
    }
    for (guint i = sets->len; i-- > 0;) {
        if (subset(p, set, sets->pdata[i]))
            g_ptr_array_remove_index_fast(sets, i);
    }
    g_ptr_array_add(sets, g_memdup2(set, p->words * sizeof *set));
}

/* A `*` of the narrow pattern is every number of arbitrary characters, until more of them change nothing. */
static gboolean
any_number(Places *p, GPtrArray *to, const guint64 *from)
{
    g_autofree guint64 *now = g_memdup2(from, p->words * sizeof *from), *after = g_new(guint64, p->words);

    for (;;) {
        guint64 *swap = now;

        keep(p, to, now);
        if (p->work > COVER_MAX_WORK || !step(p, now, 0, after))
            return FALSE;
        if (memcmp(now, after, p->words * sizeof *now) == 0)
            return TRUE;
        now = after;
        after = swap;
    }
}

static gboolean
advance(Places *p, const GPtrArray *from, gunichar c, GPtrArray *to)
{
    g_autofree guint64 *set = g_new(guint64, p->words);

    for (guint i = 0; i < from->len; i++) {
        if (c == '*') {
            if (!any_number(p, to, from->pdata[i]))
                return FALSE;
        } else {
            if (!step(p, from->pdata[i], c, set))
                return FALSE;
            keep(p, to, set);
        }
    }
    return p->work <= COVER_MAX_WORK;
}

static gboolean
covers(const Pattern *wide, const Pattern *narrow)
{
    Places p = { wide, (wide->n + 1 + 63) / 64, 0 };
    g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func(g_free);
    g_autofree guint64 *start = g_new0(guint64, p.words);

    arrive(&p, start, 0);
    keep(&p, sets, start);
    for (guint i = 0; i < narrow->n; i++) {
        GPtrArray *after = g_ptr_array_new_with_free_func(g_free);
        gboolean going = advance(&p, sets, narrow->chars[i], after);

        g_ptr_array_unref(sets);
        sets = after;
        if (!going)
            return FALSE;
    }
    for (guint i = 0; i < sets->len; i++) {
        if (!has(sets->pdata[i], wide->n))
            return FALSE;
    }
    return TRUE;
}

static gboolean
span_covers(const char *wide, gsize wide_size, const char *narrow, gsize narrow_size)
{
    g_auto(Pattern) a = { NULL, 0 }, b = { NULL, 0 };

    if (memchr(wide, '*', wide_size) == NULL && memchr(wide, '?', wide_size) == NULL) /* itself alone */
        return wide_size == narrow_size && memcmp(wide, narrow, wide_size) == 0;
    a = pattern_read(wide, wide_size);
    b = pattern_read(narrow, narrow_size);
    return covers(&a, &b);
}

gboolean
rb_match_covers(const char *wide, const char *narrow)
{
    if (strcmp(wide, "*") == 0 || strcmp(wide, narrow) == 0)
        return TRUE;
    return span_covers(wide, strlen(wide), narrow, strlen(narrow));
}

gboolean
rb_match_covers_arn(const char *wide, const char *narrow)
{
    if (strcmp(wide, "*") == 0 || strcmp(wide, narrow) == 0)
        return TRUE;
    for (guint i = 0; i < 6; i++) {
        const char *wide_end = rb_arn_field_end(wide, i), *narrow_end = rb_arn_field_end(narrow, i);

        if (!span_covers(wide, (gsize)(wide_end - wide), narrow, (gsize)(narrow_end - narrow)))
            return FALSE;
        if (*wide_end == '\0' || *narrow_end == '\0')
            return i == 5;
        wide = wide_end + 1;
        narrow = narrow_end + 1;
    }
    return FALSE;
}

/* Row by row of a: which places of b can be reached together with it. */
gboolean
rb_match_overlaps(const char *a, const char *b)
{
    g_auto(Pattern) x = pattern_read(a, strlen(a)), y = pattern_read(b, strlen(b));
    g_autofree guint8 *now = g_new0(guint8, y.n + 1), *after = g_new0(guint8, y.n + 1);

    now[0] = 1;
    for (guint i = 0;; i++) {
        gunichar c = i < x.n ? x.chars[i] : 0;
        guint8 *swap = now;

        memset(after, 0, y.n + 1);
        for (guint j = 0; j <= y.n; j++) {
            gunichar d = j < y.n ? y.chars[j] : 0;

            if (!now[j])
                continue;
            if (d == '*' || (c == '*' && d)) /* d may be passed: it is nothing, or one more of what c takes */
                now[j + 1] = 1;
            if (c == '*' || (d == '*' && c)) /* so may c */
                after[j] = 1;
            if (c && d && (c == '?' || d == '?' || c == d))
                after[j + 1] = 1;
        }
        if (i == x.n)
            return now[y.n];
        now = after;
        after = swap;
    }
}
