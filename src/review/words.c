#include "review/priv.h"

#include <string.h>

/* ---- an account's own names ---- */

static gint
longer_first(gconstpointer a, gconstpointer b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    gsize n = strlen(x), m = strlen(y);

    return n != m ? (n < m ? 1 : -1) : strcmp(x, y);
}

/* Values of @account that stand for themselves in @text, the longest first; with the variable of each. */
static GPtrArray *
own_values(const RbAccount *account, const char *text, GHashTable *variables)
{
    GPtrArray *values = g_ptr_array_new();
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(account->parameters), (GCompareFunc)strcmp);

    for (const GList *k = keys; k != NULL; k = k->next) {
        char *value = g_hash_table_lookup(account->parameters, k->data);
        if (*value == '\0' || strstr(text, value) == NULL || g_hash_table_contains(variables, value))
            continue;
        g_ptr_array_add(values, value);
        g_hash_table_insert(variables, value, g_strdup_printf("${account.%s}", (const char *)k->data));
    }
    if (!g_hash_table_contains(variables, account->id)) {
        g_ptr_array_add(values, (gpointer)account->id);
        g_hash_table_insert(variables, (gpointer)account->id, g_strdup("${account.id}"));
    }
    g_ptr_array_sort(values, longer_first);
    return values;
}

char *
rb_text_generalise(const RbAccount *account, const char *text)
{
    g_autoptr(GHashTable) variables = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    g_autoptr(GPtrArray) values = own_values(account, text, variables);
    g_autofree char *arn = g_strdup_printf("arn:%s:", account->partition);
    GString *out = g_string_new(NULL);

    if (g_str_has_prefix(text, arn)) {
        g_string_append(out, "arn:${partition}:");
        text += strlen(arn);
    }
    while (*text != '\0') {
        const char *value = NULL;
        for (guint i = 0; value == NULL && i < values->len; i++)
            if (g_str_has_prefix(text, values->pdata[i]))
                value = values->pdata[i];
        if (value != NULL)
            g_string_append(out, g_hash_table_lookup(variables, value));
        else
            g_string_append_c(out, *text);
        text += value != NULL ? strlen(value) : 1;
    }
    return g_string_free(out, FALSE);
}

/* ---- accounts ---- */

/* Whether @seats are exactly the accounts of @snapshot with the label @key=@value. */
static gboolean
is_label(const GPtrArray *seats, const RbSnapshot *snapshot, const char *key, const char *value)
{
    const GPtrArray *accounts = rb_snapshot_accounts(snapshot);
    guint n = 0;

    for (guint i = 0; i < accounts->len; i++) {
        const RbAccount *a = accounts->pdata[i];
        n += g_strcmp0(g_hash_table_lookup(a->labels, key), value) == 0;
    }
    if (n != seats->len)
        return FALSE;
    for (guint i = 0; i < seats->len; i++) {
        const RbSeat *seat = seats->pdata[i];
        const RbAccount *a = *seat->id == '\0' ? NULL : rb_snapshot_account(snapshot, seat->id);
        if (a == NULL || g_strcmp0(g_hash_table_lookup(a->labels, key), value) != 0)
            return FALSE;
    }
    return TRUE;
}

/* "all 400 accounts with env=prod", or NULL. */
static char *
label_words(const GPtrArray *seats, const RbSnapshot *snapshot)
{
    const RbSeat *first = seats->pdata[0];
    const RbAccount *account = *first->id == '\0' ? NULL : rb_snapshot_account(snapshot, first->id);
    g_autoptr(GList) keys = NULL;

    if (account == NULL)
        return NULL;
    if (seats->len == rb_snapshot_accounts(snapshot)->len &&
        *((RbSeat *)seats->pdata[seats->len - 1])->id != '\0')
        return g_strdup_printf("all %u accounts", seats->len);
    keys = g_list_sort(g_hash_table_get_keys(account->labels), (GCompareFunc)strcmp);
    for (const GList *k = keys; k != NULL; k = k->next) {
        const char *value = g_hash_table_lookup(account->labels, k->data);
        if (is_label(seats, snapshot, k->data, value))
            return g_strdup_printf("all %u accounts with %s=%s", seats->len, (const char *)k->data, value);
    }
    return NULL;
}

