#include "fixture.h"

#define POLICY                                                                                               \
    "session_policy: { statements: [{ effect: Allow, action: [\"s3:Get*\"], resource: "                      \
    "\"arn:${partition}:s3:::${account.bucket}/${aws:username}\" }] }\n"

static const TestFile rich[] = {
    { "roles/reader.yaml",
      "rolebridge: 1\nrole: reader\ntitle: Reader\nowner: readers@acme.example\npurpose: Reads.\n"
      "policies: [read-data]\nsession: { default: 2h, max: 8h }\nprivileged: true\n"
      "tags: { b: \"${identity.dep}-${identity.cc}\", a: fixed }\n"
      "conditions: { source_ip: [203.0.113.0/24], hours: { days: mon-sun, between: \"00:00-24:00\", zone: "
      "UTC } }\n" POLICY },
    { "assignments.yaml", "rolebridge: 1\nassignments:\n"
                          "  - { groups: [g2, g1], provider: corp-saml, when: { dep: [X, Y] }, role: reader, "
                          "accounts: [alpha, beta] }\n"
                          "  - { groups: [{ prefix: g }], role: reader, accounts: [alpha] }\n"
                          "  - { groups: [g1], when: { dep: Z }, role: reader, accounts: [alpha] }\n"
                          "  - { groups: [w], role: writer, accounts: [gamma] }\n" },
    { NULL, NULL },
};

static RbDecision *
decide_rich(const char *groups, gboolean mfa)
{
    g_autoptr(RbSnapshot) snapshot = test_snapshot(rich);
    g_autoptr(RbIdentity) identity = test_identity(groups, "dep=X,cc=47", NULL, mfa);
    const RbContext context = { 1796032800, "203.0.113.7" };

    return rb_decide(snapshot, identity, &context); /* which keeps both */
}

static void
grant_has_everything(void **state)
{
    g_autoptr(RbDecision) decision = decide_rich("g1,g2,w", TRUE);
    const RbGrant *g;

    (void)state;
    assert_int_equal(decision->n_grants, 3);
    assert_int_equal(decision->n_refusals, 0);
    g = &decision->grants[1];
    assert_string_equal(g->account, "111122223333");
    assert_string_equal(g->account_name, "alpha");
    assert_string_equal(g->environment, "prod");
    assert_string_equal(g->partition, "aws");
    assert_string_equal(g->region, "eu-central-1");
    assert_string_equal(g->role, "reader");
    assert_string_equal(g->role_title, "Reader");
    assert_string_equal(g->role_purpose, "Reads.");
    assert_string_equal(g->role_arn, "arn:aws:iam::111122223333:role/rolebridge/reader");
    assert_int_equal(g->default_session_s, 3600); /* role chaining */
    assert_int_equal(g->max_session_s, 3600);
    assert_true(g->chained);
    assert_true(g->privileged);
    assert_int_equal(g->n_tags, 2);
    assert_string_equal(g->tags[0].key, "a");
    assert_string_equal(g->tags[0].value, "fixed");
    assert_string_equal(g->tags[1].value, "X-47");
    assert_int_equal(g->method, RB_ISSUE_ASSUME_ROLE);
    assert_string_equal(g->external_id, "ext-alpha");
    assert_null(g->provider_arn);
    assert_string_equal(
        g->session_policy,
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:Get*\","
        "\"Resource\":\"arn:aws:s3:::alpha-data/${aws:username}\"}]}");
    assert_int_equal(g->n_reasons, 4); /* g1 and g2, each by two assignments */
}

static void
other_methods(void **state)
{
    g_autoptr(RbDecision) decision = decide_rich("g1,w", TRUE);
    const RbGrant *saml = &decision->grants[0], *web = &decision->grants[2];

    (void)state;
    assert_int_equal(decision->n_grants, 3);
    assert_string_equal(saml->role_arn, "arn:aws-cn:iam::000011112222:role/acme/bridge/writer");
    assert_int_equal(saml->method, RB_ISSUE_SAML);
    assert_string_equal(saml->provider_arn, "arn:aws-cn:iam::000011112222:saml-provider/bridge");
    assert_int_equal(saml->max_session_s, 3600); /* the role says nothing: one hour */
    assert_string_equal(saml->role_purpose, "");
    assert_null(saml->session_policy);
    assert_int_equal(web->method, RB_ISSUE_WEB_IDENTITY);
    assert_int_equal(web->default_session_s, 7200);
    assert_int_equal(web->max_session_s, 28800);
    assert_false(web->chained);
    assert_null(web->region);
}

