#include "base/encoding.h"
#include "review/priv.h"

#include <string.h>

/* What somebody may do: the roles of a decision, the accounts, the actions behind them. */

enum { FEW = 8, LEVELS = RB_ACCESS_PERMISSIONS + 1 };

/* Takes a pair of the decision. */
static void
want(const RbSnapshot *snapshot, guint8 *wanted, const char *account, const char *role)
{
    const GPtrArray *accounts = rb_snapshot_accounts(snapshot);
    const RbRole *r = rb_snapshot_role(snapshot, role);

    for (guint i = 0; r != NULL && i < accounts->len; i++)
        if (g_str_equal(((RbAccount *)accounts->pdata[i])->id, account))
            wanted[(gsize)i * rb_snapshot_roles(snapshot)->len + r->index] = 1;
}

RbReview *
rb_holdings_new(RbSnapshot *snapshot, const RbDecision *decision, const char *account)
{
    RbReview *review = g_new0(RbReview, 1);
    g_autofree guint8 *wanted =
        g_new0(guint8, (gsize)rb_snapshot_accounts(snapshot)->len * rb_snapshot_roles(snapshot)->len + 1);
    const RbAccount *only = account == NULL ? NULL : rb_snapshot_account(snapshot, account);

    for (guint i = 0; i < decision->n_grants; i++)
        if (account == NULL || (only != NULL && g_str_equal(only->id, decision->grants[i].account)))
            want(snapshot, wanted, decision->grants[i].account, decision->grants[i].role);
    review->before = rb_snapshot_ref(snapshot);
    review->after = rb_snapshot_ref(snapshot);
    review->texts = g_string_chunk_new(4096);
    review->ways_before = rb_ways_new(snapshot);
    review->ways_after = rb_ways_new(snapshot);
    review->people = g_ptr_array_new();
    review->facts = g_ptr_array_new();
    rb_review_holdings(review, wanted);
    return review;
}

/* ---- services and levels ---- */

/* Every action of @change that AWS has, each once, by service. */
static GPtrArray *
all_known(const RbAccessChange *change)
{
    GPtrArray *all = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < change->items->len; i++) {
        const RbAccessItem *item = change->items->pdata[i];
        for (guint k = 0; !item->deny && k < item->known->len; k++)
            if (g_hash_table_add(seen, item->known->pdata[k]))
                g_ptr_array_add(all, item->known->pdata[k]);
    }
    g_ptr_array_sort(all, rb_action_compare);
    return all;
}

/* One service's line: "s3  1 list, 2 read, 1 write". Returns: behind its last action */
static guint
service_line(GString *out, const GPtrArray *all, guint i)
{
    const char *service = ((const RbAction *)all->pdata[i])->service;
    guint n[LEVELS] = { 0 };
    gboolean first = TRUE;

    for (; i < all->len && g_str_equal(((const RbAction *)all->pdata[i])->service, service); i++)
        n[((const RbAction *)all->pdata[i])->level]++;
    g_string_append_printf(out, "    %-18s", service);
    for (guint level = 0; level < LEVELS; level++) {
        if (n[level] > 0)
            g_string_append_printf(out, "%s%u %s", first ? "" : ", ", n[level], rb_access_level_name(level));
        first = first && n[level] == 0;
    }
    g_string_append_c(out, '\n');
    return i;
}

static void
statement_lines(GString *out, const RbAccessChange *change)
{
    for (guint i = 0; i < change->items->len; i++) {
        const RbAccessItem *item = change->items->pdata[i];
        g_autofree char *sentence = rb_item_sentence(item, TRUE, G_MAXUINT);
        g_autofree char *safe = rb_text_printable(sentence, 64000);
        g_string_append_printf(out, "      %s%s%s%s\n", safe, *item->place == '\0' ? "" : "  (", item->place,
                               *item->place == '\0' ? "" : ")");
    }
}

static void
role_text(GString *out, const RbReview *review, const RbAccessChange *change, const RbReviewLook *look)
{
    g_autofree char *where = rb_seats_words(change->seats, review->after, look->full ? G_MAXUINT : FEW);
    g_autofree char *head =
        g_strdup_printf("%s%s in %s", change->title, change->privileged ? " (privileged)" : "", where);
    g_autofree char *safe = rb_text_printable(head, 4000);
    g_autoptr(GPtrArray) all = all_known(change);
    gboolean conditions = FALSE;

    g_string_append_printf(out, "%s%s%s%s\n", out->len > 0 ? "\n" : "", look->colour ? "\033[1m" : "", safe,
                           look->colour ? "\033[0m" : "");
    for (guint i = 0; i < all->len;)
        i = service_line(out, all, i);
    for (guint i = 0; i < change->items->len; i++) {
        const RbAccessItem *item = change->items->pdata[i];
        conditions = conditions || *item->conditions != '\0' ||
                     (item->resources->len > 0 && !g_str_equal(item->resources->pdata[0], "*"));
        if (item->managed != NULL)
            g_string_append_printf(out, "    and all that %s says, which is not known here\n", item->managed);
    }
    if (look->full)
        statement_lines(out, change);
    else if (conditions)
        g_string_append(out, "    not on everything and not always: --full says on what, and when\n");
}

char *
rb_holdings_text(const RbReview *review, const RbReviewLook *look)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < review->access->len; i++)
        role_text(out, review, review->access->pdata[i], look);
    return g_string_free(out, FALSE);
}

static json_t *
services_json(const RbAccessChange *change)
{
    json_t *services = json_object();
    g_autoptr(GPtrArray) all = all_known(change);

    for (guint i = 0; i < all->len; i++) {
        const RbAction *a = all->pdata[i];
        json_t *service = json_object_get(services, a->service);
        const char *level = rb_access_level_name(a->level);
        if (service == NULL) {
            service = json_object();
            json_object_set_new(services, a->service, service);
        }
        if (json_object_get(service, level) == NULL)
            json_object_set_new(service, level, json_array());
        json_array_append_new(json_object_get(service, level), json_string(a->name));
    }
    return services;
}

json_t *
rb_holdings_json(const RbReview *review)
{
    json_t *roles = json_array();

    for (guint i = 0; i < review->access->len; i++) {
        const RbAccessChange *c = review->access->pdata[i];
        json_t *items = json_array();
        for (guint k = 0; k < c->items->len; k++)
            json_array_append_new(items, rb_item_json(c->items->pdata[k]));
        json_array_append_new(roles,
                              json_pack("{s:s, s:s*, s:b, s:o, s:o, s:o}", "role", c->role, "title", c->title,
                                        "privileged", c->privileged, "accounts", rb_seats_json(c->seats),
                                        "services", services_json(c), "statements", items));
    }
    return json_pack("{s:o}", "roles", roles);
}
