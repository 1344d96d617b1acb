#include "mapping/priv.h"

#include "base/encoding.h"

#include <string.h>

static void
pattern_free(gpointer data)
{
    rb_pattern_free(data);
}

static void
unref_policy(gpointer policy)
{
    rb_policy_unref(policy);
}

static RbSnapshot *
snapshot_new(void)
{
    RbSnapshot *s = g_new0(RbSnapshot, 1);

    g_atomic_ref_count_init(&s->refs);
    rb_arena_init(&s->arena);
    rb_index_init(&s->index);
    rb_claims_init(&s->claims);
    s->patterns = g_ptr_array_new_with_free_func(pattern_free);
    s->accounts = g_ptr_array_new();
    s->account_at = g_hash_table_new(g_str_hash, g_str_equal);
    s->policies = g_ptr_array_new();
    s->policy_named = g_hash_table_new(g_str_hash, g_str_equal);
    s->managed = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_policy);
    s->roles = g_ptr_array_new();
    s->role_named = g_hash_table_new(g_str_hash, g_str_equal);
    s->assignments = g_array_new(FALSE, TRUE, sizeof(RbAssignment));
    s->duties = g_array_new(FALSE, TRUE, sizeof(RbDuties));
    s->ignores = g_array_new(FALSE, TRUE, sizeof(RbIgnore));
    return s;
}

RbSnapshot *
rb_snapshot_ref(RbSnapshot *snapshot)
{
    g_atomic_ref_count_inc(&snapshot->refs);
    return snapshot;
}

void
rb_snapshot_unref(RbSnapshot *s)
{
    if (s == NULL || !g_atomic_ref_count_dec(&s->refs))
        return;
    g_ptr_array_unref(s->accounts);
    g_hash_table_unref(s->account_at);
    g_ptr_array_unref(s->policies);
    g_hash_table_unref(s->policy_named);
    g_hash_table_unref(s->managed);
    g_ptr_array_unref(s->roles);
    g_hash_table_unref(s->role_named);
    g_array_unref(s->assignments);
    g_array_unref(s->duties);
    g_array_unref(s->ignores);
    rb_index_clear(&s->index);
    rb_claims_clear(&s->claims);
    g_ptr_array_unref(s->patterns);
    rb_arena_clear(&s->arena);
    g_free(s->digest);
    g_free(s);
}

const char *
rb_snapshot_digest(const RbSnapshot *snapshot)
{
    return snapshot->digest;
}

RbSnapshotSize
rb_snapshot_size(const RbSnapshot *s)
{
    return (RbSnapshotSize){ s->accounts->len, s->policies->len, s->roles->len, s->assignments->len };
}

/* Each name with its NUL, each size as eight bytes, each file's bytes: no two sets of files read alike. */
static char *
digest_of(GPtrArray *files)
{
    RbSha256 *sum = rb_sha256_begin();
    guint8 digest[32];

    for (guint i = 0; i < files->len; i++) {
        const RbMappingFile *file = g_ptr_array_index(files, i);
        gsize size;
        const guchar *data = g_bytes_get_data(file->bytes, &size);
        guint64 length = GUINT64_TO_BE((guint64)size);
        rb_sha256_add(sum, file->name, strlen(file->name) + 1);
        rb_sha256_add(sum, &length, sizeof length);
        if (size > 0)
            rb_sha256_add(sum, data, size);
    }
    rb_sha256_end(sum, digest);
    return rb_hex_encode(digest, sizeof digest);
}

/* "roles/data-scientist.yaml" → "data-scientist" when it is in @folder. */
static char *
stem_in(const char *name, const char *folder)
{
    gsize n = strlen(folder);

    if (strncmp(name, folder, n) != 0)
        return NULL;
    return g_strndup(name + n, strlen(name) - n - strlen(".yaml"));
}

static gboolean
is_assignments(const char *name)
{
    return g_str_equal(name, "assignments.yaml") || g_str_has_prefix(name, "assignments/");
}

/* The files parsed, each beside its name; NULL where parsing failed. */
typedef struct {
    RbLoad load;
    GPtrArray *files;
    GPtrArray *documents;
} Build;

static void
document_free(gpointer data)
{
    rb_yaml_document_free(data);
}

static void
parse_all(Build *b)
{
    for (guint i = 0; i < b->files->len; i++) {
        const RbMappingFile *file = g_ptr_array_index(b->files, i);
        g_autoptr(RbYamlDocument) document = NULL;
        gboolean ok;
        if (g_str_has_suffix(file->name, ".yaml"))
            document = rb_yaml_parse(file->name, file->bytes, b->load.problems);
        ok = document != NULL && rb_yaml_check_version(rb_yaml_root(document), b->load.problems);
        g_ptr_array_add(b->documents, ok ? g_steal_pointer(&document) : NULL);
    }
}

