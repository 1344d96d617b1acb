#include "iam/match.h"
#include "prove/texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
    const char *name;
    struct { RbGlob glob; const char *pattern; } at[4];
    const char *classes; /* sorted: which patterns match, a bit each */
} rows[] = {
    { "one literal",              { { RB_GLOB_EXACT, "a*" } }, "0 1" },
    { "everything",               { { RB_GLOB_TEXT, "*" } }, "1" },
    { "one inside the other",     { { RB_GLOB_TEXT, "a*" }, { RB_GLOB_TEXT, "ab*" } }, "00 10 11" },
    { "overlapping",              { { RB_GLOB_TEXT, "a*" }, { RB_GLOB_TEXT, "*b" } }, "00 01 10 11" },
    { "disjoint",                 { { RB_GLOB_TEXT, "a?" }, { RB_GLOB_TEXT, "b?" } }, "00 01 10" },
    { "lengths",                  { { RB_GLOB_TEXT, "??" }, { RB_GLOB_TEXT, "???*" } }, "00 01 10" },
    { "covering together",        { { RB_GLOB_TEXT, "?*" }, { RB_GLOB_EXACT, "" } }, "01 10" },
    { "without case",             { { RB_GLOB_NOCASE, "True" }, { RB_GLOB_EXACT, "TRUE" } }, "00 10 11" },
    { "a star that is a star",    { { RB_GLOB_TEXT, "a\xee\x80\xaa" }, { RB_GLOB_EXACT, "a*" } }, "00 11" },
    { "service is literal",       { { RB_GLOB_ACTION, "s*:Get" }, { RB_GLOB_EXACT, "s*:get" } }, "00 10 11" },
    { "service is wild",          { { RB_GLOB_ACTION_WIDE, "s*:Get" }, { RB_GLOB_EXACT, "s3:get" } }, "00 10 11" },
    { "no action",                { { RB_GLOB_ACTION_WIDE, "s*" } }, "0" },
    { "a field ends at its colon", { { RB_GLOB_ARN, "arn:aws:s3:::a*" }, { RB_GLOB_TEXT, "arn:*::a*" } }, "00 01 11" },
    { "fields left out, narrow",  { { RB_GLOB_ARN, "arn:aws:iam::*" } }, "0" },
    { "fields left out, wide",    { { RB_GLOB_ARN_WIDE, "arn:aws:iam::*" } }, "0 1" },
    { "inner stars",              { { RB_GLOB_TEXT, "*a*" }, { RB_GLOB_TEXT, "*b*" }, { RB_GLOB_TEXT, "*c*" } },
      "000 001 010 011 100 101 110 111" },
};
/* clang-format on */

static int
by_text(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

static char *
list_classes(const RbTexts *texts)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < rb_texts_n_classes(texts); i++) {
        GString *name = g_string_new(NULL);
        for (guint j = 0; j < rb_texts_n(texts); j++)
            g_string_append_c(name, rb_texts_matches(texts, i, j) ? '1' : '0');
        g_ptr_array_add(names, g_string_free(name, FALSE));
    }
    g_ptr_array_sort(names, by_text);
    g_ptr_array_add(names, NULL);
    return g_strjoinv(" ", (GStrv)(void *)names->pdata);
}

static void
test_classes(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(RbTexts) texts = rb_texts_new();
        g_autofree char *got = NULL;
        for (guint j = 0; j < 4 && rows[i].at[j].pattern != NULL; j++)
            assert_int_equal(rb_texts_add(texts, rows[i].at[j].glob, rows[i].at[j].pattern), j);
        assert_true(rb_texts_explore(texts, 10000));
        got = list_classes(texts);
        if (g_strcmp0(got, rows[i].classes) != 0)
            fail_msg("%s: want %s, got %s", rows[i].name, rows[i].classes, got);
    }
}

static gboolean
judge(RbGlob glob, const char *pattern, const char *text)
{
    switch (glob) {
    case RB_GLOB_TEXT:
        return rb_match_text(pattern, text);
    case RB_GLOB_EXACT:
        return g_str_equal(pattern, text);
    case RB_GLOB_NOCASE:
        return g_ascii_strcasecmp(pattern, text) == 0;
    case RB_GLOB_ACTION:
        return rb_match_action(pattern, text);
    case RB_GLOB_ACTION_WIDE:
        return rb_match_action_wide(pattern, text);
    case RB_GLOB_ARN:
        return rb_match_arn(pattern, text);
    default:
        return rb_match_resource(pattern, text);
    }
}

static char *
random_text(GRand *rand, const char *alphabet, guint max)
{
    guint n = (guint)g_rand_int_range(rand, 0, (gint32)max + 1);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < n; i++)
        g_string_append_c(text, alphabet[g_rand_int_range(rand, 0, (gint32)strlen(alphabet))]);
    return g_string_free(text, FALSE);
}

static guint
colons(const char *text)
{
    guint n = 0;

    for (; *text != '\0'; text++)
        n += *text == ':';
    return n;
}

/* What is said of a class is what iam/ says of its texts, and every text is of some class. */
static void
test_against_match(void **state)
{
    guint32 seed = g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

    (void)state;
    print_message("seed %u\n", seed);
    for (guint round = 0; round < 300; round++) {
        g_autoptr(RbTexts) texts = rb_texts_new();
        for (guint i = 0; i < 5; i++) {
            g_autofree char *pattern = random_text(rand, round % 2 == 0 ? "aAb:*?" : "a::*?", 9);
            (void)rb_texts_add(texts, (RbGlob)g_rand_int_range(rand, 0, RB_GLOB_ARN_WIDE + 1), pattern);
        }
        assert_true(rb_texts_explore(texts, 100000));
        for (guint i = 0; i < 200; i++) {
            g_autofree char *drawn = random_text(rand, i % 2 == 0 ? "aAb:x" : "a::", 9);
            guint n = rb_texts_n_classes(texts);
            const char *text = i < 2 * n ? rb_texts_witness(texts, i / 2, i % 2) : drawn;
            int class = text == NULL ? -1 : rb_texts_class_of(texts, text);
            if (text == NULL)
                continue;
            assert_true(class >= 0);
            for (guint j = 0; j < rb_texts_n(texts); j++) {
                RbGlob glob;
                const char *pattern = rb_texts_pattern(texts, j, &glob);
                gboolean want = judge(glob, pattern, text);
                /* texts with fewer than six fields are no resources; formula.c's shape keeps them out */
                if (glob == RB_GLOB_ARN_WIDE && colons(text) < 5)
                    continue;
                if (rb_texts_matches(texts, (guint) class, j) != want)
                    fail_msg("seed %u: glob %d '%s' on '%s': want %d", seed, (int)glob, pattern, text, want);
            }
        }
    }
}

static void
test_limit(void **state)
{
    g_autoptr(RbTexts) texts = rb_texts_new();

    (void)state;
    for (guint i = 0; i < 26; i++) {
        g_autofree char *pattern = g_strdup_printf("*%c?%c*", 'a' + i, 'a' + i);
        (void)rb_texts_add(texts, RB_GLOB_TEXT, pattern);
    }
    assert_false(rb_texts_explore(texts, 5000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_against_match),
        cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
