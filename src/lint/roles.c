#include "lint/priv.h"

#include <string.h>

/* Rules that judge roles and assignments by what is said about them, and by what they have in common. */

static void
each_role(RbLint *lint, void (*look)(RbLint *lint, const RbRole *role))
{
    for (guint i = 0; i < lint->roles->len; i++)
        look(lint, lint->roles->pdata[i]);
}

static gboolean
has_policies(const RbRole *role)
{
    return role->policies->len > 0 || role->managed[0] != NULL;
}

static void
look_for_inline(RbLint *lint, const RbRole *role)
{
    if (!has_policies(role) && role->session_policy != NULL)
        rb_lint_say(lint, role->place, "write it as a task policy and name that under 'policies'",
                    "the role '%s' has a session policy and nothing that it could narrow", role->name);
}

void
rb_lint_inline_policies(RbLint *lint)
{
    each_role(lint, look_for_inline);
}

static void
look_for_no_policies(RbLint *lint, const RbRole *role)
{
    if (!has_policies(role) && role->session_policy == NULL)
        rb_lint_say(lint, role->place, "name a task policy",
                    "the role '%s' has no policies, so it may do nothing", role->name);
}

void
rb_lint_no_policies(RbLint *lint)
{
    each_role(lint, look_for_no_policies);
}

static void
look_for_no_owner(RbLint *lint, const RbRole *role)
{
    if (*role->owner == '\0')
        rb_lint_say(lint, role->place, "write an address that is read", "the role '%s' has no owner",
                    role->name);
}

void
rb_lint_no_owner(RbLint *lint)
{
    each_role(lint, look_for_no_owner);
}

static void
look_for_no_purpose(RbLint *lint, const RbRole *role)
{
    if (*role->purpose == '\0')
        rb_lint_say(lint, role->place, "write one sentence", "the role '%s' does not say what it is for",
                    role->name);
}

void
rb_lint_no_purpose(RbLint *lint)
{
    each_role(lint, look_for_no_purpose);
}

static void
look_for_unused(RbLint *lint, const RbRole *role)
{
    if (!role->used)
        rb_lint_say(lint, role->place, "assign it to a group, or delete the file",
                    "nobody is assigned the role '%s'", role->name);
}

void
rb_lint_unused_roles(RbLint *lint)
{
    each_role(lint, look_for_unused);
}

void
rb_lint_unused_policies(RbLint *lint)
{
    for (guint i = 0; i < lint->policies->len; i++) {
        const RbTaskPolicy *p = lint->policies->pdata[i];
        if (!p->used)
            rb_lint_say(lint, p->place, "name it in a role, or delete the file",
                        "no role uses the policy '%s'", p->name);
    }
}

/* ---- assignments ---- */

/* Whether every account of @a is one of @b's; both are ascending. */
static gboolean
accounts_within(const RbAssignment *a, const RbAssignment *b)
{
    guint k = 0;

    for (guint i = 0; i < a->n_accounts; i++, k++) {
        while (k < b->n_accounts && b->accounts[k] < a->accounts[i])
            k++;
        if (k == b->n_accounts || b->accounts[k] != a->accounts[i])
            return FALSE;
    }
    return a->captures[0] == NULL && a->when_captures[0].name == NULL && a->n_accounts > 0;
}

static gboolean
people_within(const RbLint *lint, guint i, guint k)
{
    const char *const *a = lint->who->pdata[i], *const *b = lint->who->pdata[k];

    for (guint n = 0; a[n] != NULL; n++)
        if (!g_strv_contains(b, a[n]))
            return FALSE;
    return a[0] != NULL;
}

/* Whether @i gives nothing that @k does not; of two that are equal, the later one. */
static gboolean
is_covered(const RbLint *lint, guint i, guint k)
{
    const RbSnapshot *s = lint->snapshot;
    const RbAssignment *a = rb_snapshot_assignment(s, i), *b = rb_snapshot_assignment(s, k);

    return accounts_within(a, b) && people_within(lint, i, k) &&
           (k < i || !accounts_within(b, a) || !people_within(lint, k, i));
}

static const RbAssignment *
find_cover(const RbLint *lint, guint i, const GArray *same_role)
{
    for (guint k = 0; k < same_role->len; k++) {
        guint other = g_array_index(same_role, guint, k);
        if (other != i && is_covered(lint, i, other))
            return rb_snapshot_assignment(lint->snapshot, other);
    }
    return NULL;
}

