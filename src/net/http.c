#include "base/encoding.h"
#include "base/refusal.h"
#include "net/priv.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

/* One fetch; lives on the caller's stack. */
typedef struct {
    const RbHttpRequest *request;
    CURLU *url;
    char *host;
    RbReach reach;
    gint64 deadline_us; /* monotonic */
    RbHttpResponse *response;
    RbArrival body;
    gsize header_bytes;
    CURLcode result;
    const char *why; /* our own reason to break off, static */
    char detail[CURL_ERROR_SIZE];
} Job;

/*
 * A caller waits for its answer anyway, so it drives its own transfer: handing it to another thread and back
 * would cost more than the transfer itself (tests/bench/bench_sts.c). A lane is what it drives, with the
 * connections it keeps; there are as many as calls were ever in flight together.
 */
typedef struct {
    CURLM *multi;
    CURL *easy;
    char *host; /* it spoke to last: its connection is probably still open */
} Lane;

struct RbHttp {
    CURLSH *share; /* TLS sessions and resolved names */
    pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];
    X509_STORE *trust;
    char *user_agent, *proxy;
    guint max_in_flight, max_per_host;
    gint stopping; /* atomic: lanes look at it */
    pthread_mutex_t lock;
    pthread_cond_t room; /* a lane was given back, or the last caller left, or it is time to stop */
    GPtrArray *idle, *busy;
    GHashTable *per_host; /* host → lanes speaking to it */
    guint callers;
};

/* ---- what curl calls ---- */

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
    /* without this, a name server that hangs would hold up a caller beyond its time */
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
easy_prepare(const RbHttp *http, CURL *easy, Job *job, glong left_ms)
{
    const RbHttpRequest *request = job->request;

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
}

/* ---- lanes ---- */

static Lane *
lane_new(RbHttp *http)
{
    Lane *lane = g_new0(Lane, 1);

    lane->multi = curl_multi_init();
    if (lane->multi == NULL)
        g_error("out of memory");
    (void)curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, 4L);
    lane->easy = easy_new(http);
    return lane;
}

static void
lane_free(gpointer data)
{
    Lane *lane = data;

    curl_easy_cleanup(lane->easy);
    (void)curl_multi_cleanup(lane->multi);
    g_free(lane->host);
    g_free(lane);
}

static guint
count_of(const RbHttp *http, const char *host)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(http->per_host, host));
}

static void
count_add(RbHttp *http, const char *host, gint change)
{
    guint n = (guint)((gint)count_of(http, host) + change);

    if (n == 0)
        (void)g_hash_table_remove(http->per_host, host);
    else
        (void)g_hash_table_insert(http->per_host, g_strdup(host), GUINT_TO_POINTER(n));
}

/* One that spoke to this host, the latest first; else any; else a new one. */
static Lane *
choose_lane(RbHttp *http, const char *host)
{
    guint at = http->idle->len;

    for (guint i = http->idle->len; i > 0; i--)
        if (g_strcmp0(((Lane *)http->idle->pdata[i - 1])->host, host) == 0) {
            at = i - 1;
            break;
        }
    if (http->idle->len == 0)
        return lane_new(http);
    return g_ptr_array_steal_index(http->idle, MIN(at, http->idle->len - 1));
}

/* Waits in line for a place. Returns: NULL when the time is over or the service stops. */
static Lane *
lane_take(RbHttp *http, Job *job)
{
    const struct timespec deadline = { .tv_sec = job->deadline_us / G_USEC_PER_SEC,
                                       .tv_nsec = job->deadline_us % G_USEC_PER_SEC * 1000 };
    Lane *lane = NULL;
    int late = 0;

    pthread_mutex_lock(&http->lock);
    http->callers++;
    while (late == 0 && !g_atomic_int_get(&http->stopping) &&
           (http->busy->len >= http->max_in_flight || count_of(http, job->host) >= http->max_per_host))
        late = pthread_cond_timedwait(&http->room, &http->lock, &deadline);
    job->result = CURLE_OPERATION_TIMEDOUT;
    if (g_atomic_int_get(&http->stopping)) {
        job->why = "the service is stopping";
    } else if (late == 0) {
        lane = choose_lane(http, job->host);
        g_ptr_array_add(http->busy, lane);
        count_add(http, job->host, 1);
    }
    pthread_mutex_unlock(&http->lock);
    return lane;
}

