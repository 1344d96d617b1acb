#include "fixture.h"

/* managed/: documents of policies that are not ours. */

#define READER                                                                                               \
    {                                                                                                        \
        "roles/reader.yaml", "rolebridge: 1\nrole: reader\ntitle: R\nowner: o\nmanaged_policies: [Plain, "   \
                             "job-function/Billing, \"arn:aws:iam::aws:policy/service-role/Own\", "          \
                             "\"arn:aws:iam::111122223333:policy/team/Backup\"]\npolicies: [read-data]\n"    \
    }
#define DOCUMENT(action)                                                                                     \
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"" action                   \
    "\",\"Resource\":\"*\"}}"

static const char *
action_of(const RbSnapshot *snapshot, const char *name)
{
    const RbPolicy *policy = rb_snapshot_managed(snapshot, name);

    return policy == NULL ? "(not known)" : policy->statements[0].actions.at[0].text;
}

static void
is_found_by_its_name(void **state)
{
    static const TestFile changes[] = {
        READER,
        { "managed/Plain.json", DOCUMENT("a:Plain") },
        { "managed/job-function-Billing.json", DOCUMENT("a:Billing") },
        { "managed/service-role-Own.json", DOCUMENT("a:Own") },
        { "managed/111122223333-team-Backup.json", DOCUMENT("a:Backup") },
        { NULL, NULL },
    };
    static const struct {
        const char *name, *want;
    } cases[] = {
        { "Plain", "a:Plain" },
        { "arn:aws:iam::aws:policy/Plain", "a:Plain" },
        { "arn:aws-cn:iam::aws:policy/Plain", "a:Plain" },
        { "job-function/Billing", "a:Billing" },
        { "service-role/Own", "a:Own" },
        { "arn:aws:iam::111122223333:policy/team/Backup", "a:Backup" },
        { "arn:aws:iam::444455556666:policy/team/Backup", "(not known)" }, /* of another account */
        { "team/Backup", "(not known)" },
        { "arn:aws:iam::111122223333:policy/Plain", "(not known)" },
        { "plain", "(not known)" },
    };
    g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        if (!g_str_equal(action_of(snapshot, cases[i].name), cases[i].want))
            fail_msg("%s: %s, not %s", cases[i].name, action_of(snapshot, cases[i].name), cases[i].want);
    assert_string_equal(rb_snapshot_managed(snapshot, "Plain")->statements[0].place.file,
                        "managed/Plain.json");
}

static void
tells_mistakes(void **state)
{
    static const struct {
        TestFile changes[3];
        const char *want;
        gboolean warning;
    } cases[] = {
        { { READER, { "managed/Plain.json", "{" } }, "managed/Plain.json:1:", FALSE },
        { { READER, { "managed/Plain.json", "{\"PolicyVersion\":{\"Document\":{}}}" } },
          "managed/Plain.json:1:",
          FALSE },
        { { READER,
            { "managed/Plain.json",
              "{\"Version\":\"2012-10-17\",\"Version\":\"2012-10-17\",\"Statement\":[]}" } },
          "managed/Plain.json:1:",
          FALSE },
        { { READER, { "managed/Billing.json", DOCUMENT("a:b") } },
          "managed/Billing.json:1:1: warning: no role has the managed policy 'Billing'; name it in a role, "
          "or delete "
          "the file",
          TRUE },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) files = test_files(cases[i].changes);
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbSnapshot) snapshot = rb_snapshot_build(files, problems);
        g_autofree char *text = rb_diagnostics_to_text(problems, FALSE);
        if ((snapshot != NULL) != cases[i].warning || strstr(text, cases[i].want) == NULL)
            fail_msg("wanted %s\ngot %s", cases[i].want, text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_found_by_its_name),
        cmocka_unit_test(tells_mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
