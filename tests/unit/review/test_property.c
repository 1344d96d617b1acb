#include "iam/evaluate.h"
#include "review/priv.h"

#include "unit/compile/fixture.h"

/*
 * Pairs of random mappings: what the one way gains, the other way loses; and whatever a role may do after and
 * could not before is part of some gain. RB_SEED=N repeats a run.
 */

enum { DEFAULT_SEED = 20261124, PAIRS = 15, REQUESTS = 400 };

static const char *const actions[] = { "s3:GetObject", "s3:Get*", "s3:PutObject", "s3:*", "sqs:SendMessage",
                                       "sqs:Send*",    "*",       "iam:PassRole", "iam:*" };
static const char *const resources[] = { "*", "arn:${partition}:s3:::${account.bucket}/*",
                                         "arn:${partition}:s3:::${account.bucket}/a/*",
                                         "arn:${partition}:s3:::x-*",
                                         "arn:${partition}:sqs:*:${account.id}:q" };
static const char *const conditions[] = { "",
                                          "",
                                          "",
                                          ", condition: { Bool: { \"aws:SecureTransport\": \"true\" } }",
                                          ", condition: { StringEquals: { \"aws:PrincipalTag/t\": [a, b] } }",
                                          ", condition: { StringNotLike: { \"aws:PrincipalTag/t\": [a] } }" };
static const char *const names[] = { "s3:GetObject",    "s3:GetBucketAcl", "s3:PutObject",
                                     "sqs:SendMessage", "iam:PassRole",    "ec2:RunInstances" };
static const char *const arns[] = { "arn:aws:s3:::one/a/k",
                                    "arn:aws:s3:::one/b",
                                    "arn:aws:s3:::two/a/k",
                                    "arn:aws:s3:::x-1",
                                    "arn:aws:sqs:eu-central-1:111111111111:q",
                                    "arn:aws:iam::111111111111:role/r" };

static const char *
pick(GRand *rand, const char *const *list, gsize n)
{
    return list[g_rand_int_range(rand, 0, (gint32)n)];
}
#define PICK(rand, list) pick(rand, list, G_N_ELEMENTS(list))

static char *
random_statements(GRand *rand)
{
    GString *out = g_string_new("statements:\n");

    for (gint n = g_rand_int_range(rand, 1, 4); n > 0; n--) {
        gboolean not_action = g_rand_int_range(rand, 0, 8) == 0;
        gboolean not_resource = g_rand_int_range(rand, 0, 8) == 0;
        g_string_append_printf(out, "  - { effect: %s, %s: [\"%s\", \"%s\"], %s: [\"%s\", \"%s\"]%s }\n",
                               g_rand_int_range(rand, 0, 5) == 0 ? "Deny" : "Allow",
                               not_action ? "not_action" : "action", PICK(rand, actions), PICK(rand, actions),
                               not_resource ? "not_resource" : "resource", PICK(rand, resources),
                               PICK(rand, resources), PICK(rand, conditions));
    }
    return g_string_free(out, FALSE);
}

static char *
random_accounts(GRand *rand)
{
    GString *out = g_string_new("rolebridge: 1\naccounts:\n");
    static const char *const buckets[] = { "one", "two", "x-1" };

    for (guint i = 1; i <= 3; i++)
        g_string_append_printf(
            out,
            "  - { id: \"%u11111111111\", name: a%u, parameters: { bucket: %s }, issue: { method: "
            "assume-role, external_id: e%d } }\n",
            i, i, PICK(rand, buckets), g_rand_int_range(rand, 0, 3));
    return g_string_free(out, FALSE);
}

static char *
random_assignments(GRand *rand)
{
    GString *out = g_string_new("rolebridge: 1\nassignments:\n");

    for (gint n = g_rand_int_range(rand, 1, 6); n > 0; n--)
        g_string_append_printf(out, "  - { groups: [g%d, h%d], role: r%d, accounts: [a%d, a%d] }\n",
                               g_rand_int_range(rand, 0, 3), g_rand_int_range(rand, 0, 3),
                               g_rand_int_range(rand, 0, 3), g_rand_int_range(rand, 1, 4),
                               g_rand_int_range(rand, 1, 4));
    return g_string_free(out, FALSE);
}

