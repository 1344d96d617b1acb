/* AWS's XML as JSON. */
#include "issue/query.h"

#include "base/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
    const char *name, *xml, *want; /* NULL: fault.sts */
} rows[] = {
    { "a text", "<a>x</a>", "{\"a\":\"x\"}" },
    { "nothing in it", "<a/>", "{\"a\":\"\"}" },
    { "objects", "<a xmlns=\"urn:x\" k=\"v\"><b>1</b> <c><d>2</d></c></a>", "{\"a\":{\"b\":\"1\",\"c\":{\"d\":\"2\"}}}" },
    { "a list", "<a><member>1</member><member><b>2</b></member></a>", "{\"a\":[\"1\",{\"b\":\"2\"}]}" },
    { "a list of one", "<a>\n<member>1</member>\n</a>", "{\"a\":[\"1\"]}" },
    { "an empty member", "<a><member/></a>", "{\"a\":[\"\"]}" },
    { "entries", "<a><entry><key>k</key><value>2</value></entry></a>", "{\"a\":[{\"key\":\"k\",\"value\":\"2\"}]}" },
    { "escapes", "<a>&lt;&amp;&#x41;</a>", "{\"a\":\"<&A\"}" },
    { "an element twice", "<a><b>1</b><b>2</b></a>", NULL },
    { "a member among others", "<a><b>1</b><member>2</member></a>", NULL },
    { "others among members", "<a><member>2</member><b>1</b></a>", NULL },
    { "a comment in a text", "<a>x<!-- y -->z</a>", NULL },
    { "CDATA", "<a><![CDATA[x]]></a>", NULL },
    { "a DTD", "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", NULL },
    { "an entity of nobody", "<a>&e;</a>", NULL },
    { "not closed", "<a><b></a>", NULL },
    { "HTML", "<html><p>x<br></html>", NULL },
    { "JSON", "{}", NULL },
    { "nothing", "", NULL },
};
/* clang-format on */

static void
test_read(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new(rows[i].xml, strlen(rows[i].xml));
        g_autoptr(GError) error = NULL;
        json_t *json = rb_query_read(bytes, &error);
        char *got = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
        if (g_strcmp0(got, rows[i].want) != 0)
            wrong++, print_error("%s: got %s, want %s\n", rows[i].name, got, rows[i].want);
        if (json == NULL && g_strcmp0(rb_outcome(error)->id, "fault.sts") != 0)
            wrong++, print_error("%s: %s\n", rows[i].name, rb_outcome(error)->id);
        free(got);
        json_decref(json);
    }
    assert_int_equal(wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_read) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
