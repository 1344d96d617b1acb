#include "helper.h"

#include "sandbox/box.h"
#include "sandbox/init.h"

#include <glib/gstdio.h>

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
/* clang-format on */

#define URL "https://sandbox.test"
#define FORM "application/x-www-form-urlencoded"

typedef struct {
    char *dir, *token;
    RbBox *box;
    gint64 now;
} World;

static gint64
world_now(gpointer data)
{
    return ((World *)data)->now;
}

static World *
world_new(void)
{
    World *world = g_new0(World, 1);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL, *token_path = NULL, *text = NULL;
    RbBoxConfig *config;

    world->now = TEST_NOW;
    world->dir = g_dir_make_tmp("sandbox-box-XXXXXX", NULL);
    assert_true(test_init_dir(world->dir));
    token_path = g_build_filename(world->dir, "bridge-aws-token", NULL);
    assert_true(g_file_get_contents(token_path, &world->token, NULL, NULL));
    path = g_build_filename(world->dir, "box.yaml", NULL);
    text = g_strdup_printf("rolebridge: 1\npublic_url: " URL
                           "\naws:\n  regions: [eu-central-1]\n  mappings: %s\n"
                           "  credentials_token: {file: bridge-aws-token}\n",
                           TEST_MAPPINGS);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    config = rb_box_config_load(path, NULL, problems);
    assert_int_equal(rb_diagnostics_size(problems), 0);
    world->box = rb_box_new(config, (RbClock){ world_now, world }, problems, &error);
    if (world->box == NULL) {
        g_autofree char *why = rb_diagnostics_to_text(problems, FALSE);
        fail_msg("%s %s", why, error == NULL ? "" : error->message);
    }
    return world;
}

