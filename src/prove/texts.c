#include "prove/texts.h"

#include <string.h>

/* One step of a pattern. */
typedef struct {
    enum { STEP_LITERAL, STEP_ONE, STEP_RUN } kind;
    gunichar c;
    gboolean in_field; /* ONE, RUN: not ':' */
    gboolean nocase;   /* LITERAL: ASCII letters without case */
} Step;

typedef struct {
    RbGlob glob;
    char *text;
    Step *steps;
    guint n;
    gboolean shape, never; /* never: it matches nothing */
} Pattern;

/* A place in a pattern: before step @at; at == n: the end. Of one pattern the places are kept together. */
typedef struct {
    guint16 pattern, at;
} Spot;

typedef struct {
    Spot *spots; /* sorted; what follows a RUN without a character is among them */
    guint n;
    guint from; /* the state before, and the character that led here: the text of a state */
    gunichar by;
    int class;       /* -1: not of the shape */
    guint step_from; /* into steps, as many as n_steps; the last is for every other character */
    guint n_steps;
} State;

typedef struct {
    gunichar c;
    guint to;
} Edge;

typedef struct {
    guint8 *bits;
    char *witness[RB_TEXTS_WITNESSES];
} Class;

struct RbTexts {
    GArray *patterns; /* Pattern */
    GHashTable *index;
    GArray *states;   /* State */
    GArray *edges;    /* Edge */
    GHashTable *seen; /* State contents → index + 1 */
    GArray *classes;  /* Class */
    GHashTable *by_bits;
    guint n_bytes;
    gboolean shaped;
};

static void
pattern_clear(gpointer data)
{
    Pattern *p = data;

    g_free(p->text);
    g_free(p->steps);
}

static void
state_clear(gpointer data)
{
    g_free(((State *)data)->spots);
}

static void
class_clear(gpointer data)
{
    Class *c = data;

    g_free(c->bits);
    for (guint i = 0; i < RB_TEXTS_WITNESSES; i++)
        g_free(c->witness[i]);
}

RbTexts *
rb_texts_new(void)
{
    RbTexts *texts = g_new0(RbTexts, 1);

    texts->patterns = g_array_new(FALSE, TRUE, sizeof(Pattern));
    g_array_set_clear_func(texts->patterns, pattern_clear);
    texts->index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    texts->states = g_array_new(FALSE, TRUE, sizeof(State));
    g_array_set_clear_func(texts->states, state_clear);
    texts->edges = g_array_new(FALSE, FALSE, sizeof(Edge));
    texts->seen = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    texts->classes = g_array_new(FALSE, TRUE, sizeof(Class));
    g_array_set_clear_func(texts->classes, class_clear);
    texts->by_bits = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    return texts;
}

void
rb_texts_free(RbTexts *texts)
{
    if (texts == NULL)
        return;
    g_array_unref(texts->patterns);
    g_hash_table_unref(texts->index);
    g_array_unref(texts->states);
    g_array_unref(texts->edges);
    g_hash_table_unref(texts->seen);
    g_array_unref(texts->classes);
    g_hash_table_unref(texts->by_bits);
    g_free(texts);
}

/* ---- patterns ---- */

static Pattern *
pattern_at(const RbTexts *texts, guint i)
{
    return &g_array_index(texts->patterns, Pattern, i);
}

static gboolean
only_stars(const char *text)
{
    return *text == '*' && strspn(text, "*") == strlen(text);
}

/* Where the last of the six fields begins, or of those that are written. */
static const char *
last_field(const char *text, guint *fields)
{
    const char *at = text, *colon;

    for (*fields = 1; *fields < 6 && (colon = strchr(at, ':')) != NULL; (*fields)++)
        at = colon + 1;
    return at;
}

/* Up to where wildcards are literal characters, and from where they cross ':'. FALSE: it matches nothing. */
static gboolean
read_parts(RbGlob glob, const char *text, const char **wild_from, const char **cross_from)
{
    const char *colon = strchr(text, ':');
    guint fields;

    *wild_from = *cross_from = text;
    switch (glob) {
    case RB_GLOB_TEXT:
        return TRUE;
    case RB_GLOB_EXACT:
    case RB_GLOB_NOCASE:
        *wild_from = text + strlen(text);
        return TRUE;
    case RB_GLOB_ACTION:
        *wild_from = colon == NULL ? text : colon;
        return colon != NULL || only_stars(text);
    case RB_GLOB_ACTION_WIDE:
        return colon != NULL || only_stars(text);
    default:
        if (only_stars(text))
            return TRUE;
        *cross_from = last_field(text, &fields);
        return fields == 6 || (glob == RB_GLOB_ARN_WIDE && g_str_has_suffix(text, "*"));
    }
}

