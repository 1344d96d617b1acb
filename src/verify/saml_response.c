#include "base/encoding.h"
#include "base/refusal.h"
#include "verify/saml.h"

#include <string.h>

GBytes *
rb_saml_post_bytes(const RbInbound *inbound, const char *field, gsize max_size, GError **error)
{
    const char *text = inbound->fields == NULL ? NULL : g_hash_table_lookup(inbound->fields, field);
    GBytes *bytes;

    if (g_strcmp0(inbound->method, "POST") != 0 || text == NULL) {
        (void)rb_refuse(error, RB_SAML_MALFORMED, "no %s in a POST form", field);
        return NULL;
    }
    /* Before decoding; a sixteenth is for line ends. */
    if (strlen(text) / 4 * 3 > max_size + max_size / 16) {
        (void)rb_refuse(error, RB_SAML_TOO_LARGE, "%s of more than %" G_GSIZE_FORMAT " bytes", field,
                        max_size);
        return NULL;
    }
    bytes = rb_base64_decode(text, max_size + max_size / 8);
    if (bytes == NULL)
        (void)rb_refuse(error, RB_SAML_MALFORMED, "%s is not base64", field);
    return bytes;
}

/* Core 3.3.3; one assertion, where it belongs and nowhere else: not in Extensions, Object or Advice. */
static gboolean
find_assertion(RbSamlAnswer *answer, xmlNode **encrypted, GError **error)
{
    guint plain = answer->counts.assertions, sealed = answer->counts.encrypted_assertions;

    answer->assertion = rb_saml_child(answer->response, RB_NS_SAML, "Assertion");
    *encrypted = rb_saml_child(answer->response, RB_NS_SAML, "EncryptedAssertion");
    if (plain + sealed != 1 || (answer->assertion == NULL && *encrypted == NULL))
        return rb_refuse(error, RB_SAML_ASSERTION_COUNT,
                         "%u assertions and %u encrypted ones; one is accepted, as a child of the Response",
                         plain, sealed);
    return TRUE;
}

/* A signature that is there must hold, wherever one may be. Returns: FALSE when it does not. */
static gboolean
check_signature(const RbSamlAnswer *answer, xmlNode *element, gboolean *is_signed, GError **error)
{
    g_autoptr(GError) why = NULL;
    xmlNode *signature = rb_xml_signature_find(element, &why);

    *is_signed = signature != NULL;
    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    return signature == NULL ||
           rb_xml_signature_verify(element, signature, (RbPublicKey *const *)answer->trust->keys->pdata,
                                   answer->trust->keys->len, error);
}

/* Core 2.3.4, 6: all further checks are on the plaintext, which is a tree of its own, parsed once and under
 * the same limits. CBC cannot tell altered ciphertext, so it needs a signature around it. */
static gboolean
decrypt(RbSamlAnswer *answer, const xmlNode *encrypted, GError **error)
{
    const RbSaml *saml = answer->saml;
    g_autoptr(GBytes) plain = NULL;
    xmlNode *data;

    if (!rb_saml_only_child(encrypted, RB_NS_ENC, "EncryptedData", TRUE, &data, error))
        return FALSE;
    plain =
        rb_xml_decrypt(data, (RbPrivateKey *const *)saml->decryption_keys->pdata, saml->decryption_keys->len,
                       saml->allow_cbc && answer->response_signed, RB_SAML_MAX_XML, error);
    if (plain == NULL)
        return FALSE;
    answer->plain = rb_saml_xml_parse(plain, &answer->counts, error);
    if (answer->plain == NULL)
        return FALSE;
    answer->assertion = xmlDocGetRootElement(answer->plain);
    if (!rb_xml_is(answer->assertion, RB_NS_SAML, "Assertion") || answer->counts.assertions != 1 ||
        answer->counts.encrypted_assertions != 1)
        return rb_refuse(error, RB_SAML_ASSERTION_COUNT, "what was encrypted is not one assertion");
    return TRUE;
}

