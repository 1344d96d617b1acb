#include "prove/prove.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* One question and its answer. */
typedef struct {
    const char *name, *before, *policy; /* statements; @before NULL: may @action be allowed on @on? */
    const char *action, *on;
    RbProofVerdict want;
    const char *found; /* part of "ACTION RESOURCE KEY=VALUE …", or of a reason */
} Row;

#define ALLOW(action, resource)                                                                              \
    "{\"Effect\":\"Allow\",\"Action\":\"" action "\",\"Resource\":\"" resource "\"}"
#define ALLOW_IF(action, resource, condition)                                                                \
    "{\"Effect\":\"Allow\",\"Action\":\"" action "\",\"Resource\":\"" resource "\",\"Condition\":" condition \
    "}"
#define DENY(action, resource) "{\"Effect\":\"Deny\",\"Action\":\"" action "\",\"Resource\":\"" resource "\"}"
#define DENY_IF(action, resource, condition)                                                                 \
    "{\"Effect\":\"Deny\",\"Action\":\"" action "\",\"Resource\":\"" resource "\",\"Condition\":" condition  \
    "}"

/* clang-format off */
static const Row rows[] = {
    { "another service", NULL, ALLOW("s3:*", "*"), "iam:*", "*", RB_PROVED, NULL },
    { "the same service", NULL, ALLOW("s3:*", "*"), "s3:DeleteBucket", "*", RB_REFUTED, "s3:DeleteBucket arn:aws:s3:::" },
    { "another bucket", NULL, ALLOW("s3:*", "arn:aws:s3:::a/*"), "s3:*", "arn:aws:s3:::b/*", RB_PROVED, NULL },
    { "a bucket beneath a pattern", NULL, ALLOW("s3:Get*", "arn:aws:s3:::*-logs/*"), "s3:GetObject", "arn:aws:s3:::acme-*", RB_REFUTED, "arn:aws:s3:::acme-" },
    { "denied", NULL, ALLOW("*", "*") "," DENY("iam:*", "*"), "iam:*", "*", RB_PROVED, NULL },
    { "denied in part", NULL, ALLOW("*", "*") "," DENY("iam:Create*", "*"), "iam:*", "*", RB_REFUTED, "iam:" },
    { "denied by NotAction", NULL, ALLOW("*", "*") ",{\"Effect\":\"Deny\",\"NotAction\":\"s3:*\",\"Resource\":\"*\"}", "iam:*", "*", RB_PROVED, NULL },
    { "denied but for one resource", NULL, ALLOW("s3:*", "*") ",{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"NotResource\":\"arn:aws:s3:::a/*\"}", "s3:*", "arn:aws:s3:::b*", RB_PROVED, NULL },
    { "a deny with a condition", NULL, ALLOW("s3:*", "*") "," DENY_IF("s3:*", "*", "{\"Bool\":{\"aws:SecureTransport\":\"false\"}}"), "s3:GetObject", "*", RB_REFUTED, "s3:GetObject" },
    { "conditions that contradict", NULL, ALLOW_IF("s3:*", "*", "{\"StringEquals\":{\"aws:PrincipalTag/a\":\"x\"},\"StringLike\":{\"aws:PrincipalTag/a\":\"y*\"}}"), "s3:*", "*", RB_PROVED, NULL },
    { "conditions that agree", NULL, ALLOW_IF("s3:*", "*", "{\"StringEquals\":{\"aws:PrincipalTag/a\":\"yx\"},\"StringLike\":{\"aws:PrincipalTag/a\":\"y*\"}}"), "s3:*", "*", RB_REFUTED, "aws:PrincipalTag/a=yx" },
    { "numbers that contradict", NULL, ALLOW_IF("s3:*", "*", "{\"NumericLessThan\":{\"s3:max-keys\":\"10\"},\"NumericGreaterThanEquals\":{\"s3:max-keys\":\"10\"}}"), "s3:*", "*", RB_PROVED, NULL },
    { "numbers that agree", NULL, ALLOW_IF("s3:*", "*", "{\"NumericLessThan\":{\"s3:max-keys\":\"10.5\"},\"NumericGreaterThanEquals\":{\"s3:max-keys\":\"10.5\"}}") "," ALLOW_IF("s3:*", "*", "{\"NumericEquals\":{\"s3:max-keys\":\"0.25\"}}"), "s3:*", "*", RB_REFUTED, "s3:max-keys=0.25" },
    { "networks inside each other", NULL, ALLOW_IF("s3:*", "*", "{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/9\"},\"NotIpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}"), "s3:*", "*", RB_PROVED, NULL },
    { "networks side by side", NULL, ALLOW_IF("s3:*", "*", "{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"},\"NotIpAddress\":{\"aws:SourceIp\":\"10.0.0.0/9\"}}"), "s3:*", "*", RB_REFUTED, "aws:SourceIp=10." },
    { "networks of IPv6", NULL, ALLOW_IF("s3:*", "*", "{\"IpAddress\":{\"aws:SourceIp\":\"2001:db8::/32\"}}"), "s3:*", "*", RB_REFUTED, "aws:SourceIp=2001:db8:" },
    { "times that contradict", NULL, ALLOW_IF("s3:*", "*", "{\"DateLessThan\":{\"aws:CurrentTime\":\"2026-01-01T00:00:00Z\"},\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-01-01T00:00:00Z\"}}"), "s3:*", "*", RB_PROVED, NULL },
    { "times that agree", NULL, ALLOW_IF("s3:*", "*", "{\"DateEquals\":{\"aws:CurrentTime\":\"2026-01-01T00:00:00Z\"}}"), "s3:*", "*", RB_REFUTED, "aws:CurrentTime=2026-01-01T00:00:00Z" },
    { "absent and there", NULL, ALLOW_IF("s3:*", "*", "{\"Null\":{\"aws:PrincipalTag/a\":\"true\"},\"StringLike\":{\"aws:PrincipalTag/a\":\"*\"}}"), "s3:*", "*", RB_PROVED, NULL },
    { "absent and if exists", NULL, ALLOW_IF("s3:*", "*", "{\"Null\":{\"aws:PrincipalTag/a\":\"true\"},\"StringLikeIfExists\":{\"aws:PrincipalTag/a\":\"b\"}}"), "s3:*", "*", RB_REFUTED, "s3:" },
    { "every tag and another", NULL, ALLOW_IF("ec2:*", "*", "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"a\",\"b\"]},\"ForAnyValue:StringLike\":{\"aws:TagKeys\":\"c*\"}}"), "ec2:*", "*", RB_PROVED, NULL },
    { "two tags at once", NULL, ALLOW_IF("ec2:*", "*", "{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":\"a\"},\"ForAnyValue:StringLike\":{\"aws:TagKeys\":\"c*\"}}"), "ec2:*", "*", RB_REFUTED, "aws:TagKeys=" },
    { "every tag holds without one", NULL, ALLOW_IF("ec2:*", "*", "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":\"a\"},\"Null\":{\"aws:TagKeys\":\"true\"}}"), "ec2:*", "*", RB_REFUTED, "ec2:" },
    { "a variable elsewhere", NULL, ALLOW("s3:*", "arn:aws:s3:::a/${aws:username}/*"), "s3:*", "arn:aws:s3:::b/*", RB_PROVED, NULL },
    { "a variable in the way", NULL, ALLOW("s3:*", "arn:aws:s3:::a/${aws:username}/*"), "s3:GetObject", "arn:aws:s3:::a/*", RB_REFUTED, "aws:username=" },
    { "tags that must be equal", NULL, ALLOW_IF("ec2:*", "*", "{\"StringEquals\":{\"aws:ResourceTag/t\":\"${aws:PrincipalTag/t}\"}}") "," DENY_IF("ec2:*", "*", "{\"StringNotEquals\":{\"aws:ResourceTag/t\":\"a\"}}") "," DENY_IF("ec2:*", "*", "{\"StringEquals\":{\"aws:PrincipalTag/t\":\"a\"}}"), "ec2:*", "*", RB_PROVED, NULL },
    { "tags that are equal", NULL, ALLOW_IF("ec2:*", "*", "{\"StringEquals\":{\"aws:ResourceTag/t\":\"${aws:PrincipalTag/t}\"}}"), "ec2:StartInstances", "*", RB_REFUTED, "aws:PrincipalTag/t=" },
    { "a resource of the action's service", NULL, "{\"Effect\":\"Allow\",\"Action\":\"s3:Put*\",\"Resource\":[\"arn:aws:ec2:*:*:instance/7*\",\"arn:aws:s3:::acme/7/*\"]}", "s3:*", "*", RB_REFUTED, " arn:aws:s3:::acme/7/" },
    { "an action AWS does not have", NULL, ALLOW("s3:Fly*", "*"), "s3:*", "*", RB_REFUTED, "s3:fly" },

    { "nothing changed", ALLOW("s3:*", "*"), ALLOW("s3:*", "*"), NULL, NULL, RB_PROVED, NULL },
    { "fewer actions", ALLOW("s3:*", "*"), ALLOW("s3:Get*", "*"), NULL, NULL, RB_PROVED, NULL },
    { "more actions", ALLOW("s3:Get*", "*"), ALLOW("s3:*", "*"), NULL, NULL, RB_REFUTED, "s3:" },
    { "split in two", ALLOW("s3:*", "*"), ALLOW("s3:Get*", "*") "," ALLOW("s3:Put*", "*"), NULL, NULL, RB_PROVED, NULL },
    { "covered by two together", ALLOW("s3:*", "arn:aws:s3:::a*") "," "{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"NotResource\":\"arn:aws:s3:::a*\"}", ALLOW("s3:*", "*"), NULL, NULL, RB_PROVED, NULL },
    { "a deny is gone", ALLOW("s3:*", "*") "," DENY("s3:Delete*", "*"), ALLOW("s3:*", "*"), NULL, NULL, RB_REFUTED, "s3:Delete" },
    { "a condition is gone", ALLOW_IF("s3:*", "*", "{\"Bool\":{\"aws:SecureTransport\":\"true\"}}"), ALLOW("s3:*", "*"), NULL, NULL, RB_REFUTED, "s3:" },
    { "a condition came", ALLOW("s3:*", "*"), ALLOW_IF("s3:*", "*", "{\"Bool\":{\"aws:SecureTransport\":\"true\"}}"), NULL, NULL, RB_PROVED, NULL },
    { "a wider network", ALLOW_IF("s3:*", "*", "{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/25\"}}"), ALLOW_IF("s3:*", "*", "{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}}"), NULL, NULL, RB_REFUTED, "aws:SourceIp=192.0.2." },
    { "two halves of a network", ALLOW_IF("s3:*", "*", "{\"IpAddress\":{\"aws:SourceIp\":[\"192.0.2.0/25\",\"192.0.2.128/25\"]}}"), ALLOW_IF("s3:*", "*", "{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}}"), NULL, NULL, RB_PROVED, NULL },
    { "the same variable", ALLOW("s3:*", "arn:aws:s3:::a/${aws:username}/*"), ALLOW("s3:Get*", "arn:aws:s3:::a/${aws:username}/*"), NULL, NULL, RB_PROVED, NULL },
    { "a variable became a star", ALLOW("s3:*", "arn:aws:s3:::a/${aws:username}/*"), ALLOW("s3:*", "arn:aws:s3:::a/*"), NULL, NULL, RB_REFUTED, "arn:aws:s3:::a/" },
    { "a star became a variable", ALLOW("s3:*", "arn:aws:s3:::a/*"), ALLOW("s3:*", "arn:aws:s3:::a/${aws:username}/*"), NULL, NULL, RB_PROVED, NULL },
    { "another variable", ALLOW("s3:*", "arn:aws:s3:::a/${aws:username}/*"), ALLOW("s3:*", "arn:aws:s3:::a/${aws:userid}/*"), NULL, NULL, RB_REFUTED, "aws:userid=" },
};
/* clang-format on */

