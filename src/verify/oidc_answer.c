#include "base/encoding.h"
#include "verify/oidc.h"

#include <string.h>

/* The answer of the authorization endpoint, the code, the ID token: docs/oidc.md lists the checks. */

static const char *const id_token_types[] = { "jwt", NULL };

static const char *
field(const RbInbound *inbound, const char *name)
{
    return inbound->fields == NULL ? NULL : g_hash_table_lookup(inbound->fields, name);
}

/* RFC 6749 §10.12: the answer to this browser's own request. */
static gboolean
check_state(const RbSignIn *sign_in, const RbInbound *inbound, GError **error)
{
    const char *state = field(inbound, "state");
    g_autoptr(RbSecret) want = NULL;

    if (sign_in == NULL)
        return rb_refuse(error, RB_OIDC_UNSOLICITED, "no sign-in of this browser asked for this answer");
    if (strcmp(inbound->method, "GET") != 0)
        return rb_refuse(error, RB_OIDC_MALFORMED, "an answer that is not a GET");
    if (sign_in->request_id == NULL || sign_in->nonce == NULL || sign_in->pkce_verifier == NULL)
        return rb_fault(error, RB_FAULT_INTERNAL, "a stored sign-in lacks state, nonce or verifier");
    want = rb_secret_new_text(sign_in->request_id);
    return (state != NULL && rb_secret_equal_text(want, state)) ||
           rb_refuse(error, RB_OIDC_STATE, "the answer's state is not the one that was sent");
}

/* RFC 9207 §2.4: against an issuer that passes another's code on to us. */
static gboolean
check_issuer(const RbOidc *oidc, const RbOidcTrust *trust, const RbInbound *inbound, GError **error)
{
    const char *iss = field(inbound, "iss");
    g_autofree char *quoted = NULL;

    if (iss == NULL ? !trust->says_iss : strcmp(iss, oidc->source.issuer) == 0)
        return TRUE;
    quoted = rb_text_quote(iss == NULL ? "" : iss);
    return rb_refuse(error, RB_OIDC_ISSUER, "the answer is of the issuer %s", quoted);
}

/* RFC 6749 §4.1.2.1, OIDC Core 3.1.2.6 */
static gboolean
check_error(const RbInbound *inbound, GError **error)
{
    const char *said = field(inbound, "error"), *more = field(inbound, "error_description");
    g_autofree char *quoted = NULL, *quoted_more = NULL;
    RbRefusalCode code = RB_OIDC_REFUSED;

    if (said == NULL)
        return TRUE;
    if (strcmp(said, "unmet_authentication_requirements") == 0)
        code = RB_OIDC_ACR;
    quoted = rb_text_quote(said);
    quoted_more = rb_text_quote(more == NULL ? "" : more);
    return rb_refuse(error, code, "the issuer answered %s, %s", quoted, quoted_more);
}

static const char *
find_code(const RbInbound *inbound, GError **error)
{
    const char *code = field(inbound, "code");

    if (code != NULL && *code != '\0' && strnlen(code, RB_OIDC_MAX_CODE + 1) <= RB_OIDC_MAX_CODE)
        return code;
    (void)rb_refuse(error, RB_OIDC_MALFORMED, "an answer without a code of at most %d bytes",
                    RB_OIDC_MAX_CODE);
    return NULL;
}

/* OIDC Core 3.1.3.6, 3.3.2.11: optional, but if it is there it must hold. */
static gboolean
check_hash(const RbJws *token, const char *name, const char *text, GError **error)
{
    const json_t *claim = json_object_get(token->claims, name);
    g_autofree char *want = text == NULL ? NULL : rb_jws_half_hash(token->algorithm, text);

    return claim == NULL || (want != NULL && g_strcmp0(json_string_value(claim), want) == 0) ||
           rb_refuse(error, RB_JWT_HASH, "'%s' of the ID token is not of what came with it", name);
}

