#include "review/refine.h"

#include <string.h>

/*
 * The edit of a policy's file that a refinement proposes: texts are cut out of the file where they stand, so
 * that comments and layout stay as people wrote them. What cannot be cut out safely stays.
 */

typedef struct {
    gsize start, end; /* bytes */
    char *with;       /* owned */
} Edit;

typedef struct {
    const char *text;
    gsize size;
    GArray *edits; /* Edit */
} Editor;

static void
edit_clear(gpointer data)
{
    g_free(((Edit *)data)->with);
}

static void
change(Editor *e, gsize start, gsize end, char *with)
{
    const Edit edit = { start, end, with };

    g_array_append_val(e->edits, edit);
}

/* The byte where @line begins; the size of the text behind the last one. */
static gsize
line_start(const Editor *e, guint line)
{
    const char *at = e->text;

    for (guint i = 1; i < line && at != NULL; i++) {
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    return at == NULL ? e->size : (gsize)(at - e->text);
}

/* Columns count characters. */
static gsize
offset_of(const Editor *e, RbPlace place)
{
    gsize at = line_start(e, place.line);

    for (guint i = 1; i < place.column && at < e->size; i++)
        at = (gsize)(g_utf8_next_char(e->text + at) - e->text);
    return MIN(at, e->size);
}

/* Behind the scalar that begins at @at. */
static gsize
scalar_end(const Editor *e, gsize at)
{
    char quote = e->text[at];
    gsize i;

    if (quote != '"' && quote != '\'')
        return at + strcspn(e->text + at, ",]}#\n");
    for (i = at + 1; i < e->size && e->text[i] != quote; i++)
        if (e->text[i] == '\\' && quote == '"' && i + 1 < e->size)
            i++;
    return MIN(i + 1, e->size);
}

/* The character before @at that is no blank. */
static char
before(const Editor *e, gsize at)
{
    while (at > 0 && (e->text[at - 1] == ' ' || e->text[at - 1] == '\n'))
        at--;
    if (at == 0)
        return '\0';
    return e->text[at - 1];
}

static gsize
line_of(const Editor *e, gsize at)
{
    while (at > 0 && e->text[at - 1] != '\n')
        at--;
    return at;
}

static gsize
next_line(const Editor *e, gsize at)
{
    const char *end = at >= e->size ? NULL : strchr(e->text + at, '\n');

    return end == NULL ? e->size : (gsize)(end - e->text) + 1;
}

static const RbRefinement *
find(const GPtrArray *refinements, const RbTaskPolicy *policy, const RbPolicyText *text)
{
    for (guint i = 0; i < refinements->len; i++) {
        const RbRefinement *r = refinements->pdata[i];
        if (r->policy == policy && r->kind != RB_REFINE_MISSING && r->kind != RB_REFINE_PART &&
            r->place.line == text->place.line && r->place.column == text->place.column)
            return r;
    }
    return NULL;
}

/* What is to stand for one action: nothing, what was used of it, or itself as it is written. */
static void
keep(const Editor *e, const RbRefinement *r, gsize start, GPtrArray *kept)
{
    for (guint i = 0; r != NULL && r->kind == RB_REFINE_WIDE && i < r->used->len; i++)
        g_ptr_array_add(kept, g_strdup_printf("\"%s\"", (char *)r->used->pdata[i]));
    if (r == NULL || r->kind == RB_REFINE_UNSEEN)
        g_ptr_array_add(kept, g_strndup(e->text + start, scalar_end(e, start) - start));
}

/* One item a line, behind a dash: its line goes, or others of its kind come. */
static void
edit_block(Editor *e, const GPtrArray *refinements, const RbTaskPolicy *policy, const RbPolicyTexts *actions)
{
    for (guint i = 0; i < actions->n; i++) {
        gsize start = offset_of(e, actions->at[i].place), line = line_of(e, start);
        const RbRefinement *r = find(refinements, policy, &actions->at[i]);
        g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *lead = g_strndup(e->text + line, start - line);
        GString *out = g_string_new(NULL);
        keep(e, r, start, kept);
        for (guint k = 0; k < kept->len; k++)
            g_string_append_printf(out, "%s%s\n", lead, (char *)kept->pdata[k]);
        if (r == NULL || r->kind == RB_REFINE_UNSEEN)
            (void)g_string_free(out, TRUE);
        else
            change(e, line, next_line(e, start), g_string_free(out, FALSE));
    }
}

/* A list in brackets, or one text: from the first to the last it is written anew. */
static void
edit_flow(Editor *e, const GPtrArray *refinements, const RbTaskPolicy *policy, const RbPolicyTexts *actions,
          gboolean brackets)
{
    gsize first = offset_of(e, actions->at[0].place), last = offset_of(e, actions->at[actions->n - 1].place);
    g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(g_free);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < actions->n; i++)
        keep(e, find(refinements, policy, &actions->at[i]), offset_of(e, actions->at[i].place), kept);
    if (!brackets && kept->len > 1)
        g_string_append_c(out, '[');
    for (guint i = 0; i < kept->len; i++)
        g_string_append_printf(out, "%s%s", i == 0 ? "" : ", ", (char *)kept->pdata[i]);
    if (!brackets && kept->len > 1)
        g_string_append_c(out, ']');
    change(e, first, scalar_end(e, last), g_string_free(out, FALSE));
}

