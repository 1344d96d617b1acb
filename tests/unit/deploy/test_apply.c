/* Plan and apply against an IAM that keeps its rules, and that fails at every call once. */
#include "fake_iam.h"

#include "unit/compile/fixture.h"

#include "base/refusal.h"

static RbCompiled *compiled;
static const RbCompiledAccount *account; /* beta: web-identity */

#define BETA "222222222222"
#define ARN "arn:aws:iam::" BETA
#define PROVIDER ARN ":oidc-provider/bridge.acme.example"
#define OPEN                                                                                                 \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},"        \
    "\"Action\":\"sts:AssumeRole\"}]}"
#define ALL                                                                                                  \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]" \
    "}"
#define OURS "Tags.member.1.Key", "rolebridge", "Tags.member.1.Value", "managed"

static const TestFile guarded[] = {
    ROLE("guarded", "policies: [read, look]\nconditions: { source_ip: [\"203.0.113.0/24\"] }\n"),
    ASSIGN("  - { groups: [readers], role: reader, accounts: [alpha, beta] }\n"
           "  - { groups: [readers], role: guarded, accounts: [beta] }\n"
           "  - { groups: [watchers], role: watcher, accounts: [beta, gamma] }\n"),
    FILES_END,
};

static int
set_up(void **state)
{
    g_autofree char *told = test_compile(guarded, NULL, &compiled);

    (void)state;
    account = compiled == NULL ? NULL : rb_compiled_account(compiled, "beta");
    return account == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rb_compiled_free(compiled);
    fake_iam_end();
    return 0;
}

/* ---- what stands there before ---- */

static void change(FakeIam *fake, const char *action, ...) G_GNUC_NULL_TERMINATED;

static void
change(FakeIam *fake, const char *action, ...)
{
    const char *fields[32];
    g_autofree char *code = NULL;
    guint n = 0;
    va_list args;

    va_start(args, action);
    while ((fields[n++] = va_arg(args, const char *)) != NULL)
        assert_true(n < G_N_ELEMENTS(fields));
    va_end(args);
    code = fake_iam_do(fake, action, fields);
    if (code != NULL)
        fail_msg("%s: %s", action, code);
}

static RbFleet
fleet_of(FakeIam *fake)
{
    return (RbFleet){ .open = fake_iam_open, .data = fake, .parallel = 1 };
}

/* Plans and applies. Returns: TRUE when everything is done. */
static gboolean
run(FakeIam *fake)
{
    const RbFleet fleet = fleet_of(fake);
    g_autoptr(GPtrArray) rows = rb_fleet_plan(&fleet, account, 1);

    return rb_fleet_apply(&fleet, rows);
}

/* Those of others: neither tag nor path, the path alone, the tag alone. */
static void
strangers(FakeIam *fake)
{
    change(fake, "CreateRole", "RoleName", "of-others", "AssumeRolePolicyDocument", OPEN, NULL);
    change(fake, "CreateRole", "RoleName", "of-others-here", "Path", "/rolebridge/",
           "AssumeRolePolicyDocument", OPEN, NULL);
    change(fake, "CreateRole", "RoleName", "tagged-elsewhere", "Path", "/x/", "AssumeRolePolicyDocument",
           OPEN, OURS, NULL);
    change(fake, "CreatePolicy", "PolicyName", "of-others", "PolicyDocument", ALL, NULL);
    change(fake, "CreatePolicy", "PolicyName", "of-others-here", "Path", "/rolebridge/", "PolicyDocument",
           ALL, NULL);
    change(fake, "AttachRolePolicy", "RoleName", "of-others", "PolicyArn", ARN ":policy/of-others", NULL);
}

static void
empty(FakeIam *fake)
{
    strangers(fake);
}

