#include "base/encoding.h"
#include "base/refusal.h"
#include "net/priv.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* One fetch, from the caller's thread to the driver's and back; lives on the caller's stack. */
typedef struct {
    const RbHttpRequest *request;
    CURLU *url;
    RbReach reach;
    gint64 deadline_us; /* monotonic */
    enum { WAITING, RUNNING, DONE } state;
    pthread_cond_t done;
    CURL *easy;
    RbHttpResponse *response;
    RbArrival body;
    gsize header_bytes;
    CURLcode result;
    const char *why; /* our own reason to break off, static */
    char detail[CURL_ERROR_SIZE];
} Job;

struct RbHttp {
    CURLM *multi;
    CURLSH *share; /* TLS sessions; used by the driver alone, so without locks */
    X509_STORE *trust;
    char *user_agent, *proxy;
    guint max_in_flight;
    pthread_t driver;
    GPtrArray *idle;    /* CURL handles set up and at rest; the driver's */
    GPtrArray *running; /* jobs; the driver's */
    pthread_mutex_t lock;
    pthread_cond_t left;
    GQueue waiting; /* of jobs */
    guint callers;
    gboolean stopping, woken;
};

/* ---- what curl calls, on the driver's thread ---- */

static size_t
on_body(char *data, size_t one, size_t n, void *to)
{
    Job *job = to;

    (void)one; /* always 1 */
    if (n > job->request->max_response - job->body.size) {
        job->why = "the answer is larger than allowed";
        return 0;
    }
    rb_arrival_add(&job->body, data, n);
    return n;
}

static size_t
on_header(char *line, size_t one, size_t n, void *to)
{
    Job *job = to;

    (void)one;
    if (!rb_response_header_line(job->response, line, n, &job->header_bytes)) {
        job->why = "the answer has more headers than allowed";
        return 0;
    }
    return n;
}

/* The address as resolved, right before connecting: what was checked is what is used. */
static curl_socket_t
on_socket(void *to, curlsocktype purpose, struct curl_sockaddr *address)
{
    Job *job = to;

    (void)purpose;
    if (!rb_reach_allows(&job->reach, &address->addr)) {
        job->why = job->reach.https ? "the name resolves to an address that is not connected to"
                                    : "http is for loopback addresses alone; use https";
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
}

static CURLcode
on_tls(CURL *easy, void *context, void *trust)
{
    (void)easy;
    SSL_CTX_set1_cert_store(context, trust);
    return CURLE_OK;
}

/* ---- handles ---- */

/* Everything that is the same for each request. A setting that fails is one this libcurl was built without.
 */
static CURL *
easy_new(RbHttp *http)
{
    CURL *easy = curl_easy_init();

    if (easy == NULL)
        g_error("out of memory");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* without this, a name server that hangs would hold up the driver when its request is given up */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, http->trust);
    (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SHARE, http->share);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    return easy;
}

static void
set_method(CURL *easy, const RbHttpRequest *request)
{
    gsize size = 0;
    const char *data = request->body != NULL ? g_bytes_get_data(request->body, &size) : NULL;

    (void)curl_easy_setopt(easy, CURLOPT_NOBODY, g_str_equal(request->method, "HEAD") ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    if (g_str_equal(request->method, "HEAD"))
        return;
    if (data == NULL && !g_str_equal(request->method, "POST") && !g_str_equal(request->method, "PUT")) {
        (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    } else { /* a body from memory can be sent again when a kept connection turns out to be dead */
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, size > 0 ? data : "");
    }
    if (!g_str_equal(request->method, "GET") && !g_str_equal(request->method, "POST"))
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void
easy_prepare(RbHttp *http, Job *job, glong left_ms)
{
    const RbHttpRequest *request = job->request;
    CURL *easy = job->easy;

    set_method(easy, request);
    (void)curl_easy_setopt(easy, CURLOPT_CURLU, job->url);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)MAX(1, MIN((glong)request->connect_ms, left_ms)));
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms);
    (void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY,
                           job->reach.proxied ? http->proxy : ""); /* "": not even the environment's */
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, job->reach.proxied ? "" : "*");
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, job->detail);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, job);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, job);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, job);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, job);
}

