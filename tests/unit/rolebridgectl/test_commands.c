#include "../../support/folder.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

/* The program as an administrator meets it: arguments → exit code and what is printed. */

static const char *sample;
static char *iam_full_access; /* an identity policy: IAM in rows */
static char *program;

static int
run(const char *directory, const char *const *args, char **out, char **err)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    int status;

    g_ptr_array_add(argv, program);
    for (; *args != NULL; args++)
        g_ptr_array_add(argv, (char *)(g_str_equal(*args, "SAMPLE") ? sample
                                       : g_str_equal(*args, "IAM")  ? iam_full_access
                                                                    : *args));
    g_ptr_array_add(argv, NULL);
    if (!g_spawn_sync(directory, (char **)argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, out, err, &status,
                      &error))
        fail_msg("%s", error->message);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* clang-format off */
static const struct {
    const char *name;
    const char *args[20];
    int code;
    const char *out, *err; /* parts; NULL: nothing is printed there */
} rows[] = {
    { "nothing", { NULL }, 2, "Usage: rolebridgectl COMMAND", NULL },
    { "--help", { "--help" }, 0, "  explain    tells what a person may do", NULL },
    { "--version", { "--version" }, 0, "rolebridgectl ", NULL },
    { "a misspelt command", { "explian" }, 2, NULL, "rolebridgectl: no command 'explian'; did you mean 'explain'?" },
    { "no such command", { "frobnicate" }, 2, NULL, "no command 'frobnicate'; try: rolebridgectl --help" },
    { "a command with control characters", { "\033[2J" }, 2, NULL, "no command '\\x1b[2J'" },
    { "check: help", { "check", "--help" }, 0, "rolebridgectl check --json | jq", NULL },
    { "check: the sample", { "check", "--mappings", "SAMPLE" }, 0, "3 accounts, 7 task policies, 9 business roles, 9 assignments; no errors", NULL },
    { "check: the sample as JSON", { "check", "-m", "SAMPLE", "--json" }, 0, "\"diagnostics\": []", NULL },
    { "check: the sample, strictly", { "check", "-m", "SAMPLE", "--strict" }, 0, "; no errors", NULL },
    { "check: the sample as SARIF", { "check", "-m", "SAMPLE", "--sarif" }, 0, "\"results\": []", NULL },
    { "check: the rules", { "check", "--rules" }, 0, "privilege-escalation            security warning  a way to", NULL },
    { "check: the rules as JSON", { "check", "--rules", "--json" }, 0, "\"rule\": \"unused-policy\"", NULL },
    { "check: a policy of no kind", { "check", "--policy", "/dev/null", "--kind", "frob" }, 2, NULL, "--kind is one of: identity, trust" },
    { "check: a policy that is not there", { "check", "--policy", "/nonexistent/p.json" }, 4, NULL, "rolebridgectl check: '/nonexistent/p.json': " },
    { "check: a rule", { "check", "--explain", "unused-role" }, 0, "Instead: Assign it to a group, or delete the file.", NULL },
    { "check: a rule as JSON", { "check", "--explain", "unused-role", "--json" }, 0, "\"instead\": \"Assign it", NULL },
    { "check: a misspelt rule", { "check", "--explain", "unused-rolle" }, 2, NULL, "no rule named 'unused-rolle'; did you mean 'unused-role'?" },
    { "check: no such rule", { "check", "--explain", "x" }, 2, NULL, "no rule named 'x'; try: rolebridgectl check --rules" },
    { "check: no directory", { "check", "--mappings", "/nonexistent/m" }, 4, "/nonexistent/m: error: cannot be read", NULL },
    { "check: none of the usual ones", { "check" }, 4, NULL, "name it with --mappings DIR" },
    { "check: an unknown option", { "check", "--frob" }, 2, NULL, "Try: rolebridgectl check --help" },
    { "check: something left over", { "check", "mappings" }, 2, NULL, "rolebridgectl check: 'mappings' is not expected here" },
    { "compile: help", { "compile", "--help" }, 0, "--format terraform --output build/", NULL },
    { "compile: the sample", { "compile", "-m", "SAMPLE" }, 0, "\"arn\": \"arn:aws:iam::444455556666:policy/rolebridge/run-test-scripts\"", NULL },
    { "compile: one account", { "compile", "-m", "SAMPLE", "-A", "777788889999", "-f", "cloudformation" }, 0, "\"Description\": \"rolebridge in corporate (777788889999)\"", NULL },
    { "compile: terraform", { "compile", "-m", "SAMPLE", "-A", "development", "-f", "terraform" }, 0, "$${aws:PrincipalTag/CostCenter}", NULL },
    { "compile: several accounts in one file", { "compile", "-m", "SAMPLE", "-f", "terraform" }, 2, NULL, "these are 3: name one with --account, or a directory with --output" },
    { "compile: no such account", { "compile", "-m", "SAMPLE", "-A", "develpment" }, 1, NULL, "accounts.yaml: error: no account 'develpment'" },
    { "compile: no such format", { "compile", "-m", "SAMPLE", "-f", "xml" }, 2, NULL, "no format 'xml': json, cloudformation or terraform" },
    { "compile: nowhere to write", { "compile", "-m", "SAMPLE", "-o", "/dev/null/x" }, 4, NULL, "rolebridgectl compile: /dev/null/x cannot be made: " },
    { "compile: no mapping", { "compile", "-m", "/nonexistent/m" }, 4, NULL, "has errors, so nothing is compiled of it" },
    { "explain: help", { "explain", "--help" }, 0, "--attribute=KEY=VALUE", NULL },
    { "explain: a grant", { "explain", "-m", "SAMPLE", "-g", "acme-developers" }, 0, "because of group acme-developers (assignments.yaml:20)", NULL },
    { "explain: a workload", { "explain", "-m", "SAMPLE", "-p", "ci", "-a", "repository=acme/data-pipeline", "-a", "ref=refs/tags/v1" }, 0, "because of repository 'acme/data-pipeline', ref 'refs/tags/v1' (assignments.yaml:38)", NULL },
    { "explain: a workload of another branch", { "explain", "-m", "SAMPLE", "-p", "ci", "-a", "repository=acme/data-pipeline", "-a", "ref=refs/heads/x", "--role", "release-pipeline" }, 1, "it is 'refs/heads/x'", NULL },
    { "explain: a workload misspelt", { "explain", "-m", "SAMPLE", "-p", "ci", "-a", "repository=acme/data-pipelin", "-a", "ref=refs/heads/main" }, 0, "Nearest by what is stated:\n  release-pipeline (assignments.yaml:38): the attribute repository must be 'acme/data-pipeline'; it is 'acme/data-pipelin'", NULL },
    { "explain: a workload of another issuer", { "explain", "-m", "SAMPLE", "-p", "c", "-a", "repository=acme/data-pipeline", "-a", "ref=refs/heads/main" }, 0, "only when 'ci' vouches; 'c' did", NULL },
    { "explain: nothing", { "explain", "-m", "SAMPLE", "-g", "acme-all" }, 0, "May take nothing.", NULL },
    { "explain: nobody", { "explain", "-m", "SAMPLE" }, 0, "somebody, in no group", NULL },
    { "explain: what is asked about is granted", { "explain", "-m", "SAMPLE", "-g", "acme-developers", "--role", "developer" }, 0, "May take:", NULL },
    { "explain: what is asked about is not", { "explain", "-m", "SAMPLE", "-g", "acme-developers", "--role", "tester" }, 1, "It is brought by:\n  group 'acme-testers' (assignments.yaml:24)", NULL },
    { "explain: nobody has it", { "explain", "-m", "SAMPLE", "--role", "tester", "--account", "corporate" }, 1, "No assignment brings this to anybody.", NULL },
    { "explain: the same as JSON", { "explain", "-m", "SAMPLE", "--role", "tester", "--json" }, 1, "\"grants\": []", NULL },
    { "explain: a bad time", { "explain", "-m", "SAMPLE", "--at", "yesterday" }, 2, NULL, "--at 'yesterday' is not a time" },
    { "explain: a time without a zone", { "explain", "-m", "SAMPLE", "--at", "2026-11-24T09:00:00" }, 2, NULL, "is not a time" },
    { "explain: a bad attribute", { "explain", "-m", "SAMPLE", "--attribute", "x" }, 2, NULL, "--attribute 'x' must be KEY=VALUE" },
    { "explain: a bad name", { "explain", "-m", "SAMPLE", "--name", "a b" }, 2, NULL, "no sign-in could say this:" },
    { "explain: no mapping", { "explain", "-m", "/nonexistent/m" }, 4, NULL, "has errors, so nothing is decided by it" },
    { "simulate: help", { "simulate", "--help" }, 0, "--resource-policy=FILE", NULL },
    { "simulate: allowed", { "simulate", "-m", "SAMPLE", "-r", "data-scientist", "-A", "analytics-prod", "-a", "s3:GetObject", "-R", "arn:aws:s3:::acme-research-in/a.csv" }, 0, "By a statement of the identity policy, policies/run-data-experiment.yaml:19: ReadInput", NULL },
    { "simulate: the statement is shown", { "simulate", "-m", "SAMPLE", "-r", "data-scientist", "-A", "111122223333", "-a", "s3:getobject", "-R", "arn:aws:s3:::acme-research-in/a.csv" }, 0, "\"Resource\": \"arn:aws:s3:::acme-research-in/*\"", NULL },
    { "simulate: a session's tag", { "simulate", "-m", "SAMPLE", "-r", "data-scientist", "-A", "analytics-prod", "-a", "elasticmapreduce:TerminateJobFlows", "-R", "arn:aws:elasticmapreduce:eu-central-1:111122223333:cluster/j-1", "-t", "CostCenter=4711", "-c", "elasticmapreduce:ResourceTag/CostCenter=4711" }, 0, "policies/run-data-experiment.yaml:10: OwnClusters", NULL },
    { "simulate: another's tag", { "simulate", "-m", "SAMPLE", "-r", "data-scientist", "-A", "analytics-prod", "-a", "elasticmapreduce:TerminateJobFlows", "-R", "arn:aws:elasticmapreduce:eu-central-1:111122223333:cluster/j-1", "-t", "CostCenter=4711", "-c", "elasticmapreduce:ResourceTag/CostCenter=1" }, 1, "What did not hold: StringEquals elasticmapreduce:ResourceTag/CostCenter: '${aws:PrincipalTag/CostCenter}'; the request has '1'", NULL },
    { "simulate: a tag that was not given", { "simulate", "-m", "SAMPLE", "-r", "data-scientist", "-A", "analytics-prod", "-a", "s3:ListAllMyBuckets" }, 1, "No statement of the identity policy allows it.\nThe session's tag CostCenter is the person's and was not given", NULL },
    { "simulate: a key that was not given", { "simulate", "-m", "SAMPLE", "-r", "tester", "-A", "development", "-a", "ec2:StopInstances", "-R", "arn:aws:ec2:eu-central-1:444455556666:instance/i-1" }, 1, "the request does not have it. If it would: --context aws:ResourceTag/environment=VALUE", NULL },
    { "simulate: the default context is overridden", { "simulate", "-m", "SAMPLE", "-r", "data-scientist", "-A", "analytics-prod", "-a", "s3:PutObject", "-R", "arn:aws:s3:::acme-research-out/a", "-c", "aws:SecureTransport" }, 1, "Bool aws:SecureTransport: 'true'; the request does not have it", NULL },
    { "simulate: as JSON", { "simulate", "-m", "SAMPLE", "-r", "data-scientist", "-A", "analytics-prod", "-a", "s3:PutObject", "-R", "arn:aws:s3:::acme-research-out/a", "-c", "aws:SecureTransport=false", "--json" }, 1, "\"outcome\": \"not_allowed\"", NULL },
    { "simulate: networks", { "simulate", "-m", "SAMPLE", "-r", "accounts-payable-approver", "-A", "corporate", "-a", "s3:GetObject", "-R", "arn:aws:s3:::acme-bills/1" }, 1, "The request does not have aws:SourceIp, and this depends on it", NULL },
    { "simulate: from a network", { "simulate", "-m", "SAMPLE", "-r", "accounts-payable-approver", "-A", "corporate", "-a", "s3:GetObject", "-R", "arn:aws:s3:::acme-bills/1", "-c", "aws:SourceIp=203.0.113.9", "-v" }, 0, "  aws:SourceIp = 203.0.113.9", NULL },
    { "simulate: a managed policy that is known", { "simulate", "-m", "SAMPLE", "-r", "iam-administrator", "-A", "corporate", "-a", "iam:CreateRole", "-R", "arn:aws:iam::777788889999:role/x" }, 0, "managed/IAMFullAccess.json", NULL },
    { "simulate: a managed policy that is not", { "simulate", "-m", "SAMPLE", "-r", "it-manager", "-A", "corporate", "-a", "s3:GetObject", "-R", "arn:aws:s3:::x/y" }, 4, "not known: s3:GetObject on arn:aws:s3:::x/y, as it-manager in corporate\nThe role has ReadOnlyAccess", NULL },
    { "simulate: not known, but another account's", { "simulate", "-m", "SAMPLE", "-r", "it-manager", "-A", "corporate", "-a", "s3:GetObject", "-R", "arn:aws:s3:::x/y", "--resource-account", "111122223333" }, 1, "not allowed: ", NULL },
    { "simulate: a file", { "simulate", "-f", "IAM", "-a", "iam:CreateUser", "-R", "arn:aws:iam::111122223333:user/x" }, 0, "allowed: iam:CreateUser", NULL },
    { "simulate: a boundary", { "simulate", "-f", "IAM", "--boundary", "IAM", "-a", "s3:GetObject", "-R", "arn:aws:s3:::x/y" }, 1, "No statement of the identity policy allows it.", NULL },
    { "simulate: a session policy cuts", { "simulate", "-m", "SAMPLE", "-r", "data-scientist", "-A", "analytics-prod", "-a", "s3:GetObject", "-R", "arn:aws:s3:::acme-research-in/a.csv", "--session-policy", "IAM" }, 1, "No statement of the session policy allows it.", NULL },
    { "simulate: an scp cuts", { "simulate", "-m", "SAMPLE", "-r", "data-scientist", "-A", "analytics-prod", "-a", "s3:GetObject", "-R", "arn:aws:s3:::acme-research-in/a.csv", "--scp", "IAM" }, 1, "No statement of the service control policy allows it.", NULL },
    { "simulate: a misspelt role", { "simulate", "-m", "SAMPLE", "-r", "data-scientst", "-A", "analytics-prod", "-a", "s3:GetObject" }, 2, NULL, "no role 'data-scientst'; did you mean 'data-scientist'?" },
    { "simulate: a misspelt account", { "simulate", "-m", "SAMPLE", "-r", "tester", "-A", "develpment", "-a", "s3:GetObject" }, 2, NULL, "no account 'develpment'; did you mean 'development'?" },
    { "simulate: not there", { "simulate", "-m", "SAMPLE", "-r", "tester", "-A", "corporate", "-a", "s3:GetObject" }, 1, NULL, "no assignment brings 'tester' to anybody in 'corporate'" },
    { "simulate: a misspelt action", { "simulate", "-f", "IAM", "-a", "iam:CreateUsr" }, 0, "allowed: iam:CreateUsr on *", "did you mean 'iam:CreateUser'?" },
    { "simulate: an action of many", { "simulate", "-f", "IAM", "-a", "iam:*" }, 2, NULL, "'iam:*' is not one action, such as s3:GetObject" },
    { "simulate: no action", { "simulate", "-f", "IAM" }, 2, NULL, "say what with --action" },
    { "simulate: nobody", { "simulate", "-m", "SAMPLE", "-a", "s3:GetObject" }, 2, NULL, "say who with --role and --account" },
    { "simulate: a bad tag", { "simulate", "-f", "IAM", "-a", "iam:GetUser", "-t", "x" }, 2, NULL, "--tag 'x' must be KEY=VALUE" },
    { "simulate: a file that is not there", { "simulate", "-f", "/nonexistent/p.json", "-a", "iam:GetUser" }, 4, NULL, "rolebridgectl simulate: '/nonexistent/p.json': " },
    { "simulate: no mapping", { "simulate", "-m", "/nonexistent/m", "-r", "x", "-A", "y", "-a", "s3:GetObject" }, 4, NULL, "has errors, so nothing can be said of it" },
    { "keys is there", { "keys", "frob" }, 2, NULL, "no keys command 'frob'" },
    { "audit is there", { "audit", "frob" }, 2, NULL, "audit" },
};
/* clang-format on */

