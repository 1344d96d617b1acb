#include "iam/catalogue.h"
#include "iam/match.h"
#include "iam/policy_check_priv.h"

#include "base/encoding.h"

#include <string.h>

/* Condition: keys, and whether the operator suits them. */

/* What an operator compares, in the catalogue's words. */
static const char *
family_of(RbPolicyTest test)
{
    switch (test) {
    case RB_TEST_STRING_EQUALS:
    case RB_TEST_STRING_EQUALS_IGNORE_CASE:
    case RB_TEST_STRING_LIKE:
        return "String";
    case RB_TEST_NUMERIC_EQUALS:
    case RB_TEST_NUMERIC_LESS:
    case RB_TEST_NUMERIC_LESS_EQUALS:
    case RB_TEST_NUMERIC_GREATER:
    case RB_TEST_NUMERIC_GREATER_EQUALS:
        return "Numeric";
    case RB_TEST_DATE_EQUALS:
    case RB_TEST_DATE_LESS:
    case RB_TEST_DATE_LESS_EQUALS:
    case RB_TEST_DATE_GREATER:
    case RB_TEST_DATE_GREATER_EQUALS:
        return "Date";
    case RB_TEST_BOOL:
        return "Bool";
    case RB_TEST_BINARY_EQUALS:
        return "Binary";
    case RB_TEST_IP_ADDRESS:
        return "IPAddress";
    case RB_TEST_ARN_LIKE:
        return "ARN";
    case RB_TEST_NULL:
        break;
    }
    return NULL; /* Null suits every key */
}

static gboolean
suits(const char *family, const RbConditionKey *key)
{
    const char *type = key->type;

    if (family == NULL || g_str_equal(family, type))
        return TRUE;
    if (g_str_equal(family, "ARN") && strstr(key->name, "${") != NULL) /* a tag may hold one */
        return TRUE;
    if (g_str_equal(family, "String")) /* an ARN is text, too */
        return g_str_equal(type, "ARN");
    return g_str_equal(family, "Numeric") && g_str_equal(type, "Date"); /* seconds since 1970 */
}

/* ---- keys ---- */

static const char *
prefix_of(const char *key)
{
    const char *colon = strrchr(key, ':');

    return colon == NULL || colon == key || colon[1] == '\0' ? NULL : colon;
}

/* The key itself: its form, and whether AWS has it. */
static void
check_key(const RbPolicyCheck *check, const RbPolicyCondition *c, const RbConditionKey *known)
{
    const char *key = c->key.text, *colon = prefix_of(key);
    g_autofree char *quoted = rb_text_quote(key);
    g_autofree char *prefix = colon == NULL ? NULL : g_ascii_strdown(key, colon - key);

    if (prefix == NULL || strpbrk(key, " \t\r\n") != NULL)
        RB_FIND(check, ERROR, "INVALID_CONDITION_KEY_FORMAT", c->key.place,
                "write service:key, like aws:SourceIp", "%s is not a condition key", quoted);
    else if (known == NULL && g_str_has_prefix(prefix, "aws") && (prefix[3] == '\0' || prefix[3] == ':'))
        RB_FIND(check, ERROR, "INVALID_GLOBAL_CONDITION_KEY", c->key.place, NULL,
                "AWS has no global condition key %s", quoted);
    else if (known == NULL && rb_catalogue_has_service(prefix))
        RB_FIND(check, ERROR, "INVALID_SERVICE_CONDITION_KEY", c->key.place, NULL,
                "%s has no condition key %s", prefix, quoted);
    else if (g_ascii_strcasecmp(key, "aws:SourceOwner") == 0)
        RB_FIND(check, WARNING, "DEPRECATED_GLOBAL_CONDITION_KEY", c->key.place, "use aws:SourceAccount",
                "the key %s is no longer to be used", quoted);
}

