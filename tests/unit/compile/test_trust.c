#include "fixture.h"

/* Who may take a role, by each method; and what must be said for it. */

#define TAGGED                                                                                               \
    ROLE("reader", "policies: [look]\ntags: { CostCenter: \"${identity.costCenter}\", Unit: research, Who: " \
                   "\"a-${identity.site}-b\" }\n")
#define IN(account) ASSIGN("  - { groups: [readers], role: reader, accounts: [" account "] }\n")
#define SAID "\"sts:SourceIdentity\":\"?*\",\"sts:RoleSessionName\":\"?*\""

/* A trust policy of statements for @who. */
#define HEAD "{\"Version\":\"2012-10-17\",\"Statement\":["
#define SIGN_IN(who, action, more, condition)                                                                \
    "{\"Sid\":\"SignIn\",\"Effect\":\"Allow\",\"Principal\":{" who "},\"Action\":[\"sts:" action             \
    "\",\"sts:SetSourceIdentity\"" more "],\"Condition\":{" condition "}}"
#define SOURCE(who, aud)                                                                                     \
    ",{\"Sid\":\"SourceIdentity\",\"Effect\":\"Allow\",\"Principal\":{" who                                  \
    "},\"Action\":\"sts:SetSourceIdentity\",\"Condition\":{" aud "\"StringLike\":{"                          \
    "\"sts:SourceIdentity\":\"?*\"}}}]}"
#define LIMIT(keys)                                                                                          \
    "\"ForAllValues:StringEquals\":{\"aws:TagKeys\":" keys                                                   \
    "},\"Null\":{\"aws:TagKeys\":\"false\",\"sts:TransitiveTagKeys\":\"true\"}"
#define TAGS(who, aud, keys)                                                                                 \
    ",{\"Sid\":\"SessionTags\",\"Effect\":\"Allow\",\"Principal\":{" who                                     \
    "},\"Action\":\"sts:TagSession\",\"Condition\":{" aud                                                    \
    LIMIT(keys) "}}"
#define AUD "\"StringEquals\":{\"bridge.acme.example:aud\":\"sts.amazonaws.com\"},"
#define OWN "\"AWS\":\"arn:aws:iam::999988887777:role/bridge\""
#define OIDC "\"Federated\":\"arn:aws:iam::222222222222:oidc-provider/bridge.acme.example\""
#define IN_REGION                                                                                            \
    "\"StringEquals\":{\"saml:aud\":[\"https://signin.amazonaws.cn/saml\",\"https://cn-north-1.signin."      \
    "amazonaws.cn/saml\"],\"saml:iss\":\"https://bridge.acme.example/saml\"},"
#define ANY_SAML "\"Federated\":\"arn:aws:iam::444444444444:saml-provider/x\""
#define ANY_REGION                                                                                           \
    "\"saml:aud\":[\"https://signin.aws.amazon.com/saml\",\"https://*.signin.aws.amazon.com/saml\"]"
#define SAML "\"Federated\":\"arn:aws-cn:iam::333333333333:saml-provider/bridge\""

