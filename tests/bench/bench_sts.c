#include "base/secret.h"
#include "issue/issue.h"
#include "measure.h"
#include "server.h"

#include <curl/curl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What our way to STS costs beside a bare curl multi loop that sends the same request, byte for byte but for
 * the signature, on a kept connection to the same server (another process, so that its work is not counted):
 * CPU of this process per call, in turn, the median of several rounds. Twice: rb_http_fetch(), which does
 * what the loop does, under our limits; and rb_issue(), which checks the grant, writes the form and signs it
 * too, and reads and checks the answer. In clear, and with TLS as STS is spoken to. Then how many calls a
 * second 64 threads get done when each answer takes 50 ms.
 */
enum { NOW = 1795510800, ROUNDS = 9, EACH = 2000, IN_FLIGHT = 64, DELAY_MS = 50, SECONDS = 4 };

static const char answer_xml[] =
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>"
    "<AccessKeyId>ASIABTX3GSDSQBNMGHLQ</AccessKeyId>"
    "<SecretAccessKey>0c0c0c0c0c0c0c0c0c0c/0c0c0c0c0c0c0c0c0c0</SecretAccessKey><SessionToken>%s</"
    "SessionToken>"
    "<Expiration>2026-11-24T10:00:00Z</Expiration></Credentials><AssumedRoleUser>"
    "<AssumedRoleId>AROAZ3EXAMPLE5T6PLW2N:ada@acme.example</AssumedRoleId>"
    "<Arn>arn:aws:sts::111122223333:assumed-role/data-scientist/ada@acme.example</Arn></AssumedRoleUser>"
    "<PackedPolicySize>6</PackedPolicySize></AssumeRoleResult><ResponseMetadata>"
    "<RequestId>0b6f7f0e-51c8-4d2b-9f0e-7b1f3c2f9f11</RequestId></ResponseMetadata></AssumeRoleResponse>";

static void
answer(const ServerRequest *request, ServerReply *reply, gpointer data)
{
    reply_text(reply, 200, "text/xml", data);
    reply->delay_ms = g_str_equal(request->path, "/slow") ? DELAY_MS : 0;
}

/* A certificate for 127.0.0.1 and its key, made for this run: the files' paths, which the caller removes. */
static void
make_certificate(char **certificate, char **key)
{
    g_autofree char *folder = g_dir_make_tmp("bench_sts_XXXXXX", NULL), *command = NULL;
    int status = -1;

    *certificate = g_build_filename(folder, "tls.pem", NULL);
    *key = g_build_filename(folder, "tls.key", NULL);
    command = g_strdup_printf("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                              "-subj /CN=bench -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s",
                              *key, *certificate);
    if (!g_spawn_command_line_sync(command, NULL, NULL, &status, NULL) || status != 0) {
        fprintf(stderr, "bench_sts: openssl makes no certificate\n");
        exit(1);
    }
}

static void
remove_certificate(const char *certificate, const char *key)
{
    g_autofree char *folder = g_path_get_dirname(key);

    (void)g_unlink(certificate);
    (void)g_unlink(key);
    (void)g_rmdir(folder);
}

static char *
file_text(const char *path)
{
    char *text = NULL;

    if (path != NULL && !g_file_get_contents(path, &text, NULL, NULL))
        exit(1);
    return text;
}

/* The server as a process of its own, which ends with this one. Returns: its port. */
static guint
serve_apart(const char *certificate, const char *key)
{
    guint port = 0;
    int ends[2];

    if (pipe(ends) != 0)
        exit(1);
    if (fork() == 0) {
        g_autofree char *token = g_strnfill(800, 't'), *text = g_strdup_printf(answer_xml, token);
        g_autofree char *pem = file_text(certificate), *secret = file_text(key);
        Server *server = server_new(answer, text, pem, secret);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        port = server_port(server);
        if (write(ends[1], &port, sizeof port) == sizeof port)
            for (;;)
                (void)pause();
        _exit(1);
    }
    if (read(ends[0], &port, sizeof port) != sizeof port)
        exit(1);
    return port;
}

static double
cpu_us(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

/* ---- bare curl ---- */

static size_t
collect(char *data, size_t one, size_t n, void *to)
{
    (void)one;
    g_string_append_len(to, data, (gssize)n);
    return n;
}

static const char form[] =
    "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Frolebridge%2F"
    "data-scientist&RoleSessionName=ada%40acme.example&SourceIdentity=ada%40acme.example&DurationSeconds="
    "3600";

static CURL *
bare_handle(const char *url, const char *ca_file, struct curl_slist *headers, GString *body)
{
    CURL *easy = curl_easy_init();

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "rolebridge/" RB_VERSION);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, body);
    return easy;
}