static const RbYaml *
root_of(const Build *b, guint i)
{
    RbYamlDocument *document = g_ptr_array_index(b->documents, i);

    return document == NULL ? NULL : rb_yaml_root(document);
}

typedef void (*ReadNamed)(RbLoad *load, const RbYaml *root, const char *stem);
typedef void (*NoteBroken)(RbLoad *load, const char *file, const char *stem);

/* Every file of @folder through its reader. */
static void
read_folder(Build *b, const char *folder, ReadNamed read, NoteBroken broken)
{
    for (guint i = 0; i < b->files->len; i++) {
        const RbMappingFile *file = g_ptr_array_index(b->files, i);
        g_autofree char *stem = stem_in(file->name, folder);
        if (stem != NULL && root_of(b, i) != NULL)
            read(&b->load, root_of(b, i), stem);
        else if (stem != NULL)
            broken(&b->load, file->name, stem);
    }
}

static void
read_accounts(Build *b)
{
    guint found = 0;

    for (guint i = 0; i < b->files->len; i++) {
        const RbMappingFile *file = g_ptr_array_index(b->files, i);
        if (!g_str_equal(file->name, "accounts.yaml"))
            continue;
        found++;
        if (root_of(b, i) != NULL)
            rb_accounts_read(&b->load, root_of(b, i));
    }
    if (found == 0)
        rb_diagnostics_error(b->load.problems, "accounts.yaml", 0, 0, "it lists the AWS accounts",
                             "is missing");
    rb_accounts_sort(&b->load);
}

static void
read_assignments(Build *b)
{
    guint found = 0;

    for (guint i = 0; i < b->files->len; i++) {
        if (!is_assignments(((const RbMappingFile *)g_ptr_array_index(b->files, i))->name))
            continue;
        found++;
        if (root_of(b, i) != NULL)
            rb_assignments_read(&b->load, root_of(b, i));
    }
    if (found == 0)
        rb_diagnostics_error(b->load.problems, "assignments.yaml", 0, 0, "it says who has which roles",
                             "is missing");
}

/* Each role learns which separation_of_duties rules name it. */
static void
link_duties(RbSnapshot *s)
{
    for (guint i = 0; i < s->duties->len; i++) {
        const RbDuties *duty = &g_array_index(s->duties, RbDuties, i);
        for (guint k = 0; k < duty->n_roles; k++) {
            RbRole *role = duty->roles[k];
            guint *more = rb_arena_alloc(&s->arena, (role->n_duties + 1) * sizeof *more);
            if (role->n_duties > 0)
                memcpy(more, role->duties, role->n_duties * sizeof *more);
            more[role->n_duties++] = i;
            role->duties = more;
        }
    }
}

RbSnapshot *
rb_snapshot_build(GPtrArray *files, RbDiagnostics *problems)
{
    g_autoptr(RbSnapshot) snapshot = snapshot_new();
    g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func(document_free);
    Build b = { { .snapshot = snapshot, .problems = problems, .files = files }, files, documents };
    guint before = rb_diagnostics_count(problems);

    parse_all(&b);
    read_accounts(&b);
    read_folder(&b, "policies/", rb_task_policy_read, rb_task_policy_broken);
    read_folder(&b, "roles/", rb_role_read, rb_role_broken);
    rb_roles_sort(&b.load);
    rb_managed_read(&b.load);
    read_assignments(&b);
    rb_snapshot_check(&b.load);
    if (rb_diagnostics_count(problems) > before)
        return NULL;
    link_duties(snapshot);
    rb_index_finish(&snapshot->index, &snapshot->arena);
    rb_claims_finish(&snapshot->claims, snapshot->assignments, &snapshot->arena);
    snapshot->digest = digest_of(files);
    return g_steal_pointer(&snapshot);
}

RbSnapshot *
rb_snapshot_load(const char *directory, RbDiagnostics *problems)
{
    guint before = rb_diagnostics_count(problems);
    g_autoptr(GPtrArray) files = rb_mapping_scan(directory, problems);
    g_autoptr(RbSnapshot) snapshot = NULL;

    if (files->len == 0 && rb_diagnostics_count(problems) > before)
        return NULL; /* the directory itself could not be read */
    snapshot = rb_snapshot_build(files, problems);
    return rb_diagnostics_count(problems) > before ? NULL : g_steal_pointer(&snapshot);
}
