#include "base/encoding.h"
#include "verify/oidc.h"

#include <string.h>

/* The authorization request (OIDC Core 3.1.2.1, RFC 7636, RFC 9126). */

enum { MAX_STATE = 80, RANDOM_BYTES = 32 };

/* RFC 7636 §4.2 */
static char *
challenge(const char *verifier)
{
    guint8 digest[32];

    rb_sha256(verifier, strlen(verifier), digest);
    return rb_base64url_encode(digest, sizeof digest);
}

/* What can be asked for. Returns: NULL with oidc.mfa_missing when a second factor is wanted and `mfa:` could
 * never recognise one. */
static const char *const *
wanted_acr(const RbOidc *oidc, gboolean mfa, GError **error)
{
    const RbMfaRules *rules = oidc->seat->mfa;

    if (mfa && *rules->oidc_acr == NULL && *rules->oidc_amr == NULL) {
        (void)rb_refuse(error, RB_OIDC_MFA_MISSING, "`mfa:` in rolebridge.yaml accepts nothing from OIDC");
        return NULL;
    }
    return (const char *const *)(mfa && *rules->oidc_acr != NULL ? rules->oidc_acr : oidc->acr_values);
}

static void
fill(const RbOidc *oidc, const RbSignIn *sign_in, const char *const *acr, RbOidcForm *form)
{
    g_autofree char *code_challenge = challenge(sign_in->pkce_verifier);
    g_autofree char *acr_values = g_strjoinv(" ", (char **)acr);
    g_autofree char *max_age = g_strdup_printf("%" G_GINT64_FORMAT, sign_in->forced ? 0 : oidc->max_age_s);

    rb_oidc_form_add(form, "response_type", "code");
    rb_oidc_form_add(form, "redirect_uri", oidc->redirect_uri);
    rb_oidc_form_add(form, "scope", oidc->scope);
    rb_oidc_form_add(form, "state", sign_in->request_id);
    rb_oidc_form_add(form, "nonce", sign_in->nonce);
    rb_oidc_form_add(form, "code_challenge", code_challenge);
    rb_oidc_form_add(form, "code_challenge_method", "S256");
    if (*acr_values != '\0')
        rb_oidc_form_add(form, "acr_values", acr_values);
    if (sign_in->forced || oidc->max_age_s > 0)
        rb_oidc_form_add(form, "max_age", max_age);
    if (sign_in->forced)
        rb_oidc_form_add(form, "prompt", "login");
}

/* RFC 9126: the request goes to the issuer itself, and the browser carries only a reference. */
static char *
push(const RbOidc *oidc, const RbOidcTrust *trust, RbOidcForm *form, gint64 now, GError **error)
{
    g_autoptr(RbHttpResponse) response = rb_oidc_post(oidc, trust->par, trust->token, form, now, error);
    json_t *json =
        response == NULL ? NULL : rb_oidc_answer(response, 201, RB_OIDC_REQUEST, "the pushed request", error);
    const char *uri = json_string_value(json_object_get(json, "request_uri"));
    char *copy = NULL;

    if (json == NULL)
        return NULL;
    if (uri != NULL && *uri != '\0' && strlen(uri) <= RB_OIDC_MAX_URL)
        copy = g_strdup(uri);
    else
        (void)rb_refuse(error, RB_OIDC_REQUEST, "an answer to the pushed request without request_uri");
    json_decref(json);
    return copy;
}

/* (transfer full): @endpoint, which may have a query of its own, and @form. */
static char *
with_query(const char *endpoint, const RbOidcForm *form)
{
    return g_strconcat(endpoint, strchr(endpoint, '?') == NULL ? "?" : "&", rb_oidc_form_text(form), NULL);
}

static char *
request_url(const RbOidc *oidc, const RbOidcTrust *trust, RbOidcForm *form, gint64 now, GError **error)
{
    g_autoptr(RbOidcForm) reference = NULL;
    g_autofree char *request_uri = NULL;

    if (trust->par_required && (trust->par == NULL || oidc->never_par)) {
        (void)rb_refuse(error, RB_OIDC_REQUEST, "the issuer wants pushed requests, and %s",
                        trust->par == NULL ? "names no address for them" : "`par: never` is set");
        return NULL;
    }
    if (trust->par == NULL || oidc->never_par) {
        rb_oidc_form_add(form, "client_id", oidc->client_id);
        return with_query(trust->authorization, form);
    }
    request_uri = push(oidc, trust, form, now, error);
    if (request_uri == NULL)
        return NULL;
    reference = rb_oidc_form_new();
    rb_oidc_form_add(reference, "client_id", oidc->client_id);
    rb_oidc_form_add(reference, "request_uri", request_uri);
    return with_query(trust->authorization, reference);
}

static char *
random_text(void)
{
    g_autoptr(RbSecret) random = rb_secret_new_random(RANDOM_BYTES);

    return g_strdup(rb_secret_reveal(random)); /* kept in the store with the sign-in */
}

char *
rb_oidc_begin(gpointer self, const char *relay_state, gboolean mfa, gboolean force, gint64 now,
              RbSignIn **sign_in, GError **error)
{
    const RbOidc *oidc = self;
    const char *const *acr = wanted_acr(oidc, mfa, error);
    g_autoptr(RbOidcTrust) trust = acr == NULL ? NULL : rb_oidc_trust(&oidc->source, now, error);
    g_autoptr(RbSignIn) begun = g_new0(RbSignIn, 1);
    g_autoptr(RbOidcForm) form = rb_oidc_form_new();
    char *url;

    if (trust == NULL)
        return NULL;
    if (relay_state == NULL || *relay_state == '\0' || strlen(relay_state) > MAX_STATE) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a state of no or more than %d bytes", MAX_STATE);
        return NULL;
    }
    begun->request_id = g_strdup(relay_state);
    begun->nonce = random_text();
    begun->pkce_verifier = random_text();
    begun->started_at = now;
    begun->wants_mfa = mfa;
    begun->forced = force;
    fill(oidc, begun, acr, form);
    url = request_url(oidc, trust, form, now, error);
    if (url != NULL)
        *sign_in = g_steal_pointer(&begun);
    return url;
}
