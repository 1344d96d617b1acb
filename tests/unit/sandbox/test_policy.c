#include "sandbox/policy.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    const char *name, *operator_name, *key, *values;
    gboolean want;
} conditions[] = {
    /* key "one" is "ada@acme", "many" is "a","b","c", "tag" is "x*y", "ip" 10.1.2.3, "n" 7, "when" 2026-11-24T09:00:00Z */
    { "equal",                           "StringEquals",              "t:one",    "[\"ada@acme\"]",         TRUE },
    { "equal, any of a list",            "StringEquals",              "t:one",    "[\"x\",\"ada@acme\"]",   TRUE },
    { "equal is case-sensitive",         "StringEquals",              "t:one",    "\"Ada@acme\"",           FALSE },
    { "equal, ignoring case",            "StringEqualsIgnoreCase",    "t:one",    "\"Ada@Acme\"",           TRUE },
    { "the key ignores case",            "StringEquals",              "T:ONE",    "\"ada@acme\"",           TRUE },
    { "an absent key never equals",      "StringEquals",              "t:absent", "\"\"",                   FALSE },
    { "an absent key, negated",          "StringNotEquals",           "t:absent", "\"x\"",                  TRUE },
    { "an absent key, if it exists",     "StringEqualsIfExists",      "t:absent", "\"x\"",                  TRUE },
    { "negated: none of the list",       "StringNotEquals",           "t:one",    "[\"x\",\"ada@acme\"]",   FALSE },
    { "an empty list never matches",     "StringEquals",              "t:one",    "[]",                     FALSE },
    { "like",                            "StringLike",                "t:one",    "\"*@acme\"",             TRUE },
    { "like, one character",             "StringLike",                "t:one",    "\"ad?@acme\"",           TRUE },
    { "equals has no wildcards",         "StringEquals",              "t:one",    "\"*@acme\"",             FALSE },
    { "not like",                        "StringNotLike",             "t:one",    "\"*@acme\"",             FALSE },
    { "a variable",                      "StringEquals",              "t:one",    "\"${t:who}@acme\"",      TRUE },
    { "a variable without value",        "StringEquals",              "t:one",    "\"${t:absent}\"",        FALSE },
    { "the same, negated",               "StringNotEquals",           "t:one",    "\"${t:absent}\"",        TRUE },
    { "a variable's default",            "StringEquals",              "t:one",    "\"${t:absent, 'ada'}@acme\"", TRUE },
    { "a literal star",                  "StringLike",                "t:tag",    "\"x${*}y\"",             TRUE },
    { "a value's star is no wildcard",   "StringLike",                "t:one",    "\"${t:star}\"",          FALSE },
    { "several values, no set operator", "StringEquals",              "t:many",   "\"a\"",                  FALSE },
    { "any of",                          "ForAnyValue:StringEquals",  "t:many",   "[\"c\",\"z\"]",          TRUE },
    { "any of, absent",                  "ForAnyValue:StringEquals",  "t:absent", "\"a\"",                  FALSE },
    { "all of",                          "ForAllValues:StringEquals", "t:many",   "[\"a\",\"b\",\"c\"]",    TRUE },
    { "all of, one outside",             "ForAllValues:StringEquals", "t:many",   "[\"a\",\"b\"]",          FALSE },
    { "all of, absent",                  "ForAllValues:StringEquals", "t:absent", "\"a\"",                  TRUE },
    { "null: absent",                    "Null",                      "t:absent", "\"true\"",               TRUE },
    { "null: present",                   "Null",                      "t:one",    "true",                   FALSE },
    { "not null",                        "Null",                      "t:one",    "false",                  TRUE },
    { "within a network",                "IpAddress",                 "t:ip",     "\"10.1.0.0/16\"",        TRUE },
    { "outside a network",               "IpAddress",                 "t:ip",     "\"10.2.0.0/16\"",        FALSE },
    { "one address",                     "IpAddress",                 "t:ip",     "\"10.1.2.3\"",           TRUE },
    { "every address",                   "IpAddress",                 "t:ip",     "\"0.0.0.0/0\"",          TRUE },
    { "IPv6 is not IPv4",                "IpAddress",                 "t:ip",     "\"::/0\"",               FALSE },
    { "a broken network never matches",  "IpAddress",                 "t:ip",     "\"10.1.0.0/99\"",        FALSE },
    { "not within",                      "NotIpAddress",              "t:ip",     "\"10.2.0.0/16\"",        TRUE },
    { "less than",                       "NumericLessThan",           "t:n",      "8",                      TRUE },
    { "not less than itself",            "NumericLessThan",           "t:n",      "7",                      FALSE },
    { "at most",                         "NumericLessThanEquals",     "t:n",      "\"7.0\"",                TRUE },
    { "a word is no number",             "NumericEquals",             "t:one",    "0",                      FALSE },
    { "before",                          "DateLessThan",              "t:when",   "\"2026-11-24T09:00:01Z\"", TRUE },
    { "after, in epoch seconds",         "DateGreaterThan",           "t:when",   "\"1795510799\"",         TRUE },
    { "bool",                            "Bool",                      "t:yes",    "true",                   TRUE },
    { "arn by fields",                   "ArnLike",                   "t:arn",    "\"arn:aws:iam::*:role/x*\"", TRUE },
    { "an arn's star stays in its field", "ArnLike",                  "t:arn",    "\"arn:aws:*:role/xy\"",  FALSE },
};

