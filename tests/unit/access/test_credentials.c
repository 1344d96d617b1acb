#include "fixture.h"

static RbSession *
signed_in_as(Fixture *f, const char *answer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbSignedIn) signed_in = sign_in_at(f, "corp", answer, NULL, &error);

    assert_non_null(signed_in);
    return session_of(f, rb_secret_reveal(signed_in->session));
}

static void
issues_and_records(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|ds|-|-|-");
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) credentials = rb_access_credentials(
        f->access, next_visit(f), session, "analytics-prod", "data-scientist", 0, &error);
    static const struct {
        const char *key, *want;
    } facts[] = {
        { "access_key_id", "ASIAEXAMPLE000000001" },
        { "assumed_role_id", "AROAEXAMPLE:alice" },
        { "source_identity", "alice" },
        { "request_id", "request-1" },
        { "account", ACCOUNT },
        { "account_name", "analytics-prod" },
        { "role", "data-scientist" },
        { "role_arn", "arn:aws:iam::" ACCOUNT ":role/rolebridge/data-scientist" },
        { "group", "ds" },
        { "assignment", "assignments.yaml:3" },
        { "name", "alice" },
        { "provider", "corp" },
        { "source_ip", "203.0.113.7" },
    };

    if (credentials == NULL)
        fail_msg("%s", error->message);
    for (gsize i = 0; i < G_N_ELEMENTS(facts); i++) {
        g_autofree char *got = audited_text(f, "lease", facts[i].key);
        if (g_strcmp0(got, facts[i].want) != 0)
            fail_msg("%s: got %s, want %s", facts[i].key, got, facts[i].want);
    }
    assert_int_equal(audited(f, "decision", NULL), 1);
    assert_int_equal(audited(f, "lease", NULL), 1);
    {
        g_autofree char *digest = audited_text(f, "lease", "mapping"),
                        *loaded = audited_text(f, "mapping", "mapping");
        g_autofree char *lease = audited_text(f, "lease", "incident"),
                        *decision = audited_text(f, "decision", "incident");
        assert_string_equal(digest, loaded);
        assert_string_equal(lease, decision);
    }
}

static const struct {
    const char *name, *account, *role;
    gint64 asked_s;
    const char *want;
} asks[] = {
    { "of another account", "222233334444", "data-scientist", 0, "mapping.not_assigned" },
    { "of a role nobody gave", ACCOUNT, "nothing", 0, "mapping.not_assigned" },
    { "of a role that wants a second factor", ACCOUNT, "admin", 0, "mapping.mfa_required" },
    { "too long", ACCOUNT, "data-scientist", 3601, "sts.duration" },
    { "no account", NULL, "data-scientist", 0, "request.malformed" },
};

static void
refuses_and_records(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|ds,adm|-|-|-");

    for (gsize i = 0; i < G_N_ELEMENTS(asks); i++) {
        g_autoptr(GError) error = NULL;
        guint before = audited(f, "refusal", asks[i].want);
        gboolean kept = !g_str_has_prefix(asks[i].want, "request.");
        g_autoptr(RbCredentials) credentials = rb_access_credentials(
            f->access, next_visit(f), session, asks[i].account, asks[i].role, asks[i].asked_s, &error);
        if (credentials != NULL || !g_str_equal(rb_outcome(error)->id, asks[i].want))
            fail_msg("%s: got %s", asks[i].name, credentials != NULL ? "credentials" : rb_outcome(error)->id);
        rb_access_refused(f->access, &f->visit, "again", error); /* said twice, written once */
        if (audited(f, "refusal", asks[i].want) != before + kept)
            fail_msg("%s: recorded %u times", asks[i].name, audited(f, "refusal", asks[i].want) - before);
    }
    assert_int_equal(audited(f, "lease", NULL), 0);
}

/* One person, by any number of sessions: each request is two records for ever and a call of STS. */
static void
issues_not_without_end(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|ds|-|-|-"),
                         more = signed_in_as(f, "a-1|alice|p2|ds|-|-|-"),
                         bob = signed_in_as(f, "b-1|bob|p3|ds|-|-|-");
    g_autoptr(RbCredentials) other = NULL, later = NULL;
    g_autoptr(GError) error = NULL;
    guint n = 0;

    for (; n < 1000 && error == NULL; n++) {
        g_autoptr(RbCredentials) credentials = rb_access_credentials(
            f->access, next_visit(f), n % 2 ? session : more, ACCOUNT, "data-scientist", 0, &error);
        (void)credentials;
    }
    expect_code("one too many", error, RB_REQUEST_TOO_MANY);
    assert_int_equal(n, 301);
    assert_int_equal(audited(f, NULL, "request.too_many"), 0);
    other = rb_access_credentials(f->access, next_visit(f), bob, ACCOUNT, "data-scientist", 0, NULL);
    assert_non_null(other);
    f->now++;
    later = rb_access_credentials(f->access, next_visit(f), session, ACCOUNT, "data-scientist", 0, NULL);
    assert_non_null(later);
}