static Step
read_step(const Pattern *p, gunichar c, gboolean wild, gboolean crosses)
{
    gboolean nocase =
        p->glob == RB_GLOB_NOCASE || p->glob == RB_GLOB_ACTION || p->glob == RB_GLOB_ACTION_WIDE;

    if (wild && c == '*')
        return (Step){ STEP_RUN, 0, !crosses, FALSE };
    if (wild && c == '?')
        return (Step){ STEP_ONE, 0, !crosses, FALSE };
    if (c >= RB_GLOB_LITERAL && c < RB_GLOB_LITERAL + 0x80)
        c -= RB_GLOB_LITERAL;
    if (nocase && c < 0x80)
        c = (gunichar)g_ascii_tolower((char)c);
    return (Step){ STEP_LITERAL, c, FALSE, nocase };
}

static void
read_steps(Pattern *p)
{
    const char *wild_from, *cross_from;

    p->steps = g_new0(Step, (gsize)g_utf8_strlen(p->text, -1) + 1);
    p->never = !read_parts(p->glob, p->text, &wild_from, &cross_from);
    for (const char *at = p->text; *at != '\0'; at = g_utf8_next_char(at)) {
        Step step = read_step(p, g_utf8_get_char(at), at >= wild_from, at >= cross_from);
        if (step.kind == STEP_RUN && p->n > 0 && p->steps[p->n - 1].kind == STEP_RUN)
            continue; /* "**" is "*" */
        p->steps[p->n++] = step;
    }
}

/* The reading of it that says the same: one pattern is not walked twice. */
static RbGlob
plain_glob(RbGlob glob, const char *pattern)
{
    const char *colon = strchr(pattern, ':');
    guint fields;

    if (glob == RB_GLOB_ACTION_WIDE && (colon == NULL || strcspn(pattern, "*?") > (gsize)(colon - pattern)))
        return RB_GLOB_ACTION;
    if (glob != RB_GLOB_ARN_WIDE)
        return glob;
    (void)last_field(pattern, &fields);
    return fields == 6 ? RB_GLOB_ARN : glob;
}

guint
rb_texts_add(RbTexts *texts, RbGlob written, const char *pattern)
{
    RbGlob glob = plain_glob(written, pattern);
    g_autofree char *valid = g_utf8_make_valid(pattern, -1);
    g_autofree char *key = g_strdup_printf("%d%s", (int)glob, valid);
    gpointer known = g_hash_table_lookup(texts->index, key);
    Pattern p = { .glob = glob };

    if (known != NULL)
        return GPOINTER_TO_UINT(known) - 1;
    p.text = g_steal_pointer(&valid);
    read_steps(&p);
    g_array_append_val(texts->patterns, p);
    g_hash_table_insert(texts->index, g_steal_pointer(&key), GUINT_TO_POINTER(texts->patterns->len));
    return texts->patterns->len - 1;
}

RbTexts *
rb_texts_copy(const RbTexts *texts)
{
    RbTexts *copy = rb_texts_new();

    for (guint i = 0; i < texts->patterns->len; i++) {
        const Pattern *p = pattern_at(texts, i);
        guint at = rb_texts_add(copy, p->glob, p->text);
        if (p->shape)
            rb_texts_shape(copy, at);
    }
    return copy;
}

guint
rb_texts_n(const RbTexts *texts)
{
    return texts->patterns->len;
}

const char *
rb_texts_pattern(const RbTexts *texts, guint i, RbGlob *glob)
{
    *glob = pattern_at(texts, i)->glob;
    return pattern_at(texts, i)->text;
}

void
rb_texts_shape(RbTexts *texts, guint i)
{
    pattern_at(texts, i)->shape = TRUE;
    texts->shaped = TRUE;
}

/* ---- one step of the automaton ---- */

static gboolean
takes(const Step *step, gunichar c)
{
    if (step->kind == STEP_LITERAL)
        return step->c == (step->nocase && c < 0x80 ? (gunichar)g_ascii_tolower((char)c) : c);
    return !(step->in_field && c == ':');
}

/* Adds a place and those behind a RUN; @first: where the places of its pattern begin. A later RUN takes
 * whatever earlier places could still read before they come to it, so those are dropped. */
