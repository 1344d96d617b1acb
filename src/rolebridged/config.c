#include "rolebridged/config.h"

#include "base/encoding.h"

#include <string.h>

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static const char *const top_keys[] = {
    "rolebridge",      "public_url",         "listen",        "tls",
    "store",           "mappings",           "mfa",           "aws",
    "issuer",          "identity_providers", "sessions",      "clock_skew",
    "trusted_proxies", "metrics_from",       "sso_start_url", "workers",
    "limits",          "outgoing",           "log",           NULL
};

static char *
resolve(const RbConfig *config, const char *path)
{
    return g_path_is_absolute(path) ? g_strdup(path) : g_build_filename(config->base_dir, path, NULL);
}

static gboolean
is_loopback(const char *host)
{
    return g_str_equal(host, "localhost") || g_str_has_prefix(host, "127.") || g_str_equal(host, "::1");
}

/* "127.0.0.1:8443", "[::1]:8443": whether nobody else can reach it. */
static gboolean
listens_on_loopback(const char *address)
{
    return g_str_has_prefix(address, "127.") || g_str_has_prefix(address, "[::1]:") ||
           g_str_has_prefix(address, "localhost:");
}

/* ---- what people see and where we listen ---- */

static void
read_public_url(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    const RbYaml *node = rb_yaml_get(root, "public_url");
    g_autoptr(GUri) uri = NULL;
    const char *host;

    config->public_url = rb_yaml_string(root, "public_url", NULL, problems);
    if (node == NULL || *config->public_url == '\0')
        return;
    uri = g_uri_parse(config->public_url, G_URI_FLAGS_NONE, NULL);
    host = uri == NULL ? NULL : g_uri_get_host(uri);
    if (host == NULL || *host == '\0' || g_uri_get_userinfo(uri) != NULL)
        rb_yaml_problem(node, problems, "write https://bridge.acme.example", "this is not a URL");
    else if (!g_str_equal(g_uri_get_scheme(uri), "https") &&
             !(g_str_equal(g_uri_get_scheme(uri), "http") && is_loopback(host)))
        rb_yaml_problem(node, problems, "http is for loopback only", "people's browsers must come by https");
    else if (*g_uri_get_path(uri) != '\0' || g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL)
        rb_yaml_problem(node, problems, "give rolebridge a host name of its own",
                        "the URL must end after host and port, without a '/'");
}

static void
read_listen(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    static const char *const fallback[] = { "127.0.0.1:8443", NULL };

    config->listen = rb_yaml_strings(root, "listen", problems);
    if (rb_yaml_get(root, "listen") == NULL) {
        g_strfreev(config->listen);
        config->listen = g_strdupv((char **)fallback);
    } else if (config->listen[0] == NULL)
        rb_yaml_problem(rb_yaml_get(root, "listen"), problems, "write \"0.0.0.0:8443\"",
                        "no address to listen on");
}

/* Clear text reaches nobody else, or a proxy that is named in trusted_proxies. */
static void
check_clear_text(const RbConfig *config, const RbYaml *node, RbDiagnostics *problems)
{
    for (guint i = 0; config->listen[i] != NULL; i++)
        if (!listens_on_loopback(config->listen[i]) && config->trusted_proxies[0] == NULL) {
            g_autofree char *quoted = rb_text_quote(config->listen[i]);
            rb_yaml_problem(node, problems,
                            "set tls: {certificate: …, key: …}, or name the proxies in trusted_proxies",
                            "listening on %s without TLS would show every session to the network", quoted);
        }
}

static void
read_tls(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    static const char *const known[] = { "certificate", "key", NULL };
    const RbYaml *node = rb_yaml_get(root, "tls");
    const RbYaml *key;

    if (node == NULL) {
        rb_yaml_problem(root, problems,
                        "write tls: {certificate: PATH, key: PATH}, or tls: off behind a proxy",
                        "'tls' is missing");
        return;
    }
    if (g_strcmp0(rb_yaml_text(node), "off") == 0) {
        check_clear_text(config, node, problems);
        return;
    }
    if (!rb_yaml_expect(node, RB_YAML_MAP, problems) || !rb_yaml_check_keys(node, known, problems))
        return;
    key = rb_yaml_get(node, "key");
    if (*rb_yaml_string(node, "certificate", NULL, problems) == '\0')
        return;
    if (key == NULL || rb_yaml_kind(key) == RB_YAML_LIST)
        rb_yaml_problem(key == NULL ? node : key, problems, "write key: PATH", "the certificate has no key");
    else
        config->tls = node;
}

