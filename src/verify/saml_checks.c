#include "base/encoding.h"
#include "base/refusal.h"
#include "verify/saml.h"

#include <string.h>

/*
 * The checks that SAML asks of a service provider, each a function of its own; docs/saml.md lists them with
 * their sections and tests. Core is saml-core-2.0-os, Prof saml-profiles-2.0-os, Bind saml-bindings-2.0-os.
 */

#define STATUS "urn:oasis:names:tc:SAML:2.0:status:"
#define ENTITY_FORMAT "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"

/* Core 3.2.2, 2.3.3 */
gboolean
rb_saml_check_version(const xmlNode *message, GError **error)
{
    const char *version = rb_xml_attribute(message, "Version");
    g_autofree char *quoted = NULL;

    if (version != NULL && strcmp(version, "2.0") == 0)
        return TRUE;
    quoted = rb_text_quote(version == NULL ? "" : version);
    return rb_refuse(error, RB_SAML_VERSION, "<%s> of version %s", message->name, quoted);
}

/* Prof 4.1.4.2 */
gboolean
rb_saml_check_issuer(const RbSamlTrust *trust, const xmlNode *parent, gboolean required, GError **error)
{
    g_autofree char *text = NULL, *quoted = NULL;
    const char *format;
    xmlNode *issuer;

    if (!rb_saml_only_child(parent, RB_NS_SAML, "Issuer", FALSE, &issuer, error))
        return FALSE;
    if (issuer == NULL)
        return !required || rb_refuse(error, RB_SAML_ISSUER, "<%s> without an Issuer", parent->name);
    format = rb_xml_attribute(issuer, "Format");
    if (format != NULL && strcmp(format, ENTITY_FORMAT) != 0)
        return rb_refuse(error, RB_SAML_ISSUER, "<%s> has an Issuer of another format", parent->name);
    text = rb_saml_text(issuer);
    if (text != NULL && strcmp(text, trust->entity_id) == 0)
        return TRUE;
    quoted = rb_text_quote(text == NULL ? "" : text);
    return rb_refuse(error, RB_SAML_ISSUER, "<%s> was issued by %s", parent->name, quoted);
}

/* Core 3.2.2, Bind 3.5.5.2: a signed message names the address it is for. */
gboolean
rb_saml_check_destination(const xmlNode *message, const char *ours, gboolean required, GError **error)
{
    const char *destination = rb_xml_attribute(message, "Destination");
    g_autofree char *quoted = NULL;

    if (destination == NULL || *destination == '\0')
        return !required ||
               rb_refuse(error, RB_SAML_DESTINATION, "<%s> without a Destination", message->name);
    if (strcmp(destination, ours) == 0)
        return TRUE;
    quoted = rb_text_quote(destination);
    return rb_refuse(error, RB_SAML_DESTINATION, "<%s> is for %s", message->name, quoted);
}

/* Core 3.2.2.2 */
gboolean
rb_saml_check_status(const xmlNode *response, GError **error)
{
    xmlNode *status, *code, *second = NULL;
    const char *value, *detail;
    g_autofree char *quoted = NULL, *quoted_detail = NULL;

    if (!rb_saml_only_child(response, RB_NS_SAMLP, "Status", TRUE, &status, error) ||
        !rb_saml_only_child(status, RB_NS_SAMLP, "StatusCode", TRUE, &code, error) ||
        !rb_saml_only_child(code, RB_NS_SAMLP, "StatusCode", FALSE, &second, error))
        return FALSE;
    value = rb_xml_attribute(code, "Value");
    if (value != NULL && strcmp(value, RB_SAML_SUCCESS) == 0)
        return TRUE;
    detail = second == NULL ? NULL : rb_xml_attribute(second, "Value");
    quoted = rb_text_quote(value == NULL ? "" : value);
    quoted_detail = rb_text_quote(detail == NULL ? "" : detail);
    return rb_refuse(
        error, g_strcmp0(detail, STATUS "NoAuthnContext") == 0 ? RB_SAML_NO_AUTHN_CONTEXT : RB_SAML_STATUS,
        "the identity provider answered %s, %s", quoted, quoted_detail);
}

/* Core 3.2.2: IssueInstant is required; one from the future means that a clock is wrong. */
gboolean
rb_saml_check_issue_instant(const xmlNode *message, gint64 now, gint64 skew_s, gint64 *at, GError **error)
{
    if (!rb_saml_time(message, "IssueInstant", at, error))
        return FALSE;
    if (*at == 0)
        return rb_refuse(error, RB_SAML_MALFORMED, "<%s> without an IssueInstant", message->name);
    if (*at > now + skew_s)
        return rb_refuse(error, RB_SAML_NOT_YET_VALID, "<%s> was issued %" G_GINT64_FORMAT " s from now",
                         message->name, *at - now);
    return TRUE;
}

/* Prof 4.1.4.3, 4.1.5: the answer to our outstanding request of this browser; none only where unsolicited
 * responses are enabled. */
