#ifndef RB_ROLEBRIDGED_WATCH_H
#define RB_ROLEBRIDGED_WATCH_H

#include <glib.h>

/**
 * RbWatch: notices that the files of a directory changed. It looks at names, sizes and times, so it also
 * works where files arrive by a symbolic link that is swapped, or over a network. Called about once a second.
 */
typedef struct RbWatch RbWatch;

RbWatch *rb_watch_new(const char *directory);
void rb_watch_free(RbWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbWatch, rb_watch_free)

/** rb_watch_settled: TRUE once for each change, as soon as two looks in a row saw the same: a checkout of
 * many files is one change. */
gboolean rb_watch_settled(RbWatch *watch);

#endif
