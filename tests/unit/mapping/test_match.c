#include "fixture.h"
#include "mapping/dn.h"

/* clang-format off */
static const struct {
    const char *name, *text, *want; /* NULL: not a DN */
} names[] = {
    { "plain", "cn=Admins,ou=AWS,dc=acme", "cn=admins,ou=aws,dc=acme" },
    { "spaces around", " CN = Admins , OU=AWS,dc= acme ", "cn=admins,ou=aws,dc=acme" },
    { "inner spaces are one", "cn=Big   Admins,dc=acme", "cn=big admins,dc=acme" },
    { "an escaped comma", "cn=Smith\\, Jo,dc=acme", "cn=smith\\2c jo,dc=acme" },
    { "the same comma in hexadecimal", "cn=Smith\\2C Jo,dc=acme", "cn=smith\\2c jo,dc=acme" },
    { "an escaped letter", "cn=\\41dmins,dc=acme", "cn=admins,dc=acme" },
    { "UTF-8 escaped", "cn=M\\C3\\BCller,dc=acme", "cn=müller,dc=acme" },
    { "umlauts in capitals", "cn=MÜLLER,dc=acme", "cn=müller,dc=acme" },
    { "sharp s", "cn=Straße,dc=acme", "cn=strasse,dc=acme" },
    { "several attributes, sorted", "uid=Z+cn=A,dc=acme", "cn=a+uid=z,dc=acme" },
    { "an escaped space at the end stays", "cn=a\\ ,dc=acme", "cn=a ,dc=acme" },
    { "an OID", "2.5.4.3=A,dc=acme", "2.5.4.3=a,dc=acme" },
    { "an empty value", "cn=,dc=acme", "cn=,dc=acme" },
    { "an equals sign in a value", "cn=a=b,dc=acme", "cn=a\\3db,dc=acme" },
    { "an escaped plus is no separator", "cn=a\\+b=c,dc=acme", "cn=a\\2bb\\3dc,dc=acme" },
    { "an escaped semicolon stays escaped", "cn=a\\;b,dc=acme", "cn=a\\3bb,dc=acme" },
    { "no equals sign", "admins", NULL },
    { "no type", "=a,dc=acme", NULL },
    { "a comma at the end", "cn=a,", NULL },
    { "two commas", "cn=a,,dc=b", NULL },
    { "a backslash at the end", "cn=a\\", NULL },
    { "an escape of nothing known", "cn=a\\q", NULL },
    { "NUL escaped", "cn=a\\00b", NULL },
    { "not UTF-8 after unescaping", "cn=\\ff", NULL },
    { "a bare semicolon", "cn=a;dc=b", NULL },
    { "quotes", "cn=\"a\",dc=b", NULL },
    { "empty", "", NULL },
};

static const struct {
    const char *name, *base, *group;
    gboolean want;
} below[] = {
    { "a child", "ou=aws,dc=acme", "cn=admins,ou=aws,dc=acme", TRUE },
    { "a grandchild", "ou=aws,dc=acme", "cn=admins,ou=eu,ou=aws,dc=acme", TRUE },
    { "in other capitals and spaces", "OU=AWS, DC=Acme", "CN=Admins,ou=aws,dc=ACME", TRUE },
    { "itself", "ou=aws,dc=acme", "ou=aws,dc=acme", FALSE },
    { "the parent", "ou=aws,dc=acme", "dc=acme", FALSE },
    { "a sibling", "ou=aws,dc=acme", "cn=admins,ou=gcp,dc=acme", FALSE },
    { "an end of the text that is not one of the name", "ou=aws,dc=acme", "cn=admins\\,ou=aws,dc=acme", FALSE },
    { "the end of a longer value", "ou=aws,dc=acme", "cn=a,xou=aws,dc=acme", FALSE },
    { "a value that holds the base", "ou=aws,dc=acme", "cn=x\\,ou\\=aws\\,dc\\=acme", FALSE },
    { "not a DN", "ou=aws,dc=acme", "aws", FALSE },
    { "a broken DN", "ou=aws,dc=acme", "cn=\\zz,ou=aws,dc=acme", FALSE },
};

static const struct {
    const char *text, *head;
} heads[] = {
    { "^aws-(?<a>[a-z]+)-ds$", "aws-" }, { "aws-x", "aws-x" }, { "aws?", "aw" }, { "aws*x", "aw" }, { "aws+", "aw" },
    { "aws{2}", "aw" }, { "aws{2", "" }, { "a|b", "" }, { "a(b|c)d", "a" }, { "(?i)aws", "" }, { "aws(?i)x", "" },
    { "aws\\.x", "aws.x" }, { "aws\\.*x", "aws" }, { "aws\\d", "aws" }, { "aws\\x41", "" }, { "\\Qaws.\\E", "" },
    { "aws[]x]y", "aws" }, { "aws[[:alpha:]]x", "aws" }, { "aws.x", "aws" }, { ".*", "" }, { "^", "" }, { "", "" },
    { "mü+x", "m" }, { "ab(?=x)x", "" }, { "ab(c(?#))d)", "" }, { "a$b", "" },
};
/* clang-format on */

static void
dn_canonical(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *got = rb_dn_canonical(names[i].text, NULL);
        if (g_strcmp0(got, names[i].want) != 0)
            fail_msg("%s: got %s", names[i].name, got == NULL ? "(not a DN)" : got);
    }
}

