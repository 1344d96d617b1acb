#include "review/priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Two lists of statements, and what the second allows beyond the first and the other way round. */

static RbPolicy *
read_policy(const char *statements)
{
    g_autofree char *text = g_strdup_printf("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statements);
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbPolicy *policy = rb_policy_parse(RB_POLICY_IDENTITY, "p", bytes, problems);

    if (policy == NULL) {
        g_autofree char *why = rb_diagnostics_to_text(problems, FALSE);
        fail_msg("%s", why);
    }
    return policy;
}

/* "s3:Get* on * [63]; !iam:* on *": the number of known actions behind each, "!" for a Deny. */
static char *
words_of(GPtrArray *extras)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < extras->len; i++) {
        const RbExtra *e = extras->pdata[i];
        g_autofree char **actions = g_new0(char *, e->actions->len + 1),
                        **resources = g_new0(char *, e->resources->len + 1);
        g_autofree char *a = NULL, *r = NULL;
        memcpy(actions, e->actions->pdata, e->actions->len * sizeof *actions);
        memcpy(resources, e->resources->pdata, e->resources->len * sizeof *resources);
        a = g_strjoinv(" ", actions);
        r = g_strjoinv(" ", resources);
        g_string_append_printf(out, "%s%s%s%s on %s%s [%u]", i == 0 ? "" : "; ", e->deny ? "!" : "",
                               e->not_actions ? "but " : "", a, e->not_resources ? "but " : "", r,
                               e->known->len);
    }
    return g_string_free(out, FALSE);
}

static char *
extra_of(const char *less, const char *more)
{
    g_autoptr(RbPolicy) l = read_policy(less), m = read_policy(more);
    g_autoptr(GPtrArray) ll = rb_permit_list(l), ml = rb_permit_list(m), extras = NULL;
    g_autoptr(RbPermits) lp = rb_permits_new(), mp = rb_permits_new();

    rb_permits_add(lp, ll);
    rb_permits_add(mp, ml);
    extras = rb_permits_extra(lp, mp);
    return words_of(extras);
}

#define A(action, resource) "{\"Effect\":\"Allow\",\"Action\":" action ",\"Resource\":" resource "}"
#define D(action, resource) "{\"Effect\":\"Deny\",\"Action\":" action ",\"Resource\":" resource "}"
#define IF(action, condition)                                                                                \
    "{\"Effect\":\"Allow\",\"Action\":" action ",\"Resource\":\"*\",\"Condition\":" condition "}"
#define BUT(action, resource) "{\"Effect\":\"Allow\",\"NotAction\":" action ",\"Resource\":" resource "}"
#define READ "\"s3:GetObject\""
#define ALL "\"*\""

/* clang-format off */
static const struct {
    const char *name, *before, *after, *gains, *losses;
} rows[] = {
    { "the same", A(READ, ALL), A(READ, ALL), "", "" },
    { "another order of lists", A("[\"s3:GetObject\",\"s3:PutObject\"]", ALL), A("[\"s3:PutObject\",\"s3:GetObject\"]", ALL), "", "" },
    { "case of actions", A("\"S3:getobject\"", ALL), A(READ, ALL), "", "" },
    { "split", A("[\"s3:GetObject\",\"s3:PutObject\"]", "[\"arn:aws:s3:::a/*\",\"arn:aws:s3:::b/*\"]"),
      A(READ, "\"arn:aws:s3:::a/*\"") "," A(READ, "\"arn:aws:s3:::b/*\"") "," A("\"s3:PutObject\"", "[\"arn:aws:s3:::b/*\",\"arn:aws:s3:::a/*\"]"), "", "" },
    { "a new action", A(READ, ALL), A("[\"s3:GetObject\",\"s3:PutObject\"]", ALL), "s3:PutObject on * [1]", "" },
    { "a new resource", A(READ, "\"arn:aws:s3:::a/*\""), A(READ, "[\"arn:aws:s3:::a/*\",\"arn:aws:s3:::b/*\"]"), "s3:GetObject on arn:aws:s3:::b/* [1]", "" },
    { "a wider resource", A(READ, "\"arn:aws:s3:::a/x/*\""), A(READ, "\"arn:aws:s3:::a/*\""), "s3:GetObject on arn:aws:s3:::a/* [1]", "" },
    { "a wider action", A("[\"sqs:SendMessage\"]", ALL), A("\"sqs:Send*\"", ALL), "sqs:Send* on * [0]", "" },
    { "a wildcard written out", A("[\"sqs:SetQueueAttributes\"]", ALL), A("\"sqs:S*\"", ALL), "sqs:S* on * [2]", "" },
    { "every action", A("\"sqs:*\"", ALL), A(ALL, ALL), "* on * [ALL]", "" },
    { "an action AWS has not", A(READ, ALL), A("[\"s3:GetObject\",\"s3:FlyAway\"]", ALL), "s3:FlyAway on * [0]", "" },
    { "a Deny that is new", A("\"s3:*\"", ALL), A("\"s3:*\"", ALL) "," D("\"s3:PutObject\"", ALL), "", "!s3:PutObject on * [1]" },
    { "a Deny of what was not allowed", A(READ, ALL), A(READ, ALL) "," D("\"iam:*\"", ALL), "", "" },
    { "allowed and denied at once", A(READ, ALL), A(READ, ALL) "," A("\"sqs:SendMessage\"", ALL) "," D("\"sqs:*\"", ALL), "", "" },
    { "a wildcard beside its Deny", A(READ, ALL), A(READ, ALL) "," A("\"sqs:S*\"", ALL) "," D("\"sqs:SendMessage\"", ALL), "sqs:S* on * [2]", "" },
    { "a condition less", IF(READ, "{\"Bool\":{\"aws:SecureTransport\":\"true\"}}"), A(READ, ALL), "s3:GetObject on * [1]", "" },
    { "one more value", IF(READ, "{\"StringEquals\":{\"aws:PrincipalTag/t\":\"a\"}}"), IF(READ, "{\"StringEquals\":{\"aws:principaltag/t\":[\"b\",\"a\"]}}"), "s3:GetObject on * [1]", "" },
    { "one more value that is refused", IF(READ, "{\"StringNotEquals\":{\"aws:PrincipalTag/t\":\"a\"}}"), IF(READ, "{\"StringNotEquals\":{\"aws:PrincipalTag/t\":[\"b\",\"a\"]}}"), "", "s3:GetObject on * [1]" },
    { "a wider pattern", IF(READ, "{\"StringLike\":{\"s3:prefix\":\"a/b*\"}}"), IF(READ, "{\"StringLike\":{\"s3:prefix\":\"a/*\"}}"), "s3:GetObject on * [1]", "" },
    { "if it exists", IF(READ, "{\"StringEquals\":{\"aws:PrincipalTag/t\":\"a\"}}"), IF(READ, "{\"StringEqualsIfExists\":{\"aws:PrincipalTag/t\":\"a\"}}"), "s3:GetObject on * [1]", "" },
    { "another operator", IF(READ, "{\"StringEquals\":{\"aws:PrincipalTag/t\":\"a\"}}"), IF(READ, "{\"StringLike\":{\"aws:PrincipalTag/t\":\"a\"}}"), "s3:GetObject on * [1]", "s3:GetObject on * [1]" },
    { "all values instead of any", IF(READ, "{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":\"a\"}}"), IF(READ, "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":\"a\"}}"), "s3:GetObject on * [1]", "s3:GetObject on * [1]" },
    { "all but, less", BUT("[\"iam:*\",\"sts:*\"]", ALL), BUT("\"iam:*\"", ALL), "but iam:* on * [STS]", "" },
    { "all but instead of one", A(READ, ALL), BUT("\"iam:*\"", ALL), "but iam:* on * [MOST]", "" },
    { "all instead of all but", BUT("\"sts:*\"", ALL), A(ALL, ALL), "* on * [STS]", "" },
    { "a policy variable", A(READ, "\"arn:aws:s3:::h/${aws:username}/*\""), A(READ, "\"arn:aws:s3:::h/*\""), "s3:GetObject on arn:aws:s3:::h/* [1]", "" },
    { "all resources but one", A(READ, ALL), "{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"NotResource\":\"arn:aws:s3:::a/*\"}", "", "s3:GetObject on * [1]" },
};
/* clang-format on */

