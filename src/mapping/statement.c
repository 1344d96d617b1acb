#include "mapping/priv.h"

#include "base/encoding.h"

#include <string.h>

/* IAM's statements in YAML: structure, and the variables in them. What an action does is not judged here. */

static const char *const operators[] = {
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnNotEquals",
    "ArnLike",
    "ArnNotLike",
    "Null",
    NULL,
};

/* One policy document being read. */
typedef struct {
    RbLoad *load;
    GHashTable *needs; /* account parameters named */
    GHashTable *sids;
} Reader;

/* One variable ("account.input_bucket") of the mapping, or of AWS ("aws:PrincipalTag/team"). */
static void
check_variable(Reader *r, const RbYaml *node, const char *name)
{
    g_autofree char *quoted = rb_text_quote(name);

    if (g_str_equal(name, "partition") || g_str_equal(name, "role") || g_str_equal(name, "account.id"))
        return;
    if (g_str_has_prefix(name, "account.") && name[8] != '\0') {
        g_hash_table_add(r->needs, g_strdup(name + 8));
        return;
    }
    if (strchr(name, ':') != NULL || g_str_equal(name, "*") || g_str_equal(name, "?") ||
        g_str_equal(name, "$"))
        return;
    rb_yaml_problem(
        node, r->load->problems,
        "known: ${partition}, ${role}, ${account.id}, ${account.<parameter>}, and AWS's own with a "
        "colon, like ${aws:PrincipalTag/team}",
        "unknown variable %s", quoted);
}

static void
check_variables(Reader *r, const RbYaml *node, const char *text)
{
    const char *open;

    while ((open = strstr(text, "${")) != NULL) {
        const char *close = strchr(open, '}');
        g_autofree char *name = NULL;
        if (close == NULL) {
            rb_yaml_problem(node, r->load->problems, "close it with }", "a '${' that does not end");
            return;
        }
        name = g_strndup(open + 2, (gsize)(close - open - 2));
        check_variable(r, node, name);
        text = close + 1;
    }
}

static gboolean
is_action(const char *text)
{
    const char *colon = strchr(text, ':');

    if (g_str_equal(text, "*"))
        return TRUE;
    if (colon == NULL || colon == text || colon[1] == '\0')
        return FALSE;
    for (const char *p = text; *p != '\0'; p++)
        if (p != colon && !g_ascii_isalnum(*p) && *p != '-' && *p != '*' && *p != '?')
            return FALSE;
    return TRUE;
}

static gboolean
is_resource(const char *text)
{
    return g_str_equal(text, "*") || (g_str_has_prefix(text, "arn:") && strchr(text + 4, ':') != NULL);
}

static gboolean
is_any(const char *text)
{
    return *text != '\0';
}

/* How the texts of one element must look. */
typedef struct {
    const char *key, *not_key, *json, *not_json;
    gboolean (*is_right)(const char *text);
    const char *hint;
} Element;

static const Element action = {
    "action",    "not_action", "Action",
    "NotAction", is_action,    "write service:Action, like s3:GetObject, or \"*\""
};
static const Element resource = {
    "resource",    "not_resource", "Resource",
    "NotResource", is_resource,    "write an ARN, like arn:${partition}:s3:::bucket/*, or \"*\""
};
static const Element value = { "value", NULL, NULL, NULL, is_any, "leave the condition out" };

/* Scalar or list of scalars as JSON. */
static json_t *
read_texts(Reader *r, const RbYaml *node, const Element *element)
{
    gboolean single = rb_yaml_kind(node) == RB_YAML_SCALAR;
    guint n = single ? 1 : rb_yaml_size(node);
    json_t *out = json_array();

    if (!single && !rb_yaml_expect(node, RB_YAML_LIST, r->load->problems))
        return out;
    if (n == 0)
        rb_yaml_problem(node, r->load->problems, element->hint, "an empty list");
    for (guint i = 0; i < n; i++) {
        const RbYaml *item = single ? node : rb_yaml_item(node, i);
        const char *text = rb_yaml_text(item);
        g_autofree char *quoted = NULL;
        if (!rb_yaml_expect(item, RB_YAML_SCALAR, r->load->problems))
            continue;
        if (rb_yaml_is_null(item) || !element->is_right(text)) {
            quoted = rb_text_quote(text);
            rb_yaml_problem(item, r->load->problems, element->hint, "%s is not a valid %s", quoted,
                            element->key);
        }
        check_variables(r, item, text);
        (void)json_array_append_new(out, json_string(text));
    }
    return out;
}

/* "action" or "not_action", exactly one of them. */
static void
read_element(Reader *r, const RbYaml *statement, const Element *element, json_t *out)
{
    const RbYaml *yes = rb_yaml_get(statement, element->key), *no = rb_yaml_get(statement, element->not_key);

    if ((yes == NULL) == (no == NULL)) {
        rb_yaml_problem(no != NULL ? no : statement, r->load->problems, NULL,
                        yes == NULL ? "'%s' is missing (or '%s')" : "both '%s' and '%s'; keep one",
                        element->key, element->not_key);
        return;
    }
    (void)json_object_set_new(out, yes != NULL ? element->json : element->not_json,
                              read_texts(r, yes != NULL ? yes : no, element));
}

