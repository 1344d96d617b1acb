/* What roles did, by CloudTrail, beside what their policies allow; and the edit that is proposed. */
#include "review/refine.h"

#include <string.h>

#include "folder_fixture.h"

#define HEAD "rolebridge: 1\npolicy: work\ntask: Work\nstatements:\n"
#define FLOW                                                                                                 \
    HEAD "  - sid: Look # people wrote this\n    effect: Allow\n    action: [\"ec2:DescribeInstances\", "    \
         "\"ec2:DescribeImages\", "                                                                          \
         "\"ec2:DescribeVolumes\"]\n    resource: \"*\"\n  - { effect: Allow, action: "                      \
         "\"ec2:StartInstances\", "                                                                          \
         "resource: \"*\" }\n"
#define BLOCK                                                                                                \
    HEAD "  - effect: Allow\n    action:\n      - \"ec2:DescribeInstances\"\n      - ec2:DescribeImages # "  \
         "why\n      - "                                                                                     \
         "'glue:*'\n    resource: \"*\"\n"
#define DATA                                                                                                 \
    HEAD "  - { effect: Allow, action: [\"s3:GetObject\", \"s3:ListAllMyBuckets\", "                         \
         "\"s3:GetBucketLocation\"], resource: \"*\" }\n"
#define DENY                                                                                                 \
    HEAD "  - { effect: Allow, action: \"ec2:DescribeInstances\", resource: \"*\" }\n  - { effect: Deny, "   \
         "action: \"ec2:DescribeImages\", resource: \"*\" }\n"

#define LEASE(kind, name, group)                                                                             \
    "{\"kind\":\"" kind "\",\"name\":\"" name "\",\"role\":\"worker\",\"group\":\"" group "\"}\n"
#define BOTH LEASE("lease", "ada", "adas") LEASE("lease", "bob", "bobs")
#define DECISIONS LEASE("decision", "ada", "adas") LEASE("decision", "bob", "bobs")

static const char *role_policies = "[work]";

static RbSnapshot *
load(const char *policy)
{
    g_autofree char *role = NULL;

    put("accounts.yaml", "rolebridge: 1\naccounts:\n  - { id: \"111122223333\", name: alpha, issue: { "
                         "method: assume-role } }\n");
    put("assignments.yaml",
        "rolebridge: 1\nassignments:\n  - { groups: [g], role: worker, accounts: [alpha] }\n");
    role =
        g_strdup_printf("rolebridge: 1\nrole: worker\ntitle: Worker\nowner: o@acme.example\npurpose: Works.\n"
                        "policies: %s\n",
                        role_policies);
    put("roles/worker.yaml", role);
    put("policies/work.yaml", policy);
    return load_folder();
}

/* "ec2 DescribeInstances; glue GetTable AccessDenied arn:…" → records of the role worker in alpha. */
static void
read_deeds(RbTrail *trail, const char *person, const char *deeds, gboolean data)
{
    g_auto(GStrv) list = g_strsplit(deeds, "; ", -1);
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *session = g_strconcat("arn:aws:sts::111122223333:assumed-role/worker/", person, NULL);

    for (guint i = 0; list[i] != NULL && *list[i] != '\0'; i++) {
        g_auto(GStrv) words = g_strsplit(list[i], " ", -1);
        g_autofree char *source = g_strconcat(words[0], ".amazonaws.com", NULL);
        guint n = g_strv_length(words);
        json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:{s:{s:s}}}}", "eventTime",
                                   "2026-11-24T09:00:00Z", "eventSource", source, "eventName", words[1],
                                   "eventCategory", data ? "Data" : "Management", "userIdentity", "type",
                                   "AssumedRole", "arn", session, "sessionContext", "sessionIssuer", "arn",
                                   "arn:aws:iam::111122223333:role/rolebridge/worker");
        char *text;
        if (n > 2)
            (void)json_object_set_new(record, "errorCode", json_string(words[2]));
        if (n > 3)
            (void)json_object_set_new(record, "resources", json_pack("[{s:s}]", "ARN", words[3]));
        text = json_dumps(record, JSON_COMPACT);
        g_string_append_printf(lines, "%s\n", text);
        free(text);
        json_decref(record);
    }
    {
        g_autoptr(GBytes) bytes = g_bytes_new(lines->str, lines->len);
        if (lines->len > 0)
            assert_true(rb_trail_read(trail, "t", bytes, problems));
    }
}