static const struct {
    const char *name, *operator_name, *key, *values;
} bad_conditions[] = {
    { "no such operator",         "StringSame",         "t:one", "\"x\"" },
    { "Null has no IfExists",     "NullIfExists",       "t:one", "true" },
    { "Null has no set operator", "ForAnyValue:Null",   "t:one", "true" },
    { "a value that is an object", "StringEquals",      "t:one", "{}" },
    { "a value that is null",     "StringEquals",       "t:one", "[null]" },
    { "a key without service",    "StringEquals",       "one",   "\"x\"" },
};

#define ALLOW "\"Effect\":\"Allow\","
static const struct {
    const char *name;
    RbBoxPolicyKind kind;
    const char *json;
    gboolean want;
} documents[] = {
    { "identity",                RB_BOX_IDENTITY, "{\"Version\":\"2012-10-17\",\"Statement\":[{" ALLOW "\"Action\":\"s3:*\",\"Resource\":\"*\"}]}", TRUE },
    { "one statement, no list",  RB_BOX_IDENTITY, "{\"Statement\":{" ALLOW "\"NotAction\":\"s3:*\",\"Resource\":\"arn:aws:s3:::b/*\"}}", TRUE },
    { "not JSON",                RB_BOX_IDENTITY, "{", FALSE },
    { "a list",                  RB_BOX_IDENTITY, "[]", FALSE },
    { "trailing bytes",          RB_BOX_IDENTITY, "{\"Statement\":{" ALLOW "\"Action\":\"*\",\"Resource\":\"*\"}} x", FALSE },
    { "no statement",            RB_BOX_IDENTITY, "{\"Version\":\"2012-10-17\"}", FALSE },
    { "an empty list",           RB_BOX_IDENTITY, "{\"Statement\":[]}", FALSE },
    { "no effect",               RB_BOX_IDENTITY, "{\"Statement\":{\"Action\":\"*\",\"Resource\":\"*\"}}", FALSE },
    { "effect in lower case",    RB_BOX_IDENTITY, "{\"Statement\":{\"Effect\":\"allow\",\"Action\":\"*\",\"Resource\":\"*\"}}", FALSE },
    { "a key twice",             RB_BOX_IDENTITY, "{\"Statement\":{" ALLOW ALLOW "\"Action\":\"*\",\"Resource\":\"*\"}}", FALSE },
    { "an unknown element",      RB_BOX_IDENTITY, "{\"Statement\":{" ALLOW "\"Actions\":\"*\",\"Resource\":\"*\"}}", FALSE },
    { "an unknown version",      RB_BOX_IDENTITY, "{\"Version\":\"2020-01-01\",\"Statement\":{" ALLOW "\"Action\":\"*\",\"Resource\":\"*\"}}", FALSE },
    { "no resource",             RB_BOX_IDENTITY, "{\"Statement\":{" ALLOW "\"Action\":\"*\"}}", FALSE },
    { "a bucket, not an ARN",    RB_BOX_IDENTITY, "{\"Statement\":{" ALLOW "\"Action\":\"*\",\"Resource\":\"bucket\"}}", FALSE },
    { "a principal",             RB_BOX_IDENTITY, "{\"Statement\":{" ALLOW "\"Action\":\"*\",\"Resource\":\"*\",\"Principal\":\"*\"}}", FALSE },
    { "an action without service", RB_BOX_IDENTITY, "{\"Statement\":{" ALLOW "\"Action\":\"GetObject\",\"Resource\":\"*\"}}", FALSE },
    { "action and not action",   RB_BOX_IDENTITY, "{\"Statement\":{" ALLOW "\"Action\":\"*\",\"NotAction\":\"s3:*\",\"Resource\":\"*\"}}", FALSE },
    { "a bad condition",         RB_BOX_IDENTITY, "{\"Statement\":{" ALLOW "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Foo\":{\"t:a\":\"b\"}}}}", FALSE },
    { "trust",                   RB_BOX_TRUST,    "{\"Statement\":{" ALLOW "\"Action\":\"sts:AssumeRole\",\"Principal\":{\"AWS\":\"111122223333\"}}}", TRUE },
    { "trust with a resource",   RB_BOX_TRUST,    "{\"Statement\":{" ALLOW "\"Action\":\"sts:AssumeRole\",\"Principal\":\"*\",\"Resource\":\"*\"}}", FALSE },
    { "trust without principal", RB_BOX_TRUST,    "{\"Statement\":{" ALLOW "\"Action\":\"sts:AssumeRole\"}}", FALSE },
    { "a wildcard principal",    RB_BOX_TRUST,    "{\"Statement\":{" ALLOW "\"Action\":\"sts:AssumeRole\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:role/*\"}}}", FALSE },
};
/* clang-format on */

