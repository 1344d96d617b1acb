#include "rolebridge/serving.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

enum { TEND_S = 30 };

struct RbServing {
    RbCli *cli;
    RbHolder *holder;
    RbDelivery *delivery;
    RbSecret *token;
    GThread *tending;
    GMutex mutex;
    GCond cond;
    gboolean stopping; /* guarded by the mutex */
};

static gpointer
tend_always(gpointer data)
{
    RbServing *s = data;

    g_mutex_lock(&s->mutex);
    while (!s->stopping) {
        gint64 wait_s, end_us;
        g_mutex_unlock(&s->mutex);
        wait_s = CLAMP(rb_holder_tend(s->holder, NULL, NULL) - rb_clock_now(&s->cli->clock), 1, TEND_S);
        end_us = g_get_monotonic_time() + wait_s * G_USEC_PER_SEC;
        g_mutex_lock(&s->mutex);
        while (!s->stopping && g_cond_wait_until(&s->cond, &s->mutex, end_us))
            ;
    }
    g_mutex_unlock(&s->mutex);
    return NULL;
}

RbServing *
rb_serving_new(RbCli *cli, const RbServingAsk *ask, GError **error)
{
    g_autoptr(RbServing) s = g_new0(RbServing, 1);
    g_autoptr(RbLease) first = NULL;
    RbDeliveryOptions options = { .clock = cli->clock,
                                  .port = ask->port,
                                  .roles = ask->roles,
                                  .n_roles = ask->n_roles,
                                  .duration_s = ask->duration_s,
                                  .metadata = ask->metadata,
                                  .region = cli->region };

    s->cli = cli;
    g_mutex_init(&s->mutex);
    g_cond_init(&s->cond);
    s->token = ask->token != NULL ? rb_secret_new(rb_secret_reveal(ask->token), rb_secret_size(ask->token))
                                  : rb_secret_new_random(32);
    options.token = s->token;
    options.holder = s->holder = rb_holder_new(cli, rb_lease_get);
    if (rb_cli_http(cli, error) == NULL) /* made here, before there are threads */
        return NULL;
    first =
        rb_holder_get(s->holder, ask->roles[0].account, ask->roles[0].role, ask->duration_s, FALSE, error);
    s->delivery = first == NULL ? NULL : rb_delivery_new(&options, error);
    if (s->delivery == NULL)
        return NULL;
    s->tending = g_thread_new("tending", tend_always, s);
    return g_steal_pointer(&s);
}

void
rb_serving_free(RbServing *s)
{
    if (s == NULL)
        return;
    if (s->tending != NULL)
        rb_http_stop(s->cli->http); /* nobody waits for the bridge any more */
    rb_delivery_free(s->delivery);
    g_mutex_lock(&s->mutex);
    s->stopping = TRUE;
    g_cond_broadcast(&s->cond);
    g_mutex_unlock(&s->mutex);
    if (s->tending != NULL)
        (void)g_thread_join(s->tending);
    rb_holder_free(s->holder);
    rb_secret_unref(s->token);
    g_mutex_clear(&s->mutex);
    g_cond_clear(&s->cond);
    g_free(s);
}

const RbDelivery *
rb_serving_delivery(const RbServing *s)
{
    return s->delivery;
}

const RbSecret *
rb_serving_token(const RbServing *s)
{
    return s->token;
}

int
rb_ending_signals(GError **error)
{
    sigset_t set;
    int fd;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        (void)rb_fault(error, RB_FAULT_INTERNAL, "no signalfd: %s", g_strerror(errno));
    return fd;
}