static gboolean
check_in_response_to(const RbSamlAnswer *answer, const xmlNode *node, GError **error)
{
    const char *got = rb_xml_attribute(node, "InResponseTo");
    const char *want = answer->sign_in == NULL ? NULL : answer->sign_in->request_id;
    g_autofree char *quoted = NULL;

    if (answer->sign_in == NULL && !answer->unsolicited)
        return rb_refuse(error, RB_SAML_UNSOLICITED, "no sign-in of this browser asked for this answer");
    if (answer->sign_in == NULL ? got == NULL : got != NULL && want != NULL && strcmp(got, want) == 0)
        return TRUE;
    quoted = rb_text_quote(got == NULL ? "" : got);
    return rb_refuse(error, RB_SAML_IN_RESPONSE_TO, "<%s> answers the request %s, not one of this browser",
                     node->name, quoted);
}

gboolean
rb_saml_check_response(const RbSamlAnswer *answer, GError **error)
{
    const xmlNode *response = answer->response;
    gint64 issued;

    return rb_saml_check_version(response, error) &&
           rb_saml_check_destination(response, answer->saml->acs,
                                     rb_saml_child(response, RB_NS_DS, "Signature") != NULL, error) &&
           rb_saml_check_issuer(answer->trust, response, FALSE, error) &&
           rb_saml_check_status(response, error) &&
           rb_saml_check_issue_instant(response, answer->now, answer->saml->seat->skew_s, &issued, error) &&
           check_in_response_to(answer, response, error);
}

/* Not before and not on or after, with the skew to the sender's favour. 0: no bound. */
static gboolean
check_window(const RbSamlAnswer *answer, const xmlNode *node, GError **error)
{
    gint64 skew = answer->saml->seat->skew_s, from, until;

    if (!rb_saml_time(node, "NotBefore", &from, error) || !rb_saml_time(node, "NotOnOrAfter", &until, error))
        return FALSE;
    if (from != 0 && answer->now + skew < from)
        return rb_refuse(error, RB_SAML_NOT_YET_VALID, "<%s> is valid in %" G_GINT64_FORMAT " s", node->name,
                         from - answer->now);
    if (until != 0 && answer->now - skew >= until)
        return rb_refuse(error, RB_SAML_EXPIRED, "<%s> expired %" G_GINT64_FORMAT " s ago", node->name,
                         answer->now - until);
    return TRUE;
}

/* Core 2.5.1.4: at least one Audience of each restriction is us. */
static gboolean
check_audience(const RbSamlAnswer *answer, const xmlNode *restriction, GError **error)
{
    for (xmlNode *n = rb_xml_first(restriction); n != NULL; n = rb_xml_next(n))
        if (rb_xml_is(n, RB_NS_SAML, "Audience") && rb_saml_text_is(n, answer->saml->entity_id))
            return TRUE;
    return rb_refuse(error, RB_SAML_AUDIENCE, "an audience that '%s' is not in", answer->saml->entity_id);
}

/* Core 2.5.1, Prof 4.1.4.2. OneTimeUse holds for every assertion here; ProxyRestriction is for identity
 * providers that we would pass the assertion on to. A condition that we do not know is one that we cannot
 * keep. */
static gboolean
check_conditions(const RbSamlAnswer *answer, GError **error)
{
    gboolean has_audience = FALSE;
    xmlNode *conditions;

    if (!rb_saml_only_child(answer->assertion, RB_NS_SAML, "Conditions", FALSE, &conditions, error))
        return FALSE;
    if (conditions == NULL)
        return rb_refuse(error, RB_SAML_AUDIENCE, "no Conditions, so no audience");
    if (!check_window(answer, conditions, error))
        return FALSE;
    for (xmlNode *n = rb_xml_first(conditions); n != NULL; n = rb_xml_next(n)) {
        if (rb_xml_is(n, RB_NS_SAML, "AudienceRestriction")) {
            if (!check_audience(answer, n, error))
                return FALSE;
            has_audience = TRUE;
        } else if (!rb_xml_is(n, RB_NS_SAML, "OneTimeUse") && !rb_xml_is(n, RB_NS_SAML, "ProxyRestriction")) {
            return rb_refuse(error, RB_SAML_CONDITION, "the condition <%s> is not known", n->name);
        }
    }
    return has_audience || rb_refuse(error, RB_SAML_AUDIENCE, "no audience is named");
}

/* Prof 4.1.4.2-3, one bearer confirmation. */
static gboolean
check_bearer(RbSamlAnswer *answer, const xmlNode *confirmation, GError **error)
{
    xmlNode *data;
    const char *recipient;
    gint64 until;

    if (!rb_saml_only_child(confirmation, RB_NS_SAML, "SubjectConfirmationData", FALSE, &data, error))
        return FALSE;
    if (data == NULL)
        return rb_refuse(error, RB_SAML_CONFIRMATION, "a bearer confirmation without data");
    if (rb_xml_attribute(data, "NotBefore") != NULL)
        return rb_refuse(error, RB_SAML_CONFIRMATION, "a bearer confirmation with NotBefore");
    if (!rb_saml_time(data, "NotOnOrAfter", &until, error))
        return FALSE;
    if (until == 0)
        return rb_refuse(error, RB_SAML_CONFIRMATION, "a bearer confirmation without NotOnOrAfter");
    answer->usable_until = MAX(answer->usable_until, until);
    recipient = rb_xml_attribute(data, "Recipient");
    if (recipient == NULL || strcmp(recipient, answer->saml->acs) != 0) {
        g_autofree char *quoted = rb_text_quote(recipient == NULL ? "" : recipient);
        return rb_refuse(error, RB_SAML_RECIPIENT, "the recipient is %s", quoted);
    }
    return check_window(answer, data, error) && check_in_response_to(answer, data, error);
}

