#include "rolebridgectl/doctor.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "issue/issue.h"
#include "mapping/mapping.h"
#include "rolebridgectl/command.h"
#include "serve/serve.h"
#include "verify/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/rolebridge/rolebridge.yaml"

enum {
    TEXT_MAX = 1000,
    CLOCK_WARNING_S = 30,
    CLOCK_WRONG_S = 240, /* AWS refuses signatures that are five minutes off */
    METADATA_SOON_S = 7 * 24 * 3600,
};

static const struct {
    const char *name, *colour;
} founds[RB_N_FOUND] = {
    [RB_FOUND_OK] = { "ok", "\033[32m" },
    [RB_FOUND_WARNING] = { "warning", "\033[33m" },
    [RB_FOUND_WRONG] = { "wrong", "\033[31m" },
    [RB_FOUND_UNKNOWN] = { "unknown", "\033[35m" },
};

void
rb_doctor_say(RbDoctor *doctor, RbFound found, const char *check, const char *next, const char *format, ...)
{
    g_autofree char *text = NULL, *shown = NULL, *then = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    shown = rb_text_printable(text, TEXT_MAX);
    then = next != NULL ? rb_text_printable(next, TEXT_MAX) : NULL;
    doctor->n[found]++;
    (void)json_array_append_new(doctor->rows, json_pack("{s:s, s:s, s:s, s:s*}", "check", check, "state",
                                                        founds[found].name, "detail", shown, "next", then));
    if (!doctor->json)
        g_print("%s%-7s%s  %-17s  %s%s%s\n", doctor->colour ? founds[found].colour : "", founds[found].name,
                doctor->colour ? "\033[0m" : "", check, shown, then != NULL ? "; " : "",
                then != NULL ? then : "");
}

/* ---- the configuration, and what other rooms say of it ---- */

/* A line for each; TRUE when none is an error. */
static gboolean
say_problems(RbDoctor *doctor, const char *check, RbDiagnostics *problems)
{
    for (guint i = 0; i < rb_diagnostics_size(problems); i++) {
        const RbDiagnostic *row = rb_diagnostics_get(problems, i);
        RbFound found = row->severity == RB_SEVERITY_ERROR ? RB_FOUND_WRONG : RB_FOUND_WARNING;
        if (row->line == 0)
            rb_doctor_say(doctor, found, check, row->hint, "%s: %s", row->file, row->message);
        else
            rb_doctor_say(doctor, found, check, row->hint, "%s:%u:%u: %s", row->file, row->line, row->column,
                          row->message);
    }
    return rb_diagnostics_count(problems) == 0;
}

/* The rooms that the service wires; either may be NULL when its part of the configuration is wrong. */
typedef struct {
    RbProviders *providers;
    RbIssuer *issuer;
} Rooms;