static const char signature[] =
    "AWS4-HMAC-SHA256 Credential=ASIABTX3GSDSQBNMGHLQ/20261124/eu-central-1/sts/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date, "
    "Signature=6c2d59f3281bbdb3c3ead1e0b0d8180a0db36af191d465908b85934ef86a892c";

static struct curl_slist *
bare_headers(void)
{
    g_autofree char *line = g_strconcat("Authorization: ", signature, NULL);
    struct curl_slist *headers = NULL;

    headers = curl_slist_append(headers, "Content-Type: application/x-www-form-urlencoded; charset=utf-8");
    headers = curl_slist_append(headers, "X-Amz-Date: 20261124T090000Z");
    return curl_slist_append(headers, line);
}

/* @calls calls, @width at a time. Returns: microseconds of CPU a call. */
static double
bare_run(const char *url, const char *ca_file, guint width, guint calls)
{
    CURLM *multi = curl_multi_init();
    struct curl_slist *headers = bare_headers();
    guint started = width, done = 0;
    double start;
    int running, left;
    CURL *handles[IN_FLIGHT];

    for (guint i = 0; i < width; i++) {
        handles[i] = bare_handle(url, ca_file, headers, g_string_sized_new(4096));
        curl_multi_add_handle(multi, handles[i]);
    }
    start = cpu_us();
    while (done < calls) {
        CURLMsg *message;
        guint before = done;
        curl_multi_perform(multi, &running);
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            CURL *easy = message->easy_handle;
            char *body;
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &body);
            if (message->data.result != CURLE_OK || ((GString *)(gpointer)body)->len < 1000)
                exit(1);
            g_string_truncate((GString *)(gpointer)body, 0);
            curl_multi_remove_handle(multi, easy);
            done++;
            if (started < calls) {
                curl_multi_add_handle(multi, easy);
                started++;
            }
        }
        if (done == before)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    start = cpu_us() - start;
    for (guint i = 0; i < width; i++) {
        char *body;
        curl_easy_getinfo(handles[i], CURLINFO_PRIVATE, &body);
        (void)g_string_free((GString *)(gpointer)body, TRUE);
        curl_multi_remove_handle(multi, handles[i]);
        curl_easy_cleanup(handles[i]);
    }
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    return start / calls;
}

/* ---- ours ---- */

static gint64
fixed_now(gpointer data)
{
    (void)data;
    return NOW;
}

static RbIssuer *
issuer_for(RbHttp *http, const char *url)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *text = g_strdup_printf("region: eu-central-1\nsts_endpoint: %s\n", url);
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(RbYamlDocument) document = rb_yaml_parse("bench.yaml", bytes, problems);

    return rb_issuer_new(
        &(RbIssuerSetting){ .aws = rb_yaml_root(document), .http = http, .clock = { fixed_now, NULL } },
        problems);
}

static void
issue_once(RbIssuer *issuer, const RbIdentity *identity)
{
    const RbGrant grant = { .account = "111122223333",
                            .partition = "aws",
                            .role = "data-scientist",
                            .role_arn = "arn:aws:iam::111122223333:role/rolebridge/data-scientist",
                            .default_session_s = 3600,
                            .max_session_s = 3600,
                            .chained = TRUE,
                            .method = RB_ISSUE_ASSUME_ROLE };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) credentials = rb_issue(issuer, &grant, identity, 0, NOW, &error);

    if (credentials == NULL) {
        fprintf(stderr, "bench_sts: %s\n", error->message);
        exit(1);
    }
}

/* The bare loop's request through net/. */
static double
fetch_run(RbHttp *http, const char *url, guint calls)
{
    g_autoptr(GBytes) body = g_bytes_new_static(form, strlen(form));
    double start = cpu_us();

    for (guint i = 0; i < calls; i++) {
        g_autoptr(RbHttpRequest) request = rb_http_request_new("POST", url);
        g_autoptr(RbHttpResponse) response = NULL;
        rb_http_request_body(request, "application/x-www-form-urlencoded; charset=utf-8", body);
        rb_http_request_header(request, "X-Amz-Date", "20261124T090000Z");
        rb_http_request_header(request, "Authorization", signature);
        response = rb_http_fetch(http, request, NULL);
        if (response == NULL || response->status != 200 || g_bytes_get_size(response->body) < 1000)
            exit(1);
    }
    return (cpu_us() - start) / calls;
}

static double
our_run(RbIssuer *issuer, const RbIdentity *identity, guint calls)
{
    double start = cpu_us();

    for (guint i = 0; i < calls; i++)
        issue_once(issuer, identity);
    return (cpu_us() - start) / calls;
}

typedef struct {
    RbIssuer *issuer;
    const RbIdentity *identity;
    gint64 end_us;
    guint done;
} Caller;

