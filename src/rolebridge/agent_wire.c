#include "rolebridge/agent_wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const verbs[] = {
    [RB_AGENT_STATUS] = "status",
    [RB_AGENT_CREDENTIALS] = "credentials",
    [RB_AGENT_FORGET] = "forget",
    [RB_AGENT_END] = "end",
};

void
rb_agent_question_free(RbAgentQuestion *question)
{
    if (question == NULL)
        return;
    g_free(question->bridge);
    g_free(question->session);
    g_free(question->account);
    g_free(question->role);
    g_free(question);
}

/* Member @name into @field: text of at most RB_AGENT_TEXT_MAX bytes, or, unless @needed, nothing. */
static gboolean
take_text(const json_t *json, const char *name, gboolean needed, char **field, GError **error)
{
    const json_t *member = json_object_get(json, name);

    if (member == NULL && !needed)
        return TRUE;
    if (!json_is_string(member) || json_string_length(member) == 0 ||
        json_string_length(member) > RB_AGENT_TEXT_MAX)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "'%s' is no text of 1 to %d bytes", name,
                         RB_AGENT_TEXT_MAX);
    *field = g_strdup(json_string_value(member));
    return TRUE;
}

static gboolean
take_verb(const json_t *json, RbAgentVerb *verb, GError **error)
{
    const char *stated = json_string_value(json_object_get(json, "ask"));

    for (gsize i = 0; stated != NULL && i < G_N_ELEMENTS(verbs); i++)
        if (g_str_equal(verbs[i], stated)) {
            *verb = (RbAgentVerb)i;
            return TRUE;
        }
    return rb_refuse(error, RB_REQUEST_MALFORMED, "'ask' is none of the questions that the agent knows");
}

static gboolean
take_duration(const json_t *json, gint64 *duration_s, GError **error)
{
    const json_t *member = json_object_get(json, "duration_s");

    if (member == NULL)
        return TRUE;
    if (!json_is_integer(member) || json_integer_value(member) < 0 || json_integer_value(member) > 43200)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "'duration_s' is no number of seconds up to 43200");
    *duration_s = json_integer_value(member);
    return TRUE;
}

static gboolean
take_all(const json_t *json, RbAgentQuestion *q, GError **error)
{
    gboolean lease;

    if (!json_is_object(json) || json_integer_value(json_object_get(json, "rolebridge")) != 1)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "no object with \"rolebridge\": 1");
    if (!take_verb(json, &q->verb, error))
        return FALSE;
    lease = q->verb == RB_AGENT_CREDENTIALS;
    if (json_object_get(json, "fresh") != NULL && !json_is_boolean(json_object_get(json, "fresh")))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "'fresh' is neither true nor false");
    q->fresh = json_is_true(json_object_get(json, "fresh"));
    return take_text(json, "session", TRUE, &q->session, error) &&
           take_text(json, "bridge", lease, &q->bridge, error) &&
           take_text(json, "account", lease, &q->account, error) &&
           take_text(json, "role", lease, &q->role, error) && take_duration(json, &q->duration_s, error);
}

RbAgentQuestion *
rb_agent_question_parse(const char *bytes, gsize size, GError **error)
{
    g_autoptr(RbAgentQuestion) question = g_new0(RbAgentQuestion, 1);
    json_t *json;
    gboolean ok;

    if (size > RB_AGENT_QUESTION_MAX) {
        (void)rb_refuse(error, RB_REQUEST_TOO_LARGE, "over %d bytes", RB_AGENT_QUESTION_MAX);
        return NULL;
    }
    json = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
    ok = take_all(json, question, error);
    json_decref(json);
    return ok ? g_steal_pointer(&question) : NULL;
}

json_t *
rb_agent_question_to_json(const RbAgentQuestion *q)
{
    return json_pack("{s:i, s:s, s:s, s:s*, s:s*, s:s*, s:I, s:b}", "rolebridge", 1, "ask", verbs[q->verb],
                     "session", q->session, "bridge", q->bridge, "account", q->account, "role", q->role,
                     "duration_s", (json_int_t)q->duration_s, "fresh", q->fresh);
}

