#include "base/encoding.h"
#include "base/file.h"
#include "base/refusal.h"
#include "base/yaml.h"
#include "issue/keys.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * keys.json. It is read twice: by jansson, which says whether it is JSON at all, and by our own reader of
 * YAML, whose nodes know their places: JSON is YAML, and a mistake in a value is worth a line and a column.
 */

enum { MAX_KID = 64 };

void
rb_key_entry_free(RbKeyEntry *entry)
{
    if (entry == NULL)
        return;
    g_free(entry->kid);
    g_free(entry->key);
    g_free(entry);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbKeyEntry, rb_key_entry_free)

const char *
rb_key_use_name(RbKeyUse use)
{
    return use == RB_KEY_TOKEN ? "token" : "assertion";
}

gboolean
rb_key_use_find(const char *name, RbKeyUse *use)
{
    if (!g_str_equal(name, "token") && !g_str_equal(name, "assertion"))
        return FALSE;
    *use = name[0] == 't' ? RB_KEY_TOKEN : RB_KEY_ASSERTION;
    return TRUE;
}

/* What AWS takes: of tokens RSA and EC; of assertions RSA, as far as it says. */
const char *
rb_key_algorithm(RbKeyUse use, const char *name)
{
    static const char *const known[] = { "RS256", "ES256", "ES384" };

    for (gsize i = 0; i < (use == RB_KEY_TOKEN ? G_N_ELEMENTS(known) : 1); i++)
        if (g_str_equal(known[i], name))
            return known[i];
    return NULL;
}

const char *
rb_key_algorithm_usual(RbKeyUse use)
{
    return use == RB_KEY_TOKEN ? "ES256" : "RS256";
}

/* ---- reading ---- */

static gboolean
check_dir(const char *dir, RbDiagnostics *problems)
{
    struct stat st;

    const char *why = stat(dir, &st) != 0    ? g_strerror(errno)
                      : !S_ISDIR(st.st_mode) ? "Not a directory"
                                             : NULL;

    if (why != NULL) {
        rb_diagnostics_error(problems, dir, 0, 0,
                             "create it: install -d -m 700 -o rolebridge -g rolebridge DIRECTORY",
                             "the directory of the signing keys cannot be used: %s", why);
        return FALSE;
    }
    if ((st.st_mode & (S_IRWXO | S_IWGRP)) == 0)
        return TRUE;
    rb_diagnostics_error(
        problems, dir, 0, 0, "run: chmod 700 DIRECTORY; if others had access, rotate its keys",
        "the directory of the signing keys is open to others (mode %03o)", (guint)(st.st_mode & 0777));
    return FALSE;
}

static gboolean
is_json(const char *file, GBytes *bytes, RbDiagnostics *problems)
{
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);
    json_error_t where;
    json_t *json = json_loadb(text == NULL ? "" : text, size, 0, &where);

    if (json == NULL) {
        g_autofree char *said = rb_text_printable(where.text, 200);
        rb_diagnostics_error(problems, file, (guint)MAX(where.line, 1), (guint)MAX(where.column, 1),
                             "take it from a backup: rolebridgectl keys writes it whole", "not JSON: %s",
                             said);
    }
    json_decref(json);
    return json != NULL;
}

static gboolean
kid_fits(const char *kid)
{
    gsize n = strlen(kid);

    for (const char *p = kid; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && *p != '-' && *p != '_')
            return FALSE;
    return n > 0 && n <= MAX_KID && kid[0] != '-';
}

static gint64
read_time(const RbYaml *node, const char *key, RbDiagnostics *problems)
{
    const char *text = rb_yaml_string(node, key, NULL, problems);
    gint64 at = 0;

    if (*text != '\0' && !rb_time_parse(text, &at)) {
        g_autofree char *quoted = rb_text_quote(text);
        rb_yaml_problem(rb_yaml_get(node, key), problems, "write it like 2026-11-24T09:00:00Z",
                        "%s is not a time", quoted);
    }
    return at;
}

/* A file name that is its kid's: no entry leads out of the directory. */
static void
check_file_name(const RbYaml *node, const char *key, const char *kid, const char *end,
                RbDiagnostics *problems)
{
    const char *name = rb_yaml_string(node, key, NULL, problems);
    g_autofree char *want = g_strconcat(kid, end, NULL), *quoted = rb_text_quote(name);

    if (*name != '\0' && !g_str_equal(name, want))
        rb_yaml_problem(rb_yaml_get(node, key), problems, NULL, "%s is not the file of this key; it is %s",
                        quoted, want);
}

