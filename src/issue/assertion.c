#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/priv.h"

#include <libxml/parser.h>
#include <string.h>

/*
 * The SAML response that an account's SAML provider takes from us. One tree is built, signed in its two
 * places and written out; nothing is put together from text. AWS reads at most 5 minutes after IssueInstant.
 */

#define NS_SAML "urn:oasis:names:tc:SAML:2.0:assertion"
#define NS_SAMLP "urn:oasis:names:tc:SAML:2.0:protocol"
#define AWS_ATTRIBUTE "https://aws.amazon.com/SAML/Attributes/"

enum {
    ASSERTION_S = 300,
    SKEW_S = 60,
    MAX_CONTEXT = 1024,
    MAX_ENCODED = 100000, /* characters of base64; more is refused by STS */
};

/* What the tree is made of. */
typedef struct {
    const RbOrder *order;
    const char *entity_id, *recipient, *audience;
    char *response_id, *id, *issued, *not_before, *not_after;
    xmlNode *response, *assertion;
} Draft;

static void
draft_clear(Draft *draft)
{
    g_free(draft->response_id);
    g_free(draft->id);
    g_free(draft->issued);
    g_free(draft->not_before);
    g_free(draft->not_after);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Draft, draft_clear)

void
rb_assertion_clear(RbAssertion *assertion)
{
    g_clear_pointer(&assertion->id, g_free);
    g_clear_pointer(&assertion->encoded, rb_secret_unref);
}

/* A child in the namespace of @parent. */
static xmlNode *
add(xmlNode *parent, const char *name, const char *text)
{
    xmlNode *node = xmlNewTextChild(parent, parent->ns, BAD_CAST name, text != NULL ? BAD_CAST text : NULL);

    if (node == NULL)
        g_error("out of memory");
    return node;
}

static void
set(xmlNode *node, const char *name, const char *value)
{
    (void)xmlNewProp(node, BAD_CAST name, BAD_CAST value);
}

static void
add_attribute(xmlNode *statement, const char *name, const char *suffix, const char *value)
{
    xmlNode *attribute = add(statement, "Attribute", NULL);
    g_autofree char *full = g_strconcat(AWS_ATTRIBUTE, name, suffix, NULL);

    set(attribute, "Name", full);
    (void)add(attribute, "AttributeValue", value);
}

static void
add_attributes(const Draft *draft)
{
    const RbGrant *grant = draft->order->grant;
    const char *name = draft->order->identity->name;
    xmlNode *statement = add(draft->assertion, "AttributeStatement", NULL);
    g_autofree char *role = g_strconcat(grant->role_arn, ",", grant->provider_arn, NULL);
    g_autofree char *duration = g_strdup_printf("%" G_GINT64_FORMAT, draft->order->duration_s);

    add_attribute(statement, "Role", NULL, role);
    add_attribute(statement, "RoleSessionName", NULL, name);
    add_attribute(statement, "SessionDuration", NULL, duration);
    add_attribute(statement, "SourceIdentity", NULL, name);
    for (guint i = 0; i < grant->n_tags; i++)
        add_attribute(statement, "PrincipalTag:", grant->tags[i].key, grant->tags[i].value);
}

/* With its end: no two rows of parts look alike. */
static void
add_part(RbSha256 *sum, const char *text)
{
    rb_sha256_add(sum, text, strlen(text) + 1);
}

/*
 * The same for a person at every sign-in, and nothing personal: AWS prints it in its logs. It is made of who
 * vouches and of the subject there; a transient subject is another one tomorrow, and the name takes its
 * place.
 */
static char *
name_id(const Draft *draft)
{
    const RbIdentity *identity = draft->order->identity;
    gboolean transient =
        identity->name_id_format != NULL && g_str_has_suffix(identity->name_id_format, ":transient");
    RbSha256 *sum = rb_sha256_begin();
    guint8 digest[32];

    add_part(sum, draft->entity_id);
    add_part(sum, identity->issuer);
    add_part(sum, transient ? identity->name : identity->subject);
    rb_sha256_end(sum, digest);
    return rb_hex_encode(digest, sizeof digest);
}

