#include "rolebridge/cli.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

extern const RbCommand rb_command_login, rb_command_logout, rb_command_whoami, rb_command_roles,
    rb_command_credentials, rb_command_exec, rb_command_console, rb_command_configure, rb_command_serve,
    rb_command_eks_token, rb_command_agent, rb_command_doctor, rb_command_completion;

static const RbCommand *const commands[] = {
    &rb_command_login,      &rb_command_roles,  &rb_command_credentials, &rb_command_exec,
    &rb_command_console,    &rb_command_serve,  &rb_command_eks_token,   &rb_command_configure,
    &rb_command_agent,      &rb_command_whoami, &rb_command_logout,      &rb_command_doctor,
    &rb_command_completion,
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
    if (*command->arguments == '\0' && *argc > 1) {
        fprintf(stderr, "%s: it takes no arguments; see '%s --help'\n", program, program);
        *status = RB_EXIT_USAGE;
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
    static const char *const keys[] = { "rolebridge", "bridge",  "session",   "region",
                                        "ca_file",    "keyring", "start_url", NULL };
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbYamlDocument) document = NULL;
    struct {
        const char *key;
        char **field;
    } fields[] = { { "bridge", &cli->bridge },
                   { "session", &cli->session },
                   { "region", &cli->region },
                   { "ca_file", &cli->ca_file },
                   { "start_url", &cli->start_url } };

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
    if (document != NULL && rb_diagnostics_count(problems) == 0)
        cli->keyring = rb_yaml_bool(rb_yaml_root(document), "keyring", FALSE, problems);
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

/* These end in ~/.aws/config and in file names. */
static gboolean
is_plain(const char *text, gsize max)
{
    gsize n = 0;

    while (g_ascii_isalnum(text[n]) || (text[n] != '\0' && strchr("-_.", text[n]) != NULL))
        n++;
    return n > 0 && n <= max && text[n] == '\0';
}

char *
rb_cli_origin(const char *address, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(address, G_URI_FLAGS_NONE, NULL);
    const char *host = uri == NULL ? NULL : g_uri_get_host(uri),
               *path = uri == NULL ? NULL : g_uri_get_path(uri);
    g_autofree char *quoted = rb_text_quote(address), *port = NULL;
    gboolean six;

    if (host == NULL || *host == '\0' || g_uri_get_userinfo(uri) != NULL || g_uri_get_query(uri) != NULL ||
        (!g_str_equal(g_uri_get_scheme(uri), "https") && !g_str_equal(g_uri_get_scheme(uri), "http"))) {
        (void)rb_cli_stop(error, RB_EXIT_USAGE, "%s is not an address like https://bridge.acme.example",
                          quoted);
        return NULL;
    }
    if (*path != '\0' && !g_str_equal(path, "/") && !g_str_equal(path, "/start") &&
        !g_str_equal(path, "/start/")) {
        (void)rb_cli_stop(error, RB_EXIT_USAGE,
                          "%s has a path; a bridge is at the root of its host: leave the path out", quoted);
        return NULL;
    }
    six = strchr(host, ':') != NULL;
    port = g_uri_get_port(uri) > 0 ? g_strdup_printf(":%d", g_uri_get_port(uri)) : g_strdup("");
    return g_strdup_printf("%s://%s%s%s%s", g_uri_get_scheme(uri), six ? "[" : "", host, six ? "]" : "",
                           port);
}

gboolean
rb_cli_settle(RbCli *cli, GError **error)
{
    const char *cache = g_getenv("ROLEBRIDGE_CACHE");
    char *origin;

    cli->config_dir = g_build_filename(g_get_user_config_dir(), "rolebridge", NULL);
    cli->config_file = g_build_filename(cli->config_dir, "config.yaml", NULL);
    cli->cache_dir = g_build_filename(g_get_user_cache_dir(), "rolebridge", NULL);
    cli->aws_dir = g_build_filename(g_get_home_dir(), ".aws", NULL);
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
    if (cache != NULL && *cache != '\0') {
        if (!g_str_equal(cache, "keyring") && !g_str_equal(cache, "file"))
            return rb_cli_stop(error, RB_EXIT_USAGE, "ROLEBRIDGE_CACHE is neither 'keyring' nor 'file'");
        cli->keyring = g_str_equal(cache, "keyring");
    }
    if (!is_plain(cli->region, 63) || !is_plain(cli->session, 63))
        return rb_cli_stop(error, RB_EXIT_USAGE,
                           "region and session are letters, digits, '-', '_' and '.' (at most 63 of them)");
    if (cli->bridge == NULL)
        return TRUE;
    origin = rb_cli_origin(cli->bridge, error);
    if (origin == NULL)
        return FALSE;
    g_free(cli->bridge);
    cli->bridge = origin;
    return TRUE;
}

gboolean
rb_cli_set_region(RbCli *cli, const char *region, GError **error)
{
    if (!is_plain(region, 63))
        return rb_cli_stop(error, RB_EXIT_USAGE, "a region is letters, digits, '-', '_' and '.'");
    g_free(cli->region);
    cli->region = g_strdup(region);
    return TRUE;
}

char *
rb_cli_aws_file(const RbCli *cli, const char *variable, const char *name)
{
    const char *stated = g_getenv(variable);

    return stated != NULL && *stated != '\0' ? g_strdup(stated) : g_build_filename(cli->aws_dir, name, NULL);
}

gboolean
rb_cli_make_folder(const char *path, GError **error)
{
    return g_mkdir_with_parents(path, 0700) == 0 ||
           rb_fault(error, RB_FAULT_FILE, "cannot create %s: %s", path, g_strerror(errno));
}

GStrv
rb_cli_lines(const char *path, gsize max_size, gint max_lines)
{
    g_autoptr(GBytes) bytes =
        g_file_test(path, G_FILE_TEST_EXISTS) ? rb_file_read(path, max_size, NULL) : NULL;
    g_autofree char *text = NULL;

    if (bytes == NULL)
        return g_new0(char *, 1);
    text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return g_strsplit(g_strchomp(text), "\n", max_lines);
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
                   { "ca_file", cli->ca_file },
                   { "start_url", cli->start_url } };
    gboolean ok;

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++)
        if (fields[i].value != NULL) {
            json_t *value = json_string(fields[i].value); /* JSON's quoting is YAML's too */
            char *quoted = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);
            g_string_append_printf(text, "%s: %s\n", fields[i].key, quoted != NULL ? quoted : "\"\"");
            free(quoted);
            json_decref(value);
        }
    if (cli->keyring)
        g_string_append(text, "keyring: true\n");
    ok = rb_cli_make_folder(cli->config_dir, error) &&
         rb_file_write(cli->config_file, text->str, text->len, 0600, error);
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
    g_free(cli->start_url);
    g_free(cli->aws_dir);
    g_free(cli->config_file);
    g_free(cli->config_dir);
    g_free(cli->cache_dir);
}

