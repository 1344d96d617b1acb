#include "rolebridgectl/audit.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/refusal.h"
#include "base/yaml.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/rolebridge/rolebridge.yaml"
#define DEFAULT_STORE "sqlite:///var/lib/rolebridge/state.db" /* as the service's */

enum { HEAD_FILE_MAX = 1024 * 1024 };

/* Everything the command line can say. */
typedef struct {
    char *store, *config;
    char *since, *until, *kind, *name, *account, *role, *code, *incident, *access_key, *head;
    gint limit;
    gboolean json, help;
    char **rest; /* NULL-terminated */
} Asked;

static void
asked_clear(Asked *asked)
{
    char **const texts[] = { &asked->store, &asked->config,   &asked->since,      &asked->until,
                             &asked->kind,  &asked->name,     &asked->account,    &asked->role,
                             &asked->code,  &asked->incident, &asked->access_key, &asked->head };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_clear_pointer(texts[i], g_free);
    g_strfreev(asked->rest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

static const char usage[] =
    "Usage: rolebridgectl audit show|export|verify|head|trace [OPTION…]\n"
    "\n"
    "Reads the audit log; may run beside the service.\n"
    "\n"
    "  show               the newest records as a table (50, or --limit), the oldest of them first\n"
    "  export             all records as JSON lines, oldest first; the log's head on stderr\n"
    "  verify             walks the whole chain; the first record that was changed or is missing is named\n"
    "  head               where the log ends now: keep it elsewhere, for verify --head\n"
    "  trace ACCESS_KEY   who had these credentials, through which group and assignment, until when\n"
    "\n"
    "  --store URI        the store; default: 'store' in --config\n"
    "  --config FILE      default: " DEFAULT_CONFIG "\n"
    "  --since, --until T 2026-11-24T09:00:00Z, 2026-11-24, or 90m, 12h, 7d, 4w ago; until is not included\n"
    "  --kind K           sign-in, sign-out, refusal, decision, lease, mapping, service\n"
    "  --name, --account, --role, --code, --incident, --access-key VALUE   exactly this\n"
    "  --limit N          show: the newest N; export: the oldest N\n"
    "  --head HEAD|FILE   verify: what 'head' or 'export' printed before\n"
    "  --json             show: as export does; trace: one JSON object\n"
    "\n"
    "Exit codes: 0 done, 1 the log is broken or has no such key, 2 usage, 4 could not tell.\n"
    "\n"
    "  rolebridgectl audit show --name alice --since 7d\n"
    "  rolebridgectl audit export --since 2026-11-01 --until 2026-12-01 >november.jsonl 2>november.head\n"
    "  rolebridgectl audit verify --head november.head\n"
    "  rolebridgectl audit trace ASIABTX3GSDSQBNMGHLQ\n";

static gboolean
parse(Asked *asked, int argc, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        { "store", 0, 0, G_OPTION_ARG_STRING, &asked->store, NULL, NULL },
        { "config", 0, 0, G_OPTION_ARG_FILENAME, &asked->config, NULL, NULL },
        { "since", 0, 0, G_OPTION_ARG_STRING, &asked->since, NULL, NULL },
        { "until", 0, 0, G_OPTION_ARG_STRING, &asked->until, NULL, NULL },
        { "kind", 0, 0, G_OPTION_ARG_STRING, &asked->kind, NULL, NULL },
        { "name", 0, 0, G_OPTION_ARG_STRING, &asked->name, NULL, NULL },
        { "account", 0, 0, G_OPTION_ARG_STRING, &asked->account, NULL, NULL },
        { "role", 0, 0, G_OPTION_ARG_STRING, &asked->role, NULL, NULL },
        { "code", 0, 0, G_OPTION_ARG_STRING, &asked->code, NULL, NULL },
        { "incident", 0, 0, G_OPTION_ARG_STRING, &asked->incident, NULL, NULL },
        { "access-key", 0, 0, G_OPTION_ARG_STRING, &asked->access_key, NULL, NULL },
        { "limit", 0, 0, G_OPTION_ARG_INT, &asked->limit, NULL, NULL },
        { "head", 0, 0, G_OPTION_ARG_FILENAME, &asked->head, NULL, NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &asked->json, NULL, NULL },
        { "help", 'h', 0, G_OPTION_ARG_NONE, &asked->help, NULL, NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &asked->rest, NULL, NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    GOptionContext *context = g_option_context_new(NULL);
    g_autoptr(GPtrArray) copy = g_ptr_array_new();
    g_autofree char **list = NULL;
    gboolean parsed;

    for (int i = 0; i < argc; i++)
        g_ptr_array_add(copy, argv[i]);
    g_ptr_array_add(copy, NULL);
    list = (char **)g_ptr_array_free(g_steal_pointer(&copy), FALSE); /* GOption moves entries about */
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, entries, NULL);
    parsed = g_option_context_parse(context, &argc, &list, error);
    g_option_context_free(context);
    return parsed;
}

static int wrong(const RbAuditConsole *console, const char *format, ...) G_GNUC_PRINTF(2, 3);

static int
wrong(const RbAuditConsole *console, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(console->err, "rolebridgectl: %s; 'rolebridgectl audit --help' says more\n", text);
    return RB_AUDIT_EXIT_USAGE;
}

gboolean
rb_audit_time(const char *text, gint64 now, gint64 *utc_s)
{
    static const struct {
        char unit;
        gint64 seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
    g_autofree char *midnight = g_strconcat(text, "T00:00:00Z", NULL);
    gsize length = strlen(text);
    g_autofree char *digits = g_strndup(text, length > 0 ? length - 1 : 0);
    guint64 n;

    if (rb_time_parse(text, utc_s) || (length == 10 && rb_time_parse(midnight, utc_s)))
        return TRUE;
    if (!g_ascii_string_to_unsigned(digits, 10, 0, 1000000, &n, NULL))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(units); i++)
        if (text[length - 1] == units[i].unit) {
            *utc_s = MAX(1, now - (gint64)n * units[i].seconds);
            return TRUE;
        }
    return FALSE;
}

static int
read_times(const RbAuditConsole *console, const Asked *asked, RbAuditFilter *filter)
{
    gint64 now = rb_clock_now(&console->clock);
    const char *bad = NULL;

    if (asked->since != NULL && !rb_audit_time(asked->since, now, &filter->since))
        bad = asked->since;
    if (asked->until != NULL && !rb_audit_time(asked->until, now, &filter->until))
        bad = asked->until;
    if (bad != NULL) {
        g_autofree char *quoted = rb_text_quote(bad);
        return wrong(console, "%s is no time; write 2026-11-24T09:00:00Z, 2026-11-24, or 90m, 12h, 7d, 4w",
                     quoted);
    }
    return RB_AUDIT_EXIT_OK;
}

static int
read_filter(const RbAuditConsole *console, const Asked *asked, RbAuditFilter *filter)
{
    const char *kinds[RB_N_AUDITS + 1] = { NULL };

    *filter = (RbAuditFilter){ .kind = asked->kind,
                               .name = asked->name,
                               .account = asked->account,
                               .role = asked->role,
                               .code = asked->code,
                               .incident = asked->incident,
                               .access_key_id = asked->access_key,
                               .limit = (guint)MAX(asked->limit, 0) };
    for (guint i = 0; i < RB_N_AUDITS; i++)
        kinds[i] = rb_audit_kind_name((RbAuditKind)i);
    if (asked->kind != NULL && !g_strv_contains(kinds, asked->kind)) {
        g_autofree char *quoted = rb_text_quote(asked->kind);
        const char *near = rb_text_nearest(asked->kind, kinds);
        return near != NULL
                   ? wrong(console, "no kind of record is called %s; did you mean '%s'?", quoted, near)
                   : wrong(console, "no kind of record is called %s", quoted);
    }
    if (asked->limit < 0)
        return wrong(console, "--limit %d is less than nothing", asked->limit);
    return read_times(console, asked, filter);
}

/* What went wrong, for whoever typed the command; the exit code that says whether it is an answer. */
static int
report(const RbAuditConsole *console, const GError *error)
{
    gboolean refusal = error->domain == RB_REFUSAL;

    fprintf(console->err, "rolebridgectl: %s\n", error->message);
    if (rb_is_refusal(error, RB_AUDIT_BROKEN))
        fprintf(console->err, "%s\n", rb_outcome(error)->next);
    return refusal ? RB_AUDIT_EXIT_REFUSED : RB_AUDIT_EXIT_FAULT;
}

/* As the service reads it: a relative path counts from the folder of the configuration. */
static char *
resolve_store(const char *config, const char *uri)
{
    g_autofree char *folder = g_path_get_dirname(config);
    g_autofree char *absolute = NULL, *path = NULL;

    if (!g_str_has_prefix(uri, "sqlite:") || uri[strlen("sqlite:")] == '/' || uri[strlen("sqlite:")] == '\0')
        return g_strdup(uri); /* absolute, or what the store itself refuses */
    absolute = g_canonicalize_filename(folder, NULL);
    path = g_canonicalize_filename(uri + strlen("sqlite:"), absolute);
    return g_strconcat("sqlite://", path, NULL);
}

/* The `store` of rolebridge.yaml. */
static char *
configured_store(const char *path, GError **error)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbYamlDocument) document = rb_yaml_load(path, path, problems);
    g_autofree char *line = NULL;
    const char *uri = document != NULL ? rb_yaml_text(rb_yaml_get(rb_yaml_root(document), "store")) : NULL;

    if (document == NULL) {
        line = rb_diagnostics_to_line(problems);
        (void)rb_fault(error, RB_FAULT_FILE, "%s; name the store with --store, or its file with --config",
                       line);
        return NULL;
    }
    return uri != NULL ? resolve_store(path, uri) : g_strdup(DEFAULT_STORE);
}

