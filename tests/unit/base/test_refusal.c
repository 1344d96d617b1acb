#include "base/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_catalogue(void **state)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    guint n = 0;

    (void)state;
    for (const RbOutcome *o = rb_outcomes(); o->id != NULL; o++, n++) {
        assert_true(g_hash_table_add(seen, (gpointer)o->id));
        assert_true(o->status >= 400 && o->status < 600);
        assert_true(strchr(o->id, '.') != NULL);
        if (!g_str_has_suffix(o->what, ".") || !g_str_has_suffix(o->next, "."))
            fail_msg("%s: its two texts must be sentences", o->id);
    }
    assert_int_equal(n, RB_N_REFUSALS - 1 + RB_N_FAULTS - 1);
}

static void
test_outcomes(void **state)
{
    g_autoptr(GError) refusal = NULL, fault = NULL, other = NULL;

    (void)state;
    assert_string_equal(g_quark_to_string(RB_REFUSAL), "rb-refusal");
    assert_string_equal(g_quark_to_string(RB_FAULT), "rb-fault");
    assert_false(rb_refuse(&refusal, RB_REQUEST_TOO_LARGE, "%d bytes", 9));
    assert_string_equal(rb_outcome(refusal)->id, "request.too_large");
    assert_string_equal(refusal->message, "9 bytes");
    assert_false(rb_fault(&fault, RB_FAULT_FILE, "gone"));
    assert_string_equal(rb_outcome(fault)->id, "fault.file");
    g_set_error(&other, G_FILE_ERROR, G_FILE_ERROR_NOENT, "strange");
    assert_string_equal(rb_outcome(other)->id, "fault.internal");
    assert_false(rb_refuse(NULL, RB_REQUEST_TOO_LARGE, "nobody listens"));
    assert_ptr_equal(rb_outcome_by_id("request.too_large"), rb_outcome(refusal));
    assert_null(rb_outcome_by_id("no.such"));
}

static void
test_by_id(void **state)
{
    (void)state;
    for (const RbOutcome *o = rb_outcomes(); o->id != NULL; o++) {
        g_autoptr(GError) error = NULL;
        assert_false(rb_refuse_by_id(&error, o->id, "said elsewhere"));
        assert_ptr_equal(rb_outcome(error), o);
        assert_string_equal(error->message, "said elsewhere");
    }
    {
        g_autoptr(GError) error = NULL;
        assert_false(rb_refuse_by_id(&error, "no.such", "said elsewhere"));
        assert_string_equal(rb_outcome(error)->id, "fault.internal");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_catalogue), cmocka_unit_test(test_outcomes),
                                        cmocka_unit_test(test_by_id) };

    return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
