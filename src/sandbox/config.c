#include "sandbox/config.h"

#include "base/file.h"
#include "base/yaml.h"
#include "sandbox/idp.h"

#include <string.h>

extern const char rb_box_acme_yaml[]; /* acme.yaml, from embed.py */

enum { MAX_SECRET = 4096, MAX_KEYS_AGE_S = 86400, MAX_KEY_AGE_S = 10 * 365 * 86400 };

static void
user_free(gpointer data)
{
    RbBoxUser *user = data;

    g_free(user->account);
    g_free(user->name);
    g_free(user->access_key_id);
    rb_secret_unref(user->secret);
    g_free(user);
}

static void
provider_free(gpointer data)
{
    RbBoxProviderConfig *provider = data;

    g_free(provider->arn);
    g_strfreev(provider->audiences);
    g_free(provider->reach);
    g_free(provider->metadata);
    g_free(provider);
}

void
rb_box_config_free(RbBoxConfig *config)
{
    if (config == NULL)
        return;
    g_free(config->public_url);
    g_free(config->listen);
    g_free(config->listen_clear);
    g_free(config->tls_certificate);
    g_free(config->tls_key);
    g_free(config->ca_file);
    g_free(config->entity_id);
    g_free(config->idp_certificate);
    g_free(config->idp_key);
    g_strfreev(config->service_providers);
    g_ptr_array_unref(config->people);
    g_free(config->openid_rsa);
    g_free(config->openid_ec);
    g_free(config->ci_key);
    g_ptr_array_unref(config->clients);
    g_strfreev(config->regions);
    g_free(config->mappings_dir);
    g_free(config->compiled_file);
    g_free(config->hub_account);
    g_free(config->hub_role);
    rb_secret_unref(config->credentials_token);
    g_ptr_array_unref(config->users);
    g_ptr_array_unref(config->providers);
    g_free(config);
}

static char *
resolve(const char *dir, const char *name)
{
    return g_path_is_absolute(name) || g_str_has_prefix(name, "https://") ? g_strdup(name)
                                                                          : g_build_filename(dir, name, NULL);
}

/* The path in field @key of @node, or NULL when it is not there. */
static char *
path_of(const RbYaml *node, const char *key, const char *dir, RbDiagnostics *problems)
{
    return node == NULL || rb_yaml_get(node, key) == NULL
               ? NULL
               : resolve(dir, rb_yaml_string(node, key, "", problems));
}

static RbBoxPerson *
read_person(const RbYaml *node, RbDiagnostics *problems)
{
    static const char *const known[] = { "uid", "name", "mail", "password", "groups", "attributes", NULL };
    RbBoxPerson *person = g_new0(RbBoxPerson, 1);
    const RbYaml *attributes = rb_yaml_get(node, "attributes");
    g_autofree char *mail = NULL;

    (void)rb_yaml_check_keys(node, known, problems);
    person->uid = g_strdup(rb_yaml_string(node, "uid", NULL, problems));
    mail = g_strconcat(person->uid, "@acme.example", NULL);
    person->name = g_strdup(rb_yaml_string(node, "name", person->uid, problems));
    person->mail = g_strdup(rb_yaml_string(node, "mail", mail, problems));
    person->password = g_strdup(rb_yaml_string(node, "password", person->uid, problems));
    person->groups = rb_yaml_strings(node, "groups", problems);
    person->attributes = g_ptr_array_new_with_free_func(rb_box_attribute_free);
    if (attributes == NULL || !rb_yaml_expect(attributes, RB_YAML_MAP, problems))
        return person;
    for (guint i = 0; i < rb_yaml_size(attributes); i++) {
        const char *name = rb_yaml_text(rb_yaml_key(attributes, i));
        RbBoxAttribute *attribute = g_new0(RbBoxAttribute, 1);

        attribute->name = g_strdup(name);
        attribute->values = rb_yaml_strings(attributes, name, problems);
        g_ptr_array_add(person->attributes, attribute);
    }
    return person;
}

