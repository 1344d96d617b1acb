#include "rolebridge/agent_priv.h"

#include "base/encoding.h"
#include "base/log.h"
#include "rolebridge/token.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    THREADS = 128,
    QUEUE_MAX = 512, /* connections over this are closed: who asked goes on by itself */
    QUESTION_MS = 5000,
    ANSWER_MS = 10000,
    TEND_S = 30,   /* at most between two looks at the sign-in */
    SOONER_S = 60, /* before any command would renew the token itself */
    SOON_S = 3,    /* between two looks once it has ended */
    GRACE_S = 60,  /* a sign-in that ended may be followed by another */
};

struct RbAgent {
    RbCli *cli;
    RbAgentDoor door;
    RbAgentPerson person;
    RbHolder *holder;
    GThreadPool *pool;
    char *path; /* the socket's */
    gboolean handed_over;
    gint64 started_at;
    int ending; /* an eventfd: readable when the agent is to end */
    GMutex mutex;
    GCond cond;
    gboolean stopping; /* guarded by the mutex; ends the tending */
    gboolean look;     /* guarded by the mutex: the tending is to look at the sign-in now */
    int status;        /* guarded by the mutex */
};

static void
end(RbAgent *agent, int status)
{
    guint64 one = 1;

    g_mutex_lock(&agent->mutex);
    agent->status = status;
    g_mutex_unlock(&agent->mutex);
    (void)!write(agent->ending, &one, sizeof one); /* an eventfd takes it */
}

static json_t *
status_json(RbAgent *agent)
{
    g_autofree char *started = rb_time_format(agent->started_at), *until = NULL, *renewed = NULL;
    RbAgentPerson *p = &agent->person;
    json_t *leases = rb_holder_status(agent->holder), *json;

    g_mutex_lock(&p->mutex);
    until = p->token != NULL ? rb_time_format(p->expires_at) : NULL;
    renewed = p->token != NULL ? rb_time_format(p->renewed_at) : NULL;
    json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s*, s:{s:b, s:s*, s:s*, s:s*}, s:o}", "pid", (int)getpid(),
                     "socket", agent->path, "started_at", started, "bridge", agent->cli->bridge, "session",
                     agent->cli->session, "name", p->name, "sign_in", "good",
                     p->token != NULL && p->ended_at == 0, "expires_at", until, "seen_at", renewed, "error",
                     p->error, "leases", leases);
    g_mutex_unlock(&p->mutex);
    return json_pack("{s:i, s:o}", "rolebridge", 1, "agent", json);
}

static void
look_now(RbAgent *agent)
{
    g_mutex_lock(&agent->mutex);
    agent->look = TRUE;
    g_cond_broadcast(&agent->cond);
    g_mutex_unlock(&agent->mutex);
}

/* The leases of somebody who is no longer signed in are nobody's. */
static gboolean
check_person(RbAgent *agent, gint64 sooner_s, GError **error)
{
    g_autoptr(GError) why = NULL;
    gboolean changed, good = rb_agent_person_check(&agent->person, sooner_s, &changed, &why);

    if (changed) {
        rb_holder_forget(agent->holder);
        rb_log(RB_LOG_INFO, "agent.person_changed", NULL);
    }
    if (good)
        return TRUE;
    if (why->domain == RB_REFUSAL) {
        rb_holder_forget(agent->holder);
        if (sooner_s == 0) /* somebody asked; from now on the tending looks more often */
            look_now(agent);
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static json_t *
credentials_json(RbAgent *agent, const RbAgentQuestion *q)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbLease) lease = NULL;

    if (g_strcmp0(q->bridge, agent->cli->bridge) != 0)
        return json_pack("{s:i, s:b}", "rolebridge", 1, "ok", FALSE); /* the asker goes there by itself */
    if (check_person(agent, 0, &error))
        lease = rb_holder_get(agent->holder, q->account, q->role, q->duration_s, q->fresh, &error);
    if (lease == NULL)
        return rb_agent_error_to_json(error);
    return json_pack("{s:i, s:o}", "rolebridge", 1, "credentials", rb_lease_to_json(lease));
}

