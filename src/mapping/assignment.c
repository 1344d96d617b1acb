#include "mapping/priv.h"

#include "base/encoding.h"

#include <string.h>

/* One assignment being read. */
typedef struct {
    RbLoad *load;
    RbAssignment a;
    guint first_matcher;   /* its first in the index */
    GArray *accounts;      /* guint */
    GPtrArray *captures;   /* names, borrowed from the arena */
    GArray *when_captures; /* RbWhenCapture */
} Reader;

static RbArena *
arena(Reader *r)
{
    return &r->load->snapshot->arena;
}

static void
read_group(Reader *r, const RbYaml *item)
{
    static const char *const known[] = { "prefix", "regex", "dn_under", NULL };
    const char *text = rb_yaml_text(item);
    RbMatcher m;

    if (rb_yaml_kind(item) == RB_YAML_MAP) {
        if (!rb_matcher_read(r->load, item, known, "name the groups that are meant", &m))
            return;
    } else if (!rb_yaml_expect(item, RB_YAML_SCALAR, r->load->problems)) {
        return;
    } else if (rb_yaml_is_null(item) || *text == '\0' || strlen(text) > RB_MATCHER_MAX) {
        rb_yaml_problem(item, r->load->problems, NULL, "an empty or over-long group");
        return;
    } else {
        m = rb_matcher_exact(r->load, text);
    }
    rb_index_add(&r->load->snapshot->index, &m);
}

static void
read_groups(Reader *r, const RbYaml *list)
{
    gboolean many = rb_yaml_kind(list) == RB_YAML_LIST;
    guint n = many ? rb_yaml_size(list) : 1;

    if (n == 0)
        rb_diagnostics_warning(r->load->problems, rb_yaml_file(list), rb_yaml_line(list),
                               rb_yaml_column(list), "name a group", "an assignment to nobody");
    for (guint i = 0; i < n; i++)
        read_group(r, many ? rb_yaml_item(list, i) : list);
}

/* Without groups, who vouches and what is stated must say enough: whoever could get a token of that provider
 * would have the role otherwise. */
static void
check_claims(Reader *r, const RbYaml *node)
{
    const RbYaml *map = rb_yaml_get(node, "when"), *provider = rb_yaml_get(node, "provider");
    gboolean open = r->a.n_when > 0;

    if (map == NULL || provider == NULL) {
        rb_yaml_problem(node, r->load->problems,
                        "name groups; or, for a workload, both its 'provider' and 'when'", "%s is missing",
                        map == NULL && provider == NULL ? "'groups'"
                        : map == NULL                   ? "without 'groups', 'when'"
                                                        : "without 'groups', 'provider'");
        return;
    }
    for (guint i = 0; i < r->a.n_when; i++)
        open = open && r->a.when[i].open;
    if (open)
        rb_diagnostics_error(r->load->problems, rb_yaml_file(node), r->a.when->line, r->a.when->column,
                             "name a value, a prefix, or an expression that leaves something out",
                             "'when' matches every token of this issuer");
}

/* Whether every value of @when is an expression that has the capture @name. */
static gboolean
when_catches(const RbWhen *when, const char *name)
{
    gboolean all = when->n_values > 0;

    for (guint i = 0; i < when->n_values && all; i++)
        all = when->values[i].pattern != NULL &&
              g_strv_contains(rb_pattern_captures(when->values[i].pattern), name);
    return all;
}

/* The first group that has no capture @name; NULL: every one has it. */
static const RbMatcher *
group_without(const Reader *r, const char *name)
{
    const GArray *matchers = r->load->snapshot->index.matchers;

    for (guint i = r->first_matcher; i < matchers->len; i++) {
        const RbMatcher *m = &g_array_index(matchers, RbMatcher, i);
        if (m->pattern == NULL || !g_strv_contains(rb_pattern_captures(m->pattern), name))
            return m;
    }
    return NULL;
}

/* The capture that somebody who wrote @name most likely meant: of @m, or of any value of `when`. */
static const char *
near_capture(const Reader *r, const RbMatcher *m, const char *name)
{
    const char *near =
        m == NULL || m->pattern == NULL ? NULL : rb_text_nearest(name, rb_pattern_captures(m->pattern));

    for (guint i = 0; i < r->a.n_when; i++)
        for (guint k = 0; k < r->a.when[i].n_values && near == NULL; k++)
            if (r->a.when[i].values[k].pattern != NULL)
                near = rb_text_nearest(name, rb_pattern_captures(r->a.when[i].values[k].pattern));
    return near;
}

