/* Proofs that are exchanged: what is checked, in which order, what is recorded, and how often. */
#include "fixture.h"

#define ROLE "arn:aws:iam::" ACCOUNT ":role/rolebridge/data-scientist"
#define ADMIN "arn:aws:iam::" ACCOUNT ":role/rolebridge/admin"
#define PRINCIPAL "arn:aws:iam::" ACCOUNT ":saml-provider/MySAMLIdP"
#define JOB "repo:acme/infra|gh-74-8001|j-1|ds|-|-|-"
#define PERSON "a-1|alice|p1|ds|-|-|-"

static RbAssumed *
assume(Fixture *f, const RbAssumeAsk *ask, GError **error)
{
    return rb_access_assume(f->access, next_visit(f), ask, error);
}

static RbAssumed *
assume_token(Fixture *f, const char *token, GError **error)
{
    const RbAssumeAsk ask = { .role_arn = ROLE, .token = token };

    return assume(f, &ask, error);
}

static void
expect_fact(const Fixture *f, const char *kind, const char *key, const char *want)
{
    g_autofree char *got = audited_text(f, kind, key);

    if (g_strcmp0(got, want) != 0)
        fail_msg("%s: %s: got %s, want %s", kind, key, got, want);
}

static void
exchanges_a_token(void **state)
{
    static const struct {
        const char *key, *want;
    } facts[] = {
        { "provider", "ci" },
        { "name", "gh-74-8001" },
        { "subject", "repo:acme/infra" },
        { "issuer", "https://idp.example" },
        { "audience", "rolebridge" },
        { "proof", "j-1" },
        { "role", "data-scientist" },
        { "role_arn", ROLE },
        { "account", ACCOUNT },
        { "group", "ds" },
        { "source_ip", "203.0.113.7" },
        { "session", NULL },
    };
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(RbAssumed) assumed = assume_token(f, JOB, &error);

    if (assumed == NULL)
        fail_msg("%s", error->message);
    assert_string_equal(assumed->subject, "repo:acme/infra");
    assert_string_equal(assumed->issuer, "https://idp.example");
    assert_string_equal(assumed->audience, "rolebridge");
    assert_null(assumed->subject_type);
    assert_null(assumed->name_qualifier);
    assert_string_equal(assumed->credentials->assumed_role_id, "AROAEXAMPLE:gh-74-8001");
    for (gsize i = 0; i < G_N_ELEMENTS(facts); i++) {
        expect_fact(f, "decision", facts[i].key, facts[i].want);
        expect_fact(f, "lease", facts[i].key, facts[i].want);
    }
    assert_int_equal(audited(f, "decision", NULL), 1);
    assert_int_equal(audited(f, "lease", NULL), 1);
}

/* SDKs read their token file again and again. */
static void
a_token_may_be_used_again(void **state)
{
    Fixture *f = *state;

    for (guint i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbAssumed) assumed = assume_token(f, JOB, &error);
        if (assumed == NULL)
            fail_msg("%s", error->message);
    }
    assert_int_equal(audited(f, "lease", NULL), 3);
}

static void
an_assertion_is_used_once(void **state)
{
    const RbAssumeAsk ask = { .role_arn = ROLE, .assertion = PERSON, .principal_arn = PRINCIPAL };
    Fixture *f = *state;
    g_autoptr(GError) error = NULL, again = NULL;
    g_autoptr(RbAssumed) assumed = assume(f, &ask, &error), second = NULL;

    if (assumed == NULL)
        fail_msg("%s", error->message);
    assert_string_equal(assumed->subject, "a-1");
    assert_non_null(assumed->name_qualifier);
    second = assume(f, &ask, &again);
    assert_null(second);
    expect_code("again", again, RB_SAML_REPLAYED);
    assert_int_equal(audited(f, "lease", NULL), 1);
}

/* A proof that brought nothing is not used up: the person may ask for the role that he has. */
static void
a_refused_assertion_stays_good(void **state)
{
    const RbAssumeAsk wrong = { .role_arn = ADMIN, .assertion = PERSON, .principal_arn = PRINCIPAL };
    const RbAssumeAsk right = { .role_arn = ROLE, .assertion = PERSON, .principal_arn = PRINCIPAL };
    Fixture *f = *state;
    g_autoptr(GError) error = NULL, later = NULL;
    g_autoptr(RbAssumed) refused = assume(f, &wrong, &error), assumed = NULL;

    assert_null(refused);
    expect_code("of another role", error, RB_MAPPING_NOT_ASSIGNED);
    assumed = assume(f, &right, &later);
    assert_non_null(assumed);
}

