#include "base/encoding.h"
#include "iam/evaluate_priv.h"

#include <arpa/inet.h>
#include <string.h>

/* What operators compare besides texts: exact decimals, points in time, addresses, bytes. */

enum { EXPONENT_MAX = 100000, NUMBER_MAX = 4096 };

/* 0.DIGITS × 10^exponent; digits begin and end with one that is not 0; zero has none. */
typedef struct {
    char *digits;
    gint64 exponent;
    gboolean negative;
} Decimal;

static void
decimal_clear(Decimal *decimal)
{
    g_free(decimal->digits);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Decimal, decimal_clear)

static gboolean
read_exponent(const char *text, gint64 *exponent)
{
    char *end;

    if (*text != 'e' && *text != 'E')
        return *text == '\0';
    text++;
    if (!g_ascii_isdigit(text[*text == '-' || *text == '+']))
        return FALSE;
    *exponent = g_ascii_strtoll(text, &end, 10);
    return *end == '\0' && ABS(*exponent) <= EXPONENT_MAX;
}

static void
decimal_trim(Decimal *decimal, GString *digits)
{
    gsize zeros = strspn(digits->str, "0");

    decimal->exponent -= (gint64)zeros;
    g_string_erase(digits, 0, (gssize)zeros);
    while (digits->len && digits->str[digits->len - 1] == '0')
        g_string_truncate(digits, digits->len - 1);
    if (!digits->len) {
        decimal->exponent = 0;
        decimal->negative = FALSE;
    }
}

/* Never through a double: 0.1 is 0.1, and 9007199254740993 is not 9007199254740992. */
static gboolean
decimal_read(const char *text, Decimal *decimal)
{
    g_autoptr(GString) digits = g_string_new(NULL);
    gint64 shift = 0;
    gsize whole, part = 0;

    if (strlen(text) > NUMBER_MAX)
        return FALSE;
    decimal->negative = *text == '-';
    text += *text == '-' || *text == '+';
    whole = strspn(text, "0123456789");
    g_string_append_len(digits, text, (gssize)whole);
    text += whole;
    if (*text == '.') {
        part = strspn(++text, "0123456789");
        g_string_append_len(digits, text, (gssize)part);
        text += part;
        if (!part)
            return FALSE;
    }
    if (!(whole + part) || !read_exponent(text, &shift))
        return FALSE;
    decimal->exponent = (gint64)whole + shift;
    decimal_trim(decimal, digits);
    decimal->digits = g_string_free(g_steal_pointer(&digits), FALSE);
    return TRUE;
}

static int
compare_size(const Decimal *a, const Decimal *b)
{
    int digits = strcmp(a->digits, b->digits);

    if (!*a->digits || !*b->digits)
        return (*a->digits != '\0') - (*b->digits != '\0');
    if (a->exponent != b->exponent)
        return a->exponent < b->exponent ? -1 : 1;
    return (digits > 0) - (digits < 0);
}

gboolean
rb_compare_numbers(const char *a, const char *b, int *order)
{
    g_auto(Decimal) x = { 0 }, y = { 0 };

    if (!decimal_read(a, &x) || !decimal_read(b, &y))
        return FALSE;
    if (x.negative != y.negative)
        *order = x.negative ? -1 : 1;
    else
        *order = x.negative ? compare_size(&y, &x) : compare_size(&x, &y);
    return TRUE;
}

typedef struct {
    gint64 second;
    guint nanosecond;
} Instant;

/* @n digits, no more and no fewer. */
static gboolean
take(const char **at, guint n, int *value)
{
    *value = 0;
    for (guint i = 0; i < n; i++) {
        if (!g_ascii_isdigit((*at)[i]))
            return FALSE;
        *value = *value * 10 + ((*at)[i] - '0');
    }
    *at += n;
    return TRUE;
}

static gboolean
take_after(const char **at, char mark, int *value)
{
    if (**at != mark)
        return FALSE;
    (*at)++;
    return take(at, 2, value);
}

static gboolean
take_fraction(const char **at, guint *nanosecond)
{
    guint scale = 100000000;

    *nanosecond = 0;
    if (**at != '.')
        return TRUE;
    if (!g_ascii_isdigit(*++*at))
        return FALSE;
    for (; g_ascii_isdigit(**at); (*at)++, scale /= 10)
        *nanosecond += (guint)(**at - '0') * scale; /* beyond nanoseconds the scale is 0 */
    return TRUE;
}