static void
world_free(World *world)
{
    rb_box_free(world->box);
    test_remove_dir(world->dir);
    g_free(world->dir);
    g_free(world->token);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* One exchange; @header_name and @header_value may be NULL. Returns: the body; *found is the header @want. */
static char *
ask(const World *world, const char *method, const char *target, const char *form, const char *header_name,
    const char *header_value, int *status, const char *want, char **found)
{
    g_autoptr(RbBoxRequest) request = rb_box_request_new(method, target, "127.0.0.1", TRUE);
    RbBoxAnswer answer;
    char *body;

    rb_box_request_add_header(request, "Host", "localhost:9443");
    if (form != NULL)
        rb_box_request_add_header(request, "Content-Type", FORM);
    g_string_append(request->body, form == NULL ? "" : form);
    if (header_value != NULL)
        rb_box_request_add_header(request, header_name, header_value);
    rb_box_answer_init(&answer);
    rb_box_answer(world->box, request, &answer);
    *status = answer.status;
    body = g_strdup(answer.body->str);
    for (guint i = 0; want != NULL && i < answer.headers->len; i++) {
        const RbBoxHeader *header = answer.headers->pdata[i];
        if (strcmp(header->name, want) == 0)
            *found = g_strdup(header->value);
    }
    rb_box_answer_clear(&answer);
    return body;
}

/* What the container endpoint lends, as a client keeps it. */
static RbBoxPrincipal *
borrow(const World *world)
{
    int status;
    g_autofree char *body =
        ask(world, "GET", "/credentials", NULL, "Authorization", world->token, &status, NULL, NULL);
    json_t *json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    RbBoxPrincipal *who = g_new0(RbBoxPrincipal, 1);

    assert_int_equal(status, 200);
    g_atomic_ref_count_init(&who->refs);
    who->access_key_id = g_strdup(json_string_value(json_object_get(json, "AccessKeyId")));
    who->secret = rb_secret_new_text(json_string_value(json_object_get(json, "SecretAccessKey")));
    who->token = rb_secret_new_text(json_string_value(json_object_get(json, "Token")));
    json_decref(json);
    return who;
}

static char *
sts(const World *world, const RbBoxPrincipal *who, const char *form, int *status)
{
    g_autoptr(RbBoxRequest) request = test_signed("/", form, who, world->now, "eu-central-1", "sts");
    RbBoxAnswer answer;
    char *body;

    rb_box_answer_init(&answer);
    rb_box_answer(world->box, request, &answer);
    *status = answer.status;
    body = g_strdup(answer.body->str);
    rb_box_answer_clear(&answer);
    return body;
}

/* What is there stays. */
static void
test_init(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("sandbox-init-XXXXXX", NULL), *gone = NULL;
    guint made;

    (void)state;
    assert_true(rb_box_init(dir, TEST_NOW, &made, NULL));
    assert_int_equal(made, 9);
    assert_true(rb_box_init(dir, TEST_NOW, &made, NULL));
    assert_int_equal(made, 0);
    gone = g_build_filename(dir, "ci.key", NULL);
    assert_int_equal(g_unlink(gone), 0);
    assert_true(rb_box_init(dir, TEST_NOW, &made, NULL));
    assert_int_equal(made, 1);
    test_remove_dir(dir);
}

static void
test_lender(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(RbBoxPrincipal) first = borrow(world);
    g_autoptr(RbBoxPrincipal) again = borrow(world);
    g_autoptr(RbBoxPrincipal) later = NULL;
    int status;
    g_autofree char *none = ask(world, "GET", "/credentials", NULL, NULL, NULL, &status, NULL, NULL);
    g_autofree char *wrong = NULL, *who = NULL;

    (void)state;
    assert_int_equal(status, 403);
    wrong = ask(world, "GET", "/credentials", NULL, "Authorization", "x", &status, NULL, NULL);
    assert_int_equal(status, 403);
    assert_string_equal(first->access_key_id, again->access_key_id);
    who = sts(world, first, "Version=2011-06-15&Action=GetCallerIdentity", &status);
    assert_non_null(strstr(who, "assumed-role/rolebridge-bridge/bridge"));
    world->now += 2400; /* the last twenty minutes */
    later = borrow(world);
    assert_string_not_equal(first->access_key_id, later->access_key_id);
}

/* The roles are those that assignments reach, and their trust is what accounts.yaml agreed on. */
static void
test_roles_of_the_sample(void **state)
{
#define ROLE(account, name) "arn:aws:iam::" account ":role/rolebridge/" name
    /* clang-format off */
    static const struct {
        const char *name, *role, *external_id, *more;
        int status;
    } rows[] = {
        { "ada's",                  ROLE("111122223333", "data-scientist"),     "acme-bridge-analytics", "&SourceIdentity=ada@acme.example", 200 },
        { "the administrator's",    ROLE("111122223333", "iam-administrator"),  "acme-bridge-analytics", "&SourceIdentity=barbara@acme.example", 200 },
        { "where nobody is sent",   ROLE("111122223333", "developer"),          "acme-bridge-analytics", "&SourceIdentity=ada@acme.example", 403 },
        { "another external id",    ROLE("111122223333", "data-scientist"),     "acme-bridge-corporate", "&SourceIdentity=ada@acme.example", 403 },
        { "no source identity",     ROLE("111122223333", "data-scientist"),     "acme-bridge-analytics", "", 403 },
        { "with a tag",             ROLE("111122223333", "data-scientist"),     "acme-bridge-analytics", "&SourceIdentity=ada@acme.example&Tags.member.1.Key=CostCenter&Tags.member.1.Value=4711", 200 },
        { "over the chaining hour", ROLE("111122223333", "data-scientist"),     "acme-bridge-analytics", "&SourceIdentity=ada@acme.example&DurationSeconds=7200", 400 },
        { "by web identity only",   ROLE("444455556666", "data-scientist"),     "acme-bridge-analytics", "&SourceIdentity=ada@acme.example", 403 },
        { "by SAML only",           ROLE("777788889999", "iam-administrator"),  "acme-bridge-analytics", "&SourceIdentity=barbara@acme.example", 403 },
    };
    /* clang-format on */
    g_autoptr(World) world = world_new();
    g_autoptr(RbBoxPrincipal) bridge = borrow(world);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        int status;
        g_autofree char *form = g_strdup_printf(
            "Version=2011-06-15&Action=AssumeRole&RoleArn=%s&RoleSessionName=ada@acme.example&"
            "ExternalId=%s%s",
            rows[i].role, rows[i].external_id, rows[i].more);
        g_autofree char *body = sts(world, bridge, form, &status);

        if (status != rows[i].status)
            fail_msg("%s: wanted %d, got %d: %s", rows[i].name, rows[i].status, status, body);
    }
}

/* And those of accounts that trust the bridge itself: only its provider, only by its action, never without a
 * name. */