/* Prof 4.1.4.3, 4.1.4.5 (E26): by HTTP-POST the Response or the assertion is signed. */
static gboolean
check_signatures(RbSamlAnswer *answer, const xmlNode *encrypted, GError **error)
{
    const RbSaml *saml = answer->saml;
    gboolean assertion_signed;

    if (!check_signature(answer, answer->response, &answer->response_signed, error))
        return FALSE;
    if (encrypted != NULL && !decrypt(answer, encrypted, error))
        return FALSE;
    if (!check_signature(answer, answer->assertion, &assertion_signed, error))
        return FALSE;
    if (answer->counts.signatures != (guint)answer->response_signed + (guint)assertion_signed)
        return rb_refuse(error, RB_SAML_SIGNATURE_PROFILE,
                         "a signature that covers neither Response nor assertion");
    if (!answer->response_signed && !assertion_signed)
        return rb_refuse(error, RB_SAML_UNSIGNED, "neither the Response nor the assertion is signed");
    if (saml->want_response_signed && !answer->response_signed)
        return rb_refuse(error, RB_SAML_UNSIGNED, "the Response is not signed");
    if (saml->want_assertion_signed && !assertion_signed)
        return rb_refuse(error, RB_SAML_UNSIGNED, "the assertion is not signed");
    return TRUE;
}

/* What proves nothing is refused before the costly checks; nothing of it is used after. */
static gboolean
check_all(RbSamlAnswer *answer, GError **error)
{
    xmlNode *encrypted;

    answer->response = xmlDocGetRootElement(answer->doc);
    if (!rb_xml_is(answer->response, RB_NS_SAMLP, "Response"))
        return rb_refuse(error, RB_SAML_MALFORMED, "not a SAML Response");
    return rb_saml_check_response(answer, error) && find_assertion(answer, &encrypted, error) &&
           check_signatures(answer, encrypted, error) && rb_saml_check_assertion(answer, error);
}

static RbVerified *
conclude(const RbSamlAnswer *answer, GError **error)
{
    RbIdentity *identity = rb_saml_identity(answer, error);
    RbVerified *verified;

    if (identity == NULL)
        return NULL;
    verified = g_new0(RbVerified, 1);
    verified->identity = identity;
    verified->replay_key =
        g_strconcat(answer->saml->seat->id, ":", rb_xml_attribute(answer->assertion, "ID"), NULL);
    verified->replay_until = answer->usable_until + answer->saml->seat->skew_s;
    verified->proof_id = g_strdup(rb_xml_attribute(answer->assertion, "ID"));
    verified->audience = g_strdup(answer->saml->acs);
    return verified;
}

static RbVerified *
verify(const RbSaml *saml, const RbSignIn *sign_in, gboolean unsolicited, const RbInbound *inbound,
       gint64 now, GError **error)
{
    g_autoptr(RbSamlTrust) trust = rb_saml_trust(saml, now, error);
    g_autoptr(GBytes) bytes = NULL;
    RbSamlAnswer answer = {
        .saml = saml, .trust = trust, .sign_in = sign_in, .unsolicited = unsolicited, .now = now
    };
    RbVerified *verified = NULL;

    if (trust == NULL)
        return NULL;
    bytes = rb_saml_post_bytes(inbound, "SAMLResponse", RB_SAML_MAX_XML, error);
    if (bytes == NULL)
        return NULL;
    answer.counts.max_elements = RB_SAML_MAX_ELEMENTS;
    answer.counts.max_ids = RB_SAML_MAX_IDS;
    answer.counts.ids = g_hash_table_new(g_str_hash, g_str_equal);
    answer.doc = rb_saml_xml_parse(bytes, &answer.counts, error);
    if (answer.doc != NULL && check_all(&answer, error))
        verified = conclude(&answer, error);
    g_hash_table_unref(answer.counts.ids);
    if (answer.plain != NULL)
        xmlFreeDoc(answer.plain);
    if (answer.doc != NULL)
        xmlFreeDoc(answer.doc);
    return verified;
}

RbVerified *
rb_saml_finish(gpointer self, const RbSignIn *sign_in, const RbInbound *inbound, gint64 now, GError **error)
{
    const RbSaml *saml = self;

    return verify(saml, sign_in, saml->idp_initiated, inbound, now, error);
}

/* AssumeRoleWithSAML. The same checks; it is for the same address as a browser's answer, and used up once for
 * both. */
RbVerified *
rb_saml_assertion(gpointer self, const char *assertion, gint64 now, GError **error)
{
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    const RbInbound inbound = { .method = "POST", .fields = fields };

    (void)g_hash_table_insert(fields, (gpointer) "SAMLResponse", (gpointer)assertion);
    return verify(self, NULL, TRUE, &inbound, now, error);
}
