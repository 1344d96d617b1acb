/* An account's first-day settings: each row in order, and not. */
#include "deploy/baseline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1795510800 /* 2026-11-24 */

#define SUMMARY(mfa, keys)                                                                                   \
    "\"summary\":{\"AccountMFAEnabled\":\"" mfa "\",\"AccountAccessKeysPresent\":\"" keys "\"}"
#define POLICY(length, symbols, reuse)                                                                       \
    "\"password_policy\":{\"MinimumPasswordLength\":\"" length "\",\"RequireSymbols\":\"" symbols            \
    "\",\"RequireNumbers\":\"true\","                                                                        \
    "\"RequireUppercaseCharacters\":\"true\",\"RequireLowercaseCharacters\":\"true\"" reuse "}"
#define GOOD POLICY("14", "true", ",\"PasswordReusePrevention\":\"24\"")
#define USER(name, password, mfa, keys)                                                                      \
    "{\"name\":\"" name "\",\"password\":" password ",\"mfa\":" mfa ",\"keys\":[" keys "]}"
#define KEY(active, created, used)                                                                           \
    "{\"id\":\"AKIA1\",\"active\":" active ",\"created\":\"" created "\",\"used\":\"" used "\"}"

/* clang-format off */
static const struct {
    const char *name, *facts, *open; /* ids of open rows */
} rows[] = {
    { "all in order", "{" SUMMARY("1", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[]}", "" },
    { "nothing is said", "{\"summary\":{},\"password_policy\":null,\"aliases\":[],\"users\":[]}", "root-mfa password-policy alias " },
    { "root without MFA", "{" SUMMARY("0", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[]}", "root-mfa " },
    { "root with keys", "{" SUMMARY("1", "1") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[]}", "root-keys " },
    { "short passwords", "{" SUMMARY("1", "0") "," POLICY("13", "true", ",\"PasswordReusePrevention\":\"1\"") ",\"aliases\":[\"acme\"],\"users\":[]}", "password-policy " },
    { "no symbols", "{" SUMMARY("1", "0") "," POLICY("14", "false", ",\"PasswordReusePrevention\":\"1\"") ",\"aliases\":[\"acme\"],\"users\":[]}", "password-policy " },
    { "passwords again", "{" SUMMARY("1", "0") "," POLICY("14", "true", "") ",\"aliases\":[\"acme\"],\"users\":[]}", "password-policy " },
    { "a user with MFA", "{" SUMMARY("1", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[" USER("ada", "true", "true", "") "]}", "users " },
    { "a user without", "{" SUMMARY("1", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[" USER("ada", "true", "false", "") "]}", "users-mfa users " },
    { "a user who cannot sign in", "{" SUMMARY("1", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[" USER("ada", "false", "false", "") "]}", "users " },
    { "a key of 90 days", "{" SUMMARY("1", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[" USER("bot", "false", "false", KEY("true", "2026-08-26T09:00:00Z", "2026-11-24T08:00:00Z")) "]}", "users " },
    { "a key of 91 days", "{" SUMMARY("1", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[" USER("bot", "false", "false", KEY("true", "2026-08-25T09:00:00Z", "2026-11-24T08:00:00Z")) "]}", "users keys-old " },
    { "a key not used for long", "{" SUMMARY("1", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[" USER("bot", "false", "false", KEY("true", "2026-09-26T09:00:00Z", "2026-06-01T08:00:00Z")) "]}", "users keys-unused " },
    { "a key never used", "{" SUMMARY("1", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[" USER("bot", "false", "false", KEY("true", "2026-11-20T09:00:00Z", "")) "]}", "users keys-unused " },
    { "a key of today", "{" SUMMARY("1", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[" USER("bot", "false", "false", KEY("true", "2026-11-24T08:00:00Z", "")) "]}", "users " },
    { "a key that is off", "{" SUMMARY("1", "0") "," GOOD ",\"aliases\":[\"acme\"],\"users\":[" USER("bot", "false", "false", KEY("false", "2020-11-24T08:00:00Z", "")) "]}", "users " },
};
/* clang-format on */

static void
test_rows(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *facts = json_loads(rows[i].facts, 0, NULL);
        g_autoptr(GPtrArray) judged = NULL;
        g_autoptr(GString) got = g_string_new(NULL);
        assert_non_null(facts);
        judged = rb_baseline_judge(facts, NOW);
        assert_int_equal(judged->len, 8);
        for (guint k = 0; k < judged->len; k++) {
            const RbBaselineRow *row = judged->pdata[k];
            assert_int_equal(row->open, row->fix != NULL);
            if (row->open)
                g_string_append_printf(got, "%s ", row->id);
        }
        if (strcmp(got->str, rows[i].open) != 0)
            wrong++, print_error("%s: open: %s, not %s\n", rows[i].name, got->str, rows[i].open);
        json_decref(facts);
    }
    assert_int_equal(wrong, 0);
}

/* Many are counted, and the first few named; what a name could do to a terminal is not done. */
static void
test_names(void **state)
{
    json_t *users = json_array(), *facts;
    g_autoptr(GPtrArray) judged = NULL;

    (void)state;
    for (guint i = 0; i < 100; i++)
        (void)json_array_append_new(users,
                                    json_pack("{s:s, s:b, s:b, s:[]}", "name", i == 0 ? "\x1b[31m" : "u",
                                              "password", 0, "mfa", 0, "keys"));
    facts = json_pack("{s:{}, s:n, s:[], s:o}", "summary", "password_policy", "aliases", "users", users);
    judged = rb_baseline_judge(facts, NOW);
    assert_string_equal(((const RbBaselineRow *)judged->pdata[5])->what,
                        "100 IAM users: \\x1b[31m, u, u, u, u, …");
    json_decref(facts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_names) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
