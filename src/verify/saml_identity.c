#include "base/encoding.h"
#include "base/refusal.h"
#include "verify/saml.h"

#include <string.h>

/* Entra ID sends this attribute in place of more than 150 groups. */
#define GROUPS_LINK "http://schemas.microsoft.com/claims/groups.link"

/* Attributes while they are read. */
typedef struct {
    GArray *attributes; /* RbAttribute: name and most values borrowed from the tree */
    GPtrArray *joined;  /* the other values: owned */
    guint n_values;
} Reading;

static void
reading_clear(Reading *reading)
{
    for (guint i = 0; i < reading->attributes->len; i++)
        g_free((char **)g_array_index(reading->attributes, RbAttribute, i).values);
    g_array_unref(reading->attributes);
    g_ptr_array_unref(reading->joined);
}

/* A value as rb_saml_text() gives it; the usual one, a single text, without a copy. */
static const char *
value_text(const xmlNode *node, Reading *reading)
{
    const xmlNode *first = node->children;
    char *text;

    if (first != NULL && first->type == XML_TEXT_NODE && first->next == NULL)
        return (const char *)first->content;
    text = rb_saml_text(node);
    if (text != NULL)
        g_ptr_array_add(reading->joined, text);
    return text;
}

/* A value that is itself XML (an eduPersonTargetedID, say) is no text, so nothing can match it: it is left
 * out, except where it would be a group or a name. */
static gboolean
read_values(const RbSaml *saml, const char *name, const xmlNode *node, Reading *reading, GPtrArray *values,
            GError **error)
{
    for (xmlNode *n = rb_xml_first(node); n != NULL; n = rb_xml_next(n)) {
        const char *text;
        if (!rb_xml_is(n, RB_NS_SAML, "AttributeValue"))
            return rb_refuse(error, RB_SAML_MALFORMED, "an Attribute with <%s> in it", n->name);
        text = value_text(n, reading);
        if (text != NULL)
            g_ptr_array_add(values, (char *)text);
        else if (g_strv_contains((const char *const *)saml->group_attributes, name) ||
                 g_strcmp0(saml->name_attribute, name) == 0)
            return rb_refuse(error, RB_SAML_MALFORMED, "a group or name that is not text");
    }
    return TRUE;
}

static gboolean
read_attribute(const RbSaml *saml, const xmlNode *node, Reading *reading, GError **error)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    RbAttribute attribute = { .name = rb_xml_attribute(node, "Name") };

    if (attribute.name == NULL || *attribute.name == '\0')
        return rb_refuse(error, RB_SAML_MALFORMED, "an Attribute without a Name");
    if (!read_values(saml, attribute.name, node, reading, values, error))
        return FALSE;
    reading->n_values += values->len;
    g_ptr_array_add(values, NULL);
    attribute.values = (const char *const *)g_ptr_array_steal(values, NULL);
    g_array_append_val(reading->attributes, attribute);
    return TRUE;
}

/* Every AttributeStatement; an attribute that is encrypted cannot be read, and what cannot be read might have
 * been a group. */
static gboolean
read_attributes(const RbSamlAnswer *answer, Reading *reading, GError **error)
{
    for (xmlNode *s = rb_xml_first(answer->assertion); s != NULL; s = rb_xml_next(s)) {
        if (!rb_xml_is(s, RB_NS_SAML, "AttributeStatement"))
            continue;
        for (xmlNode *n = rb_xml_first(s); n != NULL; n = rb_xml_next(n)) {
            if (!rb_xml_is(n, RB_NS_SAML, "Attribute"))
                return rb_refuse(error, RB_SAML_MALFORMED, "<%s> among the attributes cannot be read",
                                 n->name);
            if (!read_attribute(answer->saml, n, reading, error))
                return FALSE;
        }
    }
    return TRUE;
}

/* (transfer container): the values of every group attribute, borrowed. */
static GPtrArray *
collect_groups(const RbSaml *saml, const Reading *reading)
{
    GPtrArray *groups = g_ptr_array_sized_new(reading->n_values + 1);

    for (guint i = 0; i < reading->attributes->len; i++) {
        const RbAttribute *a = &g_array_index(reading->attributes, RbAttribute, i);
        if (!g_strv_contains((const char *const *)saml->group_attributes, a->name))
            continue;
        for (const char *const *v = a->values; *v != NULL; v++)
            g_ptr_array_add(groups, (char *)*v);
    }
    g_ptr_array_add(groups, NULL);
    return groups;
}

/* The one value of the attribute that names the person. */
static gboolean
find_name(const RbSaml *saml, const Reading *reading, const char *name_id, const char **name, GError **error)
{
    *name = saml->name_attribute == NULL ? name_id : NULL;
    for (guint i = 0; saml->name_attribute != NULL && i < reading->attributes->len; i++) {
        const RbAttribute *a = &g_array_index(reading->attributes, RbAttribute, i);
        if (strcmp(a->name, saml->name_attribute) != 0)
            continue;
        for (const char *const *v = a->values; *v != NULL; v++) {
            if (*name != NULL && strcmp(*name, *v) != 0)
                return rb_refuse(error, RB_IDENTITY_MALFORMED, "the name attribute '%s' has several values",
                                 saml->name_attribute);
            *name = *v;
        }
    }
    if (*name == NULL)
        return rb_refuse(error, RB_IDENTITY_NAME_MISSING, "the attribute '%s' was not sent",
                         saml->name_attribute);
    return TRUE;
}

