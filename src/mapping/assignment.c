#include "mapping/priv.h"

#include "base/encoding.h"
#include "mapping/dn.h"

#include <string.h>

enum { MAX_TEXT = 4096 }; /* bytes of a group, as identities have them */

/* One assignment being read. */
typedef struct {
    RbLoad *load;
    RbAssignment a;
    guint first_matcher; /* its first in the index */
    GArray *accounts;    /* guint */
    GPtrArray *captures; /* names, borrowed from the arena */
} Reader;

static RbArena *
arena(Reader *r)
{
    return &r->load->snapshot->arena;
}

static void
add_matcher(Reader *r, RbMatcherKind kind, const char *text, RbPattern *pattern)
{
    RbMatcher m = { .kind = kind, .assignment = r->load->snapshot->assignments->len, .pattern = pattern };

    m.text = rb_arena_text(arena(r), text);
    m.length = strlen(text);
    rb_index_add(&r->load->snapshot->index, &m);
}

static void
read_regex(Reader *r, const RbYaml *value, const char *text)
{
    g_autofree char *message = NULL, *quoted = rb_text_quote(text);
    gsize offset;
    RbPattern *pattern = rb_pattern_new(text, &message, &offset);
    /* within a quoted scalar the text starts one column later; escapes may move it further */
    guint column = rb_yaml_column(value) + (guint)offset + (rb_yaml_quoted(value) ? 1 : 0);

    if (pattern != NULL)
        add_matcher(r, RB_MATCHER_REGEX, text, pattern);
    else
        rb_diagnostics_error(r->load->problems, rb_yaml_file(value), rb_yaml_line(value), column, NULL,
                             "%s is not a regular expression: %s at offset %" G_GSIZE_FORMAT, quoted, message,
                             offset);
}

static void
read_dn(Reader *r, const RbYaml *value, const char *text)
{
    g_autofree char *canonical = rb_dn_canonical(text, NULL), *quoted = rb_text_quote(text);

    if (canonical != NULL)
        add_matcher(r, RB_MATCHER_DN, canonical, NULL);
    else
        rb_yaml_problem(value, r->load->problems, "write it like ou=aws,dc=acme,dc=example",
                        "%s is not a distinguished name", quoted);
}

/* { prefix: … }, { regex: … } or { dn_under: … } */
static void
read_group_map(Reader *r, const RbYaml *node)
{
    static const char *const known[] = { "prefix", "regex", "dn_under", NULL };
    const RbYaml *value;
    const char *key, *text;

    if (!rb_yaml_check_keys(node, known, r->load->problems))
        return;
    if (rb_yaml_size(node) != 1) {
        rb_yaml_problem(node, r->load->problems, "make one entry of each",
                        "one of prefix, regex and dn_under");
        return;
    }
    key = rb_yaml_text(rb_yaml_key(node, 0));
    value = rb_yaml_item(node, 0);
    if (!rb_yaml_expect(value, RB_YAML_SCALAR, r->load->problems))
        return;
    text = rb_yaml_text(value);
    if (rb_yaml_is_null(value) || *text == '\0' || strlen(text) > MAX_TEXT)
        rb_yaml_problem(value, r->load->problems, "name the groups that are meant",
                        "an empty or over-long %s", key);
    else if (g_str_equal(key, "prefix"))
        add_matcher(r, RB_MATCHER_PREFIX, text, NULL);
    else if (g_str_equal(key, "regex"))
        read_regex(r, value, text);
    else
        read_dn(r, value, text);
}

static void
read_groups(Reader *r, const RbYaml *node)
{
    const RbYaml *list = rb_yaml_get(node, "groups");
    gboolean many = list != NULL && rb_yaml_kind(list) == RB_YAML_LIST;
    guint n = list == NULL ? 0 : many ? rb_yaml_size(list) : 1;

    if (list == NULL)
        rb_yaml_problem(node, r->load->problems, NULL, "'groups' is missing");
    else if (n == 0)
        rb_diagnostics_warning(r->load->problems, rb_yaml_file(list), rb_yaml_line(list),
                               rb_yaml_column(list), "name a group", "an assignment to nobody");
    for (guint i = 0; i < n; i++) {
        const RbYaml *item = many ? rb_yaml_item(list, i) : list;
        const char *text = rb_yaml_text(item);
        if (rb_yaml_kind(item) == RB_YAML_MAP)
            read_group_map(r, item);
        else if (!rb_yaml_expect(item, RB_YAML_SCALAR, r->load->problems))
            continue;
        else if (rb_yaml_is_null(item) || *text == '\0' || strlen(text) > MAX_TEXT)
            rb_yaml_problem(item, r->load->problems, NULL, "an empty or over-long group");
        else
            add_matcher(r, RB_MATCHER_EXACT, text, NULL);
    }
}