static void
unknown_capture(Reader *r, const RbYaml *node, const RbMatcher *group, const char *name)
{
    const char *near = near_capture(r, group, name);
    g_autofree char *hint = near != NULL && !g_str_equal(near, name)
                                ? g_strdup_printf("did you mean '${%s}'?", near)
                                : g_strdup_printf("it takes a regex with (?<%s>…)", name);

    if (group != NULL) {
        g_autofree char *quoted = rb_text_quote(group->text);
        rb_yaml_problem(node, r->load->problems, hint, "the group %s has no capture named '%s'", quoted,
                        name);
    } else {
        rb_yaml_problem(node, r->load->problems, hint,
                        "no entry of 'when' has a capture named '%s' in all of its values", name);
    }
}

/* "${name}": every one of the groups, or of the values of one `when` entry, must be an expression that has
 * this capture. */
static void
read_capture(Reader *r, const RbYaml *node, const char *text)
{
    g_autofree char *name = g_strndup(text + 2, strlen(text) - 3);
    const RbMatcher *group = group_without(r, name);
    gboolean by_groups = !r->a.by_claims && group == NULL;
    guint sources = by_groups ? 1 : 0, when = 0;

    for (guint i = 0; i < r->a.n_when; i++)
        if (when_catches(&r->a.when[i], name)) {
            when = i;
            sources++;
        }
    if (sources == 0) {
        unknown_capture(r, node, group, name);
    } else if (sources > 1) {
        rb_yaml_problem(node, r->load->problems, "give one of them another name",
                        "more than one expression catches '%s'", name);
    } else if (by_groups) {
        g_ptr_array_add(r->captures, rb_arena_text(arena(r), name));
    } else {
        RbWhenCapture capture = { when, rb_arena_text(arena(r), name) };
        g_array_append_val(r->when_captures, capture);
    }
}

static void
read_account_ref(Reader *r, const RbYaml *node)
{
    const char *text = rb_yaml_text(node);
    guint at;

    if (rb_yaml_is_null(node) || *text == '\0') {
        rb_yaml_problem(node, r->load->problems, "name an account", "an empty account");
        return;
    }
    if (g_str_has_prefix(text, "${") && g_str_has_suffix(text, "}")) {
        read_capture(r, node, text);
        return;
    }
    if (!rb_yaml_quoted(node) && text[strspn(text, "0123456789")] == '\0') {
        g_autofree char *hint = g_strdup_printf("write \"%s\"", text);
        rb_yaml_problem(node, r->load->problems, hint, "an account id must be in quotes");
        return;
    }
    at = GPOINTER_TO_UINT(g_hash_table_lookup(r->load->snapshot->account_at, text));
    if (at > 0) {
        at--;
        g_array_append_val(r->accounts, at);
    } else if (r->load->accounts_known) {
        rb_unknown(r->load, node, "account", text, r->load->snapshot->account_at);
    }
}

/* { label: env=dev } */
static void
read_label(Reader *r, const RbYaml *node)
{
    static const char *const known[] = { "label", NULL };
    const GPtrArray *accounts = r->load->snapshot->accounts;
    const RbYaml *value = rb_yaml_get(node, "label");
    const char *text;
    g_auto(GStrv) pair = NULL;
    guint before = r->accounts->len;

    if (!rb_yaml_check_keys(node, known, r->load->problems))
        return;
    text = rb_yaml_string(node, "label", NULL, r->load->problems);
    pair = g_strsplit(text, "=", 2);
    if (*text == '\0' || value == NULL)
        return;
    if (pair[1] == NULL || *pair[0] == '\0' || *pair[1] == '\0') {
        rb_yaml_problem(value, r->load->problems, "write label: env=dev", "not a label and its value");
        return;
    }
    for (guint i = 0; i < accounts->len; i++) {
        const RbAccount *account = g_ptr_array_index(accounts, i);
        if (g_strcmp0(g_hash_table_lookup(account->labels, pair[0]), pair[1]) == 0)
            g_array_append_val(r->accounts, i);
    }
    if (r->accounts->len == before && r->load->accounts_known)
        rb_diagnostics_warning(r->load->problems, rb_yaml_file(value), rb_yaml_line(value),
                               rb_yaml_column(value), NULL, "no account has the label %s=%s", pair[0],
                               pair[1]);
}

