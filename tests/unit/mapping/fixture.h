#ifndef RB_TEST_MAPPING_FIXTURE_H
#define RB_TEST_MAPPING_FIXTURE_H

#include "mapping/priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A small mapping in memory; a test replaces or adds files. */
typedef struct {
    const char *name, *text; /* text NULL: leave the file out */
} TestFile;

enum { TEST_FILES_MAX = 16 };

static const TestFile test_base[] = {
    { "accounts.yaml", "rolebridge: 1\n"
                       "accounts:\n"
                       "  - id: \"111122223333\"\n"
                       "    name: alpha\n"
                       "    labels: { env: prod, team: red }\n"
                       "    parameters: { bucket: alpha-data }\n"
                       "    issue: { method: assume-role, external_id: ext-alpha, region: eu-central-1 }\n"
                       "  - id: \"444455556666\"\n"
                       "    name: beta\n"
                       "    labels: { env: dev }\n"
                       "    parameters: { bucket: beta-data }\n"
                       "    issue: { method: web-identity, provider_arn: "
                       "\"arn:aws:iam::444455556666:oidc-provider/bridge.acme.example\" }\n"
                       "  - id: \"000011112222\"\n"
                       "    name: gamma\n"
                       "    partition: aws-cn\n"
                       "    labels: { env: dev }\n"
                       "    issue: { method: saml, role_path: /acme/bridge/, provider_arn: "
                       "\"arn:aws-cn:iam::000011112222:saml-provider/bridge\" }\n" },
    { "policies/read-data.yaml", "rolebridge: 1\n"
                                 "policy: read-data\n"
                                 "task: Read Data\n"
                                 "statements:\n"
                                 "  - { effect: Allow, action: \"s3:Get*\", resource: \"*\" }\n" },
    { "roles/reader.yaml", "rolebridge: 1\n"
                           "role: reader\n"
                           "title: Reader\n"
                           "owner: readers@acme.example\n"
                           "purpose: Reads.\n"
                           "policies: [read-data]\n"
                           "session: { default: 2h, max: 8h }\n" },
    { "roles/writer.yaml", "rolebridge: 1\n"
                           "role: writer\n"
                           "title: Writer\n"
                           "owner: writers@acme.example\n"
                           "policies: [read-data]\n" },
    { "assignments.yaml", "rolebridge: 1\n"
                          "assignments:\n"
                          "  - { groups: [readers], role: reader, accounts: [alpha] }\n"
                          "  - { groups: [writers], role: writer, accounts: [beta] }\n" },
};

static inline gint
test_by_name(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const RbMappingFile *const *)a)->name, (*(const RbMappingFile *const *)b)->name);
}

/* The base with @changes (ended by a NULL name) in it. */
static inline GPtrArray *
test_files(const TestFile *changes)
{
    GPtrArray *files = g_ptr_array_new_with_free_func(rb_mapping_file_free);
    TestFile all[TEST_FILES_MAX];
    gsize n = G_N_ELEMENTS(test_base);

    memcpy(all, test_base, sizeof test_base);
    for (; changes != NULL && changes->name != NULL; changes++) {
        gsize at = 0;
        while (at < n && strcmp(all[at].name, changes->name) != 0)
            at++;
        assert_true(at < TEST_FILES_MAX);
        all[at] = *changes;
        n = MAX(n, at + 1);
    }
    for (gsize i = 0; i < n; i++) {
        RbMappingFile *file;
        if (all[i].text == NULL)
            continue;
        file = g_new0(RbMappingFile, 1);
        file->name = g_strdup(all[i].name);
        file->bytes = g_bytes_new(all[i].text, strlen(all[i].text));
        g_ptr_array_add(files, file);
    }
    g_ptr_array_sort(files, test_by_name);
    return files;
}

/* The snapshot of the base with @changes; a mistake in it fails the test. */
static inline RbSnapshot *
test_snapshot(const TestFile *changes)
{
    g_autoptr(GPtrArray) files = test_files(changes);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbSnapshot *snapshot = rb_snapshot_build(files, problems);
    g_autofree char *text = rb_diagnostics_to_text(problems, FALSE);

    if (snapshot == NULL)
        fail_msg("%s", text);
    return snapshot;
}

/* Somebody whose groups and attributes ("key=value") are lists with commas; NULL: none. */
static inline RbIdentity *
test_identity(const char *groups, const char *attributes, const char *provider, gboolean mfa)
{
    g_auto(GStrv) list = g_strsplit(groups == NULL ? "" : groups, ",", -1);
    g_auto(GStrv) pairs = g_strsplit(attributes == NULL ? "" : attributes, ",", -1);
    RbAttribute attribute[8] = { { NULL, NULL } };
    const char *values[8][2];
    g_autoptr(GError) error = NULL;
    RbIdentity facts = { .subject = "s-1", .name = "ada", .issuer = "https://idp.acme.example" };
    RbIdentity *identity;

    facts.groups = (const char *const *)list;
    facts.provider = provider == NULL ? "corp-saml" : provider;
    for (guint i = 0; pairs[i] != NULL; i++) {
        char *equals = strchr(pairs[i], '=');
        assert_non_null(equals);
        *equals = '\0';
        values[i][0] = equals + 1;
        values[i][1] = NULL;
        attribute[i] = (RbAttribute){ pairs[i], values[i] };
        facts.n_attributes = i + 1;
    }
    facts.attributes = attribute;
    facts.mfa = mfa;
    identity = rb_identity_new(&facts, &error);
    if (identity == NULL)
        fail_msg("%s", error->message);
    return identity;
}

/* "role@account role@account" of the grants, then "!code:role@account" of the near misses. */
static inline char *
test_summary(const RbDecision *decision)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < decision->n_grants; i++)
        g_string_append_printf(out, "%s%s@%s", out->len > 0 ? " " : "", decision->grants[i].role,
                               decision->grants[i].account_name);
    for (guint i = 0; i < decision->n_refusals; i++) {
        const RbNearMiss *m = &decision->refusals[i];
        g_string_append_printf(out, "%s!%s:%s@%s", out->len > 0 ? " " : "", rb_outcomes()[m->code - 1].id,
                               m->role, m->account_name);
    }
    return g_string_free(out, FALSE);
}

#endif