static void
add_spot(const RbTexts *texts, GArray *spots, guint first, Spot spot)
{
    const Pattern *p = pattern_at(texts, spot.pattern);

    for (;; spot.at++) {
        if (spot.at < p->n && p->steps[spot.at].kind == STEP_RUN)
            g_array_set_size(spots, first);
        g_array_append_val(spots, spot);
        if (spot.at >= p->n || p->steps[spot.at].kind != STEP_RUN)
            return;
    }
}

static gboolean
has_spot(const GArray *spots, guint first, Spot spot)
{
    for (guint i = first; i < spots->len; i++)
        if (g_array_index(spots, Spot, i).at == spot.at)
            return TRUE;
    return FALSE;
}

/* Where @c leads from the places @from. Places of one pattern come in ascending order, and stay so. */
static void
step_on(const RbTexts *texts, const State *from, gunichar c, GArray *to)
{
    guint first = 0;

    g_array_set_size(to, 0);
    for (guint i = 0; i < from->n; i++) {
        Spot spot = from->spots[i];
        const Pattern *p = pattern_at(texts, spot.pattern);
        if (i == 0 || from->spots[i - 1].pattern != spot.pattern)
            first = to->len;
        if (spot.at >= p->n || !takes(&p->steps[spot.at], c))
            continue;
        spot.at += p->steps[spot.at].kind != STEP_RUN;
        if (!has_spot(to, first, spot))
            add_spot(texts, to, first, spot);
    }
}

/* A character that none of @taken is. */
static gunichar
another(const GArray *taken)
{
    static const char liked[] = "x0abcdefghijklmnopqrstuvwyz123456789-_/.XYZ";

    for (gunichar c = 0;; c++) {
        gunichar try = c < sizeof liked - 1 ? (gunichar)liked[c] : 0xC0 + c;
        gboolean free = TRUE;
        for (guint i = 0; i < taken->len && free; i++)
            free = g_array_index(taken, gunichar, i) != try;
        if (free)
            return try;
    }
}

static void
add_character(GArray *list, gunichar c)
{
    for (guint i = 0; i < list->len; i++)
        if (g_array_index(list, gunichar, i) == c)
            return;
    g_array_append_val(list, c);
}

/* The characters that make a difference in @state, and one that stands for all others. */
static void
characters(const RbTexts *texts, const State *state, GArray *list)
{
    gunichar other, colon = ':';

    g_array_set_size(list, 0);
    for (guint i = 0; i < state->n; i++) {
        const Pattern *p = pattern_at(texts, state->spots[i].pattern);
        const Step *step = &p->steps[state->spots[i].at];
        if (state->spots[i].at >= p->n)
            continue;
        if (step->kind == STEP_LITERAL)
            add_character(list, step->c);
        if (step->kind == STEP_LITERAL && step->nocase && step->c < 0x80)
            add_character(list, (gunichar)g_ascii_toupper((char)step->c));
        if (step->in_field)
            add_character(list, colon);
    }
    other = another(list);
    g_array_append_val(list, other);
}

/* ---- the walk ---- */

static char *
text_of(const RbTexts *texts, guint at)
{
    GString *text = g_string_new(NULL);

    for (; at != 0; at = g_array_index(texts->states, State, at).from)
        g_string_prepend_unichar(text, g_array_index(texts->states, State, at).by);
    return g_string_free(text, FALSE);
}

static GBytes *
bits_of(const RbTexts *texts, const State *state)
{
    guint8 *bits = g_malloc0(texts->n_bytes);

    for (guint i = 0; i < state->n; i++)
        if (state->spots[i].at == pattern_at(texts, state->spots[i].pattern)->n)
            bits[state->spots[i].pattern / 8] |= (guint8)(1u << (state->spots[i].pattern % 8));
    return g_bytes_new_take(bits, texts->n_bytes);
}

static gboolean
has_shape(const RbTexts *texts, const guint8 *bits)
{
    if (!texts->shaped)
        return TRUE;
    for (guint i = 0; i < texts->patterns->len; i++)
        if (pattern_at(texts, i)->shape && (bits[i / 8] >> (i % 8) & 1) != 0)
            return TRUE;
    return FALSE;
}

static int
class_of(RbTexts *texts, const State *state)
{
    g_autoptr(GBytes) bits = bits_of(texts, state);
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(texts->by_bits, bits));

    if (!has_shape(texts, g_bytes_get_data(bits, NULL)))
        return -1;
    if (known == 0) {
        Class new = { .bits = g_memdup2(g_bytes_get_data(bits, NULL), texts->n_bytes) };
        g_array_append_val(texts->classes, new);
        known = texts->classes->len;
        g_hash_table_insert(texts->by_bits, g_bytes_ref(bits), GUINT_TO_POINTER(known));
    }
    return (int)known - 1;
}