static gint
by_number(gconstpointer a, gconstpointer b)
{
    guint x = *(const guint *)a, y = *(const guint *)b;

    return (x > y) - (x < y);
}

/* The fixed accounts, each once, in order. */
static void
keep_accounts(Reader *r)
{
    guint *out = rb_arena_alloc(arena(r), MAX(r->accounts->len, 1) * sizeof *out), n = 0;

    g_array_sort(r->accounts, by_number);
    for (guint i = 0; i < r->accounts->len; i++) {
        guint at = g_array_index(r->accounts, guint, i);
        if (n == 0 || out[n - 1] != at)
            out[n++] = at;
    }
    r->a.accounts = out;
    r->a.n_accounts = n;
}

static void
keep_captures(Reader *r)
{
    static const char *no_captures[] = { NULL };
    static const RbWhenCapture no_when_captures[] = { { 0, NULL } };
    RbWhenCapture *when;

    r->a.captures = no_captures;
    r->a.when_captures = no_when_captures;
    if (r->captures->len > 0) {
        r->a.captures = rb_arena_alloc(arena(r), (r->captures->len + 1) * sizeof(char *));
        memcpy(r->a.captures, r->captures->pdata, r->captures->len * sizeof(char *));
    }
    if (r->when_captures->len > 0) {
        when = rb_arena_alloc(arena(r), (r->when_captures->len + 1) * sizeof *when);
        memcpy(when, r->when_captures->data, r->when_captures->len * sizeof *when);
        r->a.when_captures = when;
    }
}

static void
read_accounts(Reader *r, const RbYaml *node)
{
    const RbYaml *list = rb_yaml_get(node, "accounts");
    gboolean many = list != NULL && rb_yaml_kind(list) == RB_YAML_LIST;
    guint n = list == NULL ? 0 : many ? rb_yaml_size(list) : 1;

    g_array_set_size(r->accounts, 0);
    g_ptr_array_set_size(r->captures, 0);
    g_array_set_size(r->when_captures, 0);
    if (list == NULL)
        rb_yaml_problem(node, r->load->problems, NULL, "'accounts' is missing");
    else if (n == 0)
        rb_diagnostics_warning(r->load->problems, rb_yaml_file(list), rb_yaml_line(list),
                               rb_yaml_column(list), "name an account", "an assignment in no account");
    for (guint i = 0; i < n; i++) {
        const RbYaml *item = many ? rb_yaml_item(list, i) : list;
        if (rb_yaml_kind(item) == RB_YAML_MAP)
            read_label(r, item);
        else if (rb_yaml_expect(item, RB_YAML_SCALAR, r->load->problems))
            read_account_ref(r, item);
    }
    keep_accounts(r);
    keep_captures(r);
}

static void
make_words(Reader *r)
{
    const char *const *more = (const char *const *)(r->a.role == NULL ? NULL : r->a.role->words);
    guint n = 0, m = more == NULL ? 0 : g_strv_length((char **)more);
    const char **out;

    if (r->a.n_when == 0 && r->a.provider == NULL && m > 0) {
        r->a.words = r->a.role->words;
        return;
    }
    out = rb_arena_alloc(arena(r), (r->a.n_when + m + 2) * sizeof *out);
    if (r->a.provider != NULL) {
        const char *parts[] = { r->a.by_claims ? "vouched for by " : "signed in by ", r->a.provider, NULL };
        out[n++] = rb_arena_join(arena(r), parts);
    }
    for (guint i = 0; i < r->a.n_when; i++)
        out[n++] = rb_arena_take(arena(r), rb_when_words(&r->a.when[i]));
    for (guint i = 0; i < m; i++)
        out[n++] = more[i];
    r->a.words = out;
}

static RbRole *
read_role_ref(RbLoad *load, const RbYaml *value)
{
    RbRole *role;

    if (!rb_yaml_expect(value, RB_YAML_SCALAR, load->problems))
        return NULL;
    role = g_hash_table_lookup(load->snapshot->role_named, rb_yaml_text(value));
    if (role == NULL)
        rb_unknown(load, value, "role", rb_yaml_text(value), load->snapshot->role_named);
    else
        role->used = TRUE;
    return role;
}

