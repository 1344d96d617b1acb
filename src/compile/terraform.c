#include "compile/format.h"

#include "base/encoding.h"

#include <string.h>

/* Terraform's JSON syntax: every text is a template, so "${" and "%{" of ours are doubled. */

static json_t *
literal(const char *text)
{
    GString *out = g_string_new(NULL);
    json_t *json;

    for (const char *p = text; *p != '\0'; p++) {
        if ((*p == '$' || *p == '%') && p[1] == '{')
            g_string_append_c(out, *p);
        g_string_append_c(out, *p);
    }
    json = json_stringn(out->str, out->len);
    (void)g_string_free(out, TRUE);
    return json;
}

/* Names of resources are letters, digits, "-" and "_", and start with none of the digits. Ours have no "_".
 */
static char *
label_of(const char *name)
{
    GString *out = g_string_new(g_ascii_isdigit(*name) ? "_" : "");

    for (const char *p = name; *p != '\0'; p++)
        g_string_append(out, *p == '.' ? "_" : *p == '@' ? "__" : ((const char[]){ *p, '\0' }));
    return g_string_free(out, FALSE);
}

/* "${aws_iam_role.data-scientist.name}" */
static json_t *
reference(const char *type, const char *name, const char *attribute)
{
    g_autofree char *label = label_of(name);

    return json_sprintf("${%s.%s.%s}", type, label, attribute);
}

static void
add(json_t *resources, const char *type, const char *name, json_t *resource)
{
    g_autofree char *label = label_of(name);
    json_t *all = json_object_get(resources, type);

    if (all == NULL) {
        all = json_object();
        (void)json_object_set_new(resources, type, all);
    }
    (void)json_object_set_new(all, label, resource);
}

static json_t *
tags_of(const RbTag *tags, guint n)
{
    json_t *out = json_object();

    for (guint i = 0; i < n; i++)
        (void)json_object_set_new(out, tags[i].key, literal(tags[i].value));
    return out;
}

static void
add_provider(json_t *resources, const RbCompiledAccount *account)
{
    const RbCompiledProvider *provider = account->provider;
    json_t *tags = tags_of(account->tags, account->n_tags), *metadata;

    if (provider->method == RB_ISSUE_WEB_IDENTITY) {
        add(resources, "aws_iam_openid_connect_provider", "bridge",
            json_pack("{s:o, s:[o], s:o}", "url", literal(provider->url), "client_id_list",
                      literal(provider->audience), "tags", tags));
        return;
    }
    metadata = provider->metadata != NULL ? literal(provider->metadata) : json_string("${var.saml_metadata}");
    add(resources, "aws_iam_saml_provider", "bridge",
        json_pack("{s:o, s:o, s:o}", "name", literal(provider->name), "saml_metadata_document", metadata,
                  "tags", tags));
}

static void
add_policy(json_t *resources, const RbCompiledAccount *account, const RbCompiledPolicy *policy)
{
    add(resources, "aws_iam_policy", policy->name,
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", literal(policy->name), "path", literal(account->path),
                  "description", literal(policy->description), "policy", literal(policy->text), "tags",
                  tags_of(policy->tags, policy->n_tags)));
}

static void
add_role(json_t *resources, const RbCompiledAccount *account, const RbCompiledRole *role)
{
    json_t *out = json_pack("{s:o, s:o, s:o, s:I, s:o, s:o}", "name", literal(role->name), "path",
                            literal(account->path), "description", literal(role->description),
                            "max_session_duration", (json_int_t)role->max_session_s, "assume_role_policy",
                            literal(role->trust_text), "tags", tags_of(role->tags, role->n_tags));

    if (account->provider != NULL)
        (void)json_object_set_new(out, "depends_on",
                                  json_pack("[s]", account->provider->method == RB_ISSUE_SAML
                                                       ? "aws_iam_saml_provider.bridge"
                                                       : "aws_iam_openid_connect_provider.bridge"));
    add(resources, "aws_iam_role", role->name, out);
}

/* "data-scientist-_run-data-experiment": no role's and no policy's name has "_" behind a dash. */
static void
add_attachment(json_t *resources, const char *role, const char *what, json_t *arn)
{
    g_autofree char *label = g_strdup_printf("%s-_%s", role, what);

    add(resources, "aws_iam_role_policy_attachment", label,
        json_pack("{s:o, s:o}", "role", reference("aws_iam_role", role, "name"), "policy_arn", arn));
}

/* A policy that is not ours: "ReadOnlyAccess" of AWS's as it is called, any other with a part of its hash. */
static char *
managed_label(const char *arn)
{
    const char *path = strstr(arn, ":policy/") + strlen(":policy/"), *slash = strrchr(path, '/');
    g_autofree char *name = g_strdup(slash != NULL ? slash + 1 : path), *hex = NULL;
    gboolean plain = slash == NULL && strstr(arn, ":iam::aws:") != NULL && g_ascii_isupper(*name);
    guint8 digest[32];

    for (char *p = name; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && *p != '-') {
            *p = '-';
            plain = FALSE;
        }
    if (plain)
        return g_steal_pointer(&name);
    rb_sha256(arn, strlen(arn), digest);
    hex = rb_hex_encode(digest, 4);
    return g_strdup_printf("%s-%s", name, hex);
}

static void
add_attachments(json_t *resources, const RbCompiledRole *role)
{
    for (guint i = 0; role->policies[i] != NULL; i++)
        add_attachment(resources, role->name, role->policies[i]->name,
                       reference("aws_iam_policy", role->policies[i]->name, "arn"));
    for (guint i = 0; role->managed[i] != NULL; i++) {
        g_autofree char *label = managed_label(role->managed[i]);
        add_attachment(resources, role->name, label, literal(role->managed[i]));
    }
}

json_t *
rb_compiled_to_terraform(const RbCompiledAccount *account)
{
    json_t *resources = json_object();
    json_t *out = json_pack("{s:{s:s, s:{s:{s:s, s:s}}}, s:{s:{s:[s]}}}", "terraform", "required_version",
                            ">= 1.3", "required_providers", "aws", "source", "hashicorp/aws", "version",
                            ">= 5.81", "provider", "aws", "allowed_account_ids", account->account->id);

    if (account->provider != NULL && account->provider->method == RB_ISSUE_SAML &&
        account->provider->metadata == NULL)
        (void)json_object_set_new(out, "variable",
                                  json_pack("{s:{s:s, s:s}}", "saml_metadata", "type", "string",
                                            "description", "What /saml/metadata of the bridge gives"));
    if (account->provider != NULL)
        add_provider(resources, account);
    for (guint i = 0; i < account->n_policies; i++)
        add_policy(resources, account, &account->policies[i]);
    for (guint i = 0; i < account->n_roles; i++)
        add_role(resources, account, &account->roles[i]);
    for (guint i = 0; i < account->n_roles; i++)
        add_attachments(resources, &account->roles[i]);
    (void)json_object_set_new(out, "resource", resources);
    return out;
}
