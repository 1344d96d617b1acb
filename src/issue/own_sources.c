#include "base/encoding.h"
#include "base/file.h"
#include "base/refusal.h"
#include "iam/arn.h"
#include "issue/priv.h"

#include <string.h>

enum { SOURCE_TRIES = 3, CONTAINER_MS = 2000, IMDS_MS = 1000, SOURCE_MAX = 64 * 1024, TOKEN_MAX = 20000 };

/* ---- what the environment says ---- */

static char *
env(const char *name)
{
    const char *value = g_getenv(name);

    return value != NULL && value[0] != '\0' ? g_strdup(value) : NULL;
}

static RbSecret *
env_secret(const char *name)
{
    const char *value = g_getenv(name);

    return value != NULL && value[0] != '\0' ? rb_secret_new_text(value) : NULL;
}

static char *
env_path(const char *name, const char *file)
{
    char *set = env(name);

    return set != NULL ? set : g_build_filename(g_get_home_dir(), ".aws", file, NULL);
}

void
rb_own_setting_read(RbOwnSetting *s)
{
    g_autofree char *imds = env("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
                    *disabled = env("AWS_EC2_METADATA_DISABLED");

    s->env_key = env("AWS_ACCESS_KEY_ID");
    s->env_secret = env_secret("AWS_SECRET_ACCESS_KEY");
    s->env_token = env_secret("AWS_SESSION_TOKEN");
    s->env_expiration = env("AWS_CREDENTIAL_EXPIRATION");
    s->env_profile = env("AWS_PROFILE");
    s->web_token_file = env("AWS_WEB_IDENTITY_TOKEN_FILE");
    s->web_role_arn = env("AWS_ROLE_ARN");
    s->web_session_name = env("AWS_ROLE_SESSION_NAME");
    s->container_relative = env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    s->container_full = env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    s->container_token = env_secret("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    s->container_token_file = env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    s->config_file = env_path("AWS_CONFIG_FILE", "config");
    s->credentials_file = env_path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    s->imds = imds != NULL ? g_steal_pointer(&imds) : g_strdup("http://169.254.169.254");
    while (g_str_has_suffix(s->imds, "/"))
        s->imds[strlen(s->imds) - 1] = '\0';
    s->relative_to = g_strdup("http://169.254.170.2");
    s->imds_disabled = disabled != NULL && g_ascii_strcasecmp(disabled, "true") == 0;
}

void
rb_own_setting_clear(RbOwnSetting *s)
{
    g_free(s->profile);
    g_free(s->env_key);
    g_free(s->env_expiration);
    g_free(s->env_profile);
    rb_secret_unref(s->env_secret);
    rb_secret_unref(s->env_token);
    g_free(s->web_token_file);
    g_free(s->web_role_arn);
    g_free(s->web_session_name);
    g_free(s->container_relative);
    g_free(s->container_full);
    rb_secret_unref(s->container_token);
    g_free(s->container_token_file);
    g_free(s->config_file);
    g_free(s->credentials_file);
    g_free(s->imds);
    g_free(s->relative_to);
}

/* ---- the sources ---- */

RbCredentials *
rb_own_from_env(const RbOwnSetting *s, gint64 now, GError **error)
{
    gint64 until = 0;

    if (s->env_secret == NULL) {
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS,
                       "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not");
        return NULL;
    }
    if (s->env_expiration != NULL && (!rb_time_parse(s->env_expiration, &until) || until <= now)) {
        (void)rb_fault(
            error, RB_FAULT_STS_CREDENTIALS,
            "AWS_CREDENTIAL_EXPIRATION is past or not a time; a service cannot renew what its environment "
            "holds, so give it a role");
        return NULL;
    }
    return rb_credentials_new(s->env_key, rb_secret_reveal(s->env_secret),
                              s->env_token != NULL ? rb_secret_reveal(s->env_token) : NULL, until, error);
}

static const char *
member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static RbCredentials *
credentials_of(const json_t *object, gint64 now, GError **error)
{
    const char *code = member(object, "Code"), *expiration = member(object, "Expiration");
    const char *token = member(object, "Token");
    gint64 until = 0;

    if (code != NULL && !g_str_equal(code, "Success")) {
        g_autofree char *quoted = rb_text_quote(code);
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS, "the machine's credential endpoint says %s", quoted);
        return NULL;
    }
    if (token == NULL || expiration == NULL || !rb_time_parse(expiration, &until)) {
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS, "the answer lacks Token or Expiration");
        return NULL;
    }
    if (until <= now) {
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS, "the credentials given ended at %s by our clock",
                       expiration);
        return NULL;
    }
    return rb_credentials_new(member(object, "AccessKeyId"), member(object, "SecretAccessKey"), token, until,
                              error);
}