static void
rooms_clear(Rooms *rooms)
{
    rb_providers_free(rooms->providers);
    rb_issuer_free(rooms->issuer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Rooms, rooms_clear)

static void
load_rooms(RbDoctor *doctor, Rooms *rooms, RbDiagnostics *problems)
{
    const RbConfig *config = doctor->config;
    const RbProviderSetting setting = { config->public_url, config->base_dir, config->skew_s, doctor->http };
    const RbIssuerSetting issuer = rb_config_issuer(config, doctor->http);
    const RbServeSetting serve =
        rb_config_serve(config, NULL, NULL); /* the certificate has a check of its own */
    g_autoptr(GError) why = NULL;

    if (config->identity_providers != NULL)
        rooms->providers = rb_providers_load(config->identity_providers, config->mfa, &setting, problems);
    rooms->issuer = rb_issuer_new(&issuer, problems);
    if (!rb_serve_check(&serve, &why))
        rb_diagnostics_error(problems, doctor->path, 0, 0, NULL, "%s", why->message);
}

static void
open_http(RbDoctor *doctor)
{
    const RbHttpOptions options = { .ca_file = doctor->config->ca_file };
    g_autoptr(GError) why = NULL;

    doctor->http = rb_http_new(&options, &why);
    if (doctor->http == NULL)
        rb_doctor_say(doctor, RB_FOUND_WRONG, "outgoing",
                      "check outgoing.ca_file and the package ca-certificates", "%s", why->message);
}

/* @own: (out): whether an account is entered with the service's own credentials; TRUE when it cannot be told.
 */
static void
check_mapping(RbDoctor *doctor, const RbProviders *providers, gboolean *own)
{
    const char *directory = doctor->config->mappings_dir;
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbSnapshot) snapshot = rb_snapshot_load(directory, problems);
    RbSnapshotSize size;

    if (snapshot != NULL && providers != NULL) {
        g_autofree const char **ids = rb_providers_ids(providers);
        rb_snapshot_check_providers(snapshot, ids, problems);
    }
    (void)say_problems(doctor, "mapping", problems);
    *own = snapshot == NULL || rb_snapshot_uses(snapshot, RB_ISSUE_ASSUME_ROLE);
    if (snapshot == NULL)
        return;
    size = rb_snapshot_size(snapshot);
    rb_doctor_say(doctor, RB_FOUND_OK, "mapping", NULL, "%s: %u accounts, %u roles, %u assignments",
                  directory, size.n_accounts, size.n_roles, size.n_assignments);
}

/* ---- identity providers ---- */

static void
say_provider(RbDoctor *doctor, const char *id, const json_t *status)
{
    const char *failure = json_string_value(json_object_get(status, "failure"));
    const char *warning = json_string_value(json_object_get(status, "warning"));
    const char *source = json_string_value(json_object_get(status, "source"));
    gsize n = json_array_size(json_object_get(status, "keys"));
    gint64 until = json_integer_value(json_object_get(status, "valid_until"));
    g_autofree char *time = until != 0 ? rb_time_format(until) : NULL;

    if (failure != NULL)
        rb_doctor_say(doctor, RB_FOUND_WRONG, "identity provider",
                      source != NULL && g_str_has_prefix(source, "http")
                          ? "fetch it with curl from this machine: name, way out, certificate"
                          : "get its metadata anew from the people who run it",
                      "'%s': %s", id, failure);
    else if (!json_is_true(json_object_get(status, "usable")))
        rb_doctor_say(doctor, RB_FOUND_WRONG, "identity provider", "get its metadata anew",
                      "'%s': its metadata was valid until %s", id, time != NULL ? time : "some time");
    else if (n == 0)
        rb_doctor_say(doctor, RB_FOUND_WRONG, "identity provider", "get its metadata anew",
                      "'%s': there is no signing key in its metadata", id);
    else if (until != 0 && until - doctor->now < METADATA_SOON_S)
        rb_doctor_say(doctor, RB_FOUND_WARNING, "identity provider", "have it renewed before",
                      "'%s': its metadata is valid until %s only", id, time);
    else
        rb_doctor_say(doctor, RB_FOUND_OK, "identity provider", NULL,
                      "'%s': %" G_GSIZE_FORMAT " signing key%s, metadata valid %s%s", id, n,
                      n == 1 ? "" : "s", time != NULL ? "until " : "without end", time != NULL ? time : "");
    if (warning != NULL)
        rb_doctor_say(doctor, RB_FOUND_WARNING, "identity provider", NULL, "'%s': %s", id, warning);
}

static void
check_providers(RbDoctor *doctor, const RbProviders *providers)
{
    for (guint i = 0; i < rb_providers_size(providers); i++) {
        RbProvider *provider = rb_providers_item(providers, i);
        g_autoptr(GError) why = NULL; /* also in the status */
        json_t *status;
        rb_provider_hurry(provider);
        (void)rb_provider_refresh(provider, doctor->now, &why);
        status = rb_provider_status(provider, doctor->now);
        say_provider(doctor, rb_provider_id(provider), status);
        json_decref(status);
    }
}

/* ---- AWS ---- */