/* ---- the driver ---- */

/* With the lock held. The job belongs to its caller from here on. */
static void
job_finish(RbHttp *http, Job *job, CURLcode result)
{
    if (job->easy != NULL) {
        (void)curl_multi_remove_handle(http->multi, job->easy);
        (void)curl_easy_setopt(job->easy, CURLOPT_ERRORBUFFER, NULL);
        g_ptr_array_add(http->idle, g_steal_pointer(&job->easy));
        (void)g_ptr_array_remove_fast(http->running, job);
    }
    job->result = result;
    job->state = DONE;
    pthread_cond_signal(&job->done);
}

static void
job_start(RbHttp *http, Job *job)
{
    gint64 left_ms = (job->deadline_us - g_get_monotonic_time()) / 1000;

    if (left_ms <= 0) {
        job_finish(http, job, CURLE_OPERATION_TIMEDOUT);
        return;
    }
    job->easy =
        http->idle->len > 0 ? g_ptr_array_steal_index_fast(http->idle, http->idle->len - 1) : easy_new(http);
    job->state = RUNNING;
    g_ptr_array_add(http->running, job);
    easy_prepare(http, job, (glong)left_ms);
    if (curl_multi_add_handle(http->multi, job->easy) != CURLM_OK)
        job_finish(http, job, CURLE_FAILED_INIT);
}

/* Hands finished jobs back. Returns: TRUE when room was made for one that waits. */
static gboolean
reap(RbHttp *http)
{
    CURLMsg *message;
    gboolean room = FALSE;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        gpointer job = NULL;
        glong status = 0;
        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&job);
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        pthread_mutex_lock(&http->lock);
        ((Job *)job)->response->status = (int)status;
        job_finish(http, job, result);
        room = !g_queue_is_empty(&http->waiting);
        pthread_mutex_unlock(&http->lock);
    }
    return room;
}

/* Starts what fits. Returns: FALSE when it is time to stop. */
static gboolean
start_waiting(RbHttp *http)
{
    gboolean stopping;

    pthread_mutex_lock(&http->lock);
    http->woken = FALSE;
    stopping = http->stopping;
    while (!stopping && http->running->len < http->max_in_flight && !g_queue_is_empty(&http->waiting))
        job_start(http, g_queue_pop_head(&http->waiting));
    pthread_mutex_unlock(&http->lock);
    return !stopping;
}

static void
give_up_all(RbHttp *http)
{
    pthread_mutex_lock(&http->lock);
    while (http->running->len > 0 || !g_queue_is_empty(&http->waiting)) {
        Job *job = http->running->len > 0 ? http->running->pdata[0] : g_queue_pop_head(&http->waiting);
        job->why = "the service is stopping";
        job_finish(http, job, CURLE_ABORTED_BY_CALLBACK);
    }
    pthread_mutex_unlock(&http->lock);
}

static void *
drive(void *data)
{
    RbHttp *http = data;
    int n;

    while (start_waiting(http)) {
        (void)curl_multi_perform(http->multi, &n);
        if (!reap(http))
            (void)curl_multi_poll(http->multi, NULL, 0, 60000, NULL);
    }
    give_up_all(http);
    return NULL;
}

/* ---- the door ---- */

static void
global_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        g_error("libcurl does not start");
}

/* The driver takes no signals: they are the main thread's, and SIGPIPE of a broken TLS connection nobody's.
 */
static gboolean
driver_start(RbHttp *http, GError **error)
{
    sigset_t all, before;
    int failed;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&http->driver, NULL, drive, http);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0 ||
           rb_fault(error, RB_FAULT_NETWORK, "no thread for the network: %s", g_strerror(failed));
}

