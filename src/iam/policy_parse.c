#include "iam/policy_priv.h"

#include <string.h>

/* Documents in JSON. jansson says what they are, libyaml where each text stands; both must have read the
 * same. */

/* The document as JSON, all of it strictly; NULL after the mistake was told. */
static json_t *
parse_json(const char *file, GBytes *bytes, RbDiagnostics *problems)
{
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    json_error_t why;
    json_t *json;

    if (size > RB_POLICY_MAX_SIZE) {
        rb_diagnostics_finding(problems, RB_SEVERITY_ERROR, "POLICY_SIZE_EXCEEDS_QUOTA",
                               (RbPlace){ file, 1, 1 }, NULL, "longer than the %d bytes that IAM takes",
                               RB_POLICY_MAX_SIZE);
        return NULL;
    }
    rb_diagnostics_source(problems, file, bytes);
    json = json_loadb(size == 0 ? "" : data, size, JSON_REJECT_DUPLICATES, &why);
    if (json == NULL)
        rb_diagnostics_finding(problems, RB_SEVERITY_ERROR, "JSON_SYNTAX_ERROR",
                               (RbPlace){ file, (guint)MAX(why.line, 1), (guint)MAX(why.column, 1) }, NULL,
                               "%s", why.text);
    return json;
}

/*
 * Two things that JSON has and libyaml refuses, written as it likes them; every text keeps its place: a tab
 * between texts becomes a space, and a colon follows its key at once, with the white space behind it.
 */
static GBytes *
tidy(GBytes *json)
{
    gsize size, end = 0; /* @end: behind the last text */
    char *text = g_bytes_unref_to_data(g_bytes_ref(json), &size);
    gboolean inside = FALSE;

    for (gsize i = 0; i < size; i++) {
        if (inside && text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            inside = !inside;
            end = i + 1;
        } else if (!inside && text[i] == '\t') {
            text[i] = ' ';
        } else if (!inside && text[i] == ':' && i > end) {
            memmove(text + end + 1, text + end, i - end);
            text[end] = ':';
        }
    }
    return g_bytes_new_take(text, size);
}

/* Whether the tree with places says what the strict JSON reader read. A number's spelling is its own. */
static gboolean
same(const json_t *json, const RbYaml *node)
{
    const char *key;
    json_t *value;

    if (json_is_object(json)) {
        if (rb_yaml_kind(node) != RB_YAML_MAP || json_object_size(json) != rb_yaml_size(node))
            return FALSE;
        json_object_foreach((json_t *)json, key,
                            value) if (rb_yaml_get(node, key) == NULL ||
                                       !same(value, rb_yaml_get(node, key))) return FALSE;
        return TRUE;
    }
    if (json_is_array(json)) {
        if (rb_yaml_kind(node) != RB_YAML_LIST || json_array_size(json) != rb_yaml_size(node))
            return FALSE;
        for (guint i = 0; i < rb_yaml_size(node); i++)
            if (!same(json_array_get(json, i), rb_yaml_item(node, i)))
                return FALSE;
        return TRUE;
    }
    return rb_yaml_kind(node) == RB_YAML_SCALAR && rb_yaml_quoted(node) == json_is_string(json) &&
           (!json_is_string(json) || g_str_equal(json_string_value(json), rb_yaml_text(node)));
}

RbPolicy *
rb_policy_parse(RbPolicyKind kind, const char *file, GBytes *bytes, RbDiagnostics *problems)
{
    json_t *json = parse_json(file, bytes, problems);
    g_autoptr(GBytes) tidied = json == NULL ? NULL : tidy(bytes);
    g_autoptr(RbYamlDocument) document = json == NULL ? NULL : rb_yaml_parse(file, tidied, problems);
    gboolean agreed = document != NULL && same(json, rb_yaml_root(document));

    json_decref(json);
    if (document == NULL)
        return NULL;
    if (agreed)
        return rb_policy_read_document(kind, file, rb_yaml_root(document), problems);
    rb_diagnostics_finding(problems, RB_SEVERITY_ERROR, "JSON_SYNTAX_ERROR", (RbPlace){ file, 1, 1 },
                           "write every text on one line, without rare escapes",
                           "two readers understand this document differently");
    return NULL;
}
