#include "rolebridge/profiles.h"

#include "base/encoding.h"
#include "base/refusal.h"

#include <string.h>

#define BEGIN_MARK "# >>> rolebridge: written by 'rolebridge configure'; changes in here are lost >>>"
#define END_MARK "# <<< rolebridge <<<"

/* Splits @config into what is before our block and what is behind it. */
static gboolean
split(const char *config, const char *file, GString *before, GString *behind, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(config, "\n", -1);
    guint begin = 0, n = g_strv_length(lines);
    gboolean inside = FALSE, seen = FALSE;

    for (guint i = 0; i < n; i++) {
        gboolean begins = g_str_has_prefix(lines[i], "# >>> rolebridge"),
                 ends = g_str_has_prefix(lines[i], END_MARK); /* an editor may have put a CR behind it */
        if (begins && (inside || seen))
            return rb_fault(error, RB_FAULT_FILE,
                            "%s:%u: a second block of rolebridge begins here; remove one by hand", file,
                            i + 1);
        if (ends && !inside)
            return rb_fault(error, RB_FAULT_FILE, "%s:%u: a block of rolebridge ends here and none began",
                            file, i + 1);
        if (begins)
            begin = i + 1;
        if (!inside && !begins) {
            GString *part = seen ? behind : before;
            g_string_append(part, lines[i]);
            if (i + 1 < n)
                g_string_append_c(part, '\n');
        }
        inside = (inside || begins) && !ends;
        seen = seen || begins;
    }
    if (inside)
        return rb_fault(error, RB_FAULT_FILE,
                        "%s:%u: the block of rolebridge that begins here has no end; add the line: %s", file,
                        begin, END_MARK);
    return TRUE;
}

/* Without the quotes around it. */
static char *
unquote(char *name)
{
    gsize n = strlen(name);

    if (n < 2 || (*name != '"' && *name != '\''))
        return name;
    name[n - 1] = '\0';
    return name + 1;
}

/* The names of what @text defines: "[profile NAME]" and "[profile 'NAME']" as NAME, "[sso-session NAME]" and
 * "[services NAME]" with that word and one blank: no profile's name has a blank. */
static void
collect_names(const char *text, GHashTable *names)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        char *name = g_strstrip(*line), *end, *blank;
        if (*name != '[' || (end = strchr(name, ']')) == NULL)
            continue;
        *end = '\0';
        name = g_strstrip(name + 1);
        blank = strpbrk(name, " \t");
        if (blank != NULL)
            *blank = '\0';
        if (blank != NULL && (g_str_equal(name, "sso-session") || g_str_equal(name, "services"))) {
            (void)g_hash_table_add(names, g_strconcat(name, " ", unquote(g_strstrip(blank + 1)), NULL));
            continue;
        }
        if (blank != NULL && g_str_equal(name, "profile"))
            name = g_strstrip(blank + 1);
        else if (blank != NULL)
            *blank = ' ';
        (void)g_hash_table_add(names, g_strdup(unquote(name)));
    }
}

/* (transfer full): our block; NULL: there is none. */
static char *
block_of(const char *config)
{
    const char *begin = strstr(config, "# >>> rolebridge"),
               *end = begin == NULL ? NULL : strstr(begin, END_MARK);

    return end == NULL ? NULL : g_strndup(begin, (gsize)(end - begin));
}

gboolean
rb_profiles_have_session(const char *config)
{
    g_autofree char *block = block_of(config);

    return block != NULL && strstr(block, "\nsso_session = ") != NULL;
}

GPtrArray *
rb_profiles_ours(const char *config)
{
    g_autofree char *block = block_of(config);
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *list;
    GHashTableIter iter;
    gpointer name;

    if (block == NULL)
        return NULL;
    collect_names(block, names);
    list = g_ptr_array_new_with_free_func(g_free);
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (strchr(name, ' ') == NULL) /* a session is no profile */
            g_ptr_array_add(list, g_strdup(name));
    return list;
}

char *
rb_profiles_default_key(const char *text)
{
    static const char *const keys[] = { "aws_access_key_id", "credential_process", "role_arn",
                                        "sso_session",       "sso_start_url",      "web_identity_token_file",
                                        "login_session" };
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gboolean inside = FALSE;

    for (char **line = lines; *line != NULL; line++) {
        char *end = strpbrk(*line, "=");
        if (**line == '[')
            inside = g_str_has_prefix(g_strstrip(*line + 1), "default]") ||
                     g_str_has_prefix(*line + 1, "profile default]");
        if (!inside || end == NULL || g_ascii_isspace(**line)) /* an indented line belongs to the one above */
            continue;
        *end = '\0';
        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
            if (g_str_equal(g_strstrip(*line), keys[i]))
                return g_strdup(keys[i]);
    }
    return NULL;
}

