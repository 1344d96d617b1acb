#include "review/priv.h"

static json_t *
texts_json(const GPtrArray *texts)
{
    json_t *list = json_array();

    for (guint i = 0; i < texts->len; i++)
        json_array_append_new(list, json_string(texts->pdata[i]));
    return list;
}

json_t *
rb_seats_json(const GPtrArray *seats)
{
    json_t *list = json_array();

    for (guint i = 0; i < seats->len; i++) {
        const RbSeat *seat = seats->pdata[i];
        json_t *one = json_object();
        if (*seat->id != '\0')
            json_object_set_new(one, "id", json_string(seat->id));
        json_object_set_new(one, "name", json_string(seat->name));
        json_array_append_new(list, one);
    }
    return list;
}

json_t *
rb_actions_json(const GPtrArray *known)
{
    json_t *list = json_array();

    for (guint i = 0; i < known->len; i++) {
        const RbAction *a = known->pdata[i];
        json_array_append_new(list, json_sprintf("%s:%s", a->service, a->name));
    }
    return list;
}

static json_t *
people_json(const RbReview *review, gboolean gained)
{
    json_t *list = json_array();

    for (guint i = 0; i < review->people->len; i++) {
        const RbPeopleChange *c = review->people->pdata[i];
        if (c->gained == gained)
            json_array_append_new(list, json_pack("{s:s, s:s, s:s*, s:b, s:o}", "who", c->who, "role",
                                                  c->role, "title", c->title, "privileged", c->privileged,
                                                  "accounts", rb_seats_json(c->seats)));
    }
    return list;
}

json_t *
rb_item_json(const RbAccessItem *item)
{
    guint changing = 0;

    if (item->managed != NULL)
        return json_pack("{s:s, s:b}", "managed_policy", item->managed, "known", FALSE);
    for (guint i = 0; i < item->known->len; i++)
        changing += rb_level_changes(((const RbAction *)item->known->pdata[i])->level);
    return json_pack("{s:s, s:o, s:o, s:s*, s:o, s:i, s:s}", "effect", item->deny ? "Deny" : "Allow",
                     item->not_actions ? "not_actions" : "actions", texts_json(item->actions),
                     item->not_resources ? "not_resources" : "resources", texts_json(item->resources),
                     "conditions", *item->conditions == '\0' ? NULL : item->conditions, "known_actions",
                     rb_actions_json(item->known), "changing", (int)changing, "statement", item->place);
}

static json_t *
access_json(const RbReview *review, gboolean gained)
{
    json_t *list = json_array();

    for (guint i = 0; i < review->access->len; i++) {
        const RbAccessChange *c = review->access->pdata[i];
        json_t *items;
        if (c->gained != gained)
            continue;
        items = json_array();
        for (guint k = 0; k < c->items->len; k++)
            json_array_append_new(items, rb_item_json(c->items->pdata[k]));
        json_array_append_new(list, json_pack("{s:s, s:s*, s:b, s:b, s:s, s:o, s:o}", "role", c->role,
                                              "title", c->title, "privileged", c->privileged, "whole_role",
                                              c->whole, "by", c->session ? "session policy" : "policies",
                                              "accounts", rb_seats_json(c->seats), "statements", items));
    }
    return list;
}

static json_t *
facts_json(const RbReview *review)
{
    json_t *list = json_array();

    for (guint i = 0; i < review->facts->len; i++) {
        const RbFactChange *f = review->facts->pdata[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s*, s:s?, s:s?, s:s}", "kind", f->kind,
                                              "name", f->name, "subject", f->subject, "what", f->what,
                                              "before", f->before, "after", f->after, "sense",
                                              f->sense == RB_FACT_LOOSER    ? "looser"
                                              : f->sense == RB_FACT_TIGHTER ? "tighter"
                                                                            : "neutral"));
    }
    return list;
}

json_t *
rb_review_json(const RbReview *review, const RbReviewLook *look)
{
    RbReviewCount count = rb_review_count(review);

    return json_pack("{s:s, s:s, s:s, s:s, s:{s:i, s:i, s:i}, s:{s:o, s:o}, s:{s:o, s:o}, s:o}", "before",
                     look->before, "after", look->after, "before_digest", rb_snapshot_digest(review->before),
                     "after_digest", rb_snapshot_digest(review->after), "summary", "gains", (int)count.gains,
                     "losses", (int)count.losses, "neutral", (int)count.neutral, "people", "gains",
                     people_json(review, TRUE), "losses", people_json(review, FALSE), "access", "gains",
                     access_json(review, TRUE), "losses", access_json(review, FALSE), "changes",
                     facts_json(review));
}
