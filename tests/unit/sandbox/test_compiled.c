#include "helper.h"

#include "sandbox/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/*
 * What `rolebridgectl compile` makes of the sample organisation, judged by somebody else: who may take which
 * role, as what, and what the role may do then.
 */

#define SIGNIN "http://127.0.0.1:9443/saml"
#define DEV "arn:aws:iam::444455556666:"
#define CORP "arn:aws:iam::777788889999:"
#define PROD "arn:aws:iam::111122223333:"
#define OIDC DEV "oidc-provider/bridge.acme.example"
#define SAML CORP "saml-provider/rolebridge"
#define BRIDGE "arn:aws:iam::999988887777:role/rolebridge-bridge"
#define WEB "sts:AssumeRoleWithWebIdentity"
#define BY_SAML "sts:AssumeRoleWithSAML"
#define AUD "bridge.acme.example:aud=sts.amazonaws.com"
#define NAMED ",sts:SourceIdentity=ada,sts:RoleSessionName=ada"
#define TAG ",aws:RequestTag/CostCenter=4711,aws:TagKeys=CostCenter"
#define MFA ",bridge.acme.example:amr=mfa"
#define ISS "saml:iss=https://bridge.acme.example/saml"

/* The golden files of the three accounts as one, as compile prints them. */
static RbBoxCloud *
load(void)
{
    static const char *const names[] = { "analytics-prod", "development", "corporate" };
    g_autoptr(GString) text = g_string_new("{\"accounts\":[");
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *path = NULL;
    RbBoxCloud *cloud = rb_box_cloud_new();
    int fd = g_file_open_tmp("rb-compiled-XXXXXX", &path, NULL);

    assert_true(fd >= 0);
    (void)g_close(fd, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *file = g_strdup_printf("%s/%s.json", TEST_COMPILED, names[i]), *account = NULL;
        assert_true(g_file_get_contents(file, &account, NULL, NULL));
        g_string_append_printf(text, "%s%s", i == 0 ? "" : ",", account);
    }
    g_string_append(text, "]}");
    assert_true(g_file_set_contents(path, text->str, -1, NULL));
    assert_true(rb_box_compiled_load(path, SIGNIN, cloud, problems));
    (void)g_remove(path);
    assert_int_equal(rb_box_cloud_n_roles(cloud), 14);
    return cloud;
}

/* "key=value,key=value" */
static RbBoxContext *
context_of(const char *text)
{
    g_auto(GStrv) pairs = g_strsplit(text, ",", -1);
    RbBoxContext *context = rb_box_context_new();

    for (guint i = 0; pairs[i] != NULL; i++) {
        char *value = strchr(pairs[i], '=');
        *value = '\0';
        rb_box_context_add(context, pairs[i], value + 1);
    }
    return context;
}

