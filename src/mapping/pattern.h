#ifndef RB_MAPPING_PATTERN_H
#define RB_MAPPING_PATTERN_H

#include <glib.h>

/*
 * A regular expression over whole group names: PCRE2 with its JIT, anchored at both ends whether or not ^ and
 * $ are written, so that "aws-admin" never matches "not-aws-admin". Immutable: one pattern serves all
 * threads.
 */
typedef struct RbPattern RbPattern;

enum {
    RB_PATTERN_MAX = 1000,         /* bytes of an expression */
    RB_PATTERN_MATCH_LIMIT = 20000 /* steps of one match: some hundred microseconds */
};

/** rb_pattern_new: NULL with @message (transfer full) and the byte @offset in @text where it went wrong. */
RbPattern *rb_pattern_new(const char *text, char **message, gsize *offset);
void rb_pattern_free(RbPattern *pattern);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbPattern, rb_pattern_free)

/** rb_pattern_head: the literal text that every match starts with; may be "". */
const char *rb_pattern_head(const RbPattern *pattern);

/** rb_pattern_captures: the names of its captures, NULL-terminated. */
const char *const *rb_pattern_captures(const RbPattern *pattern);

typedef enum { RB_MATCH_NO, RB_MATCH_YES, RB_MATCH_LIMIT } RbMatchResult;

/** What one thread needs while it matches; made on first use. */
typedef struct {
    gpointer data, context;
} RbMatchSpace;
void rb_match_space_clear(RbMatchSpace *space);

/** rb_pattern_match: whether @text of @length bytes (valid UTF-8) matches as a whole. */
RbMatchResult rb_pattern_match(const RbPattern *pattern, const char *text, gsize length, RbMatchSpace *space);

/** rb_pattern_capture: (transfer full): what @name caught in the last match in @space, or NULL. */
char *rb_pattern_capture(const RbPattern *pattern, const char *text, const char *name,
                         const RbMatchSpace *space);

#endif
