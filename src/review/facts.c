#include "base/encoding.h"
#include "review/priv.h"

#include <stdlib.h>
#include <string.h>

/* Limits, owners, accounts: what a role or an account is, beside who gets it and what it may do. */

/* What a value says about access. */
typedef enum {
    PLAIN, /* says nothing about access */
    BINDS, /* having it is tighter, another one is neither: hours, networks */
} Weight;

static void
add(RbReview *review, RbFactChange change)
{
    g_ptr_array_add(review->facts, g_memdup2(&change, sizeof change));
}

static RbFactSense
sense_of(Weight weight, const char *before, const char *after)
{
    if (weight == BINDS && (before == NULL || after == NULL))
        return before == NULL ? RB_FACT_TIGHTER : RB_FACT_LOOSER;
    return RB_FACT_NEUTRAL;
}

static void
compare_text(RbReview *review, RbFactChange of, const char *what, const char *before, const char *after,
             Weight weight)
{
    if (g_strcmp0(before, after) == 0)
        return;
    of.what = what;
    of.before = before;
    of.after = after;
    of.sense = sense_of(weight, before, after);
    add(review, of);
}

static void
compare_time(RbReview *review, RbFactChange of, const char *what, gint64 before, gint64 after)
{
    if (before == after)
        return;
    of.what = what;
    of.before = rb_review_keep(review, rb_duration_text(before));
    of.after = rb_review_keep(review, rb_duration_text(after));
    of.sense = after > before ? RB_FACT_LOOSER : RB_FACT_TIGHTER;
    add(review, of);
}

/* ---- roles ---- */

/* "CostCenter=${identity.costCenter}, Team=x"; NULL: no tags */
static const char *
tags_text(RbReview *review, const RbRole *role)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < role->n_tags; i++) {
        g_string_append_printf(out, "%s%s=", i == 0 ? "" : ", ", role->tags[i].key);
        for (guint k = 0; role->tags[i].parts[k] != NULL; k++)
            g_string_append_printf(out, k % 2 == 0 ? "%s" : "${identity.%s}", role->tags[i].parts[k]);
    }
    return role->n_tags == 0 ? (g_string_free(out, TRUE), NULL)
                             : rb_review_keep(review, g_string_free(out, FALSE));
}

static const char *
given(const char *text)
{
    return text == NULL || *text == '\0' ? NULL : text;
}

static void
compare_role(RbReview *review, const RbRole *b, const RbRole *a)
{
    const char *title = given(a->title) != NULL ? a->title : a->name;
    RbFactChange of = { .subject = title, .kind = "role", .name = a->name };

    compare_text(review, of, "title", given(b->title), given(a->title), PLAIN);
    compare_text(review, of, "owner", given(b->owner), given(a->owner), PLAIN);
    compare_text(review, of, "purpose", given(b->purpose), given(a->purpose), PLAIN);
    compare_text(review, of, "second factor", b->privileged ? "required" : NULL,
                 a->privileged ? "required" : NULL, BINDS);
    compare_time(review, of, "longest session", b->max_s, a->max_s);
    if (b->default_s != a->default_s) {
        compare_text(review, of, "usual session", rb_review_keep(review, rb_duration_text(b->default_s)),
                     rb_review_keep(review, rb_duration_text(a->default_s)), PLAIN);
    }
    compare_text(review, of, "hours", given(b->hours_text), given(a->hours_text), BINDS);
    compare_text(review, of, "networks", given(b->networks_text), given(a->networks_text), BINDS);
    compare_text(review, of, "session policy", b->session_policy == NULL ? NULL : "narrows it",
                 a->session_policy == NULL ? NULL : "narrows it", BINDS);
    compare_text(review, of, "session tags", tags_text(review, b), tags_text(review, a), PLAIN);
}

static void
whole_role(RbReview *review, const RbRole *role, gboolean there)
{
    RbFactChange of = { .subject = given(role->title) != NULL ? role->title : role->name,
                        .kind = "role",
                        .name = role->name };
    char *words = g_strdup_printf("a role%s, owned by %s",
                                  role->privileged ? " that needs a second factor" : "", role->owner);

    *(there ? &of.after : &of.before) = rb_review_keep(review, words);
    add(review, of);
}

static void
compare_roles(RbReview *review)
{
    const GPtrArray *b = rb_snapshot_roles(review->before), *a = rb_snapshot_roles(review->after);

    for (guint i = 0, k = 0; i < b->len || k < a->len;) {
        const RbRole *x = i < b->len ? b->pdata[i] : NULL, *y = k < a->len ? a->pdata[k] : NULL;
        int order = x == NULL ? 1 : y == NULL ? -1 : strcmp(x->name, y->name);
        if (order == 0 && x != NULL && y != NULL)
            compare_role(review, x, y);
        else if (order < 0 && x != NULL)
            whole_role(review, x, FALSE);
        else if (order > 0 && y != NULL)
            whole_role(review, y, TRUE);
        i += order <= 0;
        k += order >= 0;
    }
}

/* ---- accounts ---- */

static const char *
method_words(RbIssueMethod method)
{
    static const char *const names[] = { "assume-role", "web-identity", "saml" };

    return names[method];
}

/* "env=prod, team=analytics"; NULL: none */
static const char *
table_text(RbReview *review, GHashTable *table)
{
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(table), (GCompareFunc)strcmp);
    GString *out = g_string_new(NULL);

    for (const GList *k = keys; k != NULL; k = k->next)
        g_string_append_printf(out, "%s%s=%s", out->len == 0 ? "" : ", ", (const char *)k->data,
                               (const char *)g_hash_table_lookup(table, k->data));
    return out->len == 0 ? (g_string_free(out, TRUE), NULL)
                         : rb_review_keep(review, g_string_free(out, FALSE));
}