/* clang-format off */
static const struct {
    const char *name, *policy, *accounts[3];
    RbProofVerdict want;
    const char *found;
} places[] = {
    { "inside", ALLOW("sqs:*", "arn:aws:sqs:*:111122223333:*"), { "111122223333" }, RB_PROVED, NULL },
    { "another account by name", ALLOW("sqs:*", "arn:aws:sqs:*:111122223333:*") "," ALLOW("sqs:SendMessage", "arn:aws:sqs:*:444455556666:q"), { "111122223333" }, RB_REFUTED, "sqs:SendMessage arn:aws:sqs" },
    { "both are asked for", ALLOW("sqs:*", "arn:aws:sqs:*:111122223333:*") "," ALLOW("sqs:SendMessage", "arn:aws:sqs:*:444455556666:q"), { "111122223333", "444455556666" }, RB_PROVED, NULL },
    { "any account", ALLOW("sqs:*", "arn:aws:sqs:*:*:q"), { "111122223333" }, RB_REFUTED, "sqs:" },
    { "everything", ALLOW("sqs:SendMessage", "*"), { "111122223333" }, RB_REFUTED, "sqs:SendMessage arn:aws:sqs:eu-central-1:999900001111:" },
    { "an action without resources", ALLOW("sts:GetCallerIdentity", "*"), { "111122223333" }, RB_PROVED, NULL },
    { "a bucket", ALLOW("s3:GetObject", "arn:aws:s3:::acme/*"), { "111122223333" }, RB_NOT_KNOWN, "aws:ResourceAccount would decide" },
    { "a bucket of an account", ALLOW_IF("s3:GetObject", "arn:aws:s3:::acme/*", "{\"StringEquals\":{\"aws:ResourceAccount\":\"111122223333\"}}"), { "111122223333" }, RB_PROVED, NULL },
    { "a bucket of one's own", ALLOW_IF("s3:GetObject", "arn:aws:s3:::acme/*", "{\"StringEquals\":{\"aws:ResourceAccount\":\"${aws:PrincipalAccount}\"}}"), { "111122223333" }, RB_PROVED, NULL },
    { "a bucket of another account", ALLOW_IF("s3:GetObject", "arn:aws:s3:::acme/*", "{\"StringEquals\":{\"aws:ResourceAccount\":[\"111122223333\",\"444455556666\"]}}"), { "111122223333" }, RB_NOT_KNOWN, "aws:ResourceAccount=444455556666" },
    { "denied elsewhere", ALLOW("*", "*") "," DENY_IF("*", "*", "{\"StringNotEquals\":{\"aws:ResourceAccount\":\"111122223333\"}}"), { "111122223333" }, RB_PROVED, NULL },
    { "part of a number", ALLOW("sqs:*", "arn:aws:sqs:*:1111*:q"), { "111122223333" }, RB_NOT_KNOWN, "wildcards within" },
};
/* clang-format on */