static gboolean
is_as_wanted(const char *got, const char *want)
{
    return want == NULL ? *got == '\0' : strstr(got, want) != NULL;
}

static void
commands(void **state)
{
    g_autofree char *empty = g_dir_make_tmp("rb-ctl-XXXXXX", NULL);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *out = NULL, *err = NULL;
        int code = run(empty, rows[i].args, &out, &err);
        if (code != rows[i].code || !is_as_wanted(out, rows[i].out) || !is_as_wanted(err, rows[i].err))
            fail_msg("%s: exit %d\nstdout: %s\nstderr: %s", rows[i].name, code, out, err);
    }
    assert_int_equal(g_rmdir(empty), 0);
}

/* A mistake: exit 1, its place, and no colours where nobody looks. */
static void
check_tells_mistakes(void **state)
{
    static const char *const as_text[] = { "check", NULL }, *const as_json[] = { "check", "--json", NULL },
                             *const explain[] = { "explain", "-g", "x", NULL };
    g_autofree char *parent = g_dir_make_tmp("rb-ctl-XXXXXX", NULL),
                    *directory = g_build_filename(parent, "mappings", NULL);
    g_autofree char *file = g_build_filename(directory, "accounts.yaml", NULL), *out = NULL, *err = NULL;
    json_t *json;

    (void)state;
    assert_int_equal(g_mkdir(directory, 0700), 0);
    assert_true(g_file_set_contents(file, "rolebridge: 1\naccounts:\n  - { id: 111122223333 }\n", -1, NULL));
    assert_int_equal(run(parent, as_text, &out, &err), 1); /* ./mappings is found */
    assert_non_null(strstr(out, "accounts.yaml:3:11: error: an account id must be in quotes"));
    assert_non_null(strstr(out, "    3 |   - { id: 111122223333 }\n      |           ^\n"));
    assert_non_null(strstr(out, "mappings: 4 errors\n"));
    assert_null(strchr(out, '\033'));
    g_clear_pointer(&out, g_free);
    g_clear_pointer(&err, g_free);
    assert_int_equal(run(parent, as_json, &out, &err), 1);
    json = json_loads(out, 0, NULL);
    assert_false(json_is_true(json_object_get(json, "ok")));
    assert_int_equal(json_array_size(json_object_get(json, "diagnostics")), 4);
    json_decref(json);
    g_clear_pointer(&out, g_free);
    g_clear_pointer(&err, g_free);
    assert_int_equal(run(parent, explain, &out, &err), 4);
    assert_string_equal(out, "");
    assert_int_equal(g_remove(file) | g_rmdir(directory) | g_rmdir(parent), 0);
}