/* Another text of a class is kept as long as there is room: the one of state @from and @by behind it. */
static void
keep_witness(RbTexts *texts, int class, guint from, gunichar by)
{
    Class *c = class < 0 ? NULL : &g_array_index(texts->classes, Class, class);
    g_autofree char *before = NULL;
    GString *text;

    if (c == NULL || c->witness[RB_TEXTS_WITNESSES - 1] != NULL)
        return;
    before = text_of(texts, from);
    text = g_string_new(before);
    if (by != 0)
        g_string_append_unichar(text, by);
    c->witness[c->witness[0] == NULL ? 0 : 1] = g_string_free(text, FALSE);
}

/* The state with the places @spots. */
static guint
enter(RbTexts *texts, const GArray *spots, guint from, gunichar by)
{
    State state = { (Spot *)(void *)spots->data, spots->len, from, by, -1, 0, 0 };
    GBytes *key = g_bytes_new(spots->data, spots->len * sizeof(Spot));
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(texts->seen, key));

    if (known != 0) {
        g_bytes_unref(key);
    } else {
        state.class = class_of(texts, &state);
        state.spots = g_memdup2(spots->data, spots->len * sizeof(Spot));
        g_array_append_val(texts->states, state);
        known = texts->states->len;
        g_hash_table_insert(texts->seen, key, GUINT_TO_POINTER(known));
    }
    keep_witness(texts, g_array_index(texts->states, State, known - 1).class, from, by);
    return known - 1;
}

static void
begin(const RbTexts *texts, GArray *spots)
{
    g_array_set_size(spots, 0);
    for (guint i = 0; i < texts->patterns->len; i++)
        if (!pattern_at(texts, i)->never)
            add_spot(texts, spots, spots->len, (Spot){ (guint16)i, 0 });
}

static void
forget(RbTexts *texts)
{
    g_array_set_size(texts->states, 0);
    g_array_set_size(texts->edges, 0);
    g_array_set_size(texts->classes, 0);
    g_hash_table_remove_all(texts->seen);
    g_hash_table_remove_all(texts->by_bits);
    texts->n_bytes = texts->patterns->len / 8 + 1;
}

/* Every state that follows state @at. */
static void
expand(RbTexts *texts, guint at, GArray *list, GArray *spots)
{
    guint first = texts->edges->len;

    characters(texts, &g_array_index(texts->states, State, at), list);
    for (guint i = 0; i < list->len; i++) {
        Edge edge = { g_array_index(list, gunichar, i), 0 };
        step_on(texts, &g_array_index(texts->states, State, at), edge.c, spots);
        edge.to = enter(texts, spots, at, edge.c);
        g_array_append_val(texts->edges, edge);
    }
    g_array_index(texts->states, State, at).step_from = first;
    g_array_index(texts->states, State, at).n_steps = list->len;
}

gboolean
rb_texts_explore(RbTexts *texts, guint limit)
{
    g_autoptr(GArray) spots = g_array_new(FALSE, FALSE, sizeof(Spot));
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(gunichar));

    forget(texts);
    if (texts->patterns->len > G_MAXUINT16)
        return FALSE;
    begin(texts, spots);
    (void)enter(texts, spots, 0, 0);
    for (guint at = 0; at < texts->states->len; at++) {
        if (texts->states->len > limit)
            return FALSE;
        expand(texts, at, list, spots);
    }
    return TRUE;
}

guint
rb_texts_n_classes(const RbTexts *texts)
{
    return texts->classes->len;
}

gboolean
rb_texts_matches(const RbTexts *texts, guint a_class, guint pattern)
{
    return (g_array_index(texts->classes, Class, a_class).bits[pattern / 8] >> (pattern % 8) & 1) != 0;
}

const char *
rb_texts_witness(const RbTexts *texts, guint a_class, guint i)
{
    return g_array_index(texts->classes, Class, a_class).witness[i];
}

int
rb_texts_class_of(const RbTexts *texts, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    const State *state = &g_array_index(texts->states, State, 0);

    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        const Edge *edges = &g_array_index(texts->edges, Edge, state->step_from);
        gunichar c = g_utf8_get_char(at);
        guint i = 0;
        while (i + 1 < state->n_steps && edges[i].c != c)
            i++;
        state = &g_array_index(texts->states, State, edges[i].to);
    }
    return state->class;
}