static void
test_trusted_providers(void **state)
{
#define OIDC "arn:aws:iam::444455556666:oidc-provider/bridge.acme.example"
#define SAML "arn:aws:iam::777788889999:saml-provider/rolebridge"
#define WEB "sts:AssumeRoleWithWebIdentity"
#define BY_SAML "sts:AssumeRoleWithSAML"
    /* clang-format off */
    static const struct {
        const char *name, *role, *provider, *action, *key, *value, *source;
        gboolean good;
    } rows[] = {
        { "a token",              ROLE("444455556666", "data-scientist"),         OIDC, WEB,     "bridge.acme.example:aud", "sts.amazonaws.com", "ada", TRUE },
        { "its tags",             ROLE("444455556666", "data-scientist"),         OIDC, "sts:TagSession", "bridge.acme.example:aud", "sts.amazonaws.com", "ada", TRUE },
        { "its source identity",  ROLE("444455556666", "data-scientist"),         OIDC, "sts:SetSourceIdentity", "bridge.acme.example:aud", "sts.amazonaws.com", "ada", TRUE },
        { "another audience",     ROLE("444455556666", "data-scientist"),         OIDC, WEB,     "bridge.acme.example:aud", "rolebridge", "ada", FALSE },
        { "no source identity",   ROLE("444455556666", "data-scientist"),         OIDC, WEB,     "bridge.acme.example:aud", "sts.amazonaws.com", NULL, FALSE },
        { "another action",       ROLE("444455556666", "data-scientist"),         OIDC, BY_SAML, "bridge.acme.example:aud", "sts.amazonaws.com", "ada", FALSE },
        { "another provider",     ROLE("444455556666", "data-scientist"),         SAML, WEB,     "bridge.acme.example:aud", "sts.amazonaws.com", "ada", FALSE },
        { "an assertion",         ROLE("777788889999", "accounts-payable-clerk"), SAML, BY_SAML, "saml:aud", "https://signin.aws.amazon.com/saml", "kat", TRUE },
        { "addressed to us",      ROLE("777788889999", "accounts-payable-clerk"), SAML, BY_SAML, "saml:aud", URL "/saml", "kat", TRUE },
        { "addressed elsewhere",  ROLE("777788889999", "accounts-payable-clerk"), SAML, BY_SAML, "saml:aud", "https://eve.example/saml", "kat", FALSE },
    };
    /* clang-format on */
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbBoxCloud) cloud = rb_box_cloud_new();

    (void)state;
    assert_true(
        rb_box_roles_load(TEST_MAPPINGS, "arn:aws:iam::999988887777:role/x", URL "/saml", cloud, problems));
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const RbBoxRole *role = rb_box_cloud_role(cloud, rows[i].role);
        g_autoptr(RbBoxContext) context = rb_box_context_new();
        const RbBoxAsker asker = { .account = "-", .partition = "aws", .federated = rows[i].provider };

        assert_non_null(role);
        rb_box_context_add(context, rows[i].key, rows[i].value);
        rb_box_context_add(context, "sts:SourceIdentity", rows[i].source);
        if ((rb_box_policy_judge(role->trust, &asker, rows[i].action, NULL, context, NULL) >=
             RB_BOX_ALLOWED) != rows[i].good)
            fail_msg("%s", rows[i].name);
    }
}

/* Credentials of ada's role, as the Session parameter wants them. */
static char *
session_of(const World *world, RbBoxPrincipal **bridge)
{
    int status;
    g_autofree char *body = NULL, *key = NULL, *secret = NULL, *token = NULL, *json = NULL;

    *bridge = borrow(world);
    body = sts(world, *bridge,
               "Version=2011-06-15&Action=AssumeRole&RoleArn=" ROLE(
                   "111122223333", "data-scientist") "&RoleSessionName=ada@acme.example&ExternalId=acme-"
                                                     "bridge-analytics&SourceIdentity=ada@acme.example",
               &status);
    key = test_element(body, "AccessKeyId");
    secret = test_element(body, "SecretAccessKey");
    token = test_element(body, "SessionToken");
    json = g_strdup_printf("{\"sessionId\":\"%s\",\"sessionKey\":\"%s\",\"sessionToken\":\"%s\"}", key,
                           secret, token);
    return g_uri_escape_string(json, NULL, FALSE);
}

