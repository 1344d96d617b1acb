#include "sandbox/saml.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "sandbox/xml.h"

#include <openssl/x509.h>
#include <string.h>

#define MD "urn:oasis:names:tc:SAML:2.0:metadata"
#define DS "http://www.w3.org/2000/09/xmldsig#"
#define POST "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
#define REDIRECT "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
enum { MAX_CERTIFICATE = 64 * 1024 };

static void
acs_free(gpointer data)
{
    RbBoxAcs *acs = data;

    g_free(acs->location);
    g_free(acs);
}

void
rb_box_sp_free(RbBoxSp *sp)
{
    if (sp == NULL)
        return;
    g_free(sp->entity_id);
    g_ptr_array_unref(sp->keys);
    g_ptr_array_unref(sp->acs);
    g_free(sp->slo);
    g_free(sp->slo_response);
    g_free(sp);
}

static void
take_key(GPtrArray *keys, xmlNode *descriptor)
{
    g_autofree char *use = rb_box_xml_attribute(descriptor, "use");
    xmlNode *info = rb_box_xml_child(descriptor, DS, "KeyInfo");
    xmlNode *data = rb_box_xml_child(info, DS, "X509Data");
    g_autofree char *text = rb_box_xml_text(rb_box_xml_child(data, DS, "X509Certificate"));
    g_autoptr(GBytes) der = text == NULL ? NULL : rb_base64_decode(text, MAX_CERTIFICATE);
    const guint8 *at = der == NULL ? NULL : g_bytes_get_data(der, NULL);
    X509 *certificate = at == NULL ? NULL : d2i_X509(NULL, &at, (long)g_bytes_get_size(der));
    EVP_PKEY *key = certificate == NULL ? NULL : X509_get_pubkey(certificate);

    if (key != NULL && g_strcmp0(use, "encryption") != 0)
        g_ptr_array_add(keys, key);
    else
        EVP_PKEY_free(key);
    X509_free(certificate);
}

static void
take_acs(RbBoxSp *sp, xmlNode *node)
{
    g_autofree char *binding = rb_box_xml_attribute(node, "Binding");
    g_autofree char *location = rb_box_xml_attribute(node, "Location");
    g_autofree char *index = rb_box_xml_attribute(node, "index");
    g_autofree char *is_default = rb_box_xml_attribute(node, "isDefault");
    RbBoxAcs *acs;

    if (g_strcmp0(binding, POST) != 0 || location == NULL)
        return;
    acs = g_new0(RbBoxAcs, 1);
    acs->location = g_steal_pointer(&location);
    acs->index = index == NULL ? 0 : g_ascii_strtoll(index, NULL, 10);
    acs->is_default = g_strcmp0(is_default, "true") == 0 || g_strcmp0(is_default, "1") == 0;
    g_ptr_array_add(sp->acs, acs);
}

static void
take_slo(RbBoxSp *sp, xmlNode *node)
{
    g_autofree char *binding = rb_box_xml_attribute(node, "Binding");

    if (g_strcmp0(binding, REDIRECT) != 0 || sp->slo != NULL)
        return;
    sp->slo = rb_box_xml_attribute(node, "Location");
    sp->slo_response = rb_box_xml_attribute(node, "ResponseLocation");
    if (sp->slo_response == NULL)
        sp->slo_response = g_strdup(sp->slo);
}

RbBoxSp *
rb_box_sp_parse(const char *xml, gsize size, GError **error)
{
    g_autoptr(RbBoxSp) sp = g_new0(RbBoxSp, 1);
    g_autoptr(xmlDoc) doc = rb_box_xml_parse(xml, size, error);
    xmlNode *root = doc == NULL ? NULL : xmlDocGetRootElement(doc);
    xmlNode *descriptor;

    sp->keys = g_ptr_array_new_with_free_func((GDestroyNotify)EVP_PKEY_free);
    sp->acs = g_ptr_array_new_with_free_func(acs_free);
    if (doc == NULL)
        return NULL;
    sp->entity_id =
        rb_box_xml_is(root, MD, "EntityDescriptor") ? rb_box_xml_attribute(root, "entityID") : NULL;
    descriptor = rb_box_xml_child(root, MD, "SPSSODescriptor");
    for (xmlNode *node = descriptor == NULL ? NULL : descriptor->children; node != NULL; node = node->next) {
        if (rb_box_xml_is(node, MD, "KeyDescriptor"))
            take_key(sp->keys, node);
        else if (rb_box_xml_is(node, MD, "AssertionConsumerService"))
            take_acs(sp, node);
        else if (rb_box_xml_is(node, MD, "SingleLogoutService"))
            take_slo(sp, node);
    }
    if (sp->entity_id != NULL && sp->keys->len > 0 && sp->acs->len > 0)
        return g_steal_pointer(&sp);
    rb_refuse(error, RB_REQUEST_MALFORMED,
              "not the metadata of a SAML service provider with an entityID, a signing key and an HTTP-POST "
              "consumer service");
    return NULL;
}

/* ---- an identity provider's, which AWS's side reads ---- */

void
rb_box_idp_keys_free(RbBoxIdpKeys *idp)
{
    if (idp == NULL)
        return;
    g_free(idp->entity_id);
    g_ptr_array_unref(idp->keys);
    g_free(idp);
}

RbBoxIdpKeys *
rb_box_idp_keys_parse(const char *xml, gsize size, GError **error)
{
    g_autoptr(RbBoxIdpKeys) idp = g_new0(RbBoxIdpKeys, 1);
    g_autoptr(xmlDoc) doc = rb_box_xml_parse(xml, size, error);
    xmlNode *root = doc == NULL ? NULL : xmlDocGetRootElement(doc);
    xmlNode *descriptor = rb_box_xml_child(root, MD, "IDPSSODescriptor");

    idp->keys = g_ptr_array_new_with_free_func((GDestroyNotify)EVP_PKEY_free);
    if (doc == NULL)
        return NULL;
    idp->entity_id =
        rb_box_xml_is(root, MD, "EntityDescriptor") ? rb_box_xml_attribute(root, "entityID") : NULL;
    for (xmlNode *node = descriptor == NULL ? NULL : descriptor->children; node != NULL; node = node->next)
        if (rb_box_xml_is(node, MD, "KeyDescriptor"))
            take_key(idp->keys, node);
    if (idp->entity_id != NULL && idp->keys->len > 0)
        return g_steal_pointer(&idp);
    rb_refuse(error, RB_REQUEST_MALFORMED,
              "not the metadata of a SAML identity provider with an entityID and a signing key");
    return NULL;
}