static void
reasons_are_all_told(void **state)
{
    g_autoptr(RbDecision) decision = decide_rich("g1,g2", TRUE);
    const RbReason *r;
    static const char *const want[] = { "signed in by corp-saml", "dep is 'X' or 'Y'", "from 203.0.113.0/24",
                                        "00:00-24:00 UTC", "second factor" };

    (void)state;
    assert_int_equal(decision->n_grants, 2);
    assert_int_equal(decision->grants[0].n_reasons, 4);
    r = decision->grants[0].reasons;
    assert_string_equal(r[0].group, "g1");
    assert_string_equal(r[0].assignment, "assignments.yaml:3");
    assert_string_equal(r[1].group, "g2");
    assert_string_equal(r[2].group, "g1");
    assert_string_equal(r[2].assignment, "assignments.yaml:4");
    assert_string_equal(r[3].group, "g2");
    for (gsize i = 0; i < G_N_ELEMENTS(want); i++)
        assert_string_equal(r[0].conditions[i], want[i]);
    assert_null(r[0].conditions[G_N_ELEMENTS(want)]);
    assert_int_equal(decision->grants[1].n_reasons, 2);
}

static void
near_miss_has_everything(void **state)
{
    g_autoptr(RbDecision) decision = decide_rich("g2", FALSE);
    const RbNearMiss *m;

    (void)state;
    assert_int_equal(decision->n_grants, 0);
    assert_int_equal(decision->n_refusals, 3); /* alpha by two assignments, beta by one */
    m = &decision->refusals[0];
    assert_string_equal(m->account, "111122223333");
    assert_string_equal(m->account_name, "alpha");
    assert_string_equal(m->role, "reader");
    assert_string_equal(m->role_title, "Reader");
    assert_int_equal(m->code, RB_MAPPING_MFA_REQUIRED);
    assert_string_equal(m->assignment, "assignments.yaml:3");
    assert_string_equal(m->group, "g2");
    assert_string_equal(m->detail, "a sign-in with a second factor is needed");
    assert_string_equal(m->owner, "readers@acme.example");
    assert_true(rb_decision_wants_mfa(decision));
}

static void
finds_or_says_why(void **state)
{
    g_autoptr(RbDecision) yes = decide_rich("g1", TRUE), no = decide_rich("g1", FALSE);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_ptr_equal(rb_decision_find(yes, "alpha", "reader", NULL), &yes->grants[0]);
    assert_ptr_equal(rb_decision_find(yes, "444455556666", "reader", NULL), &yes->grants[1]);
    assert_false(rb_decision_wants_mfa(yes));
    assert_null(rb_decision_find(yes, "gamma", "reader", &error));
    assert_true(rb_is_refusal(error, RB_MAPPING_NOT_ASSIGNED));
    g_clear_error(&error);
    assert_null(rb_decision_find(no, "beta", "reader", &error));
    assert_true(rb_is_refusal(error, RB_MAPPING_MFA_REQUIRED));
    assert_string_equal(error->message,
                        "the role 'reader' in 'beta': a sign-in with a second factor is needed "
                        "(assignments.yaml:3)");
}

static void
finds_by_role_arn(void **state)
{
    static const char gamma[] = "arn:aws-cn:iam::000011112222:role/acme/bridge/writer";
    static const char *const strangers[] = {
        "",
        "writer",
        "arn:aws:iam::000011112222:role/acme/bridge/writer",           /* another partition */
        "arn:aws-cn:iam::000011112222:role/rolebridge/writer",         /* another path */
        "arn:aws-cn:iam::000011112222:role/acme/bridge/Writer",        /* names are compared exactly */
        "arn:aws-cn:iam::000011112222:role/acme/bridge/writer ",       /* as they are */
        "arn:aws-cn:iam::000011112222:role/acme/bridge/writer/",       /* to the end */
        "arn:aws-cn:iam::444455556666:role/acme/bridge/writer",        /* another account */
        "arn:aws:iam::000011112222:role/*",                            /* no pattern */
        "arn:aws-cn:iam::000011112222:role/acme/bridge/writer\nx\x1b", /* hostile */
    };
    g_autoptr(RbDecision) yes = decide_rich("g1,w", TRUE), no = decide_rich("g1", FALSE);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_ptr_equal(rb_decision_find_role_arn(yes, gamma, NULL), &yes->grants[0]);
    assert_ptr_equal(rb_decision_find_role_arn(yes, "arn:aws:iam::111122223333:role/rolebridge/reader", NULL),
                     &yes->grants[1]);
    for (gsize i = 0; i < G_N_ELEMENTS(strangers); i++) {
        assert_null(rb_decision_find_role_arn(yes, strangers[i], &error));
        assert_true(rb_is_refusal(error, RB_MAPPING_NOT_ASSIGNED));
        assert_null(strchr(error->message, '\n'));
        g_clear_error(&error);
    }
    assert_null(rb_decision_find_role_arn(no, "arn:aws:iam::444455556666:role/rolebridge/reader", &error));
    assert_true(rb_is_refusal(error, RB_MAPPING_MFA_REQUIRED));
    assert_string_equal(
        error->message,
        "the role 'arn:aws:iam::444455556666:role/rolebridge/reader': a sign-in with a second "
        "factor is needed (assignments.yaml:3)");
}