static void
test_console(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(RbBoxPrincipal) bridge = NULL;
    g_autofree char *session = session_of(world, &bridge);
    g_autofree char *form = g_strdup_printf("Action=getSigninToken&Session=%s", session);
    g_autofree char *too_long = g_strdup_printf("%s&SessionDuration=3600", form);
    int status;
    g_autofree char *refused = ask(world, "POST", "/federation", too_long, NULL, NULL, &status, NULL, NULL);
    g_autofree char *body = NULL, *login = NULL, *elsewhere = NULL, *cookie = NULL, *page = NULL,
                    *lost = NULL, *old = NULL;
    g_autofree char *away = NULL, *in = NULL;
    g_auto(GStrv) pair = NULL;
    json_t *json;

    (void)state;
    assert_int_equal(status, 400); /* SessionDuration with role-chained credentials */
    body = ask(world, "POST", "/federation", form, NULL, NULL, &status, NULL, NULL);
    assert_int_equal(status, 200);
    json = json_loads(body, 0, NULL);
    login = g_strdup_printf(
        "/federation?Action=login&SigninToken=%s&Destination=https%%3A%%2F%%2Fsandbox.test%%2Fconsole",
        json_string_value(json_object_get(json, "SigninToken")));
    elsewhere = g_strdup_printf(
        "/federation?Action=login&SigninToken=%s&Destination=https%%3A%%2F%%2Fsandbox.test%%2Fconsole."
        "evil.test%%2F",
        json_string_value(json_object_get(json, "SigninToken")));
    json_decref(json);
    away = ask(world, "GET", elsewhere, NULL, NULL, NULL, &status, NULL, NULL);
    assert_int_equal(status, 400);
    in = ask(world, "GET", login, NULL, NULL, NULL, &status, "Set-Cookie", &cookie);
    assert_int_equal(status, 302);
    pair = g_strsplit(cookie, ";", 2);
    page = ask(world, "GET", "/console", NULL, "Cookie", pair[0], &status, NULL, NULL);
    assert_int_equal(status, 200);
    assert_non_null(strstr(page, "assumed-role/data-scientist/ada@acme.example"));
    lost = ask(world, "GET", "/console", NULL, NULL, NULL, &status, NULL, NULL);
    assert_int_equal(status, 401);
    world->now += 900; /* the URL is good for fifteen minutes */
    old = ask(world, "GET", login, NULL, NULL, NULL, &status, NULL, NULL);
    assert_int_equal(status, 400);
}

static void
test_console_refuses(void **state)
{
    static const char *const forms[] = {
        "Action=getSigninToken",
        "Action=getSigninToken&Session=%7B%7D",
        "Action=getSigninToken&Session=x",
        "Action=getSigninToken&Session=%7B%22sessionId%22%3A%22ASIABTX3GSDSQBNMGHLQ%22%2C%22sessionKey%22%3A%"
        "22x%22%2C"
        "%22sessionToken%22%3A%22x%22%7D",
        "Action=login&SigninToken=x&Destination=https%3A%2F%2Fsandbox.test%2Fconsole",
        "Action=logout",
        "Action=login&Action=login",
    };
    g_autoptr(World) world = world_new();

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        int status;
        g_autofree char *body = ask(world, "POST", "/federation", forms[i], NULL, NULL, &status, NULL, NULL);

        if (status != 400)
            fail_msg("%s: %d", forms[i], status);
    }
}

static void
test_addresses(void **state)
{
    g_autoptr(World) world = world_new();
    int status;
    g_autofree char *home = ask(world, "GET", "/", NULL, NULL, NULL, &status, NULL, NULL);
    g_autofree char *nothing = NULL, *put = NULL, *bare = NULL;
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_int_equal(status, 200);
    nothing = ask(world, "GET", "/nothing", NULL, NULL, NULL, &status, NULL, NULL);
    assert_int_equal(status, 404);
    put = ask(world, "PUT", "/", NULL, NULL, NULL, &status, NULL, NULL);
    assert_int_equal(status, 405);
    bare = ask(world, "POST", "/any/prefix", "Action=GetCallerIdentity&Version=2011-06-15", NULL, NULL,
               &status, NULL, NULL);
    assert_int_equal(status, 403);
    assert_non_null(strstr(bare, "MissingAuthenticationToken"));
    assert_null(rb_box_server_new("0.0.0.0:18999", NULL, NULL, rb_box_answer, world->box,
                                  &error)); /* loopback only */
    assert_non_null(error);
}

static void
test_bad_config(void **state)
{
    static const char bad[] =
        "rolebridge: 1\npublic_url: https://x\nlisten_on: x\naws: {users: [{account: \"1\", name: a, "
        "access_key_id: b}]}\n";
    g_autofree char *dir = g_dir_make_tmp("sandbox-bad-XXXXXX", NULL),
                    *path = g_build_filename(dir, "bad.yaml", NULL);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbBoxConfig) config = NULL;

    (void)state;
    assert_true(g_file_set_contents(path, bad, -1, NULL));
    config = rb_box_config_load(path, NULL, problems);
    assert_int_equal(rb_diagnostics_count(problems), 2); /* both at once */
    assert_int_equal(g_unlink(path), 0);
    assert_int_equal(g_rmdir(dir), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_lender),
        cmocka_unit_test(test_roles_of_the_sample),
        cmocka_unit_test(test_trusted_providers),
        cmocka_unit_test(test_console),
        cmocka_unit_test(test_console_refuses),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_bad_config),
    };

    return cmocka_run_group_tests_name("sandbox_box", tests, NULL, NULL);
}
