#include "deploy/fleet.h"

#include "base/encoding.h"
#include "deploy/priv.h"

#include <string.h>

static void
row_free(gpointer data)
{
    RbFleetRow *row = data;

    rb_account_plan_free(row->plan);
    g_clear_error(&row->error);
    g_free(row);
}

typedef struct Run Run;
typedef void (*One)(Run *run, RbFleetRow *row);

/* One run over all rows. */
struct Run {
    const RbFleet *fleet;
    GPtrArray *rows;
    One one;
    gint next;   /* row to be taken; atomic */
    GMutex lock; /* guards progress and what follows */
    guint done, total;
};

static void
report(Run *run, const RbCompiledAccount *account, const RbStep *what, guint more)
{
    g_mutex_lock(&run->lock);
    run->done += more;
    if (run->fleet->progress != NULL)
        run->fleet->progress(run->done, run->total, account, what, run->fleet->data);
    g_mutex_unlock(&run->lock);
}

static gboolean
is_stopped(const RbFleet *fleet)
{
    return fleet->stop != NULL && g_atomic_int_get(fleet->stop) != 0;
}

static void
plan_one(Run *run, RbFleetRow *row)
{
    g_autoptr(RbIam) iam = NULL;
    json_t *state;

    if (is_stopped(run->fleet)) {
        g_set_error(&row->error, RB_IAM_ERROR, RB_IAM_STOPPED, "stopped before it was read");
        return;
    }
    iam = run->fleet->open(row->account, run->fleet->data, &row->error);
    state = iam == NULL ? NULL : rb_deploy_state(iam, row->account, &row->error);
    if (state != NULL)
        row->plan = rb_deploy_compare(row->account, state);
    json_decref(state);
    report(run, row->account, NULL, 1);
}

static void
apply_one(Run *run, RbFleetRow *row)
{
    g_autoptr(RbIam) iam = NULL;

    if (is_stopped(run->fleet)) {
        g_set_error(&row->error, RB_IAM_ERROR, RB_IAM_STOPPED, "stopped before it was begun");
        return;
    }
    iam = run->fleet->open(row->account, run->fleet->data, &row->error);
    for (; iam != NULL && row->done < row->plan->steps->len; row->done++) {
        const RbStep *step = g_ptr_array_index(row->plan->steps, row->done);
        report(run, row->account, step, 0);
        if (!rb_step_run(iam, step, &row->error))
            return;
        report(run, row->account, NULL, 1);
    }
}

static gpointer
work(gpointer data)
{
    Run *run = data;
    guint i;

    while ((i = (guint)g_atomic_int_add(&run->next, 1)) < run->rows->len)
        run->one(run, g_ptr_array_index(run->rows, i));
    return NULL;
}

static void
run_all(Run *run, One one, GPtrArray *rows)
{
    guint n = MIN(MAX(run->fleet->parallel, 1), MAX(rows->len, 1));
    g_autofree GThread **threads = g_new(GThread *, n);

    run->one = one;
    run->rows = rows;
    for (guint i = 0; i < n; i++)
        threads[i] = g_thread_new("account", work, run);
    for (guint i = 0; i < n; i++)
        (void)g_thread_join(threads[i]);
}

GPtrArray *
rb_fleet_plan(const RbFleet *fleet, const RbCompiledAccount *accounts, guint n)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func(row_free);
    Run run = { .fleet = fleet, .total = n };

    g_mutex_init(&run.lock);
    for (guint i = 0; i < n; i++) {
        RbFleetRow *row = g_new0(RbFleetRow, 1);
        row->account = &accounts[i];
        g_ptr_array_add(rows, row);
    }
    run_all(&run, plan_one, rows);
    g_mutex_clear(&run.lock);
    return rows;
}

gboolean
rb_fleet_apply(const RbFleet *fleet, GPtrArray *rows)
{
    g_autoptr(GPtrArray) begun = g_ptr_array_new();
    Run run = { .fleet = fleet };
    gboolean whole = TRUE;

    g_mutex_init(&run.lock);
    for (guint i = 0; i < rows->len; i++) {
        RbFleetRow *row = g_ptr_array_index(rows, i);
        if (row->plan == NULL || row->plan->conflicts->len > 0 || row->plan->steps->len == 0)
            continue;
        g_ptr_array_add(begun, row);
        run.total += row->plan->steps->len;
    }
    run_all(&run, apply_one, begun);
    g_mutex_clear(&run.lock);
    for (guint i = 0; i < rows->len; i++) {
        const RbFleetRow *row = g_ptr_array_index(rows, i);
        whole = whole && row->plan != NULL && row->done == row->plan->steps->len &&
                row->plan->conflicts->len == 0;
    }
    return whole;
}

char *
rb_fleet_digest(const GPtrArray *rows)
{
    RbSha256 *sum = rb_sha256_begin();
    guint8 digest[32];

    for (guint i = 0; i < rows->len; i++) {
        const RbFleetRow *row = g_ptr_array_index(rows, i);
        const char *account = row->account->account->id;
        rb_sha256_add(sum, account, strlen(account) + 1);
        for (guint k = 0; row->plan != NULL && k < row->plan->steps->len; k++) {
            g_autofree char *step = rb_step_digest(g_ptr_array_index(row->plan->steps, k), account);
            rb_sha256_add(sum, step, strlen(step) + 1);
        }
        for (guint k = 0; row->plan != NULL && k < row->plan->conflicts->len; k++) {
            const char *text = g_ptr_array_index(row->plan->conflicts, k);
            rb_sha256_add(sum, text, strlen(text) + 1);
        }
    }
    rb_sha256_end(sum, digest);
    return rb_hex_encode(digest, sizeof digest);
}
