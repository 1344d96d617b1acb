#ifndef RB_TEST_COMPILE_FIXTURE_H
#define RB_TEST_COMPILE_FIXTURE_H

#include "compile/compile.h"

#include "support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A mapping on disk, as anybody would have it; a test replaces or adds files. */
typedef struct {
    const char *name, *text; /* text NULL: the list ends */
} TestFile;

#define BRIDGE                                                                                               \
    "rolebridge: 1\n"                                                                                        \
    "bridge: { url: \"https://bridge.acme.example\", principal: "                                            \
    "\"arn:aws:iam::999988887777:role/bridge\" }\n"
#define ACCOUNTS                                                                                             \
    "accounts:\n"                                                                                            \
    "  - id: \"111111111111\"\n"                                                                             \
    "    name: alpha\n"                                                                                      \
    "    parameters: { bucket: alpha-data }\n"                                                               \
    "    issue: { method: assume-role, external_id: ext-alpha }\n"                                           \
    "  - id: \"222222222222\"\n"                                                                             \
    "    name: beta\n"                                                                                       \
    "    parameters: { bucket: beta-data }\n"                                                                \
    "    issue: { method: web-identity, provider_arn: "                                                      \
    "\"arn:aws:iam::222222222222:oidc-provider/bridge.acme.example\" }\n"                                    \
    "  - id: \"333333333333\"\n"                                                                             \
    "    name: gamma\n"                                                                                      \
    "    partition: aws-cn\n"                                                                                \
    "    issue: { method: saml, region: cn-north-1, role_path: /acme/b/, provider_arn: "                     \
    "\"arn:aws-cn:iam::333333333333:saml-provider/bridge\" }\n"
#define POLICY(name, statements)                                                                             \
    {                                                                                                        \
        "policies/" name ".yaml",                                                                            \
            "rolebridge: 1\npolicy: " name "\ntask: Task of " name "\nstatements:\n" statements              \
    }
#define ROLE(name, text)                                                                                     \
    {                                                                                                        \
        "roles/" name ".yaml", "rolebridge: 1\nrole: " name "\ntitle: R\nowner: o@acme.example\n" text       \
    }
#define ASSIGN(text)                                                                                         \
    {                                                                                                        \
        "assignments.yaml", "rolebridge: 1\nassignments:\n" text                                             \
    }
#define FILES_END                                                                                            \
    {                                                                                                        \
        NULL, NULL                                                                                           \
    }

static const TestFile test_base[] = {
    { "accounts.yaml", BRIDGE ACCOUNTS },
    POLICY("read", "  - { sid: Read, effect: Allow, action: \"s3:GetObject\", resource: "
                   "\"arn:${partition}:s3:::${account.bucket}/*\" }\n"),
    POLICY("look", "  - { effect: Allow, action: [\"s3:List*\", \"ec2:Describe*\"], resource: \"*\" }\n"),
    ROLE("reader", "purpose: Reads.\npolicies: [read, look]\nsession: { default: 2h, max: 8h }\n"),
    ROLE("watcher", "policies: [look]\nmanaged_policies: [ViewOnlyAccess]\n"),
    ASSIGN("  - { groups: [readers], role: reader, accounts: [alpha, beta] }\n"
           "  - { groups: [watchers], role: watcher, accounts: [beta, gamma] }\n"),
    FILES_END,
};

static inline void
test_write(const char *directory, const TestFile *files)
{
    for (guint i = 0; files != NULL && files[i].name != NULL; i++) {
        g_autofree char *path = g_build_filename(directory, files[i].name, NULL);
        g_autofree char *parent = g_path_get_dirname(path);
        assert_int_equal(g_mkdir_with_parents(parent, 0700), 0);
        assert_true(g_file_set_contents(path, files[i].text, -1, NULL));
    }
}

/* The base with @changes in place of or beside its files. */
static inline RbSnapshot *
test_snapshot(const TestFile *changes)
{
    char *directory = g_dir_make_tmp("rb-compile-XXXXXX", NULL);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *text = NULL;
    RbSnapshot *snapshot;

    assert_non_null(directory);
    test_write(directory, test_base);
    test_write(directory, changes);
    snapshot = rb_snapshot_load(directory, problems);
    remove_tree(directory);
    g_free(directory);
    text = rb_diagnostics_to_text(problems, FALSE);
    if (snapshot == NULL)
        fail_msg("%s", text);
    return snapshot;
}

/* What is told when it is compiled; @out (may be NULL) gets it. */
static inline char *
test_compile(const TestFile *changes, const char *const *only, RbCompiled **out)
{
    g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbCompiled *compiled = rb_compile(snapshot, only, problems);

    assert_int_equal(compiled == NULL, rb_diagnostics_count(problems) > 0);
    if (out != NULL)
        *out = compiled;
    else
        rb_compiled_free(compiled);
    return rb_diagnostics_to_text(problems, FALSE);
}

/* The same when nothing may be told. */
static inline RbCompiled *
test_compiled(const TestFile *changes)
{
    RbCompiled *out;
    g_autofree char *told = test_compile(changes, NULL, &out);

    if (*told != '\0')
        fail_msg("%s", told);
    return out;
}

static inline const RbCompiledPolicy *
test_policy(const RbCompiledAccount *account, const char *name)
{
    for (guint i = 0; i < account->n_policies; i++)
        if (g_str_equal(account->policies[i].name, name))
            return &account->policies[i];
    fail_msg("no policy %s", name);
    return NULL;
}

#endif