static void
read_kind(const RbYaml *node, RbKeyEntry *entry, RbDiagnostics *problems)
{
    const char *use = rb_yaml_string(node, "use", NULL, problems);
    const char *algorithm = rb_yaml_string(node, "algorithm", NULL, problems);
    g_autofree char *use_quoted = rb_text_quote(use), *quoted = rb_text_quote(algorithm);

    if (*use == '\0' || *algorithm == '\0')
        return;
    if (!rb_key_use_find(use, &entry->use)) {
        rb_yaml_problem(rb_yaml_get(node, "use"), problems, "token or assertion", "no key is for %s",
                        use_quoted);
        return;
    }
    entry->algorithm = rb_key_algorithm(entry->use, algorithm);
    if (entry->algorithm == NULL)
        rb_yaml_problem(rb_yaml_get(node, "algorithm"), problems,
                        entry->use == RB_KEY_TOKEN ? "ES256, ES384 or RS256" : "RS256",
                        "no %s key has the algorithm %s", use, quoted);
}

static void
read_times(const RbYaml *node, RbKeyEntry *entry, RbDiagnostics *problems)
{
    const RbYaml *until = rb_yaml_get(node, "published_until");

    entry->created_at = read_time(node, "created_at", problems);
    entry->signs_from = read_time(node, "signs_from", problems);
    if (until == NULL)
        rb_yaml_problem(node, problems, "null: no end is set", "'published_until' is missing");
    else if (!rb_yaml_is_null(until))
        entry->published_until = read_time(node, "published_until", problems);
    if (entry->signs_from != 0 && entry->signs_from < entry->created_at)
        rb_yaml_problem(rb_yaml_get(node, "signs_from"), problems, NULL, "a key signs before it was made");
    if (entry->published_until != 0 && entry->published_until < entry->created_at)
        rb_yaml_problem(until, problems, NULL, "a key's time ends before it was made");
}

/* NULL after a mistake in it. */
static RbKeyEntry *
read_entry(const RbYaml *node, RbDiagnostics *problems)
{
    static const char *const known[] = { "kid",        "use",        "algorithm",       "key", "certificate",
                                         "created_at", "signs_from", "published_until", NULL };
    g_autoptr(RbKeyEntry) entry = g_new0(RbKeyEntry, 1);
    guint before = rb_diagnostics_count(problems);

    if (!rb_yaml_expect(node, RB_YAML_MAP, problems) || !rb_yaml_check_keys(node, known, problems))
        return NULL;
    entry->line = rb_yaml_line(node);
    entry->column = rb_yaml_column(node);
    entry->kid = g_strdup(rb_yaml_string(node, "kid", NULL, problems));
    if (rb_yaml_get(node, "kid") != NULL && !kid_fits(entry->kid)) {
        g_autofree char *quoted = rb_text_quote(entry->kid);
        rb_yaml_problem(rb_yaml_get(node, "kid"), problems, "letters, digits, - and _; at most 64",
                        "%s is not a key's name", quoted);
        return NULL;
    }
    entry->key = g_strdup(rb_yaml_string(node, "key", NULL, problems));
    if (!rb_key_entry_on_token(entry))
        check_file_name(node, "key", entry->kid, ".key", problems);
    check_file_name(node, "certificate", entry->kid, ".pem", problems);
    read_kind(node, entry, problems);
    read_times(node, entry, problems);
    return rb_diagnostics_count(problems) == before ? g_steal_pointer(&entry) : NULL;
}

static void
check_unique(const GPtrArray *entries, const RbKeyEntry *entry, const RbYaml *node, RbDiagnostics *problems)
{
    for (guint i = 0; i < entries->len; i++)
        if (g_str_equal(((const RbKeyEntry *)entries->pdata[i])->kid, entry->kid))
            rb_yaml_problem(rb_yaml_get(node, "kid"), problems, NULL, "the key '%s' is there twice",
                            entry->kid);
}

