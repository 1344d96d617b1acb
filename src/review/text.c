#include "base/encoding.h"
#include "review/priv.h"

#include <string.h>

/* A review for a terminal. */

enum { FEW = 8, LINE_MAX_BYTES = 4000 };

typedef struct {
    const RbReview *review;
    const RbReviewLook *look;
    GString *out;
    guint max; /* of a list */
} Page;

static const char *
paint(const Page *page, const char *code)
{
    return page->look->colour ? code : "";
}

/* A sentence with a mark before it, what it says made safe. */
static void
line(const Page *page, char mark, const char *indent, const char *text)
{
    g_autofree char *safe = rb_text_printable(text, page->look->full ? strlen(text) * 4 : LINE_MAX_BYTES);
    const char *code = mark == '+' ? "\033[32m" : mark == '-' ? "\033[31m" : "";

    g_string_append_printf(page->out, "%s%s%c %s%s\n", indent, paint(page, code), mark, safe,
                           *code == '\0' ? "" : paint(page, "\033[0m"));
}

static void
heading(const Page *page, const char *text)
{
    g_string_append_printf(page->out, "\n%s%s%s\n", paint(page, "\033[1m"), text, paint(page, "\033[0m"));
}

static const RbSnapshot *
side(const Page *page, gboolean gained)
{
    return gained ? page->review->after : page->review->before;
}

static void
people(const Page *page)
{
    if (page->review->people->len > 0)
        heading(page, "Who gets what");
    for (guint i = 0; i < page->review->people->len; i++) {
        const RbPeopleChange *c = page->review->people->pdata[i];
        g_autofree char *who = rb_who_words(c->who);
        g_autofree char *where = rb_seats_words(c->seats, side(page, c->gained), page->max);
        g_autofree char *text = g_strdup_printf("%s %s %s%s in %s.", who, c->gained ? "gain" : "lose",
                                                c->title, c->privileged ? " (privileged)" : "", where);
        line(page, c->gained ? '+' : '-', "  ", text);
    }
}

char *
rb_item_sentence(const RbAccessItem *item, gboolean gained, guint max)
{
    g_autofree char *actions = rb_item_actions(item, max), *resources = rb_item_resources(item, max);
    g_autofree char *known = rb_item_known(item, max);

    if (item->managed != NULL)
        return g_strdup_printf("all that the policy %s says: its document is not known here", item->managed);
    return g_strdup_printf("%s%s%s%s%s on %s%s%s",
                           item->deny ? (gained ? "no longer denied: " : "denied: ") : "", actions,
                           known == NULL ? "" : " (", known == NULL ? "" : known, known == NULL ? "" : ")",
                           resources, *item->conditions == '\0' ? "" : ", if ", item->conditions);
}

static void
access_change(const Page *page, const RbAccessChange *c)
{
    g_autofree char *where = rb_seats_words(c->seats, side(page, c->gained), page->max);
    g_autofree char *what = rb_change_words(c);
    g_autofree char *text =
        g_strdup_printf("%s%s %s in %s: %s%s", c->title, c->privileged ? " (privileged)" : "",
                        c->whole ? (c->gained ? "is new" : "is gone") : (c->gained ? "gains" : "loses"),
                        where, what, c->session ? ", by its session policy" : "");
    char mark = c->gained ? '+' : '-';

    line(page, mark, "  ", text);
    for (guint i = 0; i < c->items->len; i++) {
        const RbAccessItem *item = c->items->pdata[i];
        g_autofree char *sentence = rb_item_sentence(item, c->gained, page->max);
        g_autofree char *full = g_strdup_printf("%s%s%s%s", sentence, *item->place == '\0' ? "" : "  (",
                                                item->place, *item->place == '\0' ? "" : ")");
        line(page, mark, "      ", full);
    }
}

static void
facts(const Page *page)
{
    if (page->review->facts->len > 0)
        heading(page, "Limits, owners and accounts");
    for (guint i = 0; i < page->review->facts->len; i++) {
        const RbFactChange *f = page->review->facts->pdata[i];
        g_autofree char *sentence = rb_fact_sentence(f);
        g_autofree char *text = g_strdup_printf("%s%s", sentence,
                                                f->sense == RB_FACT_LOOSER    ? " That is looser."
                                                : f->sense == RB_FACT_TIGHTER ? " That is tighter."
                                                                              : "");
        line(page, "-~+"[f->sense + 1], "  ", text);
    }
}

char *
rb_review_text(const RbReview *review, const RbReviewLook *look)
{
    Page page = { review, look, g_string_new(NULL), look->full ? G_MAXUINT : FEW };
    RbReviewCount count = rb_review_count(review);
    g_autofree char *before = rb_text_printable(look->before, 200),
                    *after = rb_text_printable(look->after, 200);
    g_autofree char *words = rb_count_words(&count);

    g_string_append_printf(page.out, "From %s to %s: %s.\n", before, after, words);
    people(&page);
    if (review->access->len > 0)
        heading(&page, "What roles may do");
    for (guint i = 0; i < review->access->len; i++)
        access_change(&page, review->access->pdata[i]);
    facts(&page);
    return g_string_free(page.out, FALSE);
}