/* clang-format off */
static const struct {
    const char *name, *role, *provider, *action, *context;
    gboolean good;
} trusts[] = {
    { "a token",                  DEV "role/rolebridge/developer", OIDC, WEB, AUD NAMED, TRUE },
    { "its source identity",      DEV "role/rolebridge/developer", OIDC, "sts:SetSourceIdentity", AUD NAMED, TRUE },
    { "without a source identity",DEV "role/rolebridge/developer", OIDC, WEB, AUD ",sts:RoleSessionName=ada", FALSE },
    { "another audience",         DEV "role/rolebridge/developer", OIDC, WEB, "bridge.acme.example:aud=rolebridge" NAMED, FALSE },
    { "another issuer's audience",DEV "role/rolebridge/developer", OIDC, WEB, "eve.example:aud=sts.amazonaws.com" NAMED, FALSE },
    { "another provider",         DEV "role/rolebridge/developer", DEV "oidc-provider/eve.example", WEB, AUD NAMED, FALSE },
    { "an assertion for a token", DEV "role/rolebridge/developer", OIDC, BY_SAML, AUD NAMED, FALSE },
    { "tags nobody asked for",    DEV "role/rolebridge/developer", OIDC, "sts:TagSession", AUD NAMED TAG, FALSE },
    { "the role's tag",           DEV "role/rolebridge/data-scientist", OIDC, WEB, AUD NAMED TAG, TRUE },
    { "to set it",                DEV "role/rolebridge/data-scientist", OIDC, "sts:TagSession", AUD NAMED TAG, TRUE },
    { "without the tag",          DEV "role/rolebridge/data-scientist", OIDC, WEB, AUD NAMED, FALSE },
    { "the tag empty",            DEV "role/rolebridge/data-scientist", OIDC, WEB, AUD NAMED ",aws:RequestTag/CostCenter=,aws:TagKeys=CostCenter", FALSE },
    { "a tag more",               DEV "role/rolebridge/data-scientist", OIDC, "sts:TagSession", AUD NAMED TAG ",aws:RequestTag/Admin=1,aws:TagKeys=Admin", FALSE },
    { "to set no tag",            DEV "role/rolebridge/data-scientist", OIDC, "sts:TagSession", AUD NAMED, FALSE },
    { "a tag that goes on",       DEV "role/rolebridge/data-scientist", OIDC, "sts:TagSession", AUD NAMED TAG ",sts:TransitiveTagKeys=CostCenter", FALSE },
    { "privileged, with MFA",     DEV "role/rolebridge/iam-administrator", OIDC, WEB, AUD NAMED MFA, TRUE },
    { "privileged, without",      DEV "role/rolebridge/iam-administrator", OIDC, WEB, AUD NAMED, FALSE },
    { "privileged, by password",  DEV "role/rolebridge/iam-administrator", OIDC, WEB, AUD NAMED ",bridge.acme.example:amr=pwd", FALSE },
    { "an assertion",             CORP "role/rolebridge/accounts-payable-clerk", SAML, BY_SAML, ISS ",saml:aud=https://signin.aws.amazon.com/saml" NAMED, TRUE },
    { "in a region",              CORP "role/rolebridge/accounts-payable-clerk", SAML, BY_SAML, ISS ",saml:aud=https://eu-central-1.signin.aws.amazon.com/saml" NAMED, TRUE },
    { "addressed to the sandbox", CORP "role/rolebridge/accounts-payable-clerk", SAML, BY_SAML, ISS ",saml:aud=" SIGNIN NAMED, TRUE },
    { "addressed elsewhere",      CORP "role/rolebridge/accounts-payable-clerk", SAML, BY_SAML, ISS ",saml:aud=https://eve.example/saml" NAMED, FALSE },
    { "of another partition",     CORP "role/rolebridge/accounts-payable-clerk", SAML, BY_SAML, ISS ",saml:aud=https://signin.amazonaws.cn/saml" NAMED, FALSE },
    { "of another issuer",        CORP "role/rolebridge/accounts-payable-clerk", SAML, BY_SAML, "saml:iss=https://eve.example,saml:aud=" SIGNIN NAMED, FALSE },
    { "the bridge's role",        PROD "role/rolebridge/data-administrator", NULL, "sts:AssumeRole", "sts:ExternalId=acme-bridge-analytics" NAMED, TRUE },
    { "without the external id",  PROD "role/rolebridge/data-administrator", NULL, "sts:AssumeRole", "aws:SecureTransport=true" NAMED, FALSE },
    { "with another one",         PROD "role/rolebridge/data-administrator", NULL, "sts:AssumeRole", "sts:ExternalId=acme" NAMED, FALSE },
    { "nobody in particular",     PROD "role/rolebridge/data-administrator", NULL, "sts:AssumeRole", "sts:ExternalId=acme-bridge-analytics,sts:RoleSessionName=ada", FALSE },
};
/* clang-format on */

static void
who_may_take_a_role(void **state)
{
    g_autoptr(RbBoxCloud) cloud = load();

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(trusts); i++) {
        const RbBoxRole *role = rb_box_cloud_role(cloud, trusts[i].role);
        g_autoptr(RbBoxContext) context = context_of(trusts[i].context);
        const RbBoxAsker vouched = { .account = "-", .partition = "aws", .federated = trusts[i].provider },
                         bridge = { .account = "999988887777",
                                    .partition = "aws",
                                    .session_arn =
                                        "arn:aws:sts::999988887777:assumed-role/rolebridge-bridge/i",
                                    .role_arn = BRIDGE };

        assert_non_null(role);
        if ((rb_box_policy_judge(role->trust, trusts[i].provider != NULL ? &vouched : &bridge,
                                 trusts[i].action, NULL, context, NULL) >= RB_BOX_ALLOWED) != trusts[i].good)
            fail_msg("%s", trusts[i].name);
    }
}

