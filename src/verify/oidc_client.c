#include "base/encoding.h"
#include "verify/oidc.h"

#include <string.h>

/* Calls to the issuer: the token endpoint and its kin, with our authentication (OIDC Core 9). */

enum { FORM_SIZE = 16 * 1024, ASSERTION_S = 60, MAX_OAUTH_ERROR = 64 };

struct RbOidcForm {
    GString *text; /* big enough from the start: growing it would leave copies of a secret behind */
};

RbOidcForm *
rb_oidc_form_new(void)
{
    RbOidcForm *form = g_new0(RbOidcForm, 1);

    form->text = g_string_sized_new(FORM_SIZE);
    return form;
}

void
rb_oidc_form_free(RbOidcForm *form)
{
    if (form == NULL)
        return;
    rb_wipe(form->text->str, form->text->len);
    (void)g_string_free(form->text, TRUE);
    g_free(form);
}

void
rb_oidc_form_add(RbOidcForm *form, const char *name, const char *value)
{
    char *encoded = rb_uri_encode(value);

    if (form->text->len > 0)
        g_string_append_c(form->text, '&');
    g_string_append(form->text, name);
    g_string_append_c(form->text, '=');
    g_string_append(form->text, encoded);
    rb_wipe_free(encoded);
}

const char *
rb_oidc_form_text(const RbOidcForm *form)
{
    return form->text->str;
}

/* RFC 6749 §2.3.1: both halves are form-encoded first. */
static void
add_basic(const RbOidc *oidc, RbHttpRequest *request)
{
    g_autofree char *id = rb_uri_encode(oidc->client_id);
    char *secret = rb_uri_encode(rb_secret_reveal(oidc->client_secret));
    char *both = g_strconcat(id, ":", secret, NULL);
    char *encoded = g_base64_encode((const guchar *)both, strlen(both));
    char *header = g_strconcat("Basic ", encoded, NULL);

    rb_http_request_header(request, "Authorization", header);
    rb_wipe_free(secret);
    rb_wipe_free(both);
    rb_wipe_free(encoded);
    rb_wipe_free(header);
}

/* RFC 7523 §2.2, OIDC Core 9: good for a minute, once. */
static gboolean
add_assertion(const RbOidc *oidc, const char *audience, RbOidcForm *form, gint64 now, GError **error)
{
    g_autoptr(RbSecret) jti = rb_secret_new_random(16), assertion = NULL;
    json_int_t exp = (json_int_t)now + ASSERTION_S;
    json_t *claims =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", oidc->client_id, "sub", oidc->client_id, "aud",
                  audience, "jti", rb_secret_reveal(jti), "iat", (json_int_t)now, "exp", exp);

    assertion = rb_jws_make(oidc->client_key, oidc->client_key_id, claims, error);
    json_decref(claims);
    if (assertion == NULL)
        return FALSE;
    rb_oidc_form_add(form, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    rb_oidc_form_add(form, "client_assertion", rb_secret_reveal(assertion));
    return TRUE;
}

static gboolean
authenticate(const RbOidc *oidc, const char *token_endpoint, RbHttpRequest *request, RbOidcForm *form,
             gint64 now, GError **error)
{
    if ((oidc->auth == RB_OIDC_BASIC || oidc->auth == RB_OIDC_POST) && oidc->client_secret == NULL)
        return rb_fault(error, RB_FAULT_INTERNAL, "'%s' has no client secret", oidc->seat->id);
    if (oidc->auth == RB_OIDC_BASIC)
        add_basic(oidc, request);
    if (oidc->auth == RB_OIDC_POST)
        rb_oidc_form_add(form, "client_secret", rb_secret_reveal(oidc->client_secret));
    return oidc->auth != RB_OIDC_PRIVATE_KEY_JWT || add_assertion(oidc, token_endpoint, form, now, error);
}

RbHttpResponse *
rb_oidc_post(const RbOidc *oidc, const char *url, const char *token_endpoint, RbOidcForm *form, gint64 now,
             GError **error)
{
    g_autoptr(RbHttpRequest) request = rb_http_request_new("POST", url);
    g_autoptr(GBytes) body = NULL;

    if (oidc->seat->http == NULL) {
        (void)rb_fault(error, RB_FAULT_NETWORK, "nothing is fetched here");
        return NULL;
    }
    rb_oidc_form_add(form, "client_id", oidc->client_id);
    if (!authenticate(oidc, token_endpoint, request, form, now, error))
        return NULL;
    rb_http_request_header(request, "Accept", "application/json");
    body = g_bytes_new_static(form->text->str, form->text->len); /* the request goes before the form does */
    rb_http_request_body(request, "application/x-www-form-urlencoded", body);
    rb_http_request_limits(request, RB_OIDC_CONNECT_MS, RB_OIDC_TOTAL_MS, RB_OIDC_MAX_ANSWER);
    return rb_http_fetch(oidc->seat->http, request, error);
}