static RbPolicy *
read_policy(const char *name, const char *statements)
{
    g_autofree char *text = g_strdup_printf("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statements);
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbPolicy *policy = rb_policy_parse(RB_POLICY_IDENTITY, name, bytes, problems);

    if (policy == NULL) {
        g_autofree char *why = rb_diagnostics_to_text(problems, FALSE);
        fail_msg("%s: %s", text, why);
    }
    return policy;
}

static RbProofRole
role_of(const RbPolicy *const *policy)
{
    return (RbProofRole){ .sets = { .identity = { policy, 1 } },
                          .principal = "arn:aws:iam::111122223333:role/rolebridge/tester",
                          .account = "111122223333" };
}

static char *
proof_text(const RbProof *proof)
{
    static const char *const names[] = { "proved", "refuted", "not known" };
    GString *text = g_string_new(names[proof->verdict]);

    if (proof->action != NULL)
        g_string_append_printf(text, " %s %s", proof->action, proof->resource);
    for (guint i = 0; proof->keys != NULL && i < proof->keys->len; i++) {
        const GPtrArray *values = rb_request_context_get(proof->context, proof->keys->pdata[i]);
        for (guint j = 0; j < values->len; j++)
            g_string_append_printf(text, " %s=%s", (const char *)proof->keys->pdata[i],
                                   (const char *)values->pdata[j]);
    }
    for (guint i = 0; i < proof->reasons->len; i++)
        g_string_append_printf(text, " (%s)", (const char *)proof->reasons->pdata[i]);
    return g_string_free(text, FALSE);
}

static void
check_row(const Row *row, const RbProofLimits *limits)
{
    g_autoptr(RbPolicy) policy = read_policy(row->name, row->policy);
    g_autoptr(RbPolicy) before = row->before != NULL ? read_policy(row->name, row->before) : NULL;
    const RbPolicy *now[] = { policy }, *then[] = { before };
    const RbProofRole role = role_of(now), was = role_of(then);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbProof) proof = before == NULL ? rb_prove_never(&role, row->action, row->on, limits, &error)
                                              : rb_prove_no_new_access(&was, &role, limits, &error);
    g_autofree char *text = NULL;

    if (proof == NULL)
        fail_msg("%s: %s", row->name, error->message);
    text = proof_text(proof);
    if (proof->verdict != row->want || (row->found != NULL && strstr(text, row->found) == NULL))
        fail_msg("%s: want %d with '%s', got %s", row->name, (int)row->want, row->found, text);
}

