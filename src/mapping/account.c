#include "mapping/priv.h"

#include "base/encoding.h"

#include <string.h>

static gboolean
is_account_id(const char *text)
{
    gsize n = strspn(text, "0123456789");

    return n == 12 && text[n] == '\0';
}

/* Fails with @hint unless @text is 1 to @max of letters, digits and @others. */
static gboolean
check_charset(RbLoad *load, const RbYaml *node, const char *text, const char *others, gsize max,
              const char *what)
{
    gsize n = strlen(text);
    gboolean ok = n >= 1 && n <= max;
    g_autofree char *quoted = NULL, *hint = NULL;

    for (gsize i = 0; i < n && ok; i++)
        ok = g_ascii_isalnum(text[i]) || strchr(others, text[i]) != NULL;
    if (ok)
        return TRUE;
    quoted = rb_text_quote(text);
    hint = g_strdup_printf("1 to %" G_GSIZE_FORMAT " of letters, digits and %s", max, others);
    rb_yaml_problem(node, load->problems, hint, "%s is not a valid %s", quoted, what);
    return FALSE;
}

static void
read_id(RbLoad *load, RbAccount *account, const RbYaml *node)
{
    const RbYaml *value = rb_yaml_get(node, "id");
    const char *id = rb_yaml_string(node, "id", NULL, load->problems);
    g_autofree char *quoted = rb_text_quote(id), *hint = g_strdup_printf("write \"%s\"", id);

    account->id = rb_load_text(load, id);
    if (*id == '\0')
        return;
    if (!is_account_id(id))
        rb_yaml_problem(value, load->problems, NULL, "%s is not an account id: 12 digits", quoted);
    else if (!rb_yaml_quoted(value))
        rb_yaml_problem(value, load->problems, hint,
                        "an account id must be in quotes: as a number it would lose its leading zeros");
}

static void
read_partition(RbLoad *load, RbAccount *account, const RbYaml *node)
{
    static const char *const known[] = { "aws", "aws-cn", "aws-us-gov", NULL };
    const char *partition = rb_yaml_string(node, "partition", "aws", load->problems);
    g_autofree char *quoted = rb_text_quote(partition), *hint = NULL;
    const char *near = rb_text_nearest(partition, known);

    account->partition = rb_load_text(load, partition);
    if (g_strv_contains(known, partition))
        return;
    hint = near == NULL ? g_strdup("aws, aws-cn or aws-us-gov") : g_strdup_printf("did you mean '%s'?", near);
    rb_yaml_problem(rb_yaml_get(node, "partition"), load->problems, hint, "no partition named %s", quoted);
}

/* A map of short texts: labels or parameters. */
static GHashTable *
read_pairs(RbLoad *load, const RbYaml *node, const char *what, const char *key_others,
           const char *value_others, gsize value_max)
{
    GHashTable *out = g_hash_table_new(g_str_hash, g_str_equal);

    if (node == NULL || !rb_yaml_expect(node, RB_YAML_MAP, load->problems))
        return out;
    for (guint i = 0; i < rb_yaml_size(node); i++) {
        const RbYaml *key = rb_yaml_key(node, i), *value = rb_yaml_item(node, i);
        if (!check_charset(load, key, rb_yaml_text(key), key_others, 63, what) ||
            !rb_yaml_expect(value, RB_YAML_SCALAR, load->problems) ||
            !check_charset(load, value, rb_yaml_text(value), value_others, value_max, "value"))
            continue;
        g_hash_table_insert(out, (char *)rb_load_text(load, rb_yaml_text(key)),
                            (char *)rb_load_text(load, rb_yaml_text(value)));
    }
    return out;
}

static void
read_parameters(RbLoad *load, RbAccount *account, const RbYaml *node)
{
    const RbYaml *map = rb_yaml_get(node, "parameters");

    /* A value lands inside ARNs and conditions: no quotes, no "${", no "*". */
    account->parameters = read_pairs(load, map, "parameter name", "_", "_-+=,.@:/ ", 256);
    for (guint i = 0; map != NULL && rb_yaml_kind(map) == RB_YAML_MAP && i < rb_yaml_size(map); i++)
        if (g_str_equal(rb_yaml_text(rb_yaml_key(map, i)), "id"))
            rb_yaml_problem(rb_yaml_key(map, i), load->problems, "choose another name",
                            "'id' is taken: ${account.id} is the account's id");
}

