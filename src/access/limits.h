#ifndef RB_ACCESS_LIMITS_H
#define RB_ACCESS_LIMITS_H

#include <glib.h>

/*
 * How often somebody may do something: a bucket of @burst tries for each key, refilled by one every
 * @refill_ms. Bounded: when it is full of keys that are still counting, strangers share one bucket.
 */
typedef struct RbLimits RbLimits;

typedef struct {
    const char *what; /* "user-code" */
    guint burst, refill_ms;
} RbLimit;

RbLimits *rb_limits_new(guint max_keys);
void rb_limits_free(RbLimits *limits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbLimits, rb_limits_free)

/** rb_limits_take: TRUE when @key may, and one try is used up. */
gboolean rb_limits_take(RbLimits *limits, const RbLimit *limit, const char *key, gint64 now);

/** rb_limits_take_address: the same by network address: an IPv6 client is its /64. NULL counts as one. */
gboolean rb_limits_take_address(RbLimits *limits, const RbLimit *limit, const char *address, gint64 now);

/** rb_limits_network: (transfer full): what counts as one client: an IPv4 address, the /64 of an IPv6 one, ""
 * for NULL. */
char *rb_limits_network(const char *address);

#endif