/* "unused ec2:X, wide ec2:Y 1/9, …" */
static char *
told(const GPtrArray *refinements)
{
    static const char *const kinds[] = { "unused", "wide", "unseen", "part", "missing" };
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < refinements->len; i++) {
        const RbRefinement *r = refinements->pdata[i];
        g_string_append_printf(out, "%s%s %s", i == 0 ? "" : ", ", kinds[r->kind], r->pattern);
        if (r->kind == RB_REFINE_PART)
            g_string_append_printf(out, " = %s", (char *)r->used->pdata[0]);
        if (r->kind == RB_REFINE_MISSING)
            g_string_append_printf(out, " x%u %s", r->times,
                                   r->resources->len > 0 ? (char *)r->resources->pdata[0] : "-");
    }
    return g_string_free(out, FALSE);
}

/* clang-format off */
static const struct {
    const char *name, *policy, *deeds;
    gboolean data;
    const char *want, *edited; /* NULL: no edit */
} rows[] = {
    { "nothing is known", FLOW, "", FALSE, "", NULL },
    { "two of three in brackets", FLOW, "ec2 DescribeInstances; ec2 StartInstances", FALSE,
      "unused ec2:DescribeImages, unused ec2:DescribeVolumes",
      HEAD "  - sid: Look # people wrote this\n    effect: Allow\n    action: [\"ec2:DescribeInstances\"]\n    resource: \"*\"\n  - { effect: Allow, action: \"ec2:StartInstances\", resource: \"*\" }\n" },
    { "the first in brackets", FLOW, "ec2 DescribeImages; ec2 DescribeVolumes; ec2 StartInstances", FALSE, "unused ec2:DescribeInstances",
      HEAD "  - sid: Look # people wrote this\n    effect: Allow\n    action: [\"ec2:DescribeImages\", \"ec2:DescribeVolumes\"]\n    resource: \"*\"\n  - { effect: Allow, action: \"ec2:StartInstances\", resource: \"*\" }\n" },
    { "a whole statement, on one line", FLOW, "ec2 DescribeInstances; ec2 DescribeImages; ec2 DescribeVolumes", FALSE, "unused ec2:StartInstances",
      HEAD "  - sid: Look # people wrote this\n    effect: Allow\n    action: [\"ec2:DescribeInstances\", \"ec2:DescribeImages\", \"ec2:DescribeVolumes\"]\n    resource: \"*\"\n" },
    { "a whole statement, on several", FLOW, "ec2 StartInstances", FALSE, "unused ec2:DescribeInstances, unused ec2:DescribeImages, unused ec2:DescribeVolumes",
      HEAD "  - { effect: Allow, action: \"ec2:StartInstances\", resource: \"*\" }\n" },
    { "lines of a block, and a wildcard", BLOCK, "ec2 DescribeInstances; glue GetTable; glue GetTables", FALSE, "unused ec2:DescribeImages, wide glue:*",
      HEAD "  - effect: Allow\n    action:\n      - \"ec2:DescribeInstances\"\n      - \"glue:GetTable\"\n      - \"glue:GetTables\"\n    resource: \"*\"\n" },
    { "without data events nothing is said of objects", DATA, "s3 ListBuckets", FALSE, "unseen s3:GetObject, unused s3:GetBucketLocation",
      HEAD "  - { effect: Allow, action: [\"s3:GetObject\", \"s3:ListAllMyBuckets\"], resource: \"*\" }\n" },
    { "with them it is", DATA, "s3 ListBuckets; s3 GetBucketLocation", TRUE, "unused s3:GetObject",
      HEAD "  - { effect: Allow, action: [\"s3:ListAllMyBuckets\", \"s3:GetBucketLocation\"], resource: \"*\" }\n" },
    { "a Deny is not a permission", DENY, "ec2 DescribeInstances", FALSE, "", NULL },
    { "missed", DENY, "ec2 DescribeInstances; glue GetTable AccessDenied arn:aws:glue:x; glue GetTable AccessDeniedException arn:aws:glue:x; ec2 CreateVolume Client.UnauthorizedOperation", FALSE,
      "missing ec2:CreateVolume x1 -, missing glue:GetTable x2 arn:aws:glue:x",
      DENY "  - effect: Allow # worker was refused this, 1 time\n    action: \"ec2:CreateVolume\"\n    resource: \"*\" # AWS did not say on what: narrow it\n"
           "  - effect: Allow # worker was refused this, 2 times\n    action: \"glue:GetTable\"\n    resource: [\"arn:aws:glue:x\"]\n" },
    { "another failure is no refusal", DENY, "ec2 DescribeInstances ThrottlingException", FALSE, "", NULL },
};
/* clang-format on */

