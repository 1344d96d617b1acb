#include "base/encoding.h"
#include "base/file.h"
#include "rolebridge/profiles.h"
#include "rolebridge/role.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONFIG_MAX = 16 * 1024 * 1024 };

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_configure = {
    .name = "configure",
    .arguments = "",
    .summary = "Fill ~/.aws/config with a profile for each of your roles",
    .details = "Shows what would change and asks. Only the block between our own marker lines is ever "
               "written: hand-written profiles\n"
               "stay, roles that are gone are taken out. Then, with nothing but a sign-in:\n\n"
               "  aws --profile analytics-prod.data-scientist s3 ls\n\n"
               "Examples:\n"
               "  rolebridge configure\n"
               "  rolebridge configure --yes --profile-name '{account_id}.{role}'\n"
               "  rolebridge configure --dry-run          # exit code 0: nothing to change, 1: something\n"
               "  rolebridge configure --remove           # takes our block out again",
    .run = run,
};

static void
profile_free(gpointer data)
{
    RbProfile *profile = data;

    g_free((char *)profile->name);
    g_free((char *)profile->spec);
    g_free(profile);
}

static gint
by_profile_name(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const RbProfile *const *)a)->name, (*(const RbProfile *const *)b)->name);
}

/* A profile a role; a role whose names no profile can have is said and left out. */
static GPtrArray *
profiles_of(const RbRoles *roles, const char *pattern)
{
    GPtrArray *profiles = g_ptr_array_new_with_free_func(profile_free);

    for (guint i = 0; i < roles->roles->len; i++) {
        const RbRole *r = g_ptr_array_index(roles->roles, i);
        char *name = rb_profile_name(pattern, r->account_name, r->account, r->role);
        char *plain = rb_profile_name("{account}.{role}", r->account_name, r->account, r->role);
        if (name != NULL && plain != NULL) {
            RbProfile *profile = g_new0(RbProfile, 1);
            profile->name = g_steal_pointer(&name);
            profile->spec = g_steal_pointer(&plain);
            g_ptr_array_add(profiles, profile);
        } else {
            g_autofree char *shown = rb_text_printable(r->account_name, 100);
            fprintf(stderr,
                    "rolebridge configure: no profile for an account named '%s': that cannot be a profile's "
                    "name\n",
                    shown);
        }
        g_free(name);
        g_free(plain);
    }
    g_ptr_array_sort(profiles, by_profile_name);
    return profiles;
}

/* How profiles call this program: by name where PATH finds this very file, else by its full path. */
static char *
program_path(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *found = g_find_program_in_path("rolebridge");
    g_autofree char *real = found != NULL ? realpath(found, NULL) : NULL;

    if (self == NULL || (real != NULL && g_str_equal(real, self)))
        return g_strdup("rolebridge");
    return strchr(self, ' ') != NULL ? g_strdup_printf("\"%s\"", self) : g_steal_pointer(&self);
}

/* Shows old → new by diff(1). Returns: TRUE when they differ. */
static gboolean
show_difference(const RbCli *cli, const char *file, const char *old_text, const char *new_text)
{
    g_autofree char *path = NULL;
    g_autofree char *out = NULL;
    int fd = g_file_open_tmp("rolebridge-XXXXXX", &path, NULL);
    const char *argv[] = { "diff",
                           "-u",
                           cli->colour ? "--color=always" : "--color=never",
                           "--label",
                           file,
                           "--label",
                           "as it would be",
                           file,
                           path,
                           NULL };

    if (g_str_equal(old_text, new_text))
        return FALSE;
    if (!g_file_test(file, G_FILE_TEST_EXISTS))
        argv[7] = "/dev/null";
    if (fd < 0 || !g_file_set_contents(path, new_text, -1, NULL) ||
        !g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL, NULL, NULL))
        fprintf(stderr, "rolebridge configure: the difference could not be shown\n");
    else
        fputs(out, stdout);
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
    return TRUE;
}

