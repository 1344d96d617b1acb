#include "base/encoding.h"
#include "base/refusal.h"
#include "verify/saml.h"

#include <string.h>

#define PROTOCOL "urn:oasis:names:tc:SAML:2.0:protocol"

enum { MIN_REFRESH_S = 60, MAX_CERTIFICATE = 64 * 1024 };

void
rb_saml_trust_clear(gpointer data)
{
    RbSamlTrust *trust = data;

    g_free(trust->entity_id);
    g_free(trust->sso_redirect);
    g_free(trust->logout_redirect);
    g_free(trust->logout_redirect_reply);
    if (trust->keys != NULL)
        g_ptr_array_unref(trust->keys);
}

void
rb_saml_trust_unref(RbSamlTrust *trust)
{
    g_atomic_rc_box_release_full(trust, rb_saml_trust_clear);
}

static gboolean
unusable(GError **error, const char *what)
{
    return rb_refuse(error, RB_SAML_METADATA, "%s", what);
}

/* The pins: the very bytes, and a signature over the whole document. */
static gboolean
check_pins(const RbSaml *saml, GBytes *bytes, xmlNode *root, GError **error)
{
    RbPublicKey *keys[] = { saml->metadata_key };
    g_autoptr(GError) why = NULL;
    xmlNode *signature;

    if (saml->metadata_sha256 != NULL) {
        g_autofree char *digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
        if (g_ascii_strcasecmp(digest, saml->metadata_sha256) != 0)
            return rb_refuse(error, RB_SAML_METADATA, "the metadata's SHA-256 is %s, not metadata_sha256",
                             digest);
    }
    if (saml->metadata_key == NULL)
        return TRUE;
    signature = rb_xml_signature_find(root, &why);
    if (signature == NULL)
        return unusable(error, why != NULL ? why->message : "the metadata is not signed");
    if (!rb_xml_signature_verify(root, signature, keys, 1, &why))
        return unusable(error, why->message);
    return TRUE;
}

static gboolean
is_idp(const xmlNode *entity)
{
    return rb_saml_child(entity, RB_NS_MD, "IDPSSODescriptor") != NULL;
}

/* The EntityDescriptor to use, at any depth of EntitiesDescriptors; a second one that fits is a mistake. */
static gboolean
find_entity(const char *wanted, xmlNode *node, xmlNode **found, GError **error)
{
    if (rb_xml_is(node, RB_NS_MD, "EntityDescriptor")) {
        const char *id = rb_xml_attribute(node, "entityID");
        if (id == NULL || (wanted == NULL ? !is_idp(node) : strcmp(id, wanted) != 0))
            return TRUE;
        if (*found != NULL)
            return unusable(error, "the metadata holds several identity providers; set idp_entity_id");
        *found = node;
        return TRUE;
    }
    if (!rb_xml_is(node, RB_NS_MD, "EntitiesDescriptor"))
        return TRUE;
    for (xmlNode *n = rb_xml_first(node); n != NULL; n = rb_xml_next(n))
        if (!find_entity(wanted, n, found, error))
            return FALSE;
    return TRUE;
}

/* "PT1H", "P1DT12H": whole days and smaller; anything else is as if nothing were said. */
static gint64
cache_duration(const xmlNode *node)
{
    const char *p = rb_xml_attribute(node, "cacheDuration");
    gint64 total = 0;
    gboolean in_time = FALSE;

    if (p == NULL || *p++ != 'P')
        return 0;
    while (*p != '\0') {
        char *end;
        gint64 n;
        if (*p == 'T') {
            in_time = TRUE;
            p++;
            continue;
        }
        n = g_ascii_strtoll(p, &end, 10);
        if (end == p || n < 0 || n > 100000000 || end - p > 9)
            return 0;
        total += n * (*end == 'D' && !in_time  ? 86400
                      : *end == 'H' && in_time ? 3600
                      : *end == 'M' && in_time ? 60
                      : *end == 'S' && in_time ? 1
                                               : -1000000);
        if (total < 0)
            return 0;
        p = end + 1;
    }
    return total;
}

