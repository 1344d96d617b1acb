#include "sandbox/assertion.h"

#include "base/encoding.h"
#include "sandbox/saml.h"
#include "sandbox/xml_signature.h"

#include <string.h>

#define A "urn:oasis:names:tc:SAML:2.0:assertion"
#define P "urn:oasis:names:tc:SAML:2.0:protocol"
#define ATTRIBUTES "https://aws.amazon.com/SAML/Attributes/"
#define BEARER "urn:oasis:names:tc:SAML:2.0:cm:bearer"
#define SUCCESS "urn:oasis:names:tc:SAML:2.0:status:Success"
enum { MAX_RESPONSE = 75000, MAX_AGE_S = 300, SKEW_S = 60 };

struct RbBoxAssertion {
    xmlDoc *doc;
    xmlNode *response, *node; /* the Response, and its one assertion */
    GPtrArray *roles;         /* RbBoxRolePair */
    char *issuer, *recipient;
};

static gboolean
refuse(RbAwsError *error, const char *message, const char *why)
{
    (void)rb_aws_refuse(error, 400, "InvalidIdentityToken", "%s", message);
    error->why = g_strdup(why);
    return FALSE;
}

static void
pair_free(gpointer data)
{
    RbBoxRolePair *pair = data;

    g_free(pair->role_arn);
    g_free(pair->provider_arn);
    g_free(pair);
}

void
rb_box_assertion_free(RbBoxAssertion *assertion)
{
    if (assertion == NULL)
        return;
    g_ptr_array_unref(assertion->roles);
    g_free(assertion->issuer);
    g_free(assertion->recipient);
    xmlFreeDoc(assertion->doc);
    g_free(assertion);
}

/* Walks every element: IDs must differ, and there may be one assertion only, wherever it stands. */
static gboolean
walk(const xmlNode *node, GHashTable *ids, guint *assertions)
{
    for (; node != NULL; node = node->next) {
        char *id = node->type == XML_ELEMENT_NODE ? rb_box_xml_attribute((xmlNode *)node, "ID") : NULL;

        if (id != NULL && !g_hash_table_add(ids, id))
            return FALSE;
        *assertions += rb_box_xml_is(node, A, "Assertion") || rb_box_xml_is(node, A, "EncryptedAssertion");
        if (!walk(node->children, ids, assertions))
            return FALSE;
    }
    return TRUE;
}

static gboolean
is_one(const RbBoxAssertion *assertion)
{
    g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint n = 0;

    return rb_box_xml_is(assertion->response, P, "Response") && assertion->node != NULL &&
           walk(assertion->response, ids, &n) && n == 1;
}

/* ---- attributes ---- */

static xmlNode *
next_attribute(const RbBoxAssertion *assertion, xmlNode *after)
{
    xmlNode *node = after != NULL
                        ? after->next
                        : xmlFirstElementChild(rb_box_xml_child(assertion->node, A, "AttributeStatement"));

    while (node != NULL && !rb_box_xml_is(node, A, "Attribute"))
        node = node->next;
    return node;
}

static GPtrArray *
values_of(xmlNode *attribute)
{
    GPtrArray *values = g_ptr_array_new_with_free_func(g_free);

    for (xmlNode *node = attribute->children; node != NULL; node = node->next)
        if (rb_box_xml_is(node, A, "AttributeValue"))
            g_ptr_array_add(values, rb_box_xml_text(node));
    return values;
}

/* The values of all attributes of that name together; empty when there is none. */
static GPtrArray *
find_values(const RbBoxAssertion *assertion, const char *name)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *whole = g_strconcat(ATTRIBUTES, name, NULL);

    for (xmlNode *node = next_attribute(assertion, NULL); node != NULL;
         node = next_attribute(assertion, node)) {
        g_autofree char *found = rb_box_xml_attribute(node, "Name");

        if (g_strcmp0(found, whole) == 0)
            g_ptr_array_extend_and_steal(all, values_of(node));
    }
    return all;
}

/* The value of an attribute that has one at most. */
static gboolean
single(const RbBoxAssertion *assertion, const char *name, char **value, RbAwsError *error)
{
    g_autoptr(GPtrArray) values = find_values(assertion, name);
    g_autofree char *message = NULL;

    *value = NULL;
    if (values->len > 1) {
        message = g_strdup_printf("%s in AuthnResponse must have one value", name);
        return refuse(error, message, "the attribute has several values");
    }
    if (values->len == 1)
        *value = g_strdup(values->pdata[0]);
    return TRUE;
}

