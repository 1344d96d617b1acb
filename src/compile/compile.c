#include "compile/priv.h"

#include "base/encoding.h"

#include <string.h>

enum { NAMED = 1, CAUGHT = 2 };

static void
unref_document(gpointer document)
{
    rb_policy_unref(document);
}

static RbCompiled *
compiled_new(RbSnapshot *snapshot)
{
    RbCompiled *out = g_new0(RbCompiled, 1);

    out->snapshot = rb_snapshot_ref(snapshot);
    rb_arena_init(&out->arena);
    out->documents = g_ptr_array_new_with_free_func(unref_document);
    out->at = g_hash_table_new(g_str_hash, g_str_equal);
    return out;
}

void
rb_compiled_free(RbCompiled *compiled)
{
    if (compiled == NULL)
        return;
    g_hash_table_unref(compiled->at);
    g_ptr_array_unref(compiled->documents);
    rb_arena_clear(&compiled->arena);
    rb_snapshot_unref(compiled->snapshot);
    g_free(compiled);
}

const RbCompiledAccount *
rb_compiled_accounts(const RbCompiled *compiled, guint *n)
{
    *n = compiled->n_accounts;
    return compiled->accounts;
}

const RbCompiledAccount *
rb_compiled_account(const RbCompiled *compiled, const char *name)
{
    return g_hash_table_lookup(compiled->at, name);
}

static int
compare_role(const void *key, const void *member)
{
    return strcmp(key, ((const RbCompiledRole *)member)->name);
}

const RbCompiledRole *
rb_compiled_role(const RbCompiledAccount *account, const char *role)
{
    if (account->n_roles == 0)
        return NULL;
    return bsearch(role, account->roles, account->n_roles, sizeof *account->roles, compare_role);
}

const RbPolicy *
rb_compile_keep(RbCompiler *c, RbPolicy *document)
{
    g_ptr_array_add(c->out->documents, document);
    return document;
}

RbPart
rb_compile_part(RbCompiler *c, RbPolicy *document)
{
    return (RbPart){ rb_compile_keep(c, document), rb_arena_take(&c->out->arena, rb_policy_print(document)) };
}

glong
rb_compile_size(const char *text)
{
    return g_utf8_strlen(text, -1);
}

gboolean
rb_compile_once(RbCompiler *c, RbPlace place)
{
    return g_hash_table_add(c->told, g_strdup_printf("%s:%u:%u", place.file, place.line, place.column));
}

/* The parser gives each statement the place where it stands: so it is put there. */
RbPolicy *
rb_compile_document(RbCompiler *c, RbPolicyKind kind, json_t *statements, RbPlace place)
{
    g_autoptr(GString) text = g_string_new("{\"Version\":\"2012-10-17\",\"Statement\":");
    g_autoptr(GBytes) bytes = NULL;
    char *dumped = json_dumps(statements, JSON_COMPACT | JSON_PRESERVE_ORDER);

    for (guint i = 1; i < place.line; i++)
        g_string_append_c(text, '\n');
    for (guint i = 2; i < place.column; i++) /* one for the bracket */
        g_string_append_c(text, ' ');
    g_string_append(text, dumped);
    g_string_append_c(text, '}');
    free(dumped);
    json_decref(statements);
    bytes = g_bytes_new(text->str, text->len);
    return rb_policy_parse(kind, place.file, bytes, c->problems);
}

/* For each account and role whether it is there: whole rows, so that a thousand accounts cost no more than
 * what their assignments name. */
static guint8 *
pair_up(const RbSnapshot *s)
{
    guint n_accounts = rb_snapshot_accounts(s)->len, n_roles = rb_snapshot_roles(s)->len;
    guint8 *pairs = g_new0(guint8, MAX((gsize)n_accounts * n_roles, 1));

    for (guint i = 0; i < rb_snapshot_size(s).n_assignments; i++) {
        const RbAssignment *a = rb_snapshot_assignment(s, i);
        gboolean caught = a->captures[0] != NULL || a->when_captures[0].name != NULL;
        for (guint k = 0; k < a->n_accounts; k++)
            pairs[(gsize)a->accounts[k] * n_roles + a->role->index] |= NAMED;
        for (guint k = 0; caught && k < n_accounts; k++)
            pairs[(gsize)k * n_roles + a->role->index] |= CAUGHT;
    }
    for (guint k = 0; k < n_accounts; k++)
        for (guint r = 0; r < n_roles; r++) {
            guint8 *pair = &pairs[(gsize)k * n_roles + r];
            const RbTaskPolicy *policy;
            if (*pair == CAUGHT && rb_role_lacks(rb_snapshot_roles(s)->pdata[r],
                                                 rb_snapshot_accounts(s)->pdata[k], &policy) != NULL)
                *pair = 0; /* signing in refuses it too */
        }
    return pairs;
}

/* The accounts asked for, by index; an unknown name is an error. */
static GArray *
choose(const RbSnapshot *s, const char *const *only, RbDiagnostics *problems)
{
    const GPtrArray *accounts = rb_snapshot_accounts(s);
    GArray *chosen = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint i = 0; only != NULL && only[i] != NULL; i++)
        if (rb_snapshot_account(s, only[i]) == NULL) {
            g_autofree char *quoted = rb_text_quote(only[i]);
            rb_diagnostics_error(problems, "accounts.yaml", 0, 0, "write its name or its id", "no account %s",
                                 quoted);
        }
    for (guint k = 0; k < accounts->len; k++) {
        const RbAccount *account = g_ptr_array_index(accounts, k);
        if (only == NULL || g_strv_contains(only, account->id) || g_strv_contains(only, account->name))
            g_array_append_val(chosen, k);
    }
    return chosen;
}

static void
compile_all(RbCompiler *c, const GArray *chosen)
{
    RbCompiled *out = c->out;
    const GPtrArray *accounts = rb_snapshot_accounts(out->snapshot);
    guint n_roles = rb_snapshot_roles(out->snapshot)->len;
    g_autofree guint8 *pairs = pair_up(out->snapshot);

    rb_compile_roles(c);
    out->accounts = rb_arena_alloc(&out->arena, MAX(chosen->len, 1) * sizeof *out->accounts);
    for (guint i = 0; i < chosen->len; i++) {
        guint k = g_array_index(chosen, guint, i);
        RbAccount *account = g_ptr_array_index(accounts, k);
        rb_compile_account(c, account, pairs + (gsize)k * n_roles, &out->accounts[i]);
        g_hash_table_insert(out->at, (char *)account->id, &out->accounts[i]);
        g_hash_table_insert(out->at, (char *)account->name, &out->accounts[i]);
    }
    out->n_accounts = chosen->len;
}

RbCompiled *
rb_compile(RbSnapshot *snapshot, const char *const *only, RbDiagnostics *problems)
{
    g_autoptr(RbCompiled) out = compiled_new(snapshot);
    g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) tasks = g_hash_table_new_full(NULL, NULL, NULL, rb_compile_task_free);
    RbCompiler c = { .out = out, .problems = problems, .told = told, .tasks = tasks };
    guint before = rb_diagnostics_count(problems);
    g_autoptr(GArray) chosen = choose(snapshot, only, problems);

    compile_all(&c, chosen);
    return rb_diagnostics_count(problems) > before ? NULL : g_steal_pointer(&out);
}
