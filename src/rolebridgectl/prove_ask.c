#include "rolebridgectl/prove.h"

#include <string.h>
#include <unistd.h>

/* ---- what is asked ---- */

static void
item_free(gpointer data)
{
    RbProveItem *item = data;

    rb_proof_subject_free(item->before);
    rb_proof_subject_free(item->after);
    rb_proof_free(item->proof);
    g_clear_error(&item->error);
    g_free(item);
}

/* What the answer hangs on. */
static char *
question_of(const RbProveItem *item)
{
    gboolean local = rb_proof_subject_is_local(item->after) ||
                     (item->before != NULL && rb_proof_subject_is_local(item->before));

    return g_strjoin("\n--\n", local ? item->role->arn : "", rb_proof_subject_text(item->after),
                     item->before != NULL ? rb_proof_subject_text(item->before) : "", NULL);
}

static void
add_item(GPtrArray *items, GHashTable *known, RbProveItem *item)
{
    g_autofree char *question = NULL;
    gpointer first;

    item->first = items->len;
    item->same = item->before != NULL &&
                 g_str_equal(rb_proof_subject_text(item->before), rb_proof_subject_text(item->after)) &&
                 !rb_proof_subject_is_local(item->after);
    if (!item->same) {
        question = question_of(item);
        if (g_hash_table_lookup_extended(known, question, NULL, &first))
            item->first = GPOINTER_TO_UINT(first);
        else
            g_hash_table_insert(known, g_steal_pointer(&question), GUINT_TO_POINTER(items->len));
    }
    g_ptr_array_add(items, item);
}

static RbProofSubject *
find_before(const RbSnapshot *before, const RbCompiled *then, const RbCompiledAccount *account,
            const RbCompiledRole *role)
{
    const RbCompiledAccount *was = rb_compiled_account(then, account->account->id);
    const RbCompiledRole *old = was == NULL ? NULL : rb_compiled_role(was, role->name);

    return old == NULL ? NULL : rb_proof_subject_new(before, was, old);
}

static gboolean
is_asked(const RbProveAsked *asked, const RbCompiledAccount *account, const RbCompiledRole *role)
{
    return (asked->role == NULL || g_str_equal(asked->role, role->name)) &&
           (asked->account == NULL || g_str_equal(asked->account, account->account->id) ||
            g_str_equal(asked->account, account->account->name));
}

GPtrArray *
rb_prove_items(const RbProveAsked *asked, const RbSnapshot *before, const RbCompiled *then,
               const RbSnapshot *after, const RbCompiled *now)
{
    GPtrArray *items = g_ptr_array_new_with_free_func(item_free);
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint n;
    const RbCompiledAccount *accounts = rb_compiled_accounts(now, &n);

    for (guint i = 0; i < n; i++)
        for (guint j = 0; j < accounts[i].n_roles; j++) {
            const RbCompiledRole *role = &accounts[i].roles[j];
            RbProveItem *item;
            if (!is_asked(asked, &accounts[i], role))
                continue;
            item = g_new0(RbProveItem, 1);
            item->account = &accounts[i];
            item->role = role;
            item->after = rb_proof_subject_new(after, &accounts[i], role);
            item->before = then == NULL ? NULL : find_before(before, then, &accounts[i], role);
            item->is_new = then != NULL && item->before == NULL;
            add_item(items, known, item);
        }
    return items;
}

/* ---- asking ---- */

typedef struct {
    const RbProveAsked *asked;
    GStrv within;
    guint n;   /* questions */
    gint done; /* atomic */
    gboolean progress;
} Work;

static RbProof *
prove(const Work *work, const RbProveItem *item, GError **error)
{
    const RbProveAsked *asked = work->asked;
    const RbProofRole *role = rb_proof_subject_role(item->after);
    const RbProofLimits limits = { .timeout_ms = (guint)(asked->timeout_s * 1000),
                                   .facts = rb_proof_subject_facts(item->after) };

    if (asked->never != NULL)
        return rb_prove_never(role, asked->never, asked->on != NULL ? asked->on : "*", &limits, error);
    if (asked->within != NULL)
        return rb_prove_within(role, (const char *const *)work->within, &limits, error);
    return rb_proof_subject_no_new_access(item->before, item->after, limits.timeout_ms, error);
}

static void
answer(gpointer data, gpointer user)
{
    RbProveItem *item = data;
    Work *work = user;
    gint done;

    item->proof = prove(work, item, &item->error);
    done = g_atomic_int_add(&work->done, 1) + 1;
    if (work->progress)
        g_printerr("\r%d of %u different questions", done, work->n);
}

void
rb_prove_ask(const RbProveAsked *asked, GPtrArray *items, gboolean progress)
{
    g_auto(GStrv) within = asked->within == NULL ? NULL : g_strsplit(asked->within, ",", -1);
    Work work = { .asked = asked, .within = within, .progress = progress };
    GThreadPool *pool = g_thread_pool_new(answer, &work, (gint)g_get_num_processors(), FALSE, NULL);

    for (guint pass = 0; pass < 2; pass++)
        for (guint i = 0; i < items->len; i++) {
            RbProveItem *item = items->pdata[i];
            if (item->same || item->first != i)
                continue;
            if (pass == 0)
                work.n++;
            else
                (void)g_thread_pool_push(pool, item, NULL); /* a thread that cannot start: the others do it */
        }
    g_thread_pool_free(pool, FALSE, TRUE);
    if (progress && work.n > 0)
        g_printerr("\r%*s\r", 60, "");
}

const RbProof *
rb_prove_proof(const GPtrArray *items, guint i)
{
    const RbProveItem *item = items->pdata[i];

    return ((const RbProveItem *)items->pdata[item->first])->proof;
}

RbProofVerdict
rb_prove_verdict(const GPtrArray *items, guint i)
{
    const RbProof *proof = rb_prove_proof(items, i);

    if (((const RbProveItem *)items->pdata[i])->same)
        return RB_PROVED;
    return proof == NULL ? RB_NOT_KNOWN : proof->verdict;
}