static void
test_rows(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbSnapshot) snapshot = load(rows[i].policy), again = NULL;
        g_autoptr(RbTrail) trail = rb_trail_new();
        g_autoptr(GPtrArray) refinements = NULL;
        g_autofree char *got = NULL, *edited = NULL;
        const char *want = rows[i].edited != NULL ? rows[i].edited : rows[i].policy;
        read_deeds(trail, "ada", rows[i].deeds, rows[i].data);
        refinements = rb_refine(trail, snapshot);
        got = told(refinements);
        if (strcmp(got, rows[i].want) != 0)
            wrong++, print_error("%s: got '%s', want '%s'\n", rows[i].name, got, rows[i].want);
        edited = rb_refine_edit(refinements, rb_snapshot_policies(snapshot)->pdata[0], rows[i].policy);
        if (strcmp(edited, want) != 0)
            wrong++, print_error("%s: got\n%swant\n%s", rows[i].name, edited, want);
        again = load(edited); /* what is proposed can be read */
    }
    assert_int_equal(wrong, 0);
}

/* Two groups have one role of two policies: who used what, and by which group he had it. */
static void
test_parts(void **state)
{
    static const struct {
        const char *name, *ada, *bob; /* what they did */
        const char *audit, *want;
    } parts[] = {
        { "one group uses a part", "ec2 DescribeInstances; glue GetTable", "ec2 DescribeInstances", BOTH,
          "part bobs = one" },
        { "both use all of it", "ec2 DescribeInstances; glue GetTable",
          "ec2 DescribeInstances; glue GetTable", BOTH, "" },
        { "each another part", "glue GetTable", "ec2 DescribeInstances", BOTH,
          "part adas = two, part bobs = one" },
        { "without the audit log", "ec2 DescribeInstances; glue GetTable", "ec2 DescribeInstances", NULL,
          "" },
        { "one group alone", "ec2 DescribeInstances", "", BOTH, "unused glue:GetTable" },
        { "a decision is no lease", "ec2 DescribeInstances; glue GetTable", "ec2 DescribeInstances",
          DECISIONS, "" },
    };
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autoptr(RbTrail) trail = rb_trail_new();
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbSnapshot) snapshot = NULL;
        g_autoptr(GPtrArray) refinements = NULL;
        g_autofree char *got = NULL;
        put("policies/two.yaml", "rolebridge: 1\npolicy: two\ntask: Two\nstatements:\n"
                                 "  - { effect: Allow, action: \"glue:GetTable\", resource: \"*\" }\n");
        put("policies/one.yaml",
            "rolebridge: 1\npolicy: one\ntask: One\nstatements:\n"
            "  - { effect: Allow, action: \"ec2:DescribeInstances\", resource: \"*\" }\n");
        role_policies = "[one, two]";
        snapshot = load(DENY);
        role_policies = "[work]";
        read_deeds(trail, "ada", parts[i].ada, FALSE);
        read_deeds(trail, "bob", parts[i].bob, FALSE);
        if (parts[i].audit != NULL) {
            g_autoptr(GBytes) lines = g_bytes_new(parts[i].audit, strlen(parts[i].audit));
            assert_true(rb_trail_read_audit(trail, "a", lines, problems));
        }
        refinements = rb_refine(trail, snapshot);
        got = told(refinements);
        if (strcmp(got, parts[i].want) != 0)
            wrong++, print_error("%s: got '%s', want '%s'\n", parts[i].name, got, parts[i].want);
    }
    assert_int_equal(wrong, 0);
}

/* Another's role, another's record, and what is not CloudTrail's. */
static void
test_reading(void **state)
{
    static const struct {
        const char *name, *text;
        gboolean read;
        guint records;
    } files[] = {
        { "a file", "{\"Records\":[{\"eventName\":\"x\"},{}]}", TRUE, 2 },
        { "one record", "{\"eventName\":\"x\"}", TRUE, 1 },
        { "lines", "{\"eventName\":\"x\"}\n\n{\"eventName\":\"y\"}", TRUE, 2 },
        { "texts for objects",
          "{\"Records\":[{\"userIdentity\":\"x\",\"resources\":\"y\",\"eventSource\":7}]}", TRUE, 1 },
        { "a list", "[]", FALSE, 0 },
        { "nothing", "", FALSE, 0 },
        { "text", "hello", FALSE, 0 },
        { "a line that is none", "{\"eventName\":\"x\"}\nhello", FALSE, 1 },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(RbTrail) trail = rb_trail_new();
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(GBytes) bytes = g_bytes_new(files[i].text, strlen(files[i].text));
        if (rb_trail_read(trail, "t", bytes, problems) != files[i].read ||
            (rb_diagnostics_count(problems) == 0) != files[i].read ||
            rb_trail_facts(trail).records != files[i].records)
            fail_msg("%s: %u records", files[i].name, rb_trail_facts(trail).records);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_parts),
                                        cmocka_unit_test(test_reading) };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
