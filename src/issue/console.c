#include "base/encoding.h"
#include "base/refusal.h"
#include "iam/arn.h"
#include "issue/priv.h"

#include <string.h>

enum { MAX_DESTINATION = 2048, MAX_ANSWER = 64 * 1024 };

static gboolean
is_host_of(const char *host, const char *suffix)
{
    gsize n = strlen(host), m = strlen(suffix);

    if (n == m)
        return g_ascii_strcasecmp(host, suffix) == 0;
    return n > m + 1 && host[n - m - 1] == '.' && g_ascii_strcasecmp(host + n - m, suffix) == 0;
}

/* RFC 3986 characters alone: where parsers disagree (backslashes, blanks, controls), nothing is guessed. */
static gboolean
has_uri_characters(const char *text)
{
    for (; *text != '\0'; text++)
        if (!g_ascii_isalnum(*text) && strchr("-._~:/?#[]@!$&'()*+,;=%", *text) == NULL)
            return FALSE;
    return TRUE;
}

/* A host that is written as it is: GLib has undone "%2f" and the like, which other parsers do not. */
static gboolean
is_plain_host(const char *host)
{
    for (const char *p = host; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && *p != '-' && (*p != '.' || p == host))
            return FALSE;
    return TRUE;
}

static gboolean
same_origin(const GUri *a, const char *endpoint)
{
    g_autoptr(GUri) b = endpoint != NULL ? g_uri_parse(endpoint, G_URI_FLAGS_ENCODED, NULL) : NULL;

    return b != NULL && g_str_equal(g_uri_get_scheme((GUri *)(guintptr)a), g_uri_get_scheme(b)) &&
           g_strcmp0(g_uri_get_host((GUri *)(guintptr)a), g_uri_get_host(b)) == 0 &&
           g_uri_get_port((GUri *)(guintptr)a) == g_uri_get_port(b);
}

/* An address outside the console would be an open redirect that carries somebody's session along. */
static gboolean
check_destination(const RbIssuer *issuer, const RbPartition *partition, const char *destination,
                  GError **error)
{
    g_autoptr(GUri) uri = NULL;
    g_autofree char *quoted = rb_text_quote(destination);
    const char *host;

    if (strnlen(destination, MAX_DESTINATION + 1) <= MAX_DESTINATION && has_uri_characters(destination))
        uri = g_uri_parse(destination, G_URI_FLAGS_ENCODED, NULL);
    host = uri != NULL ? g_uri_get_host(uri) : NULL;
    if (host == NULL || g_uri_get_userinfo(uri) != NULL)
        return rb_refuse(error, RB_STS_DESTINATION, "destination %s is not an absolute URL", quoted);
    if (same_origin(uri, issuer->console_endpoint))
        return TRUE;
    if (!g_str_equal(g_uri_get_scheme(uri), "https") ||
        (g_uri_get_port(uri) != -1 && g_uri_get_port(uri) != 443) || !is_plain_host(host) ||
        !is_host_of(host, partition->console))
        return rb_refuse(error, RB_STS_DESTINATION, "destination %s is not at https://%s", quoted,
                         partition->console);
    return TRUE;
}

/* The account's region, or the service's own, where it is of @partition; NULL: none. */
static const char *
region_of(const RbIssuer *issuer, const RbGrant *grant, const RbPartition *partition)
{
    const char *region = grant->region != NULL ? grant->region : issuer->region;

    return region != NULL && rb_arn_is_region(region) && rb_partition_of_region(region) == partition ? region
                                                                                                     : NULL;
}

char *
rb_signin_url(const RbIssuer *issuer, const RbGrant *grant, const char *path)
{
    const RbPartition *partition = rb_partition(grant->partition);
    const char *region = region_of(issuer, grant, partition);
    gboolean federation = g_str_equal(path, "/federation");

    if (issuer->signin_endpoint != NULL) {
        gsize n = strlen(issuer->signin_endpoint);
        if (g_str_has_suffix(issuer->signin_endpoint, "/federation"))
            n -= strlen("/federation");
        return g_strdup_printf("%.*s%s", (int)n, issuer->signin_endpoint, path);
    }
    if (region == NULL && g_str_equal(partition->name, "aws-eusc"))
        region = partition->first_region; /* it has no global endpoint, and … */
    if (federation && (g_str_equal(partition->name, "aws-cn") || g_str_equal(partition->name, "aws-us-gov")))
        region = NULL; /* … these have no regional one */
    return region != NULL ? g_strdup_printf("https://%s.%s%s", region, partition->signin, path)
                          : g_strdup_printf("https://%s%s", partition->signin, path);
}

/* Browsers hold a form's redirects against its CSP too, and AWS sends them from host to host of these two. */
char *
rb_signin_leads_to(const RbIssuer *issuer, const RbGrant *grant)
{
    const RbPartition *partition = rb_partition(grant->partition);
    GString *sources = g_string_new(NULL);

    if (issuer->signin_endpoint == NULL)
        g_string_append_printf(sources, "https://%s https://*.%s", partition->signin, partition->signin);
    if (issuer->console_endpoint != NULL)
        g_string_append_printf(sources, " %s/", issuer->console_endpoint);
    else
        g_string_append_printf(sources, " https://%s https://*.%s", partition->console, partition->console);
    return g_strchug(g_string_free(sources, FALSE));
}

