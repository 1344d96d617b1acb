#include "fixture.h"

/* Assignments without groups: who vouches, and what is stated, bring the role. */

#define ASSIGNMENTS(text)                                                                                    \
    {                                                                                                        \
        "assignments.yaml", "rolebridge: 1\nassignments:\n" text                                             \
    }
#define CI(when) "  - { provider: ci, when: { " when " }, role: reader, accounts: [alpha] }\n"

/* clang-format off */
static const struct {
    const char *name;
    TestFile changes[3];
    const char *groups, *attributes, *provider;
    const char *want;
} rows[] = {
    { "equal", { ASSIGNMENTS(CI("repository: acme/app")) }, NULL, "repository=acme/app", "ci", "reader@alpha" },
    { "another provider says the same", { ASSIGNMENTS(CI("repository: acme/app")) }, NULL, "repository=acme/app", "corp-saml", "" },
    { "a provider whose name starts so", { ASSIGNMENTS(CI("repository: acme/app")) }, NULL, "repository=acme/app", "ci2", "" },
    { "a provider in other capitals", { ASSIGNMENTS(CI("repository: acme/app")) }, NULL, "repository=acme/app", "CI", "" },
    { "not equal", { ASSIGNMENTS(CI("repository: acme/app")) }, NULL, "repository=acme/app2", "ci", "" },
    { "other capitals", { ASSIGNMENTS(CI("repository: acme/app")) }, NULL, "repository=Acme/App", "ci", "" },
    { "a newline behind", { ASSIGNMENTS(CI("repository: acme/app")) }, NULL, "repository=acme/app\n", "ci", "" },
    { "an attribute of another name", { ASSIGNMENTS(CI("repository: acme/app")) }, NULL, "Repository=acme/app", "ci", "" },
    { "nothing stated", { ASSIGNMENTS(CI("repository: acme/app")) }, NULL, NULL, "ci", "" },
    { "groups do not matter", { ASSIGNMENTS(CI("repository: acme/app")) }, "readers,acme/app", NULL, "ci", "" },
    { "a group and its own assignment beside it", { ASSIGNMENTS(CI("repository: acme/app") "  - { groups: [w], role: writer, accounts: [beta] }\n") },
      "w", "repository=acme/app", "ci", "reader@alpha writer@beta" },
    { "one of a list", { ASSIGNMENTS(CI("repository: [acme/app, acme/lib]")) }, NULL, "repository=acme/lib", "ci", "reader@alpha" },
    { "one of several stated", { ASSIGNMENTS(CI("repository: acme/app")) }, NULL, "repository=acme/x,repository=acme/app", "ci", "reader@alpha" },
    { "stated and wanted twice is one grant", { ASSIGNMENTS(CI("repository: [acme/app, acme/lib]")) }, NULL, "repository=acme/app,repository=acme/lib", "ci", "reader@alpha" },
    { "all entries hold", { ASSIGNMENTS(CI("repository: acme/app, ref: refs/heads/main")) }, NULL, "repository=acme/app,ref=refs/heads/main", "ci", "reader@alpha" },
    { "one entry does not hold", { ASSIGNMENTS(CI("repository: acme/app, ref: refs/heads/main")) }, NULL, "repository=acme/app,ref=refs/heads/x", "ci", "!mapping.attribute:reader@alpha" },
    { "one entry is not stated", { ASSIGNMENTS(CI("repository: acme/app, ref: refs/heads/main")) }, NULL, "repository=acme/app", "ci", "!mapping.attribute:reader@alpha" },
    { "only what does not lead holds", { ASSIGNMENTS(CI("repository: acme/app, ref: refs/heads/main")) }, NULL, "ref=refs/heads/main", "ci", "" },
    { "two assignments never make a third", { ASSIGNMENTS(CI("repository: acme/app, ref: a")
        "  - { provider: ci, when: { repository: acme/lib, ref: b }, role: writer, accounts: [beta] }\n") },
      NULL, "repository=acme/app,ref=b", "ci", "!mapping.attribute:reader@alpha" },
    { "a prefix", { ASSIGNMENTS(CI("ref: { prefix: refs/tags/ }")) }, NULL, "ref=refs/tags/v1", "ci", "reader@alpha" },
    { "a prefix alone", { ASSIGNMENTS(CI("ref: { prefix: refs/tags/ }")) }, NULL, "ref=refs/tags/", "ci", "reader@alpha" },
    { "shorter than the prefix", { ASSIGNMENTS(CI("ref: { prefix: refs/tags/ }")) }, NULL, "ref=refs/tags", "ci", "" },
    { "a prefix in the middle", { ASSIGNMENTS(CI("ref: { prefix: refs/tags/ }")) }, NULL, "ref=xrefs/tags/v1", "ci", "" },
    { "a regex", { ASSIGNMENTS(CI("ref: { regex: \"refs/heads/release-[0-9]+\" }")) }, NULL, "ref=refs/heads/release-12", "ci", "reader@alpha" },
    { "a regex is of the whole value: behind", { ASSIGNMENTS(CI("ref: { regex: \"refs/heads/release-[0-9]+\" }")) }, NULL, "ref=refs/heads/release-12/x", "ci", "" },
    { "a regex is of the whole value: before", { ASSIGNMENTS(CI("ref: { regex: \"refs/heads/release-[0-9]+\" }")) }, NULL, "ref=x/refs/heads/release-1", "ci", "" },
    { "a newline is not an end", { ASSIGNMENTS(CI("ref: { regex: \"^refs/heads/main$\" }")) }, NULL, "ref=refs/heads/main\n", "ci", "" },
    { "lists mix them: text", { ASSIGNMENTS(CI("ref: [main, { prefix: v }, { regex: \"r[0-9]\" }]")) }, NULL, "ref=main", "ci", "reader@alpha" },
    { "lists mix them: prefix", { ASSIGNMENTS(CI("ref: [main, { prefix: v }, { regex: \"r[0-9]\" }]")) }, NULL, "ref=v2", "ci", "reader@alpha" },
    { "lists mix them: regex", { ASSIGNMENTS(CI("ref: [main, { prefix: v }, { regex: \"r[0-9]\" }]")) }, NULL, "ref=r7", "ci", "reader@alpha" },
    { "lists mix them: none", { ASSIGNMENTS(CI("ref: [main, { prefix: v }, { regex: \"r[0-9]\" }]")) }, NULL, "ref=r77", "ci", "" },
    { "a text is no pattern", { ASSIGNMENTS(CI("ref: \"refs/.*\"")) }, NULL, "ref=refs/x", "ci", "" },
    { "any expression beside a text", { ASSIGNMENTS(CI("repository: acme/app, ref: { regex: \".*\" }")) }, NULL, "repository=acme/app,ref=x", "ci", "reader@alpha" },
    { "any expression asks that it is stated", { ASSIGNMENTS(CI("repository: acme/app, ref: { regex: \".*\" }")) }, NULL, "repository=acme/app", "ci", "!mapping.attribute:reader@alpha" },
    { "an expression that takes too long: it leads", { ASSIGNMENTS(CI("ref: { regex: \"(a|aa)+[bc]\" }")) }, NULL, "ref=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ci", "!mapping.pattern_limit:reader@alpha" },
    { "an expression that takes too long: behind a text", { ASSIGNMENTS(CI("repository: r, ref: { regex: \"(a|aa)+[bc]\" }")) }, NULL, "repository=r,ref=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ci", "!mapping.pattern_limit:reader@alpha" },
    { "too long for one value, another fits", { ASSIGNMENTS(CI("ref: { regex: \"(a|aa)+[bc]\" }")) }, NULL, "ref=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,ref=aab", "ci", "reader@alpha" },
    { "patterns with groups too", { ASSIGNMENTS("  - { groups: [readers], when: { ref: [{ prefix: v }, { regex: \"r[0-9]\" }] }, role: reader, accounts: [alpha] }\n") },
      "readers", "ref=r1", NULL, "reader@alpha" },
    { "patterns with groups too: none", { ASSIGNMENTS("  - { groups: [readers], when: { ref: [{ prefix: v }, { regex: \"r[0-9]\" }] }, role: reader, accounts: [alpha] }\n") },
      "readers", "ref=x", NULL, "!mapping.attribute:reader@alpha" },
    { "a capture of when", { ASSIGNMENTS("  - { provider: ci, when: { env: { regex: \"deploy-(?<a>[a-z]+)\" } }, role: reader, accounts: [\"${a}\"] }\n") },
      NULL, "env=deploy-beta", "ci", "reader@beta" },
    { "a capture of when: an id", { ASSIGNMENTS("  - { provider: ci, when: { env: { regex: \"deploy-(?<a>.+)\" } }, role: reader, accounts: [\"${a}\"] }\n") },
      NULL, "env=deploy-000011112222", "ci", "reader@gamma" },
    { "a capture that names no account", { ASSIGNMENTS("  - { provider: ci, when: { env: { regex: \"deploy-(?<a>[a-z]+)\" } }, role: reader, accounts: [\"${a}\"] }\n") },
      NULL, "env=deploy-delta", "ci", "" },
    { "a capture where the rest does not hold", { ASSIGNMENTS("  - { provider: ci, when: { env: { regex: \"deploy-(?<a>[a-z]+)\" }, ref: main }, role: reader, accounts: [\"${a}\"] }\n") },
      NULL, "env=deploy-beta,ref=x", "ci", "" },
    { "a capture beside a fixed account", { ASSIGNMENTS("  - { provider: ci, when: { env: { regex: \"deploy-(?<a>[a-z]+)\" } }, role: reader, accounts: [alpha, \"${a}\"] }\n") },
      NULL, "env=deploy-beta", "ci", "reader@alpha reader@beta" },
    { "captures of several values", { ASSIGNMENTS("  - { provider: ci, when: { env: [{ regex: \"d-(?<a>[a-z]+)\" }, { regex: \"(?<a>[a-z]+)-d\" }] }, role: reader, accounts: [\"${a}\"] }\n") },
      NULL, "env=d-beta,env=gamma-d,env=alpha", "ci", "reader@gamma reader@beta" },
    { "captures of when with groups", { ASSIGNMENTS("  - { groups: [readers], when: { env: { regex: \"d-(?<a>[a-z]+)\" } }, role: reader, accounts: [\"${a}\"] }\n") },
      "readers", "env=d-beta", NULL, "reader@beta" },
    { "captures of when with groups: not the group", { ASSIGNMENTS("  - { groups: [readers], when: { env: { regex: \"d-(?<a>[a-z]+)\" } }, role: reader, accounts: [\"${a}\"] }\n") },
      "writers", "env=d-beta", NULL, "" },
    { "captures of groups and of when", { ASSIGNMENTS("  - { groups: [{ regex: \"g-(?<x>[a-z]+)\" }], when: { env: { regex: \"d-(?<a>[a-z]+)\" } }, role: reader, accounts: [\"${a}\", \"${x}\"] }\n") },
      "g-alpha", "env=d-beta", NULL, "reader@alpha reader@beta" },
    { "an account that a capture named lacks a parameter", { { "policies/read-data.yaml", "rolebridge: 1\npolicy: read-data\ntask: T\nstatements:\n  - { effect: Allow, action: \"s3:Get*\", resource: \"arn:aws:s3:::${account.bucket}/*\" }\n" },
        ASSIGNMENTS("  - { provider: ci, when: { env: { regex: \"d-(?<a>[a-z]+)\" } }, role: reader, accounts: [\"${a}\"] }\n") },
      NULL, "env=d-gamma", "ci", "!mapping.account_unfit:reader@gamma" },
    { "duties hold for machines too", { ASSIGNMENTS(CI("repository: acme/app") "  - { groups: [w], role: writer, accounts: [beta] }\n"
        "separation_of_duties:\n  - { never_together: [reader, writer], reason: SOX }\n") },
      "w", "repository=acme/app", "ci", "!mapping.separation_of_duties:reader@alpha !mapping.separation_of_duties:writer@beta" },
    { "a capture that names nothing holds no duty", { ASSIGNMENTS("  - { provider: ci, when: { env: { regex: \"d-(?<a>[a-z]+)\" } }, role: reader, accounts: [\"${a}\"] }\n"
        "  - { groups: [w], role: writer, accounts: [beta] }\nseparation_of_duties:\n  - { never_together: [reader, writer], reason: SOX }\n") },
      "w", "env=d-delta", "ci", "writer@beta" },
    { "a privileged role asks machines for a second factor", { ASSIGNMENTS(CI("repository: acme/app")),
        { "roles/reader.yaml", "rolebridge: 1\nrole: reader\ntitle: R\nowner: o\npolicies: [read-data]\nprivileged: true\n" } },
      NULL, "repository=acme/app", "ci", "!mapping.mfa_required:reader@alpha" },
    { "a tag of a claim", { ASSIGNMENTS(CI("repository: acme/app")),
        { "roles/reader.yaml", "rolebridge: 1\nrole: reader\ntitle: R\nowner: o\npolicies: [read-data]\ntags: { repo: \"${identity.repository}\" }\n" } },
      NULL, "repository=acme/app", "ci", "reader@alpha" },
    { "nested names", { ASSIGNMENTS(CI("kubernetes.io.namespace: prod, kubernetes.io.serviceaccount.name: deployer")) }, NULL,
      "kubernetes.io.namespace=prod,kubernetes.io.serviceaccount.name=deployer", "ci", "reader@alpha" },
};
/* clang-format on */

