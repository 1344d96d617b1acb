/*
 * For ThreadSanitizer builds alone: GLib's locks are futexes inside a library that is not instrumented, so
 * ThreadSanitizer sees neither them nor the order they make, and calls every use a race. These wrappers call
 * GLib's own functions and tell ThreadSanitizer what each one orders.
 */
#include <dlfcn.h>
#include <glib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define REAL(name) ((__typeof__(&name))(guintptr)real(#name))

static void *
real(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    if (function == NULL)
        __builtin_trap();
    return function;
}

/* One look-up a function: the first caller's answer is everybody's. */
#define WRAPPED(name)                                                                                        \
    static __typeof__(&name) next;                                                                           \
    if (__atomic_load_n(&next, __ATOMIC_ACQUIRE) == NULL)                                                    \
    __atomic_store_n(&next, REAL(name), __ATOMIC_RELEASE)

void(g_mutex_lock)(GMutex *mutex)
{
    WRAPPED(g_mutex_lock);
    next(mutex);
    __tsan_acquire(mutex);
}

gboolean(g_mutex_trylock)(GMutex *mutex)
{
    WRAPPED(g_mutex_trylock);
    gboolean taken = next(mutex);
    if (taken)
        __tsan_acquire(mutex);
    return taken;
}

void(g_mutex_unlock)(GMutex *mutex)
{
    WRAPPED(g_mutex_unlock);
    __tsan_release(mutex);
    next(mutex);
}

void(g_cond_wait)(GCond *cond, GMutex *mutex)
{
    WRAPPED(g_cond_wait);
    __tsan_release(mutex);
    next(cond, mutex);
    __tsan_acquire(mutex);
}

gboolean(g_cond_wait_until)(GCond *cond, GMutex *mutex, gint64 end_time)
{
    WRAPPED(g_cond_wait_until);
    __tsan_release(mutex);
    gboolean signalled = next(cond, mutex, end_time);
    __tsan_acquire(mutex);
    return signalled;
}

gboolean(g_atomic_ref_count_dec)(gatomicrefcount *count)
{
    WRAPPED(g_atomic_ref_count_dec);
    __tsan_release(count);
    gboolean last = next(count);
    if (last)
        __tsan_acquire(count); /* whoever frees has seen every use before */
    return last;
}

void(g_bytes_unref)(GBytes *bytes)
{
    WRAPPED(g_bytes_unref);
    if (bytes != NULL)
        __tsan_release(bytes); /* whoever frees it last must have seen every use before */
    next(bytes);
}

void(g_atomic_rc_box_release_full)(gpointer box, GDestroyNotify clear)
{
    WRAPPED(g_atomic_rc_box_release_full);
    __tsan_release(box);
    next(box, clear);
}

gboolean(g_once_init_enter)(volatile void *location)
{
    WRAPPED(g_once_init_enter);
    gboolean first = next(location);
    if (!first)
        __tsan_acquire((void *)(guintptr)location);
    return first;
}

void(g_once_init_leave)(volatile void *location, gsize result)
{
    WRAPPED(g_once_init_leave);
    __tsan_release((void *)(guintptr)location);
    next(location, result);
}

gpointer(g_once_impl)(GOnce *once, GThreadFunc func, gpointer data)
{
    WRAPPED(g_once_impl);
    gpointer result = next(once, func, data);
    __tsan_release(once);
    __tsan_acquire(once);
    return result;
}

/* GLib makes the lock of its list of error domains at the first error, unseen: before there are threads,
 * then. */
__attribute__((constructor)) static void
first_error(void)
{
    g_error_free(g_error_new_literal(g_quark_from_static_string("tsan"), 0, ""));
}
