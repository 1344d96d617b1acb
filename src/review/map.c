#include "review/map.h"

#include "base/encoding.h"

#include <string.h>

enum {
    ACCOUNTS_MAX = 24, /* drawn one by one */
    NAMED = 3,         /* in a node that stands for several */
    LINE = 30,         /* characters, then the next space is a line's end */
};

/* A role in a set of accounts, and who has it there. */
typedef struct {
    const RbRole *role;
    char *accounts;  /* indices as text: which set it is */
    GArray *at;      /* guint, ascending */
    gboolean caught; /* the account is caught from the name of a group */
    GPtrArray *who;  /* texts, sorted */
} Spot;

typedef struct {
    const RbSnapshot *snapshot;
    const RbMapLook *look;
    GPtrArray *spots;   /* in order of role, then accounts */
    GHashTable *people; /* text → number of its node + 1 */
    GHashTable *places; /* text → number + 1 */
    gboolean bundle;    /* accounts of one environment are one node */
    GString *nodes, *edges;
} Map;

static void
spot_free(gpointer data)
{
    Spot *spot = data;

    g_free(spot->accounts);
    g_array_unref(spot->at);
    g_ptr_array_unref(spot->who);
    g_free(spot);
}

/* Between double quotes, as Graphviz reads them; long texts go on in the next line at a space. */
static void
append_quoted(GString *out, const char *text)
{
    g_autofree char *shown = rb_text_printable(text, 240);
    guint column = 0;

    for (const char *p = shown; *p != '\0'; p++, column++) {
        if (*p == ' ' && column >= LINE) {
            g_string_append(out, "\\n");
            column = 0;
            continue;
        }
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
}

/* ---- who has what where ---- */

static gboolean
is_wanted(const Map *m, const RbAssignment *a)
{
    const RbMapLook *look = m->look;
    const RbAccount *account = look->account == NULL ? NULL : rb_snapshot_account(m->snapshot, look->account);

    if (look->role != NULL && !g_str_equal(a->role->name, look->role))
        return FALSE;
    if (look->account == NULL || a->captures[0] != NULL || a->when_captures->name != NULL)
        return TRUE;
    for (guint i = 0; i < a->n_accounts; i++)
        if (rb_snapshot_accounts(m->snapshot)->pdata[a->accounts[i]] == account)
            return TRUE;
    return FALSE;
}

/* The accounts of @a that are looked for, as numbers and as text. */
static char *
accounts_of(const Map *m, const RbAssignment *a, GArray *at)
{
    const RbAccount *only =
        m->look->account == NULL ? NULL : rb_snapshot_account(m->snapshot, m->look->account);
    GString *key = g_string_new(NULL);

    for (guint i = 0; i < a->n_accounts; i++)
        if (only == NULL || rb_snapshot_accounts(m->snapshot)->pdata[a->accounts[i]] == only) {
            g_array_append_val(at, a->accounts[i]);
            g_string_append_printf(key, "%u ", a->accounts[i]);
        }
    if (a->captures[0] != NULL || a->when_captures->name != NULL)
        g_string_append(key, "caught");
    return g_string_free(key, FALSE);
}

static Spot *
spot_for(Map *m, const RbAssignment *a)
{
    g_autoptr(GArray) at = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autofree char *key = accounts_of(m, a, at);
    Spot *spot;

    for (guint i = 0; i < m->spots->len; i++) {
        spot = m->spots->pdata[i];
        if (spot->role == a->role && g_str_equal(spot->accounts, key))
            return spot;
    }
    spot = g_new0(Spot, 1);
    spot->role = a->role;
    spot->caught = g_str_has_suffix(key, "caught");
    spot->accounts = g_steal_pointer(&key);
    spot->at = g_steal_pointer(&at);
    spot->who = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(m->spots, spot);
    return spot;
}

static gint
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gint
by_role(gconstpointer a, gconstpointer b)
{
    const Spot *x = *(const Spot *const *)a, *y = *(const Spot *const *)b;
    int role = strcmp(x->role->name, y->role->name);

    return role != 0 ? role : strcmp(x->accounts, y->accounts);
}

static void
collect(Map *m)
{
    g_autofree char *group = m->look->group == NULL ? NULL : g_strdup_printf("group '%s'", m->look->group);

    for (guint i = 0; i < rb_snapshot_size(m->snapshot).n_assignments; i++) {
        const RbAssignment *a = rb_snapshot_assignment(m->snapshot, i);
        g_auto(GStrv) who = is_wanted(m, a) ? rb_assignment_who(m->snapshot, i) : NULL;
        for (guint k = 0; who != NULL && who[k] != NULL; k++) {
            Spot *spot;
            if (group != NULL && !g_str_equal(who[k], group))
                continue;
            spot = spot_for(m, a);
            if (!g_ptr_array_find_with_equal_func(spot->who, who[k], g_str_equal, NULL))
                g_ptr_array_add(spot->who, g_strdup(who[k]));
        }
    }
    g_ptr_array_sort(m->spots, by_role);
    for (guint i = 0; i < m->spots->len; i++)
        g_ptr_array_sort(((Spot *)m->spots->pdata[i])->who, by_text);
}

/* ---- the picture ---- */

/* Production cannot be overlooked. */
static const struct {
    const char *environment, *fill, *line, *text;
} colours[] = {
    { "prod", "#b3261e", "#8c1d18", "#ffffff" },        { "production", "#b3261e", "#8c1d18", "#ffffff" },
    { "staging", "#fff1d6", "#9a6700", "#000000" },     { "stage", "#fff1d6", "#9a6700", "#000000" },
    { "test", "#fff1d6", "#9a6700", "#000000" },        { "dev", "#e0f3e4", "#1a7f37", "#000000" },
    { "development", "#e0f3e4", "#1a7f37", "#000000" }, { "sandbox", "#e1eefc", "#0b57a4", "#000000" },
    { NULL, "#eeeeee", "#666666", "#000000" },
};

/* The last is for what has no colour of its own. */
static gsize
colour_of(const char *environment)
{
    gsize i = 0;

    while (colours[i].environment != NULL &&
           (environment == NULL || !g_str_equal(colours[i].environment, environment)))
        i++;
    return i;
}

/* An arrow of @role: a privileged one is followed by eye from end to end. */
static void
append_arrow(Map *m, const RbRole *role, const char *colour)
{
    if (role->privileged)
        g_string_append(m->edges, " [color=\"#b3261e\", penwidth=2];\n");
    else
        g_string_append_printf(m->edges, " [color=\"%s\"];\n", colour);
}

/* The number of the node that @text has in @table; @new: (out): it is the first time. */
static guint
number(GHashTable *table, const char *text, gboolean *new)
{
    guint n = GPOINTER_TO_UINT(g_hash_table_lookup(table, text));

    *new = n == 0;
    if (n == 0) {
        n = g_hash_table_size(table) + 1;
        g_hash_table_insert(table, g_strdup(text), GUINT_TO_POINTER(n));
    }
    return n;
}

/* "group 'acme-developers'" is drawn as its name; expressions and claims as the words they are. */
static void
append_person(GString *out, const char *who)
{
    gsize n = strlen(who);

    if (g_str_has_prefix(who, "group '") && n > 8 && who[n - 1] == '\'' &&
        strchr(who + 7, '\'') == who + n - 1) {
        g_autofree char *name = g_strndup(who + 7, n - 8);
        append_quoted(out, name);
    } else
        append_quoted(out, who);
}

static void
draw_person(Map *m, const RbRole *role, const char *who, guint spot)
{
    gboolean new;
    guint n = number(m->people, who, &new);

    if (new) {
        g_string_append_printf(m->nodes, "  g%u [label=\"", n);
        append_person(m->nodes, who);
        g_string_append(m->nodes, "\", group=people, fillcolor=\"#f3f0fa\", color=\"#5b4b8a\"];\n");
    }
    g_string_append_printf(m->edges, "  g%u -> r%u", n, spot);
    append_arrow(m, role, "#8a8a8a");
}

static void
draw_place(Map *m, const RbRole *role, guint spot, const char *key, const char *environment,
           const char *label)
{
    gsize colour = colour_of(environment);
    gboolean new;
    guint n = number(m->places, key, &new);

    if (new) {
        g_string_append_printf(m->nodes, "  a%u [label=\"%s\", ", n, label);
        g_string_append_printf(m->nodes, "fillcolor=\"%s\", color=\"%s\", fontcolor=\"%s\"];\n",
                               colours[colour].fill, colours[colour].line, colours[colour].text);
    }
    g_string_append_printf(m->edges, "  r%u -> a%u", spot, n);
    append_arrow(m, role, colours[colour].line);
}

static void
draw_account(Map *m, const RbRole *role, guint spot, const RbAccount *account)
{
    g_autoptr(GString) label = g_string_new(NULL);

    append_quoted(label, account->name);
    g_string_append_printf(label, "\\n%s", account->id);
    if (account->environment != NULL) {
        g_string_append(label, "\\n");
        append_quoted(label, account->environment);
    }
    draw_place(m, role, spot, account->id, account->environment, label->str);
}

/* The accounts of @spot in @environment (NULL: in none) as one. */
static void
draw_bundle(Map *m, guint number_of_spot, const Spot *spot, const char *environment)
{
    g_autoptr(GString) key = g_string_new("bundle "), label = g_string_new(NULL);
    const GPtrArray *accounts = rb_snapshot_accounts(m->snapshot);
    guint n = 0;

    for (guint i = 0; i < spot->at->len; i++) {
        const RbAccount *account = accounts->pdata[g_array_index(spot->at, guint, i)];
        if (g_strcmp0(account->environment, environment) != 0)
            continue;
        g_string_append_printf(key, "%s ", account->id);
        if (n++ < NAMED) {
            g_string_append(label, "\\n");
            append_quoted(label, account->name);
        }
    }
    if (n > NAMED)
        g_string_append(label, "\\n…");
    {
        g_autoptr(GString) head = g_string_new(NULL);
        g_string_append_printf(head, "%u %s", n, n == 1 ? "account" : "accounts");
        if (environment != NULL) {
            g_string_append(head, ", ");
            append_quoted(head, environment);
        }
        g_string_prepend(label, head->str);
    }
    draw_place(m, spot->role, number_of_spot, key->str, environment, label->str);
}

static void
draw_places(Map *m, const Spot *spot, guint n)
{
    g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);
    const GPtrArray *accounts = rb_snapshot_accounts(m->snapshot);

    for (guint i = 0; i < spot->at->len; i++) {
        const RbAccount *account = accounts->pdata[g_array_index(spot->at, guint, i)];
        if (!m->bundle)
            draw_account(m, spot->role, n, account);
        else if (g_hash_table_add(done, (char *)(account->environment == NULL ? "" : account->environment)))
            draw_bundle(m, n, spot, account->environment);
    }
    if (spot->caught)
        draw_place(m, spot->role, n, "caught", NULL, "the account that\\nthe group names");
}

