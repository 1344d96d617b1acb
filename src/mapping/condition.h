#ifndef RB_MAPPING_CONDITION_H
#define RB_MAPPING_CONDITION_H

#include "base/yaml.h"

#include <glib.h>

/* Conditions of a role on the moment and the request: networks and hours. */

/** One network. IPv4 is kept as ::ffff:a.b.c.d with 96 bits more, so that both spellings are one address. */
typedef struct {
    guint8 address[16];
    guint bits;
} RbNetwork;

/** rb_network_parse: "203.0.113.0/24", "2001:db8::/32", or one address. Returns: NULL, or (static) what is
 * wrong. */
const char *rb_network_parse(const char *text, RbNetwork *network);

/** rb_networks_hold: whether the address @text is in one of @n networks; FALSE for what is no address. */
gboolean rb_networks_hold(const RbNetwork *networks, guint n, const char *text);

typedef struct {
    guint days;       /* bit 0: Monday */
    gint start, end;  /* minutes of the day, end not included; start > end: over midnight */
    GTimeZone *zone;  /* owned */
    const char *text; /* "Mon-Fri 07:00-19:00 Europe/Berlin", owned by the caller's arena */
} RbHours;

/**
 * rb_hours_read: `{ days: mon-fri, between: "07:00-19:00", zone: Europe/Berlin }`. @words: (out) (transfer
 * full): the same in words. Returns: FALSE after a mistake was reported
 */
gboolean rb_hours_read(const RbYaml *node, RbHours *hours, char **words, RbDiagnostics *problems);

/** rb_hours_hold: whether @now is within; @there: (out) (transfer full): that moment in the zone, "Sat
 * 10:12". */
gboolean rb_hours_hold(const RbHours *hours, gint64 now, char **there);

#endif
