#include "base/encoding.h"
#include "base/refusal.h"
#include "iam/priv.h"
#include "iam/sigv4.h"

#include <string.h>

/* What a request says about its signature, from the Authorization header or from the query. */
typedef struct {
    char *access_key_id, *yyyymmdd, *region, *service;
    char *signed_headers, *signature;
    const char *date, *token;
    gint64 expires_s;
    gboolean presigned;
} Claim;

static void
claim_clear(Claim *claim)
{
    g_free(claim->access_key_id);
    g_free(claim->yyyymmdd);
    g_free(claim->region);
    g_free(claim->service);
    g_free(claim->signed_headers);
    g_free(claim->signature);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Claim, claim_clear)

void
rb_sigv4_verified_free(RbSigv4Verified *verified)
{
    if (verified == NULL)
        return;
    g_free(verified->access_key_id);
    g_free(verified->region);
    g_free(verified);
}

static gboolean
malformed(GError **error, const char *what)
{
    (void)rb_refuse(error, RB_SIGV4_MALFORMED, "%s", what);
    return FALSE;
}

static gboolean
take_credential(Claim *claim, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 6);

    if (g_strv_length(parts) != 5 || !g_str_equal(parts[4], "aws4_request") || parts[0][0] == '\0' ||
        strlen(parts[1]) != 8)
        return malformed(error, "Credential is not KEY/DATE/REGION/SERVICE/aws4_request");
    claim->access_key_id = g_strdup(parts[0]);
    claim->yyyymmdd = g_strdup(parts[1]);
    claim->region = g_strdup(parts[2]);
    claim->service = g_strdup(parts[3]);
    return TRUE;
}

/* One "Name=value" of the Authorization header; each name once. */
static gboolean
take_field(Claim *claim, char *field, GError **error)
{
    g_strstrip(field);
    if (g_str_has_prefix(field, "Credential=") && claim->access_key_id == NULL)
        return take_credential(claim, field + strlen("Credential="), error);
    if (g_str_has_prefix(field, "SignedHeaders=") && claim->signed_headers == NULL)
        claim->signed_headers = g_strdup(field + strlen("SignedHeaders="));
    else if (g_str_has_prefix(field, "Signature=") && claim->signature == NULL)
        claim->signature = g_strdup(field + strlen("Signature="));
    else
        return malformed(error, "Authorization has a field that is unknown or appears twice");
    return TRUE;
}

static gboolean
claim_from_header(Claim *claim, const char *text, const GArray *headers, GError **error)
{
    g_auto(GStrv) fields = NULL;

    if (!g_str_has_prefix(text, "AWS4-HMAC-SHA256 "))
        return malformed(error, "Authorization is not AWS4-HMAC-SHA256");
    fields = g_strsplit(text + strlen("AWS4-HMAC-SHA256 "), ",", 4);
    for (char **f = fields; *f != NULL; f++)
        if (!take_field(claim, *f, error))
            return FALSE;
    claim->date = rb_pairs_find(headers, "x-amz-date");
    claim->token = rb_pairs_find(headers, "x-amz-security-token");
    if (claim->access_key_id == NULL || claim->signed_headers == NULL || claim->signature == NULL)
        return malformed(error, "Authorization lacks Credential, SignedHeaders or Signature");
    if (claim->date == NULL)
        return malformed(error, "X-Amz-Date is missing");
    return TRUE;
}

static gboolean
claim_from_query(Claim *claim, const GArray *query, GError **error)
{
    const char *credential = rb_query_get(query, "X-Amz-Credential");
    const char *names = rb_query_get(query, "X-Amz-SignedHeaders");
    const char *expires = rb_query_get(query, "X-Amz-Expires");

    claim->presigned = TRUE;
    claim->date = rb_query_get(query, "X-Amz-Date");
    claim->token = rb_query_get(query, "X-Amz-Security-Token");
    claim->signature = g_strdup(rb_query_get(query, "X-Amz-Signature"));
    if (credential == NULL || names == NULL || expires == NULL || claim->date == NULL)
        return malformed(error, "the presigned query lacks one of its X-Amz parameters");
    if (g_strcmp0(rb_query_get(query, "X-Amz-Algorithm"), "AWS4-HMAC-SHA256") != 0)
        return malformed(error, "X-Amz-Algorithm is not AWS4-HMAC-SHA256");
    if (!g_ascii_string_to_signed(expires, 10, 1, 604800, &claim->expires_s, NULL))
        return malformed(error, "X-Amz-Expires is not from 1 to 604800");
    claim->signed_headers = g_strdup(names);
    return take_credential(claim, credential, error);
}

