#include "iam/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef gboolean (*Match)(const char *a, const char *b);

typedef struct {
    const char *a, *b;
    gboolean want;
} Row;

/* clang-format off */
static const Row texts[] = {
    { "", "", TRUE }, { "", "a", FALSE }, { "*", "", TRUE }, { "?", "", FALSE }, { "*", "a:b/c\n", TRUE },
    { "a", "A", FALSE }, { "a*", "a", TRUE }, { "*a", "ba", TRUE }, { "*a", "ab", FALSE }, { "a*c", "abbbc", TRUE },
    { "a*c", "abbb", FALSE }, { "a?c", "abc", TRUE }, { "a?c", "ac", FALSE }, { "a?c", "abbc", FALSE },
    { "?", "\xc3\xbc", TRUE }, { "??", "\xc3\xbc", FALSE }, { "m?nchen", "m\xc3\xbcnchen", TRUE },
    { "*ab*ab*", "ab", FALSE }, { "*ab*ab*", "abab", TRUE }, { "*aab", "aaab", TRUE }, { "**", "x", TRUE },
    { "*?", "", FALSE }, { "*?", "x", TRUE }, { "?*?", "x", FALSE }, { "?*?", "xy", TRUE },
    { "a", "*", FALSE }, { "*", "*", TRUE }, { "a*", "b", FALSE }, { "*.acme.example", "x.acme.example", TRUE },
    { "*.acme.example", "x.acme.example.evil", FALSE }, { "a", "", FALSE }, { "\xff", "a", FALSE }, { "a", "\xff", FALSE },
};

static const Row actions[] = {
    { "*", "s3:GetObject", TRUE }, { "**", "s3:GetObject", TRUE }, { "s3:GetObject", "s3:GetObject", TRUE },
    { "S3:getobject", "s3:GetObject", TRUE }, { "s3:Get*", "s3:GetObject", TRUE }, { "s3:Get*", "s3:PutObject", FALSE },
    { "s3:*", "s3:GetObject", TRUE }, { "s3:*", "s3-outposts:GetObject", FALSE }, { "s3:?etObject", "s3:GetObject", TRUE },
    { "s*:GetObject", "s3:GetObject", FALSE }, { "*:*", "s3:GetObject", FALSE }, { "s3:", "s3:GetObject", FALSE },
    { "s3", "s3:GetObject", FALSE }, { "?", "s", FALSE }, { "s3:get*OBJECT", "s3:GetObject", TRUE },
    { "s3:*", "s3", FALSE },
};

static const Row wide_actions[] = {
    { "*:*", "s3:GetObject", TRUE }, { "s*:Get*", "s3:GetObject", TRUE }, { "S?:*", "s3:GetObject", TRUE },
    { "e*:Get*", "s3:GetObject", FALSE }, { "s3:Get*", "s3:GetObject", TRUE }, { "*", "s3:GetObject", TRUE },
    { "s3:Get*", "s3x:GetObject", FALSE },
};

/* what both readings of short forms agree on */
static const Row arns[] = {
    { "*", "arn:aws:s3:::b/k", TRUE }, { "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", TRUE },
    { "arn:aws:s3:::b/*", "arn:aws:s3:::b", FALSE }, { "arn:aws:s3:::b/*", "arn:aws:s3:::b/k/l:m", TRUE },
    { "arn:aws:s3:::B", "arn:aws:s3:::b", FALSE }, { "arn:aws:ec2:*:111122223333:instance/*",
      "arn:aws:ec2:eu-central-1:111122223333:instance/i-1", TRUE },
    { "arn:aws:ec2:*:111122223333:instance/*", "arn:aws:ec2:eu-central-1:444455556666:instance/i-1", FALSE },
    { "arn:aws:ec2:eu*:instance/*", "arn:aws:ec2:eu-central-1:111122223333:instance/i-1", FALSE },
    { "arn:*:iam::1*:role/*", "arn:aws:iam::111122223333:role/a/b", TRUE },
    { "arn:aws:sns:*:*:a:*", "arn:aws:sns:r:1:a:b:c", TRUE }, { "arn:aws:s3:::*a", "arn:aws:s3:::b", FALSE },
    { "arn:aws:iam:::role/x", "arn:aws:iam::111122223333:role/x", FALSE }, { "arn:aws:s3:::b", "*", FALSE },
    { "arn:aws:s3:::b", "arn:aws:s3::", FALSE }, { "arn:aws:iam", "arn:aws:iam::111122223333:role/x", FALSE },
    { "arn:aws:iam::", "arn:aws:iam::111122223333:role/x", FALSE }, { "", "arn:aws:s3:::b", FALSE },
    { "arn:aws:s3:::a?c", "arn:aws:s3:::abc", TRUE }, { "*", "*", TRUE }, { "x", "x", FALSE },
    { "arn:aws:s3:::${aws:username}", "arn:aws:s3:::${aws:username}", TRUE },
};

