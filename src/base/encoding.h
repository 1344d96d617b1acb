#ifndef RB_BASE_ENCODING_H
#define RB_BASE_ENCODING_H

#include <glib.h>

/* Encodings that GLib does not have. Standard base64, hex digests and URIs are GLib's. */

/** rb_base64url_encode: (transfer full): RFC 4648 §5 without padding. */
char *rb_base64url_encode(const void *data, gsize size);

/**
 * rb_base64url_decode: strict: no padding, no other characters, no bits left over in the last character.
 * Returns: (transfer full): the bytes, or NULL
 */
GBytes *rb_base64url_decode(const char *text);
/** rb_base64url_decode_part: the same of the first @n characters of @text. */
GBytes *rb_base64url_decode_part(const char *text, gsize n);

/**
 * rb_base64_decode: standard base64 as forms and XML carry it: white space is skipped, anything else outside
 * the alphabet, wrong padding or bits left over refuse the whole. @max_size bounds the decoded size. Returns:
 * (transfer full): the bytes, or NULL
 */
GBytes *rb_base64_decode(const char *text, gsize max_size);

/** rb_hex_encode: (transfer full): lower-case hexadecimal. */
char *rb_hex_encode(const void *data, gsize size);

/** rb_sha256: writes the 32-byte digest of @data. */
void rb_sha256(const void *data, gsize size, guint8 digest[32]);

/** RbSha256: the same over parts, one after the other; rb_sha256_end() also frees it. */
typedef struct RbSha256 RbSha256;
RbSha256 *rb_sha256_begin(void);
void rb_sha256_add(RbSha256 *sum, const void *data, gsize size);
void rb_sha256_end(RbSha256 *sum, guint8 digest[32]);

/** rb_uri_encode: (transfer full): percent-encodes all but RFC 3986 unreserved characters (upper-case hex).
 */
char *rb_uri_encode(const char *text);

/** rb_time_format: (transfer full): "2026-11-24T09:00:00Z" for UTC seconds. */
char *rb_time_format(gint64 utc_s);

/**
 * rb_time_parse: an ISO 8601 date and time with a zone ("Z" or an offset), years 1970 to 9999.
 * Returns: TRUE and UTC seconds in @utc_s (fractions are cut off), or FALSE with @utc_s untouched
 */
gboolean rb_time_parse(const char *text, gint64 *utc_s);

/** rb_duration_parse: "90s", "15m", "8h", "7d" → seconds. FALSE: it is none of these. */
gboolean rb_duration_parse(const char *text, gint64 *s);

/** rb_duration_text: (transfer full): seconds as a person writes them: "8h", "1h30m", "45s". */
char *rb_duration_text(gint64 seconds);

/** rb_text_is_utf8: valid UTF-8 without NUL; fast where it is ASCII. */
gboolean rb_text_is_utf8(const char *text, gsize size);

/**
 * rb_text_printable: (transfer full): @text made safe to show on a terminal or in a log line: control
 * characters, bidirectional overrides and bytes that are not UTF-8 become "\xNN" or "\u{N}"; at most
 * @max_bytes of it, then "…".
 */
char *rb_text_printable(const char *text, gsize max_bytes);

/** rb_text_quote: (transfer full): the same in 'single quotes', at most 200 bytes: for messages. */
char *rb_text_quote(const char *text);

/**
 * rb_text_nearest: which of the NULL-terminated @candidates somebody who wrote @word most likely meant.
 * Returns: (transfer none): a candidate at most a third of its length away (Damerau-Levenshtein), or NULL
 */
const char *rb_text_nearest(const char *word, const char *const *candidates);

#endif
