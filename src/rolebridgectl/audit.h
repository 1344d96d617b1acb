#ifndef RB_ROLEBRIDGECTL_AUDIT_H
#define RB_ROLEBRIDGECTL_AUDIT_H

#include "base/clock.h"
#include "store/audit.h"

#include <glib.h>
#include <stdio.h>

/* `rolebridgectl audit …`: who did what, and whether the log is whole. Reads the store only; may run beside
 * the service. docs/audit.md tells an auditor. */

/** Exit codes, as of every command of rolebridgectl. */
enum {
    RB_AUDIT_EXIT_OK = 0,
    RB_AUDIT_EXIT_REFUSED = 1, /* the log is broken, or there is no such key in it */
    RB_AUDIT_EXIT_USAGE = 2,
    RB_AUDIT_EXIT_FAULT = 4, /* could not tell: no store, no such file, nowhere to write */
};

/** Where it reads, writes and looks at the time. */
typedef struct {
    FILE *out, *err;
    gboolean colour; /* @out is a terminal that wants it */
    RbClock clock;
} RbAuditConsole;

/** rb_ctl_audit: argv[0] is "audit"; then show, export, verify, head or trace. Returns: the exit code. */
int rb_ctl_audit(int argc, char **argv);

/** rb_ctl_audit_on: the same on @console. */
int rb_ctl_audit_on(const RbAuditConsole *console, int argc, char **argv);

/** rb_audit_show: a table of what @filter selects, the oldest of it first. */
gboolean rb_audit_show(const RbAuditConsole *console, RbStore *store, RbAuditFilter filter, GError **error);

/** rb_audit_export: one JSON object a line: "hash", then the record's own bytes; the log's head on @console's
 * err when all of it has been written. */
gboolean rb_audit_export(const RbAuditConsole *console, RbStore *store, RbAuditFilter filter, GError **error);

/** rb_audit_trace: who had the access key @key, through which group and assignment, and until when.
 * store.missing: there is no lease of it. */
gboolean rb_audit_trace(const RbAuditConsole *console, RbStore *store, const char *key, gboolean json,
                        GError **error);

/** rb_audit_time: "2026-11-24T09:00:00Z", "2026-11-24" (its start in UTC), or "90m", "12h", "7d", "4w" before
 * @now. FALSE: none of these. */
gboolean rb_audit_time(const char *text, gint64 now, gint64 *utc_s);

#endif
