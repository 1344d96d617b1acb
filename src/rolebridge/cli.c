#include "rolebridge/cli.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

extern const RbCommand rb_command_login, rb_command_logout, rb_command_whoami, rb_command_roles,
    rb_command_credentials, rb_command_exec, rb_command_console, rb_command_configure, rb_command_doctor,
    rb_command_completion;

static const RbCommand *const commands[] = {
    &rb_command_login,   &rb_command_roles,      &rb_command_credentials, &rb_command_exec,
    &rb_command_console, &rb_command_configure,  &rb_command_whoami,      &rb_command_logout,
    &rb_command_doctor,  &rb_command_completion,
};

const RbCommand *
rb_cli_command(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (g_str_equal(commands[i]->name, name))
            return commands[i];
    return NULL;
}

const RbCommand *
rb_cli_commands(void)
{
    static RbCommand list[G_N_ELEMENTS(commands) + 1];

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        list[i] = *commands[i];
    return list;
}

gboolean
rb_cli_parse(RbCli *cli, const RbCommand *command, GOptionEntry *entries, int *argc, char ***argv,
             int *status)
{
    g_autofree char *arguments = g_strdup(command->arguments);
    g_autofree char *program = g_strdup_printf("rolebridge %s", command->name);
    g_autofree char *url = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new(arguments);
    gboolean help = FALSE;
    GOptionEntry common[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &cli->json, "Print JSON, for scripts", NULL },
        { "url", 0, 0, G_OPTION_ARG_STRING, &url, "The bridge (default: as configured, or ROLEBRIDGE_URL)",
          "URL" },
        { "help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this help", NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };

    g_set_prgname(program);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, command->summary);
    g_option_context_set_description(context, command->details);
    if (entries != NULL)
        g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_main_entries(context, common, NULL);
    if (!g_option_context_parse(context, argc, argv, &error)) {
        fprintf(stderr, "%s: %s; see '%s --help'\n", program, error->message, program);
        *status = RB_EXIT_USAGE;
        return FALSE;
    }
    if (help) {
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
        fputs(text, stdout);
        *status = RB_EXIT_OK;
        return FALSE;
    }
    if (url != NULL)
        cli->bridge = g_steal_pointer(&url);
    if (!rb_cli_settle(cli, &error)) {
        *status = rb_cli_report(cli, error);
        return FALSE;
    }
    return TRUE;
}

/* What the configuration file says, where nothing nearer said it. */
static gboolean
read_configuration(RbCli *cli, GError **error)
{
    static const char *const keys[] = { "rolebridge", "bridge", "session", "region", "ca_file", NULL };
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbYamlDocument) document = NULL;
    struct {
        const char *key;
        char **field;
    } fields[] = { { "bridge", &cli->bridge },
                   { "session", &cli->session },
                   { "region", &cli->region },
                   { "ca_file", &cli->ca_file } };

    if (!g_file_test(cli->config_file, G_FILE_TEST_EXISTS))
        return TRUE;
    document = rb_yaml_load(cli->config_file, cli->config_file, problems);
    if (document != NULL && rb_yaml_check_version(rb_yaml_root(document), problems) &&
        rb_yaml_check_keys(rb_yaml_root(document), keys, problems))
        for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
            const char *text = rb_yaml_string(rb_yaml_root(document), fields[i].key, "", problems);
            if (*fields[i].field == NULL && *text != '\0')
                *fields[i].field = g_strdup(text);
        }
    if (rb_diagnostics_count(problems) > 0) {
        g_autofree char *line = rb_diagnostics_to_line(problems);
        return rb_fault(error, RB_FAULT_FILE, "%s", line);
    }
    return TRUE;
}

static void
from_environment(char **field, const char *variable)
{
    if (*field == NULL && g_getenv(variable) != NULL && *g_getenv(variable) != '\0')
        *field = g_strdup(g_getenv(variable));
}

gboolean
rb_cli_settle(RbCli *cli, GError **error)
{
    const char *aws_config = g_getenv("AWS_CONFIG_FILE");

    cli->config_dir = g_build_filename(g_get_user_config_dir(), "rolebridge", NULL);
    cli->config_file = g_build_filename(cli->config_dir, "config.yaml", NULL);
    cli->cache_dir = g_build_filename(g_get_user_cache_dir(), "rolebridge", NULL);
    cli->aws_dir = aws_config != NULL && *aws_config != '\0'
                       ? g_path_get_dirname(aws_config)
                       : g_build_filename(g_get_home_dir(), ".aws", NULL);
    from_environment(&cli->bridge, "ROLEBRIDGE_URL");
    from_environment(&cli->session, "ROLEBRIDGE_SESSION");
    from_environment(&cli->ca_file, "ROLEBRIDGE_CA_FILE");
    from_environment(&cli->region, "AWS_REGION");
    if (!read_configuration(cli, error))
        return FALSE;
    if (cli->session == NULL)
        cli->session = g_strdup("rolebridge");
    if (cli->region == NULL)
        cli->region = g_strdup("us-east-1");
    if (cli->bridge != NULL && g_str_has_suffix(cli->bridge, "/"))
        cli->bridge[strlen(cli->bridge) - 1] = '\0';
    return TRUE;
}

