#include "world.h"

#include "base/encoding.h"
#include "measure.h"

#include <lasso/lasso.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <math.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xmlsec/xmltree.h>

/*
 * A complete validation of a SAML Response, from base64 to identity, against the least that must be done to
 * its bytes: parse, exclusive c14n, SHA-256, RSA verify, written directly on libxml2 and OpenSSL. Both in
 * turn, in one run; what counts is their ratio. Then lasso, as shipped, on the same Responses.
 *
 * bench_saml FOLDER: also leaves the same Responses there, with the certificate, for npm node-saml.
 */
enum { ROUNDS = 15 };

#define DS "http://www.w3.org/2000/09/xmldsig#"
#define SAML "urn:oasis:names:tc:SAML:2.0:assertion"

static const struct {
    guint groups, times; /* times: in one round */
} sizes[] = { { 5, 600 }, { 200, 200 }, { 2000, 30 } };

/* @node alone, canonicalized into @out: made the root of its document, so that c14n needs no callback. */
static void
c14n(xmlNode *node, xmlOutputBufferPtr out)
{
    xmlDoc *doc = xmlNewDoc(BAD_CAST "1.0");

    xmlUnlinkNode(node);
    doc->dict = node->doc->dict; /* the names stay where they are */
    if (doc->dict != NULL)
        xmlDictReference(doc->dict);
    xmlSetTreeDoc(node, doc);
    doc->children = doc->last = node;
    node->parent = (xmlNode *)doc;
    if (xmlC14NExecute(doc, NULL, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, out) < 0)
        abort();
    xmlFreeDoc(doc);
}

static void
digest_of(xmlNode *node, guint8 digest[32])
{
    xmlOutputBufferPtr out = xmlAllocOutputBuffer(NULL);

    c14n(node, out);
    SHA256(xmlOutputBufferGetContent(out), xmlOutputBufferGetSize(out), digest);
    xmlOutputBufferClose(out);
}

/* The signature's value, and the value of its one digest. */
static gsize
decode(xmlNode *signature, const char *name, guint8 *bytes)
{
    xmlNode *node = xmlSecFindNode(signature, BAD_CAST name, BAD_CAST DS);
    xmlChar *text = xmlNodeGetContent(node);
    gsize size = 0;
    gint state = 0;
    guint save = 0;

    size = g_base64_decode_step((const char *)text, strlen((const char *)text), bytes, &state, &save);
    xmlFree(text);
    return size;
}

static gboolean
bound(const char *xml, gsize size, EVP_PKEY *key)
{
    xmlDoc *doc = xmlReadMemory(xml, (int)size, NULL, NULL, XML_PARSE_NONET | XML_PARSE_COMPACT);
    xmlNode *root = xmlDocGetRootElement(doc);
    xmlNode *assertion = xmlSecFindNode(root, BAD_CAST "Assertion", BAD_CAST SAML);
    xmlNode *signature = xmlSecFindNode(assertion, BAD_CAST "Signature", BAD_CAST DS);
    xmlNode *info = xmlSecFindNode(signature, BAD_CAST "SignedInfo", BAD_CAST DS);
    xmlOutputBufferPtr out = xmlAllocOutputBuffer(NULL);
    guint8 digest[32], said[64], value[1024];
    gsize value_size = decode(signature, "SignatureValue", value);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    gboolean ok;

    (void)decode(signature, "DigestValue", said);
    xmlUnlinkNode(signature);
    digest_of(assertion, digest);
    xmlUnlinkNode(info);
    (void)xmlReconciliateNs(doc, info); /* its prefix was declared on the Signature */
    c14n(info, out);
    ok = memcmp(digest, said, sizeof digest) == 0 &&
         EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestVerify(ctx, value, value_size, xmlOutputBufferGetContent(out),
                          xmlOutputBufferGetSize(out)) == 1;
    EVP_MD_CTX_free(ctx);
    xmlOutputBufferClose(out);
    xmlFreeNode(signature);
    xmlFreeDoc(doc);
    return ok;
}

static gboolean
ours(const World *world, const RbInbound *inbound)
{
    char request_id[] = "_req1";
    const RbSignIn sign_in = { .request_id = request_id, .started_at = IDP_NOW - 60 };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbVerified) verified =
        rb_provider_finish(rb_providers_find(world->providers, "corp"), &sign_in, inbound, IDP_NOW, &error);

    if (verified == NULL)
        fprintf(stderr, "bench_saml: %s\n", error->message);
    return verified != NULL;
}

static void
leave(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (!g_file_set_contents(path, text, -1, NULL)) {
        fprintf(stderr, "bench_saml: cannot write %s\n", path);
        exit(1);
    }
}