static RbDecision *
decide(RbSnapshot *snapshot, const char *groups, const char *attributes, const char *provider)
{
    g_autoptr(RbIdentity) identity = test_identity(groups, attributes, provider, FALSE);
    const RbContext context = { 1796032800, NULL };

    return rb_decide(snapshot, identity, &context);
}

static void
decides(void **state)
{
    guint failed = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbSnapshot) snapshot = test_snapshot(rows[i].changes);
        g_autoptr(RbDecision) decision =
            decide(snapshot, rows[i].groups, rows[i].attributes, rows[i].provider);
        g_autofree char *got = test_summary(decision);
        if (strcmp(got, rows[i].want) != 0) {
            print_error("%s: got '%s', want '%s'\n", rows[i].name, got, rows[i].want);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static const TestFile workloads[] = {
    ASSIGNMENTS(
        "  - { groups: [readers], role: reader, accounts: [gamma] }\n"
        "  - { provider: ci, when: { repository: acme/app, ref: [{ prefix: refs/tags/ }, main] }, role: "
        "reader, accounts: [alpha, beta] }\n"
        "  - { provider: ci, when: { env: { regex: \"d-(?<a>[a-z]+)\" } }, role: writer, accounts: "
        "[\"${a}\"] }\n"),
    { NULL, NULL },
};

static void
reasons_are_claims(void **state)
{
    g_autoptr(RbSnapshot) snapshot = test_snapshot(workloads);
    g_autoptr(RbDecision) decision =
        decide(snapshot, NULL, "repository=acme/app,ref=x,ref=refs/tags/v1,env=d-beta,env=d-gamma", "ci");
    const RbReason *r;

    (void)state;
    assert_int_equal(decision->n_grants, 4); /* gamma, alpha, beta twice */
    assert_string_equal(decision->grants[0].account_name, "gamma");
    r = decision->grants[0].reasons;
    assert_null(r->group);
    assert_string_equal(r->claims[0].attribute, "env");
    assert_string_equal(r->claims[0].value, "d-gamma"); /* the value that named this account */
    assert_null(r->claims[1].attribute);
    assert_string_equal(r->assignment, "assignments.yaml:5");
    r = decision->grants[1].reasons;
    assert_int_equal(decision->grants[1].n_reasons, 1);
    assert_null(r->group);
    assert_string_equal(r->claims[0].attribute, "repository");
    assert_string_equal(r->claims[1].attribute, "ref");
    assert_string_equal(r->claims[1].value, "refs/tags/v1"); /* the one that counted, not the first */
    assert_null(r->claims[2].attribute);
    assert_string_equal(r->conditions[0], "vouched for by ci");
    assert_string_equal(r->conditions[1], "repository is 'acme/app'");
    assert_string_equal(r->conditions[2], "ref starts with 'refs/tags/' or is 'main'");
    assert_string_equal(decision->grants[3].reasons->claims[0].value, "d-beta");
}

static void
groups_have_no_claims(void **state)
{
    g_autoptr(RbSnapshot) snapshot = test_snapshot(workloads);
    g_autoptr(RbDecision) decision = decide(snapshot, "readers", "repository=acme/app", "ci");

    (void)state;
    assert_int_equal(decision->n_grants, 1);
    assert_string_equal(decision->grants[0].reasons->group, "readers");
    assert_null(decision->grants[0].reasons->claims);
}

/* A group that could not be compared to the end is no reason, beside one that was. */
static void
unsure_groups_are_no_reason(void **state)
{
    static const TestFile changes[] = {
        ASSIGNMENTS(
            "  - { groups: [{ regex: \"(a|aa)+[bc]\" }], when: { env: { regex: \"d-(?<a>[a-z]+)\" } }, role: "
            "reader, accounts: [\"${a}\"] }\n"),
        { NULL, NULL },
    };
    g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);
    g_autoptr(RbDecision) decision =
        decide(snapshot, "aab,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "env=d-beta", NULL);

    (void)state;
    assert_int_equal(decision->n_grants, 1);
    assert_int_equal(decision->grants[0].n_reasons, 1);
    assert_string_equal(decision->grants[0].reasons->group, "aab");
}

static void
near_miss_says_what_fails(void **state)
{
    g_autoptr(RbSnapshot) snapshot = test_snapshot(workloads);
    g_autoptr(RbDecision) decision = decide(snapshot, NULL, "repository=acme/app,ref=refs/heads/x", "ci");
    const RbNearMiss *m = decision->refusals;

    (void)state;
    assert_int_equal(decision->n_grants, 0);
    assert_int_equal(decision->n_refusals, 2);
    assert_null(m->group);
    assert_string_equal(m->claims[0].attribute, "repository");
    assert_null(m->claims[1].attribute);
    assert_string_equal(m->detail,
                        "the attribute ref must start with 'refs/tags/' or be 'main'; it is 'refs/heads/x'");
}

static void
json_has_claims(void **state)
{
    g_autoptr(RbSnapshot) snapshot = test_snapshot(workloads);
    g_autoptr(RbDecision) yes = decide(snapshot, NULL, "repository=acme/app,ref=main", "ci");
    g_autoptr(RbDecision) no = decide(snapshot, NULL, "repository=acme/app", "ci");
    json_t *a = rb_decision_to_json(yes), *b = rb_decision_to_json(no);
    char *x = json_dumps(a, JSON_PRESERVE_ORDER | JSON_COMPACT);
    char *y = json_dumps(b, JSON_PRESERVE_ORDER | JSON_COMPACT);

    (void)state;
    assert_non_null(
        strstr(x, "\"reasons\":[{\"claims\":{\"repository\":\"acme/app\",\"ref\":\"main\"},\"assignment\":"
                  "\"assignments.yaml:4\",\"conditions\":["));
    assert_null(strstr(x, "\"group\""));
    assert_non_null(strstr(y,
                           "\"code\":\"mapping.attribute\",\"assignment\":\"assignments.yaml:4\","
                           "\"claims\":{\"repository\":\"acme/app\"},\"detail\":\"the attribute ref must "));
    free(x);
    free(y);
    json_decref(a);
    json_decref(b);
}

static void
ways_and_nearest(void **state)
{
    g_autoptr(RbSnapshot) snapshot = test_snapshot(workloads);
    g_auto(GStrv) ways = rb_snapshot_ways(snapshot, "alpha", "reader");
    static const struct {
        const char *attributes, *provider, *want;
    } near[] = {
        { "repository=acme/ap,ref=main", "ci",
          "reader (assignments.yaml:4): the attribute repository must be 'acme/app'; it is 'acme/ap'" },
        { "repository=acme/app", "ci",
          "reader (assignments.yaml:4): the attribute ref must start with 'refs/tags/' or be 'main'; your "
          "sign-in does not state it" },
        { "repository=acme/app,ref=main", "ci2",
          "reader (assignments.yaml:4): only when 'ci' vouches; 'ci2' did" },
        { "ref=main", "ci2",
          "reader (assignments.yaml:4): only when 'ci' vouches; 'ci2' did; and the attribute repository must "
          "be 'acme/app'; your sign-in does not state it" },
        { "x=y", "ci2", NULL },
        { "repository=acme/app,ref=main", "ci", NULL }, /* granted */
    };

    (void)state;
    assert_int_equal(g_strv_length(ways), 1);
    assert_string_equal(ways[0],
                        "provider 'ci', when repository is 'acme/app' and ref starts with 'refs/tags/' "
                        "or is 'main' (assignments.yaml:4)");
    for (gsize i = 0; i < G_N_ELEMENTS(near); i++) {
        g_autoptr(RbIdentity) who = test_identity(NULL, near[i].attributes, near[i].provider, FALSE);
        g_auto(GStrv) got = rb_snapshot_nearest(snapshot, who, "alpha", "reader");
        if (g_strcmp0(got[0], near[i].want) != 0)
            fail_msg("%s of %s: got '%s'", near[i].attributes, near[i].provider, got[0]);
    }
}

/* Of ten thousand assignments that all miss one fact, the one that looks alike is told first. */
static void
nearest_looks_alike(void **state)
{
    g_autoptr(GString) text = g_string_new("rolebridge: 1\nassignments:\n");

    (void)state;
    for (guint i = 0; i < 2000; i++)
        g_string_append_printf(text, CI("repository: acme/%c-service-%u, ref: main"), 'a' + (int)(i % 26), i);
    g_string_append(text, CI("repository: acme/billing, ref: main"));
    {
        const TestFile changes[] = { { "assignments.yaml", text->str }, { NULL, NULL } };
        g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);
        g_autoptr(RbIdentity) who = test_identity(NULL, "repository=acme/biling,ref=main", "ci", FALSE);
        g_auto(GStrv) got = rb_snapshot_nearest(snapshot, who, NULL, NULL);
        assert_int_equal(g_strv_length(got), 3);
        assert_non_null(strstr(got[0], "must be 'acme/billing'; it is 'acme/biling'"));
    }
}