static void
dn_under(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(below); i++) {
        g_autofree char *text = g_strdup_printf(
            "rolebridge: 1\nassignments:\n  - { groups: [{ dn_under: '%s' }], role: reader, accounts: "
            "[alpha] }\n  - { groups: [w], role: writer, accounts: [beta] }\n",
            below[i].base);
        const TestFile changes[] = { { "assignments.yaml", text }, { NULL, NULL } };
        const char *const groups[] = { below[i].group, NULL };
        const RbIdentity facts = {
            .subject = "s", .name = "ada", .provider = "p", .issuer = "i", .groups = groups
        };
        const RbContext context = { 0, NULL };
        g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);
        g_autoptr(RbIdentity) identity = rb_identity_new(&facts, NULL);
        g_autoptr(RbDecision) decision = rb_decide(snapshot, identity, &context);
        if ((decision->n_grants == 1) != below[i].want)
            fail_msg("%s", below[i].name);
    }
}

static void
pattern_heads(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(heads); i++) {
        g_autofree char *message = NULL;
        gsize offset;
        g_autoptr(RbPattern) pattern = rb_pattern_new(heads[i].text, &message, &offset);
        if (pattern == NULL && *heads[i].head != '\0')
            fail_msg("%s: %s", heads[i].text, message);
        if (pattern != NULL && strcmp(rb_pattern_head(pattern), heads[i].head) != 0)
            fail_msg("%s: got '%s'", heads[i].text, rb_pattern_head(pattern));
    }
}

/* Whatever is taken for the literal ends, the index finds what the expression itself would find. */
static void
index_agrees_with_expressions(void **state)
{
    static const char *const patterns[] = {
        "a+b?",         "(a|b)c",          "a{2}b",   "[ab]+c",        "a.c",      "a\\.c",     "(?i)ABC",
        "ab|ac",        "abcabcabc[abc]?", "^abc$",   "a(?:b(?i)c)d?", "abcdefgh", "abcdefg",   "abcdefghi*",
        "[[:alpha:]]b", "a\\x62c",         ".*c",     "(ab)*",         "a[]b]c",   "\\Qa.c\\E", "a$|b",
        "b{,2}c",       "(?<n>a)b\\k<n>",  "(?x)a b",
    };
    static const char alphabet[] = "abc.C";
    g_autoptr(GRand) random = g_rand_new_with_seed(7);

    (void)state;
    for (guint round = 0; round < 4000; round++) {
        const char *text = patterns[round % G_N_ELEMENTS(patterns)];
        g_autofree char *message = NULL, *anchored = g_strdup_printf("\\A(?:%s)\\z", text);
        g_autoptr(GRegex) reference = g_regex_new(anchored, 0, 0, NULL);
        gsize offset;
        g_autoptr(RbPattern) pattern = rb_pattern_new(text, &message, &offset);
        RbMatchSpace space = { NULL, NULL };
        char group[12];
        guint n = (guint)g_rand_int_range(random, 0, 10);
        gboolean got, head;

        for (guint i = 0; i < n; i++)
            group[i] = alphabet[g_rand_int_range(random, 0, 5)];
        group[n] = '\0';
        if (round % 3 == 0)
            g_strlcpy(group, "abcdefghi", n + 1);
        got = rb_pattern_match(pattern, group, n, &space) == RB_MATCH_YES;
        rb_match_space_clear(&space);
        head = g_str_has_prefix(group, rb_pattern_head(pattern));
        if (got != g_regex_match(reference, group, 0, NULL) || (got && !head))
            fail_msg("%s on '%s'", text, group);
    }
}

/* Names of every length around the eight bytes that are hashed at once. */
static void
index_finds_every_length(void **state)
{
    g_autoptr(GString) text =
        g_string_new("rolebridge: 1\nassignments:\n  - { groups: [w], role: writer, accounts: [beta] }\n");
    char name[80];

    (void)state;
    for (guint n = 1; n <= 70; n++) {
        memset(name, 'x', n);
        name[n] = '\0';
        g_string_append_printf(
            text, "  - { groups: [e%s, { prefix: p%s }], role: reader, accounts: [alpha] }\n", name, name);
    }
    {
        const TestFile changes[] = { { "assignments.yaml", text->str }, { NULL, NULL } };
        g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);
        for (guint n = 1; n <= 70; n++) {
            g_autofree char *groups = NULL;
            g_autoptr(RbIdentity) identity = NULL;
            g_autoptr(RbDecision) decision = NULL;
            const RbContext context = { 0, NULL };
            memset(name, 'x', n);
            name[n] = '\0';
            groups = g_strdup_printf("e%s,p%s", name, name);
            identity = test_identity(groups, NULL, NULL, FALSE);
            decision = rb_decide(snapshot, identity, &context);
            assert_int_equal(decision->n_grants, 1);
            assert_int_equal(decision->grants[0].n_reasons,
                             n + 1); /* one exact, each prefix up to its length */
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dn_canonical),
        cmocka_unit_test(dn_under),
        cmocka_unit_test(pattern_heads),
        cmocka_unit_test(index_agrees_with_expressions),
        cmocka_unit_test(index_finds_every_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
