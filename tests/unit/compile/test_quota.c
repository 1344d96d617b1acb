#include "fixture.h"

/* AWS's quotas: kept by cutting where that changes nothing, an error where it cannot be. */

/* @n statements of about @size characters each; @extra: one more, before the one of that number. */
static char *
statements(guint n, guint size, gint extra)
{
    GString *out = g_string_new("rolebridge: 1\npolicy: look\ntask: T\nstatements:\n");
    g_autofree char *filler = g_strnfill(size, 'x');

    for (guint i = 0; i < n; i++) {
        if ((gint)i == extra)
            g_string_append_printf(out,
                                   "  - { sid: Extra, effect: Allow, action: \"s3:Get*\", resource: "
                                   "\"arn:aws:s3:::extra-%.60s\" }\n",
                                   filler);
        g_string_append_printf(out,
                               "  - { sid: S%u, effect: Allow, action: \"s3:Get*\", resource: "
                               "\"arn:aws:s3:::b%u-%s\" }\n",
                               i, i, filler);
    }
    return g_string_free(out, FALSE);
}

/* One statement with @n resources of @size characters, or as many actions. */
static char *
long_statement(const char *effect, const char *key, guint n, guint size, const char *more)
{
    GString *out = g_string_new("rolebridge: 1\npolicy: look\ntask: T\nstatements:\n");
    gboolean actions = g_str_has_suffix(key, "action");
    g_autofree char *filler = g_strnfill(size, 'x');

    g_string_append_printf(out, "  - sid: Long\n    effect: %s\n    %s: %s\n    %s: [", effect,
                           actions ? "resource" : "action", actions ? "\"*\"" : "\"s3:GetObject\"", key);
    for (guint i = 0; i < n; i++)
        g_string_append_printf(out, "%s\"%s%u%s\"", i == 0 ? "" : ", ", actions ? "s3:Get" : "arn:aws:s3:::b",
                               i, filler);
    g_string_append_printf(out, "]\n%s", more);
    return g_string_free(out, FALSE);
}

static RbCompiled *
compile_policy(char *text, char **told)
{
    g_autofree char *policy = text;
    const TestFile changes[] = {
        { "policies/look.yaml", policy },
        ASSIGN("  - { groups: [watchers], role: watcher, accounts: [beta] }\n"
               "  - { groups: [readers], role: reader, accounts: [beta] }\n"),
        FILES_END,
    };
    RbCompiled *out;

    *told = test_compile(changes, NULL, &out);
    return out;
}

/* Every statement of @document in all parts of "look", in order: "S0 S1 …", "|" where a part ends. */
static char *
sids_of(const RbCompiledAccount *account)
{
    GString *out = g_string_new(NULL);

    for (guint part = 1;; part++) {
        g_autofree char *name = part == 1 ? g_strdup("look") : g_strdup_printf("look.%u", part);
        const RbCompiledPolicy *policy = NULL;
        for (guint i = 0; i < account->n_policies && policy == NULL; i++)
            if (g_str_equal(account->policies[i].name, name))
                policy = &account->policies[i];
        if (policy == NULL)
            return g_string_free(out, FALSE);
        assert_true(strlen(policy->text) <= RB_POLICY_MANAGED_MAX);
        for (guint k = 0; k < policy->document->n_statements; k++)
            g_string_append_printf(out, "%s ", policy->document->statements[k].sid.text);
        g_string_append_c(out, '|');
    }
}

static void
cuts_between_statements(void **state)
{
    g_autofree char *told = NULL, *sids = NULL, *want = NULL, *joined = NULL;
    g_autoptr(RbCompiled) compiled = compile_policy(statements(60, 300, -1), &told);
    const RbCompiledAccount *beta = rb_compiled_account(compiled, "beta");
    const RbCompiledRole *watcher = rb_compiled_role(beta, "watcher");
    GString *all = g_string_new(NULL);
    g_auto(GStrv) parts = NULL;

    (void)state;
    sids = sids_of(beta);
    for (guint i = 0; i < 60; i++)
        g_string_append_printf(all, "S%u ", i);
    want = g_string_free(all, FALSE);
    parts = g_strsplit(sids, "|", -1);
    joined = g_strjoinv("", parts);
    assert_string_equal(joined, want); /* nothing lost, nothing twice, in order */
    assert_in_range(beta->n_policies, 5, 10);
    assert_string_equal(watcher->policies[0]->name, "look");
    assert_string_equal(watcher->policies[1]->name, "look.2");
    assert_ptr_equal(watcher->policies[1], rb_compiled_role(beta, "reader")->policies[1]);
    assert_string_equal(watcher->policies[1]->document->statements[0].place.file, "policies/look.yaml");
}