static gboolean
check_overage(const Reading *reading, GError **error)
{
    for (guint i = 0; i < reading->attributes->len; i++)
        if (strcmp(g_array_index(reading->attributes, RbAttribute, i).name, GROUPS_LINK) == 0)
            return rb_refuse(error, RB_IDENTITY_GROUPS_INCOMPLETE,
                             "the groups were left out for being too many (groups.link)");
    return TRUE;
}

static gboolean
attribute_proves_mfa(const RbMfaAttribute *rule, const Reading *reading)
{
    for (guint i = 0; i < reading->attributes->len; i++) {
        const RbAttribute *a = &g_array_index(reading->attributes, RbAttribute, i);
        if (strcmp(a->name, rule->name) != 0)
            continue;
        for (const char *const *v = a->values; *v != NULL; v++)
            if (g_strv_contains((const char *const *)rule->values, *v))
                return TRUE;
    }
    return FALSE;
}

static gboolean
proves_mfa(const RbMfaRules *rules, const char *context, const Reading *reading)
{
    if (context != NULL && g_strv_contains((const char *const *)rules->saml, context))
        return TRUE;
    for (guint i = 0; i < rules->attributes->len; i++)
        if (attribute_proves_mfa(g_ptr_array_index(rules->attributes, i), reading))
            return TRUE;
    return FALSE;
}

/* Core 3.3.2.2.1: the identity provider may ignore what was asked for, so it is looked at again. */
static gboolean
check_context(const RbSamlAnswer *answer, const char *context, gboolean mfa, GError **error)
{
    const RbSaml *saml = answer->saml;
    g_autofree char *quoted = rb_text_quote(context == NULL ? "" : context);

    if (answer->sign_in != NULL && answer->sign_in->wants_mfa && !mfa)
        return rb_refuse(error, RB_SAML_MFA_MISSING, "signed in by %s, which `mfa:` does not accept", quoted);
    if (*saml->authn_contexts != NULL && !mfa &&
        (context == NULL || !g_strv_contains((const char *const *)saml->authn_contexts, context)))
        return rb_refuse(error, RB_SAML_NO_AUTHN_CONTEXT, "signed in by %s, which was not asked for", quoted);
    return TRUE;
}

/* AuthnContextClassRef of @statement. Returns: FALSE with saml.malformed; NULL in @context when there is
 * none. */
static gboolean
read_context(const xmlNode *statement, char **context, GError **error)
{
    xmlNode *node, *class_ref = NULL;

    if (!rb_saml_only_child(statement, RB_NS_SAML, "AuthnContext", TRUE, &node, error) ||
        !rb_saml_only_child(node, RB_NS_SAML, "AuthnContextClassRef", FALSE, &class_ref, error))
        return FALSE;
    *context = class_ref == NULL ? NULL : rb_saml_text(class_ref);
    return TRUE;
}

static RbIdentity *
build(const RbSamlAnswer *answer, const Reading *reading, const char *context, GError **error)
{
    const xmlNode *name_id =
        rb_saml_child(rb_saml_child(answer->assertion, RB_NS_SAML, "Subject"), RB_NS_SAML, "NameID");
    const xmlNode *statement = rb_saml_child(answer->assertion, RB_NS_SAML, "AuthnStatement");
    g_autofree char *subject = rb_saml_text(name_id);
    g_autoptr(GPtrArray) groups = collect_groups(answer->saml, reading);
    RbIdentity facts = {
        .subject = subject,
        .provider = answer->saml->seat->id,
        .issuer = answer->trust->entity_id,
        .groups = (const char *const *)groups->pdata,
        .attributes = (const RbAttribute *)(void *)reading->attributes->data,
        .groups_at = answer->now,
        .mfa = proves_mfa(answer->saml->seat->mfa, context, reading),
        .authn_context = context,
        .session_index = rb_xml_attribute(statement, "SessionIndex"),
        .name_id_format = rb_xml_attribute(name_id, "Format"),
        .name_qualifier = rb_xml_attribute(name_id, "NameQualifier"),
        .sp_name_qualifier = rb_xml_attribute(name_id, "SPNameQualifier"),
    };

    if (!rb_saml_time(statement, "AuthnInstant", &facts.authenticated_at, error) ||
        !rb_saml_time(statement, "SessionNotOnOrAfter", &facts.expires_at, error) ||
        !check_overage(reading, error) || !check_context(answer, context, facts.mfa, error) ||
        !find_name(answer->saml, reading, subject, &facts.name, error))
        return NULL;
    return rb_identity_new(&facts, error);
}

RbIdentity *
rb_saml_identity(const RbSamlAnswer *answer, GError **error)
{
    const xmlNode *statement = rb_saml_child(answer->assertion, RB_NS_SAML, "AuthnStatement");
    Reading reading = { .attributes = g_array_new(TRUE, TRUE, sizeof(RbAttribute)),
                        .joined = g_ptr_array_new_with_free_func(g_free) };
    g_autofree char *context = NULL;
    RbIdentity *identity = NULL;

    if (read_context(statement, &context, error) && read_attributes(answer, &reading, error))
        identity = build(answer, &reading, context, error);
    reading_clear(&reading);
    return identity;
}
