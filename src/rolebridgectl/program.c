#include "rolebridgectl/program.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 65536 }; /* bytes of what is said on stderr */

static GQuark
problem(void)
{
    return g_quark_from_static_string("rb-program");
}

/* A file without a name, for what a program reads and says: pipes both ways could wait for each other. */
static int
nameless(GError **error)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("rolebridgectl-XXXXXX", &path, error);

    if (fd >= 0)
        (void)g_unlink(path);
    return fd;
}

static GBytes *
read_all(int fd, gsize max, GError **error)
{
    struct stat stat;
    g_autofree char *data = NULL;
    gsize have = 0;

    if (fstat(fd, &stat) != 0 || stat.st_size > (off_t)max) {
        g_set_error(error, problem(), 0, "it says more than %" G_GSIZE_FORMAT " bytes", max);
        return NULL;
    }
    data = g_malloc((gsize)stat.st_size + 1);
    while (have < (gsize)stat.st_size) {
        gssize got = pread(fd, data + have, (gsize)stat.st_size - have, (off_t)have);
        if (got <= 0) {
            g_set_error(error, problem(), 0, "what it said cannot be read");
            return NULL;
        }
        have += (gsize)got;
    }
    return g_bytes_new_take(g_steal_pointer(&data), have);
}

/* Waits for it and takes its last words as the reason when it fails. */
static gboolean
finish(GPid pid, int err, int worst, GError **error)
{
    g_autoptr(GBytes) words = NULL;
    g_autofree char *text = NULL;
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) {
            g_set_error(error, problem(), 0, "it was lost: %s", g_strerror(errno));
            return FALSE;
        }
    if (WIFEXITED(status) && WEXITSTATUS(status) <= worst)
        return TRUE;
    words = read_all(err, WORDS_MAX, NULL);
    text = words == NULL ? g_strdup("") : g_strndup(g_bytes_get_data(words, NULL), g_bytes_get_size(words));
    g_strstrip(text);
    g_set_error(error, problem(), 0, "%s", *text == '\0' ? "it failed without a word" : text);
    return FALSE;
}

typedef struct {
    int in, out, err;
} Pipes;

static void
pipes_clear(Pipes *pipes)
{
    if (pipes->in >= 0)
        (void)close(pipes->in);
    if (pipes->out >= 0)
        (void)close(pipes->out);
    if (pipes->err >= 0)
        (void)close(pipes->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pipes, pipes_clear)

GBytes *
rb_program_run(const char *const *argv, char *const *environment, const GString *input, gsize max, int worst,
               GError **error)
{
    g_auto(Pipes) pipes = { -1, -1, -1 };
    GPid pid;

    pipes.in = nameless(error);
    pipes.out = pipes.in < 0 ? -1 : nameless(error);
    pipes.err = pipes.out < 0 ? -1 : nameless(error);
    if (pipes.err < 0)
        return NULL;
    if (input != NULL && (write(pipes.in, input->str, input->len) != (gssize)input->len ||
                          lseek(pipes.in, 0, SEEK_SET) != 0)) {
        g_set_error(error, problem(), 0, "a temporary file cannot be written: %s", g_strerror(errno));
        return NULL;
    }
    if (!g_spawn_async_with_fds(NULL, (char **)argv, (char **)environment,
                                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, pipes.in,
                                pipes.out, pipes.err, error))
        return NULL;
    return finish(pid, pipes.err, worst, error) ? read_all(pipes.out, max, error) : NULL;
}