/* One document is judged as if a role had it and nothing else. */
static void
check_policy(void **state)
{
    static const char *const as_text[] = { "check", "--policy", "p.json", NULL }, *const as_trust[] = {
        "check", "--policy", "p.json", "--kind", "trust", NULL
    };
    g_autofree char *parent = g_dir_make_tmp("rb-ctl-XXXXXX", NULL),
                    *file = g_build_filename(parent, "p.json", NULL);
    g_autofree char *out = NULL, *err = NULL;

    (void)state;
    assert_true(
        g_file_set_contents(file,
                            "{ \"Version\": \"2012-10-17\", \"Statement\": [\n  { \"Effect\": \"Allow\", "
                            "\"Action\": \"iam:CreatePolicyVersion\", \"Resource\": \"*\" } ] }",
                            -1, NULL));
    assert_int_equal(run(parent, as_text, &out, &err), 0);
    assert_non_null(
        strstr(out, "p.json:1:1: security warning: whoever has this writes a new version of a policy that "
                    "it has, by iam:CreatePolicyVersion (p.json:2)"));
    assert_null(strstr(out, "unused-role"));
    g_clear_pointer(&out, g_free);
    g_clear_pointer(&err, g_free);
    assert_int_equal(run(parent, as_trust, &out, &err), 1); /* a trust policy names principals */
    remove_tree(parent);
}

