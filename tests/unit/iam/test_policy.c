/* Policy documents: what is read, what is refused and where, and that printing is the inverse of reading. */
#include "iam/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ST(inner) "{\"Version\":\"2012-10-17\",\"Statement\":[" inner "]}"
#define ALLOW "\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\""

static RbPolicy *
parse(RbPolicyKind kind, const char *text, RbDiagnostics *problems)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

    return rb_policy_parse(kind, "p.json", bytes, problems);
}

/* clang-format off */
static const char *const whole[] = {
    ST("{" ALLOW "}"),
    ST("{\"Sid\":\"A\"," ALLOW "},{\"Effect\":\"Deny\",\"NotAction\":[\"iam:*\",\"sts:*\"],\"NotResource\":[\"arn:aws:s3:::b/*\",\"arn:aws:s3:::c\"]}"),
    ST("{" ALLOW ",\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/a\":\"x\",\"aws:PrincipalTag/b\":[\"y\",\"z\"]},\"ForAnyValue:StringNotLikeIfExists\":{\"aws:TagKeys\":\"${aws:username, 'none'}\"}}}"),
    "{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
};

static const struct {
    const char *name;
    RbPolicyKind kind;
    const char *text, *code;
    guint line, column;
} refused[] = {
    { "not JSON", RB_POLICY_IDENTITY, "{", "JSON_SYNTAX_ERROR", 1, 1 },
    { "YAML", RB_POLICY_IDENTITY, "Statement: []", "JSON_SYNTAX_ERROR", 1, 9 },
    { "something behind", RB_POLICY_IDENTITY, ST("{" ALLOW "}") " {}", "JSON_SYNTAX_ERROR", 1, 98 },
    { "a key twice", RB_POLICY_IDENTITY, "{\"Statement\":[],\n\"Statement\":[]}", "JSON_SYNTAX_ERROR", 2, 11 },
    { "twice, another case", RB_POLICY_IDENTITY, "{\"Statement\":[{" ALLOW ",\n \"effect\":\"Deny\"}]}", "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", 2, 2 },
    { "a list", RB_POLICY_IDENTITY, "[]", "DATA_TYPE_MISMATCH", 1, 1 },
    { "no statement", RB_POLICY_IDENTITY, "{}", "MISSING_STATEMENT", 1, 1 },
    { "an empty list", RB_POLICY_IDENTITY, "{\"Statement\":[]}", "MISSING_STATEMENT", 1, 14 },
    { "no effect", RB_POLICY_IDENTITY, ST("\n{\"Action\":\"s3:*\",\"Resource\":\"*\"}"), "MISSING_EFFECT", 2, 1 },
    { "effect in lower case", RB_POLICY_IDENTITY, ST("{\"Effect\":\"allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"), "INVALID_EFFECT", 1, 48 },
    { "no action", RB_POLICY_IDENTITY, ST("{\"Effect\":\"Allow\",\"Resource\":\"*\"}"), "MISSING_ACTION", 1, 38 },
    { "both", RB_POLICY_IDENTITY, ST("{" ALLOW ",\"NotAction\":\"a:b\"}"), "UNSUPPORTED_ELEMENT_COMBINATION", 1, 107 },
    { "action without a service", RB_POLICY_IDENTITY, ST("{\"Effect\":\"Allow\",\"Action\":\"Get*\",\"Resource\":\"*\"}"), "INVALID_ACTION", 1, 65 },
    { "a number as action", RB_POLICY_IDENTITY, ST("{\"Effect\":\"Allow\",\"Action\":7,\"Resource\":\"*\"}"), "DATA_TYPE_MISMATCH", 1, 65 },
    { "no resource", RB_POLICY_IDENTITY, ST("{\"Effect\":\"Allow\",\"Action\":\"s3:*\"}"), "MISSING_RESOURCE", 1, 38 },
    { "resource no ARN", RB_POLICY_IDENTITY, ST("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"bucket\"}"), "INVALID_ARN_PREFIX", 1, 83 },
    { "principal", RB_POLICY_IDENTITY, ST("{" ALLOW ",\"Principal\":\"*\"}"), "UNSUPPORTED_PRINCIPAL", 1, 107 },
    { "unknown element", RB_POLICY_IDENTITY, ST("{" ALLOW ",\"Conditions\":{}}"), "INVALID_POLICY_ELEMENT", 1, 95 },
    { "version", RB_POLICY_IDENTITY, "{\"Version\":\"2012-10-18\",\"Statement\":[{" ALLOW "}]}", "INVALID_VERSION", 1, 12 },
    { "sid twice", RB_POLICY_IDENTITY, ST("{\"Sid\":\"A\"," ALLOW "},{\"Sid\":\"A\"," ALLOW "}"), "UNIQUE_SIDS_REQUIRED", 1, 113 },
    { "sid", RB_POLICY_IDENTITY, ST("{\"Sid\":\"a-b\"," ALLOW "}"), "UNSUPPORTED_SID", 1, 45 },
    { "operator", RB_POLICY_IDENTITY, ST("{" ALLOW ",\"Condition\":{\"StringEqual\":{\"aws:a\":\"b\"}}}"), "INVALID_CONDITION_OPERATOR", 1, 108 },
    { "NullIfExists", RB_POLICY_IDENTITY, ST("{" ALLOW ",\"Condition\":{\"NullIfExists\":{\"aws:a\":\"b\"}}}"), "NULL_WITH_IF_EXISTS", 1, 108 },
    { "key in two cases", RB_POLICY_IDENTITY, ST("{" ALLOW ",\"Condition\":{\"StringEquals\":{\"aws:a\":\"b\",\"AWS:a\":\"b\"}}}"), "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", 1, 136 },
    { "trust: resource", RB_POLICY_TRUST, ST("{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sts:AssumeRole\",\"Resource\":\"*\"}"), "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", 1, 109 },
    { "trust: all but", RB_POLICY_TRUST, ST("{\"Effect\":\"Allow\",\"NotPrincipal\":{\"AWS\":\"111122223333\"},\"Action\":\"sts:AssumeRole\"}"), "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", 1, 71 },
    { "trust: nobody", RB_POLICY_TRUST, ST("{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\"}"), "MISSING_PRINCIPAL", 1, 38 },
    { "trust: kind", RB_POLICY_TRUST, ST("{\"Effect\":\"Allow\",\"Principal\":{\"Aws\":\"1\"},\"Action\":\"sts:AssumeRole\"}"), "INVALID_PRINCIPAL_KEY", 1, 69 },
    { "trust: text", RB_POLICY_TRUST, ST("{\"Effect\":\"Allow\",\"Principal\":\"arn:aws:iam::1:root\",\"Action\":\"sts:AssumeRole\"}"), "INVALID_PRINCIPAL_FORMAT", 1, 68 },
};
/* clang-format on */

static void
test_round(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(whole); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbPolicy) policy = parse(RB_POLICY_IDENTITY, whole[i], problems);
        g_autofree char *why = rb_diagnostics_to_line(problems), *text = NULL;
        if (policy == NULL)
            fail_msg("row %zu: %s", i, why);
        text = rb_policy_print(policy);
        assert_string_equal(text, whole[i]);
    }
}

static void
test_refused(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbPolicy) policy = parse(refused[i].kind, refused[i].text, problems);
        const RbDiagnostic *d;
        if (policy != NULL)
            fail_msg("%s: read", refused[i].name);
        (void)rb_diagnostics_size(problems);
        d = rb_diagnostics_get(problems, 0);
        if (g_strcmp0(d->code, refused[i].code) != 0 || d->line != refused[i].line ||
            d->column != refused[i].column)
            wrong++,
                print_error("%s: got %s at %u:%u (%s), want %s at %u:%u\n", refused[i].name, d->code, d->line,
                            d->column, d->message, refused[i].code, refused[i].line, refused[i].column);
    }
    assert_int_equal(wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