static void
read_people(RbBoxConfig *config, const RbYaml *node, RbDiagnostics *problems)
{
    if (node == NULL || !rb_yaml_expect(node, RB_YAML_LIST, problems))
        return;
    for (guint i = 0; i < rb_yaml_size(node); i++)
        if (rb_yaml_expect(rb_yaml_item(node, i), RB_YAML_MAP, problems))
            g_ptr_array_add(config->people, read_person(rb_yaml_item(node, i), problems));
}

static void
read_idp(RbBoxConfig *config, const RbYaml *node, const char *dir, RbDiagnostics *problems)
{
    static const char *const known[] = { "entity_id", "signing", "service_providers", "session", NULL };
    g_autofree char *fallback = g_strconcat(config->public_url, "/idp/metadata", NULL);
    const RbYaml *signing;
    g_auto(GStrv) sources = NULL;

    if (node != NULL)
        (void)rb_yaml_check_keys(node, known, problems);
    signing = node == NULL ? NULL : rb_yaml_get(node, "signing");
    config->idp_certificate = path_of(signing, "certificate", dir, problems);
    config->idp_key = path_of(signing, "key", dir, problems);
    config->session_s =
        node == NULL ? 28800 : rb_yaml_duration_s(node, "session", 60, 86400, 28800, problems);
    config->entity_id =
        g_strdup(node == NULL ? fallback : rb_yaml_string(node, "entity_id", fallback, problems));
    sources = node == NULL ? g_new0(char *, 1) : rb_yaml_strings(node, "service_providers", problems);
    config->service_providers = g_new0(char *, g_strv_length(sources) + 1);
    for (guint i = 0; sources[i] != NULL; i++)
        config->service_providers[i] = resolve(dir, sources[i]);
}

/* {file: PATH} */
static RbSecret *
read_secret(const RbYaml *node, const char *dir, RbDiagnostics *problems)
{
    static const char *const known[] = { "file", NULL };
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    RbSecret *secret;

    if (node == NULL || !rb_yaml_check_keys(node, known, problems))
        return NULL;
    path = path_of(node, "file", dir, problems);
    if (path == NULL)
        return NULL;
    secret = rb_file_read_secret(path, MAX_SECRET, TRUE, &error);
    if (secret == NULL)
        rb_yaml_problem(node, problems, "rolebridge-sandbox init makes one", "%s", error->message);
    return secret;
}

static RbBoxClient *
read_client(const RbYaml *node, const char *dir, RbDiagnostics *problems)
{
    RbBoxClient *client = g_new0(RbBoxClient, 1);

    client->id = g_strdup(rb_yaml_string(node, "id", NULL, problems));
    client->secret = read_secret(rb_yaml_get(node, "secret"), dir, problems);
    client->redirect_uris = rb_yaml_strings(node, "redirect_uris", problems);
    client->logout_uris = rb_yaml_strings(node, "logout_uris", problems);
    client->algorithm = g_strdup(rb_yaml_string(node, "algorithm", "ES256", problems));
    if (rb_yaml_get(node, "backchannel") != NULL)
        client->backchannel = g_strdup(rb_yaml_string(node, "backchannel", NULL, problems));
    if (client->secret == NULL)
        rb_yaml_problem(node, problems, "add secret: {file: PATH}", "this client has no secret");
    return client;
}

static void
read_openid(RbBoxConfig *config, const RbYaml *node, const char *dir, RbDiagnostics *problems)
{
    static const char *const known[] = { "rsa_key", "ec_key", "clients", NULL };
    static const char *const client_keys[] = { "id",          "secret",    "redirect_uris",
                                               "logout_uris", "algorithm", "backchannel",
                                               NULL };
    const RbYaml *list = node == NULL ? NULL : rb_yaml_get(node, "clients");

    if (node == NULL || !rb_yaml_check_keys(node, known, problems))
        return;
    config->openid_rsa = path_of(node, "rsa_key", dir, problems);
    config->openid_ec = path_of(node, "ec_key", dir, problems);
    if (config->openid_rsa == NULL && config->openid_ec == NULL)
        rb_yaml_problem(node, problems, "rolebridge-sandbox init makes both", "rsa_key or ec_key is needed");
    if (list == NULL || !rb_yaml_expect(list, RB_YAML_LIST, problems))
        return;
    for (guint i = 0; i < rb_yaml_size(list); i++)
        if (rb_yaml_check_keys(rb_yaml_item(list, i), client_keys, problems))
            g_ptr_array_add(config->clients, read_client(rb_yaml_item(list, i), dir, problems));
}

