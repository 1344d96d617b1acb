#include "base/encoding.h"

#include <openssl/evp.h>
#include <string.h>

char *
rb_base64url_encode(const void *data, gsize size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const guint8 *in = data;
    char *text = g_malloc((size + 2) / 3 * 4 + 1), *out = text;

    for (; size >= 3; size -= 3, in += 3) {
        *out++ = digits[in[0] >> 2];
        *out++ = digits[(in[0] & 3) << 4 | in[1] >> 4];
        *out++ = digits[(in[1] & 15) << 2 | in[2] >> 6];
        *out++ = digits[in[2] & 63];
    }
    if (size > 0) { /* one or two bytes */
        guint second = size == 2 ? in[1] : 0;
        *out++ = digits[in[0] >> 2];
        *out++ = digits[(in[0] & 3) << 4 | second >> 4];
        if (size == 2)
            *out++ = digits[(second & 15) << 2];
    }
    *out = '\0';
    return text;
}

/* By place in a quartet and character: its six bits where they belong, and a mark; 0: not of the alphabet. */
/* clang-format off */
#define ENTRY(c, n, place) [c] = (guint32)(n) << (6 * (3 - (place))) | (guint32)1 << (24 + (place))
#define ALPHABET(place, c62, c63) { \
    ENTRY('A', 0, place), ENTRY('B', 1, place), ENTRY('C', 2, place), ENTRY('D', 3, place), ENTRY('E', 4, place), \
    ENTRY('F', 5, place), ENTRY('G', 6, place), ENTRY('H', 7, place), ENTRY('I', 8, place), ENTRY('J', 9, place), \
    ENTRY('K', 10, place), ENTRY('L', 11, place), ENTRY('M', 12, place), ENTRY('N', 13, place), ENTRY('O', 14, place), \
    ENTRY('P', 15, place), ENTRY('Q', 16, place), ENTRY('R', 17, place), ENTRY('S', 18, place), ENTRY('T', 19, place), \
    ENTRY('U', 20, place), ENTRY('V', 21, place), ENTRY('W', 22, place), ENTRY('X', 23, place), ENTRY('Y', 24, place), \
    ENTRY('Z', 25, place), ENTRY('a', 26, place), ENTRY('b', 27, place), ENTRY('c', 28, place), ENTRY('d', 29, place), \
    ENTRY('e', 30, place), ENTRY('f', 31, place), ENTRY('g', 32, place), ENTRY('h', 33, place), ENTRY('i', 34, place), \
    ENTRY('j', 35, place), ENTRY('k', 36, place), ENTRY('l', 37, place), ENTRY('m', 38, place), ENTRY('n', 39, place), \
    ENTRY('o', 40, place), ENTRY('p', 41, place), ENTRY('q', 42, place), ENTRY('r', 43, place), ENTRY('s', 44, place), \
    ENTRY('t', 45, place), ENTRY('u', 46, place), ENTRY('v', 47, place), ENTRY('w', 48, place), ENTRY('x', 49, place), \
    ENTRY('y', 50, place), ENTRY('z', 51, place), ENTRY('0', 52, place), ENTRY('1', 53, place), ENTRY('2', 54, place), \
    ENTRY('3', 55, place), ENTRY('4', 56, place), ENTRY('5', 57, place), ENTRY('6', 58, place), ENTRY('7', 59, place), \
    ENTRY('8', 60, place), ENTRY('9', 61, place), \
    ENTRY(c62, 62, place), ENTRY(c63, 63, place) }
static const guint32 standard[4][256] = { ALPHABET(0, '+', '/'), ALPHABET(1, '+', '/'), ALPHABET(2, '+', '/'), ALPHABET(3, '+', '/') };
static const guint32 url_safe[4][256] = { ALPHABET(0, '-', '_'), ALPHABET(1, '-', '_'), ALPHABET(2, '-', '_'), ALPHABET(3, '-', '_') };
#undef ALPHABET
#undef ENTRY
/* clang-format on */

