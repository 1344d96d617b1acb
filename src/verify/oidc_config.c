#include "base/encoding.h"
#include "base/file.h"
#include "verify/oidc.h"

#include <string.h>

enum { MAX_AGE_S = 30 * 86400 };

/* The place of @key's word in @words; 0 when it is not there or is none of them. */
static int
choice(const RbYaml *node, const char *key, const char *const *words, RbDiagnostics *problems)
{
    const char *word = rb_yaml_string(node, key, words[0], problems);
    g_autofree char *all = g_strjoinv(", ", (char **)words);
    g_autofree char *message = NULL;

    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    message = g_strdup_printf("'%s' must be one of these", key);
    if (*word != '\0')
        rb_yaml_field_problem(node, key, problems, all, message);
    return 0;
}

static char *
optional(const RbYaml *node, const char *key, RbDiagnostics *problems)
{
    const char *value = rb_yaml_string(node, key, "", problems);

    return *value == '\0' ? NULL : g_strdup(value);
}

static void
load_key(RbOidc *oidc, const RbYaml *node, RbDiagnostics *problems)
{
    const char *name = rb_yaml_string(node, "client_key", NULL, problems);
    g_autoptr(GError) error = NULL;
    g_autofree char *path = rb_seat_path(oidc->seat, name);
    g_autoptr(RbSecret) pem = NULL;

    if (*name == '\0')
        return;
    pem = rb_file_read_secret(path, RB_SIGN_MAX_KEY_FILE, FALSE, &error);
    oidc->client_key = pem == NULL ? NULL : rb_private_key_parse(pem, &error);
    if (oidc->client_key == NULL)
        rb_yaml_field_problem(node, "client_key", problems,
                              "a PEM private key that only this service can read (mode 0600)",
                              error->message);
}

/* How we prove to the token endpoint who we are. */
static void
load_auth(RbOidc *oidc, const RbYaml *node, RbDiagnostics *problems)
{
    static const char *const words[] = { "client_secret_basic", "client_secret_post", "private_key_jwt",
                                         "none", NULL };
    const RbYaml *secret = rb_yaml_get(node, "client_secret");
    gboolean takes_secret;

    oidc->auth = rb_yaml_get(node, "client_auth") == NULL && rb_yaml_get(node, "client_key") != NULL
                     ? RB_OIDC_PRIVATE_KEY_JWT
                     : (RbOidcAuth)choice(node, "client_auth", words, problems);
    takes_secret = oidc->auth == RB_OIDC_BASIC || oidc->auth == RB_OIDC_POST;
    oidc->client_key_id = optional(node, "client_key_id", problems);
    if (takes_secret && secret == NULL)
        rb_yaml_field_problem(node, "client_secret", problems,
                              "add client_secret: {file: PATH}, client_key, or client_auth: none",
                              "the issuer cannot tell that it is us");
    else if (!takes_secret && secret != NULL)
        rb_yaml_field_problem(node, "client_secret", problems, "remove it, or change client_auth",
                              "a client secret that is not used");
    else if (takes_secret && oidc->seat->secret != NULL)
        oidc->client_secret = oidc->seat->secret(secret, oidc->seat->base_dir, problems);
    if (oidc->auth == RB_OIDC_PRIVATE_KEY_JWT)
        load_key(oidc, node, problems);
    else if (rb_yaml_get(node, "client_key") != NULL)
        rb_yaml_field_problem(node, "client_key", problems, "remove it, or set client_auth: private_key_jwt",
                              "a client key that is not used");
}

/* A scope is what a scope may be (RFC 6749 §3.3), and "openid" is always one of them. */
static void
load_scopes(RbOidc *oidc, const RbYaml *node, RbDiagnostics *problems)
{
    g_auto(GStrv) scopes = rb_yaml_strings(node, "scopes", problems);
    GString *all = g_string_new("openid");

    if (rb_yaml_get(node, "scopes") == NULL)
        g_string_append(all, " profile email");
    for (guint i = 0; scopes[i] != NULL; i++) {
        if (*scopes[i] == '\0' || strpbrk(scopes[i], " \"\\\t\r\n") != NULL)
            rb_yaml_field_problem(node, "scopes", problems, "a list, one scope an entry",
                                  "this is not one scope");
        else if (strcmp(scopes[i], "openid") != 0)
            g_string_append_printf(all, " %s", scopes[i]);
    }
    oidc->scope = g_string_free(all, FALSE);
}

