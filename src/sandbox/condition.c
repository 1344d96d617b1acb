#include "sandbox/policy.h"

#include "base/encoding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef gboolean (*Compare)(const char *have, const char *want);
typedef enum { SET_NONE, SET_ANY, SET_ALL } Set;

typedef struct {
    const char *name;
    Compare compare;
    gboolean negated;
    gboolean variables; /* ${…} is replaced in values of String and Arn operators only */
    gboolean patterns;
} Operator;

struct RbBoxCondition {
    const Operator *op; /* NULL: the operator Null */
    Set set;
    gboolean if_exists;
    char *name, *key;
    GPtrArray *values;
};

struct RbBoxContext {
    GHashTable *keys; /* lower-case key → GPtrArray of values */
};

RbBoxContext *
rb_box_context_new(void)
{
    RbBoxContext *context = g_new0(RbBoxContext, 1);

    context->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    return context;
}

void
rb_box_context_free(RbBoxContext *context)
{
    if (context == NULL)
        return;
    g_hash_table_unref(context->keys);
    g_free(context);
}

void
rb_box_context_add(RbBoxContext *context, const char *key, const char *value)
{
    g_autofree char *folded = g_utf8_strdown(key, -1);
    GPtrArray *values;

    if (value == NULL)
        return;
    values = g_hash_table_lookup(context->keys, folded);
    if (values == NULL) {
        values = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(context->keys, g_steal_pointer(&folded), values);
    }
    g_ptr_array_add(values, g_strdup(value));
}

const GPtrArray *
rb_box_context_get(const RbBoxContext *context, const char *key)
{
    g_autofree char *folded = g_utf8_strdown(key, -1);

    return g_hash_table_lookup(context->keys, folded);
}