/* Decodes @n characters of @alphabet without white space or padding; the tail's unused bits must be 0. */
static GBytes *
decode_bare(const guint32 alphabet[4][256], const char *text, gsize n)
{
    const guint8 *in = (const guint8 *)text, *end = in + n / 4 * 4;
    guint unused = n % 4 == 2 ? 0x0f : n % 4 == 3 ? 0x03 : 0;
    gsize size = n / 4 * 3 + (n % 4 == 0 ? 0 : n % 4 - 1);
    g_autofree guint8 *bytes = g_malloc(size + 1);
    guint8 *out = bytes;
    guint32 bits;

    if (n % 4 == 1)
        return NULL;
    for (; in < end; in += 4) {
        bits = alphabet[0][in[0]] | alphabet[1][in[1]] | alphabet[2][in[2]] | alphabet[3][in[3]];
        if (bits >> 24 != 0x0f)
            return NULL;
        *out++ = (guint8)(bits >> 16);
        *out++ = (guint8)(bits >> 8);
        *out++ = (guint8)bits;
    }
    if (n % 4 != 0) { /* two or three characters */
        bits = alphabet[0][in[0]] | alphabet[1][in[1]] | (n % 4 == 3 ? alphabet[2][in[2]] : 0);
        if (bits >> 24 != (n % 4 == 3 ? 0x07U : 0x03U) || (bits >> (n % 4 == 3 ? 6 : 12) & unused) != 0)
            return NULL;
        *out++ = (guint8)(bits >> 16);
        if (n % 4 == 3)
            *out = (guint8)(bits >> 8);
    }
    return g_bytes_new_take(g_steal_pointer(&bytes), size);
}

GBytes *
rb_base64url_decode(const char *text)
{
    return decode_bare(url_safe, text, strlen(text));
}

GBytes *
rb_base64url_decode_part(const char *text, gsize n)
{
    return decode_bare(url_safe, text, n);
}

GBytes *
rb_base64_decode(const char *text, gsize max_size)
{
    static const char blanks[] = " \n\r\t";
    g_autofree char *bare = NULL;
    gsize n = 0, all, padding = 0;

    if (strlen(text) > max_size * 2 + 8) /* base64 is 4/3, with line ends well under twice the size */
        return NULL;
    bare = g_malloc(strlen(text) + 1);
    for (const char *p = text + strspn(text, blanks); *p != '\0'; p += strspn(p, blanks)) {
        gsize run = strcspn(p, blanks);
        memcpy(bare + n, p, run);
        n += run;
        p += run;
    }
    all = n;
    while (n > 0 && padding < 2 && bare[n - 1] == '=') {
        n--;
        padding++;
    }
    bare[n] = '\0';
    if (all % 4 != 0 || n / 4 * 3 + (n % 4 == 0 ? 0 : n % 4 - 1) > max_size)
        return NULL;
    return decode_bare(standard, bare, n);
}

char *
rb_hex_encode(const void *data, gsize size)
{
    static const char digits[] = "0123456789abcdef";
    const guint8 *bytes = data;
    char *text = g_malloc(size * 2 + 1);

    for (gsize i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}

static gpointer
fetch_sha256(gpointer data)
{
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);

    (void)data;
    if (md == NULL)
        g_error("SHA-256 is not available");
    return md;
}

/* Looked up once: OpenSSL 3 takes longer to find an algorithm by its name than to hash a short text. */
static const EVP_MD *
sha256(void)
{
    static GOnce once = G_ONCE_INIT;

    return g_once(&once, fetch_sha256, NULL);
}

void
rb_sha256(const void *data, gsize size, guint8 digest[32])
{
    if (EVP_Digest(data, size, digest, NULL, sha256(), NULL) != 1)
        g_error("SHA-256 does not work");
}

/* Never defined: it is OpenSSL's context under a name of ours. */
RbSha256 *
rb_sha256_begin(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_DigestInit_ex(ctx, sha256(), NULL) != 1)
        g_error("SHA-256 does not work");
    return (RbSha256 *)(gpointer)ctx;
}

void
rb_sha256_add(RbSha256 *sum, const void *data, gsize size)
{
    if (EVP_DigestUpdate((EVP_MD_CTX *)(gpointer)sum, data, size) != 1)
        g_error("SHA-256 does not work");
}

void
rb_sha256_end(RbSha256 *sum, guint8 digest[32])
{
    EVP_MD_CTX *ctx = (EVP_MD_CTX *)(gpointer)sum;

    if (EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
        g_error("SHA-256 does not work");
    EVP_MD_CTX_free(ctx);
}

char *
rb_uri_encode(const char *text)
{
    return g_uri_escape_string(text, NULL, FALSE);
}

char *
rb_time_format(gint64 utc_s)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(utc_s);

    return time == NULL ? g_strdup("(no time)") : g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
}

