#include "base/refusal.h"
#include "identity/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static RbIdentity
facts(void)
{
    static const char *const groups[] = { "zebra", "apple", "zebra", NULL };
    static const char *const research[] = { "Research", NULL };
    static const char *const more[] = { "Second", NULL };
    static const RbAttribute attributes[] = {
        { "department", research }, { "a", more }, { "department", more }, { NULL, NULL }
    };
    return (RbIdentity){ .subject = "s1",
                         .name = "ada@acme.example",
                         .provider = "corp-saml",
                         .issuer = "https://idp.acme.example",
                         .groups = groups,
                         .attributes = attributes,
                         .authenticated_at = 1000,
                         .groups_at = 1000,
                         .mfa = TRUE };
}

static void
test_groups_and_attributes(void **state)
{
    RbIdentity f = facts();
    g_autoptr(RbIdentity) id = rb_identity_new(&f, NULL);
    const char *const *values;

    (void)state;
    assert_non_null(id);
    assert_int_equal(id->n_groups, 2);
    assert_string_equal(id->groups[0], "apple");
    assert_true(rb_identity_has_group(id, "zebra"));
    assert_false(rb_identity_has_group(id, "Zebra"));
    values = rb_identity_attribute(id, "department");
    assert_string_equal(values[0], "Research");
    assert_string_equal(values[1], "Second");
    assert_null(values[2]);
    assert_null(rb_identity_attribute(id, "Department"));
}

static const struct {
    const char *label, *name;
    RbRefusalCode want;
} names[] = {
    { "mail address", "ada@acme.example", RB_ACCEPTED },
    { "shortest", "ab", RB_ACCEPTED },
    { "64 characters", "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd", RB_ACCEPTED },
    { "65 characters", "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddde",
      RB_IDENTITY_NAME_UNUSABLE },
    { "one character", "a", RB_IDENTITY_NAME_UNUSABLE },
    { "empty", "", RB_IDENTITY_NAME_MISSING },
    { "none", NULL, RB_IDENTITY_NAME_MISSING },
    { "blank inside", "ada lovelace", RB_IDENTITY_NAME_UNUSABLE },
    { "umlaut", "j\xc3\xb6rg", RB_IDENTITY_NAME_UNUSABLE },
    { "domain prefix", "ACME\\ada", RB_IDENTITY_NAME_UNUSABLE },
    { "newline", "ada\n", RB_IDENTITY_NAME_UNUSABLE },
    { "colon", "a:b", RB_IDENTITY_NAME_UNUSABLE },
};

static void
test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        RbIdentity f = facts();
        g_autoptr(RbIdentity) id = NULL;
        f.name = names[i].name;
        id = rb_identity_new(&f, &error);
        if ((id != NULL) != (names[i].want == RB_ACCEPTED) ||
            (error != NULL && !rb_is_refusal(error, names[i].want)))
            fail_msg("%s: %s", names[i].label, error != NULL ? error->message : "accepted");
    }
}

static void
test_limits(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(g_free);
    RbIdentity f = facts();

    (void)state;
    for (guint i = 0; i <= RB_IDENTITY_MAX_GROUPS; i++)
        g_ptr_array_add(groups, g_strdup_printf("g%u", i));
    g_ptr_array_add(groups, NULL);
    f.groups = (const char *const *)groups->pdata;
    assert_null(rb_identity_new(&f, &error));
    assert_true(rb_is_refusal(error, RB_IDENTITY_TOO_MANY_GROUPS));
    g_clear_error(&error);
    f = facts();
    f.subject = "\xff";
    assert_null(rb_identity_new(&f, &error));
    assert_true(rb_is_refusal(error, RB_IDENTITY_MALFORMED));
}

static void
test_json_round_trip(void **state)
{
    RbIdentity f = facts();
    g_autoptr(RbIdentity) id = NULL, back = NULL;
    json_t *json, *again;

    (void)state;
    f.session_index = "_s1";
    f.expires_at = 99;
    id = rb_identity_new(&f, NULL);
    json = rb_identity_to_json(id);
    back = rb_identity_from_json(json, NULL);
    assert_non_null(back);
    again = rb_identity_to_json(back);
    assert_true(json_equal(json, again));
    (void)json_object_del(json, "groups");
    {
        g_autoptr(GError) error = NULL;
        assert_null(rb_identity_from_json(json, &error));
        assert_true(g_error_matches(error, RB_FAULT, RB_FAULT_INTERNAL));
    }
    json_decref(json);
    json_decref(again);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_and_attributes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_json_round_trip),
    };

    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