static void
decides_again_each_time(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|ds|-|-|-");
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) before =
        rb_access_credentials(f->access, next_visit(f), session, ACCOUNT, "data-scientist", 900, &error);
    g_autoptr(RbCredentials) after = NULL;

    assert_non_null(before);
    assert_int_equal(rb_double_asked_s, 900);
    fixture_write(
        f, "assignments.yaml",
        "rolebridge: 1\nassignments:\n  - { groups: [adm], role: admin, accounts: [analytics-prod] }\n");
    assert_true(rb_access_reload(f->access, problems, &error));
    after = rb_access_credentials(f->access, next_visit(f), session, ACCOUNT, "data-scientist", 900, &error);
    expect_code("after the assignment went", error, RB_MAPPING_NOT_ASSIGNED);
}

static void
audits_what_was_stated(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|ds|-|-|-");
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) credentials = NULL;
    static const char *const kinds[] = { "decision", "lease" };

    fixture_write(f, "assignments.yaml",
                  "rolebridge: 1\nassignments:\n  - { provider: corp, when: { uid: [alice, bob] }, role: "
                  "data-scientist, accounts: [analytics-prod] }\n");
    assert_true(rb_access_reload(f->access, problems, &error));
    credentials =
        rb_access_credentials(f->access, next_visit(f), session, ACCOUNT, "data-scientist", 900, &error);
    assert_non_null(credentials);
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *group = audited_text(f, kinds[i], "group");
        g_autofree char *place = audited_text(f, kinds[i], "assignment");
        char *claims = audited_claims(f, kinds[i]); /* jansson's */
        assert_null(group);
        assert_string_equal(place, "assignments.yaml:3");
        assert_non_null(claims);
        assert_string_equal(claims, "{\"uid\":\"alice\"}");
        free(claims);
    }
}

static void
tells_of_a_fault(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|ds|-|-|-");
    g_autoptr(GError) error = NULL;
    g_autoptr(RbCredentials) credentials = NULL;

    rb_double_issuer_failure.fail_at = rb_double_issuer_failure.calls + 1;
    credentials =
        rb_access_credentials(f->access, next_visit(f), session, ACCOUNT, "data-scientist", 0, &error);
    expect_fault("STS down", error, RB_FAULT_STS);
    assert_int_equal(audited(f, "refusal", "fault.sts"), 1);
    assert_int_equal(audited(f, "decision", NULL), 1);
    assert_int_equal(audited(f, "lease", NULL), 0);
    assert_int_equal(rb_access_counts(f->access).faults, 1);
}

static void
opens_the_console(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|ds|-|-|-");
    g_autoptr(GError) error = NULL;
    g_autoptr(RbConsole) console =
        rb_access_console(f->access, next_visit(f), session, ACCOUNT, "data-scientist", NULL, &error);

    assert_non_null(console);
    assert_non_null(strstr(rb_secret_reveal(console->url), "https://bridge.acme.example"));
    assert_int_equal(audited(f, "lease", NULL), 1);
    assert_int_equal(rb_double_credentials, 0);
}

/* An assertion is the lease: nothing was asked of STS, and there is no access key to write down. */
static void
opens_the_console_by_assertion(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|dev|-|-|-");
    g_autoptr(GError) error = NULL;
    g_autoptr(RbConsole) console =
        rb_access_console(f->access, next_visit(f), session, SAML_ACCOUNT, "data-scientist", NULL, &error);
    static const struct {
        const char *key, *want;
    } facts[] = {
        { "assertion_id", "_a1" },      { "access_key_id", NULL },
        { "request_id", NULL },         { "name", "alice" },
        { "account", SAML_ACCOUNT },    { "role", "data-scientist" },
        { "source_identity", "alice" }, { "assignment", "assignments.yaml:5" },
    };

    if (console == NULL)
        fail_msg("%s", error->message);
    assert_null(console->url);
    assert_string_equal(rb_secret_reveal(console->saml_response), "assertion");
    assert_int_equal(audited(f, "decision", NULL), 1);
    assert_int_equal(audited(f, "lease", NULL), 1);
    for (gsize i = 0; i < G_N_ELEMENTS(facts); i++) {
        g_autofree char *got = audited_text(f, "lease", facts[i].key);
        if (g_strcmp0(got, facts[i].want) != 0)
            fail_msg("%s: got %s, want %s", facts[i].key, got, facts[i].want);
    }
    assert_int_equal(rb_double_issuer_failure.calls, 1); /* one call of issue/: for the assertion */
    assert_int_equal(rb_access_counts(f->access).leases, 1);
}