/* validUntil and cacheDuration of @node and all around it. */
static gboolean
read_validity(const xmlNode *node, RbSamlTrust *trust, gint64 *refresh_s, GError **error)
{
    for (; node != NULL && node->type == XML_ELEMENT_NODE; node = node->parent) {
        gint64 until, cache = cache_duration(node);
        if (!rb_saml_time(node, "validUntil", &until, error))
            return FALSE;
        if (until != 0 && (trust->valid_until == 0 || until < trust->valid_until))
            trust->valid_until = until;
        if (cache > 0)
            *refresh_s = MAX(MIN_REFRESH_S, MIN(*refresh_s, cache));
    }
    return TRUE;
}

static gboolean
is_web_address(const char *url)
{
    return url != NULL && (g_str_has_prefix(url, "https://") || g_str_has_prefix(url, "http://")) &&
           strpbrk(url, " \r\n\t\"<>#") == NULL;
}

/* (transfer full): the address of the first @name endpoint with the redirect binding; NULL: none. */
static char *
redirect_endpoint(const xmlNode *descriptor, const char *name, char **reply)
{
    for (xmlNode *n = rb_xml_first(descriptor); n != NULL; n = rb_xml_next(n)) {
        const char *binding, *location, *response;
        if (!rb_xml_is(n, RB_NS_MD, name))
            continue;
        binding = rb_xml_attribute(n, "Binding");
        location = rb_xml_attribute(n, "Location");
        if (g_strcmp0(binding, RB_SAML_BINDING_REDIRECT) != 0 || !is_web_address(location))
            continue;
        response = rb_xml_attribute(n, "ResponseLocation");
        if (reply != NULL && is_web_address(response))
            *reply = g_strdup(response);
        return g_strdup(location);
    }
    return NULL;
}

static void
add_key(const xmlNode *certificate, GPtrArray *keys)
{
    g_autofree char *text = rb_saml_text(certificate);
    g_autoptr(GBytes) der = text == NULL ? NULL : rb_base64_decode(text, MAX_CERTIFICATE);
    RbPublicKey *key = der == NULL ? NULL
                                   : rb_public_key_from_certificate(g_bytes_get_data(der, NULL),
                                                                    g_bytes_get_size(der), NULL);

    if (key == NULL)
        return; /* a key that we cannot use gives no trust; having none at all is reported by the caller */
    for (guint i = 0; i < keys->len; i++)
        if (strcmp(rb_public_key_id(keys->pdata[i]), rb_public_key_id(key)) == 0) {
            rb_public_key_free(key);
            return;
        }
    g_ptr_array_add(keys, key);
}

/* Every certificate of every KeyDescriptor that may sign. */
static void
read_keys(const xmlNode *descriptor, GPtrArray *keys)
{
    for (xmlNode *k = rb_xml_first(descriptor); k != NULL; k = rb_xml_next(k)) {
        const char *use = rb_xml_attribute(k, "use");
        xmlNode *info;
        if (!rb_xml_is(k, RB_NS_MD, "KeyDescriptor") || (use != NULL && strcmp(use, "signing") != 0))
            continue;
        info = rb_saml_child(k, RB_NS_DS, "KeyInfo");
        for (xmlNode *d = info == NULL ? NULL : rb_xml_first(info); d != NULL; d = rb_xml_next(d))
            for (xmlNode *c = rb_xml_first(d); c != NULL; c = rb_xml_next(c))
                if (rb_xml_is(d, RB_NS_DS, "X509Data") && rb_xml_is(c, RB_NS_DS, "X509Certificate"))
                    add_key(c, keys);
    }
}

