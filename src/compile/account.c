#include "compile/priv.h"

#include "base/encoding.h"

#include <string.h>

/* Everything that stands in one account. */

enum { DESCRIPTION = 1000, TAG_VALUE = 256, SESSION_MIN_S = 3600 };

static const RbTag ours[] = { { "rolebridge", "managed" } };

/* ---- what is the same for a role in every account ---- */

/* IAM's descriptions: Latin-1 without control characters. */
static gboolean
is_description(const char *text)
{
    if (*text == '\0' || g_utf8_strlen(text, -1) > DESCRIPTION)
        return FALSE;
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar ch = g_utf8_get_char(p);
        if (ch < 0x20 || (ch > 0x7e && ch < 0xa1) || ch > 0xff)
            return FALSE;
    }
    return TRUE;
}

/* Values of tags: letters, digits, spaces and some signs. */
static gboolean
is_tag_value(const char *text)
{
    if (g_utf8_strlen(text, -1) > TAG_VALUE)
        return FALSE;
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar ch = g_utf8_get_char(p);
        if (ch < 0x80 ? !g_ascii_isalnum((char)ch) && strchr(" _.:/=+-@", (char)ch) == NULL
                      : !g_unichar_isalnum(ch))
            return FALSE;
    }
    return TRUE;
}

static const char *
describe_role(RbCompiler *c, const RbRole *role)
{
    if (is_description(role->purpose))
        return role->purpose;
    if (*role->purpose != '\0')
        rb_diagnostics_warning(
            c->problems, role->place.file, role->place.line, role->place.column,
            "write it in letters of Latin-1, at most 1000",
            "IAM does not take the purpose of '%s' as a description: its title stands there", role->name);
    return is_description(role->title) ? role->title : role->name;
}

static void
tag_role(RbCompiler *c, const RbRole *role, RbRoleFacts *facts)
{
    RbTag *tags = rb_arena_alloc(&c->out->arena, 3 * sizeof *tags);

    tags[facts->n_tags++] = ours[0];
    if (is_tag_value(role->owner))
        tags[facts->n_tags++] = (RbTag){ "rolebridge:owner", role->owner };
    else
        rb_diagnostics_warning(c->problems, role->place.file, role->place.line, role->place.column,
                               "a tag has letters, digits, spaces and _.:/=+-@",
                               "IAM does not take the owner of '%s' as a tag: it is left out", role->name);
    tags[facts->n_tags++] = (RbTag){ "rolebridge:role", role->name };
    facts->tags = tags;
}

void
rb_compile_roles(RbCompiler *c)
{
    const GPtrArray *roles = rb_snapshot_roles(c->out->snapshot);
    g_autoptr(GHashTable) trusts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    c->roles = rb_arena_alloc(&c->out->arena, MAX(roles->len, 1) * sizeof *c->roles);
    for (guint i = 0; i < roles->len; i++) {
        const RbRole *role = g_ptr_array_index(roles, i);
        g_autofree char *words = rb_compile_trust_words(role);
        c->roles[i].description = describe_role(c, role);
        tag_role(c, role, &c->roles[i]);
        rb_compile_network(c, role, &c->roles[i]);
        if (!g_hash_table_contains(trusts, words))
            g_hash_table_insert(trusts, g_strdup(words), GUINT_TO_POINTER(g_hash_table_size(trusts)));
        c->roles[i].trust = GPOINTER_TO_UINT(g_hash_table_lookup(trusts, words));
    }
    c->n_trusts = g_hash_table_size(trusts);
}

/* ---- an account ---- */

typedef struct {
    RbCompiler *c;
    const RbAccount *account;
    RbCompiledAccount *out;
    GArray *policies;  /* RbCompiledPolicy */
    GHashTable *names; /* name of a policy's first part → its index + 1 among @policies */
    GArray *counts;    /* guint: parts, at the index of the first */
    RbPart *trusts;    /* by RbRoleFacts.trust */
} Account;

static RbArena *
arena(const Account *a)
{
    return &a->c->out->arena;
}