static void
read_sso_start_url(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    const RbYaml *node = rb_yaml_get(root, "sso_start_url");

    if (node == NULL)
        return;
    config->sso_start_url = rb_yaml_string(root, "sso_start_url", NULL, problems);
    if (!g_str_has_prefix(config->sso_start_url, "https://"))
        rb_yaml_problem(node, problems, "write https://acme.awsapps.com/start",
                        "the start URL must be https");
}

/* ---- files ---- */

static void
read_store(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    const char *uri = rb_yaml_string(root, "store", "sqlite:///var/lib/rolebridge/state.db", problems);
    const RbYaml *node = rb_yaml_get(root, "store");

    if (g_str_has_prefix(uri, "sqlite:///") && strlen(uri) > strlen("sqlite:///"))
        config->store = g_strdup(uri);
    else if (g_str_has_prefix(uri, "sqlite:") && uri[7] != '/' && uri[7] != '\0') {
        g_autofree char *path = resolve(config, uri + strlen("sqlite:"));
        g_autofree char *whole = g_canonicalize_filename(path, NULL);
        config->store = g_strconcat("sqlite://", whole, NULL);
    } else if (node != NULL && *uri != '\0')
        rb_yaml_problem(node, problems, "write sqlite:///var/lib/rolebridge/state.db",
                        "no such kind of store");
}

static void
read_files(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    static const char *const outgoing_keys[] = { "ca_file", NULL };
    const RbYaml *outgoing = rb_yaml_get(root, "outgoing");

    read_store(config, root, problems);
    config->mappings_dir = resolve(config, rb_yaml_string(root, "mappings", "mappings", problems));
    if (outgoing != NULL && rb_yaml_expect(outgoing, RB_YAML_MAP, problems) &&
        rb_yaml_check_keys(outgoing, outgoing_keys, problems) && rb_yaml_get(outgoing, "ca_file") != NULL)
        config->ca_file = resolve(config, rb_yaml_string(outgoing, "ca_file", NULL, problems));
}

/* ---- times and bounds ---- */

/* The map @key of @root, checked for unknown keys; NULL: not there, or wrong. */
static const RbYaml *
section(const RbYaml *root, const char *key, const char *const *known, RbDiagnostics *problems)
{
    const RbYaml *node = rb_yaml_get(root, key);

    if (node == NULL || !rb_yaml_expect(node, RB_YAML_MAP, problems))
        return NULL;
    (void)rb_yaml_check_keys(node, known, problems); /* reported; the known ones are read all the same */
    return node;
}

static void
read_sessions(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    static const char *const known[] = { "max", "idle", "token", NULL };
    const RbYaml *node = section(root, "sessions", known, problems);

    config->session_s = 8 * HOUR_S;
    config->idle_s = 2 * HOUR_S;
    config->token_s = 0;
    config->skew_s = rb_yaml_duration_s(root, "clock_skew", 0, 300, 60, problems);
    if (node == NULL)
        return;
    config->session_s = rb_yaml_duration_s(node, "max", 300, 7 * DAY_S, config->session_s, problems);
    config->idle_s = rb_yaml_duration_s(node, "idle", 60, 7 * DAY_S, config->idle_s, problems);
    config->token_s = rb_yaml_duration_s(node, "token", 300, 7 * DAY_S, config->token_s, problems);
}

static void
read_workers(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    static const char *const known[] = { "quick", "upstream", "loops", NULL };
    const RbYaml *node = section(root, "workers", known, problems);

    if (node == NULL)
        return;
    config->workers_quick = (guint)rb_yaml_integer(node, "quick", 1, 256, 4, problems);
    config->workers_upstream = (guint)rb_yaml_integer(node, "upstream", 1, 1024, 32, problems);
    config->loops = (guint)rb_yaml_integer(node, "loops", 1, 64, 1, problems);
}

static void
read_limits(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    static const char *const known[] = {
        "connections", "connections_per_address", "read", "write", "queue", "drain", NULL
    };
    const RbYaml *node = section(root, "limits", known, problems);
    RbServeLimits *limits = &config->limits;

    if (node == NULL)
        return;
    limits->connections = (guint)rb_yaml_integer(node, "connections", 16, 100000, 4096, problems);
    limits->connections_per_ip =
        (guint)rb_yaml_integer(node, "connections_per_address", 1, 100000, 256, problems);
    limits->read_s = (guint)rb_yaml_duration_s(node, "read", 1, 300, 30, problems);
    limits->write_s = (guint)rb_yaml_duration_s(node, "write", 1, 300, 60, problems);
    limits->queue = (guint)rb_yaml_integer(node, "queue", 1, 100000, 1024, problems);
    limits->drain_s = (guint)rb_yaml_duration_s(node, "drain", 1, 300, 10, problems);
}