gboolean
rb_cli_remember(const RbCli *cli, GError **error)
{
    GString *text = g_string_new("# Written by 'rolebridge login'.\nrolebridge: 1\n");
    const struct {
        const char *key, *value;
    } fields[] = { { "bridge", cli->bridge },
                   { "session", cli->session },
                   { "region", cli->region },
                   { "ca_file", cli->ca_file } };
    gboolean ok;

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++)
        if (fields[i].value != NULL) {
            json_t *value = json_string(fields[i].value); /* JSON's quoting is YAML's too */
            char *quoted = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);
            g_string_append_printf(text, "%s: %s\n", fields[i].key, quoted != NULL ? quoted : "\"\"");
            free(quoted);
            json_decref(value);
        }
    ok = g_mkdir_with_parents(cli->config_dir, 0700) == 0 ||
         rb_fault(error, RB_FAULT_FILE, "cannot create %s: %s", cli->config_dir, g_strerror(errno));
    ok = ok && rb_file_write(cli->config_file, text->str, text->len, 0600, error);
    g_string_free(text, TRUE);
    return ok;
}

RbHttp *
rb_cli_http(RbCli *cli, GError **error)
{
    const RbHttpOptions options = { .ca_file = cli->ca_file, .user_agent = "rolebridge-cli/" RB_VERSION };

    if (cli->http == NULL)
        cli->http = rb_http_new(&options, error);
    return cli->http;
}

void
rb_cli_clear(RbCli *cli)
{
    g_clear_pointer(&cli->http, rb_http_free);
    g_free(cli->bridge);
    g_free(cli->session);
    g_free(cli->region);
    g_free(cli->ca_file);
    g_free(cli->aws_dir);
    g_free(cli->config_file);
    g_free(cli->config_dir);
    g_free(cli->cache_dir);
}

static int
exit_for(const GError *error)
{
    if (rb_is_refusal(error, RB_SESSION_MISSING) || rb_is_refusal(error, RB_SESSION_EXPIRED) ||
        rb_is_refusal(error, RB_SSO_INVALID_GRANT) || rb_is_refusal(error, RB_SSO_INVALID_CLIENT))
        return RB_EXIT_SIGN_IN;
    if (error->domain == RB_REFUSAL)
        return RB_EXIT_REFUSED;
    return RB_EXIT_FAULT;
}

int
rb_cli_report(const RbCli *cli, const GError *error)
{
    const RbOutcome *outcome = rb_outcome(error);
    g_autofree char *reason = rb_text_printable(error->message, 2000);
    int status = exit_for(error);

    if (cli->json) {
        json_t *json =
            json_pack("{s:s, s:s, s:s, s:s}", "code", outcome->id, "message", reason, "what", outcome->what,
                      "next", status == RB_EXIT_SIGN_IN ? "Run 'rolebridge login'." : outcome->next);
        char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        fprintf(stderr, "%s\n", text != NULL ? text : "{}");
        free(text);
        json_decref(json);
        return status;
    }
    fprintf(stderr, "rolebridge: %s (%s)\n  %s\n  %s\n", reason, outcome->id, outcome->what,
            status == RB_EXIT_SIGN_IN ? "Run 'rolebridge login'." : outcome->next);
    return status;
}

void
rb_cli_print(const char *text)
{
    g_autofree char *shown = rb_text_printable(text, 4096);

    fputs(shown, stdout);
}

gboolean
rb_cli_open(const char *url)
{
    const char *program = g_getenv("BROWSER");
    const char *argv[] = { program != NULL ? program : "xdg-open", url, NULL };

    return g_spawn_async(NULL, (char **)argv, NULL,
                         G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                         NULL, NULL, NULL);
}

gboolean
rb_cli_duration(const char *text, gint64 *seconds)
{
    g_autofree char *number = NULL;
    gint64 unit = 1, count;
    gsize n;

    if (text == NULL)
        return TRUE;
    n = strlen(text);
    if (n > 0 && strchr("smh", text[n - 1]) != NULL) {
        unit = text[n - 1] == 'h' ? 3600 : text[n - 1] == 'm' ? 60 : 1;
        n--;
    }
    number = g_strndup(text, n);
    if (!g_ascii_string_to_signed(number, 10, 1, 1000000, &count, NULL))
        return FALSE;
    *seconds = count * unit;
    return TRUE;
}

int
rb_cli_lock(const RbCli *cli, const char *name, guint wait_s, GError **error)
{
    g_autofree char *path = g_strdup_printf("%s/%s.lock", cli->cache_dir, name);
    gint64 end = g_get_monotonic_time() + (gint64)wait_s * G_USEC_PER_SEC;
    int fd;

    if (g_mkdir_with_parents(cli->cache_dir, 0700) != 0 ||
        (fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0) {
        (void)rb_fault(error, RB_FAULT_FILE, "cannot lock %s: %s", path, g_strerror(errno));
        return -1;
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || g_get_monotonic_time() > end) {
            (void)rb_fault(error, RB_FAULT_FILE, "another rolebridge has held %s for %u s", path, wait_s);
            (void)close(fd);
            return -1;
        }
        g_usleep(20000);
    }
    return fd;
}