static char *
random_role(GRand *rand, guint i)
{
    return g_strdup_printf(
        "rolebridge: 1\nrole: r%u\ntitle: T%d\nowner: o%d@acme.example\npolicies: [p%d, "
        "q%d]\nsession: { default: 1h, max: %dh }\nprivileged: %s\nmanaged_policies: [%s]\n",
        i, g_rand_int_range(rand, 0, 2), g_rand_int_range(rand, 0, 2), g_rand_int_range(rand, 0, 2),
        g_rand_int_range(rand, 0, 2), g_rand_int_range(rand, 1, 4), g_rand_boolean(rand) ? "true" : "false",
        g_rand_boolean(rand) ? "ViewOnlyAccess" : "");
}

/* A whole mapping in place of the fixture's. */
static RbSnapshot *
random_snapshot(GRand *rand)
{
    static const char *const policies[] = { "p0", "p1", "q0", "q1" };
    g_autoptr(GPtrArray) owner = g_ptr_array_new_with_free_func(g_free);
    char *directory = g_dir_make_tmp("rb-review-XXXXXX", NULL);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    TestFile files[12] = { { NULL, NULL } };
    RbSnapshot *snapshot;
    gsize n = 0;

    files[n++] = (TestFile){ "accounts.yaml", random_accounts(rand) };
    files[n++] = (TestFile){ "assignments.yaml", random_assignments(rand) };
    for (guint i = 0; i < 3; i++) {
        g_ptr_array_add(owner, g_strdup_printf("roles/r%u.yaml", i));
        files[n++] = (TestFile){ owner->pdata[owner->len - 1], random_role(rand, i) };
    }
    for (gsize i = 0; i < G_N_ELEMENTS(policies); i++) {
        g_autofree char *statements = random_statements(rand);
        g_ptr_array_add(owner, g_strdup_printf("policies/%s.yaml", policies[i]));
        files[n++] =
            (TestFile){ owner->pdata[owner->len - 1],
                        g_strdup_printf("rolebridge: 1\npolicy: %s\ntask: T\n%s", policies[i], statements) };
    }
    assert_non_null(directory);
    test_write(directory, files);
    snapshot = rb_snapshot_load(directory, problems);
    remove_tree(directory);
    g_free(directory);
    for (gsize i = 0; i < n; i++)
        g_free((gpointer)files[i].text);
    if (snapshot == NULL) {
        g_autofree char *text = rb_diagnostics_to_text(problems, FALSE);
        fail_msg("%s", text);
    }
    return snapshot;
}

static json_t *
json_of(const RbReview *review)
{
    const RbReviewLook look = { .before = "old", .after = "new" };

    return rb_review_json(review, &look);
}

static void
expect_mirrored(const json_t *there, const json_t *back, const char *part)
{
    const json_t *x = json_object_get(there, part), *y = json_object_get(back, part);
    g_autofree char *a = json_dumps(json_object_get(x, "gains"), JSON_COMPACT | JSON_PRESERVE_ORDER);
    g_autofree char *b = json_dumps(json_object_get(y, "losses"), JSON_COMPACT | JSON_PRESERVE_ORDER);

    assert_string_equal(a, b);
}

