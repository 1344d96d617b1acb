#ifndef RB_REVIEW_REVIEW_H
#define RB_REVIEW_REVIEW_H

#include "mapping/library.h"

#include <jansson.h>

/*
 * What a change of mappings/ does: who gains and loses which role in which accounts, what roles may do more
 * or less, which limits moved. Pure: two snapshots → one value, in one order; swapping the snapshots swaps
 * gains and losses and nothing else.
 */
typedef struct RbReview RbReview;

/** rb_review: (transfer full): what changes from @before to @after; keeps both. */
RbReview *rb_review_new(RbSnapshot *before, RbSnapshot *after);
void rb_review_free(RbReview *review);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbReview, rb_review_free)

typedef struct {
    guint gains;   /* somebody may more: roles in accounts, actions of roles, limits that are looser */
    guint losses;  /* somebody may less */
    guint neutral; /* titles, owners, names */
} RbReviewCount;
RbReviewCount rb_review_count(const RbReview *review);

/** How a review is shown. @before and @after are what the two were called. */
typedef struct {
    const char *before, *after;
    gboolean colour; /* text alone; only for a terminal */
    gboolean full;   /* name every account and action, however many */
} RbReviewLook;

/** rb_review_text, _markdown, _json: (transfer full): for a terminal, for a pull request, for programs (dump
 * with JSON_PRESERVE_ORDER). */
char *rb_review_text(const RbReview *review, const RbReviewLook *look);
char *rb_review_markdown(const RbReview *review, const RbReviewLook *look);
json_t *rb_review_json(const RbReview *review, const RbReviewLook *look);

#endif
