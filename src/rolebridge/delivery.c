#include "rolebridge/delivery_priv.h"

#include "base/encoding.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_ROLES "/latest/meta-data/iam/security-credentials/"
#define TOKEN_TTL "X-aws-ec2-metadata-token-ttl-seconds"

enum { CONNECTIONS = 64, SILENCE_S = 10, CONNECTION_BYTES = 32 * 1024 };

struct RbDelivery {
    struct MHD_Daemon *daemon;
    RbHolder *holder;
    RbClock clock;
    guint16 port;
    char *url, *region;
    RbSecret *token, *metadata_key;
    GPtrArray *roles; /* Role */
    gint64 duration_s;
    gboolean metadata;
};

typedef struct {
    char *account, *role;
} Role;

static void
role_free(gpointer data)
{
    Role *role = data;

    g_free(role->account);
    g_free(role->role);
    g_free(role);
}

/* What is answered: text that is wiped, or an error. */
typedef struct {
    const char *type;
    char *text; /* malloc */
    char *ttl;  /* of a metadata token; NULL: none */
} Answer;

/* ---- what is served ---- */

static RbLease *
lease_of(RbDelivery *d, const Role *role, GError **error)
{
    return rb_holder_get(d->holder, role->account, role->role, d->duration_s, FALSE, error);
}

static gboolean
answer_json(Answer *answer, json_t *json, GError **error)
{
    answer->type = "application/json";
    answer->text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
    json_decref(json);
    return answer->text != NULL || rb_fault(error, RB_FAULT_INTERNAL, "the answer cannot be written as JSON");
}

static gboolean
answer_text(Answer *answer, const char *text)
{
    answer->type = "text/plain";
    answer->text = strdup(text);
    return TRUE;
}

/* ACCOUNT/ROLE as it stands in a URL. */
static char *
path_of(const Role *role)
{
    g_autofree char *account = rb_uri_encode(role->account), *name = rb_uri_encode(role->role);

    return g_strdup_printf("%s/%s", account, name);
}

/* GET /ecs/ACCOUNT/ROLE */
static gboolean
container(RbDelivery *d, const char *path, const RbDeliveryHeaders *headers, Answer *answer, GError **error)
{
    g_autoptr(RbLease) lease = NULL;
    g_autofree char *until = NULL;
    const Role *found = NULL;

    if (!rb_secret_equal_text(d->token, headers->authorization))
        return rb_refuse(error, RB_LOCAL_TOKEN, "%s",
                         headers->authorization == NULL ? "there is no Authorization"
                                                        : "Authorization is not the token");
    for (guint i = 0; i < d->roles->len && found == NULL; i++) {
        const Role *role = g_ptr_array_index(d->roles, i);
        g_autofree char *name = path_of(role);
        found = g_str_equal(name, path) ? role : NULL;
    }
    if (found == NULL)
        return rb_refuse(error, RB_REQUEST_NOT_FOUND, "no such role is served here");
    lease = lease_of(d, found, error);
    if (lease == NULL)
        return FALSE;
    until = rb_time_format(lease->expiration);
    return answer_json(answer,
                       json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*}", "AccessKeyId", lease->access_key_id,
                                 "SecretAccessKey", rb_secret_reveal(lease->secret_access_key), "Token",
                                 rb_secret_reveal(lease->session_token), "Expiration", until, "RoleArn",
                                 lease->assumed_role_arn, "AccountId", lease->account_id),
                       error);
}

/* PUT /latest/api/token */
static gboolean
metadata_token(RbDelivery *d, const RbDeliveryHeaders *headers, Answer *answer, GError **error)
{
    gint64 ttl_s;
    char *token;

    if (headers->metadata_ttl == NULL ||
        !g_ascii_string_to_signed(headers->metadata_ttl, 10, 1, RB_METADATA_TTL_MAX_S, &ttl_s, NULL))
        return rb_refuse(error, RB_REQUEST_MALFORMED, TOKEN_TTL " is no number from 1 to %d",
                         RB_METADATA_TTL_MAX_S);
    token = rb_metadata_token_new(d->metadata_key, rb_clock_now(&d->clock) + ttl_s);
    answer->ttl = g_strdup_printf("%" G_GINT64_FORMAT, ttl_s);
    (void)answer_text(answer, token);
    rb_wipe_free(token);
    return TRUE;
}