static GBytes *
build_form(const RbGrant *grant, const RbCredentials *credentials, gint64 now)
{
    /* the three have no character that JSON would escape: rb_credentials_new() saw to it */
    char *session = g_strdup_printf(
        "{\"sessionId\":\"%s\",\"sessionKey\":\"%s\",\"sessionToken\":\"%s\"}", credentials->access_key_id,
        rb_secret_reveal(credentials->secret_access_key), rb_secret_reveal(credentials->session_token));
    RbForm *form = rb_form_new("getSigninToken");
    gint64 left_s = credentials->expiration - now;

    /* refused for a role assumed by a role's credentials; left out, the session ends with the credentials */
    if (!grant->chained && left_s >= RB_STS_MIN_S)
        rb_form_add_number(form, "SessionDuration", MIN(left_s, 43200));
    rb_form_add(form, "Session", session);
    rb_wipe_free(session);
    return rb_form_end(form);
}

static RbSecret *
read_token(const RbHttpResponse *response, GError **error)
{
    gsize size;
    const char *data = g_bytes_get_data(response->body, &size);
    json_t *object = NULL;
    const char *token;
    RbSecret *secret = NULL;

    if (response->status != 200) {
        (void)rb_fault(error, RB_FAULT_STS, "the console's sign-in endpoint answered %d", response->status);
        return NULL;
    }
    object = size > 0 ? json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    token = json_string_value(json_object_get(object, "SigninToken"));
    if (token == NULL || token[0] == '\0')
        (void)rb_fault(error, RB_FAULT_STS, "the console's sign-in endpoint answered without a token");
    else
        secret = rb_secret_new_text(token);
    json_decref(object);
    return secret;
}

static RbSecret *
fetch_token(RbIssuer *issuer, const char *url, GBytes *form, GError **error)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)issuer->timeout_ms * 1000;

    for (guint n = 1;; n++) {
        g_autoptr(RbHttpRequest) request = rb_http_request_new("POST", url);
        g_autoptr(RbHttpResponse) response = NULL;
        g_autoptr(GError) reason = NULL;
        guint ms = (guint)CLAMP((end_us - g_get_monotonic_time()) / 1000, 1, (gint64)issuer->timeout_ms);
        gboolean last;
        rb_http_request_body(request, "application/x-www-form-urlencoded", form);
        rb_http_request_limits(request, MIN(ms, 3000), ms, MAX_ANSWER);
        response = rb_http_fetch(issuer->http, request, &reason);
        last = n >= issuer->max_attempts || g_get_monotonic_time() >= end_us;
        if (response != NULL && (last || response->status < 500))
            return read_token(response, error);
        if (response == NULL && last) {
            g_propagate_error(error, g_steal_pointer(&reason));
            return NULL;
        }
        g_usleep(rb_issuer_jitter_ms(100u << MIN(n, 4u)) * 1000UL);
    }
}

static RbSecret *
build_url(const char *signin, const char *issuer_url, const char *destination, const RbSecret *token)
{
    g_autofree char *from = rb_uri_encode(issuer_url), *to = rb_uri_encode(destination);
    char *encoded = rb_uri_encode(rb_secret_reveal(token));
    char *url =
        g_strdup_printf("%s?Action=login&Issuer=%s&Destination=%s&SigninToken=%s", signin, from, to, encoded);

    rb_wipe_free(encoded);
    return rb_secret_take_text(url);
}

gboolean
rb_issue_check_destination(const RbIssuer *issuer, const RbGrant *grant, const char *destination,
                           GError **error)
{
    const RbPartition *partition = rb_partition(grant->partition);

    if (partition == NULL)
        return rb_refuse(error, RB_STS_INVALID, "no partition of this name");
    return destination == NULL || check_destination(issuer, partition, destination, error);
}

RbConsole *
rb_console_by_credentials(RbIssuer *issuer, const RbConsoleAsk *ask, GError **error)
{
    const RbPartition *partition = rb_partition(ask->grant->partition);
    const RbCredentials *credentials = ask->credentials;
    g_autofree char *signin = rb_signin_url(issuer, ask->grant, "/federation"), *start = NULL;
    g_autoptr(RbSecret) token = NULL;
    g_autoptr(GBytes) form = NULL;
    RbConsole *console;

    if (credentials->session_token == NULL || credentials->expiration <= ask->now) {
        (void)rb_fault(error, RB_FAULT_STS, "the console takes unexpired temporary credentials only");
        return NULL;
    }
    start = issuer->console_endpoint != NULL ? g_strconcat(issuer->console_endpoint, "/", NULL)
                                             : g_strdup_printf("https://%s/", partition->console);
    form = build_form(ask->grant, credentials, ask->now);
    token = fetch_token(issuer, signin, form, error);
    if (token == NULL)
        return NULL;
    console = g_new0(RbConsole, 1);
    console->url =
        build_url(signin, ask->portal_url, ask->destination != NULL ? ask->destination : start, token);
    return console;
}

void
rb_console_free(RbConsole *console)
{
    if (console == NULL)
        return;
    rb_secret_unref(console->url);
    rb_secret_unref(console->saml_response);
    g_free(console->action);
    g_free(console->leads_to);
    g_free(console->relay_state);
    g_free(console->assertion_id);
    g_free(console);
}
