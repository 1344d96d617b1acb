#include "iam/policy_priv.h"

#include "base/encoding.h"

#include <string.h>

/* The grammar (reference §8.1), in JSON as AWS has it and in YAML as mappings/ do: one reader, two spellings.
 */

typedef enum {
    SID,
    EFFECT,
    PRINCIPAL,
    NOT_PRINCIPAL,
    ACTION,
    NOT_ACTION,
    RESOURCE,
    NOT_RESOURCE,
    CONDITION,
    N_ELEMENTS,
} Element;

static const char *const in_json[] = { "Sid",       "Effect",   "Principal",   "NotPrincipal", "Action",
                                       "NotAction", "Resource", "NotResource", "Condition",    NULL };
static const char *const in_yaml[] = { "sid",        "effect",   "principal",    "not_principal", "action",
                                       "not_action", "resource", "not_resource", "condition",     NULL };

/* One document being read. */
typedef struct {
    RbPolicy *policy;
    RbDiagnostics *problems;
    const char *const *names; /* of the elements */
    GHashTable *sids;
    const char *file;
} Reader;

static RbPlace
place_of(const Reader *r, const RbYaml *node)
{
    return (RbPlace){ r->file, rb_yaml_line(node), rb_yaml_column(node) };
}

#define COMPLAIN(r, node, code, hint, ...)                                                                   \
    rb_diagnostics_finding((r)->problems, RB_SEVERITY_ERROR, code, place_of(r, node), hint, __VA_ARGS__)

/* IAM takes tab, line ends and U+0020 to U+00FF; of these, control characters are nothing one can mean. */
static void
check_characters(const Reader *r, const RbYaml *node)
{
    for (const char *at = rb_yaml_text(node); *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (c > 0xff || (c < 0x20 && strchr("\t\n\r", (int)c) == NULL) || (c >= 0x7f && c < 0xa0)) {
            COMPLAIN(r, node, NULL, "characters are those of Latin-1, to U+00FF",
                     "a policy cannot have the character U+%04X", c);
            return;
        }
    }
}

static RbPolicyText
text_of(const Reader *r, const RbYaml *node)
{
    check_characters(r, node);
    return (RbPolicyText){ rb_policy_keep(r->policy, rb_yaml_text(node)), place_of(r, node) };
}

/* ---- lists ---- */

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
    (void)text;
    return TRUE;
}

/* What the texts of a list must look like. */
typedef struct {
    const char *what, *code, *empty, *hint; /* @empty: the code of a list of none */
    gboolean (*is_right)(const char *text);
    gboolean literals; /* numbers and booleans will do */
} Kind;

#define RESOURCE_HINT                                                                                        \
    "write an ARN, like arn:${partition}:s3:::bucket/*, or \"*\"" /* as mappings/ has them */

static const Kind actions = { "action",
                              "INVALID_ACTION",
                              "EMPTY_ARRAY_ACTION",
                              "write service:Action, like s3:GetObject, or \"*\"",
                              is_action,
                              FALSE };
static const Kind resources = { "resource",
                                "INVALID_ARN_PREFIX",
                                "EMPTY_ARRAY_RESOURCE",
                                "write an ARN, like arn:aws:s3:::bucket/*, or \"*\"",
                                is_resource,
                                FALSE };
static const Kind values = { "value", NULL, "EMPTY_ARRAY_CONDITION", NULL, is_any, TRUE };
static const Kind principals = { "principal", NULL, "EMPTY_ARRAY_PRINCIPAL", NULL, is_any, FALSE };

