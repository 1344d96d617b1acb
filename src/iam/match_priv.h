#ifndef RB_IAM_MATCH_PRIV_H
#define RB_IAM_MATCH_PRIV_H

#include <glib.h>

/* What matching shares with conditions: which bytes of a pattern are wildcards. */

typedef struct {
    char many, one;
} RbWild;

/* A pattern into which the values of variables were put: its wildcards are bytes that no UTF-8 text has, so
 * that what a value brings along stays literal. */
#define RB_WILD_MANY '\xff'
#define RB_WILD_ONE '\xfe'

extern const RbWild rb_wild_written;  /* '*' and '?' */
extern const RbWild rb_wild_expanded; /* RB_WILD_MANY and RB_WILD_ONE */

gboolean rb_match_wild(const char *pattern, const char *text, RbWild wild);
gboolean rb_match_fields(const char *pattern, const char *arn, RbWild wild, gboolean wide);

/** rb_arn_field_end: where the field that begins at @field ends: at its colon, or at the end of the text. The
 * @i-th of six (from 0): the last one holds colons too. */
const char *rb_arn_field_end(const char *field, guint i);

#endif
