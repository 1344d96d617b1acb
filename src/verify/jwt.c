#include "verify/jwt.h"

#include "base/encoding.h"

#include <string.h>

static const json_int_t LATEST = 253402300799; /* 9999-12-31T23:59:59Z */

gboolean
rb_claim_time(const json_t *claims, const char *name, gboolean required, gint64 *at, GError **error)
{
    const json_t *claim = json_object_get(claims, name);
    double value = json_number_value(claim);

    if (claim == NULL) {
        *at = 0;
        return !required || rb_refuse(error, RB_JWT_MALFORMED, "a token without '%s'", name);
    }
    if (!json_is_number(claim) || !(value >= 0 && value <= (double)LATEST))
        return rb_refuse(error, RB_JWT_MALFORMED, "'%s' of the token is not a time in seconds", name);
    *at = json_is_integer(claim) ? json_integer_value(claim) : (gint64)value;
    return TRUE;
}

gboolean
rb_claim_text(const json_t *claims, const char *name, const char **text, GError **error)
{
    const json_t *claim = json_object_get(claims, name);

    *text = json_string_value(claim);
    return claim == NULL || *text != NULL ||
           rb_refuse(error, RB_JWT_MALFORMED, "'%s' of the token is not a text", name);
}

const char *
rb_claim_as_text(const json_t *value, GStringChunk *made)
{
    char number[32];

    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value)) {
        g_snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return g_string_chunk_insert(made, number);
    }
    return json_is_boolean(value) ? (json_is_true(value) ? "true" : "false") : NULL;
}

const char *
rb_claim_subject(const json_t *claims, GError **error)
{
    const json_t *sub = json_object_get(claims, "sub");
    gsize size = json_string_length(sub);

    if (size > 0 && size <= RB_JWT_MAX_SUBJECT)
        return json_string_value(sub);
    (void)rb_refuse(error, RB_JWT_SUBJECT, "a token whose 'sub' is not a text of 1 to %d bytes",
                    RB_JWT_MAX_SUBJECT);
    return NULL;
}

/* RFC 8725 §3.11: one kind of token cannot stand in for another. */
static gboolean
check_type(const RbJwtRules *rules, const RbJws *jws, GError **error)
{
    const char *typ = json_string_value(json_object_get(jws->header, "typ"));
    g_autofree char *lower = typ == NULL ? NULL : g_ascii_strdown(typ, -1), *quoted = NULL;
    const char *kind = lower;

    if (typ == NULL)
        return TRUE;
    if (g_str_has_prefix(kind, "application/"))
        kind += strlen("application/");
    if (g_strv_contains(rules->types, kind))
        return TRUE;
    quoted = rb_text_quote(typ);
    return rb_refuse(error, RB_JWT_TYPE, "a token of type %s", quoted);
}

/* OIDC Core 3.1.3.7, 2: exactly the issuer that was configured. */
static gboolean
check_issuer(const RbJwtRules *rules, const json_t *claims, GError **error)
{
    const char *iss = json_string_value(json_object_get(claims, "iss"));
    g_autofree char *quoted = NULL;

    if (iss != NULL && strcmp(iss, rules->issuer) == 0)
        return TRUE;
    quoted = rb_text_quote(iss == NULL ? "" : iss);
    return rb_refuse(error, RB_JWT_ISSUER, "the token was issued by %s", quoted);
}

/* Whether we are in @aud, a text or a list of texts; how many are in it. */
static gboolean
find_audience(const RbJwtRules *rules, const json_t *aud, gsize *n, GError **error)
{
    gboolean found = FALSE;
    const json_t *one;
    gsize i;

    *n = 1;
    if (json_is_string(aud))
        return strcmp(json_string_value(aud), rules->audience) == 0 ||
               rb_refuse(error, RB_JWT_AUDIENCE, "the token is not for '%s'", rules->audience);
    *n = json_array_size(aud);
    if (*n > RB_JWT_MAX_AUDIENCES)
        return rb_refuse(error, RB_JWT_AUDIENCE, "a token for more than %d audiences", RB_JWT_MAX_AUDIENCES);
    json_array_foreach((json_t *)aud, i, one)
    {
        if (!json_is_string(one))
            return rb_refuse(error, RB_JWT_AUDIENCE, "an audience that is not a text");
        found = found || strcmp(json_string_value(one), rules->audience) == 0;
    }
    return found || rb_refuse(error, RB_JWT_AUDIENCE, "the token is not for '%s'", rules->audience);
}

/* OIDC Core 3.1.3.7, 3 to 5. */
static gboolean
check_audience(const RbJwtRules *rules, const json_t *claims, GError **error)
{
    const json_t *azp = json_object_get(claims, "azp");
    gsize n;

    if (!find_audience(rules, json_object_get(claims, "aud"), &n, error))
        return FALSE;
    if (azp == NULL)
        return n == 1 || rb_refuse(error, RB_JWT_AUDIENCE, "a token for %zu audiences without 'azp'", n);
    return g_strcmp0(json_string_value(azp), rules->audience) == 0 ||
           rb_refuse(error, RB_JWT_AUDIENCE, "the token was issued to somebody else ('azp')");
}

/* OIDC Core 3.1.3.7, 9 and 10; RFC 7519 §4.1.4 to 4.1.6. */
static gboolean
check_times(const RbJwtRules *rules, const json_t *claims, gint64 now, GError **error)
{
    gint64 exp = 0, nbf = 0, iat = 0;

    if (!rb_claim_time(claims, "exp", TRUE, &exp, error) ||
        !rb_claim_time(claims, "nbf", FALSE, &nbf, error) || !rb_claim_time(claims, "iat", TRUE, &iat, error))
        return FALSE;
    if (now - rules->skew_s >= exp)
        return rb_refuse(error, RB_JWT_EXPIRED, "expired %" G_GINT64_FORMAT " s ago", now - exp);
    if (now + rules->skew_s < nbf || now + rules->skew_s < iat)
        return rb_refuse(error, RB_JWT_NOT_YET_VALID, "valid in %" G_GINT64_FORMAT " s", MAX(nbf, iat) - now);
    return TRUE;
}

gboolean
rb_jwt_check_life(const json_t *claims, gint64 longest_s, GError **error)
{
    gint64 exp = 0, iat = 0;

    if (!rb_claim_time(claims, "exp", TRUE, &exp, error) || !rb_claim_time(claims, "iat", TRUE, &iat, error))
        return FALSE;
    return exp - iat <= longest_s ||
           rb_refuse(error, RB_JWT_LIFETIME,
                     "a token of %" G_GINT64_FORMAT " s of life; at most %" G_GINT64_FORMAT " s are accepted",
                     exp - iat, longest_s);
}

gboolean
rb_jwt_check_claims(const RbJwtRules *rules, const RbJws *jws, gint64 now, GError **error)
{
    return check_type(rules, jws, error) && check_issuer(rules, jws->claims, error) &&
           check_audience(rules, jws->claims, error) && check_times(rules, jws->claims, now, error);
}

RbJws *
rb_jwt_verify(const RbJwtRules *rules, const RbJwks *keys, const char *token, gint64 now, GError **error)
{
    g_autoptr(RbJws) jws = rb_jws_verify(keys, rules->algorithms, token, error);

    return jws != NULL && rb_jwt_check_claims(rules, jws, now, error) ? g_steal_pointer(&jws) : NULL;
}