static gboolean
ask_yes(const char *question)
{
    char line[16];

    fprintf(stderr, "%s [y/N] ", question);
    return fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

static gboolean
read_config(const char *path, char **text, guint *mode, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    struct stat st;

    if (stat(path, &st) != 0 && errno == ENOENT) {
        *text = g_strdup("");
        *mode = 0600;
        return TRUE;
    }
    bytes = rb_file_read(path, CONFIG_MAX, error);
    if (bytes == NULL)
        return FALSE;
    *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    *mode = st.st_mode & 0777;
    return TRUE;
}

static gboolean
write_config(const char *path, const char *text, guint mode, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);

    if (g_mkdir_with_parents(folder, 0700) != 0)
        return rb_fault(error, RB_FAULT_FILE, "cannot create %s: %s", folder, g_strerror(errno));
    return rb_file_write(path, text, strlen(text), mode, error);
}

/* ~/.aws/config or AWS_CONFIG_FILE; where it is a link, the file it leads to. */
static char *
config_path(const RbCli *cli)
{
    const char *stated = g_getenv("AWS_CONFIG_FILE");
    g_autofree char *path =
        stated != NULL && *stated != '\0' ? g_strdup(stated) : g_build_filename(cli->aws_dir, "config", NULL);
    char *real = realpath(path, NULL);

    return real != NULL ? real : g_steal_pointer(&path);
}

static int
apply(RbCli *cli, const GPtrArray *profiles, gboolean yes, gboolean dry_run)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path = config_path(cli), *program = program_path(), *old_text = NULL, *new_text = NULL;
    guint mode;

    if (!read_config(path, &old_text, &mode, &error) ||
        (new_text = rb_profiles_merge(old_text, path, profiles, program, cli->region, taken, &error)) == NULL)
        return rb_cli_report(cli, error);
    for (guint i = 0; i < taken->len; i++)
        fprintf(stderr, "rolebridge configure: a profile '%s' of yours is already there; it stays as it is\n",
                (const char *)g_ptr_array_index(taken, i));
    if (!show_difference(cli, path, old_text, new_text)) {
        printf("%s is as it should be: %u profiles.\n", path, profiles->len - taken->len);
        return RB_EXIT_OK;
    }
    if (dry_run)
        return RB_EXIT_REFUSED;
    if (!yes && !cli->asks) {
        fprintf(stderr, "rolebridge configure: nothing was written; say --yes where nobody can be asked\n");
        return RB_EXIT_REFUSED;
    }
    if (!yes && !ask_yes("Write this?")) {
        fprintf(stderr, "Nothing was written.\n");
        return RB_EXIT_REFUSED;
    }
    if (!write_config(path, new_text, mode, &error))
        return rb_cli_report(cli, error);
    printf("Wrote %u profiles to %s.\n", profiles->len - taken->len, path);
    return RB_EXIT_OK;
}

static int
run(RbCli *cli, int argc, char **argv)
{
    g_autofree char *pattern = NULL;
    gboolean yes = FALSE, dry_run = FALSE, remove = FALSE;
    GOptionEntry entries[] = {
        { "profile-name", 0, 0, G_OPTION_ARG_STRING, &pattern,
          "Pattern of {account}, {account_id}, {role} (default: {account}.{role})", "PATTERN" },
        { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, "Write without asking", NULL },
        { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "Only show what would change", NULL },
        { "remove", 0, 0, G_OPTION_ARG_NONE, &remove, "Take our block out", NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbRoles) roles = NULL;
    g_autoptr(GPtrArray) profiles = NULL;
    g_autofree char *probe = NULL;
    int status;

    if (!rb_cli_parse(cli, &rb_command_configure, entries, &argc, &argv, &status))
        return status;
    probe = rb_profile_name(pattern != NULL ? pattern : "{account}.{role}", "a", "1", "r");
    if (argc > 1 || probe == NULL) {
        fprintf(stderr, "rolebridge configure: %s\n",
                argc > 1 ? "it takes no arguments"
                         : "--profile-name knows {account}, {account_id} and {role}, and no blanks");
        return RB_EXIT_USAGE;
    }
    if (remove)
        profiles = g_ptr_array_new_with_free_func(profile_free);
    else {
        roles = rb_roles_fetch(cli, &error);
        if (roles == NULL)
            return rb_cli_report(cli, error);
        profiles = profiles_of(roles, pattern != NULL ? pattern : "{account}.{role}");
    }
    return apply(cli, profiles, yes, dry_run);
}