/* How many parts of @old are in @new, byte by byte. */
static guint
kept(const char *old, const char *new, guint *n)
{
    g_auto(GStrv) before = g_strsplit(old, "|", -1), after = g_strsplit(new, "|", -1);
    guint same = 0;

    *n = g_strv_length(before) - 1;
    for (guint i = 0; i < *n; i++)
        same += g_strv_contains((const char *const *)after, before[i]);
    return same;
}

/* Wherever a statement is added, at most the part it is in and the one behind change. */
static void
one_more_moves_little(void **state)
{
    g_autofree char *told = NULL, *before = NULL;
    g_autoptr(RbCompiled) compiled = compile_policy(statements(60, 300, -1), &told);
    guint worst = 0, n = 0;

    (void)state;
    before = sids_of(rb_compiled_account(compiled, "beta"));
    for (gint at = 0; at < 60; at += 7) {
        g_autofree char *said = NULL, *after = NULL;
        g_autoptr(RbCompiled) again = compile_policy(statements(60, 300, at), &said);
        after = sids_of(rb_compiled_account(again, "beta"));
        worst = MAX(worst, n - kept(before, after, &n));
    }
    assert_in_range(n, 4, 12);
    assert_in_range(worst, 1, 3);
}

static void
cuts_a_statement_by_its_lists(void **state)
{
    static const struct {
        const char *effect, *key;
    } cases[] = { { "Allow", "resource" }, { "Allow", "action" }, { "Deny", "resource" } };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *told = NULL;
        g_autoptr(RbCompiled) compiled =
            compile_policy(long_statement(cases[i].effect, cases[i].key, 100, 100, ""), &told);
        const RbCompiledAccount *beta;
        guint n = 0;
        assert_non_null(compiled);
        beta = rb_compiled_account(compiled, "beta");
        for (guint k = 0; k < beta->n_policies; k++) {
            const RbPolicy *document = beta->policies[k].document;
            if (!g_str_has_prefix(beta->policies[k].name, "look"))
                continue;
            assert_true(strlen(beta->policies[k].text) <= RB_POLICY_MANAGED_MAX);
            for (guint s = 0; s < document->n_statements; s++) {
                const RbPolicyStatement *statement = &document->statements[s];
                n += i == 1 ? statement->actions.n : statement->resources.n;
                assert_int_equal(statement->allow, i < 2);
                assert_int_equal(statement->place.line, 5);
                assert_int_equal(statement->place.column, 5);
                assert_string_equal(statement->place.file, "policies/look.yaml");
            }
        }
        assert_int_equal(n, 100);
    }
}

static void
tells_which_statement_cannot_be_cut(void **state)
{
    static const char *const keys[] = { "not_action", "not_resource" };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *told = NULL;
        g_autoptr(RbCompiled) compiled = NULL;
        if (i == 0)
            compiled = compile_policy(long_statement("Allow", keys[i], 100, 100, ""), &told);
        else
            compiled = compile_policy(long_statement("Deny", keys[i], 100, 100, ""), &told);
        assert_null(compiled);
        assert_non_null(strstr(told, "policies/look.yaml:5:5: error: this statement cannot be cut, has "));
        assert_null(strstr(strstr(told, "error:") + 1, "error:")); /* once, though two roles have it */
    }
}

/* A role of @n task policies. */
static char *
attached(guint n, const char *managed)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) files = g_array_new(TRUE, TRUE, sizeof(TestFile));
    GString *role = g_string_new("rolebridge: 1\nrole: watcher\ntitle: W\nowner: o\npolicies: [");

    for (guint i = 0; i < n; i++) {
        TestFile file = { g_strdup_printf("policies/p%02u.yaml", i),
                          g_strdup_printf(
                              "rolebridge: 1\npolicy: p%02u\ntask: T\nstatements: [{ effect: Allow, "
                              "action: \"s3:Get*\", resource: \"*\" }]\n",
                              i) };
        g_ptr_array_add(texts, (char *)file.name);
        g_ptr_array_add(texts, (char *)file.text);
        g_array_append_val(files, file);
        g_string_append_printf(role, "%sp%02u", i == 0 ? "" : ", ", i);
    }
    g_string_append_printf(role, "]\n%s", managed);
    g_ptr_array_add(texts, g_string_free(role, FALSE));
    g_array_append_val(files, ((TestFile){ "roles/watcher.yaml", texts->pdata[texts->len - 1] }));
    return test_compile((const TestFile *)(void *)files->data, NULL, NULL);
}