/* clang-format off */
static const struct {
    const char *name, *role, *action, *resource, *context;
    RbBoxVerdict want;
} tasks[] = {
    { "what the task says",      DEV "role/rolebridge/tester", "s3:GetObject", "arn:aws:s3:::acme-test-scripts/a", "aws:SourceIp=198.51.100.9", RB_BOX_ALLOWED },
    { "and no more",             DEV "role/rolebridge/tester", "s3:PutObject", "arn:aws:s3:::acme-test-scripts/a", "aws:SourceIp=198.51.100.9", RB_BOX_SILENT },
    { "the account's bucket",    CORP "role/rolebridge/accounts-payable-approver", "s3:GetObject", "arn:aws:s3:::acme-bills/a", "aws:SourceIp=203.0.113.7,aws:ViaAWSService=false", RB_BOX_ALLOWED },
    { "from IPv6 of the office", CORP "role/rolebridge/accounts-payable-approver", "s3:GetObject", "arn:aws:s3:::acme-bills/a", "aws:SourceIp=2001:db8:ac3e::1,aws:ViaAWSService=false", RB_BOX_ALLOWED },
    { "from elsewhere",          CORP "role/rolebridge/accounts-payable-approver", "s3:GetObject", "arn:aws:s3:::acme-bills/a", "aws:SourceIp=198.51.100.9,aws:ViaAWSService=false", RB_BOX_DENIED },
    { "from nobody knows where", CORP "role/rolebridge/accounts-payable-approver", "s3:GetObject", "arn:aws:s3:::acme-bills/a", "aws:SecureTransport=true", RB_BOX_DENIED },
    { "AWS in their name",       CORP "role/rolebridge/accounts-payable-approver", "s3:GetObject", "arn:aws:s3:::acme-bills/a", "aws:SourceIp=198.51.100.9,aws:ViaAWSService=true", RB_BOX_ALLOWED },
};
/* clang-format on */

static void
what_a_role_may_do(void **state)
{
    g_autoptr(RbBoxCloud) cloud = load();

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(tasks); i++) {
        const RbBoxRole *role = rb_box_cloud_role(cloud, tasks[i].role);
        g_autoptr(RbBoxContext) context = context_of(tasks[i].context);

        assert_non_null(role);
        assert_non_null(role->identity);
        if (rb_box_policy_judge(role->identity, NULL, tasks[i].action, tasks[i].resource, context, NULL) !=
            tasks[i].want)
            fail_msg("%s", tasks[i].name);
    }
}

static void
tells_what_is_no_compilation(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"accounts\":{}}",
        "{\"accounts\":[{\"roles\":[{\"name\":\"x\"}]}]}",
        "{\"accounts\":[{\"id\":\"111122223333\",\"partition\":\"aws\",\"path\":\"/"
        "\",\"roles\":[{\"name\":\"x\",\"trust\":"
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sts:*\",\"Resource\":\"*\"}]}"
        "}]}]}",
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(RbBoxCloud) cloud = rb_box_cloud_new();
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autofree char *path = NULL;
        int fd = g_file_open_tmp("rb-compiled-XXXXXX", &path, NULL);

        assert_true(fd >= 0);
        (void)g_close(fd, NULL);
        assert_true(g_file_set_contents(path, texts[i], -1, NULL));
        assert_false(rb_box_compiled_load(path, SIGNIN, cloud, problems));
        assert_int_equal(rb_diagnostics_count(problems), 1);
        (void)g_remove(path);
        assert_false(rb_box_compiled_load(path, SIGNIN, cloud, problems));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_take_a_role),
        cmocka_unit_test(what_a_role_may_do),
        cmocka_unit_test(tells_what_is_no_compilation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
