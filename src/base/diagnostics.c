#include "base/diagnostics.h"

#include "base/encoding.h"

#include <string.h>

enum { SHOWN_MAX = 200 };

struct RbDiagnostics {
    GPtrArray *rows;     /* RbDiagnostic, owned */
    GHashTable *sources; /* file name → GBytes */
    GHashTable *hidden;  /* "file:line" */
    guint n_errors;
};

static void
row_free(gpointer data)
{
    RbDiagnostic *row = data;

    g_free((char *)row->file);
    g_free((char *)row->message);
    g_free((char *)row->hint);
    g_free(row);
}

RbDiagnostics *
rb_diagnostics_new(void)
{
    RbDiagnostics *problems = g_new0(RbDiagnostics, 1);

    problems->rows = g_ptr_array_new_with_free_func(row_free);
    problems->sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    problems->hidden = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return problems;
}

void
rb_diagnostics_free(RbDiagnostics *problems)
{
    if (problems == NULL)
        return;
    g_ptr_array_unref(problems->rows);
    g_hash_table_unref(problems->sources);
    g_hash_table_unref(problems->hidden);
    g_free(problems);
}

void
rb_diagnostics_source(RbDiagnostics *problems, const char *file, GBytes *text)
{
    g_hash_table_replace(problems->sources, g_strdup(file), g_bytes_ref(text));
}

void
rb_diagnostics_hide_line(RbDiagnostics *problems, const char *file, guint line)
{
    g_hash_table_add(problems->hidden, g_strdup_printf("%s:%u", file, line));
}

static void
add(RbDiagnostics *problems, RbSeverity severity, const char *code, RbPlace place, const char *hint,
    char *message)
{
    RbDiagnostic *row = g_new0(RbDiagnostic, 1);

    row->severity = severity;
    row->code = code;
    row->file = g_strdup(place.file);
    row->line = place.line;
    row->column = place.column;
    row->hint = g_strdup(hint);
    row->message = message;
    g_ptr_array_add(problems->rows, row);
    if (severity == RB_SEVERITY_ERROR)
        problems->n_errors++;
}

void
rb_diagnostics_error(RbDiagnostics *problems, const char *file, guint line, guint column, const char *hint,
                     const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(problems, RB_SEVERITY_ERROR, NULL, (RbPlace){ file, line, column }, hint,
        g_strdup_vprintf(format, args));
    va_end(args);
}

void
rb_diagnostics_warning(RbDiagnostics *problems, const char *file, guint line, guint column, const char *hint,
                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(problems, RB_SEVERITY_WARNING, NULL, (RbPlace){ file, line, column }, hint,
        g_strdup_vprintf(format, args));
    va_end(args);
}

void
rb_diagnostics_finding(RbDiagnostics *problems, RbSeverity severity, const char *code, RbPlace place,
                       const char *hint, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(problems, severity, code, place, hint, g_strdup_vprintf(format, args));
    va_end(args);
}

const char *
rb_severity_name(RbSeverity severity)
{
    static const char *const names[] = { "error", "security warning", "warning", "suggestion" };

    return names[severity];
}

guint
rb_diagnostics_count(const RbDiagnostics *problems)
{
    return problems->n_errors;
}

static gint
by_place(gconstpointer a, gconstpointer b)
{
    const RbDiagnostic *x = *(const RbDiagnostic *const *)a, *y = *(const RbDiagnostic *const *)b;
    int files = strcmp(x->file, y->file);

    if (files != 0)
        return files;
    return x->line != y->line ? (x->line < y->line ? -1 : 1)
                              : (x->column > y->column) - (x->column < y->column);
}

guint
rb_diagnostics_size(RbDiagnostics *problems)
{
    g_ptr_array_sort(problems->rows, by_place);
    return problems->rows->len;
}

const RbDiagnostic *
rb_diagnostics_get(RbDiagnostics *problems, guint i)
{
    return g_ptr_array_index(problems->rows, i);
}

/* Appends line @line of the file and a caret under byte column @column. */
static void
append_source_line(const RbDiagnostics *problems, const RbDiagnostic *row, GString *out)
{
    GBytes *source = g_hash_table_lookup(problems->sources, row->file);
    gsize size;
    const char *text = source == NULL ? NULL : g_bytes_get_data(source, &size);
    const char *end;
    g_autofree char *line = NULL, *shown = NULL, *place = g_strdup_printf("%s:%u", row->file, row->line);

    if (text == NULL || row->line == 0 || g_hash_table_contains(problems->hidden, place))
        return;
    end = text + size;
    for (guint n = 1; n < row->line && text != NULL; n++) {
        text = memchr(text, '\n', (gsize)(end - text));
        text = text == NULL ? NULL : text + 1;
    }
    if (text == NULL || text >= end)
        return;
    {
        const char *stop = memchr(text, '\n', (gsize)(end - text));
        line = g_strndup(text, (gsize)((stop == NULL ? end : stop) - text));
    }
    g_strdelimit(line, "\t\r", ' ');
    shown = rb_text_printable(line, SHOWN_MAX);
    g_string_append_printf(out, "%5u | %s\n", row->line, shown);
    if (row->column > 0 && row->column <= SHOWN_MAX)
        g_string_append_printf(out, "      | %*s^\n", (int)row->column - 1, "");
}

char *
rb_diagnostics_to_text(RbDiagnostics *problems, gboolean colour)
{
    GString *out = g_string_new(NULL);
    guint n = rb_diagnostics_size(problems);

    for (guint i = 0; i < n; i++) {
        const RbDiagnostic *row = rb_diagnostics_get(problems, i);
        static const char *const colours[] = { "\033[1;31m", "\033[1;35m", "\033[1;33m", "\033[1;36m" };

        g_string_append(out, row->file);
        if (row->line > 0)
            g_string_append_printf(out, ":%u:%u", row->line, row->column);
        g_string_append_printf(out, ": %s%s%s: %s", colour ? colours[row->severity] : "",
                               rb_severity_name(row->severity), colour ? "\033[0m" : "", row->message);
        if (row->hint != NULL)
            g_string_append_printf(out, "; %s", row->hint);
        if (row->code != NULL)
            g_string_append_printf(out, " [%s]", row->code);
        g_string_append_c(out, '\n');
        append_source_line(problems, row, out);
    }
    return g_string_free(out, FALSE);
}

char *
rb_diagnostics_to_line(RbDiagnostics *problems)
{
    guint n = rb_diagnostics_size(problems);

    for (guint i = 0; i < n; i++) {
        const RbDiagnostic *row = rb_diagnostics_get(problems, i);
        g_autofree char *more =
            problems->n_errors > 1 ? g_strdup_printf(" (and %u more)", problems->n_errors - 1) : g_strdup("");
        g_autofree char *place = row->line > 0
                                     ? g_strdup_printf("%s:%u:%u", row->file, row->line, row->column)
                                     : g_strdup(row->file); /* of the whole file */
        if (row->severity == RB_SEVERITY_ERROR)
            return g_strdup_printf("%s: %s%s%s%s", place, row->message, row->hint == NULL ? "" : "; ",
                                   row->hint == NULL ? "" : row->hint, more);
    }
    return g_strdup("no errors");
}