static void
load_claims(RbOidc *oidc, const RbYaml *node, RbDiagnostics *problems)
{
    static const char *const userinfo[] = { "missing", "always", "never", NULL };
    static const char *const par[] = { "auto", "never", NULL };

    oidc->name_claim = g_strdup(rb_yaml_string(node, "name", "sub", problems));
    oidc->group_claims = rb_yaml_strings(node, "groups", problems);
    oidc->acr_values = rb_yaml_strings(node, "acr_values", problems);
    oidc->max_age_s = rb_yaml_duration_s(node, "max_age", 60, MAX_AGE_S, 0, problems);
    oidc->userinfo = (RbOidcUserinfo)choice(node, "userinfo", userinfo, problems);
    oidc->never_par = choice(node, "par", par, problems) == 1;
    oidc->redirect_uri = g_strdup_printf("%s/oidc/%s/callback", oidc->seat->public_url, oidc->seat->id);
    oidc->logout_uri = g_strdup_printf("%s/oidc/%s/logout", oidc->seat->public_url, oidc->seat->id);
}

/* Where groups are asked for when a token leaves them out. Never where the token says. */
static void
load_overage(RbOidc *oidc, const RbYaml *node, RbDiagnostics *problems)
{
    static const char *const known[] = { "endpoint", "token_endpoint", "scope", NULL };
    const RbYaml *overage = rb_yaml_get(node, "overage");

    if (overage == NULL || !rb_yaml_expect(overage, RB_YAML_MAP, problems))
        return;
    (void)rb_yaml_check_keys(overage, known, problems);
    oidc->overage_endpoint = g_strdup(rb_yaml_string(overage, "endpoint", NULL, problems));
    oidc->overage_token_endpoint = optional(overage, "token_endpoint", problems);
    oidc->overage_scope =
        g_strdup(rb_yaml_string(overage, "scope", "https://graph.microsoft.com/.default", problems));
    if (*oidc->overage_endpoint != '\0' && (!rb_oidc_url_fits(oidc->source.issuer, oidc->overage_endpoint) ||
                                            strstr(oidc->overage_endpoint, "/{oid}/") == NULL))
        rb_yaml_field_problem(overage, "endpoint", problems,
                              "write https://graph.microsoft.com/v1.0/users/{oid}/getMemberObjects",
                              "an https address with /{oid}/ in it is needed");
    if (oidc->overage_token_endpoint != NULL &&
        !rb_oidc_url_fits(oidc->source.issuer, oidc->overage_token_endpoint))
        rb_yaml_field_problem(overage, "token_endpoint", problems, "use https://",
                              "tokens are only fetched by https");
    if (oidc->auth == RB_OIDC_NONE)
        rb_yaml_field_problem(node, "overage", problems, "set client_secret or client_key",
                              "groups can only be asked for by a client that proves who it is");
}

gpointer
rb_oidc_load(const RbYaml *node, const RbSeat *seat, RbDiagnostics *problems)
{
    static const char *const known[] = {
        "id",         "type",    "title",         "realm",   "issuer", "client_id",   "client_secret",
        "client_key", "scopes",  "client_key_id", "name",    "groups", "client_auth", "algorithms",
        "acr_values", "max_age", "userinfo",      "overage", "par",    "refresh",     NULL
    };
    RbOidc *oidc = g_new0(RbOidc, 1);

    oidc->seat = seat;
    (void)rb_yaml_check_keys(node, known, problems);
    rb_oidc_source_load(&oidc->source, node, seat, TRUE, problems);
    oidc->client_id = g_strdup(rb_yaml_string(node, "client_id", NULL, problems));
    load_auth(oidc, node, problems);
    load_scopes(oidc, node, problems);
    load_claims(oidc, node, problems);
    load_overage(oidc, node, problems);
    return oidc;
}

void
rb_oidc_unload(gpointer self)
{
    RbOidc *oidc = self;

    rb_oidc_source_clear(&oidc->source);
    rb_secret_unref(oidc->client_secret);
    rb_private_key_unref(oidc->client_key);
    g_strfreev(oidc->group_claims);
    g_strfreev(oidc->acr_values);
    g_free(oidc->client_id);
    g_free(oidc->client_key_id);
    g_free(oidc->redirect_uri);
    g_free(oidc->logout_uri);
    g_free(oidc->scope);
    g_free(oidc->name_claim);
    g_free(oidc->overage_endpoint);
    g_free(oidc->overage_token_endpoint);
    g_free(oidc->overage_scope);
    g_free(oidc);
}
