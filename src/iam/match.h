#ifndef RB_IAM_MATCH_H
#define RB_IAM_MATCH_H

#include <glib.h>

/* AWS's wildcards (reference §8.2): `*` any run, `?` one character. No recursion, and never more steps than
 * the lengths of the two texts multiplied. */

/** rb_match_text: as StringLike: `*` crosses everything. */
gboolean rb_match_text(const char *pattern, const char *text);

/** rb_match_action: "s3:Get*" on "s3:GetObject", without case; a lone "*" is every action, the service before
 * the colon is literal. */
gboolean rb_match_action(const char *pattern, const char *action);
/** rb_match_action_wide: the same, but wildcards in the service's name are taken as such ("*:*", "s*:Get*"):
 * documents disagree on whether AWS does, so this is the reading for an Allow. */
gboolean rb_match_action_wide(const char *pattern, const char *action);

/** rb_match_arn: as ArnLike: the six fields separately, `*` in the sixth crosses ':' and '/'. */
gboolean rb_match_arn(const char *pattern, const char *arn);

/**
 * rb_match_resource: as the Resource element: "*", or an ARN pattern by fields. A pattern of fewer fields
 * that ends in `*` ("arn:aws:iam::*") covers the fields it does not write: the wide reading, right for an
 * Allow.
 */
gboolean rb_match_resource(const char *pattern, const char *resource);
/** rb_match_resource_narrow: the same, but such a pattern matches nothing: right for a Deny. */
gboolean rb_match_resource_narrow(const char *pattern, const char *resource);

/**
 * rb_match_covers: every text that @narrow matches, @wide matches too (both with wildcards, letters as they
 * are). TRUE is certain; FALSE also stands for patterns so contrived that it would take too long to tell.
 */
gboolean rb_match_covers(const char *wide, const char *narrow);
/** rb_match_covers_arn: the same of two ARN patterns, field by field; "*" covers every ARN. */
gboolean rb_match_covers_arn(const char *wide, const char *narrow);

/** rb_match_overlaps: some text is matched by both. */
gboolean rb_match_overlaps(const char *a, const char *b);

#endif
