#include "base/encoding.h"
#include "base/refusal.h"
#include "iam/arn.h"
#include "issue/priv.h"

#include <openssl/rand.h>
#include <string.h>

static const RbIssuerType *const types[] = { &rb_issuer_assume_role, &rb_issuer_web_identity,
                                             &rb_issuer_saml };

guint
rb_issuer_jitter_ms(guint limit_ms)
{
    guint32 random;

    if (RAND_bytes((unsigned char *)&random, sizeof random) != 1)
        g_error("the system's random generator does not answer");
    return limit_ms > 0 ? random % limit_ms : 0;
}

/* ---- configuration ---- */

static gboolean
is_loopback_host(const char *host)
{
    return g_str_equal(host, "localhost") || g_str_equal(host, "127.0.0.1") || g_str_equal(host, "::1");
}

/* An endpoint: https, or http to loopback; a host, maybe a port and a path; nothing else. */
static gboolean
endpoint_fits(const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
    const char *scheme = uri != NULL ? g_uri_get_scheme(uri) : NULL,
               *host = uri != NULL ? g_uri_get_host(uri) : NULL;

    if (host == NULL || host[0] == '\0' || g_uri_get_userinfo(uri) != NULL || g_uri_get_query(uri) != NULL ||
        g_uri_get_fragment(uri) != NULL || strchr(url, '\\') != NULL)
        return FALSE;
    return g_str_equal(scheme, "https") || (g_str_equal(scheme, "http") && is_loopback_host(host));
}

/* (transfer full): the endpoint without slashes at its end, or NULL when it is not set or wrong. */
static char *
read_endpoint(const RbYaml *aws, const char *key, RbDiagnostics *problems)
{
    const RbYaml *node = rb_yaml_get(aws, key);
    char *url;

    if (node == NULL || !rb_yaml_expect(node, RB_YAML_SCALAR, problems))
        return NULL;
    if (!endpoint_fits(rb_yaml_text(node))) {
        g_autofree char *quoted = rb_text_quote(rb_yaml_text(node));
        rb_yaml_problem(node, problems, "write it as https://HOST[:PORT][/PATH]; http is for loopback alone",
                        "%s: %s is not an endpoint", key, quoted);
        return NULL;
    }
    url = g_strdup(rb_yaml_text(node));
    while (g_str_has_suffix(url, "/"))
        url[strlen(url) - 1] = '\0';
    return url;
}

static char *
read_region(const RbYaml *aws, RbDiagnostics *problems)
{
    const char *set = aws != NULL ? rb_yaml_string(aws, "region", "", problems) : "";
    const char *env =
        g_getenv("AWS_REGION") != NULL ? g_getenv("AWS_REGION") : g_getenv("AWS_DEFAULT_REGION");

    if (set[0] == '\0')
        return env != NULL && rb_arn_is_region(env) ? g_strdup(env) : NULL;
    if (!rb_arn_is_region(set)) {
        g_autofree char *quoted = rb_text_quote(set);
        rb_yaml_problem(rb_yaml_get(aws, "region"), problems, "for example eu-central-1",
                        "%s is not a region", quoted);
        return NULL;
    }
    return g_strdup(set);
}

/* A key in a configuration file ends up in a repository. */
static void
check_no_static_keys(const RbYaml *aws, RbDiagnostics *problems)
{
    static const char *const keys[] = { "access_key_id",     "aws_access_key_id",
                                        "secret_access_key", "aws_secret_access_key",
                                        "session_token",     "aws_session_token",
                                        "access_key",        "secret_key" };

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (rb_yaml_get(aws, keys[i]) != NULL) {
            const RbYaml *node = rb_yaml_get(aws, keys[i]);
            rb_diagnostics_hide_line(problems, rb_yaml_file(node), rb_yaml_line(node));
            rb_yaml_problem(node, problems,
                            "use the machine's or task's role, or a profile (docs/aws-credentials.md), and "
                            "make this key invalid in AWS",
                            "an AWS key does not belong in this file");
        }
}

static gboolean
is_static_key(const char *name)
{
    return strstr(name, "access_key") != NULL || strstr(name, "session_token") != NULL ||
           g_str_equal(name, "secret_key");
}

static void
check_keys(const RbYaml *aws, RbDiagnostics *problems)
{
    static const char *const known[] = { "region",  "sts_endpoint", "signin_endpoint", "console_endpoint",
                                         "profile", "timeout",      "max_attempts",    NULL };

    if (!rb_yaml_expect(aws, RB_YAML_MAP, problems))
        return;
    check_no_static_keys(aws, problems);
    for (guint i = 0; i < rb_yaml_size(aws); i++) {
        const RbYaml *key = rb_yaml_key(aws, i);
        const char *name = rb_yaml_text(key), *near = rb_text_nearest(name, known);
        g_autofree char *quoted = rb_text_quote(name);
        g_autofree char *hint = near != NULL ? g_strdup_printf("did you mean '%s'?", near) : NULL;
        if (!g_strv_contains(known, name) && !is_static_key(name))
            rb_yaml_problem(key, problems, hint, "aws has no setting %s", quoted);
    }
}

