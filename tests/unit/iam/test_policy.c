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

/* JSON that is not quite YAML, or that can be written in two ways: what is read of it, printed again. */
static const struct {
    const char *name, *text, *want;
} spellings[] = {
    { "tabs", "\t{\"Statement\"\t:\n\t[\t{" ALLOW "}\n\t]\t}\n", "{\"Statement\":[{" ALLOW "}]}" },
    { "colon on another line", "{\"Statement\"\r\n \n:[{" ALLOW "}]}", "{\"Statement\":[{" ALLOW "}]}" },
    { "tab within a text", "{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"a:b\",\"Resource\":\"arn:aws:s3:::\\t\\\": \"}]}", "{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"a:b\",\"Resource\":\"arn:aws:s3:::\\t\\\": \"}]}" },
    { "escapes", "{\"Statement\":[{\"Effect\":\"\\u0044eny\",\"Action\":\"a:b\",\"Resource\":\"arn:aws:s3:::\\u00E9\\/\\\\\"}]}", "{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"a:b\",\"Resource\":\"arn:aws:s3:::\u00e9/\\\\\"}]}" },
    { "an escaped key", "{\"State\\u006dent\":[{" ALLOW "}]}", "{\"Statement\":[{" ALLOW "}]}" },
    { "one statement", "{\"Statement\":{" ALLOW "}}", "{\"Statement\":[{" ALLOW "}]}" },
    { "lists of one", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\"],\"Resource\":[\"*\"]}]}", "{\"Statement\":[{" ALLOW "}]}" },
    { "numbers and booleans", "{\"Statement\":[{" ALLOW ",\"Condition\":{\"NumericEquals\":{\"s3:max-keys\":[10,1.50,-1e3]},\"Bool\":{\"aws:SecureTransport\":true}}}]}", "{\"Statement\":[{" ALLOW ",\"Condition\":{\"NumericEquals\":{\"s3:max-keys\":[\"10\",\"1.50\",\"-1e3\"]},\"Bool\":{\"aws:SecureTransport\":\"true\"}}}]}" },
};
/* clang-format on */

static void
test_spellings(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbPolicy) policy = parse(RB_POLICY_IDENTITY, spellings[i].text, problems);
        g_autofree char *why = rb_diagnostics_to_line(problems), *text = NULL;
        if (policy == NULL)
            fail_msg("%s: %s", spellings[i].name, why);
        text = rb_policy_print(policy);
        assert_string_equal(text, spellings[i].want);
    }
}

/* Inputs made to hurt: all are refused, at once. */
static char *
repeat(const char *head, const char *text, guint n, const char *tail)
{
    GString *out = g_string_new(head);

    for (guint i = 0; i < n; i++)
        g_string_append(out, text);
    return g_string_free(g_string_append(out, tail), FALSE);
}

static void
refuse(const char *name, const char *text, gsize size, const char *says)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, size);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbPolicy) policy = rb_policy_parse(RB_POLICY_IDENTITY, "p.json", bytes, problems);
    g_autofree char *why = rb_diagnostics_to_line(problems);

    if (policy != NULL || strstr(why, says) == NULL)
        fail_msg("%s: %s", name, policy != NULL ? "read" : why);
}

static void
test_hostile(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name, *head, *again;
        guint n;
        const char *tail, *says;
    } rows[] = {
        { "lists in lists", "{\"Statement\":", "[", 60000, "", "maximum parsing depth" },
        { "lists in lists, closed", "{\"Statement\":", "[[[[[[[[[[", 4, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", "nested too deeply" },
        { "the most bytes, and one", "{\"Statement\":[", " ", RB_POLICY_MAX_SIZE - 14, "]", "longer than the 131072 bytes" },
        { "everything twice", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"a:b\"", ",\"a:b\"", 20000, "],\"Action\":1}]}", "duplicate object key" },
        { "NUL as an escape", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b", "\\u0000", 1, "\"}]}", "\\u0000 is not allowed" },
        { "half a character", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b", "\\ud800", 1, "\"}]}", "invalid Unicode" },
        { "not UTF-8", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b", "\xc0\xaf", 1, "\"}]}", "unable to decode byte" },
        { "beyond Latin-1", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"arn:aws:s3:::", "\xf0\x9f\x98\x80", 1, "\"}]}", "U+1F600" },
        { "control character", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"arn:aws:s3:::", "\\u0007", 1, "\"}]}", "U+0007" },
        { "control character as a byte", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b", "\x07", 1, "\"}]}", "control character" },
        { "unusual line end", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"arn:aws:s3:::", "\xe2\x80\xa8", 1, "\"}]}", "U+2028" },
        { "line end of IBM's", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"arn:aws:s3:::", "\xc2\x85", 1, "x\"}]}", "two readers" },
        { "comment", "{\"Statement\":[{" ALLOW "}] # ", "x", 1, "\n}", "expected near '#'" },
        { "anchor", "{\"Statement\": &a [{" ALLOW "}]", "", 0, "}", "invalid token near '&'" },
        { "infinity", "{\"Statement\":[{" ALLOW ",\"Condition\":{\"NumericEquals\":{\"s3:max-keys\":", "1e9999", 1, "}}}]}", "real number overflow" },
    };
    /* clang-format on */
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = repeat(rows[i].head, rows[i].again, rows[i].n, rows[i].tail);
        refuse(rows[i].name, text, strlen(text), rows[i].says);
    }
    refuse("a NUL byte", "{\"Statement\":[]}\0", 17, "expected");
    refuse("nothing", "", 0, "expected");
}

/* The longest documents that IAM takes are read, judged and normalised in a moment, whatever is in them. */
static void
test_long(void **state)
{
    /* clang-format off */
    static const struct {
        const char *head, *again, *tail;
    } rows[] = {
        { "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"a:b\"", ",\"a:*b\"", "],\"Resource\":\"*\"}]}" },
        { "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":[\"*\"", ",\"arn:aws:s3:::*a*b*c*d*e*f\"", "]}]}" },
        { "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":[\"arn:aws:s3:::", "*a?", "\",\"arn:aws:s3:::*b\"]}]}" },
        { "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"arn:aws:s3:::", "${'}", "\"}]}" },
        { "{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"a:b\",\"Resource\":\"*\"}", ",{\"Effect\":\"Deny\",\"Action\":\"a:b\",\"Resource\":\"*\"}", "]}" },
        { "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"*\",\"Condition\":{\"StringLike\":{\"aws:userid\":[\"a\"", ",\"*a*\"", "]}}}]}" },
    };
    /* clang-format on */
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        gsize ends = strlen(rows[i].head) + strlen(rows[i].tail);
        guint n = (guint)((RB_POLICY_MAX_SIZE - ends) / strlen(rows[i].again));
        g_autofree char *text = repeat(rows[i].head, rows[i].again, n, rows[i].tail);
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbPolicy) policy = parse(RB_POLICY_IDENTITY, text, problems), normal = NULL;
        gint64 begun = g_get_monotonic_time();
        g_autofree char *why = rb_diagnostics_to_line(problems);
        if (policy == NULL)
            fail_msg("row %zu: %s", i, why);
        rb_policy_validate(policy, problems);
        normal = rb_policy_normalise(policy);
        assert_true(rb_policy_equal(policy, normal));
        print_message("row %zu: %u parts, %.3f s\n", i, n, (double)(g_get_monotonic_time() - begun) / 1e6);
    }
}

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
        cmocka_unit_test(test_round),   cmocka_unit_test(test_refused), cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
