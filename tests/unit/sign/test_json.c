/* JSON of outside bytes: what is taken, and what is not. */
#include "sign/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define X8 "xxxxxxxx"
#define A16 "[[[[[[[[[[[[[[[["
#define Z16 "]]]]]]]]]]]]]]]]"

static const struct {
    const char *name, *text;
    const char *want; /* compact and sorted; NULL: refused */
    const char *says; /* of the refusal */
} rows[] = {
    /* clang-format off */
    { "empty object",           "{}",                               "{}", NULL },
    { "blanks",                 " \t\r\n{ \"a\" :\n[ ] } ",         "{\"a\":[]}", NULL },
    { "every kind",             "{\"a\":[1,-2,true,false,null,\"x\",{}],\"b\":{\"\":\"\"}}", "{\"a\":[1,-2,true,false,null,\"x\",{}],\"b\":{\"\":\"\"}}", NULL },
    { "reals",                  "{\"a\":[0.5,1e3,-2.5E-1]}",        "{\"a\":[0.5,1000.0,-0.25]}", NULL },
    { "smallest integer",       "{\"a\":-9223372036854775808}",     "{\"a\":-9223372036854775808}", NULL },
    { "escapes",                "{\"a\":\"" X8 "\\\"\\\\\\/\\b\\f\\n\\r\\t" X8 "\"}", "{\"a\":\"" X8 "\\\"\\\\/\\b\\f\\n\\r\\t" X8 "\"}", NULL },
    { "escaped characters",     "{\"a\":\"\\u00e9\\ud83d\\ude00\"}", "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\"}", NULL },
    { "UTF-8",                  "{\"a\":\"" X8 "\xc3\xa9" X8 "\"}", "{\"a\":\"" X8 "\xc3\xa9" X8 "\"}", NULL },
    { "escape in a name",       "{\"\\u0061\":1}",                  "{\"a\":1}", NULL },
    { "16 levels",              "{\"a\":" "[[[[[[[[[[[[[[[" "]]]]]]]]]]]]]]]" "}", "{\"a\":" "[[[[[[[[[[[[[[[" "]]]]]]]]]]]]]]]" "}", NULL },
    { "17 levels",              "{\"a\":" A16 Z16 "}",              NULL, "levels deep" },
    { "17 levels, open",        "{\"a\":" A16,                      NULL, "levels deep" },
    { "nothing",                "",                                 NULL, "empty" },
    { "blanks alone",           "  ",                               NULL, "syntax" },
    { "a list",                 "[1]",                              NULL, "not a JSON object" },
    { "a text",                 "\"a\"",                            NULL, "syntax" },
    { "a member twice",         "{\"a\":1,\"b\":2,\"a\":1}",        NULL, "a member twice" },
    { "twice, once escaped",    "{\"a\":1,\"\\u0061\":1}",          NULL, "a member twice" },
    { "twice, within",          "{\"a\":[{\"b\":1,\"b\":2}]}",      NULL, "a member twice" },
    { "something behind",       "{} {}",                            NULL, "syntax" },
    { "not closed",             "{\"a\":[1",                        NULL, "syntax" },
    { "comma at the end",       "{\"a\":1,}",                       NULL, "syntax" },
    { "comma in a list",        "{\"a\":[1,]}",                     NULL, "syntax" },
    { "no colon",               "{\"a\" 1}",                        NULL, "syntax" },
    { "a name without quotes",  "{a:1}",                            NULL, "syntax" },
    { "single quotes",          "{'a':1}",                          NULL, "syntax" },
    { "a comment",              "{\"a\":1/**/}",                    NULL, "syntax" },
    { "text not closed",        "{\"a\":\"" X8,                     NULL, "syntax" },
    { "line end in a text",     "{\"a\":\"" X8 "\n\"}",             NULL, "syntax" },
    { "line end behind escape", "{\"a\":\"\\n" X8 "\n\"}",          NULL, "syntax" },
    { "unknown escape",         "{\"a\":\"\\x41\"}",                NULL, "syntax" },
    { "escape at the end",      "{\"a\":\"\\",                      NULL, "syntax" },
    { "NUL escaped",            "{\"a\":\"\\u0000\"}",              NULL, "syntax" },
    { "short \\u",              "{\"a\":\"\\u00e\"}",               NULL, "syntax" },
    { "high half alone",        "{\"a\":\"\\ud83d\"}",              NULL, "syntax" },
    { "high half and another",  "{\"a\":\"\\ud83d\\u0041\"}",       NULL, "syntax" },
    { "low half alone",         "{\"a\":\"\\ude00\"}",              NULL, "syntax" },
    { "overlong",               "{\"a\":\"\xc0\xaf\"}",             NULL, "syntax" },
    { "half of UTF-8's pairs",  "{\"a\":\"\xed\xa0\x80\"}",         NULL, "syntax" },
    { "cut UTF-8",              "{\"a\":\"" X8 "\xc3\"}",           NULL, "syntax" },
    { "leading zero",           "{\"a\":01}",                       NULL, "syntax" },
    { "plus",                   "{\"a\":+1}",                       NULL, "syntax" },
    { "minus alone",            "{\"a\":-}",                        NULL, "syntax" },
    { "no fraction",            "{\"a\":1.}",                       NULL, "syntax" },
    { "no exponent",            "{\"a\":1e}",                       NULL, "syntax" },
    { "hexadecimal",            "{\"a\":0x10}",                     NULL, "syntax" },
    { "not a number",           "{\"a\":NaN}",                      NULL, "syntax" },
    { "integer too large",      "{\"a\":9223372036854775808}",      NULL, "syntax" },
    { "real too large",         "{\"a\":1e999}",                    NULL, "syntax" },
    { "True",                   "{\"a\":True}",                     NULL, "syntax" },
    { "tru",                    "{\"a\":tru",                       NULL, "syntax" },
    /* clang-format on */
};

static void
test_rows(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        gsize size = strlen(rows[i].text);
        g_autofree char *bytes = g_memdup2(rows[i].text, size); /* no NUL behind it */
        g_autoptr(GError) error = NULL;
        json_t *json = rb_json_parse(bytes, size, RB_JWT_MALFORMED, "the test", &error);
        char *got = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
        if (g_strcmp0(got, rows[i].want) != 0)
            fail_msg("%s: got %s, not %s", rows[i].name, got, rows[i].want);
        if (got == NULL &&
            (!rb_is_refusal(error, RB_JWT_MALFORMED) || strstr(error->message, rows[i].says) == NULL))
            fail_msg("%s: %s", rows[i].name, error->message);
        free(got);
        json_decref(json);
    }
}

static void
test_nul(void **state)
{
    static const char text[] = "{\"a\":\"b\0c\"}", behind[] = "{}\0", number[] = "{\"a\":1\0}";
    g_autoptr(GError) error = NULL, other = NULL;

    (void)state;
    assert_null(rb_json_parse(text, sizeof text - 1, RB_JWT_MALFORMED, "the test", &error));
    assert_true(rb_is_refusal(error, RB_JWT_MALFORMED));
    assert_null(rb_json_parse(behind, sizeof behind - 1, RB_OIDC_KEYS, "the test", &other));
    assert_true(rb_is_refusal(other, RB_OIDC_KEYS));
    g_clear_error(&other);
    assert_null(rb_json_parse(number, sizeof number - 1, RB_OIDC_KEYS, "the test", &other));
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_nul) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