static gboolean
metadata_lease(RbDelivery *d, const Role *role, Answer *answer, GError **error)
{
    g_autoptr(RbLease) lease = lease_of(d, role, error);
    g_autofree char *until = NULL, *issued = NULL;

    if (lease == NULL)
        return FALSE;
    until = rb_time_format(lease->expiration);
    issued = rb_time_format(lease->issued_at);
    return answer_json(
        answer,
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s*}", "Code", "Success", "LastUpdated", issued,
                  "Type", "AWS-HMAC", "AccessKeyId", lease->access_key_id, "SecretAccessKey",
                  rb_secret_reveal(lease->secret_access_key), "Token", rb_secret_reveal(lease->session_token),
                  "Expiration", until, "AccountId", lease->account_id),
        error);
}

/* GET /latest/… with a token of ours */
static gboolean
metadata(RbDelivery *d, const char *path, const RbDeliveryHeaders *headers, Answer *answer, GError **error)
{
    const Role *role = g_ptr_array_index(d->roles, 0);

    if (!rb_metadata_token_check(d->metadata_key, headers->metadata_token, rb_clock_now(&d->clock), error))
        return FALSE;
    if (g_str_equal(path, METADATA_ROLES) || g_str_equal(path, "/latest/meta-data/iam/security-credentials"))
        return answer_text(answer, role->role);
    if (g_str_has_prefix(path, METADATA_ROLES) && g_str_equal(path + strlen(METADATA_ROLES), role->role))
        return metadata_lease(d, role, answer, error);
    if (g_str_equal(path, "/latest/meta-data/placement/region"))
        return answer_text(answer, d->region);
    return rb_refuse(error, RB_REQUEST_NOT_FOUND, "there is nothing at this path");
}

/* ---- requests ---- */

static enum MHD_Result
one_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    rb_delivery_header(data, name, value);
    return MHD_YES;
}

static gboolean
check_peer(const RbDelivery *d, struct MHD_Connection *connection, GError **error)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    if (info == NULL || info->client_addr == NULL || info->client_addr->sa_family != AF_INET)
        return rb_refuse(error, RB_LOCAL_USER, "it cannot be told which user's program asks");
    return rb_delivery_peer_check("/proc/net/tcp", "/proc/net/tcp6",
                                  (const struct sockaddr_in *)info->client_addr, d->port, error);
}

static gboolean
route(RbDelivery *d, struct MHD_Connection *connection, const char *method, const char *path,
      const RbDeliveryHeaders *headers, Answer *answer, GError **error)
{
    gboolean get = g_str_equal(method, "GET"), put = g_str_equal(method, "PUT");
    gboolean is_token;

    while (g_str_has_prefix(path, "//")) /* the endpoint ends in one, and some clients add another */
        path++;
    is_token = g_str_equal(path, "/latest/api/token");
    if (!rb_delivery_check(headers, d->port, error))
        return FALSE;
    if (g_str_has_prefix(path, "/ecs/"))
        return get ? container(d, path + strlen("/ecs/"), headers, answer, error)
                   : rb_refuse(error, RB_REQUEST_METHOD, "it is not a GET");
    if (!d->metadata || !g_str_has_prefix(path, "/latest/"))
        return rb_refuse(error, RB_REQUEST_NOT_FOUND, "there is nothing at this path");
    if (!check_peer(d, connection, error))
        return FALSE;
    if (is_token ? !put : !get)
        return rb_refuse(error, RB_REQUEST_METHOD, "it is not a %s", is_token ? "PUT" : "GET");
    return is_token ? metadata_token(d, headers, answer, error) : metadata(d, path, headers, answer, error);
}

static void
free_wiped(void *text)
{
    if (text != NULL)
        rb_wipe(text, strlen(text));
    free(text);
}

