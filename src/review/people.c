#include "review/priv.h"

#include <string.h>

/* Who gains and loses which role where. */

static void
people_free(gpointer data)
{
    RbPeopleChange *change = data;

    g_ptr_array_unref(change->seats);
    g_free(change);
}

/* Seats of @way that @other (or NULL) has not. */
static GPtrArray *
seats_without(const RbWay *way, const RbWay *other)
{
    GPtrArray *out = g_ptr_array_new();
    guint k = 0;

    for (guint i = 0; i < way->seats->len; i++) {
        int order = 1;
        while (other != NULL && k < other->seats->len &&
               (order = rb_seat_compare(&other->seats->pdata[k], &way->seats->pdata[i])) < 0)
            k++;
        if (other == NULL || k == other->seats->len || order != 0)
            g_ptr_array_add(out, way->seats->pdata[i]);
    }
    return out;
}

static void
compare(RbReview *review, const RbWays *more, const RbWays *less, gboolean gained)
{
    for (guint i = 0; i < more->at->len; i++) {
        const RbWay *way = g_ptr_array_index(more->at, i);
        g_autofree char *key = g_strconcat(way->who, "\n", way->role->name, NULL);
        g_autoptr(GPtrArray) seats = seats_without(way, g_hash_table_lookup(less->find, key));
        RbPeopleChange *change;
        if (seats->len == 0)
            continue;
        change = g_new0(RbPeopleChange, 1);
        *change = (RbPeopleChange){ gained,          way->role->privileged, way->who,
                                    way->role->name, way->role->title,      g_steal_pointer(&seats) };
        g_ptr_array_add(review->people, change);
    }
}

void
rb_review_people(RbReview *review)
{
    review->people = g_ptr_array_new_with_free_func(people_free);
    compare(review, review->ways_after, review->ways_before, TRUE);
    compare(review, review->ways_before, review->ways_after, FALSE);
}
