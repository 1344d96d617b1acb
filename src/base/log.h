#ifndef RB_BASE_LOG_H
#define RB_BASE_LOG_H

#include <glib.h>

typedef enum {
    RB_LOG_DEBUG,
    RB_LOG_INFO,
    RB_LOG_WARNING, /* we go on: "…, keeping the old snapshot" */
    RB_LOG_ERROR,   /* somebody must act */
} RbLogLevel;

/** rb_log_setup: the least level shown, and JSON lines instead of text. Called once, in main. */
void rb_log_setup(RbLogLevel least, gboolean json);

/**
 * rb_log: one structured line on stderr: time, level, @event ("mapping.loaded"), then pairs of const char *
 * key and value, ended by NULL. Values are made printable; a NULL value leaves its pair out. Never pass a
 * secret. Only access/ and programs log; everything below returns.
 */
void rb_log(RbLogLevel level, const char *event, ...) G_GNUC_NULL_TERMINATED;

#endif
