#include "review/priv.h"

#include "unit/compile/fixture.h"

/* Who can do something in the fixture's organisation, and what must hold. */

#define P(statements) POLICY("read", statements)
#define READER_SESSION(action)                                                                               \
    ROLE("reader", "purpose: x\npolicies: [read]\nsession_policy:\n  statements:\n"                          \
                   "  - { effect: Allow, action: \"" action "\", resource: \"*\" }\n")
#define BUCKET "\"arn:${partition}:s3:::${account.bucket}/*\""

/* clang-format off */
static const struct {
    const char *name;
    TestFile changes[3];
    const char *action, *resource, *account;
    RbReachAnswer answer;
    const char *said; /* a line of the text, or NULL */
} rows[] = {
    { "always", { FILES_END }, "s3:GetObject", "arn:aws:s3:::alpha-data/x", NULL, RB_REACH_ALWAYS, "  R in alpha (111111111111)" },
    { "by which statement", { FILES_END }, "s3:GetObject", "arn:aws:s3:::alpha-data/x", NULL, RB_REACH_ALWAYS, "      allowed (policies/read.yaml:5)" },
    { "the groups", { FILES_END }, "s3:getobject", "arn:aws:s3:::alpha-data/x", NULL, RB_REACH_ALWAYS, "    > Members of readers" },
    { "only in another account", { FILES_END }, "s3:GetObject", "arn:aws:s3:::alpha-data/x", "gamma", RB_REACH_UNKNOWN, "      what the policy ViewOnlyAccess says of it is not known here" },
    { "nobody", { ASSIGN("  - { groups: [readers], role: reader, accounts: [alpha] }\n"), FILES_END }, "iam:CreateUser", "*", NULL, RB_REACH_NOBODY, "Nobody may iam:CreateUser on * by this mapping." },
    { "a pattern of resources", { FILES_END }, "s3:GetObject", "arn:aws:s3:::*", "beta", RB_REACH_IF, "      on arn:aws:s3:::beta-data/* (policies/read.yaml:5)" },
    { "a pattern of actions", { FILES_END }, "ec2:*", "*", "alpha", RB_REACH_IF, "      s3:List*, ec2:Describe* (policies/look.yaml:5)" },
    { "every resource is not some", { FILES_END }, "s3:GetObject", "*", "alpha", RB_REACH_IF, "      on arn:aws:s3:::alpha-data/* (policies/read.yaml:5)" },
    { "a condition", { P("  - { effect: Allow, action: \"s3:GetObject\", resource: " BUCKET ", condition: { Bool: { \"aws:SecureTransport\": \"true\" } } }\n"), FILES_END },
      "s3:GetObject", "arn:aws:s3:::alpha-data/x", "alpha", RB_REACH_IF, "      if aws:SecureTransport is true (policies/read.yaml:5)" },
    { "another statement without it", { P("  - { effect: Allow, action: \"s3:GetObject\", resource: " BUCKET ", condition: { Bool: { \"aws:SecureTransport\": \"true\" } } }\n  - { effect: Allow, action: \"s3:*\", resource: \"*\" }\n"), FILES_END },
      "s3:GetObject", "arn:aws:s3:::alpha-data/x", "alpha", RB_REACH_ALWAYS, "      allowed (policies/read.yaml:6)" },
    { "denied", { P("  - { effect: Allow, action: \"s3:*\", resource: \"*\" }\n  - { effect: Deny, action: \"s3:Get*\", resource: \"*\" }\n"), FILES_END },
      "s3:GetObject", "arn:aws:s3:::alpha-data/x", "alpha", RB_REACH_NOBODY, NULL },
    { "denied, under a condition", { P("  - { effect: Allow, action: \"s3:*\", resource: \"*\" }\n  - { effect: Deny, action: \"s3:Get*\", resource: \"*\", condition: { Bool: { \"aws:SecureTransport\": \"false\" } } }\n"), FILES_END },
      "s3:GetObject", "arn:aws:s3:::alpha-data/x", "alpha", RB_REACH_IF, "      but not if aws:SecureTransport is false (policies/read.yaml:6)" },
    { "denied on some of it", { P("  - { effect: Allow, action: \"s3:*\", resource: \"*\" }\n  - { effect: Deny, action: \"s3:*\", resource: \"arn:aws:s3:::alpha-data/secret/*\" }\n"), FILES_END },
      "s3:GetObject", "arn:aws:s3:::alpha-data/*", "alpha", RB_REACH_IF, "      but not on arn:aws:s3:::alpha-data/secret/* (policies/read.yaml:6)" },
    { "a variable of AWS's", { P("  - { effect: Allow, action: \"s3:GetObject\", resource: \"arn:aws:s3:::home/${aws:PrincipalTag/t}/*\" }\n"), FILES_END },
      "s3:GetObject", "arn:aws:s3:::home/a/x", "alpha", RB_REACH_IF, "      on arn:aws:s3:::home/${aws:PrincipalTag/t}/* (policies/read.yaml:5)" },
    { "a session policy that lets it through", { READER_SESSION("s3:*"), FILES_END }, "s3:GetObject", "arn:aws:s3:::alpha-data/x", "alpha", RB_REACH_ALWAYS, "      allowed (policies/read.yaml:5)" },
    { "one that does not", { READER_SESSION("sqs:*"), FILES_END }, "s3:GetObject", "arn:aws:s3:::alpha-data/x", "alpha", RB_REACH_NOBODY, NULL },
    { "another account's resource", { P("  - { effect: Allow, action: \"sqs:*\", resource: \"*\" }\n"), FILES_END }, "sqs:SendMessage", "arn:aws:sqs:eu-central-1:222222222222:q", "alpha", RB_REACH_IF,
      "      if the resource's own policy, in account 222222222222, allows it too" },
    { "the same of its own account", { P("  - { effect: Allow, action: \"sqs:*\", resource: \"*\" }\n"), FILES_END }, "sqs:SendMessage", "arn:aws:sqs:eu-central-1:222222222222:q", "beta", RB_REACH_ALWAYS, "      allowed (policies/read.yaml:5)" },
    { "the role's own conditions", { ROLE("reader", "purpose: x\npolicies: [read]\nprivileged: true\n"), FILES_END }, "s3:GetObject", "arn:aws:s3:::alpha-data/x", "alpha", RB_REACH_ALWAYS, "      to take the role: second factor" },
    { "a known policy of others", { { "managed/ViewOnlyAccess.json", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sqs:ListQueues\",\"Resource\":\"*\"}]}" }, FILES_END },
      "sqs:ListQueues", "*", "beta", RB_REACH_ALWAYS, "      allowed (managed/ViewOnlyAccess.json:1)" },
    { "it does not say so", { { "managed/ViewOnlyAccess.json", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sqs:ListQueues\",\"Resource\":\"*\"}]}" }, FILES_END },
      "sqs:DeleteQueue", "*", "beta", RB_REACH_NOBODY, NULL },
    { "an account that a group's name has", { ASSIGN("  - { groups: [{ regex: \"^w-(?<acc>[a-z]+)$\" }], role: reader, accounts: [\"${acc}\"] }\n"), FILES_END },
      "s3:GetObject", "arn:aws:s3:::beta-data/x", NULL, RB_REACH_ALWAYS, "    > Members of groups matching '^w-(?<acc>[a-z]+)$', whose account it is" },
};
/* clang-format on */

static void
who_can(void **state)
{
    const RbReviewLook look = { 0 };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbSnapshot) snapshot = test_snapshot(rows[i].changes);
        g_autoptr(RbReach) reach = rb_reach_new(snapshot, rows[i].action, rows[i].resource, rows[i].account);
        g_autofree char *text = rb_reach_text(reach, &look);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        if (rb_reach_answer(reach) != rows[i].answer ||
            (rows[i].said != NULL && !g_strv_contains((const char *const *)lines, rows[i].said)))
            fail_msg("%s: answer %d: %s", rows[i].name, (int)rb_reach_answer(reach), text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(who_can) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
