/* Which documents mean the same, and that printing and normalising keep what was meant. */
#include "iam/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { DOCUMENTS = 2000, DEFAULT_SEED = 20261124 };

#define ST(inner) "{\"Version\":\"2012-10-17\",\"Statement\":[" inner "]}"
#define A(actions, resources) "{\"Effect\":\"Allow\",\"Action\":" actions ",\"Resource\":" resources "}"
#define C(conditions)                                                                                        \
    "{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"*\",\"Condition\":{" conditions "}}"
#define P(principal)                                                                                         \
    "{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"*\",\"Principal\":" principal "}"

static RbPolicy *
parse(const char *text)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbPolicy *policy = rb_policy_parse(RB_POLICY_RESOURCE_CONTROL, "p.json", bytes, problems);
    g_autofree char *why = rb_diagnostics_to_line(problems);

    if (policy != NULL)
        return policy;
    g_clear_pointer(&problems, rb_diagnostics_free);
    problems = rb_diagnostics_new();
    policy = rb_policy_parse(RB_POLICY_IDENTITY, "p.json", bytes, problems);
    if (policy == NULL)
        fail_msg("%s: %s", text, why);
    return policy;
}

/* clang-format off */
static const struct {
    const char *name, *a, *b;
    gboolean equal;
} rows[] = {
    { "a list of one", ST(A("\"s3:Get*\"", "\"*\"")), ST(A("[\"s3:Get*\"]", "[\"*\"]")), TRUE },
    { "one statement without a list", ST(A("\"s3:Get*\"", "\"*\"")), "{\"Version\":\"2012-10-17\",\"Statement\":" A("\"s3:Get*\"", "\"*\"") "}", TRUE },
    { "order of actions", ST(A("[\"s3:Get*\",\"s3:Put*\"]", "\"*\"")), ST(A("[\"s3:Put*\",\"s3:Get*\"]", "\"*\"")), TRUE },
    { "case of actions", ST(A("\"s3:GetObject\"", "\"*\"")), ST(A("\"S3:getobject\"", "\"*\"")), TRUE },
    { "case of resources", ST(A("\"s3:*\"", "\"arn:aws:s3:::a\"")), ST(A("\"s3:*\"", "\"arn:aws:s3:::A\"")), FALSE },
    { "covered action", ST(A("[\"s3:*\",\"s3:Get*\"]", "\"*\"")), ST(A("\"s3:*\"", "\"*\"")), TRUE },
    { "two wildcards for one", ST(A("[\"s3:**\",\"s3:*\"]", "\"*\"")), ST(A("\"s3:*\"", "\"*\"")), TRUE },
    { "covered resource", ST(A("\"s3:*\"", "[\"arn:aws:s3:::a/*\",\"arn:aws:s3:::a/b\"]")), ST(A("\"s3:*\"", "\"arn:aws:s3:::a/*\"")), TRUE },
    { "another action", ST(A("\"s3:Get*\"", "\"*\"")), ST(A("\"s3:Put*\"", "\"*\"")), FALSE },
    { "action and not action", ST(A("\"s3:*\"", "\"*\"")), ST("{\"Effect\":\"Allow\",\"NotAction\":\"s3:*\",\"Resource\":\"*\"}"), FALSE },
    { "effect", ST(A("\"s3:*\"", "\"*\"")), ST("{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"), FALSE },
    { "sid", ST("{\"Sid\":\"X\",\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"), ST("{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"), TRUE },
    { "order of statements", ST(A("\"a:b\"", "\"*\"") "," A("\"c:d\"", "\"*\"")), ST(A("\"c:d\"", "\"*\"") "," A("\"a:b\"", "\"*\"")), TRUE },
    { "a statement twice", ST(A("\"a:b\"", "\"*\"") "," A("\"a:b\"", "\"*\"")), ST(A("\"a:b\"", "\"*\"")), TRUE },
    { "one statement more", ST(A("\"a:b\"", "\"*\"") "," A("\"c:d\"", "\"*\"")), ST(A("\"a:b\"", "\"*\"")), FALSE },
    { "version", "{\"Statement\":[" A("\"a:b\"", "\"*\"") "]}", ST(A("\"a:b\"", "\"*\"")), FALSE },
    { "case of keys", ST(C("\"StringEquals\":{\"aws:PrincipalTag/A\":\"x\"}")), ST(C("\"StringEquals\":{\"aws:principaltag/a\":[\"x\"]}")), TRUE },
    { "case of values", ST(C("\"StringEquals\":{\"aws:a\":\"x\"}")), ST(C("\"StringEquals\":{\"aws:a\":\"X\"}")), FALSE },
    { "booleans", ST(C("\"Bool\":{\"aws:a\":true}")), ST(C("\"Bool\":{\"aws:a\":\"True\"}")), TRUE },
    { "ArnEquals", ST(C("\"ArnEquals\":{\"aws:a\":\"arn:aws:iam::1:role/*\"}")), ST(C("\"ArnLike\":{\"aws:a\":\"arn:aws:iam::1:role/*\"}")), TRUE },
    { "ArnNotEquals", ST(C("\"ForAnyValue:ArnNotEqualsIfExists\":{\"aws:a\":\"x\"}")), ST(C("\"ForAnyValue:ArnNotLikeIfExists\":{\"aws:a\":\"x\"}")), TRUE },
    { "StringEquals is not StringLike", ST(C("\"StringEquals\":{\"aws:a\":\"x\"}")), ST(C("\"StringLike\":{\"aws:a\":\"x\"}")), FALSE },
    { "IfExists", ST(C("\"StringEquals\":{\"aws:a\":\"x\"}")), ST(C("\"StringEqualsIfExists\":{\"aws:a\":\"x\"}")), FALSE },
    { "order of conditions", ST(C("\"Bool\":{\"aws:a\":\"true\"},\"StringEquals\":{\"aws:b\":[\"y\",\"x\"]}")), ST(C("\"StringEquals\":{\"aws:b\":[\"x\",\"y\",\"x\"]},\"Bool\":{\"aws:a\":\"true\"}")), TRUE },
    { "account as principal", ST(P("{\"AWS\":\"111122223333\"}")), ST(P("{\"AWS\":[\"arn:aws:iam::111122223333:root\"]}")), TRUE },
    { "everybody", ST(P("\"*\"")), ST(P("{\"AWS\":\"*\"}")), TRUE },
    { "another principal", ST(P("{\"AWS\":\"111122223333\"}")), ST(P("{\"AWS\":\"111122223334\"}")), FALSE },
    { "kind of principal", ST(P("{\"AWS\":\"x\"}")), ST(P("{\"Service\":\"x\"}")), FALSE },
};
/* clang-format on */

