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

/* The names of profiles that @text defines: "[profile NAME]", "[profile 'NAME']". */
static void
collect_names(const char *text, GHashTable *names)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        char *name = g_strstrip(*line), *end;
        if (*name != '[' || (end = strchr(name, ']')) == NULL)
            continue;
        *end = '\0';
        name = g_strstrip(name + 1);
        if (g_str_has_prefix(name, "profile"))
            name = g_strstrip(name + strlen("profile"));
        if (strlen(name) > 1 && (*name == '"' || *name == '\'')) {
            name[strlen(name) - 1] = '\0';
            name++;
        }
        (void)g_hash_table_add(names, g_strdup(name));
    }
}

GPtrArray *
rb_profiles_ours(const char *config)
{
    const char *begin = strstr(config, "# >>> rolebridge"),
               *end = begin == NULL ? NULL : strstr(begin, END_MARK);
    g_autofree char *block = end == NULL ? NULL : g_strndup(begin, (gsize)(end - begin));
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
        g_ptr_array_add(list, g_strdup(name));
    return list;
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

static void
append_block(GString *out, const GPtrArray *profiles, const char *program, const char *region,
             GHashTable *names, GPtrArray *taken)
{
    GString *block = g_string_new(NULL);

    for (guint i = 0; i < profiles->len; i++) {
        const RbProfile *p = g_ptr_array_index(profiles, i);
        if (!g_hash_table_add(names, g_strdup(p->name))) {
            g_ptr_array_add(taken, g_strdup(p->name));
            continue;
        }
        g_string_append_printf(
            block, "[profile %s]\ncredential_process = %s credentials %s --format process --login\n", p->name,
            program, p->spec);
        g_string_append_printf(block, "region = %s\n\n", region);
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
                  const char *program, const char *region, GPtrArray *taken, GError **error)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GString *out = g_string_new(NULL), *behind = g_string_new(NULL);
    gboolean ok = split(config, file, out, behind, error);

    if (ok) {
        collect_names(out->str, names);
        collect_names(behind->str, names);
        collect_names(beside, names);
        append_block(out, profiles, program, region, names, taken);
        g_string_append(out, behind->str);
    }
    g_string_free(behind, TRUE);
    return g_string_free(out, !ok);
}

char *
rb_profile_name(const char *pattern, const char *account, const char *account_id, const char *role)
{
    GString *name = g_string_new(pattern);
    char *text;

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
