#include "review/priv.h"

#include "unit/compile/fixture.h"

/* Two mappings, and what is said of the way from the one to the other. */

static char *
text_of(const TestFile *before, const TestFile *after, gboolean markdown)
{
    g_autoptr(RbSnapshot) b = test_snapshot(before), a = test_snapshot(after);
    g_autoptr(RbReview) review = rb_review_new(b, a);
    const RbReviewLook look = { .before = "old", .after = "new" };

    return markdown ? rb_review_markdown(review, &look) : rb_review_text(review, &look);
}

#define READER(text) ROLE("reader", "purpose: Reads.\npolicies: [read, look]\n" text)
#define USUAL "session: { default: 2h, max: 8h }\n"
#define BOTH "  - { groups: [readers], role: reader, accounts: [alpha, beta] }\n"
#define WATCH "  - { groups: [watchers], role: watcher, accounts: [beta, gamma] }\n"

/* What must be said on a line of its own, and how many gains and losses there are. */
/* clang-format off */
static const struct {
    const char *name;
    TestFile before[3], after[3];
    const char *said;
    guint gains, losses, neutral;
} rows[] = {
    { "nothing", { FILES_END }, { FILES_END }, "From old to new: nothing changes.", 0, 0, 0 },
    { "one more account", { FILES_END }, { ASSIGN("  - { groups: [readers], role: reader, accounts: [alpha, beta, gamma] }\n" WATCH), { "accounts.yaml", BRIDGE ACCOUNTS "    parameters: { bucket: g }\n" } },
      "  + Members of readers gain R in gamma (333333333333).", 2, 0, 1 },
    { "one group less", { FILES_END }, { ASSIGN(WATCH "  - { groups: [other], role: reader, accounts: [alpha, beta] }\n"), FILES_END },
      "  - Members of readers lose R in alpha (111111111111) and beta (222222222222).", 1, 1, 0 },
    { "the account that a group's name has", { FILES_END }, { ASSIGN(BOTH WATCH "  - { groups: [{ regex: \"^w-(?<acc>[a-z]+)$\" }], role: watcher, accounts: [\"${acc}\"] }\n"), FILES_END },
      "  + Members of groups matching '^w-(?<acc>[a-z]+)$' gain R in whichever account ${acc} is.", 2, 0, 0 },
    { "by claims", { FILES_END }, { ASSIGN(BOTH WATCH "  - { provider: ci, when: { ref: main }, role: watcher, accounts: [beta] }\n"), FILES_END },
      "  + Sign-ins of provider 'ci', when ref is 'main' gain R in beta (222222222222).", 1, 0, 0 },
    { "another file, the same statement", { FILES_END }, { { "assignments.yaml", "rolebridge: 1\nassignments:\n" WATCH }, { "assignments/more.yaml", "rolebridge: 1\nassignments:\n" BOTH }, FILES_END },
      "From old to new: nothing changes.", 0, 0, 0 },
    { "a longer session", { FILES_END }, { READER("session: { default: 2h, max: 12h }\n"), FILES_END }, "  + R: longest session: 12h; before: 8h. That is looser.", 1, 0, 0 },
    { "a shorter one", { FILES_END }, { READER("session: { default: 2h, max: 4h }\n"), FILES_END }, "  - R: longest session: 4h; before: 8h. That is tighter.", 0, 1, 0 },
    { "a second factor", { FILES_END }, { READER(USUAL "privileged: true\n"), FILES_END }, "  - R: second factor: required; before: none. That is tighter.", 0, 1, 0 },
    { "hours", { READER(USUAL "conditions: { hours: { days: mon-fri, between: \"07:00-19:00\", zone: UTC } }\n"), FILES_END }, { FILES_END },
      "  + R: hours: none; before: Mon-Fri 07:00-19:00 UTC. That is looser.", 1, 0, 0 },
    { "networks", { FILES_END }, { READER(USUAL "conditions: { source_ip: [203.0.113.0/24] }\n"), FILES_END }, "  - R: networks: 203.0.113.0/24; before: none. That is tighter.", 0, 1, 0 },
    { "a tag", { FILES_END }, { READER(USUAL "tags: { Cost: \"c-${identity.cost}\" }\n"), FILES_END }, "  ~ R: session tags: Cost=c-${identity.cost}; before: none.", 0, 0, 1 },
    { "an owner", { FILES_END }, { { "roles/reader.yaml", "rolebridge: 1\nrole: reader\ntitle: R\nowner: x@acme.example\npurpose: Reads.\npolicies: [read, look]\n" USUAL }, FILES_END },
      "  ~ R: owner: x@acme.example; before: o@acme.example.", 0, 0, 1 },
    { "duties", { FILES_END }, { ASSIGN(BOTH WATCH "separation_of_duties:\n  - { never_together: [watcher, reader], reason: Because }\n"), FILES_END },
      "  - Never together reader, watcher: a new rule (Because). That is tighter.", 0, 1, 0 },
    { "an account less", { FILES_END }, { { "accounts.yaml", BRIDGE "accounts:\n  - { id: \"111111111111\", name: alpha, parameters: { bucket: alpha-data }, issue: { method: assume-role, external_id: ext-alpha } }\n" },
        ASSIGN("  - { groups: [readers], role: reader, accounts: [alpha] }\n") }, "  ~ Account gamma (333333333333) is gone: it was an account by saml.", 0, 4, 2 },
    { "an action more", { FILES_END }, { POLICY("read", "  - { effect: Allow, action: [\"s3:GetObject\", \"s3:PutObject\"], resource: \"arn:${partition}:s3:::${account.bucket}/*\" }\n"), FILES_END },
      "      + s3:PutObject on arn:${partition}:s3:::${account.bucket}/*  (policies/read.yaml:5)", 1, 0, 0 },
    { "it is said once of both accounts", { FILES_END }, { POLICY("read", "  - { effect: Allow, action: [\"s3:GetObject\", \"s3:PutObject\"], resource: \"arn:${partition}:s3:::${account.bucket}/*\" }\n"), FILES_END },
      "  + R gains in alpha (111111111111) and beta (222222222222): 1 action of s3 (1 changes something)", 1, 0, 0 },
    { "another bucket in one account", { FILES_END }, { { "accounts.yaml", BRIDGE "accounts:\n"
        "  - { id: \"111111111111\", name: alpha, parameters: { bucket: new }, issue: { method: assume-role, external_id: ext-alpha } }\n"
        "  - { id: \"222222222222\", name: beta, parameters: { bucket: beta-data }, issue: { method: web-identity, provider_arn: \"arn:aws:iam::222222222222:oidc-provider/bridge.acme.example\" } }\n"
        "  - { id: \"333333333333\", name: gamma, partition: aws-cn, issue: { method: saml, region: cn-north-1, role_path: /acme/b/, provider_arn: \"arn:aws-cn:iam::333333333333:saml-provider/bridge\" } }\n" }, FILES_END },
      "      + s3:GetObject on arn:aws:s3:::new/*  (policies/read.yaml:5)", 1, 1, 1 },
    { "a policy that nobody knows", { FILES_END }, { ROLE("watcher", "policies: [look]\nmanaged_policies: [ViewOnlyAccess, SecurityAudit]\n"), FILES_END },
      "      + all that the policy SecurityAudit says: its document is not known here", 1, 0, 0 },
    { "a policy that is known now", { FILES_END }, { { "managed/ViewOnlyAccess.json", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sqs:ListQueues\",\"Resource\":\"*\"}]}" }, FILES_END },
      "      - all that the policy ViewOnlyAccess says: its document is not known here", 1, 1, 0 },
    { "a known one says more", { { "managed/ViewOnlyAccess.json", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sqs:ListQueues\",\"Resource\":\"*\"}]}" }, FILES_END },
      { { "managed/ViewOnlyAccess.json", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"sqs:ListQueues\", \"sns:ListTopics\"],\"Resource\":\"*\"}]}" }, FILES_END },
      "      + sns:ListTopics on *  (managed/ViewOnlyAccess.json:1)", 1, 0, 0 },
    { "a session policy", { FILES_END }, { READER(USUAL "session_policy:\n  statements:\n  - { effect: Allow, action: \"s3:*\", resource: \"*\" }\n"), FILES_END },
      "  - R: session policy: narrows it; before: none. That is tighter.", 0, 1, 0 },
    { "a wider session policy", { READER(USUAL "session_policy:\n  statements:\n  - { effect: Allow, action: \"s3:GetObject\", resource: \"*\" }\n"), FILES_END },
      { READER(USUAL "session_policy:\n  statements:\n  - { effect: Allow, action: [\"s3:GetObject\", \"s3:ListBucket\"], resource: \"*\" }\n"), FILES_END },
      "      + s3:ListBucket on *  (roles/reader.yaml:10)", 1, 0, 0 },
    { "trust", { FILES_END }, { { "accounts.yaml", "rolebridge: 1\nbridge: { url: \"https://b.acme.example\" , principal: \"arn:aws:iam::999988887777:role/bridge\" }\n" ACCOUNTS }, FILES_END },
      "  ~ What accounts trust: url: https://b.acme.example; before: https://bridge.acme.example.", 0, 0, 2 },
};
/* clang-format on */

