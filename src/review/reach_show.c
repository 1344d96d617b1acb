#include "base/encoding.h"
#include "review/priv.h"

enum { FEW = 8 };

static void
line(GString *out, const char *indent, const char *text)
{
    g_autofree char *safe = rb_text_printable(text, 4000);

    g_string_append_printf(out, "%s%s\n", indent, safe);
}

char *
rb_reach_text(const RbReach *reach, const RbReviewLook *look)
{
    static const char *const headings[] = { "May, always", "May, if", "Not known" };
    GString *out = g_string_new(NULL);
    int section = -1;

    for (guint i = 0; i < reach->holders->len; i++) {
        const RbHolder *h = reach->holders->pdata[i];
        g_autofree char *where = rb_seats_words(h->seats, reach->snapshot, look->full ? G_MAXUINT : FEW);
        g_autofree char *text =
            g_strdup_printf("%s%s in %s", h->role->title, h->role->privileged ? " (privileged)" : "", where);
        if (section != (int)h->answer) {
            section = (int)h->answer;
            g_string_append_printf(out, "%s%s%s%s\n", out->len > 0 ? "\n" : "", look->colour ? "\033[1m" : "",
                                   headings[section], look->colour ? "\033[0m" : "");
        }
        line(out, "  ", text);
        for (guint k = 0; k < h->lines->len; k++)
            line(out, "      ", h->lines->pdata[k]);
        for (guint k = 0; h->who[k] != NULL; k++)
            line(out, "    > ", h->who[k]);
    }
    if (reach->holders->len == 0) {
        g_autofree char *action = rb_text_printable(reach->action, 200),
                        *resource = rb_text_printable(reach->resource, 500);
        g_string_append_printf(out, "Nobody may %s on %s by this mapping.\n", action, resource);
    }
    return g_string_free(out, FALSE);
}

static json_t *
strings(char *const *texts, guint n)
{
    json_t *list = json_array();

    for (guint i = 0; i < n; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

json_t *
rb_reach_json(const RbReach *reach)
{
    static const char *const names[] = { "always", "if", "unknown" };
    json_t *list = json_array();

    for (guint i = 0; i < reach->holders->len; i++) {
        const RbHolder *h = reach->holders->pdata[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s*, s:b, s:o, s:o, s:o}", "answer", names[h->answer],
                                        "role", h->role->name, "title", h->role->title, "privileged",
                                        h->role->privileged, "accounts", rb_seats_json(h->seats), "why",
                                        strings((char *const *)h->lines->pdata, h->lines->len), "who",
                                        strings(h->who, g_strv_length(h->who))));
    }
    return json_pack("{s:s, s:s, s:o}", "action", reach->action, "resource", reach->resource, "roles", list);
}