/* "role,provider" in either order; anything else is no pair. */
static void
take_role(GPtrArray *roles, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", 3);
    RbBoxRolePair *pair;
    int role;

    if (g_strv_length(parts) != 2)
        return;
    role = strstr(parts[0], ":role/") != NULL ? 0 : 1;
    if (strstr(parts[role], ":role/") == NULL || strstr(parts[1 - role], ":saml-provider/") == NULL)
        return;
    pair = g_new0(RbBoxRolePair, 1);
    pair->role_arn = g_strdup(parts[role]);
    pair->provider_arn = g_strdup(parts[1 - role]);
    g_ptr_array_add(roles, pair);
}

static xmlNode *
confirmation(const RbBoxAssertion *assertion)
{
    return rb_box_xml_child(rb_box_xml_child(assertion->node, A, "Subject"), A, "SubjectConfirmation");
}

RbBoxAssertion *
rb_box_assertion_read(const char *base64, RbAwsError *error)
{
    g_autoptr(RbBoxAssertion) assertion = g_new0(RbBoxAssertion, 1);
    g_autoptr(GBytes) xml = rb_base64_decode(base64, MAX_RESPONSE);
    g_autoptr(GPtrArray) values = NULL;

    assertion->roles = g_ptr_array_new_with_free_func(pair_free);
    if (xml == NULL) {
        (void)refuse(error, "Invalid base64 SAMLResponse", "it is not base64");
        return NULL;
    }
    assertion->doc = rb_box_xml_parse(g_bytes_get_data(xml, NULL), g_bytes_get_size(xml), NULL);
    assertion->response = assertion->doc == NULL ? NULL : xmlDocGetRootElement(assertion->doc);
    assertion->node = rb_box_xml_child(assertion->response, A, "Assertion");
    if (assertion->response == NULL || !is_one(assertion)) {
        (void)refuse(error, "Error parsing SAML response",
                     "it is no Response with one assertion and distinct IDs");
        return NULL;
    }
    assertion->issuer = rb_box_xml_text(rb_box_xml_child(assertion->node, A, "Issuer"));
    assertion->recipient = rb_box_xml_attribute(
        rb_box_xml_child(confirmation(assertion), A, "SubjectConfirmationData"), "Recipient");
    values = find_values(assertion, "Role");
    for (guint i = 0; i < values->len; i++)
        take_role(assertion->roles, values->pdata[i]);
    return g_steal_pointer(&assertion);
}

const GPtrArray *
rb_box_assertion_roles(const RbBoxAssertion *assertion)
{
    return assertion->roles;
}

/* ---- the checks ---- */

/* One of the two must be signed by the provider; a signature that is there must be good. */
static gboolean
check_signatures(const RbBoxAssertion *assertion, const GPtrArray *keys, RbAwsError *error)
{
    xmlNode *nodes[] = { assertion->response, assertion->node };
    guint good = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(nodes); i++) {
        const char *why = NULL;

        if (rb_box_xml_child(nodes[i], RB_BOX_DS, "Signature") == NULL)
            continue;
        if (!rb_box_xml_signed_by(nodes[i], keys, &why))
            return refuse(error, "Response signature invalid", why);
        good++;
    }
    return good > 0 ||
           refuse(error, "Response signature invalid", "neither Response nor assertion is signed");
}

static gboolean
check_issuer(const RbBoxAssertion *assertion, RbBoxProvider *provider, gint64 now, RbAwsError *error)
{
    g_autoptr(GBytes) metadata = rb_box_provider_metadata(provider, now, error);
    g_autoptr(RbBoxIdpKeys) idp = NULL;
    g_autoptr(GError) problem = NULL;

    if (metadata == NULL)
        return FALSE;
    idp = rb_box_idp_keys_parse(g_bytes_get_data(metadata, NULL), g_bytes_get_size(metadata), &problem);
    if (idp == NULL)
        return refuse(error, "Specified provider doesn't exist", problem->message);
    if (g_strcmp0(assertion->issuer, idp->entity_id) != 0)
        return refuse(error, "Issuer not present in specified provider", idp->entity_id);
    return check_signatures(assertion, idp->keys, error);
}