/* A value that all assignments share does not lead: who states it alone meets none of them. */
static void
shared_values_do_not_lead(void **state)
{
    g_autoptr(GString) text = g_string_new("rolebridge: 1\nassignments:\n");

    (void)state;
    for (guint i = 0; i < 200; i++)
        g_string_append_printf(text, CI("environment: production, repository: acme/%u"), i);
    {
        const TestFile changes[] = { { "assignments.yaml", text->str }, { NULL, NULL } };
        g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);
        g_autoptr(RbDecision) none = decide(snapshot, NULL, "environment=production", "ci");
        g_autoptr(RbDecision) one = decide(snapshot, NULL, "environment=production,repository=acme/7", "ci");
        g_autoptr(RbDecision) miss = decide(snapshot, NULL, "environment=test,repository=acme/7", "ci");
        assert_int_equal(none->n_refusals + none->n_grants, 0);
        assert_int_equal(one->n_grants, 1);
        assert_int_equal(one->grants[0].n_reasons, 1);
        assert_int_equal(miss->n_refusals, 1);
    }
}

/* ---- whatever the assignments: what the tables find is what a walk over all of them finds ---- */

enum { RULES = 12, ENTRIES = 3 };

typedef struct {
    guint provider, n;
    struct {
        guint attribute, kind, value;
    } entries[ENTRIES];
} Rule;

