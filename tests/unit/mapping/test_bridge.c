#include "fixture.h"

/* `bridge` in accounts.yaml: what trust policies in the accounts name. */

#define ACCOUNTS                                                                                             \
    "accounts:\n"                                                                                            \
    "  - { id: \"111122223333\", name: alpha, issue: { method: assume-role } }\n"                            \
    "  - { id: \"444455556666\", name: beta, issue: { method: assume-role } }\n"
#define BRIDGE(text)                                                                                         \
    {                                                                                                        \
        "accounts.yaml", "rolebridge: 1\nbridge:\n" text ACCOUNTS                                            \
    }
#define URL "  url: https://bridge.acme.example\n"
#define METADATA "<EntityDescriptor/>"

/* clang-format off */
static const struct {
    const char *name;
    TestFile changes[3];
    const char *want; /* a line of what is told */
} rows[] = {
    { "no url", { BRIDGE("  audience: sts.amazonaws.com\n") }, "accounts.yaml:3:3: error: 'url' is missing" },
    { "an unknown key", { BRIDGE(URL "  audiense: x\n") }, "accounts.yaml:4:3: error: unknown key 'audiense'; did you mean 'audience'?" },
    { "not a map", { { "accounts.yaml", "rolebridge: 1\nbridge: https://bridge.acme.example\n" ACCOUNTS } }, "accounts.yaml:2:9: error: " },
    { "http", { BRIDGE("  url: http://bridge.acme.example\n") }, "accounts.yaml:3:8: error: AWS takes an issuer by https alone" },
    { "a port", { BRIDGE("  url: https://bridge.acme.example:8443\n") }, "accounts.yaml:3:8: error: AWS takes no port, user, query or fragment" },
    { "a slash at the end", { BRIDGE("  url: https://bridge.acme.example/\n") }, "accounts.yaml:3:8: error: the issuer must not end in '/'" },
    { "a wildcard in the host", { BRIDGE("  url: https://*.acme.example\n") }, "accounts.yaml:3:8: error: an issuer has letters, digits" },
    { "a variable in the path", { BRIDGE("  url: \"https://bridge.acme.example/%24%7Bx}\"\n") }, "accounts.yaml:3:8: error: " },
    { "no URL", { BRIDGE("  url: bridge\n") }, "accounts.yaml:3:8: error: this is not a URL" },
    { "any audience", { BRIDGE(URL "  audience: \"*\"\n") }, "accounts.yaml:4:13: error: 'audience' has 1 to 255 characters, without blanks, *, ? and $" },
    { "an empty entity id", { BRIDGE(URL "  entity_id: \"\"\n") }, "accounts.yaml:4:14: error: 'entity_id' has 1 to 1024 characters" },
    { "a user as the principal", { BRIDGE(URL "  principal: \"arn:aws:iam::111122223333:user/x\"\n") }, "accounts.yaml:4:14: error: this is not the ARN of a role" },
    { "everybody as the principal", { BRIDGE(URL "  principal: \"*\"\n") }, "accounts.yaml:4:14: error: this is not the ARN of a role" },
    { "no such metadata", { BRIDGE(URL "  metadata: bridge.xml\n") }, "accounts.yaml:4:13: error: there is no metadata file 'bridge.xml'" },
    { "metadata outside", { BRIDGE(URL "  metadata: ../bridge.xml\n") }, "accounts.yaml:4:13: error: there is no metadata file '../bridge.xml'" },
    { "metadata of another kind", { BRIDGE(URL "  metadata: assignments.yaml\n") }, "accounts.yaml:4:13: error: there is no metadata file 'assignments.yaml'" },
    { "metadata in another encoding", { BRIDGE(URL "  metadata: bridge.xml\n"), { "bridge.xml", "<a>\xff</a>" } }, "accounts.yaml:4:13: error: 'bridge.xml' is not UTF-8" },
};
/* clang-format on */