static const Row short_forms[] = { /* wide TRUE, narrow FALSE */
    { "arn:aws:iam::*", "arn:aws:iam::111122223333:role/x", TRUE }, { "arn:*", "arn:aws:s3:::b", TRUE },
    { "arn:aws:s3:*", "arn:aws:s3:::b/k", TRUE }, { "a*", "arn:aws:s3:::b/k", TRUE },
};

static const Row covers[] = {
    { "*", "", TRUE }, { "*", "a*b?", TRUE }, { "a*", "a", TRUE }, { "a*", "ab*", TRUE }, { "ab*", "a*", FALSE },
    { "a", "a*", FALSE }, { "?", "a", TRUE }, { "a", "?", FALSE }, { "?*", "*?", TRUE }, { "*?", "?*", TRUE },
    { "?*", "*", FALSE }, { "??*", "?*?", TRUE }, { "?*", "*a", TRUE }, { "?*", "a*", TRUE }, { "??*", "*a", FALSE },
    { "*a*", "*b*", FALSE }, { "*a*", "*a", TRUE }, { "*a", "*a*", FALSE }, { "*ab*", "*aab*", TRUE },
    { "a?*b", "a*b", FALSE }, { "a*b", "a?*b", TRUE }, { "s3:get*", "s3:getobject*", TRUE },
    { "s3:*object", "s3:get*object", TRUE }, { "s3:*object", "s3:get*", FALSE }, { "a*??xy*", "a*xyx*y", FALSE },
    { "a*xy*", "a*xyx*y", TRUE }, { "", "", TRUE }, { "", "*", FALSE }, { "", "a", FALSE }, { "*x", "?", FALSE },
    { "arn:aws:s3:::b*", "arn:aws:s3:::b/*", TRUE }, { "\xc3\xbc*", "\xc3\xbcx", TRUE }, { "?", "\xc3\xbc", TRUE },
    { "\xff?", "\xff\xfe", TRUE }, { "??", "\xc3\xbc", FALSE },
};

static const Row covers_arn[] = {
    { "*", "arn:aws:s3:::b", TRUE }, { "arn:aws:s3:::b*", "arn:aws:s3:::b/*", TRUE },
    { "arn:aws:ec2:*:x", "arn:aws:ec2:r:1:x", FALSE }, { "arn:aws:ec2:*:1:x", "arn:aws:ec2:*:1:x", TRUE },
    { "arn:aws:ec2:*:1:x", "arn:aws:ec2:r:1:x", TRUE }, { "arn:aws:ec2:r:1:x", "arn:aws:ec2:*:1:x", FALSE },
    { "arn:aws:s3:::*", "arn:aws:s3:::a:b:*", TRUE }, { "arn:aws:s3:::b", "*", FALSE },
    { "arn:*:s3:::*", "arn:aws:s3:::*", TRUE },
};

static const Row overlaps[] = {
    { "", "", TRUE }, { "", "*", TRUE }, { "", "?", FALSE }, { "a*", "*b", TRUE }, { "a*", "b*", FALSE },
    { "a?", "?b", TRUE }, { "a", "?", TRUE }, { "a", "??", FALSE }, { "*a*", "*b*", TRUE }, { "a*c", "a?c", TRUE },
    { "a*c", "ab", FALSE }, { "*ab", "*ba", FALSE }, { "a*a", "a", FALSE }, { "**", "x", TRUE }, { "x", "**", TRUE },
    { "*x", "?*y", FALSE }, { "?*", "", FALSE }, { "s3:get*", "s3:*object", TRUE }, { "\xc3\xbc", "?", TRUE },
};
/* clang-format on */

static guint
check(const char *name, Match match, const Row *rows, gsize n)
{
    guint failed = 0;

    for (gsize i = 0; i < n; i++) {
        gboolean got = match(rows[i].a, rows[i].b);

        if (got != rows[i].want) {
            print_error("%s: '%s' and '%s': got %d\n", name, rows[i].a, rows[i].b, got);
            failed++;
        }
    }
    return failed;
}
#define CHECK(match, rows) assert_int_equal(check(#match " " #rows, match, rows, G_N_ELEMENTS(rows)), 0)

