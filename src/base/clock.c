#include "base/clock.h"

static gint64
system_now(gpointer data)
{
    (void)data;
    return g_get_real_time() / G_USEC_PER_SEC;
}

RbClock
rb_clock_system(void)
{
    return (RbClock){ system_now, NULL };
}

gint64
rb_clock_now(const RbClock *clock)
{
    return clock->now(clock->data);
}