static void
read_role_path(RbLoad *load, RbAccount *account, const RbYaml *issue)
{
    const char *path = rb_yaml_string(issue, "role_path", "/rolebridge/", load->problems);
    gsize n = strlen(path);
    g_autofree char *quoted = rb_text_quote(path);
    gboolean ok = n >= 1 && n <= 512 && path[0] == '/' && path[n - 1] == '/' && strstr(path, "//") == NULL;

    for (const char *p = path; ok && *p != '\0'; p++)
        ok = g_ascii_isalnum(*p) || strchr("/_+=,.@-", *p) != NULL;
    account->role_path = rb_load_text(load, path);
    if (!ok)
        rb_yaml_problem(rb_yaml_get(issue, "role_path"), load->problems, "write it like /rolebridge/",
                        "%s is not an IAM path", quoted);
}

static void
read_external_id(RbLoad *load, RbAccount *account, const RbYaml *issue)
{
    const RbYaml *value = rb_yaml_get(issue, "external_id");
    const char *text = rb_yaml_string(issue, "external_id", "", load->problems);

    if (value == NULL || rb_yaml_kind(value) != RB_YAML_SCALAR)
        return;
    if (strlen(text) < 2)
        rb_yaml_problem(value, load->problems, "leave it out, or agree on one with the account's owner",
                        "an external id has 2 to 1224 characters");
    else if (check_charset(load, value, text, "_+=,.@:/-", 1224, "external id"))
        account->external_id = rb_load_text(load, text);
}

static void
read_assume_role(RbLoad *load, RbAccount *account, const RbYaml *issue)
{
    static const char *const known[] = { "method", "external_id", "region", "role_path", NULL };
    const RbYaml *region = rb_yaml_get(issue, "region");
    const char *text = rb_yaml_string(issue, "region", "", load->problems);

    (void)rb_yaml_check_keys(issue, known, load->problems);
    read_external_id(load, account, issue);
    if (region != NULL && rb_yaml_kind(region) == RB_YAML_SCALAR &&
        check_charset(load, region, text, "-", 32, "region"))
        account->region = rb_load_text(load, text);
}

/* The provider in IAM that vouches: "oidc-provider" or "saml-provider" of this very account. */
static void
read_provider(RbLoad *load, RbAccount *account, const RbYaml *issue, const char *kind)
{
    static const char *const known[] = { "method", "provider_arn", "region", "role_path", NULL };
    const RbYaml *value = rb_yaml_get(issue, "provider_arn");
    const RbYaml *region = rb_yaml_get(issue, "region");
    const char *arn = rb_yaml_string(issue, "provider_arn", NULL, load->problems);
    const char *text = rb_yaml_string(issue, "region", "", load->problems);
    g_autofree char *start = g_strdup_printf("arn:%s:iam::%s:%s/", account->partition, account->id, kind);
    g_autofree char *quoted = rb_text_quote(arn), *hint = g_strconcat("it starts with ", start, NULL);

    (void)rb_yaml_check_keys(issue, known, load->problems);
    account->provider_arn = rb_load_text(load, arn);
    if (*arn != '\0' && (!g_str_has_prefix(arn, start) || arn[strlen(start)] == '\0'))
        rb_yaml_problem(value, load->problems, hint, "%s is not a provider of this account", quoted);
    if (region != NULL && rb_yaml_kind(region) == RB_YAML_SCALAR &&
        check_charset(load, region, text, "-", 32, "region"))
        account->region = rb_load_text(load, text);
}

static void
read_issue(RbLoad *load, RbAccount *account, const RbYaml *node)
{
    static const char *const methods[] = { "assume-role", "web-identity", "saml", NULL };
    const RbYaml *issue = rb_yaml_get(node, "issue");
    const char *method, *near;
    g_autofree char *quoted = NULL, *hint = NULL;

    account->role_path = "/rolebridge/";
    if (issue == NULL)
        rb_yaml_problem(node, load->problems, "write issue: { method: assume-role }", "'issue' is missing");
    if (issue == NULL || !rb_yaml_expect(issue, RB_YAML_MAP, load->problems))
        return;
    method = rb_yaml_string(issue, "method", NULL, load->problems);
    read_role_path(load, account, issue);
    if (g_str_equal(method, "assume-role")) {
        account->method = RB_ISSUE_ASSUME_ROLE;
        read_assume_role(load, account, issue);
    } else if (g_str_equal(method, "web-identity")) {
        account->method = RB_ISSUE_WEB_IDENTITY;
        read_provider(load, account, issue, "oidc-provider");
    } else if (g_str_equal(method, "saml")) {
        account->method = RB_ISSUE_SAML;
        read_provider(load, account, issue, "saml-provider");
    } else if (*method != '\0') {
        near = rb_text_nearest(method, methods);
        quoted = rb_text_quote(method);
        hint = near == NULL ? g_strdup("assume-role, web-identity or saml")
                            : g_strdup_printf("did you mean '%s'?", near);
        rb_yaml_problem(rb_yaml_get(issue, "method"), load->problems, hint, "no issuer method named %s",
                        quoted);
    }
}