/* OIDC Core 3.1.2.1, 3.1.3.7, 13: who was asked to sign in anew did. */
static gboolean
check_auth_time(const RbOidc *oidc, const RbSignIn *sign_in, const json_t *claims, gint64 now, GError **error)
{
    gboolean asked = sign_in->forced || oidc->max_age_s > 0;
    gint64 at = 0, earliest = sign_in->forced ? sign_in->started_at : now - oidc->max_age_s;

    if (!rb_claim_time(claims, "auth_time", FALSE, &at, error))
        return FALSE;
    if (at > now + oidc->seat->skew_s)
        return rb_refuse(error, RB_JWT_NOT_YET_VALID, "signed in %" G_GINT64_FORMAT " s from now", at - now);
    if (!asked)
        return TRUE;
    if (at == 0)
        return rb_refuse(error, RB_JWT_STALE_SIGN_IN,
                         "asked for max_age, and the ID token has no 'auth_time'");
    return at + oidc->seat->skew_s >= earliest ||
           rb_refuse(error, RB_JWT_STALE_SIGN_IN,
                     "signed in %" G_GINT64_FORMAT " s before what was asked for", earliest - at);
}

gboolean
rb_oidc_check_id_token(const RbOidc *oidc, const RbSignIn *sign_in, const RbJws *token, const char *code,
                       const RbSecret *access_token, gint64 now, GError **error)
{
    const char *nonce = json_string_value(json_object_get(token->claims, "nonce"));
    g_autoptr(RbSecret) want = rb_secret_new_text(sign_in->nonce);

    if (rb_claim_subject(token->claims, error) == NULL)
        return FALSE;
    if (nonce == NULL || !rb_secret_equal_text(want, nonce)) /* 3.1.3.7, 11 */
        return rb_refuse(error, RB_JWT_NONCE, "the ID token's nonce is not the one that was sent");
    return check_hash(token, "at_hash", access_token == NULL ? NULL : rb_secret_reveal(access_token),
                      error) &&
           check_hash(token, "c_hash", code, error) &&
           check_auth_time(oidc, sign_in, token->claims, now, error);
}

static RbVerified *
verified(const RbOidc *oidc, const RbSignIn *sign_in, const RbJws *token, RbIdentity *identity)
{
    RbVerified *result = g_new0(RbVerified, 1);
    g_autofree char *handle = rb_text_handle(sign_in->nonce);
    gint64 exp = (gint64)json_number_value(json_object_get(token->claims, "exp"));

    result->identity = identity;
    result->replay_key = g_strconcat(oidc->seat->id, ":nonce:", handle, NULL);
    result->replay_until = exp + oidc->seat->skew_s;
    return result;
}

RbVerified *
rb_oidc_finish(gpointer self, const RbSignIn *sign_in, const RbInbound *inbound, gint64 now, GError **error)
{
    const RbOidc *oidc = self;
    g_autoptr(RbOidcTrust) trust = NULL;
    g_autoptr(RbOidcTokens) tokens = NULL;
    g_autoptr(RbJws) token = NULL;
    const char *code;
    RbIdentity *identity;

    if (!check_state(sign_in, inbound, error))
        return NULL;
    trust = rb_oidc_trust(&oidc->source, now, error);
    if (trust == NULL || !check_issuer(oidc, trust, inbound, error) || !check_error(inbound, error))
        return NULL;
    code = find_code(inbound, error);
    tokens = code == NULL ? NULL : rb_oidc_redeem(oidc, trust, code, sign_in->pkce_verifier, now, error);
    if (tokens == NULL)
        return NULL;
    token = rb_oidc_verify(&oidc->source, oidc->client_id, id_token_types, rb_secret_reveal(tokens->id_token),
                           now, error);
    if (token == NULL ||
        !rb_oidc_check_id_token(oidc, sign_in, token, code, tokens->access_token, now, error))
        return NULL;
    identity = rb_oidc_identity(oidc, trust, sign_in, token->claims, tokens->access_token, now, error);
    return identity == NULL ? NULL : verified(oidc, sign_in, token, identity);
}