static void
http_free_parts(RbHttp *http)
{
    for (guint i = 0; i < http->idle->len; i++)
        curl_easy_cleanup(http->idle->pdata[i]);
    g_ptr_array_unref(http->idle);
    g_ptr_array_unref(http->running);
    (void)curl_multi_cleanup(http->multi);
    (void)curl_share_cleanup(http->share);
    X509_STORE_free(http->trust);
    pthread_mutex_destroy(&http->lock);
    pthread_cond_destroy(&http->left);
    g_free(http->user_agent);
    g_free(http->proxy);
    g_free(http);
}

RbHttp *
rb_http_new(const RbHttpOptions *options, GError **error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const RbHttpOptions defaults = { 0 };
    g_autoptr(X509_STORE) trust = NULL;
    RbHttp *http;

    options = options != NULL ? options : &defaults;
    (void)pthread_once(&once, global_init);
    trust = rb_trust_load(options->ca_file, error);
    if (trust == NULL)
        return NULL;
    http = g_new0(RbHttp, 1);
    http->trust = g_steal_pointer(&trust);
    http->user_agent = g_strdup(options->user_agent != NULL ? options->user_agent : "rolebridge/" RB_VERSION);
    http->proxy = g_strdup(options->proxy);
    http->max_in_flight = options->max_in_flight > 0 ? options->max_in_flight : 256;
    http->idle = g_ptr_array_new();
    http->running = g_ptr_array_new();
    g_queue_init(&http->waiting);
    (void)pthread_mutex_init(&http->lock, NULL);
    (void)pthread_cond_init(&http->left, NULL);
    http->multi = curl_multi_init();
    http->share = curl_share_init();
    if (http->multi == NULL || http->share == NULL)
        g_error("out of memory");
    (void)curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                            (long)(options->max_per_host > 0 ? options->max_per_host : 64));
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)http->max_in_flight);
    if (!driver_start(http, error)) {
        http_free_parts(http);
        return NULL;
    }
    return http;
}

void
rb_http_free(RbHttp *http)
{
    if (http == NULL)
        return;
    pthread_mutex_lock(&http->lock);
    http->stopping = TRUE;
    pthread_mutex_unlock(&http->lock);
    (void)curl_multi_wakeup(http->multi);
    (void)pthread_join(http->driver, NULL);
    pthread_mutex_lock(&http->lock);
    while (http->callers > 0)
        pthread_cond_wait(&http->left, &http->lock);
    pthread_mutex_unlock(&http->lock);
    http_free_parts(http);
}

static gboolean
job_fault(const Job *job, GError **error, const char *what, const char *detail)
{
    g_autofree char *clean = rb_text_printable(detail, 200), *quoted = NULL, *host = NULL, *port = NULL;
    char *part = NULL;

    if (job->url != NULL && curl_url_get(job->url, CURLUPART_HOST, &part, 0) == CURLUE_OK)
        host = g_strdup(part);
    curl_free(part);
    quoted = rb_text_quote(host != NULL ? host : "?");
    return rb_fault(error, RB_FAULT_NETWORK, "%s: %s%s%s", quoted, what, clean[0] != '\0' ? ": " : "", clean);
}

