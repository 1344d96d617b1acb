#include "faulty.h"

#include "store/priv.h"

#include <string.h>

struct RbFaulty {
    const RbStoreType *type; /* of the store inside */
    gpointer inside;
    gint left; /* atomic: calls until the failure; 0: none */
    gint mode;
    gint fired;
};

/* TRUE once: for the call that is to fail. */
static gboolean
is_due(RbFaulty *faulty)
{
    if (__atomic_load_n(&faulty->left, __ATOMIC_SEQ_CST) <= 0 ||
        __atomic_sub_fetch(&faulty->left, 1, __ATOMIC_SEQ_CST) != 0)
        return FALSE;
    __atomic_store_n(&faulty->fired, TRUE, __ATOMIC_SEQ_CST);
    return TRUE;
}

static gboolean
fail(GError **error)
{
    return rb_fault(error, RB_FAULT_STORE, "the test broke this call");
}

static gboolean
before(RbFaulty *faulty)
{
    return faulty->mode == RB_FAULTY_BEFORE;
}

static void
faulty_close(gpointer self)
{
    RbFaulty *faulty = self;

    faulty->type->close(faulty->inside);
    g_free(faulty);
}

static RbRecord *
faulty_get(gpointer self, RbRecordKind kind, const char *key, gint64 now, GError **error)
{
    RbFaulty *faulty = self;

    if (is_due(faulty)) { /* a read that was done and lost is a read that was not done */
        (void)fail(error);
        return NULL;
    }
    return faulty->type->get(faulty->inside, kind, key, now, error);
}

static GPtrArray *
faulty_list(gpointer self, RbRecordKind kind, const char *owner, gint64 now, guint max, GError **error)
{
    RbFaulty *faulty = self;

    if (is_due(faulty)) {
        (void)fail(error);
        return NULL;
    }
    return faulty->type->list(faulty->inside, kind, owner, now, max, error);
}

static gboolean
faulty_audit(gpointer self, const RbAuditFilter *filter, RbAuditChain *chain, RbAuditVisitor visitor,
             gpointer data, GError **error)
{
    RbFaulty *faulty = self;

    return is_due(faulty) ? fail(error)
                          : faulty->type->audit(faulty->inside, filter, chain, visitor, data, error);
}

static gboolean
faulty_begin(gpointer self, GError **error)
{
    RbFaulty *faulty = self;

    return is_due(faulty) ? fail(error) : faulty->type->begin(faulty->inside, error);
}

static gboolean
faulty_apply(gpointer self, const RbBatch *batch, gint64 now, GError **error)
{
    RbFaulty *faulty = self;
    gboolean due = is_due(faulty);

    if (due && before(faulty))
        return fail(error);
    if (!faulty->type->apply(faulty->inside, batch, now, error))
        return FALSE;
    return !due || fail(error);
}

static gint
faulty_sweep(gpointer self, gint64 now, guint max, GError **error)
{
    RbFaulty *faulty = self;

    if (is_due(faulty)) {
        (void)fail(error);
        return -1;
    }
    return faulty->type->sweep(faulty->inside, now, max, error);
}

static gboolean
faulty_touch(gpointer self, GError **error)
{
    RbFaulty *faulty = self;

    return is_due(faulty) ? fail(error) : faulty->type->touch(faulty->inside, error);
}

static gboolean
faulty_commit(gpointer self, GError **error)
{
    RbFaulty *faulty = self;
    gboolean due = is_due(faulty);

    if (due && before(faulty)) {
        faulty->type->rollback(faulty->inside);
        return fail(error);
    }
    if (!faulty->type->commit(faulty->inside, error))
        return FALSE;
    return !due || fail(error);
}

static void
faulty_rollback(gpointer self)
{
    RbFaulty *faulty = self;

    faulty->type->rollback(faulty->inside);
}

static const RbStoreType faulty_type = {
    .scheme = "faulty",
    .close = faulty_close,
    .get = faulty_get,
    .list = faulty_list,
    .audit = faulty_audit,
    .begin = faulty_begin,
    .apply = faulty_apply,
    .sweep = faulty_sweep,
    .touch = faulty_touch,
    .commit = faulty_commit,
    .rollback = faulty_rollback,
};

RbStore *
rb_faulty_open(const char *uri, RbFaulty **faulty, GError **error)
{
    gpointer inside;

    g_return_val_if_fail(g_str_has_prefix(uri, "sqlite:"), NULL);
    inside = rb_store_sqlite.open(uri + strlen("sqlite:"), FALSE, error);
    if (inside == NULL)
        return NULL;
    *faulty = g_new0(RbFaulty, 1);
    (*faulty)->type = &rb_store_sqlite;
    (*faulty)->inside = inside;
    return rb_store_new(&faulty_type, *faulty, FALSE);
}

void
rb_faulty_arm(RbFaulty *faulty, guint n, RbFaultyMode mode)
{
    __atomic_store_n(&faulty->fired, FALSE, __ATOMIC_SEQ_CST);
    faulty->mode = (gint)mode;
    __atomic_store_n(&faulty->left, (gint)n, __ATOMIC_SEQ_CST);
}

gboolean
rb_faulty_fired(RbFaulty *faulty)
{
    return __atomic_load_n(&faulty->fired, __ATOMIC_SEQ_CST);
}
