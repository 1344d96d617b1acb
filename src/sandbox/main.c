#include "sandbox/box.h"
#include "sandbox/init.h"

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/refusal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_TROUBLE = 1, EXIT_USAGE = 2, MAX_PEM = 64 * 1024 };

static const char summary[] =
    "A corporation and an AWS in one box on loopback, to try rolebridge out and to test it:\n"
    "an identity provider (SAML and OpenID Connect) with the people of the sample organisation, a\n"
    "CI whose jobs have tokens, an STS, a console sign-in, and a source of AWS credentials for the\n"
    "bridge. Everybody's password is shown on its sign-in page: it listens on loopback only.\n\n"
    "  rolebridge-sandbox init DIR    make the keys and certificates that are missing in DIR\n"
    "  rolebridge-sandbox token       print a CI job's token: --repository, --ref, --environment, --audience";

static int
make_keys(const char *dir)
{
    RbClock clock = rb_clock_system();
    g_autoptr(GError) error = NULL;
    guint made;

    if (!rb_box_init(dir, rb_clock_now(&clock), &made, &error)) {
        (void)fprintf(stderr, "rolebridge-sandbox: %s\n", error->message);
        return EXIT_TROUBLE;
    }
    if (made == 0)
        (void)printf("%s: every key is there already\n", dir);
    else
        (void)printf("%s: made %u %s\n", dir, made, made == 1 ? "key" : "keys");
    return 0;
}

static int
show_problems(RbDiagnostics *problems, const GError *error)
{
    g_autofree char *text = rb_diagnostics_to_text(problems, FALSE);

    (void)fputs(text, stderr);
    if (error != NULL)
        (void)fprintf(stderr, "rolebridge-sandbox: %s\n", error->message);
    return EXIT_TROUBLE;
}

/* The TLS listener, when there is a certificate for it. */
static RbBoxServer *
listen_tls(const RbBoxConfig *config, RbBox *box, GError **error)
{
    g_autoptr(GBytes) certificate = rb_file_read(config->tls_certificate, MAX_PEM, error);
    g_autoptr(RbSecret) key = NULL;

    if (certificate != NULL)
        key = rb_file_read_secret(config->tls_key == NULL ? "" : config->tls_key, MAX_PEM, FALSE, error);
    return key == NULL ? NULL
                       : rb_box_server_new(config->listen, certificate, key, rb_box_answer, box, error);
}

static int
serve(RbBoxConfig *config, RbBox *box, const sigset_t *wait_for)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbBoxServer) tls = NULL;
    g_autoptr(RbBoxServer) clear = NULL;
    g_autofree char *roles = g_strdup_printf("%u", rb_box_n_roles(box));
    g_autofree char *people = g_strdup_printf("%u", config->people->len);
    g_autofree char *ports = NULL;
    int sig;

    if (config->tls_certificate != NULL)
        tls = listen_tls(config, box, &error);
    if (error == NULL && config->listen_clear != NULL)
        clear = rb_box_server_new(config->listen_clear, NULL, NULL, rb_box_answer, box, &error);
    if (error != NULL) {
        (void)fprintf(stderr, "rolebridge-sandbox: %s\n", error->message);
        return EXIT_TROUBLE;
    }
    ports = g_strdup_printf("%u %u", rb_box_server_port(tls), rb_box_server_port(clear));
    rb_log(RB_LOG_INFO, "sandbox.ready", "url", config->public_url, "ports", ports, "people", people, "roles",
           roles, NULL);
    (void)sigwait(wait_for, &sig);
    rb_log(RB_LOG_INFO, "sandbox.stopped", NULL);
    return 0;
}