static void
read_entries(const RbYaml *root, GPtrArray *entries, RbDiagnostics *problems)
{
    static const char *const known[] = { "rolebridge", "keys", NULL };
    const RbYaml *list = rb_yaml_get(root, "keys");

    if (!rb_yaml_check_version(root, problems) || !rb_yaml_check_keys(root, known, problems))
        return;
    if (list == NULL) {
        rb_yaml_problem(root, problems, NULL, "'keys' is missing");
        return;
    }
    if (!rb_yaml_expect(list, RB_YAML_LIST, problems))
        return;
    if (rb_yaml_size(list) > RB_KEYS_MAX) {
        rb_yaml_problem(list, problems, "take out what is not published any more", "more than %d keys",
                        RB_KEYS_MAX);
        return;
    }
    for (guint i = 0; i < rb_yaml_size(list); i++) {
        RbKeyEntry *entry = read_entry(rb_yaml_item(list, i), problems);
        if (entry == NULL)
            continue;
        check_unique(entries, entry, rb_yaml_item(list, i), problems);
        g_ptr_array_add(entries, entry);
    }
}

GPtrArray *
rb_key_entries_read(const char *dir, RbDiagnostics *problems)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)rb_key_entry_free);
    g_autofree char *path = g_build_filename(dir, "keys.json", NULL);
    guint before = rb_diagnostics_count(problems);
    g_autoptr(GError) why = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(RbYamlDocument) document = NULL;

    if (!check_dir(dir, problems))
        return NULL;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return g_steal_pointer(&entries); /* nobody made a key yet */
    bytes = rb_file_read(path, RB_KEYS_MAX_FILE, &why);
    if (bytes == NULL) {
        rb_diagnostics_error(problems, path, 0, 0, NULL, "%s", why->message);
        return NULL;
    }
    document = is_json(path, bytes, problems) ? rb_yaml_parse(path, bytes, problems) : NULL;
    if (document != NULL)
        read_entries(rb_yaml_root(document), entries, problems);
    return rb_diagnostics_count(problems) == before ? g_steal_pointer(&entries) : NULL;
}

/* ---- writing ---- */

static json_t *
entry_json(const RbKeyEntry *entry)
{
    g_autofree char *certificate = g_strconcat(entry->kid, ".pem", NULL);
    g_autofree char *created = rb_time_format(entry->created_at), *from = rb_time_format(entry->signs_from);
    g_autofree char *until = entry->published_until == 0 ? NULL : rb_time_format(entry->published_until);

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?}", "kid", entry->kid, "use",
                     rb_key_use_name(entry->use), "algorithm", entry->algorithm, "key", entry->key,
                     "certificate", certificate, "created_at", created, "signs_from", from, "published_until",
                     until);
}

gboolean
rb_key_entries_write(const char *dir, const GPtrArray *entries, GError **error)
{
    g_autofree char *path = g_build_filename(dir, "keys.json", NULL), *text = NULL;
    json_t *list = json_array(), *json;
    char *dumped;
    gboolean ok;

    for (guint i = 0; i < entries->len; i++)
        (void)json_array_append_new(list, entry_json(entries->pdata[i]));
    json = json_pack("{s:i, s:o}", "rolebridge", 1, "keys", list);
    dumped = json_dumps(json, JSON_INDENT(2));
    text = g_strconcat(dumped, "\n", NULL);
    free(dumped);
    json_decref(json);
    ok = rb_file_write(path, text, strlen(text), 0644,
                       error); /* facts that are published; 0700 is around it */
    return ok;
}

/* ---- what a key is, and does at a moment ---- */

gboolean
rb_key_entry_on_token(const RbKeyEntry *entry)
{
    return g_str_has_prefix(entry->key, "pkcs11:");
}

gboolean
rb_key_entry_published(const RbKeyEntry *entry, gint64 now)
{
    return entry->created_at <= now && (entry->published_until == 0 || entry->published_until > now);
}

const RbKeyEntry *
rb_key_entries_current(const GPtrArray *entries, RbKeyUse use, gint64 now)
{
    const RbKeyEntry *found = NULL;

    for (guint i = 0; i < entries->len; i++) {
        const RbKeyEntry *entry = entries->pdata[i];
        if (entry->use == use && rb_key_entry_published(entry, now) && entry->signs_from <= now &&
            (found == NULL || entry->signs_from >= found->signs_from))
            found = entry;
    }
    return found;
}

const RbKeyEntry *
rb_key_entries_next(const GPtrArray *entries, RbKeyUse use, gint64 now)
{
    const RbKeyEntry *found = NULL;

    for (guint i = 0; i < entries->len; i++) {
        const RbKeyEntry *entry = entries->pdata[i];
        if (entry->use == use && rb_key_entry_published(entry, now) && entry->signs_from > now &&
            (found == NULL || entry->signs_from < found->signs_from))
            found = entry;
    }
    return found;
}
