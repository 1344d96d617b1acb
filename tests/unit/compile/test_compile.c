#include "fixture.h"

/* What stands in which account, by which names. */

/* "POLICIES | ROLES with what is attached", a line each. */
static char *
outline(const RbCompiledAccount *account)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < account->n_policies; i++)
        g_string_append_printf(out, "%s\n", account->policies[i].name);
    for (guint i = 0; i < account->n_roles; i++) {
        const RbCompiledRole *role = &account->roles[i];
        g_string_append_printf(out, "%s:", role->name);
        for (guint k = 0; role->policies[k] != NULL; k++)
            g_string_append_printf(out, " %s", role->policies[k]->name);
        for (guint k = 0; role->managed[k] != NULL; k++)
            g_string_append_printf(out, " %s", role->managed[k]);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static void
expect_outline(const RbCompiled *compiled, const char *account, const char *want)
{
    g_autofree char *got = outline(rb_compiled_account(compiled, account));

    assert_string_equal(got, want);
}

static void
what_is_assigned_is_there(void **state)
{
    g_autoptr(RbCompiled) compiled = test_compiled(NULL);
    const RbCompiledAccount *all, *beta = rb_compiled_account(compiled, "222222222222");
    guint n;

    (void)state;
    all = rb_compiled_accounts(compiled, &n);
    assert_int_equal(n, 3);
    assert_string_equal(all[0].account->name, "alpha");
    expect_outline(compiled, "alpha", "look\nread\nreader: look read\n");
    expect_outline(compiled, "beta",
                   "look\nread\nreader: look read\nwatcher: look arn:aws:iam::aws:policy/ViewOnlyAccess\n");
    expect_outline(compiled, "gamma", "look\nwatcher: look arn:aws-cn:iam::aws:policy/ViewOnlyAccess\n");
    assert_ptr_equal(beta->roles[0].policies[0], beta->roles[1].policies[0]); /* shared */
    assert_ptr_equal(rb_compiled_role(beta, "watcher"), &beta->roles[1]);
    assert_null(rb_compiled_role(beta, "nobody"));
    assert_null(rb_compiled_account(compiled, "delta"));
}

static void
everything_has_its_name(void **state)
{
    g_autoptr(RbCompiled) compiled = test_compiled(NULL);
    const RbCompiledAccount *gamma = rb_compiled_account(compiled, "gamma"),
                            *beta = rb_compiled_account(compiled, "beta");
    const RbCompiledRole *reader = rb_compiled_role(beta, "reader"), *watcher = &gamma->roles[0];
    const RbCompiledPolicy *read = test_policy(beta, "read");

    (void)state;
    assert_string_equal(gamma->path, "/acme/b/");
    assert_string_equal(watcher->arn, "arn:aws-cn:iam::333333333333:role/acme/b/watcher");
    assert_string_equal(gamma->policies[0].arn, "arn:aws-cn:iam::333333333333:policy/acme/b/look");
    assert_string_equal(read->text,
                        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"Read\",\"Effect\":"
                        "\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::beta-data/*\"}]}");
    assert_string_equal(read->description, "Task of read");
    assert_string_equal(read->document->statements[0].place.file, "policies/read.yaml");
    assert_int_equal(read->document->statements[0].place.line, 5);
    assert_int_equal(read->n_tags, 2);
    assert_string_equal(read->tags[0].key, "rolebridge");
    assert_string_equal(read->tags[1].key, "rolebridge:policy");
    assert_string_equal(read->tags[1].value, "read");
    assert_string_equal(reader->description, "Reads.");
    assert_string_equal(watcher->description, "R"); /* it has no purpose: its title */
    assert_int_equal(reader->n_tags, 3);
    assert_string_equal(reader->tags[0].value, "managed");
    assert_string_equal(reader->tags[1].key, "rolebridge:owner");
    assert_string_equal(reader->tags[1].value, "o@acme.example");
    assert_string_equal(reader->tags[2].value, "reader");
    assert_int_equal(reader->max_session_s, 28800);
    assert_int_equal(rb_compiled_account(compiled, "alpha")->roles[0].max_session_s, 3600); /* chained */
    assert_int_equal(watcher->max_session_s, 3600);
}

/* What is uploaded is what was compiled. */
static void
texts_are_the_documents(void **state)
{
    static const TestFile changes[] = {
        POLICY(
            "look",
            "  - { effect: Allow, action: \"s3:List*\", resource: \"arn:${partition}:s3:::${role}-*\", "
            "condition: { StringLike: { \"aws:PrincipalTag/x\": [\"${account.id}\", \"ü\\\"\\\\/\"] } } }\n"),
        FILES_END,
    };
    const TestFile *const cases[] = { NULL, changes };
    guint n, seen = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(RbCompiled) compiled = test_compiled(cases[i]);
        const RbCompiledAccount *all = rb_compiled_accounts(compiled, &n);
        for (guint k = 0; k < n; k++)
            for (guint p = 0; p < all[k].n_policies; p++, seen++) {
                g_autofree char *printed = rb_policy_print(all[k].policies[p].document);
                assert_string_equal(printed, all[k].policies[p].text);
            }
    }
    assert_true(seen > 8);
}

