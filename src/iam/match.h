#ifndef RB_IAM_MATCH_H
#define RB_IAM_MATCH_H

#include <glib.h>

/* AWS's wildcards (reference §8.2): `*` any run, `?` one character. Linear in the text, no backtracking
 * blow-up. */

/** rb_match_text: as StringLike: `*` crosses everything. */
gboolean rb_match_text(const char *pattern, const char *text);

/** rb_match_action: "s3:Get*" on "s3:GetObject", without case; the service before the colon is literal. */
gboolean rb_match_action(const char *pattern, const char *action);

/** rb_match_arn: as ArnLike: the six fields separately, `*` in the sixth crosses ':' and '/'. */
gboolean rb_match_arn(const char *pattern, const char *arn);

/** rb_match_resource: as the Resource element: "*", or an ARN pattern by fields. */
gboolean rb_match_resource(const char *pattern, const char *resource);

/** rb_match_covers: every text that @narrow matches, @wide matches too (both with wildcards). */
gboolean rb_match_covers(const char *wide, const char *narrow);

/** rb_match_overlaps: some text is matched by both. */
gboolean rb_match_overlaps(const char *a, const char *b);

#endif
