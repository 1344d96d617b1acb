#include "review/priv.h"

#include <string.h>

/* One snapshot, and what roles may do in the account at hand. */

static void
unref_policy(gpointer policy)
{
    rb_policy_unref(policy);
}

static void
unref_list(gpointer list)
{
    g_ptr_array_unref(list);
}

void
rb_side_init(RbSide *side, const RbSnapshot *snapshot)
{
    side->snapshot = snapshot;
    side->there = rb_ways_there(snapshot);
    side->lists = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_list);
    side->documents = g_ptr_array_new_with_free_func(unref_policy);
    side->by_role = g_hash_table_new(NULL, NULL);
}

void
rb_side_clear(RbSide *side)
{
    g_free((gpointer)side->there);
    g_hash_table_unref(side->lists);
    g_ptr_array_unref(side->documents);
    g_hash_table_unref(side->by_role);
}

void
rb_side_turn(RbSide *side, const RbAccount *account, guint row)
{
    g_hash_table_remove_all(side->lists);
    g_ptr_array_set_size(side->documents, 0);
    side->account = account;
    side->row = row;
}

const RbRole *
rb_side_role(const RbSide *side, const char *name)
{
    const RbRole *role = rb_snapshot_role(side->snapshot, name);

    if (role == NULL || side->account == NULL ||
        !side->there[(gsize)side->row * rb_snapshot_roles(side->snapshot)->len + role->index])
        return NULL;
    return role;
}

/* Whether @document is another one for each role: what is not, is put in for an account once. */
static gboolean
names_role(RbSide *side, const RbPolicy *document)
{
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(side->by_role, document));
    g_autofree char *text = known == 0 ? rb_policy_print(document) : NULL;

    if (known == 0) {
        known = strstr(text, "${role}") != NULL ? 2 : 1;
        g_hash_table_insert(side->by_role, (gpointer)document, GUINT_TO_POINTER(known));
    }
    return known == 2;
}

static const GPtrArray *
list_of(RbSide *side, const RbRole *role, const char *name, const RbPolicy *document)
{
    gboolean own = *name == '\n' || names_role(side, document);
    g_autofree char *key = g_strconcat(own ? role->name : "", "\n", name, NULL);
    GPtrArray *list = g_hash_table_lookup(side->lists, key);
    RbPolicy *resolved;

    if (list != NULL)
        return list;
    resolved = rb_library_policy(role, side->account, document);
    g_ptr_array_add(side->documents, resolved);
    list = rb_permit_list(resolved);
    g_hash_table_insert(side->lists, g_steal_pointer(&key), list);
    return list;
}

RbPermits *
rb_side_permits(RbSide *side, const RbRole *role)
{
    RbPermits *permits = rb_permits_new();

    for (guint i = 0; role != NULL && i < role->policies->len; i++) {
        const RbTaskPolicy *task = g_ptr_array_index(role->policies, i);
        rb_permits_add(permits, list_of(side, role, task->name, task->document));
    }
    for (guint i = 0; role != NULL && role->managed[i] != NULL; i++) {
        const RbPolicy *document = rb_snapshot_managed(side->snapshot, role->managed[i]);
        if (document == NULL)
            g_ptr_array_add(permits->unknown, (gpointer)role->managed[i]);
        else
            rb_permits_add(permits, list_of(side, role, role->managed[i], document));
    }
    if (role != NULL && role->session_policy != NULL)
        permits->within = list_of(side, role, "\n", role->session_policy);
    return permits;
}

RbPermits *
rb_side_session(RbSide *side, const RbRole *role)
{
    RbPermits *permits = rb_permits_new();

    rb_permits_add(permits, list_of(side, role, "\n", role->session_policy));
    return permits;
}
