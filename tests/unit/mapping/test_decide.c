#include "fixture.h"

enum { NOW = 1796032800 }; /* 2026-11-30T10:00:00Z, a Monday; 11:00 in Berlin */

#define ASSIGNMENTS(text)                                                                                    \
    {                                                                                                        \
        "assignments.yaml", "rolebridge: 1\nassignments:\n" text                                             \
    }
#define ROLE(text)                                                                                           \
    {                                                                                                        \
        "roles/reader.yaml", "rolebridge: 1\nrole: reader\ntitle: Reader\nowner: o@acme.example\npolicies: " \
                             "[read-data]\n" text                                                            \
    }

/* clang-format off */
static const struct {
    const char *name;
    TestFile changes[4];
    const char *groups, *attributes, *provider, *ip;
    gboolean mfa;
    gint64 now; /* 0: NOW */
    const char *want;
} rows[] = {
    { "an exact group", { { NULL } }, "readers", NULL, NULL, NULL, FALSE, 0, "reader@alpha" },
    { "nobody's group", { { NULL } }, "strangers", NULL, NULL, NULL, FALSE, 0, "" },
    { "no group at all", { { NULL } }, NULL, NULL, NULL, NULL, FALSE, 0, "" },
    { "exact means exact: case", { { NULL } }, "Readers", NULL, NULL, NULL, FALSE, 0, "" },
    { "exact means exact: part", { { NULL } }, "readers2,reader,xreaders", NULL, NULL, NULL, FALSE, 0, "" },
    { "pairs, never products", { { NULL } }, "readers,writers", NULL, NULL, NULL, FALSE, 0, "reader@alpha writer@beta" },
    { "several groups of one assignment", { ASSIGNMENTS("  - { groups: [a1, a2], role: reader, accounts: [alpha] }\n") },
      "a2", NULL, NULL, NULL, FALSE, 0, "reader@alpha" },
    { "an assignment to nobody", { ASSIGNMENTS("  - { groups: [], role: reader, accounts: [alpha] }\n") },
      "readers", NULL, NULL, NULL, FALSE, 0, "" },
    { "a prefix", { ASSIGNMENTS("  - { groups: [{ prefix: aws- }], role: reader, accounts: [alpha] }\n") },
      "xaws-,aws-x", NULL, NULL, NULL, FALSE, 0, "reader@alpha" },
    { "the prefix itself", { ASSIGNMENTS("  - { groups: [{ prefix: aws- }], role: reader, accounts: [alpha] }\n") },
      "aws-", NULL, NULL, NULL, FALSE, 0, "reader@alpha" },
    { "shorter than the prefix", { ASSIGNMENTS("  - { groups: [{ prefix: aws- }], role: reader, accounts: [alpha] }\n") },
      "aws", NULL, NULL, NULL, FALSE, 0, "" },
    { "a prefix of more than 64 bytes", { ASSIGNMENTS("  - { groups: [{ prefix: 0123456789012345678901234567890123456789012345678901234567890123456789 }], role: reader, accounts: [alpha] }\n") },
      "0123456789012345678901234567890123456789012345678901234567890123-,0123456789012345678901234567890123456789012345678901234567890123456789x", NULL, NULL, NULL, FALSE, 0, "reader@alpha" },
    { "a regex with a capture: name", { ASSIGNMENTS("  - { groups: [{ regex: \"^aws-(?<account>[a-z]+)-r$\" }], role: reader, accounts: [\"${account}\"] }\n") },
      "aws-beta-r,aws-gamma-r", NULL, NULL, NULL, FALSE, 0, "reader@gamma reader@beta" },
    { "a regex with a capture: id", { ASSIGNMENTS("  - { groups: [{ regex: \"aws-(?<id>[0-9]+)-r\" }], role: reader, accounts: [\"${id}\"] }\n") },
      "aws-000011112222-r", NULL, NULL, NULL, FALSE, 0, "reader@gamma" },
    { "a capture that names no account", { ASSIGNMENTS("  - { groups: [{ regex: \"^aws-(?<account>[a-z]+)-r$\" }], role: reader, accounts: [\"${account}\"] }\n") },
      "aws-delta-r", NULL, NULL, NULL, FALSE, 0, "" },
    { "captures are pairs too", { ASSIGNMENTS("  - { groups: [{ regex: \"(?<a>[a-z]+)-r\" }], role: reader, accounts: [\"${a}\"] }\n"
                                              "  - { groups: [{ regex: \"(?<a>[a-z]+)-w\" }], role: writer, accounts: [\"${a}\"] }\n") },
      "alpha-r,beta-w", NULL, NULL, NULL, FALSE, 0, "reader@alpha writer@beta" },
    { "an optional capture that caught nothing", { ASSIGNMENTS("  - { groups: [{ regex: \"r(-(?<a>[a-z]+))?\" }], role: reader, accounts: [\"${a}\"] }\n") },
      "r", NULL, NULL, NULL, FALSE, 0, "" },
    { "a regex is of the whole name: before", { ASSIGNMENTS("  - { groups: [{ regex: \"aws-admin\" }], role: reader, accounts: [alpha] }\n") },
      "not-aws-admin", NULL, NULL, NULL, FALSE, 0, "" },
    { "a regex is of the whole name: behind", { ASSIGNMENTS("  - { groups: [{ regex: \"aws-admin\" }], role: reader, accounts: [alpha] }\n") },
      "aws-admins", NULL, NULL, NULL, FALSE, 0, "" },
    { "a newline is not an end", { ASSIGNMENTS("  - { groups: [{ regex: \"^aws-admin$\" }], role: reader, accounts: [alpha] }\n") },
      "aws-admin\n", NULL, NULL, NULL, FALSE, 0, "" },
    { "a regex without a literal start", { ASSIGNMENTS("  - { groups: [{ regex: \".*-admin\" }], role: reader, accounts: [alpha] }\n") },
      "x-admin", NULL, NULL, NULL, FALSE, 0, "reader@alpha" },
    { "a regex that takes too long", { ASSIGNMENTS("  - { groups: [{ regex: \"(a|aa)+[bc]\" }], role: reader, accounts: [alpha] }\n") },
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL, NULL, FALSE, 0, "!mapping.pattern_limit:reader@alpha" },
    { "labels", { ASSIGNMENTS("  - { groups: [readers], role: reader, accounts: [{ label: env=dev }] }\n") },
      "readers", NULL, NULL, NULL, FALSE, 0, "reader@gamma reader@beta" },
    { "an account selected twice is one grant", { ASSIGNMENTS("  - { groups: [readers], role: reader, accounts: [{ label: env=dev }, beta, \"444455556666\"] }\n") },
      "readers", NULL, NULL, NULL, FALSE, 0, "reader@gamma reader@beta" },
    { "a label that no account has", { ASSIGNMENTS("  - { groups: [readers], role: reader, accounts: [{ label: env=test }] }\n") },
      "readers", NULL, NULL, NULL, FALSE, 0, "" },
    { "by id", { ASSIGNMENTS("  - { groups: [readers], role: reader, accounts: [\"000011112222\"] }\n") },
      "readers", NULL, NULL, NULL, FALSE, 0, "reader@gamma" },
    { "the right provider", { ASSIGNMENTS("  - { groups: [readers], provider: corp-oidc, role: reader, accounts: [alpha] }\n") },
      "readers", NULL, "corp-oidc", NULL, FALSE, 0, "reader@alpha" },
    { "another provider", { ASSIGNMENTS("  - { groups: [readers], provider: corp-oidc, role: reader, accounts: [alpha] }\n") },
      "readers", NULL, "corp-saml", NULL, FALSE, 0, "!mapping.provider:reader@alpha" },
    { "when: equal", { ASSIGNMENTS("  - { groups: [readers], when: { dep: Research }, role: reader, accounts: [alpha] }\n") },
      "readers", "dep=Research", NULL, NULL, FALSE, 0, "reader@alpha" },
    { "when: any of a list", { ASSIGNMENTS("  - { groups: [readers], when: { dep: [Sales, Research] }, role: reader, accounts: [alpha] }\n") },
      "readers", "dep=Research", NULL, NULL, FALSE, 0, "reader@alpha" },
    { "when: one of several values", { ASSIGNMENTS("  - { groups: [readers], when: { dep: Research }, role: reader, accounts: [alpha] }\n") },
      "readers", "dep=Sales,dep=Research", NULL, NULL, FALSE, 0, "reader@alpha" },
    { "when: not equal", { ASSIGNMENTS("  - { groups: [readers], when: { dep: Research }, role: reader, accounts: [alpha] }\n") },
      "readers", "dep=research", NULL, NULL, FALSE, 0, "!mapping.attribute:reader@alpha" },
    { "when: not stated", { ASSIGNMENTS("  - { groups: [readers], when: { dep: Research }, role: reader, accounts: [alpha] }\n") },
      "readers", NULL, NULL, NULL, FALSE, 0, "!mapping.attribute:reader@alpha" },
    { "when: all of several", { ASSIGNMENTS("  - { groups: [readers], when: { dep: Research, site: Berlin }, role: reader, accounts: [alpha] }\n") },
      "readers", "dep=Research", NULL, NULL, FALSE, 0, "!mapping.attribute:reader@alpha" },
    { "one assignment grants, no near miss", { ASSIGNMENTS("  - { groups: [readers], when: { dep: Research }, role: reader, accounts: [alpha] }\n"
                                                           "  - { groups: [staff], role: reader, accounts: [alpha] }\n") },
      "readers,staff", NULL, NULL, NULL, FALSE, 0, "reader@alpha" },
    { "two near misses of one pair", { ASSIGNMENTS("  - { groups: [readers], when: { dep: Research }, role: reader, accounts: [alpha] }\n"
                                                   "  - { groups: [readers], provider: corp-oidc, role: reader, accounts: [alpha] }\n") },
      "readers", NULL, NULL, NULL, FALSE, 0, "!mapping.attribute:reader@alpha !mapping.provider:reader@alpha" },
    { "second factor there", { ROLE("privileged: true\n") }, "readers", NULL, NULL, NULL, TRUE, 0, "reader@alpha" },
    { "second factor missing", { ROLE("privileged: true\n") }, "readers", NULL, NULL, NULL, FALSE, 0, "!mapping.mfa_required:reader@alpha" },
    { "from the network", { ROLE("conditions: { source_ip: [203.0.113.0/24] }\n") }, "readers", NULL, NULL, "203.0.113.255", FALSE, 0, "reader@alpha" },
    { "from another network", { ROLE("conditions: { source_ip: [203.0.113.0/24] }\n") }, "readers", NULL, NULL, "203.0.114.0", FALSE, 0, "!mapping.source_ip:reader@alpha" },
    { "from nowhere known", { ROLE("conditions: { source_ip: [0.0.0.0/0, \"::/0\"] }\n") }, "readers", NULL, NULL, NULL, FALSE, 0, "!mapping.source_ip:reader@alpha" },
    { "from what is no address", { ROLE("conditions: { source_ip: [0.0.0.0/0, \"::/0\"] }\n") }, "readers", NULL, NULL, "203.0.113.1, 10.0.0.1", FALSE, 0, "!mapping.source_ip:reader@alpha" },
    { "within hours", { ROLE("conditions: { hours: { days: mon-fri, between: \"07:00-19:00\", zone: Europe/Berlin } }\n") }, "readers", NULL, NULL, NULL, FALSE, 0, "reader@alpha" },
    { "outside hours", { ROLE("conditions: { hours: { days: sat, between: \"07:00-19:00\", zone: Europe/Berlin } }\n") }, "readers", NULL, NULL, NULL, FALSE, 0, "!mapping.outside_hours:reader@alpha" },
    { "hours before the second factor", { ROLE("privileged: true\nconditions: { hours: { days: sat, zone: UTC } }\n") }, "readers", NULL, NULL, NULL, FALSE, 0, "!mapping.outside_hours:reader@alpha" },
    { "a tag", { ROLE("tags: { Cost: \"${identity.cc}\" }\n") }, "readers", "cc=4711", NULL, NULL, FALSE, 0, "reader@alpha" },
    { "a tag without its attribute", { ROLE("tags: { Cost: \"${identity.cc}\" }\n") }, "readers", NULL, NULL, NULL, FALSE, 0, "!mapping.tag:reader@alpha" },
    { "a tag of two values", { ROLE("tags: { Cost: \"${identity.cc}\" }\n") }, "readers", "cc=1,cc=2", NULL, NULL, FALSE, 0, "!mapping.tag:reader@alpha" },
    { "a tag of an empty value", { ROLE("tags: { Cost: \"${identity.cc}\" }\n") }, "readers", "cc=", NULL, NULL, FALSE, 0, "!mapping.tag:reader@alpha" },
    { "a tag of bad characters", { ROLE("tags: { Cost: \"${identity.cc}\" }\n") }, "readers", "cc=a;b", NULL, NULL, FALSE, 0, "!mapping.tag:reader@alpha" },
    { "a tag of letters of any script", { ROLE("tags: { Cost: \"${identity.cc}\" }\n") }, "readers", "cc=Köln 東京", NULL, NULL, FALSE, 0, "reader@alpha" },
    { "duties: one of them", { ASSIGNMENTS("  - { groups: [readers], role: reader, accounts: [alpha] }\n  - { groups: [writers], role: writer, accounts: [beta] }\n"
                                           "separation_of_duties:\n  - { never_together: [reader, writer], reason: SOX }\n") },
      "readers", NULL, NULL, NULL, FALSE, 0, "reader@alpha" },
    { "duties: both, in different accounts", { ASSIGNMENTS("  - { groups: [readers], role: reader, accounts: [alpha] }\n  - { groups: [writers], role: writer, accounts: [beta] }\n"
                                                           "separation_of_duties:\n  - { never_together: [reader, writer], reason: SOX }\n") },
      "readers,writers", NULL, NULL, NULL, TRUE, 0, "!mapping.separation_of_duties:reader@alpha !mapping.separation_of_duties:writer@beta" },
    { "duties: one by day, the other by night", { ROLE("conditions: { hours: { days: sat, zone: UTC } }\n"),
        ASSIGNMENTS("  - { groups: [readers], role: reader, accounts: [alpha] }\n  - { groups: [writers], role: writer, accounts: [beta] }\n"
                    "separation_of_duties:\n  - { never_together: [reader, writer], reason: SOX }\n") },
      "readers,writers", NULL, NULL, NULL, FALSE, 0, "!mapping.separation_of_duties:reader@alpha !mapping.separation_of_duties:writer@beta" },
    { "duties: the other is not this person's", { ASSIGNMENTS("  - { groups: [readers], role: reader, accounts: [alpha] }\n  - { groups: [writers], when: { dep: X }, role: writer, accounts: [beta] }\n"
                                                              "separation_of_duties:\n  - { never_together: [reader, writer], reason: SOX }\n") },
      "readers,writers", NULL, NULL, NULL, FALSE, 0, "reader@alpha !mapping.attribute:writer@beta" },
    { "a captured account without a parameter", { { "policies/read-data.yaml", "rolebridge: 1\npolicy: read-data\ntask: T\nstatements:\n  - { effect: Allow, action: \"s3:Get*\", resource: \"arn:aws:s3:::${account.bucket}/*\" }\n" },
        ASSIGNMENTS("  - { groups: [{ regex: \"r-(?<a>[a-z]+)\" }], role: reader, accounts: [\"${a}\"] }\n") },
      "r-alpha,r-gamma", NULL, NULL, NULL, FALSE, 0, "reader@alpha !mapping.account_unfit:reader@gamma" },
};
/* clang-format on */

static void
decides(void **state)
{
    guint failed = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbSnapshot) snapshot = NULL;
        g_autoptr(RbIdentity) identity = NULL;
        g_autoptr(RbDecision) decision = NULL;
        g_autofree char *got = NULL;
        RbContext context = { rows[i].now == 0 ? NOW : rows[i].now, rows[i].ip };

        snapshot = test_snapshot(rows[i].changes);
        identity = test_identity(rows[i].groups, rows[i].attributes, rows[i].provider, rows[i].mfa);
        decision = rb_decide(snapshot, identity, &context);
        got = test_summary(decision);
        if (strcmp(got, rows[i].want) != 0) {
            print_error("%s: got '%s', want '%s'\n", rows[i].name, got, rows[i].want);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(decides) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
