#include "policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    const char *op, *key, *values, *context;
    gboolean want;
} Row;

/* Rows have the reference's §8.3 as arbiter. ` stands for the ' of a default. */
/* clang-format off */
static const Row texts[] = {
    { "StringEquals", "k", "'a'", "k=a", TRUE }, { "StringEquals", "k", "'a'", "k=A", FALSE },
    { "StringEquals", "K", "'a'", "k=a", TRUE }, { "StringEquals", "aws:PrincipalTag/Team", "'a'", "AWS:principaltag/team=a", TRUE },
    { "StringEquals", "k", "['a','b']", "k=b", TRUE }, { "StringEquals", "k", "['a','b']", "k=c", FALSE },
    { "StringEquals", "k", "'a*'", "k=ab", FALSE }, { "StringEquals", "k", "'a'", "", FALSE }, { "StringEquals", "k", "'a'", "k", FALSE },
    { "StringNotEquals", "k", "'a'", "k=b", TRUE }, { "StringNotEquals", "k", "['a','b']", "k=b", FALSE },
    { "StringNotEquals", "k", "'a'", "", TRUE }, { "StringNotEquals", "k", "'a'", "k", TRUE },
    { "StringEqualsIgnoreCase", "k", "'ab'", "k=AB", TRUE }, { "StringEqualsIgnoreCase", "k", "'\xc3\xbc'", "k=\xc3\x9c", TRUE },
    { "StringEqualsIgnoreCase", "k", "'ab'", "k=AC", FALSE }, { "StringNotEqualsIgnoreCase", "k", "'ab'", "k=AB", FALSE },
    { "StringNotEqualsIgnoreCase", "k", "'ab'", "k=x", TRUE },
    { "StringLike", "k", "'a*c'", "k=a/b:c", TRUE }, { "StringLike", "k", "'a?c'", "k=abbc", FALSE }, { "StringLike", "k", "'A*'", "k=ab", FALSE },
    { "StringNotLike", "k", "['a*','b*']", "k=c", TRUE }, { "StringNotLike", "k", "['a*','b*']", "k=bc", FALSE },
    { "StringEqualsIfExists", "k", "'a'", "", TRUE }, { "StringEqualsIfExists", "k", "'a'", "k=b", FALSE }, { "StringEqualsIfExists", "k", "'a'", "k=a", TRUE },
    { "StringNotLikeIfExists", "k", "'a'", "k=a", FALSE }, { "StringLike", "k", "'*'", "k=", TRUE }, { "StringEquals", "k", "''", "k=", TRUE },
    /* a key with several values takes an operator with a set */
    { "StringEquals", "k", "'a'", "k=a|k=b", FALSE }, { "StringEqualsIfExists", "k", "'a'", "k=a|k=b", FALSE },
    { "StringNotEquals", "k", "'c'", "k=a|k=b", FALSE }, { "StringEquals", "aws:TagKeys", "'a'", "aws:TagKeys=a", FALSE },
};

static const Row sets[] = {
    { "ForAnyValue:StringEquals", "k", "['a','b']", "k=x|k=b", TRUE }, { "ForAnyValue:StringEquals", "k", "['a','b']", "k=x|k=y", FALSE },
    { "ForAnyValue:StringEquals", "k", "'a'", "", FALSE }, { "ForAnyValue:StringEquals", "k", "'a'", "k", FALSE },
    { "ForAnyValue:StringNotEquals", "k", "'a'", "", FALSE }, { "ForAnyValue:StringNotEquals", "k", "'a'", "k=a|k=b", TRUE },
    { "ForAnyValue:StringNotEquals", "k", "['a','b']", "k=a|k=b", FALSE }, { "ForAnyValue:StringLike", "aws:TagKeys", "'a*'", "aws:TagKeys=ab", TRUE },
    { "ForAnyValue:StringEqualsIfExists", "k", "'a'", "", TRUE }, { "ForAnyValue:StringEqualsIfExists", "k", "'a'", "k=b", FALSE },
    { "ForAllValues:StringEquals", "k", "['a','b']", "k=a|k=b", TRUE }, { "ForAllValues:StringEquals", "k", "['a','b']", "k=a|k=c", FALSE },
    { "ForAllValues:StringEquals", "k", "'a'", "", TRUE }, { "ForAllValues:StringEquals", "k", "'a'", "k", TRUE },
    { "ForAllValues:StringNotEquals", "k", "'a'", "k=b|k=c", TRUE }, { "ForAllValues:StringNotEquals", "k", "'a'", "k=b|k=a", FALSE },
    { "ForAllValues:NumericLessThan", "k", "'5'", "k=1|k=4", TRUE }, { "ForAnyValue:IpAddress", "k", "'10.0.0.0/8'", "k=1.1.1.1|k=10.2.3.4", TRUE },
    { "Null", "k", "'true'", "", TRUE }, { "Null", "k", "'true'", "k=a", FALSE }, { "Null", "k", "'false'", "k=a", TRUE },
    { "Null", "k", "'false'", "", FALSE }, { "Null", "k", "'true'", "k", TRUE }, { "Null", "k", "true", "", TRUE }, { "Null", "k", "'TRUE'", "", TRUE },
    { "Null", "k", "['true','false']", "", TRUE }, { "Null", "k", "'false'", "k=", TRUE },
};

