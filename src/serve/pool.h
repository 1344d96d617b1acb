#ifndef RB_SERVE_POOL_H
#define RB_SERVE_POOL_H

#include <glib.h>

/* A bounded pool: a fixed number of workers, a queue with an end. */
typedef struct RbPool RbPool;

/** rb_pool_new: @work is called with each job on one of @workers threads. */
RbPool *rb_pool_new(const char *name, guint workers, guint queue, void (*work)(gpointer job));
/** rb_pool_push: FALSE, and the job was not taken, when the queue is full or the pool is ending. */
gboolean rb_pool_push(RbPool *pool, gpointer job);
/** rb_pool_free: works off what is queued and returns when the last worker has ended. */
void rb_pool_free(RbPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbPool, rb_pool_free)

#endif
