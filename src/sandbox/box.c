#include "sandbox/box.h"

#include "base/file.h"
#include "base/refusal.h"
#include "sandbox/iam.h"
#include "sandbox/page.h"
#include "sandbox/signin.h"

#include <string.h>

enum { MAX_PEM = 64 * 1024 };

struct RbBox {
    RbBoxConfig *config;
    RbClock clock;
    RbBoxCloud *cloud;
    RbBoxSts sts;
    RbBoxIam *iam;
    GHashTable *reach; /* issuer → where it is really asked; texts of the configuration */
    RbBoxIdp *idp;
    RbBoxSigner *signer;
    RbBoxOpenid openid;
    RbBoxCi ci;
    RbHttp *http;
    RbBoxConsole *console;
    RbBoxLender *lender;
    char *saml_url;
};

void
rb_box_free(RbBox *box)
{
    if (box == NULL)
        return;
    rb_box_idp_free(box->idp);
    rb_box_signer_free(box->signer);
    for (gsize i = 0; i < G_N_ELEMENTS(box->openid.keys); i++)
        rb_box_token_key_free(box->openid.keys[i]);
    g_free(box->openid.issuer);
    rb_box_ci_clear(&box->ci);
    rb_box_console_free(box->console);
    rb_box_lender_free(box->lender);
    rb_box_iam_free(box->iam);
    g_clear_pointer(&box->reach, g_hash_table_unref);
    rb_box_cloud_free(box->cloud);
    rb_http_free(box->http);
    g_free(box->saml_url);
    rb_box_config_free(box->config);
    g_free(box);
}

/* The account in which the bridge runs, and the role that it runs as: it may assume roles, and nothing else.
 */
