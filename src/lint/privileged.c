#include "lint/priv.h"

#include <string.h>

/* Roles that manage permissions, and are not marked so. */

/* AWS's own policies that are known to give permissions away: their documents need not be in the mapping. */
static const char *const administrators[] = { "AdministratorAccess",
                                              "IAMFullAccess",
                                              "PowerUserAccess",
                                              "AWSOrganizationsFullAccess",
                                              "AWSSSOMasterAccountAdministrator",
                                              "AWSSSODirectoryAdministrator",
                                              "AdministratorAccess-Amplify",
                                              "job-function/SystemAdministrator",
                                              NULL };

static const char *
last_part(const char *name)
{
    const char *policy = strstr(name, ":policy/");

    return policy == NULL ? name : policy + strlen(":policy/");
}

/* The actions of @role that give permissions, sorted by their order in its policies. */
static GPtrArray *
permissions_of(const RbRole *role, const GPtrArray *documents, const RbPolicyStatement **first)
{
    GPtrArray *out = g_ptr_array_new();

    for (guint i = 0; i < documents->len; i++) {
        const RbPolicy *p = documents->pdata[i];
        for (guint k = 0; k < p->n_statements; k++) {
            g_autoptr(GPtrArray) more = NULL;
            if (!p->statements[k].allow)
                continue;
            more = rb_lint_actions(&p->statements[k], RB_ACCESS_PERMISSIONS);
            for (guint n = 0; n < more->len; n++) {
                const RbAction *a = more->pdata[n];
                g_autofree char *name = g_strconcat(a->service, ":", a->name, NULL);
                if (rb_lint_withheld(role, documents, name) || g_ptr_array_find(out, a, NULL))
                    continue;
                *first = out->len == 0 ? &p->statements[k] : *first;
                g_ptr_array_add(out, more->pdata[n]);
            }
        }
    }
    return out;
}

static void
look_at(RbLint *lint, const RbRole *role)
{
    g_autoptr(GPtrArray) documents = rb_lint_documents(lint, role);
    const RbPolicyStatement *first = NULL;
    g_autoptr(GPtrArray) actions = permissions_of(role, documents, &first);
    g_autofree char *examples = rb_lint_examples(actions), *who = rb_lint_who(lint, role);
    const char *hint = "write privileged: true, or take the actions away";

    if (actions->len > 0) {
        rb_lint_say(lint, role->place, hint, "%s may give permissions: %s (%s:%u)", who, examples,
                    first->place.file, first->place.line);
        return;
    }
    for (guint i = 0; role->managed[i] != NULL; i++)
        if (g_strv_contains(administrators, last_part(role->managed[i])))
            rb_lint_say(lint, role->place, hint, "%s may give permissions, by %s", who, role->managed[i]);
}

void
rb_lint_unprivileged(RbLint *lint)
{
    for (guint i = 0; i < lint->roles->len; i++)
        if (!((const RbRole *)lint->roles->pdata[i])->privileged)
            look_at(lint, lint->roles->pdata[i]);
}
