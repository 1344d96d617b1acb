#ifndef RB_BASE_DIAGNOSTICS_H
#define RB_BASE_DIAGNOSTICS_H

#include <glib.h>

/**
 * RbDiagnostics: every mistake found in a set of files, in the order of files and lines. A loader goes on
 * after a mistake, so that a person sees all of them at once.
 */
typedef struct RbDiagnostics RbDiagnostics;

/** Where a value stands. The text of @file lives as long as what was read from it. */
typedef struct {
    const char *file;
    guint line, column; /* from 1 */
} RbPlace;

/** In the order of IAM Access Analyzer's kinds of findings. Only errors refuse what was read. */
typedef enum {
    RB_SEVERITY_ERROR,
    RB_SEVERITY_SECURITY, /* it grants more than is wise */
    RB_SEVERITY_WARNING,
    RB_SEVERITY_SUGGESTION,
} RbSeverity;

typedef struct {
    RbSeverity severity;
    const char
        *code; /* stable name of the finding, as "PASS_ROLE_WITH_STAR_IN_RESOURCE"; NULL: it has none */
    const char *file;
    guint line, column; /* from 1; 0: the whole file */
    const char *message;
    const char *hint; /* what to do, or NULL */
} RbDiagnostic;

RbDiagnostics *rb_diagnostics_new(void);
void rb_diagnostics_free(RbDiagnostics *problems);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbDiagnostics, rb_diagnostics_free)

/** rb_diagnostics_source: remembers the text of @file, so that the line of a mistake can be shown. */
void rb_diagnostics_source(RbDiagnostics *problems, const char *file, GBytes *text);

/** rb_diagnostics_hide_line: never shows the text of that line: somebody wrote a secret there. */
void rb_diagnostics_hide_line(RbDiagnostics *problems, const char *file, guint line);

/** rb_diagnostics_error: one mistake at @file:@line:@column; @hint may be NULL. */
void rb_diagnostics_error(RbDiagnostics *problems, const char *file, guint line, guint column,
                          const char *hint, const char *format, ...) G_GNUC_PRINTF(6, 7);

/** rb_diagnostics_warning: the same for something allowed but unwise. */
void rb_diagnostics_warning(RbDiagnostics *problems, const char *file, guint line, guint column,
                            const char *hint, const char *format, ...) G_GNUC_PRINTF(6, 7);

/** rb_diagnostics_finding: a finding that has a name: @code is static text. */
void rb_diagnostics_finding(RbDiagnostics *problems, RbSeverity severity, const char *code, RbPlace place,
                            const char *hint, const char *format, ...) G_GNUC_PRINTF(6, 7);

/** rb_severity_name: "error", "security warning", "warning", "suggestion". */
const char *rb_severity_name(RbSeverity severity);

/** rb_diagnostics_count: how many errors (warnings do not count). */
guint rb_diagnostics_count(const RbDiagnostics *problems);

/** rb_diagnostics_size, _get: all of them, errors and warnings, sorted by file, line and column. */
guint rb_diagnostics_size(RbDiagnostics *problems);
const RbDiagnostic *rb_diagnostics_get(RbDiagnostics *problems, guint i);

/**
 * rb_diagnostics_to_text: (transfer full): for a person: "file:line:column: error: message; hint", the line,
 * a caret.
 * @colour only for a terminal.
 */
char *rb_diagnostics_to_text(RbDiagnostics *problems, gboolean colour);

/** rb_diagnostics_to_line: (transfer full): the first error alone on one line and how many more there are. */
char *rb_diagnostics_to_line(RbDiagnostics *problems);

#endif