/* What the mapping no longer has. */
static void
left_over(FakeIam *fake)
{
    change(fake, "CreatePolicy", "PolicyName", "old", "Path", "/rolebridge/", "PolicyDocument", ALL, OURS,
           NULL);
    for (guint i = 0; i < 2; i++)
        change(fake, "CreatePolicyVersion", "PolicyArn", ARN ":policy/rolebridge/old", "PolicyDocument", ALL,
               NULL);
    change(fake, "CreateRole", "RoleName", "old", "Path", "/rolebridge/", "AssumeRolePolicyDocument", OPEN,
           OURS, NULL);
    change(fake, "AttachRolePolicy", "RoleName", "old", "PolicyArn", ARN ":policy/rolebridge/old", NULL);
    change(fake, "AttachRolePolicy", "RoleName", "old", "PolicyArn", ARN ":policy/of-others", NULL);
    change(fake, "PutRolePolicy", "RoleName", "old", "PolicyName", "x", "PolicyDocument", ALL, NULL);
    change(fake, "CreateOpenIDConnectProvider", "Url", "https://old.example", "ClientIDList.member.1", "x",
           OURS, NULL);
}

/* Made as it should be, then changed by others. */
static void
changed(FakeIam *fake)
{
    strangers(fake);
    assert_true(run(fake));
    left_over(fake);
    for (guint i = 0; i < 4; i++)
        change(fake, "CreatePolicyVersion", "PolicyArn", ARN ":policy/rolebridge/read", "PolicyDocument", ALL,
               NULL);
    change(fake, "UntagPolicy", "PolicyArn", ARN ":policy/rolebridge/look", "TagKeys.member.1",
           "rolebridge:policy", NULL);
    change(fake, "UpdateAssumeRolePolicy", "RoleName", "reader", "PolicyDocument", OPEN, NULL);
    change(fake, "UpdateRole", "RoleName", "reader", "Description", "x", "MaxSessionDuration", "3600", NULL);
    change(fake, "AttachRolePolicy", "RoleName", "reader", "PolicyArn",
           "arn:aws:iam::aws:policy/AdministratorAccess", NULL);
    change(fake, "PutRolePolicy", "RoleName", "reader", "PolicyName", "mine", "PolicyDocument", ALL, NULL);
    change(fake, "TagRole", "RoleName", "reader", "Tags.member.1.Key", "rolebridge:old",
           "Tags.member.1.Value", "x", NULL);
    change(fake, "DetachRolePolicy", "RoleName", "watcher", "PolicyArn", ARN ":policy/rolebridge/look", NULL);
    change(fake, "DetachRolePolicy", "RoleName", "watcher", "PolicyArn",
           "arn:aws:iam::aws:policy/ViewOnlyAccess", NULL);
    change(fake, "DeleteRole", "RoleName", "watcher", NULL);
    change(fake, "DeleteOpenIDConnectProvider", "OpenIDConnectProviderArn", PROVIDER, NULL);
    change(fake, "CreateOpenIDConnectProvider", "Url", "https://bridge.acme.example", "ClientIDList.member.1",
           "another", OURS, NULL);
}

/* ---- every call fails once ---- */

/* Where two runs lead, the first of which meets @fault at its @n-th call. FALSE: it has fewer calls. */
static gboolean
one_fault(void (*begin)(FakeIam *fake), FakeFault fault, guint n, const char *want, guint *wrong)
{
    FakeIam *fake = fake_iam_new(BETA);
    g_autofree char *got = NULL;
    gboolean first, second, failed;

    begin(fake);
    fake_iam_fail(fake, n, fault);
    first = run(fake);
    failed = fake_iam_failed(fake);
    fake_iam_fail(fake, G_MAXINT, FAKE_FINE);
    second = run(fake);
    got = fake_iam_state(fake);
    if (!second || !g_str_equal(got, want))
        (*wrong)++,
            print_error("fault %d at call %u: then %s\n", (int)fault, n, second ? got : "it is not done");
    if (failed && first != (fault == FAKE_THROTTLES || fault == FAKE_LOSES))
        (*wrong)++,
            print_error("fault %d at call %u: the run %s\n", (int)fault, n, first ? "went on" : "gave up");
    fake_iam_free(fake);
    return failed;
}

static char *
without_faults(void (*begin)(FakeIam *fake), guint *calls)
{
    FakeIam *fake = fake_iam_new(BETA);
    const RbFleet fleet = fleet_of(fake);
    g_autoptr(GPtrArray) rows = NULL;
    const RbFleetRow *row;
    guint before;
    char *out;

    begin(fake);
    before = fake_iam_calls(fake);
    assert_true(run(fake));
    *calls = fake_iam_calls(fake) - before;
    rows = rb_fleet_plan(&fleet, account, 1);
    row = rows->pdata[0];
    assert_non_null(row->plan);
    assert_int_equal(row->plan->steps->len, 0); /* what was done is what was wanted */
    assert_int_equal(row->plan->access->len, 0);
    out = fake_iam_state(fake);
    fake_iam_free(fake);
    return out;
}

