#include "sandbox/config.h"

#include "base/yaml.h"

#include <jansson.h>
#include <string.h>

/* Reads of mappings/ what an AWS administrator would have carried out of it: which role stands in which
 * account. */

enum { MAX_SESSION_S = 43200, DEFAULT_SESSION_S = 3600 };

typedef struct {
    GPtrArray *documents;
    RbDiagnostics *problems;
    const RbYaml *accounts; /* the list in accounts.yaml */
    GHashTable *roles;      /* name → root of roles/NAME.yaml */
    GHashTable *wanted;     /* "account id/role" */
    const char *bridge_arn, *saml_url;
    RbBoxCloud *cloud;
} Load;

static const RbYaml *
load_file(Load *load, const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    RbYamlDocument *document = rb_yaml_load(path, name, load->problems);

    if (document == NULL)
        return NULL;
    g_ptr_array_add(load->documents, document);
    return rb_yaml_root(document);
}

/* Every *.yaml of a folder, if there is one; @each is called in no particular order. */
static void
load_folder(Load *load, const char *directory, const char *folder, void (*each)(Load *, const RbYaml *))
{
    g_autofree char *path = g_build_filename(directory, folder, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        const RbYaml *root = g_str_has_suffix(name, ".yaml") ? load_file(load, directory, file) : NULL;

        if (root != NULL)
            each(load, root);
    }
}

static void
take_role(Load *load, const RbYaml *root)
{
    g_hash_table_insert(load->roles, (char *)rb_yaml_string(root, "role", NULL, load->problems),
                        (gpointer)root);
}

static gboolean
has_label(const RbYaml *account, const char *selector)
{
    g_auto(GStrv) pair = g_strsplit(selector, "=", 2);
    const RbYaml *labels = rb_yaml_get(account, "labels");

    return labels != NULL && pair[0] != NULL && pair[1] != NULL &&
           g_strcmp0(rb_yaml_text(rb_yaml_get(labels, pair[0])), pair[1]) == 0;
}

/* Whether @selector (a name, an id, {label: k=v}, or a capture, which may become any name) may mean @account.
 */
static gboolean
may_mean(const RbYaml *account, const RbYaml *selector, RbDiagnostics *problems)
{
    const char *text = rb_yaml_text(selector);

    if (text == NULL)
        return has_label(account, rb_yaml_string(selector, "label", "", problems));
    return strstr(text, "${") != NULL || strcmp(text, rb_yaml_string(account, "id", "", problems)) == 0 ||
           strcmp(text, rb_yaml_string(account, "name", "", problems)) == 0;
}

static void
take_assignment(Load *load, const RbYaml *assignment)
{
    const RbYaml *selectors = rb_yaml_get(assignment, "accounts");
    const char *role = rb_yaml_string(assignment, "role", NULL, load->problems);

    for (guint i = 0; selectors != NULL && i < rb_yaml_size(load->accounts); i++) {
        const RbYaml *account = rb_yaml_item(load->accounts, i);
        gboolean meant = FALSE;

        if (rb_yaml_kind(selectors) != RB_YAML_LIST)
            meant = may_mean(account, selectors, load->problems);
        for (guint k = 0; rb_yaml_kind(selectors) == RB_YAML_LIST && k < rb_yaml_size(selectors); k++)
            meant = meant || may_mean(account, rb_yaml_item(selectors, k), load->problems);
        if (meant)
            g_hash_table_add(
                load->wanted,
                g_strdup_printf("%s/%s", rb_yaml_string(account, "id", "", load->problems), role));
    }
}

static void
take_assignments(Load *load, const RbYaml *root)
{
    const RbYaml *list = rb_yaml_get(root, "assignments");

    for (guint i = 0; list != NULL && i < rb_yaml_size(list); i++)
        take_assignment(load, rb_yaml_item(list, i));
}

/* What the account's owner signs: who may come by which action, under which condition, and never without a
 * source identity: every session names a person or a workload. @equals is taken over; NULL for none. */
static char *
trust_for(const char *kind, const char *who, const char *action, json_t *equals)
{
    json_t *condition = json_pack("{s:{s:s}}", "Null", "sts:SourceIdentity", "false");
    json_t *policy;
    char *text, *copy;

    if (equals != NULL)
        json_object_set_new(condition, "StringEquals", equals);
    policy = json_pack("{s:s, s:[{s:s, s:{s:s}, s:[s,s,s], s:o}]}", "Version", "2012-10-17", "Statement",
                       "Effect", "Allow", "Principal", kind, who, "Action", action, "sts:TagSession",
                       "sts:SetSourceIdentity", "Condition", condition);
    text = json_dumps(policy, JSON_COMPACT);
    copy = g_strdup(text);
    free(text);
    json_decref(policy);
    return copy;
}

