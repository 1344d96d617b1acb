#include "sandbox/idp_priv.h"

#include "base/encoding.h"
#include "base/log.h"
#include "base/refusal.h"

#include <string.h>

enum { MAX_AGE_S = 300 };

static void
refuse_request(RbBoxAnswer *answer, const GError *error)
{
    rb_log(RB_LOG_INFO, "idp.refused", "why", error->message, NULL);
    rb_box_page_problem(answer, "idp", 400, error->message, "Start again from where you came from.");
}

static void
answer_metadata(RbBoxIdp *idp, RbBoxAnswer *answer)
{
    rb_box_answer_text(
        answer, 200, "application/samlmetadata+xml",
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" "
        "entityID=\"%s\"><md:IDPSSODescriptor "
        "WantAuthnRequestsSigned=\"true\" "
        "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">"
        "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo "
        "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>"
        "<ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" "
        "Location=\"%s\"/>"
        "<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>"
        "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" "
        "Location=\"%s\"/>"
        "</md:IDPSSODescriptor></md:EntityDescriptor>\n",
        idp->setting.entity_id, rb_box_signer_certificate(idp->setting.signer), idp->slo_url, idp->sso_url);
}

/* Where the answer goes: the address asked for, if the metadata has it; else the default one. */
static const char *
choose_acs(const RbBoxSp *sp, const RbBoxMessage *message)
{
    const char *url = message == NULL ? NULL : message->acs_url;
    gint64 index = message == NULL ? -1 : message->acs_index;
    const RbBoxAcs *chosen = sp->acs->pdata[0];

    for (guint i = 0; i < sp->acs->len; i++) {
        const RbBoxAcs *acs = sp->acs->pdata[i];

        if (url != NULL && strcmp(acs->location, url) == 0)
            return acs->location;
        if (index >= 0 ? acs->index == index : acs->is_default)
            chosen = acs;
    }
    return url != NULL ? NULL : chosen->location;
}

/* The AuthnRequest in @fields, checked against its sender's metadata. */
static RbBoxMessage *
read_request(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now, GError **error)
{
    const char *field = g_hash_table_lookup(fields, "SAMLRequest");
    g_autoptr(RbBoxMessage) message = field == NULL ? NULL : rb_box_message_decode(field, TRUE, error);

    if (field == NULL)
        rb_refuse(error, RB_REQUEST_MALFORMED, "there is no SAMLRequest");
    if (message == NULL)
        return NULL;
    if (message->kind != RB_BOX_AUTHN_REQUEST)
        rb_refuse(error, RB_REQUEST_MALFORMED, "this is not an AuthnRequest");
    else if (g_strcmp0(message->destination, idp->sso_url) != 0)
        rb_refuse(error, RB_REQUEST_MALFORMED, "the request is meant for '%s'", message->destination);
    else if (ABS(now - message->issued_at) > MAX_AGE_S)
        rb_refuse(error, RB_REQUEST_MALFORMED, "the request is more than five minutes old");
    else if (rb_box_idp_signed_by(idp, request->query, message->issuer, now, error))
        return g_steal_pointer(&message);
    return NULL;
}

static gboolean
is_pending_over(gpointer key, gpointer value, gpointer now)
{
    (void)key;
    return ((RbBoxPending *)value)->until <= *(gint64 *)now;
}

void
rb_box_idp_ask_person(RbBoxIdp *idp, RbBoxPending *pending, const char *user, gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(RbSecret) token = rb_secret_new_random(24);

    (void)g_hash_table_foreach_remove(idp->pending, is_pending_over, &now);
    if (g_hash_table_size(idp->pending) >= RB_BOX_MAX_PENDING) {
        rb_box_pending_free(pending);
        rb_box_page_problem(answer, "idp", 503, "Too many sign-ins are waiting.", "Try again in a minute.");
        return;
    }
    g_hash_table_insert(idp->pending, g_strdup(rb_secret_reveal(token)), pending);
    rb_box_idp_login_page(idp, rb_secret_reveal(token), pending, user, NULL, answer);
}

