#include "base/encoding.h"
#include "verify/oidc.h"

#include <string.h>

/* OpenID Connect RP-Initiated Logout 1.0 and Back-Channel Logout 1.0. */

#define LOGOUT_EVENT "http://schemas.openid.net/event/backchannel-logout"

enum { MAX_JTI = 512, MAX_STATE = 128 };

static const char *const logout_types[] = { "logout+jwt", "jwt", NULL };

static const char *
field(const RbInbound *inbound, const char *name)
{
    return inbound->fields == NULL ? NULL : g_hash_table_lookup(inbound->fields, name);
}

/* RP-Initiated Logout 2. The ID token is not kept (docs/decisions/0016), so there is no id_token_hint:
 * the issuer knows us by client_id, and may ask the person. */
char *
rb_oidc_logout_url(gpointer self, const RbIdentity *identity, const char *relay_state, gint64 now,
                   char **request_id, GError **error)
{
    const RbOidc *oidc = self;
    g_autoptr(RbOidcTrust) trust = rb_oidc_trust(&oidc->source, now, error);
    g_autoptr(RbOidcForm) form = rb_oidc_form_new();
    g_autoptr(RbSecret) state = rb_secret_new_random(20);

    (void)relay_state;
    if (trust == NULL || trust->end_session == NULL)
        return NULL;
    rb_oidc_form_add(form, "client_id", oidc->client_id);
    rb_oidc_form_add(form, "logout_hint",
                     identity->session_index != NULL ? identity->session_index : identity->subject);
    rb_oidc_form_add(form, "post_logout_redirect_uri", oidc->logout_uri);
    rb_oidc_form_add(form, "state", rb_secret_reveal(state));
    *request_id = g_strdup(rb_secret_reveal(state));
    return g_strconcat(trust->end_session, strchr(trust->end_session, '?') == NULL ? "?" : "&",
                       rb_oidc_form_text(form), NULL);
}

/* The browser is back from the issuer's end of session. */
static RbLogout *
receive_return(const RbInbound *inbound, GError **error)
{
    const char *state = field(inbound, "state");
    RbLogout *logout;

    if (state == NULL || strnlen(state, MAX_STATE + 1) > MAX_STATE) {
        (void)rb_refuse(error, RB_OIDC_MALFORMED, "a return from signing out without its state");
        return NULL;
    }
    logout = g_new0(RbLogout, 1);
    logout->kind = RB_LOGOUT_RESPONSE;
    logout->in_response_to = g_strdup(state);
    logout->success = TRUE;
    return logout;
}

/* Back-Channel Logout 2.4, 2.6: what makes a token a logout token, so that no ID token passes for one. */
static gboolean
check_logout_token(const json_t *claims, GError **error)
{
    const json_t *event = json_object_get(json_object_get(claims, "events"), LOGOUT_EVENT);
    const json_t *jti = json_object_get(claims, "jti"), *sub = json_object_get(claims, "sub");
    const json_t *sid = json_object_get(claims, "sid");

    if (!json_is_object(event))
        return rb_refuse(error, RB_OIDC_LOGOUT_TOKEN, "a token without the logout event");
    if (json_object_get(claims, "nonce") != NULL)
        return rb_refuse(error, RB_OIDC_LOGOUT_TOKEN, "a logout token with a nonce");
    if (json_string_length(jti) == 0 || json_string_length(jti) > MAX_JTI)
        return rb_refuse(error, RB_OIDC_LOGOUT_TOKEN, "a logout token without 'jti' of at most %d bytes",
                         MAX_JTI);
    if (sub == NULL && sid == NULL)
        return rb_refuse(error, RB_OIDC_LOGOUT_TOKEN, "a logout token that names nobody");
    if (sid != NULL && (json_string_length(sid) == 0 || json_string_length(sid) > RB_IDENTITY_MAX_TEXT))
        return rb_refuse(error, RB_OIDC_LOGOUT_TOKEN, "a logout token whose 'sid' is not a text");
    return sub == NULL || rb_claim_subject(claims, error) != NULL;
}

static RbLogout *
logout_of(const RbOidc *oidc, const json_t *claims)
{
    const char *sid = json_string_value(json_object_get(claims, "sid"));
    RbLogout *logout = g_new0(RbLogout, 1);
    g_autofree char *handle = rb_text_handle(json_string_value(json_object_get(claims, "jti")));

    logout->kind = RB_LOGOUT_REQUEST;
    logout->id = g_strdup(json_string_value(json_object_get(claims, "jti")));
    logout->subject = g_strdup(json_string_value(json_object_get(claims, "sub")));
    logout->session_indexes = g_new0(char *, 2);
    logout->session_indexes[0] = g_strdup(sid);
    logout->replay_key = g_strconcat(oidc->seat->id, ":jti:", handle, NULL);
    logout->replay_until = (gint64)json_number_value(json_object_get(claims, "exp")) + oidc->seat->skew_s;
    return logout;
}

RbLogout *
rb_oidc_logout_receive(gpointer self, const RbInbound *inbound, gint64 now, GError **error)
{
    const RbOidc *oidc = self;
    const char *text = field(inbound, "logout_token");
    g_autoptr(RbJws) token = NULL;

    if (strcmp(inbound->method, "POST") != 0)
        return receive_return(inbound, error);
    if (text == NULL) {
        (void)rb_refuse(error, RB_OIDC_LOGOUT_TOKEN, "a form without logout_token");
        return NULL;
    }
    token = rb_oidc_verify(&oidc->source, oidc->client_id, logout_types, text, now, error);
    if (token == NULL || !check_logout_token(token->claims, error))
        return NULL;
    return logout_of(oidc, token->claims);
}

char *
rb_oidc_logout_reply(gpointer self, const RbLogout *request, const char *relay_state, gboolean success,
                     gint64 now, GError **error)
{
    (void)self, (void)request, (void)relay_state, (void)success, (void)now, (void)error;
    return g_strdup(""); /* the issuer waits for a status, no browser for an address */
}
