#include "lint/priv.h"

#include <string.h>

/* Roles that manage permissions, and are not marked so. */

#define HINT "write privileged: true, or take the actions away"

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

/* Those of @s that give permissions, and that nothing takes away from @role. */
static GPtrArray *
permissions_of(const RbRole *role, const GPtrArray *documents, const RbPolicyStatement *s)
{
    GPtrArray *out = s->allow ? rb_lint_actions(s, RB_ACCESS_PERMISSIONS) : g_ptr_array_new();

    for (guint i = out->len; i > 0; i--) {
        const RbAction *a = out->pdata[i - 1];
        g_autofree char *name = g_strconcat(a->service, ":", a->name, NULL);
        if (rb_lint_withheld(role, documents, name))
            g_ptr_array_remove_index(out, i - 1);
    }
    return out;
}

/* The first statement that gives permissions is told. */
static gboolean
tell_statement(RbLint *lint, const RbRole *role, const GPtrArray *documents)
{
    for (guint i = 0; i < documents->len; i++) {
        const RbPolicy *p = documents->pdata[i];
        for (guint k = 0; k < p->n_statements; k++) {
            const RbPolicyStatement *s = &p->statements[k];
            g_autoptr(GPtrArray) actions = permissions_of(role, documents, s);
            g_autofree char *examples = rb_lint_examples(actions), *who = rb_lint_who(lint, role);
            if (actions->len == 0)
                continue;
            rb_lint_say(lint, role->place, HINT, "%s may give permissions: %s (%s:%u)", who, examples,
                        s->place.file, s->place.line);
            return TRUE;
        }
    }
    return FALSE;
}

static void
look_at(RbLint *lint, const RbRole *role)
{
    g_autoptr(GPtrArray) documents = rb_lint_documents(lint, role);

    if (tell_statement(lint, role, documents))
        return;
    for (guint i = 0; role->managed[i] != NULL; i++)
        if (g_strv_contains(administrators, last_part(role->managed[i])))
            rb_lint_say(lint, role->place, HINT, "the role '%s' may give permissions, by %s", role->name,
                        role->managed[i]);
}

void
rb_lint_unprivileged(RbLint *lint)
{
    for (guint i = 0; i < lint->roles->len; i++)
        if (!((const RbRole *)lint->roles->pdata[i])->privileged)
            look_at(lint, lint->roles->pdata[i]);
}
