#ifndef RB_ROLEBRIDGECTL_KEYS_H
#define RB_ROLEBRIDGECTL_KEYS_H

#include "base/clock.h"
#include "issue/keys.h"

#include <glib.h>
#include <stdio.h>

/* `rolebridgectl keys …`: the keys that rolebridge signs with as the identity provider of AWS accounts.
 * docs/issuer.md tells an administrator. */

/** Where it reads, writes and looks at the time. */
typedef struct {
    FILE *out, *err;
    gboolean colour; /* @out is a terminal that wants it */
    RbClock clock;
} RbKeysConsole;

/** rb_ctl_keys: argv[0] is "keys"; then list, rotate or retire. Returns: the exit code. */
int rb_ctl_keys(int argc, char **argv);
/** rb_ctl_keys_on: the same on @console. */
int rb_ctl_keys_on(const RbKeysConsole *console, int argc, char **argv);

/** What the commands work on. */
typedef struct {
    RbSigningKeysSetting keys;
    char *url, *audience; /* the issuer's */
    GPtrArray *entries;   /* RbKeyEntry */
    gint64 now;
} RbKeysWork;

/** rb_keys_show_list: @use NULL: all. */
void rb_keys_show_list(const RbKeysConsole *console, const RbKeysWork *work, const RbKeyUse *use,
                       gboolean json);
/** rb_keys_show_made: the new key, and what is to be done next. @before: which signed until now; NULL: none.
 */
void rb_keys_show_made(const RbKeysConsole *console, const RbKeysWork *work, const RbKeyEntry *made,
                       const RbKeyEntry *before, gboolean json);
/** rb_keys_show_retired: @leaked: it signed until now. */
void rb_keys_show_retired(const RbKeysConsole *console, const RbKeysWork *work, const RbKeyEntry *retired,
                          gboolean leaked, gboolean json);

#endif
