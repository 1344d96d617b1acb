#include "base/encoding.h"
#include "mapping/priv.h"

static gboolean
has_account(const RbSnapshot *s, const RbAssignment *a, const char *account)
{
    guint at = account == NULL ? 0 : GPOINTER_TO_UINT(g_hash_table_lookup(s->account_at, account));

    if (account == NULL || (at > 0 && (a->captures[0] != NULL || a->when_captures->name != NULL)))
        return TRUE;
    for (guint i = 0; i < a->n_accounts; i++)
        if (a->accounts[i] + 1 == at)
            return TRUE;
    return FALSE;
}

gboolean
rb_assignment_gives(const RbSnapshot *s, const RbAssignment *a, const char *account, const char *role)
{
    return (role == NULL || g_str_equal(a->role->name, role)) && has_account(s, a, account);
}

char *
rb_assignment_claims(const RbAssignment *a)
{
    GString *out = g_string_new(NULL);

    if (a->provider != NULL)
        g_string_append_printf(out, "provider '%s'", a->provider);
    for (guint i = 0; i < a->n_when; i++) {
        g_autofree char *words = rb_when_words(&a->when[i]);
        g_string_append_printf(out, "%s%s%s", i == 0 && out->len > 0 ? ", " : "", i == 0 ? "when " : " and ",
                               words);
    }
    return g_string_free(out, FALSE);
}

char *
rb_matcher_words(const RbMatcher *matcher)
{
    static const char *const kinds[] = { "group", "groups with prefix", "groups matching", "groups below" };
    g_autofree char *quoted = rb_text_quote(matcher->text);

    return g_strdup_printf("%s %s", kinds[matcher->kind], quoted);
}

GStrv
rb_snapshot_ways(const RbSnapshot *s, const char *account, const char *role)
{
    GPtrArray *out = g_ptr_array_new();

    for (guint i = 0; i < s->index.matchers->len; i++) {
        const RbMatcher *m = &g_array_index(s->index.matchers, RbMatcher, i);
        const RbAssignment *a = &g_array_index(s->assignments, RbAssignment, m->assignment);
        g_autofree char *who = NULL;
        if (!rb_assignment_gives(s, a, account, role))
            continue;
        who = rb_matcher_words(m);
        g_ptr_array_add(out, g_strdup_printf("%s (%s:%u)", who, a->place.file, a->place.line));
    }
    for (guint i = 0; i < s->assignments->len; i++) {
        const RbAssignment *a = &g_array_index(s->assignments, RbAssignment, i);
        g_autofree char *claims = NULL;
        if (!a->by_claims || !rb_assignment_gives(s, a, account, role))
            continue;
        claims = rb_assignment_claims(a);
        g_ptr_array_add(out, g_strdup_printf("%s (%s:%u)", claims, a->place.file, a->place.line));
    }
    g_ptr_array_add(out, NULL);
    return (GStrv)g_ptr_array_free(out, FALSE);
}
