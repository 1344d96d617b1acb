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

/* ---- who can do something ---- */

typedef enum {
    RB_REACH_ALWAYS,  /* allowed, whatever else is true of the request */
    RB_REACH_IF,      /* allowed where what is said holds */
    RB_REACH_UNKNOWN, /* a policy is attached whose document nobody gave */
    RB_REACH_NOBODY,
} RbReachAnswer;

typedef struct RbReach RbReach;

/** rb_reach_new: (transfer full): which roles in which accounts (@account: name or id; NULL: all) may do
 * @action on @resource, either of which may have wildcards. */
RbReach *rb_reach_new(RbSnapshot *snapshot, const char *action, const char *resource, const char *account);
void rb_reach_free(RbReach *reach);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbReach, rb_reach_free)

/** rb_reach_answer: the best there is of any role. */
RbReachAnswer rb_reach_answer(const RbReach *reach);
char *rb_reach_text(const RbReach *reach, const RbReviewLook *look);
json_t *rb_reach_json(const RbReach *reach);

/* ---- what somebody can do ---- */

/** rb_holdings_new: (transfer full): all that the granted roles of @decision (made of @snapshot) may do, in
 * @account (name or id; NULL: all); for the two below. */
RbReview *rb_holdings_new(RbSnapshot *snapshot, const RbDecision *decision, const char *account);
char *rb_holdings_text(const RbReview *holdings, const RbReviewLook *look);
json_t *rb_holdings_json(const RbReview *holdings);

#endif