static const char *const providers[] = { "ci", "ci-2", "corp-saml" };
static const char *const attributes[] = { "a", "ab", "b" };
static const char *const values[] = { "x", "xy", "xyz", "y", "x/" };

static void
random_rule(GRand *random, Rule *rule)
{
    guint first = (guint)g_rand_int_range(random, 0, 3);

    rule->provider = (guint)g_rand_int_range(random, 0, 3);
    rule->n = (guint)g_rand_int_range(random, 1, ENTRIES + 1);
    for (guint i = 0; i < rule->n; i++) {
        rule->entries[i].attribute = (first + i) % 3;
        rule->entries[i].kind = (guint)g_rand_int_range(random, 0, 4);
        rule->entries[i].value = (guint)g_rand_int_range(random, 0, 5);
    }
}

/* A text, a prefix, an expression (the value, then more or nothing), or a list of a text and a prefix. */
static void
write_rule(GString *out, const Rule *rule)
{
    static const char *const forms[] = { "%s", "{ prefix: %s }", "{ regex: \"%s(y|yz)?\" }",
                                         "[zz, { prefix: %s }]" };

    g_string_append_printf(out, "  - { provider: %s, role: reader, accounts: [alpha], when: {",
                           providers[rule->provider]);
    for (guint i = 0; i < rule->n; i++) {
        g_auto(GStrv) parts = g_strsplit(forms[rule->entries[i].kind], "%s", 2);
        g_string_append_printf(out, "%s %s: %s%s%s", i == 0 ? "" : ",",
                               attributes[rule->entries[i].attribute], parts[0],
                               values[rule->entries[i].value], parts[1]);
    }
    g_string_append(out, " } }\n");
}