char *
rb_seats_words(const GPtrArray *seats, const RbSnapshot *snapshot, guint max)
{
    GString *out = g_string_new(NULL);
    char *all = seats->len > max ? label_words(seats, snapshot) : NULL;
    guint n = seats->len > max ? max : seats->len;

    if (all != NULL) {
        g_string_free(out, TRUE);
        return all;
    }
    for (guint i = 0; i < n; i++) {
        const RbSeat *seat = seats->pdata[i];
        g_string_append(out, i == 0 ? "" : i + 1 == seats->len ? " and " : ", ");
        if (*seat->id == '\0')
            g_string_append_printf(out, "whichever account %s is", seat->name);
        else
            g_string_append_printf(out, "%s (%s)", seat->name, seat->id);
    }
    if (n < seats->len)
        g_string_append_printf(out, " and %u more", seats->len - n);
    return g_string_free(out, FALSE);
}

char *
rb_who_words(const char *who)
{
    gsize n = strlen(who);

    if (g_str_has_prefix(who, "group '") && strchr(who + 7, '\'') == who + n - 1)
        return g_strdup_printf("Members of %.*s", (int)(n - 8), who + 7);
    return g_strdup_printf(g_str_has_prefix(who, "group") ? "Members of %s" : "Sign-ins of %s", who);
}

/* ---- actions ---- */

const char *
rb_access_level_name(RbAccessLevel level)
{
    static const char *const names[] = { "list", "read", "tagging", "write", "permissions" };

    return names[level];
}

gboolean
rb_level_changes(RbAccessLevel level)
{
    return level >= RB_ACCESS_TAGGING;
}

char *
rb_known_words(const GPtrArray *known)
{
    GString *out = g_string_new(NULL);
    guint services = 0;

    for (guint i = 0; i < known->len;) {
        const char *service = ((const RbAction *)known->pdata[i])->service;
        guint n = 0, changing = 0;
        for (; i < known->len && g_str_equal(((const RbAction *)known->pdata[i])->service, service); i++) {
            n++;
            changing += rb_level_changes(((const RbAction *)known->pdata[i])->level);
        }
        if (++services > 4)
            continue;
        g_string_append_printf(out, "%s%u %s of %s", out->len == 0 ? "" : ", ", n,
                               n == 1 ? "action" : "actions", service);
        if (changing > 0)
            g_string_append_printf(out, " (%u %s)", changing,
                                   changing == 1 ? "changes something" : "change something");
    }
    if (services > 4)
        g_string_append_printf(out, " and more of %u other services", services - 4);
    return out->len == 0 ? (g_string_free(out, TRUE), NULL) : g_string_free(out, FALSE);
}

gint
rb_action_compare(gconstpointer a, gconstpointer b)
{
    const RbAction *x = *(const RbAction *const *)a, *y = *(const RbAction *const *)b;
    int order = strcmp(x->service, y->service);

    return order != 0 ? order : strcmp(x->name, y->name);
}

static void
append_list(GString *out, const GPtrArray *texts, guint max)
{
    for (guint i = 0; i < texts->len && i < max; i++)
        g_string_append_printf(out, "%s%s", i == 0 ? "" : ", ", (const char *)texts->pdata[i]);
    if (texts->len > max)
        g_string_append_printf(out, " and %u more", texts->len - max);
}

char *
rb_item_actions(const RbAccessItem *item, guint max)
{
    GString *out = g_string_new(item->not_actions ? "everything but " : NULL);

    append_list(out, item->actions, max);
    return g_string_free(out, FALSE);
}

char *
rb_item_resources(const RbAccessItem *item, guint max)
{
    GString *out = g_string_new(item->not_resources ? "everything but " : NULL);

    append_list(out, item->resources, max);
    return g_string_free(out, FALSE);
}

gboolean
rb_item_writes(const RbAccessItem *item)
{
    for (guint i = 0; i < item->known->len; i++)
        if (rb_level_changes(((const RbAction *)item->known->pdata[i])->level))
            return TRUE;
    return item->known->len == 0;
}