/* Documents in files: what is found in each, and what that means for the exit code. */
static void
check_validate(void **state)
{
    static const struct {
        const char *args[8];
        int code;
        const char *out, *err;
    } asked[] = {
        { { "validate", "fine.json", NULL }, 0, "1 policy: nothing to say\n", "" },
        { { "validate", "wide.json", NULL },
          0,
          "wide.json:2:34: security warning: iam:PassRole on every role, with no condition on "
          "iam:PassedToService; name the roles in Resource, or the service in a condition "
          "[PASS_ROLE_WITH_STAR_IN_RESOURCE]\n",
          "" },
        { { "validate", "--strict", "wide.json", NULL }, 1, "1 policy: 1 security warning\n", "" },
        { { "validate", "wrong.json", "wide.json", NULL },
          1,
          "2 policies: 1 error, 1 security warning\n",
          "" },
        { { "validate", "wrong.json", "--json", NULL }, 1, "\"code\": \"INVALID_ACTION\"", "" },
        { { "validate", "--kind", "trust", "fine.json", NULL }, 1, "[MISSING_PRINCIPAL]", "" },
        { { "validate", "--kind", "frob", "fine.json", NULL }, 2, "", "--kind is one of: identity, trust" },
        { { "validate", NULL }, 2, "", "name the files" },
        { { "validate", "wrong.json", "none.json", NULL }, 4, "1 error", "'none.json'" },
    };
    static const char *const files[][2] = {
        { "fine.json",
          "{ \"Version\": \"2012-10-17\", \"Statement\": [\n  { \"Effect\": \"Allow\", \"Action\": "
          "\"s3:GetObject\", \"Resource\": \"*\" } ] }" },
        { "wide.json",
          "{ \"Version\": \"2012-10-17\", \"Statement\": [\n  { \"Effect\": \"Allow\", \"Action\": "
          "\"iam:PassRole\", \"Resource\": \"*\" } ] }" },
        { "wrong.json",
          "{ \"Version\": \"2012-10-17\", \"Statement\": [\n  { \"Effect\": \"Allow\", \"Action\": "
          "\"s3:GetObjct\", \"Resource\": \"*\" } ] }" },
    };
    g_autofree char *parent = g_dir_make_tmp("rb-ctl-XXXXXX", NULL);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *file = g_build_filename(parent, files[i][0], NULL);
        assert_true(g_file_set_contents(file, files[i][1], -1, NULL));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(asked); i++) {
        g_autofree char *out = NULL, *err = NULL;
        int code = run(parent, asked[i].args, &out, &err);
        if (code != asked[i].code || strstr(out, asked[i].out) == NULL || strstr(err, asked[i].err) == NULL)
            fail_msg("row %zu: %d\n%s%s", i, code, out, err);
    }
    remove_tree(parent);
}