static const struct {
    const char *name;
    TestFile changes[4];
    const char *account, *want;
} rows[] = {
    { "assume-role",
      { IN("alpha") },
      "alpha",
      HEAD SIGN_IN(OWN, "AssumeRole", "",
                   "\"StringEquals\":{\"sts:ExternalId\":\"ext-alpha\"},\"StringLike\":{" SAID "}")
          SOURCE(OWN, "") },
    { "web-identity",
      { IN("beta") },
      "beta",
      HEAD SIGN_IN(OIDC, "AssumeRoleWithWebIdentity", "", AUD "\"StringLike\":{" SAID "}")
          SOURCE(OIDC, AUD) },
    { "web-identity, privileged",
      { IN("beta"), ROLE("reader", "policies: [look]\nprivileged: true\n") },
      "beta",
      HEAD SIGN_IN(OIDC, "AssumeRoleWithWebIdentity", "",
                   AUD
                   "\"ForAnyValue:StringEquals\":{\"bridge.acme.example:amr\":\"mfa\"},\"StringLike\":{" SAID
                   "}") SOURCE(OIDC, AUD) },
    { "web-identity, tags",
      { IN("beta"), TAGGED },
      "beta",
      HEAD SIGN_IN(OIDC, "AssumeRoleWithWebIdentity", ",\"sts:TagSession\"",
                   "\"StringEquals\":{\"bridge.acme.example:aud\":\"sts.amazonaws.com\",\"aws:RequestTag/"
                   "Unit\":\"research\"},\"StringLike\":{" SAID ",\"aws:RequestTag/CostCenter\":\"?*\",\"aws:"
                   "RequestTag/Who\":\"a-?*-b\"}," LIMIT("[\"CostCenter\",\"Unit\",\"Who\"]"))
          TAGS(OIDC, AUD, "[\"CostCenter\",\"Unit\",\"Who\"]") SOURCE(OIDC, AUD) },
    { "assume-role, tags",
      { IN("alpha"), ROLE("reader", "policies: [look]\ntags: { Unit: research }\n") },
      "alpha",
      HEAD SIGN_IN(OWN, "AssumeRole", ",\"sts:TagSession\"",
                   "\"StringEquals\":{\"sts:ExternalId\":\"ext-alpha\",\"aws:RequestTag/Unit\":\"research\"},"
                   "\"StringLike\":{" SAID "}," LIMIT("\"Unit\"")) TAGS(OWN, "", "\"Unit\"")
          SOURCE(OWN, "") },
    { "saml in a region",
      { IN("gamma"), ROLE("reader", "policies: [look]\n") },
      "gamma",
      HEAD SIGN_IN(SAML, "AssumeRoleWithSAML", "", IN_REGION "\"StringLike\":{" SAID "}")
          SOURCE(SAML, IN_REGION) },
    { "saml in any region",
      { IN("delta"),
        ROLE("reader", "policies: [look]\n"),
        { "accounts.yaml",
          "rolebridge: 1\nbridge: { url: \"https://bridge.acme.example\", entity_id: \"urn:b\" }\n"
          "accounts:\n  - { id: \"444444444444\", name: delta, issue: { method: saml, provider_arn: "
          "\"arn:aws:iam::444444444444:saml-provider/x\" } }\n" } },
      "delta",
      HEAD SIGN_IN(
          ANY_SAML, "AssumeRoleWithSAML", "",
          "\"StringLike\":{" ANY_REGION "," SAID
          "},\"StringEquals\":{\"saml:iss\":\"urn:b\"}") ",{\"Sid\":\"SourceIdentity\",\"Effect\":\"Allow\","
                                                         "\"Principal\":{" ANY_SAML
                                                         "},\"Action\":\"sts:SetSourceIdentity\","
                                                         "\"Condition\":{\"StringLike\":{" ANY_REGION
                                                         ",\"sts:SourceIdentity\":\"?*\"},\"StringEquals\":{"
                                                         "\"saml:iss\":\"urn:b\"}}}]}" },
};

static void
says_who_may(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        RbCompiled *compiled;
        g_autofree char *told = test_compile(rows[i].changes, NULL, &compiled);
        const RbCompiledRole *role;
        if (compiled == NULL)
            fail_msg("%s: %s", rows[i].name, told);
        role = rb_compiled_role(rb_compiled_account(compiled, rows[i].account), "reader");
        if (!g_str_equal(role->trust_text, rows[i].want))
            fail_msg("%s: wanted\n%s\ngot\n%s", rows[i].name, rows[i].want, role->trust_text);
        assert_int_equal(role->trust->kind, RB_POLICY_TRUST);
        assert_string_equal(role->trust->statements[0].place.file, "accounts.yaml");
        assert_int_equal(role->trust->statements[0].place.line,
                         rb_compiled_account(compiled, rows[i].account)->account->place.line);
        rb_compiled_free(compiled);
    }
}