static void
test_faults(void **state)
{
    static void (*const begins[])(FakeIam * fake) = { empty, changed };
    static const FakeFault faults[] = { FAKE_DENIES, FAKE_IS_GONE, FAKE_THROTTLES, FAKE_LOSES };
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(begins); i++) {
        guint calls;
        g_autofree char *want = without_faults(begins[i], &calls);
        assert_true(calls > 10);
        for (gsize k = 0; k < G_N_ELEMENTS(faults); k++)
            for (guint n = 1; n <= calls; n++)
                if (!one_fault(begins[i], faults[k], n, want, &wrong))
                    wrong++, print_error("no call %u of %u\n", n, calls);
    }
    assert_int_equal(wrong, 0);
}

/* ---- the order ---- */

static const char *
must_find(const char *log, const char *line)
{
    const char *at = strstr(log, line);

    if (at == NULL)
        fail_msg("not done: %s in\n%s", line, log);
    return at;
}

static void
test_order(void **state)
{
    static const struct {
        const char *first, *then;
    } rows[] = {
        { "CreateOpenIDConnectProvider", "CreateRole reader" },
        { "CreatePolicy read", "AttachRolePolicy reader read" },
        { "AttachRolePolicy guarded network.", "AttachRolePolicy guarded look" },
        { "AttachRolePolicy guarded network.", "AttachRolePolicy guarded read" },
    };
    static const struct {
        const char *first, *then;
    } removal[] = {
        { "AttachRolePolicy watcher look", "DetachRolePolicy reader AdministratorAccess" },
        { "UpdateAssumeRolePolicy reader", "DetachRolePolicy reader AdministratorAccess" },
        { "UpdateAssumeRolePolicy old", "DetachRolePolicy old of-others" },
        { "DetachRolePolicy old of-others", "DeleteRole old" },
        { "DeleteRolePolicy old", "DeleteRole old" },
        { "DeleteRole old", "DeletePolicy arn:aws:iam::222222222222:policy/rolebridge/old" },
        { "DeleteRole old", "DeleteOpenIDConnectProvider" },
    };
    FakeIam *fake = fake_iam_new(BETA);
    g_autofree char *made = NULL, *mended = NULL;

    (void)state;
    assert_true(run(fake));
    made = fake_iam_log(fake);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_true(must_find(made, rows[i].first) < must_find(made, rows[i].then));
    fake_iam_free(fake);
    fake = fake_iam_new(BETA);
    changed(fake);
    assert_true(run(fake));
    mended = fake_iam_log(fake);
    for (gsize i = 0; i < G_N_ELEMENTS(removal); i++)
        assert_true(must_find(mended, removal[i].first) < must_find(mended, removal[i].then));
    fake_iam_free(fake);
}

/* ---- limits of an account ---- */

/* Lists come in pages; a policy is not there at once for whoever attaches it. */
static void
test_pages(void **state)
{
    guint calls;
    g_autofree char *want = without_faults(empty, &calls), *got = NULL;
    FakeIam *fake = fake_iam_new(BETA);

    (void)state;
    empty(fake);
    fake_iam_page(fake, 1);
    fake_iam_settle(fake, 3);
    assert_true(run(fake));
    assert_true(run(fake));
    got = fake_iam_state(fake);
    assert_string_equal(got, want);
    fake_iam_free(fake);
}

/* A role that has all it may have: what leaves it makes room. */
static void
test_room(void **state)
{
    guint calls;
    g_autofree char *want = without_faults(empty, &calls), *got = NULL;
    FakeIam *fake = fake_iam_new(BETA);

    (void)state;
    empty(fake);
    assert_true(run(fake));
    change(fake, "DetachRolePolicy", "RoleName", "reader", "PolicyArn", ARN ":policy/rolebridge/read", NULL);
    change(fake, "DetachRolePolicy", "RoleName", "reader", "PolicyArn", ARN ":policy/rolebridge/look", NULL);
    change(fake, "AttachRolePolicy", "RoleName", "reader", "PolicyArn", "arn:aws:iam::aws:policy/A", NULL);
    change(fake, "AttachRolePolicy", "RoleName", "reader", "PolicyArn", "arn:aws:iam::aws:policy/B", NULL);
    fake_iam_attachments(fake, 2);
    assert_true(run(fake));
    got = fake_iam_state(fake);
    assert_string_equal(got, want);
    fake_iam_free(fake);
}

