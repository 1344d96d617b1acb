#include "base/encoding.h"
#include "prove/priv.h"

#include <arpa/inet.h>
#include <string.h>

enum { DIGITS_MAX = 200 };

/* A decimal that Z3 reads as it stands. */
static gboolean
is_decimal(const char *text)
{
    gsize whole, part = 0;

    text += *text == '-';
    whole = strspn(text, "0123456789");
    if (text[whole] == '.') {
        part = strspn(text + whole + 1, "0123456789");
        if (part == 0)
            return FALSE;
        part++;
    }
    return whole > 0 && whole + part <= DIGITS_MAX && text[whole + part] == '\0';
}

/* How the value, when it is of this kind, stands to the number @text. */
static Z3_ast
compare(const RbFormula *formula, Z3_ast is_one, Z3_ast value, RbPolicyTest test, const char *text)
{
    Z3_context z3 = formula->z3;
    Z3_ast limit = Z3_mk_numeral(z3, text, formula->real), parts[2] = { is_one };

    switch (test) {
    case RB_TEST_NUMERIC_LESS:
    case RB_TEST_DATE_LESS:
        parts[1] = Z3_mk_lt(z3, value, limit);
        break;
    case RB_TEST_NUMERIC_LESS_EQUALS:
    case RB_TEST_DATE_LESS_EQUALS:
        parts[1] = Z3_mk_le(z3, value, limit);
        break;
    case RB_TEST_NUMERIC_GREATER:
    case RB_TEST_DATE_GREATER:
        parts[1] = Z3_mk_gt(z3, value, limit);
        break;
    case RB_TEST_NUMERIC_GREATER_EQUALS:
    case RB_TEST_DATE_GREATER_EQUALS:
        parts[1] = Z3_mk_ge(z3, value, limit);
        break;
    default:
        parts[1] = Z3_mk_eq(z3, value, limit);
    }
    return Z3_mk_and(z3, 2, parts);
}

Z3_ast
rb_formula_number(RbFormula *formula, const RbTextVar *var, guint value, RbPolicyTest test,
                  const RbPolicyText *text)
{
    if (!is_decimal(text->text)) /* 1e3 is a number too */
        return rb_formula_opaque(formula, var, value, RB_GLOB_TEXT, text);
    return compare(formula, rb_formula_constant(formula, var, value, "is_number", formula->boolean),
                   rb_formula_constant(formula, var, value, "number", formula->real), test, text->text);
}

Z3_ast
rb_formula_date(RbFormula *formula, const RbTextVar *var, guint value, RbPolicyTest test,
                const RbPolicyText *text)
{
    g_autofree char *second = g_strdup(text->text);
    gint64 utc_s;

    if (strlen(text->text) == strlen("2026-11-24T09:00:00Z") && text->text[10] == 'T' &&
        g_str_has_suffix(text->text, "Z") && rb_time_parse(text->text, &utc_s)) {
        g_free(second);
        second = g_strdup_printf("%" G_GINT64_FORMAT, utc_s);
    }
    if (strspn(second, "0123456789") != strlen(second) || strlen(second) == 0 || strlen(second) > 12)
        return rb_formula_opaque(formula, var, value, RB_GLOB_TEXT, text); /* other spellings */
    return compare(formula, rb_formula_constant(formula, var, value, "is_date", formula->boolean),
                   rb_formula_constant(formula, var, value, "date", formula->real), test, second);
}

/* ---- addresses ---- */

static Z3_ast
bits_of(const RbFormula *formula, const guint8 *bytes, guint bits)
{
    Z3_context z3 = formula->z3;
    Z3_ast all = NULL;

    for (guint i = 0; i < bits; i += 8) {
        guint n = MIN(8, bits - i);
        Z3_ast part = Z3_mk_unsigned_int(z3, bytes[i / 8] >> (8 - n), Z3_mk_bv_sort(z3, n));
        all = all == NULL ? part : Z3_mk_concat(z3, all, part);
    }
    return all;
}

/* The first bits of the address are those of the network. */
static Z3_ast
within(const RbFormula *formula, const RbTextVar *var, guint value, const guint8 *bytes, guint size,
       guint bits)
{
    Z3_context z3 = formula->z3;
    Z3_ast is_one =
        rb_formula_constant(formula, var, value, size == 32 ? "is_v4" : "is_v6", formula->boolean);
    Z3_ast address =
        rb_formula_constant(formula, var, value, size == 32 ? "v4" : "v6", Z3_mk_bv_sort(z3, size));
    Z3_ast parts[2] = { is_one };

    if (bits == 0)
        return is_one;
    parts[1] = Z3_mk_eq(z3, Z3_mk_extract(z3, size - 1, size - bits, address), bits_of(formula, bytes, bits));
    return Z3_mk_and(z3, 2, parts);
}

Z3_ast
rb_formula_address(RbFormula *formula, const RbTextVar *var, guint value, const RbPolicyText *text)
{
    g_auto(GStrv) parts = g_strsplit(text->text, "/", 2);
    guint8 bytes[16];
    guint64 bits;
    guint size = 0;

    if (parts[0] != NULL && inet_pton(AF_INET, parts[0], bytes) == 1)
        size = 32;
    else if (parts[0] != NULL && inet_pton(AF_INET6, parts[0], bytes) == 1)
        size = 128;
    bits = size;
    if (size == 0 || (parts[1] != NULL && !g_ascii_string_to_unsigned(parts[1], 10, 0, size, &bits, NULL)))
        return Z3_mk_false(formula->z3);
    return within(formula, var, value, bytes, size, (guint)bits);
}