/* ForAnyValue and ForAllValues: for keys of several values, and only for those. */
static void
check_set(const RbPolicyCheck *check, const RbPolicyCondition *c, const RbConditionKey *known)
{
    const char *key = c->key.text;

    if (c->test == RB_TEST_NULL) {
        if (c->set != RB_SET_NONE)
            RB_FIND(check, SUGGESTION, "NULL_WITH_QUALIFIER", c->op.place, "write Null alone",
                    "ForAllValues makes Null always true, ForAnyValue always false");
        return;
    }
    if (c->set != RB_SET_NONE && g_str_has_suffix(key, ":aud"))
        RB_FIND(check, SUGGESTION, "CONFIRM_AUDIENCE_CLAIM_TYPE", c->op.place, "leave the qualifier out",
                "the audience of a token is one value, unless its issuer writes several");
    else if (known != NULL && known->several && c->set == RB_SET_NONE)
        RB_FIND(check, ERROR, "MISSING_QUALIFIER", c->op.place,
                "write ForAnyValue: or ForAllValues: before it", "'%s' has several values", key);
    else if (known != NULL && !known->several && c->set == RB_SET_ALL_VALUES && check->s->allow)
        RB_FIND(check, SECURITY, "FORALLVALUES_WITH_SINGLE_VALUED_KEY", c->op.place,
                "leave ForAllValues: out: it also holds where the key is absent", "'%s' has one value", key);
}

/* Keys that say little without another one. */
static void
check_pairs(const RbPolicyCheck *check, const RbPolicyCondition *c)
{
    static const struct {
        const char *key, *either, * or ;
    } pairs[] = {
        { "aws:VpcSourceIp", "aws:SourceVpc", "aws:SourceVpce" },
        { "aws:Ec2InstanceSourcePrivateIPv4", "aws:Ec2InstanceSourceVpc", "aws:SourceVpc" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++)
        if (g_ascii_strcasecmp(c->key.text, pairs[i].key) == 0 && check->s->allow &&
            !rb_policy_has_key(check->s, pairs[i].either) && !rb_policy_has_key(check->s, pairs[i].or))
            RB_FIND(check, SECURITY, "MISSING_PAIRED_CONDITION_KEYS", c->key.place,
                    "private addresses are not unique: say whose network it is",
                    "'%s' stands without '%s' or '%s'", pairs[i].key, pairs[i].either, pairs[i].or);
}

/* ---- values ---- */

static gboolean
is_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static void
check_values(const RbPolicyCheck *check, const RbPolicyCondition *c)
{
    const char *family = family_of(c->test);
    gboolean text = g_strcmp0(family, "String") == 0 || g_strcmp0(family, "ARN") == 0;

    for (guint i = 0; i < c->values.n; i++) {
        const RbPolicyText *value = &c->values.at[i];
        gboolean variable = rb_policy_check_variables(check, value, value->text,
                                                      text ? NULL : "INVALID_VARIABLE_FOR_OPERATOR",
                                                      "only operators on texts and ARNs know variables");
        if (!variable)
            rb_policy_check_value(check, c, value);
    }
    if ((c->test == RB_TEST_BOOL || c->test == RB_TEST_NULL) && c->values.n > 1)
        RB_FIND(check, ERROR, "INVALID_CONDITION_MULTIPLE_BOOLEAN", c->values.at[1].place, "keep one",
                "a condition on yes or no has one value");
    if (c->test == RB_TEST_IP_ADDRESS)
        rb_policy_check_networks(check, c);
    rb_policy_check_spare(check, c->values, "REDUNDANT_CONDITION_VALUE",
                          c->test == RB_TEST_STRING_LIKE ? rb_match_covers
                          : c->test == RB_TEST_ARN_LIKE  ? rb_match_covers_arn
                                                         : is_same);
}

void
rb_policy_check_conditions(const RbPolicyCheck *check)
{
    for (guint i = 0; i < check->s->n_conditions; i++) {
        const RbPolicyCondition *c = &check->s->conditions[i];
        const RbConditionKey *known = rb_catalogue_key(c->key.text);
        const char *family = family_of(c->test);
        (void)rb_policy_check_variables(check, &c->key, c->key.text, "VARIABLE_UNSUPPORTED_IN_ELEMENT",
                                        "a condition key knows no variables");
        check_key(check, c, known);
        check_set(check, c, known);
        check_pairs(check, c);
        if (known != NULL && !suits(family, known))
            RB_FIND(check, WARNING, "TYPE_MISMATCH", c->op.place, NULL,
                    "'%s' compares as %s, but '%s' is of type %s", c->op.text, family, c->key.text,
                    known->type);
        check_values(check, c);
    }
}