/* A policy that goes and that somebody else uses stays, and is told; a name that is taken stops all of it. */
static void
test_others(void **state)
{
    FakeIam *fake = fake_iam_new(BETA);
    const RbFleet fleet = fleet_of(fake);
    g_autoptr(GPtrArray) held = NULL, taken = NULL;
    const RbFleetRow *row;
    g_autofree char *before = NULL, *after = NULL;

    (void)state;
    strangers(fake);
    left_over(fake);
    change(fake, "AttachRolePolicy", "RoleName", "of-others", "PolicyArn", ARN ":policy/rolebridge/old",
           NULL);
    assert_true(run(fake));
    held = rb_fleet_plan(&fleet, account, 1);
    row = held->pdata[0];
    assert_int_equal(row->plan->steps->len, 0);
    assert_int_equal(row->plan->notes->len, 3); /* and two strangers under our path */
    assert_string_equal(row->plan->notes->pdata[1],
                        "the policy " ARN
                        ":policy/rolebridge/old is not in the mapping, but attached to 1 that are "
                        "not rolebridge's: detach it, and it goes");
    change(fake, "UntagRole", "RoleName", "reader", "TagKeys.member.1", "rolebridge", NULL);
    change(fake, "UpdateRole", "RoleName", "watcher", "Description", "x", "MaxSessionDuration", "3600", NULL);
    before = fake_iam_state(fake);
    assert_false(run(fake));
    after = fake_iam_state(fake);
    assert_string_equal(before, after);
    fake_iam_free(fake);
}

/* ---- answers that are none ---- */

#define DETAILS(inside)                                                                                      \
    "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult>" inside                  \
    "</GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
#define ERROR(code) "<ErrorResponse><Error><Code>" code "</Code><Message>m</Message></Error></ErrorResponse>"

/* clang-format off */
static const struct {
    const char *name;
    int status;
    const char *body, *want;
} answers[] = {
    { "HTML", 200, "<html><p>Sign in", "AWS answered with something that is not its XML" },
    { "another answer", 200, "<ListUsersResponse><ListUsersResult/></ListUsersResponse>", "IAM answered something else" },
    { "a DTD", 200, "<!DOCTYPE x [<!ENTITY e \"x\">]>" DETAILS("<RoleDetailList/>"), "AWS answered with something that is not its XML" },
    { "an element twice", 200, DETAILS("<RoleDetailList/><RoleDetailList/>"), "AWS answered with something that is not its XML" },
    { "more, and not where", 200, DETAILS("<RoleDetailList/><IsTruncated>true</IsTruncated>"), "does not say where its list goes on" },
    { "the same page for ever", 200, DETAILS("<RoleDetailList/><IsTruncated>true</IsTruncated><Marker>x</Marker>"), "does not say where its list goes on" },
    { "a role of another account", 200, DETAILS("<RoleDetailList><member><RoleName>a</RoleName><Path>/</Path><Arn>arn:aws:iam::333333333333:role/a</Arn></member></RoleDetailList>"), "IAM told of 'arn:aws:iam::333333333333:role/a', which is nothing of account 222222222222" },
    { "a role that is a user", 200, DETAILS("<RoleDetailList><member><RoleName>a</RoleName><Path>/</Path><Arn>arn:aws:iam::222222222222:user/a</Arn></member></RoleDetailList>"), "which is nothing of account" },
    { "a role without an ARN", 200, DETAILS("<RoleDetailList><member><RoleName>a</RoleName></member></RoleDetailList>"), "which is nothing of account" },
    { "a refusal", 403, ERROR("AccessDenied"), "GetAccountAuthorizationDetails: 'AccessDenied': m" },
    { "throttled for ever", 400, ERROR("Throttling"), "'Throttling': m" },
    { "down for ever", 503, "", "IAM answered with HTTP status 503" },
    { "an error that is none", 400, "no", "IAM answered with HTTP status 400" },
};
/* clang-format on */