static int
run(const char *path, const char *dir, gboolean check_only)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GError) error = NULL;
    RbBoxConfig *config = rb_box_config_load(path, dir, problems);
    g_autoptr(RbBox) box = NULL;
    sigset_t wait_for;

    if (config == NULL || rb_diagnostics_count(problems) > 0) {
        rb_box_config_free(config);
        return show_problems(problems, NULL);
    }
    (void)sigemptyset(&wait_for);
    (void)sigaddset(&wait_for, SIGTERM);
    (void)sigaddset(&wait_for, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &wait_for, NULL); /* before the first thread: all of them inherit it */
    box = rb_box_new(config, rb_clock_system(), problems, &error);
    if (box == NULL)
        return show_problems(problems, error);
    return check_only ? 0 : serve(config, box, &wait_for);
}

/* What a job finds in its token file. */
static int
print_token(const char *path, const char *dir, const RbBoxJob *job)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbBoxConfig) config = rb_box_config_load(path, dir, problems);
    g_autoptr(GError) error = NULL;
    g_autofree char *token = NULL;
    RbClock clock = rb_clock_system();
    RbBoxCi ci = { NULL, NULL };

    if (config == NULL || rb_diagnostics_count(problems) > 0 || !rb_box_load_ci(config, &ci, &error))
        return show_problems(problems, error);
    if (ci.key != NULL)
        token = rb_box_ci_token(&ci, job, rb_clock_now(&clock));
    rb_box_ci_clear(&ci);
    if (token == NULL) {
        (void)fputs("rolebridge-sandbox: the configuration has no ci.key\n", stderr);
        return EXIT_TROUBLE;
    }
    return puts(token) == EOF ? EXIT_TROUBLE : 0;
}

/* What is left of the command line when the options are read. */
static int
command(int argc, char **argv, const char *path, const char *dir, gboolean check_only, const RbBoxJob *job)
{
    if (argc == 3 && strcmp(argv[1], "init") == 0)
        return make_keys(argv[2]);
    if (argc == 2 && strcmp(argv[1], "token") == 0)
        return print_token(path, dir, job);
    if (argc == 1)
        return run(path, dir, check_only);
    (void)fprintf(stderr, "rolebridge-sandbox: '%s' is not understood here; see --help\n", argv[1]);
    return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    g_autofree char *path = NULL, *dir = NULL;
    g_autofree char *repository = NULL, *ref = NULL, *environment = NULL, *audience = NULL;
    gboolean check_only = FALSE, show_version = FALSE;
    const GOptionEntry entries[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &path, "Serve what FILE says, not the sample organisation",
          "FILE" },
        { "dir", 'd', 0, G_OPTION_ARG_FILENAME, &dir, "Where the sample's certs/ and mappings/ are [.]",
          "DIR" },
        { "check", 0, 0, G_OPTION_ARG_NONE, &check_only, "Only say what is wrong with the configuration",
          NULL },
        { "repository", 0, 0, G_OPTION_ARG_STRING, &repository,
          "token: the job's repository [acme/data-pipeline]", "NAME" },
        { "ref", 0, 0, G_OPTION_ARG_STRING, &ref, "token: its branch or tag [refs/heads/main]", "REF" },
        { "environment", 0, 0, G_OPTION_ARG_STRING, &environment, "token: its environment [none]", "NAME" },
        { "audience", 0, 0, G_OPTION_ARG_STRING, &audience, "token: whom it is for [rolebridge]", "NAME" },
        { "version", 0, 0, G_OPTION_ARG_NONE, &show_version, "Print the version", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GOptionContext) options = g_option_context_new("[init DIR | token]");
    g_autoptr(GError) error = NULL;

    rb_process_harden(0);
    g_option_context_add_main_entries(options, entries, NULL);
    g_option_context_set_summary(options, summary);
    if (!g_option_context_parse(options, &argc, &argv, &error)) {
        (void)fprintf(stderr, "rolebridge-sandbox: %s; see --help\n", error->message);
        return EXIT_USAGE;
    }
    if (show_version) {
        (void)puts("rolebridge-sandbox " RB_VERSION);
        return 0;
    }
    return command(argc, argv, path, dir == NULL ? "." : dir, check_only,
                   &(RbBoxJob){ repository, ref, audience, environment });
}
