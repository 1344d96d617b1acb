#include "rolebridge/keyring.h"

#include "base/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WAIT_MS = 30000, /* a locked keyring asks its owner for a password */
    REAP_MS = 2000,
};

typedef struct {
    GPid pid;
    int in, out, err;
} Child;

static gboolean
start(const char *const *argv, Child *child, GError **error)
{
    g_autoptr(GError) spawn = NULL;

    if (g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                                 NULL, NULL, &child->pid, &child->in, &child->out, &child->err, &spawn))
        return TRUE;
    return rb_fault(error, RB_FAULT_FILE, "secret-tool does not start (package libsecret-tools): %s",
                    spawn->message);
}

static void
send_all(int fd, const RbSecret *secret)
{
    const char *data = rb_secret_reveal(secret);
    gsize left = rb_secret_size(secret);

    while (left > 0) { /* a pipe holds more than RB_KEYRING_MAX: this never waits */
        ssize_t n = write(fd, data, left);
        if (n < 0 && errno != EINTR)
            return; /* its exit status tells */
        if (n > 0) {
            data += n;
            left -= (gsize)n;
        }
    }
}

/* Reads to the end of @fd. Returns: bytes read, or -1 when it took too long or was too much. */
static gssize
receive(int fd, char *buffer, gsize size, gint64 end)
{
    gsize got = 0;

    for (;;) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        gint64 left_ms = (end - g_get_monotonic_time()) / 1000;
        ssize_t n;
        if (left_ms <= 0 || got == size)
            return -1;
        if (poll(&ready, 1, (int)left_ms) <= 0)
            continue;
        n = read(fd, buffer + got, size - got);
        if (n == 0)
            return (gssize)got;
        if (n < 0 && errno != EINTR)
            return -1;
        got += n > 0 ? (gsize)n : 0;
    }
}

/* Waits for @pid to end, for a while; then ends it. Returns: its exit status, or -1. */
static int
reap(GPid pid)
{
    int status = 0;

    for (int waited_ms = 0; waitpid(pid, &status, WNOHANG) == 0; waited_ms += 5) {
        if (waited_ms >= REAP_MS) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            return -1;
        }
        g_usleep(5000);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Runs secret-tool: @input (may be NULL) to it, at most @size bytes from it. Returns: its exit status, or -1.
 */
static int
run(const char *const *argv, const RbSecret *input, char *output, gssize *size, char *said, gsize said_size,
    GError **error)
{
    Child child = { 0 };
    gint64 end = g_get_monotonic_time() + WAIT_MS * G_GINT64_CONSTANT(1000);
    gssize n;

    said[0] = '\0';
    if (!start(argv, &child, error))
        return -1;
    if (input != NULL)
        send_all(child.in, input);
    (void)close(child.in);
    *size = receive(child.out, output, (gsize)*size, end);
    n = *size < 0 ? -1 : receive(child.err, said, said_size - 1, end);
    said[MAX(n, 0)] = '\0';
    (void)close(child.out);
    (void)close(child.err);
    if (*size < 0)
        (void)kill(child.pid, SIGTERM);
    return *size < 0 ? (reap(child.pid), -1) : reap(child.pid);
}

gboolean
rb_keyring_store(const char *session, const char *key, const RbSecret *secret, GError **error)
{
    g_autofree char *label = g_strdup_printf("rolebridge: role credentials of '%s'", session);
    const char *argv[] = { "secret-tool", "store", "--label", label, "application", "rolebridge",
                           "session",     session, "key",     key,   NULL };
    char output[64], said[400];
    gssize size = sizeof output;

    if (rb_secret_size(secret) > RB_KEYRING_MAX)
        return rb_fault(error, RB_FAULT_FILE, "too long for the keyring");
    if (run(argv, secret, output, &size, said, sizeof said, error) == 0)
        return TRUE;
    if (error != NULL && *error == NULL)
        (void)rb_fault(error, RB_FAULT_FILE, "the keyring did not take it: %s",
                       *said != '\0' ? g_strchomp(said) : "no answer");
    return FALSE;
}

RbSecret *
rb_keyring_lookup(const char *session, const char *key)
{
    const char *argv[] = { "secret-tool", "lookup", "application", "rolebridge", "session",
                           session,       "key",    key,           NULL };
    char *output = g_malloc0(RB_KEYRING_MAX + 2), said[400];
    gssize size = RB_KEYRING_MAX + 1;
    RbSecret *secret = NULL;

    if (run(argv, NULL, output, &size, said, sizeof said, NULL) == 0 && size > 0)
        secret = rb_secret_new(output, (gsize)size);
    rb_wipe(output, RB_KEYRING_MAX + 1);
    g_free(output);
    return secret;
}

gboolean
rb_keyring_clear(const char *session, GError **error)
{
    const char *argv[] = { "secret-tool", "clear", "application", "rolebridge", "session", session, NULL };
    char output[64], said[400];
    gssize size = sizeof output;
    int status = run(argv, NULL, output, &size, said, sizeof said, error);

    /* status 1 with nothing said: there was none */
    if (status == 0 || (status == 1 && *said == '\0'))
        return TRUE;
    if (error != NULL && *error == NULL)
        (void)rb_fault(error, RB_FAULT_FILE, "the keyring did not forget them: %s",
                       *said != '\0' ? g_strchomp(said) : "no answer");
    return FALSE;
}

gboolean
rb_keyring_answers(char **why)
{
    const char *argv[] = { "secret-tool", "lookup", "application", "rolebridge", "session",
                           "-",           "key",    "-",           NULL };
    g_autoptr(GError) error = NULL;
    char output[64], said[400];
    gssize size = sizeof output;
    int status = run(argv, NULL, output, &size, said, sizeof said, &error);

    /* "not found" is an answer: exit status 1, nothing said */
    if (status == 0 || (status == 1 && *said == '\0'))
        return TRUE;
    *why = g_strdup(error != NULL ? error->message : *said != '\0' ? g_strchomp(said) : "it does not answer");
    return FALSE;
}
