#ifndef RB_SERVE_RATE_H
#define RB_SERVE_RATE_H

#include "serve/network.h"

#include <glib.h>

/* How often one address may do what costs us: a bucket that holds @burst and gains @per_s each second.
 * IPv6 counts by /64. Thread-safe and bounded: with too many addresses at once all share what is left. */
typedef struct RbRate RbRate;

RbRate *rb_rate_new(guint per_s, guint burst);
void rb_rate_free(RbRate *rate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbRate, rb_rate_free)

/** rb_rate_take: FALSE with request.too_many when the bucket of @address is empty. @now_ms: monotonic. */
gboolean rb_rate_take(RbRate *rate, const RbAddress *address, gint64 now_ms, GError **error);

#endif