static void
answer_sso(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbBoxMessage) message = read_request(idp, request, fields, now, &error);
    const RbBoxSp *sp = message == NULL ? NULL : rb_box_idp_sp(idp, message->issuer, now, &error);
    const char *acs = sp == NULL ? NULL : choose_acs(sp, message);
    RbBoxSignOn *sign_on = rb_box_idp_sign_on(idp, request, now);
    RbBoxPending *pending;
    gboolean any, password, mfa;

    if (sp != NULL && acs == NULL)
        rb_refuse(&error, RB_REQUEST_MALFORMED, "'%s' is not an address of that service provider",
                  message->acs_url);
    if (acs == NULL) {
        refuse_request(answer, error);
        return;
    }
    any = g_strv_length(message->contexts) == 0;
    password = any || g_strv_contains((const char *const *)message->contexts, RB_BOX_PASSWORD);
    mfa = any || g_strv_contains((const char *const *)message->contexts, RB_BOX_MFA);
    pending = rb_box_pending_new(sp->entity_id, acs, g_hash_table_lookup(fields, "RelayState"), now);
    pending->request_id = g_strdup(message->id);
    pending->force = message->force;
    pending->wants_mfa = mfa && !password;
    if (!password && !mfa)
        rb_box_idp_respond(idp, pending, NULL, "NoAuthnContext", now, answer);
    else if (sign_on != NULL && !message->force && (sign_on->mfa ? mfa : password))
        rb_box_idp_respond(idp, pending, sign_on, NULL, now, answer);
    else if (message->passive)
        rb_box_idp_respond(idp, pending, NULL, "NoPassive", now, answer);
    else {
        rb_box_idp_ask_person(idp, pending, sign_on == NULL ? NULL : sign_on->person->uid, now, answer);
        return;
    }
    rb_box_pending_free(pending);
}

/* A sign-in that starts here: no request to answer. */
static void
answer_start(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    const char *entity_id = g_hash_table_lookup(fields, "sp");
    const RbBoxSp *sp = rb_box_idp_sp(idp, entity_id == NULL ? "" : entity_id, now, &error);
    RbBoxSignOn *sign_on = rb_box_idp_sign_on(idp, request, now);
    RbBoxPending *pending;

    if (sp == NULL) {
        refuse_request(answer, error);
        return;
    }
    pending = rb_box_pending_new(sp->entity_id, choose_acs(sp, NULL),
                                 g_hash_table_lookup(fields, "RelayState"), now);
    if (sign_on == NULL) {
        rb_box_idp_ask_person(idp, pending, NULL, now, answer);
        return;
    }
    rb_box_idp_respond(idp, pending, sign_on, NULL, now, answer);
    rb_box_pending_free(pending);
}

static RbBoxSignOn *
sign_on_new(RbBoxIdp *idp, const RbBoxPerson *person, gboolean mfa, gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(RbSecret) secret = rb_secret_new_random(32);
    g_autofree char *cookie =
        g_strdup_printf(RB_BOX_COOKIE "=%s; Path=/idp/; HttpOnly; SameSite=Lax%s", rb_secret_reveal(secret),
                        g_str_has_prefix(idp->setting.public_url, "https") ? "; Secure" : "");
    RbBoxSignOn *sign_on = g_new0(RbBoxSignOn, 1);

    sign_on->person = person;
    sign_on->mfa = mfa;
    sign_on->at = now;
    sign_on->until = now + idp->setting.session_s;
    sign_on->index = rb_box_saml_id();
    sign_on->sps = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    sign_on->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_insert(idp->sign_ons, g_strdup(rb_secret_reveal(secret)), sign_on);
    rb_box_answer_header(answer, "Set-Cookie", cookie);
    return sign_on;
}

static void
check_login(RbBoxIdp *idp, const char *token, const RbBoxPending *pending, GHashTable *fields, gint64 now,
            RbBoxAnswer *answer)
{
    const char *user = g_hash_table_lookup(fields, "username"),
               *password = g_hash_table_lookup(fields, "password");
    const char *factor = g_hash_table_lookup(fields, "factor");
    const RbBoxPerson *person = user == NULL ? NULL : rb_box_idp_person(idp, user);
    gboolean mfa = g_strcmp0(factor, "second") == 0;

    if (person == NULL || g_strcmp0(person->password, password) != 0) {
        rb_log(RB_LOG_INFO, "idp.wrong_password", "user", user, NULL);
        rb_box_idp_login_page(idp, token, pending, user,
                              "That user name and password do not belong together.", answer);
    } else if (pending->wants_mfa && !mfa) {
        rb_box_idp_login_page(idp, token, pending, user, "A second factor is needed here.", answer);
    } else {
        rb_box_idp_respond(idp, pending, sign_on_new(idp, person, mfa, now, answer), NULL, now, answer);
        g_hash_table_remove(idp->pending, token);
    }
}