static void
read_aws(RbIssuer *issuer, const RbYaml *aws, RbDiagnostics *problems)
{
    gboolean map = aws != NULL && rb_yaml_kind(aws) == RB_YAML_MAP;

    if (aws != NULL)
        check_keys(aws, problems);
    issuer->region = read_region(map ? aws : NULL, problems);
    if (map) {
        const char *profile = rb_yaml_string(aws, "profile", "", problems);
        issuer->sts_endpoint = read_endpoint(aws, "sts_endpoint", problems);
        issuer->signin_endpoint = read_endpoint(aws, "signin_endpoint", problems);
        issuer->console_endpoint = read_endpoint(aws, "console_endpoint", problems);
        issuer->setting.profile = profile[0] != '\0' ? g_strdup(profile) : NULL;
        issuer->timeout_ms = (guint)rb_yaml_duration_s(aws, "timeout", 1, 60, 10, problems) * 1000;
        issuer->max_attempts = (guint)rb_yaml_integer(aws, "max_attempts", 1, 10, 3, problems);
    }
}

RbIssuer *
rb_issuer_new(const RbIssuerSetting *setting, RbDiagnostics *problems)
{
    RbIssuer *issuer = g_new0(RbIssuer, 1);

    issuer->http = setting->http;
    issuer->clock = setting->clock;
    issuer->timeout_ms = 10000;
    issuer->max_attempts = 3;
    rb_own_setting_read(&issuer->setting);
    read_aws(issuer, setting->aws, problems);
    rb_issuer_read_federation(issuer, setting, problems);
    issuer->keys = rb_sigv4_keys_new();
    issuer->own = rb_own_new(issuer);
    return issuer;
}

void
rb_issuer_free(RbIssuer *issuer)
{
    if (issuer == NULL)
        return;
    rb_own_free(issuer->own);
    rb_own_setting_clear(&issuer->setting);
    rb_sigv4_keys_free(issuer->keys);
    g_free(issuer->region);
    g_free(issuer->sts_endpoint);
    g_free(issuer->signin_endpoint);
    g_free(issuer->console_endpoint);
    rb_signing_keys_free(issuer->signing_keys);
    g_free(issuer->url);
    g_free(issuer->audience);
    g_free(issuer->entity_id);
    g_free(issuer->portal);
    g_free(issuer);
}

/* ---- issuing ---- */

/* The region asked for, else the service's own where it is of the partition, else the partition's first. */
static const char *
choose_region(const RbIssuer *issuer, const RbPartition *partition, const char *region)
{
    if (region != NULL)
        return region;
    if (issuer->region != NULL && (partition == NULL || rb_partition_of_region(issuer->region) == partition ||
                                   issuer->sts_endpoint != NULL))
        return issuer->region;
    return partition != NULL ? partition->first_region : "us-east-1";
}

char *
rb_issuer_endpoint(const RbIssuer *issuer, const char *partition_name, const char *region, char **signed_for,
                   GError **error)
{
    const RbPartition *partition = rb_partition(partition_name);
    const char *chosen = choose_region(issuer, partition, region);
    g_autofree char *quoted = NULL;

    if (partition == NULL || !rb_arn_is_region(chosen)) {
        quoted = rb_text_quote(chosen);
        (void)rb_refuse(error, RB_STS_INVALID, "no region %s, or no partition of this name", quoted);
        return NULL;
    }
    if (issuer->sts_endpoint == NULL && rb_partition_of_region(chosen) != partition) {
        quoted = rb_text_quote(chosen);
        (void)rb_refuse(error, RB_STS_INVALID, "region %s is not in partition %s", quoted, partition->name);
        return NULL;
    }
    *signed_for = g_strdup(chosen);
    if (issuer->sts_endpoint != NULL)
        return strchr(strstr(issuer->sts_endpoint, "://") + 3, '/') != NULL
                   ? g_strdup(issuer->sts_endpoint)
                   : g_strconcat(issuer->sts_endpoint, "/", NULL);
    return g_strdup_printf("https://sts.%s.%s/", chosen, partition->suffix);
}