static gboolean
check_status(const RbBoxAssertion *assertion, RbAwsError *error)
{
    xmlNode *code = rb_box_xml_child(rb_box_xml_child(assertion->response, P, "Status"), P, "StatusCode");
    g_autofree char *value = rb_box_xml_attribute(code, "Value");

    return g_strcmp0(value, SUCCESS) == 0 ||
           rb_aws_refuse(error, 403, "IDPRejectedClaim", "The identity provider reported %s",
                         value == NULL ? "no status" : value);
}

static gboolean
time_of(xmlNode *node, const char *name, gint64 *at)
{
    g_autofree char *text = rb_box_xml_attribute(node, name);

    return text != NULL && rb_time_parse(text, at);
}

/* Five minutes from IssueInstant, and within what confirmation and conditions allow. */
static gboolean
check_times(const RbBoxAssertion *assertion, gint64 now, RbAwsError *error)
{
    static const char late[] = "Token must be redeemed within 5 minutes of issuance";
    xmlNode *conditions = rb_box_xml_child(assertion->node, A, "Conditions");
    xmlNode *data = rb_box_xml_child(confirmation(assertion), A, "SubjectConfirmationData");
    g_autofree char *has_from = rb_box_xml_attribute(conditions, "NotBefore"),
                    *has_until = rb_box_xml_attribute(conditions, "NotOnOrAfter");
    gint64 issued, confirmed, from, until;

    if (!time_of(assertion->node, "IssueInstant", &issued) || !time_of(data, "NotOnOrAfter", &confirmed) ||
        (has_from != NULL && !time_of(conditions, "NotBefore", &from)) ||
        (has_until != NULL && !time_of(conditions, "NotOnOrAfter", &until)))
        return refuse(error, "Error parsing SAML response",
                      "IssueInstant or NotOnOrAfter is missing or no time");
    if (now > issued + MAX_AGE_S || now >= confirmed || (has_until != NULL && now >= until))
        return rb_aws_refuse(error, 400, "ExpiredTokenException", "%s", late);
    if (issued > now + SKEW_S || (has_from != NULL && from > now + SKEW_S))
        return refuse(error, "Error parsing SAML response", "it is from the future");
    return TRUE;
}

static gboolean
is_sign_in_url(const char *url, const char *saml_url)
{
    static const char *const patterns[] = {
        "https://signin.aws.amazon.com/saml",       "https://*.signin.aws.amazon.com/saml",
        "https://signin.amazonaws-us-gov.com/saml", "https://*.signin.amazonaws-us-gov.com/saml",
        "https://signin.amazonaws.cn/saml",         "https://*.signin.amazonaws.cn/saml"
    };
    const char *host = g_str_has_prefix(url, "https://") ? url + strlen("https://") : "/";

    if (saml_url != NULL && strcmp(url, saml_url) == 0)
        return TRUE;
    /* the star stands for a region, never for another host and a path */
    if (strcspn(host, "/") + strlen("/saml") != strlen(host))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++)
        if (rb_box_glob(patterns[i], url, FALSE))
            return TRUE;
    return FALSE;
}

static gboolean
check_audience(const RbBoxAssertion *assertion, const char *partition, const char *saml_url,
               RbAwsError *error)
{
    const char *urn = strcmp(partition, "aws-us-gov") == 0 ? "urn:amazon:webservices:govcloud"
                      : strcmp(partition, "aws-cn") == 0   ? "urn:amazon:webservices:cn-north-1"
                                                           : "urn:amazon:webservices";
    xmlNode *node =
        rb_box_xml_child(rb_box_xml_child(assertion->node, A, "Conditions"), A, "AudienceRestriction");
    gboolean good = FALSE;

    for (node = node == NULL ? NULL : node->children; node != NULL; node = node->next) {
        g_autofree char *text = rb_box_xml_is(node, A, "Audience") ? rb_box_xml_text(node) : NULL;

        good = good || (text != NULL && (strcmp(text, urn) == 0 || is_sign_in_url(text, saml_url)));
    }
    return good || refuse(error, "Response does not contain the required audience", urn);
}

