#include "serve/pool.h"

struct RbPool {
    GMutex lock;
    GCond more;
    GQueue jobs;
    guint most;
    gboolean ending;
    GPtrArray *threads;
    void (*work)(gpointer job);
};

static gpointer
run(gpointer data)
{
    RbPool *pool = data;
    gpointer job;

    for (;;) {
        g_mutex_lock(&pool->lock);
        while (g_queue_is_empty(&pool->jobs) && !pool->ending)
            g_cond_wait(&pool->more, &pool->lock);
        job = g_queue_pop_head(&pool->jobs);
        g_mutex_unlock(&pool->lock);
        if (job == NULL)
            return NULL;
        pool->work(job);
    }
}

RbPool *
rb_pool_new(const char *name, guint workers, guint queue, void (*work)(gpointer job))
{
    RbPool *pool = g_new0(RbPool, 1);

    g_mutex_init(&pool->lock);
    g_cond_init(&pool->more);
    g_queue_init(&pool->jobs);
    pool->most = queue;
    pool->work = work;
    pool->threads = g_ptr_array_new();
    for (guint i = 0; i < workers; i++)
        g_ptr_array_add(pool->threads, g_thread_new(name, run, pool));
    return pool;
}

gboolean
rb_pool_push(RbPool *pool, gpointer job)
{
    gboolean taken;

    g_mutex_lock(&pool->lock);
    taken = !pool->ending && g_queue_get_length(&pool->jobs) < pool->most;
    if (taken) {
        g_queue_push_tail(&pool->jobs, job);
        g_cond_signal(&pool->more);
    }
    g_mutex_unlock(&pool->lock);
    return taken;
}

void
rb_pool_free(RbPool *pool)
{
    if (pool == NULL)
        return;
    g_mutex_lock(&pool->lock);
    pool->ending = TRUE;
    g_cond_broadcast(&pool->more);
    g_mutex_unlock(&pool->lock);
    for (guint i = 0; i < pool->threads->len; i++)
        (void)g_thread_join(pool->threads->pdata[i]); /* workers return nothing */
    g_ptr_array_unref(pool->threads);
    g_cond_clear(&pool->more);
    g_mutex_clear(&pool->lock);
    g_free(pool);
}