static void
test_answers(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        FakeIam *fake = fake_iam_new(BETA);
        const RbFleet fleet = fleet_of(fake);
        g_autoptr(GPtrArray) rows = NULL;
        const RbFleetRow *row;
        fake_iam_answer(fake, answers[i].status, answers[i].body);
        rows = rb_fleet_plan(&fleet, account, 1);
        row = rows->pdata[0];
        if (row->plan != NULL || row->error == NULL || strstr(row->error->message, answers[i].want) == NULL)
            wrong++, print_error("%s: got %s\n", answers[i].name,
                                 row->error == NULL ? "a plan" : row->error->message);
        if (fake_iam_calls(fake) > 9)
            wrong++, print_error("%s: %u calls\n", answers[i].name, fake_iam_calls(fake));
        fake_iam_free(fake);
    }
    assert_int_equal(wrong, 0);
}

/* ---- access, in words ---- */

static void
test_access(void **state)
{
    FakeIam *fake = fake_iam_new(BETA);
    const RbFleet fleet = fleet_of(fake);
    g_autoptr(GPtrArray) rows = NULL;
    const RbAccountPlan *plan;
    GString *got = g_string_new(NULL);

    (void)state;
    changed(fake);
    rows = rb_fleet_plan(&fleet, account, 1);
    plan = ((const RbFleetRow *)rows->pdata[0])->plan;
    for (guint i = 0; i < plan->access->len; i++) {
        const RbDeployAccess *a = plan->access->pdata[i];
        for (guint k = 0; k < a->gained->len; k++)
            g_string_append_printf(got, "%s + %s\n", a->role, (char *)a->gained->pdata[k]);
        for (guint k = 0; k < a->lost->len; k++)
            g_string_append_printf(got, "%s - %s\n", a->role, (char *)a->lost->pdata[k]);
    }
    assert_string_equal(got->str,
                        "guarded + may s3:GetObject on arn:aws:s3:::beta-data/*\n"
                        "guarded - may * on *\n"
                        "old - may * on *\n"
                        "reader + may s3:GetObject on arn:aws:s3:::beta-data/*\n"
                        "reader - may * on *\n"
                        "reader - may what is allowed by arn:aws:iam::aws:policy/AdministratorAccess\n"
                        "watcher + may ec2:Describe*, s3:List* on *\n"
                        "watcher + may what is allowed by arn:aws:iam::aws:policy/ViewOnlyAccess\n");
    g_string_free(got, TRUE);
    fake_iam_free(fake);
}

/* ---- several accounts ---- */

#define ALPHA "111111111111"

static RbIam *
open_either(const RbCompiledAccount *want, gpointer fakes, GError **error)
{
    FakeIam **both = fakes;

    return fake_iam_open(want, both[g_str_equal(want->account->id, BETA)], error);
}

typedef struct {
    guint calls, done, total, wrong;
} Told;

/* One at a time, so without a lock. */
static void
tell(guint done, guint total, const RbCompiledAccount *want, const RbStep *what, gpointer data)
{
    FakeIam **both = data;
    Told *told = (Told *)(void *)both[2];

    (void)want;
    (void)what;
    told->calls++;
    told->wrong += done < told->done || done > total;
    told->done = done;
    told->total = total;
}

/* Side by side; one that fails ends itself alone, and the next run does the rest. */
static void
test_parallel(void **state)
{
    Told told = { 0 };
    FakeIam *both[] = { fake_iam_new(ALPHA), fake_iam_new(BETA), (FakeIam *)(void *)&told };
    const RbFleet fleet = { .open = open_either, .progress = tell, .data = both, .parallel = 4 };
    guint n;
    const RbCompiledAccount *accounts = rb_compiled_accounts(compiled, &n);
    g_autoptr(GPtrArray) rows = rb_fleet_plan(&fleet, accounts, 2), again = NULL, end = NULL;
    g_autofree char *digest = rb_fleet_digest(rows), *same = NULL, *other = NULL;
    const RbFleetRow *alpha = rows->pdata[0], *beta = rows->pdata[1];

    (void)state;
    assert_true(n >= 2);
    assert_string_equal(alpha->account->account->id, ALPHA);
    assert_int_equal(told.done, 2);
    told = (Told){ 0 };
    again = rb_fleet_plan(&fleet, accounts, 2);
    same = rb_fleet_digest(again);
    assert_string_equal(digest, same); /* whichever was read first */
    fake_iam_fail(both[1], 3, FAKE_DENIES);
    told = (Told){ 0 };
    assert_false(rb_fleet_apply(&fleet, rows));
    assert_int_equal(alpha->done, alpha->plan->steps->len);
    assert_int_equal(beta->done, 2);
    assert_true(g_error_matches(beta->error, RB_IAM_ERROR, RB_IAM_DENIED));
    assert_int_equal(told.total, alpha->plan->steps->len + beta->plan->steps->len);
    assert_int_equal(told.wrong, 0);
    told = (Told){ 0 };
    end = rb_fleet_plan(&fleet, accounts, 2);
    other = rb_fleet_digest(end);
    assert_string_not_equal(digest, other);
    told = (Told){ 0 };
    assert_true(rb_fleet_apply(&fleet, end));
    fake_iam_free(both[0]);
    fake_iam_free(both[1]);
}

