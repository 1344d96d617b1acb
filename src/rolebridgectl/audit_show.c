#include "rolebridgectl/audit.h"

#include "base/encoding.h"
#include "base/refusal.h"

#include <errno.h>
#include <string.h>

enum {
    SHOWN = 50,
    SHOWN_MAX = 10000,
    CELL_MAX = 120,
    DETAIL_MAX = 400,
    ROLE_COLUMN = 4,
    DETAIL_COLUMN = 6,
    COLUMNS = 7
};

/* ---- export ---- */

static gboolean
export_row(const RbAuditRow *row, gpointer data, GError **error)
{
    FILE *out = data;
    g_autofree char *hash = rb_hex_encode(row->hash, sizeof row->hash);

    /* The record's own bytes after its hash: who takes the hash out again has what was hashed. */
    if (row->size < 2 || row->text[0] != '{' || fprintf(out, "{\"hash\":\"%s\",", hash) < 0 ||
        fwrite(row->text + 1, 1, row->size - 1, out) != row->size - 1 || fputc('\n', out) == EOF)
        return rb_fault(error, RB_FAULT_FILE, "record %" G_GINT64_FORMAT " could not be written: %s",
                        row->seq, g_strerror(errno));
    return TRUE;
}

gboolean
rb_audit_export(const RbAuditConsole *console, RbStore *store, RbAuditFilter filter, GError **error)
{
    RbAuditHead head;
    g_autofree char *text = NULL;

    if (!rb_audit_each(store, &filter, &head, export_row, console->out, error))
        return FALSE;
    if (fflush(console->out) != 0)
        return rb_fault(error, RB_FAULT_FILE, "the records could not be written: %s", g_strerror(errno));
    text = rb_audit_head_to_text(&head);
    fprintf(console->err, "head %s\n", text);
    return TRUE;
}

/* ---- show ---- */

static const char *
member(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));

    return text != NULL ? text : "";
}

static void
add(GString *detail, const char *before, const char *text)
{
    if (text[0] == '\0')
        return;
    if (detail->len > 0)
        g_string_append_c(detail, ' ');
    g_string_append(detail, before);
    g_string_append(detail, text);
}

/* What brought a role without groups: "with repository acme/app, ref main". */
static void
add_claims(GString *detail, json_t *claims)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *attribute;
    json_t *value;

    json_object_foreach(claims, attribute, value)
    {
        if (json_is_string(value))
            g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", attribute,
                                   json_string_value(value));
    }
    add(detail, "with ", text->str);
}

static void
add_until(GString *detail, const json_t *record)
{
    gint64 at = json_integer_value(json_object_get(record, "expires_at"));
    g_autofree char *text = at > 0 ? rb_time_format(at) : NULL;

    if (text != NULL)
        add(detail, "until ", text);
}

/* What is worth saying of a record, by what is in it. */
static char *
detail_of(const json_t *record)
{
    g_autoptr(GString) detail = g_string_new(NULL);

    add(detail, "", member(record, "code"));
    add(detail, "", member(record, "access_key_id"));
    add(detail, "assertion ", member(record, "assertion_id"));
    add(detail, "", member(record, "outcome"));
    add(detail, "", member(record, "version"));
    add(detail, "by ", member(record, "provider"));
    add(detail, "via ", member(record, "via"));
    if (json_is_true(json_object_get(record, "mfa")))
        add(detail, "", "mfa");
    add(detail, "from group ", member(record, "group"));
    add_claims(detail, json_object_get(record, "claims"));
    add(detail, "in ", member(record, "assignment"));
    add_until(detail, record);
    add(detail, "at ", member(record, "source_ip"));
    add(detail, "", member(record, "what"));
    if (g_str_equal(member(record, "kind"), "mapping"))
        add(detail, "", member(record, "mapping"));
    if (member(record, "reason")[0] != '\0')
        add(detail, "· ", member(record, "reason"));
    return rb_text_printable(detail->str, DETAIL_MAX);
}

static char *
account_of(const json_t *record)
{
    const char *name = member(record, "account_name");

    return rb_text_printable(name[0] != '\0' ? name : member(record, "account"), CELL_MAX);
}

/* A row of cells: NULL-terminated list of COLUMNS texts, all printable. */
static gboolean
collect(const RbAuditRow *row, gpointer data, GError **error)
{
    json_t *record = json_loadb(row->text, row->size, JSON_ALLOW_NUL, NULL);
    char **cells;

    if (record == NULL)
        return rb_refuse(error, RB_AUDIT_BROKEN, "record %" G_GINT64_FORMAT " is no JSON", row->seq);
    cells = g_new0(char *, COLUMNS + 1);
    cells[0] = rb_text_printable(member(record, "time"), CELL_MAX);
    cells[1] = rb_text_printable(member(record, "kind"), CELL_MAX);
    cells[2] = rb_text_printable(member(record, "name"), CELL_MAX);
    cells[3] = account_of(record);
    cells[ROLE_COLUMN] = rb_text_printable(member(record, "role"), CELL_MAX);
    cells[5] = rb_text_printable(member(record, "incident"), CELL_MAX);
    cells[DETAIL_COLUMN] = detail_of(record);
    g_ptr_array_add(data, cells);
    json_decref(record);
    return TRUE;
}

static void
print_row(const RbAuditConsole *console, char *const *cells, const glong *widths)
{
    const char *colour = !console->colour                   ? ""
                         : g_str_equal(cells[1], "refusal") ? "\033[31m"
                         : g_str_equal(cells[1], "lease")   ? "\033[32m"
                                                            : "";

    for (guint i = 0; i < COLUMNS; i++) {
        glong pad = i == DETAIL_COLUMN ? 0 : widths[i] - g_utf8_strlen(cells[i], -1);
        fprintf(console->out, "%s%s%s%*s", i == 1 ? colour : "", cells[i],
                i == 1 && colour[0] != '\0' ? "\033[0m" : "", (int)pad, "");
        fputs(i == DETAIL_COLUMN ? "\n" : "  ", console->out);
    }
}

gboolean
rb_audit_show(const RbAuditConsole *console, RbStore *store, RbAuditFilter filter, GError **error)
{
    char *const titles[] = { (char *)"TIME", (char *)"KIND",     (char *)"NAME", (char *)"ACCOUNT",
                             (char *)"ROLE", (char *)"INCIDENT", (char *)"WHAT", NULL };
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    glong widths[COLUMNS] = { 0 };

    filter.newest = TRUE;
    filter.limit = filter.limit == 0 ? SHOWN : MIN(filter.limit, (guint)SHOWN_MAX);
    if (!rb_audit_each(store, &filter, NULL, collect, rows, error))
        return FALSE;
    if (rows->len == 0) {
        fputs("No record of this kind.\n", console->err);
        return TRUE;
    }
    for (guint c = 0; c < COLUMNS; c++) {
        widths[c] = g_utf8_strlen(titles[c], -1);
        for (guint i = 0; i < rows->len; i++)
            widths[c] = MAX(widths[c], g_utf8_strlen(((char **)g_ptr_array_index(rows, i))[c], -1));
    }
    print_row(console, titles, widths);
    for (guint i = rows->len; i > 0; i--)
        print_row(console, g_ptr_array_index(rows, i - 1), widths);
    if (rows->len == filter.limit)
        fprintf(console->err, "The newest %u; --limit N shows more, export shows all.\n", filter.limit);
    return TRUE;
}
