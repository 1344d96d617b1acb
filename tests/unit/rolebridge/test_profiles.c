#include "base/refusal.h"
#include "rolebridge/profiles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN "# >>> rolebridge: written by 'rolebridge configure'; changes in here are lost >>>\n"
#define END "# <<< rolebridge <<<\n"
#define PROFILE(name, spec)                                                                                  \
    "[profile " name "]\ncredential_process = rolebridge credentials " spec                                  \
    " --format process --login\nregion = eu-central-1\n\n"

static const RbProfile ds = { "prod.ds", "prod.ds" }, dev = { "dev.developer", "dev.developer" };

static char *
merge(const char *config, gboolean both, GPtrArray *taken, GError **error)
{
    g_autoptr(GPtrArray) profiles = g_ptr_array_new();

    if (both)
        g_ptr_array_add(profiles, (gpointer)&dev);
    g_ptr_array_add(profiles, (gpointer)&ds);
    return rb_profiles_merge(config, "", "config", profiles, "rolebridge", "eu-central-1", taken, error);
}

static const struct {
    const char *name, *config, *want;
} merges[] = {
    { "an empty file", "", BEGIN PROFILE("prod.ds", "prod.ds") END },
    { "behind what is there", "[default]\nregion = x",
      "[default]\nregion = x\n" BEGIN PROFILE("prod.ds", "prod.ds") END },
    { "in the place of the old block", "[a]\n" BEGIN "[profile gone]\n" END "[b]\nk = v\n",
      "[a]\n" BEGIN PROFILE("prod.ds", "prod.ds") END "[b]\nk = v\n" },
    { "hand-written profile of that name stays", "[profile prod.ds]\nregion = x\n",
      "[profile prod.ds]\nregion = x\n" },
    { "also in quotes", "[profile \"prod.ds\"]\n", "[profile \"prod.ds\"]\n" },
};

static void
test_merges(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(merges); i++) {
        g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *got = merge(merges[i].config, FALSE, taken, NULL);
        g_autofree char *again = NULL;
        if (g_strcmp0(got, merges[i].want) != 0)
            fail_msg("%s: got\n%s", merges[i].name, got);
        again = merge(got, FALSE, taken, NULL);
        if (g_strcmp0(again, got) != 0)
            fail_msg("%s: a second run changes it to\n%s", merges[i].name, again);
    }
}

static void
test_nothing_is_left_behind(void **state)
{
    static const char config[] = "[default]\nregion = x\n# mine\n";
    g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(g_free), none = g_ptr_array_new();
    g_autofree char *filled = merge(config, TRUE, taken, NULL);
    g_autofree char *emptied = rb_profiles_merge(filled, "", "config", none, "rolebridge", "x", taken, NULL);

    (void)state;
    assert_non_null(strstr(filled, "[profile dev.developer]"));
    assert_string_equal(emptied, config);
    assert_int_equal(taken->len, 0);
}

static const struct {
    const char *name, *config, *want;
} broken[] = {
    { "no end", "a\n" BEGIN "[profile x]\n",
      "config:2: the block of rolebridge that begins here has no end" },
    { "no begin", "a\n" END, "config:2: a block of rolebridge ends here and none began" },
    { "two blocks", BEGIN END BEGIN END, "config:3: a second block of rolebridge begins here" },
};

static void
test_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *got = merge(broken[i].config, FALSE, taken, &error);
        if (got != NULL || !g_error_matches(error, RB_FAULT, RB_FAULT_FILE) ||
            !g_str_has_prefix(error->message, broken[i].want))
            fail_msg("%s: %s", broken[i].name, error != NULL ? error->message : got);
    }
}

static const struct {
    const char *pattern, *account, *want;
} names[] = {
    { "{account}.{role}", "prod", "prod.ds" },
    { "{account_id}:{role}", "prod", "111122223333:ds" },
    { "corp-{role}", "prod", "corp-ds" },
    { "{acount}", "prod", NULL },
    { "{account}", "two words", NULL },
    { "{account}", "x]\n[default", NULL },
    { "{account}", "a;b", NULL },
    { "", "prod", NULL },
};

static void
test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *got = rb_profile_name(names[i].pattern, names[i].account, "111122223333", "ds");
        if (g_strcmp0(got, names[i].want) != 0)
            fail_msg("%s of %s: got %s", names[i].pattern, names[i].account, got);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges),
        cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests_name("profiles", tests, NULL, NULL);
}