static gboolean
check_subject(const RbBoxAssertion *assertion, const char *saml_url, RbAwsError *error)
{
    xmlNode *subject = rb_box_xml_child(assertion->node, A, "Subject");
    g_autofree char *name = rb_box_xml_text(rb_box_xml_child(subject, A, "NameID"));
    g_autofree char *method = rb_box_xml_attribute(confirmation(assertion), "Method");
    guint n = 0;

    for (xmlNode *node = subject == NULL ? NULL : subject->children; node != NULL; node = node->next)
        n += rb_box_xml_is(node, A, "SubjectConfirmation");
    if (name == NULL || *name == '\0') {
        (void)rb_aws_refuse(error, 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML");
        error->why = g_strdup("there is no NameID");
        return FALSE;
    }
    if (n != 1 || g_strcmp0(method, BEARER) != 0)
        return refuse(error, "Error parsing SAML response", "there is not exactly one bearer confirmation");
    if (assertion->recipient == NULL || !is_sign_in_url(assertion->recipient, saml_url))
        return refuse(error, "Error parsing SAML response", "the Recipient is no sign-in endpoint");
    return TRUE;
}

static gboolean
check_session_name(const RbBoxAssertion *assertion, RbAwsError *error)
{
    g_autofree char *name = NULL;

    if (!single(assertion, "RoleSessionName", &name, error))
        return FALSE;
    if (name == NULL)
        return refuse(error, "RoleSessionName is required in AuthnResponse", "the attribute is missing");
    return rb_sts_is_name(name) ||
           refuse(error, "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}", name);
}

gboolean
rb_box_assertion_check(const RbBoxAssertion *assertion, RbBoxProvider *provider, const char *saml_url,
                       gint64 now, RbAwsError *error)
{
    g_auto(GStrv) fields = g_strsplit(rb_box_provider_arn(provider), ":", 6);

    return check_issuer(assertion, provider, now, error) && check_status(assertion, error) &&
           check_times(assertion, now, error) && check_audience(assertion, fields[1], saml_url, error) &&
           check_subject(assertion, saml_url, error) && check_session_name(assertion, error);
}

/* ---- what it carries ---- */

void
rb_box_vouched_clear(RbBoxVouched *vouched)
{
    char **const texts[] = { &vouched->issuer,         &vouched->recipient, &vouched->subject,
                             &vouched->subject_type,   &vouched->qualifier, &vouched->session_name,
                             &vouched->source_identity };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_clear_pointer(texts[i], g_free);
}

static gboolean
carry_tags(const RbBoxAssertion *assertion, RbStsAsk *ask, RbAwsError *error)
{
    static const char prefix[] = ATTRIBUTES "PrincipalTag:";
    g_autoptr(GPtrArray) transitive = find_values(assertion, "TransitiveTagKeys");

    for (xmlNode *node = next_attribute(assertion, NULL); node != NULL;
         node = next_attribute(assertion, node)) {
        g_autofree char *name = rb_box_xml_attribute(node, "Name");
        g_autoptr(GPtrArray) values = values_of(node);

        if (name == NULL || !g_str_has_prefix(name, prefix))
            continue;
        if (values->len != 1)
            return refuse(error, "Error parsing SAML response", "a PrincipalTag has not one value");
        if (!rb_sts_ask_add_tag(ask, name + strlen(prefix), values->pdata[0], error))
            return FALSE;
    }
    for (guint i = 0; i < transitive->len; i++)
        if (!rb_sts_ask_add_transitive(ask, transitive->pdata[i], error))
            return FALSE;
    return TRUE;
}

static gboolean
carry_durations(const RbBoxAssertion *assertion, RbBoxVouched *vouched, RbAwsError *error)
{
    xmlNode *statement = rb_box_xml_child(assertion->node, A, "AuthnStatement");
    g_autofree char *seconds = NULL, *until = rb_box_xml_attribute(statement, "SessionNotOnOrAfter");

    if (until != NULL && !rb_time_parse(until, &vouched->end))
        return refuse(error, "Error parsing SAML response", "SessionNotOnOrAfter is no time");
    if (!single(assertion, "SessionDuration", &seconds, error))
        return FALSE;
    return seconds == NULL || g_ascii_string_to_signed(seconds, 10, 900, 43200, &vouched->duration_s, NULL) ||
           refuse(error, "SessionDuration in AuthnResponse must be an integer from 900 to 43200", seconds);
}

/* base64(SHA-1(issuer, account, "/", provider name)): what AWS tells equal subjects of two providers apart
 * by. */
static char *
name_qualifier(const char *issuer, const RbBoxProvider *provider)
{
    g_autofree char *text =
        g_strconcat(issuer, rb_box_provider_account(provider), "/", rb_box_provider_name(provider), NULL);
    guint8 digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    (void)EVP_Digest(text, strlen(text), digest, &size, EVP_sha1(), NULL);
    return g_base64_encode(digest, size);
}

gboolean
rb_box_assertion_carry(const RbBoxAssertion *assertion, const RbBoxProvider *provider, RbStsAsk *ask,
                       RbBoxVouched *vouched, RbAwsError *error)
{
    static const char short_prefix[] = "urn:oasis:names:tc:SAML:2.0:nameid-format:";
    xmlNode *name = rb_box_xml_child(rb_box_xml_child(assertion->node, A, "Subject"), A, "NameID");
    g_autofree char *format = rb_box_xml_attribute(name, "Format");

    vouched->issuer = g_strdup(assertion->issuer);
    vouched->recipient = g_strdup(assertion->recipient);
    vouched->subject = rb_box_xml_text(name);
    vouched->subject_type = g_strdup(
        format != NULL && g_str_has_prefix(format, short_prefix) ? format + strlen(short_prefix) : format);
    vouched->qualifier = name_qualifier(assertion->issuer, provider);
    if (!single(assertion, "RoleSessionName", &vouched->session_name, error) ||
        !single(assertion, "SourceIdentity", &vouched->source_identity, error) ||
        !carry_durations(assertion, vouched, error) || !carry_tags(assertion, ask, error))
        return FALSE;
    if (vouched->source_identity != NULL && (!rb_sts_is_name(vouched->source_identity) ||
                                             g_ascii_strncasecmp(vouched->source_identity, "aws:", 4) == 0))
        return refuse(error, "SourceIdentity in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}",
                      vouched->source_identity);
    ask->session_name = vouched->session_name;
    ask->source_identity = vouched->source_identity;
    return TRUE;
}

/* clang-format off */
static const struct { const char *attribute, *key; } known_attributes[] = {
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.1",  "saml:edupersonaffiliation" },
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.2",  "saml:edupersonnickname" },
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.3",  "saml:edupersonorgdn" },
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.4",  "saml:edupersonorgunitdn" },
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.5",  "saml:edupersonprimaryaffiliation" },
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",  "saml:edupersonprincipalname" },
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.7",  "saml:edupersonentitlement" },
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.8",  "saml:edupersonprimaryorgunitdn" },
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.9",  "saml:edupersonscopedaffiliation" },
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "saml:edupersontargetedid" },
    { "urn:oid:1.3.6.1.4.1.5923.1.1.1.11", "saml:edupersonassurance" },
    { "urn:oid:2.5.4.3",                   "saml:cn" },
};
/* clang-format on */