/* A mapping that may be so and should not: its only finding is that nobody uses a policy. */
static const char *const unwise[][2] = {
    { "accounts.yaml", "rolebridge: 1\naccounts:\n  - { id: \"111122223333\", name: alpha, issue: { method: "
                       "assume-role } }\n" },
    { "assignments.yaml", "rolebridge: 1\nassignments: []\n" },
    { "policies/spare.yaml",
      "rolebridge: 1\npolicy: spare\ntask: T\nstatements:\n"
      "  - { effect: Allow, action: \"s3:GetObject\", resource: \"arn:aws:s3:::x/*\" }\n" },
};

/* What is unwise is told under its rule's name, and changes the exit code only where that was asked for. */
static void
check_lints(void **state)
{
    static const char *const as_text[] = { "check", NULL }, *const strictly[] = { "check", "--strict", NULL },
                             *const as_sarif[] = { "check", "--sarif", NULL };
    g_autofree char *parent = g_dir_make_tmp("rb-ctl-XXXXXX", NULL),
                    *policies = g_build_filename(parent, "mappings", "policies", NULL);
    g_autofree char *out = NULL, *err = NULL;
    const char *rule, *level, *uri;
    json_t *json;
    int at, line, column;

    (void)state;
    assert_int_equal(g_mkdir_with_parents(policies, 0700), 0);
    for (gsize i = 0; i < G_N_ELEMENTS(unwise); i++) {
        g_autofree char *file = g_build_filename(parent, "mappings", unwise[i][0], NULL);
        assert_true(g_file_set_contents(file, unwise[i][1], -1, NULL));
    }
    assert_int_equal(run(parent, as_text, &out, &err), 0);
    assert_non_null(strstr(out, "policies/spare.yaml:1:1: warning: no role uses the policy 'spare'"));
    assert_non_null(strstr(out, " 0 assignments; 1 finding, no errors\n"));
    g_clear_pointer(&out, g_free);
    g_clear_pointer(&err, g_free);
    assert_int_equal(run(parent, strictly, &out, &err), 1);
    g_clear_pointer(&out, g_free);
    g_clear_pointer(&err, g_free);
    assert_int_equal(run(parent, as_sarif, &out, &err), 0);
    json = json_loads(out, 0, NULL);
    assert_int_equal(json_unpack(json,
                                 "{s:[{s:{s:{s:[{s:s}]}}, s:[{s:i, s:s, s:[{s:{s:{s:s}, s:{s:i, s:i}}}]}]}]}",
                                 "runs", "tool", "driver", "rules", "id", &rule, "results", "ruleIndex", &at,
                                 "level", &level, "locations", "physicalLocation", "artifactLocation", "uri",
                                 &uri, "region", "startLine", &line, "startColumn", &column),
                     0);
    assert_string_equal(rule, "unused-policy");
    assert_string_equal(level, "warning");
    assert_string_equal(uri, "mappings/policies/spare.yaml");
    assert_true(at == 0 && line == 1 && column == 1);
    json_decref(json);
    remove_tree(parent);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(commands), cmocka_unit_test(check_tells_mistakes),
                                        cmocka_unit_test(check_lints), cmocka_unit_test(check_policy),
                                        cmocka_unit_test(check_validate) };
    int status;

    if (argc != 3)
        return 2;
    program = g_canonicalize_filename(argv[1], NULL); /* children run elsewhere */
    sample = argv[2];
    iam_full_access = g_build_filename(sample, "managed", "IAMFullAccess.json", NULL);
    status = cmocka_run_group_tests(tests, NULL, NULL);
    g_free(program);
    g_free(iam_full_access);
    return status;
}
