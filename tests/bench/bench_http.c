#include "../unit/serve/fake.h"
#include "serve/serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * HTTP: CPU seconds of the server for a tiny JSON over keep-alive, against nginx with the same answer; and
 * what a hanging STS does to everybody else. access/ is played (tests/unit/serve/fake.c): only serve/ is
 * measured. bench_http [PATH-OF-NGINX]; without nginx its column is left out.
 */

enum { CONNECTIONS = 50, REQUESTS = 60000, ROUNDS = 7, PORT_OURS = 18850, PORT_NGINX = 18851 };

static double
process_cpu_s(pid_t pid)
{
    clockid_t clock;
    struct timespec t = { 0 };

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        g_error("the CPU time of process %d cannot be read", (int)pid);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
try_connect(guint port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((guint16)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static int
connect_to(guint port)
{
    for (guint i = 0; i < 500; i++) {
        int fd = try_connect(port);
        if (fd >= 0)
            return fd;
        g_usleep(10000);
    }
    g_error("nothing listens on port %u", port);
}

/* Reads one answer of which head and body come together, as both servers send them; its size stays the same.
 */
static void
read_answer(int fd)
{
    char got[4096];
    gsize n = 0;

    for (;;) {
        gssize more = recv(fd, got + n, sizeof got - 1 - n, 0);
        if (more <= 0)
            g_error("the connection ended");
        n += (gsize)more;
        got[n] = '\0';
        const char *end = strstr(got, "\r\n\r\n"), *length = strcasestr(got, "\r\ncontent-length: ");
        if (end != NULL && length != NULL && n >= (gsize)(end - got) + 4 + strtoul(length + 18, NULL, 10))
            return;
    }
}

static void
load(guint port, guint requests)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: bridge.example\r\n\r\n";
    struct pollfd fds[CONNECTIONS];
    guint sent = 0, done = 0;

    for (guint i = 0; i < CONNECTIONS; i++) {
        fds[i] = (struct pollfd){ .fd = connect_to(port), .events = POLLIN };
        sent += send(fds[i].fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0;
    }
    while (done < requests) {
        if (poll(fds, CONNECTIONS, 10000) <= 0)
            g_error("no answer in ten seconds");
        for (guint i = 0; i < CONNECTIONS; i++) {
            if (fds[i].revents == 0)
                continue;
            read_answer(fds[i].fd);
            done++;
            if (sent < requests)
                sent += send(fds[i].fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0;
            else
                fds[i].events = 0;
        }
    }
    for (guint i = 0; i < CONNECTIONS; i++)
        close(fds[i].fd);
}

/* ---- the servers ---- */

static pid_t
start_ours(guint delay_ms)
{
    static const char *const listen[] = { "127.0.0.1:18850", NULL };
    RbServeSetting setting = { .listen = listen,
                               .workers_upstream = 8,
                               .limits = { .queue = 64, .connections_per_ip = 1000 } };
    g_autoptr(GError) error = NULL;
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    fake.public_url = "https://bridge.example";
    fake_reset();
    fake.delay_ms = delay_ms;
    if (rb_server_new(&setting, NULL, &error) == NULL)
        g_error("%s", error->message);
    for (;;)
        (void)pause();
}

static pid_t
start_nginx(const char *nginx)
{
    static const char conf[] =
        "daemon off; master_process off; pid /dev/null; error_log /dev/null;\n"
        "events { worker_connections 1024; }\n"
        "http { access_log off; server_tokens off; keepalive_requests 100000000;\n"
        " server { listen 127.0.0.1:18851; location / { default_type application/json;\n"
        "  add_header Cache-Control no-store; return 200 '{\"status\":\"ok\"}'; } } }\n";
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "rb-bench-nginx.conf", NULL);
    pid_t pid;

    if (!g_file_set_contents(path, conf, -1, NULL))
        g_error("%s cannot be written", path);
    pid = fork();
    if (pid != 0)
        return pid;
    (void)execl(nginx, nginx, "-c", path, "-e", "/dev/null", NULL);
    _exit(127);
}

static void
stop(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static double
cpu_us_per_request(pid_t pid, guint port)
{
    double before = process_cpu_s(pid);

    load(port, REQUESTS);
    return (process_cpu_s(pid) - before) * 1e6 / REQUESTS;
}

static int
by_value(gconstpointer a, gconstpointer b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double
median(double *values, guint n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

static void
bench_cpu(const char *nginx)
{
    double ours[ROUNDS], theirs[ROUNDS], ratio[ROUNDS];
    pid_t us = start_ours(0), them = nginx != NULL ? start_nginx(nginx) : 0;

    load(PORT_OURS, 5000);
    if (them != 0)
        load(PORT_NGINX, 5000);
    for (guint i = 0; i < ROUNDS; i++) {
        ours[i] = cpu_us_per_request(us, PORT_OURS);
        theirs[i] = them != 0 ? cpu_us_per_request(them, PORT_NGINX) : 0;
        ratio[i] = them != 0 ? theirs[i] / ours[i] : 0;
    }
    g_print("tiny JSON, keep-alive, clear: %.2f us of server CPU a request", median(ours, ROUNDS));
    if (them != 0)
        g_print("; nginx %.2f us; %.2f x nginx (target >= 0.9)", median(theirs, ROUNDS),
                median(ratio, ROUNDS));
    g_print("\n");
    stop(us);
    if (them != 0)
        stop(them);
}

/* ---- isolation ---- */

static double
p99_ms(const char *path)
{
    enum { N = 600 };
    static double took[N];
    g_autofree char *text = g_strdup_printf("GET %s HTTP/1.1\r\nHost: bridge.example\r\n"
                                            "x-amz-sso_bearer_token: good\r\n\r\n",
                                            path);
    int fd = connect_to(PORT_OURS);

    for (guint i = 0; i < N; i++) {
        gint64 begun = g_get_monotonic_time();
        if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
            g_error("the connection ended");
        read_answer(fd);
        took[i] = (double)(g_get_monotonic_time() - begun) / 1000.0;
        g_usleep(500);
    }
    close(fd);
    qsort(took, N, sizeof *took, by_value);
    return took[N * 99 / 100];
}

static void
bench_isolation(void)
{
    static const char hang[] = "GET /federation/credentials?role_name=r&account_id=111122223333 HTTP/1.1\r\n"
                               "Host: bridge.example\r\nx-amz-sso_bearer_token: good\r\n\r\n";
    pid_t us = start_ours(600000);
    int waiting[40];
    double idle[2], busy[2];

    idle[0] = p99_ms("/healthz");
    idle[1] = p99_ms("/assignment/accounts");
    for (guint i = 0; i < G_N_ELEMENTS(waiting); i++) {
        waiting[i] = connect_to(PORT_OURS);
        if (send(waiting[i], hang, sizeof hang - 1, MSG_NOSIGNAL) < 0)
            g_error("the connection ended");
    }
    g_usleep(200000);
    busy[0] = p99_ms("/healthz");
    busy[1] = p99_ms("/assignment/accounts");
    for (guint i = 0; i < G_N_ELEMENTS(waiting); i++)
        close(waiting[i]);
    g_print("every STS call hanging (8 workers, 32 more waiting): p99 of /healthz %.2f ms, idle %.2f; of the "
            "role "
            "listing %.2f ms, idle %.2f (target <= 2 x)\n",
            busy[0], idle[0], busy[1], idle[1]);
    stop(us);
}

int
main(int argc, char **argv)
{
    bench_cpu(argc > 1 && *argv[1] != '\0' ? argv[1] : NULL);
    bench_isolation();
    return 0;
}