/* Names must be in order, each present, with host and every x-amz-* header among them. */
static gboolean
check_signed_headers(const Claim *claim, const GArray *headers, GError **error)
{
    g_auto(GStrv) names = g_strsplit(claim->signed_headers, ";", RB_SIGV4_MAX_HEADERS + 1);

    for (char **n = names; *n != NULL; n++) {
        if (n > names && strcmp(n[-1], *n) >= 0)
            return malformed(error, "SignedHeaders is not sorted or names a header twice");
        if (rb_pairs_find(headers, *n) == NULL)
            return malformed(error, "SignedHeaders names a header that was not sent");
    }
    if (!g_strv_contains((const char *const *)names, "host"))
        return malformed(error, "the host header is not signed");
    for (guint i = 0; i < headers->len; i++) {
        const char *name = g_array_index(headers, RbPair, i).name;
        if (g_str_has_prefix(name, "x-amz-") && !g_strv_contains((const char *const *)names, name))
            return malformed(error, "an x-amz- header is not signed");
    }
    return TRUE;
}

static gboolean
check_scope(const Claim *claim, const RbSigv4Verifier *verifier, GError **error)
{
    g_autofree char *region = rb_text_quote(claim->region), *service = rb_text_quote(claim->service);

    if (g_strcmp0(claim->service, verifier->service) != 0)
        return rb_refuse(error, RB_SIGV4_SCOPE,
                         "Credential should be scoped to correct service: '%s', not %s", verifier->service,
                         service);
    if (verifier->region != NULL && g_strcmp0(claim->region, verifier->region) != 0)
        return rb_refuse(error, RB_SIGV4_SCOPE, "Credential should be scoped to a valid region: '%s', not %s",
                         verifier->region, region);
    return TRUE;
}

static gboolean
check_time(const Claim *claim, gint64 now, gint64 *signed_at, GError **error)
{
    gint64 life = RB_SIGV4_SKEW_S;
    char limit[17], clock[17];

    if (!rb_sigv4_time_parse(claim->date, signed_at))
        return malformed(error, "X-Amz-Date is not YYYYMMDD'T'HHMMSS'Z'");
    if (claim->yyyymmdd == NULL || strncmp(claim->date, claim->yyyymmdd, 8) != 0)
        return rb_refuse(error, RB_SIGV4_SCOPE,
                         "Date in Credential scope does not match YYYYMMDD of X-Amz-Date");
    if (claim->presigned && g_strcmp0(claim->service, "sts") != 0)
        life = claim->expires_s;
    rb_sigv4_time_format(now, clock);
    if (now - life > *signed_at) {
        rb_sigv4_time_format(now - life, limit);
        return rb_refuse(error, RB_SIGV4_SKEW,
                         "Signature expired: %s is now earlier than %s (%s - %" G_GINT64_FORMAT " min.)",
                         claim->date, limit, clock, life / 60);
    }
    if (*signed_at > now + RB_SIGV4_SKEW_S) {
        rb_sigv4_time_format(now + RB_SIGV4_SKEW_S, limit);
        return rb_refuse(error, RB_SIGV4_SKEW,
                         "Signature not yet current: %s is still later than %s (%s + 15 min.)", claim->date,
                         limit, clock);
    }
    return TRUE;
}

static gboolean
has_duplicates(const GArray *query)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < query->len; i++)
        if (!g_hash_table_add(seen, g_array_index(query, RbPair, i).name))
            return TRUE;
    return FALSE;
}

