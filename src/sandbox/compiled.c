#include "sandbox/config.h"

#include "base/file.h"

#include <jansson.h>
#include <string.h>

/*
 * Roles as `rolebridgectl compile` says them: what an administrator put into the accounts. They are judged
 * here like anything else that somebody put there.
 */

enum { MAX_FILE = 64 * 1024 * 1024 };

typedef struct {
    const char *file, *saml_url;
    RbBoxCloud *cloud;
    RbDiagnostics *problems;
    GHashTable *policies; /* ARN → json_t, the document, of the account at hand */
} Load;

static void
problem_at(const Load *load, const char *what, const char *problem)
{
    rb_diagnostics_error(load->problems, load->file, 0, 0, "write it with: rolebridgectl compile", "%s: %s",
                         what, problem);
}

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

/* Where assertions go here, for AWS's sign-in endpoint. */
static void
add_signin_to(const json_t *statement, const char *saml_url)
{
    const char *operator_name;
    json_t *keys, *audience;

    json_object_foreach(json_object_get(statement, "Condition"), operator_name, keys)
    {
        audience = json_object_get(keys, "saml:aud");
        if (json_is_array(audience))
            (void)json_array_append_new(audience, json_string(saml_url));
        else if (json_is_string(audience))
            (void)json_object_set_new(keys, "saml:aud", json_pack("[O, s]", audience, saml_url));
    }
}

static void
add_signin(const json_t *trust, const char *saml_url)
{
    const json_t *statements = json_object_get(trust, "Statement"), *statement;
    size_t i;

    if (json_is_object(statements))
        add_signin_to(statements, saml_url);
    json_array_foreach(statements, i, statement)
    {
        add_signin_to(statement, saml_url);
    }
}

char *
rb_box_trust_here(const char *trust, const char *saml_url)
{
    json_t *json = saml_url == NULL ? NULL : json_loads(trust, 0, NULL);
    char *copy, *text;

    if (json == NULL)
        return g_strdup(trust);
    add_signin(json, saml_url);
    text = json_dumps(json, JSON_COMPACT);
    copy = g_strdup(text);
    free(text);
    json_decref(json);
    return copy;
}

/* Every statement of the policies that are attached, as one; AWS's own are not known here. */
static json_t *
identity_of(const Load *load, const json_t *role)
{
    json_t *statements = json_array();
    const json_t *arn;
    size_t i;

    json_array_foreach(json_object_get(role, "policies"), i, arn)
    {
        const json_t *document = g_hash_table_lookup(load->policies, json_string_value(arn));
        (void)json_array_extend(statements, json_object_get(document, "Statement"));
    }
    if (json_array_size(statements) > 0)
        return json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", statements);
    json_decref(statements);
    return NULL;
}

static void
add_role(const Load *load, const json_t *account, const json_t *role)
{
    json_t *trust = json_deep_copy(json_object_get(role, "trust")), *identity = identity_of(load, role);
    char *trust_text, *identity_text = identity == NULL ? NULL : json_dumps(identity, JSON_COMPACT);
    g_autofree char *problem = NULL;
    RbBoxRoleSpec spec = { .account = text_of(account, "id"),
                           .partition = text_of(account, "partition"),
                           .path = text_of(account, "path"),
                           .name = text_of(role, "name"),
                           .max_session_s = json_integer_value(json_object_get(role, "max_session_s")),
                           .identity = identity_text };

    add_signin(trust, load->saml_url);
    trust_text = json_dumps(trust, JSON_COMPACT);
    spec.trust = trust_text;
    if (trust_text == NULL)
        problem_at(load, spec.name, "it has no trust policy");
    else if (!rb_box_cloud_add_role(load->cloud, &spec, &problem))
        problem_at(load, spec.name, problem);
    free(trust_text);
    free(identity_text);
    json_decref(trust);
    json_decref(identity);
}

static void
add_account(Load *load, const json_t *account)
{
    const json_t *entry;
    size_t i;

    g_hash_table_remove_all(load->policies);
    json_array_foreach(json_object_get(account, "policies"), i, entry)
    {
        g_hash_table_insert(load->policies, (char *)text_of(entry, "arn"),
                            json_object_get(entry, "document"));
    }
    json_array_foreach(json_object_get(account, "roles"), i, entry)
    {
        add_role(load, account, entry);
    }
}

gboolean
rb_box_compiled_load(const char *path, const char *saml_url, RbBoxCloud *cloud, RbDiagnostics *problems)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = rb_file_read(path, MAX_FILE, &error);
    g_autoptr(GHashTable) policies = g_hash_table_new(g_str_hash, g_str_equal);
    Load load = { path, saml_url, cloud, problems, policies };
    json_t *json, *accounts, *account;
    gsize size = 0, i;
    const char *data = bytes == NULL ? NULL : g_bytes_get_data(bytes, &size);

    json = data == NULL ? NULL : json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
    accounts = json_object_get(json, "accounts");
    if (!json_is_array(accounts))
        problem_at(&load, "aws.roles", error != NULL ? error->message : "this is not what compile prints");
    json_array_foreach(accounts, i, account)
    {
        add_account(&load, account);
    }
    json_decref(json);
    return rb_diagnostics_count(problems) == 0;
}
