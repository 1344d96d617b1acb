#include "compile/priv.h"

#include "base/encoding.h"

#include <string.h>

/*
 * A document longer than a managed policy may be, as several. Statements stay whole where they can: one that
 * is too long by itself is cut by its actions or its resources, which changes nothing, because a statement
 * means the same for each pair of them alone. NotAction and NotResource mean all of their list at once, and
 * conditions hold together: those are never cut.
 *
 * Where a part ends follows from the names of the statements near its end, not from their number: a statement
 * more in one place moves the end of one part, and the parts behind it stay as they are.
 */

enum { ENVELOPE = 40 }; /* {"Version":"2012-10-17","Statement":[]} */

/* A statement, or a piece of one, as a policy of its own. */
typedef struct {
    RbPolicy *policy;
    glong size; /* of the statement in it */
    guint64 mark;
} Unit;

typedef struct {
    RbCompiler *c;
    const char *where;
    GArray *units; /* Unit */
    gboolean failed;
} Split;

static void
unit_clear(gpointer data)
{
    rb_policy_unref(((Unit *)data)->policy);
}

static glong
size_of(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    glong size = rb_compile_size(text);

    free(text);
    return size;
}

static guint64
mark_of(const char *text)
{
    RbSha256 *sum = rb_sha256_begin();
    guint8 digest[32];
    guint64 mark = 0;

    rb_sha256_add(sum, text, strlen(text));
    rb_sha256_end(sum, digest);
    for (guint i = 0; i < sizeof mark; i++)
        mark = mark << 8 | digest[i];
    return mark;
}

/* By its name, so that what it says may change; one without a name by what it says. */
static guint64
mark_statement(const RbPolicyStatement *statement, const json_t *json)
{
    char *text;
    guint64 mark;

    if (statement->sid.text != NULL)
        return mark_of(statement->sid.text);
    text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    mark = mark_of(text);
    free(text);
    return mark;
}

static void
add_unit(Split *s, RbPolicy *policy, glong size, guint64 mark)
{
    Unit unit = { policy, size, mark };

    g_array_append_val(s->units, unit);
}

/* The longer of the lists that may be cut; NULL: there is none. */
static const char *
cuttable(const json_t *statement)
{
    static const char *const keys[] = { "Resource", "Action" };
    const char *best = NULL;
    glong longest = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        const json_t *list = json_object_get(statement, keys[i]);
        if (json_array_size(list) > 1 && size_of(list) > longest) {
            best = keys[i];
            longest = size_of(list);
        }
    }
    return best;
}

/* @statement with entries [@from, @to) of its list @key alone. */
static json_t *
slice(const json_t *statement, const char *key, size_t from, size_t to)
{
    json_t *copy = json_copy((json_t *)statement), *list = json_array();

    for (size_t i = from; i < to; i++)
        (void)json_array_append(list, json_array_get(json_object_get(statement, key), i));
    (void)json_object_set_new(copy, key, list);
    return copy;
}

/* How many entries of the list @key fit, at least one. */
static size_t
count_fitting(const json_t *statement, const char *key, glong room)
{
    const json_t *list = json_object_get(statement, key);
    glong used = size_of(statement) - size_of(list) + 2;
    size_t n = 0;

    while (n < json_array_size(list)) {
        used += size_of(json_array_get(list, n)) + 1;
        if (used > room && n > 0)
            break;
        n++;
    }
    return n;
}

static void
cut(Split *s, const RbPolicyStatement *statement, json_t *json, guint64 mark)
{
    const glong room = RB_POLICY_MANAGED_MAX - ENVELOPE;
    const char *key = cuttable(json);
    size_t n, from = 0;

    if (size_of(json) <= room) {
        RbPolicy *policy =
            rb_compile_document(s->c, RB_POLICY_IDENTITY, json_pack("[O]", json), statement->place);
        if (policy == NULL)
            s->failed = TRUE;
        else
            add_unit(s, policy, size_of(json), mark);
        return;
    }
    if (key == NULL) {
        s->failed = TRUE;
        if (rb_compile_once(s->c, statement->place))
            rb_diagnostics_error(s->c->problems, statement->place.file, statement->place.line,
                                 statement->place.column,
                                 "say it in several statements, or with fewer words (wildcards)",
                                 "this statement cannot be cut, has %ld characters in '%s', and a managed "
                                 "policy takes %d",
                                 size_of(json), s->where, RB_POLICY_MANAGED_MAX);
        return;
    }
    for (n = json_array_size(json_object_get(json, key)); from < n && !s->failed;) {
        json_t *rest = slice(json, key, from, n), *first;
        size_t fits = count_fitting(rest, key, room);
        first = slice(rest, key, 0, fits);
        if (from > 0)
            (void)json_object_del(first, "Sid"); /* in one policy no two statements may have the same */
        cut(s, statement, first, mark + from + 1);
        from += fits;
        json_decref(first);
        json_decref(rest);
    }
}

static void
read_units(Split *s, const RbPolicy *document)
{
    json_t *json = rb_policy_to_json(document), *list = json_object_get(json, "Statement");

    for (guint i = 0; i < document->n_statements; i++) {
        json_t *statement = json_is_array(list) ? json_array_get(list, i) : list;
        guint64 mark = mark_statement(&document->statements[i], statement);
        if (size_of(statement) + ENVELOPE <= RB_POLICY_MANAGED_MAX)
            add_unit(s, rb_policy_statements(document, &i, 1), size_of(statement), mark);
        else
            cut(s, &document->statements[i], statement, mark);
    }
    json_decref(json);
}

/* Where the part that begins at @from ends: what fits, and of its second half the best mark. */
static guint
end_of(const Split *s, guint from)
{
    glong used = ENVELOPE;
    guint best = from, i;

    for (i = from; i < s->units->len; i++) {
        const Unit *unit = &g_array_index(s->units, Unit, i);
        if (i > from && used > RB_POLICY_MANAGED_MAX / 2 &&
            (best == from || unit->mark < g_array_index(s->units, Unit, best).mark))
            best = i; /* the next part may begin with it */
        if (used + unit->size + 1 > RB_POLICY_MANAGED_MAX)
            return best > from ? best : MAX(i, from + 1);
        used += unit->size + 1;
    }
    return i;
}

GPtrArray *
rb_compile_split(RbCompiler *c, const RbPolicy *document, const char *where)
{
    g_autoptr(GArray) units = g_array_new(FALSE, FALSE, sizeof(Unit));
    g_autoptr(GPtrArray) joined = g_ptr_array_new();
    GPtrArray *parts;
    Split s = { c, where, units, FALSE };

    g_array_set_clear_func(units, unit_clear);
    read_units(&s, document);
    if (s.failed)
        return NULL;
    parts = g_ptr_array_new_with_free_func((GDestroyNotify)rb_policy_unref);
    for (guint from = 0, to; from < units->len; from = to) {
        to = end_of(&s, from);
        g_ptr_array_set_size(joined, 0);
        for (guint i = from; i < to; i++)
            g_ptr_array_add(joined, g_array_index(units, Unit, i).policy);
        g_ptr_array_add(
            parts, rb_policy_join(RB_POLICY_IDENTITY, (const RbPolicy *const *)joined->pdata, joined->len));
    }
    return parts;
}