static void
patterns_match_as_aws_does(void **state)
{
    (void)state;
    CHECK(rb_match_text, texts);
    CHECK(rb_match_action, actions);
    CHECK(rb_match_action_wide, wide_actions);
    CHECK(rb_match_arn, arns);
    CHECK(rb_match_resource, arns);
    CHECK(rb_match_resource_narrow, arns);
    CHECK(rb_match_resource, short_forms);
    for (gsize i = 0; i < G_N_ELEMENTS(short_forms); i++)
        assert_false(rb_match_resource_narrow(short_forms[i].a, short_forms[i].b));
}

static void
patterns_compare(void **state)
{
    (void)state;
    CHECK(rb_match_covers, covers);
    CHECK(rb_match_covers_arn, covers_arn);
    CHECK(rb_match_overlaps, overlaps);
    for (gsize i = 0; i < G_N_ELEMENTS(overlaps); i++)
        assert_int_equal(rb_match_overlaps(overlaps[i].b, overlaps[i].a), overlaps[i].want);
}

/* Every pattern of up to four characters of "ab?*" against every other, with all texts of up to six
 * characters of "abc" as the arbiter. Six are enough: a counterexample needs no more than the two lengths
 * together. */
enum { SYMBOLS = 4, LETTERS = 3, PATTERN = 4, TEXT = 6 };

static GPtrArray *
words_of(const char *letters, guint longest)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    guint from = 0;

    g_ptr_array_add(all, g_strdup(""));
    for (guint length = 1; length <= longest; length++) {
        guint to = all->len;

        for (; from < to; from++) {
            for (const char *c = letters; *c; c++)
                g_ptr_array_add(all, g_strdup_printf("%s%c", (char *)all->pdata[from], *c));
        }
    }
    return all;
}

static void
comparing_agrees_with_trying(void **state)
{
    g_autoptr(GPtrArray) patterns = words_of("ab?*", PATTERN), all = words_of("abc", TEXT);
    const guint n = patterns->len, words = (all->len + 63) / 64;
    g_autofree guint64 *sets = g_new0(guint64, (gsize)n * words);

    (void)state;
    for (guint i = 0; i < n; i++) {
        for (guint j = 0; j < all->len; j++) {
            if (rb_match_text(patterns->pdata[i], all->pdata[j]))
                sets[(gsize)i * words + j / 64] |= G_GUINT64_CONSTANT(1) << (j % 64);
        }
    }
    for (guint i = 0; i < n; i++) {
        for (guint j = 0; j < n; j++) {
            gboolean outside = FALSE, common = FALSE;

            for (guint w = 0; w < words; w++) {
                outside = outside || (sets[(gsize)j * words + w] & ~sets[(gsize)i * words + w]);
                common = common || (sets[(gsize)j * words + w] & sets[(gsize)i * words + w]);
            }
            if (rb_match_covers(patterns->pdata[i], patterns->pdata[j]) == outside ||
                rb_match_overlaps(patterns->pdata[i], patterns->pdata[j]) != common)
                fail_msg("'%s' and '%s'", (char *)patterns->pdata[i], (char *)patterns->pdata[j]);
        }
    }
}

static char *
repeated(const char *part, guint n, const char *end)
{
    GString *text = g_string_new(NULL);

    while (n-- > 0)
        g_string_append(text, part);
    g_string_append(text, end);
    return g_string_free(text, FALSE);
}

/* What takes a matcher that tries everything until the end of the world. */
static void
hostile_patterns_take_no_time(void **state)
{
    g_autofree char *stars = repeated("*a", 1000, "*b"), *as = repeated("a", 20000, ""),
                    *pieces = repeated("*a?b", 300, "*"), *text = repeated("aabb", 5000, "c"),
                    *marks = repeated("*a????????????????", 60, "*"), *holes = repeated("?a*", 600, "b");
    gint64 start = g_get_monotonic_time();

    (void)state;
    assert_false(rb_match_text(stars, as));
    assert_true(rb_match_text(pieces, text));
    assert_false(rb_match_covers(stars, holes));
    assert_false(rb_match_covers(marks, holes));
    assert_false(rb_match_covers(holes, marks));
    assert_true(rb_match_covers(marks, marks));
    assert_true(rb_match_overlaps(stars, holes));
    assert_true(rb_match_overlaps(marks, pieces));
    assert_true(g_get_monotonic_time() - start < 60 * G_USEC_PER_SEC); /* seconds; the naive way: centuries */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_aws_does),
        cmocka_unit_test(patterns_compare),
        cmocka_unit_test(comparing_agrees_with_trying),
        cmocka_unit_test(hostile_patterns_take_no_time),
    };

    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