static RbPolicyTexts
read_texts(Reader *r, const RbYaml *node, const Kind *kind)
{
    gboolean single = rb_yaml_kind(node) == RB_YAML_SCALAR;
    guint n = single ? 1 : rb_yaml_size(node);
    RbPolicyText *at = rb_policy_alloc(r->policy, n, sizeof *at);

    if (rb_yaml_kind(node) == RB_YAML_MAP) {
        COMPLAIN(r, node, "DATA_TYPE_MISMATCH", NULL, "this %s is neither a text nor a list of texts",
                 kind->what);
        return (RbPolicyTexts){ at, 0 };
    }
    if (n == 0)
        COMPLAIN(r, node, kind->empty, kind->hint, "an empty list");
    for (guint i = 0; i < n; i++) {
        const RbYaml *item = single ? node : rb_yaml_item(node, i);
        g_autofree char *quoted = NULL;
        if (rb_yaml_kind(item) != RB_YAML_SCALAR || rb_yaml_is_null(item) ||
            (r->names == in_json && !kind->literals && !rb_yaml_quoted(item))) {
            COMPLAIN(r, item, "DATA_TYPE_MISMATCH", NULL, "this %s is not a text", kind->what);
            continue;
        }
        at[i] = text_of(r, item);
        if (kind->is_right(at[i].text))
            continue;
        quoted = rb_text_quote(at[i].text);
        COMPLAIN(r, item, kind->code, kind == &resources && r->names == in_yaml ? RESOURCE_HINT : kind->hint,
                 "%s is not a valid %s", quoted, kind->what);
    }
    return (RbPolicyTexts){ at, n };
}

/* ---- conditions ---- */

static void
read_operator(Reader *r, const RbYaml *key, RbPolicyCondition *condition)
{
    g_autofree char *quoted = rb_text_quote(rb_yaml_text(key)), *hint = NULL;
    const char *near;

    if (rb_policy_operator(rb_yaml_text(key), condition, &near))
        return;
    if (g_str_has_suffix(rb_yaml_text(key), "NullIfExists")) {
        COMPLAIN(r, key, "NULL_WITH_IF_EXISTS", "write Null alone: it asks whether the key is there",
                 "%s cannot be", quoted);
        return;
    }
    hint = near == NULL ? NULL : g_strdup_printf("did you mean '%s'?", near);
    COMPLAIN(r, key, "INVALID_CONDITION_OPERATOR", hint, "unknown condition operator %s", quoted);
}

static guint
count_keys(const RbYaml *node)
{
    guint n = 0;

    for (guint i = 0; i < rb_yaml_size(node); i++)
        n += rb_yaml_kind(rb_yaml_item(node, i)) == RB_YAML_MAP ? rb_yaml_size(rb_yaml_item(node, i)) : 0;
    return n;
}

/* Keys that differ in case only are one to AWS. */
static void
check_case(Reader *r, const RbYaml *map, gboolean element)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < rb_yaml_size(map); i++) {
        const char *text = rb_yaml_text(rb_yaml_key(map, i));
        g_autofree char *quoted = rb_text_quote(text);
        if (!g_hash_table_add(seen, g_ascii_strdown(text, -1)))
            COMPLAIN(r, rb_yaml_key(map, i), "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", "keep one of them",
                     "the %s %s appears twice", element ? "element" : "key", quoted);
    }
}

/* Conditions that are none: no error, and no part of the policy either. */
static void
check_empty(const Reader *r, const RbYaml *map)
{
    if (rb_yaml_size(map) == 0)
        rb_diagnostics_finding(r->problems, RB_SEVERITY_SUGGESTION, "EMPTY_OBJECT_CONDITION",
                               place_of(r, map), "leave it out, or write the condition",
                               "an empty condition asks for nothing");
}

static void
read_conditions(Reader *r, const RbYaml *node, RbPolicyStatement *s)
{
    RbPolicyCondition *out;

    if (rb_yaml_kind(node) != RB_YAML_MAP) {
        COMPLAIN(r, node, "DATA_TYPE_MISMATCH", NULL, "a condition is a map of operators");
        return;
    }
    check_case(r, node, FALSE);
    check_empty(r, node);
    out = rb_policy_alloc(r->policy, count_keys(node), sizeof *out);
    for (guint i = 0; i < rb_yaml_size(node); i++) {
        const RbYaml *name = rb_yaml_key(node, i), *keys = rb_yaml_item(node, i);
        RbPolicyCondition like = { .op = text_of(r, name) };
        read_operator(r, name, &like);
        if (rb_yaml_kind(keys) != RB_YAML_MAP) {
            COMPLAIN(r, keys, "DATA_TYPE_MISMATCH", NULL, "an operator has a map of keys");
            continue;
        }
        check_case(r, keys, FALSE);
        check_empty(r, keys);
        for (guint k = 0; k < rb_yaml_size(keys); k++) {
            out[s->n_conditions] = like;
            out[s->n_conditions].key = text_of(r, rb_yaml_key(keys, k));
            out[s->n_conditions++].values = read_texts(r, rb_yaml_item(keys, k), &values);
        }
    }
    s->conditions = out;
}