char *
rb_fact_sentence(const RbFactChange *fact)
{
    if (fact->what == NULL)
        return fact->after != NULL ? g_strdup_printf("%s is new: %s.", fact->subject, fact->after)
                                   : g_strdup_printf("%s is gone: it was %s.", fact->subject, fact->before);
    if (g_str_equal(fact->kind, "duties"))
        return fact->before == NULL ? g_strdup_printf("%s: a new rule (%s).", fact->subject, fact->after)
               : fact->after == NULL
                   ? g_strdup_printf("%s: no longer a rule (it was for: %s).", fact->subject, fact->before)
                   : g_strdup_printf("%s: for '%s' now; it was for '%s'.", fact->subject, fact->after,
                                     fact->before);
    if (fact->before == NULL)
        return g_strdup_printf("%s: %s: %s; before: none.", fact->subject, fact->what, fact->after);
    return g_strdup_printf("%s: %s: %s; before: %s.", fact->subject, fact->what,
                           fact->after == NULL ? "none" : fact->after, fact->before);
}

char *
rb_count_words(const RbReviewCount *count)
{
    if (count->gains + count->losses + count->neutral == 0)
        return g_strdup("nothing changes");
    return g_strdup_printf("%u %s, %u %s, %u other %s", count->gains, count->gains == 1 ? "gain" : "gains",
                           count->losses, count->losses == 1 ? "loss" : "losses", count->neutral,
                           count->neutral == 1 ? "change" : "changes");
}

/* "all that ReadOnlyAccess and SecurityAudit say (not known here)" */
static void
append_managed(GString *out, const RbAccessChange *change)
{
    guint n = 0, of = 0;

    for (guint i = 0; i < change->items->len; i++)
        of += ((RbAccessItem *)change->items->pdata[i])->managed != NULL;
    for (guint i = 0; of > 0 && i < change->items->len; i++) {
        const char *name = ((RbAccessItem *)change->items->pdata[i])->managed;
        if (name != NULL)
            g_string_append_printf(out, "%s%s",
                                   n++ > 0         ? n == of ? " and " : ", "
                                   : out->len == 0 ? "all that "
                                                   : ", and all that ",
                                   name);
    }
    if (of > 0)
        g_string_append_printf(out, " %s (not known here)", of == 1 ? "says" : "say");
}

char *
rb_change_words(const RbAccessChange *change)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    GString *out = g_string_new(NULL);
    g_autofree char *known = NULL;

    for (guint i = 0; i < change->items->len; i++) {
        const RbAccessItem *item = change->items->pdata[i];
        for (guint k = 0; k < item->known->len; k++)
            if (g_hash_table_add(seen, item->known->pdata[k]))
                g_ptr_array_add(all, item->known->pdata[k]);
    }
    g_ptr_array_sort(all, rb_action_compare);
    known = rb_known_words(all);
    if (known != NULL)
        g_string_append(out, known);
    append_managed(out, change);
    if (out->len == 0)
        g_string_append(out, "no action that AWS has today");
    return g_string_free(out, FALSE);
}

char *
rb_item_known(const RbAccessItem *item, guint max)
{
    gboolean wild = item->not_actions;
    GString *out;
    guint n = 0;

    for (guint i = 0; i < item->actions->len; i++)
        wild = wild || strpbrk(item->actions->pdata[i], "*?") != NULL;
    if (!wild || item->managed != NULL)
        return NULL;
    out = g_string_new(item->known->len == 0 ? "nothing that AWS has today" : NULL);
    for (guint pass = 0; pass < 2; pass++) /* what changes something is named first */
        for (guint i = 0; i < item->known->len && n < max; i++) {
            const RbAction *a = item->known->pdata[i];
            if (rb_level_changes(a->level) == (pass == 0))
                g_string_append_printf(out, "%s%s:%s", n++ == 0 ? "" : ", ", a->service, a->name);
        }
    if (item->known->len > max)
        g_string_append_printf(out, " and %u more", item->known->len - max);
    return g_string_free(out, FALSE);
}