static RbStore *
open_store(const Asked *asked, GError **error)
{
    g_autofree char *uri =
        asked->store != NULL
            ? g_strdup(asked->store)
            : configured_store(asked->config != NULL ? asked->config : DEFAULT_CONFIG, error);

    return uri != NULL ? rb_store_open_read_only(uri, error) : NULL;
}

/* A head as given, or the last one in a file as `export` and `head` leave it. */
static gboolean
read_head(const char *text, RbAuditHead *head, GError **error)
{
    g_autofree char *quoted = rb_text_quote(text);
    g_autoptr(GBytes) bytes = NULL;
    g_autofree char *content = NULL;
    g_auto(GStrv) words = NULL;
    gboolean found = FALSE;

    if (rb_audit_head_parse(text, head))
        return TRUE;
    bytes = rb_file_read(text, HEAD_FILE_MAX, error);
    if (bytes == NULL)
        return FALSE;
    content = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    words = g_strsplit_set(content, " \t\r\n", -1);
    for (guint i = 0; words[i] != NULL; i++)
        found = rb_audit_head_parse(words[i], head) || found;
    return found || rb_fault(error, RB_FAULT_FILE, "there is no head of an audit log in %s", quoted);
}

static gboolean
verify(const RbAuditConsole *console, RbStore *store, const char *known, GError **error)
{
    RbAuditHead from = { 0 }, head;
    g_autofree char *text = NULL;

    if ((known != NULL && !read_head(known, &from, error)) ||
        !rb_audit_verify(store, known != NULL ? &from : NULL, &head, error))
        return FALSE;
    text = rb_audit_head_to_text(&head);
    fprintf(console->out, "whole: %" G_GINT64_FORMAT " records, each as it was written", head.seq);
    if (known != NULL)
        fprintf(console->out, "; the known head, record %" G_GINT64_FORMAT ", is among them", from.seq);
    fprintf(console->out, "\nhead %s\n", text);
    if (known == NULL)
        fputs("Without --head this cannot tell whether the whole log was made anew.\n", console->err);
    return TRUE;
}

