#include "iam/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
    const char *text, *service, *name; /* name NULL: there is no such action */
    RbAccessLevel level;
} actions[] = {
    { "s3:GetObject",          "s3",  "GetObject",          RB_ACCESS_READ },
    { "S3:GETOBJECT",          "s3",  "GetObject",          RB_ACCESS_READ },
    { "s3:listallmybuckets",   "s3",  "ListAllMyBuckets",   RB_ACCESS_LIST },
    { "s3:PutObject",          "s3",  "PutObject",          RB_ACCESS_WRITE },
    { "s3:PutBucketPolicy",    "s3",  "PutBucketPolicy",    RB_ACCESS_PERMISSIONS },
    { "ec2:CreateTags",        "ec2", "CreateTags",         RB_ACCESS_TAGGING },
    { "iam:AttachRolePolicy",  "iam", "AttachRolePolicy",   RB_ACCESS_PERMISSIONS },
    { "elasticmapreduce:RunJobFlow", "elasticmapreduce", "RunJobFlow", RB_ACCESS_WRITE },
    { "s3:GetObjec",           NULL,  NULL, 0 },
    { "s3:GetObjects",         NULL,  NULL, 0 },
    { "s3:",                   NULL,  NULL, 0 },
    { "s:GetObject",           NULL,  NULL, 0 },
    { ":GetObject",            NULL,  NULL, 0 },
    { "GetObject",             NULL,  NULL, 0 },
    { "s3:Get*",               NULL,  NULL, 0 },
    { "*",                     NULL,  NULL, 0 },
    { "",                      NULL,  NULL, 0 },
};

static const struct {
    const char *text, *name, *type; /* name NULL: there is no such key */
    gboolean several;
} keys[] = {
    { "aws:SourceIp",             "aws:SourceIp",                "IPAddress", FALSE },
    { "AWS:sourceip",             "aws:SourceIp",                "IPAddress", FALSE },
    { "aws:TagKeys",              "aws:TagKeys",                 "String",    TRUE },
    { "aws:PrincipalTag/team",    "aws:PrincipalTag/${TagKey}",  "String",    FALSE },
    { "aws:principaltag/a/b c",   "aws:PrincipalTag/${TagKey}",  "String",    FALSE },
    { "aws:MultiFactorAuthAge",   "aws:MultiFactorAuthAge",      "Numeric",   FALSE },
    { "aws:CurrentTime",          "aws:CurrentTime",             "Date",      FALSE },
    { "s3:prefix",                "s3:prefix",                   "String",    FALSE },
    { "s3:RequestObjectTag/team", "s3:RequestObjectTag/${key}",  "String",    FALSE },
    { "iam:PassedToService",      "iam:PassedToService",         "String",    FALSE },
    { "saml:aud",                 "saml:aud",                    "String",    FALSE },
    { "codebuild:environment.environmentVariables/HOME.value",
                                  "codebuild:environment.environmentVariables/${name}.value", "String", FALSE },
    { "aws:PrincipalTag/",        NULL, NULL, FALSE },
    { "aws:PrincipalTag",         NULL, NULL, FALSE },
    { "aws:SourceIP4",            NULL, NULL, FALSE },
    { "codebuild:environment.environmentVariables/HOME", NULL, NULL, FALSE },
    { "s3",                       NULL, NULL, FALSE },
    { "",                         NULL, NULL, FALSE },
};

static const struct {
    const char *pattern, *has, *has_not; /* NULL: nothing at all */
} patterns[] = {
    { "s3:Get*",         "s3:GetObject",       "s3:PutObject" },
    { "s3:getobject",    "s3:GetObject",       "s3:GetObjectAcl" },
    { "s3:GetObject?cl", "s3:GetObjectAcl",    "s3:GetObject" },
    { "s3:*Object*Acl",  "s3:PutObjectVersionAcl", "s3:GetObject" },
    { "s3:*",            "s3:GetObject",       "ec2:RunInstances" },
    { "S3:*",            "s3:GetObject",       "ec2:RunInstances" },
    { "*",               "ec2:RunInstances",   NULL },
    { "*:*",             "ec2:RunInstances",   NULL },
    { "s3*:GetObject",   "s3:GetObject",       "s3:PutObject" },
    { "s3:Nothing*",     NULL, NULL },
    { "nothing:*",       NULL, NULL },
    { "Get*",            NULL, NULL },
    { "",                NULL, NULL },
};

static const struct {
    const char *text, *nearest;
} misspelt[] = {
    { "s3:GetObjcet",       "s3:GetObject" },
    { "S3:getobjects",      "s3:GetObject" },
    { "iam:PassRoles",      "iam:PassRole" },
    { "lambada",            "lambda" },
    { "lambada:Invoke",     "lambda" },
    { "dynamoDB:PutItems",  "dynamodb:PutItem" },
    { "s3:SomethingElse",   NULL },
    { "nothinglikeit:Get",  NULL },
};
/* clang-format on */