static gboolean
has_line(const char *text, const char *line)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    return g_strv_contains((const char *const *)lines, line);
}

static void
what_a_change_does(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbSnapshot) b = test_snapshot(rows[i].before), a = test_snapshot(rows[i].after);
        g_autoptr(RbReview) review = rb_review_new(b, a);
        RbReviewCount n = rb_review_count(review);
        g_autofree char *text = text_of(rows[i].before, rows[i].after, FALSE);
        if (!has_line(text, rows[i].said) || n.gains != rows[i].gains || n.losses != rows[i].losses ||
            n.neutral != rows[i].neutral)
            fail_msg("%s: %s", rows[i].name, text);
    }
}

/* A name that would be a table cell, an image, a mention, a tag, the end of the details. */
static void
names_stay_names_in_markdown(void **state)
{
    static const TestFile hostile[] = {
        ASSIGN(BOTH WATCH
               "  - { groups: [\"a|b`c![x](https://evil.example)</details><script>@team **x**\"], role: "
               "watcher, accounts: [beta] }\n"),
        ROLE("watcher", "policies: [look]\nmanaged_policies: [ViewOnlyAccess]\n"),
        { "roles/watcher.yaml", "rolebridge: 1\nrole: watcher\ntitle: \"<b>|*W* [x](y)\"\nowner: "
                                "o@acme.example\npolicies: [look]\nmanaged_policies: [ViewOnlyAccess]\n" },
        FILES_END,
    };
    g_autofree char *text = text_of(NULL, hostile, TRUE);
    static const char *const said[] = {
        "| gain | `` Members of a\\|b`c![x](https://evil.example)</details><script>@team **x** `` | "
        "&lt;b&gt;\\|\\*W\\* \\[x\\](y) | beta (222222222222) |\n",
        "| change | &lt;b&gt;\\|\\*W\\* \\[x\\](y) | title: ", NULL
    };

    (void)state;
    for (guint i = 0; said[i] != NULL; i++)
        if (strstr(text, said[i]) == NULL)
            fail_msg("'%s' is not in %s", said[i], text);
    assert_null(strstr(text, "<b>"));
}

static void
nothing_is_one_line(void **state)
{
    g_autofree char *text = text_of(NULL, NULL, TRUE);

    (void)state;
    assert_string_equal(text, "### Access review: from `old` to `new`\n\n**Nothing changes.**\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_change_does),
        cmocka_unit_test(names_stay_names_in_markdown),
        cmocka_unit_test(nothing_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