G_DEFINE_QUARK(rb - cli, rb_cli)

gboolean
rb_cli_stop(GError **error, RbExit status, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, RB_CLI, (int)status, message);
    return FALSE;
}

static int
exit_for(const GError *error)
{
    if (error->domain == RB_CLI)
        return error->code;
    if (rb_is_refusal(error, RB_SESSION_MISSING) || rb_is_refusal(error, RB_SESSION_EXPIRED) ||
        rb_is_refusal(error, RB_SSO_INVALID_GRANT) || rb_is_refusal(error, RB_SSO_INVALID_CLIENT))
        return RB_EXIT_SIGN_IN;
    if (error->domain == RB_REFUSAL)
        return RB_EXIT_REFUSED;
    return RB_EXIT_FAULT;
}

/* The catalogue speaks to people in a browser; these speak to those at a terminal. NULL: the message says it.
 */
static const char *
what_next(const GError *error)
{
    if (error->domain == RB_CLI || g_error_matches(error, RB_FAULT, RB_FAULT_FILE))
        return NULL;
    if (exit_for(error) == RB_EXIT_SIGN_IN)
        return "Run 'rolebridge login'.";
    if (g_error_matches(error, RB_FAULT, RB_FAULT_NETWORK))
        return "Try again; 'rolebridge doctor' looks into it.";
    return rb_outcome(error)->next;
}

