#include "base/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *name, *text, *bytes; /* bytes NULL: refused */
} base64[] = {
    { "empty", "", "" },
    { "one byte", "QQ==", "A" },
    { "line ends", "QU\r\nJD\n", "ABC" },
    { "no padding", "QQ", NULL },
    { "too much padding", "QUI==", NULL },
    { "padding inside", "QQ==QQ==", NULL },
    { "left-over bits", "QR==", NULL },
    { "url alphabet", "-_8=", NULL },
    { "other character", "QU!D", NULL },
    { "too large", "QUJDREVGR0hJSktMTU5PUFE=", NULL },
};

static void
test_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(base64); i++) {
        g_autoptr(GBytes) got = rb_base64_decode(base64[i].text, 16);
        if ((got == NULL) != (base64[i].bytes == NULL))
            fail_msg("%s", base64[i].name);
        if (got != NULL && (g_bytes_get_size(got) != strlen(base64[i].bytes) ||
                            memcmp(g_bytes_get_data(got, NULL), base64[i].bytes, g_bytes_get_size(got)) != 0))
            fail_msg("%s: other bytes", base64[i].name);
    }
}

static void
test_base64url(void **state)
{
    static const guint8 bytes[] = { 0xfb, 0xff, 0xfe, 0x00 };
    g_autofree char *text = rb_base64url_encode(bytes, sizeof bytes);
    g_autoptr(GBytes) back = rb_base64url_decode(text);

    (void)state;
    assert_string_equal(text, "-__-AA");
    assert_memory_equal(g_bytes_get_data(back, NULL), bytes, sizeof bytes);
    assert_null(rb_base64url_decode("-__-AA=="));
    assert_null(rb_base64url_decode("+//+AA"));
    assert_null(rb_base64url_decode("-__-AB"));
    assert_null(rb_base64url_decode("A"));
    for (guint i = 0; i < 256; i++) { /* every byte, every length of a tail; as GLib's but for the alphabet */
        guint8 all[5] = { (guint8)i, (guint8)(i * 7), (guint8)(255 - i), (guint8)(i + 128),
                          (guint8)(i ^ 85) };
        g_autofree char *ours = rb_base64url_encode(all, i % 6), *theirs = g_base64_encode(all, i % 6);
        theirs[strcspn(theirs, "=")] = '\0';
        assert_string_equal(ours, g_strdelimit(g_strdelimit(theirs, "+", '-'), "/", '_'));
    }
}

static const struct {
    const char *text, *want;
} printable[] = {
    { "plain", "plain" },
    { "a\033[31mred", "a\\x1b[31mred" },
    { "tab\tline\n", "tab\\x09line\\x0a" },
    { "\xe2\x80\xaegpj.exe", "\\u{202e}gpj.exe" },
    { "bad\xff", "bad\\xff" },
    { "c1\xc2\x9b", "c1\\u{9b}" },
    { "no\xef\xbf\xbe\xef\xbf\xbf", "no\\u{fffe}\\u{ffff}" },
    { "last\xf4\x8f\xbf\xbf", "last\\u{10ffff}" },
    { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
};

static void
test_printable(void **state)
{
    g_autofree char *cut = rb_text_printable("0123456789", 4);

    (void)state;
    assert_string_equal(cut, "0123…");
    for (size_t i = 0; i < G_N_ELEMENTS(printable); i++) {
        g_autofree char *got = rb_text_printable(printable[i].text, 100);
        assert_string_equal(got, printable[i].want);
    }
}

static void
test_nearest(void **state)
{
    static const char *const roles[] = { "data-scientist", "developer", "tester", NULL };

    (void)state;
    assert_string_equal(rb_text_nearest("data-scientst", roles), "data-scientist");
    assert_string_equal(rb_text_nearest("tset er", roles), "tester");
    assert_string_equal(rb_text_nearest("develpoer", roles), "developer");
    assert_null(rb_text_nearest("administrator", roles));
}

static void
test_time(void **state)
{
    g_autofree char *text = rb_time_format(1795510800);
    gint64 s = 7;

    (void)state;
    assert_string_equal(text, "2026-11-24T09:00:00Z");
    assert_true(rb_time_parse("2026-11-24T10:00:00+01:00", &s));
    assert_int_equal(s, 1795510800);
    assert_true(rb_time_parse("2026-11-24T09:00:00.999Z", &s));
    assert_int_equal(s, 1795510800);
    assert_false(rb_time_parse("2026-11-24T09:00:00", &s));
    assert_false(rb_time_parse("tomorrow", &s));
    assert_false(rb_time_parse("1969-12-31T23:59:59Z", &s));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),  cmocka_unit_test(test_base64url), cmocka_unit_test(test_printable),
        cmocka_unit_test(test_nearest), cmocka_unit_test(test_time),
    };

    return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}
