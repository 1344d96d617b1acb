#include "base/encoding.h"
#include "rolebridge/bridge.h"
#include "rolebridge/keyring.h"
#include "rolebridge/profiles.h"
#include "rolebridge/token.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "Check what sign-in and credentials need on this machine, and say what to do",
    .details =
        "Checks the configuration, the bridge, the clock, the cached sign-in, files and folders, the "
        "keyring, "
        "profiles, the AWS\n"
        "CLI and variables that would get in the way. Exit code 0: all is well, 1: something is not.\n\n"
        "Example:\n  rolebridge doctor",
    .run = run,
};

typedef struct {
    RbCli *cli;
    guint wrong;
    json_t *rows;
} Doctor;

static void report(Doctor *d, gboolean ok, const char *what, const char *format, ...) G_GNUC_PRINTF(4, 5);

static void
report(Doctor *d, gboolean ok, const char *what, const char *format, ...)
{
    g_autofree char *text = NULL, *shown = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    shown = rb_text_printable(text, 1000);
    d->wrong += ok ? 0 : 1;
    (void)json_array_append_new(d->rows,
                                json_pack("{s:s, s:b, s:s}", "check", what, "ok", ok, "detail", shown));
    if (!d->cli->json)
        printf("%s%-5s%s %-14s %s\n",
               !d->cli->colour ? ""
               : ok            ? "\033[32m"
                               : "\033[31m",
               ok ? "ok" : "wrong", d->cli->colour ? "\033[0m" : "", what, shown);
}

/* How far this machine's clock is from the one in the answer's Date. */
static void
check_clock(Doctor *d, const char *date)
{
    g_autoptr(GDateTime) theirs = NULL;
    struct tm tm = { 0 };
    gint64 off;

    if (date == NULL || strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
        return;
    theirs =
        g_date_time_new_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (theirs == NULL)
        return;
    off = rb_clock_now(&d->cli->clock) - g_date_time_to_unix(theirs);
    report(d, ABS(off) <= 60, "clock", "%" G_GINT64_FORMAT " s from the bridge's%s", off,
           ABS(off) > 60 ? "; set this machine's clock, or AWS will refuse signatures" : "");
}

static void
check_bridge(Doctor *d)
{
    g_autoptr(GError) error = NULL;
    RbHttp *http = rb_cli_http(d->cli, &error);
    g_autofree char *url = g_strconcat(d->cli->bridge, "/healthz", NULL);
    g_autoptr(RbHttpRequest) request = rb_http_request_new("GET", url);
    g_autoptr(RbHttpResponse) response = NULL;

    rb_http_request_limits(request, 5000, 10000, 64 * 1024);
    response = http == NULL ? NULL : rb_http_fetch(http, request, &error);
    if (response == NULL) {
        report(d, FALSE, "bridge", "%s; is the address right, and this network allowed to reach it?",
               error->message);
        return;
    }
    report(d, response->status == 200, "bridge", "%s answers with %d%s", d->cli->bridge, response->status,
           response->status == 200 ? "" : "; it should be 200: is it a rolebridge?");
    check_clock(d, rb_http_response_header(response, "date"));
}

static void
check_sign_in(Doctor *d)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbToken) token = rb_token_fresh(d->cli, &error);
    g_autofree char *path = rb_token_path(d->cli);
    struct stat st;

    if (token == NULL) {
        report(d, FALSE, "sign-in", "%s; run: rolebridge login", error->message);
        return;
    }
    {
        g_autofree char *until = rb_time_format(token->expires_at);
        report(d, TRUE, "sign-in", "good until %s%s", until,
               token->refresh_token != NULL ? ", renewed by itself" : "");
    }
    if (stat(path, &st) == 0)
        report(d, (st.st_mode & 077) == 0, "cache", "%s has mode %03o%s", path, (guint)(st.st_mode & 0777),
               (st.st_mode & 077) != 0 ? "; run: chmod 600 it" : "");
}