void
rb_box_assertion_add_keys(const RbBoxAssertion *assertion, const RbBoxProvider *provider,
                          const RbBoxVouched *vouched, RbBoxContext *context)
{
    g_autofree char *doc =
        g_strconcat(rb_box_provider_account(provider), "/", rb_box_provider_name(provider), NULL);

    rb_box_context_add(context, "saml:aud", vouched->recipient);
    rb_box_context_add(context, "saml:iss", vouched->issuer);
    rb_box_context_add(context, "saml:sub", vouched->subject);
    rb_box_context_add(context, "saml:sub_type", vouched->subject_type);
    rb_box_context_add(context, "saml:namequalifier", vouched->qualifier);
    rb_box_context_add(context, "saml:doc", doc);
    for (xmlNode *node = next_attribute(assertion, NULL); node != NULL;
         node = next_attribute(assertion, node)) {
        g_autofree char *name = rb_box_xml_attribute(node, "Name");
        g_autoptr(GPtrArray) values = values_of(node);

        for (gsize i = 0; i < G_N_ELEMENTS(known_attributes); i++)
            for (guint k = 0; k < values->len && g_strcmp0(name, known_attributes[i].attribute) == 0; k++)
                rb_box_context_add(context, known_attributes[i].key, values->pdata[k]);
    }
}