gboolean
rb_time_parse(const char *text, gint64 *utc_s)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL); /* NULL when it names no zone */
    gint64 s;

    if (time == NULL)
        return FALSE;
    s = g_date_time_to_unix(time);
    if (s < 0 || s > G_GINT64_CONSTANT(253402300799))
        return FALSE;
    *utc_s = s;
    return TRUE;
}

gboolean
rb_text_is_utf8(const char *text, gsize size)
{
    guint64 word, seen = 0;
    gsize i = 0;

    for (; i + sizeof word <= size; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        seen |= word;
    }
    for (; i < size; i++)
        seen |= (guint8)text[i];
    if ((seen & G_GUINT64_CONSTANT(0x8080808080808080)) != 0) /* more than ASCII */
        return g_utf8_validate_len(text, size, NULL);
    return size == 0 || memchr(text, '\0', size) == NULL;
}

static gboolean
is_harmless(gunichar c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        return FALSE;
    /* direction marks and overrides, line and paragraph separators, zero-width characters, byte order mark,
     * and U+xxFFFE, U+xxFFFF, which are no characters: XML has no way to write them */
    return (c & 0xfffe) != 0xfffe &&
           !(c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
             (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xad);
}

char *
rb_text_printable(const char *text, gsize max_bytes)
{
    GString *out = g_string_new(NULL);
    const char *p = text;

    while (*p != '\0' && (gsize)(p - text) < max_bytes) {
        gunichar c = g_utf8_get_char_validated(p, -1);
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append_printf(out, "\\x%02x", (guchar)*p++);
            continue;
        }
        if (is_harmless(c))
            g_string_append_unichar(out, c);
        else
            g_string_append_printf(out, c < 0x80 ? "\\x%02x" : "\\u{%x}", c);
        p = g_utf8_next_char(p);
    }
    if (*p != '\0')
        g_string_append(out, "…");
    return g_string_free(out, FALSE);
}

char *
rb_text_quote(const char *text)
{
    g_autofree char *inner = rb_text_printable(text, 200);

    return g_strconcat("'", inner, "'", NULL);
}

/* Optimal string alignment distance, over bytes: names in our files are ASCII. Three rows suffice. */
static guint
distance(const char *a, const char *b)
{
    enum { MAX = 64 };
    guint rows[3][MAX + 1];
    gsize n = strlen(a), m = strlen(b);
    guint *before = rows[0], *above = rows[1], *row = rows[2];

    if (n > MAX || m > MAX)
        return G_MAXUINT;
    for (gsize j = 0; j <= m; j++)
        above[j] = (guint)j;
    for (gsize i = 1; i <= n; i++) {
        guint *spare = before;
        row[0] = (guint)i;
        for (gsize j = 1; j <= m; j++) {
            guint cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = MIN(MIN(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = MIN(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[m];
}

const char *
rb_text_nearest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    guint best_distance = G_MAXUINT;

    for (; *candidates != NULL; candidates++) {
        guint d = distance(word, *candidates);
        if (d < best_distance && d <= MAX(1, strlen(*candidates) / 3)) {
            best = *candidates;
            best_distance = d;
        }
    }
    return best;
}

gboolean
rb_duration_parse(const char *text, gint64 *s)
{
    static const struct {
        char unit;
        gint64 s;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    gsize n = strlen(text);
    g_autofree char *number = NULL;
    guint64 count;

    if (n < 2)
        return FALSE;
    number = g_strndup(text, n - 1);
    if (!g_ascii_string_to_unsigned(number, 10, 0, 1000000000, &count, NULL))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(units); i++)
        if (units[i].unit == text[n - 1]) {
            *s = (gint64)count * units[i].s;
            return TRUE;
        }
    return FALSE;
}

char *
rb_duration_text(gint64 seconds)
{
    gint64 h = seconds / 3600, m = seconds % 3600 / 60, s = seconds % 60;
    GString *text = g_string_new(NULL);

    if (seconds < 0)
        g_string_append_printf(text, "%" G_GINT64_FORMAT "s", seconds);
    else {
        if (h > 0)
            g_string_append_printf(text, "%" G_GINT64_FORMAT "h", h);
        if (m > 0)
            g_string_append_printf(text, "%" G_GINT64_FORMAT "m", m);
        if (s > 0 || seconds == 0)
            g_string_append_printf(text, "%" G_GINT64_FORMAT "s", s);
    }
    return g_string_free(text, FALSE);
}