/* "Z", "+01:00", "+0100" or nothing, which is UTC as well. */
static gboolean
take_zone(const char **at, gint64 *offset)
{
    char sign = **at;
    int hours, minutes;

    *offset = 0;
    if (sign == 'Z') {
        (*at)++;
        return TRUE;
    }
    if (sign != '+' && sign != '-')
        return TRUE;
    (*at)++;
    if (!take(at, 2, &hours))
        return FALSE;
    *at += **at == ':';
    if (!take(at, 2, &minutes) || hours > 23 || minutes > 59)
        return FALSE;
    *offset = (sign == '-' ? -60 : 60) * (hours * 60 + minutes);
    return TRUE;
}

/* ISO 8601 in W3C's profile: from a year and month to fractions of a second. */
static gboolean
read_iso(const char *text, Instant *instant)
{
    const char *at = text;
    g_autoptr(GDateTime) date = NULL;
    int year, month, day = 1, hour = 0, minute = 0, second = 0;
    gint64 offset = 0;

    instant->nanosecond = 0;
    if (!take(&at, 4, &year) || !take_after(&at, '-', &month) || (*at && !take_after(&at, '-', &day)))
        return FALSE;
    if (*at) {
        if (!take_after(&at, 'T', &hour) || !take_after(&at, ':', &minute) ||
            (*at == ':' && (!take_after(&at, ':', &second) || !take_fraction(&at, &instant->nanosecond))) ||
            !take_zone(&at, &offset) || *at)
            return FALSE;
    }
    date = g_date_time_new_utc(year, month, day, hour, minute, second);
    if (!date)
        return FALSE;
    instant->second = g_date_time_to_unix(date) - offset;
    return TRUE;
}

/* A number is seconds since 1970, a year alone too. */
static gboolean
read_instant(const char *text, Instant *instant)
{
    gboolean negative = *text == '-';
    const char *at = text + negative;
    gsize digits = strspn(at, "0123456789");

    if (!digits || digits > 15 || (at[digits] && at[digits] != '.'))
        return read_iso(text, instant);
    if (negative && at[digits])
        return FALSE;
    instant->second = g_ascii_strtoll(text, NULL, 10);
    at += digits;
    return take_fraction(&at, &instant->nanosecond) && !*at;
}

gboolean
rb_compare_dates(const char *a, const char *b, int *order)
{
    Instant x, y;

    if (!read_instant(a, &x) || !read_instant(b, &y))
        return FALSE;
    if (x.second != y.second)
        *order = x.second < y.second ? -1 : 1;
    else
        *order = (x.nanosecond > y.nanosecond) - (x.nanosecond < y.nanosecond);
    return TRUE;
}

/* Returns: 4 or 16, how many bytes of @bytes the address has; 0: it is none */
static guint
read_address(const char *text, guint8 bytes[16])
{
    if (inet_pton(AF_INET, text, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

gboolean
rb_address_within(const char *block, const char *text)
{
    const char *slash = strchr(block, '/');
    g_autofree char *base = slash ? g_strndup(block, (gsize)(slash - block)) : g_strdup(block);
    guint8 want[16], have[16];
    guint size = read_address(base, want), bits = size * 8;

    if (!size || read_address(text, have) != size)
        return FALSE;
    if (slash) {
        guint64 prefix;

        if (!g_ascii_string_to_unsigned(slash + 1, 10, 0, bits, &prefix, NULL))
            return FALSE;
        bits = (guint)prefix;
    }
    for (guint i = 0; i < size && bits > 0; i++) {
        guint take_bits = MIN(bits, 8);
        guint8 mask = (guint8)(0xff << (8 - take_bits));

        if ((want[i] & mask) != (have[i] & mask))
            return FALSE;
        bits -= take_bits;
    }
    return TRUE;
}

gboolean
rb_binary_equal(const char *a, const char *b)
{
    g_autoptr(GBytes) x = rb_base64_decode(a, RB_POLICY_MAX_SIZE),
                      y = rb_base64_decode(b, RB_POLICY_MAX_SIZE);

    return x && y && g_bytes_equal(x, y);
}