static const Row numbers[] = {
    { "NumericEquals", "k", "'10'", "k=10", TRUE }, { "NumericEquals", "k", "10", "k=10.0", TRUE }, { "NumericEquals", "k", "'0.1'", "k=.1", TRUE },
    { "NumericEquals", "k", "'0.1'", "k=0.10000000000000000001", FALSE }, { "NumericEquals", "k", "'9007199254740993'", "k=9007199254740992", FALSE },
    { "NumericEquals", "k", "'1e3'", "k=1000", TRUE }, { "NumericEquals", "k", "'-0'", "k=0.00", TRUE }, { "NumericEquals", "k", "'+5'", "k=005", TRUE },
    { "NumericEquals", "k", "'1'", "k=1x", FALSE }, { "NumericEquals", "k", "'1'", "k=", FALSE }, { "NumericEquals", "k", "'1'", "k=1.", FALSE },
    { "NumericEquals", "k", "'1'", "k=1e", FALSE }, { "NumericEquals", "k", "'1'", "k=1e9999999", FALSE }, { "NumericEquals", "k", "'1'", "k= 1", FALSE },
    { "NumericNotEquals", "k", "'10'", "k=10", FALSE }, { "NumericNotEquals", "k", "['10','11']", "k=12", TRUE },
    { "NumericLessThan", "k", "'10'", "k=9", TRUE }, { "NumericLessThan", "k", "'10'", "k=10", FALSE }, { "NumericLessThan", "k", "'-1'", "k=-2", TRUE },
    { "NumericLessThan", "k", "'-2'", "k=-1", FALSE }, { "NumericLessThan", "k", "'0.5'", "k=0.05", TRUE }, { "NumericLessThan", "k", "'0'", "k=-0.001", TRUE },
    { "NumericLessThan", "k", "'100'", "k=99.999", TRUE }, { "NumericLessThan", "k", "'0.01'", "k=0", TRUE },
    { "NumericLessThanEquals", "k", "'10'", "k=10", TRUE }, { "NumericLessThanEquals", "k", "'10'", "k=10.1", FALSE },
    { "NumericGreaterThan", "k", "'10'", "k=11", TRUE }, { "NumericGreaterThan", "k", "'10'", "k=10", FALSE }, { "NumericGreaterThan", "k", "'9'", "k=10", TRUE },
    { "NumericGreaterThanEquals", "k", "'10'", "k=10", TRUE }, { "NumericGreaterThanEquals", "k", "'10'", "k=9", FALSE },
    { "NumericEqualsIfExists", "k", "'10'", "", TRUE }, { "NumericLessThan", "k", "'${n}'", "k=1|n=2", FALSE },
};

