#include "iam/arn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
    const char *text, *path, *name; /* name NULL: refused */
} roles[] = {
    { "arn:aws:iam::111122223333:role/data-scientist", "/", "data-scientist" },
    { "arn:aws:iam::111122223333:role/rolebridge/data-scientist", "/rolebridge/", "data-scientist" },
    { "arn:aws-cn:iam::111122223333:role/a/b/c", "/a/b/", "c" },
    { "arn:aws-eusc:iam::111122223333:role/_+=,.@-", "/", "_+=,.@-" },
    { "arn:aws:iam:eu-central-1:111122223333:role/x", NULL, NULL },
    { "arn:aws:iam::11112222333:role/x", NULL, NULL },
    { "arn:aws:iam::1111222233334:role/x", NULL, NULL },
    { "arn:aws:iam::aws:role/x", NULL, NULL },
    { "arn:aws:iam::111122223333:user/x", NULL, NULL },
    { "arn:aws:iam::111122223333:role", NULL, NULL },
    { "arn:aws:iam::111122223333:role/", NULL, NULL },
    { "arn:aws:iam::111122223333:role/a//b", NULL, NULL },
    { "arn:aws:iam::111122223333:role/a b/c", NULL, NULL },
    { "arn:aws:iam::111122223333:role/*", NULL, NULL },
    { "arn:aws:iam::111122223333:role/x\n", NULL, NULL },
    { "arn:aws:iam::111122223333:role/\xc3\xa4", NULL, NULL },
    { "arn:aws:sts::111122223333:role/x", NULL, NULL },
    { "arn:gcp:iam::111122223333:role/x", NULL, NULL },
    { "ARN:aws:iam::111122223333:role/x", NULL, NULL },
    { "arn:aws:iam:111122223333:role/x", NULL, NULL },
    { "", NULL, NULL },
};

static const struct {
    const char *text, *role, *session;
} sessions[] = {
    { "arn:aws:sts::111122223333:assumed-role/data-scientist/ada@acme.example", "data-scientist", "ada@acme.example" },
    { "arn:aws-us-gov:sts::111122223333:assumed-role/r/ab", "r", "ab" },
    { "arn:aws:sts::111122223333:assumed-role/r/a", NULL, NULL },
    { "arn:aws:sts::111122223333:assumed-role/rolebridge/r/ab", NULL, NULL },
    { "arn:aws:sts::111122223333:assumed-role/r", NULL, NULL },
    { "arn:aws:sts::111122223333:federated-user/r/ab", NULL, NULL },
    { "arn:aws:iam::111122223333:assumed-role/r/ab", NULL, NULL },
};

static const struct {
    const char *text;
    gboolean valid;
} arns[] = {
    { "arn:aws:s3:::bucket/key:with:colons", TRUE },
    { "arn:aws:iam::aws:policy/ReadOnlyAccess", TRUE },
    { "arn:aws:ec2:eu-central-1:111122223333:instance/*", TRUE },
    { "arn:aws:s3:::", FALSE },
    { "arn:aws::::x", FALSE },
    { "arn:aws:ec2:EU:111122223333:x", FALSE },
    { "arn:aws:ec2:eu-central-1:1:x", FALSE },
    { "arn:aws:ec2:eu-central-1:111122223333", FALSE },
};

static const struct {
    const char *text;
    gboolean valid;
} regions[] = {
    { "eu-central-1", TRUE }, { "us-gov-west-1", TRUE }, { "eusc-de-east-1", TRUE },
    { "", FALSE }, { "eu", FALSE }, { "eu-central-1.evil.example", FALSE }, { "eu-central-1/", FALSE },
    { "EU-central-1", FALSE }, { "-eu-1", FALSE }, { "eu-central-", FALSE }, { "eu_central-1", FALSE },
};
/* clang-format on */

static void
test_roles(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(roles); i++) {
        const char *why = NULL;
        g_autoptr(RbRoleArn) role = rb_role_arn_parse(roles[i].text, &why);
        g_autofree char *printed = NULL;
        if ((role != NULL) != (roles[i].name != NULL) || (role == NULL) != (why != NULL))
            fail_msg("%s: %s", roles[i].text, why);
        if (role == NULL)
            continue;
        printed = rb_role_arn_print(role);
        assert_string_equal(printed, roles[i].text);
        assert_string_equal(role->path, roles[i].path);
        assert_string_equal(role->name, roles[i].name);
    }
}

static void
test_sessions(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(sessions); i++) {
        g_autoptr(RbSessionArn) session = rb_session_arn_parse(sessions[i].text, NULL);
        g_autofree char *printed = NULL;
        if ((session != NULL) != (sessions[i].role != NULL))
            fail_msg("%s", sessions[i].text);
        if (session == NULL)
            continue;
        printed = rb_session_arn_print(session);
        assert_string_equal(printed, sessions[i].text);
        assert_string_equal(session->role, sessions[i].role);
        assert_string_equal(session->session, sessions[i].session);
    }
}

static void
test_arns(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(arns); i++) {
        g_autoptr(RbArn) arn = rb_arn_parse(arns[i].text, NULL);
        g_autofree char *printed = arn != NULL ? rb_arn_print(arn) : NULL;
        if ((arn != NULL) != arns[i].valid)
            fail_msg("%s", arns[i].text);
        if (arn != NULL)
            assert_string_equal(printed, arns[i].text);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(regions); i++)
        if (rb_arn_is_region(regions[i].text) != regions[i].valid)
            fail_msg("region %s", regions[i].text);
}

static void
test_lengths(void **state)
{
    g_autofree char *name64 = g_strnfill(64, 'n'), *name65 = g_strnfill(65, 'n');
    g_autofree char *fits = g_strconcat("arn:aws:iam::111122223333:role/", name64, NULL);
    g_autofree char *over = g_strconcat("arn:aws:iam::111122223333:role/", name65, NULL);
    g_autofree char *huge = g_strnfill(1 << 20, 'a');
    g_autoptr(RbRoleArn) role = rb_role_arn_parse(fits, NULL);

    (void)state;
    assert_non_null(role);
    assert_null(rb_role_arn_parse(over, NULL));
    assert_null(rb_role_arn_parse(huge, NULL));
    assert_false(rb_arn_is_account("111122223333 "));
    assert_true(rb_arn_is_name("ab", 2, 64));
    assert_false(rb_arn_is_name("a b", 2, 64));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_arns),
        cmocka_unit_test(test_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