RbCredentials *
rb_own_parse_json(const char *json, gsize size, gint64 now, GError **error)
{
    json_t *object =
        size > 0 && size <= SOURCE_MAX ? json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    RbCredentials *credentials = NULL;

    if (json_is_object(object))
        credentials = credentials_of(object, now, error);
    else
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS, "the answer is not a JSON object");
    json_decref(object);
    return credentials;
}

/* Tries a few times; a refusal (4xx) is final. */
static RbHttpResponse *
fetch(RbIssuer *issuer, const RbHttpRequest *request, const char *what, GError **error)
{
    for (guint n = 1;; n++) {
        g_autoptr(GError) reason = NULL;
        g_autoptr(RbHttpResponse) response = rb_http_fetch(issuer->http, request, &reason);
        if (response != NULL && response->status == 200)
            return g_steal_pointer(&response);
        if (n == SOURCE_TRIES || (response != NULL && response->status < 500 && response->status != 429)) {
            if (response != NULL)
                (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS, "%s answered %d", what, response->status);
            else
                (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS, "%s: %s", what, reason->message);
            return NULL;
        }
        g_usleep((50 + rb_issuer_jitter_ms(100u << n)) * 1000UL);
    }
}

static RbCredentials *
fetch_credentials(RbIssuer *issuer, const RbHttpRequest *request, const char *what, gint64 now,
                  GError **error)
{
    g_autoptr(RbHttpResponse) response = fetch(issuer, request, what, error);
    RbCredentials *credentials;
    gsize size;
    const char *data;

    if (response == NULL)
        return NULL;
    data = g_bytes_get_data(response->body, &size);
    credentials = rb_own_parse_json(data, size, now, error);
    if (credentials == NULL)
        g_prefix_error(error, "%s: ", what);
    return credentials;
}

/* The token is sent as it is, so it must fit a header; the file is read each time, because it is rotated. */
static RbSecret *
container_token(const RbOwnSetting *s, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    gsize size;
    const char *data;

    if (s->container_token_file == NULL)
        return s->container_token != NULL ? rb_secret_ref(s->container_token) : rb_secret_new_text("");
    bytes = rb_file_read(s->container_token_file, TOKEN_MAX, error);
    if (bytes == NULL)
        return NULL;
    data = g_bytes_get_data(bytes, &size);
    if (size == 0 || memchr(data, '\r', size) != NULL || memchr(data, '\n', size) != NULL ||
        memchr(data, '\0', size) != NULL) {
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS,
                       "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE is empty or has a line break in it");
        return NULL;
    }
    return rb_secret_new(data, size);
}

RbCredentials *
rb_own_from_container(RbIssuer *issuer, gint64 now, GError **error)
{
    const RbOwnSetting *s = &issuer->setting;
    g_autofree char *url = NULL;
    g_autoptr(RbHttpRequest) request = NULL;
    g_autoptr(RbSecret) token = container_token(s, error);

    if (token == NULL)
        return NULL;
    if (s->container_relative != NULL && s->container_relative[0] != '/') {
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS,
                       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /");
        return NULL;
    }
    url = s->container_relative != NULL ? g_strconcat(s->relative_to, s->container_relative, NULL)
                                        : g_strdup(s->container_full);
    request = rb_http_request_new("GET", url);
    rb_http_request_allow_link_local(request);
    rb_http_request_limits(request, CONTAINER_MS, CONTAINER_MS, SOURCE_MAX);
    rb_http_request_header(request, "Accept", "application/json");
    if (rb_secret_size(token) > 0)
        rb_http_request_header(request, "Authorization", rb_secret_reveal(token));
    return fetch_credentials(issuer, request, "the container's credential endpoint", now, error);
}

static RbHttpRequest *
imds_request(const RbIssuer *issuer, const char *method, const char *path, const char *name,
             const char *value)
{
    g_autofree char *url = g_strconcat(issuer->setting.imds, path, NULL);
    RbHttpRequest *request = rb_http_request_new(method, url);

    rb_http_request_allow_link_local(request);
    rb_http_request_limits(request, IMDS_MS, IMDS_MS, SOURCE_MAX);
    rb_http_request_header(request, name, value);
    return request;
}

static char *
imds_text(RbIssuer *issuer, const RbHttpRequest *request, const char *what, GError **error)
{
    g_autoptr(RbHttpResponse) response = fetch(issuer, request, what, error);
    gsize size;
    const char *data;

    if (response == NULL)
        return NULL;
    data = g_bytes_get_data(response->body, &size);
    return g_strstrip(g_strndup(size > 0 ? data : "", size));
}