static void
test_equal(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbPolicy) a = parse(rows[i].a), b = parse(rows[i].b);
        if (rb_policy_equal(a, b) != rows[i].equal || rb_policy_equal(b, a) != rows[i].equal)
            wrong++, print_error("%s: not %s\n", rows[i].name, rows[i].equal ? "equal" : "different");
    }
    assert_int_equal(wrong, 0);
}

/* ---- documents made at random ---- */

static const char *
pick(GRand *rand, const char *const *from, guint n)
{
    return from[g_rand_int_range(rand, 0, (gint32)n)];
}

static json_t *
some_texts(GRand *rand, const char *const *from, guint n)
{
    guint wanted = (guint)g_rand_int_range(rand, 1, 4);
    json_t *out = json_array();

    if (wanted == 1) {
        json_decref(out);
        return json_string(pick(rand, from, n));
    }
    for (guint i = 0; i < wanted; i++)
        (void)json_array_append_new(out, json_string(pick(rand, from, n)));
    return out;
}

static json_t *
some_condition(GRand *rand)
{
    static const char *const sets[] = { "", "ForAnyValue:", "ForAllValues:" };
    static const char *const operators[] = { "StringEquals",    "StringNotLike", "ArnEquals",      "Bool",
                                             "NumericLessThan", "IpAddress",     "DateGreaterThan" };
    static const char *const keys[] = { "aws:PrincipalTag/Team", "aws:principaltag/team", "s3:prefix",
                                        "aws:SourceIp" };
    static const char *const values[] = {
        "a*", "true", "10", "10.0.0.0/8", "${aws:PrincipalTag/x, 'none'}", "\xc3\xa9 \\ \""
    };
    json_t *out = json_object();
    guint n = (guint)g_rand_int_range(rand, 1, 3);

    for (guint i = 0; i < n; i++) {
        g_autofree char *op = g_strconcat(pick(rand, sets, 3), pick(rand, operators, 7),
                                          g_rand_boolean(rand) ? "IfExists" : "", NULL);
        json_t *inner = json_object();
        (void)json_object_set_new(inner, pick(rand, keys, 4), some_texts(rand, values, 6));
        (void)json_object_set_new(out, op, inner);
    }
    return out;
}

static char *
some_document(GRand *rand)
{
    static const char *const actions[] = {
        "s3:Get*", "s3:GetObject", "S3:*", "*", "iam:PassRole", "ec2:?un*"
    };
    static const char *const resources[] = { "*", "arn:aws:s3:::a/*", "arn:aws:s3:::a/b",
                                             "arn:aws:iam::111122223333:role/${aws:username}" };
    json_t *statements = json_array(), *document;
    guint n = (guint)g_rand_int_range(rand, 1, 5);
    char *text, *out;

    for (guint i = 0; i < n; i++) {
        json_t *s = json_object();
        (void)json_object_set_new(s, "Effect", json_string(g_rand_boolean(rand) ? "Allow" : "Deny"));
        (void)json_object_set_new(s, g_rand_boolean(rand) ? "Action" : "NotAction",
                                  some_texts(rand, actions, 6));
        (void)json_object_set_new(s, g_rand_boolean(rand) ? "Resource" : "NotResource",
                                  some_texts(rand, resources, 4));
        if (g_rand_boolean(rand))
            (void)json_object_set_new(s, "Condition", some_condition(rand));
        (void)json_array_append_new(statements, s);
    }
    document = json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", statements);
    text = json_dumps(document, JSON_COMPACT);
    out = g_strdup(text);
    free(text);
    json_decref(document);
    return out;
}

/* parse ∘ print = id; normalising twice is normalising once, and keeps the meaning. */
static void
test_properties(void **state)
{
    const char *asked = g_getenv("RB_SEED");
    guint32 seed = asked == NULL ? DEFAULT_SEED : (guint32)g_ascii_strtoull(asked, NULL, 10);
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

    (void)state;
    print_message("seed %u (RB_SEED)\n", seed);
    for (guint i = 0; i < DOCUMENTS; i++) {
        g_autofree char *text = some_document(rand);
        g_autoptr(RbPolicy) policy = parse(text);
        g_autofree char *printed = rb_policy_print(policy);
        g_autoptr(RbPolicy) again = parse(printed), normal = rb_policy_normalise(policy),
                            twice = rb_policy_normalise(normal);
        g_autofree char *reprinted = rb_policy_print(again), *once = rb_policy_print(normal),
                        *two = rb_policy_print(twice);
        assert_string_equal(printed, reprinted);
        assert_string_equal(once, two);
        assert_true(rb_policy_equal(policy, again));
        assert_true(rb_policy_equal(policy, normal));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_properties),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
