#include "lint/priv.h"

/*
 * What AWS would say of a policy it would say of the compiled one: the mapping's own ${…} mean nothing to it.
 * One account is enough: what another one's parameters do to a policy, compiling for it tells.
 */

static gboolean
has_all(const RbAccount *account, const char *const *needs)
{
    for (; *needs != NULL; needs++)
        if (!g_hash_table_contains(account->parameters, *needs))
            return FALSE;
    return TRUE;
}

/* An account that gets @role; NULL: none that an assignment names has what @needs names. */
static const RbAccount *
find_assigned(const RbLint *lint, const RbRole *role, const char *const *needs)
{
    const GPtrArray *accounts = rb_snapshot_accounts(lint->snapshot);
    guint n = rb_snapshot_size(lint->snapshot).n_assignments;

    for (guint i = 0; i < n; i++) {
        const RbAssignment *a = rb_snapshot_assignment(lint->snapshot, i);
        for (guint k = 0; k < a->n_accounts && a->role == role; k++)
            if (has_all(accounts->pdata[a->accounts[k]], needs))
                return accounts->pdata[a->accounts[k]];
    }
    return NULL;
}

/* Else any that could. */
static const RbAccount *
find_account(const RbLint *lint, const RbRole *role, const char *const *needs)
{
    const GPtrArray *accounts = rb_snapshot_accounts(lint->snapshot);
    const RbAccount *found = role == NULL ? NULL : find_assigned(lint, role, needs);

    for (guint i = 0; i < accounts->len && found == NULL; i++)
        if (has_all(accounts->pdata[i], needs))
            found = accounts->pdata[i];
    return found;
}

static const RbRole *
find_role(const RbLint *lint, const RbTaskPolicy *policy)
{
    for (guint i = 0; i < lint->roles->len; i++)
        if (g_ptr_array_find(((const RbRole *)lint->roles->pdata[i])->policies, policy, NULL))
            return lint->roles->pdata[i];
    return lint->roles->len > 0 ? lint->roles->pdata[0] : NULL; /* for the ${role} in it */
}

static void
validate(RbLint *lint, const RbRole *role, const RbPolicy *document, const char *const *needs)
{
    const RbAccount *account = find_account(lint, role, needs);
    g_autoptr(RbPolicy) compiled = account == NULL ? NULL : rb_library_policy(role, account, document);

    if (compiled != NULL)
        rb_policy_validate(compiled, lint->found);
}

void
rb_lint_validate(RbLint *lint)
{
    for (guint i = 0; i < lint->policies->len; i++) {
        const RbTaskPolicy *p = lint->policies->pdata[i];
        validate(lint, find_role(lint, p), p->document, (const char *const *)p->needs);
    }
    for (guint i = 0; i < lint->roles->len; i++) {
        const RbRole *role = lint->roles->pdata[i];
        if (role->session_policy != NULL)
            validate(lint, role, role->session_policy, (const char *const *)role->policy_needs);
    }
}