static void
read_ci(RbBoxConfig *config, const RbYaml *node, const char *dir, RbDiagnostics *problems)
{
    static const char *const known[] = { "key", NULL };

    if (node != NULL && rb_yaml_check_keys(node, known, problems))
        config->ci_key = path_of(node, "key", dir, problems);
}

static void
read_users(RbBoxConfig *config, const RbYaml *list, const char *dir, RbDiagnostics *problems)
{
    static const char *const known[] = { "account",       "name", "access_key_id", "secret",
                                         "administrator", "mfa",  "password",      "key_age",
                                         "key_unused",    NULL };

    if (list == NULL || !rb_yaml_expect(list, RB_YAML_LIST, problems))
        return;
    for (guint i = 0; i < rb_yaml_size(list); i++) {
        const RbYaml *node = rb_yaml_item(list, i);
        RbBoxUser *user;

        if (!rb_yaml_check_keys(node, known, problems))
            continue;
        user = g_new0(RbBoxUser, 1);
        user->account = g_strdup(rb_yaml_string(node, "account", NULL, problems));
        user->name = g_strdup(rb_yaml_string(node, "name", NULL, problems));
        user->access_key_id = g_strdup(rb_yaml_string(node, "access_key_id", NULL, problems));
        user->secret = read_secret(rb_yaml_get(node, "secret"), dir, problems);
        user->administrator = rb_yaml_bool(node, "administrator", FALSE, problems);
        user->mfa = rb_yaml_bool(node, "mfa", FALSE, problems);
        user->password = rb_yaml_bool(node, "password", FALSE, problems);
        user->key_age_s = rb_yaml_duration_s(node, "key_age", 0, MAX_KEY_AGE_S, 0, problems);
        user->key_unused_s = rb_yaml_duration_s(node, "key_unused", 0, MAX_KEY_AGE_S, -1, problems);
        if (user->secret == NULL)
            rb_yaml_problem(node, problems, "add secret: {file: PATH}", "this user has no secret access key");
        g_ptr_array_add(config->users, user);
    }
}

static void
read_providers(RbBoxConfig *config, const RbYaml *list, const char *dir, RbDiagnostics *problems)
{
    static const char *const known[] = { "arn", "audiences", "reach", "metadata", "max_age", NULL };

    if (list == NULL || !rb_yaml_expect(list, RB_YAML_LIST, problems))
        return;
    for (guint i = 0; i < rb_yaml_size(list); i++) {
        const RbYaml *node = rb_yaml_item(list, i);
        RbBoxProviderConfig *provider;

        if (!rb_yaml_check_keys(node, known, problems))
            continue;
        provider = g_new0(RbBoxProviderConfig, 1);
        provider->arn = g_strdup(rb_yaml_string(node, "arn", NULL, problems));
        provider->audiences = rb_yaml_strings(node, "audiences", problems);
        if (rb_yaml_get(node, "reach") != NULL)
            provider->reach = g_strdup(rb_yaml_string(node, "reach", NULL, problems));
        provider->metadata = path_of(node, "metadata", dir, problems);
        provider->max_age_s =
            rb_yaml_duration_s(node, "max_age", 0, MAX_KEYS_AGE_S, MAX_KEYS_AGE_S, problems);
        g_ptr_array_add(config->providers, provider);
    }
}

