#include "base/encoding.h"
#include "rolebridgectl/doctor.h"
#include "store/audit.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What the service needs of the machine: files, ports, the store and its disk. */

enum { DEPTH_MAX = 4, MIB = 1024 * 1024, DISK_WRONG_MIB = 64, DISK_WARNING_MIB = 1024 };

/* ---- files ---- */

/* (transfer full): the first under @path that everybody may change; NULL: none. */
static char *
writable_by_all(const char *path, guint depth)
{
    g_autoptr(GDir) dir = NULL;
    struct stat st;
    const char *name;
    char *found = NULL;

    if (stat(path, &st) != 0)
        return NULL;
    if ((st.st_mode & 002) != 0)
        return g_strdup(path);
    dir = S_ISDIR(st.st_mode) && depth < DEPTH_MAX ? g_dir_open(path, 0, NULL) : NULL;
    while (dir != NULL && found == NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *entry = g_build_filename(path, name, NULL);
        found = name[0] == '.' ? NULL : writable_by_all(entry, depth + 1);
    }
    return found;
}

void
rb_doctor_files(RbDoctor *doctor)
{
    const char *const places[] = { doctor->path, doctor->config->base_dir, doctor->config->mappings_dir };
    guint wrong = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        /* of the configuration's folder only itself: what else lies there is not ours */
        g_autofree char *found = writable_by_all(places[i], i == 1 ? DEPTH_MAX : 0);
        g_autofree char *next = found != NULL ? g_strdup_printf("chmod o-w %s", found) : NULL;
        if (found == NULL)
            continue;
        wrong++;
        rb_doctor_say(doctor, RB_FOUND_WRONG, "files", next, "everybody on this machine may change %s",
                      found);
    }
    if (wrong == 0)
        rb_doctor_say(doctor, RB_FOUND_OK, "files", NULL,
                      "configuration and mapping cannot be changed by everybody");
}

/* ---- ports ---- */

/* 0, or why the service could not listen at "HOST:PORT". */
static int
try_bind(const char *listen_at)
{
    const struct addrinfo want = { .ai_flags = AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM };
    const char *colon = strrchr(listen_at, ':');
    g_autofree char *host = colon != NULL ? g_strndup(listen_at, (gsize)(colon - listen_at)) : NULL;
    gsize n = host != NULL ? strlen(host) : 0;
    struct addrinfo *found = NULL;
    int one = 1, fd, why = 0;

    if (n > 1 && host[0] == '[' && host[n - 1] == ']') {
        memmove(host, host + 1, n - 2);
        host[n - 2] = '\0';
    }
    if (host == NULL || getaddrinfo(host, colon + 1, &want, &found) != 0)
        return EINVAL;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one); /* as the service does */
    if (found->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0)
        why = errno;
    if (fd >= 0)
        (void)close(fd);
    freeaddrinfo(found);
    return why;
}

/* NULL: the service answers at its public address; else (transfer full) what came instead. */
static char *
ask_service(const RbDoctor *doctor)
{
    g_autofree char *url = g_strconcat(doctor->config->public_url, "/healthz", NULL);
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);
    g_autoptr(RbHttpResponse) response = NULL;
    g_autoptr(GError) why = NULL;

    if (doctor->http == NULL)
        return g_strdup("it could not be asked");
    rb_http_request_limits(request, 3000, 5000, 64 * 1024);
    response = rb_http_fetch(doctor->http, request, &why);
    if (response == NULL)
        return g_strdup(why->message);
    return response->status == 200 ? NULL : g_strdup_printf("%s answers with %d", url, response->status);
}

static void
say_port(RbDoctor *doctor, const char *listen_at, int why)
{
    g_autofree char *instead = why == EADDRINUSE ? ask_service(doctor) : NULL;

    if (why == 0)
        rb_doctor_say(doctor, RB_FOUND_OK, "ports", NULL, "%s is free: the service does not run now",
                      listen_at);
    else if (why == EADDRINUSE && instead == NULL)
        rb_doctor_say(doctor, RB_FOUND_OK, "ports", NULL, "%s is taken, and %s answers: the service runs",
                      listen_at, doctor->config->public_url);
    else if (why == EADDRINUSE)
        rb_doctor_say(doctor, RB_FOUND_WARNING, "ports",
                      "see who holds it (ss -ltnp), and whether public_url leads here", "%s is taken, and %s",
                      listen_at, instead);
    else if (why == EACCES)
        rb_doctor_say(doctor, RB_FOUND_WARNING, "ports",
                      "the unit needs CAP_NET_BIND_SERVICE for it, as packaging/rolebridged.service says",
                      "%s is a port that only root may take", listen_at);
    else
        rb_doctor_say(doctor, RB_FOUND_WRONG, "ports",
                      "correct 'listen': it must be an address of this machine", "%s: %s", listen_at,
                      g_strerror(why));
}

void
rb_doctor_ports(RbDoctor *doctor)
{
    for (guint i = 0; doctor->config->listen[i] != NULL; i++)
        say_port(doctor, doctor->config->listen[i], try_bind(doctor->config->listen[i]));
}

/* ---- the store ---- */

static void
check_disk(RbDoctor *doctor, const char *folder)
{
    struct statvfs disk;
    guint64 free_mib;

    if (statvfs(folder, &disk) != 0) {
        rb_doctor_say(doctor, RB_FOUND_UNKNOWN, "disk", NULL, "%s: %s", folder, g_strerror(errno));
        return;
    }
    free_mib = (guint64)disk.f_bavail * disk.f_frsize / MIB;
    rb_doctor_say(doctor,
                  free_mib < DISK_WRONG_MIB     ? RB_FOUND_WRONG
                  : free_mib < DISK_WARNING_MIB ? RB_FOUND_WARNING
                                                : RB_FOUND_OK,
                  "disk",
                  free_mib < DISK_WARNING_MIB ? "make room: without an audit record nobody gets credentials"
                                              : NULL,
                  "%" G_GUINT64_FORMAT " MiB free in %s", free_mib, folder);
}

static void
check_log(RbDoctor *doctor, const char *path)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(RbStore) store = rb_store_open_read_only(doctor->config->store, &why);
    g_autofree char *text = NULL;
    RbAuditHead head;

    if (store == NULL || !rb_audit_head(store, &head, &why)) {
        rb_doctor_say(doctor, RB_FOUND_WRONG, "store", "see docs/store.md", "%s", why->message);
        return;
    }
    text = rb_audit_head_to_text(&head);
    rb_doctor_say(doctor, RB_FOUND_OK, "store", NULL, "%s: the audit log ends at %s", path, text);
}

void
rb_doctor_store(RbDoctor *doctor)
{
    const char *path;
    g_autofree char *folder = NULL;

    if (doctor->config->store == NULL)
        return; /* a mistake of the configuration, and told there */
    path = doctor->config->store + strlen("sqlite://");
    folder = g_path_get_dirname(path);
    if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
        rb_doctor_say(
            doctor, access(folder, F_OK) != 0 && errno == EACCES ? RB_FOUND_UNKNOWN : RB_FOUND_WRONG, "store",
            "create it, and give it to the service's user", "there is no folder %s", folder);
        return;
    }
    if (access(path, R_OK) == 0)
        check_log(doctor, path);
    else if (errno == ENOENT)
        rb_doctor_say(doctor, RB_FOUND_WARNING, "store", "the service makes it at its first start",
                      "%s is not there yet", path);
    else
        rb_doctor_say(doctor, RB_FOUND_UNKNOWN, "store", "run this as root or the service's user", "%s: %s",
                      path, g_strerror(errno));
    check_disk(doctor, folder);
}