static gboolean
takes(guint kind, const char *wanted, const char *stated)
{
    gsize n = strlen(wanted);

    if (strncmp(stated, wanted, n) != 0)
        return kind == 3 && strcmp(stated, "zz") == 0;
    return kind == 1 || kind == 3 || stated[n] == '\0' ||
           (kind == 2 && (strcmp(stated + n, "y") == 0 || strcmp(stated + n, "yz") == 0));
}

static gboolean
holds(const Rule *rule, const RbIdentity *identity)
{
    gboolean all = strcmp(providers[rule->provider], identity->provider) == 0;

    for (guint i = 0; i < rule->n && all; i++) {
        const char *const *stated = rb_identity_attribute(identity, attributes[rule->entries[i].attribute]);
        gboolean any = FALSE;
        for (guint k = 0; stated != NULL && stated[k] != NULL; k++)
            any = any || takes(rule->entries[i].kind, values[rule->entries[i].value], stated[k]);
        all = any;
    }
    return all;
}

static RbIdentity *
random_identity(GRand *random)
{
    g_autoptr(GString) text = g_string_new(NULL);
    guint n = (guint)g_rand_int_range(random, 0, 6);

    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "%s%s=%s", i == 0 ? "" : ",", attributes[g_rand_int_range(random, 0, 3)],
                               values[g_rand_int_range(random, 0, 5)]);
    return test_identity("readers,x,a", n == 0 ? NULL : text->str, providers[g_rand_int_range(random, 0, 3)],
                         FALSE);
}

