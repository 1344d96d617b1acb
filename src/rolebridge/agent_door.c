#include "rolebridge/agent_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, HANDED_FD = 3 };

/* Whether @fd is a unix socket that listens at @path. */
static gboolean
listens_at(int fd, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNSPEC };
    socklen_t size = sizeof address, flag_size = sizeof(int);
    int listens = 0;

    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 && address.sun_family == AF_UNIX &&
           strncmp(address.sun_path, path, sizeof address.sun_path) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &flag_size) == 0 && listens != 0;
}

/* The descriptor of sd_listen_fds(3), if this process was started for one. */
static gboolean
take_handed(RbAgentDoor *door, gboolean *there, GError **error)
{
    const char *pid = g_getenv("LISTEN_PID"), *count = g_getenv("LISTEN_FDS");
    gint64 n;

    *there = pid != NULL && count != NULL && g_ascii_string_to_signed(pid, 10, 1, G_MAXINT, &n, NULL) &&
             n == getpid();
    if (!*there)
        return TRUE;
    if (!g_str_equal(count, "1") || !listens_at(HANDED_FD, door->path))
        return rb_cli_stop(error, RB_EXIT_FAULT,
                           "what systemd handed over is not one socket that listens at %s", door->path);
    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    door->fd = HANDED_FD;
    door->handed_over = TRUE;
    return fcntl(HANDED_FD, F_SETFD, FD_CLOEXEC) == 0 ||
           rb_fault(error, RB_FAULT_FILE, "%s: %s", door->path, g_strerror(errno));
}

/* Nobody but the person may be able to enter it. */
static gboolean
make_folder(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    struct stat st;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return rb_fault(error, RB_FAULT_FILE, "cannot create %s: %s", folder, g_strerror(errno));
    if (lstat(folder, &st) != 0)
        return rb_fault(error, RB_FAULT_FILE, "%s: %s", folder, g_strerror(errno));
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        return rb_fault(error, RB_FAULT_FILE,
                        "%s is not a folder of yours alone (mode 0700); the agent does not listen there",
                        folder);
    return TRUE;
}

/* One agent a session: whoever holds the lock may take away a socket that another one left behind. */
static gboolean
take_lock(RbAgentDoor *door, GError **error)
{
    g_autofree char *path = g_strconcat(door->path, ".lock", NULL);

    door->lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (door->lock < 0)
        return rb_fault(error, RB_FAULT_FILE, "cannot lock %s: %s", path, g_strerror(errno));
    if (flock(door->lock, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    return rb_cli_stop(error, RB_EXIT_REFUSED,
                       "an agent of this session is running already; 'rolebridge agent --status' asks it");
}

static gboolean
listen_here(RbAgentDoor *door, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    mode_t before;
    int bound;

    (void)g_strlcpy(address.sun_path, door->path, sizeof address.sun_path);
    door->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)unlink(door->path);
    before = umask(0177); /* mode 0600 from the beginning */
    bound = door->fd < 0 ? -1 : bind(door->fd, (struct sockaddr *)&address, sizeof address);
    (void)umask(before);
    if (bound != 0 || listen(door->fd, BACKLOG) != 0)
        return rb_fault(error, RB_FAULT_FILE, "cannot listen at %s: %s", door->path, g_strerror(errno));
    return TRUE;
}

gboolean
rb_agent_door_open(RbAgentDoor *door, const RbCli *cli, GError **error)
{
    gboolean handed;

    *door = (RbAgentDoor){ .fd = -1, .lock = -1, .path = rb_agent_socket_path(cli) };
    if (door->path == NULL)
        return rb_cli_stop(
            error, RB_EXIT_FAULT,
            "there is no place for the agent's socket: set XDG_RUNTIME_DIR to a folder of yours "
            "alone, with a short name");
    if (!take_handed(door, &handed, error))
        return FALSE;
    if (handed)
        return TRUE;
    return make_folder(door->path, error) && take_lock(door, error) && listen_here(door, error);
}

void
rb_agent_door_close(RbAgentDoor *door)
{
    if (door->fd >= 0 && !door->handed_over && door->lock >= 0)
        (void)unlink(door->path);
    if (door->fd >= 0)
        (void)close(door->fd);
    if (door->lock >= 0)
        (void)close(door->lock);
    g_free(door->path);
    *door = (RbAgentDoor){ .fd = -1, .lock = -1 };
}
