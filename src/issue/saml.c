#include "issue/priv.h"

/*
 * The account trusts us as its SAML identity provider: an assertion made for this one call takes the place of
 * AWS credentials. The console takes it from the browser itself, without any call of ours.
 */

/* An assertion for the account's sign-in endpoint, which is @recipient (out) (transfer full). */
static gboolean
prepare(RbIssuer *issuer, const RbOrder *order, RbErrand *errand, RbAssertion *assertion, char **recipient,
        GError **error)
{
    if (!rb_order_check(issuer, order, errand, error))
        return FALSE;
    *recipient = rb_signin_url(issuer, order->grant, "/saml");
    return rb_assertion_make(issuer, order, *recipient, assertion, error);
}

static RbCredentials *
saml(RbIssuer *issuer, const RbOrder *order, GError **error)
{
    g_auto(RbErrand) errand = { 0 };
    g_auto(RbAssertion) assertion = { 0 };
    g_autofree char *recipient = NULL;
    RbForm *form;

    if (!prepare(issuer, order, &errand, &assertion, &recipient, error))
        return NULL;
    form = rb_order_form(order, "AssumeRoleWithSAML");
    rb_form_add(form, "PrincipalArn", order->grant->provider_arn);
    rb_form_add(form, "SAMLAssertion", rb_secret_reveal(assertion.encoded));
    return rb_order_send(issuer, order, &errand, NULL, form, error);
}

static RbConsole *
console(RbIssuer *issuer, const RbOrder *order, const char *destination, GError **error)
{
    g_auto(RbErrand) errand = { 0 };
    g_auto(RbAssertion) assertion = { 0 };
    g_autofree char *action = NULL;
    RbConsole *opened;

    if (!prepare(issuer, order, &errand, &assertion, &action, error))
        return NULL;
    opened = g_new0(RbConsole, 1);
    opened->action = g_steal_pointer(&action);
    opened->leads_to = rb_signin_leads_to(issuer, order->grant);
    opened->saml_response = g_steal_pointer(&assertion.encoded);
    opened->assertion_id = g_steal_pointer(&assertion.id);
    opened->expires_at = assertion.expires_at;
    opened->duration_s = order->duration_s;
    opened->relay_state = g_strdup(destination);
    return opened;
}

const RbIssuerType rb_issuer_saml = { RB_ISSUE_SAML, "saml", saml, console };