/* ---- principals ---- */

static void
read_principals(Reader *r, const RbYaml *node, RbPolicyStatement *s)
{
    static const char *const kinds[] = { "AWS", "Federated", "Service", "CanonicalUser", NULL };
    gboolean any = rb_yaml_kind(node) == RB_YAML_SCALAR;
    RbPolicyPrincipal *out;

    if ((any && !g_str_equal(rb_yaml_text(node), "*")) || rb_yaml_kind(node) == RB_YAML_LIST ||
        (!any && rb_yaml_size(node) == 0)) {
        COMPLAIN(r, node, "INVALID_PRINCIPAL_FORMAT", NULL,
                 "a principal is \"*\" or a map like { \"AWS\": … }");
        return;
    }
    s->n_principals = any ? 1 : rb_yaml_size(node);
    s->principals = out = rb_policy_alloc(r->policy, s->n_principals, sizeof *out);
    if (any) {
        out->kind = text_of(r, node);
        out->values = read_texts(r, node, &principals);
        return;
    }
    for (guint i = 0; i < s->n_principals; i++) {
        const RbYaml *kind = rb_yaml_key(node, i);
        g_autofree char *quoted = rb_text_quote(rb_yaml_text(kind));
        if (!g_strv_contains(kinds, rb_yaml_text(kind)))
            COMPLAIN(r, kind, "INVALID_PRINCIPAL_KEY", "known: AWS, Federated, Service, CanonicalUser",
                     "unknown kind of principal %s", quoted);
        out[i].kind = text_of(r, kind);
        out[i].values = read_texts(r, rb_yaml_item(node, i), &principals);
    }
}

/* ---- statements ---- */

static const RbYaml *
element(const Reader *r, const RbYaml *statement, Element e)
{
    return rb_yaml_get(statement, r->names[e]);
}

/* The one of @yes and @no that is there; NULL where there is none or both. */
static const RbYaml *
one_of(Reader *r, const RbYaml *statement, Element yes, Element no, const char *missing)
{
    const RbYaml *a = element(r, statement, yes), *b = element(r, statement, no);

    if (a != NULL && b != NULL)
        COMPLAIN(r, b, "UNSUPPORTED_ELEMENT_COMBINATION", "keep one", "both '%s' and '%s'", r->names[yes],
                 r->names[no]);
    else if (a == NULL && b == NULL && missing != NULL)
        COMPLAIN(r, statement, missing, NULL, "'%s' is missing (or '%s')", r->names[yes], r->names[no]);
    return a != NULL && b != NULL ? NULL : a != NULL ? a : b;
}

static void
read_sid(Reader *r, const RbYaml *node, RbPolicyStatement *s)
{
    g_autofree char *quoted = NULL;
    gboolean plain = TRUE;

    if (rb_yaml_kind(node) != RB_YAML_SCALAR) {
        COMPLAIN(r, node, "DATA_TYPE_MISMATCH", NULL, "this %s is not a text", r->names[SID]);
        return;
    }
    s->sid = text_of(r, node);
    quoted = rb_text_quote(s->sid.text);
    for (const char *p = s->sid.text; *p != '\0'; p++)
        plain = plain && (g_ascii_isalnum(*p) || (r->policy->kind == RB_POLICY_RESOURCE && *p == ' '));
    if (!plain || (*s->sid.text == '\0' && r->names == in_yaml))
        COMPLAIN(r, node, "UNSUPPORTED_SID", "letters and digits only", "%s is not a valid sid", quoted);
    else if (*s->sid.text != '\0' && !g_hash_table_add(r->sids, g_strdup(s->sid.text)) &&
             r->policy->kind != RB_POLICY_RESOURCE) /* there it is a warning */
        COMPLAIN(r, node, "UNIQUE_SIDS_REQUIRED", "choose another", "the sid %s appears twice", quoted);
}