static json_t *
answer_json(RbAgent *agent, const RbSecret *line)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbAgentQuestion) q =
        rb_agent_question_parse(rb_secret_reveal(line), rb_secret_size(line), &error);

    if (q == NULL)
        return rb_agent_error_to_json(error);
    if (!g_str_equal(q->session, agent->cli->session))
        return json_pack("{s:i, s:b}", "rolebridge", 1, "ok", FALSE);
    if (q->verb == RB_AGENT_STATUS)
        return status_json(agent);
    if (q->verb == RB_AGENT_CREDENTIALS)
        return credentials_json(agent, q);
    rb_holder_forget(agent->holder);
    if (q->verb == RB_AGENT_END)
        end(agent, RB_EXIT_OK);
    return json_pack("{s:i, s:b}", "rolebridge", 1, "ok", TRUE);
}

static gboolean
is_stopping(RbAgent *agent)
{
    gboolean stopping;

    g_mutex_lock(&agent->mutex);
    stopping = agent->stopping;
    g_mutex_unlock(&agent->mutex);
    return stopping;
}

/* One connection; the descriptor comes as a pointer, and one more than it is. */
static void
serve_one(gpointer data, gpointer context)
{
    RbAgent *agent = context;
    int fd = GPOINTER_TO_INT(data) - 1;
    gint64 now = g_get_monotonic_time();
    g_autoptr(RbSecret) line =
        rb_agent_receive(fd, RB_AGENT_QUESTION_MAX, FALSE, now + QUESTION_MS * G_GINT64_CONSTANT(1000));

    if (line != NULL) {
        json_t *answer = answer_json(agent, line);
        now = g_get_monotonic_time();
        if (json_object_get(answer, "error") == NULL ||
            !is_stopping(agent)) /* else the asker tries by itself */
            (void)rb_agent_send(fd, answer,
                                now + ANSWER_MS * G_GINT64_CONSTANT(1000)); /* who left needs none */
        json_decref(answer);
    }
    (void)close(fd);
}

