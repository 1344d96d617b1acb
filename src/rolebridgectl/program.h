#ifndef RB_ROLEBRIDGECTL_PROGRAM_H
#define RB_ROLEBRIDGECTL_PROGRAM_H

#include <glib.h>

/**
 * rb_program_run: runs @argv (NULL-terminated, no shell; @environment NULL: ours) to its end, with @input (or
 * NULL) on its stdin. Returns: (transfer full): what it said, at most @max bytes; NULL when it could not run
 * or ended with a code above @worst (0 for most; `diff` ends with 1 where there is a difference), with its
 * own words
 */
GBytes *rb_program_run(const char *const *argv, char *const *environment, const GString *input, gsize max,
                       int worst, GError **error);

#endif