static void
read_effect(Reader *r, const RbYaml *statement, RbPolicyStatement *s)
{
    const RbYaml *node = element(r, statement, EFFECT);
    const char *effect = node == NULL ? NULL : rb_yaml_text(node);
    g_autofree char *quoted = rb_text_quote(effect == NULL ? "" : effect);

    if (node == NULL)
        COMPLAIN(r, statement, "MISSING_EFFECT", NULL, "'%s' is missing", r->names[EFFECT]);
    else if (effect == NULL || (!g_str_equal(effect, "Allow") && !g_str_equal(effect, "Deny")))
        COMPLAIN(r, node, "INVALID_EFFECT", "write Allow or Deny", "%s is not an effect", quoted);
    s->allow = g_strcmp0(effect, "Allow") == 0;
}

static void
check_elements(Reader *r, const RbYaml *statement)
{
    check_case(r, statement, TRUE);
    for (guint i = 0; i < rb_yaml_size(statement); i++) {
        const RbYaml *key = rb_yaml_key(statement, i);
        const char *near = rb_text_nearest(rb_yaml_text(key), r->names);
        g_autofree char *quoted = rb_text_quote(rb_yaml_text(key));
        g_autofree char *hint = near == NULL ? NULL : g_strdup_printf("did you mean '%s'?", near);
        if (!g_strv_contains(r->names, rb_yaml_text(key)))
            COMPLAIN(r, key, "INVALID_POLICY_ELEMENT", hint, "unknown key %s", quoted);
    }
}

/* Who: only where the document stands at a resource or a role. What: everywhere but at a role. */
static void
read_ends(Reader *r, const RbYaml *node, RbPolicyStatement *s)
{
    RbPolicyKind kind = r->policy->kind;
    gboolean named =
        kind == RB_POLICY_TRUST || kind == RB_POLICY_RESOURCE || kind == RB_POLICY_RESOURCE_CONTROL;
    const RbYaml *who = one_of(r, node, PRINCIPAL, NOT_PRINCIPAL, named ? "MISSING_PRINCIPAL" : NULL);
    const RbYaml *what =
        one_of(r, node, RESOURCE, NOT_RESOURCE, kind == RB_POLICY_TRUST ? NULL : "MISSING_RESOURCE");

    if (who != NULL && !named)
        COMPLAIN(r, who, "UNSUPPORTED_PRINCIPAL",
                 "who may take a role is said elsewhere: in assignments, in its trust policy",
                 "a statement of this kind names no principal");
    else if (who != NULL)
        read_principals(r, who, s);
    if (what != NULL && kind == RB_POLICY_TRUST)
        COMPLAIN(r, what, "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", "leave it out: it is the role itself",
                 "a trust policy has no '%s'", r->names[RESOURCE]);
    else if (what != NULL)
        s->resources = read_texts(r, what, &resources);
    s->not_principal = who != NULL && who == element(r, node, NOT_PRINCIPAL);
    s->not_resource = what != NULL && what == element(r, node, NOT_RESOURCE);
    if (s->not_principal && s->allow && kind == RB_POLICY_TRUST)
        COMPLAIN(r, who, "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", "name who may",
                 "a trust policy cannot allow all but some");
}

static void
read_statement(Reader *r, const RbYaml *node, RbPolicyStatement *s)
{
    const RbYaml *what;

    s->place = (RbPlace){ rb_policy_keep(r->policy, r->file), rb_yaml_line(node), rb_yaml_column(node) };
    if (rb_yaml_kind(node) != RB_YAML_MAP) {
        COMPLAIN(r, node, "DATA_TYPE_MISMATCH", NULL, "a statement is a map");
        return;
    }
    check_elements(r, node);
    if (element(r, node, SID) != NULL)
        read_sid(r, element(r, node, SID), s);
    read_effect(r, node, s);
    what = one_of(r, node, ACTION, NOT_ACTION, "MISSING_ACTION");
    if (what != NULL)
        s->actions = read_texts(r, what, &actions);
    s->not_action = what != NULL && what == element(r, node, NOT_ACTION);
    read_ends(r, node, s);
    if (element(r, node, CONDITION) != NULL)
        read_conditions(r, element(r, node, CONDITION), s);
}