static void
check_own_credentials(RbDoctor *doctor, RbIssuer *issuer)
{
    g_autofree char *holder = rb_issuer_long_lived(issuer);
    g_autoptr(GError) why = NULL;
    json_t *status;
    const char *source, *until;

    (void)rb_issuer_refresh(issuer, doctor->now, &why);
    status = rb_issuer_status(issuer, doctor->now);
    source = json_string_value(json_object_get(status, "source"));
    until = json_string_value(json_object_get(status, "expiration"));
    if (source == NULL)
        rb_doctor_say(doctor, RB_FOUND_WRONG, "aws credentials",
                      "give this machine, task or pod a role; the service's own user and environment count "
                      "(docs/aws-credentials.md)",
                      "%s", why != NULL ? why->message : "there are none");
    else if (why != NULL)
        rb_doctor_say(doctor, RB_FOUND_WARNING, "aws credentials",
                      "they serve to their end, then nothing does", "from %s, and could not be renewed: %s",
                      source, why->message);
    else if (holder != NULL || json_is_true(json_object_get(status, "long_lived")))
        rb_doctor_say(
            doctor, RB_FOUND_WARNING, "aws credentials",
            "give the service an instance, task or pod role, then delete the key (docs/aws-credentials.md)",
            "an access key that never expires signs for everybody (%s)", holder != NULL ? holder : source);
    else
        rb_doctor_say(doctor, RB_FOUND_OK, "aws credentials", NULL, "from %s, %s%s", source,
                      until != NULL ? "until " : "without a stated end", until != NULL ? until : "");
    json_decref(status);
}

static void
check_clock(RbDoctor *doctor, const char *date, gint64 now)
{
    struct tm tm = { 0 };
    gint64 off;

    if (date == NULL || strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL) {
        rb_doctor_say(doctor, RB_FOUND_UNKNOWN, "clock", "compare it with another: timedatectl",
                      "STS did not say what time it is");
        return;
    }
    off = now - (gint64)timegm(&tm);
    rb_doctor_say(doctor,
                  ABS(off) >= CLOCK_WRONG_S     ? RB_FOUND_WRONG
                  : ABS(off) >= CLOCK_WARNING_S ? RB_FOUND_WARNING
                                                : RB_FOUND_OK,
                  "clock", ABS(off) >= CLOCK_WARNING_S ? "have this machine keep time: timedatectl" : NULL,
                  "%" G_GINT64_FORMAT " s from that of STS", off);
}

static void
check_sts(RbDoctor *doctor, const RbIssuer *issuer)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *url = rb_issuer_sts_url(issuer, &why);
    g_autoptr(RbHttpRequest) request = url != NULL ? rb_http_request_new("GET", url) : NULL;
    g_autoptr(RbHttpResponse) response = NULL;
    RbClock clock = rb_clock_system();

    if (request != NULL) {
        rb_http_request_limits(request, 3000, 10000, 256 * 1024);
        response = rb_http_fetch(doctor->http, request, &why);
    }
    if (response == NULL) {
        rb_doctor_say(doctor, RB_FOUND_WRONG, "sts",
                      "check aws.region and the way out: nobody gets credentials", "%s", why->message);
        return;
    }
    rb_doctor_say(doctor, response->status < 500 ? RB_FOUND_OK : RB_FOUND_WRONG, "sts",
                  response->status < 500 ? NULL : "see AWS's health page, or who answers at this address",
                  "%s answers (%d)", url, response->status);
    check_clock(doctor, rb_http_response_header(response, "date"), rb_clock_now(&clock));
}

/* ---- the command ---- */