static gboolean
print_head(const RbAuditConsole *console, RbStore *store, GError **error)
{
    RbAuditHead head;
    g_autofree char *text = NULL;

    if (!rb_audit_head(store, &head, error))
        return FALSE;
    text = rb_audit_head_to_text(&head);
    fprintf(console->out, "head %s\n", text);
    return TRUE;
}

static gboolean
run(const RbAuditConsole *console, const Asked *asked, RbAuditFilter filter, GError **error)
{
    const char *command = asked->rest[0];
    g_autoptr(RbStore) store = open_store(asked, error);
    gboolean done;

    if (store == NULL)
        return FALSE;
    if (g_str_equal(command, "verify"))
        done = verify(console, store, asked->head, error);
    else if (g_str_equal(command, "head"))
        done = print_head(console, store, error);
    else if (g_str_equal(command, "trace"))
        done = rb_audit_trace(console, store, asked->rest[1], asked->json, error);
    else if (g_str_equal(command, "export") || asked->json)
        done = rb_audit_export(console, store, filter, error);
    else
        done = rb_audit_show(console, store, filter, error);
    if (done && (fflush(console->out) != 0 || ferror(console->out)))
        return rb_fault(error, RB_FAULT_FILE, "the output could not be written: %s", g_strerror(errno));
    return done;
}