static void
answer_login(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now, RbBoxAnswer *answer)
{
    const char *token = g_hash_table_lookup(fields, "sign_in");
    RbBoxPending *pending = token == NULL ? NULL : g_hash_table_lookup(idp->pending, token);

    if (pending == NULL || pending->until <= now) {
        rb_box_page_problem(answer, "idp", 400, "This sign-in is over, or was never started.",
                            "Start again from where you came from.");
    } else if (strcmp(request->method, "POST") != 0) {
        rb_box_idp_login_page(idp, token, pending, g_hash_table_lookup(fields, "user"), NULL, answer);
    } else if (g_strcmp0(g_hash_table_lookup(fields, "factor"), "cancel") == 0) {
        rb_box_idp_respond(idp, pending, NULL, "AuthnFailed", now, answer);
        g_hash_table_remove(idp->pending, token);
    } else {
        check_login(idp, token, pending, fields, now, answer);
    }
}

static gboolean
dispatch_openid(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now,
                RbBoxAnswer *answer)
{
    const char *name = request->path + strlen("/idp/oidc/");

    if (strcmp(name, "authorize") == 0)
        rb_box_openid_authorize(idp, request, fields, now, answer);
    else if (strcmp(name, "token") == 0 && strcmp(request->method, "POST") == 0)
        rb_box_openid_token(idp, request, fields, now, answer);
    else if (strcmp(name, "userinfo") == 0)
        rb_box_openid_userinfo(idp, request, now, answer);
    else if (strcmp(name, "logout") == 0)
        rb_box_openid_logout(idp, request, fields, now, answer);
    else
        return FALSE;
    return TRUE;
}

static gboolean
dispatch(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now, RbBoxAnswer *answer)
{
    gboolean get = strcmp(request->method, "GET") == 0;

    if (g_str_has_prefix(request->path, "/idp/oidc/"))
        return idp->setting.openid != NULL && dispatch_openid(idp, request, fields, now, answer);
    if (get && strcmp(request->path, "/idp/metadata") == 0)
        answer_metadata(idp, answer);
    else if (get && strcmp(request->path, "/idp/sso") == 0)
        answer_sso(idp, request, fields, now, answer);
    else if (get && strcmp(request->path, "/idp/start") == 0)
        answer_start(idp, request, fields, now, answer);
    else if (strcmp(request->path, "/idp/login") == 0)
        answer_login(idp, request, fields, now, answer);
    else if (get && strcmp(request->path, "/idp/slo") == 0)
        rb_box_idp_slo(idp, request, fields, now, answer);
    else if (get && strcmp(request->path, "/idp/logout") == 0)
        rb_box_idp_logout(idp, request, now, answer);
    else
        return FALSE;
    return TRUE;
}

gboolean
rb_box_idp_answer(RbBoxIdp *idp, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    g_autoptr(GHashTable) fields = NULL;
    g_autoptr(GPtrArray) letters = NULL;
    gboolean known;

    if (!g_str_has_prefix(request->path, "/idp/"))
        return FALSE;
    if (idp->setting.openid != NULL && rb_box_openid_public(idp->setting.openid, request, answer))
        return TRUE;
    /* UserInfo may be asked by a POST without a body */
    fields = request->body->len == 0 ? rb_box_fields(request->query) : rb_box_request_fields(request);
    if (fields == NULL) {
        rb_box_page_problem(answer, "idp", 400, "The form cannot be read.",
                            "Start again from where you came from.");
        return TRUE;
    }
    g_mutex_lock(&idp->mutex);
    known = dispatch(idp, request, fields, now, answer);
    letters = idp->outbox;
    idp->outbox = g_ptr_array_new_with_free_func(rb_box_letter_free);
    g_mutex_unlock(&idp->mutex);
    rb_box_openid_send(idp, letters);
    return known;
}
