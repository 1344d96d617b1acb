#include "rolebridged/config.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/refusal.h"

#include <string.h>

enum { SECRET_MAX = 64 * 1024 };

static const char ways[] = "write {file: PATH}, {env: NAME} or {credential: NAME}";

static char *
resolve(const char *base_dir, const char *path)
{
    return g_path_is_absolute(path) ? g_strdup(path) : g_build_filename(base_dir, path, NULL);
}

static RbSecret *
from_environment(const char *name, GError **error)
{
    const char *value = g_getenv(name);
    g_autofree char *quoted = rb_text_quote(name);

    if (value != NULL && *value != '\0')
        return rb_secret_new_text(value);
    (void)rb_fault(error, RB_FAULT_FILE, "the environment has no %s", quoted);
    return NULL;
}

static RbSecret *
from_credential(const char *name, GError **error)
{
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");
    g_autofree char *quoted = rb_text_quote(name);
    g_autofree char *path = NULL;

    if (strchr(name, '/') != NULL || name[0] == '.') {
        (void)rb_fault(error, RB_FAULT_FILE, "%s is not the name of a credential", quoted);
        return NULL;
    }
    if (directory == NULL) {
        (void)rb_fault(error, RB_FAULT_FILE,
                       "there is no $CREDENTIALS_DIRECTORY; add LoadCredential=%s:… to the unit", name);
        return NULL;
    }
    path = g_build_filename(directory, name, NULL);
    return rb_file_read_secret(path, SECRET_MAX, TRUE, error);
}

static RbSecret *
from_file(const char *path, const char *base_dir, GError **error)
{
    g_autofree char *whole = resolve(base_dir, path);

    return rb_file_read_secret(whole, SECRET_MAX, TRUE, error);
}

/* The secret that a map of one entry names. */
static RbSecret *
read_named(const RbYaml *node, const char *base_dir, GError **error)
{
    const char *way = rb_yaml_text(rb_yaml_key(node, 0)), *value = rb_yaml_text(rb_yaml_item(node, 0));

    if (g_str_equal(way, "file"))
        return from_file(value, base_dir, error);
    return g_str_equal(way, "env") ? from_environment(value, error) : from_credential(value, error);
}

RbSecret *
rb_config_secret(const RbYaml *node, const char *base_dir, RbDiagnostics *problems)
{
    static const char *const known[] = { "file", "env", "credential", NULL };
    g_autoptr(GError) why = NULL;
    RbSecret *secret;

    if (rb_yaml_kind(node) != RB_YAML_MAP) {
        rb_diagnostics_hide_line(problems, rb_yaml_file(node), rb_yaml_line(node));
        rb_yaml_problem(node, problems, ways, "a secret must not be written in this file");
        return NULL;
    }
    if (!rb_yaml_check_keys(node, known, problems))
        return NULL;
    if (rb_yaml_size(node) != 1 || rb_yaml_text(rb_yaml_item(node, 0)) == NULL) {
        rb_yaml_problem(node, problems, ways, "a secret comes from exactly one place");
        return NULL;
    }
    secret = read_named(node, base_dir, &why);
    if (secret == NULL)
        rb_yaml_problem(rb_yaml_item(node, 0), problems, NULL, "%s",
                        why != NULL ? why->message : "it could not be read");
    return secret;
}

/* ---- the certificate and key of `tls` ---- */

/* A scalar is the path of a file; a map is as for any secret. */
static RbSecret *
read_key(const RbYaml *node, const char *base_dir, GError **error)
{
    g_autoptr(RbDiagnostics) problems = NULL;
    g_autofree char *line = NULL;
    RbSecret *key;

    if (rb_yaml_text(node) != NULL)
        return from_file(rb_yaml_text(node), base_dir, error);
    problems = rb_diagnostics_new();
    key = rb_config_secret(node, base_dir, problems);
    if (key == NULL) {
        line = rb_diagnostics_to_line(problems);
        (void)rb_fault(error, RB_FAULT_FILE, "%s", line);
    }
    return key;
}

gboolean
rb_config_read_tls(const RbConfig *config, GBytes **certificate, RbSecret **key, GError **error)
{
    g_autofree char *path = NULL;
    g_autoptr(GBytes) pem = NULL;

    if (config->tls == NULL) {
        *certificate = NULL;
        *key = NULL;
        return TRUE;
    }
    path = resolve(config->base_dir, rb_yaml_text(rb_yaml_get(config->tls, "certificate")));
    pem = rb_file_read(path, SECRET_MAX, error);
    if (pem == NULL)
        return FALSE;
    *key = read_key(rb_yaml_get(config->tls, "key"), config->base_dir, error);
    if (*key == NULL)
        return FALSE;
    *certificate = g_steal_pointer(&pem);
    return TRUE;
}