static void
test_actions(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        const RbAction *a = rb_catalogue_action(actions[i].text);
        if ((a == NULL) != (actions[i].name == NULL))
            fail_msg("'%s': %s", actions[i].text, a == NULL ? "not found" : a->name);
        if (a == NULL)
            continue;
        assert_string_equal(a->service, actions[i].service);
        assert_string_equal(a->name, actions[i].name);
        assert_int_equal(a->level, actions[i].level);
    }
}

static void
test_keys(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        const RbConditionKey *k = rb_catalogue_key(keys[i].text);
        if ((k == NULL) != (keys[i].name == NULL))
            fail_msg("'%s': %s", keys[i].text, k == NULL ? "not found" : k->name);
        if (k == NULL)
            continue;
        assert_string_equal(k->name, keys[i].name);
        assert_string_equal(k->type, keys[i].type);
        assert_int_equal(k->several, keys[i].several);
    }
}

static gboolean
among(const GPtrArray *found, const char *action)
{
    return g_ptr_array_find((GPtrArray *)found, rb_catalogue_action(action), NULL);
}

static void
test_expand(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_autoptr(GPtrArray) found = rb_catalogue_expand(patterns[i].pattern);
        if ((found->len == 0) != (patterns[i].has == NULL))
            fail_msg("'%s': %u found", patterns[i].pattern, found->len);
        if (patterns[i].has != NULL && !among(found, patterns[i].has))
            fail_msg("'%s': without %s", patterns[i].pattern, patterns[i].has);
        if (patterns[i].has_not != NULL && among(found, patterns[i].has_not))
            fail_msg("'%s': with %s", patterns[i].pattern, patterns[i].has_not);
    }
}

static int
in_order(const RbAction *a, const RbAction *b)
{
    int order = strcmp(a->service, b->service);

    return order != 0 ? order : g_ascii_strcasecmp(a->name, b->name);
}

/* What looking up by halves rests on, and that nothing was lost or cut wrong on the way from the package. */
static void
test_whole(void **state)
{
    g_autoptr(GPtrArray) all = rb_catalogue_expand("*");
    const char *const *services = rb_catalogue_services();

    (void)state;
    assert_true(all->len > 20000);
    assert_true(g_strv_length((GStrv)services) > 400);
    assert_true(g_ascii_isdigit(*rb_catalogue_version()));
    for (guint i = 0; services[i] != NULL; i++) {
        assert_true(rb_catalogue_has_service(services[i]));
        assert_true(i == 0 || strcmp(services[i - 1], services[i]) < 0);
    }
    for (guint i = 0; i < all->len; i++) {
        const RbAction *a = all->pdata[i];
        g_autofree char *name = g_strconcat(a->service, ":", a->name, NULL);
        assert_ptr_equal(rb_catalogue_action(name), a);
        assert_true(i == 0 || in_order(all->pdata[i - 1], a) < 0);
        for (guint k = 0; a->resources[k] != NULL; k++)
            for (guint n = 0; a->resources[k]->arns[n] != NULL; n++)
                if (!g_str_has_prefix(a->resources[k]->arns[n], "arn:${Partition}:") &&
                    !g_str_has_prefix(a->resources[k]->arns[n], "arn:aws:"))
                    fail_msg("%s: '%s'", name, a->resources[k]->arns[n]);
        for (guint k = 0; a->keys[k] != NULL; k++)
            if (strchr(a->keys[k], ':') == NULL)
                fail_msg("%s: '%s'", name, a->keys[k]);
    }
    assert_false(rb_catalogue_has_service("s"));
    assert_false(rb_catalogue_has_service("s3:"));
    assert_false(rb_catalogue_has_service(""));
}

static void
test_details(void **state)
{
    const RbAction *get = rb_catalogue_action("s3:GetObject"),
                   *list = rb_catalogue_action("s3:ListAllMyBuckets");
    const RbAction *pass = rb_catalogue_action("iam:PassRole");

    (void)state;
    assert_null(list->resources[0]); /* takes "*" alone */
    assert_string_equal(get->resources[0]->name, "accesspointobject");
    assert_string_equal(get->resources[1]->name, "object");
    assert_string_equal(get->resources[1]->arns[0], "arn:${Partition}:s3:::${BucketName}/${ObjectName}");
    assert_null(get->resources[1]->arns[1]);
    assert_true(g_strv_contains(get->keys, "s3:ExistingObjectTag/<key>") ||
                g_strv_contains(get->keys, "s3:ExistingObjectTag/${key}"));
    assert_string_equal(pass->resources[0]->name, "role");
    assert_true(g_strv_contains(pass->keys, "iam:PassedToService"));
}

static void
test_nearest(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(misspelt); i++) {
        const char *nearest = rb_catalogue_nearest(misspelt[i].text);
        if (g_strcmp0(nearest, misspelt[i].nearest) != 0)
            fail_msg("'%s': got '%s', want '%s'", misspelt[i].text, nearest, misspelt[i].nearest);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actions), cmocka_unit_test(test_keys),    cmocka_unit_test(test_expand),
        cmocka_unit_test(test_whole),   cmocka_unit_test(test_details), cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