static void
read_aws(RbBoxConfig *config, const RbYaml *node, const char *dir, RbDiagnostics *problems)
{
    static const char *const known[] = { "regions", "mappings",  "roles",          "hub", "credentials_token",
                                         "users",   "providers", "empty_accounts", "iam", NULL };
    static const char *const iam_keys[] = { "page", "throttle", NULL };
    static const char *const hub_keys[] = { "account", "role", NULL };
    const RbYaml *hub = node == NULL ? NULL : rb_yaml_get(node, "hub"), *iam;

    if (node != NULL)
        (void)rb_yaml_check_keys(node, known, problems);
    if (hub != NULL)
        (void)rb_yaml_check_keys(hub, hub_keys, problems);
    config->regions = node == NULL ? g_new0(char *, 1) : rb_yaml_strings(node, "regions", problems);
    if (config->regions[0] == NULL) {
        g_strfreev(config->regions);
        config->regions = g_strsplit("eu-central-1", ",", -1);
    }
    config->mappings_dir = path_of(node, "mappings", dir, problems);
    config->compiled_file = path_of(node, "roles", dir, problems);
    config->hub_account =
        g_strdup(hub == NULL ? "999988887777" : rb_yaml_string(hub, "account", "999988887777", problems));
    config->hub_role = g_strdup(hub == NULL ? "rolebridge-bridge"
                                            : rb_yaml_string(hub, "role", "rolebridge-bridge", problems));
    if (node == NULL)
        return;
    config->credentials_token = read_secret(rb_yaml_get(node, "credentials_token"), dir, problems);
    config->empty_accounts = rb_yaml_bool(node, "empty_accounts", FALSE, problems);
    iam = rb_yaml_get(node, "iam");
    if (iam != NULL && rb_yaml_check_keys(iam, iam_keys, problems)) {
        config->iam_page = (guint)rb_yaml_integer(iam, "page", 1, 1000, 100, problems);
        config->iam_throttle = (guint)rb_yaml_integer(iam, "throttle", 0, 90, 0, problems);
    }
    read_users(config, rb_yaml_get(node, "users"), dir, problems);
    read_providers(config, rb_yaml_get(node, "providers"), dir, problems);
}

static void
read_root(RbBoxConfig *config, const RbYaml *root, const char *dir, RbDiagnostics *problems)
{
    static const char *const known[] = { "rolebridge", "public_url",        "listen",          "listen_clear",
                                         "tls",        "ca_file",           "people",          "aws",
                                         "ci",         "identity_provider", "openid_provider", NULL };
    const RbYaml *tls = rb_yaml_get(root, "tls");

    (void)rb_yaml_check_keys(root, known, problems);
    config->public_url = g_strdup(rb_yaml_string(root, "public_url", NULL, problems));
    config->listen = g_strdup(rb_yaml_string(root, "listen", "127.0.0.1:9443", problems));
    if (rb_yaml_get(root, "listen_clear") != NULL)
        config->listen_clear = g_strdup(rb_yaml_string(root, "listen_clear", NULL, problems));
    config->tls_certificate = path_of(tls, "certificate", dir, problems);
    config->tls_key = path_of(tls, "key", dir, problems);
    config->ca_file = path_of(root, "ca_file", dir, problems);
    read_idp(config, rb_yaml_get(root, "identity_provider"), dir, problems);
    read_openid(config, rb_yaml_get(root, "openid_provider"), dir, problems);
    read_ci(config, rb_yaml_get(root, "ci"), dir, problems);
    read_people(config, rb_yaml_get(root, "people"), problems);
    read_aws(config, rb_yaml_get(root, "aws"), dir, problems);
}

RbBoxConfig *
rb_box_config_load(const char *path, const char *dir, RbDiagnostics *problems)
{
    g_autoptr(RbYamlDocument) document = NULL;
    g_autofree char *base = path == NULL ? g_strdup(dir) : g_path_get_dirname(path);
    RbBoxConfig *config;

    if (path == NULL) {
        g_autoptr(GBytes) text = g_bytes_new_static(rb_box_acme_yaml, strlen(rb_box_acme_yaml));
        document = rb_yaml_parse("acme.yaml", text, problems);
    } else {
        document = rb_yaml_load(path, path, problems);
    }
    if (document == NULL || !rb_yaml_expect(rb_yaml_root(document), RB_YAML_MAP, problems))
        return NULL;
    (void)rb_yaml_check_version(rb_yaml_root(document), problems);
    config = g_new0(RbBoxConfig, 1);
    config->people = g_ptr_array_new_with_free_func((GDestroyNotify)rb_box_person_free);
    config->clients = g_ptr_array_new_with_free_func((GDestroyNotify)rb_box_client_free);
    config->users = g_ptr_array_new_with_free_func(user_free);
    config->providers = g_ptr_array_new_with_free_func(provider_free);
    read_root(config, rb_yaml_root(document), base, problems);
    return config;
}
