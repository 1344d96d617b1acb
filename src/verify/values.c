/* The values that pass verify's door: made, freed, kept as JSON. */
#include "base/refusal.h"
#include "verify/verify.h"

void
rb_sign_in_free(RbSignIn *sign_in)
{
    if (sign_in == NULL)
        return;
    g_free(sign_in->request_id);
    g_free(sign_in->nonce);
    g_free(sign_in->pkce_verifier);
    g_free(sign_in);
}

json_t *
rb_sign_in_to_json(const RbSignIn *sign_in)
{
    return json_pack("{s:s?, s:s?, s:s?, s:I, s:b, s:b}", "request_id", sign_in->request_id, "nonce",
                     sign_in->nonce, "pkce_verifier", sign_in->pkce_verifier, "started_at",
                     (json_int_t)sign_in->started_at, "wants_mfa", sign_in->wants_mfa, "forced",
                     sign_in->forced);
}

RbSignIn *
rb_sign_in_from_json(const json_t *json, GError **error)
{
    const json_t *started_at = json_object_get(json, "started_at");
    RbSignIn *sign_in;

    if (!json_is_integer(started_at) || !json_is_boolean(json_object_get(json, "wants_mfa")) ||
        !json_is_boolean(json_object_get(json, "forced"))) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a stored sign-in could not be read");
        return NULL;
    }
    sign_in = g_new0(RbSignIn, 1);
    sign_in->request_id = g_strdup(json_string_value(json_object_get(json, "request_id")));
    sign_in->nonce = g_strdup(json_string_value(json_object_get(json, "nonce")));
    sign_in->pkce_verifier = g_strdup(json_string_value(json_object_get(json, "pkce_verifier")));
    sign_in->started_at = json_integer_value(started_at);
    sign_in->wants_mfa = json_is_true(json_object_get(json, "wants_mfa"));
    sign_in->forced = json_is_true(json_object_get(json, "forced"));
    return sign_in;
}

void
rb_verified_free(RbVerified *verified)
{
    if (verified == NULL)
        return;
    rb_identity_unref(verified->identity);
    g_free(verified->replay_key);
    g_free(verified->proof_id);
    g_free(verified->audience);
    g_free(verified);
}

void
rb_logout_free(RbLogout *logout)
{
    if (logout == NULL)
        return;
    g_free(logout->id);
    g_free(logout->in_response_to);
    g_free(logout->subject);
    g_strfreev(logout->session_indexes);
    g_free(logout->replay_key);
    g_free(logout);
}
