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

/* "provider 'ci', when repository is 'acme/app' and ref starts with 'refs/tags/'" */
static char *
claims_words(const RbAssignment *a)
{
    GString *out = g_string_new(NULL);

    g_string_printf(out, "provider '%s', ", a->provider);
    for (guint i = 0; i < a->n_when; i++) {
        g_autofree char *words = rb_when_words(&a->when[i]);
        g_string_append_printf(out, "%s%s", i == 0 ? "when " : " and ", words);
    }
    g_string_append_printf(out, " (%s:%u)", a->place.file, a->place.line);
    return g_string_free(out, FALSE);
}

GStrv
rb_snapshot_ways(const RbSnapshot *s, const char *account, const char *role)
{
    static const char *const kinds[] = { "group", "groups with prefix", "groups matching", "groups below" };
    GPtrArray *out = g_ptr_array_new();

    for (guint i = 0; i < s->index.matchers->len; i++) {
        const RbMatcher *m = &g_array_index(s->index.matchers, RbMatcher, i);
        const RbAssignment *a = &g_array_index(s->assignments, RbAssignment, m->assignment);
        g_autofree char *quoted = NULL;
        if (!rb_assignment_gives(s, a, account, role))
            continue;
        quoted = rb_text_quote(m->text);
        g_ptr_array_add(
            out, g_strdup_printf("%s %s (%s:%u)", kinds[m->kind], quoted, a->place.file, a->place.line));
    }
    for (guint i = 0; i < s->assignments->len; i++) {
        const RbAssignment *a = &g_array_index(s->assignments, RbAssignment, i);
        if (a->by_claims && rb_assignment_gives(s, a, account, role))
            g_ptr_array_add(out, claims_words(a));
    }
    g_ptr_array_add(out, NULL);
    return (GStrv)g_ptr_array_free(out, FALSE);
}