static void
never_leaks_across_providers(void **state)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(20261124);
    const RbContext context = { 0, NULL };
    guint granted = 0;

    (void)state;
    for (guint round = 0; round < 400; round++) {
        g_autoptr(GString) text = g_string_new("rolebridge: 1\nassignments:\n");
        g_autoptr(RbSnapshot) snapshot = NULL;
        Rule rules[RULES];
        for (guint i = 0; i < RULES; i++) {
            random_rule(random, &rules[i]);
            write_rule(text, &rules[i]);
        }
        {
            const TestFile changes[] = { { "assignments.yaml", text->str }, { NULL, NULL } };
            snapshot = test_snapshot(changes);
        }
        for (guint k = 0; k < 20; k++) {
            g_autoptr(RbIdentity) identity = random_identity(random);
            g_autoptr(RbDecision) decision = rb_decide(snapshot, identity, &context);
            guint want = 0, got = decision->n_grants == 0 ? 0 : decision->grants[0].n_reasons;
            for (guint i = 0; i < RULES; i++)
                want += holds(&rules[i], identity);
            for (guint i = 0; i < decision->n_refusals; i++)
                assert_int_not_equal(decision->refusals[i].code, RB_MAPPING_PROVIDER);
            if (got != want)
                fail_msg("round %u: %u assignments bring the role, %u found\n%s", round, want, got,
                         text->str);
            granted += got;
        }
    }
    assert_in_range(granted, 1000, 100000); /* it did try */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides),
        cmocka_unit_test(reasons_are_claims),
        cmocka_unit_test(groups_have_no_claims),
        cmocka_unit_test(unsure_groups_are_no_reason),
        cmocka_unit_test(near_miss_says_what_fails),
        cmocka_unit_test(json_has_claims),
        cmocka_unit_test(ways_and_nearest),
        cmocka_unit_test(nearest_looks_alike),
        cmocka_unit_test(shared_values_do_not_lead),
        cmocka_unit_test(never_leaks_across_providers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