/* "ForAllValues:StringLikeIfExists" and the like. */
static void
check_operator(Reader *r, const RbYaml *key)
{
    const char *text = rb_yaml_text(key);
    const char *colon = strchr(text, ':');
    g_autofree char *bare = g_strdup(colon == NULL ? text : colon + 1), *quoted = rb_text_quote(text);
    g_autofree char *hint = NULL;
    const char *near;

    if (g_str_has_suffix(bare, "IfExists") && !g_str_has_prefix(bare, "Null"))
        bare[strlen(bare) - strlen("IfExists")] = '\0';
    if (g_strv_contains(operators, bare) &&
        (colon == NULL || g_str_has_prefix(text, "ForAllValues:") || g_str_has_prefix(text, "ForAnyValue:")))
        return;
    near = rb_text_nearest(bare, operators);
    hint = near == NULL || g_str_equal(near, bare) ? NULL : g_strdup_printf("did you mean '%s'?", near);
    rb_yaml_problem(key, r->load->problems, hint, "unknown condition operator %s", quoted);
}

static json_t *
read_condition(Reader *r, const RbYaml *node)
{
    json_t *out = json_object();

    if (!rb_yaml_expect(node, RB_YAML_MAP, r->load->problems))
        return out;
    for (guint i = 0; i < rb_yaml_size(node); i++) {
        const RbYaml *name = rb_yaml_key(node, i), *keys = rb_yaml_item(node, i);
        json_t *inner = json_object();
        check_operator(r, name);
        (void)json_object_set_new(out, rb_yaml_text(name), inner);
        if (!rb_yaml_expect(keys, RB_YAML_MAP, r->load->problems))
            continue;
        for (guint k = 0; k < rb_yaml_size(keys); k++)
            (void)json_object_set_new(inner, rb_yaml_text(rb_yaml_key(keys, k)),
                                      read_texts(r, rb_yaml_item(keys, k), &value));
    }
    return out;
}

static void
read_sid(Reader *r, const RbYaml *statement, json_t *out)
{
    const RbYaml *node = rb_yaml_get(statement, "sid");
    const char *sid = rb_yaml_string(statement, "sid", "", r->load->problems);
    g_autofree char *quoted = rb_text_quote(sid);
    gboolean ok = *sid != '\0';

    if (node == NULL || rb_yaml_kind(node) != RB_YAML_SCALAR)
        return;
    for (const char *p = sid; *p != '\0'; p++)
        ok = ok && g_ascii_isalnum(*p);
    if (!ok)
        rb_yaml_problem(node, r->load->problems, "letters and digits only", "%s is not a valid sid", quoted);
    else if (!g_hash_table_add(r->sids, g_strdup(sid)))
        rb_yaml_problem(node, r->load->problems, "choose another", "the sid %s appears twice", quoted);
    (void)json_object_set_new(out, "Sid", json_string(sid));
}

static void
read_effect(Reader *r, const RbYaml *statement, json_t *out)
{
    const RbYaml *node = rb_yaml_get(statement, "effect");
    const char *effect = rb_yaml_string(statement, "effect", NULL, r->load->problems);
    g_autofree char *quoted = rb_text_quote(effect);

    if (*effect != '\0' && !g_str_equal(effect, "Allow") && !g_str_equal(effect, "Deny"))
        rb_yaml_problem(node, r->load->problems, "write Allow or Deny", "%s is not an effect", quoted);
    (void)json_object_set_new(out, "Effect", json_string(effect));
}

static json_t *
read_statement(Reader *r, const RbYaml *node)
{
    static const char *const known[] = { "sid",      "effect",       "action",    "not_action",
                                         "resource", "not_resource", "condition", NULL };
    json_t *out = json_object();

    if (!rb_yaml_expect(node, RB_YAML_MAP, r->load->problems))
        return out;
    if (rb_yaml_get(node, "principal") != NULL || rb_yaml_get(node, "not_principal") != NULL)
        rb_yaml_problem(node, r->load->problems, "who may take a role is said in the assignments",
                        "a statement of a task names no principal");
    else
        (void)rb_yaml_check_keys(node, known, r->load->problems);
    read_sid(r, node, out);
    read_effect(r, node, out);
    read_element(r, node, &action, out);
    read_element(r, node, &resource, out);
    if (rb_yaml_get(node, "condition") != NULL)
        (void)json_object_set_new(out, "Condition", read_condition(r, rb_yaml_get(node, "condition")));
    return out;
}

json_t *
rb_statements_read(RbLoad *load, const RbYaml *list, GHashTable *needs)
{
    g_autoptr(GHashTable) sids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Reader r = { load, needs, sids };
    guint before = rb_diagnostics_count(load->problems);
    json_t *statements = json_array(), *document;

    if (rb_yaml_expect(list, RB_YAML_LIST, load->problems) && rb_yaml_size(list) == 0)
        rb_yaml_problem(list, load->problems, NULL, "no statements");
    for (guint i = 0; rb_yaml_kind(list) == RB_YAML_LIST && i < rb_yaml_size(list); i++)
        (void)json_array_append_new(statements, read_statement(&r, rb_yaml_item(list, i)));
    document = json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", statements);
    if (rb_diagnostics_count(load->problems) == before)
        return document;
    json_decref(document);
    return NULL;
}