static void
examine(RbDoctor *doctor)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbConfig) config = NULL;
    g_auto(Rooms) rooms = { NULL, NULL };
    gboolean own = TRUE;

    if (access(doctor->path, R_OK) != 0) {
        rb_doctor_say(doctor, RB_FOUND_UNKNOWN, "configuration",
                      "name it with --config FILE, and run this as root or the service's user",
                      "%s cannot be read", doctor->path);
        return;
    }
    config = rb_config_load(doctor->path, problems);
    doctor->config = config;
    if (config != NULL) {
        open_http(doctor);
        load_rooms(doctor, &rooms, problems);
    }
    if (say_problems(doctor, "configuration", problems) && config != NULL)
        rb_doctor_say(doctor, RB_FOUND_OK, "configuration", NULL, "%s: %s", doctor->path, config->public_url);
    if (config == NULL)
        return;
    rb_doctor_files(doctor);
    rb_doctor_tls(doctor);
    rb_doctor_ports(doctor);
    check_mapping(doctor, rooms.providers, &own);
    rb_doctor_store(doctor);
    if (rooms.providers != NULL)
        check_providers(doctor, rooms.providers);
    if (rooms.issuer != NULL && doctor->http != NULL) {
        check_sts(doctor, rooms.issuer);
        if (own)
            check_own_credentials(doctor, rooms.issuer);
        else
            rb_doctor_say(doctor, RB_FOUND_OK, "aws credentials", NULL,
                          "none are needed: every account trusts this service itself");
    }
    g_clear_pointer(&rooms.issuer, rb_issuer_free); /* they hold the client */
    g_clear_pointer(&rooms.providers, rb_providers_free);
    g_clear_pointer(&doctor->http, rb_http_free);
}

static int
verdict(const RbDoctor *doctor)
{
    return doctor->n[RB_FOUND_WRONG] > 0     ? RB_EXIT_NO
           : doctor->n[RB_FOUND_UNKNOWN] > 0 ? RB_EXIT_FAULT
                                             : RB_EXIT_OK;
}

static void
print_end(const RbDoctor *doctor)
{
    if (doctor->json) {
        json_t *all = json_pack("{s:b, s:O}", "ok", verdict(doctor) == RB_EXIT_OK, "checks", doctor->rows);
        char *text = json_dumps(all, JSON_INDENT(2));
        g_print("%s\n", text);
        free(text);
        json_decref(all);
        return;
    }
    g_print("%u ok, %u warning%s, %u wrong, %u unknown\n", doctor->n[RB_FOUND_OK],
            doctor->n[RB_FOUND_WARNING], doctor->n[RB_FOUND_WARNING] == 1 ? "" : "s",
            doctor->n[RB_FOUND_WRONG], doctor->n[RB_FOUND_UNKNOWN]);
}

static int
run(int argc, char **argv)
{
    g_autofree char *config = NULL;
    RbClock clock = rb_clock_system();
    RbDoctor doctor = { .path = DEFAULT_CONFIG, .now = rb_clock_now(&clock) };
    const GOptionEntry options[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config, "default: " DEFAULT_CONFIG, "FILE" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &doctor.json, "print one JSON object", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = rb_command_context(
        NULL,
        "Checks what the service needs on this machine and says what to do: configuration, file modes, TLS\n"
        "certificate, ports, mapping, store, disk, identity providers, STS, clock, the service's own AWS "
        "credentials.\n"
        "It changes nothing, and may run beside the service. Run it as the service's user, with its "
        "environment.",
        "Examples:\n  rolebridgectl doctor\n"
        "  CREDENTIALS_DIRECTORY=/etc/rolebridge rolebridgectl doctor    # the TLS key, as the unit gives "
        "it\n"
        "  rolebridgectl doctor --json | jq -r '.checks[] | select(.state != \"ok\") | .detail'\n\n"
        "Exit codes: 0 all is well (warnings are none), 1 something is wrong, 2 usage, 4 something could not "
        "be "
        "told.\n");

    g_option_context_add_main_entries(context, options, NULL);
    if (!rb_command_parse(context, argc, argv))
        return RB_EXIT_USAGE;
    if (config != NULL)
        doctor.path = config;
    doctor.colour = !doctor.json && isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL;
    doctor.rows = json_array();
    examine(&doctor);
    print_end(&doctor);
    json_decref(doctor.rows);
    return verdict(&doctor);
}

const RbCommand rb_command_doctor = { "doctor", "checks what the service needs, and says what to do", run };