/* Nor does IAM Access Analyzer find anything in them. */
static void
has_no_findings(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        RbCompiled *compiled;
        g_autofree char *told = test_compile(rows[i].changes, NULL, &compiled), *found = NULL;
        rb_policy_validate(rb_compiled_role(rb_compiled_account(compiled, rows[i].account), "reader")->trust,
                           problems);
        found = rb_diagnostics_to_text(problems, FALSE);
        if (*found != '\0')
            fail_msg("%s: %s", rows[i].name, found);
        rb_compiled_free(compiled);
    }
}

/* Roles that want the same have the same; one that wants more has another one. */
static void
is_shared(void **state)
{
    static const TestFile changes[] = {
        TAGGED,
        ROLE("again", "policies: [look]\ntags: { CostCenter: \"${identity.other}\", Unit: research, Who: "
                      "\"a-${identity.x}-b\" }\n"),
        ROLE("plain", "policies: [look]\n"),
        ASSIGN("  - { groups: [a], role: reader, accounts: [beta] }\n"
               "  - { groups: [a], role: again, accounts: [beta] }\n"
               "  - { groups: [a], role: plain, accounts: [beta] }\n"
               "  - { groups: [a], role: watcher, accounts: [beta] }\n"),
        FILES_END,
    };
    g_autoptr(RbCompiled) compiled = test_compiled(changes);
    const RbCompiledAccount *beta = rb_compiled_account(compiled, "beta");
    const RbPolicy *again = rb_compiled_role(beta, "again")->trust,
                   *plain = rb_compiled_role(beta, "plain")->trust;

    (void)state;
    assert_ptr_equal(again, rb_compiled_role(beta, "reader")->trust);
    assert_ptr_equal(plain, rb_compiled_role(beta, "watcher")->trust);
    assert_ptr_not_equal(again, plain);
}

/* What is not known of the bridge matters where an account needs it, and only if a role is there. */
static void
tells_what_is_missing(void **state)
{
    static const struct {
        const char *bridge, *account, *want; /* want NULL: nothing */
    } cases[] = {
        { "rolebridge: 1\n", "alpha",
          "accounts.yaml:3:5: error: what the account 'alpha' trusts is not known: accounts.yaml has no "
          "'bridge'" },
        { "rolebridge: 1\n", "gamma",
          "the account 'gamma' trusts is not known: accounts.yaml has no 'bridge'" },
        { "rolebridge: 1\nbridge: { url: \"https://bridge.acme.example\" }\n", "alpha",
          "accounts.yaml:4:5: error: what the account 'alpha' trusts is not known: 'bridge' has no "
          "'principal'" },
        { "rolebridge: 1\nbridge: { url: \"https://bridge.acme.example\" }\n", "beta", NULL },
        { "rolebridge: 1\nbridge: { url: \"https://bridge.acme.example\" }\n", "gamma", NULL },
        { "rolebridge: 1\nbridge: { url: \"https://bridge.acme.example\", principal: "
          "\"arn:aws-us-gov:iam::999988887777:role/bridge\" }\n",
          "alpha", "bridge.principal is in another partition, and no role is taken across them" },
        { "rolebridge: 1\nbridge: { url: \"https://b.acme.example\" }\n", "beta",
          "its provider_arn is of another issuer than bridge.url; write …:oidc-provider/b.acme.example" },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *accounts = g_strconcat(cases[i].bridge, ACCOUNTS, NULL);
        g_autofree char *assignments = g_strdup_printf(
            "rolebridge: 1\nassignments:\n  - { groups: [a], role: reader, accounts: [%s] }\n",
            cases[i].account);
        const TestFile changes[] = { { "accounts.yaml", accounts },
                                     { "assignments.yaml", assignments },
                                     ROLE("reader", "policies: [look]\n"),
                                     FILES_END };
        g_autofree char *told = test_compile(changes, NULL, NULL);
        gboolean error = strstr(told, "error:") != NULL;
        if (error != (cases[i].want != NULL) || (error && strstr(told, cases[i].want) == NULL))
            fail_msg("wanted %s\ngot %s", cases[i].want, told);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_who_may),
        cmocka_unit_test(has_no_findings),
        cmocka_unit_test(is_shared),
        cmocka_unit_test(tells_what_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