/* Any one bearer confirmation that holds is enough; all are read, for how long the assertion could be used.
 */
static gboolean
check_confirmations(RbSamlAnswer *answer, const xmlNode *subject, GError **error)
{
    g_autoptr(GError) first = NULL;
    gboolean held = FALSE;

    for (xmlNode *n = rb_xml_first(subject); n != NULL; n = rb_xml_next(n)) {
        g_autoptr(GError) why = NULL;
        const char *method;
        if (!rb_xml_is(n, RB_NS_SAML, "SubjectConfirmation"))
            continue;
        method = rb_xml_attribute(n, "Method");
        if (method == NULL || strcmp(method, RB_SAML_BEARER) != 0)
            continue;
        if (check_bearer(answer, n, &why))
            held = TRUE;
        else if (first == NULL)
            first = g_steal_pointer(&why);
    }
    if (held)
        return TRUE;
    if (first == NULL)
        return rb_refuse(error, RB_SAML_CONFIRMATION, "no bearer SubjectConfirmation");
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
}

/* Core 2.4.1 */
static gboolean
check_subject(RbSamlAnswer *answer, GError **error)
{
    xmlNode *subject, *name_id = NULL;
    g_autofree char *text = NULL;

    if (!rb_saml_only_child(answer->assertion, RB_NS_SAML, "Subject", FALSE, &subject, error))
        return FALSE;
    if (subject != NULL && !rb_saml_only_child(subject, RB_NS_SAML, "NameID", FALSE, &name_id, error))
        return FALSE;
    if (name_id == NULL)
        return rb_refuse(error, RB_SAML_SUBJECT, "no Subject with a NameID in the clear");
    text = rb_saml_text(name_id);
    if (text == NULL || *text == '\0')
        return rb_refuse(error, RB_SAML_SUBJECT, "a NameID that is empty or not text");
    return check_confirmations(answer, subject, error);
}

/* Core 2.7.2, 3.4.1 (ForceAuthn) */
static gboolean
check_authn_statement(const RbSamlAnswer *answer, GError **error)
{
    gint64 skew = answer->saml->seat->skew_s, at, until;
    xmlNode *statement = rb_saml_child(answer->assertion, RB_NS_SAML, "AuthnStatement"), *next;

    if (statement == NULL)
        return rb_refuse(error, RB_SAML_AUTHN_STATEMENT, "no AuthnStatement");
    for (next = rb_xml_next(statement); next != NULL; next = rb_xml_next(next))
        if (rb_xml_is(next, RB_NS_SAML, "AuthnStatement"))
            return rb_refuse(error, RB_SAML_AUTHN_STATEMENT, "two AuthnStatements");
    if (!rb_saml_time(statement, "AuthnInstant", &at, error) ||
        !rb_saml_time(statement, "SessionNotOnOrAfter", &until, error))
        return FALSE;
    if (at == 0)
        return rb_refuse(error, RB_SAML_AUTHN_STATEMENT, "no AuthnInstant");
    if (at > answer->now + skew)
        return rb_refuse(error, RB_SAML_NOT_YET_VALID, "signed in %" G_GINT64_FORMAT " s from now",
                         at - answer->now);
    if (answer->sign_in != NULL && answer->sign_in->forced && at < answer->sign_in->started_at - skew)
        return rb_refuse(error, RB_SAML_STALE_SIGN_IN,
                         "signed in %" G_GINT64_FORMAT " s before being asked to",
                         answer->sign_in->started_at - at);
    if (until != 0 && answer->now - skew >= until)
        return rb_refuse(error, RB_SAML_SESSION_OVER, "the session ended %" G_GINT64_FORMAT " s ago",
                         answer->now - until);
    return TRUE;
}

gboolean
rb_saml_check_assertion(RbSamlAnswer *answer, GError **error)
{
    const char *id = rb_xml_attribute(answer->assertion, "ID");
    gint64 issued;

    if (id == NULL || *id == '\0' || strlen(id) > RB_SAML_MAX_ID)
        return rb_refuse(error, RB_SAML_MALFORMED, "an assertion without a usable ID");
    return rb_saml_check_version(answer->assertion, error) &&
           rb_saml_check_issue_instant(answer->assertion, answer->now, answer->saml->seat->skew_s, &issued,
                                       error) &&
           rb_saml_check_issuer(answer->trust, answer->assertion, TRUE, error) &&
           check_subject(answer, error) && check_conditions(answer, error) &&
           check_authn_statement(answer, error);
}