static gpointer
call_on(gpointer data)
{
    Caller *caller = data;

    for (; g_get_monotonic_time() < caller->end_us; caller->done++)
        issue_once(caller->issuer, caller->identity);
    return NULL;
}

/* Returns: calls a second; @each_us: CPU of one. */
static double
our_throughput(RbIssuer *issuer, const RbIdentity *identity, double *each_us)
{
    Caller callers[IN_FLIGHT];
    GThread *threads[IN_FLIGHT];
    gint64 start = g_get_monotonic_time();
    double cpu = cpu_us();
    guint done = 0;

    for (guint i = 0; i < IN_FLIGHT; i++) {
        callers[i] = (Caller){ issuer, identity, start + SECONDS * G_USEC_PER_SEC, 0 };
        threads[i] = g_thread_new("caller", call_on, &callers[i]);
    }
    for (guint i = 0; i < IN_FLIGHT; i++) {
        (void)g_thread_join(threads[i]);
        done += callers[i].done;
    }
    *each_us = (cpu_us() - cpu) / done;
    return done / ((double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC);
}

/* Bare curl, net/ and issue/ in turn. */
static void
one_at_a_time(const char *what, const char *url, const char *ca_file, const RbIdentity *identity)
{
    g_autoptr(RbHttp) http = rb_http_new(&(RbHttpOptions){ .ca_file = ca_file }, NULL);
    g_autoptr(RbIssuer) issuer = issuer_for(http, url);
    double bare[ROUNDS], fetch[ROUNDS], ours[ROUNDS], fetch_ratio[ROUNDS], ratio[ROUNDS];

    (void)our_run(issuer, identity, 1); /* connects */
    (void)fetch_run(http, url, 1);
    for (guint i = 0; i < ROUNDS; i++) {
        bare[i] = bare_run(url, ca_file, 1, EACH);
        fetch[i] = fetch_run(http, url, EACH);
        ours[i] = our_run(issuer, identity, EACH);
        fetch_ratio[i] = fetch[i] / bare[i];
        ratio[i] = ours[i] / bare[i];
    }
    printf("one at a time, %s: CPU a call: curl multi %.1f us, rb_http_fetch %.1f us, rb_issue %.1f us; "
           "ratios %.2f (target 1.25), %.2f\n",
           what, measure_median(bare, ROUNDS), measure_median(fetch, ROUNDS), measure_median(ours, ROUNDS),
           measure_median(fetch_ratio, ROUNDS), measure_median(ratio, ROUNDS));
}

static void
many_at_once(const char *url, const RbIdentity *identity)
{
    g_autoptr(RbHttp) http = rb_http_new(NULL, NULL);
    g_autoptr(RbIssuer) issuer = issuer_for(http, url);
    double wide = bare_run(url, NULL, IN_FLIGHT, IN_FLIGHT * 40), each, bound = IN_FLIGHT * 1000.0 / DELAY_MS;
    double rate = our_throughput(issuer, identity, &each);

    printf("%d in flight, %d ms upstream: %.0f calls/s, %.2f of in-flight / latency (target 0.85); CPU a "
           "call: curl multi %.1f us, rb_issue %.1f us\n",
           IN_FLIGHT, DELAY_MS, rate, rate / bound, wide, each);
}

int
main(void)
{
    g_autofree char *certificate = NULL, *key = NULL, *clear = NULL, *tls = NULL, *slow = NULL;
    static const char *const groups[] = { "acme-data-science", NULL };
    const RbIdentity facts = { .subject = "ada",
                               .name = "ada@acme.example",
                               .provider = "corp-saml",
                               .issuer = "https://idp",
                               .groups = groups,
                               .n_groups = 1,
                               .authenticated_at = NOW,
                               .groups_at = NOW };
    g_autoptr(RbIdentity) identity = rb_identity_new(&facts, NULL);
    guint port;

    g_setenv("AWS_ACCESS_KEY_ID", "ASIABTX3GSDSQBNMGHLQ", TRUE);
    g_setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", TRUE);
    g_unsetenv("AWS_SESSION_TOKEN");
    make_certificate(&certificate, &key);
    port = serve_apart(NULL, NULL);
    clear = g_strdup_printf("http://127.0.0.1:%u/", port);
    slow = g_strdup_printf("http://127.0.0.1:%u/slow", port);
    tls = g_strdup_printf("https://127.0.0.1:%u/", serve_apart(certificate, key));
    one_at_a_time("in clear", clear, NULL, identity);
    one_at_a_time("TLS 1.3", tls, certificate, identity);
    many_at_once(slow, identity);
    remove_certificate(certificate, key);
    return 0;
}