static void
accept_one(RbAgent *agent)
{
    int fd = accept4(agent->door.fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return; /* it left, or descriptors are short: the next poll comes back to it */
    if (!rb_agent_peer_is_me(fd) || g_thread_pool_unprocessed(agent->pool) >= QUEUE_MAX ||
        send(fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1 ||
        !g_thread_pool_push(agent->pool, GINT_TO_POINTER(fd + 1), NULL))
        (void)close(fd);
}

static void
tell(const RbLease *lease, const GError *error, gpointer data)
{
    g_autofree char *until = rb_time_format(lease->expiration);

    (void)data;
    rb_log(error == NULL ? RB_LOG_INFO : RB_LOG_WARNING,
           error == NULL ? "agent.renewed" : "agent.not_renewed", "account", lease->account, "role",
           lease->role, "until", until, "reason", error != NULL ? error->message : NULL, NULL);
}

/* One round of keeping things fresh. Returns: when the next one is due, UTC seconds. */
static gint64
tend(RbAgent *agent)
{
    g_autoptr(GError) error = NULL;
    gint64 now = rb_clock_now(&agent->cli->clock), ended_at;

    if (check_person(agent, SOONER_S, &error))
        return MIN(rb_holder_tend(agent->holder, tell, NULL), now + TEND_S);
    g_mutex_lock(&agent->person.mutex);
    ended_at = agent->person.ended_at;
    g_mutex_unlock(&agent->person.mutex);
    if (ended_at != 0 && now - ended_at >= GRACE_S) {
        rb_log(RB_LOG_INFO, "agent.sign_in_ended", "reason", error->message, NULL);
        end(agent, RB_EXIT_SIGN_IN);
    }
    return now + (ended_at != 0 ? SOON_S : TEND_S);
}

static gpointer
tend_always(gpointer data)
{
    RbAgent *agent = data;
    gint64 wait_s;

    g_mutex_lock(&agent->mutex);
    while (!agent->stopping) {
        gint64 end_us;
        g_mutex_unlock(&agent->mutex);
        wait_s = CLAMP(tend(agent) - rb_clock_now(&agent->cli->clock), 1, TEND_S);
        end_us = g_get_monotonic_time() + wait_s * G_USEC_PER_SEC;
        g_mutex_lock(&agent->mutex);
        while (!agent->stopping && !agent->look && g_cond_wait_until(&agent->cond, &agent->mutex, end_us))
            ;
        agent->look = FALSE;
    }
    g_mutex_unlock(&agent->mutex);
    return NULL;
}

/* What the bridge is asked before anybody may: whether there is a sign-in at all. */
static gboolean
begin(RbAgent *agent, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (check_person(agent, SOONER_S, &why))
        return TRUE;
    /* whoever woke it by the socket gets the answer, and may sign in; a bridge out of reach comes back */
    if (agent->door.handed_over || why->domain == RB_FAULT) {
        rb_log(RB_LOG_WARNING, "agent.no_sign_in_yet", "reason", why->message, NULL);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

/* The bridge itself: there is no cache below this one. */
static RbLease *
issue(RbCli *cli, const char *account, const char *role, gint64 duration_s, gboolean fresh, GError **error)
{
    (void)fresh;
    return rb_lease_issue(cli, account, role, duration_s, error);
}

RbAgent *
rb_agent_new(RbCli *cli, GError **error)
{
    g_autoptr(RbAgent) agent = g_new0(RbAgent, 1);

    agent->cli = cli;
    agent->door = (RbAgentDoor){ .fd = -1, .lock = -1 };
    agent->ending = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    agent->started_at = rb_clock_now(&cli->clock);
    g_mutex_init(&agent->mutex);
    g_cond_init(&agent->cond);
    rb_agent_person_init(&agent->person, cli);
    agent->holder = rb_holder_new(cli, issue);
    agent->pool = g_thread_pool_new(serve_one, agent, THREADS, FALSE, NULL);
    if (cli->bridge == NULL)
        (void)rb_cli_stop(error, RB_EXIT_USAGE,
                          "no bridge is configured; give its address once: rolebridge login URL");
    else if (agent->ending < 0)
        (void)rb_fault(error, RB_FAULT_INTERNAL, "no eventfd: %s", g_strerror(errno));
    else if (rb_cli_http(cli, error) != NULL && rb_agent_door_open(&agent->door, cli, error) &&
             begin(agent, error)) {
        agent->path = g_strdup(agent->door.path);
        agent->handed_over = agent->door.handed_over;
        return g_steal_pointer(&agent);
    }
    return NULL;
}

void
rb_agent_free(RbAgent *agent)
{
    if (agent == NULL)
        return;
    rb_agent_door_close(&agent->door);
    g_thread_pool_free(agent->pool, FALSE, TRUE);
    rb_holder_free(agent->holder);
    rb_agent_person_clear(&agent->person);
    if (agent->ending >= 0)
        (void)close(agent->ending);
    g_mutex_clear(&agent->mutex);
    g_cond_clear(&agent->cond);
    g_free(agent->path);
    g_free(agent);
}

const char *
rb_agent_socket(const RbAgent *agent)
{
    return agent->path;
}

gboolean
rb_agent_handed_over(const RbAgent *agent)
{
    return agent->handed_over;
}

int
rb_agent_run(RbAgent *agent, int stop)
{
    GThread *tending = g_thread_new("tending", tend_always, agent);
    struct pollfd ready[] = { { .fd = agent->door.fd, .events = POLLIN },
                              { .fd = stop, .events = POLLIN },
                              { .fd = agent->ending, .events = POLLIN } };

    while (ready[1].revents == 0 && ready[2].revents == 0) {
        if (poll(ready, G_N_ELEMENTS(ready), -1) < 0 && errno != EINTR)
            break;
        if (ready[1].revents == 0 && ready[2].revents == 0 && ready[0].revents != 0)
            accept_one(agent);
    }
    rb_agent_door_close(&agent->door); /* who asks from now on goes on by itself */
    g_mutex_lock(&agent->mutex);
    agent->stopping = TRUE;
    g_cond_broadcast(&agent->cond);
    g_mutex_unlock(&agent->mutex);
    rb_http_stop(agent->cli->http); /* and who waits is not held up */
    (void)g_thread_join(tending);
    return agent->status;
}
