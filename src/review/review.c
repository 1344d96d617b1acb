#include "review/priv.h"

RbReview *
rb_review_new(RbSnapshot *before, RbSnapshot *after)
{
    RbReview *review = g_new0(RbReview, 1);

    review->before = rb_snapshot_ref(before);
    review->after = rb_snapshot_ref(after);
    review->texts = g_string_chunk_new(4096);
    review->ways_before = rb_ways_new(before);
    review->ways_after = rb_ways_new(after);
    rb_review_people(review);
    rb_review_facts(review);
    rb_review_access(review);
    return review;
}

void
rb_review_free(RbReview *review)
{
    if (review == NULL)
        return;
    g_ptr_array_unref(review->people);
    g_ptr_array_unref(review->access);
    g_ptr_array_unref(review->facts);
    rb_ways_free(review->ways_before);
    rb_ways_free(review->ways_after);
    g_string_chunk_free(review->texts);
    rb_snapshot_unref(review->before);
    rb_snapshot_unref(review->after);
    g_free(review);
}

const char *
rb_review_keep(RbReview *review, char *text)
{
    const char *kept = g_string_chunk_insert_const(review->texts, text);

    g_free(text);
    return kept;
}

RbReviewCount
rb_review_count(const RbReview *review)
{
    RbReviewCount count = { 0 };

    for (guint i = 0; i < review->people->len; i++)
        *(((RbPeopleChange *)review->people->pdata[i])->gained ? &count.gains : &count.losses) += 1;
    for (guint i = 0; i < review->access->len; i++)
        *(((RbAccessChange *)review->access->pdata[i])->gained ? &count.gains : &count.losses) += 1;
    for (guint i = 0; i < review->facts->len; i++) {
        RbFactSense sense = ((RbFactChange *)review->facts->pdata[i])->sense;
        *(sense == RB_FACT_LOOSER    ? &count.gains
          : sense == RB_FACT_TIGHTER ? &count.losses
                                     : &count.neutral) += 1;
    }
    return count;
}
