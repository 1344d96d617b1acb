#include "base/encoding.h"

#include <openssl/evp.h>
#include <string.h>

char *
rb_base64url_encode(const void *data, gsize size)
{
    char *text = g_base64_encode(data, size);
    gsize n = strlen(text);

    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    while (n > 0 && text[n - 1] == '=')
        text[--n] = '\0';
    return text;
}

/* By character: its six bits and one more; 0: not of the standard alphabet. */
/* clang-format off */
static const guint8 sextets[256] = {
    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9,
    ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17,
    ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25,
    ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33,
    ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41,
    ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
    ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57,
    ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};
/* clang-format on */

/* Decodes @n characters of the standard alphabet without white space or padding; the tail's unused bits must
 * be 0. */
static GBytes *
decode_bare(const char *text, gsize n)
{
    guint unused = n % 4 == 2 ? 0x0f : n % 4 == 3 ? 0x03 : 0;
    gsize size = n / 4 * 3 + (n % 4 == 0 ? 0 : n % 4 - 1), at = 0;
    g_autofree guint8 *bytes = g_malloc(size + 1);
    guint32 bits = 0;
    gsize i = 0;

    if (n % 4 == 1)
        return NULL;
    for (; i + 4 <= n; i += 4) {
        guint32 a = sextets[(guint8)text[i]] - 1U, b = sextets[(guint8)text[i + 1]] - 1U;
        guint32 c = sextets[(guint8)text[i + 2]] - 1U, d = sextets[(guint8)text[i + 3]] - 1U;
        if ((a | b | c | d) > 63) /* what is not of the alphabet became G_MAXUINT32 */
            return NULL;
        bits = a << 18 | b << 12 | c << 6 | d;
        bytes[at++] = (guint8)(bits >> 16);
        bytes[at++] = (guint8)(bits >> 8);
        bytes[at++] = (guint8)bits;
    }
    for (; i < n; i++) { /* two or three */
        guint8 sextet = sextets[(guint8)text[i]];
        if (sextet == 0)
            return NULL;
        bits = bits << 6 | (sextet - 1U);
        if (i % 4 != 0)
            bytes[at++] = (guint8)(bits >> (6 - 2 * (i % 4)));
    }
    if (unused != 0 && (bits & unused) != 0)
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&bytes), size);
}

GBytes *
rb_base64url_decode(const char *text)
{
    g_autofree char *copy = NULL;

    if (strpbrk(text, "+/=") != NULL)
        return NULL;
    copy = g_strdup(text);
    g_strdelimit(copy, "-", '+');
    g_strdelimit(copy, "_", '/');
    return decode_bare(copy, strlen(copy));
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
    return decode_bare(bare, n);
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

static gboolean
is_harmless(gunichar c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        return FALSE;
    /* direction marks and overrides, line and paragraph separators, zero-width characters, byte order mark */
    return !(c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
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