static void
tells_mistakes(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) files = test_files(rows[i].changes);
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbSnapshot) snapshot = rb_snapshot_build(files, problems);
        g_autofree char *text = rb_diagnostics_to_text(problems, FALSE);
        if (snapshot != NULL || strstr(text, rows[i].want) == NULL)
            fail_msg("%s: wanted %s\ngot %s", rows[i].name, rows[i].want, text);
        assert_int_equal(rb_diagnostics_count(problems), 1);
    }
}

static void
says_what_is_usual(void **state)
{
    static const TestFile changes[] = { BRIDGE(URL), { NULL, NULL } };
    g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);
    const RbBridge *bridge = rb_snapshot_bridge(snapshot);

    (void)state;
    assert_string_equal(bridge->url, "https://bridge.acme.example");
    assert_string_equal(bridge->host, "bridge.acme.example");
    assert_string_equal(bridge->audience, "sts.amazonaws.com");
    assert_string_equal(bridge->entity_id, "https://bridge.acme.example/saml");
    assert_null(bridge->principal);
    assert_null(bridge->metadata);
    assert_int_equal(bridge->place.line, 3);
}

static void
says_what_is_written(void **state)
{
    static const TestFile changes[] = {
        BRIDGE("  url: https://acme.example/b\n  audience: aws\n  entity_id: urn:acme:b\n"
               "  principal: \"arn:aws:iam::999988887777:role/x/bridge\"\n  metadata: b.xml\n"),
        { "b.xml", METADATA },
        { NULL, NULL },
    };
    g_autoptr(RbSnapshot) snapshot = test_snapshot(changes), plain = test_snapshot(NULL);
    const RbBridge *bridge = rb_snapshot_bridge(snapshot);

    (void)state;
    assert_string_equal(bridge->host, "acme.example/b");
    assert_string_equal(bridge->audience, "aws");
    assert_string_equal(bridge->entity_id, "urn:acme:b");
    assert_string_equal(bridge->principal, "arn:aws:iam::999988887777:role/x/bridge");
    assert_string_equal(bridge->metadata, METADATA);
    assert_null(rb_snapshot_bridge(plain)); /* nothing but compiling needs it */
}

/* What accounts are told and what the service signs. */
static void
compares_with_the_service(void **state)
{
    static const TestFile changes[] = { BRIDGE(URL), { NULL, NULL } };
    static const struct {
        const char *url, *audience, *entity_id, *want;
    } cases[] = {
        { "https://bridge.acme.example", "sts.amazonaws.com", "https://bridge.acme.example/saml", "" },
        { NULL, NULL, NULL, "" }, /* no issuer: for assume-role accounts it needs none */
        { "https://b.acme.example", "sts.amazonaws.com", "https://bridge.acme.example/saml",
          "accounts.yaml:3:3: error: accounts are told to trust the url 'https://bridge.acme.example', and "
          "the "
          "service's is 'https://b.acme.example'; write url: https://b.acme.example" },
        { "https://bridge.acme.example", "aws", "https://bridge.acme.example/saml",
          "accounts.yaml:3:3: error: accounts are told to trust the audience 'sts.amazonaws.com', and the "
          "service's is 'aws'; write audience: aws" },
        { "https://bridge.acme.example", "sts.amazonaws.com", "urn:x",
          "accounts.yaml:3:3: error: accounts are told to trust the entity_id "
          "'https://bridge.acme.example/saml', and the service's is 'urn:x'; write entity_id: urn:x" },
    };
    g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        const RbIssuerFacts facts = { .url = cases[i].url,
                                      .audience = cases[i].audience,
                                      .entity_id = cases[i].entity_id };
        g_autofree char *text = NULL;
        rb_snapshot_check_issuer(snapshot, &facts, problems);
        text = rb_diagnostics_to_text(problems, FALSE);
        assert_int_equal(rb_diagnostics_count(problems), *cases[i].want == '\0' ? 0 : 1);
        if (!g_str_has_prefix(text, cases[i].want))
            fail_msg("wanted %s\ngot %s", cases[i].want, text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_mistakes),
        cmocka_unit_test(says_what_is_usual),
        cmocka_unit_test(says_what_is_written),
        cmocka_unit_test(compares_with_the_service),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