static RbBoxContext *
sample(void)
{
    RbBoxContext *context = rb_box_context_new();

    rb_box_context_add(context, "t:one", "ada@acme");
    rb_box_context_add(context, "t:who", "ada");
    rb_box_context_add(context, "t:star", "*");
    rb_box_context_add(context, "t:many", "a");
    rb_box_context_add(context, "t:many", "b");
    rb_box_context_add(context, "t:many", "c");
    rb_box_context_add(context, "t:tag", "x*y");
    rb_box_context_add(context, "t:ip", "10.1.2.3");
    rb_box_context_add(context, "t:n", "7");
    rb_box_context_add(context, "t:when", "2026-11-24T09:00:00Z");
    rb_box_context_add(context, "t:yes", "true");
    rb_box_context_add(context, "t:arn", "arn:aws:iam::111122223333:role/xy");
    rb_box_context_add(context, "t:absent", NULL);
    return context;
}

static void
test_conditions(void **state)
{
    g_autoptr(RbBoxContext) context = sample();
    int wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(conditions); i++) {
        json_t *values = json_loads(conditions[i].values, JSON_DECODE_ANY, NULL);
        const char *problem;
        g_autofree char *why = NULL;
        RbBoxCondition *condition =
            rb_box_condition_parse(conditions[i].operator_name, conditions[i].key, values, &problem);

        assert_non_null(condition);
        if (rb_box_condition_holds(condition, context, &why) != conditions[i].want) {
            print_error("%s: wanted %d\n", conditions[i].name, conditions[i].want);
            wrong++;
        }
        assert_int_equal(why == NULL, rb_box_condition_holds(condition, context, NULL));
        rb_box_condition_free(condition);
        json_decref(values);
    }
    assert_int_equal(wrong, 0);
}

static void
test_bad_conditions(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(bad_conditions); i++) {
        json_t *values = json_loads(bad_conditions[i].values, JSON_DECODE_ANY, NULL);
        const char *problem = NULL;

        if (rb_box_condition_parse(bad_conditions[i].operator_name, bad_conditions[i].key, values,
                                   &problem) != NULL)
            fail_msg("%s: accepted", bad_conditions[i].name);
        assert_non_null(problem);
        json_decref(values);
    }
}