gboolean
rb_box_glob(const char *pattern, const char *text, gboolean fold_case)
{
    const char *star = NULL, *resume = NULL;

    while (*text != '\0') {
        gboolean literal = *pattern == '\1';
        char want = pattern[literal ? 1 : 0];
        gboolean same = fold_case ? g_ascii_strncasecmp(&want, text, 1) == 0 : want == *text;

        if (!literal && want == '*') {
            star = ++pattern;
            resume = text;
        } else if (want != '\0' && ((!literal && want == '?') || same)) {
            pattern += literal ? 2 : 1;
            text++;
        } else if (star != NULL) { /* one more character for the last star: no recursion, no blow-up */
            pattern = star;
            text = ++resume;
        } else {
            return FALSE;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

gboolean
rb_box_arn_like(const char *pattern, const char *arn)
{
    g_auto(GStrv) wants = g_strsplit(pattern, ":", 6);
    g_auto(GStrv) haves = g_strsplit(arn, ":", 6);

    if (g_strv_length(wants) != 6 || g_strv_length(haves) != 6)
        return FALSE;
    for (guint i = 0; i < 6; i++)
        if (!rb_box_glob(wants[i], haves[i], FALSE))
            return FALSE;
    return TRUE;
}

static gboolean
text_equal(const char *have, const char *want)
{
    return strcmp(have, want) == 0;
}

static gboolean
text_equal_fold(const char *have, const char *want)
{
    g_autofree char *a = g_utf8_casefold(have, -1);
    g_autofree char *b = g_utf8_casefold(want, -1);

    return strcmp(a, b) == 0;
}

static gboolean
text_like(const char *have, const char *want)
{
    return rb_box_glob(want, have, FALSE);
}

static gboolean
arn_like(const char *have, const char *want)
{
    return rb_box_arn_like(want, have);
}

static gboolean
bool_equal(const char *have, const char *want)
{
    return g_ascii_strcasecmp(have, want) == 0;
}

/* -1, 0 or 1, or 2 when either is no number: no operator holds for 2. */
static int
number_order(const char *have, const char *want)
{
    char *end_have, *end_want;
    double a = g_ascii_strtod(have, &end_have);
    double b = g_ascii_strtod(want, &end_want);

    if (end_have == have || *end_have != '\0' || end_want == want || *end_want != '\0')
        return 2;
    return a < b ? -1 : a > b;
}

static gboolean
date_read(const char *text, gint64 *utc_s)
{
    char *end;

    if (rb_time_parse(text, utc_s))
        return TRUE;
    *utc_s = g_ascii_strtoll(text, &end, 10);
    return end != text && *end == '\0';
}

static int
date_order(const char *have, const char *want)
{
    gint64 a, b;

    if (!date_read(have, &a) || !date_read(want, &b))
        return 2;
    return a < b ? -1 : a > b;
}

/* clang-format off */
#define ORDERS(family, order) \
    static gboolean family##_eq(const char *a, const char *b) { return order(a, b) == 0; } \
    static gboolean family##_lt(const char *a, const char *b) { return order(a, b) == -1; } \
    static gboolean family##_le(const char *a, const char *b) { int o = order(a, b); return o == -1 || o == 0; } \
    static gboolean family##_gt(const char *a, const char *b) { return order(a, b) == 1; } \
    static gboolean family##_ge(const char *a, const char *b) { int o = order(a, b); return o == 1 || o == 0; }
ORDERS(number, number_order)
ORDERS(date, date_order)
/* clang-format on */

static gboolean
address_in(const char *have, const char *want)
{
    g_auto(GStrv) parts = g_strsplit(want, "/", 2);
    guint8 a[16], b[16];
    int family = strchr(want, ':') != NULL ? AF_INET6 : AF_INET;
    gint64 bits = family == AF_INET6 ? 128 : 32;

    if (inet_pton(family, have, a) != 1 || inet_pton(family, parts[0], b) != 1)
        return FALSE;
    if (parts[1] != NULL && !g_ascii_string_to_signed(parts[1], 10, 0, bits, &bits, NULL))
        return FALSE;
    for (gint64 bit = 0; bit < bits; bit++)
        if (((a[bit / 8] ^ b[bit / 8]) & (0x80 >> (bit % 8))) != 0)
            return FALSE;
    return TRUE;
}

/* clang-format off */
static const Operator operators[] = {
    { "StringEquals",              text_equal,      FALSE, TRUE,  FALSE },
    { "StringNotEquals",           text_equal,      TRUE,  TRUE,  FALSE },
    { "StringEqualsIgnoreCase",    text_equal_fold, FALSE, TRUE,  FALSE },
    { "StringNotEqualsIgnoreCase", text_equal_fold, TRUE,  TRUE,  FALSE },
    { "StringLike",                text_like,       FALSE, TRUE,  TRUE  },
    { "StringNotLike",             text_like,       TRUE,  TRUE,  TRUE  },
    { "ArnEquals",                 arn_like,        FALSE, TRUE,  TRUE  },
    { "ArnLike",                   arn_like,        FALSE, TRUE,  TRUE  },
    { "ArnNotEquals",              arn_like,        TRUE,  TRUE,  TRUE  },
    { "ArnNotLike",                arn_like,        TRUE,  TRUE,  TRUE  },
    { "NumericEquals",             number_eq,       FALSE, FALSE, FALSE },
    { "NumericNotEquals",          number_eq,       TRUE,  FALSE, FALSE },
    { "NumericLessThan",           number_lt,       FALSE, FALSE, FALSE },
    { "NumericLessThanEquals",     number_le,       FALSE, FALSE, FALSE },
    { "NumericGreaterThan",        number_gt,       FALSE, FALSE, FALSE },
    { "NumericGreaterThanEquals",  number_ge,       FALSE, FALSE, FALSE },
    { "DateEquals",                date_eq,         FALSE, FALSE, FALSE },
    { "DateNotEquals",             date_eq,         TRUE,  FALSE, FALSE },
    { "DateLessThan",              date_lt,         FALSE, FALSE, FALSE },
    { "DateLessThanEquals",        date_le,         FALSE, FALSE, FALSE },
    { "DateGreaterThan",           date_gt,         FALSE, FALSE, FALSE },
    { "DateGreaterThanEquals",     date_ge,         FALSE, FALSE, FALSE },
    { "Bool",                      bool_equal,      FALSE, FALSE, FALSE },
    { "IpAddress",                 address_in,      FALSE, FALSE, FALSE },
    { "NotIpAddress",              address_in,      TRUE,  FALSE, FALSE },
};
/* clang-format on */

static gboolean
read_operator(RbBoxCondition *condition, const char *name)
{
    g_autofree char *bare = NULL;

    if (g_str_has_prefix(name, "ForAnyValue:"))
        condition->set = SET_ANY;
    else if (g_str_has_prefix(name, "ForAllValues:"))
        condition->set = SET_ALL;
    bare = g_strdup(condition->set == SET_NONE ? name : strchr(name, ':') + 1);
    if (condition->set == SET_NONE && strcmp(bare, "Null") == 0)
        return TRUE;
    if (g_str_has_suffix(bare, "IfExists")) {
        condition->if_exists = TRUE;
        bare[strlen(bare) - strlen("IfExists")] = '\0';
    }
    for (guint i = 0; i < G_N_ELEMENTS(operators); i++)
        if (strcmp(bare, operators[i].name) == 0)
            condition->op = &operators[i];
    return condition->op != NULL;
}

static gboolean
read_value(GPtrArray *values, const json_t *value)
{
    char *text = NULL;

    if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value))
        text = g_strdup(json_string_value(value));
    else if (json_is_boolean(value))
        text = g_strdup(json_is_true(value) ? "true" : "false");
    else if (json_is_integer(value))
        text = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        text = g_strdup_printf("%.17g", json_real_value(value));
    if (text != NULL)
        g_ptr_array_add(values, text);
    return text != NULL;
}

RbBoxCondition *
rb_box_condition_parse(const char *operator_name, const char *key, const json_t *values, const char **problem)
{
    RbBoxCondition *condition = g_new0(RbBoxCondition, 1);
    gboolean good = TRUE;
    json_t *value;
    gsize i;

    condition->name = g_strdup(operator_name);
    condition->key = g_strdup(key);
    condition->values = g_ptr_array_new_with_free_func(g_free);
    if (json_is_array(values)) {
        json_array_foreach((json_t *)values, i, value)
        {
            good = read_value(condition->values, value) && good;
        }
    } else {
        good = read_value(condition->values, values);
    }
    *problem = !read_operator(condition, operator_name) ? "Invalid condition operator"
               : !good                                  ? "Invalid condition value"
               : strchr(key, ':') == NULL               ? "Invalid condition key"
                                                        : NULL;
    if (*problem == NULL)
        return condition;
    rb_box_condition_free(condition);
    return NULL;
}

void
rb_box_condition_free(RbBoxCondition *condition)
{
    if (condition == NULL)
        return;
    g_ptr_array_unref(condition->values);
    g_free(condition->name);
    g_free(condition->key);
    g_free(condition);
}

static void
append_literal(GString *out, const char *text, gboolean pattern)
{
    for (; *text != '\0'; text++) {
        if (pattern && (*text == '*' || *text == '?'))
            g_string_append_c(out, '\1'); /* what a person is called never becomes a wildcard */
        g_string_append_c(out, *text);
    }
}

/* One "${…}" from @name on. Returns: where it ends, or NULL when it cannot be resolved. */
static const char *
append_variable(GString *out, const char *name, const RbBoxContext *context, gboolean pattern)
{
    const char *end = strchr(name, '}');
    g_autofree char *inner = end == NULL ? NULL : g_strndup(name, (gsize)(end - name));
    const GPtrArray *values;
    char *comma;

    if (inner == NULL)
        return NULL;
    if (strcmp(inner, "*") == 0 || strcmp(inner, "?") == 0 || strcmp(inner, "$") == 0) {
        append_literal(out, inner, pattern);
        return end + 1;
    }
    comma = strstr(inner, ", '");
    if (comma != NULL)
        *comma = '\0';
    values = rb_box_context_get(context, inner);
    if (values != NULL && values->len == 1) {
        append_literal(out, values->pdata[0], pattern);
    } else if (comma != NULL && g_str_has_suffix(comma + 3, "'")) {
        comma[strlen(comma + 3) + 2] = '\0';
        append_literal(out, comma + 3, pattern);
    } else {
        return NULL;
    }
    return end + 1;
}

/* Returns: @value with its variables replaced, or NULL when one has no value. */
static char *
expand(const char *value, const RbBoxContext *context, const Operator *op)
{
    g_autoptr(GString) out = g_string_new(NULL);

    while (*value != '\0') {
        if (op->variables && value[0] == '$' && value[1] == '{') {
            value = append_variable(out, value + 2, context, op->patterns);
            if (value == NULL)
                return NULL;
        } else {
            g_string_append_c(out, *value++);
        }
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static gboolean
matches(const RbBoxCondition *condition, const char *have, const RbBoxContext *context)
{
    gboolean any = FALSE;

    for (guint i = 0; i < condition->values->len && !any; i++) {
        g_autofree char *want = expand(condition->values->pdata[i], context, condition->op);
        any = want != NULL && condition->op->compare(have, want);
    }
    return any != condition->op->negated;
}

static gboolean
holds(const RbBoxCondition *condition, const GPtrArray *have, const RbBoxContext *context)
{
    guint n = have == NULL ? 0 : have->len, matching = 0;

    if (condition->op == NULL) {
        for (guint i = 0; i < condition->values->len; i++)
            if (bool_equal(condition->values->pdata[i], n == 0 ? "true" : "false"))
                return TRUE;
        return FALSE;
    }
    if (n == 0)
        return condition->set == SET_ALL || condition->if_exists ||
               (condition->set == SET_NONE && condition->op->negated);
    for (guint i = 0; i < n; i++)
        matching += matches(condition, have->pdata[i], context);
    if (condition->set == SET_ANY)
        return matching > 0;
    if (condition->set == SET_ALL)
        return matching == n;
    return n == 1 && matching == 1; /* several values need a set operator */
}

gboolean
rb_box_condition_holds(const RbBoxCondition *condition, const RbBoxContext *context, char **why)
{
    const GPtrArray *have = rb_box_context_get(context, condition->key);
    const char *shown = have == NULL || have->len == 0 ? "absent" : have->pdata[0];

    if (holds(condition, have, context))
        return TRUE;
    if (why != NULL) {
        g_free(*why);
        *why = g_strdup_printf("%s %s '%s', and it is '%s'", condition->key, condition->name,
                               condition->values->len > 0 ? (char *)condition->values->pdata[0] : "", shown);
    }
    return FALSE;
}