static void
measure(const World *world, guint groups, guint times, const char *folder)
{
    g_autofree char *xml = idp_response_signed(world->idp, "corp", groups);
    g_autofree char *base64 = g_base64_encode((const guchar *)xml, strlen(xml));
    g_autofree char *name = g_strdup_printf("response_%u.b64", groups);
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    const RbInbound inbound = { .method = "POST", .fields = fields };
    double bound_us[ROUNDS], ours_us[ROUNDS], ratio[ROUNDS];

    if (folder != NULL)
        leave(folder, name, base64);
    g_hash_table_insert(fields, (char *)"SAMLResponse", base64);
    for (int r = 0; r < ROUNDS; r++) {
        double start = measure_cpu_us(), middle;
        for (guint i = 0; i < times; i++)
            if (!bound(xml, strlen(xml), world->idp->keys[IDP_RSA]))
                exit(1);
        middle = measure_cpu_us();
        for (guint i = 0; i < times; i++)
            if (!ours(world, &inbound))
                exit(1);
        bound_us[r] = (middle - start) / times;
        ours_us[r] = (measure_cpu_us() - middle) / times;
        ratio[r] = ours_us[r] / bound_us[r];
    }
    printf("%5u groups  %7zu bytes  bound %8.1f us  complete %8.1f us  ratio %.2f\n", groups, strlen(xml),
           measure_median(bound_us, ROUNDS), measure_median(ours_us, ROUNDS), measure_median(ratio, ROUNDS));
}

/* ---- lasso, as shipped ---- */

static char *
idp_file(const World *world, const char *name)
{
    g_autofree char *path = g_build_filename(world->idp->dir, name, NULL);
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        exit(1);
    return text;
}

/* In our place, with the server object that lasso wants built once. */
static LassoServer *
lasso_sp(const World *world)
{
    g_autofree char *metadata = idp_file(world, "metadata.xml"), *key = idp_file(world, "sp.key");
    g_autofree char *certificate = idp_file(world, "sp.crt");
    g_autofree char *ours = rb_provider_metadata(rb_providers_find(world->providers, "corp"), IDP_NOW, NULL);
    LassoServer *server = lasso_server_new_from_buffers(ours, key, NULL, certificate);

    if (server == NULL ||
        lasso_server_add_provider_from_buffer(server, LASSO_PROVIDER_ROLE_IDP, metadata, NULL, NULL) != 0)
        exit(1);
    return server;
}

static void
lasso_verify(LassoServer *server, char *base64)
{
    LassoLogin *login = lasso_login_new(server);
    int verdict = lasso_login_process_authn_response_msg(login, base64);

    if (verdict != 0) {
        fprintf(stderr, "bench_saml: lasso: %s\n", lasso_strerror(verdict));
        exit(1);
    }
    g_object_unref(login);
}

static void
measure_lasso(const World *world, LassoServer *server, guint groups, guint times)
{
    g_autofree char *xml = idp_response_signed(world->idp, "corp", groups);
    g_autofree char *base64 = g_base64_encode((const guchar *)xml, strlen(xml));
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    const RbInbound inbound = { .method = "POST", .fields = fields };
    double lasso_us[ROUNDS], ratio[ROUNDS];

    g_hash_table_insert(fields, (char *)"SAMLResponse", base64);
    for (int r = 0; r < ROUNDS; r++) {
        double start = measure_cpu_us(), middle;
        for (guint i = 0; i < times; i++)
            lasso_verify(server, base64);
        middle = measure_cpu_us();
        for (guint i = 0; i < times; i++)
            if (!ours(world, &inbound))
                exit(1);
        lasso_us[r] = (middle - start) / times;
        ratio[r] = (middle - start) / (measure_cpu_us() - middle);
    }
    printf("%5u groups  lasso %8.1f us  %.1f x ours\n", groups, measure_median(lasso_us, ROUNDS),
           measure_median(ratio, ROUNDS));
}

int
main(int argc, char **argv)
{
    World *world = world_new();
    const char *folder = argc > 1 ? argv[1] : NULL;
    LassoServer *server;

    if (folder != NULL) {
        g_autofree char *certificate = idp_certificate(world->idp, IDP_RSA);
        leave(folder, "certificate.b64", certificate);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
        measure(world, sizes[i].groups, sizes[i].times, folder);
    if (lasso_init() != 0)
        return 1;
    server = lasso_sp(world);
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
        measure_lasso(world, server, sizes[i].groups, sizes[i].times / 20 + 1);
    g_object_unref(server);
    world_free(world);
    return 0;
}
