#include "mapping/priv.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The input is files in a row, each after a line "=== NAME". Whatever they say: a snapshot, or at least one
 * error; and a snapshot decides for somebody whose groups are the lines of the "groups" file.
 */
static void
add_file(GPtrArray *files, const char *name, const char *text, gsize size)
{
    RbMappingFile *file;

    for (guint i = 0; i < files->len; i++)
        if (g_str_equal(((RbMappingFile *)g_ptr_array_index(files, i))->name, name))
            return; /* a directory has a name once */
    file = g_new0(RbMappingFile, 1);
    file->name = g_strdup(name);
    file->bytes = g_bytes_new(text, size);
    g_ptr_array_add(files, file);
}

static void
decide(RbSnapshot *snapshot, const char *lines)
{
    g_auto(GStrv) groups = g_strsplit(lines, "\n", 100);
    const RbAttribute attributes[] = { { "a", (const char *const[]){ "b", NULL } }, { NULL, NULL } };
    const RbIdentity facts = { .subject = "s",
                               .name = "ada",
                               .provider = "p",
                               .issuer = "i",
                               .mfa = TRUE,
                               .groups = (const char *const *)groups,
                               .attributes = attributes,
                               .n_attributes = 1 };
    const RbContext context = { 1796032800, "203.0.113.7" };
    g_autoptr(RbIdentity) identity = rb_identity_new(&facts, NULL);
    g_autoptr(RbDecision) decision = identity == NULL ? NULL : rb_decide(snapshot, identity, &context);

    if (decision != NULL) {
        json_t *json = rb_decision_to_json(decision);
        g_assert(json != NULL);
        json_decref(json);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size); /* up to the first NUL */
    g_auto(GStrv) parts = g_strsplit(text, "=== ", 20);
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(rb_mapping_file_free);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbSnapshot) snapshot = NULL;
    const char *groups = "";

    for (guint i = 0; parts[i] != NULL; i++) {
        char *end = strchr(parts[i], '\n');
        if (end == NULL)
            continue;
        *end = '\0';
        if (g_str_equal(parts[i], "groups"))
            groups = end + 1;
        else if (g_str_has_suffix(parts[i], ".yaml"))
            add_file(files, parts[i], end + 1, strlen(end + 1));
    }
    snapshot = rb_snapshot_build(files, problems);
    g_assert((snapshot != NULL) == (rb_diagnostics_count(problems) == 0));
    if (snapshot != NULL)
        decide(snapshot, groups);
    return 0;
}
