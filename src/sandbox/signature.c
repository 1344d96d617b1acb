#include "sandbox/signature.h"

#include "base/encoding.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
enum { SKEW_S = 15 * 60 };

void
rb_aws_error_clear(RbAwsError *error)
{
    g_clear_pointer(&error->message, g_free);
    g_clear_pointer(&error->why, g_free);
    error->code = NULL;
    error->status = 0;
}

gboolean
rb_aws_refuse(RbAwsError *error, int status, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_free(error->message);
    error->message = g_strdup_vprintf(format, args);
    va_end(args);
    error->status = status;
    error->code = code;
    return FALSE;
}

void
rb_box_signature_free(RbBoxSignature *signature)
{
    if (signature == NULL)
        return;
    g_free(signature->access_key_id);
    g_free(signature->date);
    g_free(signature->region);
    g_free(signature->service);
    g_free(signature->stamp);
    g_free(signature->token);
    g_free(signature->signature);
    g_strfreev(signature->signed_headers);
    g_free(signature);
}

static guint
count_headers(const RbBoxRequest *request, const char *name)
{
    guint n = 0;

    for (guint i = 0; i < request->headers->len; i++)
        n += g_ascii_strcasecmp(((RbBoxHeader *)request->headers->pdata[i])->name, name) == 0;
    return n;
}