static void
read_statements(Reader *r, const RbYaml *node)
{
    gboolean single = rb_yaml_kind(node) == RB_YAML_MAP;
    guint n = single ? 1 : rb_yaml_size(node);
    RbPolicyStatement *at = rb_policy_alloc(r->policy, n, sizeof *at);

    if (rb_yaml_kind(node) == RB_YAML_SCALAR || n == 0)
        COMPLAIN(r, node, "MISSING_STATEMENT", NULL, "no statements");
    for (guint i = 0; i < n; i++)
        read_statement(r, single ? node : rb_yaml_item(node, i), &at[i]);
    r->policy->statements = at;
    r->policy->n_statements = n;
}

/* ---- documents ---- */

static void
read_head(Reader *r, const RbYaml *root)
{
    static const char *const known[] = { "Version", "Id", "Statement", NULL };
    const RbYaml *version = rb_yaml_get(root, "Version"), *id = rb_yaml_get(root, "Id");
    const char *text = version == NULL ? NULL : rb_yaml_text(version);
    g_autofree char *quoted = rb_text_quote(text == NULL ? "" : text);

    check_case(r, root, TRUE);
    for (guint i = 0; i < rb_yaml_size(root); i++) {
        const RbYaml *key = rb_yaml_key(root, i);
        g_autofree char *name = rb_text_quote(rb_yaml_text(key));
        if (!g_strv_contains(known, rb_yaml_text(key)))
            COMPLAIN(r, key, "INVALID_POLICY_ELEMENT", "known: Version, Id, Statement", "unknown key %s",
                     name);
    }
    if (version != NULL && g_strcmp0(text, "2012-10-17") != 0 && g_strcmp0(text, "2008-10-17") != 0)
        COMPLAIN(r, version, "INVALID_VERSION", "write 2012-10-17", "%s is not a version", quoted);
    if (id != NULL && (rb_yaml_text(id) == NULL || r->policy->kind == RB_POLICY_IDENTITY))
        COMPLAIN(r, id, "INVALID_POLICY_ELEMENT", "leave it out", "an Id has no place here");
    r->policy->version = rb_policy_keep(r->policy, text);
    r->policy->id = id == NULL || rb_yaml_text(id) == NULL ? NULL : text_of(r, id).text;
    if (rb_yaml_get(root, "Statement") == NULL)
        COMPLAIN(r, root, "MISSING_STATEMENT", NULL, "'Statement' is missing");
    else
        read_statements(r, rb_yaml_get(root, "Statement"));
}

static RbPolicy *
finish(Reader *r, guint before)
{
    g_hash_table_unref(r->sids);
    if (rb_diagnostics_count(r->problems) == before)
        return r->policy;
    rb_policy_unref(r->policy);
    return NULL;
}

static Reader
begin(RbPolicyKind kind, const char *file, const char *const *names, RbDiagnostics *problems)
{
    RbPolicy *policy = rb_policy_new(kind);

    return (Reader){ policy, problems, names, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                     rb_policy_keep(policy, file) };
}

RbPolicy *
rb_policy_read_document(RbPolicyKind kind, const char *file, const RbYaml *root, RbDiagnostics *problems)
{
    guint before = rb_diagnostics_count(problems);
    Reader r = begin(kind, file, in_json, problems);

    if (rb_yaml_kind(root) != RB_YAML_MAP)
        COMPLAIN(&r, root, "DATA_TYPE_MISMATCH", NULL, "a policy is an object");
    else
        read_head(&r, root);
    return finish(&r, before);
}

RbPolicy *
rb_policy_read(RbPolicyKind kind, const RbYaml *list, RbDiagnostics *problems)
{
    guint before = rb_diagnostics_count(problems);
    Reader r = begin(kind, rb_yaml_file(list), in_yaml, problems);

    r.policy->version = "2012-10-17";
    if (rb_yaml_kind(list) != RB_YAML_LIST)
        COMPLAIN(&r, list, "DATA_TYPE_MISMATCH", NULL, "statements are a list");
    else
        read_statements(&r, list);
    return finish(&r, before);
}
