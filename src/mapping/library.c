#include "base/encoding.h"
#include "mapping/priv.h"

const GPtrArray *
rb_snapshot_accounts(const RbSnapshot *snapshot)
{
    return snapshot->accounts;
}

const GPtrArray *
rb_snapshot_roles(const RbSnapshot *snapshot)
{
    return snapshot->roles;
}

const GPtrArray *
rb_snapshot_policies(const RbSnapshot *snapshot)
{
    return snapshot->policies;
}

const RbBridge *
rb_snapshot_bridge(const RbSnapshot *snapshot)
{
    return snapshot->bridge;
}

const GArray *
rb_snapshot_ignores(const RbSnapshot *snapshot)
{
    return snapshot->ignores;
}

const RbAssignment *
rb_snapshot_assignment(const RbSnapshot *snapshot, guint i)
{
    return &g_array_index(snapshot->assignments, RbAssignment, i);
}

const RbDuties *
rb_snapshot_duty(const RbSnapshot *snapshot, guint i)
{
    return i < snapshot->duties->len ? &g_array_index(snapshot->duties, RbDuties, i) : NULL;
}

const RbAccount *
rb_snapshot_account(const RbSnapshot *snapshot, const char *name)
{
    guint at = GPOINTER_TO_UINT(g_hash_table_lookup(snapshot->account_at, name));

    return at == 0 ? NULL : g_ptr_array_index(snapshot->accounts, at - 1);
}

const RbRole *
rb_snapshot_role(const RbSnapshot *snapshot, const char *name)
{
    return g_hash_table_lookup(snapshot->role_named, name);
}

gboolean
rb_snapshot_gives(const RbSnapshot *s, const RbAccount *account, const RbRole *role)
{
    for (guint i = 0; i < s->assignments->len; i++)
        if (rb_assignment_gives(s, rb_snapshot_assignment(s, i), account->id, role->name))
            return TRUE;
    return FALSE;
}

GStrv
rb_assignment_who(const RbSnapshot *s, guint i)
{
    const RbAssignment *a = rb_snapshot_assignment(s, i);
    GPtrArray *out = g_ptr_array_new();

    if (a->by_claims)
        g_ptr_array_add(out, rb_assignment_claims(a));
    for (guint k = 0; k < s->index.matchers->len; k++) {
        const RbMatcher *m = &g_array_index(s->index.matchers, RbMatcher, k);
        g_autofree char *who = NULL, *claims = NULL;
        if (m->assignment != i)
            continue;
        who = rb_matcher_words(m);
        claims = rb_assignment_claims(a);
        g_ptr_array_add(out,
                        *claims == '\0' ? g_steal_pointer(&who) : g_strdup_printf("%s, %s", who, claims));
    }
    g_ptr_array_add(out, NULL);
    return (GStrv)g_ptr_array_free(out, FALSE);
}