/* A person reads this (rb_outcome_detail): what was asked, and the limit that was met. */
static gboolean
refuse_duration(const RbGrant *grant, gint64 wanted, GError **error)
{
    g_autofree char *asked = rb_duration_text(wanted), *most = rb_duration_text(grant->max_session_s);
    g_autofree char *role = rb_duration_text(grant->role_max_session_s);

    if (wanted < RB_STS_MIN_S)
        return rb_refuse(error, RB_STS_DURATION, "asked for %s; AWS gives at least 15m", asked);
    if (grant->role_max_session_s <= grant->max_session_s)
        return rb_refuse(error, RB_STS_DURATION, "asked for %s; role '%s' allows at most %s", asked,
                         grant->role, most);
    return rb_refuse(
        error, RB_STS_DURATION,
        "asked for %s; role '%s' allows %s, but account '%s' at most %s: the bridge takes the role there "
        "with a role of its own, and AWS ends such a session after an hour (role chaining)",
        asked, grant->role, role, grant->account_name, most);
}

gboolean
rb_issuer_check_duration(const RbGrant *grant, gint64 asked_s, gint64 *duration_s, GError **error)
{
    gint64 wanted = asked_s != 0 ? asked_s : MIN(grant->default_session_s, grant->max_session_s);

    if (wanted < RB_STS_MIN_S || wanted > grant->max_session_s)
        return refuse_duration(grant, wanted, error);
    *duration_s = wanted;
    return TRUE;
}

const RbIssuerType *
rb_issuer_type(const RbGrant *grant)
{
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i]->method == grant->method)
            return types[i];
    g_error("a grant with an issuer method that the mapping does not know");
}

RbSigningKey *
rb_issuer_key(RbIssuer *issuer, const RbOrder *order, RbKeyUse use, GError **error)
{
    if (issuer->signing_keys != NULL)
        return rb_signing_keys_current(issuer->signing_keys, use, order->now, error);
    (void)rb_fault(error, RB_FAULT_KEYS,
                   "account %s has issue.method '%s' in accounts.yaml, and rolebridge.yaml has no 'issuer'",
                   order->grant->account, rb_issuer_type(order->grant)->name);
    return NULL;
}

char *
rb_issuer_new_id(const char *prefix)
{
    guint8 random[16];
    g_autofree char *hex = NULL;

    if (RAND_bytes(random, sizeof random) != 1)
        g_error("the system's random generator does not answer");
    hex = rb_hex_encode(random, sizeof random);
    return g_strconcat(prefix, hex, NULL);
}

/* What is asked for, checked as far as all methods ask alike. */
static gboolean
make_order(const RbGrant *grant, const RbIdentity *identity, gint64 asked_s, gint64 now, RbOrder *order,
           GError **error)
{
    *order = (RbOrder){ grant, identity, 0, now };
    return rb_issuer_check_duration(grant, asked_s, &order->duration_s, error) &&
           rb_identity_check_name(identity->name, error);
}

RbCredentials *
rb_issue(RbIssuer *issuer, const RbGrant *grant, const RbIdentity *identity, gint64 asked_s, gint64 now,
         GError **error)
{
    RbOrder order;

    return make_order(grant, identity, asked_s, now, &order, error)
               ? rb_issuer_type(grant)->issue(issuer, &order, error)
               : NULL;
}

gboolean
rb_issue_console_by_form(const RbGrant *grant)
{
    return rb_issuer_type(grant)->console != NULL && grant->session_policy == NULL;
}

RbConsole *
rb_issue_console(RbIssuer *issuer, const RbConsoleAsk *ask, GError **error)
{
    RbOrder order;

    if (!rb_issue_check_destination(issuer, ask->grant, ask->destination, error))
        return NULL;
    if (!rb_issue_console_by_form(ask->grant))
        return rb_console_by_credentials(issuer, ask, error);
    return make_order(ask->grant, ask->identity, ask->asked_s, ask->now, &order, error)
               ? rb_issuer_type(ask->grant)->console(issuer, &order, ask->destination, error)
               : NULL;
}

gint64
rb_issuer_refresh(RbIssuer *issuer, gint64 now, GError **error)
{
    return rb_own_refresh(issuer->own, now, error);
}

RbCredentials *
rb_issuer_own(RbIssuer *issuer, gint64 now, GError **error)
{
    return rb_own_get(issuer->own, now, error);
}

json_t *
rb_issuer_status(RbIssuer *issuer, gint64 now)
{
    return rb_own_status(issuer->own, now);
}

char *
rb_issuer_long_lived(const RbIssuer *issuer)
{
    return rb_own_long_lived(issuer);
}

char *
rb_issuer_sts_url(const RbIssuer *issuer, GError **error)
{
    const char *partition = issuer->region != NULL ? rb_partition_of_region(issuer->region)->name : "aws";
    g_autofree char *region = NULL;

    return rb_issuer_endpoint(issuer, partition, NULL, &region, error);
}