/* One parse of the URL, by the library that will use it: checked and connected to are the same. */
static gboolean
job_read_url(const RbHttp *http, Job *job, GError **error)
{
    const RbHttpRequest *request = job->request;
    char *scheme = NULL, *host = NULL, *user = NULL, *password = NULL;
    gboolean ok = FALSE, literal = FALSE, loopback = FALSE;

    job->url = curl_url();
    if (strnlen(request->url, RB_NET_MAX_URL + 1) > RB_NET_MAX_URL ||
        curl_url_set(job->url, CURLUPART_URL, request->url, CURLU_PATH_AS_IS) != CURLUE_OK ||
        curl_url_get(job->url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(job->url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        (void)job_fault(job, error, "this is not a URL that can be fetched", "");
    else if (curl_url_get(job->url, CURLUPART_USER, &user, 0) == CURLUE_OK ||
             curl_url_get(job->url, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK)
        (void)job_fault(job, error, "the URL has a user name or password in it; take it out", "");
    else if (!g_str_equal(scheme, "https") && !g_str_equal(scheme, "http"))
        (void)job_fault(job, error, "only https is fetched", "");
    else
        ok = TRUE;
    if (ok) {
        job->reach = (RbReach){ .https = g_str_equal(scheme, "https"),
                                .link_local = request->link_local,
                                .unix_socket = request->unix_socket != NULL };
        ok = rb_reach_allows_literal(&job->reach, host, &literal, &loopback) ||
             job_fault(job, error,
                       job->reach.https ? "this address is not connected to"
                                        : "http is for loopback addresses alone; use https",
                       "");
        /* only an address given as such may be a credential endpoint, never what a name resolves to */
        job->reach.link_local = job->reach.link_local && literal;
        job->reach.proxied = http->proxy != NULL && job->reach.https && !loopback && !request->link_local &&
                             !job->reach.unix_socket;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_free(password);
    return ok;
}

static gboolean
job_fail(const Job *job, GError **error)
{
    if (job->why != NULL)
        return job_fault(job, error, job->why, "");
    switch (job->result) {
    case CURLE_OPERATION_TIMEDOUT:
        return job_fault(job, error, "no answer in time", job->detail);
    case CURLE_COULDNT_RESOLVE_HOST:
        return job_fault(job, error, "the name does not resolve", "");
    case CURLE_COULDNT_CONNECT:
        return job_fault(job, error, "nothing answers there", job->detail);
    case CURLE_PEER_FAILED_VERIFICATION:
        return job_fault(job, error, "its certificate is not trusted", job->detail);
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return job_fault(job, error, "the connection broke off", job->detail);
    default:
        return job_fault(job, error, curl_easy_strerror(job->result), job->detail);
    }
}

/* Takes a job that no handle was found for in time out of the line. With the lock held. */
static void
job_wait(RbHttp *http, Job *job)
{
    const struct timespec deadline = { .tv_sec = job->deadline_us / G_USEC_PER_SEC,
                                       .tv_nsec = job->deadline_us % G_USEC_PER_SEC * 1000 };

    while (job->state == WAITING)
        if (pthread_cond_timedwait(&job->done, &http->lock, &deadline) != 0 && job->state == WAITING) {
            (void)g_queue_remove(&http->waiting, job);
            job->result = CURLE_OPERATION_TIMEDOUT;
            job->state = DONE;
        }
    while (job->state != DONE) /* curl keeps the time of what runs */
        pthread_cond_wait(&job->done, &http->lock);
}

static void
job_run(RbHttp *http, Job *job)
{
    pthread_condattr_t monotonic;
    gboolean wake;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&job->done, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    job->deadline_us = g_get_monotonic_time() + (gint64)job->request->total_ms * 1000;
    pthread_mutex_lock(&http->lock);
    http->callers++;
    if (http->stopping) {
        job->why = "the service is stopping";
        job->state = DONE;
    } else {
        g_queue_push_tail(&http->waiting, job);
        wake = !http->woken;
        http->woken = TRUE;
        if (wake)
            (void)curl_multi_wakeup(http->multi);
        job_wait(http, job);
    }
    if (--http->callers == 0)
        pthread_cond_broadcast(&http->left);
    pthread_mutex_unlock(&http->lock);
    (void)pthread_cond_destroy(&job->done);
}

RbHttpResponse *
rb_http_fetch(RbHttp *http, const RbHttpRequest *request, GError **error)
{
    Job job = { .request = request };
    RbHttpResponse *response = NULL;

    if (request->broken)
        (void)job_fault(&job, error, "a header has characters that no header may have", "");
    else if (job_read_url(http, &job, error)) {
        job.response = rb_response_new(request->url);
        job_run(http, &job);
        if (job.why == NULL && job.result == CURLE_OK) {
            response = g_steal_pointer(&job.response);
            response->body = rb_arrival_steal(&job.body);
            response->content_type = g_strdup(rb_http_response_header(response, "content-type"));
        } else {
            (void)job_fail(&job, error);
        }
    }
    rb_http_response_free(job.response);
    rb_arrival_clear(&job.body);
    curl_url_cleanup(job.url);
    return response;
}
