#include "base/diagnostics.h"
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static RbYamlDocument *
parse(const char *text, RbDiagnostics *problems)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

    return rb_yaml_parse("t.yaml", bytes, problems);
}

static const struct {
    const char *name, *text, *want; /* want: the first error */
} broken[] = {
    { "duplicate key", "a: 1\nb: 2\na: 3\n", "t.yaml:3:1: the key 'a' appears twice; keep one of them" },
    { "alias", "a: &x [1]\n", "t.yaml:1:4: anchors and aliases are not used here; write the value out" },
    { "tag", "a: !!binary aGk=\n", "t.yaml:1:4: tags are not used here; leave the !tag out" },
    { "two documents", "a: 1\n---\nb: 2\n",
      "t.yaml:2:1: a second document in this file; keep one document a file" },
    { "empty", "", "t.yaml:1:1: the file is empty" },
    { "list as key", "[1]: 2\n", "t.yaml:1:1: a key must be plain text" },
    { "not YAML", "a: [1\nb: 2\n", "t.yaml:2:2: did not find expected ',' or ']'" },
};

static void
test_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbYamlDocument) document = parse(broken[i].text, problems);
        g_autofree char *line = rb_diagnostics_to_line(problems);
        if (document != NULL || strcmp(line, broken[i].want) != 0)
            fail_msg("%s: got %s", broken[i].name, line);
    }
}

static void
test_fields(void **state)
{
    static const char *const known[] = { "rolebridge", "text", "flag", "count", "life", "list", NULL };
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbYamlDocument) document =
        parse("rolebridge: 1\ntext: hello\nflag: true\ncount: 12\nlife: 8h\nlist: [a, b]\n", problems);
    const RbYaml *root = rb_yaml_root(document);
    g_auto(GStrv) list = rb_yaml_strings(root, "list", problems);

    (void)state;
    assert_true(rb_yaml_check_version(root, problems));
    assert_true(rb_yaml_check_keys(root, known, problems));
    assert_string_equal(rb_yaml_string(root, "text", NULL, problems), "hello");
    assert_true(rb_yaml_bool(root, "flag", FALSE, problems));
    assert_int_equal(rb_yaml_integer(root, "count", 1, 20, 5, problems), 12);
    assert_int_equal(rb_yaml_duration_s(root, "life", 60, 100000, 5, problems), 28800);
    assert_int_equal(g_strv_length(list), 2);
    assert_string_equal(rb_yaml_string(root, "none", "fallback", problems), "fallback");
    assert_int_equal(rb_diagnostics_count(problems), 0);
    assert_int_equal(rb_yaml_integer(root, "count", 1, 11, 5, problems), 5);
    assert_int_equal(rb_yaml_duration_s(root, "count", 1, 11, 7, problems), 7);
    assert_string_equal(rb_yaml_string(root, "none", NULL, problems), "");
    assert_int_equal(rb_diagnostics_count(problems), 3);
}

static void
test_suggestion_and_caret(void **state)
{
    static const char *const known[] = { "rolebridge", "accounts", NULL };
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbYamlDocument) document = parse("rolebridge: 1\nacounts: []\n", problems);
    g_autofree char *text = NULL;

    (void)state;
    assert_false(rb_yaml_check_keys(rb_yaml_root(document), known, problems));
    text = rb_diagnostics_to_text(problems, FALSE);
    assert_string_equal(text, "t.yaml:2:1: error: unknown key 'acounts'; did you mean 'accounts'?\n"
                              "    2 | acounts: []\n"
                              "      | ^\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_broken), cmocka_unit_test(test_fields),
                                        cmocka_unit_test(test_suggestion_and_caret) };

    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
