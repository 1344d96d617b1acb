#ifndef RB_MAPPING_WHEN_H
#define RB_MAPPING_WHEN_H

#include "mapping/index.h"

#include <glib.h>

/** One entry of an assignment's `when`: an attribute, and the values of which it must have one. */
typedef struct {
    const char *attribute;
    const RbMatcher *values;
    guint n_values;
    gboolean exact;     /* all of them are plain texts */
    gboolean open;      /* one of them takes whatever is stated */
    guint line, column; /* of that one */
} RbWhen;

/**
 * rb_when_match: whether one of the stated @values (NULL-terminated; NULL: not stated) is wanted; @held (out)
 * (optional): the first that is. LIMIT: none is, as far as could be told.
 */
RbMatchResult rb_when_match(const RbWhen *when, const char *const *values, RbMatchSpace *space,
                            const char **held);

/** rb_when_words: (transfer full): "ref is 'main' or starts with 'release-'". */
char *rb_when_words(const RbWhen *when);

/** rb_when_misses: (transfer full): "the attribute ref must be 'main'; it is 'x'". */
char *rb_when_misses(const RbWhen *when, const char *const *values);

#endif