static void
attachments(void **state)
{
    g_autofree char *full = attached(20, ""), *one_more = attached(21, ""),
                    *managed = attached(19, "managed_policies: [A, B]\n"),
                    *twice = attached(19, "managed_policies: [A, \"arn:aws:iam::aws:policy/A\"]\n");

    (void)state;
    assert_null(strstr(full, "error:"));
    assert_non_null(strstr(
        one_more, "roles/watcher.yaml:1:1: error: the role 'watcher' has 21 policies in 'beta', and AWS "
                  "attaches 20 to a role"));
    assert_non_null(strstr(managed, "has 21 policies in 'beta'"));
    assert_null(strstr(twice, "policies in 'beta'")); /* one policy, named in two ways */
}

static void
trust_policy(void **state)
{
    GString *tags = g_string_new("policies: [look]\ntags: {");
    g_autofree char *told = NULL, *role = NULL;
    TestFile changes[] = { { "roles/watcher.yaml", NULL }, FILES_END };

    (void)state;
    for (guint i = 0; i < 20; i++)
        g_string_append_printf(tags, "%s a-tag-with-a-long-name-%u: value", i == 0 ? "" : ",", i);
    role = g_strdup_printf("rolebridge: 1\nrole: watcher\ntitle: W\nowner: o\n%s }\n", tags->str);
    g_string_free(tags, TRUE);
    changes[0].text = role;
    told = test_compile(changes, NULL, NULL);
    assert_non_null(
        strstr(told, "roles/watcher.yaml:1:1: error: the trust policy of 'watcher' in 'beta' has "));
    assert_non_null(strstr(told, " characters, and AWS takes 2048; "));
    assert_non_null(strstr(told, "8192 is obtainable"));
}

static void
other_policies_must_be_attachable(void **state)
{
    static const struct {
        const char *arn;
        gboolean ok;
    } cases[] = {
        { "arn:aws:iam::222222222222:policy/Own", TRUE },
        { "arn:aws:iam::aws:policy/service-role/X", TRUE },
        { "arn:aws:iam::111111111111:policy/Other", FALSE },
        { "arn:aws-cn:iam::aws:policy/X", FALSE },
        { "arn:aws:iam::222222222222:policy/rolebridge/look", TRUE },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *role =
            g_strdup_printf("rolebridge: 1\nrole: watcher\ntitle: W\nowner: o\nmanaged_policies: "
                            "[\"%s\"]\n",
                            cases[i].arn);
        const TestFile changes[] = { { "roles/watcher.yaml", role },
                                     ASSIGN("  - { groups: [w], role: watcher, accounts: [beta] }\n"
                                            "  - { groups: [w], role: reader, accounts: [beta] }\n"),
                                     FILES_END };
        g_autofree char *told = test_compile(changes, NULL, NULL);
        if ((strstr(told, "cannot be attached") == NULL) != cases[i].ok)
            fail_msg("%s: %s", cases[i].arn, told);
    }
}

/* What IAM does not take as a description or a tag is told, and something that it takes stands there. */
static void
texts_that_iam_refuses(void **state)
{
    static const TestFile changes[] = {
        { "roles/watcher.yaml",
          "rolebridge: 1\nrole: watcher\ntitle: Wächter\nowner: \"a (b) & c\"\npurpose: \"Чтение\"\n"
          "policies: [look]\n" },
        FILES_END,
    };
    g_autoptr(RbCompiled) compiled = NULL;
    g_autofree char *told = test_compile(changes, NULL, &compiled);
    const RbCompiledRole *watcher = rb_compiled_role(rb_compiled_account(compiled, "beta"), "watcher");

    (void)state;
    assert_non_null(
        strstr(told, "roles/watcher.yaml:1:1: warning: IAM does not take the purpose of 'watcher'"));
    assert_non_null(strstr(told, "warning: IAM does not take the owner of 'watcher' as a tag"));
    assert_string_equal(watcher->description, "Wächter");
    assert_int_equal(watcher->n_tags, 2);
    assert_string_equal(watcher->tags[1].key, "rolebridge:role");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_between_statements),
        cmocka_unit_test(one_more_moves_little),
        cmocka_unit_test(cuts_a_statement_by_its_lists),
        cmocka_unit_test(tells_which_statement_cannot_be_cut),
        cmocka_unit_test(attachments),
        cmocka_unit_test(trust_policy),
        cmocka_unit_test(other_policies_must_be_attachable),
        cmocka_unit_test(texts_that_iam_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
