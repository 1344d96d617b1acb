#ifndef RB_PROVE_TEXTS_H
#define RB_PROVE_TEXTS_H

#include <glib.h>

/*
 * Which of a set of wildcard patterns a text can match at once. All texts fall into finitely many classes:
 * two texts are of one class when they match the same patterns. The classes are found by walking the one
 * deterministic automaton of all patterns together, so that nothing is forgotten, and each comes with its
 * shortest texts. A class that is not there cannot be: no text matches these patterns and not the others.
 */

/** How a pattern is read. */
typedef enum {
    RB_GLOB_TEXT,   /* `*` and `?` cross everything (StringLike) */
    RB_GLOB_EXACT,  /* no wildcards (StringEquals) */
    RB_GLOB_NOCASE, /* no wildcards, ASCII letters without case (StringEqualsIgnoreCase, Bool) */
    RB_GLOB_ACTION, /* as rb_match_action(), _wide() */
    RB_GLOB_ACTION_WIDE,
    RB_GLOB_ARN,      /* as rb_match_arn(): six fields; in the first five, wildcards do not cross ':' */
    RB_GLOB_ARN_WIDE, /* as rb_match_resource(): a last star stands for the fields that are not written */
} RbGlob;

/** Stands for the literal character (`*`, `?`, `$`) plus this, where the character itself would be a
 * wildcard. */
#define RB_GLOB_LITERAL 0xE000

enum { RB_TEXTS_WITNESSES = 2 };

typedef struct RbTexts RbTexts;

RbTexts *rb_texts_new(void);
void rb_texts_free(RbTexts *texts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbTexts, rb_texts_free)

/** rb_texts_copy: (transfer full): the same patterns by the same numbers, not yet explored. */
RbTexts *rb_texts_copy(const RbTexts *texts);

/** rb_texts_add: the index of @pattern; one that is there already is not added again. */
guint rb_texts_add(RbTexts *texts, RbGlob glob, const char *pattern);
guint rb_texts_n(const RbTexts *texts);
const char *rb_texts_pattern(const RbTexts *texts, guint i, RbGlob *glob);

/** rb_texts_shape: only texts that match one of the patterns so marked are texts at all. */
void rb_texts_shape(RbTexts *texts, guint i);

/** rb_texts_explore: finds the classes. FALSE: the automaton has more than @limit states. */
gboolean rb_texts_explore(RbTexts *texts, guint limit);
guint rb_texts_n_classes(const RbTexts *texts);
gboolean rb_texts_matches(const RbTexts *texts, guint a_class, guint pattern);

/** rb_texts_witness: the @i-th shortest text of a class; NULL: none was met. The first is always there. */
const char *rb_texts_witness(const RbTexts *texts, guint a_class, guint i);

/** rb_texts_class_of: the class that @text is of, or -1 when it has not the shape. */
int rb_texts_class_of(const RbTexts *texts, const char *text);

#endif