/* Facts, by kind and name in the same order, with before and after changed over. */
static void
expect_facts_mirrored(const RbReview *there, const RbReview *back)
{
    assert_int_equal(there->facts->len, back->facts->len);
    for (guint i = 0; i < there->facts->len; i++) {
        const RbFactChange *x = there->facts->pdata[i], *y = back->facts->pdata[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(g_strcmp0(x->what, y->what), 0);
        assert_int_equal(g_strcmp0(x->before, y->after), 0);
        assert_int_equal(g_strcmp0(x->after, y->before), 0);
        assert_int_equal(x->sense, -y->sense);
    }
}

/* Whether @role may in @account of @snapshot, by the evaluation that has nothing in common with a review. */
static gboolean
may(RbSnapshot *snapshot, const char *account_name, const char *role_name, const RbRequest *request)
{
    const RbAccount *account = rb_snapshot_account(snapshot, account_name);
    const RbRole *role = rb_snapshot_role(snapshot, role_name);
    g_autoptr(GPtrArray) documents = g_ptr_array_new();
    RbPolicySets sets = { 0 };
    RbVerdict verdict;

    if (!rb_snapshot_gives(snapshot, account, role))
        return FALSE;
    for (guint i = 0; i < role->policies->len; i++)
        g_ptr_array_add(documents, rb_library_policy(role, account,
                                                     ((RbTaskPolicy *)role->policies->pdata[i])->document));
    sets.identity = (RbPolicies){ (const RbPolicy *const *)documents->pdata, documents->len };
    rb_evaluate(&sets, request, &verdict);
    for (guint i = 0; i < documents->len; i++)
        rb_policy_unref(documents->pdata[i]);
    return verdict.outcome == RB_OUTCOME_ALLOWED;
}

static gboolean
is_gain(const RbReview *review, const char *account, const char *role)
{
    for (guint i = 0; i < review->access->len; i++) {
        const RbAccessChange *c = review->access->pdata[i];
        for (guint k = 0; c->gained && g_str_equal(c->role, role) && k < c->seats->len; k++)
            if (g_str_equal(((RbSeat *)c->seats->pdata[k])->name, account))
                return TRUE;
    }
    return FALSE;
}

static void
try_requests(GRand *rand, const RbReview *review, guint *more)
{
    for (guint i = 0; i < REQUESTS; i++) {
        g_autoptr(RbRequestContext) context = rb_request_context_new();
        g_autofree char *account = g_strdup_printf("a%d", g_rand_int_range(rand, 1, 4)),
                        *role = g_strdup_printf("r%d", g_rand_int_range(rand, 0, 3));
        RbRequest request = { .principal = "arn:aws:iam::111111111111:role/rolebridge/r",
                              .principal_account = "111111111111",
                              .action = PICK(rand, names),
                              .resource = PICK(rand, arns),
                              .context = context };
        if (g_rand_boolean(rand))
            rb_request_context_add(context, "aws:SecureTransport", "true");
        if (g_rand_boolean(rand))
            rb_request_context_add(context, "aws:PrincipalTag/t", g_rand_boolean(rand) ? "a" : "c");
        if (!may(review->after, account, role, &request) || may(review->before, account, role, &request))
            continue;
        ++*more;
        if (!is_gain(review, account, role))
            fail_msg("%s in %s may %s on %s now, and no gain says so", role, account, request.action,
                     request.resource);
    }
}

static void
gains_and_losses_mirror(void **state)
{
    const char *asked = g_getenv("RB_SEED");
    guint32 seed = asked == NULL ? DEFAULT_SEED : (guint32)g_ascii_strtoull(asked, NULL, 10);
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    guint more = 0;

    (void)state;
    print_message("seed %u (RB_SEED)\n", seed);
    for (guint i = 0; i < PAIRS; i++) {
        g_autoptr(RbSnapshot) a = random_snapshot(rand), b = random_snapshot(rand);
        g_autoptr(RbReview) there = rb_review_new(a, b), back = rb_review_new(b, a),
                            none = rb_review_new(a, a);
        json_t *x = json_of(there), *y = json_of(back);
        RbReviewCount n = rb_review_count(none);
        expect_mirrored(x, y, "people");
        expect_mirrored(y, x, "people");
        expect_mirrored(x, y, "access");
        expect_mirrored(y, x, "access");
        expect_facts_mirrored(there, back);
        assert_int_equal(n.gains + n.losses + n.neutral, 0);
        try_requests(rand, there, &more);
        json_decref(x);
        json_decref(y);
    }
    assert_true(more > 100); /* else nothing was tried */
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(gains_and_losses_mirror) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
