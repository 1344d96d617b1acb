#include "review/priv.h"

/* Conditions in words: "aws:SecureTransport is true". */

static const char *
verb(const RbPolicyCondition *c)
{
    switch (c->test) {
    case RB_TEST_STRING_LIKE:
    case RB_TEST_ARN_LIKE:
        return c->negated ? "is not like" : "is like";
    case RB_TEST_NUMERIC_LESS:
        return "is below";
    case RB_TEST_NUMERIC_LESS_EQUALS:
        return "is at most";
    case RB_TEST_NUMERIC_GREATER:
        return "is above";
    case RB_TEST_NUMERIC_GREATER_EQUALS:
        return "is at least";
    case RB_TEST_DATE_LESS:
        return "is before";
    case RB_TEST_DATE_LESS_EQUALS:
        return "is not after";
    case RB_TEST_DATE_GREATER:
        return "is after";
    case RB_TEST_DATE_GREATER_EQUALS:
        return "is not before";
    case RB_TEST_IP_ADDRESS:
        return c->negated ? "is not in" : "is in";
    case RB_TEST_STRING_EQUALS_IGNORE_CASE:
        return c->negated ? "is not (in any case)" : "is (in any case)";
    default:
        return c->negated ? "is not" : "is";
    }
}

static gboolean
is_true(const RbPolicyCondition *c)
{
    return c->values.n == 1 && g_ascii_strcasecmp(c->values.at[0].text, "true") == 0;
}

char *
rb_condition_words(const RbPolicyCondition *c)
{
    GString *out = g_string_new(NULL);

    if (c->test == RB_TEST_NULL) {
        g_string_append_printf(out, "%s is %s", c->key.text, is_true(c) ? "absent" : "there");
        return g_string_free(out, FALSE);
    }
    g_string_append_printf(out, "%s%s %s",
                           c->set == RB_SET_ANY_VALUE    ? "one of "
                           : c->set == RB_SET_ALL_VALUES ? "every one of "
                                                         : "",
                           c->key.text, verb(c));
    for (guint i = 0; i < c->values.n; i++)
        g_string_append_printf(out, "%s%s",
                               i == 0       ? " "
                               : c->negated ? " nor "
                                            : " or ",
                               c->values.at[i].text);
    if (c->if_exists)
        g_string_append(out, ", where it is there");
    return g_string_free(out, FALSE);
}

char *
rb_statement_words(const RbPolicyStatement *statement)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < statement->n_conditions; i++) {
        g_autofree char *words = rb_condition_words(&statement->conditions[i]);
        g_string_append_printf(out, "%s%s", i == 0 ? "" : " and ", words);
    }
    return g_string_free(out, FALSE);
}
