#include "base/encoding.h"
#include "base/file.h"
#include "rolebridge/models.h"
#include "rolebridge/profiles.h"
#include "rolebridge/role.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONFIG_MAX = 16 * 1024 * 1024 };

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_configure = {
    .name = "configure",
    .arguments = "",
    .summary = "Fill ~/.aws/config with a profile for each of your roles",
    .details =
        "Shows what would change and asks. Only the block between our own marker lines is ever "
        "written: hand-written profiles\n"
        "stay, roles that are gone are taken out. Then, with nothing but a sign-in:\n\n"
        "  aws --profile analytics-prod.data-scientist s3 ls\n\n"
        "Profiles call 'rolebridge credentials' (--process, the default), or, with --sso, have the AWS "
        "tools ask the bridge\n"
        "themselves, as an IAM Identity Center: then nothing of ours runs, and 'aws sso login' works. "
        "Without either,\n"
        "they stay as they are. AWS CLIs before 2.13, such as Debian 12's, read the bridge's address "
        "from rule set files\n"
        "alone: --aws-data-path ~/.aws/models writes these too; they lead all sso calls to the bridge.\n\n"
        "Examples:\n"
        "  rolebridge configure\n"
        "  rolebridge configure --sso --aws-data-path ~/.aws/models\n"
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
    g_free((char *)profile->account_id);
    g_free((char *)profile->role);
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
            profile->account_id = g_strdup(r->account);
            profile->role = g_strdup(r->role);
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

/* A file without a name that holds @text, read from its start: gone with the last who has it open. */
static int
nameless_file(const char *text)
{
    int fd = memfd_create("rolebridge", MFD_CLOEXEC);
    gsize size = strlen(text), done = 0;

    while (fd >= 0 && done < size) {
        ssize_t n = write(fd, text + done, size - done);
        if (n < 0 && errno != EINTR) {
            (void)close(fd);
            return -1;
        }
        done += n > 0 ? (gsize)n : 0;
    }
    if (fd >= 0)
        (void)lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Shows old → new by diff(1), on stderr where stdout is for JSON. */
static void
show_difference(const RbCli *cli, const char *file, const char *new_text)
{
    gboolean exists = g_file_test(file, G_FILE_TEST_EXISTS);
    const char *argv[] = { "diff",
                           "-u",
                           cli->colour && !cli->json ? "--color=always" : "--color=never",
                           "--label",
                           file,
                           "--label",
                           "as it would be",
                           exists ? file : "/dev/null",
                           "-",
                           NULL };
    /* a copy: GLib would close the original in the child */
    int in = nameless_file(new_text),
        out = fcntl(cli->json ? STDERR_FILENO : STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), status;
    GPid pid;

    (void)fflush(stdout);
    if (in < 0 || out < 0 ||
        !g_spawn_async_with_fds(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                                NULL, NULL, &pid, in, out, -1, NULL))
        fprintf(stderr, "rolebridge configure: the difference could not be shown (is diff installed?)\n");
    else
        (void)waitpid(pid, &status, 0); /* 1: they differ, as we know */
    if (in >= 0)
        (void)close(in);
    if (out >= 0)
        (void)close(out);
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
    if (strlen(*text) != g_bytes_get_size(bytes)) {
        g_clear_pointer(text, g_free); /* what is behind it would be lost in writing */
        (void)rb_fault(error, RB_FAULT_FILE, "%s: a NUL byte is in it; it is left as it is", path);
        return FALSE;
    }
    return TRUE;
}

static gboolean
write_config(const char *path, const char *text, guint mode, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);

    return rb_cli_make_folder(folder, error) && rb_file_write(path, text, strlen(text), mode, error);
}

/* Where a link leads: the file behind it is replaced, the link stays. */
static char *
real_path(char *path)
{
    char *real = realpath(path, NULL);

    if (real == NULL)
        return path;
    g_free(path);
    return real;
}

/* The credentials file beats profiles of the same name in the config file: its names are taken too. */
static char *
read_credentials_file(const RbCli *cli)
{
    g_autofree char *path = rb_cli_aws_file(cli, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), *text = NULL;
    guint mode;

    return read_config(path, &text, &mode, NULL) ? g_steal_pointer(&text) : g_strdup("");
}

/* What became of it, as --json has it. */
static int
outcome(const RbCli *cli, const char *path, guint profiles, const GPtrArray *taken, gboolean changes,
        gboolean wrote)
{
    json_t *json, *names = json_array();

    if (cli->json) {
        for (guint i = 0; i < taken->len; i++)
            (void)json_array_append_new(names, json_string(g_ptr_array_index(taken, i)));
        json = json_pack("{s:s, s:i, s:O, s:b, s:b}", "file", path, "profiles", (int)profiles, "left_alone",
                         names, "changes", changes, "wrote", wrote);
        rb_cli_print_json(json);
        json_decref(json);
    } else if (!changes)
        printf("%s is as it should be: %u profiles.\n", path, profiles);
    else if (wrote)
        printf("Wrote %u profiles to %s.\n", profiles, path);
    else
        fputs("Nothing was written.\n", stderr);
    json_decref(names);
    return changes && !wrote ? RB_EXIT_REFUSED : RB_EXIT_OK;
}

/* What is wanted. */
typedef struct {
    char *pattern, *models; /* models NULL: no rule set files */
    gboolean yes, dry_run, remove, sso, process;
} Options;

static void
options_clear(Options *o)
{
    g_free(o->pattern);
    g_free(o->models);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static void
say_taken(const GPtrArray *taken)
{
    for (guint i = 0; i < taken->len; i++) {
        const char *name = g_ptr_array_index(taken, i);
        fprintf(stderr, "rolebridge configure: a %s'%s' of yours is already there; it stays as it is\n",
                strchr(name, ' ') != NULL ? "section " : "profile ", name);
    }
}

/* How many of @profiles were not taken: sections of other kinds have a blank in their name. */
static guint
count_written(const GPtrArray *profiles, const GPtrArray *taken)
{
    guint count = profiles->len;

    for (guint i = 0; i < taken->len; i++)
        count -= strchr(g_ptr_array_index(taken, i), ' ') == NULL;
    return count;
}

/* The block of ~/.aws/config. */
static int
apply(RbCli *cli, const GPtrArray *profiles, const Options *o)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path = real_path(rb_cli_aws_file(cli, "AWS_CONFIG_FILE", "config"));
    g_autofree char *program = program_path(), *beside = read_credentials_file(cli), *old_text = NULL,
                    *new_text = NULL;
    RbProfileStyle style = { .region = cli->region,
                             .program = program,
                             .bridge = cli->bridge,
                             .start_url = cli->start_url != NULL ? cli->start_url : cli->bridge };
    gboolean write;
    guint mode, count;

    if (!read_config(path, &old_text, &mode, &error))
        return rb_cli_report(cli, error);
    style.session = o->sso || (!o->process && rb_profiles_have_session(old_text)) ? cli->session : NULL;
    new_text = rb_profiles_merge(old_text, beside, path, profiles, &style, taken, &error);
    if (new_text == NULL)
        return rb_cli_report(cli, error);
    say_taken(taken);
    count = count_written(profiles, taken);
    if (g_str_equal(old_text, new_text))
        return outcome(cli, path, count, taken, FALSE, FALSE);
    show_difference(cli, path, new_text);
    if (!o->yes && !o->dry_run && !cli->asks)
        fprintf(stderr, "rolebridge configure: say --yes where nobody can be asked\n");
    write = !o->dry_run && (o->yes || (cli->asks && ask_yes("Write this?")));
    if (write && !write_config(path, new_text, mode, &error))
        return rb_cli_report(cli, error);
    return outcome(cli, path, count, taken, TRUE, write);
}

/* The rule set files; after the configuration, which may have been declined. */
static int
apply_models(RbCli *cli, const Options *o, int status)
{
    g_autoptr(GError) error = NULL;
    gboolean dry_run = o->dry_run || status != RB_EXIT_OK;
    guint changes;

    if (o->models == NULL || (status != RB_EXIT_OK && !o->dry_run))
        return status;
    if (!rb_models_apply(o->models, cli->bridge, o->remove, dry_run, &changes, &error))
        return rb_cli_report(cli, error);
    if (changes > 0)
        fprintf(stderr, "rolebridge configure: %u rule set files below %s %s\n", changes, o->models,
                dry_run     ? "would change"
                : o->remove ? "are gone"
                            : "send sso and sso-oidc to the bridge");
    return dry_run && changes > 0 ? RB_EXIT_REFUSED : status;
}

static gboolean
check_options(const Options *o, GError **error)
{
    g_autofree char *probe = rb_profile_name(o->pattern, "a", "1", "r");

    if (probe == NULL)
        return rb_cli_stop(error, RB_EXIT_USAGE,
                           "--profile-name knows {account}, {account_id} and {role}, and no blanks");
    if (o->sso && o->process)
        return rb_cli_stop(error, RB_EXIT_USAGE, "--sso and --process exclude each other");
    return TRUE;
}

static int
run(RbCli *cli, int argc, char **argv)
{
    g_auto(Options) o = { 0 };
    GOptionEntry entries[] = {
        { "profile-name", 0, 0, G_OPTION_ARG_STRING, &o.pattern,
          "Pattern of {account}, {account_id}, {role} (default: {account}.{role})", "PATTERN" },
        { "sso", 0, 0, G_OPTION_ARG_NONE, &o.sso, "Profiles that ask the bridge as an IAM Identity Center",
          NULL },
        { "process", 0, 0, G_OPTION_ARG_NONE, &o.process, "Profiles that call 'rolebridge credentials'",
          NULL },
        { "aws-data-path", 0, 0, G_OPTION_ARG_FILENAME, &o.models,
          "Also rule set files below this folder, for AWS CLIs before 2.13", "DIR" },
        { "yes", 'y', 0, G_OPTION_ARG_NONE, &o.yes, "Write without asking", NULL },
        { "dry-run", 0, 0, G_OPTION_ARG_NONE, &o.dry_run, "Only show what would change", NULL },
        { "remove", 0, 0, G_OPTION_ARG_NONE, &o.remove, "Take our block, and our rule set files, out", NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbRoles) roles = NULL;
    g_autoptr(GPtrArray) profiles = NULL;
    int status;

    if (!rb_cli_parse(cli, &rb_command_configure, entries, &argc, &argv, &status))
        return status;
    if (o.pattern == NULL)
        o.pattern = g_strdup("{account}.{role}");
    if (!check_options(&o, &error))
        return rb_cli_report(cli, error);
    if (o.remove)
        profiles = g_ptr_array_new_with_free_func(profile_free);
    else {
        roles = rb_roles_fetch(cli, &error);
        if (roles == NULL)
            return rb_cli_report(cli, error);
        profiles = profiles_of(roles, o.pattern);
    }
    return apply_models(cli, &o, apply(cli, profiles, &o));
}