static void
hands_out_no_assertion_without_a_record(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|dev|-|-|-");
    g_autoptr(GError) error = NULL;

    rb_double_issuer_failure.fail_at = rb_double_issuer_failure.calls + 1;
    assert_null(
        rb_access_console(f->access, next_visit(f), session, SAML_ACCOUNT, "data-scientist", NULL, &error));
    expect_fault("no assertion", error, RB_FAULT_NETWORK);
    assert_int_equal(audited(f, "decision", NULL), 1);
    assert_int_equal(audited(f, "lease", NULL), 0);
    assert_int_equal(rb_double_credentials, 0);
}

/* Refused before anything is issued: no decision and no lease is left for a link that leads elsewhere. */
static void
issues_nothing_for_another_site(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|ds|-|-|-");
    g_autoptr(GError) error = NULL;

    assert_null(rb_access_console(f->access, next_visit(f), session, ACCOUNT, "data-scientist",
                                  "https://evil.example/", &error));
    assert_true(rb_is_refusal(error, RB_STS_DESTINATION));
    assert_int_equal(audited(f, "refusal", "sts.destination"), 1);
    assert_int_equal(audited(f, "decision", NULL), 0);
    assert_int_equal(audited(f, "lease", NULL), 0);
}

static void
shows_what_may_be_had(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|ds,adm|-|-|-");
    g_autoptr(RbDecision) decision = rb_access_decide(f->access, next_visit(f), session);

    assert_int_equal(decision->n_grants, 1);
    assert_int_equal(decision->n_refusals, 1);
    assert_int_equal(audited(f, "decision", NULL), 0);
}

static void
is_ready(void **state)
{
    Fixture *f = *state;
    json_t *details = NULL;

    assert_true(rb_access_ready(f->access, &details));
    assert_true(json_is_true(json_object_get(json_object_get(details, "store"), "ready")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(details, "mapping"), "assignments")),
                     3);
    json_decref(details);
    assert_in_range(rb_access_tend(f->access), 1, 60);
    rb_double_provider_failure.fail_at = rb_double_provider_failure.calls + 1;
    rb_access_hurry(f->access);
    assert_in_range(rb_access_tend(f->access), 1, 5); /* it failed: soon again */
}

/* Its own credentials are looked after while an account is entered with them, and not a day longer. */
static void
needs_no_credentials_of_its_own(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GError) error = NULL;
    guint before = rb_double_issuer_failure.calls;

    (void)rb_access_tend(f->access);
    assert_int_equal(rb_double_issuer_failure.calls, before + 1);
    fixture_write(f, "accounts.yaml",
                  "rolebridge: 1\naccounts:\n  - { id: \"" ACCOUNT
                  "\", name: analytics-prod, issue: { method: "
                  "web-identity, provider_arn: \"arn:aws:iam::" ACCOUNT ":oidc-provider/b\" } }\n"
                  "  - { id: \"" SAML_ACCOUNT "\", name: analytics-dev, issue: { method: "
                  "saml, provider_arn: \"arn:aws:iam::" SAML_ACCOUNT ":saml-provider/b\" } }\n");
    assert_true(rb_access_reload(f->access, problems, &error));
    rb_access_hurry(f->access);
    (void)rb_access_tend(f->access);
    assert_int_equal(rb_double_issuer_failure.calls, before + 1);
}

/* ---- the mapping, loaded again ---- */

static void
keeps_the_old_mapping(void **state)
{
    Fixture *f = *state;
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new(), none = rb_diagnostics_new();
    g_autoptr(RbSession) session = signed_in_as(f, "a-1|alice|p1|ds|-|-|-");
    g_autoptr(GError) error = NULL;
    g_autoptr(RbDecision) decision = NULL;
    g_autofree char *outcome = NULL;

    assert_true(rb_access_reload(f->access, none, &error));
    assert_int_equal(audited(f, "mapping", NULL), 1); /* the same bytes: nothing happened */
    fixture_write(f, "assignments.yaml",
                  "rolebridge: 1\nassignments:\n  - { groups: [ds], role: data-scientst, accounts: "
                  "[analytics-prod] }\n");
    assert_false(rb_access_reload(f->access, problems, &error));
    assert_true(rb_diagnostics_count(problems) > 0);
    assert_non_null(strstr(error->message, "data-scientst"));
    outcome = audited_text(f, "mapping", "outcome");
    assert_string_equal(outcome, "refused");
    decision = rb_access_decide(f->access, next_visit(f), session);
    assert_int_equal(decision->n_grants, 1);
    assert_int_equal(rb_access_counts(f->access).reloads_refused, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(issues_and_records),
        TEST(refuses_and_records),
        TEST(issues_not_without_end),
        TEST(decides_again_each_time),
        TEST(audits_what_was_stated),
        TEST(tells_of_a_fault),
        TEST(opens_the_console),
        TEST(opens_the_console_by_assertion),
        TEST(hands_out_no_assertion_without_a_record),
        TEST(issues_nothing_for_another_site),
        TEST(shows_what_may_be_had),
        TEST(is_ready),
        TEST(needs_no_credentials_of_its_own),
        TEST(keeps_the_old_mapping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