static gboolean
build_hub(RbBox *box, RbDiagnostics *problems, GError **error)
{
    static const char reach[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":[\"sts:AssumeRole\","
        "\"sts:TagSession\",\"sts:SetSourceIdentity\"],\"Resource\":\"arn:aws:iam::*:role/*\"}}";
    static const char trust[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\","
        "\"Principal\":{\"Service\":\"ecs-tasks.amazonaws.com\"}}}";
    static const char all[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
        "\"Resource\":\"*\"}}";
    const RbBoxConfig *config = box->config;
    g_autofree char *arn = g_strdup_printf("arn:aws:iam::%s:role/%s", config->hub_account, config->hub_role);
    g_autofree char *problem = NULL;
    const RbBoxRoleSpec hub = { .account = config->hub_account,
                                .partition = "aws",
                                .path = "/",
                                .name = config->hub_role,
                                .max_session_s = 43200,
                                .trust = trust,
                                .identity = reach };
    gboolean good = rb_box_cloud_add_role(box->cloud, &hub, &problem);

    for (guint i = 0; good && i < config->users->len; i++) {
        const RbBoxUser *user = config->users->pdata[i];
        good = rb_box_cloud_add_user(box->cloud, user->account, user->name, user->access_key_id, user->secret,
                                     user->administrator ? all : reach, &problem);
    }
    box->lender =
        rb_box_lender_new(box->cloud, rb_box_cloud_role(box->cloud, arn), config->credentials_token);
    if (!good)
        return rb_fault(error, RB_FAULT_INTERNAL, "a policy of the hub account: %s", problem);
    if (config->empty_accounts)
        return config->mappings_dir == NULL ||
               rb_box_roles_deployer(config->mappings_dir, config->hub_account, box->cloud, problems);
    if (config->compiled_file != NULL)
        return rb_box_compiled_load(config->compiled_file, box->saml_url, box->cloud, problems);
    return config->mappings_dir == NULL ||
           rb_box_roles_load(config->mappings_dir, arn, box->saml_url, box->cloud, problems);
}

/* The identity providers that the accounts' administrators have registered. */
static gboolean
build_providers(RbBox *box, GError **error)
{
    if (box->config->empty_accounts)
        return TRUE; /* they are still to be registered */
    for (guint i = 0; i < box->config->providers->len; i++) {
        const RbBoxProviderConfig *config = box->config->providers->pdata[i];
        g_autofree char *problem = NULL;
        RbBoxProvider *provider =
            rb_box_provider_new(&(RbBoxProviderSpec){ .arn = config->arn,
                                                      .audiences = (const char *const *)config->audiences,
                                                      .reach = config->reach,
                                                      .metadata = config->metadata,
                                                      .max_age_s = config->max_age_s,
                                                      .fetch = rb_box_fetch_http,
                                                      .fetch_data = box->http },
                                &problem);

        if (provider == NULL)
            return rb_fault(error, RB_FAULT_INTERNAL, "aws.providers: %s", problem);
        rb_box_cloud_add_provider(box->cloud, provider);
    }
    return TRUE;
}

/* IAM over all that is there by now. */
static void
build_iam(RbBox *box)
{
    const RbBoxConfig *config = box->config;
    gint64 now = rb_clock_now(&box->clock);

    box->reach = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < config->providers->len; i++) {
        const RbBoxProviderConfig *provider = config->providers->pdata[i];
        const char *slash = strchr(provider->arn, '/');
        if (slash != NULL && provider->reach != NULL)
            g_hash_table_insert(box->reach, (char *)slash + 1, provider->reach);
    }
    box->iam = rb_box_iam_new(&(RbBoxIamSetting){ .cloud = box->cloud,
                                                  .regions = (const char *const *)config->regions,
                                                  .saml_url = box->saml_url,
                                                  .reach = box->reach,
                                                  .fetch = rb_box_fetch_http,
                                                  .fetch_data = box->http,
                                                  .page = config->iam_page,
                                                  .throttle = config->iam_throttle },
                              now);
    for (guint i = 0; !config->empty_accounts && i < config->providers->len; i++) {
        const RbBoxProviderConfig *provider = config->providers->pdata[i];
        rb_box_iam_add_provider(box->iam, provider->arn, (const char *const *)provider->audiences, now);
    }
    for (guint i = 0; i < config->users->len; i++) {
        const RbBoxUser *user = config->users->pdata[i];
        rb_box_iam_add_user(box->iam,
                            &(RbBoxIamUser){ user->account, user->name, user->access_key_id, user->mfa,
                                             user->password, user->key_age_s, user->key_unused_s },
                            now);
    }
}

/* The key in @path; NULL without @error when there is no such setting. */
static RbBoxTokenKey *
load_key(const char *path, GError **error)
{
    g_autoptr(RbSecret) pem = path == NULL ? NULL : rb_file_read_secret(path, MAX_PEM, FALSE, error);

    return pem == NULL ? NULL : rb_box_token_key_new(pem, error);
}

static gboolean
build_openid(RbBox *box, GError **error)
{
    const RbBoxConfig *config = box->config;

    box->openid.issuer = g_strconcat(config->public_url, "/idp/oidc", NULL);
    box->openid.clients = config->clients;
    box->openid.keys[0] = load_key(config->openid_rsa, error);
    if (config->openid_rsa != NULL && box->openid.keys[0] == NULL)
        return FALSE;
    box->openid.keys[1] = load_key(config->openid_ec, error);
    return config->openid_ec == NULL || box->openid.keys[1] != NULL;
}

gboolean
rb_box_load_ci(const RbBoxConfig *config, RbBoxCi *ci, GError **error)
{
    ci->issuer = g_strconcat(config->public_url, "/ci", NULL);
    ci->key = load_key(config->ci_key, error);
    return config->ci_key == NULL || ci->key != NULL;
}

void
rb_box_ci_clear(RbBoxCi *ci)
{
    rb_box_token_key_free(ci->key);
    g_free(ci->issuer);
}

static gboolean
build_idp(RbBox *box, GError **error)
{
    const RbBoxConfig *config = box->config;
    g_autoptr(GBytes) certificate = NULL;
    g_autoptr(RbSecret) key = NULL;

    if (config->idp_key == NULL || config->idp_certificate == NULL)
        return TRUE; /* an AWS alone */
    certificate = rb_file_read(config->idp_certificate, MAX_PEM, error);
    key = certificate == NULL ? NULL : rb_file_read_secret(config->idp_key, MAX_PEM, FALSE, error);
    box->signer = key == NULL ? NULL : rb_box_signer_new(key, certificate, error);
    if (box->signer == NULL)
        return FALSE;
    box->idp = rb_box_idp_new(&(RbBoxIdpSetting){
        .public_url = config->public_url,
        .entity_id = config->entity_id,
        .sp_metadata = (const char *const *)config->service_providers,
        .session_s = config->session_s,
        .people = config->people,
        .signer = box->signer,
        .http = box->http,
        .openid = config->openid_rsa == NULL && config->openid_ec == NULL ? NULL : &box->openid });
    return TRUE;
}

RbBox *
rb_box_new(RbBoxConfig *config, RbClock clock, RbDiagnostics *problems, GError **error)
{
    g_autoptr(RbBox) box = g_new0(RbBox, 1);
    const RbHttpOptions options = { .ca_file = config->ca_file,
                                    .user_agent = "rolebridge-sandbox/" RB_VERSION };

    box->config = config;
    box->clock = clock;
    box->cloud = rb_box_cloud_new();
    box->console = rb_box_console_new(box->cloud, config->public_url);
    box->saml_url = g_strconcat(config->public_url, "/saml", NULL);
    box->sts = (RbBoxSts){ box->cloud, (const char *const *)config->regions, box->saml_url };
    box->http = rb_http_new(&options, error);
    if (box->http == NULL || !build_hub(box, problems, error) || !build_providers(box, error) ||
        !build_openid(box, error) || !build_idp(box, error) || !rb_box_load_ci(config, &box->ci, error))
        return NULL;
    build_iam(box);
    return g_steal_pointer(&box);
}

guint
rb_box_n_roles(const RbBox *box)
{
    return rb_box_cloud_n_roles(box->cloud);
}

static void
start_page(RbBox *box, RbBoxAnswer *answer)
{
    g_auto(GStrv) sps = box->idp == NULL ? g_new0(char *, 1) : rb_box_idp_entity_ids(box->idp);
    RbBoxPage page;

    rb_box_page_begin(&page, "idp", "A company and a cloud in one box");
    rb_box_page_add(
        &page,
        "<div class=\"card\"><p>This is rolebridge-sandbox. It plays Acme's identity provider and an AWS "
        "with "
        "%u roles, on this machine only. Nothing here is real.</p><ul><li><a href=\"/idp/metadata\">The "
        "identity provider's metadata</a>, and <a href=\"/idp/oidc/.well-known/openid-configuration\">its "
        "OpenID "
        "Connect side</a></li><li>STS: <code>POST %s/</code></li><li>Console sign-in: "
        "<code>%s/federation</code>, and by SAML: <code>POST %s/saml</code></li><li><a "
        "href=\"/idp/logout\">Sign out of Acme</a></li></ul></div>",
        rb_box_n_roles(box), box->config->public_url, box->config->public_url, box->config->public_url);
    for (guint i = 0; sps[i] != NULL; i++) {
        g_autofree char *encoded = g_uri_escape_string(sps[i], NULL, FALSE);
        rb_box_page_add(
            &page,
            "<div class=\"card\"><p><a class=\"button\" href=\"/idp/start?sp=%s\">Sign in from here</a></p>"
            "<p class=\"soft\">To <code>%s</code>, without having been asked: it refuses that unless it is "
            "configured to take such sign-ins.</p></div>",
            encoded, sps[i]);
    }
    rb_box_page_end(&page, answer, 200);
}

static gboolean
has_action(const RbBoxRequest *request)
{
    return strcmp(request->method, "POST") == 0 || strstr(request->query, "Action=") != NULL;
}

void
rb_box_answer(gpointer data, const RbBoxRequest *request, RbBoxAnswer *answer)
{
    RbBox *box = data;
    gint64 now = rb_clock_now(&box->clock);
    gboolean get = strcmp(request->method, "GET") == 0;

    if (!get && strcmp(request->method, "POST") != 0)
        rb_box_answer_text(answer, 405, "text/plain; charset=utf-8", "GET and POST only.\n");
    else if ((box->idp != NULL && rb_box_idp_answer(box->idp, request, now, answer)) ||
             rb_box_ci_answer(&box->ci, request, now, answer) ||
             rb_box_console_answer(box->console, request, now, answer))
        return; /* answered */
    else if (!get && strcmp(request->path, "/saml") == 0)
        rb_box_signin_answer(&box->sts, box->console, request, now, answer);
    else if (get && strcmp(request->path, "/credentials") == 0)
        rb_box_lender_answer(box->lender, request, now, answer);
    else if (get && strcmp(request->path, "/healthz") == 0)
        rb_box_answer_text(answer, 200, "text/plain; charset=utf-8", "ok\n");
    else if (has_action(request) && rb_box_iam_wants(request))
        rb_box_iam_answer(box->iam, request, now, answer);
    else if (has_action(request))
        rb_box_sts_answer(&box->sts, request, now, answer); /* whatever its path: SDKs keep a prefix */
    else if (get && strcmp(request->path, "/") == 0)
        start_page(box, answer);
    else
        rb_box_page_problem(answer, "aws", 404, "There is nothing at this address.", "Start at /.");
}