static const Row dates[] = {
    { "DateEquals", "k", "'2026-11-24T09:00:00Z'", "k=2026-11-24T10:00:00+01:00", TRUE }, { "DateEquals", "k", "'2026-11-24'", "k=2026-11-24T00:00Z", TRUE },
    { "DateEquals", "k", "'1795510800'", "k=2026-11-24T09:00:00Z", TRUE }, { "DateEquals", "k", "'2026-11'", "k=2026-11-01T00:00:00.000Z", TRUE },
    { "DateEquals", "k", "'2026-11-24T09:00:00.5Z'", "k=1795510800.500", TRUE }, { "DateNotEquals", "k", "'2026-11-24T09:00:00Z'", "k=1795510801", TRUE },
    { "DateLessThan", "k", "'2026-11-24T09:00:00Z'", "k=2026-11-24T08:59:59Z", TRUE }, { "DateLessThan", "k", "'2026-11-24T09:00:00Z'", "k=2026-11-24T09:00:00Z", FALSE },
    { "DateLessThan", "k", "'2026-11-24T09:00:00Z'", "k=2026-11-24T09:30:00+01:00", TRUE }, { "DateLessThanEquals", "k", "'2026-11-24T09:00:00Z'", "k=2026-11-24T09:00:00Z", TRUE },
    { "DateGreaterThan", "k", "'2026-11-24T09:00:00Z'", "k=2026-11-24T09:00:00.001Z", TRUE }, { "DateGreaterThan", "k", "'2026-11-24T09:00:00Z'", "k=2026-11-24T09:00:00Z", FALSE },
    { "DateGreaterThanEquals", "k", "'2026-11-24T09:00:00Z'", "k=2026-11-24T09:00:00Z", TRUE }, { "DateGreaterThan", "k", "'-5'", "k=0", TRUE },
    { "DateEquals", "k", "'2026-02-30'", "k=2026-02-30", FALSE }, { "DateEquals", "k", "'yesterday'", "k=yesterday", FALSE },
    { "DateEquals", "k", "'2026-11-24 09:00'", "k=2026-11-24 09:00", FALSE }, { "DateEquals", "k", "'2026-11-24T25:00Z'", "k=2026-11-24T25:00Z", FALSE },
    { "DateEquals", "k", "'2026-11-24T09:00:00Zx'", "k=2026-11-24T09:00:00Zx", FALSE }, { "DateEquals", "k", "'2026-11-24T09:00:00+1'", "k=2026-11-24T09:00:00+1", FALSE },
    { "DateEqualsIfExists", "k", "'2026-11-24'", "", TRUE },
};

static const Row others[] = {
    { "Bool", "k", "'true'", "k=true", TRUE }, { "Bool", "k", "true", "k=true", TRUE }, { "Bool", "k", "'true'", "k=false", FALSE },
    { "Bool", "k", "'false'", "k=false", TRUE }, { "Bool", "k", "'false'", "", FALSE }, { "BoolIfExists", "k", "'true'", "", TRUE },
    { "Bool", "k", "'True'", "k=true", TRUE }, { "Bool", "k", "'yes'", "k=yes", FALSE }, { "Bool", "k", "'false'", "k=no", FALSE },
    { "BinaryEquals", "k", "'QmFzZTY0'", "k=QmFzZTY0", TRUE }, { "BinaryEquals", "k", "'QmFzZTY0'", "k=QmFzZTY1", FALSE }, { "BinaryEquals", "k", "'?'", "k=?", FALSE },
    { "IpAddress", "k", "'203.0.113.0/24'", "k=203.0.113.77", TRUE }, { "IpAddress", "k", "'203.0.113.0/24'", "k=203.0.114.1", FALSE },
    { "IpAddress", "k", "'203.0.113.7'", "k=203.0.113.7", TRUE }, { "IpAddress", "k", "'203.0.113.7'", "k=203.0.113.8", FALSE },
    { "IpAddress", "k", "'203.0.113.99/25'", "k=203.0.113.127", TRUE }, { "IpAddress", "k", "'203.0.113.99/25'", "k=203.0.113.128", FALSE },
    { "IpAddress", "k", "'0.0.0.0/0'", "k=1.2.3.4", TRUE }, { "IpAddress", "k", "'0.0.0.0/0'", "k=::1", FALSE }, { "IpAddress", "k", "'::/0'", "k=2001:db8::1", TRUE },
    { "IpAddress", "k", "'2001:db8::/33'", "k=2001:db8:7fff::1", TRUE }, { "IpAddress", "k", "'2001:db8::/33'", "k=2001:db8:8000::1", FALSE },
    { "IpAddress", "k", "'2001:db8::1'", "k=2001:0DB8:0:0::1", TRUE }, { "IpAddress", "k", "'10.0.0.0/33'", "k=10.0.0.0", FALSE },
    { "IpAddress", "k", "'10.0.0.0/'", "k=10.0.0.0", FALSE }, { "IpAddress", "k", "'10.0.0/8'", "k=10.0.0.0", FALSE }, { "IpAddress", "k", "'10.0.0.0/8'", "k=10.0.0.0/8", FALSE },
    { "NotIpAddress", "k", "['10.0.0.0/8','192.168.0.0/16']", "k=192.168.3.4", FALSE }, { "NotIpAddress", "k", "'10.0.0.0/8'", "k=::1", TRUE },
    { "NotIpAddress", "k", "'10.0.0.1'", "k=::1", TRUE }, { "NotIpAddress", "k", "'10.0.0.0/8'", "", TRUE }, { "IpAddress", "k", "'10.0.0.0/8'", "", FALSE },
    { "ArnEquals", "k", "'arn:aws:iam::*:role/a*'", "k=arn:aws:iam::111122223333:role/ab/c", TRUE }, { "ArnLike", "k", "'arn:aws:s3:*'", "k=arn:aws:s3:::b", FALSE },
    { "ArnLike", "k", "'arn:aws:iam:*:role/x'", "k=arn:aws:iam::111122223333:role/x", FALSE }, { "ArnLike", "k", "'*'", "k=arn:aws:s3:::b", TRUE },
    { "ArnNotEquals", "k", "'arn:aws:iam::*:role/a'", "k=arn:aws:iam::111122223333:role/b", TRUE }, { "ArnNotLike", "k", "'arn:aws:iam::*:role/a'", "k=arn:aws:iam::111122223333:role/a", FALSE },
    { "ArnNotLike", "k", "'arn:aws:iam::*:role/a'", "", TRUE }, { "ArnLike", "k", "'arn:aws:s3:::b'", "k=b", FALSE }, { "ArnLikeIfExists", "k", "'arn:aws:s3:::b'", "", TRUE },
};

