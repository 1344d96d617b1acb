#include "fixture.h"

#include "folder.h"

#include "base/yaml.h"

#include <glib/gstdio.h>

const char sts_ok[] =
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
    "  <AssumeRoleResult>\n"
    "    <Credentials><AccessKeyId>ASIABTX3GSDSQBNMGHLQ</AccessKeyId>"
    "<SecretAccessKey>0c0c0c0c0c0c0c0c0c0c/0c0c0c0c0c0c0c0c0c0</SecretAccessKey>"
    "<SessionToken>IQoJb3JpZ2luX2VjE==</SessionToken><Expiration>2026-11-24T10:00:00Z</Expiration></"
    "Credentials>\n"
    "    <AssumedRoleUser><AssumedRoleId>AROAZ3EXAMPLE5T6PLW2N:ada@acme.example</AssumedRoleId>"
    "<Arn>arn:aws:sts::111122223333:assumed-role/data-scientist/ada@acme.example</Arn></AssumedRoleUser>\n"
    "    <PackedPolicySize>6</PackedPolicySize><SourceIdentity>ada@acme.example</SourceIdentity>\n"
    "  </AssumeRoleResult>\n"
    "  <ResponseMetadata><RequestId>0b6f7f0e-51c8-4d2b-9f0e-7b1f3c2f9f11</RequestId></ResponseMetadata>\n"
    "</AssumeRoleResponse>";

static gint64
fixed_now(gpointer data)
{
    (void)data;
    return NOW;
}

static void
answer(const ServerRequest *request, ServerReply *reply, gpointer data)
{
    Aws *aws = data;
    const Answer *chosen;

    pthread_mutex_lock(&aws->lock);
    chosen = &aws->answers[MIN(aws->asked, aws->n_answers - 1)];
    aws->asked++;
    g_string_assign(aws->last, request->body->str);
    g_free(aws->last_target);
    aws->last_target = g_strdup(request->path);
    g_free(aws->last_method);
    aws->last_method = g_strdup(request->method);
    g_free(aws->authorization);
    aws->authorization = g_strdup(g_hash_table_lookup(request->headers, "authorization"));
    g_free(aws->token);
    aws->token = g_strdup(g_hash_table_lookup(request->headers, "x-amz-security-token"));
    reply->delay_ms = aws->delay_ms;
    pthread_mutex_unlock(&aws->lock);
    if (chosen->body == NULL)
        reply->break_off = TRUE;
    else
        reply_text(reply, chosen->status, "text/xml", chosen->body);
}

void
clear_environment(void)
{
    g_auto(GStrv) names = g_listenv();

    for (char **n = names; *n != NULL; n++)
        if (g_str_has_prefix(*n, "AWS_"))
            g_unsetenv(*n);
    g_setenv("AWS_CONFIG_FILE", "/nonexistent/config", TRUE);
    g_setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", TRUE);
    g_setenv("AWS_EC2_METADATA_DISABLED", "true", TRUE);
}

/* (transfer full): @text with the server's URL for %s; NULL: none. */
static RbYamlDocument *
parse(Aws *aws, const char *text, RbDiagnostics *problems)
{
    g_autofree char *url = server_url(aws->server, "");
    GString *filled = g_string_new(text);
    g_autoptr(GBytes) bytes = NULL;

    g_string_replace(filled, "%s", url, 0);
    bytes = g_string_free_to_bytes(filled);
    return text != NULL ? rb_yaml_parse("rolebridge.yaml", bytes, problems) : NULL;
}

void
aws_renew(Aws *aws, const char *yaml)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *keys = aws->keys_dir != NULL ? g_strdup_printf("{ keys: %s }", aws->keys_dir) : NULL;
    g_autoptr(RbYamlDocument) document = parse(aws, yaml, problems), trusted = parse(aws, keys, problems);

    rb_issuer_free(aws->issuer);
    aws->issuer = rb_issuer_new(&(RbIssuerSetting){ .aws = document != NULL ? rb_yaml_root(document) : NULL,
                                                    .issuer = trusted != NULL ? rb_yaml_root(trusted) : NULL,
                                                    .public_url = "https://bridge.acme.example",
                                                    .base_dir = "/",
                                                    .http = aws->http,
                                                    .clock = { fixed_now, NULL } },
                                problems);
    if (rb_diagnostics_count(problems) > 0) {
        g_autofree char *line = rb_diagnostics_to_line(problems);
        fail_msg("%s", line);
    }
}

static void
make_key(char *dir, RbKeyUse use)
{
    const RbSigningKeysSetting setting = { .dir = (char *)dir };
    const RbKeyOrder order = { use, NULL, "bridge.acme.example", NOW };
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GPtrArray) entries = rb_key_entries_read(dir, problems);
    g_autoptr(GError) error = NULL;

    if (entries == NULL || rb_key_entries_make(&setting, entries, &order, NOW, &error) == NULL)
        fail_msg("%s", error != NULL ? error->message : "keys.json");
}

