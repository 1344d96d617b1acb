#include "sandbox/idp_priv.h"

#include "base/encoding.h"
#include "base/log.h"
#include "base/refusal.h"

#include <string.h>

#define NAMESPACES                                                                                           \
    "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" "                                                  \
    "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\""

/* The sign-ons that a LogoutRequest means: of this person, and this session if one is named. */
static guint
end_sign_ons(RbBoxIdp *idp, const char *name_id, const char *index, gint64 now)
{
    GHashTableIter iter;
    gpointer value;
    guint n = 0;

    g_hash_table_iter_init(&iter, idp->sign_ons);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const RbBoxSignOn *sign_on = value;

        if (g_strcmp0(sign_on->person->mail, name_id) != 0 ||
            (index != NULL && strcmp(sign_on->index, index) != 0))
            continue;
        rb_box_openid_tell(idp, sign_on, NULL, now);
        g_hash_table_iter_remove(&iter);
        n++;
    }
    return n;
}

static void
answer_logout_request(RbBoxIdp *idp, const RbBoxMessage *message, const RbBoxSp *sp, const char *relay_state,
                      gint64 now, RbBoxAnswer *answer)
{
    g_autofree char *id = rb_box_saml_id(), *when = rb_time_format(now), *url = NULL, *text = NULL;
    guint n = end_sign_ons(idp, message->name_id, message->session_index, now);

    text = g_markup_printf_escaped(
        "<samlp:LogoutResponse " NAMESPACES
        " ID=\"%s\" Version=\"2.0\" IssueInstant=\"%s\" Destination=\"%s\" "
        "InResponseTo=\"%s\"><saml:Issuer>%s</saml:Issuer><samlp:Status><samlp:StatusCode "
        "Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status></samlp:LogoutResponse>",
        id, when, sp->slo_response, message->id, idp->setting.entity_id);
    url = rb_box_redirect_url(idp->setting.signer, sp->slo_response, "SAMLResponse", text, relay_state);
    rb_log(RB_LOG_INFO, "idp.signed_out", "person", message->name_id, "by", sp->entity_id, "sessions",
           n == 0 ? "none" : "ended", NULL);
    rb_box_answer_redirect(answer, url);
}

void
rb_box_idp_signed_out_page(RbBoxAnswer *answer)
{
    RbBoxPage page;

    rb_box_page_begin(&page, "idp", "You are signed out");
    rb_box_page_add(&page,
                    "<div class=\"card\"><p>Here, and where you had signed in through here.</p></div>");
    rb_box_page_end(&page, answer, 200);
}

void
rb_box_idp_slo(RbBoxIdp *idp, const RbBoxRequest *request, GHashTable *fields, gint64 now,
               RbBoxAnswer *answer)
{
    const char *asked = g_hash_table_lookup(fields, "SAMLRequest");
    const char *field = asked != NULL ? asked : g_hash_table_lookup(fields, "SAMLResponse");
    g_autoptr(GError) error = NULL;
    g_autoptr(RbBoxMessage) message = rb_box_message_decode(field == NULL ? "" : field, TRUE, &error);
    const RbBoxSp *sp = NULL;

    if (message != NULL && g_strcmp0(message->destination, idp->slo_url) != 0)
        rb_refuse(&error, RB_REQUEST_MALFORMED, "the message is meant for '%s'", message->destination);
    else if (message != NULL && rb_box_idp_signed_by(idp, request->query, message->issuer, now, &error))
        sp = rb_box_idp_sp(idp, message->issuer, now, &error);
    if (sp != NULL && message->kind == RB_BOX_LOGOUT_REQUEST && sp->slo_response != NULL)
        answer_logout_request(idp, message, sp, g_hash_table_lookup(fields, "RelayState"), now, answer);
    else if (sp != NULL && message->kind == RB_BOX_LOGOUT_RESPONSE)
        rb_box_idp_signed_out_page(answer);
    else
        rb_box_page_problem(answer, "idp", 400, error == NULL ? "This is no logout message." : error->message,
                            "You may still be signed in elsewhere: close the browser.");
}

/* One service provider that was told of the sign-on and takes logout messages; NULL: none. */
static const RbBoxSp *
sp_to_tell(RbBoxIdp *idp, const RbBoxSignOn *sign_on, gint64 now)
{
    GHashTableIter iter;
    gpointer entity_id;

    g_hash_table_iter_init(&iter, sign_on->sps);
    while (g_hash_table_iter_next(&iter, &entity_id, NULL)) {
        const RbBoxSp *sp = rb_box_idp_sp(idp, entity_id, now, NULL);

        if (sp != NULL && sp->slo != NULL)
            return sp;
    }
    return NULL;
}

void
rb_box_idp_logout(RbBoxIdp *idp, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer)
{
    RbBoxSignOn *sign_on = rb_box_idp_sign_on(idp, request, now);
    const RbBoxSp *sp = sign_on == NULL ? NULL : sp_to_tell(idp, sign_on, now);
    g_autofree char *id = rb_box_saml_id(), *when = rb_time_format(now), *end = rb_time_format(now + 300);
    g_autofree char *text = NULL, *url = NULL, *cookie = rb_box_request_cookie(request, RB_BOX_COOKIE);

    if (sp != NULL) {
        text = g_markup_printf_escaped("<samlp:LogoutRequest " NAMESPACES
                                       " ID=\"%s\" Version=\"2.0\" IssueInstant=\"%s\" NotOnOrAfter=\"%s\" "
                                       "Destination=\"%s\"><saml:Issuer>%s</saml:Issuer><saml:NameID "
                                       "Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">%s<"
                                       "/saml:NameID><samlp:SessionIndex>%s"
                                       "</samlp:SessionIndex></samlp:LogoutRequest>",
                                       id, when, end, sp->slo, idp->setting.entity_id, sign_on->person->mail,
                                       sign_on->index);
        url = rb_box_redirect_url(idp->setting.signer, sp->slo, "SAMLRequest", text, NULL);
        rb_box_answer_redirect(answer, url);
    } else {
        rb_box_idp_signed_out_page(answer);
    }
    if (sign_on != NULL)
        rb_box_openid_tell(idp, sign_on, NULL, now);
    if (cookie != NULL)
        g_hash_table_remove(idp->sign_ons, cookie);
}