/* Version 2 alone: version 1 answers anybody who can make this machine fetch a URL. */
RbCredentials *
rb_own_from_imds(RbIssuer *issuer, gint64 now, GError **error)
{
    static const char header[] = "X-aws-ec2-metadata-token";
    static const char folder[] = "/latest/meta-data/iam/security-credentials/";
    g_autoptr(RbHttpRequest) ask =
        imds_request(issuer, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "21600");
    g_autofree char *token = imds_text(issuer, ask, "this machine's metadata service (IMDSv2)", error);
    g_autoptr(RbHttpRequest) list = NULL, get = NULL;
    g_autofree char *role = NULL, *path = NULL;

    if (token == NULL)
        return NULL;
    list = imds_request(issuer, "GET", folder, header, token);
    role = imds_text(issuer, list, "this machine's metadata service: its role", error);
    if (role == NULL)
        return NULL;
    role[strcspn(role, "\r\n")] = '\0';
    if (!rb_arn_is_name(role, 1, 64)) {
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS,
                       "this machine has no role; attach an instance profile");
        return NULL;
    }
    path = g_strconcat(folder, role, NULL);
    get = imds_request(issuer, "GET", path, header, token);
    return fetch_credentials(issuer, get, "this machine's metadata service", now, error);
}

RbCredentials *
rb_own_from_web_identity(RbIssuer *issuer, const char *token_file, const char *role_arn,
                         const char *session_name, gint64 now, GError **error)
{
    const char *why = NULL;
    g_autoptr(RbRoleArn) role = role_arn != NULL ? rb_role_arn_parse(role_arn, &why) : NULL;
    g_autoptr(GBytes) token = NULL, form_bytes = NULL;
    g_autofree char *url = NULL, *region = NULL;
    char *text;
    RbForm *form;

    (void)now;
    if (role == NULL) {
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS, "web identity: the role's ARN (AWS_ROLE_ARN): %s",
                       role_arn == NULL ? "not set" : why);
        return NULL;
    }
    token = rb_file_read(token_file, TOKEN_MAX, error);
    url = token != NULL ? rb_issuer_endpoint(issuer, role->partition, NULL, &region, error) : NULL;
    if (url == NULL)
        return NULL;
    form = rb_form_new("AssumeRoleWithWebIdentity");
    text = g_strndup(g_bytes_get_data(token, NULL), g_bytes_get_size(token));
    rb_form_add(form, "Version", "2011-06-15");
    rb_form_add(form, "RoleArn", role_arn);
    rb_form_add(form, "RoleSessionName", session_name != NULL ? session_name : "rolebridge");
    rb_form_add(form, "WebIdentityToken", text);
    rb_wipe_free(text);
    form_bytes = rb_form_end(form);
    return rb_sts_call(
        issuer,
        &(RbStsCall){
            .what = role_arn, .url = url, .region = region, .form = form_bytes, .duration_s = 3600 },
        error);
}

/* The first source that is set up decides: one that fails is an error, not a reason to try another identity.
 */
RbCredentials *
rb_own_fetch(RbIssuer *issuer, gint64 now, char **source, GError **error)
{
    const RbOwnSetting *s = &issuer->setting;
    RbCredentials *found;
    const char *profile = s->env_profile != NULL ? s->env_profile : "default";
    g_autoptr(GError) reason = NULL;

    if (s->profile != NULL) {
        *source = g_strdup_printf("profile '%s'", s->profile);
        return rb_own_from_profile(issuer, s->profile, FALSE, now, error);
    }
    if (s->env_key != NULL) {
        *source = g_strdup("environment");
        return rb_own_from_env(s, now, error);
    }
    if (s->web_token_file != NULL) {
        *source = g_strdup("web identity token");
        return rb_own_from_web_identity(issuer, s->web_token_file, s->web_role_arn, s->web_session_name, now,
                                        error);
    }
    found = rb_own_from_profile(issuer, profile, s->env_profile == NULL, now, &reason);
    if (found != NULL || reason != NULL) {
        *source = g_strdup_printf("profile '%s'", profile);
        if (reason != NULL)
            g_propagate_error(error, g_steal_pointer(&reason));
        return found;
    }
    if (s->container_relative != NULL || s->container_full != NULL) {
        *source = g_strdup("container");
        return rb_own_from_container(issuer, now, error);
    }
    if (s->imds_disabled) {
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS,
                       "no AWS credentials: not in the environment, no profile, no container endpoint, and "
                       "AWS_EC2_METADATA_DISABLED is set (docs/aws-credentials.md)");
        return NULL;
    }
    *source = g_strdup("instance metadata");
    return rb_own_from_imds(issuer, now, error);
}

/* In the order of rb_own_fetch(). */
char *
rb_own_long_lived(const RbIssuer *issuer)
{
    const RbOwnSetting *s = &issuer->setting;
    const char *profile = s->profile != NULL       ? s->profile
                          : s->env_profile != NULL ? s->env_profile
                                                   : "default";
    char *holder = NULL;

    if (s->profile == NULL && s->env_key != NULL)
        return s->env_token == NULL ? g_strdup("environment") : NULL;
    if (s->profile == NULL && s->web_token_file != NULL)
        return NULL;
    return rb_own_profile_long_lived(issuer, profile, &holder) ? holder : NULL;
}
