#ifndef RB_MAPPING_DN_H
#define RB_MAPPING_DN_H

#include <glib.h>

/**
 * rb_dn_canonical: the distinguished name @text (RFC 4514) in one spelling, so that two spellings of one name
 * are equal bytes: attribute types in lower case, values case-folded (NFKC) with inner spaces as one, escapes
 * undone and done again in one way, the parts of a multi-valued RDN sorted. @starts: (out) (transfer full)
 * (element-type guint): where in the result each RDN begins. Returns: (transfer full): the text, or NULL when
 * @text is not a distinguished name
 */
char *rb_dn_canonical(const char *text, GArray **starts);

#endif