void
aws_trusted(Aws *aws, const char *yaml)
{
    aws->keys_dir = g_dir_make_tmp("rolebridge-keys-XXXXXX", NULL);
    assert_non_null(aws->keys_dir);
    make_key(aws->keys_dir, RB_KEY_TOKEN);
    make_key(aws->keys_dir, RB_KEY_ASSERTION);
    aws_renew(aws, yaml);
}

Aws *
aws_new(const char *yaml)
{
    static const Answer ok = { 200, sts_ok };
    Aws *aws = g_new0(Aws, 1);
    g_autoptr(GError) error = NULL;

    (void)pthread_mutex_init(&aws->lock, NULL);
    aws->last = g_string_new(NULL);
    aws_answer(aws, &ok, 1);
    aws->server = server_new(answer, aws, NULL, NULL);
    aws->http = rb_http_new(NULL, &error);
    if (aws->http == NULL)
        fail_msg("%s", error->message);
    aws_renew(aws, yaml);
    return aws;
}

void
aws_free(Aws *aws)
{
    rb_issuer_free(aws->issuer);
    rb_http_free(aws->http);
    server_free(aws->server);
    pthread_mutex_destroy(&aws->lock);
    (void)g_string_free(aws->last, TRUE);
    g_free(aws->last_target);
    g_free(aws->last_method);
    g_free(aws->authorization);
    g_free(aws->token);
    if (aws->keys_dir != NULL)
        remove_tree(aws->keys_dir);
    g_free(aws->keys_dir);
    g_free(aws);
}

void
aws_answer(Aws *aws, const Answer *answers, guint n)
{
    pthread_mutex_lock(&aws->lock);
    aws->answers = answers;
    aws->n_answers = n;
    aws->asked = 0;
    pthread_mutex_unlock(&aws->lock);
}

RbGrant
grant_for(const char *role_arn)
{
    return (RbGrant){ .account = "111122223333",
                      .account_name = "analytics-prod",
                      .partition = "aws",
                      .role = "data-scientist",
                      .role_arn = role_arn,
                      .default_session_s = 3600,
                      .max_session_s = 3600,
                      .chained = TRUE,
                      .method = RB_ISSUE_ASSUME_ROLE };
}

RbIdentity *
ada(void)
{
    static const char *const groups[] = { "acme-data-science", NULL };
    const RbIdentity facts = { .subject = "ada",
                               .name = "ada@acme.example",
                               .provider = "corp-saml",
                               .issuer = "https://idp",
                               .groups = groups,
                               .n_groups = 1,
                               .authenticated_at = NOW,
                               .groups_at = NOW };
    g_autoptr(GError) error = NULL;
    RbIdentity *identity = rb_identity_new(&facts, &error);

    if (identity == NULL)
        fail_msg("%s", error->message);
    return identity;
}

void
trust(RbGrant *grant, RbIssueMethod method)
{
    grant->method = method;
    grant->chained = FALSE;
    grant->max_session_s = grant->role_max_session_s = 28800;
    grant->provider_arn = method == RB_ISSUE_SAML
                              ? "arn:aws:iam::111122223333:saml-provider/rolebridge"
                              : "arn:aws:iam::111122223333:oidc-provider/bridge.acme.example";
}

RbGrant
trusting(RbIssueMethod method)
{
    RbGrant grant = grant_for("arn:aws:iam::111122223333:role/rolebridge/data-scientist");

    trust(&grant, method);
    return grant;
}

int
aws_set_up_trusted(void **state)
{
    Aws *aws;

    clear_environment();
    *state = aws = aws_new(AWS_YAML);
    aws_trusted(aws, AWS_YAML);
    return 0;
}

int
aws_tear_down(void **state)
{
    aws_free(*state);
    return 0;
}

char *
form_field(Aws *aws, const char *name)
{
    g_auto(GStrv) fields = g_strsplit(aws->last->str, "&", -1);
    g_autofree char *start = g_strconcat(name, "=", NULL);

    for (char **f = fields; *f != NULL; f++)
        if (g_str_has_prefix(*f, start))
            return g_uri_unescape_string(*f + strlen(start), NULL);
    return NULL;
}

void
expect_sayings(Aws *aws, const RbGrant *grant, const Saying *rows, gsize n)
{
    g_autoptr(RbIdentity) identity = ada();

    for (gsize i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbCredentials) got = NULL;
        gboolean right;
        aws_answer(aws, &rows[i].answer, 1);
        got = rb_issue(aws->issuer, grant, identity, 0, NOW, &error);
        right = rows[i].refusal != 0 ? rb_is_refusal(error, rows[i].refusal)
                                     : g_error_matches(error, RB_FAULT, (int)rows[i].fault);
        if (got != NULL || !right || aws->asked != rows[i].asked ||
            strstr(error->message, rows[i].says) == NULL)
            fail_msg("%s: asked %u times: %s", rows[i].name, aws->asked,
                     error != NULL ? error->message : "credentials");
    }
}