static enum MHD_Result
send_answer(struct MHD_Connection *connection, unsigned status, Answer *answer)
{
    gsize size = answer->text != NULL ? strlen(answer->text) : 0;
    struct MHD_Response *response =
        answer->text == NULL
            ? NULL
            : MHD_create_response_from_buffer_with_free_callback(size, answer->text, free_wiped);
    enum MHD_Result result;

    if (response == NULL) { /* the connection ends */
        free_wiped(answer->text);
        g_free(answer->ttl);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type", answer->type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (answer->ttl != NULL)
        (void)MHD_add_response_header(response, TOKEN_TTL, answer->ttl);
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    g_free(answer->ttl);
    return result;
}

static enum MHD_Result
handle(void *data, struct MHD_Connection *connection, const char *url, const char *method,
       const char *version, const char *upload, size_t *upload_size, void **request)
{
    RbDelivery *d = data;
    RbDeliveryHeaders headers = { 0 };
    g_autoptr(GError) error = NULL;
    g_autofree char *message = NULL;
    const RbOutcome *outcome;
    Answer answer = { 0 };

    (void)version;
    (void)upload;
    if (*request == NULL) { /* the headers alone */
        *request = d;
        return MHD_YES;
    }
    if (*upload_size != 0) { /* let it pass by; the headers said there would be a body */
        *upload_size = 0;
        return MHD_YES;
    }
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, one_header, &headers);
    if (route(d, connection, method, url, &headers, &answer, &error))
        return send_answer(connection, MHD_HTTP_OK, &answer);
    message = rb_text_printable(error->message, 1000);
    outcome = rb_outcome(error);
    if (!answer_json(&answer, json_pack("{s:s, s:s}", "code", outcome->id, "message", message), NULL))
        answer.text = strdup("{}");
    return send_answer(connection, (unsigned)outcome->status, &answer);
}

/* ---- the server ---- */

/* Paths are compared as they came: decoded, one with %00 in it would end there. */
static size_t
leave_encoded(void *data, struct MHD_Connection *connection, char *text)
{
    (void)data;
    (void)connection;
    return strlen(text);
}

static void
take_options(RbDelivery *d, const RbDeliveryOptions *options)
{
    d->holder = options->holder;
    d->clock = options->clock;
    d->region = g_strdup(options->region);
    d->token = rb_secret_new(rb_secret_reveal(options->token), rb_secret_size(options->token));
    d->metadata_key = rb_secret_new_random(32);
    d->duration_s = options->duration_s;
    d->metadata = options->metadata && options->n_roles > 0;
    d->roles = g_ptr_array_new_with_free_func(role_free);
    for (guint i = 0; i < options->n_roles; i++) {
        Role *role = g_new0(Role, 1);
        role->account = g_strdup(options->roles[i].account);
        role->role = g_strdup(options->roles[i].role);
        g_ptr_array_add(d->roles, role);
    }
}

RbDelivery *
rb_delivery_new(const RbDeliveryOptions *options, GError **error)
{
    g_autoptr(RbDelivery) d = g_new0(RbDelivery, 1);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(options->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const union MHD_DaemonInfo *info;

    take_options(d, options);
    d->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, d,
        MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_END);
    info = d->daemon == NULL ? NULL : MHD_get_daemon_info(d->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL) {
        (void)rb_fault(error, RB_FAULT_NETWORK, "cannot listen on 127.0.0.1:%u: is the port taken?",
                       (guint)options->port);
        return NULL;
    }
    d->port = info->port;
    d->url = g_strdup_printf("http://127.0.0.1:%u", (guint)d->port);
    return g_steal_pointer(&d);
}

void
rb_delivery_free(RbDelivery *d)
{
    if (d == NULL)
        return;
    if (d->daemon != NULL)
        MHD_stop_daemon(d->daemon);
    rb_secret_unref(d->token);
    rb_secret_unref(d->metadata_key);
    if (d->roles != NULL)
        g_ptr_array_unref(d->roles);
    g_free(d->url);
    g_free(d->region);
    g_free(d);
}

const char *
rb_delivery_url(const RbDelivery *d)
{
    return d->url;
}

char *
rb_delivery_role_url(const RbDelivery *d, guint i)
{
    g_autofree char *path = path_of(g_ptr_array_index(d->roles, i));

    return g_strdup_printf("%s/ecs/%s", d->url, path);
}
