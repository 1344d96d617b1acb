#include "compile/priv.h"

#include <string.h>

/* A task policy in an account: the mapping's variables put in, cut to what AWS takes. */

typedef struct {
    gboolean by_account, by_role; /* it names variables that differ so */
    char *text;                   /* printed as it is in the mapping */
    gboolean ready;
    RbParts parts; /* of one that names none: the same everywhere */
} RbTask;

void
rb_compile_task_free(gpointer data)
{
    RbTask *task = data;

    g_free(task->text);
    g_free(task);
}

static char *
note_variables(const char *text, gpointer data)
{
    RbTask *task = data;

    task->by_role = task->by_role || strstr(text, "${role}") != NULL;
    task->by_account =
        task->by_account || strstr(text, "${partition}") != NULL || strstr(text, "${account.") != NULL;
    return g_strdup(text);
}

static RbTask *
task_of(RbCompiler *c, const RbTaskPolicy *policy)
{
    RbTask *task = g_hash_table_lookup(c->tasks, policy);

    if (task == NULL) {
        task = g_new0(RbTask, 1);
        rb_policy_unref(rb_policy_map(policy->document, note_variables, task));
        task->text = rb_policy_print(policy->document);
        g_hash_table_insert(c->tasks, (gpointer)policy, task);
    }
    return task;
}

gboolean
rb_compile_by_role(RbCompiler *c, const RbTaskPolicy *task)
{
    return task_of(c, task)->by_role;
}

/* Values of variables have no character that JSON escapes, so putting them into what was printed once is the
 * same as printing what they were put into: a third of the time for a thousand accounts. */
static RbPart
make_whole(RbCompiler *c, const RbTask *task, const RbTaskPolicy *policy, const RbAccount *account,
           const RbRole *role)
{
    return (RbPart){ rb_compile_keep(c, rb_library_policy(role, account, policy->document)),
                     rb_arena_take(&c->out->arena, rb_library_resolve(role, account, task->text)) };
}

static RbParts
make_parts(RbCompiler *c, const RbTask *task, const RbTaskPolicy *policy, const RbAccount *account,
           const RbRole *role)
{
    RbPart whole = make_whole(c, task, policy, account, role), *parts;
    g_autoptr(GPtrArray) pieces = NULL;

    if (rb_compile_size(whole.text) <= RB_POLICY_MANAGED_MAX) {
        parts = rb_arena_alloc(&c->out->arena, sizeof *parts);
        parts[0] = whole;
        return (RbParts){ parts, 1 };
    }
    pieces = rb_compile_split(c, whole.document, account->name);
    if (pieces == NULL)
        return (RbParts){ NULL, 0 };
    parts = rb_arena_alloc(&c->out->arena, pieces->len * sizeof *parts);
    for (guint i = 0; i < pieces->len; i++)
        parts[i] = rb_compile_part(c, rb_policy_ref(g_ptr_array_index(pieces, i)));
    return (RbParts){ parts, pieces->len };
}

RbParts
rb_compile_task(RbCompiler *c, const RbTaskPolicy *policy, const RbAccount *account, const RbRole *role)
{
    RbTask *task = task_of(c, policy);

    if (task->by_account || task->by_role)
        return make_parts(c, task, policy, account, task->by_role ? role : NULL);
    if (!task->ready) {
        task->parts = make_parts(c, task, policy, account, NULL);
        task->ready = TRUE;
    }
    return task->parts;
}