static RbFactChange
account_subject(RbReview *review, const RbAccount *account)
{
    return (RbFactChange){ .subject = rb_review_keep(
                               review, g_strdup_printf("Account %s (%s)", account->name, account->id)),
                           .kind = "account",
                           .name = account->id };
}

static void
compare_account(RbReview *review, const RbAccount *b, const RbAccount *a)
{
    RbFactChange of = account_subject(review, a);

    compare_text(review, of, "name", b->name, a->name, PLAIN);
    compare_text(review, of, "partition", b->partition, a->partition, PLAIN);
    compare_text(review, of, "labels", table_text(review, b->labels), table_text(review, a->labels), PLAIN);
    compare_text(review, of, "parameters", table_text(review, b->parameters),
                 table_text(review, a->parameters), PLAIN);
    compare_text(review, of, "method", method_words(b->method), method_words(a->method), PLAIN);
    compare_text(review, of, "provider", b->provider_arn, a->provider_arn, PLAIN);
    compare_text(review, of, "external id", b->external_id, a->external_id, BINDS);
    compare_text(review, of, "role path", b->role_path, a->role_path, PLAIN);
    compare_text(review, of, "region", b->region, a->region, PLAIN);
}

static void
whole_account(RbReview *review, const RbAccount *account, gboolean there)
{
    RbFactChange of = account_subject(review, account);
    const char *labels = table_text(review, account->labels);
    char *words = g_strdup_printf("an account by %s%s%s", method_words(account->method),
                                  labels == NULL ? "" : ", ", labels == NULL ? "" : labels);

    *(there ? &of.after : &of.before) = rb_review_keep(review, words);
    add(review, of);
}

static void
compare_accounts(RbReview *review)
{
    const GPtrArray *b = rb_snapshot_accounts(review->before), *a = rb_snapshot_accounts(review->after);

    for (guint i = 0, k = 0; i < b->len || k < a->len;) {
        const RbAccount *x = i < b->len ? b->pdata[i] : NULL, *y = k < a->len ? a->pdata[k] : NULL;
        int order = x == NULL ? 1 : y == NULL ? -1 : strcmp(x->id, y->id);
        if (order == 0 && x != NULL && y != NULL)
            compare_account(review, x, y);
        else if (order < 0 && x != NULL)
            whole_account(review, x, FALSE);
        else if (order > 0 && y != NULL)
            whole_account(review, y, TRUE);
        i += order <= 0;
        k += order >= 0;
    }
}

/* ---- what holds for all ---- */

static void
compare_bridge(RbReview *review)
{
    static const RbBridge none = { 0 };
    const RbBridge *b = rb_snapshot_bridge(review->before), *a = rb_snapshot_bridge(review->after);
    RbFactChange of = { .subject = "What accounts trust", .kind = "bridge", .name = "bridge" };

    b = b != NULL ? b : &none;
    a = a != NULL ? a : &none;
    compare_text(review, of, "url", b->url, a->url, PLAIN);
    compare_text(review, of, "audience", b->audience, a->audience, PLAIN);
    compare_text(review, of, "entity id", b->entity_id, a->entity_id, PLAIN);
    compare_text(review, of, "principal", b->principal, a->principal, PLAIN);
    if (g_strcmp0(b->metadata, a->metadata) != 0)
        compare_text(review, of, "SAML metadata", b->metadata == NULL ? NULL : "one file",
                     a->metadata == NULL ? NULL : "another file", PLAIN);
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "accounts-payable-approver, accounts-payable-clerk" → reason */
static GHashTable *
duties_of(RbReview *review, const RbSnapshot *snapshot)
{
    GHashTable *out = g_hash_table_new(g_str_hash, g_str_equal);
    const RbDuties *rule;

    for (guint i = 0; (rule = rb_snapshot_duty(snapshot, i)) != NULL; i++) {
        g_autofree char **names = g_new0(char *, rule->n_roles + 1);
        for (guint k = 0; k < rule->n_roles; k++)
            names[k] = (char *)rule->roles[k]->name;
        qsort(names, rule->n_roles, sizeof *names, by_text);
        g_hash_table_insert(out, (gpointer)rb_review_keep(review, g_strjoinv(", ", names)),
                            (gpointer)(rule->reason == NULL ? "" : rule->reason));
    }
    return out;
}

static void
compare_duties(RbReview *review)
{
    g_autoptr(GHashTable) b = duties_of(review, review->before), a = duties_of(review, review->after);
    g_autoptr(GHashTable) both = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GList) keys = NULL;
    GHashTableIter iter;
    gpointer key;

    for (guint i = 0; i < 2; i++) {
        g_hash_table_iter_init(&iter, i == 0 ? a : b);
        while (g_hash_table_iter_next(&iter, &key, NULL))
            g_hash_table_add(both, key);
    }
    keys = g_list_sort(g_hash_table_get_keys(both), (GCompareFunc)strcmp);
    for (const GList *k = keys; k != NULL; k = k->next) {
        RbFactChange of = { .kind = "duties", .name = k->data };
        of.subject = rb_review_keep(review, g_strdup_printf("Never together %s", of.name));
        compare_text(review, of, "reason", g_hash_table_lookup(b, k->data), g_hash_table_lookup(a, k->data),
                     BINDS);
    }
}

void
rb_review_facts(RbReview *review)
{
    review->facts = g_ptr_array_new_with_free_func(g_free);
    compare_bridge(review);
    compare_accounts(review);
    compare_roles(review);
    compare_duties(review);
}