static const Row variables[] = {
    { "StringEquals", "k", "'${v}'", "k=a|v=a", TRUE }, { "StringEquals", "k", "'${V}'", "k=a|v=a", TRUE }, { "StringEquals", "k", "'x${v}y'", "k=xay|v=a", TRUE },
    { "StringEquals", "k", "'${v}'", "k=a", FALSE }, { "StringNotEquals", "k", "'${v}'", "k=a", TRUE }, { "StringNotEquals", "k", "['${v}','a']", "k=a", FALSE },
    { "StringEquals", "k", "'${v}'", "k=a|v=a|v=b", FALSE }, { "StringEquals", "k", "'${v}'", "k=${v}", FALSE }, { "StringEquals", "k", "'${v}'", "k=|v=", TRUE },
    { "StringEquals", "k", "'${v, `d`}'", "k=d", TRUE }, { "StringEquals", "k", "'${v, `d`}'", "k=d|v=a", FALSE }, { "StringEquals", "k", "'${v,`d e`}'", "k=d e", TRUE },
    { "StringEquals", "k", "'${v, ``}'", "k=", TRUE }, { "StringLike", "k", "'${v, `*`}'", "k=x", FALSE }, { "StringLike", "k", "'${v, `*`}'", "k=*", TRUE },
    { "StringLike", "k", "'${v}*'", "k=abc|v=ab", TRUE }, { "StringLike", "k", "'${v}'", "k=abc|v=*", FALSE }, { "StringLike", "k", "'${v}'", "k=*|v=*", TRUE },
    { "StringLike", "k", "'${v}'", "k=x|v=?", FALSE }, { "StringLike", "k", "'a${*}*'", "k=a*b", TRUE }, { "StringLike", "k", "'a${*}*'", "k=axb", FALSE },
    { "StringLike", "k", "'${?}'", "k=x", FALSE }, { "StringLike", "k", "'${?}'", "k=?", TRUE }, { "StringEquals", "k", "'${$}{v}'", "k=${v}|v=a", TRUE },
    { "StringNotLike", "k", "'${v}*'", "k=x", TRUE }, { "StringEqualsIgnoreCase", "k", "'${v}'", "k=A|v=a", TRUE },
    { "ArnLike", "k", "'arn:aws:iam::111122223333:user/${v}'", "k=arn:aws:iam::111122223333:user/ada|v=ada", TRUE },
    { "ArnLike", "k", "'arn:aws:iam::${acct:id}:user/*'", "k=arn:aws:iam::111122223333:user/ada|acct:id=111122223333", TRUE },
    { "ArnLike", "k", "'arn:aws:iam::${v}:user/x'", "k=arn:aws:iam::1:role/r:user/x|v=1:role/r", FALSE },
    { "ArnLike", "k", "'arn:aws:iam::1:${v}'", "k=arn:aws:iam::1:role/r:x|v=role/r:x", TRUE },
    { "ArnEquals", "k", "'arn:aws:iam::111122223333:user/${v}'", "k=arn:aws:iam::111122223333:user/ada|v=*", FALSE },
    { "ArnNotEquals", "k", "'arn:aws:iam::111122223333:user/${v}'", "k=arn:aws:iam::111122223333:user/ada", TRUE },
    { "ForAnyValue:StringEquals", "k", "'${v}'", "k=a|k=b|v=b", TRUE }, { "Bool", "k", "'${v}'", "k=true|v=true", TRUE },
    { "StringLike", "k", "'${v}'", "k=abc|v=\xff", FALSE },
    { "StringEquals", "k", "'${v}${v}'", "k=aa|v=a", TRUE }, { "StringEquals", "k", "'${v}${w}'", "k=a|v=a", FALSE },
};