GPtrArray *
rb_profiles_defined(const char *text, const GPtrArray *names)
{
    g_autoptr(GHashTable) defined = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);

    collect_names(text, defined);
    for (guint i = 0; i < names->len; i++)
        if (g_hash_table_contains(defined, g_ptr_array_index(names, i)))
            g_ptr_array_add(list, g_strdup(g_ptr_array_index(names, i)));
    return list;
}

/* Takes the name of a section of ours. FALSE when a hand-written one has it already. */
static gboolean
take(GHashTable *names, GPtrArray *taken, const char *name)
{
    if (g_hash_table_add(names, g_strdup(name)))
        return TRUE;
    g_ptr_array_add(taken, g_strdup(name));
    return FALSE;
}

/* What profiles of a session refer to. `sts` is not sent to the bridge: it is for workloads alone. */
static void
append_session(GString *block, const RbProfileStyle *style, GHashTable *names, GPtrArray *taken)
{
    g_autofree char *session = g_strconcat("sso-session ", style->session, NULL);
    g_autofree char *services = g_strconcat("services ", style->session, NULL);

    if (take(names, taken, session))
        g_string_append_printf(block,
                               "[%s]\nsso_start_url = %s\nsso_region = %s\nsso_registration_scopes = "
                               "sso:account:access\n\n",
                               session, style->start_url, style->region);
    if (take(names, taken, services))
        g_string_append_printf(block, "[%s]\nsso =\n  endpoint_url = %s\nsso_oidc =\n  endpoint_url = %s\n\n",
                               services, style->bridge, style->bridge);
}

static void
append_profile(GString *block, const RbProfile *p, const RbProfileStyle *style)
{
    g_string_append_printf(block, "[profile %s]\n", p->name);
    if (style->session == NULL)
        g_string_append_printf(block, "credential_process = %s credentials %s --format process --login\n",
                               style->program, p->spec);
    else
        g_string_append_printf(block,
                               "sso_session = %s\nsso_account_id = %s\nsso_role_name = %s\nservices = %s\n",
                               style->session, p->account_id, p->role, style->session);
    g_string_append_printf(block, "region = %s\n\n", style->region);
}

static void
append_block(GString *out, const GPtrArray *profiles, const RbProfileStyle *style, GHashTable *names,
             GPtrArray *taken)
{
    GString *block = g_string_new(NULL);

    if (style->session != NULL && profiles->len > 0)
        append_session(block, style, names, taken);
    for (guint i = 0; i < profiles->len; i++) {
        const RbProfile *p = g_ptr_array_index(profiles, i);
        if (take(names, taken, p->name))
            append_profile(block, p, style);
    }
    if (block->len > 0) {
        if (out->len > 0 && out->str[out->len - 1] != '\n')
            g_string_append_c(out, '\n');
        g_string_append_printf(out, "%s\n%s%s\n", BEGIN_MARK, block->str, END_MARK);
    }
    g_string_free(block, TRUE);
}

char *
rb_profiles_merge(const char *config, const char *beside, const char *file, const GPtrArray *profiles,
                  const RbProfileStyle *style, GPtrArray *taken, GError **error)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GString *out = g_string_new(NULL), *behind = g_string_new(NULL);
    gboolean ok = split(config, file, out, behind, error);

    if (ok) {
        collect_names(out->str, names);
        collect_names(behind->str, names);
        collect_names(beside, names);
        append_block(out, profiles, style, names, taken);
        g_string_append(out, behind->str);
    }
    g_string_free(behind, TRUE);
    return g_string_free(out, !ok);
}

char *
rb_profile_name(const char *pattern, const char *account, const char *account_id, const char *role)
{
    GString *name;
    char *text;

    if (account_id[strspn(account_id, "0123456789")] != '\0') /* it stands in the profile as it is */
        return NULL;
    name = g_string_new(pattern);
    g_string_replace(name, "{account_id}", account_id, 0);
    g_string_replace(name, "{account}", account, 0);
    g_string_replace(name, "{role}", role, 0);
    text = g_string_free(name, FALSE);
    for (const char *p = text; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr("-_.:/+=@", *p) == NULL) {
            g_free(text);
            return NULL;
        }
    if (*text == '\0' || *text == '-') /* else it would be read as an option */
        g_clear_pointer(&text, g_free);
    return text;
}
