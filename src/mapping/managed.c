#include "mapping/priv.h"

#include "base/encoding.h"

#include <string.h>

/*
 * managed/NAME.json: documents of managed policies that roles name and that are not ours: AWS's own, or an
 * account's. Nobody needs them to decide; who asks what a role may do cannot tell without.
 */

/* "ReadOnlyAccess", "job-function/Billing" or an ARN → the file it is in, without ".json". An account's own
 * policy has the account in front, since two accounts may have different ones of a name. */
static char *
stem_of(const char *name)
{
    const char *policy = g_str_has_prefix(name, "arn:") ? strstr(name, ":policy/") : NULL;
    g_auto(GStrv) fields = g_strsplit(name, ":", 6);
    const char *path = policy != NULL ? policy + strlen(":policy/") : name;
    char *stem = policy != NULL && !g_str_equal(fields[4], "aws") ? g_strdup_printf("%s-%s", fields[4], path)
                                                                  : g_strdup(path);

    return g_strdelimit(stem, "/", '-');
}

const RbPolicy *
rb_snapshot_managed(const RbSnapshot *snapshot, const char *name)
{
    g_autofree char *stem = stem_of(name);

    return g_hash_table_lookup(snapshot->managed, stem);
}

/* Whether some role names the policy whose file is @stem. */
static gboolean
is_named(const RbSnapshot *s, const char *stem)
{
    for (guint i = 0; i < s->roles->len; i++) {
        const RbRole *role = g_ptr_array_index(s->roles, i);
        for (guint k = 0; role->managed != NULL && role->managed[k] != NULL; k++) {
            g_autofree char *named = stem_of(role->managed[k]);
            if (g_str_equal(named, stem))
                return TRUE;
        }
    }
    return FALSE;
}

static void
read_one(RbLoad *load, const RbMappingFile *file)
{
    const char *name = rb_load_text(load, file->name);
    g_autofree char *stem = g_strndup(name + strlen("managed/"), strlen(name) - strlen("managed/.json"));
    RbPolicy *policy = rb_policy_parse(RB_POLICY_IDENTITY, name, file->bytes, load->problems);

    if (policy == NULL)
        return;
    g_hash_table_insert(load->snapshot->managed, (char *)rb_load_text(load, stem), policy);
    if (!is_named(load->snapshot, stem))
        rb_diagnostics_warning(load->problems, name, 1, 1, "name it in a role, or delete the file",
                               "no role has the managed policy '%s'", stem);
}

void
rb_managed_read(RbLoad *load)
{
    for (guint i = 0; i < load->files->len; i++) {
        const RbMappingFile *file = g_ptr_array_index(load->files, i);
        if (g_str_has_prefix(file->name, "managed/"))
            read_one(load, file);
    }
}
