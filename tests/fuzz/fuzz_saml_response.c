/* A Response as it comes, and, as if its signature had held, everything that is read of it. */
#include "world.h"

#include "verify/saml.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static World *world;

static gpointer
make_world(gpointer data)
{
    (void)data;
    return world_new();
}

static void
post(const uint8_t *data, size_t size)
{
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *base64 = g_base64_encode(data, size);
    const RbInbound inbound = { .method = "POST", .fields = fields };
    g_autoptr(GError) error = NULL;

    g_hash_table_insert(fields, (char *)"SAMLResponse", base64);
    g_assert(rb_provider_finish(rb_providers_find(world->providers, "open"), NULL, &inbound, IDP_NOW,
                                &error) == NULL);
    g_assert(error != NULL); /* nothing is accepted that our identity provider did not sign */
}

/* Without the signature, which a fuzzer cannot make. */
static void
read_unsigned(const uint8_t *data, size_t size)
{
    char *no_contexts[] = { NULL }, *groups[] = { (char *)"groups", NULL }, *mfa[] = { NULL };
    g_autoptr(GPtrArray) attributes = g_ptr_array_new();
    const RbMfaRules rules = { mfa, attributes };
    const RbSeat seat = { .id = (char *)"open", .skew_s = 60, .mfa = &rules };
    RbSaml saml = { .seat = &seat,
                    .entity_id = (char *)(IDP_PUBLIC "/saml/open/metadata"),
                    .idp_initiated = TRUE,
                    .acs = (char *)(IDP_PUBLIC "/saml/open/acs"),
                    .group_attributes = groups,
                    .authn_contexts = no_contexts };
    RbSamlTrust trust = { .entity_id = (char *)IDP_ENTITY };
    RbSamlAnswer answer = { .saml = &saml, .trust = &trust, .now = IDP_NOW };
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(xmlDoc) doc = NULL;

    answer.counts.ids = ids;
    answer.counts.max_elements = RB_SAML_MAX_ELEMENTS;
    answer.counts.max_ids = RB_SAML_MAX_IDS;
    doc = rb_saml_xml_parse(bytes, &answer.counts, &error);
    g_assert((doc == NULL) == (error != NULL));
    if (doc == NULL)
        return;
    answer.doc = doc;
    answer.response = xmlDocGetRootElement(doc);
    answer.assertion = rb_saml_child(answer.response, RB_NS_SAML, "Assertion");
    if (answer.assertion != NULL && rb_saml_check_response(&answer, &error) &&
        rb_saml_check_assertion(&answer, &error)) {
        g_autoptr(RbIdentity) identity = rb_saml_identity(&answer, &error);
        g_assert((identity == NULL) == (error != NULL));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static GOnce once = G_ONCE_INIT;

    world = g_once(&once, make_world, NULL);
    post(data, size);
    read_unsigned(data, size);
    return 0;
}
