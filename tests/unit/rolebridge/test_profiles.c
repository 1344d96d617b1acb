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

#define SESSION                                                                                              \
    "[sso-session corp]\nsso_start_url = https://acme.awsapps.com/start\nsso_region = "                      \
    "eu-central-1\nsso_registration_scopes = sso:account:access\n\n"
#define SERVICES                                                                                             \
    "[services corp]\nsso =\n  endpoint_url = https://bridge.acme.example\nsso_oidc =\n  endpoint_url = "    \
    "https://bridge.acme.example\n\n"
#define SSO_PROFILE                                                                                          \
    "[profile prod.ds]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = ds\nservices = "  \
    "corp\nregion = eu-central-1\n\n"

static const RbProfile ds = { "prod.ds", "prod.ds", "111122223333", "ds" },
                       dev = { "dev.developer", "dev.developer", "444455556666", "developer" };
static const RbProfileStyle by_process = { .region = "eu-central-1", .program = "rolebridge" };
static const RbProfileStyle by_session = { .region = "eu-central-1",
                                           .session = "corp",
                                           .bridge = "https://bridge.acme.example",
                                           .start_url = "https://acme.awsapps.com/start" };

static char *
merge(const char *config, gboolean both, GPtrArray *taken, GError **error)
{
    g_autoptr(GPtrArray) profiles = g_ptr_array_new();

    if (both)
        g_ptr_array_add(profiles, (gpointer)&dev);
    g_ptr_array_add(profiles, (gpointer)&ds);
    return rb_profiles_merge(config, "", "config", profiles, &by_process, taken, error);
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
    g_autofree char *emptied = rb_profiles_merge(filled, "", "config", none, &by_process, taken, NULL);

    (void)state;
    assert_non_null(strstr(filled, "[profile dev.developer]"));
    assert_string_equal(emptied, config);
    assert_int_equal(taken->len, 0);
}

static const struct {
    const char *name, *config, *want;
    const char *taken; /* NULL: none */
} sessions[] = {
    { "an empty file", "", BEGIN SESSION SERVICES SSO_PROFILE END, NULL },
    { "instead of credential_process", BEGIN PROFILE("prod.ds", "prod.ds") END,
      BEGIN SESSION SERVICES SSO_PROFILE END, NULL },
    { "a session of that name, by hand", "[sso-session corp]\nsso_region = x\n",
      "[sso-session corp]\nsso_region = x\n" BEGIN SERVICES SSO_PROFILE END, "sso-session corp" },
    { "services of that name, in quotes and with a tab", "[services\t\"corp\"]\n",
      "[services\t\"corp\"]\n" BEGIN SESSION SSO_PROFILE END, "services corp" },
    { "a profile that is called as the session is", "[profile corp]\nregion = x\n",
      "[profile corp]\nregion = x\n" BEGIN SESSION SERVICES SSO_PROFILE END, NULL },
    { "a profile by hand", "[profile prod.ds]\n", "[profile prod.ds]\n" BEGIN SESSION SERVICES END,
      "prod.ds" },
};

static void
test_sessions(void **state)
{
    g_autoptr(GPtrArray) profiles = g_ptr_array_new();

    (void)state;
    g_ptr_array_add(profiles, (gpointer)&ds);
    for (size_t i = 0; i < G_N_ELEMENTS(sessions); i++) {
        g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(g_free), ours = NULL;
        g_autofree char *got =
            rb_profiles_merge(sessions[i].config, "", "config", profiles, &by_session, taken, NULL);
        g_autofree char *again = rb_profiles_merge(got, "", "config", profiles, &by_session, taken, NULL);
        if (g_strcmp0(got, sessions[i].want) != 0 || g_strcmp0(again, got) != 0 ||
            taken->len != (sessions[i].taken != NULL ? 2 : 0) || /* both times */
            (taken->len > 0 && !g_str_equal(g_ptr_array_index(taken, 0), sessions[i].taken)))
            fail_msg("%s: got\n%s", sessions[i].name, got);
        ours = rb_profiles_ours(got);
        if (ours->len != (g_strcmp0(sessions[i].taken, "prod.ds") == 0 ? 0 : 1))
            fail_msg("%s: %u profiles", sessions[i].name, ours->len);
    }
}

static const struct {
    const char *name, *config;
    gboolean want;
} styles[] = {
    { "no block", "[profile x]\nsso_session = corp\n", FALSE },
    { "by process", BEGIN PROFILE("prod.ds", "prod.ds") END "[x]\nsso_session = corp\n", FALSE },
    { "by session", BEGIN SESSION SERVICES SSO_PROFILE END, TRUE },
};

static void
test_styles(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(styles); i++)
        if (rb_profiles_have_session(styles[i].config) != styles[i].want)
            fail_msg("%s", styles[i].name);
}

static const struct {
    const char *config, *want; /* NULL: none */
} defaults[] = {
    { "", NULL },
    { "[default]\nregion = x\n", NULL },
    { "[default]\naws_access_key_id = x\n", "aws_access_key_id" },
    { "[default]\nregion=x\ncredential_process=y\n", "credential_process" },
    { "[profile default]\nsso_session = corp\n", "sso_session" },
    { "[default]\nregion = x\n[profile other]\nrole_arn = y\n", NULL },
    { "[profile other]\nrole_arn = y\n[default]\nrole_arn = y\n", "role_arn" },
    { "[defaults]\nrole_arn = y\n", NULL },
    { "[default]\ns3 =\n  role_arn = y\n", NULL },
    { "[default]\n# role_arn = y\n", NULL },
};

static void
test_defaults(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(defaults); i++) {
        g_autofree char *got = rb_profiles_default_key(defaults[i].config);
        if (g_strcmp0(got, defaults[i].want) != 0)
            fail_msg("%s: %s", defaults[i].config, got);
    }
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
    assert_null(rb_profile_name("{account}.{role}", "prod", "1\ncredential_process = evil", "ds"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges),   cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_sessions), cmocka_unit_test(test_styles),
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_broken),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests_name("profiles", tests, NULL, NULL);
}
