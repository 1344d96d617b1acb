#include "../unit/serve/fake.h"
#include "measure.h"
#include "serve/serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
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

enum { CONNECTIONS = 50, REQUESTS = 60000, ROUNDS = 7, PORT_OURS = 19650, PORT_NGINX, PORT_HANGING };

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

/* Servers on the second core, where there is one, and what asks them on the first. */
static void
pin(int core)
{
    cpu_set_t cores;

    CPU_ZERO(&cores);
    CPU_SET((gsize)core, &cores);
    (void)sched_setaffinity(0, sizeof cores, &cores); /* fails with one core: then all share it */
}

static pid_t
start_ours(guint port, guint delay_ms)
{
    g_autofree char *address = g_strdup_printf("127.0.0.1:%u", port);
    const char *const listen[] = { address, NULL };
    RbServeSetting setting = { .listen = listen,
                               .workers_upstream = 8,
                               .limits = { .queue = 64, .connections_per_ip = 1000 } };
    g_autoptr(GError) error = NULL;
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    pin(1);
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
        " server { listen 127.0.0.1:19651; location / { default_type application/json;\n"
        "  add_header Content-Security-Policy \"default-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'\";\n"
        "  add_header X-Content-Type-Options nosniff; add_header Referrer-Policy no-referrer;\n"
        "  add_header X-Frame-Options DENY; add_header Cross-Origin-Opener-Policy same-origin;\n"
        "  add_header Cross-Origin-Resource-Policy same-origin; add_header Cache-Control no-store;\n"
        "  add_header Strict-Transport-Security \"max-age=31536000; includeSubDomains\";\n"
        "  return 200 '{\"status\":\"ok\"}'; } } }\n";
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "rb-bench-nginx.conf", NULL);
    pid_t pid;

    if (!g_file_set_contents(path, conf, -1, NULL))
        g_error("%s cannot be written", path);
    pid = fork();
    if (pid != 0)
        return pid;
    pin(1);
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

static void
bench_cpu(const char *nginx)
{
    double ours[ROUNDS], theirs[ROUNDS], ratio[ROUNDS];
    pid_t us = start_ours(PORT_OURS, 0), them = nginx != NULL ? start_nginx(nginx) : 0;

    load(PORT_OURS, 5000);
    if (them != 0)
        load(PORT_NGINX, 5000);
    for (guint i = 0; i < ROUNDS; i++) {
        ours[i] = cpu_us_per_request(us, PORT_OURS);
        theirs[i] = them != 0 ? cpu_us_per_request(them, PORT_NGINX) : 0;
        ratio[i] = them != 0 ? theirs[i] / ours[i] : 0;
    }
    g_print("tiny JSON, keep-alive, clear: %.2f us of server CPU a request", measure_median(ours, ROUNDS));
    if (them != 0)
        g_print("; nginx %.2f us; %.2f x nginx (target >= 0.9)", measure_median(theirs, ROUNDS),
                measure_median(ratio, ROUNDS));
    g_print("\n");
    stop(us);
    if (them != 0)
        stop(them);
}

/* ---- isolation ---- */

enum { SAMPLES = 4000 };

static double
one_ms(int fd, const char *request)
{
    gint64 begun = g_get_monotonic_time();

    if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        g_error("the connection ended");
    read_answer(fd);
    return (double)(g_get_monotonic_time() - begun) / 1000.0;
}

/* Two servers in turn, one of them idle and one with every STS call hanging: what else goes on on the machine
 * meets both alike. */
static void
compare_p99(const char *what, const char *path)
{
    static double idle[SAMPLES], busy[SAMPLES];
    g_autofree char *request = g_strdup_printf("GET %s HTTP/1.1\r\nHost: bridge.example\r\n"
                                               "x-amz-sso_bearer_token: good\r\n\r\n",
                                               path);
    int idle_fd = connect_to(PORT_OURS), busy_fd = connect_to(PORT_HANGING);

    for (guint i = 0; i < SAMPLES; i++) {
        idle[i] = one_ms(idle_fd, request);
        busy[i] = one_ms(busy_fd, request);
        g_usleep(200);
    }
    close(idle_fd);
    close(busy_fd);
    qsort(idle, SAMPLES, sizeof *idle, measure_by_value);
    qsort(busy, SAMPLES, sizeof *busy, measure_by_value);
    g_print(
        "every STS call hanging (8 workers, 32 more waiting), %s: median %.3f ms, idle %.3f; p99 %.3f ms, "
        "idle %.3f: %.2f x (target <= 2)\n",
        what, busy[SAMPLES / 2], idle[SAMPLES / 2], busy[SAMPLES * 99 / 100], idle[SAMPLES * 99 / 100],
        busy[SAMPLES * 99 / 100] / idle[SAMPLES * 99 / 100]);
}

static void
bench_isolation(void)
{
    static const char hang[] = "GET /federation/credentials?role_name=r&account_id=111122223333 HTTP/1.1\r\n"
                               "Host: bridge.example\r\nx-amz-sso_bearer_token: good\r\n\r\n";
    pid_t idle = start_ours(PORT_OURS, 0), hanging = start_ours(PORT_HANGING, 600000);
    int waiting[40];

    for (guint i = 0; i < G_N_ELEMENTS(waiting); i++) {
        waiting[i] = connect_to(PORT_HANGING);
        if (send(waiting[i], hang, sizeof hang - 1, MSG_NOSIGNAL) < 0)
            g_error("the connection ended");
    }
    g_usleep(200000);
    compare_p99("/healthz", "/healthz");
    compare_p99("the role listing", "/assignment/accounts");
    for (guint i = 0; i < G_N_ELEMENTS(waiting); i++)
        close(waiting[i]);
    stop(idle);
    stop(hanging);
}

int
main(int argc, char **argv)
{
    pin(0);
    bench_cpu(argc > 1 && *argv[1] != '\0' ? argv[1] : NULL);
    bench_isolation();
    return 0;
}
