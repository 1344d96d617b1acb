#include "fake_priv.h"

#include <stdlib.h>

/* ---- a call ---- */

static void
carry_out(Call *c)
{
    const char *action = get(c, "Action");
    const char *name = get(c, "RoleName") != NULL     ? get(c, "RoleName")
                       : get(c, "PolicyName") != NULL ? get(c, "PolicyName")
                       : get(c, "PolicyArn") != NULL  ? get(c, "PolicyArn")
                                                      : "";

    for (guint i = 0; action != NULL && fake_reads[i].name != NULL; i++)
        if (g_str_equal(fake_reads[i].name, action)) {
            fake_reads[i].answer(c);
            return;
        }
    for (guint i = 0; action != NULL && fake_writes[i].name != NULL; i++)
        if (g_str_equal(fake_writes[i].name, action)) {
            fake_writes[i].answer(c);
            if (c->code == NULL)
                g_string_append_printf(c->fake->log, "%s %s%s%s\n", action, name,
                                       get(c, "RoleName") != NULL && get(c, "PolicyArn") != NULL ? " " : "",
                                       get(c, "RoleName") != NULL && get(c, "PolicyArn") != NULL
                                           ? strrchr(get(c, "PolicyArn"), '/') + 1
                                           : "");
            return;
        }
    c->code = "InvalidAction";
}

static void
reply_with(ServerReply *reply, const Call *c)
{
    const char *action = get(c, "Action");
    g_autofree char *body = NULL;

    if (c->code != NULL)
        body = g_strdup_printf(
            "<ErrorResponse><Error><Code>%s</Code><Message>said %s</Message></Error></ErrorResponse>",
            c->code, c->code);
    else
        body = g_strdup_printf("<%sResponse><%sResult>%s</%sResult></%sResponse>", action, action,
                               c->out->str, action, action);
    reply_text(reply, c->code == NULL ? 200 : 400, "text/xml", body);
}

static void
answer(const ServerRequest *request, ServerReply *reply, gpointer data)
{
    FakeIam *fake = data;
    g_autoptr(GHashTable) form = g_uri_parse_params(request->body->str, -1, "&", G_URI_PARAMS_WWW_FORM, NULL);
    Call c = { fake, form, g_string_new(NULL), NULL };
    FakeFault fault;

    pthread_mutex_lock(&fake->lock);
    fake->calls++;
    fault = fake->calls == fake->fail_at ? fake->fault : FAKE_FINE;
    fake->failed = fake->failed || fault != FAKE_FINE;
    if (g_hash_table_lookup(request->headers, "authorization") == NULL)
        c.code = "MissingAuthenticationToken";
    else if (fault == FAKE_DENIES)
        c.code = "AccessDenied";
    else if (fault == FAKE_THROTTLES)
        c.code = "Throttling";
    else if (fake->body == NULL)
        carry_out(&c);
    if (fault == FAKE_IS_GONE)
        c.code = "AccessDenied";
    if (fake->body != NULL)
        reply_text(reply, fake->status, "text/xml", fake->body);
    else if (fault == FAKE_LOSES)
        reply->break_off = TRUE;
    else
        reply_with(reply, &c);
    pthread_mutex_unlock(&fake->lock);
    g_string_free(c.out, TRUE);
}

static RbHttp *http; /* of all of them: it reads a CA store */

void
fake_iam_end(void)
{
    rb_http_free(http);
    http = NULL;
}

FakeIam *
fake_iam_new(const char *account)
{
    FakeIam *fake = g_new0(FakeIam, 1);

    fake->account = account;
    (void)pthread_mutex_init(&fake->lock, NULL);
    fake->roles = json_object();
    fake->policies = json_object();
    fake->providers = json_object();
    fake->log = g_string_new(NULL);
    fake->attachments = 20;
    fake->server = server_new(answer, fake, NULL, NULL);
    fake->url = server_url(fake->server, "/");
    if (http == NULL)
        http = rb_http_new(NULL, NULL);
    return fake;
}

void
fake_iam_free(FakeIam *fake)
{
    server_free(fake->server);
    json_decref(fake->roles);
    json_decref(fake->policies);
    json_decref(fake->providers);
    g_string_free(fake->log, TRUE);
    g_free(fake->body);
    g_free(fake->url);
    pthread_mutex_destroy(&fake->lock);
    g_free(fake);
}