static void
add_policy(Account *a, const char *name, const RbTaskPolicy *task, RbPart part)
{
    RbCompiledPolicy policy = { .name = name, .task = task, .document = part.document, .text = part.text };
    RbTag *tags = rb_arena_alloc(arena(a), 2 * sizeof *tags);
    guint none = 0;

    policy.arn = rb_arena_print(arena(a), "arn:%s:iam::%s:policy%s%s", a->account->partition, a->account->id,
                                a->account->role_path, name);
    policy.description = task == NULL                 ? "Denies what does not come from these networks"
                         : is_description(task->task) ? task->task
                                                      : task->name;
    tags[policy.n_tags++] = ours[0];
    tags[policy.n_tags++] = (RbTag){ "rolebridge:policy", task == NULL ? "network" : task->name };
    policy.tags = tags;
    g_array_append_val(a->policies, policy);
    g_array_append_val(a->counts, none);
}

/* The policies of @name, compiled once: index of the first. G_MAXUINT: they cannot be. */
static guint
policies_of(Account *a, const char *name, const RbTaskPolicy *task, const RbRole *role)
{
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(a->names, name)), first = a->policies->len;
    RbParts parts;

    if (known > 0)
        return known - 1;
    parts = rb_compile_task(a->c, task, a->account, role);
    for (guint i = 0; i < parts.n; i++)
        add_policy(a, i == 0 ? name : rb_arena_print(arena(a), "%s.%u", name, i + 1), task, parts.at[i]);
    if (parts.n > 0)
        g_array_index(a->counts, guint, first) = parts.n;
    else
        first = G_MAXUINT - 1;
    g_hash_table_insert(a->names, (char *)name, GUINT_TO_POINTER(first + 1));
    return first;
}

static void
attach(Account *a, GArray *attached, guint first)
{
    for (guint i = 0; first < a->policies->len && i < g_array_index(a->counts, guint, first); i++) {
        guint at = first + i;
        g_array_append_val(attached, at);
    }
}

static void
attach_tasks(Account *a, const RbRole *role, GArray *attached)
{
    for (guint i = 0; i < role->policies->len; i++) {
        const RbTaskPolicy *task = g_ptr_array_index(role->policies, i);
        const char *name = task->name;
        if (rb_compile_by_role(a->c, task))
            name = rb_arena_print(arena(a), "%s@%s", task->name, role->name);
        attach(a, attached, policies_of(a, name, task, role));
    }
}

static void
attach_network(Account *a, const RbRoleFacts *facts, GArray *attached)
{
    guint known, first = a->policies->len;

    if (facts->network_name == NULL)
        return;
    known = GPOINTER_TO_UINT(g_hash_table_lookup(a->names, facts->network_name));
    if (known == 0) {
        add_policy(a, facts->network_name, NULL, facts->network);
        g_array_index(a->counts, guint, first) = 1;
        g_hash_table_insert(a->names, (char *)facts->network_name, GUINT_TO_POINTER(first + 1));
    }
    attach(a, attached, known == 0 ? first : known - 1);
}

/* "ReadOnlyAccess" is AWS's; an ARN is what it is, if this account can attach it. */
static const char *
managed_arn(const Account *a, const RbRole *role, const char *name)
{
    g_autofree char *own = g_strdup_printf("arn:%s:iam::%s:policy/", a->account->partition, a->account->id);
    g_autofree char *common = g_strdup_printf("arn:%s:iam::aws:policy/", a->account->partition);

    if (!g_str_has_prefix(name, "arn:"))
        return rb_arena_print(arena(a), "%s%s", common, name);
    if (!g_str_has_prefix(name, own) && !g_str_has_prefix(name, common))
        rb_diagnostics_error(a->c->problems, role->place.file, role->place.line, role->place.column,
                             "write it as a task policy, or name one of AWS's own",
                             "the role '%s' is assigned in '%s', where %s cannot be attached", role->name,
                             a->account->name, name);
    return name;
}

static gint
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *const *
managed_of(const Account *a, const RbRole *role)
{
    guint n = g_strv_length((char **)role->managed), kept = 0;
    const char **out = rb_arena_alloc(arena(a), (n + 1) * sizeof *out);

    for (guint i = 0; i < n; i++)
        out[i] = managed_arn(a, role, role->managed[i]);
    qsort(out, n, sizeof *out, by_text);
    for (guint i = 0; i < n; i++)
        if (kept == 0 || !g_str_equal(out[kept - 1], out[i]))
            out[kept++] = out[i];
    out[kept] = NULL;
    return out;
}

