#include "helper.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define HUB "999988887777"
#define BRIDGE "arn:aws:iam::" HUB ":role/rolebridge-bridge"
#define DS "arn:aws:iam::111122223333:role/rolebridge/data-scientist"
#define FORM "Version=2011-06-15&"
#define ASSUME FORM "Action=AssumeRole&RoleArn=" DS "&RoleSessionName=ada@acme.example&ExternalId=xid"
#define ASSUME_IN(role) FORM "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/" role "&RoleSessionName=ada&ExternalId=xid"
#define SI "&SourceIdentity=ada@acme.example"
#define TAG(n, k, v) "&Tags.member." n ".Key=" k "&Tags.member." n ".Value=" v
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X200 X50 X50 X50 X50
#define X1000 X200 X200 X200 X200 X200

static const char *const trusts[][3] = { /* name, actions, condition; the principal is the bridge's role */
    { "rolebridge/data-scientist", "[\"sts:AssumeRole\",\"sts:TagSession\",\"sts:SetSourceIdentity\"]", "{\"StringEquals\":{\"sts:ExternalId\":\"xid\"}}" },
    { "rolebridge/only-assume",    "\"sts:AssumeRole\"", "{}" },
    { "rolebridge/name-rule",      "\"sts:*\"", "{\"StringLike\":{\"sts:RoleSessionName\":\"*@acme.example\"}}" },
    { "rolebridge/source-rule",    "\"sts:*\"", "{\"Null\":{\"sts:SourceIdentity\":\"false\"}}" },
    { "rolebridge/tag-rule",       "\"sts:*\"", "{\"StringEquals\":{\"aws:RequestTag/team\":\"a\"},\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"team\"]}}" },
    { "rolebridge/far-network",    "\"sts:*\"", "{\"IpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}}" },
    { "rolebridge/near-network",   "\"sts:*\"", "{\"IpAddress\":{\"aws:SourceIp\":\"127.0.0.0/8\"}}" },
    { "other/unreachable",         "\"sts:*\"", "{}" }, /* trusts the bridge, but the bridge's own policy does not reach it */
};

