#include "helper.h"

#include "sandbox/iam.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
/* clang-format on */

/* Who may ask the sandbox's IAM, and what becomes of what was asked; what each call says, the AWS CLI tests.
 */

#define ONE "111122223333"
#define TWO "444455556666"
#define FORM(action) "Version=2010-05-08&Action=" action
#define ALL "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"
#define TRUST                                                                                                \
    "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22sts%3AAssumeRole%22%2C%"         \
    "22Principal%22%3A%7B%22AWS%22%3A%22" ONE "%22%7D%7D%7D"
#define MAKE(name) FORM("CreateRole") "&AssumeRolePolicyDocument=" TRUST "&RoleName=" name
#define OURS "&Tags.member.1.Key=rolebridge&Tags.member.1.Value=managed"

static const char *const regions[] = { "eu-central-1", NULL };

typedef struct {
    RbBoxCloud *cloud;
    RbBoxIam *iam;
    RbBoxPrincipal *admin, *other, *tagger, *root;
} World;

static RbBoxPrincipal *
user(RbBoxCloud *cloud, const char *account, const char *name, const char *key, const char *identity)
{
    g_autoptr(RbSecret) secret = rb_secret_new_text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    g_autofree char *problem = NULL;

    assert_true(rb_box_cloud_add_user(cloud, account, name, key, secret, identity, &problem));
    return rb_box_cloud_principal(cloud, key);
}

static World *
world_new(guint throttle)
{
    World *world = g_new0(World, 1);

    world->cloud = rb_box_cloud_new();
    world->admin = user(world->cloud, ONE, "admin", "AKIDADMIN", ALL);
    world->other = user(world->cloud, TWO, "admin", "AKIDOTHER", ALL);
    world->root = user(world->cloud, ONE, "root", "AKIDROOT", NULL);
    world->tagger = user(world->cloud, ONE, "tagger", "AKIDTAGGER",
                         "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iam:CreateRole\",\"Resource\":"
                         "\"arn:aws:iam::" ONE ":role/ours/*\",\"Condition\":{\"StringEquals\":{"
                         "\"aws:RequestTag/rolebridge\":\"managed\"}}},{\"Effect\":\"Allow\",\"Action\":"
                         "\"iam:DeleteRole\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{"
                         "\"aws:ResourceTag/rolebridge\":\"managed\"}}}]}");
    world->iam = rb_box_iam_new(
        &(RbBoxIamSetting){ .cloud = world->cloud, .regions = regions, .throttle = throttle }, TEST_NOW);
    return world;
}

static void
world_free(World *world)
{
    rb_box_principal_unref(world->admin);
    rb_box_principal_unref(world->other);
    rb_box_principal_unref(world->tagger);
    rb_box_principal_unref(world->root);
    rb_box_iam_free(world->iam);
    rb_box_cloud_free(world->cloud);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* The error's code; "ok" when there is none. */
static char *
answer_of(const World *world, const RbBoxRequest *request)
{
    RbBoxAnswer answer;
    char *code;

    rb_box_answer_init(&answer);
    rb_box_iam_answer(world->iam, request, TEST_NOW, &answer);
    code = answer.status == 200 ? g_strdup("ok") : test_element(answer.body->str, "Code");
    rb_box_answer_clear(&answer);
    return code;
}

static char *
ask(const World *world, const RbBoxPrincipal *who, const char *form)
{
    g_autoptr(RbBoxRequest) request = test_signed("/iam", form, who, TEST_NOW, "us-east-1", "iam");

    return answer_of(world, request);
}

/* In order, in one world. */
static void
test_who(void **state)
{
    g_autoptr(World) world = world_new(0);
    /* clang-format off */
    const struct {
        const char *name;
        const RbBoxPrincipal *who;
        const char *form, *want;
    } rows[] = {
        { "a role",                        world->admin,  MAKE("a"), "ok" },
        { "by root",                       world->root,   MAKE("b"), "ok" },
        { "the same in another account",   world->other,  MAKE("a"), "ok" },
        { "it is that account's",          world->other,  FORM("GetRole") "&RoleName=b", "NoSuchEntity" },
        { "outside of the path allowed",   world->tagger, MAKE("c") OURS, "AccessDenied" },
        { "in it, without the tag",        world->tagger, MAKE("c") "&Path=/ours/", "AccessDenied" },
        { "in it, with the tag",           world->tagger, MAKE("c") "&Path=/ours/" OURS, "ok" },
        { "nothing was said of reading",   world->tagger, FORM("GetRole") "&RoleName=c", "AccessDenied" },
        { "what has no tag stays",         world->tagger, FORM("DeleteRole") "&RoleName=a", "AccessDenied" },
        { "what has it goes",              world->tagger, FORM("DeleteRole") "&RoleName=c", "ok" },
        { "the name in other letters",     world->admin,  MAKE("A"), "EntityAlreadyExists" },
        { "another account's policy",      world->admin,  FORM("AttachRolePolicy") "&RoleName=a&PolicyArn=arn:aws:iam::" TWO ":policy/x", "NoSuchEntity" },
        { "a marker that is none",         world->admin,  FORM("ListRoles") "&Marker=x", "ValidationError" },
        { "no entries on a page",          world->admin,  FORM("ListRoles") "&MaxItems=0", "ValidationError" },
        { "a parameter twice",             world->admin,  FORM("ListRoles") "&MaxItems=1&MaxItems=2", "MalformedInput" },
        { "a document with a bad key",     world->admin,  FORM("UpdateAssumeRolePolicy") "&RoleName=a&PolicyDocument=%7B%22Statement%22%3A%5B%5D%2C%22statement%22%3A1%7D", "MalformedPolicyDocument" },
        { "letters beyond Latin-1",        world->admin,  FORM("UpdateAssumeRolePolicy") "&RoleName=a&PolicyDocument=%E2%82%AC", "ValidationError" },
        { "an operation of another time",  world->admin,  "Version=2011-06-15&Action=ListRoles", "InvalidAction" },
        { "an operation that is none",     world->admin,  FORM("DeleteEverything"), "InvalidAction" },
        { "no operation",                  world->admin,  "Version=2010-05-08", "MissingAction" },
    };
    /* clang-format on */

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *got = ask(world, rows[i].who, rows[i].form);

        if (g_strcmp0(got, rows[i].want) != 0)
            fail_msg("%s: got %s, want %s", rows[i].name, got, rows[i].want);
    }
}

