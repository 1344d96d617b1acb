#ifndef RB_MAPPING_INDEX_H
#define RB_MAPPING_INDEX_H

#include "mapping/arena.h"
#include "mapping/pattern.h"

#include <glib.h>

/*
 * From a group to the assignments that name it, without looking at the others: a table of exact names, a
 * table of literal heads for prefixes and expressions, a table of distinguished names. Before either table is
 * asked a bit field answers most of "not there".
 */
typedef enum { RB_MATCHER_EXACT, RB_MATCHER_PREFIX, RB_MATCHER_REGEX, RB_MATCHER_DN } RbMatcherKind;

enum { RB_MATCHER_MAX = 4096 }; /* bytes of a group or a value, as identities have them */

/** One entry of an assignment's `groups`, or one value of its `when`. The pattern is the snapshot's. */
typedef struct {
    RbMatcherKind kind;
    guint assignment; /* index in the snapshot */
    guint next;       /* next matcher of the same key + 1; 0: none */
    gsize length;
    const char *text; /* exact, prefix: as written; regex: as written; DN: canonical */
    RbPattern *pattern;
} RbMatcher;

/** rb_matcher_match: whether @matcher, which is none of a DN, takes @text of @length bytes as a whole. */
RbMatchResult rb_matcher_match(const RbMatcher *matcher, const char *text, gsize length, RbMatchSpace *space);

/** A text and its hash, so that one hash serves filter and table. */
typedef struct {
    guint64 hash;
    gsize length;
    const char *text;
} RbKey;

enum { RB_HEAD_MAX = 64 }; /* bytes of a literal head that are looked up */

typedef struct {
    GArray *matchers;          /* RbMatcher */
    GHashTable *exact, *heads; /* RbKey → first matcher + 1 */
    GHashTable *below;         /* canonical DN → first matcher + 1 */
    guint64 *exact_bits, *head_bits;
    guint exact_shift, head_shift;
    guint8 lengths[RB_HEAD_MAX + 1]; /* the distinct lengths of heads, ascending */
    guint n_lengths;
    guint first_headless; /* expressions without a literal head: first + 1 */
} RbIndex;

void rb_index_init(RbIndex *index);
void rb_index_clear(RbIndex *index);

/** rb_index_add: appends a matcher; rb_index_finish() puts all of them into the tables. */
void rb_index_add(RbIndex *index, const RbMatcher *matcher);
void rb_index_finish(RbIndex *index, RbArena *arena);

/** rb_index_find: calls @found for each matcher of @group (or of a claim's value): with YES, while its
 * captures can be read from
 * @space, or with LIMIT when it could not be told. */
typedef void (*RbFound)(const RbMatcher *matcher, RbMatchResult result, gpointer data);
void rb_index_find(const RbIndex *index, const char *group, RbMatchSpace *space, RbFound found,
                   gpointer data);

#endif