/* Exactly one signature, in one place. */
static gboolean
claim_read(Claim *claim, const RbSigv4Request *request, const GArray *headers, const GArray *query,
           GError **error)
{
    guint n = 0;

    for (guint i = 0; i < request->n_headers; i++)
        n += g_ascii_strcasecmp(request->headers[i].name, "authorization") == 0;
    if (query == NULL)
        return malformed(error, "the query has broken percent-encoding");
    if (has_duplicates(query))
        return malformed(error, "the query names a parameter twice");
    n += rb_query_get(query, "X-Amz-Signature") != NULL;
    if (n == 0)
        return rb_refuse(error, RB_SIGV4_MISSING, "the request is not signed");
    if (n > 1)
        return malformed(error, "the request has more than one signature");
    if (rb_query_get(query, "X-Amz-Signature") != NULL)
        return claim_from_query(claim, query, error);
    return claim_from_header(claim, rb_pairs_find(headers, "authorization"), headers, error);
}

static RbSecret *
find_secret(const RbSigv4Verifier *verifier, const Claim *claim, GError **error)
{
    g_autoptr(GError) reason = NULL;
    RbSecret *secret = verifier->lookup(claim->access_key_id, claim->token, verifier->data, &reason);
    g_autofree char *quoted = rb_text_quote(claim->access_key_id);

    if (secret == NULL && reason == NULL)
        (void)rb_refuse(error, RB_SIGV4_UNKNOWN_KEY, "no access key %s", quoted);
    else if (secret == NULL)
        g_propagate_error(error, g_steal_pointer(&reason));
    return secret;
}

static gboolean
check_signature(const RbSigv4Verifier *verifier, const RbSigv4Request *request, const Claim *claim,
                const GArray *headers, const GArray *query, GError **error)
{
    g_autofree char *path = rb_canonical_path(request->target);
    g_autoptr(RbSecret) secret = NULL;
    const char *stated = rb_pairs_find(headers, "x-amz-content-sha256");
    char payload[65], hash[65], signature[65];
    g_autoptr(RbSecret) ours = NULL;
    char *text;

    rb_sha256_hex(request->body, request->body_size, payload);
    if (stated != NULL && !g_str_equal(stated, payload))
        return rb_refuse(error, RB_SIGV4_MISMATCH, "x-amz-content-sha256 is not the hash of the body");
    secret = find_secret(verifier, claim, error);
    if (secret == NULL)
        return FALSE;
    text = rb_query_print(query, "X-Amz-Signature");
    rb_canonical_hash(&(RbCanonical){ request->method, path, text, claim->signed_headers, payload, headers },
                      hash);
    rb_wipe_free(text);
    rb_sigv4_signature(verifier->keys,
                       &(RbSigv4Signer){ claim->access_key_id, secret, NULL, claim->region, claim->service },
                       claim->date, hash, signature);
    ours = rb_secret_new(signature, 64);
    if (!rb_secret_equal_text(ours, claim->signature))
        return rb_refuse(error, RB_SIGV4_MISMATCH, "the signature does not match the one we calculated");
    return TRUE;
}

RbSigv4Verified *
rb_sigv4_verify(const RbSigv4Verifier *verifier, const RbSigv4Request *request, gint64 now, GError **error)
{
    g_auto(Claim) claim = { 0 };
    g_autoptr(GArray) headers = NULL, query = NULL;
    RbSigv4Verified *verified;
    gint64 signed_at;

    if (request->n_headers > RB_SIGV4_MAX_HEADERS ||
        strnlen(request->target, RB_SIGV4_MAX_TARGET + 1) > RB_SIGV4_MAX_TARGET ||
        request->target[0] != '/') {
        (void)malformed(error,
                        "the request has too many headers, or a target that is too long or not a path");
        return NULL;
    }
    headers = rb_canonical_headers(request->headers, request->n_headers);
    query = rb_query_parse(request->target);
    if (!claim_read(&claim, request, headers, query, error) ||
        !check_signed_headers(&claim, headers, error) || !check_scope(&claim, verifier, error) ||
        !check_time(&claim, now, &signed_at, error) ||
        !check_signature(verifier, request, &claim, headers, query, error))
        return NULL;
    verified = g_new0(RbSigv4Verified, 1);
    verified->access_key_id = g_steal_pointer(&claim.access_key_id);
    verified->region = g_steal_pointer(&claim.region);
    verified->signed_at = signed_at;
    verified->presigned = claim.presigned;
    return verified;
}