static void
test_signatures(void **state)
{
    static const struct {
        const char *name, *region, *service;
        gint64 late_s;
        const char *want;
    } rows[] = { { "its own region", "us-east-1", "iam", 0, "ok" },
                 { "the client's region", "eu-central-1", "iam", 0, "ok" },
                 { "a region that is not ours", "mars-north-1", "iam", 0, "SignatureDoesNotMatch" },
                 { "for another service", "us-east-1", "sts", 0, "SignatureDoesNotMatch" },
                 { "of an hour ago", "us-east-1", "iam", 3600, "SignatureDoesNotMatch" } };
    g_autoptr(World) world = world_new(0);
    g_autoptr(RbBoxRequest) bare = rb_box_request_new("POST", "/iam", "127.0.0.1", TRUE);
    g_autofree char *unsigned_code = NULL, *changed_code = NULL;
    g_autoptr(RbBoxRequest) changed =
        test_signed("/iam", FORM("ListRoles"), world->admin, TEST_NOW, "us-east-1", "iam");

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbBoxRequest) request =
            test_signed("/iam", FORM("ListRoles"), world->admin, TEST_NOW - rows[i].late_s, rows[i].region,
                        rows[i].service);
        g_autofree char *got = answer_of(world, request);

        if (g_strcmp0(got, rows[i].want) != 0)
            fail_msg("%s: got %s, want %s", rows[i].name, got, rows[i].want);
    }
    g_string_append(bare->body, FORM("ListRoles"));
    rb_box_request_add_header(bare, "Content-Type", "application/x-www-form-urlencoded");
    unsigned_code = answer_of(world, bare);
    assert_string_equal(unsigned_code, "MissingAuthenticationToken");
    g_string_append(changed->body, "&MaxItems=5");
    changed_code = answer_of(world, changed);
    assert_string_equal(changed_code, "SignatureDoesNotMatch");
}

/* A tenth of the calls, and the same ones each time. */
static void
test_throttling(void **state)
{
    char seen[2][201] = { "", "" };

    (void)state;
    for (guint k = 0; k < 2; k++) {
        g_autoptr(World) world = world_new(10);

        for (guint i = 0; i < 200; i++) {
            g_autofree char *got = ask(world, world->admin, FORM("ListRoles"));

            assert_true(strcmp(got, "ok") == 0 || strcmp(got, "Throttling") == 0);
            seen[k][i] = got[0];
        }
    }
    assert_string_equal(seen[0], seen[1]);
    assert_non_null(strchr(seen[0], 'T'));
    assert_non_null(strchr(seen[0], 'o'));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_throttling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
