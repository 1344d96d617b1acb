#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/priv.h"

#include <string.h>

/* rolebridge as the identity provider of AWS accounts: what `issuer` in rolebridge.yaml says. */

enum { MAX_URL = 255, MAX_AUDIENCE = 255, MAX_ENTITY_ID = 1024, MAX_TOKEN_LABEL = 32 };

static gboolean
is_loopback(const char *host)
{
    return g_str_equal(host, "localhost") || g_str_has_prefix(host, "127.") || g_str_equal(host, "::1");
}

/* What IAM takes as the URL of an OIDC provider (reference: CreateOpenIDConnectProvider), or, for sandboxes,
 * an address on loopback. NULL: fine; else what is wrong. */
static const char *
url_problem(const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
    const char *host = uri == NULL ? NULL : g_uri_get_host(uri);
    gboolean loopback;

    if (host == NULL || *host == '\0' || strchr(url, '\\') != NULL)
        return "this is not a URL";
    loopback = is_loopback(host);
    if (!g_str_equal(g_uri_get_scheme(uri), "https") &&
        !(loopback && g_str_equal(g_uri_get_scheme(uri), "http")))
        return "AWS takes an issuer by https alone";
    if (g_uri_get_userinfo(uri) != NULL || g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL)
        return "AWS takes no user, query or fragment in an issuer";
    if (g_uri_get_port(uri) != -1 && !loopback)
        return "AWS takes no port in an issuer";
    if (g_str_has_suffix(url, "/"))
        return "the issuer must not end in '/': AWS compares it letter by letter";
    return strlen(url) > MAX_URL ? "AWS takes an issuer of at most 255 characters" : NULL;
}

static gboolean
is_plain(const char *text, gsize max)
{
    gsize n = strlen(text);

    for (const char *p = text; *p != '\0'; p++)
        if (!g_ascii_isgraph(*p))
            return FALSE;
    return n > 0 && n <= max;
}

static void
read_names(RbIssuer *issuer, const RbYaml *node, RbDiagnostics *problems)
{
    const RbYaml *entity = rb_yaml_get(node, "entity_id");
    g_autofree char *usual = g_strconcat(issuer->url, "/saml", NULL);

    issuer->entity_id = g_strdup(rb_yaml_string(node, "entity_id", usual, problems));
    if (entity != NULL && rb_yaml_kind(entity) == RB_YAML_SCALAR &&
        !is_plain(issuer->entity_id, MAX_ENTITY_ID))
        rb_yaml_problem(entity, problems, "write a URI: https://bridge.acme.example/saml",
                        "an entity id has 1 to %d characters, without blanks", MAX_ENTITY_ID);
}

static char *
resolve(const char *base_dir, const char *path)
{
    return g_path_is_absolute(path) ? g_strdup(path) : g_build_filename(base_dir, path, NULL);
}

/* `pkcs11`, when it is there. */
static gboolean
read_pkcs11(const RbIssuerSetting *setting, RbSigningKeysSetting *keys, RbDiagnostics *problems)
{
    static const char *const known[] = { "module", "token", "pin", NULL };
    const RbYaml *node = rb_yaml_get(setting->issuer, "pkcs11"), *pin;
    guint before = rb_diagnostics_count(problems);

    if (node == NULL)
        return TRUE;
    if (!rb_yaml_expect(node, RB_YAML_MAP, problems) || !rb_yaml_check_keys(node, known, problems))
        return FALSE;
    pin = rb_yaml_get(node, "pin");
    keys->pkcs11_module = g_strdup(rb_yaml_string(node, "module", NULL, problems));
    keys->pkcs11_token = g_strdup(rb_yaml_string(node, "token", NULL, problems));
    if (keys->pkcs11_module[0] != '\0' && !g_path_is_absolute(keys->pkcs11_module))
        rb_yaml_problem(rb_yaml_get(node, "module"), problems, "write /usr/lib/softhsm/libsofthsm2.so",
                        "the module must be an absolute file name");
    if (strlen(keys->pkcs11_token) > MAX_TOKEN_LABEL)
        rb_yaml_problem(rb_yaml_get(node, "token"), problems, NULL, "a token's label has at most %d bytes",
                        MAX_TOKEN_LABEL);
    if (pin == NULL)
        rb_yaml_problem(node, problems, "write pin: {file: PATH}", "'pin' is missing");
    else if (setting->secret != NULL)
        keys->pkcs11_pin = setting->secret(pin, setting->base_dir, problems);
    return rb_diagnostics_count(problems) == before && keys->pkcs11_pin != NULL;
}

