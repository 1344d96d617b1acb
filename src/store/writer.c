#include "store/priv.h"

/* pthread's own locks, not GLib's: ThreadSanitizer sees through these, and the writer is tested under it. */
#include <pthread.h>

typedef enum { JOB_BATCH, JOB_SWEEP, JOB_TOUCH } JobKind;

/* Lives on the stack of the caller that waits for it; `done` and what it guards are under the writer's lock.
 */
typedef struct {
    JobKind kind;
    const RbBatch *batch;
    gint64 now;
    guint max;
    gint swept;
    GError *error;
    gboolean done;
    pthread_cond_t woken;
} Job;

struct RbWriter {
    const RbStoreType *type;
    gpointer self;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    GQueue waiting; /* Job, oldest first */
    guint max_queue;
    Job *group[RB_WRITER_MAX_GROUP]; /* being written; the writing thread's own */
    guint64 commits;
    gboolean stopping;
};

static void
run(RbWriter *writer, Job *job)
{
    switch (job->kind) {
    case JOB_BATCH:
        if (!writer->type->apply(writer->self, job->batch, job->now, &job->error) && job->error == NULL)
            (void)rb_fault(&job->error, RB_FAULT_INTERNAL, "the store refused a batch without a reason");
        break;
    case JOB_SWEEP:
        job->swept = writer->type->sweep(writer->self, job->now, job->max, &job->error);
        break;
    case JOB_TOUCH:
        (void)writer->type->touch(writer->self, &job->error); /* FALSE has set the error */
        break;
    }
}

/*
 * All of @group in one commit. A refusal is its batch's own. A fault is everybody's, also of those that were
 * refused: they may have been refused because of a batch that is now undone.
 */
static void
run_group(RbWriter *writer, Job **group, guint n)
{
    g_autoptr(GError) fault = NULL;

    if (writer->type->begin(writer->self, &fault)) {
        for (guint i = 0; i < n && fault == NULL; i++) {
            run(writer, group[i]);
            if (group[i]->error != NULL && group[i]->error->domain != RB_REFUSAL)
                fault = g_error_copy(group[i]->error);
        }
        if (fault != NULL)
            writer->type->rollback(writer->self);
        else
            (void)writer->type->commit(writer->self, &fault); /* FALSE has set the fault */
    }
    if (fault == NULL)
        return;
    for (guint i = 0; i < n; i++) {
        g_clear_error(&group[i]->error);
        group[i]->error = g_error_copy(fault);
    }
}

static guint
take_group(RbWriter *writer, Job **group)
{
    guint n = 0;

    while (n < RB_WRITER_MAX_GROUP && !g_queue_is_empty(&writer->waiting))
        group[n++] = g_queue_pop_head(&writer->waiting);
    return n;
}

static void *
write_on(void *data)
{
    RbWriter *writer = data;
    Job **group = writer->group;
    guint n;

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (g_queue_is_empty(&writer->waiting) && !writer->stopping)
            pthread_cond_wait(&writer->work, &writer->lock);
        n = take_group(writer, group);
        if (n == 0)
            break; /* stopping, and nothing is left to write */
        pthread_mutex_unlock(&writer->lock);
        run_group(writer, group, n);
        pthread_mutex_lock(&writer->lock);
        writer->commits++;
        for (guint i = 0; i < n; i++) {
            group[i]->done = TRUE;
            pthread_cond_signal(&group[i]->woken);
        }
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

RbWriter *
rb_writer_new(const RbStoreType *type, gpointer self)
{
    return rb_writer_new_bounded(type, self, RB_WRITER_MAX_QUEUE);
}

RbWriter *
rb_writer_new_bounded(const RbStoreType *type, gpointer self, guint max_queue)
{
    RbWriter *writer = g_new0(RbWriter, 1);

    writer->type = type;
    writer->self = self;
    writer->max_queue = max_queue;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->work, NULL);
    g_queue_init(&writer->waiting);
    if (pthread_create(&writer->thread, NULL, write_on, writer) != 0)
        g_error("no thread for the store's writer: raise the limit on tasks");
    return writer;
}

void
rb_writer_free(RbWriter *writer)
{
    if (writer == NULL)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->stopping = TRUE;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    pthread_cond_destroy(&writer->work);
    pthread_mutex_destroy(&writer->lock);
    g_free(writer);
}

static gboolean
submit(RbWriter *writer, Job *job, GError **error)
{
    gboolean queued;

    pthread_cond_init(&job->woken, NULL);
    pthread_mutex_lock(&writer->lock);
    queued = g_queue_get_length(&writer->waiting) < writer->max_queue;
    if (queued) {
        g_queue_push_tail(&writer->waiting, job);
        pthread_cond_signal(&writer->work);
        while (!job->done)
            pthread_cond_wait(&job->woken, &writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    pthread_cond_destroy(&job->woken);
    if (!queued)
        return rb_fault(error, RB_FAULT_BUSY, "%u writes wait for the store already", writer->max_queue);
    if (job->error != NULL) {
        g_propagate_error(error, job->error);
        return FALSE;
    }
    return TRUE;
}

gboolean
rb_writer_commit(RbWriter *writer, const RbBatch *batch, gint64 now, GError **error)
{
    Job job = { .kind = JOB_BATCH, .batch = batch, .now = now };

    return submit(writer, &job, error);
}

gboolean
rb_writer_touch(RbWriter *writer, GError **error)
{
    Job job = { .kind = JOB_TOUCH };

    return submit(writer, &job, error);
}

gint
rb_writer_sweep(RbWriter *writer, gint64 now, guint max, GError **error)
{
    Job job = { .kind = JOB_SWEEP, .now = now, .max = max };

    return submit(writer, &job, error) ? job.swept : -1;
}

guint64
rb_writer_commits(RbWriter *writer)
{
    guint64 commits;

    pthread_mutex_lock(&writer->lock);
    commits = writer->commits;
    pthread_mutex_unlock(&writer->lock);
    return commits;
}

guint
rb_writer_waiting(RbWriter *writer)
{
    guint waiting;

    pthread_mutex_lock(&writer->lock);
    waiting = g_queue_get_length(&writer->waiting);
    pthread_mutex_unlock(&writer->lock);
    return waiting;
}