static void
account_free(gpointer data)
{
    RbAccount *account = data; /* itself in the arena */

    g_hash_table_unref(account->labels);
    g_hash_table_unref(account->parameters);
}

/* Reports an id or name that another account has. */
static void
claim(RbLoad *load, RbAccount *account, const RbYaml *node, const char *key, const char *text)
{
    GHashTable *taken = load->snapshot->account_at;
    const RbYaml *value = rb_yaml_get(node, key);
    gpointer other;

    if (*text == '\0' || value == NULL)
        return;
    other = g_hash_table_lookup(taken, text);
    if (other != NULL && other != account)
        rb_twice(load, value, g_str_equal(key, "id") ? "the account id" : "an account named", text,
                 ((RbAccount *)other)->place);
    else
        g_hash_table_insert(taken, (char *)text, account);
}

static void
read_account(RbLoad *load, const RbYaml *node)
{
    static const char *const known[] = { "id", "name", "partition", "labels", "parameters", "issue", NULL };
    RbAccount *account;
    const char *name;

    if (!rb_yaml_check_keys(node, known, load->problems) && rb_yaml_kind(node) != RB_YAML_MAP)
        return;
    account = rb_arena_alloc(&load->snapshot->arena, sizeof *account);
    account->place = rb_place(node);
    account->place.file = rb_load_text(load, account->place.file);
    read_id(load, account, node);
    name = rb_yaml_string(node, "name", NULL, load->problems);
    account->name = rb_load_text(load, name);
    if (*name != '\0' && rb_name_check(load, rb_yaml_get(node, "name"), "an account") && is_account_id(name))
        rb_yaml_problem(rb_yaml_get(node, "name"), load->problems, "give it a name in words",
                        "a name that looks like an account id");
    read_partition(load, account, node);
    account->labels = read_pairs(load, rb_yaml_get(node, "labels"), "label", "_.-", "_.-", 63);
    account->environment = g_hash_table_lookup(account->labels, "env");
    read_parameters(load, account, node);
    read_issue(load, account, node);
    claim(load, account, node, "id", account->id);
    claim(load, account, node, "name", account->name);
    g_ptr_array_add(load->snapshot->accounts, account);
}

void
rb_accounts_read(RbLoad *load, const RbYaml *root)
{
    static const char *const known[] = { "rolebridge", "bridge", "accounts", NULL };
    const RbYaml *bridge = rb_yaml_get(root, "bridge");
    const RbYaml *list = rb_yaml_get(root, "accounts");

    g_ptr_array_set_free_func(load->snapshot->accounts, account_free);
    load->accounts_known = TRUE;
    (void)rb_yaml_check_keys(root, known, load->problems);
    if (bridge != NULL)
        rb_bridge_read(load, bridge);
    if (list == NULL)
        rb_yaml_problem(root, load->problems, NULL, "'accounts' is missing");
    if (list == NULL || !rb_yaml_expect(list, RB_YAML_LIST, load->problems))
        return;
    for (guint i = 0; i < rb_yaml_size(list); i++)
        read_account(load, rb_yaml_item(list, i));
}

static gint
by_id(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const RbAccount *const *)a)->id, (*(const RbAccount *const *)b)->id);
}

void
rb_accounts_sort(RbLoad *load)
{
    RbSnapshot *s = load->snapshot;

    g_ptr_array_sort(s->accounts, by_id);
    g_hash_table_remove_all(s->account_at);
    for (guint i = 0; i < s->accounts->len; i++) {
        RbAccount *account = g_ptr_array_index(s->accounts, i);
        g_hash_table_insert(s->account_at, (char *)account->id, GUINT_TO_POINTER(i + 1));
        g_hash_table_insert(s->account_at, (char *)account->name, GUINT_TO_POINTER(i + 1));
    }
}
