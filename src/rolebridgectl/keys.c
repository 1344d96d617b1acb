#include "rolebridgectl/keys.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "rolebridgectl/command.h"
#include "rolebridged/config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/rolebridge/rolebridge.yaml"

enum {
    OVERLAP_TOKEN_S = 24 * 3600,
    OVERLAP_ASSERTION_S = 30 * 24 * 3600, /* until somebody has uploaded metadata to every account */
    OVERLAP_MAX_S = 400 * 24 * 3600,
};

/* Everything the command line can say. */
typedef struct {
    char *config, *use, *algorithm, *overlap;
    gboolean json, help, now, yes;
    char **rest; /* NULL-terminated */
} Asked;

static void
asked_clear(Asked *asked)
{
    g_free(asked->config);
    g_free(asked->use);
    g_free(asked->algorithm);
    g_free(asked->overlap);
    g_strfreev(asked->rest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

static void
work_clear(RbKeysWork *work)
{
    rb_signing_keys_setting_clear(&work->keys);
    g_free(work->url);
    g_free(work->audience);
    g_clear_pointer(&work->entries, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbKeysWork, work_clear)

static const char usage[] =
    "Usage: rolebridgectl keys list|rotate|retire [OPTION…]\n"
    "\n"
    "The keys that rolebridge signs with when AWS accounts trust it: tokens for web-identity accounts, "
    "assertions\n"
    "for saml accounts. Run it as root or the service's user; a running rolebridged sees the change by "
    "itself.\n"
    "\n"
    "  list               every key: what it is for, what it does now, from when and until when\n"
    "  rotate             makes a key: published at once, signs after the overlap (the first key: at once)\n"
    "  retire KID         ends the publication of a key that does not sign, and deletes its private key\n"
    "\n"
    "  --for USE          token or assertion; rotate needs it\n"
    "  --overlap D        rotate: how long until the new key signs, 0s to 400d; default 24h for tokens,\n"
    "                     30d for assertions: each account's SAML provider needs the new metadata before\n"
    "  --algorithm A      rotate: ES256, ES384 or RS256 for tokens (default ES256), RS256 for assertions\n"
    "  --now --yes        retire: also the key that signs, because it leaked; its successor signs at once\n"
    "  --config FILE      default: " DEFAULT_CONFIG "\n"
    "  --json             one JSON object\n"
    "\n"
    "Exit codes: 0 done, 1 refused, 2 usage, 4 the configuration or the keys cannot be read or written.\n"
    "\n"
    "  rolebridgectl keys list\n"
    "  rolebridgectl keys rotate --for token\n"
    "  rolebridgectl keys rotate --for assertion --overlap 14d\n"
    "  rolebridgectl keys retire 2026-11-24-3f9a1c2d\n"
    "  rolebridgectl keys retire 2026-11-24-3f9a1c2d --now --yes    # it leaked\n";

static gboolean
parse(Asked *asked, int argc, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        { "config", 0, 0, G_OPTION_ARG_FILENAME, &asked->config, NULL, NULL },
        { "for", 0, 0, G_OPTION_ARG_STRING, &asked->use, NULL, NULL },
        { "overlap", 0, 0, G_OPTION_ARG_STRING, &asked->overlap, NULL, NULL },
        { "algorithm", 0, 0, G_OPTION_ARG_STRING, &asked->algorithm, NULL, NULL },
        { "now", 0, 0, G_OPTION_ARG_NONE, &asked->now, NULL, NULL },
        { "yes", 0, 0, G_OPTION_ARG_NONE, &asked->yes, NULL, NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &asked->json, NULL, NULL },
        { "help", 'h', 0, G_OPTION_ARG_NONE, &asked->help, NULL, NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &asked->rest, NULL, NULL },
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = g_option_context_new(NULL);
    g_autofree char **list = g_new0(char *, (gsize)argc + 1); /* GOption moves entries about */
    gboolean parsed;

    for (int i = 0; i < argc; i++)
        list[i] = argv[i];
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, entries, NULL);
    parsed = g_option_context_parse(context, &argc, &list, error);
    g_option_context_free(context);
    return parsed;
}

static int wrong(const RbKeysConsole *console, const char *format, ...) G_GNUC_PRINTF(2, 3);

static int
wrong(const RbKeysConsole *console, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(console->err, "rolebridgectl: %s; 'rolebridgectl keys --help' says more\n", text);
    return RB_EXIT_USAGE;
}

/* ---- what is asked ---- */

static int
check_action(const RbKeysConsole *console, const Asked *asked)
{
    static const char *const actions[] = { "list", "rotate", "retire", NULL };
    guint n = asked->rest != NULL ? g_strv_length(asked->rest) : 0;
    const char *action = n > 0 ? asked->rest[0] : NULL, *near;
    g_autofree char *quoted = n > 0 ? rb_text_quote(action) : NULL;

    if (n == 0)
        return wrong(console, "say what to do with the keys: list, rotate or retire");
    if (!g_strv_contains(actions, action)) {
        near = rb_text_nearest(action, actions);
        return near != NULL ? wrong(console, "no keys command %s; did you mean '%s'?", quoted, near)
                            : wrong(console, "no keys command %s", quoted);
    }
    if (g_str_equal(action, "retire") ? n != 2 : n != 1)
        return g_str_equal(action, "retire")
                   ? wrong(console, "retire wants one key: rolebridgectl keys list names them")
                   : wrong(console, "%s takes no further arguments", quoted);
    if (!g_str_equal(action, "rotate") && (asked->overlap != NULL || asked->algorithm != NULL))
        return wrong(console, "--overlap and --algorithm are for rotate");
    if (!g_str_equal(action, "retire") && (asked->now || asked->yes))
        return wrong(console, "--now and --yes are for retire");
    if (asked->now != asked->yes)
        return wrong(console, "to retire even the key that signs takes --now and --yes together");
    return RB_EXIT_OK;
}

static int
read_use(const RbKeysConsole *console, const Asked *asked, RbKeyUse *use)
{
    g_autofree char *quoted = asked->use == NULL ? NULL : rb_text_quote(asked->use);

    if (asked->use != NULL && !rb_key_use_find(asked->use, use))
        return wrong(console, "no key is for %s; --for takes token or assertion", quoted);
    if (asked->use == NULL && g_str_equal(asked->rest[0], "rotate"))
        return wrong(console, "say what the key is for: --for token, --for assertion");
    return RB_EXIT_OK;
}

static int
read_order(const RbKeysConsole *console, const Asked *asked, RbKeyOrder *order, gint64 *overlap_s)
{
    g_autofree char *algorithm = asked->algorithm == NULL ? NULL : rb_text_quote(asked->algorithm);
    g_autofree char *overlap = asked->overlap == NULL ? NULL : rb_text_quote(asked->overlap);

    if (asked->algorithm != NULL) {
        order->algorithm = rb_key_algorithm(order->use, asked->algorithm);
        if (order->algorithm == NULL)
            return wrong(console, "no %s key has the algorithm %s", rb_key_use_name(order->use), algorithm);
    }
    *overlap_s = order->use == RB_KEY_TOKEN ? OVERLAP_TOKEN_S : OVERLAP_ASSERTION_S;
    if (asked->overlap != NULL &&
        (!rb_duration_parse(asked->overlap, overlap_s) || *overlap_s > OVERLAP_MAX_S))
        return wrong(console, "%s is no overlap; write a number and s, m, h or d, at most 400d", overlap);
    return RB_EXIT_OK;
}

/* ---- where the keys are ---- */

static int
tell(const RbKeysConsole *console, RbDiagnostics *problems)
{
    g_autofree char *text = rb_diagnostics_to_text(problems, console->colour);

    fputs(text, console->err);
    return RB_EXIT_FAULT;
}

static int
open_work(const RbKeysConsole *console, const Asked *asked, RbKeysWork *work)
{
    const char *path = asked->config != NULL ? asked->config : DEFAULT_CONFIG;
    g_autoptr(RbDiagnostics) loading = rb_diagnostics_new(), problems = rb_diagnostics_new();
    g_autoptr(RbConfig) config = rb_config_load(path, loading);
    RbIssuerSetting setting;

    if (config == NULL)
        return tell(console, loading);
    if (config->issuer == NULL) {
        rb_diagnostics_error(problems, path, 0, 0, "add issuer: { keys: certs/issuer } (docs/issuer.md)",
                             "there is no 'issuer', so nothing is signed");
        return tell(console, problems);
    }
    setting = rb_config_issuer(config, NULL);
    if (rb_yaml_expect(config->issuer, RB_YAML_MAP, problems)) {
        work->url = rb_issuer_read_url(&setting, problems);
        work->audience = rb_issuer_read_audience(&setting, problems);
        (void)rb_issuer_read_keys(&setting, &work->keys, problems);
    }
    if (rb_diagnostics_count(problems) == 0 && work->keys.dir != NULL)
        work->entries = rb_key_entries_read(work->keys.dir, problems);
    work->now = rb_clock_now(&console->clock);
    return work->entries == NULL ? tell(console, problems) : RB_EXIT_OK;
}

/* One who changes them at a time. Returns: a descriptor that holds the lock, or -1. */
static int
lock(const RbKeysConsole *console, const char *dir)
{
    int fd = dir == NULL ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    fprintf(console->err, "rolebridgectl: somebody else changes the keys in %s at the moment\n", dir);
    return -1;
}

/* ---- the commands ---- */

static int
report(const RbKeysConsole *console, const GError *error)
{
    fprintf(console->err, "rolebridgectl: %s\n", error->message);
    return error->domain == RB_REFUSAL ? RB_EXIT_NO : RB_EXIT_FAULT;
}

static int
rotate(const RbKeysConsole *console, const Asked *asked, RbKeysWork *work, RbKeyUse use)
{
    g_autoptr(GUri) uri = g_uri_parse(work->url, G_URI_FLAGS_ENCODED, NULL);
    RbKeyOrder order = { .use = use, .name = uri != NULL ? g_uri_get_host(uri) : "rolebridge" };
    const RbKeyEntry *before = rb_key_entries_current(work->entries, use, work->now), *made;
    g_autoptr(GError) error = NULL;
    gint64 overlap_s;
    int status = read_order(console, asked, &order, &overlap_s);

    if (status != RB_EXIT_OK)
        return status;
    order.signs_from = before == NULL ? work->now : work->now + overlap_s;
    if (!rb_key_entries_check_order(work->entries, &order, work->now, &error))
        return report(console, error);
    made = rb_key_entries_make(&work->keys, work->entries, &order, work->now, &error);
    if (made == NULL)
        return report(console, error);
    rb_keys_show_made(console, work, made, before, asked->json);
    return RB_EXIT_OK;
}

static const RbKeyEntry *
find(const RbKeysWork *work, const char *kid)
{
    for (guint i = 0; i < work->entries->len; i++)
        if (g_str_equal(((const RbKeyEntry *)work->entries->pdata[i])->kid, kid))
            return work->entries->pdata[i];
    return NULL;
}

static int
retire(const RbKeysConsole *console, const Asked *asked, RbKeysWork *work)
{
    const RbKeyEntry *entry = find(work, asked->rest[1]);
    gboolean signs = entry != NULL && entry == rb_key_entries_current(work->entries, entry->use, work->now);
    g_autoptr(GError) error = NULL;

    if (!rb_key_entries_retire(&work->keys, work->entries, asked->rest[1], asked->now, work->now, &error))
        return report(console, error);
    rb_keys_show_retired(console, work, entry, signs, asked->json);
    return RB_EXIT_OK;
}

static int
change(const RbKeysConsole *console, const Asked *asked, RbKeyUse use)
{
    g_auto(RbKeysWork) work = { 0 };
    g_auto(RbKeysWork) locked = { 0 };
    int status = open_work(console, asked, &work), fd;

    if (status != RB_EXIT_OK)
        return status;
    fd = lock(console, work.keys.dir);
    if (fd < 0)
        return RB_EXIT_FAULT;
    status = open_work(console, asked, &locked); /* as it is under the lock */
    if (status == RB_EXIT_OK)
        status = g_str_equal(asked->rest[0], "rotate") ? rotate(console, asked, &locked, use)
                                                       : retire(console, asked, &locked);
    (void)close(fd);
    return status;
}

static int
list(const RbKeysConsole *console, const Asked *asked, RbKeyUse use)
{
    g_auto(RbKeysWork) work = { 0 };
    int status = open_work(console, asked, &work);

    if (status == RB_EXIT_OK)
        rb_keys_show_list(console, &work, asked->use == NULL ? NULL : &use, asked->json);
    return status;
}

int
rb_ctl_keys_on(const RbKeysConsole *console, int argc, char **argv)
{
    g_auto(Asked) asked = { 0 };
    g_autoptr(GError) error = NULL;
    RbKeyUse use = RB_KEY_TOKEN;
    int status;

    if (!parse(&asked, argc, argv, &error))
        return wrong(console, "%s", error->message);
    if (asked.help) {
        fputs(usage, console->out);
        return RB_EXIT_OK;
    }
    status = check_action(console, &asked);
    if (status == RB_EXIT_OK)
        status = read_use(console, &asked, &use);
    if (status != RB_EXIT_OK)
        return status;
    return g_str_equal(asked.rest[0], "list") ? list(console, &asked, use) : change(console, &asked, use);
}

int
rb_ctl_keys(int argc, char **argv)
{
    const RbKeysConsole console = { stdout, stderr, isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL,
                                    rb_clock_system() };

    return rb_ctl_keys_on(&console, argc, argv);
}