static gboolean
read_idp(xmlNode *entity, RbSamlTrust *trust, gint64 *refresh_s, GError **error)
{
    xmlNode *idp = rb_saml_child(entity, RB_NS_MD, "IDPSSODescriptor");
    const char *protocols = idp == NULL ? NULL : rb_xml_attribute(idp, "protocolSupportEnumeration");
    const char *wants = idp == NULL ? NULL : rb_xml_attribute(idp, "WantAuthnRequestsSigned");

    if (protocols == NULL || strstr(protocols, PROTOCOL) == NULL)
        return unusable(error, "the metadata describes no SAML 2.0 identity provider");
    if (!read_validity(idp, trust, refresh_s, error))
        return FALSE;
    trust->entity_id = g_strdup(rb_xml_attribute(entity, "entityID"));
    trust->wants_signed_requests = g_strcmp0(wants, "true") == 0 || g_strcmp0(wants, "1") == 0;
    trust->sso_redirect = redirect_endpoint(idp, "SingleSignOnService", NULL);
    trust->logout_redirect = redirect_endpoint(idp, "SingleLogoutService", &trust->logout_redirect_reply);
    trust->keys = g_ptr_array_new_with_free_func((GDestroyNotify)rb_public_key_free);
    read_keys(idp, trust->keys);
    if (trust->keys->len == 0)
        return unusable(error,
                        "the metadata has no signing certificate with an RSA key of 2048 bits or more, or "
                        "an EC key on P-256, P-384 or P-521");
    if (trust->keys->len > RB_SIGN_MAX_KEYS)
        return unusable(error, "the metadata has too many signing certificates");
    return TRUE;
}

static RbSamlTrust *
parse(const RbSaml *saml, GBytes *bytes, xmlDoc *doc, gint64 now, gint64 *refresh_s, GError **error)
{
    xmlNode *root = xmlDocGetRootElement(doc), *entity = NULL;
    RbSamlTrust *trust;

    if (!check_pins(saml, bytes, root, error) || !find_entity(saml->idp_entity_id, root, &entity, error))
        return NULL;
    if (entity == NULL) {
        (void)unusable(error, "the metadata describes no such identity provider");
        return NULL;
    }
    trust = g_atomic_rc_box_new0(RbSamlTrust);
    if (read_idp(entity, trust, refresh_s, error)) {
        if (trust->valid_until == 0 || trust->valid_until > now)
            return trust;
        (void)rb_refuse(error, RB_SAML_METADATA_EXPIRED, "the metadata expired %" G_GINT64_FORMAT " s ago",
                        now - trust->valid_until);
    }
    rb_saml_trust_unref(trust);
    return NULL;
}

gpointer
rb_saml_metadata_parse(gconstpointer owner, GBytes *bytes, gint64 now, gint64 *refresh_s, GError **error)
{
    RbSamlCounts counts = { .max_elements = RB_SAML_MAX_ELEMENTS_METADATA,
                            .max_ids = RB_SAML_MAX_ELEMENTS_METADATA };
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GError) why = NULL;
    g_autoptr(xmlDoc) doc = NULL;
    RbSamlTrust *trust = NULL;

    counts.ids = ids;
    doc = rb_saml_xml_parse(bytes, &counts, &why);
    if (doc != NULL)
        trust = parse(owner, bytes, doc, now, refresh_s, &why);
    if (trust != NULL)
        return trust;
    if (rb_is_refusal(why, RB_SAML_METADATA) || rb_is_refusal(why, RB_SAML_METADATA_EXPIRED))
        g_propagate_error(error, g_steal_pointer(&why));
    else
        (void)rb_refuse(error, RB_SAML_METADATA, "the metadata: %s", why->message);
    return NULL;
}

RbSamlTrust *
rb_saml_trust(const RbSaml *saml, gint64 now, GError **error)
{
    g_autoptr(RbSamlTrust) trust = rb_keyring_get(saml->keyring);

    if (trust == NULL) {
        (void)rb_fault(error, RB_FAULT_NETWORK, "the metadata of '%s' has not been read yet", saml->seat->id);
        return NULL;
    }
    if (trust->valid_until != 0 && trust->valid_until <= now) {
        (void)rb_refuse(error, RB_SAML_METADATA_EXPIRED,
                        "the metadata of '%s' expired %" G_GINT64_FORMAT " s ago", saml->seat->id,
                        now - trust->valid_until);
        return NULL;
    }
    return g_steal_pointer(&trust);
}