static void
add_subject(const Draft *draft)
{
    xmlNode *subject = add(draft->assertion, "Subject", NULL), *confirmation, *data;
    g_autofree char *id = name_id(draft);

    set(add(subject, "NameID", id), "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
    confirmation = add(subject, "SubjectConfirmation", NULL);
    set(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer");
    data = add(confirmation, "SubjectConfirmationData", NULL);
    set(data, "NotOnOrAfter", draft->not_after);
    set(data, "Recipient", draft->recipient);
}

static void
add_conditions(const Draft *draft)
{
    xmlNode *conditions = add(draft->assertion, "Conditions", NULL);

    set(conditions, "NotBefore", draft->not_before);
    set(conditions, "NotOnOrAfter", draft->not_after);
    (void)add(add(conditions, "AudienceRestriction", NULL), "Audience", draft->audience);
}

/* An OpenID Connect acr need not be a URI, which the element must hold. */
static const char *
context_of(const RbIdentity *identity)
{
    const char *context = identity->authn_context;
    g_autofree char *scheme = context != NULL ? g_uri_parse_scheme(context) : NULL;
    gboolean fits = scheme != NULL && strnlen(context, MAX_CONTEXT + 1) <= MAX_CONTEXT;

    for (const char *p = context; fits && *p != '\0'; p++)
        fits = g_ascii_isgraph(*p);
    return fits ? context : "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";
}

static void
add_authentication(const Draft *draft)
{
    const RbIdentity *identity = draft->order->identity;
    xmlNode *statement = add(draft->assertion, "AuthnStatement", NULL);
    g_autofree char *at =
        rb_time_format(identity->authenticated_at > 0 ? identity->authenticated_at : draft->order->now);
    /* who carries the assertion to STS himself, with a duration of his own, gets no longer session by it */
    g_autofree char *end = rb_time_format(draft->order->now + ASSERTION_S + draft->order->duration_s);

    set(statement, "AuthnInstant", at);
    set(statement, "SessionIndex", draft->id);
    set(statement, "SessionNotOnOrAfter", end);
    (void)add(add(statement, "AuthnContext", NULL), "AuthnContextClassRef", context_of(identity));
}

static void
set_head(xmlNode *node, const char *id, const Draft *draft)
{
    set(node, "ID", id);
    set(node, "Version", "2.0");
    set(node, "IssueInstant", draft->issued);
}

static xmlDoc *
build(Draft *draft)
{
    xmlDoc *doc = xmlNewDoc(BAD_CAST "1.0");
    xmlNode *response = xmlNewNode(NULL, BAD_CAST "Response"), *status;
    xmlNs *protocol, *saml;

    if (doc == NULL || response == NULL)
        g_error("out of memory");
    (void)xmlDocSetRootElement(doc, response); /* a new document has none to hand back */
    protocol = xmlNewNs(response, BAD_CAST NS_SAMLP, BAD_CAST "samlp");
    saml = xmlNewNs(response, BAD_CAST NS_SAML, NULL);
    xmlSetNs(response, protocol);
    draft->response = response;
    set_head(response, draft->response_id, draft);
    set(response, "Destination", draft->recipient);
    xmlSetNs(add(response, "Issuer", draft->entity_id), saml);
    status = add(add(response, "Status", NULL), "StatusCode", NULL);
    set(status, "Value", "urn:oasis:names:tc:SAML:2.0:status:Success");
    draft->assertion = add(response, "Assertion", NULL);
    xmlSetNs(draft->assertion, saml);
    set_head(draft->assertion, draft->id, draft);
    (void)add(draft->assertion, "Issuer", draft->entity_id);
    add_subject(draft);
    add_conditions(draft);
    add_authentication(draft);
    add_attributes(draft);
    return doc;
}

/* The assertion first: the response's signature covers the one in it. */
static gboolean
sign(const Draft *draft, const RbSigningKey *key, GError **error)
{
    return rb_xml_signature_make(draft->assertion, rb_xml_first(draft->assertion), key->key, key->certificate,
                                 error) &&
           rb_xml_signature_make(draft->response, rb_xml_first(draft->response), key->key, key->certificate,
                                 error);
}

static gboolean
encode(xmlDoc *doc, const Draft *draft, RbAssertion *assertion, GError **error)
{
    xmlChar *text = NULL;
    int size = 0;
    RbSecret *encoded;

    xmlDocDumpMemoryEnc(doc, &text, &size, "UTF-8");
    if (text == NULL || size <= 0)
        g_error("out of memory");
    encoded = rb_secret_take_text(g_base64_encode(text, (gsize)size));
    rb_wipe(text, (gsize)size);
    xmlFree(text);
    if (rb_secret_size(encoded) > MAX_ENCODED) {
        (void)rb_refuse(error, RB_STS_TAGS,
                        "the assertion for %s has %" G_GSIZE_FORMAT
                        " characters, and AWS takes %d; its tags are too large",
                        draft->order->grant->role_arn, rb_secret_size(encoded), MAX_ENCODED);
        rb_secret_unref(encoded);
        return FALSE;
    }
    assertion->id = g_strdup(draft->id);
    assertion->encoded = encoded;
    assertion->expires_at = draft->order->now + ASSERTION_S;
    return TRUE;
}

/* The pair goes into one value with a comma between: neither may bring one of its own. */
static gboolean
check_provider(const RbOrder *order, GError **error)
{
    const RbGrant *grant = order->grant;
    g_autofree char *start =
        g_strdup_printf("arn:%s:iam::%s:saml-provider/", grant->partition, grant->account);
    g_autofree char *quoted = rb_text_quote(grant->provider_arn != NULL ? grant->provider_arn : "");
    const char *name = grant->provider_arn != NULL && g_str_has_prefix(grant->provider_arn, start)
                           ? grant->provider_arn + strlen(start)
                           : "";

    gsize n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return (n >= 1 && n <= 128 && name[n] == '\0') ||
           rb_refuse(error, RB_STS_INVALID, "provider_arn %s is not a SAML provider of account %s", quoted,
                     grant->account);
}

gboolean
rb_assertion_make(RbIssuer *issuer, const RbOrder *order, const char *recipient, RbAssertion *assertion,
                  GError **error)
{
    const RbPartition *partition = rb_partition(order->grant->partition);
    g_autoptr(RbSigningKey) key = NULL;
    g_auto(Draft) draft = { .order = order, .entity_id = issuer->entity_id, .recipient = recipient };
    g_autofree char *id = NULL;
    g_autoptr(xmlDoc) doc = NULL;

    if (!check_provider(order, error))
        return FALSE;
    key = rb_issuer_key(issuer, order, RB_KEY_ASSERTION, error);
    if (key == NULL)
        return FALSE;
    g_assert(issuer->entity_id != NULL); /* it comes with the keys */
    draft.audience = partition->audience != NULL ? partition->audience : recipient;
    draft.response_id = rb_issuer_new_id("_r");
    draft.id = rb_issuer_new_id("_a");
    draft.issued = rb_time_format(order->now);
    draft.not_before = rb_time_format(order->now - SKEW_S);
    draft.not_after = rb_time_format(order->now + ASSERTION_S);
    doc = build(&draft);
    return sign(&draft, key, error) && encode(doc, &draft, assertion, error);
}