static void
test_rows(void **state)
{
    const RbProofLimits limits = { .timeout_ms = 20000 };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        check_row(&rows[i], &limits);
}

static void
test_within(void **state)
{
    g_autoptr(RbRequestContext) facts = rb_request_context_new();
    const RbProofLimits limits = { .timeout_ms = 20000, .facts = facts };

    (void)state;
    rb_request_context_add(facts, "aws:PrincipalAccount", "111122223333");
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(RbPolicy) policy = read_policy(places[i].name, places[i].policy);
        const RbPolicy *at[] = { policy };
        const RbProofRole role = role_of(at);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbProof) proof = rb_prove_within(&role, places[i].accounts, &limits, &error);
        g_autofree char *text = NULL;
        if (proof == NULL)
            fail_msg("%s: %s", places[i].name, error->message);
        text = proof_text(proof);
        if (proof->verdict != places[i].want ||
            (places[i].found != NULL && strstr(text, places[i].found) == NULL))
            fail_msg("%s: want %d with '%s', got %s", places[i].name, (int)places[i].want, places[i].found,
                     text);
    }
}

/* ---- random policies against random requests ---- */

enum { PAIRS = 60 };

static const char *const actions[] = {
    "*", "s3:*", "s3:Get*", "s3:GetObject", "s3:?etObject", "iam:PassRole", "*:Get*", "iam:*"
};
static const char *const resources[] = {
    "*",
    "arn:aws:s3:::a/*",
    "arn:aws:s3:::a*",
    "arn:aws:s3:::*/b",
    "arn:aws:iam::*:role/x",
    "arn:aws:iam::*",
    "arn:aws:s3:::a/${aws:PrincipalTag/t}",
    "arn:aws:s3:::${aws:PrincipalTag/t}/*",
    "arn:aws:s3:::a/${aws:username, 'b'}",
};
/* clang-format off */
static const char *const conditions[] = {
    "\"StringEquals\":{\"aws:PrincipalTag/t\":[\"a\",\"b\"]}",
    "\"StringNotEquals\":{\"aws:PrincipalTag/t\":\"a\"}",
    "\"StringLikeIfExists\":{\"aws:PrincipalTag/t\":\"?\"}",
    "\"StringNotLike\":{\"aws:ResourceTag/t\":\"a*\"}",
    "\"StringEquals\":{\"aws:ResourceTag/t\":\"${aws:PrincipalTag/t}\"}",
    "\"StringNotEquals\":{\"aws:ResourceTag/t\":\"${aws:PrincipalTag/t}\"}",
    "\"StringEqualsIgnoreCase\":{\"aws:ResourceTag/t\":\"A\"}",
    "\"NumericLessThan\":{\"s3:max-keys\":\"10\"}",
    "\"NumericNotEqualsIfExists\":{\"s3:max-keys\":\"9.5\"}",
    "\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-01-01T00:00:00Z\"}",
    "\"DateLessThanEquals\":{\"aws:CurrentTime\":\"2026-06-01T00:00:00Z\"}",
    "\"Bool\":{\"aws:SecureTransport\":\"true\"}",
    "\"BoolIfExists\":{\"aws:SecureTransport\":\"false\"}",
    "\"Null\":{\"aws:TagKeys\":\"true\"}",
    "\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"a\",\"b\"]}",
    "\"ForAnyValue:StringLike\":{\"aws:TagKeys\":\"b*\"}",
    "\"ForAnyValue:StringNotEquals\":{\"aws:TagKeys\":\"a\"}",
    "\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}",
    "\"NotIpAddress\":{\"aws:SourceIp\":[\"10.1.0.0/16\",\"2001:db8::/32\"]}",
    "\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:s3:::a*\"}",
};
static const struct { const char *key, *values[6]; } values[] = {
    { "aws:PrincipalTag/t", { "a", "b", "ab", "B" } },
    { "aws:ResourceTag/t", { "a", "b", "A", "c" } },
    { "aws:username", { "a", "b", "x" } },
    { "s3:max-keys", { "9.5", "10", "11", "-1" } },
    { "aws:CurrentTime", { "2025-12-31T00:00:00Z", "2026-03-01T00:00:00Z", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z" } },
    { "aws:SecureTransport", { "true", "false" } },
    { "aws:TagKeys", { "a", "b", "bb", "c" } },
    { "aws:SourceIp", { "10.0.0.1", "10.1.0.1", "192.0.2.1", "2001:db8::1", "2001:db9::1" } },
    { "aws:SourceArn", { "arn:aws:s3:::a", "arn:aws:s3:::ab", "arn:aws:s3:::b" } },
};
static const char *const asked_actions[] = { "s3:GetObject", "s3:PutObject", "s3:GetBucketAcl", "iam:PassRole", "iam:GetRole" };
static const char *const asked_resources[] = {
    "*", "arn:aws:s3:::a/b", "arn:aws:s3:::a/a", "arn:aws:s3:::ab", "arn:aws:s3:::b/b", "arn:aws:s3:::b/a",
    "arn:aws:iam::111122223333:role/x", "arn:aws:iam::111122223333:role/y",
};
/* clang-format on */

#define PICK(rand, list) ((list)[g_rand_int_range((rand), 0, G_N_ELEMENTS(list))])

static gboolean
chance(GRand *rand, guint of)
{
    return g_rand_int_range(rand, 0, (gint32)of) == 0;
}

static void
add_statement(GRand *rand, GString *text)
{
    g_string_append_printf(text, "%s{\"Effect\":\"%s\",\"%s\":[\"%s\",\"%s\"],\"%s\":\"%s\"",
                           text->len > 0 ? "," : "", chance(rand, 4) ? "Deny" : "Allow",
                           chance(rand, 6) ? "NotAction" : "Action", PICK(rand, actions), PICK(rand, actions),
                           chance(rand, 6) ? "NotResource" : "Resource", PICK(rand, resources));
    if (chance(rand, 2))
        g_string_append_printf(text, ",\"Condition\":{%s}", PICK(rand, conditions));
    g_string_append_c(text, '}');
}

static char *
random_statements(GRand *rand)
{
    GString *text = g_string_new(NULL);
    guint n = 1 + (guint)g_rand_int_range(rand, 0, 4);

    for (guint i = 0; i < n; i++)
        add_statement(rand, text);
    return g_string_free(text, FALSE);
}

static RbRequestContext *
random_context(GRand *rand)
{
    RbRequestContext *context = rb_request_context_new();

    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        guint n = 0, several = g_str_equal(values[i].key, "aws:TagKeys") ? 3 : 1;
        while (values[i].values[n] != NULL)
            n++;
        if (chance(rand, 3))
            continue;
        for (guint j = 0; j < several && (j == 0 || chance(rand, 2)); j++)
            rb_request_context_add(context, values[i].key,
                                   values[i].values[g_rand_int_range(rand, 0, (gint32)n)]);
    }
    return context;
}

static gboolean
allows(const RbProofRole *role, const char *action, const char *resource, const RbRequestContext *context)
{
    const RbRequest request = { .principal = role->principal,
                                .action = action,
                                .resource = resource,
                                .resource_account = role->account,
                                .context = context };
    RbVerdict verdict;

    rb_evaluate(&role->sets, &request, &verdict);
    return verdict.outcome == RB_OUTCOME_ALLOWED;
}

typedef struct {
    guint proved, refuted, unknown, allowed;
} Tally;

/* A request that is allowed is never proved not to be; nor is what only @now allows proved to be nothing new.
 */
static void
check_requests(GRand *rand, const RbProofRole *was, const RbProofRole *role, RbProofVerdict new,
               const char *about, Tally *tally)
{
    const RbProofLimits limits = { .timeout_ms = 20000 };

    for (guint i = 0; i < 40; i++) {
        const char *action = PICK(rand, asked_actions), *resource = PICK(rand, asked_resources);
        g_autoptr(RbRequestContext) context = random_context(rand);
        g_autoptr(RbProof) proof = NULL;
        g_autoptr(GError) error = NULL;
        const RbProofLimits known = { .timeout_ms = limits.timeout_ms, .facts = context };
        if (!allows(role, action, resource, context))
            continue;
        tally->allowed++;
        if (new == RB_PROVED && !allows(was, action, resource, context))
            fail_msg("%s: proved to be nothing new, but %s on %s is", about, action, resource);
        if (i % 6 != 0)
            continue;
        proof = rb_prove_never(role, action, resource, i % 12 == 0 ? &limits : &known, &error);
        if (proof == NULL)
            fail_msg("%s: %s", about, error->message);
        if (proof->verdict == RB_PROVED)
            fail_msg("%s: proved never to be, but %s on %s is allowed", about, action, resource);
    }
}

static void
check_pair(GRand *rand, const char *about, Tally *tally)
{
    const RbProofLimits limits = { .timeout_ms = 20000 };
    g_autofree char *then_text = random_statements(rand), *more = random_statements(rand);
    g_autofree char *now_text = chance(rand, 2) ? g_strdup(more) : g_strconcat(then_text, ",", more, NULL);
    g_autoptr(RbPolicy) then = read_policy(about, then_text), now = read_policy(about, now_text);
    const RbPolicy *was_at[] = { then }, *now_at[] = { now };
    const RbProofRole was = role_of(was_at), role = role_of(now_at);
    g_autofree char *all = g_strdup_printf("%s\nbefore [%s]\nafter [%s]\n", about, then_text, now_text);
    g_autoptr(GError) error = NULL;
    g_autoptr(RbProof) proof = rb_prove_no_new_access(&was, &role, &limits, &error);

    if (proof == NULL)
        fail_msg("%s%s", all, error->message);
    tally->proved += proof->verdict == RB_PROVED;
    tally->refuted += proof->verdict == RB_REFUTED;
    tally->unknown += proof->verdict == RB_NOT_KNOWN;
    if (proof->verdict == RB_NOT_KNOWN)
        for (guint i = 0; i < proof->reasons->len; i++)
            assert_non_null(strstr(proof->reasons->pdata[i], about));
    check_requests(rand, &was, &role, proof->verdict, all, tally);
}

static void
test_random(void **state)
{
    const char *asked = g_getenv("RB_PROVE_SEED");
    guint32 seed = asked != NULL ? (guint32)g_ascii_strtoull(asked, NULL, 10) : g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    Tally tally = { 0 };

    (void)state;
    print_message("RB_PROVE_SEED=%u\n", seed);
    for (guint i = 0; i < PAIRS; i++) {
        g_autofree char *about = g_strdup_printf("seed-%u-%u", seed, i);
        check_pair(rand, about, &tally);
    }
    print_message("%u proved, %u refuted, %u not known; %u allowed requests\n", tally.proved, tally.refuted,
                  tally.unknown, tally.allowed);
    assert_true(tally.refuted >= PAIRS / 3 && tally.allowed >= 200); /* it is no empty test */
    assert_true(tally.unknown <= PAIRS / 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_within),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