static void
lane_give_back(RbHttp *http, Lane *lane, const Job *job)
{
    pthread_mutex_lock(&http->lock);
    if (lane != NULL) {
        (void)g_ptr_array_remove_fast(http->busy, lane);
        g_ptr_array_add(http->idle, lane);
        count_add(http, job->host, -1);
        g_free(lane->host);
        lane->host = g_strdup(job->host);
    }
    http->callers--;
    pthread_cond_broadcast(&http->room);
    pthread_mutex_unlock(&http->lock);
}

static void
lane_drive(RbHttp *http, Lane *lane, Job *job)
{
    int running = 1, left;
    CURLMsg *message;
    glong status = 0;

    while (curl_multi_perform(lane->multi, &running) == CURLM_OK && running > 0) {
        if (g_atomic_int_get(&http->stopping)) {
            job->why = "the service is stopping";
            return;
        }
        (void)curl_multi_poll(lane->multi, NULL, 0, 60000, NULL);
    }
    while ((message = curl_multi_info_read(lane->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            job->result = message->data.result;
    (void)curl_easy_getinfo(lane->easy, CURLINFO_RESPONSE_CODE, &status);
    job->response->status = (int)status;
}

static void
job_run(RbHttp *http, Job *job)
{
    Lane *lane;
    gint64 left_ms;

    job->deadline_us = g_get_monotonic_time() + (gint64)job->request->total_ms * 1000;
    lane = lane_take(http, job);
    left_ms = (job->deadline_us - g_get_monotonic_time()) / 1000;
    if (lane != NULL && left_ms > 0) {
        job->result = CURLE_FAILED_INIT;
        easy_prepare(http, lane->easy, job, (glong)left_ms);
        if (curl_multi_add_handle(lane->multi, lane->easy) == CURLM_OK) {
            lane_drive(http, lane, job);
            (void)curl_multi_remove_handle(lane->multi, lane->easy);
        }
        (void)curl_easy_setopt(lane->easy, CURLOPT_ERRORBUFFER, NULL);
    }
    lane_give_back(http, lane, job);
}

/* ---- the door ---- */

static void
global_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        g_error("libcurl does not start");
}

static void
share_lock(CURL *easy, curl_lock_data what, curl_lock_access access, void *data)
{
    (void)easy;
    (void)access;
    pthread_mutex_lock(&((RbHttp *)data)->share_locks[what]);
}

static void
share_unlock(CURL *easy, curl_lock_data what, void *data)
{
    (void)easy;
    pthread_mutex_unlock(&((RbHttp *)data)->share_locks[what]);
}

static void
share_setup(RbHttp *http)
{
    for (guint i = 0; i < CURL_LOCK_DATA_LAST; i++)
        (void)pthread_mutex_init(&http->share_locks[i], NULL);
    http->share = curl_share_init();
    if (http->share == NULL)
        g_error("out of memory");
    (void)curl_share_setopt(http->share, CURLSHOPT_LOCKFUNC, share_lock);
    (void)curl_share_setopt(http->share, CURLSHOPT_UNLOCKFUNC, share_unlock);
    (void)curl_share_setopt(http->share, CURLSHOPT_USERDATA, http);
    (void)curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    (void)curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
}

RbHttp *
rb_http_new(const RbHttpOptions *options, GError **error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const RbHttpOptions defaults = { 0 };
    g_autoptr(X509_STORE) trust = NULL;
    pthread_condattr_t monotonic;
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
    http->max_per_host = options->max_per_host > 0 ? options->max_per_host : 64;
    http->idle = g_ptr_array_new_with_free_func(lane_free);
    http->busy = g_ptr_array_new();
    http->per_host = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    (void)pthread_mutex_init(&http->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&http->room, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    share_setup(http);
    return http;
}

void
rb_http_stop(RbHttp *http)
{
    pthread_mutex_lock(&http->lock);
    g_atomic_int_set(&http->stopping, 1);
    for (guint i = 0; i < http->busy->len; i++)
        (void)curl_multi_wakeup(((Lane *)http->busy->pdata[i])->multi);
    pthread_cond_broadcast(&http->room);
    pthread_mutex_unlock(&http->lock);
}

void
rb_http_free(RbHttp *http)
{
    if (http == NULL)
        return;
    rb_http_stop(http);
    pthread_mutex_lock(&http->lock);
    while (http->callers > 0)
        pthread_cond_wait(&http->room, &http->lock);
    pthread_mutex_unlock(&http->lock);
    g_ptr_array_unref(http->idle);
    g_ptr_array_unref(http->busy);
    g_hash_table_unref(http->per_host);
    (void)curl_share_cleanup(http->share);
    for (guint i = 0; i < CURL_LOCK_DATA_LAST; i++)
        (void)pthread_mutex_destroy(&http->share_locks[i]);
    X509_STORE_free(http->trust);
    (void)pthread_cond_destroy(&http->room);
    (void)pthread_mutex_destroy(&http->lock);
    g_free(http->user_agent);
    g_free(http->proxy);
    g_free(http);
}

static gboolean
job_fault(const Job *job, GError **error, const char *what, const char *detail)
{
    g_autofree char *clean = rb_text_printable(detail, 200);
    g_autofree char *quoted = rb_text_quote(job->host != NULL ? job->host : "?");

    return rb_fault(error, RB_FAULT_NETWORK, "%s: %s%s%s", quoted, what, clean[0] != '\0' ? ": " : "", clean);
}

static char *
url_part(CURLU *url, CURLUPart part)
{
    char *text = NULL, *copy;

    if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
        return NULL;
    copy = g_strdup(text);
    curl_free(text);
    return copy;
}

/* Where the request may go, by its URL; names are checked once more when they are resolved. */
static gboolean
job_set_reach(const RbHttp *http, Job *job, gboolean https, GError **error)
{
    const RbHttpRequest *request = job->request;
    gboolean literal = FALSE, loopback = FALSE;

    job->reach = (RbReach){ https, request->link_local, request->unix_socket != NULL, FALSE };
    if (!rb_reach_allows_literal(&job->reach, job->host, &literal, &loopback))
        return job_fault(job, error,
                         https ? "this address is not connected to"
                               : "http is for loopback addresses alone; use https",
                         "");
    /* only an address given as such may be a credential endpoint, never what a name resolves to */
    job->reach.link_local = job->reach.link_local && literal;
    job->reach.proxied =
        http->proxy != NULL && https && !loopback && !request->link_local && !job->reach.unix_socket;
    return TRUE;
}

/* One parse of the URL, by the library that will use it: checked and connected to are the same. */
static gboolean
job_read_url(const RbHttp *http, Job *job, GError **error)
{
    const char *text = job->request->url;
    g_autofree char *scheme = NULL, *user = NULL, *password = NULL;

    job->url = curl_url();
    if (strnlen(text, RB_NET_MAX_URL + 1) > RB_NET_MAX_URL ||
        curl_url_set(job->url, CURLUPART_URL, text, CURLU_PATH_AS_IS) != CURLUE_OK)
        return job_fault(job, error, "this is not a URL that can be fetched", "");
    scheme = url_part(job->url, CURLUPART_SCHEME);
    job->host = url_part(job->url, CURLUPART_HOST);
    user = url_part(job->url, CURLUPART_USER);
    password = url_part(job->url, CURLUPART_PASSWORD);
    if (scheme == NULL || job->host == NULL)
        return job_fault(job, error, "this is not a URL that can be fetched", "");
    if (user != NULL || password != NULL)
        return job_fault(job, error, "the URL has a user name or password in it; take it out", "");
    if (!g_str_equal(scheme, "https") && !g_str_equal(scheme, "http"))
        return job_fault(job, error, "only https is fetched", "");
    return job_set_reach(http, job, g_str_equal(scheme, "https"), error);
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
    g_free(job.host);
    return response;
}