static int
check_command(const RbAuditConsole *console, const Asked *asked)
{
    static const char *const commands[] = { "show", "export", "verify", "head", "trace", NULL };
    guint n = asked->rest != NULL ? g_strv_length(asked->rest) : 0;
    const char *near;
    g_autofree char *quoted = n > 0 ? rb_text_quote(asked->rest[0]) : NULL;

    if (n == 0)
        return wrong(console, "say what to do with the audit log: show, export, verify, head or trace");
    if (!g_strv_contains(commands, asked->rest[0])) {
        near = rb_text_nearest(asked->rest[0], commands);
        return near != NULL ? wrong(console, "no audit command %s; did you mean '%s'?", quoted, near)
                            : wrong(console, "no audit command %s", quoted);
    }
    if (g_str_equal(asked->rest[0], "trace") && n != 2)
        return wrong(console, "trace wants one access key id: ASIA…");
    if (!g_str_equal(asked->rest[0], "trace") && n != 1)
        return wrong(console, "%s takes no further arguments", quoted);
    if (asked->head != NULL && !g_str_equal(asked->rest[0], "verify"))
        return wrong(console, "--head is for verify");
    return RB_AUDIT_EXIT_OK;
}

int
rb_ctl_audit_on(const RbAuditConsole *console, int argc, char **argv)
{
    g_auto(Asked) asked = { 0 };
    g_autoptr(GError) error = NULL;
    RbAuditFilter filter;
    int status;

    if (!parse(&asked, argc, argv, &error))
        return wrong(console, "%s", error->message);
    if (asked.help) {
        fputs(usage, console->out);
        return RB_AUDIT_EXIT_OK;
    }
    status = check_command(console, &asked);
    if (status == RB_AUDIT_EXIT_OK)
        status = read_filter(console, &asked, &filter);
    if (status != RB_AUDIT_EXIT_OK)
        return status;
    return run(console, &asked, filter, &error) ? RB_AUDIT_EXIT_OK : report(console, error);
}

int
rb_ctl_audit(int argc, char **argv)
{
    const RbAuditConsole console = { stdout, stderr, isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL,
                                     rb_clock_system() };

    return rb_ctl_audit_on(&console, argc, argv);
}