static void
providers(void **state)
{
    static const TestFile metadata[] = {
        { "accounts.yaml",
          "rolebridge: 1\nbridge: { url: \"https://bridge.acme.example\", principal: "
          "\"arn:aws:iam::999988887777:role/bridge\", audience: aws, metadata: m.xml }\n" ACCOUNTS },
        { "m.xml", "<EntityDescriptor/>" },
        FILES_END,
    };
    g_autoptr(RbCompiled) compiled = test_compiled(NULL), more = test_compiled(metadata);
    const RbCompiledProvider *oidc = rb_compiled_account(compiled, "beta")->provider,
                             *saml = rb_compiled_account(compiled, "gamma")->provider;

    (void)state;
    assert_null(rb_compiled_account(compiled, "alpha")->provider);
    assert_int_equal(oidc->method, RB_ISSUE_WEB_IDENTITY);
    assert_string_equal(oidc->arn, "arn:aws:iam::222222222222:oidc-provider/bridge.acme.example");
    assert_string_equal(oidc->url, "https://bridge.acme.example");
    assert_string_equal(oidc->audience, "sts.amazonaws.com");
    assert_int_equal(saml->method, RB_ISSUE_SAML);
    assert_string_equal(saml->name, "bridge");
    assert_null(saml->metadata);
    assert_string_equal(rb_compiled_account(more, "gamma")->provider->metadata, "<EntityDescriptor/>");
    assert_string_equal(rb_compiled_account(more, "beta")->provider->audience, "aws");
}

/* "${account}" may be any account, except where the role cannot be. */
static void
caught_accounts(void **state)
{
    static const TestFile changes[] = {
        ASSIGN("  - { groups: [{ regex: \"aws-(?<account>[a-z]+)\" }], role: reader, accounts: "
               "[\"${account}\"] }\n"
               "  - { provider: ci, when: { env: { regex: \"(?<a>[a-z]+)\" } }, role: watcher, accounts: "
               "[\"${a}\"] }\n"),
        FILES_END,
    };
    g_autoptr(RbCompiled) compiled = test_compiled(changes);

    (void)state;
    expect_outline(compiled, "alpha",
                   "look\nread\nreader: look read\nwatcher: look arn:aws:iam::aws:policy/ViewOnlyAccess\n");
    expect_outline(compiled, "gamma", "look\nwatcher: look arn:aws-cn:iam::aws:policy/ViewOnlyAccess\n");
}