static void
draw_spot(Map *m, const Spot *spot, guint n)
{
    const RbRole *role = spot->role;

    g_string_append_printf(m->nodes, "  r%u [label=\"", n);
    append_quoted(m->nodes, role->title);
    g_string_append(m->nodes, "\\n");
    append_quoted(m->nodes, role->name);
    g_string_append(m->nodes, role->privileged
                                  ? "\\nprivileged: second factor\", penwidth=2.5, color=\"#b3261e\""
                                  : "\", color=\"#0b57a4\"");
    g_string_append(m->nodes, ", fillcolor=\"#ffffff\"];\n");
    for (guint i = 0; i < spot->who->len; i++)
        draw_person(m, role, spot->who->pdata[i], n);
    draw_places(m, spot, n);
}

/* All nodes of a kind stand above each other. */
static void
append_rank(GString *out, const char *kind, guint n)
{
    if (n == 0)
        return;
    g_string_append(out, "  { rank=same;");
    for (guint i = 1; i <= n; i++)
        g_string_append_printf(out, " %s%u;", kind, i);
    g_string_append(out, " }\n");
}

static char *
draw(Map *m)
{
    GString *out = g_string_new(
        "digraph access {\n"
        "  graph [rankdir=LR, ranksep=1.6, nodesep=0.18, bgcolor=white, "
        "fontname=\"Helvetica,Arial,sans-serif\"];\n"
        "  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica,Arial,sans-serif\", fontsize=11, "
        "margin=\"0.18,0.08\"];\n"
        "  edge [color=\"#8a8a8a\", arrowsize=0.6];\n");

    for (guint i = 0; i < m->spots->len; i++)
        draw_spot(m, m->spots->pdata[i], i + 1);
    g_string_append(out, m->nodes->str);
    append_rank(out, "g", g_hash_table_size(m->people));
    append_rank(out, "r", m->spots->len);
    append_rank(out, "a", g_hash_table_size(m->places));
    g_string_append(out, m->edges->str);
    g_string_append(out, "}\n");
    return g_string_free(out, FALSE);
}

/* More accounts than one can read are drawn by environment. */
static gboolean
is_large(const Map *m)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < m->spots->len; i++) {
        const Spot *spot = m->spots->pdata[i];
        for (guint k = 0; k < spot->at->len; k++)
            g_hash_table_add(seen, GUINT_TO_POINTER(g_array_index(spot->at, guint, k) + 1));
    }
    return g_hash_table_size(seen) > ACCOUNTS_MAX;
}

char *
rb_map_dot(const RbSnapshot *snapshot, const RbMapLook *look)
{
    g_autoptr(GPtrArray) spots = g_ptr_array_new_with_free_func(spot_free);
    g_autoptr(GHashTable) people = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GString) nodes = g_string_new(NULL), edges = g_string_new(NULL);
    Map m = { snapshot, look, spots, people, places, FALSE, nodes, edges };

    collect(&m);
    m.bundle = is_large(&m);
    return spots->len == 0 ? NULL : draw(&m);
}
