#include "rolebridge/beside.h"

#include "base/encoding.h"
#include "rolebridge/profiles.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child, before the command: signals as the command would have them without us. */
static void
unblock(gpointer data)
{
    sigset_t none;

    (void)data;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    rb_cli_default_signals();
}

int
rb_beside_signals(GError **error)
{
    static const int passed_on[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD };
    sigset_t set;
    int fd;

    (void)sigemptyset(&set);
    for (gsize i = 0; i < G_N_ELEMENTS(passed_on); i++)
        (void)sigaddset(&set, passed_on[i]);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd < 0)
        (void)rb_fault(error, RB_FAULT_INTERNAL, "no signalfd: %s", g_strerror(errno));
    return fd;
}

static int
wait_for(GPid pid, int fd)
{
    struct signalfd_siginfo told;
    int status;

    for (;;) {
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (done < 0 && errno != EINTR)
            return RB_EXIT_FAULT;
        if (read(fd, &told, sizeof told) != (ssize_t)sizeof told || told.ssi_signo == SIGCHLD)
            continue;
        /* what a terminal sends (SI_KERNEL) went to the whole foreground group, the child included */
        if (told.ssi_code != SI_KERNEL)
            (void)kill(pid, (int)told.ssi_signo);
    }
}

int
rb_beside_run(char **command, char **environment, int signals)
{
    g_autoptr(GError) spawn = NULL;
    g_autofree char *quoted = rb_text_quote(command[0]);
    GPid pid;

    (void)fflush(NULL);
    if (g_spawn_async(NULL, command, environment,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CHILD_INHERITS_STDIN |
                          G_SPAWN_LEAVE_DESCRIPTORS_OPEN,
                      unblock, NULL, &pid, &spawn))
        return wait_for(pid, signals);
    fprintf(stderr, "rolebridge exec: cannot run %s: %s\n", quoted, spawn->message);
    return g_error_matches(spawn, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT) ? 127 : 126;
}

gboolean
rb_beside_check_default(const RbCli *cli, GError **error)
{
    g_autofree char *path = rb_cli_aws_file(cli, "AWS_CONFIG_FILE", "config"), *text = NULL, *key = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return TRUE;
    key = rb_profiles_default_key(text);
    return key == NULL ||
           rb_cli_stop(error, RB_EXIT_REFUSED,
                       "[default] of %s has '%s', and AWS SDKs would take that instead of the server's "
                       "credentials; leave out --server, or give that profile a name",
                       path, key);
}