/* "KEY/20261124/region/service/aws4_request" and the signed headers, whichever way they came. */
static gboolean
take_parts(RbBoxSignature *signature, const char *credential, const char *headers, const char *value,
           RbAwsError *error)
{
    g_auto(GStrv) scope = g_strsplit(credential == NULL ? "" : credential, "/", 6);
    gboolean has_host;

    if (credential == NULL || headers == NULL || value == NULL)
        return rb_aws_refuse(
            error, 400, "IncompleteSignature",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.");
    if (g_strv_length(scope) != 5 || scope[0][0] == '\0' || strcmp(scope[4], "aws4_request") != 0)
        return rb_aws_refuse(error, 400, "IncompleteSignature",
                             "Credential must have exactly 5 slash-delimited elements, e.g. "
                             "keyid/date/region/service/term");
    signature->access_key_id = g_strdup(scope[0]);
    signature->date = g_strdup(scope[1]);
    signature->region = g_strdup(scope[2]);
    signature->service = g_strdup(scope[3]);
    signature->signature = g_strdup(value);
    signature->signed_headers = g_strsplit(headers, ";", 100);
    has_host = g_strv_contains((const char *const *)signature->signed_headers, "host");
    if (!has_host || signature->stamp == NULL)
        return rb_aws_refuse(error, 400, "IncompleteSignature",
                             !has_host
                                 ? "'Host' must be a 'SignedHeader' in the AWS Authorization."
                                 : "Authorization header requires existence of either a 'X-Amz-Date' or a "
                                   "'Date' header.");
    return TRUE;
}

static gboolean
read_header(RbBoxSignature *signature, const RbBoxRequest *request, RbAwsError *error)
{
    const char *text = rb_box_request_header(request, "Authorization");
    const char *credential = NULL, *headers = NULL, *value = NULL;
    g_auto(GStrv) parts = NULL;

    if (text == NULL || !g_str_has_prefix(text, ALGORITHM " "))
        return rb_aws_refuse(error, 400, "IncompleteSignature",
                             "Authorization header must be sent once and name " ALGORITHM ".");
    parts = g_strsplit(text + strlen(ALGORITHM " "), ",", 10);
    for (guint i = 0; parts[i] != NULL; i++) {
        const char *part = g_strstrip(parts[i]);
        const char **slot = g_str_has_prefix(part, "Credential=")      ? &credential
                            : g_str_has_prefix(part, "SignedHeaders=") ? &headers
                            : g_str_has_prefix(part, "Signature=")     ? &value
                                                                       : NULL;

        if (slot == NULL || *slot != NULL)
            return rb_aws_refuse(error, 400, "IncompleteSignature",
                                 "Authorization header has an unknown or repeated parameter.");
        *slot = strchr(part, '=') + 1;
    }
    signature->stamp = g_strdup(rb_box_request_header(request, "X-Amz-Date"));
    signature->token = g_strdup(rb_box_request_header(request, "X-Amz-Security-Token"));
    return take_parts(signature, credential, headers, value, error);
}

static gboolean
read_query(RbBoxSignature *signature, GHashTable *query, RbAwsError *error)
{
    gint64 expires;
    const char *text = g_hash_table_lookup(query, "X-Amz-Expires");

    signature->presigned = TRUE;
    if (g_strcmp0(g_hash_table_lookup(query, "X-Amz-Algorithm"), ALGORITHM) != 0)
        return rb_aws_refuse(error, 400, "IncompleteSignature", "X-Amz-Algorithm must be " ALGORITHM ".");
    if (text == NULL || !g_ascii_string_to_signed(text, 10, 1, 604800, &expires, NULL))
        return rb_aws_refuse(error, 400, "IncompleteSignature", "X-Amz-Expires must be from 1 to 604800.");
    signature->stamp = g_strdup(g_hash_table_lookup(query, "X-Amz-Date"));
    signature->token = g_strdup(g_hash_table_lookup(query, "X-Amz-Security-Token"));
    return take_parts(signature, g_hash_table_lookup(query, "X-Amz-Credential"),
                      g_hash_table_lookup(query, "X-Amz-SignedHeaders"),
                      g_hash_table_lookup(query, "X-Amz-Signature"), error);
}

RbBoxSignature *
rb_box_signature_read(const RbBoxRequest *request, RbAwsError *error)
{
    g_autoptr(RbBoxSignature) signature = g_new0(RbBoxSignature, 1);
    g_autoptr(GHashTable) query = rb_box_fields(request->query);
    guint n = count_headers(request, "Authorization");
    gboolean in_query = query != NULL && g_hash_table_contains(query, "X-Amz-Signature");
    gboolean good;

    if (n == 0 && !in_query) {
        rb_aws_refuse(error, 403, "MissingAuthenticationToken", "Request is missing Authentication Token");
        return NULL;
    }
    if (n > 0 && in_query) {
        rb_aws_refuse(error, 400, "IncompleteSignature", "The request is signed in two places.");
        return NULL;
    }
    good = in_query ? read_query(signature, query, error) : read_header(signature, request, error);
    return good ? g_steal_pointer(&signature) : NULL;
}

/* "20261124T090000Z" → UTC seconds. */
static gboolean
stamp_read(const char *stamp, gint64 *utc_s)
{
    g_autofree char *iso = NULL;

    if (strlen(stamp) != 16 || stamp[8] != 'T' || stamp[15] != 'Z' || strspn(stamp, "0123456789") != 8 ||
        strspn(stamp + 9, "0123456789") != 6)
        return FALSE;
    iso = g_strdup_printf("%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", stamp, stamp + 4, stamp + 6, stamp + 9,
                          stamp + 11, stamp + 13);
    return rb_time_parse(iso, utc_s);
}

static char *
stamp_format(gint64 utc_s)
{
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(utc_s);

    return g_date_time_format(when, "%Y%m%dT%H%M%SZ");
}

gboolean
rb_box_signature_check_scope(const RbBoxSignature *signature, const char *service, const char *const *regions,
                             gint64 now, RbAwsError *error)
{
    g_autofree char *present = stamp_format(now), *edge = NULL;
    gint64 at;

    if (!stamp_read(signature->stamp, &at))
        return rb_aws_refuse(error, 400, "IncompleteSignature",
                             "Date must be in ISO-8601 'basic format'. Got '%s'.", signature->stamp);
    if (strncmp(signature->date, signature->stamp, 8) != 0 || strlen(signature->date) != 8)
        return rb_aws_refuse(
            error, 403, "SignatureDoesNotMatch",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP: '%s' != '%.8s', from '%s'.",
            signature->date, signature->stamp, signature->stamp);
    if (strcmp(signature->service, service) != 0)
        return rb_aws_refuse(error, 403, "SignatureDoesNotMatch",
                             "Credential should be scoped to correct service: '%s'. ", service);
    if (!g_strv_contains(regions, signature->region))
        return rb_aws_refuse(error, 403, "SignatureDoesNotMatch",
                             "Credential should be scoped to a valid region. ");
    if (at + SKEW_S < now) {
        edge = stamp_format(now - SKEW_S);
        return rb_aws_refuse(error, 403, "SignatureDoesNotMatch",
                             "Signature expired: %s is now earlier than %s (%s - 15 min.)", signature->stamp,
                             edge, present);
    }
    if (at > now + SKEW_S) {
        edge = stamp_format(now + SKEW_S);
        return rb_aws_refuse(error, 403, "SignatureDoesNotMatch",
                             "Signature not yet current: %s is still later than %s (%s + 15 min.)",
                             signature->stamp, edge, present);
    }
    return TRUE;
}

/* Dot segments and empty segments go; each segment, encoded as it is, is encoded once more. */
static char *
canonical_path(const char *path)
{
    g_auto(GStrv) segments = g_strsplit(path, "/", -1);
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    g_autoptr(GString) out = g_string_new(NULL);
    gboolean open_end = g_str_has_suffix(path, "/");

    for (guint i = 0; segments[i] != NULL; i++) {
        if (strcmp(segments[i], "..") == 0 && kept->len > 0)
            g_ptr_array_set_size(kept, (gint)kept->len - 1);
        else if (segments[i][0] != '\0' && strcmp(segments[i], ".") != 0 && strcmp(segments[i], "..") != 0)
            g_ptr_array_add(kept, segments[i]);
    }
    for (guint i = 0; i < kept->len; i++) {
        g_autofree char *encoded = rb_uri_encode(kept->pdata[i]);
        g_string_append_printf(out, "/%s", encoded);
    }
    if (kept->len == 0 || open_end)
        g_string_append_c(out, '/');
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static int
order_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *
reencode(const char *text, gsize size)
{
    g_autofree char *copy = g_strndup(text, size);
    g_autofree char *plain = g_uri_unescape_string(copy, NULL);

    return rb_uri_encode(plain == NULL ? copy : plain);
}

static char *
canonical_query(const char *query)
{
    g_auto(GStrv) pairs = g_strsplit(query, "&", -1);
    g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) out = g_string_new(NULL);

    for (guint i = 0; pairs[i] != NULL; i++) {
        const char *equals = strchr(pairs[i], '=');
        g_autofree char *name = NULL, *value = NULL;

        if (pairs[i][0] == '\0')
            continue;
        name = reencode(pairs[i], equals == NULL ? strlen(pairs[i]) : (gsize)(equals - pairs[i]));
        value = equals == NULL ? g_strdup("") : reencode(equals + 1, strlen(equals + 1));
        if (strcmp(name, "X-Amz-Signature") != 0) /* \1 sorts "a=…" before "a-b=…", as by name alone */
            g_ptr_array_add(kept, g_strdup_printf("%s\1%s", name, value));
    }
    g_ptr_array_sort(kept, order_texts);
    for (guint i = 0; i < kept->len; i++) {
        *strchr(kept->pdata[i], '\1') = '=';
        g_string_append_printf(out, "%s%s", i == 0 ? "" : "&", (char *)kept->pdata[i]);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* Blanks at the ends go, runs of them inside become one. */
static void
append_trimmed(GString *out, const char *value)
{
    g_autofree char *copy = g_strstrip(g_strdup(value));

    for (const char *p = copy; *p != '\0'; p++)
        if (*p != ' ' || p[1] != ' ')
            g_string_append_c(out, *p);
}

static void
append_header(GString *out, const RbBoxRequest *request, const char *name)
{
    gboolean first = TRUE;

    g_string_append_printf(out, "%s:", name);
    for (guint i = 0; i < request->headers->len; i++) {
        const RbBoxHeader *header = request->headers->pdata[i];

        if (g_ascii_strcasecmp(header->name, name) != 0)
            continue;
        if (!first)
            g_string_append_c(out, ',');
        append_trimmed(out, header->value);
        first = FALSE;
    }
    g_string_append_c(out, '\n');
}

char *
rb_box_signature_canonical(const RbBoxSignature *signature, const RbBoxRequest *request)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *path = canonical_path(request->path), *query = canonical_query(request->query);
    g_autofree char *digest_text = NULL, *names = NULL;
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    guint8 digest[32];

    for (guint i = 0; signature->signed_headers[i] != NULL; i++)
        g_ptr_array_add(sorted, signature->signed_headers[i]);
    g_ptr_array_sort(sorted, order_texts);
    g_string_append_printf(out, "%s\n%s\n%s\n", request->method, path, query);
    for (guint i = 0; i < sorted->len; i++)
        append_header(out, request, sorted->pdata[i]);
    g_ptr_array_add(sorted, NULL);
    names = g_strjoinv(";", (char **)sorted->pdata);
    rb_sha256(request->body->str, request->body->len, digest);
    digest_text = rb_hex_encode(digest, sizeof digest);
    g_string_append_printf(out, "\n%s\n%s", names, digest_text);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static void
hmac(const void *key, gsize key_size, const char *text, guint8 out[32])
{
    if (HMAC(EVP_sha256(), key, (int)key_size, (const guint8 *)text, strlen(text), out, NULL) == NULL)
        g_error("HMAC-SHA-256 is not available");
}

char *
rb_box_signature_compute(const RbBoxSignature *signature, const char *canonical, const RbSecret *secret)
{
    g_autofree char *start = g_strconcat("AWS4", rb_secret_reveal(secret), NULL);
    g_autofree char *to_sign = NULL, *digest_text = NULL;
    guint8 key[32], next[32], digest[32];

    rb_sha256(canonical, strlen(canonical), digest);
    digest_text = rb_hex_encode(digest, sizeof digest);
    to_sign = g_strdup_printf(ALGORITHM "\n%s\n%s/%s/%s/aws4_request\n%s", signature->stamp, signature->date,
                              signature->region, signature->service, digest_text);
    hmac(start, strlen(start), signature->date, key);
    hmac(key, sizeof key, signature->region, next);
    hmac(next, sizeof next, signature->service, key);
    hmac(key, sizeof key, "aws4_request", next);
    hmac(next, sizeof next, to_sign, digest);
    rb_wipe(start, strlen(start));
    rb_wipe(key, sizeof key);
    rb_wipe(next, sizeof next);
    return rb_hex_encode(digest, sizeof digest);
}

/* Every x-amz-* header must be covered, and a body digest that was sent must be the body's. */
static gboolean
check_coverage(const RbBoxSignature *signature, const RbBoxRequest *request, RbAwsError *error)
{
    for (guint i = 1; signature->signed_headers[i] != NULL; i++)
        if (strcmp(signature->signed_headers[i - 1], signature->signed_headers[i]) >= 0)
            return rb_aws_refuse(error, 403, "SignatureDoesNotMatch",
                                 "The names of the signed headers must be sorted, each once.");
    for (guint i = 0; i < request->headers->len; i++) {
        const RbBoxHeader *header = request->headers->pdata[i];
        g_autofree char *name = g_ascii_strdown(header->name, -1);
        g_autofree char *hex = NULL;
        guint8 digest[32];

        if (!g_str_has_prefix(name, "x-amz-"))
            continue;
        if (!g_strv_contains((const char *const *)signature->signed_headers, name))
            return rb_aws_refuse(error, 403, "SignatureDoesNotMatch",
                                 "'%s' must be a 'SignedHeader' in the AWS Authorization.", name);
        if (strcmp(name, "x-amz-content-sha256") != 0)
            continue;
        rb_sha256(request->body->str, request->body->len, digest);
        hex = rb_hex_encode(digest, sizeof digest);
        if (strcmp(hex, header->value) != 0)
            return rb_aws_refuse(
                error, 403, "SignatureDoesNotMatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.");
    }
    return TRUE;
}

gboolean
rb_box_signature_check(const RbBoxSignature *signature, const RbBoxRequest *request, const RbSecret *secret,
                       RbAwsError *error)
{
    g_autofree char *canonical = NULL, *want = NULL;

    if (!check_coverage(signature, request, error))
        return FALSE;
    canonical = rb_box_signature_canonical(signature, request);
    want = rb_box_signature_compute(signature, canonical, secret);
    if (strlen(want) == strlen(signature->signature) &&
        CRYPTO_memcmp(want, signature->signature, strlen(want)) == 0)
        return TRUE;
    return rb_aws_refuse(
        error, 403, "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method. Consult the service documentation for details.");
}
