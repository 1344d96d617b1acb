/* The mapping as a graph: every path is access, names cannot break out, and many accounts become few nodes.
 */
#include "review/map.h"

#include <string.h>

#include "folder_fixture.h"

static void
put_role(const char *name, gboolean privileged)
{
    g_autofree char *file = g_strdup_printf("roles/%s.yaml", name);
    g_autofree char *text =
        g_strdup_printf("rolebridge: 1\nrole: %s\ntitle: The %s\nowner: o@acme.example\npurpose: Works.\n"
                        "managed_policies: [ReadOnlyAccess]\nprivileged: %s\n",
                        name, name, privileged ? "true" : "false");
    put(file, text);
}

/* @n accounts of which every second is prod. */
static RbSnapshot *
load(guint n, const char *assignments)
{
    g_autoptr(GString) accounts = g_string_new("rolebridge: 1\naccounts:\n");
    g_autofree char *text = g_strconcat("rolebridge: 1\nassignments:\n", assignments, NULL);

    for (guint i = 0; i < n; i++)
        g_string_append_printf(accounts,
                               "  - { id: \"%012u\", name: a%u, labels: { env: %s, all: \"yes\" }, issue: { "
                               "method: assume-role } }\n",
                               i + 1, i, i % 2 == 0 ? "prod" : "dev");
    put("accounts.yaml", accounts->str);
    put("assignments.yaml", text);
    put_role("reader", FALSE);
    put_role("admin", TRUE);
    return load_folder();
}

#define ALL "  - { groups: [g1, g2], role: reader, accounts: [{ label: all=yes }] }\n"
#define PAIRS                                                                                                \
    "  - { groups: [g1], role: reader, accounts: [a0] }\n  - { groups: [g2], role: reader, accounts: [a1] "  \
    "}\n"
#define ADMIN "  - { groups: [g3], role: admin, accounts: [a0] }\n"
#define HOSTILE                                                                                              \
    "  - { groups: [\"x\\\"]; evil [label=\\\"y\", \"back\\\\slash\", \"esc\\e[31m\"], role: reader, "       \
    "accounts: [a0] }\n"
#define CLAIMS                                                                                               \
    "  - { provider: ci, when: { repository: acme/app, ref: refs/heads/main }, role: reader, accounts: "     \
    "[a1] }\n"
#define CAUGHT                                                                                               \
    "  - { groups: [{ regex: \"^aws-(?<account>[a-z0-9]+)$\" }], role: reader, accounts: [\"${account}\"] "  \
    "}\n"

/* clang-format off */
static const struct {
    const char *name;
    guint accounts;
    const char *assignments;
    RbMapLook look;
    const char *has[4], *lacks[3];
} rows[] = {
    { "groups that have the same share a role", 2, ALL, { NULL, NULL, NULL }, { "g1 -> r1 [", "g2 -> r1 [", "r1 -> a1 [", "r1 -> a2 [" }, { "r2" } },
    { "pairs never become a product", 2, PAIRS, { NULL, NULL, NULL }, { "g1 -> r1 [", "r1 -> a1 [", "g2 -> r2 [", "r2 -> a2 [" }, { "r1 -> a2", "g1 -> r2" } },
    { "privileged", 2, PAIRS ADMIN, { NULL, NULL, NULL }, { "The admin\\nadmin\\nprivileged: second factor" }, { NULL } },
    { "by group", 2, PAIRS ADMIN, { "g2", NULL, NULL }, { "label=\"g2\"", "a1\\n000000000002" }, { "g1\"", "admin", "a0" } },
    { "by role", 2, PAIRS ADMIN, { NULL, "admin", NULL }, { "label=\"g3\"" }, { "reader", "g1\"" } },
    { "by account", 2, ALL ADMIN, { NULL, NULL, "a1" }, { "label=\"g1\"", "a1\\n" }, { "a0\\n", "admin" } },
    { "by account's id", 2, ALL ADMIN, { NULL, NULL, "000000000002" }, { "a1\\n" }, { "a0\\n", "admin" } },
    { "names cannot break out", 2, HOSTILE, { NULL, NULL, NULL }, { "label=\"x\\\"]; evil [label=\\\"y\"", "label=\"back\\\\slash\"", "esc\\\\x1b[31m" }, { "\x1b" } },
    { "claims are words", 2, CLAIMS, { NULL, NULL, NULL }, { "provider 'ci', when repository\\nis 'acme/app' and ref" }, { NULL } },
    { "an account that is caught", 2, CAUGHT, { NULL, NULL, NULL }, { "the account that\\nthe group names", "groups matching" }, { NULL } },
    { "few accounts one by one", 24, ALL, { NULL, NULL, NULL }, { "a23\\n000000000024" }, { "accounts," } },
    { "many by environment", 25, ALL, { NULL, NULL, NULL }, { "13 accounts, prod\\na0\\na2\\na4\\n…", "12 accounts, dev\\na1" }, { "000000000024\\n" } },
    { "nothing leads there", 2, PAIRS, { "nobody", NULL, NULL }, { NULL }, { NULL } },
};
/* clang-format on */

static void
test_rows(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbSnapshot) snapshot = load(rows[i].accounts, rows[i].assignments);
        g_autofree char *dot = rb_map_dot(snapshot, &rows[i].look);
        if ((dot == NULL) != (rows[i].has[0] == NULL))
            fail_msg("%s: %s", rows[i].name, dot);
        for (gsize k = 0; dot != NULL && k < G_N_ELEMENTS(rows[i].has) && rows[i].has[k] != NULL; k++)
            if (strstr(dot, rows[i].has[k]) == NULL)
                wrong++, print_error("%s: lacks %s:\n%s\n", rows[i].name, rows[i].has[k], dot);
        for (gsize k = 0; dot != NULL && k < G_N_ELEMENTS(rows[i].lacks) && rows[i].lacks[k] != NULL; k++)
            if (strstr(dot, rows[i].lacks[k]) != NULL)
                wrong++, print_error("%s: has %s:\n%s\n", rows[i].name, rows[i].lacks[k], dot);
    }
    assert_int_equal(wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
