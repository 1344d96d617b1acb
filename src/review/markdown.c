#include "base/encoding.h"
#include "review/priv.h"

#include <string.h>

/*
 * A review for a pull request. Names come from files that somebody else wrote: nothing of them may become
 * markup, a mention or a cell of its own.
 */

enum { FEW = 8, ROWS_MAX = 100, TEXT_MAX = 1500 };

/* As code, which no markup and no mention lives in; a bar would end a cell even there. */
static void
code(GString *out, const char *text)
{
    g_autofree char *safe = rb_text_printable(text, TEXT_MAX);
    gsize run = 0, longest = 0;

    if (*safe == '\0')
        return;
    for (const char *p = safe; *p != '\0'; p++) {
        run = *p == '`' ? run + 1 : 0;
        longest = MAX(longest, run);
    }
    for (gsize i = 0; i <= longest; i++)
        g_string_append_c(out, '`');
    g_string_append(out, longest > 0 ? " " : "");
    for (const char *p = safe; *p != '\0'; p++)
        g_string_append_printf(out, *p == '|' ? "\\%c" : "%c", *p);
    g_string_append(out, longest > 0 ? " " : "");
    for (gsize i = 0; i <= longest; i++)
        g_string_append_c(out, '`');
}

/* As words: what Markdown or HTML would read is escaped. */
static void
words(GString *out, const char *text)
{
    g_autofree char *safe = rb_text_printable(text, TEXT_MAX);

    if (strchr(safe, '@') != NULL ||
        strstr(safe, "://") != NULL) { /* mentions, links: no escape stops them */
        code(out, safe);
        return;
    }
    for (const char *p = safe; *p != '\0'; p++) {
        if (*p == '<' || *p == '>' || *p == '&')
            g_string_append(out, *p == '<' ? "&lt;" : *p == '>' ? "&gt;" : "&amp;");
        else
            g_string_append_printf(out, strchr("\\`*_{}[]#!|~^$", *p) != NULL ? "\\%c" : "%c", *p);
    }
}

typedef struct {
    const RbReview *review;
    const RbReviewLook *look;
    GString *out;
    guint rows, max;
} Page;

/* TRUE: one row more would be too many. */
static gboolean
is_full(Page *page)
{
    return !page->look->full && ++page->rows > ROWS_MAX;
}

static void
where_cell(const Page *page, const GPtrArray *seats, gboolean gained)
{
    g_autofree char *text =
        rb_seats_words(seats, gained ? page->review->after : page->review->before, page->max);

    words(page->out, text);
}

static void
people_rows(Page *page)
{
    for (guint i = 0; i < page->review->people->len; i++) {
        const RbPeopleChange *c = page->review->people->pdata[i];
        g_autofree char *who = rb_who_words(c->who);
        const char *bold = c->privileged && c->gained ? "**" : "";
        if (is_full(page))
            return;
        g_string_append_printf(page->out, "| %s%s%s | ", bold, c->gained ? "gain" : "loss", bold);
        words(page->out, who);
        g_string_append_printf(page->out, " | %s", bold);
        words(page->out, c->title);
        g_string_append_printf(page->out, "%s%s | ", c->privileged ? ", privileged" : "", bold);
        where_cell(page, c->seats, c->gained);
        g_string_append(page->out, " |\n");
    }
}

static gboolean
changes_something(const RbAccessChange *c)
{
    for (guint i = 0; i < c->items->len; i++)
        if (rb_item_writes(c->items->pdata[i]))
            return TRUE;
    return FALSE;
}

static void
access_rows(Page *page)
{
    for (guint i = 0; i < page->review->access->len; i++) {
        const RbAccessChange *c = page->review->access->pdata[i];
        g_autofree char *what = rb_change_words(c);
        const char *bold = c->gained && (c->privileged || changes_something(c)) ? "**" : "";
        if (is_full(page))
            return;
        g_string_append_printf(page->out, "| %s%s%s | the role ", bold, c->gained ? "gain" : "loss", bold);
        words(page->out, c->title);
        g_string_append_printf(page->out, "%s | %s", c->privileged ? ", privileged" : "", bold);
        words(page->out, what);
        g_string_append_printf(page->out, "%s%s | ", bold,
                               c->whole     ? (c->gained ? ", new there" : ", gone there")
                               : c->session ? ", by its session policy"
                                            : "");
        where_cell(page, c->seats, c->gained);
        g_string_append(page->out, " |\n");
    }
}