/* "${name}": every one of the groups must be an expression that has this capture. */
static void
read_capture(Reader *r, const RbYaml *node, const char *text)
{
    g_autofree char *name = g_strndup(text + 2, strlen(text) - 3);
    const GArray *matchers = r->load->snapshot->index.matchers;

    for (guint i = r->first_matcher; i < matchers->len; i++) {
        const RbMatcher *m = &g_array_index(matchers, RbMatcher, i);
        const char *const *has = m->pattern == NULL ? NULL : rb_pattern_captures(m->pattern);
        g_autofree char *group = rb_text_quote(m->text), *hint = NULL;
        const char *near = has == NULL ? NULL : rb_text_nearest(name, has);
        if (has != NULL && g_strv_contains(has, name))
            continue;
        hint = near != NULL ? g_strdup_printf("did you mean '${%s}'?", near)
                            : g_strdup_printf("it takes a regex with (?<%s>…)", name);
        rb_yaml_problem(node, r->load->problems, hint, "the group %s has no capture named '%s'", group, name);
        return;
    }
    g_ptr_array_add(r->captures, rb_arena_text(arena(r), name));
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
    g_ptr_array_add(r->captures, NULL);
    r->a.captures = rb_arena_alloc(arena(r), r->captures->len * sizeof(char *));
    memcpy(r->a.captures, r->captures->pdata, r->captures->len * sizeof(char *));
}

static void
read_accounts(Reader *r, const RbYaml *node)
{
    const RbYaml *list = rb_yaml_get(node, "accounts");
    gboolean many = list != NULL && rb_yaml_kind(list) == RB_YAML_LIST;
    guint n = list == NULL ? 0 : many ? rb_yaml_size(list) : 1;

    g_array_set_size(r->accounts, 0);
    g_ptr_array_set_size(r->captures, 0);
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
}

static void
read_when(Reader *r, const RbYaml *node)
{
    const RbYaml *map = rb_yaml_get(node, "when");
    RbWhen *when;
    guint n;

    if (map == NULL || !rb_yaml_expect(map, RB_YAML_MAP, r->load->problems))
        return;
    n = rb_yaml_size(map);
    if (n == 0)
        rb_yaml_problem(map, r->load->problems, "leave it out", "an empty 'when'");
    when = rb_arena_alloc(arena(r), MAX(n, 1) * sizeof *when);
    for (guint i = 0; i < n; i++) {
        const RbYaml *value = rb_yaml_item(map, i);
        const char *key = rb_yaml_text(rb_yaml_key(map, i));
        g_auto(GStrv) texts = rb_yaml_strings(map, key, r->load->problems);
        guint m = g_strv_length(texts);
        if (rb_yaml_is_null(value) || (m == 0 && rb_yaml_kind(value) == RB_YAML_LIST))
            rb_yaml_problem(value, r->load->problems, "name a value", "'%s' can never be equal to nothing",
                            key);
        when[i].attribute = rb_arena_text(arena(r), key);
        when[i].values = rb_arena_alloc(arena(r), (m + 1) * sizeof(char *));
        for (guint k = 0; k < m; k++)
            when[i].values[k] = rb_arena_text(arena(r), texts[k]);
    }
    r->a.when = when;
    r->a.n_when = n;
}

/* "department is 'Research' or 'Sales'" */
static const char *
when_words(Reader *r, const RbWhen *when)
{
    g_autoptr(GString) out = g_string_new(when->attribute);

    for (guint i = 0; when->values[i] != NULL; i++)
        g_string_append_printf(out, "%s'%s'", i == 0 ? " is " : " or ", when->values[i]);
    return rb_arena_text(arena(r), out->str);
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
        const char *parts[] = { "signed in by ", r->a.provider, NULL };
        out[n++] = rb_arena_join(arena(r), parts);
    }
    for (guint i = 0; i < r->a.n_when; i++)
        out[n++] = when_words(r, &r->a.when[i]);
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
    const RbYaml *role = rb_yaml_get(node, "role");
    const char *provider;

    if (!rb_yaml_check_keys(node, known, r->load->problems) && rb_yaml_kind(node) != RB_YAML_MAP)
        return;
    memset(&r->a, 0, sizeof r->a);
    r->a.place = rb_place(node);
    r->a.place.file = file;
    r->first_matcher = r->load->snapshot->index.matchers->len;
    read_groups(r, node);
    provider = rb_yaml_string(node, "provider", "", r->load->problems);
    if (rb_yaml_get(node, "provider") != NULL && *provider == '\0')
        rb_yaml_problem(rb_yaml_get(node, "provider"), r->load->problems, "leave it out for every provider",
                        "an empty provider");
    r->a.provider = *provider == '\0' ? NULL : rb_arena_text(arena(r), provider);
    read_when(r, node);
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
    static const char *const known[] = { "rolebridge", "assignments", "separation_of_duties", NULL };
    const char *file = rb_load_text(load, rb_yaml_file(root));
    const RbYaml *list = rb_yaml_get(root, "assignments");
    g_autoptr(GArray) accounts = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(GPtrArray) captures = g_ptr_array_new();
    Reader r = { .load = load, .accounts = accounts, .captures = captures };

    (void)rb_yaml_check_keys(root, known, load->problems);
    if (list == NULL && rb_yaml_get(root, "separation_of_duties") == NULL)
        rb_yaml_problem(root, load->problems, NULL, "'assignments' is missing");
    if (list != NULL && rb_yaml_expect(list, RB_YAML_LIST, load->problems))
        for (guint i = 0; i < rb_yaml_size(list); i++)
            read_assignment(&r, rb_yaml_item(list, i), file);
    read_duties(load, rb_yaml_get(root, "separation_of_duties"), file);
}
