#include "rolebridge/role.h"

#include "base/encoding.h"
#include "base/file.h"
#include "rolebridge/bridge.h"
#include "rolebridge/picker.h"

#include <string.h>

enum { KNOWN_MAX = 4 * 1024 * 1024 };

static void
role_free(gpointer data)
{
    RbRole *role = data;

    g_free(role->account);
    g_free(role->account_name);
    g_free(role->role);
    g_free(role->title);
    g_free(role->purpose);
    g_free(role->environment);
    json_decref(role->reasons);
    g_free(role);
}

void
rb_roles_free(RbRoles *roles)
{
    if (roles == NULL)
        return;
    g_ptr_array_unref(roles->roles);
    json_decref(roles->answer);
    g_free(roles);
}

static char *
text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return g_strdup(text != NULL ? text : "");
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    const RbRole *x = *(const RbRole *const *)a, *y = *(const RbRole *const *)b;
    int accounts = strcmp(x->account_name, y->account_name);

    return accounts != 0 ? accounts : strcmp(x->role, y->role);
}

static char *
known_path(const RbCli *cli)
{
    g_autofree char *name = g_strconcat("roles-", cli->session, NULL);

    return g_build_filename(cli->cache_dir, name, NULL);
}

/* For completion: only names that a shell reads as they are. Best effort. */
static void
keep_names(const RbCli *cli, const RbRoles *roles)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+@";
    g_autofree char *path = known_path(cli);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < roles->roles->len; i++) {
        const RbRole *r = g_ptr_array_index(roles->roles, i);
        g_autofree char *spec = g_strdup_printf("%s.%s", r->account_name, r->role);
        if (spec[strspn(spec, alphabet)] == '\0')
            g_string_append_printf(text, "%s\n", spec);
    }
    if (rb_cli_make_folder(cli->cache_dir, NULL))
        (void)rb_file_write(path, text->str, text->len, 0600, NULL);
}

RbRoles *
rb_roles_fetch(RbCli *cli, GError **error)
{
    json_t *answer = rb_bridge_get(cli, "/api/v1/roles", NULL, error), *grant;
    RbRoles *roles;
    size_t i;

    if (answer == NULL)
        return NULL;
    roles = g_new0(RbRoles, 1);
    roles->answer = answer;
    roles->roles = g_ptr_array_new_with_free_func(role_free);
    json_array_foreach(json_object_get(answer, "grants"), i, grant)
    {
        RbRole *role = g_new0(RbRole, 1);
        role->account = text_of(grant, "account");
        role->account_name = text_of(grant, "account_name");
        if (*role->account_name == '\0')
            role->account_name = (g_free(role->account_name), g_strdup(role->account));
        role->role = text_of(grant, "role");
        role->title = text_of(grant, "role_title");
        role->purpose = text_of(grant, "role_purpose");
        role->environment = text_of(grant, "environment");
        role->default_session_s = json_integer_value(json_object_get(grant, "default_session_s"));
        role->max_session_s = json_integer_value(json_object_get(grant, "max_session_s"));
        role->reasons = json_incref(json_object_get(grant, "reasons"));
        if (*role->account != '\0' && *role->role != '\0') /* else there is nothing to ask for */
            g_ptr_array_add(roles->roles, role);
        else
            role_free(role);
    }
    g_ptr_array_sort(roles->roles, by_name);
    keep_names(cli, roles);
    return roles;
}

GStrv
rb_roles_known(const RbCli *cli)
{
    g_autofree char *path = known_path(cli);

    return rb_cli_lines(path, KNOWN_MAX, -1);
}

gboolean
rb_role_split(const char *spec, char **account, char **role)
{
    /* Role names have no dot and no colon, so the last one parts them whatever the account is called. */
    const char *dot = strrchr(spec, '.'), *colon = strrchr(spec, ':');
    const char *at = colon != NULL ? colon : dot;

    if (at == NULL || at == spec || at[1] == '\0')
        return FALSE;
    *account = g_strndup(spec, (gsize)(at - spec));
    *role = g_strdup(at + 1);
    return TRUE;
}

/* A single word may name the only role, or the only account, that fits. */
static const RbRole *
find_by_word(const RbRoles *roles, const char *word)
{
    const RbRole *found = NULL;

    for (guint i = 0; i < roles->roles->len; i++) {
        const RbRole *r = g_ptr_array_index(roles->roles, i);
        if (!g_str_equal(r->role, word) && !g_str_equal(r->account, word) &&
            !g_str_equal(r->account_name, word))
            continue;
        if (found != NULL)
            return NULL;
        found = r;
    }
    return found;
}

static gboolean
no_such_role(const RbRoles *roles, const char *spec, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *quoted = rb_text_quote(spec), *near = NULL;
    const char *nearest;

    for (guint i = 0; i < roles->roles->len; i++) {
        const RbRole *r = g_ptr_array_index(roles->roles, i);
        g_ptr_array_add(names, g_strdup_printf("%s.%s", r->account_name, r->role));
    }
    g_ptr_array_add(names, NULL);
    nearest = rb_text_nearest(spec, (const char *const *)names->pdata);
    near = nearest != NULL ? rb_text_quote(nearest) : NULL;
    return rb_refuse(error, RB_MAPPING_NOT_ASSIGNED,
                     "%s is none of your %u roles%s%s%s; 'rolebridge roles --why' tells more", quoted,
                     roles->roles->len, near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                     near != NULL ? "?" : "");
}

gboolean
rb_role_choose(RbCli *cli, const char *spec, char **account, char **role, GError **error)
{
    g_autoptr(RbRoles) roles = NULL;
    const RbRole *found;

    if (spec != NULL && rb_role_split(spec, account, role))
        return TRUE; /* the bridge decides; no list is needed */
    if (spec == NULL && !cli->asks)
        return rb_cli_stop(error, RB_EXIT_USAGE,
                           "say which role: ACCOUNT.ROLE; 'rolebridge roles' lists them");
    roles = rb_roles_fetch(cli, error);
    if (roles == NULL)
        return FALSE;
    found = spec != NULL ? find_by_word(roles, spec) : rb_picker_choose(cli, roles, error);
    if (found == NULL)
        return spec != NULL ? no_such_role(roles, spec, error) : FALSE;
    *account = g_strdup(found->account_name);
    *role = g_strdup(found->role);
    rb_picker_remember(cli, *account, *role);
    return TRUE;
}