static RbPart
trust_of(Account *a, const RbRole *role)
{
    RbPart *part = &a->trusts[a->c->roles[role->index].trust];
    RbPolicy *document = part->document != NULL ? NULL : rb_compile_trust(a->c, role, a->account);

    if (document != NULL)
        *part = rb_compile_part(a->c, document);
    return *part;
}

static void
check_role(const Account *a, const RbCompiledRole *role, guint n_policies)
{
    guint n = n_policies + g_strv_length((char **)role->managed);
    RbPlace place = role->role->place;

    if (n > RB_COMPILE_ATTACHMENTS)
        rb_diagnostics_error(a->c->problems, place.file, place.line, place.column,
                             "put tasks that belong together into one policy, or make it two roles",
                             "the role '%s' has %u policies in '%s', and AWS attaches %d to a role",
                             role->name, n, a->account->name, RB_COMPILE_ATTACHMENTS);
    if (role->trust_text != NULL && rb_compile_size(role->trust_text) > RB_POLICY_TRUST_MAX)
        rb_diagnostics_error(a->c->problems, place.file, place.line, place.column,
                             "use fewer or shorter tags (8192 is obtainable from AWS; compile keeps to what "
                             "every account has)",
                             "the trust policy of '%s' in '%s' has %ld characters, and AWS takes %d",
                             role->name, a->account->name, rb_compile_size(role->trust_text),
                             RB_POLICY_TRUST_MAX);
}

/* @attached: gets the indices of its policies, which move once all are known. */
static void
make_role(Account *a, const RbRole *role, GArray *attached, RbCompiledRole *out)
{
    const RbRoleFacts *facts = &a->c->roles[role->index];
    RbPart trust = trust_of(a, role);

    *out = (RbCompiledRole){ .name = role->name,
                             .description = facts->description,
                             .role = role,
                             .max_session_s = a->account->method == RB_ISSUE_ASSUME_ROLE
                                                  ? SESSION_MIN_S /* role chaining: no more can be had */
                                                  : MAX(role->max_s, SESSION_MIN_S),
                             .trust = trust.document,
                             .trust_text = trust.text,
                             .managed = managed_of(a, role),
                             .tags = facts->tags,
                             .n_tags = facts->n_tags };
    out->arn = rb_arena_print(arena(a), "arn:%s:iam::%s:role%s%s", a->account->partition, a->account->id,
                              a->account->role_path, role->name);
    attach_tasks(a, role, attached);
    attach_network(a, facts, attached);
    check_role(a, out, attached->len);
}

/* ---- putting it in order ---- */

static gint
by_name(gconstpointer a, gconstpointer b, gpointer data)
{
    const RbCompiledPolicy *policies = data;

    return strcmp(policies[*(const guint *)a].name, policies[*(const guint *)b].name);
}

/* The policies sorted by name; *@moved: where each of them is now. */
static void
sort_policies(Account *a, guint *moved)
{
    guint n = a->policies->len;
    g_autofree guint *order = g_new(guint, MAX(n, 1));
    RbCompiledPolicy *sorted = rb_arena_alloc(arena(a), MAX(n, 1) * sizeof *sorted);

    for (guint i = 0; i < n; i++)
        order[i] = i;
    g_qsort_with_data(order, (gint)n, sizeof *order, by_name, a->policies->data);
    for (guint i = 0; i < n; i++) {
        sorted[i] = g_array_index(a->policies, RbCompiledPolicy, order[i]);
        moved[order[i]] = i;
        if (strlen(sorted[i].name) > RB_COMPILE_POLICY_NAME)
            rb_diagnostics_error(a->c->problems, sorted[i].task->place.file, sorted[i].task->place.line, 1,
                                 "give the policy or the role a shorter name",
                                 "'%s' is longer than the 128 characters of a policy's name", sorted[i].name);
    }
    a->out->policies = sorted;
    a->out->n_policies = n;
}