static const Row without_variables[] = { /* version 2008-10-17 */
    { "StringEquals", "k", "'${v}'", "k=a|v=a", FALSE }, { "StringEquals", "k", "'${v}'", "k=${v}|v=a", TRUE },
    { "StringLike", "k", "'${v}*'", "k=${v}x", TRUE }, { "ArnLike", "k", "'arn:aws:iam::1:user/${v}'", "k=arn:aws:iam::1:user/${v}|v=a", TRUE },
};
/* clang-format on */

static RbPolicy *
with_condition(const Row *row, const char *version)
{
    g_autofree char *text =
        g_strdup_printf("{'Version':'%s','Statement':{'Effect':'Allow','Action':'*','Resource':'*',"
                        "'Condition':{'%s':{'%s':%s}}}}",
                        version, row->op, row->key, row->values);
    RbPolicy *policy = policy_of(RB_POLICY_IDENTITY, "p.json", text);

    assert_int_equal(policy->n_statements, 1);
    assert_int_equal(policy->statements[0].n_conditions, 1);
    return policy;
}

static char *
unquote(const char *text, gpointer data)
{
    (void)data;
    return g_strdelimit(g_strdup(text), "`", '\'');
}

static guint
check(const char *name, const Row *rows, gsize n, const char *version)
{
    guint failed = 0;

    for (gsize i = 0; i < n; i++) {
        g_autoptr(RbPolicy) written = with_condition(&rows[i], version);
        g_autoptr(RbPolicy) policy = rb_policy_map(written, unquote, NULL);
        g_autoptr(RbRequestContext) context = context_of(rows[i].context);
        gboolean got = rb_condition_holds(&policy->statements[0].conditions[0], policy->version, context);

        if (got != rows[i].want) {
            print_error("%s %zu: %s %s on '%s': got %d\n", name, i, rows[i].op, rows[i].values,
                        rows[i].context, got);
            failed++;
        }
    }
    return failed;
}

static void
conditions_hold_as_the_reference_says(void **state)
{
    static const char with[] = "2012-10-17", without[] = "2008-10-17";

    (void)state;
    assert_int_equal(check("texts", texts, G_N_ELEMENTS(texts), with), 0);
    assert_int_equal(check("sets", sets, G_N_ELEMENTS(sets), with), 0);
    assert_int_equal(check("numbers", numbers, G_N_ELEMENTS(numbers), with), 0);
    assert_int_equal(check("dates", dates, G_N_ELEMENTS(dates), with), 0);
    assert_int_equal(check("others", others, G_N_ELEMENTS(others), with), 0);
    assert_int_equal(check("variables", variables, G_N_ELEMENTS(variables), with), 0);
    assert_int_equal(check("without variables", without_variables, G_N_ELEMENTS(without_variables), without),
                     0);
}

static void
a_context_keeps_its_keys_without_case(void **state)
{
    g_autoptr(RbRequestContext) context = context_of("aws:B=1|AWS:b=2|aws:A=3|empty");
    g_autoptr(GPtrArray) keys = rb_request_context_keys(context);

    (void)state;
    assert_int_equal(keys->len, 3);
    assert_string_equal(keys->pdata[0], "aws:A");
    assert_string_equal(keys->pdata[1], "aws:B");
    assert_int_equal(rb_request_context_get(context, "aws:b")->len, 2);
    assert_int_equal(rb_request_context_get(context, "EMPTY")->len, 0);
    assert_null(rb_request_context_get(context, "c"));
    assert_null(rb_request_context_get(NULL, "c"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_hold_as_the_reference_says),
        cmocka_unit_test(a_context_keeps_its_keys_without_case),
    };

    return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