static void
read_assignment(Reader *r, const RbYaml *node, const char *file)
{
    static const char *const known[] = { "groups", "provider", "when", "role", "accounts", NULL };
    const RbYaml *role = rb_yaml_get(node, "role"), *groups = rb_yaml_get(node, "groups");
    const char *provider;

    if (!rb_yaml_check_keys(node, known, r->load->problems) && rb_yaml_kind(node) != RB_YAML_MAP)
        return;
    memset(&r->a, 0, sizeof r->a);
    r->a.place = rb_place(node);
    r->a.place.file = file;
    r->first_matcher = r->load->snapshot->index.matchers->len;
    r->a.by_claims = groups == NULL;
    if (groups != NULL)
        read_groups(r, groups);
    provider = rb_yaml_string(node, "provider", "", r->load->problems);
    if (*provider == '\0' && rb_yaml_get(node, "provider") != NULL &&
        rb_yaml_kind(rb_yaml_get(node, "provider")) == RB_YAML_SCALAR)
        rb_yaml_problem(rb_yaml_get(node, "provider"), r->load->problems,
                        r->a.by_claims ? "name who vouches" : "leave it out for every provider",
                        "an empty provider");
    r->a.provider = *provider == '\0' ? NULL : rb_arena_text(arena(r), provider);
    r->a.when = rb_when_read(r->load, rb_yaml_get(node, "when"), &r->a.n_when);
    if (r->a.by_claims)
        check_claims(r, node);
    if (role == NULL)
        rb_yaml_problem(node, r->load->problems, NULL, "'role' is missing");
    else
        r->a.role = read_role_ref(r->load, role);
    read_accounts(r, node);
    make_words(r);
    g_array_append_val(r->load->snapshot->assignments, r->a);
}

static void
read_duty(RbLoad *load, const RbYaml *node, const char *file)
{
    static const char *const known[] = { "never_together", "reason", NULL };
    const RbYaml *list = rb_yaml_get(node, "never_together");
    RbDuties duty = { .place = rb_place(node) };

    if (!rb_yaml_check_keys(node, known, load->problems) && rb_yaml_kind(node) != RB_YAML_MAP)
        return;
    duty.place.file = file;
    duty.reason = rb_text_field(load, node, "reason", TRUE);
    if (list == NULL || rb_yaml_kind(list) != RB_YAML_LIST || rb_yaml_size(list) < 2) {
        rb_yaml_problem(list != NULL ? list : node, load->problems,
                        "write never_together: [one-role, another]", "two roles or more are needed");
        return;
    }
    duty.roles = rb_arena_alloc(&load->snapshot->arena, rb_yaml_size(list) * sizeof *duty.roles);
    for (guint i = 0; i < rb_yaml_size(list); i++) {
        RbRole *role = read_role_ref(load, rb_yaml_item(list, i));
        for (guint k = 0; k < duty.n_roles && role != NULL; k++)
            if (duty.roles[k] == role) {
                rb_yaml_problem(rb_yaml_item(list, i), load->problems, "keep one of them",
                                "'%s' appears twice", role->name);
                role = NULL;
            }
        if (role != NULL)
            duty.roles[duty.n_roles++] = role;
    }
    g_array_append_val(load->snapshot->duties, duty);
}

static void
read_duties(RbLoad *load, const RbYaml *list, const char *file)
{
    if (list == NULL || !rb_yaml_expect(list, RB_YAML_LIST, load->problems))
        return;
    for (guint i = 0; i < rb_yaml_size(list); i++)
        read_duty(load, rb_yaml_item(list, i), file);
}

void
rb_assignments_read(RbLoad *load, const RbYaml *root)
{
    static const char *const known[] = { "rolebridge", "assignments", "separation_of_duties", "lint", NULL };
    const char *file = rb_load_text(load, rb_yaml_file(root));
    const RbYaml *list = rb_yaml_get(root, "assignments");
    g_autoptr(GArray) accounts = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(GPtrArray) captures = g_ptr_array_new();
    g_autoptr(GArray) when_captures = g_array_new(FALSE, FALSE, sizeof(RbWhenCapture));
    Reader r = { .load = load, .accounts = accounts, .captures = captures, .when_captures = when_captures };

    (void)rb_yaml_check_keys(root, known, load->problems);
    if (list == NULL && rb_yaml_get(root, "separation_of_duties") == NULL)
        rb_yaml_problem(root, load->problems, NULL, "'assignments' is missing");
    if (list != NULL && rb_yaml_expect(list, RB_YAML_LIST, load->problems))
        for (guint i = 0; i < rb_yaml_size(list); i++)
            read_assignment(&r, rb_yaml_item(list, i), file);
    read_duties(load, rb_yaml_get(root, "separation_of_duties"), file);
    rb_ignores_read(load, root);
}