/* The attached policies of a role, sorted as the account's are. */
static const RbCompiledPolicy *const *
point_at(const Account *a, const GArray *attached, const guint *moved)
{
    const RbCompiledPolicy **out = rb_arena_alloc(arena(a), (attached->len + 1) * sizeof *out);
    g_autofree guint8 *here = g_new0(guint8, MAX(a->out->n_policies, 1));
    guint n = 0;

    for (guint i = 0; i < attached->len; i++)
        here[moved[g_array_index(attached, guint, i)]] = 1;
    for (guint i = 0; i < a->out->n_policies; i++)
        if (here[i])
            out[n++] = &a->out->policies[i];
    return out;
}

static void
array_free(gpointer array)
{
    g_array_unref(array);
}

static void
make_roles(Account *a, const guint8 *used)
{
    const GPtrArray *roles = rb_snapshot_roles(a->c->out->snapshot);
    g_autoptr(GPtrArray) attached = g_ptr_array_new_with_free_func(array_free);
    g_autofree guint *moved = NULL;
    RbCompiledRole *out;
    guint n = 0;

    for (guint i = 0; i < roles->len; i++)
        n += used[i] != 0;
    out = rb_arena_alloc(arena(a), MAX(n, 1) * sizeof *out);
    for (guint i = 0; i < roles->len; i++)
        if (used[i]) {
            g_ptr_array_add(attached, g_array_new(FALSE, FALSE, sizeof(guint)));
            make_role(a, g_ptr_array_index(roles, i), attached->pdata[attached->len - 1],
                      &out[attached->len - 1]);
        }
    moved = g_new(guint, MAX(a->policies->len, 1));
    sort_policies(a, moved);
    for (guint i = 0; i < n; i++)
        out[i].policies = point_at(a, attached->pdata[i], moved);
    a->out->roles = out;
    a->out->n_roles = n;
}

static const RbCompiledProvider *
provider_of(const Account *a)
{
    const RbBridge *bridge = rb_snapshot_bridge(a->c->out->snapshot);
    RbCompiledProvider *out;

    if (a->account->method == RB_ISSUE_ASSUME_ROLE)
        return NULL;
    out = rb_arena_alloc(arena(a), sizeof *out);
    out->method = a->account->method;
    out->arn = a->account->provider_arn;
    if (out->method == RB_ISSUE_WEB_IDENTITY) {
        out->url = bridge->url;
        out->audience = bridge->audience;
    } else {
        out->name = strchr(out->arn, '/') + 1;
        out->metadata = bridge->metadata;
    }
    return out;
}

static void
check_quota(const Account *a, guint n, guint quota, const char *what)
{
    const RbAccount *account = a->account;

    if (n > quota)
        rb_diagnostics_error(a->c->problems, account->place.file, account->place.line, account->place.column,
                             "assign fewer roles there",
                             "the account '%s' would have %u %s, and AWS takes %u", account->name, n, what,
                             quota);
}

static gboolean
has_roles(const RbCompiler *c, const guint8 *used)
{
    for (guint i = 0; i < rb_snapshot_roles(c->out->snapshot)->len; i++)
        if (used[i])
            return TRUE;
    return FALSE;
}

void
rb_compile_account(RbCompiler *c, const RbAccount *account, const guint8 *used, RbCompiledAccount *out)
{
    g_autoptr(GArray) policies = g_array_new(FALSE, FALSE, sizeof(RbCompiledPolicy));
    g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree RbPart *trusts = g_new0(RbPart, MAX(c->n_trusts, 1));
    Account a = { c, account, out, policies, names, counts, trusts };

    *out = (RbCompiledAccount){
        .account = account, .path = account->role_path, .tags = ours, .n_tags = G_N_ELEMENTS(ours)
    };
    if (!has_roles(c, used) || !rb_compile_trust_check(c, account))
        return; /* without a role nothing is needed there; without trust there is no role */
    make_roles(&a, used);
    out->provider = provider_of(&a);
    check_quota(&a, out->n_roles, RB_COMPILE_ROLES, "roles");
    check_quota(&a, out->n_policies, RB_COMPILE_POLICIES, "managed policies");
}