/* clang-format off */
static const struct {
    const char *name;
    RbAssumeAsk ask;
    RbRefusalCode want;
} asks[] = {
    { "forged", { .role_arn = ROLE, .token = "forged" }, RB_JWT_SIGNATURE_INVALID },
    { "of a role that nobody gave", { .role_arn = "arn:aws:iam::" ACCOUNT ":role/rolebridge/nothing", .token = JOB }, RB_MAPPING_NOT_ASSIGNED },
    { "of another account", { .role_arn = "arn:aws:iam::222233334444:role/rolebridge/data-scientist", .token = JOB }, RB_MAPPING_NOT_ASSIGNED },
    { "of another partition", { .role_arn = "arn:aws-cn:iam::" ACCOUNT ":role/rolebridge/data-scientist", .token = JOB }, RB_MAPPING_NOT_ASSIGNED },
    { "of another path", { .role_arn = "arn:aws:iam::" ACCOUNT ":role/data-scientist", .token = JOB }, RB_MAPPING_NOT_ASSIGNED },
    { "no groups", { .role_arn = ROLE, .token = "s|gh-1|j|-|-|-|-" }, RB_MAPPING_NOT_ASSIGNED },
    { "of a role that wants a second factor", { .role_arn = ADMIN, .token = "s|gh-1|j|adm|-|-|-" }, RB_MAPPING_MFA_REQUIRED },
    { "too long", { .role_arn = ROLE, .token = JOB, .duration_s = 3601 }, RB_STS_DURATION },
    { "no role", { .role_arn = "arn:aws:iam::" ACCOUNT ":user/ada", .token = JOB }, RB_QUERY_INVALID },
    { "no ARN", { .role_arn = "data-scientist-data-scientist", .token = JOB }, RB_QUERY_INVALID },
    { "principal no ARN", { .role_arn = ROLE, .assertion = PERSON, .principal_arn = "MySAMLIdP" }, RB_QUERY_INVALID },
    { "principal an OIDC provider", { .role_arn = ROLE, .assertion = PERSON, .principal_arn = "arn:aws:iam::" ACCOUNT ":oidc-provider/x.example" }, RB_QUERY_INVALID },
    { "principal of another account", { .role_arn = ROLE, .assertion = PERSON, .principal_arn = "arn:aws:iam::222233334444:saml-provider/x" }, RB_QUERY_INVALID },
    { "principal without a name", { .role_arn = ROLE, .assertion = PERSON, .principal_arn = "arn:aws:iam::" ACCOUNT ":saml-provider/" }, RB_QUERY_INVALID },
    { "session at the IdP over", { .role_arn = ROLE, .assertion = "a-1|alice|p1|ds|-|1795510800|-", .principal_arn = PRINCIPAL }, RB_SAML_SESSION_OVER },
};
/* clang-format on */

static void
refuses_and_records(void **state)
{
    Fixture *f = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(asks); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbAssumed) assumed = assume(f, &asks[i].ask, &error);
        g_autofree char *code = NULL;
        assert_null(assumed);
        expect_code(asks[i].name, error, asks[i].want);
        code = audited_text(f, "refusal", "code");
        if (g_strcmp0(code, rb_outcome(error)->id) != 0)
            fail_msg("%s: %s is on record", asks[i].name, code);
    }
    assert_int_equal(audited(f, "lease", NULL), 0);
    assert_int_equal(rb_double_credentials, 0);
}

/* Whom the mapping brings nothing may be anybody: he is on record, and fills neither log nor names. */
static void
strangers_are_counted(void **state)
{
    Fixture *f = *state;
    g_autofree char *subject = NULL;

    for (guint i = 0; i < 200; i++) {
        g_autofree char *token = g_strdup_printf("repo:evil/%u|gh-%u|j|-|-|-|-", i, i);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbAssumed) assumed = assume_token(f, token, &error);
        assert_null(assumed);
        expect_code("a stranger", error, RB_MAPPING_NOT_ASSIGNED);
    }
    assert_true(audited(f, "refusal", "mapping.not_assigned") <= 25);
    subject = audited_text(f, "refusal", "token_subject");
    assert_non_null(subject);
    {
        g_autoptr(GPtrArray) names = rb_store_list(f->store, RB_RECORD_NAME, NULL, f->now, 10, NULL);
        assert_int_equal(names->len, 0);
    }
}