/* ---- an account that trusts assertions ---- */

#define DELTA "444444444444"
#define SAML "arn:aws:iam::" DELTA ":saml-provider/bridge"

static const TestFile by_assertion[] = {
    { "accounts.yaml",
      "rolebridge: 1\nbridge: { url: \"https://bridge.acme.example\", metadata: idp.xml }\naccounts:\n"
      "  - id: \"" DELTA "\"\n    name: delta\n    parameters: { bucket: d }\n"
      "    issue: { method: saml, provider_arn: \"" SAML "\" }\n" },
    { "idp.xml", "<EntityDescriptor entityID=\"https://bridge.acme.example/saml\"/>\n" },
    ASSIGN("  - { groups: [readers], role: reader, accounts: [delta] }\n"),
    FILES_END,
};

static gboolean
run_on(FakeIam *fake, const RbCompiledAccount *want, char **told)
{
    const RbFleet fleet = fleet_of(fake);
    g_autoptr(GPtrArray) rows = rb_fleet_plan(&fleet, want, 1);
    const RbFleetRow *row = rows->pdata[0];

    *told = row->plan == NULL               ? g_strdup(row->error->message)
            : row->plan->conflicts->len > 0 ? g_strdup(row->plan->conflicts->pdata[0])
            : row->plan->steps->len > 0     ? rb_step_text(row->plan->steps->pdata[0])
                                            : g_strdup("nothing");
    return rb_fleet_apply(&fleet, rows);
}

/* Made; its metadata changed by others; without the tag it is somebody else's, and a role for it would trust
 * them. */
static void
test_saml(void **state)
{
    static const struct {
        const char *name, *action, *field, *value; /* what others do before */
        const char *told;
        gboolean done;
    } steps[] = {
        { "made", NULL, NULL, NULL, "create provider bridge", TRUE },
        { "there", NULL, NULL, NULL, "nothing", TRUE },
        { "changed", "UpdateSAMLProvider", "SAMLMetadataDocument", "<other/>", "update provider bridge",
          TRUE },
        { "mended", NULL, NULL, NULL, "nothing", TRUE },
        { "retagged", "TagSAMLProvider", "Tags.member.1.Value", "ours now", "nothing", TRUE },
        { "of others", "UpdateSAMLProvider", "SAMLMetadataDocument", "<other/>",
          "the provider " SAML " is not rolebridge's, and has other metadata", FALSE },
    };
    g_autoptr(RbCompiled) delta = test_compiled(by_assertion);
    FakeIam *fake = fake_iam_new(DELTA);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autofree char *told = NULL;
        if (steps[i].action != NULL)
            change(fake, steps[i].action, "SAMLProviderArn", SAML, "Tags.member.1.Key", "rolebridge",
                   steps[i].field, steps[i].value, NULL);
        if (run_on(fake, rb_compiled_account(delta, "delta"), &told) != steps[i].done ||
            !g_str_equal(told, steps[i].told))
            fail_msg("%s: %s", steps[i].name, told);
    }
    fake_iam_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults), cmocka_unit_test(test_order),    cmocka_unit_test(test_pages),
        cmocka_unit_test(test_room),   cmocka_unit_test(test_others),   cmocka_unit_test(test_answers),
        cmocka_unit_test(test_access), cmocka_unit_test(test_parallel), cmocka_unit_test(test_saml),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
