#ifndef RB_BASE_CLOCK_H
#define RB_BASE_CLOCK_H

#include <glib.h>

/**
 * RbClock: where "now" comes from. Programs use the system's; tests set their own. Everything below access/
 * gets `gint64 now` (UTC seconds) as an argument instead.
 */
typedef struct {
    gint64 (*now)(gpointer data);
    gpointer data;
} RbClock;

/** rb_clock_system: the machine's UTC clock. */
RbClock rb_clock_system(void);

/** rb_clock_now: UTC seconds by @clock. */
gint64 rb_clock_now(const RbClock *clock);

#endif