gboolean
rb_issuer_read_keys(const RbIssuerSetting *setting, RbSigningKeysSetting *keys, RbDiagnostics *problems)
{
    const char *name = rb_yaml_string(setting->issuer, "keys", "certs/issuer", problems);
    g_autofree char *resolved = resolve(setting->base_dir, name);

    if (*name == '\0')
        return FALSE;
    keys->dir = g_canonicalize_filename(resolved, NULL);
    return read_pkcs11(setting, keys, problems);
}

static void
read_keys(RbIssuer *issuer, const RbIssuerSetting *setting, RbDiagnostics *problems)
{
    const RbYaml *node = rb_yaml_get(setting->issuer, "keys");
    g_auto(RbSigningKeysSetting) keys = { 0 };
    g_autoptr(GError) why = NULL;

    if (!rb_issuer_read_keys(setting, &keys, problems))
        return;
    issuer->signing_keys = rb_signing_keys_new(&keys, &why);
    if (issuer->signing_keys == NULL ||
        !rb_signing_keys_reload(issuer->signing_keys, rb_clock_now(&setting->clock), &why))
        rb_yaml_problem(node != NULL ? node : setting->issuer, problems, NULL, "%s", why->message);
}

char *
rb_issuer_read_url(const RbIssuerSetting *setting, RbDiagnostics *problems)
{
    const RbYaml *node = rb_yaml_get(setting->issuer, "url");
    const char *usual = setting->public_url == NULL ? "" : setting->public_url;
    const char *url = rb_yaml_string(setting->issuer, "url", usual, problems);
    const char *problem = *url == '\0' && node == NULL ? NULL : url_problem(url);

    if (problem != NULL)
        rb_yaml_problem(node != NULL ? node : setting->issuer, problems,
                        node != NULL ? "write url: https://bridge.acme.example"
                                     : "public_url does not do here: write url: https://bridge.acme.example",
                        "%s", problem);
    return g_strdup(url);
}

char *
rb_issuer_read_audience(const RbIssuerSetting *setting, RbDiagnostics *problems)
{
    const RbYaml *audience = rb_yaml_get(setting->issuer, "audience");
    const char *text = rb_yaml_string(setting->issuer, "audience", "sts.amazonaws.com", problems);

    if (audience != NULL && rb_yaml_kind(audience) == RB_YAML_SCALAR && !is_plain(text, MAX_AUDIENCE))
        rb_yaml_problem(audience, problems,
                        "write what is among the provider's client ids: sts.amazonaws.com",
                        "an audience has 1 to %d characters, without blanks", MAX_AUDIENCE);
    return g_strdup(text);
}

void
rb_issuer_read_federation(RbIssuer *issuer, const RbIssuerSetting *setting, RbDiagnostics *problems)
{
    static const char *const known[] = { "url", "audience", "entity_id", "keys", "pkcs11", NULL };

    if (setting->issuer == NULL || !rb_yaml_expect(setting->issuer, RB_YAML_MAP, problems))
        return;
    (void)rb_yaml_check_keys(setting->issuer, known, problems); /* reported; the known ones are read */
    issuer->portal = g_strdup(setting->public_url);
    issuer->url = rb_issuer_read_url(setting, problems);
    issuer->audience = rb_issuer_read_audience(setting, problems);
    read_names(issuer, setting->issuer, problems);
    read_keys(issuer, setting, problems);
}

const char *
rb_issuer_url(const RbIssuer *issuer)
{
    return issuer->url;
}

const char *
rb_issuer_audience(const RbIssuer *issuer)
{
    return issuer->audience;
}

const char *
rb_issuer_entity_id(const RbIssuer *issuer)
{
    return issuer->entity_id;
}

RbSigningKeys *
rb_issuer_keys(const RbIssuer *issuer)
{
    return issuer->signing_keys;
}