/* [ALL], [STS] and [MOST] stand for what the catalogue says today. */
static char *
fill(const char *want)
{
    g_autoptr(GPtrArray) all = rb_catalogue_expand("*"), sqs = rb_catalogue_expand("sqs:*"),
                         sts = rb_catalogue_expand("sts:*"), iam = rb_catalogue_expand("iam:*");
    g_autoptr(GString) out = g_string_new(want);
    g_autofree char *n = g_strdup_printf("[%u]", all->len - sqs->len), *s = g_strdup_printf("[%u]", sts->len),
                    *m = g_strdup_printf("[%u]", all->len - iam->len - 1);

    g_string_replace(out, "[ALL]", n, 0);
    g_string_replace(out, "[STS]", s, 0);
    g_string_replace(out, "[MOST]", m, 0);
    return g_strdup(out->str);
}

static void
what_is_more(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *gains = extra_of(rows[i].before, rows[i].after),
                        *losses = extra_of(rows[i].after, rows[i].before);
        g_autofree char *want_gains = fill(rows[i].gains), *want_losses = fill(rows[i].losses);
        if (!g_str_equal(gains, want_gains) || !g_str_equal(losses, want_losses))
            fail_msg("%s: gains '%s', losses '%s'", rows[i].name, gains, losses);
    }
}

/* clang-format off */
static const struct {
    const char *condition, *words;
} conditions[] = {
    { "{\"Bool\":{\"aws:SecureTransport\":\"true\"}}", "aws:SecureTransport is true" },
    { "{\"StringNotLike\":{\"s3:prefix\":[\"a*\",\"b*\"]}}", "s3:prefix is not like a* nor b*" },
    { "{\"Null\":{\"aws:TokenIssueTime\":\"true\"}}", "aws:TokenIssueTime is absent" },
    { "{\"Null\":{\"aws:TokenIssueTime\":\"false\"}}", "aws:TokenIssueTime is there" },
    { "{\"NumericLessThanEquals\":{\"s3:max-keys\":\"10\"}}", "s3:max-keys is at most 10" },
    { "{\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-01-01T00:00:00Z\"}}", "aws:CurrentTime is after 2026-01-01T00:00:00Z" },
    { "{\"NotIpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}}", "aws:SourceIp is not in 203.0.113.0/24" },
    { "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"a\",\"b\"]}}", "every one of aws:TagKeys is a or b" },
    { "{\"ForAnyValue:StringLikeIfExists\":{\"aws:TagKeys\":\"a*\"}}", "one of aws:TagKeys is like a*, where it is there" },
};
/* clang-format on */

static void
conditions_in_words(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(conditions); i++) {
        g_autofree char *text =
            g_strdup_printf("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\",\"Condition\":%s}",
                            conditions[i].condition);
        g_autoptr(RbPolicy) policy = read_policy(text);
        g_autofree char *words = rb_statement_words(&policy->statements[0]);
        assert_string_equal(words, conditions[i].words);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_more),
        cmocka_unit_test(conditions_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