json_t *
rb_agent_error_to_json(const GError *error)
{
    json_t *message = json_string(error->message);

    if (message == NULL) /* not UTF-8 */
        message = json_string(rb_outcome(error)->what);
    return json_pack("{s:i, s:{s:s, s:o}}", "rolebridge", 1, "error", "code", rb_outcome(error)->id,
                     "message", message);
}

gboolean
rb_agent_error_from_json(const json_t *answer, GError **error)
{
    const json_t *stated = json_object_get(answer, "error");
    const char *code = json_string_value(json_object_get(stated, "code"));
    const char *message = json_string_value(json_object_get(stated, "message"));

    if (code == NULL || message == NULL || rb_outcome_by_id(code) == NULL)
        return FALSE;
    (void)rb_refuse_by_id(error, code, message);
    return TRUE;
}

char *
rb_agent_folder(void)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    g_autofree char *usual = g_strdup_printf("/run/user/%u", (guint)geteuid());
    struct stat st;

    if (runtime != NULL && *runtime == '/')
        return g_build_filename(runtime, "rolebridge", NULL);
    if (lstat(usual, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        return NULL; /* after su or sudo there is none */
    return g_build_filename(usual, "rolebridge", NULL);
}

char *
rb_agent_socket_path(const RbCli *cli)
{
    g_autofree char *folder = rb_agent_folder();
    char *path = folder == NULL ? NULL : g_strdup_printf("%s/agent-%s.sock", folder, cli->session);

    if (path != NULL && strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        g_clear_pointer(&path, g_free);
    return path;
}

gboolean
rb_agent_peer_is_me(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && size == sizeof peer &&
           peer.uid == geteuid();
}

/* Waits for @events on @fd. FALSE when it is too late. */
static gboolean
wait_for(int fd, short events, gint64 until_us)
{
    for (;;) {
        struct pollfd ready = { .fd = fd, .events = events };
        gint64 left_ms = (until_us - g_get_monotonic_time() + 999) / 1000;
        int n;
        if (left_ms <= 0)
            return FALSE;
        n = poll(&ready, 1, (int)MIN(left_ms, G_MAXINT));
        if (n > 0)
            return TRUE;
        if (n < 0 && errno != EINTR)
            return FALSE;
    }
}

static gboolean
send_all(int fd, const char *data, gsize left, gint64 until_us)
{
    while (left > 0) {
        ssize_t n;
        if (!wait_for(fd, POLLOUT, until_us))
            return FALSE;
        n = send(fd, data, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return FALSE;
        if (n > 0) {
            data += n;
            left -= (gsize)n;
        }
    }
    return TRUE;
}

gboolean
rb_agent_send(int fd, const json_t *json, gint64 until_us)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
    gboolean ok =
        text != NULL && send_all(fd, text, strlen(text), until_us) && send_all(fd, "\n", 1, until_us);

    if (text != NULL)
        rb_wipe(text, strlen(text));
    free(text);
    return ok;
}

RbSecret *
rb_agent_receive(int fd, gsize max, gboolean one_empty, gint64 until_us)
{
    char *buffer = g_malloc(max + 1);
    RbSecret *line = NULL;
    gsize got = 0;

    while (got <= max && wait_for(fd, POLLIN, until_us)) {
        /* a byte over @max is room for the line's end */
        ssize_t n = recv(fd, buffer + got, one_empty ? 1 : max + 1 - got, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            break;
        got += n > 0 ? (gsize)n : 0;
        while (got > 0 && buffer[0] == '\n' && !one_empty)
            memmove(buffer, buffer + 1, --got);
        if (got > 0 && buffer[got - 1] == '\n') {
            line = rb_secret_new(buffer, got - 1);
            break;
        }
    }
    rb_wipe(buffer, got);
    g_free(buffer);
    return line;
}
