#include "base/encoding.h"
#include "base/refusal.h"
#include "issue/priv.h"

#include <libxml/parser.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlParserCtxt, xmlFreeParserCtxt)

void
rb_sts_error_clear(RbStsError *failure)
{
    g_clear_pointer(&failure->code, g_free);
    g_clear_pointer(&failure->message, g_free);
    g_clear_pointer(&failure->request_id, g_free);
}

/* A DTD has no place in an answer of AWS: entities are how small XML becomes large. */
xmlDoc *
rb_aws_xml(const char *xml, gsize size)
{
    g_autoptr(xmlParserCtxt) context = NULL;
    g_autoptr(xmlDoc) doc = NULL;

    if (size == 0 || size > G_MAXINT || memmem(xml, size, "<!DOCTYPE", strlen("<!DOCTYPE")) != NULL)
        return NULL;
    context = xmlNewParserCtxt();
    if (context == NULL)
        g_error("out of memory");
    doc = xmlCtxtReadMemory(context, xml, (int)size, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT);
    if (doc == NULL || doc->intSubset != NULL || xmlDocGetRootElement(doc) == NULL)
        return NULL;
    return g_steal_pointer(&doc);
}

/* The child element of this local name: STS look-alikes differ in namespaces. Twice counts as broken. */
static xmlNode *
child(const xmlNode *parent, const char *name, gboolean *twice)
{
    xmlNode *found = NULL;

    for (xmlNode *n = parent != NULL ? parent->children : NULL; n != NULL; n = n->next)
        if (n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0) {
            *twice = *twice || found != NULL;
            found = n;
        }
    return found;
}

/* The text of an element that holds one run of text; NULL otherwise. Borrowed from the tree. */
static char *
text(const xmlNode *parent, const char *name, gboolean *twice)
{
    const xmlNode *n = child(parent, name, twice);

    if (n == NULL || n->children == NULL || n->children->next != NULL || n->children->type != XML_TEXT_NODE)
        return NULL;
    return (char *)n->children->content;
}

static xmlNode *
result_of(const xmlNode *root, gboolean *twice)
{
    const char *const actions[] = { "AssumeRole", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML" };

    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        g_autofree char *response = g_strconcat(actions[i], "Response", NULL);
        g_autofree char *result = g_strconcat(actions[i], "Result", NULL);
        if (strcmp((const char *)root->name, response) == 0)
            return child(root, result, twice);
    }
    return NULL;
}

static gint
percent(const char *digits)
{
    gint64 value;

    return digits != NULL && g_ascii_string_to_signed(digits, 10, 0, 1000000, &value, NULL) ? (gint)value
                                                                                            : -1;
}

static RbCredentials *
read_credentials(const xmlNode *root, gint64 now, gboolean *twice, GError **error)
{
    const xmlNode *result = result_of(root, twice), *part = child(result, "Credentials", twice);
    const xmlNode *user = child(result, "AssumedRoleUser", twice);
    const xmlNode *metadata = child(root, "ResponseMetadata", twice);
    const char *expiration = text(part, "Expiration", twice), *key = text(part, "AccessKeyId", twice);
    char *secret = text(part, "SecretAccessKey", twice), *token = text(part, "SessionToken", twice);
    g_autoptr(RbCredentials) credentials = NULL;
    gint64 until = 0;

    if (token == NULL || expiration == NULL || !rb_time_parse(expiration, &until))
        (void)rb_fault(error, RB_FAULT_STS, "STS answered without a session token or an expiration");
    else if (until <= now)
        (void)rb_fault(error, RB_FAULT_STS_CLOCK,
                       "STS answered with credentials that ended at %s by our clock", expiration);
    else
        credentials = rb_credentials_new(key, secret, token, until, error);
    if (secret != NULL)
        rb_wipe(secret, strlen(secret));
    if (token != NULL)
        rb_wipe(token, strlen(token));
    if (credentials == NULL)
        return NULL;
    credentials->assumed_role_id = g_strdup(text(user, "AssumedRoleId", twice));
    if (credentials->assumed_role_id == NULL) /* Ceph's spelling */
        credentials->assumed_role_id = g_strdup(text(user, "AssumeRoleId", twice));
    credentials->assumed_role_arn = g_strdup(text(user, "Arn", twice));
    credentials->source_identity = g_strdup(text(result, "SourceIdentity", twice));
    credentials->request_id = g_strdup(text(metadata, "RequestId", twice));
    credentials->packed_policy_size = percent(text(result, "PackedPolicySize", twice));
    return g_steal_pointer(&credentials);
}

RbCredentials *
rb_sts_parse(const char *xml, gsize size, gint64 now, GError **error)
{
    g_autoptr(xmlDoc) doc = size > RB_STS_MAX_ANSWER ? NULL : rb_aws_xml(xml, size);
    g_autoptr(RbCredentials) credentials = NULL;
    gboolean twice = FALSE;

    if (doc == NULL) {
        (void)rb_fault(error, RB_FAULT_STS, "STS answered with something that is not its XML");
        return NULL;
    }
    credentials = read_credentials(xmlDocGetRootElement(doc), now, &twice, error);
    if (credentials != NULL && twice) {
        (void)rb_fault(error, RB_FAULT_STS, "STS answered with an element twice");
        return NULL;
    }
    return g_steal_pointer(&credentials);
}

void
rb_sts_parse_error(const char *xml, gsize size, RbStsError *failure)
{
    g_autoptr(xmlDoc) doc = size > RB_STS_MAX_ANSWER ? NULL : rb_aws_xml(xml, size);
    const xmlNode *root = doc != NULL ? xmlDocGetRootElement(doc) : NULL, *part = NULL;
    gboolean twice = FALSE;
    const char *code;

    if (root != NULL && strcmp((const char *)root->name, "ErrorResponse") == 0)
        part = child(root, "Error", &twice);
    else if (root != NULL && strcmp((const char *)root->name, "Error") == 0)
        part = root; /* without its envelope, as Ceph sends it */
    if (part == NULL)
        return;
    code = text(part, "Code", &twice);
    if (code == NULL || twice)
        return;
    failure->code = g_str_has_suffix(code, "Exception") ? g_strndup(code, strlen(code) - strlen("Exception"))
                                                        : g_strdup(code);
    failure->message = g_strdup(text(part, "Message", &twice));
    failure->request_id = g_strdup(text(root, "RequestId", &twice));
}