static int
choice(const RbYaml *node, const char *key, const char *const *words, int fallback, RbDiagnostics *problems)
{
    const char *text = rb_yaml_string(node, key, words[fallback], problems);
    g_autofree char *all = g_strjoinv(", ", (char **)words);
    g_autofree char *quoted = rb_text_quote(text);

    for (int i = 0; words[i] != NULL; i++)
        if (g_str_equal(words[i], text))
            return i;
    if (*text != '\0')
        rb_yaml_problem(rb_yaml_get(node, key), problems, NULL, "%s is none of %s", quoted, all);
    return fallback;
}

static void
read_log(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    static const char *const known[] = { "level", "format", NULL };
    static const char *const levels[] = { "debug", "info", "warning", "error", NULL };
    static const char *const formats[] = { "text", "json", NULL };
    const RbYaml *node = section(root, "log", known, problems);

    config->log_level = RB_LOG_INFO;
    if (node == NULL)
        return;
    config->log_level = (RbLogLevel)choice(node, "level", levels, RB_LOG_INFO, problems);
    config->log_json = choice(node, "format", formats, 0, problems) == 1;
}

/* ---- the whole ---- */

static void
read_all(RbConfig *config, const RbYaml *root, RbDiagnostics *problems)
{
    (void)rb_yaml_check_version(root, problems);
    (void)rb_yaml_check_keys(root, top_keys, problems);
    read_public_url(config, root, problems);
    config->trusted_proxies = rb_yaml_strings(root, "trusted_proxies", problems);
    config->metrics_from = rb_yaml_strings(root, "metrics_from", problems);
    read_listen(config, root, problems);
    read_tls(config, root, problems);
    read_sso_start_url(config, root, problems);
    read_files(config, root, problems);
    read_sessions(config, root, problems);
    read_workers(config, root, problems);
    read_limits(config, root, problems);
    read_log(config, root, problems);
    config->mfa = rb_yaml_get(root, "mfa");
    config->aws = rb_yaml_get(root, "aws");
    config->issuer = rb_yaml_get(root, "issuer");
    config->identity_providers = rb_yaml_get(root, "identity_providers");
    if (config->identity_providers == NULL)
        rb_yaml_problem(root, problems,
                        "list who may sign people in: identity_providers: [{id: …, type: saml, …}]",
                        "'identity_providers' is missing");
}

RbConfig *
rb_config_load(const char *path, RbDiagnostics *problems)
{
    g_autoptr(RbYamlDocument) document = rb_yaml_load(path, path, problems);
    g_autofree char *whole = g_canonicalize_filename(path, NULL);
    RbConfig *config;

    if (document == NULL || !rb_yaml_expect(rb_yaml_root(document), RB_YAML_MAP, problems))
        return NULL;
    config = g_new0(RbConfig, 1);
    config->base_dir = g_path_get_dirname(whole);
    config->document = g_steal_pointer(&document);
    read_all(config, rb_yaml_root(config->document), problems);
    return config;
}

void
rb_config_free(RbConfig *config)
{
    if (config == NULL)
        return;
    rb_yaml_document_free(config->document);
    g_free(config->base_dir);
    g_strfreev(config->listen);
    g_free(config->store);
    g_free(config->mappings_dir);
    g_strfreev(config->trusted_proxies);
    g_strfreev(config->metrics_from);
    g_free(config->ca_file);
    g_free(config);
}

RbIssuerSetting
rb_config_issuer(const RbConfig *config, RbHttp *http)
{
    return (RbIssuerSetting){
        .aws = config->aws,
        .issuer = config->issuer,
        .public_url = config->public_url,
        .base_dir = config->base_dir,
        .secret = rb_config_secret,
        .http = http,
        .clock = rb_clock_system(),
    };
}

RbServeSetting
rb_config_serve(const RbConfig *config, GBytes *certificate, const RbSecret *key)
{
    return (RbServeSetting){
        .listen = (const char *const *)config->listen,
        .tls_certificate = certificate,
        .tls_key = key,
        .trusted_proxies = (const char *const *)config->trusted_proxies,
        .metrics_from = config->metrics_from[0] == NULL ? NULL : (const char *const *)config->metrics_from,
        .sso_start_url = config->sso_start_url,
        .workers_quick = config->workers_quick,
        .workers_upstream = config->workers_upstream,
        .loops = config->loops,
        .limits = config->limits,
    };
}