static void
fact_rows(Page *page)
{
    for (guint i = 0; i < page->review->facts->len; i++) {
        const RbFactChange *f = page->review->facts->pdata[i];
        g_autofree char *sentence = rb_fact_sentence(f);
        const char *bold = f->sense == RB_FACT_LOOSER ? "**" : "";
        if (is_full(page))
            return;
        g_string_append_printf(page->out, "| %s%s%s | ", bold,
                               f->sense == RB_FACT_LOOSER    ? "looser"
                               : f->sense == RB_FACT_TIGHTER ? "tighter"
                                                             : "change",
                               bold);
        words(page->out, f->subject);
        g_string_append(page->out, " | ");
        words(page->out, sentence + strlen(f->subject) + 1 + (sentence[strlen(f->subject)] == ':'));
        g_string_append(page->out, " | |\n");
    }
}

static void
item_line(const Page *page, const RbAccessItem *item, gboolean gained)
{
    g_autofree char *actions = rb_item_actions(item, page->max), *known = rb_item_known(item, page->max),
                    *resources = rb_item_resources(item, page->max);

    g_string_append(page->out, gained ? "- gains " : "- loses ");
    if (item->managed != NULL) {
        g_string_append(page->out, "all that the policy ");
        code(page->out, item->managed);
        g_string_append(page->out, " says: its document is not known here\n");
        return;
    }
    g_string_append(page->out, item->deny ? (gained ? "by a Deny that is lifted: " : "by a new Deny: ") : "");
    code(page->out, actions);
    if (known != NULL) {
        g_string_append(page->out, " (");
        words(page->out, known);
        g_string_append(page->out, ")");
    }
    g_string_append(page->out, " on ");
    code(page->out, resources);
    if (*item->conditions != '\0') {
        g_string_append(page->out, ", if ");
        code(page->out, item->conditions);
    }
    g_string_append(page->out, " (");
    code(page->out, item->place);
    g_string_append(page->out, ")\n");
}

static void
details(Page *page)
{
    page->rows = 0;
    g_string_append(page->out, "\n<details><summary>Which statements</summary>\n");
    for (guint i = 0; i < page->review->access->len; i++) {
        const RbAccessChange *c = page->review->access->pdata[i];
        if (is_full(page))
            break;
        g_string_append(page->out, "\n**");
        words(page->out, c->title);
        g_string_append(page->out, "** in ");
        where_cell(page, c->seats, c->gained);
        g_string_append(page->out, "\n\n");
        for (guint k = 0; k < c->items->len; k++)
            item_line(page, c->items->pdata[k], c->gained);
    }
    g_string_append(page->out, "\n</details>\n");
}

char *
rb_review_markdown(const RbReview *review, const RbReviewLook *look)
{
    Page page = { review, look, g_string_new("### Access review: from "), 0, look->full ? G_MAXUINT : FEW };
    RbReviewCount count = rb_review_count(review);
    g_autofree char *summary = rb_count_words(&count);
    guint all = review->people->len + review->access->len + review->facts->len;

    code(page.out, look->before);
    g_string_append(page.out, " to ");
    code(page.out, look->after);
    g_string_append_printf(page.out, "\n\n**%c%s.**\n", g_ascii_toupper(*summary), summary + 1);
    if (all == 0)
        return g_string_free(page.out, FALSE);
    g_string_append(page.out, "\n| | who | what | where |\n| --- | --- | --- | --- |\n");
    people_rows(&page);
    access_rows(&page);
    fact_rows(&page);
    if (page.rows > ROWS_MAX)
        g_string_append_printf(page.out, "\nAnd %u more: `rolebridgectl diff --full` names all.\n",
                               all - ROWS_MAX);
    if (review->access->len > 0)
        details(&page);
    return g_string_free(page.out, FALSE);
}
