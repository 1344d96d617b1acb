#include "mapping/priv.h"

#include "base/encoding.h"
#include "iam/arn.h"

#include <string.h>

/* `bridge` in accounts.yaml: what trust policies in the accounts name. The service itself reads `issuer` of
 * rolebridge.yaml; `rolebridged --check` compares the two. */

enum { MAX_URL = 255, MAX_AUDIENCE = 255, MAX_ENTITY_ID = 1024 };

/* What IAM takes as the URL of an OIDC provider (reference §3.1). NULL: fine; else what is wrong. */
static const char *
url_problem(const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);

    if (uri == NULL || g_uri_get_host(uri) == NULL || *g_uri_get_host(uri) == '\0')
        return "this is not a URL";
    if (!g_str_has_prefix(url, "https://"))
        return "AWS takes an issuer by https alone";
    if (g_uri_get_port(uri) != -1 || g_uri_get_userinfo(uri) != NULL || g_uri_get_query(uri) != NULL ||
        g_uri_get_fragment(uri) != NULL)
        return "AWS takes no port, user, query or fragment in an issuer";
    if (g_str_has_suffix(url, "/"))
        return "the issuer must not end in '/': AWS compares it letter by letter";
    for (const char *p = url; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr(":/._~-", *p) == NULL)
            return "an issuer has letters, digits and ./_~- alone"; /* it becomes part of ARNs and keys */
    return strlen(url) > MAX_URL ? "AWS takes an issuer of at most 255 characters" : NULL;
}

/* Text without blanks and without what policies read as wildcards or variables. */
static const char *
read_plain(RbLoad *load, const RbYaml *node, const char *key, const char *usual, gsize max)
{
    const char *text = rb_yaml_string(node, key, usual, load->problems);
    gboolean ok = *text != '\0' && strlen(text) <= max;

    for (const char *p = text; *p != '\0'; p++)
        ok = ok && g_ascii_isgraph(*p) && strchr("*?$", *p) == NULL;
    if (!ok && rb_yaml_get(node, key) != NULL && rb_yaml_kind(rb_yaml_get(node, key)) == RB_YAML_SCALAR)
        rb_yaml_problem(rb_yaml_get(node, key), load->problems, NULL,
                        "'%s' has 1 to %" G_GSIZE_FORMAT " characters, without blanks, *, ? and $", key, max);
    return rb_load_text(load, text);
}

static void
read_url(RbLoad *load, RbBridge *bridge, const RbYaml *node)
{
    const char *url = rb_yaml_string(node, "url", NULL, load->problems);
    const char *problem = *url == '\0' ? NULL : url_problem(url);

    if (problem != NULL)
        rb_yaml_problem(rb_yaml_get(node, "url"), load->problems, "write url: https://bridge.acme.example",
                        "%s", problem);
    bridge->url = rb_load_text(load, url);
    bridge->host = problem != NULL || *url == '\0' ? "" : bridge->url + strlen("https://");
}

static void
read_principal(RbLoad *load, RbBridge *bridge, const RbYaml *node)
{
    const char *text = rb_yaml_string(node, "principal", "", load->problems), *why = NULL;
    g_autoptr(RbRoleArn) role = *text == '\0' ? NULL : rb_role_arn_parse(text, &why);

    if (role != NULL)
        bridge->principal = rb_load_text(load, text);
    else if (rb_yaml_get(node, "principal") != NULL)
        rb_yaml_problem(rb_yaml_get(node, "principal"), load->problems,
                        "write \"arn:aws:iam::999900001111:role/rolebridge\": the role that the service has",
                        "this is not the ARN of a role%s%s", why != NULL ? ": " : "", why != NULL ? why : "");
}

static void
read_metadata(RbLoad *load, RbBridge *bridge, const RbYaml *node)
{
    const RbYaml *value = rb_yaml_get(node, "metadata");
    const char *name = rb_yaml_string(node, "metadata", "", load->problems);
    g_autofree char *quoted = rb_text_quote(name);

    if (value == NULL || rb_yaml_kind(value) != RB_YAML_SCALAR)
        return;
    for (guint i = 0; i < load->files->len; i++) {
        const RbMappingFile *file = g_ptr_array_index(load->files, i);
        gsize size;
        const char *data = g_bytes_get_data(file->bytes, &size);
        g_autofree char *text = NULL;
        if (!g_str_equal(file->name, name) || !g_str_has_suffix(name, ".xml"))
            continue;
        if (!g_utf8_validate_len(data, size, NULL)) { /* also refuses a NUL */
            rb_yaml_problem(value, load->problems, NULL, "%s is not UTF-8", quoted);
            return;
        }
        text = g_strndup(data, size);
        bridge->metadata = rb_load_text(load, text);
        return;
    }
    rb_yaml_problem(
        value, load->problems,
        "save https://…/saml/metadata of the bridge beside accounts.yaml, under a name that ends in .xml",
        "there is no metadata file %s", quoted);
}

void
rb_bridge_read(RbLoad *load, const RbYaml *node)
{
    static const char *const known[] = { "url", "audience", "entity_id", "principal", "metadata", NULL };
    RbBridge *bridge;
    g_autofree char *usual = NULL;

    if (!rb_yaml_check_keys(node, known, load->problems) && rb_yaml_kind(node) != RB_YAML_MAP)
        return;
    bridge = rb_arena_alloc(&load->snapshot->arena, sizeof *bridge);
    bridge->place = rb_place(node);
    bridge->place.file = rb_load_text(load, bridge->place.file);
    read_url(load, bridge, node);
    usual = g_strconcat(bridge->url, "/saml", NULL);
    bridge->audience = read_plain(load, node, "audience", "sts.amazonaws.com", MAX_AUDIENCE);
    bridge->entity_id = read_plain(load, node, "entity_id", usual, MAX_ENTITY_ID);
    read_principal(load, bridge, node);
    read_metadata(load, bridge, node);
    load->snapshot->bridge = bridge;
}