static void
edit_actions(Editor *e, const GPtrArray *refinements, const RbTaskPolicy *policy,
             const RbPolicyTexts *actions)
{
    char left = before(e, offset_of(e, actions->at[0].place));

    if (left == '-')
        edit_block(e, refinements, policy, actions);
    else
        edit_flow(e, refinements, policy, actions, left == '[');
}

/* ---- statements ---- */

/* Behind the last line of statement @i: where the next one begins, or what is indented less than its dash. */
static gsize
statement_end(const Editor *e, const RbPolicy *policy, guint i)
{
    gsize start = line_start(e, policy->statements[i].place.line), at = next_line(e, start);
    gsize indent = strspn(e->text + start, " ");

    if (i + 1 < policy->n_statements)
        return line_start(e, policy->statements[i + 1].place.line);
    while (at < e->size && (e->text[at] == '\n' || strspn(e->text + at, " ") > indent))
        at = next_line(e, at);
    return at;
}

/* A statement that shares a line with another one is not cut out. */
static gboolean
stands_alone(const Editor *e, const RbPolicy *policy, guint i)
{
    guint line = policy->statements[i].place.line;
    gsize start = line_start(e, line);

    return e->text[start + strspn(e->text + start, " ")] == '-' &&
           (i == 0 || policy->statements[i - 1].place.line < line) &&
           (i + 1 == policy->n_statements || policy->statements[i + 1].place.line > line);
}

static void
edit_statement(Editor *e, const GPtrArray *refinements, const RbTaskPolicy *policy, guint i)
{
    const RbPolicyStatement *s = &policy->document->statements[i];
    guint unused = 0, wide = 0;

    for (guint k = 0; k < s->actions.n; k++) {
        const RbRefinement *r = find(refinements, policy, &s->actions.at[k]);
        unused += r != NULL && r->kind == RB_REFINE_UNUSED ? 1 : 0;
        wide += r != NULL && r->kind == RB_REFINE_WIDE ? 1 : 0;
    }
    if (unused < s->actions.n && unused + wide > 0)
        edit_actions(e, refinements, policy, &s->actions);
    else if (unused == s->actions.n && stands_alone(e, policy->document, i) &&
             policy->document->n_statements > 1)
        change(e, line_start(e, s->place.line), statement_end(e, policy->document, i), g_strdup(""));
}

static void
append_missing(GString *out, const RbRefinement *r, const char *indent)
{
    g_string_append_printf(out, "%s- effect: Allow # %s was refused this, %u %s\n%s  action: \"%s\"\n",
                           indent, r->role->name, r->times, r->times == 1 ? "time" : "times", indent,
                           r->pattern);
    if (r->resources->len == 0) {
        g_string_append_printf(out, "%s  resource: \"*\" # AWS did not say on what: narrow it\n", indent);
        return;
    }
    g_string_append_printf(out, "%s  resource: [", indent);
    for (guint i = 0; i < r->resources->len; i++)
        g_string_append_printf(out, "%s\"%s\"", i == 0 ? "" : ", ", (char *)r->resources->pdata[i]);
    g_string_append(out, "]\n");
}

/* Behind the last statement. */
static void
add_missing(Editor *e, const GPtrArray *refinements, const RbTaskPolicy *policy)
{
    const RbPolicy *document = policy->document;
    gsize last = line_start(e, document->statements[document->n_statements - 1].place.line);
    g_autofree char *indent = g_strndup(e->text + last, strspn(e->text + last, " "));
    gsize end = statement_end(e, document, document->n_statements - 1);
    GString *out = g_string_new(end > 0 && e->text[end - 1] != '\n' ? "\n" : "");

    for (guint i = 0; i < refinements->len; i++) {
        const RbRefinement *r = refinements->pdata[i];
        if (r->policy == policy && r->kind == RB_REFINE_MISSING)
            append_missing(out, r, indent);
    }
    if (e->text[last + strlen(indent)] == '-')
        change(e, end, end, g_string_free(out, FALSE));
    else /* statements in one line: nothing is written into it */
        (void)g_string_free(out, TRUE);
}

static gint
from_behind(gconstpointer a, gconstpointer b)
{
    const Edit *x = a, *y = b;

    return x->start > y->start ? -1 : x->start < y->start;
}

char *
rb_refine_edit(const GPtrArray *refinements, const RbTaskPolicy *policy, const char *text)
{
    Editor e = { text, strlen(text), g_array_new(FALSE, FALSE, sizeof(Edit)) };
    GString *out = g_string_new(text);
    gsize limit = G_MAXSIZE;

    g_array_set_clear_func(e.edits, edit_clear);
    for (guint i = 0; i < policy->document->n_statements; i++)
        edit_statement(&e, refinements, policy, i);
    add_missing(&e, refinements, policy);
    g_array_sort(e.edits, from_behind);
    for (guint i = 0; i < e.edits->len; i++) {
        const Edit *edit = &g_array_index(e.edits, Edit, i);
        if (edit->end > limit) /* would touch what is changed already */
            continue;
        g_string_erase(out, (gssize)edit->start, (gssize)(edit->end - edit->start));
        g_string_insert(out, (gssize)edit->start, edit->with);
        limit = edit->start;
    }
    g_array_unref(e.edits);
    return g_string_free(out, FALSE);
}