static void
array_free(gpointer array)
{
    g_array_unref(array);
}

void
rb_lint_unused_assignments(RbLint *lint)
{
    const RbSnapshot *s = lint->snapshot;
    guint n = rb_snapshot_size(s).n_assignments;
    g_autoptr(GHashTable) by_role = g_hash_table_new_full(NULL, NULL, NULL, array_free);

    for (guint i = 0; i < n; i++) {
        gpointer role = rb_snapshot_assignment(s, i)->role;
        GArray *same = g_hash_table_lookup(by_role, role);
        if (same == NULL) {
            same = g_array_new(FALSE, FALSE, sizeof(guint));
            g_hash_table_insert(by_role, role, same);
        }
        g_array_append_val(same, i);
    }
    for (guint i = 0; i < n; i++) {
        const RbAssignment *a = rb_snapshot_assignment(s, i);
        const RbAssignment *cover = find_cover(lint, i, g_hash_table_lookup(by_role, a->role));
        if (cover != NULL)
            rb_lint_say(lint, a->place, "keep one of them",
                        "%s:%u gives the role '%s' to the same people there", cover->place.file,
                        cover->place.line, a->role->name);
    }
}

/* ---- roles that are nearly the same ---- */

/* What @role is made of: its task policies' statements, and managed policies; equal ones are one text of
 * @texts, so that they compare by address. */
static GHashTable *
parts_of(const RbRole *role, GStringChunk *texts)
{
    GHashTable *out = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < role->policies->len; i++) {
        const RbPolicy *document = ((const RbTaskPolicy *)role->policies->pdata[i])->document;
        for (guint k = 0; k < document->n_statements; k++) {
            g_autofree char *meaning = rb_lint_meaning(document, k);
            g_hash_table_add(out, g_string_chunk_insert_const(texts, meaning));
        }
    }
    for (guint i = 0; role->managed[i] != NULL; i++) {
        g_autofree char *name = g_strconcat("managed policy ", role->managed[i], NULL);
        g_hash_table_add(out, g_string_chunk_insert_const(texts, name));
    }
    return out;
}

static guint
in_common(GHashTable *a, GHashTable *b)
{
    GHashTableIter iter;
    gpointer part;
    guint n = 0;

    g_hash_table_iter_init(&iter, a);
    while (g_hash_table_iter_next(&iter, &part, NULL))
        n += g_hash_table_contains(b, part);
    return n;
}

/* What makes two roles on purpose: another second factor, other networks or hours, a rule that nobody has
 * both. */
static gboolean
are_apart(const RbRole *a, const RbRole *b)
{
    gboolean apart = a->privileged != b->privileged || g_strcmp0(a->networks_text, b->networks_text) != 0 ||
                     g_strcmp0(a->hours_text, b->hours_text) != 0;

    for (guint i = 0; i < a->n_duties; i++)
        for (guint k = 0; k < b->n_duties; k++)
            apart = apart || a->duties[i] == b->duties[k];
    return apart;
}

/* Four parts of five. */
static gboolean
are_alike(GHashTable *a, GHashTable *b)
{
    guint x = g_hash_table_size(a), y = g_hash_table_size(b);

    if (x == 0 || MIN(x, y) * 5 < MAX(x, y) * 4)
        return FALSE;
    return in_common(a, b) * 5 >= (x + y - in_common(a, b)) * 4;
}

static void
table_free(gpointer table)
{
    g_hash_table_unref(table);
}

void
rb_lint_alike_roles(RbLint *lint)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(table_free);
    GStringChunk *texts = g_string_chunk_new(4096);

    for (guint i = 0; i < lint->roles->len; i++) {
        const RbRole *role = lint->roles->pdata[i];
        g_ptr_array_add(parts, parts_of(role, texts));
        for (guint k = 0; k < i; k++) {
            const RbRole *other = lint->roles->pdata[k];
            if (!are_apart(role, other) && are_alike(parts->pdata[i], parts->pdata[k])) {
                rb_lint_say(lint, role->place, "make them one, or move what differs to a task policy",
                            "the role '%s' gives nearly the same as '%s'", role->name, other->name);
                break;
            }
        }
    }
    g_string_chunk_free(texts);
}
