#include "rolebridge/agent_client.h"

#include "rolebridge/agent_wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    SOMEBODY_MS = 10000, /* until the empty line; a stopped process must not hold everybody up */
    ANSWER_MS = 100000,  /* the agent may be waiting for the bridge */
    SHORT_MS = 10000,
};

static int
dial(const RbCli *cli)
{
    g_autofree char *path = rb_agent_socket_path(cli);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;

    if (path == NULL)
        return -1;
    (void)g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    /* non-blocking: a full backlog answers at once */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && rb_agent_peer_is_me(fd))
        return fd; /* somebody else's credentials would be worse than none */
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* Puts @question. Returns: (transfer full): the answer, or NULL when none came */
static json_t *
put(const RbCli *cli, const RbAgentQuestion *question, guint answer_ms)
{
    gint64 now = g_get_monotonic_time(), first = now + SOMEBODY_MS * G_GINT64_CONSTANT(1000);
    g_autoptr(RbSecret) line = NULL, somebody = NULL;
    json_t *json = rb_agent_question_to_json(question), *answer = NULL;
    int fd = dial(cli);

    if (fd >= 0 && (somebody = rb_agent_receive(fd, 1, TRUE, first)) != NULL &&
        rb_agent_send(fd, json, first))
        line = rb_agent_receive(fd, RB_AGENT_ANSWER_MAX, FALSE, now + answer_ms * G_GINT64_CONSTANT(1000));
    if (line != NULL)
        answer = json_loadb(rb_secret_reveal(line), rb_secret_size(line), JSON_REJECT_DUPLICATES, NULL);
    if (fd >= 0)
        (void)close(fd);
    json_decref(json);
    if (json_integer_value(json_object_get(answer, "rolebridge")) == 1)
        return answer;
    json_decref(answer);
    return NULL;
}

gboolean
rb_agent_lease(RbCli *cli, const char *account, const char *role, gint64 duration_s, gboolean fresh,
               RbLease **lease, GError **error)
{
    const RbAgentQuestion question = { .verb = RB_AGENT_CREDENTIALS,
                                       .bridge = cli->bridge,
                                       .session = cli->session,
                                       .account = (char *)account,
                                       .role = (char *)role,
                                       .duration_s = duration_s,
                                       .fresh = fresh };
    json_t *answer = cli->bridge == NULL ? NULL : put(cli, &question, ANSWER_MS), *json;
    gboolean answered;

    if (answer == NULL)
        return FALSE;
    json = json_object_get(answer, "credentials");
    *lease = json_is_object(json) ? rb_lease_from_json(json, account, role) : NULL;
    answered = *lease != NULL || rb_agent_error_from_json(answer, error);
    json_decref(answer);
    return answered;
}

static json_t *
put_plain(const RbCli *cli, RbAgentVerb verb)
{
    const RbAgentQuestion question = { .verb = verb, .session = cli->session, .bridge = cli->bridge };

    return put(cli, &question, SHORT_MS);
}

void
rb_agent_forget(const RbCli *cli)
{
    json_decref(put_plain(cli, RB_AGENT_FORGET));
}

gboolean
rb_agent_end(const RbCli *cli)
{
    json_t *answer = put_plain(cli, RB_AGENT_END);
    gboolean told = json_is_true(json_object_get(answer, "ok"));

    json_decref(answer);
    return told;
}

json_t *
rb_agent_status(const RbCli *cli)
{
    json_t *answer = put_plain(cli, RB_AGENT_STATUS), *status = json_object_get(answer, "agent");

    status = json_is_object(status) ? json_incref(status) : NULL;
    json_decref(answer);
    return status;
}
