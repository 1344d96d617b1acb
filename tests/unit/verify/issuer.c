#include "issuer.h"

#include <string.h>

static const char *const paths[N_ASKS] = {
    "/.well-known/openid-configuration", "/jwks", "/token", "/userinfo", "/par",
    "/users/0a1b-2c/getMemberObjects"
};

static char *
discovery(const Issuer *issuer)
{
    const char *u = issuer->url;

    return g_strdup_printf(
        "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/auth\",\"token_endpoint\":\"%s/token\","
        "\"jwks_uri\":\"%s/jwks\"%s}",
        u, u, u, u, issuer->discovery_more == NULL ? "" : issuer->discovery_more);
}

static char *
jwks(const Issuer *issuer)
{
    g_autofree char *rsa = jose_jwk(issuer->rsa, "rsa", "\"use\":\"sig\""),
                    *p256 = jose_jwk(issuer->p256, "p256", NULL);
    g_autofree char *p384 = jose_jwk(issuer->p384, "p384", NULL), *ed = jose_jwk(issuer->ed, "ed", NULL);

    return jose_jwks(rsa, p256, p384, ed, NULL);
}

static char *
honest(const Issuer *issuer, guint ask)
{
    switch (ask) {
    case ASK_DISCOVERY:
        return discovery(issuer);
    case ASK_JWKS:
        return jwks(issuer);
    case ASK_TOKEN:
        return g_strdup("{\"access_token\":\"at-1\",\"token_type\":\"Bearer\",\"expires_in\":60}");
    case ASK_USERINFO:
        return g_strdup("{\"sub\":\"ada\"}");
    case ASK_PAR:
        return g_strdup("{\"request_uri\":\"urn:ietf:params:oauth:request_uri:1\",\"expires_in\":60}");
    default:
        return g_strdup("{\"value\":[\"g1\",\"g2\"]}");
    }
}

static void
serve(const ServerRequest *request, ServerReply *reply, gpointer data)
{
    Issuer *issuer = data;
    guint ask = 0;

    while (ask < N_ASKS && strcmp(paths[ask], request->path) != 0)
        ask++;
    if (ask == N_ASKS) {
        reply_text(reply, 404, "text/plain", "nothing here");
        return;
    }
    g_mutex_lock(&issuer->lock);
    {
        const IssuerAnswer *answer = &issuer->answer[ask];
        g_autofree char *body = answer->body != NULL ? g_strdup(answer->body) : honest(issuer, ask);
        issuer->asked[ask]++;
        g_free(issuer->form[ask]);
        issuer->form[ask] = g_strndup(request->body->str, request->body->len);
        g_free(issuer->authorization[ask]);
        issuer->authorization[ask] = g_strdup(g_hash_table_lookup(request->headers, "authorization"));
        reply_text(reply,
                   answer->status != 0 ? answer->status
                   : ask == ASK_PAR    ? 201
                                       : 200,
                   answer->content_type != NULL ? answer->content_type : "application/json", body);
        reply->header = answer->header;
        reply->value = answer->value;
        reply->delay_ms = answer->delay_ms;
    }
    g_mutex_unlock(&issuer->lock);
}

Issuer *
issuer_new(void)
{
    Issuer *issuer = g_new0(Issuer, 1);

    g_mutex_init(&issuer->lock);
    issuer->rsa = jose_key("RSA");
    issuer->next = jose_key("RSA");
    issuer->p256 = jose_key("P-256");
    issuer->p384 = jose_key("P-384");
    issuer->ed = jose_key("Ed25519");
    issuer->server = server_new(serve, issuer, NULL, NULL);
    issuer->url = server_url(issuer->server, "");
    issuer->http = rb_http_new(NULL, NULL);
    g_assert(issuer->http != NULL);
    return issuer;
}

void
issuer_reset(Issuer *issuer)
{
    g_mutex_lock(&issuer->lock);
    for (guint i = 0; i < N_ASKS; i++) {
        g_free(issuer->answer[i].body);
        issuer->answer[i] = (IssuerAnswer){ 0 };
        issuer->asked[i] = 0;
        g_clear_pointer(&issuer->form[i], g_free);
        g_clear_pointer(&issuer->authorization[i], g_free);
    }
    issuer->discovery_more = NULL;
    g_mutex_unlock(&issuer->lock);
}