static void
json_is_the_same_bytes(void **state)
{
    g_autoptr(RbDecision) one = decide_rich("g2,w,g1", FALSE), two = decide_rich("w,g1,g2", FALSE);
    json_t *a = rb_decision_to_json(one), *b = rb_decision_to_json(two);
    char *x = json_dumps(a, JSON_PRESERVE_ORDER | JSON_COMPACT),
         *y = json_dumps(b, JSON_PRESERVE_ORDER | JSON_COMPACT);

    (void)state;
    assert_string_equal(x, y);
    assert_non_null(strstr(
        x, "{\"identity\":{\"subject\":\"s-1\",\"provider\":\"corp-saml\",\"groups\":[\"g1\",\"g2\",\"w\"]},"
           "\"grants\":[{\"account\":\"000011112222\",\"account_name\":\"gamma\",\"role\":\"writer\","
           "\"role_arn\":\"arn:aws-cn:iam::000011112222:role/acme/bridge/writer\",\"max_session_s\":3600,"
           "\"tags\":{},\"reasons\":[{\"group\":\"w\",\"assignment\":\"assignments.yaml:6\"}]}],"));
    assert_non_null(strstr(
        x, "{\"account\":\"111122223333\",\"account_name\":\"alpha\",\"role\":\"reader\","
           "\"code\":\"mapping.mfa_required\",\"assignment\":\"assignments.yaml:3\",\"group\":\"g1\","));
    free(x);
    free(y);
    json_decref(a);
    json_decref(b);
}

/* One snapshot serves many threads; the last reference may be dropped anywhere. */
static gpointer
decide_often(gpointer data)
{
    RbSnapshot *snapshot = data;
    g_autoptr(RbIdentity) identity = test_identity("g1,g2", "dep=X,cc=47", NULL, TRUE);
    const RbContext context = { 1796032800, "203.0.113.7" };
    guint grants = 0;

    for (guint i = 0; i < 200; i++) {
        g_autoptr(RbDecision) decision = rb_decide(snapshot, identity, &context);
        grants += decision->n_grants;
    }
    rb_snapshot_unref(snapshot);
    return GUINT_TO_POINTER(grants);
}

static void
threads_share_a_snapshot(void **state)
{
    RbSnapshot *snapshot = test_snapshot(rich);
    GThread *threads[4];

    (void)state;
    for (guint i = 0; i < 4; i++)
        threads[i] = g_thread_new("decide", decide_often, rb_snapshot_ref(snapshot));
    rb_snapshot_unref(snapshot);
    for (guint i = 0; i < 4; i++)
        assert_int_equal(GPOINTER_TO_UINT(g_thread_join(threads[i])), 400);
}

static void
ways_are_told(void **state)
{
    g_autoptr(RbSnapshot) snapshot = test_snapshot(rich);
    g_auto(GStrv) all = rb_snapshot_ways(snapshot, "alpha", "reader");
    g_auto(GStrv) none = rb_snapshot_ways(snapshot, "gamma", "reader");

    (void)state;
    assert_int_equal(g_strv_length(all), 4);
    assert_string_equal(all[0], "group 'g2' (assignments.yaml:3)");
    assert_string_equal(all[2], "groups with prefix 'g' (assignments.yaml:4)");
    assert_int_equal(g_strv_length(none), 0);
}

/* A person with every group there is: reasons are cut off, pairs are not. */
static void
many_groups_are_bounded(void **state)
{
    g_autoptr(GString) groups = g_string_new("g0");
    g_autoptr(RbDecision) decision = NULL;

    (void)state;
    for (guint i = 1; i < 5000; i++)
        g_string_append_printf(groups, ",g%u", i);
    decision = decide_rich(groups->str, TRUE);
    assert_int_equal(decision->n_grants, 2);
    assert_in_range(decision->grants[0].n_reasons, 16, 18);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grant_has_everything),     cmocka_unit_test(other_methods),
        cmocka_unit_test(reasons_are_all_told),     cmocka_unit_test(near_miss_has_everything),
        cmocka_unit_test(finds_or_says_why),        cmocka_unit_test(json_is_the_same_bytes),
        cmocka_unit_test(threads_share_a_snapshot), cmocka_unit_test(ways_are_told),
        cmocka_unit_test(many_groups_are_bounded),  cmocka_unit_test(finds_by_role_arn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
