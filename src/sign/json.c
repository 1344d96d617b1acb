#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/sign.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/*
 * One JSON object of outside bytes into jansson's values (RFC 8259). jansson's own reader takes each byte
 * through three calls, and was most of the time of a token with many groups; what this one takes and refuses
 * is what jansson takes and refuses (JSON_REJECT_DUPLICATES), but for the depth and a NUL behind a number:
 * tests/fuzz/fuzz_json.c compares them. docs/decisions/0017-json-read-once.md.
 */

typedef struct {
    const char *start, *at, *end;
    gboolean twice, deep; /* what was wrong, where it is not the syntax */
} Reader;

static json_t *read_value(Reader *r, guint depth);

static void
skip_blanks(Reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static gboolean
take(Reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != c)
        return FALSE;
    r->at++;
    return TRUE;
}

/* ---- strings ---- */

/* The four hexadecimal digits of \uXXXX; -1: they are none. */
static gint32
read_hex(Reader *r)
{
    gint32 unit = 0;

    if (r->end - r->at < 4)
        return -1;
    for (guint i = 0; i < 4; i++) {
        gint digit = g_ascii_xdigit_value(r->at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    r->at += 4;
    return unit;
}

/* Behind "\u": half of a pair alone is no character, and a NUL would end the text for whoever reads it. */
static gboolean
read_unit(Reader *r, GString *text)
{
    gint32 c = read_hex(r), low;

    if (c >= 0xd800 && c <= 0xdbff) {
        if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
            return FALSE;
        r->at += 2;
        low = read_hex(r);
        if (low < 0xdc00 || low > 0xdfff)
            return FALSE;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c <= 0 || (c >= 0xdc00 && c <= 0xdfff))
        return FALSE;
    g_string_append_unichar(text, (gunichar)c);
    return TRUE;
}

static gboolean
read_escape(Reader *r, GString *text)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter;

    if (r->at == r->end)
        return FALSE;
    if (*r->at == 'u') {
        r->at++;
        return read_unit(r, text);
    }
    letter = memchr(letters, *r->at, sizeof letters - 1);
    if (letter == NULL)
        return FALSE;
    r->at++;
    g_string_append_c(text, meanings[letter - letters]);
    return TRUE;
}

/* Whether one of eight bytes is a quote, a backslash or a control character; now and then also where one is
 * above 0x7f. */
static gboolean
is_special(guint64 bytes)
{
    const guint64 ones = G_GUINT64_CONSTANT(0x0101010101010101), highs = ones << 7;
    guint64 quote = bytes ^ (ones * '"'), backslash = bytes ^ (ones * '\\');

    return ((((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
             ((bytes - ones * 0x20) & ~bytes)) &
            highs) != 0;
}

/* To the next quote, backslash or control character; the text was found to be UTF-8 before. */
static const char *
plain_end(const Reader *r)
{
    const char *p = r->at;
    guint64 bytes;

    for (; r->end - p >= (gssize)sizeof bytes; p += sizeof bytes) {
        memcpy(&bytes, p, sizeof bytes);
        if (is_special(bytes))
            break;
    }
    while (p < r->end && *p != '"' && *p != '\\' && (guint8)*p >= 0x20)
        p++;
    return p;
}

/* Behind the opening quote. @text: the value, borrowed from the input, or from @made where it has escapes. */
static gboolean
read_text(Reader *r, const char **text, gsize *size, GString **made)
{
    const char *end = plain_end(r);

    if (end < r->end && *end == '"') {
        *text = r->at;
        *size = (gsize)(end - r->at);
        r->at = end + 1;
        return TRUE;
    }
    *made = g_string_sized_new((gsize)(end - r->at) + 32);
    for (; end < r->end && *end == '\\'; end = plain_end(r)) {
        g_string_append_len(*made, r->at, end - r->at);
        r->at = end + 1;
        if (!read_escape(r, *made))
            return FALSE;
    }
    g_string_append_len(*made, r->at, end - r->at);
    r->at = end;
    *text = (*made)->str;
    *size = (*made)->len;
    return r->at < r->end && *r->at++ == '"';
}

static json_t *
read_string(Reader *r)
{
    GString *made = NULL;
    const char *text = NULL;
    gsize size = 0;
    json_t *value = read_text(r, &text, &size, &made) ? json_stringn_nocheck(text, size) : NULL;

    if (made != NULL)
        g_string_free(made, TRUE);
    return value;
}

/* ---- numbers and words ---- */

static gboolean
skip_digits(Reader *r)
{
    const char *first = r->at;

    while (r->at < r->end && g_ascii_isdigit(*r->at))
        r->at++;
    return r->at > first;
}

/* The number's syntax; @real: it has a fraction or an exponent. */
static gboolean
skip_number(Reader *r, gboolean *real)
{
    if (r->at < r->end && *r->at == '-')
        r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else if (!skip_digits(r))
        return FALSE;
    *real = r->at < r->end && (*r->at == '.' || *r->at == 'e' || *r->at == 'E');
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (!skip_digits(r))
            return FALSE;
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        return skip_digits(r);
    }
    return TRUE;
}

/* A number that no 64-bit integer or double holds is refused, not rounded. */
static json_t *
read_number(Reader *r)
{
    const char *first = r->at;
    g_autofree char *text = NULL;
    gboolean real;
    gint64 integer;
    double value;

    if (!skip_number(r, &real))
        return NULL;
    text = g_strndup(first, (gsize)(r->at - first));
    errno = 0;
    if (!real) {
        integer = g_ascii_strtoll(text, NULL, 10);
        return errno == 0 ? json_integer(integer) : NULL;
    }
    value = g_ascii_strtod(text, NULL);
    return isfinite(value) ? json_real(value) : NULL;
}

static json_t *
read_word(Reader *r)
{
    static const struct {
        const char *text;
        json_t *(*value)(void);
    } words[] = { { "true", json_true }, { "false", json_false }, { "null", json_null } };

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        gsize n = strlen(words[i].text);
        if ((gsize)(r->end - r->at) >= n && memcmp(r->at, words[i].text, n) == 0) {
            r->at += n;
            return words[i].value();
        }
    }
    return NULL;
}

/* ---- arrays and objects ---- */

static gboolean
read_items(Reader *r, json_t *array, guint depth)
{
    if (take(r, ']'))
        return TRUE;
    do {
        json_t *item = read_value(r, depth);
        if (item == NULL || json_array_append_new(array, item) != 0)
            return FALSE;
    } while (take(r, ','));
    return take(r, ']');
}

/* Adds one member; a name that is there already leaves two readers with two meanings. */
static gboolean
read_member(Reader *r, json_t *object, guint depth)
{
    GString *made = NULL;
    const char *name = NULL;
    gsize size = 0;
    json_t *value = NULL;
    gboolean ok = take(r, '"') && read_text(r, &name, &size, &made);

    if (ok && json_object_getn(object, name, size) != NULL) {
        r->twice = TRUE;
        ok = FALSE;
    }
    if (ok && take(r, ':'))
        value = read_value(r, depth);
    ok = value != NULL && json_object_setn_new_nocheck(object, name, size, value) == 0;
    if (made != NULL)
        g_string_free(made, TRUE);
    return ok;
}

static gboolean
read_members(Reader *r, json_t *object, guint depth)
{
    if (take(r, '}'))
        return TRUE;
    do {
        if (!read_member(r, object, depth))
            return FALSE;
    } while (take(r, ','));
    return take(r, '}');
}

static json_t *
read_value(Reader *r, guint depth)
{
    json_t *whole;

    if (take(r, '"'))
        return read_string(r);
    if (r->at == r->end)
        return NULL;
    if (*r->at == '-' || g_ascii_isdigit(*r->at))
        return read_number(r);
    if (*r->at != '{' && *r->at != '[')
        return read_word(r);
    if (depth == RB_JSON_MAX_DEPTH) {
        r->deep = TRUE;
        return NULL;
    }
    whole = *r->at == '{' ? json_object() : json_array();
    r->at++;
    if (json_is_object(whole) ? read_members(r, whole, depth + 1) : read_items(r, whole, depth + 1))
        return whole;
    json_decref(whole);
    return NULL;
}

json_t *
rb_json_parse(const void *bytes, gsize size, RbRefusalCode code, const char *what, GError **error)
{
    Reader r = { bytes, bytes, (const char *)bytes + size, FALSE, FALSE };
    json_t *json = rb_text_is_utf8(bytes, size) ? read_value(&r, 0) : NULL;

    skip_blanks(&r);
    if (json_is_object(json) && r.at == r.end)
        return json;
    if (size == 0 || r.deep)
        (void)rb_refuse(error, code, "%s is empty or more than %d levels deep", what, RB_JSON_MAX_DEPTH);
    else if (json != NULL && !json_is_object(json))
        (void)rb_refuse(error, code, "%s is not a JSON object", what);
    else /* a place is enough: what was read is not for a log */
        (void)rb_refuse(error, code, "%s is not JSON (%s, at byte %zu)", what,
                        r.twice ? "a member twice" : "syntax", (gsize)(r.at - r.start));
    json_decref(json);
    return NULL;
}