/* A job named as a person is would act in the person's name. */
static void
a_name_belongs_to_its_realm(void **state)
{
    Fixture *f = *state;
    g_autofree char *cookie = sign_in(f); /* alice, of realm corp */
    g_autoptr(GError) error = NULL, person = NULL;
    g_autoptr(RbAssumed) taken = assume_token(f, "repo:evil|alice|j-2|ds|-|-|-", &error), job = NULL;
    g_autoptr(RbSignedIn) signed_in = NULL;

    assert_null(taken);
    expect_code("a person's", error, RB_IDENTITY_NAME_TAKEN);
    job = assume_token(f, JOB, NULL);
    assert_non_null(job);
    signed_in = sign_in_at(f, "corp", "x|GH-74-8001|p9|ds|-|-|-", NULL, &person);
    assert_null(signed_in);
    expect_code("a job's", person, RB_IDENTITY_NAME_TAKEN);
}

/* 500 jobs start at once, each with a name of its own or all with one; a flood is held up. */
static void
a_storm_passes_and_a_flood_does_not(void **state)
{
    Fixture *f = *state;
    guint refused = 0;

    for (guint i = 0; i < 500; i++) {
        g_autofree char *token = g_strdup_printf("repo:acme|gh-%u|j-%u|ds|-|-|-", i, i);
        g_autoptr(GError) error = NULL;
        g_autoptr(RbAssumed) own = assume_token(f, token, &error), same = assume_token(f, JOB, &error);
        if (own == NULL || same == NULL)
            fail_msg("job %u: %s", i, error->message);
    }
    for (guint i = 0; i < 1500; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbAssumed) one = assume_token(f, "forged", &error);
        refused += rb_is_refusal(error, RB_REQUEST_TOO_MANY) ? 1 : 0;
    }
    assert_true(refused >= 400);
    f->now += 60;
    {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbAssumed) later = assume_token(f, JOB, &error);
        assert_non_null(later);
    }
}

static void
one_name_is_limited(void **state)
{
    Fixture *f = *state;
    guint refused = 0;

    for (guint i = 0; i < 1100; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbAssumed) assumed = assume_token(f, JOB, &error);
        refused += rb_is_refusal(error, RB_REQUEST_TOO_MANY) ? 1 : 0;
    }
    assert_int_equal(refused, 100);
}

/* Nothing leaves when anything on the way fails. */
static void
faults(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) verify = NULL, issue = NULL;
    g_autoptr(RbAssumed) none = NULL, neither = NULL;

    rb_double_provider_failure.fail_at = 1;
    none = assume_token(f, JOB, &verify);
    assert_null(none);
    expect_fault("the issuer is down", verify, RB_FAULT_NETWORK);
    rb_double_issuer_failure.fail_at = 1;
    neither = assume_token(f, JOB, &issue);
    assert_null(neither);
    expect_fault("STS is down", issue, RB_FAULT_STS);
    assert_int_equal(audited(f, "decision", NULL), 1);
    assert_int_equal(audited(f, "lease", NULL), 0);
}

/* As AWS makes it of them: reference §1.5. */
static void
name_qualifier(void **state)
{
    char format[] = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    g_autoptr(GError) error = NULL;
    const RbIdentity facts = { .subject = "s",
                               .name = "alice",
                               .provider = "partner",
                               .issuer = "https://example.com/saml",
                               .name_id_format = format };
    g_autoptr(RbIdentity) identity = rb_identity_new(&facts, &error);
    g_autofree char *got = rb_saml_name_qualifier(identity->issuer, "123456789012", "MySAMLIdP");
    g_autofree char *type = rb_saml_subject_type(identity->name_id_format);
    g_autofree char *mail = rb_saml_subject_type("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress");

    (void)state;
    assert_string_equal(got, "1uAJanUnBc2XeUkHURMht+xam2c=");
    assert_string_equal(type, "persistent");
    assert_string_equal(mail, "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress");
    assert_null(rb_saml_subject_type(NULL));
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(exchanges_a_token),           FRESH(a_token_may_be_used_again),
        FRESH(an_assertion_is_used_once),   FRESH(a_refused_assertion_stays_good),
        FRESH(refuses_and_records),         FRESH(strangers_are_counted),
        FRESH(a_name_belongs_to_its_realm), FRESH(a_storm_passes_and_a_flood_does_not),
        FRESH(one_name_is_limited),         FRESH(faults),
        cmocka_unit_test(name_qualifier),
    };

    return cmocka_run_group_tests_name("workload", tests, NULL, NULL);
}