/* The trust policy that the account's issue.method asks for (reference §2.5, §3.3). */
static char *
trust_of(Load *load, const RbYaml *issue)
{
    const char *method =
        issue == NULL ? "assume-role" : rb_yaml_string(issue, "method", "assume-role", load->problems);
    const char *provider, *id;
    g_autofree char *aud = NULL;

    if (strcmp(method, "assume-role") == 0) {
        id = issue == NULL ? "" : rb_yaml_string(issue, "external_id", "", load->problems);
        return trust_for("AWS", load->bridge_arn, "sts:AssumeRole",
                         *id == '\0' ? NULL : json_pack("{s:s}", "sts:ExternalId", id));
    }
    provider = rb_yaml_string(issue, "provider_arn", NULL, load->problems);
    if (strcmp(method, "saml") == 0)
        return trust_for("Federated", provider, "sts:AssumeRoleWithSAML",
                         json_pack("{s:[s,s,s]}", "saml:aud", "https://signin.aws.amazon.com/saml",
                                   "https://eu-central-1.signin.aws.amazon.com/saml", load->saml_url));
    id = strchr(provider, '/');
    aud = g_strconcat(id == NULL ? "" : id + 1, ":aud", NULL);
    return trust_for("Federated", provider, "sts:AssumeRoleWithWebIdentity",
                     json_pack("{s:s}", aud, "sts.amazonaws.com"));
}

static void
add_role(Load *load, const RbYaml *account, const char *name, const RbYaml *role)
{
    const RbYaml *issue = rb_yaml_get(account, "issue"), *session = rb_yaml_get(role, "session");
    g_autofree char *problem = NULL, *trust = NULL;
    RbBoxRoleSpec spec = { .account = rb_yaml_string(account, "id", NULL, load->problems),
                           .partition = rb_yaml_string(account, "partition", "aws", load->problems),
                           .path = "/rolebridge/",
                           .name = name,
                           .max_session_s = DEFAULT_SESSION_S };

    if (issue != NULL)
        spec.path = rb_yaml_string(issue, "role_path", spec.path, load->problems);
    if (session != NULL)
        spec.max_session_s = MAX(DEFAULT_SESSION_S, rb_yaml_duration_s(session, "max", 900, MAX_SESSION_S,
                                                                       DEFAULT_SESSION_S, load->problems));
    trust = trust_of(load, issue);
    spec.trust = trust;
    if (!rb_box_cloud_add_role(load->cloud, &spec, &problem))
        rb_yaml_problem(account, load->problems, NULL, "the trust policy for '%s': %s", name, problem);
}

static void
add_roles(Load *load)
{
    for (guint i = 0; i < rb_yaml_size(load->accounts); i++) {
        const RbYaml *account = rb_yaml_item(load->accounts, i);
        GHashTableIter iter;
        gpointer name, role;

        g_hash_table_iter_init(&iter, load->roles);
        while (g_hash_table_iter_next(&iter, &name, &role)) {
            g_autofree char *pair =
                g_strdup_printf("%s/%s", rb_yaml_string(account, "id", "", load->problems), (char *)name);

            if (g_hash_table_contains(load->wanted, pair))
                add_role(load, account, name, role);
        }
    }
}

gboolean
rb_box_roles_load(const char *directory, const char *bridge_arn, const char *saml_url, RbBoxCloud *cloud,
                  RbDiagnostics *problems)
{
    g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func((GDestroyNotify)rb_yaml_document_free);
    g_autoptr(GHashTable) roles = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *single = g_build_filename(directory, "assignments.yaml", NULL);
    Load load = { documents, problems, NULL, roles, wanted, bridge_arn, saml_url, cloud };
    const RbYaml *accounts = load_file(&load, directory, "accounts.yaml"), *root;

    load.accounts = accounts == NULL ? NULL : rb_yaml_get(accounts, "accounts");
    if (load.accounts == NULL || !rb_yaml_expect(load.accounts, RB_YAML_LIST, problems))
        return FALSE;
    load_folder(&load, directory, "roles", take_role);
    load_folder(&load, directory, "assignments", take_assignments);
    root = g_file_test(single, G_FILE_TEST_EXISTS) ? load_file(&load, directory, "assignments.yaml") : NULL;
    if (root != NULL)
        take_assignments(&load, root);
    add_roles(&load);
    return rb_diagnostics_count(problems) == 0;
}

static void
add_deployer(Load *load, const RbYaml *account, const char *hub)
{
    g_autofree char *problem = NULL;
    g_autofree char *trust = g_strdup_printf(
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
        "\"arn:aws:iam::%s:root\"},\"Action\":[\"sts:AssumeRole\",\"sts:SetSourceIdentity\",\"sts:"
        "TagSession\"]}]}",
        hub);
    const RbBoxRoleSpec spec = {
        .account = rb_yaml_string(account, "id", NULL, load->problems),
        .partition = "aws",
        .path = "/",
        .name = "rolebridge-deployer",
        .max_session_s = MAX_SESSION_S,
        .trust = trust,
        .identity = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
                    "\"Resource\":\"*\"}]}",
    };

    if (!rb_box_cloud_add_role(load->cloud, &spec, &problem))
        rb_yaml_problem(account, load->problems, NULL, "the deployer's role: %s", problem);
}

gboolean
rb_box_roles_deployer(const char *directory, const char *hub, RbBoxCloud *cloud, RbDiagnostics *problems)
{
    g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func((GDestroyNotify)rb_yaml_document_free);
    Load load = { .documents = documents, .problems = problems, .cloud = cloud };
    const RbYaml *root = load_file(&load, directory, "accounts.yaml");
    const RbYaml *accounts = root == NULL ? NULL : rb_yaml_get(root, "accounts");

    if (accounts == NULL || !rb_yaml_expect(accounts, RB_YAML_LIST, problems))
        return FALSE;
    for (guint i = 0; i < rb_yaml_size(accounts); i++)
        add_deployer(&load, rb_yaml_item(accounts, i), hub);
    return rb_diagnostics_count(problems) == 0;
}