/* RFC 6749 §5.2: what the issuer says went wrong, as far as it can be shown. */
static void
refuse_as_said(const RbHttpResponse *response, RbRefusalCode code, const char *what, GError **error)
{
    g_autoptr(GError) why = NULL;
    json_t *json = rb_json_parse(g_bytes_get_data(response->body, NULL), g_bytes_get_size(response->body),
                                 code, what, &why);
    const char *said = json_string_value(json_object_get(json, "error"));
    g_autofree char *quoted = said == NULL || strlen(said) > MAX_OAUTH_ERROR ? NULL : rb_text_quote(said);

    (void)rb_refuse(error, code, "%s was refused with HTTP status %d%s%s", what, response->status,
                    quoted == NULL ? "" : ": ", quoted == NULL ? "" : quoted);
    json_decref(json);
}

json_t *
rb_oidc_answer(const RbHttpResponse *response, int want, RbRefusalCode refused, const char *what,
               GError **error)
{
    if (response->status == want)
        return rb_json_parse(g_bytes_get_data(response->body, NULL), g_bytes_get_size(response->body),
                             RB_OIDC_TOKEN_ANSWER, what, error);
    if (response->status >= 400 && response->status < 500 && response->status != 429)
        refuse_as_said(response, refused, what, error);
    else
        (void)rb_fault(error, RB_FAULT_NETWORK, "%s was answered with HTTP status %d", what,
                       response->status);
    return NULL;
}

void
rb_oidc_tokens_free(RbOidcTokens *tokens)
{
    if (tokens == NULL)
        return;
    rb_secret_unref(tokens->id_token);
    rb_secret_unref(tokens->access_token);
    g_free(tokens);
}

/* OIDC Core 3.1.3.3, RFC 6749 §5.1 */
RbOidcTokens *
rb_oidc_tokens_parse(const json_t *answer, gboolean want_id_token, GError **error)
{
    const char *id_token = json_string_value(json_object_get(answer, "id_token"));
    const char *access_token = json_string_value(json_object_get(answer, "access_token"));
    const char *type = json_string_value(json_object_get(answer, "token_type"));
    RbOidcTokens *tokens;

    if (type == NULL || g_ascii_strcasecmp(type, "Bearer") != 0 || access_token == NULL ||
        *access_token == '\0' || (want_id_token && id_token == NULL)) {
        (void)rb_refuse(error, RB_OIDC_TOKEN_ANSWER, "an answer without %s",
                        want_id_token ? "id_token and a bearer access_token" : "a bearer access_token");
        return NULL;
    }
    for (const char *p = access_token; *p != '\0'; p++) /* it goes into a header */
        if (!g_ascii_isgraph(*p)) {
            (void)rb_refuse(error, RB_OIDC_TOKEN_ANSWER, "an access token that fits no header");
            return NULL;
        }
    tokens = g_new0(RbOidcTokens, 1);
    tokens->access_token = rb_secret_new_text(access_token);
    tokens->id_token = id_token == NULL ? NULL : rb_secret_new_text(id_token);
    return tokens;
}

RbOidcTokens *
rb_oidc_redeem(const RbOidc *oidc, const RbOidcTrust *trust, const char *code, const char *verifier,
               gint64 now, GError **error)
{
    g_autoptr(RbOidcForm) form = rb_oidc_form_new();
    g_autoptr(RbHttpResponse) response = NULL;
    RbOidcTokens *tokens;
    json_t *json;

    rb_oidc_form_add(form, "grant_type", "authorization_code");
    rb_oidc_form_add(form, "code", code);
    rb_oidc_form_add(form, "redirect_uri", oidc->redirect_uri);
    rb_oidc_form_add(form, "code_verifier", verifier);
    response = rb_oidc_post(oidc, trust->token, trust->token, form, now, error);
    if (response == NULL)
        return NULL;
    json = rb_oidc_answer(response, 200, RB_OIDC_TOKEN_REFUSED, "the code", error);
    tokens = json == NULL ? NULL : rb_oidc_tokens_parse(json, TRUE, error);
    json_decref(json);
    return tokens;
}

json_t *
rb_oidc_get(const RbOidc *oidc, const char *url, const RbSecret *access_token, GError **error)
{
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);
    g_autoptr(RbHttpResponse) response = NULL;
    char *bearer = g_strconcat("Bearer ", rb_secret_reveal(access_token), NULL);

    rb_http_request_header(request, "Authorization", bearer);
    rb_wipe_free(bearer);
    rb_http_request_header(request, "Accept", "application/json");
    rb_http_request_limits(request, RB_OIDC_CONNECT_MS, RB_OIDC_TOTAL_MS, RB_OIDC_MAX_ANSWER);
    response = rb_http_fetch(oidc->seat->http, request, error);
    return response == NULL ? NULL
                            : rb_oidc_answer(response, 200, RB_OIDC_USERINFO, "the UserInfo request", error);
}