/* A task that names the role is another policy for each role; one in which nothing differs is one text. */
static void
tasks_that_name_the_role(void **state)
{
    static const TestFile changes[] = {
        POLICY(
            "look",
            "  - { effect: Allow, action: \"s3:List*\", resource: \"arn:${partition}:s3:::${role}-*\" }\n"),
        FILES_END,
    };
    g_autoptr(RbCompiled) compiled = test_compiled(changes);
    const RbCompiledAccount *beta = rb_compiled_account(compiled, "beta");

    (void)state;
    expect_outline(compiled, "beta",
                   "look@reader\nlook@watcher\nread\nreader: look@reader read\n"
                   "watcher: look@watcher arn:aws:iam::aws:policy/ViewOnlyAccess\n");
    assert_non_null(strstr(test_policy(beta, "look@watcher")->text, "arn:aws:s3:::watcher-*"));
    assert_string_equal(test_policy(beta, "look@watcher")->tags[1].value, "look");
}

static void
networks(void **state)
{
    static const TestFile changes[] = {
        ROLE("reader", "policies: [look]\nconditions: { source_ip: [203.0.113.0/24, \"2001:db8:ac3e::/48\", "
                       "203.0.113.0/24] }\n"),
        ROLE("watcher",
             "policies: [look]\nconditions: { source_ip: [\"2001:db8:ac3e::/48\", 203.0.113.0/24] }\n"),
        FILES_END,
    };
    static const TestFile inside[] = {
        ROLE("reader", "policies: [look]\nconditions: { source_ip: [203.0.113.0/24, 10.1.0.0/16] }\n"),
        FILES_END,
    };
    g_autoptr(RbCompiled) compiled = test_compiled(changes), private = NULL;
    const RbCompiledAccount *beta = rb_compiled_account(compiled, "beta");
    g_autofree char *told = test_compile(inside, NULL, &private);

    (void)state;
    assert_int_equal(beta->n_policies, 2); /* both roles have the same networks */
    assert_ptr_equal(beta->roles[0].policies[1], beta->roles[1].policies[1]);
    assert_true(g_str_has_prefix(beta->policies[1].name, "network."));
    assert_string_equal(
        beta->policies[1].text,
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"OutsideOfNetworks\",\"Effect\":"
        "\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"NotIpAddress\":{\"aws:"
        "SourceIp\":[\"2001:db8:ac3e::/48\",\"203.0.113.0/24\"]},\"BoolIfExists\":{\"aws:"
        "ViaAWSService\":\"false\"}}}]}");
    assert_null(beta->policies[1].task);
    assert_string_equal(beta->policies[1].document->statements[0].place.file, "roles/reader.yaml");
    assert_non_null(
        strstr(told, "roles/reader.yaml:1:1: warning: source_ip of 'reader' has private networks"));
    expect_outline(private, "alpha", "look\nreader: look\n");
}

static void
some_accounts(void **state)
{
    static const char *const one[] = { "beta", NULL }, *const two[] = { "333333333333", "alpha", NULL },
                             *const unknown[] = { "delta", NULL };
    RbCompiled *compiled;
    g_autofree char *told = test_compile(NULL, one, &compiled), *more, *wrong = NULL;
    guint n;

    (void)state;
    (void)rb_compiled_accounts(compiled, &n);
    assert_int_equal(n, 1);
    rb_compiled_free(compiled);
    more = test_compile(NULL, two, &compiled);
    assert_string_equal(rb_compiled_accounts(compiled, &n)[0].account->name, "alpha"); /* by id, as always */
    assert_int_equal(n, 2);
    rb_compiled_free(compiled);
    wrong = test_compile(NULL, unknown, NULL);
    assert_non_null(strstr(wrong, "accounts.yaml: error: no account 'delta'"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_assigned_is_there),
        cmocka_unit_test(everything_has_its_name),
        cmocka_unit_test(texts_are_the_documents),
        cmocka_unit_test(providers),
        cmocka_unit_test(caught_accounts),
        cmocka_unit_test(tasks_that_name_the_role),
        cmocka_unit_test(networks),
        cmocka_unit_test(some_accounts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
