#include "rolebridge/models.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MARK "written by 'rolebridge configure'"

enum { FILE_MAX = 256 * 1024 };

static json_t *
parameter(const char *built_in, const char *type)
{
    gboolean flag = g_str_equal(type, "boolean");
    json_t *json = json_pack("{s:s, s:b, s:s, s:s}", "builtIn", built_in, "required", flag, "documentation",
                             MARK, "type", type);

    if (flag)
        (void)json_object_set_new(json, "default", json_false());
    return json;
}

char *
rb_models_text(const char *bridge)
{
    json_t *json =
        json_pack("{s:s, s:{s:o, s:o, s:o, s:o}, s:[{s:[], s:{s:s, s:{}, s:{}}, s:s}]}", "version", "1.0",
                  "parameters", "Region", parameter("AWS::Region", "string"), "UseDualStack",
                  parameter("AWS::UseDualStack", "boolean"), "UseFIPS", parameter("AWS::UseFIPS", "boolean"),
                  "Endpoint", parameter("SDK::Endpoint", "string"), "rules", "conditions", "endpoint", "url",
                  bridge, "properties", "headers", "type", "endpoint");
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER),
         *copy = g_strconcat(text, "\n", NULL);

    free(text);
    json_decref(json);
    return copy;
}

gboolean
rb_models_is_ours(const char *bytes, gsize size)
{
    json_t *json = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *region = json_object_get(json_object_get(json, "parameters"), "Region");
    gboolean ours = g_strcmp0(json_string_value(json_object_get(region, "documentation")), MARK) == 0;

    json_decref(json);
    return ours;
}

/* One file. @text NULL: it is to be gone. */
static gboolean
apply_one(const char *path, const char *text, gboolean dry_run, guint *changes, GError **error)
{
    gboolean exists = g_file_test(path, G_FILE_TEST_EXISTS);
    g_autoptr(GBytes) bytes = exists ? rb_file_read(path, FILE_MAX, error) : NULL;
    g_autofree char *folder = g_path_get_dirname(path);
    gsize size = 0;
    const char *old = bytes == NULL ? NULL : g_bytes_get_data(bytes, &size);

    if (exists && bytes == NULL)
        return FALSE;
    if (exists && !rb_models_is_ours(old, size))
        return rb_cli_stop(error, RB_EXIT_REFUSED, "%s was not written by 'rolebridge configure'; it stays",
                           path);
    if (text == NULL ? !exists : exists && size == strlen(text) && memcmp(old, text, size) == 0)
        return TRUE;
    (*changes)++;
    if (dry_run)
        return TRUE;
    if (text != NULL)
        return rb_cli_make_folder(folder, error) && rb_file_write(path, text, strlen(text), 0644, error);
    if (unlink(path) != 0)
        return rb_fault(error, RB_FAULT_FILE, "cannot remove %s: %s", path, g_strerror(errno));
    (void)rmdir(folder); /* unless something else is in it */
    return TRUE;
}

gboolean
rb_models_apply(const char *folder, const char *bridge, gboolean remove, gboolean dry_run, guint *changes,
                GError **error)
{
    static const char *const services[] = { "sso", "sso-oidc" };
    g_autofree char *text = remove ? NULL : rb_models_text(bridge);

    *changes = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(services); i++) {
        g_autofree char *path =
            g_build_filename(folder, services[i], "2019-06-10", "endpoint-rule-set-1.json", NULL);
        if (!apply_one(path, text, dry_run, changes, error))
            return FALSE;
    }
    return TRUE;
}