int
rb_cli_report(const RbCli *cli, const GError *error)
{
    const RbOutcome *outcome = error->domain == RB_CLI ? NULL : rb_outcome(error);
    const char *next = what_next(error);
    g_autofree char *reason = rb_text_printable(error->message, 2000);
    int status = exit_for(error);

    (void)fflush(stdout);
    if (cli->json) {
        json_t *json = json_pack("{s:s, s:s, s:s*, s:s*, s:i}", "code",
                                 outcome != NULL ? outcome->id : "cli.usage", "message", reason, "what",
                                 outcome != NULL ? outcome->what : NULL, "next", next, "exit", status);
        char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
        fprintf(stderr, "%s\n", text != NULL ? text : "{}");
        free(text);
        json_decref(json);
        return status;
    }
    if (outcome == NULL)
        fprintf(stderr, "rolebridge: %s\n", reason);
    else
        fprintf(stderr, "rolebridge: %s (%s)\n", reason, outcome->id);
    if (next != NULL)
        fprintf(stderr, "  %s\n", next);
    return status;
}

void
rb_cli_print(const char *text)
{
    g_autofree char *shown = rb_text_printable(text, 4096);

    fputs(shown, stdout);
}

void
rb_cli_print_json(const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);

    puts(text != NULL ? text : "null");
    free(text);
}

void
rb_cli_default_signals(void)
{
    (void)signal(SIGPIPE, SIG_DFL);
}

int
rb_cli_done(int status)
{
    int saved;

    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    saved = errno;
    if (saved == EPIPE) { /* `rolebridge roles | head -1`: whoever read has read enough */
        rb_cli_default_signals();
        (void)raise(SIGPIPE);
    }
    fprintf(stderr, "rolebridge: not everything could be written: %s\n", g_strerror(saved));
    return RB_EXIT_FAULT;
}

guint
rb_cli_width(const char *text)
{
    guint width = 0;

    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (!g_unichar_iszerowidth(c))
            width += g_unichar_iswide(c) ? 2 : 1;
    }
    return width;
}

/* One program of $BROWSER, with its arguments; %s is where the address goes, else behind them. */
static gboolean
open_with(const char *program, const char *url)
{
    g_auto(GStrv) words = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    gboolean placed = FALSE;

    if (!g_shell_parse_argv(program, NULL, &words, NULL))
        return FALSE;
    for (char **word = words; *word != NULL; word++) {
        gboolean here = g_str_equal(*word, "%s");
        placed = placed || here;
        g_ptr_array_add(argv, here ? (char *)url : *word);
    }
    if (!placed)
        g_ptr_array_add(argv, (char *)url);
    g_ptr_array_add(argv, NULL);
    return g_spawn_async(NULL, (char **)argv->pdata, NULL,
                         G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                         NULL, NULL, NULL);
}

gboolean
rb_cli_open(const char *url)
{
    const char *stated = g_getenv("BROWSER");
    g_auto(GStrv) programs = g_strsplit(stated != NULL && *stated != '\0' ? stated : "xdg-open", ":", -1);

    for (char **program = programs; *program != NULL; program++)
        if (**program != '\0' && open_with(*program, url))
            return TRUE;
    return FALSE;
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

/* Opens the lock file in the cache folder, or where that cannot be written to, in XDG_RUNTIME_DIR. */
static int
open_lock(const RbCli *cli, const char *name, GError **error)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    g_autofree char *second = g_build_filename(runtime != NULL ? runtime : "", "rolebridge", NULL);
    const char *const folders[] = { cli->cache_dir, runtime != NULL && *runtime == '/' ? second : NULL };
    int fd = -1;

    for (gsize i = 0; i < G_N_ELEMENTS(folders) && fd < 0 && folders[i] != NULL; i++) {
        g_autofree char *path = g_strdup_printf("%s/%s.lock", folders[i], name);
        g_clear_error(error);
        if (!rb_cli_make_folder(folders[i], error))
            continue;
        fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            (void)rb_fault(error, RB_FAULT_FILE, "cannot lock %s: %s", path, g_strerror(errno));
    }
    return fd;
}

int
rb_cli_lock(const RbCli *cli, const char *name, guint wait_s, gboolean *waited, GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)wait_s * G_USEC_PER_SEC;
    g_autoptr(GError) none = NULL;
    int fd = open_lock(cli, name, error != NULL ? error : &none);

    if (waited != NULL)
        *waited = FALSE;
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (waited != NULL)
            *waited = errno == EWOULDBLOCK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            (void)rb_fault(error, RB_FAULT_FILE, "cannot lock '%s': %s", name, g_strerror(errno));
        else if (g_get_monotonic_time() > end)
            (void)rb_fault(error, RB_FAULT_FILE, "another rolebridge has held the lock '%s' for %u s", name,
                           wait_s);
        else {
            g_usleep(20000);
            continue;
        }
        (void)close(fd);
        return -1;
    }
    return fd;
}