static const struct {
    const char *name, *form;
    int status;
    const char *code, *message; /* NULL: accepted; message: a part of it */
} calls[] = { /* by the bridge's role session */
    { "who am I",                    FORM "Action=GetCallerIdentity", 200, NULL, NULL },
    { "an account from a key",       FORM "Action=GetAccessKeyInfo&AccessKeyId=ASIABTX3GSDSQBNMGHLQ", 200, NULL, "<Account>111122223333</Account>" },
    { "no key",                      FORM "Action=GetAccessKeyInfo&AccessKeyId=ASIA", 400, "ValidationError", NULL },
    { "an unknown action",           FORM "Action=AssumeAll", 400, "InvalidAction", "Could not find operation AssumeAll" },
    { "no action",                   FORM, 400, "MissingAction", NULL },
    { "an unknown version",          "Version=2010-01-01&Action=GetCallerIdentity", 400, "InvalidAction", NULL },
    { "a parameter twice",           ASSUME "&DurationSeconds=900&DurationSeconds=3600", 400, "MalformedInput", NULL },
    { "a broken escape",             ASSUME "&Policy=%4", 400, "MalformedInput", NULL },
    { "a session token",             FORM "Action=GetSessionToken", 403, "AccessDenied", "session credentials" },
    { "SAML without a role",         FORM "Action=AssumeRoleWithSAML", 400, "ValidationError", "roleArn" },
    { "a token without one",         FORM "Action=AssumeRoleWithWebIdentity", 400, "ValidationError", "roleArn" },

    { "a role",                      ASSUME, 200, NULL, "<Arn>arn:aws:sts::111122223333:assumed-role/data-scientist/ada@acme.example</Arn>" },
    { "a source identity",           ASSUME SI, 200, NULL, "<SourceIdentity>ada@acme.example</SourceIdentity>" },
    { "tags",                        ASSUME TAG("1", "CostCenter", "4711"), 200, NULL, "<PackedPolicySize>1</PackedPolicySize>" },
    { "an hour",                     ASSUME "&DurationSeconds=3600", 200, NULL, NULL },
    { "a session policy",            ASSUME "&Policy=%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A*%22%2C%22Resource%22%3A%22*%22%7D%7D", 200, NULL, NULL },

    { "no role ARN",                 FORM "Action=AssumeRole&RoleSessionName=ada", 400, "ValidationError", "Value null at 'roleArn'" },
    { "no session name",             FORM "Action=AssumeRole&RoleArn=" DS, 400, "ValidationError", "Value null at 'roleSessionName'" },
    { "no ARN",                      FORM "Action=AssumeRole&RoleArn=data-scientist-and-more&RoleSessionName=ada", 400, "ValidationError", "is invalid" },
    { "a user's ARN",                FORM "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:user/ada&RoleSessionName=ada", 400, "ValidationError", "is invalid" },
    { "a session name of one",       FORM "Action=AssumeRole&RoleArn=" DS "&RoleSessionName=a", 400, "ValidationError", "greater than or equal to 2" },
    { "a session name of 65",        FORM "Action=AssumeRole&RoleArn=" DS "&RoleSessionName=" X50 "123456789012345", 400, "ValidationError", "less than or equal to 64" },
    { "a blank in a session name",   FORM "Action=AssumeRole&RoleArn=" DS "&RoleSessionName=ada+l", 400, "ValidationError", "regular expression" },
    { "899 seconds",                 ASSUME "&DurationSeconds=899", 400, "ValidationError", "900" },
    { "43201 seconds",               ASSUME "&DurationSeconds=43201", 400, "ValidationError", "43200" },
    { "an hour and a second",        ASSUME "&DurationSeconds=3601", 400, "ValidationError", "1 hour session limit for roles assumed by role chaining" },
    { "a duration in words",         ASSUME "&DurationSeconds=1h", 400, "ValidationError", "integer" },
    { "a policy that is not JSON",   ASSUME "&Policy=%7B", 400, "MalformedPolicyDocument", NULL },
    { "an empty policy",             ASSUME "&Policy=", 400, "ValidationError", NULL },
    { "a policy with a principal",   ASSUME "&Policy=%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A*%22%2C%22Resource%22%3A%22*%22%2C%22Principal%22%3A%22*%22%7D%7D", 400, "MalformedPolicyDocument", "principal" },
    { "a policy of 2049",            ASSUME "&Policy=" X1000 X1000 X50, 400, "ValidationError", "2048" },
    { "a tag of aws:",               ASSUME TAG("1", "aws:x", "1"), 400, "InvalidParameterValue", "aws:" },
    { "a tag twice",                 ASSUME TAG("1", "team", "a") TAG("2", "Team", "b"), 400, "InvalidParameterValue", "case insensitive" },
    { "a tag without value",         ASSUME "&Tags.member.1.Key=x", 400, "ValidationError", "null" },
    { "a tag without key",           ASSUME "&Tags.member.1.Value=x", 400, "ValidationError", "null" },
    { "a tag value of 257",          ASSUME TAG("1", "x", X200 X50 "1234567"), 400, "ValidationError", "256" },
    { "a tag key of 129",            ASSUME TAG("1", X50 X50 "12345678901234567890123456789", "v"), 400, "ValidationError", "128" },
    { "a tag with a star",           ASSUME TAG("1", "x", "a*"), 400, "ValidationError", "regular expression" },
    { "a transitive key unset",      ASSUME "&TransitiveTagKeys.member.1=team", 400, "InvalidParameterValue", NULL },
    { "a source identity of one",    ASSUME "&SourceIdentity=a", 400, "ValidationError", "sourceIdentity" },

    { "no external id",              FORM "Action=AssumeRole&RoleArn=" DS "&RoleSessionName=ada@acme.example", 403, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: " DS },
    { "another external id",         FORM "Action=AssumeRole&RoleArn=" DS "&RoleSessionName=ada@acme.example&ExternalId=xyz", 403, "AccessDenied", NULL },
    { "no such role",                ASSUME_IN("rolebridge/nobody"), 403, "AccessDenied", "User: arn:aws:sts::" HUB ":assumed-role/rolebridge-bridge/bridge is not authorized" },
    { "a role by its bare name",     ASSUME_IN("data-scientist"), 403, "AccessDenied", NULL },
    { "only assuming",               ASSUME_IN("rolebridge/only-assume"), 200, NULL, NULL },
    { "tags where not allowed",      ASSUME_IN("rolebridge/only-assume") TAG("1", "x", "1"), 403, "AccessDenied", "sts:TagSession" },
    { "source identity likewise",    ASSUME_IN("rolebridge/only-assume") SI, 403, "AccessDenied", "sts:SetSourceIdentity" },
    { "a name that does not fit",    ASSUME_IN("rolebridge/name-rule"), 403, "AccessDenied", NULL },
    { "source identity missing",     ASSUME_IN("rolebridge/source-rule"), 403, "AccessDenied", NULL },
    { "source identity given",       ASSUME_IN("rolebridge/source-rule") SI, 200, NULL, NULL },
    { "the tag asked for",           ASSUME_IN("rolebridge/tag-rule") TAG("1", "team", "a"), 200, NULL, NULL },
    { "another value",               ASSUME_IN("rolebridge/tag-rule") TAG("1", "team", "b"), 403, "AccessDenied", NULL },
    { "a tag too many",              ASSUME_IN("rolebridge/tag-rule") TAG("1", "team", "a") TAG("2", "x", "a"), 403, "AccessDenied", NULL },
    { "from afar",                   ASSUME_IN("rolebridge/far-network"), 403, "AccessDenied", NULL },
    { "from near",                   ASSUME_IN("rolebridge/near-network"), 200, NULL, NULL },
    { "not in the caller's policy",  ASSUME_IN("other/unreachable"), 403, "AccessDenied", NULL },
};
/* clang-format on */

typedef struct {
    RbBoxCloud *cloud;
    RbBoxSts sts;
    RbBoxPrincipal *bridge, *user, *root;
} World;

static const char *const regions[] = { "eu-central-1", "us-east-1", NULL };

static void
add_role(RbBoxCloud *cloud, const char *account, const char *path_name, const char *trust,
         const char *identity)
{
    g_auto(GStrv) parts = g_strsplit(path_name, "/", 2);
    g_autofree char *path = parts[1] == NULL ? g_strdup("/") : g_strdup_printf("/%s/", parts[0]);
    g_autofree char *problem = NULL;
    const RbBoxRoleSpec spec = { .account = account,
                                 .partition = "aws",
                                 .path = path,
                                 .name = parts[1] == NULL ? parts[0] : parts[1],
                                 .max_session_s = 7200,
                                 .trust = trust,
                                 .identity = identity };

    if (!rb_box_cloud_add_role(cloud, &spec, &problem))
        fail_msg("%s: %s", path_name, problem);
}

static World *
world_new(void)
{
    World *world = g_new0(World, 1);
    g_autoptr(RbSecret) secret = rb_secret_new_text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    g_autofree char *problem = NULL;
    static const char reach[] = "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:*\","
                                "\"Resource\":\"arn:aws:iam::*:role/rolebridge/*\"}}";

    world->cloud = rb_box_cloud_new();
    world->sts = (RbBoxSts){ world->cloud, regions, NULL };
    add_role(
        world->cloud, HUB, "rolebridge-bridge",
        "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":{\"AWS\":\"" HUB
        "\"}}}",
        reach);
    for (gsize i = 0; i < G_N_ELEMENTS(trusts); i++) {
        g_autofree char *trust =
            g_strdup_printf("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"" BRIDGE
                            "\",\"arn:aws:iam::" HUB ":user/bridge\"]},\"Action\":%s,"
                            "\"Condition\":%s}}",
                            trusts[i][1], trusts[i][2]);
        add_role(world->cloud, "111122223333", trusts[i][0], trust, reach);
    }
    assert_true(rb_box_cloud_add_user(world->cloud, HUB, "bridge", "AKIDEXAMPLE", secret, reach, &problem));
    assert_true(rb_box_cloud_add_user(world->cloud, HUB, "root", "AKIDROOT", secret, NULL, &problem));
    world->user = rb_box_cloud_principal(world->cloud, "AKIDEXAMPLE");
    world->root = rb_box_cloud_principal(world->cloud, "AKIDROOT");
    world->bridge = rb_box_cloud_start_session(
        world->cloud, &(RbBoxSessionSpec){ .role = rb_box_cloud_role(world->cloud, BRIDGE),
                                           .session_name = "bridge",
                                           .issued_at = TEST_NOW,
                                           .expires_at = TEST_NOW + 3600 });
    return world;
}

static void
world_free(World *world)
{
    rb_box_principal_unref(world->bridge);
    rb_box_principal_unref(world->user);
    rb_box_principal_unref(world->root);
    rb_box_cloud_free(world->cloud);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static char *
call(const World *world, const RbBoxRequest *request, gint64 now, int *status)
{
    RbBoxAnswer answer;
    char *body;

    rb_box_answer_init(&answer);
    rb_box_sts_answer(&world->sts, request, now, &answer);
    *status = answer.status;
    body = g_strdup(answer.body->str);
    rb_box_answer_clear(&answer);
    return body;
}

static char *
call_form(const World *world, const RbBoxPrincipal *who, const char *form, int *status)
{
    g_autoptr(RbBoxRequest) request = test_signed("/sts/", form, who, TEST_NOW, "eu-central-1", "sts");

    return call(world, request, TEST_NOW, status);
}

static void
test_calls(void **state)
{
    g_autoptr(World) world = world_new();
    int wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
        int status;
        g_autofree char *body = call_form(world, world->bridge, calls[i].form, &status);
        g_autofree char *code = test_element(body, "Code");
        gboolean said = calls[i].message == NULL || strstr(body, calls[i].message) != NULL ||
                        strstr(calls[i].message, "'") != NULL; /* quotes are escaped in XML */

        if (status != calls[i].status || g_strcmp0(code, calls[i].code) != 0 || !said) {
            print_error("%s: wanted %d %s, got %d %s\n", calls[i].name, calls[i].status, calls[i].code,
                        status, body);
            wrong++;
        }
        assert_int_equal(strstr(body, "<SecretAccessKey>") != NULL,
                         status == 200 && strstr(calls[i].form, "AssumeRole&") != NULL);
    }
    assert_int_equal(wrong, 0);
}

/* What was issued works, says who it is, carries the account in its key id, and ends. */
static void
test_issued(void **state)
{
    g_autoptr(World) world = world_new();
    int status;
    g_autofree char *body = call_form(world, world->bridge, ASSUME SI "&DurationSeconds=900", &status);
    g_autofree char *key = test_element(body, "AccessKeyId"), *expiration = test_element(body, "Expiration");
    g_autofree char *account = rb_box_access_key_account(key), *again = NULL, *user_id = NULL, *late = NULL;
    g_autofree char *code = NULL, *chained = NULL, *chained_code = NULL;
    g_autoptr(RbBoxPrincipal) session = rb_box_cloud_principal(world->cloud, key);
    g_autoptr(RbBoxRequest) later = NULL;

    (void)state;
    assert_int_equal(status, 200);
    assert_string_equal(account, "111122223333");
    assert_string_equal(expiration, "2026-11-24T09:15:00Z");
    again = call_form(world, session, FORM "Action=GetCallerIdentity", &status);
    user_id = test_element(again, "UserId");
    assert_int_equal(status, 200);
    assert_string_equal(user_id, session->user_id);
    assert_true(g_str_has_prefix(user_id, "AROA") && g_str_has_suffix(user_id, ":ada@acme.example"));
    chained = call_form(world, session, ASSUME_IN("rolebridge/near-network"), &status);
    chained_code = test_element(chained, "Code");
    assert_string_equal(chained_code, "AccessDenied"); /* the trust policy means the bridge, not its people */
    later = test_signed("/", FORM "Action=GetCallerIdentity", session, TEST_NOW + 900, "eu-central-1", "sts");
    late = call(world, later, TEST_NOW + 900, &status);
    code = test_element(late, "Code");
    assert_string_equal(code, "ExpiredToken");
    assert_int_equal(status, 403);
}

/* A user's long-lived key is not chaining; root may not assume anything. */
static void
test_users(void **state)
{
    g_autoptr(World) world = world_new();
    int status;
    g_autofree char *two_hours = call_form(world, world->user, ASSUME "&DurationSeconds=7200", &status);
    g_autofree char *longer = NULL, *message = NULL, *root = NULL, *who = NULL;

    (void)state;
    assert_int_equal(status, 200);
    longer = call_form(world, world->user, ASSUME "&DurationSeconds=7201", &status);
    message = test_element(longer, "Message");
    assert_string_equal(message,
                        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    root = call_form(world, world->root, ASSUME, &status);
    assert_int_equal(status, 403);
    who = call_form(world, world->root, FORM "Action=GetCallerIdentity", &status);
    assert_non_null(strstr(who, "<Arn>arn:aws:iam::" HUB ":root</Arn>"));
}

static void
test_packed_size(void **state)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GString) form = g_string_new(ASSUME);
    g_autofree char *body = NULL, *code = NULL;
    int status;

    (void)state;
    for (int i = 1; i <= 20; i++)
        g_string_append_printf(form, "&Tags.member.%d.Key=k%d&Tags.member.%d.Value=%s", i, i, i, X200);
    body = call_form(world, world->bridge, form->str, &status);
    code = test_element(body, "Code");
    assert_string_equal(code, "PackedPolicyTooLarge");
    g_clear_pointer(&body, g_free);
    g_string_assign(form, ASSUME);
    for (int i = 1; i <= 51; i++)
        g_string_append_printf(form, "&Tags.member.%d.Key=k%d&Tags.member.%d.Value=v", i, i, i);
    body = call_form(world, world->bridge, form->str, &status);
    assert_non_null(strstr(body, "less than or equal to 50"));
}

/* Transitive tags and the source identity go along a chain and cannot be changed in it. */
static void
test_chain(void **state)
{
    g_autoptr(World) world = world_new();
    int status;
    static const char any[] = "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:*\",\"Principal\":{"
                              "\"AWS\":\"111122223333\"}}}";
    static const char next[] =
        FORM "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/rolebridge/next&RoleSessionName=ada";
    g_autofree char *first = NULL, *key = NULL, *second = NULL, *second_key = NULL, *clash = NULL,
                    *other = NULL, *form = NULL, *si = NULL;
    g_autoptr(RbBoxPrincipal) one = NULL;
    g_autoptr(RbBoxPrincipal) two = NULL;

    (void)state;
    add_role(world->cloud, "111122223333", "rolebridge/next", any, NULL);
    first = call_form(world, world->bridge,
                      ASSUME SI TAG("1", "Team", "a") TAG("2", "x", "b") "&TransitiveTagKeys.member.1=team",
                      &status);
    key = test_element(first, "AccessKeyId");
    one = rb_box_cloud_principal(world->cloud, key);
    second = call_form(world, one, next, &status);
    assert_int_equal(status, 200);
    second_key = test_element(second, "AccessKeyId");
    two = rb_box_cloud_principal(world->cloud, second_key);
    assert_string_equal(two->source_identity, "ada@acme.example");
    assert_string_equal(g_hash_table_lookup(two->tags, "Team"), "a");
    assert_int_equal(g_hash_table_size(two->tags), 1);
    form = g_strconcat(next, TAG("1", "TEAM", "b"), NULL);
    clash = call_form(world, one, form, &status);
    assert_non_null(strstr(clash, "InvalidParameterValue"));
    si = g_strconcat(next, "&SourceIdentity=eve@acme.example", NULL);
    other = call_form(world, one, si, &status);
    assert_int_equal(status, 403);
}

/* A session policy that does not allow sts:AssumeRole ends the chain. */
static void
test_session_policy(void **state)
{
    g_autoptr(World) world = world_new();
    g_autofree char *problem = NULL, *body = NULL;
    int status;
    g_autoptr(RbBoxPrincipal) narrow = rb_box_cloud_start_session(
        world->cloud, &(RbBoxSessionSpec){
                          .role = rb_box_cloud_role(world->cloud, BRIDGE),
                          .session_name = "bridge",
                          .session_policy = rb_box_policy_parse(
                              "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}}",
                              RB_BOX_IDENTITY, &problem),
                          .issued_at = TEST_NOW,
                          .expires_at = TEST_NOW + 3600 });

    (void)state;
    body = call_form(world, narrow, ASSUME, &status);
    assert_int_equal(status, 403);
}

static void
test_identifiers(void **state)
{
    g_autofree char *vector = rb_box_access_key_account("ASIABTX3GSDSQBNMGHLQ");
    g_autofree char *id = rb_box_unique_id("AROA", DS), *again = rb_box_unique_id("AROA", DS);

    (void)state;
    assert_string_equal(vector, "111122223333");
    assert_string_equal(id, again);
    assert_int_equal(strlen(id), 21);
    assert_int_equal(strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), 21);
    assert_null(rb_box_access_key_account("ASIA"));
    assert_null(rb_box_access_key_account("XXIABTX3GSDSQBNMGHLQ"));
    assert_null(rb_box_access_key_account("ASIA1TX3GSDSQBNMGHLQ"));
    for (int i = 0; i < 200; i++) {
        g_autofree char *key = rb_box_access_key_new("000000000042"),
                        *account = rb_box_access_key_account(key);

        assert_int_equal(strlen(key), 20);
        assert_string_equal(account, "000000000042");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),       cmocka_unit_test(test_issued),
        cmocka_unit_test(test_users),       cmocka_unit_test(test_packed_size),
        cmocka_unit_test(test_chain),       cmocka_unit_test(test_session_policy),
        cmocka_unit_test(test_identifiers),
    };

    return cmocka_run_group_tests_name("sandbox_sts", tests, NULL, NULL);
}