void
issuer_free(Issuer *issuer)
{
    rb_http_free(issuer->http);
    server_free(issuer->server);
    issuer_reset(issuer);
    EVP_PKEY_free(issuer->rsa);
    EVP_PKEY_free(issuer->next);
    EVP_PKEY_free(issuer->p256);
    EVP_PKEY_free(issuer->p384);
    EVP_PKEY_free(issuer->ed);
    g_mutex_clear(&issuer->lock);
    g_free(issuer->url);
    g_free(issuer);
}

void
issuer_says(Issuer *issuer, guint ask, int status, char *body)
{
    g_mutex_lock(&issuer->lock);
    g_free(issuer->answer[ask].body);
    issuer->answer[ask] = (IssuerAnswer){ .status = status, .body = body };
    g_mutex_unlock(&issuer->lock);
}

static RbSecret *
secret(const RbYaml *node, const char *base_dir, RbDiagnostics *problems)
{
    (void)base_dir;
    if (rb_yaml_kind(node) == RB_YAML_MAP)
        return rb_secret_new_text("s3cret&more");
    rb_yaml_problem(node, problems, "write {file: PATH}", "a secret must not be written in this file");
    return NULL;
}

RbProviders *
issuer_load(Issuer *issuer, const char *yaml, char **problems)
{
    const RbProviderSetting setting = { .public_url = ISSUER_PUBLIC,
                                        .base_dir = "/nowhere",
                                        .skew_s = 60,
                                        .http = issuer->http,
                                        .secret = secret };
    g_autoptr(RbDiagnostics) found = rb_diagnostics_new();
    g_autoptr(RbYamlDocument) document = NULL;
    GString *text = g_string_new(yaml);
    g_autoptr(GBytes) bytes = NULL;
    RbProviders *providers = NULL;

    (void)g_string_replace(text, "%ISSUER%", issuer->url, 0);
    bytes = g_string_free_to_bytes(text);
    document = rb_yaml_parse("rolebridge.yaml", bytes, found);
    if (document != NULL)
        providers = rb_providers_load(rb_yaml_get(rb_yaml_root(document), "identity_providers"),
                                      rb_yaml_get(rb_yaml_root(document), "mfa"), &setting, found);
    *problems = rb_diagnostics_to_text(found, FALSE);
    return providers;
}

char *
issuer_claims(const Issuer *issuer, const char *nonce, const char *change)
{
    json_t *claims = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:[s,s]}", "iss", issuer->url, "aud",
                               "bridge", "sub", "ada", "exp", ISSUER_NOW + 300, "iat", ISSUER_NOW, "nonce",
                               nonce, "name", "Ada Lovelace", "groups", "acme-all", "acme-data-science");
    g_autofree char *object = g_strdup_printf("{%s}", change == NULL ? "" : change);

    return jose_claims(claims, object);
}

char *
issuer_token(const Issuer *issuer, const char *nonce, const char *change)
{
    g_autofree char *claims = issuer_claims(issuer, nonce, change);

    return jose_sign(issuer->rsa, "RS256", "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JWT\"}", claims);
}

void
issuer_gives(Issuer *issuer, const char *id_token)
{
    issuer_says(issuer, ASK_TOKEN, 200,
                g_strdup_printf("{\"access_token\":\"at-1\",\"token_type\":\"bearer\",\"id_token\":\"%s\"}",
                                id_token));
}

char *
url_field(const char *url, const char *name)
{
    const char *query = strchr(url, '?') == NULL ? url : strchr(url, '?') + 1;
    g_auto(GStrv) pairs = g_strsplit(query, "&", -1);

    for (guint i = 0; pairs[i] != NULL; i++)
        if (g_str_has_prefix(pairs[i], name) && pairs[i][strlen(name)] == '=')
            return g_uri_unescape_string(pairs[i] + strlen(name) + 1, NULL);
    return NULL;
}