void
fake_iam_fail(FakeIam *fake, guint n, FakeFault fault)
{
    fake->fail_at = fake->calls + n;
    fake->fault = fault;
    fake->failed = FALSE;
}

gboolean
fake_iam_failed(const FakeIam *fake)
{
    return fake->failed;
}

guint
fake_iam_calls(const FakeIam *fake)
{
    return fake->calls;
}

const char *
fake_iam_url(const FakeIam *fake)
{
    return fake->url;
}

void
fake_iam_answer(FakeIam *fake, int status, const char *body)
{
    g_free(fake->body);
    fake->body = g_strdup(body);
    fake->status = status;
}

void
fake_iam_page(FakeIam *fake, guint size)
{
    fake->page = size;
}

void
fake_iam_attachments(FakeIam *fake, guint most)
{
    fake->attachments = most;
}

void
fake_iam_settle(FakeIam *fake, guint calls)
{
    fake->unsettled = calls;
}

char *
fake_iam_do(FakeIam *fake, const char *action, const char *const *fields)
{
    g_autoptr(GHashTable) form = g_hash_table_new(g_str_hash, g_str_equal);
    Call c = { fake, form, g_string_new(NULL), NULL };

    g_hash_table_insert(form, (char *)"Action", (char *)action);
    for (guint i = 0; fields[i] != NULL; i += 2)
        g_hash_table_insert(form, (char *)fields[i], (char *)fields[i + 1]);
    pthread_mutex_lock(&fake->lock);
    carry_out(&c);
    g_string_truncate(fake->log, 0); /* only what rolebridge does counts */
    pthread_mutex_unlock(&fake->lock);
    g_string_free(c.out, TRUE);
    return g_strdup(c.code);
}

/* ---- what stands there ---- */

static int
by_text(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

static json_t *
sorted(const json_t *list)
{
    size_t n = json_array_size(list);
    g_autofree json_t **items = g_new(json_t *, n + 1);
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++)
        items[i] = json_array_get(list, i);
    qsort(items, n, sizeof *items, by_text);
    for (size_t i = 0; i < n; i++)
        (void)json_array_append(out, items[i]);
    return out;
}

static json_t *
in_force(const json_t *policy)
{
    json_t *version;
    size_t i;

    json_array_foreach(
        json_object_get(policy, "versions"), i,
        version) if (json_is_true(json_object_get(version, "default"))) return json_object_get(version,
                                                                                               "document");
    return NULL;
}

char *
fake_iam_state(FakeIam *fake)
{
    json_t *roles = json_deep_copy(fake->roles), *policies = json_object(), *role, *policy, *all;
    const char *name;
    char *dumped, *out;

    json_object_foreach(roles, name, role)(void)
        json_object_set_new(role, "attached", sorted(json_object_get(role, "attached")));
    json_object_foreach(fake->policies, name, policy)(void) json_object_set_new(
        policies, name,
        json_pack("{s:O, s:O}", "document", in_force(policy), "tags", json_object_get(policy, "tags")));
    all = json_pack("{s:o, s:o, s:O}", "roles", roles, "policies", policies, "providers", fake->providers);
    dumped = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);
    out = g_strdup(dumped);
    free(dumped);
    json_decref(all);
    return out;
}

char *
fake_iam_log(FakeIam *fake)
{
    return g_strdup(fake->log->str);
}

/* ---- the way in ---- */

static RbCredentials *
credentials(gpointer data, GError **error)
{
    RbCredentials *out = g_new0(RbCredentials, 1);

    (void)data;
    (void)error;
    g_atomic_ref_count_init(&out->refs);
    out->access_key_id = g_strdup("ASIABTX3GSDSQBNMGHLQ");
    out->secret_access_key = rb_secret_new_text("0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c");
    out->session_token = rb_secret_new_text("token");
    return out;
}

static void
no_pause(guint ms)
{
    (void)ms;
}

RbIam *
fake_iam_open(const RbCompiledAccount *account, gpointer data, GError **error)
{
    FakeIam *fake = data;
    const RbIamSetting setting = { .http = http,
                                   .clock = rb_clock_system(),
                                   .endpoint = fake->url,
                                   .partition = "aws",
                                   .credentials = credentials,
                                   .pause = no_pause };

    (void)account;
    (void)error;
    return rb_iam_new(&setting);
}