static void
test_documents(void **state)
{
    int wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autofree char *problem = NULL;
        g_autoptr(RbBoxPolicy) policy = rb_box_policy_parse(documents[i].json, documents[i].kind, &problem);

        if ((policy != NULL) != documents[i].want || (problem == NULL) != documents[i].want) {
            print_error("%s: wanted %d (%s)\n", documents[i].name, documents[i].want, problem);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static RbBoxVerdict
judge(const char *json, const char *action, char **why)
{
    static const RbBoxAsker asker = { "999988887777", "aws",
                                      "arn:aws:sts::999988887777:assumed-role/bridge/b",
                                      "arn:aws:iam::999988887777:role/svc/bridge" };
    g_autofree char *problem = NULL;
    g_autoptr(RbBoxPolicy) policy = rb_box_policy_parse(json, RB_BOX_TRUST, &problem);
    g_autoptr(RbBoxContext) context = sample();

    assert_non_null(policy);
    return rb_box_policy_judge(policy, &asker, action, NULL, context, why);
}

static void
test_verdicts(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name, *principal, *more;
        RbBoxVerdict want;
    } rows[] = {
        { "the role",            "{\"AWS\":\"arn:aws:iam::999988887777:role/svc/bridge\"}",          "", RB_BOX_ALLOWED_HIM },
        { "the session",         "{\"AWS\":\"arn:aws:sts::999988887777:assumed-role/bridge/b\"}",    "", RB_BOX_ALLOWED_HIM },
        { "another session",     "{\"AWS\":\"arn:aws:sts::999988887777:assumed-role/bridge/c\"}",    "", RB_BOX_SILENT },
        { "without its path",    "{\"AWS\":\"arn:aws:iam::999988887777:role/bridge\"}",              "", RB_BOX_SILENT },
        { "the account's root",  "{\"AWS\":\"arn:aws:iam::999988887777:root\"}",                     "", RB_BOX_ALLOWED },
        { "the account's id",    "{\"AWS\":[\"111122223333\",\"999988887777\"]}",                    "", RB_BOX_ALLOWED },
        { "another account",     "{\"AWS\":\"111122223333\"}",                                       "", RB_BOX_SILENT },
        { "everybody",           "\"*\"",                                                            "", RB_BOX_ALLOWED },
        { "a provider",          "{\"Federated\":\"arn:aws:iam::999988887777:saml-provider/x\"}",    "", RB_BOX_SILENT },
        { "a condition that holds", "\"*\"", ",\"Condition\":{\"StringEquals\":{\"t:one\":\"ada@acme\"}}", RB_BOX_ALLOWED },
        { "one of two fails",    "\"*\"", ",\"Condition\":{\"StringEquals\":{\"t:one\":\"ada@acme\",\"t:n\":\"8\"}}", RB_BOX_SILENT },
    };
    /* clang-format on */
    g_autofree char *why = NULL;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *json = g_strdup_printf(
            "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:assumeRole\",\"Principal\":%s%s}}",
            rows[i].principal, rows[i].more);
        RbBoxVerdict got = judge(json, "sts:AssumeRole", NULL);

        if (got != rows[i].want)
            fail_msg("%s: got %d, wanted %d", rows[i].name, (int)got, (int)rows[i].want);
        assert_int_equal(judge(json, "sts:TagSession", NULL), RB_BOX_SILENT);
    }
    assert_int_equal(judge("{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sts:*\",\"Principal\":\"*\"},"
                           "{\"Effect\":\"Deny\",\"Action\":\"*\",\"Principal\":\"*\"}]}",
                           "sts:AssumeRole", NULL),
                     RB_BOX_DENIED);
    assert_int_equal(
        judge("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:*\",\"Principal\":\"*\",\"Condition\":"
              "{\"StringEquals\":{\"sts:ExternalId\":\"x\"}}}}",
              "sts:AssumeRole", &why),
        RB_BOX_SILENT);
    assert_non_null(strstr(why, "sts:ExternalId"));
}

static void
test_glob(void **state)
{
    g_autoptr(GString) long_text = g_string_new(NULL);

    (void)state;
    for (int i = 0; i < 20000; i++)
        g_string_append_c(long_text, 'a');
    assert_true(rb_box_glob("*", "", FALSE));
    assert_true(rb_box_glob("a*b*c", "a-b-b-c", FALSE));
    assert_false(rb_box_glob("a*b*c", "a-b-b-c-", FALSE));
    assert_false(rb_box_glob("?", "", FALSE));
    assert_false(rb_box_glob("", "a", FALSE));
    assert_false(rb_box_glob("a*a*a*a*a*a*a*a*b", long_text->str, FALSE)); /* ends soon */
    assert_true(rb_box_glob("STS:*", "sts:x", TRUE));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions), cmocka_unit_test(test_bad_conditions),
        cmocka_unit_test(test_documents),  cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_glob),
    };

    return cmocka_run_group_tests_name("sandbox_policy", tests, NULL, NULL);
}