static void
check_variables(Doctor *d)
{
    static const char *const variables[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                             "AWS_SESSION_TOKEN" };
    static const char *const ignored[] = { "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ENDPOINT_URL" };

    for (gsize i = 0; i < G_N_ELEMENTS(variables); i++)
        if (g_getenv(variables[i]) != NULL)
            report(d, FALSE, "environment", "%s is set and beats every profile; unset it", variables[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(ignored); i++)
        if (g_getenv(ignored[i]) != NULL)
            report(d, FALSE, "environment", "%s is set and changes where every AWS call goes; unset it",
                   ignored[i]);
}

/* Each of our profiles must be the one that SDKs find. */
static void
check_profiles(Doctor *d)
{
    g_autofree char *path = rb_cli_aws_file(d->cli, "AWS_CONFIG_FILE", "config");
    g_autofree char *beside = rb_cli_aws_file(d->cli, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    g_autofree char *config = NULL, *credentials = NULL;
    g_autoptr(GPtrArray) ours = NULL, hidden = NULL;

    if (!g_file_get_contents(path, &config, NULL, NULL) || (ours = rb_profiles_ours(config)) == NULL)
        return;
    if (!g_file_get_contents(beside, &credentials, NULL, NULL))
        credentials = g_strdup("");
    hidden = rb_profiles_defined(credentials, ours);
    for (guint i = 0; i < hidden->len; i++)
        report(d, FALSE, "profiles", "'%s' of %s is beaten by keys of that name in %s; take them out",
               (const char *)g_ptr_array_index(hidden, i), path, beside);
    if (hidden->len == 0)
        report(d, TRUE, "profiles", "%u in %s", ours->len, path);
}

static void
check_keyring(Doctor *d)
{
    g_autofree char *why = NULL;
    gboolean answers = rb_keyring_answers(&why);

    if (d->cli->keyring)
        report(d, answers, "keyring", "%s%s", answers ? "holds role credentials" : why,
               answers ? ""
                       : "; nothing is cached until it answers, or 'rolebridge login --no-keyring' says "
                         "files will do");
    else
        report(d, TRUE, "keyring", "%s",
               answers ? "not used: role credentials are in files of mode 0600; 'rolebridge login --keyring' "
                         "moves them"
                       : "there is none here; role credentials are in files of mode 0600");
}

/* Locks and cached credentials need a place. */
static void
check_folders(Doctor *d)
{
    const char *const folders[] = { d->cli->cache_dir, d->cli->config_dir };
    g_autofree char *tokens = g_build_filename(d->cli->aws_dir, "sso", "cache", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(folders) + 1; i++) {
        const char *folder = i < G_N_ELEMENTS(folders) ? folders[i] : tokens;
        g_autoptr(GError) error = NULL;
        struct stat st;
        if (!rb_cli_make_folder(folder, &error) || access(folder, W_OK) != 0 || stat(folder, &st) != 0)
            report(d, FALSE, "folders", "%s cannot be written to: nothing is kept there", folder);
        else if ((st.st_mode & 022) != 0)
            report(d, FALSE, "folders", "%s can be changed by others (mode %03o); run: chmod 700 %s", folder,
                   (guint)(st.st_mode & 0777), folder);
    }
}

static void
check_programs(Doctor *d)
{
    g_autofree char *aws = g_find_program_in_path("aws"), *out = NULL;
    const char *argv[] = { aws, "--version", NULL };

    if (aws == NULL) {
        report(d, TRUE, "aws", "the AWS CLI is not installed; nothing here needs it");
        return;
    }
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, NULL, NULL)) {
        report(d, FALSE, "aws", "%s does not start", aws);
        return;
    }
    report(d, TRUE, "aws", "%s: %s", aws, g_strchomp(out));
}

static int
run(RbCli *cli, int argc, char **argv)
{
    Doctor d = { .cli = cli };
    int status;

    if (!rb_cli_parse(cli, &rb_command_doctor, NULL, &argc, &argv, &status))
        return status;
    d.rows = json_array();
    if (cli->bridge == NULL)
        report(&d, FALSE, "configuration", "no bridge is configured; run: rolebridge login URL");
    else {
        report(&d, TRUE, "configuration", "%s, session '%s', region %s", cli->bridge, cli->session,
               cli->region);
        check_bridge(&d);
        check_sign_in(&d);
    }
    check_folders(&d);
    check_keyring(&d);
    check_profiles(&d);
    check_variables(&d);
    check_programs(&d);
    if (cli->json)
        rb_cli_print_json(d.rows);
    json_decref(d.rows);
    return d.wrong == 0 ? RB_EXIT_OK : RB_EXIT_REFUSED;
}
